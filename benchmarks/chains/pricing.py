"""Kernel that prices trips which know their predecessor: labels from the gate backwards.

A trip of one end earns the duals of its calls and the worth of ending where it does; it pays
for the end its vehicle comes from, or for a vehicle. Labels (last call, ride, load, earnings,
calls) grow by rising load; one dominates another with the same last call where it is no
later, no fuller, earns no less and has called nowhere else. What a label can still earn is
bounded by a fractional knapsack over the seats left, and by a whole one over seats and seconds
that knows which ends the vehicle may still come from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from mobility.shuttles.model import Floats, Ints

EPS = 1e-6
RATE = 1e-7
_WORD = 62
MOST_CALLS = 2 * _WORD  # of one end: sets of calls are two words
_BINS = 400  # of a trip's seconds, in the bound of what a label can still come to


@njit(cache=True, nogil=True)
def _still_earned(order: Any, earn: Floats, load: Ints, seats: int, one: int, two: int) -> float:
    """Return the most that more calls can earn: a fractional knapsack over the seats.

    Parameters
    ----------
    order
        Calls by falling earnings per seat.
    seats
        Left.
    one, two
        Calls out of reach.
    """
    by_seats, left = 0.0, float(seats)
    for k in order:
        if (one >> k & 1) if k < _WORD else (two >> (k - _WORD) & 1):
            continue
        take = min(1.0, left / load[k])
        by_seats += take * earn[k]
        left -= take * load[k]
        if left <= 0:
            break
    return by_seats


@njit(cache=True, nogil=True)
def _cheapest_before(
    dues: Floats, latest: Floats, order: Any, span: float, call: int, worth: float
) -> Any:
    """Return the cheapest predecessor of a trip (position in ``order``), -1 for none that pays.

    ``latest[p, call]``: longest span with which a trip that starts at ``call`` can follow.
    """
    for p in order:
        if dues[p] >= worth:
            return -1
        if span <= latest[p, call] + EPS:
            return p
    return -1


@njit(cache=True, nogil=True)
def _still_to_come(
    legs: Floats, load: Ints, halt: Floats, earn: Floats, dues: Floats, widest: Floats, seats: int,
    size: float,
) -> Floats:  # fmt: skip
    """Return the most that calls and predecessor can still add, by seats left and span.

    A whole knapsack over seats and seconds: a call takes its halt and its shortest leg.
    Seconds are counted in bins of ``size``, those of a call rounded down.

    Parameters
    ----------
    widest
        Longest span of a trip that follows each predecessor.
    """
    m = len(load)
    most = np.zeros((seats + 1, _BINS + 1))
    for k in range(m):
        if earn[k] <= 0:
            continue
        leg = np.inf
        for c in range(m):
            if c != k:
                leg = min(leg, legs[k, c])
        takes = int(min((halt[k] + leg) / size, _BINS + 1.0))
        for q in range(seats, load[k] - 1, -1):
            for b in range(_BINS, takes - 1, -1):
                most[q, b] = max(most[q, b], most[q - load[k], b - takes] + earn[k])
    out = np.full((seats + 1, _BINS + 1), -np.inf)
    reach = -np.inf
    for p in np.argsort(dues):
        if widest[p] <= reach:
            continue
        reach = widest[p]
        for b in range(_BINS + 1):
            left = widest[p] + EPS - b * size
            if left >= 0:
                bins = int(min(left / size, float(_BINS)))
                for q in range(seats + 1):
                    out[q, b] = max(out[q, b], most[q, bins] - dues[p])
    return out


@njit(cache=True, nogil=True)
def price_end(  # noqa: C901
    legs: Floats,
    gate_s: Floats,
    load: Ints,
    halt: Floats,
    limit: Floats,
    earn: Floats,
    worth: float,
    dues: Floats,
    latest: Floats,
    seats: int,
    exact: bool,
    most: int,
    rate: float = RATE,
) -> tuple[Ints, Ints, Ints, bool]:
    """Return the trips of one end with negative reduced cost, one at most per first call.

    Parameters
    ----------
    legs, gate_s
        float64[m,m] seconds between the calls of the end, float64[m] to the gate.
    earn
        float64[m] duals of the calls.
    worth
        What ending here is worth to a follower.
    dues
        float64[P] what each predecessor costs, the last one being a new vehicle.
    latest
        float64[P,m] longest span of a trip that starts at a call and follows.
    exact
        Whether dominance looks at the calls already made; without, some trips are missed.
    most
        Labels after which none grows any more.
    rate
        Least reduced cost, without its sign, that is looked for.

    Returns
    -------
    calls, sizes, before
        int32[K, L] calls in order, int32[K] their number, int32[K] the predecessor.
    whole
        Whether every label has grown.
    """
    m = len(load)
    order = np.argsort(dues)
    dense = np.argsort(-earn / load)
    dense = dense[: np.sum(earn > 0)]
    # What the cheapest predecessor costs that any trip of the end with some span can have.
    longest = (limit + halt).max()
    widest = np.empty(len(dues))
    for p in range(len(dues)):
        widest[p] = min(latest[p].max(), longest)
    size = longest / _BINS
    come = _still_to_come(legs, load, halt, earn, dues, widest, seats, size)
    cap = 1024
    last = np.empty(cap, np.int32)
    full = np.empty(cap, np.int32)
    ride = np.empty(cap)
    gain = np.empty(cap)
    one = np.empty(cap, np.int64)
    two = np.empty(cap, np.int64)
    parent = np.empty(cap, np.int32)
    chain = np.empty(cap, np.int32)  # next label of the same load
    kept = np.full(m, -1, np.int32)  # newest undominated label of each call
    older = np.empty(cap, np.int32)
    by_load = np.full(seats + 1, -1, np.int32)
    n = 0
    best = np.zeros(m)
    best_label = np.full(m, -1, np.int32)
    best_before = np.full(m, -1, np.int32)
    for c in range(m):
        if gate_s[c] > limit[c] + EPS or load[c] > seats:
            continue
        last[n], full[n], ride[n], gain[n], parent[n] = c, load[c], gate_s[c], earn[c], -1
        one[n] = np.int64(1) << c if c < _WORD else 0
        two[n] = np.int64(1) << (c - _WORD) if c >= _WORD else 0
        chain[n] = by_load[load[c]]
        by_load[load[c]] = n
        n += 1
    for q in range(1, seats + 1):
        label = by_load[q]
        while label >= 0:
            c = last[label]
            span = ride[label] + halt[c]
            # Calls made already or out of reach for good.
            x, y = one[label], two[label]
            for k in range(m):
                if q + load[k] > seats or earn[k] <= 0 or span + legs[k, c] > limit[k] + EPS:
                    if k < _WORD:
                        x |= np.int64(1) << k
                    else:
                        y |= np.int64(1) << (k - _WORD)
            # Dominated by a label of the same call that is no fuller?
            dominated = False
            other = kept[c]
            while other >= 0:
                better = ride[other] <= ride[label] + EPS and gain[other] >= gain[label] - RATE
                if better and (not exact or (one[other] & ~x == 0 and two[other] & ~y == 0)):
                    dominated = True
                    break
                other = older[other]
            if dominated:
                label = chain[label]
                continue
            older[label] = kept[c]
            kept[c] = label
            p = _cheapest_before(dues, latest, order, span, c, gain[label] + worth - best[c] - rate)
            if p >= 0:
                cost = gain[label] + worth - dues[p]
                best[c], best_label[c], best_before[c] = cost, label, p
            # The cheapest predecessor still possible bounds what the label may come to.
            floor = dues[len(dues) - 1]
            for p in order:
                if span <= widest[p] + EPS:
                    floor = dues[p]
                    break
            more = _still_earned(dense, earn, load, seats - q, x, y)
            if gain[label] + more + worth - floor <= rate or n > most:
                # It is kept to dominate others, and grows no further.
                label = chain[label]
                continue
            for k in range(m):
                if (x >> k & 1) if k < _WORD else (y >> (k - _WORD) & 1):
                    continue
                longer, more = span + legs[k, c], gain[label] + earn[k]
                spent = int((longer + halt[k]) / size)
                if more + worth + come[seats - q - load[k], spent] <= rate:
                    continue
                if n == cap:
                    cap *= 2
                    last, full, parent = _grown(last), _grown(full), _grown(parent)
                    chain, older = _grown(chain), _grown(older)
                    ride, gain, one, two = _grown(ride), _grown(gain), _grown(one), _grown(two)
                last[n], full[n], ride[n], gain[n], parent[n] = k, q + load[k], longer, more, label
                one[n] = one[label] | np.int64(1) << k if k < _WORD else one[label]
                two[n] = two[label] | np.int64(1) << (k - _WORD) if k >= _WORD else two[label]
                chain[n] = by_load[q + load[k]]
                by_load[q + load[k]] = n
                n += 1
            label = chain[label]
    found = np.flatnonzero(best_label >= 0)
    calls = np.full((len(found), seats + 1), -1, np.int32)
    sizes = np.zeros(len(found), np.int32)
    for i in range(len(found)):
        label = best_label[found[i]]
        while label >= 0:
            calls[i, sizes[i]] = last[label]
            sizes[i] += 1
            label = parent[label]
    return calls, sizes, best_before[found], n <= most


@njit(cache=True, nogil=True)
def _grown(values: Any) -> Any:
    """Return the array with twice the room."""
    out = np.empty(2 * len(values), values.dtype)
    out[: len(values)] = values
    return out
