"""From the text tables of one GTFS feed to a checked `Feed`."""

from __future__ import annotations

from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.errors import Finding, SourceError
from mobility.sources.gtfs.classes import split_stops
from mobility.sources.gtfs.columns import (
    MISSING_TIME,
    dates,
    index_of,
    integers,
    interpolated,
    numbers,
    seconds,
)
from mobility.sources.gtfs.extras import (
    examples,
    read_feed_info,
    read_frequencies,
    read_pathways,
    read_transfers,
    report_unknown,
)
from mobility.sources.gtfs.feed import Feed, Services
from mobility.sources.gtfs.files import RawTables

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def parse_feed(raw: RawTables) -> Feed:
    """Check the text tables of a feed and link them by index.

    Raises
    ------
    SourceError
        A value cannot be read, or nothing usable is left.
    """
    findings: list[Finding] = []
    agencies = _agencies(raw)
    stops = _stops(raw, findings)
    routes = _routes(raw, agencies, findings)
    services = _services(raw)
    trips, routes = _trips(raw, routes, services, findings)
    stop_times = _stop_times(raw, stops, trips, findings)
    transfers = read_transfers(raw, stops, routes, trips, findings)
    pathways = read_pathways(raw, stops, findings)
    stops, stop_times, transfers = split_stops(stops, trips, stop_times, transfers, findings)
    feed = Feed(
        stops=stops,
        routes=routes,
        trips=trips,
        stop_times=stop_times,
        services=services,
        transfers=transfers,
        frequencies=read_frequencies(raw, trips, findings),
        pathways=pathways,
        agencies=agencies,
        feed_info=read_feed_info(raw),
        networks=(raw.name,),
        findings=tuple(findings),
    )
    if not len(stop_times):
        raise SourceError(
            "No trip has usable stop times.",
            file=raw.file("stop_times"),
            mend="Ask its publisher for a complete feed.",
        )
    return feed


def _text(raw: RawTables, table: str, column: str) -> pd.Series:
    """Return a text column, "" where missing."""
    return _optional(raw, table, column).fillna("")


def _optional(raw: RawTables, table: str, column: str) -> pd.Series:
    """Return a text column, <NA> where missing."""
    return raw.column(table, column).astype("str").reset_index(drop=True)


def _unique(
    frame: pd.DataFrame, key: str, raw: RawTables, table: str, findings: list[Finding]
) -> pd.DataFrame:
    """Keep the first row of each id and drop rows without one, saying so."""
    missing = frame[key].isna()
    repeated = frame[key].duplicated() & ~missing
    if repeated.any():
        findings.append(
            Finding(
                "warning",
                "duplicate_ids",
                "{count} rows of {file} repeat an id; the first row of each is kept",
                source=raw.file(table),
                count=int(repeated.sum()),
                examples=examples(frame.loc[repeated, key]),
                params={"file": f"{table}.txt"},
            )
        )
    if missing.any():
        findings.append(
            Finding(
                "warning",
                "missing_ids",
                "{count} rows of {file} have no id and are left out",
                source=raw.file(table),
                count=int(missing.sum()),
                params={"file": f"{table}.txt"},
            )
        )
    return frame[~(missing | repeated)].reset_index(drop=True)


def _agencies(raw: RawTables) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "agency_id": _text(raw, "agency", "agency_id"),
            "agency_name": _text(raw, "agency", "agency_name"),
            "timezone": _text(raw, "agency", "agency_timezone"),
            "url": _text(raw, "agency", "agency_url"),
        }
    ).assign(network=np.int16(0))
    if frame.empty:
        raise SourceError(
            "It names no agency, hence no time zone.",
            file=raw.file("agency"),
            mend="Add one row with agency_name and agency_timezone, e.g. Europe/Paris.",
        )
    for row, name in enumerate(frame["timezone"]):
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise SourceError(
                "There is no such time zone.",
                file=raw.file("agency"),
                row=row + 2,
                column="agency_timezone",
                value=name,
                mend='Write a name such as "Europe/Paris".',
            ) from None
    return frame


