"""Two thousand mutated inputs: an error of the user's own or a sound result, nothing else.

``FUZZ_FIRST=1000`` in the environment gives others.
"""

import copy
import datetime as dt
import io
import json
import os
import random
import re
import shutil
import tomllib
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from small import write_territory

from mobility.base.errors import MobilityError
from mobility.pipeline import run
from mobility.prepare.offers import french_feeds, geofabrik_extracts, world_feeds
from mobility.prepare.service import Desk, Services, communes_within, find_commune
from mobility.settings import check_settings
from mobility.shuttles.edit import read_lines
from mobility.sources.gtfs.read import read_feed
from mobility.sources.homes.read import read_homes
from mobility.sources.layers import read_layer
from mobility.sources.osm.background import read_car_parks
from mobility.sources.osm.reader import read_osm
from mobility.sources.sites import read_sites_file
from mobility.territory.project import Territory

DATA = Path(__file__).parents[1].parent / "shared" / "data"
HOMES = "id,name,lon,lat,workers,no_car\na,Ici,3.87,43.61,12,3\nb,Là,3.88,43.62,7.5,0\n"
GRID = "idcar_200m,ind,lcog_geo\nCRS3035RES200mN2304000E3758800,40,34172\n" * 1
SITES = (
    "Nom;Longitude;Latitude;Équipe;Poste;Début;Fin;Jours;Effectif\n"
    "A;-1,43;46,67;3x8;;;;;121\nB;-1,4;46,7;;matin;5h;13h;lun-ven;30\n"
)
STAFF = "lon;lat;site;équipe\n3,876511;43,611392;A;3x8\n3,876513;43,61;A;\n"
TERRITORY = """name = "T"
[sources]
gtfs = ["g.zip"]
[sources.homes]
file = "homes.csv"
[[sites]]
name = "A"
gates = [[3.9, 43.6]]
rosters = ["3x8", { name = "n", shifts = [{ name = "m", start = "05:00", end = "13:00" }] }]
[limits]
max_total_min = 60
"""
NASTY = [
    "", " ", "-1", "0", "1e308", "-1e308", "NaN", "inf", "-inf", "1e-320", "9" * 400, "0x10",
    "3,5", "1,234,567", "1 234", "25:00", "24:01", "5h75", "--", "null", "None", "True", "é",
    "\x00", "\ufeff", "\u202e",
    "=1+1", "'; DROP", "../../../etc/passwd", "{value}", "{0}", "%s", "\\", '"',
    "\n", ";", ",", "\t", "[", "2026-13-45", "CRS3035RES200mN2029800E4252400",
    "CRS9999RES200mN1E1", "CRS3035RES0mN99999999E99999999", "180.1", "-90.1", "a" * 5000, "١٢",
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32", "latin-1"]


def seeds(count):
    first = int(os.environ.get("FUZZ_FIRST", "0"))
    return range(first, first + count)


def mutate_text(text, rng):
    """Return bytes of a text with one to three things wrong."""
    for _ in range(rng.randint(1, 3)):
        text = rng.choice([_cell, _cell, _cell, _column, _row, _chunk, _sign, _header])(text, rng)
    data = text.encode(rng.choice(ENCODINGS) if rng.random() < 0.3 else "utf-8", errors="replace")
    if rng.random() < 0.25:
        data = _bytes(data, rng)
    return data


def _parts(text):
    sign = ";" if text.count(";") > text.count(",") else ","
    return sign, [line.split(sign) for line in text.split("\n")]


def _joined(sign, rows):
    return "\n".join(sign.join(row) for row in rows)


def _cell(text, rng):
    sign, rows = _parts(text)
    row = rng.choice(rows)
    row[rng.randrange(len(row))] = rng.choice(NASTY)
    return _joined(sign, rows)


def _column(text, rng):
    sign, rows = _parts(text)
    k = rng.randrange(max(len(rows[0]), 1))
    return _joined(sign, [row[:k] + row[k + 1 :] for row in rows])


def _header(text, rng):
    sign, rows = _parts(text)
    rng.shuffle(rows[0])
    return _joined(sign, rows)


def _row(text, rng):
    sign, rows = _parts(text)
    k = rng.randrange(len(rows))
    return _joined(sign, rng.choice([rows[:k] + rows[k + 1 :], [*rows, rows[k]], rows[: k + 1]]))


def _chunk(text, rng):
    i, j = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return rng.choice([text[:i], text[j:], text[:i] + text[j:], text[:j] + text[i:]])


def _sign(text, rng):
    old, new = rng.choice(
        [(";", ","), (",", ";"), (",", "."), (".", ","), ("\n", "\r"), ("a", '"')]
    )
    return text.replace(old, new)


def _bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A folder to work in; afterwards nothing else below its parent may have changed."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    yield work
    assert {p.name for p in tmp_path.iterdir()} <= {"work", "cache"}


def attempt(action, seed):
    """Return the result, or None when the input was refused in one clear line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return action()
    except MobilityError as error:
        lines = [error.render(language) for language in ("fr", "en")]
    except Exception as error:
        raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    assert all(line and "\n" not in line for line in lines), seed
    return None


def homes_of(folder, name, **source):
    data = {"name": "t", "sources": {"homes": {"file": name, **source}}}
    territory = Territory.from_dict(data, folder / "t.toml")
    return read_homes(territory.sources.homes, territory)


def sound(homes):
    assert len(homes) > 0
    assert np.isfinite(homes.workers).all()
    assert (homes.workers >= 0).all()
    assert homes.workers.sum() > 0
    assert np.isfinite(homes.lonlat).all()
    assert homes.frame["home_id"].is_unique


@pytest.mark.parametrize("block", range(4))
def test_homes_tables(room, block):
    kinds = [
        (HOMES, {"groups": ["no_car"]}),
        (HOMES, {"kind": "cells"}),
        (GRID, {"kind": "insee_grid"}),
        (STAFF, {"kind": "employees"}),
    ]
    text, source = kinds[block]
    for seed in (*(block * 1000 + k for k in seeds(85)), 92065):
        (room / "homes.csv").write_bytes(mutate_text(text, random.Random(seed)))
        homes = attempt(lambda: homes_of(room, "homes.csv", **source), seed)
        if homes is not None:
            sound(homes)


def test_sites_tables(room):
    for seed in (*seeds(150), 700053):
        (room / "sites.csv").write_bytes(mutate_text(SITES, random.Random(seed)))
        sites = attempt(lambda: read_sites_file(room / "sites.csv"), seed)
        for site in sites or ():
            assert site.gates, seed
            assert site.rosters, seed


def test_territory_files(room):
    for seed in seeds(220):
        (room / "t.toml").write_bytes(mutate_text(TERRITORY, random.Random(seed)))
        attempt(lambda: Territory.from_toml(room / "t.toml"), seed)


def _broken_shape(rng):
    big = rng.choice([1.0, 1e-9, 1e6, 1e300])
    return rng.choice(
        [
            None,
            shapely.Point(),
            shapely.Point(np.nan, 1),
            shapely.Point(np.inf, 1),
            shapely.Point(1, 2, 3),
            shapely.LineString([(0, 0), (1, 1)]),
            shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)]),
            shapely.Polygon([(0, 0), (0, 0), (0, 0), (0, 0)]),
            shapely.Point(3.9 * big, 43.6),
            shapely.box(3.9, 43.6, 3.9 + big, 43.6 + big),
            shapely.GeometryCollection([shapely.Point(3, 43), shapely.box(3, 43, 4, 44)]),
            shapely.MultiPoint([(3.8, 43.5), (3.9, 43.6)]),
        ]
    )


def test_layers_of_homes(room):
    for seed in seeds(90):
        rng = random.Random(seed)
        shapes = [shapely.Point(3.87, 43.61), _broken_shape(rng), shapely.Point(3.88, 43.62)]
        values = rng.choice([[1, 2, 3], ["a", "2", ""], [None, 1.5, 2], [True, False, True]])
        crs = rng.choice([4326, 2154, 3035, None])
        name = rng.choice(["h.gpkg", "h.geojson", "h.fgb", "h.parquet", "h.shp"])
        frame = gpd.GeoDataFrame({"workers": values}, geometry=shapes, crs=crs)
        for old in room.iterdir():
            old.unlink()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                writer = frame.to_parquet if name.endswith("parquet") else frame.to_file
                writer(room / name)
        except Exception:  # the driver itself refuses such a layer
            continue
        if rng.random() < 0.3:
            (room / name).write_bytes(_bytes((room / name).read_bytes(), rng))
        homes = attempt(lambda n=name: homes_of(room, n), seed)
        if homes is not None:
            sound(homes)


OSM = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">\n'
    '<node id="1" lat="43.6" lon="3.8"/>\n<node id="2" lat="43.61" lon="3.81"/>\n'
    '<node id="3" lat="43.62" lon="3.80"/>\n'
    '<way id="9"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way>\n'
    '<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>'
    '<tag k="landuse" v="industrial"/></way>\n</osm>\n'
)
BILLION = (
    '<?xml version="1.0"?>\n<!DOCTYPE o [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">'
    '<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;">'
    '<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;">]>\n'
)
OUTSIDE = '<?xml version="1.0"?>\n<!DOCTYPE o [<!ENTITY a SYSTEM "file:///etc/hostname">]>\n'


@pytest.mark.parametrize("head", [BILLION, OUTSIDE])
def test_xml_entities_in_osm_are_not_expanded(room, head):
    body = OSM.split("\n", 1)[1].replace('v="residential"', 'v="residential&h;&a;"')
    (room / "s.osm").write_text(head + body)
    tables = attempt(lambda: read_osm(room / "s.osm"), "entities")
    assert tables is None


def test_osm_files(room):
    for seed in seeds(120):
        (room / "s.osm").write_bytes(mutate_text(OSM, random.Random(seed)))
        attempt(lambda: read_osm(room / "s.osm"), seed)


def test_values_of_osm_files(room):
    """One or two attributes of the XML wrong: coordinates, identifiers, references, tags."""
    wrong = ["", " ", "nan", "inf", "-inf", "181", "91", "1e300", "-1", "9" * 30, "abc", "0x1"]
    for seed in seeds(90):
        rng, text = random.Random(seed), OSM
        for _ in range(rng.randint(1, 2)):
            value = rng.choice(list(re.finditer(r'(?:lat|lon|id|ref|k|v)="([^"]*)"', text)))
            text = text[: value.start(1)] + rng.choice(wrong) + text[value.end(1) :]
        (room / "s.osm").write_text(text)
        tables = attempt(lambda: read_osm(room / "s.osm"), seed)
        assert tables is None or np.isfinite(tables.node_xy).all(), seed


LINES_TOML = """[[lines]]
name = "L1"
site = "A"
stops = [{ name = "s", lon = 3.8, lat = 43.6 },{ lon = 3.81, lat = 43.6 }]
outbound = [2, 1]
shifts = ["m"]
vehicle = "v"
"""
LINES_GEOJSON = """{"type": "FeatureCollection", "features": [{"type": "Feature",
"properties": {"name": "L1","site": "A","shifts": "m,n","stops": ["a", "b"]},
"geometry": {"type": "LineString","coordinates": [[3.8, 43.6],[3.81, 43.61]]}}]}
"""


@pytest.mark.parametrize(("name", "text"), [("l.toml", LINES_TOML), ("l.geojson", LINES_GEOJSON)])
def test_drawn_lines(room, name, text):
    for seed in seeds(150):
        (room / name).write_bytes(mutate_text(text, random.Random(seed)))
        for line in attempt(lambda: read_lines(room / name), seed) or ():
            assert line.stops, seed
            assert all(abs(s.lon) <= 180 and abs(s.lat) <= 90 for s in line.stops), seed


def _places(data, way=()):
    """Yield the way to every value of nested tables and lists."""
    if not isinstance(data, dict | list):
        return
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield (*way, key)
        yield from _places(value, (*way, key))


def test_nested_tables_of_territories(room):
    """One value of the demo's territory, at any depth, of another kind or beyond sense."""
    sound = tomllib.loads((Path(__file__).parents[1] / "data" / "demo.toml").read_text("utf-8"))
    places = list(_places(sound))
    wrong = [None, True, -1, 10**400, float("nan"), float("inf"), "", "x" * 300, "{0}", [], [[]],
             {}, {"a": {}}, [None], ["", 3], dt.date(2026, 2, 28), "25:00", [181, 91]]  # fmt: skip
    for seed in seeds(400):
        rng, data = random.Random(seed), copy.deepcopy(sound)
        way = rng.choice(places)
        inner = data
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = rng.choice(wrong)

        def read(data=data):
            check_settings(Territory.from_dict(data, room / "t.toml"))

        attempt(read, (seed, way, inner[way[-1]]))


def test_side_layers(room):
    """Car parks and changes of the streets, with odd shapes and odd values."""
    for seed in seeds(40):
        rng = random.Random(seed)
        shapes = [_broken_shape(rng), shapely.LineString([(3.8, 43.6), (3.81, 43.6)])]
        frame = gpd.GeoDataFrame(
            {"capacity": rng.choice([["a", ""], [-1, 2], [None, 1e300]]), "lit": ["yes", "no"]},
            geometry=shapes,
            crs=rng.choice([4326, 2154, None]),
        )
        name = rng.choice(["h.gpkg", "h.geojson"])
        (room / name).unlink(missing_ok=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frame.to_file(room / name)
        except Exception:  # the driver itself refuses such a layer
            continue
        for read in (read_car_parks, read_layer):
            attempt(lambda read=read, name=name: read(room / name), seed)


GTFS = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\n1,A,http://a,Europe/Paris\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\ns1,One,43.6,3.8\ns2,Two,43.61,3.81\n",
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nr,1,R,,3\n",
    "trips.txt": "route_id,service_id,trip_id\nr,c,t1\nr,c,t2\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t1,05:00:00,05:00:00,s1,1\nt1,05:10:00,05:10:00,s2,2\n"
        "t2,25:00:00,25:00:00,s1,1\nt2,25:10:00,25:10:00,s2,2\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "c,1,1,1,1,1,0,0,20260101,20261231\n"
    ),
}


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in members.items():
            out.writestr(name, text)
    return buffer.getvalue()


