"""What is walked, cycled and driven on the streets between homes, stops and gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mobility.base.cache import Bundle
from mobility.commute.feeder_modes import Carried, Feeder, Ways, feeders
from mobility.commute.night import safe_times
from mobility.commute.ways import mode_times
from mobility.sources.gtfs.read import Feed
from mobility.streets.arcs import Times, times_key
from mobility.streets.graph import Streets
from mobility.streets.paths import PairTable, street_times
from mobility.streets.snap import Snaps
from mobility.territory.project import Site, Speeds, StreetMode, Territory
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable, home_walks, walk_snaps
from mobility.timetable.station import access_points, fold_points

Int32 = NDArray[np.int32]
Float = NDArray[np.float64]

#: Walks are known this many times further than the limit, so that it can be relaxed.
RELAXED_WALK = 2.0


def walks_to_stops(
    streets: Streets,
    feed: Feed,
    lonlat: Float,
    limit_s: float,
    speeds: Speeds,
    walking: Times,
    *,
    snap_times: Times | None = None,
) -> WalkTable:
    """Return the walks between points and stops, through a station's entrances where given.

    Where a feed describes pathways, the slower of the ways in and out counts, and a way that
    is open in one direction only is not used: one table serves both directions.
    """
    if feed.pathways.empty:
        stops = feed.stops[["lon", "lat"]].to_numpy(np.float64)
        return home_walks(
            streets, lonlat, stops, limit_s, speeds, times=walking, snap_times=snap_times
        )
    points = access_points(feed, walk_speed_ms=speeds.walk_kmh / 3.6)
    slower_s = np.maximum(points.in_s, points.out_s)
    table = home_walks(
        streets, lonlat, points.lonlat, limit_s, speeds, times=walking, snap_times=snap_times
    )
    return fold_points(table, replace(points, in_s=slower_s), limit_s=round(limit_s))


def feeders_of(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    sites: Sequence[Site],
    homes_lonlat: Float,
    *,
    safe: bool = False,
) -> dict[str, Feeder | Carried]:
    """Return what the feeder modes need; with ``safe``, kept to streets safe at night."""

    def ways() -> Ways:
        walk, bike, car = (mode_times(territory, streets, mode) for mode in ("walk", "bike", "car"))
        if not safe:
            return Ways(walk, bike, car)
        safe_walk, safe_bike = (safe_times(territory, streets, m) for m in ("walk", "bike"))
        return Ways(safe_walk, safe_bike, car, snap_walk=walk, snap_bike=bike)

    gates = tuple(np.array(site.gates, np.float64) for site in sites)
    return feeders(territory, streets, feed, homes_lonlat, gates, ways)


def street_commutes(
    territory: Territory,
    streets: Streets,
    mode: StreetMode,
    sites: Sequence[Site],
    gates_lonlat: Float,
    homes_lonlat: Float,
    *,
    times: Times | None = None,
) -> tuple[Int32, Int32]:
    """Return seconds to work and back home by a street mode, int32 (sites, homes) each.

    ``times`` stand for the mode's own seconds per street piece (e.g. safe at night); points
    stay attached where the mode attaches them.
    """
    usual = mode_times(territory, streets, mode)
    times = usual if times is None else times

    def compute() -> Bundle:
        gates = walk_snaps(streets, usual, gates_lonlat)
        homes = walk_snaps(streets, usual, homes_lonlat)
        pairs = {
            way: _pairs(territory, streets, times, gates, homes, to_work=way == "out")
            for way in ("out", "back")
        }
        return {
            way: nearest_gate(p.ptr, p.target, p.time_s, sites, len(homes))
            for way, p in pairs.items()
        }

    gates_of_sites = tuple(len(site.gates) for site in sites)
    key = ["commutes", *times_key(usual), *times_key(times), gates_lonlat, homes_lonlat]
    key += [gates_of_sites, territory.limits.max_total_min, territory.speeds.walk_kmh]
    found = streets.kept(key, compute)
    return np.asarray(found["out"]), np.asarray(found["back"])


def _pairs(
    territory: Territory,
    streets: Streets,
    times: Times,
    gates: Snaps,
    homes: Snaps,
    *,
    to_work: bool,
) -> PairTable:
    return street_times(
        streets,
        times,
        gates,
        homes,
        limit_s=territory.limits.max_total_min * 60,
        connector_speed_ms=territory.speeds.walk_kmh / 3.6,
        reverse=to_work,
    )


def nearest_gate(
    ptr: NDArray[np.int64], reached: Int32, seconds: Int32, sites: Sequence[Site], n: int
) -> Int32:
    """Return the least seconds between any gate of each site and each of ``n`` places.

    ``ptr``, ``reached`` and ``seconds`` are a table of the gates of all sites, in their order.
    """
    least_s = np.full((len(sites), n), INF, np.int32)
    gate = 0
    for index, site in enumerate(sites):
        rows = slice(ptr[gate], ptr[gate + len(site.gates)])
        np.minimum.at(least_s[index], reached[rows], seconds[rows])
        gate += len(site.gates)
    return least_s
