"""On which dates a timetable can be relied on, and what is to be said of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool
from mobility.base.clock import today
from mobility.base.errors import Finding
from mobility.sources.gtfs.feed import CALENDARS, Feed
from mobility.sources.holidays import FIRST_KNOWN, LAST_DECREED, Holidays
from mobility.territory.fields import DayKind, DaysConfig

#: School lines tell what is term where they run on so many days so near a date.
_TERM_DAYS, _TERM_SPAN_DAYS = 3, 120
SCHOOL_KINDS = ("school_weekday", "holiday_weekday")


def valid_counts(feed: Feed, findings: list[Finding]) -> pd.DataFrame:
    """Return the trips of each agency on each date, none outside what feed_info.txt announces.

    Rows go from the first to the last date with a trip. Where feed_info.txt leaves none of a
    network's trips, it is not followed. What the user should know is appended to ``findings``.
    """
    names, agency = feed.agency_of_trip
    counts = feed.trips_per_day(agency, departures=True).reindex(
        columns=range(len(names)), fill_value=0
    )
    day = np.array([d.toordinal() for d in counts.index], np.int64)
    network = feed.agencies.drop_duplicates(["network", "agency_id"])["network"].to_numpy()
    table = counts.to_numpy()
    for number, (first, last) in feed.announced.items():
        own = network == number
        runs = day[table[:, own].any(axis=1)]
        outside = (day < first) | (day > last)
        if not runs.size or (first <= runs[0] and runs[-1] <= last):
            continue
        kept = bool(((runs >= first) & (runs <= last)).any())
        if kept:
            table = np.where(outside[:, None] & own, 0, table)
        message = (
            "{network}: feed_info.txt says that the timetable holds from {first} to {last}; the "
            "dates of calendar.txt outside are not chosen"
            if kept
            else "{network}: feed_info.txt says that the timetable holds from {first} to {last}, "
            "when calendar.txt has no trip; it is not followed"
        )
        bounds = max(first, int(runs[0])) if kept else first, min(last, day[-1]) if kept else last
        findings.append(
            Finding(
                "warning",
                "feed_info_period",
                message,
                source="feed_info.txt",
                params={
                    "network": feed.networks[number],
                    "first": _date(bounds[0]),
                    "last": _date(bounds[1]),
                },
            )
        )
    counts = pd.DataFrame(table, index=counts.index)
    days = np.flatnonzero(table.any(axis=1))
    findings += _long(feed) + _expired(counts, names)
    return counts.iloc[days[0] : days[-1] + 1]


def _date(ordinal: int) -> dt.date:
    return dt.date.fromordinal(int(np.clip(ordinal, 1, dt.date.max.toordinal())))


def _long(feed: Feed) -> list[Finding]:
    """Say so where only a part of a long calendar is looked at."""
    whole, span = feed.services.whole_span, feed.services.span
    if whole is None or span is None or whole == span:
        return []
    message = (
        "The timetables' calendar goes from {first} to {last}; only dates from {low} to {high} "
        "are looked at"
    )
    params = dict(zip(("first", "last", "low", "high"), map(_date, (*whole, *span)), strict=True))
    return [Finding("info", "calendar_long", message, source=CALENDARS, params=params)]


def _expired(counts: pd.DataFrame, names: Sequence[str]) -> list[Finding]:
    """Name the networks whose last trip lies in the past."""
    over = []
    for k, name in enumerate(names):
        days = counts.index[counts[k] > 0]
        if len(days) and days[-1] < today():
            over.append((days[-1], name))
    if not over:
        return []
    return [
        Finding(
            "warning",
            "timetable_expired",
            "The timetables of {count} networks have expired, the latest on {last}: what is "
            "studied is the past; ask their publishers for current ones",
            source=CALENDARS,
            count=len(over),
            examples=tuple(f"{name} {day}" for day, name in sorted(over)[-5:]),
            params={"last": max(over)[0]},
        )
    ]


def school_calendar_gap(
    config: DaysConfig, kinds: Sequence[DayKind], holidays: Holidays, findings: list[Finding]
) -> str:
    """Return why school holidays are not known, to be said of a kind that has no date; or ""."""
    asked = [k.name for k in kinds if k.name in SCHOOL_KINDS and k.name not in config.dates]
    if not asked or (holidays.school and not holidays.uncertain):
        return ""
    if holidays.uncertain and not any(FIRST_KNOWN <= d <= LAST_DECREED for d in holidays.uncertain):
        return (
            "Between {first} and {last} no day is sure to be of the kind {kind}: the school "
            "calendar of these dates is not known, or not decreed yet. It is not studied; list "
            "days.school_holidays"
        )
    if holidays.uncertain:
        return (
            "Between {first} and {last} no day is sure to be of the kind {kind}: the school zone "
            "is not known. It is not studied; set days.school_zone to A, B or C"
        )
    french = config.country.upper().startswith("FR")
    if french and not any(f.code == "school_calendar_unknown" for f in findings):
        return ""
    if not french:
        findings.append(
            Finding(
                "warning",
                "school_calendar_missing",
                "No school holidays are given for {country}: any weekday counts as one of school "
                "term, even in the holidays; list days.school_holidays",
                source="days",
                params={"country": config.country},
            )
        )
    return (
        "No school holidays are known between {first} and {last}, so that no day is of the kind "
        "{kind}; it is not studied: list days.school_holidays"
    )


def term_day_at_rest(feed: Feed, dates: Iterable[dt.date], school: Bool) -> list[Finding]:
    """Tell a school-term weekday on which no school line runs: local holidays, it seems.

    Parameters
    ----------
    dates
        Those that stand for a school-term weekday.
    school
        bool[routes]: lines that only serve schools. Those that rarely run tell nothing.
    """
    route = feed.trips["route"].to_numpy(np.int64)
    counts = feed.trips_per_day(np.where(school[route], 0, -1))
    ridden = counts.index[counts[0] > 0]
    found = []
    for date in dates:
        near = [d for d in ridden if abs((d - date).days) <= _TERM_SPAN_DAYS]
        if date in counts.index and date not in ridden and len(near) >= _TERM_DAYS:
            after = min(near, key=lambda d: (abs((d - date).days), d))
            message = (
                "{date} stands for a school-term weekday, but none of the lines that only serve "
                "schools runs on it, as they do on {other}: it seems to be in the local school "
                "holidays; fix days.dates.school_weekday, or list days.school_holidays"
            )
            params = {"date": date, "other": after}
            found.append(Finding("warning", "term_day_at_rest", message, "days", params=params))
    return found
