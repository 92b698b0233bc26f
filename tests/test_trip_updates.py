"""Trip updates of GTFS-Realtime against the timetable; every delay is worked out by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from feeds import service, trip, write_gtfs
from timetables import timetable_from_runs

from mobility.base.errors import SourceError
from mobility.sources.delays import read_delays
from mobility.sources.gtfs.read import merge_feeds, read_feed
from mobility.sources.trip_updates import CANCELLED_S
from mobility.timetable.late import DelayDraws

messages = pytest.importorskip("google.transit.gtfs_realtime_pb2")
PARIS = ZoneInfo("Europe/Paris")
TUESDAY = dt.date(2026, 11, 17)
STOPS = {name: (4.0 + k / 100, 45.0) for k, name in enumerate("ABCD")}
TRIPS = [
    trip("night", [("A", "24:30"), ("B", "24:50")]),
    trip("evening", [("A", "22:00"), ("B", "22:30")]),
    trip("small", [("A", "00:10"), ("B", "00:20")]),
    trip("friday", [("A", "23:50"), ("B", "24:10")], service="F"),
    trip("loop", [("A", "06:00"), ("B", "06:10"), ("C", "06:20"), ("A", "06:30"), ("D", "06:40")]),
    trip("dwell", [("A", "07:00"), ("B", "07:10", "07:12"), ("C", "07:20")]),
    # Runs from 05:00 to 06:30 every half hour; times of the template begin at midnight.
    trip("every", [("A", "00:00"), ("B", "00:20")]),
    trip("about", [("A", "00:00"), ("B", "00:20")]),
    trip("london", [("A", "08:00"), ("B", "08:30")], route="L"),
]  # fmt: skip
HEADWAYS = [
    {"trip_id": name, "start_time": "05:00:00", "end_time": "06:31:00", "headway_secs": 1800,
     "exact_times": exact}
    for name, exact in (("every", 1), ("about", 0))
]  # fmt: skip
AGENCIES = [
    {"agency_id": key, "agency_name": key, "agency_url": "http://example.org", "agency_timezone": z}
    for key, z in (("1", "Europe/Paris"), ("2", "Europe/London"))
]
ROUTES = [
    {"route_id": key, "agency_id": agency, "route_short_name": key, "route_type": 3}
    for key, agency in (("R", "1"), ("L", "2"))
]


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    services = {"S": service("1111111", "20260105", "20261218"),
                "F": service("0000100", "20260105", "20261218")}  # fmt: skip
    # A feed is of one zone by the reference; some are not.
    path = write_gtfs(
        tmp_path_factory.mktemp("updates") / "f", stops=STOPS, trips=TRIPS, services=services,
        frequencies=HEADWAYS, agencies=AGENCIES, routes=ROUTES,
    )  # fmt: skip
    return read_feed(path, cache=False)


def at(text: str, day: dt.date = TUESDAY, zone: ZoneInfo = PARIS) -> int:
    """POSIX time of a local clock time, written down as people would."""
    return int(dt.datetime.combine(day, dt.time.fromisoformat(text), zone).timestamp())


class Archive:
    """Writes messages one after the other, and reads them."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0

    def add(self, trip_id, *calls, header=None, delay=None, **told):
        """Write a message; a call is (stop or sequence, field, kind, value)."""
        message = messages.FeedMessage()
        message.header.gtfs_realtime_version = "2.0"
        if header is not None:
            message.header.timestamp = header
        update = message.entity.add(id="1").trip_update
        update.trip.trip_id = trip_id
        if delay is not None:
            update.delay = delay
        for name, value in told.items():
            if name == "schedule_relationship":
                value = messages.TripDescriptor.ScheduleRelationship.Value(value)  # noqa: PLW2901
            setattr(update.trip, name, value)
        for stop, field, kind, value in calls:
            key = "stop_sequence" if isinstance(stop, int) else "stop_id"
            call = update.stop_time_update.add(**{key: stop})
            if field == "relationship":
                call.schedule_relationship = value
            else:
                setattr(getattr(call, field), kind, value)
        self.count += 1
        (self.folder / f"{self.count:03d}.pb").write_bytes(message.SerializeToString())
        return self

    def read(self, feed):
        return read_delays(self.folder, feed)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path)


def rows(feed, seen):
    """(trip, date, start, stop, visit, arrival, departure) with names."""
    stops = dict(enumerate(feed.stops["stop_id"])) | {-1: ""}
    return [
        (feed.trip_ids[r.trip], str(r.date), r.start_s, stops[r.stop], r.visit, r.arrival_s,
         r.departure_s)
        for r in seen.rows.itertuples()
    ]  # fmt: skip


