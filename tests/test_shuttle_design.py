"""From the demo's white zones to proven plans, their GTFS, drawn lines and lighter answers."""

import dataclasses
import itertools
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import partridge as ptg
import pytest
from light_plans import write_cut
from shapely import Point
from timetables import same

from mobility.base.clock import service_clock
from mobility.base.errors import SourceError, SourceNotFoundError, TerritoryError
from mobility.commute.access import assess
from mobility.commute.additions import with_feed
from mobility.commute.comparison import comparison
from mobility.commute.ledger import roster_jobs
from mobility.commute.loading import load
from mobility.commute.walks import feeders_of
from mobility.commute.white_zones import white_zones
from mobility.shuttles.after import read_tables
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.design import design_shuttles
from mobility.shuttles.drive import Ways, drive_graph, drive_matrix, drive_seconds
from mobility.shuttles.duties import DutyRules, allowed
from mobility.shuttles.edit import Asked, cost_lines, read_lines
from mobility.shuttles.gtfs_out import write_gtfs
from mobility.shuttles.lighter import REMEDIES, Insert, insert_calls, lighter_answers
from mobility.shuttles.model import UNREACHED
from mobility.shuttles.outputs import blocks_table, duties_table, outdated, write_plans
from mobility.shuttles.places import areas_of
from mobility.shuttles.plans import harmonise
from mobility.shuttles.schedule import run_cover
from mobility.sources.gtfs.quality import check_feed
from mobility.sources.gtfs.read import read_feed
from mobility.territory.project import Territory

DEMO = Path(__file__).parents[1] / "data" / "demo.toml"
SMALL = {"iterations": 30, "plans": 4, "max_hubs": 1, "max_stops": 14}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    study = load(write_cut(tmp_path_factory.mktemp("demo"), "school_weekday", "sunday"))
    access = assess(study)
    return study, access, white_zones(access)


@pytest.fixture(scope="module")
def plans(demo):
    return design_shuttles(*demo, config=ShuttleConfig.from_dict(SMALL), seed=3)


def test_frontier_is_proven_and_unbeaten(plans):
    assert len(plans.plans) >= 3
    costs = [p.costs.total for p in plans.plans]
    proven = [p.rosters_gained for p in plans.plans]
    assert costs == sorted(costs)
    assert all(b > a for a, b in itertools.pairwise(proven))
    assert min(p.operations.vehicles for p in plans.plans) == 1
    assert plans.plans[-1].places_proven <= plans.white_workers + 1e-6
    assert plans.plans[-1].rosters_gained <= plans.scene.staff.sum() + 1e-6
    assert plans.knee in plans.plans


def test_nobody_loses_access_and_the_estimate_is_close(plans):
    for p in plans.plans:
        assert p.lost_proven == 0
        # The engine also knows walks beyond the shuttle's and changes with other lines.
        assert p.places_proven >= 0.9 * p.places_reached
        assert p.rosters_gained >= 0.9 * p.rosters_estimate


def test_riders_keep_the_limits_of_the_territory(plans):
    scene = plans.scene
    for p in plans.plans:
        for run in p.runs:
            vehicle = plans.config.vehicles[run.vehicle]
            assert sum(run.riders) <= vehicle.passengers + 1e-6
            for e in run.edges:
                total, call = run_cover(scene, p.lines[run.line], run, e)
                assert (total[call >= 0] <= scene.limits.max_total_s).all()
        rules = DutyRules.from_factors(plans.factors)
        assert all(allowed(d.pieces, rules) for day in p.operations.duties for d in day)


@pytest.mark.slow
def test_same_seed_same_plans(demo, plans):
    again = design_shuttles(*demo, config=ShuttleConfig.from_dict(SMALL), seed=3)
    assert again.to_frame().equals(plans.to_frame())
    assert [p.lines[0].stops_in for p in again.plans] == [p.lines[0].stops_in for p in plans.plans]


def test_stopping_early_keeps_what_was_found(demo):
    calls = iter(range(10**9))
    found = design_shuttles(
        *demo, config=ShuttleConfig.from_dict(SMALL), should_stop=lambda: next(calls) > 150
    )
    assert len(found.plans) <= 3


