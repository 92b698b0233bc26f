from dataclasses import replace

import numpy as np
import pytest
from street_cases import METRE_A_SECOND, streets_of

from mobility.base.errors import SourceError
from mobility.streets.graph import local_crs
from mobility.streets.modes import Driving, edge_times, paths_missing, paths_missing_finding
from mobility.streets.tags import built_up, max_kmh, parse_kmh

ONE = {"a": (0, 0), "b": (90, 0)}


def ways(mode, **tags):
    """Where one may go on one 90 m street: '>' u to v, '<' v to u, '=' both, 'x' neither.

    A long footway elsewhere keeps the network from looking like one without paths.
    """
    tags = {"highway": "residential"} | {k.replace("__", ":"): v for k, v in tags.items()}
    nodes = ONE | {"c": (0, 5000), "d": (900, 5000)}
    streets = streets_of(nodes, [("a", "b", tags), ("c", "d", {"highway": "footway"})])
    uv, vu = edge_times(streets, mode, METRE_A_SECOND)
    return {(0, 0): "x", (1, 0): ">", (0, 1): "<", (1, 1): "="}[
        int(np.isfinite(uv[0])), int(np.isfinite(vu[0]))
    ]


@pytest.mark.parametrize(
    ("tags", "walk", "bike", "car"),
    [
        ({}, "=", "=", "="),
        ({"oneway": "yes"}, "=", ">", ">"),
        ({"oneway": "-1"}, "=", "<", "<"),
        ({"oneway": "no", "junction": "roundabout"}, "=", "=", "="),
        ({"junction": "roundabout"}, "=", ">", ">"),
        ({"oneway": "yes", "oneway__bicycle": "no"}, "=", "=", ">"),
        ({"oneway": "-1", "cycleway": "opposite"}, "=", "=", "<"),
        ({"oneway": "yes", "cycleway__left": "opposite_lane"}, "=", "=", ">"),
        ({"highway": "motorway"}, "x", "x", ">"),
        ({"highway": "motorway", "sidewalk": "both"}, "=", "x", ">"),
        ({"highway": "trunk"}, "=", "=", "="),
        ({"highway": "trunk", "maxspeed": "90"}, "=", "=", "="),
        ({"highway": "trunk", "maxspeed": "110"}, "x", "x", "="),
        ({"highway": "trunk", "oneway": "yes"}, "x", "x", ">"),
        ({"highway": "trunk", "motorroad": "yes", "cycleway": "lane"}, "x", "x", "="),
        ({"highway": "trunk", "maxspeed": "110", "sidewalk": "right"}, "=", "x", "="),
        ({"highway": "trunk", "maxspeed": "110", "foot": "yes", "bicycle": "yes"}, "=", "=", "="),
        ({"highway": "trunk", "maxspeed": "110", "cycleway": "lane"}, "x", "=", "="),
        ({"highway": "primary", "motorroad": "yes"}, "x", "x", "="),
        ({"access": "private"}, "x", "x", "x"),
        ({"access": "no", "foot": "yes"}, "=", "x", "x"),
        ({"access": "no", "bicycle": "designated"}, "x", "=", "x"),
        ({"access": "private", "motor_vehicle": "customers"}, "x", "x", "="),
        ({"access": "destination"}, "=", "=", "="),
        ({"vehicle": "no"}, "=", "x", "x"),
        ({"vehicle": "no", "bicycle": "yes"}, "=", "=", "x"),
        ({"motor_vehicle": "no"}, "=", "=", "x"),
        ({"foot": "no"}, "x", "=", "="),
        ({"bicycle": "no"}, "=", "x", "="),
        ({"highway": "footway"}, "=", "=", "x"),
        ({"highway": "footway", "bicycle": "no"}, "=", "x", "x"),
        ({"highway": "footway", "oneway": "yes"}, "=", "=", "x"),
        ({"highway": "steps"}, "=", "x", "x"),
        ({"highway": "cycleway", "oneway": "yes"}, "=", ">", "x"),
        ({"highway": "track"}, "=", "=", "x"),
        ({"highway": "track", "motor_vehicle": "yes"}, "=", "=", "="),
        ({"highway": "service", "access": "delivery"}, "=", "=", "="),
        ({"motor_vehicle": "agricultural;forestry"}, "=", "=", "x"),
        ({"motor_vehicle": "forestry; destination"}, "=", "=", "="),
        ({"access": "no", "foot": "no;designated"}, "=", "x", "x"),
        ({"vehicle": "private;no", "bicycle": "yes;no"}, "=", "=", "x"),
        ({"highway": "elevator"}, "=", "=", "x"),
        ({"highway": "elevator", "access": "private"}, "x", "x", "x"),
        ({"highway": "platform"}, "=", "=", "x"),
    ],
)
def test_who_may_use_a_street(tags, walk, bike, car):
    assert (ways("walk", **tags), ways("bike", **tags), ways("car", **tags)) == (walk, bike, car)
    assert ways("e_bike", **tags) == bike


def seconds(mode, driving=None, **tags):
    streets = streets_of(ONE, [("a", "b", {"highway": "residential"} | tags)])
    return float(edge_times(streets, mode, METRE_A_SECOND, driving=driving)[0][0])


