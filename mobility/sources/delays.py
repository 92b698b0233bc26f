"""Delays that were observed: a table, or an archive of GTFS-Realtime trip updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Float, Int64
from mobility.sources.columns import Table
from mobility.sources.gtfs.feed import Feed
from mobility.sources.layers import need_file
from mobility.sources.sites_rows import read_date
from mobility.sources.tables import read_table
from mobility.sources.trip_updates import ObservedDelays, read_updates


def read_delays(path: Path, feed: Feed) -> ObservedDelays:
    """Read observed delays.

    Parameters
    ----------
    path
        A table (CSV, workbook) with ``trip_id``, ``date`` (`sites_rows.read_date`), and
        ``delay_s`` or both ``arrival_delay_s`` and ``departure_delay_s`` (seconds, negative early);
        ``stop_id`` where the delay is one at a stop. Else a ``.pb`` file of GTFS-Realtime, or a
        folder of such, of which the last word on each trip, date and stop is kept.
    feed
        The timetables.

    Raises
    ------
    SourceError
        The file is wrong or empty; names row, column, value and mend.
    """
    if path.is_dir() or path.suffix.lower() == ".pb":
        return read_updates(path, feed)
    need_file(path)
    table = read_table(path)
    names = table.texts(table.need("trip_id"))
    trips = np.array([feed.trip_of_name.get(name, -1) for name in names], np.intp)
    problem = "The timetables have no such trip."
    mend = "Use the trip_id of the GTFS given, or leave the row out."
    table.refuse(trips < 0, "trip_id", problem, mend, shown=names)
    column = table.need("date")
    dates = table.texts(column)
    firsts = dates.drop_duplicates().items()
    known = {text: read_date(table, row, column, text) for row, text in firsts}
    arrival_s, departure_s = _seconds(table)
    frame = pd.DataFrame({
        "trip": trips, "date": dates.map(known).to_numpy(), "start_s": -1,
        "stop": _stops(table, feed, trips), "visit": -1,
        "arrival_s": arrival_s, "departure_s": departure_s,
    })  # fmt: skip
    _refuse_negative_dwell(table, feed, frame)
    twice = frame.duplicated(["trip", "date", "stop"]).to_numpy()
    problem = "This trip has two delays on one date at one stop."
    table.refuse(twice, "trip_id", problem, "Keep one of them.", shown=names)
    return ObservedDelays(frame.sort_values(["trip", "date", "stop"], ignore_index=True))


def _seconds(table: Table) -> tuple[Float, Float]:
    whole = table.find("delay_s")
    names = (whole, whole) if whole else ("arrival_delay_s", "departure_delay_s")
    if not all(table.find(name) for name in names):
        raise table.error(
            "It does not tell the delays; its columns are: {listed}.",
            column="delay_s",
            mend="Give delay_s, or both arrival_delay_s and departure_delay_s, in seconds.",
            listed=", ".join(map(str, table.frame.columns)),
        )
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


def _stops(table: Table, feed: Feed, trips: NDArray[np.intp]) -> Int64:
    """Return the stop of each row, -1 for the whole trip."""
    column = table.find("stop_id")
    if column is None:
        return np.full(len(trips), -1)
    texts = table.texts(column)
    ids, own = feed.stops["stop_id"].tolist(), feed.own_stop[feed.stop_times["stop"].to_numpy()]
    stops = np.full(len(trips), -1)
    for row, (trip, text) in enumerate(zip(trips.tolist(), texts, strict=True)):
        calls = own[feed.trip_ptr[trip] : feed.trip_ptr[trip + 1]].tolist()
        stops[row] = next((stop for stop in calls if text in feed.names_of(ids[stop])), -1)
    given = (texts != "").to_numpy()
    table.refuse(
        given & (stops < 0),
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
