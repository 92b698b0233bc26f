"""Figures of a page: workers of each selection, counted as in the tables and the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mobility.base.arrays import Bool, Float, Int64
from mobility.commute.indicators import change_counts, whole_changes, whole_parts, whole_statuses
from mobility.commute.white_zones import REASONS
from mobility.outputs.map.model import NONE, MapModel, Scenario, UInt8


@dataclass(frozen=True)
class Rows:
    """Rows of one scenario: its keys, then each roster under the worst-of rule.

    Row ``K + roster * M + mode`` of the minutes and row ``Z + roster`` of the statuses
    stand for whole rosters.
    """

    model: MapModel
    scenario: Scenario

    @cached_property
    def _keys_of(self) -> dict[tuple[int, int], Int64]:
        shifts, modes = self.model.key_shift, self.model.key_mode
        roster = np.array([s.roster for s in self.model.shifts])[shifts]
        return {
            (r, m): np.flatnonzero((roster == r) & (modes == m))
            for r in range(len(self.model.rosters))
            for m in range(len(self.model.modes))
        }

    @cached_property
    def _zones_of(self) -> dict[int, Int64]:
        roster = np.array([s.roster for s in self.model.shifts])[self.model.zone_shift]
        return {r: np.flatnonzero(roster == r) for r in range(len(self.model.rosters))}

    def n_rows(self) -> int:
        """Return the number of rows of minutes."""
        return len(self.model.key_shift) + len(self._keys_of)

    def n_zones(self) -> int:
        """Return the number of rows of statuses."""
        return len(self.model.zone_shift) + len(self._zones_of)

    def roster_of(self, row: int) -> int:
        """Return the roster a row of minutes belongs to."""
        n_keys = len(self.model.key_shift)
        if row < n_keys:
            return self.model.shifts[int(self.model.key_shift[row])].roster
        return int(row - n_keys) // len(self.model.modes)

    def roster_of_zone(self, row: int) -> int:
        """Return the roster a row of statuses belongs to."""
        if row < len(self.model.zone_shift):
            return self.model.shifts[int(self.model.zone_shift[row])].roster
        return row - len(self.model.zone_shift)

    def minutes(self, row: int, kind: str) -> UInt8 | None:
        """Return the minutes of a row: ``outbound_min``, ``return_min`` or ``overtime_min``.

        For a roster: the longest of its working days, `NONE` when one does not hold; for
        overtime, the least.
        """
        array: UInt8 | None = getattr(self.scenario, kind)
        if array is None:
            return None
        n_keys = len(self.model.key_shift)
        if row < n_keys:
            return np.asarray(array[row], np.uint8)
        mode = (row - n_keys) % len(self.model.modes)
        mine = array[self._keys_of[self.roster_of(row), mode]]
        if not len(mine):
            return np.full(len(self.model.homes), NONE, np.uint8)
        if kind == "overtime_min":
            none = (mine == NONE).any(axis=0)
            return np.where(none, NONE, mine.min(axis=0)).astype(np.uint8)
        return np.asarray(mine.max(axis=0), np.uint8)

    def status(self, row: int) -> UInt8:
        """Return the status of a row; a roster's direction holds when it always does."""
        n_zones = len(self.model.zone_shift)
        if row < n_zones:
            return np.asarray(self.scenario.status[row], np.uint8)
        mine = self.scenario.status[self._zones_of[row - n_zones]]
        out = np.isin(mine, (0, 1)).all(axis=0)
        back = np.isin(mine, (0, 2)).all(axis=0)
        served = (mine == 0).all(axis=0)
        status = np.where(out, 1, np.where(back, 2, 3))
        return np.where(served, 0, status).astype(np.uint8)

    def reason(self, row: int) -> UInt8:
        """Return the reason of a row; the most frequent one of a roster's working days."""
        n_zones = len(self.model.zone_shift)
        if row < n_zones:
            return np.asarray(self.scenario.reason[row], np.uint8)
        mine = self.scenario.reason[self._zones_of[row - n_zones]]
        votes = np.array([(mine == i).sum(axis=0) for i in range(1, len(REASONS))])
        return np.where(votes.any(axis=0), votes.argmax(axis=0) + 1, 0).astype(np.uint8)

    def main_reason(self, row: int, workers: Float) -> int:
        """Return the reason that keeps most workers away, over a roster's working days."""
        n_zones = len(self.model.zone_shift)
        rows = [row] if row < n_zones else self._zones_of[row - n_zones]
        total = np.zeros(len(REASONS))
        for r in rows:
            total += np.bincount(self.scenario.reason[r], weights=workers, minlength=len(REASONS))
        return int(total[1:].argmax()) + 1 if total[1:].any() else 0


