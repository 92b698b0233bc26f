"""A territory small enough to compute by hand, written as real source files.

One straight street, west to east, 1 m of walking per second:

    H2          H1    A                            B     G
    o-----------o-----#============================#-----x
    0 m        700   1000                        11000  11240

H1 walks 300 s to stop A, H2 walks 1000 s; stop B is 240 s from gate G.
"""

from __future__ import annotations

from pathlib import Path

import pyproj
from feeds import service, trip, write_gtfs

LOCAL = "EPSG:2154"
WEST, NORTH = 420_000.0, 6_700_000.0
# OpenStreetMap rounds to a centimetre; half a metre keeps walks off the edge of a second.
PLACES_M = {"H2": 0.5, "H1": 700.5, "A": 1000, "B": 11_000, "G": 11_239.5}

#: Trips as (name, from, depart, to, arrive, service).
TRIPS = [
    ("early", "A", "28:20", "B", "28:40", "eve"),  # 04:20 next morning, service day d-1
    ("home13", "B", "13:20", "A", "13:40", "week"),
    ("noon", "A", "12:15", "B", "12:35", "week"),
    ("home21", "B", "21:20", "A", "21:40", "week"),
    ("night", "A", "20:15", "B", "20:35", "week"),
    ("home05", "B", "05:20", "A", "05:40", "week"),
]

SERVICES = {
    "week": service("1111100", "20260105", "20261218"),
    # Evenings before working days: Sunday to Thursday.
    "eve": service("1111001", "20260104", "20261218"),
}


def lonlat(east_m: float) -> tuple[float, float]:
    """Degrees of a point of the street."""
    transform = pyproj.Transformer.from_crs(LOCAL, "EPSG:4326", always_xy=True)
    return transform.transform(WEST + east_m, NORTH)


def write_osm(path: Path, *, length_m: float = 12_000, step_m: float = 500) -> Path:
    """Write the street as OSM XML, a node every ``step_m``."""
    n = int(length_m / step_m) + 1
    nodes = [lonlat(k * step_m) for k in range(n)]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">']
    lines += [
        f'<node id="{k + 1}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>'
        for k, (lon, lat) in enumerate(nodes)
    ]
    refs = "".join(f'<nd ref="{k + 1}"/>' for k in range(n))
    lines.append(
        f'<way id="1" version="1">{refs}<tag k="highway" v="residential"/>'
        '<tag k="name" v="Rue Droite"/></way></osm>'
    )
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_territory(
    folder: Path,
    *,
    trips: list[tuple[str, str, str, str, str, str]] | None = None,
    services: dict[str, dict] | None = None,
    rosters: str = '["3x8"]',
    homes: str | None = None,
    extra: str = "",
    days: str = 'kinds = ["school_weekday"]\ndates = { school_weekday = 2026-11-17 }',
) -> Path:
    """Write streets, feed, homes and territory file; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    write_osm(folder / "streets.osm")
    write_gtfs(
        folder / "gtfs.zip",
        stops={name: lonlat(PLACES_M[name]) for name in ("A", "B")},
        trips=[
            trip(name, [(a, depart), (b, arrive)], service=which)
            for name, a, depart, b, arrive, which in (TRIPS if trips is None else trips)
        ],
        services=SERVICES if services is None else services,
    )
    if homes is None:
        rows = ["id,name,commune,lon,lat,workers"]
        for name in ("H1", "H2"):
            lon, lat = lonlat(PLACES_M[name])
            rows.append(f"{name},{name},Droiteville,{lon:.9f},{lat:.9f},10")
        homes = "\n".join(rows) + "\n"
    (folder / "homes.csv").write_text(homes, encoding="utf-8")
    lon, lat = lonlat(PLACES_M["G"])
    (folder / "territory.toml").write_text(
        f"""name = "Droiteville"
crs = "{LOCAL}"
[sources]
osm = "streets.osm"
gtfs = ["gtfs.zip"]
[sources.homes]
file = "homes.csv"
id = "id"
name = "name"
commune = "commune"
personal = false
[days]
{days}
[speeds]
walk_kmh = 3.6
[modes]
evaluated = ["transit", "walk"]
{extra}
[[sites]]
name = "Usine"
employer = "Boulonnerie"
gates = [[{lon:.9f}, {lat:.9f}]]
rosters = {rosters}
""",
        encoding="utf-8",
    )
    return folder / "territory.toml"


def with_many_sites(path: Path, count: int) -> Path:
    """Put sites at the gate of the one there is, so that there are ``count`` of them."""
    text = path.read_text(encoding="utf-8")
    _, head, site = text.partition("[[sites]]\n")
    more = (head + site.replace('"Usine"', f'"Usine {k}"') for k in range(1, count))
    path.write_text(text + "".join(more), encoding="utf-8")
    return path
