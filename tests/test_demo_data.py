"""The embedded demo: reproducible, readable, and telling the stories it is made for."""

import datetime as dt
import itertools
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import osmium
import pandas as pd
import partridge as ptg
import pytest

from mobility.territory.project import Territory

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
FILES = (
    "demo.toml",
    "homes.csv",
    "gtfs/valbrune-bus.zip",
    "gtfs/valbrune-train.zip",
    "osm/valbrune.osm.pbf",
)
TUESDAY = dt.date(2026, 11, 17)
HOLIDAY_TUESDAY = dt.date(2026, 10, 27)


def osm_content(path):
    """Return nodes and ways with tags, independent of compression."""
    nodes, ways = {}, []
    for item in osmium.FileProcessor(path):
        if item.is_node():
            nodes[item.id] = (round(item.lon, 7), round(item.lat, 7), dict(item.tags))
        elif item.is_way():
            ways.append((item.id, [n.ref for n in item.nodes], dict(item.tags)))
    return nodes, ways


def zip_content(path):
    with zipfile.ZipFile(path) as archive:
        return {i.filename: (i.date_time, archive.read(i)) for i in archive.infolist()}


@pytest.fixture(scope="module")
def streets():
    return osm_content(DATA / "osm" / "valbrune.osm.pbf")


@pytest.fixture(scope="module")
def bus():
    return ptg.load_feed(str(DATA / "gtfs" / "valbrune-bus.zip"))


@pytest.fixture(scope="module")
def calls(bus):
    """Stop times of the bus with their line, service, direction and stop name."""
    frame = bus.stop_times.merge(bus.trips, on="trip_id").merge(bus.stops, on="stop_id")
    return frame.sort_values(["trip_id", "stop_sequence"], ignore_index=True)


def at(calls, line, stop, *, direction=None, service=None, column="departure_time"):
    """Return the clock times of a line at a stop, sorted, as HH:MM."""
    rows = calls[(calls.route_id == line) & (calls.stop_name == stop)]
    if direction is not None:
        rows = rows[rows.direction_id == direction]
    if service is not None:
        rows = rows[rows.service_id == service]
    return [f"{int(t) // 3600:02d}:{int(t) % 3600 // 60:02d}" for t in sorted(rows[column])]


@pytest.mark.slow
def test_generator_writes_the_committed_files(tmp_path):
    command = [sys.executable, str(ROOT / "tools" / "make_demo.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert sorted(str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*.*")) == sorted(FILES)
    for name in FILES:
        made, kept = tmp_path / name, DATA / name
        if name.endswith(".zip"):
            assert zip_content(made) == zip_content(kept)
        elif name.endswith(".pbf"):
            assert osm_content(made) == osm_content(kept)
        else:
            assert made.read_bytes() == kept.read_bytes()


def test_files_stay_small():
    assert sum((DATA / name).stat().st_size for name in FILES) < 1_000_000


def test_territory_parses_and_finds_its_sources():
    territory = Territory.from_toml(DATA / "demo.toml")
    assert territory.resolve(territory.sources.osm).is_file()
    assert all(territory.resolve(f).is_file() for f in territory.sources.gtfs)
    assert territory.resolve(territory.sources.homes.file).is_file()
    headcounts = {
        site.employer: sum(s.headcount for r in site.rosters for s in r.shifts)
        for site in territory.sites
    }
    assert headcounts["Fonderies Orbrenac"] == 420
    assert headcounts["Biscuiterie Tillouène"] == 180
    assert headcounts["Mécanique Norvéane"] == 150


def test_every_street_node_exists_and_streets_hang_together(streets):
    nodes, ways = streets
    highways = [(refs, tags) for _, refs, tags in ways if "highway" in tags]
    assert all(ref in nodes for _, refs, _ in ways for ref in refs)
    parent = {}

    def root(n):
        while parent.setdefault(n, n) != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for refs, _ in highways:
        for a, b in itertools.pairwise(refs):
            parent[root(a)] = root(b)
    assert len({root(n) for n in list(parent)}) == 1
    kinds = {tags["highway"] for _, tags in highways}
    assert kinds >= {
        "trunk", "primary", "secondary", "tertiary", "residential", "unclassified", "track",
        "footway", "cycleway", "service",
    }  # fmt: skip
    for key in ("lit", "sidewalk", "maxspeed", "surface", "oneway", "name", "junction", "bridge"):
        assert any(key in tags for _, tags in highways), key


def test_no_street_name_or_place_is_a_real_commune(streets):
    table = ROOT.parent / "shared" / "data" / "communes" / "population.csv"
    if not table.is_file():
        pytest.skip("the list of French communes is not here")
    real = set(pd.read_csv(table, dtype=str)["nom"].str.lower())
    nodes, _ = streets
    places = {
        tags["name"] for _, _, tags in nodes.values() if tags.get("place") in ("town", "village")
    }
    assert len(places) == 12
    assert not {p.lower() for p in places} & real


def street_segments(streets):
    nodes, ways = streets
    for _, refs, tags in ways:
        if tags.get("highway") not in (None, "trunk"):
            for a, b in itertools.pairwise(refs):
                yield nodes[a][:2], nodes[b][:2]


