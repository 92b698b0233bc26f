import numpy as np
import pytest
from street_cases import METRE_A_SECOND, streets_of

from mobility.streets.modes import edge_times
from mobility.streets.tags import lit, night_safe, traffic_stress


def street(**tags):
    """One 90 m street far from any built-up area."""
    tags = {k.replace("__", ":"): v for k, v in tags.items()}
    return streets_of({"a": (0, 0), "b": (90, 0)}, [("a", "b", tags)])


@pytest.mark.parametrize(
    ("tags", "level"),
    [
        ({"highway": "cycleway"}, 1),
        ({"highway": "path"}, 1),
        ({"highway": "residential", "maxspeed": "30"}, 1),
        ({"highway": "living_street"}, 1),
        ({"highway": "tertiary", "maxspeed": "30"}, 2),
        ({"highway": "residential", "maxspeed": "50"}, 2),
        ({"highway": "tertiary", "maxspeed": "50"}, 3),
        ({"highway": "residential", "maxspeed": "50", "lanes": "3"}, 3),
        ({"highway": "secondary", "maxspeed": "50", "lanes": "4"}, 4),
        ({"highway": "secondary", "maxspeed": "80"}, 4),
        ({"highway": "secondary"}, 4),
        ({"highway": "secondary", "maxspeed": "50", "cycleway": "lane"}, 2),
        ({"highway": "secondary", "maxspeed": "60", "cycleway__right": "lane"}, 3),
        ({"highway": "secondary", "maxspeed": "80", "cycleway": "lane"}, 4),
        ({"highway": "residential", "maxspeed": "30", "cycleway": "lane"}, 1),
        ({"highway": "secondary", "maxspeed": "80", "cycleway__both": "track"}, 1),
    ],
)
def test_traffic_stress(tags, level):
    found = traffic_stress(street(**tags))
    assert found.tolist() == [level]
    assert found.dtype == np.int8


@pytest.mark.parametrize(
    ("tags", "walk", "bike"),
    [
        # An unlit country road at 80 km/h, without and with a sidewalk or cycle track.
        ({"highway": "secondary", "lit": "no"}, False, False),
        ({"highway": "secondary", "lit": "no", "sidewalk": "right"}, True, False),
        ({"highway": "secondary", "lit": "no", "cycleway": "track"}, False, True),
        ({"highway": "secondary", "lit": "no", "cycleway": "lane"}, False, False),
        ({"highway": "secondary", "lit": "yes"}, True, True),
        ({"highway": "secondary", "lit": "24/7"}, True, True),
        ({"highway": "secondary", "lit": "no", "maxspeed": "30"}, True, True),
        ({"highway": "secondary", "lit": "no", "maxspeed": "31"}, False, False),
        ({"highway": "living_street", "lit": "no"}, True, True),
        ({"highway": "footway", "lit": "no"}, True, True),
        ({"highway": "cycleway", "lit": "no"}, True, True),
    ],
)
def test_where_the_dark_is_unsafe(tags, walk, bike):
    streets = street(**tags)
    assert night_safe(streets, "walk").tolist() == [walk]
    assert night_safe(streets, "bike").tolist() == [bike]


def test_a_street_without_lit_tag_is_what_the_switch_says():
    country, town = street(highway="secondary"), street(highway="tertiary", maxspeed="FR:urban")
    assert [bool(lit(country, assume_lit=a)[0]) for a in ("built_up", "always", "never")] == [
        False, True, False,
    ]  # fmt: skip
    assert [bool(lit(town, assume_lit=a)[0]) for a in ("built_up", "always", "never")] == [
        True, True, False,
    ]  # fmt: skip
    dark = street(highway="secondary", lit="no")
    assert not lit(dark, assume_lit="always")[0]


def test_times_at_night_leave_unsafe_streets_out_and_driving_as_it_is():
    dark = street(highway="secondary", lit="no")
    for mode in ("walk", "bike", "e_bike"):
        assert np.isfinite(edge_times(dark, mode, METRE_A_SECOND)[0]).all()
        uv, vu = edge_times(dark, mode, METRE_A_SECOND, safe_at_night=True)
        assert np.isinf(uv).all()
        assert np.isinf(vu).all()
    day = edge_times(dark, "car", METRE_A_SECOND)
    night = edge_times(dark, "car", METRE_A_SECOND, safe_at_night=True)
    np.testing.assert_array_equal(day, night)


def test_the_switch_reaches_the_times():
    unknown = street(highway="secondary")
    never = edge_times(unknown, "walk", METRE_A_SECOND, safe_at_night=True, assume_lit="never")
    always = edge_times(unknown, "walk", METRE_A_SECOND, safe_at_night=True, assume_lit="always")
    assert np.isinf(never[0][0])
    assert always[0][0] == 90
