"""The binding reason of a white home, one hand-made territory a reason (drawn in `small`)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from feeds import service, trip, write_gtfs
from light_plans import DATA
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory

from mobility.commute.access import SERVED, STATUSES, assess
from mobility.commute.loading import load
from mobility.commute.study import Study, engine_limits
from mobility.commute.white_zones import REASONS, _cured, _held, _held_among, white_zones
from mobility.sources.days import ordinary_day, plain_days
from mobility.territory.fields import DaysConfig

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
    assert verdict(territory, 0, "saturday") == ("neither", "no_service_day")


def weekend_work(folder: Path, *trips: tuple[str, str, str, str, str, str]) -> Study:
    """Read two shifts of Saturdays with some trips, and one of every day that is of no use."""
    services = SERVICES | {
        "sat": service("0000010", "20260101", "20261231"),
        "all": service("1111111", "20260101", "20261231"),
    }
    days = (
        'kinds = ["school_weekday", "saturday"]\n'
        "dates = { school_weekday = 2026-11-17, saturday = 2026-11-21 }"
    )
    shifts = [
        f'{{ name = "{start}", start = "{start}", end = "{end}", days = ["sat"] }}'
        for start, end in (("13:00", "21:00"), ("10:00", "17:00"))
    ]
    rosters = f'[{{ name = "weekend", shifts = [{", ".join(shifts)}] }}]'
    trips = (*trips, ("away", "A", "12:00", "B", "16:00", "all"))
    return load(
        write_territory(folder, trips=list(trips), services=services, days=days, rosters=rosters)
    )


def on_saturday(study: Study) -> list[list[str]]:
    """Reasons of both homes for each of the shifts."""
    return [[REASONS[reason] for reason in row] for row in white_zones(assess(study)).reason]


def test_no_service_on_that_day(tmp_path):
    # Monday to Friday the bus of noon and that of 21:20 are what the first shift needs; none
    # suits the second, but each way holds at the best hour. H2 walks too far on any day.
    study = weekend_work(tmp_path, *TRIPS)
    assert on_saturday(study) == [["no_service_day", "several"]] * 2
    # Who studies Saturdays alone knows no other timetable.
    alone = replace(study, days=study.days[1:])
    assert on_saturday(alone) == [["several", "several"]] * 2


def test_the_ordinary_day_is_of_school_term_or_the_fullest_weekday():
    term, holiday, saturday, sunday = plain_days(DaysConfig())
    full = replace(holiday, kind="market", trips=9)
    assert ordinary_day([saturday, holiday, full, term]) is term
    assert ordinary_day([saturday, holiday, full]) is full
    assert ordinary_day([saturday, sunday]) is None


def test_another_hour_is_named_before_another_day(tmp_path):
    # On Saturdays a bus goes at 08:15 and one comes back at 18:20.
    morning = ("morning", "A", "08:15", "B", "08:35", "sat")
    evening = ("evening", "B", "18:20", "A", "18:40", "sat")
    study = weekend_work(tmp_path, *TRIPS, morning, evening)
    assert on_saturday(study) == [["no_service_hour", "several"]] * 2


def test_no_day_is_named_where_no_weekday_would_do(tmp_path):
    # Nothing comes back on any day.
    study = weekend_work(tmp_path, *(trip for trip in TRIPS if trip[1] == "A"))
    assert on_saturday(study) == [["several", "several"]] * 2


def test_the_weekday_changes_no_other_reason():
    # Told of weekends alone, the demo's homes have the same reasons but for those left without.
    study = load(DATA / "demo.toml")
    weekend = tuple(day for day in study.days if day.kind in ("saturday", "sunday"))
    alone = white_zones(assess(replace(study, days=weekend)))
    asked = [(s, k) for s, k in alone.keys.itertuples(index=False)]
    zones = white_zones(assess(study, only=asked))
    assert (zones.status == alone.status).all()
    changed = zones.reason != alone.reason
    assert changed.any(axis=1).all()
    assert set(alone.reason[changed]) == {REASONS.index("several")}
    assert set(zones.reason[changed]) == {REASONS.index("no_service_day")}


def test_who_is_not_asked_would_tell_nothing(tmp_path):
    study = load(write_territory(tmp_path))
    limits, rng = engine_limits(study.territory.limits), np.random.default_rng(0)
    cured = 0
    for day, shift in itertools.product(study.days, (MORNING, AFTERNOON, NIGHT)):
        every = _held(study, shift, day, limits)
        for one in range(len(STATUSES)):
            for status in (np.full(study.n_homes, one), rng.integers(4, size=study.n_homes)):
                open_ = (status != SERVED) & (rng.random(study.n_homes) < 0.7)
                some = _held_among(study, shift, status, open_, day, limits)
                found = [open_ & _cured(status, *held) for held in (every, some)]
                assert (found[0] == found[1]).all()
                cured += found[0].sum()
    assert cured
