"""Workers counted by commune or other zone, or by flows between communes, as homes.

INSEE's MOBPRO has one row per surveyed worker with a weight, ``IPONDI``, which must be used:
it adds up to the number of workers. INSEE's flow table has one row per pair of communes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.base.errors import Finding, SourceError
from mobility.base.ledger import SourceLedger
from mobility.sources.columns import Table, column_or_none, fold
from mobility.sources.homes.model import (
    MAX_WORKERS,
    NAME_ALIASES,
    Homes,
    HomesRequest,
    group_columns,
    read_groups,
    read_names,
    read_workers,
    told_of,
)
from mobility.sources.homes.zones import (
    ABROAD,
    CODE_ALIASES,
    DISTRICTS,
    Changes,
    Zones,
    homes_in_zones,
    read_changes,
    read_zones,
    written_alike,
    zones_of,
)
from mobility.sources.tables import read_table, without_sums

_RESIDENCE_ALIASES = ("COMMUNE", "CODGEO", "commune_residence", "code_residence", "residence")
_WORK_ALIASES = ("DCLT", "commune_travail", "code_travail", "work_commune", "travail")
_WEIGHT_ALIASES = ("IPONDI", "flux", "poids", "weight")
#: INSEE's column of a census year, folded: ``NBFLUX_C21_ACTOCC15P``.
_FLOW = re.compile(r"nbflux(?:c(\d\d))?\w*")
_MAX_CATEGORIES = 12
# Flows come of a survey: INSEE calls counts from this size on safe.
_FEW_WORKERS = 200


def read_communes(request: HomesRequest, table: Table) -> Homes:
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
        zones, rows, found = _zones_of_codes(request, zones, codes, workers)
    counts = np.column_stack([workers, *groups.values()])
    return homes_in_zones(request, zones, rows, counts, tuple(groups), found)


def _zones_of_codes(
    request: HomesRequest, zones: Zones, codes: pd.Series, workers: np.ndarray
) -> tuple[Zones, np.ndarray, list[Finding]]:
    """Return the zones, the zone of each code (-1 for none), and what a user should know."""
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


def read_flows(request: HomesRequest) -> Homes:
    """Return homes of a flow table, joined with the communes of ``source.zones``.

    Rows are kept whose commune of work is in ``source.work_commune`` (all when it is empty).
    A group reads ``name=COLUMN:VALUE|VALUE`` (the weight of the rows with such a value, e.g.
    ``"no_car=VOIT:0"``) or ``COLUMN`` (one group for each of its values).

    Raises
    ------
    SourceNotFoundError, SourceError
        A file or column is missing, a weight is wrong, or nobody works there.
    """
    source = request.source
    table, unread = without_sums(
        read_table(request.path, layer=source.layer, crs=source.crs, columns=_wanted(request))
    )
    residence = column_or_none(table, source.commune, _RESIDENCE_ALIASES)
    residence = residence or table.need("COMMUNE", field="commune")
    column = _weight_column(table, source.workers)
    path = source.changes
    changes = read_changes(None if path is None else request.resolve(path))
    whole = table
    table, told = _working_in(table, request, changes, column)
    weight = table.numbers(
        column,
        minimum=0,
        maximum=MAX_WORKERS,
        bounds_mend="Write the weight of the row, 0 or more.",
    )
    away = replace(whole, frame=whole.frame.drop(table.frame.index))
    gone = away.numbers(column, minimum=0, maximum=MAX_WORKERS, missing=0.0)
    elsewhere = (len(away.frame), float(gone.sum()))
    codes = table.texts(residence)
    district = table.find("ARM")
    if district is not None:
        # MOBPRO writes ZZZZZ outside Paris, Lyon and Marseille.
        districts = table.texts(district)
        codes = districts.where(districts.isin(DISTRICTS), codes)
    groups = _groups(request, table, weight)
    by_code = pd.DataFrame({"workers": weight, **groups}).groupby(codes.to_numpy())
    columns, sizes = by_code.sum(), by_code.size().to_numpy()
    totals = columns.to_numpy(dtype=np.float64)
    known = pd.Series(columns.index, dtype="str")
    zones, rows, found = _zones_of_codes(request, read_zones(request), known, totals[:, 0])
    told += [*found, *_few(request, totals[:, 0])]
    homes = homes_in_zones(request, zones, rows, totals, tuple(groups), told, per_entry=sizes)
    counts = dict(zip(("rows", "workers"), elsewhere, strict=True))
    ledger = tuple(
        SourceLedger.balanced(
            r.source, r.used, {"they work elsewhere": counts[r.unit], **r.left_out}, r.unit
        )
        if r.unit in counts
        else r
        for r in homes.ledger
    )
    return replace(homes, ledger=(*ledger, *unread))


def _weight_column(table: Table, named: str) -> str:
    """Return the column of workers: the named one, or INSEE's, the newest census first."""
    if named != "workers" or table.find("workers", _WEIGHT_ALIASES) is not None:
        return table.need(named, _WEIGHT_ALIASES if named == "workers" else (), field="workers")
    # INSEE names the column anew with each census.
    years = [(m[1] or "", c) for c in table.frame.columns if (m := _FLOW.fullmatch(fold(c)))]
    if not years:
        return table.need("NBFLUX_C21_ACTOCC15P", field="workers")
    # The censuses of 1968 to 1999 come before those of the 2000s.
    return max(years, key=lambda year: (year[0] < "50", year[0]))[1]


