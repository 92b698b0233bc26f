"""The smaller tables of a GTFS feed: services, transfers, frequencies, pathways, credits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.clock import DAY_S
from mobility.base.i18n import WEEKDAY_NAMES
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.columns import dates, index_of, integers, numbers, seconds
from mobility.sources.gtfs.feed import Services
from mobility.sources.gtfs.files import RawTables, read_extra
from mobility.sources.gtfs.unpack import FLEX_COLUMNS

_BOOKING = {
    "booking_rules": "booking_rule_id",
    "location_groups": "location_group_id",
    "location_group_stops": "location_group_id",
}
_UNKNOWN = {"stop": "an unknown stop", "route": "an unknown route", "trip": "an unknown trip"}
#: Rules up to this ``transfer_type`` hold between two stops; the others for who stays aboard.
_WALKED = 3
_WEEK = tuple(map(str.lower, WEEKDAY_NAMES))


def read_services(raw: RawTables) -> Services:
    """Return calendar.txt and calendar_dates.txt; rows without a service or a date are left out."""
    calendar, exceptions = raw.tables["calendar"], raw.tables["calendar_dates"]
    file, file_dates = raw.file("calendar"), raw.file("calendar_dates")
    week = [integers(raw.column("calendar", d), 0, file=file, high=1) for d in _WEEK]
    kinds = integers(exceptions["exception_type"], 0, file=file_dates, low=1, high=2)
    names = pd.concat([calendar["service_id"], exceptions["service_id"]]).dropna()
    ids = pd.Series(pd.unique(names.astype("str")), dtype="str")
    start = dates(calendar["start_date"], file=file)
    end = dates(calendar["end_date"], file=file)
    day = dates(exceptions["date"], file=file_dates)
    row = index_of(calendar["service_id"], ids)
    exception = index_of(exceptions["service_id"], ids)
    message = (
        "{count} rows of calendar.txt repeat a service_id; it runs on the dates of all its rows"
    )
    repeated = calendar["service_id"].duplicated().to_numpy() & (row >= 0)
    raw.tell("warning", "services_repeated", message, "calendar", repeated, calendar["service_id"])
    blank = np.zeros(len(calendar), np.bool_)
    for name in _WEEK:
        blank |= raw.column("calendar", name).isna().to_numpy()
    message = (
        "{count} rows of calendar.txt leave days of the week blank; their services are taken not "
        "to run on these"
    )
    raw.tell("warning", "calendar_days_blank", message, "calendar", blank, calendar["service_id"])
    backwards = (start > end) & (end > 0)
    message = (
        "{count} services end before they begin and never run by their week days, the first of "
        "them in row {row}"
    )
    raw.tell(
        "warning",
        "services_backwards",
        message,
        "calendar",
        backwards,
        calendar["service_id"],
        row=next((str(int(k) + 2) for k in calendar.index[backwards]), ""),
    )
    rows = raw.count(
        "calendar",
        {
            "no service_id": row < 0,
            "no date": (start == 0) | (end == 0),
            "an end before its start": backwards,
        },
    )
    kept = raw.count(
        "calendar_dates",
        {"no service_id": exception < 0, "no date": day == 0, "no exception_type": kinds == 0},
    )
    told = pd.DataFrame({"service": exception, "day": day, "kind": kinds})[kept]
    kinds_of_day = told.groupby(["service", "day"])["kind"].transform("nunique")
    both = np.zeros(len(kept), np.bool_)
    both[told.index] = (kinds_of_day > 1) & (told["kind"] == 1)
    message = (
        "{count} services are both added and removed on the same date by calendar_dates.txt; they "
        "are taken not to run on it"
    )
    raw.tell(
        "warning",
        "exceptions_contradict",
        message,
        "calendar_dates",
        both,
        exceptions["service_id"],
    )
    for table, used in (("calendar", rows | backwards), ("calendar_dates", kept)):
        message = "{count} rows of {file} are incomplete and left out"
        raw.tell("warning", "rows_incomplete", message, table, ~used, file=f"{table}.txt")
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


def read_transfers(
    raw: RawTables, stops: pd.DataFrame, routes: pd.DataFrame, trips: pd.DataFrame
) -> pd.DataFrame:
    """Return transfers.txt linked by index."""
    file, table = raw.file("transfers"), "transfers"
    ids = {"stop": stops["stop_id"], "route": routes["route_id"], "trip": trips["trip_id"]}
    columns: dict[str, NDArray[Any]] = {}
    reasons: dict[str, NDArray[np.bool_]] = {}
    for what, known in ids.items():
        for side in ("from", "to"):
            name = f"{side}_{what}_id"
            values = raw.column(table, name)
            columns[f"{side}_{what}"] = index_of(values, known, optional=True)
            raw.unknown(columns[f"{side}_{what}"], table, name, values)
            lost = columns[f"{side}_{what}"] == -2
            reasons[_UNKNOWN[what]] = reasons.get(_UNKNOWN[what], lost) | lost
    columns["kind"] = integers(raw.column(table, "transfer_type"), 0, file=file, high=5).astype(
        np.int8
    )
    columns["min_s"] = integers(
        raw.column(table, "min_transfer_time"), -1, file=file, high=86_400
    ).astype(np.int32)
    nowhere = (columns["kind"] <= _WALKED) & (
        (columns["from_stop"] == -1) | (columns["to_stop"] == -1)
    )
    message = "{count} transfer rules name no stop to change from or to, and are left out"
    raw.tell("warning", "transfers_without_stops", message, table, nowhere)
    kept = raw.count(table, reasons | {"no stop": nowhere})
    return pd.DataFrame(columns)[kept].reset_index(drop=True)


def read_frequencies(raw: RawTables, trips: pd.DataFrame, stop_times: pd.DataFrame) -> pd.DataFrame:
    """Return frequencies.txt linked by index.

    A period that ends before it starts passes midnight; one that is incomplete, ends when it
    starts or stands there already is empty, so that its trip does not run at the times of its
    pattern.
    """
    file, table = raw.file("frequencies"), "frequencies"
    column = partial(raw.column, table)
    trip = index_of(column("trip_id"), trips["trip_id"])
    raw.unknown(trip, table, "trip_id", column("trip_id"), required=True)
    start, end = (seconds(column(f"{k}_time"), file=file) for k in ("start", "end"))
    headway = integers(column("headway_secs"), -1, file=file, low=1, high=86_400)
    exact = integers(column("exact_times"), 0, file=file, high=1)
    late = (end < start) & (end + DAY_S > start)
    message = (
        "{count} periods of frequencies.txt end before they start; they are taken to end on the "
        "next day (05:00:00 as 29:00:00)"
    )
    raw.tell("warning", "frequencies_over_midnight", message, table, late, column("trip_id"))
    end = np.where(late, end + DAY_S, end)
    incomplete = (headway < 0) | np.isnan(start) | np.isnan(end)
    void = ~incomplete & (end <= start)
    message = "{count} periods of frequencies.txt have no end after their start, and no departure"
    raw.tell("warning", "frequencies_void", message, table, void, column("trip_id"))
    message = "{count} rows of {file} are incomplete and left out"
    raw.tell("warning", "rows_incomplete", message, table, incomplete, file=f"{table}.txt")
    periods = pd.DataFrame({"trip": trip, "start": start, "end": end, "s": headway, "exact": exact})
    reasons = {
        "an unknown trip_id": trip < 0,
        "incomplete": incomplete,
        "no departure": void,
        "a trip without stop times": ~np.isin(trip, stop_times["trip"]),
        "written twice": periods.duplicated().to_numpy(),
    }
    used = raw.count(table, reasons)
    raw.tell(
        "warning",
        "frequencies_overlap",
        "{count} periods of frequencies.txt begin before an earlier one of their trip ends: a "
        "departure that both give runs once, all others run; let each begin where the one before "
        "it ends",
        table,
        _begun_early(periods, used),
        column("trip_id"),
    )
    frame = pd.DataFrame(
        {
            "trip": trip,
            "start_s": np.where(used, start, 0).astype(np.int32),
            "end_s": np.where(used, end, 0).astype(np.int32),
            "headway_s": np.where(used, headway, 1).astype(np.int32),
            "exact": exact == 1,
        }
    )
    return frame[trip >= 0].reset_index(drop=True)


def _begun_early(periods: pd.DataFrame, used: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of some periods used begin before an earlier one of the same trip ends."""
    early = np.zeros(len(periods), np.bool_)
    rows = periods[used].sort_values(["trip", "start", "end"], kind="stable")
    last = rows.groupby("trip")["end"].cummax().shift()
    again = rows["trip"].eq(rows["trip"].shift())
    early[rows.index] = (again & (rows["start"] < last)).to_numpy()
    return early


