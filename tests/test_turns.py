import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_cases import METRE_A_SECOND, lonlat, node_times, osm_text
from test_paths import arrays_of, random_case, snaps_of

from mobility.sources.osm.reader import read_osm
from mobility.streets.arcs import TurnTimes, turned
from mobility.streets.graph import streets_from_osm, streets_from_tables
from mobility.streets.modes import edge_times
from mobility.streets.paths import start_times, street_paths, street_times
from mobility.streets.snap import snap, usable_edges
from mobility.streets.tags import parse_duration
from mobility.streets.turns import rules_findings

ROAD = {"highway": "residential", "maxspeed": "30"}


def streets_from(tmp_path, nodes, ways, relations=()):
    path = tmp_path / "x.osm"
    path.write_text(osm_text(nodes, ways, relations), encoding="utf-8")
    return streets_from_tables(read_osm(path))


def metres(streets, mode, source, target, *, reverse=False):
    """Shortest way in metres: the times of the mode with every open piece at 1 m/s."""
    times = edge_times(streets, mode, METRE_A_SECOND)
    length = streets.length_m
    times = TurnTimes(
        *(np.where(np.isfinite(t), length, np.inf).astype(np.float32) for t in times),
        times.barred,
        times.sequences,
        times.local,
    )
    where = lonlat([source, target])
    snaps = snap(streets, where[:, 0], where[:, 1], usable_edges(streets, times))
    one, two = snaps.take(slice(0, 1)), snaps.take(slice(1, 2))
    pairs = street_times(
        streets, times, one, two, limit_s=10_000, connector_speed_ms=1, reverse=reverse
    )
    (path,) = street_paths(
        streets, turned(times) if reverse else times, one, two, connector_speed_ms=1
    )
    if path is None:
        assert len(pairs.target) == 0
        return None
    assert pairs.time_s.tolist() == [math.ceil(path.time_s - 1e-3)]
    assert path.length_m == pytest.approx(path.time_s, abs=0.5)
    return round(path.length_m, -1)


#            4 (100, 100)
#            |  way 12
#   1 --10-- 2 --11-- 3 --13-- 6      a way round: 3 -14- 5 -15- 4
#
CROSS = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 100), 5: (200, 100), 6: (300, 0)}
STREETS = [
    (10, [1, 2], ROAD),
    (11, [2, 3], ROAD),
    (12, [2, 4], ROAD),
    (13, [3, 6], ROAD),
    (14, [3, 5], {"highway": "residential", "oneway": "yes"}),
    (15, [5, 4], {"highway": "residential", "oneway": "yes"}),
]
FROM, TO = (10, 0), (100, 90)


def rule(value, to=12, **tags):
    members = [(10, "from"), (2, "via"), (to, "to")]
    return [(1, members, {"type": "restriction", "restriction": value} | tags)]


def test_without_restriction_one_turns_left(tmp_path):
    """90 m to the junction, 90 m up: 180 m."""
    assert metres(streets_from(tmp_path, CROSS, STREETS), "car", FROM, TO) == 180


@pytest.mark.parametrize(
    "restriction",
    [
        rule("no_left_turn"),
        rule("only_straight_on", to=11),
        rule("no_left_turn", **{"except": "bicycle;psv"}),
        [(1, [(10, "from"), (2, "via"), (12, "to")],
          {"type": "restriction", "restriction:motorcar": "no_left_turn"})],
    ],
)  # fmt: skip
def test_a_barred_left_turn_is_gone_round(tmp_path, restriction):
    """
    90 m to the junction, 100 m on, round by 5 and 4 (200 m), 10 m down: 400 m. One does not
    turn round at 3, so near. Walkers and cyclists turn left, and so does who comes back.
    """
    streets = streets_from(tmp_path, CROSS, STREETS, restriction)
    assert metres(streets, "car", FROM, TO) == 400
    assert metres(streets, "car", TO, FROM) == 180
    assert metres(streets, "car", TO, FROM, reverse=True) == 400
    assert metres(streets, "car", FROM, TO, reverse=True) == 180
    assert metres(streets, "walk", FROM, TO) == 180
    assert metres(streets, "bike", FROM, TO) == 180


