"""OpenStreetMap files: street pieces split at junctions, and the background of the maps.

Reads ``.osm.pbf``, ``.osm``, ``.osm.gz`` and ``.osm.bz2``. Ids need not be sorted within a
kind of object; ways whose nodes lie outside the extract are kept where their nodes are.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.sources.osm import background as bg
from mobility.sources.osm.restrictions import (
    BARRIERS,
    Row,
    barrier_table,
    restriction_rows,
    turn_table,
)

Bbox = tuple[float, float, float, float]
# Kind of background, tags and member ways of each multipolygon.
Relations = dict[int, tuple[str, dict[str, str], list[int]]]

# Ways that carry one of these values are no street one can travel today.
NOT_STREETS = frozenset(
    {
        "abandoned", "bus_guideway", "construction", "demolished", "disused", "dismantled",
        "elevator", "emergency_bay", "escape", "no", "planned", "proposed", "raceway", "razed",
        "removed", "rest_area", "services", "via_ferrata",
    }
)  # fmt: skip
TAG_COLUMNS: tuple[str, ...] = (
    "highway", "name", "ref", "oneway", "maxspeed", "lit", "sidewalk", "surface", "access",
    "foot", "bicycle", "motor_vehicle", "junction", "cycleway", "lanes", "service", "tunnel",
    "bridge", "incline", "vehicle", "motorcar", "motorroad", "oneway:bicycle", "cycleway:left",
    "cycleway:right", "cycleway:both", "sidewalk:left", "sidewalk:right", "sidewalk:both",
    "segregated", "tracktype", "source:maxspeed", "maxspeed:type", "zone:traffic", "bus",
    "duration",
)  # fmt: skip
# A ferry is a street of this class, where cars are said to go aboard.
FERRY = "ferry"
_ABOARD = ("yes", "designated", "permissive", "official", "customers")
_KEY_CODE = {key: code for code, key in enumerate(TAG_COLUMNS)}
_UNDEFINED = 2**31 - 1


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
        Turn restrictions and barriers, see `mobility.sources.osm.restrictions`.
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


class _Stream:
    """What one pass over the file gathers."""

    def __init__(self, member_ways: set[int], *, buildings: bool) -> None:
        self.members = member_ways
        self.buildings = buildings
        self.way_id: list[int] = []
        self.way_len: list[int] = []
        # Packed, as a region has tens of millions of them.
        self.refs = array("q")
        self.x = array("i")
        self.y = array("i")
        self.tag_way = array("i")
        self.tag_key = array("i")
        self.tag_value: list[str] = []
        self.rows = bg.BackgroundRows()
        self.lines: dict[int, np.ndarray] = {}
        self.barriers: dict[int, dict[str, str]] = {}

    def add_node(self, node: osmium.osm.Node) -> None:
        tags = {t.k: t.v for t in node.tags}
        if tags.get("barrier") in BARRIERS:
            self.barriers[node.id] = tags
        kind = bg.point_kind(tags)
        if kind is not None:
            self.rows.add(kind, node.id, shapely.Point(node.lon, node.lat), tags)

    def add_way(self, way: osmium.osm.Way) -> None:
        if way.id in self.members:
            self.lines[way.id] = _way_lonlat(way)
        tags = {t.k: t.v for t in way.tags}
        highway = tags.get("highway")
        if highway is not None:
            if highway not in NOT_STREETS:
                self._add_street(way, tags)
        elif carries_cars(tags):
            self._add_street(way, tags | {"highway": FERRY})
        elif not tags.keys().isdisjoint(bg.KEYS):
            self._add_background(way, tags)

    def _add_street(self, way: osmium.osm.Way, tags: dict[str, str]) -> None:
        nodes = list(way.nodes)
        row = len(self.way_id)
        self.way_id.append(way.id)
        self.way_len.append(len(nodes))
        self.refs.extend([n.ref for n in nodes])
        self.x.extend([n.x for n in nodes])
        self.y.extend([n.y for n in nodes])
        for key, value in tags.items():
            code = _KEY_CODE.get(key)
            if code is not None:
                self.tag_way.append(row)
                self.tag_key.append(code)
                self.tag_value.append(value)

    def _add_background(self, way: osmium.osm.Way, tags: dict[str, str]) -> None:
        kind = bg.area_kind(tags, buildings=self.buildings) if way.is_closed() else None
        area = kind is not None
        kind = kind or bg.line_kind(tags)
        if kind is None:
            return
        lonlat = _way_lonlat(way)
        if area and len(lonlat) > 3:
            ring = shapely.polygons(np.vstack([lonlat, lonlat[:1]]))
            self.rows.add(kind, way.id, ring, tags)
        elif not area and len(lonlat) > 1:
            self.rows.add(kind, way.id, shapely.linestrings(lonlat), tags)


def carries_cars(tags: dict[str, str]) -> bool:
    """Return whether a way is a ferry said to take cars aboard."""
    named = [tags[key] for key in ("motorcar", "motor_vehicle") if key in tags]
    return tags.get("route") == "ferry" and bool(named) and named[0] in _ABOARD


def _way_lonlat(way: osmium.osm.Way) -> np.ndarray:
    xy = np.array([(n.x, n.y) for n in way.nodes], dtype=np.int64).reshape(-1, 2)
    return np.asarray(xy[xy[:, 0] != _UNDEFINED] / 1e7)


def read_osm(
    path: str | Path, *, bbox: Bbox | None = None, buildings: bool = False
) -> StreetTables:
    """Read streets and background from an OpenStreetMap file.

    Parameters
    ----------
    path
        A ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` file.
    bbox
        West, south, east, north in degrees: street pieces and areas touching it are kept.
    buildings
        Also gather buildings, as centroids with their ground area.

    Raises
    ------
    SourceNotFoundError
        The file does not exist.
    SourceError
        It is no OpenStreetMap file, is damaged, or holds no street (in ``bbox``).
    """
    path = Path(path)
    if not path.is_file():
        raise SourceNotFoundError(
            "The OpenStreetMap file does not exist.",
            file=path,
            mend="Check the path; extracts of France are found at download.geofabrik.de.",
        )
    try:
        relations, turns = _read_relations(path, buildings=buildings)
        stream = _read_ways(path, relations, buildings=buildings)
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise SourceError(
            "It cannot be read as OpenStreetMap data: {reason}.",
            file=path,
            mend="Give a whole .osm.pbf, .osm, .osm.gz or .osm.bz2 file; download it again.",
            reason=str(error).strip().rstrip("."),
        ) from None
    if not stream.way_id:
        raise _empty(path)
    _add_relations(stream, relations)
    tables = _split(stream, bbox)
    if len(tables.edge_u) == 0:
        raise _empty(path)
    return replace(tables, turns=turn_table(turns))


def _empty(path: Path) -> SourceError:
    return SourceError(
        "The extract holds no street.",
        file=path,
        mend="Take an extract with highway ways that covers the homes and the sites.",
    )


def _read_relations(path: Path, *, buildings: bool) -> tuple[Relations, list[Row]]:
    found: Relations = {}
    turns: list[Row] = []
    source = osmium.FileProcessor(str(path), osmium.osm.RELATION)
    wanted = osmium.filter.TagFilter(("type", "multipolygon"), ("type", "restriction"))
    for relation in source.with_filter(wanted):
        if not isinstance(relation, osmium.osm.Relation):
            continue
        tags = {t.k: t.v for t in relation.tags}
        if tags["type"] == "restriction":
            members = [(m.type, m.ref, m.role) for m in relation.members]
            turns += restriction_rows(relation.id, tags, members)
            continue
        kind = bg.area_kind(tags, buildings=buildings)
        if kind is not None:
            ways = [m.ref for m in relation.members if m.type == "w"]
            found[relation.id] = (kind, tags, ways)
    return found, turns


def _read_ways(path: Path, relations: Relations, *, buildings: bool) -> _Stream:
    members = {way for _, _, ways in relations.values() for way in ways}
    stream = _Stream(members, buildings=buildings)
    wanted = osmium.filter.TagFilter(
        ("highway", "bus_stop"),
        ("amenity", "parking"),
        *(("amenity", value) for value in bg.CARPOOL),
        *(("place", value) for value in bg.PLACES),
        *(("barrier", value) for value in BARRIERS),
    )
    wanted.enable_for(osmium.osm.NODE)
    source = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY)
    for item in source.with_locations().with_filter(wanted):
        if isinstance(item, osmium.osm.Way):
            stream.add_way(item)
        elif isinstance(item, osmium.osm.Node):
            stream.add_node(item)
    return stream


def _add_relations(stream: _Stream, relations: Relations) -> None:
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


def _split(stream: _Stream, bbox: Bbox | None) -> StreetTables:
    """Split every way at its ends, at each node used twice by streets and at barriers."""
    refs = np.array(stream.refs, dtype=np.int64)
    x, y = np.array(stream.x, dtype=np.int32), np.array(stream.y, dtype=np.int32)
    lonlat = np.column_stack([x, y]) / 1e7
    known = x != _UNDEFINED
    way = np.repeat(np.arange(len(stream.way_id)), stream.way_len)
    # A node listed twice in a row is one node.
    again = np.zeros(len(refs), dtype=bool)
    again[1:] = (refs[1:] == refs[:-1]) & (way[1:] == way[:-1])
    refs, lonlat, known, way = refs[~again], lonlat[~again], known[~again], way[~again]

    _, inverse, uses = np.unique(refs, return_inverse=True, return_counts=True)
    cut = (uses[inverse] > 1) | np.isin(refs, list(stream.barriers))
    segment = np.flatnonzero((way[1:] == way[:-1]) & known[1:] & known[:-1])
    if len(segment) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return _tables(stream, empty, empty, refs, lonlat, way, bbox)
    starts = np.ones(len(segment), dtype=bool)
    starts[1:] = cut[segment[1:]] | (segment[1:] != segment[:-1] + 1)
    first = segment[starts]
    last = segment[np.append(np.flatnonzero(starts)[1:] - 1, len(segment) - 1)] + 1
    return _tables(stream, first, last, refs, lonlat, way, bbox)


def _tables(
    stream: _Stream,
    first: np.ndarray,
    last: np.ndarray,
    refs: np.ndarray,
    lonlat: np.ndarray,
    way: np.ndarray,
    bbox: Bbox | None,
) -> StreetTables:
    if bbox is not None:
        west, south, east, north = bbox
        inside = (lonlat >= (west, south)).all(axis=1) & (lonlat <= (east, north)).all(axis=1)
        upto = np.append(0, np.cumsum(inside))
        kept = upto[last + 1] > upto[first]
        first, last = first[kept], last[kept]
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
        background=stream.rows.frames(bbox),
        barriers=barriers[on_street].reset_index(drop=True),
    )


def _way_tags(stream: _Stream) -> pd.DataFrame:
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
