"""From feed to timetable, each case computed by hand.

Stops A, B, C lie on a parallel, about 786 m apart (0.01 degree of longitude at 45 N).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from feeds import service, trip, write_gtfs

from benchmarks.one_timetable import build_timetable
from mobility.base.clock import local_to_axis
from mobility.base.errors import Finding, SourceError
from mobility.sources.gtfs.read import Feed, merge_feeds, read_feed
from mobility.timetable.arrays import INF, Timetable
from mobility.timetable.footpaths import WalkTable
from mobility.timetable.runs import departures
from mobility.timetable.transfers import access_points, fold_points, slower

PARIS = ZoneInfo("Europe/Paris")
TUESDAY = dt.date(2024, 1, 16)
STOPS = {"A": (4.00, 45.0), "B": (4.01, 45.0), "C": (4.02, 45.0)}
FIVE, DAY = 5 * 3600, 86_400


def walks(n_stops: int, *pairs: tuple[int, int, int]) -> WalkTable:
    """Walk table between stops from (from, to, seconds)."""
    rows = sorted((a, s, b) for a, b, s in pairs)
    ptr = np.searchsorted([r[0] for r in rows], np.arange(n_stops + 1)).astype(np.int64)
    stop = np.array([r[2] for r in rows], np.int32)
    return WalkTable(ptr, stop, np.array([r[1] for r in rows], np.int32))


def feed_of(path: Path, trips: list[dict[str, Any]], **tables: Any) -> Feed:
    return read_feed(write_gtfs(path, trips=trips, **({"stops": STOPS} | tables)), cache=False)


def build(
    feed: Feed,
    date: dt.date = TUESDAY,
    *pairs: tuple[int, int, int],
    zone: ZoneInfo = PARIS,
    findings: list[Finding] | None = None,
    **options: Any,
) -> Timetable:
    options = {"min_change_s": 60} | options
    table = walks(feed.n_stops, *pairs)
    return build_timetable(feed, date, zone, table, findings=findings, **options)


def runs(tt: Timetable) -> list[tuple[int, list[int]]]:
    """(service day, departures) of each run."""
    ends = zip(tt.run_ptr[:-1], tt.run_ptr[1:], strict=True)
    return [
        (int(day), tt.call_dep[a:b].tolist()) for day, (a, b) in zip(tt.run_day, ends, strict=True)
    ]


def feet(tt: Timetable, stop: int) -> list[tuple[int, int, int]]:
    row = slice(tt.foot_ptr[stop], tt.foot_ptr[stop + 1])
    columns = (tt.foot_stop[row], tt.foot_walk_s[row], tt.foot_need_s[row])
    return list(zip(*(c.tolist() for c in columns), strict=True))


def codes(findings: list[Finding]) -> list[tuple[str, int]]:
    return [(f.code, f.count) for f in findings]


def ride(name: str, start: int, **columns: Any) -> dict[str, Any]:
    """A to B in ten minutes."""
    return trip(name, [("A", start), ("B", start + 600)], **columns)


# --- service days and clocks -------------------------------------------------


def test_three_service_days_on_one_axis(tmp_path: Path) -> None:
    """05:00 every day, and 28:40 of Mondays only: on Tuesday it runs at 04:40."""
    services = {"S": service(), "M": service("1000000")}
    late = trip("late", [("A", "28:40:00"), ("B", "28:50:00")], service="M")
    tt = build(feed_of(tmp_path / "f", [ride("t", FIVE), late], services=services))
    four_forty = 4 * 3600 + 2400
    assert runs(tt) == [
        (-1, [FIVE - DAY, FIVE - DAY + 600]),
        (-1, [four_forty, four_forty + 600]),
        (0, [FIVE, FIVE + 600]),
        (1, [FIVE + DAY, FIVE + DAY + 600]),
    ]
    # On Wednesday Monday's tail is gone.
    wednesday = build(feed_of(tmp_path / "f", [late], services=services), dt.date(2024, 1, 17))
    assert wednesday.n_runs == 0


@pytest.mark.parametrize(
    ("sunday", "eve_shift", "morrow_shift"),
    [
        # Spring: Sunday has 23 h; its noon minus 12 h is 23:00 winter time of Saturday,
        # so that Saturday's axis begins 24 h - 1 h before Sunday's, Monday's 24 h after.
        (dt.date(2024, 3, 31), -DAY + 3600, DAY),
        # Autumn: Sunday has 25 h.
        (dt.date(2024, 10, 27), -DAY - 3600, DAY),
    ],
)
def test_clock_changes(tmp_path: Path, sunday: dt.date, eve_shift: int, morrow_shift: int) -> None:
    tt = build(feed_of(tmp_path / "f", [ride("t", FIVE)]), sunday)
    assert [r[1][0] for r in runs(tt)] == [FIVE + eve_shift, FIVE, FIVE + morrow_shift]
    # Whatever the day, the bus leaves at five by the station's clock.
    for (_, times), offset in zip(runs(tt), (-1, 0, 1), strict=True):
        assert times[0] == local_to_axis(sunday, FIVE, PARIS, day_offset=offset)


def test_the_night_of_a_clock_change_by_the_wall_clock(tmp_path: Path) -> None:
    """Saturday's trip 26:30 in spring: 24 h of Saturday + 2.5 h is 03:30 summer time."""
    late = trip("t", [("A", "26:30:00"), ("B", "26:40:00")])
    tt = build(feed_of(tmp_path / "f", [late]), dt.date(2024, 3, 31))
    # On Sunday's axis, 03:30 by the wall clock is second 3.5 h.
    assert runs(tt)[0] == (-1, [3 * 3600 + 1800, 3 * 3600 + 2400])


