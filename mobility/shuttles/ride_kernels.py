"""Kernels of booked rides: the times of one vehicle's stops, and the cheapest place of a request.

A vehicle drives a sequence of nodes: request ``i`` gets on at node ``i`` and off at node
``n + i``. The columns of ``nodes`` are place, earliest and latest time, riders (negative where
they get off) and longest ride; ``scratch`` holds two rows of times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mobility.base.kernels import entry, inner
from mobility.shuttles.model import Bools, Floats, Ints

FAR = 1e18


@entry
def fitted(  # noqa: C901, PLR0912 - in parts it compiles longer
    seq: Ints, size: int, nodes: Ints, legs: Ints, scratch: Ints
) -> Any:
    """Return the least duration of a route in seconds, -1 where no times keep every limit.

    ``scratch`` receives the least times, and the latest with the same end.

    Every limit says that one time is at least another plus a constant: the least times are a
    fixed point, and so are the latest. A ride too long however it is timed is the only cycle that
    has none.

    Parameters
    ----------
    legs
        int32[2n, 2n] seconds from node to node, the halt at the first one included.
    """
    n, soonest, latest = len(nodes) // 2, scratch[0], scratch[1]
    for k in range(size):
        soonest[k], latest[k] = nodes[seq[k], 1], nodes[seq[k], 2]
    moved = True
    while moved:
        moved = False
        for k in range(size):
            node = seq[k]
            if k > 0:
                soonest[k] = max(soonest[k], soonest[k - 1] + legs[seq[k - 1], node])
            if soonest[k] > nodes[node, 2]:
                return -1
            if node < n:
                continue
            a, ride = k, 0
            while seq[a] != node - n:
                ride += legs[seq[a - 1], seq[a]]
                a -= 1
            if ride > nodes[node, 4]:
                return -1
            if soonest[k] - nodes[node, 4] > soonest[a]:
                soonest[a] = soonest[k] - nodes[node, 4]
                moved = True
    latest[size - 1] = soonest[size - 1]
    moved = True
    while moved:
        moved = False
        for k in range(size - 1, -1, -1):
            node = seq[k]
            if k < size - 1:
                latest[k] = min(latest[k], latest[k + 1] - legs[node, seq[k + 1]])
            if node >= n:
                continue
            b = k
            while b < size - 1 and seq[b] != node + n:
                b += 1
            if seq[b] == node + n and latest[b] - nodes[node, 4] > latest[k]:
                latest[b] = latest[k] + nodes[node, 4]
                moved = True
    return soonest[size - 1] - latest[0]


@entry
def put_all_back(  # noqa: C901, PLR0912, PLR0913 - flat arrays; in parts it compiles longer
    order: Ints, rows: Ints, sizes: Ints, costs: Floats, count: int, rng: Any, blink: float,
    singles: Floats, vehicle: float, nodes: Ints, legs: Ints, metres: Floats, seats: int,
    eur_m: float, eur_s: float, trial: Ints, scratch: Ints, overlooked: Bools, changed: Bools,
) -> int:  # fmt: skip
    """Put requests where they cost least, one after the other, in a route or in one of their own.

    Return how many routes there are then.

    Parameters
    ----------
    order
        The requests.
    rows, sizes, costs
        The first ``count`` are the routes, and their EUR without what a vehicle costs.
    rng, blink
        Says which routes are not looked at, this part of them.
    singles
        EUR of each request alone, its vehicle included.
    legs, metres
        From node to node; row and column 2n are the depot.
    trial, overlooked
        Scratch: two rows, the route with the request in its best place and in another; routes.
    changed
        False on entry: which routes have become others.
    """
    n = len(nodes) // 2
    depot = 2 * n
    for r in range(len(order)):
        i = order[r]
        for k in range(count):
            overlooked[k] = rng.random() < blink
        most, chosen = singles[i], -1
        for route in range(count):
            if overlooked[route]:
                continue
            seq, size, cost = rows[route], sizes[route], costs[route]
            best, aboard = cost + most, 0
            found = FAR
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
            if found < FAR:
                most, chosen = found - cost, route
        if chosen < 0:
            chosen = count
            rows[count, 0], rows[count, 1] = i, n + i
            sizes[count], costs[count] = 2, singles[i] - vehicle
            count += 1
        else:
            # The last route found is the cheapest: a trial takes the place of a dearer one alone.
            sizes[chosen] += 2
            costs[chosen] += most
            for k in range(sizes[chosen]):
                rows[chosen, k] = trial[0, k]
        changed[chosen] = True
    return count


@inner
def _alike(one: Any, other: Any, nodes: Ints) -> bool:
    """Whether two nodes have one place and window."""
    return bool(
        nodes[one, 0] == nodes[other, 0]
        and nodes[one, 1] == nodes[other, 1]
        and nodes[one, 2] == nodes[other, 2]
    )


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
            i = np.int64(option)  # or `_alike` is compiled for another type as well
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
        # A route may go on with riders aboard for whom it has no time yet.
        riders = 0
        for k in range(longer):
            riders += nodes[seq[k], 3]
        seconds = fitted(seq, longer, nodes, legs, scratch) if riders <= seats else -1
        if seconds < 0:
            continue
        step += 1
        steps[step, 0], steps[step, 1], steps[step, 2], steps[step, 3] = longer, served, left, 0
        if left:
            continue
        depot, driven = 2 * n, 0.0
        before = depot
        for k in range(longer):
            driven += metres[before, seq[k]]
            before = seq[k]
        driven += metres[before, depot]
        seconds += legs[depot, seq[0]] + legs[before, depot]
        eur = vehicle + eur_m * driven + eur_s * seconds
        if eur < best[served] - 1e-9:
            best[served] = eur
            sizes[served] = longer
            for k in range(longer):
                routes[served, k] = seq[k]


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
