"""Car parks where a commute changes vehicle: park-and-rides and car-pool areas.

Read from OpenStreetMap with the streets, and from a file of one's own: any layer GeoPandas
reads, or a CSV after the French schema of *lieux de covoiturage* (schema.data.gouv.fr,
etalab/schema-lieux-covoiturage, columns ``id_lieu``, ``nom_lieu``, ``type``, ``ouvert``,
``Xlong``, ``Ylat``, ``nbre_pl``).
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.ledger import SourceLedger
from mobility.sources.columns import Table, fold
from mobility.sources.layers import check_lonlat, to_lonlat
from mobility.sources.tables import is_csv, read_table

#: Kinds of car park; places to hitch a ride have no room for a car.
PARK_RIDE, CARPOOL, HITCHING = "park_ride", "carpool", "hitching"
_NO = {"0", "non", "no", "false", "faux", "f", "n"}
#: Two records nearer to each other than this are one car park.
_SAME_PLACE_M = 100.0


def read_car_parks(
    path: Path, *, layer: str | None = None, ledger: list[SourceLedger] | None = None
) -> gpd.GeoDataFrame:
    """Read the open car parks of a file; ``ledger`` gets the account of its rows.

    Returns
    -------
    GeoDataFrame, EPSG:4326
        Points with ``name``, ``kind`` (`PARK_RIDE`, `CARPOOL` or `HITCHING`) and
        ``capacity`` (text, missing where unknown); the index is the row number in the file.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file cannot be read, or a coordinate is wrong; the error names the row.
    """
    table = read_table(path, layer=layer, key="")
    points = _csv_points(table) if is_csv(path) else _layer_points(table)
    count = len(table.frame)
    name = _texts(table, ("nom_lieu", "name", "nom"), count)
    capacity = _texts(table, ("nbre_pl", "capacity", "capacite", "places"), count)
    kind = [_kind(t) for t in _texts(table, ("type", "kind", "typologie", "nature"), count)]
    frame = gpd.GeoDataFrame(
        {
            "name": pd.array(name, dtype="str"),
            "kind": pd.array(kind, dtype="str"),
            "capacity": pd.array([c or None for c in capacity], dtype="str"),
        },
        geometry=gpd.GeoSeries(points, crs="EPSG:4326"),
    )
    frame.index = table.frame.index
    opened = _texts(table, ("ouvert", "open"), count)
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


def _kind(text: str) -> str:
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
