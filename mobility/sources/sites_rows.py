"""Rows of a sites table, gathered into sites: each adds a gate, a roster or a shift.

And lists of dates and hours that were, or will be, worked: tides, harvests, orders of the day.
Headers, rosters, days and times are read in French and in English.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from mobility.base.clock import DAY_S, parse_clock
from mobility.base.errors import Finding, SourceError
from mobility.sources.columns import Table, fold, row_number, unknown_value
from mobility.sources.homes.zones import plain_code
from mobility.sources.tables import read_table
from mobility.territory.project import Site, Territory
from mobility.territory.rosters import ENGLISH_SHIFTS, ROSTER_TEMPLATES
from mobility.territory.validation import explain_validation

_HEADINGS = tomllib.loads((files(__package__) / "headings.toml").read_text(encoding="utf-8"))
#: How people head each column of a sites table.
ALIASES: dict[str, tuple[str, ...]] = {k: tuple(v) for k, v in _HEADINGS["sites"].items()}
_ROSTER_ALIASES: dict[str, str] = _HEADINGS["rosters"]
_CLOCK = r"\d{1,2}(?: ?[h:](?: ?\d{2})?)?|\d{4}"
_BOTH_HOURS = re.compile(rf"(?:de )?({_CLOCK}) ?(?:-|–|—|/|→|à|a|to) ?({_CLOCK})", re.IGNORECASE)
_WORDS_OF_TIME = {"minuit": "00:00", "midnight": "00:00", "midi": "12:00", "noon": "12:00"}


@dataclass
class Draft:
    """A site while its rows are gathered."""

    name: str
    row: object
    employer: str = ""
    commune: str = ""
    gates: list[tuple[float, float]] = field(default_factory=list)
    rosters: dict[str, dict[str, Any]] = field(default_factory=dict)
    margins: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One row of the sites table."""

    table: Table
    columns: dict[str, str | None]
    row: object
    texts: dict[str, str]
    numbers: dict[str, float]

    def text(self, key: str) -> str:
        """Return a field's text, empty where there is none."""
        return self.texts.get(key, "")

    def number(self, key: str) -> float | None:
        """Return a field's number, None where it is empty."""
        value = self.numbers.get(key, np.nan)
        return None if np.isnan(value) else value

    def error(self, key: str, problem: str, mend: str, **params: object) -> SourceError:
        """Return an error about a field of this row."""
        return self.table.error(
            problem,
            row=self.row,
            column=self.columns.get(key) or key,
            value=self.text(key) or None,
            mend=mend,
            **params,
        )

    def add(self, draft: Draft) -> None:
        """Add what the row says to its site."""
        employer = self.text("employer")
        if employer and draft.employer and fold(draft.employer) != fold(employer):
            raise self.error(
                "employer",
                "Two sites have the same name {name!r} (the other employer is {other!r}).",
                "Give each site a name of its own.",
                name=draft.name,
                other=draft.employer,
            )
        draft.employer = draft.employer or employer
        draft.commune = draft.commune or plain_code(self.text("commune"))
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
        hours = self._hours()
        if hours is not None:
            self._add_shift(draft, *hours)
        elif self.text("roster") or self.text("shift"):
            self._add_template(draft)
        elif self.number("headcount"):
            raise self.error(
                "roster",
                "The row has a headcount but neither roster nor hours.",
                'Write a roster, e.g. "3x8", or "start" and "end".',
            )

    def _headcount(self) -> int:
        value = self.number("headcount") or 0.0
        if value != int(value):
            raise self.error(
                "headcount", "It is no whole number.", "Write a whole number of workers, 0 or more."
            )
        return int(value)

    def _unknown(self, key: str, known: list[str], mend: str) -> SourceError:
        """Return an error about a field that is none of those known."""
        column, value = self.columns[key] or key, self.text(key)
        error = unknown_value(self.table, self.row, column, value, known)
        error.mend = mend
        return error

    def _add_template(self, draft: Draft) -> None:
        key = "roster" if self.text("roster") else "shift"
        name = self.text(key)
        template = roster_template(name)
        if template is None:
            mend = 'Choose a known roster, or write the hours in "start" and "end".'
            raise self._unknown(key, list(ROSTER_TEMPLATES), mend)
        listed = [dict(shift) for shift in ROSTER_TEMPLATES[template]]
        if self.text("days"):
            listed = [shift | {"days": self.text("days")} for shift in listed]
            self._check_shift(listed[0])
        if key == "roster" and self.text("shift"):
            self._add_of_template(draft, name, template, listed)
            return
        if fold(name) in draft.rosters:
            raise self.error(
                key, "This roster stands twice at this site.", "Merge the two rows into one."
            )
        draft.rosters[fold(name)] = {
            "name": name,
            "template": template,
            "shifts": listed,
            "headcount": self._headcount(),
        }

    def _add_of_template(
        self, draft: Draft, name: str, template: str, listed: list[dict[str, Any]]
    ) -> None:
        """Add the one shift of a known roster that the row names."""
        wanted = fold(self.text("shift"))
        names = {fold(s["name"]): s for s in listed}
        names |= {fold(ENGLISH_SHIFTS[s["name"]]): s for s in listed if s["name"] in ENGLISH_SHIFTS}
        if wanted not in names:
            mend = 'Name a shift of this roster, or write the hours in "start" and "end".'
            raise self._unknown("shift", [s["name"] for s in listed], mend)
        shift = names[wanted] | {"headcount": self._headcount()}
        into = draft.rosters.setdefault(
            fold(name), {"name": name, "template": template, "shifts": []}
        )
        twice = any(s["name"] == shift["name"] for s in into["shifts"])
        if twice or into.get("template") != template or "headcount" in into:
            raise self.error(
                "shift", "This roster stands twice at this site.", "Merge the two rows into one."
            )
        into["shifts"].append(shift)

    def _hours(self) -> tuple[str, str] | None:
        """Return the start and end of the shift, also where one field holds both; None without."""
        start, end = self.text("start"), self.text("end")
        if not end:
            fields = ("start",) if start else ("hours", "shift", "roster")
            both = next((found for key in fields if (found := both_hours(self.text(key)))), None)
            # Of one column the heading may mean hours, or the roster.
            if both is None and self.text("hours") not in ("", self.text("roster")):
                mend = 'Write one start and one end, e.g. "05:00-13:00", or empty the field.'
                raise self.error("hours", "These are no hours of one shift.", mend)
            if both is not None or not start:
                return both
        for key in ("start", "end"):
            if not self.text(key):
                raise self.error(key, "This field is empty.", 'Write a time of day, e.g. "05:00".')
        return start, end

    def _add_shift(self, draft: Draft, start: str, end: str) -> None:
        name = self.text("shift") or f"{start}–{end}"
        told = self.text("roster")
        roster = name if not told or both_hours(told) else told
        into = draft.rosters.setdefault(fold(roster), {"name": roster, "shifts": []})
        if "template" in into:
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
        shift: dict[str, Any] = {
            "name": name,
            "start": _clock_text(start),
            "end": _clock_text(end, ends=True),
            "headcount": self._headcount(),
        }
        if self.text("days"):
            shift["days"] = self.text("days")
        self._check_shift(shift)
        into["shifts"].append(shift)

    def _check_shift(self, shift: dict[str, Any]) -> None:
        try:
            Site.model_validate(
                {"name": "-", "gates": [(0, 0)], "rosters": [{"name": "-", "shifts": [shift]}]}
            )
        except ValidationError as error:
            known = explain_validation(error, None)
            places = str(known.column).split(".")
            key = "days" if "days" in places else places[-1]
            raise self.error(key, known.problem, known.mend or "", **known.params) from None


