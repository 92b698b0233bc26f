"""Reaching stops otherwise than on foot: by bicycle, or by car to a park-and-ride.

A bicycle or car left at a place in the morning waits there in the evening: a commute holds
by one place only, the same both ways. Places are the rows of the engine's access table, and
homes are joined to them afterwards, which loses nothing: the way from home to a place is
under no limit but the total time and its own longest duration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float, Int32, Int64
from mobility.commute.modes import evaluated
from mobility.engine.journeys import Edge, EngineLimits, HomeTimes, TwoWay, relaxed, travel
from mobility.sources.gtfs.read import Feed
from mobility.streets.arcs import Times, turned
from mobility.streets.graph import Streets
from mobility.streets.paths import street_times
from mobility.territory.project import Territory
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable, home_walks, stop_walks, walk_snaps

#: Whether a ride between home and place may run: (direction, seconds from home's end of the
#: journey to the shift's edge, seconds of the ride) → bool per pair.
_Allowed = Callable[[Edge, Int64, Int32], Bool]


@dataclass(frozen=True)
class Feeder:
    """Rides between homes and the places where a vehicle is left.

    Attributes
    ----------
    ptr : int64[H + 1]
        Pairs of home h are ``ptr[h]:ptr[h + 1]``.
    place : int32[]
        Row of the place in ``walks``.
    out_s, back_s : int32[]
        Seconds from home to place and back, leaving and fetching the vehicle included;
        ``INF`` where one direction is out of reach.
    walks
        Walks between places and stops of the outbound and of the return.
    """

    ptr: Int64
    place: Int32
    out_s: Int32
    back_s: Int32
    walks: tuple[WalkTable, WalkTable]

    @property
    def home(self) -> Int64:
        """Home of each pair, int64."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))


@dataclass(frozen=True)
class Carried:
    """A bicycle that comes along: cycling at both ends.

    Attributes
    ----------
    access
        Seconds from homes to stops and from stops to homes.
    egress_s
        Seconds from stops to the nearest gate and from it to stops, int32 (sites, stops).
    """

    access: tuple[WalkTable, WalkTable]
    egress_s: tuple[Int32, Int32]


@dataclass(frozen=True)
class Ways:
    """Seconds per street piece, both ways, of each mode that feeds stops.

    Points are attached to pieces open in ``snap_walk`` and ``snap_bike`` where given.
    """

    walk: Times
    bike: Times
    car: Times
    snap_walk: Times | None = None
    snap_bike: Times | None = None


def feeders(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    homes_lonlat: Float,
    gates: tuple[Float, ...],
    ways: Callable[[], Ways],
) -> dict[str, Feeder | Carried]:
    """Return what each evaluated feeder mode needs.

    Parameters
    ----------
    gates
        Longitude and latitude of the gates of each site.
    ways
        Called when a feeder mode is evaluated.
    """
    modes = evaluated(territory, "feeder")
    found: dict[str, Feeder | Carried] = {}
    if feed.stops.empty:
        return found
    if "bike_transit" in modes:
        by_bike = _carried if territory.feeders.bike == "carried" else _parked
        found["bike_transit"] = by_bike(territory, streets, feed, homes_lonlat, gates, ways())
    if "park_and_ride" in modes:
        found["park_and_ride"] = _by_car(territory, streets, feed, homes_lonlat, ways())
    return found


def _parked(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    homes_lonlat: Float,
    _gates: tuple[Float, ...],
    ways: Ways,
) -> Feeder:
    """Cycle to a stop, or to one beside it."""
    onward, homeward = _rides(territory, streets, feed, homes_lonlat, ways)
    walks = stop_walks(
        streets,
        feed.lonlat(),
        territory.feeders.bike_walk_min * 60,
        territory.speeds,
        times=ways.walk,
        snap_times=ways.snap_walk,
    )
    locking_s = territory.feeders.locking_s
    return _paired(onward, homeward, locking_s, walks)


def _rides(
    territory: Territory, streets: Streets, feed: Feed, lonlat: Float, ways: Ways
) -> tuple[WalkTable, WalkTable]:
    """Return rides by bicycle from points to stops and from stops to points."""
    limit_s = territory.limits.max_bike_to_stop_min * 60
    stops, on = feed.lonlat(), ways.snap_bike
    there, back = (
        home_walks(streets, lonlat, stops, limit_s, territory.speeds, times=times, snap_times=on)
        for times in (ways.bike, turned(ways.bike))
    )
    return there, back


def _paired(onward: WalkTable, homeward: WalkTable, extra_s: int, walks: WalkTable) -> Feeder:
    """Return the pairs of home and place within reach, sorted by home and place."""
    n_places = walks.n_rows
    out, back = (
        (_keys(table, n_places), (table.walk_s + extra_s).astype(np.int32))
        for table in (onward, homeward)
    )
    return pairs_of(out, back, onward.n_rows, (walks, walks))


