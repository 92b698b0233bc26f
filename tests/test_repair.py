"""Levers tried by repairing labels, against whole scans, on dense random timetables."""

from types import SimpleNamespace

import numpy as np
import pytest
from timetables import timetable_from_runs

from mobility.engine.journeys import Edge, EngineLimits
from mobility.remedies.family import Families, Family
from mobility.remedies.trial import Repair, put_in
from mobility.remedies.window import Window
from mobility.timetable.arrays import INF, take_runs
from mobility.timetable.footpaths import WalkTable

N_STOPS, N_HOMES, N_RUNS = 12, 10, 30


def window_of(runs, footpaths, walks, egress_s, limits):
    """The way to work of one edge, its parts as given."""
    tt = timetable_from_runs(N_STOPS, runs, footpaths)
    study = SimpleNamespace(
        n_homes=N_HOMES, territory=SimpleNamespace(limits=SimpleNamespace(safe_at_night=False))
    )
    edge = Edge(returning=False, at_s=7200, margin_s=0)
    ids, gate = np.arange(tt.n_runs, dtype=np.int64), SimpleNamespace(feeders={})
    window = Window(0, study, 0, None, edge, limits, ids, tt.runs, walks, gate)
    nothing = np.full(N_HOMES, INF, np.int32)
    window.__dict__.update(
        oriented=tt, egress_s=egress_s, readers={}, walked_s=nothing, workers=np.ones(N_HOMES)
    )
    elapsed_s = window.looked_up(window._base_scan, window.index_arrays[1], walks)
    window.__dict__["base_s"] = elapsed_s
    return window


def random_window(rng):
    runs = []
    for _ in range(N_RUNS):
        stops = rng.choice(N_STOPS, int(rng.integers(2, 5)), replace=False)
        times = 60 * np.sort(rng.choice(120, stops.size, replace=False))
        runs.append([(int(s), int(t)) for s, t in zip(stops, times, strict=True)])
    feet = [(int(a), int(b), 60 * int(w)) for a, b, w in
            zip(*rng.integers(0, N_STOPS, (2, 10)), rng.integers(1, 9, 10), strict=True)
            if a != b]  # fmt: skip
    feet = list({(a, b): (a, b, w) for a, b, w in feet}.values())
    stop = rng.integers(0, N_STOPS, N_HOMES).astype(np.int32)
    walk_s = (60 * rng.integers(0, 12, N_HOMES)).astype(np.int32)
    egress_s = np.full(N_STOPS, INF, np.int32)
    egress_s[:2] = 60 * rng.integers(0, 10, 2)
    limits = EngineLimits(max_total_s=7200, max_walk_s=900, max_wait_s=1500)
    return window_of(runs, feet, WalkTable(np.arange(N_HOMES + 1), stop, walk_s), egress_s, limits)


def alike(window, tried):
    """Whether someone gains or loses; what is told must be what whole scans tell."""
    repaired, scanned = Repair(window, Families.of([tried])), put_in(window, tried)
    expected = {} if scanned is None else scanned.effects(keep_times=True)
    turning = {m for m, e in expected.items() if e.gained.size or e.lost.size}
    assert repaired.turning() == turning
    told = repaired.effects(turning or None, keep_times=True)
    assert told.keys() == (expected.keys() & turning if turning else expected.keys())
    for member, effect in told.items():
        for name in ("gained", "lost", "saved_s", "homes", "elapsed_s"):
            assert np.array_equal(getattr(effect, name), getattr(expected[member], name)), name
    # Asked for one after the other they are told the same.
    apart = Repair(window, Families.of([tried]))
    assert {m for m in sorted(turning) if m in apart.effects([m])} == expected.keys() & turning
    return bool(turning)


