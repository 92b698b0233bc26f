"""Street pieces: what one pass over the nodes and ways of a file gathers, cut at junctions.

What is gathered is packed, for a region has tens of millions of nodes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from mobility.base.ledger import SourceLedger
from mobility.sources.osm import background as bg
from mobility.sources.osm import opl
from mobility.sources.osm.ways import (
    AS_WRITTEN,
    BY_HOUR,
    NO_WAYS,
    OTHER_WAYS,
    TAG_COLUMNS,
    Condition,
    Row,
    barrier_of,
    barrier_table,
    condition_table,
    conditions_of,
    is_ferry,
    is_travelled,
    plain,
    street_class,
    turn_table,
)

_AnyWay = osmium.osm.Way | opl.Way
# Kind of background, tags and member ways of each multipolygon.
_Areas = dict[int, tuple[str, dict[str, str], list[int]]]
# Most tagged nodes on streets are one of these, of which nothing is read.
_COMMON = frozenset({"crossing", "give_way", "stop", "street_lamp", "traffic_signals"})
# A way with none of these is of no use.
_WAY_KEYS = ("highway", *bg.KEYS, "public_transport", "route")
_KEY_CODE = {key: code for code, key in enumerate(TAG_COLUMNS)}


@dataclass(frozen=True)
class Relations:
    """What relations say: areas of the background, turns, and ways around squares."""

    areas: _Areas
    turns: list[Row]
    conditions: list[Condition]
    squares: dict[int, dict[str, str]]

    @property
    def members(self) -> set[int]:
        """Ids of the ways that make areas."""
        return {way for _, _, ways in self.areas.values() for way in ways}


class Gathered:
    """What one pass over the file gathers."""

    def __init__(self, relations: Relations, *, buildings: bool) -> None:
        self.members = relations.members
        self.squares = relations.squares
        self.buildings = buildings
        # Asked of the file without taking the tags out of it.
        self.keys = tuple(key for key in _WAY_KEYS if buildings or key != "building")
        self.way_id: list[int] = []
        self.way_len: list[int] = []
        # Packed, as a region has tens of millions of them.
        self.version = array("i")
        self.refs = array("q")
        self.x = array("i")
        self.y = array("i")
        self.tag_way = array("i")
        self.tag_key = array("i")
        self.tag_value: list[str] = []
        self.rows = bg.BackgroundRows()
        self.lines: dict[int, np.ndarray] = {}
        self.barriers: dict[int, dict[str, str]] = {}
        self.conditions: list[Condition] = []
        self.counts: Counter[str] = Counter()
        # Whether a node was seen after a street.
        self.nodes_behind = False

    def add_node(self, node: osmium.osm.Node | opl.Node) -> None:
        """Add what a node says: a barrier, a place, a stop, a car park."""
        if node.tags.get("highway") in _COMMON and "barrier" not in node.tags:
            return
        tags = _tags_of(node)
        barrier = barrier_of(tags)
        if barrier is not None:
            self.barriers[node.id] = {**tags, "barrier": barrier}
            self.conditions += conditions_of("node", node.id, tags)
        kind = bg.point_kind(tags)
        if kind is not None:
            lon, lat = node.lon, node.lat
            self.rows.add(kind, node.id, shapely.Point(lon, lat), tags)

    def add_way(self, way: _AnyWay) -> None:
        """Add a way as a street, or as what is drawn behind; count it where it is neither."""
        if way.id in self.members:
            self.lines[way.id] = _way_lonlat(way)
        square = self.squares.get(way.id)
        listed = way.tags
        if square is None and "highway" not in listed and not any(k in listed for k in self.keys):
            self.counts["other"] += 1
            return
        tags = _tags_of(way)
        highway = street_class(tags)
        if highway is None and square is not None:
            tags = {**square, **tags}
            highway = street_class(square)
        if highway is not None and not is_travelled(tags, highway):
            self.counts["not_travelled"] += 1
        elif highway is not None:
            self._add_street(way, plain({**tags, "highway": highway}))
        elif is_ferry(tags):
            self.counts["ferry"] += 1
        elif self._add_background(way, tags):
            self.counts["background"] += 1
        else:
            self.counts["other"] += 1

    def _add_street(self, way: _AnyWay, tags: dict[str, str]) -> None:
        row = len(self.way_id)
        refs, x, y = _nodes_of(way)
        self.way_id.append(way.id)
        self.way_len.append(len(refs))
        self.version.append(way.version)
        self.refs.frombytes(refs.tobytes())
        self.x.frombytes(x.tobytes())
        self.y.frombytes(y.tobytes())
        for key, value in tags.items():
            code = _KEY_CODE.get(key)
            if code is not None:
                self.tag_way.append(row)
                self.tag_key.append(code)
                self.tag_value.append(value if key in AS_WRITTEN else value.lower())
        if not BY_HOUR.isdisjoint(tags):
            self.conditions += conditions_of("way", way.id, tags)

    def _add_background(self, way: _AnyWay, tags: dict[str, str]) -> bool:
        kind = bg.area_kind(tags, buildings=self.buildings) if way.is_closed() else None
        area = kind is not None
        kind = kind or bg.line_kind(tags)
        if kind is None:
            return False
        lonlat = _way_lonlat(way)
        if area and len(lonlat) > 3:
            ring = shapely.polygons(np.vstack([lonlat, lonlat[:1]]))
            self.rows.add(kind, way.id, ring, tags)
        elif not area and len(lonlat) > 1:
            self.rows.add(kind, way.id, shapely.linestrings(lonlat), tags)
        return True


def _tags_of(item: Any) -> dict[str, str]:
    return item.tags if type(item.tags) is dict else {t.k: t.v for t in item.tags}


def _nodes_of(way: _AnyWay) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ids of a way's nodes, int64, and their places, int32, in degrees times 1e7."""
    if isinstance(way, opl.Way):
        return way.refs, way.x, way.y
    nodes: list[Any] = list(way.nodes)
    refs = np.array([n.ref for n in nodes], np.int64)
    return refs, np.array([n.x for n in nodes], np.int32), np.array([n.y for n in nodes], np.int32)


