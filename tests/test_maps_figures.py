"""Figures: worst-of rows of rosters, counts by hand, and what privacy hides."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility.maps.figures import Rows, count, directions, safe, safe_homes, with_pool
from mobility.maps.model import (
    NONE,
    MapDay,
    MapHomes,
    MapModel,
    MapRoster,
    MapShift,
    MapSite,
    Scenario,
    minutes,
)
from mobility.maps.payload import _Counter


def two_shifts(out, back, status, reason, over=None) -> MapModel:
    """One site, one roster of two shifts, one day, one mode; homes as columns."""
    homes = len(out[0])
    as_bytes = lambda rows: np.array(rows, np.uint8)  # noqa: E731
    return MapModel(
        territory="T",
        homes=MapHomes(
            np.arange(homes, dtype=float),
            np.zeros(homes),
            ("",) * homes,
            ("c",) * homes,
            np.full(homes, 10.0),
        ),
        sites=(MapSite("s", "", ((0.0, 0.0),)),),
        rosters=(MapRoster(0, "2x8"),),
        shifts=(MapShift(0, "matin", 18000, 46800), MapShift(0, "après-midi", 46800, 75600)),
        days=(MapDay("school_weekday", "2026-03-17"),),
        modes=("transit",),
        key_shift=np.array([0, 1]),
        key_day=np.array([0, 0]),
        key_mode=np.array([0, 0]),
        zone_shift=np.array([0, 1]),
        zone_day=np.array([0, 0]),
        scenarios=(
            Scenario(
                "",
                as_bytes(out),
                as_bytes(back),
                as_bytes(status),
                as_bytes(reason),
                None if over is None else as_bytes(over),
            ),
        ),
    )


def test_minutes_round_up_and_know_none() -> None:
    seconds = np.array([0, 1, 60, 61, 3600, 60 * 300, 2**30, -1], np.int32)
    assert minutes(seconds).tolist() == [0, 1, 1, 2, 60, 254, NONE, NONE]


def test_a_roster_takes_its_worst_shift() -> None:
    model = two_shifts(
        out=[[20, 30, NONE], [40, NONE, 10]],
        back=[[25, 20, 20], [15, 20, 20]],
        status=[[0, 0, 2], [0, 2, 0]],
        reason=[[0, 0, 3], [0, 3, 0]],
        over=[[30, 60, 90], [15, 75, NONE]],
    )
    rows = Rows(model, model.scenarios[0])
    assert (rows.n_rows(), rows.n_zones()) == (3, 3)
    assert rows.minutes(2, "outbound_min").tolist() == [40, NONE, NONE]
    assert rows.minutes(2, "return_min").tolist() == [25, 20, 20]
    assert rows.minutes(2, "overtime_min").tolist() == [15, 60, NONE]
    assert rows.status(2).tolist() == [0, 2, 2]
    assert rows.reason(2).tolist() == [0, 3, 3]


def test_a_roster_out_on_one_shift_and_back_on_another_is_neither() -> None:
    model = two_shifts(
        out=[[20], [NONE]], back=[[NONE], [20]], status=[[1], [2]], reason=[[4], [3]]
    )
    rows = Rows(model, model.scenarios[0])
    assert rows.status(2).tolist() == [3]


def test_the_main_reason_weighs_workers_over_the_shifts() -> None:
    model = two_shifts(
        out=[[NONE] * 3] * 2,
        back=[[NONE] * 3] * 2,
        status=[[3] * 3] * 2,
        reason=[[1, 5, 5], [1, 5, 3]],
    )
    rows = Rows(model, model.scenarios[0])
    assert rows.main_reason(2, np.array([10.0, 10.0, 10.0])) == 5
    assert rows.main_reason(2, np.array([40.0, 10.0, 10.0])) == 1
    assert rows.main_reason(1, np.array([1.0, 1.0, 5.0])) == 3


def test_directions_and_counts_by_hand() -> None:
    out = np.array([10, 10, NONE, NONE], np.uint8)
    back = np.array([10, NONE, 10, NONE], np.uint8)
    classes = directions(out, back)
    assert classes.tolist() == [0, 1, 2, 3]
    counts = count(classes, np.array([5.0, 6, 7, 8]), 4, np.array([0, 0, 1, 1]), 2)
    assert counts.tolist() == [[5, 6, 0, 0], [0, 0, 7, 8]]
    assert with_pool(counts).tolist() == [[11, 5, 6, 0, 0], [15, 0, 0, 7, 8]]


def test_a_small_count_is_hidden_and_cannot_be_deduced() -> None:
    """100 = 97 + 3: the 3 is hidden and the 97 is rounded down to 95."""
    assert safe(np.array([100.0, 97, 3, 0]), 5).tolist() == [300, 3 * 95 + 1, 2, 0]


def test_large_counts_are_exact_and_zero_shows() -> None:
    assert safe(np.array([100.0, 90, 10, 0]), 5).tolist() == [300, 270, 30, 0]


def test_a_small_pool_hides_all_that_is_small() -> None:
    assert safe(np.array([4.0, 4, 0, 0]), 5).tolist() == [2, 2, 0, 0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=6), st.integers(1, 20))
def test_nothing_below_the_threshold_ever_leaves(parts: list[int], threshold: int) -> None:
    counts = with_pool(np.array(parts, float))
    coded = safe(counts, threshold)
    for value, code in zip(counts, coded, strict=True):
        if 0 < value < threshold:
            assert code == 2
        elif code % 3 == 0:
            assert code == 3 * value
        else:
            assert (code - 1) % (3 * threshold) == 0
            assert 0 <= value - (code - 1) // 3 < threshold
    hidden = [p for p in parts if 0 < p < threshold]
    if hidden and coded[0] != 2 and max(parts) >= threshold:
        assert (coded % 3 == 1).sum() == 1


def test_workers_of_a_home_below_the_threshold_are_hidden() -> None:
    assert safe_homes(np.array([0.0, 0.4, 4.4, 5, 12.6]), 5).tolist() == [0, -1, -1, 5, 13]


def test_a_model_refuses_arrays_of_another_shape() -> None:
    model = two_shifts(out=[[1]] * 2, back=[[1]] * 2, status=[[0]] * 2, reason=[[0]] * 2)
    wrong = replace(model.scenarios[0], status=np.zeros((1, 1), np.uint8))
    with pytest.raises(ValueError, match=r"status is uint8\(1, 1\), not uint8\(2, 1\)"):
        replace(model, scenarios=(wrong,))


def test_homes_refuse_columns_of_different_length() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        MapHomes(np.zeros(2), np.zeros(2), ("a",), ("c", "c"), np.ones(2))


def test_gains_that_would_tell_a_small_count_are_left_out() -> None:
    """Two of ten workers keep their way: reached afterwards less gained would tell them."""
    homes = SimpleNamespace(pool=lambda _roster: np.array([2.0, 50.0, 8.0]), groups={})
    model = SimpleNamespace(homes=homes, min_workers_shown=5)
    counter = _Counter(model, np.zeros(3, np.int64), 1)  # type: ignore[arg-type]
    was, now = np.array([True, False, False]), np.array([True, True, False])
    assert counter.change(was, now, 0) == [None]
    # With eight who keep it, fifty gained are told: 3 n codes an exact count.
    was, now = np.array([False, False, True]), np.array([False, True, True])
    assert counter.change(was, now, 0)[0][1] == 150
