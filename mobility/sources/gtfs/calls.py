"""Stop times of a feed: its largest table, checked, sorted and completed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.clock import DAY_S
from mobility.base.errors import Severity
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.columns import MISSING_TIME, index_of, integers, numbers, seconds
from mobility.sources.gtfs.files import RawTables, read_extra
from mobility.sources.gtfs.fill import along_shapes, interpolated, straight_m
from mobility.sources.gtfs.notes import Notes

Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]
_CONTINUOUS = (0, 2, 3)
"""``continuous_pickup`` and ``continuous_drop_off``: all along, by phone, by asking the driver."""

BOOKED = "a call on demand"
"""Why a call is in no timetable: it belongs to a service on demand, see `read_flex`."""

_FEW_FILLED = 0.01
"""Share of times that a feed may leave out without a warning."""


def read_stop_times(
    raw: RawTables, stops: pd.DataFrame, trips: pd.DataFrame, notes: Notes
) -> pd.DataFrame:
    """Return stop_times.txt linked by index, sorted, its missing times filled in."""
    file, count = raw.file("stop_times"), len(raw.tables["stop_times"])
    column = partial(raw.column, "stop_times")
    trip = index_of(column("trip_id"), trips["trip_id"])
    stop = index_of(column("stop_id"), stops["stop_id"])
    booked = booked_calls(raw)
    notes.unknown(trip, "stop_times", "trip_id", column("trip_id"), required=True)
    notes.unknown(np.where(booked, 0, stop), "stop_times", "stop_id", column("stop_id"))
    nowhere = (stop == -1) & (trip >= 0) & ~booked
    message = "{count} stop times name no stop and no zone, and are left out"
    notes.tell("warning", "stop_times_nowhere", message, "stop_times", nowhere)
    rows = np.flatnonzero((trip >= 0) & (stop >= 0) & ~booked)
    sequence = integers(column("stop_sequence"), -1, file=file)
    key = trip.astype(np.int64) << 32 | np.maximum(sequence, 0)
    if rows.size == count and (np.diff(key) >= 0).all():
        order: NDArray[np.int64] | slice = slice(None)
    else:
        order = rows[np.argsort(key[rows], kind="stable")]
    trip_of, stop_of = trip[order], stop[order]
    arrival, departure = (
        seconds(column(f"{k}_time"), file=file)[order] for k in ("arrival", "departure")
    )
    over = _after_midnight(trip_of, arrival, departure)
    message = (
        "{count} trips begin their hours again after midnight; they are taken to go on (00:10:00 "
        "as 24:10:00)"
    )
    wrapped = np.isin(np.arange(len(trips)), trip_of[over > 0])
    notes.tell("warning", "times_over_midnight", message, "stop_times", wrapped, trips["trip_id"])
    arrival, departure = arrival + over, departure + over
    along = numbers(column("shape_dist_traveled"), file=file)[order]
    distances = _distances(raw, stops, trips, (trip_of, stop_of), along, notes)
    arrival_s, departure_s, filled = interpolated(trip_of, arrival, departure, distances)
    untimed, back = _unsound(trip_of, arrival_s, departure_s, trips, notes)
    keep = ~(untimed | back)[trip_of]
    _tell_filled(filled & keep, int(keep.sum()), notes)
    linked = (trip >= 0) & (stop >= 0) & ~booked
    notes.count(
        "stop_times",
        {
            "an unknown trip_id": trip < 0,
            BOOKED: booked,
            "no stop": nowhere,
            "an unknown stop_id": ~linked,
            "a trip without times at its ends": _of_calls(untimed, trip, linked),
            "a trip that goes back in time": _of_calls(back, trip, linked),
        },
    )
    flags = {
        name: integers(column(f"{k}_type"), 0, file=file, high=3)[order].astype(np.int8)
        for name, k in (("pickup", "pickup"), ("dropoff", "drop_off"))
    }
    exact = integers(column("timepoint"), 1, file=file, high=1)[order] == 1
    frame = pd.DataFrame(
        {
            "trip": trip_of,
            "stop": stop_of,
            "sequence": sequence[order].astype(np.int32),
            "arrival_s": arrival_s,
            "departure_s": departure_s,
            **flags,
            "timepoint": exact & ~filled,
            "filled": filled,
        }
    )
    _tell_hail_and_ride(raw, trips, np.where(booked, -1, trip), notes)
    return frame if keep.all() else frame[keep].reset_index(drop=True)


def _after_midnight(
    trip: Int32, arrival: NDArray[np.float64], departure: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the seconds to add to each call: a day where a trip's hours begin again.

    So they do where they fall by more than half a day from one call to the next.
    """
    known = np.flatnonzero(~np.isnan(arrival) | ~np.isnan(departure))
    clock = np.fmax(arrival, departure)[known]
    falls = (np.diff(trip[known]) == 0) & (np.diff(clock) < -DAY_S / 2)
    days = np.zeros(trip.size)
    if falls.any():
        fallen = np.append(0, np.cumsum(falls))
        new = np.append(True, np.diff(trip[known]) != 0)
        first = np.maximum.accumulate(np.where(new, np.arange(known.size), 0))
        days[known] = (fallen - fallen[first]) * DAY_S
    return days


