"""Candidate sites of a first study: industrial land, with gates where roads cross its border."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from mobility.base.literal import csv_cell
from mobility.base.projection import WGS84, transformer
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
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


def candidate_sites(
    industrial: gpd.GeoDataFrame, roads: gpd.GeoSeries, *, min_area_m2: float = _MIN_AREA_M2
) -> list[CandidateSite]:
    """Return industrial estates, the largest first.

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
    min_area_m2
        Smaller estates are left out.
    """
    if industrial.empty or roads.empty:
        return []
    assert roads.crs is not None
    tree = shapely.STRtree(np.asarray(roads.array, dtype=object))
    to_lonlat = transformer(roads.crs, WGS84)
    sites = []
    for name, estate in _estates(industrial, roads.crs):
        if estate.area < min_area_m2:
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
