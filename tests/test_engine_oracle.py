"""The engine against the oracle: equal to the second, in both directions.

The usual profile is bounded for the daily gate; ``HYPOTHESIS_PROFILE=long pytest
tests/test_engine_oracle.py`` runs thousands of cases.
"""

from __future__ import annotations

import os
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from oracle import Answer, Call, Case, Rules, leave_home, reach_home
from strategies import as_question, cases, corridor, headway_s

from mobility.engine.itineraries import Itinerary, itinerary
from mobility.engine.journeys import Edge, TwoWay, reach, scan
from mobility.timetable.arrays import INF

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
EXAMPLES = 6000 if LONG else 200
CORRIDORS = 20_000 if LONG else 500
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def either_way(*, switches: bool = False) -> st.SearchStrategy[tuple[Case, bool]]:
    """A case and its direction: False outbound, True return."""
    out, back = (cases(returning=r, switches=switches) for r in (False, True))
    return st.one_of(st.tuples(out, st.just(False)), st.tuples(back, st.just(True)))


def engine_answers(case: Case, *, returning: bool) -> list[Answer | None]:
    """Answers of the engine, as the oracle gives them."""
    found = as_question(case).ask(returning=returning)
    sign = 1 if returning else -1
    return [
        None if elapsed == INF else Answer(case.edge + sign * int(elapsed), int(rides), int(walk))
        for elapsed, rides, walk in zip(found.elapsed_s, found.rides, found.walk_s, strict=True)
    ]


def say(answers: list[Answer | None]) -> None:
    """Tell the statistics how many rides the journeys of a case take."""
    event(f"rides {max((a.rides for a in answers if a), default=0)}")


@bounded
@given(cases())
def test_outbound_equals_the_oracle(case: Case) -> None:
    expected = leave_home(case)
    say(expected)
    assert engine_answers(case, returning=False) == expected


@bounded
@given(cases(returning=True))
def test_return_equals_the_oracle(case: Case) -> None:
    expected = reach_home(case)
    say(expected)
    assert engine_answers(case, returning=True) == expected


@pytest.mark.parametrize("returning", [False, True])
def test_corridors_equal_the_oracle(returning: bool) -> None:
    """Longer chains of rides, from a row of seeds; many of them take two rides or more."""
    chains = 0
    for seed in range(CORRIDORS):
        case = corridor(Random(seed), returning=returning)
        expected = reach_home(case) if returning else leave_home(case)
        assert engine_answers(case, returning=returning) == expected, f"seed {seed}"
        chains += any(a is not None and a.rides > 1 for a in expected)
    assert chains > CORRIDORS // 6


