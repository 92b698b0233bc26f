"""Times that a feed leaves out, filled in by the distance travelled.

GTFS asks for times at the first and last stop of a trip only; between timed calls a vehicle is
taken to run at one speed (https://gtfs.org/documentation/schedule/reference/#stop_timestxt).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from mobility.sources.gtfs.columns import MISSING_TIME, index_of, numbers

EARTH_M = 6_371_009.0
Float = NDArray[np.float64]


def interpolated(
    trip: NDArray[np.int32],
    arrival: Float,
    departure: Float,
    distances: Iterator[Float],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Fill missing times and cast them, once, to int32.

    Parameters
    ----------
    trip
        Trip of each call; the calls of a trip are consecutive, in the order of travel.
    arrival, departure
        Seconds, NaN where missing. Where one of the two is given it serves as both.
    distances
        How far each call lies along its trip, in any unit, NaN where unknown; the best-known
        first, each asked for only while stretches are left that the ones before do not tell.

    Returns
    -------
    arrival, departure : int32
        Seconds; ``MISSING_TIME`` where a trip's first or last call has no time, so that
        nothing can be filled in. Between two timed calls time goes by the first distance that
        is known at every call between them and grows, else evenly from call to call.
    filled : bool
        Which calls have a time that the feed does not give.
    """
    arrival = np.where(np.isnan(arrival), departure, arrival)
    departure = np.where(np.isnan(departure), arrival, departure)
    gaps = np.flatnonzero(np.isnan(arrival))
    if gaps.size:
        _fill(gaps, trip, arrival, departure, distances)
    missing = np.isnan(arrival)
    both = (np.where(missing, MISSING_TIME, np.floor(t + 0.5)) for t in (arrival, departure))
    first, second = (t.astype(np.int32) for t in both)
    filled = np.zeros(trip.size, np.bool_)
    filled[gaps] = ~missing[gaps]
    return first, second, filled


def _fill(
    gaps: NDArray[np.int64],
    trip: NDArray[np.int32],
    arrival: Float,
    departure: Float,
    distances: Iterator[Float],
) -> None:
    """Interpolate the calls ``gaps`` in place."""
    n = trip.size
    timed = ~np.isnan(arrival)
    calls = np.arange(n)
    before = np.maximum.accumulate(np.where(timed, calls, -1))[gaps]
    after = np.minimum.accumulate(np.where(timed, calls, n)[::-1])[::-1][gaps]
    inside = (before >= 0) & (after < n)
    inside[inside] = (trip[before[inside]] == trip[gaps[inside]]) & (
        trip[after[inside]] == trip[gaps[inside]]
    )
    gaps, before, after = gaps[inside], before[inside], after[inside]
    share = (gaps - before) / (after - before)
    left = np.ones(gaps.size, np.bool_)
    while left.any() and (distance := next(distances, None)) is not None:
        # A stretch goes by distance only when its distances never shrink from call to call.
        broken = np.append(0, np.cumsum(~(np.diff(distance, prepend=np.nan) >= 0)))
        sound = (broken[after + 1] == broken[before + 1]) & (distance[after] > distance[before])
        sound &= left
        far = (distance[gaps] - distance[before])[sound]
        share[sound] = far / (distance[after] - distance[before])[sound]
        left &= ~sound
    moment = departure[before] + share * (arrival[after] - departure[before])
    arrival[gaps] = moment
    departure[gaps] = moment


def straight_m(trip: NDArray[np.int32], stop: NDArray[np.int32], lonlat: Float) -> Float:
    """Return metres along each trip by straight lines between its stops, NaN at unknown ones."""
    xy = _local(lonlat, lonlat)[stop]
    legs = np.append(0.0, np.hypot(*np.diff(xy, axis=0).T))
    legs[np.append(True, trip[1:] != trip[:-1]) | np.isnan(legs)] = 0.0
    return np.where(np.isnan(xy[:, 0]), np.nan, np.cumsum(legs))


def along_shapes(
    trip: NDArray[np.int32],
    stop: NDArray[np.int32],
    lonlat: Float,
    shape_of_trip: pd.Series,
    shapes: pd.DataFrame,
    *,
    file: str,
) -> Float:
    """Return how far each call lies along the shape of its trip, metres, NaN where unknown.

    Parameters
    ----------
    shape_of_trip
        ``shape_id`` of each trip, missing where it has none.
    shapes
        Rows of shapes.txt as text.
    """
    found = np.full(trip.size, np.nan)
    order = np.argsort(numbers(shapes["shape_pt_sequence"], file=file), kind="stable")
    lines = shapes.iloc[order]
    degrees = [numbers(lines[f"shape_pt_{c}"], file=file) for c in ("lon", "lat")]
    code, ids = pd.factorize(lines["shape_id"])
    points = _local(np.column_stack(degrees), lonlat)
    good = (code >= 0) & np.isfinite(points).all(axis=1)
    by_shape = np.argsort(code[good], kind="stable")
    points, code = points[good][by_shape], code[good][by_shape]
    size = np.bincount(code, minlength=len(ids))
    enough = np.flatnonzero(size >= 2)
    long = np.isin(code, enough)
    drawn = shapely.linestrings(points[long], indices=np.searchsorted(enough, code[long]))
    place = index_of(shape_of_trip, pd.Series(ids[enough], dtype="str"), optional=True)
    # Trips of one shape call at the same stops: each pair is looked for once.
    rows = np.flatnonzero(place[trip] >= 0)
    pairs, inverse = np.unique(
        place[trip[rows]].astype(np.int64) * len(lonlat) + stop[rows], return_inverse=True
    )
    shape, at = np.divmod(pairs, len(lonlat))
    places = shapely.points(_local(lonlat, lonlat)[at])
    found[rows] = shapely.line_locate_point(drawn[shape], places)[inverse]
    return found


def _local(lonlat: Float, around: Float) -> Float:
    """Return metres on a plane that is true enough near the places ``around``."""
    lon, lat = np.radians(lonlat).T
    known = around[np.isfinite(around[:, 1]), 1]
    middle = np.radians(known.mean()) if known.size else 0.0
    return EARTH_M * np.column_stack([lon * np.cos(middle), lat])


__all__ = ["along_shapes", "interpolated", "straight_m"]
