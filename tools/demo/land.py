"""Built-up land: the ground within reach of streets with houses, as smooth outlines."""

from __future__ import annotations

from demo.basin import Basin
from demo.geometry import XY, dist, simplify

GRID_M = 40.0
REACH_M = 62.0


def built_cells(basin: Basin) -> set[tuple[int, int]]:
    """Return the 40 m squares near a residential street or a main street of a settlement."""
    cells: set[tuple[int, int]] = set()
    for way in basin.net.ways:
        highway = way.tags["highway"]
        if highway not in ("residential", "primary", "secondary", "tertiary", "unclassified"):
            continue
        for u, v in zip(way.nodes, way.nodes[1:], strict=False):
            a, b = basin.net.xy[u], basin.net.xy[v]
            middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            if not basin.in_built(middle, within=0.98):
                continue
            for i in range(_cell(middle[0]) - 3, _cell(middle[0]) + 4):
                for j in range(_cell(middle[1]) - 3, _cell(middle[1]) + 4):
                    if dist(middle, ((i + 0.5) * GRID_M, (j + 0.5) * GRID_M)) < REACH_M + 12:
                        cells.add((i, j))
    return _fill(cells)


def _cell(x: float) -> int:
    return int(x // GRID_M)


def _fill(cells: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Close gaps: a square with five or more built neighbours is built too; three rounds."""
    for _ in range(3):
        score: dict[tuple[int, int], int] = {}
        for i, j in cells:
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    score[(i + di, j + dj)] = score.get((i + di, j + dj), 0) + 1
        cells = cells | {c for c, n in score.items() if n >= 5}
    return cells


def built_rings(basin: Basin) -> list[list[XY]]:
    """Return the outlines of built-up land, one ring per patch, holes filled."""
    cells = built_cells(basin)
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j in sorted(cells):
        for a, b, side in (
            ((i, j), (i + 1, j), (i, j - 1)),
            ((i + 1, j), (i + 1, j + 1), (i + 1, j)),
            ((i + 1, j + 1), (i, j + 1), (i, j + 1)),
            ((i, j + 1), (i, j), (i - 1, j)),
        ):
            if side not in cells:
                edges.setdefault(a, []).append(b)
    rings = []
    while edges:
        start = min(edges)
        loop = [start]
        while True:
            here = loop[-1]
            ahead = edges[here].pop()
            if not edges[here]:
                del edges[here]
            if ahead == start:
                break
            loop.append(ahead)
        if _area(loop) * GRID_M * GRID_M > 20_000:
            rings.append(_smooth([(i * GRID_M, j * GRID_M) for i, j in loop]))
    return rings


def _area(ring: list[tuple[int, int]]) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) / 2


def _smooth(ring: list[XY]) -> list[XY]:
    """Round the corners (mean of neighbours, then Douglas and Peucker)."""
    for _ in range(3):
        around = [ring[-1], *ring, ring[0]]
        ring = [
            ((a[0] + 2 * b[0] + c[0]) / 4, (a[1] + 2 * b[1] + c[1]) / 4)
            for a, b, c in zip(around, around[1:], around[2:], strict=False)
        ]
    half = len(ring) // 2
    first, second = ring[: half + 1], [*ring[half:], ring[0]]
    kept = [first[i] for i in simplify(first, 6.0)][:-1]
    return kept + [second[i] for i in simplify(second, 6.0)][:-1]
