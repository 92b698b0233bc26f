"""A territory without timetables: streets, homes and sites alone."""

import datetime as dt
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small import TRIPS, write_territory
from typer.testing import CliRunner

from mobility.base.errors import TerritoryError
from mobility.cli import app
from mobility.commute.access import STATUSES, assess
from mobility.commute.loading import load
from mobility.commute.white_zones import REASONS, white_zones
from mobility.outputs.levers import searched
from mobility.outputs.record import inputs_hash
from mobility.pipeline import compare, run
from mobility.sources.days import PLAIN_DATES, plain_days
from mobility.sources.gtfs.read import empty_feed, merge_feeds, read_feed
from mobility.territory.fields import DaysConfig
from mobility.territory.project import Territory
from mobility.timetable.arrays import INF

DEMO = Path(__file__).resolve().parent.parent / "data"
EXTRA = "[limits]\nmax_walk_min = 60\nmax_bike_min = 60\nmax_total_min = 60\n"


def street_only(folder, *, modes='["transit", "walk", "bike"]', extra=EXTRA, homes=None):
    path = write_territory(folder, extra=extra, homes=homes)
    text = path.read_text(encoding="utf-8").replace('gtfs = ["gtfs.zip"]', "gtfs = []")
    path.write_text(text.replace('["transit", "walk"]', modes), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    return assess(load(street_only(tmp_path_factory.mktemp("streets"))))


def test_modes_that_need_a_timetable_are_left_out_with_a_warning(access):
    assert access.study.territory.modes.evaluated == ["walk", "bike"]
    told = [f for f in access.study.findings if f.code == "no_timetable"]
    assert [f.severity for f in told] == ["warning"]
    assert "transports en commun" in told[0].render("fr")


def test_only_transit_asked_leaves_walking(tmp_path):
    study = load(street_only(tmp_path, modes='["transit"]'))
    assert study.territory.modes.evaluated == ["walk"]


def test_cycling_times_by_hand(access):
    # H1 rides 10,539 m to the gate at 15 km/h: 2,529.4 s, rounded up, and 10 min of margin.
    row = access.row(0, "school_weekday", "bike")
    assert access.outbound_s[row, 0] == 2530 + 600
    assert access.return_s[row, 0] == 2530 + 600
    # H2 rides 11,239 m: 2,698 s, also within 60 min and the margin.
    assert access.outbound_s[row, 1] == 2698 + 600
    walk = access.row(0, "school_weekday", "walk")
    assert (access.outbound_s[walk] == INF).all()


def test_white_for_the_length_of_the_walk_and_never_for_a_stop(access):
    zones = white_zones(access)
    row = zones.row(0, "school_weekday")
    assert [STATUSES[s] for s in zones.status[row]] == ["neither", "neither"]
    assert [REASONS[r] for r in zones.reason[row]] == ["too_long", "too_long"]


def test_a_run_writes_its_map(tmp_path):
    results = run(street_only(tmp_path / "in"), tmp_path / "out")
    assert results.map_path.stat().st_size > 100_000
    assert "no_stop" not in (tmp_path / "out" / "shifts.csv").read_text().splitlines()[1]


def test_dates_are_those_of_the_file_else_plain_ones():
    config = DaysConfig.model_validate(
        {"dates": {"saturday": "2027-01-09"}, "extra": [{"name": "night", "weekdays": "fri"}]}
    )
    days = {d.kind: d for d in plain_days(config)}
    assert days["saturday"].date == dt.date(2027, 1, 9)
    assert days["school_weekday"].date == PLAIN_DATES["school_weekday"]
    assert days["night"].date == dt.date(2026, 3, 13)
    assert days["night"].date.strftime("%a") == "Fri"
    assert {k: d.weekday() for k, d in PLAIN_DATES.items()} == {
        "school_weekday": 1,
        "holiday_weekday": 1,
        "saturday": 5,
        "sunday": 6,
    }


def test_empty_feed_has_the_columns_and_types_of_a_read_one(tmp_path):
    write_territory(tmp_path)
    read, empty = read_feed(tmp_path / "gtfs.zip", cache=False), empty_feed()
    for table in ("stops", "routes", "trips", "stop_times", "transfers", "agencies"):
        one, two = getattr(read, table), getattr(empty, table)
        assert list(one.columns) == list(two.columns), table
        assert one.dtypes.astype(str).to_dict() == two.dtypes.astype(str).to_dict(), table
    both = merge_feeds([empty, read])
    assert len(both.trips) == len(read.trips)
    assert np.array_equal(both.stop_times["trip"], read.stop_times["trip"])


def test_a_territory_with_timetables_keeps_its_modes(tmp_path):
    study = load(Territory.from_toml(write_territory(tmp_path)))
    assert study.territory.modes.evaluated == ["transit", "walk"]
    assert not [f for f in study.findings if f.code == "no_timetable"]


def gained(folder):
    rows = pd.read_csv(folder / "comparison.csv", keep_default_na=False)
    return rows.set_index("shift")["gained"].to_dict()


@pytest.fixture
def scenario(tmp_path):
    """Write a territory without timetables, and a scenario of it with its first bus line."""
    path = street_only(tmp_path / "in", modes='["transit", "walk"]', extra="")
    after = path.with_name("after.toml")
    after.write_text(f'base = "{path.name}"\n[[changes.feeds]]\nfile = "gtfs.zip"\n', "utf-8")
    return path, after


def test_the_first_line_of_a_territory_gains_what_the_engine_says(scenario, tmp_path):
    path, after = scenario
    with_plan = run(path, tmp_path / "plan", plans=[path.with_name("gtfs.zip")])
    compare(*scenario, tmp_path / "compared")
    # Of 3x8, the bus alone holds what it holds beside other timetables: see test_small_case.
    served = assess(load(Territory.from_toml(write_territory(tmp_path / "own"))))
    known = served.counted(0, "school_weekday")[2]
    assert known.any()
    shift = served.study.shift_rows[0]
    expected = int(served.study.pool(shift.site, shift.roster)[known].sum())
    assert gained(tmp_path / "plan")[shift.shift] == expected
    assert gained(tmp_path / "compared")[shift.shift] == expected
    assert "no_timetable" not in [f.code for f in load(after).findings]
    # The same inputs, whether a line is added or not.
    assert inputs_hash(with_plan.study) == inputs_hash(load(path))


def test_a_line_is_not_given_what_trips_that_are_not_studied_do(tmp_path):
    path = write_territory(tmp_path)
    text = path.read_text(encoding="utf-8").replace('["transit", "walk"]', '["walk"]')
    path.write_text(text, encoding="utf-8")
    for more in ({"shuttles": True}, {"plans": [tmp_path / "gtfs.zip"]}):
        with pytest.raises(TerritoryError) as caught:
            run(path, tmp_path / "out", **more)
        assert caught.value.column == "modes.evaluated"
        assert "transit" in caught.value.mend
    # What is booked is proven by trips of its own, which nobody adds.
    found = searched(assess(load(path)), tmp_path)
    assert found.study.territory.modes.evaluated == ["walk"]


def test_levers_of_a_territory_without_timetable_compare_with_their_shuttles(tmp_path):
    """The demo without its buses and trains: the map sets a line beside a present without any."""
    shutil.copytree(DEMO, tmp_path / "data")
    path = tmp_path / "data" / "demo.toml"
    text = re.sub(r"(?m)^gtfs = .*$", "gtfs = []", path.read_text(encoding="utf-8"))
    one_site = "[[sites]]".join(text.split("[[sites]]")[:2])
    path.write_text(one_site.replace("iterations = 30", "iterations = 2"), encoding="utf-8")
    out = tmp_path / "out"
    told = ["levers", str(path), "--out", str(out), "--shuttles", "--illustrated", "6"]
    done = CliRunner().invoke(app, [*told, "--lang", "en"])
    assert done.exit_code == 0, done.output
    listed = pd.read_csv(out / "remedies.csv")
    assert (listed["kind"][:6] == "shuttle").any()
    assert (out / "map.html").stat().st_size > 100_000


def test_a_mode_other_than_a_booked_one_is_told_of_both_ways(tmp_path):
    """H1 has a bus out and none back; its bicycle takes 43 min each way, or is not told at all."""
    for k, (limit_min, times) in enumerate(((60, 2), (40, 0))):
        trips = [t for t in TRIPS if t[0] != "home21"]
        extra = f"[limits]\nmax_bike_min = {limit_min}"
        path = write_territory(tmp_path / f"{k}", trips=trips, extra=extra)
        asked = '["transit", "walk", "bike"]\ncycling_counts = true'
        text = path.read_text(encoding="utf-8").replace('["transit", "walk"]', asked)
        path.write_text(text, encoding="utf-8")
        told = ["itinerary", str(path), "--home", "H1", "--site", "Usine", "--shift", "afternoon"]
        done = CliRunner().invoke(app, [*told, "--lang", "en"])
        assert done.exit_code == 0, done.output
        assert done.output.count("43 min by bicycle") == times
        assert done.output.count("or 43 min by bicycle") == times // 2
        assert ("no journey" in done.output) == (times == 0)
