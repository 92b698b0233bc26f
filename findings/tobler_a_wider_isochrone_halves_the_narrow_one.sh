#!/bin/sh
# Asked for the workers within 15 and within 30 minutes at once, tobler shares each worker out
# between the two isochrones.
#
# Library:   tobler 0.13.0, geopandas 1.2.0, pandas 3.1.1 (PyPI)
# Expected:  Three communes in a row, 1,000 workers each. The isochrone of 15 minutes holds the
#            first, that of 30 minutes the first, the second and a tenth of the third: 1,000 and
#            2,100 workers by area.
# Observed:  500 within 15 minutes and 2,500 within 30. Alone, the one of 15 minutes has 1,000 and
#            the one of 30 has 3,000: the third commune gives all its workers to the tenth of it
#            that is reached. With allocate_total=False all three answers are 1,000 and 2,100; the
#            default is True, and its note says nothing of areas that overlap.
# Matters:   Isochrones lie within each other and end inside communes. The narrow one loses half its
#            workers, a third with three of them, and the widest takes in whole communes that it
#            touches: bus service looks poor close by and rich far off.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "tobler==0.13.0" "geopandas==1.2.0" "pandas==3.1.1"

venv/bin/python -W ignore - <<'PY'
import sys

import geopandas as gpd
from shapely.geometry import box
from tobler.area_weighted import area_interpolate

KM = 1000
communes = gpd.GeoDataFrame(
    {"workers": [1000, 1000, 1000]},
    geometry=[box(10 * k * KM, 0, 10 * (k + 1) * KM, 10 * KM) for k in range(3)],
    crs=2154,
)
isochrones = gpd.GeoDataFrame(
    {"minutes": [15, 30]},
    geometry=[box(0, 0, 10 * KM, 10 * KM), box(0, 0, 21 * KM, 10 * KM)],
    crs=2154,
)


def workers(areas, **options):
    """Return the workers of each area."""
    found = area_interpolate(communes, areas, extensive_variables=["workers"], **options)
    return [round(float(number), 6) for number in found["workers"]]


together, alone = workers(isochrones), [workers(isochrones[k : k + 1])[0] for k in (0, 1)]
by_area = workers(isochrones, allocate_total=False)
print("within 15 and 30 minutes, asked together:", *together)
print("asked one by one:", *alone)
print("asked together, allocate_total=False:", *by_area)
if by_area != [1000.0, 2100.0]:
    sys.exit("Changed: the share by area is another.")
if (together, alone) != ([500.0, 2500.0], [1000.0, 3000.0]):
    sys.exit("Changed: workers are no longer shared out between isochrones.")
PY
