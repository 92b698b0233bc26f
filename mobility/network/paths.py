"""Shortest times and paths on streets: a bounded Dijkstra over flat arrays.

Dijkstra, E. W. (1959), A note on two problems in connexion with graphs. The heap holds
outdated entries and passes over them; a search leaves no trace to clear, as each node
carries the number of the search that last touched it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from mobility.network.snap import Snaps
from mobility.network.streets import Streets

# Times that exceed a whole second by less than this are that second: rounding of floats.
TOLERANCE_S = 1e-3
Times = tuple[np.ndarray, np.ndarray]


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


@dataclass(frozen=True)
class Arcs:
    """Directed arcs by start node (CSR); ``edge`` and ``forward`` say where each came from."""

    ptr: np.ndarray
    head: np.ndarray
    time: np.ndarray
    edge: np.ndarray
    forward: np.ndarray


def arcs(streets: Streets, times: Times, *, reverse: bool = False) -> Arcs:
    """Return the arcs allowed by ``times``, turned round when ``reverse``."""
    uv, vu = (times[1], times[0]) if reverse else times
    ahead, back = np.flatnonzero(np.isfinite(uv)), np.flatnonzero(np.isfinite(vu))
    tail = np.concatenate([streets.edge_u[ahead], streets.edge_v[back]])
    head = np.concatenate([streets.edge_v[ahead], streets.edge_u[back]])
    edge = np.concatenate([ahead, back]).astype(np.int32)
    time = np.concatenate([uv[ahead], vu[back]]).astype(np.float64)
    forward = np.arange(len(edge)) < len(ahead)
    order = np.argsort(tail, kind="stable")
    counts = np.bincount(tail, minlength=streets.n_nodes)
    ptr = np.append(0, np.cumsum(counts)).astype(np.int64)
    return Arcs(ptr, head[order], time[order], edge[order], forward[order])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _push(heap_key, heap_node, size, key, node):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _drop_top(heap_key, heap_node, size):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _search(ptr, head, time, seed_node, seed_time, limit, dist, via, stamp, mark, order,  # type: ignore[no-untyped-def]
            heap_key, heap_node):
    """Settle nodes in order of time from the seeds; return how many.

    ``dist`` and ``via`` (the arc into a node, -1 at a seed) hold for the nodes listed in
    ``order``. ``stamp`` is ``mark`` for touched and ``mark + 1`` for settled nodes.
    """
    size = 0
    for k in range(len(seed_node)):
        node = seed_node[k]
        if seed_time[k] <= limit and (stamp[node] < mark or seed_time[k] < dist[node]):
            stamp[node] = mark
            dist[node] = seed_time[k]
            via[node] = -1
            size = _push(heap_key, heap_node, size, seed_time[k], node)
    settled = 0
    while size > 0:
        node = heap_node[0]
        here = heap_key[0]
        size = _drop_top(heap_key, heap_node, size)
        if stamp[node] > mark:
            continue
        stamp[node] = mark + 1
        order[settled] = node
        settled += 1
        for a in range(ptr[node], ptr[node + 1]):
            after = here + time[a]
            other = head[a]
            if after <= limit and (stamp[other] < mark or after < dist[other]):
                stamp[other] = mark
                dist[other] = after
                via[other] = a
                size = _push(heap_key, heap_node, size, after, other)
    return settled


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _node_rows(ptr, head, time, seed_ptr, seed_node, seed_time, limit):  # type: ignore[no-untyped-def]
    n = len(ptr) - 1
    rows = np.full((len(seed_ptr) - 1, n), np.inf)
    vias = np.full((len(seed_ptr) - 1, n), -1, np.int32)
    dist = np.empty(n)
    via = np.empty(n, np.int32)
    stamp = np.zeros(n, np.int64)
    order = np.empty(n, np.int32)
    heap_key = np.empty(len(head) + len(seed_node) + 1)
    heap_node = np.empty(len(head) + len(seed_node) + 1, np.int32)
    for s in range(len(seed_ptr) - 1):
        a, b = seed_ptr[s], seed_ptr[s + 1]
        count = _search(ptr, head, time, seed_node[a:b], seed_time[a:b], limit,
                        dist, via, stamp, 2 * s + 1, order, heap_key, heap_node)
        for k in range(count):
            rows[s, order[k]] = dist[order[k]]
            vias[s, order[k]] = via[order[k]]
    return rows, vias


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _pairs(ptr, head, time, seed_ptr, seed_node, seed_time,  # type: ignore[no-untyped-def]
           goal_ptr, goal, goal_time, near_ptr, near, near_time, n_goals, limit):
    """Return (row pointers, goals, times) of the goals within the limit of each source.

    ``goal`` lists, per node, the goals reached from it; ``near``, per source, the goals on
    its own street piece.
    """
    n = len(ptr) - 1
    n_sources = len(seed_ptr) - 1
    dist = np.empty(n)
    via = np.empty(n, np.int32)
    stamp = np.zeros(n, np.int64)
    order = np.empty(n, np.int32)
    heap_key = np.empty(len(head) + len(seed_node) + 1)
    heap_node = np.empty(len(head) + len(seed_node) + 1, np.int32)
    best = np.empty(n_goals)
    seen = np.full(n_goals, -1, np.int64)
    touched = np.empty(n_goals, np.int32)
    out_ptr = np.zeros(n_sources + 1, np.int64)
    out_goal = np.empty(4096, np.int32)
    out_time = np.empty(4096)
    total = 0
    for s in range(n_sources):
        a, b = seed_ptr[s], seed_ptr[s + 1]
        count = _search(ptr, head, time, seed_node[a:b], seed_time[a:b], limit,
                        dist, via, stamp, 2 * s + 1, order, heap_key, heap_node)
        found = 0
        for k in range(-1, count):
            # Step -1 looks at the source's own street piece, the others at settled nodes.
            node = order[k] if k >= 0 else 0
            low = goal_ptr[node] if k >= 0 else near_ptr[s]
            high = goal_ptr[node + 1] if k >= 0 else near_ptr[s + 1]
            for g in range(low, high):
                target = goal[g] if k >= 0 else near[g]
                after = dist[node] + goal_time[g] if k >= 0 else near_time[g]
                if after <= limit:
                    if seen[target] != s:
                        seen[target] = s
                        best[target] = after
                        touched[found] = target
                        found += 1
                    elif after < best[target]:
                        best[target] = after
        touched[:found].sort()
        while total + found > len(out_goal):
            out_goal = np.concatenate((out_goal, np.empty_like(out_goal)))
            out_time = np.concatenate((out_time, np.empty_like(out_time)))
        for k in range(found):
            out_goal[total + k] = touched[k]
            out_time[total + k] = best[touched[k]]
        total += found
        out_ptr[s + 1] = total
    return out_ptr, out_goal[:total], out_time[:total]


def _connectors(snaps: Snaps, speed_ms: float) -> np.ndarray:
    return np.where(snaps.edge >= 0, snaps.distance_m / speed_ms, np.inf)


def _ends(
    streets: Streets, times: Times, snaps: Snaps, connector_s: np.ndarray, *, leaving: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (point, node, seconds) from each snapped point to the ends of its piece.

    When not ``leaving``, the seconds from the ends to the point.
    """
    on = np.flatnonzero(snaps.edge >= 0)
    edge = snaps.edge[on]
    length = np.maximum(streets.length_m[edge], 1e-9)
    share = np.clip(snaps.offset_m[on] / length, 0.0, 1.0)
    uv, vu = (t[edge].astype(np.float64) for t in times)
    to_u, to_v = (vu, uv) if leaving else (uv, vu)
    with np.errstate(invalid="ignore"):
        seconds = np.concatenate([share * to_u, (1.0 - share) * to_v])
    # A piece closed in one direction is still left or entered at the very end of it.
    seconds[np.isnan(seconds)] = 0.0
    node = np.concatenate([streets.edge_u[edge], streets.edge_v[edge]])
    point = np.concatenate([on, on])
    seconds += connector_s[point]
    kept = np.isfinite(seconds)
    return point[kept], node[kept], seconds[kept]


