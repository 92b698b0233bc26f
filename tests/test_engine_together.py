"""Questions asked together are answered as each is alone, and as the oracle answers them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numba import njit
from oracle import Answer, Case, leave_home, reach_home
from strategies import as_question, cases, corridor, walk_table
from timetables import timetable_from_runs

from mobility.base.lanes import LANES, any_of, highest, least_of, load, lowest, spread, store, where
from mobility.engine.batches import FEWEST, MOST, even_parts, travel_together
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, travel
from mobility.timetable.arrays import INF

SEEDS = 60


@njit
def every_operation(rows, number):
    one, other = load(rows, 0), load(rows, np.uint32(1))
    store(rows, 2, one + other)
    store(rows, 3, one - number)
    store(rows, 4, one & 12)
    store(rows, 5, lowest(one, other))
    store(rows, 6, highest(one, other))
    store(rows, 7, where(one < other, spread(1), spread(0)))
    store(rows, 8, where(one <= number, spread(1), spread(0)))
    store(rows, 9, where((one > other) & (other == 3), spread(1), spread(0)))
    store(rows, 10, where((one == other) | (one < 2), spread(1), spread(0)))
    return any_of(one < other), any_of(one > number), least_of(other)


@pytest.mark.parametrize("seed", range(5))
def test_lanes_do_what_arrays_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(-5, 6, (11, LANES)).astype(np.int32)
    one, other = rows[0].copy(), rows[1].copy()
    plain = rows.copy()
    told = every_operation(rows, np.int64(3))
    assert every_operation.py_func(plain, 3) == told
    assert np.array_equal(plain, rows)
    expected = [
        one + other,
        one - 3,
        one & 12,
        np.minimum(one, other),
        np.maximum(one, other),
        one < other,
        one <= 3,
        (one > other) & (other == 3),
        (one == other) | (one < 2),
    ]
    assert np.array_equal(rows[2:], np.array(expected))
    assert told == ((one < other).any(), (one > 3).any(), other.min())


def with_other_gates(case: Case, random: Random, count: int) -> list[Case]:
    """Return the case with gates elsewhere, the first as it is."""
    found = [case]
    for _ in range(count - 1):
        stops = random.sample(range(case.n_stops), random.randint(0, case.n_stops))
        found.append(replace(case, gate={s: 10 * random.randint(0, 30) for s in stops}))
    return found


def asked_of(asked: list[Case], *, returning: bool) -> list[list[Answer | None]]:
    """Answers of the engine to cases that differ in their gates, as the oracle gives them."""
    question, edge = as_question(asked[0]), Edge(returning, asked[0].edge, asked[0].margin)
    questions = [(as_question(case).egress_s, edge) for case in asked]
    found = travel_together(TwoWay(question.timetable), questions, question.limits, question.access)
    sign = 1 if returning else -1
    return [
        [
            None if s == INF else Answer(asked[0].edge + sign * int(s), int(n), int(walk))
            for s, n, walk in zip(one.elapsed_s, one.rides, one.walk_s, strict=True)
        ]
        for one in found
    ]


@pytest.mark.parametrize("returning", [False, True])
def test_corridors_asked_together_equal_the_oracle(returning: bool) -> None:
    chains = 0
    for seed in range(SEEDS):
        random = Random(seed)
        case = corridor(random, returning=returning)
        asked = with_other_gates(case, random, random.randint(FEWEST, MOST))
        expected = [reach_home(c) if returning else leave_home(c) for c in asked]
        assert asked_of(asked, returning=returning) == expected, f"seed {seed}"
        chains += sum(a is not None and a.rides > 1 for answers in expected for a in answers)
    assert chains > SEEDS


@pytest.mark.parametrize("returning", [False, True])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(switches=True))
def test_questions_together_are_answered_as_alone(returning: bool, case: Case) -> None:
    """Every array and dtype, walks that do not count included, at edges of their own or not."""
    random = Random(case.edge + case.n_stops)
    asked = with_other_gates(case, random, FEWEST + 1)
    question = as_question(case)
    two_way, limits, access = TwoWay(question.timetable), question.limits, question.access
    edges = [Edge(returning, case.edge + more_s, case.margin) for more_s in (0, 600)]
    questions = [(as_question(c).egress_s, edge) for c in asked for edge in edges]
    mixed = random.sample(questions, MOST)
    of_one_edge = [[q for q in questions if q[1] == edge] for edge in edges]
    found = [
        (question, times)
        for part in (*of_one_edge, mixed)
        for question, times in zip(
            part, travel_together(two_way, part, limits, access), strict=True
        )
    ]
    for (egress_s, edge), mine in found:
        alone = travel(two_way, egress_s, edge, limits, access)
        for name in ("elapsed_s", "rides", "walk_s", "stop"):
            one, other = getattr(mine, name), getattr(alone, name)
            assert one.dtype == other.dtype
            assert np.array_equal(one, other), name


def test_even_parts_hold_each_place_once() -> None:
    parts = even_parts([*range(100)])
    assert sorted(place for part in parts for place in part) == [*range(100)]
    assert {len(part) for part in parts} == {14, 15}


def asked_by_hand(runs, gate, walks, *, due: int, total: int) -> tuple[int, int, int, int]:
    """Seconds, rides, walking and stop of one home by the gate at ``due``, 600 s of walking."""
    tt = timetable_from_runs(6, runs)
    egress_s = np.full(6, INF, np.int32)
    egress_s[list(gate)] = list(gate.values())
    limits = EngineLimits(max_total_s=total, max_walk_s=600)
    edge = Edge(returning=False, at_s=due, margin_s=0)
    access = walk_table((walks,))
    found = travel_together(TwoWay(tt), [(egress_s, edge)] * FEWEST, limits, access)
    told = {(int(f.elapsed_s[0]), int(f.rides[0]), int(f.walk_s[0]), int(f.stop[0])) for f in found}
    alone = travel(TwoWay(tt), egress_s, edge, limits, access)
    assert told == {
        (int(alone.elapsed_s[0]), int(alone.rides[0]), int(alone.walk_s[0]), int(alone.stop[0]))
    }
    return told.pop()


@pytest.mark.parametrize("far", [{}, {3: 550}])
def test_of_two_that_leave_alike_the_one_with_fewer_rides_is_told(far: dict[int, int]) -> None:
    """From stop 1 one ride is too far to walk and two will do; from stop 0 it takes three.

    So it does where two bring within walking that is too far.
    """
    runs = [
        [(0, 1000), (2, 1050)], [(2, 1100), (3, 1150)], [(3, 1200), (4, 1300)],
        [(1, 1000), (5, 1100)], [(5, 1200), (4, 1310)],
    ]  # fmt: skip
    found = asked_by_hand(runs, {5: 550, 4: 10} | far, {0: 100, 1: 100}, due=2000, total=1500)
    assert found == (1100, 2, 110, 1)


@pytest.mark.parametrize("rides", [2, 3])
def test_a_ride_more_is_looked_for_where_walking_is_near_its_limit(rides: int) -> None:
    """390 s from home and 300 s at the end are too much, whatever is left of the time."""
    runs = [[(0, 400), (1, 450)], [(1, 500), (2, 550)], [(2, 600), (3, 650)]][-rides:]
    first = 3 - rides
    runs[0] = [(first, 400), (first + 1, 450)]
    found = asked_by_hand(runs, {2: 300, 3: 10}, {first: 390}, due=1000, total=1000)
    assert found == (990, rides, 400, first)
