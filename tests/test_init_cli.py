"""`mobility init` as its user meets it: from a place name to a first map, and without a network."""

import json
from functools import partial

import geopandas as gpd
import pytest
import shapely
from feeds import trip, write_gtfs
from http_server import Page, serving
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_osm
from test_download import FAST, commune, dataset, page, stops
from typer.testing import CliRunner

import mobility.prepare.service
from mobility.base.errors import TerritoryError
from mobility.cli import app
from mobility.prepare.service import Desk, Services
from mobility.territory.project import Territory

#: Industrial land across the straight street of `small`, and homes beside its start.
INDUSTRY = (11_200, 11_600)
WHAT = "its name, rosters and headcounts"


def extract(folder):
    """The street of `small` with an industrial area near its end."""
    text = write_osm(folder / "streets.osm").read_text(encoding="utf-8")
    (west, south), (east, north) = lonlat(INDUSTRY[0]), lonlat(INDUSTRY[1])
    corners = [(west, south - 0.003), (east, north - 0.003), (east, north + 0.003),
               (west, south + 0.003)]  # fmt: skip
    nodes = "".join(
        f'<node id="{900 + k}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>'
        for k, (lon, lat) in enumerate(corners)
    )
    refs = "".join(f'<nd ref="{900 + k % 4}"/>' for k in range(5))
    land = f'<way id="9" version="1">{refs}<tag k="landuse" v="industrial"/></way>'
    head, way, rest = text.partition("<way")
    return (head + nodes + way + rest.replace("</osm>", land + "</osm>")).encode()


