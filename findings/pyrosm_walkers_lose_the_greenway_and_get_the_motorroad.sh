#!/bin/sh
# pyrosm's walking network leaves out a cycleway tagged foot=yes and keeps a road for motor
# vehicles only.
#
# Library:   pyrosm 0.25.0, osmium 4.3.2 (PyPI)
# Expected:  A way with foot=yes is open to walkers whatever its class; motorroad=yes and
#            highway=busway are closed to them unless tagged.
# Observed:  "walking" leaves out highway=cycleway + foot=yes, and holds highway=primary +
#            motorroad=yes and highway=busway. (foot=no is heeded, and access=no + foot=yes is let
#            through.)
# Matters:   A greenway to an industrial zone, beside an expressway, may be tagged just so: the
#            safe way to the 05:00 bus is missing and the deadly one offered.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pyrosm==0.25.0" "osmium==4.3.2"

venv/bin/python -W ignore - <<'PY'
import sys

import osmium
from osmium.osm.mutable import Node, Way
from pyrosm import OSM

kinds = [
    {"highway": "residential"},
    {"highway": "cycleway", "foot": "yes"},
    {"highway": "primary", "motorroad": "yes"},
    {"highway": "busway"},
    {"highway": "residential", "foot": "no"},
]
writer = osmium.SimpleWriter("ways.osm.pbf")
for k in range(2 * len(kinds)):
    writer.add_node(Node(id=k + 1, location=(-1.4 + k / 1000, 46.6 + (k % 2) / 1000), version=1))
for k, tags in enumerate(kinds):
    writer.add_way(Way(id=k + 1, nodes=[2 * k + 1, 2 * k + 2], tags=tags, version=1))
writer.close()
kept = set(OSM("ways.osm.pbf").get_network(network_type="walking").id)
walk = [k + 1 in kept for k in range(len(kinds))]
for tags, yes in zip(kinds, walk, strict=True):
    print("walking" if yes else "left out", tags)
if walk != [True, False, True, True, False]:
    sys.exit("Changed: pyrosm now lets walkers on the greenway or off the motorroad.")
PY
