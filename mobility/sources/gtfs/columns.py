"""Turn text columns of a GTFS table into numbers, seconds, dates and indices.

A column of plain values is converted whole by arrow. In any other one every distinct value
is parsed once; the first unreadable one becomes an error that names file, row, column and
value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mobility.base.errors import SourceError

_TIME = re.compile(r"^(\d{1,3}):([0-5]?\d):([0-5]?\d)$")
_UNREADABLE = object()
#: Texts that programs write for no value; in a column of ids or names they may be one.
PLACEHOLDERS = frozenset(
    {
        "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    }
)  # fmt: skip
MISSING_TIME = np.iinfo(np.int32).min


def _categories(values: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return each row's code and the distinct stripped texts; -1 codes a missing value."""
    codes, uniques = pd.factorize(values)
    codes = codes.astype(np.int64)
    texts = [str(u).strip() for u in uniques.tolist()]
    if "" in texts:
        codes = np.append(np.array([-1 if t == "" else k for k, t in enumerate(texts)]), -1)[codes]
    return codes, texts


def _parsed(
    values: pd.Series,
    parse: Callable[[str], Any],
    missing: Any,
    dtype: type[np.generic],
    *,
    file: str,
    mend: str,
) -> NDArray[Any]:
    """Parse each distinct value; ``parse`` returns ``_UNREADABLE`` for a wrong one."""
    codes, texts = _categories(values)
    parsed = [parse(t) if t and t not in PLACEHOLDERS else missing for t in texts]
    bad = [k for k, p in enumerate(parsed) if p is _UNREADABLE]
    if bad:
        rows = np.flatnonzero(np.isin(codes, bad))
        if rows.size:
            row = int(rows[0])
            raise SourceError(
                "This value cannot be read.",
                file=file,
                row=int(values.index[row]) + 2,
                column=str(values.name),
                value=texts[codes[row]],
                mend=mend,
            )
        parsed = [missing if p is _UNREADABLE else p for p in parsed]
    return np.array([*parsed, missing], dtype)[codes]


