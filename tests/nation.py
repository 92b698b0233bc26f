"""A fictional nation of small territories, drawn by the demo's generator with other seeds.

Each is a village whose streets grow from one main road, which leads 3.5 km east to a plant, and a
bus between the two. The files are a nation's: one extract of OpenStreetMap, a regional feed and,
of the first three territories, the networks' own, a layer of communes, a list.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from pathlib import Path

import osmium
import pyproj
from feeds import service, trip, write_gtfs
from osmium.osm import mutable

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from demo.geometry import blob, spline, wander
from demo.growth import VILLAGE, Grower
from demo.net import Net

COUNT, STEP_M, HALF_M = 24, 20_000.0, 6_000.0
TO_LONLAT = pyproj.Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True)
#: Where the plant's gate and its stop are, metres from the village.
PLANT_M = 3_500.0
#: Hours at which a bus leaves the village, and the plant; all shifts, no night, days only.
HOURS = (
    (("04:35", "12:35", "20:35", "07:35"), ("13:15", "21:15", "05:15", "16:15")),
    (("04:35", "12:35", "07:35"), ("13:15", "21:15", "16:15")),
    (("07:35",), ("16:15",)),
)
#: Territory without a bus.
NO_BUS = COUNT - 1
OWN_FEED = 3


def name(k: int) -> str:
    """Identifier of a territory."""
    return f"t{k:02d}"


def lonlat(k: int, x: float, y: float) -> tuple[float, float]:
    """Degrees of a point of a territory, metres from its village."""
    lon, lat = TO_LONLAT.transform(
        420_000 + STEP_M * (k % 6) + x, 6_700_000 + STEP_M * (k // 6) + y
    )
    return round(lon, 7), round(lat, 7)


def write_nation(folder: Path, count: int = COUNT) -> Path:
    """Write ``osm/``, ``gtfs/``, ``communes.geojson`` and ``territories.csv``."""
    for part in ("osm", "gtfs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_streets(folder / "osm" / "nation.osm.pbf", count)
    _write_feed(folder / "gtfs" / "region.zip", range(count), "")
    _write_feed(folder / "gtfs" / "own.zip", range(min(count, OWN_FEED)), "own-")
    features, rows = [], []
    for k in range(count):
        for half, (west, east) in enumerate(((-HALF_M, 0.0), (0.0, HALF_M))):
            ring = [(west, -HALF_M), (east, -HALF_M), (east, HALF_M), (west, HALF_M)]
            ring = [lonlat(k, *p) for p in (*ring, ring[0])]
            code = f"{10_000 + 2 * k + half}"
            features.append({
                "type": "Feature",
                "properties": {"code": code, "nom": f"Bourg {code}", "population": 400 + 10 * k},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            })  # fmt: skip
            rows.append((code, f"Bourg {code}", name(k), f"Territoire {k}"))
    collection = {"type": "FeatureCollection", "features": features}
    (folder / "communes.geojson").write_text(json.dumps(collection), encoding="utf-8")
    with (folder / "territories.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("insee_com", "lib_com", "id_ti", "lib_ti"), *rows])
    return folder


def write_streets(path: Path, count: int) -> None:
    """Write the streets and the land use of the first territories."""
    nodes: list[mutable.Node] = []
    ways: list[mutable.Way] = []
    for k in range(count):
        rng = random.Random(1_000 + k)
        net, land = Net(), blob(rng, 0, 0, 320, rough=0.12)
        main = wander(spline([(-700, 0), (0, 0), (1500, 60), (PLANT_M + 300, 0)], 50), rng, 20.0)
        road = net.draw(main, {"highway": "tertiary"})
        grower = Grower(
            net, rng, VILLAGE, lambda p, b=land: b.depth(p) <= 1, {"highway": "residential"}
        )
        grower.run([road])
        first = len(nodes) + 1
        nodes += [mutable.Node(id=first + i, location=lonlat(k, *p)) for i, p in enumerate(net.xy)]
        for way in net.ways:
            refs = [first + n for n in way.nodes]
            ways.append(mutable.Way(id=len(ways) + 1, nodes=refs, tags=way.tags))
        side = 300.0
        for x, use in ((PLANT_M - side, "industrial"), (-side, "residential")):
            ring = [(x, -side), (x + 2 * side, -side), (x + 2 * side, side), (x, side)]
            start = len(nodes) + 1
            nodes += [
                mutable.Node(id=start + i, location=lonlat(k, *p)) for i, p in enumerate(ring)
            ]
            refs = [start, start + 1, start + 2, start + 3, start]
            ways.append(mutable.Way(id=len(ways) + 1, nodes=refs, tags={"landuse": use}))
    target = osmium.io.File(str(path), "pbf,add_metadata=false")
    with osmium.SimpleWriter(target, overwrite=True) as writer:
        for node in nodes:
            writer.add_node(node)
        for way in ways:
            writer.add_way(way)


def _write_feed(path: Path, units: range, prefix: str) -> None:
    """Write the buses of some territories; ids and places differ a little from feed to feed."""
    stops, trips = {}, []
    shift = 8.0 if prefix else 0.0
    for k in (k for k in units if k != NO_BUS):
        home, work = f"{prefix}V{k}", f"{prefix}P{k}"
        stops |= {home: lonlat(k, shift, 0), work: lonlat(k, PLANT_M - 350 + shift, 0)}
        there, back = HOURS[k % len(HOURS)]
        for leave, (a, b) in [(h, (home, work)) for h in there] + [(h, (work, home)) for h in back]:
            hour, minute = (int(part) for part in leave.split(":"))
            arrive = f"{hour:02d}:{minute + 7:02d}"
            trips.append(trip(f"{prefix}{k}-{a}-{leave}", [(a, leave), (b, arrive)]))
    write_gtfs(
        path, stops=stops, trips=trips,
        services={"S": service("1111100", "20260105", "20271218")},
    )  # fmt: skip
