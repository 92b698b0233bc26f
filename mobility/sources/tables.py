"""Tables from outside (CSV, Excel, any GeoPandas layer) → checked columns, with clear errors.

A CSV may come from a French spreadsheet: ``;`` between fields, decimal commas, Windows-1252
or UTF-8 with a byte-order mark. Rows keep their number in the file (the header being row 1) as
the index of the frame, so that every later complaint can name the row.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.base.errors import SourceError, system_reason
from mobility.base.ledger import SourceLedger
from mobility.sources.columns import (
    MAX_ABOVE,
    MAX_LISTED,
    FirstRows,
    Table,
    check_headings,
    no_rows,
    refuse_repeated,
)
from mobility.sources.layers import need_file, other_layers, read_layer

_CSV_SUFFIXES = frozenset({".csv", ".txt", ".tsv"})
_DELIMITERS = ";,\t|"
_WORKBOOKS = frozenset({".xlsx", ".xlsm"})
_OTHER_WORKBOOKS = frozenset({".xls", ".xlsb", ".ods"})
#: What begins a row that sums up the others, among the last of a table.
_CLOSING_ROWS = 20
_SUM = r"(?:sous-|grand )?total|total g[ée]n[ée]ral|totaux|ensemble|somme|sum"
#: Bytes; a sheet of a million rows unpacks to less.
_MAX_UNPACKED = 500 << 20
#: Excel counts days from 1900, or from 1904 in workbooks made on old Macintoshes.
_LAST_FIRST_YEAR = 1904
#: A formula without a value; one whose value is an empty text has the type ``str``.
_UNCOMPUTED = re.compile(
    rb'<c r="([A-Z]+)([0-9]+)"(?![^>]*t="str")[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)'
    rb"\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)
#: What a damaged zip or its XML gives rise to.
_BROKEN = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError,
    RuntimeError, SyntaxError, EOFError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip


def is_csv(path: Path) -> bool:
    """Whether a path is read as delimited text."""
    return path.suffix.lower() in _CSV_SUFFIXES


def read_table(
    path: Path,
    *,
    layer: str | None = None,
    crs: str | None = None,
    columns: Callable[[str], bool] | None = None,
    private: bool = False,
    key: str = "layer",
) -> Table:
    """Read a CSV file, an Excel workbook or any layer GeoPandas reads.

    Parameters
    ----------
    path
        The file.
    layer
        Which layer, or sheet, of a file of several.
    crs
        Coordinate reference system of a layer that states none.
    columns
        Which columns of a CSV or a workbook to keep, by name; all by default.
    private
        Whether values are personal, hence never quoted in an error.
    key
        How the territory file calls ``layer``.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing, unreadable or empty.
    """
    need_file(path)
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS:
        return read_workbook(path, sheet=layer, columns=columns, private=private, key=key)
    if suffix in _OTHER_WORKBOOKS:
        raise SourceError(
            "A workbook of this kind is not read.",
            file=path,
            mend="Save it as an Excel workbook (.xlsx) or as CSV, and name that file.",
        )
    if is_csv(path) and layer is None:
        return read_csv(path, columns=columns, private=private)
    if is_csv(path):
        raise SourceError(
            "A CSV file holds one table; there is no {layer!r} in it.",
            file=path,
            mend="Remove {key} from the territory file, or name the file that holds it.",
            key=key,
            layer=layer,
        )
    frame = read_layer(path, layer=layer, crs=crs, key=key)
    others = other_layers(path, layer)
    return Table(path, frame, private=private, others=others, others_are="layers")


def without_sums(table: Table, places: tuple[str, ...] = ()) -> tuple[Table, list[SourceLedger]]:
    """Return a table without the sums that close it, and the accounts of what is not read.

    A row in which one of the columns ``places`` is filled is no sum.
    """
    accounts = table.unread()
    if isinstance(table.frame, gpd.GeoDataFrame):
        return table, accounts
    last = table.frame.tail(_CLOSING_ROWS).replace("", None)
    last = last[last[list(places)].isna().all(axis=1)]
    first = last.bfill(axis=1).iloc[:, 0].astype("str").str.strip()
    sums = last.index[first.str.fullmatch(_SUM, case=False, na=False)]
    if len(sums):
        left = {"a sum of other rows": len(sums)}
        accounts.append(SourceLedger.balanced(table.file, 0, left))
    return replace(table, frame=table.frame.drop(sums)), accounts


def read_csv(
    path: Path, *, columns: Callable[[str], bool] | None = None, private: bool = False
) -> Table:
    """Read delimited text, whatever its separator and encoding, as text columns.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing, no text, empty, or has rows longer than its header.
    """
    need_file(path)
    head = _head(path)
    encoding = _encoding(head)
    text = head.decode(encoding, errors="replace")
    delimiter = _delimiter(text)
    first_rows = _first_rows(text, delimiter)
    check_headings(path, first_rows)
    if first_rows and len(first_rows[0][1]) == 1:
        # A title has none of the signs that part the headings below it.
        for other in _DELIMITERS:
            check_headings(path, _first_rows(text, other))
    try:
        frame = _parse_csv(path, delimiter, encoding, columns)
    except UnicodeDecodeError:
        frame = _parse_csv(path, delimiter, "cp1252", columns)
    frame = frame[(frame != "").any(axis=1)]
    if frame.empty:
        raise no_rows(path)
    return Table(
        path, frame, decimal_comma=delimiter != ",", private=private, first_rows=first_rows
    )


def _first_rows(text: str, delimiter: str) -> FirstRows:
    """Return the first rows that are not blank, with their numbers in the file."""
    try:
        rows = enumerate(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), 1)
        return tuple(islice(((k, tuple(r)) for k, r in rows if any(r)), MAX_ABOVE))
    except csv.Error:
        return ()


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            head = handle.read(1 << 16)
    except OSError as error:
        raise SourceError(
            "It cannot be read: {reason}.",
            file=path,
            mend="Check the rights on the file.",
            reason=system_reason(error),
        ) from None
    if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError(
            "It is no text file.", file=path, mend="Save the table as CSV and name that file."
        )
    return head


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        # A multi-byte letter may be cut at the end of the sample.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _delimiter(text: str) -> str:
    """Return the sign that parts the header most often, outside quotes."""
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").split("\n", 1)[0])
    counts = [header.count(d) for d in _DELIMITERS]
    return _DELIMITERS[int(np.argmax(counts))] if max(counts) else ","


def _parse_csv(
    path: Path, delimiter: str, encoding: str, columns: Callable[[str], bool] | None
) -> pd.DataFrame:
    """Return text columns indexed by row number; the header is the first line that is not blank."""
    # Five bytes stand for nothing in Windows-1252; no table is refused for one of them.
    errors = "replace" if encoding == "cp1252" else "strict"
    with path.open(encoding=encoding, errors=errors, newline="") as handle:
        try:
            header = next((r for r in csv.reader(handle, delimiter=delimiter) if any(r)), [])
        except csv.Error:
            header = []
    names = [n.strip() for n in header]
    _check_header(path, names)
    keep = [k for k, n in enumerate(names) if columns is None or columns(n)]
    try:
        raw = pd.read_csv(
            path,
            sep=delimiter,
            encoding=encoding,
            encoding_errors=errors,
            header=None,
            # One column more catches fields beyond the headings.
            names=range(len(names) + (columns is None)),
            index_col=False,
            usecols=None if columns is None else keep,
            dtype="str",
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=False,
            on_bad_lines="error",
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise _ragged(path, str(error), len(names)) from None
    except UnicodeDecodeError:
        raise
    except (ValueError, IndexError, OverflowError, MemoryError) as error:
        raise _ragged(path, str(error), len(names)) from None
    raw = raw.fillna("")
    if columns is None:
        beyond = (raw.iloc[:, -1] != "").to_numpy()
        if beyond.any():
            raise _ragged(path, f"line {int(np.argmax(beyond)) + 1}", len(names))
        raw = raw.iloc[:, :-1]
    raw.columns = pd.Index([names[k] for k in keep])
    first = int(np.argmax((raw != "").any(axis=1).to_numpy())) + 1 if len(raw) else 0
    raw.index = pd.RangeIndex(1, len(raw) + 1)
    return raw.iloc[first:]


def _check_header(path: Path, names: list[str]) -> None:
    if not any(names):
        raise no_rows(path)
    refuse_repeated(path, names)


def _ragged(path: Path, reason: str, n_columns: int) -> SourceError:
    line = re.search(r"line (\d+)", reason)
    return SourceError(
        "It is no regular table of {n} columns.",
        file=path,
        row=None if line is None else int(line.group(1)),
        mend="Give each row as many fields as the header; quote texts and numbers with a comma.",
        n=n_columns,
    )


def read_workbook(
    path: Path,
    *,
    sheet: str | None = None,
    columns: Callable[[str], bool] | None = None,
    private: bool = False,
    key: str = "layer",
) -> Table:
    """Read one sheet of an ``.xlsx`` or ``.xlsm`` file; by default the first to be seen with rows.

    A sheet of one line is taken where no other holds more. The header is the first row that is not
    blank. Formulas give their last value, clock times ``05:00``, dates ``2026-11-17``, both
    ``2026-11-17 05:00``.
    """
    values, others = _rows(path, sheet, key)
    rows = [[_text(value) for value in row] for row in values]
    start = next((k for k, row in enumerate(rows) if any(row)), None)
    body = [] if start is None else rows[start + 1 :]
    if start is None or not any(any(row) for row in body):
        raise no_rows(path)
    first_rows = tuple((k + 1, tuple(row)) for k, row in enumerate(rows) if any(row))[:MAX_ABOVE]
    check_headings(path, first_rows)
    names = rows[start]
    refuse_repeated(path, names)
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
        hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
    )


def _clock(time: dt.timedelta) -> str:
    """Return ``05:00``, to the nearest minute: a sheet reckons in fractions of a day."""
    minutes = round(time.total_seconds() / 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
