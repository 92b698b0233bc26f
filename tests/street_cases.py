"""Small street networks in metres around one point, and OpenStreetMap files as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd
import pyproj

from mobility.sources.osm.pieces import empty_tags
from mobility.sources.osm.ways import TAG_COLUMNS
from mobility.streets.arcs import Times, turned
from mobility.streets.ends import Snaps, connectors
from mobility.streets.graph import Streets, polyline_lengths
from mobility.streets.hourly import arcs_at
from mobility.streets.paths import search_rows, seeds_of
from mobility.territory.project import Speeds

DATA = Path(__file__).parents[1].parent / "shared" / "data"
# On the central meridian of UTM zone 31, where 1 degree of longitude is 3 E.
X0, Y0 = 500_000.0, 5_000_000.0
ORIGIN = np.array([X0, Y0])
UTM = pyproj.CRS.from_epsg(32631)
# 1 metre per second, on foot: a metre is a second.
METRE_A_SECOND = Speeds(walk_kmh=3.6, bike_kmh=18.0, e_bike_kmh=36.0)

Point = tuple[float, float]


def streets_of(
    nodes: Mapping[str, Point],
    edges: Sequence[tuple[str, str] | tuple[str, str, Mapping[str, str]]],
    bends: Mapping[int, Sequence[Point]] | None = None,
) -> Streets:
    """Build streets from named points in metres; edges are residential streets by default."""
    names = list(nodes)
    node_xy = np.array([nodes[n] for n in names], dtype=float) + ORIGIN
    u = np.array([names.index(e[0]) for e in edges], dtype=np.int32)
    v = np.array([names.index(e[1]) for e in edges], dtype=np.int32)
    lines = []
    for k in range(len(edges)):
        middle = [np.array(p) + ORIGIN for p in (bends or {}).get(k, ())]
        lines.append(np.vstack([node_xy[u[k]], *middle, node_xy[v[k]]]))
    ptr = np.append(0, np.cumsum([len(x) for x in lines])).astype(np.int64)
    geom = np.vstack(lines)
    tags = empty_tags(np.arange(len(edges)))
    rows = [{"highway": "residential"} | dict(e[2] if len(e) > 2 else {}) for e in edges]
    for column in TAG_COLUMNS:
        tags[column] = pd.Series([r.get(column) for r in rows], dtype="str")
    return Streets(
        crs=UTM,
        node_id=np.arange(len(names)) + 100,
        node_xy=node_xy,
        edge_u=u,
        edge_v=v,
        length_m=polyline_lengths(ptr, geom),
        geom_ptr=ptr,
        geom_xy=geom,
        tags=tags,
    )


def lonlat(points: Sequence[Point]) -> np.ndarray:
    """Return longitude and latitude of points in metres."""
    xy = np.array(points, dtype=float).reshape(-1, 2) + ORIGIN
    to = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
    return np.column_stack(to.transform(xy[:, 0], xy[:, 1]))


def osm_text(
    nodes: Mapping[int, Point | tuple[float, float, Mapping[str, str]]],
    ways: Sequence[tuple[int, Sequence[int], Mapping[str, str]]] = (),
    relations: Sequence[tuple[int, Sequence[tuple[int, str]], Mapping[str, str]]] = (),
) -> str:
    """Write an OpenStreetMap XML document; nodes are in metres, members with role via nodes.

    A member with role via that is no node is a way.
    """
    where = lonlat([(p[0], p[1]) for p in nodes.values()])
    parts = ['<?xml version="1.0"?>', '<osm version="0.6">']
    for (ref, point), (lon, lat) in zip(nodes.items(), where, strict=True):
        tags = _tags(point[2]) if len(point) > 2 else ""
        parts.append(f'<node id="{ref}" version="1" lon="{lon:.7f}" lat="{lat:.7f}">{tags}</node>')
    for ref, refs, tags in ways:
        members = "".join(f'<nd ref="{r}"/>' for r in refs)
        parts.append(f'<way id="{ref}" version="1">{members}{_tags(tags)}</way>')
    for ref, ways_of, tags in relations:
        members = "".join(
            f'<member type="{kind}" ref="{ref_of}" role="{role}"/>'
            for ref_of, role in ways_of
            for kind in ["node" if role == "via" and ref_of in nodes else "way"]
        )
        parts.append(f'<relation id="{ref}" version="1">{members}{_tags(tags)}</relation>')
    return "\n".join([*parts, "</osm>"])


def _tags(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


def node_times(
    streets: Streets,
    times: Times,
    sources: Snaps,
    *,
    connector_speed_ms: float,
    limit_s: float = float("inf"),
    reverse: bool = False,
) -> np.ndarray:
    """Return seconds from each source to every node, float64 (ns, n), infinite if unreached.

    With ``reverse``, seconds from every node to each source.
    """
    times = turned(times) if reverse else times
    net = arcs_at(streets, times)
    access = connectors(sources, connector_speed_ms)
    rows = search_rows(net, seeds_of(streets, net, times, sources, access), limit_s)[0]
    found = rows[:, : net.n_nodes].T
    np.minimum.at(found, net.place[net.n_nodes :], rows[:, net.n_nodes :].T)
    return found.T