# --- which run ---


def test_runs_of_a_headway_are_told_by_their_start(feed, archive):
    day = {"start_date": "20261117"}
    archive.add("every", ("B", "arrival", "time", at("05:20:00")), start_time="05:00:00", **day)
    archive.add("every", ("B", "arrival", "time", at("05:50:00")), start_time="05:30:00", **day)
    archive.add("every", ("B", "arrival", "time", at("06:23:00")), start_time="06:00:00", **day)
    archive.add("every", ("A", "departure", "delay", 40), start_time="06:30:00", **day)
    archive.add("every", ("B", "arrival", "time", at("06:20:00")), **day)
    archive.add("every", ("B", "arrival", "delay", 1), start_time="05:29:00", **day)
    archive.add("every", ("B", "arrival", "delay", 1), start_time="07:00:00", **day)
    archive.add("every", schedule_relationship="CANCELED", **day)
    seen = archive.read(feed)
    assert rows(feed, seen) == [
        ("every", "2026-11-17", 5 * 3600, "B", 0, 0, 0),
        ("every", "2026-11-17", 5 * 3600 + 1800, "B", 0, 0, 0),
        ("every", "2026-11-17", 6 * 3600, "B", 0, 180, 180),
        ("every", "2026-11-17", 6 * 3600 + 1800, "A", 0, 40, 40),
    ]
    assert (seen.no_start, seen.unknown) == (2, 2)


def test_a_promised_headway_starts_at_any_time_and_may_run_unscheduled(feed, archive):
    archive.add("about", ("B", "arrival", "time", at("05:33:00")), start_time="05:07:00",
                start_date="20261117", schedule_relationship="UNSCHEDULED")  # fmt: skip
    # Planned 05:07 + 20 min.
    assert rows(feed, archive.read(feed))[0][2:] == (5 * 3600 + 420, "B", 0, 360, 360)


@pytest.mark.parametrize("day", [0, -1, 1])
def test_a_run_of_a_headway_meets_its_own_delays(feed, archive, day):
    told = {"start_date": "20261117"}
    archive.add("every", ("A", "departure", "delay", 60), start_time="05:30:00", **told)
    archive.add("every", schedule_relationship="CANCELED", start_time="06:00:00", **told)
    drawn = DelayDraws(feed, 20, 1, 600.0, 0.0, observed=archive.read(feed))
    every = feed.trip_ids.index("every")
    starts = [h * 3600 + day * 86_400 for h in (5, 5.5, 6)]
    tt = replace(
        timetable_from_runs(4, [[(0, int(s)), (1, int(s) + 1200)] for s in starts]),
        call_trip=np.full(6, every, np.int32), run_day=np.full(3, day, np.int8),
    )  # fmt: skip
    late = [drawn.real_times(tt, run, (TUESDAY, PARIS))[0][1] - int(starts[run]) - 1200
            for run in range(3)]  # fmt: skip
    assert np.unique(late[0]).size > 10  # not observed: drawn
    assert (late[1] == 60).all()
    assert (late[2] == CANCELLED_S).all()


def test_who_is_promised_a_headway_takes_the_run_nearest(feed, archive):
    told = {"start_date": "20261117"}
    archive.add("about", ("A", "departure", "delay", 60), start_time="05:07:00", **told)
    archive.add("about", ("A", "departure", "delay", 120), start_time="05:36:00", **told)
    drawn = DelayDraws(feed, 3, 1, 600.0, 0.0, observed=archive.read(feed))
    about = feed.trip_ids.index("about")
    leaves = [(18_600, 60), (19_860, 120)]  # 05:10, 05:31
    tt = timetable_from_runs(4, [[(0, s), (1, s + 1200)] for s, _ in leaves])
    tt = replace(tt, call_arr=tt.call_arr + 1800, call_trip=np.full(4, about, np.int32))
    for run, (leave_s, late_s) in enumerate(leaves):
        arrival_s, departure_s = drawn.real_times(tt, run, (TUESDAY, PARIS))
        assert (departure_s[0] == leave_s + late_s).all()
        assert (arrival_s[1] == leave_s + 3000 + late_s).all()


# --- which day ---


