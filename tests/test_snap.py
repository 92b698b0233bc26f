import numpy as np
import pytest
from street_cases import METRE_A_SECOND, lonlat, streets_of

from mobility.streets import snap as snap_module
from mobility.streets.modes import edge_times
from mobility.streets.snap import (
    components,
    far_finding,
    island_finding,
    place_of,
    snap,
    snap_again,
    usable_edges,
)

ALL = slice(None)


def snap_at(streets, *points, usable=None, max_m=500.0):
    where = lonlat(points)
    mask = np.ones(streets.n_edges, dtype=bool) if usable is None else np.array(usable)
    return snap(streets, where[:, 0], where[:, 1], mask, max_m=max_m)


#       c (0, 100)
#       |  edge 1
#       a ---------- b (100, 0)      edge 0
CORNER = ({"a": (0, 0), "b": (100, 0), "c": (0, 100)}, [("a", "b"), ("a", "c")])


def test_the_nearest_place_is_in_the_middle_of_an_edge_not_at_its_ends():
    """(60, 20) stands 20 m beside edge a-b, 60 m along it; (10, 80) beside a-c."""
    snaps = snap_at(streets_of(*CORNER), (60, 20), (10, 80))
    assert snaps.edge.tolist() == [0, 1]
    assert snaps.offset_m == pytest.approx([60, 80], abs=1e-3)
    assert snaps.distance_m == pytest.approx([20, 10], abs=1e-3)


def test_beyond_a_dead_end_the_nearest_place_is_the_end():
    snaps = snap_at(streets_of(*CORNER), (130, 40))
    assert snaps.offset_m == pytest.approx([100], abs=1e-3)
    assert snaps.distance_m == pytest.approx([50], abs=1e-3)


def test_offsets_follow_the_bends():
    """
    a - (100, 0) - (100, 100) - b (200, 100): the point (110, 50) is 100 + 50 m along.
    """
    streets = streets_of(
        {"a": (0, 0), "b": (200, 100)}, [("a", "b")], bends={0: [(100, 0), (100, 100)]}
    )
    snaps = snap_at(streets, (110, 50))
    assert streets.length_m == pytest.approx([300])
    assert snaps.offset_m == pytest.approx([150], abs=1e-3)
    np.testing.assert_allclose(place_of(streets, snaps), lonlat([(100, 50)]), atol=1e-8)


def test_edges_one_may_not_use_are_passed_over():
    snaps = snap_at(streets_of(*CORNER), (60, 20), usable=[False, True])
    assert snaps.edge.tolist() == [1]
    assert snaps.distance_m == pytest.approx([60], abs=1e-3)


def test_too_far_no_position_and_nothing_usable_give_no_street():
    streets = streets_of(*CORNER)
    snaps = snap_at(streets, (60, -501), (60, -499), (np.nan, np.nan))
    assert snaps.edge.tolist() == [-1, 0, -1]
    assert np.isinf(snaps.distance_m[[0, 2]]).all()
    assert np.isnan(place_of(streets, snaps)[[0, 2]]).all()
    assert snap_at(streets, (60, 1), usable=[False, False]).edge.tolist() == [-1]
    assert len(snap_at(streets)) == 0


def test_the_first_of_equally_near_edges_is_taken():
    """At the shared corner both edges are at 0 m."""
    streets = streets_of(CORNER[0], [("a", "c"), ("a", "b")])
    assert snap_at(streets, (0, 0)).edge.tolist() == [0]


@pytest.mark.parametrize("seed", range(12))
def test_points_looked_for_again_are_where_they_would_be_found_anew(seed, monkeypatch):
    """A grid of streets of which some close and others open, points far off and nowhere too."""
    monkeypatch.setattr(snap_module, "MOST_CHANGED", 1.0)
    rng = np.random.default_rng(seed)
    nodes = {f"{x}-{y}": (100 * x, 100 * y) for x in range(6) for y in range(6)}
    ways = [(f"{x}-{y}", f"{x + 1}-{y}") for x in range(5) for y in range(6)]
    ways += [(f"{x}-{y}", f"{x}-{y + 1}") for x in range(6) for y in range(5)]
    streets = streets_of(nodes, ways)
    where = lonlat([*rng.uniform(-250, 750, (60, 2)), *(50 * rng.integers(0, 11, (20, 2)))])
    where[7] = np.nan
    before, after = rng.random((2, streets.n_edges)) < rng.uniform(0.05, 1, (2, 1))
    first, anew = (snap(streets, *where.T, mask, max_m=200) for mask in (before, after))
    again = snap_again(streets, *where.T, after, (before, first), max_m=200)
    assert again.edge.tolist() == anew.edge.tolist()
    assert again.offset_m == pytest.approx(anew.offset_m)
    assert again.distance_m == pytest.approx(anew.distance_m)