@pytest.mark.parametrize(
    ("end", "more", "expected"),
    [
        (CROSS[6], [], 580),
        (CROSS[6], [(16, [6, 8], ROAD)], 880),
        ((400, 0), [(16, [6, 8], ROAD)], 780),
    ],
)
def test_where_one_turns_round(tmp_path, end, more, expected):
    """
    Without the way round by 5, one turns in the dead end at 6: 90 + 200 + 200 + 90 = 580 m.
    Where a street goes on to 8, 150 m beyond 6, one goes there: 880 m; unless 6 is over
    250 m from the junction: 90 + 300 + 300 + 90 = 780 m.
    """
    nodes = CROSS | {6: end, 8: (end[0] + 150, 0)}
    ways = [w for w in STREETS if w[0] in (10, 11, 12, 13)] + more
    assert metres(streets_from(tmp_path, nodes, ways, rule("no_left_turn")), "car", FROM, TO) == (
        expected
    )


def test_a_turn_back_that_is_barred(tmp_path):
    """Junction 3 is 300 m off: one turns there (780 m), or where 6 ends if it is barred (980)."""
    nodes = CROSS | {3: (400, 0), 6: (500, 0)}
    ways = [w for w in STREETS if w[0] in (10, 11, 12, 13)] + [(17, [3, 5], ROAD)]
    free = streets_from(tmp_path, nodes, ways, rule("no_left_turn"))
    assert metres(free, "car", FROM, TO) == 780
    members = [(11, "from"), (3, "via"), (11, "to")]
    ban = [(2, members, {"type": "restriction", "restriction": "no_u_turn"})]
    held = streets_from(tmp_path, nodes, ways, rule("no_left_turn") + ban)
    assert metres(held, "car", FROM, TO) == 980


@pytest.mark.parametrize(
    ("restriction", "why"),
    [
        (rule("no_left_turn", **{"except": "motorcar"}), "others"),
        ([(1, [(10, "from"), (2, "via"), (12, "to")],
           {"type": "restriction", "restriction:hgv": "no_left_turn"})], "others"),
        ([(1, [(10, "from"), (2, "via"), (12, "to")],
           {"type": "restriction", "restriction:conditional": "no_left_turn @ (07:00-09:00)"})],
         "conditional"),
        (rule("no_left_turn", hour_on="07:00"), "conditional"),
        ([(1, [(10, "from"), (12, "to")],
           {"type": "restriction", "restriction": "no_left_turn"})], "incomplete"),
        (rule("no_left_turn", to=13), "incomplete"),
        (rule("no_left_turn", to=99), "incomplete"),
    ],
)  # fmt: skip
def test_restrictions_that_do_not_hold_are_counted(tmp_path, restriction, why):
    streets = streets_from(tmp_path, CROSS, STREETS, restriction)
    assert metres(streets, "car", FROM, TO) == 180
    (finding,) = rules_findings(streets)
    told = {"conditional": 0, "others": 0, "incomplete": 0}
    assert finding.count == 0
    assert finding.params == {"read": 1} | told | {why: 1}


#   1 -10- 2 -11- 3 -12- 4      one comes from 1 or 7, goes on to 4 or up to 5;
#   7 -13--+      +-14- 5        4 and 5 are dead ends, 5 is also reached by 2 -15- 6 -16- 5
OVER = {1: (0, 0), 2: (400, 0), 3: (800, 0), 4: (1200, 0), 5: (800, 400), 6: (400, 400),
        7: (400, -400)}  # fmt: skip
OVER_STREETS = [
    (10, [1, 2], ROAD), (11, [2, 3], ROAD), (12, [3, 4], ROAD), (13, [7, 2], ROAD),
    (14, [3, 5], ROAD), (15, [2, 6], ROAD), (16, [6, 5], ROAD),
]  # fmt: skip


def over(value, first=10, last=14, via=(11,)):
    members = [(first, "from"), *((w, "via") for w in via), (last, "to")]
    return [(1, members, {"type": "restriction", "restriction": value})]


