import itertools
import math

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_cases import METRE_A_SECOND, UTM, lonlat, node_times, streets_of

from mobility.sources.osm.pieces import empty_tags
from mobility.streets.ends import Snaps, connectors
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_paths, street_times
from mobility.streets.snap import snap


def at(streets, *points):
    where = lonlat(points)
    every = np.ones(streets.n_edges, dtype=bool)
    return snap(streets, where[:, 0], where[:, 1], every)


def table(streets, mode, sources, targets, *, limit_s=10_000, reverse=False):
    times = edge_times(streets, mode, METRE_A_SECOND)
    pairs = street_times(
        streets, times, at(streets, *sources), at(streets, *targets),
        limit_s=limit_s, reverse=reverse, connector_speed_ms=1.0,
    )  # fmt: skip
    rows = np.full((len(sources), len(targets)), -1)
    row = np.repeat(np.arange(len(sources)), np.diff(pairs.ptr))
    rows[row, pairs.target] = pairs.time_s
    return rows.tolist()


SQUARE = {"a": (0, 0), "b": (100, 0), "c": (100, 100), "d": (0, 100)}


def test_walks_between_the_middles_of_edges():
    """
    At one metre a second, from (30, 10) [connector 10, then 70 to b] to (110, 40)
    [40 from b, connector 10]: 10 + 70 + 40 + 10 = 130 s.

        d --- c
              |  x (110, 40)
        a --- b
           o (30, 10)
    """
    streets = streets_of(SQUARE, [("a", "b"), ("b", "c"), ("c", "d")])
    assert table(streets, "walk", [(30, 10)], [(110, 40)]) == [[130]]


def test_points_on_one_edge_go_straight_along_it():
    """From 30 m to 90 m along a-b, 5 m beside it on both sides: 5 + 60 + 5."""
    streets = streets_of(SQUARE, [("a", "b"), ("b", "c")])
    assert table(streets, "walk", [(30, 5)], [(90, -5)]) == [[70]]
    assert table(streets, "walk", [(90, -5)], [(30, 5)]) == [[70]]


def test_the_way_round_may_beat_the_edge_itself():
    """
    The piece a-b makes a detour of 1000 m; a-c-b is 200 m. From 10 m after a to 10 m
    before b: 10 + 200 + 10, not 980.
    """
    nodes = {"a": (0, 0), "b": (100, 0), "c": (50, -86.602540378)}
    streets = streets_of(
        nodes, [("a", "b"), ("a", "c"), ("c", "b")], bends={0: [(0, 450), (100, 450)]}
    )
    assert table(streets, "walk", [(0, 10)], [(100, 10)]) == [[220]]


def test_a_one_way_edge_there_and_back():
    """
    A one-way square a > b > c > d > a, 100 m a side, driven at its default speed.
    From 20 m to 80 m along a-b: 60 m. Back: 20 + 300 + 20 = 340 m.
    """
    one = {"oneway": "yes", "maxspeed": "36"}
    streets = streets_of(SQUARE, [(a, b, one) for a, b in ("ab", "bc", "cd", "da")])
    speeds = np.full(4, 100 / 10, dtype=np.float32)
    times = (speeds, np.full(4, np.inf, dtype=np.float32))
    assert np.isinf(edge_times(streets, "car", METRE_A_SECOND)[1]).all()
    near, far = at(streets, (20, 0)), at(streets, (80, 0))

    def seconds(source, target, *, reverse=False):
        pairs = street_times(
            streets, times, source, target, limit_s=1000, reverse=reverse, connector_speed_ms=1
        )
        return pairs.time_s.tolist()

    assert seconds(near, far) == [6]
    assert seconds(far, near) == [34]
    assert seconds(near, far, reverse=True) == [34]
    assert seconds(far, near, reverse=True) == [6]


def test_a_dead_end_is_reached_and_left():
    """c-e is a dead end of 100 m: from its end to a, 100 + 100 + 100."""
    streets = streets_of(SQUARE | {"e": (200, 100)}, [("a", "b"), ("b", "c"), ("c", "e")])
    assert table(streets, "walk", [(200, 100)], [(0, 0)]) == [[300]]
    assert table(streets, "walk", [(0, 0)], [(200, 100)]) == [[300]]


def test_an_island_is_not_reached():
    """d-c is not joined to a-b."""
    streets = streets_of(SQUARE, [("a", "b"), ("c", "d")])
    assert table(streets, "walk", [(0, 0)], [(100, 100), (50, 0)]) == [[-1, 50]]


def test_the_limit_counts_the_connectors_and_is_inclusive():
    streets = streets_of(SQUARE, [("a", "b"), ("b", "c")])
    assert table(streets, "walk", [(30, 10)], [(110, 40)], limit_s=130) == [[130]]
    assert table(streets, "walk", [(30, 10)], [(110, 40)], limit_s=129) == [[-1]]


