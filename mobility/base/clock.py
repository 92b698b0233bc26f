"""The engine's clock: seconds on one axis per study date.

Second 0 of the axis of date *d* is "noon minus 12 h" of *d* in the territory's
time zone (GTFS reference, ``stop_times.arrival_time``). Service days d-1, d and
d+1 share that axis, so a trip at ``28:40`` of d-1 stands at ``04:40``.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_S = 86_400
_CLOCK = re.compile(r"^\s*(\d{1,2})[:hH](\d{2})?(?::(\d{2}))?\s*$")


def today() -> dt.date:
    """Return the date of this computer; only what is told of expiry depends on it."""
    return dt.datetime.now().astimezone().date()


def parse_clock(text: str) -> int:
    """Return the seconds since midnight of a local clock time ``HH:MM[:SS]`` or ``5h30``.

    Raises
    ------
    ValueError
        The text is no time of day between 00:00 and 24:00.
    """
    match = _CLOCK.match(text)
    if match is None:
        raise ValueError(text)
    hours, minutes, seconds = (int(g or 0) for g in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > DAY_S:
        raise ValueError(text)
    return total


def format_clock(second: int, *, seconds: bool = False) -> str:
    """Return ``HH:MM`` of an axis second, modulo 24 h, for people to read (no clock change)."""
    return service_clock(int(second) % DAY_S, seconds=seconds)


def service_clock(second: int, *, seconds: bool = False) -> str:
    """Return a time of a service day, which goes on after midnight as 25:10."""
    second = int(second)
    text = f"{second // 3600:02d}:{second % 3600 // 60:02d}"
    return f"{text}:{second % 60:02d}" if seconds else text


def day_clock(text: str) -> str:
    """Return a `service_clock` as people read it: 25:10 is ``01:10 (+1)``."""
    hours, colon, rest = text.partition(":")
    days, hour = divmod(int(hours), 24)
    return f"{hour:02d}{colon}{rest}" + f" (+{days})" * bool(days)


def axis_origin_utc(date: dt.date, zone: ZoneInfo) -> int:
    """Return the POSIX timestamp of second 0 of the axis of ``date`` (noon minus 12 h)."""
    noon = dt.datetime(date.year, date.month, date.day, 12, tzinfo=zone)
    return int(noon.timestamp()) - DAY_S // 2


@lru_cache(maxsize=1 << 14)
def local_to_axis(date: dt.date, clock_s: int, zone: ZoneInfo, *, day_offset: int = 0) -> int:
    """Return the axis second of date ``date`` of a local wall-clock time.

    Parameters
    ----------
    date
        The date whose axis is used.
    clock_s
        Wall-clock seconds since local midnight, 0 to 86 400.
    day_offset
        Days after ``date`` on which the clock shows ``clock_s`` (1 for the end of a night shift).

    Notes
    -----
    On a clock-change day the wall clock and the axis differ by an hour before the change.
    A wall-clock time that happens twice is taken the first time.
    """
    day = date + dt.timedelta(days=day_offset + clock_s // DAY_S)
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    wall = midnight + dt.timedelta(seconds=clock_s % DAY_S)
    return int(wall.timestamp()) - axis_origin_utc(date, zone)


def axis_to_local(date: dt.date, axis_s: int, zone: ZoneInfo) -> dt.datetime:
    """Return the local date and time of an axis second."""
    return dt.datetime.fromtimestamp(axis_origin_utc(date, zone) + int(axis_s), tz=zone)