def test_walking_and_cycling_times():
    """90 m: 90 s on foot at 1 m/s, 18 s at 5 m/s, 9 s at 10 m/s."""
    assert seconds("walk") == 90
    assert seconds("walk", highway="steps") == 180
    assert seconds("bike") == 18
    assert seconds("e_bike") == 9
    assert seconds("bike", surface="gravel") == pytest.approx(18 / 0.7)
    assert seconds("bike", highway="track", surface="asphalt") == 18
    # Without a word on the surface a track is loose, unless its grade or its signs say paved.
    assert seconds("bike", highway="track") == pytest.approx(18 / 0.7)
    assert seconds("bike", highway="track", tracktype="grade2") == pytest.approx(18 / 0.7)
    assert seconds("bike", highway="track", tracktype="grade1") == 18
    assert seconds("bike", highway="path", bicycle="designated") == 18
    assert seconds("bike", highway="footway") == 90
    assert seconds("bike", highway="footway", bicycle="yes") == 18


def test_driving_times():
    """90 m outside built-up areas at the tagged 36 km/h = 10 m/s times 0.5: 18 s."""
    slow = Driving(built_up_factor=0.25, rural_factor=0.5, motorway_factor=1.0)
    assert seconds("car", slow, maxspeed="36") == 18
    assert seconds("car", slow, maxspeed="36", **{"zone:traffic": "FR:urban"}) == 36
    busy = Driving(built_up_factor=0.25, rural_factor=0.5, congestion=2.0)
    assert seconds("car", busy, maxspeed="36", **{"zone:traffic": "FR:urban"}) == 72
    assert seconds("car", busy, maxspeed="36") == 18
    assert seconds("car", slow, highway="motorway", maxspeed="36") == 9


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50),
        ("30 mph", 30 * 1.609344),
        ("70 km/h", 70),
        ("FR:urban", 50),
        ("FR:rural", 80),
        ("FR:motorway", 130),
        ("FR:zone30", 30),
        ("FR:zone20", 20),
        ("FR:walk", 6),
        ("DE:30", 30),
        ("50; 30", 30),
        ("none", 130),
        ("walk", 6),
    ],
)
def test_tagged_limits(text, kmh):
    assert parse_kmh(text) == pytest.approx(kmh)


@pytest.mark.parametrize("text", ["signals", "", "0", "-5", "FR:", "fast"])
def test_limits_that_say_nothing(text):
    assert np.isnan(parse_kmh(text))


def test_french_defaults_in_and_outside_built_up_areas():
    tags = streets_of(
        ONE,
        [
            ("a", "b", {"highway": "secondary"}),
            ("a", "b", {"highway": "secondary"}),
            ("a", "b", {"highway": "motorway"}),
            ("a", "b", {"highway": "secondary", "maxspeed": "70"}),
            ("a", "b", {"highway": "secondary", "maxspeed": "signals"}),
        ],
    ).tags
    town = np.array([True, False, False, True, False])
    assert max_kmh(tags, town).tolist() == [50, 80, 130, 70, 80]


def test_built_up_where_residential_streets_are_dense(monkeypatch):
    """
    In one cell of 250 m 3 km of residential streets make 5.3 km/km2 over the nine cells
    around; the road 5 km away has none.
    """
    nodes, edges = {}, []
    for k in range(13):
        nodes |= {f"w{k}": (5, 19 * k + 5), f"e{k}": (245, 19 * k + 5)}
        edges.append((f"w{k}", f"e{k}"))
    nodes |= {"p": (5000, 0), "q": (5200, 0)}
    edges.append(("p", "q", {"highway": "secondary"}))
    edges.append(("w0", "e0", {"highway": "secondary", "maxspeed": "FR:rural"}))
    streets = streets_of(nodes, edges)
    found = built_up(streets)
    assert found[:13].all()
    assert found[13:].tolist() == [False, False]
    monkeypatch.setattr("mobility.streets.tags.DENSE_KM_PER_KM2", 8)
    assert not built_up(replace(streets)).any()


def test_an_extract_without_any_path_lets_walkers_on_the_roads():
    """Without footways, a bridge marked foot=no is walked: its footway is not in the file."""
    bridge = ("a", "b", {"highway": "secondary", "foot": "no", "bicycle": "use_sidepath"})
    fast = ("a", "b", {"highway": "trunk", "motorroad": "yes"})
    roads = streets_of(ONE, [bridge, fast])
    assert paths_missing(roads)
    assert np.isfinite(edge_times(roads, "walk", METRE_A_SECOND)[0]).tolist() == [True, False]
    assert np.isfinite(edge_times(roads, "bike", METRE_A_SECOND)[0]).tolist() == [True, False]
    assert "footway" in paths_missing_finding(roads).render("en")
    assert "à pied" not in paths_missing_finding(roads).render("fr")
    whole = streets_of(ONE, [bridge, ("a", "b", {"highway": "footway"})])
    assert paths_missing_finding(whole) is None
    assert np.isinf(edge_times(whole, "walk", METRE_A_SECOND)[0][0])


def test_a_line_layer_without_classes_is_not_taken_for_motor_roads():
    assert not paths_missing(streets_of(ONE, [("a", "b", {"highway": "road"})]))


def test_the_local_system():
    assert local_crs(-1.4, 46.7).to_epsg() == 32630
    assert local_crs(18.0, -33.0).to_epsg() == 32734
    assert local_crs(0, 0, "EPSG:2154").to_epsg() == 2154


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:999999", "lambert"])
def test_a_system_that_is_not_in_metres_is_refused(crs):
    with pytest.raises(SourceError, match="projected") as caught:
        local_crs(0, 0, crs)
    assert (caught.value.column, caught.value.value) == ("crs", crs)
