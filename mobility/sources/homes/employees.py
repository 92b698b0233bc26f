"""A file of employees → workers by cell, read straight into counts.

One row is one person: a place (coordinates, or the commune alone), the site and, if known,
the roster. Rows are counted by cell of ``cell_m`` metres as soon as they are read; nothing
finer than the cell leaves this module, and errors name the row, never what stands in it.
"""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.errors import Finding
from mobility.sources.columns import Table, fold, unknown_value
from mobility.sources.homes.grid import cell_boxes, cell_index
from mobility.sources.homes.model import (
    LAT_ALIASES,
    LON_ALIASES,
    Homes,
    HomesRequest,
    Places,
    group_columns,
    projected,
    read_points,
)
from mobility.sources.homes.spread import allocate
from mobility.sources.homes.zones import Zones, read_zones, zone_cells
from mobility.sources.sites_words import roster_template
from mobility.sources.tables import read_table
from mobility.territory.project import Site

SITE_ALIASES = ("site", "établissement", "lieu de travail", "usine", "nom du site")
ROSTER_ALIASES = ("roster", "équipe", "rythme", "horaire", "régime", "cycle")
COMMUNE_ALIASES = ("commune", "code_commune", "insee", "code_insee", "code insee", "commune_code")
_YES = frozenset({"1", "oui", "o", "yes", "y", "true", "vrai", "x"})
_NO = frozenset({"", "0", "non", "n", "no", "false", "faux"})


def read_employees(request: HomesRequest) -> Homes:
    """Return homes and labour pools of an employee file.

    Raises
    ------
    SourceNotFoundError, SourceError
        A file or column is missing, or a row names an unknown site or roster.
    """
    source = request.source
    table = read_table(request.path, layer=source.layer, crs=source.crs, private=True)
    teams = _teams(table, request.sites)
    groups = _group_flags(table, group_columns(request))
    if _has_places(table, request):
        homes = _by_cell(table, request, teams, groups)
    else:
        homes = _by_commune(table, request, teams, groups)
    message = "{count} employees are counted in {cells} cells; their addresses are not kept."
    note = Finding(
        "info",
        "employees_aggregated",
        message,
        str(request.path),
        len(table.frame),
        params={"cells": len(homes)},
    )
    return dataclasses.replace(homes, findings=(note, *homes.findings))


def _has_places(table: Table, request: HomesRequest) -> bool:
    if isinstance(table.frame, gpd.GeoDataFrame):
        return True
    source = request.source
    named = source.lon != "lon" or source.lat != "lat"
    found = [table.find(source.lon, LON_ALIASES), table.find(source.lat, LAT_ALIASES)]
    no_commune = table.find(source.commune or COMMUNE_ALIASES[0], COMMUNE_ALIASES) is None
    return named or no_commune or None not in found


def _teams(table: Table, sites: tuple[Site, ...]) -> pd.DataFrame:
    """Return the site and roster of each row, under the names the sites have."""
    site_column = table.need(SITE_ALIASES[0], SITE_ALIASES)
    roster_column = table.find(ROSTER_ALIASES[0], ROSTER_ALIASES)
    texts = table.texts(site_column)
    rosters = texts.where(texts == "", "") if roster_column is None else table.texts(roster_column)
    by_key = {fold(site.name): site for site in sites}
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for row, pair in zip(table.frame.index, zip(texts, rosters, strict=True), strict=True):
        if pair in known:
            continue
        name, roster = pair
        if not sites:
            known[pair] = pair
            continue
        site = by_key.get(fold(name))
        if site is None:
            raise unknown_value(table, row, site_column, name, [s.name for s in sites])
        known[pair] = (site.name, _roster_name(table, row, roster_column, roster, site))
    named = [known[pair] for pair in zip(texts, rosters, strict=True)]
    return pd.DataFrame(named, columns=["site", "roster"], index=table.frame.index, dtype="str")


def _roster_name(table: Table, row: object, column: str | None, roster: str, site: Site) -> str:
    if not roster:
        return ""
    for own in site.rosters:
        template = roster_template(roster)
        if fold(own.name) == fold(roster) or (template and own.template == template):
            return own.name
    raise unknown_value(table, row, column or "roster", roster, [r.name for r in site.rosters])