def test_feed_passes_partridge_and_the_quality_gate(plans, tmp_path):
    plan = plans.knee
    path = write_gtfs(plans.gtfs(plan), tmp_path / "a.zip")
    feed = ptg.load_feed(str(path))
    assert len(feed.trips) == len(plan.runs)
    assert len(feed.routes) == len(plan.lines)
    assert len(feed.stop_times) == sum(len(r.calls) for r in plan.runs)
    assert set(feed.routes["route_type"].astype(int)) == {3}
    read = read_feed(path, cache=False)
    dates = [d.date for d in plans.study.days]
    findings = [*read.findings, *check_feed(read, dates=dates)]
    assert [f.code for f in findings if f.severity == "error"] == []
    assert write_gtfs(plans.gtfs(plan), tmp_path / "b.zip").read_bytes() == path.read_bytes()


def test_times_of_the_feed_are_those_of_the_runs(plans, tmp_path):
    plan = plans.knee
    path = write_gtfs(plans.gtfs(plan), tmp_path / "a.zip")
    with zipfile.ZipFile(path) as archive:
        rows = archive.read("stop_times.txt").decode().splitlines()[1:]
    times = sorted(row.split(",")[1] for row in rows)
    at = [t for run in plan.runs for t in run.arrive_s]
    assert times == sorted(service_clock(t, seconds=True) for t in at)
    assert service_clock(86_400 + 5 * 3600 + 60, seconds=True) == "29:01:00"


def test_published_feed_gives_the_same_proof(demo, plans, tmp_path):
    study, access, zones = demo
    plan = plans.knee
    after = with_feed(
        study, read_feed(write_gtfs(plans.gtfs(plan), tmp_path / "a.zip")), scenario="x"
    )
    held = assess(after)
    before, now = access.holds, held.holds
    assert not (before & ~now).any()
    gained = 0.0
    for row, shift in enumerate(plans.scene.shift_ids):
        keys = zones.keys[zones.keys["shift_id"] == shift]
        white = np.zeros(study.n_homes, bool)
        ok = np.ones(study.n_homes, bool)
        for kind in keys["day_kind"]:
            was, is_now = access.counted(int(shift), kind)[2], held.counted(int(shift), kind)[2]
            white |= ~was
            ok &= is_now
        gained += plans.scene.workers[row][(white & ok)[plans.homes]].sum()
    assert gained == pytest.approx(plan.places_proven)
    rosters = comparison(access, held).query("shift == ''")
    assert rosters["lost"].sum() == 0
    told = {plans.roster_names[g.roster]: g for g in plan.rosters}
    for (site, roster), gain in told.items():
        name = study.sites[site].name
        row = rosters[(rosters["site"] == name) & (rosters["roster"] == roster)]
        assert gain.pool == pytest.approx(row["gained"].item())
        # Staff live where the pool does: the same share of both.
        jobs = roster_jobs(study, site, roster).sum()
        assert gain.gained / jobs == pytest.approx(gain.pool / row["pool"].item(), rel=1e-6)
    assert sum(g.pool > 0 for g in plan.rosters) >= 2


def test_cycling_and_park_and_ride_reach_the_stops_of_a_plan(demo, plans):
    """As if the territory had been read with the plan's feed in it."""
    study = demo[0]
    modes = study.territory.modes.model_copy(
        update={"evaluated": ["transit", "walk", "bike_transit", "park_and_ride"]}
    )
    territory = study.territory.model_copy(update={"modes": modes})
    homes = study.homes.lonlat
    known = feeders_of(territory, study.streets, study.feed, study.sites, homes)
    fed = dataclasses.replace(study, territory=territory, feeders=known)
    extra = read_tables(plans.gtfs(plans.knee))
    after = with_feed(fed, extra, scenario="x")
    n_old, n_all = len(study.feed.stops), len(after.feed.stops)
    assert n_all > n_old
    assert set(after.feeders) == {"bike_transit", "park_and_ride"}
    for mode, feeder in after.feeders.items():
        assert feeder.walks[0].stop.max() < n_all
        assert len(feeder.place) >= len(known[mode].place)
    assert after.feeders["bike_transit"].walks[0].stop.max() == n_all - 1
    # More commutes hold by bicycle and bus with the plan than without.
    before, now = assess(fed), assess(after)
    rows = (before.keys["mode"] == "bike_transit").to_numpy()
    assert not (before.holds[rows] & ~now.holds[rows]).any()
    assert (now.holds[rows] & ~before.holds[rows]).any()


