"""Before and after: who gains and who loses between two scenarios of one territory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mobility.base.errors import TerritoryError
from mobility.base.i18n import Word
from mobility.commute.access import Access, counted_rows, roster_shifts
from mobility.commute.indicators import whole_persons
from mobility.commute.study import Study


def asked_alike(study: Study, other: Study) -> Study:
    """Return a study asked for on-demand vehicles too, where another is: it has none.

    A scenario that adds the first zone of a territory adds this mode, and nothing else.
    """
    modes, theirs = study.territory.modes, other.territory.modes.evaluated
    if "on_demand" in modes.evaluated or set(theirs) != {*modes.evaluated, "on_demand"}:
        return study
    modes = modes.model_copy(update={"evaluated": theirs})
    return replace(study, territory=study.territory.model_copy(update={"modes": modes}))


def check_comparable(before: Study, after: Study) -> None:
    """Check that two studies ask the same question of the same people.

    Raises
    ------
    TerritoryError
        Homes, their workers, shifts, kinds of day or modes differ.
    """
    same = {
        "homes": list(before.homes.ids) == list(after.homes.ids),
        "workers": np.array_equal(before.workers, after.workers),
        "sites": _worked(before) == _worked(after),
        "days": [d.kind for d in before.days] == [d.kind for d in after.days],
        "modes": before.territory.modes.evaluated == after.territory.modes.evaluated,
    }
    for what, equal in same.items():
        if not equal:
            raise TerritoryError(
                "The two scenarios do not have the same {what}.",
                file=after.territory.path,
                column=what,
                mend="Compare scenarios of one territory: same homes, sites, shifts, kinds of day "
                "and modes; hours, timetables, streets and limits may differ.",
                what=Word(what),
            )


def _worked(study: Study) -> list[tuple[object, ...]]:
    """Return what two studies have to share of their shifts: everything but the hours."""
    return [
        (row.site_name, row.employer, row.roster, row.shift, row.days, row.period, row.headcount)
        for row in study.shift_rows
    ]


def comparison(before: Access, after: Access) -> pd.DataFrame:
    """Return workers gained and lost, per shift and kind of day and per roster.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``shift`` and ``day_kind`` (empty for a whole roster, under the
        worst-of rule), ``pool``, ``before``, ``after``, ``gained``, ``lost`` (workers).
    """
    check_comparable(before.study, after.study)
    study = before.study
    rows = []
    was, now = before.rosters, after.rosters
    for key, r, s in zip(roster_shifts(study), counted_rows(was), counted_rows(now), strict=True):
        rows.append(_row(study, *key, "", "", was.holds[r], now.holds[s]))
    keys = before.keys[["shift_id", "day_kind"]].drop_duplicates()
    for shift_id, day_kind in keys.itertuples(index=False):
        shift = study.shift_rows[shift_id]
        held = before.counted(shift_id, day_kind)[2], after.counted(shift_id, day_kind)[2]
        rows.append(_row(study, shift.site, shift.roster, shift.shift, day_kind, *held))
    counts = ["pool", "before", "after", "gained", "lost"]
    return whole_persons(pd.DataFrame(rows), counts)


def _row(
    study: Study,
    site: int,
    roster: str,
    shift: str,
    day_kind: str,
    was: np.ndarray,
    now: np.ndarray,
) -> dict[str, object]:
    workers = study.pool(site, roster)
    return {
        "site": study.sites[site].name,
        "roster": roster,
        "shift": shift,
        "day_kind": day_kind,
        "pool": workers.sum(),
        "before": workers @ was,
        "after": workers @ now,
        "gained": workers @ (now & ~was),
        "lost": workers @ (was & ~now),
    }
