"""How many of each roster live where its commute holds, told once, with noise.

Areas of k persons straddle the line between those who can come and those who cannot, and a roster
of fifty is told wrong by several points. So the two sides of that line are taken as two areas
more: protected counts are raked to them (Deville and Särndal 1992, "Calibration estimators in
survey sampling", JASA 87(418)), every place of a side by the same factor.

The noise is drawn from those who live on a side, as cell keys are (Thompson, Broadfoot, Elazar
2013, "Methodology for the automatic confidentialisation of statistical outputs from remote
servers at the ABS"): the same persons get the same noise whatever the settings of the run, and a
side of one person more gets another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import shapely

from mobility.sources.homes.protected import TEAM, Door, within

SIDE_EPSILON = 3.0
"""Of a side: of two homes on either side, neither is more than e^3 times as likely."""
_CERTAIN = 0.01
"""So often, at most, does a side seem to hold k persons that holds fewer."""
Sides = Mapping[tuple[str, str], np.ndarray]
"""Of each site and roster, whether its commute holds at each place, bool[n]."""


def told_by_side(
    counts: pd.DataFrame,
    persons: pd.DataFrame,
    groups: Sequence[str],
    public: np.ndarray,
    sides: Sides,
    door: Door,
) -> pd.DataFrame:
    """Return protected counts that add up, of each roster, to its noisy count on either side.

    Where one side would be told of fewer than k persons, with some certainty, they stay as they
    are.

    Parameters
    ----------
    counts
        Protected counts by ``place`` (one of those of ``sides``), ``site`` and ``roster``.
    persons
        Cells ``x``, ``y`` of ``workers``, their ``site`` and ``roster``.
    public
        Places where people live, the first of ``sides``, float64[n, 2], metres: of each person
        the nearest to their cell counts.
    """
    cells = (persons[["x", "y"]].to_numpy(np.float64) + 0.5) * door.cell_m
    persons = persons.assign(
        place=shapely.STRtree(shapely.points(public)).nearest(shapely.points(cells))
    )
    true = {(str(s), str(r)): rows for (s, r), rows in persons.groupby(TEAM)}
    parts = []
    for (site, roster), rows in counts.groupby(TEAM):
        team = (str(site), str(roster))
        side, mine = sides.get(team), true.get(team)
        if side is not None and mine is not None:
            parts.append(_raked(rows, mine, side, groups, door))
        else:
            parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _raked(
    rows: pd.DataFrame, mine: pd.DataFrame, side: np.ndarray, groups: Sequence[str], door: Door
) -> pd.DataFrame:
    """Return the counts of one roster, in keeping with its two sides."""
    workers, here = rows["workers"].to_numpy(np.float64), side[rows["place"].to_numpy()]
    total, known = workers.sum(), mine["workers"].sum()
    inside = mine[side[mine["place"].to_numpy()]].sort_values(["x", "y"])
    named = hashlib.sha256(inside[["x", "y", "workers"]].to_numpy(np.float64).tobytes())
    rng = door.draw("side", *mine[TEAM].iloc[0], named.hexdigest())
    noisy = inside["workers"].sum() + rng.laplace(scale=1 / SIDE_EPSILON)
    least = door.k - np.log(_CERTAIN) / SIDE_EPSILON
    now = workers[here].sum()
    if min(noisy, known - noisy) < least or min(now, total - now) <= 0:
        return rows
    told = round(total * noisy / known, 2)
    factor = np.where(here, told / now, (total - told) / (total - now))
    raked = {"workers": workers * factor}
    for name in groups:
        members = rows[name].to_numpy(np.float64)
        whole = np.sum(members * factor)
        members = members * factor * (members.sum() / whole if whole else 0.0)
        raked[name] = within(members, raked["workers"])
    return rows.assign(**raked)
