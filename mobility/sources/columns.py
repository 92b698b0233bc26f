"""A table of one source file: its columns found, checked and cast, with clear errors.

Rows keep their number in the file as the index of the frame, so that every complaint can name
the row: the header of a CSV or a sheet is row 1; the first feature of a layer is.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobility.base.errors import SourceError
from mobility.base.ledger import SourceLedger

#: Columns of a place, and of what stands for it in many a table.
_PLACES, _ADDRESSES = ("lon", "lat"), ("adresse", "address", "strasse")
_LOCATE = (
    "Addresses are not located here: add the longitude and latitude of each, in degrees, as "
    "columns lon and lat."
)
_SPACES = re.compile("[\\s\u00a0\u202f']")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_BY_POINT = r"[1-9]\d{0,2}(\.\d{3})+"
MAX_LISTED = 12
OTHER_LAYER = "another sheet or layer, to be chosen in the territory file"
#: Headings are looked for in so many rows.
MAX_ABOVE = 10

FirstRows = tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Table:
    """Rows of one source file.

    Attributes
    ----------
    file
        Where they come from; named in every error.
    frame
        The columns: text (``str``, empty when missing) for a CSV, the layer's own types
        otherwise. The index is the row number in the file.
    decimal_comma
        Whether ``1,234`` reads as one and a bit (fields are parted by something else).
    private
        Whether values are personal: errors then name the row, never the value.
    first_rows
        Row number and cells of the first rows of the file, the headings being the first.
    others
        Other sheets of the workbook that hold something, and are not read.
    unnamed
        How many columns of the sheet hold something under no heading, and are not read.
    """

    file: Path
    frame: pd.DataFrame
    decimal_comma: bool = False
    private: bool = False
    first_rows: FirstRows = ()
    others: tuple[str, ...] = ()
    others_are: str = "sheets"
    unnamed: int = 0

    def unread(self) -> list[SourceLedger]:
        """Return the accounts of what is not read: other sheets or layers, nameless columns."""
        beside = {OTHER_LAYER: len(self.others)}
        columns = {"no heading above it": self.unnamed}
        return [
            SourceLedger.balanced(self.file, used, left, unit)
            for used, left, unit in (
                (1, beside, self.others_are),
                (self.frame.shape[1], columns, "columns"),
            )
            if any(left.values())
        ]

    def error(
        self,
        problem: str,
        *,
        row: object = None,
        column: str | None = None,
        value: object = None,
        mend: str,
        **params: Any,
    ) -> SourceError:
        """Return an error about this file, without the value when it is personal."""
        return SourceError(
            problem,
            file=self.file,
            row=row_number(row),
            column=column,
            value=None if self.private else value,
            mend=mend,
            **params,
        )

    def find(self, wanted: str, aliases: Iterable[str] = ()) -> str | None:
        """Return the column called ``wanted`` or an alias, blind to case and accents."""
        if wanted in self.frame.columns:
            return wanted
        # Of headings that differ by case or accents only, the first counts.
        by_key = {fold(c): str(c) for c in reversed(list(self.frame.columns))}
        return next((by_key[fold(n)] for n in (wanted, *aliases) if fold(n) in by_key), None)

    def left(self, read: Collection[str | None]) -> list[str]:
        """Return the columns besides those read that hold something, places apart."""
        other = [c for c in self.frame.columns if c not in read and c != "geometry"]
        return [str(c) for c in other if (self.texts(c) != "").any()]

    def need(self, wanted: str, aliases: Iterable[str] = (), *, field: str | None = None) -> str:
        """Return the column called ``wanted`` or an alias.

        Parameters
        ----------
        field
            Field of the territory file that names this column, for the mend.

        Raises
        ------
        SourceError
            There is none; the error proposes the nearest name and lists the columns.
        """
        found = self.find(wanted, aliases)
        if found is not None:
            return found
        lower = self._row_with({fold(n) for n in (wanted, *aliases)})
        if lower is not None:
            raise _headings_lower(self.file, lower)
        # What the file holds: of a large table only some columns were kept.
        heads = self.first_rows[0][1] if self.first_rows else self.frame.columns
        columns = [str(c) for c in heads if c and c != "geometry"]
        listed = ", ".join(columns[:MAX_LISTED]) + (" …" if len(columns) > MAX_LISTED else "")
        near = nearest(wanted, columns)
        problem = "There is no column {wanted!r}; the columns are: {listed}."
        if near is not None:
            problem = "There is no column {wanted!r}; did you mean {near!r}? Columns: {listed}."
        mend = "Name the right column, or rename it in the file."
        if field is not None:
            mend = 'Write {field} = "..." in [sources.homes] with the right column.'
        if fold(wanted) in _PLACES and any(word in fold(c) for c in columns for word in _ADDRESSES):
            mend = _LOCATE
        raise self.error(
            problem, column=wanted, mend=mend, wanted=wanted, near=near, listed=listed, field=field
        )

    def _row_with(self, keys: set[str]) -> int | None:
        """Return the first row below the headings that holds one of some names."""
        below = self.first_rows[1:]
        return next((row for row, cells in below if keys & {fold(c) for c in cells}), None)

    def texts(self, column: str) -> pd.Series:
        """Return a column as stripped text, empty where missing; ``12.0`` reads as ``12``."""
        texts = [_as_text(value) for value in self.frame[column].array]
        return pd.Series(texts, index=self.frame.index, dtype="str").str.strip()

    def numbers(
        self,
        column: str,
        *,
        minimum: float = -np.inf,
        maximum: float = np.inf,
        missing: float | None = None,
        bounds_mend: str = "Correct the number.",
        mend: str = "Write a plain number, e.g. 12 or 12.5.",
    ) -> np.ndarray:
        """Return a column as float64.

        Parameters
        ----------
        minimum, maximum
            Values outside are errors.
        missing
            Taken where the field is empty; ``None`` makes an empty field an error.
        bounds_mend, mend
            What to do where a number is out of bounds, and where it is none.

        Raises
        ------
        SourceError
            A value is no finite number or out of bounds; names the first such row.
        """
        series = self.frame[column]
        if pd.api.types.is_bool_dtype(series) or not pd.api.types.is_numeric_dtype(series):
            values, empty = self._parse(column, counts=minimum >= 0)
        else:
            values = pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan)
            empty = np.isnan(values)
        if missing is not None:
            values = np.where(empty, missing, values)
            empty = np.zeros(len(values), dtype=bool)
        self.refuse(empty, column, "This field is empty.", "Fill in a number, or drop the row.")
        wrong = ~np.isfinite(values)
        self.refuse(wrong, column, "It is no number.", mend)
        self.refuse(
            values < minimum,
            column,
            "It is less than {limit}.",
            bounds_mend,
            limit=f"{minimum:.15g}",
        )
        self.refuse(
            values > maximum,
            column,
            "It is more than {limit}.",
            bounds_mend,
            limit=f"{maximum:.15g}",
        )
        return values

    def _parse(self, column: str, *, counts: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return (numbers, NaN or inf where unreadable; whether empty) of a text column."""
        # French spreadsheets part thousands by narrow spaces, Swiss ones by apostrophes.
        text = self.texts(column).str.replace(_SPACES, "", regex=True)
        empty = (text == "").to_numpy()
        comma = text.str.contains(",", regex=False)
        if not self.decimal_comma and bool(comma.any()):
            double = text.map(lambda t: _THOUSANDS.fullmatch(t) is not None).to_numpy()
            self.refuse(
                double,
                column,
                "It could be read two ways: the comma is a decimal sign or parts thousands.",
                "Write the number without a comma, e.g. 1234 or 1.234.",
            )
        point = text.str.contains(".", regex=False)
        if counts and self.decimal_comma and bool(point.any()):
            # 850 beside 1.200: fractions would not all have three figures, nor the others none.
            by_point = text.str.fullmatch(_BY_POINT)
            whole = text.str.fullmatch(r"\d{1,3}")
            if bool((by_point | whole | empty).all()) and bool(whole.any()):
                self.refuse(
                    by_point.to_numpy(bool),
                    column,
                    "It could be read two ways: the point is a decimal sign or parts thousands.",
                    "Write the number without a point, e.g. 1200 or 1,2.",
                )
        text = text.str.replace(",", ".", regex=False)
        numbers = pd.to_numeric(text.where(~empty, "0"), errors="coerce")
        return numbers.to_numpy(dtype=np.float64, na_value=np.nan), empty

    def refuse(
        self,
        wrong: np.ndarray,
        column: str,
        problem: str,
        mend: str,
        *,
        shown: Sequence[object] | pd.Series | None = None,
        **params: object,
    ) -> None:
        """Raise when a row is wrong, naming the first.

        Parameters
        ----------
        wrong
            bool[rows].
        shown
            What is quoted of each row; the column's own value by default.

        Raises
        ------
        SourceError
            Some row is wrong.
        """
        if not wrong.any():
            return
        k = int(np.argmax(wrong))
        value = None if shown is None else np.asarray(shown, object)[k]
        if shown is None and not _is_missing(self.frame[column].iloc[k]):
            value = self.frame[column].iloc[k]
        row = self.frame.index[k]
        raise self.error(problem, row=row, column=column, value=value, mend=mend, **params)

    def refuse_duplicates(self, column: str, ids: pd.Series) -> None:
        """Raise when an id of ``ids`` stands on two rows, naming both."""
        twice = ids.duplicated().to_numpy()
        if not twice.any():
            return
        k = int(np.argmax(twice))
        first = ids.index[int(np.argmax((ids == ids.iloc[k]).to_numpy()))]
        raise self.error(
            "This id stands already on row {first}.",
            row=ids.index[k],
            column=column,
            value=ids.iloc[k],
            mend="Give each row an id of its own, or name another id column.",
            first=str(first),
        )


