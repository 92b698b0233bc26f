"""The commutes as they are, shift by shift and kind of day: their windows, and who holds them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Int32
from mobility.commute.access import Access, counting_modes
from mobility.commute.study import Study
from mobility.remedies.model import EdgeEffect, Effects
from mobility.remedies.modes import carried_modes, left_at_places, riding_modes
from mobility.remedies.window import Window
from mobility.timetable.arrays import INF

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Present:
    """The commutes as they are, against which levers are judged."""

    access: Access
    windows: tuple[Window, ...]

    @property
    def study(self) -> Study:
        """The study of the present."""
        return self.access.study

    @cached_property
    def keys(self) -> pd.DataFrame:
        """Shifts and kinds of day: ``shift_id``, ``day_kind``, ``site``, ``out``, ``back``.

        ``out`` and ``back`` are the windows of both edges.
        """
        place = {(w.site, w.day.kind, w.edge): w.index for w in self.windows if w.mode == "transit"}
        rows = []
        for day in self.study.days:
            for row in self.study.shift_rows:
                if self.study.works_on(row.shift_id, day):
                    edges = self.study.edges(row.shift_id, day)
                    out, back = (place[row.site, day.kind, edge] for edge in edges)
                    rows.append((row.shift_id, day.kind, row.site, row.roster, out, back))
        return pd.DataFrame(rows, columns=["shift_id", "day_kind", "site", "roster", "out", "back"])

    def shift_of(self, key: int) -> int:
        """Return the shift of a key."""
        return int(self.keys["shift_id"].to_numpy()[key])

    @cached_property
    def ends(self) -> list[tuple[int, int]]:
        """Windows of both edges of each key."""
        return list(self.keys[["out", "back"]].itertuples(index=False, name=None))

    @cached_property
    def sites(self) -> list[int]:
        """Site of each key."""
        return [int(s) for s in self.keys["site"]]

    @cached_property
    def _carried(self) -> dict[str, list[tuple[int, int]]]:
        """Windows of both edges of each key, per mode by which a bicycle is taken along."""
        place = {(w.site, w.day.kind, w.edge, w.mode): w.index for w in self.windows}
        return {
            mode: [
                (
                    place[out.site, out.day.kind, out.edge, mode],
                    place[back.site, back.day.kind, back.edge, mode],
                )
                for out, back in map(self._edges, range(len(self.ends)))
            ]
            for mode in carried_modes(self.study)
        }

    def _edges(self, key: int) -> tuple[Window, Window]:
        out, back = self.ends[key]
        return self.windows[out], self.windows[back]

    @cached_property
    def keys_of(self) -> dict[int, list[int]]:
        """Keys that depend on each window."""
        found: dict[int, list[int]] = {}
        for ends_of_keys in (self.ends, *self._carried.values()):
            for key, ends in enumerate(ends_of_keys):
                for window in set(ends):
                    found.setdefault(window, []).append(key)
        return found

    @cached_property
    def base_holds(self) -> Bool:
        """Whether each edge holds by transit as things are, bool (windows, H)."""
        return np.array([w.base_s < INF for w in self.windows])

    @cached_property
    def street_holds(self) -> Bool:
        """Whether a counting mode that no timetable changes holds each key, bool (keys, H)."""
        riding = riding_modes(self.study, counting=True)
        modes = [m for m in counting_modes(self.study) if m not in ("transit", *riding)]
        held = np.zeros((len(self.keys), self.study.n_homes), bool)
        for key, (shift_id, kind) in enumerate(
            self.keys[["shift_id", "day_kind"]].itertuples(index=False)
        ):
            for mode in modes:
                row = self.access.row(int(shift_id), str(kind), mode)
                if row is not None:
                    held[key] |= self.access.holds[row]
        return held

    @cached_property
    def riding_holds(self) -> dict[str, Bool]:
        """Whether each other mode that rides the timetable holds, bool (keys, H) per mode."""
        found = {}
        for mode in riding_modes(self.study, counting=True):
            times = [self.riding(key, mode, {}) for key in range(len(self.ends))]
            found[mode] = np.array([(out < INF) & (back < INF) for out, back in times])
        return found

    @cached_property
    def other_holds(self) -> Bool:
        """Whether another counting mode makes each key's commute hold, bool (keys, H)."""
        held = self.street_holds.copy()
        for holds in self.riding_holds.values():
            held |= holds
        return held

    def riding(self, key: int, mode: str, effects: Effects) -> tuple[Int32, Int32]:
        """Return outbound and return seconds of every home by a mode of `riding_modes`."""
        if mode in self._carried:
            ends = self._carried[mode][key]
            out, back = (self._put(self.windows[w].base_s, effects.get(w)) for w in ends)
            return out, back
        edges = self._edges(key)
        read = []
        for window in edges:
            effect = effects.get(window.index)
            change = None if effect is None else effect.others.get(mode)
            seconds = window.base_read[mode]
            if change is not None:
                seconds = seconds.copy()
                seconds[change.rows] = change.elapsed_s
            read.append(seconds)
        if mode == "on_demand":
            return read[0], read[1]
        gates, limits = (edges[0].gate, edges[1].gate), edges[0].limits
        return left_at_places(
            gates, mode, (read[0], read[1]), (edges[0].edge, edges[1].edge), limits
        )

    @staticmethod
    def _put(base_s: Int32, effect: EdgeEffect | None) -> Int32:
        if effect is None:
            return base_s
        seconds = base_s.copy()
        if effect.homes.size:
            seconds[effect.homes] = effect.elapsed_s
        else:
            # Times were not kept: whether it holds is all that is asked.
            seconds[effect.lost] = INF
            seconds[effect.gained] = 0
        return seconds

    def touched(self, key: int, mode: str, effects: Effects) -> bool:
        """Return whether some effects reach a key by a mode of `riding_modes`."""
        if mode in self._carried:
            return any(w in effects for w in self._carried[mode][key])
        return any(
            effect is not None and mode in effect.others
            for effect in (effects.get(w.index) for w in self._edges(key))
        )

    @cached_property
    def served(self) -> Bool:
        """Whether each key's commute holds as things are, bool (keys, H)."""
        ends = np.array(self.ends).reshape(-1, 2)
        held: Bool = self.base_holds[ends[:, 0]] & self.base_holds[ends[:, 1]]
        return held | self.other_holds

    @cached_property
    def pools(self) -> Float:
        """Workers of each home in the labour pool of each key's roster, float64 (keys, H)."""
        rows = self.keys[["site", "roster"]].itertuples(index=False)
        return np.array([self.study.pool(int(s), str(r)) for s, r in rows])

    @cached_property
    def workers(self) -> Float:
        """Workers of each home, float64 (H,)."""
        return self.study.workers

    @cached_property
    def weight(self) -> Float:
        """Share of its shift's working days that each key stands for, float64 (keys,)."""
        days = {day.kind: day for day in self.study.days}
        a_year = np.array(
            [
                self.study.days_per_year(int(s), days[k])
                for s, k in self.keys[["shift_id", "day_kind"]].itertuples(index=False)
            ]
        )
        total = pd.Series(a_year).groupby(self.keys["shift_id"].to_numpy()).transform("sum")
        return np.asarray(a_year / total.to_numpy(), np.float64)
