"""Who gains and who loses a commute between two assessments of one territory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobility.commute.access import Access
from mobility.commute.ledger import Counts, Ledger
from mobility.remedies.remedy import Effect

Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Gains:
    """What changes between two assessments.

    Attributes
    ----------
    workers, lost
        Workers who gain, and lose, the commute of at least one shift on some kind of day,
        each counted once (once per site when employees are known).
    rosters, rosters_lost
        Jobs and inhabitants who gain, and lose, a whole roster.
    gaining
        Site and name of the rosters of which at least a job is gained.
    effects
        The same shift by shift: the kind of day on which most do.
    keys
        For each shift and kind of day: homes gained, bool (H,).
    """

    workers: float
    lost: float
    rosters: Counts
    rosters_lost: Counts
    gaining: tuple[tuple[str, str], ...]
    effects: tuple[Effect, ...]
    keys: dict[tuple[int, str], Bool]


def gains_between(before: Access, after: Access) -> Gains:
    """Compare two assessments with the same homes, sites and kinds of day."""
    study = before.study
    gained: dict[tuple[int, str], Bool] = {}
    ceased: dict[tuple[int, str], Bool] = {}
    keys = before.keys[["shift_id", "day_kind"]].drop_duplicates()
    for shift_id, kind in keys.itertuples(index=False):
        key = (int(shift_id), str(kind))
        was, now = before.counted(*key)[2], after.counted(*key)[2]
        gained[key], ceased[key] = now & ~was, was & ~now
    best: dict[int, tuple[float, float]] = {}
    for key, homes in gained.items():
        row = study.shift_rows[key[0]]
        pool = study.pool(row.site, row.roster)
        more, less = float(pool @ homes), float(pool @ ceased[key])
        known = best.get(key[0], (0.0, 0.0))
        best[key[0]] = (max(known[0], more), max(known[1], less))
    rows = study.shift_rows
    effects = tuple(
        Effect(rows[s].site_name, rows[s].roster, rows[s].shift, more, less)
        for s, (more, less) in sorted(best.items())
        if more or less
    )
    ledger = Ledger.of(study)
    was_held, now_held = ledger.held(before), ledger.held(after)
    return Gains(
        _each_once(before, gained),
        _each_once(before, ceased),
        ledger.gained(was_held, now_held),
        ledger.gained(now_held, was_held),
        ledger.gaining(was_held, now_held),
        effects,
        gained,
    )


def _each_once(access: Access, changed: dict[tuple[int, str], Bool]) -> float:
    study = access.study
    if study.homes.pool is None:
        some = np.zeros(study.n_homes, bool)
        for homes in changed.values():
            some |= homes
        return float(study.workers @ some)
    people: dict[int, NDArray[np.float64]] = {}
    for (shift_id, _), homes in changed.items():
        row = study.shift_rows[shift_id]
        mine = people.setdefault(row.site, np.zeros(study.n_homes))
        np.maximum(mine, np.where(homes, study.pool(row.site, row.roster), 0.0), out=mine)
    return float(sum(mine.sum() for mine in people.values()))
