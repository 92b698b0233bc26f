"""Points on streets and the ends of their pieces: how a point is left and entered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mobility.streets.arcs import Arcs, Times, by_number, local_of
from mobility.streets.graph import Streets

# Compressed rows: pointers, then two values per entry (node or point, seconds).
Csr = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Snaps:
    """Where points meet the streets.

    Attributes
    ----------
    edge
        int32 (p,): street piece, -1 where none is near enough.
    offset_m
        float64 (p,): metres from the piece's u end.
    distance_m
        float64 (p,): straight line from the point to the street, infinite where none.
    """

    edge: np.ndarray
    offset_m: np.ndarray
    distance_m: np.ndarray

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, rows: np.ndarray | slice) -> Snaps:
        """Return some of the points."""
        return Snaps(self.edge[rows], self.offset_m[rows], self.distance_m[rows])


def connectors(snaps: Snaps, speed_ms: float) -> np.ndarray:
    """Return seconds over the straight line to the street, infinite without one, (p,)."""
    seconds = np.full(len(snaps.edge), np.inf)
    found = snaps.edge >= 0
    seconds[found] = snaps.distance_m[found] / speed_ms
    return seconds


def end_seconds(streets: Streets, times: Times, snaps: Snaps, *, leaving: bool) -> np.ndarray:
    """Return the seconds along its piece from each point to the piece's ends u and v.

    Parameters
    ----------
    leaving
        From the point to the ends; when False, from the ends to the point.

    Returns
    -------
    float64 (p, 2)
        Infinite where travel is forbidden or the point has no street. Within a millimetre
        of an end a point is at the end, and may leave or enter there in any direction.
    """
    edge = np.maximum(snaps.edge, 0)
    length = streets.length_m[edge]
    to_u = np.where(snaps.offset_m < 1e-3, 0.0, snaps.offset_m)
    to_v = np.where(length - snaps.offset_m < 1e-3, 0.0, length - snaps.offset_m)
    uv, vu = (t[edge].astype(np.float64) for t in times)
    pace = np.column_stack([vu, uv] if leaving else [uv, vu])
    share = np.column_stack([to_u, to_v]) / np.maximum(length, 1e-9)[:, None]
    with np.errstate(invalid="ignore"):
        seconds = np.where(share == 0.0, 0.0, share * pace)
    seconds[snaps.edge < 0] = np.inf
    return seconds


class Ends(NamedTuple):
    """Ways between points and nodes: the point, the end (0: u, 1: v), the node, seconds."""

    point: np.ndarray
    side: np.ndarray
    node: np.ndarray
    seconds: np.ndarray


def ends(
    streets: Streets,
    net: Arcs,
    times: Times,
    snaps: Snaps,
    connector_s: np.ndarray,
    *,
    leaving: bool,
) -> Ends:
    """Return the ways by which points are left or entered, connectors included.

    With barred turns, a point is left to the node in which its piece's arc ends, and entered
    from every node which that arc leaves.
    """
    seconds = end_seconds(streets, times, snaps, leaving=leaving)
    point, side = np.nonzero(np.isfinite(seconds + connector_s[:, None]))
    edge = snaps.edge[point]
    node = np.where(side == 0, streets.edge_u[edge], streets.edge_v[edge])
    along = seconds[point, side]
    whole = along + connector_s[point]
    if not net.has_copies:
        return Ends(point, side, node, whole)
    # At a junction itself, any way out or in is open; but who stands on a street open to
    # through traffic is not on the others.
    inside = np.flatnonzero(along > 0)
    local = local_of(times)
    on_open = np.zeros(len(edge), dtype=bool) if local is None else ~local[edge]
    code = 2 * edge[inside].astype(np.int64)
    if leaving:
        if net.among is not None:
            node = np.where(on_open, net.among[node], node)
        node[inside] = net.reached_by(code + (side[inside] == 0))
        return Ends(point, side, node, whole)
    at = np.flatnonzero(along == 0)
    row, entered = net.left_by(code + (side[inside] == 1))
    junction, copy = net.copies_of(node[at])
    if net.among is not None:
        kept = (copy < net.again) | ~on_open[at[junction]]
        junction, copy = junction[kept], copy[kept]
    rows = np.concatenate([inside[row], at[junction]])
    return Ends(point[rows], side[rows], np.concatenate([entered, copy]), whole[rows])


def rows_of(row: np.ndarray, n_rows: int, index: np.ndarray, value: np.ndarray) -> Csr:
    """Return (index, value) entries by row, those of a row in the order given."""
    order = by_number(row, n_rows)
    ptr = np.append(0, np.cumsum(np.bincount(row, minlength=n_rows))).astype(np.int64)
    return ptr, index[order].astype(np.int32), value[order].astype(np.float64)


def same_edge(
    streets: Streets, times: Times, sources: Snaps, targets: Snaps
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (source, target, seconds along the piece) of points on one piece."""
    on = np.flatnonzero(targets.edge >= 0)
    ptr, target, _ = rows_of(targets.edge[on], streets.n_edges, on, on)
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
