"""The atlas: one pass for many territories, Dask beside a plain loop, going on, merging.

``python -m benchmarks atlas`` draws a nation of 31 small territories (see `tests/nation.py`) and
measures processor seconds and memory; 183 finished ones are the 31 copied, and memory is followed
over 200 others. Where the real data is, one unit has the timetables of Rhein-Neckar and 66,000
homes, and its streets are cut out of an extract of 747,000 ways: those of Rhein-Neckar twenty
times, side by side. It and one of 60,000 are computed by the loop and by Dask too, side by side.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.commands import ROOT, SHARED, homes_and_sites
from benchmarks.timing import say

NATION, FINISHED, GROWING, REAL_SITES = 31, 183, 200, 24
#: How often the loop and Dask compute the large units, side by side: each has the other on the next
#: core, which slows both, and the machine's speed changes.
TURNS = 3
#: Copies of the real extract in the wide one, and how many of them lie side by side.
COPIES, ABREAST = 20, 4
#: Between the identifiers of copies: above all those of OpenStreetMap.
ID_STEP = 20_000_000_000
#: What `prepare` keeps around a territory.
MARGIN_M = 3_000.0
#: Homes of the large units; the first is measured alone too.
REAL_HOMES = {"ti=rn": 66_000, "ti=rn60": 60_000}
#: Units of a process after which its memory is taken as settled.
SETTLED = 2
#: What a way kept may take, seconds, beside two reads.
WAY_S = 70e-6
#: What is wanted; None where nothing is.
GOALS = {
    "atlas_overhead_percent": 10, "atlas_overhead_large_percent": 5,
    "atlas_units_per_core_hour": 60, "atlas_peak_worker_mb": 2_500,
    "atlas_resume_s": 5, "atlas_merge_s": 20, "atlas_growth_mb_per_unit": 1,
}  # fmt: skip


def run() -> dict[str, Any]:
    """Measure all; return figures by name."""
    sys.path.insert(0, str(ROOT / "tests"))
    from nation import write_nation

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        nation = write_nation(place / "nation", NATION)
        found = _prepared(nation, place)
        subprocess.run([sys.executable, "-m", "mobility.engine.warm"], check=True, cwd=ROOT)
        loop, dask = _loop_and_dask(place / "atlas", place / "small")
        found |= {
            "small_units": NATION, "loop_cpu_s": loop["cpu_s"], "dask_cpu_s": dask["cpu_s"],
            "atlas_overhead_percent": 100 * (dask["cpu_s"] / loop["cpu_s"] - 1),
            "small_units_per_core_hour": NATION / dask["cpu_s"] * 3600,
            "small_unit_peak_worker_mb": dask["peak_mb"],
        }  # fmt: skip
        say(json.dumps(found))
        found |= _finished(place / "atlas", place / "small-loop")
        found |= _growth(place)
        if (SHARED / "data" / "rhein-neckar").is_dir():
            found |= _real(place)
    return found | {f"goal_{name}": goal for name, goal in GOALS.items()}


def _prepare(nation: Path, atlas: Path) -> dict[str, Any]:
    words = [str(nation / "territories.csv"), "--osm", str(nation / "osm"), "--gtfs"]
    words += [str(nation / "gtfs"), "--communes", str(nation / "communes.geojson")]
    cache = atlas.with_name(f"{atlas.name}-prepare")
    return _taken(cache, "-m", "mobility", "atlas", "prepare", *words, "-o", str(atlas))


def _growth(place: Path) -> dict[str, Any]:
    """Follow the memory of one process over many units, each of a territory of its own."""
    from nation import write_nation

    _prepare(write_nation(place / "large-nation", GROWING), place / "growing")
    _taken(place / "growing-loop", "-m", "benchmarks.atlas", str(place / "growing"))
    memory_mb = json.loads((place / "growing" / "memory.json").read_text())
    after = len(memory_mb) - 1 - SETTLED
    return {"growing_units": len(memory_mb),
            "atlas_growth_mb_per_unit": (memory_mb[-1] - memory_mb[SETTLED]) / after}  # fmt: skip


def _prepared(nation: Path, place: Path) -> dict[str, Any]:
    """Cut the nation, and a real extract where there is one."""
    taken = _prepare(nation, place / "atlas")
    found = {"prepare_cpu_s": taken["cpu_s"], "prepare_peak_mb": taken["peak_mb"]}
    milan = SHARED / "data" / "milan"
    source = next(milan.glob("*.osm.pbf"), None) if milan.is_dir() else None
    return found | ({} if source is None else _cut(source, place))


def _cut(source: Path, place: Path) -> dict[str, Any]:
    """Cut a real extract into twenty boxes in one read, then one of them alone."""
    import osmium
    import shapely

    from mobility.sources.osm.clip import clip_areas

    box = osmium.io.Reader(str(source)).header().box()
    (west, south), (east, north) = ((c.lon, c.lat) for c in (box.bottom_left, box.top_right))
    wide, high = (east - west) / 5, (north - south) / 4
    boxes = {
        place / f"{i}-{j}.osm.pbf": shapely.box(
            west + i * wide, south + j * high, west + (i + 1) * wide, south + (j + 1) * high
        )
        for i in range(5) for j in range(4)
    }  # fmt: skip
    start = _cpu_s()
    kept = sum(clip_areas([source], boxes).values())
    together = _cpu_s() - start
    start = _cpu_s()
    path, area = next(iter(boxes.items()))
    clip_areas([source], {path: area})
    alone = _cpu_s() - start
    return {"cut_20_boxes_cpu_s": together, "cut_20_boxes_ways": kept, "cut_1_box_cpu_s": alone,
            "goal_cut_20_boxes_cpu_s": 2 * alone + WAY_S * kept}  # fmt: skip


def _cpu_s() -> float:
    """Return the processor seconds of this process and of those it has waited for."""
    return sum(os.times()[:4])


def _loop_and_dask(atlas: Path, name: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compute an atlas by a plain loop, and its copy by Dask at the same time.

    Caches are at ``name-loop`` and ``name-dask``.
    """
    copy = name.with_name(f"{name.name}-copy")
    shutil.copytree(atlas / "inputs", copy / "inputs")
    cache = name.with_name(f"{name.name}-loop")
    asked = ("atlas", "run", str(copy), "--workers", "1")
    with ThreadPoolExecutor(2) as both:
        one = both.submit(_taken, cache, "-m", "benchmarks.atlas", str(atlas))
        other = name.with_name(f"{name.name}-dask")
        two = both.submit(_taken, other, "-m", "mobility", *asked)
        loop, dask = one.result(), two.result()
    _check_same(atlas / "runs", copy / "runs")
    return loop, dask


