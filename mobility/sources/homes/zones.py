"""Workers known by commune or other zone: their codes, their polygons, and homes inside them.

Codes may name the same ground: arrondissements, mergers, IRIS, lost zeros. Flows, layers and
territory files come from different years and levels: Lyon 3e is 69383 in one and part of 69123 in
another, Gée is 49147 until 2016 and part of 49021 since. A code found as it stands is used as it
is; the others are matched through the commune of today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import takewhile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.errors import Finding, Severity, SourceError
from mobility.base.ledger import SourceLedger
from mobility.sources.columns import OTHER_LAYER, Table, column_or_none
from mobility.sources.homes.model import (
    NAME_ALIASES,
    OUTSIDE,
    Homes,
    HomesRequest,
    projected,
    read_names,
    rows_ledger,
    told_of,
)
from mobility.sources.homes.spread import LandCells, allocate, clipped_cells, land_cells
from mobility.sources.layers import other_layers, read_layer, to_lonlat
from mobility.sources.tables import read_table

#: Municipal arrondissements of Paris, Lyon and Marseille (INSEE, Code officiel géographique).
DISTRICTS = {
    str(code): city
    for city, codes in (
        ("75056", range(75101, 75121)),
        ("69123", range(69381, 69390)),
        ("13055", range(13201, 13217)),
    )
    for code in codes
}
#: Codes of places abroad, as INSEE writes them in flows: a country, or a commune behind the border.
ABROAD = r"99\d{3}|(?:AD|BE|CH|DE|ES|IT|LU|MC|UK)\w*"
#: Kinds of event (MOD) after which an old code stands for several communes, or for the same one.
_SPLITS = ("10", "20", "21")


@dataclass(frozen=True)
class Changes:
    """Former code → later code of the same ground."""

    later: Mapping[str, str]

    def of(self, code: str) -> str:
        """Return the commune of today of a commune, arrondissement or IRIS; else ``code``."""
        code = plain_code(code)
        if len(code) == 9 and code[5:].isdigit():
            code = code[:5]
        seen: set[str] = set()
        while code in self.later and code not in seen:
            seen.add(code)
            code = self.later[code]
        return code

    def today(self, codes: pd.Series) -> pd.Series:
        """Return `of` each code."""
        return codes.map({code: self.of(code) for code in set(codes)}).astype("str")


def plain_code(code: str) -> str:
    """Return a code as INSEE writes it: ``2a004`` and ``1001.0`` are 2A004 and 01001."""
    code = code.upper().removesuffix(".0")
    return f"0{code}" if len(code) == 4 and code.isdigit() else code


def written_alike(code: str) -> str:
    """Return what the ways to write a code share: capitals, and no zeros ahead of its figures."""
    code = plain_code(code)
    return code.lstrip("0") if code.isdigit() else code


@cache
def _shipped() -> Mapping[str, str]:
    """Return INSEE's changes up to 2026, and the arrondissements."""
    text = (files(__package__) / "communes_changed.csv").read_text(encoding="utf-8")
    pairs = [line.split(",") for line in text.split()[1:]]
    return DISTRICTS | dict(pairs)


def read_changes(path: Path | None) -> Changes:
    """Return the changes known, those of the user's own table first.

    Parameters
    ----------
    path
        INSEE's movements of communes (``COM_AV``, ``COM_AP``, with ``TYPECOM_AV``,
        ``TYPECOM_AP``, ``MOD`` and ``DATE_EFF`` where given), or its *table de passage*
        (``CODGEO_INI`` or the earliest ``CODGEO_<year>``, and the latest ``CODGEO_<year>``).

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing, or has neither pair of columns.
    """
    if path is None:
        return Changes(_shipped())
    table = read_table(path)
    old, new = _pair(table)
    rows = pd.DataFrame({"old": table.texts(old), "new": table.texts(new)})
    for name, kept in (("TYPECOM_AV", {"COM", "ARM"}), ("TYPECOM_AP", {"COM"})):
        column = table.find(name)
        if column is not None:
            rows = rows[table.texts(column)[rows.index].isin(kept)]
    kind, date = table.find("MOD"), table.find("DATE_EFF")
    if kind is not None:
        rows = rows[~table.texts(kind)[rows.index].isin(_SPLITS)]
    if date is not None:
        rows = rows.iloc[table.texts(date)[rows.index].argsort(kind="stable")]
    rows = rows[(rows["old"] != rows["new"]) & (rows["old"] != "") & (rows["new"] != "")]
    return Changes({**_shipped(), **dict(zip(rows["old"], rows["new"], strict=True))})


