"""The smaller tables of a GTFS feed: services, transfers, pathways, credits.

A rule of transfers.txt may hold for the riders of some routes or trips alone. The calls that
such rules name get a stop of their own at the same place, a *copy*; every rule is then one
between two stops, the most particular one as GTFS would choose it, and holds rider by rider.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.errors import Finding, Severity
from mobility.base.i18n import WEEKDAY_NAMES
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.columns import dates, index_of, integers, numbers
from mobility.sources.gtfs.feed import (
    IMPOSSIBLE,
    MINIMUM,
    TIMED,
    Services,
    for_platforms,
    is_platform,
)
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


#: Rules times the callers they may be for; beyond it stops stay whole.
MAX_COMBINATIONS = 1_000_000
_SIDES = ("from", "to")
_CALLERS = ["from_route", "to_route", "from_trip", "to_trip"]
_CLASS = ["stop", "route", "trip"]


def split_stops(
    stops: pd.DataFrame,
    trips: pd.DataFrame,
    stop_times: pd.DataFrame,
    transfers: pd.DataFrame,
    findings: list[Finding],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return stops, stop times and transfers in which rules on walks name stops alone.

    Parameters
    ----------
    stops, trips, stop_times, transfers
        As in `mobility.sources.gtfs.feed.Feed`.
    findings
        What the user should know is appended here.

    Returns
    -------
    stops
        Copies stand at the end; ``copy_of`` (int32) names the stop each is a copy of, -1 for
        the feed's own.
    stop_times, transfers
        Calls and rules at the stops as they are now.
    """
    stops = stops.assign(copy_of=np.int32(-1))
    ends = transfers[[f"{s}_stop" for s in _SIDES]].to_numpy(np.int64)
    walks = (transfers["kind"] <= IMPOSSIBLE).to_numpy() & (ends >= 0).all(axis=1)
    bound = walks & (transfers[_CALLERS] >= 0).any(axis=1).to_numpy()
    if not bound.any():
        return stops, stop_times, transfers
    rules = _between_platforms(transfers[walks], stops)
    # The pairs with a rule for some riders, and one that says more than "walk".
    some = rules.loc[(rules[_CALLERS] >= 0).any(axis=1), "pair"]
    told = np.intersect1d(some, rules.loc[rules["kind"].isin((TIMED, MINIMUM, IMPOSSIBLE)), "pair"])
    calls = _callers(rules[rules["pair"].isin(told)], trips, stop_times)
    classes = calls.drop_duplicates().sort_values(_CLASS, ignore_index=True)
    copies = classes["stop"].duplicated().to_numpy()
    # Rules for everybody hold for all the copies.
    at_copies = (
        rules[[f"{s}_stop" for s in _SIDES]].isin(classes["stop"].to_numpy()[copies]).any(axis=1)
    )
    decided = np.union1d(told, rules.loc[at_copies, "pair"])
    rules = rules[rules["pair"].isin(decided)]
    ids = stops["stop_id"].to_numpy()
    examples = tuple(f"{ids[a]} → {ids[b]}" for a, b in ends[bound][:5])
    size = classes["stop"].value_counts()
    one, two = (rules[f"{s}_stop"].map(size).fillna(1).to_numpy(np.int64) for s in _SIDES)
    if (one * two).sum() > MAX_COMBINATIONS:
        message = (
            "{count} transfer rules hold for certain routes or trips only; the walk between "
            "their stops is kept for all"
        )
        findings.append(_finding("warning", "transfers_by_route", message, bound, examples))
        return stops, stop_times, transfers[~bound].reset_index(drop=True)
    classes["place"] = classes["stop"].where(~copies, len(stops) + np.cumsum(copies) - 1)
    own = classes["stop"].to_numpy()[copies]
    names = [f"{ids[s]}#{k + 1}" for k, s in enumerate(own)]
    more = stops.iloc[own].assign(stop_id=names, copy_of=own.astype(np.int32))
    stop = stop_times["stop"].to_numpy().copy()
    stop[calls.index] = calls.merge(classes, how="left", on=_CLASS)["place"].to_numpy()
    replaced = bound | (walks & np.isin(ends @ [len(stops), 1], decided))
    message = "{count} transfer rules hold for certain routes or trips only, rider by rider"
    findings.append(_finding("info", "transfers_told_apart", message, bound, examples))
    return (
        pd.concat([stops, more], ignore_index=True),
        stop_times.assign(stop=stop.astype(np.int32)),
        pd.concat([transfers[~replaced], _chosen(rules, classes)], ignore_index=True),
    )


