"""Stops that levers need: one at every gate, and new ones where lines drive past workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.commute.access import Access
from mobility.commute.night import safe_times
from mobility.commute.study import Study
from mobility.engine.journeys import TwoWay
from mobility.streets.modes import edge_times
from mobility.streets.routes import street_paths
from mobility.timetable.arrays import Timetable
from mobility.timetable.footpaths import WalkTable, home_walks, walk_snaps

Float = NDArray[np.float64]
Int64 = NDArray[np.int64]

#: A new stop serves those who live, or the gate that is, within this straight line of it.
REACH_M = 600.0
#: Legs shorter than this are left alone; longer ones are looked at every so many metres.
SHORTEST_LEG_M, EVERY_M = 500.0, 400.0
#: Two candidates of one line are no closer.
APART_M = 300.0
#: A line passes a place when its leg does within this distance.
PASSING_M = 120.0
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
    gates = [(site.name, gate) for site in study.sites for gate in site.gates]
    ids = [f"gate:{k}" for k in range(len(gates))]
    names, lonlat = [name for name, _ in gates], np.array([g for _, g in gates], np.float64)
    n_stops = len(study.feed.stops)

    def at_gates(one: Study, _: bool) -> tuple[WalkTable, WalkTable]:
        return one.home_walks, _at_gates(one.gate_walks, n_stops)

    return _with_dark(study, lambda one, dark: _more(one, ids, names, lonlat, at_gates(one, dark)))


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
    homes = np.column_stack([study.homes.frame.geometry.x, study.homes.frame.geometry.y])
    gates = np.array([gate for site in study.sites for gate in site.gates], np.float64)
    old = len(study.feed.stops)

    def walks(one: Study, dark: bool) -> tuple[WalkTable, WalkTable]:
        there, here = (_new_walks(study, points, lonlat, dark=dark) for points in (homes, gates))
        return widened(one.home_walks, there, old), widened(one.gate_walks, here, old)

    more = _with_dark(study, lambda one, dark: _more(one, ids, names, lonlat, walks(one, dark)))
    return more, found


def _with_dark(study: Study, change) -> Study:  # type: ignore[no-untyped-def]
    """Change a study, and the same after dark where the territory asks for safe streets."""
    found: Study = change(study, False)
    if study.territory.limits.safe_at_night:
        remember_dark(found, change(study.after_dark, True))
    return found


def remember_dark(study: Study, dark: Study) -> None:
    """Keep the study after dark that belongs to a variant, instead of measuring it again."""
    study.__dict__["after_dark"] = dark


def _new_walks(study: Study, points: Float, lonlat: Float, *, dark: bool) -> WalkTable:
    territory = study.territory
    usual = edge_times(study.streets, "walk", territory.speeds)
    times = safe_times(territory, study.streets, "walk") if dark else usual
    reach_s = 2.0 * territory.limits.max_walk_min * 60
    return home_walks(
        study.streets, points, lonlat, reach_s, territory.speeds,
        times=times, snap_times=usual, cache=False,
    )  # fmt: skip


def widened(table: WalkTable, extra: WalkTable, offset: int) -> WalkTable:
    """Return a walk table with the stops of another put after its own."""
    rows = np.concatenate([_rows(table), _rows(extra)])
    stops = np.concatenate([table.stop, extra.stop + np.int32(offset)]).astype(np.int32)
    walks = np.concatenate([table.walk_s, extra.walk_s]).astype(np.int32)
    order = np.lexsort((stops, walks, rows))
    ptr = np.r_[0, np.cumsum(np.bincount(rows, minlength=table.n_rows))].astype(np.int64)
    return WalkTable(ptr, stops[order], walks[order])


def _rows(table: WalkTable) -> Int64:
    return np.repeat(np.arange(table.n_rows), np.diff(table.ptr))


def _more(
    study: Study,
    ids: Sequence[str],
    names: Sequence[str],
    lonlat: Float,
    walks: tuple[WalkTable, WalkTable],
) -> Study:
    """Return the study with stops put after its own."""
    stops = study.feed.stops
    rows = pd.DataFrame(
        {"stop_id": ids, "stop_name": names, "lon": lonlat[:, 0], "lat": lonlat[:, 1]}
    ).reindex(columns=stops.columns)
    for column in stops.columns:
        if rows[column].isna().all():
            is_text = not pd.api.types.is_numeric_dtype(stops[column])
            rows[column] = "" if is_text else 0
    rows["location_type"] = 0
    for link in {"parent", "copy_of"} & set(rows):
        rows[link] = -1
    rows = rows.astype(stops.dtypes.to_dict())
    feed = replace(study.feed, stops=pd.concat([stops, rows], ignore_index=True))
    need_s = study.territory.limits.min_change_s
    return replace(
        study,
        feed=feed,
        timetables={
            kind: TwoWay(_more_stops(two_way.timetable, len(ids), need_s))
            for kind, two_way in study.timetables.items()
        },
        home_walks=walks[0],
        gate_walks=walks[1],
    )


def _more_stops(tt: Timetable, count: int, need_s: int) -> Timetable:
    stops = np.arange(tt.n_stops, tt.n_stops + count, dtype=np.int32)
    ahead = np.arange(1, count + 1, dtype=np.int64)
    return replace(
        tt,
        n_stops=tt.n_stops + count,
        foot_ptr=np.concatenate([tt.foot_ptr, tt.foot_ptr[-1] + ahead]),
        foot_stop=np.concatenate([tt.foot_stop, stops]),
        foot_walk_s=np.concatenate([tt.foot_walk_s, np.zeros(count, np.int32)]),
        foot_need_s=np.concatenate([tt.foot_need_s, np.full(count, need_s, np.int32)]),
        dep_ptr=np.concatenate([tt.dep_ptr, np.full(count, tt.dep_ptr[-1], np.int64)]),
    )


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
    homes = study.homes.frame.geometry
    home_xy = study.streets.project(homes.x.to_numpy(), homes.y.to_numpy())
    gates = np.array([gate for site in study.sites for gate in site.gates], np.float64)
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
    rows, served = [], []
    for two_way in study.timetables.values():
        tt = two_way.timetable
        served.append(np.unique(tt.call_stop))
        inside = np.ones(tt.n_calls, bool)
        inside[tt.run_ptr[1:] - 1] = False
        call = np.flatnonzero(inside & (tt.call_trip >= 0))
        line = route[tt.call_trip[call]]
        bus = is_bus(types[line])
        call = call[bus]
        rows.append(np.column_stack([line[bus], tt.call_stop[call], tt.call_stop[call + 1]]))
    every = np.unique(np.concatenate(rows), axis=0) if rows else np.zeros((0, 3), np.int64)
    stops = np.unique(np.concatenate(served)) if served else np.zeros(0, np.int64)
    return every[:, 0], every[:, 1:], stops.astype(np.int64)


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
    for _, is_gate, route, leg, place in found:
        near = any(r == route and np.hypot(*(xy - place)) < APART_M for r, xy in kept)
        if room[is_gate] and not near:
            room[is_gate] -= 1
            kept.append((route, _on_the_way(study, stop_xy[legs[leg]], place)))
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


def _on_the_way(study: Study, ends: Float, place: Float) -> Float:
    """Move a place from the straight leg to the streets that a bus drives, where known."""
    streets = study.streets
    times = edge_times(streets, "car", study.territory.speeds)
    lonlat = streets.unproject(ends)
    snaps = walk_snaps(streets, times, lonlat)
    if (snaps.edge < 0).any():
        return place
    path = street_paths(
        streets, times, snaps.take(slice(0, 1)), snaps.take(slice(1, 2)),
        connector_speed_ms=study.territory.speeds.walk_kmh / 3.6, limit_s=1800,
    )[0]  # fmt: skip
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
        if 0.1 < share < 0.9 and off <= max(PASSING_M, 0.2 * length):
            found.append((int(one), int(two), round(share, 3)))
    return tuple(found)


__all__ = [
    "NewStop",
    "is_bus",
    "remember_dark",
    "white_workers",
    "widened",
    "with_gate_stops",
    "with_new_stops",
]
