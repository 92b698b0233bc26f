"""What-ifs equal a rebuild, array by array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timetables import Call, Run, as_run, flatten_runs, same, timetable_from_runs

from mobility.timetable.arrays import Timetable, mirrored
from mobility.timetable.change import mirror_index, with_runs

N_STOPS = 5


@st.composite
def some_runs(draw: st.DrawFn, low: int = 0, high: int = 7) -> list[Run]:
    """Runs of distinct trips, so that no two of them have the same place in the order."""
    runs = []
    for trip in range(draw(st.integers(low, high))):
        n = draw(st.integers(1, 5))
        gaps = draw(st.lists(st.integers(0, 20), min_size=2 * n, max_size=2 * n))
        times = (np.cumsum(gaps) + draw(st.integers(-60, 60))).tolist()
        stops = draw(st.lists(st.integers(0, N_STOPS - 1), min_size=n, max_size=n))
        flags = draw(st.lists(st.booleans(), min_size=2 * n, max_size=2 * n))
        calls = [
            Call(stops[k], times[2 * k], times[2 * k + 1], flags[2 * k], flags[2 * k + 1])
            for k in range(n)
        ]
        runs.append(Run(tuple(calls), trip=trip, day=draw(st.sampled_from((-1, 0, 1)))))
    return runs


def moved(run: Run, by: int) -> Run:
    calls = (Call(c.stop, c.arr + by, c.dep + by, c.board, c.alight) for c in run.calls)
    return Run(tuple(calls), run.trip, run.day)


def build(runs: list[Run]) -> Timetable:
    return timetable_from_runs(N_STOPS, runs, [(0, 1, 30)], min_change_s=10)


def in_order(tt: Timetable, runs: list[Run]) -> list[Run]:
    """The runs as `tt` numbers them: their trips are distinct."""
    by_trip = {run.trip: run for run in runs}
    return [by_trip[t] for t in tt.call_trip[tt.run_ptr[:-1]].tolist()]


@settings(max_examples=60, deadline=None)
@given(st.data(), some_runs(high=8))
def test_with_runs_equals_a_rebuild(data: st.DataObject, runs: list[Run]) -> None:
    new = data.draw(st.integers(0, len(runs)))
    old, added = runs[new:], runs[:new]
    tt = build(old)
    old = in_order(tt, old)
    fate = data.draw(st.lists(st.integers(-40, 40), min_size=len(old), max_size=len(old)))
    removed = [k for k, f in enumerate(fate) if f > 30]
    shifted = {k: f for k, f in enumerate(fate) if f <= 30}
    after = [moved(run, fate[k]) for k, run in enumerate(old) if k not in removed] + added
    changed = with_runs(tt, added=flatten_runs(added), removed=removed, shifted=shifted)
    assert same(changed, build(after))


@settings(max_examples=80, deadline=None)
@given(st.data(), some_runs(low=1, high=8))
def test_shifts_equal_a_rebuild(data: st.DataObject, runs: list[Run]) -> None:
    """Some runs move and nothing else: they are mended in place, on a copy."""
    tt = build(runs)
    runs = in_order(tt, runs)
    moves = data.draw(st.dictionaries(st.integers(0, len(runs) - 1), st.integers(-50, 50)))
    before = tt.call_dep.copy(), tt.dep_call.copy(), tt.run_ptr.copy()
    after = [moved(run, moves.get(k, 0)) for k, run in enumerate(runs)]
    assert same(with_runs(tt, shifted=moves), build(after))
    assert np.array_equal(tt.call_dep, before[0])
    assert np.array_equal(tt.dep_call, before[1])
    assert np.array_equal(tt.run_ptr, before[2])


@settings(max_examples=60, deadline=None)
@given(some_runs(low=1))
def test_a_shift_of_nothing_changes_nothing(runs: list[Run]) -> None:
    tt = build(runs)
    assert same(with_runs(tt, shifted=dict.fromkeys(range(tt.n_runs), 0)), tt)


@settings(max_examples=60, deadline=None)
@given(st.data(), some_runs(low=1))
def test_moving_there_and_back_is_the_identity(data: st.DataObject, runs: list[Run]) -> None:
    tt = build(runs)
    run = data.draw(st.integers(0, tt.n_runs - 1))
    there = with_runs(tt, shifted={run: 25})
    trips = there.call_trip[there.run_ptr[:-1]]
    again = int(np.flatnonzero(trips == tt.call_trip[tt.run_ptr[run]])[0])
    assert same(with_runs(there, shifted={again: -25}), tt)


@settings(max_examples=60, deadline=None)
@given(st.data(), some_runs(low=1))
def test_a_shift_mirrors_into_the_opposite_shift(data: st.DataObject, runs: list[Run]) -> None:
    tt = build(runs)
    run = data.draw(st.integers(0, tt.n_runs - 1))
    back = with_runs(mirrored(tt), shifted={int(mirror_index(tt)[run]): -15})
    assert same(back, mirrored(with_runs(tt, shifted={run: 15})))


def test_shift_by_hand() -> None:
    """The run of 10:00 moves behind the one of 10:05."""
    tt = timetable_from_runs(2, [[(0, 36_000), (1, 36_600)], [(0, 36_300), (1, 36_900)]])
    late = with_runs(tt, shifted={0: 600})
    assert late.call_dep.tolist() == [36_300, 36_900, 36_600, 37_200]
    assert late.dep_time.tolist() == [36_300, 36_600]
    assert late.dep_call.tolist() == [0, 2]
    assert tt.dep_time.tolist() == [36_000, 36_300]  # the first one is as it was


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"removed": [3]}, "runs are 0 to 0"),
        ({"shifted": {-1: 5}}, "runs are 0 to 0"),
        ({"removed": [0], "shifted": {0: 5}}, "both removed and shifted"),
        ({"added": flatten_runs([as_run([(0, 0), (2, 10)])])}, "stops are 0 to 1"),
    ],
)
def test_what_does_not_exist_is_refused(change: dict[str, object], message: str) -> None:
    tt = timetable_from_runs(2, [[(0, 0), (1, 10)]])
    with pytest.raises(ValueError, match=message):
        with_runs(tt, **change)  # type: ignore[arg-type]
