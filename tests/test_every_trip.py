"""Every trip of an end that a plan could need, and what the best of them cost: by brute force."""

from itertools import permutations

import numpy as np
import pytest
from test_shuttle_chains import _alone_broken, fewest, orders, partitions, town

from benchmarks import sbrp
from mobility.shuttles.chain_problem import trip_seconds
from mobility.shuttles.every_trip import cheapest_before, trips_of_end
from mobility.shuttles.trip_master import TripMaster
from mobility.shuttles.trip_numbers import refuted
from mobility.shuttles.whole_ends import WholeEnds, least_cost

DUES = np.array([0.2, 0.0, 0.5, 1.0])


def cost(problem, trip, dues=DUES):
    """What the cheapest predecessor of a trip costs."""
    span, end = trip_seconds(problem, trip)[0], int(problem.end_of[trip[0]])
    free = problem.at_s + problem.busy_s + problem.drive_s[problem.n_calls :, trip[0]]
    return min([*dues[:-1][free <= problem.at_s[end] - span], dues[-1]])


@pytest.mark.parametrize("seed", range(4))
def test_each_trip_is_served_for_no_more_by_a_listed_one(seed):
    problem = town(seed, ends=3, gap_s=600.0)
    for end in range(3):
        trips, costs = trips_of_end(problem, end, DUES)
        assert not any(_alone_broken(problem, trip) for trip in trips)
        assert costs.tolist() == [cost(problem, trip) for trip in trips]
        own = [int(c) for c in np.flatnonzero(problem.end_of == end)]
        for size in range(1, len(own) + 1):
            for trip in permutations(own, size):
                assert _alone_broken(problem, trip) or any(
                    set(trip) <= set(other) and cost(problem, trip) >= paid
                    for other, paid in zip(trips, costs, strict=True)
                )


@pytest.mark.parametrize("seed", range(4))
def test_an_end_costs_as_much_as_by_brute_force(seed):
    problem = town(seed, calls=8, ends=3, gap_s=600.0)
    for end in range(3):
        calls = np.flatnonzero(problem.end_of == end)
        ways = [[orders(problem, group) for group in p] for p in partitions(calls.tolist())]
        least = min(
            sum(min(cost(problem, trip) for trip in way) for way in plan)
            for plan in ways
            if all(plan)
        )
        found, tight = least_cost(calls, *trips_of_end(problem, end, DUES), fewest=1)
        assert tight
        assert found == pytest.approx(least, abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_has_fewer_vehicles_than_the_ends_cost_whole(seed):
    problem = town(seed, ends=2 + seed % 2)
    alone = [((call,),) for call in range(problem.n_calls)]
    master = TripMaster(problem)
    master.add_chains(alone)
    bound, ends = master.relax(), WholeEnds(problem, master)
    while ends.add_floors(alone):
        bound, before = master.relax(), bound
        assert bound >= before
    least = fewest(problem)
    assert bound <= least
    assert not refuted(master, least)
    assert refuted(master, bound - 1)
    assert master.relax() == bound


def test_an_end_with_too_many_trips_is_not_listed():
    problem = town(3, calls=40, ends=2)
    assert trips_of_end(problem, 0, np.ones(3), most=50) is None
    assert trips_of_end(problem, 0, np.ones(3)) is not None


def test_a_trip_that_nothing_reaches_pays_a_vehicle():
    problem = town(0)
    found = cheapest_before(problem, np.array([0]), 0, np.array([300.0]), np.array([0.0, 0.0, 1.0]))
    assert found.tolist() == [1.0]


@pytest.mark.skipif(not sbrp.FOLDER.is_dir(), reason="the public instances are not at hand")
def test_a_plan_of_a_public_instance_is_proven_the_best():
    problem, ids = sbrp.problem_of(sbrp.FOLDER / "CSCB04", 2700)
    at = {stop: call for call, stop in enumerate(ids)}
    lines = (sbrp.PLANS / "CSCB04-2700.txt").read_text().splitlines()[1:]
    chains = [
        tuple(tuple(at[stop] for stop in trip.split()) for trip in line.split(";"))
        for line in lines
    ]
    master = TripMaster(problem)
    master.add_chains(chains)
    assert master.relax() == 63
    assert WholeEnds(problem, master).add_floors(chains)
    assert master.relax() == len(chains) == 66