def test_a_feed_in_another_time_zone(tmp_path: Path) -> None:
    """05:00 in London is 06:00 in Paris."""
    feed = feed_of(tmp_path / "uk", [ride("t", FIVE)], timezone="Europe/London")
    tt = build(feed)
    assert [r[1][0] for r in runs(tt)] == [FIVE + 3600 + k * DAY for k in (-1, 0, 1)]
    both = merge_feeds([feed, feed_of(tmp_path / "fr", [ride("t", FIVE)])])
    assert [r[1][0] for r in runs(build(both)) if r[0] == 0] == [FIVE, FIVE + 3600]


def test_agencies_of_one_feed_keep_their_zone(tmp_path: Path) -> None:
    agencies = [
        {"agency_id": k, "agency_name": k, "agency_url": "http://x", "agency_timezone": z}
        for k, z in [("fr", "Europe/Paris"), ("pt", "Europe/Lisbon")]
    ]
    routes = [{"route_id": k, "agency_id": k, "route_type": 3} for k in ("fr", "pt")]
    trips = [ride("t1", FIVE, route="fr"), ride("t2", FIVE, route="pt")]
    tt = build(feed_of(tmp_path / "f", trips, agencies=agencies, routes=routes))
    assert [r[1][0] for r in runs(tt) if r[0] == 0] == [FIVE, FIVE + 3600]


# --- runs --------------------------------------------------------------------


def only_today() -> dict[str, Any]:
    return {"S": service(calendar=False, added=["20240116"])}


def test_loops_overtaking_and_trips_without_stop_times(tmp_path: Path) -> None:
    """A loop calls at A twice; a fast trip overtakes; a trip of one call is no run."""
    trips = [
        trip("loop", [("A", "05:00"), ("B", "05:10"), ("A", "05:20"), ("C", "05:30")]),
        trip("slow", [("A", "06:00"), ("B", "06:30")]),
        trip("fast", [("A", "06:05"), ("B", "06:15")]),
        trip("single", [("A", "07:00")]),
        trip("none", []),
    ]
    tt = build(feed_of(tmp_path / "f", trips, services=only_today()))
    assert tt.call_trip[tt.run_ptr[:-1]].tolist() == [0, 1, 2]
    assert tt.call_stop.tolist() == [0, 1, 0, 2, 0, 1, 0, 1]
    at_a = slice(tt.dep_ptr[0], tt.dep_ptr[1])
    assert tt.dep_time[at_a].tolist() == [FIVE, FIVE + 1200, 6 * 3600, 6 * 3600 + 300]


