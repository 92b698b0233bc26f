"""Which date stands for each kind of day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from feeds import service, trip, write_gtfs

from mobility.base.errors import Finding, TerritoryError
from mobility.sources.days import ChosenDay, choose_days, day_kinds, plain_days
from mobility.sources.feed_dates import school_calendar_gap
from mobility.sources.gtfs.read import Feed, merge_feeds, read_feed
from mobility.sources.holidays import read_holidays
from mobility.territory.fields import DaysConfig

PARIS = ZoneInfo("Europe/Paris")
STOPS = {"A": (4.00, 45.0), "B": (4.01, 45.0)}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def feed_of(path: Path, counts: dict[str, int], services: dict[str, Any], **tables: Any) -> Feed:
    """A feed with ``counts[s]`` trips of each service."""
    trips = [
        trip(f"{s}{k}", [("A", 18_000 + k * 600), ("B", 18_300 + k * 600)], service=s)
        for s, n in counts.items()
        for k in range(n)
    ]
    path = write_gtfs(path, stops=STOPS, trips=trips, services=services, **tables)
    return read_feed(path, cache=False)


def choose(
    feed: Feed, findings: list[Finding] | None = None, **config: Any
) -> dict[str, ChosenDay]:
    days = choose_days(feed, DaysConfig(**config), PARIS, findings=findings)
    return {d.kind: d for d in days}


def spring(path: Path) -> Feed:
    """8 January to 10 March 2024: 3 trips on weekdays, 2 on Saturdays, 1 on Sundays."""
    period = ("20240108", "20240310")
    services = {
        "week": service("1111100", *period),
        "sat": service("0000010", *period),
        "sun": service("0000001", *period),
    }
    return feed_of(path, {"week": 3, "sat": 2, "sun": 1}, services)


def test_french_kinds_of_day(tmp_path: Path) -> None:
    """Zone C: winter holidays from 10 to 25 February 2024; those mid-period win the ties."""
    days = choose(spring(tmp_path / "f"), school_zone="C")
    assert {k: (d.date, d.trips) for k, d in days.items()} == {
        "school_weekday": (day("2024-02-06"), 3),
        "holiday_weekday": (day("2024-02-15"), 3),
        "saturday": (day("2024-02-10"), 2),
        "sunday": (day("2024-02-11"), 1),
    }
    assert days["school_weekday"].weekdays == ("mon", "tue", "wed", "thu", "fri")
    assert days["sunday"].weekdays == ("sun",)
    assert "35 dates" in days["school_weekday"].reason.render("en")
    assert "35 dates" in days["school_weekday"].reason.render("fr")


def test_a_zone_on_another_calendar(tmp_path: Path) -> None:
    """Zone A is on holiday from 17 February."""
    days = choose(spring(tmp_path / "f"), school_zone="A")
    assert days["holiday_weekday"].date == day("2024-02-22")


def test_without_zone_only_days_all_zones_share_count(tmp_path: Path) -> None:
    """Winter 2024: C from 10 to 25 February, A from the 17th to 3 March, B from the 24th on.

    All are away on the week-end of the 24th only: of the 30 days from 10 February to
    10 March 28 are uncertain.
    """
    told: list[Finding] = []
    days = choose(spring(tmp_path / "f"), told)
    assert "holiday_weekday" not in days
    assert days["school_weekday"].date == day("2024-01-23")
    codes = {f.code: f for f in told}
    assert codes["school_zone_unknown"].count == 28
    assert codes["day_kind_absent"].params["kind"] == "holiday_weekday"


def test_the_median_wins_over_the_busiest(tmp_path: Path) -> None:
    """Mondays have 9 trips, Tuesdays to Thursdays 4, Fridays 5: the median is 4."""
    week = ("20240108", "20240204")
    services = {
        "all": service("1111100", *week),
        "mon": service("1000000", *week),
        "fri": service("0000100", *week),
    }
    feed = feed_of(tmp_path / "f", {"all": 4, "mon": 5, "fri": 1}, services)
    assert choose(feed, school_zone="C")["school_weekday"].trips == 4
    # The first day of the calendar has no eve: Tuesday the 9th, not Monday.
    assert choose(feed, school_zone="C")["school_weekday"].date == day("2024-01-18")


def test_public_holidays_and_their_neighbours_are_avoided(tmp_path: Path) -> None:
    """29 April to 10 May 2024: Wednesday 1, Wednesday 8 and Thursday 9 May are holidays.

    Left are 29, 30 April, 2, 3, 6, 7 and 10 May; the nights of the last day before and the
    first day after a holiday are odd, as are both ends of the calendar: 3 and 6 May are
    ordinary, neither is a Tuesday or Thursday, so the earliest wins.
    """
    feed = feed_of(tmp_path / "f", {"S": 2}, {"S": service("1111111", "20240429", "20240510")})
    days = choose(feed, school_zone="A", kinds=["school_weekday", "sunday"])
    assert days["school_weekday"].date == day("2024-05-03")
    assert days["sunday"].date == day("2024-05-05")


def test_the_night_of_the_clock_change_is_avoided(tmp_path: Path) -> None:
    """Sundays 24 March, 31 March (clock change; Easter) and 7 April, of 2019's like."""
    feed = feed_of(tmp_path / "f", {"S": 2}, {"S": service("1111111", "20190330", "20190408")})
    assert choose(feed, school_zone="C", kinds=["sunday"])["sunday"].date == day("2019-04-07")


