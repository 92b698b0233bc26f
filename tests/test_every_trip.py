"""Every trip that a plan could need, and the choice among them: against brute force."""

from itertools import permutations

import highspy
import numpy as np
import pytest
from test_shuttle_chains import _alone_broken, fewest, orders, partitions, town

from benchmarks import sbrp
from benchmarks.chains.every_trip import WholeEnds, every_trip, follows, least_cost, trips_of_end
from benchmarks.chains.solve import MOST_WORK, broken, choose_trips, run_from
from benchmarks.chains.trip_master import TripMaster, needs_more, served_once
from mobility.shuttles.chained import search_chains, trip_seconds


def can_follow(problem, trip):
    """The ends that a trip can follow."""
    span = trip_seconds(problem, trip)[0]
    end = int(problem.end_of[trip[0]])
    return set(np.flatnonzero(follows(problem, np.array(trip[:1]), end, np.array([span]))[0]))


def test_a_start_that_is_not_the_best_is_not_kept():
    """Six columns cover three rows, the two cheapest for 0.50; the start costs 1.75."""
    covers = [(0, 2), (0, 1), (1, 2), (0,), (1,), (2,)]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(covers), 3
    lp.col_cost_ = np.array([0.25, 1.0, 0.5, 0.5, 0.25, 1.0])
    lp.col_lower_, lp.col_upper_ = np.zeros(len(covers)), np.ones(len(covers))
    lp.row_lower_, lp.row_upper_ = np.ones(3), np.full(3, highspy.kHighsInf)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(covers)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.cumsum([0, *map(len, covers)])
    lp.a_matrix_.index_ = np.concatenate(covers)
    lp.a_matrix_.value_ = np.ones(9)
    solver, start = highspy.Highs(), highspy.HighsSolution()
    # A process keeps the number of threads of its first solver.
    for option, value in (("output_flag", False), ("threads", 1)):
        solver.setOptionValue(option, value)
    solver.passModel(lp)
    start.col_value = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    run_from(solver, start)
    assert solver.getInfo().objective_function_value == pytest.approx(0.5)
    assert np.flatnonzero(np.round(solver.getSolution().col_value)).tolist() == [0, 4]


@pytest.mark.parametrize("seed", range(4))
def test_each_trip_is_served_as_well_by_a_listed_one(seed):
    problem = town(seed, ends=3, gap_s=600.0)
    listed = every_trip(problem)
    assert not any(_alone_broken(problem, trip) for trip in listed)
    for end in range(3):
        own = [int(c) for c in np.flatnonzero(problem.end_of == end)]
        for size in range(1, len(own) + 1):
            for trip in permutations(own, size):
                if _alone_broken(problem, trip):
                    continue
                assert any(
                    set(trip) <= set(other)
                    and can_follow(problem, trip) <= can_follow(problem, other)
                    for other in listed
                )


@pytest.mark.parametrize("seed", range(6))
def test_the_choice_is_as_good_as_brute_force_and_proves_it(seed):
    problem = town(seed, ends=2 + seed % 2)
    alone = [((call,),) for call in range(problem.n_calls)]
    choice = choose_trips(problem, every_trip(problem), alone, [0] * len(problem.at_s), bound=0)
    chains = search_chains(problem, served_once(problem, choice.trips), 0, seed=0)
    assert broken(problem, chains) == []
    assert len(chains) == choice.bound == fewest(problem)


def test_an_end_with_too_many_trips_is_not_listed():
    problem = town(3, calls=40, ends=2)
    assert trips_of_end(problem, 0, most=50) is None
    assert trips_of_end(problem, 0) is not None


def cost(problem, trip, dues):
    """What the cheapest predecessor of a trip costs."""
    return min([*dues[:-1][list(can_follow(problem, trip))], dues[-1]])


@pytest.mark.parametrize("seed", range(4))
def test_an_end_costs_as_much_as_by_brute_force(seed):
    problem, dues = town(seed, calls=8, ends=3, gap_s=600.0), np.array([0.2, 0.0, 0.5, 1.0])
    for end in range(3):
        calls = np.flatnonzero(problem.end_of == end)
        ways = [[orders(problem, group) for group in p] for p in partitions(calls.tolist())]
        least = min(
            sum(min(cost(problem, trip, dues) for trip in way) for way in plan)
            for plan in ways
            if all(plan)
        )
        trips = trips_of_end(problem, end)
        costs = np.array([cost(problem, trip, dues) for trip in trips])
        found = least_cost(calls, trips, costs, fewest=1, most_work=MOST_WORK)
        assert found.tight
        assert found.cost == pytest.approx(least, abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_has_fewer_vehicles_than_the_ends_cost_whole(seed):
    problem = town(seed, ends=2 + seed % 2)
    alone = [((call,),) for call in range(problem.n_calls)]
    master = TripMaster(problem)
    master.add_chains(alone)
    bound, ends = master.relax(), WholeEnds(problem, master, MOST_WORK)
    while ends.add_floors(alone):
        bound, before = master.relax(), bound
        assert bound >= before
    least = fewest(problem)
    assert bound <= least
    assert not needs_more(master, least)
    assert needs_more(master, bound - 1)
    assert master.relax() == bound


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
    assert WholeEnds(problem, master, MOST_WORK).add_floors(chains)
    assert master.relax() == len(chains) == 66
