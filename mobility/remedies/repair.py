"""Levers tried on a plain shift edge: its labels are repaired, member by member of a family."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from mobility.remedies.family import Family
from mobility.remedies.trial import EdgeEffect, effect_of
from mobility.remedies.window import Window
from mobility.timetable.arrays import INF, Bool, Int32


class Repair:
    """A family tried on a window of which `Window.is_plain` is true.

    The answers are those of `mobility.remedies.trial.Trial`, which scans the changed window
    whole.
    """

    def __init__(self, window: Window, tried: Family) -> None:
        self.window, self._family = window, tried
        self._idle, self._rows = False, dict[int, tuple[Int32, Int32]]()

    def turning(self) -> set[int]:
        """Return the members by which a home may begin, or cease, to hold this edge."""
        self._idle, self._rows = self._tried(np.zeros(0, bool))
        if not self._rows:
            return set()
        held = self.window.holds
        found = {
            member
            for member, (homes, elapsed_s) in self._rows.items()
            if ((elapsed_s < INF) != held[homes]).any()
        }
        if -1 in found:
            found |= self._others()
        return found - {-1}

    def effects(
        self, members: Collection[int] | None = None, *, keep_times: bool = False
    ) -> dict[int, EdgeEffect]:
        """Return the members that change the edge's answers, all or some asked for."""
        count = self._family.count
        wanted = sorted(range(count) if members is None else members)
        if self._idle or not wanted:
            return {}
        if not self._rows:
            asked = np.zeros(count, bool)
            asked[wanted] = True
            _, self._rows = self._tried(asked)
        rows = self._rows
        found = {m: self._effect(m, keep_times) for m in rows if m < 0 or m in wanted}
        others = self._others()
        effects = {m: found.get(-1 if m in others else m) for m in wanted}
        return {m: effect for m, effect in effects.items() if effect is not None}

    def _others(self) -> set[int]:
        """Return the members that only take runs out."""
        return set(range(self._family.count)).difference(self._rows)

    def _tried(self, asked: Bool) -> tuple[bool, dict[int, tuple[Int32, Int32]]]:
        # Loading the compiler takes half a second, which nobody waits for who asks nothing.
        from mobility.remedies.members import try_members

        window, tried = self.window, self._family
        put = tried.mirrored if window.edge.returning else tried.added
        idle, members, ptr, homes, elapsed_s = try_members(
            window.labelled, window.bounds, put, tried.member,
            window.run_ids, tried.removed, tried.count, asked,
        )  # fmt: skip
        ends = ptr.tolist()
        return idle, {
            member: (homes[low:high], elapsed_s[low:high])
            for member, low, high in zip(members.tolist(), ends, ends[1:], strict=False)
        }

    def _effect(self, member: int, keep_times: bool) -> EdgeEffect | None:
        homes, elapsed_s = self._rows[member]
        if not homes.size:
            return None
        order = np.argsort(homes)
        return effect_of(self.window, homes[order], elapsed_s[order], {}, keep_times)
