"""Levers tried on a plain shift edge: its labels are repaired, member by member of families."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from mobility.remedies.family import Families
from mobility.remedies.trial import EdgeEffect, effects_of
from mobility.remedies.window import Window
from mobility.timetable.arrays import Bool, Int32, Int64


class Tried(NamedTuple):
    """Families as kernels see them, see `Families`."""

    removed: Int64
    removed_ptr: Int64
    added_ptr: Int64
    member: Int32
    first: Int64


class Repair:
    """Families tried on a window of which `Window.is_plain` is true.

    The answers are those of `mobility.remedies.trial.Trial`, which scans the changed window
    whole.

    Parameters
    ----------
    near : int64[]
        Those that have a run in the window; all by default.
    """

    def __init__(self, window: Window, tried: Families, near: Int64 | None = None) -> None:
        self.window, self._tried = window, tried
        count = tried.first.size - 1
        #: Families of which not all is known yet.
        self._left = np.zeros(count, bool)
        self._left[np.arange(count) if near is None else near] = True
        #: Homes that change, and their new times, by member; by ``-1 - family`` of the rest.
        self._rows: dict[int, tuple[Int32, Int32]] = {}

    def turning(self) -> set[int]:
        """Return the members by which a home may begin, or cease, to hold this edge."""
        turned = self._try(np.flatnonzero(self._left), np.zeros(0, bool))
        found = {member for member in turned if member >= 0}
        for member in turned:
            if member < 0:
                low, high = self._tried.first[[-1 - member, -member]].tolist()
                found.update(one for one in range(low, high) if one not in self._rows)
        return found

    def effects(
        self, members: Collection[int] | None = None, *, keep_times: bool = False
    ) -> dict[int, EdgeEffect]:
        """Return the members that change the edge's answers, all or some asked for."""
        first = self._tried.first
        wanted = np.array(sorted(range(int(first[-1])) if members is None else members), np.int64)
        number = first.searchsorted(wanted, side="right") - 1
        asked = np.zeros(int(first[-1]), bool)
        asked[wanted] = True
        asked[[member for member in self._rows if member >= 0]] = False
        self._try(np.unique(number[self._left[number] & asked[wanted]]), asked)
        row_of = {
            member: member if member in self._rows else -1 - family
            for member, family in zip(wanted.tolist(), number.tolist(), strict=True)
        }
        told = self._effects(sorted(set(row_of.values()) & self._rows.keys()), keep_times)
        return {member: told[row] for member, row in row_of.items() if row in told}

    def _try(self, numbers: Int64, asked: Bool) -> list[int]:
        """Try some families; return the members, or the rest of some, by which someone turns."""
        if not numbers.size:
            return []
        # Loading the compiler takes half a second, which nobody waits for who asks nothing.
        from mobility.remedies.members import IDLE, PARTLY, try_families

        window, tried = self.window, self._tried
        state, member_of, ptr, turned, homes, elapsed_s = try_families(
            window.labelled,
            window.bounds,
            Tried(tried.removed, tried.removed_ptr, tried.added_ptr, tried.member, tried.first),
            tried.mirrored if window.edge.returning else tried.added,
            window.run_ids,
            numbers,
            asked,
        )
        # Of those asked for by name, others of the family may be asked for later.
        known = state == IDLE if asked.size else state != PARTLY
        self._left[numbers[known]] = False
        ends = ptr.tolist()
        for member, low, high in zip(member_of.tolist(), ends, ends[1:], strict=False):
            self._rows[member] = homes[low:high], elapsed_s[low:high]
        found: list[int] = member_of[turned].tolist()
        return found

    def _effects(self, rows: Sequence[int], keep_times: bool) -> dict[int, EdgeEffect]:
        """Return what changes by each of some rows that changes anything."""
        told = [(row, *self._rows[row]) for row in rows if self._rows[row][0].size]
        if not told:
            return {}
        each, sizes = range(len(told)), [homes.size for _, homes, _ in told]
        homes, elapsed_s = (np.concatenate([one[k] for one in told]) for k in (1, 2))
        place = np.repeat(each, sizes)
        order = np.lexsort((homes, place))
        return dict(
            zip(
                (row for row, _, _ in told),
                effects_of(self.window, homes[order], elapsed_s[order], place, keep_times),
                strict=True,
            )
        )
