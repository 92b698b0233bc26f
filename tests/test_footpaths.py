import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_cases import DATA, METRE_A_SECOND, ORIGIN, lonlat, streets_of

from mobility.streets.arcs import TurnTimes
from mobility.streets.graph import streets_from_osm
from mobility.streets.paths import street_times
from mobility.timetable import footpaths
from mobility.timetable.footpaths import WalksBefore, WalkTable, home_walks, stop_walks

#   a ---- b ---- c        stops at 50 m, 150 m and 200 m, all on the street
LINE = ({"a": (0, 0), "b": (100, 0), "c": (200, 0)}, [("a", "b"), ("b", "c", {"oneway": "yes"})])
STOPS = [(150, 0), (50, 0), (200, 0)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mobility-shift"


def rows(table):
    return [
        list(zip(table.stop[a:b].tolist(), table.walk_s[a:b].tolist(), strict=True))
        for a, b in zip(table.ptr, table.ptr[1:], strict=False)
    ]


def test_rows_are_homes_sorted_by_walk_then_stop():
    """
    Home 0 at 100 m, 10 m aside: 60 s to both stops 0 and 1, 110 s to stop 2 (over the
    limit of 100). Home 1 is 3 km away. Home 2 at the end of the one-way street walks back.
    """
    homes = lonlat([(100, 10), (3000, 0), (200, 0)])
    table = home_walks(streets_of(*LINE), homes, lonlat(STOPS), 100, METRE_A_SECOND)
    assert rows(table) == [[(0, 60), (1, 60)], [], [(2, 0), (0, 50)]]
    assert (table.stop.dtype, table.walk_s.dtype, table.ptr.dtype) == ("int32", "int32", "int64")
    assert table.n_rows == 3


def test_both_sides_of_the_search_give_the_same_table():
    """Two homes and three stops search from homes; the homes four times over, from stops."""
    streets = streets_of(*LINE)
    homes = lonlat([(100, 10), (20, 7)])
    few = home_walks(streets, homes, lonlat(STOPS), 500, METRE_A_SECOND)
    many = home_walks(streets, np.tile(homes, (4, 1)), lonlat(STOPS), 500, METRE_A_SECOND)
    assert rows(many) == rows(few) * 4


def test_one_way_times_are_walked_in_the_direction_home_to_stop():
    """With times that allow b to c only, a home at a end cannot be reached from c."""
    streets = streets_of(*LINE)
    times = (np.full(2, 100, dtype=np.float32), np.full(2, np.inf, dtype=np.float32))
    stops = lonlat(STOPS)
    for copies in (1, 5):
        homes = np.tile(lonlat([(100, 0)]), (copies, 1))
        table = home_walks(streets, homes, stops, 500, METRE_A_SECOND, times=times)
        # Nothing is strongly connected, so that no point is put on these streets.
        assert rows(table) == [[]] * copies


def test_stops_reach_themselves_at_once_even_off_the_streets():
    """Stop 0 is 10 m beside the street: 0 s to itself, not twice its connector."""
    stops = lonlat([(150, 10), (50, 0), (3000, 0)])
    table = stop_walks(streets_of(*LINE), stops, 200, METRE_A_SECOND)
    assert rows(table) == [[(0, 0), (1, 110)], [(1, 0), (0, 110)], [(2, 0)]]


def test_the_table_is_cached_and_its_key_is_complete(own_cache):
    streets = streets_of(*LINE)
    homes, stops = lonlat([(100, 10)]), lonlat(STOPS)

    def entries(*, limit=100.0, where=homes, speeds=METRE_A_SECOND, net=streets):
        home_walks(net, where, stops, limit, speeds)
        return len(list((own_cache / "walks").iterdir()))

    assert [entries(), entries()] == [1, 1]
    assert entries(limit=99) == 2
    assert entries(where=homes + 1e-6) == 3
    assert entries(speeds=METRE_A_SECOND.model_copy(update={"walk_kmh": 5.0})) == 4
    other = streets_of(LINE[0], [("a", "b"), ("c", "b")])
    assert entries(net=other) == 5
    uncached = home_walks(streets, homes, stops, 100, METRE_A_SECOND, cache=False)
    assert rows(uncached) == rows(home_walks(streets, homes, stops, 100, METRE_A_SECOND))


def test_no_homes_or_no_stops():
    streets, none = streets_of(*LINE), np.zeros((0, 2))
    assert rows(home_walks(streets, none, lonlat(STOPS), 100, METRE_A_SECOND)) == []
    assert rows(home_walks(streets, lonlat([(0, 0)]), none, 100, METRE_A_SECOND)) == [[]]
    assert rows(stop_walks(streets, none, 100, METRE_A_SECOND)) == []


def test_points_outside_the_extract_have_no_walk():
    streets = streets_of(*LINE)
    table = home_walks(streets, np.array([[2.35, 48.85]]), lonlat(STOPS), 600, METRE_A_SECOND)
    assert rows(table) == [[]]


@pytest.mark.real
def test_walks_on_a_real_extract_are_symmetric_and_longer_than_a_bird_flies():
    path = DATA / "nantes" / "streets.osm.pbf"
    if not path.is_file():
        pytest.skip("real extracts are absent")
    streets = streets_from_osm(path)
    where = streets.unproject(streets.node_xy[:: streets.n_nodes // 60][:60])
    table = stop_walks(streets, where, 900, METRE_A_SECOND)
    row = np.repeat(np.arange(60), np.diff(table.ptr))
    matrix = np.full((60, 60), -1)
    matrix[row, table.stop] = table.walk_s
    np.testing.assert_array_equal(matrix, matrix.T)
    xy = streets.project(where[:, 0], where[:, 1])
    straight = np.hypot(*(xy[row] - xy[table.stop]).T)
    assert (table.walk_s >= straight - 1e-3).all()
    assert len(row) > 300


#: A grid of 12 x 12 junctions, 100 m apart.
GRID = [(x, y) for x in range(12) for y in range(12)]
GRID_STREETS = streets_of(
    {f"{x} {y}": (100 * x, 100 * y) for x, y in GRID},
    [
        (f"{x} {y}", f"{x + dx} {y + dy}")
        for x, y in GRID
        for dx, dy in ((1, 0), (0, 1))
        if (x + dx, y + dy) in GRID
    ],
)


def times_at_some_hour(rng):
    """Draw what is closed, slow, barred or for local traffic at an hour: little of the grid."""
    m = GRID_STREETS.n_edges
    uv, vu = (GRID_STREETS.length_m.astype(np.float32) for _ in range(2))
    for way in (uv, vu):
        way[rng.integers(m, size=rng.integers(3))] = np.inf
        way[rng.integers(m, size=rng.integers(2))] *= 2
    turns = [
        (2 * a + int(forward), 2 * b + int(onward))
        for a, b in rng.integers(m, size=(400, 2))
        for forward, onward in [rng.integers(2, size=2)]
        if turn_at(a, forward) == turn_at(b, 1 - onward) and a != b
    ]
    few = turns[: rng.integers(3)]
    local = np.isin(np.arange(m), rng.integers(m, size=rng.integers(3)))
    return TurnTimes(
        uv, vu, np.array(few, dtype=np.int64).reshape(-1, 2), (), local if local.any() else None
    )


def turn_at(piece, backwards):
    """Return the junction to which a piece leads."""
    return (GRID_STREETS.edge_u if backwards else GRID_STREETS.edge_v)[piece]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_little_changed_is_walked_again_and_nothing_else_differs(seed):
    rng = np.random.default_rng(seed)
    before, after = times_at_some_hour(rng), times_at_some_hour(rng)
    homes, stops = (lonlat(rng.uniform(-20, 1120, (n, 2))) for n in (200, 100))
    asked = (GRID_STREETS, homes, stops, float(rng.choice([120, 250])), METRE_A_SECOND)
    usual = home_walks(*asked, times=before, cache=False)
    known = WalksBefore(usual, before)
    again = home_walks(*asked, times=after, before=known, cache=False)
    assert rows(again) == rows(home_walks(*asked, times=after, cache=False))


def test_a_home_far_from_what_closes_is_not_asked_again(monkeypatch):
    """One street of the grid closes: 2 of the 3 homes are further from its ends than they walk."""
    length = GRID_STREETS.length_m.astype(np.float32)
    none = np.zeros((0, 2), dtype=np.int64)
    shut = length.copy()
    shut[0] = np.inf
    homes, stops = lonlat([(10, 0), (600, 550), (550, 600)]), lonlat([(0, 50), (600, 600)])
    asked = (GRID_STREETS, homes, stops, 200.0, METRE_A_SECOND)
    before = TurnTimes(length, length, none)
    known = WalksBefore(home_walks(*asked, times=before, cache=False), before)
    searched = []

    def counted(streets, times, first, second, **more):
        searched.append(len(first))
        return street_times(streets, times, first, second, **more)

    monkeypatch.setattr(footpaths, "street_times", counted)
    home_walks(*asked, times=TurnTimes(shut, shut, none), before=known, cache=False)
    assert searched == [1]


def shut_beside_a_tail():
    """Return streets, and times before and after a bridge to a tail of theirs closes.

    The tail, 240 m, is no street to attach places to once it cannot be left.
    """
    nodes = {f"{x} {y}": (100 * x, 100 * y) for x, y in GRID}
    tail = {f"t{k}": (-60, 50 + 60 * k) for k in range(5)}
    grid = [(names[u], names[v]) for u, v in zip(*(GRID_STREETS.edge_u, GRID_STREETS.edge_v),
            strict=True) for names in [[*nodes]]]  # fmt: skip
    along = [(f"t{k}", f"t{k + 1}") for k in range(4)]
    streets = streets_of(nodes | tail, [*grid, *along, ("0 0", "t0")])
    times = streets.length_m.astype(np.float32)
    shut = times.copy()
    shut[-1] = np.inf
    none = np.zeros((0, 2), dtype=np.int64)
    return streets, TurnTimes(times, times, none), TurnTimes(shut, shut, none)


@pytest.mark.parametrize("turned", [False, True])
def test_who_is_attached_elsewhere_walks_elsewhere(turned):
    """A place on the tail moves to the street of the grid 55 m away; the bridge is 235 m away.

    From 65 m up that street, 10 m aside: 10 + 65 + 55 = 130 s.
    """
    streets, before, after = shut_beside_a_tail()
    places = lonlat([(-55, 285)]), lonlat([(10, 350)])
    asked = (streets, *(places[::-1] if turned else places), 150.0, METRE_A_SECOND)
    usual = home_walks(*asked, times=before, cache=False)
    assert rows(usual) == [[]]
    known = WalksBefore(usual, before)
    assert rows(home_walks(*asked, times=after, before=known, cache=False)) == [[(0, 130)]]


def test_what_changes_ahead_on_a_one_way_ring_concerns_who_comes_to_it():
    """
    Homes at 50 m of three of twelve one-way streets of 200 m in a ring, a stop at 700 m. The third
    street slows down to half the pace: 650 s become 850 for the first home; others are too far.
    """
    angle = np.arange(12) * np.pi / 6
    radius = 100 / np.sin(np.pi / 12)
    corners = zip(radius * np.cos(angle), radius * np.sin(angle), strict=True)
    streets = streets_of({str(k): xy for k, xy in enumerate(corners)},
                         [(str(k), str((k + 1) % 12)) for k in range(12)])  # fmt: skip
    ends = streets.node_xy - ORIGIN
    homes = lonlat([ends[k] * 0.75 + ends[(k + 1) % 12] * 0.25 for k in (0, 9, 10)])
    stops = lonlat([ends[3] * 0.5 + ends[4] * 0.5])
    back = np.full(12, np.inf, dtype=np.float32)
    none = np.zeros((0, 2), dtype=np.int64)
    on = np.full(12, 200, dtype=np.float32)
    slow = on.copy()
    slow[2] *= 2
    asked = (streets, homes, stops, 1000.0, METRE_A_SECOND)
    usual = home_walks(*asked, times=TurnTimes(on, back, none), cache=False)
    assert rows(usual) == [[(0, 650)], [], []]
    known = WalksBefore(usual, TurnTimes(on, back, none))
    again = home_walks(*asked, times=TurnTimes(slow, back, none), before=known, cache=False)
    assert rows(again) == [[(0, 850)], [], []]


def test_a_street_closed_to_through_traffic_concerns_who_crosses_it():
    """From (50, 0) to (250, 0) along one side of the grid, 200 s; round the next square, 400 s."""
    length = GRID_STREETS.length_m.astype(np.float32)
    none = np.zeros((0, 2), dtype=np.int64)
    ends = zip(GRID_STREETS.edge_u, GRID_STREETS.edge_v, strict=True)
    middle = [{GRID[u], GRID[v]} == {(1, 0), (2, 0)} for u, v in ends]
    before = TurnTimes(length, length, none)
    after = TurnTimes(length, length, none, (), np.array(middle))
    homes, stops = lonlat([(50, 0), (1000, 1050), (1050, 1000)]), lonlat([(250, 0)])
    asked = (GRID_STREETS, homes, stops, 450.0, METRE_A_SECOND)
    usual = home_walks(*asked, times=before, cache=False)
    assert rows(usual) == [[(0, 200)], [], []]
    known = WalksBefore(usual, before)
    again = home_walks(*asked, times=after, before=known, cache=False)
    assert rows(again) == [[(0, 400)], [], []]


def test_a_table_is_parted_by_its_rows_and_by_its_stops():
    """Three rows, four stops: a walk takes ten times its row plus its stop."""
    pairs = [(0, 1), (0, 3), (1, 0), (1, 2), (1, 3), (2, 2)]
    row, stop = np.array(pairs).T
    table = WalkTable(
        np.array([0, 2, 5, 6]), stop.astype(np.int32), (10 * row + stop).astype(np.int32)
    )

    def told(one: WalkTable) -> list[tuple[int, int, int]]:
        columns = (one.rows, one.stop, one.walk_s)
        return list(zip(*(c.tolist() for c in columns), strict=True))

    first, rest = table.parted_rows(1)
    assert (first.n_rows, rest.n_rows) == (1, 2)
    assert told(first) == [(0, 1, 1), (0, 3, 3)]
    assert told(rest) == [(0, 0, 10), (0, 2, 12), (0, 3, 13), (1, 2, 22)]
    first, rest = table.parted_stops(2)
    assert (first.n_rows, rest.n_rows) == (3, 3)
    assert told(first) == [(0, 1, 1), (1, 0, 10)]
    assert told(rest) == [(0, 1, 3), (1, 0, 12), (1, 1, 13), (2, 0, 22)]
