"""The basin as an OpenStreetMap file: tags, pieces of ways, land and points."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import networkx as nx
import osmium
from osmium.osm import mutable

from demo import plan
from demo.basin import SEED, Basin
from demo.geometry import XY, blob, crossing, dist, inside, lonlat, simplify
from demo.land import built_rings
from demo.names import street_namer
from demo.network import drive_graph

MAIN = ("trunk", "primary", "secondary", "tertiary")
NOTE = "fictional data, no real place; made by tools/make_demo.py"


@dataclass
class Writing:
    """OSM objects gathered before they are written sorted by id."""

    nodes: dict[int, tuple[XY, dict[str, str]]] = field(default_factory=dict)
    ways: list[tuple[list[int], dict[str, str]]] = field(default_factory=list)
    next_node: int = 1_000_000

    def point(self, p: XY, tags: dict[str, str] | None = None) -> int:
        """Add a node that is not part of the network and return its id."""
        self.next_node += 1
        self.nodes[self.next_node] = (p, tags or {})
        return self.next_node

    def area(self, ring: list[XY], tags: dict[str, str]) -> None:
        """Add a closed way."""
        ids = [self.point(p) for p in ring]
        self.ways.append(([*ids, ids[0]], tags))

    def line(self, points: list[XY], tags: dict[str, str]) -> None:
        """Add an open way, simplified to 3 m."""
        keep = simplify(points, 3.0)
        self.ways.append(([self.point(points[i]) for i in keep], tags))


def choose_oneways(basin: Basin) -> set[int]:
    """Return the ways of the old town made one-way, every street staying reachable."""
    rng = random.Random(SEED + 1)
    net, chosen = basin.net, set()
    candidates = [
        i
        for i, w in enumerate(net.ways)
        if w.grown
        and w.tags["highway"] == "residential"
        and dist(net.xy[w.nodes[0]], (0, 0)) < 900
        and len(net.at_node[w.nodes[-1]]) > 1
        and len(w.nodes) > 4
        and rng.random() < 0.3
    ]
    graph = drive_graph(basin, set())
    for i in candidates:
        nodes = net.ways[i].nodes
        gone = [(v, u, graph[v][u]) for u, v in itertools.pairwise(nodes)]
        graph.remove_edges_from([(v, u) for v, u, _ in gone])
        if nx.is_strongly_connected(graph):
            chosen.add(i)
        else:
            graph.add_edges_from(gone)
    return chosen


def write_osm(basin: Basin, oneways: set[int], stops: list[tuple[str, XY]], path: Path) -> None:
    """Write the basin to ``path`` (OSM PBF)."""
    out = Writing()
    _streets(basin, oneways, out)
    _land(basin, out)
    _points(basin, stops, out)
    header = osmium.io.Header()
    header.set("generator", "mobility make_demo: " + NOTE)
    south_west, north_east = lonlat((-16_200, -14_200)), lonlat((16_200, 13_600))
    header.add_box(
        osmium.osm.Box(osmium.osm.Location(*south_west), osmium.osm.Location(*north_east))
    )
    target = osmium.io.File(str(path), "pbf,add_metadata=false")
    with osmium.SimpleWriter(target, header=header, overwrite=True) as writer:
        for node_id in sorted(out.nodes):
            p, tags = out.nodes[node_id]
            writer.add_node(mutable.Node(id=node_id, location=lonlat(p), tags=tags))
        for k, (nodes, tags) in enumerate(out.ways):
            writer.add_way(mutable.Way(id=k + 1, nodes=nodes, tags=tags))


def _streets(basin: Basin, oneways: set[int], out: Writing) -> None:
    net = basin.net
    rng = random.Random(SEED + 2)
    namer = street_namer(random.Random(SEED + 3))
    shared = {n for n in range(len(net.xy)) if len(net.at_node[n]) != 2}
    shared |= set(basin.gates) | set(basin.stations.values())
    used: set[int] = set()
    for i, way in enumerate(net.ways):
        if len(way.nodes) < 2:
            continue
        taste = rng.random()
        name = _grown_name(basin, i, namer, rng)
        keys = [_where(basin, i, u, v) for u, v in zip(way.nodes, way.nodes[1:], strict=False)]
        if "junction" in way.tags:
            keys = [keys[0]] * len(keys)
        start = 0
        for k in range(1, len(keys) + 1):
            if k < len(keys) and keys[k] == keys[start]:
                continue
            piece = way.nodes[start : k + 1]
            tags = _tags(basin, i, keys[start], taste, name, oneway=i in oneways)
            piece = _thin(basin, piece, shared)
            used |= set(piece)
            out.ways.append(([n + 1 for n in piece], tags))
            start = k
    for n in sorted(used):
        out.nodes[n + 1] = (net.xy[n], {})
    for n in basin.gates:
        out.nodes[n + 1] = (net.xy[n], {"barrier": "gate", "access": "private"})


def _thin(basin: Basin, piece: list[int], shared: set[int]) -> list[int]:
    """Drop the vertices that a 1.5 m tolerance does not need, junctions kept."""
    kept = [piece[0]]
    start = 0
    for k in range(1, len(piece)):
        if piece[k] in shared or k == len(piece) - 1:
            part = piece[start : k + 1]
            kept += [part[j] for j in simplify([basin.net.xy[n] for n in part], 1.5)[1:]]
            start = k
    return kept


Where = tuple[str, str, bool]


def _where(basin: Basin, i: int, u: int, v: int) -> Where:
    """Return (surroundings, commune, on a bridge) of one stretch of a way."""
    net = basin.net
    a, b = net.xy[u], net.xy[v]
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    tags = net.ways[i].tags
    bridge = any(
        crossing(a, b, p, q) is not None
        for line in (basin.river, basin.rail)
        for p, q in itertools.pairwise(line)
        if abs(p[0] - a[0]) < 300 and abs(p[1] - a[1]) < 300
    )
    if "_over" in tags:
        bridge = bridge or any(u not in s and v not in s for _, s, _ in net.crossings(a, b))
    if tags["highway"] == "cycleway":
        bridge = bridge or any(
            net.ways[net.owner[s]].tags["highway"] == "trunk" for _, s, _ in net.crossings(a, b)
        )
    if inside(middle, plan.ZONE_RING):
        return "zone", "", bridge
    place = basin.nearest_place(middle)
    near = basin.in_built(middle, within=1.03)
    kind = ("town" if (place.commune or place.name) == plan.TOWN else "village") if near else "open"
    return kind, (place.commune or place.name) if near else "", bridge


def _grown_name(basin: Basin, i: int, namer: Callable[..., str], rng: random.Random) -> str:
    net, way = basin.net, basin.net.ways[i]
    if not way.grown or way.tags["highway"] not in ("residential", "unclassified"):
        return ""
    place = basin.nearest_place(net.xy[way.nodes[len(way.nodes) // 2]])
    dead = len(net.at_node[way.nodes[-1]]) == 1
    if way.tags["highway"] == "unclassified" and rng.random() < 0.55:
        return ""
    rural = way.tags["highway"] == "unclassified"
    return namer(place.commune or place.name, dead=dead, rural=rural)


def _tags(
    basin: Basin, i: int, where: Where, taste: float, name: str, *, oneway: bool
) -> dict[str, str]:
    way = basin.net.ways[i]
    kind, commune, bridge = where
    base = {k: v for k, v in way.tags.items() if not k.startswith("_")}
    highway = base["highway"]
    if kind == "open" and way.grown and highway == "unclassified" and taste < 0.22:
        base["highway"] = highway = "track"
    if name:
        base["name"] = name
    elif not way.grown and highway in MAIN and kind != "town" and "name" in base:
        del base["name"]
        if kind == "village":
            base["name"] = f"Rue de {plan.TOWN}" if commune != plan.TOWN else base.get("name", "")
        if highway == "trunk":
            base["name"] = way.tags["name"]
    base |= _speed_and_light(highway, kind, commune, taste)
    if oneway:
        base["oneway"] = "yes"
        if taste < 0.15:
            base["oneway:bicycle"] = "no"
    if bridge and "junction" not in base:
        base |= {"bridge": "yes", "layer": "1"}
    return base


def _speed_and_light(highway: str, kind: str, commune: str, taste: float) -> dict[str, str]:
    """Return speed, light, sidewalk and surface tags, some left out as in real data."""
    if highway in ("footway", "cycleway", "track", "service"):
        return _path_tags(highway, kind, taste)
    tags = {"surface": "asphalt"} if taste < 0.85 else {}
    if highway == "trunk":
        ban = {"motorroad": "yes", "foot": "no", "bicycle": "no", "sidewalk": "no"}
        return tags | ban | {"maxspeed": "90", "lit": "no"}
    if kind == "open":
        if highway in MAIN:
            tags |= {"maxspeed": "80", "lit": "no", "sidewalk": "no"}
        elif taste < 0.6:
            tags |= {"lit": "no"}
        return tags
    if kind == "zone":
        lit = "no" if highway == "unclassified" and taste > 0.5 else "yes"
        walk = "right" if highway == "tertiary" else "no"
        return tags | {"maxspeed": "50", "lit": lit, "sidewalk": walk}
    return tags | _settled_tags(highway, taste, in_town=commune == plan.TOWN)


def _path_tags(highway: str, kind: str, taste: float) -> dict[str, str]:
    if highway == "track":
        return {
            "surface": "gravel" if taste < 0.12 else "ground",
            "tracktype": "grade2" if taste < 0.12 else "grade4",
        }
    if highway == "cycleway":
        return {"surface": "asphalt" if taste < 0.5 else "compacted", "foot": "yes", "lit": "no"}
    if highway == "footway" and kind == "town":
        return {"lit": "yes" if taste < 0.7 else "no"}
    return {"access": "private"} if highway == "service" else {}


def _settled_tags(highway: str, taste: float, *, in_town: bool) -> dict[str, str]:
    slow = highway == "residential" and taste < 0.45
    tags = {"maxspeed": "30" if slow else "50"}
    if in_town or highway in MAIN or taste < 0.6:
        tags["lit"] = "yes"
    elif taste < 0.8:
        tags["lit"] = "no"
    if highway in MAIN or taste < 0.5:
        tags["sidewalk"] = "both"
    elif taste < 0.72:
        tags["sidewalk"] = "right" if in_town else "no"
    return tags


def _land(basin: Basin, out: Writing) -> None:
    rng = random.Random(SEED + 4)
    for ring in built_rings(basin):
        out.area(ring, {"landuse": "residential"})
    out.area(list(plan.ZONE_RING), {"landuse": "industrial", "name": plan.ZONE_NAME})
    for plant in plan.PLANTS:
        tags = {"landuse": "industrial", "name": plant.employer}
        if plant.landuse == "hospital":
            tags = {"amenity": "hospital", "name": plant.employer}
        out.area(list(plant.land), tags)
    out.area(basin.lake.ring(40), {"natural": "water", "water": "pond", "name": plan.LAKE[0]})
    for name, land in basin.forests:
        out.area(land.ring(64), {"landuse": "forest", "name": name})
    park = blob(rng, -620, -640, 150, rough=0.2)
    out.area(park.ring(24), {"leisure": "park", "name": "Parc des Tanneurs"})
    out.line(basin.river, {"waterway": "river", "name": plan.RIVER_NAME})
    out.line(basin.rail, {"railway": "rail", "usage": "main", "gauge": "1435"})


def _points(basin: Basin, stops: list[tuple[str, XY]], out: Writing) -> None:
    for place in basin.places:
        tags = {"place": place.kind, "name": place.name, "population": str(place.population)}
        out.point((place.x, place.y), tags | {"note": "lieu fictif"})
    for name, node in sorted(basin.stations.items()):
        out.point(basin.net.xy[node], {"railway": "station", "name": name})
    for name, p in stops:
        out.point(p, {"highway": "bus_stop", "public_transport": "platform", "name": name})
    for name, p in plan.CAR_POOLS:
        out.point(p, {"amenity": "car_pooling", "name": name, "capacity": "24"})
    name, p = plan.PARK_AND_RIDE
    out.point(p, {"amenity": "parking", "park_ride": "bus", "name": name, "capacity": "120"})
    out.point((830, 790), {"amenity": "school", "name": "Lycée des Trois-Moulins"})
