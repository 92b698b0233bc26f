"""A small territory in which every text a user or a publisher may write is hostile.

Each field has a mark of its own, a formula's first letter, and the same payload: template
delimiters, markup, quotes, line ends. The street is that of `small`, homes being more.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from feeds import trip, write_gtfs
from small import LOCAL, SERVICES, TRIPS, lonlat

from mobility.base.literal import one_line

FIRST = ("=1+1;", "+1+1;", "-1+1;", "@SUM(1);", "\t=1+1;", "\r=1+1;", "'=1+1;", '"=1+1;')
PAYLOAD = (
    "{{7*7}}{% raw %}{#a#}{% if %}{nb}{0}{x}@@mb-code@@${8*8}</script>"
    "<script>alert(1)</script><img src=http://x.invalid/ onerror=alert(2)>&amp;<!--]]>"
    "\"'`*b*_i_[b]y[/b][/]:bus:|a\\1%s;=2+2, =3+3\r\nend\rof\nit"
)
#: What may stand in a file's name.
NAME_PAYLOAD = "{{7*7}}{% raw %}{nb}{x}[bold]y;=2+2 <b>&amp;'`$x"

#: Every text of the territory file that outputs may show: (model, field).
MODEL_TEXTS = (
    ("Territory", "name"), ("Sources", "streets_attribution"), ("Sources", "streets_licence"),
    ("Credit", "licence"), ("Credit", "attribution"), ("HomesSource", "groups"),
    ("DayKind", "label"), ("Shift", "name"), ("Roster", "name"), ("Site", "name"),
    ("Site", "employer"), ("OnDemand", "name"), ("VehicleType", "name"),
)  # fmt: skip
#: Texts of the territory file that are looked up, never shown as written.
LOOKED_UP = {
    ("Territory", "timezone"), ("Territory", "crs"), ("Sources", "sites_crs"),
    ("Sources", "sites_layer"), ("HomesSource", "layer"), ("HomesSource", "id"),
    ("HomesSource", "name"), ("HomesSource", "workers"), ("HomesSource", "lon"),
    ("HomesSource", "lat"), ("HomesSource", "crs"), ("HomesSource", "commune"),
    ("HomesSource", "zones_id"), ("HomesSource", "work_commune"), ("DaysConfig", "country"),
    ("DayKind", "name"), ("Roster", "template"), ("OnDemand", "layer"), ("OnDemand", "communes"),
    ("OnDemand", "hubs"), ("Output", "tiles"), ("Site", "commune"), ("Sources", "credits"),
    ("DaysConfig", "dates"), ("Territory", "shuttles"), ("Territory", "factors"),
    ("ShiftChange", "site"), ("ShiftChange", "roster"), ("ShiftChange", "shift"),
    ("TripChange", "trips"), ("LineChange", "line"), ("LineChange", "days"),
    ("LineChange", "from_stop"), ("LineChange", "to_stop"), ("LineChange", "stops"),
    ("LineChange", "as_on"), ("NewCall", "name"), ("Sources", "lines_layer"),
    ("HomesSource", "zones_layer"),
    # Kept for the studio, which sets every text as text (test_studio_in_browser.py).
    ("FeedChange", "name"), ("DrawnLine", "name"), ("DrawnLine", "site"), ("DrawnLine", "shifts"),
    ("DrawnLine", "vehicle"), ("DrawnStop", "name"),
}  # fmt: skip
#: Text columns of the tables that are read, by table of the study.
TABLE_TEXTS = {
    "homes": ("home_id", "name", "commune"),
    "stops": ("stop_id", "stop_name", "platform_code"),
    "routes": ("route_id", "short_name", "long_name", "color", "text_color"),
    "trips": ("trip_id", "headsign", "block_id", "service_id", "shape_id"),
    "agencies": ("agency_id", "agency_name", "url"),
    "feed_info": ("publisher", "url", "version", "attribution"),
}
#: Names of things in OpenStreetMap.
OSM_TEXTS = (
    "street", "industrial", "residential", "built", "forest", "water", "railway", "places",
    "car_parks", "bus_stops",
)  # fmt: skip
DRAWN_TEXTS = ("name", "stop")
#: Columns of the layers beside them, and of an employee file.
LAYER_TEXTS = ("car_parks.name", "car_parks.capacity", "street_changes.name", "staff.name",
               "staff.group", "zones.name")  # fmt: skip

FIELDS = (
    *(f"{model}.{field}" for model, field in MODEL_TEXTS),
    *(f"{table}.{column}" for table, columns in TABLE_TEXTS.items() for column in columns),
    *(f"osm.{kind}" for kind in OSM_TEXTS),
    *(f"drawn.{name}" for name in DRAWN_TEXTS),
    *LAYER_TEXTS, "factors.source", "factors.unit",
)  # fmt: skip
MARK = {field: f"Q{k:03d}Q" for k, field in enumerate(FIELDS)}


def text(field: str) -> str:
    """Return the hostile text of a field."""
    words = FIRST[FIELDS.index(field) % len(FIRST)] + MARK[field] + PAYLOAD
    if field in ("HomesSource.groups", "staff.group"):
        # There a sign = would begin the file it is counted from; a page shows _ as a space.
        return "@" + words.translate({ord("="): None, ord("_"): None}).strip()
    return words


def settled(words: str) -> str:
    """Return a text without spaces, line ends and control characters, as a keyboard writes it."""
    for printed, typed in (("’", "'"), ("×", "x"), ("CO₂", "CO2"), ("−", "-")):
        words = words.replace(printed, typed)
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u200b]+", "", words)


def toml(words: str) -> str:
    """Return a text as TOML."""
    import json

    return json.dumps(words)


def cell(words: object) -> str:
    """Return a text as a cell of a CSV file."""
    return '"' + str(words).replace('"', '""') + '"'


def write_hostile(folder: Path) -> Path:
    """Write the sources and the territory file; return the latter."""
    folder.mkdir(parents=True)
    _write_osm(folder / "streets.osm")
    feed = f"=1+1 {NAME_PAYLOAD}.zip"
    _write_feed(folder / feed, info=True, attributions=True)
    _write_feed(folder / "publisher.zip", info=True)
    _write_feed(folder / "agency.zip")
    _write_homes(folder / "homes.csv")
    _write_layers(folder)
    _write_sites(folder / "sites.csv")
    lon, lat = lonlat(4_000)
    drawn = {"name": text("drawn.name"), "stop": text("drawn.stop")}
    (folder / "lines.toml").write_text(
        f"[[lines]]\nname = {toml(drawn['name'])}\nsite = {toml(text('Site.name').strip())}\n"
        f"vehicle = {toml(text('VehicleType.name'))}\n"
        f"stops = [{{ name = {toml(drawn['stop'])}, lon = {lon}, lat = {lat} }}]\n",
        encoding="utf-8",
    )
    ring = [lonlat(x) for x in (3_000, 6_000)]
    zone = [ring[0], ring[1], (ring[1][0], ring[1][1] + 0.01), (ring[0][0], ring[0][1] + 0.01)]
    path = folder / "territory.toml"
    path.write_text(
        f"""name = {toml(text("Territory.name"))}
