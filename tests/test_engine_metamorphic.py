"""What must stay true of the engine when a question is changed in a known way."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from oracle import Call, Case
from strategies import as_question, cases, corridor, seeded

from mobility.engine.journeys import Edge, TwoWay, holding, travel
from mobility.timetable.arrays import INF

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
bounded = settings(
    max_examples=200 if LONG else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Half of the examples are small and drawn, half are busy corridors.
either = st.one_of(
    cases(), cases(returning=True), seeded(corridor), seeded(corridor, returning=True)
)


def elapsed(case: Case, *, returning: bool) -> np.ndarray:
    """Elapsed seconds of each home, ``INF`` where the direction does not hold."""
    return as_question(case).ask(returning=returning).elapsed_s


@bounded
@given(either, st.booleans(), st.data())
def test_a_run_more_makes_no_one_later(case: Case, returning: bool, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(case.runs) - 1))
    fewer = replace(case, runs=case.runs[:gone] + case.runs[gone + 1 :])
    assert (elapsed(case, returning=returning) <= elapsed(fewer, returning=returning)).all()


@bounded
@given(
    either,
    st.booleans(),
    st.sampled_from(("max_total", "max_walk", "max_transfers", "max_wait")),
    st.integers(1, 40),
)
def test_a_wider_limit_loses_no_home(case: Case, returning: bool, limit: str, more: int) -> None:
    rules = replace(case.rules, **{limit: getattr(case.rules, limit) + more})
    wider = elapsed(replace(case, rules=rules), returning=returning)
    assert (wider <= elapsed(case, returning=returning)).all()


@bounded
@given(either, st.booleans(), st.data())
def test_a_footpath_or_a_walk_more_makes_no_one_later(
    case: Case, returning: bool, data: st.DataObject
) -> None:
    stop = st.integers(0, case.n_stops - 1)
    x, y, walk = data.draw(stop), data.draw(stop), data.draw(st.integers(0, 5))
    before = elapsed(case, returning=returning)
    if (x, y) not in {f[:2] for f in case.footpaths}:
        more = replace(case, footpaths=(*case.footpaths, (x, y, walk, walk)))
        assert (elapsed(more, returning=returning) <= before).all()
    nearer = replace(case, homes=tuple({x: walk} | home for home in case.homes))
    assert (elapsed(nearer, returning=returning) <= before).all()
    nearer = replace(case, gate={x: walk} | case.gate)
    assert (elapsed(nearer, returning=returning) <= before).all()


def reversed_in_time(case: Case) -> Case:
    """Turn time round: what was the start of the shift becomes its end."""
    runs = tuple(
        tuple(Call(c.stop, -c.dep, -c.arr, c.alight, c.board) for c in reversed(run))
        for run in case.runs
    )
    feet = tuple((y, x, walk, need) for x, y, walk, need in case.footpaths)
    return replace(case, runs=runs, footpaths=feet, edge=-case.edge)


@bounded
@given(either)
def test_outbound_and_return_mirror_each_other(case: Case) -> None:
    back = reversed_in_time(case)
    for returning in (False, True):
        here = as_question(case).ask(returning=returning)
        there = as_question(back).ask(returning=not returning)
        assert np.array_equal(here.elapsed_s, there.elapsed_s)
        assert np.array_equal(here.rides, there.rides)
        assert np.array_equal(here.walk_s, there.walk_s)


@bounded
@given(either, st.booleans(), st.integers(-200_000, 200_000))
def test_a_shifted_clock_shifts_the_answer(case: Case, returning: bool, by: int) -> None:
    """All times moved by a constant: nobody's elapsed time changes."""
    runs = tuple(
        tuple(Call(c.stop, c.arr + by, c.dep + by, c.board, c.alight) for c in run)
        for run in case.runs
    )
    moved = replace(case, runs=runs, edge=case.edge + by)
    assert np.array_equal(elapsed(moved, returning=returning), elapsed(case, returning=returning))


