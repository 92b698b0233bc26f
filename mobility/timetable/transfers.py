"""Footpaths between stops: walks on the streets, stations with their pathways, transfers.txt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float, Int32, Int64
from mobility.sources.gtfs.feed import (
    EARTH_M,
    ENTRANCE,
    IMPOSSIBLE,
    MINIMUM,
    TIMED,
    for_platforms,
    is_platform,
)
from mobility.sources.gtfs.read import Feed
from mobility.streets.arcs import joined
from mobility.timetable.arrays import INF, FootArrays, footpath_rows
from mobility.timetable.footpaths import WalkTable, sorted_walks

#: A lift ride of unknown time, waiting included.
_LIFT_S = 60.0
_LIFT = 5
Links = tuple[Int64, Int64]
_Number = TypeVar("_Number", bound=np.generic)


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

    lonlat: Float
    stop: Int32
    in_s: Int32
    out_s: Int32


def _pathway_times(feed: Feed, *, walk_speed_ms: float) -> Links:
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
    row, stop, walk = _least(row, stop, walk)
    return sorted_walks(row, stop, walk, n_rows, int(stop.max(initial=0)) + 1)


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


def _edges(feed: Feed, speed_ms: float) -> tuple[Int64, Int64, Float]:
    """Return the shortest directed pathway between each two stops: from, to, seconds (> 0)."""
    table = feed.pathways
    one, two = (table[f"{s}_stop"].to_numpy(np.int64) for s in ("from", "to"))
    line_m = feed.metres(one, two)
    length = table["length_m"].to_numpy(np.float64)
    guess = np.where(np.isnan(length), np.nan_to_num(line_m), length) / speed_ms
    guess = np.where(table["mode"].to_numpy() == _LIFT, _LIFT_S, guess)
    seconds = table["traversal_s"].to_numpy(np.float64)
    # A sparse graph takes a zero for no edge.
    seconds = np.maximum(np.where(np.isnan(seconds), guess, seconds), 1e-3)
    back = table["both_ways"].to_numpy()
    one, two = np.concatenate([one, two[back]]), np.concatenate([two, one[back]])
    seconds = np.concatenate([seconds, seconds[back]])
    return _least(one, two, seconds)


def _least(
    one: Int64, two: Int64, seconds: NDArray[_Number]
) -> tuple[Int64, Int64, NDArray[_Number]]:
    """Return the least seconds of each pair, sorted by pair."""
    order = np.lexsort((seconds, two, one))
    one, two, seconds = one[order], two[order], seconds[order]
    first = np.ones(one.size, np.bool_)
    first[1:] = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    return one[first], two[first], seconds[first]


#: Length of a walk over its straight line, where the streets do not tell.
DETOUR = 1.3


class Pairs(NamedTuple):
    """Footpaths keyed by ``from * n_stops + to``, sorted by key; seconds."""

    key: Int64
    walk_s: Int64
    need_s: Int64


def build_footpaths(
    feed: Feed, stop_walks: WalkTable, *, min_change_s: int, max_walk_s: int, walk_speed_ms: float
) -> FootArrays:
    """Return the footpaths of a timetable.

    A walk between two platforms is, in this order: the traversal time of the station's
    pathways, the walk on the streets, or, inside a station or where transfers.txt names
    the pair, the straight line times 1.3. None is longer than ``max_walk_s``; each needs
    ``min_change_s`` on top. Then transfers.txt applies: type 3 removes a pair, type 2 sets
    what it needs, and with it the walk where that was guessed longer; at a connection of type
    1 the departing vehicle waits, so that any departure not before the arrival is reached;
    type 0 adds nothing. A rule naming a station holds for its platforms; one naming platforms
    comes before one naming stations. Rules for certain routes or trips are rules between
    copies of stops by then, see `mobility.sources.gtfs.extras`.
    """
    count = feed.n_stops
    if stop_walks.n_rows != count:
        raise ValueError(f"the walk table has {stop_walks.n_rows} rows for {count} stops")
    rules = _effective_rules(feed)
    walks = _walks(feed, stop_walks, rules, max_walk_s, walk_speed_ms)
    pairs = Pairs(walks.key, walks.walk_s, walks.walk_s + min_change_s)
    pairs = _apply(pairs, rules)
    source, target = np.divmod(pairs.key, count)
    return footpath_rows(
        count,
        source.astype(np.int32),
        target.astype(np.int32),
        pairs.walk_s.astype(np.int32),
        pairs.need_s.astype(np.int32),
    )


def _walks(
    feed: Feed, stop_walks: WalkTable, rules: pd.DataFrame, max_walk_s: int, speed_ms: float
) -> Pairs:
    """Return the shortest known walk of each pair of platforms, a platform to itself included."""
    count = feed.n_stops
    platform = is_platform(feed.stops) & (feed.stops["copy_of"].to_numpy() < 0)
    source = np.repeat(np.arange(count, dtype=np.int64), np.diff(stop_walks.ptr))
    keep = platform[source] & platform[stop_walks.stop] & (source != stop_walks.stop)
    streets = source[keep] * count + stop_walks.stop[keep], stop_walks.walk_s[keep]
    inside = _pathway_times(feed, walk_speed_ms=speed_ms)
    itself = np.flatnonzero(platform).astype(np.int64) * (count + 1)
    one, two = np.divmod(rules["key"].to_numpy(), count)
    guesses = np.union1d(_siblings(feed, platform), feed.own_stop[one] * count + feed.own_stop[two])
    guesses = guesses[platform[guesses // count] & platform[guesses % count]]
    # First come, first served: the best-known source of each pair stands first.
    key = np.concatenate([itself, inside[0], streets[0], guesses])
    guessed_s = _straight_line_s(feed, guesses, speed_ms)
    walk = np.concatenate([np.zeros(itself.size, np.int64), inside[1], streets[1], guessed_s])
    key, first = np.unique(key, return_index=True)
    # A rule shortens the walk of those it is for, not of all who call at the stop.
    key, walk = _for_copies(feed, key, walk[first].astype(np.int64))
    walk = _as_the_feed_says(key, walk, rules)
    near = (walk >= 0) & (walk <= max_walk_s)
    return Pairs(key[near], walk[near], walk[near])


def _as_the_feed_says(key: Int64, walk_s: Int64, rules: pd.DataFrame) -> Int64:
    """Return walks that are no longer than what transfers.txt says a change needs."""
    timed = rules[(rules["kind"] == MINIMUM) & (rules["min_s"] >= 0)]
    least = timed["min_s"].to_numpy(np.int64)
    place, found = _places(key, timed["key"].to_numpy(np.int64))
    place, least = place[found], least[found]
    walk_s = walk_s.copy()
    shorter = (walk_s[place] < 0) | (least < walk_s[place])
    walk_s[place[shorter]] = least[shorter]
    return walk_s


def _places(key: Int64, asked: Int64) -> tuple[Int64, Bool]:
    """Return where the keys asked for stand among the sorted ones, and which do."""
    place = np.searchsorted(key, asked)
    found = place < key.size
    found[found] = key[place[found]] == asked[found]
    return place, found


def _for_copies(feed: Feed, key: Int64, walk_s: Int64) -> tuple[Int64, Int64]:
    """Return walks between all copies of the stops of given ones, sorted by key."""
    if (feed.stops["copy_of"] < 0).all():
        return key, walk_s
    copies = pd.DataFrame({"own": feed.own_stop, "stop": np.arange(feed.n_stops)})
    one, two = np.divmod(key, feed.n_stops)
    found = pd.DataFrame({"from": one, "to": two, "walk_s": walk_s})
    for side in ("from", "to"):
        found = found.merge(copies.rename(columns={"own": side, "stop": f"{side}_stop"}), on=side)
    key = (found["from_stop"] * feed.n_stops + found["to_stop"]).to_numpy(np.int64)
    order = np.argsort(key, kind="stable")
    return key[order], found["walk_s"].to_numpy(np.int64)[order]


def _siblings(feed: Feed, platform: Bool) -> Int64:
    """Return the keys of pairs of platforms of one station."""
    parent = feed.stops["parent"].to_numpy()
    rows = np.flatnonzero(platform & (parent >= 0))
    frame = pd.DataFrame({"station": parent[rows], "stop": rows})
    pairs = frame.merge(frame, on="station")
    return (pairs["stop_x"] * feed.n_stops + pairs["stop_y"]).to_numpy(np.int64)


def _straight_line_s(feed: Feed, key: Int64, speed_ms: float) -> Int64:
    """Return straight-line walking seconds of pairs, rounded up; -1 where a place is unknown."""
    lon, lat = np.radians(feed.lonlat()).T
    one, two = np.divmod(key, feed.n_stops)
    chord = (
        np.sin((lat[two] - lat[one]) / 2) ** 2
        + np.cos(lat[one]) * np.cos(lat[two]) * np.sin((lon[two] - lon[one]) / 2) ** 2
    )
    metres = 2 * EARTH_M * np.arcsin(np.sqrt(chord))
    seconds = np.ceil(metres * DETOUR / speed_ms)
    return np.where(np.isnan(seconds), -1, seconds).astype(np.int64)


def _effective_rules(feed: Feed) -> pd.DataFrame:
    """Return one rule (key, kind, min_s) per pair of platforms that transfers.txt names."""
    table = feed.transfers[feed.transfers["kind"] <= IMPOSSIBLE].reset_index(drop=True)
    rules = table[(table["from_stop"] >= 0) & (table["to_stop"] >= 0)]
    if rules.empty:
        return pd.DataFrame({"key": np.zeros(0, np.int64), "kind": [], "min_s": []})
    platform = is_platform(feed.stops)
    rank = sum(platform[rules[f"{side}_stop"].to_numpy()].astype(int) for side in ("from", "to"))
    rules = rules.assign(rank=rank)
    for side in ("from", "to"):
        rules = for_platforms(rules, f"{side}_stop", feed.stops)
    rules = rules.sort_values("rank", kind="stable")
    key = rules["from_stop"].to_numpy(np.int64) * feed.n_stops + rules["to_stop"].to_numpy()
    return rules.assign(key=key).drop_duplicates("key", keep="last")[["key", "kind", "min_s"]]


def _apply(pairs: Pairs, rules: pd.DataFrame) -> Pairs:
    """Apply one rule per pair."""
    place, found = _places(pairs.key, rules["key"].to_numpy(np.int64))
    place, kind, least = place[found], rules["kind"].to_numpy()[found], rules["min_s"].to_numpy()
    walk, need = pairs.walk_s.copy(), pairs.need_s.copy()
    timed = (kind == MINIMUM) & (least[found] >= 0)
    need[place[timed]] = least[found][timed]
    walk[place[timed]] = np.minimum(walk[place[timed]], need[place[timed]])
    need[place[kind == TIMED]] = 0
    keep = np.ones(pairs.key.size, np.bool_)
    keep[place[kind == IMPOSSIBLE]] = False
    return Pairs(pairs.key[keep], walk[keep], need[keep])
