"""From levers to runs taken out of, and put into, the timetable of each kind of day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.commute.variants import with_timetables
from mobility.engine.journeys import TwoWay
from mobility.remedies.model import DayNetwork, Lever, networks
from mobility.timetable.arrays import RunArrays, Timetable
from mobility.timetable.change import with_runs

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Patch:
    """What levers change in one timetable.

    Attributes
    ----------
    removed : int64[]
        Runs taken out, ascending.
    added
        Runs put in, in any order.
    """

    removed: Int64
    added: RunArrays


def no_runs() -> RunArrays:
    """Return an empty set of runs."""
    empty = np.zeros(0, np.int32)
    off = np.zeros(0, np.bool_)
    return RunArrays(
        np.zeros(1, np.int64), empty, empty, empty, off, off, empty, np.zeros(0, np.int8)
    )


def join_runs(parts: Sequence[RunArrays]) -> RunArrays:
    """Return the runs of all parts, in their order."""
    if not parts:
        return no_runs()
    sizes = [int(p.run_ptr[-1]) for p in parts]
    starts = np.cumsum([0, *sizes[:-1]])
    ptr = [p.run_ptr[1:] + s for p, s in zip(parts, starts, strict=True)]
    flat = [np.concatenate(arrays) for arrays in zip(*(p[1:] for p in parts), strict=True)]
    return RunArrays(np.concatenate([np.zeros(1, np.int64), *ptr]), *flat)


def _one_run(network: DayNetwork, run: int) -> RunArrays:
    runs, span = network.runs, network.span(run)
    return RunArrays(
        np.array([0, span.stop - span.start], np.int64),
        runs.call_stop[span],
        runs.call_arr[span],
        runs.call_dep[span],
        runs.call_board[span],
        runs.call_alight[span],
        runs.call_trip[span],
        runs.run_day[run : run + 1],
    )


def patch(nets: dict[str, DayNetwork], kind: str, levers: Iterable[Lever]) -> Patch:
    """Return what levers change in the timetable of one kind of day, all together.

    Parameters
    ----------
    nets
        Every studied kind of day, see `networks`.
    kind
        The kind of day.
    levers
        Levers on different trips, applied in their order.
    """
    network = nets[kind]
    edits: dict[int, list[Lever]] = {}
    added: list[RunArrays] = []
    for lever in levers:
        if lever.kind == "lift_school":
            added += _lifted(nets, kind, lever)
            continue
        for run in network.runs_of(lever.trips).tolist():
            if lever.kind == "add_run":
                added.append(_moved(_only_trips(_one_run(network, run), lever), lever))
            else:
                edits.setdefault(run, []).append(lever)
    for run, wanted in edits.items():
        edited = _one_run(network, run)
        for lever in wanted:
            edited = _edited(edited, lever)
        added.append(_mended(edited))
    return Patch(np.array(sorted(edits), np.int64), join_runs(added))


def _edited(run: RunArrays, lever: Lever) -> RunArrays:
    if lever.is_move:
        return _moved(run, lever)
    if lever.kind == "extend":
        return _extended(run, lever)
    return _with_stop(run, lever) if lever.kind == "stop" else _held(run, lever)


def _moved(run: RunArrays, lever: Lever) -> RunArrays:
    """Move the calls of the lever's trips."""
    by = np.where(np.isin(run.call_trip, lever.trips), lever.shift_s, 0).astype(np.int32)
    return run._replace(call_arr=run.call_arr + by, call_dep=run.call_dep + by)


def _held(run: RunArrays, lever: Lever) -> RunArrays:
    """Delay a trip's departure from one stop, and all its later calls."""
    mine = np.isin(run.call_trip, lever.trips)
    here = np.flatnonzero(mine & (run.call_stop == lever.stop))
    if not here.size:
        return run
    later = mine & (np.arange(mine.size) > here[0])
    dep_by = np.where(later, lever.shift_s, 0).astype(np.int32)
    arr_by = dep_by.copy()
    dep_by[here[0]] = lever.shift_s
    return run._replace(call_arr=run.call_arr + arr_by, call_dep=run.call_dep + dep_by)


def _with_stop(run: RunArrays, lever: Lever) -> RunArrays:
    """Call at a new stop on the way: later calls of the trip are late by the time it takes."""
    share = {(one, two): part for one, two, part in lever.legs}
    # From the end, so that earlier places stay where they are.
    for k in range(run.call_stop.size - 2, -1, -1):
        part = share.get((int(run.call_stop[k]), int(run.call_stop[k + 1])))
        trip = int(run.call_trip[k])
        if part is None or trip not in lever.trips or int(run.call_trip[k + 1]) != trip:
            continue
        at, left_s = k + 1, int(run.call_dep[k])
        time_s = left_s + round(part * (int(run.call_arr[at]) - left_s))
        mine = run.call_trip[at:] == trip
        later = np.where(mine, lever.shift_s, 0).astype(np.int32)
        arr, dep = run.call_arr.copy(), run.call_dep.copy()
        arr[at:] += later
        dep[at:] += later
        run = RunArrays(
            run.run_ptr + np.array([0, 1]),
            np.insert(run.call_stop, at, lever.stop).astype(np.int32),
            np.insert(arr, at, time_s).astype(np.int32),
            np.insert(dep, at, time_s + lever.shift_s).astype(np.int32),
            np.insert(run.call_board, at, True),
            np.insert(run.call_alight, at, True),
            np.insert(run.call_trip, at, trip).astype(np.int32),
            run.run_day,
        )
    return run


