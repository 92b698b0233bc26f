"""Small offline pages over the territory's streets: layers with a table, or what was read.

The latter, with the findings beside it, is the page of `mobility check --html`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.base.arrays import Float
from mobility.base.clock import service_clock
from mobility.base.errors import Finding
from mobility.base.files import write_text
from mobility.base.i18n import translate
from mobility.commute.data_sheet import DataSheet
from mobility.commute.study import Study
from mobility.commute.walks import mode_times
from mobility.outputs.map.assets import filled, page_file, safe_script
from mobility.outputs.map.background import roads_of
from mobility.outputs.map.pack import compact_json, quantised
from mobility.outputs.tables import Table
from mobility.streets.snap import components
from mobility.timetable.arrays import INF

#: Coordinates are told to this part of a degree, about a metre.
_DEGREE = 1e-5
#: From little to much, told apart in grey too (ColorBrewer's YlGnBu, five classes).
RAMP = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
#: Streets and lines are drawn to these metres.
_TOLERANCE_M = 10.0
#: Places of a finding that are marked, at most.
_MOST_PLACES = 200
_LONLAT = re.compile(r"(-?\d+\.\d+) (-?\d+\.\d+)")
_TEXTS = {
    "findings": "What to know",
    "layers": "Shown on the map",
    "streets": "streets",
    "cut": "streets cut off from the others, on foot",
    "lines": "lines",
    "homes": "homes",
    "stops": "stops (red: no departure)",
    "gates": "gates (red: no stop in reach)",
    "reach0": "a stop within the walking limit",
    "reach1": "streets only",
    "reach2": "cut off: no street mode reaches a gate",
    "trips": "Trips: ",
    "workers": "Workers: ",
    "departures": "Departures: ",
    "in_reach": "Stops within the walking limit: ",
}


def side_page(title: str, data: dict[str, Any], script: str, language: str) -> str:
    """Return the page that one of the scripts beside `side.js` draws; the same data, the same text.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed.
    """
    code = safe_script(page_file("side.js") + page_file(script))
    page = page_file("side.html")
    return filled(page, language=language, title=title, data=compact_json(data), code=code)


def flat_paths(lines: Sequence[Float]) -> list[list[int]]:
    """Return latitudes and longitudes in hundred-thousandths, each as a step from the last."""
    if not lines:
        return []
    at = quantised(np.concatenate(lines)[:, ::-1])
    steps = np.diff(at, axis=0, prepend=0)
    ends = np.cumsum([len(line) for line in lines])
    first = np.append(0, ends[:-1])[np.diff(ends, prepend=0) > 0]
    steps[first] = at[first]
    flat = steps.ravel().tolist()
    return [flat[2 * (end - len(line)) : 2 * end] for line, end in zip(lines, ends, strict=True)]


@dataclass(frozen=True)
class PageLayer:
    """What is drawn, and its line of the legend.

    Attributes
    ----------
    name
        In the language of the page.
    shapes
        EPSG:4326. Columns ``title`` and ``lines`` (texts of the popup, parted by line ends)
        and ``size`` (radius of a point, width of a line; pixels) may be left out.
    colour, dashed
        Of fill or line.
    shown
        Whether it is drawn when the page opens.
    """

    name: str
    shapes: gpd.GeoDataFrame
    colour: str
    dashed: bool = False
    shown: bool = True


def write_needs_page(
    study: Study, path: Path, layers: Sequence[PageLayer], *, title: str, note: str,
    tables: Sequence[Table] = (), language: str = "fr",
) -> Path:  # fmt: skip
    """Write the page; the same layers give the same bytes.

    Parameters
    ----------
    title, note
        What the page answers, and how it is read, in its language.
    tables
        Told beside the map.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed.
    SourceError
        The file cannot be written.
    """
    some = [layer.shapes for layer in layers if layer.shown and len(layer.shapes)]
    boxes = np.array([frame.total_bounds for frame in some] or [study.streets.bounds_lonlat])
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    roads = [path for paths in roads_of(study.streets).values() for path in paths]
    data = {
        "bounds": [[south, west], [north, east]],
        "note": note,
        "streets": flat_paths(roads),
        "gates": [
            {"site": site.name, "at": [round(lat, 5), round(lon, 5)]}
            for site in study.sites
            for lon, lat in site.gates
        ],
        "gates_name": translate("Gates", language),
        "shown": translate("Shown on the map", language),
        "layers": [_layer(layer) for layer in layers],
        "tables": [
            {"caption": t.caption, "heads": t.heads, "rows": t.rows, "numeric": t.numeric}
            for t in tables
        ],
    }
    text = side_page(f"{title} – {study.territory.name}", data, "needs.js", language)
    write_text(path, text)
    return path


def merged(frame: gpd.GeoDataFrame, by: NDArray[Any]) -> dict[Any, gpd.GeoDataFrame]:
    """Return, by each value of ``by``, one shape of all polygons that have it."""
    found = {}
    for value in np.unique(by):
        # Corners of neighbours that differ by rounding alone would leave slits between them.
        shapes = shapely.transform(frame.geometry.to_numpy()[by == value], lambda xy: xy.round(5))
        if shapely.coverage_is_valid(shapes):  # squares that share their corners: much quicker
            shape = shapely.coverage_union_all(shapes)
        else:
            shape = shapely.union_all(shapes, grid_size=_DEGREE)
        found[value] = gpd.GeoDataFrame(geometry=[shape], crs=4326)
    return found


def _layer(layer: PageLayer) -> dict[str, Any]:
    shapes = shapely.set_precision(layer.shapes.geometry.to_numpy(), _DEGREE)
    told = [name for name in ("title", "lines", "size") if name in layer.shapes]
    columns = {name: layer.shapes[name] for name in told}
    rows = zip(*columns.values(), strict=True) if columns else ((),) * len(shapes)
    return {
        "name": layer.name,
        "colour": layer.colour,
        "dashed": layer.dashed,
        "shown": layer.shown,
        "features": [
            {
                "type": "Feature",
                "geometry": told_shape(shape),
                "properties": dict(zip(columns, row, strict=True)),
            }
            for shape, row in zip(shapes, rows, strict=True)
        ],
    }


def told_shape(shape: shapely.Geometry, decimals: int = 5) -> dict[str, Any]:
    """Return a shape as GeoJSON tells it, its numbers rounded."""
    found: dict[str, Any] = json.loads(
        shapely.to_geojson(shapely.transform(shape, lambda xy: xy.round(decimals)))
    )
    return found


def check_page(study: Study, sheet: DataSheet, findings: Sequence[Finding], language: str) -> str:
    """Return the page; the same study gives the same text.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed.
    """
    title = f"{study.territory.name} – mobility check"
    return side_page(title, _check_data(study, sheet, findings, language), "check.js", language)


def _check_data(
    study: Study, sheet: DataSheet, findings: Sequence[Finding], language: str
) -> dict[str, Any]:
    west, south, east, north = study.streets.bounds_lonlat
    roads = [path for paths in roads_of(study.streets).values() for path in paths]
    timed, named = not study.feed.trips.empty, _named_places(study)
    return {
        "bounds": [[south, west], [north, east]],
        "texts": {name: translate(text, language) for name, text in _TEXTS.items()},
        "streets": flat_paths(roads),
        "cut": flat_paths(_cut_off(study)),
        "lines": _feed_lines(study) if timed else [],
        "stops": _feed_stops(study, sheet) if timed else [],
        "homes": _homes(study, sheet),
        "gates": _gates(study, sheet),
        "findings": [
            {
                "severity": f.severity,
                "text": _finding_text(f, language),
                "at": _places(study, sheet, f, named),
            }
            for f in findings
        ],
    }


def _cut_off(study: Study) -> list[Float]:
    """Return the streets one may walk along that are not joined to most others."""
    streets = study.streets
    times = mode_times(study.territory, streets, "walk")
    part = components(streets, times)
    length = np.bincount(part[part >= 0], streets.length_m[part >= 0], minlength=1)
    allowed = np.isfinite(times[0]) | np.isfinite(times[1])
    rows = np.flatnonzero(allowed & (part != np.argmax(length)))
    lines = shapely.simplify(streets.lines[rows], _TOLERANCE_M)
    return [streets.unproject(shapely.get_coordinates(line)) for line in lines]


def _feed_lines(study: Study) -> list[dict[str, Any]]:
    """Return each line of the first day: the stops of its longest trip, its trips and hours."""
    feed, day = study.feed, study.days[0]
    trips = feed.trips_on(day.date)
    ptr, calls = feed.trip_ptr, np.diff(feed.trip_ptr)
    route = feed.trips["route"].to_numpy()[trips]
    lonlat = feed.lonlat()
    stop, departure = (feed.stop_times[c].to_numpy() for c in ("stop", "departure_s"))
    found, paths = [], []
    for index in np.unique(route):
        own = trips[route == index]
        longest = own[int(np.argmax(calls[own]))]
        points = lonlat[stop[ptr[longest] : ptr[longest + 1]]]
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) < 2:
            continue
        paths.append(points)
        row = feed.routes.iloc[int(index)]
        first = departure[ptr[own]]
        found.append(
            {
                "name": str(row["short_name"] or row["long_name"] or row["route_id"]),
                "trips": len(own),
                "hours": f"{service_clock(first.min())}–{service_clock(first.max())}",
            }
        )
    return [one | {"path": path} for one, path in zip(found, flat_paths(paths), strict=True)]


def _feed_stops(study: Study, sheet: DataSheet) -> list[list[Any]]:
    """Return the feed's own stops with their departures on the first day."""
    feed = study.feed
    calls = sheet.stop_departures
    lonlat = feed.lonlat()
    own = (feed.stops["copy_of"] < 0) & (feed.stops["location_type"] == 0)
    rows = np.flatnonzero(own.to_numpy() & np.isfinite(lonlat).all(axis=1))
    names = feed.stops["stop_name"].astype(str).to_numpy()
    at = quantised(lonlat[rows])
    return [[int(y), int(x), names[k], int(calls[k])] for k, (x, y) in zip(rows, at, strict=True)]