crs = "{LOCAL}"
[sources]
osm = "streets.osm"
gtfs = [{toml(feed)}, "publisher.zip", "agency.zip"]
sites = "sites.csv"
streets_attribution = {toml(text("Sources.streets_attribution"))}
streets_licence = {toml(text("Sources.streets_licence"))}
car_parks = "parks.gpkg"
street_changes = "tracks.geojson"
[sources.homes]
file = "homes.gpkg"
id = "id"
name = "name"
commune = "commune"
groups = [{toml(text("HomesSource.groups").strip())}]
[sources.credits]
{toml(feed)} = {{ licence = {toml(text("Credit.licence"))} }}
"homes.gpkg" = {{ attribution = {toml(text("Credit.attribution"))} }}
[days]
kinds = ["school_weekday"]
dates = {{ school_weekday = 2026-11-17 }}
[[days.extra]]
name = "special"
date = 2026-11-18
weekdays = "wed"
label = {toml(text("DayKind.label"))}
[modes]
evaluated = ["transit", "on_demand", "walk", "bike", "car"]
[[on_demand]]
name = {toml(text("OnDemand.name"))}
polygon = {[list(point) for point in zone]}
[carpool]
[shuttles]
iterations = 5
plans = 2
max_stops = 6
max_lines = 2
max_hubs = 0
lines = "lines.toml"
[[shuttles.vehicles]]
name = {toml(text("VehicleType.name"))}
seats = 22
passengers = 22
fixed_eur_year = 20000
eur_km = 1.5
co2_g_km = 700
[factors]
"driver_hour" = {{ value = 30, unit = {toml(text("factors.unit"))}, year = 2026, source = {
            toml(text("factors.source"))
        } }}