def pairs_of(
    out: tuple[Int64, Int32],
    back: tuple[Int64, Int32],
    n_homes: int,
    walks: tuple[WalkTable, WalkTable],
) -> Feeder:
    """Return a feeder from pairs (home times number of places plus place) and their seconds.

    A pair known in one direction only is ``INF`` in the other.
    """
    both = np.union1d(out[0], back[0])
    seconds = []
    for keys, ride_s in (out, back):
        whole_s = np.full(len(both), INF, np.int32)
        whole_s[np.searchsorted(both, keys)] = ride_s
        seconds.append(whole_s)
    home, place = np.divmod(both, max(walks[0].n_rows, 1))
    ptr = np.append(0, np.cumsum(np.bincount(home, minlength=n_homes))).astype(np.int64)
    return Feeder(ptr, place.astype(np.int32), seconds[0], seconds[1], walks)


def _keys(table: WalkTable, n_places: int) -> Int64:
    row = np.repeat(np.arange(table.n_rows, dtype=np.int64), np.diff(table.ptr))
    return np.asarray(row * n_places + table.stop, np.int64)


def _carried(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    homes_lonlat: Float,
    gates: tuple[Float, ...],
    ways: Ways,
) -> Carried:
    """Cycle to a stop, take the bicycle along, cycle from a stop to a gate."""
    there, back = _rides(territory, streets, feed, homes_lonlat, ways)
    every = np.concatenate(gates)
    # Rows are gates: the ride "to a stop" is that of the return.
    from_gate, to_gate = _rides(territory, streets, feed, every, ways)
    sizes = [len(g) for g in gates]
    return Carried(
        (there, back),
        tuple(_least(table, sizes, feed.n_stops) for table in (to_gate, from_gate)),  # type: ignore[arg-type]
    )


def _least(table: WalkTable, sizes: list[int], n_stops: int) -> Int32:
    """Return the least seconds between each stop and the gates of each site."""
    best_s = np.full((len(sizes), n_stops), INF, np.int32)
    gate = 0
    for site, size in enumerate(sizes):
        rows = slice(table.ptr[gate], table.ptr[gate + size])
        np.minimum.at(best_s[site], table.stop[rows], table.walk_s[rows])
        gate += size
    return best_s


def _park_lonlat(streets: Streets) -> Float:
    """Return the park-and-rides and car-pool areas known, degrees (p, 2)."""
    parks = streets.background.get("car_parks")
    if parks is None or parks.empty:
        return np.zeros((0, 2))
    points = parks.geometry.representative_point()
    return np.column_stack([points.x, points.y])


def _by_car(
    territory: Territory, streets: Streets, feed: Feed, homes_lonlat: Float, ways: Ways
) -> Feeder:
    """Drive to a car park, then walk to the stops beside it."""
    parks = _park_lonlat(streets)
    walk_s = territory.feeders.park_walk_min * 60
    walks = home_walks(
        streets,
        parks,
        feed.lonlat(),
        walk_s,
        territory.speeds,
        times=ways.walk,
        snap_times=ways.snap_walk,
    )
    there, back = (
        drives(
            territory,
            streets,
            times,
            homes_lonlat,
            parks,
            territory.limits.max_drive_to_stop_min * 60,
        )
        for times in (ways.car, turned(ways.car))
    )
    return _paired(there, back, territory.feeders.parking_s, walks)


def drives(
    territory: Territory,
    streets: Streets,
    times: Times,
    homes_lonlat: Float,
    places_lonlat: Float,
    limit_s: float,
) -> WalkTable:
    """Return seconds of driving from homes to places within a limit, as a table by home.

    ``times`` turned round give the drives from places to homes.
    """
    homes = walk_snaps(streets, times, homes_lonlat)
    at = walk_snaps(streets, times, places_lonlat)
    pairs = street_times(
        streets,
        times,
        at,
        homes,
        limit_s=limit_s,
        connector_speed_ms=territory.speeds.walk_kmh / 3.6,
        reverse=True,
        in_order=False,
    )
    place = np.repeat(np.arange(len(at)), np.diff(pairs.ptr))
    order = np.lexsort((place, pairs.time_s, pairs.target))
    counts = np.bincount(pairs.target, minlength=len(homes))
    ptr = np.append(0, np.cumsum(counts)).astype(np.int64)
    return WalkTable(ptr, place[order].astype(np.int32), pairs.time_s[order])


def mixed(outbound: Feeder, homeward: Feeder) -> Feeder:
    """Return the outbound of one feeder with the return of another over the same places."""
    if outbound is homeward:
        return outbound
    walks = (outbound.walks[0], homeward.walks[1])
    # A feed that was added to puts its stops, hence its places, after those known before.
    n_places = max(table.n_rows for table in walks)
    one, two = (f.home * n_places + f.place for f in (outbound, homeward))
    return pairs_of(
        (one, outbound.out_s),
        (two, homeward.back_s),
        len(outbound.ptr) - 1,
        (_lengthened(walks[0], n_places), _lengthened(walks[1], n_places)),
    )


