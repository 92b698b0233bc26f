"""Where French and world open data are listed: communes, timetables, OpenStreetMap extracts.

Formats read: geo.api.gouv.fr (communes), transport.data.gouv.fr (national access point to
timetables), the Mobility Database catalogue (world), Geofabrik's index of extracts and
the Overpass API.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import shapely
from shapely.geometry import shape

from mobility.cache import cache_dir
from mobility.errors import DownloadError
from mobility.inputs.columns import fold
from mobility.inputs.download import Kind, Patience, fetch

Box = tuple[float, float, float, float]
MIN_STOPS = 2
MAX_FEED_DEG2 = 40.0
_DEPARTMENT = re.compile(
    r"^(?P<name>.+?)\s*[,(]\s*(?P<department>\d{2,3}|2[AB])\s*\)?$", re.IGNORECASE
)
_COMMUNE_FIELDS = "nom,code,codeDepartement,codeEpci,population,centre,bbox"
_AGGREGATE = ("agregat", "aggregate")


@dataclass(frozen=True)
class Services:
    """Addresses of the services; another set serves tests and mirrors."""

    communes: str = "https://geo.api.gouv.fr"
    timetables: str = "https://transport.data.gouv.fr/api"
    mobility_database: str = "https://files.mobilitydatabase.org/feeds_v2.csv"
    geofabrik: str = "https://download.geofabrik.de/index-v1.json"
    overpass: str = "https://overpass-api.de/api/interpreter"


@dataclass(frozen=True)
class Desk:
    """How questions are asked: which services, where answers are kept, how patiently."""

    services: Services = Services()
    cache: Path | None = None
    patience: Patience = field(default_factory=Patience)

    @property
    def answers(self) -> Path:
        """Folder of the services' answers."""
        return (self.cache or cache_dir()) / "answers"

    def ask(self, url: str, kind: Kind, name: str, *, data: dict[str, str] | None = None) -> Path:
        """Fetch an answer into ``answers / name``.

        Raises
        ------
        DownloadError
            It could not be fetched.
        """
        target = self.answers / name
        return fetch(
            url, target, kind=kind, data=data, patience=self.patience, cache=self.cache
        ).path

    def ask_json(self, url: str, name: str) -> Any:
        """Fetch and parse a JSON answer.

        Raises
        ------
        DownloadError
            It could not be fetched or parsed.
        """
        path = self.ask(url, "json", name)
        try:
            return json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError):
            raise unexpected(url) from None


def unexpected(url: str) -> DownloadError:
    """Return the error about an answer that is not of the documented form."""
    return DownloadError(
        "The service answered in an unexpected form.",
        file=url,
        mend="Try later; or prepare the files by hand, as docs/formats.md describes.",
    )


@dataclass(frozen=True)
class Commune:
    """A commune: name, INSEE code, department, centre (lon, lat) and box, degrees."""

    name: str
    code: str
    department: str
    epci: str
    population: int
    centre: tuple[float, float]
    bbox: Box


def find_commune(place: str, desk: Desk) -> Commune:
    """Return the commune a place name or INSEE code stands for.

    ``"Saint-Denis (93)"`` chooses among namesakes; otherwise the most populous of that name.

    Raises
    ------
    DownloadError
        The service cannot be reached or knows no such commune.
    """
    name, department = place.strip(), None
    match = _DEPARTMENT.match(name)
    if match:
        name, department = match["name"], match["department"].upper()
    is_code = re.fullmatch(r"\d{5}|2[ABab]\d{3}", name) is not None
    query = {
        ("code" if is_code else "nom"): name.upper() if is_code else name,
        "fields": _COMMUNE_FIELDS,
        "format": "json",
        "boost": "population",
        "limit": "20",
    }
    if department:
        query["codeDepartement"] = department
    url = f"{desk.services.communes}/communes?{urlencode(query)}"
    answer = desk.ask_json(url, "commune.json")
    found = [_commune(row, url) for row in _list(answer, url)]
    same = [c for c in found if fold(c.name) == fold(name)] or found
    if not same:
        raise DownloadError(
            "No commune bears the name {place!r}.",
            file=url,
            mend='Check the spelling, or give its code or department: "Saint-Denis (93)".',
            place=place,
        )
    return max(same, key=lambda c: (c.population, c.code))


