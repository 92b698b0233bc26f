"""Which levers are worth trying: the trips near each shift edge, and what to do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.engine.journeys import deadline_of
from mobility.remedies.holds import held
from mobility.remedies.model import DayNetwork, Lever
from mobility.remedies.stops import NewStop, is_bus
from mobility.remedies.window import Window
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_times
from mobility.timetable.footpaths import walk_snaps

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

#: Moves tried, seconds: 45 minutes either way by 5.
MOVES_S = tuple(60 * m for m in range(-45, 46, 5) if m)
#: How much earlier than the first, or later than the last, a run is added, seconds.
_ADDED_S = tuple(60 * m for m in (15, 30, 45, 60, 75, 90))
#: Longest drive of an extension, seconds.
_EXTENSION_S = 600
#: What calling at one more stop takes, seconds: braking, doors, pulling away (an assumption).
STOP_S = 30
#: A run timed for a shift edge arrives at the gate, or leaves after, by so much to spare.
SPARE_S = (0, 300, 600)

Unit = tuple[Lever, ...]
#: For each trip that runs, the trips that are the same departure on other days.
Twins = dict[int, tuple[int, ...]]
Drives = dict[int, dict[int, int]]


@dataclass(frozen=True)
class SearchOptions:
    """What a search tries.

    Attributes
    ----------
    moves_s
        Moves of trips and lines, seconds.
    kinds
        Kinds of levers, see `model.LeverKind`.
    extension_s
        Longest drive between the end of a trip and a gate.
    stop_s
        What calling at a new stop takes, seconds.
    """

    moves_s: tuple[int, ...] = MOVES_S
    kinds: tuple[str, ...] = (
        "move_trip", "move_line", "extend", "add_run", "hold", "lift_school", "stop"
    )  # fmt: skip
    extension_s: int = _EXTENSION_S
    stop_s: int = STOP_S


def _near_trips(network: DayNetwork, windows: Sequence[Window], reach_s: int) -> Int64:
    """Return the trips that touch a window of their day once moved by up to ``reach_s``."""
    pieces = network.pieces
    near = np.zeros(pieces.trip.size, bool)
    for window in windows:
        if window.day.kind == network.kind:
            low, high = window.span_s
            near |= (pieces.start_s - reach_s <= high) & (pieces.end_s + reach_s >= low)
    return np.unique(pieces.trip[near])


def candidates(
    study: Study,
    nets: dict[str, DayNetwork],
    windows: Sequence[Window],
    options: SearchOptions,
    new_stops: Sequence[NewStop] = (),
) -> list[Unit]:
    """Return the levers to try, grouped by the runs they touch.

    Parameters
    ----------
    study
        From `stops.with_gate_stops` when extensions are tried.
    nets, windows
        Its timetables and the windows of its shift edges.
    options
        What to try.
    new_stops
        Places of the study where lines could call, see `stops.with_new_stops`.
    """
    twins = cache(lambda: _twins_of(study, nets))
    makers: dict[str, Callable[[], Iterable[Unit]]] = {
        "move_trip": lambda: _trip_moves(study, nets, windows, options),
        "move_line": lambda: _line_moves(study, nets, windows, options),
        "extend": lambda: _extensions(study, nets, windows, options, twins()),
        "add_run": lambda: (
            *_added_runs(study, nets, twins()),
            *_timed_runs(study, nets, windows, twins()),
        ),
        "hold": lambda: held(study, nets, windows, twins()),
        "lift_school": lambda: _lifted(study, nets, windows),
        "stop": lambda: _stops(study, nets, new_stops, options.stop_s),
    }
    return [unit for kind in options.kinds for unit in makers[kind]()]


def _trip_moves(
    study: Study, nets: dict[str, DayNetwork], windows: Sequence[Window], options: SearchOptions
) -> Iterator[Unit]:
    reach_s = max((abs(m) for m in options.moves_s), default=0)
    found = [_near_trips(n, windows, reach_s) for n in nets.values()]
    trips = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    for twins in same_departures(study, nets, trips):
        yield tuple(Lever("move_trip", twins, shift_s=m) for m in options.moves_s)


def same_departures(
    study: Study, nets: dict[str, DayNetwork], trips: Int64
) -> list[tuple[int, ...]]:
    """Group the trips that are one departure on different kinds of day.

    Feeds often write the 05:10 of line 3 once per calendar. Trips of one line and direction
    that leave at the same time between the same stops, never on the same day, are moved
    together.
    """
    calls, ptr = study.feed.stop_times, study.feed.trip_ptr
    stop, dep = calls["stop"].to_numpy(), calls["departure_s"].to_numpy()
    line = lines_of(study, trips)
    days: dict[int, set[str]] = {int(t): set() for t in trips}
    for kind, network in nets.items():
        own = network.own_trips
        place = np.minimum(own.searchsorted(trips), max(own.size - 1, 0))
        for trip in trips[own[place] == trips].tolist() if own.size else ():
            days[trip].add(kind)
    groups: dict[tuple[int, ...], list[tuple[list[int], set[str]]]] = {}
    for trip, one in zip(trips.tolist(), line.tolist(), strict=True):
        first, last = int(ptr[trip]), int(ptr[trip + 1]) - 1
        key = (one, int(dep[first]), int(stop[first]), int(stop[last]), last - first)
        mine = groups.setdefault(key, [])
        for members, taken in mine:
            if days[trip] and not taken & days[trip]:
                members.append(trip)
                taken.update(days[trip])
                break
        else:
            mine.append(([trip], set(days[trip])))
    return [tuple(members) for mine in groups.values() for members, _ in mine]


def _twins_of(study: Study, nets: dict[str, DayNetwork]) -> Twins:
    """Return, for each trip that runs, the trips that are the same departure on other days."""
    running = [network.pieces.trip for network in nets.values()]
    trips = np.unique(np.concatenate(running)) if running else np.zeros(0, np.int64)
    return {t: group for group in same_departures(study, nets, trips) for t in group}


def lines_of(study: Study, trips: Int64) -> NDArray[np.int64]:
    """Return one number per line and direction for each trip."""
    table = study.feed.trips
    route = table["route"].to_numpy()[trips].astype(np.int64)
    direction = table["direction_id"].to_numpy()[trips].astype(np.int64)
    return route * 4 + direction + 1


def _bundles(
    study: Study, nets: dict[str, DayNetwork], windows: Sequence[Window]
) -> list[tuple[int, ...]]:
    """Return the trips of each line and direction that serve one shift edge.

    Windows of the same hour, whatever the site and the kind of day, make one bundle.
    """
    hours: dict[tuple[bool, int], dict[str, tuple[int, int]]] = {}
    for window in windows:
        row = hours.setdefault((window.edge.returning, window.edge.at_s), {})
        low, high = row.get(window.day.kind, window.span_s)
        row[window.day.kind] = (min(low, window.span_s[0]), max(high, window.span_s[1]))
    found: dict[tuple[int, ...], None] = {}
    for spans in hours.values():
        trips = [
            nets[kind].pieces.trip[
                (nets[kind].pieces.start_s <= high) & (nets[kind].pieces.end_s >= low)
            ]
            for kind, (low, high) in spans.items()
        ]
        near = np.unique(np.concatenate(trips))
        if near.size:
            line = lines_of(study, near)
            for one in np.unique(line):
                found[tuple(int(t) for t in near[line == one])] = None
    return list(found)


def _line_moves(
    study: Study, nets: dict[str, DayNetwork], windows: Sequence[Window], options: SearchOptions
) -> Iterator[Unit]:
    for trips in _bundles(study, nets, windows):
        # One departure written once per calendar is moved as a trip already.
        if len(same_departures(study, nets, np.array(trips, np.int64))) > 1:
            yield tuple(Lever("move_line", trips, shift_s=m) for m in options.moves_s)


def _added_runs(study: Study, nets: dict[str, DayNetwork], twins: Twins) -> Iterator[Unit]:
    """Yield copies of the first trip of each line earlier, and of the last one later."""
    seen: set[tuple[tuple[int, ...], int]] = set()
    for network in nets.values():
        pieces = network.pieces
        own = np.flatnonzero(network.timetable.run_day[pieces.run] == 0)
        own = own[np.lexsort((pieces.trip[own], pieces.start_s[own]))]
        line = lines_of(study, pieces.trip[own])
        for one in np.unique(line):
            mine = own[line == one]
            for place, sign in ((mine[0], -1), (mine[-1], 1)):
                trips = twins[int(pieces.trip[place])]
                if (trips, sign) not in seen:
                    seen.add((trips, sign))
                    yield tuple(Lever("add_run", trips, shift_s=sign * s) for s in _ADDED_S)


def _timed_runs(
    study: Study, nets: dict[str, DayNetwork], windows: Sequence[Window], twins: Twins
) -> Iterator[Unit]:
    """Yield copies of trips that call near a gate, timed on the edges of its shifts.

    One trip of each order of stops is copied, the one nearest in time, so that it is at the
    gate at the deadline, or a little before (leaves it when workers do, or a little after).
    """
    cap_s = round(study.territory.limits.max_walk_min * 60)
    units: dict[tuple[tuple[int, ...], int], set[int]] = {}
    line_of = lines_of(study, np.arange(len(study.feed.trips)))
    # Windows of one gate differ in their hours alone.
    known: dict[tuple[str, bool, bytes], tuple[Int64, Int64, Int64]] = {}
    for window in windows:
        back, sign = window.edge.returning, 1 if window.edge.returning else -1
        gate_s = deadline_of(window.edge) * -sign
        key = window.day.kind, back, window.egress_s.tobytes()
        if key not in known:
            network = nets[window.day.kind]
            known[key] = _at_gate(network, window.egress_s, cap_s, back, line_of)
        trip, kind, time_s = known[key]
        # To the minute that passengers can still make.
        shift_s = 60 * (-((time_s - gate_s) // 60) if back else (gate_s - time_s) // 60)
        order = np.lexsort((np.arange(trip.size), np.abs(shift_s), kind))
        best = order[np.diff(kind[order], prepend=-1) != 0]
        for one, by_s in zip(trip[best].tolist(), shift_s[best].tolist(), strict=True):
            wanted = units.setdefault((twins[one], sign), set())
            wanted.update(by_s + sign * spare for spare in SPARE_S)
    for (trips, _), shifts in sorted(units.items()):
        yield tuple(Lever("add_run", trips, shift_s=s) for s in sorted(shifts) if s)


def _at_gate(
    network: DayNetwork, egress_s: Int32, cap_s: int, back: bool, line_of: Int64
) -> tuple[Int64, Int64, Int64]:
    """Return the trips that call near a gate.

    Returns
    -------
    trip : int64[N]
        Ascending by place among the pieces of the day.
    kind : int64[N]
        Number of its line and order of stops.
    time_s : int64[N]
        When who rides it is at the gate (has to leave it), axis seconds.
    """
    tt, pieces = network.timetable, network.pieces
    call_s = tt.call_dep if back else tt.call_arr
    kinds: dict[tuple[int, bytes], int] = {}
    rows = []
    for k in _calling(network, egress_s <= cap_s):
        calls = slice(int(pieces.first_call[k]), int(pieces.last_call[k]) + 1)
        stops = tt.call_stop[calls]
        walk_s = egress_s[stops[:-1] if back else stops[1:]]
        if not walk_s.size or walk_s.min() > cap_s:
            continue
        at = int(walk_s.argmin())
        own_s = int(call_s[calls][at + (not back)])
        time_s = own_s - int(walk_s[at]) if back else own_s + int(walk_s[at])
        trip = int(pieces.trip[k])
        kind = kinds.setdefault((int(line_of[trip]), stops.tobytes()), len(kinds))
        rows.append((trip, kind, time_s))
    trip_of, kind_of, at_s = np.array(rows, np.int64).reshape(-1, 3).T
    return trip_of, kind_of, at_s


def _calling(network: DayNetwork, near: NDArray[np.bool_]) -> list[int]:
    """Return the pieces of the service day itself that call at some stops."""
    tt, pieces = network.timetable, network.pieces
    called = np.concatenate([[0], np.cumsum(near[tt.call_stop])])
    count = called[pieces.last_call + 1] - called[pieces.first_call]
    return np.flatnonzero((count > 0) & (tt.run_day[pieces.run] == 0)).tolist()


def _stops(
    study: Study, nets: dict[str, DayNetwork], new_stops: Sequence[NewStop], stop_s: int
) -> Iterator[Unit]:
    """Yield, for each new stop, all trips of its line that pass it, both ways."""
    route = study.feed.trips["route"].to_numpy()
    for place in new_stops:
        passing: set[int] = set()
        for network in nets.values():
            tt = network.timetable
            pairs = tt.call_stop[:-1].astype(np.int64) * tt.n_stops + tt.call_stop[1:]
            wanted = [one * tt.n_stops + two for one, two, _ in place.legs]
            same = np.equal(tt.call_trip[:-1], tt.call_trip[1:])
            trips = np.unique(tt.call_trip[:-1][same & np.isin(pairs, wanted)])
            passing.update(int(t) for t in trips if t >= 0 and route[t] == place.route)
        if passing:
            trips_ = tuple(sorted(passing))
            yield (Lever("stop", trips_, shift_s=stop_s, stop=place.stop, legs=place.legs),)


def _lifted(study: Study, nets: dict[str, DayNetwork], windows: Sequence[Window]) -> Iterator[Unit]:
    """Yield trips that run on school days, with no such departure in the holidays."""
    if not {"school_weekday", "holiday_weekday"} <= set(nets):
        return
    school, holiday = nets["school_weekday"], nets["holiday_weekday"]
    there = holiday.own_trips
    spans = [w.span_s for w in windows if w.day.kind == "holiday_weekday"]
    pieces = school.pieces
    near = np.zeros(pieces.trip.size, bool)
    for low, high in spans:
        near |= (pieces.start_s <= high) & (pieces.end_s >= low)
    near &= school.timetable.run_day[pieces.run] == 0
    alone = np.setdiff1d(pieces.trip[near], there)
    both = np.union1d(alone, there)
    kept = set(there.tolist())
    twins = {t for group in same_departures(study, nets, both) if kept & set(group) for t in group}
    for trip in alone.tolist():
        if trip not in twins:
            kinds = ("holiday_weekday",)
            yield (Lever("lift_school", (trip,), source_day="school_weekday", day_kinds=kinds),)


def _extensions(
    study: Study,
    nets: dict[str, DayNetwork],
    windows: Sequence[Window],
    options: SearchOptions,
    twins: Twins,
) -> Iterator[Unit]:
    """Yield bus trips that end, or begin, within a short drive of a gate, carried on to it."""
    types = study.feed.routes["route_type"].to_numpy().astype(np.int64)
    bus = is_bus(types[study.feed.trips["route"].to_numpy().astype(np.int64)])
    to_gate, from_gate = _gate_drives(study, options.extension_s)
    seen: set[tuple[tuple[int, ...], int, bool]] = set()
    for window in windows:
        network = nets[window.day.kind]
        pieces, tt = network.pieces, network.timetable
        low, high = window.span_s
        returning = window.edge.returning
        drives = from_gate if returning else to_gate
        ends = pieces.first_call if returning else pieces.last_call
        run_ends = tt.run_ptr[:-1][pieces.run] if returning else tt.run_ptr[1:][pieces.run] - 1
        near = (pieces.start_s <= high) & (pieces.end_s >= low) & (ends == run_ends)
        near &= bus[pieces.trip]
        for k in np.flatnonzero(near):
            stop = int(tt.call_stop[ends[k]])
            for gate, drive_s in drives.get(stop, {}).items():
                key = (twins[int(pieces.trip[k])], gate, returning)
                if _gate_site(study, gate) == window.site and key not in seen:
                    seen.add(key)
                    yield (Lever("extend", key[0], stop=gate, drive_s=drive_s, at_start=returning),)


def _gate_site(study: Study, stop: int) -> int:
    """Return the site of a gate's stop."""
    gate = stop - (len(study.feed.stops) - sum(len(s.gates) for s in study.sites))
    owners = [k for k, site in enumerate(study.sites) for _ in site.gates]
    return owners[gate]


def _gate_drives(study: Study, limit_s: int) -> tuple[Drives, Drives]:
    """Return driving seconds from stops to gates' stops, and from gates' stops to stops."""
    gates = [gate for site in study.sites for gate in site.gates]
    n_stops = len(study.feed.stops) - len(gates)
    lonlat = study.feed.stops[["lon", "lat"]].to_numpy(np.float64)[:n_stops]
    times = edge_times(study.streets, "car", study.territory.speeds)
    at_gates = walk_snaps(study.streets, times, np.array(gates, np.float64))
    at_stops = walk_snaps(study.streets, times, lonlat)
    found: list[Drives] = []
    for reverse in (True, False):
        table = street_times(
            study.streets,
            times,
            at_gates,
            at_stops,
            limit_s=limit_s,
            connector_speed_ms=study.territory.speeds.walk_kmh / 3.6,
            reverse=reverse,
        )
        drives: Drives = {}
        for gate in range(len(gates)):
            rows = slice(table.ptr[gate], table.ptr[gate + 1])
            for stop, time_s in zip(table.target[rows], table.time_s[rows], strict=True):
                drives.setdefault(int(stop), {})[n_stops + gate] = int(time_s)
        found.append(drives)
    return found[0], found[1]
