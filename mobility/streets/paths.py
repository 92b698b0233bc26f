"""Shortest times on streets, bounded, and the paths themselves, see `mobility.streets.search`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from shapely.ops import substring

from mobility.streets.arcs import Arcs, Times, arcs, turned
from mobility.streets.ends import Csr, Ends, Snaps, connectors, ends, rows_of, same_edge
from mobility.streets.graph import Streets
from mobility.streets.hourly import arcs_at

# Times that exceed a whole second by less than this are that second: rounding of floats.
TOLERANCE_S = 1e-3


@dataclass(frozen=True)
class PairTable:
    """Travel times of the pairs within reach.

    Attributes
    ----------
    ptr
        int64 (ns + 1,): pairs of source i are rows ``ptr[i]:ptr[i + 1]``.
    target
        int32: index of the target, increasing within a source where that was asked for.
    time_s
        int32: seconds, rounded up.
    """

    ptr: np.ndarray
    target: np.ndarray
    time_s: np.ndarray


def seeds_of(streets: Streets, net: Arcs, times: Times, sources: Snaps, access: np.ndarray) -> Csr:
    """Return the nodes that are come to from each source, and after how many seconds."""
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
    in_order: bool = True,
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
    in_order
        Sort the targets of each source, which takes as long as the search.

    Returns
    -------
    PairTable
        Whole seconds, rounded up.
    """
    from mobility.streets.search import all_pairs

    times = turned(times) if reverse else times
    net = arcs_at(streets, times)
    access = connectors(sources, connector_speed_ms)
    egress = connectors(targets, connector_speed_ms)
    into = ends(streets, net, times, targets, egress, leaving=False)
    goals = rows_of(into.node, len(net.place), into.point, into.seconds)
    source, target, along = same_edge(streets, times, sources, targets)
    along += access[source] + egress[target]
    ptr, found, exact = all_pairs(
        (net.ptr, net.head, net.time),
        seeds_of(streets, net, times, sources, access),
        goals,
        rows_of(source, len(sources), target, along),
        len(targets),
        float(limit_s) + TOLERANCE_S,
    )
    whole = np.ceil(exact - TOLERANCE_S).astype(np.int32)
    if not in_order:
        return PairTable(ptr, found, whole)
    row = np.repeat(np.arange(len(sources)), np.diff(ptr))
    order = np.argsort(row * max(len(targets), 1) + found, kind="stable")
    return PairTable(ptr, found[order], whole[order])


def start_times(
    streets: Streets, times: Times, sources: Snaps, *, connector_speed_ms: float, limit_s: float
) -> np.ndarray:
    """Return seconds from the nearest source at which each piece is entered, float64 (m, 2).

    From its u end and from its v end, turns allowed for; infinite where it is not.
    """
    net = arcs_at(streets, times)
    access = connectors(sources, connector_speed_ms)
    _, nodes, seconds = seeds_of(streets, net, times, sources, access)
    together = np.array([0, len(nodes)], dtype=np.int64), nodes, seconds
    (at,) = search_rows(net, together, limit_s)[0]
    found = np.full((streets.n_edges, 2), np.inf)
    np.minimum.at(found, (net.edge, np.where(net.forward, 0, 1)), at[net.tail])
    return found


