#!/bin/sh
# Cars drive through bus gates and streets closed to them in the network that SUMO's netconvert
# makes of OpenStreetMap, and buses along a street that is closed to all.
#
# Library:   eclipse-sumo 1.28.0 (netconvert), sumo-data 1.28.0 (PyPI)
# Expected:  Of residential streets, motor_vehicle=no keeps cars out, motor_vehicle=no with bus=yes
#            lets buses alone through, vehicle=no and access=private keep cars and bicycles out,
#            bicycle=no bicycles, foot=no walkers, access=no everybody.
# Observed:  foot=no holds. motor_vehicle=no, with and without bus=yes, vehicle=no, access=private
#            and bicycle=no change nothing: cars, buses, bicycles and walkers everywhere, as without
#            a tag. access=no leaves buses and bicycles. The options --osm.lane-access and
#            --osm.bike-access keep bicycles out of the last two, and no car out of any. The only
#            word is that "bus" is an unknown compound.
# Matters:   Bus gates and closed lanes are what makes the bus to a plant quicker than the car: on
#            this network the car takes them too, and the measure shows no gain. Through traffic
#            passes the works' private road.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "eclipse-sumo==1.28.0" "sumo-data==1.28.0"

venv/bin/python - <<'PY'
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ET

import sumo

WHO = {"pedestrian": "walk", "bicycle": "bicycle", "passenger": "car", "bus": "bus"}
STREETS = (
    "",
    "foot=no",
    "motor_vehicle=no",
    "motor_vehicle=no bus=yes",
    "vehicle=no",
    "access=private",
    "bicycle=no",
    "access=no",
)
nodes, ways = "", ""
for number, tags in enumerate(STREETS, 1):
    for node, lon in ((2 * number - 1, -1.40), (2 * number, -1.39)):
        nodes += f'<node id="{node}" lat="{46.6 + number / 100:.2f}" lon="{lon}" version="1"/>'
    pairs = [tag.split("=") for tag in f"highway=residential {tags}".split()]
    ways += f'<way id="{number}" version="1"><nd ref="{2 * number - 1}"/><nd ref="{2 * number}"/>'
    ways += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in pairs) + "</way>"
pathlib.Path("streets.osm").write_text(f'<osm version="0.6">{nodes}{ways}</osm>')


def allowed(*options):
    """Return who may use each street, both ways."""
    tool = pathlib.Path(sumo.SUMO_HOME, "bin", "netconvert")
    subprocess.run(
        [tool, "--osm-files", "streets.osm", "-o", "net.xml", "--no-turnarounds", *options],
        check=True,
        capture_output=True,
        env={**os.environ, "SUMO_HOME": sumo.SUMO_HOME},
    )
    found = {tags: [] for tags in STREETS}
    for edge in ET.parse("net.xml").iterfind("edge"):
        if edge.get("function"):
            continue
        lanes = edge.findall("lane")
        may = [
            name
            for mode, name in WHO.items()
            if any(
                mode in lane.get("allow").split()
                if lane.get("allow")
                else mode not in lane.get("disallow", "").split()
                for lane in lanes
            )
        ]
        found[STREETS[int(edge.get("id").lstrip("-")) - 1]].append(" ".join(may))
    return {tags: " | ".join(sorted(set(ways))) for tags, ways in found.items()}


plain, lanes = allowed(), allowed("--osm.lane-access", "--osm.bike-access")
for tags, may in plain.items():
    print(f"{tags or 'no tag'}: {may}")
expected = dict.fromkeys(STREETS, "walk bicycle car bus") | {"foot=no": "bicycle car bus"}
if plain != expected | {"access=no": "bicycle bus"}:
    sys.exit("Changed: other travellers may use the streets.")
if lanes != expected | {"bicycle=no": "walk car bus", "access=no": "bus"}:
    sys.exit("Changed: with the options for access others may use them.")
PY