@settings(bounded, max_examples=EXAMPLES // 3)
@given(either_way(switches=True))
def test_walks_that_do_not_count(drawn: tuple[Case, bool]) -> None:
    """Walking at one end may be left out of its limit; times still agree."""
    case, returning = drawn
    expected = reach_home(case) if returning else leave_home(case)
    found = engine_answers(case, returning=returning)
    assert [a and (a.time, a.rides) for a in found] == [a and (a.time, a.rides) for a in expected]


@settings(bounded, max_examples=EXAMPLES // 2)
@given(either_way())
def test_itineraries_add_up(drawn: tuple[Case, bool]) -> None:
    """The legs of every reported time are contiguous, allowed, and give that time."""
    check_itineraries(*drawn)


@pytest.mark.parametrize("returning", [False, True])
def test_itineraries_of_corridors_add_up(returning: bool) -> None:
    for seed in range(CORRIDORS // 4):
        check_itineraries(corridor(Random(seed), returning=returning), returning)


def check_itineraries(case: Case, returning: bool) -> None:
    """Walk through the itinerary of every home of a case."""
    question = as_question(case)
    edge = Edge(returning, case.edge, case.margin)
    scanned = scan(TwoWay(question.timetable), question.egress_s, edge, question.limits)
    times = reach(scanned, question.access)
    for home in range(len(case.homes)):
        found = itinerary(scanned, times, question.access, home)
        if times.elapsed_s[home] == INF:
            assert found is None
            continue
        assert isinstance(found, Itinerary)
        check_legs(case, found, returning=returning)
        elapsed = found.arrive_s - case.edge if returning else case.edge - found.depart_s
        assert elapsed == times.elapsed_s[home]
        assert found.rides == times.rides[home]
        # Where the vehicle waits for a walk, the walk is shown as over when it leaves.
        guaranteed = any(need < walk for *_, walk, need in case.footpaths)
        assert found.walk_s <= times.walk_s[home]
        assert guaranteed or found.walk_s == times.walk_s[home]


def check_legs(case: Case, found: Itinerary, *, returning: bool) -> None:
    """Every leg follows the one before it, in place and time, and every ride exists."""
    for before, after in zip(found.legs, found.legs[1:], strict=False):
        assert before.arrive_s == after.depart_s
        assert before.to_stop == after.from_stop
    rides = {
        (a.stop, b.stop, a.dep + headway_s(run), b.arr)
        for run in case.runs
        for k, a in enumerate(run)
        for b in run[k + 1 :]
        if a.board and b.alight
    }
    for leg in found.legs:
        assert leg.depart_s <= leg.arrive_s
        if leg.kind == "ride":
            assert (leg.from_stop, leg.to_stop, leg.depart_s, leg.arrive_s) in rides
        elif leg.kind == "wait":
            assert leg.from_stop == leg.to_stop
            waited = leg.arrive_s - leg.depart_s
            assert waited <= case.rules.max_wait + max(map(headway_s, case.runs))
    inner = case.edge + case.margin if returning else case.edge - case.margin
    assert (found.depart_s if returning else found.arrive_s) == inner


def test_the_oracle_by_hand() -> None:
    """Home -2 s- A -ride 10..20- B -3 s walk, need 5- C -ride 26..30- D -4 s- gate.

    Outbound: leave at 10 - 2 = 8, arrive 30 + 4 = 34 <= 40 - 5. One second is waited at C
    (20 + 3 to 26 makes 3) and one at the gate.
    """
    a, b, c, d = range(4)
    case = Case(
        n_stops=4,
        runs=((Call(a, 10, 10), Call(b, 20, 20)), (Call(c, 26, 26), Call(d, 30, 30))),
        footpaths=((b, c, 3, 5),),
        homes=({a: 2},),
        gate={d: 4},
        edge=40,
        margin=5,
        rules=Rules(32, 9, 1, 3),
    )
    assert leave_home(case) == [Answer(8, 2, 9)]
    assert engine_answers(case, returning=False) == [Answer(8, 2, 9)]


def test_the_oracle_returns_by_hand() -> None:
    """Gate -4 s- D -ride 16..20- C -3 s walk, need 5- B -ride 26..36- A -2 s- home.

    The shift ends at 8 and the gate is left from 10: two seconds are waited before D's
    departure, three at B; home is reached at 38.
    """
    a, b, c, d = range(4)
    case = Case(
        n_stops=4,
        runs=((Call(d, 16, 16), Call(c, 20, 20)), (Call(b, 26, 26), Call(a, 36, 36))),
        footpaths=((c, b, 3, 5),),
        homes=({a: 2},),
        gate={d: 4},
        edge=8,
        margin=2,
        rules=Rules(30, 9, 1, 3),
    )
    assert reach_home(case) == [Answer(38, 2, 9)]
    assert engine_answers(case, returning=True) == [Answer(38, 2, 9)]


@pytest.mark.parametrize(
    ("field", "value"), [("max_total", 31), ("max_walk", 8), ("max_transfers", 0), ("max_wait", 2)]
)
def test_each_limit_by_hand(field: str, value: int) -> None:
    """The first case above holds exactly at its limits: one less of any loses it."""
    rules = {"max_total": 32, "max_walk": 9, "max_transfers": 1, "max_wait": 3} | {field: value}
    case = Case(
        n_stops=4,
        runs=((Call(0, 10, 10), Call(1, 20, 20)), (Call(2, 26, 26), Call(3, 30, 30))),
        footpaths=((1, 2, 3, 5),),
        homes=({0: 2},),
        gate={3: 4},
        edge=40,
        margin=5,
        rules=Rules(**rules),
    )
    assert leave_home(case) == [None]
    assert engine_answers(case, returning=False) == [None]


def test_questions_hold_what_the_case_says() -> None:
    """The translation to arrays loses nothing: walks sorted by time, gate by stop."""
    case = Case(3, (), (), ({2: 5, 0: 7}, {}, {1: 0}), {1: 4}, 0, 0, Rules(1, 1, 0, 1))
    question = as_question(case)
    assert question.access.ptr.tolist() == [0, 2, 2, 3]
    assert question.access.stop.tolist() == [2, 0, 1]
    assert question.access.walk_s.tolist() == [5, 7, 0]
    assert np.array_equal(question.egress_s, [INF, 4, INF])


def test_guaranteed_and_headways_by_hand() -> None:
    """Home -2 s- A -ride 10..20- B -3 s walk, needs nothing- C -every 6 s from 21- D -4 s- gate.

    B is reached at 20 and C's vehicle, due at 21, waits for the walk; a rider there at 21 is at D
    at most 6 s of waiting and 4 s of riding later, at 31: 31 + 4 = 35 <= 40 - 5.
    """
    a, b, c, d = range(4)
    case = Case(
        n_stops=4,
        runs=((Call(a, 10, 10), Call(b, 20, 20)), (Call(c, 27, 21), Call(d, 31, 25))),
        footpaths=((b, c, 3, 0),),
        homes=({a: 2},),
        gate={d: 4},
        edge=40,
        margin=5,
        rules=Rules(32, 9, 1, 3),
    )
    assert leave_home(case) == [Answer(8, 2, 9)]
    assert engine_answers(case, returning=False) == [Answer(8, 2, 9)]
    question = as_question(case)
    scanned = scan(
        TwoWay(question.timetable), question.egress_s, Edge(False, 40, 5), question.limits
    )
    found = itinerary(scanned, reach(scanned, question.access), question.access, 0)
    assert found is not None
    assert [(leg.kind, leg.depart_s, leg.arrive_s) for leg in found.legs] == [
        ("walk", 8, 10), ("ride", 10, 20), ("walk", 20, 21), ("wait", 21, 27), ("ride", 27, 31),
        ("walk", 31, 35),
    ]  # fmt: skip