def _finished(atlas: Path, cache: Path) -> dict[str, Any]:
    """Resume and merge 183 finished units: the same copied, under other names."""
    units = sorted(path.name for path in (atlas / "runs").iterdir())
    for k in range(NATION, FINISHED):
        unit, copy = units[k % NATION], f"ti=copy{k:03d}"
        for part in ("inputs", "runs"):
            shutil.copytree(atlas / part / unit, atlas / part / copy)
        manifest = atlas / "runs" / copy / "manifest.json"
        manifest.write_text(manifest.read_text().replace(unit, copy))
    # A copy is younger than its manifest: its bytes are compared once.
    words = ("-m", "mobility", "atlas", "run", str(atlas))
    _taken(cache, *words)
    resumed = _taken(cache, *words)
    merged = _taken(cache, "-m", "mobility", "atlas", "merge", str(atlas))
    page = (atlas / "national" / "map.html").stat().st_size / 1e6
    return {"atlas_resume_s": resumed["cpu_s"], "atlas_merge_s": merged["cpu_s"],
            "national_map_mb": page}  # fmt: skip


def _real(place: Path) -> dict[str, Any]:
    """Compute units of many homes on real streets and timetables: the modes and days of all."""
    cut = _cut_of_wide(place)
    for unit, homes in REAL_HOMES.items():
        _write_unit(place / "large" / "inputs" / unit, homes, place / "streets.osm.pbf")
    alone, homes = next(iter(REAL_HOMES.items()))
    shutil.copytree(place / "large" / "inputs" / alone, place / "real" / "inputs" / alone)
    taken = _taken(place / "real_cache", "-m", "mobility", "atlas", "unit",
                   str(place / "real"), alone.removeprefix("ti="))  # fmt: skip
    written = sum(p.stat().st_size for p in (place / "real" / "runs").rglob("*") if p.is_file())
    pairs = []
    for turn in range(TURNS):
        atlas = place / f"turn-{turn}"
        shutil.copytree(place / "large" / "inputs", atlas / "inputs")
        pairs.append(_loop_and_dask(atlas, atlas))
    loop, dask = (statistics.median(row["cpu_s"] for row in rows)
                  for rows in zip(*pairs, strict=True))  # fmt: skip
    whole = cut["cut_of_wide_cpu_s"] + taken["cpu_s"]
    return cut | {
        "real_unit_cpu_s": taken["cpu_s"], "real_unit_homes": homes,
        "real_unit_sites": REAL_SITES, "real_unit_outputs_mb": written / 1e6,
        "atlas_peak_worker_mb": max(taken["peak_mb"], cut["cut_of_wide_peak_mb"]),
        "atlas_units_per_core_hour": 3600 / whole,
        "large_units": len(REAL_HOMES), "loop_large_cpu_s": loop, "dask_large_cpu_s": dask,
        "atlas_overhead_large_percent": 100 * (dask / loop - 1),
    }  # fmt: skip


