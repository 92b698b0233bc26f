"""Layers GeoPandas reads: one layer, valid geometries, a known coordinate reference system."""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.errors import SourceError, SourceNotFoundError, TerritoryError, library_words
from mobility.base.projection import Box
from mobility.sources.columns import MAX_LISTED, Table, nearest, no_rows
from mobility.territory.overseas import part_at

_ONE_LAYER = {".parquet", ".geoparquet"}
EUROPE: Box = (-32.0, 33.0, 46.0, 72.0)


def need_file(path: Path) -> None:
    """Raise when ``path`` is no file.

    Raises
    ------
    SourceNotFoundError
        It does not exist, or is an ordinary folder.
    """
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = nearest(path.name, siblings)
        problem = "The file does not exist."
        if near is not None:
            problem = "The file does not exist; did you mean {near!r}?"
        raise SourceNotFoundError(
            problem,
            file=path,
            mend="Check the path, in the territory file or on the command line.",
            near=near,
        )
    if path.is_dir() and path.suffix.lower() != ".gdb":
        raise SourceNotFoundError(
            "It is a folder, not a file.", file=path, mend="Name the file inside the folder."
        )


def read_layer(
    path: Path, *, layer: str | None = None, crs: str | None = None, key: str = ""
) -> gpd.GeoDataFrame:
    """Read one layer of any GeoPandas-readable file, with repaired geometries and a CRS.

    Parameters
    ----------
    layer
        Which one; by default the only one that has places.
    crs
        Coordinate reference system of a layer that states none.
    key
        How the territory file calls ``layer``; empty where it cannot say.

    Returns
    -------
    GeoDataFrame
        Index: row number from 1. Polygons are valid.

    Raises
    ------
    SourceNotFoundError, SourceError
        Missing, unreadable or empty file, unknown layer, no CRS, missing geometry.
    """
    need_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.suffix.lower() in _ONE_LAYER:
                frame = gpd.read_parquet(path)
            else:
                frame = _with_fid(path, _choose_layer(path, layer, key))
    except SourceError:
        raise
    except (RuntimeError, ValueError, OSError, TypeError, KeyError, AttributeError) as error:
        if "not recognized as" in str(error):
            raise SourceError(
                "It is of no kind that is read, whatever its name says.",
                file=path,
                mend="Give a GeoPackage, GeoJSON, Shapefile, GeoParquet or CSV file.",
            ) from None
        raise SourceError(
            "It cannot be read as a layer: {reason}.",
            file=path,
            mend="Give a GeoPackage, GeoJSON, Shapefile, GeoParquet or CSV file.",
            reason=library_words(error),
        ) from None
    if not isinstance(frame, gpd.GeoDataFrame) or frame._geometry_column_name is None:
        raise SourceError(
            "It has no geometry.", file=path, mend="Export it with its geometry, or as CSV."
        )
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    if frame.empty:
        raise no_rows(path)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return _checked_geometry(_with_crs(frame, path, crs), path)


def _with_fid(path: Path, layer: str) -> gpd.GeoDataFrame:
    """Read a layer, with the feature ids of a GeoPackage as the column that QGIS shows."""
    import pyogrio

    frame = gpd.read_file(path, layer=layer, fid_as_index=True)
    fid = pyogrio.read_info(path, layer=layer)["fid_column"]
    if fid and fid not in frame.columns:
        frame = frame.assign(**{fid: frame.index})
    return frame


def other_layers(path: Path, layer: str | None = None) -> tuple[str, ...]:
    """Return the layers and tables of a file that `read_layer` does not read."""
    if path.suffix.lower() in _ONE_LAYER:
        return ()
    chosen = _choose_layer(path, layer, "")
    return tuple(name for name, _ in _layers(path) if name != chosen)


def _layers(path: Path) -> list[tuple[str, bool]]:
    """Return the name of each layer, and whether it has places; styles of QGIS have none."""
    import pyogrio

    return [(str(name), shape is not None) for name, shape in pyogrio.list_layers(path)]


def _choose_layer(path: Path, layer: str | None, key: str) -> str:
    found = _layers(path)
    names = [name for name, _ in found]
    placed = [name for name, has_places in found if has_places] or names
    if layer is None and len(placed) == 1:
        return placed[0]
    if layer in names:
        return str(layer)
    mend = "Save the layer wanted as a file of its own, and name that file."
    if key:
        mend = 'Write {key} = "..." in the territory file.'
    problem = "There is no layer {layer!r}; the layers are: {listed}."
    if layer is None:
        problem = "It holds several layers: {listed}."
    listed = ", ".join(placed[:MAX_LISTED])
    raise SourceError(problem, file=path, mend=mend, key=key, layer=layer, listed=listed)


def _with_crs(frame: gpd.GeoDataFrame, path: Path, crs: str | None) -> gpd.GeoDataFrame:
    if frame.crs is not None:
        return frame
    if crs is None:
        raise SourceError(
            "The layer states no coordinate reference system.",
            file=path,
            mend='Write crs = "EPSG:2154" (or the right one) beside its file in the '
            "territory file, or export the layer with its projection.",
        )
    return frame.set_crs(parse_crs(crs, path))


