"""Trips that two feeds hold: a regional aggregate and the local feed it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Int64
from mobility.base.errors import Finding
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.feed import Feed, Services

#: Stops this near are one: feeds place the same pole some tens of metres apart.
_NEAR_M = 50.0
#: Share of the smaller network's trips in both feeds from which the network counts as the same.
_SHARED = 0.5
#: One departure alone may be the same by accident.
_FEWEST = 2
#: Departures at headways looked at in all: more are taken as the headways they are.
_MAX_DEPARTURES = 200_000
_EARLIER = "in an earlier feed too"


def without_overlaps(feed: Feed, *, drop: bool) -> Feed:
    """Tell the networks that two of the merged feeds hold; with ``drop``, keep each once.

    Two trips of different feeds are the same where they call at the same stops, by place, at
    the same times on the same dates. Two networks (agencies) are, where at least half of the
    trips of the smaller one are, on the dates both run. Then the trips of the feed named later
    are left out, on the dates the earlier feed has them; trips of other networks that happen
    to be alike stay.
    """
    if len(feed.networks) < 2:
        return feed
    same = list(_same_networks(feed))
    told = [_overlap(feed, one, two, rows, share, drop=drop) for one, two, rows, share in same]
    feed = replace(feed, findings=(*feed.findings, *told))
    return _left_out(feed, pd.concat([rows for _, _, rows, _ in same])) if drop and same else feed


def _same_networks(feed: Feed) -> Iterator[tuple[int, int, pd.DataFrame, float]]:
    """Yield two agencies that are the same, their twin trips, and the share these are."""
    names, agency = feed.agency_of_trip
    twins = _twins(feed)
    twins = twins.assign(one=agency[twins["first"]], two=agency[twins["second"]])
    twins = _days_in_common(feed, twins[(twins["one"] >= 0) & (twins["two"] >= 0)])
    if twins.empty:
        return
    trips = feed.trips_per_day(agency).reindex(columns=range(len(names)), fill_value=0).to_numpy()
    for _, rows in twins.groupby(["one", "two"], sort=True):
        one, two = int(rows["one"].iloc[0]), int(rows["two"].iloc[0])
        both = (trips[:, one] > 0) & (trips[:, two] > 0)
        smaller = int(min(trips[both, one].sum(), trips[both, two].sum()))
        # A trip found twice in the earlier feed is one trip of the later.
        days = rows.groupby("second")["days"].max()
        share = min(1.0, int(days.sum()) / max(smaller, 1))
        alike = int(rows.drop_duplicates("second")["alike"].sum())
        if share >= _SHARED and alike >= _FEWEST:
            yield one, two, rows, share


def _overlap(
    feed: Feed, one: int, two: int, twins: pd.DataFrame, share: float, *, drop: bool
) -> Finding:
    message = (
        "{count} trips of {later} are in {earlier} too ({share} % of the smaller network): the "
        "same stops, times and dates; they are left out once"
        if drop
        else "{count} trips of {later} are in {earlier} too ({share} % of the smaller "
        'network): the same stops, times and dates; write duplicates = "drop" under [sources] '
        "to leave them out once"
    )
    names, _ = feed.agency_of_trip
    network = feed.agencies.drop_duplicates(["network", "agency_id"])["network"].to_numpy()
    shared = twins["second"].unique()
    return Finding(
        "info" if drop else "warning",
        "feeds_overlap",
        message,
        "sources.gtfs",
        len(shared),
        _routes(feed, shared),
        {
            "later": f"{names[two]} ({feed.networks[network[two]]})",
            "earlier": f"{names[one]} ({feed.networks[network[one]]})",
            "share": f"{100 * share:.0f}",
        },
    )


def _routes(feed: Feed, trips: Int64) -> tuple[str, ...]:
    routes = feed.routes.iloc[np.unique(feed.trips["route"].to_numpy()[trips])]
    names = routes["short_name"].where(routes["short_name"] != "", routes["long_name"])
    return tuple(dict.fromkeys(str(name) for name in names))[:5]


def _twins(feed: Feed) -> pd.DataFrame:
    """Return the pairs of trips of two feeds at the same stops and times: ``first``, ``second``.

    Trips at a headway with exact times are their departures, all of which have to be alike;
    ``alike`` counts those of the second in the other feed.
    """
    rows = _departures(feed)
    trips = rows["trip"].to_numpy()
    rows = rows.assign(
        network=feed.trips["network"].to_numpy()[trips],
        calls=np.diff(feed.trip_ptr)[trips],
        timezone=feed.routes["timezone"].to_numpy()[feed.trips["route"].to_numpy()[trips]],
        all=rows.groupby("trip")["trip"].transform("size"),
    )
    key = ["content", "calls", "timezone"]
    # Most trips have no like in another feed: leave them before pairs are made.
    rows = rows[rows.groupby(key)["network"].transform("nunique") > 1]
    pairs = pd.concat([rows.iloc[:0].merge(rows.iloc[:0], on=key), *_by_network(rows, key)])
    near = _near_all(feed, pairs["trip_x"].to_numpy(np.int64), pairs["trip_y"].to_numpy(np.int64))
    pairs = pairs[near]
    pairs["alike"] = pairs.groupby(["network_x", "trip_y"])["departure_y"].transform("nunique")
    whole = pairs[pairs["alike"] == pairs["all_y"]]
    found = whole.rename(columns={"trip_x": "first", "trip_y": "second"})
    return found[["first", "second", "alike"]].drop_duplicates(ignore_index=True)


def _near_all(feed: Feed, first: Int64, second: Int64) -> NDArray[np.bool_]:
    """Return whether each two trips call at the same places, all along."""
    close = np.ones(first.size, np.bool_)
    for call in ("first", "last"):
        at = [
            feed.trip_ptr[t] if call == "first" else feed.trip_ptr[t + 1] - 1
            for t in (first, second)
        ]
        close &= _near(feed, *at)
    rows = np.flatnonzero(close)
    first, second = first[rows], second[rows]
    calls = np.diff(feed.trip_ptr)[first]
    step = np.arange(calls.sum()) - np.repeat(np.cumsum(calls) - calls, calls)
    at = [np.repeat(feed.trip_ptr[t], calls) + step for t in (first, second)]
    far = np.bincount(np.repeat(np.arange(first.size), calls), ~_near(feed, *at), first.size) > 0
    close[rows[far]] = False
    return close


def _departures(feed: Feed) -> pd.DataFrame:
    """Return the departures of all trips that run: ``trip``, ``departure`` and ``content``.

    What a trip without exact times comes to has its headways in it.
    """
    seconds, place = _call_times(feed)
    runs = feed.runnable & (feed.trips["service"].to_numpy() >= 0)
    table = feed.frequencies[feed.frequencies["end_s"] > feed.frequencies["start_s"]]
    loose = table.loc[~table["exact"], "trip"]
    exact = table[~table["trip"].isin(loose) & runs[table["trip"].to_numpy()]]
    start, end, headway = (exact[c].to_numpy(np.int64) for c in ("start_s", "end_s", "headway_s"))
    count = -((start - end) // headway)
    if count.sum() > _MAX_DEPARTURES:
        exact, count = exact.iloc[:0], count[:0]
    trip = np.repeat(exact["trip"].to_numpy(np.int64), count)
    turn = np.arange(trip.size) - np.repeat(np.cumsum(count) - count, count)
    leave = np.repeat(start[: len(count)], count) + turn * np.repeat(headway[: len(count)], count)
    shift = leave - seconds[feed.trip_ptr[trip]].astype(np.int64)
    calls = np.diff(feed.trip_ptr)[trip]
    take = np.arange(calls.sum()) + np.repeat(feed.trip_ptr[trip] - np.cumsum(calls) + calls, calls)
    moved = (seconds[take].astype(np.int64) + np.repeat(shift, calls)).astype(np.uint64)
    content = np.zeros(trip.size, np.uint64)
    np.add.at(content, np.repeat(np.arange(trip.size), calls), _mixed(moved, place[take]))
    others = np.flatnonzero(runs & ~np.isin(np.arange(runs.size), trip))
    found = pd.DataFrame(
        {
            "trip": np.concatenate([others, trip]),
            "departure": np.concatenate([np.zeros(others.size, np.int64), leave]),
            "content": np.concatenate([_times(feed)[others], content]),
        }
    )
    return found.drop_duplicates(ignore_index=True)


def _call_times(feed: Feed) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the departure of each call, of a last one its arrival, and its place in its trip."""
    table = feed.stop_times
    seconds = table["departure_s"].to_numpy(np.uint64).copy()
    ends = feed.trip_ptr[1:][feed.runnable] - 1
    seconds[ends] = table["arrival_s"].to_numpy(np.uint64)[ends]
    place = np.arange(len(table)) - feed.trip_ptr[table["trip"].to_numpy()]
    return seconds, place.astype(np.uint64)


