"""The fewest vehicles that drive some of the given trips, all calls served: by HiGHS.

Trips are chosen whole; what follows what is a flow from the ends where trips are over to the
trips that can start then, whole by itself once the trips are. Trips of an end that can follow
the same ends share their flow. The branch and bound ends when its bound, rounded up, is
reached: over every trip that a plan could need (`every_trip`) this bounds all plans.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from mobility.shuttles.chain_problem import Chain, ChainProblem, Trip, trip_seconds
from mobility.shuttles.every_trip import follows
from mobility.shuttles.model import Ints

WHOLE = 1e-6
OPTIONS = {
    "output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": 1 - WHOLE,
    "mip_max_nodes": 500,
}  # fmt: skip


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
        self.before: list[Ints] = []  # ends that each kind can follow
        for end in range(len(problem.at_s)):
            own = np.flatnonzero(self.end == end)
            for k, can in zip(own, follows(problem, first[own], end, spans[own]), strict=True):
                self.kind[k] = kinds.setdefault((end, can.tobytes()), len(kinds))
                if self.kind[k] == len(self.before):
                    self.before.append(np.flatnonzero(can))
        self.flows = {
            (kind, int(end)): k
            for k, (kind, end) in enumerate(
                (kind, end) for kind, ends in enumerate(self.before) for end in ends
            )
        }

    def written(self, fewest: Sequence[int]) -> Any:
        """Return the model as HiGHS reads it."""
        n, kinds, ends = self.problem.n_calls, len(self.before), len(self.problem.at_s)
        index, value, starts = [], [], [0]
        for trip, kind, end in zip(self.trips, self.kind, self.end, strict=True):
            index += [*trip, n + int(kind), n + kinds + int(end), n + kinds + ends + int(end)]
            value += [1.0] * len(trip) + [-1.0, -1.0, 1.0]
            starts.append(len(index))
        for kind, end in self.flows:
            index += [n + kind, n + kinds + end]
            value += [1.0, 1.0]
            starts.append(len(index))
        inf, trips, flows = highspy.kHighsInf, len(self.trips), len(self.flows)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = trips + flows, n + kinds + 2 * ends
        lp.col_cost_ = np.r_[np.ones(trips), -np.ones(flows)]
        lp.col_lower_ = np.zeros(trips + flows)
        lp.col_upper_ = np.r_[np.ones(trips), np.full(flows, inf)]
        lp.row_lower_ = np.r_[np.ones(n), np.full(kinds + ends, -inf), np.array(fewest, float)]
        lp.row_upper_ = np.r_[np.full(n, inf), np.zeros(kinds + ends), np.full(ends, inf)]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.array(starts, np.int32)
        lp.a_matrix_.index_ = np.array(index, np.int32)
        lp.a_matrix_.value_ = np.array(value)
        kind = highspy.HighsVarType
        lp.integrality_ = [kind.kInteger] * trips + [kind.kContinuous] * flows
        return lp

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


def _solver() -> Any:
    """Return a quiet solver on one core that ends at a gap below one."""
    found: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, is_ in OPTIONS.items():
        found.setOptionValue(option, is_)
    return found


def _fewest(model: _Model, end: int, least: int) -> int:
    """Return how many trips an end needs at least to serve its calls, alone."""
    own = np.flatnonzero(model.end == end)
    calls = np.flatnonzero(model.problem.end_of == end)
    row = {int(call): k for k, call in enumerate(calls)}
    index = [row[call] for k in own for call in model.trips[k]]
    sizes = [len(model.trips[k]) for k in own]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(own), len(calls)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = (f(len(own)) for f in (np.ones, np.zeros, np.ones))
    lp.row_lower_ = np.ones(len(calls))
    lp.row_upper_ = np.full(len(calls), highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.cumsum([0, *sizes]).astype(np.int32)
    lp.a_matrix_.index_ = np.array(index, np.int32)
    lp.a_matrix_.value_ = np.ones(len(index))
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(own)
    solver = _solver()
    solver.passModel(lp)
    solver.run()
    return max(least, math.ceil(solver.getInfo().mip_dual_bound - WHOLE))


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
    least = [
        _fewest(model, end, few) if used[end] > few else few for end, few in enumerate(fewest)
    ]
    solver = _solver()
    solver.passModel(model.written(least))
    solver.setSolution(model.start(chains))
    reached = [float(bound)]

    def look(event: Any) -> None:
        out = event.data_out
        reached[0] = max(reached[0], out.mip_dual_bound)
        if min(out.mip_primal_bound, len(chains)) <= math.ceil(reached[0] - WHOLE):
            event.interrupt()

    solver.cbMipInterrupt += look
    solver.run()
    info = solver.getInfo()
    bound = math.ceil(max(reached[0], info.mip_dual_bound) - WHOLE)
    if not info.objective_function_value < len(chains) - 0.5:
        return Choice(tuple(own), min(bound, len(chains)))
    value = np.array(solver.getSolution().col_value)[: len(model.trips)]
    return Choice(tuple(model.trips[k] for k in np.flatnonzero(value > 0.5)), bound)
