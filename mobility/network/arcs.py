"""Streets as directed arcs, with barred turns built into the nodes.

A node-based search cannot bar a turn. So an arc into a junction from which some turn is
barred ends in a copy of the junction of its own, from which the other arcs leave; all other
arcs meet in the junction itself. Exact for restrictions from one piece to the next over a
node; one may turn round at any junction unless that turn is barred. (Node splitting: after
Kirby and Potts (1969), The minimum route problem for networks with turn penalties and
prohibitions.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobility.network.streets import Streets

#: Seconds of each street piece from u to v and from v to u; infinite where forbidden.
Times = tuple[np.ndarray, np.ndarray]


class TurnTimes(Times):
    """Times with turns that are barred.

    Attributes
    ----------
    barred
        int64 (t, 2): the arc that leads to a junction, the arc one may not go on by. An arc is
        twice its piece, plus one from v to u.
    """

    barred: np.ndarray

    def __new__(cls, uv: np.ndarray, vu: np.ndarray, barred: np.ndarray) -> TurnTimes:
        """Join times and turns."""
        times = super().__new__(cls, (uv, vu))
        times.barred = barred
        return times


def barred_of(times: Times) -> np.ndarray:
    """Return the barred turns of some times, int64 (t, 2)."""
    return times.barred if isinstance(times, TurnTimes) else np.zeros((0, 2), dtype=np.int64)


def like(times: Times, uv: np.ndarray, vu: np.ndarray) -> Times:
    """Return other seconds with the same barred turns."""
    return TurnTimes(uv, vu, barred_of(times))


def turned(times: Times) -> Times:
    """Return the times of travelling every way backwards, barred turns included."""
    return TurnTimes(times[1], times[0], barred_of(times)[:, ::-1] ^ 1)


@dataclass(frozen=True)
class Arcs:
    """Directed arcs by start node (CSR).

    Attributes
    ----------
    ptr, head, time
        Arcs that leave node i are ``ptr[i]:ptr[i + 1]``; nodes from ``n_nodes`` on are copies.
    edge, forward
        The piece each arc came from, and whether it runs from u to v.
    place
        The junction of each node: itself, or what it is a copy of.
    n_nodes
        Junctions of the streets.
    """

    ptr: np.ndarray
    head: np.ndarray
    time: np.ndarray
    edge: np.ndarray
    forward: np.ndarray
    place: np.ndarray
    n_nodes: int

    @cached_property
    def tail(self) -> np.ndarray:
        """Node each arc leaves, int32."""
        return np.repeat(np.arange(len(self.ptr) - 1, dtype=np.int32), np.diff(self.ptr))

    @cached_property
    def code(self) -> np.ndarray:
        """Twice the piece of each arc, plus one from v to u, int64."""
        return np.asarray(2 * self.edge.astype(np.int64) + ~self.forward)

    @property
    def has_copies(self) -> bool:
        """Whether some turn is barred."""
        return len(self.place) > self.n_nodes

    def reached_by(self, code: np.ndarray) -> np.ndarray:
        """Return the node in which each of some arcs ends, int32; the arcs must be open."""
        order = np.argsort(self.code, kind="stable")
        return np.asarray(self.head[order[np.searchsorted(self.code[order], code)]])

    def left_by(self, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (row of ``code``, node) of every node from which an arc may be entered."""
        return joined(self.code, self.tail, code)

    def copies_of(self, node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (row of ``node``, node) of every junction given and its copies."""
        return joined(self.place, np.arange(len(self.place)), node)


def joined(key: np.ndarray, value: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (row of ``wanted``, value) of all values whose key is wanted."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    first = np.searchsorted(ordered, wanted, side="left")
    counts = np.searchsorted(ordered, wanted, side="right") - first
    row = np.repeat(np.arange(len(wanted)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, value[order[first[row] + within]]


def arcs(streets: Streets, times: Times, *, reverse: bool = False) -> Arcs:
    """Return the arcs allowed by ``times``, turned round when ``reverse``."""
    times = turned(times) if reverse else times
    uv, vu = times
    n = streets.n_nodes
    ahead, back = np.flatnonzero(np.isfinite(uv)), np.flatnonzero(np.isfinite(vu))
    tail = np.concatenate([streets.edge_u[ahead], streets.edge_v[back]])
    head = np.concatenate([streets.edge_v[ahead], streets.edge_u[back]])
    edge = np.concatenate([ahead, back]).astype(np.int32)
    time = np.concatenate([uv[ahead], vu[back]]).astype(np.float64)
    forward = np.arange(len(edge)) < len(ahead)
    code = 2 * edge.astype(np.int64) + ~forward
    place = np.arange(n, dtype=np.int32)
    ins, rows, outs = _copies(tail, head, code, barred_of(times), streets.n_edges)
    if len(ins):
        place = np.concatenate([place, head[ins]])
        head = head.copy()
        head[ins] = n + np.arange(len(ins), dtype=np.int32)
        tail = np.concatenate([tail, (n + rows).astype(np.int32)])
        head, time = np.concatenate([head, head[outs]]), np.concatenate([time, time[outs]])
        edge, forward = np.concatenate([edge, edge[outs]]), np.concatenate([forward, forward[outs]])
    order = np.argsort(tail, kind="stable")
    counts = np.bincount(tail, minlength=len(place))
    ptr = np.append(0, np.cumsum(counts)).astype(np.int64)
    return Arcs(ptr, head[order], time[order], edge[order], forward[order], place, n)


def _copies(
    tail: np.ndarray, head: np.ndarray, code: np.ndarray, barred: np.ndarray, n_edges: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arcs that get a copy of their end, and (copy, arc) of what leaves each."""
    at = np.full(2 * n_edges, -1, dtype=np.int64)
    at[code] = np.arange(len(code))
    pairs = at[barred]
    pairs = pairs[(pairs >= 0).all(axis=1)]
    ins, of_pair = np.unique(pairs[:, 0], return_inverse=True)
    rows, outs = joined(tail, np.arange(len(tail)), head[ins])
    closed = np.isin(rows * len(tail) + outs, of_pair * len(tail) + pairs[:, 1])
    return ins, rows[~closed], outs[~closed]