def _homes(study: Study, sheet: DataSheet) -> list[list[int]]:
    """Return place, workers and what reaches each home: 0 a stop, 1 streets only, 2 nothing."""
    walks = study.home_walks
    nearest = np.full(study.n_homes, INF, np.int64)
    some = np.diff(walks.ptr) > 0
    nearest[some] = walks.walk_s[walks.ptr[:-1][some]]
    in_reach = nearest <= study.territory.limits.max_walk_min * 60
    kind = np.where(sheet.cut_off, 2, np.where(in_reach, 0, 1))
    at = quantised(study.homes.lonlat)
    return [
        [int(y), int(x), round(float(n)), int(k)]
        for (x, y), n, k in zip(at, study.workers, kind, strict=True)
    ]


def _gates(study: Study, sheet: DataSheet) -> list[dict[str, Any]]:
    names = study.feed.stops["stop_name"].astype(str).to_numpy()
    return [
        {
            "site": study.sites[gate.site].name,
            "at": [round(gate.lat, 5), round(gate.lon, 5)],
            "count": len(gate.stops),
            "stops": sorted({str(name) for name in names[gate.stops]})[:12],
        }
        for gate in sheet.gates
    ]


def _finding_text(finding: Finding, language: str) -> str:
    text = finding.render(language)
    return f"{finding.source}: {text}" if finding.source else text


