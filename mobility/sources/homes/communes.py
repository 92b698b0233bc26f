"""Workers counted by commune or other zone: their codes joined with those of a layer."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.base.errors import Finding, SourceError
from mobility.sources.columns import Table, column_or_none
from mobility.sources.homes.commune_codes import ABROAD, DISTRICTS, Changes, read_changes
from mobility.sources.homes.model import (
    NAME_ALIASES,
    HomesRequest,
    Places,
    group_columns,
    read_groups,
    read_names,
    read_workers,
)
from mobility.sources.homes.zones import (
    CODE_ALIASES,
    Zones,
    homes_in_zones,
    read_zones,
    told_of,
    zones_of,
)


def read_communes(request: HomesRequest, table: Table) -> Places:
    """Return homes of a table of workers by commune.

    The table is a polygon layer, or a CSV whose codes are joined with ``source.zones``.

    Raises
    ------
    SourceError
        A code is unknown, stands twice, or a field is wrong.
    """
    source = request.source
    workers = read_workers(table, source.workers)
    groups = read_groups(table, group_columns(request))
    column = column_or_none(table, source.id, (*CODE_ALIASES, *NAME_ALIASES))
    if isinstance(table.frame, gpd.GeoDataFrame) and source.zones is None:
        if column is None:
            table.frame["home_id"] = table.frame.index.astype("str")
            column = "home_id"
        names = read_names(table, source.name, NAME_ALIASES)
        table.refuse_duplicates(column, table.texts(column))
        zones = zones_of(table, column, names)
        rows = np.arange(len(table.frame))
        found: list[Finding] = []
    else:
        zones = read_zones(request)
        column = column or table.need("code", field="id")
        codes = table.texts(column)
        table.refuse_duplicates(column, codes)
        zones, rows, found = zones_of_codes(request, zones, codes, workers)
    counts = np.column_stack([workers, *groups.values()])
    return homes_in_zones(request, zones, rows, counts, tuple(groups), found)


def zones_of_codes(
    request: HomesRequest, zones: Zones, codes: pd.Series, workers: np.ndarray
) -> tuple[Zones, np.ndarray, list[Finding]]:
    """Return the zones, the zone of each code (-1 for none), and what a user should know.

    Raises
    ------
    SourceError
        No code has a zone, or the table of changes is wrong.
    """
    path = request.source.changes
    changes = read_changes(None if path is None else request.resolve(path))
    zones, rows, through = matched(zones, codes, changes)
    found = _left_out(request, zones, rows, codes, workers)
    message = (
        "{count} codes of places of residence ({workers} workers) are not in the zones layer "
        "and are matched through the commune of today (arrondissements, IRIS, mergers)."
    )
    found += told_of(request, "info", "communes_matched", message, through, codes, workers)
    message = (
        "{count} codes ({workers} workers) are arrondissements of a city that has a row of its "
        "own: where that row holds their workers, they are counted twice; keep one or the others."
    )
    within = codes.map(DISTRICTS).isin(codes).to_numpy(dtype=bool)
    found += told_of(request, "warning", "city_beside_its_parts", message, within, codes, workers)
    return zones, rows, found


def matched(
    zones: Zones, codes: pd.Series, changes: Changes
) -> tuple[Zones, np.ndarray, np.ndarray]:
    """Find the zone of each code, through the commune of today where it is not as it stands.

    Where the layer is finer, its zones of one commune are joined.

    Returns
    -------
    Zones, ndarray, ndarray
        The zones, int64[n] the zone of each code (-1 for none), bool[n] whether it was found
        through the commune of today only.
    """
    rows = zones.rows(codes)
    lost = rows < 0
    if not lost.any():
        return zones, rows, lost
    own, theirs = changes.today(codes), changes.today(zones.codes)
    shared = set(own[lost]) & set(theirs)
    if not shared:
        return zones, rows, np.zeros(len(rows), dtype=bool)
    zones = zones.coarser(theirs.where(theirs.isin(shared), zones.codes))
    rows = zones.rows(own.where(own.isin(shared), codes))
    return zones, rows, lost & (rows >= 0)


def _left_out(
    request: HomesRequest, zones: Zones, rows: np.ndarray, codes: pd.Series, workers: np.ndarray
) -> list[Finding]:
    """Say how many workers have no zone, those abroad apart; raise when all of them."""
    lost = rows < 0
    if lost.all():
        raise SourceError(
            "None of its codes is in the zones layer {zones}.",
            file=request.path,
            column=request.source.id or request.source.commune,
            mend='Name the columns of the codes: id = "..." and zones_id = "...".',
            zones=zones.file.name,
        )
    abroad = lost & codes.str.fullmatch(ABROAD).to_numpy(dtype=bool)
    message = (
        "{count} rows ({workers} workers) are in none of the zones and are left out; where their "
        "codes are older or newer, name INSEE's table as changes in [sources.homes]."
    )
    outside = told_of(
        request, "warning", "homes_without_zone", message, lost & ~abroad, codes, workers
    )
    message = (
        "{count} rows ({workers} workers) live abroad, in none of the zones, and are left out."
    )
    return outside + told_of(request, "warning", "homes_abroad", message, abroad, codes, workers)
