"""Families of levers: those on the same runs, tried in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mobility.remedies.model import DayNetwork, Lever
from mobility.remedies.patch import patch
from mobility.timetable.arrays import Int32, Int64, RunArrays, mirror_runs, take_runs
from mobility.timetable.trips import join_runs, pick_calls


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
    def mirrored(self) -> RunArrays:
        """The added runs on the mirrored axis."""
        return mirror_runs(self.added)

    @cached_property
    def start_s(self) -> Int32:
        """First departure of each added run, axis seconds."""
        return self.added.call_dep[self.added.run_ptr[:-1]]

    @cached_property
    def end_s(self) -> Int32:
        """Last arrival of each added run, axis seconds."""
        return self.added.call_arr[self.added.run_ptr[1:] - 1]


def family(nets: dict[str, DayNetwork], kind: str, levers: list[Lever]) -> Family:
    """Return the family of levers that all touch the same runs.

    Raises
    ------
    ValueError
        They do not.
    """
    runs = _whole_runs(nets[kind], levers)
    if runs is not None:
        shifts = np.array([lever.shift_s for lever in levers], np.int32)
        found = _moves(nets[kind], runs, shifts)
        return found if levers[0].is_move else replace(found, removed=np.zeros(0, np.int64))
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


def _whole_runs(network: DayNetwork, levers: Sequence[Lever]) -> Int64 | None:
    """Return the runs that levers move, or copy, from end to end; None where they do otherwise."""
    head = levers[0]
    if not (head.is_move or head.kind == "add_run") or any(
        lever.trips != head.trips or lever.kind != head.kind for lever in levers
    ):
        return None
    runs = network.runs_of(head.trips)
    return runs if network.is_single[runs].all() else None


def together(nets: dict[str, DayNetwork], kind: str, levers: list[Lever]) -> Family:
    """Return the family of one member that pulls all the levers at once."""
    change = patch(nets, kind, levers)
    count = change.added.run_ptr.size - 1
    return Family(change.removed, change.added, np.zeros(count, np.int32), 1)


def _moves(network: DayNetwork, runs: Int64, shifts_s: Int32) -> Family:
    """Return whole runs moved by each of some seconds, a member each."""
    if not runs.size:
        return Family(runs, join_runs([]), np.zeros(0, np.int32), shifts_s.size)
    base = take_runs(network.runs, runs)
    n_runs, n_calls, count = runs.size, int(base.run_ptr[-1]), shifts_s.size
    by = np.repeat(shifts_s, n_calls)
    ptr = np.arange(count, dtype=np.int64)[:, None] * n_calls + base.run_ptr[1:]
    calls = np.tile(np.arange(n_calls, dtype=np.int64), count)
    whole = np.concatenate([np.zeros(1, np.int64), ptr.ravel()])
    added = pick_calls(base, calls, whole, np.tile(base.run_day, count))
    added = added._replace(call_arr=added.call_arr + by, call_dep=added.call_dep + by)
    return Family(runs, added, np.repeat(np.arange(count, dtype=np.int32), n_runs), count)