def _way_lonlat(way: _AnyWay) -> np.ndarray:
    _, x, y = _nodes_of(way)
    known = x != opl.UNDEFINED
    return np.column_stack([x[known], y[known]]) / 1e7


def add_relations(stream: Gathered, relations: _Areas) -> None:
    """Add the areas that relations make of ways, in place of these."""
    areas = bg.multipolygons({r: ways for r, (_, _, ways) in relations.items()}, stream.lines)
    members: dict[str, set[int]] = {}
    for relation in areas:
        kind, _, ways = relations[relation]
        members.setdefault(kind, set()).update(ways)
    for kind, ways_of_kind in members.items():
        stream.rows.drop(kind, ways_of_kind)
    for relation, area in areas.items():
        kind, tags, _ = relations[relation]
        stream.rows.add(kind, -relation, area, tags)


def keep_last(stream: Gathered) -> None:
    """Leave of each way that stands there several times the last one with most nodes."""
    stream.rows.drop_repeated()
    if len(set(stream.way_id)) == len(stream.way_id):
        return
    lengths = np.array(stream.way_len)
    way = np.repeat(np.arange(len(lengths)), lengths)
    placed = np.bincount(way[np.array(stream.x) != opl.UNDEFINED], minlength=len(lengths))
    best: dict[int, int] = {}
    for row, ref in enumerate(stream.way_id):
        if ref not in best or placed[row] >= placed[best[ref]]:
            best[ref] = row
    kept = np.zeros(len(lengths), bool)
    kept[list(best.values())] = True
    stream.counts["written_twice"] += int((~kept).sum())
    # Left without nodes and tags, a copy makes no piece.
    inside = kept[way]
    for name in ("refs", "x", "y"):
        column = getattr(stream, name)
        setattr(stream, name, array(column.typecode, np.array(column)[inside].tolist()))
    stream.way_len = np.where(kept, lengths, 0).tolist()


@dataclass(frozen=True)
class StreetTables:
    """Street pieces between junctions, in longitude and latitude.

    Attributes
    ----------
    node_id
        int64 (n,), sorted.
    node_xy
        float64 (n, 2).
    edge_u, edge_v
        int32 (m,), rows of ``node_id``.
    geom_ptr, geom_xy
        int64 (m + 1,) and float64 (k, 2): the polyline of each piece, from u to v.
    tags
        m rows: ``osm_id`` int64 and `TAG_COLUMNS` as text, missing where not tagged.
    background
        Layers by kind, see `mobility.sources.osm.background`.
    turns, barriers
        Turn restrictions and barriers, see `mobility.sources.osm.ways`.
    conditions
        What depends on the hour, see `mobility.sources.osm.ways`.
    ledger
        What became of each way read; its remark ``cut`` counts the streets used that lack some
        node, ``nodes_missing`` the nodes.
    """

    node_id: np.ndarray
    node_xy: np.ndarray
    edge_u: np.ndarray
    edge_v: np.ndarray
    geom_ptr: np.ndarray
    geom_xy: np.ndarray
    tags: pd.DataFrame
    background: dict[str, gpd.GeoDataFrame]
    turns: pd.DataFrame = field(default_factory=turn_table)
    barriers: pd.DataFrame = field(default_factory=barrier_table)
    conditions: pd.DataFrame = field(default_factory=condition_table)
    ledger: SourceLedger = NO_WAYS


