import json
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely
from http_server import Page, serving
from test_download import FAST, Services, commune, dataset, page, square, stops, zipped
from texts import french

import mobility.sources.osm.clip
from mobility.base.errors import DownloadError, TerritoryError
from mobility.prepare import first_files, init
from mobility.prepare.first_files import (
    CandidateSite,
    candidate_sites,
    named,
    nearest_first,
    school_zone,
    sites_csv,
)
from mobility.prepare.init import init_territory
from mobility.prepare.service import Desk
from mobility.sources.osm.clip import clip_osm
from mobility.sources.osm.reader import read_osm
from mobility.sources.sites import read_sites
from mobility.territory.project import Territory

DATA = Path(__file__).parents[1].parent / "shared" / "data"


def osm_xml():
    """A road along longitude, crossing an industrial square of some 15 ha, and a village."""
    lon, lat = -1.4286, 46.6659
    nodes = {
        1: (lon - 0.02, lat),
        2: (lon + 0.02, lat),
        3: (lon, lat - 0.002),
        4: (lon + 0.005, lat - 0.002),
        5: (lon + 0.005, lat + 0.002),
        6: (lon, lat + 0.002),
    }
    text = "".join(f'<node id="{k}" lat="{y}" lon="{x}"/>' for k, (x, y) in nodes.items())
    place = '<tag k="place" v="village"/><tag k="name" v="Beaupuy"/>'
    text += f'<node id="7" lat="{lat}" lon="{lon}">{place}</node>'
    road, land = (
        "".join(f'<nd ref="{k}"/>' for k in (1, 2)),
        "".join(f'<nd ref="{k}"/>' for k in (3, 4, 5, 6, 3)),
    )
    text += f'<way id="1">{road}<tag k="highway" v="tertiary"/></way>'
    text += f'<way id="2">{land}<tag k="landuse" v="industrial"/></way>'
    return f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{text}</osm>'.encode()


@pytest.fixture
def server():
    with serving() as running:
        gtfs = {"format": "GTFS", "url": running.url + "/latest.zip"}
        feature = {
            "type": "Feature",
            "properties": {"code": "85191", "nom": "La Roche-sur-Yon", "population": 55_000},
            "geometry": square(-1.5, 46.6, -1.35, 46.75),
        }
        running.pages = {
            "/geo/communes": page([commune("La Roche-sur-Yon", "85191", 55_000)]),
            "/geo/departements/85/communes": page({"features": [feature]}),
            "/interpreter": Page(osm_xml(), etag=""),
            "/api/gtfs-stops": stops("../Impulsyon", "../Impulsyon"),
            "/api/datasets": page([dataset("../Impulsyon", gtfs)]),
            "/latest.zip": Page(zipped(agency="x")),
        }
        yield running


@pytest.fixture
def prepare(server, tmp_path):
    services = Services(
        communes=server.url + "/geo",
        timetables=server.url + "/api",
        mobility_database=server.url + "/feeds_v2.csv",
        geofabrik=server.url + "/index-v1.json",
        overpass=server.url + "/interpreter",
    )
    desk = Desk(services, tmp_path / "cache", FAST)

    def run(place="La Roche-sur-Yon", **options):
        return init_territory(place, tmp_path / "study", desk=desk, radius_km=5, **options)

    return run


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_place_name_becomes_a_study_ready_to_run(prepare, tmp_path):
    steps = []
    got = prepare(progress=steps.append)
    assert got.missing == ()
    assert files(tmp_path / "study") == [
        "data/gtfs/impulsyon.zip",
        "data/homes/communes.geojson",
        "data/osm/streets.osm",
        "sites.csv",
        "territory.toml",
    ]
    assert [p.as_posix() for p in got.files] == files(tmp_path / "study")[:4]
    assert steps == ["commune", "communes", "streets", "timetables", "industrial land"]
    assert all(step in french() for step in steps)
    territory = Territory.from_toml(got.territory)
    assert territory.name == "La Roche-sur-Yon"
    assert territory.days.school_zone == "B"
    for path in (territory.sources.osm, *territory.sources.gtfs, territory.sources.homes.file):
        assert territory.resolve(path).is_file()
    (site,) = read_sites(territory)
    assert site.name == "Zone industrielle Beaupuy"
    assert [round(g[0], 4) for g in site.gates] == [-1.4286, -1.4236]
    text = got.territory.read_text(encoding="utf-8")
    assert "# Horaires" in text
    assert "licence Licence Ouverte 2.0" in text