def read_pathways(raw: RawTables, stops: pd.DataFrame) -> pd.DataFrame:
    """Return pathways.txt linked by index."""
    file, table = raw.file("pathways"), "pathways"
    ends = {
        s: index_of(raw.column(table, f"{s}_stop_id"), stops["stop_id"]) for s in ("from", "to")
    }
    for side, places in ends.items():
        name = f"{side}_stop_id"
        raw.unknown(places, table, name, raw.column(table, name), required=True)
    both = integers(raw.column(table, "is_bidirectional"), 0, file=file, high=1)
    mode = integers(raw.column(table, "pathway_mode"), 1, file=file, high=7)
    frame = pd.DataFrame(
        {
            "from_stop": ends["from"],
            "to_stop": ends["to"],
            "mode": mode.astype(np.int8),
            "both_ways": both == 1,
            "traversal_s": numbers(
                raw.column(table, "traversal_time"), file=file, low=0, high=7200
            ),
            "length_m": numbers(raw.column(table, "length"), file=file, low=0, high=20_000),
        }
    )
    keep = raw.count(table, {_UNKNOWN["stop"]: (ends["from"] < 0) | (ends["to"] < 0)})
    return frame[keep].reset_index(drop=True)


def read_feed_info(raw: RawTables) -> pd.DataFrame:
    """Return who publishes the feed, from when to when it holds, and which words credit it."""
    period = {
        name: dates(raw.column("feed_info", f"feed_{name}_date"), file=raw.file("feed_info"))
        for name in ("start", "end")
    }
    columns = {
        "publisher": ("feed_publisher_name", ""),
        "url": ("feed_publisher_url", "attribution_url"),
        "version": ("feed_version", ""),
        "attribution": ("", "organization_name"),
    }
    parts = [
        pd.DataFrame(
            {
                name: raw.column(source, names[k]).astype("str").fillna("")
                for name, names in columns.items()
            }
        )
        for k, source in enumerate(("feed_info", "attributions"))
    ]
    frame = pd.concat(parts, ignore_index=True).astype("str")
    for name, days in period.items():
        frame[f"{name}_day"] = np.append(days, np.zeros(len(parts[1]))).astype(np.int32)
    return frame.assign(network=np.int16(0))


