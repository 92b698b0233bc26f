"""Streets at one hour, and streets closed to through traffic."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_cases import METRE_A_SECOND, lonlat, osm_text, streets_of

from mobility.sources.osm.reader import read_osm
from mobility.sources.osm.ways import clauses
from mobility.streets.arcs import times_key
from mobility.streets.ends import Snaps
from mobility.streets.graph import streets_from_tables
from mobility.streets.hours import Place, hours_findings, state_at, streets_in, value_at
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_times
from mobility.timetable.footpaths import walk_snaps

PARIS = Place(48.9, 2.3, ZoneInfo("Europe/Paris"))


def at(clock, day=17):
    """Return a moment of November 2026; the 17th is a Tuesday."""
    hour, minute = map(int, clock.split(":"))
    return dt.datetime(2026, 11, day, hour, minute)


@pytest.mark.parametrize(
    ("key", "text", "clock", "expected"),
    [
        ("opening_hours", "08:00-20:00", "12:00", None),
        ("opening_hours", "08:00-20:00", "21:00", "no"),
        ("opening_hours", "sunrise-sunset", "07:00", "no"),
        ("opening_hours", "when the guard likes", "21:00", None),
        ("access", "no @ (20:00-06:00)", "21:00", "no"),
        ("access", "no @ 20:00-06:00", "21:00", "no"),
        ("access", "no @ (20:00-06:00)", "12:00", None),
        ("access", "yes @ (06:00-20:00)", "12:00", "yes"),
        ("access", "yes @ (06:00-20:00)", "21:00", ""),
        ("access", "destination @ (20:00-06:00)", "12:00", None),
        ("access", "no @ (Mo-Fr 07:00-09:00; PH off); yes @ (07:30-08:00)", "07:45", "yes"),
        ("access", "no @ (Mo-Fr 07:00-09:00; PH off); yes @ (07:30-08:00)", "08:15", "no"),
        ("motor_vehicle", "no @ (20:00-06:00 AND weight>3.5)", "21:00", None),
        ("access", "no @ (wet)", "21:00", None),
    ],
)
def test_values_at_an_hour(key, text, clock, expected):
    assert value_at(key, text, at(clock), PARIS) == expected


def test_clauses_keep_what_stands_in_parentheses():
    assert clauses("no @ (Mo 7-9; PH off);yes@22:00-05:00") == [
        ("no", "Mo 7-9; PH off"), ("yes", "22:00-05:00"),
    ]  # fmt: skip


NODES = {1: (0, 0), 2: (100, 0), 3: (200, 0)}


def open_pieces(tmp_path, clock, way=None, node=None, mode="walk"):
    nodes = NODES | ({2: (100, 0, {"barrier": "gate"} | node)} if node else {})
    path = tmp_path / "s.osm"
    path.write_text(osm_text(nodes, [(10, [1, 2, 3], {"highway": "path"} | (way or {}))]))
    streets = streets_from_tables(read_osm(path))
    then = streets_in(streets, state_at(streets, at(clock), PARIS))
    times = edge_times(then, mode, METRE_A_SECOND)
    ends = Snaps(np.array([0, then.n_edges - 1]), np.array([0.0, then.length_m[-1]]), np.zeros(2))
    found = street_times(
        then, times, ends.take(slice(0, 1)), ends.take(slice(1, 2)), limit_s=1e4,
        connector_speed_ms=1,
    )  # fmt: skip
    return len(found.target) == 1


@pytest.mark.parametrize(
    "tags",
    [
        {"opening_hours": "06:00-20:00"},
        {"access:conditional": "no @ (20:00-06:00)"},
        {"foot:conditional": "no @ (20:00-06:00)"},
        {"access": "no", "access:conditional": "yes @ (06:00-20:00)"},
        {"foot:conditional": "yes @ (06:00-20:00)"},
        {"foot": "yes", "opening_hours": "06:00-20:00"},
    ],
)
def test_paths_and_gates_open_and_close(tmp_path, tags):
    for where in ("way", "node"):
        assert open_pieces(tmp_path, "12:00", **{where: tags})
        assert not open_pieces(tmp_path, "21:00", **{where: tags})


@pytest.mark.parametrize(
    ("tags", "shut"),
    [
        ({"access:conditional": "no @ (20:00-06:00)", "foot": "yes"}, {"bike", "car"}),
        ({"vehicle:conditional": "no @ (20:00-06:00)"}, {"bike", "car"}),
        ({"motor_vehicle:conditional": "no @ (20:00-06:00)"}, {"car"}),
        ({"motor_vehicle:conditional": "destination @ (06:00-20:00); no @ (20:00-06:00)"}, {"car"}),
        ({"bicycle:conditional": "no @ (20:00-06:00)"}, {"bike"}),
        ({"foot:conditional": "no @ (20:00-06:00)", "motor_vehicle": "yes"}, {"walk"}),
        ({"access:conditional": "private @ (20:00-06:00)"}, {"walk", "bike", "car"}),
        ({"locked:conditional": "yes @ (20:00-06:00)"}, {"walk", "bike", "car"}),
        ({"locked": "yes", "locked:conditional": "no @ (06:00-20:00)"}, {"walk", "bike", "car"}),
        # A key of one's own opens a lock.
        ({"locked:conditional": "yes @ (20:00-06:00)", "foot": "yes"}, {"bike", "car"}),
    ],
)
def test_a_gate_closes_by_the_hour_to_some_and_not_to_others(tmp_path, tags, shut):
    street = {"highway": "service"}
    for mode in ("walk", "bike", "car"):
        assert open_pieces(tmp_path, "12:00", street, tags, mode)
        assert open_pieces(tmp_path, "21:00", street, tags, mode) is (mode not in shut)


def test_a_turn_barred_at_peak_hours(tmp_path):
    tags = {"type": "restriction", "restriction:conditional": "no_left_turn @ (07:00-09:00)"}
    rule = [(1, [(10, "from"), (2, "via"), (11, "to")], tags)]
    path = tmp_path / "s.osm"
    ways = [(10, [1, 2], {"highway": "tertiary"}), (11, [2, 3], {"highway": "tertiary"})]
    path.write_text(osm_text(NODES, ways, rule))
    streets = streets_from_tables(read_osm(path))
    for clock, barred in (("08:00", 1), ("12:00", 0)):
        then = streets_in(streets, state_at(streets, at(clock), PARIS))
        assert len(edge_times(then, "car", METRE_A_SECOND).barred) == barred


def test_what_nobody_can_tell_is_told(tmp_path):
    path = tmp_path / "s.osm"
    tags = {"highway": "path", "access:conditional": "no @ (wet)"}
    path.write_text(osm_text(NODES, [(10, [1, 2], tags)]))
    known, unknown = hours_findings(streets_from_tables(read_osm(path)))
    assert (known.count, unknown.count, unknown.examples) == (0, 1, ("wet",))


#: A ladder: 1-2-3-4 below, 5-6-7-8 above.
LADDER = {str(k): (100 * (k % 4), 130 * (k // 4)) for k in range(8)}
RUNGS = [("0", "1"), ("1", "2"), ("2", "3"), ("4", "5"), ("5", "6"), ("6", "7"),
         ("0", "4"), ("1", "5"), ("2", "6"), ("3", "7")]  # fmt: skip


def shortest(streets, local, start, end):
    """Search local streets from the start, then the others, then local ones, in three graphs."""
    level = nx.DiGraph()
    for e in range(streets.n_edges):
        for u, v in (
            (streets.edge_u[e], streets.edge_v[e]),
            (streets.edge_v[e], streets.edge_u[e]),
        ):
            metres = float(streets.length_m[e])
            for k in (0, 2) if local[e] else (1,):
                level.add_edge((k, int(u)), (k, int(v)), weight=metres)
    for n in range(streets.n_nodes):
        level.add_edge((0, n), (1, n), weight=0)
        level.add_edge((1, n), (2, n), weight=0)
    try:
        return nx.shortest_path_length(level, start, end, "weight")
    except nx.NetworkXNoPath:
        return None


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 9), max_size=6), st.integers(0, 9), st.integers(0, 9))
def test_no_through_traffic_against_an_oracle(closed, first, last):
    """From the u end of one street to the u end of another, standing on those two streets."""
    tags = [{"access": "destination"} if k in closed else {} for k in range(10)]
    streets = streets_of(LADDER, [(*e, t) for e, t in zip(RUNGS, tags, strict=True)])
    times = edge_times(streets, "walk", METRE_A_SECOND)
    local = np.zeros(10, bool) if times.local is None else times.local
    assert local[list(closed)].all()
    ends = Snaps(np.array([first, last]), np.zeros(2), np.zeros(2))
    one, two = ends.take(slice(0, 1)), ends.take(slice(1, 2))
    start, end = int(streets.edge_u[first]), int(streets.edge_u[last])
    expected = shortest(
        streets, local, (0 if local[first] else 1, start), (2 if local[last] else 1, end)
    )
    for reverse in (False, True):
        found = street_times(
            streets, times, one, two, limit_s=1e5, connector_speed_ms=1, reverse=reverse
        )
        got = None if not len(found.target) else found.time_s[0]
        assert got == pytest.approx(expected, abs=1) if expected is not None else got is None


def test_the_streets_of_an_estate_behind_lie_on_it():
    """Main road a-b-c; b-d is for destination traffic, and d-e and e-f lie behind it."""
    nodes = {
        "a": (0, 0),
        "b": (500, 0),
        "c": (1000, 0),
        "d": (500, 50),
        "e": (500, 90),
        "f": (540, 90),
    }
    edges = [("a", "b"), ("b", "c"), ("b", "d", {"vehicle": "destination"}), ("d", "e"), ("e", "f")]
    times = edge_times(streets_of(nodes, edges), "car", METRE_A_SECOND)
    assert times.local.tolist() == [False, False, True, True, True]


def test_a_corner_is_on_the_street_open_to_all():
    """10 m into the closed street the open one is as good as there; in its middle it is not."""
    nodes = {"a": (0, 0), "b": (0, 400), "c": (400, 400), "d": (400, 0)}
    tags = {"motor_vehicle": "destination"}
    streets = streets_of(nodes, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d", tags)])
    times = edge_times(streets, "car", METRE_A_SECOND)
    assert walk_snaps(streets, times, lonlat([(10, 0), (200, 0)])).edge.tolist() == [0, 3]


def test_corners_give_no_right_to_drive_through():
    """10 m into either end of the closed street: driven round, 1,200 m, not 400 m."""
    nodes = {"a": (0, 0), "b": (0, 400), "c": (400, 400), "d": (400, 0)}
    tags = {"motor_vehicle": "destination"}
    streets = streets_of(nodes, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d", tags)])
    times = edge_times(streets, "car", METRE_A_SECOND)
    at = walk_snaps(streets, times, lonlat([(10, 0), (390, 0)]))
    one, two = at.take(slice(0, 1)), at.take(slice(1, 2))
    found = street_times(streets, times, one, two, limit_s=1e5, connector_speed_ms=1)
    round_s = float(times[0][:3].sum()) + 20
    assert found.time_s.tolist() == [pytest.approx(round_s, abs=1)]


def test_elevators_are_waited_for():
    """60 s of waiting and 1 m a second; bicycles come along."""
    streets = streets_of({"a": (0, 0), "b": (10, 0)}, [("a", "b", {"highway": "elevator"})])
    for mode in ("walk", "bike"):
        assert edge_times(streets, mode, METRE_A_SECOND)[0][0] == pytest.approx(70, rel=1e-4)


def test_an_elevator_drawn_as_a_point_is_waited_for(tmp_path):
    """100 m, the elevator, 100 m: 60 s more; nobody passes when it is private."""
    for access, expected in ({}, True), ({"access": "private"}, False):
        nodes = NODES | {2: (100, 0, {"highway": "elevator"} | access)}
        path = tmp_path / "s.osm"
        path.write_text(osm_text(nodes, [(10, [1, 2], {"highway": "footway"}),
                                         (11, [2, 3], {"highway": "footway"})]))  # fmt: skip
        streets = streets_from_tables(read_osm(path))
        times = edge_times(streets, "walk", METRE_A_SECOND)
        assert times[0].sum() == pytest.approx(260, abs=0.5)
        assert (len(times.barred) == 0) == expected


@pytest.mark.parametrize("mode", ["walk", "bike", "car"])
@pytest.mark.parametrize("safe_at_night", [False, True])
def test_what_the_hour_changes_gives_the_seconds_of_all_streets_at_the_hour(
    tmp_path, mode, safe_at_night
):
    """Only pieces that depend on the hour are worked out again: all of them give the same."""
    nodes = {k: (100 * k, 0) for k in range(1, 6)} | {
        6: (300, 100), 7: (300, 200, {"barrier": "gate", "opening_hours": "08:00-20:00"}),
        8: (300, 300),
    }  # fmt: skip
    ways = [
        (10, [1, 2, 3], {"highway": "residential", "maxspeed:conditional": "30 @ (22:00-06:00)"}),
        (11, [3, 4, 5], {"highway": "primary", "motor_vehicle:conditional": "no @ (20:00-06:00)"}),
        (12, [3, 6, 7], {"highway": "path", "opening_hours": "08:00-20:00", "lit": "no"}),
        (13, [7, 8], {"highway": "service", "access:conditional": "destination @ (20:00-06:00)"}),
        (14, [1, 8, 5], {"highway": "tertiary", "oneway:conditional": "yes @ (20:00-06:00)"}),
    ]
    path = tmp_path / "s.osm"
    path.write_text(osm_text(nodes, ways))
    streets = streets_from_tables(read_osm(path))
    by_day, at_night = (
        streets_in(streets, state_at(streets, at(clock), PARIS)) for clock in ("12:00", "23:00")
    )
    assert edge_times(by_day, mode, METRE_A_SECOND)[0].tolist() == pytest.approx(
        edge_times(streets, mode, METRE_A_SECOND)[0].tolist()
    )
    whole = replace(streets, tags=at_night.tags, barriers=at_night.barriers, turns=at_night.turns)
    found, expected = (
        edge_times(one, mode, METRE_A_SECOND, safe_at_night=safe_at_night)
        for one in (at_night, whole)
    )
    assert times_key(found) == times_key(expected)
    assert times_key(found) != times_key(edge_times(streets, mode, METRE_A_SECOND))


def test_what_ways_and_gates_say_at_an_hour_is_told_apart_by_mode_and_by_hour(tmp_path):
    """What was worked out for other modes and hours on the same streets is not taken for it."""
    nodes = NODES | {4: (300, 0), 2: (100, 0, {"barrier": "gate", "opening_hours": "08:00-22:00"})}
    ways = [
        (10, [1, 2, 3], {"highway": "residential"}),
        (11, [3, 4], {"highway": "residential", "motor_vehicle:conditional": "no @ (20:00-06:00)"}),
    ]
    path = tmp_path / "s.osm"
    path.write_text(osm_text(nodes, ways))

    def keys(asked, streets):
        then = {c: streets_in(streets, state_at(streets, at(c), PARIS)) for c, _ in asked}
        return [times_key(edge_times(then[c], mode, METRE_A_SECOND)) for c, mode in asked]

    asked = [(c, mode) for c in ("21:00", "23:00", "07:00") for mode in ("walk", "bike", "car")]
    together = keys(asked, streets_from_tables(read_osm(path)))
    alone = [keys([one], streets_from_tables(read_osm(path)))[0] for one in asked]
    assert together == alone
    # The street is closed to cars at the first two, the gate to all at the last two.
    assert len({repr(key) for key in together[2::3]}) == 3
    assert together[0] != together[3] == together[6]


def test_a_rule_of_a_way_of_which_no_piece_is_left_changes_nothing(tmp_path):
    """The extract ends within the way that closes at night: none of its pieces is there."""
    path = tmp_path / "s.osm"
    closing = {"highway": "path", "access:conditional": "no @ (20:00-07:00)"}
    ways = [(10, [1, 2], {"highway": "path"}), (12, [2, 3], {"highway": "service"})]
    path.write_text(osm_text(NODES, [*ways, (11, [3, 99], closing)]))
    streets = streets_from_tables(read_osm(path))
    then = streets_in(streets, state_at(streets, at("21:00"), PARIS))
    assert (then.at is None, then.n_edges) == (False, 2)
    usual, night = (edge_times(one, "walk", METRE_A_SECOND) for one in (streets, then))
    assert (night[0].tolist(), night[1].tolist()) == (usual[0].tolist(), usual[1].tolist())
