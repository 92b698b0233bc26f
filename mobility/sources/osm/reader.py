"""OpenStreetMap files: street pieces split at junctions, and the background of the maps.

Reads ``.osm.pbf``, ``.osm``, ``.osm.gz`` and ``.osm.bz2``, in any order of ids and kinds of
objects. Ways whose nodes lie outside the extract are kept where their nodes are. An object
that stands there several times counts once, at its last state.

Files out of the ordinary are read object by object: ways may stand before their nodes or carry
coordinates themselves, ids may be negative (drawn in an editor, not uploaded), objects may be
deleted or stand in several versions. osmium's own table of locations holds for none of these; all
nodes are then held until all ways are known.
"""

from __future__ import annotations

import bz2
import gzip
import re
import shutil
import tempfile
import xml.etree.ElementTree as ET
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import osmium

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.sources.osm import background as bg
from mobility.sources.osm import opl
from mobility.sources.osm.opl import UNDEFINED, Node, Way
from mobility.sources.osm.pieces import (
    Gathered,
    Relations,
    StreetTables,
    add_relations,
    keep_last,
    split,
)
from mobility.sources.osm.ways import (
    BARRIER_KEYS,
    OTHER_WAYS,
    carries_cars,
    condition_table,
    conditions_of,
    restriction_rows,
    street_class,
    turn_table,
)

_DELETED = re.compile(rb"""action\s*=\s*["']delete["']|visible\s*=\s*["']false["']""")
_BLOCK = 1 << 22
# Type ("node", "way", "relation") and id.
Key = tuple[str, int]


def is_unusual(path: Path) -> bool:
    """Whether a file says itself that it holds several versions, or places on its ways."""
    return has_history(path) or has_places_on_ways(path)


def has_history(path: Path) -> bool:
    """Whether a file says itself that it holds several versions of an object."""
    return bool(_header(path).has_multiple_object_versions)


def has_places_on_ways(path: Path) -> bool:
    """Whether a packed file says that its ways carry the places of their nodes."""
    header = _header(path)
    return "LocationsOnWays" in [header.get(f"pbf_optional_feature_{k}") for k in range(8)]


def _header(path: Path) -> osmium.io.Header:
    # Asked for objects too, it begins to unpack them.
    with osmium.io.Reader(str(path), osmium.osm.NOTHING) as reader:
        return reader.header()


def deletions(path: Path) -> set[Key] | None:
    """Return what an editor marked as deleted, None where the file deletes nothing.

    osmium knows ``visible="false"`` but not ``action="delete"``.
    """
    if path.suffix == ".pbf" or not _mentions_deletion(path):
        return None
    found: set[Key] = set()
    with _opened(path) as stream:
        for _, element in ET.iterparse(stream):  # noqa: S314 - expat bounds entities
            if element.get("action") == "delete" and element.get("id"):
                found.add((element.tag, int(element.get("id", ""))))
            if element.tag in ("node", "way", "relation"):
                element.clear()
    return found


def _opened(path: Path) -> IO[bytes]:
    """Open a file, unpacked."""
    opener: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, open)
    return opener(path, "rb")  # type: ignore[no-any-return]


def _mentions_deletion(path: Path) -> bool:
    before = b""
    with _opened(path) as stream:
        while block := stream.read(_BLOCK):
            if _DELETED.search(before + block):
                return True
            before = block[-64:]
    return False


def _has_places_of(path: Path, missing: np.ndarray) -> bool:
    """Whether a file has places for nodes that osmium did not find when their ways were read.

    So it is where the nodes stand behind the ways, or ways carry the places themselves.
    """
    wanted = osmium.filter.IdFilter(missing.tolist())
    nodes = osmium.FileProcessor(str(path), osmium.osm.NODE).with_filter(wanted)
    if any(True for _ in nodes):
        return True
    if path.suffix == ".pbf":
        return False  # such a file says so, see `is_unusual`
    refs = set(missing.tolist())
    return any(
        node.ref in refs and node.x != UNDEFINED
        for way in osmium.FileProcessor(str(path), osmium.osm.WAY)
        for node in way.nodes  # type: ignore[union-attr]
    )


