"""Lines of the timetable changed by a scenario: by hand on a straight street."""

import numpy as np
import pytest
from feeds import service
from small import SERVICES, TRIPS, lonlat, write_territory
from test_scenarios import minutes, scenario

from mobility.base.errors import MobilityError
from mobility.commute.access import assess
from mobility.commute.line_changes import called_between
from mobility.commute.loading import load
from mobility.timetable.arrays import INF

TWO_KINDS = (
    'kinds = ["school_weekday", "saturday"]\n'
    "dates = { school_weekday = 2026-11-17, saturday = 2026-11-21 }"
)


@pytest.fixture
def base(tmp_path):
    return write_territory(tmp_path / "study")


def changed(base, text, line="R"):
    return scenario(base, f'[[changes.lines]]\nline = "{line}"\n{text}')


def departures(study, kind):
    """Clock times, stops and last arrivals of the runs of the day itself, minutes."""
    tt = study.timetables[kind].timetable
    own = [r for r in range(tt.n_runs) if tt.run_day[r] == 0]
    spans = [(int(tt.run_ptr[r]), int(tt.run_ptr[r + 1]) - 1) for r in own]
    return [
        (int(tt.call_dep[a]) / 60, tt.call_stop[a : b + 1].tolist(), int(tt.call_arr[b]) / 60)
        for a, b in spans
    ]


def test_a_line_taken_out_takes_its_riders(base) -> None:
    assert minutes(changed(base, 'how = "remove"'), "matin") == ([INF, INF], [INF, INF])
    # From noon to eight in the evening: the first bus of the morning stays, the way back does not.
    path = changed(base, 'how = "remove"\nstart = "12:00"\nend = "20:00"')
    assert minutes(path, "matin") == ([45 * 60, INF], [INF, INF])


def test_a_line_driven_twice_as_fast(base) -> None:
    """From B at 13:20 in 10 minutes, not 20: home at 13:35."""
    path = changed(base, 'how = "speed"\npercent = 200')
    assert minutes(path, "matin")[1][0] == 35 * 60
    section = 'how = "speed"\npercent = 50\nfrom_stop = "B"\nto_stop = "A"'
    # In 40 minutes: home at 14:05, over the limit of an hour.
    assert minutes(changed(base, section), "matin")[1][0] == INF
    assert minutes(changed(base, section), "matin")[0][0] == 45 * 60


def test_a_headway_replaces_the_departures_of_its_hours(base) -> None:
    """Ready at B at 13:14: the departure of 13:15 is home at 13:40."""
    text = 'how = "headway"\nevery_min = 15\nstart = "13:00"\nend = "14:00"'
    path = changed(base, text)
    assert minutes(path, "matin")[1][0] == 40 * 60
    runs = [r for r in departures(load(path), "school_weekday") if 13 * 60 <= r[0] < 14 * 60]
    assert runs == [(780 + 15 * k, [1, 0], 800 + 15 * k) for k in range(4)]


def test_a_line_sent_over_a_new_stop(base) -> None:
    """To X and back on the street: drives by car and half a minute a call, the start kept."""
    lon, lat = lonlat(6000)
    new = f'{{ name = "X", lon = {lon:.9f}, lat = {lat:.9f} }}'
    path = changed(base, f'how = "reroute"\nstops = ["A", {new}, "B"]')
    study = load(path)
    runs = {r[0]: r for r in departures(study, "school_weekday")}
    assert study.feed.stop_names[2] == "X"
    noon = runs[12 * 60 + 15]
    assert noon[1] == [0, 2, 1]
    # Twice 5,000 m at 19.5 km/h, rounded up to 924 s, and 30 s for the call.
    assert (noon[2] - noon[0]) * 60 == pytest.approx(2 * (924 + 30))
    # The way back does not pass A before B: it is as it was.
    assert runs[13 * 60 + 20][1] == [1, 0]


