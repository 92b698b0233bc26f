"""Shortest times and paths on streets: a bounded search in buckets over flat arrays.

Nodes wait in buckets of like times, each a linked list, and the first bucket is emptied before
the next; a node that grows nearer while its bucket is emptied is taken up once more. (Dial
(1969), Algorithm 360: shortest-path forest with topological ordering; for real times, Meyer and
Sanders (2003), Delta-stepping: a parallelizable shortest path algorithm, on one processor.)
After a bounded search only the nodes it reached are cleared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from mobility.streets.arcs import Arcs, Times, arcs, turned
from mobility.streets.ends import Csr, connectors, ends, rows_of, same_edge
from mobility.streets.graph import Streets
from mobility.streets.snap import Snaps

# Times that exceed a whole second by less than this are that second: rounding of floats.
TOLERANCE_S = 1e-3
# A bucket spans this part of the mean time of an arc: a wider one takes up more nodes twice, a
# narrower one is more often empty. There are at most so many buckets, however long an arc takes.
BUCKET_SHARE, MOST_BUCKETS = 0.5, 1 << 16
# End of a bucket's list, and mark of a node that is in none.
NONE, OUT = -1, -2
Nodes = np.ndarray
# dist, via, order (see `_search`); the first node of each bucket, the nodes after and before each
# in its bucket; buckets per second.
Work = tuple[np.ndarray, Nodes, Nodes, Nodes, Nodes, Nodes, float]
# Least time to each goal from one source (infinite between sources), the goals found, and
# their times.
Best = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class PairTable:
    """Travel times of the pairs within reach.

    Attributes
    ----------
    ptr
        int64 (ns + 1,): pairs of source i are rows ``ptr[i]:ptr[i + 1]``.
    target
        int32: index of the target, increasing within a source.
    time_s
        int32: seconds, rounded up.
    """

    ptr: np.ndarray
    target: np.ndarray
    time_s: np.ndarray


@njit(cache=True, nogil=True)
def _put(first: Nodes, after: Nodes, before: Nodes, node: int, bucket: int) -> None:
    """Put a node first in a bucket."""
    other = first[bucket]
    after[node] = other
    before[node] = NONE
    if other != NONE:
        before[other] = node
    first[bucket] = node


@njit(cache=True, nogil=True)
def _take(first: Nodes, after: Nodes, before: Nodes, node: int, bucket: int) -> None:
    """Take a node out of its bucket."""
    left, right = before[node], after[node]
    if left == NONE:
        first[bucket] = right
    else:
        after[left] = right
    if right != NONE:
        before[right] = left
    after[node] = OUT


@njit(cache=True, nogil=True)
def _search(net: Csr, nodes: np.ndarray, at: np.ndarray, limit: float, work: Work) -> int:
    """Find the least time of every node from the seeds ``nodes``; return how many are reached.

    ``dist`` is infinite everywhere and the buckets empty on entry. On return ``dist`` holds for
    the nodes listed in ``order``, and so does ``via``, the arc into a node, -1 at a seed.
    """
    ptr, head, time = net
    dist, via, order, first, after, before, per_s = work
    last = len(first) - 1  # of a power of two: buckets are used round and round
    current = 0
    reached = 0
    waiting = 0
    for k in range(len(nodes)):
        node = nodes[k]
        if at[k] <= limit and at[k] < dist[node]:
            if dist[node] == np.inf:
                order[reached] = node
                reached += 1
                waiting += 1
            else:
                _take(first, after, before, node, int(dist[node] * per_s) & last)
            dist[node] = at[k]
            via[node] = -1
            _put(first, after, before, node, int(at[k] * per_s) & last)
    while waiting > 0:
        node = first[current & last]
        if node == NONE:
            current += 1
            continue
        following = after[node]
        first[current & last] = following
        if following != NONE:
            before[following] = NONE
        after[node] = OUT
        waiting -= 1
        here = dist[node]
        for a in range(ptr[node], ptr[node + 1]):
            there = here + time[a]
            other = head[a]
            known = dist[other]
            if there >= known or there > limit:
                continue
            dist[other] = there
            via[other] = a
            if known == np.inf:
                order[reached] = other
                reached += 1
                waiting += 1
            elif after[other] == OUT:
                waiting += 1
            else:
                _take(first, after, before, other, int(known * per_s) & last)
            _put(first, after, before, other, int(there * per_s) & last)
    return reached


@njit(cache=True, nogil=True)
def _node_rows(
    net: Csr, seeds: Csr, limit: float, work: Work, rows: np.ndarray, vias: np.ndarray
) -> None:
    """Write time and incoming arc of every node reached, one row per source."""
    dist, via, order, _, _, _, _ = work
    for s in range(len(seeds[0]) - 1):
        a, b = seeds[0][s], seeds[0][s + 1]
        count = _search(net, seeds[1][a:b], seeds[2][a:b], limit, work)
        for k in range(count):
            node = order[k]
            rows[s, node] = dist[node]
            vias[s, node] = via[node]
            dist[node] = np.inf


@njit(cache=True, nogil=True)
def _collect(goals: Csr, row: int, base: float, limit: float, best: Best, found: int) -> int:
    """Note the goals of one row at ``base`` seconds; return how many goals are known."""
    ptr, goal, extra = goals
    least, touched, _ = best
    for g in range(ptr[row], ptr[row + 1]):
        target = goal[g]
        after = base + extra[g]
        if after <= limit and after < least[target]:
            if least[target] == np.inf:
                touched[found] = target
                found += 1
            least[target] = after
    return found


@njit(cache=True, nogil=True)
def _pairs(
    net: Csr,
    seeds: Csr,
    goals: Csr,
    near: Csr,
    limit: float,
    work: Work,
    best: Best,
    out: Csr,
    first: int,
) -> int:
    """Write the goals within the limit of each source, from source ``first`` on.

    ``goals`` lists, per node, the goals reached from it; ``near``, per source, the goals
    on its own street piece. Goals of a source are in order of discovery. Returns the
    source at which the output was full, or the number of sources.
    """
    dist, _, order, _, _, _, _ = work
    least, touched, times = best
    out_ptr, out_goal, out_time = out
    n_sources = len(seeds[0]) - 1
    total = out_ptr[first]
    for s in range(first, n_sources):
        a, b = seeds[0][s], seeds[0][s + 1]
        count = _search(net, seeds[1][a:b], seeds[2][a:b], limit, work)
        found = _collect(near, s, 0.0, limit, best, 0)
        for k in range(count):
            node = order[k]
            found = _collect(goals, node, dist[node], limit, best, found)
            dist[node] = np.inf
        for k in range(found):
            times[k] = least[touched[k]]
            least[touched[k]] = np.inf
        if total + found > len(out_goal):
            return s
        for k in range(found):
            out_goal[total + k] = touched[k]
            out_time[total + k] = times[k]
        total += found
        out_ptr[s + 1] = total
    return n_sources


def _workspace(net: Csr, seeds: Csr) -> Work:
    n_nodes, time = len(net[0]) - 1, net[2]
    # What waits is never further apart than the longest arc, or the seeds at the start.
    at = seeds[2][np.isfinite(seeds[2])]
    span_s = max(time.max(initial=0.0), at.max(initial=0.0))
    mean_s = time.mean() if len(time) else 0.0
    width_s = max(BUCKET_SHARE * mean_s, 2 * span_s / MOST_BUCKETS) or 1.0
    n_buckets = 1 << int(span_s / width_s + 2).bit_length()
    dist = np.full(n_nodes, np.inf)
    via, order, after, before = (np.empty(n_nodes, dtype=np.int32) for _ in range(4))
    first = np.full(n_buckets, NONE, dtype=np.int32)
    return dist, via, order, first, after, before, 1.0 / width_s


def _all_pairs(
    net: Csr, seeds: Csr, goals: Csr, near: Csr, n_goals: int, limit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row pointers, goals, times) of all sources, the output growing as needed."""
    n_sources = len(seeds[0]) - 1
    work = _workspace(net, seeds)
    touched = np.empty(n_goals, dtype=np.int32)
    best = (np.full(n_goals, np.inf), touched, np.empty(n_goals))
    ptr = np.zeros(n_sources + 1, dtype=np.int64)
    goal, time = np.empty(1 << 16, dtype=np.int32), np.empty(1 << 16)
    done = 0
    while True:
        done = _pairs(net, seeds, goals, near, limit, work, best, (ptr, goal, time), done)
        total = int(ptr[done])
        if done == n_sources:
            return ptr, goal[:total], time[:total]
        room = 2 * len(goal) + n_goals
        goal, time = np.resize(goal, room), np.resize(time, room)


