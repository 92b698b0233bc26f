"""Tables of people with small counts withheld: the only figures that outputs may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mobility.base.privacy import (
    POOL_COUNTS,
    POOL_PARTS,
    change_told,
    change_withheld,
    pool_counts,
    pool_withheld,
    suppress_counts,
    suppress_shares,
)
from mobility.commute.access import Access, counted_rows, roster_shifts
from mobility.commute.comparison import comparison
from mobility.commute.indicators import by_group, by_shift, summary
from mobility.commute.white_zones import REASONS, WhiteZones

#: Overtime (minutes) after which there is still a way home: least of each class of `late_table`.
LATE_BREAKS = (0, 15, 30, 60, 120)
LATE_COLUMNS = ("no_return", *(f"late_{m}" for m in LATE_BREAKS))


def summary_table(
    access: Access, zones: WhiteZones, *, before: Access | None = None
) -> pd.DataFrame:
    """Return `summary` with small counts, and shares that would tell them, withheld.

    ``before`` is the present, where it is shown beside these results.
    """
    frame = summary(access, zones)
    earlier = None if before is None else summary(before, zones)
    return _shared(frame, _pool_shown(access, frame, earlier), access)


def shifts_table(
    access: Access, zones: WhiteZones, *, before: Access | None = None
) -> pd.DataFrame:
    """Return `by_shift` with small counts, and shares that would tell them, withheld.

    ``before`` is the present, where it is shown beside these results.
    """
    frame = by_shift(access, zones)
    frame["one_way_only"] = frame["outbound_only"] + frame["return_only"]
    earlier = None if before is None else _split_by_shift(before, zones)
    reasons = [f"reason_{name}" for name in REASONS if name]
    shown = _pool_shown(access, frame, earlier, reasons)
    return _shared(frame, shown.drop(columns="one_way_only"), access)


def _split_by_shift(access: Access, zones: WhiteZones) -> pd.DataFrame:
    """Return the pool's counts of the present, in the rows of `by_shift`."""
    study, rows = access.study, []
    for shift_id, day_kind in zones.keys.itertuples(index=False):
        shift = study.shift_rows[shift_id]
        workers = study.pool(shift.site, shift.roster)
        rows.append(_split(workers, *access.counted(shift_id, day_kind)))
    return pd.DataFrame(rows, columns=list(POOL_COUNTS))


def _pool_shown(
    access: Access,
    frame: pd.DataFrame,
    earlier: pd.DataFrame | None,
    reasons: Sequence[str] = (),
) -> pd.DataFrame:
    """Withhold those of `POOL_COUNTS` that a frame has, by the rule of the map page."""
    threshold = access.study.territory.limits.min_workers_shown
    names = [n for n in POOL_COUNTS if n in frame]
    parts = [(total, of) for total, of in POOL_PARTS if set(of) <= set(names)]
    changed = np.zeros((len(frame), len(names) + len(reasons)), bool)
    if earlier is not None:
        now, was = (f[names].to_numpy(np.float64) for f in (frame, earlier))
        past = suppress_counts(earlier, names, threshold=threshold, parts=parts)
        withheld = past[names].isna().to_numpy()
        changed[:, : len(names)] = change_told(now, was, withheld, threshold=threshold)
    return suppress_counts(
        frame,
        [*names, *reasons],
        threshold=threshold,
        parts=[*parts, ("white", reasons)],
        also=changed,
    )


def groups_table(access: Access) -> pd.DataFrame:
    """Return `by_group` with small counts, and shares that would tell them, withheld."""
    frame = by_group(access)
    frame["white"] = frame["total"] - frame["reachable"]
    shown = _shown(
        access, frame, ["total", "reachable", "white"], {"total": ["reachable", "white"]}
    )
    return _shared(frame, shown, access, total="total").drop(columns="white")


