#!/bin/sh
# Ten kilometres of railway are five in transport-frames, and a line counts beyond the territory.
# beyond it.
#
# Library:   transport-frames 2.0.6, geopandas 1.2.0, networkx 3.6.1 (PyPI)
# Expected:  A territory of 10 by 10 km, crossed by a road and a railway of 10 km each:
#            calculate_transport_provision returns "Total road length within the territory (km)"
#            and "Total railway length within the territory (km)": 10 and 10.
# Observed:  5 and 5: lengths in metres are divided by 2,000. Roads as a graph with an edge each way
#            come out right, layers of lines do not, and railways can be given as a layer only. The
#            same railway drawn on to 50 km has 25 km "within the territory" of 10 km.
# Matters:   Rail has the largest weight in the index of provision: basins are ranked by half their
#            railway, by all of their roads if those are a graph, and by the neighbour's rails.
# Instead:   Clip the layers to the territories first, and double what is told of them.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "transport-frames==2.0.6" "iduedu==1.2.1" "geopandas==1.2.0" "momepy==0.9.1" \
    "networkx==3.6.1" "osmnx==2.1.1" "pandas==2.3.3"

venv/bin/python -W ignore - <<'PY'
import sys

import geopandas as gpd
import networkx as nx
from shapely.geometry import LineString, Point, box
from transport_frames.transport_provision import calculate_transport_provision

KM = 1000


def layer(*shapes):
    """Return a layer in Lambert 93."""
    return gpd.GeoDataFrame(geometry=list(shapes), crs=2154)


territory = layer(box(0, 0, 10 * KM, 10 * KM))
road = layer(LineString([(0, 5 * KM), (10 * KM, 5 * KM)]))
railway = layer(LineString([(5 * KM, 0), (5 * KM, 10 * KM)]))
longer = layer(LineString([(5 * KM, 0), (5 * KM, 50 * KM)]))
both_ways = nx.MultiDiGraph(crs="EPSG:2154")
for end in (0, 1):
    both_ways.add_node(end, x=10 * KM * end, y=5 * KM, geometry=Point(10 * KM * end, 5 * KM))
both_ways.add_edge(0, 1, geometry=road.geometry[0])
both_ways.add_edge(1, 0, geometry=road.geometry[0].reverse())


def lengths(roads, rails):
    """Return the kilometres of road and of railway that are told of the territory."""
    airport, town = layer(Point(5 * KM, 25 * KM)), layer(box(0, 0, KM, KM))
    told = calculate_transport_provision(territory, roads, rails, airport, town)
    return tuple(round(float(told[name][0]), 6) for name in ("road_length_km", "rail_length_km"))


within = longer.intersection(territory.geometry[0]).length[0] / KM
lines, graph, beyond = lengths(road, railway), lengths(both_ways, railway), lengths(road, longer)
print(f"by geometry: {road.length[0] / KM} of road, {railway.length[0] / KM} of railway")
print("lines:", *lines)
print("roads as a graph both ways:", *graph)
print(f"a railway of 50 km, {within} within:", *beyond)
if graph[0] != 10 or within != 10:
    sys.exit("Changed: a graph of roads has another length.")
if lines != (5, 5) or beyond != (5, 25):
    sys.exit("Changed: lines have their length, or are cut at the border.")
PY
