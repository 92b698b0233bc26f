"""The lines that a scenario changes: taken out, faster, more often, another way, other days.

Changes are made one after the other on the timetable of each kind of day. Hours are those of the
service day on which a trip leaves its first stop: from 22:00 to 02:00 holds its 25:10. On a kind of
day, trips of the eve and the morrow are changed where these are days of a kind that is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.base.clock import DAY_S
from mobility.commute.additions import with_stops
from mobility.commute.line_found import (
    Asked,
    Part,
    asked_of,
    clock_s,
    drive_s,
    hours_of,
    parts_changed,
    parts_of,
    trips_of_line,
)
from mobility.commute.study import Study, Timetables
from mobility.commute.variants import with_timetables
from mobility.engine.journeys import TwoWay
from mobility.sources.gtfs.read import Feed
from mobility.streets.graph import Streets
from mobility.territory.changes import LineChange, NewCall
from mobility.territory.project import OnDemand, Territory
from mobility.timetable.arrays import RunArrays, Timetable, join_runs
from mobility.timetable.change import (
    DayNetwork,
    mended,
    moved,
    one_run,
    only_trips,
    with_runs,
    without_trips,
)

#: What a call takes on a leg that no trip of the line drives yet, beside the drive (assumption).
STOP_S = 30
#: A booked vehicle serves what lies within so far of the stops of the line it replaces.
_AROUND_M = 800.0
Made = tuple[list[RunArrays], set[Part]]


def with_lines(study: Study, changes: Sequence[LineChange]) -> Study:
    """Return the study with lines changed.

    Raises
    ------
    TerritoryError
        There is no such line, stop or kind of day, or nothing would change.
    """
    if not changes:
        return study
    study, asked = _with_new_stops(study, changes)
    present = {
        kind: DayNetwork(kind, two_way.timetable) for kind, two_way in study.timetables.items()
    }

    @cache
    def made(kind: str) -> tuple[TwoWay, set[int]]:
        """Return a kind of day with the changes made, and those that change some trip of it."""
        network, done = present[kind], set()
        for one in asked:
            new, count = _changed(study, present, network, one)
            network = DayNetwork(kind, new)
            done |= {one.number} if count else set()
        return TwoWay(network.timetable), done

    # Kinds of day of which nobody asks are left until somebody does.
    idle = {one.number: one for one in asked}
    for kind in present:
        if idle:
            idle = {number: one for number, one in idle.items() if number not in made(kind)[1]}
    for one in idle.values():
        raise one.wrong(
            study,
            "line",
            "No trip of this line would change.",
            one.change.line,
            "Check direction, hours, days and stops: no trip leaves then, or calls there.",
        )
    return with_timetables(
        study, Timetables({kind: partial(_first, made, kind) for kind in present})
    )


def _first(made: Callable[[str], tuple[TwoWay, set[int]]], kind: str) -> TwoWay:
    return made(kind)[0]


def _with_new_stops(study: Study, changes: Sequence[LineChange]) -> tuple[Study, list[Asked]]:
    """Return the changes with what they name found, and the study with their new stops."""
    # A stop that several changes name is one.
    new = list(dict.fromkeys(s for c in changes for s in c.stops if isinstance(s, NewCall)))
    at = {stop: len(study.feed.stops) + k for k, stop in enumerate(new)}
    found = [asked_of(study, number, change, at) for number, change in enumerate(changes, 1)]
    if new:
        lonlat = np.array([(stop.lon, stop.lat) for stop in new], np.float64)
        ids = [f"new:{k}" for k in range(1, len(new) + 1)]
        study = with_stops(study, ids, [stop.name for stop in new], lonlat)
    return study, found


def _changed(
    study: Study, present: Mapping[str, DayNetwork], network: DayNetwork, one: Asked
) -> tuple[Timetable, int]:
    """Return a kind of day with a change made, and how many trips it takes out or puts in."""
    makers: dict[str, Callable[[list[Part]], Made]] = {
        "remove": lambda parts: ([], set(parts)),
        "on_demand": lambda parts: ([], set(parts)),
        "speed": partial(_each, network, one, _paced),
        "reroute": partial(_each, network, one, partial(_rerouted, study)),
        "headway": partial(_spaced, study, network, one.change),
        "calendar": partial(_as_on, present, network, one),
    }
    chosen = parts_changed(study, network, one)
    if one.change.how == "calendar" and network.kind not in one.change.days:
        return network.timetable, 0
    put, gone = makers[one.change.how](chosen)
    by_run: dict[int, list[int]] = {}
    for part in gone:
        by_run.setdefault(part.run, []).append(part.trip)
    left = [without_trips(one_run(network, run), trips) for run, trips in sorted(by_run.items())]
    put += [mended(run) for run in left if run.call_trip.size]
    if not put and not by_run:
        return network.timetable, 0
    new = with_runs(network.timetable, added=join_runs(put), removed=sorted(by_run))
    return new, len(gone) + len(put)


def _alone(network: DayNetwork, part: Part) -> RunArrays:
    return only_trips(one_run(network, part.run), [part.trip])


def _each(
    network: DayNetwork,
    one: Asked,
    make: Callable[[RunArrays, Asked], RunArrays | None],
    parts: list[Part],
) -> Made:
    """Change trips one by one; those that ``make`` leaves as they are stay."""
    put, gone = [], set()
    for part in parts:
        new = make(_alone(network, part), one)
        if new is not None:
            put.append(new)
            gone.add(part)
    return put, gone


def _paced(run: RunArrays, one: Asked) -> RunArrays | None:
    """Drive a section faster or slower; what comes after it is as much earlier or later."""
    low, high = 0, run.call_stop.size - 1
    if one.stops:
        start = np.flatnonzero(run.call_stop == one.stops[0])
        end = np.flatnonzero(run.call_stop == one.stops[1])
        end = end[end > start[0]] if start.size else end[:0]
        if not end.size:
            return None
        low, high = int(start[0]), int(end[0])
    drive = run.call_arr[1:] - run.call_dep[:-1]
    share = 100 / float(one.change.percent or 100)
    more = np.zeros(run.call_stop.size, np.int32)
    more[low + 1 : high + 1] = np.rint(drive[low:high] * share).astype(np.int32) - drive[low:high]
    by = np.cumsum(more, dtype=np.int32)
    return run._replace(call_arr=run.call_arr + by, call_dep=run.call_dep + by)


def _rerouted(study: Study, run: RunArrays, one: Asked) -> RunArrays | None:
    """Send a trip over other stops, where at least two of its own come in the same order."""
    if one.change.from_stop is not None:
        return _calling(study, run, one)
    own = run.call_stop.tolist()
    kept = [own.index(stop) for stop in one.stops if stop in own]
    if len(kept) < 2 or any(b <= a for a, b in pairwise(kept)):
        return None
    driven = {
        leg: int(run.call_arr[k + 1] - run.call_dep[k]) for k, leg in enumerate(pairwise(own))
    }
    anchor = one.stops.index(own[kept[0]])
    times = [0]
    for leg in pairwise(one.stops):
        by = driven[leg] if leg in driven else drive_s(study, one, leg) + STOP_S
        times.append(times[-1] + by)
    at = np.array(times, np.int32) + np.int32(run.call_dep[kept[0]] - times[anchor])
    size = len(one.stops)
    return RunArrays(
        np.array([0, size], np.int64), np.array(one.stops, np.int32), at, at.copy(),
        np.ones(size, bool), np.ones(size, bool), np.full(size, run.call_trip[0], np.int32),
        run.run_day,
    )  # fmt: skip


def _longer_s(study: Study, one: Asked) -> int:
    """Return by how much the leg of a section grows: the detour by car, and its new calls."""
    straight = drive_s(study, one, (one.stops[0], one.stops[-1]))
    over = sum(drive_s(study, one, leg) for leg in pairwise(one.stops))
    return max(over - straight, 0) + STOP_S * len(one.change.stops)


def _calling(study: Study, run: RunArrays, one: Asked) -> RunArrays:
    """Let a trip that goes straight from one stop to the next call at others on its way."""
    first, *new, last = one.stops
    own = run.call_stop
    at = int(np.flatnonzero((own[:-1] == first) & (own[1:] == last))[0])
    count = len(new)
    longer = _longer_s(study, one)
    upto = np.cumsum([drive_s(study, one, leg) for leg in pairwise(one.stops)])
    ride = int(run.call_arr[at + 1] - run.call_dep[at]) + longer - STOP_S * count
    times = run.call_dep[at] + np.rint(upto[:-1] / max(int(upto[-1]), 1) * ride).astype(np.int32)
    times += STOP_S * np.arange(1, count + 1, dtype=np.int32)

    def put(values: NDArray[Any], more: object) -> NDArray[Any]:
        new = np.asarray(more, values.dtype)
        return np.concatenate([values[: at + 1], new, values[at + 1 :]])

    later = np.where(np.arange(own.size) > at, longer, 0).astype(np.int32)
    return RunArrays(
        np.array([0, own.size + count], np.int64),
        put(own, new),
        put(run.call_arr + later, times),
        put(run.call_dep + later, times),
        put(run.call_board, [True] * count),
        put(run.call_alight, [True] * count),
        put(run.call_trip, [run.call_trip[0]] * count),
        run.run_day,
    )


def ways_of_line(study: Study, line: str) -> Counter[tuple[int, ...]]:
    """Return the stops that trips of a line call at, in order, and how many trips a way has.

    Trips of every kind of day are counted.
    """
    trips, found = trips_of_line(study.feed, line), Counter[tuple[int, ...]]()
    for two_way in study.timetables.values():
        tt = two_way.timetable
        for part in parts_of(tt, trips):
            found[tuple(tt.call_stop[part.first : part.last + 1].tolist())] += 1
    return found


def called_between(study: Study, change: LineChange) -> tuple[tuple[int, ...], int]:
    """Return the trips that a change lets call at stops on their way, and their seconds more."""
    count = len(study.feed.stops)
    at = {s: count + k for k, s in enumerate(change.stops) if isinstance(s, NewCall)}
    one = asked_of(study, 1, change, at)
    trips = {
        part.trip
        for kind, two_way in study.timetables.items()
        for part in parts_changed(study, DayNetwork(kind, two_way.timetable), one)
    }
    return tuple(sorted(trips)), _longer_s(study, one)


def _spaced(study: Study, network: DayNetwork, change: LineChange, parts: list[Part]) -> Made:
    """Let trips of the most usual way leave every so many minutes in place of those there are.

    Each takes as long as the trip that leaves nearest to it today.
    """
    tt = network.timetable
    direction = study.feed.trips["direction_id"].to_numpy()
    groups: dict[object, list[Part]] = {}
    for part in parts:
        ends = int(tt.call_stop[part.first]), int(tt.call_stop[part.last])
        way = int(direction[part.trip])
        groups.setdefault((int(tt.run_day[part.run]), way if way >= 0 else ends), []).append(part)
    put = []
    low, high = hours_of(change)
    for mine in groups.values():
        calls = {p: tuple(tt.call_stop[p.first : p.last + 1].tolist()) for p in mine}
        usual = Counter(calls.values()).most_common(1)[0][0]
        models = [p for p in mine if calls[p] == usual]
        for at_s in range(low, high, 60 * int(change.every_min or 1)):
            model = min(models, key=lambda p: (abs(clock_s(tt, p) - at_s), p.first))
            run = _alone(network, model)
            put.append(moved(run, [model.trip], at_s - clock_s(tt, model)))
    return put, set(parts)


def _as_on(
    present: Mapping[str, DayNetwork], network: DayNetwork, one: Asked, parts: list[Part]
) -> Made:
    """Run what the line runs on another kind of day in place of what it runs on this one."""
    source = present[str(one.change.as_on)]
    tt, (low, high) = source.timetable, hours_of(one.change)
    put = [
        _alone(source, part)
        for part in parts_of(tt, one.trips)
        if tt.run_day[part.run] == 0
        and (one.change.start is None or low <= clock_s(tt, part) < high)
    ]
    own = network.timetable.run_day
    return put, {part for part in parts if own[part.run] == 0}


def booked_instead(territory: Territory, streets: Streets, feed: Feed) -> Territory:
    """Return the territory with a booked vehicle in place of each line turned into one.

    It serves what lies within `_AROUND_M` of the line's stops in its hours, and meets public
    transport at the ends of the line.
    """
    zones = []
    for change in territory.changes.lines:
        trips = trips_of_line(feed, change.line)
        if change.how != "on_demand" or not trips.size:
            continue
        stop, ptr = feed.stop_times["stop"].to_numpy(), feed.trip_ptr
        trips = trips[np.diff(ptr)[trips] > 0]
        called = np.unique(np.concatenate([stop[ptr[t] : ptr[t + 1]] for t in trips]))
        places = feed.stops.iloc[called]
        xy = streets.project(places["lon"].to_numpy(), places["lat"].to_numpy())
        area = shapely.MultiPoint(xy).convex_hull.buffer(_AROUND_M, quad_segs=4)
        ring = streets.unproject(shapely.get_coordinates(area.exterior))
        ends = Counter([*stop[ptr[trips]].tolist(), *(stop[ptr[trips + 1] - 1]).tolist()])
        zones.append(
            OnDemand(
                name=change.line,
                polygon=[(float(x), float(y)) for x, y in ring],
                start=change.start or 0,
                end=DAY_S if change.end is None else change.end,
                hubs=[str(feed.stops["stop_id"].iloc[k]) for k, _ in ends.most_common(2)],
            )
        )
    if not zones:
        return territory
    evaluated = list(dict.fromkeys([*territory.modes.evaluated, "on_demand"]))
    modes = territory.modes.model_copy(update={"evaluated": evaluated})
    more = {"modes": modes, "on_demand": [*territory.on_demand, *zones]}
    return territory.model_copy(update=more)
