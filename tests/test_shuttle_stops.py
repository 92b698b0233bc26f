"""Stop selection: exact against enumeration, spacing and number kept."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility.shuttles.stops import distinct_columns, nearest_stop, select_stops, too_close


def brute_force(within, workers, xy, spacing, most):
    best = 0.0
    bad = set(too_close(xy, spacing))
    for size in range(1, most + 1):
        for rows in combinations(range(len(within)), size):
            if any(p in bad for p in combinations(rows, 2)):
                continue
            best = max(best, workers[within[list(rows)].any(axis=0)].sum())
    return best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from([0.0, 300.0, 900.0]))
def test_selection_is_the_best_there_is(seed, most, spacing):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 3000, (8, 2))
    homes = rng.uniform(0, 3000, (20, 2))
    within = np.hypot(*(xy[:, None] - homes[None]).transpose(2, 0, 1)) < 700
    workers = rng.integers(0, 9, 20).astype(float)
    found = select_stops(within, workers, xy, spacing_m=spacing, max_stops=most)
    assert found.covered == pytest.approx(brute_force(within, workers, xy, spacing, most))
    assert found.gap == pytest.approx(0.0, abs=1e-9)
    assert len(found.chosen) <= most
    apart = [np.hypot(*(xy[a] - xy[b])) for a, b in combinations(found.chosen, 2)]
    assert all(d >= spacing for d in apart)


def test_better_kind_of_place_wins_between_equals():
    within = np.ones((2, 3), bool)
    xy = np.array([[0.0, 0.0], [50.0, 0.0]])
    kwargs = {"spacing_m": 400, "max_stops": 5}
    found = select_stops(within, np.ones(3), xy, preference=np.array([1.0, 0.0]), **kwargs)
    assert found.chosen.tolist() == [1]
    found = select_stops(within, np.ones(3), xy, preference=np.array([0.0, 1.0]), **kwargs)
    assert found.chosen.tolist() == [0]


def test_large_case_states_its_gap(monkeypatch):
    monkeypatch.setattr("mobility.shuttles.stops._KEPT", 120)
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 20_000, (400, 2))
    homes = rng.uniform(0, 20_000, (1500, 2))
    within = np.hypot(*(xy[:, None] - homes[None]).transpose(2, 0, 1)) < 800
    workers = rng.uniform(0, 3, 1500)
    found = select_stops(within, workers, xy, spacing_m=400, max_stops=25)
    assert len(found.chosen) <= 25
    assert found.covered <= found.bound
    assert 0.0 <= found.gap < 0.35


def test_nothing_within_reach_selects_nothing():
    found = select_stops(
        np.zeros((3, 4), bool), np.ones(4), np.zeros((3, 2)), spacing_m=0, max_stops=2
    )
    assert found.chosen.tolist() == []
    assert found.gap == 0.0


def test_nearest_stop_respects_the_limit():
    walk = np.array([[100, 50, 900], [800, 900, 900]], np.int32)
    assert nearest_stop(walk, np.array([0, 1, 2]), 700).tolist() == [1, -1]
    assert nearest_stop(walk, np.array([0, 2]), 800).tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(1, 4), (3, 50), (64, 300), (65, 300), (250, 900), (7, 0)])
def test_homes_with_the_same_candidates_are_one(shape):
    within = np.random.default_rng(shape[0]).random(shape) < 3 / (2 + shape[0])
    columns, group = distinct_columns(within)
    expected, inverse = np.unique(within, axis=1, return_inverse=True)
    assert np.array_equal(columns, expected)
    assert np.array_equal(group, inverse.ravel())
