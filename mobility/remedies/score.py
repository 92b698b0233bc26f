"""What a lever is worth: who gains a commute, who loses one, on which shifts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.commute.access import Access, counting_modes, roster_shifts
from mobility.commute.ledger import Counts, Ledger
from mobility.commute.study import SCHOOL_WEEKS, WEEKS, Study
from mobility.remedies.modes import carried_modes, left_at_places, riding_modes
from mobility.remedies.trial import EdgeEffect
from mobility.remedies.window import Window
from mobility.timetable.arrays import INF, Bool, Int32

Float = NDArray[np.float64]
Effects = Mapping[int, EdgeEffect]


@dataclass(frozen=True)
class KeyChange:
    """What changes for one shift on one kind of day.

    Attributes
    ----------
    key
        Row of `Scores.keys`.
    gained, lost : int32[]
        Homes whose commute holds after and not before, and the reverse.
    lost_out, lost_back : int32[]
        Homes that lose one direction.
    """

    key: int
    gained: Int32
    lost: Int32
    lost_out: Int32
    lost_back: Int32


@dataclass(frozen=True)
class Score:
    """Figures of one lever.

    Attributes
    ----------
    workers_gained, workers_lost
        Workers who gain, or lose, the commute of at least one shift on some kind of day; a
        worker counts once, or once per site when each site's employees are known.
    commutes_gained, commutes_lost
        The same summed over shifts, each kind of day weighing its share of the year.
    rosters_gained, rosters_lost
        Roster-places: workers for whom a whole roster begins, or ceases, to hold, once for
        each roster.
    jobs_gained, jobs_lost
        Jobs whose holder's home begins, or ceases, to hold the roster, see `commute.ledger`.
    inhabitants
        Workers who could hold no roster and now hold one, each once, less the reverse.
    directions_lost
        Workers who lose one direction of some shift.
    saved_h
        Hours saved a day by those who travel before and after, over all edges.
    """

    workers_gained: float
    workers_lost: float
    commutes_gained: float
    commutes_lost: float
    rosters_gained: float
    rosters_lost: float
    directions_lost: float
    saved_h: float
    jobs_gained: float = 0.0
    jobs_lost: float = 0.0
    inhabitants: float = 0.0

    @property
    def jobs(self) -> float:
        """Jobs gained less jobs lost."""
        return self.jobs_gained - self.jobs_lost

    @property
    def value(self) -> float:
        """What a choice among levers goes by: whole rosters first, then commutes."""
        return self.jobs + COMMUTE_VALUE * self.net

    @property
    def net(self) -> float:
        """Commutes gained less commutes lost."""
        return self.commutes_gained - self.commutes_lost


#: A commute without its whole roster decides only between levers alike in jobs.
COMMUTE_VALUE = 1e-6
NOBODY = Counts(0.0, 0.0, 0.0)
NOTHING = Score(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Scores:
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
    def _ends(self) -> list[tuple[int, int]]:
        return list(self.keys[["out", "back"]].itertuples(index=False, name=None))

    @cached_property
    def _sites(self) -> list[int]:
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
                for out, back in map(self._edges, range(len(self._ends)))
            ]
            for mode in carried_modes(self.study)
        }

    def ends_of(self, key: int) -> set[int]:
        """Return every window on which a key depends."""
        found = set(self._ends[key])
        for ends in self._carried.values():
            found.update(ends[key])
        return found

    def _edges(self, key: int) -> tuple[Window, Window]:
        out, back = self._ends[key]
        return self.windows[out], self.windows[back]

    @cached_property
    def keys_of(self) -> dict[int, list[int]]:
        """Keys that depend on each window."""
        found: dict[int, list[int]] = {}
        for ends_of_keys in (self._ends, *self._carried.values()):
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
            times = [self.riding(key, mode, {}) for key in range(len(self._ends))]
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

    def _touched(self, key: int, mode: str, effects: Effects) -> bool:
        if mode in self._carried:
            return any(w in effects for w in self._carried[mode][key])
        return any(
            effect is not None and mode in effect.others
            for effect in (effects.get(w.index) for w in self._edges(key))
        )

    @cached_property
    def served(self) -> Bool:
        """Whether each key's commute holds as things are, bool (keys, H)."""
        ends = np.array(self._ends).reshape(-1, 2)
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
        a_year = np.array([
            self.study.days_per_year(int(s), days[k])
            for s, k in self.keys[["shift_id", "day_kind"]].itertuples(index=False)
        ])  # fmt: skip
        total = pd.Series(a_year).groupby(self.keys["shift_id"].to_numpy()).transform("sum")
        return np.asarray(a_year / total.to_numpy(), np.float64)

    @cached_property
    def _roster_keys(self) -> list[list[int]]:
        """Keys of each roster."""
        found = []
        for shift_ids in roster_shifts(self.study).values():
            mine = np.flatnonzero(self.keys["shift_id"].isin(shift_ids).to_numpy())
            found.append([int(k) for k in mine])
        return found

    @cached_property
    def _roster_of(self) -> dict[int, int]:
        return {key: r for r, keys in enumerate(self._roster_keys) for key in keys}

    def changes(self, effects: Effects) -> list[KeyChange]:
        """Return what the effects of one lever change, key by key."""
        keys = sorted({key for window in effects for key in self.keys_of.get(window, [])})
        found = [self._change(key, effects) for key in keys]
        return [change for change in found if change is not None]

    def _change(self, key: int, effects: Effects) -> KeyChange | None:
        out, back = (effects.get(window) for window in self._ends[key])
        parts = [e for e in (out, back) if e is not None]
        flips = [a for e in parts for a in (e.gained, e.lost) if a.size]
        other = {mode: holds[key] for mode, holds in self.riding_holds.items()}
        for mode, held in other.items():
            if self._touched(key, mode, effects):
                one, two = self.riding(key, mode, effects)
                other[mode] = (one < INF) & (two < INF)
                flips.append(np.flatnonzero(other[mode] != held).astype(np.int32))
        if not any(a.size for a in flips):
            return None
        homes = np.unique(np.concatenate(flips))
        both = self.directions(key, homes, out) & self.directions(key, homes, back, back=True)
        after = both | self.street_holds[key, homes]
        for holds in other.values():
            after |= holds[homes]
        before = self.served[key, homes]
        none = homes[:0]
        return KeyChange(
            key,
            homes[after & ~before],
            homes[before & ~after],
            none if out is None else out.lost,
            none if back is None else back.lost,
        )

    def directions(
        self, key: int, homes: Int32, effect: EdgeEffect | None, *, back: bool = False
    ) -> Bool:
        """Return whether one direction of a key holds for some homes (ascending) after."""
        held = self.base_holds[self._ends[key][int(back)], homes]
        if effect is not None:
            held[homes.searchsorted(effect.gained)] = True
            held[homes.searchsorted(effect.lost)] = False
        return np.asarray(held)

    def score(self, effects: Effects) -> Score:
        """Return the figures of one lever."""
        changes = self.changes(effects)
        saved_h = sum(e.saved_s for e in effects.values()) / 3600
        if not changes:
            return Score(0, 0, 0, 0, 0, 0, 0, saved_h)
        gained = [(c.key, c.gained) for c in changes]
        lost = [(c.key, c.lost) for c in changes]
        one_way = [(c.key, a) for c in changes for a in (c.lost_out, c.lost_back)]
        gained_rosters, lost_rosters = self._rosters(changes)
        return Score(
            self.distinct(gained),
            self.distinct(lost),
            self._weighted(gained),
            self._weighted(lost),
            gained_rosters.places,
            lost_rosters.places,
            self.distinct(one_way),
            saved_h,
            gained_rosters.jobs,
            lost_rosters.jobs,
            gained_rosters.inhabitants - lost_rosters.inhabitants,
        )

    def distinct(self, parts: Iterable[tuple[int, Int32]]) -> float:
        """Return the workers of homes named for some key, each counted once."""
        named = [(key, homes) for key, homes in parts if homes.size]
        if not named:
            return 0.0
        if self.study.homes.pool is None:
            mine = np.zeros(self.study.n_homes, bool)
            for _, homes in named:
                mine[homes] = True
            return float(self.workers[mine].sum())
        best: dict[int, Float] = {}
        for key, mine in named:
            people = best.setdefault(self._sites[key], np.zeros(self.study.n_homes))
            people[mine] = np.maximum(people[mine], self.pools[key, mine])
        return float(sum(people.sum() for people in best.values()))

    def _weighted(self, parts: Iterable[tuple[int, Int32]]) -> float:
        return sum(float(self.weight[key] * self.pools[key, homes].sum()) for key, homes in parts)

    @cached_property
    def ledger(self) -> Ledger:
        """Jobs and inhabitants of every roster."""
        return Ledger.of(self.study)

    @cached_property
    def rosters_held(self) -> Bool:
        """Whether each roster holds as things are, bool (rosters, H)."""
        none = np.zeros(self.study.n_homes, bool)
        return np.array(
            [self.served[keys].all(axis=0) if keys else none for keys in self._roster_keys]
        ).reshape(len(self._roster_keys), -1)

    def rosters_after(self, effects: Effects) -> Bool:
        """Return whether each roster holds once the effects come true, bool (rosters, H)."""
        held = self.rosters_held.copy()
        homes, _, after = self._rosters_changed(self.changes(effects))
        held[:, homes] = after
        return held

    def rosters_gaining(self, effects: Effects) -> tuple[tuple[str, str], ...]:
        """Return site and name of the rosters of which at least a job is gained."""
        homes, before, after = self._rosters_changed(self.changes(effects))
        return self.ledger.gaining(before, after, homes)

    def _rosters_changed(self, changes: Sequence[KeyChange]) -> tuple[Int32, Bool, Bool]:
        """Return the homes that some change touches, and which rosters they hold before, after."""
        parts = [a for c in changes for a in (c.gained, c.lost)]
        homes = np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int32)
        before = self.rosters_held[:, homes]
        after = before.copy()
        touched: dict[int, list[KeyChange]] = {}
        for change in changes:
            if change.gained.size or change.lost.size:
                touched.setdefault(self._roster_of[change.key], []).append(change)
        for roster, mine in touched.items():
            keys = self._roster_keys[roster]
            served = self.served[keys][:, homes]
            for c in mine:
                row = keys.index(c.key)
                served[row, homes.searchsorted(c.gained)] = True
                served[row, homes.searchsorted(c.lost)] = False
            after[roster] = served.all(axis=0)
        return homes, before, after

    def _rosters(self, changes: Sequence[KeyChange]) -> tuple[Counts, Counts]:
        """Return who gains, and who loses, a roster under the worst-of rule."""
        homes, before, after = self._rosters_changed(changes)
        if np.array_equal(before, after):
            return NOBODY, NOBODY
        ledger = self.ledger
        return ledger.gained(before, after, homes), ledger.gained(after, before, homes)


def days_a_year(study: Study, kind: str) -> float:
    """Return how many days a year a kind of day stands for (see `Study.days_per_year`)."""
    day = next(d for d in study.days if d.kind == kind)
    weeks = WEEKS
    if {"school_weekday", "holiday_weekday"} <= {d.kind for d in study.days}:
        if kind == "school_weekday":
            weeks = SCHOOL_WEEKS
        elif kind == "holiday_weekday":
            weeks = WEEKS - SCHOOL_WEEKS
    return float(len(day.weekdays) * weeks)
