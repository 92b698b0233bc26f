"""Scenarios: a territory file that starts from another, and what it changes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from feeds import trip, write_gtfs
from small import SERVICES, TRIPS, write_territory
from timetables import same

from mobility import pipeline
from mobility.base.errors import MobilityError
from mobility.commute.access import assess
from mobility.commute.additions import with_feed
from mobility.commute.indicators import summary
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.pipeline import compare, run
from mobility.sources.gtfs.read import read_feed
from mobility.territory.project import Territory, source_files
from mobility.timetable.arrays import INF, RunArrays, mirrored
from mobility.timetable.change import mended, without_trips

HOURS = """
[[changes.shifts]]
site = "Usine"
roster = "3x8"
shift = "{shift}"
{hours}
"""
TRIP = '[[changes.trips]]\ntrips = ["{trip}"]\nhow = "{how}"\nminutes = {minutes}\n'


@pytest.fixture
def base(tmp_path):
    return write_territory(tmp_path / "study")


def scenario(base, text: str, name: str = "essai"):
    folder = base.parent / "scenarios"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(f'base = "../territory.toml"\n{text}', encoding="utf-8")
    return path


def minutes(path, shift: str) -> tuple[list[int], list[int]]:
    """Whole seconds of H1 and H2 by public transport, outbound and return."""
    access = assess(load(path))
    shift_id = next(s.shift_id for s in access.study.shift_rows if s.shift == shift)
    row = access.row(shift_id, "school_weekday", "transit")
    return access.outbound_s[row].tolist(), access.return_s[row].tolist()


def test_a_shift_moved_is_reached_from_the_same_bus(base) -> None:
    # The bus of 04:20 reaches the gate at 04:44; H1 walks 300 s to it.
    assert minutes(base, "matin")[0] == [5 * 3600 - (4 * 3600 + 15 * 60), INF]
    path = scenario(base, HOURS.format(shift="matin", hours='start = "05:10"'))
    assert minutes(path, "matin")[0] == [5 * 3600 + 600 - (4 * 3600 + 15 * 60), INF]
    # Later than the limit of an hour allows.
    path = scenario(base, HOURS.format(shift="matin", hours='start = "05:20"'))
    assert minutes(path, "matin")[0] == [INF, INF]


def test_a_trip_moved_added_or_taken_out(base) -> None:
    # Home at 13:45 by the bus of 13:20: 45 min after the end.
    assert minutes(base, "matin")[1][0] == 45 * 60
    moved = scenario(base, TRIP.format(trip="home13", how="move", minutes=-5))
    assert minutes(moved, "matin")[1][0] == 40 * 60
    added = scenario(base, TRIP.format(trip="home13", how="add", minutes=5))
    assert minutes(added, "matin")[1][0] == 45 * 60
    gone = scenario(base, TRIP.format(trip="home13", how="remove", minutes=0))
    assert minutes(gone, "matin")[1][0] == INF
    both = scenario(
        base,
        TRIP.format(trip="home13", how="add", minutes=5)
        + TRIP.format(trip="home13", how="remove", minutes=0),
    )
    assert minutes(both, "matin")[1][0] == 50 * 60


@pytest.mark.parametrize(
    ("how", "by", "home_s"), [("move", -5, 40 * 60), ("remove", 0, INF), ("add", 5, 45 * 60)]
)
def test_a_shuttle_added_to_a_scenario_leaves_its_trips_as_they_are(base, how, by, home_s) -> None:
    study = load(scenario(base, TRIP.format(trip="home13", how=how, minutes=by)))
    # It runs by night, between the home and the gate.
    stops = {"a": study.homes.lonlat[0], "b": study.sites[0].gates[0]}
    night = [trip("night", [("a", "03:00:00"), ("b", "03:10:00")], service="week")]
    path = base.parent / "night.zip"
    write_gtfs(path, stops=stops, trips=night, services=SERVICES)
    after = with_feed(study, read_feed(path), scenario="night")
    row = assess(study).row(0, "school_weekday", "transit")
    assert study.shift_rows[0].shift == "matin"
    assert assess(study).return_s[row, 0] == assess(after).return_s[row, 0] == home_s


def test_the_mirror_of_a_moved_trip_is_that_of_the_timetable(base) -> None:
    study = load(scenario(base, TRIP.format(trip="noon", how="move", minutes=25)))
    two_way = study.timetables["school_weekday"]
    assert two_way.known_mirror is not None
    assert same(two_way.known_mirror, mirrored(two_way.timetable))


def test_settings_stand_in_place_of_the_bases(base) -> None:
    path = scenario(base, "[limits]\nmax_total_min = 40\n")
    study = load(path)
    assert study.territory.limits.max_total_min == 40
    assert study.territory.speeds.walk_kmh == 3.6
    assert study.territory.name == "Droiteville (essai)"
    assert minutes(path, "matin")[1][0] == INF


def test_the_base_of_a_scenario_is_one_of_its_files(base) -> None:
    path = scenario(base, "")
    assert {path.resolve(), base.resolve()} <= set(source_files(Territory.from_toml(path)))


def test_a_scenario_is_run_as_any_territory(base) -> None:
    before = base.read_bytes()
    path = scenario(base, HOURS.format(shift="nuit", hours='end = "05:10"'))
    results = run(path)
    assert results.folder == path.with_suffix("").resolve()
    assert {"map.html", "run.json", "summary.csv"} <= set(results.files)
    study = load(path)
    access = assess(study)
    assert summary(access, white_zones(access)).equals(summary(results.access, results.zones))
    assert base.read_bytes() == before
    assert [s.name for s in study.sources if s.role == "territory"] == [
        "essai.toml",
        "territory.toml",
    ]


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        (HOURS.format(shift="soir", hours='start = "05:00"'), "changes.shifts.1.shift", "matin"),
        (HOURS.format(shift="matin", hours='start = "13:00"'), "changes.shifts.1.end", "24"),
        (HOURS.format(shift="matin", hours=""), "changes.shifts.1", "start, end"),
        (TRIP.format(trip="none", how="move", minutes=1), "changes.trips.1.trips", "trips.txt"),
        (TRIP.format(trip="noon", how="bend", minutes=1), "changes.trips.1.how", "move"),
        ("[limits]\nmax_wait = 3\n", "limits.max_wait", "max_wait_min"),
    ],
)
def test_what_cannot_be_is_told_by_its_place(base, text, column, said) -> None:
    with pytest.raises(MobilityError) as caught:
        load(scenario(base, text))
    assert caught.value.column == column
    assert "essai.toml" in str(caught.value.file)
    assert said in caught.value.render("en")


def test_a_scenario_starts_from_a_territory(base) -> None:
    scenario(base, "", "one")
    path = base.parent / "scenarios" / "two.toml"
    path.write_text('base = "one.toml"\n', encoding="utf-8")
    with pytest.raises(MobilityError) as caught:
        load(path)
    assert caught.value.column == "base"


def test_nobody_stays_aboard_over_a_trip_taken_out() -> None:
    """Three trips of one vehicle, the middle one gone: two runs, not one that jumps."""
    run = RunArrays(
        np.array([0, 6]), np.array([0, 1, 1, 2, 2, 3], np.int32),
        *(np.array([0, 60, 70, 130, 140, 200], np.int32) for _ in "ad"),
        *(np.ones(6, bool) for _ in "ba"), np.array([5, 5, 6, 6, 7, 7], np.int32),
        np.zeros(1, np.int8),
    )  # fmt: skip
    left = mended(without_trips(run, [6]))
    assert left.run_ptr.tolist() == [0, 2, 4]
    assert left.call_stop.tolist() == [0, 1, 2, 3]
    assert left.run_day.tolist() == [0, 0]
    assert without_trips(left, [7]).run_ptr.tolist() == [0, 2]
    assert without_trips(without_trips(run, [6]), [9]).run_ptr.tolist() == [0, 2, 4]


def test_a_vehicle_is_not_in_two_places(tmp_path) -> None:
    trips = [
        ("out", "A", "12:15", "B", "12:35", "week"),
        ("back", "B", "12:40", "A", "13:00", "week"),
    ]
    path = write_territory(tmp_path / "study", trips=trips)
    import zipfile

    feed = path.parent / "gtfs.zip"
    with zipfile.ZipFile(feed) as old:
        texts = {n: old.read(n).decode() for n in old.namelist()}
    head, *rows = texts["trips.txt"].splitlines()
    texts["trips.txt"] = "\n".join([f"{head},block", *(f"{r},b1" for r in rows)]) + "\n"
    texts["trips.txt"] = texts["trips.txt"].replace(",block\n", ",block_id\n")
    with zipfile.ZipFile(feed, "w") as new:
        for name, text in texts.items():
            new.writestr(name, text)
    load(scenario(path, TRIP.format(trip="out", how="move", minutes=5)))
    with pytest.raises(MobilityError) as caught:
        load(scenario(path, TRIP.format(trip="out", how="move", minutes=10)))
    assert "back" in caught.value.render("en")
    assert "12:40" in caught.value.render("en")


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("territory.toml", '"walk"]', '"walk", "bike"]', "modes"),
        ("homes.csv", ",10\n", ",11\n", "workers"),
    ],
)
def test_scenarios_of_other_people_or_modes_are_not_compared(tmp_path, file, old, new, told):
    one, other = (write_territory(tmp_path / name) for name in ("a", "b"))
    changed = other.with_name(file)
    changed.write_text(changed.read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(MobilityError, match=f"b/territory.toml, field {told}, value .*: The two"):
        compare(one, other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_differs_between_two_scenarios_is_told(base, tmp_path) -> None:
    """Another hour of a shift, a limit and a site's own margin; nothing of the same file."""
    other = tmp_path / "study" / "other.toml"
    text = base.read_text(encoding="utf-8").replace("[[sites]]", "[[sites]]\nmargin_in_min = 4", 1)
    other.write_text(f"{text}\n[limits]\nmax_wait_min = 25\n", encoding="utf-8")
    path = scenario(base, HOURS.format(shift="matin", hours='start = "05:30"'))

    def told(file):
        found = compare(base, file, tmp_path / "out").study.findings
        return [f for f in found if f.code == "scenarios_differ"]

    assert told(base) == []
    (settings,), (hours,) = told(other), told(path)
    assert set(settings.examples) == {
        "limits.max_wait_min: 30.0 → 25.0", "Usine.margin_in_min: None → 4.0"
    }  # fmt: skip
    assert hours.examples == ("Usine, 3x8, matin: 05:00–13:00 → 05:30–13:00",)
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert "scenarios_differ" in [finding["code"] for finding in record["findings"]]


