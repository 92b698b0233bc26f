"""Which counts of a plan may be shown: few riders of a stop, a run or a site are withheld.

The rules are those of `mobility.base.privacy`. Boardings of one stop and the load of the vehicle
tell each other by subtraction, so a load is shown only where what was withheld since the last
one shown is at least two counts that make a threshold together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mobility.base.privacy import change_withheld, is_small, suppress_counts
from mobility.shuttles.model import Bools, Floats, Run
from mobility.shuttles.plan import Plan

#: Columns of ``plans.csv`` that count people, and those that follow from another column.
PLAN_COUNTS = (
    "rosters_gained", "rosters_estimate", "employees_gained", "pool_gained",
    "shift_places_proven", "shift_places_estimate", "shift_places_gained", "over_seats",
)  # fmt: skip
PLAN_FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "employees_gained": ("eur_per_worker",),
    "shift_places_gained": (
        "boardings_year", "eur_per_boarding", "co2_saved_kg", "mean_ride_min", "longest_ride_min",
    ),
    "over_seats": ("shift_places_gained",),
}  # fmt: skip


def thin_places(plan: Plan, threshold: float) -> set[tuple[int, int]]:
    """Return the (line, place) where some run has riders, but fewer than ``threshold``."""
    return {
        (run.line, place)
        for run in plan.runs
        for place, n in zip(run.calls, run.riders, strict=True)
        if is_small(np.array(n), threshold)
    }


def stop_riders(plan: Plan, threshold: float) -> dict[tuple[int, int], float]:
    """Return the riders of each stop (line, place): on and off on the busiest kind of day.

    NaN where they are withheld, at `thin_places`. Gates and hubs are left out: all riders of
    a run get off or on there.
    """
    days: dict[str, dict[tuple[int, int], float]] = {}
    for run in plan.runs:
        ends = plan.lines[run.line].anchor.places
        stops = [(p, n) for p, n in zip(run.calls, run.riders, strict=True) if p not in ends]
        for kind in run.day_kinds:
            told = days.setdefault(kind, {})
            for place, n in stops:
                told[run.line, place] = told.get((run.line, place), 0.0) + n
    thin = thin_places(plan, threshold)
    return {
        key: float("nan") if key in thin else max(told.get(key, 0.0) for told in days.values())
        for key in sorted({key for told in days.values() for key in told})
    }


def shown_riders(run: Run, thin: set[tuple[int, int]]) -> Floats:
    """Return the riders at each call, NaN where they are withheld."""
    hidden = [
        (run.line, place) in thin and n > 0 for place, n in zip(run.calls, run.riders, strict=True)
    ]
    return np.where(hidden, np.nan, np.array(run.riders, np.float64))


def shown_loads(run: Run, thin: set[tuple[int, int]], threshold: float) -> Floats:
    """Return the load after each call, NaN where it would tell a few riders apart.

    At the gates of an inbound run it is what arrives there.
    """
    counts = np.array(run.riders, np.float64)
    hidden = np.isnan(shown_riders(run, thin))
    if run.direction == "in":
        return running_loads(counts, hidden, threshold)
    # Seen from the last stop, riders add up as they do inbound.
    back = running_loads(counts[::-1], hidden[::-1], threshold)
    return np.append(back[::-1][1:], 0.0)


def running_loads(counts: Floats, hidden: Bools, threshold: float) -> Floats:
    """Return the running sum of counts, NaN where it would tell a hidden one.

    Parameters
    ----------
    counts
        float64[n].
    hidden
        bool[n] counts that are not shown themselves.
    """
    loads = np.cumsum(counts)
    kept: list[float] = []
    for k, (n, away) in enumerate(zip(counts, hidden, strict=True)):
        kept += [float(n)] if away and n > 0 else []
        if kept and (len(kept) < 2 or sum(kept) < threshold):
            loads[k] = np.nan
        else:
            kept = []
    return loads


def safe_plans(frame: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the table of plans without small counts, and without what would tell them."""
    if frame.empty:
        return frame
    out = suppress_counts(
        frame, [c for c in PLAN_COUNTS if c in frame], threshold=threshold, step=None
    )
    for column in ("over_seats", "employees_gained", "shift_places_gained"):
        gone = out[column].isna() & frame[column].notna()
        for name in PLAN_FOLLOWS[column]:
            out[name] = out[name].where(~gone)
    return out


def safe_rosters(frame: pd.DataFrame, before: Floats, threshold: float) -> pd.DataFrame:
    """Return the table of rosters so that no small count follows from its plan's totals.

    ``before`` are those of each row's pool who hold the roster in the present: what the plan
    leaves of the pool, or takes all of, would follow from them and those gained.
    """
    columns = ["rosters_gained", "rosters_estimate", "employees_gained", "pool_gained"]
    if frame.empty:
        return frame
    pool, gained = (frame[c].to_numpy(np.float64) for c in ("pool", "pool_gained"))
    rest = np.round(pool - before - gained, 6)
    few = is_small(before, threshold) | is_small(np.round(pool - before, 6), threshold)
    told = change_withheld(
        gained, np.zeros_like(gained), before=few, after=few | is_small(rest, threshold),
        rest=rest, threshold=threshold,
    )  # fmt: skip
    also = np.repeat(told[:, :1] & (gained > 0)[:, None], len(columns), axis=1)
    return suppress_counts(
        frame, columns, threshold=threshold, within=["plan"], step=None, also=also
    )


def safe_columns(
    frame: pd.DataFrame, counts: Mapping[str, Sequence[str]], threshold: float
) -> pd.DataFrame:
    """Withhold small counts, or changes of them, with the columns that follow from each."""
    out = frame.copy()
    for column, follows in counts.items():
        small = is_small(frame[column].abs().to_numpy(np.float64), threshold)
        for name in (column, *follows):
            out[name] = out[name].where(~small)
    return out


def small_shares(part: Mapping[int, float], threshold: float) -> set[int]:
    """Return the sites whose share of riders would tell a small count: theirs or the others'."""
    total = sum(part.values())
    return {
        site
        for site, n in part.items()
        if is_small(np.array([n, round(total - n, 6)]), threshold).any()
    }
