"""Every row of a source is in a result or in its account, and the accounts close."""

from __future__ import annotations

import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from feeds import service, trip, write_gtfs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from street_cases import osm_text

from mobility.base.errors import SourceError
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.read import read_feed
from mobility.sources.homes.read import read_homes
from mobility.sources.osm.background import read_car_parks
from mobility.sources.osm.reader import read_osm
from mobility.streets.graph import streets_from_lines
from mobility.territory.project import Territory

DATA = Path(__file__).parents[2] / "shared" / "data"
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_an_account_that_does_not_close_is_refused():
    with pytest.raises(ValueError, match="does not close"):
        SourceLedger("a.csv", 3, 1, {"no id": 1})


def test_what_is_left_out_later_moves_over():
    account = SourceLedger.balanced("/d/a.csv", 5, {"no id": 2}).leaving("too far", 3)
    assert (account.read, account.used, account.left_out) == (7, 2, {"no id": 2, "too far": 3})
    assert account.to_json()["source"] == "a.csv"
    assert SourceLedger.balanced("/d/feed.zip/stops.txt", 1, {}).name == "feed.zip/stops.txt"


def ridden(feed):
    """bool[trips]: those of a known service with two stops, or booked."""
    trips = feed.trips
    return ((trips["service"] >= 0) & (feed.runnable | trips["on_demand"])).to_numpy()


@FEW
@given(
    calls=st.lists(
        st.tuples(st.sampled_from(["t", "u", "?"]), st.sampled_from(["A", "B", "Z", ""]),
                  st.integers(0, 20), st.booleans()),
        min_size=1, max_size=12,
    ),
    rides=st.lists(st.sampled_from(["t", "t", "u", ""]), min_size=1, max_size=4),
)  # fmt: skip
def test_each_row_of_a_timetable(calls, rides):
    """Stop times of known, unknown and missing trips and stops, booked ones among them."""
    stops = [{"stop_id": s, "stop_lat": 45.0, "stop_lon": x} for s, x in (("A", 4.0), ("B", 4.1))]
    sound = trip("sound", [("A", "05:00"), ("B", "05:10")], service="week")
    # The trip u belongs to no service.
    trips = [sound, *(trip(name, [], service="gone" * (name == "u") or "week") for name in rides)]
    window = {"start_pickup_drop_off_window": "05:00:00", "end_pickup_drop_off_window": "06:00:00"}
    rows = [
        {"stop_id": stop, "arrival_time": f"{6 + k}:00:00", "departure_time": f"{6 + k}:00:00",
         "trip_id": name, "stop_sequence": k} | (window if booked else {})
        for name, stop, k, booked in calls
    ]  # fmt: skip
    trips[0]["calls"] += rows
    with tempfile.TemporaryDirectory() as folder:
        write_gtfs(Path(folder) / "f.zip", stops=stops, trips=trips, services={"week": service()})
        feed = read_feed(Path(folder) / "f.zip", cache=False)
    accounts = {Path(r.source).stem: r for r in feed.rows}
    assert accounts["stop_times"].read == 2 + len(calls)
    assert accounts["stop_times"].used == ridden(feed)[feed.stop_times["trip"]].sum()
    assert accounts["trips"].read == 1 + len(rides)
    assert accounts["trips"].used == ridden(feed).sum()
    assert {"agency", "stops", "routes", "calendar", "feed_info", "attributions"} < set(accounts)


def test_the_rows_of_files_without_a_part_are_counted(tmp_path):
    """Fares, and shapes where every time is given; a text in quotes goes over two lines."""
    shapes = (
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\ns,45,4,1\n\ns,45,4.1,2\nz,45,5,1\n"
    )
    texts = {"shapes": shapes, "fare_attributes": 'fare_id,price\nf,"1\n2"\ng,3'}
    stops = {"A": (4.0, 45.0), "B": (4.05, 45.0), "C": (4.1, 45.0)}
    for name, calls in (
        ("timed", [("A", "05:00"), ("B", "05:05"), ("C", "05:10")]),
        ("filled", [("A", "05:00"), ("B", ""), ("C", "05:10")]),
    ):
        path = tmp_path / f"{name}.zip"
        write_gtfs(path, stops=stops, trips=[trip("t", calls, shape_id="s")], texts=texts)
        accounts = {r.name: r for r in read_feed(path, cache=False).rows}
        fares, drawn = (accounts[f"{name}.zip/{k}.txt"] for k in ("fare_attributes", "shapes"))
        assert (fares.read, fares.used, fares.left_out) == (2, 0, {"no part in a travel time": 2})
        assert drawn.read == 3
        # Times are filled in along the shape of the trip; the other shape has no trip.
        assert drawn.used == (0 if name == "timed" else 2)
        assert drawn.left_out in ({"no part in a travel time": 3}, {"named by no trip": 1})