ZONE = """
[[on_demand]]
name = "Z1"
polygon = [[-0.8, 47.2], [-0.5, 47.2], [-0.5, 47.5], [-0.8, 47.5]]
detour = 1.0
max_ride_min = 60

[modes]
evaluated = ["transit", "walk", "on_demand"]
"""


@pytest.mark.parametrize("reverse", [False, True])
def test_a_first_on_demand_zone_is_set_against_the_present(base, reverse) -> None:
    """The mode that such a scenario adds is asked of the present too, where nobody can use it."""
    path = scenario(base, ZONE)
    before, after = (path, base) if reverse else (base, path)
    found = compare(before, after, base.parent / "out")
    assert found.before is not None
    table = pd.read_csv(base.parent / "out" / "comparison.csv")
    morning = table[(table["shift"] == "matin")].iloc[0]
    alone = [summary(a, white_zones(a)) for a in (assess(load(p)) for p in (before, after))]
    rosters = table[table["shift"].isna()]
    for column, own in zip(("before", "after"), alone, strict=True):
        assert rosters[column].tolist() == own["reachable"].tolist()
    assert (
        morning["lost" if reverse else "gained"],
        morning["lost" if not reverse else "gained"],
    ) == (10, 0)
    page = (base.parent / "out" / "map.html").read_text(encoding="utf-8")
    assert '"first":"gain"' in page


