"""Protected counts in a file of their own: what is left of an employee file that is not kept.

One row a public place, site and roster, as they left the door (`mobility.sources.homes.door`); read
again, they are the same homes. The persons are in it no more than in any output.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.errors import SourceError
from mobility.base.files import write_text
from mobility.base.literal import csv_text, unmarked
from mobility.sources.columns import Table
from mobility.sources.homes.model import Homes, HomesRequest, read_points, rows_ledger
from mobility.sources.tables import read_table

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
    write_text(path, csv_text(table, index=False, lineterminator="\n"))


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
