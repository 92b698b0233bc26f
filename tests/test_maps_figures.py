"""Figures: worst-of rows of rosters, counts by hand, and what privacy hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mobility.base.privacy import POOL_COUNTS, pool_counts, pool_withheld
from mobility.outputs.map.figures import Counter, Rows, coded, count, directions, safe_homes
from mobility.outputs.map.from_results import _sample
from mobility.outputs.map.model import (
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


def shown_parts(*status: float, threshold: int = 5) -> dict[str, int]:
    """Return what the page shows of workers served, outbound only, return only, neither."""
    counts = pool_counts(np.array(status))
    told = coded(counts, pool_withheld(counts, threshold=threshold)).tolist()
    return dict(zip(POOL_COUNTS, told, strict=True))


def test_a_small_count_is_hidden_with_what_tells_it() -> None:
    """100 = 97 + 3: both are withheld, and the finer parts that equal the 3."""
    assert shown_parts(97, 3, 0, 0) == {
        "pool": 100, "reachable": -1, "white": -1, "one_way_only": -1, "neither": 0,
        "outbound_only": -1, "return_only": 0,
    }  # fmt: skip


def test_a_small_part_costs_no_coarser_figure() -> None:
    """Three outbound only take the ten of neither with them, not the headline nor its rest."""
    assert shown_parts(7, 3, 0, 10) == {
        "pool": 20, "reachable": 7, "white": 13, "one_way_only": -1, "neither": -1,
        "outbound_only": -1, "return_only": 0,
    }  # fmt: skip


def test_what_is_withheld_across_the_levels_is_no_small_sum() -> None:
    """7 = 1 + 1 + 5 + 0: the five would tell that the other two are two in all."""
    assert shown_parts(1, 1, 5, 0) == {
        "pool": 7, "reachable": -1, "white": -1, "one_way_only": -1, "neither": 0,
        "outbound_only": -1, "return_only": -1,
    }  # fmt: skip


def test_large_counts_are_exact_and_zero_shows() -> None:
    assert list(shown_parts(90, 10, 0, 0).values()) == [100, 90, 10, 10, 0, 10, 0]


def test_a_small_pool_hides_all_that_is_small() -> None:
    assert list(shown_parts(4, 0, 0, 0).values()) == [-1, -1, 0, 0, 0, 0, 0]


def model_of(workers: Sequence[float]) -> MapModel:
    homes = SimpleNamespace(pool=lambda _roster: np.array(workers, float), groups={})
    return SimpleNamespace(homes=homes, min_workers_shown=5)  # type: ignore[return-value]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 12)), min_size=1))
def test_no_count_of_a_commune_follows_by_subtraction(homes: list[tuple[int, int, int]]) -> None:
    status, area, workers = np.array(homes).T
    counter = Counter(model_of(workers), area, 3)
    counter.add_mode(status.astype(np.uint8), 0)
    whole, areas = np.array(counter.modes[0][0]), counter.area_modes[0]
    exact = np.zeros((3, 4))
    np.add.at(exact, (area, status), workers)
    told = np.column_stack([exact.sum(axis=1), exact])[:, [0, 1, 2, 3, 4]]
    assert not ((areas >= 0) & (told > 0) & (told < 5)).any()
    assert (areas[areas >= 0] == told[areas >= 0]).all()
    if (areas[:, 1:] < 0).all():
        return  # Nothing but the pools is shown: not even which communes have none.
    for column in range(5):
        line = np.append(areas[:, column], whole[column])
        value = np.append(told[:, column], told[:, column].sum())
        hidden = (line < 0) & (value > 0)
        if hidden.any() and ((line > 0).any()):
            assert hidden.sum() >= 2
            assert value[hidden].sum() >= 5
    lines = np.vstack([areas, whole]), np.vstack([told, told.sum(axis=0)])
    for row, value in zip(*lines, strict=True):
        hidden = (row < 0) & (value > 0)
        if hidden.any() and (row > 0).any():
            assert hidden.sum() >= 2
            assert value[hidden].sum() >= 5


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 3), st.integers(0, 3)),
        min_size=1,
    )
)
def test_the_pool_of_a_commune_is_shown_in_all_rows_or_none(
    homes: list[tuple[int, int, int, int]],
) -> None:
    area, workers, *rows = np.array(homes).T
    counter = Counter(model_of(workers), area, 3)
    for status in rows:
        counter.add_mode(status.astype(np.uint8), 0)
    first, second = (table[:, 0].tolist() for table in counter.area_modes)
    assert first == second


def test_a_plan_s_small_change_is_not_told_by_both_situations() -> None:
    """Sixty go and come back, with the plan sixty-three: the second figure is withheld."""
    before = Counter(model_of([60, 3, 40, 20]), np.zeros(4, np.int64), 1)
    after = Counter(before.model, before.area, 1, earlier=(before,))
    before.add_mode(np.array([0, 3, 3, 1], np.uint8), 0)
    after.add_mode(np.array([0, 0, 3, 1], np.uint8), 0)
    assert before.modes == [[[123, 60, 20, 0, 43]]]
    assert after.modes == [[[123, -1, 20, 0, -1]]]


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


@pytest.mark.parametrize(
    ("workers", "was", "now", "after", "gained", "lost"),
    [
        # Two keep their way and are withheld: so are those afterwards, and the gain is told.
        ([2.0, 50.0, 8.0], [0, 3, 3], [0, 0, 3], -1, 50, 0),
        # All of the pool holds then, shown or not: the gain would tell the two.
        ([2.0, 50.0], [0, 3], [0, 0], -1, -1, -1),
        # Eight keep it: nothing is small.
        ([2.0, 50.0, 8.0], [3, 3, 0], [0, 0, 0], 60, 52, 0),
        # Two are left over: they would follow from the present and the gain.
        ([2.0, 50.0, 8.0], [3, 3, 0], [3, 0, 0], -1, -1, -1),
        # Three gain.
        ([3.0, 50.0, 8.0], [3, 3, 0], [0, 3, 0], -1, -1, -1),
    ],
)
def test_gains_that_would_tell_a_small_count_are_left_out(
    workers: list[float], was: list[int], now: list[int], after: int, gained: int, lost: int
) -> None:
    area = np.zeros(len(workers), np.int64)
    before = Counter(model_of(workers), area, 1)
    before.add_mode(np.array(was, np.uint8), 0)
    counter = Counter(before.model, area, 1, earlier=(before,))
    counter.add_mode(np.array(now, np.uint8), 0)
    counter.add_change(np.equal(was, 0), np.equal(now, 0), 0)
    assert counter.modes[0][0][1] == after
    assert counter.gains == [[[gained, lost]]]


@settings(max_examples=300, deadline=None)
@example([(1, 1, 1), (4, 2, 1), (5, 0, 0)])
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6
    )
)
def test_no_withheld_count_follows_from_what_a_plan_changes(
    homes: list[tuple[int, int, int]],
) -> None:
    workers, was, now = (np.array(column) for column in zip(*homes, strict=True))
    area = np.zeros(len(homes), np.int64)
    before = Counter(model_of(workers.astype(float)), area, 1)
    before.add_mode(was.astype(np.uint8), 0)
    after = Counter(before.model, area, 1, earlier=(before,))
    after.add_mode(now.astype(np.uint8), 0)
    after.add_change(was == 0, now == 0, 0)
    pool, start, *_ = before.modes[0][0]
    _, end, *others = after.modes[0][0]
    gained, lost = after.gains[0][0]
    if others == [0, 0, 0]:
        # Everybody holds it then, whatever is shown of them.
        end = pool
    known = [start, end, gained, lost]
    # Each of the four follows from the other three.
    assert sum(value < 0 for value in known) != 1


def test_examples_are_of_each_status_and_of_each_commune() -> None:
    n = 60
    workers = np.arange(n, 0, -1.0)
    status = np.where(np.arange(n) < 20, 0, 1).astype(np.int8)
    commune = np.arange(n) // 15
    held = np.arange(n) != 45
    chosen = _sample(held, status, commune, workers)
    # Eight of each status by workers, then the largest of the communes not met yet.
    assert chosen == [*range(8), *range(20, 28), 15, 30, 46]
