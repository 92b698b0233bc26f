"""Full runs of levers and moved hours, in which what they leave as it was is asked once for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mobility.base.cache import content_hash
from mobility.commute.access import Access, assess
from mobility.commute.study import Study, Timetables
from mobility.commute.untouched import HoursBeside, Spans, ask_beside, run_spans
from mobility.commute.variants import with_timetables
from mobility.commute.white_zones import Bool, Hours
from mobility.engine.journeys import TwoWay
from mobility.remedies.model import DayNetwork, Lever, networks
from mobility.timetable.arrays import Int64, RunArrays, join_runs
from mobility.timetable.change import with_runs
from mobility.timetable.trips import mended, moved, one_run, only_trips, without_trips

Item = TypeVar("Item", bound=np.generic)


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
                copy = only_trips(one_run(network, run), lever.trips)
                added.append(moved(copy, lever.trips, lever.shift_s))
            else:
                edits.setdefault(run, []).append(lever)
    for run, wanted in edits.items():
        edited = one_run(network, run)
        for lever in wanted:
            edited = _edited(edited, lever)
        if edited.call_trip.size:
            added.append(mended(edited))
    return Patch(np.array(sorted(edits), np.int64), join_runs(added))


def _edited(run: RunArrays, lever: Lever) -> RunArrays:
    if lever.is_move:
        return moved(run, lever.trips, lever.shift_s)
    if lever.kind == "remove":
        return without_trips(run, lever.trips)
    if lever.kind == "extend":
        return _extended(run, lever)
    return _with_stop(run, lever) if lever.kind == "stop" else _held(run, lever)


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
            _with(run.call_stop, at, lever.stop),
            _with(arr, at, time_s),
            _with(dep, at, time_s + lever.shift_s),
            _with(run.call_board, at, True),
            _with(run.call_alight, at, True),
            _with(run.call_trip, at, trip),
            run.run_day,
        )
    return run


def _with(column: NDArray[Item], at: int, value: int) -> NDArray[Item]:
    """Return a column of calls with one more; `numpy.insert` takes ten times as long."""
    return np.concatenate([column[:at], np.array([value], column.dtype), column[at:]])


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
        _with(run.call_stop, at, lever.stop),
        _with(run.call_arr, at, time_s),
        _with(run.call_dep, at, time_s),
        _with(board, at, True),
        _with(alight, at, True),
        _with(run.call_trip, at, run.call_trip[end]),
        run.run_day,
    )


def _lifted(nets: dict[str, DayNetwork], kind: str, lever: Lever) -> list[RunArrays]:
    """Return the runs that a trip of one kind of day makes on another."""
    if kind not in lever.day_kinds:
        return []
    own, source = nets[kind], nets[lever.source_day]
    there = own.runs_of(lever.trips)
    served = set(own.timetable.run_day[there].tolist())
    return [
        only_trips(one_run(source, run), lever.trips)
        for run in source.runs_of(lever.trips).tolist()
        if int(source.timetable.run_day[run]) not in served
    ]


def _patched(two_way: TwoWay, change: Patch) -> TwoWay:
    """Return the timetable with a patch applied."""
    if not change.removed.size and not change.added.run_day.size:
        return two_way
    return TwoWay(with_runs(two_way.timetable, added=change.added, removed=change.removed.tolist()))


def patches(nets: dict[str, DayNetwork], levers: Sequence[Lever]) -> dict[str, Patch]:
    """Return what levers change, all together, on each kind of day."""
    return {kind: patch(nets, kind, levers) for kind in nets}


def patched(study: Study, changes: Mapping[str, Patch], *, name: str = "") -> Study:
    """Return the study with patches applied, see `what_if`."""

    def make(kind: str) -> TwoWay:
        return _patched(study.timetables[kind], changes[kind])

    timetables = Timetables({kind: partial(make, kind) for kind in changes})
    return with_timetables(study, timetables, scenario=name)


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
    return patched(study, patches(networks(study), levers), name=name)


class FullRuns:
    """Assessments of a study with its timetable, or its hours, changed.

    Parameters
    ----------
    study
        As it is, with the stops that levers need.
    nets
        Its timetables.
    content
        Hash of all that its results follow from but its sites, empty where nobody knows: what is
        found is kept by it, as that of other studies is (`Study.content`).
    """

    def __init__(self, study: Study, nets: dict[str, DayNetwork], content: str = "") -> None:
        self._study, self._nets, self._content = study, nets, content
        self._rest: dict[object, Bool] = {}

    def access(self, levers: Sequence[Lever], hours: Study | None = None) -> tuple[Access, Hours]:
        """Return the assessment with levers pulled, and its best hours to be asked.

        Parameters
        ----------
        hours
            The study with hours of shifts moved, see `shift_hours.with_hours`.
        """
        changes = patches(self._nets, levers)
        spans = Spans(lambda kind: _spans_of(self._nets, changes, kind))
        after = patched(self._study if hours is None else hours, changes)
        if self._content:
            parts = [(kind, one.removed, tuple(one.added)) for kind, one in changes.items()]
            object.__setattr__(after, "content", content_hash([self._content, *parts]))
        ask_beside(after, self._study, spans)
        return assess(after), HoursBeside(self._study, spans, self._rest)


def _spans_of(nets: Mapping[str, DayNetwork], changes: Mapping[str, Patch], kind: str) -> Int64:
    """Return when runs taken out, or put in, are on the way on a kind of day, int64[runs, 2]."""
    one = changes[kind]
    count = one.added.run_ptr.size - 1
    return np.concatenate(
        [run_spans(nets[kind].timetable, one.removed), run_spans(one.added, np.arange(count))]
    )
