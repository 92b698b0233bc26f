"""Homes: where workers live, from points, cells, communes, INSEE grids, flows or employees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.errors import Finding, SourceError
from mobility.base.ledger import SourceLedger
from mobility.base.projection import Box
from mobility.sources.columns import Table
from mobility.sources.homes.communes import check_no_categories, read_communes, read_flows
from mobility.sources.homes.door import protected_homes
from mobility.sources.homes.employees import SITE_ALIASES, read_counts, read_employees
from mobility.sources.homes.grid import cell_index, insee_column, read_insee_grid, squares_around
from mobility.sources.homes.model import (
    COMMUNE_ALIASES,
    NAME_ALIASES,
    Homes,
    HomesRequest,
    group_columns,
    projected,
    read_groups,
    read_ids,
    read_names,
    read_points,
    read_workers,
    rows_ledger,
    utm_crs,
    worker_columns,
)
from mobility.sources.layers import home_box, parse_crs, read_layer, to_lonlat
from mobility.sources.tables import read_table, without_sums
from mobility.territory.fields import HomesSource
from mobility.territory.project import Site, Territory

_WORKERS_ALIASES = ("actifs", "effectif", "effectifs", "salariés", "travailleurs", "employees")
# Above the square kilometre of the largest public grid's cells, below most communes.
_ZONE_AREA_M2 = 1.5e6
#: Rows of so few workers, in more than this share of all, are taken for persons.
_FEW, _MOST = 2, 0.5


def read_homes(
    source: HomesSource,
    territory: Territory,
    *,
    land: gpd.GeoDataFrame | None = None,
    buildings: Callable[[], gpd.GeoDataFrame | None] | None = None,
    crs: pyproj.CRS | str | None = None,
    bbox: Box | None = None,
    sites: Sequence[Site] = (),
    streets: Callable[[], gpd.GeoDataFrame | None] | None = None,
    sides: Callable[[Homes], Mapping[tuple[str, str], np.ndarray]] | None = None,
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
    streets
        Reads points along the streets, where persons are set for want of residential land.
    sides
        Tells of public places where the commute of each site and roster holds.

    Returns
    -------
    Homes
        Points in EPSG:4326 with workers and groups; protected counts, where they are persons.

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
        crs=None if chosen == "auto" else parse_crs(str(chosen), territory.path),
        land=land,
        buildings=buildings,
        bbox=bbox,
        box=home_box(territory.timezone),
        sites=tuple(sites),
        streets=streets,
        least=territory.limits.min_workers_shown,
        sides=sides,
    )
    homes = _read(request)
    homes = _with_overlays(homes, request)
    return dataclasses.replace(homes, findings=(*homes.findings, *_group_findings(homes, request)))


def _read(request: HomesRequest) -> Homes:
    source = request.source
    if source.kind == "employees":
        return read_employees(request)
    if source.kind == "protected":
        return read_counts(request)
    homes, few = _rows(request)
    counts = {name: homes.frame[name] * source.workers_share for name in ("workers", *homes.groups)}
    homes = dataclasses.replace(homes, frame=homes.frame.assign(**counts))
    look = "small_counts" if few else "published"
    decided = look if source.personal is None else "stated"
    if source.personal or decided == "small_counts":
        homes = _protected(request, homes, told=decided == "small_counts")
    else:
        accounts = (_of_persons(account, source.workers_share) for account in homes.ledger)
        homes = dataclasses.replace(homes, ledger=tuple(accounts))
    return dataclasses.replace(homes, decided=decided)


def _of_persons(account: SourceLedger, share: float) -> SourceLedger:
    """Return the account of workers as that of the persons a file counts, a share of whom work."""
    if account.unit != "workers" or share == 1:
        return account
    resting = account.used - round(account.used * share)
    return dataclasses.replace(account, unit="persons").leaving("they do not work", resting)


def _rows(request: HomesRequest) -> tuple[Homes, bool]:
    """Return the rows of a file, and whether they are points or cells of mostly single workers."""
    source = request.source
    if source.kind == "flows":
        return read_flows(request), False
    check_no_categories(request)
    if source.kind == "insee_grid":
        return read_insee_grid(request), False
    table, unread = without_sums(
        read_table(request.path, layer=source.layer, crs=source.crs, private=bool(source.personal))
    )
    homes, few = _of_table(request, table)
    return dataclasses.replace(homes, ledger=(*homes.ledger, *unread)), few


def _of_table(request: HomesRequest, table: Table) -> tuple[Homes, bool]:
    source = request.source
    if source.kind == "auto" and _is_grid(table):
        return read_insee_grid(request), False
    _check_no_employees(table, source)
    if source.kind == "communes" or (source.kind == "auto" and source.zones is not None):
        return _blank_told(read_communes(request, table), table, source), False
    points = read_points(table, request)
    if source.kind == "auto" and _are_zones(table, points):
        return _blank_told(read_communes(request, table), table, source), False
    homes = _blank_told(_read_places(request, table, points), table, source)
    lived = homes.workers[homes.workers > 0]
    return homes, bool((lived <= _FEW).mean() > _MOST)


def _check_no_employees(table: Table, source: HomesSource) -> None:
    """Raise where rows have a site and no number of workers: each is a person."""
    if source.workers == "workers" and table.find("workers", _WORKERS_ALIASES) is None:
        site = table.find(SITE_ALIASES[0], SITE_ALIASES)
        if site is not None:
            raise table.error(
                "It looks like a file of employees: its rows have a site and no number of workers.",
                column=site,
                mend="In the studio drop it on Employees; in the territory file write kind = "
                '"employees" in [sources.homes].',
            )


def _blank_told(homes: Homes, table: Table, source: HomesSource) -> Homes:
    """Return the homes with a warning about rows that give no number of workers."""
    columns = worker_columns(table, source.workers, _workers_aliases(source))
    blank = np.logical_and.reduce([(table.texts(c) == "").to_numpy() for c in columns])
    if not blank.any():
        return homes
    message = "{count} rows give no number of workers and are taken to have none"
    rows = tuple(str(row) for row in table.frame.index[blank][:5])
    told = Finding("warning", "workers_blank", message, table.file.name, int(blank.sum()), rows)
    return dataclasses.replace(homes, findings=(*homes.findings, told))


def _protected(request: HomesRequest, homes: Homes, *, told: bool) -> Homes:
    """Return the homes after the door: rows are persons, by the territory's word or their look."""
    crs = request.local_crs(homes.frame.geometry)
    points = projected(homes.frame.geometry, crs, request.path)
    cells = cell_index(shapely.get_coordinates(points.array), request.source.cell_m)
    persons = pd.DataFrame(homes.frame[["workers", *homes.groups]])
    persons = persons.assign(x=cells[:, 0], y=cells[:, 1])
    found = protected_homes(request, persons, homes.groups, crs)
    # What was not read of the file tells of nobody.
    found = dataclasses.replace(
        found,
        findings=(*(f for f in homes.findings if f.code == "workers_blank"), *found.findings),
        ledger=(*found.ledger, *(account for account in homes.ledger if not account.used)),
    )
    if told:
        message = (
            "Most rows count one or two workers: they are protected like employees. If they are "
            "published figures, write personal = false in [sources.homes]."
        )
        look = Finding("warning", "homes_taken_as_personal", message, request.path.name)
        found = dataclasses.replace(found, findings=(look, *found.findings))
    return found


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
    return float(areas.median()) > _ZONE_AREA_M2


