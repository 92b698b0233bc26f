"""On-demand services of a GTFS feed (GTFS-Flex): places, hours, dates and booking rules.

Reads ``locations.geojson``, ``location_groups.txt``, ``booking_rules.txt`` and the rows of
``stop_times.txt`` that have a pick-up window, in a zone, at a group of stops or at a stop
(https://gtfs.org/documentation/schedule/examples/flex/).
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import shapely
import shapely.geometry

from mobility.base.errors import SourceError
from mobility.sources.gtfs.calls import BOOKED
from mobility.sources.gtfs.columns import seconds
from mobility.sources.gtfs.files import read_extra
from mobility.sources.gtfs.read import read_feed

_TIMES = ("start_pickup_drop_off_window", "end_pickup_drop_off_window")
_COLUMNS = ["trip_id", "stop_id", "location_id", "location_group_id", "stop_sequence", *_TIMES,
            "pickup_type", "drop_off_type", "pickup_booking_rule_id",
            "drop_off_booking_rule_id"]  # fmt: skip
_TABLES = ("stop_times", "trips", "stops", "booking_rules", "location_groups",
           "location_group_stops")  # fmt: skip
Places = dict[tuple[str, str], tuple[str, shapely.Geometry]]
Rules = dict[str, tuple[str, int]]


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
    booking
        The booking rule in the feed's own words.
    notice_min
        Least notice, minutes; 0 where none is told.
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
    notice_min: int = 0


def read_flex(path: Path) -> list[FlexZone]:
    """Return the on-demand services of a feed, none where no call has a pick-up window.

    Raises
    ------
    SourceError
        ``locations.geojson`` is no GeoJSON, or a window is no time.
    """
    feed = read_feed(path)
    if not any(BOOKED in rows.left_out for rows in feed.rows):
        return []
    tables, zones = read_extra(path, _TABLES)
    places = _places(tables) | ({} if zones is None else _locations(zones, path))
    rows = _windows(tables["stop_times"], places, path)
    trips = _texts(tables["trips"], ["trip_id", "service_id"]).set_index("trip_id")["service_id"]
    rules = _rules(tables["booking_rules"])
    found: dict[tuple[object, ...], tuple[FlexZone, set[dt.date]]] = {}
    for trip, calls in rows[rows["trip_id"].isin(trips.index)].groupby("trip_id", sort=True):
        for zone in _services(calls, places, rules):
            key = (*vars(zone).values(),)
            found.setdefault(key, (zone, set()))[1].update(feed.services.dates(str(trips[trip])))
    return [FlexZone(**{**vars(zone), "dates": frozenset(dates)}) for zone, dates in found.values()]


def _texts(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return columns as stripped text, "" where there is nothing."""
    found = {
        c: frame[c].astype("str").fillna("").str.strip() if c in frame else "" for c in columns
    }
    return pd.DataFrame(found, index=frame.index)


def _places(tables: dict[str, pd.DataFrame]) -> Places:
    """Return stops and groups of stops by their column and id."""
    stops = _texts(tables["stops"], ["stop_id", "stop_name", "stop_lon", "stop_lat"])
    lonlat = stops[["stop_lon", "stop_lat"]].apply(pd.to_numeric, errors="coerce")
    stops = stops[lonlat.notna().all(axis=1)]
    points = shapely.points(lonlat.loc[stops.index].to_numpy(float))
    point = dict(zip(stops["stop_id"], points, strict=True))
    found: Places = {
        ("stop_id", i): (name or i, point[i])
        for i, name in zip(stops["stop_id"], stops["stop_name"], strict=True)
    }
    groups = _texts(tables["location_groups"], ["location_group_id", "location_group_name"])
    names = dict(zip(groups["location_group_id"], groups["location_group_name"], strict=True))
    members = _texts(tables["location_group_stops"], ["location_group_id", "stop_id"])
    members = members[members["stop_id"].isin(list(point))]
    for group, rows in members.groupby("location_group_id"):
        where = shapely.union_all([point[i] for i in rows["stop_id"]])
        found["location_group_id", str(group)] = names.get(group) or str(group), where
    return found