@pytest.mark.parametrize(
    ("restriction", "from_1", "from_7"),
    [
        ([], 1000, 1000),
        # From way 10 over 11 one may not turn up: round by 6 it is 10 to 2, 6, 5, 200 m down.
        (over("no_left_turn"), 1400, 1000),
        (over("no_left_turn", first=13), 1000, 1400),
        # Only straight on: into way 11 first, so that the way round is barred too; one turns at 4.
        (over("only_straight_on", last=12), 1800, 1000),
        # Ways that do not meet, or meet twice, are not placed.
        (over("no_left_turn", last=16), 1000, 1000),
        (over("no_left_turn", via=(12,)), 1000, 1000),
    ],
)
def test_a_restriction_over_a_street_holds_for_who_comes_that_way(
    tmp_path, restriction, from_1, from_7
):
    """To the middle of way 14: 200 m to 2, 400 m over 11, 200 m up are 800 from 200 m off."""
    streets = streets_from(tmp_path, OVER, OVER_STREETS, restriction)
    goal = (800, 200)
    assert metres(streets, "car", (0, 0), goal) == from_1
    assert metres(streets, "car", (400, -400), goal) == from_7
    assert metres(streets, "car", goal, (0, 0), reverse=True) == from_1
    assert metres(streets, "car", goal, (0, 0)) == 1000
    assert metres(streets, "bike", (0, 0), goal) == 1000


def test_a_restriction_over_two_streets_is_placed(tmp_path):
    """From 10 over 15 and 16 one may not go down 14: 3 is reached over 11 only."""
    streets = streets_from(tmp_path, OVER, OVER_STREETS, over("no_right_turn", via=(16, 15)))
    assert rules_findings(streets)[0].count == 1
    assert metres(streets, "car", (0, 0), (800, 200)) == 1000
    closed = streets_from(
        tmp_path, OVER, [w for w in OVER_STREETS if w[0] != 11], over("no_right_turn", via=(16, 15))
    )
    # At 5 one may not go on: nothing else leads there.
    assert metres(closed, "car", (400, -400), (800, 200)) == 1400
    assert metres(closed, "car", (0, 0), (800, 200)) != 1400


def test_restrictions_and_barriers_are_kept_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "x.osm"
    nodes = CROSS | {7: (150, 0, {"barrier": "bollard"})}
    ways = [(11, [2, 7, 3], ROAD), *(w for w in STREETS if w[0] != 11)]
    path.write_text(osm_text(nodes, ways, rule("no_left_turn")), encoding="utf-8")
    first, again = streets_from_osm(path), streets_from_osm(path)
    for streets in (first, again):
        assert [f.count for f in rules_findings(streets)] == [1, 1]
        # Back from the bollard: 90 + 50 + 50 + 90.
        assert metres(streets, "car", FROM, TO) == 280


BARRED = {1: (0, 0), 2: (50, 0), 3: (100, 0), 4: (0, 60), 5: (100, 60)}


@pytest.mark.parametrize(
    ("tags", "car", "bike", "walk"),
    [
        ({"barrier": "bollard"}, 240, 80, 80),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, 80, 80, 80),
        ({"barrier": "gate"}, 80, 80, 80),
        ({"barrier": "gate", "locked": "yes"}, 240, 240, 240),
        ({"barrier": "gate", "access": "private"}, 240, 240, 240),
        ({"barrier": "gate", "access": "no", "foot": "yes", "bicycle": "yes"}, 240, 80, 80),
        ({"barrier": "lift_gate", "motor_vehicle": "private"}, 240, 80, 80),
        ({"barrier": "cycle_barrier"}, 240, 80, 80),
        ({"barrier": "cycle_barrier", "bicycle": "no"}, 240, 240, 80),
        ({"barrier": "stile"}, 240, 240, 80),
        ({"barrier": "wall"}, 240, 240, 240),
        ({"barrier": "kerb"}, 80, 80, 80),
        ({"barrier": "toll_booth"}, 80, 80, 80),
        ({"barrier": "toll_booth", "access": "no"}, 240, 240, 240),
        ({"barrier": "Gate", "access": "Private"}, 240, 240, 240),
        ({"barrier": "gate", "motor_vehicle": "bus"}, 240, 80, 80),
        # No through traffic.
        ({"barrier": "gate", "access": "destination"}, 240, 240, 240),
        ({"barrier": "lift_gate", "motor_vehicle": "customers"}, 240, 80, 80),
        ({"barrier": "bollard", "vehicle": "delivery"}, 240, 240, 80),
        # No barrier, and something else that stands there.
        ({"access": "no"}, 240, 240, 240),
        ({"motor_vehicle": "destination"}, 240, 80, 80),
        ({"bicycle": "dismount", "foot": "permissive"}, 80, 80, 80),
        ({"highway": "crossing", "access": "no"}, 80, 80, 80),
        ({"highway": "emergency_bay", "access": "emergency"}, 80, 80, 80),
        ({"amenity": "parking_entrance", "access": "private"}, 80, 80, 80),
    ],
)
def test_a_barrier_amid_a_street_stops_some(tmp_path, tags, car, bike, walk):
    """
    From (10, 0) to (90, 0): 80 m straight on past node 2, or round by 4 and 5:
    10 + 60 + 100 + 60 + 10 = 240 m. The street on both sides can still be lived in.
    """
    nodes = BARRED | {2: (50, 0, tags)}
    ways = [(10, [1, 2, 3], ROAD), (11, [1, 4, 5, 3], ROAD)]
    streets = streets_from(tmp_path, nodes, ways)
    found = [metres(streets, m, (10, 0), (90, 0)) for m in ("car", "bike", "walk")]
    assert found == [car, bike, walk]
    assert metres(streets, "car", (45, 0), (5, 0)) == 40


