"""The binding reason of a white home, one hand-made territory a reason (drawn in `small`)."""

from __future__ import annotations

from pathlib import Path

from feeds import service, trip, write_gtfs
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory

from mobility.commute.access import STATUSES, assess
from mobility.commute.loading import load
from mobility.commute.white_zones import REASONS, white_zones

MORNING, AFTERNOON, NIGHT = 0, 1, 2


def verdict(territory: Path, shift: int, day: str = "school_weekday") -> tuple[str, str]:
    """Status and reason of the first home."""
    zones = white_zones(assess(load(territory)))
    row = zones.row(shift, day)
    return STATUSES[zones.status[row, 0]], REASONS[zones.reason[row, 0]]


def test_too_long(tmp_path):
    # The morning takes 45 min each way and no other hour is quicker.
    limits = "[limits]\nmax_total_min = 44"
    assert verdict(write_territory(tmp_path, extra=limits), MORNING) == ("neither", "too_long")
    limits = "[limits]\nmax_total_min = 45"
    assert verdict(write_territory(tmp_path / "45", extra=limits), MORNING) == ("served", "")


def near_the_stop() -> str:
    """One home, 100 m short of stop A."""
    lon, lat = lonlat(PLACES_M["A"] - 100)
    return f"id,name,commune,lon,lat,workers\nN,N,Droiteville,{lon:.9f},{lat:.9f},10\n"


def test_no_stop_near_the_gate(tmp_path):
    # 100 s to stop A and 240 s from stop B: the gate's walk alone breaks 3.5 min.
    limits = "[limits]\nmax_walk_min = 3.5"
    territory = write_territory(tmp_path, homes=near_the_stop(), extra=limits)
    assert verdict(territory, MORNING) == ("neither", "no_stop_gate")


def test_too_many_transfers(tmp_path):
    # Half way, at M, every bus is changed for another that leaves five minutes later.
    territory = write_territory(tmp_path, extra="[limits]\nmax_transfers = 0")
    trips = []
    for name, a, depart, b, arrive, which in TRIPS:
        half = f"{depart[:3]}{int(depart[3:]) + 8:02d}"
        on = f"{depart[:3]}{int(depart[3:]) + 13:02d}"
        trips += [
            trip(f"{name} 1", [(a, depart), ("M", half)], service=which),
            trip(f"{name} 2", [("M", on), (b, arrive)], service=which),
        ]
    places = {name: lonlat(PLACES_M[name]) for name in ("A", "B")} | {"M": lonlat(6_000)}
    write_gtfs(tmp_path / "gtfs.zip", stops=places, trips=trips, services=SERVICES)
    assert verdict(territory, MORNING) == ("neither", "too_many_transfers")
    text = territory.read_text().replace("max_transfers = 0", "max_transfers = 1")
    territory.write_text(text)
    assert verdict(territory, MORNING) == ("served", "")


def test_only_on_school_days(tmp_path):
    # All buses but a useless one stay in their depot in the winter holidays.
    closed = ["20260216", "20260217", "20260218"]
    services = {
        "week": service("1111100", "20260105", "20261218", removed=closed),
        "eve": service("1111001", "20260104", "20261218", removed=closed),
        "all": service("1111111", "20260101", "20261231"),
    }
    trips = [*TRIPS, ("away", "A", "12:00", "B", "16:00", "all")]
    days = (
        'kinds = ["school_weekday", "holiday_weekday"]\n'
        "dates = { school_weekday = 2026-11-17, holiday_weekday = 2026-02-17 }"
    )
    territory = write_territory(tmp_path, trips=trips, services=services, days=days)
    assert verdict(territory, AFTERNOON) == ("served", "")
    assert verdict(territory, AFTERNOON, "holiday_weekday") == ("neither", "only_school_days")


def test_the_hour_is_named_before_the_school_days(tmp_path):
    # Only the noon bus rests in the holidays: others still bring people at another hour.
    services = SERVICES | {
        "school": service("1111100", "20260105", "20261218", removed=["20260217"])
    }
    trips = [(*t[:5], "school") if t[0] == "noon" else t for t in TRIPS]
    days = (
        'kinds = ["school_weekday", "holiday_weekday"]\n'
        "dates = { school_weekday = 2026-11-17, holiday_weekday = 2026-02-17 }"
    )
    territory = write_territory(tmp_path, trips=trips, services=services, days=days)
    expected = ("return_only", "no_service_hour")
    assert verdict(territory, AFTERNOON, "holiday_weekday") == expected


def test_saturdays_are_not_told_to_wait_for_school_days(tmp_path):
    # The same closed depot on a Saturday: a school-day timetable would not run then.
    services = {
        "week": service("1111100", "20260105", "20261218"),
        "eve": service("1111001", "20260104", "20261218"),
        "all": service("1111111", "20260101", "20261231"),
    }
    trips = [*TRIPS, ("away", "A", "12:00", "B", "16:00", "all")]
    days = (
        'kinds = ["school_weekday", "saturday"]\n'
        "dates = { school_weekday = 2026-11-17, saturday = 2026-11-21 }\n"
        '[[days.extra]]\nname = "bridge"\nweekdays = ["fri"]\ndate = 2026-12-25'
    )
    week = '["mon", "tue", "wed", "thu", "fri", "sat"]'
    shift = f'{{ name = "late", start = "13:00", end = "21:00", days = {week} }}'
    roster = f'[{{ name = "2x8", shifts = [{shift}] }}]'
    territory = write_territory(tmp_path, trips=trips, services=services, days=days, rosters=roster)
    assert verdict(territory, 0) == ("served", "")
    assert verdict(territory, 0, "bridge") == ("neither", "only_school_days")
    assert verdict(territory, 0, "saturday") == ("neither", "several")
