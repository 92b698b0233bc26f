"""Driving between places on the streets: seconds, metres and the way on the map."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from mobility.base.cache import cached
from mobility.shuttles.model import UNREACHED, Drive, Floats
from mobility.streets.arcs import Arcs, Times, arcs, joined, like
from mobility.streets.ends import Snaps, ends
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.streets.snap import snap, usable_edges
from mobility.territory.project import Speeds

# One number per arc carries both: centiseconds above, decimetres below. Sums stay exact
# in a double, so the shortest way in time comes with its length.
_TIME_UNIT = 10**9
LIMIT_S = 5400.0
_AT_JUNCTION_M = 1.0
AT_ONCE = 32  # places searched from at a time
FORMAT = 1
Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class DriveGraph:
    """Streets open to cars, with places put on them as extra nodes.

    Attributes
    ----------
    graph
        Sparse (n + 2 P, n + 2 P). After the streets come the P places as they are left, then
        as they are come to: no way leads through a place that is not a stop of it.
    snaps
        Where each place meets its street.
    n_nodes
        Nodes of the streets, copies at barred turns included.
    junction
        The junction of each node of the streets.
    times
        A car's seconds per street piece, both ways.
    """

    streets: Streets
    graph: sparse.csr_matrix
    snaps: Snaps
    n_nodes: int
    junction: np.ndarray
    times: Times

    @cached_property
    def ways(self) -> Ways:
        """The ways between its places, each found once."""
        return Ways(self)


def drive_graph(
    streets: Streets,
    speeds: Speeds,
    lonlat: Floats,
    *,
    factor: float,
    max_snap_m: float = 500.0,
    times: Times | None = None,
) -> DriveGraph:
    """Put places on the streets open to cars.

    Parameters
    ----------
    lonlat
        float64[P,2] degrees.
    factor
        Shuttle's driving time over a car's.
    max_snap_m
        Farthest a place may lie from a street; beyond, nothing drives there.
    times
        A car's seconds per street piece, where known already.
    """
    times = edge_times(streets, "car", speeds) if times is None else times
    slower = like(times, *(np.asarray(t, np.float64) * factor for t in times))
    usable = usable_edges(streets, times)
    snaps = snap(streets, lonlat[:, 0], lonlat[:, 1], usable, max_m=max_snap_m)
    net = arcs(streets, slower)
    parts = [(net.tail, net.head.astype(np.int64), net.time, streets.length_m[net.edge])]
    parts += _place_arcs(streets, net, snaps, slower)
    rows, cols, seconds, metres = (np.concatenate([p[k] for p in parts]) for k in range(4))
    finite = np.isfinite(seconds)
    weight = np.rint(seconds[finite] * 100) * _TIME_UNIT + np.rint(metres[finite] * 10) + 1
    graph = _quickest(rows[finite], cols[finite], weight, len(net.place) + 2 * len(snaps))
    return DriveGraph(streets, graph, snaps, len(net.place), net.place, times)


def _quickest(
    rows: np.ndarray, cols: np.ndarray, weight: np.ndarray, size: int
) -> sparse.csr_matrix:
    """Return the graph of some arcs, the quickest where there are several from node to node."""
    order = np.lexsort((weight, cols, rows))
    rows, cols, weight = rows[order], cols[order], weight[order]
    first = np.r_[True, (np.diff(rows) != 0) | (np.diff(cols) != 0)][: len(rows)]
    return sparse.csr_matrix((weight[first], (rows[first], cols[first])), shape=(size, size))


def _forks(matrix: sparse.csr_matrix, kept: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return the graph of forks and some nodes alone, and the number of each node in it.

    Streets that lead nowhere else are left out; a way between two of the nodes is one arc.
    """
    around = (matrix + matrix.T).tocsr()
    around.data[:] = 1
    needed = np.zeros(matrix.shape[0], bool)
    needed[kept] = True
    live = np.ones_like(needed)
    while (ends := live & ~needed & (around @ live <= 1)).any():
        live &= ~ends
    fork = live & (needed | (around @ live != 2))
    neighbours = (around @ (live * np.arange(len(live)))).astype(np.int64)  # their sum
    arcs = matrix.tocoo()
    first = fork[arcs.row] & live[arcs.col]
    start, node, weight = arcs.row[first], arcs.col[first], arcs.data[first]
    before, found = start, [(start[:0], node[:0], weight[:0])]
    while len(start):
        ended = fork[node]
        found.append((start[ended], node[ended], weight[ended]))
        ahead = neighbours[node] - before
        more = np.zeros(len(node))
        more[~ended] = np.asarray(matrix[node[~ended], ahead[~ended]]).ravel()
        on = more > 0
        start, before, node, weight = start[on], node[on], ahead[on], (weight + more)[on]
    rows, cols, weight = (np.concatenate(parts) for parts in zip(*found, strict=True))
    number = np.cumsum(fork) - 1
    return _quickest(number[rows], number[cols], weight, int(fork.sum())), number