def test_the_english_file_says_the_same(prepare, tmp_path):
    got = prepare(language="en")
    text = got.territory.read_text(encoding="utf-8")
    assert "# Timetables" in text
    assert Territory.from_toml(got.territory).output.language == "en"


def test_what_cannot_be_had_is_said_and_the_file_written_all_the_same(prepare, server, tmp_path):
    for path in ("/interpreter", "/api/gtfs-stops", "/geo/departements/85/communes"):
        server.pages[path] = Page(status=500, etag="")
    got = prepare()
    assert len(got.missing) == 4
    assert all("--overwrite" in str(e) and e.render("fr") != str(e) for e in got.missing)
    assert not any("answers" in str(e) for e in got.missing)
    assert files(tmp_path / "study") == ["territory.toml"]
    data = tomllib.loads(got.territory.read_text(encoding="utf-8"))
    assert data["sources"]["gtfs"] == []
    assert "osm" not in data["sources"]
    assert "À compléter" in got.territory.read_text(encoding="utf-8")


def test_an_unknown_place_writes_nothing(prepare, server, tmp_path):
    server.pages["/geo/communes"] = page([])
    with pytest.raises(DownloadError, match="No commune"):
        prepare("Nulle-Part")
    assert not (tmp_path / "study").exists()


def test_an_earlier_territory_file_is_kept(prepare, tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "territory.toml").write_text("mine")
    with pytest.raises(TerritoryError, match="already"):
        prepare()
    assert (tmp_path / "study" / "territory.toml").read_text() == "mine"
    prepare(overwrite=True)
    assert (tmp_path / "study" / "territory.toml").read_text() != "mine"


def test_named_timetables_and_a_local_extract(prepare, server, tmp_path):
    (tmp_path / "own.osm").write_bytes(osm_xml())
    got = prepare(gtfs=[server.url + "/latest.zip"], osm=str(tmp_path / "own.osm"))
    assert got.missing == ()
    assert "data/osm/streets.osm.pbf" in files(tmp_path / "study")
    assert "data/gtfs/latest.zip" in files(tmp_path / "study")
    assert len(read_sites(Territory.from_toml(got.territory))) == 1


def test_named_timetables_are_all_taken_and_what_is_left_out_is_told(prepare, server, monkeypatch):
    asked = [f"{server.url}/latest.zip?{k}" for k in range(3)]
    for k in range(3):
        server.pages[f"/latest.zip?{k}"] = server.pages["/latest.zip"]
    monkeypatch.setattr(init, "_MAX_FEEDS", 2)
    assert len(prepare(gtfs=asked).feeds) == 3
    offers = [init.FeedOffer(f"Réseau {k}", url, source=url) for k, url in enumerate(asked)]
    monkeypatch.setattr(init, "french_feeds", lambda box, desk: offers)
    got = prepare(overwrite=True)
    assert len(got.feeds) == 2
    assert [one.render("en").split(" →")[0] for one in got.missing] == [
        "1 further timetable has stops in the area and was left out: Réseau 2."
    ]


def test_industrial_areas_past_the_most_are_told(prepare, monkeypatch):
    areas = [CandidateSite(f"Z{k}", 9.0 - k, (-1.43, 46.67), ((-1.43, 46.67),)) for k in range(3)]
    monkeypatch.setattr(init, "industrial_sites", lambda streets: areas)
    told = "further industrial area, smaller or farther away, was left out: Z2. → Add"
    for most, lacks in ((3, []), (2, [True])):
        monkeypatch.setattr(init, "MAX_SITES", most)
        got = prepare(overwrite=True)
        assert [f"1 {told}" in one.render("en") for one in got.missing] == lacks
        assert [site.name for site in got.sites] == [f"Z{k}" for k in range(most)]
        rows = (got.territory.parent / "sites.csv").read_text(encoding="utf-8").splitlines()
        assert [row.split(";")[0] for row in rows[1:]] == [f"Z{k}" for k in range(most)]


