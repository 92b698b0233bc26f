"""Timetable arrays: sorting, stop-major index, mirror."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from timetables import Call, Run, same, timetable_from_runs

from mobility.timetable.arrays import Timetable, mirrored


def two_runs() -> Timetable:
    """Run at 100: 0 -> 1 -> 2; run at 50: 2 -> 1, listed in the wrong order; walk 1 -> 0."""
    return timetable_from_runs(
        3, [[(0, 100), (1, 200, 210), (2, 300)], [(2, 50), (1, 90)]], [(1, 0, 60)], min_change_s=30
    )


def test_runs_are_sorted_by_first_departure() -> None:
    tt = two_runs()
    assert tt.run_ptr.tolist() == [0, 2, 5]
    assert tt.call_stop.tolist() == [2, 1, 0, 1, 2]
    assert tt.call_arr.tolist() == [50, 90, 100, 200, 300]
    assert tt.call_dep.tolist() == [50, 90, 100, 210, 300]


def test_no_boarding_at_the_end_nor_alighting_at_the_start() -> None:
    tt = two_runs()
    assert tt.call_board.tolist() == [True, False, True, True, False]
    assert tt.call_alight.tolist() == [False, True, False, True, True]


def test_stop_major_index() -> None:
    tt = two_runs()
    assert tt.dep_ptr.tolist() == [0, 1, 2, 3]
    assert tt.dep_time.tolist() == [100, 210, 50]
    assert tt.dep_call.tolist() == [2, 3, 0]
    assert tt.call_pos.tolist() == [2, -1, 0, 1, -1]


def test_footpaths_are_sorted_by_walk_and_keep_the_change_time() -> None:
    tt = two_runs()
    assert tt.foot_ptr.tolist() == [0, 1, 3, 4]
    assert tt.foot_stop.tolist() == [0, 1, 0, 2]
    assert tt.foot_walk_s.tolist() == [0, 0, 60, 0]
    assert tt.foot_need_s.tolist() == [30, 30, 90, 30]


def test_mirror_by_hand() -> None:
    back = mirrored(two_runs())
    # The later run comes first: -300 at stop 2, -210 to -200 at stop 1, -100 at stop 0.
    assert back.call_stop.tolist() == [2, 1, 0, 1, 2]
    assert back.call_arr.tolist() == [-300, -210, -100, -90, -50]
    assert back.call_dep.tolist() == [-300, -200, -100, -90, -50]
    # The walk 1 -> 0 became 0 -> 1.
    assert back.foot_ptr.tolist() == [0, 2, 3, 4]
    assert back.foot_stop.tolist() == [0, 1, 1, 2]
    assert back.foot_need_s.tolist() == [30, 90, 30, 30]


def test_mirror_swaps_boarding_and_alighting() -> None:
    tt = timetable_from_runs(3, [[(0, 0), (1, 10, 10, True, False), (2, 20)]])
    back = mirrored(tt)
    assert back.call_board.tolist() == [True, False, False]
    assert back.call_alight.tolist() == [False, True, True]


N_STOPS = 5


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """A run of two to five calls on five stops, with random pickup and drop-off."""
    n = draw(st.integers(2, 5))
    gaps = draw(st.lists(st.integers(0, 40), min_size=2 * n, max_size=2 * n))
    times = np.cumsum(gaps) + draw(st.integers(-100, 100))
    flags = st.booleans()
    calls = tuple(
        (
            draw(st.integers(0, N_STOPS - 1)),
            int(times[2 * k]),
            int(times[2 * k + 1]),
            draw(flags),
            draw(flags),
        )
        for k in range(n)
    )
    return Run(tuple(Call(*c) for c in calls), trip=draw(st.integers(0, 3)))


footpaths = st.lists(
    st.tuples(st.integers(0, N_STOPS - 1), st.integers(0, N_STOPS - 1), st.integers(0, 60)),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(runs(), max_size=8), footpaths)
def test_mirrored_twice_is_the_same(some: list[Run], walks: list[tuple[int, int, int]]) -> None:
    tt = timetable_from_runs(N_STOPS, some, walks, min_change_s=5)
    assert same(mirrored(mirrored(tt)), tt)


@settings(max_examples=100, deadline=None)
@given(st.lists(runs(), max_size=8))
def test_stop_major_index_is_sorted_and_inverse(some: list[Run]) -> None:
    tt = timetable_from_runs(N_STOPS, some)
    for stop in range(N_STOPS):
        rows = slice(tt.dep_ptr[stop], tt.dep_ptr[stop + 1])
        calls = tt.dep_call[rows]
        assert (tt.call_stop[calls] == stop).all()
        keys = list(zip(tt.dep_time[rows].tolist(), calls.tolist(), strict=True))
        assert keys == sorted(keys)
    boardable = np.flatnonzero(tt.call_board)
    assert sorted(tt.dep_call.tolist()) == boardable.tolist()
    assert (tt.dep_call[tt.call_pos[boardable]] == boardable).all()
    assert (tt.call_pos[~tt.call_board] == -1).all()
