"""What OpenStreetMap says besides streets: land use, water, places, car parks.

Drawn under the maps and used to place homes, stops and car-pool points. Car parks where a commute
changes vehicle come from a file of one's own too: any layer GeoPandas reads, or a CSV after the
French schema of *lieux de covoiturage* (schema.data.gouv.fr, etalab/schema-lieux-covoiturage,
columns ``id_lieu``, ``nom_lieu``, ``type``, ``ouvert``, ``Xlong``, ``Ylat``, ``nbre_pl``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.ledger import SourceLedger
from mobility.sources.columns import Table, fold
from mobility.sources.layers import check_lonlat, to_lonlat
from mobility.sources.tables import is_csv, read_table

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

    def frames(self) -> dict[str, gpd.GeoDataFrame]:
        """Return one layer per kind, empty ones included."""
        return {kind: self._frame(kind) for kind in COLUMNS}

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


#: Kinds of car park; places to hitch a ride have no room for a car.
PARK_RIDE, CARPOOL, HITCHING = "park_ride", "carpool", "hitching"
#: Columns of which a list of car parks has one.
_TYPE = ("type", "kind", "typologie", "nature")
_ROOM = ("nbre_pl", "capacity", "capacite", "places")
_OPEN = ("ouvert", "open")
_NO = {"0", "non", "no", "false", "faux", "f", "n"}
#: Two records nearer to each other than this are one car park.
_SAME_PLACE_M = 100.0


def read_car_parks(path: Path, *, ledger: list[SourceLedger] | None = None) -> gpd.GeoDataFrame:
    """Read the open car parks of a file; ``ledger`` gets the account of its rows.

    Returns
    -------
    GeoDataFrame, EPSG:4326
        Points with ``name``, ``kind`` (`PARK_RIDE`, `CARPOOL` or `HITCHING`) and
        ``capacity`` (text, missing where unknown); the index is the row number in the file.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file cannot be read, tells neither kind nor room nor whether a place is open, or a
        coordinate is wrong; the error names the row.
    """
    table = read_table(path, key="")
    if all(table.find(names[0], names[1:]) is None for names in (_TYPE, _ROOM, _OPEN)):
        table.need(_TYPE[0], _TYPE[1:])  # Homes have coordinates and names too.
    points = _csv_points(table) if is_csv(path) else _layer_points(table)
    count = len(table.frame)
    name = _texts(table, ("nom_lieu", "name", "nom"), count)
    capacity = _texts(table, _ROOM, count)
    kind = [_kind_of_park(t) for t in _texts(table, _TYPE, count)]
    frame = gpd.GeoDataFrame(
        {
            "name": pd.array(name, dtype="str"),
            "kind": pd.array(kind, dtype="str"),
            "capacity": pd.array([c or None for c in capacity], dtype="str"),
        },
        geometry=gpd.GeoSeries(points, crs="EPSG:4326"),
    )
    frame.index = table.frame.index
    opened = _texts(table, _OPEN, count)
    shut = np.array([fold(text) in _NO for text in opened], bool)
    hitching = (frame["kind"] == HITCHING).to_numpy() & ~shut
    if ledger is not None:
        left = {"closed": shut.sum(), "a place to hitch a ride": hitching.sum()}
        ledger.append(SourceLedger.balanced(path, count - sum(left.values()), left))
    return frame[~shut]


def with_car_parks(
    background: gpd.GeoDataFrame | None, own: gpd.GeoDataFrame, crs: object
) -> gpd.GeoDataFrame:
    """Return the car parks of the streets' file, or None, with a file of one's own put before them.

    Of ``own``, a result of `read_car_parks`, places to hitch a ride are left out. Where both know a
    place (within `_SAME_PLACE_M` in the projected system ``crs``), the record of ``own`` is kept.
    """
    mine = own[(own["kind"] != HITCHING).to_numpy()].copy()
    mine.insert(0, "osm_id", -np.arange(1, len(mine) + 1, dtype=np.int64))
    if background is None or background.empty:
        return mine.reset_index(drop=True)
    other = background
    if len(mine):
        there = shapely.multipoints(shapely.get_coordinates(mine.geometry.to_crs(crs).to_numpy()))
        here = background.geometry.to_crs(crs).to_numpy()
        other = background[shapely.distance(here, there) > _SAME_PLACE_M]
    columns = list(background.columns)
    both = pd.concat([mine[columns], other[columns]], ignore_index=True)
    return gpd.GeoDataFrame(both, geometry="geometry", crs="EPSG:4326")


def _texts(table: Table, names: tuple[str, ...], count: int) -> list[str]:
    column = table.find(names[0], names[1:])
    return [""] * count if column is None else [str(t) for t in table.texts(column)]


def _kind_of_park(text: str) -> str:
    """Return the kind of a car park from its type: the schema's words, or this program's."""
    word = fold(text)
    if "relais" in word or "parkride" in word or word in {"pr", "parkandride"}:
        return PARK_RIDE
    return HITCHING if "stop" in word and "auto" in word else CARPOOL


def _csv_points(table: Table) -> np.ndarray:
    x = table.need("Xlong", ("lon", "longitude", "x"))
    y = table.need("Ylat", ("lat", "latitude", "y"))
    lon, lat = table.numbers(x), table.numbers(y)
    check_lonlat(table, lon, lat, column=f"{x}, {y}", mend="Give degrees (EPSG:4326).")
    return np.asarray(shapely.points(lon, lat))


def _layer_points(table: Table) -> np.ndarray:
    frame = table.frame
    assert isinstance(frame, gpd.GeoDataFrame)
    return np.asarray(to_lonlat(frame, table.file).geometry.representative_point().to_numpy())
