"""What the trips of an end cost at least, chosen whole: beyond what a relaxation tells.

At fixed prices of following, ends are apart: the trips of an end, each with the cheapest
predecessor it can have, cost at least what the best choice among every trip that a plan could
need costs (`every_trip`). HiGHS finds it, or a bound on it; where it is more than what the
relaxation pays (`trip_master`), it becomes a row there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import highspy
import numpy as np

from mobility.shuttles.chain_problem import Chain, ChainProblem, Trip, trip_seconds
from mobility.shuttles.every_trip import follows, trips_of_end
from mobility.shuttles.model import Floats, Longs
from mobility.shuttles.pricing import RATE
from mobility.shuttles.trip_master import Floor, TripMaster, quiet_solver

_LEAST_GAIN = 1e-3  # vehicles
OPTIONS = {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-4, "mip_max_nodes": 500, "presolve": "off"}


class Least(NamedTuple):
    """What the trips of an end cost at least, chosen whole.

    Attributes
    ----------
    cost
        A bound.
    tight
        Whether a choice costs no more.
    work
        How often HiGHS asked whether to go on, times trips: the same on every machine.
    """

    cost: float
    tight: bool
    work: int


class WholeEnds:
    """Ends whose trips are chosen whole, one by one.

    Parameters
    ----------
    most_work
        Of all ends together (`Least.work`).
    """

    def __init__(self, problem: ChainProblem, master: TripMaster, most_work: int) -> None:
        self._problem, self._master = problem, master
        self._trips: dict[int, list[Trip] | None] = {}
        self._too_many: set[int] = set()  # ends with more trips than can be chosen among
        self._work_left = most_work

    def add_floors(self, chains: Sequence[Chain]) -> bool:
        """Add what ends cost at least to the relaxation; return whether any costs more there.

        Only ends are looked at where a plan pays more than the relaxation.

        Parameters
        ----------
        chains
            The plan.
        """
        p, (dues, told) = self._problem, self._master.prices()
        own: list[list[Trip]] = [[] for _ in told]
        for chain in chains:
            for trip in chain:
                own[int(p.end_of[trip[0]])].append(trip)
        paid = np.array([self._paid(end, own[end], dues).sum() for end in range(len(told))])
        more = False
        for end in np.argsort(told - paid, kind="stable"):
            if paid[end] < told[end] + _LEAST_GAIN or int(end) in self._too_many:
                continue
            if self._work_left <= 0:
                break
            listed = self._listed(int(end))
            least = Least(0.0, tight=False, work=0)
            if listed is not None:
                least = least_cost(
                    np.flatnonzero(p.end_of == end),
                    listed,
                    self._paid(int(end), listed, dues),
                    self._master.fewest[end],
                    self._work_left,
                )
            self._work_left -= least.work
            if not least.tight:
                self._too_many.add(int(end))
            if least.cost > told[end] + _LEAST_GAIN:
                self._master.add_floor(Floor(int(end), dues - dues[end], least.cost))
                more = True
        return more

    def _listed(self, end: int) -> list[Trip] | None:
        """Return every trip of an end that a plan could need; None: too many."""
        if end not in self._trips:
            self._trips[end] = trips_of_end(self._problem, end)
        return self._trips[end]

    def _paid(self, end: int, trips: Sequence[Trip], dues: Floats) -> Floats:
        """Return what trips of an end cost, the cheapest predecessor before each."""
        span = np.array([trip_seconds(self._problem, trip)[0] for trip in trips])
        first = np.array([trip[0] for trip in trips], np.int64)
        can = follows(self._problem, first, end, span)
        found: Floats = np.where(can, dues[:-1], dues[-1]).min(axis=1) - dues[end]
        return found


def least_cost(
    calls: Longs, trips: Sequence[Trip], costs: Floats, fewest: int, most_work: int
) -> Least:
    """Return a bound on what trips serving every call of an end cost.

    Parameters
    ----------
    fewest
        Trips that it takes at least.
    most_work
        Work after which the bound is what it is.
    """
    solver = quiet_solver(**OPTIONS)
    solver.passModel(_cover(calls, trips, costs, fewest))
    work = 0

    def look(event: Any) -> None:
        nonlocal work
        work += len(trips)
        if work > most_work:
            event.interrupt()

    solver.cbMipInterrupt += look
    solver.run()
    tight = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return Least(float(solver.getInfo().mip_dual_bound) - RATE * len(calls), tight, work)


def _cover(calls: Longs, trips: Sequence[Trip], costs: Floats, fewest: int) -> Any:
    """Return the choice of trips as HiGHS reads it: a row for each call, one for their number.

    Costs are a little below nought where trips were priced (`pricing.RATE`), and then none.
    Where all trips cost the same, their number tells nothing new, and slows the branch and bound.
    """
    row = {int(call): k for k, call in enumerate(calls)}
    found = highspy.HighsLp()
    found.num_col_, found.num_row_ = len(trips), len(calls) + 1
    found.col_cost_ = np.maximum(costs, 0.0)
    found.col_lower_, found.col_upper_ = np.zeros(len(trips)), np.ones(len(trips))
    found.row_lower_ = np.r_[np.ones(len(calls)), fewest if np.ptp(costs) > RATE else 0.0]
    found.row_upper_ = np.full(len(calls) + 1, highspy.kHighsInf)
    matrix = found.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.start_ = np.cumsum([0, *(len(trip) + 1 for trip in trips)]).astype(np.int32)
    rows = [[*(row[call] for call in trip), len(calls)] for trip in trips]
    matrix.index_ = np.concatenate(rows).astype(np.int32)
    matrix.value_ = np.ones(len(matrix.index_))
    found.integrality_ = [highspy.HighsVarType.kInteger] * len(trips)
    return found