def test_drive_matrix_agrees_with_single_searches_and_ways(plans):
    graph, n = plans.graph, len(plans.scene.places)
    drive = drive_matrix(graph, np.arange(n))
    assert (np.diag(drive.seconds) == 0).all()
    for place in (0, n // 2):
        out = drive_seconds(graph, place, to_place=False)
        back = drive_seconds(graph, place, to_place=True)
        assert out.tolist() == drive.seconds[place].tolist()
        assert back.tolist() == drive.seconds[:, place].tolist()
    ways = Ways(graph)
    for a, b in [(0, 1), (1, n - 1), (2, 3)]:
        if drive.seconds[a, b] < UNREACHED:
            way = ways.between(a, b)
            length = np.hypot(*np.diff(way, axis=0).T).sum()
            assert length == pytest.approx(drive.metres[a, b], abs=5 + 0.005 * length)


def test_triangle_inequality_of_drives(plans):
    s = plans.scene.drive.seconds.astype(np.int64)
    n = min(len(s), 25)
    for k in range(n):
        assert (s[:n, :n] <= s[:n, [k]] + s[[k], :n] + 2).all()


def test_places_far_from_streets_are_not_driven_to(demo):
    study = demo[0]
    x, y = study.streets.bounds_lonlat[0] - 0.5, study.streets.bounds_lonlat[1] - 0.5
    gate = study.sites[0].gates[0]
    graph = drive_graph(study.streets, study.territory.speeds, np.array([gate, (x, y)]), factor=1.0)
    drive = drive_matrix(graph, np.arange(2))
    assert drive.seconds.tolist() == [[0, UNREACHED], [UNREACHED, 0]]


def test_moving_hours_by_nothing_saves_nothing(plans):
    config = plans.config.model_copy(update={"harmonise_min": (0, 15)})
    moves = harmonise(plans.scene, plans.knee, config, plans.factors, plans.days)
    still = [m for m in moves if m.minutes == 0]
    assert still
    assert all(m.eur_saved == pytest.approx(0) and m.vehicles_saved == 0 for m in still)


def test_intervals_hold_the_point(plans):
    for s, p in zip(plans.intervals, plans.plans, strict=True):
        assert s.rosters[0] <= p.rosters_gained <= s.rosters[1]
        assert s.gained[0] < p.employees_gained < s.gained[1]
        assert s.eur_per_user[0] < p.eur_per_user < s.eur_per_user[1]
        assert s.co2_saved_kg[0] < p.co2_saved_kg(plans.factors) < s.co2_saved_kg[1]


def test_lighter_answers_compare_remedies(demo, plans):
    frame = lighter_answers(plans, demo[2])
    assert len(frame) > 0
    assert frame["white_workers"].is_monotonic_decreasing
    for remedy in REMEDIES:
        assert (frame[f"{remedy}_workers"] <= frame["white_workers"] + 1e-6).all()
    assert set(frame["best"]) <= {"", *REMEDIES}
    # Booked rides are simulated for each area: by a size of vehicle, some of them, or by taxi.
    booked = frame[frame["on_demand_workers"] > 0]
    assert len(booked) > 0.9 * len(frame)
    assert booked["on_demand_eur_worker"].gt(0).all()
    assert set(booked["on_demand_by"]) <= {"taxi", *(v.name for v in plans.config.vehicles)}
    assert ((booked["on_demand_by"] == "taxi") == (booked["on_demand_vehicles"] == 0)).all()
    served = frame[frame["shuttle_workers"] > 0]
    assert served["shuttle_eur_worker"].notna().all()
    # Where no shuttle runs, none is justified.
    assert not frame.loc[frame["shuttle_workers"] == 0, "shuttle_justified"].any()


def test_a_call_put_into_a_run_leaves_the_others_alone(plans):
    tt = plans.study.timetables["school_weekday"].timetable
    assert same(insert_calls(tt, [], tt.n_stops), tt)
    run = int(np.argmax(np.diff(tt.run_ptr) > 2))
    first = int(tt.run_ptr[run])
    end = int(tt.run_ptr[run + 1])
    changed = insert_calls(
        tt,
        [Insert(run, end - first - 1, tt.n_stops, int(tt.call_arr[end - 1]) + 300)],
        tt.n_stops + 1,
    )
    assert changed.n_calls == tt.n_calls + 1
    at = int(np.flatnonzero(changed.call_stop == tt.n_stops)[0])
    assert changed.call_alight[at]
    assert not changed.call_board[at]
    assert changed.call_board[at - 1]


def test_drawn_lines_are_costed_like_designed_ones(demo, plans, tmp_path):
    line = plans.knee.lines[0]
    places = plans.scene.places
    site = plans.study.sites[0].name
    stops = ", ".join(
        f'{{ name = "{places[s].name}", lon = {places[s].lon}, lat = {places[s].lat} }}'
        for s in line.stops_in
    )
    text = f'[[lines]]\nname = "D1"\nsite = "{site}"\nvehicle = "midibus"\nstops = [{stops}]\n'
    path = tmp_path / "lines.toml"
    path.write_text(text, encoding="utf-8")
    drawn = cost_lines(plans, read_lines(path))
    assert drawn.knee.lines[0].name == "D1"
    assert drawn.knee.operations.fleet[1] >= 1
    assert drawn.knee.places_proven > 0
    # What needs no proof is told at once, and holds: its vehicles are enough for the riders found.
    asked = dataclasses.replace(Asked.of(*demo[1:]), config=plans.config)
    quick = asked.plan(read_lines(path)).knee
    assert quick.runs
    assert quick.operations.fleet == drawn.knee.operations.fleet
    assert quick.costs.total == pytest.approx(drawn.knee.costs.total, rel=0.02)
    drawn_at = [[places[s].lon, places[s].lat] for s in line.stops_in]
    geo = {
        "type": "FeatureCollection",
        "features": [{
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": drawn_at},
            "properties": {"name": "D1", "site": site, "vehicle": "midibus"},
        }],
    }  # fmt: skip
    other = tmp_path / "lines.geojson"
    other.write_text(json.dumps(geo), encoding="utf-8")
    same = cost_lines(plans, read_lines(other))
    assert same.knee.costs == dataclasses.replace(drawn.knee.costs)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('[[lines]]\nname = "A"\nstops = ["Nulle part"]\nsite = "x"\n', "stops"),
        ('[[lines]]\nname = "A"\nsite = "x"\n', "stops"),
        ('[[lines]]\nstops = [{ lon = 1, lat = 2 }]\nsite = "x"\n', "name"),
        ("lines = 3", None),
        ("", None),
    ],
)
def test_wrong_drawings_name_their_field(tmp_path, text, column):
    path = tmp_path / "lines.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_lines(path)
    assert caught.value.column == column
    assert caught.value.mend
    with pytest.raises(SourceNotFoundError):
        read_lines(tmp_path / "absent.toml")


