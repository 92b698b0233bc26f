"""Night and clock changes: cases computed by hand, from GTFS through the engine.

One line of buses runs between the home's stop A and the gate's stop B, sometimes by M.
Home is 2 minutes' walk from A, the gate 1 minute from B, and 10 minutes lie between the
gate and the work station, so that

- a shift starting at 05:00 wants a bus that reaches B by 04:49; leaving home is 2 minutes
  before A's departure;
- after a shift ending at 21:00 the first bus is one leaving B from 21:11; home is reached
  2 minutes after A's arrival.

At most 90 minutes in all and 60 minutes of any wait. A trip is written as in GTFS, in hours
of its service day: ``"WEEK A 28:10 B 28:40"``. March 2026 begins on a Sunday.
"""

# ruff: noqa: E501 (one case, one line)

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from feeds import service, trip, write_gtfs
from strategies import walk_table

from benchmarks.one_timetable import build_timetable
from mobility.base.clock import axis_to_local, local_to_axis, parse_clock
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, travel
from mobility.sources.gtfs.read import merge_feeds, read_feed
from mobility.timetable.arrays import INF

YEAR = {"start": "20250101", "end": "20291231"}
SERVICES: dict[str, dict[str, Any]] = {
    "DAILY": service("1111111", **YEAR),
    "WEEK": service("1111100", **YEAR),
    "SAT": service("0000010", **YEAR),
    "SUN": service("0000001", **YEAR),
    "MON": service("1000000", **YEAR),
    "TUE": service("0100000", **YEAR),
    "FRI": service("0000100", **YEAR),
    # Labour Day 2026 is a Friday: it runs as a Sunday.
    "WEEK-MAY": service("1111100", **YEAR, removed=["20260501"]),
    "SUN-MAY": service("0000001", **YEAR, added=["20260501"]),
    # Only calendar_dates: Monday 2 March 2026 and no other day.
    "LISTED": service(added=["20260302"], calendar=False),
    # Every day but Monday 2 March 2026.
    "NOT-2-MARCH": service("1111111", **YEAR, removed=["20260302"]),
    "UNTIL-2-MARCH": service("1111111", start="20260101", end="20260302"),
    "FROM-3-MARCH": service("1111111", start="20260303", end="20261231"),
}
PLACES = {"A": (3.80, 43.60), "M": (3.85, 43.62), "B": (3.90, 43.64)}
LIMITS = EngineLimits(max_total_s=90 * 60, max_walk_s=1200, max_transfers=1, max_wait_s=3600)


@dataclass(frozen=True)
class Night:
    """One case.

    Attributes
    ----------
    trips
        Trips of the feed; ``"Europe/London: WEEK A 04:10 B 04:40"`` puts one in a second feed.
    ask
        ``"05:00 Tue 2026-03-03"``: a shift starting then; ``"end 05:00 ..."`` a shift ending
        then, ``"end 05:00+1 ..."`` one ending the day after the date.
    answer
        Local time of leaving or reaching home, or None where the direction does not hold.
    """

    name: str
    trips: tuple[str, ...]
    ask: str
    answer: str | None
    zone: str = "Europe/Paris"
    columns: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)


def tail(*names: str) -> tuple[str, ...]:
    """Return the trip at 04:10 of the day after, for each service."""
    return tuple(f"{name} A 28:10 B 28:40" for name in names)


