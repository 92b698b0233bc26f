"""Cut a regional OpenStreetMap extract down to a box, with its ways kept whole.

The file is read once for nodes and ways, twice for relations; what is held is the place of
every node (16 bytes each) and what is kept. Sets of ids as osmium makes them are not used:
they take 1.5 GB for a few ids spread over today's 12,000 million.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import osmium

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


def clip_osm(
    sources: Sequence[Path], target: Path, bbox: Box, *, progress: Ways | None = None
) -> int:
    """Write the objects of one extract, or of several neighbours, that touch ``bbox``.

    The box is widened by `MARGIN_DEG`, about a kilometre, so that a street without a node
    inside is kept where it crosses a corner. Streets, ferries, land use, buildings, water,
    railways, places, barriers, car parks and turn restrictions are kept. A way with a node
    inside is kept whole, an area with a ring inside with all its rings; a ferry that leaves the
    box is not kept. What stands in several extracts is written once.

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
    source, kept = sources[0], _Kept()
    try:
        with writing(target) as part:
            for source in sources:
                _read(source, bbox, kept, progress)
            ways = len(kept.ways)
            if not ways:
                raise SourceError(
                    "Nothing of it lies in the area.",
                    file=source,
                    mend="Choose the extract of the region the place is in.",
                )
            _write(sources, part, kept)
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            "It cannot be read as OpenStreetMap data: {reason}.",
            file=source,
            mend="Download it again, or give another .osm.pbf file.",
            reason=" ".join(str(error).split())[:160],
        ) from None
    return ways


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

    ``rings`` are ways of areas, kept if the area is: if one of them is in ``touched``.
    """

    ways: dict[int, _Line] = field(default_factory=dict)
    rings: dict[int, _Line] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    nodes: dict[int, tuple[int, int, dict[str, str]]] = field(default_factory=dict)


def _relations(source: Path) -> Iterable[Any]:
    """Return areas and turn restrictions."""
    objects: Any = osmium.FileProcessor(str(source), osmium.osm.RELATION)
    return objects.with_filter(  # type: ignore[no-any-return]
        osmium.filter.TagFilter(("type", "multipolygon"), ("type", "restriction"))
    )


def _is_area(relation: Any) -> bool:
    """Whether a relation is an area of the background, or a square or platform to walk around."""
    tags = relation.tags
    return any(key in tags for key in AREA_KEYS) or street_class(tags) not in (None, FERRY)


def _read(source: Path, bbox: Box, kept: _Kept, progress: Ways | None) -> None:
    """Add the ways with a node inside, the tagged nodes inside, and the rings of areas."""
    # Most rings bear no tag of their own.
    members = {
        member.ref
        for relation in _relations(source)
        if _is_area(relation)
        for member in relation.members
        if member.type == "w"
    }
    inside, count = _inside(bbox), 0
    for item in _objects(source):
        if item.is_node():
            place = item.location
            if inside((place,)):
                kept.nodes[item.id] = (place.x, place.y, {t.k: t.v for t in item.tags})
            continue
        count += 1
        if progress is not None and count % STEP == 0:
            progress(count)
        near = inside(item.nodes)
        if near and _is_of_use(item, inside):
            kept.ways[item.id] = _line(item)
        elif item.id in members:
            kept.rings[item.id] = _line(item)
            if near:
                kept.touched.add(item.id)


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
        objects = objects.with_locations(_STORE)
    for item in objects.with_filter(tagged):
        if item.is_way() and len(item.nodes) and item.nodes[0].ref < 0:
            # osmium gives what an editor drew no places.
            break
        yield item
    else:
        return
    yield from chain(*states.last_states(source, set()))


def _is_of_use(way: Any, inside: Callable[[Any], bool]) -> bool:
    """Whether a way near by is kept: of some kind, or a ferry that stays within the box."""
    if any(key in way.tags for key in WAY_KEYS) or street_class(way.tags) not in (None, FERRY):
        return True
    return way.tags.get("route") == "ferry" and all(inside((node,)) for node in way.nodes)


def _line(way: Any) -> _Line:
    nodes = list(way.nodes)
    return _Line(
        {t.k: t.v for t in way.tags},
        array("q", [n.ref for n in nodes]),
        array("i", [n.x for n in nodes]),
        array("i", [n.y for n in nodes]),
    )


def _inside(bbox: Box) -> Callable[[Any], bool]:
    """Return whether one of some places lies in a box; a place that is missing does not."""
    margins = (-MARGIN_DEG, -MARGIN_DEG, MARGIN_DEG, MARGIN_DEG)
    west, south, east, north = (
        round((side + margin) * _UNIT) for side, margin in zip(bbox, margins, strict=True)
    )

    def inside(places: Any) -> bool:
        for place in places:  # noqa: SIM110 - a generator takes twice the time
            if west <= place.x <= east and south <= place.y <= north:
                return True
        return False

    return inside


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


def _write(sources: Sequence[Path], part: Path, kept: _Kept) -> None:
    """Write nodes, ways and relations in the order of their ids."""
    relations: dict[int, tuple[dict[str, str], list[tuple[str, int, str]]]] = {}
    ways = dict(kept.ways)
    for relation in (r for source in sources for r in _relations(source)):
        refs = [m.ref for m in relation.members if m.type == "w"]
        of_area = _is_area(relation)
        if any(ref in kept.ways or (of_area and ref in kept.touched) for ref in refs):
            members = [(m.type, m.ref, m.role) for m in relation.members]
            relations[relation.id] = {t.k: t.v for t in relation.tags}, members
            if of_area:
                ways |= {ref: kept.rings[ref] for ref in refs if ref in kept.rings}
    objects = osmium.osm.mutable
    with osmium.SimpleWriter(str(part), overwrite=True) as writer:
        for ref, x, y, tags in _nodes(ways, kept.nodes):
            writer.add_node(objects.Node(id=ref, location=(x / _UNIT, y / _UNIT), tags=tags))
        for ref in sorted(ways):
            line = ways[ref]
            writer.add_way(objects.Way(id=ref, nodes=list(line.refs), tags=line.tags))
        for ref, (tags, members) in sorted(relations.items()):
            writer.add_relation(objects.Relation(id=ref, members=members, tags=tags))