def test_the_layers_of_a_geopackage(tmp_path):
    """Styles that QGIS keeps are no choice; two layers are, and the key that makes it is named."""
    points = gpd.GeoDataFrame({"workers": [3, 4]}, geometry=gpd.points_from_xy([4, 4.1], [45, 45]))
    points = points.set_crs(4326)
    boxes = points.assign(code=["49021", "49007"]).set_geometry(
        shapely.buffer(points.geometry, 0.01)
    )

    def homes(**source):
        data = {"name": "t", "sources": {"homes": {"personal": False, **source}}}
        study = Territory.from_dict(data, tmp_path / "t.toml")
        return read_homes(study.sources.homes, study)

    points.to_file(tmp_path / "h.gpkg", layer="homes")
    pyogrio.write_dataframe(pd.DataFrame({"style": ["x"]}), tmp_path / "h.gpkg", layer="styles")
    found = homes(file="h.gpkg")
    assert found.workers.sum() == 7
    (layers,) = [r for r in found.ledger if r.unit == "layers"]
    assert (layers.read, layers.used) == (2, 1)

    points.to_file(tmp_path / "h.gpkg", layer="old")
    with pytest.raises(SourceError, match=r'several layers: homes, old.*layer = "..."'):
        homes(file="h.gpkg")
    assert homes(file="h.gpkg", layer="old").workers.sum() == 7

    for name in ("commune", "department"):
        boxes.to_file(tmp_path / "z.gpkg", layer=name)
    (tmp_path / "c.csv").write_text("code,workers\n49021,5\n", encoding="utf-8")
    zoned = {"file": "c.csv", "kind": "communes", "zones": "z.gpkg"}
    with pytest.raises(SourceError, match=r'commune, department.*zones_layer = "..."'):
        homes(**zoned)
    found = homes(**zoned, zones_layer="commune")
    (zones,) = [r for r in found.ledger if r.unit == "zones"]
    assert (zones.read, zones.used) == (2, 1)
    with pytest.raises(SourceError, match="Save the layer wanted as a file of its own"):
        homes(file="h.gpkg", layer="homes", groups=["qpv=z.gpkg"])