def _list(answer: Any, url: str) -> list[Any]:
    if not isinstance(answer, list):
        raise unexpected(url)
    return answer


def _commune(row: Any, url: str) -> Commune:
    try:
        lon, lat = row["centre"]["coordinates"][:2]
        centre = (float(lon), float(lat))
        box = shape(row["bbox"]).bounds if "bbox" in row else around(centre, 5.0)
        return Commune(
            name=str(row["nom"]),
            code=str(row["code"]),
            department=str(row.get("codeDepartement", "")),
            epci=str(row.get("codeEpci", "")),
            population=int(row.get("population") or 0),
            centre=centre,
            bbox=(box[0], box[1], box[2], box[3]),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, shapely.GEOSException):
        raise unexpected(url) from None


def around(centre: tuple[float, float], radius_km: float) -> Box:
    """Return the box (west, south, east, north) of a circle, degrees."""
    lon, lat = centre
    d_lat = radius_km / 111.2
    d_lon = d_lat / max(math.cos(math.radians(lat)), 0.05)
    return (
        round(lon - d_lon, 5),
        round(lat - d_lat, 5),
        round(lon + d_lon, 5),
        round(lat + d_lat, 5),
    )


def communes_within(box: Box, desk: Desk) -> dict[str, Any]:
    """Return the communes that touch a box: a GeoJSON collection, sorted by code.

    Each has ``code``, ``nom`` and ``population``. The departments are those of the points of
    the border and centre of the box.

    Raises
    ------
    DownloadError
        The service cannot be reached or answers otherwise.
    """
    window = shapely.box(*box)
    kept: dict[str, Any] = {}
    for department in _departments(box, desk):
        query = urlencode(
            {"fields": "nom,code,population", "format": "geojson", "geometry": "contour"}
        )
        url = f"{desk.services.communes}/departements/{quote(department)}/communes?{query}"
        answer = desk.ask_json(url, f"communes-{department}.geojson")
        try:
            for feature in answer["features"]:
                if shape(feature["geometry"]).intersects(window):
                    properties = feature["properties"]
                    kept[str(properties["code"])] = {
                        "type": "Feature",
                        "properties": {
                            "code": str(properties["code"]),
                            "nom": str(properties["nom"]),
                            "population": int(properties.get("population") or 0),
                        },
                        "geometry": feature["geometry"],
                    }
        except (KeyError, TypeError, ValueError, AttributeError, shapely.GEOSException):
            raise unexpected(url) from None
    return {"type": "FeatureCollection", "features": [kept[code] for code in sorted(kept)]}


def _departments(box: Box, desk: Desk) -> list[str]:
    """Return the codes of the departments at nine points of a box."""
    west, south, east, north = box
    found: set[str] = set()
    for x in (west, (west + east) / 2, east):
        for y in (south, (south + north) / 2, north):
            query = {"lat": f"{y:.4f}", "lon": f"{x:.4f}", "fields": "code,codeDepartement"}
            url = f"{desk.services.communes}/communes?{urlencode(query)}"
            rows = _list(desk.ask_json(url, "department.json"), url)
            found |= {
                str(r["codeDepartement"])
                for r in rows
                if isinstance(r, dict) and "codeDepartement" in r
            }
    return sorted(found)


@dataclass(frozen=True)
class FeedOffer:
    """A timetable on offer: title, address, licence, publisher, validity, source of the offer."""

    title: str
    url: str
    licence: str
    publisher: str
    valid_from: str
    valid_to: str
    source: str