def _by_network(rows: pd.DataFrame, key: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the trips of an earlier and of a later feed that are alike by ``key``, side by side."""
    parts = [part for _, part in rows.groupby("network", sort=True)]
    for k, two in enumerate(parts):
        for one in parts[:k]:
            yield one.merge(two, on=key)


def _times(feed: Feed) -> NDArray[np.uint64]:
    """Return uint64[trips]: what a trip's departures, last arrival and headways come to."""
    trip = feed.stop_times["trip"].to_numpy()
    seconds, place = _call_times(feed)
    total = np.zeros(len(feed.trips), np.uint64)
    np.add.at(total, trip, _mixed(seconds, place))
    headways = feed.frequencies[["start_s", "end_s", "headway_s"]].to_numpy(np.uint64)
    at = feed.frequencies["trip"].to_numpy()
    np.add.at(total, at, _mixed(_mixed(headways[:, 0], headways[:, 1]), headways[:, 2]))
    return total


def _mixed(one: NDArray[np.uint64], two: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a number that hardly two pairs share (the finaliser of splitmix64)."""
    mixed = one * np.uint64(0x9E3779B97F4A7C15) + two * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _near(feed: Feed, one: Int64, two: Int64) -> NDArray[np.bool_]:
    """Return whether each two calls are at one place."""
    stop = feed.stop_times["stop"].to_numpy()
    return np.asarray(feed.metres(stop[one], stop[two]) <= _NEAR_M)


def _days_in_common(feed: Feed, twins: pd.DataFrame) -> pd.DataFrame:
    """Return the twins that run on a same date, with their number of such ``days``."""
    services = feed.trips["service"].to_numpy()
    pairs = pd.DataFrame({side: services[twins[side].to_numpy()] for side in ("first", "second")})
    distinct = pairs.drop_duplicates()
    span = feed.services.span
    assert span is not None
    active = feed.services.between(*span)
    days = [int((active[one] & active[two]).sum()) for one, two in distinct.itertuples(index=False)]
    counted = pairs.merge(distinct.assign(days=days), on=["first", "second"], how="left")
    return twins.assign(days=counted["days"].to_numpy())[counted["days"].to_numpy() > 0]


def _left_out(feed: Feed, twins: pd.DataFrame) -> Feed:
    """Return the feed without the later of each two trips, on the dates of the earlier.

    A trip that has dates of its own left gets a service of these dates.
    """
    services, span = feed.services, feed.services.whole_span
    assert span is not None
    active = services.between(*span)
    of_trip = feed.trips["service"].to_numpy().copy()
    ids: list[str] = []
    days: list[Int64] = []
    made: dict[tuple[int, frozenset[int]], int] = {}
    earlier = of_trip[twins["first"].to_numpy()]
    others: dict[int, set[int]] = {}
    for trip, service in zip(twins["second"].tolist(), earlier.tolist(), strict=True):
        others.setdefault(trip, set()).add(service)
    for trip, kept in others.items():
        key = (int(of_trip[trip]), frozenset(kept))
        if key not in made:
            left = active[key[0]] & ~active[sorted(kept)].any(axis=0)
            made[key] = len(services.ids) + len(ids) if left.any() else -1
            if left.any():
                ids.append(f"{services.ids[key[0]]}#{len(ids) + 1}")
                days.append(span[0] + np.flatnonzero(left))
        of_trip[trip] = made[key]
    own = np.repeat(np.arange(len(ids)) + len(services.ids), [d.size for d in days])
    more: dict[str, Any] = {
        "exception_service": own.astype(np.int32),
        "exception_day": np.concatenate([*days, np.zeros(0)]).astype(np.int32),
        "exception_added": np.ones(own.size, np.bool_),
    }
    more = {name: np.concatenate([getattr(services, name), more[name]]) for name in more}
    changed: Services = replace(services, ids=(*services.ids, *ids), **more)
    trips = feed.trips.assign(service=of_trip)
    never = np.bincount(trips["network"][(of_trip < 0) & (feed.trips["service"] >= 0)])
    rows = _noted(feed, dict(enumerate(never.tolist())))
    return replace(feed, trips=trips, services=changed, rows=rows)


def _noted(feed: Feed, never: dict[int, int]) -> tuple[SourceLedger, ...]:
    """Return the accounts of the feed where some trips of its networks never run."""
    network, found = 0, []
    for account in feed.rows:
        if PurePath(account.source).name == "trips.txt":
            found.append(account.leaving(_EARLIER, never.get(network, 0)))
            network += 1
        else:
            found.append(account)
    return tuple(found)


def withdrawn(feed: Feed) -> set[int]:
    """Return the networks of a feed of which nothing is left: all of it is in an earlier one."""
    trips = (account for account in feed.rows if PurePath(account.source).name == "trips.txt")
    return {
        k for k, account in enumerate(trips) if not account.used and _EARLIER in account.left_out
    }
