"""Drives of shuttles on streets for destination traffic."""

import numpy as np
import pytest
from street_cases import METRE_A_SECOND, lonlat, streets_of

from mobility.shuttles.drive import Ways, drive_graph, drive_matrix, drive_seconds, drive_towards
from mobility.shuttles.model import UNREACHED

NODES = {"a": (0, 0), "b": (0, 800), "c": (800, 800), "d": (800, 0)}
TAGS = {"motor_vehicle": "destination"}
STREETS = streets_of(NODES, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d", TAGS)])
#: Up the left street, up the right street, in the middle of the short cut between them.
PLACES = lonlat([(0, 200), (800, 200), (400, 0)])


def test_no_way_leads_through_a_street_for_destination_traffic_by_way_of_a_stop_there():
    graph = drive_graph(STREETS, METRE_A_SECOND, PLACES, factor=1.0)
    drive = drive_matrix(graph, np.arange(3))
    # Round by b and c 600 + 800 + 600 m, not 200 + 800 + 200 m by the short cut; to the stop
    # on it and from it both ways are open.
    expected = np.array([[0, 2000, 600], [2000, 0, 600], [600, 600, 0]])
    assert drive.metres == pytest.approx(expected, abs=1)
    assert drive.seconds[0, 1] > 3 * drive.seconds[0, 2]
    for place in range(3):
        assert drive_seconds(graph, place, to_place=False).tolist() == drive.seconds[place].tolist()
        assert (
            drive_seconds(graph, place, to_place=True).tolist() == drive.seconds[:, place].tolist()
        )
    ways = Ways(graph)
    for calls, metres in (((0, 1), 2000), ((0, 2, 1), 1200)):
        length = np.hypot(*np.diff(ways.along(calls), axis=0).T).sum()
        assert length == pytest.approx(metres, abs=2)


def test_three_places_on_one_street_are_driven_along_it():
    graph = drive_graph(STREETS, METRE_A_SECOND, lonlat([(0, 100), (0, 300), (0, 600)]), factor=1.0)
    metres = drive_matrix(graph, np.arange(3)).metres
    assert metres == pytest.approx(np.array([[0, 200, 500], [200, 0, 300], [500, 300, 0]]), abs=1)


def test_of_streets_side_by_side_the_shortest_is_driven_either_way():
    # Bowed, straight and drawn the other way, bowed again; a street further on, in both orders.
    pairs = [("a", "b"), ("b", "a"), ("a", "b"), ("c", "b"), ("b", "c")]
    bends = {0: [(-300, 400)], 2: [(-100, 400)], 4: [(400, 900)]}
    streets = streets_of(NODES, [*pairs, ("c", "d")], bends)
    graph = drive_graph(streets, METRE_A_SECOND, lonlat([(800, 400), (0, 0)]), factor=1.0)
    ways = Ways(graph)
    for one, two, metres in ((0, 1, 400 + 800 + 800), (1, 0, 800 + 800 + 400)):
        line = ways.between(one, two)
        assert np.hypot(*np.diff(line, axis=0).T).sum() == pytest.approx(metres, abs=2)


@pytest.mark.parametrize("seed", range(12))
def test_places_are_as_far_as_on_every_street(seed):
    """Blind alleys, one-way streets, rings and bends: the other drives search all of them."""
    rng = np.random.default_rng(seed)
    nodes = {f"{x}/{y}": (300 * x, 400 * y) for x in range(6) for y in range(6)}
    beside = [
        (f"{x}/{y}", f"{x + a}/{y + 1 - a}") for x in range(5) for y in range(5) for a in (0, 1)
    ]
    some = [pair for pair in beside if rng.random() < 0.6]
    streets = streets_of(
        nodes, [(*p, {"oneway": "yes"}) if rng.random() < 0.2 else p for p in some]
    )
    ends = np.array([[nodes[name] for name in some[k]] for k in rng.permutation(len(some))[:6]])
    xy = [tuple(a + share * (b - a)) for (a, b), share in zip(ends, rng.random(6), strict=True)]
    graph = drive_graph(streets, METRE_A_SECOND, lonlat([*xy, (9000, 9000)]), factor=1.0)
    for places in (np.arange(7), np.array([4, 1]), np.array([6])):
        drive = drive_matrix(graph, places)
        for k, goal in enumerate(places):
            others = np.delete(places, k)
            there = drive_towards(graph, others, np.array([goal]))
            assert np.array_equal(np.delete(drive.seconds[:, k], k), there.seconds[:, 0])
            assert np.array_equal(np.delete(drive.metres[:, k], k), there.metres[:, 0])
    whole = drive_matrix(graph, np.arange(6)).seconds
    assert (whole < UNREACHED).sum() > 6


def test_a_place_that_no_street_leads_to_is_reached_from_nowhere():
    streets, far = streets_of(NODES, [("a", "b")]), (9000, 0)
    for places, seconds in (([far], [[0]]), ([(0, 200), far], [[0, UNREACHED], [UNREACHED, 0]])):
        graph = drive_graph(streets, METRE_A_SECOND, lonlat(places), factor=1.0)
        assert drive_matrix(graph, np.arange(len(places))).seconds.tolist() == seconds
