"""French communes, of the service geo.api.gouv.fr.

Asked as its own definition says (https://geo.api.gouv.fr/definition.yml, source
https://github.com/datagouv/api-geo): ``/communes`` by ``nom`` with ``boost=population``, by
``code`` or by ``lat`` and ``lon``; ``/departements/{code}/communes`` as GeoJSON contours. No key
is needed and nothing is paged: ``limit`` is optional.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import shapely
from shapely.geometry import shape

from mobility.base.errors import DownloadError
from mobility.prepare.service import Box, Desk, listed, unexpected
from mobility.sources.columns import fold

_DEPARTMENT = re.compile(
    r"^(?P<name>.+?)\s*[,(]\s*(?P<department>\d{2,3}|2[AB])\s*\)?$", re.IGNORECASE
)
_COMMUNE_FIELDS = "nom,code,codeDepartement,codeEpci,population,centre,bbox"


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
            rows = listed(desk.ask_json(url, "department.json"), url)
            found |= {
                str(r["codeDepartement"])
                for r in rows
                if isinstance(r, dict) and "codeDepartement" in r
            }
    return sorted(found)
