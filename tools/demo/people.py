"""Workers by 200 m cell, spread over built-up land and along country lanes."""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

from demo import plan
from demo.basin import SEED, Basin
from demo.geometry import XY, dist, inside, lonlat, uniform
from demo.land import GRID_M, built_cells

CELL_M = 200.0
WORKERS_PER_INHABITANT = 0.318
SCATTERED = 0.34  # share of the cells on country lanes where somebody lives

Cell = tuple[int, int]


def write_homes(basin: Basin, path: Path) -> None:
    """Write the homes: a row per inhabited cell, sorted from north to south."""
    rng = random.Random(SEED + 5)
    built = _built_share(basin)
    settled = {c: _settlement(basin, _middle(c)) for c in sorted(built)}
    workers = _settled_workers(basin, built, settled, rng)
    workers |= _scattered_workers(basin, set(built), rng)
    rows = []
    for cell in sorted(workers, key=lambda c: (-c[1], c[0])):
        count = workers[cell]
        if count < 1:
            continue
        p = _middle(cell)
        lon, lat = lonlat(p)
        name, commune, hardship = _address(basin, p)
        carless = _binomial(rng, count, 0.05 + 0.16 * hardship)
        seekers = _binomial(rng, count, 0.06 + 0.09 * hardship)
        row = (f"C{cell[0] + 100:03d}{cell[1] + 100:03d}", name, commune)
        rows.append((*row, f"{lon:.6f}", f"{lat:.6f}", count, carless, seekers))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("id", "name", "commune", "lon", "lat", "workers", "without_car", "job_seekers")
        )
        writer.writerows(rows)


def _middle(cell: Cell) -> XY:
    return (cell[0] + 0.5) * CELL_M, (cell[1] + 0.5) * CELL_M


def _cell(p: XY) -> Cell:
    return math.floor(p[0] / CELL_M), math.floor(p[1] / CELL_M)


def _built_share(basin: Basin) -> dict[Cell, float]:
    """Return how much of each cell is built up, 0 to 1."""
    share: dict[Cell, float] = {}
    for i, j in sorted(built_cells(basin)):
        p = ((i + 0.5) * GRID_M, (j + 0.5) * GRID_M)
        if inside(p, plan.ZONE_RING) or any(inside(p, q.land) for q in plan.PLANTS):
            continue
        share[_cell(p)] = share.get(_cell(p), 0.0) + (GRID_M / CELL_M) ** 2
    return share


def _settlement(basin: Basin, p: XY) -> str:
    return basin.nearest_place(p).name


def _settled_workers(
    basin: Basin, built: dict[Cell, float], settled: dict[Cell, str], rng: random.Random
) -> dict[Cell, int]:
    weight: dict[Cell, float] = {}
    for cell, share in built.items():
        crowd = 0.55 + 1.5 * math.exp(-dist(_middle(cell), (0, 0)) / 900)
        weight[cell] = share * crowd * uniform(rng, 0.6, 1.4)
    workers: dict[Cell, int] = {}
    for place in basin.places:
        cells = [c for c in built if settled[c] == place.name]
        total = sum(weight[c] for c in cells)
        carry = 0.5
        for c in cells:
            carry += place.population * WORKERS_PER_INHABITANT * weight[c] / total
            workers[c] = int(carry)
            carry -= workers[c]
    return workers


def _scattered_workers(basin: Basin, taken: set[Cell], rng: random.Random) -> dict[Cell, int]:
    cells = set()
    for way in basin.net.ways:
        if way.tags["highway"] in ("unclassified", "tertiary"):
            cells |= {_cell(basin.net.xy[n]) for n in way.nodes}
    farms: dict[Cell, int] = {}
    for c in sorted(cells - taken):
        p = _middle(c)
        wood = any(f.depth(p) < 1 for _, f in basin.forests) or basin.lake.depth(p) < 1.1
        if not wood and not inside(p, plan.ZONE_RING) and rng.random() < SCATTERED:
            farms[c] = 1 + int(3.2 * rng.random() ** 2)
    return farms


def _address(basin: Basin, p: XY) -> tuple[str, str, float]:
    """Return quarter or hamlet, commune, and a hardship index from 0 to 1."""
    place = basin.nearest_place(p)
    villages = [q for q in basin.places if q.kind in ("town", "village")]
    commune = place.commune or place.name
    if place.kind == "hamlet":
        commune = min(villages, key=lambda q: dist(p, (q.x, q.y)) - q.radius).name
    far = dist(p, (place.x, place.y)) > 1.5 * place.radius
    if far:
        return f"Campagne de {commune}", commune, 0.05
    if place.name != plan.TOWN:
        hard = {"Bellefontaine": 0.95, "Les Hauts d'Aubrelle": 0.7, "Mortebrune": 0.35}
        return place.name, commune, hard.get(place.name, 0.15)
    quarter = min(plan.QUARTERS, key=lambda q: dist(p, (q[1], q[2])))[0]
    return quarter, commune, {"Les Tanneries": 0.8, "Gare": 0.6}.get(quarter, 0.4)


def _binomial(rng: random.Random, count: int, chance: float) -> int:
    return sum(rng.random() < chance for _ in range(count))
