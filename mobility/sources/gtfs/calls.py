"""Stop times of a feed, its largest table, checked, sorted and completed, and its headways.

GTFS asks for times at the first and last stop of a trip only; between timed calls a vehicle is
taken to run at one speed (https://gtfs.org/documentation/schedule/reference/#stop_timestxt).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float, Int32
from mobility.base.clock import DAY_S
from mobility.base.errors import Severity
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.columns import MISSING_TIME, index_of, integers, numbers, seconds
from mobility.sources.gtfs.feed import EARTH_M
from mobility.sources.gtfs.files import RawTables, read_extra

#: ``continuous_pickup`` and ``continuous_drop_off``: all along, by phone, by asking the driver.
_CONTINUOUS = (0, 2, 3)

#: Why a call is in no timetable: it belongs to a service on demand, see `read_flex`.
_BOOKED = "a call on demand"

#: Share of times that a feed may leave out without a warning.
_FEW_FILLED = 0.01


def read_stop_times(raw: RawTables, stops: pd.DataFrame, trips: pd.DataFrame) -> pd.DataFrame:
    """Return stop_times.txt linked by index, sorted, its missing times filled in."""
    file, count = raw.file("stop_times"), len(raw.tables["stop_times"])
    column = partial(raw.column, "stop_times")
    trip = index_of(column("trip_id"), trips["trip_id"])
    stop = index_of(column("stop_id"), stops["stop_id"])
    booked = booked_calls(raw)
    raw.unknown(trip, "stop_times", "trip_id", column("trip_id"), required=True)
    raw.unknown(np.where(booked, 0, stop), "stop_times", "stop_id", column("stop_id"))
    nowhere = (stop == -1) & (trip >= 0) & ~booked
    message = "{count} stop times name no stop and no zone, and are left out"
    raw.tell("warning", "stop_times_nowhere", message, "stop_times", nowhere)
    rows = np.flatnonzero((trip >= 0) & (stop >= 0) & ~booked)
    sequence = integers(column("stop_sequence"), -1, file=file)
    key = trip.astype(np.int64) << 32 | np.maximum(sequence, 0)
    # Most feeds are in order and whole: their largest table is not copied.
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
    raw.tell("warning", "times_over_midnight", message, "stop_times", wrapped, trips["trip_id"])
    arrival, departure = arrival + over, departure + over
    along = numbers(column("shape_dist_traveled"), file=file)[order]
    distances = _distances(raw, stops, trips, (trip_of, stop_of), along)
    arrival_s, departure_s, filled = _interpolated(trip_of, arrival, departure, distances)
    untimed, back = _unsound(trip_of, arrival_s, departure_s, trips, raw)
    keep = ~(untimed | back)[trip_of]
    _tell_filled(filled & keep, int(keep.sum()), raw)
    linked = (trip >= 0) & (stop >= 0) & ~booked
    raw.count(
        "stop_times",
        {
            "an unknown trip_id": trip < 0,
            _BOOKED: booked,
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
    _tell_hail_and_ride(raw, trips, np.where(booked, -1, trip))
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
            raw.accounts.append(SourceLedger.balanced(file, ridden.sum(), left))
            yield _along_shapes(trip, stop, lonlat, trips["shape_id"], shapes, file=file)
    yield _straight_m(trip, stop, lonlat)


def _unsound(
    trip: Int32, arrival_s: Int32, departure_s: Int32, trips: pd.DataFrame, raw: RawTables
) -> tuple[Bool, Bool]:
    """Return which trips, and none more at the end, lack end times, and which go back in time."""
    untimed, back = np.zeros((2, len(trips) + 1), np.bool_)
    untimed[trip[arrival_s == MISSING_TIME]] = True
    back[trip[departure_s < arrival_s]] = True
    later = (trip[1:] == trip[:-1]) & (arrival_s[1:] < departure_s[:-1])
    back[trip[1:][later]] = True
    back &= ~untimed
    message = "{count} trips have no time at their first or last stop"
    raw.tell("warning", "trips_untimed", message, "stop_times", untimed[:-1], trips["trip_id"])
    message = "{count} trips go back in time and are left out"
    raw.tell("warning", "trips_back_in_time", message, "stop_times", back[:-1], trips["trip_id"])
    return untimed, back


def _tell_filled(filled: Bool, calls: int, raw: RawTables) -> None:
    """Say how many times are this reading's own."""
    message = (
        "{count} of {all} stop times are not in the timetable ({share} %); they are filled in by "
        "distance between the times given and are approximate"
    )
    share = float(100 * filled.sum() / max(calls, 1))
    severity: Severity = "warning" if filled.sum() > _FEW_FILLED * calls else "info"
    raw.tell(severity, "times_filled", message, "stop_times", filled, all=calls, share=share)


