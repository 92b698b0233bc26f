"""The report's tables: their columns in words and units, their values as typed frames.

Each table stands here once; the page, the PDF and the workbook show the same ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from mobility.base.clock import format_clock
from mobility.commute.access import Access
from mobility.commute.comparison import comparison
from mobility.commute.indicators import LATE_BREAKS, by_group, by_overtime, by_shift, summary
from mobility.commute.study import Study
from mobility.commute.white_zones import REASONS, WhiteZones
from mobility.outputs.map.texts import ENGLISH
from mobility.outputs.parameters import parameter_rows
from mobility.outputs.words import Words

Kind = Literal[
    "text", "count", "value", "share", "clock", "date", "flag", "reason", "roster", "day", "group"
]  # fmt: skip
NUMERIC = ("count", "value", "share", "clock")


@dataclass(frozen=True)
class Column:
    """A column: its key in the frame, its heading (English template) and what it holds."""

    key: str
    heading: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Sheet:
    """A table: a short name, what it tells, its columns and its rows."""

    name: str
    note: str
    columns: tuple[Column, ...]
    frame: pd.DataFrame

    def only(self, *keys: str, rows: Iterable[bool] | None = None) -> Sheet:
        """Return the sheet with some columns, and some rows, only."""
        frame = self.frame if rows is None else self.frame[list(rows)]
        columns = tuple(c for c in self.columns if not keys or c.key in keys)
        return replace(self, columns=columns, frame=frame)


def cell_text(words: Words, study: Study, kind: Kind, value: object) -> str:
    """Return a value as people read it."""
    if kind == "count":
        return words.number(value)
    if kind == "value":
        return words.value(value)
    if kind == "share":
        return words.percent(value)
    if kind == "clock":
        return format_clock(int(str(value)))
    if kind == "date":
        return words.date(value) if isinstance(value, dt.date) else str(value)
    if kind == "flag":
        return words.t("yes" if value else "no")
    return word(words, study, kind, str(value))


def word(words: Words, study: Study, kind: Kind, value: str) -> str:
    """Return the words of a reason, a roster or a kind of day; other texts as they are."""
    if kind == "reason":
        return words.reason(value)
    if kind == "roster":
        return words.roster(value)
    if kind == "day":
        found = next((day for day in study.days if day.kind == value), None)
        return words.day(found) if found else words.t("all working days")
    if kind == "group":
        return words.known("group", value).replace("_", " ")
    return value


SITE = (Column("site", "Site"), Column("roster", "Roster", "roster"))
SHIFT = (*SITE, Column("shift", "Shift"), Column("day_kind", "Kind of day", "day"))
POOL = Column("pool", "Labour pool (workers)", "count")
REASON_COLUMNS = tuple(
    Column(f"reason_{name}", ENGLISH[f"reason {name}"], "count") for name in REASONS if name
)


def all_sheets(
    access: Access, zones: WhiteZones, before: Access | None, words: Words
) -> dict[str, Sheet]:
    """Return every table of a report, by key; empty ones are left out."""
    study = access.study
    shifts = by_shift(access, zones)
    sheets = {
        "summary": _summary(access, zones),
        "shifts": _shifts(shifts, study),
        "reasons": Sheet(
            "Reasons",
            "Workers in a white zone by the first limit that binds.",
            (*SHIFT, POOL, *REASON_COLUMNS),
            shifts,
        ),
        "late": _late(access),
        "groups": _groups(access),
        "days": _days(study, words),
        "findings": _findings(study, words),
        "parameters": _parameters(study, words),
        "sources": _sources(study, words),
    }
    if before is not None:
        sheets["comparison"] = _comparison(before, access)
    return {key: sheet for key, sheet in sheets.items() if len(sheet.frame)}


def _summary(access: Access, zones: WhiteZones) -> Sheet:
    return Sheet(
        "Summary",
        "Who can hold each roster, on every shift and kind of working day.",
        (
            SITE[0],
            Column("employer", "Employer"),
            SITE[1],
            Column("headcount", "Jobs", "count"),
            POOL,
            Column("reachable", "There and back (workers)", "count"),
            Column("white", "In a white zone (workers)", "count"),
            Column("one_way_only", "One way only (workers)", "count"),
            Column("neither", "Neither direction (workers)", "count"),
            Column("share", "Share of the pool", "share"),
            Column("is_white", "White site", "flag"),
            Column("main_reason", "Main reason", "reason"),
        ),
        summary(access, zones),
    )


def _shifts(frame: pd.DataFrame, study: Study) -> Sheet:
    hours = {(s.site_name, s.roster, s.shift): (s.start_s, s.end_s) for s in study.shift_rows}
    frame = frame.copy()
    names = list(zip(frame["site"], frame["roster"], frame["shift"], strict=True))
    frame["start_s"] = [hours[name][0] for name in names]
    frame["end_s"] = [hours[name][1] for name in names]
    return Sheet(
        "Shifts",
        "Who can take each shift and come back, by kind of day.",
        (
            *SHIFT,
            Column("start_s", "Start", "clock"),
            Column("end_s", "End", "clock"),
            Column("headcount", "Jobs", "count"),
            POOL,
            Column("reachable", "There and back (workers)", "count"),
            Column("white", "In a white zone (workers)", "count"),
            Column("outbound_only", "Outbound only (workers)", "count"),
            Column("return_only", "Return only (workers)", "count"),
            Column("neither", "Neither direction (workers)", "count"),
            Column("share", "Share of the pool", "share"),
            Column("is_white", "White site", "flag"),
            Column("main_reason", "Main reason", "reason"),
        ),
        frame,
    )


def _late(access: Access) -> Sheet:
    headings = (
        "Up to 14 min late (workers)",
        "15–29 min late (workers)",
        "30–59 min late (workers)",
        "60–119 min late (workers)",
        "120 min late or more (workers)",
    )
    return Sheet(
        "Last return",
        "Workers by the overtime after which public transport still takes them home.",
        (
            *SHIFT,
            Column("end_s", "End", "clock"),
            POOL,
            Column("no_return", "No way home, even on time (workers)", "count"),
            *(
                Column(f"late_{m}", heading, "count")
                for m, heading in zip(LATE_BREAKS, headings, strict=True)
            ),
        ),
        by_overtime(access),
    )


def _groups(access: Access) -> Sheet:
    return Sheet(
        "Groups",
        "Who can hold each roster, among groups of the population.",
        (
            *SITE,
            Column("group", "Group", "group"),
            Column("total", "Persons", "count"),
            Column("reachable", "There and back (persons)", "count"),
            Column("share", "Share of the group", "share"),
        ),
        by_group(access),
    )


def _comparison(before: Access, after: Access) -> Sheet:
    return Sheet(
        "Before and after",
        "Workers who gain and lose a commute with the plan; no shift: the whole roster.",
        (
            *SHIFT,
            POOL,
            Column("before", "Before (workers)", "count"),
            Column("after", "After (workers)", "count"),
            Column("gained", "Workers gained", "count"),
            Column("lost", "Workers lost", "count"),
        ),
        comparison(before, after),
    )


def _days(study: Study, words: Words) -> Sheet:
    rows = [
        (
            d.kind,
            d.date,
            words.weekdays(d.weekdays),
            d.trips,
            words.set_spaces(d.reason.render(words.language)),
        )
        for d in study.days
    ]
    return Sheet(
        "Days",
        "The date that stands for each kind of day, and why.",
        (
            Column("day_kind", "Kind of day", "day"),
            Column("date", "Date", "date"),
            Column("weekdays", "Shifts starting on"),
            Column("trips", "Trips in the timetables", "count"),
            Column("why", "Why this date"),
        ),
        pd.DataFrame(rows, columns=["day_kind", "date", "weekdays", "trips", "why"]),
    )


def _findings(study: Study, words: Words) -> Sheet:
    rows = [
        (words.t(f.severity), f.source, words.set_spaces(f.render(words.language)))
        for f in study.findings
        if f.severity != "info"
    ]
    return Sheet(
        "Findings",
        "What to know about the data before reading the results.",
        (
            Column("severity", "Severity"),
            Column("source", "Source"),
            Column("text", "Finding"),
        ),
        pd.DataFrame(rows, columns=["severity", "source", "text"]),
    )


def _parameters(study: Study, words: Words) -> Sheet:
    rows = parameter_rows(study.territory, study.sites, words)
    return Sheet(
        "Parameters",
        "Every value of the territory file that the figures depend on.",
        (
            Column("meaning", "Parameter"),
            Column("value", "Value"),
            Column("unit", "Unit"),
            Column("name", "Name in the territory file"),
        ),
        pd.DataFrame(rows, columns=["meaning", "value", "unit", "name"]),
    )


def _sources(study: Study, words: Words) -> Sheet:
    roles = {"territory": "Territory", "streets": "Streets", "timetable": "Timetable"}
    roles |= {"homes": "Homes", "sites": "Sites"}
    rows = [
        (words.t(roles.get(s.role, s.role)), s.name, s.attribution, s.licence, s.sha256)
        for s in study.sources
    ]
    return Sheet(
        "Sources",
        "Every figure comes from these files and from the parameters.",
        (
            Column("role", "Source"),
            Column("name", "File"),
            Column("attribution", "Attribution"),
            Column("licence", "Licence"),
            Column("sha256", "SHA-256"),
        ),
        pd.DataFrame(rows, columns=["role", "name", "attribution", "licence", "sha256"]),
    )
