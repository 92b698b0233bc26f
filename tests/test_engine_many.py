"""Many gates and deadlines in one pass: the times of `travel`, one gate and edge at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Case, leave_home, reach_home
from strategies import as_question, cases, corridor, seeded

from mobility.engine.journeys import Edge, EngineLimits, TwoWay, travel
from mobility.engine.many import travel_many
from mobility.timetable.arrays import INF, timetable_from_runs
from mobility.timetable.footpaths import WalkTable

MINUTE = 60
either = st.one_of(
    st.tuples(st.one_of(cases(), seeded(corridor)), st.just(False)),
    st.tuples(st.one_of(cases(returning=True), seeded(corridor, returning=True)), st.just(True)),
)
bounded = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def unbound(case: Case) -> Case:
    """Limit nothing but total time and rides."""
    rules = replace(case.rules, max_walk=case.rules.max_total, max_wait=case.rules.max_total)
    return replace(case, rules=rules)


@bounded
@given(either)
def test_one_gate_equals_the_oracle(drawn: tuple[Case, bool]) -> None:
    case, returning = unbound(drawn[0]), drawn[1]
    question = as_question(case)
    edge = Edge(returning, case.edge, case.margin)
    two_way = TwoWay(question.timetable)
    gates = question.egress_s[None, :]
    found = travel_many(two_way, gates, [edge], question.limits, question.access)[:, 0, 0]
    answers = reach_home(case) if returning else leave_home(case)
    expected = [INF if a is None else abs(case.edge - a.time) for a in answers]
    assert found.tolist() == expected


@bounded
@given(either, st.integers(1, 3), st.lists(st.integers(-30, 30), min_size=1, max_size=3))
def test_many_gates_and_edges_equal_one_by_one(
    drawn: tuple[Case, bool], threads: int, shifts: list[int]
) -> None:
    case, returning = unbound(drawn[0]), drawn[1]
    question = as_question(case)
    two_way = TwoWay(question.timetable)
    walks = question.egress_s
    gates = np.array([walks, np.roll(walks, 1), np.full_like(walks, INF), walks[::-1]])
    edges = [Edge(returning, case.edge + by, case.margin) for by in shifts]
    found = travel_many(two_way, gates, edges, question.limits, question.access, threads=threads)
    assert found.shape == (question.access.n_rows, len(edges), len(gates))
    for k, edge in enumerate(edges):
        for g, row in enumerate(gates):
            one = travel(two_way, row, edge, question.limits, question.access)
            assert found[:, k, g].tolist() == one.elapsed_s.tolist()


def test_by_hand() -> None:
    """Bus 0 07:00 → 1 07:10 → 2 07:20; gates at 1 and 2, at work by 07:30 and by 07:15."""
    seven = 7 * 60 * MINUTE
    run = [(0, seven), (1, seven + 10 * MINUTE), (2, seven + 20 * MINUTE)]
    two_way = TwoWay(timetable_from_runs(3, [run]))
    gates = np.array([[INF, 60, INF], [INF, INF, 120]], np.int32)
    # One home five minutes from stop 0, one beside stop 1.
    access = WalkTable(
        np.array([0, 1, 2]), np.array([0, 1], np.int32), np.array([300, 0], np.int32)
    )
    edges = [Edge(False, seven + by * MINUTE, 0) for by in (30, 15)]
    limits = EngineLimits(3600, 3600, 0, 3600)
    found = travel_many(two_way, gates, edges, limits, access)
    assert found.tolist() == [
        [[35 * MINUTE, 35 * MINUTE], [20 * MINUTE, INF]],
        [[INF, 20 * MINUTE], [INF, INF]],
    ]


def test_limits_that_bind_are_refused() -> None:
    two_way = TwoWay(timetable_from_runs(2, [[(0, 100), (1, 300)]]))
    access = WalkTable(np.array([0, 1]), np.zeros(1, np.int32), np.zeros(1, np.int32))
    gates = np.array([[INF, 0]], np.int32)
    with pytest.raises(ValueError, match="limits"):
        travel_many(two_way, gates, [Edge(False, 400, 0)], EngineLimits(), access)