CASES = [
    # --- the tail of the day before
    Night("28:40 of the day before is 04:40", tail("DAILY"), "05:00 Tue 2026-03-03", "Tue 04:08"),
    Night("25:xx of the day before", ("DAILY A 25:20 B 25:50",), "02:15 Tue 2026-03-03", "Tue 01:18"),
    Night("Monday's tail on Tuesday", tail("MON"), "05:00 Tue 2026-03-03", "Tue 04:08"),
    Night("Tuesday's tail is not for Tuesday", tail("TUE"), "05:00 Tue 2026-03-03", None),
    Night("Tuesday's tail is for Wednesday", tail("TUE"), "05:00 Wed 2026-03-04", "Wed 04:08"),
    Night("Friday's tail on Saturday", tail("WEEK"), "05:00 Sat 2026-03-07", "Sat 04:08"),
    Night("Saturday has no tail for Sunday", tail("WEEK"), "05:00 Sun 2026-03-08", None),
    Night("Saturday's own tail on Sunday", tail("SAT"), "05:00 Sun 2026-03-08", "Sun 04:08"),
    Night("Monday refuses Sunday's", tail("WEEK"), "05:00 Mon 2026-03-09", None),
    Night("Monday takes what runs on Sunday", tail("SUN"), "05:00 Mon 2026-03-09", "Mon 04:08"),
    Night("Monday's first bus", ("WEEK A 04:10 B 04:40",), "05:00 Mon 2026-03-09", "Mon 04:08"),
    Night("Saturday has no first bus", ("WEEK A 04:10 B 04:40",), "05:00 Sat 2026-03-07", None),
    Night(
        "the tail beats the first bus",
        ("MON A 28:10 B 28:40", "TUE A 04:00 B 04:35"),
        "05:00 Tue 2026-03-03",
        "Tue 04:08",
    ),
    Night(
        "the first bus beats the tail",
        ("MON A 27:50 B 28:20", "TUE A 04:12 B 04:45"),
        "05:00 Tue 2026-03-03",
        "Tue 04:10",
    ),
    Night(
        "from the tail into the first bus",
        ("MON A 28:00 M 28:15", "TUE M 04:20 B 04:40"),
        "05:00 Tue 2026-03-03",
        "Tue 03:58",
    ),
    Night(
        "no change into a bus of the wrong day",
        ("MON A 28:00 M 28:15", "MON M 04:20 B 04:40"),
        "05:00 Tue 2026-03-03",
        None,
    ),
    Night(
        "from one tail into another",
        ("DAILY A 27:50 M 28:15", "MON M 28:20 B 28:40"),
        "05:00 Tue 2026-03-03",
        "Tue 03:48",
    ),
    # --- midnight itself
    Night("arrival at 24:00", ("MON A 23:30 B 24:00",), "00:15 Tue 2026-03-03", "Mon 23:28"),
    Night("departure at 24:00", ("MON A 24:00 B 24:20",), "00:35 Tue 2026-03-03", "Mon 23:58"),
    Night("departure at 00:00", ("TUE A 00:00 B 00:20",), "00:35 Tue 2026-03-03", "Mon 23:58"),
    Night("24:00 belongs to the day before", ("TUE A 24:00 B 24:20",), "00:35 Tue 2026-03-03", None),
    Night("00:00 belongs to the day itself", ("MON A 00:00 B 00:20",), "00:35 Tue 2026-03-03", None),
    Night("Friday's 24:00 on Saturday", ("WEEK A 24:00 B 24:20",), "00:35 Sat 2026-03-07", "Fri 23:58"),
    Night("Saturday has no 00:00", ("WEEK A 00:00 B 00:20",), "00:35 Sat 2026-03-07", None),
    Night("through midnight", ("MON A 23:50 B 24:10",), "00:25 Tue 2026-03-03", "Mon 23:48"),
    Night("Sunday through midnight", ("SUN A 23:50 B 24:10",), "00:25 Mon 2026-03-09", "Sun 23:48"),
    Night("a shift starting at 24:00", ("MON A 23:15 B 23:45",), "24:00 Mon 2026-03-02", "Mon 23:13"),
    Night("a shift starting at 00:00", ("MON A 23:15 B 23:45",), "00:00 Tue 2026-03-03", "Mon 23:13"),
    # --- going home
    Night("home the same evening", ("TUE B 21:20 A 21:50",), "end 21:00 Tue 2026-03-03", "Tue 21:52"),
    Night("home after midnight", ("TUE B 23:50 A 24:20",), "end 23:30 Tue 2026-03-03", "Wed 00:22"),
    Night("the bus after midnight", ("TUE B 24:10 A 24:30",), "end 23:50 Tue 2026-03-03", "Wed 00:32"),
    Night("written as the next day's", ("DAILY B 00:10 A 00:30",), "end 23:50 Tue 2026-03-03", "Wed 00:32"),
    Night("Friday evening, no Saturday", ("WEEK B 00:10 A 00:30",), "end 23:50 Fri 2026-03-06", None),
    Night("Friday evening, Friday's tail", ("WEEK B 24:10 A 24:30",), "end 23:50 Fri 2026-03-06", "Sat 00:32"),
    Night("end at 24:00", ("TUE B 24:11 A 24:30",), "end 24:00 Tue 2026-03-03", "Wed 00:32"),
    Night("a second too early", ("TUE B 24:10:59 A 24:30",), "end 24:00 Tue 2026-03-03", None),
    # --- the night shift's way home is on the next day, under its calendar
    Night("night shift, next morning", ("WEEK B 05:20 A 05:50",), "end 05:00+1 Tue 2026-03-03", "Wed 05:52"),
    Night(
        "Friday's night ends on Saturday",
        ("WEEK B 05:20 A 05:50", "SAT B 05:40 A 06:10"),
        "end 05:00+1 Fri 2026-03-06",
        "Sat 06:12",
    ),
    Night("Friday's night finds no Saturday", ("WEEK B 05:20 A 05:50",), "end 05:00+1 Fri 2026-03-06", None),
    Night("Friday's night on Friday's tail", ("FRI B 29:20 A 29:50",), "end 05:00+1 Fri 2026-03-06", "Sat 05:52"),
    Night("Sunday's night ends on Monday", ("WEEK B 05:20 A 05:50",), "end 05:00+1 Sun 2026-03-08", "Mon 05:52"),
    Night("Saturday's night ends on Sunday", ("SUN B 05:50 A 06:20",), "end 05:00+1 Sat 2026-03-07", "Sun 06:22"),
    Night(
        "from the tail into the morning",
        ("TUE B 29:15 M 29:30", "WEEK M 05:35 A 05:55"),
        "end 05:00+1 Tue 2026-03-03",
        "Wed 05:57",
    ),
    # --- public holidays and exceptions
    Night(
        "the night before Labour Day ends on a Sunday timetable",
        ("WEEK-MAY B 05:20 A 05:50", "SUN-MAY B 05:45 A 06:15"),
        "end 05:00+1 Thu 2026-04-30",
        "Fri 06:17",
    ),
    Night("Labour Day morning on Thursday's tail", tail("WEEK-MAY"), "05:00 Fri 2026-05-01", "Fri 04:08"),
    Night("no tail after Labour Day", tail("WEEK-MAY"), "05:00 Sat 2026-05-02", None),
    Night("the holiday's own tail", tail("SUN-MAY"), "05:00 Sat 2026-05-02", "Sat 04:08"),
    Night("Labour Day has no first bus", ("WEEK-MAY A 04:10 B 04:40",), "05:00 Fri 2026-05-01", None),
    Night("only calendar_dates", tail("LISTED"), "05:00 Tue 2026-03-03", "Tue 04:08"),
    Night("a date that is not listed", tail("LISTED"), "05:00 Wed 2026-03-04", None),
    Night("Monday removed takes Tuesday's tail", tail("NOT-2-MARCH"), "05:00 Tue 2026-03-03", None),
    Night("Sunday's tail on the removed Monday", tail("NOT-2-MARCH"), "05:00 Mon 2026-03-02", "Mon 04:08"),
    Night("the last day's tail", tail("UNTIL-2-MARCH"), "05:00 Tue 2026-03-03", "Tue 04:08"),
    Night("nothing after the last tail", tail("UNTIL-2-MARCH"), "05:00 Wed 2026-03-04", None),
    Night("no tail before the first day", tail("FROM-3-MARCH"), "05:00 Tue 2026-03-03", None),
    Night("New Year's Eve's tail", tail("DAILY"), "05:00 Thu 2026-01-01", "Thu 04:08"),
    Night("Leap day's tail", tail("TUE"), "05:00 Wed 2028-03-01", "Wed 04:08"),
    # --- spring: on Sunday 29 March 2026, 02:00 CET becomes 03:00 CEST
    # Saturday's hours go on counting from Saturday's noon: 28:10 is 05:10 by Sunday's clock.
    Night("spring: Saturday's tail is an hour later", tail("SAT"), "06:00 Sun 2026-03-29", "Sun 05:08 CEST"),
    Night("spring: too late for 05:00", tail("SAT"), "05:00 Sun 2026-03-29", None),
    Night("spring: Sunday's own", ("SUN A 04:10 B 04:40",), "05:00 Sun 2026-03-29", "Sun 04:08 CEST"),
    # 01:30 CET to 02:00 CET, which is 03:00 CEST; the shift starts half an hour later.
    Night("spring: through the gap", ("SAT A 25:30 B 26:00",), "03:30 Sun 2026-03-29", "Sun 01:28 CET"),
    # Noon minus 12 h is Saturday 23:00 CET, so Sunday's 00:30 is Saturday 23:30.
    Night("spring: Sunday's 00:30 on Saturday", ("SUN B 00:30 A 00:50",), "end 23:00 Sat 2026-03-28", "Sat 23:52 CET"),
    Night("spring: a night of seven hours", ("SUN B 05:20 A 05:50",), "end 05:00+1 Sat 2026-03-28", "Sun 05:52 CEST"),
    Night("spring: home on Saturday's tail", ("SAT B 28:20 A 28:50",), "end 05:00+1 Sat 2026-03-28", "Sun 05:52 CEST"),
    Night("spring: the day after", tail("SUN"), "05:00 Mon 2026-03-30", "Mon 04:08 CEST"),
    Night("spring: the day before", tail("FRI"), "05:00 Sat 2026-03-28", "Sat 04:08 CET"),
    # --- autumn: on Sunday 25 October 2026, 03:00 CEST becomes 02:00 CET
    # Saturday's 28:10 is 03:10 by Sunday's clock.
    Night("autumn: Saturday's tail is an hour earlier", tail("SAT"), "04:00 Sun 2026-10-25", "Sun 03:08 CET"),
    # It reaches the gate at 03:41, 69 minutes before 04:50.
    Night("autumn: waiting at the gate for too long", tail("SAT"), "05:00 Sun 2026-10-25", None),
    Night("autumn: Sunday's own", ("SUN A 04:10 B 04:40",), "05:00 Sun 2026-10-25", "Sun 04:08 CET"),
    Night("autumn: a night of nine hours", ("SUN B 05:20 A 05:50",), "end 05:00+1 Sat 2026-10-24", "Sun 05:52 CET"),
    Night("autumn: home on Saturday's tail", ("SAT B 30:20 A 30:50",), "end 05:00+1 Sat 2026-10-24", "Sun 05:52 CET"),
    # 02:30 happens twice and means the first; 25:40 is 01:40 CEST.
    Night("autumn: the first 02:30", ("SAT A 25:40 B 26:10",), "02:30 Sun 2026-10-25", "Sun 01:38 CEST"),
    # Sunday's 02:00 counts from Sunday's noon, in CET; two minutes before it is 02:58 CEST.
    Night("autumn: the second 02:00", ("SUN A 02:00 B 02:30",), "03:00 Sun 2026-10-25", "Sun 02:58 CEST"),
    # 26:50 of Saturday is 02:50 CEST, and B is reached at 02:20 CET.
    Night("autumn: through the hour that comes twice", ("SAT A 26:50 B 27:20",), "03:00 Sun 2026-10-25", "Sun 02:48 CEST"),
    Night("autumn: the day after", tail("SUN"), "05:00 Mon 2026-10-26", "Mon 04:08 CET"),
    # --- feeds in other time zones than the territory's
    Night("London is an hour behind", ("Europe/London: WEEK A 04:10 B 04:40",), "06:00 Tue 2026-03-03", "Tue 05:08"),
    Night("Helsinki is an hour ahead", ("Europe/Helsinki: WEEK A 05:10 B 05:40",), "05:00 Tue 2026-03-03", "Tue 04:08"),
    Night(
        "Paris, then London",
        ("WEEK A 04:00 M 04:15", "Europe/London: WEEK M 03:25 B 03:45"),
        "05:00 Tue 2026-03-03",
        "Tue 03:58",
    ),
    # Helsinki's Tuesday 00:30 is Paris's Monday 23:30: service day d+1.
    Night("Helsinki is already on Tuesday", ("Europe/Helsinki: TUE B 00:30 A 00:50",), "end 23:00 Mon 2026-03-02", "Mon 23:52"),
    # London's Monday 23:30 is Paris's Tuesday 00:30: service day d-1.
    Night("London is still on Monday", ("Europe/London: MON A 23:30 B 23:50",), "01:05 Tue 2026-03-03", "Tue 00:28"),
    Night("UTC the day before the change", ("UTC: DAILY A 03:10 B 03:40",), "05:00 Sat 2026-03-28", "Sat 04:08 CET"),
    Night("UTC does not change its clock", ("UTC: DAILY A 03:10 B 03:40",), "06:00 Sun 2026-03-29", "Sun 05:08 CEST"),
    Night("London changes with Paris", ("Europe/London: SUN A 04:10 B 04:40",), "06:00 Sun 2026-10-25", "Sun 05:08 CET"),
    # New York changes on 8 March: 4 hours from Paris between the changes (23:10 of Monday).
    Night("New York has changed, Paris has not", ("America/New_York: MON A 23:10 B 23:40",), "05:00 Tue 2026-03-10", "Tue 04:08 CET"),
    # --- other ways of writing a night
    Night(
        "frequencies past midnight",
        ("MON A 00:00 B 00:30",),
        "01:15 Tue 2026-03-03",
        "Tue 00:28",
        tables={
            "frequencies": [
                {
                    "trip_id": "t0",
                    "start_time": "23:00:00",
                    "end_time": "25:00:00",
                    "headway_secs": 1800,
                    "exact_times": 1,
                }
            ]
        },
    ),
    # The last departure is 24:30: end_time itself is left out. B at 01:00 waits 34 minutes.
    Night(
        "frequencies end before their end",
        ("MON A 00:00 B 00:30",),
        "01:45 Tue 2026-03-03",
        "Tue 00:28",
        tables={
            "frequencies": [
                {
                    "trip_id": "t0",
                    "start_time": "23:00:00",
                    "end_time": "25:00:00",
                    "headway_secs": 1800,
                    "exact_times": 1,
                }
            ]
        },
    ),
    Night(
        "one vehicle through midnight",
        ("MON A 23:40 M 24:00", "MON M 24:05 B 24:20"),
        "00:35 Tue 2026-03-03",
        "Mon 23:38",
        columns={"block_id": "night"},
    ),
]  # fmt: skip


