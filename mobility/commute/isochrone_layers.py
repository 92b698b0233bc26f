"""Isochrones of every site: from where a shift is reached, and how far home one gets.

By street modes, the area along the streets from which a gate is reached in time. By public
transport, the area around the stops from which the engine reaches the shift, as far as the
minutes and the walking left over go: a walk is added to the best journey of each stop, so a
slower journey with less walking may reach a little further.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from mobility.base.clock import format_clock
from mobility.base.errors import TerritoryError
from mobility.base.files import check_suffix, write_gpkg, writing
from mobility.base.literal import one_line
from mobility.commute.access import check_worked
from mobility.commute.door_to_door import at_gate, dark_at_gate
from mobility.commute.drives import car_park_s, free_seconds
from mobility.commute.inventory import find_day
from mobility.commute.study import ShiftRow, Study, engine_limits
from mobility.commute.variants import open_at
from mobility.commute.walks import mode_times
from mobility.engine.journeys import Edge, EngineLimits, reach, scan
from mobility.sources.days import ChosenDay
from mobility.streets.arcs import Times, turned
from mobility.streets.ends import Snaps, end_seconds
from mobility.streets.graph import State, Streets
from mobility.streets.paths import start_times
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable, walk_snaps

#: Modes that have isochrones.
MODES = ("transit", "walk", "bike", "e_bike", "car")

#: Areas by site, direction, mode, seconds, whether it is dark, and what is open at the hour.
Known = dict[tuple[int, bool, str, int, bool, State], shapely.Geometry]
# So far from a street one is still beside it; holes narrower than twice as much close.
BESIDE_M = 80.0


@dataclass(frozen=True)
class Isochrone:
    """The areas of one site, shift edge and mode.

    Attributes
    ----------
    layer
        Name: site, clock time, ``outbound`` or ``return``, mode.
    areas
        ``site``, ``clock``, ``direction``, ``mode``, ``minutes`` (between home and the shift's
        edge, the margin included) and polygons, EPSG:4326.
    """

    layer: str
    areas: gpd.GeoDataFrame


def isochrone_layers(
    study: Study, day_kind: str, minutes: Sequence[float], modes: Sequence[str] | None = None
) -> Iterator[Isochrone]:
    """Yield the isochrones of each site, distinct shift edge and mode on a kind of day.

    Parameters
    ----------
    minutes
        Between home and the shift's edge, margin and waits included; the territory's own
        limits keep holding.
    modes
        Among those evaluated, all of which by default.

    Raises
    ------
    TerritoryError
        The kind of day is not studied or not worked on, or a mode is not evaluated.
    """
    day = find_day(study, day_kind)
    wanted = _wanted_modes(study, modes)
    _check_worked_on(study, day)
    seen: set[tuple[int, int, bool, str]] = set()
    known: Known = {}
    for row in study.shift_rows:
        if not study.works_on(row.shift_id, day):
            continue
        for edge in study.edges(row.shift_id, day):
            clock_s = row.end_s if edge.returning else row.start_s
            for mode in wanted:
                key = (row.site, clock_s, edge.returning, mode)
                if key not in seen:
                    seen.add(key)
                    yield _isochrone(study, row, day, edge, mode, minutes, known)


def _check_worked_on(study: Study, day: ChosenDay) -> None:
    check_worked(study)
    shifts = range(len(study.shift_rows))
    worked = [d.kind for d in study.days if any(study.works_on(s, d) for s in shifts)]
    if day.kind not in worked:
        raise TerritoryError(
            "No shift works on this kind of day.",
            column="--day",
            value=day.kind,
            mend="Choose one with --day: {known}.",
            known=", ".join(worked),
        )


def _wanted_modes(study: Study, modes: Sequence[str] | None) -> list[str]:
    evaluated = [m for m in study.territory.modes.evaluated if m in MODES]
    for mode in modes or ():
        if mode not in evaluated:
            raise TerritoryError(
                "This mode has isochrones, but is not among those evaluated."
                if mode in MODES
                else "There are no isochrones of such a mode.",
                column="--mode",
                value=mode,
                mend="Add it to modes.evaluated, or write one of: {known}."
                if mode in MODES
                else "Write one of: {known}.",
                known=", ".join(evaluated),
            )
    return [m for m in evaluated if modes is None or m in modes]


def _isochrone(
    study: Study,
    row: ShiftRow,
    day: ChosenDay,
    edge: Edge,
    mode: str,
    minutes: Sequence[float],
    known: Known,
) -> Isochrone:
    study = open_at(study, day, edge)
    limits = engine_limits(study.territory.limits)
    shapes = []
    for minute in minutes:
        limit_s = min(round(minute * 60), limits.max_total_s)
        within = replace(limits, max_total_s=limit_s)
        if mode == "transit":
            parts = [
                _on_streets(study, row.site, day, edge, "walk", within, known),
                _around_stops(study, row.site, day, edge, within),
            ]
            shapes.append(shapely.union_all(parts))
        else:
            shapes.append(_on_streets(study, row.site, day, edge, mode, within, known))
    clock = format_clock(row.end_s if edge.returning else row.start_s)
    direction = "return" if edge.returning else "outbound"
    frame = pd.DataFrame(
        {
            "site": row.site_name,
            "clock": clock,
            "direction": direction,
            "mode": mode,
            "minutes": np.asarray(minutes, np.float64),
        }
    )
    layer = " | ".join((row.site_name, clock, direction, mode))
    return Isochrone(layer, gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4326"))


def _ways(study: Study, day: ChosenDay, edge: Edge, mode: str) -> tuple[Times, Times]:
    """Return the seconds per street piece, and those by which points are attached."""
    usual = mode_times(study.territory, study.streets, mode)  # type: ignore[arg-type]
    if mode == "car" or not dark_at_gate(study, day, edge):
        return usual, usual
    return mode_times(study.territory, study.streets, mode, safe=True), usual  # type: ignore[arg-type]


def _on_streets(
    study: Study,
    site: int,
    day: ChosenDay,
    edge: Edge,
    mode: str,
    limits: EngineLimits,
    known: Known,
) -> shapely.Geometry:
    """Return the area from which, or to which, one goes all the way on the streets.

    ``known`` keeps the areas drawn before: the hour changes them by its light alone.
    """
    cap_s = limits.max_total_s - edge.margin_s
    if mode == "walk":
        cap_s = min(cap_s, limits.max_walk_s)
    elif mode != "car":
        cap_s = min(cap_s, round(study.territory.limits.max_bike_min * 60))
    else:
        cap_s = _free_driving(study, edge, cap_s)
    dark = mode != "car" and dark_at_gate(study, day, edge)
    key = (site, edge.returning, mode, cap_s, dark, study.hours)
    if key not in known:
        times, attached = _ways(study, day, edge, mode)
        gates = walk_snaps(study.streets, attached, np.array(study.sites[site].gates, np.float64))
        known[key] = _area(study, times, gates, cap_s, outbound=not edge.returning)
    return known[key]


def _free_driving(study: Study, edge: Edge, cap_s: int) -> int:
    """Return the seconds of free driving in some seconds by car, parking and traffic included."""
    driving = study.territory.driving
    road_s = cap_s - driving.parking_min * 60
    parked_s = car_park_s(driving, edge)
    if road_s <= 0:
        return 0
    return int(free_seconds(driving, road_s, parked_s, returning=edge.returning))


def _around_stops(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> shapely.Geometry:
    """Return the area around the stops from which, or to which, the shift is reached."""
    n_stops = study.feed.n_stops
    gate = at_gate(study, day, edge)
    scanned = scan(gate.timetables[day.kind], gate.egress_s[site], edge, limits)
    stops = np.arange(n_stops, dtype=np.int32)
    at_stop = WalkTable(np.arange(n_stops + 1, dtype=np.int64), stops, np.zeros(n_stops, np.int32))
    found = reach(scanned, at_stop)
    left_s = np.minimum(limits.max_total_s - found.elapsed_s, limits.max_walk_s - found.walk_s)
    rows = np.flatnonzero((found.elapsed_s < INF) & (left_s >= 0))
    if not rows.size:
        return shapely.Polygon()
    times, attached = _ways(study, day, edge, "walk")
    snaps = walk_snaps(study.streets, attached, study.feed.lonlat()[rows])
    # A stop with less time left is as one further from its street.
    cap_s = int(left_s[rows].max())
    speed_ms = study.territory.speeds.walk_kmh / 3.6
    behind = Snaps(snaps.edge, snaps.offset_m, snaps.distance_m + (cap_s - left_s[rows]) * speed_ms)
    return _area(study, times, behind, cap_s, outbound=not edge.returning)


def _area(
    study: Study, times: Times, points: Snaps, cap_s: int, *, outbound: bool
) -> shapely.Geometry:
    if cap_s <= 0 or (points.edge < 0).all():
        return shapely.Polygon()
    return reached_area(
        study.streets,
        times,
        points,
        cap_s,
        connector_speed_ms=study.territory.speeds.walk_kmh / 3.6,
        reverse=outbound,
    )


def parse_minutes(text: str) -> tuple[float, ...]:
    """Return the minutes of a text such as ``"30,45,60"``, ascending.

    Raises
    ------
    TerritoryError
        A part is no number above zero.
    """
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not 0 < found[0] <= found[-1] <= 360:
        raise TerritoryError(
            "These are no minutes.",
            column="--minutes",
            value=text,
            mend="Write numbers from 1 to 360 with commas between them: 30,45,60.",
        )
    return tuple(found)


def write_isochrones(
    layers: Iterator[Isochrone], path: Path, *, reads: Iterable[Path] = ()
) -> list[str]:
    """Write one GeoPackage layer per isochrone into a file, none of ``reads``; return their names.

    Names that a GeoPackage cannot tell apart (it ignores case) get a number; those that it
    refuses, since they begin with a sign, get a low line before it.

    Raises
    ------
    TerritoryError
        The file's name ends in something else than ``.gpkg``.
    """
    check_suffix(path, ".gpkg")
    names: dict[str, str] = {}

    def named() -> Iterator[tuple[str, gpd.GeoDataFrame]]:
        for isochrone in layers:
            first = one_line(isochrone.layer)
            first = first if first[:1].isalnum() else f"_{first}"
            name, number = first, 1
            while name.casefold() in names:
                number += 1
                name = f"{first} ({number})"
            names[name.casefold()] = name
            yield name, isochrone.areas

    with writing(path, reads=reads) as part:
        write_gpkg(part, named())
    return list(names.values())


def reached_area(
    streets: Streets,
    times: Times,
    sources: Snaps,
    limit_s: float,
    *,
    connector_speed_ms: float,
    reverse: bool = False,
) -> shapely.Geometry:
    """Return the area reached from the nearest of some points, EPSG:4326, empty when none is.

    Parameters
    ----------
    streets, times
        The network and the seconds per piece both ways, see `modes.edge_times`.
    sources
        Snapped points, e.g. the gates of a site.
    connector_speed_ms
        Speed over the straight line between a point and its street.
    reverse
        The area *from* which a point is reached, instead of the area reached.
    """
    lines = reached_lines(
        streets, times, sources, limit_s, connector_speed_ms=connector_speed_ms, reverse=reverse
    )
    return gpd.GeoSeries([_around(lines)], crs=streets.crs).to_crs(4326).iloc[0]


def reached_lines(
    streets: Streets,
    times: Times,
    sources: Snaps,
    limit_s: float,
    *,
    connector_speed_ms: float,
    reverse: bool = False,
) -> np.ndarray:
    """Return the stretches of street reached within a limit, projected lines.

    Parameters are those of `reached_area`. A piece entered from both ends gives two
    stretches when they do not meet.
    """
    times = turned(times) if reverse else times
    at = start_times(
        streets, times, sources, connector_speed_ms=connector_speed_ms, limit_s=limit_s
    )
    from_u = _share(limit_s - at[:, 0], times[0])
    from_v = _share(limit_s - at[:, 1], times[1])
    whole = from_u + from_v >= 1.0
    lines = [streets.lines[whole]]
    head = np.flatnonzero(~whole & (from_u > 0))
    tail = np.flatnonzero(~whole & (from_v > 0))
    length = streets.length_m
    lines.append(_stretches(streets, head, np.zeros(len(head)), from_u[head] * length[head]))
    lines.append(_stretches(streets, tail, (1.0 - from_v[tail]) * length[tail], length[tail]))
    lines.append(_own_pieces(streets, times, sources, limit_s, connector_speed_ms))
    return np.concatenate(lines)


def _share(left_s: np.ndarray, piece_s: np.ndarray) -> np.ndarray:
    """Return the share of each piece covered in the seconds left, 0 to 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(piece_s == 0, 1.0, left_s / piece_s.astype(np.float64))
    share[~np.isfinite(left_s) | (left_s < 0) | ~np.isfinite(piece_s)] = 0.0
    return np.clip(share, 0.0, 1.0)