@pytest.mark.parametrize("tags", [{"barrier": "gate"}, {"barrier": "Lift_Gate"}, {}])
@pytest.mark.parametrize("value", ["destination", "customers", "delivery"])
def test_what_lies_behind_a_gate_for_destinations_is_reached_and_not_crossed(tmp_path, tags, value):
    """A main road 5-1-6-7 with gates at 2 and 4 of the yard 1-2-3-4-6, 300 m against 500 m."""
    gate = tags | {"access": value}
    nodes = {
        1: (0, 0), 2: (50, 0, gate), 3: (150, 0), 4: (250, 0, gate), 6: (300, 0),
        8: (0, 100), 9: (300, 100), 5: (-2000, 0), 7: (2300, 0),
    }  # fmt: skip
    ways = [(10, [5, 1], ROAD), (11, [1, 8, 9, 6], ROAD), (12, [6, 7], ROAD),
            (13, [1, 2, 3, 4, 6], ROAD)]  # fmt: skip
    streets = streets_from(tmp_path, nodes, ways)
    assert metres(streets, "car", (-100, 0), (150, 0)) == 250
    assert metres(streets, "car", (150, 0), (400, 0)) == 250
    assert metres(streets, "car", (-100, 0), (400, 0)) == 700


def test_a_barrier_where_streets_meet_stops_all_of_them(tmp_path):
    """Node 2 of the cross is a bollard: nothing passes from way 10 to 11 or 12 by car."""
    nodes = CROSS | {2: (100, 0, {"barrier": "bollard"})}
    streets = streets_from(tmp_path, nodes, STREETS)
    assert metres(streets, "walk", FROM, TO) == 180
    times = edge_times(streets, "car", METRE_A_SECOND)
    where = lonlat([FROM, TO])
    every = np.isfinite(times[0])
    snaps = snap(streets, where[:, 0], where[:, 1], every)
    pairs = street_times(
        streets, times, snaps.take([0]), snaps.take([1]), limit_s=9999, connector_speed_ms=1
    )
    assert len(pairs.target) == 0


def test_grounds_behind_a_private_gate_are_reached_from_the_street_outside(tmp_path):
    """3 km of streets behind a gate at 2 nobody may pass: a point in there goes to 1-2."""
    nodes = {1: (0, 0), 2: (500, 0, {"barrier": "gate", "access": "private"}), 3: (2000, 0),
             4: (2000, 1500), 5: (-30_000, 0)}  # fmt: skip
    ways = [(9, [5, 1], ROAD), (10, [1, 2], ROAD), (11, [2, 3, 4], ROAD)]
    streets = streets_from(tmp_path, nodes, ways)
    times = edge_times(streets, "car", METRE_A_SECOND)
    way = streets.tags["osm_id"].to_numpy()
    assert sorted(way[usable_edges(streets, times)]) == [9, 10]
    assert sorted(way[usable_edges(streets, tuple(times))]) == [9, 10, 11]