@pytest.mark.parametrize(
    ("trip_id", "header", "event", "expected"),
    [
        # 24:50 of Tuesday is 00:50 of Wednesday; told at 00:40, eight minutes late.
        ("night", ("00:40", 1), ("time", ("00:58", 1)), ("2026-11-17", 480)),
        ("night", ("00:40", 1), ("delay", 480), ("2026-11-17", 480)),
        ("night", ("23:50", 0), ("time", ("00:58", 1)), ("2026-11-17", 480)),
        ("night", ("23:50", 0), ("delay", 480), ("2026-11-17", 480)),
        # Midday of Tuesday: the one of the night to come.
        ("night", ("12:00", 0), ("delay", 480), ("2026-11-17", 480)),
        ("evening", ("22:10", 0), ("time", ("22:31", 0)), ("2026-11-17", 60)),
        ("evening", ("00:10", 1), ("time", ("00:40", 1)), ("2026-11-17", 7800)),
        ("evening", ("06:00", 0), ("delay", 60), ("2026-11-17", 60)),
        # Four hours and a quarter late.
        ("evening", ("02:40", 1), ("time", ("02:45", 1)), ("2026-11-17", 15_300)),
        # Just after midnight of Wednesday, told on Tuesday.
        ("small", ("23:55", 0), ("time", ("00:21", 1)), ("2026-11-18", 60)),
        ("small", ("23:55", 0), ("delay", 60), ("2026-11-18", 60)),
        # On Fridays alone, although the same trip of another day were nearer.
        ("friday", ("00:05", 4), ("time", ("00:12", 4)), ("2026-11-20", 120)),
        ("friday", ("23:40", 2), ("time", ("00:12", 3)), ("2026-11-20", 120 - 86_400)),
        # No time in the header.
        ("night", None, ("time", ("00:58", 1)), ("2026-11-17", 480)),
    ],
)
def test_the_day_is_that_of_the_run_nearest(feed, archive, trip_id, header, event, expected):
    def posix(told):
        clock, days = told
        return at(clock + ":00", TUESDAY + dt.timedelta(days=days))

    kind, value = event
    value = posix(value) if kind == "time" else value
    archive.add(trip_id, ("B", "arrival", kind, value), header=header and posix(header))
    (row,) = rows(feed, archive.read(feed))
    assert (row[1], row[5]) == expected


def test_a_cancelled_trip_far_ahead_is_of_the_day_of_the_message(feed, archive):
    archive.add("evening", schedule_relationship="CANCELED", header=at("06:00:00"))
    archive.add("night", schedule_relationship="CANCELED", header=at("01:00:00"))
    archive.add("loop", schedule_relationship="DELETED", header=at("13:00:00"))
    archive.add("loop", schedule_relationship="DELETED")  # of no day
    seen = archive.read(feed)
    assert [(r[0], r[1]) for r in rows(feed, seen)] == [
        ("night", "2026-11-16"), ("evening", "2026-11-17"), ("loop", "2026-11-17")
    ]  # fmt: skip
    assert seen.unknown == 1


def test_times_are_those_of_the_zone_of_the_line_and_the_day_has_one_noon(feed, archive):
    london = ZoneInfo("Europe/London")
    archive.add("london", ("B", "arrival", "time", at("08:35:00", zone=london)),
                start_date="20261117")  # fmt: skip
    # The clock goes back on 25 October at 03:00: 24:30 of the 24th is 00:30, before it;
    # 00:10 of the 25th is noon less 11:50, which a clock shows as 01:10 summer time.
    back = dt.date(2026, 10, 25)
    archive.add(
        "night", ("B", "arrival", "time", at("00:51:00", back)), header=at("00:40:00", back)
    )
    archive.add("small", ("A", "departure", "time", at("01:12:00", back)), start_date="20261025")
    found = {(r[0], r[1]): r[5] for r in rows(feed, archive.read(feed))}
    assert found == {
        ("london", "2026-11-17"): 300, ("night", "2026-10-24"): 60, ("small", "2026-10-25"): 120
    }  # fmt: skip