def _lengthened(table: WalkTable, n_rows: int) -> WalkTable:
    """Return a table with rows without walks put at its end."""
    more = np.full(n_rows - table.n_rows, table.ptr[-1], np.int64)
    return WalkTable(np.concatenate([table.ptr, more]), table.stop, table.walk_s)


def fed_commute(
    feeder: Feeder,
    two_way: tuple[TwoWay, TwoWay],
    egress_s: tuple[Int32, Int32],
    edges: tuple[Edge, Edge],
    limits: EngineLimits,
) -> tuple[HomeTimes, HomeTimes]:
    """Return outbound and return by the place that serves a home best both ways.

    The place by which both directions hold in the least time is taken. Where none holds
    both ways the outbound alone is told, by its best place, else the return alone.

    Parameters
    ----------
    feeder
        Rides between homes and places.
    two_way, egress_s
        Timetables, and walks between stops and the nearest gate, of outbound and return.
    limits
        As in `mobility.engine.journeys.travel`.
    edges
        Start and end of the shift.
    """
    legs = [travel(two_way[k], egress_s[k], edges[k], limits, feeder.walks[k]) for k in (0, 1)]
    return joined(feeder, legs, edges, limits)


def joined(
    feeder: Feeder, legs: Sequence[HomeTimes], edges: tuple[Edge, Edge], limits: EngineLimits
) -> tuple[HomeTimes, HomeTimes]:
    """Return what `fed_commute` does from the times between places and both edges."""
    door_s = [door_seconds(feeder, k, legs[k], edges[k], limits) for k in (0, 1)]
    return _best_place(feeder, list(legs), door_s)


def door_seconds(
    feeder: Feeder,
    side: int,
    leg: HomeTimes,
    edge: Edge,
    limits: EngineLimits,
    allowed: _Allowed | None = None,
) -> Int32:
    """Return the seconds between home and the shift's edge for each pair of a feeder.

    Parameters
    ----------
    side
        0 outbound, 1 return.
    leg
        Times between the places and the edge.
    allowed
        Which rides may run; all by default.
    """
    ride_s = (feeder.out_s, feeder.back_s)[side]
    whole_s = leg.elapsed_s[feeder.place].astype(np.int64) + ride_s
    holds = whole_s <= limits.max_total_s
    if allowed is not None:
        holds &= allowed(edge, whole_s, ride_s)
    return np.where(holds, whole_s, INF).astype(np.int32)


def _best_place(
    feeder: Feeder, legs: list[HomeTimes], door_s: list[Int32]
) -> tuple[HomeTimes, HomeTimes]:
    out, back = (d.astype(np.int64) for d in door_s)
    goes, comes = out < INF, back < INF
    score = np.select(
        [goes & comes, goes, comes], [out + back, 2**32 + out, 2**33 + back], default=2**34
    )
    n_homes, n_pairs = len(feeder.ptr) - 1, len(score)
    best = np.full(n_homes, -1, np.int64)
    filled = np.flatnonzero(np.diff(feeder.ptr) > 0)
    if n_pairs:
        ranked = score * n_pairs + np.arange(n_pairs)
        best[filled] = np.minimum.reduceat(ranked, feeder.ptr[:-1][filled]) % n_pairs
    known = best >= 0
    pair = np.maximum(best, 0)
    answers = []
    for k, held in enumerate((goes, comes)):
        ok = known & (held[pair] if n_pairs else False)
        place = feeder.place[pair] if n_pairs else pair
        leg = legs[k]
        answers.append(
            HomeTimes(
                _take(door_s[k], pair, ok, INF),
                _take(leg.rides, place, ok, 0),
                _take(leg.walk_s, place, ok, 0),
                _take(leg.stop, place, ok, -1),
            )
        )
    return answers[0], answers[1]


def _take(values: NDArray, rows: NDArray, ok: Bool, default: int) -> NDArray:  # type: ignore[type-arg]
    """Return ``values[rows]`` where ``ok``, else ``default``, in the type of ``values``."""
    found = np.full(len(rows), default, values.dtype)
    found[ok] = values[rows[ok]]
    return found


def carried_times(
    carried: Carried, two_way: TwoWay, site: int, edge: Edge, limits: EngineLimits
) -> HomeTimes:
    """Return the times of one direction with a bicycle taken along; cycling is no walking."""
    side = int(edge.returning)
    free = relaxed(limits, home_walk_counts=False, gate_walk_counts=False)
    egress_s = ridden_from(carried, two_way, site, side)
    return travel(two_way, egress_s, edge, free, carried.access[side])


def ridden_from(carried: Carried, two_way: TwoWay, site: int, side: int) -> Int32:
    """Return the rides between stops and the nearest gate; stops added since have none."""
    known = carried.egress_s[side][site]
    more = np.full(two_way.timetable.n_stops - known.size, INF, np.int32)
    return np.concatenate([known, more])
