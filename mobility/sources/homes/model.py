"""What homes are, and how rows with a place and a number of workers become homes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.errors import Finding, Severity, SourceError
from mobility.base.ledger import SourceLedger
from mobility.base.projection import Box
from mobility.sources.columns import Table, column_or_none
from mobility.sources.layers import check_lonlat, parse_crs, refuse_swapped, to_lonlat
from mobility.territory.fields import HomesSource
from mobility.territory.project import Site

LON_ALIASES = ("lon", "longitude", "lng", "long", "x", "coord_x", "x_wgs84")
LAT_ALIASES = ("lat", "latitude", "y", "coord_y", "y_wgs84")
ID_ALIASES = ("home_id", "id")
NAME_ALIASES = ("name", "nom", "libelle", "libgeo", "nom_com", "libsquart")
COMMUNE_ALIASES = ("commune", "com", "code_commune", "insee_com", "lcog_geo", "codgeo")
MAX_WORKERS = 1e8
#: Why rows are left out that lie beyond the study.
OUTSIDE = "outside the streets"
#: What the account of a personal file counts.
PERSONS = "persons (protected)"


@dataclass(frozen=True)
class Homes:
    """Where workers live.

    Attributes
    ----------
    frame
        GeoDataFrame in EPSG:4326, points, index 0..n-1; columns ``home_id`` (str, unique),
        ``name``, ``commune`` (str), ``workers`` (float64, >= 0) and one float64 column for
        each group (workers of that group).
    cells
        Polygons in EPSG:4326 aligned with ``frame``, or None for plain points.
    groups
        Names of the group columns.
    pool
        Known employees: ``home`` (row of ``frame``), ``site``, ``roster`` (name or empty),
        ``workers`` and the groups; None when every home is in every site's labour pool.
    personal
        Whether they were persons before the door (`mobility.sources.homes.door`).
    decided
        Why they were, or were not: ``employees``, ``stated``, ``small_counts``, ``published``, or
        ``kept`` of counts that were protected before.
    findings
        What a user should know about them.
    ledger
        What became of the rows of the file, and of their workers.
    """

    frame: gpd.GeoDataFrame
    cells: gpd.GeoSeries | None = None
    groups: tuple[str, ...] = ()
    pool: pd.DataFrame | None = None
    personal: bool = False
    decided: str = "published"
    findings: tuple[Finding, ...] = ()
    ledger: tuple[SourceLedger, ...] = ()

    @classmethod
    def at(
        cls,
        points: gpd.GeoSeries,
        columns: Mapping[str, object],
        groups: tuple[str, ...] = (),
        cells: gpd.GeoSeries | None = None,
        findings: Iterable[Finding] = (),
        ledger: tuple[SourceLedger, ...] = (),
    ) -> Homes:
        """Return homes at points, EPSG:4326.

        Parameters
        ----------
        columns
            Arrays or lists of length n: home_id, name, commune, workers and the groups.
        """
        geometry = gpd.GeoSeries(points.array, crs=4326)
        frame = gpd.GeoDataFrame(pd.DataFrame(columns), geometry=geometry, crs=4326)
        for column in ("home_id", "name", "commune"):
            frame[column] = frame[column].astype("str")
        for column in ("workers", *groups):
            frame[column] = frame[column].astype(np.float64)
        cells = None if cells is None else gpd.GeoSeries(cells.array, crs=4326)
        return cls(frame, cells, groups, findings=tuple(findings), ledger=ledger)

    def __len__(self) -> int:
        """Return the number of homes."""
        return len(self.frame)

    @property
    def workers(self) -> np.ndarray:
        """Workers of each home, float64[n]."""
        return np.asarray(self.frame["workers"].to_numpy(dtype=np.float64))

    def hash(self) -> str:
        """Return the SHA-256 of places and counts."""
        tables = [self.frame, *([] if self.pool is None else [self.pool])]
        text = "".join(table.to_csv() for table in tables)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    @cached_property
    def ids(self) -> np.ndarray:
        """What identifies each home, in every output, str[n]."""
        return np.asarray(self.frame["home_id"].astype(str).to_numpy(), object)

    @property
    def shapes(self) -> gpd.GeoSeries:
        """What is drawn of each home, EPSG:4326: its cell, or its point where there is none."""
        return self.frame.geometry if self.cells is None else self.cells

    @cached_property
    def lonlat(self) -> np.ndarray:
        """Longitude and latitude of each home, float64[n, 2], degrees."""
        return np.asarray(shapely.get_coordinates(self.frame.geometry.array))

    def only(self, kept: np.ndarray) -> Homes:
        """Return the homes where bool[n] ``kept``, with their pool renumbered."""
        pool = self.pool
        if pool is not None:
            pool = pool[kept[pool["home"].to_numpy()]].reset_index(drop=True)
            pool = pool.assign(home=(np.cumsum(kept) - 1)[pool["home"].to_numpy()])
        cells = None if self.cells is None else self.cells[kept].reset_index(drop=True)
        frame = self.frame[kept].reset_index(drop=True)
        return replace(self, frame=frame, cells=cells, pool=pool)

    def leaving(self, kept: np.ndarray, reason: str) -> Homes:
        """Return the homes where bool[n] ``kept``, the others told in the ledger."""
        workers = float(self.workers[~kept].sum() / max(self.workers.sum(), 1e-9))
        share = {
            "workers": workers,
            "persons": workers,
            PERSONS: workers,
            # Of a zone spread over its land no row is left out whole.
            "rows": float((~kept).mean()) if self.row_is_home else 0.0,
        }
        ledger = tuple(r.leaving(reason, share.get(r.unit, 0.0) * r.used) for r in self.ledger)
        return replace(self.only(kept), ledger=ledger)

    @property
    def row_is_home(self) -> bool:
        """Whether each row used of the file is one home."""
        return any(r.unit == "rows" and r.used == len(self) for r in self.ledger)


@dataclass(frozen=True)
class HomesRequest:
    """One reading of homes: the source and what the rest of the study knows.

    Attributes
    ----------
    source, path
        The ``[sources.homes]`` table and its file, resolved.
    resolve
        Makes other paths of the table absolute.
    crs
        Local projected system in metres, or None to take the UTM zone of the homes.
    land, buildings, bbox, sites, streets, sides
        As in `mobility.sources.homes.read.read_homes`.
    box
        Box that hosts the time zone, to notice exchanged coordinates; or None.
    least
        Least number of persons of an area (``limits.min_workers_shown``).
    """

    source: HomesSource
    path: Path
    resolve: Callable[[Path], Path]
    crs: pyproj.CRS | None = None
    land: gpd.GeoDataFrame | None = None
    buildings: Callable[[], gpd.GeoDataFrame | None] | None = None
    bbox: Box | None = None
    box: Box | None = None
    sites: tuple[Site, ...] = ()
    streets: Callable[[], gpd.GeoDataFrame | None] | None = None
    least: int = 5
    sides: Callable[[Homes], Mapping[tuple[str, str], np.ndarray]] | None = None

    def local_crs(self, lonlat: gpd.GeoSeries) -> pyproj.CRS:
        """Return the projected system of the study, metres."""
        return self.crs if self.crs is not None else utm_crs(lonlat)


def rows_ledger(
    path: Path, reason: np.ndarray, workers: np.ndarray, rows: np.ndarray | None = None
) -> tuple[SourceLedger, SourceLedger]:
    """Return the accounts of rows and of their workers.

    Parameters
    ----------
    reason
        str[n]: why each entry is left out, "" where it is used.
    workers
        float[n].
    rows
        int[n]: rows of the file behind each entry, one by default.
    """
    counts = {"rows": np.ones(len(reason)) if rows is None else rows, "workers": workers}
    whys = dict.fromkeys(why for why in reason if why)
    one, two = (
        SourceLedger.balanced(
            path, values[reason == ""].sum(), {w: values[reason == w].sum() for w in whys}, unit
        )
        for unit, values in counts.items()
    )
    return one, two


def utm_crs(lonlat: gpd.GeoSeries) -> pyproj.CRS:
    """Return the WGS 84 / UTM zone at the middle of geometries in EPSG:4326."""
    west, south, east, north = lonlat.total_bounds
    # Longitude 180 itself is of the last zone.
    zone = min(int(((west + east) / 2 + 180) // 6) + 1, 60)
    return _crs((32600 if south + north >= 0 else 32700) + zone)


@cache
def _crs(epsg: int) -> pyproj.CRS:
    return pyproj.CRS.from_epsg(epsg)


def read_points(table: Table, request: HomesRequest) -> gpd.GeoSeries:
    """Return the geometry of a table in EPSG:4326, indexed by row number.

    A layer gives its own geometry; a CSV its columns of longitude and latitude, or of
    coordinates in ``source.crs``.

    Raises
    ------
    SourceError
        A column is missing, or a value is no coordinate.
    """
    if isinstance(table.frame, gpd.GeoDataFrame):
        lonlat = to_lonlat(table.frame, table.file).geometry
        # A corner of each shape tells well enough whether its axes are exchanged.
        centre = lonlat.bounds
        x, y = centre["minx"].to_numpy(), centre["miny"].to_numpy()
        refuse_swapped(table, x, y, column="geometry", box=request.box)
        return lonlat
    source = request.source
    lon_column = _coordinate_column(table, source.lon, "lon", LON_ALIASES)
    lat_column = _coordinate_column(table, source.lat, "lat", LAT_ALIASES)
    x, y = table.numbers(lon_column), table.numbers(lat_column)
    label = f"{lon_column}, {lat_column}"
    crs = parse_crs(source.crs or "EPSG:4326", table.file)
    if crs.is_projected:
        points = gpd.GeoSeries(gpd.points_from_xy(x, y), index=table.frame.index, crs=crs)
        points = points.to_crs(4326)
        xy = shapely.get_coordinates(points.array)
        check_lonlat(table, xy[:, 0], xy[:, 1], column=label)
        return points
    check_lonlat(table, x, y, column=label)
    refuse_swapped(table, x, y, column=label, box=request.box)
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=table.frame.index, crs=4326)


def _coordinate_column(table: Table, named: str, default: str, aliases: tuple[str, ...]) -> str:
    if named != default:
        return table.need(named, field=default)
    return table.need(default, aliases, field=default)


def read_ids(table: Table, named: str | None) -> pd.Series:
    """Return unique ids: the named column, else a usual one, else the row numbers.

    Raises
    ------
    SourceError
        The named column is missing, an id is empty, or it stands twice.
    """
    column = column_or_none(table, named, ID_ALIASES)
    if column is None:
        return pd.Series(table.frame.index.astype(str), index=table.frame.index)
    ids = table.texts(column)
    mend = "Give each row an id of its own, or name another id column."
    table.refuse((ids == "").to_numpy(), column, "This id is empty.", mend)
    table.refuse_duplicates(column, ids)
    return ids


def read_names(table: Table, named: str | None, aliases: tuple[str, ...]) -> pd.Series | None:
    """Return a text column, or None when neither the named nor a usual one is there."""
    column = column_or_none(table, named, aliases)
    return None if column is None else table.texts(column)


def worker_columns(table: Table, column: str, aliases: tuple[str, ...] = ()) -> list[str]:
    """Return the columns whose sum is the workers of a row; ``a+b`` names two.

    Raises
    ------
    SourceError
        One is missing.
    """
    if table.find(column) is None and "+" in column:
        return [table.need(part.strip(), field="workers") for part in column.split("+")]
    return [table.need(column, aliases, field="workers")]


def read_workers(table: Table, column: str, aliases: tuple[str, ...] = ()) -> np.ndarray:
    """Return the workers of each row, float64; ``a+b`` adds columns.

    Raises
    ------
    SourceError
        A column is missing; a value is no number or negative; or all are zero.
    """
    names = worker_columns(table, column, aliases)
    mend = "Write the number of workers who live there, 0 or more."
    total = np.zeros(len(table.frame))
    for name in names:
        total = total + table.numbers(
            name, minimum=0, maximum=MAX_WORKERS, missing=0.0, bounds_mend=mend
        )
    if not total.any():
        raise table.error(
            "There is no worker on any row.",
            column=" + ".join(names),
            mend="Name the column that holds the number of workers.",
        )
    return total


def group_columns(request: HomesRequest) -> tuple[str, ...]:
    """Return the groups that are plain columns (the others read ``name=...``)."""
    return tuple(g for g in request.source.groups if "=" not in g)


def read_groups(table: Table, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the workers of each group and row, float64.

    Raises
    ------
    SourceError
        A column is missing, or a value is no number or negative.
    """
    reserved = {"home_id", "name", "commune", "workers", "geometry"}
    groups: dict[str, np.ndarray] = {}
    for name in names:
        if name in reserved:
            raise SourceError(
                "A group cannot bear this name.",
                file=table.file,
                column="groups",
                value=name,
                mend="Rename the column.",
            )
        column = table.need(name, field="groups")
        groups[name] = table.numbers(column, minimum=0, maximum=MAX_WORKERS, missing=0.0)
    return groups


def projected(series: gpd.GeoSeries, crs: pyproj.CRS, file: Path) -> gpd.GeoSeries:
    """Return geometries in ``crs``.

    Raises
    ------
    SourceError
        They lie too far from where ``crs`` is valid.
    """
    out = series.to_crs(crs)
    if not np.isfinite(out.total_bounds).all():
        raise SourceError(
            "The homes lie too far apart to be drawn in one local system.",
            file=file,
            mend="Keep the homes of one region, or check their coordinates.",
        )
    return out


def told_of(
    request: HomesRequest,
    severity: Severity,
    code: str,
    message: str,
    which: np.ndarray,
    names: pd.Series,
    workers: np.ndarray,
) -> list[Finding]:
    """Return a finding about some rows, with the names of most workers; none without rows."""
    if not which.any():
        return []
    workers = workers * request.source.workers_share
    most = np.argsort(-np.where(which, workers, -1.0), kind="stable")[: min(int(which.sum()), 5)]
    shown = tuple(f"{names.iloc[k]}: {workers[k]:.0f}" for k in most)
    params = {"workers": f"{workers[which].sum():.0f}"}
    return [Finding(severity, code, message, request.path.name, int(which.sum()), shown, params)]