def _own_pieces(
    streets: Streets, times: Times, sources: Snaps, limit_s: float, speed_ms: float
) -> np.ndarray:
    """Return the stretches around the points themselves, on their own pieces."""
    on = sources.take(np.flatnonzero(sources.edge >= 0))
    left = limit_s - on.distance_m / speed_ms
    on, left = on.take(left >= 0), left[left >= 0]
    length = streets.length_m[on.edge]
    seconds = end_seconds(streets, times, on, leaving=True)
    ahead = _share(left, seconds[:, 1]) * (length - on.offset_m)
    back = _share(left, seconds[:, 0]) * on.offset_m
    return _stretches(streets, on.edge, on.offset_m - back, on.offset_m + ahead)


def _stretches(
    streets: Streets, edge: np.ndarray, start_m: np.ndarray, stop_m: np.ndarray
) -> np.ndarray:
    """Return the parts of pieces between two distances from their u ends."""
    parts = [
        substring(streets.lines[e], a, b)
        for e, a, b in zip(edge, start_m, stop_m, strict=True)
        if b > a
    ]
    return np.array(parts, dtype=object)


def _around(lines: np.ndarray) -> shapely.Geometry:
    """Return the union of all places beside the lines, smoothed."""
    if len(lines) == 0:
        return shapely.Polygon()
    slim = shapely.simplify(lines, BESIDE_M / 10)
    area = shapely.union_all(shapely.buffer(slim, BESIDE_M, quad_segs=3))
    return shapely.simplify(area, BESIDE_M / 10)
