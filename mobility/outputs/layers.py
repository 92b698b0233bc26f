"""Geographic layers of the results."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.literal import one_line
from mobility.commute.access import Access, RosterAccess, counted_rows, rosters
from mobility.commute.white_zones import (
    NEITHER,
    OUTBOUND_ONLY,
    REASONS,
    RETURN_ONLY,
    SERVED,
    STATUSES,
    WhiteZones,
)
from mobility.timetable.arrays import INF
from mobility.timetable.runs import departures


def homes_layer(access: Access, zones: WhiteZones) -> gpd.GeoDataFrame:
    """Return the cell or the point of each home, with what holds there.

    Columns are, per site and roster, ``<k> | share`` (share of the cycle's working days that
    hold) and ``<k> | status`` (worst-of rule), and per shift and kind of day
    ``<k> | out_min``, ``<k> | back_min``, ``<k> | status``, ``<k> | reason``; ``k`` lists
    site, roster, shift and kind of day.
    """
    study = access.study
    frame, counted = study.homes.frame, ("workers", *study.homes.groups)
    columns: dict[str, object] = {
        "home_id": study.homes.ids,
        "commune": frame["commune"].to_numpy(),
    }
    columns |= {one_line(name): frame[name].to_numpy(np.float64).round(3) for name in counted}
    found = rosters(access)
    for r in counted_rows(found):
        site, roster = (one_line(str(n)) for n in found.keys.loc[r, ["site_name", "roster"]])
        columns[f"{site} | {roster} | share"] = found.share[r].round(3)
        columns[f"{site} | {roster} | status"] = np.array(STATUSES)[roster_status(found, r)]
    for z, (shift_id, day_kind) in enumerate(zones.keys.itertuples(index=False)):
        shift = study.shift_rows[shift_id]
        name = one_line(" | ".join([shift.site_name, shift.roster, shift.shift, day_kind]))
        row = access.row(shift_id, day_kind, "transit")
        if row is not None:
            columns[f"{name} | out_min"] = _minutes(access.outbound_s[row])
            columns[f"{name} | back_min"] = _minutes(access.return_s[row])
        columns[f"{name} | status"] = np.array(STATUSES)[zones.status[z]]
        columns[f"{name} | reason"] = np.array(REASONS)[zones.reason[z]]
    return gpd.GeoDataFrame(columns, geometry=study.homes.shapes.to_numpy(), crs="EPSG:4326")


def roster_status(found: RosterAccess, row: int) -> NDArray[np.int8]:
    """Return the status of each home for one roster: what holds on every working day, int8[H]."""
    one_way = np.where(
        found.out_always[row], OUTBOUND_ONLY, np.where(found.back_always[row], RETURN_ONLY, NEITHER)
    )
    return np.where(found.holds[row], SERVED, one_way).astype(np.int8)


def _minutes(seconds: np.ndarray) -> pd.array:  # type: ignore[valid-type]
    return pd.array(np.where(seconds < INF, np.round(seconds / 60, 1), np.nan), dtype="Float32")


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