def directions(outbound: UInt8, back: UInt8) -> UInt8:
    """Return 0 both ways, 1 outbound only, 2 return only, 3 neither, per home."""
    one_way = np.where(outbound < NONE, 1, np.where(back < NONE, 2, 3))
    return np.where((outbound < NONE) & (back < NONE), 0, one_way).astype(np.uint8)


def count(classes: UInt8, workers: Float, n: int, area: Int64, n_areas: int) -> Float:
    """Return workers per area and class, float64[n_areas, n]."""
    flat = np.bincount(area * n + classes, weights=workers, minlength=n_areas * n)
    return flat.astype(np.float64).reshape(n_areas, n)


@dataclass
class Counter:
    """Counts workers of each selection, for the territory, its groups and its communes.

    Attributes
    ----------
    area
        Commune of each home, int64[H].
    modes, zones
        Per row and group: the pool, then both ways, outbound only, return only, neither; for
        zones then the white ones, those of the main reason and the main reason.
    area_modes, area_zones
        The same per row and commune, int64[areas, n].
    gains
        Per row and group: workers gained, lost, who hold before and after, and neither.
    """

    model: MapModel
    area: Int64
    n_areas: int
    modes: list[list[list[int]]] = field(default_factory=list)
    zones: list[list[list[int]]] = field(default_factory=list)
    area_modes: list[Int64] = field(default_factory=list)
    area_zones: list[Int64] = field(default_factory=list)
    gains: list[list[list[int]]] = field(default_factory=list)

    def add_mode(self, classes: UInt8, roster: int) -> None:
        """Count both ways, outbound only, return only, neither."""
        areas, groups = self._count(classes, roster)
        self.area_modes.append(areas)
        self.modes.append(groups.tolist())

    def add_zone(self, status: UInt8, reason: UInt8, roster: int, main: int) -> None:
        """Count statuses, then those whom the main reason keeps away; that comes last."""
        areas, groups = (
            np.column_stack([counts, counts[:, 2:].sum(axis=1)])
            for counts in self._count(status, roster)
        )
        every, n = self._groups(roster), len(REASONS)
        reasons = count(reason, every[0], n, self.area, self.n_areas)[:, 1:]  # 0: who is not white
        most = reasons.argmax(axis=1)
        away = whole_parts(areas[:, -1:], reasons)[np.arange(self.n_areas), most]
        mains = np.where(reasons.any(axis=1), most + 1, 0)
        self.area_zones.append(np.column_stack([areas, away.astype(np.int64), mains]))
        told = np.array([np.bincount(reason, weights=g, minlength=n)[1:] for g in every])
        kept_away = whole_parts(groups[:, -1:], told)[:, main - 1] if main else groups[:, 0] * 0
        counts = np.column_stack([groups, kept_away.astype(np.int64)])
        self.zones.append([[*row, main] for row in counts.tolist()])

    def add_change(self, was: Bool, now: Bool, roster: int) -> None:
        """Count those gained and lost by the mode last added, and all others."""
        changes = np.array([change_counts(g, was, now) for g in self._groups(roster)])
        self.gains.append(whole_changes(changes).astype(np.int64).tolist())

    def _groups(self, roster: int) -> list[Float]:
        return [self.model.homes.pool(roster), *self.model.homes.groups.values()]

    def _count(self, classes: UInt8, roster: int) -> tuple[Int64, Int64]:
        """Return the pool and each class: of each commune, and of the pool then each group."""
        groups = self._groups(roster)
        areas = count(classes, groups[0], 4, self.area, self.n_areas)
        told = np.array([np.bincount(classes, weights=g, minlength=4) for g in groups])
        # Together: of a few, each call takes as long as its numbers.
        whole = whole_statuses(np.concatenate([areas, told])).astype(np.int64)
        return whole[: len(areas)], whole[len(areas) :]