def _place_arcs(streets: Streets, net: Arcs, snaps: Snaps, times: Times) -> list[Part]:
    place = np.flatnonzero(snaps.edge >= 0)
    on = snaps.take(place)
    none = np.zeros(len(on))
    left, entered = place + len(net.place), place + len(net.place) + len(snaps)
    length = np.maximum(streets.length_m[on.edge], 1e-6)
    from_u = np.clip(on.offset_m, 0, length)
    # A place within a metre of a junction is at the junction.
    from_u = np.where(from_u < _AT_JUNCTION_M, 0.0, from_u)
    from_u = np.where(length - from_u < _AT_JUNCTION_M, length, from_u)
    at = Snaps(on.edge, from_u, none)
    parts = []
    for leaving in (True, False):
        way = ends(streets, net, times, at, none, leaving=leaving)
        metres = np.where(way.side == 0, from_u[way.point], (length - from_u)[way.point])
        street, end = way.node.astype(np.int64), (left if leaving else entered)[way.point]
        parts.append((*((end, street) if leaving else (street, end)), way.seconds, metres))
    ahead, back = (np.asarray(t[on.edge], np.float64) / length for t in times)
    # Two places on one street piece.
    a, b = joined(on.edge, np.arange(len(on)), on.edge)
    further = (from_u[b] > from_u[a]) | ((from_u[b] == from_u[a]) & (b > a))
    a, b = a[further], b[further]
    gap = from_u[b] - from_u[a]
    parts += [
        (left[a], entered[b], _along(gap, ahead[a]), gap),
        (left[b], entered[a], _along(gap, back[a]), gap),
    ]
    return parts


def _along(metres: np.ndarray, slowness: np.ndarray) -> np.ndarray:
    """Return the seconds along a piece, infinite where one may not."""
    free = np.isfinite(slowness)
    return np.where(free, metres * np.where(free, slowness, 0.0), np.inf)


def _decode(weight: np.ndarray) -> Drive:
    reached = np.isfinite(weight)
    value = np.where(reached, weight, 0.0)
    centiseconds = np.floor(value / _TIME_UNIT)
    metres = (value - centiseconds * _TIME_UNIT) / 10
    seconds = np.where(reached, np.ceil(centiseconds / 100), UNREACHED).astype(np.int32)
    return Drive(seconds, np.where(reached, metres, np.inf))


def _weights(matrix: sparse.csr_matrix, nodes: np.ndarray) -> Floats:
    """Return the least weight of every node from each of some, infinite beyond `LIMIT_S`."""
    from mobility.streets.search import node_rows

    net = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
    zero = np.zeros(len(nodes))
    seeds = (np.arange(len(nodes) + 1, dtype=np.int64), nodes.astype(np.int32), zero)
    return node_rows(net, seeds, LIMIT_S * 100 * _TIME_UNIT)[0]


