"""Each shuttle plan on the map is the territory evaluated again with its feed."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from light_plans import write_light

from mobility import pipeline
from mobility.commute import white_zones as white_zones_of
from mobility.commute.access import assess
from mobility.commute.additions import NewStops, with_feed, with_feeds
from mobility.commute.comparison import comparison
from mobility.commute.loading import load
from mobility.commute.walks import walks_between_stops, walks_to_stops
from mobility.commute.white_zones import white_zones
from mobility.outputs.map import page
from mobility.outputs.tables import registry
from mobility.remedies.recommendations import remedies_frame
from mobility.remedies.words import LEVER_COLUMNS
from mobility.shuttles import plans
from mobility.shuttles.after import each_of, gains, prove, read_tables
from mobility.shuttles.gtfs_out import DAYS, TABLES, stop_row
from mobility.shuttles.model import Place


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Results of a run with every plan, the evaluations it made and the map it drew."""
    made, drawn = [], []
    evaluate, write_map = pipeline.evaluate, page.write_map
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOBILITY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(
            pipeline, "evaluate", lambda *a, **k: made.append(evaluate(*a, **k)) or made[-1]
        )
        patch.setattr(
            page, "write_map", lambda m, *a, **k: drawn.append(m) or write_map(m, *a, **k)
        )
        results = pipeline.run(
            write_light(tmp_path_factory.mktemp("in")),
            tmp_path_factory.mktemp("plans"),
            shuttles=True,
            every_plan=True,
        )
    return results, made, drawn[0]


def test_each_plan_of_the_slider_shows_its_own_scenario(run):
    results, _, model = run
    shown = [model.scenarios[plan.scenario].name for plan in model.plans]
    assert shown == [plan.name for plan in results.plans.plans]
    assert len(set(shown)) >= 3


def test_a_scenario_gains_what_the_proof_of_its_plan_tells(run):
    results, made, _ = run
    proven = {
        plan.name: sum(roster.pool for roster in plan.rosters) for plan in results.plans.plans
    }
    present, *variants = [access for access, _ in made]
    assert len(variants) == len(proven)
    for access in variants:
        table = comparison(present, access)
        gained = table.loc[table["shift"] == "", "gained"].sum()
        assert gained == pytest.approx(proven[access.study.scenario], abs=1)


def test_hours_and_edges_that_no_run_of_a_plan_meets_are_as_if_asked_again(run):
    results, made, _ = run
    access, zones = made[-1]
    plan = next(p for p in results.plans.plans if p.name == access.study.scenario)
    study = with_feed(results.study, read_tables(results.plans.gtfs(plan)), scenario="again")
    again = white_zones(assess(study))
    assert results.study.views.held, "nothing was taken from the territory as it is"
    for one, other in ((access.overtime_s, again.access.overtime_s), (zones.reason, again.reason)):
        assert (one == other).all()


def test_plans_evaluated_before_are_not_evaluated_again(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    made, evaluate = [], pipeline.evaluate
    monkeypatch.setattr(
        pipeline, "evaluate", lambda *a, **k: made.append(evaluate(*a, **k)) or made[-1]
    )
    territory = write_light(tmp_path)
    results = [pipeline.run(territory, tmp_path / "once", shuttles=True, every_plan=True)]
    once = made.copy()
    known = [access.study.content for access, _ in once]
    assert all(known)
    assert len(set(known)) == len(known) > 2, "each plan has results of its own"
    made.clear()
    monkeypatch.setattr(white_zones_of, "_reasons", None)
    monkeypatch.setattr(plans, "prove", None)
    results.append(pipeline.run(territory, tmp_path / "twice", shuttles=True, every_plan=True))
    for (access, zones), (other, others) in zip(once, made, strict=True):
        assert (access.outbound_s == other.outbound_s).all()
        assert (zones.reason == others.reason).all()
    first, second = (result.plans.to_frame() for result in results)
    pd.testing.assert_frame_equal(first, second)


def test_the_same_plans_are_proven_anew_where_a_site_has_other_margins(run, tmp_path, monkeypatch):
    found = run[0].plans
    territory = found.study.territory
    sites = [site.model_copy(update={"margin_in_min": 25.0}) for site in territory.sites]
    study = load(territory.model_copy(update={"sites": sites}))
    assert study.content == found.study.content, "sites are no part of it"
    told = []
    for one in (found, replace(found, study=study, access=assess(study))):
        # The second time with what is kept of the first, the third with nothing.
        told.append(plans._proofs(one, found.plans))
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "none"))
    told.append(plans._proofs(one, found.plans))
    known, changed, anew = (np.array([[*vars(p).values()] for p in proofs]) for proofs in told)
    assert (changed == anew).all()
    assert (changed != known).any()


def test_walks_around_the_stops_of_all_plans_are_those_of_each_alone(run):
    results, _, _ = run
    study = results.study
    feeds = {p.name: read_tables(results.plans.gtfs(p)) for p in results.plans.plans[:2]}
    stops = NewStops(study, [feed.lonlat() for feed in feeds.values()])
    for k, one in enumerate(with_feeds(study, feeds)):
        place = one.territory, one.streets, one.feed
        pairs = [
            (one.home_walks, walks_to_stops(*place, one.homes.lonlat)),
            (one.gate_walks, walks_to_stops(*place, one.gates_lonlat)),
            (stops.walks_between(study, k, one.feed), walks_between_stops(*place)),
        ]
        for found, alone in pairs:
            assert len(alone.stop)
            for name in ("ptr", "stop", "walk_s"):
                assert np.array_equal(getattr(found, name), getattr(alone, name)), name