def last_states(path: Path, deleted: set[Key]) -> tuple[list[Node], list[Way]]:
    """Return the nodes with tags and the ways of a file, each at its last state.

    The highest version counts, of equal ones the last. What is deleted is left out. A node
    that is not there is where its way says.
    """
    ids, versions, xs, ys = array("q"), array("q"), array("i"), array("i")
    tagged: dict[int, tuple[int, dict[str, str]]] = {}
    ways: dict[int, Way | None] = {}
    highest: dict[int, int] = {}
    source: Any = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY)
    for item in source:
        if item.is_node():
            gone = item.deleted or ("node", item.id) in deleted
            ids.append(item.id)
            versions.append(item.version)
            xs.append(UNDEFINED if gone else item.location.x)
            ys.append(UNDEFINED if gone else item.location.y)
            # A node without tags now may have had some in an earlier version.
            if item.version >= tagged.get(item.id, (0,))[0] and (item.tags or item.id in tagged):
                tagged[item.id] = item.version, {t.k: t.v for t in item.tags}
        elif item.version >= highest.get(item.id, 0):
            highest[item.id] = item.version
            gone = item.deleted or ("way", item.id) in deleted
            ways[item.id] = None if gone else _way(item)
    known = _Places(*(np.array(column, np.int64) for column in (ids, versions, xs, ys)))
    refs = [ref for ref, (_, tags) in tagged.items() if tags]
    places = zip(refs, *(axis.tolist() for axis in known.of(np.array(refs, np.int64))), strict=True)
    nodes = [Node(r, tagged[r][1], x / 1e7, y / 1e7) for r, x, y in places if x != UNDEFINED]
    return nodes, [_placed(way, known) for way in ways.values() if way is not None]


def _way(item: Any) -> Way:
    nodes = np.array([(n.ref, n.x, n.y) for n in item.nodes], np.int64).reshape(-1, 3)
    x, y = nodes[:, 1:].astype(np.int32).T
    return Way(item.id, item.version, {t.k: t.v for t in item.tags}, nodes[:, 0], x, y)


def _placed(way: Way, known: _Places) -> Way:
    """Return a way whose nodes are where the file has them, else where the way itself says."""
    x, y = known.of(way.refs)
    lost = x == UNDEFINED
    return way._replace(x=np.where(lost, way.x, x), y=np.where(lost, way.y, y))


