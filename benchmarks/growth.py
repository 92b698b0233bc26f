"""Growth: synthetic cities of 0.1, 1 and 10 million connections, 1,000 to 200,000 homes.

Each size runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import REPEATS, say, seconds
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, reach, scan
from mobility.timetable.arrays import (
    INF,
    RunArrays,
    Timetable,
    footpath_rows,
    index_timetable,
    mirrored,
)
from mobility.timetable.footpaths import WalkTable

SIZES = ((100_000, 1_000), (1_000_000, 1_000), (1_000_000, 20_000), (1_000_000, 200_000),
         (10_000_000, 20_000), (10_000_000, 200_000))  # fmt: skip
LINE_CALLS, HEADWAY_S, HOP_S = 21, 900, 90


def grid_city(connections: int) -> Timetable:
    """Return a square grid of stops crossed by lines of 20 hops, both ways, all day.

    Lines run from 05:00 to 25:00 every 15 minutes (80 departures), so the number of stops
    grows with that of connections: each stop has about 320 departures.
    """
    hops = LINE_CALLS - 1
    departures = 20 * 3600 // HEADWAY_S
    lines = max(1, round(connections / hops / departures))
    side = max(LINE_CALLS, round(np.sqrt(lines / 4 * hops)))
    rng = np.random.default_rng(5)
    # Each line: a start, a direction, an offset of its clock.
    across = rng.integers(0, 2, lines).astype(bool)
    forward = rng.integers(0, 2, lines).astype(bool)
    along = rng.integers(0, side - hops, lines)
    other = rng.integers(0, side, lines)
    steps = np.arange(LINE_CALLS)
    steps = np.where(forward[:, None], steps, steps[::-1])
    place = along[:, None] + steps
    stops = np.where(across[:, None], other[:, None] * side + place, place * side + other[:, None])
    start = 5 * 3600 + rng.integers(0, HEADWAY_S, lines)
    times = (start[:, None] + HEADWAY_S * np.arange(departures)).ravel()
    call_time = (times[:, None] + HOP_S * np.arange(LINE_CALLS)).astype(np.int32).ravel()
    call_stop = np.repeat(stops.astype(np.int32), departures, axis=0).ravel()
    n_runs = times.size
    on = np.ones(call_time.size, np.bool_)
    runs = RunArrays(
        np.arange(n_runs + 1, dtype=np.int64) * LINE_CALLS, call_stop, call_time, call_time,
        on, on, np.full(call_time.size, -1, np.int32), np.zeros(n_runs, np.int8),
    )  # fmt: skip
    return index_timetable(side * side, runs, grid_feet(side))


def grid_feet(side: int) -> Any:
    """Change at a stop in a minute, or walk four minutes to the next one."""
    stop = np.arange(side * side, dtype=np.int32)
    x, y = stop % side, stop // side
    pairs = [(stop, stop, 0)]
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        inside = (x + dx >= 0) & (x + dx < side) & (y + dy >= 0) & (y + dy < side)
        pairs.append((stop[inside], stop[inside] + dx + dy * side, 240))
    source = np.concatenate([p[0] for p in pairs]).astype(np.int32)
    target = np.concatenate([p[1] for p in pairs]).astype(np.int32)
    walk = np.concatenate([np.full(len(p[0]), p[2]) for p in pairs]).astype(np.int32)
    return footpath_rows(side * side, source, target, walk, walk + 60)


def grid_homes(n_homes: int, n_stops: int, rng: np.random.Generator) -> WalkTable:
    """Each home walks to some dozen stops around one, up to 20 minutes away."""
    side = round(n_stops**0.5)
    x, y = rng.integers(2, side - 2, (2, n_homes))
    around = [(dx, dy) for dx in range(-2, 3) for dy in range(-2, 3) if abs(dx) + abs(dy) <= 2]
    walk = np.array([60 + 300 * (abs(dx) + abs(dy)) for dx, dy in around], np.int32)
    order = np.argsort(walk, kind="stable")
    shift = np.array([dx + dy * side for dx, dy in around], np.int64)[order]
    stop = ((y * side + x)[:, None] + shift).astype(np.int32).ravel()
    ptr = np.arange(n_homes + 1, dtype=np.int64) * len(around)
    return WalkTable(ptr, stop, np.tile(walk[order], n_homes))


def measure(connections: int, n_homes: int) -> dict[str, Any]:
    """Build one city, then ask one site's 08:00 in both directions."""
    start = time.perf_counter()
    tt = grid_city(connections)
    built = time.perf_counter() - start
    start = time.perf_counter()
    mirror = mirrored(tt)
    turned = time.perf_counter() - start
    two_way = TwoWay(tt)
    two_way.__dict__["mirror"] = type(two_way.onward)(mirror)
    _ = two_way.onward.longest_s, two_way.mirror.longest_s
    access = grid_homes(n_homes, tt.n_stops, np.random.default_rng(6))
    egress = np.full(tt.n_stops, INF, np.int32)
    side = round(tt.n_stops**0.5)
    gate = tt.n_stops // 2 + side // 2
    egress[[gate, gate + 1, gate - 1]] = [60, 360, 360]
    row: dict[str, Any] = {
        "connections": tt.n_calls - tt.n_runs, "stops": tt.n_stops, "homes": n_homes,
        "index_s": built, "mirror_s": turned,
    }  # fmt: skip
    limits = EngineLimits()
    for name, back, at_h in (("outbound", False, 8), ("return", True, 17)):
        edge = Edge(returning=back, at_s=3600 * at_h, margin_s=600)
        scanned = scan(two_way, egress, edge, limits)
        found = reach(scanned, access)
        row[f"{name}_scan_ms"] = 1e3 * seconds(lambda: scan(two_way, egress, edge, limits))  # noqa: B023
        row[f"{name}_homes_ms"] = 1e3 * seconds(lambda: reach(scanned, access))  # noqa: B023
        row[f"{name}_homes_reached"] = int((found.elapsed_s < INF).sum())
    row["peak_gb"] = peak_gb()
    return row


def peak_gb() -> float:
    """Return the peak of this process alone; ``ru_maxrss`` would carry over its parent's."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(x for x in status if x.startswith("VmHWM")).split()[1]) / 2**20


def run() -> list[dict[str, Any]]:
    """Measure every size in a fresh process."""
    rows = []
    for connections, homes in SIZES:
        out = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", str(connections), str(homes)],
            check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        rows.append(json.loads(out.stdout))
        say(f"  growth, {connections:,} connections x {homes:,} homes")
    return rows


if __name__ == "__main__":
    assert REPEATS >= 5
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
