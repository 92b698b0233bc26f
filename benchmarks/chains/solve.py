"""Plans of few vehicles, and the vehicles below which none can go.

The product's search over whole vehicles (`mobility.shuttles.chained`), trips priced with the end
their vehicle comes from (`trip_master`), each end's choice among all its trips (`every_trip`) and
one among those of all ends (`choose_trips`) work on the same `ChainProblem`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from benchmarks.chains.every_trip import WholeEnds, every_trip, follows
from benchmarks.chains.pricing import MOST_CALLS
from benchmarks.chains.trip_master import TripMaster, needs_more, quiet_solver, served_once
from mobility.shuttles.chained import (
    EPS,
    Chain,
    ChainProblem,
    Trip,
    out_of_reach,
    search_chains,
    trip_seconds,
)
from mobility.shuttles.model import Floats, Longs

WHOLE = 1e-6


_SAME_COST = 1e-3


OPTIONS = {"mip_rel_gap": 0.0, "mip_abs_gap": 1 - WHOLE, "mip_max_nodes": 500}


MOST_WORK = 4_000_000  # of the choices of all ends


#: Shares of the trips fixed at a time, one for each plan rounded.
STEPS = (0.02, 0.05, 0.01, 0.1, 0.03, 0.015, 0.07, 0.2, 0.04, 0.005)


@dataclass(frozen=True)
class Choice:
    """Trips that serve every call, and the vehicles below which no choice among them can go."""

    trips: tuple[Trip, ...]
    bound: int


class _Model:
    """Rows: calls, kinds of trips (end and ends it can follow), ends; columns: trips, flows."""

    def __init__(self, problem: ChainProblem, trips: Sequence[Trip]) -> None:
        self.problem, self.trips = problem, trips
        self.end = problem.end_of[[t[0] for t in trips]]
        kinds: dict[tuple[int, bytes], int] = {}
        spans = np.array([trip_seconds(problem, t)[0] for t in trips])
        first = np.array([t[0] for t in trips])
        self.kind = np.zeros(len(trips), np.int64)
        self.before: list[Longs] = []  # ends that each kind can follow
        for end in range(len(problem.at_s)):
            own = np.flatnonzero(self.end == end)
            for k, can in zip(own, follows(problem, first[own], end, spans[own]), strict=True):
                self.kind[k] = kinds.setdefault((end, can.tobytes()), len(kinds))
                if self.kind[k] == len(self.before):
                    self.before.append(np.flatnonzero(can))
        flows = [(kind, int(end)) for kind, ends in enumerate(self.before) for end in ends]
        self.flows = {flow: k for k, flow in enumerate(flows)}

    def written(self, fewest: Sequence[int]) -> Any:
        """Return the model as HiGHS reads it."""
        n, kinds, ends = self.problem.n_calls, len(self.before), len(self.problem.at_s)
        columns = [
            (
                [*t, n + int(k), n + kinds + int(e), n + kinds + ends + int(e)],
                [*[1.0] * len(t), -1.0, -1.0, 1.0],
            )
            for t, k, e in zip(self.trips, self.kind, self.end, strict=True)
        ] + [([n + k, n + kinds + end], [1.0, 1.0]) for k, end in self.flows]
        inf = highspy.kHighsInf
        low = np.r_[np.ones(n), np.full(kinds + ends, -inf), np.array(fewest, float)]
        high = np.r_[np.full(n, inf), np.zeros(kinds + ends), np.full(ends, inf)]
        return _program(columns, len(self.trips), low, high)

    def start(self, chains: Sequence[Chain]) -> Any:
        """Return a plan of trips of the model as a first answer."""
        at = {trip: k for k, trip in enumerate(self.trips)}
        value = np.zeros(len(self.trips) + len(self.flows))
        for chain in chains:
            for k, trip in enumerate(chain):
                value[at[trip]] = 1.0
                if k:
                    key = int(self.kind[at[trip]]), int(self.end[at[chain[k - 1]]])
                    value[len(self.trips) + self.flows[key]] += 1.0
        found = highspy.HighsSolution()
        found.col_value = list(value)
        return found


def _program(
    columns: Sequence[tuple[list[int], list[float]]], trips: int, low: Floats, high: Floats
) -> Any:
    """Return columns with rows and values, trips and then flows, as HiGHS reads them."""
    flows, found = len(columns) - trips, highspy.HighsLp()
    found.num_col_, found.num_row_ = len(columns), len(low)
    found.col_cost_ = np.r_[np.ones(trips), -np.ones(flows)]
    found.col_lower_ = np.zeros(trips + flows)
    found.col_upper_ = np.r_[np.ones(trips), np.full(flows, highspy.kHighsInf)]
    found.row_lower_, found.row_upper_ = low, high
    matrix, of = found.a_matrix_, highspy.HighsVarType
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.start_ = np.cumsum([0, *(len(rows) for rows, _ in columns)]).astype(np.int32)
    matrix.index_ = np.array([row for rows, _ in columns for row in rows], np.int32)
    matrix.value_ = np.array([value for _, values in columns for value in values])
    found.integrality_ = [of.kInteger] * trips + [of.kContinuous] * flows
    return found


def _fewest(model: _Model, end: int, least: int) -> int:
    """Return how many trips an end needs at least to serve its calls, alone."""
    calls = np.flatnonzero(model.problem.end_of == end)
    row = {int(call): k for k, call in enumerate(calls)}
    own = [model.trips[int(k)] for k in np.flatnonzero(model.end == end)]
    columns = [([row[call] for call in trip], [1.0] * len(trip)) for trip in own]
    solver = quiet_solver(**OPTIONS)
    inf = np.full(len(calls), highspy.kHighsInf)
    solver.passModel(_program(columns, len(own), np.ones(len(calls)), inf))
    solver.run()
    return max(least, math.ceil(float(solver.getInfo().mip_dual_bound) - WHOLE))


def run_from(solver: highspy.Highs, start: highspy.HighsSolution) -> None:
    """Run a program from a start, and again without it where its answer cannot be.

    HiGHS 1.16 may return the start as optimal with the cost of another plan, where presolve has
    taken some of its columns out for cheaper ones.
    """
    solver.setSolution(start)
    solver.run()
    costs, values = np.array(solver.getLp().col_cost_), solver.getSolution().col_value
    told = solver.getInfo().objective_function_value
    if len(values) == len(costs) and abs(costs @ np.array(values) - told) > _SAME_COST:
        solver.clearSolver()
        solver.run()


def choose_trips(
    problem: ChainProblem,
    trips: Sequence[Trip],
    chains: Sequence[Chain],
    fewest: Sequence[int],
    *,
    bound: int,
) -> Choice:
    """Choose among the trips and those of a plan, for fewer vehicles than this has.

    Parameters
    ----------
    chains
        The plan.
    fewest
        Trips each end needs at least.
    bound
        Vehicles below which no plan goes.
    """
    own = [trip for chain in chains for trip in chain]
    model = _Model(problem, list(dict.fromkeys([*trips, *own])))
    used = np.bincount(problem.end_of[[trip[0] for trip in own]], minlength=len(fewest))
    least = [_fewest(model, end, few) if used[end] > few else few for end, few in enumerate(fewest)]
    solver = quiet_solver(**OPTIONS)
    solver.passModel(model.written(least))
    reached = float(bound)

    def look(event: Any) -> None:
        nonlocal reached
        out = event.data_out
        reached = max(reached, out.mip_dual_bound)
        if min(out.mip_primal_bound, len(chains)) <= math.ceil(reached - WHOLE):
            event.interrupt()

    solver.cbMipInterrupt += look
    run_from(solver, model.start(chains))
    info = solver.getInfo()
    bound = math.ceil(max(reached, info.mip_dual_bound) - WHOLE)
    if not info.objective_function_value < len(chains) - 0.5:
        return Choice(tuple(own), min(bound, len(chains)))
    value = np.array(solver.getSolution().col_value)[: len(model.trips)]
    return Choice(tuple(model.trips[int(k)] for k in np.flatnonzero(value > 0.5)), bound)


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
        Of choosing the trips of each end whole (`every_trip.Least`); 0: they are not.

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


def broken(problem: ChainProblem, chains: Sequence[Chain]) -> list[str]:
    """Return what is wrong with a plan, nothing where it holds."""
    wrong = []
    served = sorted(call for chain in chains for trip in chain for call in trip)
    if served != list(range(problem.n_calls)):
        wrong.append("not every call is served once")
    for chain in chains:
        before: tuple[int, float] | None = None
        for trip in chain:
            span, rides = trip_seconds(problem, trip)
            end = int(problem.end_of[trip[0]])
            if len({int(problem.end_of[call]) for call in trip}) > 1:
                wrong.append(f"trip {trip} serves two ends")
            if problem.load[list(trip)].sum() > problem.seats:
                wrong.append(f"trip {trip} is overfull")
            if any(r > problem.limit_s[c] + EPS for r, c in zip(rides, trip, strict=True)):
                wrong.append(f"trip {trip} rides too long")
            gate, at, busy = problem.gate(end), problem.at_s[end], problem.busy_s[end]
            inbound = bool(problem.inbound[end])
            origin, start = (trip[0], at - span) if inbound else (gate, at - busy)
            if before and before[1] + problem.drive_s[before[0], origin] > start + EPS:
                wrong.append(f"trip {trip} starts before its vehicle is there")
            before = (gate, at + busy) if inbound else (trip[0], at + span)
    return wrong