def test_gtfs_zips(room):
    for seed in (*seeds(100), 50094, 700013):
        rng = random.Random(seed)
        members = dict(GTFS)
        name = rng.choice(list(members))
        if rng.random() < 0.15:
            del members[name]
        else:
            members[name] = mutate_text(members[name], rng)
        data = archive(members)
        (room / "g.zip").write_bytes(_bytes(data, rng) if rng.random() < 0.1 else data)
        feed = attempt(lambda: read_feed(room / "g.zip", cache=False), seed)
        if feed is not None:
            assert isinstance(feed.stop_times, pd.DataFrame)


def answered(url, answer):
    """Return a desk whose services all give one answer."""

    class Given(Desk):
        def fetch(self, _url, target, kind, *, data=None):
            del kind, data
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(answer)
            return target

    return Given(Services(url, url, url + "/feeds.csv", url, url), cache=Path("answers"))


def test_answers_of_services(room):
    """What the open-data services give, mutated: refused as an odd answer, or sound."""
    place = {"nom": "Ici", "code": "85191", "codeDepartement": "85", "population": 3,
             "centre": {"type": "Point", "coordinates": [-1.4, 46.6]}}  # fmt: skip
    ring = [[-2, 46], [-1, 46], [-1, 47], [-2, 47], [-2, 46]]
    area = {"type": "Polygon", "coordinates": [ring]}
    feature = {"properties": {"urls": {"pbf": "https://g/x.osm.pbf"}, "d_title": "R"},
               "geometry": area}  # fmt: skip
    box = (-1.5, 46.5, -1.4, 46.6)
    world = (
        "data_type,provider,urls.latest,location.bounding_box.minimum_latitude,"
        "location.bounding_box.maximum_latitude,location.bounding_box.minimum_longitude,"
        "location.bounding_box.maximum_longitude\ngtfs,R,https://r/1.zip,46,47,-2,-1\n"
    )
    cases = [
        (json.dumps([place]), lambda desk: find_commune("Ici", desk)),
        (json.dumps([place | {"codeDepartement": "85"}]), lambda desk: communes_within(box, desk)),
        (json.dumps({"features": [feature] * 2}), lambda desk: french_feeds(box, desk)),
        (json.dumps({"features": [feature]}), lambda desk: geofabrik_extracts(box, desk)),
        (world, lambda desk: world_feeds(box, desk)),
    ]
    for seed in seeds(100):
        text, ask = cases[seed % len(cases)]
        desk = answered("http://service", mutate_text(text, random.Random(seed)))
        attempt(lambda ask=ask, desk=desk: ask(desk), seed)