def _group(
    key: np.ndarray, count: int, *columns: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return CSR pointers of ``key`` and the columns in its order."""
    order = np.argsort(key, kind="stable")
    ptr = np.append(0, np.cumsum(np.bincount(key, minlength=count))).astype(np.int64)
    return ptr, [c[order] for c in columns]


def _same_edge(
    streets: Streets, times: Times, sources: Snaps, targets: Snaps
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (source, target, seconds along the piece) of points on one piece."""
    on = np.flatnonzero(targets.edge >= 0)
    ptr, (target,) = _group(targets.edge[on], streets.n_edges, on)
    edge = np.maximum(sources.edge, 0)
    counts = np.where(sources.edge >= 0, ptr[edge + 1] - ptr[edge], 0)
    source = np.repeat(np.arange(len(sources)), counts)
    start = np.repeat(ptr[edge] - np.append(0, np.cumsum(counts))[:-1], counts)
    target = target[start + np.arange(len(source))]
    shared = sources.edge[source]
    metres = targets.offset_m[target] - sources.offset_m[source]
    per_m = np.where(metres >= 0, times[0][shared], times[1][shared]).astype(np.float64)
    per_m /= np.maximum(streets.length_m[shared], 1e-9)
    with np.errstate(invalid="ignore"):
        seconds = np.abs(metres) * per_m
    seconds[metres == 0] = 0.0
    return source, target, seconds


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
    if reverse:
        times = (times[1], times[0])
    net = arcs(streets, times)
    access = _connectors(sources, connector_speed_ms)
    egress = _connectors(targets, connector_speed_ms)
    point, node, seconds = _ends(streets, times, sources, access, leaving=True)
    seed_ptr, (seed_node, seed_time) = _group(point, len(sources), node, seconds)
    point, node, seconds = _ends(streets, times, targets, egress, leaving=False)
    goal_ptr, (goal, goal_time) = _group(node, streets.n_nodes, point, seconds)
    source, target, along = _same_edge(streets, times, sources, targets)
    near_ptr, (near, near_time) = _group(
        source, len(sources), target, along + access[source] + egress[target]
    )
    ptr, found, exact = _pairs(
        net.ptr, net.head, net.time, seed_ptr, seed_node, seed_time, goal_ptr,
        goal.astype(np.int32), goal_time, near_ptr, near.astype(np.int32), near_time,
        len(targets), float(limit_s) + TOLERANCE_S,
    )  # fmt: skip
    return PairTable(ptr, found, np.ceil(exact - TOLERANCE_S).astype(np.int32))


def node_times(
    streets: Streets,
    times: Times,
    sources: Snaps,
    *,
    connector_speed_ms: float,
    limit_s: float = float("inf"),
    reverse: bool = False,
) -> np.ndarray:
    """Return seconds from each source to every node, float64 (ns, n), infinite if unreached.

    With ``reverse``, seconds from every node to each source.
    """
    if reverse:
        times = (times[1], times[0])
    access = _connectors(sources, connector_speed_ms)
    point, node, seconds = _ends(streets, times, sources, access, leaving=True)
    seed_ptr, (seed_node, seed_time) = _group(point, len(sources), node, seconds)
    net = arcs(streets, times)
    rows, _ = _node_rows(
        net.ptr, net.head, net.time, seed_ptr, seed_node, seed_time, float(limit_s)
    )
    return np.asarray(rows)
