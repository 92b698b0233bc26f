"""Every finding the package can make reaches the screen of `mobility check`.

A scene is a territory written to disk; its test runs the command and looks for the rendered
text of each code it names. A code of the package that no scene names fails the suite: add a
scene, or the test of the other command that shows it to `ELSEWHERE`.
"""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from feeds import WEEK, service, trip, write_gtfs
from small import PLACES_M, SERVICES, TRIPS, lonlat, with_many_sites, write_osm, write_territory
from test_on_demand import booked, flex_territory
from test_overlaps import aggregate, usual
from typer.testing import CliRunner

from mobility.cli import app
from mobility.commute import loading

ROOT = Path(__file__).parents[1]
PLACES = {name: lonlat(PLACES_M[name]) for name in ("A", "B")}
USUAL = [
    trip(name, [(a, leave), (b, arrive)], service=which)
    for name, a, leave, b, arrive, which in TRIPS
]
TEN = lonlat(700)[0] - lonlat(690)[0]
HEAD = "id,name,commune,lon,lat,workers"

Scene = Callable[[Path], Path]
SCENES: dict[str, tuple[Scene, set[str]]] = {}


def scene(*codes: str) -> Callable[[Scene], Scene]:
    """Register a scene under its function's name, with the codes it must show."""

    def register(make: Scene) -> Scene:
        SCENES[make.__name__] = (make, set(codes))
        return make

    return register


def with_feed(folder, trips, *, services=None, days=None, stops=None, name="gtfs.zip", **tables):
    """Write the usual territory with another feed."""
    path = write_territory(folder, **({} if days is None else {"days": days}))
    write_gtfs(
        folder / name, stops=PLACES if stops is None else stops, trips=trips,
        services=SERVICES if services is None else services, **tables,
    )  # fmt: skip
    return path


