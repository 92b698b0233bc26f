"""Walking, cycling and driving times compared with cafein's and Valhalla's, pair by pair.

    python -m benchmarks.street_modes [geneva|malta|milan|rhein-neckar ...]

Prints, per territory, peer and mode, the ratio of our seconds to the peer's over the pairs
both reach, and how many pairs only one reaches. A peer that is not installed is passed over,
saying so. Points are put on our streets first, so that what differs is the way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.commute.feeder_modes import drives
from mobility.commute.sources import read_streets
from mobility.sources.homes.read import read_homes
from mobility.sources.sites import read_sites
from mobility.streets.graph import Streets
from mobility.streets.modes import Driving, edge_times
from mobility.streets.snap import place_of
from mobility.territory.project import Speeds, StreetMode, Territory
from mobility.timetable.footpaths import walk_snaps

EXAMPLES = Path(__file__).parents[1] / "examples"
COUNTRY = {"geneva": "CH", "malta": "MT", "milan": "IT", "rhein-neckar": "DE"}
MODES: tuple[StreetMode, ...] = ("walk", "bike", "car")
LIMIT_S, HOMES = 3600, 300
FREE = Driving(built_up_factor=1.0, rural_factor=1.0, motorway_factor=1.0)
Ask = Callable[[np.ndarray, np.ndarray, str], pd.DataFrame]


@dataclass(frozen=True)
class Peer:
    """Another engine, and the paces at which ours is asked to match it."""

    name: str
    package: str
    speeds: Speeds
    prepare: Callable[[Path, str], Ask]
    driving: dict[str, Driving] = field(default_factory=lambda: {"free": FREE})


def ours(
    territory: Territory,
    streets: Streets,
    points: tuple[np.ndarray, np.ndarray],
    mode: StreetMode,
    speeds: Speeds,
    driving: Driving,
) -> pd.DataFrame:
    """Return our seconds from homes to gates, a row per pair."""
    times = edge_times(streets, mode, speeds, driving=driving)
    table = drives(territory, streets, times, *points, LIMIT_S)
    home = np.repeat(np.arange(table.n_rows), np.diff(table.ptr))
    return pd.DataFrame({"home": home, "gate": table.stop, "ours": table.walk_s})


def cafein(file: Path, name: str) -> Ask:
    """Prepare cafein's street network of an extract."""
    from cafein import StreetNetwork, TravelTimeMatrix

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = StreetNetwork.from_osm(
            str(file), modes=("walk", "bicycle", "car"), country=COUNTRY[name]
        )

    def ask(homes: np.ndarray, gates: np.ndarray, mode: str) -> pd.DataFrame:
        points = [
            gpd.GeoDataFrame({"id": np.arange(len(p)).astype(str)},
                             geometry=gpd.points_from_xy(*p.T), crs=4326)
            for p in (homes, gates)
        ]  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pd.DataFrame(
                TravelTimeMatrix(
                    network,
                    *points,
                    transport_mode={"bike": "bicycle"}.get(mode, mode),
                    max_street_time=LIMIT_S / 60,
                    snap_distance=500.0,
                    output_time_units="seconds",
                )
            )
        seconds = next(c for c in frame.columns if c not in ("from_id", "to_id"))
        found = {"home": frame["from_id"].astype(int), "gate": frame["to_id"].astype(int)}
        found["theirs"] = pd.to_numeric(frame[seconds], errors="coerce")
        return pd.DataFrame(found).dropna()

    return ask


VALHALLA: dict[str, tuple[str, dict[str, float | str]]] = {
    "walk": ("pedestrian", {"walking_speed": 4.5}),
    "bike": ("bicycle", {"cycling_speed": 15, "bicycle_type": "Hybrid"}),
    "car": ("auto", {}),
}


