"""Kernels of booked rides: the times of one vehicle's stops, and the cheapest place of a request.

A vehicle drives a sequence of nodes: request ``i`` gets on at node ``i`` and off at node
``n + i``. The columns of ``nodes`` are place, earliest and latest time, riders (negative where
they get off) and longest ride; ``scratch`` holds two rows of times.
"""

from __future__ import annotations

from typing import Any

from mobility.base.kernels import entry, inner
from mobility.shuttles.model import Bools, Floats, Ints

FAR = 1e18


@inner
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


@inner
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


@inner
def best_place(  # noqa: PLR0913 - flat arrays
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


@entry
def put_back(  # noqa: PLR0913 - flat arrays
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
        eur = best_place(
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