def _wanted(request: HomesRequest) -> Callable[[str], bool]:
    source = request.source
    named = [*_RESIDENCE_ALIASES, *_WORK_ALIASES, *_WEIGHT_ALIASES, "ARM", source.workers]
    named += [source.commune or "", *group_columns(request)]
    named += [spec[1] for spec in _category_groups(request)]
    kept = {fold(name) for name in named if name}

    def wanted(column: str) -> bool:
        return fold(column) in kept or _FLOW.fullmatch(fold(column)) is not None

    return wanted


def _working_in(
    table: Table, request: HomesRequest, changes: Changes, weight: str
) -> tuple[Table, list[Finding]]:
    """Return the rows of people who work in ``work_commune``, and what is to be known.

    A commune stands for its arrondissements and for those merged into it.
    """
    communes = request.source.work_commune
    column = table.find("DCLT", _WORK_ALIASES)
    if not communes:
        return table, [] if column is None else _everywhere(table, request, changes, column, weight)
    column = column or table.need("DCLT", _WORK_ALIASES)
    codes = table.texts(column)
    today, alike = changes.today(codes), codes.map(written_alike)
    keep = np.zeros(len(codes), dtype=bool)
    wider: list[str] = []
    nobody: list[str] = []
    for code in communes:
        at = ((alike == written_alike(code)) | (today == code)).to_numpy()
        if not at.any():
            at = (today == changes.of(code)).to_numpy()
            (wider if at.any() else nobody).append(code)
        keep |= at
    if not keep.any():
        raise table.error(
            "Nobody works in the commune {code} of the table.",
            column=column,
            mend="Write the code of the commune of the sites in work_commune, e.g. 85191.",
            code=", ".join(communes),
        )
    told = []
    if wider:
        message = (
            "{count} communes of work_commune are not in the table; the workers of the whole "
            "commune of today are counted."
        )
        told += [_about(request, "work_communes_matched", message, wider)]
    if nobody:
        message = "Nobody works in {count} communes of work_commune."
        told += [_about(request, "work_communes_empty", message, nobody)]
    return replace(table, frame=table.frame[keep]), told


def _about(request: HomesRequest, code: str, message: str, communes: list[str]) -> Finding:
    return Finding("warning", code, message, request.path.name, len(communes), tuple(communes[:5]))


def _everywhere(
    table: Table, request: HomesRequest, changes: Changes, column: str, weight: str
) -> list[Finding]:
    """Say how many workers are counted who work elsewhere than where the sites are."""
    workers = table.numbers(weight, minimum=0, maximum=MAX_WORKERS, missing=0.0)
    workers = workers * request.source.workers_share
    codes = table.texts(column)
    by_place = pd.Series(workers).groupby(codes.to_numpy()).sum().sort_values(ascending=False)
    own = {changes.of(site.commune) for site in request.sites if site.commune}
    elsewhere = [code for code in by_place.index if changes.of(code) not in own]
    message = (
        "All {workers} workers are counted wherever they work, in {count} communes of work; name "
        "work_commune to choose."
    )
    if own:
        message = (
            "All {workers} workers are counted wherever they work, {elsewhere} of them in other "
            "communes than those of the sites; name work_commune to choose."
        )
    params = {"workers": f"{workers.sum():.0f}", "elsewhere": f"{by_place[elsewhere].sum():.0f}"}
    shown = tuple(f"{code}: {by_place[code]:.0f}" for code in elsewhere[:5])
    return [
        Finding(
            "warning", "flows_all_work_places", message, str(request.path), len(by_place), shown,
            params,
        )
    ]  # fmt: skip


def _category_groups(request: HomesRequest) -> list[tuple[str, str, list[str]]]:
    """Return (name, column, values) of the groups written ``name=COLUMN:VALUE|VALUE``."""
    specs = []
    for group in request.source.groups:
        name, _, rest = group.partition("=")
        column, colon, values = rest.partition(":")
        if colon and not any(sign in rest for sign in "/\\."):
            specs.append((name.strip(), column.strip(), values.split("|")))
    return specs


def _groups(request: HomesRequest, table: Table, weight: np.ndarray) -> dict[str, np.ndarray]:
    groups: dict[str, np.ndarray] = {}
    for name, column, values in _category_groups(request):
        texts = table.texts(table.need(column, field="groups"))
        groups[name] = np.where(texts.isin([v.strip() for v in values]), weight, 0.0)
    for column in group_columns(request):
        texts = table.texts(table.need(column, field="groups"))
        values = sorted(set(texts))
        if len(values) > _MAX_CATEGORIES:
            raise table.error(
                "It has {count} different values, too many to be groups.",
                column=column,
                mend='Choose some: groups = ["name=COLUMN:value1|value2"].',
                count=len(values),
            )
        for value in values:
            groups[f"{column} {value}".strip()] = np.where(texts == value, weight, 0.0)
    return groups


def _few(request: HomesRequest, workers: np.ndarray) -> list[Finding]:
    """Say how many communes are below the size at which INSEE calls survey counts safe."""
    few = (workers > 0) & (workers < _FEW_WORKERS)
    if not few.any():
        return []
    message = "{count} communes of residence count fewer than {few} workers: take with care."
    count = int(few.sum())
    return [
        Finding(
            "info", "flows_few", message, request.path.name, count, params={"few": _FEW_WORKERS}
        )
    ]


def check_no_categories(request: HomesRequest) -> None:
    """Raise when a group by value is asked of a source that has no categories.

    Raises
    ------
    SourceError
        ``name=COLUMN:VALUE`` is read from flow tables only.
    """
    for name, column, _ in _category_groups(request):
        raise SourceError(
            "A group by value is read from flow tables only.",
            file=request.path,
            column="groups",
            value=f"{name}={column}:…",
            mend="Name a column that counts the workers of the group.",
        )