def test_a_town_name_with_quotes_stays_valid_toml(prepare, server):
    server.pages["/geo/communes"] = page([commune('L\'"Île"\n\\d', "85113", 5)])
    got = prepare("85113")
    # Names stand on one line.
    assert Territory.from_toml(got.territory).name == 'L\'"Île" \\d'


def test_gates_are_where_roads_enter(monkeypatch):
    """A square of 400 m; one road through it, one along its side, one that stops short."""
    land = gpd.GeoDataFrame({"name": ["Z"]}, geometry=[shapely.box(0, 0, 400, 400)], crs=2154)
    roads = gpd.GeoSeries(
        [
            shapely.LineString([(-100, 200), (500, 200)]),
            shapely.LineString([(-100, 400), (500, 400)]),
            shapely.LineString([(100, -200), (100, -50)]),
        ],
        crs=2154,
    )
    (site,) = candidate_sites(land, roads)
    gates = gpd.GeoSeries(gpd.points_from_xy(*zip(*site.gates, strict=True)), crs=4326).to_crs(2154)
    assert sorted((round(p.x), round(p.y)) for p in gates) == [(0, 200), (400, 200)]
    assert (site.name, site.area_ha) == ("Z", 16.0)
    (near,) = candidate_sites(land, roads.iloc[2:])
    (gate,) = gpd.GeoSeries(gpd.points_from_xy(*zip(*near.gates, strict=True)), crs=4326).to_crs(
        2154
    )
    assert (round(gate.x), round(gate.y)) == (100, 0)
    monkeypatch.setattr(first_files, "_MIN_AREA_M2", 200_000)
    assert candidate_sites(land, roads.iloc[2:]) == []
    far = gpd.GeoSeries([shapely.LineString([(5000, 0), (6000, 0)])], crs=2154)
    assert candidate_sites(land, far) == []


def test_names_and_order_of_candidate_sites():
    def site(name, area, lon):
        return CandidateSite(name, area, (lon, 46.0), ((lon, 46.0),))

    near, far = site("", 10, 0.0), site("ZI", 15, 0.2)
    assert nearest_first([far, near], (0.0, 46.0)) == [near, far]
    places = gpd.GeoDataFrame({"name": ["Bourg"]}, geometry=[shapely.Point(0, 46)], crs=4326)
    assert [s.name for s in named([near, near, far], places)] == [
        "Zone industrielle Bourg",
        "Zone industrielle Bourg 2",
        "ZI",
    ]
    assert named([near], None)[0].name == "Zone industrielle"
    assert sites_csv([far]).splitlines()[1] == "ZI;;0.200000;46.000000;1;3x8;0"


@pytest.mark.parametrize(
    ("department", "zone"), [("85", "B"), ("34", "C"), ("69", "A"), ("2A", None)]
)
def test_school_zones(department, zone):
    assert school_zone(department) == zone


def test_buildings_barriers_ferries_and_areas_are_clipped(tmp_path, monkeypatch):
    """A square of 10 km around the origin.

    Way 10 lies outside, ferry 7 leaves the square, 11 is the far ring of an area.
    """
    monkeypatch.setattr(mobility.sources.osm.clip, "STEP", 2)
    places = {1: (0, 0), 2: (0.01, 0), 3: (0.01, 0.01), 4: (3, 3), 5: (3.01, 3), 6: (3.01, 3.01)}
    nodes = "".join(f'<node id="{k}" lat="{y}" lon="{x}"/>' for k, (x, y) in places.items())
    nodes += '<node id="7" lat="0.001" lon="0.001"><tag k="barrier" v="gate"/></node>'
    nodes += '<node id="8" lat="3" lon="3"><tag k="place" v="village"/></node>'
    near, far, long = (1, 2, 3, 1), (4, 5, 6, 4), (3, 4)
    ways = [
        (5, near, "building", "house"),
        (6, near, "shop", "yes"),
        (4, (1, 2), "route", "ferry"),
        (7, long, "route", "ferry"),
        (8, near, "", ""),
        (9, long, "highway", "residential"),
        (10, far, "highway", "residential"),
        (11, far, "", ""),
    ]
    text = "".join(
        f'<way id="{k}">' + "".join(f'<nd ref="{r}"/>' for r in refs)
        + (f'<tag k="{key}" v="{value}"/>' if key else "") + "</way>"
        for k, refs, key, value in ways
    )  # fmt: skip
    members = "".join(f'<member type="way" ref="{r}" role="outer"/>' for r in (8, 11))
    kind = '<tag k="type" v="multipolygon"/>'
    text += f'<relation id="1">{members}{kind}<tag k="landuse" v="residential"/></relation>'
    text += f'<relation id="2">{members}{kind}<tag k="shop" v="yes"/></relation>'
    turn = "".join(f'<member type="way" ref="{r}" role="from"/>' for r in (9, 10))
    text += f'<relation id="3">{turn}<tag k="type" v="restriction"/></relation>'
    (tmp_path / "s.osm").write_text(f'<osm version="0.6">{nodes}{text}</osm>')
    told = []
    box = (-0.045, -0.045, 0.045, 0.045)
    kept = clip_osm([tmp_path / "s.osm"], tmp_path / "c.osm.pbf", box, progress=told.append)
    assert (kept, told) == (3, [2, 4, 6, 8])
    found = {"n": [], "w": [], "r": []}
    for item in osmium.FileProcessor(str(tmp_path / "c.osm.pbf")):
        found[item.type_str()].append(item.id)
    assert found == {"n": [1, 2, 3, 4, 5, 6, 7], "w": [4, 5, 8, 9, 11], "r": [1, 3]}


