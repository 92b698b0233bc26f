"""Legs in the dark: sun, safe tables, and the reason of those whom only they stop."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import TRIPS, write_territory
from timetables import timetable_from_runs as from_runs

from mobility.commute.access import STATUSES, assess
from mobility.commute.any_hour import BEST_HOURS_S, Hours, at_hour, held_at_some_hour, moved_edges
from mobility.commute.door_to_door import at_gate, transit_times
from mobility.commute.examples import answers
from mobility.commute.loading import load
from mobility.commute.night import dark_share, daylight, daylight_of, in_the_dark
from mobility.commute.study import engine_limits
from mobility.commute.variants import after_dark, by_day, open_at, open_hours, variant
from mobility.commute.white_zones import REASONS, white_zones
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable, safe_footpaths

PARIS = ZoneInfo("Europe/Paris")
MORNING, AFTERNOON, NIGHT = 0, 1, 2
H = 3600


#: At work by 08:40, in the light: the sun rises at 08:12.
DAY = '[{ name = "d", shifts = [{ name = "d", start = "08:50", end = "13:00" }] }]'


def write(folder, *, tags="", safe="true", extra="", modes=None, **small):
    """The street of `small`, a plain unlit road of 50 km/h unless tags say otherwise."""
    path = write_territory(folder, extra=f"[limits]\nsafe_at_night = {safe}\n{extra}", **small)
    osm = folder / "streets.osm"
    text = osm.read_text(encoding="utf-8")
    osm.write_text(
        text.replace(
            '<tag k="highway" v="residential"/>', f'<tag k="highway" v="tertiary"/>{tags}'
        ),
        encoding="utf-8",
    )
    if modes:
        text = path.read_text(encoding="utf-8").replace('["transit", "walk"]', modes)
        path.write_text(text, encoding="utf-8")
    return path


def directions(access, shift, mode="transit", home=0):
    row = access.row(shift, "school_weekday", mode)
    return bool(access.holds_out[row, home]), bool(access.holds_back[row, home])


def reason(access, shift, home=0):
    zones = white_zones(access)
    row = zones.row(shift, "school_weekday")
    return STATUSES[zones.status[row, home]], REASONS[zones.reason[row, home]]


def test_sun_over_nantes_in_november():
    # Institut de mécanique céleste, Nantes, 17 November 2026: about 08:12 to 17:25.
    light = daylight(dt.date(2026, 11, 17), PARIS, -1.55, 47.22)
    rise, fall = next((r, s) for r, s in light if 0 < r < 24 * H)
    assert abs(rise - (8 * H + 12 * 60)) < 300
    assert abs(fall - (17 * H + 25 * 60)) < 300
    assert in_the_dark(light, np.array([5 * H, 8 * H, 9 * H, 17 * H, 18 * H])).tolist() == [
        True, True, False, False, True,
    ]  # fmt: skip


def test_sun_that_does_not_set_or_rise():
    tromso = (18.95, 69.65)
    oslo = ZoneInfo("Europe/Oslo")
    noon_and_midnight = np.array([0, 12 * H])
    summer = daylight(dt.date(2026, 6, 21), oslo, *tromso)
    winter = daylight(dt.date(2026, 12, 21), oslo, *tromso)
    assert not in_the_dark(summer, noon_and_midnight).any()
    assert in_the_dark(winter, noon_and_midnight).all()


def test_dark_share_by_hand():
    light = ((8 * H, 18 * H),)
    start = np.array([7 * H, 9 * H, 17 * H, 20 * H, 5 * H])
    end = np.array([9 * H, 10 * H, 21 * H, 22 * H, 5 * H])
    assert dark_share(light, start, end).tolist() == [0.5, 0.0, 0.75, 1.0, 0.0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 86_000), st.integers(1, 4000))
def test_dark_share_is_the_mean_of_darkness(start, span):
    light = daylight(dt.date(2026, 3, 10), PARIS, -1.55, 47.22)
    seconds = np.arange(start, start + span)
    mean = in_the_dark(light, seconds).mean()
    share = dark_share(light, np.array([start]), np.array([start + span]))[0]
    assert share == pytest.approx(mean, abs=1e-9)


def test_in_november_only_the_legs_by_daylight_hold(tmp_path):
    access = assess(load(write(tmp_path)))
    # Morning: out at 04:15 in the dark, home at 13:45 by day. Afternoon: out at 12:10 by day,
    # back at 21:45 in the dark. Night: out at 20:10, back at 05:45, both in the dark.
    assert directions(access, MORNING) == (False, True)
    assert directions(access, AFTERNOON) == (True, False)
    assert directions(access, NIGHT) == (False, False)
    assert reason(access, MORNING) == ("return_only", "unsafe_night")
    assert reason(access, AFTERNOON) == ("outbound_only", "unsafe_night")
    assert reason(access, NIGHT) == ("neither", "unsafe_night")
    # H2 needs a longer walk allowed and a lamp.
    assert reason(access, NIGHT, home=1) == ("neither", "several")


@pytest.mark.parametrize(
    ("start", "leaves", "arrives", "why"),
    [
        # There at 08:34 for 08:40, and H1 left at 08:05 in the dark: a lamp is all that lacks,
        # though a bus later in the day, by daylight, would do as well.
        ("08:50", "08:10", "08:30", "unsafe_night"),
        # No bus at that hour, and a lamp cures nothing. At 12:30 for 13:00, home would be left
        # 50 minutes before the start, as at 08:00 for 08:50: in the dark of the shift's hour.
        ("08:50", "12:15", "12:35", "several"),
        # At 12:19 for 12:30, home left 30 minutes before: as at 08:20, by daylight.
        ("08:50", "12:05", "12:15", "no_service_hour"),
        # At work by 17:30, after sunset: the way to the gate is in the dark at any hour.
        ("17:40", "12:15", "12:35", "several"),
    ],
)
def test_another_hour_or_a_stop_is_no_cure_of_the_dark(tmp_path, start, leaves, arrives, why):
    others = [one for one in TRIPS if one[0] == "home13"]
    trips = [
        ("bus", "A", leaves, "B", arrives, "week"),
        ("later", "A", "12:15", "B", "12:35", "week"),
    ]
    path = write(tmp_path, rosters=DAY.replace("08:50", start), trips=[*trips, *others])
    assert reason(assess(load(path)), 0) == ("return_only", why)


@pytest.mark.parametrize("start", ["05:00", "08:20", "08:50", "09:20", "13:00", "17:40", "18:00"])
def test_every_hour_is_asked_in_the_light_of_the_shift(tmp_path, start):
    """The whole light of the shift's own hours tells the same as what stands for it."""
    lamps = '<tag k="lit" v="yes"/>'
    path = write(tmp_path, rosters=DAY.replace("13:00", "21:30").replace("08:50", start))
    osm = tmp_path / "streets.osm"
    text = osm.read_text(encoding="utf-8")
    # From stop B on, the street is lit: the homes' end alone is not.
    east = "".join(f'<nd ref="{k}"/>' for k in range(23, 26))
    first, last = text.split("".join(f'<nd ref="{k}"/>' for k in range(24, 26)))
    way = f'<way id="2" version="1">{east}<tag k="highway" v="tertiary"/>{lamps}</way></osm>'
    osm.write_text(first + last.replace("</osm>", way), encoding="utf-8")
    study = load(path)
    day = study.days[0]
    with ThreadPoolExecutor(1) as pool:
        found = held_at_some_hour(study, [(0, day)], pool, Hours())
    limits = engine_limits(study.territory.limits)
    for moved, edge in zip(moved_edges(study, 0, day), study.edges(0, day), strict=True):
        own = replace(study, light_of=edge)
        asked = [at_hour(study, day, edge, second) for second in BEST_HOURS_S]
        slowly = np.any(
            [transit_times(own, 0, day, one, limits).elapsed_s < INF for one in asked], axis=0
        )
        assert found[moved].tolist() == slowly.tolist()