def count_booking(raw: RawTables) -> None:
    """Note what became of the tables of services on demand, which `read_flex` reads."""
    calls = raw.tables["stop_times"]
    if not calls.columns.isin(FLEX_COLUMNS).any():
        return
    tables, _ = read_extra(raw.path, tuple(_BOOKING))
    named = {
        column: set(raw.column("stop_times", column).dropna().astype("str").str.strip())
        for column in FLEX_COLUMNS
    }
    rules = named["pickup_booking_rule_id"] | named["drop_off_booking_rule_id"]
    _tell_unknown_rules(raw, tables["booking_rules"])
    for table, key in _BOOKING.items():
        ids = tables[table][key].astype("str").str.strip() if key in tables[table] else None
        if ids is None or ids.empty:
            continue
        wanted = ids.isin(rules if table == "booking_rules" else named["location_group_id"])
        unnamed = int((~wanted).sum())
        raw.accounts.append(
            SourceLedger.balanced(raw.file(table), wanted.sum(), {"named by no stop time": unnamed})
        )


def _tell_unknown_rules(raw: RawTables, table: pd.DataFrame) -> None:
    """Note the calls whose booking rule is not among those of the feed."""
    known: set[str] = (
        set(table["booking_rule_id"].astype("str").str.strip()) if len(table) else set()
    )
    message = (
        "{count} stop times name a booking rule that booking_rules.txt does not have; they are "
        "taken to be booked without notice"
    )
    # A call whose rules to board and to leave are both unknown is one call.
    ids = pd.Series("", index=raw.tables["stop_times"].index, dtype="str")
    for column in ("pickup_booking_rule_id", "drop_off_booking_rule_id"):
        named = raw.column("stop_times", column)
        text = named.astype("str").str.strip()
        ids = ids.where(named.isna() | text.isin({"", *known}), text)
    raw.tell("warning", "booking_rules_unknown", message, "stop_times", ids.ne("").to_numpy(), ids)
