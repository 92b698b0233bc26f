#!/bin/sh
# The text "05:00" of a GeoJSON property becomes a time of day, unless another feature has
# "29:00".
#
# Library:   pyogrio 0.13.0 with its GDAL 3.12.4, geopandas 1.2.0, pandas 3.1.1 (PyPI)
# Expected:  GeoJSON has texts and numbers: what is quoted stays a text.
# Observed:  ["05:00", "13:00"] is read as datetime.time objects, ["05:00", "29:00"] as texts and
#            ["5:00:00", "13:00:00"] as texts. Adding one site with a night shift changes the type
#            of every other site's hours.
# Matters:   Layers of sites with their shifts are made in QGIS. Code that passes on a 2x8 plant
#            fails when a 3x8 plant, written the GTFS way, joins the file.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pyogrio==0.13.0" "geopandas==1.2.0" "pandas==3.1.1"

venv/bin/python -W ignore - <<'PY'
import json
import sys

import geopandas


def read(*ends):
    """Return the type name of each feature's hours, read from a GeoJSON file of texts."""
    features = [
        {
            "type": "Feature", "properties": {"end": end},
            "geometry": {"type": "Point", "coordinates": [-1.4, 46.6 + k / 100]},
        }
        for k, end in enumerate(ends)
    ]
    with open("sites.geojson", "w") as file:
        json.dump({"type": "FeatureCollection", "features": features}, file)
    return [type(end).__name__ for end in geopandas.read_file("sites.geojson").end]


seen = [read("05:00", "13:00"), read("05:00", "29:00"), read("5:00:00", "13:00:00")]
print("05:00 and 13:00:", seen[0], "- 05:00 and 29:00:", seen[1], "- 5:00:00 and 13:00:00:", seen[2])
if seen != [["time"] * 2, ["str"] * 2, ["str"] * 2]:
    sys.exit("Changed: texts of hours keep one type now.")
PY