@pytest.mark.parametrize(
    "tags",
    ['<tag k="lit" v="yes"/>', '<tag k="sidewalk" v="right"/>', '<tag k="maxspeed" v="30"/>'],
)
def test_a_lamp_a_sidewalk_or_a_calm_street_is_safe(tmp_path, tags):
    access = assess(load(write(tmp_path, tags=tags)))
    for shift in (MORNING, AFTERNOON, NIGHT):
        assert directions(access, shift) == (True, True)


def test_missing_tags_are_read_as_the_territory_says(tmp_path):
    always = assess(load(write(tmp_path, extra='[night]\nassume_lit = "always"')))
    assert directions(always, NIGHT) == (True, True)


def test_off_by_default(tmp_path):
    plain = assess(load(write(tmp_path / "a", safe="false")))
    lit = assess(load(write(tmp_path / "b", tags='<tag k="lit" v="yes"/>')))
    assert np.array_equal(plain.outbound_s, lit.outbound_s)
    assert np.array_equal(plain.return_s, lit.return_s)


def test_cycling_in_the_dark_needs_a_track_or_a_lamp(tmp_path):
    modes = '["transit", "walk", "bike"]'
    extra = "max_bike_min = 50\n"
    access = assess(load(write(tmp_path / "a", extra=extra, modes=modes)))
    # 10,539 m at 15 km/h: 42 min 10 s; due 04:50, and out of the gate at 13:10.
    assert directions(access, MORNING, "bike") == (False, True)
    lamp = assess(
        load(write(tmp_path / "b", extra=extra, modes=modes, tags='<tag k="lit" v="yes"/>'))
    )
    assert directions(lamp, MORNING, "bike") == (True, True)