def headways(exact: str) -> list[dict[str, Any]]:
    return [
        {"trip_id": "t", "start_time": a, "end_time": b, "headway_secs": h, "exact_times": exact}
        for a, b, h in [("05:00:00", "05:30:00", 600), ("05:30:00", "06:00:00", 1200)]
    ]


def test_frequencies_are_expanded(tmp_path: Path) -> None:
    """Every 10 min from 05:00 until before 05:30, then every 20 min until before 06:00."""
    template = trip("t", [("A", "00:10:00"), ("B", "00:15:00")])
    feed = feed_of(tmp_path / "f", [template], services=only_today(), frequencies=headways("1"))
    told: list[Finding] = []
    starts = [FIVE + m * 60 for m in (0, 10, 20, 30, 50)]
    tt = build(feed, findings=told)
    assert runs(tt) == [(0, [s, s + 300]) for s in starts]
    assert departures(tt).tolist() == [1.0] * 5
    assert codes(told) == []


def test_what_two_periods_of_a_trip_give_runs_once(tmp_path: Path) -> None:
    """Every 20 min from 05:00 and every 15 min from 05:30, both before 06:00.

    05:00, 05:20 and 05:40 of the one, 05:30 and 05:45 of the other; of a third, that begins
    where these end, nothing is said. 05:40 stands in a fourth too, and runs once.
    """
    rows = [
        {"trip_id": "t", "start_time": a, "end_time": b, "headway_secs": h, "exact_times": 1}
        for a, b, h in [
            ("05:30:00", "06:00:00", 900),
            ("05:00:00", "06:00:00", 1200),
            ("06:00:00", "06:10:00", 600),
            ("05:40:00", "05:50:00", 1200),
        ]
    ]
    template = trip("t", [("A", "00:10:00"), ("B", "00:15:00")])
    feed = feed_of(tmp_path / "f", [template], services=only_today(), frequencies=rows)
    starts = [FIVE + m * 60 for m in (0, 20, 30, 40, 45, 60)]
    tt = build(feed)
    assert sorted(runs(tt)) == [(0, [s, s + 300]) for s in starts]
    assert departures(tt).sum() == len(starts)
    (told,) = feed.findings
    assert (told.code, told.count, told.examples) == ("frequencies_overlap", 2, ("t",))


@pytest.mark.parametrize("exact", ["0", ""])
def test_without_exact_times_a_full_headway_is_waited(tmp_path: Path, exact: str) -> None:
    """At the stop by any minute, at B the headway and five minutes later.

    The last sure minutes are 05:20 and 05:40: 21 moments and 11 of them. They stand for
    1 + 20 / 10 and 1 + 10 / 20 departures, and the gap between for one more of the first.
    """
    template = trip("t", [("A", "00:10:00"), ("B", "00:15:00")])
    feed = feed_of(tmp_path / "f", [template], services=only_today(), frequencies=headways(exact))
    told: list[Finding] = []
    tt = build(feed, findings=told)
    ends = zip(tt.call_dep[tt.run_ptr[:-1]], tt.call_arr[tt.run_ptr[1:] - 1], strict=True)
    minutes = [(m, 600) for m in range(21)] + [(m, 1200) for m in range(30, 41)]
    assert [(int(a), int(b)) for a, b in ends] == [
        (FIVE + m * 60, FIVE + m * 60 + h + 300) for m, h in minutes
    ]
    assert departures(tt).sum() == pytest.approx(20 / 10 + 1 + 10 / 20 + 1)
    assert codes(told) == [("frequency_approximate", 1)]


def test_departures_of_two_headways_at_once_add_up(tmp_path: Path) -> None:
    """Six of every 20 min from 06:00 to 08:00, and four of every 30 min from 07:00 to 09:00."""
    rows = [
        {"trip_id": "t", "start_time": a, "end_time": b, "headway_secs": h, "exact_times": 0}
        for a, b, h in [("06:00:00", "08:00:00", 1200), ("07:00:00", "09:00:00", 1800)]
    ]
    template = trip("t", [("A", "00:10:00"), ("B", "00:15:00")])
    feed = feed_of(tmp_path / "f", [template], services=only_today(), frequencies=rows)
    assert departures(build(feed)).sum() == pytest.approx(6 + 4)