def _headings_lower(file: Path, row: int) -> SourceError:
    """Return the error about a table with other rows above its headings."""
    return SourceError(
        "The headings of the columns stand in this row, below a title or notes.",
        file=file,
        mend="Delete the rows above them: the first row that is not blank must be the headings.",
        row=row,
    )


def no_rows(file: Path) -> SourceError:
    """Return the error about a table without a row."""
    return SourceError("It holds no rows.", file=file, mend="Fill in the file or name another one.")


def refuse_repeated(file: Path, names: list[str]) -> None:
    """Raise when two columns bear one name."""
    twice = next((n for n in names if n and names.count(n) > 1), None)
    if twice is not None:
        raise SourceError(
            "Two columns have the same name.", file=file, column=twice, mend="Rename one of them."
        )


def check_headings(file: Path, first_rows: FirstRows) -> None:
    """Raise when the first row is a title, and one below it the headings.

    A title fills half as many cells as the headings or fewer; headings are no numbers.
    """
    filled = [(row, [c for c in cells if c.strip()]) for row, cells in first_rows]
    headings = filled[:1]
    for row, cells in filled[1:]:
        numbers = any(re.fullmatch(r"[-+\d.,:/\s%]+", c) for c in cells)
        names = len({fold(c) for c in cells}) == len(cells) and not numbers
        # Below a title there may be a row of merged cells, each over some of the headings.
        if names and len(cells) >= 2 * len(headings[0][1]):
            headings = [(row, cells)]
    if headings != filled[:1]:
        raise _headings_lower(file, headings[0][0])


