"""Homes: where workers live, from points, cells, communes, INSEE grids, flows or employees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from mobility.base.errors import Finding
from mobility.sources.columns import Table
from mobility.sources.homes.communes import read_communes
from mobility.sources.homes.employees import read_employees
from mobility.sources.homes.flows import check_no_categories, read_flows
from mobility.sources.homes.grid import insee_column, read_insee_grid, squares_around
from mobility.sources.homes.groups import add_overlay_group, with_overlays
from mobility.sources.homes.model import (
    COMMUNE_ALIASES,
    ID_ALIASES,
    NAME_ALIASES,
    Box,
    Homes,
    HomesRequest,
    Places,
    group_columns,
    read_groups,
    read_ids,
    read_names,
    read_points,
    read_workers,
    utm_crs,
)
from mobility.sources.layers import home_box, parse_crs
from mobility.sources.tables import read_table
from mobility.territory.project import HomesSource, Site, Territory

WORKERS_ALIASES = ("actifs", "effectif", "effectifs", "salariés", "travailleurs", "employees")
ZONE_AREA_M2 = 1.5e6
SINGLE_WORKER_SHARE = 0.5


def read_homes(
    source: HomesSource,
    territory: Territory,
    *,
    land: gpd.GeoDataFrame | None = None,
    buildings: Callable[[], gpd.GeoDataFrame | None] | None = None,
    crs: pyproj.CRS | str | None = None,
    bbox: Box | None = None,
    sites: Sequence[Site] = (),
) -> Homes:
    """Read the homes of a study.

    Parameters
    ----------
    source
        The ``[sources.homes]`` table.
    territory
        The study, for its paths, its time zone and its projected system.
    land
        Residential land or buildings, any CRS: communes are spread over it.
    buildings
        Reads the layer of buildings (``building``, ``area_m2``, points), which serve in communes
        without residential land.
    crs
        Local projected system, metres; by default the territory's, else the UTM zone.
    bbox
        Study area (west, south, east, north) in degrees: communes and INSEE cells beyond it
        are left out. By default all are kept.
    sites
        The sites, whose names an employee file must use.

    Returns
    -------
    Homes
        Points in EPSG:4326 with workers and groups.

    Raises
    ------
    SourceNotFoundError, SourceError
        A file is missing or wrong; the error names file, row, column, value and mend.
    """
    chosen = crs if crs is not None else territory.crs
    request = HomesRequest(
        source=source,
        path=territory.resolve(source.file),
        resolve=territory.resolve,
        crs=None if chosen == "auto" else parse_crs(str(chosen)),
        land=land,
        buildings=buildings,
        bbox=bbox,
        box=home_box(territory.timezone),
        sites=tuple(sites),
    )
    homes = _read(request)
    homes = with_overlays(homes, request)
    return dataclasses.replace(homes, findings=(*homes.findings, *_group_findings(homes, request)))


def _read(request: HomesRequest) -> Homes:
    source = request.source
    if source.kind == "employees":
        return read_employees(request)
    if source.kind == "flows":
        return read_flows(request).to_homes(source.workers_share)
    check_no_categories(request)
    if source.kind == "insee_grid":
        return read_insee_grid(request).to_homes(source.workers_share)
    table = read_table(request.path, layer=source.layer, crs=source.crs)
    if source.kind == "auto" and _is_grid(table):
        return read_insee_grid(request).to_homes(source.workers_share)
    if source.kind == "communes" or (source.kind == "auto" and source.zones is not None):
        return read_communes(request, table).to_homes(source.workers_share)
    points = read_points(table, request)
    if source.kind == "auto" and _are_zones(table, points):
        return read_communes(request, table).to_homes(source.workers_share)
    return _read_places(request, table, points).to_homes(source.workers_share)


def _is_grid(table: Table) -> bool:
    """Whether a table names cells of a public grid, and no workers or places of its own."""
    if table.find("lon", ("longitude",)) or insee_column(table.frame) is None:
        return False
    return not isinstance(table.frame, gpd.GeoDataFrame) or table.find("workers") is None


def _are_zones(table: Table, shapes: gpd.GeoSeries) -> bool:
    """Whether the polygons are communes or the like: too wide to stand for one place."""
    if not isinstance(table.frame, gpd.GeoDataFrame) or insee_column(table.frame) is not None:
        return False
    if not (shapely.get_dimensions(np.asarray(shapes.array, dtype=object)) == 2).all():
        return False
    areas = shapes.to_crs(utm_crs(shapes)).area
    return float(areas.median()) > ZONE_AREA_M2


def _read_places(request: HomesRequest, table: Table, shapes: gpd.GeoSeries) -> Places:
    """Return points, or cells with a point inside each."""
    source = request.source
    ids = read_ids(table, source.id, ID_ALIASES)
    names = read_names(table, source.name, NAME_ALIASES)
    communes = read_names(table, source.commune, COMMUNE_ALIASES)
    workers = read_workers(table, source.workers, _workers_aliases(source))
    groups = read_groups(table, group_columns(request))
    points, cells = _points_and_cells(request, table, shapes)
    columns: dict[str, object] = {
        "home_id": list(ids),
        "name": list(ids if names is None else names),
        "commune": "" if communes is None else list(communes),
        "workers": workers,
    }
    findings = _single_workers(request, workers) if cells is None else ()
    return Places(points, columns | groups, tuple(groups), cells, findings)


def _workers_aliases(source: HomesSource) -> tuple[str, ...]:
    return WORKERS_ALIASES if source.workers == "workers" else ()


def _points_and_cells(
    request: HomesRequest, table: Table, shapes: gpd.GeoSeries
) -> tuple[gpd.GeoSeries, gpd.GeoSeries | None]:
    source = request.source
    dimensions = shapely.get_dimensions(np.asarray(shapes.array, dtype=object))
    if (dimensions == 1).any():
        raise table.error(
            "A line is no home.",
            row=table.frame.index[int(np.argmax(dimensions == 1))],
            column="geometry",
            mend="Give a layer of points or polygons.",
        )
    if (dimensions == 2).all():
        if source.kind == "points":
            return _inner_points(shapes), None
        return _inner_points(shapes), shapes
    points = _inner_points(shapes)
    if source.kind != "cells":
        return points, None
    crs = parse_crs(source.crs, table.file) if source.crs else None
    if crs is None or not crs.is_projected:
        crs = request.local_crs(points)
    return points, squares_around(points, source.cell_m, crs)


def _inner_points(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return the centroid of each shape, or a point inside where it falls outside."""
    array = np.asarray(shapes.array, dtype=object)
    centres = shapely.centroid(array)
    outside = ~shapely.intersects(array, centres)
    centres[outside] = shapely.point_on_surface(array[outside])
    return gpd.GeoSeries(centres, index=shapes.index, crs=shapes.crs)


def _single_workers(request: HomesRequest, workers: np.ndarray) -> tuple[Finding, ...]:
    """Warn that points of one worker each may be people's homes."""
    single = int((workers == 1).sum())
    if single < SINGLE_WORKER_SHARE * len(workers) or single < 2:
        return ()
    message = (
        "{count} homes hold one worker each. If they are addresses of employees, write "
        'kind = "employees": they are then counted by cell and never shown one by one.'
    )
    return (Finding("warning", "homes_single_workers", message, str(request.path), single),)


def _group_findings(homes: Homes, request: HomesRequest) -> list[Finding]:
    """Say where a group counts more people than there are workers."""
    findings = []
    workers = homes.workers
    for name in homes.groups:
        over = homes.frame[name].to_numpy(dtype=np.float64) > workers + 1e-6
        if over.any():
            message = "The group {name} counts more people than workers in {count} homes."
            findings.append(
                Finding(
                    "warning",
                    "group_exceeds_workers",
                    message,
                    str(request.path),
                    int(over.sum()),
                    params={"name": name},
                )
            )
    return findings


__all__ = ["Homes", "add_overlay_group", "read_homes"]