def _tell_hail_and_ride(raw: RawTables, trips: pd.DataFrame, trip: Int32) -> None:
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
    raw.tell("info", "hail_and_ride", message, "trips", hailed[:-1], trips["trip_id"])


def _interpolated(
    trip: NDArray[np.int32], arrival: Float, departure: Float, distances: Iterator[Float]
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
    # Many feeds give one of the two times at the ends of a trip.
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


def _straight_m(trip: NDArray[np.int32], stop: NDArray[np.int32], lonlat: Float) -> Float:
    """Return metres along each trip by straight lines between its stops, NaN at unknown ones."""
    xy = _local(lonlat, lonlat)[stop]
    legs = np.append(0.0, np.hypot(*np.diff(xy, axis=0).T))
    legs[np.append(True, trip[1:] != trip[:-1]) | np.isnan(legs)] = 0.0
    return np.where(np.isnan(xy[:, 0]), np.nan, np.cumsum(legs))


def _along_shapes(
    trip: NDArray[np.int32],
    stop: NDArray[np.int32],
    lonlat: Float,
    shape_of_trip: pd.Series,
    shapes: pd.DataFrame,
    *,
    file: str,
) -> Float:
    """Return how far each call lies along the shape of its trip, metres, NaN where unknown.

    ``shape_of_trip`` is missing where a trip has none; ``shapes`` are rows of shapes.txt as text.
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


def read_frequencies(raw: RawTables, trips: pd.DataFrame, stop_times: pd.DataFrame) -> pd.DataFrame:
    """Return frequencies.txt linked by index.

    A period that ends before it starts passes midnight; one that is incomplete, ends when it
    starts or stands there already is empty, so that its trip does not run at the times of its
    pattern.
    """
    file, table = raw.file("frequencies"), "frequencies"
    column = partial(raw.column, table)
    trip = index_of(column("trip_id"), trips["trip_id"])
    raw.unknown(trip, table, "trip_id", column("trip_id"), required=True)
    start, end = (seconds(column(f"{k}_time"), file=file) for k in ("start", "end"))
    headway = integers(column("headway_secs"), -1, file=file, low=1, high=86_400)
    exact = integers(column("exact_times"), 0, file=file, high=1)
    late = (end < start) & (end + DAY_S > start)
    message = (
        "{count} periods of frequencies.txt end before they start; they are taken to end on the "
        "next day (05:00:00 as 29:00:00)"
    )
    raw.tell("warning", "frequencies_over_midnight", message, table, late, column("trip_id"))
    end = np.where(late, end + DAY_S, end)
    incomplete = (headway < 0) | np.isnan(start) | np.isnan(end)
    void = ~incomplete & (end <= start)
    message = "{count} periods of frequencies.txt have no end after their start, and no departure"
    raw.tell("warning", "frequencies_void", message, table, void, column("trip_id"))
    message = "{count} rows of {file} are incomplete and left out"
    raw.tell("warning", "rows_incomplete", message, table, incomplete, file=f"{table}.txt")
    periods = pd.DataFrame({"trip": trip, "start": start, "end": end, "s": headway, "exact": exact})
    reasons = {
        "an unknown trip_id": trip < 0,
        "incomplete": incomplete,
        "no departure": void,
        "a trip without stop times": ~np.isin(trip, stop_times["trip"]),
        "written twice": periods.duplicated().to_numpy(),
    }
    used = raw.count(table, reasons)
    raw.tell(
        "warning",
        "frequencies_overlap",
        "{count} periods of frequencies.txt begin before an earlier one of their trip ends: a "
        "departure that both give runs once, all others run; let each begin where the one before "
        "it ends",
        table,
        _begun_early(periods, used),
        column("trip_id"),
    )
    frame = pd.DataFrame(
        {
            "trip": trip,
            "start_s": np.where(used, start, 0).astype(np.int32),
            "end_s": np.where(used, end, 0).astype(np.int32),
            "headway_s": np.where(used, headway, 1).astype(np.int32),
            "exact": exact == 1,
        }
    )
    return frame[trip >= 0].reset_index(drop=True)


def _begun_early(periods: pd.DataFrame, used: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of some periods used begin before an earlier one of the same trip ends."""
    early = np.zeros(len(periods), np.bool_)
    rows = periods[used].sort_values(["trip", "start", "end"], kind="stable")
    last = rows.groupby("trip")["end"].cummax().shift()
    again = rows["trip"].eq(rows["trip"].shift())
    early[rows.index] = (again & (rows["start"] < last)).to_numpy()
    return early
