"""Side streets and lanes that grow from the main roads until they meet another street."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from demo.geometry import XY, dist, gauss, uniform
from demo.net import Net


@dataclass(frozen=True)
class Style:
    """How streets of one kind of land look; metres and radians."""

    step: float
    gap: float  # least distance between two streets side by side
    snap: float  # an end this close to a street joins it
    spacing: tuple[float, float]
    longest: float
    bend: float
    jitter: float
    dead_end: float  # share of dead ends kept
    both_sides: float


CENTRE = Style(22, 46, 38, (62, 105), 700, 0.0012, 0.035, 0.15, 0.95)
SUBURB = Style(25, 56, 46, (80, 150), 900, 0.0019, 0.045, 0.6, 0.92)
VILLAGE = Style(28, 62, 50, (85, 160), 620, 0.0016, 0.06, 0.65, 0.9)
LANE = Style(70, 420, 160, (650, 1300), 4200, 0.0004, 0.10, 0.20, 0.85)


@dataclass
class Grower:
    """Grows the streets of one settlement or of the countryside."""

    net: Net
    rng: random.Random
    style: Style
    allowed: Callable[[XY], bool]
    tags: dict[str, str]

    def run(self, ways: list[int]) -> list[int]:
        """Grow from the vertices of ``ways`` and return the new ways."""
        self.queue: list[tuple[float, int, int, float, int]] = []
        self.count = 0
        for way in ways:
            self.seed(way)
        grown: list[int] = []
        while self.queue:
            _, _, node, heading, parent = heapq.heappop(self.queue)
            way = self.grow(node, heading, parent)
            if way is not None:
                grown.append(way)
                self.seed(way)
        return grown

    def seed(self, way: int) -> None:
        """Queue branches left and right of a way, at irregular distances."""
        nodes, st, rng = self.net.ways[way].nodes, self.style, self.rng
        due = uniform(rng, 0.5, 1.0) * st.spacing[0]
        for i in range(1, len(nodes) - 1):
            due -= dist(self.net.xy[nodes[i - 1]], self.net.xy[nodes[i]])
            if due > 0 or not self.allowed(self.net.xy[nodes[i]]):
                continue
            due = uniform(rng, *st.spacing)
            along = self.net.heading(nodes[i - 1], nodes[i + 1])
            for side in (1, -1):
                if rng.random() < st.both_sides:
                    self.count += 1
                    heading = along + side * math.pi / 2 + gauss(rng, 0.09)
                    key = len(self.queue) * 0.002 + rng.random()
                    heapq.heappush(self.queue, (key, self.count, nodes[i], heading, way))

    def grow(self, start: int, heading: float, parent: int) -> int | None:
        """Grow one street and return its way, or None when it finds no room."""
        net, st = self.net, self.style
        if any(abs(_turn(heading, net.heading(start, n))) < 0.9 for n in net.at_node[start]):
            return None
        bend = gauss(self.rng, st.bend)
        path: list[XY] = [net.xy[start]]
        end: int | None = None
        far = 0.0
        while far < st.longest:
            heading += bend * st.step + gauss(self.rng, st.jitter)
            a = path[-1]
            b = (a[0] + st.step * math.cos(heading), a[1] + st.step * math.sin(heading))
            if not self.allowed(b):
                break
            hits = [h for h in net.crossings(a, b) if start not in h[1]]
            if hits:
                end = self.join(hits[0][1], hits[0][2], a)
                break
            state = self.look(b, heading, parent, start, far)
            if state == "stop":
                break
            path.append(b)
            far += st.step
            if isinstance(state, tuple):
                end = self.join(state[0], state[1], b)
                break
        return self.keep(start, path, end, far)

    def look(
        self, p: XY, heading: float, parent: int, start: int, far: float
    ) -> str | tuple[tuple[int, int], XY]:
        """Return what stands near ``p``: a segment to join, ``"stop"``, or ``"free"``."""
        net, st = self.net, self.style
        for d, s, foot in net.near(p, st.gap):
            if start in s or (net.owner[s] == parent and far < 2.2 * st.gap):
                continue
            beside = abs(math.cos(net.heading(*s) - heading)) > 0.78
            if beside:
                return "stop"
            if d <= st.snap:
                return s, foot
        return "free"

    def join(self, s: tuple[int, int], foot: XY, a: XY) -> int | None:
        """Return the node where the street meets ``s``, None when the angle is too sharp."""
        angle = abs(math.cos(self.net.heading(*s) - math.atan2(foot[1] - a[1], foot[0] - a[0])))
        if angle > 0.86 or s not in self.net.owner:
            return None
        return self.net.split(s, foot, snap=0.35 * self.style.step)

    def keep(self, start: int, path: list[XY], end: int | None, far: float) -> int | None:
        """Add the street when it is worth it."""
        st = self.style
        if end is None and (far < 1.1 * st.gap or self.rng.random() > st.dead_end):
            return None
        if end is not None and (end == start or end in self.net.at_node[start]):
            return None
        if end is not None and len(path) > 2 and dist(path[-1], self.net.xy[end]) < 0.4 * st.step:
            path = path[:-1]
        nodes = [start, *(self.net.add_node(p) for p in path[1:])]
        if end is not None:
            nodes.append(end)
        if len(nodes) < 2:
            return None
        return self.net.append(nodes, dict(self.tags), grown=True)


def _turn(a: float, b: float) -> float:
    return (a - b + math.pi) % math.tau - math.pi
