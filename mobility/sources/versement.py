"""Rates of the versement mobilité by commune, from the table of the URSSAF or one's own.

The URSSAF publishes ``tauxTransport_<date>.csv`` among its *tables de référence*: fields
between ``;``, Windows-1252, values between apostrophes, ``Code commune``, ``Libellé`` (the
authority), ``Taux AOT``, ``Taux syndicat mixte`` and ``Date effet`` (YYYYMMDD), then any
number of postal codes. A table of one's own needs ``commune`` and ``rate`` only. Rates are
in percent of the payroll.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mobility.base.errors import SourceError
from mobility.sources.columns import fold
from mobility.sources.homes.zones import Changes
from mobility.sources.layers import need_file

_COLUMNS: dict[str, tuple[str, ...]] = {
    "commune": ("code commune", "code insee", "insee", "code_commune"),
    "rate": ("taux aot", "taux", "rate_percent", "taux versement mobilite"),
    "joint": ("taux syndicat mixte", "taux smt"),
    "authority": ("libelle", "aom", "autorite"),
    "date": ("date effet", "date d'effet", "date_effet"),
}
#: No rate voted anywhere comes near it: a larger one is in another unit.
_MOST_PERCENT = 5.0
_COMMUNE = re.compile(r"\d[0-9AB]\d{3}")

_Row = tuple[int, dict[str, str]]


def read_rates(path: Path, on: dt.date) -> dict[str, float]:
    """Read the rate in force in each commune.

    The newest rate of each authority counts, its own and that of a joint body together; a
    commune with several authorities pays their sum.

    Parameters
    ----------
    path
        CSV file.
    on
        Rates that take effect later are left out.

    Returns
    -------
    dict
        INSEE code of the commune → share of the payroll.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file cannot be read, lacks a column, or holds a wrong code, rate or date; the
        error names row and column.
    """
    newest: dict[tuple[str, str], tuple[dt.date, float]] = {}
    for number, row in _rows(path):
        commune = row["commune"].zfill(5)
        if not _COMMUNE.fullmatch(commune):
            raise SourceError(
                "It is no INSEE code of a commune.",
                file=path,
                row=number,
                column="commune",
                value=row["commune"],
                mend="Write five characters, e.g. 85191 or 2A004.",
            )
        rate = sum(_percent(path, number, name, row.get(name, "")) for name in ("rate", "joint"))
        since = _date(path, number, row.get("date", ""))
        if since > on:
            continue
        key = (commune, row.get("authority", ""))
        known = newest.get(key)
        if known is None or since > known[0]:
            newest[key] = (since, rate)
        elif since == known[0]:
            newest[key] = (since, known[1] + rate)
    found: dict[str, float] = {}
    for (commune, _), (_, rate) in newest.items():
        found[commune] = round(found.get(commune, 0.0) + rate / 100, 8)
    return found


def rate_of(rates: Mapping[str, float], commune: str, changes: Changes) -> float | None:
    """Return the rate of a commune, under its own code or that of the commune of today.

    None where the table has neither, or communes merged since with several rates.
    """
    if commune in rates:
        return rates[commune]
    today = changes.of(commune)
    found = {rate for code, rate in rates.items() if changes.of(code) == today}
    return found.pop() if len(found) == 1 else None


def _rows(path: Path) -> Iterator[_Row]:
    need_file(path)
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    # Postal codes follow in any number: rows are longer than the headings.
    lines = text.splitlines()
    head = lines[0] if lines else ""
    mark = max(";,\t", key=head.count)
    names = [fold(cell) for cell in head.split(mark)]
    place = {
        wanted: next((names.index(fold(n)) for n in (wanted, *known) if fold(n) in names), None)
        for wanted, known in _COLUMNS.items()
    }
    for wanted in ("commune", "rate"):
        if place[wanted] is None:
            raise SourceError(
                "The table of rates lacks a column.",
                file=path,
                column=wanted,
                mend="Name the columns commune and rate, or give the table of the URSSAF.",
            )
    for number, cells in enumerate(csv.reader(lines[1:], delimiter=mark), start=2):
        if any(cell.strip() for cell in cells):
            yield (
                number,
                {
                    wanted: cells[k].strip().strip("'").strip() if k < len(cells) else ""
                    for wanted, k in place.items()
                    if k is not None
                },
            )


def _percent(path: Path, row: int, column: str, text: str) -> float:
    if not text:
        return 0.0
    try:
        value = float(text.replace(",", ".").removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MOST_PERCENT:
        raise SourceError(
            "A rate of versement mobilité is no percentage between 0 and {most}.",
            file=path,
            row=row,
            column=column,
            value=text,
            mend="Write it in percent of the payroll, e.g. 0.8 for 0.8 %.",
            most=_MOST_PERCENT,
        )
    return value


def _date(path: Path, row: int, text: str) -> dt.date:
    if not text:
        return dt.date.min
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SourceError(
            "A date of effect is not written YYYYMMDD.",
            file=path,
            row=row,
            column="date",
            value=text,
            mend="Write e.g. 20260101.",
        ) from None
