"""Figures that a mayor reads: who is reached, who is not, and why, by site and roster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float
from mobility.commute.access import (
    NEITHER,
    OUTBOUND_ONLY,
    RETURN_ONLY,
    Access,
    counted_rows,
    roster_shifts,
)
from mobility.commute.white_zones import REASONS, WhiteZones

#: Overtime (minutes) after which there is still a way home: least of each class of `by_overtime`.
LATE_BREAKS = (0, 15, 30, 60, 120)


def round_persons(counts: Float | float) -> Float:
    """Return counts of persons as whole numbers, halves up; NaN stays.

    Homes of a commune or a cell may hold parts of a person: every table, page and sentence
    rounds them by this function, so that all tell the same number.
    """
    # Sums in another order differ in the last digits: a half is a half all the same.
    return np.asarray(np.floor(np.round(counts, 6) + 0.5))


def whole_persons(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a copy of a table whose ``columns`` are whole persons (Int64, ``<NA>`` unknown)."""
    out = frame.copy()
    for name in columns:
        counts = round_persons(frame[name].to_numpy(np.float64, na_value=np.nan))
        out[name] = pd.array(counts, dtype="Float64").astype("Int64")
    return out


def whole_parts(total: Float, parts: Float) -> Float:
    """Return parts of persons as whole numbers that add up to a whole number of persons.

    Rounded each for itself they do not always: 982.3 and 11,016.3 of 11,998.6 persons. Those with
    the largest remainders go up; what is whole stays.

    Parameters
    ----------
    total
        float64[..., 1]: whole numbers, less than one off the sum of the parts.
    parts
        float64[..., n].

    Returns
    -------
    ndarray
        float64[..., n].
    """
    near = np.round(parts, 6)
    down = np.floor(near)
    place = np.argsort(np.argsort(down - near, axis=-1, kind="stable"), axis=-1)
    more = place < total - down.sum(axis=-1, keepdims=True)
    return np.asarray(down + (more & (near > down)))


def whole_statuses(counts: Float) -> Float:
    """Return workers by status, and the pool before them, as whole numbers that add up.

    The pool and who is reachable are rounded as everywhere; who is white is the rest.

    Parameters
    ----------
    counts
        float64[..., 4]: both ways, outbound only, return only, neither.

    Returns
    -------
    ndarray
        float64[..., 5]: the pool, then the same.
    """
    pool, both = (round_persons(x)[..., None] for x in (counts.sum(axis=-1), counts[..., 0]))
    one_way, neither = counts[..., 1:3], counts[..., 3:]
    of_white = np.concatenate([one_way.sum(axis=-1, keepdims=True), neither], axis=-1)
    of_white = whole_parts(pool - both, of_white)
    one_way = whole_parts(of_white[..., :1], one_way)
    return np.concatenate([pool, both, one_way, of_white[..., 1:]], axis=-1)


def whole_changes(counts: Float) -> Float:
    """Return workers before and after a change as whole numbers that add up.

    The pool, who holds before and who holds after are rounded as everywhere; the four kinds of
    workers are whole numbers that add up to all three (controlled rounding of a table of two by
    two): those beside their counts or, where none of these add up (0.45 gained and 0.45 lost are
    one worker, who holds it neither before nor after), the next, but never less than nobody.

    Parameters
    ----------
    counts
        float64[..., 4]: gained, lost, held before and after, held neither before nor after.

    Returns
    -------
    ndarray
        float64[..., 4]: the same.
    """
    gained, lost, both, neither = np.moveaxis(np.round(counts, 6), -1, 0)
    pool, before, after = map(round_persons, (counts.sum(axis=-1), both + lost, both + gained))
    rest = pool - before - after  # of the neither, less those who hold both
    low = [
        np.floor(both),
        after - np.ceil(gained),
        before - np.ceil(lost),
        np.floor(neither) - rest,
    ]
    high = [
        np.ceil(both),
        after - np.floor(gained),
        before - np.floor(lost),
        np.ceil(neither) - rest,
    ]
    kept = np.clip(round_persons(both), np.max(low, axis=0), np.min(high, axis=0))
    kept = np.clip(kept, np.maximum(-rest, 0), np.minimum(before, after))
    return np.stack([after - kept, before - kept, kept, rest + kept], axis=-1)