def test_squares_and_platforms_are_clipped(tmp_path):
    """A square drawn as a relation lends its ring its class; a platform needs no highway."""
    places = {1: (0, 0), 2: (0.001, 0), 3: (0.001, 0.001), 4: (0, 0.001)}
    nodes = "".join(f'<node id="{k}" lat="{y}" lon="{x}"/>' for k, (x, y) in places.items())
    ring = "".join(f'<nd ref="{k}"/>' for k in (1, 2, 3, 4, 1))
    text = (
        f'<way id="1">{ring}</way>'
        '<way id="2"><nd ref="1"/><nd ref="3"/><tag k="public_transport" v="platform"/></way>'
        '<relation id="1"><member type="way" ref="1" role="outer"/>'
        '<tag k="type" v="multipolygon"/><tag k="highway" v="pedestrian"/></relation>'
    )
    (tmp_path / "s.osm").write_text(f'<osm version="0.6">{nodes}{text}</osm>')
    clip_osm([tmp_path / "s.osm"], tmp_path / "c.osm.pbf", (-0.01, -0.01, 0.01, 0.01))
    classes = [
        read_osm(tmp_path / name).tags["highway"].tolist() for name in ("s.osm", "c.osm.pbf")
    ]
    assert classes[0] == classes[1]
    assert set(classes[1]) == {"pedestrian", "platform"}


@pytest.mark.parametrize(
    "more",
    [
        # Uploaded streets beside one drawn in an editor, and one deleted there.
        (
            '<way id="-1"><nd ref="-1"/><nd ref="-2"/><tag k="highway" v="path"/></way>'
            '<way id="3" action="delete"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/>'
            "</way>"
        ),
        '<way id="-1"><nd ref="-1"/><nd ref="-2"/><tag k="highway" v="path"/></way>',
    ],
)
def test_what_an_editor_drew_is_clipped(tmp_path, more):
    places = {-2: (0, 0.001), -1: (0.001, 0.001), 1: (0, 0), 2: (0.001, 0)}
    nodes = "".join(f'<node id="{k}" lat="{y}" lon="{x}"/>' for k, (x, y) in places.items())
    way = '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way>'
    (tmp_path / "s.osm").write_text(f'<osm version="0.6">{nodes}{way}{more}</osm>')
    clip_osm([tmp_path / "s.osm"], tmp_path / "c.osm.pbf", (-0.01, -0.01, 0.01, 0.01))
    found = read_osm(tmp_path / "c.osm.pbf")
    assert sorted(found.tags["osm_id"]) == [-1, 1]


