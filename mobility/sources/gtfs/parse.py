"""From the text tables of one GTFS feed to a checked `Feed`."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.base.errors import SourceError
from mobility.base.i18n import Word
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.calls import booked_calls, read_frequencies, read_stop_times
from mobility.sources.gtfs.columns import PLACEHOLDERS, index_of, integers, numbers
from mobility.sources.gtfs.extras import (
    count_booking,
    read_feed_info,
    read_pathways,
    read_services,
    read_transfers,
    split_stops,
)
from mobility.sources.gtfs.feed import Feed, Services
from mobility.sources.gtfs.files import EXTRA_COLUMNS, RawTables, read_extra
from mobility.sources.gtfs.unpack import FLEX_COLUMNS, ZONES


def parse_feed(raw: RawTables) -> Feed:
    """Check the text tables of a feed and link them by index.

    Raises
    ------
    SourceError
        A value cannot be read, or nothing usable is left.
    """
    _tell_repeated(raw)
    agencies = _agencies(raw)
    stops = _stops(raw)
    routes = _routes(raw, agencies)
    services = read_services(raw)
    trips, routes = _trips(raw, routes, agencies, services)
    stop_times = read_stop_times(raw, stops, trips)
    trips, stops = _on_demand(raw, trips, stops)
    _count_unridden(raw, trips, stop_times)
    transfers = read_transfers(raw, stops, routes, trips)
    pathways = read_pathways(raw, stops)
    stops, stop_times, transfers = split_stops(stops, trips, stop_times, transfers, raw.findings)
    for table in ("feed_info", "attributions"):
        raw.count(table, {})
    count_booking(raw)
    _count_files(raw, booked=bool(trips["on_demand"].any()))
    feed = Feed(
        stops=stops,
        routes=routes,
        trips=_without_placeholder_blocks(trips, stop_times, raw),
        stop_times=stop_times,
        services=services,
        transfers=transfers,
        frequencies=read_frequencies(raw, trips, stop_times),
        pathways=pathways,
        agencies=agencies,
        feed_info=read_feed_info(raw),
        networks=(raw.name,),
        findings=tuple(raw.findings),
        rows=tuple(raw.accounts),
    )
    if not len(stop_times) and not raw.tables["stop_times"].columns.isin(FLEX_COLUMNS).any():
        raise _nothing_left(raw)
    return feed


def _nothing_left(raw: RawTables) -> SourceError:
    """Return the error about a feed without a usable call, with what took most of them."""
    file = raw.file("stop_times")
    rows = next(r for r in raw.accounts if r.source == file)
    why = max(rows.left_out, key=lambda reason: rows.left_out[reason], default="")
    if not why:
        problem = "No trip has usable stop times."
    else:
        problem = "No trip has usable stop times: {count} of {read} rows are left out ({why})."
    return SourceError(
        problem,
        file=file,
        value=next((f.examples[0] for f in raw.findings if f.source == file and f.examples), None),
        mend="Ask its publisher for a complete feed.",
        count=rows.left_out.get(why, 0),
        read=rows.read,
        why=Word(why),
    )


def _tell_repeated(raw: RawTables) -> None:
    """Say which columns are not read because another one has the same heading."""
    for table, names in raw.repeated.items():
        message = (
            "{count} headings of {file} stand more than once; the first column of each is read"
        )
        every = np.ones(len(names), np.bool_)
        raw.tell(
            "warning",
            "columns_repeated",
            message,
            table,
            every,
            pd.Series(names),
            file=f"{table}.txt",
        )


def _count_files(raw: RawTables, *, booked: bool) -> None:
    """Note the rows of files that have no part in a travel time, e.g. fares."""
    used = {f"{table}.txt" for table in EXTRA_COLUMNS if table != "shapes"} if booked else set()
    used |= {ZONES} if booked else set()
    told = {PurePath(account.source).name for account in raw.accounts}
    for name, rows in raw.others.items():
        if name not in used | told:
            left, unit = (1, "files") if rows < 0 else (rows, "rows")
            why = {"no part in a travel time": left}
            raw.accounts.append(SourceLedger.balanced(f"{raw.path}/{name}", 0, why, unit))


def _text(raw: RawTables, table: str, column: str) -> pd.Series:
    """Return a text column, "" where missing."""
    return _optional(raw, table, column).fillna("")


def _optional(raw: RawTables, table: str, column: str) -> pd.Series:
    """Return a text column, <NA> where missing."""
    return raw.column(table, column).astype("str").reset_index(drop=True)


def _unique(frame: pd.DataFrame, key: str, table: str, raw: RawTables) -> pd.DataFrame:
    """Keep the first row of each id and drop rows without one, saying so."""
    missing = frame[key].isna().to_numpy()
    repeated = frame[key].duplicated().to_numpy() & ~missing
    message = "{count} rows of {file} repeat an id; the first row of each is kept"
    raw.tell("warning", "duplicate_ids", message, table, repeated, frame[key], file=f"{table}.txt")
    message = "{count} rows of {file} have no id and are left out"
    raw.tell("warning", "missing_ids", message, table, missing, file=f"{table}.txt")
    kept = raw.count(table, {"no id": missing, "an id that is there already": repeated})
    return frame[kept].reset_index(drop=True)


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
    raw.count("agency", {"an id that is there already": frame["agency_id"].duplicated().to_numpy()})
    return frame


def _stops(raw: RawTables) -> pd.DataFrame:
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
    frame = _unique(frame, "stop_id", "stops", raw)
    parent = index_of(frame["parent_station"], frame["stop_id"], optional=True)
    parent = np.where(parent == np.arange(len(frame)), -2, parent)
    raw.unknown(parent, "stops", "parent_station", frame["parent_station"])
    frame["parent"] = np.maximum(parent, -1).astype(np.int32)
    # A platform without coordinates stands where its station is.
    lost = frame["lon"].isna() | frame["lat"].isna()
    borrowed = (lost & (frame["parent"] >= 0)).to_numpy()
    for name in ("lon", "lat"):
        values = frame[name].to_numpy().copy()
        values[borrowed] = values[frame["parent"].to_numpy()[borrowed]]
        frame[name] = values
    return frame.assign(network=np.int16(0))


def _routes(raw: RawTables, agencies: pd.DataFrame) -> pd.DataFrame:
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
    frame = _unique(frame, "route_id", "routes", raw)
    known = agencies.drop_duplicates("agency_id")
    agency = index_of(frame["agency_id"], known["agency_id"], optional=True)
    raw.unknown(agency, "routes", "agency_id", frame["agency_id"])
    # A feed of one agency need not name it; of an unknown one the first is taken.
    agency = np.maximum(agency, 0)
    frame["agency_id"] = known["agency_id"].to_numpy()[agency]
    frame["timezone"] = known["timezone"].to_numpy()[agency]
    return frame.assign(network=np.int16(0))


def _trips(
    raw: RawTables, routes: pd.DataFrame, agencies: pd.DataFrame, services: Services
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return trips and routes; a route that only trips name gets a row of its own."""
    direction = integers(
        raw.column("trips", "direction_id"), -1, file=raw.file("trips"), high=1
    ).astype(np.int8)
    frame = pd.DataFrame(
        {
            "trip_id": _optional(raw, "trips", "trip_id"),
            "route_id": _optional(raw, "trips", "route_id"),
            "service_id": _optional(raw, "trips", "service_id"),
            "headsign": _text(raw, "trips", "trip_headsign"),
            "direction_id": direction,
            "block_id": _optional(raw, "trips", "block_id"),
            "shape_id": _optional(raw, "trips", "shape_id"),
        }
    )
    frame = _unique(frame, "trip_id", "trips", raw)
    route = index_of(frame["route_id"], routes["route_id"])
    raw.unknown(route, "trips", "route_id", frame["route_id"], required=True)
    # Trips of a route that routes.txt lacks are ridden all the same.
    frame["route_id"] = frame["route_id"].fillna("?")
    if (route < 0).any():
        extra = pd.DataFrame({"route_id": pd.unique(frame.loc[route < 0, "route_id"])})
        extra = extra.assign(short_name=extra["route_id"], long_name="", route_type=np.int16(3))
        zone = routes["timezone"].iloc[0] if len(routes) else agencies["timezone"].iloc[0]
        agency = agencies["agency_id"].iloc[0]
        extra = extra.assign(agency_id=agency, timezone=zone, color="", text_color="")
        extra["network"] = np.int16(0)
        routes = pd.concat([routes, extra[routes.columns]], ignore_index=True)
        route = index_of(frame["route_id"], routes["route_id"])
    service = index_of(frame["service_id"], pd.Series(services.ids, dtype="str"))
    raw.unknown(service, "trips", "service_id", frame["service_id"], required=True)
    raw.accounts[-1] = raw.accounts[-1].leaving("an unknown service_id", (service < 0).sum())
    frame["route"] = route.astype(np.int32)
    frame["service"] = np.maximum(service, -1).astype(np.int32)
    return frame.assign(network=np.int16(0)), routes