@bounded
@given(either, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_stops_and_runs_does_not_matter(case: Case, returning: bool, random) -> None:
    new = list(range(case.n_stops))
    random.shuffle(new)
    runs = [
        tuple(Call(new[c.stop], c.arr, c.dep, c.board, c.alight) for c in run) for run in case.runs
    ]
    random.shuffle(runs)
    other = replace(
        case,
        runs=tuple(runs),
        footpaths=tuple((new[x], new[y], *times) for x, y, *times in case.footpaths),
        homes=tuple({new[s]: w for s, w in home.items()} for home in case.homes),
        gate={new[s]: w for s, w in case.gate.items()},
    )
    here = as_question(case).ask(returning=returning)
    there = as_question(other).ask(returning=returning)
    assert np.array_equal(here.elapsed_s, there.elapsed_s)
    assert np.array_equal(here.rides, there.rides)
    assert np.array_equal(here.walk_s, there.walk_s)


@bounded
@given(either, st.booleans(), st.integers(1, 20))
def test_a_longer_margin_makes_no_one_sooner(case: Case, returning: bool, more: int) -> None:
    """Where waiting is not limited; a limit on waits may be kept by a longer margin alone."""
    case = replace(case, rules=replace(case.rules, max_wait=10**6))
    longer = replace(case, margin=case.margin + more)
    assert (elapsed(longer, returning=returning) >= elapsed(case, returning=returning)).all()


@bounded
@example(corridor(Random(1978), returning=False), False)
@given(either, st.booleans())
def test_a_ride_cut_in_two_needs_one_more_ride(case: Case, returning: bool) -> None:
    """Runs cut at every call, changes free: the same times with as many rides as calls."""
    # Whoever stays aboard does not mind a faulty call that leaves before it arrives.
    runs = tuple(tuple(replace(c, dep=max(c.arr, c.dep)) for c in run) for run in case.runs)
    case = replace(case, runs=runs)
    calls = max(map(len, case.runs))
    rules = replace(case.rules, max_transfers=0, max_wait=10**6)
    feet = tuple((s, s, 0, 0) for s in range(case.n_stops))
    whole = replace(case, footpaths=(), rules=rules)
    pieces = tuple(
        (replace(a, board=True), replace(b, alight=True))
        for run in case.runs
        for a, b in pairwise(run)
    )
    cut = replace(
        case, runs=pieces, footpaths=feet, rules=replace(rules, max_transfers=max(calls - 2, 0))
    )
    # Cutting allows more (boarding anywhere, other vehicles), never less.
    assert (elapsed(cut, returning=returning) <= elapsed(whole, returning=returning)).all()


def test_threads_do_not_change_the_answer() -> None:
    """The same questions in a pool of threads and one after the other."""

    drawn = [corridor(Random(seed), returning=bool(seed % 2)) for seed in range(60)]
    questions = [(as_question(case), bool(k % 2)) for k, case in enumerate(drawn)]
    serial = [q.ask(returning=r).elapsed_s for q, r in questions]
    with ThreadPoolExecutor(4) as pool:
        pooled = list(pool.map(lambda item: item[0].ask(returning=item[1]).elapsed_s, questions))
    assert all(np.array_equal(a, b) for a, b in zip(serial, pooled, strict=True))
    assert sum(int((a < INF).sum()) for a in serial) > 40


@bounded
@given(either, st.booleans(), st.integers(0, 30))
def test_who_holds_at_some_hour_holds_at_one_of_them(
    case: Case, returning: bool, apart: int
) -> None:
    asked = as_question(case)
    edges = [Edge(returning, asked.edge_s + k * apart, asked.margin_s) for k in range(3)]
    rest = TwoWay(asked.timetable), asked.egress_s
    at_some = holding(*rest, edges, asked.limits, asked.access)
    each = [travel(*rest, edge, asked.limits, asked.access).elapsed_s < INF for edge in edges]
    assert np.array_equal(at_some, np.any(each, axis=0))