def search_rows(net: Arcs, seeds: Csr, limit_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return time and incoming arc (-1: none) of each node, one row per source."""
    from mobility.streets.search import node_rows

    return node_rows((net.ptr, net.head, net.time), seeds, float(limit_s))


def ways_to(net: Arcs, vias: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Return ``vias`` of `search_rows` on the ways to some nodes, -1 elsewhere, int32 (ns, n)."""
    from mobility.streets.search import climb

    found = np.full(vias.shape, -1, dtype=np.int32)
    climb(vias, net.tail, nodes, found)
    return found


@dataclass(frozen=True)
class StreetPath:
    """A shortest path between two snapped points.

    Attributes
    ----------
    edges
        int32: street pieces in the order of travel, the partial first and last included.
    time_s
        Seconds, both connectors included, not rounded.
    length_m
        Metres along streets, without connectors.
    from_m, to_m
        float64: the stretch of each piece, metres along it.
    streets
        The network.
    """

    edges: np.ndarray
    time_s: float
    length_m: float
    from_m: np.ndarray
    to_m: np.ndarray
    streets: Streets

    @cached_property
    def lonlat(self) -> np.ndarray:
        """float64 (k, 2): the polyline from street to street, degrees."""
        stretches = zip(self.edges, self.from_m, self.to_m, strict=True)
        lines = self.streets.lines
        parts = [np.array(substring(lines[e], a, b).coords) for e, a, b in stretches]
        return self.streets.unproject(np.vstack([parts[0], *(p[1:] for p in parts[1:])]))


def street_paths(
    streets: Streets,
    times: Times,
    sources: Snaps,
    targets: Snaps,
    *,
    connector_speed_ms: float,
    limit_s: float = float("inf"),
) -> list[StreetPath | None]:
    """Return the path from each source to the target of the same row, None where there is none.

    Parameters
    ----------
    streets, times
        The network and the seconds per piece both ways, see `modes.edge_times`.
    sources, targets
        As many snapped points each.
    connector_speed_ms
        Speed over the straight line between a point and its street.
    limit_s
        Longest search.
    """
    net = arcs(streets, times)
    access, egress = (
        sources.distance_m / connector_speed_ms,
        targets.distance_m / connector_speed_ms,
    )
    row_of, other, seconds = same_edge(streets, times, sources, targets)
    along = np.full(len(sources), np.inf)
    along[row_of[row_of == other]] = seconds[row_of == other]
    out = ends(streets, net, times, sources, access, leaving=True)
    into = ends(streets, net, times, targets, egress, leaving=False)
    found: list[StreetPath | None] = []
    for row in range(len(sources)):
        (source, first), (target, last) = (
            (snaps.take(slice(row, row + 1)), Ends(*(each[ways.point == row] for each in ways)))
            for snaps, ways in ((sources, out), (targets, into))
        )
        direct = float(along[row] + access[row] + egress[row])
        path = _over_nodes(streets, net, (source, first), (target, last), limit_s)
        if direct <= min(limit_s, np.inf if path is None else path.time_s) and direct < np.inf:
            piece = (int(source.edge[0]), float(source.offset_m[0]), float(target.offset_m[0]))
            path = _path(streets, [piece], direct)
        found.append(path)
    return found


def _over_nodes(
    streets: Streets, net: Arcs, start: tuple[Snaps, Ends], goal: tuple[Snaps, Ends], limit_s: float
) -> StreetPath | None:
    """Return the shortest path that passes at least one junction."""
    (source, out), (target, into) = start, goal
    if not len(out.node) or not len(into.node):
        return None
    seeds = (np.array([0, len(out.node)]), out.node.astype(np.int32), out.seconds)
    rows, vias = search_rows(net, seeds, limit_s)
    whole = rows[0, into.node] + into.seconds
    door = int(np.argmin(whole))
    time_s = float(whole[door])
    if time_s > limit_s or time_s == np.inf:
        return None
    node = int(into.node[door])
    steps = [_step(streets, target, int(into.side[door]))]
    while vias[0, node] >= 0:
        arc = int(vias[0, node])
        edge, length = int(net.edge[arc]), float(streets.length_m[net.edge[arc]])
        steps.append((edge, 0.0, length) if net.forward[arc] else (edge, length, 0.0))
        node = int(net.tail[arc])
    exits = np.flatnonzero(out.node == node)
    side = int(out.side[exits[np.argmin(out.seconds[exits])]])
    edge, end_m, from_m = _step(streets, source, side)
    steps.append((edge, from_m, end_m))
    return _path(streets, steps[::-1], time_s)


def _step(streets: Streets, snaps: Snaps, side: int) -> tuple[int, float, float]:
    """Return the stretch from one end (0: u, 1: v) of a point's piece to the point."""
    edge = int(snaps.edge[0])
    return edge, float(streets.length_m[edge]) * side, float(snaps.offset_m[0])


def _path(streets: Streets, steps: list[tuple[int, float, float]], time_s: float) -> StreetPath:
    """Return the path made of stretches (piece, from metres, to metres)."""
    steps = [s for s in steps if s[1] != s[2]] or steps[:1]
    edges, from_m, to_m = zip(*steps, strict=True)
    return StreetPath(
        edges=np.array(edges, np.int32),
        time_s=time_s,
        length_m=float(sum(abs(b - a) for _, a, b in steps)),
        from_m=np.array(from_m),
        to_m=np.array(to_m),
        streets=streets,
    )
