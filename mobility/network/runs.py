"""From trips to runs: service days, clocks, frequencies, vehicles that keep their riders."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.clock import axis_origin_utc
from mobility.errors import Finding, SourceError
from mobility.inputs.gtfs import Feed
from mobility.network.timetable import Bool, Int32, Int64, RunArrays

MAX_JOURNEYS = 1_000_000
SERVICE_DAYS = (-1, 0, 1)
REGULAR, NONE = 0, 1
IN_SEAT, RE_BOARD = 4, 5


class Journeys(NamedTuple):
    """Trips of one service day, those of frequencies repeated.

    ``trip`` int64[J]; ``shift_s`` int64[J], added to the trip's times to get axis seconds;
    ``joinable`` bool[J], whether riders may stay on for the vehicle's next trip.
    """

    trip: Int64
    shift_s: Int64
    joinable: Bool


class Ends(NamedTuple):
    """First and last call of each journey: stops, first departure, last arrival (axis)."""

    first_stop: Int32
    last_stop: Int32
    departure_s: Int64
    arrival_s: Int64


def feed_runs(
    feed: Feed,
    date: dt.date,
    zone: ZoneInfo,
    *,
    on_demand: bool,
    max_layover_s: int,
    findings: list[Finding],
) -> RunArrays:
    """Return the runs of service days d-1, d and d+1 on the axis of ``date``, unsorted."""
    parts = []
    for offset in SERVICE_DAYS:
        day = date + dt.timedelta(days=offset)
        # What is worth saying is said once, for the study date.
        told = findings if offset == 0 else []
        journeys = _journeys(feed, day, date, zone, told)
        after = _successors(feed, journeys, max_layover_s, told)
        parts.append(_flat_runs(feed, journeys, after, offset, on_demand=on_demand))
        _tell_on_demand(feed, journeys, told, on_demand=on_demand)
    return _concatenated(parts)


def _journeys(
    feed: Feed, day: dt.date, date: dt.date, zone: ZoneInfo, findings: list[Finding]
) -> Journeys:
    """Return the journeys of service day ``day``, frequencies expanded."""
    trips = feed.trips_on(day)
    zones = feed.routes["timezone"].to_numpy()[feed.trips["route"].to_numpy()[trips]]
    codes, names = pd.factorize(zones)
    origin = axis_origin_utc(date, zone)
    shifts = np.array([axis_origin_utc(day, ZoneInfo(n)) - origin for n in names], np.int64)
    shift_s = shifts[codes] if len(trips) else np.zeros(0, np.int64)
    plain = Journeys(trips, shift_s, np.ones(trips.size, np.bool_))
    if feed.frequencies.empty:
        return plain
    return _repeated(feed, plain, findings)


def _repeated(feed: Feed, plain: Journeys, findings: list[Finding]) -> Journeys:
    """Replace each trip of frequencies.txt by its departures.

    A trip leaves its first stop at ``start_time``, then every ``headway_secs``, before
    ``end_time``. With ``exact_times`` 0 the operator promises the headway only; the same
    departures stand for it, because a journey planned on them waits as long as a rider
    does on average over many days, and any other choice would either invent a timetable
    (a random phase) or charge each ride a full headway. A finding says that these times
    are approximate.
    """
    table = feed.frequencies
    place = np.full(len(feed.trips), -1, np.int64)
    place[plain.trip] = np.arange(plain.trip.size)
    rows = np.flatnonzero(place[table["trip"].to_numpy()] >= 0)
    template = table["trip"].to_numpy()[rows].astype(np.int64)
    start, end, headway = (
        table[c].to_numpy()[rows].astype(np.int64) for c in ("start_s", "end_s", "headway_s")
    )
    count = np.maximum(-((start - end) // headway), 0)
    if count.sum() > MAX_JOURNEYS:
        raise SourceError(
            "Its headways make {count} runs a day.",
            file="frequencies.txt",
            column="headway_secs",
            mend="Headways are in seconds: check the shortest ones.",
            count=int(count.sum()),
        )
    first_s = feed.stop_times["departure_s"].to_numpy()[feed.trip_ptr[template]]
    base = plain.shift_s[place[template]] + start - first_s
    turn = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    shift_s = np.repeat(base, count) + turn * np.repeat(headway, count)
    loose = np.unique(template[~table["exact"].to_numpy()[rows]])
    if loose.size:
        findings.append(
            Finding(
                "warning",
                "frequency_approximate",
                "{count} trips run at a headway without exact times; the departures shown "
                "are counted from the start of each period",
                source="frequencies.txt",
                count=int(loose.size),
                examples=_trip_names(feed, loose),
            )
        )
    kept = ~np.isin(plain.trip, template)
    return Journeys(
        np.concatenate([plain.trip[kept], np.repeat(template, count)]),
        np.concatenate([plain.shift_s[kept], shift_s]),
        np.concatenate([plain.joinable[kept], np.zeros(shift_s.size, np.bool_)]),
    )


def _trip_names(feed: Feed, trips: Int64) -> tuple[str, ...]:
    return tuple(str(t) for t in feed.trips["trip_id"].to_numpy()[trips[:5]])


def _ends(feed: Feed, journeys: Journeys) -> Ends:
    first = feed.trip_ptr[journeys.trip]
    last = feed.trip_ptr[journeys.trip + 1] - 1
    calls = feed.stop_times
    stop = calls["stop"].to_numpy()
    return Ends(
        stop[first],
        stop[last],
        calls["departure_s"].to_numpy()[first] + journeys.shift_s,
        calls["arrival_s"].to_numpy()[last] + journeys.shift_s,
    )


def _successors(
    feed: Feed, journeys: Journeys, max_layover_s: int, findings: list[Finding]
) -> Int64:
    """Return, for each journey, the one its riders may stay on for; -1 for none.

    In-seat transfers (``transfers.txt`` type 4) come first. Else the next trip of the same
    block follows when it starts where the other ends (same stop or station), not before,
    nor later than ``max_layover_s``; type 5 forbids it.
    """
    after = np.full(journeys.trip.size, -1, np.int64)
    linked = feed.transfers[feed.transfers["kind"].isin((IN_SEAT, RE_BOARD))]
    blocks = pd.factorize(feed.trips["block_id"])[0][journeys.trip]
    inside = np.flatnonzero((blocks >= 0) & journeys.joinable)
    if not inside.size and linked.empty:
        return after
    ends = _ends(feed, journeys)
    has_before = np.zeros(journeys.trip.size, np.bool_)
    _join_linked(feed, journeys, ends, linked, after, has_before, findings)
    order = inside[np.lexsort((ends.arrival_s[inside], ends.departure_s[inside], blocks[inside]))]
    one, two = order[:-1], order[1:]
    station = _stations(feed)
    layover = ends.departure_s[two] - ends.arrival_s[one]
    fits = (
        (blocks[one] == blocks[two])
        & (station[ends.last_stop[one]] == station[ends.first_stop[two]])
        & (layover >= 0)
        & (layover <= max_layover_s)
        & (after[one] < 0)
        & ~has_before[two]
    )
    barred = linked[linked["kind"] == RE_BOARD]
    if len(barred):
        count = len(feed.trips)
        pairs = journeys.trip[one] * count + journeys.trip[two]
        fits &= ~np.isin(pairs, barred["from_trip"] * count + barred["to_trip"])
    after[one[fits]] = two[fits]
    return after


def _stations(feed: Feed) -> Int64:
    """Return the station of each stop: its parent, or itself."""
    parent = feed.stops["parent"].to_numpy()
    return np.where(parent >= 0, parent, np.arange(parent.size)).astype(np.int64)


def _join_linked(
    feed: Feed,
    journeys: Journeys,
    ends: Ends,
    linked: pd.DataFrame,
    after: Int64,
    has_before: Bool,
    findings: list[Finding],
) -> None:
    """Apply in-seat transfers between two trips of the day, in place, first come first served."""
    place = np.full(len(feed.trips), -1, np.int64)
    place[journeys.trip[journeys.joinable]] = np.flatnonzero(journeys.joinable)
    lost = []
    for one_trip, two_trip in linked.loc[
        linked["kind"] == IN_SEAT, ["from_trip", "to_trip"]
    ].itertuples(index=False):
        if one_trip < 0 or two_trip < 0:
            lost.append(max(one_trip, two_trip))
            continue
        one, two = place[one_trip], place[two_trip]
        if one < 0 or two < 0:
            continue
        in_time = ends.departure_s[two] >= ends.arrival_s[one]
        if not in_time or one == two or after[one] >= 0 or has_before[two]:
            lost.append(one_trip)
            continue
        after[one] = two
        has_before[two] = True
    if lost:
        findings.append(
            Finding(
                "warning",
                "in_seat_unapplied",
                "{count} in-seat transfers cannot be applied: the second trip leaves before "
                "the first arrives, or a vehicle splits or joins",
                source="transfers.txt",
                count=len(lost),
                examples=_trip_names(feed, np.array([t for t in lost if t >= 0], np.int64)),
            )
        )


def _chains(after: Int64) -> tuple[Int64, Int64]:
    """Return journeys in the order of their runs, and the number of journeys of each run."""
    count = after.size
    if not (after >= 0).any():
        return np.arange(count, dtype=np.int64), np.ones(count, np.int64)
    has_before = np.zeros(count, np.bool_)
    has_before[after[after >= 0]] = True
    order: list[int] = []
    sizes: list[int] = []
    follow = after.tolist()
    for head in np.flatnonzero(~has_before).tolist():
        journey, size = head, 0
        while journey >= 0:
            order.append(journey)
            size += 1
            journey = follow[journey]
        sizes.append(size)
    return np.array(order, np.int64), np.array(sizes, np.int64)


def _flat_runs(
    feed: Feed, journeys: Journeys, after: Int64, offset: int, *, on_demand: bool
) -> RunArrays:
    """Return the runs of one service day."""
    order, members = _chains(after)
    trip, shift = journeys.trip[order], journeys.shift_s[order]
    sizes = feed.trip_ptr[trip + 1] - feed.trip_ptr[trip]
    ptr = np.append(0, np.cumsum(sizes))
    take = np.arange(ptr[-1]) + np.repeat(feed.trip_ptr[trip] - ptr[:-1], sizes)
    calls = feed.stop_times
    shifts = np.repeat(shift, sizes)
    arrival = (calls["arrival_s"].to_numpy()[take] + shifts).astype(np.int32)
    departure = (calls["departure_s"].to_numpy()[take] + shifts).astype(np.int32)
    pickup, dropoff = (calls[c].to_numpy()[take] for c in ("pickup", "dropoff"))
    board = pickup != NONE if on_demand else pickup == REGULAR
    alight = dropoff != NONE if on_demand else dropoff == REGULAR
    run_end = np.cumsum(members)
    inner = np.setdiff1d(np.arange(1, trip.size), run_end)
    # Where two trips are joined riders leave at the last call of one and board at the
    # first of the other; those who stay see neither.
    last, first = ptr[inner] - 1, ptr[inner]
    board[last] = False
    alight[first] = False
    departure[last] = arrival[last]
    arrival[first] = np.maximum(arrival[first], arrival[last])
    return RunArrays(
        run_ptr=ptr[np.append(0, run_end)].astype(np.int64),
        call_stop=calls["stop"].to_numpy()[take],
        call_arr=arrival,
        call_dep=departure,
        call_board=board,
        call_alight=alight,
        call_trip=np.repeat(trip, sizes).astype(np.int32),
        run_day=np.full(members.size, offset, np.int8),
    )


def _tell_on_demand(
    feed: Feed, journeys: Journeys, findings: list[Finding], *, on_demand: bool
) -> None:
    calls = feed.stop_times
    asked = (calls["pickup"].to_numpy() > NONE) | (calls["dropoff"].to_numpy() > NONE)
    if not asked.any():
        return
    running = np.zeros(len(feed.trips), np.bool_)
    running[journeys.trip] = True
    trips = np.unique(calls["trip"].to_numpy()[asked])
    trips = trips[running[trips]].astype(np.int64)
    if not trips.size:
        return
    message = (
        "{count} trips have stops served on request only (call the operator or ask the driver)"
        if on_demand
        else "{count} trips have stops served on request only; these stops are left out"
    )
    findings.append(
        Finding(
            "warning",
            "on_demand",
            message,
            source="stop_times.txt",
            count=int(trips.size),
            examples=_trip_names(feed, trips),
        )
    )


def _concatenated(parts: list[RunArrays]) -> RunArrays:
    ptr, size = [np.zeros(1, np.int64)], 0
    for part in parts:
        ptr.append(part.run_ptr[1:] + size)
        size += part.call_stop.size
    flat = [np.concatenate(arrays) for arrays in zip(*(p[1:] for p in parts), strict=True)]
    return RunArrays(np.concatenate(ptr), *flat)


__all__ = ["feed_runs"]