def finished(table: Table, draft: Draft) -> Site:
    """Return the site its rows describe.

    Raises
    ------
    SourceError, TerritoryError
        It has no gate or no shift, or a field is out of bounds.
    """
    for there, column, problem, mend in (
        (draft.gates, "lon, lat", "The site {name!r} has no gate.",
         "Write the longitude and latitude of at least one gate."),
        (draft.rosters, "roster", "The site {name!r} has no shift.",
         'Write a roster, e.g. "3x8", or "start" and "end".'),
    ):  # fmt: skip
        if not there:
            raise table.error(problem, row=draft.row, column=column, mend=mend, name=draft.name)
    data = {
        "name": draft.name,
        "employer": draft.employer,
        "commune": draft.commune,
        "gates": draft.gates,
        "rosters": list(draft.rosters.values()),
        **draft.margins,
    }
    try:
        return Site.model_validate(data)
    except ValidationError as error:
        known = explain_validation(error, table.file, Site)
        known.row = row_number(draft.row)
        raise known from None


def roster_template(name: str) -> str | None:
    """Return the roster template a name stands for, in English or French, or None."""
    known = next((t for t in ROSTER_TEMPLATES if fold(t) == fold(name)), None)
    plain = name.strip().casefold().replace(" ", "")
    return known or next((t for a, t in _ROSTER_ALIASES.items() if plain == a.casefold()), None)


