"""Where streets at one hour differ from those at another, and who can be concerned."""

from __future__ import annotations

import numpy as np

from mobility.streets.arcs import Times, arcs, barred_of, local_of, sequences_of, turned
from mobility.streets.graph import Streets
from mobility.streets.paths import search_rows


def junctions_changed(streets: Streets, one: Times, other: Times) -> np.ndarray:
    """Return the junctions at which two sets of times differ, rows of ``node_id``, int64.

    They are the ends of street pieces that take other seconds, or are closed to through traffic
    in one alone, and where a turn is barred in one alone. A way that passes none of them is a
    way in both, and takes as long.
    """
    pieces = (one[0] != other[0]) | (one[1] != other[1])
    local = [local_of(times) for times in (one, other)]
    if any(closed is not None for closed in local):
        none = np.zeros(len(pieces), dtype=bool)
        here, there = (none if closed is None else closed for closed in local)
        pieces |= here != there
    for sequence in {*sequences_of(one)} ^ {*sequences_of(other)}:
        pieces[[arc // 2 for arc in sequence]] = True
    n_arcs = 2 * len(pieces)
    turns = [barred[:, 0] * n_arcs + barred[:, 1] for barred in map(barred_of, (one, other))]
    arc = np.setxor1d(*turns) // n_arcs
    ends = streets.edge_u, streets.edge_v
    turning = np.where(arc % 2, ends[0][arc // 2], ends[1][arc // 2])
    return np.unique(np.concatenate([*(end[pieces] for end in ends), turning]).astype(np.int64))


def pieces_near(
    streets: Streets, times: Times, junctions: np.ndarray, limit_s: float
) -> np.ndarray:
    """Return the pieces from an end of which a junction is reached within a limit, bool (m,)."""
    net = arcs(streets, turned(times))
    # Every arc leaves a junction itself, some leave copies of it too.
    seeds = np.array([0, len(junctions)]), junctions.astype(np.int32), np.zeros(len(junctions))
    (seconds,), _ = search_rows(net, seeds, limit_s)
    near = np.zeros(streets.n_nodes, dtype=bool)
    near[net.place[np.isfinite(seconds)]] = True
    return np.asarray(near[streets.edge_u] | near[streets.edge_v])
