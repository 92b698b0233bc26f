"""From trips to runs: service days, clocks, frequencies, vehicles that keep their riders."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float, Int8, Int32, Int64
from mobility.base.clock import axis_origin_utc
from mobility.base.errors import Finding, SourceError
from mobility.sources.gtfs.read import Feed
from mobility.timetable.arrays import RunArrays, Timetable

# More than any network runs on a day: headways in minutes were read as seconds.
_MAX_JOURNEYS = 1_000_000
#: Step of the moments at which riders may come to a stop served at a headway.
_MOMENT_S = 60
#: Such moments a day of all trips at most; beyond it their step grows.
_MAX_MOMENTS = 100_000
#: Runs made at most of one vehicle that splits and joins.
_MAX_WAYS = 64
# A trip of the day before may run past midnight, and a night shift ends on the day after.
_SERVICE_DAYS = (-1, 0, 1)
# A value of pickup_type and drop_off_type, then some of transfer_type, in the reference of GTFS.
NONE = 1
IN_SEAT, RE_BOARD = 4, 5
# Longest stay aboard between two trips of a block.
_MAX_LAYOVER_S = 1800


class Journeys(NamedTuple):
    """Trips of some service days, those of frequencies repeated.

    ``trip`` int64[J]; ``shift_s`` int64[J], added to the trip's times to get axis seconds;
    ``late_s`` int64[J], what may be waited at the stop beyond these times; ``joinable``
    bool[J], whether riders may stay on for the vehicle's next trip; ``day`` int8[J], the
    service day relative to the study date.
    """

    trip: Int64
    shift_s: Int64
    late_s: Int64
    joinable: Bool
    day: Int8


class Ends(NamedTuple):
    """First and last call of each journey: stops, first departure, last arrival (axis)."""

    first_stop: Int32
    last_stop: Int32
    departure_s: Int64
    arrival_s: Int64


def feed_runs(feed: Feed, date: dt.date, zone: ZoneInfo, findings: list[Finding]) -> RunArrays:
    """Return the runs of service days d-1, d and d+1 on the axis of ``date``, unsorted."""
    parts = []
    for offset in _SERVICE_DAYS:
        day = date + dt.timedelta(days=offset)
        # What is worth saying is said once, for the study date.
        told = findings if offset == 0 else []
        journeys = _journeys(feed, day, date, zone, told)
        parts.append(journeys._replace(day=np.full(journeys.trip.size, offset, np.int8)))
        _tell_on_demand(feed, journeys, told)
    journeys = Journeys(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    links = _links(feed, journeys, findings)
    order, members = _chains(journeys.trip.size, links, findings)
    return _flat_runs(feed, journeys, order, members)


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
    plain = Journeys(
        trips,
        shift_s,
        np.zeros(trips.size, np.int64),
        np.ones(trips.size, np.bool_),
        np.zeros(trips.size, np.int8),
    )
    if feed.frequencies.empty:
        return plain
    return _repeated(feed, plain, findings)


def _repeated(feed: Feed, plain: Journeys, findings: list[Finding]) -> Journeys:
    """Replace each trip of frequencies.txt by its departures.

    A trip leaves its first stop at ``start_time``, then every ``headway_secs``, before
    ``end_time``. With ``exact_times`` 0 the operator promises the headway only. Who must be
    at work in time has to reckon with a full headway of waiting, at whatever moment; so a
    run stands for each minute in which a rider may come to the stop, and brings them where
    they go a headway later than a vehicle that left at once. A finding says so.
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
    if count.sum() > _MAX_JOURNEYS:
        raise SourceError(
            "Its headways make {count} runs a day.",
            file="frequencies.txt",
            column="headway_secs",
            mend="Headways are in seconds: check the shortest ones.",
            count=int(count.sum()),
        )
    first_s = feed.stop_times["departure_s"].to_numpy()[feed.trip_ptr[template]]
    base = plain.shift_s[place[template]] + start - first_s
    inexact = ~table["exact"].to_numpy()[rows] & (count > 0)
    step, late = headway.copy(), np.where(inexact, headway, 0)
    # The last moment from which a vehicle is sure to come is a headway before the end.
    sure = np.maximum(end - start - headway, 0)[inexact]
    step[inexact] = np.minimum(headway[inexact], max(_MOMENT_S, -(-sure.sum() // _MAX_MOMENTS)))
    count[inexact] = sure // step[inexact] + 1
    turn = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    shift_s = np.repeat(base, count) + turn * np.repeat(step, count)
    loose = np.unique(template[inexact])
    if loose.size:
        findings.append(
            Finding(
                "warning",
                "frequency_approximate",
                "{count} trips run at a headway without exact times: their riders are taken to "
                "wait a full headway at the stop",
                source="frequencies.txt",
                count=int(loose.size),
                examples=_trip_names(feed, loose),
            )
        )
    runs = np.column_stack([np.repeat(template, count), shift_s, np.repeat(late, count)])
    # What two periods of a trip both give is one vehicle.
    runs = runs[np.sort(np.unique(runs, axis=0, return_index=True)[1])]
    kept = ~np.isin(plain.trip, template)
    return Journeys(
        np.concatenate([plain.trip[kept], runs[:, 0]]),
        np.concatenate([plain.shift_s[kept], runs[:, 1]]),
        np.concatenate([plain.late_s[kept], runs[:, 2]]),
        np.concatenate([plain.joinable[kept], np.zeros(len(runs), np.bool_)]),
        np.zeros(int(kept.sum()) + len(runs), np.int8),
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


def _links(feed: Feed, journeys: Journeys, findings: list[Finding]) -> list[tuple[int, int]]:
    """Return the pairs of journeys between which riders stay aboard.

    In-seat transfers (``transfers.txt`` type 4) come first; a vehicle may split or join. Else
    the next trip of the same block follows, on the same service day or, through midnight, on
    the next one, when it starts where the other ends (same stop or station), not before, nor
    later than `_MAX_LAYOVER_S`; type 5 forbids it.
    """
    linked = feed.transfers[feed.transfers["kind"].isin((IN_SEAT, RE_BOARD))]
    blocks = pd.factorize(feed.trips["block_id"])[0][journeys.trip]
    inside = np.flatnonzero((blocks >= 0) & journeys.joinable)
    if not inside.size and linked.empty:
        return []
    ends = _ends(feed, journeys)
    links = _in_seat(feed, journeys, ends, linked, findings)
    has_after, has_before = np.zeros((2, journeys.trip.size), np.bool_)
    for one, two in links:
        has_after[one] = has_before[two] = True
    station = _stations(feed)
    barred = linked[linked["kind"] == RE_BOARD]
    pairs_barred = (barred["from_trip"] * len(feed.trips) + barred["to_trip"]).to_numpy()
    day = journeys.day

    def follow(one: Int64, two: Int64) -> None:
        layover = ends.departure_s[two] - ends.arrival_s[one]
        fits = (
            (blocks[one] == blocks[two])
            & (station[ends.last_stop[one]] == station[ends.first_stop[two]])
            & (layover >= 0)
            & (layover <= _MAX_LAYOVER_S)
            & ~has_after[one]
            & ~has_before[two]
            & ~np.isin(journeys.trip[one] * len(feed.trips) + journeys.trip[two], pairs_barred)
        )
        has_after[one[fits]] = has_before[two[fits]] = True
        links.extend(zip(one[fits].tolist(), two[fits].tolist(), strict=True))

    by = (ends.arrival_s[inside], ends.departure_s[inside], day[inside], blocks[inside])
    order = inside[np.lexsort(by)]
    first, second = order[:-1], order[1:]
    same = day[first] == day[second]
    follow(first[same], second[same])
    # The last journey of a block's day and the first of its next day stand side by side.
    next_day = day[second] == day[first] + 1
    follow(first[next_day], second[next_day])
    return links


def _stations(feed: Feed) -> Int64:
    """Return the station of each stop: its parent, or itself, whatever its copy."""
    parent = feed.stops["parent"].to_numpy()
    return np.where(parent >= 0, parent, feed.own_stop).astype(np.int64)


def _in_seat(
    feed: Feed, journeys: Journeys, ends: Ends, linked: pd.DataFrame, findings: list[Finding]
) -> list[tuple[int, int]]:
    """Return the in-seat transfers that can be, to a trip of the same or of the next day."""
    place = np.full((len(_SERVICE_DAYS) + 1, len(feed.trips)), -1, np.int64)
    able = np.flatnonzero(journeys.joinable)
    place[journeys.day[able] - _SERVICE_DAYS[0], journeys.trip[able]] = able
    links: list[tuple[int, int]] = []
    lost: list[int] = []
    rows = linked.loc[linked["kind"] == IN_SEAT, ["from_trip", "to_trip"]].drop_duplicates()
    for one_trip, two_trip in rows.itertuples(index=False):
        if one_trip < 0 or two_trip < 0:
            lost.append(max(one_trip, two_trip))
            continue
        before, late = len(links), False
        for k, offset in enumerate(_SERVICE_DAYS):
            one, today, tomorrow = place[k, one_trip], place[k, two_trip], place[k + 1, two_trip]
            if one < 0 or max(today, tomorrow) < 0 or one == today:
                continue
            # How long after the first trip's end the second leaves, on either service day.
            soon, later = (ends.departure_s[[today, tomorrow]] - ends.arrival_s[one]).tolist()
            if today >= 0 and soon >= 0:
                links.append((int(one), int(today)))
            elif tomorrow >= 0 and 0 <= later <= _MAX_LAYOVER_S:
                links.append((int(one), int(tomorrow)))
            late |= offset == 0 and today >= 0
        if late and len(links) == before:
            lost.append(one_trip)
    if lost:
        findings.append(
            Finding(
                "warning",
                "in_seat_unapplied",
                "{count} in-seat transfers cannot be applied: the second trip leaves before "
                "the first arrives, or a trip is missing",
                source="transfers.txt",
                count=len(lost),
                examples=_trip_names(feed, np.array([t for t in lost if t >= 0], np.int64)),
            )
        )
    return links


def _chains(
    count: int, links: list[tuple[int, int]], findings: list[Finding]
) -> tuple[Int64, Int64]:
    """Return journeys in the order of their runs, and the number of journeys of each run.

    Where vehicles split or join there is one run for each way through: riders find each of
    them, and what they share stands in all.
    """
    if not links:
        return np.arange(count, dtype=np.int64), np.ones(count, np.int64)
    after: dict[int, list[int]] = {}
    has_before = np.zeros(count, np.bool_)
    for one, two in links:
        after.setdefault(one, []).append(two)
        has_before[two] = True
    order: list[int] = []
    sizes: list[int] = []
    found = np.zeros(count, np.bool_)
    cut = 0
    for head in np.flatnonzero(~has_before).tolist():
        ways, done = [[head]], 0
        while ways and done < _MAX_WAYS:
            way = ways.pop()
            while following := [j for j in after.get(way[-1], ()) if j not in way]:
                ways += [[*way, other] for other in following[:0:-1]]
                way.append(following[0])
            order += way
            sizes.append(len(way))
            done += 1
        cut += bool(ways)
    found[order] = True
    # Trips of no duration may follow each other round; each of them is a run of its own.
    order += np.flatnonzero(~found).tolist()
    sizes += [1] * (len(order) - sum(sizes))
    if cut:
        findings.append(
            Finding(
                "warning",
                "in_seat_many",
                "{count} vehicles split and join in more than {most} ways; the others are left out",
                source="transfers.txt",
                count=cut,
                params={"most": _MAX_WAYS},
            )
        )
    return np.array(order, np.int64), np.array(sizes, np.int64)


def _flat_runs(feed: Feed, journeys: Journeys, order: Int64, members: Int64) -> RunArrays:
    """Return the runs made of ``members`` journeys each, one after the other in ``order``."""
    trip, shift = journeys.trip[order], journeys.shift_s[order]
    sizes = feed.trip_ptr[trip + 1] - feed.trip_ptr[trip]
    ptr = np.append(0, np.cumsum(sizes))
    take = np.arange(ptr[-1]) + np.repeat(feed.trip_ptr[trip] - ptr[:-1], sizes)
    calls = feed.stop_times
    later = (shift + journeys.late_s[order]).astype(np.int32)
    arrival = calls["arrival_s"].to_numpy()[take] + np.repeat(later, sizes)
    departure = calls["departure_s"].to_numpy()[take] + np.repeat(shift.astype(np.int32), sizes)
    board, alight = (calls[c].to_numpy()[take] != NONE for c in ("pickup", "dropoff"))
    run_end = np.cumsum(members)
    follows = np.ones(trip.size + 1, np.bool_)
    follows[0] = follows[run_end] = False
    inner = np.flatnonzero(follows)
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
        run_day=journeys.day[order[run_end - members]],
    )


def headways(tt: Timetable | RunArrays) -> Int64:
    """Return int64[runs]: seconds of the headway of each run without exact times, else 0."""
    first = tt.run_ptr[:-1]
    late = tt.call_arr[first].astype(np.int64) - tt.call_dep[first]
    return np.asarray(np.maximum(late, 0))


def that_leave(tt: Timetable | RunArrays, runs: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return runs, ascending; of a trip at a headway without exact times one a departure only.

    Such a trip has a run for each moment at which somebody may begin to wait, which arrives a
    headway late; of each departure's share of moments the first is taken.
    """
    weight, first = departures(tt)[runs], tt.run_ptr[runs]
    order = np.lexsort((tt.call_dep[first], tt.call_trip[first]))
    until = np.cumsum(weight[order]) - 1e-6
    return np.sort(runs[order[np.ceil(until) > np.ceil(until - weight[order])]])


def departures(tt: Timetable | RunArrays) -> Float:
    """Return float64[runs]: the departures that each run stands for.

    One; where trips run at a headway without exact times, what its moment has of a headway.
    """
    first = tt.run_ptr[:-1]
    leave_s, headway_s = tt.call_dep[first], headways(tt)
    weight = np.ones(len(first))
    loose = np.flatnonzero(headway_s > 0)
    # Periods of two headways may overlap: each has its own departures.
    of = (headway_s, tt.run_day, tt.call_trip[first])
    order = loose[np.lexsort((leave_s[loose], *(key[loose] for key in of)))]
    one, two = order[:-1], order[1:]
    same = np.all([key[one] == key[two] for key in of], axis=0)
    weight[one[same]] = np.minimum(1.0, (leave_s[two] - leave_s[one])[same] / headway_s[one[same]])
    return weight


def _tell_on_demand(feed: Feed, journeys: Journeys, findings: list[Finding]) -> None:
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
    findings.append(
        Finding(
            "warning",
            "on_demand",
            "{count} trips have stops served on request only (call the operator or ask the driver)",
            source="stop_times.txt",
            count=int(trips.size),
            examples=_trip_names(feed, trips),
        )
    )
