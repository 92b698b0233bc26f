"""Driving times between cells, gates and points met on the way, over the streets of a study.

Free-flow seconds become those of the hour by the traffic that the territory states.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Float, Int64
from mobility.base.clock import DAY_S
from mobility.commute.feeder_modes import drives as driven
from mobility.commute.study import Study
from mobility.engine.journeys import Edge
from mobility.streets.arcs import Times, times_key, turned
from mobility.streets.modes import edge_times
from mobility.territory.project import Driving
from mobility.timetable.arrays import INF

#: Days of the axis before and after the study date on which one may drive.
_DAYS_AROUND = 3
#: Cells whose drives from one to another are kept, at most: four bytes a pair.
MOST_KEPT = 3000


def car_park_s(driving: Driving, edge: Edge) -> int:
    """Return when the car is parked beside the gate, or leaves its place, axis seconds."""
    parking_s = round(driving.parking_min * 60)
    if edge.returning:
        return edge.at_s + edge.margin_s + parking_s
    return edge.at_s - edge.margin_s - parking_s


def road_seconds(
    driving: Driving, free_s: NDArray[np.integer], parked_s: int, *, returning: bool
) -> Float:
    """Return the seconds on the road of drives of some free-flow seconds.

    Parameters
    ----------
    parked_s
        Axis second at which the drive ends; or starts, when ``returning``.
    """
    # Read off one rising curve: who leaves later in a jam never overtakes who left before.
    clock, done = _progress(driving)
    here = np.interp(parked_s, clock, done)
    if returning:
        return np.asarray(np.interp(here + free_s, done, clock) - parked_s)
    return np.asarray(parked_s - np.interp(here - free_s, done, clock))


def free_seconds(driving: Driving, road_s: float, parked_s: int, *, returning: bool) -> float:
    """Return the free-flow seconds driven within some seconds on the road."""
    clock, done = _progress(driving)
    other = parked_s + road_s if returning else parked_s - road_s
    return float(abs(np.interp(other, clock, done) - np.interp(parked_s, clock, done)))


def _progress(driving: Driving) -> tuple[Float, Float]:
    """Return clock times and the free-flow seconds driven since the first of them."""
    return _curve(tuple(driving.hourly), driving.peak_factor, tuple(driving.peak_hours))


@lru_cache(maxsize=8)
def _curve(
    hourly: tuple[float, ...], peak_factor: float, peak_hours: tuple[tuple[int, int], ...]
) -> tuple[Float, Float]:
    if hourly:
        cuts = np.arange(25) * 3600
        factor = np.array(hourly)
    else:
        ends = [second for interval in peak_hours for second in interval]
        cuts = np.unique([0, DAY_S, *(second % DAY_S for second in ends)])
        middle = (cuts[:-1] + cuts[1:]) / 2
        factor = np.where([_within(m, peak_hours) for m in middle], peak_factor, 1.0)
    days = np.arange(-_DAYS_AROUND, _DAYS_AROUND + 1) * DAY_S
    clock = np.append((days[:, None] + cuts[:-1]).ravel(), days[-1] + DAY_S).astype(np.float64)
    gained = np.diff(clock) / np.tile(factor, len(days))
    return clock, np.append(0.0, np.cumsum(gained))


def _within(second: float, intervals: tuple[tuple[int, int], ...]) -> bool:
    """Return whether a time of day lies in an interval, which may span midnight."""
    found = False
    for a, b in intervals:
        start, end = a % DAY_S, b % DAY_S or DAY_S
        found |= start <= second < end if start < end else not end <= second < start
    return found


@dataclass(frozen=True)
class Drives:
    """Driving times, int64 seconds, ``INF`` where out of reach.

    Attributes
    ----------
    between : (H, H)
        From cell to cell; 0 within a cell.
    to_site, from_site : (sites, H)
        To the nearest gate and back.
    across : (sites, sites)
        From the gates of one site to those of another; 0 for the same.
    """

    between: Int64
    to_site: Int64
    from_site: Int64
    across: Int64


def drives_between(study: Study) -> Drives:
    """Return the drives between cells and sites."""
    lonlat, gates = study.homes.lonlat, study.gates_lonlat
    car = edge_times(study.streets, "car", study.territory.speeds)
    limits, walk_kmh = study.territory.limits, study.territory.speeds.walk_kmh
    under = limits.max_total_min, walk_kmh

    def cells() -> Int64:
        return _table(study, car, lonlat, lonlat)

    if len(lonlat) > MOST_KEPT:
        between = cells()
    else:
        key = ["cells", *times_key(car), lonlat, *under]
        kept = study.streets.kept(key, lambda: {"seconds": cells().astype(np.int32)})
        between = np.array(kept["seconds"], np.int64)
    np.fill_diagonal(between, 0)
    found = study.streets.kept(
        ["gates", *times_key(car), lonlat, gates, *under],
        lambda: {
            "to": _table(study, car, lonlat, gates),
            "from": _table(study, car, lonlat, gates, back=True),
            "across": _table(study, car, gates, gates),
        },
    )
    to, back, across = (np.array(found[name], np.int64) for name in ("to", "from", "across"))
    sites = _by_site(study, _by_site(study, across))
    np.fill_diagonal(sites, 0)
    return Drives(between, _by_site(study, to), _by_site(study, back), sites)


def drives_by(study: Study, points: Float) -> Drives:
    """Return the drives by way of some points.

    Parameters
    ----------
    points : float64[P, 2]
        Longitude and latitude.

    Returns
    -------
    Drives
        ``between`` from cells to points (H, P), ``to_site`` and ``from_site`` between points and
        sites (sites, P), ``across`` from points to cells (P, H).
    """
    lonlat, gates = study.homes.lonlat, study.gates_lonlat
    car = edge_times(study.streets, "car", study.territory.speeds)
    return Drives(
        _table(study, car, lonlat, points),
        _by_site(study, _table(study, car, points, gates)),
        _by_site(study, _table(study, car, gates, points).T),
        _table(study, car, lonlat, points, back=True).T,
    )


def _table(
    study: Study, car: Times, origins: Float, targets: Float, *, back: bool = False
) -> Int64:
    """Return driving seconds from each origin to each target, int64, ``INF`` out of reach.

    With ``back``, those from the target to the origin. The search is from the targets: give the
    fewer points as those.
    """
    full = np.full((len(origins), len(targets)), INF, np.int64)
    if not len(origins) or not len(targets):
        return full
    limit_s = study.territory.limits.max_total_min * 60
    ways = turned(car) if back else car
    table = driven(study.territory, study.streets, ways, origins, targets, limit_s)
    full[table.rows, table.stop] = table.walk_s
    return full


def _by_site(study: Study, seconds: Int64) -> Int64:
    """Return the least seconds to any gate: (points, gates) becomes (sites, points)."""
    sizes = [len(site.gates) for site in study.sites]
    starts = np.append(0, np.cumsum(sizes)[:-1])
    return np.asarray(np.minimum.reduceat(seconds, starts, axis=1).T)
