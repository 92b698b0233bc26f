"""Runs of several sites routed with their vehicles in view: fewest vehicles, then least driving.

Ruin and recreate over whole vehicles (`ruin`), trips priced with the end their vehicle comes
from (`trip_master`), each end's choice among all its trips (`every_trip`, `whole_ends`) and one
among those of all ends (`trip_choice`) work on the same `chain_problem.ChainProblem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.chain_problem import Chain, ChainProblem, Trip, out_of_reach, served_once
from mobility.shuttles.every_trip import every_trip
from mobility.shuttles.model import Ints
from mobility.shuttles.pricing import MOST_CALLS
from mobility.shuttles.ruin import chain_anew, search, start_trip
from mobility.shuttles.trip_choice import Choice, choose_trips
from mobility.shuttles.trip_master import TripMaster
from mobility.shuttles.trip_numbers import needs_more
from mobility.shuttles.trip_state import (
    CALL,
    CHANGES,
    END,
    FREE,
    KEPT,
    SUMS,
    TRIP,
    State,
    Undo,
    Ways,
)
from mobility.shuttles.whole_ends import WholeEnds

NEAR, KIN = 200, 100  # neighbours of a call: of all ends, of its own
MOST_WORK = 4_000_000  # of the choices of all ends
#: Shares of the trips fixed at a time, one for each plan rounded.
STEPS = (0.02, 0.05, 0.01, 0.1, 0.03, 0.015, 0.07, 0.2, 0.04, 0.005)


@dataclass(frozen=True)
class ChainPlan:
    """Chains of trips, and the vehicles below which no plan can go (0: not asked for)."""

    chains: tuple[Chain, ...]
    bound: int = 0


def solve_chains(
    problem: ChainProblem,
    *,
    rounds: int,
    seed: int = 0,
    with_bound: bool = True,
    dives: int = len(STEPS),
    most_work: int = MOST_WORK,
) -> ChainPlan:
    """Return a plan with few vehicles, then little driving.

    Ruin and recreate finds a first plan. Where all trips are inbound, and no end has more than
    `MOST_CALLS` calls, trips that know their predecessor are priced from it: their linear
    relaxation bounds the vehicles, and plans rounded from it are searched on. Where every trip
    of an end that a plan could need can be listed, the end's choice among them raises the bound;
    where those of all ends can, so may the numbers of trips of the ends, and plans are chosen
    among the trips priced and, at last, among all, with its own bound.

    Parameters
    ----------
    rounds
        Rounds of ruin and recreate for each call; with ``seed`` they fix the answer.
    with_bound
        Whether to bound the vehicles.
    dives
        Plans rounded from the relaxation, ten at most.
    most_work
        Of choosing the trips of each end whole (`whole_ends.Least`); 0: they are not.

    Raises
    ------
    ValueError
        A call is out of reach.
    """
    if out_of_reach(problem):
        raise ValueError(f"calls out of reach: {out_of_reach(problem)}")
    if not problem.n_calls:
        return ChainPlan(())
    alone = [(call,) for call in range(problem.n_calls)]
    iterations = rounds * problem.n_calls
    fits = np.bincount(problem.end_of).max() <= MOST_CALLS
    if not (with_bound and fits and problem.inbound.all()):
        return ChainPlan(search_chains(problem, alone, iterations, seed=seed))
    some = iterations // 8
    best = search_chains(problem, alone, some, seed=seed)
    master = TripMaster(problem)
    master.add_chains(best)
    bound = master.relax()
    ends = WholeEnds(problem, master, most_work)
    while len(best) > bound and ends.add_floors(best):
        bound = master.relax()
    every = every_trip(problem) if len(best) > bound else None
    if every is not None and needs_more(master, bound):
        bound += 1
    for k, step in enumerate(STEPS[:dives]):
        if len(best) <= bound:
            break
        found = search_chains(problem, master.dive(step), some, seed=seed + k + 1, target=bound)
        master.add_chains(found)
        best = min(best, found, key=len)
        if k == 0 and every is not None and len(best) > bound:
            choice = choose_trips(problem, master.priced(), best, master.fewest, bound=bound)
            best = _searched_on(problem, choice, best, some, seed=seed, target=bound)
    if every is not None and len(best) > bound:
        choice = choose_trips(problem, every, best, master.fewest, bound=bound)
        bound = max(bound, choice.bound)
        best = _searched_on(problem, choice, best, some, seed=seed, target=bound)
    if len(best) <= bound:
        return ChainPlan(best, bound)
    trips = [trip for chain in best for trip in chain]
    return ChainPlan(search_chains(problem, trips, iterations, seed=seed, target=bound), bound)


def _searched_on(
    problem: ChainProblem,
    choice: Choice,
    best: tuple[Chain, ...],
    iterations: int,
    *,
    seed: int,
    target: int,
) -> tuple[Chain, ...]:
    """Return the plan searched on from a choice of trips, or the best one where this has less."""
    trips = served_once(problem, choice.trips)
    found = search_chains(problem, trips, iterations, seed=seed, target=target)
    return min(best, found, key=len)


def search_chains(
    problem: ChainProblem,
    trips: Sequence[Trip],
    iterations: int,
    *,
    seed: int,
    target: int = 0,
    drive_only: bool = False,
) -> tuple[Chain, ...]:
    """Chain trips, then search by ruin and recreate; the vehicles never become more.

    Parameters
    ----------
    trips
        A first plan: every call once.
    iterations
        At most; ``target`` vehicles end the search.
    drive_only
        Whether less driving is sought with the vehicles of the first plan, and no fewer of these.
    """
    ways, state = _ways_of(problem), _new_state(problem)
    best, undo = _new_state(problem), _new_undo(problem)
    for trip in trips:
        start_trip(ways, state, undo, np.array(trip, np.int64))
    chain_anew(ways, state, undo)
    most = max(iterations, 1)
    search(ways, state, undo, best, problem.seats, most, target, seed, drive_only)
    return _chains_of(best)


def _ways_of(problem: ChainProblem) -> Ways:
    """Return the problem as the kernels read it."""
    n, ends = problem.n_calls, len(problem.at_s)
    there = np.ascontiguousarray(problem.drive_s, np.float64)
    close = np.minimum(there[:n, :n], there[:n, :n].T)
    near = np.ascontiguousarray(np.argsort(close, axis=1, kind="stable")[:, :NEAR])
    kin = np.full((n, KIN), FREE, np.int64)
    for end in range(ends):
        own = np.flatnonzero(problem.end_of == end)
        order = own[np.argsort(close[np.ix_(own, own)], axis=1, kind="stable")][:, :KIN]
        kin[own, : order.shape[1]] = order
    calls, gates = np.zeros(n, CALL), np.zeros(ends, END)
    calls["end"], calls["load"] = problem.end_of, problem.load
    calls["halt"], calls["limit"] = problem.halt_s, problem.limit_s
    gates["at"], gates["busy"], gates["inbound"] = problem.at_s, problem.busy_s, problem.inbound
    gates["soon"] = problem.at_s + np.where(problem.inbound, problem.busy_s, 0.0)
    gates["late"] = problem.at_s - np.where(problem.inbound, 0.0, problem.busy_s)
    return Ways(there, np.ascontiguousarray(there.T), calls, gates, near, kin)


def _longest(problem: ChainProblem) -> int:
    """Return the most calls that a trip can have by its seats."""
    return int(min(problem.n_calls, problem.seats // max(int(problem.load.min()), 1))) + 1


def _new_state(problem: ChainProblem) -> State:
    """Return a plan without trips."""
    calls, ends, most = problem.n_calls, len(problem.at_s), _longest(problem)
    slots = calls + 5
    trips = np.zeros(slots, TRIP)
    trips["pred"] = trips["succ"] = FREE
    return State(
        trips, _ints(slots, most), np.zeros((slots, most)), np.zeros((slots, most + 1)),
        _ints(calls) + FREE, _ints(ends, slots), _ints(ends), np.zeros(1, SUMS),
    )  # fmt: skip


def _new_undo(problem: ChainProblem) -> Undo:
    """Return an empty memory of changes."""
    slots = problem.n_calls + 5
    return Undo(
        np.zeros(slots, KEPT), _ints(slots, _longest(problem)), _ints(slots), np.zeros(1, CHANGES)
    )


def _ints(*shape: int) -> Ints:
    return np.zeros(shape, np.int64)


def _chains_of(state: State) -> tuple[Chain, ...]:
    """Return what each vehicle drives, in the order of its slots."""
    chains = []
    kept = state.trips
    for slot in np.flatnonzero((kept["size"] > 0) & (kept["pred"] < 0)):
        trips, at = [], int(slot)
        while at >= 0:
            trips.append(tuple(int(c) for c in state.seq[at, : kept["size"][at]]))
            at = int(kept["succ"][at])
        chains.append(tuple(trips))
    return tuple(chains)