def test_a_far_point_is_reported_with_its_name():
    snaps = snap_at(streets_of(*CORNER), (60, -900), (60, 0), (0, 3000))
    finding = far_finding(snaps, ["Port", "Gare", "Usine"])
    assert (finding.severity, finding.code, finding.count) == (
        "warning",
        "stops_far_from_streets",
        2,
    )
    assert finding.examples == ("Port", "Usine")
    assert finding.render("en").startswith("2 of 3 stops lie over 500 m")
    assert finding.render("fr").startswith("2 arrêts sur 3 sont à plus de 500 m")
    assert far_finding(snaps.take(np.array([1])), ["Gare"]) is None


#   a -- b -- c        d -- e       the island d-e is 50 m of 250 m
ISLAND = (
    {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (200, 100), "e": (250, 100)},
    [("a", "b"), ("b", "c"), ("d", "e")],
)


def test_an_island_is_another_component_and_is_reported():
    streets = streets_of(*ISLAND)
    times = edge_times(streets, "walk", METRE_A_SECOND)
    label = components(streets, times)
    assert label[0] == label[1] != label[2]
    finding = island_finding(streets, times)
    assert finding.count == 1
    assert finding.params["share"] == pytest.approx(20, abs=0.05)
    assert finding.severity == "warning"
    lon, lat = (float(x) for x in finding.examples[0].split())
    assert (lon, lat) == pytest.approx(tuple(lonlat([(200, 100)])[0]), abs=1e-5)
    assert "20 %" in finding.render("fr")


def test_connected_streets_give_no_finding():
    streets = streets_of(*CORNER)
    assert island_finding(streets, edge_times(streets, "walk", METRE_A_SECOND)) is None


def test_points_beside_a_small_island_go_to_the_next_street(monkeypatch):
    streets = streets_of(*ISLAND)
    times = edge_times(streets, "walk", METRE_A_SECOND)
    assert usable_edges(streets, times).tolist() == [True, True, True]
    monkeypatch.setattr("mobility.streets.snap.MIN_ISLAND_M", 100)
    monkeypatch.setattr("mobility.streets.snap.MIN_ISLAND_SHARE", 0.25)
    usable = usable_edges(streets, times)
    assert usable.tolist() == [True, True, False]
    assert snap_at(streets, (225, 100), usable=usable).edge.tolist() == [1]


def test_a_one_way_street_that_leads_nowhere_is_cut_off_for_cars_only():
    """b -> c is one-way and c is a dead end: one drives there and cannot come back."""
    nodes = {"a": (0, 0), "b": (100, 0), "c": (200, 0)}
    streets = streets_of(nodes, [("a", "b"), ("b", "c", {"oneway": "yes"})])
    car = components(streets, edge_times(streets, "car", METRE_A_SECOND))
    walk = components(streets, edge_times(streets, "walk", METRE_A_SECOND))
    assert (car >= 0).tolist() == [True, False]
    assert walk[0] == walk[1] >= 0


def test_nobody_lives_on_a_motorway():
    """(60, 2) is beside the motorway a-b; its street is b-d, 98 m away."""
    nodes = {"a": (0, 0), "b": (100, 0), "c": (0, 100), "d": (100, 100)}
    edges = [("a", "b", {"highway": "motorway", "oneway": "no"}), ("a", "c"), ("c", "d"),
             ("d", "b")]  # fmt: skip
    streets = streets_of(nodes, edges)
    usable = usable_edges(streets, edge_times(streets, "car", METRE_A_SECOND))
    assert usable.tolist() == [False, True, True, True]
    assert snap_at(streets, (60, 2), usable=usable).edge.tolist() == [3]
