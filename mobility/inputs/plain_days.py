"""Dates of the studied kinds of day where no timetable's calendar tells them."""

from __future__ import annotations

import datetime as dt

from mobility.errors import Finding
from mobility.inputs.calendars import ChosenDay, day_kinds
from mobility.territory import WEEKDAYS, DayKind, DaysConfig

#: Ordinary days near an equinox: a week of term time in every French zone, and an autumn
#: holiday common to them. Without a timetable the date tells daylight and clock changes only.
PLAIN_DATES = {
    "school_weekday": dt.date(2026, 3, 10),
    "holiday_weekday": dt.date(2026, 10, 20),
    "saturday": dt.date(2026, 3, 14),
    "sunday": dt.date(2026, 3, 15),
}


def plain_days(config: DaysConfig) -> list[ChosenDay]:
    """Return the date that stands for each kind of day of a territory without timetables.

    Dates of the territory file are taken as they are; the others are those of `PLAIN_DATES`,
    and for a kind of the territory's own the first of its weekdays from 10 March 2026 on.

    Raises
    ------
    TerritoryError
        A kind of day is unknown.
    """
    return [_day(kind, config) for kind in day_kinds(config)]


def _day(kind: DayKind, config: DaysConfig) -> ChosenDay:
    fixed = config.dates.get(kind.name, kind.date)
    date = fixed or PLAIN_DATES.get(kind.name) or _first(kind)
    message = "{date}, a plain day: there is no timetable to choose from"
    if fixed:
        message = "{date}, fixed by the territory file; there is no timetable"
    return ChosenDay(
        kind=kind.name,
        date=date,
        weekdays=tuple(kind.weekdays),
        reason=Finding("info", "date_plain", message, params={"date": date}),
        trips=0,
        label=kind.label or kind.name,
    )


def _first(kind: DayKind) -> dt.date:
    start = PLAIN_DATES["school_weekday"]
    week = [start + dt.timedelta(days=k) for k in range(7)]
    return next(d for d in week if WEEKDAYS[d.weekday()] in kind.weekdays)


__all__ = ["PLAIN_DATES", "plain_days"]