def _pair(table: Table) -> tuple[str, str]:
    """Return the columns of the former and of the later code."""
    old, new = table.find("COM_AV", ("old",)), table.find("COM_AP", ("new",))
    if old is not None and new is not None:
        return old, new
    years = sorted(c for c in table.frame.columns if c.upper().startswith("CODGEO_2"))
    first = table.find("CODGEO_INI") or next(iter(years), None)
    if first is None or not years or first == years[-1]:
        raise SourceError(
            "It is no table of changes of communes.",
            file=table.file,
            mend="Give INSEE's movements of communes (COM_AV, COM_AP) or its table de passage "
            "(CODGEO_INI, CODGEO_<year>).",
        )
    return first, years[-1]


CODE_ALIASES = (
    "code", "insee", "code_insee", "insee_com", "codgeo", "depcom", "com", "code_iris", "iris",
    "home_id", "id",
)  # fmt: skip


@dataclass(frozen=True)
class Zones:
    """Polygons of communes or other zones.

    Attributes
    ----------
    file
        Where they come from.
    codes, names
        str, index 0..z-1; codes are unique.
    polygons
        EPSG:4326, index 0..z-1.
    """

    file: Path
    codes: pd.Series
    names: pd.Series
    polygons: gpd.GeoSeries

    def rows(self, codes: pd.Series) -> np.ndarray:
        """Return int64[n] index of the zone of each code, -1 for none.

        A spreadsheet takes the first 0 off ``01004``: codes are found without it where no other
        is alike.
        """
        found = np.asarray(pd.Index(self.codes).get_indexer(pd.Index(codes)), dtype=np.int64)
        lost = found < 0
        if lost.any():
            own = self.codes.map(written_alike)
            once = ~own.duplicated(keep=False).to_numpy()
            places = dict(zip(own[once], np.flatnonzero(once), strict=True))
            found[lost] = [places.get(written_alike(code), -1) for code in codes[lost]]
        return found

    def only(self, kept: np.ndarray) -> Zones:
        """Return some zones, by bool[z] or by index."""
        parts = (self.codes, self.names, self.polygons)
        return Zones(self.file, *(part.iloc[kept].reset_index(drop=True) for part in parts))

    def coarser(self, codes: pd.Series) -> Zones:
        """Return the zones under other codes; those that share one become one zone."""
        once = codes.drop_duplicates()
        frame = gpd.GeoDataFrame(
            {"code": codes, "name": self.names}, geometry=self.polygons, crs=4326
        ).dissolve("code", aggfunc=list)
        names = [_common_name(code, names) for code, names in frame["name"].items()]
        frame = frame.assign(name=names).loc[once].reset_index()
        return Zones(self.file, frame["code"], frame["name"].astype("str"), frame.geometry)


def _common_name(code: object, names: list[str]) -> str:
    """Return what the names of parts begin with: Lyon, of its arrondissements."""
    if len(names) == 1:
        return names[0]
    words = takewhile(lambda word: len(set(word)) == 1, zip(*map(str.split, names), strict=False))
    return " ".join(word[0] for word in words) or str(code)


def zones_of(table: Table, code_column: str, names: pd.Series | None) -> Zones:
    """Return the zones of a polygon layer; rows with the same code are one zone.

    Raises
    ------
    SourceError
        A shape is no polygon or a code is empty.
    """
    layer = table.frame
    assert isinstance(layer, gpd.GeoDataFrame)
    shapes = to_lonlat(layer, table.file).geometry
    flat = shapely.get_dimensions(np.asarray(shapes.array, dtype=object)) != 2
    codes = table.texts(code_column)
    for wrong, problem, mend in (
        (flat, "The zone is no polygon.", "Give a layer of polygons."),
        ((codes == "").to_numpy(), "This id is empty.", "Name the column that holds the codes."),
    ):
        if wrong.any():
            row = table.frame.index[int(np.argmax(wrong))]
            raise table.error(problem, row=row, column=code_column, mend=mend)
    frame = gpd.GeoDataFrame(
        {"code": codes, "name": codes if names is None else names}, geometry=shapes, crs=4326
    )
    if codes.duplicated().any():
        frame = frame.dissolve("code", aggfunc="first", as_index=False)
    frame = frame.reset_index(drop=True)
    return Zones(table.file, frame["code"], frame["name"], frame.geometry)