def test_workbooks(room):
    book = openpyxl.Workbook()
    for line in SITES.splitlines():
        book.active.append(line.split(";"))
    book.save(room / "sound.xlsx")
    sound_bytes = (room / "sound.xlsx").read_bytes()
    for seed in seeds(60):
        rng = random.Random(seed)
        with zipfile.ZipFile(io.BytesIO(sound_bytes)) as source:
            members = {name: source.read(name) for name in source.namelist()}
        name = rng.choice(sorted(members))
        members[name] = mutate_text(members[name].decode(), rng)
        data = archive(members)
        (room / "s.xlsx").write_bytes(_bytes(data, rng) if rng.random() < 0.2 else data)
        for found in attempt(lambda: read_sites_file(room / "s.xlsx"), seed) or ():
            assert found.gates, seed


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="the real sources are not here")
def test_real_feeds_layers_and_extracts(room):
    """Bytes, tables and shapes of real sources: Nantes, the communes of Vendée, Geneva."""
    with zipfile.ZipFile(DATA / "nantes" / "gtfs.zip") as source:
        feed = {name: source.read(name) for name in source.namelist()}
    communes = (DATA / "communes" / "communes-85-vendee.geojson").read_text(encoding="utf-8")
    streets = (DATA / "geneva" / "streets.osm.pbf").read_bytes()
    small = [name for name in feed if len(feed[name]) < 200_000]
    for seed in seeds(10):
        rng = random.Random(seed)
        name = rng.choice(small)
        members = feed | {name: mutate_text(feed[name].decode("utf-8", "replace"), rng)}
        (room / "g.zip").write_bytes(archive(members))
        found = attempt(lambda: read_feed(room / "g.zip", cache=False), seed)
        assert found is None or len(found.stop_times), seed
        (room / "c.geojson").write_bytes(mutate_text(communes, rng))
        homes = attempt(lambda: homes_of(room, "c.geojson", kind="communes", workers="code"), seed)
        if homes is not None:
            sound(homes)
        cut = streets[: rng.randrange(len(streets))] if seed % 2 else _bytes(streets, rng)
        (room / "s.osm.pbf").write_bytes(cut)
        attempt(lambda: read_osm(room / "s.osm.pbf"), seed)