def _extended(run: RunArrays, lever: Lever) -> RunArrays:
    """Carry a trip on to a gate, or start it there."""
    mine = np.flatnonzero(np.isin(run.call_trip, lever.trips))
    at = int(mine[0]) if lever.at_start else int(mine[-1]) + 1
    end = int(mine[0]) if lever.at_start else int(mine[-1])
    time_s = (
        run.call_dep[end] - lever.drive_s if lever.at_start else run.call_arr[end] + lever.drive_s
    )
    board, alight = run.call_board.copy(), run.call_alight.copy()
    if lever.at_start:
        alight[end] = True
    else:
        board[end] = True
    return RunArrays(
        run.run_ptr + np.array([0, 1]),
        np.insert(run.call_stop, at, lever.stop).astype(np.int32),
        np.insert(run.call_arr, at, time_s).astype(np.int32),
        np.insert(run.call_dep, at, time_s).astype(np.int32),
        np.insert(board, at, True),
        np.insert(alight, at, True),
        np.insert(run.call_trip, at, run.call_trip[end]).astype(np.int32),
        run.run_day,
    )


def pick_calls(
    runs: RunArrays, calls: Int64, run_ptr: Int64, run_day: NDArray[np.int8]
) -> RunArrays:
    """Return runs made of some calls of others, in the order given."""
    return RunArrays(
        run_ptr,
        runs.call_stop[calls],
        runs.call_arr[calls],
        runs.call_dep[calls],
        runs.call_board[calls],
        runs.call_alight[calls],
        runs.call_trip[calls],
        run_day,
    )


def _only_trips(run: RunArrays, lever: Lever) -> RunArrays:
    """Keep the calls of the lever's trips: a copy of a trip is not its vehicle's whole day."""
    kept = np.isin(run.call_trip, lever.trips)
    if kept.all():
        return run
    ptr = np.array([0, int(kept.sum())], np.int64)
    return pick_calls(run, np.flatnonzero(kept), ptr, run.run_day)


def _mended(run: RunArrays) -> RunArrays:
    """Part a run where one trip now ends after the next begins: two vehicles then.

    Riders who stay aboard from one trip to the next do so only while the vehicle can.
    """
    joint = np.flatnonzero(run.call_trip[1:] != run.call_trip[:-1]) + 1
    if not joint.size:
        return run
    arr = run.call_arr.copy()
    # Nobody alights at the first call of a joined trip: its arrival only has to be in order.
    arr[joint] = np.minimum(run.call_dep[joint], np.maximum(arr[joint], arr[joint - 1]))
    cuts = joint[run.call_dep[joint] < arr[joint - 1]]
    ptr = np.concatenate([[0], cuts, [arr.size]]).astype(np.int64)
    return run._replace(run_ptr=ptr, call_arr=arr, run_day=np.repeat(run.run_day, ptr.size - 1))


def _lifted(nets: dict[str, DayNetwork], kind: str, lever: Lever) -> list[RunArrays]:
    """Return the runs that a trip of one kind of day makes on another."""
    if kind not in lever.day_kinds:
        return []
    own, source = nets[kind], nets[lever.source_day]
    there = own.runs_of(lever.trips)
    served = set(own.timetable.run_day[there].tolist())
    return [
        _only_trips(_one_run(source, run), lever)
        for run in source.runs_of(lever.trips).tolist()
        if int(source.timetable.run_day[run]) not in served
    ]


def patched(network: DayNetwork, change: Patch) -> Timetable:
    """Return the timetable with a patch applied."""
    removed = [int(run) for run in change.removed]
    return with_runs(network.timetable, added=change.added, removed=removed)


def what_if(study: Study, levers: Sequence[Lever], *, name: str = "") -> Study:
    """Return the study with levers pulled, to be assessed like any other.

    Parameters
    ----------
    study
        From `with_gate_stops` when a lever is an extension.
    levers
        Levers on different trips.
    name
        Name of the scenario.
    """
    nets = networks(study)
    timetables = {
        kind: TwoWay(patched(network, patch(nets, kind, levers))) for kind, network in nets.items()
    }
    return with_timetables(study, timetables, scenario=name)
