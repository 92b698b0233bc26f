"""Each recommendation shown: the territory with it, who gains, and one journey."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from light_plans import write_cut
from small import TRIPS, write_territory
from typer.testing import CliRunner

from mobility.cli import app
from mobility.commute.access import SERVED, assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs.lever_shuttles import illustrate, shuttle_remedies, written_remedies
from mobility.outputs.levers import find_levers, recommendations_report
from mobility.outputs.map.from_plans import map_plans
from mobility.outputs.record import write_record
from mobility.outputs.render import markdown_text
from mobility.remedies.full_runs import what_if
from mobility.remedies.gains import gains_between
from mobility.remedies.recommendations import recommend
from mobility.remedies.remedy import TAKEN_UP
from mobility.remedies.shift_hours import shift_hours, with_hours
from mobility.shuttles.design import design_shuttles
from mobility.shuttles.outputs import write_plans


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return write_cut(tmp_path_factory.mktemp("demo"), "school_weekday", "sunday")


@pytest.fixture(scope="module")
def results(demo):
    return find_levers(assess(load(demo)), limit=3, illustrated=50)


def test_every_recommendation_is_shown(results):
    assert [one.remedy for one in results.illustrations] == list(results.remedies)
    text = markdown_text(recommendations_report(results, "fr"))
    assert text.count("\n### ") == sum(o.example is not None for o in results.illustrations)


def test_what_is_shown_gains_what_is_said(results):
    present = results.zones
    for one in results.illustrations:
        was, now = present.status == SERVED, one.zones.status == SERVED
        if one.remedy.rescued:
            assert now.sum() > was.sum()
            assert not (was & ~now).any()
        else:
            gains = gains_between(present.access, one.access)
            if one.remedy.lever is not None:
                assert gains.workers == one.remedy.workers
                assert gains.lost == one.remedy.lost
                assert gains.effects == one.remedy.effects


def test_examples_hold_after_and_not_before(results):
    shown = [one.example for one in results.illustrations if one.example is not None]
    assert len(shown) > 5
    for example in shown:
        assert not all(example.before)
        assert all(example.after) or example.street_s is not None
    # A booked ride was told as so many minutes by bicycle.
    by_street = {o.remedy.kind for o in results.illustrations if o.example and o.example.street_s}
    assert "on_demand" in {one.remedy.kind for one in results.illustrations}
    assert by_street <= set(TAKEN_UP)


def test_full_runs_are_those_of_a_study_by_itself(results):
    """What the present answers for a lever, or for moved hours, is what the change itself tells."""
    bench = results.found.bench
    tried = 0
    for one in results.illustrations:
        if one.remedy.levers:
            alone = what_if(by_itself(bench.study), one.remedy.levers)
        elif one.remedy.hours is not None:
            alone = with_hours(by_itself(bench.study), *one.remedy.hours)
        else:
            continue
        access = assess(alone)
        assert np.array_equal(access.outbound_s, one.access.outbound_s)
        assert np.array_equal(access.return_s, one.access.return_s)
        assert np.array_equal(white_zones(access).reason, one.zones.reason)
        tried += 1
    assert tried > 5


def by_itself(study):
    """Return a study that asks nobody."""
    return replace(study)


def test_moved_hours_are_those_of_the_curve(results):
    study = results.found.bench.study
    for curve in shift_hours(results.zones.access).rosters:
        offset, best = curve.best
        if not offset:
            continue
        after = assess(with_hours(study, curve.rosters, offset))
        ((site, roster),) = curve.rosters
        found = after.rosters
        row = np.flatnonzero(
            (found.keys["site"] == site)
            & (found.keys["roster"] == roster)
            & (found.keys["mode"] == "counted")
        )[0]
        assert study.pool(site, roster) @ found.holds[row] == best


@pytest.fixture(scope="module")
def shuttles(demo):
    access = assess(load(demo))
    return design_shuttles(access.study, access, white_zones(access), seed=0)


def test_shuttles_are_ranked_among_the_levers(results, shuttles):
    remedies = shuttle_remedies(shuttles)
    assert remedies[0].kind in ("shuttle", "feeder")
    assert remedies[0].eur_year == pytest.approx(shuttles.knee.costs.total)
    assert all(r.workers > 0 and r.lost == 0 for r in remedies)
    ranked = recommend(results.found, others=remedies)
    costs = [r.eur_per_job for r in ranked]
    assert costs == sorted(costs)
    assert all(remedy in ranked for remedy in remedies)
    (shown,) = illustrate(results.found.bench, results.zones, remedies[:1])
    assert (shown.zones.status == SERVED).sum() > (results.zones.status == SERVED).sum()


def test_shuttles_of_an_earlier_run_are_read(shuttles, tmp_path):
    write_plans(shuttles, tmp_path)
    (found,) = written_remedies(shuttles.access, tmp_path)
    again = shuttle_remedies(shuttles)[0]
    assert (found.workers, found.lost) == (again.workers, again.lost)
    assert found.eur_year == pytest.approx(again.eur_year, abs=0.01)
    assert not written_remedies(shuttles.access, tmp_path / "nowhere")
    table = pd.read_csv(tmp_path / "plans.csv").drop(columns="eur_year")
    table.to_csv(tmp_path / "plans.csv", index=False)
    with pytest.raises(Exception, match="eur_year"):
        written_remedies(shuttles.access, tmp_path)


def test_the_same_plan_costs_the_same_a_job_everywhere(shuttles, tmp_path):
    plan = shuttles.knee
    first = shuttle_remedies(shuttles)[0]
    assert first.jobs == pytest.approx(plan.jobs_gained)
    assert first.eur_per_job == pytest.approx(plan.eur_per_job)
    assert first.eur_per_user == pytest.approx(plan.eur_per_user)
    facts = dict(next(p for p in map_plans(shuttles) if p.name == plan.name).facts)
    assert facts["EUR a year per job gained"] == f"{plan.eur_per_job:.0f}"


@pytest.mark.parametrize("same", [True, False])
def test_shuttles_designed_with_other_inputs_are_told(shuttles, tmp_path, same):
    folder = tmp_path / "shuttles"
    write_plans(shuttles, folder)
    write_record(shuttles.study, ["shuttles/plans.csv"], tmp_path / "run.json")
    if not same:
        record = json.loads((tmp_path / "run.json").read_text())
        (tmp_path / "run.json").write_text(json.dumps(record | {"inputs": {}}))
    (found,) = written_remedies(shuttles.access, folder)
    assert ("with other inputs" in found.action) is not same


def test_gains_equal_the_score_of_a_set_of_levers(results):
    bench = results.found.bench
    levers = [o.lever for o in results.found.useful[:1]]
    score = bench.scores.score(bench.try_together(levers))
    gains = gains_between(results.zones.access, assess(what_if(bench.study, levers)))
    assert (gains.workers, gains.lost) == (score.workers_gained, score.workers_lost)


def test_the_map_can_be_left_small(tmp_path):
    trips = [t if t[0] != "early" else ("early", "A", "28:45", "B", "29:05", "eve") for t in TRIPS]
    territory = str(write_territory(tmp_path / "in", trips=trips))
    runner, out = CliRunner(), tmp_path / "out"
    done = runner.invoke(app, ["levers", territory, "-o", str(out), "--illustrated", "0"])
    assert done.exit_code == 0, done.output
    assert not (out / "map.html").exists()
    assert (out / "remedies.csv").stat().st_size > 100
