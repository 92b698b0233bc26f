"""What a change of a line is about: its trips, its stops and the drives between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from mobility.base.arrays import Int64
from mobility.base.clock import DAY_S
from mobility.base.errors import TerritoryError
from mobility.commute.study import Study
from mobility.sources.columns import nearest
from mobility.sources.gtfs.read import Feed
from mobility.streets.arcs import Times
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_times
from mobility.territory.changes import LineChange, NewCall
from mobility.territory.fields import WEEKDAYS
from mobility.timetable.arrays import Timetable
from mobility.timetable.change import DayNetwork
from mobility.timetable.footpaths import walk_snaps

Leg = tuple[int, int]

#: Longest drive by car of a leg that no trip of the line drives yet.
_LEG_S = 3600


class Part(NamedTuple):
    """The part of a run that is one trip: run, trip and its calls, all of the timetable."""

    run: int
    trip: int
    first: int
    last: int


@dataclass(frozen=True)
class Asked:
    """A change with its line found.

    Attributes
    ----------
    number
        Its place in the scenario, from 1 on.
    trips
        Of the line and direction, indices into the feed's trips.
    stops
        Stops of the new way and of the ends of the section, in order.
    legs
        Seconds of the drive by car between stops of the new way.
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


def asked_of(study: Study, number: int, change: LineChange, at: Mapping[NewCall, int]) -> Asked:
    """Return a change with what it names found, and the drives of its new way.

    Parameters
    ----------
    at
        Place that each new stop will have among those of the feed.

    Raises
    ------
    TerritoryError
        There is no such line, stop or kind of day.
    """
    feed = study.feed
    trips = trips_of_line(feed, change.line)
    bare = Asked(number, change, trips, (), {})
    if not trips.size:
        names = sorted({*feed.line_names, *feed.routes["route_id"].astype(str)})
        near = nearest(change.line, names)
        raise bare.wrong(
            study,
            "line",
            "There is no line of this name in the timetables.",
            change.line,
            "Write its public name or its route_id; the nearest is {near}."
            if near
            else "Write its public name or its route_id.",
            near=near,
        )
    if change.direction is not None:
        trips = trips[feed.trips["direction_id"].to_numpy()[trips] == change.direction]
    if change.how != "remove" and np.isin(trips, feed.frequencies["trip"].to_numpy()).any():
        raise bare.wrong(
            study,
            "line",
            "Trips of this line keep a headway; they have no times of their own.",
            change.line,
            "Take the line out, or name one that is not in frequencies.txt.",
        )
    kinds = [day.kind for day in study.days]
    for field, kind in (*(("days", d) for d in change.days), ("as_on", change.as_on)):
        if kind is not None and kind not in kinds:
            raise bare.wrong(
                study,
                field,
                "There is no such name.",
                kind,
                "Choose one of: {known}.",
                known=", ".join(kinds),
            )
    ids = {str(name): k for k, name in enumerate(feed.stops["stop_id"])}
    stops = []
    for field, stop in (
        ("from_stop", change.from_stop),
        *(("stops", s) for s in change.stops),
        ("to_stop", change.to_stop),
    ):
        if isinstance(stop, str) and stop not in ids:
            near = nearest(stop, sorted(ids))
            raise bare.wrong(
                study,
                field,
                "There is no stop of this stop_id in the timetables.",
                stop,
                "Write its stop_id; the nearest is {near}."
                if near
                else "Write its stop_id, from stops.txt.",
                near=near,
            )
        if stop is not None:
            stops.append(ids[stop] if isinstance(stop, str) else at[stop])
    return _driven(study, Asked(number, change, trips, tuple(stops), {}))


