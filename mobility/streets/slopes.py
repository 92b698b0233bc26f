"""Slopes of streets from an elevation raster, and what they do to cycling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.base.projection import transformer
from mobility.streets.graph import Streets

# Parkin and Rotheram (2010), Design speeds and acceleration characteristics of bicycle
# traffic, Transport Policy 17: 21.6 km/h on the flat, 1.44 km/h less per percent uphill,
# 0.86 km/h more per percent downhill; used here as shares of the flat speed.
_FLAT_KMH = 21.6
_UPHILL_KMH_PER_PERCENT = 1.44
_DOWNHILL_KMH_PER_PERCENT = 0.86
# Riders brake on steeper descents, and coarse rasters exaggerate: an assumption.
MAX_GRADE = 12.0
# No street on Earth lies outside these heights: the shore of the Dead Sea is at -430 m, the
# highest roads under 6,000 m. Beyond are voids that a raster does not declare.
LOWEST_M, HIGHEST_M = -500.0, 9000.0
# What programs write where there is no height, before scale and unit.
_VOIDS = (-32768.0, -32767.0, 32767.0, 65535.0, -9999.0, -99999.0)
#: Metres of units by the names rasters give them (the foot is 0.3048 m, that of US surveys
#: 1200/3937 m).
_UNITS_M = {
    **dict.fromkeys(("m", "metre", "meter", "metres", "meters"), 1.0),
    **dict.fromkeys(("ft", "foot", "feet", "international foot", "international feet"), 0.3048),
    **dict.fromkeys(("us-ft", "ftus", "us survey foot", "us survey feet"), 1200 / 3937),
    **dict.fromkeys(("cm", "centimetre", "centimeter"), 0.01),
    **dict.fromkeys(("dm", "decimetre", "decimeter"), 0.1),
    **dict.fromkeys(("mm", "millimetre", "millimeter"), 0.001),
}
_MAX_GAIN = 1.25
# Share of the slowing uphill that is left with electric assistance: an assumption.
_ASSISTED_SHARE = 0.3


def slope_ms(
    flat_ms: np.ndarray, grades: np.ndarray, walking_ms: float, *, assisted: bool
) -> np.ndarray:
    """Return cycling speeds on slopes, metres per second (m,).

    Parameters
    ----------
    flat_ms
        Speeds on the flat.
    grades
        Percent in the direction of travel, positive uphill; NaN is flat.
    walking_ms
        Speed of pushing: nobody rides slower than that.
    assisted
        Electric assistance.
    """
    grade = np.clip(np.nan_to_num(np.asarray(grades, dtype=np.float64)), -MAX_GRADE, MAX_GRADE)
    up = _UPHILL_KMH_PER_PERCENT * (_ASSISTED_SHARE if assisted else 1.0)
    slope = np.where(grade > 0, up, _DOWNHILL_KMH_PER_PERCENT)
    factor = np.minimum(1.0 - slope * grade / _FLAT_KMH, _MAX_GAIN)
    return np.asarray(np.maximum(flat_ms * factor, np.minimum(flat_ms, walking_ms)))


def edge_grades(streets: Streets, raster: str | Path) -> np.ndarray:
    """Return the mean slope of each street piece from u to v, percent, float64 (m,).

    Elevations of the two ends are read between the raster's cells, with its scale, offset and
    unit (of the band, else of the vertical axis of its coordinate system, else metres).
    Outside the raster, where it has no height or one that cannot be, and on bridges and in
    tunnels, the slope is 0.

    Raises
    ------
    SourceNotFoundError
        The raster does not exist.
    SourceError
        It cannot be read, has no coordinate system, or rasterio is not installed.
    """
    grades = grades_between(streets, elevations(streets, Path(raster)))
    return np.asarray(np.clip(grades, -MAX_GRADE, MAX_GRADE))


def grades_between(streets: Streets, height: np.ndarray) -> np.ndarray:
    """Return the slope of each street piece from heights of its ends, percent, as they stand."""
    rise = height[streets.edge_v] - height[streets.edge_u]
    grade = 100.0 * rise / np.maximum(streets.length_m, 10.0)
    apart = np.zeros(streets.n_edges, dtype=bool)
    for column in ("bridge", "tunnel"):
        known = streets.tags[column]
        apart |= (known.notna() & known.ne("no")).to_numpy(dtype=bool)
    return np.where(apart, 0.0, np.nan_to_num(grade))


def elevations(streets: Streets, path: Path) -> np.ndarray:
    """Return metres at each node, NaN outside the raster and where it has no height."""
    if not path.is_file():
        raise SourceNotFoundError(
            "The elevation raster does not exist.", file=path, mend="Check the path."
        )
    try:
        import rasterio
    except ImportError:
        raise SourceError(
            "Reading an elevation raster needs the package rasterio.",
            file=path,
            mend="Install rasterio, or remove the elevation from the territory file.",
        ) from None
    try:
        with rasterio.open(path) as source:
            bands = [k + 1 for k, what in enumerate(source.colorinterp) if what.name != "alpha"]
            if len(bands) != 1 or source.colorinterp[bands[0] - 1].name == "palette":
                raise SourceError(
                    "The raster has {count} bands; heights are one."
                    if len(bands) != 1
                    else "The raster is a picture of colours, not of heights.",
                    file=path,
                    mend="Export the band of heights, not a picture of them, in metres.",
                    count=len(bands),
                )
            band = source.read(bands[0], masked=True)
            crs, inverse = source.crs, ~source.transform
            scale, offset, unit = (
                of[bands[0] - 1] for of in (source.scales, source.offsets, source.units)
            )
    except rasterio.errors.RasterioError as error:
        raise SourceError(
            "It cannot be read as a raster: {reason}.",
            file=path,
            mend="Give a GeoTIFF of elevations in metres.",
            reason=str(error)[:160],
        ) from None
    if crs is None:
        raise SourceError(
            "The raster states no coordinate reference system.",
            file=path,
            mend="Export it with its projection.",
        )
    raw = np.ma.filled(band.astype(np.float64), np.nan)
    raw[np.isin(raw, _VOIDS)] = np.nan
    grid = raw * (scale or 1.0) + offset
    grid *= _metres_of(unit, pyproj.CRS.from_wkt(crs.to_wkt()), path)
    with np.errstate(invalid="ignore"):
        grid[(grid < LOWEST_M) | (grid > HIGHEST_M)] = np.nan
    to_raster = transformer(streets.crs, crs.to_wkt())
    x, y = to_raster.transform(streets.node_xy[:, 0], streets.node_xy[:, 1])
    a, b, c, d, e, f = inverse[:6]
    column, row = (
        a * np.asarray(x) + b * np.asarray(y) + c,
        d * np.asarray(x) + e * np.asarray(y) + f,
    )
    return _between(grid, row - 0.5, column - 0.5)


def _metres_of(unit: str | None, crs: pyproj.CRS, path: Path) -> float:
    """Return the metres of a raster's unit of height."""
    name = (unit or "").strip().lower()
    if name in _UNITS_M:
        return _UNITS_M[name]
    if name:
        raise SourceError(
            "Its heights are in {unit!r}, which is not understood.",
            file=path,
            mend="Export it with heights in metres.",
            unit=name[:40],
        )
    up = [axis for axis in crs.axis_info if axis.direction == "up"]
    return float(up[0].unit_conversion_factor) if up else 1.0


def _between(grid: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Interpolate bilinearly between cell centres; NaN outside."""
    inside = (row >= 0) & (column >= 0)
    inside &= (row <= grid.shape[0] - 1) & (column <= grid.shape[1] - 1)
    r = np.clip(np.floor(row), 0, max(grid.shape[0] - 2, 0)).astype(np.int64)
    c = np.clip(np.floor(column), 0, max(grid.shape[1] - 2, 0)).astype(np.int64)
    fr, fc = row - r, column - c
    r1, c1 = np.minimum(r + 1, grid.shape[0] - 1), np.minimum(c + 1, grid.shape[1] - 1)
    top = grid[r, c] * (1 - fc) + grid[r, c1] * fc
    bottom = grid[r1, c] * (1 - fc) + grid[r1, c1] * fc
    return np.where(inside, top * (1 - fr) + bottom * fr, np.nan)