def test_feeds_read_together_are_those_that_are_published(run):
    """All that times follow from; names, vehicles and shapes are told in what is written alone."""
    results, _, _ = run
    plans = results.plans.plans
    assert len({len(p.runs) for p in plans}) > 1
    told = {"trips": ["direction_id", "route", "service"], "routes": ["route_type", "timezone"]}
    for plan, mine in zip(plans, results.plans.feeds(plans), strict=True):
        feed = read_tables(results.plans.gtfs(plan))
        assert feed.trips["shape_id"].notna().all()
        assert mine.trips["shape_id"].isna().all()  # no shape is told
        for name in ("stops", "stop_times", "trips", "routes"):
            one, other = getattr(mine, name), getattr(feed, name)
            columns = told.get(name, list(other))
            pd.testing.assert_frame_equal(one[columns], other[columns])
        first, last = feed.services.whole_span
        every = [f.services.between(first - 7, last + 7) for f in (mine, feed)]
        assert np.array_equal(*every)
        assert every[0].any()


def test_each_set_of_trips_keeps_its_stops_lines_and_days():
    tables = {name: [] for name in TABLES}
    tables["agency"] = [{"agency_id": "a", "agency_name": "a", "agency_url": "https://example.org/",
                         "agency_timezone": "Europe/Paris"}]  # fmt: skip
    tables["stops"] = [stop_row(k, Place(f"Stop {k}", 2.0 + k, 48.0, "stop")) for k in range(4)]
    # Set 1 comes first, on the second line, between the last stops, in the second week.
    for name, line, stops, first in (("1/x", "b", (3, 1), 8), ("0/y", "c", (0, 1), 1)):
        tables["routes"].append(
            {"route_id": line, "agency_id": "a", "route_short_name": line, "route_type": 3}
        )
        tables["calendar"].append(
            {"service_id": name, "start_date": f"202401{first:02d}",
             "end_date": f"202401{first + 6:02d}"} | dict.fromkeys(DAYS, 1)
        )  # fmt: skip
        tables["calendar_dates"].append(
            {"service_id": name, "date": f"202401{first + 3:02d}", "exception_type": 2}
        )
        tables["trips"].append({"route_id": line, "service_id": name, "trip_id": name})
        tables["stop_times"] += [
            {"trip_id": name, "arrival_time": f"0{7 + k}:00:00",
             "departure_time": f"0{7 + k}:00:00", "stop_id": f"N{stop}", "stop_sequence": k}
            for k, stop in enumerate(stops)
        ]  # fmt: skip
    feed = read_tables(tables)
    sets = np.array([int(name[0]) for name in feed.trips["trip_id"]])
    found = each_of(feed, sets, sets.max() + 1)
    told = []
    for one in found:
        service = int(one.trips["service"].iloc[0])
        dates = one.services.dates(one.services.ids[service])
        calls = one.stops["stop_name"].iloc[one.stop_times["stop"]].tolist()
        lines = one.routes["route_id"].iloc[one.trips["route"]].tolist()
        told.append((lines, calls, [d.day for d in dates], set(one.stop_times["trip"])))
    assert told == [
        (["c"], ["Stop 0", "Stop 1"], [1, 2, 3, 5, 6, 7], {0}),
        (["b"], ["Stop 3", "Stop 1"], [8, 9, 10, 12, 13, 14], {0}),
    ]


def test_who_gains_is_found_without_asking_all(run):
    results, _, _ = run
    plans = results.plans
    study = with_feed(results.study, read_tables(plans.gtfs(plans.knee)), scenario="again")
    shift_ids = [int(s) for s in plans.scene.shift_ids]
    (proof,) = prove(plans.access, [lambda _: study], shift_ids)
    found = gains(plans.access, lambda _: study, shift_ids)
    assert found.any()
    assert (found == proof.gained).all()


def test_tables_compare_the_present_with_the_advised_plan(run):
    results, made, _ = run
    assert made[1][0].study.scenario == results.plans.knee.name
    assert results.access is made[0][0]


def test_what_is_written_is_what_the_registry_says(run):
    files = {spec.file: spec for spec in registry().values() if spec.file}
    folder = run[0].folder
    written = [*folder.glob("*.csv"), *folder.glob("commutes.parquet")]
    written += (folder / "shuttles").glob("*.csv")
    assert len(written) > 10
    for path in written:
        name = re.sub(r"^(shuttles/)[PD]\d+-", r"\1<plan>-", path.relative_to(folder).as_posix())
        read = pd.read_csv if path.suffix == ".csv" else pd.read_parquet
        spec = files.get(name, registry()["factors"])
        assert list(read(path).columns) == [
            c.key for c in spec.columns if c.key not in spec.sheet_only
        ], name
    levers, remedies = ([c.key for c in registry()[key].columns] for key in ("levers", "remedies"))
    assert (levers, remedies) == (
        ["rank", *LEVER_COLUMNS], list(remedies_frame([], [], "en").columns)
    )  # fmt: skip
