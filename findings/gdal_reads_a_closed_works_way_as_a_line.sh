#!/bin/sh
# The outline of a factory (man_made=works) is a line to GDAL's OpenStreetMap reader; that of a
# car park is a polygon.
#
# Library:   pyogrio 0.13.0 with its GDAL 3.12.4 (PyPI), geopandas 1.2.0, pandas 3.1.1
# Expected:  A closed way tagged as a site (works, power plant, railway platform, waste-water
#            plant) is in the layer multipolygons, like landuse=industrial, amenity=parking or
#            public_transport=platform.
# Observed:  man_made=works, power=plant, industrial=factory, railway=platform and
#            public_transport=station come as closed lines; a further tag such as
#            landuse=industrial or area=yes makes polygons of them.
# Matters:   QGIS and ogr2ogr use this reader. A search for plants in multipolygons finds the
#            zones and misses the plants themselves, and the area of a site is zero.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pyogrio==0.13.0" "geopandas==1.2.0" "pandas==3.1.1"

venv/bin/python -W ignore - <<'PY'
import sys

import pyogrio

kinds = [
    {"man_made": "works"}, {"power": "plant"}, {"industrial": "factory"},
    {"railway": "platform"}, {"public_transport": "station"},
    {"landuse": "industrial"}, {"amenity": "parking"}, {"public_transport": "platform"},
    {"man_made": "works", "area": "yes"}, {"man_made": "works", "landuse": "industrial"},
]
corners = ((0, 0), (0.001, 0), (0.001, 0.001), (0, 0.001))
nodes = ways = ""
for k, tags in enumerate(kinds, 1):
    for c, (lat, lon) in enumerate(corners):
        nodes += f'<node id="{10 * k + c}" version="1" lat="{46.6 + lat}" lon="{-1.4 + k / 100 + lon}"/>'
    ways += f'<way id="{k}" version="1">'
    ways += "".join(f'<nd ref="{10 * k + c}"/>' for c in (0, 1, 2, 3, 0))
    ways += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items()) + "</way>"
with open("sites.osm", "w") as file:
    file.write(f'<?xml version="1.0"?><osm version="0.6">{nodes}{ways}</osm>')
lines = set(pyogrio.read_dataframe("sites.osm", layer="lines").osm_id.astype(int))
polygons = set(pyogrio.read_dataframe("sites.osm", layer="multipolygons").osm_way_id.astype(int))
for k, tags in enumerate(kinds, 1):
    print("line" if k in lines else "polygon" if k in polygons else "missing", tags)
if lines != {1, 2, 3, 4, 5} or polygons != {6, 7, 8, 9, 10}:
    sys.exit("Changed: other closed ways are polygons now.")
PY
