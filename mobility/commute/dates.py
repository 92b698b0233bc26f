"""A study on other dates: every date of a list has the timetable of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from mobility.base.clock import axis_origin_utc
from mobility.base.errors import Finding
from mobility.commute.study import Study, Timetables
from mobility.commute.variants import variant
from mobility.commute.walks import footpaths_of, walks_between_stops
from mobility.engine.journeys import TwoWay
from mobility.sources.days import ChosenDay
from mobility.territory.fields import WEEKDAYS
from mobility.timetable.arrays import FootArrays, index_timetable, take_runs
from mobility.timetable.footpaths import WalkTable, safe_footpaths
from mobility.timetable.runs import feed_runs


def dates_as_days(dates: Sequence[dt.date]) -> tuple[ChosenDay, ...]:
    """Return each date as a kind of day of its own, named as ISO writes it."""
    told = Finding("info", "date_listed", "{date}, from the list of dates")
    return tuple(
        ChosenDay(
            kind=date.isoformat(),
            date=date,
            weekdays=(WEEKDAYS[date.weekday()],),
            reason=replace(told, params={"date": date}),
            trips=0,
            label=date.isoformat(),
        )
        for date in dates
    )


#: First and last axis second between which something is asked.
Span = tuple[int, int]


def on_dates(study: Study, asked: Mapping[dt.date, Sequence[Span]]) -> Study:
    """Return the study of other dates, each timetable built when it is first asked for.

    Dates whose three service days run the same trips, with the clock unchanged alike, share one.

    Parameters
    ----------
    asked
        By date, the spans of its axis that matter: runs outside all of them are left out.
    """
    days = dates_as_days(list(asked))
    feed, territory = study.feed, study.territory
    plain = walks_between_stops(territory, study.streets, feed, safe=study.kept_safe)
    feet = footpaths_of(territory, feed, plain)
    first: dict[tuple[object, ...], ChosenDay] = {}
    twin = {day.kind: first.setdefault(_signature(study, day.date), day).kind for day in days}
    spans: dict[str, set[Span]] = {}
    for day in days:
        spans.setdefault(twin[day.kind], set()).update(asked[day.date])
    built = Timetables({
        day.kind: partial(_built, study, day.date, feet, sorted(spans[day.kind]))
        for day in first.values()
    })  # fmt: skip
    shared = Timetables({kind: partial(built.__getitem__, twin[kind]) for kind in twin})

    def change(one: Study) -> Study:
        other = walks_between_stops(territory, one.streets, feed, safe=one.kept_safe)
        if all(np.array_equal(*pair) for pair in zip(_arrays(plain), _arrays(other), strict=True)):
            return replace(one, days=days, timetables=shared)
        walked = Timetables({kind: partial(_walked, built, kind, plain, other) for kind in built})
        mine = {kind: partial(walked.__getitem__, twin[kind]) for kind in twin}
        return replace(one, days=days, timetables=Timetables(mine))

    return variant(study, change)


def _arrays(walks: WalkTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return walks.ptr, walks.stop, walks.walk_s


def _signature(study: Study, date: dt.date) -> tuple[object, ...]:
    """Return what a date's timetable depends on: trips of three service days, and the clock."""
    zone, day = study.territory.zone, dt.timedelta(days=1)
    dates = (date - day, date, date + day)
    trips = tuple(study.feed.trips_on(d).tobytes() for d in dates)
    origin_s = axis_origin_utc(date, zone)
    return (*trips, *(axis_origin_utc(d, zone) - origin_s for d in dates))


def _built(study: Study, date: dt.date, feet: FootArrays, spans: Sequence[Span]) -> TwoWay:
    runs = feed_runs(study.feed, date, study.territory.zone, findings=[])
    start_s, end_s = runs.call_dep[runs.run_ptr[:-1]], runs.call_arr[runs.run_ptr[1:] - 1]
    kept = np.zeros(start_s.size, bool)
    for first_s, last_s in spans:
        kept |= (start_s <= last_s) & (end_s >= first_s)
    runs = take_runs(runs, np.flatnonzero(kept))
    return TwoWay(index_timetable(study.feed.n_stops, runs, feet))


def _walked(built: Timetables, kind: str, plain: WalkTable, other: WalkTable) -> TwoWay:
    return TwoWay(safe_footpaths(built[kind].timetable, plain, other))
