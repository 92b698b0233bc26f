"""Cut a regional OpenStreetMap extract down to a box, with its ways kept whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import osmium

from mobility.errors import SourceError
from mobility.files import writing

KEYS = (
    "highway",
    "landuse",
    "natural",
    "waterway",
    "railway",
    "amenity",
    "place",
    "restriction",
    "carpool",
)
Box = tuple[float, float, float, float]
MARGIN_DEG = 0.01


def clip_osm(source: Path, target: Path, bbox: Box) -> int:
    """Write the objects of ``source`` that touch ``bbox``.

    The box is widened by `MARGIN_DEG`, about a kilometre, so that a street without a node
    inside is kept where it crosses a corner. Streets, land use, water, railways, places and
    car parks are kept; buildings are not. A way with a node inside is kept whole, a relation
    with a kept way is kept with all its ways.

    Parameters
    ----------
    bbox
        West, south, east, north, degrees.

    Returns
    -------
    int
        Number of ways kept.

    Raises
    ------
    SourceError
        ``source`` cannot be read, or nothing of it lies inside.
    """
    try:
        with writing(target) as part:
            ways = _clip(source, part, _widened(bbox))
            if not ways:
                raise SourceError(
                    "Nothing of it lies in the area.",
                    file=source,
                    mend="Choose the extract of the region the place is in.",
                )
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


def _widened(bbox: Box) -> Box:
    west, south, east, north = bbox
    return west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG


def _clip(source: Path, part: Path, bbox: Box) -> int:
    objects: Any = (
        osmium.FileProcessor(str(source))
        .with_locations()
        .with_filter(osmium.filter.KeyFilter(*KEYS))
    )
    rings = _rings_inside(source, bbox)
    kept: set[int] = set()
    writer = osmium.BackReferenceWriter(
        str(part), ref_src=str(source), overwrite=True, remove_tags=False
    )
    with writer:
        for item in objects:
            if item.is_way():
                if _any_inside(item.nodes, bbox):
                    kept.add(item.id)
                    writer.add(item)
            elif item.is_node():
                if _any_inside((item,), bbox):
                    writer.add(item)
            elif any(m.type == "w" and (m.ref in kept or m.ref in rings) for m in item.members):
                writer.add(item)
    return len(kept)


def _rings_inside(source: Path, bbox: Box) -> set[int]:
    """Return the ways of land-use relations that touch the box; most bear no tag of their own."""
    relations: Any = osmium.FileProcessor(str(source), osmium.osm.RELATION).with_filter(
        osmium.filter.KeyFilter("landuse", "natural", "waterway")
    )
    members = {m.ref for relation in relations for m in relation.members if m.type == "w"}
    if not members:
        return set()
    ways: Any = (
        osmium.FileProcessor(str(source), osmium.osm.NODE | osmium.osm.WAY)
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        .with_filter(osmium.filter.IdFilter(members))
    )
    return {way.id for way in ways if _any_inside(way.nodes, bbox)}


def _any_inside(nodes: Any, bbox: Box) -> bool:
    """Whether a node lies in the box; nodes missing from the file do not."""
    west, south, east, north = bbox
    for node in nodes:
        place = node.location
        if place.valid() and west <= place.lon <= east and south <= place.lat <= north:
            return True
    return False
