"""Sites, gates, rosters and shifts, from the territory file and/or a table.

The table has one row per gate, roster or shift; the rows of one site bear its name and are
merged. Header names are read in English or French, whatever their case and accents:

``name`` (nom, site), ``employer`` (employeur, entreprise), ``commune``
(code INSEE), ``lon``, ``lat``, ``gate``
(portail, porte, entrée), ``roster`` (équipe, rythme, horaire), ``shift`` (poste), ``start``
(début), ``end`` (fin), ``days`` (jours), ``headcount`` (effectif), ``margin_in_min``,
``margin_out_min``.

- A row naming a known ``roster`` template (3x8, 2x8, 5x8, night, vsd, day, office) and no hours
  takes the template's hours, and its days unless the row says others; its headcount is shared
  evenly between the shifts. Where the row names one ``shift`` of the template, it is this one.
- A row with ``start`` and ``end`` is one shift. Rows of one site with the same ``roster``
  name are the shifts one worker rotates through; without a roster name the shift is fixed,
  a roster of its own.
- A row with only a place adds a gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from pydantic import ValidationError

from mobility.base.errors import Finding, TerritoryError
from mobility.base.ledger import SourceLedger
from mobility.base.literal import unmarked
from mobility.base.projection import Box
from mobility.sources.columns import Table, fold
from mobility.sources.layers import (
    EUROPE,
    check_lonlat,
    home_box,
    parse_crs,
    refuse_exchanged_place,
    refuse_swapped,
    to_lonlat,
)
from mobility.sources.sites_rows import ALIASES, Draft, Row, finished, rosters_worked
from mobility.sources.tables import read_table, without_sums
from mobility.territory.changes import ShiftChange
from mobility.territory.project import Site, Territory
from mobility.territory.rosters import MOST_WORKERS, Shift, in_english
from mobility.territory.validation import explain_validation, read_toml


def read_sites(
    territory: Territory,
    *,
    ledger: list[SourceLedger] | None = None,
    findings: list[Finding] | None = None,
) -> tuple[Site, ...]:
    """Return the sites of the territory file, then those of its sites table.

    Parameters
    ----------
    ledger
        Gets the account of the rows read.
    findings
        Gets a warning about the columns that are not read.

    Raises
    ------
    SourceNotFoundError, SourceError, TerritoryError
        A source is missing or wrong, two sites have the same name, or there is no site.
    """
    sites, box = list(territory.sites), home_box(territory.timezone)
    check_sites(sites, territory.path, box)
    source = territory.sources.sites
    if source is not None:
        above = len(sites)
        path = territory.resolve(source)
        sites += read_sites_file(
            path,
            box=box,
            crs=territory.sources.sites_crs,
            layer=territory.sources.sites_layer,
            ledger=ledger,
            findings=findings,
        )
        _refuse_same_names(sites, path, counted=path.suffix.lower() == ".toml", above=above)
    if not sites:
        raise TerritoryError(
            "There is no site.",
            file=territory.path,
            column="sites",
            mend="Add a [[sites]] table, or name a CSV file as sites in [sources].",
        )
    if territory.output.language == "en":
        sites = [in_english(site) for site in sites]
    rosters_worked(territory, sites)  # a wrong list is refused by every command
    return tuple(sites)


def read_sites_file(
    path: Path,
    *,
    box: Box | None = EUROPE,
    crs: str | None = None,
    layer: str | None = None,
    ledger: list[SourceLedger] | None = None,
    findings: list[Finding] | None = None,
) -> list[Site]:
    """Read sites from a CSV, a workbook, a point layer, or a TOML file of ``[[sites]]`` tables.

    Parameters
    ----------
    path
        The file.
    box
        Sites outside it (west, south, east, north) that would be inside once longitude and
        latitude are exchanged are an error.
    crs
        Of the columns ``lon`` and ``lat`` (or ``x`` and ``y``), or of a layer that states
        none; degrees by default.
    layer
        Which layer, or sheet, of a file of several.
    ledger
        Gets the account of the rows read.
    findings
        Gets a warning about the columns that are not read.

    Raises
    ------
    SourceNotFoundError, SourceError, TerritoryError
        The file is missing or wrong; the error names row, field, value and mend.
    """
    more: list[SourceLedger] = []
    if path.suffix.lower() == ".toml" and path.is_file():
        sites = _read_sites_toml(path)
        _refuse_exchanged(sites, path, box)
        count = len(sites)
    else:
        table = read_table(path, layer=layer, crs=crs, key="sites_layer")
        # A site may be called Ensemble, or Somme after the river; it has a place.
        places = tuple(filter(None, (table.find(k, ALIASES[k]) for k in ("lon", "lat"))))
        table, more = without_sums(table, places)
        count = len(table.frame)
        sites = _sites_from_table(table, box=box, crs=crs)
        if findings is not None:
            findings += [*_columns_not_read(table), *_rosters_not_told(table, sites)]
    if ledger is not None:
        ledger += [SourceLedger.balanced(path, count, {}), *more]
    return sites


def _columns_not_read(table: Table) -> list[Finding]:
    """Return a warning about columns that hold something and are no field of a site."""
    left = table.left({table.find(key, names) for key, names in ALIASES.items()})
    if not left:
        return []
    return [
        Finding(
            "warning",
            "site_columns_not_read",
            "{count} columns of the sites table are not read; if one of them is the roster, the "
            "shift, its hours, its days or the headcount, call it roster, shift, start, end, days "
            "or headcount",
            source=table.file.name,
            count=len(left),
            examples=tuple(left[:5]),
        )
    ]


def _rosters_not_told(table: Table, sites: Sequence[Site]) -> list[Finding]:
    """Say that shifts count apart where no column tells who rotates through which."""
    several = [site.name for site in sites if len(site.rosters) > 1]
    if table.find("roster", ALIASES["roster"]) is not None or not several:
        return []
    return [
        Finding(
            "info",
            "shifts_count_apart",
            "No column of the sites table is the roster: at {count} sites each shift counts as a "
            "roster of its own, whose workers never rotate",
            source=table.file.name,
            count=len(several),
            examples=tuple(several[:5]),
        )
    ]


def _read_sites_toml(path: Path) -> list[Site]:
    data = read_toml(path)
    rows = data.get("sites", [])
    if not isinstance(rows, list):
        rows = [rows]
    sites = []
    for number, row in enumerate(rows, 1):
        try:
            sites.append(Site.model_validate(row))
        except ValidationError as error:
            known = explain_validation(error, path, Site)
            known.entry = ("site", number)
            raise known from None
    return sites


def _sites_from_table(
    table: Table, *, box: Box | None = EUROPE, crs: str | None = None
) -> list[Site]:
    """Merge the rows of a table into sites, in order of first appearance."""
    if isinstance(table.frame, gpd.GeoDataFrame):
        table, crs = _with_coordinates(table), None
    columns = {k: table.find(k, names) for k, names in ALIASES.items()}
    columns["name"] = table.need("name", ALIASES["name"])
    texts = {k: list(map(unmarked, table.texts(c))) for k, c in columns.items() if c is not None}
    numbers = _numbers(table, columns)
    _check_places(table, columns, _in_degrees(table, columns, numbers, crs), box)
    drafts: dict[str, Draft] = {}
    for i, row in enumerate(table.frame.index):
        fields = {k: values[i] for k, values in texts.items()}
        if not fields["name"]:
            raise table.error(
                "The site has no name.",
                row=row,
                column=columns["name"],
                mend="Write the name of the site on each of its rows.",
            )
        draft = drafts.setdefault(fold(fields["name"]), Draft(fields["name"], row))
        Row(table, columns, row, fields, {k: float(v[i]) for k, v in numbers.items()}).add(draft)
    return [finished(table, draft) for draft in drafts.values()]


def _with_coordinates(table: Table) -> Table:
    """Give a layer the columns lon and lat, from its geometry."""
    assert isinstance(table.frame, gpd.GeoDataFrame)
    frame = to_lonlat(table.frame, table.file)
    points = frame.geometry.representative_point()
    frame = frame.drop(columns=[c for c in frame.columns if fold(c) in {"lon", "lat"}])
    plain = frame.drop(columns="geometry").assign(lon=points.x, lat=points.y)
    return Table(table.file, plain, decimal_comma=table.decimal_comma)


def _numbers(table: Table, columns: dict[str, str | None]) -> dict[str, np.ndarray]:
    """Return the numeric columns present; NaN where a field is empty."""
    bounds = {
        "lon": (-np.inf, np.inf, ""),
        "lat": (-np.inf, np.inf, ""),
        "headcount": (0, MOST_WORKERS, "Write a whole number of workers, from 0 to 1,000,000."),
        "margin_in_min": (0, 180, "Write minutes, from 0 to 180."),
        "margin_out_min": (0, 180, "Write minutes, from 0 to 180."),
    }
    numbers: dict[str, np.ndarray] = {}
    for key, (low, high, mend) in bounds.items():
        column = columns[key]
        if column is None:
            continue
        empty = (table.texts(column) == "").to_numpy()
        filled = table.numbers(
            column,
            minimum=low,
            maximum=high,
            missing=0.0,
            bounds_mend=mend,
            mend=mend or "Write a plain number, e.g. 12 or 12.5.",
        )
        numbers[key] = np.where(empty, np.nan, filled)
    return numbers


def _in_degrees(
    table: Table, columns: dict[str, str | None], numbers: dict[str, np.ndarray], crs: str | None
) -> dict[str, np.ndarray]:
    """Turn projected coordinates into degrees, in place; half a pair is left for the check."""
    system = parse_crs(crs or "EPSG:4326", table.file)
    if not system.is_projected or columns["lon"] is None or columns["lat"] is None:
        return numbers
    both = ~(np.isnan(numbers["lon"]) | np.isnan(numbers["lat"]))
    points = gpd.GeoSeries(
        gpd.points_from_xy(numbers["lon"][both], numbers["lat"][both]), crs=system
    ).to_crs(4326)
    numbers["lon"][both], numbers["lat"][both] = points.x, points.y
    return numbers


def _check_places(
    table: Table, columns: dict[str, str | None], numbers: dict[str, np.ndarray], box: Box | None
) -> None:
    if columns["lon"] is None or columns["lat"] is None:
        missing = "lon" if columns["lon"] is None else "lat"
        table.need(missing, ALIASES[missing])
        return
    lon, lat = numbers["lon"], numbers["lat"]
    half = np.isnan(lon) != np.isnan(lat)
    if half.any():
        k = int(np.argmax(half))
        raise table.error(
            "One of longitude and latitude is missing.",
            row=table.frame.index[k],
            column=columns["lon" if np.isnan(lon[k]) else "lat"],
            mend="Fill in both, or neither.",
        )
    known, column = ~np.isnan(lon), f"{columns['lon']}, {columns['lat']}"
    placed, lon, lat = Table(table.file, table.frame[known]), lon[known], lat[known]
    check_lonlat(
        placed,
        lon,
        lat,
        column=column,
        mend="Write longitude and latitude in degrees, e.g. -1.4262 and 46.6705, or name the "
        'system used in [sources]: sites_crs = "EPSG:2154" for Lambert-93.',
    )
    refuse_swapped(placed, lon, lat, column=column, box=box)


def check_sites(sites: Sequence[Site], file: Path | None, box: Box | None) -> None:
    """Refuse sites of a territory file that cannot stand beside each other, or where they are.

    Raises
    ------
    TerritoryError
        Two have the same name, or a gate is outside the box and would be inside it once
        longitude and latitude are exchanged.
    """
    _refuse_same_names(sites, file)
    _refuse_exchanged(sites, file, box)


def _refuse_exchanged(sites: Iterable[Site], file: Path | None, box: Box | None) -> None:
    """Raise when a gate is where no study is, and would be well placed the other way round."""
    for number, site in enumerate(sites, 1):
        for gate in site.gates:
            refuse_exchanged_place(gate, box, file, "gates", ("site", number))


def _refuse_same_names(
    sites: Iterable[Site], file: Path | None, *, counted: bool = True, above: int = 0
) -> None:
    """Raise when two sites have one name; ``above`` sites stand before those of the file."""
    seen: dict[str, str] = {}
    for number, site in enumerate(sites, 1):
        if fold(site.name) in seen:
            raise TerritoryError(
                "Two sites have the same name.",
                file=file,
                entry=("site", number - above) if counted else None,
                column="name",
                value=site.name,
                mend="Give each site a name of its own.",
            )
        seen[fold(site.name)] = site.name


def changed_sites(
    sites: Sequence[Site], changes: Iterable[ShiftChange], file: Path | None
) -> tuple[Site, ...]:
    """Return the sites with other hours of some shifts.

    Raises
    ------
    TerritoryError
        There is no such shift, or its new hours cannot be.
    """
    found = list(sites)
    for number, change in enumerate(changes, 1):
        where = f"changes.shifts.{number}"
        site = _named(found, change.site, file, f"{where}.site")
        roster = _named(site.rosters, change.roster, file, f"{where}.roster")
        shift = _named(roster.shifts, change.shift, file, f"{where}.shift")
        hours = {k: v for k in ("start", "end") if (v := getattr(change, k)) is not None}
        try:
            moved = Shift.model_validate(shift.model_dump() | hours)
        except ValidationError as error:
            known = explain_validation(error, file, Shift)
            known.column = f"{where}.{known.column}"
            raise known from None
        shifts = [moved if one is shift else one for one in roster.shifts]
        changed = roster.model_copy(update={"shifts": shifts})
        rosters = [changed if one is roster else one for one in site.rosters]
        found[found.index(site)] = site.model_copy(update={"rosters": rosters})
    return tuple(found)


def _named(things: Sequence[Any], name: str, file: Path | None, column: str) -> Any:
    """Return the site, roster or shift of a name."""
    for thing in things:
        if thing.name == name:
            return thing
    raise TerritoryError(
        "There is no such name.",
        file=file,
        column=column,
        value=name,
        mend="Choose one of: {known}.",
        known=", ".join(thing.name for thing in things),
    )
