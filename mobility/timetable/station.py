"""Stations: platforms, entrances and the pathways between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobility.sources.gtfs.feed import ENTRANCE, is_platform
from mobility.sources.gtfs.read import Feed
from mobility.streets.arcs import joined
from mobility.timetable.arrays import INF, Int32, Int64
from mobility.timetable.footpaths import WalkTable, sorted_walks

EARTH_M = 6_371_009.0
_LIFT_S = 60.0
"""A lift ride of unknown time, waiting included."""
_LIFT = 5
Links = tuple[Int64, Int64]


@dataclass(frozen=True)
class AccessPoints:
    """Where one meets the streets to reach or leave each stop.

    Attributes
    ----------
    lonlat
        float64[P, 2] degrees: the points walking tables must be built for.
    stop
        int32[P]: the stop each point leads to.
    in_s, out_s
        int32[P]: seconds from the point to the stop and back, inside the station; ``INF``
        where there is no way in that direction.
    """

    lonlat: NDArray[np.float64]
    stop: Int32
    in_s: Int32
    out_s: Int32


def pathway_times(feed: Feed, *, walk_speed_ms: float) -> Links:
    """Return the pairs of platforms linked by pathways.

    Returns
    -------
    key, walk_s : int64
        ``from * n_stops + to``, and seconds rounded up.
    """
    stops = np.flatnonzero(is_platform(feed.stops))
    return _between(feed, stops, stops, walk_speed_ms)


def access_points(feed: Feed, *, walk_speed_ms: float = 1.25) -> AccessPoints:
    """Return the points where riders enter and leave the streets.

    A platform that pathways link to entrances of its station is reached through each of
    them, at the pathways' traversal time; any other platform is reached where it stands.
    """
    count = feed.n_stops
    stops = np.flatnonzero(is_platform(feed.stops))
    doors = np.flatnonzero(feed.stops["location_type"].to_numpy() == ENTRANCE)
    into, into_s = _between(feed, doors, stops, walk_speed_ms)
    out, out_s = _between(feed, stops, doors, walk_speed_ms)
    # Key both directions by (platform, entrance).
    entering = (into % count) * count + into // count
    key = np.union1d(entering, out)
    seconds = np.full((2, key.size), INF, np.int64)
    seconds[0, np.searchsorted(key, entering)] = into_s
    seconds[1, np.searchsorted(key, out)] = out_s
    plain = np.setdiff1d(stops, key // count)
    plain = plain[plain == feed.own_stop[plain]]
    at = np.concatenate([plain, key % count])
    zero = np.zeros(plain.size, np.int64)
    # Copies of a stop are reached as it is.
    row, stop = joined(feed.own_stop, np.arange(count), np.concatenate([plain, key // count]))
    return AccessPoints(
        lonlat=feed.lonlat()[at[row]],
        stop=stop.astype(np.int32),
        in_s=np.concatenate([zero, seconds[0]])[row].astype(np.int32),
        out_s=np.concatenate([zero, seconds[1]])[row].astype(np.int32),
    )


def fold_points(
    table: WalkTable,
    points: AccessPoints,
    *,
    leaving: bool = False,
    between: int = 0,
    limit_s: int = INF - 1,
) -> WalkTable:
    """Return the walks to stops from a table of walks to access points.

    Parameters
    ----------
    table
        Rows are homes or gates, its ``stop`` are places in ``points``.
    leaving
        The walks lead from the stops to the rows (gates reached, homes regained).
    between
        Number of stops where the rows of ``table`` are ``points`` too: the walks found lead
        from stop to stop.
    limit_s
        Longest walk kept, inside the station included.
    """
    inside = points.out_s if leaving else points.in_s
    walk = table.walk_s.astype(np.int64) + inside[table.stop]
    row, n_rows = table.rows, between or table.n_rows
    if between:
        row, walk = points.stop[row], walk + points.out_s[row]
    keep = walk <= limit_s
    row, stop, walk = row[keep], points.stop[table.stop][keep], walk[keep]
    order = np.lexsort((walk, stop, row))
    row, stop, walk = row[order], stop[order], walk[order]
    best = np.ones(row.size, np.bool_)
    best[1:] = (row[1:] != row[:-1]) | (stop[1:] != stop[:-1])
    return sorted_walks(row[best], stop[best], walk[best], n_rows, int(stop.max(initial=0)) + 1)


def slower(into: WalkTable, out: WalkTable, n_stops: int) -> WalkTable:
    """Return the walks to stops that are reached and left again, each as long as the longer way.

    One may go in at one door and out at another.
    """
    key, back = (t.rows.astype(np.int64) * n_stops + t.stop for t in (into, out))
    both, one, two = np.intersect1d(key, back, assume_unique=True, return_indices=True)
    row, stop = np.divmod(both, n_stops)
    walk_s = np.maximum(into.walk_s[one], out.walk_s[two])
    return sorted_walks(row, stop, walk_s, into.n_rows, n_stops)


def _between(
    feed: Feed, sources: NDArray[np.intp], targets: NDArray[np.intp], speed_ms: float
) -> Links:
    """Return keys and seconds of the pairs of distinct stops that pathways link."""
    one, two, seconds = _edges(feed, speed_ms)
    used = np.union1d(one, two)
    rows = np.flatnonzero(np.isin(used, sources))
    if not rows.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    ends = [np.searchsorted(used, end).astype(np.int32) for end in (one, two)]
    graph = coo_array((seconds, tuple(ends)), shape=(used.size, used.size)).tocsr()
    time = dijkstra(graph, indices=rows)
    time[np.arange(rows.size), rows] = np.inf
    time[:, ~np.isin(used, targets)] = np.inf
    a, b = np.nonzero(np.isfinite(time))
    key = used[rows[a]].astype(np.int64) * feed.n_stops + used[b]
    return key, np.ceil(time[a, b]).astype(np.int64)


def _edges(feed: Feed, speed_ms: float) -> tuple[Int64, Int64, NDArray[np.float64]]:
    """Return the shortest directed pathway between each two stops: from, to, seconds (> 0)."""
    table = feed.pathways
    one, two = (table[f"{s}_stop"].to_numpy(np.int64) for s in ("from", "to"))
    lon, lat = np.radians(feed.lonlat()).T
    east = (lon[two] - lon[one]) * np.cos((lat[one] + lat[two]) / 2)
    line_m = EARTH_M * np.hypot(east, lat[two] - lat[one])
    length = table["length_m"].to_numpy(np.float64)
    guess = np.where(np.isnan(length), np.nan_to_num(line_m), length) / speed_ms
    guess = np.where(table["mode"].to_numpy() == _LIFT, _LIFT_S, guess)
    seconds = table["traversal_s"].to_numpy(np.float64)
    # A sparse graph takes a zero for no edge.
    seconds = np.maximum(np.where(np.isnan(seconds), guess, seconds), 1e-3)
    back = table["both_ways"].to_numpy()
    one, two = np.concatenate([one, two[back]]), np.concatenate([two, one[back]])
    seconds = np.concatenate([seconds, seconds[back]])
    order = np.lexsort((seconds, two, one))
    one, two, seconds = one[order], two[order], seconds[order]
    first = np.ones(one.size, np.bool_)
    first[1:] = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    return one[first], two[first], seconds[first]
