"""Shift hours on the street of `small`: each curve is read off the timetable by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small import PLACES_M, TRIPS, lonlat, write_territory

from mobility.commute.access import assess
from mobility.commute.door_to_door import transit_times
from mobility.commute.last_return import last_return
from mobility.commute.loading import load
from mobility.remedies import shift_hours as module
from mobility.remedies.shift_hours import OFFSETS_MIN, neighbours, plateau, shift_hours
from mobility.territory.project import Territory

DEMO = Path(__file__).parents[1] / "data" / "demo.toml"


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    return assess(load(write_territory(tmp_path_factory.mktemp("hours"))))


@pytest.fixture(scope="module")
def hours(access):
    return shift_hours(access)


def curve(values):
    return dict(zip(OFFSETS_MIN, values.tolist(), strict=True))


def test_start_of_the_morning(hours):
    # Bus 04:20, at the gate 04:44 and home left at 04:15. A start at 05:00 + x asks for the
    # gate at 04:50 + x: x >= -6; 60 min from door to start: x <= 15; wait: x <= 24.
    morning = hours.shifts[0]
    assert morning.now == 10
    assert curve(morning.start) == {o: 10.0 * (-5 <= o <= 15) for o in OFFSETS_MIN}


def test_end_of_the_morning(hours):
    # Bus 13:20: out of the gate by 13:16, so the end at 13:00 + x with x <= 6; home at 13:45,
    # 60 min after the end: x >= -15; wait: 13:16 - (13:10 + x) <= 30.
    assert curve(hours.shifts[0].end) == {o: 10.0 * (-15 <= o <= 5) for o in OFFSETS_MIN}


def test_both_edges_move_together_on_the_diagonal(hours):
    morning = hours.shifts[0]
    assert curve(morning.together) == {o: 10.0 * (-5 <= o <= 5) for o in OFFSETS_MIN}
    assert np.array_equal(morning.workers > 0, np.outer(morning.start > 0, morning.end > 0))
    assert morning.best == (0, 0, 10.0)


def test_who_holds_is_kept_and_every_input_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    asked = []
    monkeypatch.setattr(module, "transit_times", lambda *of: asked.append(of) or transit_times(*of))
    path = write_territory(tmp_path)
    text = path.read_text(encoding="utf-8")

    def found(*change, offsets_min=OFFSETS_MIN):
        asked.clear()
        path.write_text(text.replace(*change) if change else text, encoding="utf-8")
        assert not change or path.read_text(encoding="utf-8") != text
        return shift_hours(assess(load(path)), offsets_min=offsets_min).to_frame()

    first = found()
    assert asked
    pd.testing.assert_frame_equal(found(), first)
    assert not asked
    found(offsets_min=(0, 7))
    assert asked
    lon, lat = lonlat(PLACES_M["B"] - 300)
    for change in (
        ("gates = [[", f"gates = [[{lon}, {lat}], ["),
        ("gates = [[", "margin_in_min = 12\ngates = [["),
        ('"3x8"', '"2x8"'),
        ("walk_kmh = 3.6", "walk_kmh = 3.7"),
    ):
        found(*change)
        assert asked, change


def test_roster_slides_as_its_worst_shift(hours):
    # Afternoon: bus 12:15, gate 12:39, due 12:50 + x: x >= -11, home left 12:10: x <= 10.
    # Its way home: 21:20, like the morning's, x <= 6. Night: 20:15 and 05:20, the same.
    (roster,) = hours.rosters
    assert curve(roster.workers) == {o: 10.0 * (-5 <= o <= 5) for o in OFFSETS_MIN}
    assert roster.best == (0, 10.0)
    assert roster.plateau == (-5, 5)


def test_hours_that_would_serve_are_found(tmp_path):
    # The dawn bus an unlucky 15 min too late for 05:00: 04:35, gate 04:59.
    trips = [t if t[0] != "early" else ("early", "A", "28:35", "B", "28:55", "eve") for t in TRIPS]
    moved = shift_hours(assess(load(write_territory(tmp_path, trips=trips))))
    assert moved.shifts[0].now == 0
    # Gate at 04:59 + 10 min: a start at 05:10, the smallest multiple of five.
    assert moved.shifts[0].best == (10, 0, 10.0)


def test_plateau_is_unbroken():
    assert plateau((-10, -5, 0, 5, 10), np.array([10.0, 5, 10, 10, 9.0])) == (-10, -10)
    assert plateau((-10, -5, 0, 5, 10), np.array([1.0, 9.9, 10, 9.9, 10])) == (-5, 10)


def test_one_site_has_no_neighbour(access, hours):
    assert neighbours(access.study) == [(0,)]
    assert hours.neighbours == ()


def test_curves_as_a_table(hours):
    frame = hours.to_frame()
    assert len(frame) == (3 * 3 + 1) * len(OFFSETS_MIN)
    now = frame[(frame["offset_min"] == 0) & (frame["what"] == "roster")]
    assert now["workers"].tolist() == [10.0]


def test_late_end_misses_the_last_bus(access):
    # The end at 13:15 leaves the gate at 13:25: the bus of 13:20 is gone, the next is 21:20.
    found = last_return(access.study).to_frame()
    morning = found[found["shift"] == "matin"].iloc[0]
    assert (morning["on_time"], morning["late_15"], morning["late_60"]) == (10, 0, 0)
    # One bus takes them all the way: there is no connection to miss.
    assert morning["missed_connection"] == 10


def connecting(folder, *, next_bus):
    """Home from B by a bus to C, then one from C to A; maybe a later one."""
    from feeds import service, trip, write_gtfs
    from small import PLACES_M, lonlat

    territory = write_territory(folder)
    calls = [
        trip("in", [("A", "04:20"), ("B", "04:40")]),
        trip("one", [("B", "13:20"), ("C", "13:25")], route="X"),
        trip("two", [("C", "13:28"), ("A", "13:35")], route="Y"),
    ]
    if next_bus:
        calls.append(trip("three", [("C", next_bus), ("A", "13:52")], route="Y"))
    places = PLACES_M | {"C": 5000}
    write_gtfs(
        folder / "gtfs.zip",
        stops={name: lonlat(places[name]) for name in "ABC"},
        trips=calls,
        services={"S": service("1111111", "20260101", "20261231")},
    )
    return last_return(load(territory)).to_frame().iloc[0]


def test_missed_connection_strands(tmp_path):
    row = connecting(tmp_path, next_bus=None)
    assert (row["on_time"], row["missed_connection"]) == (10, 0)


def test_missed_connection_with_a_later_bus(tmp_path):
    # A at 13:52, home at 13:57: 57 min after the end.
    row = connecting(tmp_path, next_bus="13:45")
    assert (row["on_time"], row["missed_connection"]) == (10, 10)


def test_safe_nights_bring_nobody_home_who_was_not():
    territory = Territory.from_toml(DEMO)
    limits = territory.limits.model_copy(update={"safe_at_night": True})
    day = last_return(load(territory))
    night = last_return(load(territory.model_copy(update={"limits": limits})))
    assert night.on_time.sum() < day.on_time.sum()
    for one, two in ((night.on_time, day.on_time), (night.missed, day.missed)):
        assert not (one & ~two).any()
    assert not (night.missed & ~night.on_time).any()
