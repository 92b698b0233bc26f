"""A timetable in another time zone than the territory's is told, when their hours differ."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from feeds import service, trip, write_gtfs
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory

from mobility.commute.loading import load
from mobility.sources.gtfs.quality import zone_findings
from mobility.sources.gtfs.read import merge_feeds, read_feed

PARIS = ZoneInfo("Europe/Paris")
STOPS = {"A": (4.00, 45.0), "B": (4.01, 45.0)}


def feed(path, zone):
    trips = [trip("t", [("A", 18_000), ("B", 18_300)])]
    write_gtfs(path, stops=STOPS, trips=trips, services={"S": service()}, timezone=zone)
    return read_feed(path, cache=False)


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("America/New_York", "2024-02-06", "-6 h"),
        ("America/New_York", "2024-03-12", "-5 h"),
        ("Europe/London", "2024-07-01", "-1 h"),
        ("Asia/Kolkata", "2024-02-06", "+4.5 h"),
        ("Europe/Brussels", "2024-02-06", ""),
        ("Africa/Lagos", "2024-02-06", ""),
        ("Africa/Lagos", "2024-07-01", "-1 h"),
    ],
)
def test_only_different_hours_are_told(tmp_path, zone, date, hours):
    feeds = merge_feeds([feed(tmp_path / "one", zone), feed(tmp_path / "two", "Europe/Paris")])
    found = zone_findings(feeds, [dt.date.fromisoformat(date)], PARIS)
    assert len(found) == bool(hours)
    if hours:
        text = found[0].render("fr")
        for word in ("one", zone, "Europe/Paris", hours):
            assert word in text
        assert found[0].severity == "warning"


def test_a_study_tells_it(tmp_path):
    toml = write_territory(tmp_path)
    write_gtfs(
        tmp_path / "gtfs.zip",
        stops={name: lonlat(PLACES_M[name]) for name in ("A", "B")},
        trips=[trip(n, [(a, d), (b, e)], service=s) for n, a, d, b, e, s in TRIPS],
        services=SERVICES,
        timezone="America/New_York",
    )
    codes = [f.code for f in load(toml).findings]
    assert "timezone_differs" in codes
