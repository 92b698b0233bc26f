"""Where somebody could live: squares of public land over the extract, and points given by hand.

Nobody's home is looked at: land, buildings and streets are public.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mobility.base.arrays import Float
from mobility.base.errors import Finding, TerritoryError
from mobility.base.i18n import Word
from mobility.commute.sources import read_buildings, street_points
from mobility.commute.study import Study
from mobility.commute.walks import mode_times
from mobility.sources.homes.grid import cell_boxes
from mobility.sources.homes.model import Homes
from mobility.sources.homes.spread import land_cells
from mobility.timetable.footpaths import walk_snaps

#: Land one may live on, the most telling first, and how it is told.
GROUND = {
    "residential": "residential land",
    "buildings": "land with dwellings",
    "streets": "land with a street",
}
#: Above this share of workers so far from all squares, rankings lack places: an assumption.
_MANY_AWAY, _AWAY_M = 0.2, 500
#: A square is of the commune, or the named place, nearest to it within this distance.
_NAME_WITHIN_M = 5000.0


def lattice(study: Study, *, cell_m: float, ground: str | None) -> tuple[Homes, str]:
    """Return the squares of land one could live on, as homes without workers, and which land.

    Parameters
    ----------
    cell_m
        Side of a square, metres.
    ground
        ``residential`` land, ``buildings`` that may be dwellings, or any square with a street;
        of None the first of them on which nearly all workers live, see `sparse_ground`.

    Raises
    ------
    TerritoryError
        The extract has none of the land asked for, or no such kind is known.
    """
    streets = study.streets
    zone = gpd.GeoSeries([shapely.box(*streets.bounds_lonlat)], crs=4326)
    if ground is not None and ground not in GROUND:
        raise _no_ground(ground)
    for kind in GROUND if ground is None else (ground,):

        def squares(kind: str = kind) -> dict[str, NDArray[Any]]:
            land = _land(study, kind, cell_m)
            cells = land_cells(zone, land, crs=streets.crs, cell_m=cell_m)
            return {"xy": cells.xy, "cell": cells.cell, "missed": np.array(len(cells.fallback))}

        # Streets are known by their content, the land beside them is not.
        key = ["squares", cell_m]
        found = streets.kept(key, squares) if kind == "streets" else squares()
        # None of this land in the extract: less telling land is better than an empty map.
        if found["missed"]:
            continue
        xy, cell = (np.asarray(found[name]) for name in ("xy", "cell"))
        if ground is None and kind != "streets" and _away(study, xy, cell_m) > _MANY_AWAY:
            continue
        lonlat = streets.unproject(xy)
        boxes = gpd.GeoSeries(cell_boxes(cell, cell_m), crs=streets.crs).to_crs(4326)
        ids = [f"{x}_{y}" for x, y in cell]
        return _as_homes(study, lonlat, ids, ids, boxes), kind
    raise _no_ground(str(ground))


def sparse_ground(study: Study, places: Homes, ground: str, cell_m: float) -> tuple[Finding, ...]:
    """Say how many workers live away from all squares, where that is many of them."""
    share = _away(study, study.streets.project(*places.lonlat.T), cell_m)
    if ground == "streets" or share <= _MANY_AWAY:  # no land is wider
        return ()
    return (
        Finding(
            "warning",
            "ground_sparse",
            "{percent} % of the workers live over {away_m} m from any square of {ground}: communes "
            "and stops there are ranked on few places, or on none. Choose other land (--ground), "
            "or draw it in OpenStreetMap.",
            source="--ground",
            params={
                "percent": round(100 * share), "away_m": _AWAY_M, "ground": Word(GROUND[ground]),
            },
        ),
    )  # fmt: skip


def _away(study: Study, xy: Float, cell_m: float) -> float:
    """Return the share of the workers who live over `_AWAY_M` from all squares."""
    away_m, _ = cKDTree(xy).query(study.streets.project(*study.homes.lonlat.T))
    # To the middle of a square; its corner is half a diagonal nearer.
    far = away_m > _AWAY_M + cell_m / np.sqrt(2)
    return float(study.workers @ far) / max(float(study.workers.sum()), 1.0)


def _no_ground(ground: str) -> TerritoryError:
    return TerritoryError(
        "The extract has no land of this kind.",
        column="--ground",
        value=ground,
        mend="Choose one of: {known}; or leave it out.",
        known=", ".join(GROUND),
    )


def _land(study: Study, kind: str, cell_m: float) -> gpd.GeoDataFrame | None:
    if kind == "residential":
        return study.streets.background.get("residential")
    if kind == "buildings":
        return read_buildings(study.territory)
    return street_points(study.streets, min(50.0, cell_m))


def with_points(study: Study, places: Homes, points: Sequence[tuple[str, float, float]]) -> Homes:
    """Return places with points given by hand put after them.

    Parameters
    ----------
    points
        Name, longitude and latitude.

    Raises
    ------
    TerritoryError
        A point is over 500 m from any street one may walk along.
    """
    if not points:
        return places
    lonlat = np.array([point[1:] for point in points], np.float64)
    names = [point[0] for point in points]
    check_on_streets(study, names, lonlat, column="--at")
    added = _as_homes(study, lonlat, [f"@{k}" for k in range(len(points))], names, None)
    cells = gpd.GeoSeries([*places.shapes, *added.frame.geometry], crs=4326)
    frame = gpd.GeoDataFrame(
        {column: [*places.frame[column], *added.frame[column]] for column in places.frame},
        geometry="geometry",
        crs=4326,
    )
    return Homes(frame, cells)


def check_on_streets(
    study: Study, names: Sequence[str], lonlat: Float, *, column: str, file: Path | None = None
) -> None:
    """Raise when a place is over 500 m from any street one may walk along.

    Raises
    ------
    TerritoryError
        It is; names the place and where the streets are.
    """
    times = mode_times(study.territory, study.streets, "walk")
    for k in np.flatnonzero(walk_snaps(study.streets, times, lonlat).edge < 0).tolist():
        west, south, east, north = study.streets.bounds_lonlat
        raise TerritoryError(
            "The place {name} is over 500 m from any street; the streets span longitudes "
            "{west:.3f} to {east:.3f} and latitudes {south:.3f} to {north:.3f}.",
            file=file,
            column=column,
            value=f"{lonlat[k, 0]:.5f}, {lonlat[k, 1]:.5f}",
            mend="Correct the coordinates (longitude first), or take a larger extract.",
            name=names[k],
            west=west,
            south=south,
            east=east,
            north=north,
        )


def read_point(text: str) -> tuple[str, float, float]:
    """Read ``longitude,latitude`` or ``name=longitude,latitude``.

    Raises
    ------
    TerritoryError
        It is no such pair.
    """
    name, _, pair = text.rpartition("=")
    try:
        lon, lat = (float(part) for part in pair.replace(";", ",").split(","))
    except ValueError:
        lon, lat = np.nan, np.nan
    if not (-180 <= lon <= 180 and -89 <= lat <= 89):
        raise TerritoryError(
            "It is no longitude and latitude.",
            column="--at",
            value=text,
            mend="Write both in degrees, longitude first, after a name if there is one: "
            "Residence=-1.4286,46.6659",
        )
    return name or pair, lon, lat


def _as_homes(
    study: Study, lonlat: Float, ids: list[str], names: list[str], cells: gpd.GeoSeries | None
) -> Homes:
    columns: dict[str, object] = {
        "home_id": ids,
        "name": names,
        "commune": _communes_at(study, lonlat),
        "workers": np.zeros(len(lonlat)),
    }
    points = gpd.GeoSeries(gpd.points_from_xy(*lonlat.T), crs=4326)
    return Homes.at(points, columns, cells=cells)


def _communes_at(study: Study, lonlat: Float) -> list[str]:
    """Return the commune of the nearest home, else the nearest named place; empty when far."""
    homes, places = study.homes, study.streets.background.get("places")
    names = homes.frame["commune"].fillna("").astype(str).to_numpy(object)
    known = homes.lonlat[names != ""]
    names = names[names != ""]
    if not len(names) and places is not None and len(places):
        places = places[places["name"].notna()]
        names = places["name"].to_numpy(object)
        middle = shapely.centroid(places.geometry.to_numpy())
        known = np.column_stack([shapely.get_x(middle), shapely.get_y(middle)])
    if not len(names):
        return [""] * len(lonlat)
    tree = cKDTree(study.streets.project(*known.T))
    away, nearest = tree.query(study.streets.project(*lonlat.T))
    return [str(name) for name in np.where(away <= _NAME_WITHIN_M, names[nearest], "")]
