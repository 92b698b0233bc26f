"""On-demand zones of a GTFS feed (GTFS-Flex): areas, hours, dates and booking rules.

Reads ``locations.geojson``, ``booking_rules.txt`` and the rows of ``stop_times.txt`` that
name a location and a pick-up window
(https://gtfs.org/documentation/schedule/examples/flex/).
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd
import shapely
import shapely.geometry

from mobility.base.errors import SourceError
from mobility.sources.gtfs.read import read_feed

_TIME = re.compile(r"\s*(\d{1,3}):(\d\d):(\d\d)\s*")
_TIMES = ("start_pickup_drop_off_window", "end_pickup_drop_off_window")
_COLUMNS = ["trip_id", "location_id", *_TIMES, "pickup_type", "drop_off_type",
            "pickup_booking_rule_id"]  # fmt: skip


@dataclass(frozen=True)
class FlexZone:
    """One on-demand service of a feed.

    Attributes
    ----------
    name
        Names of its locations.
    pickup, dropoff
        Where one may board and alight, EPSG:4326.
    start_s, end_s
        Window, seconds since noon minus 12 h of the service day; may pass midnight.
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
    dates: frozenset[dt.date]
    booking: str = ""
    notice_min: int = 0


def read_flex(path: Path) -> list[FlexZone]:
    """Return the on-demand zones of a feed, none where it has no ``locations.geojson``.

    Raises
    ------
    SourceError
        ``locations.geojson`` is no GeoJSON, or a window is no time.
    """
    texts = _members(path)
    if "locations.geojson" not in texts or "stop_times.txt" not in texts:
        return []
    places = _locations(texts["locations.geojson"], path)
    rows = _windows(texts["stop_times.txt"], places)
    if rows.empty:
        return []
    trips = _csv(texts["trips.txt"], ["trip_id", "service_id"]).set_index("trip_id")["service_id"]
    rules = _rules(texts.get("booking_rules.txt"))
    services = read_feed(path).services
    found: dict[tuple[object, ...], tuple[FlexZone, set[dt.date]]] = {}
    for trip, calls in rows.groupby("trip_id", sort=True):
        if trip not in trips.index:
            continue
        zone = _zone(calls, places, rules, path)
        if zone is None:
            continue
        key = (zone.name, zone.start_s, zone.end_s, zone.pickup.wkb, zone.dropoff.wkb)
        found.setdefault(key, (zone, set()))[1].update(services.dates(str(trips[trip])))
    return [FlexZone(**{**vars(zone), "dates": frozenset(dates)}) for zone, dates in found.values()]


def _members(path: Path) -> dict[str, bytes]:
    """Return the files that matter here, by name."""
    wanted = {"locations.geojson", "stop_times.txt", "trips.txt", "booking_rules.txt"}
    if path.is_dir():
        names = {p.name for p in path.iterdir()}
        if "locations.geojson" not in names:
            return {}
        return {n: (path / n).read_bytes() for n in sorted(wanted & names)}
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {PurePosixPath(n).name: n for n in archive.namelist()}
            if "locations.geojson" not in inside:
                return {}
            return {n: archive.read(inside[n]) for n in sorted(wanted & set(inside))}
    except (zipfile.BadZipFile, OSError):
        return {}


def _locations(raw: bytes, path: Path) -> dict[str, tuple[str, shapely.Geometry]]:
    try:
        features = json.loads(raw.decode("utf-8-sig"))["features"]
        return {
            str(f["id"]): (
                str((f.get("properties") or {}).get("stop_name") or f["id"]),
                shapely.make_valid(shapely.geometry.shape(f["geometry"])),
            )
            for f in features
        }
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            "It is no GeoJSON of on-demand zones: {reason}.",
            file=f"{path}/locations.geojson",
            mend="Give a FeatureCollection of polygons, each with an id.",
            reason=str(error)[:120],
        ) from None


def _csv(raw: bytes, columns: list[str]) -> pd.DataFrame:
    frame = pd.read_csv(
        io.BytesIO(raw), dtype="str", keep_default_na=False, encoding="utf-8-sig",
        usecols=lambda c: c.strip() in columns,
    )  # fmt: skip
    frame.columns = [c.strip() for c in frame.columns]
    return frame.reindex(columns=columns, fill_value="")


def _windows(raw: bytes, places: dict[str, tuple[str, shapely.Geometry]]) -> pd.DataFrame:
    frame = _csv(raw, _COLUMNS)
    known = frame["location_id"].isin(list(places))
    return frame[known & (frame[_TIMES[0]] != "") & (frame[_TIMES[1]] != "")]


def _rules(raw: bytes | None) -> dict[str, tuple[str, int]]:
    if raw is None:
        return {}
    columns = ["booking_rule_id", "prior_notice_duration_min", "message", "phone_number",
               "booking_url"]  # fmt: skip
    found = {}
    for _, row in _csv(raw, columns).iterrows():
        words = [row[c] for c in ("message", "phone_number", "booking_url") if row[c]]
        notice = row["prior_notice_duration_min"]
        found[row["booking_rule_id"]] = (
            ", ".join(words),
            int(notice) if notice.isdigit() else 0,
        )
    return found


def _zone(
    calls: pd.DataFrame,
    places: dict[str, tuple[str, shapely.Geometry]],
    rules: dict[str, tuple[str, int]],
    path: Path,
) -> FlexZone | None:
    boarding = calls.loc[calls["pickup_type"] != "1", "location_id"]
    leaving = calls.loc[calls["drop_off_type"] != "1", "location_id"]
    if boarding.empty or leaving.empty:
        return None
    start_s = max(_seconds(t, path) for t in calls[_TIMES[0]])
    end_s = min(_seconds(t, path) for t in calls[_TIMES[1]])
    if start_s >= end_s:
        return None
    names = dict.fromkeys(places[i][0] for i in calls["location_id"])
    text, notice = next((rules[r] for r in calls["pickup_booking_rule_id"] if r in rules), ("", 0))
    return FlexZone(
        name=" / ".join(names),
        pickup=shapely.union_all([places[i][1] for i in sorted(set(boarding))]),
        dropoff=shapely.union_all([places[i][1] for i in sorted(set(leaving))]),
        start_s=start_s,
        end_s=end_s,
        dates=frozenset(),
        booking=text,
        notice_min=notice,
    )


def _seconds(text: str, path: Path) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise SourceError(
            "It is no time of day.",
            file=f"{path}/stop_times.txt",
            column="pickup_drop_off_window",
            value=text,
            mend="Write hours, minutes and seconds: 06:30:00.",
        )
    hours, minutes, seconds = (int(g) for g in match.groups())
    return hours * 3600 + minutes * 60 + seconds


__all__ = ["FlexZone", "read_flex"]