def valhalla(file: Path, name: str) -> Ask:
    """Build Valhalla's tiles of an extract, in a temporary folder."""
    import valhalla as package

    tiles = tempfile.TemporaryDirectory(prefix=f"valhalla-{name}-")
    config = package.get_config(tile_extract="", tile_dir=tiles.name)
    config["service_limits"]["pedestrian"]["max_matrix_location_pairs"] = 10**6
    for costing in ("pedestrian", "bicycle", "auto"):
        config["service_limits"][costing]["max_matrix_location_pairs"] = 10**6
    written = Path(tiles.name) / "valhalla.json"
    written.write_text(json.dumps(config))
    tool = package.PYVALHALLA_DIR / "bin" / "valhalla_build_tiles"
    # The tool leaves a list of its own where it runs.
    command = [tool, "-c", written, "-j", "1", file.resolve()]
    subprocess.run(command, check=True, capture_output=True, cwd=tiles.name)
    actor = package.Actor(config)

    def ask(homes: np.ndarray, gates: np.ndarray, mode: str) -> pd.DataFrame:
        costing, options = VALHALLA[mode]
        parts = []
        for first in range(0, len(homes), 50):
            places = [
                [{"lon": float(x), "lat": float(y)} for x, y in p]
                for p in (homes[first : first + 50], gates)
            ]
            answer = actor.matrix(
                {"sources": places[0], "targets": places[1], "costing": costing,
                 "costing_options": {costing: options}}
            )  # fmt: skip
            for row in answer["sources_to_targets"]:
                parts += [
                    (first + p["from_index"], p["to_index"], p["time"], 1000 * p["distance"])
                    for p in row
                    if p["time"] is not None and p["time"] <= LIMIT_S
                ]
        _ = tiles  # Kept as long as the actor reads from it.
        return pd.DataFrame(parts, columns=["home", "gate", "theirs", "their_m"])

    return ask


PEERS = (
    # cafein's paces: 3.6 km/h on foot, about 14.4 by bicycle, the speed limit by car.
    Peer("cafein", "cafein", Speeds(walk_kmh=3.6, bike_kmh=14.4), cafein),
    Peer("valhalla", "valhalla", Speeds(walk_kmh=4.5, bike_kmh=15), valhalla,
         {"free": FREE, "default": Driving()}),
)  # fmt: skip


def compare(name: str, peer: Peer) -> list[dict[str, object]]:
    """Return a row per mode of one territory."""
    territory = Territory.from_toml(EXAMPLES / name / "territory.toml")
    assert territory.sources.osm is not None
    file = territory.resolve(territory.sources.osm)
    streets = read_streets(territory)
    sites = read_sites(territory)
    homes = read_homes(
        territory.sources.homes, territory, sites=sites, crs=streets.crs,
        land=streets.background.get("residential"), bbox=streets.bounds_lonlat,
    ).lonlat  # fmt: skip
    homes = homes[:: max(len(homes) // HOMES, 1)]
    gates = np.array([g for s in sites for g in s.gates], np.float64)
    ask = peer.prepare(file, name)
    rows = []
    for mode in MODES:
        usual = edge_times(streets, mode, peer.speeds)
        on = [place_of(streets, walk_snaps(streets, usual, p)) for p in (homes, gates)]
        points = tuple(p[np.isfinite(p).all(axis=1)] for p in on)
        theirs = ask(*points, mode)
        for kind, driving in peer.driving.items():
            if mode != "car" and driving is not FREE:
                continue
            found = ours(territory, streets, points, mode, peer.speeds, driving)
            both = found.merge(theirs, on=["home", "gate"], how="outer")
            label = mode if mode != "car" else f"car, {kind}"
            rows.append({"extract": name, "peer": peer.name, "mode": label} | _ratios(both))
    return rows


def _ratios(both: pd.DataFrame) -> dict[str, object]:
    pairs = both[both["theirs"].ge(120) & both["ours"].notna()]
    ratio = (pairs["ours"] / pairs["theirs"]).quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    found: dict[str, object] = {"pairs": len(pairs)}
    found |= {f"{100 * q:.0f} %": f"{v:.3f}" for q, v in ratio.items()}
    # Pairs near the limit may be over it at one side only: these are no difference in reach.
    within = both[["ours", "theirs"]].min(axis=1) <= LIMIT_S / 2
    only = both[within]
    return found | {
        "only ours": int(only["theirs"].isna().sum()),
        "only theirs": int(only["ours"].isna().sum()),
    }


def main(names: list[str]) -> None:
    """Compare the territories and print a line per mode."""
    for name in names or list(COUNTRY):
        for peer in PEERS:
            if find_spec(peer.package) is None:
                print(f"{peer.name} is not installed: passed over.")
                continue
            for row in compare(name, peer):
                print("| " + " | ".join(str(v) for v in row.values()) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
