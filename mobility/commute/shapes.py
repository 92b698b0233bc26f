"""What outputs say of a home: its cell, never the point where someone lives."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from mobility.base.privacy import display_cells
from mobility.commute.study import Study

#: Side of the square drawn for a home known as a point, metres (the INSEE grid's).
SQUARE_M = 200.0


def home_shapes(study: Study) -> gpd.GeoSeries:
    """Return one polygon per home, EPSG:4326.

    It is the home's own cell, or the grid square that holds a point. Homes that come from an
    employee file get the square of their group: each group holds ``min_workers_shown``
    employees or more.
    """
    if study.homes.personal:
        group, squares = personal_groups(study)
        west, south, side = squares[group].T
        found = shapely.box(west, south, west + side, south + side)
        return gpd.GeoSeries(found, crs=study.streets.crs).to_crs("EPSG:4326")
    if study.homes.cells is not None:
        return study.homes.cells
    points = study.homes.frame.geometry.to_crs(study.streets.crs)
    side = max(SQUARE_M, study.territory.sources.homes.cell_m)
    west = np.floor(points.x.to_numpy() / side) * side
    south = np.floor(points.y.to_numpy() / side) * side
    squares = shapely.box(west, south, west + side, south + side)
    return gpd.GeoSeries(squares, crs=study.streets.crs).to_crs("EPSG:4326")


def home_labels(study: Study) -> NDArray[np.object_]:
    """Return what identifies each home in outputs: its identifier, or its group's number."""
    if study.homes.personal:
        group, _ = personal_groups(study)
        return np.array([f"groupe {g + 1}" for g in group], object)
    return np.asarray(study.homes.frame["home_id"].astype(str), object)


def personal_groups(study: Study) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the group of each home of an employee file, and each group's square.

    Returns
    -------
    group : int64[H]
        Row of ``squares``; homes left over by grouping join the nearest group.
    squares : float64[k, 3]
        West, south and side, projected metres.
    """
    points = study.homes.frame.geometry.to_crs(study.streets.crs)
    xy = np.column_stack([points.x, points.y])
    threshold = study.territory.limits.min_workers_shown
    side = study.territory.sources.homes.cell_m
    group, squares = display_cells(xy, study.workers, cell_m=side, threshold=threshold)
    if not len(squares):
        low, high = xy.min(axis=0), xy.max(axis=0)
        side = float(np.ceil((high - low).max() / side + 1) * side)
        west, south = np.floor(low / side) * side
        return np.zeros(len(xy), np.int64), np.array([[west, south, 2 * side]])
    left = group < 0
    if left.any():
        centres = squares[:, :2] + squares[:, 2:] / 2
        group = group.copy()
        group[left] = KDTree(centres).query(xy[left])[1]
    return group, squares
