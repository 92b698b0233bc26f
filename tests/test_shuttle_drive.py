"""Drives of shuttles on streets for destination traffic."""

import numpy as np
import pytest
from street_cases import METRE_A_SECOND, lonlat, streets_of

from mobility.shuttles.drive import Ways, drive_graph, drive_matrix, drive_seconds

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
