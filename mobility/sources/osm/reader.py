"""OpenStreetMap files: street pieces split at junctions, and the background of the maps.

Reads ``.osm.pbf``, ``.osm``, ``.osm.gz`` and ``.osm.bz2``, in any order of ids and kinds of
objects. Ways whose nodes lie outside the extract are kept where their nodes are. An object
that stands there several times counts once, at its last state. Files out of the ordinary are
read by `mobility.sources.osm.states`.
"""

from __future__ import annotations

import re
import tempfile
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.base.ledger import SourceLedger
from mobility.sources.osm import background as bg
from mobility.sources.osm import states as osm_states
from mobility.sources.osm.conditions import (
    BY_HOUR,
    Condition,
    condition_table,
    conditions_of,
)
from mobility.sources.osm.restrictions import (
    BARRIERS,
    ELEVATOR,
    Row,
    barrier_table,
    restriction_rows,
    turn_table,
)

Bbox = tuple[float, float, float, float]
# Kind of background, tags and member ways of each multipolygon.
Areas = dict[int, tuple[str, dict[str, str], list[int]]]

# Ways that carry one of these values are no street one can travel today.
NOT_STREETS = frozenset(
    {
        "abandoned", "bus_guideway", "construction", "demolished", "disused", "dismantled",
        "emergency_bay", "escape", "no", "planned", "proposed", "raceway", "razed",
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
# Where one waits for a train is a street of this class, whether or not it has a highway tag.
PLATFORM = "platform"
# Why a way of a file is no street of the study.
OTHER_WAYS = {
    "background": "drawn on maps only",
    "not_travelled": "planned, disused or no street to travel on",
    "other": "no street",
    "written_twice": "written once more",
    "without_nodes": "its nodes are not in the file",
    "outside": "outside the study area",
}
NO_WAYS = SourceLedger("", 0, 0, unit="ways")
# A lane of one's own against the traffic of a one-way street.
CONTRAFLOW = frozenset(
    {"cycleway:oneway", "cycleway:left:oneway", "cycleway:right:oneway", "cycleway:both:oneway"}
)
_ABOARD = ("yes", "designated", "permissive", "official", "customers")
# A way with none of these is of no use.
WAY_KEYS = ("highway", *bg.KEYS, "public_transport", "route")
_KEY_CODE = {key: code for code, key in enumerate(TAG_COLUMNS)}
_UNDEFINED = osm_states.UNDEFINED
# A packed extract that lacks this share of the nodes of its streets may have them elsewhere.
MANY = 0.01
# Only nodes of ways have a ref.
_PLACE_OF_MEMBER = re.compile(rb"<nd(?![^>]*\sref=)[^>]*/>")


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
    conditions
        What depends on the hour, see `mobility.sources.osm.conditions`.
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


@dataclass(frozen=True)
class _Relations:
    """What relations say: areas of the background, turns, and ways around squares."""

    areas: Areas
    turns: list[Row]
    conditions: list[Condition]
    squares: dict[int, dict[str, str]]

    @property
    def members(self) -> set[int]:
        return {way for _, _, ways in self.areas.values() for way in ways}


class _Stream:
    """What one pass over the file gathers."""

    def __init__(self, relations: _Relations, *, buildings: bool) -> None:
        self.members = relations.members
        self.squares = relations.squares
        self.buildings = buildings
        # Asked of the file without taking the tags out of it.
        self.keys = tuple(key for key in WAY_KEYS if buildings or key != "building")
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

    def add_node(self, node: osmium.osm.Node | osm_states.Node) -> None:
        tags = {t.k: t.v for t in node.tags}
        if tags.get("highway") == ELEVATOR:
            tags["barrier"] = ELEVATOR
        if tags.get("barrier") in BARRIERS:
            self.barriers[node.id] = tags
            self.conditions += conditions_of("node", node.id, tags)
        kind = bg.point_kind(tags)
        if kind is not None:
            lon, lat = node.lon, node.lat
            self.rows.add(kind, node.id, shapely.Point(lon, lat), tags)

    def add_way(self, way: osmium.osm.Way | osm_states.Way) -> None:
        if way.id in self.members:
            self.lines[way.id] = _way_lonlat(way)
        square = self.squares.get(way.id)
        listed = way.tags
        if square is None and "highway" not in listed and not any(k in listed for k in self.keys):
            self.counts["other"] += 1
            return
        tags = {t.k: t.v for t in listed}
        highway = street_class(tags)
        if highway is None and square is not None:
            tags = {**square, **tags}
            highway = street_class(square)
        if highway in NOT_STREETS:
            self.counts["not_travelled"] += 1
        elif highway is not None:
            tags["highway"] = highway
            self._add_street(way, tags)
        elif self._add_background(way, tags):
            self.counts["background"] += 1
        else:
            self.counts["other"] += 1

    def _add_street(self, way: osmium.osm.Way | osm_states.Way, tags: dict[str, str]) -> None:
        nodes: list[Any] = list(way.nodes)
        row = len(self.way_id)
        self.way_id.append(way.id)
        self.way_len.append(len(nodes))
        self.version.append(way.version)
        self.refs.extend([n.ref for n in nodes])
        self.x.extend([n.x for n in nodes])
        self.y.extend([n.y for n in nodes])
        for key, value in tags.items():
            code = _KEY_CODE.get(key)
            if code is not None:
                self.tag_way.append(row)
                self.tag_key.append(code)
                self.tag_value.append(value)
            elif key in BY_HOUR or key in CONTRAFLOW:
                self._add_particulars(way.id, row, key, tags)

    def _add_particulars(self, way: int, row: int, key: str, tags: dict[str, str]) -> None:
        if key in CONTRAFLOW and tags[key] in ("no", "-1"):
            lane = tags.get(key.removesuffix(":oneway"), "yes")
            if lane not in ("no", "none") and "oneway:bicycle" not in tags:
                self.tag_way.append(row)
                self.tag_key.append(_KEY_CODE["oneway:bicycle"])
                self.tag_value.append("no")
        else:
            self.conditions += conditions_of("way", way, {key: tags[key]})

    def _add_background(self, way: osmium.osm.Way | osm_states.Way, tags: dict[str, str]) -> bool:
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


def street_class(tags: Mapping[str, str]) -> str | None:
    """Return the class of street a way, or the area of a relation, is; None if it is none.

    Of a list of classes the first counts.
    """
    highway = tags.get("highway")
    if highway is not None:
        return highway.partition(";")[0].strip()
    if carries_cars(tags):
        return FERRY
    if "platform" in (tags.get("railway"), tags.get("public_transport")):
        return PLATFORM
    return None


def carries_cars(tags: Mapping[str, str]) -> bool:
    """Return whether a way is a ferry said to take cars aboard."""
    named = [tags[key] for key in ("motorcar", "motor_vehicle") if key in tags]
    return tags.get("route") == "ferry" and bool(named) and named[0] in _ABOARD


def _way_lonlat(way: osmium.osm.Way | osm_states.Way) -> np.ndarray:
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
        relations, stream = _read(path, buildings=buildings)
    except (
        RuntimeError, ValueError, SyntaxError, EOFError, OSError, zlib.error,
        osmium.InvalidLocationError,
    ) as error:  # fmt: skip
        raise SourceError(
            "It cannot be read as OpenStreetMap data: {reason}.",
            file=path,
            mend="Give a whole .osm.pbf, .osm, .osm.gz or .osm.bz2 file; download it again.",
            reason=str(error).strip().rstrip("."),
        ) from None
    if not stream.way_id:
        raise _empty(path)
    _add_relations(stream, relations.areas)
    _keep_last(stream)
    tables = _split(stream, bbox)
    if len(tables.edge_u) == 0:
        lost = tables.ledger.left_out.get(OTHER_WAYS["without_nodes"], 0)
        raise _nodeless(path, int(lost)) if lost else _empty(path)
    conditions = condition_table([*stream.conditions, *relations.conditions])
    return replace(
        tables,
        turns=turn_table(relations.turns),
        conditions=conditions,
        ledger=replace(tables.ledger, source=path.name),
    )


def _empty(path: Path) -> SourceError:
    return SourceError(
        "The extract holds no street.",
        file=path,
        mend="Take an extract with highway ways that covers the homes and the sites.",
    )


def _nodeless(path: Path, ways: int) -> SourceError:
    return SourceError(
        "The file holds {ways} street ways, but none of their nodes.",
        file=path,
        mend="Ask for the nodes too: in an Overpass query, end with (._;>;); out;",
        ways=ways,
    )


def _read(path: Path, *, buildings: bool) -> tuple[_Relations, _Stream]:
    """Read a file, without the places of members of relations, which osmium refuses."""
    try:
        return _read_plain(path, buildings=buildings)
    except RuntimeError as error:
        if "inside <member>" not in str(error):
            raise
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.osm"
        with osm_states.opened(path) as stream:
            plain.write_bytes(_PLACE_OF_MEMBER.sub(b"", stream.read()))
        return _read_plain(plain, buildings=buildings)


def _read_plain(path: Path, *, buildings: bool) -> tuple[_Relations, _Stream]:
    """Read a file the quick way, which osmium does, or the careful one where it has to be."""
    deleted = osm_states.deletions(path)
    relations = _read_relations(path, deleted or set(), buildings=buildings)
    if deleted is None and not osm_states.is_unusual(path):
        stream = _read_ways(path, relations, buildings=buildings)
        if not _needs_care(path, stream):
            return relations, stream
    stream = _Stream(relations, buildings=buildings)
    nodes, ways = osm_states.last_states(path, deleted or set())
    for node in nodes:
        stream.add_node(node)
    for way in ways:
        stream.add_way(way)
    return relations, stream


def _needs_care(path: Path, stream: _Stream) -> bool:
    """Whether ids are negative, versions differ, or nodes that were not found are there."""
    refs = np.frombuffer(stream.refs, np.int64)
    if (refs < 0).any() or any(way < 0 for way in stream.way_id):
        return True
    if len(set(zip(stream.way_id, stream.version, strict=True))) > len(set(stream.way_id)):
        return True
    missing = refs[np.frombuffer(stream.x, np.int32) == _UNDEFINED]
    # Looking for them costs a pass: not for the few that any packed extract lacks at its edge.
    if path.suffix == ".pbf" and not stream.nodes_behind and len(missing) < MANY * len(refs):
        return False
    return bool(len(missing)) and osm_states.has_places_of(path, np.unique(missing))


def _relations_of(path: Path) -> Iterator[Any]:
    source = osmium.FileProcessor(str(path), osmium.osm.RELATION)
    wanted = osmium.filter.TagFilter(("type", "multipolygon"), ("type", "restriction"))
    for relation in source.with_filter(wanted):
        if isinstance(relation, osmium.osm.Relation):
            yield relation


def _read_relations(path: Path, deleted: set[osm_states.Key], *, buildings: bool) -> _Relations:
    """Read relations at their last state."""
    last: dict[int, tuple[int, dict[str, str], list[tuple[str, int, str]]]] = {}
    for relation in _relations_of(path):
        if relation.version >= last.get(relation.id, (0,))[0]:
            tags = {t.k: t.v for t in relation.tags}
            members = [(m.type, m.ref, m.role) for m in relation.members]
            last[relation.id] = relation.version, tags, members
    found = _Relations({}, [], [], {})
    for ref, (_, tags, members) in last.items():
        if ("relation", ref) in deleted:
            continue
        if tags["type"] == "restriction":
            found.turns.extend(restriction_rows(ref, tags, members))
            found.conditions.extend(conditions_of("turn", ref, tags))
            continue
        ways = [member for kind, member, _ in members if kind == "w"]
        kind = bg.area_kind(tags, buildings=buildings)
        if kind is not None:
            found.areas[ref] = (kind, tags, ways)
        if street_class(tags) is not None and not carries_cars(tags):
            found.squares.update(dict.fromkeys(ways, tags))
    return found


def _read_ways(path: Path, relations: _Relations, *, buildings: bool) -> _Stream:
    stream = _Stream(relations, buildings=buildings)
    wanted = osmium.filter.TagFilter(
        ("highway", "bus_stop"),
        ("highway", ELEVATOR),
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
            stream.nodes_behind |= bool(stream.way_id)
            stream.add_node(item)
    return stream


def _add_relations(stream: _Stream, relations: Areas) -> None:
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


def _keep_last(stream: _Stream) -> None:
    """Leave of each way that stands there several times the last one with most nodes."""
    stream.rows.drop_repeated()
    if len(set(stream.way_id)) == len(stream.way_id):
        return
    lengths = np.array(stream.way_len)
    way = np.repeat(np.arange(len(lengths)), lengths)
    placed = np.bincount(way[np.array(stream.x) != _UNDEFINED], minlength=len(lengths))
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
    stream.counts["cut"] = len(np.intersect1d(way[~known], way[segment]))
    stream.counts["nodes_missing"] = len(np.unique(refs[~known]))
    stream.counts["without_nodes"] = len(stream.way_id) - stream.counts["written_twice"]
    stream.counts["without_nodes"] -= len(np.unique(way[segment]))
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
        before = len(np.unique(way[first]))
        first, last = first[kept], last[kept]
        stream.counts["outside"] = before - len(np.unique(way[first]))
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
        background=stream.rows.frames(bbox),
        barriers=barriers[on_street].reset_index(drop=True),
        ledger=_ledger(stream.counts),
    )


def _ledger(counts: Mapping[str, int]) -> SourceLedger:
    left = {reason: counts.get(kind, 0) for kind, reason in OTHER_WAYS.items()}
    found = SourceLedger.balanced("", counts["street"], left, "ways")
    return replace(found, remarks={k: counts.get(k, 0) for k in ("cut", "nodes_missing")})


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
