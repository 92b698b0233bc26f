"""Fair access: who holds how many rosters without a car, and how unequally.

The measures are those of the accessibility literature, over *rosters held* by the worst-of rule,
each person counting once: the Gini index; the Palma ratio as the mean of the best-served tenth
over that of the worst-served two fifths (Palma 2011, *Development and Change* 42(1), here ranked
by access itself); and the poverty measures of Foster, Greer and Thorbecke (1984, *Econometrica*
52(3)) below a line of sufficient access, as in Lucas, van Wee and Maat (2016, *Transportation*
43(3)) for minimum accessibility. Karner, Pereira and Farber (2024, *Transportation*) tell their
pitfalls: a Gini index falls when the best-served lose, so shares below the line stand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Float
from mobility.base.errors import TerritoryError
from mobility.commute.access import Access, counted_rows
from mobility.commute.inventory import persons_of

TOP, BOTTOM = 0.1, 0.4
#: Line of sufficient access when none is given: this share of all rosters.
_LINE_SHARE = 0.5
EVERYBODY = ""


def gini(values: Float, weights: Float) -> float:
    """Return the Gini index of a weighted distribution, 0 to 1; NaN where all is zero."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    people = np.append(0.0, np.cumsum(weights))
    mass = np.append(0.0, np.cumsum(values * weights))
    if mass[-1] <= 0:
        return float("nan")
    area = np.sum(np.diff(people) * (mass[1:] + mass[:-1]) / 2)
    return float(1 - 2 * area / (people[-1] * mass[-1]))


def palma(values: Float, weights: Float) -> float:
    """Return the mean of the best-served tenth over that of the worst-served two fifths.

    The persons on whom a cut falls are split; NaN where the worst-served hold nothing.
    """
    worst = _mean_of_lowest(values, weights, BOTTOM)
    best = -_mean_of_lowest(-values, weights, TOP)
    return best / worst if worst > 0 else float("nan")


def _mean_of_lowest(values: Float, weights: Float, share: float) -> float:
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    room = share * weights.sum()
    above = np.append(0.0, np.cumsum(weights)[:-1])
    taken = np.clip(room - above, 0.0, weights)
    return float(values @ taken / room) if room > 0 else float("nan")


def fgt(values: Float, weights: Float, line: float, alpha: int) -> float:
    """Return a Foster–Greer–Thorbecke measure of those below a line of sufficient access.

    Parameters
    ----------
    alpha
        0 the share of persons below it; 1 their mean shortfall, in parts of the line, over
        everybody; 2 the same squared, which weighs the worst-served more.
    """
    if weights.sum() <= 0:
        return float("nan")
    gap = np.maximum((line - values) / line, 0.0)
    return float(weights @ np.where(gap > 0, gap**alpha, 0.0) / weights.sum())


def fairness(
    situations: Sequence[tuple[str, Access]], *, line: float | None = None
) -> pd.DataFrame:
    """Return how fairly rosters can be held, by situation and group.

    Parameters
    ----------
    situations
        Name and assessment; the first is what the others are compared with. All have the same
        homes and rosters.
    line
        Rosters that are enough; half of them by default.

    Returns
    -------
    DataFrame
        ``situation``, ``group`` (empty for everybody), ``total`` persons, ``share_any`` and
        ``share_any_car`` (who can hold some roster without, and with, a car), ``held`` and
        ``held_car`` (mean number), ``gap`` (mean of everybody less that of the group),
        ``gini``, ``palma``, ``fgt0``, ``fgt1``, ``fgt2``, and ``widens`` (what grew more unequal
        while the mean rose, by name).

    Raises
    ------
    SourceError
        A group counts more persons than workers live at a home.
    TerritoryError
        More rosters are wanted than there are.
    """
    study = situations[0][1].study
    rosters = len(counted_rows(situations[0][1].rosters))
    if line is not None and line > rosters:
        raise TerritoryError(
            "The territory has no more rosters than {rosters}: everybody would be below this line.",
            column="--line",
            value=f"{line:g}",
            mend="Write a number of rosters up to {rosters}, or leave it out for half of them.",
            rosters=rosters,
        )
    line = _LINE_SHARE * rosters if line is None else line
    people = {name: persons_of(study, name) for name in (EVERYBODY, *study.homes.groups)}
    rows = []
    for name, access in situations:
        held, by_car = rosters_held(access)
        mean = _mean(held, people[EVERYBODY])
        for group, persons in people.items():
            rows.append(
                {
                    "situation": name,
                    "group": group,
                    "total": persons.sum(),
                    "share_any": _mean(held > 0, persons),
                    "share_any_car": np.nan if by_car is None else _mean(by_car > 0, persons),
                    "held": _mean(held, persons),
                    "held_car": np.nan if by_car is None else _mean(by_car, persons),
                    "gap": np.nan if group == EVERYBODY else mean - _mean(held, persons),
                    "gini": gini(held, persons),
                    "palma": palma(held, persons),
                    **{f"fgt{a}": fgt(held, persons, line, a) for a in (0, 1, 2)},
                }
            )
    frame = pd.DataFrame(rows)
    return frame.assign(widens=_widened(frame)).round(dict.fromkeys(frame.columns[3:], 4))


def rosters_held(access: Access) -> tuple[Float, Float | None]:
    """Return, per home, how many rosters hold without a car, and by car where it is evaluated."""
    found = access.rosters
    held = found.holds[counted_rows(found)].sum(axis=0).astype(np.float64)
    driven = np.flatnonzero((found.keys["mode"] == "car").to_numpy())
    by_car = found.holds[driven].sum(axis=0).astype(np.float64) if driven.size else None
    return held, by_car


def _mean(values: NDArray[Any], persons: Float) -> float:
    return float(persons @ values / persons.sum()) if persons.sum() > 0 else float("nan")


def _widened(frame: pd.DataFrame) -> list[str]:
    """Return, by row, the measures that grew more unequal although the mean rose."""
    first = frame[frame["situation"] == frame["situation"].iloc[0]].set_index("group")
    found = []
    for row in frame.to_dict("records"):
        before = first.loc[row["group"]]
        everybody = frame[(frame["situation"] == row["situation"]) & (frame["group"] == EVERYBODY)]
        rose = everybody["held"].iloc[0] > first.at[EVERYBODY, "held"] + 1e-9
        worse = [name for name in ("gap", "gini", "palma") if row[name] > before[name] + 1e-9]
        # Nobody's lot at the bottom could be told before: an undefined ratio does not grow.
        found.append(" ".join(worse) if rose else "")
    return found
