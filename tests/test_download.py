import dataclasses
import hashlib
import io
import json
import socket
import zipfile
from types import SimpleNamespace

import pytest
from http_server import Page, serving

from mobility.base.errors import DownloadError
from mobility.prepare.offers import french_feeds, geofabrik_extracts, overpass_query, world_feeds
from mobility.prepare.service import Desk, Services, around, communes_within, find_commune
from mobility.sources.download import Patience, fetch

FAST = Patience(connect_s=2, read_s=0.3, total_s=5, tries=3, pause_s=0)


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def get(server, tmp_path):
    def run(path="/file", target="data/file.bin", **options):
        options = {"patience": FAST, "cache": tmp_path / "cache"} | options
        state = fetch(server.url + path, tmp_path / target, **options)
        return SimpleNamespace(state=state, path=tmp_path / target)

    return run


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def refused(get, match, **options):
    with pytest.raises(DownloadError, match=match) as caught:
        get(**options)
    error = caught.value
    assert error.mend
    assert error.render("fr")
    return error


def test_a_file_is_written_whole_and_its_hash_given(server, get, tmp_path):
    body = bytes(range(256)) * 1000
    server.pages["/file"] = Page(body)
    seen = []
    got = get(on_bytes=lambda done, total: seen.append((done, total)))
    assert (tmp_path / "data/file.bin").read_bytes() == body
    assert got.state == "new"
    (kept,) = (tmp_path / "cache/downloads/content").iterdir()
    assert kept.name == hashlib.sha256(body).hexdigest()
    assert seen[-1] == (256_000, 256_000)
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["file.bin"]


def test_an_unchanged_file_is_not_sent_again(server, get):
    server.pages["/file"] = Page(b"one")
    get()
    again = get(target="elsewhere.bin")
    assert again.state == "same"
    assert again.path.read_bytes() == b"one"
    assert server.seen[-1][1]["If-None-Match"] == '"v1"'
    server.pages["/file"] = Page(b"two", etag='"v2"')
    assert get().path.read_bytes() == b"two"