def parse_crs(text: str, file: Path | None = None) -> pyproj.CRS:
    """Return the coordinate reference system called ``text``.

    Raises
    ------
    SourceError
        There is no such system.
    """
    try:
        return pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError:
        raise SourceError(
            "It is no coordinate reference system.",
            file=file,
            column="crs",
            value=text,
            mend='Write an EPSG code, e.g. crs = "EPSG:2154" (Lambert-93) or "EPSG:4326".',
        ) from None


def _checked_geometry(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    shapes = np.asarray(frame.geometry.array, dtype=object)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    bounds = shapely.bounds(shapes)
    broken = empty | ~np.isfinite(bounds).all(axis=1)
    if broken.any():
        raise SourceError(
            "The geometry is missing or not finite ({count} rows).",
            file=path,
            row=int(np.argmax(broken)) + 1,
            column="geometry",
            mend="Draw the geometry or drop the row.",
            count=int(broken.sum()),
        )
    # Hand-drawn polygons cross themselves, at which intersections fail.
    if not shapely.is_valid(shapes).all():
        frame = frame.set_geometry(gpd.GeoSeries(frame.geometry.make_valid(), index=frame.index))
    return frame


def to_lonlat(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    """Return the layer in EPSG:4326.

    Raises
    ------
    SourceError
        Its coordinates lie outside its own coordinate reference system.
    """
    lonlat = frame.to_crs(4326)
    check_lonlat(
        Table(path, lonlat),
        lonlat.geometry.bounds[["minx", "maxx"]].to_numpy(),
        lonlat.geometry.bounds[["miny", "maxy"]].to_numpy(),
        column="geometry",
    )
    return lonlat


def check_lonlat(
    table: Table,
    lon: np.ndarray,
    lat: np.ndarray,
    *,
    column: str,
    mend: str = 'Give degrees (EPSG:4326), or write the system used, e.g. crs = "EPSG:2154".',
) -> None:
    """Raise when a longitude or latitude cannot be one; names the first row.

    Parameters
    ----------
    lon, lat
        float64[n] or float64[n, 2] (the two ends of a geometry's box), degrees.
    """
    if not len(lon):
        return
    lon, lat = lon.reshape(len(lon), -1), lat.reshape(len(lat), -1)
    wrong = (~(np.abs(lon) <= 180) | ~(np.abs(lat) <= 90)).any(axis=1)
    if not wrong.any():
        return
    problem = "It is no longitude and latitude in degrees."
    table.refuse(wrong, column, problem, mend, shown=_lonlat_texts(lon[:, 0], lat[:, 0]))


def _lonlat_texts(lon: np.ndarray, lat: np.ndarray) -> list[str]:
    return [f"{x:g}, {y:g}" for x, y in zip(lon, lat, strict=True)]


def home_box(timezone: str) -> Box | None:
    """Return the box (west, south, east, north) a study in this time zone lies in, if known."""
    return EUROPE if timezone.startswith("Europe/") else None


def _exchanged(lon: np.ndarray, lat: np.ndarray, box: Box | None) -> tuple[np.ndarray, np.ndarray]:
    """Return which places are well placed, and which would be the other way round alone."""
    if box is None:
        return np.ones(len(lon), bool), np.zeros(len(lon), bool)
    west, south, east, north = box

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north))

    good = inside(lon, lat)
    for k in np.flatnonzero(~good):
        good[k] = part_at(lon[k], lat[k]) is not None
    return good, ~good & inside(lat, lon)


def refuse_exchanged_place(
    place: tuple[float, float],
    box: Box | None,
    file: Path | None,
    column: str,
    entry: tuple[str, int] | None = None,
) -> None:
    """Raise when a place of a territory file is well placed with lon and lat exchanged alone."""
    lon, lat = place
    if _exchanged(np.array([lon]), np.array([lat]), box)[1].any():
        raise TerritoryError(
            "Longitude and latitude look exchanged.",
            file=file,
            entry=entry,
            column=column,
            value=f"{lon:g}, {lat:g}",
            mend="Write longitude first: [{lat:g}, {lon:g}].",
            lon=lon,
            lat=lat,
        )


def refuse_swapped(
    table: Table, lon: np.ndarray, lat: np.ndarray, *, column: str, box: Box | None
) -> None:
    """Raise when points lie outside ``box`` that lie inside once lon and lat are exchanged.

    Points that are outside either way make no case: the study may be elsewhere.
    """
    good, swapped = _exchanged(lon, lat, box)
    if not swapped.any() or not (good | swapped).all():
        return
    table.refuse(
        swapped,
        column,
        "Longitude and latitude look exchanged.",
        "Exchange the two columns: in mainland France lon is -5 to 10, lat 41 to 52.",
        shown=_lonlat_texts(lon, lat),
    )