def _stops(raw: RawTables, findings: list[Finding]) -> pd.DataFrame:
    file = raw.file("stops")
    column = partial(raw.column, "stops")
    frame = pd.DataFrame(
        {
            "stop_id": _optional(raw, "stops", "stop_id"),
            "stop_name": _text(raw, "stops", "stop_name"),
            "lon": numbers(column("stop_lon"), file=file, low=-180, high=180),
            "lat": numbers(column("stop_lat"), file=file, low=-90, high=90),
            "parent_station": _optional(raw, "stops", "parent_station"),
            "location_type": integers(column("location_type"), 0, file=file, high=4).astype(
                np.int8
            ),
            "wheelchair_boarding": integers(
                column("wheelchair_boarding"), 0, file=file, high=2
            ).astype(np.int8),
            "platform_code": _text(raw, "stops", "platform_code"),
        }
    )
    frame = _unique(frame, "stop_id", raw, "stops", findings)
    parent = index_of(frame["parent_station"], frame["stop_id"])
    parent = np.where(parent == np.arange(len(frame)), -2, parent)
    report_unknown(parent, frame["parent_station"], raw, "stops", "parent_station", findings)
    frame["parent"] = np.maximum(parent, -1).astype(np.int32)
    # A platform without coordinates stands where its station is.
    lost = frame["lon"].isna() | frame["lat"].isna()
    borrowed = (lost & (frame["parent"] >= 0)).to_numpy()
    for name in ("lon", "lat"):
        values = frame[name].to_numpy().copy()
        values[borrowed] = values[frame["parent"].to_numpy()[borrowed]]
        frame[name] = values
    return frame.assign(network=np.int16(0))


