"""Square cells: a local grid, squares around points, and INSEE's and Eurostat's populations.

Cells are named by resolution and south-west corner in a projected system, e.g.
``CRS3035RES200mN2029800E4252400``: EPSG:3035, 200 m, northing 2 029 800, easting 4 252 400.
Eurostat's GEOSTAT of 2006 and 2011 writes ``1kmN2689E4341``: EPSG:3035, the corner in kilometres.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.errors import Finding
from mobility.base.ledger import SourceLedger
from mobility.base.projection import WGS84, transformer
from mobility.sources.columns import Table, fold
from mobility.sources.homes.model import (
    COMMUNE_ALIASES,
    OUTSIDE,
    Homes,
    HomesRequest,
    group_columns,
    read_groups,
    read_names,
    read_workers,
    rows_ledger,
)
from mobility.sources.layers import parse_crs
from mobility.sources.tables import read_table

_INSEE_CELL = re.compile(r"(?:\w*_)?CRS(\d{4,6})RES(\d{2,6})mN(\d{1,8})E(\d{1,8})")
_GEOSTAT_CELL = re.compile(r"(\d{1,6})(k?)mN(\d{1,8})E(\d{1,8})")
#: Columns of all residents, INSEE's first (``Ind``, ``ind``, ``ind_c``), then Eurostat's.
_RESIDENTS = (
    "ind", "ind_c", "OBS_VALUE_T", "T", "TOT_P", "TOT_P_2021", "TOT_P_2018", "TOT_P_2011",
    "TOT_P_2006", "GEOSTAT_grid_POP_1K_2011", "POP",
)  # fmt: skip
#: What Eurostat writes for a number that it does not publish.
_UNPUBLISHED = -9999
_WORKING_AGES = ("ind_18_24", "ind_25_39", "ind_40_54", "ind_55_64")
_IMPUTED = ("i_est_200", "i_est_1km", "i_est", "i_pauv_200")


def cell_index(xy: np.ndarray, cell_m: float) -> np.ndarray:
    """Return int64[n, 2] column and row of the square each point falls in."""
    return np.floor(np.asarray(xy, dtype=np.float64) / cell_m).astype(np.int64)


def cell_boxes(cells: np.ndarray, cell_m: float) -> np.ndarray:
    """Return the squares of int64[n, 2] columns and rows as polygons, metres."""
    west, south = cells[:, 0] * cell_m, cells[:, 1] * cell_m
    return np.asarray(shapely.box(west, south, west + cell_m, south + cell_m))


def squares_around(points: gpd.GeoSeries, cell_m: float, crs: pyproj.CRS) -> gpd.GeoSeries:
    """Return squares of side ``cell_m`` metres centred on points, in EPSG:4326."""
    xy = shapely.get_coordinates(points.to_crs(crs).array)
    half = cell_m / 2
    boxes = shapely.box(xy[:, 0] - half, xy[:, 1] - half, xy[:, 0] + half, xy[:, 1] + half)
    return gpd.GeoSeries(boxes, index=points.index, crs=crs).to_crs(4326)


def _decode_insee(ids: pd.Series, table: Table, column: str) -> tuple[pd.DataFrame, pyproj.CRS]:
    """Return side, south and west (metres) of INSEE cells, and their coordinate system."""
    parts = ids.str.extract(f"^{_INSEE_CELL.pattern}$")
    short = ids.str.extract(f"^(?:\\w*_)?{_GEOSTAT_CELL.pattern}$")
    if parts.isna().all(axis=None) and not short.isna().all(axis=None):
        parts = _metres(short)
    wrong = parts.isna().any(axis=1).to_numpy()
    table.refuse(
        wrong,
        column,
        "It is no INSEE grid cell.",
        "Write it as INSEE does, e.g. CRS3035RES200mN2029800E4252400.",
        shown=ids,
    )
    other = (parts[0] != parts[0].iloc[0]).to_numpy()
    table.refuse(
        other,
        column,
        "The cells are in several coordinate systems.",
        "Keep the cells of one part of the country.",
        shown=ids,
    )
    frame = parts[[1, 2, 3]].astype("int64").set_axis(["side", "south", "west"], axis=1)
    return frame, parse_crs(f"EPSG:{parts[0].iloc[0]}", table.file)


def _metres(short: pd.DataFrame) -> pd.DataFrame:
    """Return system, side, south and west of cells written short, without the zeros of the side.

    ``1kmN2689E4341`` counts kilometres, ``200mN20298E42524`` hundreds of metres.
    """
    side = short[0] + short[1].map({"k": "000", "": ""})
    zeros = side.str.extract(r"(0*)$")[0]
    return pd.DataFrame(
        {
            0: short[0].where(short[0].isna(), "3035"),
            1: side,
            2: short[2] + zeros,
            3: short[3] + zeros,
        }
    )


def insee_column(frame: pd.DataFrame) -> str | None:
    """Return the column of INSEE cell identifiers, the finest when there are several."""
    found: list[tuple[int, str]] = []
    for column in frame.columns:
        value = frame[column].iloc[0]
        text = value.strip() if isinstance(value, str) else ""
        if match := _INSEE_CELL.fullmatch(text):
            found.append((int(match[2]), str(column)))
        elif match := _GEOSTAT_CELL.search(text):
            found.append((int(match[1]) * (1000 if match[2] else 1), str(column)))
    return min(found)[1] if found else None


def read_insee_grid(request: HomesRequest) -> Homes:
    """Read INSEE's gridded population.

    Without a chosen ``workers`` column the residents of working age (18 to 64) are taken
    where they are given, else all residents (`_RESIDENTS`).

    Raises
    ------
    SourceError
        There is no column of identifiers, or a field is wrong.
    """
    source = request.source
    table = read_table(
        request.path, layer=source.layer, crs=source.crs, columns=_wanted_columns(request)
    )
    column = source.id or insee_column(table.frame)
    column = table.need(column or "idcar_200m", field="id")
    ids = table.texts(column)
    squares, crs = _decode_insee(ids, table, column)
    keep = _inside(squares, crs, request)
    if not keep.any():
        raise table.error(
            "None of its cells lies in the study area.",
            column=column,
            mend="Download the grid of this part of the country.",
        )
    told = _outside(table, keep)
    table = replace(table, frame=table.frame[keep])
    squares, ids = squares[keep], ids[keep]
    table.refuse_duplicates(column, ids)
    table, unpublished = _without_unpublished(table, (*_RESIDENTS, *group_columns(request)))
    workers, findings = _residents(table, source.workers)
    groups = read_groups(table, group_columns(request))
    lived = workers > 0
    boxes = shapely.box(
        squares["west"],
        squares["south"],
        squares["west"] + squares["side"],
        squares["south"] + squares["side"],
    )
    cells = gpd.GeoSeries(boxes[lived], crs=crs)
    communes = read_names(table, source.commune, COMMUNE_ALIASES)
    columns: dict[str, object] = {
        "home_id": list(ids[lived]),
        "name": list(ids[lived]),
        "commune": "" if communes is None else list(communes[lived]),
        "workers": workers[lived],
    }
    columns |= {name: values[lived] for name, values in groups.items()}
    return Homes.at(
        cells.centroid.to_crs(4326),
        columns,
        tuple(groups),
        cells.to_crs(4326),
        (*told, *unpublished, *findings, *_imputed(table, lived)),
        _ledger(table, keep, workers),
    )


def _ledger(table: Table, keep: np.ndarray, workers: np.ndarray) -> tuple[SourceLedger, ...]:
    """Return the accounts; of cells beyond the streets the workers are not read."""
    rows, people = rows_ledger(table.file, np.where(workers > 0, "", "nobody lives there"), workers)
    beyond = int((~keep).sum())
    left = {OUTSIDE: beyond, **rows.left_out} if beyond else rows.left_out
    return SourceLedger(rows.source, rows.read + beyond, rows.used, left), people


def _outside(table: Table, keep: np.ndarray) -> list[Finding]:
    if keep.all():
        return []
    message = "{count} of {total} cells lie outside the box of the streets and are not counted."
    params = {"total": len(keep)}
    count = int((~keep).sum())
    return [Finding("info", "cells_outside", message, table.file.name, count, params=params)]


def _wanted_columns(request: HomesRequest) -> Callable[[str], bool]:
    """Return which columns of a country-wide CSV are worth reading."""
    source = request.source
    named = {source.id, source.commune, *source.workers.split("+"), *group_columns(request)}
    # A grid of the whole country has some thirty columns.
    kept = {
        fold(n) for n in (*named, *_WORKING_AGES, *_IMPUTED, *COMMUNE_ALIASES, *_RESIDENTS) if n
    }

    def wanted(column: str) -> bool:
        key = fold(column)
        return key in kept or key.startswith(("id", "grd", "cell")) or "carr" in key

    return wanted


def _inside(squares: pd.DataFrame, crs: pyproj.CRS, request: HomesRequest) -> np.ndarray:
    """Return bool[n], whether a cell touches the study area."""
    if request.bbox is None:
        return np.ones(len(squares), dtype=bool)
    to_grid = transformer(WGS84, crs)
    west, south, east, north = to_grid.transform_bounds(*request.bbox)
    side = squares["side"]
    return (
        (squares["west"] + side >= west)
        & (squares["west"] <= east)
        & (squares["south"] + side >= south)
        & (squares["south"] <= north)
    ).to_numpy()


def _without_unpublished(table: Table, names: Iterable[str]) -> tuple[Table, list[Finding]]:
    """Return the table without Eurostat's ``-9999``, which stands for what is not published."""
    frame = table.frame.copy()
    lost = np.zeros(len(frame), bool)
    for column in {table.find(name) for name in names} - {None}:
        mask = (pd.to_numeric(frame[column], errors="coerce") == _UNPUBLISHED).to_numpy(bool)
        if mask.any():
            frame[column] = frame[column].mask(mask)
            lost |= mask
    if not lost.any():
        return table, []
    message = "{count} cells hold -9999, a number not published, and count as nobody."
    found = Finding("warning", "cells_unpublished", message, table.file.name, int(lost.sum()))
    return replace(table, frame=frame), [found]


def _residents(table: Table, column: str) -> tuple[np.ndarray, list[Finding]]:
    """Return the workers of each cell and what to know about them."""
    if column != "workers" or table.find("workers") is not None:
        return read_workers(table, column), []
    ages = [table.find(name) for name in _WORKING_AGES]
    if all(a is not None for a in ages):
        chosen = "+".join(str(a) for a in ages)
        message = "Workers are taken to be the residents of 18 to 64 years of each cell."
    else:
        chosen = table.need(_RESIDENTS[0], _RESIDENTS[1:], field="workers")
        message = "Workers are taken to be all residents of each cell, whatever their age."
    finding = Finding("info", "homes_are_residents", message, source=table.file.name)
    return read_workers(table, chosen), [finding]


def _imputed(table: Table, lived: np.ndarray) -> list[Finding]:
    column = table.find(_IMPUTED[0], _IMPUTED[1:])
    if column is None:
        return []
    flags = table.texts(column).isin(["1", "true", "True"]).to_numpy() & lived
    if not flags.any():
        return []
    message = "{count} cells hold values imputed by INSEE from their neighbourhood."
    return [
        Finding("info", "homes_imputed", message, source=table.file.name, count=int(flags.sum()))
    ]
