#!/bin/sh
# Signing a street at 30 km/h makes it more stressful to cycle on for osm-lts, and a street of
# 50 km/h is for the fearless alone.
#
# Library:   osm-lts 0.5.1 (PyPI)
# Expected:  maxspeed without a unit is in km/h, as OpenStreetMap defines it: a residential street
#            with maxspeed=30 is as calm as with "30 km/h", and at least as calm as without the tag.
# Observed:  Level of traffic stress (1 calm, 4 for the fearless): 2 without the tag, 3 with "30",
#            2 with "30 km/h"; 4 with "50", 3 with "50 km/h". source:maxspeed=FR:zone30 beside it
#            changes nothing. A cycle lane at 30 falls from 2 to 3, at 50 from 3 to 4. The number
#            alone is read as miles per hour; the README speaks of units, not of that.
# Matters:   In France the speed is tagged as a number alone. The better a town is mapped and the
#            slower its streets, the fewer homes can cycle to the plant: networks of level 1 and 2
#            lose the zones 30 and keep the streets that nobody has tagged.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "osm-lts==0.5.1"

venv/bin/python -W ignore - <<'PY'
import sys

from osm_lts import classify

STREET = {"highway": "residential"}
LANE = {"highway": "tertiary", "cycleway": "lane"}


def levels(street, *speeds, **tags):
    """Return the level of stress of a street at each value of maxspeed."""
    return [int(classify({**street, **tags, "maxspeed": speed})) for speed in speeds]


untagged = int(classify(STREET))
street = levels(STREET, "30", "30 km/h", "50", "50 km/h")
lane = levels(LANE, "30", "30 km/h", "50", "50 km/h")
zone = levels(STREET, "30", **{"source:maxspeed": "FR:zone30"})
print("residential street without maxspeed:", untagged)
print("with 30, 30 km/h, 50, 50 km/h:", *street)
print("cycle lane with 30, 30 km/h, 50, 50 km/h:", *lane)
print("30 with source:maxspeed=FR:zone30:", *zone)
if (untagged, street[1::2], lane[1::2]) != (2, [2, 3], [2, 3]):
    sys.exit("Changed: streets with a unit, or without a speed, are of another level.")
if (street[::2], lane[::2], zone) != ([3, 4], [3, 4], [3]):
    sys.exit("Changed: a speed without a unit is no longer in miles per hour.")
PY
