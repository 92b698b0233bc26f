import geopandas as gpd
import numpy as np
import pytest
import shapely
from street_cases import DATA, METRE_A_SECOND, lonlat, node_times, streets_of

from mobility.commute.isochrone_layers import reached_area, reached_lines
from mobility.streets.graph import streets_from_osm
from mobility.streets.modes import edge_times
from mobility.streets.snap import snap

CROSS = streets_of(
    {"o": (0, 0), "n": (0, 300), "e": (300, 0), "far": (1000, 0)},
    [("o", "n"), ("e", "o"), ("e", "far", {"oneway": "yes"})],
)
WALK = edge_times(CROSS, "walk", METRE_A_SECOND)


def at(streets, *points):
    where = lonlat(points)
    every = np.ones(streets.n_edges, dtype=bool)
    return snap(streets, where[:, 0], where[:, 1], every)


def reached_m(limit, *points, times=WALK, reverse=False):
    lines = reached_lines(
        CROSS, times, at(CROSS, *points), limit, connector_speed_ms=1.0, reverse=reverse
    )
    return shapely.length(shapely.union_all(lines)) if len(lines) else 0.0


def test_reached_streets_end_where_the_time_does():
    """From 10 m beside o-n at 100 m: 100 s leave 90 m both ways; 150 s leave 140 m north,
    100 m south and 40 m east; 1250 s reach all 1300 m."""
    assert reached_m(100, (10, 100)) == pytest.approx(180, abs=0.01)
    assert reached_m(150, (10, 100)) == pytest.approx(140 + 100 + 40, abs=0.01)
    assert reached_m(9, (10, 100)) == 0
    assert reached_m(1250, (10, 100)) == pytest.approx(1300, abs=0.01)


def test_the_nearest_of_several_points_counts():
    assert reached_m(50, (0, 100), (0, 180)) == pytest.approx(180, abs=0.01)
    assert reached_m(20, (0, 100), (300, 0)) == pytest.approx(40 + 20 + 20, abs=0.01)


def test_one_way_streets_there_and_back():
    """At one second a metre, e-far is one-way: from e one gets 50 m along it, and to e none."""
    uv = np.array([300, 300, 700], dtype=np.float32)
    times = (uv, np.array([300, 300, np.inf], dtype=np.float32))
    assert reached_m(50, (300, 0), times=times) == pytest.approx(100, abs=0.01)
    assert reached_m(50, (300, 0), times=times, reverse=True) == pytest.approx(50, abs=0.01)


def test_polygons_follow_streets_and_grow_with_time(monkeypatch):
    monkeypatch.setattr("mobility.commute.isochrone_layers.BESIDE_M", 40)
    near = at(CROSS, (0, 0))
    found = [reached_area(CROSS, WALK, near, s, connector_speed_ms=1.0) for s in (100, 250, 0.5)]
    local = gpd.GeoSeries(found, crs=4326).to_crs(CROSS.crs).to_numpy()
    assert shapely.is_valid(local).all()
    assert local[0].area < local[1].area
    assert shapely.covers(shapely.buffer(local[1], 20), local[0])
    # An L of two arms of 250 m, 40 m around: not the hull of its ends.
    assert local[1].area < 0.75 * local[1].convex_hull.area
    inside, between = CROSS.project(*lonlat([(240, 10), (200, 200)]).T)
    assert local[1].contains(shapely.Point(inside))
    assert not local[1].contains(shapely.Point(between))


def test_an_unreachable_point_gives_an_empty_area():
    nowhere = at(CROSS, (9000, 9000))
    assert reached_area(CROSS, WALK, nowhere, 600, connector_speed_ms=1.0).is_empty


@pytest.mark.real
def test_real_isochrones_contain_the_junctions_reached():
    path = DATA / "nantes" / "streets.osm.pbf"
    if not path.is_file():
        pytest.skip("real extracts are absent")
    streets = streets_from_osm(path)
    times = edge_times(streets, "walk", METRE_A_SECOND)
    centre = streets.unproject(np.median(streets.node_xy, axis=0)[None])
    source = snap(streets, centre[:, 0], centre[:, 1], np.isfinite(times[0]))
    seconds = node_times(streets, times, source, connector_speed_ms=1.0)[0]
    area = reached_area(streets, times, source, 600, connector_speed_ms=1.0)
    local = gpd.GeoSeries([area], crs=4326).to_crs(streets.crs).iloc[0]
    inside = shapely.contains(local, shapely.points(streets.node_xy))
    assert inside[seconds <= 600].all()
    ends = np.hypot(*(streets.node_xy - streets.project(*centre.T)).T)
    assert not inside[ends > 800].any()