def comparison_table(before: Access, after: Access) -> pd.DataFrame:
    """Return `comparison` with small counts withheld, as the page withholds them."""
    frame = comparison(before, after)
    threshold = before.study.territory.limits.min_workers_shown
    was, now = _split_rows(before), _split_rows(after)
    past = pool_withheld(was, threshold=threshold)
    told = change_told(now, was, past, threshold=threshold)
    reachable = POOL_COUNTS.index("reachable")
    shown = _shown(before, frame, ["pool", "before", "after", "gained", "lost"])
    hidden = {
        "before": past[:, reachable],
        "after": pool_withheld(now, threshold=threshold, also=told)[:, reachable],
    }
    for name, gone in hidden.items():
        shown[name] = shown[name].mask(gone)
    changes = frame[["gained", "lost"]].to_numpy(np.float64)
    gains = change_withheld(
        *changes.T, **hidden, rest=now[:, POOL_COUNTS.index("white")], threshold=threshold
    )
    shown[["gained", "lost"]] = shown[["gained", "lost"]].mask(gains)
    return shown


def _split_rows(access: Access) -> np.ndarray:
    """Return `POOL_COUNTS` of each row of `comparison`: whole rosters, then shifts by day."""
    study, found = access.study, access.rosters
    rows = [
        (*key, found.out_always[r], found.back_always[r], found.holds[r])
        for key, r in zip(roster_shifts(study), counted_rows(found), strict=True)
    ]
    for shift_id, kind in access.keys[["shift_id", "day_kind"]].drop_duplicates().to_numpy():
        shift = study.shift_rows[shift_id]
        rows.append((shift.site, shift.roster, *access.counted(shift_id, kind)))
    return np.array([_split(study.pool(*row[:2]), *row[2:]) for row in rows])


def _split(workers: np.ndarray, out: np.ndarray, back: np.ndarray, held: np.ndarray) -> np.ndarray:
    status = np.where(held, 0, np.where(out, 1, np.where(back, 2, 3)))
    return pool_counts(np.bincount(status, weights=workers, minlength=4))


def late_table(access: Access) -> pd.DataFrame:
    """Return workers by the overtime after which public transport still takes them home.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``shift``, ``day_kind``, ``end_s``, ``pool``, ``no_return`` and
        ``late_<m>``: workers who may stay ``m`` minutes, but not up to the next class. The
        classes add up to ``pool``; small counts are withheld.
    """
    study = access.study
    rows = []
    for k, (shift_id, day_kind, mode) in enumerate(access.keys.itertuples(index=False)):
        if mode != "transit":
            continue
        shift = study.shift_rows[int(shift_id)]
        workers = study.pool(shift.site, shift.roster)
        minutes = access.overtime_s[k] // 60
        place = np.searchsorted(LATE_BREAKS, minutes, side="right")
        people = np.bincount(place, weights=workers, minlength=len(LATE_COLUMNS))
        rows.append(
            {
                "site": shift.site_name,
                "roster": shift.roster,
                "shift": shift.shift,
                "day_kind": day_kind,
                "end_s": shift.end_s,
                "pool": workers.sum(),
            }
            | dict(zip(LATE_COLUMNS, people, strict=True))
        )
    names = ["site", "roster", "shift", "day_kind", "end_s", "pool", *LATE_COLUMNS]
    frame = pd.DataFrame(rows, columns=names)
    return _shown(access, frame, ["pool", *LATE_COLUMNS], {"pool": LATE_COLUMNS})


def home_counts(access: Access) -> pd.DataFrame:
    """Return the workers of each home and of each group there, small counts withheld."""
    homes = access.study.homes
    return _shown(access, pd.DataFrame(homes.frame)[["workers", *homes.groups]], None)


def _shown(
    access: Access,
    frame: pd.DataFrame,
    columns: Sequence[str] | None,
    parts: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    return suppress_counts(
        frame,
        list(frame.columns) if columns is None else columns,
        threshold=access.study.territory.limits.min_workers_shown,
        parts=parts or {},
    )


def _shared(
    exact: pd.DataFrame, shown: pd.DataFrame, access: Access, *, total: str = "pool"
) -> pd.DataFrame:
    """Give ``shown`` the shares of its shown counts only; NaN elsewhere."""
    share = suppress_shares(
        exact["reachable"].to_numpy(np.float64),
        exact[total].to_numpy(np.float64),
        threshold=access.study.territory.limits.min_workers_shown,
        decimals=6,
    )
    shown["share"] = np.where(shown["reachable"].isna(), np.nan, share)
    return shown
