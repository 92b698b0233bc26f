"""On-demand services of a GTFS feed (GTFS-Flex): places, hours, dates and booking rules.

Reads ``locations.geojson``, ``location_groups.txt``, ``booking_rules.txt`` and the rows of
``stop_times.txt`` that have a pick-up window, in a zone, at a group of stops or at a stop
(https://gtfs.org/documentation/schedule/examples/flex/).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
import shapely.errors
import shapely.geometry

from mobility.base.clock import DAY_S
from mobility.base.errors import Finding, SourceError, library_words
from mobility.sources.gtfs.columns import numbers, seconds
from mobility.sources.gtfs.read import read_feed

_TIMES = ("start_pickup_drop_off_window", "end_pickup_drop_off_window")
_COLUMNS = ["trip_id", "stop_id", "location_id", "location_group_id", "stop_sequence", *_TIMES,
            "pickup_type", "drop_off_type", "pickup_booking_rule_id",
            "drop_off_booking_rule_id"]  # fmt: skip
_TABLES = ("stop_times", "trips", "stops", "booking_rules", "location_groups",
           "location_group_stops", "stop_areas")  # fmt: skip
_NOTICE_OF = ("duration_min", "duration_max", "last_day", "start_day")
_NOTICE = tuple(f"prior_notice_{what}" for what in _NOTICE_OF)
_CLOCKS = ("prior_notice_start_time", "prior_notice_last_time")
_HOW_TO_BOOK = ("message", "pickup_message", "drop_off_message", "phone_number", "booking_url",
                "info_url")  # fmt: skip
#: The first ride of what nobody can book.
_NEVER_S = 1 << 30
_Places = dict[tuple[str, str], tuple[str, shapely.Geometry]]


class _Rule(NamedTuple):
    """How a service is booked, and until when: in the feed's words.

    ``opens`` says from when where that is on the day of the ride only, else ""; ``opens_s`` is
    the first ride that can be booked then, seconds of the service day.
    """

    booking: str = ""
    notice: str = ""
    opens: str = ""
    opens_s: int = 0

    def and_(self, other: _Rule) -> _Rule:
        """Return the rule of a ride that is under two rules."""
        booking, notice, opens = (
            ", ".join(dict.fromkeys(filter(None, pair)))
            for pair in zip(self[:3], other[:3], strict=True)
        )
        return _Rule(booking, notice, opens, max(self.opens_s, other.opens_s))


@dataclass(frozen=True)
class FlexZone:
    """One on-demand service of a feed.

    Attributes
    ----------
    name
        Names of its places.
    pickup, dropoff
        Where one may board and alight, EPSG:4326: areas in which the vehicle comes to the
        door, and stops, as points.
    start_s, end_s, drop_start_s, drop_end_s
        Windows of boarding and of alighting, seconds since noon minus 12 h of the service day;
        may pass midnight.
    dates
        Service days.
    booking, notice
        How to book and the least notice, in the feed's own words.
    opens
        From when bookings are taken, where that is on the day of the ride only: a time, or the
        most minutes before.
    window_s
        Start of the feed's window of boarding; rides before ``start_s`` cannot be booked.
    factor, offset_s
        What a ride takes of the direct drive, and on top of it (``safe_duration_factor``,
        ``safe_duration_offset``); 0 where the feed does not say.
    """

    name: str
    pickup: shapely.Geometry
    dropoff: shapely.Geometry
    start_s: int
    end_s: int
    drop_start_s: int
    drop_end_s: int
    dates: frozenset[dt.date]
    booking: str = ""
    notice: str = ""
    opens: str = ""
    window_s: int = 0
    factor: float = 0.0
    offset_s: float = 0.0


def read_flex(path: Path, findings: list[Finding] | None = None) -> list[FlexZone]:
    """Return the on-demand services of a feed, none where no call has a pick-up window.

    Calls that cannot be used are told in ``findings``.

    Raises
    ------
    SourceError
        ``locations.geojson`` is no GeoJSON, or a window is no time.
    """
    feed = read_feed(path)
    if not feed.trips["on_demand"].any():
        return []
    from mobility.sources.gtfs.files import read_extra

    tables, zones = read_extra(path, _TABLES)
    places = _places(tables) | ({} if zones is None else _locations(zones, path))
    rows = _windows(tables["stop_times"], places, path, [] if findings is None else findings)
    trips = _texts(tables["trips"], ["trip_id", "service_id"]).set_index("trip_id")["service_id"]
    pace = _pace(tables["trips"], path)
    rules = _rules(tables["booking_rules"], path)
    found: dict[tuple[object, ...], tuple[FlexZone, set[dt.date]]] = {}
    idle = []
    for trip, calls in rows[rows["trip_id"].isin(trips.index)].groupby("trip_id", sort=True):
        offered = _services(calls, places, rules, pace.get(str(trip), (0.0, 0.0)))
        for zone in offered:
            key = (*vars(zone).values(),)
            found.setdefault(key, (zone, set()))[1].update(feed.services.dates(str(trips[trip])))
        idle += [] if offered else [str(trip)]
    services = [replace(zone, dates=frozenset(dates)) for zone, dates in found.values()]
    told = [] if findings is None else findings
    if idle:
        message = (
            "{count} trips on demand offer no ride from one window to a later one (a zone alone, "
            "or beside stops with fixed times): these calls are left out"
        )
        file = f"{path}/stop_times.txt"
        shown = tuple(idle[:5])
        told.append(Finding("warning", "flex_without_ride", message, file, len(idle), shown))
    return _bookable(services, told, path)


def _bookable(zones: list[FlexZone], findings: list[Finding], path: Path) -> list[FlexZone]:
    """Return the services of which a ride can be booked at all."""
    never = [z for z in zones if z.start_s >= min(z.end_s, z.drop_end_s)]
    if never:
        message = (
            "{count} on-demand services can be booked by nobody: their booking opens after it "
            "closes, or too late for the last ride; they are left out"
        )
        names = tuple(dict.fromkeys(zone.name for zone in never))[:5]
        file = f"{path}/booking_rules.txt"
        findings.append(Finding("warning", "flex_never_bookable", message, file, len(never), names))
    return [zone for zone in zones if zone not in never]


def _texts(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return columns as stripped text, "" where there is nothing."""
    found = {
        c: frame[c].astype("str").fillna("").str.strip() if c in frame else "" for c in columns
    }
    return pd.DataFrame(found, index=frame.index)


