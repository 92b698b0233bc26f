"""Every trip of an end that a plan could need, where they are few.

Trips grow from the gate backwards, call by call: of those that serve the same calls from the
same first one, the shortest suffices. A trip is left out where another serves its calls and
more, and can follow at least the same ends: no way being shorter through another place, a call
served twice is dropped from one of its trips.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mobility.shuttles.chain_problem import EPS, ChainProblem, Trip
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
