"""Write the embedded demo: a fictional French basin, the same bytes at each run.

``python tools/make_demo.py [--out data]`` writes streets (OSM PBF), timetables (two GTFS
archives), homes, sites and the territory file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from demo import basin, feeds, osmfile, people, project_file


def main() -> None:
    """Write every file of the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "data")
    out: Path = parser.parse_args().out
    for folder in (out / "osm", out / "gtfs"):
        folder.mkdir(parents=True, exist_ok=True)
    ground = basin.build()
    oneways = osmfile.choose_oneways(ground)
    paths = feeds.bus_paths(ground, oneways)
    feeds.write_bus(paths, out / "gtfs" / "valbrune-bus.zip")
    feeds.write_train(ground, out / "gtfs" / "valbrune-train.zip")
    quays = sorted((q.name, q.point) for q in paths.quays.values())
    osmfile.write_osm(ground, oneways, quays, out / "osm" / "valbrune.osm.pbf")
    people.write_homes(ground, out / "homes.csv")
    project_file.write_project(ground, out / "demo.toml")
    for file in sorted(f for f in out.rglob("*") if f.is_file()):
        print(f"{file.stat().st_size:>9,}  {file.relative_to(out)}")


if __name__ == "__main__":
    main()
