"""Streets as an OSMnx-convention graph, for users who go on with networkx or OSMnx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shapely

from mobility.streets.graph import Streets
from mobility.streets.tags import general_ways

if TYPE_CHECKING:
    import networkx as nx

_KEPT = ("highway", "name", "ref", "maxspeed", "lanes", "junction", "access", "service", "lit")


def to_graph(streets: Streets) -> nx.MultiDiGraph[Any]:
    """Return the streets as an OSMnx-convention ``MultiDiGraph`` in EPSG:4326.

    Nodes have ``x`` and ``y``; edges ``osmid``, ``length`` (metres), ``oneway``,
    ``reversed``, tags where there are some, and ``geometry`` where they bend. One-way
    streets, as general traffic meets them, have one edge; the others have two.
    """
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    lonlat = streets.unproject(streets.node_xy)
    ids = [int(i) for i in streets.node_id]
    graph.add_nodes_from(
        (i, {"x": float(x), "y": float(y)}) for i, (x, y) in zip(ids, lonlat, strict=True)
    )
    forward, backward = general_ways(streets.tags)
    geom = streets.unproject(streets.geom_xy)
    kept = {c: streets.tags[c].tolist() for c in _KEPT if c in streets.tags}
    osm_id = streets.tags["osm_id"].tolist()
    for e in range(streets.n_edges):
        data = {c: values[e] for c, values in kept.items() if isinstance(values[e], str)}
        data |= {"osmid": osm_id[e], "length": float(streets.length_m[e])}
        data["oneway"] = not (forward[e] and backward[e])
        line = geom[streets.geom_ptr[e] : streets.geom_ptr[e + 1]]
        u, v = ids[streets.edge_u[e]], ids[streets.edge_v[e]]
        if forward[e]:
            graph.add_edge(u, v, **data, reversed=False, **_drawn(line))
        if backward[e]:
            graph.add_edge(v, u, **data, reversed=True, **_drawn(line[::-1]))
    return graph


def _drawn(line: Any) -> dict[str, Any]:
    return {"geometry": shapely.LineString(line)} if len(line) > 2 else {}
