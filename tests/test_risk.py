"""Road risk of shifts, by hand on one straight street."""

from __future__ import annotations

import csv
import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from feeds import service, trip, write_gtfs
from small import PLACES_M, TRIPS, lonlat, write_territory
from typer.testing import CliRunner

import mobility
from mobility.cli import app
from mobility.commute.additions import with_feed
from mobility.commute.night import daylight
from mobility.commute.walks import mode_times
from mobility.needs import RiskFactors
from mobility.needs.driven import ways_driven
from mobility.needs.risk import _without, added_km, by_carpool, by_feed, by_lever, rates, risk
from mobility.outputs.plan_tables import driving
from mobility.outputs.tables import cell_text, registry
from mobility.outputs.words import Words
from mobility.remedies.factors import factors_of, load_factors
from mobility.remedies.remedy import Remedy, Rescued
from mobility.sources.gtfs.read import read_feed
from mobility.streets.arcs import turned
from mobility.streets.paths import street_paths
from mobility.timetable.footpaths import walk_snaps

#: Reaches the gate at 4:50, by a drive within the small hours, and leaves it at 13:10.
ROSTER = """[{ name = "early", shifts = [
  { name = "e", start = "05:00", end = "13:00", headcount = 20 }] }]"""
FAR_M, NEAR_M = 11_239.0, 10_539.0
#: Drives a year there, of the 260 days that the shift is manned; the same back. The same number
#: of persons in each car.
DAYS, MANNED, OCCUPANCY = 218, 260, 1.08
#: Of a street of a town in daylight: 89.9 x 1.4 over a mean of 0.71 by day and 0.29 at 1.3.
BY_DAY = 89.9e-9 * 1.4 / (0.71 + 0.29 * 1.3)


