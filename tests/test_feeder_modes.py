"""Bicycle and car to a stop, on the street of `small`: 5 m/s by bicycle, 1 m/s on foot."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from feeds import trip, write_gtfs
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point
from small import LOCAL, NORTH, SERVICES, TRIPS, WEST, lonlat, write_territory

from mobility.base.errors import SourceError
from mobility.commute.access import assess
from mobility.commute.door_to_door import both_ways
from mobility.commute.feeder_modes import Feeder, _best_place, mixed
from mobility.commute.loading import load
from mobility.commute.study import engine_limits
from mobility.engine.journeys import HomeTimes
from mobility.sources.osm.background import (
    CARPOOL,
    HITCHING,
    PARK_RIDE,
    read_car_parks,
    with_car_parks,
)
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable

MORNING, NIGHT = 0, 2
SCHEMA = "id_lieu,nom_lieu,ad_lieu,com_lieu,insee,type,date_maj,ouvert,source,Xlong,Ylat,nbre_pl\n"


def write(folder: Path, mode: str, *, stops=None, trips=None, extra="", parks=""):
    path = write_territory(folder, extra=extra)
    if stops is not None:
        write_gtfs(
            folder / "gtfs.zip",
            stops={name: lonlat(east) for name, east in stops.items()},
            trips=[
                trip(name, [(a, t0), (b, t1)], service=which)
                for name, a, t0, b, t1, which in (TRIPS if trips is None else trips)
            ],
            services=SERVICES,
        )
    text = path.read_text(encoding="utf-8")
    text = text.replace('["transit", "walk"]', f'["transit", "walk", "{mode}"]')
    text = text.replace("walk_kmh = 3.6", "walk_kmh = 3.6\nbike_kmh = 18.0")
    if parks:
        (folder / "parks.csv").write_text(SCHEMA + parks, encoding="utf-8")
        text = text.replace("[sources]\n", '[sources]\ncar_parks = "parks.csv"\n')
    path.write_text(text, encoding="utf-8")
    return path


def seconds(access, mode, *, shift=MORNING, home=1):
    row = access.row(shift, "school_weekday", mode)
    return int(access.outbound_s[row, home]), int(access.return_s[row, home])


def ways(access, mode):
    """Outbound and return of every home on the morning shift."""
    study = access.study
    return both_ways(study, MORNING, study.days[0], mode, engine_limits(study.territory.limits))


def test_parked_bicycle_to_the_second(tmp_path):
    access = assess(load(write(tmp_path, "bike_transit")))
    # H2 rides 999.5 m in 200 s, locks in 60 s: home 260 s before the bus of 04:20, and back
    # home 260 s after the bus of 13:40. Cycling is no walking: H2, too far on foot, holds.
    assert seconds(access, "transit") == (INF, INF)
    assert seconds(access, "bike_transit") == (40 * 60 + 260, 40 * 60 + 260)
    assert [way.walk_s[1] for way in ways(access, "bike_transit")] == [240, 240]


def climb(path: Path, percent: float) -> None:
    """Write a raster that rises to the east along the whole street of `small`."""
    rasterio = pytest.importorskip("rasterio")
    east = np.arange(141) * 100 + 50 - 1000
    grid = np.tile(east * percent / 100, (20, 1)).astype(np.float32)
    transform = rasterio.transform.from_origin(WEST - 1000, NORTH + 1000, 100, 100)
    with rasterio.open(
        path, "w", driver="GTiff", height=20, width=141, count=1, dtype="float32", crs=LOCAL,
        transform=transform,
    ) as raster:  # fmt: skip
        raster.write(grid, 1)


def test_slopes_count_on_the_way_to_the_stop(tmp_path):
    """
    H2 lives 999.5 m from A. At 5 m/s on the flat 200 s; up 3 % 4.32 of 21.6 km/h slower, 250 s;
    down 2.58 faster, 179 s. The street rises to the east, H2 lives east of A or west of it.
    """
    path = write(tmp_path, "bike_transit")
    climb(tmp_path / "dem.tif", 3)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[sources]\n", '[sources]\nelevation = "dem.tif"\n'))
    out_s, back_s = seconds(assess(load(path)), "bike_transit")
    rides = sorted((out_s - 2400 - 60, back_s - 2400 - 60))
    assert rides == [pytest.approx(179, abs=2), pytest.approx(250, abs=2)]


def test_longest_ride_to_the_stop_binds(tmp_path):
    extra = "[limits]\nmax_bike_to_stop_min = 3\n"
    access = assess(load(write(tmp_path, "bike_transit", extra=extra)))
    assert seconds(access, "bike_transit") == (INF, INF)
    # H1 rides 299.5 m: 60 s.
    assert seconds(access, "bike_transit", home=0) == (40 * 60 + 120, 40 * 60 + 120)


def test_a_bicycle_left_at_one_stop_is_not_at_another(tmp_path):
    # Out from A; back the bus calls at C only, 400 m further: the bicycle is at A.
    trips = [t if t[0] == "early" else (*t[:3], "C", *t[4:]) for t in TRIPS]
    stops = {"A": 1000, "B": 11_000, "C": 1400}
    access = assess(load(write(tmp_path / "far", "bike_transit", stops=stops, trips=trips)))
    assert seconds(access, "bike_transit") == (40 * 60 + 260, INF)
    # With C 80 m away, 80 s on foot, the bicycle at A is fetched; at C it would take longer.
    stops["C"] = 1079.5
    access = assess(load(write(tmp_path / "near", "bike_transit", stops=stops, trips=trips)))
    assert seconds(access, "bike_transit") == (40 * 60 + 260, 40 * 60 + 80 + 260)


def test_carried_bicycle_rides_at_both_ends(tmp_path):
    # The bus stops 2,239.5 m before the gate: 448 s by bicycle, too far on foot.
    stops = {"A": 1000, "B": 9000}
    extra = "[limits]\nmax_bike_to_stop_min = 15\n[feeders]\nbike = "
    parked = assess(
        load(write(tmp_path / "p", "bike_transit", stops=stops, extra=extra + '"parked"'))
    )
    assert seconds(parked, "bike_transit") == (INF, INF)
    both = assess(
        load(write(tmp_path / "c", "bike_transit", stops=stops, extra=extra + '"carried"'))
    )
    # The bus reaches B at 04:40: at the gate 04:47:28, before 04:50. H2 left 200 s before it.
    # Out of the gate 13:10, at B 13:17:28, before the bus of 13:20; home 200 s after 13:40.
    assert seconds(both, "bike_transit") == (2600, 2600)
    assert [way.rides[1] for way in ways(both, "bike_transit")] == [1, 1]


def test_park_and_ride_to_the_second(tmp_path):
    lon, lat = lonlat(900.5)
    parks = f"1,P+R Gare,,Droiteville,35001,Parking relais,2024-01-01,true,x,{lon},{lat},40\n"
    access = assess(load(write(tmp_path, "park_and_ride", parks=parks)))
    study = access.study
    assert len(study.streets.background["car_parks"]) == 1
    # The car park is 100 m from A: 100 s on foot, 120 s to park, and the drive of 899.5 m.
    feeder = study.feeders["park_and_ride"]
    (pair,) = np.flatnonzero(feeder.home == 1)
    drive_s = int(feeder.out_s[pair]) - 120
    ms = 899.5 / drive_s
    assert 8 < ms * 3.6 < 60
    assert seconds(access, "park_and_ride") == (2400 + 100 + 120 + drive_s,) * 2
    assert ways(access, "park_and_ride")[0].walk_s[1] == 340


def test_without_car_parks_nobody_parks(tmp_path):
    access = assess(load(write(tmp_path, "park_and_ride")))
    assert seconds(access, "park_and_ride") == (INF, INF)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_best_place_agrees_with_trying_every_place(data):
    n_homes, n_places = 4, 3
    draw_s = st.one_of(st.just(INF), st.integers(1, 20))
    pairs = [(h, p) for h in range(n_homes) for p in range(n_places) if data.draw(st.booleans())]
    counts = np.bincount([h for h, _ in pairs], minlength=n_homes)
    ptr = np.append(0, np.cumsum(counts)).astype(np.int64)
    place = np.array([p for _, p in pairs], np.int32)
    out = np.array([data.draw(draw_s) for _ in pairs], np.int32)
    back = np.array([data.draw(draw_s) for _ in pairs], np.int32)
    none = np.zeros(n_places, np.int32)
    walks = WalkTable(np.zeros(n_places + 1, np.int64), none[:0], none[:0])
    feeder = Feeder(ptr, place, out, back, (walks, walks))
    leg = HomeTimes(none, none.astype(np.int8), none, none)
    one, two = _best_place(feeder, [leg, leg], [out, back])
    for home in range(n_homes):
        mine = slice(ptr[home], ptr[home + 1])
        options = list(zip(out[mine].tolist(), back[mine].tolist(), strict=True))
        both = [o + b for o, b in options if o < INF and b < INF]
        found = int(one.elapsed_s[home]), int(two.elapsed_s[home])
        if both:
            assert sum(found) == min(both)
            assert found in options
        elif any(o < INF for o, _ in options):
            assert found == (min(o for o, _ in options), INF)
        else:
            assert found == (INF, min((b for _, b in options), default=INF))


def test_mixing_two_feeders_joins_their_pairs():
    walks = WalkTable(np.zeros(4, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    i32 = lambda *v: np.array(v, np.int32)  # noqa: E731
    one = Feeder(np.array([0, 2, 3]), i32(0, 2, 1), i32(10, 12, 14), i32(1, 2, 3), (walks, walks))
    two = Feeder(np.array([0, 1, 2]), i32(2, 1), i32(90, 91), i32(7, 8), (walks, walks))
    found = mixed(one, two)
    assert (found.ptr.tolist(), found.place.tolist()) == ([0, 2, 3], [0, 2, 1])
    assert found.out_s.tolist() == [10, 12, 14]
    assert found.back_s.tolist() == [INF, 7, 8]
    assert mixed(one, one) is one
    more = WalkTable(np.zeros(6, np.int64), walks.stop, walks.walk_s)
    wider = Feeder(two.ptr, i32(4, 1), two.out_s, two.back_s, (more, more))
    found = mixed(one, wider)
    assert [table.n_rows for table in found.walks] == [5, 5]
    assert found.place.tolist() == [0, 2, 4, 1]


def test_schema_of_car_pool_places(tmp_path):
    path = tmp_path / "lieux.csv"
    path.write_text(
        SCHEMA
        + "1,Les Romains,,Rouen,76540,Aire de covoiturage,2024-01-01,true,x,1.1,49.4,12\n"
        + "2,Gare,,Rouen,76540,Parking relais,2024-01-01,TRUE,x,1.2,49.4,\n"
        + "3,Fermé,,Rouen,76540,Parking,2024-01-01,false,x,1.3,49.4,5\n"
        + "4,Pouce,,Rouen,76540,Auto-stop,2024-01-01,1,x,1.4,49.4,0\n",
        encoding="utf-8",
    )
    found = read_car_parks(path)
    assert found["kind"].tolist() == [CARPOOL, PARK_RIDE, HITCHING]
    assert found["name"].tolist() == ["Les Romains", "Gare", "Pouce"]
    assert found["capacity"].isna().tolist() == [False, True, False]
    assert found.geometry.x.tolist() == [1.1, 1.2, 1.4]


@pytest.mark.parametrize("name", ["homes.csv", "homes.gpkg"])
def test_what_has_coordinates_alone_is_no_list_of_car_parks(tmp_path, name):
    """Homes have a place and a name too; each would have become a car park."""
    frame = pd.DataFrame({"name": ["Les Romains"], "workers": [12], "lon": [1.1], "lat": [49.4]})
    if name.endswith("csv"):
        frame.to_csv(tmp_path / name, index=False)
    else:
        gpd.GeoDataFrame(frame, geometry=[Point(1.1, 49.4)], crs=4326).to_file(tmp_path / name)
    with pytest.raises(SourceError, match=f"{name}.*field type.*workers"):
        read_car_parks(tmp_path / name)


def test_a_wrong_coordinate_names_the_row(tmp_path):
    path = tmp_path / "lieux.csv"
    path.write_text(
        SCHEMA + "1,A,,,1,Parking,,true,x,1.1,49.4,\n2,B,,,1,Parking,,true,x,1.1,490,\n"
    )
    with pytest.raises(SourceError, match="row 3"):
        read_car_parks(path)


def test_layers_are_read_and_places_known_twice_are_kept_once(tmp_path):
    here = [Point(*lonlat(x)) for x in (0, 5000)]
    own = gpd.GeoDataFrame(
        {"name": ["Mine", "Thumb"], "type": ["P+R relais", "auto-stop"]}, geometry=here, crs=4326
    )
    own.to_file(tmp_path / "own.gpkg")
    theirs = gpd.GeoDataFrame(
        {
            "osm_id": [7, 8],
            "name": ["same", "other"],
            "kind": [CARPOOL] * 2,
            "capacity": [None] * 2,
        },
        geometry=[Point(*lonlat(60)), Point(*lonlat(160))],
        crs=4326,
    )
    read = read_car_parks(tmp_path / "own.gpkg")
    both = with_car_parks(theirs, read, LOCAL)
    # The record 60 m away is the same place; that 160 m away is another; nobody parks a thumb.
    assert both["name"].tolist() == ["Mine", "other"]
    assert both["osm_id"].tolist() == [-1, 8]
    assert with_car_parks(None, read, LOCAL)["name"].tolist() == ["Mine"]
