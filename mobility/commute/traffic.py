"""Driving in the traffic of the hours spent on the road.

Each hour of the clock has a factor that stretches free driving. A drive goes through the
hours one after the other: at each moment it advances by one over the factor of that moment.
So who leaves later never arrives earlier (Ichoua, Gendreau and Potvin, 2003, Vehicle
dispatching with time-dependent travel times).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mobility.base.clock import DAY_S
from mobility.engine.journeys import Edge
from mobility.territory.project import Driving

Float = NDArray[np.float64]
#: Days of the axis before and after the study date on which one may drive.
_DAYS_AROUND = 3


def car_park_s(driving: Driving, edge: Edge) -> int:
    """Return when the car is parked beside the gate, or leaves its place, axis seconds."""
    parking_s = round(driving.parking_min * 60)
    if edge.returning:
        return edge.at_s + edge.margin_s + parking_s
    return edge.at_s - edge.margin_s - parking_s


def road_seconds(
    driving: Driving, free_s: NDArray[np.integer], parked_s: int, *, returning: bool
) -> Float:
    """Return the seconds on the road of drives of some free-flow seconds.

    Parameters
    ----------
    parked_s
        Axis second at which the drive ends; or starts, when ``returning``.
    """
    clock, done = _progress(driving)
    here = np.interp(parked_s, clock, done)
    if returning:
        return np.asarray(np.interp(here + free_s, done, clock) - parked_s)
    return np.asarray(parked_s - np.interp(here - free_s, done, clock))


def free_seconds(driving: Driving, road_s: float, parked_s: int, *, returning: bool) -> float:
    """Return the free-flow seconds driven within some seconds on the road."""
    clock, done = _progress(driving)
    other = parked_s + road_s if returning else parked_s - road_s
    return float(abs(np.interp(other, clock, done) - np.interp(parked_s, clock, done)))


def _progress(driving: Driving) -> tuple[Float, Float]:
    """Return clock times and the free-flow seconds driven since the first of them."""
    return _curve(tuple(driving.hourly), driving.peak_factor, tuple(driving.peak_hours))


@lru_cache(maxsize=8)
def _curve(
    hourly: tuple[float, ...], peak_factor: float, peak_hours: tuple[tuple[int, int], ...]
) -> tuple[Float, Float]:
    if hourly:
        cuts = np.arange(25) * 3600
        factor = np.array(hourly)
    else:
        ends = [second for interval in peak_hours for second in interval]
        cuts = np.unique([0, DAY_S, *(second % DAY_S for second in ends)])
        middle = (cuts[:-1] + cuts[1:]) / 2
        factor = np.where([_within(m, peak_hours) for m in middle], peak_factor, 1.0)
    days = np.arange(-_DAYS_AROUND, _DAYS_AROUND + 1) * DAY_S
    clock = np.append((days[:, None] + cuts[:-1]).ravel(), days[-1] + DAY_S).astype(np.float64)
    gained = np.diff(clock) / np.tile(factor, len(days))
    return clock, np.append(0.0, np.cumsum(gained))


def _within(second: float, intervals: tuple[tuple[int, int], ...]) -> bool:
    """Return whether a time of day lies in an interval, which may span midnight."""
    found = False
    for a, b in intervals:
        start, end = a % DAY_S, b % DAY_S or DAY_S
        found |= start <= second < end if start < end else not end <= second < start
    return found


__all__ = ["car_park_s", "free_seconds", "road_seconds"]