def _places(tables: dict[str, pd.DataFrame]) -> _Places:
    """Return stops and groups of stops by their column and id."""
    stops = _texts(tables["stops"], ["stop_id", "stop_name", "stop_lon", "stop_lat"])
    lonlat = stops[["stop_lon", "stop_lat"]].apply(pd.to_numeric, errors="coerce")
    stops = stops[lonlat.notna().all(axis=1)]
    points = shapely.points(lonlat.loc[stops.index].to_numpy(float))
    point = dict(zip(stops["stop_id"], points, strict=True))
    found: _Places = {
        ("stop_id", i): (name or i, point[i])
        for i, name in zip(stops["stop_id"], stops["stop_name"], strict=True)
    }
    groups = _texts(tables["location_groups"], ["location_group_id", "location_group_name"])
    names = dict(zip(groups["location_group_id"], groups["location_group_name"], strict=True))
    # Before 2024 a group was an area of stop_areas.txt.
    areas = tables["stop_areas"].rename(columns={"area_id": "location_group_id"})
    members = pd.concat([tables["location_group_stops"], areas], ignore_index=True)
    members = _texts(members, ["location_group_id", "stop_id"])
    members = members[members["stop_id"].isin(list(point))]
    for group, rows in members.groupby("location_group_id"):
        where = shapely.union_all([point[i] for i in rows["stop_id"]])
        found["location_group_id", str(group)] = names.get(group) or str(group), where
    return found