def read_trips(row: Night) -> dict[str, list[dict[str, Any]]]:
    """Trips of each feed, by time zone; the territory's own feed comes first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for number, line in enumerate(row.trips):
        zone, _, rest = line.rpartition(": ")
        name, *words = rest.split()
        calls = [(words[k], words[k + 1]) for k in range(0, len(words), 2)]
        made = trip(f"t{number}", calls, service=name, **row.columns)
        found.setdefault(zone or row.zone, []).append(made)
    return found


def ask(row: Night, folder: Path) -> str | None:
    """Send a case through reading, building and scanning; return local time of leaving or home."""
    feeds = []
    for number, (zone, trips) in enumerate(read_trips(row).items()):
        used = {t["trip"]["service_id"] for t in trips}
        path = write_gtfs(
            folder / f"{number}.zip",
            stops=PLACES,
            trips=trips,
            services={name: SERVICES[name] for name in used},
            timezone=zone,
            **row.tables,
        )
        feeds.append(read_feed(path, cache=False))
    feed = feeds[0] if len(feeds) == 1 else merge_feeds(feeds)
    place = [str(s).rpartition(":")[2] for s in feed.stops["stop_id"]]
    # Stops of the same name are one place: one changes there without walking.
    same = tuple({other: 0 for other, name in enumerate(place) if name == here} for here in place)
    home = {s: 120 for s, name in enumerate(place) if name == "A"}
    egress = np.array([60 if name == "B" else INF for name in place], np.int32)

    *end, clock, _, day = row.ask.split()
    date, zone = dt.date.fromisoformat(day), ZoneInfo(row.zone)
    hour, _, later = clock.partition("+")
    at_s = local_to_axis(date, parse_clock(hour), zone, day_offset=int(later or 0))
    edge = Edge(returning=bool(end), at_s=at_s, margin_s=600)

    tt = build_timetable(feed, date, zone, walk_table(same), min_change_s=60)
    elapsed = int(travel(TwoWay(tt), egress, edge, LIMITS, walk_table((home,))).elapsed_s[0])
    if elapsed == INF:
        return None
    when = axis_to_local(date, at_s + (elapsed if end else -elapsed), zone)
    shown = "%a %H:%M %Z" if row.answer and len(row.answer.split()) == 3 else "%a %H:%M"
    return when.strftime(shown)


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.name)
def test_night(row: Night, tmp_path: Path) -> None:
    assert ask(row, tmp_path) == row.answer


def test_there_are_enough_of_them() -> None:
    names = [row.name for row in CASES]
    assert len(names) == len(set(names)) >= 40


def test_every_date_is_the_weekday_it_says() -> None:
    for row in CASES:
        *_, name, day = row.ask.split()
        assert dt.date.fromisoformat(day).strftime("%a") == name, row.name