def edited(path, *changes):
    """Replace texts of a territory file."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


def with_homes(folder, text, source, name="homes.csv"):
    path = write_territory(folder, homes=text)
    (folder / name).write_text(text, encoding="utf-8")
    keys = 'file = "homes.csv"\nid = "id"\nname = "name"\ncommune = "commune"\npersonal = false'
    return edited(path, (keys, f'file = "{name}"\n{source}'))


def squares(folder, **more):
    """Write zones: two on the street, one of them reaching beyond it, and one far away."""
    (x, y), (u, _) = lonlat(600), lonlat(5000)
    boxes = [
        shapely.box(x, y - 0.001, x + 0.02, y + 0.001),
        shapely.box(u, y - 0.5, u + 0.02, y + 0.5),
        shapely.box(x + 3, y, x + 4, y + 1),
    ]
    gpd.GeoDataFrame(
        {"code": ["49021", "49007", "34172"], "nom": ["Beau", "Angers", "Loin"]},
        geometry=boxes, crs=4326,
    ).to_file(folder / "zones.geojson")  # fmt: skip


@scene(
    "no_headcount", "school_zone_unknown", "paths_missing", "days_without_trips", "date_fixed",
    "network_hours",
)  # fmt: skip
def plain(folder):
    return write_territory(folder)


@scene("platforms_one_way", "columns_repeated")
def one_way_station(folder):
    """Platform A is entered at E, and never left; the names of stops stand twice."""
    (x, y), (u, v) = PLACES["A"], PLACES["B"]
    return with_feed(
        folder, USUAL, pathways=[{"from_stop_id": "E", "to_stop_id": "A", "is_bidirectional": 0}],
        texts={"stops": "stop_id,stop_name,stop_name,stop_lon,stop_lat,location_type\n"
                        f"A,a,z,{x},{y},0\nE,e,z,{x},{y},2\nB,b,z,{u},{v},0\n"},
    )  # fmt: skip


@scene(
    "trips_without_stop_times", "trips_of_one_stop", "trips_beyond_two_days", "stops_at_zero",
    "stops_far_away", "stops_without_position", "stops_without_trips", "trips_call_at_stations",
    "stops_far_from_streets", "stops_without_homes", "impossible_speed", "trips_never_run",
    "trips_untimed", "trips_back_in_time", "duplicate_trips", "duplicate_ids", "missing_ids",
    "broken_reference", "stop_times_nowhere", "timezone_differs", "times_filled", "hail_and_ride",
    "rows_incomplete", "frequencies_void", "frequencies_over_midnight", "services_backwards",
    "blocks_unnamed", "frequencies_overlap",
)  # fmt: skip
def broken_feed(folder):
    x, y = PLACES["A"]
    stops = [
        *(
            {"stop_id": s, "stop_name": s, "stop_lon": a, "stop_lat": b}
            for s, (a, b) in PLACES.items()
        ),
        {"stop_id": "A", "stop_name": "again", "stop_lon": x, "stop_lat": y},
        {"stop_id": "", "stop_name": "nameless", "stop_lon": x, "stop_lat": y},
        {"stop_id": "zero", "stop_name": "z", "stop_lon": 0, "stop_lat": 0},
        {"stop_id": "far", "stop_name": "f", "stop_lon": x, "stop_lat": y + 1},
        {"stop_id": "lost", "stop_name": "l"},
        {"stop_id": "idle", "stop_name": "i", "stop_lon": x, "stop_lat": y},
        {"stop_id": "station", "stop_name": "s", "stop_lon": x, "stop_lat": y, "location_type": 1},
    ]  # fmt: skip
    trips = [
        *USUAL,
        trip("copy", [("A", "12:15"), ("B", "12:35")], service="week"),
        trip("none", [], service="week"),
        trip("one", [("A", "05:00")], service="week"),
        trip("late", [("A", "47:50"), ("B", "48:10")], service="week"),
        trip("fast", [("A", "05:00"), ("far", "05:05")], service="week"),
        trip("odd", [("lost", "05:00"), ("zero", "90:00")], service="week"),
        trip("at station", [("station", "05:00"), ("B", "05:30")], service="week"),
        trip("never", [("A", "05:00"), ("B", "05:30")], service="never"),
        trip("untimed", [("A", ""), ("B", "05:30")], service="week"),
        trip("back", [("A", "06:00"), ("B", "05:30")], service="week"),
        trip("unknown", [("A", "06:00"), ("Z", "06:10"), ("B", "06:30")], service="week"),
        trip("zone", [("A", "06:00"), ("", "06:10"), ("B", "06:30")], service="week"),
    ]
    trips.append(trip("gap", [("A", "06:00"), ("B", ""), ("A", "06:30")], service="week"))
    trips += [trip(name, [("A", "05:00"), ("B", "05:30")], service="back") for name in ("b1", "b2")]
    for k in (-1, -2):
        trips[k]["trip"]["block_id"] = "NA"
    frequent = [("late", "22:00:00", "05:00:00", 600), ("fast", "05:00:00", "05:00:00", 600),
                ("never", "05:00:00", "06:00:00", ""), ("one", "05:00:00", "06:00:00", 600),
                ("one", "05:30:00", "07:00:00", 600)]  # fmt: skip
    heads = ("trip_id", "start_time", "end_time", "headway_secs")
    services = SERVICES | {
        "never": service("0000000"), "back": service("1111111", "20261231", "20260101")
    }  # fmt: skip
    routes = [{"route_id": "R", "route_type": 3, "continuous_pickup": 0}]
    return with_feed(
        folder, trips, stops=stops, services=services, timezone="Europe/Lisbon", routes=routes,
        frequencies=[dict(zip(heads, row, strict=True)) for row in frequent],
    )  # fmt: skip


@scene("gates_without_stop", "network_days")
def gate_far_from_any_stop(folder):
    """The gate is moved 4 km from stop B; of two networks one rests on Saturdays."""
    days = 'kinds = ["school_weekday", "saturday"]'
    x, y = lonlat(PLACES_M["G"])
    u, v = lonlat(7000)
    path = write_territory(folder, days=days)
    rides = [t | {"trip": t["trip"] | {"service_id": "all"}} for t in USUAL]
    every = {"all": service("1111111", "20260105", "20261218")}
    write_gtfs(folder / "all.zip", stops=PLACES, trips=rides, services=every)
    gates = (f"gates = [[{x:.9f}, {y:.9f}]]", f"gates = [[{u:.9f}, {v:.9f}]]")
    return edited(path, ('["gtfs.zip"]', '["gtfs.zip", "all.zip"]'), gates)


@scene("gates_far_apart")
def gates_of_two_towns(folder):
    """A second gate at A, and a third 9 km east of the first of them."""
    path = write_territory(folder)
    (x, y), (u, v), (a, b) = lonlat(PLACES_M["G"]), lonlat(PLACES_M["G"] - 9000), PLACES["A"]
    one = f"gates = [[{x:.9f}, {y:.9f}]]"
    return edited(path, (one, f"gates = [[{x:.9f}, {y:.9f}], [{a}, {b}], [{u:.9f}, {v:.9f}]]"))


@scene("stops_exchanged")
def exchanged_coordinates(folder):
    return with_feed(folder, USUAL, stops={name: (y, x) for name, (x, y) in PLACES.items()})


@scene("edges_without_service")
def office_hours(folder):
    return write_territory(folder, rosters='["office"]')


@scene("homes_cut_off", "workers_blank")
def street_of_its_own(folder):
    """A home stands on a street of 3 km that joins no other; another has no number of workers."""
    x, y = lonlat(2000)
    homes = f"{HEAD}\na,a,c,{lonlat(700)[0]},{y},9\nb,b,c,{x},{y + 0.02},9\nd,d,c,{x},{y},\n"
    path = write_territory(folder, homes=homes)
    ends = [(x, y + 0.02), (lonlat(5000)[0], y + 0.02)]
    more = "".join(f'<node id="{91 + k}" lat="{b}" lon="{a}" version="1"/>'
                   for k, (a, b) in enumerate(ends))  # fmt: skip
    way = ('<way id="9" version="1"><nd ref="91"/><nd ref="92"/>'
           '<tag k="highway" v="residential"/></way></osm>')  # fmt: skip
    osm = folder / "streets.osm"
    text = osm.read_text(encoding="utf-8").replace("<way", more + "<way", 1)
    osm.write_text(text.replace("</osm>", way), encoding="utf-8")
    return path


@scene("timetable_expired", "feed_info_period", "school_calendar_missing", "calendar_long")
def old_feed(folder):
    info = {"feed_publisher_name": "P", "feed_publisher_url": "http://e", "feed_lang": "fr",
            "feed_start_date": "20160101", "feed_end_date": "20180601"}  # fmt: skip
    services = {name: v | {"start": "20140106", "end": "20201231"} for name, v in SERVICES.items()}
    days = 'kinds = ["school_weekday"]\ncountry = "DE"'
    return with_feed(folder, USUAL, services=services, feed_info=[info], days=days)


@scene(
    "frequency_approximate", "on_demand", "in_seat_unapplied", "transfers_told_apart",
    "transfers_without_stops",
)  # fmt: skip
def finer_rules(folder):
    calls = [{"stop_id": "A", "arrival_time": "07:00", "departure_time": "07:00", "pickup_type": 2}]
    calls.append({"stop_id": "B", "arrival_time": "07:20", "departure_time": "07:20"})
    trips = [*USUAL, trip("asked", calls, service="week"),
             trip("often", [("A", "08:00"), ("B", "08:20")], service="week")]  # fmt: skip
    often = {
        "trip_id": "often",
        "start_time": "08:00:00",
        "end_time": "09:00:00",
        "headway_secs": 600,
    }
    rules = [
        {"from_trip_id": "home21", "to_trip_id": "noon", "transfer_type": 4},
        {"from_stop_id": "B", "to_stop_id": "A", "from_trip_id": "noon", "to_trip_id": "home13",
         "transfer_type": 2, "min_transfer_time": 60},
        {"from_stop_id": "B", "transfer_type": 1},
    ]  # fmt: skip
    return with_feed(folder, trips, frequencies=[often | {"exact_times": 0}], transfers=rules)


@scene("in_seat_many")
def splitting_vehicle(folder):
    trips = [*USUAL, trip("0a", [("A", "05:00"), ("B", "05:10")], service="week")]
    links, before = [], ["0a"]
    for k in range(1, 8):
        now, ends = [f"{k}a", f"{k}b"], "BA" if k % 2 else "AB"
        calls = [(ends[0], 18600 + 600 * k), (ends[1], 18900 + 600 * k)]
        trips += [trip(name, calls, service="week") for name in now]
        links += [
            {"from_trip_id": a, "to_trip_id": b, "transfer_type": 4} for a in before for b in now
        ]
        before = now
    return with_feed(folder, trips, transfers=links)


@scene("transfers_by_route")
def too_many_rules(folder):
    names = [f"t{k}" for k in range(40)]
    trips = [*USUAL]
    for k, name in enumerate(names):
        trips.append(trip(name, [("A", 30000 + k), ("B", 31000 + k)], service="week", route=name))
    rules = [
        {"from_stop_id": a, "to_stop_id": b, "from_route_id": r, "to_route_id": s,
         "transfer_type": 2, "min_transfer_time": 60 + i}
        for a, b in ("AB", "BA", "AA", "BB") for i, r in enumerate(names) for s in names
    ]  # fmt: skip
    return with_feed(folder, trips, transfers=rules)


@scene("school_routes", "networks_without_trips", "date_of_another_kind")
def school_lines(folder):
    trips = [*USUAL, trip("s", [("A", "08:00"), ("B", "08:20")], service="week", route="712")]
    routes = [
        {"route_id": "R", "route_type": 3, "agency_id": "1"},
        {"route_id": "712", "route_short_name": "S", "route_type": 712, "agency_id": "1"},
    ]
    agencies = [
        {"agency_id": k, "agency_name": k, "agency_url": "http://e", "agency_timezone": zone}
        for k, zone in (("1", "Europe/Paris"), ("2", "Europe/Paris"))
    ]
    days = (
        'kinds = ["holiday_weekday"]\ndates = { holiday_weekday = 2026-11-17 }\nschool_zone = "B"'
    )
    return with_feed(folder, trips, routes=routes, agencies=agencies, days=days)


@scene(
    "networks_disjoint", "network_not_valid", "date_typical",
    "no_trip_on_date", "school_calendar_unknown",
)  # fmt: skip
def two_networks_apart(folder):
    days = 'kinds = ["school_weekday", "saturday"]\nschool_zone = "B"'
    path = write_territory(folder, days=days)
    soon = {"week": service("1111100", "20260309", "20260320")}
    late = {"week": service("1111100", "20290305", "20290316")}
    rides = [t | {"trip": t["trip"] | {"service_id": "week"}} for t in USUAL]
    write_gtfs(folder / "gtfs.zip", stops=PLACES, trips=rides, services=soon)
    write_gtfs(folder / "late.zip", stops=PLACES, trips=rides, services=late)
    return edited(path, ('["gtfs.zip"]', '["gtfs.zip", "late.zip"]'), ('["3x8"]', '["vsd"]'),
                  ('"saturday"', '"saturday", "holiday_weekday"'))  # fmt: skip


@scene("day_kind_absent", "idle_rosters")
def one_week(folder):
    days = 'kinds = ["saturday", "holiday_weekday"]\nschool_zone = "B"'
    path = write_territory(folder, days=days, rosters='["day"]')
    rides = [t | {"trip": t["trip"] | {"service_id": "week"}} for t in USUAL]
    week = {"week": service("1111111", "20260309", "20260315")}
    write_gtfs(folder / "gtfs.zip", stops=PLACES, trips=rides, services=week)
    return path


@scene("no_timetable", "date_plain")
def streets_only(folder):
    return edited(write_territory(folder, days=""), ('gtfs = ["gtfs.zip"]', ""))


@scene("feed_idle")
def next_year_s_line(folder):
    """A scenario adds a line that begins a year after the date studied."""
    path = write_territory(folder)
    year = {name: service("1111111", "20280103", "20281217") for name in SERVICES}
    write_gtfs(folder / "more.zip", stops=PLACES, trips=USUAL, services=year)
    return edited(path, ("[[sites]]", '[[changes.feeds]]\nfile = "more.zip"\n[[sites]]'))


@scene("on_demand_idle")
def zones_of_nobody(folder):
    """One holds no home; another both homes, and neither the gate nor a hub."""
    outlines = [
        [[2.3, 48.8], [2.4, 48.8], [2.4, 48.9]],
        [[-0.8, 47.2], [-0.65, 47.2], [-0.7, 47.5]],
    ]
    zones = [f'\n[[on_demand]]\nname = "Z{k}"\npolygon = {at}\n' for k, at in enumerate(outlines)]
    path = write_territory(folder, extra="".join(zones))
    return edited(path, ('["transit", "walk"]', '["transit", "walk", "on_demand"]'))


@scene("on_demand_unused")
def zone_whose_mode_is_not_asked_for(folder):
    return edited(
        write_territory(folder),
        ("[[sites]]", '[[on_demand]]\nname = "Zone"\ncommunes = ["Droiteville"]\n[[sites]]'),
    )


@scene("flex_zones")
def zones_on_demand(folder):
    return flex_territory(folder)


@scene("flex_idle")
def zones_elsewhere(folder):
    square = [[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.8]]
    zone = {"id": "z1", "geometry": {"type": "Polygon", "coordinates": [square]}}
    return flex_territory(folder, raw=json.dumps({"features": [zone]}))


@scene("flex_place_unknown")
def calls_nowhere(folder):
    return booked(folder, place="elsewhere")


@scene("flex_window_missing")
def calls_never(folder):
    return booked(folder, windows=("09:00:00", "09:00:00"))


@scene("flex_window_over_midnight")
def calls_past_midnight(folder):
    return booked(folder, windows=("22:00:00", "02:00:00"))


@scene("flex_booking_late")
def booked_on_the_day(folder):
    return booked(folder, booking_type=1, prior_notice_duration_min=60, prior_notice_start_day=0)


@scene("flex_never_bookable")
def booked_by_nobody(folder):
    rule = {"prior_notice_last_day": 1, "prior_notice_start_day": 0}
    return booked(folder, booking_type=2, **rule)


@scene("booking_rules_unknown")
def booked_by_a_rule_that_is_not_there(folder):
    return booked(folder, booking_type=0, booked_as="lost")


@scene("flex_without_ride")
def zone_called_once(folder):
    """A vehicle that calls in a zone between two stops with times."""
    path = booked(folder)
    calls = [("A", "09:00"), {"stop_id": "", "location_id": "Z", "pickup_type": 2,
             "start_pickup_drop_off_window": "09:00:00",
             "end_pickup_drop_off_window": "09:20:00"}, ("B", "09:20")]  # fmt: skip
    with zipfile.ZipFile(folder / "flex.zip") as archive:
        zones = archive.read("locations.geojson")
    write_gtfs(folder / "flex.zip", stops=PLACES, trips=[trip("fx", calls, service="week")],
               services={"week": SERVICES["week"]})  # fmt: skip
    with zipfile.ZipFile(folder / "flex.zip", "a") as archive:
        archive.writestr("locations.geojson", zones)
    return path


@scene("flex_edges_missed")
def booked_too_late_for_the_shift(folder):
    clock = {"prior_notice_start_day": 0, "prior_notice_start_time": "10:00:00"}
    return booked(folder, booking_type=1, prior_notice_duration_min=60, **clock)


@scene("feeds_overlap")
def feed_and_its_aggregate(folder):
    return aggregate(folder, usual())


@scene("term_day_at_rest")
def term_day_in_holidays(folder):
    # The school line rests in the autumn holidays, in which the date fixed lies.
    days = 'kinds = ["school_weekday"]\ndates = { school_weekday = 2026-10-20 }'
    week = service("1111100", "20260901", "20261218")
    rests = week | {"removed": [f"202610{d}" for d in range(19, 31)]}
    school = trip("school", [("A", "08:00"), ("B", "08:20")], service="term", route="E")
    routes = [{"route_id": r, "route_short_name": r, "route_type": kind}
              for r, kind in (("R", 3), ("E", 712))]  # fmt: skip
    return with_feed(folder, [*USUAL, school], services=SERVICES | {"term": rests}, routes=routes,
                     days=days)  # fmt: skip


@scene("heights_missing")
def small_raster(folder):
    rasterio = pytest.importorskip("rasterio")
    where = rasterio.transform.from_origin(420_000, 6_700_100, 100, 100)
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", height=2, width=2, count=1, dtype="float32",
        crs="EPSG:2154", transform=where,
    ) as raster:  # fmt: skip
        raster.write(np.zeros((2, 2), np.float32), 1)
    return edited(write_territory(folder), ("[sources]", '[sources]\nelevation = "dem.tif"'))


@scene("heights_steep")
def raster_in_other_units(folder):
    """A slope of 5 % whose heights are in decimetres, and do not say so."""
    rasterio = pytest.importorskip("rasterio")
    where = rasterio.transform.from_origin(419_000, 6_701_000, 100, 100)
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", height=20, width=150, count=1, dtype="float32",
        crs="EPSG:2154", transform=where,
    ) as raster:  # fmt: skip
        raster.write(np.tile(np.arange(150, dtype=np.float32) * 50, (20, 1)), 1)
    return edited(write_territory(folder), ("[sources]", '[sources]\nelevation = "dem.tif"'))


@scene("site_columns_not_read", "shifts_count_apart")
def rosters_under_a_heading_of_its_own(folder):
    """Two shifts of one site, their roster under a heading that is not known."""
    path = write_territory(folder)
    lon, lat = lonlat(PLACES_M["G"]) if "G" in PLACES_M else PLACES["B"]
    (folder / "sites.csv").write_text(
        "nom,lon,lat,tour de service,poste,début,fin\n"
        f"Atelier,{lon},{lat},1,matin,05:00,13:00\nAtelier,,,1,soir,13:00,21:00\n",
        encoding="utf-8",
    )
    return edited(path, ("[sources]", '[sources]\nsites = "sites.csv"'))


@scene("exceptions_contradict")
def added_and_removed(folder):
    day = ["20261124"]
    both = {name: s | {"added": day, "removed": day} for name, s in SERVICES.items()}
    return with_feed(folder, USUAL, services=both)


@scene("calendar_days_blank", "services_repeated")
def days_left_blank(folder):
    week = "1,1,1,1,1,,"
    text = f"service_id,{','.join(WEEK)},start_date,end_date\n"
    rows = "".join(f"{name},{week},20260105,20261218\n" for name in ("week", "eve", "week"))
    return with_feed(folder, USUAL, texts={"calendar": text + rows})


@scene("shifts_not_in_geopackage")
def many_sites(folder):
    """146 sites of three shifts on one kind of day: 14 columns each."""
    return with_many_sites(write_territory(folder), 146)


@scene("vm_commune_unknown")
def rate_of_no_commune(folder):
    path = edited(write_territory(folder), ('name = "Usine"', 'name = "Usine"\ncommune = "49999"'),
                  ("[sources]", '[sources]\nversement_mobilite = "vm.csv"'))  # fmt: skip
    (folder / "vm.csv").write_text("commune,rate\n49007,0.9\n", encoding="utf-8")
    return path


@scene("vm_commune_unknown")
def site_commune_by_name(folder):
    """A name is in no table of rates either, and `mobility plan` would say so last."""
    path = rate_of_no_commune(folder)
    return edited(path, ('commune = "49999"', 'commune = "Droiteville"'))


@scene("margins_too_long")
def margin_of_a_site_longer_than_the_way(folder):
    return edited(
        write_territory(folder), ('name = "Usine"', 'name = "Usine"\nmargin_out_min = 60')
    )


@scene("local_calendar")
def in_alsace(folder):
    return edited(write_territory(folder), ('name = "Usine"', 'name = "Usine"\ncommune = "67482"'))


@scene("site_commune_elsewhere")
def site_in_another_commune(folder):
    x, y = lonlat(PLACES_M["G"] - 300)
    # A cell on a border: the site is in none of its two communes.
    homes = f"{HEAD}\na,a,8500185002,{x},{y},9\nb,b,85191,{lonlat(700)[0]},{y},9\n"
    path = write_territory(folder, homes=homes)
    return edited(path, ('name = "Usine"', 'name = "Usine"\ncommune = "85191"'))


@scene("long_shift", "overlapping_shifts")
def odd_shifts(folder):
    shifts = [("05:00", "13:00"), ("12:00", "20:00"), ("06:00", "05:00")]
    rows = ", ".join(f'{{name = "{a}", start = "{a}", end = "{b}"}}' for a, b in shifts)
    return write_territory(folder, rosters=f'[{{name = "r", shifts = [{rows}]}}]')


@scene("street_islands", "turn_restrictions", "barriers")
def streets_with_rules(folder):
    path = write_territory(folder)
    (x, y), (u, v) = lonlat(3000), lonlat(3300)
    more = (
        f'<node id="91" lat="{y + 0.005:.6f}" lon="{x:.6f}" version="1"/>'
        f'<node id="92" lat="{v + 0.005:.6f}" lon="{u:.6f}" version="1"/>'
        '<way id="9" version="1"><nd ref="91"/><nd ref="92"/>'
        '<tag k="highway" v="residential"/></way>'
        '<relation id="5" version="1"><member type="way" ref="1" role="from"/>'
        '<member type="node" ref="5" role="via"/><member type="way" ref="1" role="to"/>'
        '<tag k="type" v="restriction"/><tag k="restriction" v="no_u_turn"/></relation></osm>'
    )
    osm = write_osm(folder / "streets.osm")
    text = osm.read_text(encoding="utf-8").replace("</osm>", more)
    text = re.sub(r'(<node id="4"[^>]*)/>', r'\1><tag k="barrier" v="bollard"/></node>', text)
    nodes, ways = text.index("<way"), text.index('<node id="91"')
    osm.write_text(text[:nodes] + text[ways:].split("<way")[0] + text[nodes:ways]
                   + "<way" + text[ways:].split("<way", 1)[1], encoding="utf-8")  # fmt: skip
    return path


@scene("network_elsewhere")
def feed_of_another_city(folder):
    return with_feed(folder, USUAL, stops={"A": (8.4, 49.4), "B": (8.5, 49.5)})


@scene("times_over_midnight")
def hours_after_midnight(folder):
    return with_feed(
        folder, [*USUAL, trip("late", [("A", "23:50"), ("B", "00:10")], service="week")]
    )


@scene(
    "street_nodes_missing", "streets_written_twice", "by_the_hour", "hours_unknown",
    "access_unknown",
)  # fmt: skip
def streets_of_an_editor(folder):
    path = write_territory(folder)
    osm = folder / "streets.osm"
    text = osm.read_text(encoding="utf-8")
    way = text[text.index("<way") : text.index("</osm>")]
    more = way + "".join(
        f'<way id="{k}" version="1"><nd ref="{a}"/><nd ref="{b}"/><tag k="highway" v="path"/>'
        f'<tag k="opening_hours" v="{hours}"/><tag k="access" v="knights"/></way>'
        for k, a, b, hours in ((7, 1, 3, "08:00-20:00"), (8, 2, 4, "by day"), (9, 900, 901, "24/7"))
    )
    osm.write_text(text.replace("</osm>", more + "</osm>"), encoding="utf-8")
    return path


@scene("drives_any_hour")
def car_pools_at_night(folder):
    path = write_territory(folder, extra="[carpool]")
    osm = folder / "streets.osm"
    closed = '<tag k="motor_vehicle:conditional" v="no @ (20:00-06:00)"/></way>'
    osm.write_text(osm.read_text(encoding="utf-8").replace("</way>", closed), encoding="utf-8")
    return path


@scene("streets_partly_closed", "contraflow_untold")
def simplified_graph(folder):
    path = write_territory(folder)
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified="True")
    for k in range(25):
        x, y = lonlat(500 * k)
        graph.add_node(k, x=str(x), y=str(y))
    for k in range(24):
        more = {"osmid": "[90, 91]", "access": "private"} if k == 3 else {"osmid": str(k)}
        for a, b in ((k, k + 1), (k + 1, k)):
            graph.add_edge(a, b, highway="residential", length="500", **more)
    graph.add_edge(3, 9, osmid="99", highway="residential", length="3000")
    nx.write_graphml(graph, folder / "streets.graphml")
    return edited(path, ("streets.osm", "streets.graphml"))


@scene("group_exceeds_workers", "homes_far_from_streets")
def odd_homes(folder):
    x, y = lonlat(700)
    rows = [f"{k},n,c,{x + k * TEN},{y},1,{k}" for k in range(3)] + ["z,n,c,0,0,5,0"]
    path = write_territory(folder, homes="\n".join([HEAD + ",poor", *rows]) + "\n")
    return edited(path, ('commune = "commune"', 'commune = "commune"\ngroups = ["poor"]'))


@scene("group_empty")
def empty_group(folder):
    path = write_territory(folder)
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_file(folder / "qpv.geojson")
    return edited(
        path, ('commune = "commune"', 'commune = "commune"\ngroups = ["qpv=qpv.geojson"]')
    )


@scene("homes_protected", "homes_beyond_few", "rosters_of_few")
def employees(folder):
    x, y = lonlat(700)
    rows = [f"e{k},{x},{y},Usine," for k in range(40)]
    return with_homes(folder, "\n".join(["nom,lon,lat,site,équipe", *rows]), 'kind = "employees"')


@scene("employees_without_roster")
def employees_of_any_roster(folder):
    x, y = lonlat(700)
    rows = [f"e{k},{x},{y},Usine" for k in range(40)]
    path = with_homes(folder, "\n".join(["nom,lon,lat,site", *rows]), 'kind = "employees"')
    return edited(path, ('rosters = ["3x8"]', 'rosters = ["3x8", "day"]'))


@scene("rosters_blank")
def employees_of_blank_rosters(folder):
    x, y = lonlat(700)
    rows = [f"e{k},{x},{y},Usine,{'3x8' if k % 2 else ''}" for k in range(80)]
    path = with_homes(folder, "\n".join(["nom,lon,lat,site,équipe", *rows]), 'kind = "employees"')
    return edited(path, ('rosters = ["3x8"]', 'rosters = ["3x8", "day"]'))


@scene("employees_twice")
def employees_written_twice(folder):
    x, y = lonlat(700)
    rows = [f"e{k},{x},{y},Usine,3x8" for k in range(40)] * 2
    return with_homes(folder, "\n".join(["nom,lon,lat,site,équipe", *rows]), 'kind = "employees"')


@scene("homes_taken_as_personal")
def single_workers(folder):
    x, y = lonlat(700)
    rows = [f"{x + k * 1e-5},{y},1" for k in range(40)]
    return with_homes(folder, "\n".join(["lon,lat,workers", *rows]), "")


FLOWS = (
    "CODGEO;DCLT;NBFLUX_C21_ACTOCC15P\n49147;49007;20\n49007;49007;30\n34172;49007;4\n"
    "34999;49007;5\n99109;49007;6\n49007;75101;7\n"
)
ZONES = 'kind = "flows"\nzones = "zones.geojson"\nzones_id = "code"'


@scene(
    "homes_without_zone", "homes_abroad", "communes_matched", "zones_outside", "zones_cut",
    "zones_without_land", "flows_few", "flows_all_work_places",
)  # fmt: skip
def flows(folder):
    squares(folder)
    return with_homes(folder, FLOWS, ZONES)


@scene("city_beside_its_parts")
def a_city_and_its_arrondissements(folder):
    squares(folder)
    return with_homes(
        folder, "code;workers\n49021;40\n75056;9\n75101;9\n", ZONES.replace("flows", "communes")
    )


@scene("work_communes_matched", "work_communes_empty")
def flows_to_chosen_communes(folder):
    squares(folder)
    return with_homes(folder, FLOWS, ZONES + '\nwork_commune = ["49007", "75056", "75102", "1"]')


@scene("zones_on_buildings")
def zones_with_buildings(folder):
    squares(folder)
    path = with_homes(folder, "code;workers\n49021;40\n", ZONES.replace("flows", "communes"))
    (x, y), (u, v) = lonlat(900), lonlat(915)
    corners = [(x, y), (u, v), (u, v + 0.0002), (x, y + 0.0002)]
    nodes = "".join(
        f'<node id="{80 + k}" lat="{b:.6f}" lon="{a:.6f}" version="1"/>'
        for k, (a, b) in enumerate(corners)
    )
    refs = "".join(f'<nd ref="{80 + k % 4}"/>' for k in range(5))
    way = f'<way id="8" version="1">{refs}<tag k="building" v="house"/></way></osm>'
    osm = folder / "streets.osm"
    text = osm.read_text(encoding="utf-8").replace("<way", nodes + "<way").replace("</osm>", way)
    osm.write_text(text, encoding="utf-8")
    return path


@scene("homes_at_points")
def zones_on_a_line_layer(folder):
    squares(folder)
    path = with_homes(folder, "code;workers\n49021;40\n", ZONES.replace("flows", "communes"))
    line = shapely.LineString([lonlat(500 * k) for k in range(25)])
    gpd.GeoDataFrame({"nom": ["Rue"]}, geometry=[line], crs=4326).to_file(folder / "l.geojson")
    return edited(path, ('osm = "streets.osm"', 'lines = "l.geojson"'))


@scene("safety_untold")
def night_on_a_line_layer(folder):
    path = write_territory(folder, extra="[limits]\nsafe_at_night = true")
    line = shapely.LineString([lonlat(500 * k) for k in range(25)])
    gpd.GeoDataFrame({"nom": ["Rue"]}, geometry=[line], crs=4326).to_file(folder / "l.geojson")
    return edited(path, ('osm = "streets.osm"', 'lines = "l.geojson"'))


CELL = "CRS3035RES200mN{}E{},{},40,5,6,7,8"


@scene("homes_are_residents", "homes_imputed", "cells_outside", "cells_unpublished")
def grid(folder):
    x, y = (
        gpd.GeoSeries(gpd.points_from_xy(*zip(lonlat(700), strict=True)), crs=4326)
        .to_crs(3035)[0]
        .coords[0]
    )
    place = [int(v // 200 * 200) for v in (y, x)]
    head = "idcar_200m,i_est_200,ind,ind_18_24,ind_25_39,ind_40_54,ind_55_64"
    rows = [CELL.format(*place, 1), CELL.format(place[0] + 90000, place[1], 0)]
    rows.append(CELL.format(place[0], place[1] + 200, 0).replace(",40,", ",-9999,"))
    return with_homes(folder, "\n".join([head, *rows]), 'kind = "insee_grid"')


#: Codes that `check` cannot meet, each with the module that proves where they are shown.
ELSEWHERE = {
    "calendar_expired": "test_gtfs_quality.py",
    "no_service": "test_gtfs_quality.py",
    "no_shuttle": "test_shuttle_design.py",
    "drawn_lines_unused": "test_shuttle_design.py",
    "drawn_line_unused": "test_shuttle_design.py",
    "shuttle_fleet": "test_shuttle_design.py",
    "on_demand_fleet": "test_booked_days.py",
    "on_demand_left": "test_booked_days.py",
    "plans_set_aside": "test_kept_plans.py",
    "advice_outdated": "test_kept_plans.py",
    "canonical_{…}": "test_gtfs_gate.py",
    "scenarios_differ": "test_scenarios.py",
    "ground_sparse": "test_housing.py",
    "date_listed": "test_irregular.py",
    "dates_outside": "test_irregular.py",
    "dates_repeated": "test_irregular.py",
    "list_columns_not_read": "test_irregular.py",
    "sites_replaced": "test_studio.py",
    "file_replaced": "test_studio.py",
}


def checked(path: Path, monkeypatch: pytest.MonkeyPatch, *options: str):
    """Run the command; return the study it loaded and its output on one line."""
    kept = []
    load = loading.load
    monkeypatch.setattr(loading, "load", lambda *a, **k: kept.append(load(*a, **k)) or kept[-1])
    result = CliRunner().invoke(app, ["check", str(path), "--lang", "fr", *options])
    assert kept, result.output
    assert result.exit_code in (0, 2), result.output
    return kept[0], " ".join(result.output.split())


@pytest.mark.parametrize("name", SCENES)
def test_findings_are_on_the_screen(name, tmp_path, monkeypatch):
    make, codes = SCENES[name]
    study, output = checked(make(tmp_path), monkeypatch)
    found = [*study.findings, *(day.reason for day in study.days)]
    assert codes <= {f.code for f in found}
    unseen = [f.code for f in found if " ".join(f.render("fr").split()) not in output]
    assert unseen == []


def codes_of_the_package() -> set[str]:
    """Return what is passed as the code of a finding, parts put in at run time as ``{…}``."""
    found = set()
    paths = sorted((ROOT / "mobility").rglob("*.py"))
    trees = [list(ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for path in paths]
    # What makes a finding, and where its code stands: private helpers in their own module only.
    everywhere = {"Finding": 1}
    for tree in trees:
        everywhere |= {n: k for n, k in _makers(tree).items() if not n.startswith("_")}
    for tree in trees:
        makers = everywhere | _makers(tree)
        for node in tree:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in makers and len(node.args) > makers[name]:
                    found |= _texts(node.args[makers[name]])
        # A table of rules: what is wrong, its code, its message.
        for node in tree:
            if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
                names = [getattr(t, "id", "") for t in node.target.elts]
                if "code" in names and isinstance(node.iter, ast.Name):
                    found |= _rules(tree, node.iter.id, names.index("code"))
    return found


def _makers(tree: list[ast.AST]) -> dict[str, int]:
    names = {
        # A method is called without its self.
        node.name: [a.arg for a in node.args.args if a.arg != "self"]
        for node in tree
        if isinstance(node, ast.FunctionDef)
    }
    return {name: args.index("code") for name, args in names.items() if "code" in args}


def _texts(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    if isinstance(node, ast.JoinedStr):
        parts = [v.value if isinstance(v, ast.Constant) else "{…}" for v in node.values]
        return {"".join(map(str, parts))}
    return set()


def _rules(tree: list[ast.AST], name: str, place: int) -> set[str]:
    rows = [
        row
        for node in tree
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name
        for row in getattr(node.value, "elts", ())
    ]
    return {t for row in rows if isinstance(row, ast.Tuple) for t in _texts(row.elts[place])}


def test_every_code_of_the_package_is_reached():
    reached = set().union(*(codes for _, codes in SCENES.values())) | set(ELSEWHERE)
    every = codes_of_the_package()
    assert "trips_untimed" in every, "the codes of a table of rules are not found"
    open_ended = {c for c in every if "{…}" in c} - reached
    patterns = [re.escape(c).replace(re.escape("{…}"), r"\w+") for c in open_ended]
    assert all(any(re.fullmatch(p, c) for c in reached) for p in patterns), open_ended
    unreached = sorted(every - open_ended - reached)
    assert unreached == [], "add a scene to this module that makes `mobility check` show them"
    known = [c for c in reached if c not in every]
    assert [c for c in known if not any(re.fullmatch(p, c) for p in patterns)] == []


@pytest.mark.parametrize(("code", "module"), ELSEWHERE.items())
def test_codes_of_other_commands_have_a_test_there(code, module):
    text = (Path(__file__).parent / module).read_text(encoding="utf-8")
    assert code.removesuffix("{…}") in text