def drive_matrix(graph: DriveGraph, places: np.ndarray) -> Drive:
    """Return the driving between places; `UNREACHED` beyond `LIMIT_S`.

    That between many is kept in the user's cache.
    """
    places = np.asarray(places)
    if len(places) <= AT_ONCE:
        return _driven(graph, places)
    net = graph.graph
    key = FORMAT, net.data, net.indices, net.indptr, graph.n_nodes, places, LIMIT_S
    found = cached("drives", key, lambda: vars(_driven(graph, places)))
    return Drive(**{name: np.asarray(found[name]) for name in found})


def _driven(graph: DriveGraph, places: np.ndarray) -> Drive:
    ends = [places + first for first in _place_nodes(graph)]
    forks, number = _forks(graph.graph, np.concatenate(ends))
    left, entered = (number[nodes] for nodes in ends)
    weight = np.empty((len(places), len(places)))
    # A search answers for every fork: those of all places at once would fill the memory.
    for low in range(0, len(places), AT_ONCE):
        some = slice(low, low + AT_ONCE)
        weight[some] = _weights(forks, left[some])[:, entered]
    weight[places[:, None] == places] = 0.0
    return _decode(weight)


def drive_towards(graph: DriveGraph, places: np.ndarray, goals: np.ndarray) -> Drive:
    """Return the driving from places to a few goals, none of which is among the places."""
    left, entered = _place_nodes(graph)
    rows = _weights(graph.graph.T.tocsr(), goals + entered)
    return _decode(rows[:, places + left].T)


def drive_seconds(graph: DriveGraph, place: int, *, to_place: bool) -> np.ndarray:
    """Return int32 seconds between one place and every place, from them when ``to_place``."""
    matrix = graph.graph.T.tocsr() if to_place else graph.graph
    left, entered = (slice(n, n + len(graph.snaps)) for n in _place_nodes(graph))
    start, end = (entered, left) if to_place else (left, entered)
    weight = _weights(matrix, np.array([place + start.start]))[0, end]
    weight[place] = 0.0
    return _decode(weight).seconds


def _place_nodes(graph: DriveGraph) -> tuple[int, int]:
    """Return the first node of the places as they are left, and as they are come to."""
    return graph.n_nodes, graph.n_nodes + len(graph.snaps)