def test_unknown_site_of_a_drawn_line(plans, tmp_path):
    path = tmp_path / "lines.toml"
    path.write_text('[[lines]]\nname = "A"\nsite = "Ailleurs"\nstops = [{ lon = 1, lat = 2 }]\n')
    with pytest.raises(SourceError) as caught:
        cost_lines(plans, read_lines(path))
    assert caught.value.value == "Ailleurs"


def test_tables_and_layers_are_written(plans, tmp_path):
    names = write_plans(plans, tmp_path / "shuttles")
    first = plans.plans[0].name
    assert {"plans.csv", "sensitivity.csv", "harmonise.csv", "factors.csv"} <= set(names)
    assert {f"{first}.zip", f"{first}.geojson", f"{first}-blocks.csv"} <= set(names)
    layer = json.loads((tmp_path / "shuttles" / f"{first}.geojson").read_text(encoding="utf-8"))
    kinds = [f["geometry"]["type"] for f in layer["features"]]
    assert "LineString" in kinds
    assert "Point" in kinds
    again = write_plans(plans, tmp_path / "again")
    assert names == again
    for name in names:
        assert (tmp_path / "shuttles" / name).read_bytes() == (
            tmp_path / "again" / name
        ).read_bytes()


def test_energies_of_a_design_drive_what_its_plans_drive(plans, tmp_path):
    every = ("hvo", "biogas", "electric", "hydrogen")
    config = plans.config.model_copy(update={"energies": every})
    asked = dataclasses.replace(plans, config=config)
    names = write_plans(asked, tmp_path)
    assert {"energies.csv", "energy_blocks.csv", "energy_factors.csv"} <= set(names)
    told = pd.read_csv(tmp_path / "energies.csv")
    assert len(told) == 5 * len(plans.plans)
    euros = {plan.name: plan.costs.total for plan in plans.plans}
    diesel = told[told["energy"] == "gazole"].set_index("plan")
    assert diesel["eur_year"].to_dict() == pytest.approx(euros, abs=0.01)
    for name, mine in told.groupby("plan"):
        rest = mine[mine["energy"] != "gazole"]
        assert (rest["vehicles"] + rest["diesel_vehicles"] >= diesel["vehicles"][name]).all()
        assert (rest["eur_low"] <= rest["eur_high"]).all()
    assert outdated(tmp_path, plans) == ["energies.csv", "energy_blocks.csv", "energy_factors.csv"]