""",
        encoding="utf-8",
    )
    return path


def _write_osm(path: Path) -> None:
    from xml.sax.saxutils import quoteattr

    def tags(**values: str) -> str:
        return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in values.items())

    step, count = 500, 25
    spots = [lonlat(k * step) for k in range(count)]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">']
    points = {
        "places": (4, {"place": "village"}),
        "car_parks": (6, {"amenity": "parking", "park_ride": "yes"}),
        "bus_stops": (8, {"highway": "bus_stop"}),
    }
    for k, (lon, lat) in enumerate(spots):
        lines.append(f'<node id="{k + 1}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>')
    for n, (kind, (k, known)) in enumerate(points.items()):
        named = tags(name=text(f"osm.{kind}"), **known)
        lon, lat = spots[k]
        lines.append(f'<node id="{90 + n}" lat="{lat:.9f}" lon="{lon:.9f}">{named}</node>')
    rings = {
        "industrial": {"landuse": "industrial"}, "residential": {"landuse": "residential"},
        "built": {"landuse": "retail"}, "forest": {"landuse": "forest"},
        "water": {"natural": "water"}, "railway": {"railway": "rail"},
    }  # fmt: skip
    ways = [(1, range(1, count + 1), tags(highway="residential", name=text("osm.street")))]
    for n, (kind, known) in enumerate(rings.items()):
        corners = []
        for c, (dx, dy) in enumerate(((0, 0.002), (0.004, 0.002), (0.004, 0.005), (0, 0.005))):
            lon, lat = spots[3 * n][0] + dx, spots[3 * n][1] + dy
            ident = 100 + 10 * n + c
            lines.append(f'<node id="{ident}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>')
            corners.append(ident)
        way = [*corners, corners[0]]
        ways.append((10 + n, way, tags(name=text(f"osm.{kind}"), **known)))
    for ident, nodes, named in ways:
        refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
        lines.append(f'<way id="{ident}" version="1">{refs}{named}</way>')
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")


def _write_feed(path: Path, *, info: bool = False, attributions: bool = False) -> None:
    """Write a feed, which is credited to its attribution, else its publisher, else its agency."""
    named = {c: text(f"stops.{c}") for c in ("stop_id", "stop_name", "platform_code")}
    other = {"stop_id": "B", "stop_name": "B " + text("stops.stop_name")}
    places = {"A": 1_000, "B": 11_000}
    stops = [
        (named if name == "A" else other)
        | dict(zip(("stop_lon", "stop_lat"), lonlat(east), strict=True))
        for name, east in places.items()
    ]
    ids = {"A": named["stop_id"], "B": "B"}
    services = {
        (text("trips.service_id") if name == "week" else name): known
        for name, known in SERVICES.items()
    }
    route = {
        "route_id": text("routes.route_id"), "route_short_name": text("routes.short_name"),
        "route_long_name": text("routes.long_name"), "route_type": 3,
        "route_color": text("routes.color"), "route_text_color": text("routes.text_color"),
        "agency_id": text("agencies.agency_id"),
    }  # fmt: skip
    write_gtfs(
        path,
        stops=stops,
        routes=[route],
        trips=[
            trip(
                f"{name} {text('trips.trip_id')}", [(ids[a], depart), (ids[b], arrive)],
                route=route["route_id"],
                service=text("trips.service_id") if which == "week" else which,
                trip_headsign=text("trips.headsign"),
                block_id=text("trips.block_id"), shape_id=text("trips.shape_id"),
            )
            for name, a, depart, b, arrive, which in TRIPS
        ],
        services=services,
        agencies=[{
            "agency_id": text("agencies.agency_id"), "agency_name": text("agencies.agency_name"),
            "agency_url": text("agencies.url"), "agency_timezone": "Europe/Paris",
        }],
        feed_info=[{
            "feed_publisher_name": text("feed_info.publisher"),
            "feed_publisher_url": text("feed_info.url"), "feed_lang": "fr",
            "feed_version": text("feed_info.version"),
        }] if info else [],
        attributions=[{"organization_name": text("feed_info.attribution"), "is_producer": 1}]
        if attributions else [],
    )  # fmt: skip
    assert zipfile.is_zipfile(path)


def _write_homes(path: Path) -> None:
    rows = [",".join(["id", "name", "commune", "lon", "lat", "workers",
                      cell(text("HomesSource.groups").strip())])]  # fmt: skip
    for k, east in enumerate((0.5, 700.5, 2_500, 3_900, 5_400)):
        lon, lat = lonlat(east)
        names = [cell(f"{k}{text(f'homes.{c}')}" if k else text(f"homes.{c}"))
                 for c in ("home_id", "name")]  # fmt: skip
        rows.append(",".join([*names, cell(text("homes.commune")), f"{lon:.9f}", f"{lat:.9f}",
                              "300", "80"]))  # fmt: skip
    path.write_bytes("\n".join(rows).encode())


def _write_layers(folder: Path) -> None:
    """Write the homes as a layer, car parks and a new cycle track, and an employee file."""
    homes = pd.read_csv(folder / "homes.csv")
    points = gpd.points_from_xy(homes.pop("lon"), homes.pop("lat"), crs=4326)
    layer = gpd.GeoDataFrame(homes, geometry=points)
    layer.to_file(folder / "homes.gpkg")
    named = {"name": [text("car_parks.name")], "capacity": [text("car_parks.capacity")]}
    place = gpd.points_from_xy(*zip(lonlat(5_000), strict=True), crs=4326)
    parks = gpd.GeoDataFrame(named | {"kind": ["parc relais"]}, geometry=place)
    parks.to_file(folder / "parks.gpkg")
    track = shapely.LineString([lonlat(1_000), lonlat(2_000)])
    named = {"name": [text("street_changes.name")], "highway": ["cycleway"]}
    gpd.GeoDataFrame(named, geometry=[track], crs=4326).to_file(folder / "tracks.geojson")
    rows = [",".join(["nom", "site", "équipe", "lon", "lat", cell(text("staff.group").strip())])]
    site, roster = (cell(text(f)) for f in ("Site.name", "Roster.name"))
    for k in range(60):
        lon, lat = lonlat(500 + 90 * k)
        name = cell(f"{k}{text('staff.name')}")
        rows.append(",".join([name, site, roster, f"{lon:.7f}", f"{lat:.7f}", "oui"]))
    west, north = lonlat(0)
    zone = shapely.box(west, north - 0.1, lonlat(12_000)[0], north + 0.1)
    named = {"code": ["44001"], "nom": [text("zones.name")]}
    gpd.GeoDataFrame(named, geometry=[zone], crs=4326).to_file(folder / "zones.geojson")
    (folder / "staff.csv").write_bytes("\n".join(rows).encode())


def staff_territory(path: Path) -> Path:
    """Write the same territory with an employee file; return its file."""
    lines = path.read_text(encoding="utf-8")
    start, end = lines.index("[sources.homes]"), lines.index("[sources.credits]")
    group = toml(text("staff.group").strip())
    homes = f'[sources.homes]\nfile = "staff.csv"\nkind = "employees"\ngroups = [{group}]\n'
    homes += 'zones = "zones.geojson"\nzones_id = "code"\n'
    staff = path.with_name("staff.toml")
    lines = lines[:start] + homes + lines[end:].replace('"homes.gpkg" =', '"staff.csv" =')
    staff.write_text(lines, encoding="utf-8")
    return staff


def write_lists(folder: Path) -> tuple[Path, Path]:
    """Write a table of training centres and a list of dates worked; return their files."""
    lon, lat = lonlat(1100.5)
    site, roster = (cell(one_line(text(f)).strip()) for f in ("Site.name", "Roster.name"))
    centres, hours = folder / "centres.csv", folder / "hours.csv"
    named = cell(f"CFA {text('Site.name')}")
    rows = f"name,lon,lat,start,end\n{named},{lon:.9f},{lat:.9f},09:00,16:00\n"
    centres.write_bytes(rows.encode())
    rows = f"site,roster,date,start,end\n{site},{roster},2026-11-17,13:00,21:00\n"
    hours.write_bytes(rows.encode())
    return centres, hours


def _write_sites(path: Path) -> None:
    lon, lat = lonlat(11_239.5)
    named = [cell(text(f)) for f in ("Site.name", "Site.employer", "Roster.name")]
    rows = ["name,employer,roster,lon,lat,shift,start,end,headcount"]
    for k, (start, end) in enumerate((("05:00", "13:00"), ("13:00", "21:00"))):
        shift = cell(f"{k or ''}{text('Shift.name')}")
        rows.append(",".join([*named, f"{lon:.9f}", f"{lat:.9f}", shift, start, end, "60"]))
    path.write_bytes("\n".join(rows).encode())