def test_a_point_without_street_has_no_way_to_it_at_any_speed():
    lost = Snaps(np.array([-1, 0]), np.zeros(2), np.array([np.inf, 30.0]))
    with np.errstate(all="raise"):
        assert connectors(lost, np.inf).tolist() == [np.inf, 0.0]
        assert connectors(lost, 1.5).tolist() == [np.inf, 20.0]


def test_a_point_without_street_has_no_pair():
    streets = streets_of(SQUARE, [("a", "b"), ("b", "c")])
    found = table(streets, "walk", [(0, 0), (5000, 0)], [(5000, 0), (10, 0)])
    assert found == [[-1, 10], [-1, -1]]


def test_seconds_are_rounded_up_and_hidden_float_dust_is_not():
    """0.1 m at 1 m/s is 1 s; 30 pieces of 3.3 m make 99 s, whatever their float sum."""
    nodes = {str(k): (3.3 * k, 0) for k in range(31)}
    streets = streets_of(nodes, [(str(k), str(k + 1)) for k in range(30)])
    assert table(streets, "walk", [(0, 0)], [(99, 0), (0.1, 0)]) == [[99, 1]]


def test_a_loop_is_left_by_its_nearer_side():
    """
    A closed piece a-a of 400 m, left at a by a-e. From 100 m along: 100 + 50; from
    350 m along: 50 + 50; between the two, 200 m over a... 100 + 50, not 250.
    """
    nodes = {"a": (0, 0), "e": (-50, 0)}
    streets = streets_of(
        nodes, [("a", "a"), ("a", "e")], bends={0: [(100, 0), (100, 100), (0, 100)]}
    )
    assert table(streets, "walk", [(100, 0), (0, 50)], [(-50, 0), (0, 50)]) == [
        [150, 150],
        [100, 0],
    ]


def test_no_source_and_no_target():
    streets = streets_of(SQUARE, [("a", "b")])
    assert table(streets, "walk", [], [(0, 0)]) == []
    assert table(streets, "walk", [(0, 0)], []) == [[]]


def test_node_times_both_ways():
    """One-way a > b > c: from the middle of a-b, c is at 50 + 100; nothing leads there from c."""
    streets = streets_of(SQUARE, [("a", "b"), ("b", "c")])
    times = (np.full(2, 100, dtype=np.float32), np.full(2, np.inf, dtype=np.float32))
    there = node_times(streets, times, at(streets, (50, 0)), connector_speed_ms=1)
    back = node_times(streets, times, at(streets, (50, 0)), connector_speed_ms=1, reverse=True)
    assert there[0] == pytest.approx([math.inf, 50, 150, math.inf], abs=1e-2)
    assert back[0] == pytest.approx([50, math.inf, math.inf, math.inf], abs=1e-2)
    near = node_times(streets, times, at(streets, (50, 0)), connector_speed_ms=1, limit_s=60)
    assert near[0] == pytest.approx([math.inf, 50, math.inf, math.inf], abs=1e-2)


def test_the_path_is_drawn_from_point_to_point():
    """From (30, 10) by b to (110, 40); the path starts and ends on the street."""
    streets = streets_of(SQUARE, [("a", "b"), ("c", "b"), ("c", "d")])
    times = edge_times(streets, "walk", METRE_A_SECOND)
    (path,) = street_paths(
        streets, times, at(streets, (30, 10)), at(streets, (110, 40)), connector_speed_ms=1
    )
    assert path.edges.tolist() == [0, 1]
    assert path.time_s == pytest.approx(130, abs=1e-2)
    assert path.length_m == pytest.approx(110, abs=1e-2)
    np.testing.assert_allclose(path.lonlat, lonlat([(30, 0), (100, 0), (100, 40)]), atol=1e-7)


def test_a_path_along_one_edge_and_a_path_that_does_not_exist():
    streets = streets_of(SQUARE, [("b", "a"), ("c", "d")])
    times = edge_times(streets, "walk", METRE_A_SECOND)
    same, none = street_paths(
        streets, times, at(streets, (30, 0), (30, 0)), at(streets, (80, 0), (50, 100)),
        connector_speed_ms=1,
    )  # fmt: skip
    assert same.edges.tolist() == [0]
    np.testing.assert_allclose(same.lonlat, lonlat([(30, 0), (80, 0)]), atol=1e-7)
    assert none is None


# --- against networkx -------------------------------------------------------------