def _on_demand(
    raw: RawTables, trips: pd.DataFrame, stops: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return trips and stops with ``on_demand``: those of calls in a zone or a window."""
    booked = booked_calls(raw)
    trip, stop, group = (
        raw.column("stop_times", name)[booked]
        for name in ("trip_id", "stop_id", "location_group_id")
    )
    if group.notna().any():
        members = read_extra(raw.path, ["location_group_stops"])[0]["location_group_stops"]
        stop = pd.concat([stop, members.loc[members["location_group_id"].isin(group), "stop_id"]])
    return (
        trips.assign(on_demand=trips["trip_id"].isin(trip.dropna())),
        stops.assign(on_demand=stops["stop_id"].isin(stop.dropna())),
    )


def _count_unridden(raw: RawTables, trips: pd.DataFrame, stop_times: pd.DataFrame) -> None:
    """Note the trips nobody can ride: those booked have no calls by nature, the others two."""
    trip = stop_times["trip"].to_numpy()
    calls = np.bincount(trip, minlength=len(trips))
    known = (trips["service"] >= 0).to_numpy()
    by_clock = known & ~trips["on_demand"].to_numpy()
    alone = by_clock & (calls == 1)
    left = {
        raw.file("trips"): {"no usable stop time": by_clock & (calls == 0), "one stop only": alone},
        raw.file("stop_times"): {
            "a trip of an unknown service_id": ~known[trip],
            "its only stop": alone,
        },
    }
    for k, account in enumerate(raw.accounts):
        for why, which in left.get(account.source, {}).items():
            raw.accounts[k] = raw.accounts[k].leaving(why, which.sum())


def _without_placeholder_blocks(
    trips: pd.DataFrame, stop_times: pd.DataFrame, raw: RawTables
) -> pd.DataFrame:
    """Return trips without the blocks that are none: ``NULL`` on trips of several vehicles."""
    named = trips["block_id"].isin(PLACEHOLDERS).to_numpy()
    if not named.any():
        return trips
    calls = stop_times.groupby("trip")[["departure_s", "arrival_s"]].agg(["min", "max"])
    ends = calls.reindex(np.flatnonzero(named))
    rows = trips.loc[named, ["block_id", "service"]].assign(
        start=ends["departure_s", "min"].to_numpy(), end=ends["arrival_s", "max"].to_numpy()
    )
    rows = rows.sort_values(["block_id", "service", "start", "end"])
    before = rows.groupby(["block_id", "service"])["end"].shift()
    wrong = named & trips["block_id"].isin(rows["block_id"][rows["start"] < before]).to_numpy()
    message = (
        "{count} trips have the text NULL, NA or the like as their block, at the same time on "
        "several vehicles; they are in no block"
    )
    raw.tell("info", "blocks_unnamed", message, "trips", wrong, trips["block_id"])
    return trips.assign(block_id=trips["block_id"].mask(wrong))