def metres_to_streets(streets, lon, lat):
    """Return the distance in metres from a point to the nearest street."""
    kx, ky = 111_320 * math.cos(math.radians(lat)), 111_180
    best = math.inf
    for (x0, y0), (x1, y1) in street_segments(streets):
        if abs(y0 - lat) > 0.02 or abs(x0 - lon) > 0.03:
            continue
        ax, ay, bx, by = (x0 - lon) * kx, (y0 - lat) * ky, (x1 - lon) * kx, (y1 - lat) * ky
        dx, dy = bx - ax, by - ay
        t = max(0.0, min(1.0, -(ax * dx + ay * dy) / (dx * dx + dy * dy or 1)))
        best = min(best, math.hypot(ax + t * dx, ay + t * dy))
    return best


def test_stops_and_gates_lie_on_the_streets(streets, bus):
    train = ptg.load_feed(str(DATA / "gtfs" / "valbrune-train.zip"))
    for stop in [*bus.stops.itertuples(), *train.stops.itertuples()]:
        assert metres_to_streets(streets, stop.stop_lon, stop.stop_lat) < 15, stop.stop_name
    for site in Territory.from_toml(DATA / "demo.toml").sites:
        for lon, lat in site.gates:
            assert metres_to_streets(streets, lon, lat) < 1


def test_homes_are_cells_with_plausible_totals():
    homes = pd.read_csv(DATA / "homes.csv")
    assert homes["id"].is_unique
    assert 1500 <= len(homes) <= 2500
    assert 13_000 <= homes["workers"].sum() <= 15_000
    assert (homes[["without_car", "job_seekers"]].le(homes["workers"], axis=0)).all(axis=None)
    assert homes["without_car"].sum() / homes["workers"].sum() == pytest.approx(0.11, abs=0.04)


def test_services_follow_school_and_public_holidays():
    path = str(DATA / "gtfs" / "valbrune-bus.zip")
    by_date = ptg.read_service_ids_by_date(path)
    assert by_date[TUESDAY] == {"SCO", "NUIT"}
    assert by_date[HOLIDAY_TUESDAY] == {"VAC", "NUIT"}
    assert by_date[dt.date(2026, 11, 21)] == {"SAM"}
    assert by_date[dt.date(2026, 11, 22)] == {"DIM", "NUIT"}  # night before Monday
    assert by_date[dt.date(2026, 11, 20)] == {"SCO"}  # Friday: no night before Saturday
    assert by_date[dt.date(2026, 11, 11)] == {"DIM", "NUIT"}  # Wednesday, public holiday
    assert by_date[dt.date(2026, 11, 10)] == {"SCO"}  # no night before the holiday
    assert dt.date(2027, 5, 1) not in by_date
    train = ptg.read_service_ids_by_date(str(DATA / "gtfs" / "valbrune-train.zip"))
    assert train[TUESDAY] == {"LV"}


def test_hours_suit_offices(calls):
    urban = calls[calls.route_id.isin(["1", "2", "3"])]
    assert urban["departure_time"].min() >= 6 * 3600 + 25 * 60
    assert urban["departure_time"].max() <= 20 * 3600 + 15 * 60
    assert set(calls.loc[calls.service_id == "DIM", "route_id"]) == {"1"}
    assert set(calls.loc[calls.route_id == "15", "service_id"]) == {"SCO"}


def test_line_4_serves_the_edges_of_the_shifts(calls):
    sud, fonderie = "Quatre-Vents Sud", "Quatre-Vents Fonderie"
    arrivals = at(calls, "4", sud, direction=0, service="SCO", column="arrival_time")
    assert arrivals == [
        "04:44", "07:14", "07:45", "08:12", "08:42", "12:38", "13:06", "17:02", "20:38",
    ]  # fmt: skip
    assert at(calls, "4", fonderie, direction=0, service="SCO")[0] < "04:44"
    back = at(calls, "4", sud, direction=1, service="SCO")
    assert back[0] == "05:16"
    assert back[-1] == "21:16"
    first = calls[(calls.route_id == "4") & (calls.direction_id == 1)]
    night = first[first.trip_id.isin(first.loc[first.departure_time == 18_960, "trip_id"])]
    assert night.groupby("trip_id")["stop_name"].last().unique().tolist() == ["Tuilière Ouest"]


def test_line_n_is_the_previous_evening_after_midnight(calls):
    arrivals = at(calls, "N", "Quatre-Vents Sud", direction=0, column="arrival_time")
    assert arrivals == ["28:40"]
    assert at(calls, "N", "Hôtel de Ville", direction=1) == ["24:40"]


def test_trips_advance_and_shapes_end_at_the_stops(bus, calls):
    for _, trip in calls.groupby("trip_id"):
        assert trip["arrival_time"].is_monotonic_increasing
        assert (trip["departure_time"].diff().dropna() >= 60).all()
        speed = trip["shape_dist_traveled"].diff() / trip["arrival_time"].diff()
        assert speed.max() < 28
    ends = bus.shapes.groupby("shape_id")["shape_dist_traveled"].max()
    last = calls.groupby("shape_id")["shape_dist_traveled"].max()
    assert (ends - last).abs().max() < 1
