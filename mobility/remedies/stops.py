"""Stops that levers need: one at every gate, and new ones where lines drive past workers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mobility.commute.access import Access
from mobility.commute.additions import with_stops
from mobility.commute.study import Study
from mobility.commute.variants import variant
from mobility.streets.arcs import Times
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_paths
from mobility.timetable.footpaths import WalkTable, walk_snaps

Float = NDArray[np.float64]
Int64 = NDArray[np.int64]

#: A new stop serves those who live, or the gate that is, within this straight line of it.
REACH_M = 600.0
#: Legs shorter than this are left alone; longer ones are looked at every so many metres.
SHORTEST_LEG_M, EVERY_M = 500.0, 400.0
#: Two candidates of one line are no closer.
_APART_M = 300.0
#: A line passes a place when its leg does within this distance.
_PASSING_M = 120.0
#: Candidates near homes, and near gates.
NEAR_HOMES, NEAR_GATES = 20, 10

#: From stop, to stop, and the share of the way between them at which the new stop lies.
Leg = tuple[int, int, float]


@dataclass(frozen=True)
class NewStop:
    """A place where a line could call.

    Attributes
    ----------
    stop
        Its index among the stops of the study.
    route
        The line, index into the feed's routes.
    legs
        Legs of the line, either way, that pass it.
    """

    stop: int
    route: int
    legs: tuple[Leg, ...]


def with_gate_stops(study: Study) -> Study:
    """Return the study with a stop at every gate, served by nothing yet.

    Extensions end there. Gate k of the sites, in their order, is stop ``S + k``, where S is
    the number of the feed's stops; homes do not walk to it and nobody changes there.
    """
    names = [site.name for site in study.sites for _ in site.gates]
    ids, old = [f"gate:{k}" for k in range(len(names))], len(study.feed.stops)
    more = with_stops(study, ids, names, study.gates_lonlat, walked=False)
    return variant(more, lambda one: replace(one, gate_walks=_at_gates(one.gate_walks, old)))


def with_new_stops(access: Access) -> tuple[Study, tuple[NewStop, ...]]:
    """Return the study with candidate stops on its bus lines, served by nothing yet.

    Candidates lie on the way a bus drives between two of its stops, where white workers live
    farther from every stop that is served, or where a gate is nearer than from any of them.
    """
    study = access.study
    found, xy, names = _candidates(access)
    if not found:
        return study, ()
    lonlat = study.streets.unproject(xy)
    ids = [f"new:{k}" for k in range(len(found))]
    return with_stops(study, ids, names, lonlat), found


def _at_gates(walks: WalkTable, n_stops: int) -> WalkTable:
    """Put, at the head of each gate's row, its own stop at no distance."""
    count = walks.n_rows
    heads = walks.ptr[:-1]
    return WalkTable(
        walks.ptr + np.arange(count + 1),
        np.insert(walks.stop, heads, np.arange(n_stops, n_stops + count)).astype(np.int32),
        np.insert(walks.walk_s, heads, 0).astype(np.int32),
    )


def _candidates(access: Access) -> tuple[tuple[NewStop, ...], Float, list[str]]:
    """Return the best places, their coordinates (projected) and their names."""
    from scipy.spatial import cKDTree

    study = access.study
    stops = study.feed.stops
    stop_xy = study.streets.project(
        *(stops[c].fillna(0).to_numpy(np.float64) for c in ("lon", "lat"))
    )
    routes, legs, served = _legs(study)
    white = white_workers(access)
    if not len(legs) or not white.any():
        return (), np.zeros((0, 2)), []
    home_xy = study.streets.project(*study.homes.lonlat.T)
    gates = study.gates_lonlat
    gate_xy = study.streets.project(gates[:, 0], gates[:, 1])
    known = cKDTree(stop_xy[served])
    found: list[tuple[float, bool, int, int, Float]] = []
    for xy, weight, is_gate in ((home_xy, white, False), (gate_xy, np.ones(len(gate_xy)), True)):
        away = np.asarray(known.query(xy)[0], np.float64)
        wanted = np.flatnonzero((weight > 0) & (away > REACH_M / 2))
        tree = cKDTree(xy[wanted]) if wanted.size else None
        for k, (one, two) in enumerate(legs) if tree is not None else ():
            for place in _places(stop_xy[one], stop_xy[two]):
                near = wanted[tree.query_ball_point(place, REACH_M)]  # type: ignore[union-attr]
                gap = away[near] - np.hypot(*(xy[near] - place).T)
                gain = float(weight[near] @ np.maximum(gap, 0.0) / REACH_M)
                if gain > 0:
                    found.append((gain, is_gate, int(routes[k]), k, place))
    return _chosen(study, found, routes, legs, stop_xy)


def white_workers(access: Access) -> Float:
    """Return the workers of each home that fails on some shift and kind of day, float64 (H,)."""
    keys = access.keys[["shift_id", "day_kind"]].drop_duplicates()
    white = np.zeros(access.study.n_homes, bool)
    for shift_id, kind in keys.itertuples(index=False):
        white |= ~access.counted(int(shift_id), str(kind))[2]
    return np.where(white, access.study.workers, 0.0)


