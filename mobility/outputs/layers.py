"""Geographic layers of the results."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.commute.access import Access
from mobility.timetable.runs import departures


def gates_layer(access: Access) -> gpd.GeoDataFrame:
    """Return one point per gate."""
    rows = [
        (site.name, site.employer, lon, lat)
        for site in access.study.sites
        for lon, lat in site.gates
    ]
    frame = pd.DataFrame(rows, columns=["site", "employer", "lon", "lat"])
    return gpd.GeoDataFrame(
        frame[["site", "employer"]],
        geometry=gpd.points_from_xy(frame["lon"], frame["lat"]),
        crs="EPSG:4326",
    )


def stops_layer(access: Access) -> gpd.GeoDataFrame:
    """Return one point per stop, with its departures on each kind of day studied."""
    study = access.study
    stops = study.feed.stops
    frame = stops[["stop_id", "stop_name"]].copy()
    for day in study.days:
        frame[day.kind] = departures_per_stop(access, day.kind)
    frame = gpd.GeoDataFrame(
        frame, geometry=gpd.points_from_xy(stops["lon"], stops["lat"]), crs="EPSG:4326"
    )
    return frame[(stops["lon"].notna() & (stops["copy_of"] < 0)).to_numpy()]


def departures_per_stop(access: Access, day_kind: str) -> np.ndarray:
    """Return the departures of the day's own service day, int64 (stops,)."""
    study = access.study
    tt = study.timetables[day_kind].timetable
    sizes = np.diff(tt.run_ptr)
    own = np.repeat(tt.run_day == 0, sizes) & tt.call_board
    weights = np.repeat(departures(tt), sizes)[own]
    stops = study.feed.own_stop[tt.call_stop[own]]
    return np.rint(np.bincount(stops, weights, minlength=tt.n_stops)).astype(np.int64)
