"""The path itself between two points on streets: its pieces, length and drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely.ops import substring

from mobility.network.paths import Arcs, Times, arcs, end_seconds, same_edge, search_rows
from mobility.network.snap import Snaps
from mobility.network.streets import Streets


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
    lonlat
        float64 (k, 2): the polyline from street to street, degrees.
    """

    edges: np.ndarray
    time_s: float
    length_m: float
    lonlat: np.ndarray


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
    leaving = end_seconds(streets, times, sources, leaving=True) + access[:, None]
    entering = end_seconds(streets, times, targets, leaving=False) + egress[:, None]
    found: list[StreetPath | None] = []
    for row in range(len(sources)):
        source, target = sources.take(slice(row, row + 1)), targets.take(slice(row, row + 1))
        _, _, along = same_edge(streets, times, source, target)
        direct = float(along.min(initial=np.inf) + access[row] + egress[row])
        path = _over_nodes(streets, net, (source, leaving[row]), (target, entering[row]), limit_s)
        if direct <= min(limit_s, np.inf if path is None else path.time_s) and direct < np.inf:
            piece = (int(source.edge[0]), float(source.offset_m[0]), float(target.offset_m[0]))
            path = _drawn(streets, [piece], direct)
        found.append(path)
    return found


def _over_nodes(
    streets: Streets,
    net: Arcs,
    start: tuple[Snaps, np.ndarray],
    goal: tuple[Snaps, np.ndarray],
    limit_s: float,
) -> StreetPath | None:
    """Return the shortest path that passes at least one junction."""
    (source, leaving), (target, entering) = start, goal
    first, last = int(source.edge[0]), int(target.edge[0])
    if first < 0 or last < 0:
        return None
    exits = np.array([streets.edge_u[first], streets.edge_v[first]], dtype=np.int32)
    doors = np.array([streets.edge_u[last], streets.edge_v[last]], dtype=np.int32)
    open_ = np.isfinite(leaving)
    seeds = (np.array([0, open_.sum()]), exits[open_], leaving[open_])
    rows, vias = search_rows(net, seeds, limit_s)
    side = int(np.argmin(rows[0, doors] + entering))
    time_s = float(rows[0, doors[side]] + entering[side])
    if time_s > limit_s or time_s == np.inf:
        return None
    steps = [(last, float(streets.length_m[last]) * side, float(target.offset_m[0]))]
    node = int(doors[side])
    while vias[0, node] >= 0:
        arc = int(vias[0, node])
        edge, length = int(net.edge[arc]), float(streets.length_m[net.edge[arc]])
        steps.append((edge, 0.0, length) if net.forward[arc] else (edge, length, 0.0))
        node = int(streets.edge_u[edge] if net.forward[arc] else streets.edge_v[edge])
    exit_side = int(np.argmin(np.where(exits == node, leaving, np.inf)))
    steps.append((first, float(source.offset_m[0]), float(streets.length_m[first]) * exit_side))
    return _drawn(streets, steps[::-1], time_s)


def _drawn(streets: Streets, steps: list[tuple[int, float, float]], time_s: float) -> StreetPath:
    """Return the path made of stretches (piece, from metres, to metres)."""
    steps = [s for s in steps if s[1] != s[2]] or steps[:1]
    parts = [np.array(substring(streets.lines[e], a, b).coords) for e, a, b in steps]
    xy = np.vstack([parts[0], *(p[1:] for p in parts[1:])])
    return StreetPath(
        edges=np.array([e for e, _, _ in steps], dtype=np.int32),
        time_s=time_s,
        length_m=float(sum(abs(b - a) for _, a, b in steps)),
        lonlat=streets.unproject(xy),
    )
