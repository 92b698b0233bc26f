"""Which date stands for each kind of day, and why, with timetables and without."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.base.clock import DAY_S, axis_origin_utc
from mobility.base.errors import Finding, TerritoryError
from mobility.sources.feed_dates import SCHOOL_KINDS, school_calendar_gap, valid_counts
from mobility.sources.gtfs.read import Feed
from mobility.sources.holidays import Holidays, check_fixed_date, read_holidays
from mobility.territory.fields import DAY_KIND_WEEKDAYS, WEEKDAYS, DayKind, DaysConfig, Weekday

# Schools are short on Wednesdays in France, and Monday and Friday lie beside the week-end.
_TUESDAY, _THURSDAY = 1, 3
_WEEKEND = frozenset({"sat", "sun"})

#: English templates of the kinds' names.
KIND_LABELS = {
    "school_weekday": "school-term weekday",
    "holiday_weekday": "school-holiday weekday",
    "saturday": "Saturday",
    "sunday": "Sunday or public holiday",
}
#: Ordinary days near an equinox: a week of term time in every French zone, and an autumn
#: holiday common to them. Without a timetable the date tells daylight and clock changes only.
PLAIN_DATES = {
    "school_weekday": dt.date(2026, 3, 10),
    "holiday_weekday": dt.date(2026, 10, 20),
    "saturday": dt.date(2026, 3, 14),
    "sunday": dt.date(2026, 3, 15),
}


@dataclass(frozen=True)
class ChosenDay:
    """A date standing for a kind of day.

    Attributes
    ----------
    kind
        Name of the kind of day, e.g. ``"saturday"``.
    date
        The date studied.
    weekdays
        Shifts starting on these weekdays are studied on it.
    reason
        Why this date, in words.
    trips
        Trips of the feed on that service day.
    label
        English template of the kind's name, or the territory's own words.
    """

    kind: str
    date: dt.date
    weekdays: tuple[Weekday, ...]
    reason: Finding
    trips: int
    label: str


def choose_days(
    feed: Feed, config: DaysConfig, zone: ZoneInfo, *, findings: list[Finding] | None = None
) -> list[ChosenDay]:
    """Return the date that stands for each kind of day of the territory.

    A date that the territory fixes is taken, once trips run on it. Any other is the most
    typical of its kind: among the dates of that kind on which most networks are valid, one
    whose number of trips is nearest the median. Among equals come first dates whose eve
    and morrow are inside the calendar, no public holiday and free of a clock change, then
    Tuesdays and Thursdays, then the nearest to the middle of the period. A kind of which the
    calendar holds no date is left out, with a finding.

    Parameters
    ----------
    feed
        All networks of the territory.
    config
        Section ``days`` of the territory file.
    zone
        The territory's time zone.
    findings
        What the user should know is appended here.

    Raises
    ------
    TerritoryError
        A fixed date falls on none of its kind's weekdays, or lies outside the feed's calendar
        or has no trip; the error then names the feed's period. Or the country or a kind of day
        is unknown.
    """
    told = [] if findings is None else findings
    if feed.period is None:
        lost = feed.trips.loc[feed.trips["service"] < 0, "service_id"]
        if len(lost) and len(lost) == len(feed.trips):
            raise TerritoryError(
                "No trip has a date: its service_id stands in neither calendar.txt nor "
                "calendar_dates.txt.",
                column="sources.gtfs",
                value=lost.iloc[0],
                mend="Ask its publisher for a complete feed.",
            )
        backwards = next((f for f in feed.findings if f.code == "services_backwards"), None)
        if backwards is not None:
            raise TerritoryError(
                "This service ends before it begins, and no trip of the timetables runs on any "
                "date.",
                file=backwards.source,
                row=backwards.params["row"],
                column="start_date, end_date",
                value=backwards.examples[0],
                mend="Exchange the two dates, or ask its publisher for a complete feed.",
            )
        raise TerritoryError(
            "No trip of the timetables runs on any date.",
            column="sources.gtfs",
            mend="Check calendar.txt and calendar_dates.txt, or ask for a complete feed.",
        )
    kinds = day_kinds(config)
    if not kinds:
        raise TerritoryError(
            "No kind of day is studied.",
            column="days.kinds",
            mend="Write one at least, or remove the line for the four usual ones.",
        )
    counts = valid_counts(feed, told)
    period: tuple[dt.date, dt.date] = (counts.index[0], counts.index[-1])
    holidays = read_holidays(config, *period, findings=told)
    names, _ = feed.agency_of_trip
    school = school_calendar_gap(config, kinds, holidays, told)
    chooser = _Chooser(counts, holidays, period, zone)
    chosen = []
    for kind in kinds:
        date = config.dates.get(kind.name, kind.date)
        day = _fixed(feed, kind, date) if date else chooser.typical(kind)
        warning = check_fixed_date(kind, date, holidays, config) if date else None
        told += [] if warning is None else [warning]
        if day is None:
            told.append(_kind_absent(kind, period, school))
            continue
        chosen.append(replace(day, trips=_trips(feed, day.date)))
        told += chooser.absent_networks(day, names)
    if not chosen:
        raise TerritoryError(
            "The timetables' calendar, {first} to {last}, holds no date of any kind studied.",
            column="days.kinds",
            mend="Choose other kinds of day, or fix their dates under days.dates.",
            first=period[0],
            last=period[1],
        )
    return chosen


def day_kinds(config: DaysConfig) -> list[DayKind]:
    """Return the kinds of day studied, standard ones first."""
    standard = [
        DayKind.model_validate(
            {"name": name, "weekdays": DAY_KIND_WEEKDAYS[name], "label": KIND_LABELS[name]}
        )
        for name in dict.fromkeys(config.kinds)
    ]
    kinds = [*standard, *config.extra]
    names = [k.name for k in kinds]
    for name in config.dates:
        if name not in names:
            raise TerritoryError(
                "There is no such kind of day.",
                column="days.dates",
                value=name,
                mend="Write one of: {known}.",
                known=", ".join(names),
            )
    return kinds


def ordinary_day(days: Sequence[ChosenDay]) -> ChosenDay | None:
    """Return the ordinary working day studied: of school term, else the weekday of most trips."""
    weekdays = [day for day in days if not at_weekend(day)]
    return max(weekdays, key=lambda day: (day.kind == "school_weekday", day.trips), default=None)


def at_weekend(day: ChosenDay) -> bool:
    """Whether a kind of day stands for Saturdays or Sundays."""
    return not _WEEKEND.isdisjoint(day.weekdays)


def _kind_absent(kind: DayKind, period: tuple[dt.date, dt.date], school: str) -> Finding:
    """Say why no date stands for a kind of day: the calendar, or the holidays not known."""
    message = (
        "The timetables' calendar, {first} to {last}, holds no day of the kind {kind}; it is "
        "not studied"
    )
    if kind.name in SCHOOL_KINDS and school:
        message = school
    return Finding(
        "warning",
        "day_kind_absent",
        message,
        source="days.kinds",
        params={"first": period[0], "last": period[1], "kind": kind.name},
    )


def _trips(feed: Feed, date: dt.date) -> int:
    return int(feed.departures[feed.trips_on(date)].sum())


def _standing(kind: DayKind, date: dt.date, reason: Finding, trips: int) -> ChosenDay:
    label = kind.label or kind.name
    return ChosenDay(kind.name, date, tuple(kind.weekdays), reason, trips, label)


def _fixed(feed: Feed, kind: DayKind, date: dt.date) -> ChosenDay:
    trips = _trips(feed, date)
    if not trips and feed.runnable.any():
        period = feed.period
        assert period is not None
        raise TerritoryError(
            "No trip runs on this date; the timetables' calendar goes from {first} to {last}.",
            column=f"days.dates.{kind.name}",
            value=date,
            mend="Choose a date inside it, or remove the line to let one be chosen.",
            first=period[0],
            last=period[1],
        )
    message = "{date}, fixed by the territory file: {trips} trips"
    reason = Finding("info", "date_fixed", message, params={"date": date, "trips": trips})
    return _standing(kind, date, reason, trips)


class _Chooser:
    """Chooses typical dates from the trips per date and network."""

    def __init__(
        self,
        counts: pd.DataFrame,
        holidays: Holidays,
        period: tuple[dt.date, dt.date],
        zone: ZoneInfo,
    ) -> None:
        self.counts = counts
        self.holidays = holidays
        self.period = period
        self.zone = zone
        self.dates: list[dt.date] = list(counts.index)
        runs = counts.to_numpy() > 0
        begun = np.maximum.accumulate(runs, axis=0)
        not_over = np.maximum.accumulate(runs[::-1], axis=0)[::-1]
        #: bool[dates, networks]: between each network's first and last trip.
        self.valid = np.asarray(begun & not_over)

    def typical(self, kind: DayKind) -> ChosenDay | None:
        """Return the most typical date of a kind; None when the calendar holds none."""
        rows = np.array([k for k, d in enumerate(self.dates) if self._fits(kind, d)], np.int64)
        if not rows.size:
            return None
        networks = self.valid[rows].sum(axis=1)
        rows = rows[networks == networks.max()]
        trips = self.counts.to_numpy()[rows].sum(axis=1)
        median = float(np.median(trips))
        # The middle of the period is the safest stand-in for it: feeds start and end ragged.
        middle = (self.dates[rows.min()].toordinal() + self.dates[rows.max()].toordinal()) / 2
        order = sorted(
            range(rows.size),
            key=lambda k: (
                abs(trips[k] - median),
                self._awkward(self.dates[rows[k]]),
                self.dates[rows[k]].weekday() not in (_TUESDAY, _THURSDAY),
                abs(self.dates[rows[k]].toordinal() - middle),
                self.dates[rows[k]],
            ),
        )
        best = order[0]
        date = self.dates[rows[best]]
        reason = Finding(
            "info",
            "date_typical",
            "{date}, chosen among {dates} dates of this kind from {first} to {last}: its "
            "{trips} trips are nearest the median of {median}",
            params={
                "date": date,
                "dates": int(rows.size),
                "first": self.dates[rows.min()],
                "last": self.dates[rows.max()],
                "trips": int(trips[best]),
                "median": f"{median:g}",
            },
        )
        return _standing(kind, date, reason, int(trips[best]))

    def absent_networks(self, day: ChosenDay, names: tuple[str, ...]) -> list[Finding]:
        """Return a finding for each network whose calendar does not reach the chosen date."""
        if day.date not in self.counts.index:
            return []
        row = self.dates.index(day.date)
        found = []
        is_like = self._like(day)
        for network in np.flatnonzero(~self.valid[row]):
            runs = self.counts[network].to_numpy() > 0
            if not runs.any():
                continue
            like = [d for d, r in zip(self.dates, runs, strict=True) if r and is_like(d)]
            nearest = min(like, key=lambda d: (abs((d - day.date).days), d), default=None)
            days = np.flatnonzero(runs)
            params = {
                "network": names[network],
                "date": day.date,
                "first": self.dates[days[0]],
                "last": self.dates[days[-1]],
                "nearest": nearest,
            }
            message = (
                "{network} is valid from {first} to {last} only, not on {date}; the nearest "
                "comparable date is {nearest}"
                if nearest
                else "{network} is valid from {first} to {last} only, not on {date}, and has no "
                "comparable date"
            )
            found.append(
                Finding("warning", "network_not_valid", message, source=day.kind, params=params)
            )
        return found

    def _fits(self, kind: DayKind, date: dt.date) -> bool:
        """Whether ``date`` may stand for ``kind``: never a public holiday."""
        if date in self.holidays.public:
            return False
        if kind.name in DAY_KIND_WEEKDAYS:
            return self.holidays.kind(date) == kind.name
        return WEEKDAYS[date.weekday()] in kind.weekdays

    def _like(self, day: ChosenDay) -> Callable[[dt.date], bool]:
        kind = DayKind(name=day.kind, weekdays=list(day.weekdays))
        return lambda date: self._fits(kind, date)

    def _awkward(self, date: dt.date) -> bool:
        """Whether the night before or after is not an ordinary one."""
        eve, morrow = date - dt.timedelta(days=1), date + dt.timedelta(days=1)
        elapsed_s = axis_origin_utc(morrow, self.zone) - axis_origin_utc(eve, self.zone)
        return (
            eve < self.period[0]
            or morrow > self.period[1]
            or eve in self.holidays.public
            or morrow in self.holidays.public
            or elapsed_s != 2 * DAY_S  # the clock changes
        )


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
    start = PLAIN_DATES["school_weekday"]
    week = [start + dt.timedelta(days=k) for k in range(7)]
    first = next(d for d in week if WEEKDAYS[d.weekday()] in kind.weekdays)
    date = fixed or PLAIN_DATES.get(kind.name) or first
    message = "{date}, a plain day: there is no timetable to choose from"
    if fixed:
        message = "{date}, fixed by the territory file; there is no timetable"
    reason = Finding("info", "date_plain", message, params={"date": date})
    return _standing(kind, date, reason, 0)