def test_periods_over_midnight_and_without_departures(tmp_path: Path) -> None:
    """20:00 to 05:00 is 20:00 to 29:00; 06:00 to 06:00 is nothing, nor a run of the pattern."""
    periods = [("t", "20:00:00", "05:00:00"), ("u", "06:00:00", "06:00:00"), ("v", "07:00:00", "")]
    rows = [
        {"trip_id": n, "start_time": a, "end_time": b, "headway_secs": 10_800, "exact_times": 1}
        for n, a, b in periods
    ]
    trips = [trip(n, [("A", "00:00:00"), ("B", "00:05:00")]) for n in "tuv"]
    feed = feed_of(tmp_path / "f", trips, services=only_today(), frequencies=rows)
    assert runs(build(feed)) == [(0, [s * 3600, s * 3600 + 300]) for s in (20, 23, 26)]
    assert codes(list(feed.findings)) == [
        ("frequencies_over_midnight", 1),
        ("frequencies_void", 1),
        ("rows_incomplete", 1),
    ]
    (rows_of,) = [r for r in feed.rows if r.source.endswith("frequencies.txt")]
    assert (rows_of.read, rows_of.used) == (3, 1)
    assert rows_of.left_out == {"incomplete": 1, "no departure": 1}


def test_absurd_headways_are_refused(tmp_path: Path) -> None:
    frequency = {"start_time": "00:00:00", "end_time": "999:00:00", "headway_secs": 1}
    feed = feed_of(tmp_path / "f", [ride("t", FIVE)], frequencies=[{"trip_id": "t"} | frequency])
    with pytest.raises(SourceError, match="headways make"):
        build(feed)


def stop_row(stop: str, time: str, pickup: Any = "", drop_off: Any = "") -> dict[str, Any]:
    return {
        "stop_id": stop,
        "arrival_time": time,
        "departure_time": time,
        "pickup_type": pickup,
        "drop_off_type": drop_off,
    }


def test_pickup_and_drop_off(tmp_path: Path) -> None:
    """B: no boarding. C: no alighting. A again: on request, both ways."""
    calls = [
        stop_row("A", "05:00"),
        stop_row("B", "05:10", 1, 0),
        stop_row("C", "05:20", 0, 1),
        stop_row("A", "05:30", 2, 3),
        stop_row("B", "05:40"),
    ]
    feed = feed_of(tmp_path / "f", [trip("t", calls)], services=only_today())
    told: list[Finding] = []
    tt = build(feed, findings=told)
    assert tt.call_board.tolist() == [True, False, True, True, False]
    assert tt.call_alight.tolist() == [False, True, False, True, True]
    assert codes(told) == [("on_demand", 1)]


def block(*, gap_s: int = 300, second: str = "B", **tables: Any) -> dict[str, Any]:
    """Trip one A -> B at 05:00, trip two from ``second`` to C ``gap_s`` after its arrival."""
    start = FIVE + 600 + gap_s
    return {
        "trips": [
            ride("one", FIVE, block_id="v"),
            trip("two", [(second, start), ("C", start + 600)], block_id="v"),
        ],
        "services": only_today(),
    } | tables


def test_a_block_is_one_run(tmp_path: Path) -> None:
    tt = build(feed_of(tmp_path / "f", **block()))
    assert runs(tt) == [(0, [FIVE, FIVE + 600, FIVE + 900, FIVE + 1500])]
    assert tt.call_arr.tolist() == [FIVE, FIVE + 600, FIVE + 900, FIVE + 1500]
    assert tt.call_trip.tolist() == [0, 0, 1, 1]
    # At B riders leave at the end of one trip and board at the start of the other.
    assert tt.call_board.tolist() == [True, False, True, False]
    assert tt.call_alight.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    "case",
    [
        {"gap_s": -60},  # the second trip leaves before the first arrives
        {"gap_s": 1801},  # longer than the layover riders may sit through
        {"second": "A"},  # it starts somewhere else
    ],
)
def test_a_block_that_does_not_fit_stays_two_runs(tmp_path: Path, case: dict[str, Any]) -> None:
    assert build(feed_of(tmp_path / "f", **block(**case))).n_runs == 2


