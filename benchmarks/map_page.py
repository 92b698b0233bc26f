"""Size and speed of a map page: 50,000 cells, 20 sites, 3 shifts, 4 kinds of day.

Run ``python benchmarks/map_page.py``, with ``--points`` for homes that are points without
cells; `run` returns the figures. The browser part needs a Chromium and Playwright, and is left
out without them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely

from mobility.outputs.map.export import find_browser
from mobility.outputs.map.model import (
    NONE,
    MapDay,
    MapHomes,
    MapModel,
    MapRoster,
    MapShift,
    MapSite,
    Scenario,
)
from mobility.outputs.map.page import write_map

LIMITS = {"page_mb": 15.0, "first_paint_s": 3.0, "selection_change_ms": 200.0}
HOURS = ((5, 13), (13, 21), (21, 5))


def basin(cells: int = 50_000, sites: int = 20, *, seed: int = 0) -> MapModel:
    """Return a basin whose travel times look like a bus network's.

    Each stop has its own ride and its catchment; fewer are served at the edges of the day.
    """
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(cells)))
    x, y = (v.ravel()[:cells] for v in np.meshgrid(np.arange(side), np.arange(side)))
    lon, lat = 2.0 + x * 0.0027, 47.0 + y * 0.0018
    boxes = shapely.box(lon - 0.00135, lat - 0.0009, lon + 0.00135, lat + 0.0009)
    people = rng.poisson(np.exp(rng.normal(2.0, 1.0, cells))).astype(float)
    homes = MapHomes(
        lon, lat, tuple(f"CRS3035RES200mN{b}E{a}" for a, b in zip(x, y, strict=True)),
        tuple(f"Commune {a // 32}-{b // 32}" for a, b in zip(x, y, strict=True)),
        people, tuple(boxes),
    )  # fmt: skip
    keys = [(s, d) for s in range(3 * sites) for d in range(4)]
    stop_xy = rng.uniform(0, side, (1500, 2))
    walk, stop = _nearest(x, y, stop_xy)
    out = np.empty((len(keys), cells), np.uint8)
    back, over = np.empty_like(out), np.empty_like(out)
    place = rng.uniform(0.2 * side, 0.8 * side, (sites, 2))
    for k, (shift, day) in enumerate(keys):
        site = place[shift // 3]
        far = np.hypot(*(stop_xy - site).T)
        served = rng.random(len(stop_xy)) < (0.75, 0.65, 0.5, 0.3)[day] * (0.5, 1, 0.4)[shift % 3]
        for array in (out, back):
            ride = far * 0.35 + rng.integers(12, 40, len(stop_xy))
            ride[~served] = 999
            total = ride[stop] + walk
            array[k] = np.where(total <= 60, np.ceil(total), NONE)
        spare = rng.integers(0, 13, len(stop_xy)) * 15
        over[k] = np.where(back[k] == NONE, NONE, spare[stop])
    status = np.where(out < NONE, np.where(back < NONE, 0, 1), np.where(back < NONE, 2, 3))
    reason = np.where(status == 0, 0, rng.integers(1, 9, (len(keys), len(stop_xy)))[:, stop])
    key = np.array(keys)
    return MapModel(
        territory="Bassin d'essai", homes=homes,
        sites=tuple(
            MapSite(f"Site {i}", "", ((2.0 + p[0] * 0.0027, 47.0 + p[1] * 0.0018),))
            for i, p in enumerate(place)
        ),
        rosters=tuple(MapRoster(i, "3x8") for i in range(sites)),
        shifts=tuple(
            MapShift(s // 3, ("matin", "après-midi", "nuit")[s % 3],
                     HOURS[s % 3][0] * 3600, HOURS[s % 3][1] * 3600)
            for s in range(3 * sites)
        ),
        days=tuple(
            MapDay(k, "2026-03-17")
            for k in ("school_weekday", "holiday_weekday", "saturday", "sunday")
        ),
        modes=("transit",), key_shift=key[:, 0], key_day=key[:, 1],
        key_mode=np.zeros(len(keys), np.int64), zone_shift=key[:, 0], zone_day=key[:, 1],
        scenarios=(
            Scenario("", out, back, status.astype(np.uint8), reason.astype(np.uint8), over),
        ),
        limits={"max_total_min": 60.0},
    )  # fmt: skip


def _nearest(x: np.ndarray, y: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return minutes of walking to the nearest stop, and which it is."""
    tree = shapely.STRtree(shapely.points(stops))
    cell, stop = tree.query_nearest(shapely.points(x, y), all_matches=False)
    order = np.argsort(cell)
    stop = stop[order]
    return np.hypot(x - stops[stop, 0], y - stops[stop, 1]) * 2.7, stop


def measure(page: Path) -> dict[str, float]:
    """Open a page in a headless browser; return first paint and selection changes."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1440, "height": 900})
        start = time.perf_counter()
        view.goto(page.as_uri(), wait_until="commit")
        view.wait_for_selector("body[data-ready]")
        first = time.perf_counter() - start
        view.wait_for_selector("body[data-loaded]")
        took = view.evaluate(
            """async () => {
              const took = [];
              for (let i = 0; i < 24; i++) {
                const site = (i * 7) % 20, day = i % 4;
                const part = { site, pick: "s" + (3 * site + i % 3), day,
                  measure: ["holds", "time", "white", "late"][i % 4] };
                await new Promise(requestAnimationFrame);
                const start = performance.now();
                await window.mobilityMap.choose(part);
                await new Promise(requestAnimationFrame);
                took.push(performance.now() - start);
              }
              return took;
            }"""
        )
        browser.close()
    return {
        "first_paint_s": round(first, 2),
        "selection_change_ms": round(float(np.median(took)), 1),
        "selection_change_worst_ms": round(max(took), 1),
    }


def run(cells: int = 50_000, sites: int = 20, *, points: bool = False) -> dict[str, float]:
    """Return the page's size, the time to write it, and its speed in a browser."""
    model = basin(cells, sites)
    if points:
        model = replace(model, homes=replace(model.homes, cells=None))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        page = write_map(model, Path(folder) / "map.html")
        figures = {"write_s": round(time.perf_counter() - start, 1),
                   "page_mb": round(page.stat().st_size / 1e6, 2)}  # fmt: skip
        if find_browser():
            figures |= measure(page)
    return figures


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
    found = run(*numbers, points="--points" in sys.argv)
    print(json.dumps(found | {f"limit_{k}": v for k, v in LIMITS.items()}, indent=1))
