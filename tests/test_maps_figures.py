"""Figures: worst-of rows of rosters, counts by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from mobility.outputs.map.background import _spaced
from mobility.outputs.map.figures import Counter, Rows, count, directions
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


def model_of(workers: Sequence[float]) -> MapModel:
    homes = SimpleNamespace(pool=lambda _roster: np.array(workers, float), groups={})
    return SimpleNamespace(homes=homes)  # type: ignore[return-value]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 48).map(lambda n: n / 4)),
        min_size=1,
    )
)
def test_every_count_of_a_commune_is_shown(homes: list[tuple[int, int, float]]) -> None:
    status, area, workers = (np.array(column) for column in zip(*homes, strict=True))
    counter = Counter(model_of(workers), area, 3)
    counter.add_mode(status.astype(np.uint8), 0)
    counter.add_zone(status.astype(np.uint8), np.zeros(len(homes), np.uint8), 0, 4)
    exact = np.array([
        [workers[(area == a) & (status == s)].sum() for s in range(4)] for a in range(3)
    ])  # fmt: skip
    told = np.column_stack([exact.sum(axis=1), exact])

    def check(counts: np.ndarray, exact: np.ndarray) -> None:
        """The pool and who is reachable are rounded, halves up; the parts add up to the pool."""
        assert (counts[:, :2] == np.floor(exact[:, :2] + 0.5)).all()
        assert (counts[:, 1:5].sum(axis=1) == counts[:, 0]).all()
        assert (np.abs(counts[:, 2:5] - exact[:, 2:5]) < 2).all()
        assert (counts[exact == 0] == 0).all()

    check(counter.area_modes[0], told)
    check(np.array(counter.modes[0]), told.sum(axis=0)[None])
    zones = counter.area_zones[0]
    assert zones[:, :5].tolist() == counter.area_modes[0].tolist()
    assert (zones[:, 5] == zones[:, 2:5].sum(axis=1)).all()
    white = sum(counter.modes[0][0][2:])
    assert counter.zones[0] == [[*counter.modes[0][0], white, 0, 4]]  # none has that reason


def test_the_main_reason_is_told_with_those_whom_it_keeps_away() -> None:
    counter = Counter(model_of([5.0, 7, 11, 13]), np.array([0, 0, 1, 1]), 3)
    status, reason = np.array([3, 3, 3, 0], np.uint8), np.array([4, 5, 5, 0], np.uint8)
    counter.add_zone(status, reason, 0, 5)
    assert counter.zones[0] == [[36, 13, 0, 0, 23, 23, 18, 5]]
    assert counter.area_zones[0][:, 5:].tolist() == [[12, 7, 5], [11, 11, 5], [0, 0, 0]]


def test_a_model_refuses_arrays_of_another_shape() -> None:
    model = two_shifts(out=[[1]] * 2, back=[[1]] * 2, status=[[0]] * 2, reason=[[0]] * 2)
    wrong = replace(model.scenarios[0], status=np.zeros((1, 1), np.uint8))
    with pytest.raises(ValueError, match=r"status is uint8\(1, 1\), not uint8\(2, 1\)"):
        replace(model, scenarios=(wrong,))


def test_homes_refuse_columns_of_different_length() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        MapHomes(np.zeros(2), np.zeros(2), ("a",), ("c", "c"), np.ones(2))


def test_gains_and_losses_are_counted_by_home() -> None:
    counter = Counter(model_of([2.0, 50.0, 8.0]), np.zeros(3, np.int64), 1)
    counter.add_change(np.array([True, False, True]), np.array([True, True, False]), 0)
    assert counter.gains == [[[50, 8, 2, 0]]]


def test_names_of_places_keep_their_distance_from_all_before_them():
    """Along the equator, km: B is a village of A's, D too near A though far from B, E a hamlet."""
    km = np.array([0.0, 5.0, 20.0, 1.0, 3.0])
    study = SimpleNamespace(streets=SimpleNamespace(crs=CRS("EPSG:3857")))
    lonlat = np.column_stack([km / 111.3195, np.zeros(5)])
    weight = np.array([9.0, 8.0, 7.0, 6.0, 5.0])
    found = _spaced(study, np.array(list("ABCDE"), object), lonlat, weight)
    assert [(place.name, place.rank) for place in found] == [
        ("A", 1), ("C", 1), ("B", 2), ("E", 3),
    ]  # fmt: skip
