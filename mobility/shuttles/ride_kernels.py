"""Kernels of booked rides: the times of one vehicle's stops, and the cheapest place of a request.

A vehicle drives a sequence of nodes: request ``i`` gets on at node ``i`` and off at node
``n + i``. The columns of ``nodes`` are place, earliest and latest time, riders (negative where
they get off) and longest ride; ``scratch`` holds two rows of times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mobility.base.kernels import entry, inlined, inner
from mobility.shuttles.model import Bools, Floats, Ints

FAR = 1e18


@inlined
def _soonest(seq: Ints, size: int, nodes: Ints, legs: Ints, times: Ints) -> bool:
    """Write the least times of a route; False where none keep every limit.

    Every limit says that one time is at least another plus a constant: the least times are a
    fixed point. A ride too long however it is timed is the only cycle that has none.
    """
    n = len(nodes) // 2
    for k in range(size):
        times[k] = nodes[seq[k], 1]
    moved = True
    while moved:
        moved = False
        for k in range(size):
            node = seq[k]
            if k > 0:
                times[k] = max(times[k], times[k - 1] + legs[seq[k - 1], node])
            if times[k] > nodes[node, 2]:
                return False
            if node < n:
                continue
            a, ride = k, 0
            while seq[a] != node - n:
                ride += legs[seq[a - 1], seq[a]]
                a -= 1
            if ride > nodes[node, 4]:
                return False
            if times[k] - nodes[node, 4] > times[a]:
                times[a] = times[k] - nodes[node, 4]
                moved = True
    return True


@inlined
def _latest(seq: Ints, size: int, nodes: Ints, legs: Ints, end: int, times: Ints) -> None:
    """Write the latest times of a route that can be timed, its last call at ``end``."""
    n = len(nodes) // 2
    for k in range(size):
        times[k] = nodes[seq[k], 2]
    times[size - 1] = end
    moved = True
    while moved:
        moved = False
        for k in range(size - 1, -1, -1):
            node = seq[k]
            if k < size - 1:
                times[k] = min(times[k], times[k + 1] - legs[node, seq[k + 1]])
            if node >= n:
                continue
            b = k
            while b < size - 1 and seq[b] != node + n:
                b += 1
            if seq[b] == node + n and times[b] - nodes[node, 4] > times[k]:
                times[b] = times[k] + nodes[node, 4]
                moved = True


@entry
def fitted(seq: Ints, size: int, nodes: Ints, legs: Ints, scratch: Ints) -> Any:
    """Return the least duration of a route in seconds, -1 where no times keep every limit.

    ``scratch`` receives the least times, and the latest with the same end.

    Parameters
    ----------
    legs
        int32[2n, 2n] seconds from node to node, the halt at the first one included.
    """
    if not _soonest(seq, size, nodes, legs, scratch[0]):
        return -1
    _latest(seq, size, nodes, legs, scratch[0, size - 1], scratch[1])
    return scratch[0, size - 1] - scratch[1, 0]


@inlined
def _best_place(  # noqa: PLR0913 - flat arrays
    i: int, seq: Ints, size: int, cost: float, most: float, nodes: Ints, legs: Ints,
    metres: Floats, seats: int, eur_m: float, eur_s: float, trial: Ints, scratch: Ints,
) -> float:  # fmt: skip
    """Return the EUR of a route with a request more, in its cheapest place; `FAR` if it has none.

    Parameters
    ----------
    seq, size, cost
        The route and its EUR, without what a vehicle costs.
    most
        A place that adds as much is not looked for.
    legs, metres
        From node to node; row and column 2n are the depot.
    trial
        Receives the route: two rows, the second one for trials.
    """
    n = len(nodes) // 2
    depot = 2 * n
    best = cost + most
    found = FAR
    aboard = 0
    for a in range(size + 1):
        x = depot
        if a > 0:
            x = seq[a - 1]
            aboard += nodes[x, 3]
        inside = aboard
        for b in range(a, size + 1):
            z = i
            if b > a:
                z = seq[b - 1]
                inside += nodes[z, 3]
            if inside + nodes[i, 3] > seats:
                break
            y = depot if a == size else seq[a]
            after = depot if b == size else seq[b]
            # More calls never take less time: metres alone may rule a place out.
            more = metres[x, i] + metres[z, n + i] + metres[n + i, after]
            if b > a:
                more += metres[i, y] - metres[x, y] - metres[z, after]
            else:
                more -= metres[x, after]
            if cost + eur_m * more >= best:
                continue
            driven = 0.0
            before, w = depot, 0
            for k in range(size + 2):
                node = i if k == a else n + i if k == b + 1 else seq[w]
                if k != a and k != b + 1:
                    w += 1
                trial[1, k] = node
                driven += metres[before, node]
                before = node
            driven += metres[before, depot]
            seconds = fitted(trial[1], size + 2, nodes, legs, scratch)
            if seconds < 0:
                continue
            seconds += legs[depot, trial[1, 0]] + legs[before, depot]
            eur = eur_m * driven + eur_s * seconds
            if eur < best:
                best = found = eur
                for k in range(size + 2):
                    trial[0, k] = trial[1, k]
    return found


@inlined
def _put_back(  # noqa: PLR0913 - flat arrays
    i: int, rows: Ints, sizes: Ints, costs: Floats, count: int, overlooked: Bools,
    single: float, vehicle: float, nodes: Ints, legs: Ints, metres: Floats,
    seats: int, eur_m: float, eur_s: float, trial: Ints, scratch: Ints,
) -> int:  # fmt: skip
    """Put a request where it costs least, in a route or in one of its own; return which.

    Parameters
    ----------
    rows, sizes, costs
        The first ``count`` are the routes, and their EUR without what a vehicle costs.
    overlooked
        Routes that are not looked at.
    single
        EUR of the request alone, its vehicle included.
    """
    most, chosen = single, -1
    for k in range(count):
        if overlooked[k]:
            continue
        eur = _best_place(
            i, rows[k], sizes[k], costs[k], most, nodes, legs, metres, seats, eur_m, eur_s,
            trial, scratch,
        )  # fmt: skip
        if eur < FAR:
            most, chosen = eur - costs[k], k
    if chosen < 0:
        rows[count, 0], rows[count, 1] = i, len(nodes) // 2 + i
        sizes[count], costs[count] = 2, single - vehicle
        return count
    # The last route found is the cheapest: a trial takes the place of a dearer one alone.
    sizes[chosen] += 2
    costs[chosen] += most
    for k in range(sizes[chosen]):
        rows[chosen, k] = trial[0, k]
    return chosen


@entry
def put_all_back(  # noqa: PLR0913 - flat arrays
    order: Ints, rows: Ints, sizes: Ints, costs: Floats, count: int, rng: Any, blink: float,
    singles: Floats, vehicle: float, nodes: Ints, legs: Ints, metres: Floats, seats: int,
    eur_m: float, eur_s: float, trial: Ints, scratch: Ints, overlooked: Bools, changed: Bools,
) -> int:  # fmt: skip
    """Put requests back one after the other, see `_put_back`; return how many routes there are.

    Parameters
    ----------
    order
        The requests.
    rng, blink
        Says which routes are not looked at, this part of them.
    singles
        EUR of each request alone, its vehicle included.
    overlooked
        Scratch.
    changed
        False on entry: which routes have become others.
    """
    for i in order:
        for k in range(count):
            overlooked[k] = rng.random() < blink
        at = _put_back(
            i, rows, sizes, costs, count, overlooked, singles[i], vehicle, nodes, legs, metres,
            seats, eur_m, eur_s, trial, scratch,
        )  # fmt: skip
        count = max(count, at + 1)
        changed[at] = True
    return count


@inner
def _eur(
    seq: Ints, size: int, nodes: Ints, legs: Ints, metres: Floats, seats: int, vehicle: float,
    eur_m: float, eur_s: float, scratch: Ints,
) -> float:  # fmt: skip
    """Return the EUR of a route, its vehicle included; `FAR` where it breaks a limit."""
    seconds = fitted(seq, size, nodes, legs, scratch)
    if seconds < 0:
        return FAR
    depot, aboard, driven = len(nodes), 0, 0.0
    before = depot
    for k in range(size):
        aboard += nodes[seq[k], 3]
        if aboard > seats:
            return FAR
        driven += metres[before, seq[k]]
        before = seq[k]
    driven += metres[before, depot]
    seconds += legs[depot, seq[0]] + legs[before, depot]
    eur: float = vehicle + eur_m * driven + eur_s * seconds
    return eur


@inlined
def _alike(one: int, other: int, nodes: Ints) -> bool:
    """Whether two nodes have one place and window."""
    return bool(
        nodes[one, 0] == nodes[other, 0]
        and nodes[one, 1] == nodes[other, 1]
        and nodes[one, 2] == nodes[other, 2]
    )


@inlined
def _holds(seq: Ints, size: int, nodes: Ints, legs: Ints, seats: int, scratch: Ints) -> bool:
    """Whether a route may go on: those still aboard have no ride yet."""
    aboard = 0
    for k in range(size):
        aboard += nodes[seq[k], 3]
    return bool(aboard <= seats and fitted(seq, size, nodes, legs, scratch) >= 0)


@entry
def try_all(  # noqa: C901, PLR0912, PLR0913 - flat arrays; one loop for want of recursion
    nodes: Ints, legs: Ints, metres: Floats, seats: int, vehicle: float, eur_m: float,
    eur_s: float, scratch: Ints, seq: Ints, steps: Ints, aboard: Ints, best: Floats,
    routes: Ints, sizes: Ints,
) -> None:  # fmt: skip
    """Write the cheapest route of each set of requests, having tried all worth it.

    Those aboard for the same place and window get off together: it costs nothing, and frees
    seats. Those who get on at one place and window do so in ascending order.

    Parameters
    ----------
    seq
        int32[2n], scratch.
    steps
        int32[2n+1, 4], 0 on entry: of each step of a route its length, the set it serves, how many
        are aboard, and the next thing to try.
    aboard
        int32[2n+1, n], scratch: the requests aboard, in the order in which they got on.
    best
        float64[2^n], `FAR` on entry: EUR of each set's route.
    routes, sizes
        int32[2^n, 2n] and int32[2^n]: each set's route.
    """
    n, step = len(nodes) // 2, 0
    while step >= 0:
        size, served, count, option = steps[step, 0], steps[step, 1], steps[step, 2], steps[step, 3]
        steps[step, 3] += 1
        if option >= n + count:
            step -= 1
            continue
        longer, left = size, 0
        if option < n:
            i = option
            last = seq[size - 1] if size else n
            turned = i < last < n and _alike(last, i, nodes)
            if served >> i & 1 or turned:
                continue
            seq[longer] = i
            longer += 1
            served |= 1 << i
            for k in range(count):
                aboard[step + 1, k] = aboard[step, k]
            aboard[step + 1, count] = i
            left = count + 1
        else:
            i, first = aboard[step, option - n], -1
            for k in range(count):
                j = aboard[step, k]
                if _alike(n + i, n + j, nodes):
                    if first < 0:
                        first = j
                    seq[longer] = n + j
                    longer += 1
                else:
                    aboard[step + 1, left] = j
                    left += 1
            if first != i:
                continue
        if not _holds(seq, longer, nodes, legs, seats, scratch):
            continue
        step += 1
        steps[step, 0], steps[step, 1], steps[step, 2], steps[step, 3] = longer, served, left, 0
        if left:
            continue
        eur = _eur(seq, longer, nodes, legs, metres, seats, vehicle, eur_m, eur_s, scratch)
        if eur < best[served] - 1e-9:
            best[served] = eur
            sizes[served] = longer
            for k in range(longer):
                routes[served, k] = seq[k]


@entry
def price_alone(
    nodes: Ints, legs: Ints, metres: Floats, seats: int, vehicle: float, eur_m: float,
    eur_s: float, scratch: Ints, seq: Ints, alone: Floats,
) -> None:  # fmt: skip
    """Write the EUR of each request alone, `FAR` where no vehicle can serve it."""
    n = len(nodes) // 2
    for i in range(n):
        seq[0], seq[1] = i, n + i
        # The number written out would be a type of its own, all that is called compiled for it.
        size = int(np.int64(2))
        alone[i] = _eur(seq, size, nodes, legs, metres, seats, vehicle, eur_m, eur_s, scratch)


@entry
def put_together(best: Floats, value: Floats, chosen: Ints) -> None:
    """Write for each set of requests one of the cheapest routes that serve it, -1 if none does.

    Parameters
    ----------
    best
        float64[2^n] EUR of the route of each set.
    value
        float64[2^n], scratch.
    chosen
        int32[2^n] the set of one of its routes; what is left is served likewise.
    """
    value[0] = 0.0
    for every in range(1, len(best)):
        value[every], chosen[every] = FAR, -1
        part = every
        while part:
            if part & every & -every:
                eur = best[part] + value[every ^ part]
                if best[part] < FAR and eur < value[every] - 1e-9:
                    value[every], chosen[every] = eur, part
            part = (part - 1) & every