def linked(kind: int, one: str = "one", two: str = "two") -> list[dict[str, Any]]:
    return [{"from_trip_id": one, "to_trip_id": two, "transfer_type": kind}]


def test_type_5_forbids_staying_aboard(tmp_path: Path) -> None:
    assert build(feed_of(tmp_path / "f", **block(transfers=linked(5)))).n_runs == 2


def test_type_4_joins_trips_without_block(tmp_path: Path) -> None:
    start = FIVE + 900
    trips = [ride("one", FIVE), trip("two", [("C", start), ("A", start + 600)])]
    tables = {"services": only_today(), "transfers": linked(4)}
    tt = build(feed_of(tmp_path / "f", trips, **tables))
    assert runs(tt) == [(0, [FIVE, FIVE + 600, start, start + 600])]


def test_type_4_that_cannot_be_is_reported(tmp_path: Path) -> None:
    trips = [ride("one", FIVE), ride("two", FIVE + 300)]
    tables = {"services": only_today(), "transfers": linked(4)}
    told: list[Finding] = []
    assert build(feed_of(tmp_path / "f", trips, **tables), findings=told).n_runs == 2
    assert codes(told) == [("in_seat_unapplied", 1)]


def test_a_block_splits_where_one_trip_does_not_run(tmp_path: Path) -> None:
    """Trips of a block under two services: the second runs on Mondays only."""
    tables = block()
    tables["trips"][1]["trip"]["service_id"] = "M"
    tables["services"] = {"S": service(), "M": service("1000000")}
    tt = build(feed_of(tmp_path / "f", **tables))
    assert [(d, len(t)) for d, t in runs(tt)] == [(-1, 4), (0, 2), (1, 2)]


def late_block(second_day: str, *, kind: int | None = None) -> dict[str, Any]:
    """Trip one 23:40 -> 23:50 at B every day; trip two leaves B at 00:05 of the next day.

    With ``kind`` they are linked in transfers.txt instead of by a block.
    """
    vehicle = {} if kind else {"block_id": "v"}
    tables: dict[str, Any] = {
        "trips": [
            ride("one", 23 * 3600 + 2400, **vehicle),
            trip("two", [("B", 300), ("C", 900)], service="N", **vehicle),
        ],
        "services": {"S": service(), "N": service(second_day)},
    }
    return tables | ({"transfers": linked(kind)} if kind else {})


@pytest.mark.parametrize("kind", [None, 4])
def test_riders_stay_aboard_through_midnight(tmp_path: Path, kind: int | None) -> None:
    """Of Monday (d-1), Tuesday and Wednesday; the second trip runs on Tuesdays only."""
    midnight = 86_400
    tt = build(feed_of(tmp_path / "f", **late_block("0100000", kind=kind)))
    one = [-2400 + 1200, -600, 300, 900]
    assert runs(tt) == [
        (-1, one),
        (0, [midnight - 1200, midnight - 600]),
        (1, [2 * midnight - 1200, 2 * midnight - 600]),
    ]
    # Nobody alights at the first call of the second trip, nor boards at the last of the first.
    assert tt.call_board.tolist()[:4] == [True, False, True, False]
    assert tt.call_alight.tolist()[:4] == [False, True, False, True]


def test_type_5_forbids_staying_aboard_through_midnight(tmp_path: Path) -> None:
    tables = late_block("0100000") | {"transfers": linked(5)}
    assert [len(times) for _, times in runs(build(feed_of(tmp_path / "f", **tables)))] == [2] * 4