def _routes(raw: RawTables, agencies: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    file = raw.file("routes")
    kinds = integers(raw.column("routes", "route_type"), 3, file=file, high=32_000)
    frame = pd.DataFrame(
        {
            "route_id": _optional(raw, "routes", "route_id"),
            "agency_id": _optional(raw, "routes", "agency_id"),
            "short_name": _text(raw, "routes", "route_short_name"),
            "long_name": _text(raw, "routes", "route_long_name"),
            "route_type": kinds.astype(np.int16),
            "color": _text(raw, "routes", "route_color"),
            "text_color": _text(raw, "routes", "route_text_color"),
        }
    )
    frame = _unique(frame, "route_id", raw, "routes", findings)
    known = agencies.drop_duplicates("agency_id")
    agency = index_of(frame["agency_id"], known["agency_id"])
    report_unknown(agency, frame["agency_id"], raw, "routes", "agency_id", findings)
    agency = np.maximum(agency, 0)
    frame["agency_id"] = known["agency_id"].to_numpy()[agency]
    frame["timezone"] = known["timezone"].to_numpy()[agency]
    return frame.assign(network=np.int16(0))


def _services(raw: RawTables) -> Services:
    calendar, exceptions = raw.tables["calendar"], raw.tables["calendar_dates"]
    file, file_dates = raw.file("calendar"), raw.file("calendar_dates")
    week = [integers(raw.column("calendar", d), 0, file=file, high=1) for d in WEEK]
    kinds = integers(exceptions["exception_type"], 0, file=file_dates, low=1, high=2)
    names = pd.concat([calendar["service_id"], exceptions["service_id"]]).dropna()
    ids = pd.Series(pd.unique(names.astype("str")), dtype="str")
    start = dates(calendar["start_date"], file=file)
    end = dates(calendar["end_date"], file=file)
    day = dates(exceptions["date"], file=file_dates)
    row = index_of(calendar["service_id"], ids)
    exception = index_of(exceptions["service_id"], ids)
    rows = (row >= 0) & (start > 0) & (end > 0)
    kept = (exception >= 0) & (day > 0) & (kinds > 0)
    return Services(
        ids=tuple(ids),
        row_service=row[rows],
        row_start=start[rows].astype(np.int32),
        row_end=end[rows].astype(np.int32),
        row_week=np.array(week, np.bool_).T.reshape(-1, 7)[rows],
        exception_service=exception[kept],
        exception_day=day[kept].astype(np.int32),
        exception_added=kinds[kept] == 1,
    )


def _trips(
    raw: RawTables, routes: pd.DataFrame, services: Services, findings: list[Finding]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return trips and routes; a route that only trips name gets a row of its own."""
    direction = integers(
        raw.column("trips", "direction_id"), -1, file=raw.file("trips"), high=1
    ).astype(np.int8)
    frame = pd.DataFrame(
        {
            "trip_id": _optional(raw, "trips", "trip_id"),
            "route_id": _text(raw, "trips", "route_id"),
            "service_id": _optional(raw, "trips", "service_id"),
            "headsign": _text(raw, "trips", "trip_headsign"),
            "direction_id": direction,
            "block_id": _optional(raw, "trips", "block_id"),
            "shape_id": _optional(raw, "trips", "shape_id"),
        }
    )
    frame = _unique(frame, "trip_id", raw, "trips", findings)
    route = index_of(frame["route_id"], routes["route_id"])
    report_unknown(route, frame["route_id"], raw, "trips", "route_id", findings)
    if (route == -2).any():
        extra = pd.DataFrame({"route_id": pd.unique(frame.loc[route == -2, "route_id"])})
        extra = extra.assign(short_name=extra["route_id"], long_name="", route_type=np.int16(3))
        zone = routes["timezone"].iloc[0] if len(routes) else _agencies(raw)["timezone"].iloc[0]
        extra = extra.assign(agency_id="", timezone=zone, color="", text_color="")
        extra["network"] = np.int16(0)
        routes = pd.concat([routes, extra[routes.columns]], ignore_index=True)
        route = index_of(frame["route_id"], routes["route_id"])
    service = index_of(frame["service_id"], pd.Series(services.ids, dtype="str"))
    report_unknown(service, frame["service_id"], raw, "trips", "service_id", findings)
    frame["route"] = route.astype(np.int32)
    frame["service"] = np.maximum(service, -1).astype(np.int32)
    return frame.assign(network=np.int16(0)), routes


def _stop_times(
    raw: RawTables, stops: pd.DataFrame, trips: pd.DataFrame, findings: list[Finding]
) -> pd.DataFrame:
    file = raw.file("stop_times")
    column = partial(raw.column, "stop_times")
    trip = index_of(column("trip_id"), trips["trip_id"])
    stop = index_of(column("stop_id"), stops["stop_id"])
    report_unknown(trip, column("trip_id"), raw, "stop_times", "trip_id", findings)
    report_unknown(stop, column("stop_id"), raw, "stop_times", "stop_id", findings)
    if ((stop == -1) & (trip >= 0)).any():
        findings.append(
            Finding(
                "warning",
                "flexible_service",
                "{count} stop times name no stop (zones served on demand) and are left out",
                source=file,
                count=int(((stop == -1) & (trip >= 0)).sum()),
            )
        )
    sequence = integers(column("stop_sequence"), -1, file=file)
    arrival, departure = (seconds(column(f"{k}_time"), file=file) for k in ("arrival", "departure"))
    distance = numbers(column("shape_dist_traveled"), file=file)
    flags = [integers(column(f"{k}_type"), 0, file=file, high=3) for k in ("pickup", "drop_off")]
    exact = integers(column("timepoint"), 1, file=file, high=1)
    order = _order(trip, stop, sequence)
    if order is not None:
        trip, stop, sequence = trip[order], stop[order], sequence[order]
        arrival, departure, distance = arrival[order], departure[order], distance[order]
        flags, exact = [f[order] for f in flags], exact[order]
    arrival_s, departure_s = interpolated(trip, arrival, departure, distance)
    keep = _sound(trip, arrival_s, departure_s, raw, trips, findings)
    frame = pd.DataFrame(
        {
            "trip": trip,
            "stop": stop,
            "sequence": sequence.astype(np.int32),
            "arrival_s": arrival_s,
            "departure_s": departure_s,
            "pickup": flags[0].astype(np.int8),
            "dropoff": flags[1].astype(np.int8),
            "timepoint": (exact == 1) & ~np.isnan(arrival),
        }
    )
    return frame if keep.all() else frame[keep].reset_index(drop=True)


def _order(
    trip: NDArray[np.int32], stop: NDArray[np.int32], sequence: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return the rows with a known trip and stop by (trip, sequence); None for all, as is."""
    known = (trip >= 0) & (stop >= 0)
    key = trip.astype(np.int64) << 32 | np.maximum(sequence, 0)
    if known.all() and (np.diff(key) >= 0).all():
        return None
    rows = np.flatnonzero(known)
    return rows[np.argsort(key[rows], kind="stable")]


def _sound(
    trip: NDArray[np.int32],
    arrival_s: NDArray[np.int32],
    departure_s: NDArray[np.int32],
    raw: RawTables,
    trips: pd.DataFrame,
    findings: list[Finding],
) -> NDArray[np.bool_]:
    """Return which calls to keep: no trip without end times, none that goes back in time."""
    count = len(trips)
    untimed = np.zeros(count, np.bool_)
    untimed[trip[arrival_s == MISSING_TIME]] = True
    back = np.zeros(count, np.bool_)
    back[trip[departure_s < arrival_s]] = True
    later = (trip[1:] == trip[:-1]) & (arrival_s[1:] < departure_s[:-1])
    back[trip[1:][later]] = True
    back &= ~untimed
    rules = (
        (untimed, "trips_untimed", "{count} trips have no time at their first or last stop"),
        (back, "trips_back_in_time", "{count} trips go back in time and are left out"),
    )
    for bad, code, message in rules:
        if bad.any():
            names = examples(trips.loc[bad, "trip_id"])
            findings.append(
                Finding(
                    "warning", code, message, source=raw.file("stop_times"),
                    count=int(bad.sum()), examples=names,
                )
            )  # fmt: skip
    return ~(untimed | back)[trip]


__all__ = ["parse_feed"]