class _Places:
    """Where nodes are, each at its last state."""

    def __init__(self, ids: np.ndarray, version: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        order = np.lexsort((version, ids))
        last = np.ones(len(order), bool)
        last[:-1] = ids[order][1:] != ids[order][:-1]
        rows = order[last]
        # One more id, above all others, stands for the nodes that are not there.
        self._ids = np.append(ids[rows], np.iinfo(np.int64).max)
        self._x, self._y = (np.append(axis[rows], UNDEFINED).astype(np.int32) for axis in (x, y))

    def of(self, refs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return int32 places of nodes, undefined where they are unknown or deleted."""
        at = np.searchsorted(self._ids, refs)
        at[self._ids[at] != refs] = -1
        return self._x[at], self._y[at]


# A packed extract that lacks this share of the nodes of its streets may have them elsewhere.
_MANY_MISSING = 0.01
NODE_KEYS = ("highway", "amenity", "place", *BARRIER_KEYS)
# Only nodes of ways have a ref.
_PLACE_OF_MEMBER = re.compile(rb"<nd(?![^>]*\sref=)[^>]*/>")


def read_osm(path: str | Path, *, buildings: bool = False) -> StreetTables:
    """Read streets and background from an OpenStreetMap file.

    Parameters
    ----------
    path
        A ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` file.
    buildings
        Also gather buildings, as centroids with their ground area.

    Raises
    ------
    SourceNotFoundError
        The file does not exist.
    SourceError
        It is no OpenStreetMap file, is damaged, or holds no street.
    """
    path = Path(path)
    if not path.is_file():
        raise SourceNotFoundError(
            "The OpenStreetMap file does not exist.",
            file=path,
            mend="Check the path; extracts of France are found at download.geofabrik.de.",
        )
    try:
        with _named_by_content(path) as source:
            relations, stream = _read(source, buildings=buildings)
    except (
        RuntimeError,
        ValueError,
        SyntaxError,
        EOFError,
        OSError,
        zlib.error,
        osmium.InvalidLocationError,
    ) as error:
        raise SourceError(
            "It cannot be read as OpenStreetMap data: {reason}.",
            file=path,
            mend="Give a whole .osm.pbf, .osm, .osm.gz or .osm.bz2 file; download it again.",
            reason=str(error).strip().rstrip("."),
        ) from None
    if not stream.way_id:
        raise _empty(path)
    add_relations(stream, relations.areas)
    keep_last(stream)
    tables = split(stream)
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


@contextmanager
def _named_by_content(path: Path) -> Iterator[Path]:
    """Yield a name of a file by which osmium knows what it is, e.g. of a packed ``map.OSM``."""
    with path.open("rb") as stream:
        head = stream.read(64)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        raise SourceError(
            "It is JSON, which is not read.",
            file=path,
            mend="Ask for XML: an Overpass query begins with [out:xml], or without [out:json].",
        )
    kinds = {
        (".osm.gz", ".gz"): head.startswith(b"\x1f\x8b"),
        (".osm.bz2", ".bz2"): head.startswith(b"BZh"),
        (".osm.pbf", ".pbf"): b"OSMHeader" in head,
        (".osm", ".xml", ".osc", ".osh"): start == b"<",
    }
    names = next((names for names, is_it in kinds.items() if is_it), ())
    if not names or path.name.endswith(names):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"streets{names[0]}"
        try:
            named.symlink_to(path.resolve())
        except OSError:  # Windows asks for a right to make links
            shutil.copyfile(path, named)
        yield named


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


def _read(path: Path, *, buildings: bool) -> tuple[Relations, Gathered]:
    """Read a file, without the places of members of relations, which osmium refuses."""
    try:
        return _read_plain(path, buildings=buildings)
    except RuntimeError as error:
        if "inside <member>" not in str(error):
            raise
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.osm"
        with _opened(path) as stream:
            plain.write_bytes(_PLACE_OF_MEMBER.sub(b"", stream.read()))
        return _read_plain(plain, buildings=buildings)


def _read_plain(path: Path, *, buildings: bool) -> tuple[Relations, Gathered]:
    """Read a file the quick way, which osmium does, or the careful one where it has to be."""
    deleted = deletions(path)
    relations = _read_relations(path, deleted or set(), buildings=buildings)
    if deleted is None and not is_unusual(path):
        stream = _read_ways(path, relations, buildings=buildings)
        if not _needs_care(path, stream):
            return relations, stream
    stream = Gathered(relations, buildings=buildings)
    nodes, ways = last_states(path, deleted or set())
    for node in nodes:
        stream.add_node(node)
    for way in ways:
        stream.add_way(way)
    return relations, stream


def _needs_care(path: Path, stream: Gathered) -> bool:
    """Whether ids are negative, versions differ, or nodes that were not found are there."""
    refs = np.frombuffer(stream.refs, np.int64)
    if (refs < 0).any() or any(way < 0 for way in stream.way_id):
        return True
    if len(set(zip(stream.way_id, stream.version, strict=True))) > len(set(stream.way_id)):
        return True
    missing = refs[np.frombuffer(stream.x, np.int32) == opl.UNDEFINED]
    # Looking for them costs a pass: not for the few that any packed extract lacks at its edge.
    if (
        path.suffix == ".pbf"
        and not stream.nodes_behind
        and len(missing) < _MANY_MISSING * len(refs)
    ):
        return False
    return bool(len(missing)) and _has_places_of(path, np.unique(missing))


def _relations_of(path: Path) -> Iterator[Any]:
    source = osmium.FileProcessor(str(path), osmium.osm.RELATION)
    wanted = osmium.filter.TagFilter(("type", "multipolygon"), ("type", "restriction"))
    for relation in source.with_filter(wanted):
        if isinstance(relation, osmium.osm.Relation):
            yield relation


def _read_relations(path: Path, deleted: set[Key], *, buildings: bool) -> Relations:
    """Read relations at their last state."""
    last: dict[int, tuple[int, dict[str, str], list[tuple[str, int, str]]]] = {}
    for relation in _relations_of(path):
        if relation.version >= last.get(relation.id, (0,))[0]:
            tags = {t.k: t.v for t in relation.tags}
            members = [(m.type, m.ref, m.role) for m in relation.members]
            last[relation.id] = relation.version, tags, members
    found = Relations({}, [], [], {})
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


def _read_ways(path: Path, relations: Relations, *, buildings: bool) -> Gathered:
    if path.stat().st_size >= opl.LEAST_BYTES:
        stream = Gathered(relations, buildings=buildings)
        try:
            for read in opl.objects(path, NODE_KEYS):
                _add(stream, read, is_way=isinstance(read, opl.Way))
        except opl.NoTextError:
            # Read one by one, it is told what is wrong.
            pass
        else:
            return stream
    stream = Gathered(relations, buildings=buildings)
    wanted = osmium.filter.KeyFilter(*NODE_KEYS)
    wanted.enable_for(osmium.osm.NODE)
    source = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY)
    one_by_one: Iterator[Any] = iter(source.with_locations().with_filter(wanted))
    for item in one_by_one:
        _add(stream, item, is_way=item.is_way())
    return stream


def _add(stream: Gathered, item: Any, *, is_way: bool) -> None:
    if is_way:
        stream.add_way(item)
    else:
        stream.nodes_behind |= bool(stream.way_id)
        stream.add_node(item)
