"""Shortest times and paths on streets: a bounded Dijkstra over flat arrays.

Dijkstra, E. W. (1959), A note on two problems in connexion with graphs. The heap holds
outdated entries and passes over them; after a bounded search only the nodes it settled are
cleared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from mobility.network.arcs import Arcs, Times, arcs, turned
from mobility.network.ends import Csr, connectors, ends, rows_of, same_edge
from mobility.network.snap import Snaps
from mobility.network.streets import Streets

# Times that exceed a whole second by less than this are that second: rounding of floats.
TOLERANCE_S = 1e-3
Heap = tuple[np.ndarray, np.ndarray]
# dist, via, order, heap_key, heap_node: see `_search`.
Work = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
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
def _push(heap: Heap, size: int, key: float, node: int) -> int:
    heap_key, heap_node = heap
    i = size
    while i > 0:
        parent = (i - 1) >> 2
        if heap_key[parent] <= key:
            break
        heap_key[i] = heap_key[parent]
        heap_node[i] = heap_node[parent]
        i = parent
    heap_key[i] = key
    heap_node[i] = node
    return size + 1


@njit(cache=True, nogil=True)
def _drop_top(heap: Heap, size: int) -> int:
    heap_key, heap_node = heap
    size -= 1
    key = heap_key[size]
    node = heap_node[size]
    i = 0
    while True:
        first = 4 * i + 1
        if first >= size:
            break
        least = first
        for child in range(first + 1, min(first + 4, size)):
            if heap_key[child] < heap_key[least]:
                least = child
        if heap_key[least] >= key:
            break
        heap_key[i] = heap_key[least]
        heap_node[i] = heap_node[least]
        i = least
    heap_key[i] = key
    heap_node[i] = node
    return size


@njit(cache=True, nogil=True)
def _search(net: Csr, nodes: np.ndarray, at: np.ndarray, limit: float, work: Work) -> int:
    """Settle nodes in order of time from the seeds ``nodes``; return how many.

    ``dist`` is infinite everywhere on entry. On return it holds for the nodes listed in
    ``order``, and so does ``via``, the arc into a node, -1 at a seed.
    """
    ptr, head, time = net
    dist, via, order, heap_key, heap_node = work
    heap = (heap_key, heap_node)
    size = 0
    for k in range(len(nodes)):
        node = nodes[k]
        if at[k] <= limit and at[k] < dist[node]:
            dist[node] = at[k]
            via[node] = -1
            size = _push(heap, size, at[k], node)
    settled = 0
    while size > 0:
        node = heap_node[0]
        here = heap_key[0]
        size = _drop_top(heap, size)
        if here > dist[node]:
            continue
        order[settled] = node
        settled += 1
        for a in range(ptr[node], ptr[node + 1]):
            after = here + time[a]
            other = head[a]
            if after < dist[other] and after <= limit:
                dist[other] = after
                via[other] = a
                size = _push(heap, size, after, other)
    return settled


@njit(cache=True, nogil=True)
def _node_rows(
    net: Csr, seeds: Csr, limit: float, work: Work, rows: np.ndarray, vias: np.ndarray
) -> None:
    """Write time and incoming arc of every node reached, one row per source."""
    dist, via, order, _, _ = work
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
    dist, _, order, _, _ = work
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


def _workspace(n_nodes: int, n_arcs: int) -> Work:
    # Every arc pushes at most once per search, and so do the two seeds.
    heap_key, heap_node = np.empty(n_arcs + 4), np.empty(n_arcs + 4, dtype=np.int32)
    via, order = np.empty(n_nodes, dtype=np.int32), np.empty(n_nodes, dtype=np.int32)
    return np.full(n_nodes, np.inf), via, order, heap_key, heap_node


def _all_pairs(
    net: Csr, seeds: Csr, goals: Csr, near: Csr, n_goals: int, limit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row pointers, goals, times) of all sources, the output growing as needed."""
    n_sources = len(seeds[0]) - 1
    work = _workspace(len(net[0]) - 1, len(net[1]))
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
    most_seeds = int(np.diff(seeds[0]).max(initial=0))
    work = _workspace(shape[1], len(net.head) + most_seeds)
    _node_rows((net.ptr, net.head, net.time), seeds, float(limit_s), work, rows, vias)
    return rows, vias