def _locations(text: str, path: Path) -> _Places:
    file, mend = (
        f"{path}/locations.geojson",
        "Give a FeatureCollection of polygons, each with an id.",
    )
    try:
        read = json.loads(text)
    except ValueError as error:
        raise SourceError(
            "It is no GeoJSON of on-demand zones: {reason}.",
            file=file,
            mend=mend,
            reason=library_words(error),
        ) from None
    features = read.get("features") if isinstance(read, dict) else None
    if not isinstance(features, list):
        raise SourceError("It holds no list of features.", file=file, mend=mend)
    found: _Places = {}
    for row, feature in enumerate(features, start=1):
        known = feature if isinstance(feature, dict) else {}
        told = known.get("properties")
        properties = told if isinstance(told, dict) else {}
        # Some programs write the id of a zone among its properties, and none or null beside them.
        given = [known.get("id"), properties.get("id")]
        key = next((i for i in map(_id, given) if i), "")
        if not key:
            wrong = next((i for i in given if i is not None), None)
            raise SourceError(
                "The zone has no id.", file=file, row=row, column="id", value=wrong, mend=mend
            )
        area = _area(known.get("geometry"))
        if area is None:
            raise SourceError(
                "An on-demand zone is a polygon.",
                file=file,
                row=row,
                column="geometry",
                value=key,
                mend=mend,
            )
        found["location_id", key] = str(properties.get("stop_name") or key), area
    return found