def _seeds(streets: Streets, net: Arcs, times: Times, sources: Snaps, access: np.ndarray) -> Csr:
    out = ends(streets, net, times, sources, access, leaving=True)
    return rows_of(out.point, len(sources), out.node, out.seconds)


def street_times(
    streets: Streets,
    times: Times,
    sources: Snaps,
    targets: Snaps,
    *,
    limit_s: float,
    connector_speed_ms: float,
    reverse: bool = False,
) -> PairTable:
    """Return the travel times between points within a limit.

    Parameters
    ----------
    streets, times
        The network and the seconds per piece both ways, see `modes.edge_times`.
    sources, targets
        Snapped points.
    limit_s
        Longest time kept, connectors included.
    connector_speed_ms
        Speed over the straight line between a point and its street.
    reverse
        Return times from targets to sources instead, rows still being sources.

    Returns
    -------
    PairTable
        Whole seconds, rounded up.
    """
    times = turned(times) if reverse else times
    net = arcs(streets, times)
    access = connectors(sources, connector_speed_ms)
    egress = connectors(targets, connector_speed_ms)
    into = ends(streets, net, times, targets, egress, leaving=False)
    goals = rows_of(into.node, len(net.place), into.point, into.seconds)
    source, target, along = same_edge(streets, times, sources, targets)
    along += access[source] + egress[target]
    ptr, found, exact = _all_pairs(
        (net.ptr, net.head, net.time),
        _seeds(streets, net, times, sources, access),
        goals,
        rows_of(source, len(sources), target, along),
        len(targets),
        float(limit_s) + TOLERANCE_S,
    )
    row = np.repeat(np.arange(len(sources)), np.diff(ptr))
    order = np.argsort(row * max(len(targets), 1) + found, kind="stable")
    whole = np.ceil(exact[order] - TOLERANCE_S).astype(np.int32)
    return PairTable(ptr, found[order], whole)


