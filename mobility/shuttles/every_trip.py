"""Every trip of an end that a plan could need at given prices, where they are few.

Trips grow from the gate backwards, call by call: of those that serve the same calls from the
same first one, the shortest suffices. A trip is left out where another serves its calls and
more, and costs no more: no way being shorter through another place, a call served twice is
dropped from one of its trips.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mobility.shuttles.chain_problem import EPS, ChainProblem, Trip
from mobility.shuttles.model import Bools, Floats, Longs

MOST_GROWN = 200_000  # trips of an end with the same number of calls


class Grown(NamedTuple):
    """The trips of an end with the same number of calls, sorted by the calls served."""

    calls: Longs  # [K, size] positions within the end, the farthest from the gate first
    served: Bools  # [K, m]
    span: Floats
    load: Any


def cheapest_before(
    problem: ChainProblem, calls: Longs, end: int, span: Floats, dues: Floats
) -> Floats:
    """Return what the cheapest predecessor costs that trips of an inbound end can have.

    Parameters
    ----------
    calls
        First call of each trip.
    span
        Seconds of each trip between its far end and the gate.
    dues
        float64[E+1] what each predecessor costs, the last one being a new vehicle.
    """
    free = problem.at_s + problem.busy_s
    found = np.full(len(calls), dues[-1])
    for before in np.argsort(dues[:-1])[::-1]:
        drive = problem.drive_s[problem.n_calls + before, calls]
        can = free[before] + drive <= problem.at_s[end] - span + EPS
        found[can] = np.minimum(found[can], dues[before])
    return found


def trips_of_end(
    problem: ChainProblem, end: int, dues: Floats, most: int = MOST_GROWN
) -> tuple[list[Trip], Floats] | None:
    """Return the trips of an inbound end that no other makes needless; None: too many.

    Parameters
    ----------
    dues
        float64[E+1] what each predecessor costs, the last one being a new vehicle.

    Returns
    -------
    trips, costs
        Calls in order, and what the cheapest predecessor of each trip costs.
    """
    own: Longs = np.flatnonzero(problem.end_of == end)
    layers = _layers(problem, end, own, most)
    if layers is None:
        return None
    trips: list[Trip] = []
    costs: list[float] = []
    above: tuple[Bools, Floats] | None = None  # sets of one call more, and the least they cost
    for layer in reversed(layers):
        cost = cheapest_before(problem, own[layer.calls[:, 0]], end, layer.span, dues)
        sets, at = np.unique(_keys(layer.served), return_inverse=True)
        order = np.lexsort((cost, at.ravel()))
        cheapest = order[np.diff(at.ravel()[order], prepend=-1) > 0]  # of each set
        least = np.full(len(sets), np.inf) if above is None else _least_with_more(sets, *above)
        needed = cheapest[cost[cheapest] < least]
        trips += [tuple(int(own[k]) for k in layer.calls[j]) for j in needed]
        costs += cost[needed].tolist()
        above = layer.served[cheapest], np.minimum(cost[cheapest], least)
    return trips, np.array(costs)


def _keys(served: Bools) -> Any:
    """Return sets of calls as values that sort."""
    packed = np.ascontiguousarray(np.packbits(served, axis=1))
    return packed.view(np.dtype((np.void, packed.shape[1]))).ravel()


def _least_with_more(sets: Any, served: Bools, cost: Floats) -> Floats:
    """Return the least that sets of calls cost together with one call more."""
    found = np.full(len(sets), np.inf)
    less = served.copy()
    for call in range(served.shape[1]):
        has = np.flatnonzero(served[:, call])
        less[has, call] = False
        keys = _keys(less[has])
        less[has, call] = True
        at = np.minimum(np.searchsorted(sets, keys), len(sets) - 1)
        same = sets[at] == keys
        # One set and one call make one set.
        found[at[same]] = np.minimum(found[at[same]], cost[has[same]])
    return found


def _layers(problem: ChainProblem, end: int, own: Longs, most: int) -> list[Grown] | None:
    """Return the trips of an end by their number of calls."""
    m, legs = len(own), problem.legs(end)[np.ix_(own, own)]
    load, halt, limit = problem.load[own], problem.halt_s[own], problem.limit_s[own] + EPS
    ride = problem.legs(end)[own, problem.gate(end)]
    alone = np.flatnonzero((ride <= limit) & (load <= problem.seats))
    layer = Grown(
        alone[:, None], np.eye(m, dtype=bool)[alone], (ride + halt)[alone], load[alone]
    )  # fmt: skip
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
            np.column_stack([call[kept], layer.calls[at[kept]]]), served[kept], span[kept],
            layer.load[at[kept]] + load[call[kept]],
        )  # fmt: skip
    return layers