def test_a_history_is_clipped_at_its_last_state(tmp_path):
    """The street once ran to node 3; node 2 was moved, way 2 deleted."""
    nodes = "".join(
        f'<node id="{k}" version="{v}" lat="0" lon="{x}"/>'
        for k, v, x in ((1, 1, 0), (2, 1, 0.005), (2, 2, 0.001), (3, 1, 0.002))
    )
    road = '<tag k="highway" v="residential"/>'
    ways = (
        f'<way id="1" version="1"><nd ref="1"/><nd ref="3"/>{road}</way>'
        f'<way id="1" version="2"><nd ref="1"/><nd ref="2"/>{road}</way>'
        f'<way id="2" version="1"><nd ref="2"/><nd ref="3"/>{road}</way>'
        '<way id="2" version="2" visible="false"/>'
    )
    (tmp_path / "s.osm").write_text(f'<osm version="0.6">{nodes}{ways}</osm>')
    file = osmium.io.File(str(tmp_path / "s.osh.pbf"), "osh.pbf")
    with osmium.SimpleWriter(file, overwrite=True) as writer:
        for item in osmium.FileProcessor(str(tmp_path / "s.osm")):
            writer.add(item)
    clip_osm([tmp_path / "s.osh.pbf"], tmp_path / "c.osm.pbf", (-0.01, -0.01, 0.01, 0.01))
    found = read_osm(tmp_path / "c.osm.pbf")
    assert found.geom_xy.tolist() == [[0, 0], [0.001, 0]]


def test_places_that_ways_carry_are_clipped(tmp_path):
    """A file of ways with places, as osmium-tool writes it with add-locations-to-ways."""
    nodes = '<node id="1" lat="0" lon="0"/><node id="2" lat="0" lon="0.001"/>'
    way = '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way>'
    (tmp_path / "s.osm").write_text(f'<osm version="0.6">{nodes}{way}</osm>')
    file = osmium.io.File(str(tmp_path / "s.osm.pbf"), "pbf,locations_on_ways=true")
    with osmium.SimpleWriter(file, overwrite=True) as writer:
        source = osmium.FileProcessor(str(tmp_path / "s.osm"), osmium.osm.NODE | osmium.osm.WAY)
        for item in source.with_locations():
            if item.is_way():
                writer.add_way(item)
    clip_osm([tmp_path / "s.osm.pbf"], tmp_path / "c.osm.pbf", (-0.01, -0.01, 0.01, 0.01))
    assert read_osm(tmp_path / "c.osm.pbf").geom_xy.tolist() == [[0, 0], [0.001, 0]]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
def test_neighbouring_extracts_are_clipped_as_one(tmp_path):
    """Geneva cut in two overlapping halves gives, clipped across the cut, what the whole gives."""
    source = DATA / "geneva" / "streets.osm.pbf"
    halves = [tmp_path / "west.osm.pbf", tmp_path / "east.osm.pbf"]
    clip_osm([source], halves[0], (6.10, 46.18, 6.135, 46.22))
    clip_osm([source], halves[1], (6.135, 46.18, 6.17, 46.22))
    box = (6.125, 46.195, 6.145, 46.205)
    ways = clip_osm(halves, tmp_path / "both.osm.pbf", box)
    assert ways == clip_osm([source], tmp_path / "whole.osm.pbf", box) > 500
    ids = [
        [(o.type_str(), o.id) for o in osmium.FileProcessor(str(tmp_path / f"{name}.osm.pbf"))]
        for name in ("both", "whole")
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
@pytest.mark.slow
def test_an_extract_is_clipped_with_whole_ways(tmp_path):
    from mobility.streets.graph import streets_from_osm

    source = DATA / "geneva" / "streets.osm.pbf"
    box = (6.13, 46.195, 6.14, 46.205)
    target = tmp_path / "clip.osm.pbf"
    assert clip_osm([source], target, box) > 500
    (west, south, east, north), pieces = box, []
    for streets in map(streets_from_osm, (target, source)):
        lonlat = streets.unproject(streets.geom_xy)
        inside = ((lonlat >= (west, south)) & (lonlat <= (east, north))).all(axis=1)
        touching = np.logical_or.reduceat(inside, streets.geom_ptr[:-1])
        pieces.append(np.sort(streets.length_m[touching]))
    np.testing.assert_allclose(*pieces)
    with pytest.raises(ValueError, match="Nothing of it"):
        clip_osm([source], tmp_path / "no.osm.pbf", (0, 0, 1, 1))
    (tmp_path / "bad.osm.pbf").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="OpenStreetMap"):
        clip_osm([tmp_path / "bad.osm.pbf"], tmp_path / "no.osm.pbf", box)
    assert json.dumps(files(tmp_path)) == '["bad.osm.pbf", "clip.osm.pbf"]'
