"""The basin: main roads as planned, streets and lanes grown around them."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, field

from demo import plan
from demo.geometry import XY, Blob, blob, dist, inside, project, spline, wander
from demo.growth import CENTRE, LANE, SUBURB, VILLAGE, Grower
from demo.net import Net
from demo.plan import Place

SEED = 20_260_901


@dataclass
class Basin:
    """Everything that is drawn: network, land and water."""

    net: Net
    places: list[Place]
    built: list[Blob]
    river: list[XY]
    rail: list[XY]
    lake: Blob
    forests: list[tuple[str, Blob]]
    gates: list[int] = field(default_factory=list)
    roundabouts: list[list[int]] = field(default_factory=list)
    stations: dict[str, int] = field(default_factory=dict)

    def nearest_place(self, p: XY) -> Place:
        """Return the settlement whose edge is nearest, measured in its own radii."""
        return min(
            zip(self.places, self.built, strict=True),
            key=lambda pair: dist(p, (pair[0].x, pair[0].y)) - pair[0].radius,
        )[0]

    def in_built(self, p: XY, *, within: float = 1.0) -> bool:
        """Whether a point lies in a settlement."""
        return any(abs(p[0] - b.x) < 2.2 * b.radius and b.depth(p) <= within for b in self.built)


def build() -> Basin:
    """Draw the whole basin from its seed."""
    rng = random.Random(SEED)
    net = Net()
    built = [
        blob(rng, p.x, p.y, p.radius, rough=0.06 if p.kind == "town" else 0.12) for p in plan.PLACES
    ]
    basin = Basin(
        net,
        list(plan.PLACES),
        built,
        wander(spline(plan.RIVER, 60), rng, 45.0),
        spline(plan.RAIL, 90),
        blob(rng, *plan.LAKE[1:], rough=0.2),
        [(name, blob(rng, x, y, r, rough=0.2)) for name, x, y, r in plan.FORESTS],
    )
    main = _main_roads(net, rng)
    for place, land in zip(plan.PLACES, built, strict=True):
        _grow_place(basin, place, land, main, rng)
    _plants(basin)
    _lanes(basin, main, rng)
    _hamlets(basin, rng)
    _footpaths(basin, rng)
    for road in plan.CYCLEWAYS:
        net.draw(
            spline(road.points, 50), {"highway": "cycleway", "name": road.name}, skip={"trunk"}
        )
    for name, p in station_points(basin):
        foot = net.attach(_street_foot(net, p), 30.0)
        basin.stations[name] = net.ways[net.draw([net.xy[foot], p], {"highway": "footway"})].nodes[
            -1
        ]
    for point in plan.ROUNDABOUTS:
        _roundabout(basin, point)
    return basin


def _main_roads(net: Net, rng: random.Random) -> list[int]:
    ways = []
    for road in plan.MAIN_ROADS:
        curve = spline(road.points, 34 if road.sway == 0 else 50)
        if road.sway:
            curve = wander(curve, rng, road.sway)
        tags = {"highway": road.highway}
        if road.name:
            tags["name"] = road.name
        if road.ref:
            tags["ref"] = road.ref
        if road.over:
            tags["_over"] = "yes"
        ways.append(net.draw(curve, tags, over=road.over))
    return ways


def _open(basin: Basin, p: XY) -> bool:
    """Whether streets may run here: off the water, the railway and the plants."""
    if _line_near(p, basin.river, 45.0) or _line_near(p, basin.rail, 38.0):
        return False
    if basin.lake.depth(p) < 1.15:
        return False
    return not any(inside(p, plant.land) for plant in plan.PLANTS)


def _line_near(p: XY, line: list[XY], radius: float) -> bool:
    for a, b in itertools.pairwise(line):
        if abs(p[0] - a[0]) < 200 and abs(p[1] - a[1]) < 200 and project(p, a, b)[0] < radius:
            return True
    return False


def _grow_place(
    basin: Basin, place: Place, land: Blob, main: list[int], rng: random.Random
) -> None:
    style = {"town": SUBURB, "suburb": SUBURB}.get(place.kind, VILLAGE)
    roads = [w for w in main if basin.net.ways[w].tags["highway"] != "trunk"]
    tags = {"highway": "residential"}
    if place.kind == "town":
        core = Grower(
            basin.net, rng, CENTRE,
            lambda p: math.hypot(*p) < 820 and _open(basin, p), tags,
        )  # fmt: skip
        roads = roads + core.run(roads)
    for _ in range(2):
        roads = roads + Grower(
            basin.net, rng, style, lambda p: land.depth(p) < 0.97 and _open(basin, p), tags
        ).run(roads)


def _plants(basin: Basin) -> None:
    net = basin.net
    for plant in plan.PLANTS:
        foot = net.attach(plant.way_in[0], 90.0)
        points = [net.xy[foot], *plant.way_in[1:]]
        gate_at = points[1]
        way = net.draw(points, {"highway": "service", "service": "driveway"})
        gate = min(net.ways[way].nodes, key=lambda n: dist(net.xy[n], gate_at))
        basin.gates.append(gate)


def _lanes(basin: Basin, main: list[int], rng: random.Random) -> None:
    roads = [w for w in main if basin.net.ways[w].tags["highway"] != "trunk"]

    def allowed(p: XY) -> bool:
        if abs(p[0]) > 15_700 or p[1] > 12_800 or p[1] < -13_400:
            return False
        corner = math.hypot(p[0] / 15_900, p[1] / 13_900)
        if corner > 1.06 or inside(p, plan.ZONE_RING):
            return False
        return not basin.in_built(p, within=1.05) and _open(basin, p)

    for _ in range(2):
        lanes = Grower(basin.net, rng, LANE, allowed, {"highway": "unclassified"})
        roads = roads + lanes.run(roads)


def _hamlets(basin: Basin, rng: random.Random) -> None:
    """Found hamlets on crossroads of lanes, far from each other and from villages."""
    net = basin.net
    taken = [(p.x, p.y) for p in basin.places]
    names = list(plan.HAMLET_NAMES)
    for way in list(net.ways):
        if not names or way.tags["highway"] != "unclassified" or not way.grown:
            continue
        n = way.nodes[len(way.nodes) // 2]
        p = net.xy[n]
        if min(dist(p, q) for q in taken) < 2600 or math.hypot(p[0] / 14, p[1] / 11.5) > 1000:
            continue
        place = Place(names.pop(0), p[0], p[1], 175, "hamlet", 50 + int(rng.random() * 130))
        land = blob(rng, p[0], p[1], place.radius, rough=0.15)
        taken.append(p)
        basin.places.append(place)
        basin.built.append(land)
        lanes = [i for i, w in enumerate(net.ways) if n in w.nodes]
        Grower(
            net, rng, VILLAGE, lambda q, land=land: land.depth(q) < 0.95 and _open(basin, q),
            {"highway": "residential"},
        ).run(lanes)  # fmt: skip


def _footpaths(basin: Basin, rng: random.Random) -> None:
    """Join dead ends of streets to a street behind them, on foot."""
    net = basin.net
    for n in range(len(net.xy)):
        if len(net.at_node[n]) != 1 or not basin.in_built(net.xy[n]) or rng.random() > 0.7:
            continue
        own = {net.owner[s] for s in net.owner if n in s}
        for _, s, foot in net.near(net.xy[n], 130.0):
            if net.owner[s] in own or not _open(basin, foot) or n in s:
                continue
            if net.ways[net.owner[s]].tags["highway"] in ("residential", "tertiary"):
                end = net.split(s, foot)
                if end != n and net.at_node[n][0] != end:
                    net.append([n, end], {"highway": "footway"})
                break


def _street_foot(net: Net, p: XY) -> XY:
    """Return the nearest point of a street that cars and people share."""
    for _, s, foot in net.near(p, 900.0):
        if net.ways[net.owner[s]].tags["highway"] not in ("footway", "trunk", "cycleway"):
            return foot
    raise ValueError(p)


def _roundabout(basin: Basin, point: XY) -> None:
    """Put a ring in place of the busiest junction near ``point``."""
    net = basin.net
    hubs = [n for n in net.nodes_near(point, 320) if len(net.at_node[n]) >= 3]
    hub = max(hubs, key=lambda n: (_weight(net, n), -dist(net.xy[n], point)))
    radius, centre = 24.0, net.xy[hub]
    arms: list[tuple[float, int, int, int]] = []
    for way_index, way in enumerate(net.ways):
        for i, n in enumerate(way.nodes):
            if n != hub:
                continue
            for j in (i - 1, i + 1):
                if 0 <= j < len(way.nodes):
                    arms += [(net.heading(hub, way.nodes[j]), way_index, i, j)]
    ring_nodes: list[tuple[float, int]] = []
    port = {}
    for angle, way_index, i, j in sorted(arms):
        p = (centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
        node = net.add_node(p)
        ring_nodes.append((angle, node))
        port[(way_index, i, j)] = node
    for k in range(12):
        angle = -math.pi + math.tau * (k + 0.5) / 12
        if all(abs((angle - a + math.pi) % math.tau - math.pi) > 0.18 for a, _ in ring_nodes):
            p = (centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
            ring_nodes.append((angle, net.add_node(p)))
    _cut_at_hub(net, hub, port, radius)
    ring = [n for _, n in sorted(ring_nodes)]
    tags = {"junction": "roundabout", "oneway": "yes"}
    classes = [net.ways[w].tags["highway"] for _, w, _, _ in arms]
    order = ("trunk", "primary", "secondary", "tertiary", "unclassified", "residential")
    tags["highway"] = next(c for c in order if c in classes)
    net.append([*ring, ring[0]], tags)
    basin.roundabouts.append(ring)


def _weight(net: Net, n: int) -> int:
    rank = {"trunk": 8, "primary": 6, "secondary": 4, "tertiary": 3, "unclassified": 1}
    ways = {net.owner[(min(n, v), max(n, v))] for v in net.at_node[n]}
    return sum(rank.get(net.ways[w].tags["highway"], 0) for w in ways)


def _cut_at_hub(net: Net, hub: int, port: dict[tuple[int, int, int], int], radius: float) -> None:
    """Cut the ways through a hub so that each arm ends on the ring."""
    for way_index in sorted({w for w, _, _ in port}):
        way = net.ways[way_index]
        pieces: list[list[int]] = [[]]
        for i, n in enumerate(way.nodes):
            if n != hub:
                pieces[-1].append(n)
                continue
            before, after = port.get((way_index, i, i - 1)), port.get((way_index, i, i + 1))
            if before is not None:
                pieces[-1].append(before)
            pieces.append([] if after is None else [after])
        for u, v in zip(way.nodes, way.nodes[1:], strict=False):
            s = (min(u, v), max(u, v))
            if net.owner.get(s) == way_index:
                net.unlink(u, v)
        centre = net.xy[hub]
        rings = set(port.values())
        clean = [
            [n for n in p if n in rings or dist(net.xy[n], centre) > radius + 4] for p in pieces
        ]
        clean = [p for p in clean if len(p) > 1]
        way.nodes = clean[0] if clean else []
        for u, v in zip(way.nodes, way.nodes[1:], strict=False):
            net.link(u, v, way_index)
        for piece in clean[1:]:
            net.append(piece, dict(way.tags), grown=way.grown)


def station_points(basin: Basin) -> list[tuple[str, XY]]:
    """Return the stations, on the railway."""
    out = []
    for name, x in plan.STATIONS:
        a, b = next((a, b) for a, b in zip(basin.rail, basin.rail[1:], strict=False) if b[0] >= x)
        t = (x - a[0]) / (b[0] - a[0])
        out.append((name, (x, a[1] + t * (b[1] - a[1]))))
    return out
