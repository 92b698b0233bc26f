"""Cut OpenStreetMap extracts down to a box, or to many areas in one read, ways kept whole.

A file is read once for nodes and ways, twice for relations; what is held is the place of
every node (16 bytes each, on disk for a large file) and what is kept. Sets of ids as osmium makes
them are not used: they take 1.5 GB for a few ids spread over today's 12,000 million.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely

from mobility.base.errors import SourceError
from mobility.base.files import writing
from mobility.sources.osm import states
from mobility.sources.osm.restrictions import BARRIER_KEYS
from mobility.sources.osm.ways import FERRY, street_class

NODE_KEYS = ("highway", "amenity", "place", "carpool", *BARRIER_KEYS)
WAY_KEYS = (
    "highway", "landuse", "natural", "waterway", "railway", "amenity", "building", "carpool",
)  # fmt: skip
AREA_KEYS = ("landuse", "natural", "waterway", "building")
Box = tuple[float, float, float, float]
Ways = Callable[[int], None]
MARGIN_DEG = 0.01
STEP = 500_000
_UNIT = 1e7
_UNDEFINED = 2**31 - 1
#: Grows in place, without a copy; only Linux has it.
_STORE = "sparse_mmap_array" if sys.platform == "linux" else "flex_mem"


#: Above this size the places of nodes lie in a file.
LARGE_BYTES = 1_000_000_000
#: Ways held at a time, of all areas; about a kilobyte each.
MOST_WAYS = 2_500_000
#: Areas are found by squares of this side, in units of a coordinate: 0.01 degrees.
CELL = 100_000


def clip_osm(
    sources: Sequence[Path], target: Path, bbox: Box, *, progress: Ways | None = None
) -> int:
    """Write the objects of one extract, or of several neighbours, that touch ``bbox``.

    The box is widened by `MARGIN_DEG`, about a kilometre, so that a street without a node
    inside is kept where it crosses a corner. See `clip_areas`.

    Parameters
    ----------
    bbox
        West, south, east, north, degrees.
    progress
        Called with the number of ways read, every `STEP` of them.

    Returns
    -------
    int
        Number of ways kept for themselves.

    Raises
    ------
    SourceError
        A source cannot be read, or nothing lies inside.
    """
    west, south, east, north = bbox
    box = shapely.box(west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG)
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
    progress: Ways | None = None,
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
        with _told(source):
            relations.read(source)
    while left:
        index, rings = _Index(list(left.values())), dict[int, _Line]()
        kept = [_Kept(rings) for _ in left]
        for source in sources:
            with _told(source):
                _read(source, index, relations.rings, kept, progress)
        for target, one in zip(list(left), kept, strict=True):
            if not one.put_off:
                found[target] = len(one.ways)
                if one.ways:
                    with writing(target) as part, _told(sources[-1]):
                        _write(relations, part, one)
                del left[target]
    return found


@contextmanager
def _told(source: Path) -> Iterator[None]:
    """Turn what osmium says of a file it cannot read into an error that names it."""
    try:
        yield
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            "It cannot be read as OpenStreetMap data: {reason}.",
            file=source,
            mend="Download it again, or give another .osm.pbf file.",
            reason=" ".join(str(error).split())[:160],
        ) from None


@dataclass(frozen=True)
class _Line:
    """A way: its tags, its nodes' ids and places (degrees times `_UNIT`)."""

    tags: dict[str, str]
    refs: array[int]
    x: array[int]
    y: array[int]


@dataclass
class _Kept:
    """What one pass over the nodes and ways keeps.

    ``rings``, of all areas alike, are ways of relations that are areas, kept if the relation
    is: if one of them is in ``touched``.
    ``put_off`` says that it is left to a further read.
    """

    rings: dict[int, _Line]
    ways: dict[int, _Line] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    nodes: dict[int, tuple[int, int, dict[str, str]]] = field(default_factory=dict)
    put_off: bool = False


