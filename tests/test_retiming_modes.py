"""Levers where bicycles and on-demand vehicles meet the lines, and where nights must be safe.

A lever's times, and who gains by it, equal those of a full new run for every mode that rides
the timetable.
"""

from pathlib import Path

import numpy as np
import pytest

from mobility.commute.access import assess, rosters
from mobility.commute.loading import load
from mobility.remedies.candidates import SearchOptions, candidates
from mobility.remedies.full_runs import what_if
from mobility.remedies.search import access_after, workbench
from mobility.territory.project import Territory

DEMO = Path(__file__).parents[1] / "data" / "demo.toml"
KINDS = ("move_trip", "move_line", "extend", "add_run", "hold", "stop")
MODES = ["transit", "walk", "bike", "bike_transit", "park_and_ride", "on_demand"]


def bench_of(bike, *, night):
    territory = Territory.from_toml(DEMO)
    homes = load(territory).homes.frame
    zone = {
        "name": "campagne",
        "communes": sorted(set(homes["commune"].dropna()))[:2],
        "hubs": ["Gare"],
    }
    changes = territory.model_dump(exclude_unset=True) | {
        "modes": {"evaluated": MODES, "cycling_counts": True},
        "feeders": {"bike": bike},
        "on_demand": [zone],
        "limits": territory.limits.model_dump() | {"safe_at_night": night},
    }
    return workbench(assess(load(Territory.from_dict(changes, DEMO))))


@pytest.fixture(scope="module", params=[("parked", False), ("carried", False), ("parked", True)])
def bench(request):
    bike, night = request.param
    return bench_of(bike, night=night)


def levers(bench, seed, per_kind=3):
    """Random levers of every kind that change someone, with their effects."""
    rng = np.random.default_rng(seed)
    for kind in KINDS:
        options = SearchOptions(kinds=(kind,))
        units = candidates(bench.study, bench.nets, bench.windows, options, bench.new_stops)
        found = 0
        for place in rng.permutation(len(units)):
            unit = units[place]
            lever = unit[int(rng.integers(len(unit)))]
            effects = bench.try_units([(lever,)], keep_times=True)[0][0]
            if effects:
                yield lever, effects
                found += 1
            if found == per_kind:
                break


def test_present_answers_are_those_of_the_assessment(bench):
    assert np.array_equal(access_after(bench, {}).outbound_s, bench.access.outbound_s)
    again = assess(bench.study)
    assert np.array_equal(again.outbound_s, bench.access.outbound_s)
    assert np.array_equal(again.return_s, bench.access.return_s)


def test_every_mode_equals_a_full_run(bench):
    riding = 0
    for lever, effects in levers(bench, 3, per_kind=2):
        full = assess(what_if(bench.study, [lever]))
        after = access_after(bench, effects)
        assert np.array_equal(full.outbound_s, after.outbound_s), lever
        assert np.array_equal(full.return_s, after.return_s), lever
        changed = (full.outbound_s != bench.access.outbound_s).any(axis=1)
        riding += int((changed & (full.keys["mode"] != "transit").to_numpy()).sum())
    assert riding


def test_gains_are_those_of_a_full_run(bench):
    study, keys = bench.study, bench.present.keys
    for lever, _ in levers(bench, 5, per_kind=1):
        changes = {c.key: c for c in bench.scores.changes(bench.try_units([(lever,)])[0][0])}
        full = assess(what_if(study, [lever]))
        for key, (shift_id, kind) in enumerate(
            keys[["shift_id", "day_kind"]].itertuples(index=False)
        ):
            before = bench.access.counted(int(shift_id), str(kind))[2]
            after = full.counted(int(shift_id), str(kind))[2]
            mine = changes.get(key)
            gained = [] if mine is None else mine.gained.tolist()
            lost = [] if mine is None else mine.lost.tolist()
            assert gained == np.flatnonzero(after & ~before).tolist(), lever
            assert lost == np.flatnonzero(before & ~after).tolist(), lever
        score = bench.scores.score(bench.try_units([(lever,)])[0][0])
        one, two = rosters(bench.access), rosters(full)
        gained = sum(
            study.workers @ (two.holds[r] & ~one.holds[r])
            for r in np.flatnonzero(one.keys["mode"] == "counted")
        )
        assert score.rosters_gained == gained
