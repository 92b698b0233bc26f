"""What lines cost, who depends on them, what a scenario changes, and swaps: one street."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feeds import service, trip, write_gtfs
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory
from test_line_changes import changed as scenario_of
from typer.testing import CliRunner

from mobility.cli import app
from mobility.commute.access import assess
from mobility.commute.line_changes import trips_of_line, with_lines
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.needs.lines import changed, lines_of, supply
from mobility.needs.swaps import swap_table, swaps
from mobility.outputs.map.from_results import map_model
from mobility.outputs.needs_ways import _uneven, lines_answer
from mobility.outputs.table_files import stops_layer
from mobility.outputs.words import Words
from mobility.remedies.factors import load_factors
from mobility.remedies.model import Lever
from mobility.remedies.search import workbench
from mobility.territory.changes import LineChange

JOBS = "[shuttles]\ndefault_headcount = 10"
EXAMPLE = Path("examples/rhein-neckar/territory.toml")


def clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


#: Every half hour there, and back ten minutes after; nobody needs them.
SPARE = [
    (f"{name}{k}", one, clock(at), two, clock(at + 20), "week")
    for k in range(6)
    for name, one, two, at in (("out", "A", "B", 480 + 30 * k), ("back", "B", "A", 510 + 30 * k))
]


@pytest.fixture
def base(tmp_path):
    return write_territory(tmp_path / "study", extra=JOBS)


def test_a_line_by_hand(base) -> None:
    """Six trips of 10 km in 20 minutes; noon and night wait 45 min at B for the way back."""
    study = load(base)
    whole, line = supply(study).to_dict("records")
    days = study.days_of_kind("school_weekday")
    assert line["line"] == "R"
    assert line["trips_year"] == 6 * days
    assert line["trips_calendar"] == pytest.approx(6 * days - days / 5)  # no "early" on Fridays
    assert line["km_year"] == pytest.approx(6 * 10 * 1.3 * days, rel=1e-6)
    assert line["hours_year"] == pytest.approx(2 * days)
    assert line["wait_year"] == pytest.approx(1.5 * days)
    assert line["vehicles"] == whole["vehicles"] == 1
    found = lines_of(assess(study))
    rows = {n: f.value for n, f in load_factors().rows.items()}
    eur = 2 * days * rows["bus_hour"] + 1.5 * days * rows["bus_wait_hour"]
    assert found.table["eur_year"][1] == pytest.approx(eur + rows["bus_vehicle_year"])
    # H1 holds the whole 3x8: half of its 30 jobs, and its ten workers.
    assert found.table["jobs_at_risk"][1] == pytest.approx(15)
    assert found.table["workers_at_risk"][1] == 10


def test_a_line_that_rests_on_fridays_is_told_beside_its_year(tmp_path) -> None:
    """Two trips on four days of five, one on Fridays alone; on the Monday before nothing runs."""
    services = {
        name: service(week, "20260105", "20261218", removed=["20261116"])
        for name, week in (("four", "1111000"), ("fri", "0000100"), ("week", "1111100"))
    }
    path = write_territory(tmp_path / "study", extra=JOBS)
    rides = [(str(k), f"{8 + k:02d}", days) for k, days in enumerate(("four", "four", "fri"))]
    write_gtfs(
        path.parent / "gtfs.zip", stops={"A": lonlat(1000), "B": lonlat(11_000)},
        services=services,
        routes=[{"route_id": name, "route_short_name": name, "route_type": 3} for name in "RS"],
        trips=[
            *(trip(n, [("A", f"{h}:00"), ("B", f"{h}:20")], service=s) for n, h, s in rides),
            trip("all", [("A", "09:00"), ("B", "09:20")], route="S", service="week"),
        ],
    )  # fmt: skip
    study = load(path)
    weeks = study.days_of_kind("school_weekday") / 5
    found = lines_of(assess(study))
    table = found.table.set_index("line")
    lines = table.loc[["", "R", "S"]]
    assert lines["trips_year"].tolist() == [15 * weeks, 10 * weeks, 5 * weeks]
    assert lines["trips_calendar"].tolist() == pytest.approx([14 * weeks, 9 * weeks, 5 * weeks])
    (told,) = lines_answer(found, None, (), "en").said
    assert told.startswith("1 line does not run alike on all days")
    assert told.endswith(f"by the calendar: R ({10 * weeks:.0f} → {9 * weeks:.0f}).")


def test_a_line_that_runs_on_no_day_studied_has_a_row_and_is_told(tmp_path) -> None:
    """F on Fridays alone, beside a studied Tuesday; G on one date of spring; H never.

    D is F, and may be called to a place between its stops.
    """
    path = write_territory(tmp_path / "study", extra=JOBS)
    at = {"D": "fri", "F": "fri", "G": "once", "H": "never", "R": "tue", "S": "both"}
    window = ("start_pickup_drop_off_window", "end_pickup_drop_off_window")
    called = [{"stop_id": "", "location_id": "Z", **dict.fromkeys(window, "08:10:00")}]
    write_gtfs(
        path.parent / "gtfs.zip", stops={"A": lonlat(1000), "B": lonlat(11_000)},
        services={
            "fri": service("0000100", "20260105", "20261218"),
            "tue": service("0100000", "20260105", "20261218"),
            "both": service("0100100", "20260105", "20261218"),
            "once": service("0000000", "20260105", "20261218", added=["20260414"]),
            "never": service("0000000", "20260105", "20261218"),
        },
        routes=[{"route_id": name, "route_short_name": name, "route_type": 3} for name in at],
        trips=[
            trip(
                name, [("A", "08:00"), *called * (name == "D"), ("B", "08:20")],
                route=name, service=days,
            )
            for name, days in at.items()
        ],
    )  # fmt: skip
    study = load(path)
    weeks = study.days_of_kind("school_weekday") / 5
    found = lines_of(assess(study))
    table = found.table.set_index("line")
    assert table.index.tolist()[0] == ""
    assert study.feed.trips.set_index("trip_id")["on_demand"].to_dict()["D"]
    assert sorted(table.index[1:]) == ["D", "F", "G", "R", "S"]
    told = ["trips_year", "trips_calendar", "km_year", "vehicles", "eur_year"]
    for line in "DF":
        assert table.loc[line, told].tolist() == [0, pytest.approx(weeks), 0, 0, 0]
    assert table.loc["G", told].tolist() == [0, 0, 0, 0, 0]
    # The whole network has their trips too, where every weekday has a timetable of its own.
    lines = table.loc[["D", "F", "G", "R", "S"], "trips_calendar"]
    assert table.loc["", "trips_calendar"] == pytest.approx(lines.sum())
    assert table.loc[["D", "F", "G"], "jobs_at_risk"].isna().all()
    said = lines_answer(found, None, (), "en").said
    assert said[-1].startswith("3 lines run on none of the days studied;")
    assert said[-1].endswith("by the calendar: D, F, G.")
    assert not any("headway" in text for text in said)


def test_a_scenario_is_costed_and_its_losers_told(base) -> None:
    path = scenario_of(base, 'how = "remove"\nstart = "12:00"\nend = "20:00"')
    before, after = assess(load(base)), assess(load(path))
    found = changed(before, after)
    days = before.study.days_of_kind("school_weekday")
    whole = found.table.iloc[0]
    assert whole["trips_year"] == -2 * days
    assert whole["hours_year"] == pytest.approx(-2 / 3 * days)
    assert whole["wait_year"] == pytest.approx(-0.75 * days)
    assert whole["vehicles"] == 0
    assert found.gains.rosters_lost.jobs == pytest.approx(15)
    everyone = found.groups[found.groups["group"] == ""].iloc[0]
    assert everyone[["pool", "before", "after", "gained", "lost"]].tolist() == [20, 10, 0, 0, 10]


def told_of(base, change: str) -> str:
    """Return what the command prints of a scenario that changes the line, on one line."""
    asked = ["lines", str(scenario_of(base, change)), "-o", str(base.parent / "o"), "--lang", "en"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_a_line_taken_out_is_told_as_such(base) -> None:
    told = told_of(base, 'how = "remove"')
    assert "1 line does not run by a timetable any more in the scenario: R." in told
    assert "booked in place" not in told
    assert "none of the days studied" not in told


def test_what_is_booked_in_place_of_a_line_is_said_to_be_missing(base) -> None:
    told = told_of(base, 'how = "on_demand"')
    assert "The vehicles booked in place of lines are not in these costs" in told


def test_a_scenario_that_changes_nothing_costs_nothing(base) -> None:
    access = assess(load(base))
    found = changed(access, access)
    assert len(found.table) == 1
    assert not found.table[["km_year", "hours_year", "eur_year"]].to_numpy().any()


def test_a_round_trip_pays_for_the_way_home_of_the_night(tmp_path) -> None:
    """Without a bus at 05:20 nobody holds the 3x8; half-hourly buses pay for one."""
    trips = [t for t in TRIPS if t[0] != "home05"] + SPARE
    access = assess(load(write_territory(tmp_path / "study", trips=trips, extra=JOBS)))
    assert swaps(access, keep_min=10) == ()
    found = swaps(access, most=2, keep_min=30)
    assert len(found) == 1
    one = found[0]
    assert one.jobs == pytest.approx(15)
    assert one.gains.rosters_lost.jobs == 0
    days = access.study.days_of_kind("school_weekday")
    assert one.hours_added == pytest.approx(2 / 3 * days)
    assert one.hours_removed == pytest.approx(2 / 3 * days)
    table = swap_table(access, found)
    assert table["kind"].tolist() == ["remove", "add_run"]
    assert table["hours_balance"].tolist() == pytest.approx([0, 0])
    assert "05:" in table["departure"][1]


def test_the_command_writes_all_of_it(base) -> None:
    path = scenario_of(base, 'how = "speed"\npercent = 200')
    out = base.parent / "out"
    done = CliRunner().invoke(
        app, ["lines", str(path), "-o", str(out), "--swaps", "1", "--lang", "en"]
    )
    assert done.exit_code == 0, done.output
    assert "No job gains or loses its whole roster." in done.output
    table = pd.read_csv(out / "lines_changed.csv", keep_default_na=False)
    assert table["line"].tolist() == ["", "R"]
    assert (table["hours_year"] < 0).all()
    costs = pd.read_csv(out / "lines_costs.csv")
    assert costs.groupby("situation").size().to_dict() == {"difference": 3, "scenario": 3}
    assert (out / "lines.html").is_file()


@pytest.mark.skipif(
    not Path("../shared/data/rhein-neckar").is_dir(), reason="the real extract is not at hand"
)
@pytest.mark.slow
def test_a_real_network_loses_a_line() -> None:
    """The quick evaluation of a line taken out finds what the engine finds of the scenario."""
    access = assess(load(EXAMPLE))
    trips = trips_of_line(access.study.feed, "97")
    bench = workbench(access, stops=False)
    quick = bench.scores.score(bench.try_together([Lever("remove", tuple(trips.tolist()))]))
    line = LineChange(line="97", how="remove")
    found = changed(access, assess(with_lines(access.study, [line])))
    assert quick.jobs_lost > 0
    assert found.gains.rosters_lost.jobs == pytest.approx(quick.jobs_lost, rel=1e-9)
    was = supply(access.study).set_index("line")["hours_year"]["97"]
    gone = found.table.set_index("line")["hours_year"]
    assert gone[["97", ""]].tolist() == pytest.approx([-was, -was])
    # Others are none of the lines changed, whatever the order in which their legs are summed.
    assert set(gone.index) == {"97", ""}
    assert found.lines_removed == ("97",)


def test_without_a_timetable_there_is_no_line_to_tell(base) -> None:
    base.write_text(base.read_text("utf-8").replace('"gtfs.zip"', ""), encoding="utf-8")
    done = CliRunner().invoke(app, ["lines", str(base), "--lang", "en"])
    assert done.exit_code == 2
    assert "field sources.gtfs: There is no timetable" in done.output


def test_a_headway_counts_by_its_departures_everywhere(base) -> None:
    """A bus every 20 min from 5:00 to 20:00: 45 departures, 20 minutes and 10 km each."""
    period = {"start_time": "05:00:00", "end_time": "20:00:00", "headway_secs": 1200}
    write_gtfs(
        base.parent / "gtfs.zip", stops={"A": lonlat(1000), "B": lonlat(11_000)},
        services=SERVICES, trips=[trip("m", [("A", "00:00"), ("B", "00:20")], service="week")],
        frequencies=[{"trip_id": "m", "exact_times": 0} | period],
    )  # fmt: skip
    access = assess(load(base))
    page = map_model(access, white_zones(access))
    layer = stops_layer(access).set_index("stop_id")["school_weekday"]
    assert page.stops.trips.tolist() == [[45]]
    assert layer.tolist() == [45, 0]
    (line,) = page.lines
    assert line.trips[0].tolist() == [[300 + 20 * k, 20] for k in range(45)]
    found = lines_of(access).table
    days = access.study.days_of_kind("school_weekday")
    assert found["trips_year"].tolist() == [45 * days] * 2
    assert found["trips_calendar"].tolist() == [45 * days] * 2
    assert found["hours_year"].tolist() == pytest.approx([15 * days] * 2)
    assert found["km_year"].tolist() == pytest.approx([450 * 1.3 * days] * 2)
    assert found["vehicles"].tolist() == [1, 1]
    assert found["jobs_at_risk"].isna().all()  # nothing to take out: not told to be nobody
    done = CliRunner().invoke(app, ["lines", str(base), "-o", str(base.parent / "out")])
    assert "nul ne peut le dire\u00a0: R." in done.output


def through(folder, trips):
    """The street with a stop M half way, four kilometres off the straight line from A to B."""
    toml = write_territory(folder, extra=JOBS)
    east, north = lonlat((PLACES_M["A"] + PLACES_M["B"]) / 2)
    places = {"A": lonlat(PLACES_M["A"]), "M": (east, north + 0.036), "B": lonlat(PLACES_M["B"])}
    services = {"S": service("1111111", "20260105", "20261218")}
    write_gtfs(folder / "gtfs.zip", stops=places, trips=trips, services=services)
    return assess(load(toml)), [list(place) for place in places.values()]


def test_an_express_calls_at_its_own_stops_on_the_way_of_the_local(tmp_path) -> None:
    access, (a, m, b) = through(tmp_path, [
        trip("local", [("A", "12:00"), ("M", "12:20"), ("B", "12:40")], shape_id="F"),
        trip("express", [("A", "12:10"), ("B", "12:25")], shape_id="F"),
    ])  # fmt: skip
    page = map_model(access, white_zones(access))
    (line,) = page.lines
    np.testing.assert_allclose(line.path, [a, m, b])
    assert line.trips[0].tolist() == [[720, 40], [730, 15]]
    layer = stops_layer(access).set_index("stop_id")["school_weekday"]
    assert layer.to_dict() == {"A": 2, "M": 1, "B": 0}
    # Straight ways: 10 km of the express; 2 * sqrt(5**2 + 4**2) km of the local, within 1 %.
    days = access.study.days_of_kind("school_weekday")
    found = supply(access.study).iloc[1]
    assert found["km_year"] == pytest.approx((10 + 2 * 41**0.5) * 1.3 * days, rel=0.01)
    assert found["hours_year"] == pytest.approx((40 + 15) / 60 * days)


def test_a_vehicle_that_goes_on_as_another_line_is_on_the_map_as_each(tmp_path) -> None:
    access, (a, m, b) = through(tmp_path, [
        trip("one", [("A", "12:00"), ("M", "12:20")], route="1", block_id="b"),
        trip("two", [("M", "12:25"), ("B", "12:40")], route="2", block_id="b"),
    ])  # fmt: skip
    tt = access.study.timetables["school_weekday"].timetable
    assert len(set(tt.call_trip[: tt.run_ptr[1]].tolist())) == 2  # one run of both
    first, second = map_model(access, white_zones(access)).lines
    assert (first.name, second.name) == ("1", "2")
    np.testing.assert_allclose(first.path, [a, m])
    np.testing.assert_allclose(second.path, [m, b])
    assert first.trips[0].tolist() == [[720, 20]]
    assert second.trips[0].tolist() == [[745, 15]]


def test_lines_that_run_alike_all_year_are_not_told_as_uneven() -> None:
    frame = pd.DataFrame(
        {"line": ["1", "2"], "trips_year": [500.0, 40.0], "trips_calendar": [500.2, 40.0]}
    )
    assert _uneven(frame, Words("en")) == ""
    text = _uneven(frame.assign(trips_calendar=[500.2, 30.0]), Words("en"))
    assert text.startswith("1 line")
    assert "2 (40 → 30)" in text
