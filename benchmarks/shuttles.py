"""Time a full frontier of shuttle plans on Rhein-Neckar, and the route search on public instances.

Usage: python benchmarks/shuttles.py [folder of the real extracts]
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.shuttles.design import design_shuttles
from mobility.streets.graph import streets_from_osm
from mobility.streets.modes import edge_times
from mobility.streets.snap import usable_edges
from mobility.territory.project import Speeds

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "rhein-neckar"
SITES = {
    "Chimie sud": (8.431, 49.497, "3x8", 1800),
    "Chimie nord": (8.420, 49.516, "3x8", 1500),
    "Véhicules": (8.479, 49.516, "3x8", 2400),
    "Tracteurs": (8.456, 49.479, "2x8", 900),
    "Pharmacie": (8.487, 49.523, "5x8", 600),
}
CELL_M = 400.0


def write_territory(folder: Path, data: Path) -> Path:
    """Write homes (street density of 400 m cells) and sites (junctions nearest to five works)."""
    osm = next(p for p in sorted(data.iterdir()) if p.name.endswith(".pbf"))
    gtfs = next(p for p in sorted(data.iterdir()) if p.suffix == ".zip")
    streets = streets_from_osm(osm)
    cells, count = np.unique(
        np.floor(streets.node_xy / CELL_M).astype(int), axis=0, return_counts=True
    )
    keep = count >= 4
    lonlat = streets.unproject((cells[keep] + 0.5) * CELL_M)
    pd.DataFrame(
        {
            "id": np.arange(keep.sum()),
            "lon": lonlat[:, 0],
            "lat": lonlat[:, 1],
            "workers": count[keep],
        }
    ).to_csv(folder / "homes.csv", index=False)
    gates = np.array([row[:2] for row in SITES.values()])
    open_ = usable_edges(streets, edge_times(streets, "walk", Speeds()))
    nodes = np.unique(streets.edge_u[open_])
    at = cKDTree(streets.node_xy[nodes]).query(streets.project(gates[:, 0], gates[:, 1]))[1]
    on_street = streets.unproject(streets.node_xy[nodes[at]])
    sites = "".join(
        f'[[sites]]\nname = "{name}"\ngates = [[{lon}, {lat}]]\n'
        f'rosters = [{{ template = "{roster}", headcount = {heads} }}]\n'
        for (name, (_, _, roster, heads)), (lon, lat) in zip(SITES.items(), on_street, strict=True)
    )
    path = folder / "territory.toml"
    path.write_text(
        'name = "Rhein-Neckar"\ntimezone = "Europe/Berlin"\n'
        f'[sources]\nosm = "{osm}"\ngtfs = ["{gtfs}"]\n'
        '[sources.homes]\nfile = "homes.csv"\nkind = "points"\nid = "id"\n'
        '[days]\nkinds = ["school_weekday", "saturday", "sunday"]\ncountry = "DE"\n'
        '[modes]\nevaluated = ["transit", "walk"]\n' + sites,
        encoding="utf-8",
    )
    return path


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    with tempfile.TemporaryDirectory() as name:
        study = load(write_territory(Path(name), data))
        access = assess(study)
        zones = white_zones(access)
        start, cpu = time.perf_counter(), time.process_time()

        def progress(step: str) -> None:
            print(f"{time.perf_counter() - start:8.1f} s  {step}", flush=True)

        plans = design_shuttles(study, access, zones, progress=progress)
        wall, used = time.perf_counter() - start, time.process_time() - cpu
    print(f"{study.n_homes} homes, {len(study.shift_rows)} shifts, {len(study.feed.stops)} stops")
    print(f"{plans.white_workers:.0f} white workers, {len(plans.scene.places)} places")
    print(f"{len(plans.plans)} plans in {wall:.1f} s (cpu {used:.1f} s)")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    columns = ["plan", "vehicles", "eur_year", "jobs_gained", "jobs_estimate",
               "employees_gained", "eur_per_job", "gap", "knee"]  # fmt: skip
    print(plans.to_frame()[columns].round(3).to_string(index=False))


if __name__ == "__main__":
    main()
