"""Shuttle plans on the page: costs, calls, loads and vehicles are those of the design."""

from __future__ import annotations

import numpy as np
import pytest
from light_plans import write_cut

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs.map.from_plans import map_plans
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.design import design_shuttles
from mobility.shuttles.plans import Plans

SMALL = {"iterations": 10, "plans": 3, "max_hubs": 1, "max_stops": 10}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Plans:
    study = load(write_cut(tmp_path_factory.mktemp("demo"), "school_weekday"))
    access = assess(study)
    config = ShuttleConfig.from_dict(SMALL)
    return design_shuttles(study, access, white_zones(access), config=config, seed=3)


def test_each_plan_keeps_its_cost_vehicles_and_lines(plans: Plans) -> None:
    shown = map_plans(plans, scenarios={plans.plans[0].name: 1})
    assert [p.name for p in shown] == [p.name for p in plans.plans]
    assert [p.cost_eur for p in shown] == [p.costs.total for p in plans.plans]
    assert [len(p.lines) for p in shown] == [len(p.lines) for p in plans.plans]
    assert [p.scenario for p in shown] == [1] + [None] * (len(shown) - 1)
    assert [p.name for p in shown if p.told] == [plans.knee.name]
    for plan, own in zip(shown, plans.plans, strict=True):
        assert plan.vehicles == own.operations.vehicles
        assert max(run.vehicle for run in plan.runs) < plan.vehicles


def test_a_vehicle_is_in_one_place_at_a_time(plans: Plans) -> None:
    for plan in map_plans(plans):
        for kind in {run.days for run in plan.runs}:
            for vehicle in {run.vehicle for run in plan.runs}:
                runs = sorted(
                    (run.times_s for run in plan.runs
                     if run.vehicle == vehicle and run.days == kind),
                )  # fmt: skip
                ends = [times[-1] for times in runs]
                assert all(e <= times[0] for e, times in zip(ends, runs[1:], strict=False))


def test_runs_call_at_their_stops_in_time_and_carry_their_riders(plans: Plans) -> None:
    plan = map_plans(plans)[-1]
    for run in plan.runs:
        assert all(a <= b for a, b in zip(run.times_s, run.times_s[1:], strict=False))
        if run.direction == "empty":
            assert len(run.times_s) == 2
            assert not run.stops
            continue
        stops = plan.lines[run.line].stops
        path = plan.lines[run.line].path if run.path is None else run.path
        for index in run.stops:
            far = np.hypot(path[:, 0] - stops[index].lon, path[:, 1] - stops[index].lat)
            assert far.min() < 0.003
        change = np.diff(run.riders)
        assert (change >= -1e-9).all() if run.direction == "in" else (change <= 1e-9).all()


def test_a_stop_tells_those_getting_on_and_off_and_a_gate_nobody(plans: Plans) -> None:
    told = 0
    for plan, own in zip(map_plans(plans), plans.plans, strict=True):
        for line, drawn in zip(own.lines, plan.lines, strict=True):
            runs = [run for run in own.runs if own.lines[run.line] is line]
            gates = [plans.scene.places[p].name for p in line.anchor.places]
            for stop in drawn.stops:
                calls = [
                    (kind, n)
                    for run in runs
                    for place, n in zip(run.calls, run.riders, strict=True)
                    for kind in run.day_kinds
                    if plans.scene.places[place].name == stop.name
                ]
                if stop.name in gates:
                    assert stop.riders is None
                else:
                    days = {k: sum(n for kind, n in calls if kind == k) for k, _ in calls}
                    assert stop.riders == pytest.approx(max(days.values()))
                    told += stop.riders > 0
    assert told > 0
