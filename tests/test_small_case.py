"""The whole pipeline on a territory computed by hand (drawn in `small`)."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from feeds import trip, write_gtfs
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory

from mobility.base.errors import TerritoryError
from mobility.commute.access import STATUSES, assess, counted_rows, rosters
from mobility.commute.comparison import comparison
from mobility.commute.examples import answers
from mobility.commute.indicators import by_group, summary
from mobility.commute.loading import load
from mobility.commute.white_zones import REASONS, white_zones
from mobility.pipeline import compare, run
from mobility.timetable.arrays import INF

MORNING, AFTERNOON, NIGHT = 0, 1, 2


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    return assess(load(write_territory(tmp_path_factory.mktemp("small"))))


def seconds(access, shift_id, home=0, mode="transit"):
    row = access.row(shift_id, "school_weekday", mode)
    return int(access.outbound_s[row, home]), int(access.return_s[row, home])


def test_outbound_and_return_to_the_second(access):
    # Morning, due at the gate 04:50: bus 04:20 (28:20 of the day before) from A, left home
    # 04:15, 45 min before 05:00. Back: out of the gate 13:10, bus 13:20, A 13:40, home 13:45.
    assert seconds(access, MORNING) == (45 * 60, 45 * 60)
    # Afternoon, due 12:50: bus 12:15, left home 12:10. Back: bus 21:20, home 21:45.
    assert seconds(access, AFTERNOON) == (50 * 60, 45 * 60)


def test_return_from_the_night_shift_is_on_the_next_day(access):
    # Night, due 20:50: bus 20:15, left 20:10. Ends 05:00 on d+1: bus 05:20, home 05:45.
    assert seconds(access, NIGHT) == (50 * 60, 45 * 60)


def test_a_home_beyond_the_walking_limit_is_white_for_its_stop(access):
    # H2 walks 1000 s to A and 240 s from B: 1240 s, over 20 min.
    assert seconds(access, MORNING, home=1) == (INF, INF)
    zones = white_zones(access)
    row = zones.row(MORNING, "school_weekday")
    assert STATUSES[zones.status[row, 1]] == "neither"
    assert REASONS[zones.reason[row, 1]] == "no_stop_home"
    assert zones.reason[row, 0] == 0


def test_roster_holds_on_all_three_shifts(access):
    found = rosters(access)
    (row,) = counted_rows(found)
    assert found.holds[row].tolist() == [True, False]
    assert found.share[row].tolist() == [1.0, 0.0]
    line = summary(access, white_zones(access)).iloc[0]
    assert (line["pool"], line["reachable"], line["white"]) == (20, 10, 10)
    assert not line["is_white"]


def test_without_the_dawn_bus_the_roster_fails_on_one_shift_of_three(tmp_path):
    trips = [t for t in TRIPS if t[0] != "home05"]
    access = assess(load(write_territory(tmp_path, trips=trips)))
    assert seconds(access, NIGHT) == (50 * 60, INF)
    zones = white_zones(access)
    row = zones.row(NIGHT, "school_weekday")
    assert STATUSES[zones.status[row, 0]] == "outbound_only"
    # Other returns exist on that day, at 13:20 and 21:20: the hour is what lacks.
    assert REASONS[zones.reason[row, 0]] == "no_service_hour"
    found = rosters(access)
    (row,) = counted_rows(found)
    assert not found.holds[row, 0]
    assert found.share[row, 0] == pytest.approx(2 / 3)


def test_no_return_at_any_hour(tmp_path):
    trips = [t for t in TRIPS if not t[0].startswith("home")]
    zones = white_zones(assess(load(write_territory(tmp_path, trips=trips))))
    row = zones.row(AFTERNOON, "school_weekday")
    assert STATUSES[zones.status[row, 0]] == "outbound_only"
    assert REASONS[zones.reason[row, 0]] == "no_return"


def test_friday_night_returns_on_saturday(tmp_path):
    # The bus at 05:20 runs Monday to Friday: on Saturday morning nobody comes home.
    days = 'kinds = ["school_weekday"]\ndates = { school_weekday = 2026-11-20 }'
    access = assess(load(write_territory(tmp_path, days=days)))
    assert seconds(access, NIGHT) == (50 * 60, INF)
    assert seconds(access, AFTERNOON) == (50 * 60, 45 * 60)


def test_overtime_is_what_the_last_bus_tolerates(access):
    # After 13:00 the bus of 13:20 is caught from a gate left by 13:16: a shift that ends at
    # 13:15 leaves the gate at 13:25 and finds no bus before 21:20.
    row = access.row(MORNING, "school_weekday", "transit")
    assert access.overtime_s[row].tolist() == [0, -1]


def test_itinerary_in_clock_times(access):
    outbound, back = answers(access.study, MORNING, "school_weekday")
    assert [(leg.kind, leg.depart, leg.arrive) for leg in outbound.texts(0)] == [
        ("walk", "04:15", "04:20"),
        ("ride", "04:20", "04:40"),
        ("walk", "04:40", "04:44"),
        ("wait", "04:44", "04:50"),
    ]
    assert [leg.to_name for leg in outbound.texts(0)] == ["Stop A", "Stop B", "Usine", "Usine"]
    assert [(leg.kind, leg.depart, leg.arrive) for leg in back.texts(0)] == [
        ("wait", "13:10", "13:16"),
        ("walk", "13:16", "13:20"),
        ("ride", "13:20", "13:40"),
        ("walk", "13:40", "13:45"),
    ]
    assert back.texts(1) == ()


def test_threads_do_not_change_results(access):
    again = assess(access.study)
    assert np.array_equal(again.outbound_s, access.outbound_s)
    assert np.array_equal(again.return_s, access.return_s)
    assert np.array_equal(again.overtime_s, access.overtime_s)


def test_a_plan_on_top_gains_the_night_return(tmp_path):
    # Without the dawn bus the 3x8 fails; a shuttle at 05:20 gives H1 the roster back.
    lacking = [t for t in TRIPS if t[0] != "home05"]
    toml = write_territory(tmp_path / "now", trips=lacking)
    write_gtfs(
        tmp_path / "navette.zip",
        stops={name: lonlat(PLACES_M[name]) for name in ("A", "B")},
        trips=[trip("n", [("B", "05:20"), ("A", "05:40")], service="week")],
        services=SERVICES,
    )
    results = run(toml, tmp_path / "out", plans=[tmp_path / "navette.zip"])
    table = comparison(results.before, results.access)
    whole = table[table["shift"] == ""].iloc[0]
    assert (whole["before"], whole["after"], whole["gained"], whole["lost"]) == (0, 10, 10, 0)
    assert (tmp_path / "out" / "comparison.csv").is_file()


def test_scenarios_must_ask_the_same_question(tmp_path):
    one = write_territory(tmp_path / "one")
    two = write_territory(tmp_path / "two", rosters='["2x8"]')
    with pytest.raises(
        TerritoryError, match=r"the same shifts: Usine, .* in the first, not there in"
    ):
        compare(one, two, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"rosters": '[{ template = "3x8", headcount = 31 }]'}, "headcount.*matin.*11 in the"),
        (
            {"days": 'kinds = ["school_weekday", "saturday"]'},
            "days.*saturday.*not there in the first",
        ),
    ],
)
def test_what_differs_between_scenarios_is_told_with_both_values(tmp_path, differs, said):
    one = write_territory(tmp_path / "one", rosters='[{ template = "3x8", headcount = 30 }]')
    two = write_territory(
        tmp_path / "two", **({"rosters": '[{ template = "3x8", headcount = 30 }]'} | differs)
    )
    with pytest.raises(TerritoryError, match=said):
        compare(one, two, tmp_path / "out")


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("mon-wed", "mon-tue", "lundi, mardi, mercredi dans le premier, lundi, mardi dans le"),
        ('employer = "Boulonnerie"', "", "Boulonnerie dans le premier, absent dans le second"),
        (
            'name = "jour",',
            'name = "jour", period = [2026-06-01, 2026-12-31],',
            "toute l’année dans le premier, 1er\u00a0juin 2026 – 31\u00a0décembre 2026 dans le",
        ),
    ],
)
def test_what_differs_between_scenarios_is_told_in_french(tmp_path, was, now, said):
    shift = '{ name = "j", start = "08:00", end = "16:00", days = "mon-wed" }'
    rosters = f'[{{ name = "jour", shifts = [{shift}] }}]'
    one, two = (write_territory(tmp_path / name, rosters=rosters) for name in ("one", "two"))
    two.write_text(two.read_text(encoding="utf-8").replace(was, now), encoding="utf-8")
    with pytest.raises(TerritoryError) as caught:
        compare(one, two, tmp_path / "out")
    assert said in caught.value.render("fr")


def test_compared_scenarios_keep_their_names_and_dates(tmp_path):
    days = 'kinds = ["school_weekday"]\ndates = { school_weekday = 2026-06-16 }'
    one, two = write_territory(tmp_path / "one"), write_territory(tmp_path / "two", days=days)
    compare(one, two, tmp_path / "out")
    page = (tmp_path / "out" / "map.html").read_text(encoding="utf-8")
    manifest = json.loads(page.split('id="mb-manifest">')[1].split("</script>")[0])
    assert [(s["name"], s["dates"]) for s in manifest["scenarios"]] == [
        ("Droiteville (one)", ["2026-11-17"]),
        ("Droiteville (two)", ["2026-06-16"]),
    ]


def test_a_seasonal_roster_is_studied_within_its_period(tmp_path):
    summer = '[{ template = "3x8", period = [2026-06-01, 2026-08-31] }]'
    study = load(write_territory(tmp_path / "winter", rosters=summer))
    assert "idle_rosters" in {finding.code for finding in study.findings}
    with pytest.raises(TerritoryError, match="No shift works"):
        assess(study)
    days = 'kinds = ["school_weekday"]\ndates = { school_weekday = 2026-06-16 }'
    study = load(write_territory(tmp_path / "summer", rosters=summer, days=days))
    assert "idle_rosters" not in {finding.code for finding in study.findings}
    assert seconds(assess(study), MORNING) == (45 * 60, 45 * 60)


def test_group_figures_follow_the_roster(tmp_path):
    """36 on 3x8, 6 of them without a car; 31 on 2x8, 14 of them: never 20 of 67."""
    study = load(write_territory(tmp_path, rosters='["3x8", "2x8"]'))
    pool = pd.DataFrame({
        "home": [0, 1, 0, 1], "site": "Usine", "roster": ["3x8", "3x8", "2x8", "2x8"],
        "workers": [20.0, 16.0, 10.0, 21.0], "no_car": [4.0, 2.0, 5.0, 9.0],
    })  # fmt: skip
    frame = study.homes.frame.assign(no_car=[9.0, 11.0])
    homes = replace(study.homes, frame=frame, groups=("no_car",), pool=pool)
    table = by_group(assess(replace(study, homes=homes))).set_index("roster")
    # H1 can come on every shift, H2 walks too far.
    assert table.loc["3x8", ["total", "reachable"]].tolist() == [6, 4]
    assert table.loc["2x8", ["total", "reachable"]].tolist() == [14, 5]
    assert table["share"].tolist() == pytest.approx([4 / 6, 5 / 14])