def _legs(study: Study) -> tuple[Int64, Int64, Int64]:
    """Return (route, [from, to]) of every leg that a bus drives, and the stops that are served."""
    route = study.feed.trips["route"].to_numpy().astype(np.int64)
    types = study.feed.routes["route_type"].to_numpy().astype(np.int64)
    n_stops = len(study.feed.stops)
    legs, served = [np.zeros(0, np.int64)], np.zeros(n_stops, bool)
    for two_way in study.timetables.values():
        tt = two_way.timetable
        served[tt.call_stop] = True
        inside = np.ones(tt.n_calls, bool)
        inside[tt.run_ptr[1:] - 1] = False
        call = np.flatnonzero(inside & (tt.call_trip >= 0))
        line = route[tt.call_trip[call]]
        bus = is_bus(types[line])
        call = call[bus]
        # Line and stops as one number: numbers are sorted quicker than rows.
        one, two = tt.call_stop[call].astype(np.int64), tt.call_stop[call + 1]
        legs.append(np.unique((line[bus] * n_stops + one) * n_stops + two))
    every = np.unique(np.concatenate(legs))
    ends = np.column_stack([every // n_stops % n_stops, every % n_stops])
    return every // n_stops**2, ends, np.flatnonzero(served)


def is_bus(route_type: Int64) -> NDArray[np.bool_]:
    """Return whether route types are buses, free to drive anywhere (basic and extended types)."""
    return np.asarray((route_type == 3) | (route_type // 100 == 7))


def _places(one: Float, two: Float) -> Float:
    """Return points along a straight leg, none where it is short."""
    length = float(np.hypot(*(two - one)))
    if length < SHORTEST_LEG_M:
        return np.zeros((0, 2))
    shares = np.arange(1, max(2, round(length / EVERY_M))) / max(2, round(length / EVERY_M))
    return np.asarray(one + shares[:, None] * (two - one))


def _chosen(
    study: Study,
    found: list[tuple[float, bool, int, int, Float]],
    routes: Int64,
    legs: Int64,
    stop_xy: Float,
) -> tuple[tuple[NewStop, ...], Float, list[str]]:
    """Keep the best candidates, apart from each other, on the streets the line takes."""
    found.sort(key=lambda row: (-row[0], row[2], row[3], tuple(row[4])))
    kept: list[tuple[int, Float]] = []
    room = {False: NEAR_HOMES, True: NEAR_GATES}
    times = edge_times(study.streets, "car", study.territory.speeds)
    for _, is_gate, route, leg, place in found:
        near = any(r == route and np.hypot(*(xy - place)) < _APART_M for r, xy in kept)
        if room[is_gate] and not near:
            room[is_gate] -= 1
            kept.append((route, _on_the_way(study, times, stop_xy[legs[leg]], place)))
    stops: list[NewStop] = []
    places: list[Float] = []
    names: list[str] = []
    n_stops = len(study.feed.stops)
    for route, place in kept:
        passing = _passing(stop_xy, legs, np.flatnonzero(routes == route), place)
        if not passing:
            continue
        first = passing[0]
        between = study.feed.stops["stop_name"].iloc[list(first[:2])].astype(str).tolist()
        stops.append(NewStop(n_stops + len(stops), route, passing))
        places.append(place)
        names.append(" – ".join(between))
    return tuple(stops), np.array(places).reshape(-1, 2), names


def _on_the_way(study: Study, times: Times, ends: Float, place: Float) -> Float:
    """Move a place from the straight leg to the streets that a bus drives, where known."""
    streets = study.streets
    lonlat = streets.unproject(ends)
    snaps = walk_snaps(streets, times, lonlat)
    if (snaps.edge < 0).any():
        return place
    path = street_paths(
        streets,
        times,
        snaps.take(slice(0, 1)),
        snaps.take(slice(1, 2)),
        connector_speed_ms=study.territory.speeds.walk_kmh / 3.6,
        limit_s=1800,
    )[0]
    if path is None or len(path.lonlat) < 2:
        return place
    import shapely

    line = shapely.LineString(streets.project(path.lonlat[:, 0], path.lonlat[:, 1]))
    if line.length > 1.6 * float(np.hypot(*(ends[1] - ends[0]))):
        return place
    share = np.hypot(*(place - ends[0])) / max(np.hypot(*(ends[1] - ends[0])), 1.0)
    return np.asarray(shapely.get_coordinates(line.interpolate(share, normalized=True))[0])


def _passing(stop_xy: Float, legs: Int64, mine: Int64, place: Float) -> tuple[Leg, ...]:
    """Return the legs of one line that pass a place, either way."""
    found = []
    for one, two in legs[mine]:
        way = stop_xy[two] - stop_xy[one]
        length = float(np.hypot(*way))
        if length < SHORTEST_LEG_M:
            continue
        share = float((place - stop_xy[one]) @ way) / length**2
        off = float(np.hypot(*(stop_xy[one] + share * way - place)))
        # Streets bend: what a bus drives may leave the straight line by a fifth of the leg.
        if 0.1 < share < 0.9 and off <= max(_PASSING_M, 0.2 * length):
            found.append((int(one), int(two), round(share, 3)))
    return tuple(found)
