"""The real feeds: figures known from the data's own description, and a fuzz on one of them."""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from feeds import to_csv
from timetables import same

from benchmarks.one_timetable import build_timetable
from mobility.base.errors import Finding, MobilityError
from mobility.sources.days import choose_days
from mobility.sources.gtfs.quality import check_feed
from mobility.sources.gtfs.read import Feed, merge_feeds, read_feed
from mobility.sources.holidays import read_holidays
from mobility.territory.fields import DaysConfig
from mobility.timetable.arrays import Timetable, mirrored
from mobility.timetable.change import with_runs
from mobility.timetable.footpaths import WalkTable

DATA = Path(__file__).parents[1].parent / "shared" / "data"
PARIS = ZoneInfo("Europe/Paris")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real extracts are not in ../shared/data"),
]
NAMES = ("rhein-neckar/gtfs", "milan/gtfs", "montpellier/gtfs-2025", "nantes/gtfs")


@pytest.fixture(scope="module")
def feeds() -> dict[str, Feed]:
    return {name: read_feed(DATA / f"{name}.zip", cache=False) for name in NAMES}


def build(feed: Feed, date: dt.date, findings: list[Finding] | None = None) -> Timetable:
    empty = WalkTable(
        np.zeros(feed.n_stops + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32)
    )
    zone = ZoneInfo(feed.agencies["timezone"].iloc[0])
    return build_timetable(feed, date, zone, empty, findings=findings)


def first_departures(tt: Timetable, day: int = 0) -> np.ndarray:
    return tt.call_dep[tt.run_ptr[:-1]][tt.run_day == day]


@pytest.mark.parametrize(
    ("name", "stops", "stop_times", "period"),
    [
        ("rhein-neckar/gtfs", 2057, 424_266, ("2016-10-22", "2016-12-10")),
        ("milan/gtfs", 516, 248_555, ("2014-10-19", "2014-11-01")),
        ("montpellier/gtfs-2025", 1551, 349_512, ("2025-10-13", "2025-12-19")),
        ("nantes/gtfs", 3465, 154_837, ("2014-04-07", "2014-07-11")),
    ],
)
def test_tables(
    feeds: dict[str, Feed], name: str, stops: int, stop_times: int, period: tuple[str, str]
) -> None:
    feed = feeds[name]
    assert len(feed.stop_times) == stop_times
    assert tuple(d.isoformat() for d in feed.period or ()) == period
    if name in ("rhein-neckar/gtfs", "milan/gtfs"):
        assert feed.n_stops == stops
    assert feed.findings == ()


@pytest.mark.parametrize(
    ("name", "date", "trips", "before_six", "from_nine"),
    [
        ("rhein-neckar/gtfs", dt.date(2016, 11, 15), 7123, 406, 595),
        ("milan/gtfs", dt.date(2014, 10, 21), 3359, 59, 334),
    ],
)
def test_a_tuesday(
    feeds: dict[str, Feed], name: str, date: dt.date, trips: int, before_six: int, from_nine: int
) -> None:
    starts = first_departures(build(feeds[name], date))
    assert starts.size == trips
    assert (starts < 6 * 3600).sum() == before_six
    assert (starts >= 21 * 3600).sum() == from_nine


def test_the_eve_continues_after_midnight(feeds: dict[str, Feed]) -> None:
    """Tuesday's trips past midnight are on Wednesday's axis, a day earlier, as they were."""
    feed = feeds["rhein-neckar/gtfs"]
    tuesday, wednesday = (build(feed, dt.date(2016, 11, d)) for d in (15, 16))
    late = first_departures(tuesday)
    assert (late >= 86_400).any()
    assert np.array_equal(first_departures(wednesday, -1), late - 86_400)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_hold_together(feeds: dict[str, Feed], name: str) -> None:
    feed = feeds[name]
    date = choose_days(feed, DaysConfig(school_zone="B"), PARIS)[0].date
    tt = build(feed, date)
    same_run = np.ones(tt.n_calls - 1, np.bool_)
    same_run[tt.run_ptr[1:-1] - 1] = False
    assert (tt.call_dep >= tt.call_arr).all()
    assert (tt.call_arr[1:] >= tt.call_dep[:-1])[same_run].all()
    assert (np.diff(tt.call_dep[tt.run_ptr[:-1]]) >= 0).all()
    assert same(mirrored(mirrored(tt)), tt)
    run = tt.n_runs // 2
    there = with_runs(tt, shifted={run: 600})
    assert int(there.call_dep.sum()) - int(tt.call_dep.sum()) == 600 * int(
        tt.run_ptr[run + 1] - tt.run_ptr[run]
    )
    assert int((tt.run_day == 0).sum()) <= feed.trips_on(date).size


