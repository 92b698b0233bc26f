"""Published feeds: vehicles' blocks, days of each shift, and what other readers make of them."""

import datetime as dt
from itertools import combinations
from zoneinfo import ZoneInfo

import numpy as np
import partridge as ptg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shuttle_scenes import KINDS, anchor_for, config, make_scene, shift_edges

from benchmarks.one_timetable import build_timetable
from mobility.base.clock import DAY_S
from mobility.shuttles.blocks import day_trips
from mobility.shuttles.config import Factors
from mobility.shuttles.demand import calendar_days
from mobility.shuttles.gtfs_out import Period, gtfs_tables, trip_blocks, write_gtfs
from mobility.shuttles.model import DAY_CUT_S, Line
from mobility.shuttles.plan import evaluate_plan
from mobility.sources.gtfs.quality import check_feed
from mobility.sources.gtfs.read import read_feed
from mobility.timetable.footpaths import WalkTable
from mobility.timetable.runs import feed_runs

FACTORS = Factors.load()
DAYS = calendar_days(FACTORS, KINDS)
MONDAY = dt.date(2026, 3, 2)
EASTER_MONDAY = dt.date(2026, 4, 6)
PERIOD = Period(
    MONDAY,
    MONDAY + dt.timedelta(days=363),
    {
        **{
            MONDAY + dt.timedelta(days=k): ("school_weekday", "saturday", "sunday")[
                max(0, (MONDAY + dt.timedelta(days=k)).weekday() - 4)
            ]
            for k in range(364)
        },
        EASTER_MONDAY: "sunday",
    },
    {},
)


class Straight:
    """Ways as straight lines between the places of a scene."""

    def __init__(self, scene):
        self.at = np.array([(p.lon, p.lat) for p in scene.places])

    def lonlat(self, calls):
        return self.at[list(calls)]


def two_villages(edges, rows, people=(6.0, 6.0)):
    scene = make_scene(
        [(0, 0), (-6000, 0), (6000, 0)], [(-6000, 100), (6000, 100)], edges, rows, people
    )
    anchor = anchor_for(edges, 0)
    served = tuple(range(len(edges)))
    lines = [Line(f"N{k}", (k,), (k,), anchor, 0, served) for k in (1, 2)]
    return scene, evaluate_plan(scene, lines, config(), FACTORS, DAYS)


def published(scene, plan, path):
    tables = gtfs_tables(
        plan.lines, plan.runs, scene.places, Straight(scene), PERIOD, agency="Navettes",
        timezone="Europe/Paris", blocks=trip_blocks(plan.runs, plan.operations),
    )  # fmt: skip
    return tables, write_gtfs(tables, path)


def test_the_trips_of_a_vehicle_share_a_block_and_riders_get_off_between_them(tmp_path):
    scene, plan = two_villages(*shift_edges([(5, 13), (13, 21), (21, 5)]))
    tables, path = published(scene, plan, tmp_path / "a.zip")
    blocks = {row["trip_id"]: row["block_id"] for row in tables["trips"]}
    # Two vehicles; the two night returns run on the morning after, by whichever comes then.
    assert len(blocks) == 12
    late = {name for name in blocks if name.split("-")[2] > "2700"}
    assert len(late) == 2
    assert len({blocks[name] for name in set(blocks) - late}) == 2
    assert not {blocks[name] for name in late} & {blocks[n] for n in set(blocks) - late}
    # At each change of shifts the vehicle comes in and goes out again: everybody gets off.
    assert {row["transfer_type"] for row in tables["transfers"]} == {5}
    feed = ptg.load_feed(str(path))
    assert feed.trips["block_id"].notna().all()
    read = read_feed(path, cache=False)
    date = MONDAY + dt.timedelta(days=1)
    found = [*read.findings, *check_feed(read, dates=[date])]
    assert [f.code for f in found if f.severity == "error"] == []
    stops = len(read.stops)
    alone = WalkTable(
        np.arange(stops + 1), np.arange(stops, dtype=np.int32), np.zeros(stops, np.int32)
    )
    timetable = build_timetable(read, date, ZoneInfo("Europe/Paris"), alone, min_change_s=60)
    today = timetable.run_day == 0
    assert int(today.sum()) == 12
    assert np.diff(timetable.run_ptr).max() == 2