def test_bicycle_and_bus_in_the_dark(tmp_path):
    modes = '["transit", "walk", "bike_transit", "park_and_ride"]'
    access = assess(load(write(tmp_path, modes=modes)))
    assert directions(access, MORNING, "bike_transit") == (False, True)
    assert directions(access, MORNING, "park_and_ride") == (False, False)


def test_safe_journeys_are_never_shorter(tmp_path):
    study = load(write(tmp_path))
    careful, daring = assess(study), assess(by_day(study))
    assert (careful.outbound_s >= daring.outbound_s).all()
    assert (careful.return_s >= daring.return_s).all()


def test_the_leg_at_the_gate_is_judged_by_its_deadline(tmp_path):
    study = load(write(tmp_path))
    day = study.days[0]
    light = daylight_of(study, day)
    assert 8 * H < next(r for r, _ in light if r > 0) < 8.6 * H
    out, back = study.edges(MORNING, day)
    assert at_gate(study, day, out) is after_dark(study)
    assert at_gate(study, day, back) is study


def test_itineraries_keep_to_safe_ways_too(tmp_path):
    access = assess(load(write(tmp_path)))
    for shift in (MORNING, AFTERNOON, NIGHT):
        for answer, held in zip(
            answers(access.study, shift, "school_weekday"), directions(access, shift), strict=True
        ):
            assert bool(answer.texts(0)) == held


def test_footpaths_along_streets_only_change():
    i32 = lambda *v: np.array(v, np.int32)  # noqa: E731
    feet = [(0, 1, 100, 160), (0, 2, 50, 110), (1, 2, 30, 90)]
    tt = from_runs(3, [], feet)
    plain = WalkTable(np.array([0, 3, 5, 6]), i32(0, 2, 1, 1, 2, 2), i32(0, 50, 100, 0, 45, 0))
    safe = WalkTable(np.array([0, 2, 3, 4]), i32(0, 1, 1, 2), i32(0, 140, 0, 0))
    found = safe_footpaths(tt, plain, safe)
    row = np.repeat(np.arange(3), np.diff(found.foot_ptr))
    told = {
        (int(r), int(s)): (int(w), int(n))
        for r, s, w, n in zip(
            row, found.foot_stop, found.foot_walk_s, found.foot_need_s, strict=True
        )
        if r != s
    }
    # 0-1 takes 40 s more, 0-2 has no safe way, 1-2 is no walk along the street (30 s, not 45).
    assert told == {(0, 1): (140, 200), (1, 2): (30, 90)}


def test_a_safer_street_changes_results_of_a_copy_only(tmp_path):
    study = load(write(tmp_path))
    dark = after_dark(study)
    assert dark.home_walks.stop.size == 0
    assert study.home_walks.stop.size == 2
    again = replace(study, scenario="copy")
    assert again.views.dark is None
    assert len(TRIPS) == len(study.feed.trips)


def test_a_variant_is_changed_alike_in_the_dark(tmp_path):
    """Fewer walks by day are fewer after dark, and what is replaced by hand is measured anew."""
    study = load(write(tmp_path))
    dark = after_dark(study)
    none = WalkTable(np.zeros(study.n_homes + 1, int), *(np.zeros(0, np.int32),) * 2)
    changed = variant(study, lambda one: replace(one, home_walks=none, scenario="walls"))
    night = after_dark(changed)
    assert night.kept_safe
    assert (night.scenario, night.home_walks) == ("walls", none)
    assert night.gate_walks is dark.gate_walks
    assert after_dark(night) is night
    again = replace(changed, scenario="copy")
    assert again.views.made_from is None
    assert after_dark(again).scenario == "copy"


def test_hours_share_what_streets_leave_alike(tmp_path):
    """Closed before 08:00; no driving from 20:00 to 23:00."""
    tags = (
        '<tag k="access:conditional" v="no @ (00:00-08:00)"/>'
        '<tag k="motor_vehicle:conditional" v="no @ (20:00-23:00)"/>'
    )
    study = load(write(tmp_path, tags=tags, modes='["transit", "walk", "car"]'))
    day = study.days[0]
    (early, noon), (_, late) = study.edges(MORNING, day), study.edges(AFTERNOON, day)
    before_eight, open_to_all, evening = (open_at(study, day, e) for e in (early, noon, late))
    assert open_to_all is study
    assert before_eight.home_walks.stop.size == 0
    assert evening.home_walks is study.home_walks
    assert (evening.street_times["car"][0] == INF).all()
    assert open_at(before_eight, day, late) is evening
    # A variant is the same variant at an hour; after dark at an hour is that hour after dark.
    named = variant(study, lambda one: replace(one, scenario="named"))
    assert open_hours(named, day, early) == before_eight.hours != open_hours(named, day, late)
    assert not named.views.at_hours, "nothing was made to tell the hours"
    then = open_at(named, day, early)
    assert (then.scenario, then.home_walks) == ("named", before_eight.home_walks)
    assert open_at(named, day, early) is then
    assert open_at(after_dark(study), day, late) is after_dark(evening)
