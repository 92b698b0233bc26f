"""One or more timetables as checked tables: what `mobility.sources.gtfs.read` reads.

And what tells their platforms from stations, and one kind of vehicle from another.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.clock import today
from mobility.base.errors import Finding
from mobility.base.ledger import SourceLedger

CALENDARS = "calendar.txt, calendar_dates.txt"
EARTH_M = 6_371_009.0
#: A calendar longer than this is a formality: its exceptions tell the real period.
_MAX_SPAN_DAYS = 1200
#: Days counted at once.
_CHUNK_DAYS = 1000
#: What merging puts before an id.
_NUMBER = re.compile(r"\d+:")
_HEADWAY = ("start_s", "end_s", "headway_s")
#: Exceptions over fewer days than these tell no period, only a holiday or two.
_TELLING_DAYS = 56
_MODES: tuple[tuple[range, str], ...] = (
    (range(100, 200), "rail"),
    (range(200, 300), "coach"),
    (range(400, 405), "metro"),
    (range(405, 406), "monorail"),
    (range(700, 800), "bus"),
    (range(800, 900), "trolleybus"),
    (range(900, 1000), "tram"),
    (range(1000, 1100), "ferry"),
    (range(1200, 1300), "ferry"),
    (range(1300, 1400), "cable"),
    (range(1400, 1500), "funicular"),
    (range(1500, 1600), "taxi"),
)
_BASIC = ("tram", "metro", "rail", "bus", "ferry", "cable", "cable", "funicular")
# Values of location_type and of transfer_type, as the reference of GTFS numbers them.
_PLATFORM, ENTRANCE, _BOARDING_AREA = 0, 2, 4
TIMED, MINIMUM, IMPOSSIBLE = 1, 2, 3


@dataclass(frozen=True, eq=False)
class Services:
    """When each service runs: week patterns over periods, then exceptions.

    Attributes
    ----------
    ids
        Service ids; services are indices into them.
    row_service, row_start, row_end, row_week
        Rows of calendar.txt: service, first and last day (proleptic ordinals, both
        included), and bool[rows, 7] from Monday to Sunday.
    exception_service, exception_day, exception_added
        Rows of calendar_dates.txt, in any order. A removal wins over an addition.
    """

    ids: tuple[str, ...]
    row_service: NDArray[np.int32]
    row_start: NDArray[np.int32]
    row_end: NDArray[np.int32]
    row_week: NDArray[np.bool_]
    exception_service: NDArray[np.int32]
    exception_day: NDArray[np.int32]
    exception_added: NDArray[np.bool_]

    def on(self, date: dt.date) -> NDArray[np.bool_]:
        """Return bool[services]: which of them run on ``date``."""
        day = date.toordinal()
        return self.between(day, day)[:, 0]

    def between(self, first: int, last: int) -> NDArray[np.bool_]:
        """Return bool[services, days] from ordinal ``first`` to ``last``, both included."""
        days = np.arange(first, last + 1)
        active = np.zeros((len(self.ids), days.size), np.bool_)
        # Ordinal 1 was a Monday.
        weekday = (days - 1) % 7
        for service, start, end, week in zip(
            self.row_service, self.row_start, self.row_end, self.row_week, strict=True
        ):
            low, high = max(start, first) - first, min(end, last) - first + 1
            if low < high:
                active[service, low:high] |= week[weekday[low:high]]
        inside = (self.exception_day >= first) & (self.exception_day <= last)
        # In this order, so that a removal wins over an addition.
        for added in (True, False):
            rows = inside & (self.exception_added == added)
            active[self.exception_service[rows], self.exception_day[rows] - first] = added
        return active

    def dates(self, service_id: str) -> list[dt.date]:
        """Return the sorted dates on which a service runs."""
        span = self.whole_span
        if span is None or service_id not in self.ids:
            return []
        active = self.between(*span)[self.ids.index(service_id)]
        return [dt.date.fromordinal(span[0] + int(k)) for k in np.flatnonzero(active)]

    @property
    def whole_span(self) -> tuple[int, int] | None:
        """First and last ordinal of the calendar and of what its exceptions add."""
        exceptions = self.exception_day[self.exception_added]
        lows = [a.min() for a in (self.row_start, exceptions) if a.size]
        highs = [a.max() for a in (self.row_end, exceptions) if a.size]
        return (int(min(lows)), int(max(highs))) if lows else None

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last ordinal of the dates looked at.

        Of a week pattern over more than `_MAX_SPAN_DAYS` those are the dates of the exceptions;
        where these tell no period either, last year, this one and the next.
        """
        long = self.row_end - self.row_start > _MAX_SPAN_DAYS
        if not long.any():
            return self.whole_span
        first, last = self._telling()
        rows = np.column_stack([self.row_start, self.row_end]).astype(np.int64)
        inside = np.column_stack([np.maximum(rows[:, 0], first), np.minimum(rows[:, 1], last)])
        met = long & (inside[:, 0] <= inside[:, 1])
        rows[met] = inside[met]
        # A long pattern that ends sooner or begins later: as many days of it as may be.
        over, ahead = long & (rows[:, 1] < first), long & (rows[:, 0] > last)
        rows[over, 0] = rows[over, 1] - _MAX_SPAN_DAYS
        rows[ahead, 1] = rows[ahead, 0] + _MAX_SPAN_DAYS
        added = self.exception_day[self.exception_added & (self.exception_day <= last)]
        days = np.concatenate([rows.ravel(), added[added >= first]])
        return int(days.min()), int(days.max())

    def _telling(self) -> tuple[int, int]:
        """Return the first and last ordinal of interest in calendars without an end."""
        days = self.exception_day
        if days.size and _TELLING_DAYS <= days.max() - days.min() <= _MAX_SPAN_DAYS:
            return int(days.min()), int(days.max())
        year = today().year
        return dt.date(year - 1, 1, 1).toordinal(), dt.date(year + 1, 12, 31).toordinal()


