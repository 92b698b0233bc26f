"""Where OpenStreetMap is fetched: extracts of Geofabrik, queries of the Overpass API.

- Geofabrik's index (https://download.geofabrik.de/technical.html): ``index-v1.json`` is
  GeoJSON; each feature has ``properties.urls.pbf`` and the polygon its extract was cut with.
- Overpass (https://wiki.openstreetmap.org/wiki/Overpass_API/Overpass_QL): settings
  ``[out:xml][timeout:…][bbox:south,west,north,east]``; ``(._;>;)`` adds the nodes of ways. A
  query that runs out of time or memory answers status 200 with a ``<remark>`` before the end.
"""

from __future__ import annotations

from collections.abc import Iterable

import shapely
from shapely.geometry import shape

from mobility.base.errors import DownloadError
from mobility.prepare.service import Box, Desk, unexpected

_MAX_NEIGHBOURS = 4


def geofabrik_extracts(box: Box, desk: Desk) -> list[str]:
    """Return the addresses of the extracts that hold a box: the smallest, or a few neighbours.

    Near a border the smallest extract that holds the whole box may be a country's: where up to
    `_MAX_NEIGHBOURS` smaller ones cover it together and are half as large or less, they are taken.

    Raises
    ------
    DownloadError
        The index cannot be fetched, or no extracts hold the box.
    """
    url = desk.services.geofabrik
    answer = desk.ask_json(url, "geofabrik.json")
    window = shapely.box(*box)
    found: list[tuple[float, str, shapely.Geometry]] = []
    try:
        for feature in answer["features"]:
            address = feature["properties"].get("urls", {}).get("pbf")
            if not address or not feature.get("geometry"):
                continue
            area = shapely.make_valid(shape(feature["geometry"]))
            if area.intersects(window):
                found.append((area.area, str(address), area))
    except (KeyError, TypeError, ValueError, AttributeError, shapely.GEOSException):
        raise unexpected(url) from None
    found.sort(key=lambda f: f[:2])
    whole = next(((size, [address]) for size, address, a in found if a.contains(window)), None)
    several = _neighbours(found, window)
    if several and (whole is None or several[0] <= whole[0] / 2):
        return several[1]
    if whole is None:
        raise DownloadError(
            "No extract holds the whole area.",
            file=url,
            mend="Choose a smaller radius, or download an extract of your own and name it as osm.",
        )
    return whole[1]


def _neighbours(
    found: list[tuple[float, str, shapely.Geometry]], window: shapely.Geometry
) -> tuple[float, list[str]] | None:
    """Return the size and addresses of small extracts that cover a window together."""
    size, chosen, left = 0.0, [], window
    for area, address, extract in found:
        rest = shapely.difference(left, extract)
        if rest.area < left.area:
            size, left = size + area, rest
            chosen.append(address)
        if not left.area:
            return (size, chosen) if len(chosen) <= _MAX_NEIGHBOURS else None
    return None


_OVERPASS_WAYS = (
    '["highway"]',
    '["landuse"~"^(industrial|residential|commercial|retail|forest|reservoir|basin)$"]',
    '["railway"~"^(rail|light_rail|subway|tram|narrow_gauge)$"]',
    '["natural"~"^(water|wood)$"]',
    '["waterway"~"^(river|canal|riverbank|dock)$"]',
    '["amenity"~"^(parking|car_pooling)$"]',
)
_OVERPASS_NODES = (
    '["place"~"^(city|town|village|hamlet|suburb)$"]',
    '["highway"~"^(bus_stop|crossing|traffic_signals)$"]',
    '["amenity"~"^(parking|car_pooling)$"]',
)
_OVERPASS_RELATIONS = (
    '["type"="multipolygon"]["landuse"~"^(industrial|residential|commercial|retail|forest)$"]',
    '["type"="multipolygon"]["natural"~"^(water|wood)$"]',
    '["type"="restriction"]',
)


def overpass_query(box: Box, *, timeout_s: int = 300) -> str:
    """Return the Overpass query of everything a study reads, as OSM XML."""
    west, south, east, north = box
    parts: Iterable[str] = (
        *(f"way{tags};" for tags in _OVERPASS_WAYS),
        *(f"node{tags};" for tags in _OVERPASS_NODES),
        *(f"relation{tags};" for tags in _OVERPASS_RELATIONS),
    )
    settings = f"[out:xml][timeout:{timeout_s}][bbox:{south},{west},{north},{east}];"
    return f"{settings}({''.join(parts)});(._;>;);out body;"
