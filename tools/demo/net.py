"""A planar street network under construction: shared nodes wherever roads meet."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from demo.geometry import XY, crossing, dist, project

Segment = tuple[int, int]
CELL_M = 120.0


@dataclass
class Way:
    """A street: its nodes in order and its OSM tags."""

    nodes: list[int]
    tags: dict[str, str]
    grown: bool = False


@dataclass
class Net:
    """Nodes, ways and a grid that finds segments near a point."""

    xy: list[XY] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    owner: dict[Segment, int] = field(default_factory=dict)
    at_node: list[list[int]] = field(default_factory=list)
    grid: dict[tuple[int, int], dict[Segment, None]] = field(default_factory=dict)

    def add_node(self, p: XY) -> int:
        """Add a node and return its index."""
        self.xy.append(p)
        self.at_node.append([])
        return len(self.xy) - 1

    def _cells(self, s: Segment, margin: float = 0.0) -> Iterable[tuple[int, int]]:
        (x0, y0), (x1, y1) = self.xy[s[0]], self.xy[s[1]]
        return _box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), margin)

    def link(self, u: int, v: int, way: int) -> None:
        """Register the segment between two nodes as part of a way."""
        s = (min(u, v), max(u, v))
        self.owner[s] = way
        for cell in self._cells(s):
            self.grid.setdefault(cell, {})[s] = None
        self.at_node[u].append(v)
        self.at_node[v].append(u)

    def unlink(self, u: int, v: int) -> None:
        """Forget a segment."""
        s = (min(u, v), max(u, v))
        del self.owner[s]
        for cell in self._cells(s):
            self.grid[cell].pop(s)
        self.at_node[u].remove(v)
        self.at_node[v].remove(u)

    def append(self, nodes: list[int], tags: dict[str, str], *, grown: bool = False) -> int:
        """Add a way along existing nodes and return its index."""
        nodes = [n for i, n in enumerate(nodes) if i == 0 or n != nodes[i - 1]]
        self.ways.append(Way(nodes, tags, grown))
        for u, v in itertools.pairwise(nodes):
            if (min(u, v), max(u, v)) not in self.owner:
                self.link(u, v, len(self.ways) - 1)
        return len(self.ways) - 1

    def near(self, p: XY, radius: float) -> list[tuple[float, Segment, XY]]:
        """Return (distance, segment, foot) of the segments within ``radius``, nearest first."""
        found: dict[Segment, tuple[float, XY]] = {}
        for cell in _box(p[0], p[1], p[0], p[1], radius):
            for s in self.grid.get(cell, ()):
                if s not in found:
                    d, _, foot = project(p, self.xy[s[0]], self.xy[s[1]])
                    found[s] = (d, foot)
        hits = [(d, s, foot) for s, (d, foot) in found.items() if d <= radius]
        return sorted(hits)

    def crossings(self, a: XY, b: XY) -> list[tuple[float, Segment, XY]]:
        """Return (position on ``a b``, segment, point) of the segments crossed, in order."""
        found: dict[Segment, tuple[float, XY]] = {}
        box = _box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]), 0)
        for cell in box:
            for s in self.grid.get(cell, ()):
                if s in found:
                    continue
                hit = crossing(a, b, self.xy[s[0]], self.xy[s[1]])
                if hit is not None:
                    t = hit[0]
                    found[s] = (t, (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
        return sorted((t, s, p) for s, (t, p) in found.items())

    def split(self, s: Segment, p: XY, *, snap: float = 9.0) -> int:
        """Return a node of segment ``s`` at ``p``: one of its ends if near, else a new one."""
        for n in s:
            if dist(self.xy[n], p) <= snap:
                return n
        way = self.owner[s]
        nodes = self.ways[way].nodes
        i = next(i for i in range(len(nodes) - 1) if {nodes[i], nodes[i + 1]} == {s[0], s[1]})
        u, v = nodes[i], nodes[i + 1]
        new = self.add_node(p)
        self.unlink(u, v)
        nodes.insert(i + 1, new)
        self.link(u, new, way)
        self.link(new, v, way)
        return new

    def attach(self, p: XY, radius: float) -> int:
        """Return the node nearest to ``p`` on the network within ``radius``, or a new node."""
        for n in self.nodes_near(p, 14.0):
            return n
        hits = self.near(p, radius)
        return self.split(hits[0][1], hits[0][2], snap=14.0) if hits else self.add_node(p)

    def nodes_near(self, p: XY, radius: float) -> list[int]:
        """Return the nodes of segments within ``radius``, nearest first."""
        ends = {n for _, s, _ in self.near(p, radius) for n in s}
        return [n for d, n in sorted((dist(self.xy[n], p), n) for n in ends) if d <= radius]

    def draw(
        self,
        points: list[XY],
        tags: dict[str, str],
        *,
        over: bool = False,
        skip: frozenset[str] | set[str] = frozenset(),
    ) -> int:
        """Add a road through ``points``; it shares a node with each road it crosses.

        With ``over`` it crosses without a junction and only its ends are attached; ``skip``
        names road classes that it passes under.
        """
        nodes = [self.attach(points[0], 70.0)]
        for k in range(1, len(points)):
            a, b = self.xy[nodes[-1]], points[k]
            last = k == len(points) - 1
            if last:
                end = self.attach(b, 70.0)
                b = self.xy[end]
            if not over:
                for _, s, p in self.crossings(a, b):
                    if nodes[-1] in s or (last and end in s) or s not in self.owner:
                        continue
                    if self.ways[self.owner[s]].tags["highway"] in skip:
                        continue
                    nodes.append(self.split(s, p, snap=14.0))
            nodes.append(end if last else self.add_node(b))
        return self.append(nodes, tags)

    def heading(self, u: int, v: int) -> float:
        """Return the direction from node ``u`` to node ``v`` in radians."""
        (x0, y0), (x1, y1) = self.xy[u], self.xy[v]
        return math.atan2(y1 - y0, x1 - x0)


def _box(x0: float, y0: float, x1: float, y1: float, margin: float) -> list[tuple[int, int]]:
    i0, i1 = math.floor((x0 - margin) / CELL_M), math.floor((x1 + margin) / CELL_M)
    j0, j1 = math.floor((y0 - margin) / CELL_M), math.floor((y1 + margin) / CELL_M)
    return [(i, j) for i in range(i0, i1 + 1) for j in range(j0, j1 + 1)]