def _time(text: str) -> Any:
    match = _TIME.match(text)
    if match is None:
        return _UNREADABLE
    hours, minutes, seconds = (int(g) for g in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _plain_times(values: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the seconds of the texts ``HH:MM:SS`` and ``H:MM:SS``, and which rows they are."""
    texts = pa.array(values, type=pa.large_string(), from_pandas=True)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    _, places, content = texts.buffers()
    ends = np.frombuffer(places, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    width = np.diff(ends)
    letters = np.frombuffer(content or b"", np.uint8)
    plain = np.flatnonzero((width == 7) | (width == 8))
    if plain.size and (width == 8).all():
        digits = letters[ends[0] : ends[-1]].reshape(-1, 8) - np.uint8(ord("0"))
    else:
        # The first of a text of seven letters is that of the text before: a nought stands for it.
        short = width[plain] == 7
        start = ends[:-1][plain] - short
        digits = letters[np.maximum(start[:, None] + np.arange(8), 0)] - np.uint8(ord("0"))
        digits[short, 0] = 0
    colon = np.uint8(ord(":") - ord("0"))
    fine = (digits[:, 2] == colon) & (digits[:, 5] == colon)
    fine &= (digits[:, 3] < 6) & (digits[:, 6] < 6)
    total = np.zeros(plain.size, np.int32)
    for place, worth in ((0, 36_000), (1, 3600), (3, 600), (4, 60), (6, 10), (7, 1)):
        fine &= digits[:, place] < 10
        total += worth * digits[:, place].astype(np.int32)
    seconds_of = np.full(len(values), np.nan)
    seconds_of[plain[fine]] = total[fine]
    return seconds_of, ~np.isnan(seconds_of)


def seconds(values: pd.Series, *, file: str) -> NDArray[np.float64]:
    """Return seconds since noon minus 12 h of ``HH:MM:SS``; NaN where missing."""
    if values.dtype == np.float64:
        return np.full(len(values), np.nan)
    found, known = _plain_times(values)
    if not known.all():
        found[~known] = _parsed(
            values[~known],
            _time,
            np.nan,
            np.float64,
            file=file,
            mend="Write times as HH:MM:SS; hours may go beyond 24 for trips after midnight.",
        )
    return found


def _cast(values: pd.Series, dtype: pa.DataType) -> NDArray[Any] | None:
    """Return a column of plain numbers, 0 where missing; None where some are not plain."""
    try:
        texts = pa.array(values, type=pa.large_string(), from_pandas=True)
        found: NDArray[Any] = pc.fill_null(pc.cast(texts, dtype), 0).to_numpy()
    except pa.ArrowInvalid:
        return None
    return found


def integers(
    values: pd.Series, missing: int, *, file: str, low: int = 0, high: int = 2**31 - 1
) -> NDArray[np.int64]:
    """Return whole numbers from ``low`` to ``high``; ``missing`` where there is none."""
    plain = None if values.dtype == np.float64 else _cast(values, pa.int64())
    if plain is not None and plain.size:
        empty = values.isna().to_numpy()
        if ((plain >= low) & (plain <= high) | empty).all():
            return np.where(empty, missing, plain)

    def parse(text: str) -> Any:
        try:
            value = float(text)
        except ValueError:
            return _UNREADABLE
        return int(value) if value.is_integer() and low <= value <= high else _UNREADABLE

    mend = "Write a whole number that GTFS allows here."
    return _parsed(values, parse, missing, np.int64, file=file, mend=mend)


def numbers(
    values: pd.Series, *, file: str, low: float = -np.inf, high: float = np.inf
) -> NDArray[np.float64]:
    """Return decimal numbers from ``low`` to ``high``; NaN where missing."""
    plain = None if values.dtype == np.float64 else _cast(values, pa.float64())
    if plain is not None and plain.size:
        empty = values.isna().to_numpy()
        if (np.isfinite(plain) & (plain >= low) & (plain <= high) | empty).all():
            return np.where(empty, np.nan, plain)

    def parse(text: str) -> Any:
        try:
            value = float(text)
        except ValueError:
            return _UNREADABLE
        return value if np.isfinite(value) and low <= value <= high else _UNREADABLE

    mend = "Write a decimal number with a point, inside the range GTFS allows."
    return _parsed(values, parse, np.nan, np.float64, file=file, mend=mend)


def _date(text: str) -> Any:
    # Figures of other alphabets are digits to Python too.
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        return _UNREADABLE
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal()
    except ValueError:
        return _UNREADABLE


def dates(values: pd.Series, *, file: str) -> NDArray[np.int64]:
    """Return proleptic Gregorian ordinals of ``YYYYMMDD``; 0 where missing."""
    mend = "Write dates as YYYYMMDD."
    return _parsed(values, _date, 0, np.int64, file=file, mend=mend)


def index_of(values: pd.Series, ids: pd.Series, *, optional: bool = False) -> NDArray[np.int32]:
    """Return the place of each value among the unique ``ids``; -1 missing, -2 unknown.

    Where a value may be missing (``optional``) an unknown one that programs write for no
    value, e.g. ``NULL``, is.
    """
    if values.empty or values.dtype == np.float64:
        return np.full(len(values), -1, np.int32)
    texts = pa.array(values, type=pa.large_string(), from_pandas=True)
    known = pa.array(ids, type=pa.large_string(), from_pandas=True)
    if isinstance(known, pa.ChunkedArray):
        known = known.combine_chunks()
    places = pc.index_in(texts, value_set=known, skip_nulls=True)
    if places.null_count == texts.null_count:
        return np.asarray(pc.fill_null(places, -1).to_numpy(), np.int32)
    codes, texts = _categories(values)
    place = {t: k for k, t in enumerate(ids.tolist())}
    lost = [-1 if optional and t in PLACEHOLDERS else -2 for t in texts]
    found = np.array([*map(place.get, texts, lost), -1], np.int32)
    return found[codes]