def test_own_school_holidays_come_on_top(tmp_path: Path) -> None:
    own = [(day("2024-01-15"), day("2024-01-19"))]
    days = choose(spring(tmp_path / "f"), country="DE", school_holidays=own)
    assert days["holiday_weekday"].date == day("2024-01-16")


def test_other_countries_have_their_own_public_holidays() -> None:
    """German Unity Day is none in France; Epiphany is one in Bavaria only."""
    period = (day("2024-01-01"), day("2024-12-31"))
    german = read_holidays(DaysConfig(country="DE"), *period)
    french = read_holidays(DaysConfig(country="FR", school_zone="A"), *period)
    bavarian = read_holidays(DaysConfig(country="DE-BY"), *period)
    assert day("2024-10-03") in german.public
    assert day("2024-10-03") not in french.public
    assert day("2024-01-06") in bavarian.public
    assert day("2024-01-06") not in german.public
    assert not german.school
    assert french.kind(day("2024-07-14")) == "sunday"
    assert french.kind(day("2024-07-16")) == "holiday_weekday"


@pytest.mark.parametrize("part", ["57", "67", "68", "GES", "6AE", "Alsace-Moselle", "Moselle"])
def test_alsace_moselle_under_each_of_its_names(part: str) -> None:
    found = read_holidays(
        DaysConfig(country=f"FR-{part}", school_zone="B"), day("2026-01-01"), day("2026-12-31")
    )
    assert {day("2026-04-03"), day("2026-12-26")} <= found.public
    # The schools are those of zone B.
    assert found.kind(day("2026-02-17")) == "holiday_weekday"


@pytest.mark.parametrize("part", ["44", "PDL", "75C", "2A"])
def test_other_departments_and_regions_have_the_national_days(part: str) -> None:
    period = (day("2026-01-01"), day("2026-12-31"))
    national = read_holidays(DaysConfig(), *period)
    assert read_holidays(DaysConfig(country=f"FR-{part}"), *period).public == national.public


@pytest.mark.parametrize(
    ("part", "own"), [("974", "2026-12-20"), ("971", "2026-05-27"), ("RE", "2026-12-20")]
)
def test_overseas_schools_are_not_those_of_the_mainland(part: str, own: str) -> None:
    told: list[Finding] = []
    config = DaysConfig(country=f"FR-{part}")
    found = read_holidays(config, day("2026-01-01"), day("2026-12-31"), findings=told)
    assert day(own) in found.public
    assert not found.school
    assert not found.uncertain
    assert [f.code for f in told] == ["school_calendar_unknown"]
    assert part in told[0].render("fr")
    listed = config.model_copy(update={"school_holidays": [(day("2026-07-10"), day("2026-08-15"))]})
    told.clear()
    found = read_holidays(listed, day("2026-01-01"), day("2026-12-31"), findings=told)
    assert found.kind(day("2026-07-15")) == "holiday_weekday"
    assert told == []


@pytest.mark.parametrize(
    ("zone", "date", "kind"),
    [
        ("A", "2024-05-10", "holiday_weekday"),  # the bridge of Ascension
        ("C", "2026-05-15", "holiday_weekday"),
        ("B", "2021-04-13", "holiday_weekday"),  # the spring holidays as they were moved
        ("B", "2021-05-04", "school_weekday"),
        ("A", "2014-04-29", "holiday_weekday"),  # before one of the libraries begins
        ("A", "2028-08-31", "holiday_weekday"),
        ("A", "2028-10-24", ""),  # not decreed yet
    ],
)
def test_each_year_is_of_the_library_that_has_it_right(zone: str, date: str, kind: str) -> None:
    year = (day(f"{date[:4]}-01-01"), day(f"{date[:4]}-12-31"))
    assert read_holidays(DaysConfig(school_zone=zone), *year).kind(day(date)) == kind


