#!/bin/sh
# carpoolsim lets a driver drop a colleague on the way if the way leads north or east, and drive
# past the own plant and back; to the south or west neither is a carpool.
#
# Library:   carpoolsim 0.2.0, numpy 1.26.4, pandas 2.3.3 (PyPI)
# Expected:  The step that compares coordinates refuses carpools by mu2, the share of the driver's
#            way that leads back after the drop-off. A driver goes ten miles to work. Who works at
#            eight miles on the same road can ride, who works at twelve cannot (two miles back,
#            more than a tenth of ten). The same holds in all four directions.
# Observed:  North and east: both can ride. South and west: none can. The way after the drop-off is
#            taken without its sign, so what counts is the direction of the road on the map.
# Matters:   Plants stand on one side of the town where the workers live. The potential of
#            carpooling is nothing, or too large, by whether it is the western or the eastern side.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "numpy==1.26.4" "pandas==2.3.3" "networkx==3.6.1" "sqlalchemy==2.0.44" "shapely==2.1.2" \
    "geopandas==0.14.4" "matplotlib==3.10.7" "contextily==1.6.2"
venv/bin/pip install -q --no-compile --disable-pip-version-check --no-deps "carpoolsim==0.2.0"

venv/bin/python -W ignore - <<'PY'
import sys

import networkx as nx
import pandas as pd
from carpoolsim.carpool.trip_cluster_dc import TripClusterDC
from carpoolsim.carpool.trip_demands import Infrastructure, TripDemands

MILE = 5280.0  # coordinates are in feet
DIRECTIONS = {"east": (1, 0), "north": (0, 1), "west": (-1, 0), "south": (0, -1)}


def can_ride(direction, rider_plant_miles):
    """Return whether a rider one mile along the driver's road can ride, by coordinates."""
    x, y = (MILE * axis for axis in DIRECTIONS[direction])
    trips = pd.DataFrame(
        [{"ox": home * x, "oy": home * y, "dx": plant * x, "dy": plant * y}
         for home, plant in ((0, 10), (1, rider_plant_miles))],
        index=["driver", "rider"],
    )
    cluster = TripClusterDC(TripDemands(trips, Infrastructure(nx.DiGraph(), None, None)))
    cluster.compute_pickup_01_matrix()
    return bool(cluster.cp_matrix[0][1])


told = {}
for direction in DIRECTIONS:
    told[direction] = can_ride(direction, 8), can_ride(direction, 12)
    print(f"{direction}: plant on the way {told[direction][0]}, beyond it {told[direction][1]}")
if told["east"] != (True, True) or told["north"] != (True, True):
    sys.exit("Changed: to the north and east not both can ride.")
if told["west"] != (False, False) or told["south"] != (False, False):
    sys.exit("Changed: somebody can ride to the south or west.")
PY