def test_a_ferry_takes_cars_said_to_go_aboard(tmp_path):
    """
    1 -road- 2 ~ferry, 12 min and 5 to board~ 3 -road- 4. On foot the water cannot be crossed,
    and nobody lives on it.
    """
    nodes = {1: (0, 0), 2: (3000, 0), 3: (5000, 0), 4: (8000, 0)}
    ferry = {"route": "ferry", "motor_vehicle": "yes", "foot": "yes", "duration": "00:12"}
    ways = [(10, [1, 2], ROAD), (11, [2, 3], ferry), (12, [3, 4], ROAD)]
    streets = streets_from(tmp_path, nodes, ways)
    uv, vu = edge_times(streets, "car", METRE_A_SECOND)
    assert uv[1] == vu[1] == pytest.approx(17 * 60)
    assert np.isinf(edge_times(streets, "walk", METRE_A_SECOND)[0]).tolist() == [False, True, False]
    assert np.isinf(edge_times(streets, "bike", METRE_A_SECOND)[0]).tolist() == [False, True, False]
    assert usable_edges(streets, (uv, vu)).tolist() == [True, False, True]
    passengers = [(10, [1, 2], ROAD), (11, [2, 3], {"route": "ferry", "foot": "yes"})]
    assert streets_from(tmp_path, nodes, passengers).n_edges == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12", 720), ("1:45", 6300), ("00:12:30", 750), ("PT12M", 720), ("PT1H5M", 3900)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "PT", "1:2:3:4", "-5"])
def test_durations_that_say_nothing(text):
    assert math.isnan(parse_duration(text))


# --- against an edge-based networkx search ------------------------------------------


@st.composite
def case_with_turns(draw):
    """A random case of `test_paths` with random turns barred, barriers and sequences among them."""
    n, edges, sources, targets = draw(random_case())
    ends = {}
    for k, (u, v, _, _) in enumerate(edges):
        ends[2 * k], ends[2 * k + 1] = (u, v), (v, u)
    turns = [(a, b) for a in ends for b in ends if ends[a][1] == ends[b][0]]
    barred = draw(st.lists(st.sampled_from(turns), max_size=12, unique=True))
    for node in draw(st.lists(st.integers(0, n - 1), max_size=2)):
        barred += [(a, b) for a, b in turns if ends[a][1] == node and b != a ^ 1]
    for _ in range(draw(st.integers(0, 6))):
        arcs = list(draw(st.sampled_from(turns)))
        for _ in range(draw(st.integers(1, 2))):
            arcs.append(draw(st.sampled_from([b for b in ends if ends[b][0] == ends[arcs[-1]][1]])))
        barred.append(tuple(arcs))
    return (n, edges, sources, targets), sorted(set(barred)), ends


def times_of(plain, barred):
    """Seconds with turns and longer sequences that are barred."""
    pairs = [b for b in barred if len(b) == 2]
    longer = tuple(b for b in barred if len(b) > 2)
    return TurnTimes(*plain, np.array(pairs, dtype=np.int64).reshape(-1, 2), longer)


