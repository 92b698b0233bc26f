#!/bin/sh
# One date-time with an offset moves its neighbours without one: 05:00 local becomes 05:00 UTC.
#
# Library:   pyogrio 0.13.0 with its GDAL 3.12.4, geopandas 1.2.0, pandas 3.1.1 (PyPI)
# Expected:  A mix of local and zoned date-times stays a column of texts, or is told; local times
#            are never given a zone.
# Observed:  2026-11-28T05:00:00 alone is read without zone. Beside 2026-11-28T13:00:00+01:00 it
#            becomes 05:00 UTC, which is 06:00 in Paris, while its neighbour rightly becomes 12:00
#            UTC: eight hours apart turn into seven.
# Matters:   Departures from one source with offsets and another without meet in a layer of stops:
#            the early bus moves by the offset, enough to make or miss a shift.
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


def read(*times):
    """Return the date-times of a GeoJSON file of points."""
    features = [
        {
            "type": "Feature", "properties": {"at": at},
            "geometry": {"type": "Point", "coordinates": [-1.4, 46.6 + k / 100]},
        }
        for k, at in enumerate(times)
    ]
    with open("departures.geojson", "w") as file:
        json.dump({"type": "FeatureCollection", "features": features}, file)
    return list(geopandas.read_file("departures.geojson")["at"])


[alone] = read("2026-11-28T05:00:00")
early, later = read("2026-11-28T05:00:00", "2026-11-28T13:00:00+01:00")
print("alone:", alone, "- beside a zoned one:", early, "and", later, "- apart:", later - early)
if alone.tzinfo is not None or early.isoformat() != "2026-11-28T05:00:00+00:00":
    sys.exit("Changed: a local time beside a zoned one is no longer taken for UTC.")
PY
