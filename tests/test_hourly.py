"""Streets at some hour from those of all hours, against the same worked out anew."""

import datetime as dt
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from street_cases import METRE_A_SECOND, lonlat, osm_text

from mobility.sources.osm.reader import read_osm
from mobility.streets import hour_times, snap
from mobility.streets.arcs import TurnTimes, arcs, barred_of, sequences_of
from mobility.streets.graph import streets_from_tables
from mobility.streets.hourly import arcs_at
from mobility.streets.hours import Place, state_at, streets_in
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_times
from mobility.timetable.footpaths import walk_snaps

PARIS = Place(48.9, 2.3, ZoneInfo("Europe/Paris"))
MOMENTS = [dt.datetime(2026, 11, day, hour) for day in (17, 22) for hour in (3, 8, 12, 21)]
HOURS = ("06:00-20:00", "20:00-06:00", "07:00-09:00", "Su 00:00-24:00", "Mo-Fr 06:00-22:00")
SIDE = 6
# Some three blocks.
LIMIT_S = {"walk": 300.0, "bike": 90.0, "car": 40.0}


def street(rng, hours, most):
    """Return the tags of a street, with one of the first of what may be said of it."""
    tags = {"highway": ("residential", "track", "footway")[rng.integers(3)]}
    said = (
        {"access:conditional": f"no @ ({hours})"},
        {"maxspeed:conditional": f"{(10, 90)[rng.integers(2)]} @ ({hours})"},
        {"vehicle:conditional": f"destination @ ({hours})"},
        {"oneway": "yes"},
        {"access": "destination"},
    )
    return tags | (said[rng.integers(most)] if rng.random() < 0.36 else {})


def town(tmp_path, seed):
    """Return a town of blocks where much depends on the hour, drawn at random."""
    rng = np.random.default_rng(seed)

    def hours():
        return HOURS[rng.integers(len(HOURS))]

    nodes, ways, rules = {}, [], []
    for x in range(SIDE):
        for y in range(SIDE):
            shut = rng.random()
            tags = {"barrier": "gate"} if shut < 0.25 else {}
            if shut < 0.15:
                tags["opening_hours"] = hours()
            elif shut < 0.2:
                tags["access"] = ("no", "destination")[rng.integers(2)]
            nodes[1 + x * SIDE + y] = (100 * x + 20 * rng.random(), 100 * y, tags)
    for ref in nodes:
        for other in (ref + SIDE, ref + 1):
            if other not in nodes or (other == ref + 1 and ref % SIDE == 0) or rng.random() < 0.15:
                continue
            tags = street(rng, hours(), 5 if seed % 3 else 2)
            ways.append((100 + len(ways), [ref, other], tags))
    for _ in range(6):
        one, other = rng.integers(len(ways), size=2)
        common = {*ways[one][1]} & {*ways[other][1]}
        if common and one != other:
            members = [(ways[one][0], "from"), (common.pop(), "via"), (ways[other][0], "to")]
            said = {"type": "restriction", "restriction": "no_right_turn"}
            if rng.random() < 0.5:
                said = {
                    "type": "restriction",
                    "restriction:conditional": f"no_right_turn @ ({hours()})",
                }
            rules.append((1000 + len(rules), members, said))
    path = tmp_path / "town.osm"
    path.write_text(osm_text(nodes, ways, rules))
    return streets_from_tables(read_osm(path))


def parts(label):
    """Return which pieces have a label, and which of these share one."""
    known = label >= 0
    return known.tolist(), (label[known][:, None] == label[known]).tolist()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("mode", ["walk", "bike", "car"])
def test_an_hour_from_all_hours_is_that_hour(tmp_path, seed, mode):
    streets = town(tmp_path, seed)
    rng = np.random.default_rng(seed)
    points = lonlat(rng.uniform(0, 100 * (SIDE - 1), (60, 2)))
    usual = edge_times(streets, mode, METRE_A_SECOND)
    for moment in MOMENTS:
        here = streets_in(streets, state_at(streets, moment, PARIS))
        if here.at is None:
            continue
        times = edge_times(here, mode, METRE_A_SECOND)
        plain = TurnTimes(*times, barred_of(times), sequences_of(times))
        assert parts(snap.components(here, times)) == parts(snap._components(here, plain))
        places = walk_snaps(here, times, points)
        targets = places.take(slice(8, None))
        for k, reverse in product(range(8), (False, True)):
            # From one source at a time: no other is concerned by the hour in its place.
            sources = places.take(slice(k, k + 1))
            asked = {"limit_s": LIMIT_S[mode], "connector_speed_ms": 10.0, "reverse": reverse}
            expected = pairs(street_times(streets_like(here), times, sources, targets, **asked))
            assert pairs(street_times(here, times, sources, targets, **asked)) == expected
            known = hour_times.reference(here, usual, times, sources, targets)
            again = hour_times.street_times_at(here, known, times, sources, targets, **asked)
            assert pairs(again) == expected
        net, known = arcs_at(here, times), arcs(here, times)
        assert np.array_equal(np.unique(net.code), np.unique(known.code))


def test_a_street_that_opens_is_entered_from_a_corner_come_to_another_way(tmp_path):
    """No usual way enters it there, and what else the hour closes leads to that corner."""
    open_then, shut_then = ({"access": a, "access:conditional": f"{b} @ (06:00-09:00)"}
                            for a, b in (("no", "yes"), ("yes", "no")))  # fmt: skip
    nodes = {1: (0, 0), 2: (100, 0), 3: (100, -480), 4: (50, 140), 6: (-50, 0)}
    road = {"highway": "residential"}
    ways = [
        (10, [6, 1], road),
        (11, [1, 2], road | shut_then),
        (12, [1, 4, 2], road),
        (13, [1, 3], road),
        (14, [2, 3], road | open_then),
    ]
    path = tmp_path / "corner.osm"
    path.write_text(osm_text({ref: (*xy, {}) for ref, xy in nodes.items()}, ways, []))
    streets = streets_from_tables(read_osm(path))
    here = streets_in(streets, state_at(streets, dt.datetime(2026, 11, 17, 7), PARIS))
    usual, times = (edge_times(one, "car", METRE_A_SECOND) for one in (streets, here))
    places = walk_snaps(here, times, lonlat([(-20, 0), (100, -10)]))
    sources, targets = places.take(slice(0, 1)), places.take(slice(1, 2))
    asked = {"limit_s": 3600, "connector_speed_ms": 10.0, "reverse": False}
    expected = pairs(street_times(streets_like(here), times, sources, targets, **asked))
    known = hour_times.reference(here, usual, times, sources, targets)
    assert pairs(hour_times.street_times_at(here, known, times, sources, targets, **asked)) == (
        expected
    )
    assert len(expected) == 1


def streets_like(here):
    """Return streets that are not known to be those of some hour: all is worked out of them."""
    return here.at[0]


def pairs(table):
    """Return the seconds of each pair."""
    row = np.repeat(np.arange(len(table.ptr) - 1), np.diff(table.ptr))
    return dict(
        zip(
            zip(row.tolist(), table.target.tolist(), strict=True),
            table.time_s.tolist(),
            strict=True,
        )
    )
