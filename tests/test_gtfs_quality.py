"""The quality gate: each fault on a small feed, none on a sound one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from feeds import service, trip, write_gtfs

from mobility.base.errors import Finding
from mobility.sources.gtfs.quality import check_feed, school_routes
from mobility.sources.gtfs.read import Feed, merge_feeds, read_feed
from mobility.sources.holidays import read_holidays
from mobility.territory.fields import DaysConfig

STOPS = {"A": (4.00, 45.0), "B": (4.01, 45.0), "C": (4.02, 45.0)}
TUESDAY = dt.date(2024, 1, 16)


def ride(name: str, start: str = "05:00", end: str = "05:10", **columns: Any) -> dict[str, Any]:
    return trip(name, [("A", start), ("B", end)], **columns)


def feed_of(path: Path, trips: list[dict[str, Any]], **tables: Any) -> Feed:
    return read_feed(write_gtfs(path, trips=trips, **({"stops": STOPS} | tables)), cache=False)


def check(feed: Feed, *dates: dt.date, **options: Any) -> dict[str, Finding]:
    return {f.code: f for f in check_feed(feed, dates=dates, **options)}


def test_a_sound_feed_has_nothing_to_say(tmp_path: Path) -> None:
    trips = [trip("t", [("A", "05:00"), ("B", "05:05"), ("C", "05:10")])]
    assert check(feed_of(tmp_path / "f", trips), TUESDAY) == {}


def test_trips_without_stop_times(tmp_path: Path) -> None:
    trips = [ride("t"), trip("n1", []), trip("n2", []), trip("one", [("C", "05:00")])]
    found = check(feed_of(tmp_path / "f", trips))
    assert found["trips_without_stop_times"].count == 2
    assert found["trips_without_stop_times"].examples == ("n1", "n2")
    assert "2 of 4 trips" in found["trips_without_stop_times"].render("en")
    assert "(50 %)" in found["trips_without_stop_times"].render("fr")
    assert found["trips_of_one_stop"].examples == ("one",)


def test_impossible_speed(tmp_path: Path) -> None:
    """A to D is 78.6 km: 30 min is 157 km/h by bus (31 min with the slack: 152), 40 is 115."""
    stops = STOPS | {"D": (5.0, 45.0), "E": (5.001, 45.0)}
    trips = [
        trip("fast", [("A", "05:00"), ("D", "05:30")]),
        trip("sound", [("A", "05:00"), ("D", "05:40")]),
        trip("train", [("A", "05:00"), ("D", "05:30")], route="T"),
        trip("rest", [("D", "06:00"), ("E", "06:10")]),
    ]
    routes = [{"route_id": "R", "route_type": 3}, {"route_id": "T", "route_type": 2}]
    found = check(feed_of(tmp_path / "f", trips, stops=stops, routes=routes))
    assert found["impossible_speed"].count == 1
    assert found["impossible_speed"].examples == ("A → D",)


def test_two_calls_in_one_minute_are_no_rocket(tmp_path: Path) -> None:
    trips = [trip("t", [("A", "05:00"), ("B", "05:00"), ("C", "05:01")])]
    assert check(feed_of(tmp_path / "f", trips)) == {}


def test_misplaced_stops(tmp_path: Path) -> None:
    """Null island, a stop of another country, one nowhere; each on a slow trip."""
    stops = [
        {"stop_id": s, "stop_name": s, "stop_lon": lon, "stop_lat": lat}
        for s, (lon, lat) in STOPS.items()
    ]
    stops += [
        {"stop_id": "zero", "stop_name": "z", "stop_lon": 0, "stop_lat": 0},
        {"stop_id": "far", "stop_name": "f", "stop_lon": 4.0, "stop_lat": 46.0},
        {"stop_id": "lost", "stop_name": "l"},
        {"stop_id": "idle", "stop_name": "i", "stop_lon": 4, "stop_lat": 45},
    ]
    calls = [("A", "00:00"), ("B", "01:00"), ("C", "02:00"), ("lost", "03:00"), ("far", "08:00")]
    found = check(feed_of(tmp_path / "f", [trip("t", [*calls, ("zero", "90:00")])], stops=stops))
    assert found["stops_at_zero"].examples == ("zero z",)
    assert found["stops_far_away"].examples == ("far f",)
    assert found["stops_without_position"].examples == ("lost l",)
    assert found["stops_without_trips"].examples == ("idle i",)
    assert found["trips_beyond_two_days"].examples == ("t",)


def test_trips_calling_at_stations(tmp_path: Path) -> None:
    stops = [
        {"stop_id": "A", "stop_lon": 4, "stop_lat": 45, "location_type": 1},
        {"stop_id": "B", "stop_lon": 4.01, "stop_lat": 45},
    ]
    assert check(feed_of(tmp_path / "f", [ride("t")], stops=stops))[
        "trips_call_at_stations"
    ].examples == ("A ",)


def test_duplicate_trips(tmp_path: Path) -> None:
    """t2 repeats t1; t3 leaves later, t4 is another route, t5 runs on other days."""
    services = {"S": service(), "M": service("1000000"), "T": service("0100000")}
    routes = [{"route_id": r, "route_type": 3} for r in ("R", "Q")]
    trips = [
        ride("t1"),
        ride("t2"),
        ride("t3", "05:01", "05:11"),
        ride("t4", route="Q"),
        ride("t5", service="M"),
    ]
    feed = feed_of(tmp_path / "f", trips, services=services, routes=routes)
    assert check(feed)["duplicate_trips"].examples == ("t2",)
    assert check(feed, TUESDAY)["duplicate_trips"].examples == ("t2",)
    monday = check(feed, dt.date(2024, 1, 15))["duplicate_trips"]
    assert monday.examples == ("t2", "t5")


def test_calendar_faults(tmp_path: Path) -> None:
    """Valid in January on weekdays but the 9th; one service never runs."""
    services = {
        "S": service("1111100", "20240101", "20240131", removed=["20240109"]),
        "N": service("0000000"),
    }
    feed = feed_of(
        tmp_path / "f", [ride("t"), ride("n", "06:00", "06:10", service="N")], services=services
    )
    sunday, outside = dt.date(2024, 1, 14), dt.date(2024, 2, 6)
    found = check(feed, TUESDAY, sunday, outside)
    assert found["calendar_expired"].severity == "error"
    assert found["calendar_expired"].examples == ("2024-02-06",)
    assert "1er\u00a0janvier 2024" in found["calendar_expired"].render("fr")
    assert found["no_trip_on_date"].examples == ("2024-01-14",)
    assert found["days_without_trips"].count == 9  # 8 days of week-ends and the 9th
    assert found["trips_never_run"].examples == ("n",)


def test_no_service_at_all(tmp_path: Path) -> None:
    feed = feed_of(tmp_path / "f", [ride("t")], services={"S": service("0000000")})
    assert check(feed, TUESDAY)["no_service"].severity == "error"


@pytest.mark.parametrize(
    ("route", "school"),
    [
        ({"route_type": 712}, True),
        ({"route_short_name": "S1", "route_long_name": "Collège Jean Moulin"}, True),
        ({"route_short_name": "Scolaire 3"}, True),
        ({"route_short_name": "12", "route_long_name": "Gare - Scholastique"}, False),
    ],
)
def test_school_routes_by_type_and_name(
    tmp_path: Path, route: dict[str, Any], school: bool
) -> None:
    routes = [{"route_id": "R", "route_type": 3} | route]
    services = {"S": service("1111100", "20240108", "20240322")}
    feed = feed_of(tmp_path / "f", [ride("t")], routes=routes, services=services)
    assert school_routes(feed).tolist() == [school]


def test_a_town_line_that_ends_at_a_school_is_no_school_service(tmp_path: Path) -> None:
    """Two lines of one name: nine trips a day, or one that runs on Saturdays."""
    often = [
        ride(f"o{k}", f"{6 + k:02}:00", f"{6 + k:02}:10", route="often", service="1111100")
        for k in range(9)
    ]
    services = {n: service(n, "20240108", "20240322") for n in ("1111100", "1111110")}
    trips = [
        *often,
        ride("s", route="saturday", service="1111110"),
        ride("k", route="school", service="1111100"),
    ]
    routes = [
        {"route_id": r, "route_type": 3, "route_long_name": "Gare - Collège"}
        for r in ("often", "saturday", "school")
    ]
    feed = feed_of(tmp_path / "f", trips, routes=routes, services=services)
    assert dict(zip(feed.routes["route_id"], school_routes(feed), strict=True)) == {
        "often": False,
        "saturday": False,
        "school": True,
    }


def test_a_network_that_ends_before_the_holidays_tells_nothing(tmp_path: Path) -> None:
    """One network stops on 2 February, the other runs through the February holidays."""
    feeds = []
    for name, end in (("short", "20240202"), ("long", "20240322")):
        agencies = [
            {"agency_id": name, "agency_name": name, "agency_url": "x",
             "agency_timezone": "Europe/Paris"}
        ]  # fmt: skip
        services = {"S": service("1111100", "20240108", end)}
        feeds.append(feed_of(tmp_path / name, [ride(name)], services=services, agencies=agencies))
    feed = merge_feeds(feeds)
    assert feed.period is not None
    holidays = read_holidays(DaysConfig(school_zone="C"), *feed.period)
    assert school_routes(feed, holidays).tolist() == [False, False]


def test_school_routes_by_calendar(tmp_path: Path) -> None:
    """January to March 2024, zone C: route K stops in the February holidays, R does not."""
    off = [f"202402{d}" for d in range(10, 26)]
    period = ("20240108", "20240322")
    services = {
        "S": service("1111100", *period),
        "K": service("1111100", *period, removed=off),
        "W": service("0000010", *period),
    }
    trips = [
        ride("t"),
        ride("k", route="K", service="K"),
        ride("k2", route="L", service="K"),
        ride("w", route="L", service="W"),
    ]
    feed = feed_of(tmp_path / "f", trips, services=services)
    assert feed.period is not None
    holidays = read_holidays(DaysConfig(school_zone="C"), *feed.period)
    # L, which runs on Saturdays too, is a town line that rests in the holidays.
    assert feed.routes["route_id"].tolist() == ["K", "L", "R"]
    assert school_routes(feed, holidays).tolist() == [True, False, False]
    assert check(feed, holidays=holidays)["school_routes"].examples == ("K",)


def test_networks(tmp_path: Path) -> None:
    """One in January, two in March, three without trips."""
    feeds = []
    for name, start, end in [("one", "0101", "0131"), ("two", "0301", "0331"), ("three", "", "")]:
        agencies = [
            {"agency_id": n, "agency_name": n, "agency_url": "x", "agency_timezone": "Europe/Paris"}
            for n in ([name] if start else ["two b", name])
        ]
        services = {"S": service("1111111", f"2024{start or '0301'}", f"2024{end or '0331'}")}
        feeds.append(feed_of(tmp_path / name, [ride(name)], services=services, agencies=agencies))
    found = check(merge_feeds(feeds))
    assert found["networks_without_trips"].examples == ("three",)
    assert found["networks_disjoint"].count == 3
    assert found["networks_disjoint"].examples[0] == "one 2024-01-01 – 2024-01-31"


def test_times_filled_in_do_not_make_a_trip_too_fast(tmp_path: Path) -> None:
    """A and B stand in the wrong order by count, but the trip from A to D takes its 40 min."""
    stops = STOPS | {"D": (5.0, 45.0)}
    calls = [("A", "05:00"), ("B", None), ("C", None), ("D", "05:40")]
    found = check(feed_of(tmp_path / "f", [trip("t", calls)], stops=stops))
    assert "impossible_speed" not in found
    calls[-1] = ("D", "05:30")
    found = check(feed_of(tmp_path / "g", [trip("t", calls)], stops=stops))
    assert found["impossible_speed"].count == 1
