"""The lines that a scenario changes: taken out, faster, more often, another way, other days.

Changes are made one after the other on the timetable of each kind of day. Hours are those of the
service day on which a trip leaves its first stop: from 22:00 to 02:00 holds its 25:10. On a kind of
day, trips of the eve and the morrow are changed where these are days of a kind that is changed.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.base.clock import DAY_S
from mobility.base.errors import TerritoryError
from mobility.commute.additions import with_stops
from mobility.commute.study import Study
from mobility.commute.variants import with_timetables
from mobility.engine.journeys import TwoWay
from mobility.sources.columns import nearest
from mobility.sources.gtfs.read import Feed
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_times
from mobility.territory.changes import LineChange, NewCall
from mobility.territory.project import WEEKDAYS, OnDemand, Territory
from mobility.timetable.arrays import RunArrays, Timetable
from mobility.timetable.change import with_runs
from mobility.timetable.footpaths import walk_snaps
from mobility.timetable.trips import (
    DayNetwork,
    join_runs,
    mended,
    moved,
    one_run,
    only_trips,
    without_trips,
)

Int64 = NDArray[np.int64]
Leg = tuple[int, int]

#: What a call takes on a leg that no trip of the line drives yet, beside the drive (assumption).
STOP_S = 30
#: Longest drive of such a leg.
LEG_S = 3600
#: A booked vehicle serves what lies within so far of the stops of the line it replaces.
AROUND_M = 800.0


class Part(NamedTuple):
    """The part of a run that is one trip: run, trip and its calls, all of the timetable."""

    run: int
    trip: int
    first: int
    last: int


@dataclass(frozen=True)
class _Asked:
    """A change with its line found.

    Attributes
    ----------
    number
        Its place in the scenario, from 1 on.
    trips
        Of the line and direction, indices into the feed's trips.
    stops
        Stops of the new way, or of the ends of the section.
    legs
        Seconds of the drive between stops of the new way.
    """

    number: int
    change: LineChange
    trips: Int64
    stops: tuple[int, ...]
    legs: Mapping[Leg, int]

    def wrong(
        self, study: Study, field: str, problem: str, value: object, mend: str, **params: Any
    ) -> TerritoryError:
        """Return the error of one of its fields."""
        column = f"changes.lines.{self.number}.{field}"
        return TerritoryError(
            problem, file=study.territory.path, column=column, value=value, mend=mend, **params
        )


def trips_of_line(feed: Feed, line: str) -> Int64:
    """Return the trips of the lines of a public name or ``route_id``."""
    ids = feed.routes["route_id"].astype(str).to_numpy()[feed.trips["route"].to_numpy()]
    return np.flatnonzero((np.array(feed.line_names, object) == line) | (ids == line))


def with_lines(study: Study, changes: Sequence[LineChange]) -> Study:
    """Return the study with lines changed.

    Raises
    ------
    TerritoryError
        There is no such line, stop or kind of day, or nothing would change.
    """
    if not changes:
        return study
    study, asked = _asked(study, changes)
    nets = {kind: DayNetwork(kind, two_way.timetable) for kind, two_way in study.timetables.items()}
    present = dict(nets)
    for one in asked:
        done = 0
        for kind, network in nets.items():
            new, count = _changed(study, present, network, one)
            nets[kind] = DayNetwork(kind, new)
            done += count
        if not done:
            raise one.wrong(
                study, "line", "No trip of this line would change.", one.change.line,
                "Check direction, hours, days and stops: no trip leaves then, or calls there.",
            )  # fmt: skip
    return with_timetables(study, {kind: TwoWay(net.timetable) for kind, net in nets.items()})


def _asked(study: Study, changes: Sequence[LineChange]) -> tuple[Study, list[_Asked]]:
    """Return the changes with what they name found, and the study with their new stops."""
    new = [stop for change in changes for stop in change.stops if isinstance(stop, NewCall)]
    at = {id(stop): len(study.feed.stops) + k for k, stop in enumerate(new)}
    found = [_found(study, number, change, at) for number, change in enumerate(changes, 1)]
    if new:
        lonlat = np.array([(stop.lon, stop.lat) for stop in new], np.float64)
        ids = [f"new:{k}" for k in range(1, len(new) + 1)]
        study = with_stops(study, ids, [stop.name for stop in new], lonlat)
    return study, [_driven(study, one) for one in found]


def _found(study: Study, number: int, change: LineChange, at: Mapping[int, int]) -> _Asked:
    feed = study.feed
    trips = trips_of_line(feed, change.line)
    bare = _Asked(number, change, trips, (), {})
    if not trips.size:
        names = sorted({*feed.line_names, *feed.routes["route_id"].astype(str)})
        raise bare.wrong(
            study, "line", "There is no line of this name in the timetables.", change.line,
            "Write its public name or its route_id; the nearest is {near}.",
            near=nearest(change.line, names) or "–",
        )  # fmt: skip
    if change.direction is not None:
        trips = trips[feed.trips["direction_id"].to_numpy()[trips] == change.direction]
    if change.how != "remove" and np.isin(trips, feed.frequencies["trip"].to_numpy()).any():
        raise bare.wrong(
            study, "line", "Trips of this line keep a headway; they have no times of their own.",
            change.line, "Take the line out, or name one that is not in frequencies.txt.",
        )  # fmt: skip
    kinds = [day.kind for day in study.days]
    for field, kind in (*(("days", d) for d in change.days), ("as_on", change.as_on)):
        if kind is not None and kind not in kinds:
            raise bare.wrong(
                study, field, "There is no such name.", kind, "Choose one of: {known}.",
                known=", ".join(kinds),
            )  # fmt: skip
    ids = {str(name): k for k, name in enumerate(feed.stops["stop_id"])}
    stops = []
    for field, stop in (
        *(("stops", s) for s in change.stops),
        ("from_stop", change.from_stop), ("to_stop", change.to_stop),
    ):  # fmt: skip
        if isinstance(stop, str) and stop not in ids:
            raise bare.wrong(
                study, field, "There is no stop of this stop_id in the timetables.", stop,
                "Write its stop_id; the nearest is {near}.",
                near=nearest(stop, sorted(ids)) or "–",
            )  # fmt: skip
        if stop is not None:
            stops.append(ids[stop] if isinstance(stop, str) else at[id(stop)])
    return _Asked(number, change, trips, tuple(stops), {})


def _driven(study: Study, one: _Asked) -> _Asked:
    """Return a change with the drives of its new way."""
    if one.change.how != "reroute":
        return one
    lonlat = study.feed.stops[["lon", "lat"]].to_numpy(np.float64)[list(one.stops)]
    times = edge_times(study.streets, "car", study.territory.speeds)
    at = walk_snaps(study.streets, times, lonlat)
    speed_ms = study.territory.speeds.walk_kmh / 3.6
    pairs = street_times(study.streets, times, at, at, limit_s=LEG_S, connector_speed_ms=speed_ms)
    row = np.repeat(np.arange(len(lonlat)), np.diff(pairs.ptr))
    places = zip(row.tolist(), pairs.target.tolist(), pairs.time_s.tolist(), strict=True)
    drive = {(one.stops[a], one.stops[b]): int(s) + STOP_S for a, b, s in places}
    return _Asked(one.number, one.change, one.trips, one.stops, drive)


def _parts(tt: Timetable, trips: Int64) -> Iterator[Part]:
    """Yield the parts of the runs of a timetable that are some trips."""
    first = np.zeros(tt.n_calls, bool)
    first[tt.run_ptr[:-1]] = True
    first[1:] |= tt.call_trip[1:] != tt.call_trip[:-1]
    begin = np.flatnonzero(first)
    end = np.append(begin[1:], tt.n_calls) - 1
    mine = np.isin(tt.call_trip[begin], trips)
    runs = tt.run_ptr.searchsorted(begin[mine], side="right") - 1
    for run, low, high in zip(runs.tolist(), begin[mine].tolist(), end[mine].tolist(), strict=True):
        yield Part(run, int(tt.call_trip[low]), low, high)


def _clock_s(tt: Timetable, part: Part) -> int:
    """Return when a trip leaves, seconds of its service day."""
    return int(tt.call_dep[part.first]) - DAY_S * int(tt.run_day[part.run])


def _chosen(study: Study, network: DayNetwork, one: _Asked) -> list[Part]:
    """Return the trips of a kind of day that a change is about."""
    tt, change = network.timetable, one.change
    days = {day: _on_day(study, network.kind, day, change.days) for day in (-1, 0, 1)}
    low, high = _hours(change)
    return [
        part
        for part in _parts(tt, one.trips)
        if days[int(tt.run_day[part.run])]
        and (change.start is None or low <= _clock_s(tt, part) < high)
    ]


def _hours(change: LineChange) -> tuple[int, int]:
    low, high = change.start or 0, change.end or 0
    return low, high if high > low else high + DAY_S


def _on_day(study: Study, kind: str, offset: int, kinds: Sequence[str]) -> bool:
    """Whether the service day so far from a study date is of one of some kinds."""
    days = {day.kind: day for day in study.days}
    weekday = WEEKDAYS[(days[kind].date + dt.timedelta(days=offset)).weekday()]
    if not kinds or offset == 0 or weekday in days[kind].weekdays:
        return not kinds or kind in kinds
    return any(weekday in days[name].weekdays for name in kinds)


Made = tuple[list[RunArrays], set[Part]]


def _changed(
    study: Study, present: Mapping[str, DayNetwork], network: DayNetwork, one: _Asked
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
    chosen = _chosen(study, network, one)
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
    one: _Asked,
    make: Callable[[RunArrays, _Asked], RunArrays | None],
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


def _paced(run: RunArrays, one: _Asked) -> RunArrays | None:
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


def _rerouted(study: Study, run: RunArrays, one: _Asked) -> RunArrays | None:
    """Send a trip over other stops, where at least two of its own come in the same order."""
    own = run.call_stop.tolist()
    kept = [own.index(stop) for stop in one.stops if stop in own]
    if len(kept) < 2 or any(b <= a for a, b in pairwise(kept)):
        return None
    legs = dict(one.legs)
    for k, leg in enumerate(pairwise(own)):
        legs[leg] = int(run.call_arr[k + 1] - run.call_dep[k])
    anchor = one.stops.index(own[kept[0]])
    times = [0]
    for leg in pairwise(one.stops):
        if leg not in legs:
            names = study.feed.stop_names
            raise one.wrong(
                study, "stops", "There is no way to drive from one stop to the next.",
                f"{names[leg[0]]} → {names[leg[1]]}", "Place the stop near a street for cars.",
            )  # fmt: skip
        times.append(times[-1] + legs[leg])
    at = np.array(times, np.int32) + np.int32(run.call_dep[kept[0]] - times[anchor])
    size = len(one.stops)
    return RunArrays(
        np.array([0, size], np.int64), np.array(one.stops, np.int32), at, at.copy(),
        np.ones(size, bool), np.ones(size, bool), np.full(size, run.call_trip[0], np.int32),
        run.run_day,
    )  # fmt: skip


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
    low, high = _hours(change)
    for mine in groups.values():
        calls = {p: tuple(tt.call_stop[p.first : p.last + 1].tolist()) for p in mine}
        usual = Counter(calls.values()).most_common(1)[0][0]
        models = [p for p in mine if calls[p] == usual]
        for at_s in range(low, high, 60 * int(change.every_min or 1)):
            model = min(models, key=lambda p: (abs(_clock_s(tt, p) - at_s), p.first))
            run = _alone(network, model)
            put.append(moved(run, [model.trip], at_s - _clock_s(tt, model)))
    return put, set(parts)


def _as_on(
    present: Mapping[str, DayNetwork], network: DayNetwork, one: _Asked, parts: list[Part]
) -> Made:
    """Run what the line runs on another kind of day in place of what it runs on this one."""
    source = present[str(one.change.as_on)]
    tt, (low, high) = source.timetable, _hours(one.change)
    put = [
        _alone(source, part)
        for part in _parts(tt, one.trips)
        if tt.run_day[part.run] == 0
        and (one.change.start is None or low <= _clock_s(tt, part) < high)
    ]
    own = network.timetable.run_day
    return put, {part for part in parts if own[part.run] == 0}


def booked_instead(territory: Territory, streets: Streets, feed: Feed) -> Territory:
    """Return the territory with a booked vehicle in place of each line turned into one.

    It serves what lies within `AROUND_M` of the line's stops in its hours, and meets public
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
        area = shapely.MultiPoint(xy).convex_hull.buffer(AROUND_M, quad_segs=4)
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


__all__ = ["booked_instead", "trips_of_line", "with_lines"]
