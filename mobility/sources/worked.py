"""Lists of dates and hours that were, or will be, worked: tides, harvests, orders of the day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mobility.base.clock import DAY_S, parse_clock
from mobility.base.errors import Finding
from mobility.sources.columns import Table, fold, unknown_value
from mobility.sources.sites_rows import ALIASES, clock_text
from mobility.sources.tables import read_table
from mobility.territory.project import Territory
from mobility.territory.rosters import Site

_DATE_ALIASES = ("jour", "day")
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
    ``17/11/2026``.

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
        "date": table.need("date", _DATE_ALIASES),
        "start": table.need("start", ALIASES["start"]),
        "end": table.need("end", ALIASES["end"]),
        "site": table.find("site", ALIASES["name"]),
        "roster": table.find("roster", ALIASES["roster"]),
    }
    if columns["site"] is None and len(names) > 1:
        # It is not there: this tells so.
        table.need("site", ALIASES["name"])
    known = {*columns.values(), "geometry"}
    left = [str(c) for c in table.frame.columns if c not in known and (table.texts(c) != "").any()]
    if findings is not None and left:
        message = (
            "{count} columns of the list are not read; if one of them is the site or the roster, "
            "call it site or roster"
        )
        findings.append(
            Finding(
                "warning", "list_columns_not_read", message, path.name, len(left), tuple(left[:5])
            )
        )
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
        date = _date(table, row, str(columns["date"]), texts["date"].iloc[k])
        named = texts["roster"].iloc[k] if "roster" in texts else ""
        if roster is not None and fold(named) not in ("", fold(roster)):
            raise unknown_value(table, row, str(columns["roster"]), named, [roster])
        found.append(Worked(index, roster or named, date, start_s, end_s))
    return sorted(set(found))


def _clock(table: Table, row: object, column: str, text: str, *, ends: bool) -> int:
    try:
        second = parse_clock(clock_text(text, ends=ends))
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


def _date(table: Table, row: object, column: str, text: str) -> dt.date:
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