def booked_calls(raw: RawTables) -> Bool:
    """Return bool[rows]: calls in zones, at groups of stops, or at a stop in a time window."""
    found = np.zeros(len(raw.tables["stop_times"]), np.bool_)
    for name in ("location_id", "location_group_id", "start_pickup_drop_off_window"):
        found |= raw.column("stop_times", name).notna().to_numpy()
    return found


def _of_calls(
    trips: NDArray[np.bool_], trip: NDArray[np.int32], linked: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return what holds for the trip of each call; of a call without a trip nothing does."""
    found = np.zeros(len(trip), bool)
    found[linked] = trips[trip[linked]]
    return found


def _distances(
    raw: RawTables,
    stops: pd.DataFrame,
    trips: pd.DataFrame,
    calls: tuple[Int32, Int32],
    along: NDArray[np.float64],
    notes: Notes,
) -> Iterator[NDArray[np.float64]]:
    """Yield distances along the trips: the feed's own, on its shapes, by straight lines."""
    yield along
    trip, stop = calls
    lonlat = stops[["lon", "lat"]].to_numpy(np.float64)
    if trips["shape_id"].notna().any():
        shapes = read_extra(raw.path, ["shapes"])[0]["shapes"]
        if len(shapes):
            file = raw.file("shapes")
            ridden = shapes["shape_id"].isin(trips["shape_id"].dropna())
            left = {"named by no trip": (~ridden).sum()}
            notes.rows.append(SourceLedger.balanced(file, ridden.sum(), left))
            yield along_shapes(trip, stop, lonlat, trips["shape_id"], shapes, file=file)
    yield straight_m(trip, stop, lonlat)


def _unsound(
    trip: Int32, arrival_s: Int32, departure_s: Int32, trips: pd.DataFrame, notes: Notes
) -> tuple[Bool, Bool]:
    """Return which trips, and none more at the end, lack end times, and which go back in time."""
    untimed, back = np.zeros((2, len(trips) + 1), np.bool_)
    untimed[trip[arrival_s == MISSING_TIME]] = True
    back[trip[departure_s < arrival_s]] = True
    later = (trip[1:] == trip[:-1]) & (arrival_s[1:] < departure_s[:-1])
    back[trip[1:][later]] = True
    back &= ~untimed
    message = "{count} trips have no time at their first or last stop"
    notes.tell("warning", "trips_untimed", message, "stop_times", untimed[:-1], trips["trip_id"])
    message = "{count} trips go back in time and are left out"
    notes.tell("warning", "trips_back_in_time", message, "stop_times", back[:-1], trips["trip_id"])
    return untimed, back


def _tell_filled(filled: Bool, calls: int, notes: Notes) -> None:
    """Say how many times are this reading's own."""
    message = (
        "{count} of {all} stop times are not in the timetable ({share} %); they are filled in by "
        "distance between the times given and are approximate"
    )
    share = f"{100 * filled.sum() / max(calls, 1):.1f}"
    severity: Severity = "warning" if filled.sum() > _FEW_FILLED * calls else "info"
    notes.tell(severity, "times_filled", message, "stop_times", filled, all=calls, share=share)


def _tell_hail_and_ride(raw: RawTables, trips: pd.DataFrame, trip: Int32, notes: Notes) -> None:
    """Say which trips may be boarded or left between their stops, which is not used.

    What a route says holds for the calls that say nothing.
    """
    hailed, of = np.zeros(len(trips) + 1, np.bool_), np.maximum(trip, -1)
    for name in ("continuous_pickup", "continuous_drop_off"):
        by_route, by_call = (raw.column(table, name) for table in ("routes", "stop_times"))
        if by_call.notna().any():
            values = integers(by_call, 1, file=raw.file("stop_times"), high=3)
            hailed[of[np.isin(values, _CONTINUOUS) & by_call.notna().to_numpy()]] = True
        if by_route.notna().any():
            values = integers(by_route, 1, file=raw.file("routes"), high=3)
            routes = raw.column("routes", "route_id")[np.isin(values, _CONTINUOUS)]
            silent = np.zeros(len(trips), np.bool_)
            silent[of[by_call.isna().to_numpy() & (of >= 0)]] = True
            hailed[:-1] |= silent & trips["route_id"].isin(routes).to_numpy()
    message = (
        "{count} trips may be hailed between their stops (continuous_pickup, "
        "continuous_drop_off); only their stops are used"
    )
    notes.tell("info", "hail_and_ride", message, "trips", hailed[:-1], trips["trip_id"])


__all__ = ["booked_calls", "read_stop_times"]
