"""The path itself between two points on streets: its pieces, length and drawing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from shapely.ops import substring

from mobility.streets.arcs import Arcs, Times, arcs
from mobility.streets.ends import Ends, Snaps, ends, same_edge
from mobility.streets.graph import Streets
from mobility.streets.paths import search_rows


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
