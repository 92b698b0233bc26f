"""Cut OpenStreetMap extracts down to a box, or to many areas in one read, ways kept whole.

A file is read once for nodes and ways, twice for relations; what is held is the place of
every node (16 bytes each, on disk for a large file) and what is kept, as lines of text, which
osmium reads and writes far quicker than objects one by one (`mobility.sources.osm.opl`). Sets of
ids as osmium makes them are not used: they take 1.5 GB for a few ids spread over today's 12,000
million.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely

from mobility.base.errors import SourceError, library_words
from mobility.base.files import writing
from mobility.base.projection import Box
from mobility.sources.osm import opl
from mobility.sources.osm.reader import (
    Key,
    deletions,
    has_history,
    has_places_on_ways,
    is_unusual,
    last_states,
)
from mobility.sources.osm.ways import BARRIER_KEYS, FERRY, street_class

_NODE_KEYS = ("highway", "amenity", "place", "carpool", *BARRIER_KEYS)
_WAY_KEYS = (
    "highway", "landuse", "natural", "waterway", "railway", "amenity", "building", "carpool",
)  # fmt: skip
_AREA_KEYS = ("landuse", "natural", "waterway", "building")
_Ways = Callable[[int], None]
_MARGIN_DEG = 0.01
STEP = 500_000
#: Objects handled, and lines written, at a time.
_BATCH = 50_000
#: Grows in place, without a copy; only Linux has it.
_STORE = "sparse_mmap_array" if sys.platform == "linux" else "flex_mem"


#: Above this size the places of nodes lie in a file.
_LARGE_BYTES = 1_000_000_000
#: Ways held at a time, of all areas; about half a kilobyte each.
MOST_WAYS = 2_500_000
_Member = tuple[str, int, str]
#: Coordinates of OpenStreetMap a degree.
_UNIT = 1e7
#: Side of a square, in units of a coordinate: 0.01 degrees.
_CELL = 100_000


def clip_osm(
    sources: Sequence[Path], target: Path, bbox: Box, *, progress: _Ways | None = None
) -> int:
    """Write the objects of extracts that touch a box; return how many ways are kept for themselves.

    The box (west, south, east, north, degrees) is widened by `_MARGIN_DEG`, about a kilometre, so
    that a street without a node inside is kept where it crosses a corner. As `clip_areas`.

    Raises
    ------
    SourceError
        A source cannot be read, or nothing lies inside.
    """
    west, south, east, north = bbox
    box = shapely.box(
        west - _MARGIN_DEG, south - _MARGIN_DEG, east + _MARGIN_DEG, north + _MARGIN_DEG
    )
    ways = clip_areas(sources, {target: box}, progress=progress)[target]
    if not ways:
        raise SourceError(
            "Nothing of it lies in the area.",
            file=sources[-1],
            mend="Choose the extract of the region the place is in.",
        )
    return ways


def clip_areas(
    sources: Sequence[Path],
    areas: Mapping[Path, shapely.Geometry],
    *,
    progress: _Ways | None = None,
) -> dict[Path, int]:
    """Write, for each of some areas, the objects of extracts that touch it, in one read.

    Streets, ferries, land use, buildings, water, railways, places, barriers, car parks and turn
    restrictions are kept. A way with a node inside is kept whole, an area with a ring inside
    with all its rings; a ferry that leaves the area is not kept. What stands in several extracts
    is written once. An area's file is the same whichever others are cut with it. Where more than
    `MOST_WAYS` would be held, some areas are left to a further read.

    Parameters
    ----------
    areas
        File to write → polygon, EPSG:4326. A file of which nothing lies inside is not written.
    progress
        Called with the number of ways read, every `STEP` of them.

    Returns
    -------
    dict
        Number of ways kept for themselves in each.

    Raises
    ------
    SourceError
        A source cannot be read.
    """
    found: dict[Path, int] = {}
    left = dict(areas)
    relations = _Relations()
    for source in sources:
        with _naming(source):
            relations.read(source)
    while left:
        index, rings = _AreaIndex(list(left.values())), dict[int, bytes]()
        kept = [_Kept(rings) for _ in left]
        for source in sources:
            with _naming(source):
                _read_source(source, index, relations.rings, kept, progress)
        for target, one in zip(list(left), kept, strict=True):
            if not one.put_off:
                found[target] = len(one.ways)
                if one.ways:
                    with writing(target) as part, _naming(sources[-1]):
                        _write_area(relations, part, one)
                del left[target]
    return found


@contextmanager
def _naming(source: Path) -> Iterator[None]:
    """Turn what osmium says of a file it cannot read into an error that names it."""
    try:
        yield
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        if isinstance(error, SourceError):
            raise
        if "detect file format" in str(error):
            raise SourceError(
                "It is of no kind that is read, whatever its name says.",
                file=source,
                mend="Download it again, or give another .osm.pbf file.",
            ) from None
        raise SourceError(
            "It cannot be read as OpenStreetMap data: {reason}.",
            file=source,
            mend="Download it again, or give another .osm.pbf file.",
            reason=library_words(error),
        ) from None


@dataclass
class _Kept:
    """What one pass over the nodes and ways keeps: lines by id; of a node its fields.

    ``rings``, of all areas alike, are ways of relations that are areas, kept if the relation
    is: if one of them is in ``touched``.
    ``put_off`` says that it is left to a further read.
    """

    rings: dict[int, bytes]
    ways: dict[int, bytes] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    nodes: dict[int, opl.Row] = field(default_factory=dict)
    put_off: bool = False


@dataclass
class _Relations:
    """Areas and turn restrictions of all sources.

    Attributes
    ----------
    held
        By id: whether it is an area, its tags, its members.
    of_way
        Way → the relations it is a member of.
    rings
        Ways of areas; most bear no tag of their own.
    """

    held: dict[int, tuple[bool, dict[str, str], list[_Member]]] = field(default_factory=dict)
    of_way: dict[int, tuple[int, ...]] = field(default_factory=dict)
    rings: set[int] = field(default_factory=set)

    def read(self, source: Path) -> None:
        """Add those of a file."""
        objects: Any = osmium.FileProcessor(str(source), osmium.osm.RELATION)
        wanted = osmium.filter.TagFilter(("type", "multipolygon"), ("type", "restriction"))
        for relation in objects.with_filter(wanted):
            members = [(m.type, m.ref, m.role) for m in relation.members]
            of_area = _is_area(relation)
            self.held[relation.id] = of_area, {t.k: t.v for t in relation.tags}, members
            refs = [ref for kind, ref, _ in members if kind == "w"]
            for ref in dict.fromkeys(refs):
                self.of_way[ref] = (*self.of_way.get(ref, ()), relation.id)
            self.rings.update(refs if of_area else ())

    def of(self, kept: _Kept) -> list[int]:
        """Return those that a kept way, or of an area a ring that is touched, is a member of."""
        found = {one for ref in kept.ways for one in self.of_way.get(ref, ())}
        rings = {one for ref in kept.touched for one in self.of_way.get(ref, ())}
        return sorted(found | {one for one in rings if self.held[one][0]})


def _is_area(relation: Any) -> bool:
    """Whether a relation is an area of the background, or a square or platform to walk around."""
    tags = relation.tags
    return any(key in tags for key in _AREA_KEYS) or street_class(tags) not in (None, FERRY)


def _read_source(
    source: Path, index: _AreaIndex, rings: set[int], kept: list[_Kept], progress: _Ways | None
) -> None:
    """Add the ways with a node inside, the tagged nodes inside, and the rings of areas."""
    count = 0
    for rows in _batches(source):
        nodes = [row for row in rows if row[0].startswith(b"n")]
        ways = [row for row in rows if row[0].startswith(b"w")]
        for row, near in _near(index, nodes, [row[0] + row[4].replace(b" ", b"") for row in nodes]):
            for k in near:
                kept[k].nodes[int(row[0][1:])] = row
        _add_ways(ways, index, rings, kept)
        told, count = count // STEP, count + len(ways)
        for step in range(told, count // STEP):
            if progress is not None:
                progress((step + 1) * STEP)
        if count // STEP > told:
            _put_off(kept)


def _near(
    index: _AreaIndex, rows: list[opl.Row], places: list[bytes]
) -> Iterator[tuple[opl.Row, set[int]]]:
    """Yield, of rows with their places, those near an area, with the areas."""
    _, x, y = opl.places(places)
    owner = np.repeat(np.arange(len(rows)), [text.count(b"n") for text in places])
    found: dict[int, set[int]] = {}
    for at, k in zip(*(column.tolist() for column in index.touched(owner, x, y)), strict=True):
        found.setdefault(at, set()).add(k)
    yield from ((rows[at], near) for at, near in found.items())


def _add_ways(ways: list[opl.Row], index: _AreaIndex, rings: set[int], kept: list[_Kept]) -> None:
    if kept:
        for row in ways:
            # A ring that lies elsewhere goes with the area's others.
            if (ref := int(row[0][1:])) in rings:
                kept[0].rings[ref] = _line(row)
    for row, near in _near(index, ways, [row[4][1:] for row in ways]):
        tags, ref = opl.tags_of(row), int(row[0][1:])
        is_wanted = any(k in tags for k in _WAY_KEYS) or street_class(tags) not in (None, FERRY)
        of_use = near if is_wanted else _with_whole_ferry(row, tags, near, index)
        line = _line(row) if of_use else b""
        for k in of_use:
            kept[k].ways[ref] = line
        if ref in rings:
            for k in near - of_use:
                kept[k].touched.add(ref)


def _line(row: opl.Row) -> bytes:
    return b" ".join((row[0], row[3], row[4]))


def _put_off(kept: list[_Kept]) -> None:
    """Leave the last areas to a further read, where more ways are held than there is room for."""
    held = [one for one in kept if not one.put_off]
    while len(held) > 1 and sum(len(one.ways) for one in held) > MOST_WAYS:
        held.pop().put_off = True
    for one in (one for one in kept if one.put_off):
        one.ways.clear()
        one.touched.clear()
        one.nodes.clear()


def _batches(source: Path) -> Iterator[list[opl.Row]]:
    """Yield nodes with tags of use, and ways, each once at its last state."""
    deleted = deletions(source)
    is_large = source.stat().st_size >= opl.LEAST_BYTES
    if is_large and deleted is None and not is_unusual(source):
        try:
            for rows in opl.blocks(source, _NODE_KEYS, _store(source)):
                if any(row[4].startswith(b"Nn-") for row in rows):
                    break
                yield rows
            else:
                return
        except opl.NoTextError:
            # Read one by one, it is told what is wrong.
            pass
    one_by_one = (opl.fields_of(item) for item in _objects(source, deleted))
    while rows := list(islice(one_by_one, _BATCH)):
        yield rows


def _objects(source: Path, deleted: set[Key] | None) -> Iterator[Any]:
    """Yield the same as objects."""
    if deleted is not None or has_history(source):
        yield from chain(*last_states(source, deleted or set()))
        return
    tagged = osmium.filter.KeyFilter(*_NODE_KEYS)
    tagged.enable_for(osmium.osm.NODE)
    objects: Any = osmium.FileProcessor(str(source), osmium.osm.NODE | osmium.osm.WAY)
    # osmium's own table of places takes the place of those that ways carry themselves.
    if not has_places_on_ways(source):
        objects = objects.with_locations(_store(source))
    for item in objects.with_filter(tagged):
        if item.is_way() and len(item.nodes) and item.nodes[0].ref < 0:
            # osmium gives what an editor drew no places.
            break
        yield item
    else:
        return
    yield from chain(*last_states(source, set()))


def _store(source: Path) -> str:
    """Return where osmium keeps the places of nodes: in memory, of a large file on disk."""
    if source.stat().st_size < _LARGE_BYTES:
        return _STORE
    # Its file has no name any more once osmium has opened it.
    return "sparse_file_array"


def _with_whole_ferry(
    row: opl.Row, tags: dict[str, str], near: set[int], index: _AreaIndex
) -> set[int]:
    """Return the areas that a way does not leave, where it is a ferry."""
    if tags.get("route") != "ferry":
        return set()
    _, x, y = opl.places([row[4][1:]])
    _, areas = index.touched(np.arange(len(x)), x, y)
    return {k for k in near if np.count_nonzero(areas == k) == len(x)}


def _nodes(ways: Iterable[bytes], tagged: dict[int, opl.Row]) -> Iterator[bytes]:
    """Yield lines of the nodes of ways and of those kept for their tags, by id."""
    places = (line.rpartition(b" N")[2] for line in ways)
    alone = iter([row[0] + row[4].replace(b" ", b"") for row in tagged.values()])
    texts, columns = chain(places, alone), [opl.places([])]
    while some := list(islice(texts, _BATCH)):
        columns.append(opl.places(some))
    refs, first = np.unique(np.concatenate([c[0] for c in columns]), return_index=True)
    x, y = (np.concatenate([c[k] for c in columns])[first] for k in (1, 2))
    known = np.flatnonzero(x != opl.UNDEFINED)
    for start in range(0, len(known), _BATCH):
        here = known[start : start + _BATCH]
        for ref, lon, lat in zip(*(c[here].tolist() for c in (refs, x, y)), strict=True):
            line = b"n%d x%.7f y%.7f" % (ref, lon / _UNIT, lat / _UNIT)
            yield line + b" " + tagged[ref][3] if ref in tagged else line


def _plain(line: bytes) -> bytes:
    """Return the line of a way as osmium reads it, which knows no place that is missing."""
    tags, sign, nodes = line.rpartition(b" N")
    return tags + sign + nodes.replace(b"xy", b"")


def _write_area(relations: _Relations, part: Path, kept: _Kept) -> None:
    """Write nodes, ways and relations in the order of their ids."""
    chosen, ways = relations.of(kept), dict(kept.ways)
    for of_area, _, members in (relations.held[one] for one in chosen):
        if of_area:
            refs = (ref for kind, ref, _ in members if kind == "w" and ref in kept.rings)
            ways |= {ref: kept.rings[ref] for ref in refs}
    with osmium.SimpleWriter(str(part), overwrite=True) as writer:
        of_ways = (_plain(ways[ref]) for ref in sorted(ways))
        lines = chain(_nodes(ways.values(), kept.nodes), of_ways)
        while some := list(islice(lines, _BATCH)):
            text = osmium.io.FileBuffer(b"\n".join(some) + b"\n", "opl")
            with osmium.io.Reader(text) as reader:
                osmium.apply(reader, writer)
        for ref in chosen:
            _, tags, members = relations.held[ref]
            relation = osmium.osm.mutable.Relation(id=ref, members=members, tags=tags)
            writer.add_relation(relation)


class _AreaIndex:
    """Which of some areas a place lies in: by squares, and by the polygon where one crosses."""

    def __init__(self, areas: Sequence[shapely.Geometry]) -> None:
        self.shapes = [shapely.transform(area, lambda xy: np.round(xy * _UNIT)) for area in areas]
        shapely.prepare(self.shapes)
        squares: list[np.ndarray] = []
        for k, shape in enumerate(self.shapes):
            west, south, east, north = np.floor(shapely.bounds(shape) / _CELL).astype(int)
            i, j = (
                axis.ravel()
                for axis in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
            )
            x, y = i * _CELL, j * _CELL
            boxes = shapely.box(x, y, x + _CELL, y + _CELL)
            touching = shapely.intersects(shape, boxes)
            whole = shapely.covers(shape, boxes)
            columns = (_square(x, y), np.full(len(x), k), whole)
            squares.append(np.column_stack(columns)[touching])
        rows = np.concatenate(squares)
        #: Square, area, and whether the area holds the whole of it; by square.
        self.square, self.area, self.whole = rows[np.argsort(rows[:, 0], kind="stable")].T

    def touched(
        self, owner: np.ndarray, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs of an owner of places and an area that one of them lies in, in order.

        Parameters
        ----------
        owner
            Of each place, the number of what it belongs to.
        x, y
            Longitude and latitude, degrees times `_UNIT`; one that is missing lies in no area.
        """
        squares = _square(x, y)
        first, end = (np.searchsorted(self.square, squares, side) for side in ("left", "right"))
        count = end - first
        place = np.repeat(np.arange(len(x)), count)
        row = np.arange(len(place)) + np.repeat(first - np.cumsum(count) + count, count)
        area, inside = self.area[row], self.whole[row] > 0
        asked = np.flatnonzero(~inside)
        for k in np.unique(area[asked]):
            some = asked[area[asked] == k]
            inside[some] = shapely.intersects_xy(self.shapes[k], x[place[some]], y[place[some]])
        pairs = np.unique(owner[place[inside]] * len(self.shapes) + area[inside])
        return pairs // len(self.shapes), pairs % len(self.shapes)


def _square(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the number of the square a place lies in."""
    number: np.ndarray = x.astype(np.int64) // _CELL * 2**32 + y // _CELL
    return number