@pytest.mark.parametrize("seed", range(3))
def test_labels_repaired_are_those_of_a_whole_scan(seed):
    rng = np.random.default_rng(seed)
    turned = 0
    for _ in range(60):
        window = random_window(rng)
        for _ in range(4):
            removed = np.sort(rng.choice(N_RUNS, int(rng.integers(0, 6)), replace=False))
            copies = take_runs(window.runs, rng.choice(N_RUNS, 15))
            by_s = 60 * rng.integers(-30, 31, 15).astype(np.int32)
            by_s = by_s.repeat(np.diff(copies.run_ptr))
            copies = copies._replace(
                call_arr=copies.call_arr + by_s, call_dep=copies.call_dep + by_s
            )
            tried = Family(removed, copies, rng.integers(0, 3, 15).astype(np.int32), 4)
            turned += alike(window, tried)
    assert turned > 20


@pytest.mark.parametrize("seed", range(3))
def test_whoever_gains_by_one_run_or_by_two_is_found(seed):
    """Members of one run, or of two that may be changed between; no other rides need be near."""
    rng = np.random.default_rng(seed)
    turned = 0
    for k in range(150):
        window = random_window(rng)
        gone = np.zeros(0, np.int64)
        copies = take_runs(window.runs, rng.choice(N_RUNS, 12))
        by_s = (60 * rng.integers(-30, 31, 12).astype(np.int32)).repeat(np.diff(copies.run_ptr))
        put = copies._replace(call_arr=copies.call_arr + by_s, call_dep=copies.call_dep + by_s)
        owner = np.arange(12, dtype=np.int32) // (1 + k % 2)
        turned += alike(window, Family(gone, put, owner, int(owner[-1]) + 1))
    assert turned > 30


def test_what_is_lost_with_two_rides_comes_back_with_three():
    """The bus to the gate gone, two others lead there with one change more."""
    runs = [
        [(5, 0), (4, 600)],  # from home to the change
        [(4, 900), (0, 1800)],  # straight to the gate, to be taken out
        [(4, 1200), (3, 2400)],  # or over another change
        [(3, 2700), (0, 6000)],
    ]
    egress_s = np.full(N_STOPS, INF, np.int32)
    egress_s[0] = 0
    at_stop = WalkTable(
        np.minimum(np.arange(N_HOMES + 1), 1), np.array([5], np.int32), np.zeros(1, np.int32)
    )
    limits = EngineLimits(max_total_s=7200, max_wait_s=6000)
    window = window_of(runs, [], at_stop, egress_s, limits)
    gone = np.flatnonzero(window.runs.call_dep[window.runs.run_ptr[:-1]] == 900)
    nothing = Family(gone, take_runs(window.runs, gone[:0]), np.zeros(0, np.int32), 1)
    assert window.base_s[0] < INF
    assert not alike(window, nothing)


def test_a_later_departure_that_needs_more_walking_hides_no_earlier_one():
    """Home is 300 s from stop 5; only the first of two buses put in leaves 600 s to walk."""
    runs = [
        [(5, 600), (4, 900)],
        [(4, 950), (2, 2000)],  # as things are: 700 s to walk at the gate, too far with 300 s
        [(4, 1000), (0, 2100)],  # to be put in: 60 s
        [(4, 1100), (1, 2200)],  # put in too: 840 s
    ]
    egress_s = np.full(N_STOPS, INF, np.int32)
    egress_s[[0, 1, 2]] = 60, 840, 700
    at_stop = WalkTable(
        np.minimum(np.arange(N_HOMES + 1), 1), np.array([5], np.int32), np.array([300], np.int32)
    )
    limits = EngineLimits(max_total_s=7200, max_walk_s=900, max_wait_s=6000)
    whole = window_of(runs, [], at_stop, egress_s, limits)
    late = np.flatnonzero(whole.runs.call_dep[whole.runs.run_ptr[:-1]] >= 1000)
    window = window_of(runs[:2], [], at_stop, egress_s, limits)
    put = take_runs(whole.runs, late)
    nothing = np.zeros(0, np.int64)
    assert window.base_s[0] == INF
    assert alike(window, Family(nothing, put, np.zeros(2, np.int32), 1))
