"""Open data on offer around a place: extracts of OpenStreetMap, and timetables.

- Geofabrik's index (https://download.geofabrik.de/technical.html): ``index-v1.json`` is
  GeoJSON; each feature has ``properties.urls.pbf`` and the polygon its extract was cut with.
- Overpass (https://wiki.openstreetmap.org/wiki/Overpass_API/Overpass_QL): settings
  ``[out:xml][timeout:…][bbox:south,west,north,east]``; ``(._;>;)`` adds the nodes of ways. A
  query that runs out of time or memory answers status 200 with a ``<remark>`` before the end.
- transport.data.gouv.fr (https://transport.data.gouv.fr/swaggerui, source
  https://github.com/etalab/transport-site): ``/api/gtfs-stops`` takes ``north, south, east,
  west`` and answers GeoJSON points with ``d_title``, or status 422 beyond 20,000 stops; the
  titles are those of ``/api/datasets``, whose resources have ``format``, ``url``,
  ``original_url``, ``is_available`` and the validity of their calendar. No key, no pages.
- The Mobility Database's catalogue ``feeds_v2.csv`` (columns as written by
  https://github.com/MobilityData/mobility-feed-api, ``functions-python/export_csv``;
  ``authentication_type`` and ``status`` as the README of mobility-database-catalogs tells).
  The file is open; only the service's API asks for a token, and it is not used.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import shapely
from shapely.geometry import shape

from mobility.base.errors import DownloadError
from mobility.base.projection import Box
from mobility.prepare.service import Desk, listed, unexpected
from mobility.sources.columns import fold

#: With one stop here a network takes nobody from one place of the area to another.
_MIN_STOPS = 2
#: Square degrees: a feed as wide as a large country is no timetable of the area.
_MAX_FEED_DEG2 = 40.0
#: How the service says that a box holds more stops than it tells at once.
_TOO_MANY = 422
#: A box with too many stops is cut in four this many times over, at most.
_MAX_CUTS = 4
_AGGREGATE = ("agregat", "aggregate")
_MAX_NEIGHBOURS = 4
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


@dataclass(frozen=True)
class FeedOffer:
    """A timetable on offer: title, address, licence, publisher, validity, source of the offer."""

    title: str
    url: str
    licence: str = ""
    publisher: str = ""
    valid_from: str = ""
    valid_to: str = ""
    source: str = ""


def french_feeds(box: Box, desk: Desk) -> list[FeedOffer]:
    """Return the GTFS of the national access point that have stops in a box.

    Regional aggregates are kept only where nothing else has stops, for they repeat the
    networks they are made of.

    Raises
    ------
    DownloadError
        The service cannot be reached or answers otherwise.
    """
    titles = _stops_by_title(box, desk)
    here = {title for title, count in titles.items() if count >= _MIN_STOPS}
    url = f"{desk.services.timetables}/datasets"
    datasets = listed(desk.ask_json(url, "datasets.json"), url)
    offers = [
        offer
        for dataset in datasets
        if isinstance(dataset, dict) and str(dataset.get("title")) in here
        for offer in _offers(dataset, url)
    ]
    plain = [o for o in offers if not fold(o.title).startswith(_AGGREGATE)]
    return sorted(plain or offers, key=lambda o: (o.title, o.url))


def _stops_by_title(box: Box, desk: Desk, cuts: int = _MAX_CUTS) -> Counter[str]:
    """Count the stops of each dataset in a box, quarter by quarter where they are too many."""
    west, south, east, north = box
    query = urlencode({"south": south, "west": west, "north": north, "east": east})
    url = f"{desk.services.timetables}/gtfs-stops?{query}"
    try:
        answer = desk.ask_json(url, "stops.json")
    except DownloadError as error:
        if error.params.get("status") != _TOO_MANY or not cuts:
            raise
        x, y = (west + east) / 2, (south + north) / 2
        quarters = (
            (west, south, x, y),
            (x, south, east, y),
            (west, y, x, north),
            (x, y, east, north),
        )
        return sum((_stops_by_title(q, desk, cuts - 1) for q in quarters), Counter())
    try:
        titles = [f["properties"]["d_title"] for f in answer["features"]]
    except (KeyError, TypeError):
        raise unexpected(url) from None
    return Counter(str(title) for title in titles if title)


def _licence(code: str) -> str:
    """Return the name of a licence of data.gouv.fr, or its code; empty when none is stated."""
    names = {
        "fr-lo": "Licence Ouverte",
        "lov2": "Licence Ouverte 2.0",
        "odc-odbl": "ODbL 1.0",
        "mobility-licence": "Licence Mobilités",
        "notspecified": "",
    }
    return names.get(code, code)


def _offers(dataset: dict[str, Any], url: str) -> list[FeedOffer]:
    """Return the GTFS files of one dataset that can be downloaded."""
    publisher = dataset.get("publisher") or {}
    offers = []
    try:
        for resource in dataset.get("resources", []):
            if resource.get("format") != "GTFS" or resource.get("is_available") is False:
                continue
            offers.append(
                FeedOffer(
                    title=str(dataset["title"]),
                    url=str(resource.get("url") or resource["original_url"]),
                    licence=_licence(str(dataset.get("licence") or "")),
                    publisher=str(publisher.get("name") or ""),
                    valid_from=str(resource.get("start_calendar_validity") or ""),
                    valid_to=str(resource.get("end_calendar_validity") or ""),
                    source="transport.data.gouv.fr",
                )
            )
    except (KeyError, TypeError, AttributeError):
        raise unexpected(url) from None
    return offers


def world_feeds(box: Box, desk: Desk) -> list[FeedOffer]:
    """Return the open, active GTFS of the Mobility Database that cover part of a box.

    The smallest networks come first; feeds as wide as a large country are left out.

    Raises
    ------
    DownloadError
        The catalogue cannot be fetched or has other columns.
    """
    url = desk.services.mobility_database
    path = desk.fetch(url, desk.answers / "mobility-database.csv", "csv")
    window = shapely.box(*box)
    found: list[tuple[float, FeedOffer]] = []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        reader = csv.DictReader(handle)
        if "urls.latest" not in (reader.fieldnames or []):
            raise unexpected(url)
        try:
            for row in reader:
                area = _feed_area(row)
                if area is None or not area.intersects(window) or area.area > _MAX_FEED_DEG2:
                    continue
                found.append((area.area, _world_offer(row)))
        except csv.Error:
            raise unexpected(url) from None
    found.sort(key=lambda pair: (pair[0], pair[1].url))
    return [offer for _, offer in found]


def _feed_area(row: dict[str, str]) -> shapely.Polygon | None:
    """Return the box of an open, active GTFS; None for any other row."""
    open_ = row.get("urls.authentication_type", "") in {"", "0"}
    active = row.get("status", "") in {"", "active"} and not row.get("redirect.id")
    if row.get("data_type") != "gtfs" or not open_ or not active:
        return None
    try:
        west, south, east, north = (
            float(row[f"location.bounding_box.{side}"])
            for side in (
                "minimum_longitude",
                "minimum_latitude",
                "maximum_longitude",
                "maximum_latitude",
            )
        )
    except (KeyError, ValueError, TypeError):
        return None
    return shapely.box(west, south, east, north)


def _world_offer(row: dict[str, str]) -> FeedOffer:
    title = " – ".join(t for t in (row.get("provider", ""), row.get("name", "")) if t)
    return FeedOffer(
        title=title,
        url=row.get("urls.latest") or row.get("urls.direct_download", ""),
        licence=row.get("urls.license", ""),
        publisher=row.get("provider", ""),
        source="mobilitydatabase.org",
    )


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


def overpass_query(box: Box) -> str:
    """Return the Overpass query of everything a study reads, as OSM XML."""
    west, south, east, north = box
    parts: Iterable[str] = (
        *(f"way{tags};" for tags in _OVERPASS_WAYS),
        *(f"node{tags};" for tags in _OVERPASS_NODES),
        *(f"relation{tags};" for tags in _OVERPASS_RELATIONS),
    )
    settings = f"[out:xml][timeout:300][bbox:{south},{west},{north},{east}];"
    return f"{settings}({''.join(parts)});(._;>;);out body;"
