"""Workers known by zone only are spread over the land people live on (dasymetric mapping).

Wright (1936), "A method of mapping densities of population", Geographical Review 26(1):
the total of a zone goes to its inhabited parts in proportion to their extent. Here the
parts are the squares of a regular grid, weighted by the residential area or by the
buildings they hold, and a zone's total is conserved exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from mobility.base.errors import SourceError
from mobility.sources.homes.grid import cell_boxes, cell_index

_MAX_SQUARES = 4_000_000
#: A polygon under this share of a square, as a house is, counts whole where its middle lies:
#: cutting each would take long and move nobody farther than the house is wide.
_SMALL_SHARE = 0.1
#: Values of ``building`` that the OpenStreetMap wiki lists as accommodation.
_DWELLINGS = (
    "house", "residential", "apartments", "detached", "semidetached_house", "terrace",
    "bungalow", "farm", "dormitory",
)  # fmt: skip
#: Ground area of a dwelling among buildings of no stated kind; an assumption.
_MIN_DWELLING_M2, _MAX_DWELLING_M2 = 30.0, 600.0


@dataclass(frozen=True)
class LandCells:
    """Inhabited squares of zones, sorted by zone, then along a space-filling curve.

    Attributes
    ----------
    zone
        int64[n], index of the zone.
    cell
        int64[n, 2], column and row of the square.
    xy
        float64[n, 2], centre of the inhabited land of the square, metres.
    weight
        float64[n], square metres of residential land or of buildings, > 0.
    built
        Zones without residential land, whose squares are those of their buildings.
    fallback
        Zones without any land: they have one square, around a point inside them.
    """

    zone: np.ndarray
    cell: np.ndarray
    xy: np.ndarray
    weight: np.ndarray
    built: np.ndarray
    fallback: np.ndarray


def dwellings(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the buildings people may live in, of a layer with ``building`` and ``area_m2``.

    Those tagged as dwellings, and those of no stated kind (``building=yes``) whose ground area
    is neither a shed's nor a hall's.
    """
    kind, area = buildings["building"], buildings["area_m2"]
    plain = (kind == "yes") & area.between(_MIN_DWELLING_M2, _MAX_DWELLING_M2)
    return buildings[(kind.isin(_DWELLINGS) | plain).to_numpy(bool)]


def land_cells(
    zones: gpd.GeoSeries,
    land: gpd.GeoDataFrame | None,
    *,
    crs: pyproj.CRS,
    cell_m: float,
    buildings: Callable[[], gpd.GeoDataFrame | None] | None = None,
) -> LandCells:
    """Cut the inhabited land of zones into squares.

    Parameters
    ----------
    zones
        Polygons, any CRS; index 0..z-1.
    land
        Residential polygons (weighted by area; small ones, such as buildings, go whole to
        the square of their centre) or points (buildings, weighted by ``area_m2`` where that
        column is there). None: no land is known.
    crs
        Projected system of the grid, metres.
    cell_m
        Side of a square, metres.
    buildings
        Reads the buildings, once, where a zone has no land.

    Raises
    ------
    SourceError
        The squares would be too many.
    """
    # A border touching itself may come out crossed after a change of system.
    zones = zones.to_crs(crs).make_valid().reset_index(drop=True)
    zone, xy, weight = _pieces(zones, land, crs=crs, cell_m=cell_m)
    empty = np.setdiff1d(np.arange(len(zones)), zone[weight > 0])
    built = empty[:0]
    if len(empty) and buildings is not None:
        bare = zones.iloc[empty].reset_index(drop=True)
        which, centre, area = _pieces(bare, buildings(), crs=crs, cell_m=cell_m)
        zone = np.concatenate([zone, empty[which]])
        xy, weight = np.concatenate([xy, centre]), np.concatenate([weight, area])
        built = np.unique(empty[which[area > 0]])
        empty = np.setdiff1d(empty, built)
    cell = cell_index(xy, cell_m)
    if len(empty):
        inner = shapely.get_coordinates(shapely.point_on_surface(zones.array[empty]))
        zone = np.concatenate([zone, empty])
        xy = np.concatenate([xy, inner])
        cell = np.concatenate([cell, cell_index(inner, cell_m)])
        weight = np.concatenate([weight, np.ones(len(empty))])
    return LandCells(*_merge(zone, cell, xy, weight), built, empty)