def test_factors_are_rows_and_can_be_overridden():
    rows = Factors.load(
        {"driver_hour": 31.5, "vehicle_km": {"minibus": {"value": 0.3, "source": "bid"}}}
    )
    assert rows["driver_hour"] == 31.5
    assert rows.rows["vehicle_km.minibus"].source == "bid"
    assert rows["vehicle_km.autocar"] == 0.55
    frame = Factors.load().to_frame()
    assert (frame[["unit", "source"]] != "").all().all()
    assert frame["year"].between(2000, 2030).all()
    with pytest.raises(TerritoryError):
        Factors.load({"driver_hour": "cheap"})


def test_settings_refuse_nonsense():
    with pytest.raises(TerritoryError) as caught:
        ShuttleConfig.from_dict({"capture_rat": 0.3})
    assert caught.value.column == "shuttles.capture_rat"
    with pytest.raises(TerritoryError):
        ShuttleConfig.from_dict({"capture_low": 0.9})
    territory = Territory.from_toml(DEMO)
    assert ShuttleConfig.from_territory(territory).capture_rate == 0.3


@pytest.mark.parametrize("depot", [(47.121, -0.633), (-0.70, 47.4)])
def test_a_depot_off_the_streets_is_refused(demo, depot):
    territory = demo[0].territory
    wrong = territory.model_copy(update={"shuttles": territory.shuttles | {"depot": list(depot)}})
    study = dataclasses.replace(demo[0], territory=wrong)
    with pytest.raises(TerritoryError, match="depot") as caught:
        design_shuttles(study, *demo[1:])
    assert caught.value.column == "shuttles.depot"
    assert str(list(depot)) in str(caught.value)


def test_days_alike_stand_once_and_count_for_all(plans):
    """Saturdays of school weeks and of holidays are one row; times days give the year."""
    for plan in plans.plans:
        duties, blocks = duties_table(plans, plan), blocks_table(plans, plan)
        for frame in (duties, blocks):
            assert not frame.drop(columns="days_year").duplicated().any()
        paid_h = (duties["paid_h"] * duties["days_year"]).sum()
        assert paid_h == pytest.approx(plan.costs.driver_hours)
        km = blocks["km"] * blocks["days_year"]
        assert km[blocks["what"] == "run"].sum() == pytest.approx(plan.costs.run_km)
        assert km[blocks["what"] == "empty"].sum() == pytest.approx(plan.costs.empty_km)