def _locations(text: str, path: Path) -> Places:
    try:
        return {
            ("location_id", str(f["id"])): (
                str((f.get("properties") or {}).get("stop_name") or f["id"]),
                shapely.make_valid(shapely.geometry.shape(f["geometry"])),
            )
            for f in json.loads(text)["features"]
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            "It is no GeoJSON of on-demand zones: {reason}.",
            file=f"{path}/locations.geojson",
            mend="Give a FeatureCollection of polygons, each with an id.",
            reason=str(error)[:120],
        ) from None


def _windows(table: pd.DataFrame, places: Places, path: Path) -> pd.DataFrame:
    """Return the calls with a window at a known place, in order: ``place``, ``low``, ``high``."""
    frame = _texts(table, _COLUMNS)
    frame = frame[(frame[_TIMES[0]] != "") & (frame[_TIMES[1]] != "")]
    keys = [
        next(
            (
                (c, row[c])
                for c in ("location_id", "location_group_id", "stop_id")
                if (c, row[c]) in places
            ),
            None,
        )
        for _, row in frame.iterrows()
    ]
    low, high = (seconds(frame[c], file=f"{path}/stop_times.txt") for c in _TIMES)
    order = pd.to_numeric(frame["stop_sequence"], errors="coerce")
    frame = frame.assign(
        place=pd.Series(keys, index=frame.index, dtype=object), low=low, high=high, order=order
    )
    return frame[frame["place"].notna() & (low < high)].sort_values("order", kind="stable")


def _rules(table: pd.DataFrame) -> Rules:
    """Return how each booking rule reads, and its least notice in minutes."""
    columns = ["booking_rule_id", "prior_notice_duration_min", "prior_notice_last_day",
               "prior_notice_last_time", "message", "phone_number", "booking_url"]  # fmt: skip
    found = {}
    for _, row in _texts(table, columns).iterrows():
        words = [row[c] for c in ("message", "phone_number", "booking_url") if row[c]]
        notice, days = row["prior_notice_duration_min"], row["prior_notice_last_day"]
        minutes = int(notice) if notice.isdigit() else 0
        minutes = int(days) * 1440 if not minutes and days.isdigit() else minutes
        found[row["booking_rule_id"]] = (", ".join(words), minutes)
    return found


def _services(calls: pd.DataFrame, places: Places, rules: Rules) -> list[FlexZone]:
    """Return what a trip offers: a service for each window of boarding and of alighting."""
    order = calls["order"].to_numpy()
    boards, leaves = ((calls[c] != "1").to_numpy() for c in ("pickup_type", "drop_off_type"))
    if not boards.any() or not leaves.any():
        return []
    # One boards before the last call where one may alight, and alights after the first boarding.
    last, first = order[leaves].max(), order[boards].min()
    boards, leaves = boards & (order < last), leaves & (order > first)
    found = []
    for (start, end), boarding in calls[boards].groupby(["low", "high"]):
        for (first, last), leaving in calls[leaves].groupby(["low", "high"]):
            both = pd.concat([boarding, leaving])
            text, notice = next(
                (
                    rules[r]
                    for c in ("pickup_booking_rule_id", "drop_off_booking_rule_id")
                    for r in both[c]
                    if r in rules
                ),
                ("", 0),
            )
            found.append(
                FlexZone(
                    name=" / ".join(dict.fromkeys(places[p][0] for p in both["place"])),
                    pickup=shapely.union_all([places[p][1] for p in boarding["place"]]),
                    dropoff=shapely.union_all([places[p][1] for p in leaving["place"]]),
                    start_s=int(start),
                    end_s=int(end),
                    drop_start_s=int(first),
                    drop_end_s=int(last),
                    dates=frozenset(),
                    booking=text,
                    notice_min=notice,
                )
            )
    return [zone for zone in found if zone.start_s < zone.drop_end_s]


__all__ = ["FlexZone", "read_flex"]
