"""Runs routed with their vehicles in view: against brute force, bounds, and what is refused."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from light_plans import write_cut

from benchmarks.chains.pricing import RATE, price_end
from benchmarks.chains.solve import broken, solve_chains
from benchmarks.chains.trip_master import TripMaster
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.shuttles.chained import ChainProblem, out_of_reach, search_chains, trip_seconds
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.design import design_shuttles


def town(seed, *, calls=6, ends=2, outbound=False, gap_s=1500.0):
    """A few stops around two or three gates whose times are a little apart."""
    rng = np.random.default_rng(seed)
    end_of = np.sort(rng.integers(0, ends, calls)).astype(np.int32)
    xy = rng.uniform(0, 600, (calls + ends, 2))
    inbound = np.ones(ends, bool)
    inbound[1:] = not outbound
    return ChainProblem(
        drive_s=np.abs(xy[:, None] - xy[None]).sum(axis=2),
        end_of=end_of,
        load=rng.integers(2, 6, calls).astype(np.int32),
        halt_s=np.full(calls, 20.0),
        limit_s=np.full(calls, 1500.0),
        inbound=inbound,
        at_s=10_000.0 + gap_s * np.arange(ends),
        busy_s=np.full(ends, 60.0),
        seats=10,
    )


def partitions(items):
    """Every way to put items into groups."""
    if not items:
        yield []
        return
    first, *rest = items
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for k, group in enumerate(smaller):
            yield [*smaller[:k], [first, *group], *smaller[k + 1 :]]


def orders(problem, group):
    """Every order of a group of calls that is a trip by itself, with its best start for each."""
    if len({int(problem.end_of[c]) for c in group}) > 1:
        return []
    return [t for t in permutations(group) if not _alone_broken(problem, t)]


def _alone_broken(problem, trip):
    _, rides = trip_seconds(problem, trip)
    over = any(r > problem.limit_s[c] for r, c in zip(rides, trip, strict=True))
    return over or problem.load[list(trip)].sum() > problem.seats


def fewest(problem):
    """Fewest vehicles: every partition, every order, every chaining."""
    best = problem.n_calls
    for groups in partitions(list(range(problem.n_calls))):
        ways = [orders(problem, g) for g in groups]
        if not all(ways):
            continue
        stack = [([], 0)]
        while stack:
            trips, k = stack.pop()
            if k < len(ways):
                stack += [([*trips, t], k + 1) for t in _telling(problem, ways[k])]
                continue
            best = min(best, _chained(problem, trips))
    return best


def _telling(problem, ways):
    """Of the orders of a group, the shortest for each call at the far end."""
    kept = {}
    for trip in ways:
        span = trip_seconds(problem, trip)[0]
        if trip[0] not in kept or span < kept[trip[0]][0]:
            kept[trip[0]] = (span, trip)
    return [trip for _, trip in kept.values()]


def _chained(problem, trips):
    """Fewest vehicles for some trips: the most of them that follow another, by augmenting."""
    n = len(trips)
    can = [
        [j for j in range(n) if i != j and not _late(problem, trips[i], trips[j])] for i in range(n)
    ]
    owner = {}

    def place(i, seen):
        for j in can[i]:
            if j not in seen:
                seen.add(j)
                if j not in owner or place(owner[j], seen):
                    owner[j] = i
                    return True
        return False

    return n - sum(place(i, set()) for i in range(n))


def _late(problem, one, two):
    both = [w for w in broken(problem, [(one, two)]) if "before its vehicle" in w]
    return bool(both)


@pytest.mark.parametrize("seed", range(6))
def test_plans_are_as_good_as_brute_force(seed):
    problem = town(seed, ends=2 + seed % 2)
    plan = solve_chains(problem, rounds=200, seed=1)
    least = fewest(problem)
    assert broken(problem, plan.chains) == []
    assert plan.bound <= least == len(plan.chains)


@pytest.mark.parametrize("seed", range(4))
def test_runs_in_and_out_share_vehicles(seed):
    problem = town(seed, outbound=True)
    chains = solve_chains(problem, rounds=200, seed=1).chains
    assert broken(problem, chains) == []
    assert len(chains) == fewest(problem)


def test_the_bound_holds_on_larger_towns_and_answers_repeat():
    problem = town(3, calls=60, ends=4, gap_s=900.0)
    one, two = (solve_chains(problem, rounds=60, seed=2) for _ in range(2))
    assert one == two
    assert broken(problem, one.chains) == []
    assert max(one.bound, 1) <= len(one.chains)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_trip_is_priced_as_by_brute_force(seed):
    problem, rng = town(seed, ends=1), np.random.default_rng(seed)
    n = problem.n_calls
    earn, dues = rng.uniform(0, 0.5, n), np.array([0.1, 0.3, 1.0])
    latest = np.vstack([rng.uniform(300, 1500, (2, n)), np.full(n, 1e18)])
    calls, sizes, before, whole = price_end(
        problem.drive_s[:n, :n].copy(), problem.drive_s[:n, n], problem.load, problem.halt_s,
        problem.limit_s, earn, 0.2, dues, latest, problem.seats, True, 10_000,
    )  # fmt: skip
    worth = [
        0.2 + earn[list(trip)].sum() - dues[p]
        for size in range(1, n + 1)
        for trip in permutations(range(n), size)
        if not _alone_broken(problem, trip)
        for p in range(3)
        if trip_seconds(problem, trip)[0] <= latest[p, trip[0]]
    ]
    found = [
        0.2 + earn[row[:k]].sum() - dues[p] for row, k, p in zip(calls, sizes, before, strict=True)
    ]
    assert whole
    assert max(found, default=0.0) == pytest.approx(max(0.0, *worth), abs=10 * RATE)


def test_an_end_with_too_many_trips_to_price_still_counts_in_the_bound(monkeypatch):
    problem = town(3, calls=40, ends=3)
    full = solve_chains(problem, rounds=20, seed=1)
    monkeypatch.setattr("benchmarks.chains.trip_master.MOST_LABELS", 0)
    part = solve_chains(problem, rounds=20, seed=1)
    assert broken(problem, part.chains) == []
    assert 1 <= part.bound <= full.bound


def test_trips_rounded_from_the_relaxation_serve_every_call_once():
    problem = town(5, calls=40, ends=3)
    alone = [(c,) for c in range(problem.n_calls)]
    master = TripMaster(problem)
    master.add_chains([(trip,) for trip in alone])
    bound = master.relax()
    trips = master.dive(0.05)
    assert sorted(c for trip in trips for c in trip) == list(range(problem.n_calls))
    chains = search_chains(problem, trips, 400, seed=0)
    assert broken(problem, chains) == []
    assert bound <= len(chains)


def test_calls_out_of_reach_are_named():
    problem = town(0)
    full = replace(problem, load=np.array([2, 3, 11, 2, 2, 2], np.int32))
    assert out_of_reach(full) == [2]
    with pytest.raises(ValueError, match=r"out of reach: \[2\]"):
        solve_chains(full, rounds=1)
    far = replace(problem, limit_s=np.array([1500.0, 1500, 1500, 1500, 1500, 0.5]))
    assert out_of_reach(far) == [5]


def test_plans_that_break_a_rule_are_told():
    problem = town(1)
    chains = solve_chains(problem, rounds=100, seed=1).chains
    assert broken(problem, chains[1:]) == ["not every call is served once"] or len(chains) == 1
    late = [tuple(reversed(chain)) for chain in chains if len(chain) > 1]
    assert any("before its vehicle is there" in w for w in broken(problem, late))
    tight = replace(problem, limit_s=np.full(problem.n_calls, 1.0))
    assert any("rides too long" in w for w in broken(tight, chains))
    small = replace(problem, seats=1)
    assert any("overfull" in w for w in broken(small, chains))


@pytest.mark.slow
def test_runs_routed_anew_are_proven_and_never_dearer(tmp_path):
    """Whoever the engine finds without it is found with it, for no more euros or vehicles."""
    study = load(write_cut(tmp_path, "school_weekday"))
    access = assess(study)
    zones, few = white_zones(access), {"iterations": 3, "plans": 1, "max_stops": 6, "max_hubs": 0}
    plans, anew = (
        design_shuttles(study, access, zones, config=ShuttleConfig.from_dict(few | more), seed=3)
        for more in ({}, {"reroute": True})
    )
    saved = 0
    for old in plans.plans:
        as_good = [p for p in anew.plans if p.rosters_gained >= old.rosters_gained - 1e-6]
        least = min(p.costs.total for p in as_good)
        assert least <= old.costs.total + 1e-6
        saved += least < 0.99 * old.costs.total
    assert saved
    assert all(p.lost_proven == 0 for p in anew.plans)
