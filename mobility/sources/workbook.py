"""A sheet of an Excel workbook as a table of text columns, like a CSV."""

from __future__ import annotations

import datetime as dt
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from mobility.base.errors import SourceError
from mobility.sources.columns import MAX_ABOVE, MAX_LISTED, Table, check_headings

_MAX_UNPACKED = 500 << 20
"""Bytes; a sheet of a million rows unpacks to less."""
_LAST_FIRST_YEAR = 1904
"""Excel counts days from 1900, or from 1904 in workbooks made on old Macintoshes."""
_UNCOMPUTED = re.compile(
    rb'<c r="([A-Z]+)([0-9]+)"(?![^>]*t="str")[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)'
    rb"\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)
"""A formula without a value; one whose value is an empty text has the type ``str``."""
_BROKEN = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError,
    RuntimeError, SyntaxError, EOFError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""What a damaged zip or its XML gives rise to."""


def read_workbook(
    path: Path,
    *,
    sheet: str | None = None,
    columns: Callable[[str], bool] | None = None,
    private: bool = False,
    key: str = "layer",
) -> Table:
    """Read one sheet of an ``.xlsx`` or ``.xlsm`` file; by default the first to be seen with rows.

    A sheet of one line is taken where no other holds more.

    The header is the first row that is not blank. Formulas give their last value, clock times
    ``05:00``, dates ``2026-11-17``, both ``2026-11-17 05:00``.

    Raises
    ------
    SourceError
        It is no workbook, has no such sheet, or the sheet is empty.
    """
    values, others = _rows(path, sheet, key)
    rows = [[_text(value) for value in row] for row in values]
    start = next((k for k, row in enumerate(rows) if any(row)), None)
    body = [] if start is None else rows[start + 1 :]
    if start is None or not any(any(row) for row in body):
        raise SourceError(
            "It holds no rows.", file=path, mend="Fill in the file or name another one."
        )
    first_rows = tuple((k + 1, tuple(row)) for k, row in enumerate(rows) if any(row))[:MAX_ABOVE]
    check_headings(path, first_rows)
    names = rows[start]
    twice = next((n for n in names if n and names.count(n) > 1), None)
    if twice is not None:
        raise SourceError(
            "Two columns have the same name.", file=path, column=twice, mend="Rename one of them."
        )
    width = max(len(names), *map(len, body))
    body = [[*row, *[""] * (width - len(row))] for row in body]
    frame = pd.DataFrame(
        body, dtype="str", index=pd.RangeIndex(start + 2, start + 2 + len(body))
    ).fillna("")
    names += [""] * (width - len(names))
    unnamed = [n == "" for n in names]
    n_unnamed = int((frame.loc[:, unnamed] != "").any().sum())
    frame.columns = pd.Index(names)
    keep = [bool(n) and (columns is None or columns(n)) for n in names]
    frame = frame.loc[:, keep]
    return Table(
        path,
        frame[(frame != "").any(axis=1)],
        decimal_comma=True,
        private=private,
        first_rows=first_rows,
        others=others,
        unnamed=n_unnamed,
    )


def _rows(
    path: Path, sheet: str | None, key: str
) -> tuple[list[tuple[object, ...]], tuple[str, ...]]:
    """Return the values of a sheet, and the names of the others that hold something."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > _MAX_UNPACKED:
            raise _unreadable(path)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            if sheet is not None and sheet not in book.sheetnames:
                raise SourceError(
                    "There is no layer {layer!r}; the layers are: {listed}.",
                    file=path,
                    mend='Write {key} = "..." in the territory file.',
                    key=key,
                    layer=sheet,
                    listed=", ".join(book.sheetnames[:MAX_LISTED]),
                )
            shown = [page for page in book.worksheets if page.sheet_state == "visible"]
            rows = {page.title: _rows_held(page) for page in shown or book.worksheets}
            filled = [title for title, held in rows.items() if held]
            # A table has headings and rows; a sheet of one line is a title or a note.
            tables = [title for title in filled if rows[title] > 1]
            name = sheet or next(iter([*tables, *filled]), book.sheetnames[0])
            others = tuple(title for title in filled if title != name)
            _refuse_uncomputed(path, book[name])
            return list(book[name].iter_rows(values_only=True)), others
        finally:
            book.close()
    except SourceError:
        raise
    except (*_BROKEN, InvalidFileException):
        raise _unreadable(path) from None


def _rows_held(page: Any) -> int:
    """Return how many rows of a sheet hold something, 2 for more."""
    page.reset_dimensions()
    held = (row for row in page.iter_rows(values_only=True) if any(v is not None for v in row))
    return sum(1 for _ in islice(held, 2))


def _refuse_uncomputed(path: Path, page: Any) -> None:
    """Raise where a formula has no value: a program wrote it that does not reckon."""
    with zipfile.ZipFile(path) as archive:
        found = _UNCOMPUTED.search(archive.read(page._worksheet_path.lstrip("/")))
    if found is not None:
        raise SourceError(
            "The formula of cell {cell} has no value: it was never reckoned.",
            file=path,
            row=int(found[2]),
            mend="Open the workbook in a spreadsheet and save it again.",
            cell=(found[1] + found[2]).decode(),
        )


def _unreadable(path: Path) -> SourceError:
    return SourceError(
        "It cannot be read as an Excel workbook.",
        file=path,
        mend="Save the sheet as CSV (in Excel: Save as, CSV UTF-8) and name that file.",
    )


def _text(value: object) -> str:
    """Return a cell as it would be typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    if isinstance(value, dt.time):
        return _clock(_since_midnight(value))
    if isinstance(value, dt.datetime):
        # A clock time reckoned past midnight is a date of Excel's first days: 1900-01-01 05:00.
        if value.year <= _LAST_FIRST_YEAR:
            return _clock(_since_midnight(value))
        day, clock = value.date().isoformat(), _clock(_since_midnight(value))
        return day if clock == "00:00" else f"{day} {clock}"
    if isinstance(value, dt.timedelta):
        return _clock(value)
    return str(value).strip()


def _since_midnight(value: dt.time | dt.datetime) -> dt.timedelta:
    return dt.timedelta(
        hours=value.hour, minutes=value.minute, seconds=value.second,
        microseconds=value.microsecond,
    )  # fmt: skip


def _clock(time: dt.timedelta) -> str:
    """Return ``05:00``, to the nearest minute: a sheet reckons in fractions of a day."""
    minutes = round(time.total_seconds() / 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