def test_costs_of_a_scenario_stand_in_the_spreadsheet_of_its_report(base) -> None:
    path = scenario(base, TRIP.format(trip="home13", how="add", minutes=5))
    found = run(path, report="fr")
    told = pd.read_csv(found.folder / "scenario_costs.csv")
    sheet = pd.read_excel(found.folder / "report.xlsx", sheet_name="Coûts du scénario")
    assert sheet["€ par an"].tolist() == pytest.approx(told["eur_year"].tolist())
    assert told["eur_year"].sum() > 0
    assert (
        "Coûts du scénario"
        not in pd.ExcelFile(run(base, report="fr").folder / "report.xlsx").sheet_names
    )


def test_costs_of_a_scenario_stand_beside_who_gains(base, tmp_path) -> None:
    path = scenario(base, TRIP.format(trip="home13", how="add", minutes=5))
    alone = run(path, tmp_path / "alone").folder / "scenario_costs.csv"
    beside = compare(base, path, tmp_path / "both").folder / "scenario_costs.csv"
    assert beside.read_bytes() == alone.read_bytes()
    back = compare(path, base, tmp_path / "both").folder
    assert not (back / "scenario_costs.csv").exists()


def test_costs_tell_against_what_they_count(base, tmp_path, monkeypatch) -> None:
    """Of a second scenario against the base, whatever the first one is; a base is read once."""
    read = []
    monkeypatch.setattr(pipeline, "load", lambda *a, **k: read.append(a) or load(*a, **k))
    changes = [TRIP.format(trip="home13", how="add", minutes=m) for m in (5, 10)]
    one, other = (scenario(base, text, f"s{k}") for k, text in enumerate(changes))
    tables = [
        pd.read_csv(compare(first, other, tmp_path / "out").folder / "scenario_costs.csv")
        for first in (base, one)
    ]
    assert len(read) == 2 + 3
    assert set(tables[0]["against"]) == {base.name}
    pd.testing.assert_frame_equal(*tables)


def test_costs_of_a_scenario_count_from_its_own_sources(base, tmp_path) -> None:
    """A first territory whose timetables lack the trip that is run again is none of them."""
    path = scenario(base, TRIP.format(trip="home13", how="add", minutes=5))
    less = write_territory(tmp_path / "less", trips=[row for row in TRIPS if row[0] != "home13"])
    shutil.copy(less.parent / "gtfs.zip", base.parent / "less.zip")
    other = scenario(base, '[sources]\ngtfs = ["less.zip"]\n', "less")
    costs = [
        compare(first, path, tmp_path / first.stem).folder / "scenario_costs.csv"
        for first in (base, other)
    ]
    assert costs[0].read_bytes() == costs[1].read_bytes()
    assert pd.read_csv(costs[0])["quantity"].min() > 0
