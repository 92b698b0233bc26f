"""A file of employees: each row a person, who goes through the door and no further.

One row has a place (coordinates, or the commune alone), the site and, if known, the roster.
Errors name the row and the field, never what stands in them of a person. Where the file is not
kept, its protected counts are: one row a public place, site and roster, as they left the door
(`mobility.sources.homes.door`); read again, they are the same homes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.errors import Finding, SourceError
from mobility.base.files import write_text
from mobility.base.literal import csv_text, unmarked
from mobility.sources.columns import MAX_LISTED, Table, fold, unknown_value
from mobility.sources.homes.communes import matched
from mobility.sources.homes.door import protected_homes, protected_total
from mobility.sources.homes.grid import cell_index
from mobility.sources.homes.model import (
    LAT_ALIASES,
    LON_ALIASES,
    Homes,
    HomesRequest,
    group_columns,
    projected,
    read_points,
    rows_ledger,
)
from mobility.sources.homes.spread import allocate
from mobility.sources.homes.zones import Zones, grounds, read_changes, read_zones, zone_cells
from mobility.sources.sites_rows import ALIASES, roster_template
from mobility.sources.tables import read_table, without_sums
from mobility.territory.project import Site

SITE_ALIASES = ("site", "établissement", "lieu de travail", "usine", "nom du site")
_ROSTER_ALIASES = ("roster", *ALIASES["roster"])
_COMMUNE_ALIASES = ("commune", "code_commune", "insee", "code_insee", "code insee", "commune_code")
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
    table, unread = without_sums(
        read_table(request.path, layer=source.layer, crs=source.crs, private=True)
    )
    teams = _teams(table, request.sites)
    groups = _group_flags(table, group_columns(request))
    persons = teams.assign(workers=1.0, **groups)
    land: list[Finding] = []
    if _has_places(table, request):
        points = read_points(table, request)
        crs = request.local_crs(points)
        points = projected(points, crs, table.file).representative_point()
        cells = cell_index(shapely.get_coordinates(points.array), request.source.cell_m)
        persons = persons.assign(x=cells[:, 0], y=cells[:, 1])
    else:
        persons, crs, land = _by_commune(table, request, persons)
    told = table.find(_ROSTER_ALIASES[0], _ROSTER_ALIASES) is not None
    every = _all_teams(request, teams, told=told)
    found = protected_homes(request, persons, tuple(groups), crs, teams=every)
    rosters = _rosters_blank(request, teams, found) if told else _rosters_not_told(request)
    return replace(
        found,
        decided="employees",
        findings=(*found.findings, *land, *rosters, *_rows_twice(request, table)),
        ledger=(*found.ledger, *unread),
    )


def _all_teams(request: HomesRequest, teams: pd.DataFrame, *, told: bool) -> pd.DataFrame:
    """Return the sites and rosters there may be, those of the file where no site is known.

    Without a column that tells rosters (``told``) nobody is of any.
    """
    some = [""] if (teams["roster"] == "").any() else []
    known = [
        (s.name, r) for s in request.sites for r in (*some, *(r.name for r in s.rosters if told))
    ]
    return pd.DataFrame(known, columns=["site", "roster"]) if known else teams.drop_duplicates()


def _rosters_not_told(request: HomesRequest) -> list[Finding]:
    """Say that employees count for every roster of their site, where it has several."""
    names = [site.name for site in request.sites if len(site.rosters) > 1]
    message = (
        "No column of the employee file is the roster: at {count} sites each employee counts for "
        "every roster"
    )
    source, examples = str(request.path), tuple(names[:5])
    return (
        [Finding("warning", "employees_without_roster", message, source, len(names), examples)]
        if names
        else []
    )


def _rosters_blank(request: HomesRequest, teams: pd.DataFrame, homes: Homes) -> list[Finding]:
    """Say how many employees, by protected counts, tell no roster at sites that have several."""
    names = [site.name for site in request.sites if len(site.rosters) > 1]
    if homes.pool is None or "" not in set(teams["roster"][teams["site"].isin(names)]):
        return []
    source = str(request.path)
    pool = homes.pool[(homes.pool["roster"] == "") & homes.pool["site"].isin(names)]
    counts = pool.groupby("site")["workers"].sum().round().astype(int)
    if counts.empty:
        message = (
            "Employees whose roster is blank are fewer than some {least} at each site and count "
            "as nobody once protected: write the roster on every row."
        )
        params = {"least": 2 * request.least}
        return [Finding("warning", "rosters_blank", message, source, params=params)]
    message = (
        "{count} employees, a protected count, count for every roster of their site, for theirs "
        "is blank; write the roster on every row:"
    )
    shown = tuple(f"{site} {count}" for site, count in counts[:5].items())
    return [Finding("warning", "rosters_blank", message, source, int(counts.sum()), shown)]


def _rows_twice(request: HomesRequest, table: Table) -> list[Finding]:
    """Say how many rows, by a protected count, repeat another in every column.

    Where no column but those that are read tells persons apart, two of one house may be alike, and
    nothing is said.
    """
    frame, source = table.frame, request.source
    columns = [str(name) for name in frame.columns if name != "geometry"]
    rows = pd.DataFrame({name: table.texts(name) for name in columns})
    if isinstance(frame, gpd.GeoDataFrame):
        rows["geometry"] = frame.geometry.to_wkb()
    read = {
        table.find(SITE_ALIASES[0], SITE_ALIASES),
        table.find(_ROSTER_ALIASES[0], _ROSTER_ALIASES),
        table.find(source.lon, LON_ALIASES),
        table.find(source.lat, LAT_ALIASES),
        table.find(source.commune or _COMMUNE_ALIASES[0], _COMMUNE_ALIASES),
        *group_columns(request),
    }
    twice = rows.duplicated()
    once = rows[~twice]
    if not twice.any() or not any(once[c].is_unique for c in columns if c not in read):
        return []
    message = (
        "{count} rows of employees, a protected count, repeat another in every column and each "
        "counts as one more person: remove them."
    )
    # That rows are repeated tells of no person, how many are might: of 1 to k-1 they are k.
    count = max(protected_total(request, "rows twice", int(twice.sum())), request.least)
    return [Finding("warning", "employees_twice", message, str(request.path), count)]


def _has_places(table: Table, request: HomesRequest) -> bool:
    if isinstance(table.frame, gpd.GeoDataFrame):
        return True
    source = request.source
    named = source.lon != "lon" or source.lat != "lat"
    found = [table.find(source.lon, LON_ALIASES), table.find(source.lat, LAT_ALIASES)]
    no_commune = table.find(source.commune or _COMMUNE_ALIASES[0], _COMMUNE_ALIASES) is None
    if no_commune and not named and found == [None, None]:
        heads = [str(name) for name in table.frame.columns]
        raise table.error(
            "No column tells where the employees live; the columns are: {listed}.",
            mend="Add lon and lat, in degrees, or commune, its INSEE code or name: neither postal "
            "codes nor addresses are located here.",
            listed=", ".join(heads[:MAX_LISTED]) + (" …" if len(heads) > MAX_LISTED else ""),
        )
    return named or no_commune or None not in found


def _teams(table: Table, sites: tuple[Site, ...]) -> pd.DataFrame:
    """Return the site and roster of each row, under the names the sites have."""
    site_column = table.need(SITE_ALIASES[0], SITE_ALIASES)
    roster_column = table.find(_ROSTER_ALIASES[0], _ROSTER_ALIASES)
    texts = table.texts(site_column)
    rosters = texts.where(texts == "", "") if roster_column is None else table.texts(roster_column)
    by_key = {fold(site.name): site for site in sites}
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for row, pair in zip(table.frame.index, zip(texts, rosters, strict=True), strict=True):
        if pair in known:
            continue
        name, roster = pair
        if not sites:  # none is known yet: names stand as they are
            known[pair] = pair
            continue
        site = by_key.get(fold(name))
        if not name:
            raise table.error(
                "This field is empty.",
                row=row,
                column=site_column,
                mend="Write the site, or remove the row: a sum is left out where it begins with "
                "Total.",
            )
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
        mend = "Write oui or non, yes or no, 1 or 0."
        table.refuse(wrong, name, "It says neither yes nor no.", mend, shown=texts)
        flags[name] = texts.isin(_YES).to_numpy().astype(np.float64)
    return flags


def _by_commune(
    table: Table, request: HomesRequest, persons: pd.DataFrame
) -> tuple[pd.DataFrame, pyproj.CRS, list[Finding]]:
    """Return persons at cells of the land of their commune, each team and group spread over it."""
    column = table.need(request.source.commune or _COMMUNE_ALIASES[0], _COMMUNE_ALIASES)
    codes, path = table.texts(column), request.source.changes
    changes = read_changes(None if path is None else request.resolve(path))
    # How many are matched through the commune of today is told to nobody: they are persons.
    zones, zone, _ = matched(read_zones(request), codes, changes)
    by_name = pd.Index(zones.names.map(fold))
    # A file may name communes where the layer has codes.
    if by_name.is_unique:
        zone = np.where(zone < 0, by_name.get_indexer(pd.Index(codes.map(fold))), zone)
    table.refuse(
        zone < 0,
        column,
        "Its commune is not in the zones layer {zones}.",
        "Write the INSEE code of the commune, which is no postal code, or give a layer that holds "
        "it.",
        zones=zones.file.name,
    )
    land = _land_told(request, zones)
    used, zone = np.unique(zone, return_inverse=True)
    zones = zones.only(used)
    cells, _ = zone_cells(request, zones)
    kinds = list(persons.columns.drop("workers"))
    parts = []
    for _, rows in persons.assign(zone=zone).groupby(kinds, sort=True):
        totals = np.bincount(rows["zone"], minlength=len(used)).astype(np.float64)
        workers = allocate(totals, cells)
        home = np.flatnonzero(workers)
        part = rows[kinds].iloc[np.zeros(len(home), np.intp)]
        x, y = cells.cell[home].T
        parts.append(part.assign(x=x, y=y, workers=workers[home]))
    found = pd.concat(parts, ignore_index=True)
    for name in set(kinds) - {"site", "roster"}:
        found[name] *= found["workers"]
    return found, request.local_crs(zones.polygons), land


def _land_told(request: HomesRequest, zones: Zones) -> list[Finding]:
    """Return on what workers of the communes of the study area are spread, whoever lives there.

    Of those where employees live it would tell of persons, were it their number alone.
    """
    if request.bbox is not None:
        zones = zones.only(zones.polygons.within(shapely.box(*request.bbox)).to_numpy())
    return grounds(zones, zone_cells(request, zones)[0]) if len(zones.codes) else []


_TEAM = ("site", "roster")
_FIXED = ("place", "commune", "lon", "lat", "cell", *_TEAM, "workers")


def write_counts(homes: Homes, path: Path) -> None:
    """Write protected homes, of persons after the door; a ValueError of any others."""
    if not homes.personal or homes.cells is None:
        raise ValueError(path)
    pool = homes.pool
    if pool is None:
        rows = np.arange(len(homes))
        told = homes.frame[["workers", *homes.groups]].assign(site="", roster="")
    else:
        rows, told = pool["home"].to_numpy(), pool[[*_TEAM, "workers", *homes.groups]]
    lonlat = homes.lonlat[rows]
    table = pd.DataFrame(
        {
            "place": homes.ids[rows],
            "commune": homes.frame["commune"].to_numpy()[rows],
            "lon": lonlat[:, 0],
            "lat": lonlat[:, 1],
            "cell": shapely.to_wkt(homes.cells.to_numpy()[rows], rounding_precision=-1),
        }
    )
    for name in (*_TEAM, "workers", *homes.groups):
        table[name] = told[name].to_numpy()
    write_text(path, csv_text(table))


def read_counts(request: HomesRequest) -> Homes:
    """Return the homes that `write_counts` wrote.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing or not as it was written, or a site or roster has another name now.
    """
    table = _unmarked(read_table(request.path))
    missing = [name for name in _FIXED if name not in table.frame]
    if missing:
        raise _not_as_written(table, missing[0])
    groups = tuple(name for name in table.frame.columns if name not in _FIXED)
    counts = {name: table.numbers(name, minimum=0) for name in ("workers", *groups)}
    teams = {name: table.texts(name) for name in _TEAM}
    _check_teams(table, request, teams["site"], teams["roster"])
    ids = table.texts("place").to_numpy()
    _, first, home = np.unique(ids, return_index=True, return_inverse=True)
    # In the order of the file, which is that of the homes.
    order = np.argsort(first, kind="stable")
    home, first = np.argsort(order)[home], first[order]
    points = read_points(table, request).iloc[first].reset_index(drop=True)
    try:
        cells = gpd.GeoSeries.from_wkt(table.texts("cell").iloc[first].to_numpy(), crs=4326)
    except shapely.errors.GEOSException:
        raise _not_as_written(table, "cell") from None
    whole = {name: np.bincount(home, values, len(first)) for name, values in counts.items()}
    columns: dict[str, object] = {
        **whole,
        "home_id": list(ids[first]),
        "name": list(ids[first]),
        "commune": list(table.texts("commune").iloc[first]),
    }
    ledger = rows_ledger(request.path, np.full(len(first), ""), whole["workers"])
    found = Homes.at(points, columns, groups, cells, ledger=ledger)
    known = (teams["site"] != "").any()
    pool = pd.DataFrame({"home": home} | teams | counts).astype(dict.fromkeys(_TEAM, "str"))
    kept = pool.reset_index(drop=True) if known else None
    return Homes(
        found.frame, found.cells, groups, kept, personal=True, decided="kept", ledger=ledger
    )


def _unmarked(table: Table) -> Table:
    """Return a table with its texts as they were before `csv_text` marked those like formulas."""
    frame = table.frame.rename(columns=unmarked)
    texts = {
        str(name): column.map(lambda v: unmarked(v) if isinstance(v, str) else v)
        for name, column in frame.items()
        if column.dtype.kind not in "biuf"
    }
    return replace(table, frame=frame.assign(**texts))


def _check_teams(table: Table, request: HomesRequest, sites: pd.Series, rosters: pd.Series) -> None:
    known = {(site.name, roster.name) for site in request.sites for roster in site.rosters}
    known |= {(site.name, "") for site in request.sites} | {("", "")}
    for row, team in zip(table.frame.index, zip(sites, rosters, strict=True), strict=True):
        if request.sites and team not in known:
            raise table.error(
                "These employees were counted for a site or roster of another name.",
                row=row,
                column="roster" if team[1] else "site",
                value=" | ".join(team),
                mend="Give the file of employees again, or the site and roster their old names.",
            )


def _not_as_written(table: Table, column: str) -> SourceError:
    return SourceError(
        "These protected counts are not as they were written.",
        file=table.file,
        column=column,
        mend="Give the file of employees again.",
    )
