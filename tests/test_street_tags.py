"""One street for each way of tagging: who may take it, there and back."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from street_cases import METRE_A_SECOND, osm_text

from mobility.sources.osm.reader import read_osm
from mobility.sources.osm.ways import OTHER_WAYS
from mobility.streets.graph import streets_from_tables
from mobility.streets.hours import Place, hours_findings, state_at, streets_in
from mobility.streets.modes import access_finding, edge_times
from mobility.streets.turns import stopped_by

PLACE = Place(48.9, 2.3, ZoneInfo("Europe/Paris"))
NOON = dt.datetime(2026, 11, 17, 12)
# Who may go there and back: w and W on foot, b and B by bicycle, c and C by car.
ALL = "wWbBcC"
STREET = {"highway": "residential"}
FOOTWAY = {"highway": "footway"}
FERRY = {"route": "ferry", "duration": "00:10"}

TAGS = [
    # Letters and lists.
    ({"highway": "Residential"}, ALL),
    (STREET | {"access": "Private"}, ""),
    (STREET | {"oneway": "Yes"}, "wWbc"),
    (STREET | {"motor_vehicle": "private,no"}, "wWbB"),
    (STREET | {"vehicle": "private;permissive"}, ALL),
    # Who is meant.
    (STREET | {"access": "private", "foot": "yes"}, "wW"),
    (STREET | {"motor_vehicle": "taxi"}, "wWbB"),
    (STREET | {"access": "residents"}, ALL),
    (STREET | {"foot": "use_sidepath"}, "bBcC"),
    (STREET | {"sidewalk": "separate"}, ALL),
    ({"highway": "track"}, "wWbB"),
    ({"highway": "track", "vehicle": "yes"}, ALL),
    (FOOTWAY | {"bicycle": "dismount"}, "wWbB"),
    # Directions.
    (STREET | {"junction": "roundabout"}, "wWbc"),
    (STREET | {"oneway": "yes", "oneway:bicycle": "no"}, "wWbBc"),
    (STREET | {"oneway": "yes", "bicycle:oneway": "no"}, "wWbBc"),
    (STREET | {"oneway": "yes", "bicycle:backward": "yes"}, "wWbBc"),
    (STREET | {"oneway": "yes", "cycleway:left:oneway": "no"}, "wWbBc"),
    (STREET | {"oneway": "yes", "cycleway:left:oneway": "no", "cycleway:left": "no"}, "wWbc"),
    (STREET | {"oneway:motor_vehicle": "yes"}, "wWbBc"),
    (STREET | {"oneway": "yes", "oneway:motor_vehicle": "no"}, "wWbcC"),
    (STREET | {"motor_vehicle:backward": "no"}, "wWbBc"),
    (STREET | {"motor_vehicle:forward": "no"}, "wWbBC"),
    (STREET | {"vehicle:backward": "no"}, "wWbc"),
    (STREET | {"vehicle:backward": "no", "bicycle:backward": "yes"}, "wWbBc"),
    (STREET | {"oneway:bicycle": "-1"}, "wWBcC"),
    (FOOTWAY | {"oneway:foot": "yes"}, "wbB"),
    (FOOTWAY | {"foot:backward": "no"}, "wbB"),
    ({"highway": "steps", "conveying": "forward"}, "w"),
    ({"highway": "steps", "conveying": "backward"}, "W"),
    ({"highway": "steps", "conveying": "reversible"}, "wW"),
    # What is there today.
    (STREET | {"construction": "yes"}, ""),
    (STREET | {"construction": "minor"}, ALL),
    (STREET | {"abandoned": "yes"}, ""),
    ({"highway": "construction", "construction": "residential"}, ""),
    (STREET | {"smoothness": "impassable"}, "wW"),
    # Ferries.
    (FERRY | {"motor_vehicle": "yes"}, "cC"),
    (FERRY | {"vehicle": "yes"}, "cC"),
    (FERRY | {"motorcar": "yes;hgv"}, "cC"),
    ({"route": "ferry;bicycle", "motorcar": "yes"}, "cC"),
    (FERRY | {"motor_vehicle": "yes", "motorcar": "no"}, ""),
    (FERRY | {"foot": "yes"}, ""),
    # At noon.
    (STREET | {"motor_vehicle:conditional": "No @ (06:00-22:00)"}, "wWbB"),
    (STREET | {"vehicle:backward:conditional": "no @ (06:00-22:00)"}, "wWbc"),
    (STREET | {"motor_vehicle:backward:conditional": "no @ (20:00-22:00)"}, ALL),
    (STREET | {"oneway:motor_vehicle:conditional": "yes @ (06:00-22:00)"}, "wWbBc"),
    (STREET | {"oneway:conditional": "-1 @ (06:00-22:00)"}, "wWBC"),
]


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """Return each way of `TAGS`, 100 m long and alone, at noon; way 1 is no such case."""
    nodes = {k: (100 * (k % 2), 50.0 * (k // 2)) for k in range(2, 2 * len(TAGS) + 4)}
    ways = [(k + 2, [2 * k + 2, 2 * k + 3], tags) for k, (tags, _) in enumerate(TAGS)]
    last = 2 * len(TAGS) + 2
    path = tmp_path_factory.mktemp("tags") / "s.osm"
    path.write_text(osm_text(nodes, [*ways, (1, [last, last + 1], {"highway": "path"})]))
    streets = streets_from_tables(read_osm(path))
    return streets_in(streets, state_at(streets, NOON, PLACE))


def open_to(streets, way):
    rows = np.flatnonzero(streets.tags["osm_id"] == way)
    letters = ""
    for mode in ("walk", "bike", "car"):
        for seconds, letter in zip(edge_times(streets, mode, METRE_A_SECOND), "wW", strict=False):
            first = mode[0] if letter == "w" else mode[0].upper()
            letters += first if np.isfinite(seconds[rows]).any() else ""
    return letters


def test_who_may_take_each_street(streets):
    found = {k: (tags, open_to(streets, k + 2)) for k, (tags, _) in enumerate(TAGS)}
    wrong = [
        (tags, letters, TAGS[k][1])
        for k, (tags, letters) in found.items()
        if set(letters) != set(TAGS[k][1])
    ]
    assert not wrong


def test_what_is_no_street_is_told_by_reason(streets):
    left = streets.ledger.left_out
    assert left[OTHER_WAYS["not_travelled"]] == 3
    assert left[OTHER_WAYS["ferry"]] == 2
    assert streets.ledger.read == len(TAGS) + 1


NODES = [
    ({"barrier": "rising_bollard"}, "wb"),
    ({"barrier": "entrance"}, "wbc"),
    ({"barrier": "entrance", "access": "no"}, ""),
    ({"barrier": "border_control", "motor_vehicle": "Private"}, "wb"),
    ({"barrier": "cattle_grid", "access": "private", "foot": "yes"}, "w"),
    ({"barrier": "toll_booth", "access:conditional": "no @ (06:00-22:00)"}, ""),
    ({"barrier": "kerb", "access": "no"}, "wbc"),
]


@pytest.mark.parametrize(("tags", "passes"), NODES)
def test_who_passes_a_barrier(tmp_path, tags, passes):
    path = tmp_path / "s.osm"
    nodes = {1: (0, 0), 2: (100, 0, tags), 3: (200, 0)}
    path.write_text(osm_text(nodes, [(9, [1, 2, 3], STREET)]))
    streets = streets_from_tables(read_osm(path))
    then = streets_in(streets, state_at(streets, NOON, PLACE)).barriers
    stopped = {m[0]: bool(stopped_by(then, m).any()) for m in ("walk", "bike", "car")}
    assert {m for m, stop in stopped.items() if not stop} == set(passes)


def test_what_is_not_understood_is_told(tmp_path):
    path = tmp_path / "s.osm"
    ways = [
        (10, [1, 2], STREET | {"access": "knights;squires"}),
        (11, [2, 3], STREET | {"oneway": "reversible"}),
        (12, [3, 4], STREET | {"maxspeed": "50", "maxspeed:conditional": "30 @ (22:00-06:00)"}),
    ]
    nodes = {k: (100 * k, 0) for k in range(1, 5)}
    path.write_text(osm_text(nodes, ways))
    streets = streets_from_tables(read_osm(path))
    odd = access_finding(streets)
    assert (odd.count, odd.examples) == (1, ("knights;squires",))
    told = {f.code: f.count for f in hours_findings(streets)}
    assert told == {"by_the_hour": 1, "hours_unknown": 1}
    night = dt.datetime(2026, 11, 17, 23)
    slow, fast = (
        edge_times(streets_in(streets, state_at(streets, at, PLACE)), "car", METRE_A_SECOND)[0][2]
        for at in (night, NOON)
    )
    assert slow == pytest.approx(fast * 50 / 30)
