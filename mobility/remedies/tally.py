"""Figures of many levers at once, where no other mode rides the timetable.

The same as `mobility.remedies.score.Scores.score` of each. What levers change is put one below
the other as rows of a table, so that a figure of all of them is one sum by lever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mobility.base.arrays import Bool, Int64
from mobility.commute.ledger import Ledger
from mobility.remedies.model import Effects
from mobility.remedies.present import Float, Present


class Rows(NamedTuple):
    """Homes, each of a lever and of what else ``what`` numbers, int64[N] each."""

    lever: Int64
    what: Int64
    home: Int64

    def where(self, kept: Bool) -> Rows:
        """Return some of them."""
        return Rows(self.lever[kept], self.what[kept], self.home[kept])

    def of_nobody(self) -> Rows:
        """Return them all with the first home."""
        return Rows(self.lever, self.what, np.zeros_like(self.home))

    def of(self, what: Int64) -> Rows:
        """Return them with something else of theirs."""
        return Rows(self.lever, what, self.home)


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums by lever.

    Parameters
    ----------
    roster_keys
        Keys of each roster.
    rosters_held : bool[rosters, H]
        Whether each holds as things are.
    """

    present: Present
    ledger: Ledger
    roster_keys: Sequence[Sequence[int]]
    rosters_held: Bool

    def figures(self, each: Sequence[Effects]) -> dict[str, Float]:
        """Return the fields of `Score` by name, one number per lever."""
        n, (flips, lost) = len(each), self._flips(each)
        more, less = self._turned(flips)
        saved_s = [sum(e.saved_s for e in effects.values()) for effects in each]
        return {
            "workers_gained": self._each_once(more, n),
            "workers_lost": self._each_once(less, n),
            "commutes_gained": self._weighted(more, n),
            "commutes_lost": self._weighted(less, n),
            "directions_lost": self._each_once(self._at_keys(flips, lost), n),
            "saved_h": np.array(saved_s, np.float64) / 3600,
            **self._rosters(more, less, n),
        }

    def gained(self, each: Sequence[Effects]) -> Rows:
        """Return which keys begin to hold, for whom, by each lever."""
        return self._turned(self._flips(each)[0])[0]

    def _turned(self, flips: Rows) -> tuple[Rows, Rows]:
        """Return which keys begin, and which cease, to hold where windows do."""
        now = self.present
        rows = self._at_keys(flips, np.ones(flips.home.size, bool))
        changed = self._rows(np.unique(self._codes(rows)))
        known = np.sort(self._codes(flips))
        ends = np.array(now.ends, np.int64).reshape(-1, 2)[changed.what].T
        out, back = (self._holds(changed.of(end), known) for end in ends)
        after = (out & back) | now.street_holds[changed.what, changed.home]
        before = now.served[changed.what, changed.home]
        return changed.where(after & ~before), changed.where(before & ~after)

    def _flips(self, each: Sequence[Effects]) -> tuple[Rows, Bool]:
        """Return who gains or loses each window, and which of these rows are lost."""
        some = [
            (lever, window, homes, is_lost)
            for lever, effects in enumerate(each)
            for window, effect in effects.items()
            for homes, is_lost in ((effect.gained, False), (effect.lost, True))
            if homes.size
        ]
        sizes = [homes.size for _, _, homes, _ in some]
        lever, window, lost = (
            np.repeat(np.array([row[k] for row in some], np.int64), sizes) for k in (0, 1, 3)
        )
        homes = np.concatenate([np.zeros(0, np.int64), *(row[2] for row in some)])
        return Rows(lever, window, homes), lost.astype(bool)

    def _at_keys(self, flips: Rows, kept: Bool) -> Rows:
        """Return rows of windows once for each key that depends on the window."""
        flips, (ptr, keys) = flips.where(kept), self._keys_of
        sizes = np.diff(ptr)[flips.what]
        at = np.repeat(np.arange(sizes.size), sizes)
        place = np.arange(at.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return Rows(flips.lever[at], keys[ptr[flips.what[at]] + place], flips.home[at])

    @cached_property
    def _keys_of(self) -> tuple[Int64, Int64]:
        """Keys of each window one after the other, and where those of each begin.

        Windows of a bicycle taken along have none: none of those counts here.
        """
        each: list[list[int]] = [[] for _ in self.present.windows]
        for key, ends in enumerate(self.present.ends):
            for window in set(ends):
                each[window].append(key)
        ptr = np.concatenate([[0], np.cumsum([len(keys) for keys in each])])
        return ptr.astype(np.int64), np.array([key for keys in each for key in keys], np.int64)

    @cached_property
    def _most(self) -> int:
        """More than the number of windows, of keys and of rosters."""
        counts = len(self.present.windows), len(self.present.ends), len(self.roster_keys)
        return max(counts) + 1

    def _codes(self, rows: Rows) -> Int64:
        """Return one sortable number per row."""
        n_homes = self.present.study.n_homes
        return (rows.lever * self._most + rows.what) * n_homes + rows.home

    def _rows(self, codes: Int64) -> Rows:
        rest, home = np.divmod(codes, self.present.study.n_homes)
        lever, what = np.divmod(rest, self._most)
        return Rows(lever, what, home)

    def _holds(self, rows: Rows, flipped: Int64) -> Bool:
        """Return whether windows hold after; those flipped are codes, ascending."""
        codes = self._codes(rows)
        place = np.minimum(flipped.searchsorted(codes), flipped.size - 1)
        is_flipped = flipped[place] == codes if flipped.size else np.zeros(codes.size, bool)
        return np.asarray(self.present.base_holds[rows.what, rows.home] ^ is_flipped)

    def _each_once(self, rows: Rows, n: int) -> Float:
        """Return the workers of rows of keys, each once, or once per site with known employees."""
        now = self.present
        shared = now.study.homes.pool is None
        group = np.zeros(rows.what.size, np.int64) if shared else self._sites[rows.what]
        people = now.workers[rows.home] if shared else now.pools[rows.what, rows.home]
        codes = self._codes(rows.of(group))
        order = np.argsort(codes, kind="stable")
        first = np.flatnonzero(np.diff(codes[order], prepend=-1))
        most = np.maximum.reduceat(people[order], first) if first.size else np.zeros(0)
        return np.asarray(np.bincount(rows.lever[order][first], most, n), np.float64)

    @cached_property
    def _sites(self) -> Int64:
        return np.array(self.present.sites, np.int64)

    def _weighted(self, rows: Rows, n: int) -> Float:
        """Return the workers of rows of keys, each kind of day by its share of the year."""
        now = self.present
        each, place = np.unique(self._codes(rows.of_nobody()), return_inverse=True)
        people = np.bincount(place, now.pools[rows.what, rows.home], each.size)
        mine = self._rows(each)
        return np.asarray(np.bincount(mine.lever, now.weight[mine.what] * people, n), np.float64)

    @cached_property
    def _roster_of(self) -> Int64:
        """Roster of each key."""
        found = np.zeros(len(self.present.ends), np.int64)
        for roster, keys in enumerate(self.roster_keys):
            found[list(keys)] = roster
        return found

    @cached_property
    def _lacking(self) -> Int64:
        """How many keys of each roster do not hold, int64 (rosters, H)."""
        return np.array(
            [(~self.present.served[list(keys)]).sum(axis=0) for keys in self.roster_keys], np.int64
        )

    @cached_property
    def _groups(self) -> tuple[Int64, Int64, Float]:
        """Group of people of each roster; rosters held, and people, of each group by home."""
        shared = self.present.study.homes.pool is None
        group = np.array([0 if shared else site for site, _ in self.ledger.rosters], np.int64)
        held = np.zeros((int(group.max(initial=0)) + 1, self.present.study.n_homes), np.int64)
        people = np.zeros(held.shape)
        np.add.at(held, group, self.rosters_held)
        np.maximum.at(people, group, self.ledger.people)
        return group, held, people

    def _rosters(self, more: Rows, less: Rows, n: int) -> dict[str, Float]:
        """Return who gains, and who loses, a roster under the worst-of rule."""
        codes = [self._codes(rows.of(self._roster_of[rows.what])) for rows in (more, less)]
        touched, place = np.unique(np.concatenate(codes), return_inverse=True)
        rows, sizes = self._rows(touched), (more.home.size, less.home.size)
        fewer = np.bincount(place, np.repeat([1, -1], sizes), touched.size).astype(np.int64)
        before = self.rosters_held[rows.what, rows.home]
        after = self._lacking[rows.what, rows.home] == fewer
        found = {"inhabitants": self._inhabitants(rows, before, after, n)}
        for name, changed in (("gained", after & ~before), ("lost", before & ~after)):
            mine = rows.where(changed)
            for what, table in (("jobs", self.ledger.jobs), ("rosters", self.ledger.people)):
                found[f"{what}_{name}"] = _sums(mine, table[mine.what, mine.home], n)
        return found

    def _inhabitants(self, rows: Rows, before: Bool, after: Bool, n: int) -> Float:
        """Return who holds some roster after and none before, each once, less the reverse."""
        group, held, people = self._groups
        codes = self._codes(rows.of(group[rows.what]))
        codes, place = np.unique(codes, return_inverse=True)
        mine, by = self._rows(codes), after.astype(np.int64) - before
        some = held[mine.what, mine.home]
        later = some + np.bincount(place, by, codes.size).astype(np.int64)
        turn = (later > 0).astype(np.int64) - (some > 0)
        return np.asarray(
            np.bincount(mine.lever, turn * people[mine.what, mine.home], n), np.float64
        )


def _sums(rows: Rows, values: Float, n: int) -> Float:
    """Return sums of fractions by lever, to the last digit those of each lever alone."""
    ends = rows.lever.searchsorted(np.arange(n + 1)).tolist()
    return np.array([values[low:high].sum() for low, high in pairwise(ends)], np.float64)