def change_counts(workers: Float, was: Bool, now: Bool) -> Float:
    """Return what `whole_changes` takes of who holds before and after, bool[H], float64[..., 4]."""
    kinds = (now & ~was, was & ~now, was & now, ~(was | now))
    return np.stack([workers @ one for one in kinds], axis=-1)


def changed_counts(workers: Float, was: Bool, now: Bool) -> dict[str, float]:
    """Return the whole ``pool``, ``before``, ``after``, ``gained`` and ``lost`` of some workers.

    Parameters
    ----------
    workers, was, now
        By home: float64[H], and who holds before and after, bool[H].
    """
    told = whole_changes(change_counts(workers, was, now))
    gained, lost, both, _ = told.tolist()
    return {"pool": float(told.sum()), "before": both + lost, "after": both + gained,
            "gained": gained, "lost": lost}  # fmt: skip


def summary(access: Access, zones: WhiteZones) -> pd.DataFrame:
    """Return the figures of each site and roster under the worst-of rule.

    Returns
    -------
    DataFrame
        ``site``, ``employer``, ``roster``, ``headcount``, ``pool`` (workers), ``reachable``,
        ``white`` (all others), of them ``one_way_only`` and ``neither`` (no direction on some
        working day), ``share`` (reachable over pool), ``is_white`` (share under
        ``white_site_share``) and ``main_reason``. Of a roster that works on none of the days
        studied nothing is known: these are missing, and it is not white.
    """
    study = access.study
    found = access.rosters
    rows, idle = [], []
    for r, ((site, roster), mine) in zip(
        counted_rows(found), roster_shifts(study).items(), strict=True
    ):
        workers = study.pool(site, roster)
        holds = found.holds[r]
        one_way = ~holds & (found.out_always[r] | found.back_always[r])
        status = np.select([holds, one_way], [0, 1], 3)
        pool, reachable, *one_ways, neither = whole_statuses(_by_class(status, workers, 4))
        rows.append(
            {
                "site": study.sites[site].name,
                "employer": study.sites[site].employer,
                "roster": roster,
                "headcount": sum(study.shift_rows[i].headcount for i in mine),
                "pool": pool,
                "reachable": reachable,
                "white": pool - reachable,
                "one_way_only": sum(one_ways),
                "neither": neither,
                "share": _share(workers @ holds, workers.sum()),
                "main_reason": _main_reason(zones, mine, workers),
            }
        )
        idle.append(not any(study.works_on(i, day) for i in mine for day in study.days))
    frame = pd.DataFrame(rows)
    counts = ["reachable", "white", "one_way_only", "neither"]
    frame[counts] = frame[counts].astype(float)
    frame.loc[idle, [*counts, "share"]] = np.nan
    frame["is_white"] = frame["share"] < study.territory.limits.white_site_share
    return whole_persons(frame, ["pool", *counts])