def _group_flags(table: Table, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return 1.0 where an employee is of a group, else 0.0."""
    flags: dict[str, np.ndarray] = {}
    for name in names:
        texts = table.texts(table.need(name, field="groups")).str.casefold()
        wrong = ~texts.isin(_YES | _NO).to_numpy()
        if wrong.any():
            raise table.error(
                "It says neither yes nor no.",
                row=table.frame.index[int(np.argmax(wrong))],
                column=name,
                mend="Write oui or non, yes or no, 1 or 0.",
            )
        flags[name] = texts.isin(_YES).to_numpy().astype(np.float64)
    return flags


def _by_cell(
    table: Table, request: HomesRequest, teams: pd.DataFrame, groups: dict[str, np.ndarray]
) -> Homes:
    """Count rows by square of the local grid."""
    points = read_points(table, request)
    crs = request.local_crs(points)
    points = projected(points, crs, table.file).representative_point()
    cell_m = request.source.cell_m
    cell = cell_index(shapely.get_coordinates(points.array), cell_m)
    del points
    keys, home = np.unique(cell, axis=0, return_inverse=True)
    home = home.ravel()
    boxes = gpd.GeoSeries(cell_boxes(keys, cell_m), crs=crs)
    columns: dict[str, object] = {
        "home_id": [f"{x}_{y}" for x, y in keys],
        "name": [f"{x}_{y}" for x, y in keys],
        "commune": _commune_of(table, request, home, len(keys)),
        "workers": np.bincount(home).astype(np.float64),
    }
    columns |= {n: np.bincount(home, weights=v) for n, v in groups.items()}
    places = Places(boxes.centroid.to_crs(4326), columns, tuple(groups), boxes.to_crs(4326))
    pool = teams.assign(home=home).groupby(["home", "site", "roster"], sort=True).size()
    frame = pool.rename("workers").astype(np.float64).reset_index()
    return dataclasses.replace(places.to_homes(), pool=frame, personal=True)


def _commune_of(table: Table, request: HomesRequest, home: np.ndarray, n: int) -> list[str]:
    """Return the commune most employees of each cell give, or empty."""
    column = table.find(request.source.commune or COMMUNE_ALIASES[0], COMMUNE_ALIASES)
    if column is None:
        return [""] * n
    counts = pd.DataFrame({"home": home, "commune": list(table.texts(column))}).value_counts()
    frame = counts.rename("n").reset_index()
    frame = frame.sort_values(["home", "n", "commune"], ascending=[True, False, True])
    return list(frame.drop_duplicates("home")["commune"])


def _by_commune(
    table: Table, request: HomesRequest, teams: pd.DataFrame, groups: dict[str, np.ndarray]
) -> Homes:
    """Count rows by commune and spread each team of each commune over its land."""
    column = table.need(request.source.commune or COMMUNE_ALIASES[0], COMMUNE_ALIASES)
    zones = read_zones(request)
    codes = table.texts(column)
    zone = zones.rows(codes)
    by_name = pd.Index(zones.names.map(fold))
    if by_name.is_unique:
        zone = np.where(zone < 0, by_name.get_indexer(pd.Index(codes.map(fold))), zone)
    if (zone < 0).any():
        raise table.error(
            "Its commune is not in the zones layer {zones}.",
            row=table.frame.index[int(np.argmax(zone < 0))],
            column=column,
            mend="Write the INSEE code of the commune, or give a layer that holds it.",
            zones=zones.file.name,
        )
    used = np.unique(zone)
    zone = np.searchsorted(used, zone)
    zones = Zones(
        zones.file,
        zones.codes.iloc[used].reset_index(drop=True),
        zones.names.iloc[used].reset_index(drop=True),
        zones.polygons.iloc[used].reset_index(drop=True),
    )
    cells, places = zone_cells(request, zones)
    frames = []
    pairs = teams.drop_duplicates().sort_values(["site", "roster"])
    for site, roster in pairs.itertuples(index=False, name=None):
        rows = ((teams["site"] == site) & (teams["roster"] == roster)).to_numpy()
        totals = np.bincount(zone[rows], minlength=len(used)).astype(np.float64)
        workers = allocate(totals, cells)
        home = np.flatnonzero(workers)
        frames.append(
            pd.DataFrame({"home": home, "site": site, "roster": roster, "workers": workers[home]})
        )
    pool = pd.concat(frames, ignore_index=True).sort_values(["home", "site", "roster"])
    workers = np.bincount(pool["home"], weights=pool["workers"], minlength=len(cells.zone))
    columns = dict(places.columns) | {"workers": workers}
    for name, flags in groups.items():
        members = np.bincount(zone, weights=flags, minlength=len(used))
        columns[name] = allocate(members, cells, workers)
    return _lived(dataclasses.replace(places, columns=columns, groups=tuple(groups)), pool)


def _lived(places: Places, pool: pd.DataFrame) -> Homes:
    """Return the homes that have workers, with their pool renumbered."""
    homes = places.to_homes()
    lived = homes.workers > 0
    number = np.cumsum(lived) - 1
    assert homes.cells is not None
    pool = pool.assign(home=number[pool["home"].to_numpy()]).reset_index(drop=True)
    return dataclasses.replace(
        homes,
        frame=homes.frame[lived].reset_index(drop=True),
        cells=homes.cells[lived].reset_index(drop=True),
        pool=pool.astype({"site": "str", "roster": "str"}),
        personal=True,
    )
