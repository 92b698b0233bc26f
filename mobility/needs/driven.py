"""The ways that are driven between homes and sites, piece by piece of the road."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Float, Int8, Int32
from mobility.commute.study import Study
from mobility.commute.walks import mode_times
from mobility.streets.arcs import Arcs, Times, arcs, times_key, turned
from mobility.streets.ends import Ends, Snaps, connectors, ends, rows_of, same_edge
from mobility.streets.graph import Streets
from mobility.streets.paths import search_rows
from mobility.streets.tags import built_up, is_tagged
from mobility.timetable.footpaths import walk_snaps

Ints = NDArray[np.intp]

#: Classes of road, in the order of `road_class`.
ROADS = ("motorway", "outside", "inside")
#: Homes, the street piece that each drives along, and its metres.
Step = tuple[Ints, NDArray[np.integer], Float]
#: Arcs, ways out of gates and into homes, the trees of the gates, drives along one piece.
_Trees = tuple[Arcs, Ends, Ends, Float, Int32, tuple[Ints, Ints, Float]]


@dataclass(frozen=True)
class Way:
    """The quickest drives between every home and the nearest gate of one site, one direction.

    Attributes
    ----------
    seconds : float64[H]
        Free of other traffic, infinite where it is out of reach.
    home, edge : intp[k]
        A row for each street piece of each drive.
    metres : float64[k]
        Driven on it: the whole piece, but at both ends.
    """

    seconds: Float
    home: Ints
    edge: Ints
    metres: Float


def road_class(streets: Streets) -> Int8:
    """Return the place in `ROADS` of each street piece: motorway, outside or inside towns."""
    motorway = is_tagged(streets.tags, "highway", ("motorway", "motorway_link"))
    return np.where(motorway, 0, np.where(built_up(streets), 2, 1)).astype(np.int8)


def ways_driven(study: Study) -> list[tuple[Way, Way]]:
    """Return the drives of each site, to work and back home, as far as the territory's limit.

    They are kept by the content of the streets and of all else they follow from.
    """
    streets, territory = study.streets, study.territory
    there, sites = mode_times(territory, streets, "car"), len(study.sites)
    key = [
        "ways",
        *times_key(there),
        study.homes.lonlat,
        study.gates_lonlat,
        tuple(len(site.gates) for site in study.sites),
        territory.speeds.walk_kmh,
        territory.limits.max_total_min,
    ]
    names = [field.name for field in fields(Way)]

    def compute() -> dict[str, NDArray[Any]]:
        found = enumerate(_searched(study, there))
        return {
            f"{name} {s} {k}": getattr(way, name)
            for s, both in found
            for k, way in enumerate(both)
            for name in names
        }

    kept = streets.kept(key, compute)
    ways = [
        [Way(*(np.asarray(kept[f"{name} {s} {k}"]) for name in names)) for k in (0, 1)]
        for s in range(sites)
    ]
    return [(onward, homeward) for onward, homeward in ways]


def _searched(study: Study, there: Times) -> list[tuple[Way, Way]]:
    """Search the drives of each site, to work and back home."""
    streets, limit_s = study.streets, study.territory.limits.max_total_min * 60
    homes, gates = (walk_snaps(streets, there, p) for p in (study.homes.lonlat, study.gates_lonlat))
    speed_ms = study.territory.speeds.walk_kmh / 3.6
    found = []
    for times in (turned(there), there):
        net = arcs(streets, times)
        access, egress = connectors(gates, speed_ms), connectors(homes, speed_ms)
        out = ends(streets, net, times, gates, access, leaving=True)
        into = ends(streets, net, times, homes, egress, leaving=False)
        rows, vias = search_rows(
            net, rows_of(out.point, len(gates), out.node, out.seconds), limit_s
        )
        gate, home, along = same_edge(streets, times, gates, homes)
        direct = (gate, home, along + access[gate] + egress[home])
        trees = (net, out, into, rows, vias, direct)
        found.append([_way(streets, (gates, homes), trees, own, limit_s) for own in _sites(study)])
    return list(zip(*found, strict=True))


def _sites(study: Study) -> Iterator[range]:
    """Yield the gates of each site."""
    first = 0
    for site in study.sites:
        yield range(first, first + len(site.gates))
        first += len(site.gates)


def _way(
    streets: Streets, points: tuple[Snaps, Snaps], trees: _Trees, own: range, limit_s: float
) -> Way:
    """Return the drives to the nearest of a site's gates: down its tree from where a home is."""
    gates, homes = points
    _, _, into, rows, _, (direct_gate, direct_home, direct_s) = trees
    best_s = np.full(len(homes), np.inf)
    by_gate, by_door = (np.full(len(homes), -1) for _ in range(2))
    for gate in own:
        # The last to be put is the quickest: of several ways into a home, by their order.
        whole = rows[gate, into.node] + into.seconds
        order = np.argsort(-whole, kind="stable")
        nearest_s, door = np.full(len(homes), np.inf), np.full(len(homes), -1)
        nearest_s[into.point[order]], door[into.point[order]] = whole[order], order
        better = nearest_s < best_s
        best_s[better], by_gate[better], by_door[better] = nearest_s[better], gate, door[better]
    parts: list[Step] = []
    for gate, home, seconds in zip(direct_gate, direct_home, direct_s, strict=True):
        if gate in own and seconds <= best_s[home]:
            best_s[home], by_door[home] = seconds, -1
            gap_m = abs(float(homes.offset_m[home] - gates.offset_m[gate]))
            parts.append((np.array([home]), homes.edge[[home]], np.array([gap_m])))
    best_s = np.where(best_s <= limit_s, best_s, np.inf)
    for gate in own:
        mine = np.flatnonzero((by_gate == gate) & (by_door >= 0) & np.isfinite(best_s))
        parts += _steps(streets, points, trees, gate, mine, by_door[mine])
    kept = [np.concatenate(column) for column in zip(*parts, strict=True)] or [np.zeros(0)] * 3
    reached = np.isfinite(best_s[kept[0].astype(np.intp)])
    home, edge = (kept[k].astype(np.intp)[reached] for k in (0, 1))
    return Way(best_s, home, edge, np.asarray(kept[2], np.float64)[reached])


def _steps(
    streets: Streets, points: tuple[Snaps, Snaps], trees: _Trees, gate: int, home: Ints, door: Ints
) -> Iterator[Step]:
    """Yield, step by step for all homes at once, the pieces between them and a gate."""
    gates, homes = points
    net, out, into, _, vias, _ = trees
    yield home, homes.edge[home], _part(streets, homes, home, into.side[door])
    node = into.node[door]
    while home.size:
        arc = vias[gate, node]
        # A tree begins at the ends of the piece on which its gate stands.
        seed = arc < 0
        if seed.any():
            exits = np.flatnonzero(out.point == gate)
            exits = exits[np.argsort(out.seconds[exits], kind="stable")]
            at = exits[np.argmax(out.node[exits][None] == node[seed][:, None], axis=1)]
            ends_at = np.full(len(at), gate)
            yield home[seed], gates.edge[ends_at], _part(streets, gates, ends_at, out.side[at])
            home, arc = home[~seed], arc[~seed]
        yield home, net.edge[arc], streets.length_m[net.edge[arc]]
        node = net.tail[arc]


def _part(streets: Streets, snaps: Snaps, point: Ints, side: NDArray[np.integer]) -> Float:
    """Return the metres between points and an end of their pieces (0: u, 1: v)."""
    offset = snaps.offset_m[point]
    return np.where(side == 0, offset, streets.length_m[snaps.edge[point]] - offset)