def by_shift(access: Access, zones: WhiteZones) -> pd.DataFrame:
    """Return the figures of each site, roster, shift and kind of day.

    Returns
    -------
    DataFrame
        Identification columns of the shift, ``day_kind``, ``pool``, ``reachable``, ``white``, of
        them ``outbound_only``, ``return_only`` and ``neither``; ``share``, ``is_white``,
        ``main_reason`` and one ``reason_*`` column of workers per reason.
    """
    study = access.study
    rows = []
    for z, (shift_id, day_kind) in enumerate(zones.keys.itertuples(index=False)):
        shift = study.shift_rows[shift_id]
        workers = study.pool(shift.site, shift.roster)
        status = _by_class(zones.status[z], workers, 4)
        reason = _by_class(zones.reason[z], workers, len(REASONS))
        pool, *told = whole_statuses(status)
        why = whole_parts(np.array([pool - told[0]]), reason[1:])
        rows.append(
            {
                "site": shift.site_name,
                "roster": shift.roster,
                "shift": shift.shift,
                "day_kind": day_kind,
                "headcount": shift.headcount,
                "pool": pool,
                "reachable": told[0],
                "white": pool - told[0],
                "outbound_only": told[OUTBOUND_ONLY],
                "return_only": told[RETURN_ONLY],
                "neither": told[NEITHER],
                "share": _share(status[0], workers.sum()),
                "main_reason": _main(reason),
            }
            | {f"reason_{name}": n for name, n in zip(REASONS[1:], why, strict=True)}
        )
    frame = pd.DataFrame(rows)
    frame["is_white"] = frame["share"] < study.territory.limits.white_site_share
    counts = ["pool", "reachable", "white", "outbound_only", "return_only", "neither"]
    return whole_persons(frame, [*counts, *(f"reason_{name}" for name in REASONS if name)])


def by_group(access: Access) -> pd.DataFrame:
    """Return, per site and roster, how many of each group can hold the roster.

    With known employees, those of the group who are of its labour pool.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``group``, ``total``, ``reachable``, ``share``; empty without
        groups.
    """
    study = access.study
    found = access.rosters
    rows = []
    for r, key in zip(counted_rows(found), roster_shifts(study), strict=True):
        for group in study.homes.groups:
            people = study.members(group, *key)
            reached = people @ found.holds[r]
            rows.append(
                (
                    found.keys.at[r, "site_name"],
                    found.keys.at[r, "roster"],
                    group,
                    people.sum(),
                    reached,
                    _share(reached, people.sum()),
                )
            )
    frame = pd.DataFrame(rows, columns=["site", "roster", "group", "total", "reachable", "share"])
    return whole_persons(frame, ["total", "reachable"])


def by_overtime(access: Access) -> pd.DataFrame:
    """Return workers by the overtime after which public transport still takes them home.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``shift``, ``day_kind``, ``end_s``, ``pool``, ``no_return`` and
        ``late_<m>``: workers who may stay ``m`` minutes, but not up to the next class. The
        classes add up to ``pool``.
    """
    study = access.study
    classes = ("no_return", *(f"late_{m}" for m in LATE_BREAKS))
    rows = []
    for k, (shift_id, day_kind, mode) in enumerate(access.keys.itertuples(index=False)):
        if mode != "transit":
            continue
        shift = study.shift_rows[int(shift_id)]
        workers = study.pool(shift.site, shift.roster)
        place = np.searchsorted(LATE_BREAKS, access.overtime_s[k] // 60, side="right")
        people = _by_class(place, workers, len(classes))
        rows.append((
            shift.site_name, shift.roster, shift.shift, day_kind, shift.end_s, workers.sum(),
            *whole_parts(round_persons(workers.sum())[None], people),
        ))  # fmt: skip
    names = ["site", "roster", "shift", "day_kind", "end_s", "pool", *classes]
    return whole_persons(pd.DataFrame(rows, columns=names), ["pool", *classes])


def _main_reason(zones: WhiteZones, shift_ids: list[int], workers: Float) -> str:
    """Return the reason that keeps most workers away over some shifts, empty when none does."""
    total = np.zeros(len(REASONS))
    for z in np.flatnonzero(zones.keys["shift_id"].isin(shift_ids)):
        total += np.bincount(zones.reason[z], weights=workers, minlength=len(REASONS))
    return _main(total)


def _by_class(classes: NDArray[np.integer[Any]], workers: Float, n: int) -> Float:
    return np.bincount(classes, weights=workers, minlength=n).astype(np.float64)


def _main(reason: NDArray[np.generic]) -> str:
    return REASONS[int(reason[1:].argmax()) + 1] if reason[1:].any() else ""


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
