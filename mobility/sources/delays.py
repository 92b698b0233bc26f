"""Delays that were observed: a table, or an archive of GTFS-Realtime trip updates."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.clock import axis_origin_utc
from mobility.base.errors import SourceError
from mobility.sources.columns import Table
from mobility.sources.gtfs.feed import Feed
from mobility.sources.layers import need_file
from mobility.sources.tables import read_table

_PACKAGE = "google.transit.gtfs_realtime_pb2"
#: Delay of a cancelled trip, seconds: no one waits so long.
CANCELLED_S = 2**28
# schedule_relationship of a trip, then of a call, as the reference of GTFS-Realtime numbers them:
# CANCELED and DELETED (taken out without a word to travellers), SKIPPED, NO_DATA.
_GONE = (3, 7)
_SKIPPED, _NO_DATA = 1, 2
_Int32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ObservedDelays:
    """Delays of trips on dates.

    Attributes
    ----------
    rows
        ``trip`` (index), ``date``, ``stop`` (index of the feed's own stop, -1 the whole trip),
        ``arrival_s`` and ``departure_s`` (seconds late; negative early), by trip and date.
    unknown
        Updates about trips or stops that the timetables do not have (archives only).
    """

    rows: pd.DataFrame
    unknown: int = 0

    @property
    def early(self) -> int:
        """How many observations are early."""
        return int((self.rows["arrival_s"] < 0).sum())

    @property
    def n_dates(self) -> int:
        """How many dates were observed."""
        return int(self.rows["date"].nunique())

    @cached_property
    def by_trip(self) -> dict[int, list[pd.DataFrame]]:
        """The rows of each trip, a frame per date, in the order of dates."""
        return {
            cast("int", trip): [one for _, one in rows.groupby("date", sort=True)]
            for trip, rows in self.rows.groupby("trip", sort=True)
        }

    def profile(self, trip: int, stops: NDArray[np.int64]) -> tuple[_Int32, _Int32]:
        """Return the delays of a trip at its calls on each date, two int32 (calls, dates).

        A stop without observation is as late as the one before it; those before the first
        observation are as late as that one. A vehicle that is early waits for its time.
        """
        days = self.by_trip[trip]
        found = np.zeros((2, len(stops), len(days)), np.int32)
        for d, rows in enumerate(days):
            late_s = rows[["stop", "arrival_s", "departure_s"]].to_numpy(np.int64).tolist()
            known = {stop: (came_s, left_s) for stop, came_s, left_s in late_s}
            late = known.get(-1)
            first = late or next((known[int(s)] for s in stops if int(s) in known), (0, 0))
            late = (first[0], first[0]) if late is None else late
            for k, stop in enumerate(stops):
                late = known.get(int(stop), (late[1], late[1]))
                found[:, k, d] = late
        found = np.maximum(found, 0)
        return found[0], found[1]


def read_delays(path: Path, feed: Feed, zone: ZoneInfo) -> ObservedDelays:
    """Read observed delays.

    Parameters
    ----------
    path
        A table (CSV, workbook) with ``trip_id``, ``date`` (YYYY-MM-DD or YYYYMMDD), and
        ``delay_s`` or both ``arrival_delay_s`` and ``departure_delay_s`` (seconds, negative early);
        ``stop_id`` where the delay is one at a stop. Else a ``.pb`` file of GTFS-Realtime, or a
        folder of such, of which the last word on each trip, date and stop is kept.
    feed, zone
        The timetables, and the time zone of the territory.

    Raises
    ------
    SourceError
        The file is wrong or empty; names row, column, value and mend.
    """
    if path.is_dir() or path.suffix.lower() == ".pb":
        return _archive(path, feed, zone)
    need_file(path)
    table = read_table(path)
    names = table.texts(table.need("trip_id"))
    trips = pd.Index(feed.trips["trip_id"]).get_indexer(names)
    problem = "The timetables have no such trip."
    mend = "Use the trip_id of the GTFS given, or leave the row out."
    table.refuse(trips < 0, "trip_id", problem, mend, shown=names)
    dates = table.texts(table.need("date"))
    days = pd.to_datetime(dates.str.replace("-", ""), format="%Y%m%d", errors="coerce")
    table.refuse(
        days.isna().to_numpy(),
        "date",
        "It is no date.",
        "Write dates as 2026-11-17 or 20261117.",
        shown=dates,
    )
    arrival_s, departure_s = _seconds(table)
    frame = pd.DataFrame({
        "trip": trips, "date": days.dt.date.to_numpy(), "stop": _stops(table, feed, trips),
        "arrival_s": arrival_s, "departure_s": departure_s,
    })  # fmt: skip
    _refuse_negative_dwell(table, feed, frame)
    twice = frame.duplicated(["trip", "date", "stop"]).to_numpy()
    problem = "This trip has two delays on one date at one stop."
    table.refuse(twice, "trip_id", problem, "Keep one of them.", shown=names)
    return ObservedDelays(frame.sort_values(["trip", "date", "stop"], ignore_index=True))


def _seconds(table: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    whole = table.find("delay_s")
    names = (whole, whole) if whole else ("arrival_delay_s", "departure_delay_s")
    arrival_s, departure_s = (np.asarray(table.numbers(table.need(name))).round() for name in names)
    for name, seconds in zip(names, (arrival_s, departure_s), strict=True):
        table.refuse(
            np.abs(seconds) > 86_400,
            str(name),
            "A delay is within a day.",
            "Give delays in seconds.",
            shown=table.texts(table.need(name)),
        )
    return arrival_s, departure_s


def _stops(table: Table, feed: Feed, trips: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the stop of each row, -1 for the whole trip."""
    column = table.find("stop_id")
    if column is None:
        return np.full(len(trips), -1)
    texts = table.texts(column)
    stops = pd.Index(feed.stops["stop_id"]).get_indexer(texts)
    given = (texts != "").to_numpy()
    calls = set(_calls(feed)["key"])
    called = np.array([key in calls for key in zip(trips.tolist(), stops.tolist(), strict=True)])
    table.refuse(
        given & ~called,
        "stop_id",
        "The trip does not call at this stop.",
        "Use a stop_id of the trip, or leave it empty for the whole trip.",
        shown=texts,
    )
    return np.where(given, stops, -1)


def _calls(feed: Feed) -> pd.DataFrame:
    """Return the calls of the feed, with the pair of trip and own stop."""
    calls = feed.stop_times
    trips = calls["trip"].to_numpy().tolist()
    stops = feed.own_stop[calls["stop"].to_numpy()].tolist()
    keys: list[Any] = list(zip(trips, stops, strict=True))
    return calls.assign(own=stops, key=keys)


def _refuse_negative_dwell(table: Table, feed: Feed, frame: pd.DataFrame) -> None:
    calls = _calls(feed)
    dwell_s = (calls["departure_s"] - calls["arrival_s"]).groupby(calls["key"]).max()
    keys = [tuple(pair) for pair in frame[["trip", "stop"]].to_numpy().tolist()]
    planned_s = dwell_s.reindex(pd.Index(keys, tupleize_cols=False)).fillna(0).to_numpy()
    bad = planned_s + frame["departure_s"].to_numpy() - frame["arrival_s"].to_numpy() < 0
    if bad.any():
        name = "departure_delay_s"
        table.refuse(
            bad,
            name,
            "The vehicle leaves before it has come.",
            "Correct one of the two delays of this row.",
            shown=table.texts(table.need(name)),
        )


def _archive(path: Path, feed: Feed, zone: ZoneInfo) -> ObservedDelays:
    files = sorted(path.glob("**/*.pb")) if path.is_dir() else [path]
    try:
        messages = importlib.import_module(_PACKAGE)
    except ImportError:
        raise SourceError(
            "GTFS-Realtime needs the package {package}, which is not installed.",
            mend="Install it with: pip install {package}",
            package="gtfs-realtime-bindings",
        ) from None
    planned = _Planned(feed, zone)
    found: dict[tuple[int, dt.date, int], tuple[int, int]] = {}
    for file in files:
        need_file(file)
        message = messages.FeedMessage()
        try:
            message.ParseFromString(file.read_bytes())
            day = dt.datetime.fromtimestamp(message.header.timestamp, zone).date()
        except Exception as error:  # the library names no error of its own
            raise SourceError(
                "It is no message of GTFS-Realtime.",
                file=file,
                mend="Give trip updates as they were published, one message a file.",
            ) from error
        for entity in message.entity:
            if entity.HasField("trip_update"):
                found.update(planned.delays(entity.trip_update, day))
    if not found:
        raise SourceError(
            "It holds no delay of a trip of the timetables.",
            file=path,
            mend="Give the trip updates of the same networks and period as the GTFS.",
        )
    rows = [(*key, *late) for key, late in sorted(found.items())]
    columns = ["trip", "date", "stop", "arrival_s", "departure_s"]
    return ObservedDelays(pd.DataFrame(rows, columns=columns), planned.unknown)


class _Planned:
    """What trip updates are about: trips, and their calls by stop and by sequence."""

    def __init__(self, feed: Feed, zone: ZoneInfo) -> None:
        self.trips = {str(t): k for k, t in enumerate(feed.trips["trip_id"])}
        self.stops = {str(s): k for k, s in enumerate(feed.stops["stop_id"])}
        self.zone, self.unknown = zone, 0
        self.by_stop: dict[tuple[int, int], tuple[int, int, int]] = {}
        self.by_sequence: dict[tuple[int, int], tuple[int, int, int]] = {}
        columns = ("trip", "sequence", "own", "arrival_s", "departure_s")
        for trip, sequence, *call in zip(*(_calls(feed)[c] for c in columns), strict=True):
            at = (int(call[0]), int(call[1]), int(call[2]))
            self.by_stop[int(trip), at[0]] = at
            self.by_sequence[int(trip), int(sequence)] = at

    def delays(
        self, update: Any, day: dt.date
    ) -> Iterator[tuple[tuple[int, dt.date, int], tuple[int, int]]]:
        """Yield trip, date and stop, and how late the vehicle came and left."""
        trip = self.trips.get(update.trip.trip_id, -1)
        if update.trip.start_date:
            try:
                day = dt.datetime.strptime(update.trip.start_date, "%Y%m%d").date()  # noqa: DTZ007
            except ValueError:
                trip = -1
        if trip < 0:
            self.unknown += 1
        elif update.trip.schedule_relationship in _GONE:
            yield (trip, day, -1), (CANCELLED_S, CANCELLED_S)
        else:
            for call in update.stop_time_update:
                late = self._call(trip, day, call)
                if late is not None:
                    yield late

    def _call(
        self, trip: int, day: dt.date, call: Any
    ) -> tuple[tuple[int, dt.date, int], tuple[int, int]] | None:
        if call.schedule_relationship in (_SKIPPED, _NO_DATA):
            return None
        at = self.by_stop.get((trip, self.stops.get(call.stop_id, -1)))
        if call.HasField("stop_sequence"):
            at = self.by_sequence.get((trip, call.stop_sequence), at)
        if at is None:
            self.unknown += 1
            return None
        origin_s = axis_origin_utc(day, self.zone)
        events = [
            (name, planned_s)
            for name, planned_s in (("arrival", at[1]), ("departure", at[2]))
            if call.HasField(name)
        ]
        late = [_late(getattr(call, name), origin_s + planned_s) for name, planned_s in events]
        if not late:
            return None
        # The later event holds where only one is told; a departure is never before the arrival.
        return (trip, day, at[0]), (late[0], max(late[-1], late[0] - (at[2] - at[1])))


def _late(event: Any, planned_s: float) -> int:
    # An event with neither a delay nor a time comes out as of 1970.
    late_s = int(event.delay if event.HasField("delay") else event.time - planned_s)
    return min(max(late_s, -CANCELLED_S), CANCELLED_S)