def _driven(study: Study, one: Asked) -> Asked:
    """Return a change with the drives of its new way."""
    if one.change.how != "reroute":
        return one
    known = study.feed.stops[["lon", "lat"]].to_numpy(np.float64)
    lonlat = np.array(
        [(s.lon, s.lat) if isinstance(s, NewCall) else known[k] for s, k in _named(one)]
    )
    times = _car_times(study)
    at = walk_snaps(study.streets, times, lonlat)
    speed_ms = study.territory.speeds.walk_kmh / 3.6
    pairs = street_times(study.streets, times, at, at, limit_s=_LEG_S, connector_speed_ms=speed_ms)
    row = np.repeat(np.arange(len(lonlat)), np.diff(pairs.ptr))
    places = zip(row.tolist(), pairs.target.tolist(), pairs.time_s.tolist(), strict=True)
    drive = {(one.stops[a], one.stops[b]): int(s) for a, b, s in places}
    return replace(one, legs=drive)


def _car_times(study: Study) -> Times:
    """Return the seconds by car of each street piece, found once."""
    speeds, known = study.territory.speeds, study.streets.worked_out.seconds
    key = ("line changes", speeds.model_dump_json())
    if key not in known:
        known[key] = edge_times(study.streets, "car", speeds)
    found: Times = known[key]
    return found


def _named(one: Asked) -> Iterator[tuple[str | NewCall, int]]:
    """Yield the stops of a new way as the change names them, and their places in the feed."""
    change = one.change
    names = (change.from_stop, *change.stops, change.to_stop)
    return zip((name for name in names if name is not None), one.stops, strict=True)


def parts_of(tt: Timetable, trips: Int64) -> Iterator[Part]:
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


def clock_s(tt: Timetable, part: Part) -> int:
    """Return when a trip leaves, seconds of its service day."""
    return int(tt.call_dep[part.first]) - DAY_S * int(tt.run_day[part.run])


def parts_changed(study: Study, network: DayNetwork, one: Asked) -> list[Part]:
    """Return the trips of a kind of day that a change is about.

    With a section between stops that follow each other, those that go from one to the other.
    """
    tt, change = network.timetable, one.change
    days = {day: _on_day(study, network.kind, day, change.days) for day in (-1, 0, 1)}
    low, high = hours_of(change)
    found = [
        part
        for part in parts_of(tt, one.trips)
        if days[int(tt.run_day[part.run])]
        and (change.start is None or low <= clock_s(tt, part) < high)
    ]
    if change.how != "reroute" or change.from_stop is None:
        return found
    stops, (first, *_, last) = tt.call_stop, one.stops
    legs = np.flatnonzero((stops[:-1] == first) & (stops[1:] == last))
    # The first leg from each call on is within the trip, or none is.
    place = np.searchsorted(legs, [part.first for part in found])
    upto = np.append(legs, tt.n_calls)[place]
    return [part for part, leg in zip(found, upto.tolist(), strict=True) if leg < part.last]


def hours_of(change: LineChange) -> tuple[int, int]:
    """Return the hours of a change, seconds of the service day; the second is the later."""
    low, high = change.start or 0, change.end or 0
    return low, high if high > low else high + DAY_S


def _on_day(study: Study, kind: str, offset: int, kinds: Sequence[str]) -> bool:
    """Whether the service day so far from a study date is of one of some kinds."""
    days = {day.kind: day for day in study.days}
    weekday = WEEKDAYS[(days[kind].date + dt.timedelta(days=offset)).weekday()]
    if not kinds or offset == 0 or weekday in days[kind].weekdays:
        return not kinds or kind in kinds
    return any(weekday in days[name].weekdays for name in kinds)


def drive_s(study: Study, one: Asked, leg: Leg) -> int:
    """Return the seconds by car between two stops of a new way."""
    if leg not in one.legs:
        names = [
            stop.name if isinstance(stop, NewCall) else study.feed.stop_names[place]
            for end in leg
            for stop, place in _named(one)
            if place == end
        ]
        raise one.wrong(
            study,
            "stops",
            "There is no way to drive from one stop to the next.",
            " → ".join(dict.fromkeys(names)),
            "Place the stop near a street for cars.",
        )
    return one.legs[leg]
