"""Streets of other sources than OpenStreetMap files: OSMnx graphs, and any layer of lines.

A graph is a user's own or a GraphML file. Lines are noded where they meet or cross, open both ways.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.base.ledger import SourceLedger
from mobility.base.projection import WGS84, transformer
from mobility.sources.layers import read_layer
from mobility.sources.osm.pieces import StreetTables, empty_tags
from mobility.sources.osm.ways import ACCESS, TAG_COLUMNS

if TYPE_CHECKING:
    import networkx as nx

# Classes of streets for cars, the least first.
_CLASSES = (
    "living_street", "service", "residential", "unclassified", "road", "tertiary_link",
    "tertiary", "secondary_link", "secondary", "primary_link", "primary", "trunk_link", "trunk",
    "motorway_link", "motorway",
)  # fmt: skip
# Points within about this distance are one, so that lines drawn almost to each other meet.
_ONE_POINT_M = 0.5
# What would close a street.
_CLOSING = frozenset(
    {
        "no", "private", "use_sidepath", "agricultural", "forestry", "military", "emergency",
        "psv", "bus", "destination", "customers", "delivery",
    }
)  # fmt: skip


def read_graphml(path: str | Path) -> StreetTables:
    """Read a GraphML file written by OSMnx.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file does not exist, or is no GraphML of an OSMnx graph.
    """
    import osmnx as ox

    path = Path(path)
    if not path.is_file():
        raise SourceNotFoundError(
            "The GraphML file does not exist.", file=path, mend="Check the path."
        )
    try:
        graph = ox.load_graphml(path)
    except (ET.ParseError, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise SourceError(
            "It is no GraphML of an OSMnx graph: {reason}.",
            file=path,
            mend="Write it again with osmnx.save_graphml, or give the .osm.pbf file.",
            reason=str(error)[:160],
        ) from None
    return tables_from_graph(graph, source=str(path))


def tables_from_graph(graph: nx.MultiDiGraph[Any], *, source: str = "graph") -> StreetTables:
    """Turn an OSMnx-convention graph into street pieces.

    Nodes have ``x`` and ``y`` in the graph's ``crs`` (longitude and latitude when it has
    none); edges may have ``geometry``, ``osmid`` and tags. The two directions of a two-way
    street become one piece; an edge without its opposite is one-way. Lengths are those of
    the geometry, the ``length`` attribute is not used.

    Raises
    ------
    SourceError
        The graph has no edge, or a node has no ``x`` and ``y``.
    """
    if graph.number_of_edges() == 0:
        raise SourceError(
            "The graph holds no street.", file=source, mend="Give a graph with edges."
        )
    names = list(graph.nodes)
    try:
        xy = np.array([(graph.nodes[n]["x"], graph.nodes[n]["y"]) for n in names], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        raise SourceError(
            "Some nodes of the graph have no x and y.",
            file=source,
            mend="Give each node its x and y, in the graph's crs.",
        ) from None
    index = {name: i for i, name in enumerate(names)}
    pieces, oneway = _pieces(graph, index)
    lines = [_geometry(data, xy[u], xy[v]) for u, v, data in pieces]
    sizes = [len(line) for line in lines]
    tags, partly = _tags([data for _, _, data in pieces], oneway)
    to_lonlat = transformer(pyproj.CRS.from_user_input(graph.graph.get("crs", WGS84)), WGS84)
    geom = np.vstack(lines)
    whole = all(isinstance(n, int | np.integer) for n in names)
    # A street for both ways is an edge each way.
    left = {"the same street the other way": graph.number_of_edges() - len(pieces)}
    name = str(graph.graph.get("name", ""))
    ledger = SourceLedger.balanced(name, len(pieces), left, "edges")
    remarks = {"partly_closed": partly, "contraflow_untold": _contraflow_untold(tags)}
    return StreetTables(
        node_id=np.array(names if whole else range(len(names)), dtype=np.int64),
        node_xy=np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1])),
        edge_u=np.array([u for u, _, _ in pieces], dtype=np.int32),
        edge_v=np.array([v for _, v, _ in pieces], dtype=np.int32),
        geom_ptr=np.append(0, np.cumsum(sizes)).astype(np.int64),
        geom_xy=np.column_stack(to_lonlat.transform(geom[:, 0], geom[:, 1])),
        tags=tags,
        background={},
        ledger=replace(ledger, remarks=remarks),
    )


def _contraflow_untold(tags: pd.DataFrame) -> int:
    """Count the one-way streets of a graph that nowhere says who may ride against them.

    OSMnx keeps the tags that its setting ``useful_tags_way`` names: not ``oneway:bicycle``,
    unless the user adds it. Motorways and roundabouts are one-way for all.
    """
    if tags["oneway:bicycle"].notna().any():
        return 0
    for_all = tags["highway"].str.startswith("motorway") | tags["junction"].notna()
    return int((tags["oneway"].eq("yes") & ~for_all).sum())


def _pieces(
    graph: nx.MultiDiGraph[Any], index: dict[Any, int]
) -> tuple[list[tuple[int, int, dict[str, Any]]], list[bool]]:
    """Return one (u, v, data) per street piece and whether it is one-way."""
    pieces: list[tuple[int, int, dict[str, Any]]] = []
    oneway: list[bool] = []
    waiting: dict[tuple[int, int, str], list[int]] = {}
    for start, end, data in graph.edges(data=True):
        u, v, osmid = index[start], index[end], _osmid_key(data.get("osmid"))
        opposite = _take_opposite(waiting.get((v, u, osmid), []), pieces, data)
        if opposite is not None:
            oneway[opposite] = False
            continue
        waiting.setdefault((u, v, osmid), []).append(len(pieces))
        pieces.append((u, v, data))
        oneway.append(True)
    return pieces, oneway


def _osmid_key(osmid: object) -> str:
    """Return one text for an id or a list of ids, whatever their order."""
    ids = osmid if isinstance(osmid, list | tuple | set) else [osmid]
    return ",".join(sorted(str(i) for i in ids))


def _take_opposite(
    rows: list[int], pieces: list[tuple[int, int, dict[str, Any]]], data: dict[str, Any]
) -> int | None:
    length = _drawn_length(data)
    for k, row in enumerate(rows):
        if abs(_drawn_length(pieces[row][2]) - length) <= 1e-6 * max(length, 1.0):
            return rows.pop(k)
    return None


def _drawn_length(data: dict[str, Any]) -> float:
    geometry = data.get("geometry")
    return 0.0 if geometry is None else float(geometry.length)


def _geometry(data: dict[str, Any], start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the polyline from u to v, whichever way it was drawn."""
    geometry = data.get("geometry")
    if geometry is None:
        return np.vstack([start, end])
    line: np.ndarray = shapely.get_coordinates(geometry)
    ahead = np.hypot(*(line[0] - start)) + np.hypot(*(line[-1] - end))
    turned = np.hypot(*(line[-1] - start)) + np.hypot(*(line[0] - end))
    return line[::-1] if turned < ahead else line


