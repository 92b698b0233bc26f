"""Who has a colleague on the way: by hand, and against every way people could live."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import lonlat, write_territory

from mobility.commute.carpool import (
    Crew,
    carpool_table,
    chances,
    colleagues,
    compatible,
    crew,
    in_full_cars,
    measure,
    meeting_points,
    partners,
)
from mobility.commute.drives import Drives
from mobility.commute.loading import load
from mobility.territory.project import Carpool
from mobility.timetable.arrays import INF


def line(metres, site_at, *, ms=10):
    """Homes on one straight road at ``ms`` metres a second, sites at some places of it."""
    x, s = np.array(metres), np.array(site_at)
    gap = lambda a, b: np.abs(a[:, None] - b[None, :]) // ms  # noqa: E731
    return Drives(gap(x, x), gap(s, x), gap(s, x), gap(s, s))


def test_detour_by_hand():
    # Site at 0. From 6 km one passes 3 km on the way: no detour. The other way round the driver
    # of 3 km goes 3 km back and forth: 600 s more.
    drives = line([6000, 3000], [0])
    assert compatible(drives, 0, 0, 599).tolist() == [[True, True], [True, True]]
    # On either side of the site nobody is on the way: 2 x 300 s of detour.
    drives = line([3000, -3000], [0])
    assert compatible(drives, 0, 0, 599).tolist() == [[True, False], [False, True]]
    assert compatible(drives, 0, 0, 600).all()


def test_two_sites_on_one_road():
    # Homes at 9 km, sites at 0 and 1 km: the second is on the way to the first.
    drives = line([9000], [0, 1000])
    assert compatible(drives, 0, 1, 0).all()
    # Sites 4 km apart on both sides of the home: 400 s between them and back is too far.
    assert not compatible(line([0], [-2000, 2000]), 0, 1, 399).any()
    assert compatible(line([0], [-2000, 2000]), 0, 1, 400).all()


def test_a_home_without_a_road_shares_nothing():
    drives = line([3000, 6000], [0])
    drives.to_site[0, 0] = INF
    assert compatible(drives, 0, 0, 10_000).tolist() == [[False, False], [False, True]]


def test_two_workers_in_two_cells_by_hand():
    mine = Crew(0, 2, np.array([0.5, 0.5]))
    apart = np.eye(2, dtype=bool)
    # The one colleague lives in the same cell with chance one half; there is no second one.
    assert colleagues(mine, [mine], [apart])[:, 0] == pytest.approx([0.5, 0.0, 0.0])
    # With four workers: 1 - 1/8, then 1/2, then 1/8.
    four = Crew(0, 4, np.array([0.5, 0.5]))
    assert colleagues(four, [four], [apart])[:, 0] == pytest.approx([7 / 8, 1 / 2, 1 / 8])


def test_known_employees_are_drawn_without_replacement():
    # Three employees of the cell, all at work: exactly two colleagues each.
    all_three = Crew(0, 3, np.array([1.0, 0.0]), np.array([3.0, 0.0]))
    near = np.eye(2, dtype=bool)
    assert colleagues(all_three, [all_three], [near])[:, 0].tolist() == [1.0, 1.0, 0.0]
    # Two of four present, two in each cell: the colleague is the one neighbour among three.
    half = Crew(0, 2, np.array([0.5, 0.5]), np.array([2.0, 2.0]))
    assert colleagues(half, [half], [near])[0].tolist() == pytest.approx([1 / 3, 1 / 3])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_against_every_way_people_could_live(data):
    cells = data.draw(st.integers(1, 3))
    sizes = [data.draw(st.integers(1, 4)), data.draw(st.integers(0, 2))]
    shares = []
    for _ in sizes:
        weight = np.array([data.draw(st.integers(1, 4)) for _ in range(cells)], float)
        shares.append(weight / weight.sum())
    reach = []
    for k in range(2):
        matrix = np.array([[data.draw(st.booleans()) for _ in range(cells)] for _ in range(cells)])
        reach.append(matrix | np.eye(cells, dtype=bool) if k == 0 else matrix)
    crews = [Crew(k, sizes[k], shares[k]) for k in range(2)]
    expected = np.zeros(3)
    # Every assignment of workers of both shifts to cells, with its probability.
    for homes in product(range(cells), repeat=sizes[0] + sizes[1]):
        chance = np.prod([shares[int(w >= sizes[0])][c] for w, c in enumerate(homes)])
        for worker in range(sizes[0]):
            near = sum(
                bool(reach[int(other >= sizes[0])][homes[worker], home])
                for other, home in enumerate(homes)
                if other != worker
            )
            expected += chance * (near >= np.array([1, 2, 3]))
    found = colleagues(crews[0], crews, reach) @ shares[0] * sizes[0]
    assert found == pytest.approx(expected, abs=1e-9)


def test_full_cars_by_hand():
    # Three workers who pass for sure: two in a car of two, three in one of three.
    assert [in_full_cars(3, 1.0, k) for k in (2, 3, 4)] == pytest.approx([2, 3, 0])
    # Two, each with one chance in two: both pass with one in four.
    assert in_full_cars(2, 0.5, 2) == pytest.approx(0.5)


ROSTERS = (
    '[{ name = "2x8", shifts = [{ name = "m", start = "05:00", end = "13:00", headcount = 4 }]}]'
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("carpool")
    path = write_territory(folder, rosters=ROSTERS, extra="[carpool]\ndetour_min = 5\n")
    osm = folder / "streets.osm"
    lon, lat = lonlat(2000)
    village = (
        f'<node id="900" lat="{lat:.9f}" lon="{lon:.9f}" version="1">'
        '<tag k="place" v="village"/><tag k="name" v="Le Bourg"/></node><way'
    )
    osm.write_text(osm.read_text(encoding="utf-8").replace("<way", village, 1), encoding="utf-8")
    return load(path)


def test_table_of_a_territory_by_hand(study):
    drives, places, there = measure(study)
    found = carpool_table(study, chances(study, drives, study.territory.carpool))
    # H2 drives past H1, so all four are within the detour of one another.
    assert found["headcount"].tolist() == [4]
    assert found[["share_2", "share_3", "share_4"]].to_numpy().tolist() == [[1.0, 1.0, 1.0]]
    assert found["own_site_2"].tolist() == [4.0]
    assert places["name"].tolist() == ["Le Bourg"]
    shown = Carpool(detour_min=5, points=3)
    points = meeting_points(study, drives, places, there, shown)
    assert points[["name", "near", "in_2", "in_3", "in_4"]].to_numpy().tolist() == [
        ["Le Bourg", 4.0, 4.0, 3.0, 4.0]
    ]


def test_without_headcount_or_employees_nothing_is_said(tmp_path):
    study = load(write_territory(tmp_path))
    assert crew(study, study.shift_rows[0]) is None
    empty = carpool_table(study, chances(study, line([0, 1], [0]), Carpool()))
    assert isinstance(empty, pd.DataFrame)
    assert empty.empty


def test_shifts_of_close_hours_are_found_around_midnight(tmp_path):
    rosters = (
        '[{ name = "a", shifts = [{ name = "n", start = "23:55", end = "07:00" }]},'
        ' { name = "b", shifts = [{ name = "n", start = "00:05", end = "07:10" }]},'
        ' { name = "c", shifts = [{ name = "n", start = "00:05", end = "07:30" }]},'
        ' { name = "d", shifts = [{ name = "n", start = "23:55", end = "07:00", days = "sat" }]}]'
    )
    study = load(write_territory(tmp_path, rosters=rosters))
    rows = study.shift_rows
    assert [r.roster for r in partners(study, rows[0], 900)] == ["a", "b"]
    assert [r.roster for r in partners(study, rows[1], 1200)] == ["b", "a", "c"]


def test_a_car_park_beside_the_gate_comes_last(study):
    drives, places, there = measure(study)
    gate = lonlat(11_200)
    beside = {"name": "Gate", "kind": "carpool", "lon": gate[0], "lat": gate[1]}
    both = pd.concat([places, pd.DataFrame([beside])], ignore_index=True)
    # The second place: all pass it, and it is a second from the gate.
    near = np.column_stack([there.between, drives.to_site[0]])
    back = np.vstack([there.across, drives.from_site[0]])
    to_site = np.column_stack([there.to_site, [1]])
    from_site = np.column_stack([there.from_site, [1]])
    found = meeting_points(
        study, drives, both, Drives(near, to_site, from_site, back), Carpool(detour_min=5, points=3)
    )
    assert found["name"].iloc[0] == "Le Bourg"
    assert found["shared_min"].iloc[0] > 1
