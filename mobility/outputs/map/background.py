"""What is drawn under the results, from the territory's own streets and land use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float
from mobility.base.cache import Bundle
from mobility.base.projection import WGS84, Box, transformer
from mobility.commute.study import Study
from mobility.outputs.map.kept_parts import Background, Place
from mobility.streets.graph import Streets

#: Tolerance of simplification and least area drawn.
_TOLERANCE_M, _LEAST_AREA_M2 = 8.0, 5_000.0
DEGREE_M = 111_195.0
#: The background reaches so far beyond homes and gates: an assumption.
_AROUND_M = 10_000.0

_ROAD_CLASS = {
    "motorway": "motorway", "trunk": "motorway",
    "primary": "primary", "secondary": "secondary", "tertiary": "tertiary",
    "residential": "minor", "unclassified": "minor", "living_street": "minor", "road": "minor",
}  # fmt: skip
_PLACE_RANK = {"city": 0, "town": 1, "village": 2, "suburb": 3, "hamlet": 3}
_AREA_OF = {
    "residential": "built",
    "built": "built",
    "industrial": "industrial",
    "forest": "forest",
    "water": "water",
}


#: Where an extract names no place: least distance between two named ones of each rank, metres.
_SPACING_M = {1: 7_000.0, 2: 3_500.0, 3: 1_500.0}


def background_key(study: Study) -> list[object]:
    """Return what the background of a page follows from besides a study's content."""
    return [study.gates_lonlat, study.homes.frame[["commune", "workers"]]]


def background_of(study: Study) -> Background:
    """Return the background of a page: roads by class, land use, water, railways, places.

    It reaches some kilometres beyond homes and gates, however large the extract is. Where that
    names no place, the names are those of the communes, else of the stops that are served most.
    """
    streets = study.streets
    lonlat = np.vstack([study.homes.lonlat, study.gates_lonlat])
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    high = _AROUND_M / DEGREE_M
    wide = high / np.cos(np.radians((south + north) / 2))
    box = (float(west - wide), float(south - high), float(east + wide), float(north + high))
    layers = {kind: _within(layer, box) for kind, layer in streets.background.items()}
    return Background(
        roads=roads_of(streets, box),
        areas=_areas(layers),
        rivers=_lines(layers.get("water")),
        railways=_lines(layers.get("railway")),
        places=_places(layers.get("places")) or _communes(study) or _stops(study),
    )


def _within(layer: gpd.GeoDataFrame, box: Box) -> gpd.GeoDataFrame:
    """Return the rows of a layer whose bounds touch a box."""
    low_x, low_y, high_x, high_y = shapely.bounds(layer.geometry.to_numpy()).T
    west, south, east, north = box
    return layer[(low_x <= east) & (high_x >= west) & (low_y <= north) & (high_y >= south)]


def roads_of(streets: Streets, box: Box | None = None) -> dict[str, tuple[Float, ...]]:
    """Return simplified centre lines by class, in longitude and latitude.

    Streets without any class above a minor one, as from a plain line layer, are drawn as
    ``street``: thin lines that show from afar.

    Parameters
    ----------
    box
        West, south, east, north, degrees: pieces with a point in it; all without one.
    """
    key: list[object] = ["roads", _TOLERANCE_M, *_ROAD_CLASS.items()]
    near = np.ones(streets.n_edges, bool) if box is None else _near(streets, box)
    if not near.all():
        key.append(near)
    kept = streets.kept(key, lambda: _roads(streets, near))
    names = dict.fromkeys([*_ROAD_CLASS.values(), "street"])
    return {name: _cut(kept[name], kept[f"{name} ends"]) for name in names if name in kept}


def _cut(points: Any, ends: Any) -> tuple[Float, ...]:
    """Return the lines of a row of points, `np.split` in a fifth of its time."""
    points, at = np.asarray(points), [0, *np.asarray(ends).tolist(), len(points)]
    return tuple(points[one:two] for one, two in pairwise(at))


def _near(streets: Streets, box: Box) -> Bool:
    """Return the pieces that have a point in a box, bool (m,)."""
    west, south, east, north = box
    corners = streets.project(
        np.array([west, west, east, east]), np.array([south, north, south, north])
    )
    inside = (streets.geom_xy >= corners.min(axis=0)) & (streets.geom_xy <= corners.max(axis=0))
    return np.asarray(np.logical_or.reduceat(inside.all(axis=1), streets.geom_ptr[:-1]))


def _roads(streets: Streets, near: Bool) -> Bundle:
    """Return the lines of each class, one after the other, and where each but the last ends."""
    highway = streets.tags["highway"][near].astype("object").fillna("road")
    classes = highway.map(_road_class).to_numpy()
    lines = streets.lines[near]
    to_lonlat = transformer(streets.crs, WGS84)
    found: dict[str, NDArray[Any]] = {}
    for name in ("motorway", "primary", "secondary", "tertiary", "minor"):
        mine = lines[classes == name]
        if len(mine):
            parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(mine)))
            thin = shapely.simplify(parts, _TOLERANCE_M, preserve_topology=False)
            xy, line = shapely.get_coordinates(thin, return_index=True)
            found[name] = np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1]))
            found[f"{name} ends"] = np.flatnonzero(np.diff(line)) + 1
    if set(found) == {"minor", "minor ends"}:
        return {"street": found["minor"], "street ends": found["minor ends"]}
    return found