@pytest.mark.parametrize(
    ("weekdays", "kinds"),
    [((4,), ("school_weekday",)), ((4, 5, 6), ("school_weekday", "saturday", "sunday")),
     ((0, 2), ("school_weekday",))],
)  # fmt: skip
def test_each_shift_runs_on_its_own_days(weekdays, kinds, tmp_path):
    edges, rows = shift_edges([(5, 13)], weekdays=weekdays, kinds=kinds)
    scene, plan = two_villages(edges, rows)
    _, path = published(scene, plan, tmp_path / "a.zip")
    read = read_feed(path, cache=False)
    for k in range(364):
        date = MONDAY + dt.timedelta(days=k)
        # A public holiday runs as a Sunday, for the shifts that work then whatever the weekday.
        works = date.weekday() in weekdays and PERIOD.kinds[date] in kinds
        assert len(read.trips_on(date)) == (len(plan.runs) if works else 0), date


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_block_holds_two_trips_at_once(seed):
    rng = np.random.default_rng(seed)
    edges, rows = [], []
    for k in range(3):
        days = tuple(sorted(rng.choice(7, rng.integers(1, 8), replace=False).tolist()))
        start = int(rng.integers(0, 24))
        own = shift_edges([(start, (start + 8) % 24)], first=k, weekdays=days, kinds=tuple(KINDS))
        edges, rows = edges + own[0], rows + own[1]
    _, plan = two_villages(edges, rows)
    found = trip_blocks(plan.runs, plan.operations)
    assert len(found.names) == len(plan.runs)
    for day, blocks in zip(plan.operations.days, plan.operations.blocks, strict=True):
        vehicle = {t: b for b, block in enumerate(blocks) for t in block.trips}
        trips = day_trips(plan.runs, day.weekday, day.kinds)
        for one, two in combinations(trips, 2):
            late = [(plan.runs[t.run].start_s - DAY_CUT_S) // DAY_S for t in (one, two)]
            if found.names[one.run] == found.names[two.run]:
                assert late[0] == late[1]
                assert vehicle[one.run] == vehicle[two.run]
                assert one.end_s <= two.start_s
    for a, b in found.following:
        assert found.names[a] == found.names[b]
        assert plan.runs[a].calls[-1] == plan.runs[b].calls[0]


@pytest.mark.parametrize("weekdays", [(0, 1, 2, 3, 4), (0,), (5, 6)])
def test_a_shift_that_starts_after_midnight_is_served_the_evening_before(weekdays, tmp_path):
    edges, rows = shift_edges([(1 / 6, 8)], weekdays=weekdays, kinds=tuple(KINDS))
    scene, plan = two_villages(edges, rows)
    tables, path = published(scene, plan, tmp_path / "a.zip")
    read = read_feed(path, cache=False)
    names = read.trips["trip_id"].astype(str)
    for k in range(364):
        date = MONDAY + dt.timedelta(days=k)
        before, on = (
            names.iloc[read.trips_on(day)].tolist() for day in (date - dt.timedelta(days=1), date)
        )
        works = date.weekday() in weekdays
        assert sum("-A-" in trip for trip in before) == 2 * works, date
        assert sum("-R-" in trip for trip in on) == 2 * works, date
    times = {row["trip_id"]: row["arrival_time"] for row in tables["stop_times"]}
    assert {time[:2] for trip, time in times.items() if "-A-" in trip} == {"23"}
    assert tables["feed_info"][0]["feed_start_date"] == "20260301"


@pytest.mark.parametrize(
    ("shift_h", "clock", "leaves"),
    [
        # In at 00:23 less a margin of 12 min and a ride of 11: leaves at midnight, of its own day.
        ((23 / 60, 8), "00:00:00", 0),
        # Out at 23:48 and 12 min later: the next midnight, of the day before.
        ((16, 23.8), "24:00:00", 1),
        ((16, 0.5), "24:42:00", 1),
    ],
)
def test_times_about_midnight_are_read_as_the_moments_that_were_planned(
    shift_h, clock, leaves, tmp_path
):
    edges, rows = shift_edges([shift_h], weekdays=(1,), kinds=tuple(KINDS))
    scene, plan = two_villages(edges, rows)
    tables, path = published(scene, plan, tmp_path / "a.zip")
    rows_of = {
        row["trip_id"]: row
        for row in reversed(tables["stop_times"])
        if row["arrival_time"] == clock
    }
    assert len(rows_of) == 2  # one a village
    read = read_feed(path, cache=False)
    tuesday = MONDAY + dt.timedelta(days=1)
    found = feed_runs(read, tuesday, ZoneInfo("Europe/Paris"), findings=[])
    first = found.run_ptr[:-1]
    told = sorted(zip(found.run_day.tolist(), found.call_dep[first].tolist(), strict=True))
    # On Tuesdays alone: on the axis of Tuesday every run stands where the plan has it.
    assert told == sorted((0, run.start_s) for run in plan.runs)
    hours, minutes, _ = map(int, clock.split(":"))
    moment = hours * 3600 + minutes * 60
    assert moment // DAY_S == leaves
    assert [at for _, at in told].count(moment) == 2
    # Asked of Wednesday they are of the day before.
    wednesday = tuesday + dt.timedelta(days=1)
    after = feed_runs(read, wednesday, ZoneInfo("Europe/Paris"), findings=[])
    assert set(after.run_day.tolist()) == {-1}
    assert sorted(after.call_dep[after.run_ptr[:-1]] + DAY_S) == [at for _, at in told]
