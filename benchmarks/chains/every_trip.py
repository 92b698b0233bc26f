"""Every trip of an end that a plan could need, where they are few.

Trips grow from the gate backwards, call by call: of those that serve the same calls from the
same first one, the shortest suffices. A trip is left out where another serves its calls and
more, and can follow at least the same ends: no way being shorter through another place, a call
served twice is dropped from one of its trips.

What the trips of an end cost at least, chosen whole, is more than a relaxation tells: at fixed
prices of following, ends are apart, and those of an end, each with the cheapest predecessor it can
have, cost at least what the best choice among all of them costs. HiGHS finds it, or a bound on it;
where it is more than what the relaxation pays (`trip_master`), it becomes a row there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import highspy
import numpy as np

from benchmarks.chains.pricing import RATE
from benchmarks.chains.trip_master import Floor, TripMaster, quiet_solver
from mobility.shuttles.chained import EPS, Chain, ChainProblem, Trip, trip_seconds
from mobility.shuttles.model import Bools, Floats, Longs

_MOST_GROWN = 200_000  # trips of an end with the same number of calls
MOST_TRIPS = 120_000  # of all ends


class Grown(NamedTuple):
    """The trips of an end with the same number of calls, sorted by the calls served."""

    calls: Longs  # [K, size] positions within the end, the farthest from the gate first
    served: Bools  # [K, m]
    span: Floats
    load: Any


def follows(problem: ChainProblem, calls: Longs, end: int, span: Floats) -> Bools:
    """Return whether trips of an end can follow each end.

    Parameters
    ----------
    calls
        First call of each trip.
    span
        Seconds of each trip between its far end and the gate.
    """
    free = problem.at_s + problem.busy_s
    drive = problem.drive_s[problem.n_calls :][:, calls]
    found: Bools = (free[:, None] + drive <= problem.at_s[end] - span + EPS).T
    return found


def every_trip(problem: ChainProblem) -> list[Trip] | None:
    """Return the trips of all ends, inbound ones, that no other makes needless; None: too many."""
    by_end: dict[int, list[Trip]] = {}
    calls = np.bincount(problem.end_of, minlength=len(problem.at_s))
    for end in np.argsort(-calls, kind="stable"):  # the soonest to be too many
        own = trips_of_end(problem, int(end))
        if own is None or sum(map(len, by_end.values())) + len(own) > MOST_TRIPS:
            return None
        by_end[int(end)] = own
    return [trip for end in sorted(by_end) for trip in by_end[end]]


def trips_of_end(problem: ChainProblem, end: int, most: int = _MOST_GROWN) -> list[Trip] | None:
    """Return the trips of an inbound end that no other makes needless; None: too many."""
    own: Longs = np.flatnonzero(problem.end_of == end)
    layers = _layers(problem, end, own, most)
    if not layers:
        return None if layers is None else []
    kinds = [follows(problem, own[x.calls[:, 0]], end, x.span) for x in layers]
    known, kind = np.unique(np.packbits(np.vstack(kinds), axis=1), axis=0, return_inverse=True)
    within = (known[:, None] & ~known[None] == 0).all(axis=2).astype(np.float32)
    kind_of = np.split(kind.ravel(), np.cumsum([len(x.span) for x in layers])[:-1])
    out: list[Trip] = []
    above: tuple[Bools, Bools] | None = None  # calls served, and what can be followed so
    for layer, of in zip(reversed(layers), reversed(kind_of), strict=True):
        keys = _keys(layer.served)
        sets, first, at = np.unique(keys, return_index=True, return_inverse=True)
        row = np.full((len(sets), len(known)), -1)
        row[at, of] = np.arange(len(of))
        better = (row >= 0).astype(np.float32) @ within.T
        needed = (row >= 0) & (better < 2)
        served = layer.served[first]
        if above is not None:
            needed &= ~_covered(sets, *above, len(known))
        out += [tuple(int(own[k]) for k in layer.calls[j]) for j in row[needed]]
        above = served, better > 0
    return out


def _keys(served: Bools) -> Any:
    """Return sets of calls as values that sort."""
    packed = np.ascontiguousarray(np.packbits(served, axis=1))
    return packed.view(np.dtype((np.void, packed.shape[1]))).ravel()


def _covered(sets: Any, served: Bools, can: Bools, kinds: int) -> Bools:
    """Return what sets of calls can follow together with one call more."""
    found = np.zeros((len(sets), kinds), bool)
    less = served.copy()
    for call in range(served.shape[1]):
        has = np.flatnonzero(served[:, call])
        less[has, call] = False
        keys = _keys(less[has])
        less[has, call] = True
        at = np.minimum(np.searchsorted(sets, keys), len(sets) - 1)
        same = sets[at] == keys
        found[at[same]] |= can[has[same]]  # one set and one call make one set
    return found


def _layers(problem: ChainProblem, end: int, own: Longs, most: int) -> list[Grown] | None:
    """Return the trips of an end by their number of calls."""
    m, legs = len(own), problem.legs(end)[np.ix_(own, own)]
    load, halt, limit = problem.load[own], problem.halt_s[own], problem.limit_s[own] + EPS
    ride = problem.legs(end)[own, problem.gate(end)]
    alone = np.flatnonzero((ride <= limit) & (load <= problem.seats))
    layer = Grown(alone[:, None], np.eye(m, dtype=bool)[alone], (ride + halt)[alone], load[alone])
    layers = []
    while len(layer.span):
        layers.append(layer)
        longer = layer.span[:, None] + legs[:, layer.calls[:, 0]].T
        fits = (longer <= limit) & (layer.load[:, None] + load <= problem.seats) & ~layer.served
        if fits.sum() > 4 * most:
            return None
        at, call = np.nonzero(fits)
        served = layer.served[at]
        served[np.arange(len(at)), call] = True
        span = longer[at, call] + halt[call]
        _, key = np.unique(_keys(served), return_inverse=True)
        order = np.lexsort((span, call, key.ravel()))
        head = np.ones(len(order), bool)
        a, b = order[1:], order[:-1]
        head[1:] = (key.ravel()[a] != key.ravel()[b]) | (call[a] != call[b])
        kept = order[head]
        if len(kept) > most:
            return None
        layer = Grown(
            np.column_stack([call[kept], layer.calls[at[kept]]]),
            served[kept],
            span[kept],
            layer.load[at[kept]] + load[call[kept]],
        )
    return layers


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
