"""Vehicles as they really run: delays of every trip on some days, observed or drawn.

A trip that was observed runs as on one of its dates, the same one for all trips as far as they have
it. Any other is late at its first stop, and gathers more on the way: both exponential, of means
given per trip and per hour of ride. What a vehicle is late at the end of a trip beyond its layover,
it is late at the start of the next.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from mobility.base.arrays import Bool, Float, Int32, Int64
from mobility.base.clock import axis_origin_utc
from mobility.sources.gtfs.read import Feed
from mobility.sources.trip_updates import CANCELLED_S, ObservedDelays
from mobility.timetable.arrays import Timetable

Origin = tuple[dt.date, ZoneInfo]


@dataclass(frozen=True, eq=False)
class DelayDraws:
    """Some days of delays.

    Attributes
    ----------
    draws, seed
        How many days, and what makes them the same again. A trip's delays depend on these, on
        its id and its service day alone, not on what else is asked.
    start_s, per_hour_s
        Mean delay at the first stop, and mean growth per hour of ride.
    scale
        All delays are multiplied by it.
    """

    feed: Feed
    draws: int
    seed: int
    start_s: float
    per_hour_s: float
    scale: float = 1.0
    observed: ObservedDelays | None = None

    def real_times(self, tt: Timetable, run: int, origin: Origin) -> tuple[Int32, Int32]:
        """Return real arrivals and departures of a run, int32 (calls, draws), axis seconds.

        ``origin`` is the date of the timetable's axis, and the time zone of the territory.
        """
        calls = np.arange(tt.run_ptr[run], tt.run_ptr[run + 1])
        at_headway = bool((tt.call_arr[calls] > tt.call_dep[calls]).any())
        arrivals: list[Int32] = []
        departures: list[Int32] = []
        for part in np.split(calls, np.flatnonzero(np.diff(tt.call_trip[calls])) + 1):
            arrival_s, departure_s = self._trip(tt, run, part, origin, at_headway=at_headway)
            if arrivals and not at_headway:
                # The next trip of a cancelled one, or of one cut short, has its own word.
                came_s = np.where(_came(arrivals[-1]), arrivals[-1], -CANCELLED_S).max(axis=0)
                push = np.maximum(came_s - departure_s[0], 0)
                arrival_s, departure_s = arrival_s + push, departure_s + push
            arrivals.append(arrival_s)
            departures.append(departure_s)
        return np.concatenate(arrivals), np.concatenate(departures)

    def _trip(
        self, tt: Timetable, run: int, calls: Int64, origin: Origin, *, at_headway: bool
    ) -> tuple[Int32, Int32]:
        trip, day = int(tt.call_trip[calls[0]]), int(tt.run_day[run])
        planned = tt.call_arr[calls, None], tt.call_dep[calls, None]
        first_s = int(tt.call_dep[calls[0]])
        late = None
        if self.observed is not None and trip in self.observed.by_trip:
            stops, start_s, within_s = self.feed.own_stop[tt.call_stop[calls]], -1, 0
            if trip in self._frequent:
                start_s = first_s - self._shift_s(trip, day, origin)
                # Who is promised no times but a headway takes the vehicle that comes in it.
                within_s = max(0, int(tt.call_arr[calls[0]]) - first_s)
            late = self.observed.profile(trip, stops, start_s, within_s)
        if late is not None:
            dates = (self._days * late[0].shape[1]).astype(np.int64)
            arrival_s, departure_s = (
                (p + np.minimum(np.rint(self.scale * one[:, dates]), CANCELLED_S)).astype(np.int32)
                for p, one in zip(planned, late, strict=True)
            )
            return (arrival_s, departure_s) if at_headway else _in_order(arrival_s, departure_s)
        name = self._ids[trip] if trip >= 0 else f"{tt.call_stop[calls[0]]}"
        # Many vehicles may run as one trip at a headway, or as none of the feed.
        told_apart = f"{first_s}" if trip < 0 or trip in self._frequent else ""
        start, growth = self._stream(f"{name}|{day}|{told_apart}").standard_exponential(
            (2, self.draws)
        )
        arrival_s, departure_s = (
            (p + self._late(start, growth, np.maximum(p - first_s, 0))).astype(np.int32)
            for p in planned
        )
        return arrival_s, departure_s

    def _shift_s(self, trip: int, day: int, origin: Origin) -> int:
        """Return the axis second at which the service day of a trip begins."""
        date, zone = origin
        route = self.feed.trips["route"].to_numpy()[trip]
        theirs = ZoneInfo(str(self.feed.routes["timezone"].to_numpy()[route]))
        begins = axis_origin_utc(date + dt.timedelta(days=day), theirs)
        return begins - axis_origin_utc(date, zone)

    def _late(self, start: Float, growth: Float, since_s: Int32) -> Float:
        late = self.start_s * start + self.per_hour_s * growth * (since_s / 3600)
        return np.rint(self.scale * late)

    def _stream(self, name: str) -> np.random.Generator:
        key = hashlib.blake2b(f"{self.seed}|{name}".encode(), digest_size=16).digest()
        return np.random.Generator(np.random.Philox(key=np.frombuffer(key, np.uint64)))

    @cached_property
    def _days(self) -> Float:
        """The date of each draw, as a part of the dates observed."""
        return self._stream("|dates").random(self.draws)

    @cached_property
    def _ids(self) -> list[str]:
        return [str(name) for name in self.feed.trips["trip_id"]]

    @cached_property
    def _frequent(self) -> frozenset[int]:
        return frozenset(self.feed.frequencies["trip"].tolist())


def _came(times_s: Int32) -> Bool:
    """Return which calls are of a vehicle that came; the others are years away."""
    return np.asarray(times_s < CANCELLED_S // 2)


def _in_order(arrival_s: Int32, departure_s: Int32) -> tuple[Int32, Int32]:
    """Return times that do not run back: a vehicle that made up time has waited for nobody."""
    both = np.stack([arrival_s, departure_s], axis=1).reshape(-1, arrival_s.shape[1])
    # A call left out holds up none of those after it.
    came = np.where(_came(both), both, -CANCELLED_S)
    both = np.maximum(both, np.maximum.accumulate(came, axis=0))
    return both[0::2], both[1::2]
