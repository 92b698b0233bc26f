"""The streets as a directed graph of driving times, for buses."""

from __future__ import annotations

import networkx as nx

from demo.basin import Basin
from demo.geometry import dist

# Metres per second of a bus under way: in settlements, in the open.
SPEED = {
    "trunk": (22.0, 22.0),
    "primary": (9.5, 18.0),
    "secondary": (9.0, 17.0),
    "tertiary": (8.5, 15.5),
    "unclassified": (7.5, 11.0),
    "residential": (6.0, 6.0),
}


def drive_graph(basin: Basin, oneways: set[int]) -> nx.DiGraph:
    """Return nodes joined by driving seconds; ways in ``oneways`` have one direction."""
    net = basin.net
    graph = nx.DiGraph()
    for i, way in enumerate(net.ways):
        speed = SPEED.get(way.tags["highway"])
        if speed is None:
            continue
        single = i in oneways or way.tags.get("oneway") == "yes"
        for u, v in zip(way.nodes, way.nodes[1:], strict=False):
            a, b = net.xy[u], net.xy[v]
            middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            metres = dist(a, b)
            seconds = metres / speed[0 if basin.in_built(middle) else 1]
            graph.add_edge(u, v, s=seconds, m=metres)
            if not single:
                graph.add_edge(v, u, s=seconds, m=metres)
    return graph
