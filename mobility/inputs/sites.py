"""Sites, gates, rosters and shifts, from the territory file and/or a table.

The table has one row per gate, roster or shift; the rows of one site bear its name and are
merged. Header names are read in English or French, whatever their case and accents:

``name`` (nom, site), ``employer`` (employeur, entreprise), ``lon``, ``lat``, ``gate``
(portail, porte, entrée), ``roster`` (équipe, rythme, horaire), ``shift`` (poste), ``start``
(début), ``end`` (fin), ``days`` (jours), ``headcount`` (effectif), ``margin_in_min``,
``margin_out_min``.

- A row naming a known ``roster`` template (3x8, 2x8, 5x8, night, vsd, day, office) and no hours
  takes the template's hours; its headcount is shared evenly between the shifts.
- A row with ``start`` and ``end`` is one shift. Rows of one site with the same ``roster``
  name are the shifts one worker rotates through; without a roster name the shift is fixed,
  a roster of its own.
- A row with only a place adds a gate.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from pydantic import ValidationError

from mobility.errors import SourceError, TerritoryError
from mobility.inputs.columns import Table, fold, row_number, unknown_value
from mobility.inputs.layers import EUROPE, check_lonlat, home_box, refuse_swapped, to_lonlat
from mobility.inputs.tables import read_table
from mobility.territory import ROSTER_TEMPLATES, Site, Territory, explain_validation

ALIASES: dict[str, tuple[str, ...]] = {
    "name": ("nom", "site", "nom du site", "établissement", "site_name"),
    "employer": ("employeur", "entreprise", "société", "raison sociale", "company"),
    "lon": ("longitude", "lng", "x"),
    "lat": ("latitude", "y"),
    "gate": ("portail", "porte", "entrée", "accès", "entrance"),
    "roster": ("équipe", "équipes", "rythme", "horaire", "régime", "cycle", "rotation", "team"),
    "shift": ("poste", "vacation", "faction"),
    "start": ("début", "heure de début", "prise de poste", "from", "begin"),
    "end": ("fin", "heure de fin", "fin de poste", "to"),
    "days": ("jours", "jour", "weekdays"),
    "headcount": ("effectif", "effectifs", "salariés", "workers", "employees", "nombre"),
    "margin_in_min": ("marge_entrée", "marge_entrée_min", "marge avant"),
    "margin_out_min": ("marge_sortie", "marge_sortie_min", "marge après"),
}
ROSTER_ALIASES: dict[str, str] = {
    "3*8": "3x8",
    "2*8": "2x8",
    "5*8": "5x8",
    "3×8": "3x8",
    "2×8": "2x8",
    "5×8": "5x8",
    "nuit": "night",
    "journée": "day",
    "jour": "day",
    "bureau": "office",
    "week-end": "vsd",
}
FRENCH_DAYS: dict[str, str] = {
    "lundi": "mon",
    "mardi": "tue",
    "mercredi": "wed",
    "jeudi": "thu",
    "vendredi": "fri",
    "samedi": "sat",
    "dimanche": "sun",
    "lun": "mon",
    "mar": "tue",
    "mer": "wed",
    "jeu": "thu",
    "ven": "fri",
    "sam": "sat",
    "dim": "sun",
    "tous": "all",
}
Box = tuple[float, float, float, float]
_MAX_HEADCOUNT = 1_000_000


@dataclass
class _Draft:
    """A site while its rows are gathered."""

    name: str
    row: object
    employer: str = ""
    gates: list[tuple[float, float]] = field(default_factory=list)
    rosters: dict[str, dict[str, Any]] = field(default_factory=dict)
    margins: dict[str, float] = field(default_factory=dict)
    shift_rows: dict[tuple[str, int], object] = field(default_factory=dict)


def read_sites(territory: Territory) -> tuple[Site, ...]:
    """Return the sites of the territory file, then those of its sites table.

    Raises
    ------
    SourceNotFoundError, SourceError, TerritoryError
        A source is missing or wrong, two sites have the same name, or there is no site.
    """
    sites = list(territory.sites)
    _refuse_same_names(sites, territory.path)
    source = territory.sources.sites
    if source is not None:
        path = territory.resolve(source)
        sites += read_sites_file(path, box=home_box(territory.timezone))
        _refuse_same_names(sites, path)
    if not sites:
        raise TerritoryError(
            "There is no site.",
            file=territory.path,
            column="sites",
            mend="Add a [[sites]] table, or name a CSV file as sites in [sources].",
        )
    return tuple(sites)


def read_sites_file(path: Path, *, box: Box | None = EUROPE) -> list[Site]:
    """Read sites from a CSV, a point layer, or a TOML file of ``[[sites]]`` tables.

    Raises
    ------
    SourceNotFoundError, SourceError, TerritoryError
        The file is missing or wrong; the error names row, field, value and mend.

    Notes
    -----
    Sites outside ``box`` (west, south, east, north) that would be inside once longitude and
    latitude are exchanged are an error.
    """
    if path.suffix.lower() == ".toml" and path.is_file():
        return _read_sites_toml(path)
    return sites_from_table(read_table(path), box=box)


def _read_sites_toml(path: Path) -> list[Site]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TerritoryError(
            "It is no valid TOML: {reason}.",
            file=path,
            mend="Mend the line named above; text stands between quotes, UTF-8 encoded.",
            reason=str(error),
        ) from None
    rows = data.get("sites", [])
    if not isinstance(rows, list):
        rows = [rows]
    sites = []
    for number, row in enumerate(rows, 1):
        try:
            sites.append(Site.model_validate(row))
        except ValidationError as error:
            known = explain_validation(error, path)
            known.row = number
            raise known from None
    return sites


def sites_from_table(table: Table, *, box: Box | None = EUROPE) -> list[Site]:
    """Merge the rows of a table into sites, in order of first appearance.

    Raises
    ------
    SourceError
        A field is wrong; the error names row, field, value and mend.
    """
    table = _with_coordinates(table)
    columns = {k: table.find(k, names) for k, names in ALIASES.items()}
    columns["name"] = table.need("name", ALIASES["name"])
    texts = {k: list(table.texts(c)) for k, c in columns.items() if c is not None}
    numbers = _numbers(table, columns, box)
    drafts: dict[str, _Draft] = {}
    for i, row in enumerate(table.frame.index):
        fields = {k: values[i] for k, values in texts.items()}
        if not fields["name"]:
            raise table.error(
                "The site has no name.",
                row=row,
                column=columns["name"],
                mend="Write the name of the site on each of its rows.",
            )
        draft = drafts.setdefault(fold(fields["name"]), _Draft(fields["name"], row))
        _Row(table, columns, row, fields, {k: float(v[i]) for k, v in numbers.items()}).add(draft)
    return [_finish(table, draft) for draft in drafts.values()]


def _with_coordinates(table: Table) -> Table:
    """Give a layer the columns lon and lat, from its geometry."""
    if not isinstance(table.frame, gpd.GeoDataFrame):
        return table
    frame = to_lonlat(table.frame, table.file)
    points = frame.geometry.representative_point()
    frame = frame.drop(columns=[c for c in frame.columns if fold(c) in {"lon", "lat"}])
    plain = frame.drop(columns="geometry").assign(lon=points.x, lat=points.y)
    return Table(table.file, plain, decimal_comma=table.decimal_comma)


def _numbers(
    table: Table, columns: dict[str, str | None], box: Box | None
) -> dict[str, np.ndarray]:
    """Return the numeric columns present; NaN where a field is empty."""
    bounds = {
        "lon": (-np.inf, np.inf, ""),
        "lat": (-np.inf, np.inf, ""),
        "headcount": (0, _MAX_HEADCOUNT, "Write a whole number of workers, 0 or more."),
        "margin_in_min": (0, 180, "Write minutes, from 0 to 180."),
        "margin_out_min": (0, 180, "Write minutes, from 0 to 180."),
    }
    numbers: dict[str, np.ndarray] = {}
    for key, (low, high, mend) in bounds.items():
        column = columns[key]
        if column is None:
            continue
        empty = (table.texts(column) == "").to_numpy()
        filled = table.numbers(column, minimum=low, maximum=high, missing=0.0, bounds_mend=mend)
        numbers[key] = np.where(empty, np.nan, filled)
    _check_places(table, columns, numbers, box)
    return numbers


def _check_places(
    table: Table,
    columns: dict[str, str | None],
    numbers: dict[str, np.ndarray],
    box: Box | None,
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
    known = ~np.isnan(lon)
    check_lonlat(
        Table(table.file, table.frame[known]),
        lon[known],
        lat[known],
        column=f"{columns['lon']}, {columns['lat']}",
        mend="Write longitude and latitude in degrees, e.g. -1.4262 and 46.6705.",
    )
    refuse_swapped(
        Table(table.file, table.frame[known]),
        lon[known],
        lat[known],
        column=f"{columns['lon']}, {columns['lat']}",
        box=box,
    )


@dataclass(frozen=True)
class _Row:
    """One row of the sites table."""

    table: Table
    columns: dict[str, str | None]
    row: object
    texts: dict[str, str]
    numbers: dict[str, float]

    def text(self, key: str) -> str:
        return self.texts.get(key, "")

    def number(self, key: str) -> float | None:
        value = self.numbers.get(key, np.nan)
        return None if np.isnan(value) else value

    def error(self, key: str, problem: str, mend: str, **params: object) -> SourceError:
        return self.table.error(
            problem,
            row=self.row,
            column=self.columns.get(key) or key,
            value=self.text(key) or None,
            mend=mend,
            **params,
        )

    def add(self, draft: _Draft) -> None:
        """Add what the row says to its site."""
        self._add_employer(draft)
        lon, lat = self.number("lon"), self.number("lat")
        if lon is not None and lat is not None and (lon, lat) not in draft.gates:
            draft.gates.append((lon, lat))
        for key in ("margin_in_min", "margin_out_min"):
            margin = self.number(key)
            if margin is None:
                continue
            if draft.margins.setdefault(key, margin) != margin:
                raise self.error(
                    key,
                    "Another row of this site says otherwise ({other}).",
                    "Write the same on each row of the site, or once.",
                    other=f"{draft.margins[key]:g}",
                )
        if self.text("start") or self.text("end"):
            self._add_shift(draft)
        elif self.text("roster") or self.text("shift"):
            self._add_template(draft)
        elif self.number("headcount"):
            raise self.error(
                "roster",
                "The row has a headcount but neither roster nor hours.",
                'Write a roster, e.g. 3x8, or "start" and "end".',
            )

    def _add_employer(self, draft: _Draft) -> None:
        employer = self.text("employer")
        if not employer:
            return
        if draft.employer and fold(draft.employer) != fold(employer):
            raise self.error(
                "employer",
                "Two sites have the same name {name!r} (the other employer is {other!r}).",
                "Give each site a name of its own.",
                name=draft.name,
                other=draft.employer,
            )
        draft.employer = draft.employer or employer

    def _headcount(self) -> int:
        value = self.number("headcount") or 0.0
        if value != int(value):
            raise self.error(
                "headcount", "It is no whole number.", "Write a whole number of workers, 0 or more."
            )
        return int(value)

    def _add_template(self, draft: _Draft) -> None:
        key = "roster" if self.text("roster") else "shift"
        name = self.text(key)
        template = roster_template(name)
        if template is None:
            error = unknown_value(
                self.table, self.row, self.columns[key] or key, name, list(ROSTER_TEMPLATES)
            )
            error.mend = 'Choose a known roster, or write the hours in "start" and "end".'
            raise error
        if fold(name) in draft.rosters:
            raise self.error(
                key, "This roster stands twice at this site.", "Merge the two rows into one."
            )
        draft.rosters[fold(name)] = {
            "name": name,
            "template": template,
            "headcount": self._headcount(),
        }

    def _add_shift(self, draft: _Draft) -> None:
        for key in ("start", "end"):
            if not self.text(key):
                raise self.error(key, "This field is empty.", 'Write a time of day, e.g. "05:00".')
        start, end = self.text("start"), self.text("end")
        name = self.text("shift") or f"{start}–{end}"
        roster = self.text("roster") or name
        into = draft.rosters.setdefault(fold(roster), {"name": roster, "shifts": []})
        if "shifts" not in into:
            raise self.error(
                "roster",
                "This roster stands twice at this site.",
                "Give the shift with hours a roster name of its own.",
            )
        if any(fold(s["name"]) == fold(name) for s in into["shifts"]):
            raise self.error(
                "shift",
                "This shift stands twice in the same roster of this site.",
                "Merge the two rows, or name the shifts differently.",
            )
        draft.shift_rows[roster, len(into["shifts"])] = self.row
        shift: dict[str, Any] = {
            "name": name,
            "start": _clock_text(start),
            "end": _clock_text(end),
            "headcount": self._headcount(),
        }
        if self.text("days"):
            shift["days"] = days_text(self.text("days"))
        self._check_shift(shift)
        into["shifts"].append(shift)

    def _check_shift(self, shift: dict[str, Any]) -> None:
        try:
            Site.model_validate(
                {"name": "-", "gates": [(0, 0)], "rosters": [{"name": "-", "shifts": [shift]}]}
            )
        except ValidationError as error:
            known = explain_validation(error, None)
            key = str(error.errors()[0]["loc"][-1])
            key = key if key in self.columns else "days" if "days" in str(known.column) else key
            raise self.error(key, known.problem, known.mend or "") from None


def roster_template(name: str) -> str | None:
    """Return the roster template a name stands for, in English or French, or None."""
    for known in ROSTER_TEMPLATES:
        if fold(known) == fold(name):
            return known
    plain = name.strip().casefold().replace(" ", "")
    return next((t for a, t in ROSTER_ALIASES.items() if plain == a.casefold()), None)


def days_text(text: str) -> str:
    """Return a list of days written in French or English as ``mon-fri`` or ``sat,sun``."""
    words = text.strip().casefold().replace(" à ", "-").replace(" au ", "-").replace(";", ",")
    words = words.replace("/", ",").replace(" et ", ",").replace("–", "-")
    parts = [p.split("-") for p in words.replace(" ", "").split(",")]
    return ",".join("-".join(FRENCH_DAYS.get(w.rstrip("."), w) for w in p) for p in parts)


def _clock_text(text: str) -> str:
    """Return ``05:00`` of ``5`` or ``5h``; anything else unchanged."""
    plain = text.strip().casefold()
    if plain.isdigit() and len(plain) <= 2:
        return f"{plain}:00"
    return plain


def _finish(table: Table, draft: _Draft) -> Site:
    if not draft.gates:
        raise table.error(
            "The site {name!r} has no gate.",
            row=draft.row,
            column="lon, lat",
            mend="Write the longitude and latitude of at least one gate.",
            name=draft.name,
        )
    if not draft.rosters:
        raise table.error(
            "The site {name!r} has no shift.",
            row=draft.row,
            column="roster",
            mend='Write a roster, e.g. 3x8, or "start" and "end".',
            name=draft.name,
        )
    data = {
        "name": draft.name,
        "employer": draft.employer,
        "gates": draft.gates,
        "rosters": list(draft.rosters.values()),
        **draft.margins,
    }
    try:
        return Site.model_validate(data)
    except ValidationError as error:
        known = explain_validation(error, table.file)
        known.row = row_number(draft.row)
        raise known from None


def _refuse_same_names(sites: Iterable[Site], file: Path | None) -> None:
    seen: dict[str, str] = {}
    for number, site in enumerate(sites, 1):
        if fold(site.name) in seen:
            raise TerritoryError(
                "Two sites have the same name.",
                file=file,
                row=number,
                column="sites.name",
                value=site.name,
                mend="Give each site a name of its own.",
            )
        seen[fold(site.name)] = site.name


__all__ = [
    "ALIASES",
    "days_text",
    "read_sites",
    "read_sites_file",
    "roster_template",
    "sites_from_table",
]