def feed(folder):
    return write_gtfs(
        folder / "served.zip",
        stops={name: lonlat(PLACES_M[name]) for name in ("A", "B")},
        trips=[trip(n, [(a, t), (b, u)], service=s) for n, a, t, b, u, s in TRIPS],
        services=SERVICES,
    )


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A server that knows Droiteville, in the place of the open-data services."""
    tmp_path.joinpath("source").mkdir()
    middle = lonlat(6000)
    ring = [[*lonlat(0)], [*lonlat(3000)]]
    (west, south), (east, _) = ring
    shape = {
        "type": "Polygon",
        "coordinates": [[[west, south - 0.02], [east, south - 0.02], [east, south + 0.02],
                         [west, south + 0.02], [west, south - 0.02]]],
    }  # fmt: skip
    with serving() as running:
        row = commune("Droiteville", "85191", 55_000)
        row["centre"] = {"type": "Point", "coordinates": list(middle)}
        properties = {"code": "85191", "nom": "Droiteville", "population": 1000}
        feature = {"type": "Feature", "properties": properties, "geometry": shape}
        gtfs = {"format": "GTFS", "url": running.url + "/latest.zip",
                "end_calendar_validity": "2026-12-18"}  # fmt: skip
        running.pages = {
            "/geo/communes": page([row]),
            "/geo/departements/85/communes": page({"features": [feature]}),
            "/interpreter": Page(extract(tmp_path / "source"), etag=""),
            "/api/gtfs-stops": stops("Impulsyon", "Impulsyon"),
            "/api/datasets": page([dataset("Impulsyon", gtfs)]),
            "/latest.zip": Page(feed(tmp_path / "source").read_bytes()),
        }
        services = Services(
            communes=running.url + "/geo",
            timetables=running.url + "/api",
            mobility_database=running.url + "/feeds_v2.csv",
            geofabrik=running.url + "/index-v1.json",
            overpass=running.url + "/interpreter",
        )
        here = partial(Desk, services, tmp_path / "cache", FAST)
        monkeypatch.setattr(mobility.prepare.service, "Desk", here)
        monkeypatch.chdir(tmp_path)
        yield running


def run(*arguments):
    return CliRunner().invoke(app, [*arguments, "--lang", "en"])


def test_from_a_place_name_to_a_first_map(site, tmp_path):
    shown = run("init", "Droiteville", "--radius-km", "9")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.strip().splitlines() == [
        "Territory file: droiteville/territory.toml",
        "Streets: droiteville/data/osm/streets.osm",
        "Timetable: Impulsyon (valid until 2026-12-18)",
        "Homes: 1 commune",
        f"Sites: 1 industrial area; correct {WHAT} in droiteville/sites.csv",
        "Then: mobility check droiteville/territory.toml",
    ]
    checked = run("check", "droiteville/territory.toml")
    assert checked.exit_code == 0, checked.output
    assert "1 of 1 zones" not in checked.output
    made = run("run", "droiteville/territory.toml", "--out", "first")
    assert made.exit_code == 0, made.output
    assert (tmp_path / "first" / "map.html").stat().st_size > 100_000
    record = json.loads((tmp_path / "first" / "run.json").read_text(encoding="utf-8"))
    credit = {s["role"]: (s["licence"], s["attribution"]) for s in record["sources"]}
    assert credit["streets"] == ("ODbL 1.0", "© OpenStreetMap contributors")
    assert credit["timetable"] == ("Licence Ouverte 2.0", "Agglo")
    assert credit["homes"] == ("", "INSEE, geo.api.gouv.fr")


def test_a_credit_of_no_source_is_refused():
    homes = {"file": "h.csv"}
    sources = {"homes": homes, "gtfs": ["a.zip"], "credits": {"b.zip": {"licence": "x"}}}
    with pytest.raises(TerritoryError, match="no source of this path"):
        Territory.from_dict({"name": "t", "sources": sources})


def test_an_earlier_study_is_kept_unless_told(site, tmp_path):
    run("init", "Droiteville", "--radius-km", "9")
    (tmp_path / "droiteville" / "sites.csv").write_text("mine", encoding="utf-8")
    again = run("init", "Droiteville", "--radius-km", "9")
    assert again.exit_code == 2
    assert "--overwrite" in again.output
    assert (tmp_path / "droiteville" / "sites.csv").read_text(encoding="utf-8") == "mine"
    assert run("init", "Droiteville", "--radius-km", "9", "--overwrite").exit_code == 0


def test_without_a_network_one_is_told_what_to_do_and_it_works(site, tmp_path):
    """The message of each step is followed to the letter, up to a study that checks."""
    for path in list(site.pages):
        site.pages[path] = Page(status=503, etag="")
    lost = run("init", "Droiteville")
    assert lost.exit_code == 2
    assert "--centre=" in lost.output
    centre = "--centre={:.4f},{:.4f}".format(*lonlat(6000))
    near = ["init", "Droiteville", centre, "--radius-km", "9"]
    bare = run(*near)
    assert bare.exit_code == 0
    lines = [row for row in bare.output.splitlines() if row.startswith("warning")]
    streets = next(row for row in lines if "OpenStreetMap" in row or ".osm.pbf" in row)
    assert "--osm" in streets
    homes = next(row for row in lines if "communes.geojson" in row)
    assert "droiteville/data/homes/communes.geojson" in homes
    assert any("GTFS in droiteville/data/gtfs" in row for row in lines)
    source = tmp_path / "source"
    (source / "own.osm").write_bytes(extract(source))
    gpd.GeoDataFrame(
        {"code": ["85191"], "nom": ["Droiteville"], "population": [1000]},
        geometry=[shapely.box(*(c - 0.01 for c in lonlat(700)), *(c + 0.01 for c in lonlat(700)))],
        crs=4326,
    ).to_file(tmp_path / "communes.geojson")
    target = tmp_path / "droiteville" / "data"
    for folder in ("homes", "gtfs"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "communes.geojson").rename(target / "homes" / "communes.geojson")
    feed(source).rename(target / "gtfs" / "own.zip")
    mended = run(*near, "--overwrite", "--osm", str(source / "own.osm"))
    assert mended.exit_code == 0
    assert "Timetable: own" in mended.output
    checked = run("check", "droiteville/territory.toml")
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize("given", ["none.osm.pbf", "http://127.0.0.1:1/none.osm.pbf"])
def test_an_extract_given_in_vain_asks_for_no_option_that_was_given(site, given):
    near = ["init", "Droiteville", "--radius-km", "9", "--osm", given]
    told = next(row for row in run(*near).output.splitlines() if "none.osm.pbf" in row)
    assert "after --osm" in told
    assert "--overwrite --osm" not in told
    assert ("The file does not exist" in told) == (not given.startswith("http"))


def test_no_industrial_land_is_told(site, tmp_path):
    write_osm(tmp_path / "source" / "none.osm")
    shown = run("init", "Droiteville", "--radius-km", "9", "--osm", "source/none.osm")
    assert "No industrial land was found" in shown.output


def test_a_local_timetable_is_copied(site, tmp_path):
    own = feed(tmp_path / "source").rename(tmp_path / "network.zip")
    shown = run("init", "Droiteville", "--radius-km", "9", "--gtfs", str(own))
    assert "Timetable: network" in shown.output
    assert (tmp_path / "droiteville" / "data" / "gtfs" / "network.zip").read_bytes() == (
        own.read_bytes()
    )
    wrong = run("init", "Droiteville", "-o", "b", "--radius-km", "9", "--gtfs", "none.zip")
    assert "none.zip" in wrong.output
    assert "b/data/gtfs" in wrong.output
    (tmp_path / "homes.csv").write_text("id,workers\n", encoding="utf-8")
    wrong = run("init", "Droiteville", "-o", "c", "--radius-km", "9", "--gtfs", "homes.csv")
    assert "It is no readable zip" in wrong.output
    assert "Timetable: homes" not in wrong.output


@pytest.mark.parametrize(
    ("centre", "hint"),
    [
        ("46.6,-1.4", "--centre=-1.4,46.6"),
        ("16.2,-61.5", "--centre=-61.5,16.2"),
        ("8.4,53.1", "outside France"),
        ("-61.4,15.4", "outside France"),  # Dominica, between Guadeloupe and Martinique
    ],
)
def test_a_centre_outside_france_is_refused(site, centre, hint):
    shown = run("init", "Droiteville", f"--centre={centre}")
    assert shown.exit_code == 2
    assert hint in shown.output


@pytest.mark.parametrize("centre", ["46.6", "x,y", "400,46", "-1.4"])
def test_a_wrong_centre_is_refused(site, centre):
    shown = run("init", "Droiteville", f"--centre={centre}")
    assert shown.exit_code == 2
    assert "longitude first" in shown.output


def test_answers_of_an_earlier_time_are_told(site):
    run("init", "Droiteville", "--radius-km", "9")
    for path in list(site.pages):
        site.pages[path] = Page(status=503, etag="")
    again = run("init", "Droiteville", "--radius-km", "9", "--overwrite")
    assert again.exit_code == 0
    assert again.output.count("what it gave an earlier time was used") == 1
