#!/bin/sh
# The distance "from population to nearest service" of OSMSatLab is the one from the service to the
# population: along one-way streets the way home stands for the way to work.
#
# Library:   osmsatlab 1.0.1, osmnx 2.1.1, networkx 3.6.1, geopandas 1.2.0, scipy 1.17.1 (PyPI)
# Expected:  A village has a one-way street of 500 metres to a plant, and the way back goes round a
#            valley, 3,000 metres. The plant is 500 metres away and within a kilometre for the
#            village's 100 workers. A second village with the street the other way is 3,000 metres
#            away and not within it.
# Observed:  3,000 metres for the first and 500 for the second: the workers of the second are the
#            ones within a kilometre. A third village, with a one-way street to the plant and no way
#            back, is at an infinite distance. The search starts at the plants and follows the
#            streets.
# Matters:   In towns of one-way streets, and at motorway junctions, workers are counted in reach of
#            a gate that is far from them, and as cut off where it is near.
# Instead:   Pass graph.reverse().
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "osmsatlab==1.0.1" "osmnx==2.1.1" "networkx==3.6.1" "geopandas==1.2.0" "scipy==1.17.1"

venv/bin/python -W ignore - <<'PY'
import math
import sys

import geopandas
import networkx
from osmsatlab.metrics import accessibility

LAMBERT = "EPSG:2154"
PLANT, THERE, BACK, ONLY_THERE, VALLEY, GORGE = range(1, 7)
PLACES = {
    PLANT: (350_000, 6_600_000),
    THERE: (350_500, 6_600_000),
    BACK: (350_000, 6_600_500),
    ONLY_THERE: (349_500, 6_600_000),
    VALLEY: (352_000, 6_600_000),
    GORGE: (350_000, 6_602_000),
}
streets = networkx.MultiDiGraph(crs=LAMBERT)
for node, (x, y) in PLACES.items():
    streets.add_node(node, x=x, y=y)
for start, end, metres in (
    (THERE, PLANT, 500),
    (PLANT, VALLEY, 1500),
    (VALLEY, THERE, 1500),
    (PLANT, BACK, 500),
    (BACK, GORGE, 1500),
    (GORGE, PLANT, 1500),
    (ONLY_THERE, PLANT, 500),
):
    streets.add_edge(start, end, length=metres)


def points(nodes, **columns):
    xs, ys = zip(*(PLACES[node] for node in nodes), strict=True)
    return geopandas.GeoDataFrame(columns, geometry=geopandas.points_from_xy(xs, ys), crs=LAMBERT)


def told(graph):
    """Return the metres from each village to the plant, and the workers within a kilometre."""
    villages = points((THERE, BACK, ONLY_THERE), population=[100, 10, 1])
    found = accessibility.calculate_network_distance(villages, points((PLANT,)), graph)
    covered = accessibility.calculate_coverage(found, threshold=1000.0)
    return found.nearest_dist.tolist(), int(covered["covered_population"])


seen, reverse = told(streets), told(streets.reverse())
print("street to the plant, from it, to it without a way back:", *seen)
print("the same on the reversed graph:", *reverse)
if reverse != ([500, 3000, 500], 101):
    sys.exit("Changed: on the reversed graph the ways to the plant are others.")
if seen != ([3000, 500, math.inf], 10):
    sys.exit("Changed: the way to the plant is no longer the one from it.")
PY
