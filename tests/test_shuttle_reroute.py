"""Runs routed anew with their vehicles in view: a zigzag by hand, random plans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shuttle_scenes import KINDS, anchor_for, config, make_scene, shift_edges

from mobility.shuttles.config import Factors
from mobility.shuttles.demand import calendar_days
from mobility.shuttles.model import Line
from mobility.shuttles.plan import evaluate_plan
from mobility.shuttles.reroute import rerouted

FACTORS = Factors.load()
DAYS = calendar_days(FACTORS, KINDS)


def village(xs, workers, lines):
    """Homes at stops along a street from the gate, two shifts, and a plan of some lines."""
    edges, rows = shift_edges([(5, 13), (13, 21)])
    stops = [(x, 0) for x in xs]
    scene = make_scene([(0, 0), *stops], [(x, 50) for x in xs], edges, rows, workers)
    anchor, served = anchor_for(edges, 0), tuple(range(len(edges)))
    made = [Line(f"L{k}", way, way[::-1], anchor, 0, served) for k, way in enumerate(lines)]
    return scene, evaluate_plan(scene, made, config(), FACTORS, DAYS)


def test_a_zigzag_is_straightened() -> None:
    """By 8, 4 and 6 km out, a run and its empty way back take 20 km; the least is 16."""
    scene, plan = village([8000, 4000, 6000], [10.0] * 3, [(1, 2, 3)])
    found = rerouted(scene, plan, config(), FACTORS, DAYS)
    assert (found.service.reached >= plan.service.reached).all()
    assert {r.calls for r in plan.runs} == {(1, 2, 3, 0), (0, 3, 2, 1)}
    was, now = (p.costs.run_km + p.costs.empty_km for p in (plan, found))
    assert now == pytest.approx(0.8 * was)
    assert found.costs.total < plan.costs.total
    assert found.operations.vehicles <= plan.operations.vehicles


def test_two_half_empty_lines_become_one() -> None:
    scene, plan = village([8000, 6000, 4000], [5.0] * 3, [(1,), (2,), (3,)])
    found = rerouted(scene, plan, config(), FACTORS, DAYS)
    assert plan.operations.vehicles == 3
    assert found.operations.vehicles == 1
    assert (found.service.reached == plan.service.reached).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_no_rider_is_lost_and_no_plan_becomes_dearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xs = [int(x) for x in rng.integers(-9000, 9000, 5)]
    order = [int(k) + 1 for k in rng.permutation(5)]
    cut = int(rng.integers(1, 5))
    workers = rng.uniform(3, 12, 5)
    scene, plan = village(xs, workers, [tuple(order[:cut]), tuple(order[cut:])])
    found = rerouted(scene, plan, config(), FACTORS, DAYS)
    assert (found.service.reached >= plan.service.reached).all()
    assert found.costs.total <= plan.costs.total
    assert found.over_seats <= plan.over_seats
