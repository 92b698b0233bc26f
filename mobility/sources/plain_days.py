"""Dates of the studied kinds of day where no timetable's calendar tells them."""

from __future__ import annotations

import datetime as dt

from mobility.base.errors import Finding
from mobility.sources.days import ChosenDay, day_kinds
from mobility.sources.fixed_days import check_fixed_date
from mobility.sources.holidays import read_holidays
from mobility.territory.project import WEEKDAYS, DayKind, DaysConfig

#: Ordinary days near an equinox: a week of term time in every French zone, and an autumn
#: holiday common to them. Without a timetable the date tells daylight and clock changes only.
PLAIN_DATES = {
    "school_weekday": dt.date(2026, 3, 10),
    "holiday_weekday": dt.date(2026, 10, 20),
    "saturday": dt.date(2026, 3, 14),
    "sunday": dt.date(2026, 3, 15),
}


def plain_days(config: DaysConfig, *, findings: list[Finding] | None = None) -> list[ChosenDay]:
    """Return the date that stands for each kind of day of a territory without timetables.

    Dates of the territory file are taken as they are; the others are those of `PLAIN_DATES`,
    and for a kind of the territory's own the first of its weekdays from 10 March 2026 on.

    What the user should know of the dates is appended to ``findings``.

    Raises
    ------
    TerritoryError
        A kind of day is unknown, or a date falls on none of its weekdays.
    """
    kinds = day_kinds(config)
    for kind in kinds:
        date = config.dates.get(kind.name, kind.date)
        if date is not None:
            warning = check_fixed_date(kind, date, read_holidays(config, date, date), config)
            if warning is not None and findings is not None:
                findings.append(warning)
    return [_day(kind, config) for kind in kinds]


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
