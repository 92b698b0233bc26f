"""Transfer rules for certain routes or trips: by hand, and against a choice pair by pair."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from feeds import service, trip
from hypothesis import given, settings
from hypothesis import strategies as st
from test_timetable_build import TUESDAY, build, codes, feed_of, feet, station_stops, transfer

from mobility.base.errors import Finding
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, travel
from mobility.sources.gtfs import extras
from mobility.sources.gtfs.quality import check_feed
from mobility.sources.gtfs.read import Feed, merge_feeds
from mobility.timetable.arrays import INF, Timetable
from mobility.timetable.footpaths import WalkTable
from mobility.timetable.transfers import access_points

ONLY_TODAY = {"S": service("0100000", "20240101", "20240131")}


def at_c(path: Path, rules: list[dict[str, Any]]) -> Feed:
    """r1 and s1 come to B at 05:10; r2 leaves C at 05:20, q1 at 05:15."""
    trips = [
        trip("r1", [("A", "05:00"), ("B", "05:10")]),
        trip("s1", [("A", "04:50"), ("B", "05:10")], route="S"),
        trip("r2", [("C", "05:20"), ("A", "05:40")]),
        trip("q1", [("C", "05:15"), ("A", "05:30")], route="Q"),
    ]
    return feed_of(path, trips, transfers=rules, services=ONLY_TODAY)


def stop_of(feed: Feed, name: str, own: int) -> int:
    """Where a trip calls now, of the copies of one of the feed's own stops."""
    row = feed.trips.index[feed.trips["trip_id"] == name][0]
    stops = feed.stop_times.loc[feed.stop_times["trip"] == row, "stop"]
    return int(next(s for s in stops if feed.own_stop[s] == own))


def test_rules_hold_rider_by_rider(tmp_path: Path) -> None:
    rules = [
        transfer("B", "C", 2, 500, to_route_id="Q"),
        transfer("B", "C", 3, from_trip_id="r1", to_trip_id="q1"),
    ]
    feed = at_c(tmp_path / "f", rules)
    assert codes(list(feed.findings)) == [("transfers_told_apart", 2)]
    assert feed.findings[0].examples == ("B → C", "B → C")
    b_r1, b_s1 = stop_of(feed, "r1", 1), stop_of(feed, "s1", 1)
    c_r2, c_q1 = stop_of(feed, "r2", 2), stop_of(feed, "q1", 2)
    assert len({b_r1, b_s1, c_r2, c_q1}) == 4
    need = needs(build(feed, TUESDAY, (1, 2, 100), (2, 1, 100)))
    assert need[b_r1, c_r2] == need[b_s1, c_r2] == 160
    assert need[b_s1, c_q1] == 500
    assert (b_r1, c_q1) not in need
    # Who alights at B may board any other vehicle there, whoever brought them.
    assert need[b_r1, b_s1] == need[b_s1, b_r1] == need[b_r1, b_r1] == 60


def needs(tt: Timetable) -> dict[tuple[int, int], int]:
    return {(s, other): need for s in range(tt.n_stops) for other, _, need in feet(tt, s)}


@pytest.mark.parametrize(("line", "leave"), [("R", None), ("S", 50)])
def test_a_rider_who_may_not_change_does_not(tmp_path: Path, line: str, leave: int | None) -> None:
    """To A by 05:35 there is only q1, which riders of R may not reach; by 05:45 there is r2."""
    feed = at_c(tmp_path / "f", [transfer("B", "C", 3, from_route_id="R", to_route_id="Q")])
    tt = build(feed, TUESDAY, (1, 2, 100), (2, 1, 100))
    only = [stop_of(feed, f"{line.lower()}1", 0)]
    access = WalkTable(np.array([0, 1]), np.array(only, np.int32), np.zeros(1, np.int32))
    egress_s = np.where(feed.own_stop == 0, 0, INF).astype(np.int32)
    limits = EngineLimits(7200, 1200, 2, 7200)

    def left(by: int) -> int | None:
        found = travel(
            TwoWay(own_rides(tt, feed, line)), egress_s, Edge(False, by, 0), limits, access
        )
        return None if found.elapsed_s[0] == INF else (by - int(found.elapsed_s[0])) // 60 - 4 * 60

    assert left(5 * 3600 + 35 * 60) == leave
    assert left(5 * 3600 + 45 * 60) == (60 if line == "R" else 50)


def own_rides(tt: Timetable, feed: Feed, line: str) -> Timetable:
    """The timetable without the other of the two lines that come to B."""
    from mobility.timetable.change import with_runs

    other = {"R": "s1", "S": "r1"}[line]
    row = int(feed.trips.index[feed.trips["trip_id"] == other][0])
    gone = [r for r in range(tt.n_runs) if tt.call_trip[tt.run_ptr[r]] == row]
    return with_runs(tt, removed=gone)


def test_copies_stand_where_their_stop_is(tmp_path: Path) -> None:
    feed = at_c(tmp_path / "f", [transfer("B", "C", 3, from_trip_id="r1")])
    assert feed.stops["stop_id"].tolist() == ["A", "B", "C", "B#1"]
    assert feed.own_stop.tolist() == [0, 1, 2, 1]
    assert feed.stops["lon"].tolist()[3] == feed.stops["lon"].tolist()[1]
    both = merge_feeds([feed, feed])
    assert both.own_stop.tolist() == [0, 1, 2, 1, 4, 5, 6, 5]
    assert access_points(feed).stop.tolist() == [0, 1, 3, 2]
    told = {f.code for f in check_feed(feed, dates=[TUESDAY])}
    assert "stops_without_trips" not in told


