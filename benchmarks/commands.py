"""Whole commands: processor seconds and peak of memory of their processes, beside the peer.

Every row is the median of some runs of a command on the Rhein-Neckar example, or on the demo;
rows are run in turn, so that a busy spell of the machine falls on all of them. ``python -m
benchmarks run`` measures some rows alone.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import say

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
PEER = SHARED / "bench" / "peer_times.py"
EXAMPLE = ROOT / "examples" / "rhein-neckar"
DEMO = ROOT / "data" / "demo.toml"
#: Homes and sites of the synthetic territories on the streets and timetables of the example.
GROWN = ((2_000, 5), (50_000, 20), (200_000, 100))


@dataclass(frozen=True)
class Row:
    """One command.

    Attributes
    ----------
    name
        Of the row, and of its figures: ``<name>_cpu_s`` and ``<name>_peak_mb``.
    command
        Arguments after ``python``; ``{out}`` is a folder of the row's own, so that nothing that
        another row wrote, as shuttle plans, is read.
    goal
        Processor seconds and megabytes that are wanted, None where nothing is.
    before
        Rows whose commands are run first, unmeasured, into the same folder; their results stay
        for this one, and they are run before each of its runs where something is fresh.
    fresh
        What is removed before each run: ``cache`` (what is prepared from sources), ``kernels``
        (what is compiled).
    """

    name: str
    command: tuple[str, ...]
    goal: tuple[float | None, float | None] = (None, None)
    before: tuple[str, ...] = ()
    fresh: frozenset[str] = field(default_factory=frozenset)


def _mobility(*words: str | Path) -> tuple[str, ...]:
    return ("-m", "mobility", *map(str, words))


def _on_example(verb: str, *words: str) -> tuple[str, ...]:
    return _mobility(verb, EXAMPLE / "territory.toml", "--out", "{out}", *words)


#: Commands that answer single needs, with what they are asked.
NEEDS = (
    ("housing", ()), ("jobbus", ()), ("zone", ()), ("risk", ("--carpool",)), ("fairness", ()),
)  # fmt: skip
ROWS = (
    Row("import", ("-c", "import mobility")),
    Row("help", _mobility("--help"), (0.25, None)),
    Row("run_warm", _on_example("run"), (1.9, 400), before=("run_warm",)),
    Row("run_cold", _on_example("run"), (4.7, 500), fresh=frozenset({"cache"})),
    Row("report", _on_example("report"), (6.0, None), before=("run_warm",)),
    # The cache is that of `run` each time: what is asked again is found again.
    Row(
        "shuttles",
        _on_example("shuttles"),
        (20.0, 1000),
        before=("run_warm",),
        fresh=frozenset({"cache"}),
    ),
    Row("shuttles_again", _on_example("shuttles"), before=("run_warm", "shuttles")),
    Row(
        "levers",
        _on_example("levers"),
        (40.0, 1000),
        before=("run_warm",),
        fresh=frozenset({"cache"}),
    ),
    Row("levers_again", _on_example("levers"), before=("run_warm", "levers")),
    Row("plan_after_levers", _on_example("plan"), (5.0, None), before=("levers",)),
    Row(
        "matrix",
        _mobility("matrix", EXAMPLE / "territory.toml", "--out", "{out}/matrix.parquet"),
        (10.0, 1000),
        before=("run_warm", "matrix"),
    ),
    Row(
        "itinerary",
        _mobility("itinerary", DEMO, "--home", "{home}", "--site", "{site}", "--shift", "{shift}"),
        (0.9, None),
        before=("itinerary",),
    ),
    Row(
        "demo_first",
        _mobility("demo", "--out", "{out}"),
        (9.0, None),
        fresh=frozenset({"cache", "kernels"}),
    ),
    *(
        Row(verb, _on_example(verb, *words), (10.0, 1000), before=("run_warm", verb))
        for verb, words in NEEDS
    ),
    Row("cafein", (str(PEER), str(ROOT), str(SHARED / "data"))),
)
NAMES = tuple(row.name for row in ROWS)


def run(names: Sequence[str] = NAMES, *, repeats: int = 3) -> list[dict[str, Any]]:
    """Measure some rows in turn; return the median of each.

    Raises
    ------
    RuntimeError
        A command fails.
    """
    rows = [row for row in ROWS if row.name in names]
    if not PEER.is_file():
        say(f"  {PEER} is not there: the peer is left out")
        rows = [row for row in rows if row.name != "cafein"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        taken: dict[str, list[dict[str, float]]] = {row.name: [] for row in rows}
        for turn in range(repeats):
            for row in rows:
                taken[row.name].append(_measured(row, place, first=turn == 0))
                say(f"  {row.name}: {taken[row.name][-1]['cpu_s']:.2f} s")
    return [_median(row, taken[row.name]) for row in rows]


def _median(row: Row, taken: list[dict[str, float]]) -> dict[str, Any]:
    middle = {k: statistics.median(one[k] for one in taken) for k in ("cpu_s", "peak_mb")}
    goal_s, goal_mb = row.goal
    return {"command": row.name, **middle, "goal_s": goal_s, "goal_mb": goal_mb}


def _measured(row: Row, place: Path, *, first: bool) -> dict[str, float]:
    """Run a row's command, what it wants before included, and return what itself took."""
    cache = place / ("cold" if row.fresh else "cache")
    if "cache" in row.fresh:
        shutil.rmtree(cache, ignore_errors=True)
    environment = {**os.environ, "MOBILITY_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    # Modules are compiled once on a user's machine, not at each command.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if "kernels" in row.fresh:
        environment["NUMBA_CACHE_DIR"] = str(place / "kernels")
        shutil.rmtree(place / "kernels", ignore_errors=True)
    out = place / f"out-{row.name}"
    if row.fresh:
        shutil.rmtree(out, ignore_errors=True)
    for name in row.before if first or row.fresh else ():
        _process(next(other for other in ROWS if other.name == name), out, environment)
    return _process(row, out, environment)


def _process(row: Row, out: Path, environment: dict[str, str]) -> dict[str, float]:
    words = {"out": str(out), **_first_question()}
    command = [part.format(**words) if "{" in part else part for part in row.command]
    found = json.loads(
        subprocess.run(
            [sys.executable, str(Path(__file__).with_name("process.py")), sys.executable, *command],
            check=True, capture_output=True, text=True, cwd=ROOT, env=environment,
        ).stdout
    )  # fmt: skip
    if found["code"]:
        raise RuntimeError(f"{row.name}: {found['error']}")
    return {"cpu_s": found["cpu_s"], "peak_mb": found["peak_mb"]}


def _first_question() -> dict[str, str]:
    """Return a home, a site and a shift of the demo."""
    from mobility.sources.sites import read_sites
    from mobility.territory.project import Territory

    site = read_sites(Territory.from_toml(DEMO))[0]
    with (DEMO.parent / "homes.csv").open(encoding="utf-8") as stream:
        home = next(csv.DictReader(stream))
    return {"home": next(iter(home.values())), "site": site.name,
            "shift": site.rosters[0].shifts[0].name}  # fmt: skip


def headlines(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the figures quoted elsewhere, by name."""
    found: dict[str, float] = {}
    for row in rows:
        found[f"{row['command']}_cpu_s"] = row["cpu_s"]
        found[f"{row['command']}_peak_mb"] = row["peak_mb"]
    peer = found.get("cafein_cpu_s")
    for name in ("run_warm", "run_cold"):
        if peer and f"{name}_cpu_s" in found:
            key = "run_vs_cafein_ratio" if name == "run_warm" else "run_cold_vs_cafein_ratio"
            found[key] = peer / found[f"{name}_cpu_s"]
    return found


def grown(sizes: Sequence[tuple[int, int]] = GROWN) -> list[dict[str, Any]]:
    """Run synthetic territories of many homes and sites: one kind of day, public transport.

    Homes and gates lie on the streets of the example, drawn from a seed.
    """
    rows = []
    for n_homes, n_sites in sizes:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            toml = homes_and_sites(place, n_homes, n_sites)
            row = Row("growth", _mobility("run", toml, "--out", "{out}"))
            found = _measured(row, place, first=True)
        rows.append({"homes": n_homes, "sites": n_sites, "shift_edges": 6 * n_sites, **found})
        say(f"  {n_homes:,} homes x {n_sites} sites: {found['cpu_s']:.0f} s")
    return rows


def homes_and_sites(folder: Path, n_homes: int, n_sites: int) -> Path:
    """Write a territory of homes at junctions of the example's streets, gates near stops."""
    from benchmarks.datasets import DATASETS

    data, dataset = SHARED / "data" / "rhein-neckar", DATASETS["rhein-neckar"]
    streets = dataset.streets
    draw = np.random.default_rng(4)
    homes = streets.unproject(streets.node_xy[draw.integers(0, streets.n_nodes, n_homes)])
    gates = dataset.points[:n_sites]
    with (folder / "homes.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "lon", "lat", "workers"])
        rows.writerows((f"h{k}", f"{x:.6f}", f"{y:.6f}", 5) for k, (x, y) in enumerate(homes))
    sites = "".join(
        f'[[sites]]\nname = "Site {k}"\ngates = [[{x:.6f}, {y:.6f}]]\nrosters = ["3x8"]\n'
        for k, (x, y) in enumerate(gates)
    )
    toml = folder / "territory.toml"
    toml.write_text(
        f'name = "Growth"\ntimezone = "Europe/Berlin"\n[sources]\n'
        f'osm = "{(data / "streets.osm.pbf").as_posix()}"\n'
        f'gtfs = ["{(data / "gtfs.zip").as_posix()}"]\n'
        '[sources.homes]\nfile = "homes.csv"\nkind = "points"\nid = "id"\n'
        '[days]\ncountry = "DE"\nkinds = ["school_weekday"]\n'
        '[days.dates]\nschool_weekday = 2016-11-15\n[modes]\nevaluated = ["transit"]\n' + sites,
        encoding="utf-8",
    )
    return toml
