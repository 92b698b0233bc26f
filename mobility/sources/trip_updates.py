"""How late each run was at its calls: as observed, and as GTFS-Realtime archived it."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.base.arrays import Int32, Int64
from mobility.base.clock import axis_origin_utc
from mobility.base.errors import SourceError
from mobility.sources.gtfs.feed import Feed
from mobility.sources.layers import need_file

_PACKAGE = "google.transit.gtfs_realtime_pb2"
#: Delay of a cancelled trip, and at a call left out, seconds: no one waits so long.
CANCELLED_S = 2**28
# schedule_relationship of a trip, then of a call, as the reference of GTFS-Realtime numbers them:
# SCHEDULED, UNSCHEDULED (of a trip at a headway without exact times), CANCELED and DELETED (taken
# out without a word to travellers), SKIPPED, NO_DATA.
_SCHEDULED, _UNSCHEDULED, _GONE = 0, 2, (3, 7)
_SKIPPED, _NO_DATA = 1, 2
#: A message that gives no time is of its own day, but for a trip this near of the day beside it.
_NEAR_S = 3 * 3600
_WHOLE = (-1, -1)
"""In the place of stop and visit: the whole trip."""
_Run = tuple[int, dt.date, int]
_Late = dict[tuple[int, int], tuple[int, int]]
_COLUMNS = ["trip", "date", "start_s", "stop", "visit", "arrival_s", "departure_s"]


@dataclass(frozen=True, eq=False)
class ObservedDelays:
    """Delays of trips on dates.

    Attributes
    ----------
    rows
        ``trip`` (index), ``date``, ``start_s`` (which run of a trip at a headway: its first
        departure, seconds of the service day; -1 of any other trip, and all runs), ``stop``
        (index of the feed's own stop, -1 the whole trip), ``visit`` (0 the trip's first call
        there; -1 each), ``arrival_s`` and ``departure_s`` (seconds late; negative early;
        `CANCELLED_S` did not come).
    unknown
        Of an archive, updates about trips, runs or stops that the timetables do not have.
    no_start
        Those about trips at a headway that do not say of which run.
    unplanned
        Those about runs beside the timetables (added, duplicated, replaced).
    """

    rows: pd.DataFrame
    unknown: int = 0
    no_start: int = 0
    unplanned: int = 0

    @property
    def early(self) -> int:
        """How many observations are early."""
        return int((self.rows["arrival_s"] < 0).sum())

    @property
    def n_dates(self) -> int:
        """How many dates were observed."""
        return int(self.rows["date"].nunique())

    @cached_property
    def by_trip(self) -> dict[int, dict[dt.date, dict[int, _Late]]]:
        """Delays by trip, date (in their order) and start of the run, of each stop and visit."""
        found: dict[int, dict[dt.date, dict[int, _Late]]] = {}
        rows = self.rows.sort_values(["trip", "date"], kind="stable")
        for row in rows.itertuples(index=False):
            trip, date, start_s, stop, visit, arrival_s, departure_s = row
            runs = found.setdefault(int(trip), {}).setdefault(date, {})
            late = int(arrival_s), int(departure_s)
            runs.setdefault(int(start_s), {})[int(stop), int(visit)] = late
        return found

    def profile(
        self, trip: int, stops: Int64, start_s: int = -1, within_s: int = 0
    ) -> tuple[Int32, Int32] | None:
        """Return the delays of a run at its calls on each date, two int32 (calls, dates).

        None where it was not observed. Of a trip at a headway it is the run that starts at
        ``start_s`` or, the nearest, at most ``within_s`` from it.

        A stop without observation is as late as the one before it; those before the first
        observation are as late as that one. A vehicle that is early waits for its time.
        """
        days = []
        for runs in self.by_trip[trip].values():
            near = [s for s in runs if s == -1 or abs(s - start_s) <= within_s]
            if near:
                days.append(runs[min(near, key=lambda s: abs(s - start_s))])
        if not days:
            return None
        names = stops.tolist()
        visits = [(stop, names[:k].count(stop)) for k, stop in enumerate(names)]
        found = np.zeros((2, len(stops), len(days)), np.int32)
        for d, known in enumerate(days):
            told = [known.get(at, known.get((at[0], -1))) for at in visits]
            # A vehicle is as late after a stop that it left out as before.
            late = known.get(_WHOLE)
            if late is None:
                first_s = next((one[0] for one in told if one and one[0] < CANCELLED_S), 0)
                late = first_s, first_s
            for k, one in enumerate(told):
                if one is None or one[0] < CANCELLED_S:
                    late = one or (late[1], late[1])
                found[:, k, d] = one or late
        found = np.maximum(found, 0)
        return found[0], found[1]


def read_updates(path: Path, feed: Feed) -> ObservedDelays:
    """Read a file of GTFS-Realtime or, by name, those of a folder; the last word counts.

    Raises
    ------
    SourceError
        A file is no message, or nothing in them is about the timetables.
    """
    files = sorted(path.glob("**/*.pb")) if path.is_dir() else [path]
    try:
        messages = importlib.import_module(_PACKAGE)
    except ImportError:
        raise SourceError(
            "GTFS-Realtime needs the package {package}, which is not installed.",
            mend="Install it with: pip install {package}",
            package="gtfs-realtime-bindings",
        ) from None
    planned = _Planned(feed)
    for file in files:
        need_file(file)
        message = messages.FeedMessage()
        try:
            message.ParseFromString(file.read_bytes())
        except Exception as error:  # the library names no error of its own
            raise SourceError(
                "It is no message of GTFS-Realtime.",
                file=file,
                mend="Give trip updates as they were published, one message a file.",
            ) from error
        for entity in message.entity:
            if entity.HasField("trip_update"):
                planned.read(entity.trip_update, message.header.timestamp)
    rows = [
        (*run, *at, *late)
        for run, calls in sorted(planned.late.items())
        for at, late in sorted(calls.items())
    ]
    if not rows:
        raise SourceError(
            "It holds no delay of a trip of the timetables.",
            file=path,
            mend="Give the trip updates of the same networks and period as the GTFS.",
        )
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return ObservedDelays(frame, planned.unknown, planned.no_start, planned.unplanned)


class _Call(NamedTuple):
    """A planned call: ``visit`` counts those of the trip at this stop before it."""

    sequence: int
    stop: int
    visit: int
    arrival_s: int
    departure_s: int


class _Planned:
    """What trip updates are about; ``late`` is their last word on each run."""

    def __init__(self, feed: Feed) -> None:
        self.late: dict[_Run, _Late] = {}
        self.unknown = self.no_start = self.unplanned = 0
        self._feed = feed
        self._stops: list[str] = feed.stops["stop_id"].tolist()
        zones = feed.routes["timezone"].to_numpy()[feed.trips["route"].to_numpy()]
        self._zone = [str(name) for name in zones]
        self._service: list[int] = feed.trips["service"].tolist()
        self._calls: dict[int, list[_Call]] = {}
        self._active: dict[dt.date, Any] = {}
        self._headways: dict[int, list[tuple[int, int, int, bool]]] = {}
        columns = ("trip", "start_s", "end_s", "headway_s", "exact")
        for trip, *row in zip(*(feed.frequencies[c].tolist() for c in columns), strict=True):
            self._headways.setdefault(trip, []).append((row[0], row[1], row[2], row[3]))

    def read(self, update: Any, header_s: int) -> None:
        """Take in one update, of a message of this POSIX time (0: not given)."""
        trip = self._feed.trip_of_name.get(update.trip.trip_id, -1)
        if trip < 0 or not (calls := self._calls_of(trip)):
            self.unknown += 1
            return
        relationship = update.trip.schedule_relationship
        loose = not all(exact for *_, exact in self._headways.get(trip, ()))
        if relationship not in (_SCHEDULED, *_GONE) and not (
            relationship == _UNSCHEDULED and loose
        ):
            self.unplanned += 1
            return
        start_s, shift_s = -1, 0
        if trip in self._headways:
            start_s = _clock(update.trip.start_time)
            if start_s < 0:
                self.no_start += 1
                return
            shift_s = start_s - calls[0].departure_s
        day = self._date(trip, update, header_s, shift_s)
        if day is None or not (loose or self._leaves(trip, start_s)):
            self.unknown += 1
            return
        late = self.late.setdefault((trip, day, start_s), {})
        if relationship in _GONE:
            late.clear()
            late[_WHOLE] = CANCELLED_S, CANCELLED_S
            return
        late.pop(_WHOLE, None)  # a trip that was cancelled and runs after all
        if update.HasField("delay"):
            late[_WHOLE] = _held(update.delay), _held(update.delay)
        origin_s = axis_origin_utc(day, ZoneInfo(self._zone[trip])) + shift_s
        late.update(self._late_at_stops(calls, update.stop_time_update, origin_s, header_s))

    def _calls_of(self, trip: int) -> list[_Call]:
        if trip not in self._calls:
            feed = self._feed
            rows = feed.stop_times.iloc[feed.trip_ptr[trip] : feed.trip_ptr[trip + 1]]
            stops = feed.own_stop[rows["stop"].to_numpy()].tolist()
            visits = [stops[:k].count(stop) for k, stop in enumerate(stops)]
            columns = (rows[c].tolist() for c in ("sequence", "arrival_s", "departure_s"))
            self._calls[trip] = [
                _Call(sequence, stop, visit, arrival_s, departure_s)
                for stop, visit, sequence, arrival_s, departure_s in zip(
                    stops, visits, *columns, strict=True
                )
            ]
        return self._calls[trip]

    def _leaves(self, trip: int, start_s: int) -> bool:
        """Return whether a run of exact times starts then; any trip without a headway does."""
        rows = self._headways.get(trip)
        return rows is None or any(
            low <= start_s < high and (start_s - low) % step == 0 for low, high, step, _ in rows
        )

    def _date(self, trip: int, update: Any, header_s: int, shift_s: int) -> dt.date | None:
        """Return the service day of an update: as told, else the one whose run is nearest.

        Trips after midnight are of the day before. Of the days on which the trip runs the one
        is taken that is nearest to the first time told. Where only delays are told, or that the
        trip is cancelled, it may be of a run far ahead: the day is that of the message then,
        unless the run of another is near.
        """
        if update.trip.start_date:
            try:
                return dt.datetime.strptime(update.trip.start_date, "%Y%m%d").date()  # noqa: DTZ007
            except ValueError:
                return None
        zone, calls = ZoneInfo(self._zone[trip]), self._calls_of(trip)
        told = (e.time for c in update.stop_time_update for e in (c.arrival, c.departure) if e.time)
        time_s = next(told, 0)
        at_s = time_s or header_s
        try:
            today = dt.datetime.fromtimestamp(at_s, zone).date()
            days = [today + dt.timedelta(days=k) for k in (0, -1, 1)]
        except (OSError, OverflowError, ValueError):
            return None
        if at_s == 0:
            return None

        def away_s(day: dt.date) -> int:
            since_s = at_s - axis_origin_utc(day, zone) - shift_s
            return max(calls[0].arrival_s - since_s, since_s - calls[-1].departure_s, 0)

        days = [day for day in days if self._runs(trip, day)] or days
        nearest = min(days, key=away_s)
        far = not time_s and away_s(nearest) > _NEAR_S
        return today if far and today in days else nearest

    def _runs(self, trip: int, day: dt.date) -> bool:
        if day not in self._active:
            self._active[day] = self._feed.services.on(day)
        service = self._service[trip]
        return service >= 0 and bool(self._active[day][service])

    def _late_at_stops(
        self, calls: list[_Call], told: Sequence[Any], origin_s: int, header_s: int
    ) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield stop and visit, and how late the vehicle came and left."""
        by_sequence = {call.sequence: k for k, call in enumerate(calls)}
        named: list[list[int]] = []
        for one in told:
            place = by_sequence.get(one.stop_sequence) if one.HasField("stop_sequence") else None
            named.append(self._at_stop(calls, one.stop_id) if place is None else [place])
        about_s = [_planned_s(one, header_s) - origin_s for one in told]
        for one, place in zip(told, _places(calls, named, about_s), strict=True):
            if one.schedule_relationship == _NO_DATA:
                continue
            if place is None:
                self.unknown += 1
                continue
            call = calls[place]
            if one.schedule_relationship == _SKIPPED:
                yield (call.stop, call.visit), (CANCELLED_S, CANCELLED_S)
            elif late := _late(one, call, origin_s):
                yield (call.stop, call.visit), late

    def _at_stop(self, calls: list[_Call], stop_id: str) -> list[int]:
        names = self._feed.names_of
        return [k for k, call in enumerate(calls) if stop_id in names(self._stops[call.stop])]