def _read_places(request: HomesRequest, table: Table, shapes: gpd.GeoSeries) -> Homes:
    """Return points, or cells with a point inside each."""
    source = request.source
    ids = read_ids(table, source.id)
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
    used = rows_ledger(request.path, np.full(len(workers), ""), workers)
    return Homes.at(points, columns | groups, tuple(groups), cells, ledger=used)


def _workers_aliases(source: HomesSource) -> tuple[str, ...]:
    return _WORKERS_ALIASES if source.workers == "workers" else ()


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


def _overlay_specs(request: HomesRequest) -> list[tuple[str, str]]:
    """Return (name, file) of the groups written ``name=file`` in ``groups``."""
    specs = []
    for group in request.source.groups:
        name, equal, rest = group.partition("=")
        _, colon, _ = rest.partition(":")
        if equal and (not colon or any(sign in rest for sign in "/\\.")):
            specs.append((name.strip(), rest.strip()))
    return specs


def _with_overlays(homes: Homes, request: HomesRequest) -> Homes:
    """Return the homes with a group for each ``name=file`` of the source."""
    for name, file in _overlay_specs(request):
        path = request.resolve(request.path.__class__(file))
        if not name or name in homes.frame.columns:
            raise SourceError(
                "A group cannot bear this name.",
                file=path,
                column="groups",
                value=name,
                mend="Rename the column.",
            )
        layer = to_lonlat(read_layer(path), path)
        homes = add_overlay_group(homes, name, layer)
        used = SourceLedger.balanced(path, len(layer), {})
        homes = dataclasses.replace(homes, ledger=(*homes.ledger, used))
    return homes


def add_overlay_group(homes: Homes, name: str, polygons: gpd.GeoDataFrame) -> Homes:
    """Return the homes with one more group, in workers: those living inside polygons of any CRS.

    A home with a cell counts for the part of its area that lies inside, overlaps once; a point
    counts whole or not at all.
    """
    parts = np.asarray(polygons.geometry.to_crs(4326).array, dtype=object)
    area = shapely.union_all(shapely.make_valid(parts))
    shapely.prepare(area)
    inside = homes.frame.geometry.within(area).to_numpy().astype(np.float64)
    if homes.cells is not None:
        # Within one cell the degree is an even measure: a share needs no projection.
        shapes = shapely.make_valid(np.asarray(homes.cells.array, dtype=object))
        whole = shapely.area(shapes)
        cut = shapely.area(shapely.intersection(shapes, area))
        inside = np.divide(cut, whole, out=inside, where=whole > 0)
    frame = homes.frame.copy()
    frame[name] = frame["workers"] * np.clip(inside, 0.0, 1.0)
    findings = homes.findings
    if not inside.any():
        message = "No home lies inside the polygons of the group {name}."
        findings = (
            *findings,
            Finding("warning", "group_empty", message, name, params={"name": name}),
        )
    return dataclasses.replace(homes, frame=frame, groups=(*homes.groups, name), findings=findings)
