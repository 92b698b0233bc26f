"""The search on streets in buckets over flat arrays, compiled.

Nodes wait in buckets of like times, each a linked list, and the first bucket is emptied before
the next; a node that grows nearer while its bucket is emptied is taken up once more. (Dial
(1969), Algorithm 360: shortest-path forest with topological ordering; for real times, Meyer and
Sanders (2003), Delta-stepping: a parallelizable shortest path algorithm, on one processor.)
After a bounded search only the nodes it reached are cleared.

Loading the compiler takes half a second: `paths` asks for this module when it searches.
"""

from __future__ import annotations

import itertools

import numpy as np

from mobility.base.kernels import entry, inner
from mobility.streets.ends import Csr

# A bucket spans this part of the mean time of an arc: a wider one takes up more nodes twice, a
# narrower one is more often empty. There are at most so many buckets, however long an arc takes.
BUCKET_SHARE, MOST_BUCKETS = 0.5, 1 << 16
# Room for so many pairs is taken at first: no more of it than is written to takes memory.
_MOST_AT_FIRST = 1 << 22
# End of a bucket's list, and mark of a node that is in none.
NONE, OUT = -1, -2
Nodes = np.ndarray
# Kernels take numbers of one type, or are compiled once for each.
Whole = int | np.int64
# dist, via, order (see `_search`); the first node of each bucket, the nodes after and before each
# in its bucket; buckets per second.
Work = tuple[np.ndarray, Nodes, Nodes, Nodes, Nodes, Nodes, float]
# Least time to each goal from one source (infinite between sources), the goals found, and
# their times.
Best = tuple[np.ndarray, np.ndarray, np.ndarray]


@inner
def _put(first: Nodes, after: Nodes, before: Nodes, node: int, bucket: int) -> None:
    """Put a node first in a bucket."""
    other = first[bucket]
    after[node] = other
    before[node] = NONE
    if other != NONE:
        before[other] = node
    first[bucket] = node


@inner
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


@entry
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


@entry
def climb(vias: np.ndarray, tail: Nodes, nodes: Nodes, found: np.ndarray) -> None:
    """Write the arcs into nodes, of one row per source, along the ways to some of them."""
    for s in range(len(vias)):
        for k in range(len(nodes)):
            node = nodes[k]
            while found[s, node] < 0 and vias[s, node] >= 0:
                found[s, node] = vias[s, node]
                node = tail[vias[s, node]]


@inner
def _collect(goals: Csr, row: Whole, base: float, limit: float, best: Best, found: Whole) -> Whole:
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


@entry
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
        found = _collect(near, s, 0.0, limit, best, np.int64(0))
        for k in range(count):
            node = np.int64(order[k])
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
    """Return the arrays in which a search from some seeds keeps its count."""
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


def node_rows(net: Csr, seeds: Csr, limit: float) -> tuple[np.ndarray, Nodes]:
    """Return time (or infinite) and incoming arc (or -1) of each node, a row per source."""
    work = _workspace(net, seeds)
    ptr, node, at = seeds
    dist, via, order = work[:3]
    rows = np.empty((len(ptr) - 1, len(dist)))
    vias = np.full(rows.shape, NONE, np.int32)
    for s, (a, b) in enumerate(itertools.pairwise(ptr)):
        reached = order[: _search(net, node[a:b], at[a:b], limit, work)]
        rows[s], vias[s, reached] = dist, via[reached]
        dist.fill(np.inf)
    return rows, vias


def all_pairs(
    net: Csr, seeds: Csr, goals: Csr, near: Csr, n_goals: int, limit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row pointers, goals, times) of all sources, the output growing as needed."""
    n_sources = len(seeds[0]) - 1
    work = _workspace(net, seeds)
    touched = np.empty(n_goals, dtype=np.int32)
    best = (np.full(n_goals, np.inf), touched, np.empty(n_goals))
    ptr = np.zeros(n_sources + 1, dtype=np.int64)
    room = min(n_sources * n_goals, _MOST_AT_FIRST)
    goal, time = np.empty(room, dtype=np.int32), np.empty(room)
    done = 0
    while True:
        done = _pairs(net, seeds, goals, near, limit, work, best, (ptr, goal, time), done)
        total = int(ptr[done])
        if done == n_sources:
            return ptr, goal[:total], time[:total]
        more = total + n_goals + len(goal)
        goal = np.append(goal[:total], np.empty(more, dtype=np.int32))
        time = np.append(time[:total], np.empty(more))