@FEW
@given(
    ways=st.lists(
        st.tuples(
            st.integers(1, 6),
            st.lists(st.sampled_from([1, 2, 3, 77, 78]), min_size=1, max_size=4),
            st.sampled_from([("highway", "path"), ("highway", "proposed"), ("natural", "wood"),
                             ("man_made", "pipeline"), ("railway", "platform")]),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_each_way_of_the_streets(ways):
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0)}
    ways = [(99, [1, 2], {"highway": "residential"}), *((i, n, dict([t])) for i, n, t in ways)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.osm"
        path.write_text(osm_text(nodes, ways), encoding="utf-8")
        tables = read_osm(path)
    assert tables.ledger.used == tables.tags["osm_id"].nunique()
    # Of a way written twice that is no street, the last one stands for both.
    assert len({i for i, _, _ in ways}) <= tables.ledger.read <= len(ways)


def homes_of(folder, text, bbox=None, **source):
    (Path(folder) / "h.csv").write_text(text, encoding="utf-8")
    data = {"name": "t", "sources": {"homes": {"file": "h.csv", "personal": False, **source}}}
    study = Territory.from_dict(data, Path(folder) / "t.toml")
    return read_homes(study.sources.homes, study, bbox=bbox)


@FEW
@given(workers=st.lists(st.integers(0, 400), min_size=1, max_size=9).filter(any))
def test_each_home_and_its_workers(workers):
    rows = "".join(f"h{k},{4 + k / 100},45,{n}\n" for k, n in enumerate(workers))
    with tempfile.TemporaryDirectory() as folder:
        homes = homes_of(folder, f"id,lon,lat,workers\n{rows}")
    accounts = {r.unit: r for r in homes.ledger}
    assert (accounts["rows"].read, accounts["rows"].used) == (len(workers), len(homes))
    assert accounts["workers"].used == homes.workers.sum() == sum(workers)


ZONES = {"49021": 4.0, "49007": 4.1, "34172": 9.0}


@FEW
@given(
    flows=st.lists(
        st.tuples(
            st.sampled_from([*ZONES, "75056", "DE123"]),
            st.sampled_from(["49021", "44109"]),
            st.integers(0, 500),
        ),
        max_size=10,
    )
)
def test_each_flow_and_its_workers(flows):
    """Communes with a zone near and far and without one; workers of the site and of elsewhere."""
    flows = [("49021", "49021", 300), *flows]
    rows = "".join(f"{home},{work},{n}\n" for home, work, n in flows)
    with tempfile.TemporaryDirectory() as folder:
        boxes = [shapely.box(x, 45, x + 0.05, 45.05) for x in ZONES.values()]
        frame = gpd.GeoDataFrame({"code": list(ZONES)}, geometry=boxes, crs=4326)
        frame.to_file(Path(folder) / "z.geojson")
        homes = homes_of(
            folder, f"COMMUNE,DCLT,IPONDI\n{rows}", bbox=(3.9, 44.9, 4.3, 45.2), kind="flows",
            zones="z.geojson", work_commune=["49021"],
        )  # fmt: skip
    accounts = {r.unit: r for r in homes.ledger}
    assert accounts["rows"].read == len(flows)
    assert accounts["workers"].read == sum(n for _, _, n in flows)
    near = sum(n for home, work, n in flows if work == "49021" and home in ("49021", "49007"))
    assert accounts["workers"].used == homes.workers.sum() == near
    elsewhere = sum(work != "49021" for _, work, _ in flows)
    assert accounts["rows"].left_out.get("they work elsewhere", 0) == elsewhere


def test_cells_and_car_parks(tmp_path):
    """Of four cells one is beyond the study and one empty; of three car parks one is closed."""
    cells = [
        (2029800, 4252400, 7),
        (2029800, 4252600, 0),
        (2030000, 4252400, 3),
        (2829800, 4252400, 9),
    ]
    rows = "".join(f"CRS3035RES200mN{n}E{e},{w}\n" for n, e, w in cells)
    x, y = gpd.GeoSeries([shapely.Point(4252500, 2029900)], crs=3035).to_crs(4326)[0].coords[0]
    homes = homes_of(
        tmp_path, f"idcar_200m,workers\n{rows}", bbox=(x - 0.1, y - 0.1, x + 0.1, y + 0.1),
        kind="insee_grid",
    )  # fmt: skip
    rows_, people = homes.ledger
    assert (rows_.read, rows_.used) == (4, 2)
    assert rows_.left_out == {"outside the streets": 1, "nobody lives there": 1}
    assert (people.read, people.used) == (10, 10)
    parks = "name,lon,lat,type,open\na,4,45,P+R,1\nb,4,45,auto-stop,1\nc,4,45,,no\n"
    (tmp_path / "p.csv").write_text(parks, encoding="utf-8")
    ledger: list[SourceLedger] = []
    assert len(read_car_parks(tmp_path / "p.csv", ledger=ledger)) == 2
    assert ledger[0].used == 1
    assert ledger[0].left_out == {"closed": 1, "a place to hitch a ride": 1}


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    ["rhein-neckar/gtfs.zip", "milan/gtfs.zip", "nantes/gtfs.zip", "montpellier/gtfs-2024.zip",
     "montpellier/gtfs-2025.zip", "malta/streets.osm.pbf", "geneva/streets.osm.pbf",
     "nantes/streets.osm.pbf", pytest.param("milan/streets.osm.pbf", marks=pytest.mark.slow),
     "rhein-neckar/streets.osm.pbf"],
)  # fmt: skip
def test_the_accounts_of_real_sources_close(name):
    if not (DATA / name).exists():
        pytest.skip("real data are absent")
    if name.endswith(".zip"):
        feed = read_feed(DATA / name)
        accounts = {Path(r.source).stem: r for r in feed.rows}
        assert accounts["stop_times"].used == ridden(feed)[feed.stop_times["trip"]].sum() > 0
        assert accounts["trips"].used == ridden(feed).sum()
        assert all(r.read == r.used + sum(r.left_out.values()) for r in feed.rows)
    else:
        from mobility.streets.graph import streets_from_osm

        streets = streets_from_osm(DATA / name)
        ledger = streets.ledger
        assert ledger.used == streets.tags["osm_id"].nunique() > 0
        assert ledger.read == ledger.used + sum(ledger.left_out.values())


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="real data are absent")
def test_the_accounts_of_other_real_layers_close(tmp_path):
    """Lines of Montpellier, its sub-districts and the communes of a department as homes."""
    path = DATA / "montpellier" / "streets.shp"
    lines, drawn = streets_from_lines(path).ledger, gpd.read_file(path)
    assert lines.read == len(drawn) == lines.used + sum(lines.left_out.values())

    people = pd.read_csv(DATA / "montpellier" / "subdistricts_population.csv")
    names = {"id": "squartmno", "workers": "population_2009"}
    zones = {"zones": DATA / "montpellier" / "subdistricts.shp", "zones_id": "SQUARTMNO"}
    homes = homes_of(tmp_path, people.to_csv(index=False), kind="communes", **names, **zones)
    rows, workers, _ = homes.ledger
    assert rows.read == len(people)
    assert workers.read == people["population_2009"].sum()
    assert workers.used == pytest.approx(homes.workers.sum(), abs=1)

    known = pd.read_csv(DATA / "communes" / "population.csv", dtype={"code": str})
    mine = known[known["code"].str.startswith(("44", "85"))]
    zones = {"zones": DATA / "communes" / "communes-44-loire-atlantique.geojson"}
    names = {"id": "code", "workers": "population", "zones_id": "code"}
    homes = homes_of(tmp_path, mine.to_csv(index=False), kind="communes", **names, **zones)
    rows, workers, zones = homes.ledger
    assert zones.read == len(
        gpd.read_file(DATA / "communes" / "communes-44-loire-atlantique.geojson")
    )
    assert (rows.read, workers.read) == (len(mine), mine["population"].sum())
    assert workers.used == pytest.approx(homes.workers.sum(), abs=1)
    assert rows.left_out["in none of the zones"] >= mine["code"].str.startswith("85").sum()