def test_expected_accidents_are_read_with_the_decimals_of_their_band() -> None:
    for key in ("risk", "risk_remedies"):
        kinds = {c.key: c.kind for c in registry()[key].columns if "accidents" in c.key}
        assert len(kinds) >= 3
        told = {cell_text(Words("en"), kind, 0.123456) for kind in kinds.values()}
        assert told == {"0.12"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("risk")
    path = write_territory(folder, rosters=ROSTER, trips=[t for t in TRIPS if t[0] == "noon"])
    study = mobility.load(path)
    return path, study, risk(mobility.assess(study))


def test_kilometres_and_accidents_by_hand(scene) -> None:
    """Ten jobs at each home; the way there is in the small hours, the way back by day."""
    one_way = 10 * (FAR_M + NEAR_M) / 1000 * DAYS / OCCUPANCY
    row = scene[2].table().iloc[0]
    kilometres = ["vehicle_km", "day_km", "twilight_km", "night_km", "small_hours_km"]
    assert row[kilometres].tolist() == [round(2 * one_way), round(one_way), 0, 0, round(one_way)]
    assert row[["motorway_km", "outside_km", "inside_km"]].tolist() == [0, 0, round(2 * one_way)]
    assert row["accidents"] == pytest.approx(one_way * BY_DAY * (1 + 5.7), abs=5e-5)
    low = 89.6e-9 * 1.4 / (0.71 + 0.29 * 1.17) * (1 + 3.8)
    assert row["accidents_low"] == pytest.approx(one_way * low, abs=5e-5)
    high = 295e-9 * 2.08 / (0.9 + 0.1 * 1.43) * (1 + 11.6)
    assert row["accidents_high"] == pytest.approx(one_way * high, abs=5e-5)
    # A bus at noon is of no use: nobody has another way.
    assert (row["bound_km"], row["far_jobs"]) == (row["vehicle_km"], 0)
    assert row["bound_accidents"] == row["accidents"]


@pytest.mark.parametrize(
    ("shifts", "days"),
    [
        ([("mon-sun", 20)], 218),  # manned on 364 days, by several teams
        ([("sat-sun", 20)], 104),  # no more than there are
        ([("mon-fri", 10), ("sat", 10)], 156),  # half their time on each
    ],
)
def test_days_are_those_that_a_worker_works_as_in_the_plan(shifts, days, tmp_path) -> None:
    rows = ", ".join(
        f'{{ name = "{k}", start = "05:00", end = "13:00", days = "{on}", headcount = {heads} }}'
        for k, (on, heads) in enumerate(shifts)
    )
    dates = "school_weekday = 2026-11-17, saturday = 2026-11-21, sunday = 2026-11-22"
    path = write_territory(
        tmp_path,
        trips=TRIPS[1:4],
        services={"week": service("1111111", "20260105", "20261218")},
        rosters=f'[{{ name = "r", shifts = [{rows}] }}]',
        days=f'kinds = ["school_weekday", "saturday", "sunday"]\ndates = {{ {dates} }}',
    )
    path.write_text(path.read_text(encoding="utf-8").replace('"walk"]', '"walk", "car"]'), "utf-8")
    study = mobility.load(path)
    access = mobility.assess(study)
    jobs = sum(heads for _, heads in shifts)
    one_way = jobs / 2 * (FAR_M + NEAR_M) / 1000 * days / OCCUPANCY
    assert risk(access).table()["vehicle_km"].item() == pytest.approx(2 * one_way, abs=1)
    row = driving(access, load_factors()).iloc[0]
    # The road, as the comparison of modes tells it.
    assert row["car_km"] == pytest.approx((FAR_M + NEAR_M) / 2000, abs=0.06)
    # A start at 5:00 is in the night, an end at 13:00 is not.
    assert row["night_trips"] == jobs * days
    km = row["eur_worker_car"] / factors_of(study)["cost.car_km"]
    assert km == pytest.approx(2 * row["car_km"] * days / OCCUPANCY, rel=0.01)


def test_the_mean_of_a_road_is_that_of_its_hours() -> None:
    """Traffic by day and in the dark, at the rates of both, has the published mean."""
    for road, share in ((0, 0.33), (1, 0.74), (2, 1.4)):
        by_day, _, dark, _ = rates(RiskFactors.load())[0, road] * 1e9
        assert 0.71 * by_day + 0.29 * dark == pytest.approx(89.9 * share)


def test_a_factor_of_the_territory_counts() -> None:
    usual, local = (rates(RiskFactors.load(given)) for given in ({}, {"risk.accidents": 179.8}))
    assert local[0] == pytest.approx(2 * usual[0])


def test_roads_carry_those_who_drive_along_them(scene) -> None:
    """The street sees 20 jobs a day, there and back; half of it in the small hours."""
    every, dark = scene[2].on_roads()
    assert every == pytest.approx([2 * 20 * DAYS / OCCUPANCY])
    assert dark == pytest.approx([20 * DAYS / OCCUPANCY])


def test_a_feed_spares_those_who_take_it_and_drives_itself(scene, tmp_path) -> None:
    """H1 holds with a bus at 4:20 and one home at 13:20: 3 of its 10 jobs take it."""
    _, study, found = scene
    trips = [("A", "04:20", "B", "04:35"), ("B", "13:20", "A", "13:40")]
    write_gtfs(
        tmp_path / "bus.zip",
        stops={name: lonlat(PLACES_M[name]) for name in ("A", "B")},
        trips=[trip(a + t, [(a, t), (b, u)], service="w") for a, t, b, u in trips],
        services={"w": service("1111100", "20260105", "20261218")},
    )
    after = mobility.assess(with_feed(study, read_feed(tmp_path / "bus.zip"), scenario="bus"))
    spared = by_feed(found, "bus", after)
    assert spared.persons[0].tolist() == pytest.approx([3.0, 0.0])
    assert added_km(study, after.study) == pytest.approx(2 * 10 * MANNED, rel=1e-3)
    row = found.removed([spared]).iloc[0]
    driven = 3 * 2 * NEAR_M / 1000 * DAYS / OCCUPANCY
    assert row[["vehicle_km", "dark_km"]].tolist() == pytest.approx([driven, driven / 2], abs=1)
    gross = driven / 2 * BY_DAY * (1 + 5.7)
    assert row["accidents"] == pytest.approx(gross * (1 - 2 * 10 * MANNED / driven), abs=1e-4)


def test_sharing_a_car_leaves_a_part_of_one_at_home(scene) -> None:
    """Everybody has a colleague on the way; 15 % take it up, 2.5 in a car instead of 1.08."""
    found = scene[2]
    spared = by_carpool(found, "shared")
    assert spared.users == pytest.approx(0.15 * 20, rel=1e-3)
    assert spared.persons.sum() == pytest.approx(0.15 * 20 * (1 - 1.08 / 2.5), rel=1e-3)
    lever = Remedy("carpool", "", {}, 0, 0, 0, rescued=(Rescued(0, np.array([True, False]), 0.5),))
    assert by_lever(found, "", lever, None).persons.sum() == pytest.approx(5 * (1 - 1.08 / 2.5))


def test_without_headcount_nothing_is_known_and_totals_say_so(tmp_path) -> None:
    """Empty is not 0: in the table, on the terminal, on the page; of the other roster as ever."""
    second = '{ name = "late", shifts = [{ name = "l", start = "05:00", end = "13:00" }] }'
    path = write_territory(tmp_path, rosters=f"{ROSTER[:-1]}, {second}]")
    path.write_text(path.read_text(encoding="utf-8").replace('"walk"]', '"walk", "car"]'), "utf-8")
    told = ["risk", str(path), "-o", str(tmp_path / "out"), "--carpool", "--lang", "en"]
    result = CliRunner().invoke(app, told)
    assert result.exit_code == 0, result.output
    with (tmp_path / "out" / "risk.csv").open(encoding="utf-8-sig") as file:
        counted, unknown = csv.DictReader(file)
    assert counted["headcount"] == "20"
    assert float(counted["accidents"]) > 0
    assert {v for k, v in unknown.items() if k not in ("site", "roster")} == {""}
    page = (tmp_path / "out" / "risk.html").read_text(encoding="utf-8")
    for text in (" ".join(result.output.split()), page):
        assert "1 roster has no headcount: how much is driven to it is not known" in text
        assert "shuttles.default_headcount: Usine, late." in text
    row = driving(mobility.assess(mobility.load(path)), load_factors()).iloc[1]
    follow = ["headcount", "tco2e_car", "tco2e_spared", "night_trips"]
    assert row[follow].isna().all()
    assert row["eur_worker_car"] > 0


def test_of_a_roster_of_other_days_nothing_is_told_as_nought(tmp_path) -> None:
    """A season of Saturdays, where a school weekday alone is studied: its headcount is known."""
    season = '{ name = "season", shifts = [{ name = "s", start = "05:00", end = "13:00", '
    season += 'days = "sat", headcount = 9 }] }'
    path = write_territory(tmp_path, rosters=f"{ROSTER[:-1]}, {season}]")
    path.write_text(path.read_text(encoding="utf-8").replace('"walk"]', '"walk", "car"]'), "utf-8")
    result = CliRunner().invoke(app, ["risk", str(path), "-o", str(tmp_path / "o"), "--lang", "en"])
    assert result.exit_code == 0, result.output
    with (tmp_path / "o" / "risk.csv").open(encoding="utf-8-sig") as file:
        worked, idle = csv.DictReader(file)
    assert float(worked["vehicle_km"]) > 0
    assert (idle["headcount"], idle["vehicle_km"], idle["accidents"]) == ("9", "", "")
    assert "1 roster works on none of the dates studied" in " ".join(result.output.split())
    row = driving(mobility.assess(mobility.load(path)), load_factors()).iloc[1]
    assert row["headcount"] == 9
    assert row[["eur_worker_car", "tco2e_car", "tco2e_spared", "night_trips"]].isna().all()


def test_without_any_headcount_remedies_tell_nothing_either(tmp_path) -> None:
    access = mobility.assess(mobility.load(write_territory(tmp_path)))
    found = risk(access)
    assert found.uncounted() == [(0, "3x8")]
    spared = found.removed([by_carpool(found, "shared")]).iloc[0]
    assert spared["remedy"] == "shared"
    assert spared.drop("remedy").isna().all()


def test_drives_are_those_of_the_street_search(tmp_path) -> None:
    """Seconds, metres and pieces, for homes beyond, between and on the piece of two gates."""
    homes = "id,lon,lat,workers\n" + "".join(
        "{},{:.9f},{:.9f},1\n".format(k, *lonlat(at)) for k, at in enumerate((100, 5_700, 11_300))
    )
    path = write_territory(tmp_path, homes=homes, extra="[limits]\nmax_total_min = 90")
    text = path.read_text(encoding="utf-8").replace('name = "name"\ncommune = "commune"\n', "")
    gates = ", ".join("[{:.9f}, {:.9f}]".format(*lonlat(at)) for at in (3_000.5, 11_239.5))
    start = text.index("gates = ")
    path.write_text(text[:start] + f"gates = [{gates}]\n" + text[text.index("rosters") :])
    study = mobility.load(path)
    times = mode_times(study.territory, study.streets, "car")
    at, to = (walk_snaps(study.streets, times, p) for p in (study.homes.lonlat, study.gates_lonlat))
    for way, way_times in zip(ways_driven(study)[0], (turned(times), times), strict=True):
        for home, nearest in ((0, 0), (1, 0), (2, 1)):
            (expected,) = street_paths(
                study.streets, way_times, to.take([nearest]), at.take([home]),
                connector_speed_ms=study.territory.speeds.walk_kmh / 3.6,
            )  # fmt: skip
            mine = way.home == home
            assert way.metres[mine].sum() == pytest.approx(expected.length_m)
            assert way.seconds[home] == pytest.approx(expected.time_s)
            assert set(way.edge[mine][way.metres[mine] > 0]) == set(expected.edges)


def test_small_hours_are_cut_out_of_the_light() -> None:
    assert _without(((0, 10), (20, 30)), ((8, 22),)) == ((0, 8), (22, 30))
    assert _without(((0, 10),), ((2, 3), (5, 20))) == ((0, 2), (3, 5))


def test_civil_twilight_is_around_the_day() -> None:
    """Paris, 21 June: sunrise at 5:47, and the sun 6 degrees below some 40 minutes before."""
    zone, date = ZoneInfo("Europe/Paris"), dt.date(2026, 6, 21)
    for twilight, expected in ((False, 5 * 60 + 47), (True, 5 * 60 + 5)):
        spans = daylight(date, zone, 2.35, 48.85, twilight=twilight)
        rise = next(up for up, down in spans if up > 0) / 60
        assert rise == pytest.approx(expected, abs=3)


def test_the_command_writes_rates_and_sources(scene, tmp_path) -> None:
    result = CliRunner().invoke(
        app, ["risk", str(scene[0]), "-o", str(tmp_path), "--carpool", "--lang", "en"]
    )
    assert result.exit_code == 0, result.output
    assert {p.name for p in tmp_path.iterdir()} == {
        "risk.csv", "risk_remedies.csv", "risk_factors.csv", "risk.gpkg", "risk.html"}  # fmt: skip
    assert "Nothing is told of a person" in " ".join(result.output.split())
    page = (tmp_path / "risk.html").read_text(encoding="utf-8")
    with (tmp_path / "risk_factors.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    checked = [row["name"] for row in rows if row["check"].lower() in ("true", "1", "yes")]
    # The rates, then what kilometres rest on.
    assert [row["name"] for row in rows[9:]] == [
        "worked_days_year", "car_occupancy", "carpool_adoption", "carpool.crew",
    ]  # fmt: skip
    assert "risk.small_hours" in checked
    assert "risk.accidents" not in checked
    for row in rows:
        assert row["source"] in page
        assert (row["name"] in result.output) == (row["name"] in checked)