# --- which call ---


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        # By sequence: the first call at A, then the second.
        ([(1, "departure", "delay", 30), (4, "arrival", "delay", 90)],
         [("A", 0, 30, 30), ("A", 1, 90, 90)]),
        # By stop, in order.
        ([("A", "departure", "delay", 30), ("B", "arrival", "delay", 40),
          ("A", "arrival", "delay", 90)], [("A", 0, 30, 30), ("A", 1, 90, 90), ("B", 0, 40, 40)]),
        # What comes after leaves room for the first alone; what came before, for the last.
        ([("A", "departure", "delay", 30), ("C", "arrival", "delay", 40)],
         [("A", 0, 30, 30), ("C", 0, 40, 40)]),
        ([("C", "arrival", "delay", 40), ("A", "arrival", "delay", 30)],
         [("A", 1, 30, 30), ("C", 0, 40, 40)]),
        ([("C", "arrival", "delay", 40), ("A", "arrival", "time", at("06:05:00"))],
         [("A", 1, -1500, -1500), ("C", 0, 40, 40)]),
        # Alone: the one planned nearest, to the time told or else to that of the message.
        ([("A", "departure", "time", at("06:02:00"))], [("A", 0, 120, 120)]),
        ([("A", "departure", "time", at("06:33:00"))], [("A", 1, 180, 180)]),
        ([("A", "departure", "delay", 0)], [("A", 1, 0, 0)]),
    ],
)  # fmt: skip
def test_calls_of_a_loop_are_told_apart(feed, archive, calls, expected):
    archive.add("loop", *calls, start_date="20261117", header=at("06:22:00"))
    seen = archive.read(feed)
    assert [row[3:] for row in rows(feed, seen)] == expected
    assert seen.unknown == 0


def test_a_loop_is_as_late_at_each_call_as_told_there(feed, archive):
    archive.add("loop", (1, "departure", "delay", 30), (4, "arrival", "delay", 90),
                start_date="20261117")  # fmt: skip
    stops = np.array([feed.stops["stop_id"].tolist().index(s) for s in "ABCAD"])
    arrival_s, departure_s = archive.read(feed).profile(feed.trip_ids.index("loop"), stops)
    assert arrival_s[:, 0].tolist() == departure_s[:, 0].tolist() == [30, 30, 30, 90, 90]


def test_a_call_left_out_is_no_call_and_holds_up_none(feed, archive):
    archive.add("loop", ("A", "relationship", "", 1), ("B", "departure", "delay", 60),
                ("C", "relationship", "", 2), ("D", "relationship", "", 1),
                start_date="20261117")  # fmt: skip
    loop, names = feed.trip_ids.index("loop"), feed.stops["stop_id"].tolist()
    stops = np.array([names.index(s) for s in "ABCAD"])
    seen = archive.read(feed)
    gone = CANCELLED_S
    assert seen.profile(loop, stops)[0][:, 0].tolist() == [gone, 60, 60, 60, gone]
    # The vehicle goes on as another trip, which is on time.
    times = list(zip(stops.tolist(), range(0, 3000, 600), strict=True))
    tt = replace(
        timetable_from_runs(4, [[*times, (3, 2460), (0, 3000)]]),
        call_trip=np.array([loop] * 5 + [feed.trip_ids.index("dwell")] * 2, np.int32),
    )
    arrival_s, departure_s = DelayDraws(feed, 1, 1, 0.0, 0.0, observed=seen).real_times(
        tt, 0, (TUESDAY, PARIS)
    )
    assert arrival_s[:, 0].tolist() == [gone, 660, 1260, 1860, 2400 + gone, 2460, 3000]
    assert departure_s[5, 0] == 2460


def test_a_delay_holds_across_a_call_left_out_and_back_to_the_first(feed, archive):
    archive.add("loop", (2, "relationship", "", 1), (3, "departure", "delay", 60),
                (4, "relationship", "", 1), start_date="20261117")  # fmt: skip
    stops = np.array([feed.stops["stop_id"].tolist().index(s) for s in "ABCAD"])
    arrival_s, _ = archive.read(feed).profile(feed.trip_ids.index("loop"), stops)
    assert arrival_s[:, 0].tolist() == [60, CANCELLED_S, 60, CANCELLED_S, 60]


# --- what is told ---


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("arrival", "delay", 60)], (60, 60)),
        ([("departure", "delay", 60)], (60, 60)),
        # Two minutes planned at B: 180 s late, it leaves at least 60 s late.
        ([("arrival", "delay", 180), ("departure", "delay", 0)], (180, 60)),
        ([("arrival", "delay", 10), ("departure", "delay", 70)], (10, 70)),
        # Both given: the time holds.
        ([("arrival", "delay", 0), ("arrival", "time", at("07:15:00"))], (300, 300)),
        ([("departure", "time", at("07:15:00"))], (180, 180)),
        # Neither.
        ([("arrival", "uncertainty", 5)], None),
    ],
)
def test_delay_time_or_both_of_one_call(feed, archive, events, expected):
    archive.add("dwell", ("C", "arrival", "delay", 7), start_date="20261117")
    path = archive.folder / "001.pb"
    told = messages.FeedMessage.FromString(path.read_bytes())
    call = told.entity[0].trip_update.stop_time_update.add(stop_id="B")
    for field, kind, value in events:
        setattr(getattr(call, field), kind, value)
    path.write_bytes(told.SerializeToString())
    found = {r[3]: r[5:] for r in rows(feed, archive.read(feed))}
    assert found.get("B") == expected
    assert found["C"] == (7, 7)