def _id(value: object) -> str:
    """Return the id of a feature, a text or a number; "" for anything else."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value).strip() if number or isinstance(value, str) else ""


def _area(geometry: Any) -> shapely.Geometry | None:
    """Return a polygon or several as a valid one, None for anything else."""
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return None
    try:
        return shapely.make_valid(shapely.geometry.shape(geometry))
    except (ValueError, KeyError, TypeError, IndexError, shapely.errors.ShapelyError):
        return None


def _pace(table: pd.DataFrame, path: Path) -> dict[str, tuple[float, float]]:
    """Return what trips say of the length of their rides: a factor, and seconds on top."""
    names = ("safe_duration_factor", "safe_duration_offset")
    if not set(names) & set(table):
        return {}
    texts = _texts(table, ["trip_id", *names])
    file = f"{path}/trips.txt"
    values = [np.nan_to_num(numbers(texts[c].where(texts[c] != ""), file=file)) for c in names]
    return dict(zip(texts["trip_id"], zip(*values, strict=True), strict=True))


def _windows(
    table: pd.DataFrame, places: _Places, path: Path, findings: list[Finding]
) -> pd.DataFrame:
    """Return the calls with a window at a known place, in order: ``place``, ``low``, ``high``."""
    frame = _texts(table, _COLUMNS)
    frame = frame[(frame[["location_id", "location_group_id", _TIMES[0]]] != "").any(axis=1)]
    kinds = ("location_id", "location_group_id", "stop_id")
    # Zones and groups once stood in stop_id.
    asked = [*zip(kinds, kinds, strict=True), *((kind, "stop_id") for kind in kinds[:2])]
    keys = [
        next(((kind, row[c]) for kind, c in asked if (kind, row[c]) in places), None)
        for _, row in frame.iterrows()
    ]
    low, high = (seconds(frame[c], file=f"{path}/stop_times.txt") for c in _TIMES)
    over = high < low
    high = np.where(over, high + DAY_S, high)
    order = pd.to_numeric(frame["stop_sequence"], errors="coerce")
    frame = frame.assign(
        place=pd.Series(keys, index=frame.index, dtype=object), low=low, high=high, order=order
    )
    nowhere = frame["place"].isna().to_numpy()
    never = ~nowhere & ~(low < high)
    file = f"{path}/stop_times.txt"
    message = "{count} calls on demand name a place that the feed does not hold, and are left out"
    findings += _lost("flex_place_unknown", message, frame[nowhere], file)
    message = (
        "{count} windows of calls on demand end before they start; they are taken to end on the "
        "next day (02:00:00 as 26:00:00)"
    )
    findings += _lost("flex_window_over_midnight", message, frame[over & ~nowhere], file)
    message = (
        "{count} calls on demand have no window of time that ends after its start, and are left out"
    )
    findings += _lost("flex_window_missing", message, frame[never], file)
    return frame[~nowhere & ~never].sort_values("order", kind="stable")


def _lost(code: str, message: str, calls: pd.DataFrame, file: str) -> list[Finding]:
    if calls.empty:
        return []
    places = calls[["location_id", "location_group_id", "stop_id"]].to_numpy()
    shown = tuple(dict.fromkeys("".join(row) for row in places))[:5]
    return [Finding("warning", code, message, file, len(calls), shown)]


def _rules(table: pd.DataFrame, path: Path) -> dict[str, _Rule]:
    """Return the booking rules by their id."""
    file = f"{path}/booking_rules.txt"
    texts = _texts(table, ["booking_rule_id", "booking_type", *_NOTICE, *_CLOCKS, *_HOW_TO_BOOK])
    values = {c: numbers(texts[c].where(texts[c] != ""), file=file) for c in _NOTICE}
    values |= {c: seconds(texts[c], file=file) for c in _CLOCKS}
    rows = pd.DataFrame(values).to_dict("records")
    return {
        text["booking_rule_id"]: _rule(text, row)
        for (_, text), row in zip(texts.iterrows(), rows, strict=True)
    }


def _rule(text: pd.Series, row: Mapping[Hashable, float]) -> _Rule:
    """Return a booking rule from its texts, and from its numbers, NaN where it has none."""
    least, most, last_day, first_day = (row[f"prior_notice_{c}"] for c in _NOTICE_OF)
    start_s, last_s = (row[c] for c in _CLOCKS)
    notice, opens, opens_s = [], "", 0.0
    if least > 0:
        notice.append(f"{least:g} min")
    if last_day > 0:
        clock = text["prior_notice_last_time"]
        notice.append(f"prior_notice_last_day {last_day:g} {clock}".strip())
    if most >= 0:
        opens = f"≤ {most:g} min"
    elif first_day == 0:
        opens = text["prior_notice_start_time"] or "00:00"
        opens_s = np.nan_to_num(start_s) + np.nan_to_num(least) * 60
    elif text["booking_type"] == "0":
        opens = "booking_type 0"
    first_s = np.nan_to_num(start_s) - first_day * DAY_S
    closes_s = (DAY_S if np.isnan(last_s) else last_s) - last_day * DAY_S
    if most < least or closes_s <= first_s:
        opens_s = _NEVER_S
    words = ", ".join(text[c] for c in _HOW_TO_BOOK if text[c])
    return _Rule(words, ", ".join(notice), opens, int(opens_s))


def _services(
    calls: pd.DataFrame, places: _Places, rules: dict[str, _Rule], pace: tuple[float, float]
) -> list[FlexZone]:
    """Return what a trip offers: services of each window of boarding and of alighting."""
    boards, leaves = (calls[calls[c] != "1"] for c in ("pickup_type", "drop_off_type"))
    found = []
    for _, boarding in boards.groupby(["low", "high", "pickup_booking_rule_id"]):
        for _, leaving in leaves.groupby(["low", "high", "drop_off_booking_rule_id"]):
            up, down = boarding.iloc[0], leaving.iloc[0]
            rule = rules.get(up["pickup_booking_rule_id"], _Rule()).and_(
                rules.get(down["drop_off_booking_rule_id"], _Rule())
            )
            # One rides from a call to a later one: calls with the same later ones go together.
            passed = np.searchsorted(leaving["order"], boarding["order"], side="right")
            for k in np.unique(passed[passed < len(leaving)]):
                start, end = boarding["place"][passed == k], leaving["place"][k:]
                found.append(
                    FlexZone(
                        name=" / ".join(dict.fromkeys(places[p][0] for p in (*start, *end))),
                        pickup=shapely.union_all([places[p][1] for p in start]),
                        dropoff=shapely.union_all([places[p][1] for p in end]),
                        start_s=max(int(up["low"]), rule.opens_s),
                        end_s=int(up["high"]),
                        drop_start_s=int(down["low"]),
                        drop_end_s=int(down["high"]),
                        dates=frozenset(),
                        booking=rule.booking,
                        notice=rule.notice,
                        opens=rule.opens,
                        window_s=int(up["low"]),
                        factor=pace[0],
                        offset_s=pace[1],
                    )
                )
    return [zone for zone in found if zone.window_s < zone.drop_end_s]