def test_a_cut_download_is_resumed_where_it_stopped(server, get):
    body = bytes(range(256)) * 2000
    server.pages["/file"] = Page(body, cut=200_000)
    assert get().path.read_bytes() == body
    assert len(server.seen) == 2
    start = int(server.seen[1][1]["Range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < start <= 200_000


def test_a_download_always_cut_leaves_no_file_and_a_later_run_resumes(server, get, tmp_path):
    body = bytes(range(256)) * 2000
    server.pages["/file"] = Page(body, cut=1000, cuts=99)
    error = refused(get, "cut after")
    assert not (tmp_path / "data").exists()
    assert "same command again" in error.mend
    server.pages["/file"] = Page(body)
    assert get().path.read_bytes() == body
    assert "Range" in server.seen[-1][1]


def test_a_file_that_changed_meanwhile_is_taken_from_its_start(server, get):
    server.pages["/file"] = Page(b"a" * 300_000, cut=1000, cuts=99)
    refused(get, "cut")
    new = b"b" * 250_000
    server.pages["/file"] = Page(new, etag='"v2"')
    assert get().path.read_bytes() == new


def test_a_server_that_ignores_ranges_is_read_from_the_start(server, get):
    body = bytes(range(256)) * 2000
    server.pages["/file"] = Page(body, cut=100_000, ranges=False)
    assert get().path.read_bytes() == body


def test_a_part_already_complete_is_started_again(server, get, tmp_path):
    body = b"x" * 1000
    server.pages["/file"] = Page(body, cut=100, cuts=99)
    refused(get, "cut")
    (part,) = (tmp_path / "cache" / "downloads").glob("*.part")
    part.write_bytes(body)
    server.pages["/file"] = Page(body)
    assert get().path.read_bytes() == body


def test_passing_failures_are_tried_again(server, get):
    server.pages["/file"] = Page(b"late", fail=[500, 503])
    assert get().path.read_bytes() == b"late"


@pytest.mark.parametrize(
    ("status", "match", "requests"),
    [(500, "error 500", 3), (404, "no such file", 1), (403, "key", 1), (429, "error 429", 3)],
)
def test_failures_that_stay_are_one_clear_error(server, get, tmp_path, status, match, requests):
    server.pages["/file"] = Page(status=status, etag="")
    error = refused(get, match)
    assert len(server.seen) == requests
    assert str(tmp_path / "data/file.bin") in str(error)
    assert not (tmp_path / "data").exists()


def test_redirects_are_followed_but_not_for_ever(server, get):
    server.pages["/file"] = Page(status=302, headers={"Location": "/there"}, etag="")
    server.pages["/there"] = Page(b"found")
    assert get().path.read_bytes() == b"found"
    server.pages["/loop"] = Page(status=302, headers={"Location": "/loop"}, etag="")
    refused(get, "redirects", path="/loop")
    server.pages["/out"] = Page(status=302, headers={"Location": "file:///etc/hosts"}, etag="")
    refused(get, "redirects to no web address", path="/out")


def test_a_silent_link_and_a_dripping_one_are_given_up(server, get):
    server.pages["/file"] = Page(b"x" * 100, pause=0.8)
    refused(get, "stopped answering")
    drip = dataclasses.replace(FAST, total_s=0.3, tries=1)
    server.pages["/drip"] = Page(b"x" * 300_000, drip=0.01)
    refused(get, "too slow|stopped", path="/drip", patience=drip)


def test_without_a_connection_the_error_says_what_to_put_where(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    target = tmp_path / "data" / "gtfs" / "bus.zip"
    with pytest.raises(DownloadError) as caught:
        fetch(f"http://127.0.0.1:{port}/g.zip", target, patience=FAST, cache=tmp_path / "c")
    text = caught.value.render("fr")
    assert "Pas de connexion à 127.0.0.1" in text
    assert str(target) in text
    assert not target.parent.exists()


def test_without_a_connection_an_earlier_copy_serves(server, get, tmp_path):
    server.pages["/file"] = Page(b"yesterday")
    get()
    server.pages["/file"] = Page(status=500, etag="")
    again = get(target="copy.bin")
    assert again.state == "offline"
    assert again.path.read_bytes() == b"yesterday"
    (blob,) = (tmp_path / "cache/downloads/content").iterdir()
    blob.write_bytes(b"tampered")
    refused(get, "error 500")


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        ("zip", zipped(a="1")),
        ("json", b' {"a": 1}'),
        ("csv", b"a,b\n"),
        ("osm", b"<?xml version='1.0'?>\n<osm version='0.6'></osm>"),
        ("osm.pbf", b"\0\0\0\x0d\x0a\x09OSMHeader"),
    ],
)
def test_an_error_page_is_not_taken_for_the_file(server, get, tmp_path, kind, good):
    server.pages["/file"] = Page(b"<html>Sorry</html>")
    refused(get, "is no", kind=kind)
    assert not (tmp_path / "data").exists()
    server.pages["/file"] = Page(good, etag='"v2"')
    assert get(kind=kind).path.read_bytes() == good


def test_answers_too_large_are_refused(server, get):
    server.pages["/file"] = Page(b"x" * 1000)
    small = dataclasses.replace(FAST, max_bytes=999)
    refused(get, "larger", patience=small)


@pytest.mark.parametrize("url", ["ftp://a/b", "data/gtfs.zip", "http://", "http://[::1", ""])
def test_what_is_no_web_address_is_refused(tmp_path, url):
    with pytest.raises(DownloadError, match="no web address"):
        fetch(url, tmp_path / "x", cache=tmp_path)


def test_a_failed_download_keeps_the_earlier_file(server, get, tmp_path):
    target = tmp_path / "data" / "file.bin"
    target.parent.mkdir()
    target.write_bytes(b"mine")
    server.pages["/file"] = Page(b"x" * 100_000, cut=10, cuts=99)
    refused(get, "cut")
    assert target.read_bytes() == b"mine"


def test_a_cut_download_behind_a_redirect_is_resumed(server, get):
    """As extracts are served: `latest` redirects to the file of the day."""
    body = bytes(range(256)) * 2000
    server.pages["/latest"] = Page(status=302, headers={"Location": "/dated"}, etag="")
    server.pages["/dated"] = Page(body, cut=200_000)
    assert get(path="/latest").path.read_bytes() == body
    assert server.seen[-1][1]["Range"].startswith("bytes=")


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (
            b'<osm version="0.6"><remark> runtime error: Query timed out </remark></osm>',
            "did not finish its answer: runtime error: Query timed out",
        ),
        (b'<osm version="0.6"><node id="1" lat="1" lon="1"/>', "no osm file"),
    ],
)
def test_an_answer_left_unfinished_is_refused(server, get, tmp_path, body, match):
    """Overpass says so inside an answer of status 200; a proxy may cut one in silence."""
    server.pages["/file"] = Page(body, etag="")
    refused(get, match, kind="osm")
    assert not (tmp_path / "data").exists()