def test_a_vehicle_that_splits_is_a_run_for_each_part(tmp_path: Path) -> None:
    """One from A to B; there its front goes on to C and its rear back to A."""
    start = FIVE + 900
    trips = [
        ride("one", FIVE),
        trip("front", [("B", start), ("C", start + 600)]),
        trip("rear", [("B", start + 60), ("A", start + 500)]),
    ]
    links = linked(4, two="front") + linked(4, two="rear")
    told: list[Finding] = []
    feed = feed_of(tmp_path / "f", trips, services=only_today(), transfers=links)
    tt = build(feed, findings=told)
    assert runs(tt) == [
        (0, [FIVE, FIVE + 600, start + 60, start + 500]),
        (0, [FIVE, FIVE + 600, start, start + 600]),
    ]
    assert told == []


def test_vehicles_that_join_are_a_run_each(tmp_path: Path) -> None:
    """Two portions reach B at 05:10 and 05:12 and go on together to C."""
    start = FIVE + 900
    trips = [
        ride("front", FIVE),
        trip("rear", [("C", FIVE + 100), ("B", FIVE + 720)]),
        trip("both", [("B", start), ("C", start + 600)]),
    ]
    links = linked(4, "front", "both") + linked(4, "rear", "both")
    tt = build(feed_of(tmp_path / "f", trips, services=only_today(), transfers=links))
    assert runs(tt) == [
        (0, [FIVE, FIVE + 600, start, start + 600]),
        (0, [FIVE + 100, FIVE + 720, start, start + 600]),
    ]


def test_a_vehicle_that_splits_too_often_is_reported(tmp_path: Path) -> None:
    """Seven times in a row it may go on as either of two trips: 128 ways, 64 are kept.

    All of these begin with trip 1a; trip 1b is then a run of its own.
    """
    trips = [ride("0a", FIVE)]
    links: list[dict[str, Any]] = []
    before = ["0a"]
    for k in range(1, 8):
        now = [f"{k}a", f"{k}b"]
        stops = "BC" if k % 2 else "CB"
        times = (FIVE + 600 + 600 * k, FIVE + 900 + 600 * k)
        trips += [trip(name, list(zip(stops, times, strict=True))) for name in now]
        links += [row for one in before for two in now for row in linked(4, one, two)]
        before = now
    told: list[Finding] = []
    feed = feed_of(tmp_path / "f", trips, services=only_today(), transfers=links)
    assert build(feed, findings=told).n_runs == 64 + 1
    assert codes(told) == [("in_seat_many", 1)]


# --- footpaths ---------------------------------------------------------------


def station_stops() -> list[dict[str, Any]]:
    """Station S with platforms P1 and P2 about 79 m apart; B far away."""
    place = {"P1": (4.0, 45.0), "P2": (4.001, 45.0), "B": (4.5, 45.0)}
    return [
        {"stop_id": "S", "stop_lat": 45, "stop_lon": 4, "location_type": 1},
        *(
            {
                "stop_id": s,
                "stop_lat": lat,
                "stop_lon": lon,
                "location_type": 0,
                "parent_station": "S" if s[0] == "P" else "",
            }
            for s, (lon, lat) in place.items()
        ),
    ]


def transfer(a: str, b: str, kind: int, least: Any = "", **columns: str) -> dict[str, Any]:
    ends = {"from_stop_id": a, "to_stop_id": b}
    return ends | {"transfer_type": kind, "min_transfer_time": least} | columns


def test_walks_within_the_limit_and_the_stop_itself(tmp_path: Path) -> None:
    feed = feed_of(tmp_path / "f", [ride("t", FIVE)])
    tt = build(feed, TUESDAY, (0, 1, 500), (0, 2, 601), (1, 0, 480), max_transfer_walk_s=600)
    assert feet(tt, 0) == [(0, 0, 60), (1, 500, 560)]
    assert feet(tt, 1) == [(1, 0, 60), (0, 480, 540)]
    assert feet(tt, 2) == [(2, 0, 60)]


