"""Isochrones: the area around the street pieces, or parts of them, reached in a time."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
from shapely.ops import substring

from mobility.streets.arcs import Times, turned
from mobility.streets.ends import Snaps, end_seconds
from mobility.streets.graph import Streets
from mobility.streets.paths import start_times

# So far from a street one is still beside it; holes narrower than twice as much close.
BESIDE_M = 80.0


def isochrones(
    streets: Streets,
    times: Times,
    sources: Snaps,
    limits_s: Sequence[float],
    *,
    connector_speed_ms: float,
    reverse: bool = False,
) -> gpd.GeoDataFrame:
    """Return the area reached from the nearest of some points, one row per limit.

    Parameters
    ----------
    streets, times
        The network and the seconds per piece both ways, see `modes.edge_times`.
    sources
        Snapped points, e.g. the gates of a site.
    limits_s
        Seconds, increasing or not.
    connector_speed_ms
        Speed over the straight line between a point and its street.
    reverse
        The area *from* which a point is reached, instead of the area reached.

    Returns
    -------
    GeoDataFrame, EPSG:4326
        ``limit_s`` float64 and ``geometry``, polygons that follow the streets reached;
        empty when none is.
    """
    areas = []
    for limit in limits_s:
        lines = reached_lines(
            streets, times, sources, limit, connector_speed_ms=connector_speed_ms, reverse=reverse
        )
        areas.append(_around(lines))
    frame = gpd.GeoDataFrame(
        {"limit_s": np.asarray(limits_s, dtype=np.float64)},
        geometry=gpd.GeoSeries(areas, crs=streets.crs),
    )
    return frame.to_crs(4326)


def reached_lines(
    streets: Streets,
    times: Times,
    sources: Snaps,
    limit_s: float,
    *,
    connector_speed_ms: float,
    reverse: bool = False,
) -> np.ndarray:
    """Return the stretches of street reached within a limit, projected lines.

    Parameters are those of `isochrones`. A piece entered from both ends gives two
    stretches when they do not meet.
    """
    times = turned(times) if reverse else times
    at = start_times(
        streets, times, sources, connector_speed_ms=connector_speed_ms, limit_s=limit_s
    )
    from_u = _share(limit_s - at[:, 0], times[0])
    from_v = _share(limit_s - at[:, 1], times[1])
    whole = from_u + from_v >= 1.0
    lines = [streets.lines[whole]]
    head = np.flatnonzero(~whole & (from_u > 0))
    tail = np.flatnonzero(~whole & (from_v > 0))
    length = streets.length_m
    lines.append(_stretches(streets, head, np.zeros(len(head)), from_u[head] * length[head]))
    lines.append(_stretches(streets, tail, (1.0 - from_v[tail]) * length[tail], length[tail]))
    lines.append(_own_pieces(streets, times, sources, limit_s, connector_speed_ms))
    return np.concatenate(lines)


def _share(left_s: np.ndarray, piece_s: np.ndarray) -> np.ndarray:
    """Return the share of each piece covered in the seconds left, 0 to 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(piece_s == 0, 1.0, left_s / piece_s.astype(np.float64))
    share[~np.isfinite(left_s) | (left_s < 0) | ~np.isfinite(piece_s)] = 0.0
    return np.clip(share, 0.0, 1.0)


def _own_pieces(
    streets: Streets, times: Times, sources: Snaps, limit_s: float, speed_ms: float
) -> np.ndarray:
    """Return the stretches around the points themselves, on their own pieces."""
    on = sources.take(np.flatnonzero(sources.edge >= 0))
    left = limit_s - on.distance_m / speed_ms
    on, left = on.take(left >= 0), left[left >= 0]
    length = streets.length_m[on.edge]
    seconds = end_seconds(streets, times, on, leaving=True)
    ahead = _share(left, seconds[:, 1]) * (length - on.offset_m)
    back = _share(left, seconds[:, 0]) * on.offset_m
    return _stretches(streets, on.edge, on.offset_m - back, on.offset_m + ahead)


def _stretches(
    streets: Streets, edge: np.ndarray, start_m: np.ndarray, stop_m: np.ndarray
) -> np.ndarray:
    """Return the parts of pieces between two distances from their u ends."""
    parts = [
        substring(streets.lines[e], a, b)
        for e, a, b in zip(edge, start_m, stop_m, strict=True)
        if b > a
    ]
    return np.array(parts, dtype=object)


def _around(lines: np.ndarray) -> shapely.Geometry:
    """Return the union of all places beside the lines, smoothed."""
    if len(lines) == 0:
        return shapely.Polygon()
    slim = shapely.simplify(lines, BESIDE_M / 10)
    area = shapely.union_all(shapely.buffer(slim, BESIDE_M, quad_segs=3))
    return shapely.simplify(area, BESIDE_M / 10)