def _road_class(highway: object) -> str | None:
    """Return the class of a ``highway`` tag; links belong to their road."""
    value = highway[0] if isinstance(highway, list) and highway else highway
    return _ROAD_CLASS.get(str(value).removesuffix("_link"))


def _areas(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, tuple[tuple[Float, ...], ...]]:
    found: dict[str, list[tuple[Float, ...]]] = {}
    for layer, kind in _AREA_OF.items():
        if layer in layers:
            found.setdefault(kind, []).extend(_rings(_simple_parts(layers[layer], "Polygon")))
    return {kind: tuple(shapes) for kind, shapes in found.items() if shapes}


def _simple_parts(layer: gpd.GeoDataFrame | None, kind: str) -> NDArray[np.object_]:
    """Return the single parts of one geometry type, simplified."""
    if layer is None or layer.empty:
        return np.array([], dtype=object)
    parts = shapely.get_parts(layer.geometry.to_numpy())
    parts = parts[shapely.get_type_id(parts) == getattr(shapely.GeometryType, kind.upper())]
    return np.asarray(shapely.simplify(parts, _TOLERANCE_M / DEGREE_M), dtype=object)


def _rings(polygons: Iterable[shapely.Polygon]) -> list[tuple[Float, ...]]:
    """Return outer rings counter-clockwise and holes clockwise, small areas left out."""
    shapes = []
    for polygon in polygons:
        scale = DEGREE_M**2 * np.cos(np.radians(polygon.bounds[1])) if not polygon.is_empty else 0
        if polygon.area * scale < _LEAST_AREA_M2:
            continue
        turned = shapely.geometry.polygon.orient(polygon)
        rings = (turned.exterior, *turned.interiors)
        shapes.append(tuple(shapely.get_coordinates(ring)[:-1] for ring in rings))
    return shapes


def _lines(layer: gpd.GeoDataFrame | None) -> tuple[Float, ...]:
    return tuple(shapely.get_coordinates(line) for line in _simple_parts(layer, "LineString"))


def _places(layer: gpd.GeoDataFrame | None) -> tuple[Place, ...]:
    if layer is None or layer.empty:
        return ()
    named = layer[layer["name"].notna() & layer["place"].isin(list(_PLACE_RANK))]
    middle = shapely.centroid(named.geometry.to_numpy())
    found = [
        Place(str(name), float(x), float(y), _PLACE_RANK[str(place)])
        for name, place, x, y in zip(
            named["name"], named["place"], shapely.get_x(middle), shapely.get_y(middle), strict=True
        )
    ]
    population = named["population"].fillna(0).to_numpy()
    order = sorted(range(len(found)), key=lambda i: (found[i].rank, -population[i], found[i].name))
    return tuple(found[i] for i in order)


def _communes(study: Study) -> tuple[Place, ...]:
    """Return the communes of the homes, each in the middle of its workers."""
    names = study.homes.frame["commune"].fillna("").astype(str).to_numpy()
    weights = study.workers + 1e-9
    named = np.unique(names[names != ""])
    middles = np.array(
        [
            np.average(study.homes.lonlat[m], axis=0, weights=weights[m])
            for m in (names == n for n in named)
        ]
    ).reshape(-1, 2)
    people = np.array([weights[names == n].sum() for n in named])
    return _spaced(study, named, middles, people)


def _stops(study: Study) -> tuple[Place, ...]:
    """Return the stops with most calls, one of each neighbourhood."""
    stops = study.feed.stops
    calls = np.bincount(study.feed.stop_times["stop"], minlength=len(stops)).astype(np.float64)
    shown = (stops["lon"].notna() & stops["stop_name"].fillna("").ne("")).to_numpy() & (calls > 0)
    names = stops["stop_name"].astype(str).to_numpy()[shown]
    return _spaced(study, names, stops[["lon", "lat"]].to_numpy()[shown], calls[shown])


def _spaced(
    study: Study, names: NDArray[np.object_], lonlat: Float, weight: Float
) -> tuple[Place, ...]:
    """Return the places of most weight, each rank `_SPACING_M` apart from what stands before it."""
    if not len(names):
        return ()
    to_metres = transformer(WGS84, study.streets.crs)
    xy = np.column_stack(to_metres.transform(lonlat[:, 0], lonlat[:, 1]))
    order = np.argsort(-weight, kind="stable")
    kept: dict[int, int] = {}
    nearest_m = np.full(len(xy), np.inf)
    for rank, spacing_m in _SPACING_M.items():
        for k in order:
            if nearest_m[k] >= spacing_m:
                kept[int(k)] = rank
                nearest_m = np.minimum(nearest_m, np.hypot(*(xy - xy[k]).T))
    return tuple(
        Place(str(names[k]), float(lonlat[k, 0]), float(lonlat[k, 1]), rank)
        for k, rank in kept.items()
    )