def test_transfer_rules_between_stops(tmp_path: Path) -> None:
    rules = [
        transfer("A", "B", 2, 900),  # longer than the walk
        transfer("B", "A", 2, 60),  # shorter than the guessed walk: the feed knows
        transfer("A", "A", 2, 300),  # changing at one stop
        transfer("B", "C", 3),
        transfer("C", "B", 1),  # the vehicle waits: its time in the timetable suffices
        transfer("C", "C", 3),
    ]
    feed = feed_of(tmp_path / "f", [ride("t", FIVE)], transfers=rules)
    near = [(a, b, 400) for a, b in [(0, 1), (1, 0), (1, 2), (2, 1)]]
    tt = build(feed, TUESDAY, *near)
    assert feet(tt, 0) == [(0, 0, 300), (1, 400, 900)]
    assert feet(tt, 1) == [(1, 0, 60), (0, 60, 60)]
    assert feet(tt, 2) == [(1, 400, 0)]


def test_a_pair_only_transfers_txt_knows(tmp_path: Path) -> None:
    """A to B is 786.3 m as the crow flies: x 1.3 / 1.25 m/s = 817.7, so 818 s."""
    rules = [transfer("A", "B", 2, 1000), transfer("B", "C", 0)]
    feed = feed_of(tmp_path / "f", [ride("t", FIVE)], transfers=rules)
    tt = build(feed, max_transfer_walk_s=900)
    assert feet(tt, 0) == [(0, 0, 60), (1, 818, 1000)]
    assert feet(tt, 1) == [(1, 0, 60), (2, 818, 878)]
    # Never beyond the longest walk between vehicles.
    assert feet(build(feed, max_transfer_walk_s=800), 0) == [(0, 0, 60)]


def test_stations_stand_for_their_platforms(tmp_path: Path) -> None:
    """The rule of the station holds for P1 and P2; the one naming P2 -> P1 comes before it."""
    rules = [transfer("P2", "P1", 3), transfer("S", "S", 2, 240)]
    trips = [trip("t", [("P1", "05:00"), ("B", "05:30")])]
    feed = feed_of(tmp_path / "f", trips, stops=station_stops(), transfers=rules)
    tt = build(feed)
    # P1 to P2: 78.6 m x 1.3 / 1.25 = 81.8 s; the station itself is no platform.
    assert feet(tt, 0) == []
    assert feet(tt, 1) == [(1, 0, 240), (2, 82, 240)]
    assert feet(tt, 2) == [(2, 0, 240)]
    assert feet(tt, 3) == [(3, 0, 60)]


def test_a_rule_for_the_only_route_needs_no_copy(tmp_path: Path) -> None:
    """Every rider who alights at B comes by R: the rule holds for the pair."""
    trips = [
        ride("r1", FIVE),
        trip("r2", [("C", "06:00"), ("A", "06:10")]),
        trip("q1", [("C", "06:05"), ("A", "06:15")], route="Q"),
    ]
    rules = [transfer("B", "C", 2, 500, from_route_id="R")]
    feed = feed_of(tmp_path / "f", trips, transfers=rules, services=only_today())
    tt = build(feed, TUESDAY, (1, 2, 100), (2, 1, 100))
    assert tt.n_stops == 3
    assert feet(tt, 1) == [(1, 0, 60), (2, 100, 500)]


def pathway_feed(path: Path) -> Feed:
    """Entrance E -> 90 s -> hall H -> 30 s one way -> P1; P1 -> lift -> E; H to P2 75 m."""
    stops = [
        *station_stops(),
        {
            "stop_id": "E",
            "stop_lat": 45.001,
            "stop_lon": 4,
            "location_type": 2,
            "parent_station": "S",
        },
        {"stop_id": "H", "location_type": 3, "parent_station": "S"},
    ]
    links: list[dict[str, Any]] = [
        {"from_stop_id": "E", "to_stop_id": "H", "is_bidirectional": 1, "traversal_time": 90},
        {"from_stop_id": "H", "to_stop_id": "P1", "is_bidirectional": 0, "traversal_time": 30},
        {"from_stop_id": "P1", "to_stop_id": "E", "is_bidirectional": 0, "pathway_mode": 5},
        {"from_stop_id": "H", "to_stop_id": "P2", "is_bidirectional": 1, "length": 75},
    ]
    for k, link in enumerate(links):
        link["pathway_id"] = k
        link.setdefault("pathway_mode", 1)
    trips = [trip("t", [("P1", "05:00"), ("B", "05:30")])]
    return feed_of(path, trips, stops=stops, pathways=links)


