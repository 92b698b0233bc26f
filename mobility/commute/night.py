"""Which legs of a shift fall in the dark.

The leg at the gate's end is judged at the gate's deadline (start less margin, or end plus
margin), with the walks between vehicles; the leg at the home's end at the moment when its
home is left or reached. The sun is down between sunset and sunrise of the study date at the
sites (`astral`, after the United States Naval Observatory's equations).
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float
from mobility.base.clock import DAY_S, axis_origin_utc
from mobility.commute.study import Study
from mobility.sources.days import ChosenDay

#: The sun's height at which civil twilight ends; `astral` counts dawn and dusk from it.
_CIVIL_DEGREES = -6


@lru_cache(maxsize=512)
def daylight(
    date: dt.date, zone: ZoneInfo, lon: float, lat: float, *, twilight: bool = False
) -> tuple[tuple[int, int], ...]:
    """Return when the sun is up around a date, as (sunrise, sunset) in its axis seconds.

    Covers from noon two days before to noon three days after. Where the sun does not set, or
    not rise, a day is light, or dark, from midnight to midnight. With ``twilight``, civil dawn
    and dusk instead: the sun is no more than 6 degrees below the horizon.
    """
    from astral import Observer
    from astral.sun import dawn, dusk, elevation, sunrise, sunset

    observer = Observer(lat, lon)
    origin = axis_origin_utc(date, zone)
    rises: list[int] = []
    sets: list[int] = []
    whole: list[tuple[int, int]] = []
    for offset in range(-2, 4):
        day = date + dt.timedelta(days=offset)
        try:
            moments = (dawn, dusk) if twilight else (sunrise, sunset)
            up, down = (f(observer, day, tzinfo=zone) for f in moments)
        except ValueError:
            noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            if elevation(observer, noon) > (_CIVIL_DEGREES if twilight else 0):
                middle = int(noon.timestamp()) - origin
                whole.append((middle - DAY_S // 2, middle + DAY_S // 2))
            continue
        rises.append(round(up.timestamp()) - origin)
        sets.append(round(down.timestamp()) - origin)
    pairs = [(r, min(s for s in sets if s > r)) for r in rises if any(s > r for s in sets)]
    return tuple(sorted([*pairs, *whole]))


def in_the_dark(light: tuple[tuple[int, int], ...], at_s: NDArray[np.integer]) -> Bool:
    """Return whether the sun is down at each of some axis seconds, bool of their shape."""
    at = np.asarray(at_s)
    lit = np.zeros(at.shape, bool)
    for rise, fall in light:
        lit |= (at >= rise) & (at < fall)
    return ~lit


def dark_share(
    light: tuple[tuple[int, int], ...], start_s: NDArray[np.integer], end_s: NDArray[np.integer]
) -> Float:
    """Return the share of each span of axis seconds with the sun down; 0 for an empty span."""
    start, end = np.asarray(start_s, np.float64), np.asarray(end_s, np.float64)
    lit = np.zeros(start.shape)
    for rise, fall in light:
        lit += np.clip(np.minimum(end, fall) - np.maximum(start, rise), 0.0, None)
    span = np.maximum(end - start, 0.0)
    return np.where(span > 0, 1.0 - np.minimum(lit / np.maximum(span, 1e-9), 1.0), 0.0)


def place_of_sites(study: Study) -> tuple[float, float]:
    """Return the middle of all gates, degrees, rounded to a hundredth (a few seconds of sun)."""
    lon, lat = study.gates_lonlat.mean(axis=0).round(2)
    return float(lon), float(lat)


def daylight_of(study: Study, day: ChosenDay) -> tuple[tuple[int, int], ...]:
    """Return when the sun is up around the date of a kind of day, at the sites."""
    return daylight(day.date, study.territory.zone, *place_of_sites(study))
