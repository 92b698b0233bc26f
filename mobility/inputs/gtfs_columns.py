"""Turn text columns of a GTFS table into numbers, seconds, dates and indices.

Every distinct value is parsed once; the first unreadable one becomes an error that names
file, row, column and value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.errors import SourceError

_TIME = re.compile(r"^(\d{1,3}):([0-5]?\d):([0-5]?\d)$")
_UNREADABLE = object()
MISSING_TIME = np.iinfo(np.int32).min


def categories(values: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
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
    split: tuple[NDArray[np.int64], list[str]] | None = None,
) -> NDArray[Any]:
    """Parse each distinct value; ``parse`` returns ``_UNREADABLE`` for a wrong one."""
    codes, texts = split or categories(values)
    parsed = [parse(t) if t else missing for t in texts]
    bad = [k for k, p in enumerate(parsed) if p is _UNREADABLE]
    if bad:
        rows = np.flatnonzero(np.isin(codes, bad))
        if rows.size:
            row = int(rows[0])
            raise SourceError(
                "This value cannot be read.",
                file=file,
                row=int(values.index[row]) + 1,
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


def _plain_times(texts: list[str]) -> dict[str, int]:
    """Return the seconds of texts of the form ``HH:MM:SS``, all at once."""
    plain = [t for t in texts if len(t) == 8 and t.isascii()]
    digits = np.frombuffer("".join(plain).encode(), np.uint8).reshape(-1, 8).astype(np.int32) - 48
    colon = ord(":") - 48
    tens, ones = digits[:, [0, 3, 6]], digits[:, [1, 4, 7]]
    fine = ((tens >= 0) & (tens <= 9) & (ones >= 0) & (ones <= 9)).all(axis=1)
    fine &= (digits[:, [2, 5]] == colon).all(axis=1) & (tens[:, 1:] < 6).all(axis=1)
    total = (10 * tens + ones) @ np.array([3600, 60, 1], np.int32)
    return {plain[k]: int(total[k]) for k in np.flatnonzero(fine).tolist()}


def seconds(values: pd.Series, *, file: str) -> NDArray[np.float64]:
    """Return seconds since noon minus 12 h of ``HH:MM:SS``; NaN where missing."""
    codes, texts = categories(values)
    known = _plain_times(texts)
    return _parsed(
        values, lambda t: known[t] if t in known else _time(t), np.nan, np.float64, file=file,
        mend="Write times as HH:MM:SS; hours may go beyond 24 for trips after midnight.",
        split=(codes, texts),
    )  # fmt: skip


def integers(
    values: pd.Series, missing: int, *, file: str, low: int = 0, high: int = 2**31 - 1
) -> NDArray[np.int64]:
    """Return whole numbers from ``low`` to ``high``; ``missing`` where there is none."""

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

    def parse(text: str) -> Any:
        try:
            value = float(text)
        except ValueError:
            return _UNREADABLE
        return value if np.isfinite(value) and low <= value <= high else _UNREADABLE

    mend = "Write a decimal number with a point, inside the range GTFS allows."
    return _parsed(values, parse, np.nan, np.float64, file=file, mend=mend)


def _date(text: str) -> Any:
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


def index_of(values: pd.Series, ids: pd.Series) -> NDArray[np.int32]:
    """Return the place of each value among the unique ``ids``; -1 missing, -2 unknown."""
    codes, texts = categories(values)
    place = {t: k for k, t in enumerate(ids.tolist())}
    found = np.array([*(place.get(t, -2) for t in texts), -1], np.int32)
    return found[codes]


def interpolated(
    trip: NDArray[np.int32],
    arrival: NDArray[np.float64],
    departure: NDArray[np.float64],
    distance: NDArray[np.float64],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Fill missing times and cast them, once, to int32.

    Parameters
    ----------
    trip
        Trip of each call; the calls of a trip are consecutive, in the order of travel.
    arrival, departure
        Seconds, NaN where missing. Where one of the two is given it serves as both.
    distance
        ``shape_dist_traveled``, NaN where missing.

    Returns
    -------
    arrival, departure : int32
        Seconds; ``MISSING_TIME`` where a trip's first or last call has no time, so that
        nothing can be interpolated. Between two timed calls time goes by distance where
        every distance between them is given and grows, else evenly from call to call.
    """
    arrival = np.where(np.isnan(arrival), departure, arrival)
    departure = np.where(np.isnan(departure), arrival, departure)
    gaps = np.flatnonzero(np.isnan(arrival))
    if gaps.size:
        _fill(gaps, trip, arrival, departure, distance)
    missing = np.isnan(arrival)
    both = (np.where(missing, MISSING_TIME, np.floor(t + 0.5)) for t in (arrival, departure))
    first, second = (t.astype(np.int32) for t in both)
    return first, second


def _fill(
    gaps: NDArray[np.int64],
    trip: NDArray[np.int32],
    arrival: NDArray[np.float64],
    departure: NDArray[np.float64],
    distance: NDArray[np.float64],
) -> None:
    """Interpolate the calls ``gaps`` in place."""
    n = trip.size
    timed = ~np.isnan(arrival)
    calls = np.arange(n)
    before = np.maximum.accumulate(np.where(timed, calls, -1))[gaps]
    after = np.minimum.accumulate(np.where(timed, calls, n)[::-1])[::-1][gaps]
    inside = (before >= 0) & (after < n)
    inside[inside] = (trip[before[inside]] == trip[gaps[inside]]) & (
        trip[after[inside]] == trip[gaps[inside]]
    )
    gaps, before, after = gaps[inside], before[inside], after[inside]
    share = (gaps - before) / (after - before)
    # A stretch goes by distance only when its distances never shrink from call to call.
    steps = np.diff(distance, prepend=np.nan)
    broken = np.append(0, np.cumsum(~(steps >= 0)))
    sound = (broken[after + 1] == broken[before + 1]) & (distance[after] > distance[before])
    far = (distance[gaps] - distance[before])[sound]
    share[sound] = far / (distance[after] - distance[before])[sound]
    moment = departure[before] + share * (arrival[after] - departure[before])
    arrival[gaps] = moment
    departure[gaps] = moment


__all__ = [
    "MISSING_TIME",
    "categories",
    "dates",
    "index_of",
    "integers",
    "interpolated",
    "numbers",
    "seconds",
]
