"""Write the example territories from the real extracts in ``../shared/data``.

``python tools/make_examples.py [NAME ...] [--out examples]`` writes, for each territory, its
homes (small cells) and its territory file, which points to the extracts where they are.
The extracts are never copied.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).parent))

from examples.catalogue import EXAMPLES, Example, ExampleSite

from examples import homes
from mobility.streets.graph import Streets, streets_from_lines, streets_from_osm
from mobility.streets.modes import edge_times
from mobility.streets.snap import place_of, snap, usable_edges
from mobility.territory.project import Speeds

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


def main() -> None:
    """Write the territories named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="territories to write (all by default)")
    parser.add_argument("--out", type=Path, default=ROOT / "examples")
    options = parser.parse_args()
    for example in EXAMPLES:
        if options.names and example.folder not in options.names:
            continue
        folder: Path = options.out / example.folder
        folder.mkdir(parents=True, exist_ok=True)
        streets = read_streets(example)
        frame = spread_workers(example, streets)
        target = folder / example.homes
        target.parent.mkdir(parents=True, exist_ok=True)
        homes.write_homes(frame, target)
        write_territory(example, streets, folder / "territory.toml")
        print(f"{example.folder}: {len(frame):,} cells, {frame['workers'].sum():,} workers")


def read_streets(example: Example) -> Streets:
    """Read the streets of an extract, OSM or line layer."""
    path = DATA / example.streets
    if path.suffix == ".shp":
        return streets_from_lines(path)
    return streets_from_osm(path, buildings=example.spread == "buildings")


def spread_workers(example: Example, streets: Streets) -> pd.DataFrame:
    """Return the cells of a territory."""
    if example.spread == "buildings":
        weights = homes.in_buildings(streets)
    elif example.spread == "residential land":
        weights = homes.on_land(streets)
    elif example.spread == "residential streets":
        weights = homes.along_streets(streets, ("residential", "living_street"))
    elif example.spread.startswith("places"):
        weights = homes.by_place(streets, homes.along_streets(streets, homes.DWELLING_STREETS))
    else:
        zones = sub_districts(streets)
        weights = homes.along_streets(streets)
        weights = homes.by_zone(weights, zones.geometry, zones["population_2009"])
    return homes.cells(
        streets, weights, cell_m=example.cell_m, workers=example.workers, at_least=example.at_least
    )


def sub_districts(streets: Streets) -> gpd.GeoDataFrame:
    """Return the sub-districts of Montpellier with their population, projected."""
    folder = DATA / "montpellier"
    shapes = gpd.read_file(folder / "subdistricts.shp").to_crs(streets.crs)
    people = pd.read_csv(folder / "subdistricts_population.csv")
    key = next(c for c in shapes.columns if c.lower() == "squartmno")
    return shapes.merge(people, left_on=key, right_on="squartmno")


def gates(site: ExampleSite, streets: Streets) -> np.ndarray:
    """Return the gates (g, 2) in degrees, on streets that one can walk and drive.

    A site without gates takes the places where streets reach the middle and the ends of the
    industrial area that bears its name.
    """
    points = np.array(site.gates, dtype=float)
    if not site.gates:
        land = streets.background["industrial"]
        shape = land.loc[land["name"] == site.name].geometry.iloc[0]
        ring = shapely.line_interpolate_point(shape.exterior, [0.0, 0.5], normalized=True)
        points = shapely.get_coordinates(ring)
    times = [edge_times(streets, mode, Speeds()) for mode in ("walk", "car")]
    usable = np.logical_and(*(usable_edges(streets, t) for t in times))
    places = place_of(streets, snap(streets, points[:, 0], points[:, 1], usable, max_m=1000))
    if np.isnan(places).any():
        raise ValueError(site.name)
    return places


def write_territory(example: Example, streets: Streets, path: Path) -> None:
    """Write ``territory.toml``, with paths as seen from its folder."""
    up = "../../../shared/data/"
    kind = "lines" if example.streets.endswith(".shp") else "osm"
    gtfs = ", ".join(f'"{up}{name}"' for name in example.gtfs)
    modes = '["transit", "walk", "bike", "car"]' if example.gtfs else '["walk", "bike", "car"]'
    lines = [
        "# Écrit par tools/make_examples.py à partir des extraits réels de ../shared/data.",
        "# Les équipes et les effectifs sont des hypothèses ; voir examples/README.md.",
        f'name = "{example.title}"',
        f'timezone = "{example.timezone}"',
        "",
        "[sources]",
        f'{kind} = "{up}{example.streets}"',
        f"gtfs = [{gtfs}]",
        "",
        "[sources.homes]",
        f'file = "{example.homes}"',
        'kind = "cells"',
        f"cell_m = {example.cell_m}",
        'id = "id"',
        "",
        "[days]",
        example.days,
        "[modes]",
        f"evaluated = {modes}",
        "",
        "[output]",
        'dir = "out"',
        f'language = "{example.language}"',
    ]
    for site in example.sites:
        pairs = ", ".join(f"[{lon:.6f}, {lat:.6f}]" for lon, lat in gates(site, streets))
        rosters = ",\n    ".join(site.rosters)
        lines += ["", "[[sites]]", f'name = "{site.name}"', f"gates = [{pairs}]"]
        lines += [f"rosters = [\n    {rosters},\n]"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
