"""The files of a first study: its candidate sites, and the commented text of its territory file.

Sites are industrial land, with gates where roads cross its border; the text is in French or
English.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from mobility.base.i18n import translate
from mobility.base.literal import csv_cell
from mobility.base.projection import WGS84, transformer
from mobility.prepare.offers import FeedOffer
from mobility.prepare.service import Commune
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.territory.overseas import clock_of
from mobility.territory.project import Speeds

# A gate opens on a road that one may turn off.
_NO_ENTRANCE = ("motorway", "motorway_link", "trunk", "trunk_link")
_MIN_AREA_M2 = 20_000.0
_MAX_GATES = 4
_GATE_SPACING_M = 80.0
_NEAR_ROAD_M = 150.0
#: Land that a street or a ditch parts is one estate: polygons nearer than twice this are joined.
_JOIN_M = 25.0


def industrial_sites(streets: Streets) -> list[CandidateSite]:
    """Return the industrial estates of a street network, gates at their road entrances."""
    there, back = edge_times(streets, "car", Speeds())
    open_ = np.isfinite(there) | np.isfinite(back)
    open_ &= ~streets.tags["highway"].isin(_NO_ENTRANCE).to_numpy()
    lines = np.asarray(streets.lines, dtype=object)[open_]
    industrial = streets.background.get("industrial")
    if industrial is None:
        return []
    return candidate_sites(industrial, gpd.GeoSeries(lines, crs=streets.crs))


def nearest_first(sites: list[CandidateSite], centre: tuple[float, float]) -> list[CandidateSite]:
    """Return sites by size discounted by distance: half the weight at five kilometres."""
    lon, lat = centre

    def weight(site: CandidateSite) -> float:
        x = (site.centre[0] - lon) * np.cos(np.radians(lat))
        km = 111.2 * float(np.hypot(x, site.centre[1] - lat))
        return -site.area_ha / (1 + km / 5)

    return sorted(sites, key=weight)


def named(sites: list[CandidateSite], places: gpd.GeoDataFrame | None) -> list[CandidateSite]:
    """Return sites with a name each: their own, numbered when shared, or the nearest place's."""
    tree = None
    if places is not None:
        places = places[places["name"].notna()]
        tree = shapely.STRtree(np.asarray(places.geometry.array, dtype=object))
    taken: dict[str, int] = {}
    out = []
    for site in sites:
        name = site.name
        if not name:
            near = (
                None if tree is None or not len(tree) else tree.nearest(shapely.Point(site.centre))
            )
            where = "" if near is None or places is None else f" {places['name'].iloc[near]}"
            name = f"Zone industrielle{where}"
        taken[name] = taken.get(name, 0) + 1
        number = f" {taken[name]}" if taken[name] > 1 else ""
        out.append(dataclasses.replace(site, name=name + number))
    return out