def edge_based(case, times, barred, ends):  # noqa: C901 (one piece reads best)
    """Least seconds of every pair; the states are the arcs travelled last."""
    _, edges, sources, targets = case
    seconds = {2 * k + s: float(times[s][k]) for k in range(len(edges)) for s in (0, 1)}
    kept = max((len(b) for b in barred), default=2) - 1
    found = {}
    for i, (e, f, d) in enumerate(sources):
        for j, (e2, f2, d2) in enumerate(targets):
            if e < 0 or e2 < 0:
                continue
            graph = nx.DiGraph()
            graph.add_nodes_from(["s", "t"])

            def link(a, b, weight, graph=graph):
                if weight < math.inf and weight < graph.get_edge_data(a, b, {"w": math.inf})["w"]:
                    graph.add_edge(a, b, w=weight)

            # Parts of the own piece, from a point that is not at a junction.
            begin = {2 * e: 1 - f, 2 * e + 1: f} if 0 < f < 1 else {}
            finish = {2 * e2: f2, 2 * e2 + 1: 1 - f2} if 0 < f2 < 1 else {}
            start = None if begin else edges[e][0 if f == 0 else 1]
            stop = None if finish else edges[e2][0 if f2 == 0 else 1]
            fresh = []
            for a, share in begin.items():
                link("s", (a,), share * seconds[a])
                fresh.append((a,))
                if a in finish and share > 1 - finish[a]:
                    link("s", "t", (share - 1 + finish[a]) * seconds[a])
                if a in finish and share == 1 - finish[a]:
                    link("s", "t", 0.0)
                if e == e2 and stop is not None and ends[a][1] == stop and f2 == (a % 2 == 0):
                    link("s", "t", share * seconds[a])
            for b, (tail, _) in ends.items():
                if tail == start:
                    link("s", (b,), seconds[b])
                    fresh.append((b,))
                    if b in finish:
                        link("s", "t", finish[b] * seconds[b])
            known = set()
            while fresh:
                state = fresh.pop()
                if state in known or seconds[state[-1]] == math.inf:
                    continue
                known.add(state)
                if ends[state[-1]][1] == stop:
                    link(state, "t", 0.0)
                for b, (tail, _) in ends.items():
                    whole = (*state, b)
                    if tail != ends[state[-1]][1] or any(whole[k:] in barred for k in range(kept)):
                        continue
                    link(state, whole[-kept:], seconds[b])
                    fresh.append(whole[-kept:])
                    if b in finish:
                        link(state, "t", finish[b] * seconds[b])
            if start is not None and start == stop:
                link("s", "t", 0.0)
            if nx.has_path(graph, "s", "t"):
                inner = nx.dijkstra_path_length(graph, "s", "t", weight="w")
                found[i, j] = math.ceil(inner + d + d2)
    return found


@settings(max_examples=50, deadline=None)
@given(case_with_turns(), st.booleans(), st.sampled_from([45, 10_000]))
def test_pairs_agree_with_an_edge_based_search(case, reverse, limit_s):
    (n, edges, sources, targets), barred, ends = case
    streets, plain = arrays_of(n, edges)
    times = times_of(plain, barred)
    one, two = snaps_of(sources, edges), snaps_of(targets, edges)
    pairs = street_times(
        streets, times, one, two, limit_s=limit_s, reverse=reverse, connector_speed_ms=1.0
    )
    row = np.repeat(np.arange(len(sources)), np.diff(pairs.ptr)).tolist()
    found = dict(zip(zip(row, pairs.target.tolist(), strict=True), pairs.time_s, strict=True))
    if reverse:
        pair = (n, edges, targets, sources)
        whole = edge_based(pair, plain, set(barred), ends)
        expected = {(j, i): t for (i, j), t in whole.items()}
    else:
        expected = edge_based((n, edges, sources, targets), plain, set(barred), ends)
    assert found == {k: t for k, t in expected.items() if t <= limit_s}


@settings(max_examples=30, deadline=None)
@given(case_with_turns())
def test_times_at_nodes_and_where_pieces_are_entered(case):
    (n, edges, sources, _), barred, ends = case
    streets, plain = arrays_of(n, edges)
    times = times_of(plain, barred)
    rows = node_times(streets, times, snaps_of(sources, edges), connector_speed_ms=1.0)
    targets = [(k, f, 0) for k in range(len(edges)) for f in (0, 1)]
    for i, place in enumerate(sources):
        whole = edge_based((n, edges, [place], targets), plain, set(barred), ends)
        best = {}
        for (_, j), seconds in whole.items():
            node = edges[targets[j][0]][targets[j][1]]
            best[node] = min(best.get(node, math.inf), seconds)
        assert [math.ceil(x) if x < math.inf else None for x in rows[i]] == [
            best.get(k) for k in range(n)
        ]
    entered = start_times(
        streets, times, snaps_of(sources, edges), connector_speed_ms=1.0, limit_s=math.inf
    )
    nearest = rows.min(axis=0, initial=math.inf)
    free = np.column_stack([nearest[streets.edge_u], nearest[streets.edge_v]])
    open_ = np.isfinite(np.column_stack(plain))
    assert (entered >= free).all()
    if not barred:
        np.testing.assert_array_equal(entered[open_], free[open_])