def test_a_half_known_year_says_from_when_on() -> None:
    told: list[Finding] = []
    period = (day("2028-06-01"), day("2028-12-31"))
    found = read_holidays(DaysConfig(school_zone="A"), *period, findings=told)
    assert found.kind(day("2028-06-13")) == "school_weekday"
    assert found.kind(day("2028-09-12")) == ""
    assert told[0].params == {"first": day("2028-09-01"), "last": day("2028-12-31")}
    own = DaysConfig(school_zone="A", school_holidays=[(day("2028-10-21"), day("2028-11-05"))])
    assert read_holidays(own, *period).kind(day("2028-09-12")) == "school_weekday"


def test_unknown_country() -> None:
    with pytest.raises(TerritoryError, match="'XX'"):
        read_holidays(DaysConfig(country="XX"), day("2024-01-01"), day("2024-01-31"))


def test_a_year_without_school_calendar_is_reported() -> None:
    told: list[Finding] = []
    period = (day("2080-01-01"), day("2080-12-31"))
    assert not read_holidays(DaysConfig(school_zone="A"), *period, findings=told).school
    assert [f.code for f in told] == ["school_calendar_unknown"]


def test_fixed_dates(tmp_path: Path) -> None:
    feed = spring(tmp_path / "f")
    days = choose(feed, school_zone="C", dates={"saturday": "2024-02-03"})
    assert days["saturday"].date == day("2024-02-03")
    assert "fixed" in days["saturday"].reason.render("en")


@pytest.mark.parametrize("date", ["2025-02-01", "2023-12-31"])
def test_a_fixed_date_outside_the_calendar_names_the_period(tmp_path: Path, date: str) -> None:
    with pytest.raises(TerritoryError, match=r"from 8.January 2024 to 10.March 2024") as caught:
        choose(spring(tmp_path / "f"), school_zone="C", dates={"saturday": date})
    assert caught.value.column == "days.dates.saturday"


def test_an_unknown_kind_among_fixed_dates(tmp_path: Path) -> None:
    with pytest.raises(TerritoryError, match="no such kind of day"):
        choose(spring(tmp_path / "f"), dates={"satuday": "2024-02-03"})


def test_kinds_of_ones_own(tmp_path: Path) -> None:
    extra = [{"name": "market", "weekdays": "wed", "label": "Jour de marché"}]
    days = choose(spring(tmp_path / "f"), school_zone="C", extra=extra)
    assert days["market"].date == day("2024-02-07")
    assert days["market"].label == "Jour de marché"


def test_a_day_without_trips_is_still_a_day(tmp_path: Path) -> None:
    """No bus on Sundays is the answer, not a reason to look at another day."""
    weekdays = {"S": service("1111100", "20240108", "20240310")}
    feed = feed_of(tmp_path / "f", {"S": 1}, weekdays)
    sunday = choose(feed, school_zone="C")["sunday"]
    assert sunday.trips == 0
    assert sunday.date.weekday() == 6


def test_a_feed_that_never_runs(tmp_path: Path) -> None:
    feed = feed_of(tmp_path / "f", {"S": 1}, {"S": service("0000000")})
    with pytest.raises(TerritoryError, match="No trip of the timetables runs on any date"):
        choose(feed)


def two_networks(path: Path, first: tuple[str, str], second: tuple[str, str]) -> Feed:
    feeds = [
        feed_of(path / name, {"S": 1}, {"S": service("1111111", *period)}, agencies=[
            {"agency_id": name, "agency_name": name, "agency_url": "http://x",
             "agency_timezone": "Europe/Paris"}])
        for name, period in (("one", first), ("two", second))
    ]  # fmt: skip
    return merge_feeds(feeds)


def test_dates_on_which_both_networks_are_valid_win(tmp_path: Path) -> None:
    """One from 8 January, two from 29 January: Tuesday the 30th, not the 9th."""
    feed = two_networks(tmp_path, ("20240108", "20240209"), ("20240129", "20240209"))
    days = choose(feed, school_zone="C", kinds=["school_weekday"])
    assert days["school_weekday"].date == day("2024-02-01")


def test_networks_never_valid_together(tmp_path: Path) -> None:
    """January against March: the nearest Tuesday-like date of the other is proposed."""
    told: list[Finding] = []
    feed = two_networks(tmp_path, ("20240108", "20240126"), ("20240304", "20240322"))
    days = choose(feed, told, school_zone="C", kinds=["school_weekday"])
    assert days["school_weekday"].date == day("2024-01-25")
    found = [f for f in told if f.code == "network_not_valid"]
    assert len(found) == 1
    assert found[0].params["network"] == "two"
    assert found[0].params["nearest"] == day("2024-03-04")
    assert "4\u00a0mars 2024" in found[0].render("fr")