def sites_csv(sites: list[CandidateSite]) -> str:
    """Return the sites table: one row per gate, the first with a roster to be corrected."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(["nom", "employeur", "lon", "lat", "portail", "roulement", "effectif"])
    for site in sites:
        name = csv_cell(site.name)
        for k, (lon, lat) in enumerate(site.gates):
            roster = ["3x8", "0"] if k == 0 else ["", ""]
            writer.writerow([name, "", f"{lon:.6f}", f"{lat:.6f}", str(k + 1), *roster])
    return text.getvalue()


@dataclass(frozen=True)
class CandidateSite:
    """An industrial estate that may be a site: its name as mapped, or empty, and its hectares.

    ``centre`` and ``gates``, its road entrances, are longitude and latitude.
    """

    name: str
    area_ha: float
    centre: tuple[float, float]
    gates: tuple[tuple[float, float], ...]


def candidate_sites(industrial: gpd.GeoDataFrame, roads: gpd.GeoSeries) -> list[CandidateSite]:
    """Return industrial estates of `_MIN_AREA_M2` or more, the largest first.

    Polygons of the same name that nearly touch, and unnamed ones that nearly touch, are one
    estate. Its gates are the points where drivable roads cross its border, thinned out to
    `_GATE_SPACING_M` and spread as far from each other as can be; an estate no road enters
    has one gate, on its border, facing the nearest road within `_NEAR_ROAD_M`.

    Parameters
    ----------
    industrial
        Polygons of ``landuse=industrial``, any CRS, with a column ``name``.
    roads
        Lines cars may use, in a projected system, metres.
    """
    if industrial.empty or roads.empty:
        return []
    assert roads.crs is not None
    tree = shapely.STRtree(np.asarray(roads.array, dtype=object))
    to_lonlat = transformer(roads.crs, WGS84)
    sites = []
    for name, estate in _estates(industrial, roads.crs):
        if estate.area < _MIN_AREA_M2:
            continue
        entrances = _thin(_entrances(estate, tree), _MAX_GATES)
        if not len(entrances):
            continue
        lonlat = np.column_stack(to_lonlat.transform(entrances[:, 0], entrances[:, 1]))
        inner = estate.representative_point()
        centre = to_lonlat.transform(inner.x, inner.y)
        sites.append(
            CandidateSite(
                name=name,
                area_ha=round(estate.area / 1e4, 1),
                centre=(round(centre[0], 6), round(centre[1], 6)),
                gates=tuple((x, y) for x, y in lonlat.round(6).tolist()),
            )
        )
    return sorted(sites, key=lambda s: (-s.area_ha, s.name, s.centre))


def _estates(industrial: gpd.GeoDataFrame, crs: pyproj.CRS) -> list[tuple[str, shapely.Geometry]]:
    """Return (name, polygon) of land joined by name and nearness."""
    frame = industrial.to_crs(crs)
    names = frame["name"].fillna("").astype(str) if "name" in frame.columns else ""
    frame = frame.assign(name=names)
    frame = frame[frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    estates = []
    for name, part in frame.groupby("name", sort=True):
        shapes = shapely.make_valid(np.asarray(part.geometry.array, dtype=object))
        joined = shapely.buffer(shapely.union_all(shapely.buffer(shapes, _JOIN_M)), -_JOIN_M)
        for estate in shapely.get_parts(joined):
            filled = shapely.polygons(shapely.get_exterior_ring(estate))
            estates.append((str(name), filled))
    return estates


def _entrances(estate: shapely.Geometry, tree: shapely.STRtree) -> np.ndarray:
    """Return float64[n, 2], where roads cross the border."""
    border = estate.boundary
    near = np.sort(tree.query(estate, predicate="intersects"))
    lines = tree.geometries[near]
    # A road along the border, or one that only touches it, leads nowhere inside.
    enters = shapely.length(shapely.intersection(lines, estate.buffer(-1.0))) > 5.0
    crossing = shapely.intersection(lines[enters], border)
    points = np.asarray(shapely.get_parts(crossing))
    points = points[shapely.get_dimensions(points) == 0]
    xy = np.asarray(shapely.get_coordinates(points))
    if len(xy):
        return np.asarray(xy[np.lexsort((xy[:, 1], xy[:, 0]))])
    nearest = tree.query_nearest(border, max_distance=_NEAR_ROAD_M)
    if not len(nearest):
        return np.empty((0, 2))
    facing = shapely.shortest_line(border, tree.geometries[np.min(nearest)])
    return np.asarray(shapely.get_coordinates(facing)[:1])


def _thin(xy: np.ndarray, count: int) -> np.ndarray:
    """Return up to ``count`` points, each the farthest from those chosen before."""
    if len(xy) <= 1:
        return xy
    chosen = [int(np.argmin(((xy - xy.mean(axis=0)) ** 2).sum(axis=1)))]
    gap = np.hypot(*(xy - xy[chosen[0]]).T)
    while len(chosen) < count and gap.max() >= _GATE_SPACING_M:
        chosen.append(int(np.argmax(gap)))
        gap = np.minimum(gap, np.hypot(*(xy - xy[chosen[-1]]).T))
    return np.asarray(xy[np.sort(chosen)])


# Arrêté du 16 avril 2015: académies of each zone, as departments.
_ZONE_A = (
    "01 03 07 15 16 17 19 21 23 24 25 26 33 38 39 40 42 43 47 58 63 64 69 70 "
    "71 73 74 79 86 87 89 90"
)
_ZONE_B = (
    "02 04 05 06 08 10 13 14 18 22 27 28 29 35 36 37 41 44 45 49 50 51 52 53 "
    "54 55 56 57 59 60 61 62 67 68 72 76 80 83 84 85 88"
)
_ZONE_C = "09 11 12 30 31 32 34 46 48 65 66 75 77 78 81 82 91 92 93 94 95"


def territory_text(
    commune: Commune,
    *,
    language: Literal["fr", "en"],
    osm: str | None,
    gtfs: Sequence[tuple[str, FeedOffer]],
    homes: str | None,
    sites: str | None,
    homes_by: str = "INSEE, geo.api.gouv.fr",
    more: Mapping[str, str] | None = None,
) -> str:
    """Return the text of ``territory.toml``.

    Parameters
    ----------
    osm, homes, sites
        Paths from the file; None leaves a comment saying what to put there.
    gtfs
        Paths of the timetables and what is known of them.
    homes_by
        Who is named with the homes; empty where homes and sites are the user's own.
    more
        A line to add at the head of each of some tables.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    known = [(path, offer.licence, offer.publisher) for path, offer in gtfs]
    if homes is not None and homes_by:
        known.append((homes, "", homes_by))
    environment = Environment(
        loader=PackageLoader("mobility.prepare", ""),
        autoescape=False,  # noqa: S701 (no markup: texts are quoted as TOML has them)
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    text = environment.get_template("territory.toml.jinja").render(
        say=partial(_comment, language), told_of=partial(_offer_line, language), language=language,
        place=commune, timezone=clock_of(commune.department), osm=osm, gtfs=gtfs, sites=sites,
        homes=homes, homes_by=homes_by, credits=known, zone=school_zone(commune.department),
    )  # fmt: skip
    for table, line in (more or {}).items():
        text = text.replace(f"[{table}]\n", f"[{table}]\n{line}\n", 1)
    return text


def _comment(language: str, text: str) -> str:
    """Return a text of ours as lines of a comment."""
    return "\n".join(f"# {line}" for line in textwrap.wrap(translate(text, language), 88))


def _offer_line(language: str, offer: FeedOffer) -> str:
    """Return what is known of a timetable, on one line."""
    about = [offer.title, offer.source]
    if offer.licence:
        about.append(f"{translate('licence', language)} {offer.licence}")
    if offer.valid_from or offer.valid_to:
        about.append(f"{translate('valid', language)} {offer.valid_from} – {offer.valid_to}")
    # TOML forbids control characters in comments.
    return "".join(c if c.isprintable() else " " for c in " ".join(" ; ".join(about).split()))


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON's is one, save for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def school_zone(department: str) -> str | None:
    """Return the school holiday zone of a department, None overseas and in Corsica."""
    zones = {"A": _ZONE_A, "B": _ZONE_B, "C": _ZONE_C}
    return next((z for z, known in zones.items() if department in known.split()), None)
