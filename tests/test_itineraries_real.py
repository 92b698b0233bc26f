"""Itineraries on a real network: the legs of every home add up, and every ride is in the feed.

The feed is read here with pandas alone, so that the printed timetable itself is the judge.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from benchmarks.one_timetable import build_timetable
from mobility.engine.itineraries import GATE, HOME, Itinerary, Leg, itinerary
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, reach, scan
from mobility.sources.gtfs.read import read_feed
from mobility.streets.graph import streets_from_lines, streets_from_osm
from mobility.territory.project import Speeds
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable, home_walks, stop_walks

DATA = Path(__file__).parents[1].parent / "shared" / "data"
LIMITS = EngineLimits(max_total_s=4500, max_walk_s=1500, max_transfers=2, max_wait_s=1800)
MARGIN_S, N_HOMES, DAY_S = 600, 600, 86_400
#: Start or end of a shift, hours: early, midday, late, and after midnight.
EDGES_H = ((False, 5), (False, 13), (True, 13), (True, 21), (True, 24.25))
SOURCES = {
    "milan": ("gtfs.zip", "streets.osm.pbf", dt.date(2014, 10, 21), "Europe/Rome"),
    "rhein-neckar": ("gtfs.zip", "streets.osm.pbf", dt.date(2016, 11, 15), "Europe/Berlin"),
    "montpellier": ("gtfs-2025.zip", "streets.shp", dt.date(2025, 11, 18), "Europe/Paris"),
}


@dataclass(frozen=True)
class Printed:
    """The feed as printed: calls of each trip, its service and block, and the service days."""

    calls: dict[str, list[tuple[str, int, int]]]
    service: dict[str, str]
    block: dict[str, str]
    days: dict[str, set[dt.date]]

    def riders_see(self, leg_trip: str, board: str, alight: str, leg: Leg, date: dt.date) -> bool:
        """Whether the trip, or its vehicle, makes this ride on one of the three service days."""
        same = [leg_trip]
        if self.block[leg_trip]:
            same = [t for t, b in self.block.items() if b == self.block[leg_trip]]
        for offset in (-1, 0, 1):
            if date + dt.timedelta(days=offset) not in self.days[self.service[leg_trip]]:
                continue
            out = (board, leg.depart_s - offset * DAY_S)
            off = (alight, leg.arrive_s - offset * DAY_S)
            boards = {(s, dep) for s, _, dep in self.calls[leg_trip]}
            alights = {(s, arr) for t in same for s, arr, _ in self.calls[t]}
            if out in boards and off in alights:
                return True
        return False


def seconds(text: pd.Series) -> pd.Series:
    """Seconds of ``H:MM:SS``."""
    parts = text.str.strip().str.split(":", expand=True).astype(float)
    return (parts[0] * 3600 + parts[1] * 60 + parts[2]).astype("Int64")


def read_printed(path: Path) -> Printed:
    """Read a feed with nothing but pandas."""
    with zipfile.ZipFile(path) as archive:
        names = {Path(n).stem: n for n in archive.namelist()}
        tables = {
            t: pd.read_csv(io.BytesIO(archive.read(names[t])), dtype=str, encoding="utf-8-sig")
            for t in ("trips", "stop_times", "calendar", "calendar_dates")
            if t in names
        }
    times = tables["stop_times"]
    times = times[times["arrival_time"].notna() & times["departure_time"].notna()]
    rows = zip(
        times["trip_id"],
        times["stop_id"],
        seconds(times["arrival_time"]),
        seconds(times["departure_time"]),
        strict=True,
    )
    calls: dict[str, list[tuple[str, int, int]]] = {}
    for trip, stop, arr, dep in rows:
        calls.setdefault(trip, []).append((stop, int(arr), int(dep)))
    trips = tables["trips"].set_index("trip_id")
    block = trips["block_id"].fillna("").to_dict() if "block_id" in trips else {}
    return Printed(
        calls=calls,
        service=trips["service_id"].to_dict(),
        block={t: block.get(t, "") for t in trips.index},
        days=service_days(tables),
    )


def service_days(tables: dict[str, pd.DataFrame]) -> dict[str, set[dt.date]]:
    """Dates on which each service runs."""
    days: dict[str, set[dt.date]] = {s: set() for s in tables["trips"]["service_id"]}
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for row in tables.get("calendar", pd.DataFrame()).to_dict("records"):
        first, last = (
            dt.datetime.strptime(row[c], "%Y%m%d").date() for c in ("start_date", "end_date")
        )
        span = (last - first).days + 1
        dates = (first + dt.timedelta(days=k) for k in range(span))
        days.setdefault(row["service_id"], set()).update(
            d for d in dates if row[names[d.weekday()]] == "1"
        )
    for row in tables.get("calendar_dates", pd.DataFrame()).to_dict("records"):
        date = dt.datetime.strptime(row["date"], "%Y%m%d").date()
        known = days.setdefault(row["service_id"], set())
        known.add(date) if row["exception_type"] == "1" else known.discard(date)
    return days


@dataclass(frozen=True)
class World:
    """A real network, its homes and two gates."""

    two_way: TwoWay
    access: WalkTable
    egress_s: np.ndarray
    stop_ids: list[str]
    trip_ids: list[str]
    printed: Printed
    date: dt.date


@cache
def world(name: str) -> World:
    """Build a real network once."""
    gtfs, streets_file, date, zone = SOURCES[name]
    folder = DATA / name
    if not (folder / gtfs).exists():
        pytest.skip("the real extracts are not in ../shared/data")
    read = streets_from_osm if streets_file.endswith(".pbf") else streets_from_lines
    streets, feed = read(folder / streets_file), read_feed(folder / gtfs)
    stops = feed.stops[["lon", "lat"]].to_numpy(np.float64)
    rng = np.random.default_rng(4)
    # Homes and gates lie around stops, so that every part of the network is seen.
    spots = stops[rng.integers(0, len(stops), N_HOMES + 2)] + rng.uniform(
        -4e-3, 4e-3, (N_HOMES + 2, 2)
    )
    walks = home_walks(streets, spots, stops, 1200, Speeds(), cache=False)
    between = stop_walks(streets, stops, 600, Speeds())
    tt = build_timetable(feed, date, ZoneInfo(zone), between)
    ends = np.full((2, len(stops)), INF, np.int32)
    for k in range(2):
        part = slice(walks.ptr[N_HOMES + k], walks.ptr[N_HOMES + k + 1])
        ends[k, walks.stop[part]] = walks.walk_s[part]
    last = walks.ptr[N_HOMES]
    access = WalkTable(walks.ptr[: N_HOMES + 1], walks.stop[:last], walks.walk_s[:last])
    return World(
        two_way=TwoWay(tt),
        access=access,
        egress_s=ends,
        stop_ids=feed.stops["stop_id"].astype(str).tolist(),
        trip_ids=feed.trips["trip_id"].astype(str).tolist(),
        printed=read_printed(folder / gtfs),
        date=date,
    )


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    ["rhein-neckar", *(pytest.param(n, marks=pytest.mark.slow) for n in ("milan", "montpellier"))],
)
def test_every_home_has_an_itinerary_that_adds_up(name: str) -> None:
    here = world(name)
    shown = 0
    for row in here.egress_s:
        for returning, hour in EDGES_H:
            edge = Edge(returning, int(3600 * hour), MARGIN_S)
            scanned = scan(here.two_way, row, edge, LIMITS)
            times = reach(scanned, here.access)
            for home in range(N_HOMES):
                found = itinerary(scanned, times, here.access, home)
                if times.elapsed_s[home] == INF:
                    assert found is None
                    continue
                assert isinstance(found, Itinerary)
                elapsed = found.arrive_s - edge.at_s if returning else edge.at_s - found.depart_s
                assert elapsed == times.elapsed_s[home] <= LIMITS.max_total_s
                assert found.rides == times.rides[home] <= LIMITS.max_transfers + 1
                assert found.walk_s == times.walk_s[home] <= LIMITS.max_walk_s
                check_chain(found, edge)
                check_places(here, found, home, row, returning=returning)
                shown += 1
    assert shown > N_HOMES / 10


def check_chain(found: Itinerary, edge: Edge) -> None:
    """Legs follow one another without a gap, from home to the gate's deadline or back."""
    assert sum(leg.arrive_s - leg.depart_s for leg in found.legs) == found.arrive_s - found.depart_s
    for before, after in pairwise(found.legs):
        assert before.arrive_s == after.depart_s
        assert before.to_stop == after.from_stop
    for leg in found.legs:
        if leg.kind == "wait":
            assert 0 < leg.arrive_s - leg.depart_s <= LIMITS.max_wait_s
    if edge.returning:
        assert found.depart_s == edge.at_s + MARGIN_S
        assert (found.legs[0].from_stop, found.legs[-1].to_stop) == (GATE, HOME)
    else:
        assert found.arrive_s == edge.at_s - MARGIN_S
        assert (found.legs[0].from_stop, found.legs[-1].to_stop) == (HOME, GATE)


def check_places(
    here: World, found: Itinerary, home: int, egress_s: np.ndarray, *, returning: bool
) -> None:
    """Walks are those of the tables, rides those of the printed timetable."""
    part = slice(here.access.ptr[home], here.access.ptr[home + 1])
    near = dict(
        zip(here.access.stop[part].tolist(), here.access.walk_s[part].tolist(), strict=True)
    )
    for leg in found.legs:
        taken = leg.arrive_s - leg.depart_s
        if leg.kind == "ride":
            board, alight = here.stop_ids[leg.from_stop], here.stop_ids[leg.to_stop]
            trip = here.trip_ids[leg.trip]
            assert here.printed.riders_see(trip, board, alight, leg, here.date), (leg, trip)
        elif leg.kind == "walk" and HOME in (leg.from_stop, leg.to_stop):
            assert taken == near[leg.from_stop if returning else leg.to_stop]
        elif leg.kind == "walk" and GATE in (leg.from_stop, leg.to_stop):
            assert taken == egress_s[leg.to_stop if returning else leg.from_stop]
