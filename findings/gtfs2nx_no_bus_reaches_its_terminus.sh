#!/bin/sh
# No bus reaches its terminus in the graph of gtfs2nx: the last leg of every trip is missing.
#
# Library:   gtfs2nx 0.2.1, pandas 2.3.3, geopandas 0.13.2 (PyPI)
# Expected:  A line town - bridge - plant that runs both ways gives four edges: two out, two back.
# Observed:  Two: town to bridge and plant to bridge. Town and plant are nodes that one can leave
#            and not reach. Once the buses back are taken out, the plant is no node at all.
# Matters:   Plants, stations and hospitals are where lines end. Closeness and reach computed on the
#            graph find them cut off, and see the fault in the place.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs2nx==0.2.1" "pandas==2.3.3" "geopandas==0.13.2" "numpy==1.26.4"

venv/bin/python -W ignore - <<'PY'
import logging
import sys
import zipfile

import gtfs2nx

logging.disable(logging.CRITICAL)
OUT = ["Town", "Bridge", "Plant"]
TRIPS = {"A": ("04", OUT), "B": ("05", OUT[::-1]), "C": ("20", OUT), "D": ("21", OUT[::-1])}
BASE = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "Town,Town,46.67,-1.43\nBridge,Bridge,46.68,-1.40\nPlant,Plant,46.69,-1.37\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
}


def graph(*names):
    """Return the nodes and the legs of the graph of these trips."""
    trips, calls = "route_id,service_id,trip_id\n", "trip_id,arrival_time,departure_time,stop_id,"
    calls += "stop_sequence\n"
    for name in names:
        hour, stops = TRIPS[name]
        trips += f"R1,W,{name}\n"
        for order, stop in enumerate(stops):
            calls += f"{name},{hour}:{order}0:00,{hour}:{order}0:00,{stop},{order + 1}\n"
    with zipfile.ZipFile("feed.zip", "w") as archive:
        for table, text in {**BASE, "trips": trips, "stop_times": calls}.items():
            archive.writestr(f"{table}.txt", text)
    made = gtfs2nx.transit_graph("feed.zip")
    plain = {node: node.removesuffix("@@R1") for node in made}
    return sorted(plain.values()), sorted(f"{plain[a]}-{plain[b]}" for a, b in made.edges)


both, outward = graph("A", "B", "C", "D"), graph("A", "C")
print("both ways:", *both)
print("outward buses alone:", *outward)
if both != (["Bridge", "Plant", "Town"], ["Plant-Bridge", "Town-Bridge"]):
    sys.exit("Changed: buses reach their terminus.")
if outward != (["Bridge", "Town"], ["Town-Bridge"]):
    sys.exit("Changed: a terminus that no bus leaves is in the graph.")
PY