def _places(calls: list[_Call], named: list[list[int]], about_s: list[int]) -> Iterator[int | None]:
    """Yield the call that each update is about, of those it may name.

    Updates stand in the order of calls. Of the calls of a loop at one stop that leave room for the
    updates before and after, the one planned nearest to ``about_s`` (seconds) is meant.
    """
    latest, bound = list[int](), len(calls)
    for places in reversed(named):
        bound = max((k for k in places if k < bound), default=bound)
        latest.append(bound)
    taken = -1
    for places, last, planned_s in zip(named, reversed(latest), about_s, strict=True):
        fit = [k for k in places if taken < k <= last] or places
        if fit:
            taken = min(fit, key=lambda k: abs(calls[k].arrival_s - planned_s))
        yield taken if fit else None


def _planned_s(told: Any, header_s: int) -> int:
    """Return when a call is planned, as POSIX time and as near as its update tells alone."""
    event = told.arrival if told.HasField("arrival") else told.departure
    return int(event.time or header_s - event.delay)


def _late(told: Any, call: _Call, origin_s: int) -> tuple[int, int] | None:
    late = []
    for name, planned_s in (("arrival", call.arrival_s), ("departure", call.departure_s)):
        event = getattr(told, name)
        # Where both are given the reference lets the time hold.
        if event.time:
            late.append(_held(event.time - origin_s - planned_s))
        elif event.HasField("delay"):
            late.append(_held(event.delay))
    if not late:
        return None
    # The later event holds where only one is told; a departure is never before the arrival.
    return late[0], max(late[-1], late[0] - (call.departure_s - call.arrival_s))


def _held(late_s: int) -> int:
    return min(max(int(late_s), -CANCELLED_S), CANCELLED_S)


def _clock(text: str) -> int:
    """Return the seconds of ``HH:MM:SS`` (hours beyond 24 too), -1 where it is none."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        return -1
    hours, minutes, seconds = (int(part) for part in parts)
    return hours * 3600 + minutes * 60 + seconds