# --- catalogues -------------------------------------------------------------------------------


def page(answer):
    return Page(json.dumps(answer).encode(), etag="")


def square(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture
def desk(server, tmp_path):
    services = Services(
        communes=server.url + "/geo",
        timetables=server.url + "/api",
        mobility_database=server.url + "/feeds_v2.csv",
        geofabrik=server.url + "/index-v1.json",
        overpass=server.url + "/interpreter",
    )
    return Desk(services, tmp_path / "cache", FAST)


def commune(nom, code, population, department="85"):
    return {
        "nom": nom,
        "code": code,
        "codeDepartement": department,
        "population": population,
        "centre": {"type": "Point", "coordinates": [-1.4286, 46.6659]},
        "_score": 1,
    }


def test_a_commune_is_found_by_name_department_or_code(server, desk):
    rows = [commune("La Roche", "1", 99), commune("La Roche-sur-Yon", "85191", 55_000)]
    server.pages["/geo/communes"] = page(rows)
    found = find_commune("la roche sur yon", desk)
    assert (found.code, found.population, found.centre) == ("85191", 55_000, (-1.4286, 46.6659))
    find_commune("La Roche-sur-Yon (85)", desk)
    assert "codeDepartement=85" in server.seen[-1][0]
    assert "nom=La+Roche-sur-Yon&" in server.seen[-1][0]
    find_commune("85191", desk)
    assert "code=85191" in server.seen[-1][0]


def test_an_unknown_commune_and_an_odd_answer(server, desk):
    server.pages["/geo/communes"] = page([])
    with pytest.raises(DownloadError, match="No commune"):
        find_commune("Xyz", desk)
    for odd in ({"message": "no"}, [{"nom": "x"}], [3], [commune("x", "1", 2) | {"centre": None}]):
        server.pages["/geo/communes"] = page(odd)
        with pytest.raises(DownloadError, match="unexpected"):
            find_commune("x", desk)


def test_communes_of_the_area_come_from_the_departments_around(server, desk):
    west = {"type": "Feature", "properties": {"code": "85191", "nom": "Roche", "population": 5}}
    far = {"type": "Feature", "properties": {"code": "85001", "nom": "Loin", "population": 6}}
    west["geometry"], far["geometry"] = square(-1.5, 46.6, -1.4, 46.7), square(5, 45, 6, 46)
    server.pages["/geo/communes"] = page([{"code": "85191", "codeDepartement": "85"}])
    server.pages["/geo/departements/85/communes"] = page({"features": [far, west]})
    answer = communes_within(around((-1.43, 46.67), 10), desk)
    assert [f["properties"]["code"] for f in answer["features"]] == ["85191"]


def stops(*titles):
    point = {"type": "Point", "coordinates": [-1.4, 46.6]}
    features = [
        {"type": "Feature", "geometry": point, "properties": {"d_id": 1, "d_title": t}}
        for t in titles
    ]
    return page({"type": "FeatureCollection", "features": features})


def dataset(title, *resources):
    return {
        "title": title,
        "type": "public-transit",
        "licence": "lov2",
        "publisher": {"name": "Agglo", "type": "organization"},
        "resources": list(resources),
    }


def test_french_timetables_with_stops_in_the_area(server, desk):
    gtfs = {
        "format": "GTFS",
        "url": "https://x/latest.zip",
        "is_available": True,
        "start_calendar_validity": "2026-01-01",
        "end_calendar_validity": "2026-12-31",
    }
    server.pages["/api/gtfs-stops"] = stops("Impulsyon", "Impulsyon", "Agrégat", "Agrégat", "Rare")
    server.pages["/api/datasets"] = page(
        [
            dataset("Impulsyon", gtfs, {"format": "gtfs-rt", "url": "https://x/rt"}),
            dataset("Agrégat", gtfs | {"url": "https://x/all.zip"}),
            dataset("Rare", gtfs),
            dataset("Ailleurs", gtfs),
            dataset("Impulsyon", gtfs | {"is_available": False, "url": "https://x/gone.zip"}),
        ]
    )
    (offer,) = french_feeds((-1.5, 46.6, -1.3, 46.8), desk)
    assert (offer.title, offer.url, offer.licence) == (
        "Impulsyon",
        "https://x/latest.zip",
        "Licence Ouverte 2.0",
    )
    assert offer.valid_to == "2026-12-31"
    server.pages["/api/gtfs-stops"] = stops("Agrégat", "Agrégat")
    assert [o.title for o in french_feeds((-1.5, 46.6, -1.3, 46.8), desk)] == ["Agrégat"]
    server.pages["/api/gtfs-stops"] = Page(b'{"error": "too many"}', status=422, etag="")
    assert [o.title for o in french_feeds((-1.5, 46.6, -1.3, 46.8), desk)] == ["Agrégat"]


def test_an_area_with_too_many_stops_is_asked_for_in_quarters(server, desk):
    """The service refuses more than 20,000 stops: status 422."""

    def answer(request):
        east = float(request.path.split("east=")[1].split("&")[0])
        west = float(request.path.split("west=")[1].split("&")[0])
        if east - west > 0.11:
            return Page(
                b'{"error": "bounding box too large: too many points"}', status=422, etag=""
            )
        return stops("Impulsyon")

    gtfs = {"format": "GTFS", "url": "https://x/latest.zip"}
    server.pages["/api/gtfs-stops"] = answer
    server.pages["/api/datasets"] = page([dataset("Impulsyon", gtfs)])
    assert len(french_feeds((-1.5, 46.6, -1.3, 46.8), desk)) == 1
    # A slow answer may be asked for twice.
    assert len({path for path, _, _ in server.seen if "gtfs-stops" in path}) == 5
    server.pages["/api/gtfs-stops"] = Page(b"{}", status=422, etag="")
    with pytest.raises(DownloadError, match="error 422"):
        french_feeds((2.0, 48.0, 3.0, 49.0), desk)


def test_an_earlier_answer_is_told_once_a_service(server, desk):
    server.pages["/geo/communes"] = page([commune("La Roche", "1", 99)])
    find_commune("La Roche", desk)
    find_commune("1", dataclasses.replace(desk))
    server.pages["/geo/communes"] = Page(status=503, etag="")
    find_commune("La Roche", desk)
    find_commune("La Roche", desk)
    (note,) = desk.told
    assert "earlier time" in note.render("en")
    assert note.render("fr") != note.render("en")


WORLD = (
    "id,data_type,provider,name,urls.direct_download,urls.authentication_type,urls.latest,"
    "urls.license,location.bounding_box.minimum_latitude,location.bounding_box.maximum_latitude,"
    "location.bounding_box.minimum_longitude,location.bounding_box.maximum_longitude,status,"
    "redirect.id\n"
    "mdb-1,gtfs,Town,Bus,https://p/1.zip,,https://l/1.zip,L,46.5,46.8,-1.6,-1.2,active,\n"
    "mdb-2,gtfs,Region,,https://p/2.zip,0,https://l/2.zip,L,46,48,-3,0,,\n"
    "mdb-3,gtfs,Key,,https://p/3.zip,1,https://l/3.zip,L,46.5,46.8,-1.6,-1.2,active,\n"
    "mdb-4,gtfs,Old,,https://p/4.zip,0,https://l/4.zip,L,46.5,46.8,-1.6,-1.2,deprecated,\n"
    "mdb-5,gtfs_rt,Live,,https://p/5.zip,0,https://l/5.zip,L,46.5,46.8,-1.6,-1.2,active,\n"
    "mdb-6,gtfs,Coach,,https://p/6.zip,0,https://l/6.zip,L,36,60,-9,20,active,\n"
    "mdb-7,gtfs,Unplaced,,https://p/7.zip,0,https://l/7.zip,L,,,,,active,\n"
    "mdb-8,gtfs,Moved,,https://p/8.zip,0,https://l/8.zip,L,46.5,46.8,-1.6,-1.2,active,mdb-1\n"
)


def test_world_timetables_open_active_and_near_the_smallest_first(server, desk):
    server.pages["/feeds_v2.csv"] = Page(WORLD.encode())
    offers = world_feeds((-1.5, 46.6, -1.3, 46.8), desk)
    assert [(o.title, o.url) for o in offers] == [
        ("Town – Bus", "https://l/1.zip"),
        ("Region", "https://l/2.zip"),
    ]
    server.pages["/feeds_v2.csv"] = Page(b"a,b\n1,2\n", etag="")
    with pytest.raises(DownloadError, match="unexpected"):
        world_feeds((-1.5, 46.6, -1.3, 46.8), desk)


def test_the_smallest_extract_that_holds_the_area(server, desk):
    def region(name, box):
        urls = {"pbf": f"https://g/{name}-latest.osm.pbf"}
        return {"properties": {"id": name, "urls": urls}, "geometry": square(*box)}

    regions = [
        region("europe", (-30, 30, 40, 70)),
        region("pays-de-la-loire", (-2.6, 46.2, 0.9, 48.6)),
        region("bretagne", (-5.2, 47, -1, 49)),
        {"properties": {"id": "x", "urls": {}}, "geometry": square(-2, 46, 0, 47)},
    ]
    server.pages["/index-v1.json"] = page({"features": regions})
    address = geofabrik_extracts((-1.5, 46.6, -1.3, 46.8), desk)
    assert address == ["https://g/pays-de-la-loire-latest.osm.pbf"]
    # Across the border of two regions: both, rather than all of Europe.
    assert sorted(geofabrik_extracts((-2.8, 47.5, -0.9, 48), desk)) == [
        "https://g/bretagne-latest.osm.pbf",
        "https://g/pays-de-la-loire-latest.osm.pbf",
    ]
    assert geofabrik_extracts((-3, 46.9, -2.4, 47.5), desk) == ["https://g/europe-latest.osm.pbf"]
    with pytest.raises(DownloadError, match="No extract"):
        geofabrik_extracts((100, 0, 101, 1), desk)


def test_the_overpass_query_states_the_box_south_first():
    query = overpass_query((-1.5, 46.6, -1.3, 46.8))
    assert query.startswith("[out:xml][timeout:300][bbox:46.6,-1.5,46.8,-1.3];(way[")
    assert query.endswith(";);(._;>;);out body;")


def test_the_box_of_a_radius():
    west, south, east, north = around((0.0, 60.0), 11.12)
    assert (north - south) == pytest.approx(0.2, abs=1e-4)
    assert (east - west) == pytest.approx(0.4, abs=1e-3)