def test_a_line_calls_at_a_new_stop_on_its_way(base) -> None:
    """Half-way on the street: no detour but the second that rounding takes, 30 s for the call."""
    lon, lat = lonlat(6000)
    new = f'{{ name = "X", lon = {lon:.9f}, lat = {lat:.9f} }}'
    path = changed(base, f'how = "reroute"\nfrom_stop = "A"\nto_stop = "B"\nstops = [{new}]')
    study = load(path)
    runs = {r[0]: r for r in departures(study, "school_weekday")}
    leave, stops, arrive = runs[12 * 60 + 15]
    assert stops == [0, 2, 1]
    assert (arrive - leave) * 60 == pytest.approx(20 * 60 + 30, abs=1.01)
    tt = study.timetables["school_weekday"].timetable
    (call,) = np.flatnonzero((tt.call_stop == 2) & (tt.call_dep // 3600 == 12))
    assert tt.call_dep[call] - leave * 60 == pytest.approx(10 * 60 + 30, abs=1.01)
    # The way back does not drive from A to B.
    assert runs[13 * 60 + 20][1:] == ([1, 0], 13 * 60 + 40)
    [change] = study.territory.changes.lines
    trips, longer_s = called_between(load(base), change)
    assert longer_s == round((arrive - leave) * 60) - 20 * 60
    names = study.feed.trips["trip_id"].iloc[list(trips)].tolist()
    assert sorted(names) == ["early", "night", "noon"]


def test_a_line_runs_on_saturday_as_on_a_weekday(tmp_path) -> None:
    trips = [*TRIPS, ("late", "A", "10:00", "B", "10:20", "sat")]
    services = SERVICES | {"sat": service("0000010", "20260103", "20261218")}
    base = write_territory(tmp_path / "study", trips=trips, services=services, days=TWO_KINDS)
    assert departures(load(base), "saturday") == [(600, [0, 1], 620)]
    path = changed(base, 'how = "calendar"\ndays = ["saturday"]\nas_on = "school_weekday"')
    study = load(path)
    assert departures(study, "saturday") == departures(study, "school_weekday") != []
    gone = load(changed(base, 'how = "remove"\ndays = ["saturday"]'))
    assert departures(gone, "saturday") == []
    assert departures(gone, "school_weekday") == departures(study, "school_weekday")


def test_a_line_becomes_a_booked_vehicle(base) -> None:
    """It comes to the door of H1, 300 m from the line; H2 is farther than 800 m from A."""
    streets = base.parent / "streets.osm"
    streets.write_text(streets.read_text().replace("residential", "secondary"))
    study = load(changed(base, 'how = "on_demand"'))
    assert [zone.name for zone in study.on_demand] == ["R"]
    access = assess(study)
    shift = study.shift_rows[0]
    row = access.row(shift.shift_id, "school_weekday", "on_demand")
    assert access.holds[row].tolist() == [True, False]
    assert not access.holds[access.row(shift.shift_id, "school_weekday", "transit")].any()


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ('how = "remove"\nline = "9"', "changes.lines.1.line", "its route_id."),
        ('how = "remove"\nline = "RR"', "changes.lines.1.line", "the nearest is R."),
        ('how = "bend"', "changes.lines.1.how", "reroute"),
        ('how = "speed"', "changes.lines.1", "percent"),
        ('how = "remove"\nevery_min = 5', "changes.lines.1", "every_min"),
        ('how = "speed"\npercent = 5', "changes.lines.1.percent", "20"),
        ('how = "remove"\ndays = ["someday"]', "changes.lines.1.days", "school_weekday"),
        ('how = "reroute"\nstops = ["A", "C"]', "changes.lines.1.stops", "its stop_id"),
        ('how = "reroute"\nstops = ["A"]', "changes.lines.1", "ends"),
        (
            'how = "reroute"\nfrom_stop = "B"\nto_stop = "B"\nstops = ["A"]',
            "changes.lines.1.line",
            "stops",
        ),
        ('how = "remove"\nstart = "01:00"\nend = "02:00"', "changes.lines.1.line", "direction"),
        ('how = "remove"\nstart = "01:00"', "changes.lines.1", "end"),
        ('how = "remove"\ndirection = 1', "changes.lines.1.line", "direction"),
    ],
)
def test_what_cannot_be_is_told_by_its_place(base, text, column, said) -> None:
    head = "" if "line =" in text else 'line = "R"\n'
    with pytest.raises(MobilityError) as caught:
        load(scenario(base, f"[[changes.lines]]\n{head}{text}\n"))
    assert caught.value.column == column
    assert said in caught.value.render("en")
    assert "\n" not in caught.value.render("fr").strip()