def _values(value: Any) -> list[Any]:
    """Return what stands in an attribute: a value, or a list or set of them, in one order."""
    values = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return sorted((v for v in values if v is not None and not pd.isna(v)), key=str)


def _tags(rows: list[dict[str, Any]], oneway: list[bool]) -> tuple[pd.DataFrame, int]:
    """Return the tags of pieces, and how many of them are closed over a part unknown.

    OSMnx merges ways into one piece and keeps the values of a tag as a set, without those
    that lack it. So a piece of several ways is not closed by what may be tagged on one of
    them; of classes the least counts, of other values all (see `streets.tags`).
    """
    merged = np.array([len(_values(row.get("osmid"))) > 1 for row in rows], bool)
    ids = [next(iter(_values(row.get("osmid"))), k) for k, row in enumerate(rows)]
    whole = [i if isinstance(i, int) else k for k, i in enumerate(ids)]
    tags = empty_tags(np.array(whole, dtype=np.int64))
    partly = np.zeros(len(rows), bool)
    for column in TAG_COLUMNS:
        values = [_values(row.get(column)) for row in rows]
        texts = pd.Series([";".join(map(str, v)) if v else None for v in values], dtype="str")
        if column in ACCESS:
            said = texts.fillna("").str.split(";").map(lambda v: bool(v[0]) and set(v) <= _CLOSING)
            shut = said.to_numpy(dtype=bool) & merged
            partly |= shut
            texts = texts.mask(shut)
        tags[column] = texts
    tags["oneway"] = pd.Series(["yes" if one else "no" for one in oneway], dtype="str")
    least = [_least(text) if isinstance(text, str) else "road" for text in tags["highway"]]
    tags["highway"] = pd.Series(least, dtype="str")
    return tags, int(partly.sum())


