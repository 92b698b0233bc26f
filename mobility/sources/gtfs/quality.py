"""The timetable's quality gate: what in a feed would make a wrong map.

Reading (`mobility.sources.gtfs.read`) reports what it leaves out: broken references, repeated
ids, trips back in time. Here are the checks on what is left. They are this package's own,
vectorised, because they run before every study: about 0.3 s on 400,000 stop times. The
canonical rule set (https://gtfs-validator.mobilitydata.org/rules.html, `canonical_findings`) is a
second opinion where the package ``gtfs-guru`` is installed (1.5 s and 250 MB for 424,000 stop
times): most of its rules, on spelling and fares, change no travel time. Feeds whose hours are not
the territory's are told apart, once the dates are chosen (`zone_findings`).
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool
from mobility.base.clock import axis_origin_utc
from mobility.base.errors import Finding, Severity, SourceError
from mobility.sources.gtfs.feed import CALENDARS, EARTH_M, Feed, route_mode
from mobility.sources.gtfs.read import existing
from mobility.sources.holidays import SATURDAY, Holidays

#: A stop this far from any other is misplaced or serves no one here.
_LONELY_M = 30_000.0
# Three service days are put on one axis: what leaves later than a day after its own is on none.
_TWO_DAYS_S = 48 * 3600
#: Times are often rounded to the minute.
_SLACK_S = 60
#: Faster than any vehicle of its kind runs between two stops.
_MAX_SPEED_KMH = {
    "tram": 100, "metro": 150, "rail": 350, "bus": 130, "coach": 130, "trolleybus": 100,
    "ferry": 90, "cable": 60, "funicular": 60, "monorail": 150, "taxi": 130,
}  # fmt: skip
#: Of the extended route types, which many feeds of GTFS use.
_SCHOOL_BUS = 712
#: Fewer days of term or of holidays than these tell nothing of a route.
_TERM_DAYS = 3
#: A school service runs in the morning, at noon and in the evening, no more often.
_SCHOOL_TRIPS = 8
_SCHOOL = re.compile(
    r"\b(scolaires?|écoles?|ecoles?|coll[eè]ges?|lyc[ée]es?|schools?|schul\w*)\b", re.IGNORECASE
)


def check_feed(
    feed: Feed, *, dates: Iterable[dt.date] = (), holidays: Holidays | None = None
) -> list[Finding]:
    """Return what is wrong or odd in a feed, with counts and examples.

    Parameters
    ----------
    feed
        One or more networks. What reading them found is in ``feed.findings``.
    dates
        Dates studied: each should have trips.
    holidays
        Holidays of the territory; with them, routes that run on school days only are told
        apart by their calendar, else by their type and name.
    """
    dates = sorted(set(dates))
    return [
        *_calendar_findings(feed, dates),
        *_trip_findings(feed),
        *_stop_findings(feed),
        *_speed_findings(feed),
        *_duplicate_findings(feed, dates),
        *_school_findings(feed, holidays),
        *_network_findings(feed),
    ]


def _finding(
    severity: Severity, code: str, message: str, source: str, names: Iterable[Any], **params: Any
) -> list[Finding]:
    """Return one finding about the rows named, none when there is no row."""
    rows = list(names)
    if not rows:
        return []
    shown = tuple(str(n)[:80] for n in rows[:5])
    return [Finding(severity, code, message, source, len(rows), shown, params)]


def _calendar_findings(feed: Feed, dates: Sequence[dt.date]) -> list[Finding]:
    period = feed.period
    if period is None:
        return [Finding("error", "no_service", "No trip runs on any date", source=CALENDARS)]
    outside = [d for d in dates if not period[0] <= d <= period[1]]
    empty = [d for d in dates if d not in outside and not feed.trips_on(d).size]
    service = feed.trips["service"].to_numpy()
    counts = feed.trips_per_day()[0]
    empty_days = [dt.date.fromordinal(d.toordinal()) for d in counts.index[counts == 0]]
    gaps = [d for d in empty_days if period[0] < d < period[1]]
    span = feed.services.whole_span
    assert span is not None  # some trip runs
    idle = np.asarray(~feed.services.between(*span).any(axis=1))
    never = idle[np.maximum(service, 0)] & (service >= 0) & feed.runnable
    return [
        *_finding(
            "error", "calendar_expired",
            "{count} of the dates studied lie outside the timetables' calendar, {first} to {last}",
            CALENDARS, outside, first=period[0], last=period[1],
        ),
        *_finding(
            "warning", "no_trip_on_date", "No trip runs on {count} of the dates studied",
            CALENDARS, empty,
        ),
        *_finding(
            "info", "days_without_trips", "No trip runs on {count} days inside the calendar",
            CALENDARS, gaps,
        ),
        *_finding(
            "info", "trips_never_run", "{count} trips belong to services that never run",
            CALENDARS, feed.trips.loc[never, "trip_id"].to_list(),
        ),
    ]  # fmt: skip


def _trip_findings(feed: Feed) -> list[Finding]:
    trip_ids = feed.trips["trip_id"]
    # Trips on demand have no times by nature.
    calls = np.where(feed.trips["on_demand"], 2, np.diff(feed.trip_ptr))
    late = np.zeros(len(feed.trips), np.bool_)
    beyond = feed.stop_times["departure_s"].to_numpy() >= _TWO_DAYS_S
    late[feed.stop_times["trip"].to_numpy()[beyond]] = True
    share = float((calls == 0).mean()) if calls.size else 0.0
    return [
        *_finding(
            "warning", "trips_without_stop_times",
            "{count} of {all} trips have no stop times and cannot be ridden ({share} %)",
            "stop_times.txt", trip_ids[calls == 0].to_list(), all=len(feed.trips),
            share=f"{100 * share:.0f}",
        ),
        *_finding(
            "warning", "trips_of_one_stop",
            "{count} trips call at one stop only and cannot be ridden", "stop_times.txt",
            trip_ids[calls == 1].to_list(),
        ),
        *_finding(
            "warning", "trips_beyond_two_days",
            "{count} trips run past 48:00; their riders of the day before last are not counted",
            "stop_times.txt", trip_ids[late].to_list(),
        ),
    ]  # fmt: skip


def _stop_findings(feed: Feed) -> list[Finding]:
    stops, served = feed.stops, np.zeros(feed.n_stops, np.bool_)
    served[feed.stop_times["stop"].to_numpy()] = True
    lon, lat = stops["lon"].to_numpy(), stops["lat"].to_numpy()
    names = (stops["stop_id"] + " " + stops["stop_name"]).to_numpy()
    lost = served & (np.isnan(lon) | np.isnan(lat))
    zero = served & (np.abs(lon) < 0.01) & (np.abs(lat) < 0.01)
    platform = np.isin(stops["location_type"].to_numpy(), (0, 4))
    station_called = served & ~platform
    return [
        *_finding(
            "warning", "stops_without_position",
            "{count} stops have no coordinates and cannot be walked to", "stops.txt", names[lost],
        ),
        *_finding(
            "warning", "stops_at_zero", "{count} stops lie at 0, 0", "stops.txt", names[zero]
        ),
        *_finding(
            "warning", "stops_far_away", "{count} stops lie more than {km} km from any other stop",
            "stops.txt", names[_lonely(lon, lat, served & ~lost & ~zero)],
            km=int(_LONELY_M // 1000),
        ),
        *_finding(
            "warning", "trips_call_at_stations",
            "Trips call at {count} stations or entrances instead of platforms", "stops.txt",
            names[station_called],
        ),
        *_finding(
            "info", "stops_without_trips", "{count} stops have no trip", "stops.txt",
            names[platform & ~served & ~stops["on_demand"].to_numpy()],
        ),
    ]  # fmt: skip


def _lonely(lon: NDArray[np.float64], lat: NDArray[np.float64], among: Bool) -> Bool:
    """Return which stops have no other stop within `_LONELY_M`."""
    lonely = np.zeros(lon.size, np.bool_)
    rows = np.flatnonzero(among)
    if rows.size < 3:
        return lonely
    a, b = np.radians(lon[rows]), np.radians(lat[rows])
    globe = EARTH_M * np.column_stack([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)])
    # Stops at one place are one stop here.
    places, inverse = np.unique(np.round(globe), axis=0, return_inverse=True)
    if len(places) < 2:
        return lonely
    # Two in one cube are near each other; who is alone in its cube is measured against all.
    cubes = np.floor(places / (_LONELY_M / np.sqrt(3)))
    _, cube, count = np.unique(cubes, axis=0, return_inverse=True, return_counts=True)
    far = np.zeros(len(places), np.bool_)
    for k in np.flatnonzero(count[cube.ravel()] == 1):
        metres = np.linalg.norm(places - places[k], axis=1)
        far[k] = np.partition(metres, 1)[1] > _LONELY_M
    lonely[rows] = far[inverse.ravel()]
    return lonely


def _speed_findings(feed: Feed) -> list[Finding]:
    """Find rides faster than any vehicle of their kind, between times that the feed gives."""
    calls = feed.stop_times[~feed.stop_times["filled"].to_numpy()]
    trip, stop = calls["trip"].to_numpy(), calls["stop"].to_numpy()
    one, two = stop[:-1], stop[1:]
    metres = feed.metres(one, two)
    elapsed = calls["arrival_s"].to_numpy()[1:] - calls["departure_s"].to_numpy()[:-1]
    types = feed.routes["route_type"].to_list()
    limit = np.array([_MAX_SPEED_KMH[route_mode(t)] / 3.6 for t in types])
    ms = limit[feed.trips["route"].to_numpy()][trip[1:]]
    fast = (trip[1:] == trip[:-1]) & (metres > ms * (elapsed + _SLACK_S))
    rows = np.flatnonzero(fast)
    if not rows.size:
        return []
    names = feed.stops["stop_id"].to_numpy()
    trips = np.unique(trip[rows])
    legs = pd.DataFrame({"from": names[one[rows]], "to": names[two[rows]]}).drop_duplicates()
    shown = tuple(f"{a} → {b}" for a, b in legs.head(5).to_numpy())
    message = "{count} trips go impossibly fast between two stops ({legs} pairs of stops)"
    return [
        Finding(
            "warning",
            "impossible_speed",
            message,
            "stop_times.txt",
            int(trips.size),
            shown,
            {"legs": len(legs)},
        )
    ]


def _duplicate_findings(feed: Feed, dates: Sequence[dt.date]) -> list[Finding]:
    """Find trips with the same stops and times, running on the same day."""
    rows = np.flatnonzero(feed.runnable)
    if not rows.size:
        return []
    table = feed.stop_times
    place = np.arange(len(table)) - feed.trip_ptr[table["trip"].to_numpy()]
    mixed = place.astype(np.uint64)
    factors = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
    for column, factor in zip(("stop", "arrival_s", "departure_s"), factors, strict=True):
        mixed += table[column].to_numpy().astype(np.uint64) * np.uint64(factor)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    total = np.append(np.uint64(0), np.cumsum(mixed, dtype=np.uint64))
    content = total[feed.trip_ptr[rows + 1]] - total[feed.trip_ptr[rows]]
    frequent = np.isin(rows, feed.frequencies["trip"].to_numpy())
    frame = pd.DataFrame({"content": content, "route": feed.trips["route"].to_numpy()[rows]})
    twice = np.zeros(len(feed.trips), np.bool_)
    if dates:
        for date in dates:
            today = np.isin(rows, feed.trips_on(date)) & ~frequent
            twice[rows[today]] |= frame[today].duplicated().to_numpy()
    else:
        frame["service"] = feed.trips["service"].to_numpy()[rows]
        twice[rows[~frequent]] = frame[~frequent].duplicated().to_numpy()
    return _finding(
        "warning",
        "duplicate_trips",
        "{count} trips repeat another trip of the same route, stops and times on the same day",
        "trips.txt",
        feed.trips.loc[twice, "trip_id"].to_list(),
    )


def school_routes(feed: Feed, holidays: Holidays | None = None) -> Bool:
    """Return bool[routes]: routes that only serve schools.

    Those of the extended type 712; those named after schools, unless they run at week-ends,
    in the school holidays or more than `_SCHOOL_TRIPS` times a day, as town lines that end at
    a school do; and with ``holidays``, those that run on `_TERM_DAYS` weekdays in term time or
    more, but never in the school holidays nor at week-ends, where their agency runs on as
    many weekdays of the holidays.
    """
    routes = feed.routes
    named = (routes["short_name"] + " " + routes["long_name"]).map(
        lambda text: _SCHOOL.search(text) is not None
    )
    typed = (routes["route_type"] == _SCHOOL_BUS).to_numpy()
    route = feed.trips["route"].to_numpy().astype(np.int64)
    frame = feed.trips_per_day(route).reindex(columns=range(len(routes)), fill_value=0)
    trips = frame.to_numpy()
    # Without holidays every weekday is one of term.
    known = holidays or Holidays(frozenset(), frozenset())
    kinds = np.array([known.kind(day) for day in frame.index], dtype=object)
    term, off = trips[kinds == "school_weekday"] > 0, trips[kinds == "holiday_weekday"] > 0
    week_end = trips[[day.weekday() >= SATURDAY for day in frame.index]] > 0
    # A first or last day of holidays is counted differently here and there.
    resting = (off.sum(axis=0) <= 0.1 * len(off)) & ~week_end.any(axis=0)
    by_name = named.to_numpy(bool) & resting & (trips.max(axis=0, initial=0) <= _SCHOOL_TRIPS)
    # A network whose calendar ends before the holidays tells nothing of its routes.
    agency = pd.factorize(routes["network"].astype(str) + " " + routes["agency_id"])[0]
    agency_off = np.array(
        [off[:, agency == a].any(axis=1).sum() for a in range(agency.max(initial=-1) + 1)]
    )
    told = (term.sum(axis=0) >= _TERM_DAYS) & (agency_off[agency] >= _TERM_DAYS)
    return np.asarray(typed | by_name | (told & resting))


def _school_findings(feed: Feed, holidays: Holidays | None) -> list[Finding]:
    school = school_routes(feed, holidays)
    ridden = np.unique(feed.trips["route"].to_numpy()[feed.runnable])
    school &= np.isin(np.arange(len(feed.routes)), ridden)
    names = feed.routes["short_name"].where(
        feed.routes["short_name"] != "", feed.routes["long_name"]
    )
    return _finding(
        "info",
        "school_routes",
        "{count} lines only serve schools, in term time; where workers may not ride them, write "
        "school_services = false under [modes]",
        "routes.txt",
        names[school].to_list(),
    )


def _network_findings(feed: Feed) -> list[Finding]:
    """Find agencies without trips, and networks that are never valid together."""
    names, agency = feed.agency_of_trip
    if len(names) < 2:
        return []
    counts = feed.trips_per_day(agency).reindex(columns=range(len(names)), fill_value=0)
    running = counts.to_numpy() > 0
    ever = np.asarray(running.any(axis=0))
    # Trips without a service are told where it was taken from them, those on demand apart.
    apart = (feed.trips["service"] < 0) | feed.trips["on_demand"]
    told = np.bincount(agency[(agency >= 0) & apart], minlength=len(names))
    idle = [names[k] for k in np.flatnonzero(~ever & (told == 0))]
    found = _finding(
        "warning", "networks_without_trips", "{count} networks have no trip", "agency.txt", idle
    )
    days = list(counts.index)
    periods = []
    for k in np.flatnonzero(ever):
        rows = np.flatnonzero(running[:, k])
        periods.append((days[rows[0]], days[rows[-1]], names[k]))
    if len(periods) > 1 and max(p[0] for p in periods) > min(p[1] for p in periods):
        found += _finding(
            "warning",
            "networks_disjoint",
            "The calendars of {count} networks have no day in common",
            CALENDARS,
            [f"{name} {first} – {last}" for first, last, name in sorted(periods)],
        )
    return found


def zone_findings(feed: Feed, dates: Iterable[dt.date], zone: ZoneInfo) -> list[Finding]:
    """Return a warning for each feed and zone whose hours differ from the territory's.

    Zones of the same hours on every date studied make no difference.
    """
    days = list(dates)
    pairs = feed.agencies[["network", "timezone"]].drop_duplicates()

    def largest_gap_s(own: ZoneInfo) -> int:
        gaps_s = (axis_origin_utc(day, zone) - axis_origin_utc(day, own) for day in days)
        return max(gaps_s, key=abs, default=0)

    return [
        Finding(
            "warning",
            "timezone_differs",
            "the times of {network} are in the time zone {agency_zone} (agency_timezone), the "
            "shifts in {zone}: on the dates studied the two differ by {hours:+g} h. Correct "
            "agency.txt, or timezone in the territory file, unless the feed is from abroad",
            source="sources.gtfs",
            params={
                "network": feed.networks[int(network)],
                "agency_zone": name,
                "zone": zone.key,
                "hours": gap_s / 3600,
            },
        )
        for network, name in pairs.itertuples(index=False)
        if (gap_s := largest_gap_s(ZoneInfo(name)))
    ]


_PACKAGE = "gtfs_guru"
_SEVERITY: dict[str, Severity] = {"ERROR": "warning", "WARNING": "warning", "INFO": "info"}
_UNREADABLE = frozenset({"i_o_error", "runtime_exception_in_loader_error"})
_NAMED = ("tripId", "stopId", "routeId", "serviceId", "shapeId", "fieldValue", "filename")
#: Rules that compare a feed with the day of the check: studied dates are chosen from it.
_ABOUT_TODAY = frozenset(
    {"expired_calendar", "feed_expiration_date7_days", "feed_expiration_date30_days"}
)


def canonical_findings(path: str | Path, *, date: dt.date, country: str = "ZZ") -> list[Finding]:
    """Return what the canonical rules say about a feed, a zip or a folder, worst first.

    ``date`` stands for today in the rules, of which those on expiry alone are left out; ``country``
    is a two-letter code, for phone numbers, ``"ZZ"`` when unknown.

    Raises
    ------
    SourceError
        The validator is not installed, or it cannot open the feed.
    """
    path = existing(path)
    try:
        validator = importlib.import_module(_PACKAGE)
    except ImportError:
        raise SourceError(
            "The canonical rules need the package gtfs-guru, which is not installed.",
            mend="Install it with: pip install {package}",
            package="gtfs-guru",
        ) from None
    result = validator.validate(str(path), country_code=country, date=date.isoformat()).to_dict()
    if any(notice["code"] in _UNREADABLE for notice in result["notices"]):
        raise SourceError(
            "The canonical rules cannot be applied to it.",
            file=path,
            mend="Check that it is a GTFS zip or folder.",
        )
    notices = [n for n in result["notices"] if n["code"] not in _ABOUT_TODAY]
    order = list(_SEVERITY)
    notices.sort(key=lambda n: (order.index(n["severity"]), n["code"]))
    return [_of_notice(n, path.name) for n in notices]


def _of_notice(notice: dict[str, Any], source: str) -> Finding:
    names = [
        next((str(sample[k]) for k in _NAMED if sample.get(k)), "")
        for sample in notice["sampleNotices"]
    ]
    return Finding(
        _SEVERITY[notice["severity"]],
        f"canonical_{notice['code']}",
        "{count} times the canonical rule {rule}",
        source=source,
        count=int(notice["totalNotices"]),
        examples=tuple(dict.fromkeys(n[:80] for n in names if n))[:5],
        params={"rule": notice["code"]},
    )
