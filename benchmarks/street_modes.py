"""Walking, cycling and driving times compared with cafein's street matrix, pair by pair.

    python -m benchmarks.street_modes [geneva|milan|rhein-neckar ...]

Prints, per territory and mode, the ratio of our seconds to the peer's over the pairs both
reach, and how many pairs only one reaches.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.analysis.feeder_modes import drives
from mobility.analysis.sources import read_streets
from mobility.inputs.homes import read_homes
from mobility.inputs.sites import read_sites
from mobility.network.modes import Driving, edge_times
from mobility.territory import Speeds, Territory

EXAMPLES = Path(__file__).parents[1] / "examples"
COUNTRY = {"geneva": "CH", "milan": "IT", "rhein-neckar": "DE"}
PEER = {"walk": "walk", "bike": "bicycle", "car": "car"}
LIMIT_S, HOMES = 3600, 300
# The peer's paces, so that what differs is the way: 3.6 km/h on foot, about 14.4 by bicycle,
# the speed limit by car.
PEER_SPEEDS = Speeds(walk_kmh=3.6, bike_kmh=14.4)
FREE = Driving(built_up_factor=1.0, rural_factor=1.0, motorway_factor=1.0)


def ours(territory: Territory, homes: np.ndarray, gates: np.ndarray, mode: str) -> pd.DataFrame:
    """Return our seconds from homes to gates, a row per pair."""
    streets = read_streets(territory)
    times = edge_times(streets, mode, PEER_SPEEDS, driving=FREE)
    table = drives(territory, streets, times, homes, gates, LIMIT_S)
    home = np.repeat(np.arange(table.n_rows), np.diff(table.ptr))
    return pd.DataFrame({"home": home, "gate": table.stop, "ours": table.walk_s})


def theirs(network: object, homes: np.ndarray, gates: np.ndarray, mode: str) -> pd.DataFrame:
    """Return the peer's seconds from homes to gates."""
    from cafein import TravelTimeMatrix

    points = [
        gpd.GeoDataFrame({"id": np.arange(len(p)).astype(str)},
                         geometry=gpd.points_from_xy(*p.T), crs=4326)
        for p in (homes, gates)
    ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = TravelTimeMatrix(
            network,
            *points,
            transport_mode=PEER[mode],
            max_street_time=LIMIT_S / 60,
            snap_distance=500.0,
            output_time_units="seconds",
        )
    frame = pd.DataFrame(found)
    columns = [c for c in frame.columns if c not in ("from_id", "to_id")]
    return pd.DataFrame(
        {
            "home": frame["from_id"].astype(int),
            "gate": frame["to_id"].astype(int),
            "theirs": pd.to_numeric(frame[columns[0]], errors="coerce"),
        }
    ).dropna()


def main(names: list[str]) -> None:
    """Compare the territories and print a line per mode."""
    from cafein import StreetNetwork

    for name in names or ["geneva", "milan"]:
        territory = Territory.from_toml(EXAMPLES / name / "territory.toml")
        sites = read_sites(territory)
        homes = read_homes(territory.sources.homes, territory, sites=sites).lonlat
        homes = homes[:: max(len(homes) // HOMES, 1)]
        gates = np.array([g for s in sites for g in s.gates], np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = StreetNetwork.from_osm(
                str(territory.resolve(territory.sources.osm)),
                modes=("walk", "bicycle", "car"),
                country=COUNTRY[name],
            )
        for mode in PEER:
            one = ours(territory, homes, gates, mode)
            both = one.merge(theirs(network, homes, gates, mode), how="outer")
            pairs = both.dropna()
            pairs = pairs[pairs["theirs"] >= 120]
            ratio = (pairs["ours"] / pairs["theirs"]).quantile([0.05, 0.25, 0.5, 0.75, 0.95])
            quantiles = " ".join(f"{q:.3f}" for q in ratio)
            only = (int(both["theirs"].isna().sum()), int(both["ours"].isna().sum()))
            print(f"{name:13} {mode:5} {len(pairs):6} pairs  {quantiles}  only ours, theirs {only}")


if __name__ == "__main__":
    main(sys.argv[1:])