def read_zones(request: HomesRequest) -> Zones:
    """Read the layer named ``zones`` in ``[sources.homes]``.

    Raises
    ------
    SourceNotFoundError, SourceError
        It is not named, missing or wrong.
    """
    source = request.source
    if source.zones is None:
        raise SourceError(
            "The layer of the communes is not named.",
            file=request.path,
            column="sources.homes.zones",
            mend='Write zones = "communes.geojson" and zones_id = "code" in [sources.homes].',
        )
    path = request.resolve(source.zones)
    table = Table(
        path, read_layer(path, layer=source.zones_layer, crs=source.crs, key="zones_layer")
    )
    code = column_or_none(table, source.zones_id, CODE_ALIASES)
    if code is None:
        code = table.need("code", field="zones_id")
    return zones_of(table, code, read_names(table, None, NAME_ALIASES))


def homes_in_zones(
    request: HomesRequest,
    zones: Zones,
    rows: np.ndarray,
    counts: np.ndarray,
    groups: tuple[str, ...] = (),
    findings: Sequence[Finding] = (),
    *,
    per_entry: np.ndarray | None = None,
) -> Homes:
    """Return homes for counts known by zone, spread over the land when it is known.

    Parameters
    ----------
    rows
        int64[n], zone of each row of ``counts``, -1 outside the layer (left out).
    counts
        float64[n, 1 + groups], workers, then the groups.
    findings
        What is known so far, see `communes._zones_of_codes`.
    per_entry
        int64[n], rows of the file behind each row of ``counts``, one by default.

    Raises
    ------
    SourceError
        No zone with workers lies in the study area.
    """
    known = rows >= 0
    totals = np.zeros((len(zones.codes), counts.shape[1]))
    np.add.at(totals, rows[known], counts[known])
    near = lived = (totals[:, 0] > 0) | (totals[:, 1:] > 0).any(axis=1)
    if request.bbox is not None:
        near = lived & zones.polygons.intersects(shapely.box(*request.bbox)).to_numpy()
    if not near.any():
        raise SourceError(
            "None of the zones with workers lies in the study area.",
            file=zones.file,
            mend="Check that the streets, the timetables and the homes are of one region.",
        )
    # People of the flows do work there and are missed; a table of a whole country is only cut.
    severity: Severity = "warning" if request.source.work_commune else "info"
    message = "{count} zones ({workers} workers) lie outside the streets and are left out."
    told = [
        *findings,
        *told_of(
            request, severity, "zones_outside", message, lived & ~near, zones.names, totals[:, 0]
        ),
    ]
    reason = np.where(known, np.where(near[rows], "", OUTSIDE), "in none of the zones")
    reason[known & ~lived[rows]] = "nobody lives there"
    ledger = (
        *rows_ledger(request.path, reason.astype(object), counts[:, 0], per_entry),
        *_layer_ledger(request, zones.file, lived, near),
    )
    zones, totals = zones.only(near), totals[near]
    told += _cut(request, zones)
    if request.land is None:
        return replace(_one_home_each(zones, totals, groups, told), ledger=ledger)
    return replace(_spread(request, zones, totals, groups, told), ledger=ledger)


def _layer_ledger(
    request: HomesRequest, file: Path, lived: np.ndarray, near: np.ndarray
) -> list[SourceLedger]:
    """Return the accounts of a file of zones beside the table of workers."""
    if file == request.path:
        return []
    left = {"no worker of the table": (~lived).sum(), OUTSIDE: (lived & ~near).sum()}
    accounts = [SourceLedger.balanced(file, near.sum(), left, "zones")]
    if others := len(other_layers(file, request.source.zones_layer)):
        accounts.append(SourceLedger.balanced(file, 1, {OTHER_LAYER: others}, "layers"))
    return accounts


