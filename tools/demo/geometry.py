"""Plane geometry of the demo: metres around the town hall, x east, y north.

Only the standard library's ``random.Random.random`` feeds randomness, so that the same
seed draws the same basin on every machine.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from pyproj import Transformer

XY = tuple[float, float]

# The town hall stands on a multiple of 200 m of UTM zone 30, near 47.12 N 0.62 W.
ORIGIN: XY = (680_600.0, 5_221_200.0)
_TO_LONLAT = Transformer.from_crs("EPSG:32630", "EPSG:4326", always_xy=True)


def lonlat(p: XY) -> XY:
    """Return WGS 84 degrees of a point of the plan, rounded to OSM's 1e-7 degree."""
    lon, lat = _TO_LONLAT.transform(ORIGIN[0] + p[0], ORIGIN[1] + p[1])
    return round(lon, 7), round(lat, 7)


def dist(a: XY, b: XY) -> float:
    """Return the distance in metres."""
    return math.hypot(b[0] - a[0], b[1] - a[1])


def length(points: Sequence[XY]) -> float:
    """Return the length of a polyline in metres."""
    return sum(dist(a, b) for a, b in itertools.pairwise(points))


def gauss(rng: random.Random, sigma: float) -> float:
    """Return a roughly normal number made of twelve uniform ones."""
    return sigma * (sum(rng.random() for _ in range(12)) - 6.0)


def uniform(rng: random.Random, a: float, b: float) -> float:
    """Return a number between ``a`` and ``b``."""
    return a + (b - a) * rng.random()


def spline(control: Sequence[XY], step: float = 45.0) -> list[XY]:
    """Return a centripetal Catmull-Rom curve through ``control``, a vertex every ``step`` m."""
    first = (2 * control[0][0] - control[1][0], 2 * control[0][1] - control[1][1])
    last = (2 * control[-1][0] - control[-2][0], 2 * control[-1][1] - control[-2][1])
    points = [first, *control, last]
    curve: list[XY] = [control[0]]
    for i in range(1, len(points) - 2):
        p0, p1, p2, p3 = points[i - 1 : i + 3]
        t1 = math.sqrt(max(dist(p0, p1), 1e-6))
        t2 = t1 + math.sqrt(max(dist(p1, p2), 1e-6))
        t3 = t2 + math.sqrt(max(dist(p2, p3), 1e-6))
        count = max(1, round(dist(p1, p2) / step))
        for k in range(1, count + 1):
            t = t1 + (t2 - t1) * k / count
            curve.append(_barry_goldman((p0, p1, p2, p3), (0.0, t1, t2, t3), t))
    return curve


def _barry_goldman(p: Sequence[XY], k: Sequence[float], t: float) -> XY:
    def mix(a: XY, b: XY, s: float, e: float) -> XY:
        w = (t - s) / (e - s)
        return a[0] + (b[0] - a[0]) * w, a[1] + (b[1] - a[1]) * w

    a1, a2, a3 = (mix(p[i], p[i + 1], k[i], k[i + 1]) for i in range(3))
    b1, b2 = mix(a1, a2, k[0], k[2]), mix(a2, a3, k[1], k[3])
    return mix(b1, b2, k[1], k[2])


def wander(points: Sequence[XY], rng: random.Random, amplitude: float) -> list[XY]:
    """Return the curve swaying to both sides, still at both ends and softly in between."""
    waves = [
        (amplitude, uniform(rng, 1100, 1900), uniform(rng, 0, math.tau)),
        (amplitude * 0.45, uniform(rng, 420, 700), uniform(rng, 0, math.tau)),
    ]
    total = length(points)
    out, run = [points[0]], 0.0
    for i in range(1, len(points) - 1):
        run += dist(points[i - 1], points[i])
        (x0, y0), (x1, y1) = points[i - 1], points[i + 1]
        norm = math.hypot(x1 - x0, y1 - y0) or 1.0
        taper = min(1.0, run / 500, (total - run) / 500)
        shift = taper * sum(a * math.sin(math.tau * run / w + f) for a, w, f in waves)
        x, y = points[i]
        out.append((x - shift * (y1 - y0) / norm, y + shift * (x1 - x0) / norm))
    return [*out, points[-1]]


@dataclass(frozen=True)
class Blob:
    """A star-shaped patch of land: a wavy ellipse."""

    x: float
    y: float
    radius: float
    stretch: float
    angle: float
    waves: tuple[tuple[int, float, float], ...]

    def reach(self, theta: float) -> float:
        """Return its radius in metres in direction ``theta``."""
        c, s = math.cos(theta - self.angle), math.sin(theta - self.angle)
        base = self.radius / math.hypot(c / self.stretch, s * self.stretch)
        return base * (1 + sum(a * math.sin(k * theta + f) for k, a, f in self.waves))

    def depth(self, p: XY) -> float:
        """Return 0 at the middle, 1 on the edge, more outside."""
        dx, dy = p[0] - self.x, p[1] - self.y
        return math.hypot(dx, dy) / self.reach(math.atan2(dy, dx))

    def ring(self, count: int = 48) -> list[XY]:
        """Return its outline, not closed."""
        angles = [math.tau * k / count for k in range(count)]
        return [
            (self.x + self.reach(t) * math.cos(t), self.y + self.reach(t) * math.sin(t))
            for t in angles
        ]


def blob(rng: random.Random, x: float, y: float, radius: float, *, rough: float = 0.1) -> Blob:
    """Return a blob of about ``radius`` metres whose shape ``rng`` draws."""
    waves = tuple((k, rough * 2.2 / k, uniform(rng, 0, math.tau)) for k in (2, 3, 5))
    return Blob(x, y, radius, uniform(rng, 1.0, 1.25), uniform(rng, 0, math.pi), waves)


def project(p: XY, a: XY, b: XY) -> tuple[float, float, XY]:
    """Return distance, position 0 to 1 and foot of ``p`` on the segment ``a b``."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    t = 0.0 if square == 0 else ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square
    t = min(1.0, max(0.0, t))
    foot = (a[0] + t * dx, a[1] + t * dy)
    return dist(p, foot), t, foot


def crossing(a: XY, b: XY, c: XY, d: XY) -> tuple[float, float] | None:
    """Return positions on ``a b`` and ``c d`` where the two segments cross, or None."""
    rx, ry, sx, sy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    cross = rx * sy - ry * sx
    if abs(cross) < 1e-9:
        return None
    t = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / cross
    u = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / cross
    return (t, u) if 0.0 <= t <= 1.0 and 0.0 <= u <= 1.0 else None


def to_line(p: XY, line: Sequence[XY]) -> float:
    """Return the distance in metres from a point to a polyline."""
    return min(project(p, a, b)[0] for a, b in itertools.pairwise(line))


def inside(p: XY, ring: Sequence[XY]) -> bool:
    """Whether a point lies in a polygon given as an open ring."""
    odd = False
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y0 > p[1]) != (y1 > p[1]) and p[0] < x0 + (p[1] - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def simplify(points: Sequence[XY], tolerance: float) -> list[int]:
    """Return the indices that Douglas and Peucker's rule keeps."""
    keep = {0, len(points) - 1}
    stack = [(0, len(points) - 1)]
    while stack:
        i, j = stack.pop()
        if j - i < 2:
            continue
        far, k = max((project(points[m], points[i], points[j])[0], m) for m in range(i + 1, j))
        if far > tolerance:
            keep.add(k)
            stack += [(i, k), (k, j)]
    return sorted(keep)
