"""Shortest times and paths on streets, bounded, see `mobility.streets.search`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobility.streets.arcs import Arcs, Times, turned
from mobility.streets.ends import Csr, Snaps, connectors, ends, rows_of, same_edge
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