def _places(
    study: Study, sheet: DataSheet, finding: Finding, named: dict[str, list[list[float]]]
) -> list[list[float]]:
    """Return where a finding is about, latitude first: places it names, or homes and gates."""
    if finding.code == "homes_cut_off":
        found = study.homes.lonlat[sheet.cut_off]
    elif finding.code == "gates_without_stop":
        found = np.array([[g.lon, g.lat] for g in sheet.gates if not len(g.stops)])
    else:
        points = [_LONLAT.fullmatch(text) for text in finding.examples]
        found = np.array(
            [[float(p[1]), float(p[2])] for p in points if p]
            + [place for text in finding.examples for place in named.get(text, ())]
        ).reshape(-1, 2)
    found = found[np.isfinite(found).all(axis=1)][:_MOST_PLACES]
    return [[round(float(lat), 5), round(float(lon), 5)] for lon, lat in found]


def _named_places(study: Study) -> dict[str, list[list[float]]]:
    """Return the places of stops by name and id, and of homes by id."""
    feed = study.feed
    known: dict[str, list[list[float]]] = {}
    for column in ("stop_name", "stop_id"):
        for name, place in zip(feed.stops[column].astype(str), feed.lonlat(), strict=True):
            known.setdefault(name, []).append(place.tolist())
    if not study.homes.personal:
        for name, place in zip(study.homes.ids, study.homes.lonlat, strict=True):
            known.setdefault(str(name), []).append(place.tolist())
    return known
