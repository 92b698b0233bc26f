"""Commuting flows between communes (MOBPRO and like tables) → workers by commune of residence.

INSEE's MOBPRO has one row per surveyed worker with a weight, ``IPONDI``, which must be used:
it adds up to the number of workers. INSEE's flow table has one row per pair of communes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from mobility.base.errors import Finding, SourceError
from mobility.sources.columns import Table, column_or_none, fold
from mobility.sources.homes.model import MAX_WORKERS, HomesRequest, Places, group_columns
from mobility.sources.homes.zones import homes_in_zones, read_zones
from mobility.sources.tables import read_table

RESIDENCE_ALIASES = ("COMMUNE", "CODGEO", "commune_residence", "code_residence", "residence")
WORK_ALIASES = ("DCLT", "commune_travail", "code_travail", "work_commune", "travail")
WEIGHT_ALIASES = (
    "IPONDI",
    "NBFLUX_C22_ACTOCC15P",
    "NBFLUX_C21_ACTOCC15P",
    "NBFLUX_C20_ACTOCC15P",
    "NBFLUX_C19_ACTOCC15P",
    "NBFLUX_C18_ACTOCC15P",
    "flux",
    "poids",
    "weight",
)
MAX_CATEGORIES = 12
FEW_WORKERS = 200


def read_flows(request: HomesRequest) -> Places:
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
    table = read_table(request.path, layer=source.layer, crs=source.crs, columns=_wanted(request))
    residence = column_or_none(table, source.commune, RESIDENCE_ALIASES)
    residence = residence or table.need("COMMUNE", field="commune")
    weight_column = source.workers
    if weight_column == "workers":
        weight_column = table.need("workers", WEIGHT_ALIASES, field="workers")
    table = _working_in(table, source.work_commune)
    weight = table.numbers(
        table.need(weight_column, field="workers"),
        minimum=0,
        maximum=MAX_WORKERS,
        bounds_mend="Write the weight of the row, 0 or more.",
    )
    codes = table.texts(residence)
    district = table.find("ARM")
    zones = read_zones(request)
    if district is not None:
        districts = table.texts(district)
        codes = districts.where(districts.isin(zones.codes), codes)
    groups = _groups(request, table, weight)
    columns = pd.DataFrame({"workers": weight, **groups}).groupby(codes.to_numpy()).sum()
    totals = columns.to_numpy(dtype=np.float64)
    rows = zones.rows(pd.Series(columns.index, dtype="str"))
    places = homes_in_zones(request, zones, rows, totals, tuple(groups))
    extra = (*_all_of_them(request), *_few(request, totals[:, 0]))
    return Places(
        places.points, places.columns, places.groups, places.cells, (*places.findings, *extra)
    )


def _wanted(request: HomesRequest) -> Callable[[str], bool]:
    source = request.source
    named = [*RESIDENCE_ALIASES, *WORK_ALIASES, *WEIGHT_ALIASES, "ARM", source.workers]
    named += [source.commune or "", *group_columns(request)]
    named += [spec[1] for spec in _category_groups(request)]
    kept = {fold(name) for name in named if name}

    def wanted(column: str) -> bool:
        return fold(column) in kept

    return wanted


def _working_in(table: Table, communes: list[str]) -> Table:
    """Return the rows of people who work in ``communes``."""
    if not communes:
        return table
    column = table.need("DCLT", WORK_ALIASES)
    codes = table.texts(column)
    keep = codes.isin(communes).to_numpy()
    if not keep.any():
        raise table.error(
            "Nobody works in the commune {code} of the table.",
            column=column,
            mend="Write the code of the commune of the sites in work_commune, e.g. 85191.",
            code=", ".join(communes),
        )
    return Table(table.file, table.frame[keep], decimal_comma=table.decimal_comma)


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
        if len(values) > MAX_CATEGORIES:
            raise table.error(
                "It has {count} different values, too many to be groups.",
                column=column,
                mend='Choose some: groups = ["name=COLUMN:value1|value2"].',
                count=len(values),
            )
        for value in values:
            groups[f"{column} {value}".strip()] = np.where(texts == value, weight, 0.0)
    return groups


def _all_of_them(request: HomesRequest) -> list[Finding]:
    if request.source.work_commune:
        return []
    message = "Workers of every place of work are counted; name work_commune to choose."
    return [Finding("warning", "flows_all_work_places", message, str(request.path))]


def _few(request: HomesRequest, workers: np.ndarray) -> list[Finding]:
    """Say how many communes are below the size at which INSEE calls survey counts safe."""
    few = (workers > 0) & (workers < FEW_WORKERS)
    if not few.any():
        return []
    message = "{count} communes of residence count fewer than {few} workers: take with care."
    count = int(few.sum())
    return [
        Finding("info", "flows_few", message, str(request.path), count, params={"few": FEW_WORKERS})
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