def _least(classes: str) -> str:
    """Return the least class of street of a list, of those for cars where there is one."""
    found = classes.split(";")
    return next((name for name in _CLASSES if name in found), found[0])


def read_lines(path: str | Path, *, layer: str | None = None) -> StreetTables:
    """Read a line layer and node it into street pieces.

    Parameters
    ----------
    path
        Any layer GeoPandas reads; columns named like OpenStreetMap tags are kept
        (``highway``, ``name``, ``oneway``, ``maxspeed``, ``lit``...), others are not.
    layer
        Name of the layer in a file that holds several.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing, unreadable, without lines or coordinate system.
    """
    path = Path(path)
    frame = read_layer(path, layer=layer, key="lines_layer")
    read = len(frame)
    frame = frame[frame.geom_type.isin(["LineString", "MultiLineString"])]
    if frame.empty:
        raise SourceError(
            "The layer holds no line.",
            file=path,
            mend="Give the layer of street centrelines, as lines.",
        )
    long = int((shapely.length(frame.geometry.to_numpy()) > 0).sum())
    left = {"not a line": read - len(frame), "a line without length": len(frame) - long}
    ledger = SourceLedger.balanced(path.name, long, left, "lines")
    return replace(_node_lines(frame), ledger=ledger)


def _node_lines(frame: gpd.GeoDataFrame) -> StreetTables:
    """Cut lines where they meet or cross, and return them as street pieces.

    Tunnels and bridges cannot be told from crossings: every crossing is a junction.
    ``osm_id`` is the 0-based row of the line a piece comes from. Lines without a
    ``highway`` are ``road``, the class of a street whose class is unknown.
    """
    frame = frame.explode(index_parts=False).reset_index(drop=True)
    local = frame.estimate_utm_crs()
    frame = frame.to_crs(local)
    lines = shapely.force_2d(frame.geometry.to_numpy())
    pieces = shapely.get_parts(shapely.union_all(lines, grid_size=_ONE_POINT_M))
    pieces = pieces[shapely.length(pieces) > 0]
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    nearest, row = shapely.STRtree(lines).query_nearest(middle, all_matches=False)
    source = np.zeros(len(pieces), dtype=np.int64)
    source[nearest] = row
    return _tables(pieces, _line_tags(frame, source), local)


def _tables(pieces: np.ndarray, tags: pd.DataFrame, local: pyproj.CRS) -> StreetTables:
    xy, piece = shapely.get_coordinates(pieces, return_index=True)
    geom_ptr = np.append(0, np.cumsum(np.bincount(piece, minlength=len(pieces))))
    ends = np.vstack([xy[geom_ptr[:-1]], xy[geom_ptr[1:] - 1]])
    node_xy, node = np.unique(ends, axis=0, return_inverse=True)
    to_lonlat = transformer(local, WGS84)
    return StreetTables(
        node_id=np.arange(len(node_xy), dtype=np.int64),
        node_xy=np.column_stack(to_lonlat.transform(node_xy[:, 0], node_xy[:, 1])),
        edge_u=node[: len(pieces)].astype(np.int32),
        edge_v=node[len(pieces) :].astype(np.int32),
        geom_ptr=geom_ptr.astype(np.int64),
        geom_xy=np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1])),
        tags=tags,
        background={},
    )


def _line_tags(frame: gpd.GeoDataFrame, source: np.ndarray) -> pd.DataFrame:
    tags = empty_tags(source)
    for column in TAG_COLUMNS:
        if column in frame.columns:
            texts = frame[column].astype("str").where(frame[column].notna())
            tags[column] = texts.take(source).reset_index(drop=True)
    tags["highway"] = tags["highway"].fillna("road")
    return tags
