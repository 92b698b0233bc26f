#!/bin/sh
# On the walking network of osm2gmns a footway, a flight of steps, a cycleway or a track can be
# walked one way only: the way it was drawn.
#
# Library:   osm2gmns 1.0.1 (PyPI)
# Expected:  OpenStreetMap's tag oneway does not bind walkers, and none of these ways has it: with
#            mode_types="walk" each is a link there and a link back, as a street is.
# Observed:  The street has both links. The footway, the steps, the cycleway with foot=yes and the
#            track have one, from the first node of the way to the last; with oneway=no the footway
#            has two.
# Matters:   Gates of plants are reached by footways. Which end a mapper began at decides whether
#            one can walk from the stop to the gate or from the gate to the stop, never both: a
#            stop serves the way there or the way home, and shortest paths tell of a detour by the
#            road instead of an error.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "osm2gmns==1.0.1"

cat >streets.py <<'PY'
WAYS = {
    "street": {"highway": "residential"},
    "footway": {"highway": "footway"},
    "steps": {"highway": "steps"},
    "cycleway": {"highway": "cycleway", "foot": "yes"},
    "track": {"highway": "track"},
    "footway with oneway=no": {"highway": "footway", "oneway": "no"},
}


def write(path):
    """Write a chain of ways: from the stop by each kind of way in turn to the gate."""
    lines = ['<osm version="0.6">', '<bounds minlat="46" minlon="-2" maxlat="47" maxlon="-1"/>']
    for node in range(len(WAYS) + 1):
        lines.append(f'<node id="{node + 1}" version="1" lat="46.67" lon="{-1.43 + node / 500}"/>')
    for way, (name, tags) in enumerate(WAYS.items(), start=1):
        lines.append(f'<way id="{way}" version="1"><nd ref="{way}"/><nd ref="{way + 1}"/>')
        lines += [f'<tag k="{k}" v="{v}"/>' for k, v in {**tags, "name": name}.items()]
        lines.append("</way>")
    with open(path, "w") as file:
        file.write("\n".join([*lines, "</osm>"]))
PY
venv/bin/python - 2>log <<'PY'
import osm2gmns
import streets

streets.write("map.osm")
osm2gmns.outputNetToCSV(osm2gmns.getNetFromFile("map.osm", mode_types="walk"), ".")
PY
venv/bin/python - <<'PY'
import collections
import csv
import sys

import streets

with open("link.csv") as file:
    links = collections.Counter(row["name"] for row in csv.DictReader(file))
for name in streets.WAYS:
    print(f"{name}: {links[name]} link(s)")
if [links[name] for name in streets.WAYS] != [2, 1, 1, 1, 1, 2]:
    sys.exit("Changed: footways are walked both ways, or streets one way.")
PY