def node_times(
    streets: Streets,
    times: Times,
    sources: Snaps,
    *,
    connector_speed_ms: float,
    limit_s: float = float("inf"),
    reverse: bool = False,
    together: bool = False,
) -> np.ndarray:
    """Return seconds from each source to every node, float64 (ns, n), infinite if unreached.

    With ``reverse``, seconds from every node to each source. With ``together``, one row:
    seconds from the nearest source.
    """
    times = turned(times) if reverse else times
    net, rows = _rows(streets, times, sources, connector_speed_ms, limit_s, together)
    found = rows[:, : net.n_nodes].T
    np.minimum.at(found, net.place[net.n_nodes :], rows[:, net.n_nodes :].T)
    return found.T


def start_times(
    streets: Streets,
    times: Times,
    sources: Snaps,
    *,
    connector_speed_ms: float,
    limit_s: float,
) -> np.ndarray:
    """Return seconds from the nearest source at which each piece is entered, float64 (m, 2).

    From its u end and from its v end, turns allowed for; infinite where it is not.
    """
    net, (at,) = _rows(streets, times, sources, connector_speed_ms, limit_s, True)
    found = np.full((streets.n_edges, 2), np.inf)
    np.minimum.at(found, (net.edge, np.where(net.forward, 0, 1)), at[net.tail])
    return found


def _rows(
    streets: Streets,
    times: Times,
    sources: Snaps,
    connector_speed_ms: float,
    limit_s: float,
    together: bool,
) -> tuple[Arcs, np.ndarray]:
    net = arcs(streets, times)
    access = connectors(sources, connector_speed_ms)
    seeds = _seeds(streets, net, times, sources, access)
    if together:
        seeds = (np.array([0, len(seeds[1])], dtype=np.int64), seeds[1], seeds[2])
    return net, search_rows(net, seeds, limit_s)[0]


def search_rows(net: Arcs, seeds: Csr, limit_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return time and incoming arc (-1: none) of each node, one row per source."""
    shape = (len(seeds[0]) - 1, len(net.ptr) - 1)
    rows, vias = np.full(shape, np.inf), np.full(shape, -1, dtype=np.int32)
    flat = (net.ptr, net.head, net.time)
    _node_rows(flat, seeds, float(limit_s), _workspace(flat, seeds), rows, vias)
    return rows, vias
