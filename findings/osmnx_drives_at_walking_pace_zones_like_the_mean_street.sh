#!/bin/sh
# A street signed for walking pace gets the mean speed of the other streets in osmnx.
#
# Library:   osmnx 2.1.1 (PyPI)
# Expected:  maxspeed=walk and maxspeed=FR:zone20 mean 6 and 20 km/h; a value that is not
#            understood is told, or the class of street fills the gap.
# Observed:  add_edge_speeds() knows FR:urban (50) and FR:zone30 (30), but "walk" and "FR:zone20"
#            become unknown without a word. Where no other street of that class has a speed, the
#            mean of all speeds is taken: 65 km/h here, faster than FR:urban.
# Matters:   Yards and gate roads of plants may be signed so. Shuttle and car times over the last
#            kilometre come out three to ten times too short.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "osmnx==2.1.1"

venv/bin/python -W ignore - <<'PY'
import sys

import networkx as nx
import osmnx as ox

streets = nx.MultiDiGraph(crs="EPSG:4326")
signs = [
    ("residential", "FR:urban"), ("tertiary", "FR:zone30"), ("primary", "80"), ("trunk", "110"),
    ("residential", "FR:zone30"), ("service", "walk"), ("living_street", "FR:zone20"),
]
for k, (highway, maxspeed) in enumerate(signs):
    streets.add_node(k, x=k / 100, y=46.6)
    streets.add_node(k + 1, x=(k + 1) / 100, y=46.6)
    streets.add_edge(k, k + 1, highway=highway, maxspeed=maxspeed, length=1000.0)
speeds = [
    (data["highway"], data["maxspeed"], round(data["speed_kph"], 1))
    for _, _, data in ox.add_edge_speeds(streets).edges(data=True)
]
print(*speeds, sep="\n")
slow = [kph for _, sign, kph in speeds if sign in ("walk", "FR:zone20")]
if min(slow) < 50:
    sys.exit("Changed: a street of walking pace no longer takes the mean speed of the others.")
PY