@st.composite
def random_case(draw):
    """Streets of up to 9 nodes with exact binary lengths and times, one-ways and islands."""
    n = draw(st.integers(2, 9))
    node = st.integers(0, n - 1)
    edge = st.tuples(node, node, st.sampled_from([8, 16, 64]), st.sampled_from("=<>x"))
    edges = draw(st.lists(edge, min_size=1, max_size=16))
    place = st.tuples(
        st.integers(-1, len(edges) - 1), st.sampled_from([0, 0.25, 0.5, 1]), st.integers(0, 9)
    )
    return n, edges, draw(st.lists(place, max_size=4)), draw(st.lists(place, max_size=4))


def arrays_of(n, edges):
    length = np.array([e[2] for e in edges], dtype=float)
    streets = Streets(
        crs=UTM,
        node_id=np.arange(n),
        node_xy=np.zeros((n, 2)),
        edge_u=np.array([e[0] for e in edges], dtype=np.int32),
        edge_v=np.array([e[1] for e in edges], dtype=np.int32),
        length_m=length,
        geom_ptr=np.arange(0, 2 * len(edges) + 1, 2),
        geom_xy=np.zeros((2 * len(edges), 2)),
        tags=pd.DataFrame(empty_tags(np.arange(len(edges)))),
    )
    ahead = np.array([e[3] in "=>" for e in edges])
    back = np.array([e[3] in "=<" for e in edges])
    uv = np.where(ahead, length / 2, np.inf).astype(np.float32)
    vu = np.where(back, length / 4, np.inf).astype(np.float32)
    return streets, (uv, vu)


def snaps_of(places, edges):
    edge = np.array([p[0] for p in places], dtype=np.int32)
    length = np.array([edges[p[0]][2] for p in places], dtype=float)
    return Snaps(
        edge,
        length * np.array([p[1] for p in places], dtype=float),
        np.array([p[2] for p in places], dtype=float),
    )


def oracle(case, times):
    """Every pair on its own, each point being a node that cuts its piece."""
    n, edges, sources, targets = case
    found = {}
    for i, (e, f, d) in enumerate(sources):
        for j, (e2, f2, d2) in enumerate(targets):
            if e < 0 or e2 < 0:
                continue
            graph = nx.MultiDiGraph()
            graph.add_nodes_from([*range(n), "s", "t"])
            for k, (u, v, _, _) in enumerate(edges):
                cuts = [(0.0, u), (1.0, v)]
                cuts += [(f, "s")] if k == e else []
                cuts += [(f2, "t")] if k == e2 else []
                cuts.sort(key=lambda c: c[0])
                for (x, a), (y, b) in itertools.pairwise(cuts):
                    # A stretch of no length can be passed in both directions.
                    for a1, b1, whole in ((a, b, times[0][k]), (b, a, times[1][k])):
                        if x == y or np.isfinite(whole):
                            graph.add_edge(a1, b1, w=0.0 if x == y else float(whole) * (y - x))
            try:
                inner = nx.dijkstra_path_length(graph, "s", "t", weight="w")
            except nx.NetworkXNoPath:
                continue
            found[i, j] = math.ceil(inner + d + d2)
    return found


@settings(max_examples=80, deadline=None)
@given(random_case(), st.booleans(), st.sampled_from([20, 45, 10_000]))
def test_pairs_agree_with_networkx(case, reverse, limit_s):
    n, edges, sources, targets = case
    streets, times = arrays_of(n, edges)
    pairs = street_times(
        streets, times, snaps_of(sources, edges), snaps_of(targets, edges),
        limit_s=limit_s, reverse=reverse, connector_speed_ms=1.0,
    )  # fmt: skip
    row = np.repeat(np.arange(len(sources)), np.diff(pairs.ptr)).tolist()
    found = dict(zip(zip(row, pairs.target.tolist(), strict=True), pairs.time_s, strict=True))
    if reverse:
        swapped = {(j, i): t for (i, j), t in oracle((n, edges, targets, sources), times).items()}
        expected = swapped
    else:
        expected = oracle(case, times)
    assert found == {k: t for k, t in expected.items() if t <= limit_s}


@settings(max_examples=60, deadline=None)
@given(random_case(), st.booleans())
def test_node_times_agree_with_networkx(case, reverse):
    n, edges, sources, _ = case
    streets, times = arrays_of(n, edges)
    rows = node_times(
        streets, times, snaps_of(sources, edges), connector_speed_ms=1.0, reverse=reverse
    )
    for i, place in enumerate(sources):
        targets = [(k, f, 0) for k in range(len(edges)) for f in (0, 1)]
        nodes = [edges[k][f] for k, f, _ in targets]
        pair = (n, edges, targets, [place]) if reverse else (n, edges, [place], targets)
        best = {}
        for key, seconds in oracle(pair, times).items():
            node = nodes[key[0] if reverse else key[1]]
            best[node] = min(best.get(node, math.inf), seconds)
        assert [math.ceil(x) if x < math.inf else None for x in rows[i]] == [
            best.get(k) for k in range(n)
        ]