def test_pathways_between_platforms(tmp_path: Path) -> None:
    """P2 -> H -> P1 takes 75/1.25 + 30 = 90 s; P1 -> lift 60 -> E 90 -> H 60 -> P2 = 210 s."""
    tt = build(pathway_feed(tmp_path / "f"), TUESDAY, (1, 2, 20), (2, 1, 20))
    assert feet(tt, 1) == [(1, 0, 60), (2, 210, 270)]
    assert feet(tt, 2) == [(2, 0, 60), (1, 90, 150)]


def test_entrances_are_where_one_meets_the_streets(tmp_path: Path) -> None:
    points = access_points(pathway_feed(tmp_path / "f"))
    # B where it stands; P1 and P2 through E: 120 s in and a 60 s lift out; 150 s both ways.
    assert points.stop.tolist() == [3, 1, 2]
    assert points.lonlat.tolist() == [[4.5, 45], [4, 45.001], [4, 45.001]]
    assert points.in_s.tolist() == [0, 120, 150]
    assert points.out_s.tolist() == [0, 60, 150]


def test_a_stop_is_entered_at_one_door_and_left_at_another() -> None:
    """100 + 60 s in at the first door, 130 + 90 s out at the second: 220 s either way."""
    from mobility.timetable.transfers import AccessPoints

    points = AccessPoints(
        lonlat=np.zeros((3, 2)),
        stop=np.array([1, 1, 0], np.int32),
        in_s=np.array([60, INF, 5], np.int32),
        out_s=np.array([INF, 90, INF], np.int32),
    )
    table = walks(1, (0, 0, 100), (0, 1, 130), (0, 2, 10))
    into, out = (fold_points(table, points, leaving=way) for way in (False, True))
    both = slower(into, out, 2)
    # Stop 0 can only be entered.
    assert (both.stop.tolist(), both.walk_s.tolist()) == ([1], [220])


def test_changes_go_out_of_a_station_and_into_it() -> None:
    """From platform 0, 40 s down from the street, to stop 1 100 s away, and back."""
    from mobility.timetable.transfers import AccessPoints

    points = AccessPoints(
        lonlat=np.zeros((2, 2)),
        stop=np.array([0, 1], np.int32),
        in_s=np.array([40, 0], np.int32),
        out_s=np.array([70, 0], np.int32),
    )
    table = walks(2, (0, 0, 0), (0, 1, 100), (1, 0, 100), (1, 1, 0))
    found = fold_points(table, points, between=2, limit_s=160)
    assert found.n_rows == 2
    # 0 to 1 takes 70 + 100 s, over the limit.
    assert found.rows.tolist() == [0, 1, 1]
    assert (found.stop.tolist(), found.walk_s.tolist()) == ([0, 1, 0], [110, 0, 140])


def test_walks_to_points_fold_into_walks_to_stops() -> None:
    """Stop 7 has two doors: 100 + 50 s beats 90 + 80 s going in; out of door 1 there is no way."""
    from mobility.timetable.transfers import AccessPoints

    points = AccessPoints(
        lonlat=np.zeros((3, 2)),
        stop=np.array([7, 7, 2], np.int32),
        in_s=np.array([80, 50, 0], np.int32),
        out_s=np.array([10, INF, 0], np.int32),
    )
    table = walks(2, (0, 0, 90), (0, 1, 100), (0, 2, 160), (1, 1, 5))
    into = fold_points(table, points)
    assert into.ptr.tolist() == [0, 2, 3]
    assert into.stop.tolist() == [7, 2, 7]
    assert into.walk_s.tolist() == [150, 160, 55]
    out = fold_points(table, points, leaving=True, limit_s=150)
    assert out.ptr.tolist() == [0, 1, 1]
    assert (out.stop.tolist(), out.walk_s.tolist()) == ([7], [100])


def test_a_walk_table_of_other_stops_is_refused(tmp_path: Path) -> None:
    feed = feed_of(tmp_path / "f", [ride("t", FIVE)])
    with pytest.raises(ValueError, match="2 rows for 3 stops"):
        build_timetable(feed, TUESDAY, PARIS, walks(2))