def _cut_of_wide(place: Path) -> dict[str, Any]:
    """Cut one of twenty copies of the real extract, side by side, as `prepare` does."""
    wide = place / "wide.osm.pbf"
    ways = write_wide(SHARED / "data" / "rhein-neckar" / "streets.osm.pbf", wide)
    taken = _taken(place / "wide", "-m", "benchmarks.atlas", str(wide),
                   str(place / "streets.osm.pbf"))  # fmt: skip
    return {"wide_extract_ways": ways, "cut_of_wide_cpu_s": taken["cpu_s"],
            "cut_of_wide_peak_mb": taken["peak_mb"]}  # fmt: skip


def _bounds(path: Path) -> tuple[float, float, float, float]:
    """Return west, south, east and north of an extract's nodes, degrees: its header says less."""
    import osmium

    nodes = osmium.FileProcessor(str(path), osmium.osm.NODE)
    lon, lat = zip(*((one.location.lon, one.location.lat) for one in nodes), strict=True)
    return min(lon), min(lat), max(lon), max(lat)


def write_wide(source: Path, target: Path) -> int:
    """Write an extract many times side by side; return how many ways it has."""
    import osmium

    west, south, east, north = _bounds(source)
    writer, ways = osmium.SimpleWriter(str(target)), 0
    for k in range(COPIES):
        dx, dy = (k % ABREAST) * (east - west), (k // ABREAST) * (north - south)
        for node in osmium.FileProcessor(str(source), osmium.osm.NODE):
            at = (node.location.lon + dx, node.location.lat + dy)
            writer.add_node(node.replace(id=node.id + k * ID_STEP, location=at))
    for k in range(COPIES):
        for way in osmium.FileProcessor(str(source), osmium.osm.WAY):
            nodes = [one.ref + k * ID_STEP for one in way.nodes]
            writer.add_way(way.replace(id=way.id + k * ID_STEP, nodes=nodes))
            ways += 1
    writer.close()
    return ways


def _cut_first(wide: Path, target: Path) -> None:
    """Cut the first copy out of a wide extract, with what lies around."""
    import geopandas as gpd
    import shapely

    from mobility.sources.osm.clip import clip_areas

    bounds = _bounds(SHARED / "data" / "rhein-neckar" / "streets.osm.pbf")
    area = gpd.GeoSeries([shapely.box(*bounds)], crs=4326)
    around = area.to_crs(area.estimate_utm_crs()).buffer(MARGIN_M).to_crs(4326)
    clip_areas([wide], {target: around.iloc[0]})


def _write_unit(unit: Path, homes: int, streets: Path) -> None:
    unit.mkdir(parents=True)
    toml = homes_and_sites(unit, homes, REAL_SITES)
    text = toml.read_text(encoding="utf-8")
    whole = SHARED / "data" / "rhein-neckar" / "streets.osm.pbf"
    text = text.replace(whole.as_posix(), streets.as_posix())
    text = text.replace('[modes]\nevaluated = ["transit"]\n', "[output]\ngeopackage = false\n")
    text = text.replace('kinds = ["school_weekday"]', 'kinds = ["school_weekday", "saturday"]')
    text = text.replace("2016-11-15\n", "2016-11-15\nsaturday = 2016-11-19\n")
    toml.write_text(text, encoding="utf-8")


def _check_same(one: Path, two: Path) -> None:
    for path in (p for p in one.rglob("*") if p.is_file()):
        if path.read_bytes() != (two / path.relative_to(one)).read_bytes():
            raise RuntimeError(f"{path.name} is not the same on Dask")


def _taken(cache: Path, *command: str) -> dict[str, Any]:
    """Run a command of Python with a cache of its own; a fault of it ends all."""
    environment = {**os.environ, "MOBILITY_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("process.py")), sys.executable, *command],
        check=True, capture_output=True, text=True, cwd=ROOT, env=environment,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    if found["code"]:
        raise RuntimeError(f"{command}: {found['error']}")
    say(f"  {' '.join(command[1:4])}: {found['cpu_s']:.1f} s, {found['peak_mb']:.0f} MB")
    return found


def _loop(folder: Path) -> None:
    """Compute the units of an atlas one after the other, and note the memory after each."""
    from mobility.atlas.folder import Atlas
    from mobility.atlas.unit import run_unit

    memory = []
    for unit in Atlas.at(folder).units:
        outcome = run_unit(folder, unit)
        if outcome.state != "done":
            raise RuntimeError(outcome.message("en"))
        gc.collect()
        status = Path("/proc/self/status").read_text()
        memory.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
    (folder / "memory.json").write_text(json.dumps(memory))


if __name__ == "__main__":
    places = [Path(word) for word in sys.argv[1:]]
    if len(places) > 1:
        _cut_first(*places)
    else:
        _loop(*places)