def french_feeds(box: Box, desk: Desk) -> list[FeedOffer]:
    """Return the GTFS of the national access point that have stops in a box.

    Regional aggregates are kept only where nothing else has stops, for they repeat the
    networks they are made of.

    Raises
    ------
    DownloadError
        The service cannot be reached or answers otherwise.
    """
    west, south, east, north = box
    query = urlencode({"south": south, "west": west, "north": north, "east": east})
    url = f"{desk.services.timetables}/gtfs-stops?{query}"
    answer = desk.ask_json(url, "stops.json")
    try:
        titles = Counter(str(f["properties"]["d_title"]) for f in answer["features"])
    except (KeyError, TypeError):
        raise unexpected(url) from None
    here = {title for title, count in titles.items() if count >= MIN_STOPS}
    url = f"{desk.services.timetables}/datasets"
    datasets = _list(desk.ask_json(url, "datasets.json"), url)
    offers = [
        offer
        for dataset in datasets
        if isinstance(dataset, dict) and str(dataset.get("title")) in here
        for offer in _offers(dataset, url)
    ]
    plain = [o for o in offers if not fold(o.title).startswith(_AGGREGATE)]
    return sorted(plain or offers, key=lambda o: (o.title, o.url))


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
                    licence=str(dataset.get("licence") or ""),
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
    path = desk.ask(url, "csv", "mobility-database.csv")
    window = shapely.box(*box)
    found: list[tuple[float, FeedOffer]] = []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        reader = csv.DictReader(handle)
        if "urls.latest" not in (reader.fieldnames or []):
            raise unexpected(url)
        try:
            for row in reader:
                area = _feed_area(row)
                if area is None or not area.intersects(window) or area.area > MAX_FEED_DEG2:
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
        valid_from="",
        valid_to="",
        source="mobilitydatabase.org",
    )


def geofabrik_extract(box: Box, desk: Desk) -> str:
    """Return the address of the smallest Geofabrik extract that holds a box.

    Raises
    ------
    DownloadError
        The index cannot be fetched, or no extract holds the box.
    """
    url = desk.services.geofabrik
    answer = desk.ask_json(url, "geofabrik.json")
    window = shapely.box(*box)
    found: list[tuple[float, str]] = []
    try:
        for feature in answer["features"]:
            address = feature["properties"].get("urls", {}).get("pbf")
            if not address or not feature.get("geometry"):
                continue
            area = shape(feature["geometry"])
            if area.contains(window):
                found.append((area.area, str(address)))
    except (KeyError, TypeError, ValueError, AttributeError, shapely.GEOSException):
        raise unexpected(url) from None
    if not found:
        raise DownloadError(
            "No extract holds the whole area.",
            file=url,
            mend="Choose a smaller radius, or download an extract of your own and name it as osm.",
        )
    return min(found)[1]


OVERPASS_WAYS = (
    '["highway"]',
    '["landuse"~"^(industrial|residential|commercial|retail|forest|reservoir|basin)$"]',
    '["railway"~"^(rail|light_rail|subway|tram|narrow_gauge)$"]',
    '["natural"~"^(water|wood)$"]',
    '["waterway"~"^(river|canal|riverbank|dock)$"]',
    '["amenity"~"^(parking|car_pooling)$"]',
)
OVERPASS_NODES = (
    '["place"~"^(city|town|village|hamlet|suburb)$"]',
    '["highway"~"^(bus_stop|crossing|traffic_signals)$"]',
    '["amenity"~"^(parking|car_pooling)$"]',
)
OVERPASS_RELATIONS = (
    '["type"="multipolygon"]["landuse"~"^(industrial|residential|commercial|retail|forest)$"]',
    '["type"="multipolygon"]["natural"~"^(water|wood)$"]',
    '["type"="restriction"]',
)


def overpass_query(box: Box, *, timeout_s: int = 300) -> str:
    """Return the Overpass query of everything a study reads, as OSM XML."""
    west, south, east, north = box
    parts: Iterable[str] = (
        *(f"way{tags};" for tags in OVERPASS_WAYS),
        *(f"node{tags};" for tags in OVERPASS_NODES),
        *(f"relation{tags};" for tags in OVERPASS_RELATIONS),
    )
    settings = f"[out:xml][timeout:{timeout_s}][bbox:{south},{west},{north},{east}];"
    return f"{settings}({''.join(parts)});(._;>;);out body;"