def test_rules_that_say_nothing_split_nothing(tmp_path: Path) -> None:
    """A recommended transfer for two trips changes nothing where everybody may walk."""
    feed = at_c(tmp_path / "f", [transfer("B", "C", 0, from_trip_id="r1", to_trip_id="q1")])
    assert len(feed.stops) == 3
    assert needs(build(feed, TUESDAY, (1, 2, 100)))[1, 2] == 160


def test_too_many_are_counted_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "MAX_COMBINATIONS", 3)
    rules = [
        transfer("B", "C", 2, 500, to_route_id="Q"),
        transfer("B", "C", 3, from_trip_id="r1", to_trip_id="q1"),
    ]
    feed = at_c(tmp_path / "f", rules)
    assert codes(list(feed.findings)) == [("transfers_by_route", 2)]
    assert len(feed.stops) == 3
    assert needs(build(feed, TUESDAY, (1, 2, 100)))[1, 2] == 160


PLACES = ["A", "B", "P1", "P2"]
ROUTES = ["R", "Q", "T"]
FOUR = [*station_stops(), {"stop_id": "A", "stop_lat": 45.2, "stop_lon": 4.1}]
LINES = [{"route_id": r, "route_short_name": r, "route_type": 3} for r in ROUTES]
maybe_route = st.sampled_from(["", "", *ROUTES])


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    trips = []
    for k in range(draw(st.integers(2, 5))):
        calls = draw(st.permutations(PLACES))[: draw(st.integers(2, 4))]
        times = [f"{5 + j:02d}:{10 * k:02d}" for j in range(len(calls))]
        trips.append(
            trip(f"t{k}", list(zip(calls, times, strict=True)), route=draw(st.sampled_from(ROUTES)))
        )
    maybe_trip = st.sampled_from(["", "", *(f"t{k}" for k in range(len(trips)))])
    rules = [
        transfer(
            draw(st.sampled_from([*PLACES, "S"])), draw(st.sampled_from([*PLACES, "S"])),
            draw(st.integers(0, 3)), draw(st.integers(0, 40)) * 30,
            from_route_id=draw(maybe_route), to_route_id=draw(maybe_route),
            from_trip_id=draw(maybe_trip), to_trip_id=draw(maybe_trip),
        )
        for _ in range(draw(st.integers(1, 6)))
    ]  # fmt: skip
    return trips, rules


def expected_need(
    rules: list[dict[str, Any]], ends: list[tuple[str, str, str]], walk_s: int
) -> int | None:
    """Seconds from one call to another by the rule GTFS chooses; None where it forbids.

    ``ends`` are stop, route and trip of the arrival and of the departure.
    """
    best: tuple[int, int, int, int] | None = None
    chosen: dict[str, Any] | None = None
    for k, rule in enumerate(rules):
        fits, n_trips, n_routes, platforms = True, 0, 0, 0
        for side, (stop, route, name) in zip(("from", "to"), ends, strict=True):
            where = rule[f"{side}_stop_id"]
            fits &= where in (stop, "S" if stop[0] == "P" else stop)
            fits &= rule[f"{side}_route_id"] in ("", route) and rule[f"{side}_trip_id"] in (
                "",
                name,
            )
            platforms += where == stop
            if rule[f"{side}_trip_id"]:
                n_trips += 1
            elif rule[f"{side}_route_id"]:
                n_routes += 1
        rank = (n_trips, n_routes, platforms, k)
        if fits and (best is None or rank > best):
            best, chosen = rank, rule
    if chosen is not None and chosen["transfer_type"] == 3:
        return None
    if chosen is not None and chosen["transfer_type"] == 2:
        return chosen["min_transfer_time"]
    if chosen is not None and chosen["transfer_type"] == 1:
        return 0
    return walk_s + 60


@settings(max_examples=25, deadline=None)
@given(questions())
def test_every_pair_of_calls_needs_what_its_rule_says(
    drawn: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    trips, rules = drawn
    with TemporaryDirectory() as folder:
        feed = feed_of(
            Path(folder) / "f",
            trips,
            stops=FOUR,
            transfers=rules,
            routes=LINES,
            services=ONLY_TODAY,
        )
    names = feed.stops["stop_id"].tolist()[:5]
    place = {name: names.index(name) for name in PLACES}
    order = {name: k for k, name in enumerate(PLACES)}
    walk = {(a, b): 100 * abs(order[a] - order[b]) for a in PLACES for b in PLACES}
    pairs = [(place[a], place[b], s) for (a, b), s in walk.items() if a != b]
    told: list[Finding] = []
    need = needs(build(feed, TUESDAY, *pairs, findings=told))
    route = dict(zip(feed.trips["trip_id"], feed.trips["route_id"], strict=True))
    calls = [
        (int(stop), names[feed.own_stop[stop]], route[name], name)
        for stop, name in zip(
            feed.stop_times["stop"],
            feed.trips["trip_id"].to_numpy()[feed.stop_times["trip"]],
            strict=True,
        )
    ]
    for one in calls:
        for two in calls:
            wanted = expected_need(rules, [one[1:], two[1:]], walk[one[1], two[1]])
            assert need.get((one[0], two[0])) == wanted, (one, two)
