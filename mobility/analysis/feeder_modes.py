"""Reaching stops otherwise than on foot: by bicycle, or by car to a park-and-ride."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mobility.inputs.gtfs import Feed
from mobility.network.footpaths import WalkTable, home_walks, walk_snaps
from mobility.network.modes import edge_times
from mobility.network.paths import Times, street_times
from mobility.network.streets import Streets
from mobility.network.timetable import INF
from mobility.territory import Territory

Float = NDArray[np.float64]
Int32 = NDArray[np.int32]

#: From leaving the car to walking away, and the longest walk from a car park to its stop.
PARKING_S, PARK_WALK_S = 120, 360
#: Locking a bicycle.
LOCKING_S = 60


def feeder_access(
    territory: Territory, streets: Streets, feed: Feed, homes_lonlat: Float
) -> dict[str, tuple[WalkTable, WalkTable]]:
    """Return, per evaluated mode, the seconds from homes to stops and from stops to homes."""
    found: dict[str, tuple[WalkTable, WalkTable]] = {}
    if "bike_transit" in territory.modes.evaluated:
        found["bike_transit"] = _by_bike(territory, streets, feed, homes_lonlat)
    if "park_and_ride" in territory.modes.evaluated:
        found["park_and_ride"] = _by_car(territory, streets, feed, homes_lonlat)
    return found


def _stops_lonlat(feed: Feed) -> Float:
    return feed.stops[["lon", "lat"]].to_numpy(np.float64)


def _by_bike(
    territory: Territory, streets: Streets, feed: Feed, homes_lonlat: Float
) -> tuple[WalkTable, WalkTable]:
    there = edge_times(streets, "bike", territory.speeds)
    limit_s = territory.limits.max_bike_to_stop_min * 60
    stops = _stops_lonlat(feed)
    tables = [
        home_walks(streets, homes_lonlat, stops, limit_s, territory.speeds, times=times)
        for times in (there, there[::-1])
    ]
    onward, homeward = (
        WalkTable(t.ptr, t.stop, (t.walk_s + LOCKING_S).astype(np.int32)) for t in tables
    )
    return onward, homeward


def park_lonlat(streets: Streets) -> Float:
    """Return the park-and-rides and car-pool areas of the streets' file, degrees (p, 2)."""
    parks = streets.background.get("car_parks")
    if parks is None or parks.empty:
        return np.zeros((0, 2))
    points = parks.geometry.representative_point()
    return np.column_stack([points.x, points.y])


def _by_car(
    territory: Territory, streets: Streets, feed: Feed, homes_lonlat: Float
) -> tuple[WalkTable, WalkTable]:
    """Drive to a car park, then walk to the stops beside it."""
    parks = park_lonlat(streets)
    walks = home_walks(streets, parks, _stops_lonlat(feed), PARK_WALK_S, territory.speeds)
    driving = edge_times(streets, "car", territory.speeds)
    drives = [
        _drives(territory, streets, times, homes_lonlat, parks)
        for times in (driving, driving[::-1])
    ]
    onward, homeward = (_joined(drive, walks, len(feed.stops)) for drive in drives)
    return onward, homeward


def _drives(
    territory: Territory, streets: Streets, times: Times, homes_lonlat: Float, parks: Float
) -> Int32:
    """Return seconds from homes to car parks, int32 (homes, parks), ``INF`` where too far."""
    homes = walk_snaps(streets, times, homes_lonlat)
    at = walk_snaps(streets, times, parks)
    pairs = street_times(
        streets,
        times,
        at,
        homes,
        limit_s=territory.limits.max_drive_to_stop_min * 60,
        connector_speed_ms=territory.speeds.walk_kmh / 3.6,
        reverse=True,
    )
    drive_s = np.full((len(homes), len(at)), INF, np.int32)
    park = np.repeat(np.arange(len(at)), np.diff(pairs.ptr))
    drive_s[pairs.target, park] = pairs.time_s
    return drive_s


def _joined(drive_s: Int32, walks: WalkTable, n_stops: int) -> WalkTable:
    """Return the best drive, parking and walk to each stop, as a table by home."""
    n_homes = drive_s.shape[0]
    best_s = np.full((n_homes, n_stops), INF, np.int32)
    for park in range(drive_s.shape[1]):
        row = slice(walks.ptr[park], walks.ptr[park + 1])
        whole_s = drive_s[:, [park]] + PARKING_S + walks.walk_s[row][None, :]
        best_s[:, walks.stop[row]] = np.minimum(best_s[:, walks.stop[row]], whole_s)
    home, stop = np.nonzero(best_s < INF)
    seconds = best_s[home, stop]
    order = np.lexsort((stop, seconds, home))
    ptr = np.append(0, np.cumsum(np.bincount(home, minlength=n_homes))).astype(np.int64)
    return WalkTable(ptr, stop[order].astype(np.int32), seconds[order].astype(np.int32))
