import geopandas as gpd
import numpy as np
import pytest
import shapely
from street_cases import METRE_A_SECOND, ORIGIN, UTM, lonlat, streets_of

from mobility.base.errors import SourceError
from mobility.streets.changes import with_streets
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_times
from mobility.streets.snap import snap

#   d ------------ c
#   |              |
#   |              |      a ladder without rungs: from a to d one goes round
#   a ------------ b
NODES = {"a": (0, 0), "b": (200, 0), "c": (200, 300), "d": (0, 300)}
STREETS = streets_of(NODES, [("a", "b"), ("b", "c"), ("c", "d")])


def drawn(*lines, **columns):
    geometry = [shapely.LineString(np.array(x) + ORIGIN) for x in lines]
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=UTM).to_crs(4326)


def walk_s(streets, start, end, mode="walk"):
    times = edge_times(streets, mode, METRE_A_SECOND)
    where = lonlat([start, end])
    usable = np.isfinite(times[0]) | np.isfinite(times[1])
    at = snap(streets, where[:, 0], where[:, 1], usable)
    pairs = street_times(
        streets, times, at.take(slice(0, 1)), at.take(slice(1, 2)), limit_s=1e6,
        connector_speed_ms=1.0,
    )  # fmt: skip
    return pairs.time_s.tolist()


def test_a_drawn_path_joins_the_streets_near_its_ends():
    """A path from 10 m above a-b at x = 50 to 5 m under c-d at x = 50: 300 m, not 600."""
    after = with_streets(STREETS, added=drawn([(50, 10), (50, 295)]))
    assert walk_s(STREETS, (50, 0), (50, 300)) == [600]
    assert walk_s(after, (50, 0), (50, 300)) == [300]
    assert walk_s(after, (0, 0), (0, 300)) == [400]
    assert after.n_edges == STREETS.n_edges + 3
    assert after.length_m.sum() == pytest.approx(700 + 300, abs=1e-3)
    assert walk_s(after, (50, 0), (50, 300), "bike") == [60]
    by_car = walk_s(STREETS, (50, 0), (50, 300), "car")
    assert walk_s(after, (50, 0), (50, 300), "car") == by_car


def test_the_streets_given_stay_as_they_are():
    before = STREETS.geom_xy.copy(), STREETS.n_edges, STREETS.tags.copy()
    with_streets(STREETS, added=drawn([(50, 10), (50, 295)]), lit=drawn([(0, 0), (200, 0)]))
    np.testing.assert_array_equal(before[0], STREETS.geom_xy)
    assert before[1] == STREETS.n_edges
    assert before[2].equals(STREETS.tags)


def test_ends_of_pieces_stand_on_their_nodes():
    after = with_streets(STREETS, added=drawn([(50, 10), (50, 295)], [(-80, 150), (280, 150)]))
    start, end = after.geom_ptr[:-1], after.geom_ptr[1:] - 1
    np.testing.assert_array_equal(after.geom_xy[start], after.node_xy[after.edge_u])
    np.testing.assert_array_equal(after.geom_xy[end], after.node_xy[after.edge_v])
    assert len(np.unique(after.node_id)) == after.n_nodes
    assert len(after.tags) == after.n_edges


def test_two_drawn_lines_that_cross_meet():
    """From (-80, 150) on the second line over the crossing (50, 150) to (50, 300): 130 + 150."""
    after = with_streets(STREETS, added=drawn([(50, 10), (50, 295)], [(-80, 150), (280, 150)]))
    assert walk_s(after, (-80, 150), (50, 300)) == [280]
    assert walk_s(after, (-80, 150), (200, 0)) == [280 + 150]


def test_a_bridge_passes_over():
    """A footbridge from a-b to c-d over a street in between does not meet it."""
    nodes = NODES | {"w": (0, 150), "e": (200, 150)}
    streets = streets_of(nodes, [("a", "b"), ("b", "e"), ("e", "c"), ("c", "d"), ("w", "e")])
    ground = with_streets(streets, added=drawn([(50, 10), (50, 295)]))
    bridge = with_streets(
        streets, added=drawn([(50, 10), (50, 295)], highway=["footway"], bridge=["yes"])
    )
    assert walk_s(ground, (50, 0), (0, 150)) == [200]
    assert walk_s(bridge, (50, 0), (0, 150)) == [150 + 150 + 200]
    assert walk_s(bridge, (50, 0), (50, 300)) == [300]


def test_a_line_drawn_to_a_junction_uses_it():
    after = with_streets(STREETS, added=drawn([(0, 0.5), (0, 299.5)]))
    assert after.n_nodes == STREETS.n_nodes
    assert walk_s(after, (0, 0), (0, 300)) == [300]


def test_tags_of_the_drawing_are_kept():
    added = drawn([(50, 10), (50, 295)], highway=["residential"], oneway=["yes"], maxspeed=["20"])
    after = with_streets(STREETS, added=added)
    new = after.tags.iloc[-1]
    assert (new["highway"], new["oneway"], new["maxspeed"]) == ("residential", "yes", "20")
    assert new["osm_id"] < 0
    assert np.isinf(edge_times(after, "car", METRE_A_SECOND)[1][-1])
    assert after.tags.dtypes.equals(STREETS.tags.dtypes)


def test_a_drawing_that_is_no_street():
    with pytest.raises(SourceError, match="meets no other street") as caught:
        with_streets(STREETS, added=drawn([(5000, 0), (5100, 0)]))
    assert caught.value.row == 1
    point = gpd.GeoDataFrame(geometry=[shapely.Point(3, 45)], crs=4326)
    with pytest.raises(SourceError, match="no line"):
        with_streets(STREETS, added=point)
    missing = gpd.GeoDataFrame(geometry=[None], crs=4326)
    with pytest.raises(SourceError, match="no line"):
        with_streets(STREETS, added=missing)


def test_lights_along_a_drawn_line():
    """Lights drawn 10 m beside a-b light that street, not the others."""
    after = with_streets(STREETS, lit=drawn([(0, 10), (200, 10)]))
    assert after.tags["lit"].eq("yes").tolist() == [True, False, False]
    area = gpd.GeoDataFrame(geometry=[shapely.box(*ORIGIN - 50, *(ORIGIN + 400))], crs=UTM)
    assert with_streets(STREETS, lit=area).tags["lit"].eq("yes").all()