def _bytes_below(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_runs_write_nothing_outside_their_folder(room):
    """Runs of a small territory with one source mutated: its own folder, or an error."""
    write_territory(room / "in")
    for seed in seeds(12):
        rng = random.Random(seed)
        folder = room / f"in-{seed}"
        shutil.copytree(room / "in", folder)
        victim = folder / rng.choice(["homes.csv", "streets.osm", "territory.toml"])
        victim.write_bytes(mutate_text(victim.read_text(encoding="utf-8"), rng))
        before = _bytes_below(room)
        done = attempt(lambda f=folder: run(f / "territory.toml", room / "out"), seed)
        after = _bytes_below(room)
        written = {p for p in after if after[p] != before.get(p)}
        assert {p.relative_to(room).parts[0] for p in written} <= {"out"}, seed
        assert before.keys() <= after.keys(), seed
        assert (done is None) == (not written), seed
        shutil.rmtree(room / "out", ignore_errors=True)


def test_gtfs_zips_that_climb_out_or_explode(room):
    climbing = {"../../evil.txt": "x", "/abs.txt": "x", "..\\evil.txt": "x"}
    (room / "g.zip").write_bytes(archive(GTFS | climbing))
    attempt(lambda: read_feed(room / "g.zip", cache=False), "climb")
    assert not list(room.parent.glob("**/*evil*"))
    assert not list(room.parent.glob("**/abs.txt"))
    assert not Path("/abs.txt").exists()
    bomb = GTFS | {"shapes.txt": b"\0" * (300 << 20)}
    (room / "b.zip").write_bytes(archive(bomb))
    attempt(lambda: read_feed(room / "b.zip", cache=False), "bomb")
