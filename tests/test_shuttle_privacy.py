"""Counts under the threshold are in none of the shuttles' outputs, nor follow from them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility.base.privacy import is_small
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.design import design_shuttles
from mobility.shuttles.lighter import lighter_answers
from mobility.shuttles.outputs import write_plans
from mobility.shuttles.shown import running_loads, safe_plans, small_shares

DEMO = Path(__file__).parents[1] / "data" / "demo.toml"
LEAST = 5


@given(st.lists(st.integers(0, 12), min_size=1, max_size=10), st.data())
@settings(max_examples=150, deadline=None)
def test_loads_and_boardings_together_tell_no_hidden_count(counts, data):
    counts = np.array(counts, float)
    some = data.draw(st.lists(st.booleans(), min_size=len(counts), max_size=len(counts)))
    hidden = (is_small(counts, LEAST) | np.array(some)) & (counts > 0)
    loads = running_loads(counts, hidden, LEAST)
    shown = np.flatnonzero(~np.isnan(loads))
    assert loads[shown].tolist() == np.cumsum(counts)[shown].tolist()
    before = 0
    for k in shown:
        # What a reader gets by subtraction: the hidden counts between two loads shown.
        between = counts[before : k + 1][hidden[before : k + 1]]
        assert len(between) == 0 or (len(between) >= 2 and between.sum() >= LEAST)
        before = k + 1


def test_a_small_count_takes_with_it_what_would_tell_it():
    frame = pd.DataFrame(
        {
            "plan": ["P01", "P02"], "eur_year": [9000.0, 90_000.0],
            "rosters_gained": [12.0, 80.0], "rosters_estimate": [12.0, 79.0],
            "employees_gained": [3.6, 24.0], "pool_gained": [400.0, 900.0],
            "shift_places_proven": [14.0, 90.0], "shift_places_estimate": [14.0, 90.0],
            "shift_places_gained": [4.2, 27.0], "over_seats": [0.0, 0.0],
            "eur_per_worker": [2500.0, 3750.0], "boardings_year": [2000.0, 13_000.0],
            "eur_per_boarding": [4.5, 6.9], "co2_saved_kg": [1.0, 2.0],
            "mean_ride_min": [10.0, 11.0], "longest_ride_min": [12.0, 20.0],
        }
    )  # fmt: skip
    out = safe_plans(frame, LEAST)
    gone = {c for c in out if out[c].isna().iloc[0]}
    assert gone == {
        "employees_gained", "eur_per_worker", "shift_places_gained", "boardings_year",
        "eur_per_boarding", "co2_saved_kg", "mean_ride_min", "longest_ride_min",
    }  # fmt: skip
    assert out.iloc[1].notna().all()
    assert out["rosters_gained"].iloc[0] == 12.0


def test_shares_that_would_tell_a_few_riders_are_withheld_on_both_sides():
    assert small_shares({0: 40.0, 1: 3.0}, LEAST) == {0, 1}
    assert small_shares({0: 40.0, 1: 30.0, 2: 3.0}, LEAST) == {2}
    assert small_shares({0: 40.0, 1: 30.0}, LEAST) == set()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    study = load(DEMO)
    access = assess(study)
    zones = white_zones(access)
    settings_ = ShuttleConfig.from_dict(
        {"iterations": 20, "plans": 3, "max_hubs": 1, "max_stops": 14}
    )
    plans = design_shuttles(study, access, zones, config=settings_, seed=1)
    folder = tmp_path_factory.mktemp("privacy")
    write_plans(plans, folder, lighter=lighter_answers(plans, zones))
    assert study.territory.limits.min_workers_shown == LEAST
    return plans, folder


def test_no_table_holds_a_small_count(written):
    plans, folder = written
    columns = {
        "plans": ["rosters_gained", "rosters_estimate", "employees_gained", "pool_gained",
                  "shift_places_proven", "shift_places_gained", "over_seats"],
        "rosters": ["rosters_gained", "rosters_estimate", "employees_gained", "pool_gained"],
        "sensitivity": ["rosters_low", "rosters_high", "gained_low", "gained_high"],
        "harmonise": ["workers_change"],
        "lighter": ["white_workers", "shuttle_workers", "new_stop_workers", "carpool_workers"],
    }  # fmt: skip
    columns |= {f"{p.name}-timetable": ["riders", "load"] for p in plans.plans}
    for name, counts in columns.items():
        frame = pd.read_csv(folder / f"{name}.csv")
        assert len(frame) > 0, name
        shown = frame[counts].abs().to_numpy(float)
        assert not is_small(np.nan_to_num(shown), LEAST).any(), name
    # There are small counts to withhold, or this would show nothing.
    small = [n for p in plans.plans for run in p.runs for n in run.riders if 0 < n < LEAST]
    assert small


def test_no_layer_holds_a_small_count_of_riders(written):
    plans, folder = written
    withheld = 0
    for plan in plans.plans:
        layer = json.loads((folder / f"{plan.name}.geojson").read_text(encoding="utf-8"))
        riders = [f["properties"].get("riders_day", 0) for f in layer["features"]]
        withheld += riders.count(None)
        assert not any(0 < n < LEAST for n in riders if n is not None)
    assert withheld > 0