def _merge(
    zone: np.ndarray, cell: np.ndarray, xy: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Add up the pieces of one zone and square, and sort."""
    good = weight > 0
    zone, cell, xy, weight = zone[good], cell[good], xy[good], weight[good]
    keys, inverse = np.unique(np.column_stack([zone, cell]), axis=0, return_inverse=True)
    inverse = inverse.ravel()
    total = np.bincount(inverse, weights=weight)
    x = np.bincount(inverse, weights=weight * xy[:, 0]) / total
    y = np.bincount(inverse, weights=weight * xy[:, 1]) / total
    along = gpd.GeoSeries(gpd.points_from_xy(x, y)).hilbert_distance().to_numpy()
    order = np.lexsort((keys[:, 2], keys[:, 1], along, keys[:, 0]))
    return keys[order, 0], keys[order, 1:], np.column_stack([x, y])[order], total[order]


def _pieces(
    zones: gpd.GeoSeries, land: gpd.GeoDataFrame | None, *, crs: pyproj.CRS, cell_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return zone int64[p], centre float64[p, 2] and weight float64[p] of pieces of land."""
    nothing = np.empty(0, dtype=np.int64), np.empty((0, 2)), np.empty(0)
    if land is None or land.empty:
        return nothing
    shapes = np.asarray(land.geometry.to_crs(crs).array, dtype=object)
    good = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    shapes = shapes[good]
    areas = np.ones(len(land))
    if "area_m2" in land.columns:
        areas = land["area_m2"].to_numpy(dtype=np.float64, na_value=0.0)
    areas = areas[good]
    is_polygon = shapely.get_dimensions(shapes) == 2
    polygons, points = shapes[is_polygon], shapely.centroid(shapes[~is_polygon])
    small = shapely.area(polygons) < _SMALL_SHARE * cell_m**2
    spots = np.concatenate([points, shapely.centroid(polygons[small])])
    weights = np.concatenate([areas[~is_polygon], shapely.area(polygons[small])])
    tree = shapely.STRtree(np.asarray(zones.array, dtype=object))
    spot, zone = tree.query(spots, predicate="intersects")
    # A spot on the border of two zones belongs to the first.
    spot, first = np.unique(spot, return_index=True)
    parts = [(zone[first], shapely.get_coordinates(spots[spot]), weights[spot])]
    if not small.all():
        parts.append(_cut(zones, polygons[~small], tree, cell_m))
    return (
        np.concatenate([p[0] for p in parts]).astype(np.int64),
        np.concatenate([p[1] for p in parts]),
        np.concatenate([p[2] for p in parts]),
    )


def _cut(
    zones: gpd.GeoSeries, polygons: np.ndarray, tree: shapely.STRtree, cell_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut polygons, overlaps counted once, by zones, then by the squares of the grid."""
    whole = shapely.union_all(shapely.make_valid(polygons))
    single = shapely.get_parts(whole)
    single = shapely.make_valid(single[shapely.get_dimensions(single) == 2])
    piece, zone = tree.query(single, predicate="intersects")
    inside = shapely.intersection(single[piece], np.asarray(zones.array, dtype=object)[zone])
    good = shapely.area(inside) > 0
    inside, zone = inside[good], zone[good]
    low = cell_index(shapely.bounds(inside)[:, :2], cell_m)
    high = cell_index(shapely.bounds(inside)[:, 2:], cell_m)
    spans = high - low + 1
    counts = spans[:, 0] * spans[:, 1]
    _refuse_too_many(int(counts.sum()), cell_m)
    owner = np.repeat(np.arange(len(inside)), counts)
    k = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    cell = low[owner] + np.column_stack([k % spans[owner, 0], k // spans[owner, 0]])
    cut = shapely.intersection(cell_boxes(cell, cell_m), inside[owner])
    area = shapely.area(cut)
    good = area > 0
    # The square's name follows from a point inside it, whatever the shape of the piece.
    centre = shapely.get_coordinates(shapely.centroid(cut[good]))
    return zone[owner][good], centre, area[good]


def _refuse_too_many(n_squares: int, cell_m: float) -> None:
    """Raise when a grid would have more squares than a study can use."""
    if n_squares > _MAX_SQUARES:
        raise SourceError(
            "Squares of {cell_m} m would be {count} in number.",
            column="sources.homes.cell_m",
            value=cell_m,
            mend="Write a larger cell_m, e.g. 200.",
            cell_m=f"{cell_m:g}",
            count=n_squares,
        )


def allocate(totals: np.ndarray, cells: LandCells, weight: np.ndarray | None = None) -> np.ndarray:
    """Share the total of each zone between its squares, exactly.

    Whole totals are shared in whole workers, each square getting its quota rounded down or
    up; the roundings follow each other along a space-filling curve, so that a village of 30
    workers over 400 squares is thinned out evenly instead of filling the first or the densest
    ones. Other totals are shared in proportion.

    Parameters
    ----------
    totals
        float64[z], per zone.
    cells
        Squares, sorted by zone.
    weight
        float64[n]; the squares' own weight by default.

    Returns
    -------
    ndarray
        float64[n]; for each zone ``math.fsum`` of its squares is its total.
    """
    totals = np.asarray(totals, dtype=np.float64)
    weight = cells.weight if weight is None else np.asarray(weight, dtype=np.float64)
    out = np.zeros(len(cells.zone))
    whole = bool((totals == np.round(totals)).all())
    bounds = np.searchsorted(cells.zone, np.arange(len(totals) + 1))
    for z, total in enumerate(totals):
        rows = slice(bounds[z], bounds[z + 1])
        if total > 0 and weight[rows].sum() > 0:
            share = _share_whole if whole else _share_real
            out[rows] = share(float(total), weight[rows])
    return out


def _share_whole(total: float, weight: np.ndarray) -> np.ndarray:
    """Share a whole total by rounding the running sum of the quotas."""
    running = np.cumsum(weight)
    steps = np.floor(total * (running / running[-1]) + 0.5)
    return np.asarray(np.diff(steps, prepend=0.0))


def _share_real(total: float, weight: np.ndarray) -> np.ndarray:
    """Share a total in proportion; the largest part takes what floating point loses."""
    parts = np.asarray(total * (weight / weight.sum()))
    largest = int(np.argmax(parts))
    for _ in range(4):
        lost = total - math.fsum(parts)
        if lost == 0:
            break
        parts[largest] += lost
    return parts


def clipped_cells(
    cells: LandCells, zones: gpd.GeoSeries, *, crs: pyproj.CRS, cell_m: float
) -> gpd.GeoSeries:
    """Return each square cut by the border of its zone, in EPSG:4326."""
    boxes = cell_boxes(cells.cell, cell_m)
    borders = np.asarray(zones.to_crs(crs).make_valid().array, dtype=object)[cells.zone]
    shapely.prepare(borders)
    crossing = ~shapely.contains_properly(borders, boxes)
    cut = shapely.intersection(boxes[crossing], borders[crossing])
    boxes[crossing] = np.where(shapely.area(cut) > 0, _polygonal(cut), boxes[crossing])
    return gpd.GeoSeries(boxes, crs=crs).to_crs(4326)


def _polygonal(shapes: np.ndarray) -> np.ndarray:
    """Return shapes without the points and lines an intersection may leave beside polygons."""
    out = shapes.copy()
    for k in np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(shapes[k])
        out[k] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return out
