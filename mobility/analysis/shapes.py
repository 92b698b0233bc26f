"""What outputs draw for a home: its cell, never the point where someone lives."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from mobility.analysis.study import Study

#: Side of the square drawn for a home known as a point, metres (the INSEE grid's).
SQUARE_M = 200.0


def home_shapes(study: Study) -> gpd.GeoSeries:
    """Return one polygon per home, EPSG:4326: its cell, or the grid square that holds it."""
    if study.homes.cells is not None:
        return study.homes.cells
    points = study.homes.frame.geometry.to_crs(study.streets.crs)
    side = max(SQUARE_M, study.territory.sources.homes.cell_m)
    west = np.floor(points.x.to_numpy() / side) * side
    south = np.floor(points.y.to_numpy() / side) * side
    squares = shapely.box(west, south, west + side, south + side)
    return gpd.GeoSeries(squares, crs=study.streets.crs).to_crs("EPSG:4326")
