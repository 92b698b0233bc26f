"""Families of levers: those on the same runs, tried in one go, and many of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

import numpy as np
from numpy.typing import NDArray

from mobility.remedies.full_runs import patch
from mobility.remedies.model import DayNetwork, Lever
from mobility.timetable.arrays import (
    Bool,
    Int32,
    Int64,
    RunArrays,
    join_runs,
    mirror_runs,
    take_runs,
)

Unit = tuple[Lever, ...]

#: Kinds of levers that change a run made of one trip in a way that a kernel knows.
_WHOLE = ("move_trip", "move_line", "add_run", "hold", "extend")


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

    @cached_property
    def start_s(self) -> Int32:
        """First departure of each added run, axis seconds."""
        return self.added.call_dep[self.added.run_ptr[:-1]]

    @cached_property
    def end_s(self) -> Int32:
        """Last arrival of each added run, axis seconds."""
        return self.added.call_arr[self.added.run_ptr[1:] - 1]


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


def families(nets: dict[str, DayNetwork], kind: str, units: Sequence[Unit]) -> Families:
    """Return the families of units of levers that touch the same runs each.

    Raises
    ------
    ValueError
        Levers of one unit do not.
    """
    network, parts = nets[kind], list[Families | Family]()
    moving = [(unit, _whole_runs(network, unit)) for unit in units]
    for whole, group in groupby(moving, lambda one: one[1] is not None):
        if whole:
            parts.append(_edits(network, [(u, runs) for u, runs in group if runs is not None]))
        else:
            parts += [_patches(nets, kind, unit) for unit, _ in group]
    return Families.of(parts)


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


def _whole_runs(network: DayNetwork, levers: Unit) -> Int64 | None:
    """Return the runs that levers change from end to end; None where they do otherwise."""
    head = levers[0]
    if head.kind not in _WHOLE or any(
        lever.kind != head.kind or (lever.trips is not head.trips and lever.trips != head.trips)
        for lever in levers
    ):
        return None
    runs = network.runs_of(head.trips)
    return runs if network.is_single[runs].all() else None


def together(nets: dict[str, DayNetwork], kind: str, levers: list[Lever]) -> Families:
    """Return the family of one member that pulls all the levers at once."""
    change = patch(nets, kind, levers)
    count = change.added.run_ptr.size - 1
    return _alone(Family(change.removed, change.added, np.zeros(count, np.int32), 1))


def _edits(network: DayNetwork, units: Sequence[tuple[Unit, Int64]]) -> Families:
    """Return whole runs changed, or copied, by each lever of their unit."""
    # Loading the compiler takes half a second, which nobody waits for who asks nothing.
    from mobility.remedies.kernel import BEGUN, CARRIED_ON, HELD, MOVED, Edits, edited_runs

    def pointers(sizes: list[int]) -> NDArray[np.int64]:
        return np.cumsum([0, *sizes], dtype=np.int64)

    def edit(lever: Lever) -> tuple[int, int, int]:
        if lever.kind == "extend":
            return BEGUN if lever.at_start else CARRIED_ON, lever.drive_s, lever.stop
        return HELD if lever.kind == "hold" else MOVED, lever.shift_s, lever.stop

    picks = pointers([runs.size for _, runs in units])
    first = pointers([len(unit) for unit, _ in units])
    way, by_s, stop = (
        np.array([edit(lever) for unit, _ in units for lever in unit], np.int32)
        .reshape(-1, 3)
        .T.copy()
    )
    added, member = edited_runs(
        network.runs,
        _joined(runs for _, runs in units),
        picks,
        Edits(way.astype(np.int8), by_s, stop, first),
    )
    gone = [runs[:0] if unit[0].kind == "add_run" else runs for unit, runs in units]
    return Families(
        _joined(gone),
        pointers([runs.size for runs in gone]),
        RunArrays(*added),
        pointers([runs.size * len(unit) for unit, runs in units]),
        member,
        first,
    )