def row_number(row: object) -> int | str | None:
    """Return a row's label as an error takes it."""
    if row is None or isinstance(row, str):
        return row
    return int(row) if isinstance(row, int | np.integer) else str(row)


def fold(name: object) -> str:
    """Return a name without case, accents, spaces and signs, to compare headers."""
    text = unicodedata.normalize("NFKD", str(name)).casefold()
    return "".join(c for c in text if c.isalnum())


def nearest(wanted: str, names: Sequence[str]) -> str | None:
    """Return the name most like ``wanted``, if any is near."""
    by_key = {fold(n): n for n in names}
    match = difflib.get_close_matches(fold(wanted), list(by_key), n=1, cutoff=0.6)
    return by_key[match[0]] if match else None


def _as_text(value: object) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, dt.time):  # what GDAL makes of a text "05:00" in a GeoJSON file
        return f"{value:%H:%M:%S}".removesuffix(":00")
    return str(value)


def _is_missing(value: object) -> bool:
    """Whether a scalar cell is empty (None, NaN, NA, blank text)."""
    if value is None or value is pd.NA:
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, float) and np.isnan(value)


def unknown_value(
    table: Table, row: object, column: str, value: object, known: Collection[str]
) -> SourceError:
    """Return the error about a value that is none of ``known``."""
    near = nearest(str(value), list(known))
    problem = "It is unknown; choose one of: {listed}."
    if near is not None:
        problem = "It is unknown; did you mean {near!r}? Choose one of: {listed}."
    names = sorted(known)
    listed = ", ".join(names[:MAX_LISTED]) + (" …" if len(names) > MAX_LISTED else "")
    return SourceError(
        problem, file=table.file, row=row_number(row), column=column, value=value,
        mend="Correct the value.", near=near, listed=listed,
    )  # fmt: skip


def column_or_none(table: Table, name: str | None, aliases: Iterable[str]) -> str | None:
    """Return the column the user named (it must exist), else the first alias present."""
    if name is not None:
        return table.need(name)
    first, *rest = aliases
    return table.find(first, rest)