def both_hours(text: str) -> tuple[str, str] | None:
    """Return the start and the end that one text tells: ``5h-13h``, ``de 5h à 13h``; else None."""
    found = _BOTH_HOURS.fullmatch(text.strip())
    # 3/8 is a way to write 3x8.
    return (found[1], found[2]) if found and re.search(r"[h:]|\d{3}", text.casefold()) else None


def _clock_text(text: str, *, ends: bool = False) -> str:
    """Return ``05:00`` of ``5``, ``500``, ``5 am``, ``29:00``, ``0.208333``; else unchanged.

    Below 1 a number is a fraction of a day, as a sheet without a time format gives it. Any
    other with decimals could be hours and minutes or hours and tenths, and stays as it is. An
    end may be reckoned on past midnight.
    """
    dated = re.fullmatch(r"\d{4}-\d\d-\d\d[T ](\d\d:\d\d)(?::\d\d)?", text.strip())
    if dated is not None:  # a cell that holds a day too, of which the shift tells nothing
        return dated[1]
    plain = "".join(text.casefold().split()).replace(",", ".").removesuffix("min")
    if plain in _WORDS_OF_TIME:
        return _WORDS_OF_TIME[plain]
    half = re.fullmatch(r"(\d{1,2})((?::\d\d)*)([ap])\.?m\.?", plain)
    if half is not None and 1 <= int(half[1]) <= 12:
        return f"{int(half[1]) % 12 + 12 * (half[3] == 'p'):02}{half[2] or ':00'}"
    if re.fullmatch(r"\d{1,2}", plain):
        return f"{plain}:00"
    if re.fullmatch(r"\d{3,4}", plain):
        return f"{plain[:-2]}:{plain[-2:]}"
    if re.fullmatch(r"0?\.\d+(?:e-\d+)?", plain):
        minutes = round(float(plain) * 24 * 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    late = re.fullmatch(r"(\d{2})([:h](\d{0,2}).*)", plain) if ends else None
    if late is not None and 24 <= int(late[1]) < 48 and (late[1] != "24" or int(late[3] or 0)):
        return f"{int(late[1]) - 24:02}{late[2]}"
    return plain


_FRENCH_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


@dataclass(frozen=True, order=True)
class Worked:
    """One day of one site's list: local wall-clock seconds, the end on the next day if earlier."""

    site: int
    roster: str
    date: dt.date
    start_s: int
    end_s: int


def rosters_worked(territory: Territory, sites: Sequence[Site]) -> dict[Path, list[Worked]]:
    """Return the lists that rosters give as ``dates``, by file; rosters may share one.

    Raises
    ------
    SourceError
        A list is wrong.
    """
    found: dict[Path, list[Worked]] = {}
    for index, site in enumerate(sites):
        for roster in site.rosters:
            if roster.dates is not None:
                path = territory.resolve(roster.dates)
                days = read_worked(path, [site.name], roster.name)
                found.setdefault(path, []).extend(replace(day, site=index) for day in days)
    return found


def read_worked(
    path: Path,
    sites: Sequence[str],
    roster: str | None = None,
    findings: list[Finding] | None = None,
) -> list[Worked]:
    """Read a list: a row per day, with ``date``, ``start``, ``end``, and ``site``, ``roster``.

    ``site`` may be left out where there is one only. Dates are written ``2026-11-17`` or
    ``17/11/2026``; a row that repeats another is read as often.

    Parameters
    ----------
    sites
        Those that a row may name.
    roster
        The only one that a row may name, and that of rows that name none.
    findings
        Gets a warning about the columns that are not read.

    Raises
    ------
    SourceError
        A column is missing, a site unknown, or a field no date or time of day.
    """
    table = read_table(path)
    names = list(sites)
    columns = {
        "date": table.need("date", ("jour", "day")),
        "start": table.need("start", ALIASES["start"]),
        "end": table.need("end", ALIASES["end"]),
        "site": table.find("site", ALIASES["name"]),
        "roster": table.find("roster", ALIASES["roster"]),
    }
    if columns["site"] is None and len(names) > 1:
        # It is not there: this tells so.
        table.need("site", ALIASES["name"])
    left = table.left(columns.values())
    if findings is not None and left:
        message = (
            "{count} columns of the list are not read; if one of them is the site or the roster, "
            "call it site or roster"
        )
        told = (message, path.name, len(left), tuple(left[:5]))
        findings.append(Finding("warning", "list_columns_not_read", *told))
    texts = {key: table.texts(c) for key, c in columns.items() if c is not None}
    found = []
    at = {write(name): k for write in (fold, str) for k, name in enumerate(names)}
    for k, row in enumerate(table.frame.index):
        site = texts["site"].iloc[k] if "site" in texts else names[0]
        index = at.get(site, at.get(fold(site)))
        if index is None:
            raise unknown_value(table, row, str(columns["site"]), site, names)
        start_s, end_s = (
            _clock(table, row, str(columns[key]), texts[key].iloc[k], ends=key == "end")
            for key in ("start", "end")
        )
        if start_s == end_s:
            raise table.error(
                "It ends when it starts.",
                row=row,
                column=columns["end"],
                value=texts["end"].iloc[k],
                mend="Correct its start or its end; a shift is shorter than a day.",
            )
        date = read_date(table, row, str(columns["date"]), texts["date"].iloc[k])
        named = texts["roster"].iloc[k] if "roster" in texts else ""
        if roster is not None and fold(named) not in ("", fold(roster)):
            raise unknown_value(table, row, str(columns["roster"]), named, [roster])
        found.append(Worked(index, roster or named, date, start_s, end_s))
    return sorted(found)


def _clock(table: Table, row: object, column: str, text: str, *, ends: bool) -> int:
    try:
        second = parse_clock(_clock_text(text, ends=ends))
    except ValueError:
        second = -1
    # A start at 24:00 is of the next date, which the row does not say.
    if second < 0 or (second == DAY_S and not ends):
        raise table.error(
            "It is no time of day.",
            row=row,
            column=column,
            value=text,
            mend='Write a time of day, e.g. "05:00".',
        )
    return second % DAY_S


def read_date(table: Table, row: object, column: str, text: str) -> dt.date:
    """Return the date a field tells, as ``2026-11-17``, ``20261117`` or ``17/11/2026``."""
    match = _FRENCH_DATE.fullmatch(text)
    try:
        if match is not None:
            return dt.date(int(match[3]), int(match[2]), int(match[1]))
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise table.error(
            "It is no date.",
            row=row,
            column=column,
            value=text,
            mend="Write it as 2026-11-17 or 17/11/2026.",
        ) from None
