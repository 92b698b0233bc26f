"""What levers change in a timetable: patches of it, and families of levers on the same runs.

Families are tried in one go, many of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Int32, Int64
from mobility.remedies.model import DayNetwork, Lever
from mobility.timetable.arrays import RunArrays, join_runs, mirror_runs, take_runs
from mobility.timetable.change import mended, moved, one_run, only_trips, without_trips

_Item = TypeVar("_Item", bound=np.generic)
Unit = tuple[Lever, ...]

#: Kinds of levers that change a run made of one trip in a way that a kernel knows.
_WHOLE = ("move_trip", "move_line", "add_run", "hold", "extend")


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


def _with(column: NDArray[_Item], at: int, value: int) -> NDArray[_Item]:
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


@dataclass(frozen=True)
class Family:
    """Levers on the same runs of one kind of day, told apart by what they put in.

    Attributes
    ----------
    removed : int64[]
        Runs taken out by every member.
    added
        Runs put in by all members.
    member : int32[]
        Member of each of these runs.
    count
        Number of members; one without runs only takes the runs out.
    """

    removed: Int64
    added: RunArrays
    member: Int32
    count: int


@dataclass(frozen=True, eq=False)
class Families:
    """Families one after the other, their members numbered through.

    Attributes
    ----------
    removed, removed_ptr : int64[], int64[F + 1]
        Runs taken out by each.
    added, added_ptr : int64[F + 1]
        Runs put in by each.
    member : int32[]
        Member of each of these runs.
    first : int64[F + 1]
        First member of each, and their number.
    """

    removed: Int64
    removed_ptr: Int64
    added: RunArrays
    added_ptr: Int64
    member: Int32
    first: Int64

    @classmethod
    def of(cls, parts: Sequence[Families | Family]) -> Families:
        """Return families, or runs of them, as one."""
        each = [_alone(p) if isinstance(p, Family) else p for p in parts]
        if len(each) == 1:
            return each[0]
        firsts = [0, *accumulate(int(p.first[-1]) for p in each)]
        return cls(
            _joined(p.removed for p in each),
            _pointers(p.removed_ptr for p in each),
            join_runs([p.added for p in each]),
            _pointers(p.added_ptr for p in each),
            np.concatenate(
                [
                    np.zeros(0, np.int32),
                    *(p.member + at for p, at in zip(each, firsts, strict=False)),
                ]
            ).astype(np.int32),
            _pointers(p.first for p in each),
        )

    def family(self, k: int) -> Family:
        """Return one of them alone, its members numbered from 0."""
        low, high = self.added_ptr[k : k + 2].tolist()
        return Family(
            self.removed[self.removed_ptr[k] : self.removed_ptr[k + 1]],
            take_runs(self.added, np.arange(low, high)),
            (self.member[low:high] - self.first[k]).astype(np.int32),
            int(self.first[k + 1] - self.first[k]),
        )

    @cached_property
    def mirrored(self) -> RunArrays:
        """The added runs on the mirrored axis."""
        return mirror_runs(self.added)

    def near(self, network: DayNetwork, low_s: Int32, high_s: Int32) -> Bool:
        """Return which families have a run between some times, bool (times, F)."""
        ends = self.added.run_ptr
        start = np.concatenate([self.added.call_dep[ends[:-1]], network.start_s[self.removed]])
        end = np.concatenate([self.added.call_arr[ends[1:] - 1], network.end_s[self.removed]])
        parts = np.diff(self.added_ptr), np.diff(self.removed_ptr)
        owner = np.concatenate([np.repeat(np.arange(part.size), part) for part in parts])
        found = np.zeros((low_s.size, self.first.size - 1), bool)
        for row, low, high in zip(found, low_s.tolist(), high_s.tolist(), strict=True):
            row[owner[(start <= high) & (end >= low)]] = True
        return found


def _alone(one: Family) -> Families:
    sizes = one.removed.size, one.added.run_day.size, one.count
    removed, added, first = (np.array([0, size], np.int64) for size in sizes)
    return Families(one.removed, removed, one.added, added, one.member, first)


def _joined(arrays: Iterable[Int64]) -> Int64:
    return np.concatenate([np.zeros(0, np.int64), *arrays])


def _pointers(each: Iterable[Int64]) -> Int64:
    """Return the pointers of rows joined, from those of each part."""
    sizes = _joined(np.diff(ptr) for ptr in each)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def families(nets: dict[str, DayNetwork], units: Sequence[Unit]) -> dict[str, Families]:
    """Return, for each kind of day, the families of units of levers that touch the same runs each.

    Raises
    ------
    ValueError
        Levers of one unit do not.
    """
    edits = [_edits_of(unit) for unit in units]
    found = {}
    for kind, network in nets.items():
        parts = list[Families | Family]()
        moving = [_whole(network, unit, done) for unit, done in zip(units, edits, strict=True)]
        pairs = zip(units, moving, strict=True)
        for whole, group in groupby(pairs, lambda one: one[1] is not None):
            if whole:
                parts.append(_edited_runs(network, [one for _, one in group if one is not None]))
            else:
                parts += [_patches(nets, kind, unit) for unit, _ in group]
        found[kind] = Families.of(parts)
    return found


def _patches(nets: dict[str, DayNetwork], kind: str, levers: Unit) -> Family:
    changes = [patch(nets, kind, [lever]) for lever in levers]
    if any(not np.array_equal(c.removed, changes[0].removed) for c in changes):
        raise ValueError("levers of one family touch the same runs")
    sizes = [c.added.run_ptr.size - 1 for c in changes]
    return Family(
        changes[0].removed,
        join_runs([c.added for c in changes]),
        np.repeat(np.arange(len(levers), dtype=np.int32), sizes),
        len(levers),
    )


@dataclass(frozen=True)
class _Whole:
    """Runs changed from end to end by each lever of a unit, and what is done to them.

    ``edits`` are ``way``, ``by_s`` and ``stop`` of `mobility.remedies.kernel.Edits`, int32[L, 3].
    """

    runs: Int64
    edits: Int32
    stay: bool


def _edits_of(levers: Unit) -> Int32 | None:
    """Return what levers do to runs of a trip each, see `_Whole`; None where they do otherwise."""
    head = levers[0]
    if head.kind not in _WHOLE or any(
        lever.kind != head.kind or (lever.trips is not head.trips and lever.trips != head.trips)
        for lever in levers
    ):
        return None
    # Loading the compiler takes half a second, which nobody waits for who asks nothing.
    from mobility.remedies.kernel import BEGUN, CARRIED_ON, HELD, MOVED

    def edit(lever: Lever) -> tuple[int, int, int]:
        if lever.kind == "extend":
            return BEGUN if lever.at_start else CARRIED_ON, lever.drive_s, lever.stop
        return HELD if lever.kind == "hold" else MOVED, lever.shift_s, lever.stop

    return np.array([edit(lever) for lever in levers], np.int32)


def _whole(network: DayNetwork, levers: Unit, edits: Int32 | None) -> _Whole | None:
    if edits is None:
        return None
    runs = network.runs_of(levers[0].trips)
    if runs.size and not network.is_single[runs].all():
        return None
    return _Whole(runs, edits, levers[0].kind == "add_run")


def together(nets: dict[str, DayNetwork], sets: Sequence[Sequence[Lever]]) -> dict[str, Families]:
    """Return, for each kind of day, a family of one member for each set, that pulls all of it."""
    found = {}
    for kind in nets:
        known: dict[Lever, Patch] = {}
        parts = [_together(nets, kind, levers, known) for levers in sets]
        found[kind] = Families.of(parts)
    return found


def _together(
    nets: dict[str, DayNetwork], kind: str, levers: Sequence[Lever], known: dict[Lever, Patch]
) -> Family:
    """Return the family that pulls levers at once; ``known`` are patches of each alone."""
    for lever in levers:
        if lever not in known:
            known[lever] = patch(nets, kind, [lever])
    each = [known[lever] for lever in levers]
    removed = np.unique(_joined(one.removed for one in each))
    if removed.size < sum(one.removed.size for one in each):  # a run that several change
        change = patch(nets, kind, levers)
    else:
        change = Patch(removed, join_runs([one.added for one in each]))
    count = change.added.run_ptr.size - 1
    return Family(change.removed, change.added, np.zeros(count, np.int32), 1)


def _edited_runs(network: DayNetwork, units: Sequence[_Whole]) -> Families:
    """Return whole runs changed, or copied, by each lever of their unit."""
    from mobility.remedies.kernel import Edits, edited_runs

    def pointers(sizes: list[int]) -> NDArray[np.int64]:
        return np.cumsum([0, *sizes], dtype=np.int64)

    first = pointers([len(one.edits) for one in units])
    way, by_s, stop = np.concatenate([one.edits for one in units]).T.copy()
    added, member = edited_runs(
        network.runs,
        _joined(one.runs for one in units),
        pointers([one.runs.size for one in units]),
        Edits(way.astype(np.int8), by_s, stop, first),
    )
    gone = [one.runs[:0] if one.stay else one.runs for one in units]
    return Families(
        _joined(gone),
        pointers([runs.size for runs in gone]),
        RunArrays(*added),
        pointers([one.runs.size * len(one.edits) for one in units]),
        member,
        first,
    )
