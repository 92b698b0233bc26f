"""One-to-all on real streets: this package against scipy and networkx, answers compared.

Run with ``python benchmarks/streets.py``; needs the real extracts in ``../shared/data``.
This package and networkx's ``single_source_dijkstra`` keep what is needed to draw the paths;
scipy and networkx's ``..._path_length`` return times alone. This package also keeps to barred
turns (``copies`` of junctions); the others are timed on the bare network.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from mobility.streets.arcs import Arcs, arcs, like
from mobility.streets.graph import streets_from_osm
from mobility.streets.modes import edge_times
from mobility.streets.paths import search_rows
from mobility.territory.project import Speeds

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SOURCES = 20


def best(run: Callable[[], object], times: int) -> float:
    """Return the shortest of a few runs, seconds of this thread."""
    found = float("inf")
    for _ in range(times):
        start = time.thread_time()
        run()
        found = min(found, time.thread_time() - start)
    return found


def from_nodes(net: Arcs, nodes: np.ndarray) -> np.ndarray:
    """Return seconds from each node to every node, (sources, n)."""
    seeds = (np.arange(len(nodes) + 1), nodes.astype(np.int32), np.zeros(len(nodes)))
    return search_rows(net, seeds, np.inf)[0]


def to_scipy(net: Arcs) -> csr_array:
    """Return the same arcs as a scipy matrix, the quickest of parallel ones kept.

    scipy takes a stored zero for a missing arc: none of the times may be zero.
    """
    n = len(net.ptr) - 1
    tail = np.repeat(np.arange(n), np.diff(net.ptr))
    order = np.lexsort((net.time, net.head, tail))
    tail, head, seconds = tail[order], net.head[order], net.time[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    first &= tail != head
    ptr = np.append(0, np.cumsum(np.bincount(tail[first], minlength=n)))
    return csr_array((seconds[first], head[first], ptr), shape=(n, n))


def to_networkx(matrix: csr_array) -> nx.DiGraph:
    """Return the same arcs as a networkx graph."""
    return nx.from_scipy_sparse_array(matrix, create_using=nx.DiGraph)


def compare(name: str, mode: str) -> dict[str, float]:
    """Time one-to-all for some nodes of an extract, and check that all answers agree."""
    streets = streets_from_osm(DATA / name / "streets.osm.pbf")
    times = edge_times(streets, mode, Speeds())
    uv, vu = (np.maximum(t, 1e-3) for t in times)
    net = arcs(streets, like(times, uv, vu))
    matrix = to_scipy(net)
    # What the others are timed on knows of no barred turn.
    bare = to_scipy(arcs(streets, (uv, vu)))
    graph = to_networkx(bare)
    # Sources on the biggest connected set, so that each search is a whole one.
    _, label = connected_components(matrix, directed=True, connection="strong")
    main_set = np.flatnonzero(label == np.bincount(label).argmax())
    main_set = main_set[main_set < streets.n_nodes]
    nodes = np.random.default_rng(0).choice(main_set, SOURCES, replace=False)
    ours = from_nodes(net, nodes)
    np.testing.assert_allclose(ours, dijkstra(matrix, indices=nodes), rtol=1e-9)
    turning = to_networkx(matrix)
    one = nx.single_source_dijkstra_path_length(turning, int(nodes[0]))
    row = np.full(len(net.place), np.inf)
    row[list(one)] = list(one.values())
    np.testing.assert_allclose(ours[0], row, rtol=1e-9)
    ours_s = best(lambda: from_nodes(net, nodes), 5) / SOURCES
    scipy_s = best(lambda: dijkstra(bare, indices=nodes), 5) / SOURCES
    first = int(nodes[0])
    networkx_s = best(lambda: nx.single_source_dijkstra(graph, first), 5)
    lengths_s = best(lambda: nx.single_source_dijkstra_path_length(graph, first), 2)
    return {
        "nodes": float(streets.n_nodes),
        "arcs": float(len(net.head)),
        "copies": float(len(net.place) - net.n_nodes),
        "ours_ms": 1000 * ours_s,
        "scipy_ms": 1000 * scipy_s,
        "networkx_ms": 1000 * networkx_s,
        "networkx_lengths_ms": 1000 * lengths_s,
        "ours_over_scipy": ours_s / scipy_s,
        "networkx_over_ours": networkx_s / ours_s,
        "networkx_lengths_over_ours": lengths_s / ours_s,
    }


def run() -> dict[str, dict[str, float]]:
    """Compare on the largest extracts, on foot and by car; empty where they are absent."""
    found = {}
    for name in ("rhein-neckar", "milan"):
        for mode in ("walk", "car"):
            if (DATA / name / "streets.osm.pbf").is_file():
                found[f"{name} {mode}"] = compare(name, mode)
    return found


def main() -> None:
    """Print a table."""
    rows = run()
    if not rows:
        print("The real extracts are absent.")
        return
    columns = list(next(iter(rows.values())))
    print(f"{'one-to-all, per source':24}" + "".join(f"{c:>28}" for c in columns))
    for name, row in rows.items():
        print(f"{name:24}" + "".join(f"{row[c]:28.2f}" for c in columns))


if __name__ == "__main__":
    main()