def test_a_fixed_date_of_another_weekday_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TerritoryError) as caught:
        choose(spring(tmp_path / "f"), school_zone="C", dates={"saturday": "2024-02-06"})
    assert caught.value.column == "days.dates.saturday"
    assert "mardi\u202f; ce jour type veut\u00a0: samedi" in caught.value.render("fr")
    own = [{"name": "friday night", "date": "2024-02-06", "weekdays": "fri"}]
    with pytest.raises(TerritoryError, match="Tuesday; the kind of day wants: Friday"):
        choose(spring(tmp_path / "f"), school_zone="C", extra=own)
    with pytest.raises(TerritoryError, match="Tuesday"):
        plain_days(DaysConfig.model_validate({"dates": {"sunday": "2024-02-06"}}))


@pytest.mark.parametrize(
    ("kind", "date", "zone", "says"),
    [
        ("school_weekday", "2024-02-13", "C", "jour de semaine en vacances scolaires"),
        ("school_weekday", "2024-02-13", None, "certaines zones"),
        ("holiday_weekday", "2024-02-06", "C", "période scolaire"),
        ("school_weekday", "2024-05-08", "C", "férié"),
        ("saturday", "2025-11-01", "C", "férié"),
        ("sunday", "2024-05-08", "C", ""),
        ("school_weekday", "2024-02-06", "C", ""),
        ("saturday", "2024-02-17", "C", ""),
    ],
)
def test_a_fixed_date_that_is_no_ordinary_day_of_its_kind(kind, date, zone, says) -> None:
    config = DaysConfig.model_validate({"dates": {kind: date}, "school_zone": zone})
    findings: list[Finding] = []
    plain_days(config, findings=findings)
    told = [f.render("fr") for f in findings]
    assert bool(told) == bool(says)
    if says:
        assert says in told[0]
        assert f"days.dates.{kind} = {date}" in told[0]
        assert findings[0].severity == "warning"


def codes_of(told: list[Finding]) -> list[str]:
    return [f.code for f in told]


def test_an_expired_timetable_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for now, told_now in (("2024-03-10", False), ("2024-03-11", True)):
        monkeypatch.setattr("mobility.sources.feed_dates.today", lambda now=now: day(now))
        told: list[Finding] = []
        choose(spring(tmp_path / "f"), told, school_zone="C")
        assert ("timetable_expired" in codes_of(told)) is told_now
    found = next(f for f in told if f.code == "timetable_expired")
    assert found.params["last"] == day("2024-03-10")
    assert found.examples == ("Agency 2024-03-10",)


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "code"),
    [
        ("20240101", "20240209", "2024-01-08", "2024-02-09", "feed_info_period"),
        ("20240205", "", "2024-02-05", "2024-03-10", "feed_info_period"),
        ("20240101", "20241231", "2024-01-08", "2024-03-10", ""),
        ("20250101", "20251231", "2024-01-08", "2024-03-10", "feed_info_period"),
    ],
)
def test_the_lesser_of_calendar_and_feed_info(
    tmp_path: Path, start: str, end: str, first: str, last: str, code: str
) -> None:
    """Dates are chosen inside both; a period without any trip is told and not followed."""
    info = {"feed_publisher_name": "x", "feed_start_date": start, "feed_end_date": end}
    feed = feed_of(
        tmp_path / "f", {"S": 1}, {"S": service("1111100", "20240108", "20240310")},
        feed_info=[info],
    )  # fmt: skip
    told: list[Finding] = []
    days = choose(feed, told, school_zone="C", kinds=["school_weekday", "holiday_weekday"])
    assert all(day(first) <= d.date <= day(last) for d in days.values())
    assert ("feed_info_period" in codes_of(told)) is bool(code)
    # Zone C is on holiday from 10 to 25 February 2024.
    assert ("holiday_weekday" in days) is (last > "2024-02-10")


@pytest.mark.parametrize("removed", [[], ["20250501"]])
def test_a_calendar_of_many_years_is_looked_at_around_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: list[str]
) -> None:
    """One holiday taken out tells no period."""
    monkeypatch.setattr("mobility.sources.gtfs.feed.today", lambda: day("2026-05-01"))
    endless = service("1111100", "20150101", "20391231", removed=removed)
    told: list[Finding] = []
    days = choose(feed_of(tmp_path / "f", {"S": 1}, {"S": endless}), told, kinds=["school_weekday"])
    assert 2025 <= days["school_weekday"].date.year <= 2027
    found = next(f for f in told if f.code == "calendar_long")
    assert (found.params["low"], found.params["high"]) == (day("2025-01-01"), day("2027-12-31"))


