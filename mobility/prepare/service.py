"""Where questions to open-data services are asked, and how patiently; French communes.

The service of communes, geo.api.gouv.fr, is asked as its own definition says
(https://geo.api.gouv.fr/definition.yml, source https://github.com/datagouv/api-geo):
``/communes`` by ``nom`` with ``boost=population``, by ``code`` or by ``lat`` and ``lon``;
``/departements/{code}/communes`` as GeoJSON contours. No key is needed and nothing is paged:
``limit`` is optional.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import shapely
from shapely.geometry import shape

from mobility.base.cache import cache_dir
from mobility.base.errors import DownloadError
from mobility.base.projection import Box
from mobility.sources.columns import fold
from mobility.sources.download import Kind, OnBytes, Patience, fetch

"""West, south, east, north, degrees."""
_DEPARTMENT = re.compile(
    r"^(?P<name>.+?)\s*[,(]\s*(?P<department>\d{2,3}|2[AB])\s*\)?$", re.IGNORECASE
)


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
    """How questions are asked: which services, where answers are kept, how patiently.

    Attributes
    ----------
    services
        Their addresses.
    cache
        Cache folder; the user's by default.
    patience
        Time limits and tries.
    on_bytes
        Called with the bytes so far and in all (None when unknown) of each download.
    told
        What a user should know of the answers, one entry a service: earlier copies that were
        used.
    """

    services: Services = Services()
    cache: Path | None = None
    patience: Patience = field(default_factory=Patience)
    on_bytes: OnBytes | None = None
    told: list[DownloadError] = field(default_factory=list)

    @property
    def answers(self) -> Path:
        """Folder of the services' answers."""
        return (self.cache or cache_dir()) / "answers"

    def fetch(
        self, url: str, target: Path, kind: Kind, *, data: dict[str, str] | None = None
    ) -> Path:
        """Fetch ``url`` into ``target``; an earlier copy taken for want of an answer is told.

        Raises
        ------
        DownloadError
            It could not be fetched.
        """
        state = fetch(
            url,
            target,
            kind=kind,
            data=data,
            patience=self.patience,
            cache=self.cache,
            on_bytes=self.on_bytes,
        )
        host = urlsplit(url).netloc
        if state == "offline" and host not in {note.params["host"] for note in self.told}:
            note = DownloadError(
                "{host} gave no answer; what it gave an earlier time was used.",
                file=url,
                mend="To renew it, run the command again later with --overwrite.",
                host=host,
            )
            self.told.append(note)
        return target

    def ask_json(self, url: str, name: str) -> Any:
        """Fetch a JSON answer into ``answers / name`` and parse it.

        Raises
        ------
        DownloadError
            It could not be fetched or parsed.
        """
        path = self.fetch(url, self.answers / name, "json")
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


def listed(answer: Any, url: str) -> list[Any]:
    """Return an answer that must be a list.

    Raises
    ------
    DownloadError
        It is none.
    """
    if not isinstance(answer, list):
        raise unexpected(url)
    return answer


@dataclass(frozen=True)
class Commune:
    """A commune: name, INSEE code, department, people, and centre (lon, lat), degrees."""

    name: str
    code: str
    department: str
    population: int
    centre: tuple[float, float]


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
        "fields": "nom,code,codeDepartement,population,centre",
        "format": "json",
        "boost": "population",
        "limit": "20",
    }
    if department:
        query["codeDepartement"] = department
    url = f"{desk.services.communes}/communes?{urlencode(query)}"
    answer = desk.ask_json(url, "commune.json")
    found = [_commune(row, url) for row in listed(answer, url)]
    same = [c for c in found if fold(c.name) == fold(name)] or found
    if not same:
        raise DownloadError(
            "No commune bears the name {place!r}.",
            file=url,
            mend='Check the spelling, or give its code or department: "Saint-Denis (93)".',
            place=place,
        )
    return max(same, key=lambda c: (c.population, c.code))


def _commune(row: Any, url: str) -> Commune:
    try:
        lon, lat = row["centre"]["coordinates"][:2]
        return Commune(
            name=str(row["nom"]),
            code=str(row["code"]),
            department=str(row.get("codeDepartement", "")),
            population=int(row.get("population") or 0),
            centre=(float(lon), float(lat)),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise unexpected(url) from None


def around(centre: tuple[float, float], radius_km: float) -> Box:
    """Return the box (west, south, east, north) of a circle, degrees."""
    lon, lat = centre
    d_lat = radius_km / 111.2
    # Towards the poles a degree of longitude comes to nothing.
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
    # The service answers for points, not for boxes.
    for x in (west, (west + east) / 2, east):
        for y in (south, (south + north) / 2, north):
            query = {"lat": f"{y:.4f}", "lon": f"{x:.4f}", "fields": "code,codeDepartement"}
            url = f"{desk.services.communes}/communes?{urlencode(query)}"
            rows = listed(desk.ask_json(url, "department.json"), url)
            found |= {
                str(r["codeDepartement"])
                for r in rows
                if isinstance(r, dict) and "codeDepartement" in r
            }
    return sorted(found)