def _cut(request: HomesRequest, zones: Zones) -> list[Finding]:
    """Say which zones reach beyond the study area, whose workers are all set inside it."""
    if request.bbox is None:
        return []
    beyond = zones.names[~zones.polygons.within(shapely.box(*request.bbox)).to_numpy()]
    if beyond.empty:
        return []
    message = (
        "{count} zones reach beyond the streets; all their workers are counted on the part inside."
    )
    shown = tuple(beyond[:5])
    return [Finding("warning", "zones_cut", message, zones.file.name, len(beyond), shown)]


def _one_home_each(
    zones: Zones, totals: np.ndarray, groups: tuple[str, ...], findings: list[Finding]
) -> Homes:
    message = (
        "The workers of each of {count} zones are set at one point inside it; give residential "
        "land or buildings to spread them."
    )
    count = len(zones.codes)
    findings = [*findings, Finding("warning", "homes_at_points", message, zones.file.name, count)]
    columns: dict[str, object] = {
        "home_id": list(zones.codes),
        "name": list(zones.names),
        "commune": list(zones.names),
        "workers": totals[:, 0],
    }
    columns |= {name: totals[:, 1 + k] for k, name in enumerate(groups)}
    points = zones.polygons.representative_point()
    return Homes.at(points, columns, groups, zones.polygons, findings)


def zone_cells(request: HomesRequest, zones: Zones) -> tuple[LandCells, gpd.GeoSeries]:
    """Return the inhabited squares of zones, and the zones in the system of the study."""
    crs = request.local_crs(zones.polygons)
    polygons = projected(zones.polygons, crs, zones.file)
    cell_m, buildings = request.source.cell_m, request.buildings
    cells = land_cells(polygons, request.land, crs=crs, cell_m=cell_m, buildings=buildings)
    return cells, polygons


def grounds(zones: Zones, cells: LandCells) -> list[Finding]:
    """Say on what the workers of each zone are spread, where it is not residential land."""
    found = []
    if len(cells.built):
        names = ", ".join(zones.names.iloc[cells.built])
        message = (
            "{count} of {all} zones have no residential land in the extract; their workers are "
            "spread over the buildings people may live in, by ground area: {names}"
        )
        params, count = {"all": len(zones.codes), "names": names}, len(cells.built)
        found.append(
            Finding("info", "zones_on_buildings", message, zones.file.name, count, params=params)
        )
    if len(cells.fallback):
        message = (
            "{count} zones have neither residential land nor buildings in the extract; their "
            "workers are set at one point inside each."
        )
        count, shown = len(cells.fallback), tuple(zones.names[cells.fallback[:5]])
        found.append(
            Finding("warning", "zones_without_land", message, zones.file.name, count, shown)
        )
    return found


def _spread(
    request: HomesRequest,
    zones: Zones,
    totals: np.ndarray,
    groups: tuple[str, ...],
    findings: list[Finding],
) -> Homes:
    cells, polygons = zone_cells(request, zones)
    workers = allocate(totals[:, 0], cells)
    names, codes = (texts.to_numpy(object)[cells.zone] for texts in (zones.names, zones.codes))
    ids = [f"{c}_{x}_{y}" for c, (x, y) in zip(codes, cells.cell, strict=True)]
    columns: dict[str, object] = {"home_id": ids, "name": names, "commune": names}
    columns["workers"] = workers
    lived = workers > 0
    for k, name in enumerate(groups):
        # A group lives where the workers do; where there is none, where the land is.
        alone = (totals[:, 0] == 0)[cells.zone]
        columns[name] = allocate(totals[:, 1 + k], cells, np.where(alone, cells.weight, workers))
        lived |= np.asarray(columns[name]) > 0
    points = gpd.GeoSeries(gpd.points_from_xy(*cells.xy.T), crs=polygons.crs).to_crs(4326)
    squares = clipped_cells(cells, polygons, crs=polygons.crs, cell_m=request.source.cell_m)
    kept = {name: pd.Series(values)[lived].to_list() for name, values in columns.items()}
    told = (*findings, *grounds(zones, cells))
    return Homes.at(points[lived], kept, groups, squares[lived], told)
