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
from pathlib import Path
from typing import IO, Any

import numpy as np
import osmium

from mobility.sources.osm.opl import UNDEFINED, Node, Way

_DELETED = re.compile(rb"""action\s*=\s*["']delete["']|visible\s*=\s*["']false["']""")
_BLOCK = 1 << 22
# Type ("node", "way", "relation") and id.
Key = tuple[str, int]


def is_unusual(path: Path) -> bool:
    """Whether a file says itself that it holds several versions, or places on its ways."""
    return has_history(path) or has_places_on_ways(path)


def has_history(path: Path) -> bool:
    """Whether a file says itself that it holds several versions of an object."""
    with osmium.io.Reader(str(path)) as reader:
        return bool(reader.header().has_multiple_object_versions)


def has_places_on_ways(path: Path) -> bool:
    """Whether a packed file says that its ways carry the places of their nodes."""
    with osmium.io.Reader(str(path)) as reader:
        header = reader.header()
        return "LocationsOnWays" in [header.get(f"pbf_optional_feature_{k}") for k in range(8)]


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
