"""What a lever is worth: who gains a commute, who loses one, on which shifts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobility.base.arrays import Bool, Int32, Int64
from mobility.commute.access import roster_shifts
from mobility.commute.ledger import Counts, Ledger
from mobility.remedies.model import EdgeEffect, Effects
from mobility.remedies.present import Float, Present
from mobility.remedies.tally import Tally
from mobility.timetable.arrays import INF

#: A commute without its whole roster decides only between levers alike in jobs.
_COMMUTE_VALUE = 1e-6
#: Levers told by one table, which holds a row for each home of each of them.
_AT_ONCE = 1000
_NOBODY = Counts(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class KeyChange:
    """What changes for one shift on one kind of day.

    Attributes
    ----------
    key
        Row of `Present.keys`.
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


@dataclass(frozen=True, slots=True)
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
        return self.jobs + _COMMUTE_VALUE * self.net

    @property
    def net(self) -> float:
        """Commutes gained less commutes lost."""
        return self.commutes_gained - self.commutes_lost


NOTHING = Score(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Scores:
    """Figures of levers against the commutes as they are."""

    present: Present

    @cached_property
    def _roster_keys(self) -> list[list[int]]:
        """Keys of each roster."""
        found = []
        for shift_ids in roster_shifts(self.present.study).values():
            mine = np.flatnonzero(self.present.keys["shift_id"].isin(shift_ids).to_numpy())
            found.append([int(k) for k in mine])
        return found

    @cached_property
    def _roster_of(self) -> dict[int, int]:
        return {key: r for r, keys in enumerate(self._roster_keys) for key in keys}

    def changes(self, effects: Effects) -> list[KeyChange]:
        """Return what the effects of one lever change, key by key."""
        keys = sorted({key for window in effects for key in self.present.keys_of.get(window, [])})
        found = [self._change(key, effects) for key in keys]
        return [change for change in found if change is not None]

    def _change(self, key: int, effects: Effects) -> KeyChange | None:
        out, back = (effects.get(window) for window in self.present.ends[key])
        parts = [e for e in (out, back) if e is not None]
        flips = [a for e in parts for a in (e.gained, e.lost) if a.size]
        other = {mode: holds[key] for mode, holds in self.present.riding_holds.items()}
        for mode, held in other.items():
            if self.present.touched(key, mode, effects):
                one, two = self.present.riding(key, mode, effects)
                other[mode] = (one < INF) & (two < INF)
                flips.append(np.flatnonzero(other[mode] != held).astype(np.int32))
        flips = [homes for homes in flips if homes.size]
        if not flips:
            return None
        # Each is ascending already.
        homes = flips[0] if len(flips) == 1 else np.unique(np.concatenate(flips))
        both = self.directions(key, homes, out) & self.directions(key, homes, back, back=True)
        after = both | self.present.street_holds[key, homes]
        for holds in other.values():
            after |= holds[homes]
        before = self.present.served[key, homes]
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
        held = self.present.base_holds[self.present.ends[key][int(back)], homes]
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
        one_way = [(c.key, a) for c in changes for a in (c.lost_out, c.lost_back)]
        if not any(c.gained.size or c.lost.size for c in changes):  # directions alone
            return Score(0, 0, 0, 0, 0, 0, self.distinct(one_way), saved_h)
        gained = [(c.key, c.gained) for c in changes]
        lost = [(c.key, c.lost) for c in changes]
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

    def score_all(self, each: Sequence[Effects]) -> list[Score]:
        """Return the figures of many levers."""
        if self.present.riding_holds:
            return [self.score(effects) for effects in each]
        return [
            score
            for low in range(0, len(each), _AT_ONCE)
            for score in self._scores(each[low : low + _AT_ONCE])
        ]

    def gained(self, each: Sequence[Effects]) -> Iterator[tuple[Int64, Int64, Int64]]:
        """Yield which levers make which keys hold for which homes, in parts, int64[N] each."""
        for low in range(0, len(each), _AT_ONCE):
            some = each[low : low + _AT_ONCE]
            if not self.present.riding_holds:
                lever, key, home = self._tally.gained(some)
                yield lever + low, key, home
                continue
            for number, effects in enumerate(some, low):
                for change in self.changes(effects):
                    alike = np.ones(change.gained.size, np.int64)
                    yield number * alike, change.key * alike, change.gained.astype(np.int64)

    def _scores(self, each: Sequence[Effects]) -> Iterator[Score]:
        figures = self._tally.figures(each)
        for row in zip(*(column.tolist() for column in figures.values()), strict=True):
            yield Score(**dict(zip(figures, row, strict=True)))

    @cached_property
    def _tally(self) -> Tally:
        return Tally(self.present, self.ledger, self._roster_keys, self.rosters_held)

    def distinct(self, parts: Iterable[tuple[int, Int32]]) -> float:
        """Return the workers of homes named for some key, each counted once."""
        named = [(key, homes) for key, homes in parts if homes.size]
        if not named:
            return 0.0
        if self.present.study.homes.pool is None:
            mine = np.zeros(self.present.study.n_homes, bool)
            for _, homes in named:
                mine[homes] = True
            return float(self.present.workers[mine].sum())
        best: dict[int, Float] = {}
        for key, mine in named:
            people = best.setdefault(self.present.sites[key], np.zeros(self.present.study.n_homes))
            people[mine] = np.maximum(people[mine], self.present.pools[key, mine])
        return float(sum(people.sum() for people in best.values()))

    def _weighted(self, parts: Iterable[tuple[int, Int32]]) -> float:
        return sum(
            float(self.present.weight[key] * self.present.pools[key, homes].sum())
            for key, homes in parts
        )

    @cached_property
    def ledger(self) -> Ledger:
        """Jobs and inhabitants of every roster."""
        return Ledger.of(self.present.study)

    @cached_property
    def rosters_held(self) -> Bool:
        """Whether each roster holds as things are, bool (rosters, H)."""
        none = np.zeros(self.present.study.n_homes, bool)
        return np.array(
            [self.present.served[keys].all(axis=0) if keys else none for keys in self._roster_keys]
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
            served = self.present.served[keys][:, homes]
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
            return _NOBODY, _NOBODY
        ledger = self.ledger
        return ledger.gained(before, after, homes), ledger.gained(after, before, homes)