def _finding(
    severity: Severity, code: str, message: str, bound: NDArray[np.bool_], examples: tuple[str, ...]
) -> Finding:
    return Finding(
        severity, code, message, source="transfers.txt", count=int(bound.sum()), examples=examples
    )


def _between_platforms(rules: pd.DataFrame, stops: pd.DataFrame) -> pd.DataFrame:
    """Return the rules between platforms, ``pair`` and what decides among those of a pair.

    GTFS takes two trips before a trip and a route, then one trip, two routes, one route, and
    rules for everybody; among equals, those that name platforms come before stations'.
    """
    platform = is_platform(stops)
    rank = np.zeros(len(rules), np.int64)
    for side in _SIDES:
        trip, route = (rules[f"{side}_{what}"].to_numpy() >= 0 for what in ("trip", "route"))
        rank += 27 * trip + 3 * (route & ~trip) + platform[rules[f"{side}_stop"].to_numpy()]
    found = rules.assign(rank=rank)
    for side in _SIDES:
        found = for_platforms(found, f"{side}_stop", stops)
    pair = found["from_stop"].to_numpy(np.int64) * len(stops) + found["to_stop"].to_numpy()
    return found.assign(pair=pair)


def _callers(rules: pd.DataFrame, trips: pd.DataFrame, stop_times: pd.DataFrame) -> pd.DataFrame:
    """Return the calls at the rules' stops: stop, and the route and trip if a rule names them.

    The index is the row of ``stop_times``; -1 stands for all that no rule names.
    """
    at = [rules[f"{s}_stop"] for s in _SIDES]
    rows = np.flatnonzero(stop_times["stop"].isin(pd.concat(at)))
    calls = pd.DataFrame(
        {"stop": stop_times["stop"].to_numpy()[rows], "trip": stop_times["trip"].to_numpy()[rows]},
        index=rows,
        dtype=np.int64,
    )
    calls["route"] = trips["route"].to_numpy(np.int64)[calls["trip"]]
    for what in ("route", "trip"):
        asked = pd.concat([rules[f"{s}_{what}"] for s in _SIDES]).to_numpy(np.int64)
        size = 1 + max(asked.max(initial=0), calls[what].max())
        named = (pd.concat(at).to_numpy(np.int64) * size + asked)[asked >= 0]
        calls[what] = calls[what].where((calls["stop"] * size + calls[what]).isin(named), -1)
    return calls[_CLASS]


def _chosen(rules: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Return the rule that holds between each two classes of callers, as one between stops."""
    # Each stop of the rules that has no class gets one of its own.
    rest = np.setdiff1d(rules[[f"{s}_stop" for s in _SIDES]].to_numpy(), classes["stop"])
    whole = pd.DataFrame({"stop": rest, "route": -1, "trip": -1, "place": rest})
    known = pd.concat([classes, whole], ignore_index=True)
    found = rules.assign(row=np.arange(len(rules)))
    for side in _SIDES:
        own = known.add_prefix(f"{side}_own_").rename(columns={f"{side}_own_stop": f"{side}_stop"})
        found = found.merge(own, on=f"{side}_stop")
        for what in ("route", "trip"):
            asked = found[f"{side}_{what}"]
            found = found[(asked < 0) | (asked == found[f"{side}_own_{what}"])]
    ends = [f"{s}_own_place" for s in _SIDES]
    found = found.sort_values(["rank", "row"]).drop_duplicates(ends, keep="last")
    found = found.sort_values(ends)
    place = {f"{s}_stop": found[f"{s}_own_place"].astype(np.int32) for s in _SIDES}
    return found.assign(**place, **dict.fromkeys(_CALLERS, np.int32(-1)))[
        [*place, *_CALLERS, "kind", "min_s"]
    ]