def split(stream: Gathered) -> StreetTables:
    """Split every way at its ends, at each node used twice by streets and at barriers."""
    refs = np.array(stream.refs, dtype=np.int64)
    x, y = np.array(stream.x, dtype=np.int32), np.array(stream.y, dtype=np.int32)
    lonlat = np.column_stack([x, y]) / 1e7
    known = x != opl.UNDEFINED
    way = np.repeat(np.arange(len(stream.way_id)), stream.way_len)
    # A node listed twice in a row is one node.
    again = np.zeros(len(refs), dtype=bool)
    again[1:] = (refs[1:] == refs[:-1]) & (way[1:] == way[:-1])
    refs, lonlat, known, way = refs[~again], lonlat[~again], known[~again], way[~again]

    _, inverse, uses = np.unique(refs, return_inverse=True, return_counts=True)
    cut = (uses[inverse] > 1) | np.isin(refs, list(stream.barriers))
    segment = np.flatnonzero((way[1:] == way[:-1]) & known[1:] & known[:-1])
    stream.counts["cut"] = len(np.intersect1d(way[~known], way[segment]))
    stream.counts["nodes_missing"] = len(np.unique(refs[~known]))
    stream.counts["without_nodes"] = len(stream.way_id) - stream.counts["written_twice"]
    stream.counts["without_nodes"] -= len(np.unique(way[segment]))
    if len(segment) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return _tables(stream, empty, empty, refs, lonlat, way)
    starts = np.ones(len(segment), dtype=bool)
    starts[1:] = cut[segment[1:]] | (segment[1:] != segment[:-1] + 1)
    first = segment[starts]
    last = segment[np.append(np.flatnonzero(starts)[1:] - 1, len(segment) - 1)] + 1
    return _tables(stream, first, last, refs, lonlat, way)


def _tables(
    stream: Gathered,
    first: np.ndarray,
    last: np.ndarray,
    refs: np.ndarray,
    lonlat: np.ndarray,
    way: np.ndarray,
) -> StreetTables:
    stream.counts["street"] = len(np.unique(way[first]))
    node_id, ends = np.unique(np.concatenate([refs[first], refs[last]]), return_inverse=True)
    node_xy = np.zeros((len(node_id), 2))
    node_xy[ends] = lonlat[np.concatenate([first, last])]
    sizes = last - first + 1
    geom_ptr = np.append(0, np.cumsum(sizes)).astype(np.int64)
    points = np.repeat(first - geom_ptr[:-1], sizes) + np.arange(geom_ptr[-1])
    tags = _way_tags(stream).take(way[first]).reset_index(drop=True)
    barriers = barrier_table(stream.barriers)
    on_street = np.isin(barriers["node_id"].to_numpy(), node_id)
    return StreetTables(
        node_id=node_id,
        node_xy=node_xy,
        edge_u=ends[: len(first)].astype(np.int32),
        edge_v=ends[len(first) :].astype(np.int32),
        geom_ptr=geom_ptr,
        geom_xy=lonlat[points],
        tags=tags,
        background=stream.rows.frames(),
        barriers=barriers[on_street].reset_index(drop=True),
        ledger=_ledger(stream.counts),
    )


def _ledger(counts: Mapping[str, int]) -> SourceLedger:
    left = {reason: counts.get(kind, 0) for kind, reason in OTHER_WAYS.items()}
    found = SourceLedger.balanced("", counts["street"], left, "ways")
    return replace(found, remarks={k: counts.get(k, 0) for k in ("cut", "nodes_missing")})


def _way_tags(stream: Gathered) -> pd.DataFrame:
    count = len(stream.way_id)
    way = np.array(stream.tag_way, dtype=np.int64)
    key = np.array(stream.tag_key, dtype=np.int64)
    value = np.array(stream.tag_value, dtype=object)
    columns: dict[str, object] = {"osm_id": np.array(stream.way_id, dtype=np.int64)}
    for name, code in _KEY_CODE.items():
        texts = np.full(count, None, dtype=object)
        mine = key == code
        texts[way[mine]] = value[mine]
        columns[name] = pd.Series(texts, dtype="str")
    return pd.DataFrame(columns)


def empty_tags(osm_id: Iterable[int] | np.ndarray) -> pd.DataFrame:
    """Return a tag table without any tag, one row per id."""
    ids = np.asarray(osm_id, dtype=np.int64)
    columns: dict[str, object] = {"osm_id": ids}
    for name in TAG_COLUMNS:
        columns[name] = pd.Series(np.full(len(ids), None, dtype=object), dtype="str")
    return pd.DataFrame(columns)