def test_files_of_an_earlier_design_are_outdated(plans, tmp_path):
    write_plans(plans, tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    fewer = dataclasses.replace(plans, plans=plans.plans[:1], knee_index=0)
    gone = set(outdated(tmp_path, fewer))
    others = {p.name for p in plans.plans[1:]}
    assert gone == {n for n in names if n.replace(".", "-").split("-")[0] in others}
    assert len(gone) == 6 * len(others)
    assert outdated(tmp_path, plans) == []
    assert outdated(tmp_path / "none", plans) == []


@pytest.mark.slow
def test_drawn_lines_of_the_settings_stand_beside_the_plans(demo, plans, tmp_path):
    asked = plans.config.model_copy(update={"lines": tmp_path / "lines.toml"})
    line = plans.knee.lines[0]
    place = plans.scene.places[line.stops_in[0]]
    (tmp_path / "lines.toml").write_text(
        '[[lines]]\nname = "Ligne du maire"\nsite = "Fonderie des Quatre-Vents"\n'
        f'stops = ["{_a_stop(demo[0], place)}"]\n',
        encoding="utf-8",
    )
    found = design_shuttles(*demo, config=asked, seed=3)
    assert found.findings == plans.findings
    frame = found.to_frame()
    assert frame["plan"].tolist() == [*plans.to_frame()["plan"], "D01"]
    assert frame["knee"].sum() == 1
    assert not frame["knee"].iloc[-1]
    assert frame["eur_year"].iloc[-1] > 0
    assert frame["shift_places_proven"].iloc[-1] > 0
    names = write_plans(found, tmp_path / "out")
    assert {"D01.zip", "D01.geojson", "D01-timetable.csv"} <= set(names)
    assert "Ligne du maire" in (tmp_path / "out" / "D01-timetable.csv").read_text(encoding="utf-8")
    told = pd.read_csv(tmp_path / "out" / "rosters.csv")
    assert set(told["plan"]) == set(frame["plan"])
    # Jobs are those of the territory file, whoever already comes.
    heads = {
        (site.name, roster.name): sum(s.headcount for s in roster.shifts)
        for site in plans.study.sites
        for roster in site.rosters
    }
    for row in told.itertuples():
        assert row.staff == pytest.approx(heads[row.site, row.roster])
    brief = asked.model_copy(update={"iterations": 2, "plans": 1, "max_stops": 4, "max_hubs": 0})
    empty = (
        '[[lines]]\nname = "A"\nsite = "Fonderie des Quatre-Vents"\n'
        "stops = [{ lon = 1, lat = 2 }]\n"
    )
    both = (tmp_path / "lines.toml").read_text(encoding="utf-8") + empty
    (tmp_path / "lines.toml").write_text(both, encoding="utf-8")
    one = design_shuttles(*demo, config=brief, seed=3)
    assert one.drawn is not None
    (told,) = one.findings
    assert (told.code, told.count, told.examples) == ("drawn_line_unused", 1, ("A",))
    assert "1 ligne dessinée n’a aucune course" in told.render("fr")
    # A fleet that the lines do not find is told.
    none_had = [v.model_copy(update={"available": 0}) for v in brief.vehicles]
    fleet = brief.model_copy(update={"vehicles": tuple(none_had)})
    short = design_shuttles(*demo, config=fleet, seed=3)
    few = [f for f in short.findings if f.code == "shuttle_fleet"]
    assert [(f.params["plan"], f.params["available"]) for f in few] == [("D01", 0)]
    assert "Le plan D01 manque de véhicules" in few[0].render("fr")
    (tmp_path / "lines.toml").write_text(empty, encoding="utf-8")
    none = design_shuttles(*demo, config=brief, seed=3)
    assert none.drawn is None
    assert [f.code for f in none.findings] == ["drawn_lines_unused"]


def test_where_no_line_has_riders_it_is_said(demo):
    nobody = ShuttleConfig.from_dict(SMALL | {"min_workers": 1_000})
    assert [f.code for f in design_shuttles(*demo, config=nobody).findings] == ["no_shuttle"]


def _a_stop(study, place):
    """The stop of the timetables nearest to a place."""
    stops = study.feed.stops
    away = np.hypot(stops["lon"] - place.lon, stops["lat"] - place.lat)
    return str(stops["stop_name"].iloc[int(np.argmin(away))])


def test_an_area_is_named_by_its_commune_else_by_the_nearest_stop():
    lonlat = [(5.0, 45.0), (5.001, 45.0), (5.2, 45.0), (5.3, 45.0)]
    frame = gpd.GeoDataFrame(
        {"commune": ["", None, "", "38001"]}, geometry=[Point(p) for p in lonlat]
    )
    stops = pd.DataFrame(
        {"stop_name": ["Mairie", "Gare", "Perdu"], "lon": [5.01, 5.19, np.nan], "lat": 45.0}
    )
    study = SimpleNamespace(
        homes=SimpleNamespace(frame=frame, lonlat=np.array(lonlat)),
        feed=SimpleNamespace(stops=stops),
        territory=SimpleNamespace(name="T"),
    )
    metres = np.array(lonlat) * 80_000
    assert areas_of(study, np.arange(4), metres) == ["Mairie", "Mairie", "Gare", "38001"]
    study.feed.stops = stops.iloc[:0]
    assert areas_of(study, np.arange(3), metres[:3]) == ["T"] * 3


def test_plans_that_all_fail_their_proof_are_told_as_no_line(demo, monkeypatch):
    monkeypatch.setattr("mobility.shuttles.plans.pareto", lambda _plans: [])
    found = design_shuttles(*demo, config=ShuttleConfig.from_dict(SMALL), seed=3)
    assert (found.plans, found.knee_index) == ((), -1)
    assert [one.code for one in found.findings] == ["no_shuttle"]
