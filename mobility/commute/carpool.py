"""Car-pooling: who has a colleague on the way, expected from cells alone.

Where each worker of a shift lives is not known. The N workers of a shift are taken to live
in the cells of its labour pool independently, in proportion to the workers there; or, where
the site's own employees are known by cell, to be a random draw of N among them. So the
number of colleagues within reach of a cell is binomial, or hypergeometric, and

    share with k - 1 colleagues = sum over cells of p(cell) * P(at least k - 1 of the others
                                  live where one drives the other within the detour)

No individual enters the computation. The share for cars of k is an upper bound: a colleague
may be wanted by several drivers, and each is a detour of its own. Cars filled at a meeting
point are a lower one: whole cars of k out of those who pass near it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float
from mobility.commute.drives import Drives, drives_between, drives_by
from mobility.commute.study import ShiftRow, Study
from mobility.territory.project import Carpool
from mobility.timetable.arrays import INF

#: Persons in a car.
SIZES = (2, 3, 4)
#: Chances of colleagues in the own shift, and in all of close hours; number of those shifts.
_Chances = tuple[Float, Float, int]
#: Settlements that serve as meeting points.
VILLAGES = ("city", "town", "village", "hamlet", "suburb")


@dataclass(frozen=True)
class Crew:
    """The workers of one shift over the cells.

    Attributes
    ----------
    size
        Workers present on the shift.
    share : float64[H]
        Where one of them lives, probabilities.
    known : float64[H] or None
        Employees by cell, where they are known.
    """

    site: int
    size: int
    share: Float
    known: Float | None = None


def crew(study: Study, row: ShiftRow) -> Crew | None:
    """Return the workers of a shift, None where neither headcount nor employees are known."""
    pool = study.pool(row.site, row.roster)
    total = float(pool.sum())
    known = pool if study.homes.pool is not None else None
    size = row.headcount
    if not size and known is not None:
        rotation = [r for r in study.shift_rows if (r.site, r.roster) == (row.site, row.roster)]
        size = round(total / len(rotation))
    if not size or not total:
        return None
    return Crew(row.site, size, pool / total, known)


def compatible(drives: Drives, one: int, other: int, detour_s: float) -> Bool:
    """Return whether a worker of one site and one of another can share a car, bool (H, H).

    Either drives and fetches the other, with no more than ``detour_s`` on top of the drive
    alone, each way.
    """
    return _takes(drives, one, other, detour_s) | _takes(drives, other, one, detour_s).T


def _takes(drives: Drives, driver: int, rider: int, detour_s: float) -> Bool:
    """Return whether drivers of one site can take riders of another along, bool (H, H)."""
    alone_out, alone_back = drives.to_site[driver], drives.from_site[driver]
    # One table serves both ways: of thousands of homes it is large.
    way = drives.between + (drives.to_site[rider] + drives.across[rider, driver])[None, :]
    way -= alone_out[:, None]
    ok = way <= detour_s
    rest = (drives.from_site[rider] + drives.across[driver, rider])[None, :]
    np.add(drives.between.T, rest, out=way)
    way -= alone_back[:, None]
    ok &= way <= detour_s
    ok &= ((alone_out < INF) & (alone_back < INF))[:, None]
    return np.asarray(ok)


def colleagues(mine: Crew, crews: Sequence[Crew], reach: Sequence[Bool]) -> Float:
    """Return the chance of at least 1, 2 and 3 colleagues within reach, float64 (3, H).

    Parameters
    ----------
    mine
        The shift of the worker who looks for a car.
    crews
        Shifts whose workers may share it; ``mine`` among them.
    reach
        For each of them bool (H, H): cell of the worker, cell of the colleague.
    """
    cells = mine.share.size
    total = np.zeros((SIZES[-1], cells))
    total[0] = 1.0
    for other, near in zip(crews, reach, strict=True):
        found = _count(other, near, own=other is mine)
        total = np.array(
            [sum(total[a] * found[n - a] for a in range(n + 1)) for n in range(SIZES[-1])]
        )
    return 1.0 - np.cumsum(total[: SIZES[-1] - 1], axis=0)


def _count(other: Crew, near: Bool, *, own: bool) -> Float:
    """Return the chance of exactly 0, 1, 2 and 3 workers of a shift within reach (4, H)."""
    others = other.size - int(own)
    counts = np.arange(SIZES[-1])[:, None]
    if other.known is None:
        chance = np.clip(near @ other.share, 0.0, 1.0)
        ways = np.array([[comb(others, k)] for k in range(SIZES[-1])], np.float64)
        # Binomial; with fewer others than a count there is no way.
        return np.asarray(ways * chance**counts * (1 - chance) ** np.maximum(others - counts, 0))
    from scipy.stats import hypergeom  # takes a second to load

    staff = round(float(other.known.sum())) - int(own)
    # The worker is one of those known in the own cell, which is always within reach.
    reached = np.round(near @ other.known).astype(np.int64) - (
        np.diag(near).astype(np.int64) if own else 0
    )
    reached = np.clip(reached, 0, staff)
    return np.asarray(hypergeom.pmf(counts, staff, reached[None, :], min(others, staff)))


def partners(study: Study, row: ShiftRow, hours_s: float) -> list[ShiftRow]:
    """Return the shifts whose workers keep the same hours, the shift itself first.

    Shifts of other sites count when both edges differ by no more than ``hours_s``, around
    the clock, and they share a weekday.
    """

    def near(a: int, b: int) -> bool:
        gap = abs(a - b) % 86_400
        return min(gap, 86_400 - gap) <= hours_s

    return [row] + [
        other
        for other in study.shift_rows
        if other.shift_id != row.shift_id
        and near(other.start_s, row.start_s)
        and near(other.end_s, row.end_s)
        and set(other.days) & set(row.days)
    ]


def carpool_table(study: Study, found: Mapping[int, _Chances]) -> pd.DataFrame:
    """Return who has a colleague within the detour, one row per shift with a known size.

    Parameters
    ----------
    found
        Result of `chances`.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``shift``, ``headcount``, ``shifts`` (how many share cars),
        ``own_site_2`` (expected workers with a colleague of their own shift), ``with_2``,
        ``with_3``, ``with_4`` (with 1, 2, 3 colleagues of any shift of close hours) and
        ``share_2`` to ``share_4``.
    """
    rows = []
    for row in study.shift_rows:
        mine = crew(study, row)
        if mine is None or row.shift_id not in found:
            continue
        own, shared, count = found[row.shift_id]
        expected = shared @ mine.share
        line: dict[str, object] = {
            "site": row.site_name,
            "roster": row.roster,
            "shift": row.shift,
            "headcount": mine.size,
            "shifts": count,
            "own_site_2": mine.size * float(mine.share @ own[0]),
        }
        line |= {f"with_{k}": mine.size * s for k, s in zip(SIZES, expected, strict=True)}
        line |= {f"share_{k}": float(s) for k, s in zip(SIZES, expected, strict=True)}
        rows.append(line)
    columns = ["site", "roster", "shift", "headcount", "shifts", "own_site_2"]
    columns += [f"{what}_{k}" for what in ("with", "share") for k in SIZES]
    return pd.DataFrame(rows, columns=columns)


def chances(
    study: Study, drives: Drives, settings: Carpool, *, only: Collection[int] | None = None
) -> dict[int, _Chances]:
    """Return, per shift of known size, the chances of colleagues within the detour.

    Parameters
    ----------
    only
        Shifts, by their ids, that are asked for; all by default.

    Returns
    -------
    dict
        Shift to (chances within the own shift, chances over all shifts of close hours, both
        float64 (3, H) for at least 1, 2 and 3 colleagues; number of those shifts).
    """
    crews = {row.shift_id: crew(study, row) for row in study.shift_rows}
    near: dict[tuple[int, int], Bool] = {}

    def reach(a: int, b: int) -> Bool:
        if (a, b) not in near:
            near[a, b] = compatible(drives, a, b, settings.detour_min * 60)
        return near[a, b]

    found = {}
    for row in study.shift_rows:
        mine = crews[row.shift_id]
        if mine is None or (only is not None and row.shift_id not in only):
            continue
        close = [crews[r.shift_id] for r in partners(study, row, settings.hours_min * 60)]
        group = [c for c in close if c is not None]
        own = colleagues(mine, [mine], [reach(row.site, row.site)])
        shared = colleagues(mine, group, [reach(row.site, c.site) for c in group])
        found[row.shift_id] = (own, shared, len(group))
    return found


def _meeting_places(study: Study) -> pd.DataFrame:
    """Return where cars could meet: ``name``, ``kind``, ``lon``, ``lat``."""
    frames = []
    for layer, kinds in (("car_parks", None), ("places", VILLAGES)):
        found = study.streets.background.get(layer)
        if found is None or found.empty:
            continue
        what = found["kind"] if kinds is None else found["place"]
        points = found.geometry.representative_point()
        frame = pd.DataFrame(
            {
                "name": found["name"].fillna("").astype(str),
                "kind": what.fillna("").astype(str),
                "lon": points.x,
                "lat": points.y,
            }
        )
        frames.append(frame if kinds is None else frame[what.isin(kinds)])
    columns = ["name", "kind", "lon", "lat"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def meeting_points(
    study: Study, drives: Drives, places: pd.DataFrame, to_places: Drives, settings: Carpool
) -> pd.DataFrame:
    """Return the best meeting points of each shift, best first.

    Each next point is the one with most person-minutes of shared driving (expected workers
    who pass within the detour, times the drive from there to the gate) among those who pass
    near no point already taken: a car park beside the gate shares nothing.

    Parameters
    ----------
    places
        Rows of `_meeting_places`.
    to_places
        `Drives` whose ``between`` is from homes to places (H, P), and ``to_site`` and
        ``from_site`` those of the places (sites, P); its ``across`` holds the way back
        from places to homes (P, H).

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``shift``, ``rank``, ``name``, ``kind``, ``lon``, ``lat``,
        ``near`` (expected workers within the detour), ``shared_min`` (drive from there), ``in_2``,
        ``in_3``, ``in_4`` (expected workers in full cars of that size).
    """
    detour_s = settings.detour_min * 60
    rows = []
    for row in study.shift_rows:
        mine = crew(study, row)
        if mine is None or places.empty:
            continue
        out = to_places.between + to_places.to_site[row.site][None, :]
        back = to_places.across.T + to_places.from_site[row.site][None, :]
        passes = out - drives.to_site[row.site][:, None] <= detour_s
        passes &= back - drives.from_site[row.site][:, None] <= detour_s
        passes &= (drives.to_site[row.site] < INF)[:, None] & (out < INF)
        left = mine.share.copy()
        for rank in range(settings.points):
            chance = left @ passes
            enough = mine.size * chance >= SIZES[0]
            shared_s = to_places.to_site[row.site]
            value = np.where(enough & (shared_s < INF), chance * shared_s, 0.0)
            best = int(np.argmax(value))
            if value[best] <= 0:
                break
            found = places.iloc[best].to_dict()
            found |= {"site": row.site_name, "roster": row.roster, "shift": row.shift}
            found |= {"rank": rank + 1, "near": mine.size * chance[best]}
            found["shared_min"] = round(float(shared_s[best]) / 60, 1)
            for k in SIZES:
                found[f"in_{k}"] = in_full_cars(mine.size, float(chance[best]), k)
            rows.append(found)
            left[passes[:, best]] = 0.0
    columns = ["site", "roster", "shift", "rank", "name", "kind", "lon", "lat", "near"]
    columns.append("shared_min")
    return pd.DataFrame(rows, columns=[*columns, *(f"in_{k}" for k in SIZES)])


def in_full_cars(workers: int, chance: float, size: int) -> float:
    """Return how many of some workers are expected in full cars of a size at one point.

    The number X who pass is binomial; ``size * floor(X / size)`` of them fill cars.
    """
    from scipy.stats import binom

    passing = np.arange(workers + 1)
    weight = binom.pmf(passing, workers, min(chance, 1.0))
    return float(weight @ (size * (passing // size)))


def measure(study: Study) -> tuple[Drives, pd.DataFrame, Drives]:
    """Return the drives between cells and sites, the meeting places and the drives to them."""
    places = _meeting_places(study)
    points = places[["lon", "lat"]].to_numpy(np.float64)
    return drives_between(study), places, drives_by(study, points)
