"""What OpenStreetMap says besides streets: land use, water, places, car parks.

Drawn under the maps and used to place homes, stops and car-pool points.
"""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.projection import Box

_PLACES = ("city", "town", "village", "hamlet", "suburb")
_RAILWAYS = ("rail", "light_rail", "subway", "tram", "narrow_gauge")
_CARPOOL = ("car_pooling", "carpool")
KEYS = ("landuse", "natural", "waterway", "railway", "amenity", "building", "carpool")
COLUMNS: dict[str, tuple[str, ...]] = {
    "industrial": ("name",), "residential": ("name",), "built": ("name", "landuse"),
    "forest": ("name",), "water": ("name",), "railway": ("name", "railway"),
    "places": ("name", "place", "population"), "car_parks": ("name", "kind", "capacity"),
    "bus_stops": ("name",), "buildings": ("building", "area_m2"),
}  # fmt: skip
_LANDUSE = {
    "industrial": "industrial", "residential": "residential", "commercial": "built",
    "retail": "built", "forest": "forest", "reservoir": "water", "basin": "water",
}  # fmt: skip


def area_kind(tags: Mapping[str, str], *, buildings: bool = False) -> str | None:
    """Return the kind of background a closed way or multipolygon belongs to, if any."""
    if tags.get("natural") == "water" or tags.get("waterway") in {"riverbank", "dock"}:
        return "water"
    if tags.get("natural") == "wood":
        return "forest"
    if _car_park_kind(tags):
        return "car_parks"
    if buildings and tags.get("building", "no") != "no":
        return "buildings"
    return _LANDUSE.get(tags.get("landuse", ""))


def line_kind(tags: Mapping[str, str]) -> str | None:
    """Return the kind of background a way drawn as a line belongs to, if any."""
    if tags.get("waterway") in {"river", "canal"}:
        return "water"
    return "railway" if tags.get("railway") in _RAILWAYS else None


def point_kind(tags: Mapping[str, str]) -> str | None:
    """Return the kind of background a node belongs to, if any."""
    if tags.get("place") in _PLACES:
        return "places"
    if tags.get("highway") == "bus_stop":
        return "bus_stops"
    return "car_parks" if _car_park_kind(tags) else None


def _car_park_kind(tags: Mapping[str, str]) -> str | None:
    """Return ``"park_ride"`` or ``"carpool"`` for car parks where a commute changes vehicle."""
    amenity = tags.get("amenity")
    if amenity in _CARPOOL or (amenity == "parking" and tags.get("carpool", "no") != "no"):
        return "carpool"
    if amenity == "parking" and tags.get("park_ride", "no") != "no":
        return "park_ride"
    return None


class BackgroundRows:
    """Rows gathered while a file streams by, by kind; `frames` turns them into layers."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[int, shapely.Geometry, Mapping[str, str]]]] = {}

    def add(
        self, kind: str, osm_id: int, geometry: shapely.Geometry, tags: Mapping[str, str]
    ) -> None:
        """Add one object; an empty geometry is passed over."""
        if not geometry.is_empty:
            self._rows.setdefault(kind, []).append((osm_id, geometry, tags))

    def drop(self, kind: str, osm_ids: set[int]) -> None:
        """Forget some objects, e.g. the outer way of an area that carries its tags too."""
        self._rows[kind] = [row for row in self._rows.get(kind, ()) if row[0] not in osm_ids]

    def drop_repeated(self) -> None:
        """Forget all but the last of objects that were added several times."""
        for kind, rows in self._rows.items():
            # A node and a way may have the same id.
            kinds = shapely.get_type_id(np.array([row[1] for row in rows], dtype=object)).tolist()
            last = {(row[0], own): k for k, (row, own) in enumerate(zip(rows, kinds, strict=True))}
            self._rows[kind] = [rows[k] for k in last.values()]

    def frames(self, bbox: Box | None) -> dict[str, gpd.GeoDataFrame]:
        """Return one layer per kind, empty ones included, those touching ``bbox`` only."""
        layers = {kind: self._frame(kind) for kind in COLUMNS}
        if bbox is not None:
            window = shapely.box(*bbox)
            layers = {k: f[f.intersects(window)].reset_index(drop=True) for k, f in layers.items()}
        return layers

    def _frame(self, kind: str) -> gpd.GeoDataFrame:
        rows = self._rows.get(kind, [])
        geometry, tags = np.array([row[1] for row in rows], dtype=object), [row[2] for row in rows]
        data: dict[str, object] = {"osm_id": np.array([row[0] for row in rows], dtype=np.int64)}
        for column in COLUMNS[kind]:
            if column == "population":
                values = [_whole(t.get("population")) for t in tags]
                data[column] = np.array(values, dtype=np.float64)
            elif column == "kind":
                data[column] = pd.Series([_car_park_kind(t) for t in tags], dtype="str")
            elif column == "area_m2":
                data[column] = area_m2(geometry)
            else:
                data[column] = pd.Series([t.get(column) for t in tags], dtype="str")
        # They are looked for by distance, never drawn as areas.
        if kind in {"car_parks", "buildings"} and len(geometry):
            geometry = shapely.centroid(geometry)
        return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(geometry, crs="EPSG:4326"))


def _whole(text: str | None) -> float:
    digits = "".join(c for c in (text or "").split(";")[0] if c.isdigit())
    return float(digits) if digits else float("nan")


def area_m2(lonlat: np.ndarray) -> np.ndarray:
    """Return areas in square metres of small polygons in longitude and latitude.

    Longitudes are scaled by the cosine of each polygon's own latitude on a sphere: within
    0.5 % for anything the size of a building or an estate.
    """
    if len(lonlat) == 0:
        return np.zeros(0)
    bounds = shapely.bounds(lonlat)
    lat = np.radians((bounds[:, 1] + bounds[:, 3]) / 2)
    metres = np.radians(1.0) * 6_371_008.8
    return np.asarray(shapely.area(lonlat) * metres**2 * np.cos(lat))


def multipolygons(
    members: Mapping[int, list[int]], lines: Mapping[int, np.ndarray]
) -> dict[int, shapely.Geometry]:
    """Return the areas enclosed by the member ways of each relation.

    Rings are put together from ways in any order or direction and nested by the even-odd
    rule, whatever the members' roles say. Rings that the extract cuts open give nothing.
    """
    found: dict[int, shapely.Geometry] = {}
    for relation, ways in members.items():
        parts = [shapely.linestrings(lines[w]) for w in ways if w in lines and len(lines[w]) > 1]
        if parts:
            area = shapely.build_area(shapely.multilinestrings(parts))
            if not area.is_empty:
                found[relation] = area
    return found
