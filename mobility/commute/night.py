"""Which legs of a shift fall in the dark, and the study as it is after dark.

The leg at the gate's end is judged at the gate's deadline (start less margin, or end plus
margin), with the walks between vehicles; the leg at the home's end at the moment when its
home is left or reached. The sun is down between sunset and sunrise of the study date at the
sites (`astral`, after the United States Naval Observatory's equations).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mobility.base.clock import DAY_S, axis_origin_utc
from mobility.commute.ways import mode_times
from mobility.engine.journeys import TwoWay
from mobility.streets.arcs import Times
from mobility.streets.modes import edge_times
from mobility.territory.project import StreetMode, Territory
from mobility.timetable.arrays import FootArrays, RunArrays, Timetable, index_timetable
from mobility.timetable.footpaths import WalkTable, stop_walks

if TYPE_CHECKING:
    from mobility.commute.study import Study
    from mobility.sources.days import ChosenDay
    from mobility.streets.graph import Streets

Int32 = NDArray[np.int32]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@lru_cache(maxsize=512)
def daylight(date: dt.date, zone: ZoneInfo, lon: float, lat: float) -> tuple[tuple[int, int], ...]:
    """Return when the sun is up around a date, as (sunrise, sunset) in its axis seconds.

    Covers from noon two days before to noon three days after. Where the sun does not set, or
    not rise, a day is light, or dark, from midnight to midnight.
    """
    from astral import Observer
    from astral.sun import elevation, sunrise, sunset

    observer = Observer(lat, lon)
    origin = axis_origin_utc(date, zone)
    rises: list[int] = []
    sets: list[int] = []
    whole: list[tuple[int, int]] = []
    for offset in range(-2, 4):
        day = date + dt.timedelta(days=offset)
        try:
            up, down = (f(observer, day, tzinfo=zone) for f in (sunrise, sunset))
        except ValueError:
            noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            if elevation(observer, noon) > 0:
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
    gates = np.array([gate for site in study.sites for gate in site.gates], np.float64)
    lon, lat = gates.mean(axis=0).round(2)
    return float(lon), float(lat)


def daylight_of(study: Study, day: ChosenDay) -> tuple[tuple[int, int], ...]:
    """Return when the sun is up around the date of a kind of day, at the sites."""
    return daylight(day.date, study.territory.zone, *place_of_sites(study))


def safe_times(territory: Territory, streets: Streets, mode: StreetMode) -> Times:
    """Return the seconds per street piece in the dark, unsafe pieces left out."""
    return mode_times(territory, streets, mode, safe=True)


def after_dark(study: Study) -> Study:
    """Return the study with every walk and every ride by bicycle kept to safe streets."""
    from mobility.commute.walks import (
        RELAXED_WALK,
        feeders_of,
        street_commutes,
        walks_to_stops,
    )

    territory, streets, feed = study.territory, study.streets, study.feed
    limits, speeds = territory.limits, territory.speeds
    usual = edge_times(streets, "walk", speeds)
    walking = safe_times(territory, streets, "walk")
    homes = study.homes.lonlat
    gates = np.array([gate for site in study.sites for gate in site.gates], np.float64)
    reach_s = RELAXED_WALK * limits.max_walk_min * 60
    times = {
        mode: street_commutes(
            territory, streets, mode, study.sites, gates, homes,
            times=safe_times(territory, streets, mode),
        )
        for mode in ("walk", "bike", "e_bike")
        if mode in study.street_times
    }  # fmt: skip
    return replace(
        study,
        home_walks=walks_to_stops(streets, feed, homes, reach_s, speeds, walking, snap_times=usual),
        gate_walks=walks_to_stops(streets, feed, gates, reach_s, speeds, walking, snap_times=usual),
        timetables=other_changes(study, streets, walking, snap_times=usual),
        street_times={**study.street_times, **times},
        feeders=feeders_of(territory, streets, feed, study.sites, homes, safe=True),
        kept_safe=True,
    )


def by_day(study: Study) -> Study:
    """Return the study as if every way were safe at any hour."""
    limits = study.territory.limits.model_copy(update={"safe_at_night": False})
    return replace(study, territory=study.territory.model_copy(update={"limits": limits}))


def other_changes(
    study: Study, streets: Streets, walking: Times, *, snap_times: Times | None = None
) -> Mapping[str, TwoWay]:
    """Return the timetables with walks between vehicles as some times on streets allow."""
    territory = study.territory
    limit_s, lonlat = territory.limits.max_transfer_walk_min * 60, study.feed.lonlat()
    plain = stop_walks(study.streets, lonlat, limit_s, territory.speeds)
    other = stop_walks(
        streets, lonlat, limit_s, territory.speeds, times=walking, snap_times=snap_times
    )
    return {
        kind: TwoWay(safe_footpaths(two_way.timetable, plain, other))
        for kind, two_way in study.timetables.items()
    }


def safe_footpaths(tt: Timetable, plain: WalkTable, safe: WalkTable) -> Timetable:
    """Return a timetable whose footpaths along streets take as long as safe walks do.

    A footpath is one along streets when it takes what ``plain`` says; one that has no safe
    walk goes. Others (inside stations, or told by the feed) stay.
    """
    row = np.repeat(np.arange(tt.n_stops), np.diff(tt.foot_ptr))
    usual, careful = (_looked_up(table, row, tt.foot_stop) for table in (plain, safe))
    along = (usual == tt.foot_walk_s) & (row != tt.foot_stop)
    keep = ~along | (careful >= 0)
    longer = np.where(along & keep, careful - tt.foot_walk_s, 0).astype(np.int32)[keep]
    row, stop = row[keep], tt.foot_stop[keep]
    walk_s, need_s = tt.foot_walk_s[keep] + longer, tt.foot_need_s[keep] + longer
    order = np.lexsort((stop, walk_s, row))
    ptr = np.append(0, np.cumsum(np.bincount(row, minlength=tt.n_stops))).astype(np.int64)
    feet = FootArrays(ptr, stop[order], walk_s[order], need_s[order])
    runs = RunArrays(*(getattr(tt, name) for name in RunArrays._fields))
    return index_timetable(tt.n_stops, runs, feet)


def _looked_up(table: WalkTable, row: NDArray[np.int64], stop: Int32) -> Int32:
    """Return the walk of each (row, stop), -1 where the table has none."""
    n = table.n_rows
    of = np.repeat(np.arange(n, dtype=np.int64), np.diff(table.ptr)) * n + table.stop
    order = np.argsort(of, kind="stable")
    wanted = row * n + stop
    at = np.minimum(np.searchsorted(of, wanted, sorter=order), max(len(of) - 1, 0))
    if not len(of):
        return np.full(len(row), -1, np.int32)
    found = order[at]
    return np.where(of[found] == wanted, table.walk_s[found], -1).astype(np.int32)