def test_without_a_school_calendar_the_feed_is_not_blamed(tmp_path: Path) -> None:
    told: list[Finding] = []
    kinds = ["school_weekday", "holiday_weekday"]
    days = choose(spring(tmp_path / "f"), told, country="DE", kinds=kinds)
    assert set(days) == {"school_weekday"}
    assert "school_calendar_missing" in codes_of(told)
    absent = next(f for f in told if f.code == "day_kind_absent")
    assert "list days.school_holidays" in absent.render("en")
    listed = [(day("2024-02-12"), day("2024-02-16"))]
    told.clear()
    assert set(choose(spring(tmp_path / "f"), told, country="DE", kinds=kinds,
                      school_holidays=listed)) == set(kinds)  # fmt: skip
    assert "school_calendar_missing" not in codes_of(told)


def test_a_zone_not_known_is_not_the_feed_s_fault(tmp_path: Path) -> None:
    """19 to 23 February 2024: zones A and C rest, B works."""
    told: list[Finding] = []
    feed = feed_of(tmp_path / "f", {"S": 1}, {"S": service("1111111", "20240219", "20240225")})
    days = choose(feed, told, kinds=["school_weekday", "saturday"])
    assert set(days) == {"saturday"}
    absent = next(f for f in told if f.code == "day_kind_absent")
    assert "days.school_zone" in absent.render("en")


def test_trips_of_a_day_are_counted_once(tmp_path: Path) -> None:
    """A trip of a route that no row of routes.txt names counts too."""
    feed = feed_of(
        tmp_path / "f", {"S": 3}, {"S": service("1111100", "20240108", "20240310")},
        routes=[{"route_id": "other", "route_type": 3}],
    )  # fmt: skip
    days = choose(feed, school_zone="C", kinds=["school_weekday"])
    assert days["school_weekday"].trips == feed.trips_on(days["school_weekday"].date).size == 3


@pytest.mark.parametrize(
    ("zone", "first", "says"),
    [
        ("A", "2028-06-01", "not decreed yet"),
        (None, "2028-06-01", "not decreed yet"),
        # In February the zones differ, so that naming one would help.
        (None, "2028-02-01", "days.school_zone"),
    ],
)
def test_days_not_decreed_yet_are_not_blamed_on_the_zone(
    zone: Literal["A"] | None, first: str, says: str
) -> None:
    config = DaysConfig(school_zone=zone)
    holidays = read_holidays(config, day(first), day("2028-12-31"))
    assert says in school_calendar_gap(config, day_kinds(config), holidays, [])


def test_a_calendar_written_backwards_names_its_row(tmp_path: Path) -> None:
    services = {"gone": service("0000000"), "week": service("1111100", "20240310", "20240108")}
    feed = feed_of(tmp_path / "f", {"week": 3}, services)
    (told,) = (f for f in feed.findings if f.code == "services_backwards")
    assert "in row 3 (week)" in told.render("en")
    with pytest.raises(TerritoryError) as caught:
        choose(feed)
    assert "calendar.txt, row 3, field start_date, end_date, value 'week'" in str(caught.value)


def test_a_headway_counts_as_the_departures_it_makes(tmp_path: Path) -> None:
    """06:00 to 07:30, every 20 min: five departures, and a trip that runs once."""
    period = ("20240108", "20240310")
    services = {"S": service("1111100", *period)}
    often = {"trip_id": "S0", "start_time": "06:00:00", "end_time": "07:30:00"}
    rows = [often | {"headway_secs": 1200, "exact_times": 1}]
    feed = feed_of(tmp_path / "f", {"S": 2}, services, frequencies=rows)
    chosen = choose(feed, school_zone="C", kinds=["school_weekday"])["school_weekday"]
    assert chosen.trips == 5 + 1
    assert chosen.reason.params["trips"] == 6
    fixed = choose(feed, kinds=["school_weekday"], dates={"school_weekday": day("2024-01-16")})
    assert fixed["school_weekday"].trips == 6
    # Trips stay trips where two feeds are compared.
    assert feed.trips_per_day()[0].max() == 2


def test_no_kind_of_day_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(TerritoryError, match="No kind of day is studied"):
        choose(spring(tmp_path / "f"), kinds=[])