class Ways:
    """Polylines between places, found once for each start."""

    def __init__(self, graph: DriveGraph) -> None:
        self._graph = graph
        self._before: dict[int, np.ndarray] = {}
        self._known: dict[tuple[int, int], Floats] = {}
        self._drawn: dict[tuple[tuple[int, ...], float], Floats] = {}
        # Pieces by their two ends, whichever way.
        ends = self._ends(graph.streets.edge_u, graph.streets.edge_v)
        self._by_ends = np.argsort(ends, kind="stable")
        self._sorted_ends = ends[self._by_ends]

    def _ends(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        """Return a number for two junctions, the same for both orders, int64."""
        low, high = np.minimum(one, two), np.maximum(one, two)
        return np.asarray(low.astype(np.int64) * self._graph.streets.n_nodes + high)

    def _shortest(self, one: int, two: int) -> int:
        """Return the shortest piece between two junctions."""
        asked = self._ends(np.array([one]), np.array([two]))[0]
        low, high = (np.searchsorted(self._sorted_ends, asked, side) for side in ("left", "right"))
        found = self._by_ends[low:high]
        return int(found[np.argmin(self._graph.streets.length_m[found])])

    def between(self, one: int, two: int) -> Floats:
        """Return the way from place to place as float64[k,2] projected metres.

        A straight line stands where there is no way.
        """
        if (one, two) not in self._known:
            self._known[one, two] = self._find(one, two)
        return self._known[one, two]

    def _find(self, one: int, two: int) -> Floats:
        graph = self._graph
        left, entered = _place_nodes(graph)
        start, end = one + left, two + entered
        if one == two:
            return self._point(start)
        if one not in self._before:
            _, before = csgraph.dijkstra(
                graph.graph,
                indices=[start],
                return_predecessors=True,
                limit=LIMIT_S * 100 * _TIME_UNIT,
            )
            self._before[one] = before[0]
        before = self._before[one]
        path = [end]
        while path[-1] != start and before[path[-1]] >= 0:
            path.append(int(before[path[-1]]))
        path.reverse()
        points = [self._point(start)]
        if path[0] == start:
            for a, b in itertools.pairwise(path):
                points.append(self._piece(a, b))
        else:
            points.append(self._point(end))
        line = np.concatenate(points)
        keep = np.r_[True, np.hypot(*np.diff(line, axis=0).T) > 0.01]
        return np.asarray(line[keep], np.float64)

    def along(self, calls: Sequence[int]) -> Floats:
        """Return the way through several places as float64[k,2] projected metres."""
        parts = [self.between(a, b) for a, b in pairwise(calls)]
        line = np.concatenate(parts) if parts else np.empty((0, 2))
        keep = np.r_[True, np.hypot(*np.diff(line, axis=0).T) > 0.01]
        return np.asarray(line[keep[: len(line)]], np.float64)

    def lonlat(self, calls: Sequence[int], *, tolerance_m: float = 2.0) -> Floats:
        """Return the way through several places as float64[k,2] degrees, slightly simplified."""
        key = (tuple(calls), tolerance_m)
        if key not in self._drawn:
            self._drawn[key] = self._simplified(calls, tolerance_m)
        return self._drawn[key]

    def _simplified(self, calls: Sequence[int], tolerance_m: float) -> Floats:
        import shapely

        line = self.along(calls)
        if len(line) > 2:
            line = shapely.get_coordinates(shapely.LineString(line).simplify(tolerance_m))
        return np.asarray(self._graph.streets.unproject(line), np.float64)

    def _point(self, node: int) -> Floats:
        graph = self._graph
        if node < graph.n_nodes:
            return np.asarray(graph.streets.node_xy[graph.junction[node]][None], np.float64)
        place = self._place(node)
        edge = int(graph.snaps.edge[place])
        if edge < 0:
            return np.empty((0, 2))
        line = self._geometry(edge)
        return _cut(line, graph.snaps.offset_m[place], graph.snaps.offset_m[place])[:1]

    def _place(self, node: int) -> int:
        return (node - self._graph.n_nodes) % len(self._graph.snaps)

    def _geometry(self, edge: int) -> Floats:
        streets = self._graph.streets
        return np.asarray(streets.geom_xy[streets.geom_ptr[edge] : streets.geom_ptr[edge + 1]])

    def _piece(self, a: int, b: int) -> Floats:
        graph = self._graph
        n = graph.n_nodes
        if a < n and b < n:
            streets = graph.streets
            u, v = int(graph.junction[a]), int(graph.junction[b])
            edge = self._shortest(u, v)
            line = self._geometry(edge)
            return line if streets.edge_u[edge] == u else np.asarray(line[::-1])
        edge = int(graph.snaps.edge[self._place(a if a >= n else b)])
        low, high = self._offset(a, edge), self._offset(b, edge)
        line = _cut(self._geometry(edge), min(low, high), max(low, high))
        return line if low <= high else line[::-1]

    def _offset(self, node: int, edge: int) -> float:
        graph = self._graph
        if node >= graph.n_nodes:
            return float(graph.snaps.offset_m[self._place(node)])
        at_u = graph.streets.edge_u[edge] == graph.junction[node]
        return 0.0 if at_u else float(graph.streets.length_m[edge])


def _cut(line: Floats, low: float, high: float) -> Floats:
    """Return the part of a polyline between two distances along it."""
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
    inner = line[(along > low) & (along < high)]
    ends = [[np.interp(d, along, line[:, 0]), np.interp(d, along, line[:, 1])] for d in (low, high)]
    return np.concatenate([[ends[0]], inner, [ends[1]]])