def test_nantes_is_damaged_and_says_so(feeds: dict[str, Feed]) -> None:
    """The canonical validator counts 33,038 unusable trips, 32,841 of them without a call."""
    feed = feeds["nantes/gtfs"]
    found = {f.code: f for f in check_feed(feed, dates=[dt.date(2014, 5, 13)])}
    assert found["trips_without_stop_times"].count == 32_841
    assert found["trips_of_one_stop"].count == 33_038 - 32_841
    assert found["trips_without_stop_times"].params["all"] == 41_128
    assert found["stops_without_trips"].count == 66
    assert found["days_without_trips"].examples == ("2014-05-01",)


def test_nantes_blocks_make_fewer_runs_than_trips(feeds: dict[str, Feed]) -> None:
    feed = feeds["nantes/gtfs"]
    date = dt.date(2014, 5, 13)
    tt = build(feed, date)
    today = np.flatnonzero(tt.run_day == 0)
    trips = sum(
        np.unique(tt.call_trip[tt.run_ptr[r] : tt.run_ptr[r + 1]]).size for r in today.tolist()
    )
    assert trips == feed.trips_on(date).size == 1466
    assert today.size == 758


def test_montpellier_on_request(feeds: dict[str, Feed]) -> None:
    told: list[Finding] = []
    build(feeds["montpellier/gtfs-2025"], dt.date(2025, 11, 18), told)
    assert [(f.code, f.count) for f in told] == [("on_demand", 225)]


def test_montpellier_kinds_of_day() -> None:
    """Zone C in 2023/24: Christmas holidays from 23 December to 7 January."""
    feed = read_feed(DATA / "montpellier" / "gtfs-2024.zip", cache=False)
    days = {d.kind: d for d in choose_days(feed, DaysConfig(school_zone="C"), PARIS)}
    holidays = read_holidays(DaysConfig(school_zone="C"), *(feed.period or ()))
    for kind, chosen in days.items():
        assert holidays.kind(chosen.date) == kind
    assert days["school_weekday"].trips > days["holiday_weekday"].trips > days["sunday"].trips


def test_the_four_feeds_merge(feeds: dict[str, Feed]) -> None:
    merged = merge_feeds(list(feeds.values()))
    assert len(merged.stop_times) == sum(len(f.stop_times) for f in feeds.values())
    assert merged.stops["stop_id"].is_unique
    assert merged.trips["trip_id"].is_unique
    found = {f.code for f in check_feed(merged)}
    assert "networks_disjoint" in found


# --- fuzz --------------------------------------------------------------------

VALUES = ("", "-1", "99999999999", "999:59:59", "-5:00:00", "NaN", "é\x00", "1e308", "x" * 500, "٣")


