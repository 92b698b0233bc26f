"""OpenStreetMap files out of the ordinary, read at the last state of each object.

Ways may stand before their nodes or carry coordinates themselves, ids may be negative (drawn
in an editor, not uploaded), objects may be deleted or stand in several versions. osmium's own
table of locations holds for none of these; here all nodes are held until all ways are known.
"""

from __future__ import annotations

import bz2
import gzip
import re
import xml.etree.ElementTree as ET
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import osmium

UNDEFINED = 2**31 - 1
_DELETED = re.compile(rb"""action\s*=\s*["']delete["']|visible\s*=\s*["']false["']""")
_BLOCK = 1 << 22
# Type ("node", "way", "relation") and id.
Key = tuple[str, int]


class _Tag(NamedTuple):
    """A tag, as osmium has them."""

    k: str
    v: str


class _Tags(dict[str, str]):
    """Tags, which yield pairs of key and value as osmium's do."""

    def __iter__(self) -> Iterator[_Tag]:  # type: ignore[override]
        return (_Tag(*pair) for pair in self.items())


class _Ref(NamedTuple):
    """A node of a way, with its place in degrees times 1e7."""

    ref: int
    x: int
    y: int


class Node(NamedTuple):
    """A node with tags at its last state."""

    id: int
    version: int
    tags: _Tags
    x: int
    y: int

    @property
    def lon(self) -> float:
        """Longitude, degrees."""
        return self.x / 1e7

    @property
    def lat(self) -> float:
        """Latitude, degrees."""
        return self.y / 1e7

    @property
    def location(self) -> Node:
        """Its place, in degrees times 1e7."""
        return self

    def is_node(self) -> bool:
        """Whether it is a node."""
        return True


class Way(NamedTuple):
    """A way at its last state."""

    id: int
    version: int
    tags: _Tags
    nodes: list[_Ref]

    def is_node(self) -> bool:
        """Whether it is a node."""
        return False

    def is_closed(self) -> bool:
        """Whether the way ends where it begins."""
        return len(self.nodes) > 1 and self.nodes[0].ref == self.nodes[-1].ref


def is_unusual(path: Path) -> bool:
    """Whether a file says itself that it holds several versions, or places on its ways."""
    return has_history(path) or has_places_on_ways(path)


def has_history(path: Path) -> bool:
    """Whether a file says itself that it holds several versions of an object."""
    reader = osmium.io.Reader(str(path))
    try:
        return bool(reader.header().has_multiple_object_versions)
    finally:
        reader.close()


def has_places_on_ways(path: Path) -> bool:
    """Whether a packed file says that its ways carry the places of their nodes."""
    reader = osmium.io.Reader(str(path))
    try:
        header = reader.header()
        return "LocationsOnWays" in [header.get(f"pbf_optional_feature_{k}") for k in range(8)]
    finally:
        reader.close()


def deletions(path: Path) -> set[Key] | None:
    """Return what an editor marked as deleted, None where the file deletes nothing.

    osmium knows ``visible="false"`` but not ``action="delete"``.
    """
    if path.suffix == ".pbf" or not _mentions_deletion(path):
        return None
    found: set[Key] = set()
    with opened(path) as stream:
        for _, element in ET.iterparse(stream):  # noqa: S314 - expat bounds entities
            if element.get("action") == "delete" and element.get("id"):
                found.add((element.tag, int(element.get("id", ""))))
            if element.tag in ("node", "way", "relation"):
                element.clear()
    return found


def opened(path: Path) -> IO[bytes]:
    """Open a file, unpacked."""
    opener: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, open)
    return opener(path, "rb")  # type: ignore[no-any-return]


def _mentions_deletion(path: Path) -> bool:
    before = b""
    with opened(path) as stream:
        while block := stream.read(_BLOCK):
            if _DELETED.search(before + block):
                return True
            before = block[-64:]
    return False


def has_places_of(path: Path, missing: np.ndarray) -> bool:
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
    tagged: dict[int, tuple[int, _Tags]] = {}
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
            if item.version >= tagged.get(item.id, (0,))[0] and (item.tags or item.id in tagged):
                tagged[item.id] = item.version, _Tags({t.k: t.v for t in item.tags})
        elif item.version >= highest.get(item.id, 0):
            highest[item.id] = item.version
            gone = item.deleted or ("way", item.id) in deleted
            ways[item.id] = None if gone else _way(item)
    known = _Places(*(np.array(column, np.int64) for column in (ids, versions, xs, ys)))
    nodes = [
        Node(ref, version, tags, x, y)
        for ref, (version, tags) in tagged.items()
        if tags
        for x, y in [known.of(ref)]
        if x != UNDEFINED
    ]
    return nodes, [_placed(way, known) for way in ways.values() if way is not None]


def _way(item: Any) -> Way:
    nodes = [_Ref(n.ref, n.x, n.y) for n in item.nodes]
    return Way(item.id, item.version, _Tags({t.k: t.v for t in item.tags}), nodes)


def _placed(way: Way, known: _Places) -> Way:
    nodes = []
    for node in way.nodes:
        x, y = known.of(node.ref)
        nodes.append(node if x == UNDEFINED else _Ref(node.ref, x, y))
    return way._replace(nodes=nodes)


class _Places:
    """Where nodes are, each at its last state."""

    def __init__(self, ids: np.ndarray, version: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        order = np.lexsort((version, ids))
        last = np.ones(len(order), bool)
        last[:-1] = ids[order][1:] != ids[order][:-1]
        rows = order[last]
        self._row = dict(zip(ids[rows].tolist(), range(len(rows)), strict=True))
        self._x, self._y = x[rows], y[rows]

    def of(self, ref: int) -> tuple[int, int]:
        """Return a node's place, undefined where it is unknown or deleted."""
        row = self._row.get(ref)
        return (UNDEFINED, UNDEFINED) if row is None else (int(self._x[row]), int(self._y[row]))