class _Index:
    """Which of some areas a place lies in: by squares, and by the polygon where one crosses."""

    def __init__(self, areas: Sequence[shapely.Geometry]) -> None:
        self.shapes = [shapely.transform(area, lambda xy: np.round(xy * _UNIT)) for area in areas]
        shapely.prepare(self.shapes)
        #: Square → areas that hold it whole, areas whose border crosses it.
        self.squares: dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...]]] = {}
        for k, shape in enumerate(self.shapes):
            west, south, east, north = np.floor(shapely.bounds(shape) / CELL).astype(int)
            i, j = np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
            x, y = i.ravel() * CELL, j.ravel() * CELL
            boxes = shapely.box(x, y, x + CELL, y + CELL)
            whole = shapely.covers(shape, boxes)
            partly = shapely.intersects(shape, boxes) & ~whole
            for chosen, place in ((whole, 0), (partly, 1)):
                for key in zip(i.ravel()[chosen].tolist(), j.ravel()[chosen].tolist(), strict=True):
                    known = list(self.squares.get(key, ((), ())))
                    known[place] += (k,)
                    self.squares[key] = known[0], known[1]

    def touched(self, places: Any) -> set[int]:
        """Return the areas that one of some places lies in; a place that is missing does not."""
        squares, found = self.squares, set[int]()
        for place in places:
            here = squares.get((place.x // CELL, place.y // CELL))
            if here is not None:
                found.update(here[0])
                for k in here[1]:
                    if k not in found and shapely.intersects_xy(self.shapes[k], place.x, place.y):
                        found.add(k)
        return found


Member = tuple[str, int, str]


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

    held: dict[int, tuple[bool, dict[str, str], list[Member]]] = field(default_factory=dict)
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
    return any(key in tags for key in AREA_KEYS) or street_class(tags) not in (None, FERRY)


def _read(
    source: Path, index: _Index, rings: set[int], kept: list[_Kept], progress: Ways | None
) -> None:
    """Add the ways with a node inside, the tagged nodes inside, and the rings of areas."""
    count = 0
    for item in _objects(source):
        if item.is_node():
            place = item.location
            for k in index.touched((place,)):
                kept[k].nodes[item.id] = (place.x, place.y, {t.k: t.v for t in item.tags})
            continue
        count += 1
        if count % STEP == 0:
            if progress is not None:
                progress(count)
            _put_off(kept)
        near = index.touched(item.nodes)
        of_use = near if near and _is_of_use(item) else _with_whole_ferry(item, near, index)
        is_ring = item.id in rings
        if not of_use and not is_ring:
            continue
        line = _line(item)
        for k in of_use:
            kept[k].ways[item.id] = line
        if is_ring and kept:
            # A ring that lies elsewhere goes with the area's others.
            kept[0].rings[item.id] = line
            for k in near - of_use:
                kept[k].touched.add(item.id)


def _put_off(kept: list[_Kept]) -> None:
    """Leave the last areas to a further read, where more ways are held than there is room for."""
    held = [one for one in kept if not one.put_off]
    while len(held) > 1 and sum(len(one.ways) for one in held) > MOST_WAYS:
        held.pop().put_off = True
    for one in (one for one in kept if one.put_off):
        one.ways.clear()
        one.touched.clear()
        one.nodes.clear()


def _objects(source: Path) -> Iterator[Any]:
    """Yield nodes with tags of use, and ways, each once at its last state."""
    deleted = states.deletions(source)
    if deleted is not None or states.has_history(source):
        yield from chain(*states.last_states(source, deleted or set()))
        return
    tagged = osmium.filter.KeyFilter(*NODE_KEYS)
    tagged.enable_for(osmium.osm.NODE)
    objects: Any = osmium.FileProcessor(str(source), osmium.osm.NODE | osmium.osm.WAY)
    # osmium's own table of places takes the place of those that ways carry themselves.
    if not states.has_places_on_ways(source):
        objects = objects.with_locations(_store(source))
    for item in objects.with_filter(tagged):
        if item.is_way() and len(item.nodes) and item.nodes[0].ref < 0:
            # osmium gives what an editor drew no places.
            break
        yield item
    else:
        return
    yield from chain(*states.last_states(source, set()))


def _store(source: Path) -> str:
    """Return where osmium keeps the places of nodes: in memory, of a large file on disk."""
    if source.stat().st_size < LARGE_BYTES:
        return _STORE
    # Its file has no name any more once osmium has opened it.
    return "sparse_file_array"


def _is_of_use(way: Any) -> bool:
    """Whether a way near by is kept, by its kind."""
    return any(key in way.tags for key in WAY_KEYS) or street_class(way.tags) not in (None, FERRY)


def _with_whole_ferry(way: Any, near: set[int], index: _Index) -> set[int]:
    """Return the areas that a way does not leave, where it is a ferry."""
    if not near or way.tags.get("route") != "ferry":
        return set()
    return set.intersection(*(index.touched((node,)) for node in way.nodes))


def _line(way: Any) -> _Line:
    nodes = list(way.nodes)
    return _Line(
        {t.k: t.v for t in way.tags},
        array("q", [n.ref for n in nodes]),
        array("i", [n.x for n in nodes]),
        array("i", [n.y for n in nodes]),
    )


def _nodes(
    ways: dict[int, _Line], tagged: dict[int, tuple[int, int, dict[str, str]]]
) -> Iterable[tuple[int, int, int, dict[str, str]]]:
    """Yield id, place and tags of the nodes of ways and of those kept for their tags."""
    columns = [
        np.concatenate([np.frombuffer(getattr(line, name), dtype) for line in ways.values()])
        for name, dtype in (("refs", np.int64), ("x", np.int32), ("y", np.int32))
    ]
    alone = np.array([(ref, x, y) for ref, (x, y, _) in tagged.items()], np.int64).reshape(-1, 3)
    refs, x, y = (np.concatenate([column, alone[:, k]]) for k, column in enumerate(columns))
    refs, first = np.unique(refs, return_index=True)
    nothing: tuple[int, int, dict[str, str]] = (0, 0, {})
    for ref, place_x, place_y in zip(
        refs.tolist(), x[first].tolist(), y[first].tolist(), strict=True
    ):
        if place_x != _UNDEFINED:
            yield ref, place_x, place_y, tagged.get(ref, nothing)[2]


def _write(relations: _Relations, part: Path, kept: _Kept) -> None:
    """Write nodes, ways and relations in the order of their ids."""
    chosen, ways = relations.of(kept), dict(kept.ways)
    for of_area, _, members in (relations.held[one] for one in chosen):
        if of_area:
            refs = (ref for kind, ref, _ in members if kind == "w" and ref in kept.rings)
            ways |= {ref: kept.rings[ref] for ref in refs}
    objects = osmium.osm.mutable
    with osmium.SimpleWriter(str(part), overwrite=True) as writer:
        for ref, x, y, tags in _nodes(ways, kept.nodes):
            writer.add_node(objects.Node(id=ref, location=(x / _UNIT, y / _UNIT), tags=tags))
        for ref in sorted(ways):
            line = ways[ref]
            writer.add_way(objects.Way(id=ref, nodes=list(line.refs), tags=line.tags))
        for ref in chosen:
            _, tags, members = relations.held[ref]
            writer.add_relation(objects.Relation(id=ref, members=members, tags=tags))