BESIDE = ["ADDED", "UNSCHEDULED", "DUPLICATED", "REPLACEMENT", "NEW"]


@pytest.mark.parametrize("relationship", BESIDE)
def test_runs_beside_the_timetable_say_nothing_of_the_planned_one(feed, archive, relationship):
    archive.add("dwell", ("B", "arrival", "delay", 60), start_date="20261117")
    archive.add("dwell", ("B", "arrival", "delay", 3000), start_date="20261117",
                schedule_relationship=relationship)  # fmt: skip
    archive.add("every", ("B", "arrival", "delay", 3000), start_date="20261117",
                start_time="05:00:00", schedule_relationship=relationship)  # fmt: skip
    seen = archive.read(feed)
    assert [row[5] for row in rows(feed, seen)] == [60]
    assert (seen.unplanned, seen.unknown) == (2, 0)


def test_the_last_word_holds_on_the_whole_trip(feed, archive):
    day = {"start_date": "20261117"}
    archive.add("dwell", ("B", "arrival", "delay", 60), **day)
    archive.add("dwell", schedule_relationship="CANCELED", **day)
    archive.add("loop", schedule_relationship="CANCELED", **day)
    archive.add("loop", ("B", "arrival", "delay", 60), **day)
    archive.add("evening", delay=240, **day)
    assert [(r[0], *r[3:]) for r in rows(feed, archive.read(feed))] == [
        ("evening", "", -1, 240, 240),
        ("loop", "B", 0, 60, 60),
        ("dwell", "", -1, CANCELLED_S, CANCELLED_S),
    ]


def test_ids_of_merged_feeds_are_those_of_their_own_files(feed, archive, tmp_path):
    trips = [
        trip("dwell", [("A", "07:00"), ("B", "07:10")]),
        trip("own", [("B", "07:00"), ("A", "07:10")]),
    ]
    services = {"S": service("1111111", "20260105", "20261218")}
    path = write_gtfs(tmp_path / "g", stops=STOPS, trips=trips, services=services)
    both = merge_feeds([feed, read_feed(path, cache=False)])
    day = {"start_date": "20261117"}
    archive.add("own", ("A", "arrival", "delay", 60), **day)
    archive.add("loop", ("B", "arrival", "delay", 30), **day)
    archive.add("dwell", ("B", "arrival", "delay", 5), **day)  # of either
    archive.add("1:dwell", ("B", "arrival", "delay", 6), **day)
    seen = archive.read(both)
    assert [(r[0], *r[3:6]) for r in rows(both, seen)] == [
        ("0:loop", "0:B", 0, 30), ("1:dwell", "1:B", 0, 6), ("1:own", "1:A", 0, 60)
    ]  # fmt: skip
    assert seen.unknown == 1
    table = tmp_path / "t.csv"
    table.write_text("trip_id,date,stop_id,delay_s\nown,20261117,A,60\n", encoding="utf-8")
    told = rows(both, read_delays(table, both))
    assert told == [("1:own", "2026-11-17", -1, "1:A", -1, 60, 60)]


def test_numbers_before_an_id_of_one_feed_are_its_own(feed, archive, tmp_path):
    trips = [trip("5:go", [("A", "07:00"), ("B", "07:10")])]
    services = {"S": service("1111111", "20260105", "20261218")}
    path = write_gtfs(tmp_path / "g", stops=STOPS, trips=trips, services=services)
    alone = read_feed(path, cache=False)
    archive.add("5:go", ("B", "arrival", "delay", 5), start_date="20261117")
    archive.add("go", ("B", "arrival", "delay", 9), start_date="20261117")
    seen = archive.read(alone)
    assert (seen.rows["arrival_s"].tolist(), seen.unknown) == ([5], 1)
    both = archive.read(merge_feeds([feed, alone]))
    assert both.rows["arrival_s"].tolist() == [9]  # told of the same run, the last word


def test_an_archive_of_unknown_runs_alone_is_refused(feed, archive):
    archive.add("every", ("B", "arrival", "delay", 60), start_date="20261117")
    with pytest.raises(SourceError, match="no delay of a trip"):
        archive.read(feed)