def small_tables(feed: Feed) -> dict[str, list[dict[str, str]]]:
    """A handful of Nantes' trips as text tables."""
    trips = feed.trips[feed.runnable].head(12)
    calls = feed.stop_times[feed.stop_times["trip"].isin(trips.index)]
    clock = [f"{s // 3600:02d}:{s % 3600 // 60:02d}:{s % 60:02d}" for s in calls["arrival_s"]]
    stops = feed.stops.iloc[calls["stop"].unique()]
    services = trips["service_id"].unique()
    return {
        "agency": [{"agency_name": "T", "agency_timezone": "Europe/Paris"}],
        "stops": [
            {"stop_id": s, "stop_name": n, "stop_lat": str(y), "stop_lon": str(x)}
            for s, n, y, x in stops[["stop_id", "stop_name", "lat", "lon"]].to_numpy()
        ],
        "routes": [{"route_id": r, "route_type": "3"} for r in trips["route_id"].unique()],
        "trips": trips[["trip_id", "route_id", "service_id", "block_id"]].to_dict("records"),
        "stop_times": [
            {
                "trip_id": feed.trips["trip_id"][t],
                "stop_id": feed.stops["stop_id"][s],
                "stop_sequence": str(q),
                "arrival_time": c,
                "departure_time": c,
                "pickup_type": "0",
                "shape_dist_traveled": str(q),
            }
            for t, s, q, c in zip(
                calls["trip"], calls["stop"], calls["sequence"], clock, strict=True
            )
        ],
        "calendar_dates": [
            {"service_id": s, "date": "20140513", "exception_type": "1"} for s in services
        ],
        "frequencies": [
            {
                "trip_id": trips["trip_id"].iloc[0],
                "start_time": "05:00:00",
                "end_time": "06:00:00",
                "headway_secs": "600",
            }
        ],
        "transfers": [
            {
                "from_stop_id": stops["stop_id"].iloc[0],
                "to_stop_id": stops["stop_id"].iloc[1],
                "transfer_type": "2",
                "min_transfer_time": "60",
            }
        ],
    }


def mutate(tables: dict[str, list[dict[str, str]]], rng: random.Random) -> dict[str, bytes]:
    """Break one thing: a value, a column, a row, a file, an encoding or some bytes."""
    files = {name: [dict(row) for row in rows] for name, rows in tables.items()}
    name = rng.choice(sorted(files))
    rows = files[name]
    column = rng.choice(sorted(rows[0]))
    how = rng.randrange(7)
    if how == 0:
        rng.choice(rows)[column] = rng.choice(VALUES)
    elif how == 1:
        for row in rows:
            row.pop(column)
    elif how == 2:
        shuffled = [row[column] for row in rows]
        rng.shuffle(shuffled)
        for row, value in zip(rows, shuffled, strict=True):
            row[column] = value
    elif how == 3:
        rows += [dict(rng.choice(rows)) for _ in range(3)]
    elif how == 4:
        other = rng.choice(sorted(rows[0]))
        for row in rows:
            row[column], row[other] = row[other], row[column]
    data = {
        n: to_csv(r).encode("utf-16" if how == 5 and n == name else "utf-8")
        for n, r in files.items()
    }
    if how == 6:
        broken = bytearray(data[name])
        for _ in range(3):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        data[name] = bytes(broken)
    return data


def attempt(path: Path) -> tuple[Timetable, list[Finding]] | MobilityError:
    day = dt.date(2014, 5, 13)
    try:
        feed = read_feed(path, cache=False)
        return build(feed, day), [*feed.findings, *check_feed(feed, dates=[day])]
    except MobilityError as error:
        return error


def test_mutated_feeds_give_one_clear_error_or_a_sound_timetable(
    feeds: dict[str, Feed], tmp_path: Path
) -> None:
    tables = small_tables(feeds["nantes/gtfs"])
    rng = random.Random(7)
    refused = 0
    for k in range(25):
        path = tmp_path / f"{k}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in mutate(tables, rng).items():
                archive.writestr(f"{name}.txt", content)
        outcome = attempt(path)
        if isinstance(outcome, MobilityError):
            refused += 1
            assert outcome.mend
            assert "\n" not in outcome.render("fr")
        else:
            tt, found = outcome
            # Only a headway without exact times brings riders later than a vehicle that left.
            loose = (tt.call_arr > tt.call_dep)[tt.run_ptr[:-1]]
            assert (tt.call_arr > tt.call_dep).sum() == np.diff(tt.run_ptr)[loose].sum()
            assert tt.n_runs or found  # never empty without a word
            assert all(f.render("fr") for f in found)
    assert 2 < refused < 20