@dataclass(frozen=True, eq=False)
class Feed:
    """Checked tables of one or more GTFS feeds; ids are unique text, links are indices.

    Attributes
    ----------
    stops
        ``stop_id, stop_name, lon, lat, parent_station, parent (int32, -1 none),
        location_type (int8), wheelchair_boarding (int8), platform_code, network (int16),
        on_demand (bool), copy_of (int32, -1 for the feed's own stops, see
        `mobility.sources.gtfs.extras`)``; the row number is the stop index. Coordinates in
        degrees (EPSG:4326), NaN if unknown.
    routes
        ``route_id, agency_id, short_name, long_name, route_type (int16, extended types
        kept), color, text_color, timezone, network``.
    trips
        ``trip_id, route_id, service_id, headsign, direction_id (int8, -1 unknown),
        block_id, shape_id, route (int32), service (int32, -1 unknown), network, on_demand
        (bool: with calls in a zone or a window)``; the row number is the trip index.
    stop_times
        ``trip (int32), stop (int32), sequence (int32), arrival_s (int32), departure_s
        (int32), pickup (int8), dropoff (int8), timepoint (bool), filled (bool)``, sorted by
        (trip, sequence); seconds since noon minus 12 h of the service day in the route's time
        zone. ``filled`` times are not in the feed, those of no ``timepoint`` are approximate.
    services
        When services run.
    transfers
        ``from_stop, to_stop (int32, -1 none), from_route, to_route, from_trip, to_trip
        (int32, -1 none), kind (int8), min_s (int32, -1 none)``. Routes and trips only for
        riders who stay aboard (kinds 4 and 5).
    frequencies
        ``trip (int32), start_s, end_s, headway_s (int32), exact (bool)``.
    pathways
        ``from_stop, to_stop (int32), mode (int8), both_ways (bool), traversal_s (float64,
        NaN unknown), length_m (float64, NaN unknown)``.
    agencies
        ``agency_id, agency_name, timezone, url, network``.
    feed_info
        Rows of feed_info.txt and attributions.txt as text, with ``network``, and ``start_day,
        end_day (int32)``: ordinals of the period for which the feed holds, 0 unknown.
    networks
        Name of each feed, in the order given; columns ``network`` are indices into it.
    findings
        What was found while reading.
    rows
        What became of the rows of each table.
    """

    stops: pd.DataFrame
    routes: pd.DataFrame
    trips: pd.DataFrame
    stop_times: pd.DataFrame
    services: Services
    transfers: pd.DataFrame
    frequencies: pd.DataFrame
    pathways: pd.DataFrame
    agencies: pd.DataFrame
    feed_info: pd.DataFrame
    networks: tuple[str, ...]
    findings: tuple[Finding, ...]
    rows: tuple[SourceLedger, ...] = ()

    @property
    def n_stops(self) -> int:
        """Number of stops of all location types."""
        return len(self.stops)

    @cached_property
    def trip_ptr(self) -> NDArray[np.int64]:
        """int64[trips + 1]; stop times of trip t are ``trip_ptr[t]:trip_ptr[t + 1]``."""
        ptr = np.zeros(len(self.trips) + 1, np.int64)
        counts = np.bincount(self.stop_times["trip"].to_numpy(), minlength=len(self.trips))
        np.cumsum(counts, out=ptr[1:])
        return ptr

    @cached_property
    def runnable(self) -> NDArray[np.bool_]:
        """bool[trips]; trips with at least two stop times."""
        return np.diff(self.trip_ptr) >= 2

    @cached_property
    def stop_names(self) -> tuple[str, ...]:
        """Name of each stop."""
        return tuple(map(str, self.stops["stop_name"]))

    @cached_property
    def trip_ids(self) -> tuple[str, ...]:
        """Id of each trip."""
        return tuple(map(str, self.trips["trip_id"]))

    def names_of(self, identifier: str) -> tuple[str, ...]:
        """Return an id and what it may be called in the files of a feed merged into this one."""
        names = [identifier]
        while len(self.networks) > 1 and (number := _NUMBER.match(names[-1])):
            names.append(names[-1][number.end() :])
        return tuple(names)

    @cached_property
    def trip_of_name(self) -> dict[str, int]:
        """Trip of each `names_of`; not of those that several feeds have."""
        found = {name: k for k, name in enumerate(self.trip_ids)}
        bare = [(name, k) for k, t in enumerate(self.trip_ids) for name in self.names_of(t)[1:]]
        count = Counter(name for name, _ in bare)
        return {name: k for name, k in bare if count[name] == 1} | found

    @cached_property
    def headsigns(self) -> tuple[str, ...]:
        """Headsign of each trip, empty where it has none."""
        return tuple(str(text or "") for text in self.trips["headsign"])

    @cached_property
    def line_names(self) -> tuple[str, ...]:
        """Public name of the line of each trip: its short name, else its long one, else its id."""
        columns = [self.routes[name] for name in ("short_name", "long_name", "route_id")]
        named = [
            next((name for name in names if isinstance(name, str) and name), "")
            for names in zip(*columns, strict=True)
        ]
        return tuple(named[route] for route in self.trips["route"])

    def is_approximate(self, trip: int, stop: int) -> bool:
        """Whether the feed does not give the time of a trip at a stop: a headway, no timepoint."""
        loose_trips, untimed, stops, timed = self._loose
        if trip in loose_trips:
            return True
        calls = slice(self.trip_ptr[trip], self.trip_ptr[trip + 1])
        return bool(untimed[trip] and (~timed[calls] & (stops[calls] == stop)).any())

    @cached_property
    def _loose(
        self,
    ) -> tuple[frozenset[int], NDArray[np.bool_], NDArray[np.int32], NDArray[np.bool_]]:
        """Trips at a headway; those with untimed calls; stop of each call, whether it is timed."""
        loose = self.frequencies.loc[~self.frequencies["exact"], "trip"]
        stop, timed = (self.stop_times[name].to_numpy() for name in ("stop", "timepoint"))
        trips = self.trip_ptr.searchsorted(np.flatnonzero(~timed), side="right") - 1
        untimed = np.zeros(len(self.trip_ptr) - 1, dtype=bool)
        untimed[trips] = True
        return frozenset(loose.tolist()), untimed, stop, timed

    @cached_property
    def own_stop(self) -> NDArray[np.int64]:
        """int64[stops]; the stop itself, or the one it is a copy of."""
        copy_of = self.stops["copy_of"].to_numpy(np.int64)
        return np.where(copy_of >= 0, copy_of, np.arange(self.n_stops))

    def lonlat(self) -> NDArray[np.float64]:
        """Return float64[stops, 2] degrees, not to be written to."""
        return self._lonlat

    @cached_property
    def _lonlat(self) -> NDArray[np.float64]:
        return self.stops[["lon", "lat"]].to_numpy(np.float64)

    def metres(
        self, one: NDArray[np.integer[Any]], two: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """Return float64[n]: metres from stops to others, by index, right for short ways."""
        lon, lat = np.radians(self.lonlat()).T
        east = (lon[two] - lon[one]) * np.cos((lat[one] + lat[two]) / 2)
        return np.asarray(EARTH_M * np.hypot(east, lat[two] - lat[one]))

    def trips_on(self, date: dt.date) -> NDArray[np.int64]:
        """Return the indices of the trips with stop times that run on service day ``date``."""
        service = self.trips["service"].to_numpy()
        active = np.append(self.services.on(date), False)[service]
        return np.flatnonzero(active & self.runnable)

    @cached_property
    def departures(self) -> NDArray[np.int64]:
        """int64[trips]: how often each runs on a day of its service, headways counted."""
        found = np.ones(len(self.trips), np.int64)
        table = self.frequencies
        start, end, headway = (table[c].to_numpy(np.int64) for c in _HEADWAY)
        found[table["trip"]] = 0
        np.add.at(found, table["trip"], np.maximum(-((start - end) // headway), 0))
        return found

    def trips_per_day(
        self, group: NDArray[np.integer[Any]] | None = None, *, departures: bool = False
    ) -> pd.DataFrame:
        """Return the number of trips running on each date of the calendar.

        Parameters
        ----------
        group
            int[trips]; one column per group 0, 1, ...; trips of group -1 are not counted.
            One group of all trips by default.
        departures
            Whether a trip of a headway counts as often as it runs.
        """
        span = self.services.span
        groups = np.zeros(len(self.trips), np.int64) if group is None else group
        n_groups = int(groups.max(initial=0)) + 1
        if span is None:
            return pd.DataFrame(np.zeros((0, n_groups), np.int64))
        service = self.trips["service"].to_numpy()
        # Where all trips are on demand, they tell the calendar.
        keep = (self.runnable | ~self.runnable.any()) & (service >= 0) & (groups >= 0)
        weight = np.zeros((len(self.services.ids), n_groups), np.int64)
        runs = self.departures[keep] if departures else 1
        np.add.at(weight, (service[keep], groups[keep]), runs)
        used = np.flatnonzero(weight.any(axis=1))
        ends = range(span[0], span[1] + 1, _CHUNK_DAYS)
        # The product of floats is done by BLAS, that of integers is not.
        parts = [
            self.services.between(low, min(low + _CHUNK_DAYS - 1, span[1]))[used].T.astype(
                np.float64
            )
            @ weight[used]
            for low in ends
        ]
        counts = np.concatenate(parts)
        dates = [dt.date.fromordinal(d) for d in range(span[0], span[1] + 1)]
        index = pd.Index(dates, dtype=object)
        return pd.DataFrame(counts.astype(np.int64), index=index)

    @cached_property
    def agency_of_trip(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Names of the networks inside the feed (agencies), and the one of each trip."""
        agencies = self.agencies.drop_duplicates(["network", "agency_id"])
        names = agencies["agency_name"].where(agencies["agency_name"] != "", "?").tolist()
        place = {
            key: k
            for k, key in enumerate(zip(agencies["network"], agencies["agency_id"], strict=True))
        }
        keys = zip(self.routes["network"], self.routes["agency_id"], strict=True)
        of_route = np.array([place.get(key, -1) for key in keys], np.int64)
        return tuple(names), of_route[self.trips["route"].to_numpy()]

    @cached_property
    def announced(self) -> dict[int, tuple[int, int]]:
        """First and last ordinal for which each network's feed_info.txt says that it holds."""
        found: dict[int, tuple[int, int]] = {}
        info = self.feed_info[["network", "start_day", "end_day"]]
        for network, start, end in info.itertuples(index=False):
            if start or end:
                low, high = found.get(network, (0, dt.date.max.toordinal()))
                found[int(network)] = max(low, int(start)), min(high, int(end) or high)
        return found

    @cached_property
    def period(self) -> tuple[dt.date, dt.date] | None:
        """First and last date on which a trip runs; None when none ever does."""
        counts = self.trips_per_day()[0]
        days = counts.index[counts > 0]
        return (days[0], days[-1]) if len(days) else None


def network_name(path: Path) -> str:
    """Return how a feed is called: its file's name, or its folder's for a bare "gtfs.zip"."""
    stem = path.name.removesuffix(".zip")
    return path.parent.name or stem if stem.lower() == "gtfs" else stem


def route_mode(route_type: int) -> str:
    """Return the vehicle of a basic or extended GTFS route type, ``"bus"`` when unknown."""
    if 0 <= route_type < len(_BASIC):
        return _BASIC[route_type]
    if route_type in (11, 12):
        return "trolleybus" if route_type == 11 else "monorail"
    return next((name for types, name in _MODES if route_type in types), "bus")


def is_platform(stops: pd.DataFrame) -> NDArray[np.bool_]:
    """Return bool[stops]: where vehicles stop (platforms and boarding areas)."""
    return np.isin(stops["location_type"].to_numpy(), (_PLATFORM, _BOARDING_AREA))


def for_platforms(rules: pd.DataFrame, column: str, stops: pd.DataFrame) -> pd.DataFrame:
    """Return rows that name stops in a column, stations replaced by each of their platforms."""
    parent = stops["parent"].to_numpy()
    members = np.flatnonzero(is_platform(stops))
    station = np.where(parent[members] >= 0, parent[members], members)
    # A boarding area hangs under a platform, which hangs under the station.
    above = np.where(parent[station] >= 0, parent[station], station)
    links = pd.DataFrame(
        {
            column: np.concatenate([members, station, above]),
            "member": np.concatenate([members, members, members]),
        }
    ).drop_duplicates()
    found = rules.reset_index().merge(links, on=column, how="inner")
    found[column] = found["member"]
    return found.drop(columns=["member"]).set_index("index").sort_index(kind="stable")
