#!/bin/sh
# Asked for wheelchair users, NxTransit gives a line up when its next bus is not accessible, though
# the one after it is.
#
# Library:   NxTransit 0.4.1, osmnx 2.1.1, networkx 3.6.1, numpy 1.26.4, pandas 2.3.3 (PyPI)
# Expected:  Buses at 04:30 (not accessible) and 05:00 (accessible), asked at 04:00 with
#            wheelchair=True: in at 05:20, as for anybody who misses the first.
# Observed:  No way at all: an empty path and a travel time of minus infinity. Asked at 04:31 it
#            finds the bus of 05:00, and so it does at 04:00 when the one of 04:30 does not run.
# Matters:   One bus more makes a plant unreachable: on a line with a mixed fleet a wheelchair user
#            is cut off at some minutes and not at others. The minus infinity passes every test of
#            a limit ("at most 60 minutes") and counts as the best time there is.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "NxTransit==0.4.1" "osmnx==2.1.1" "networkx==3.6.1" "numpy==1.26.4" "pandas==2.3.3"

venv/bin/python -W ignore - <<'PY'
import contextlib
import io
import logging
import pathlib
import sys

import networkx
import nxtransit
import osmnx

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "STATION,Station,46.67,-1.43\nPLANT,Plant,46.90,-1.20\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
}
LOW_STEP, STEPS = "1", "2"


def streets():
    """Write a street at each end of the line, without a way from one to the other."""
    graph = networkx.MultiDiGraph(crs="epsg:4326")
    for first, lon, lat in ((1, -1.43, 46.67), (3, -1.20, 46.90)):
        for node, x in ((first, lon), (first + 1, lon + 0.001)):
            graph.add_node(node, x=x, y=lat, type="street")
        for u, v in ((first, first + 1), (first + 1, first)):
            graph.add_edge(u, v, length=80.0, weight=60.0, type="street")
    osmnx.save_graphml(graph, "streets.graphml")


def rides(name, buses):
    """Return the network of these (departure, wheelchair_accessible) on a Friday."""
    feed = pathlib.Path(name)
    feed.mkdir()
    trips = "route_id,service_id,trip_id,wheelchair_accessible\n"
    calls = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    for hour, minute, accessible in buses:
        trip = f"T{hour}{minute}"
        out, in_ = f"{hour:02}:{minute:02}:00", f"{hour:02}:{minute + 20:02}:00"
        trips += f"R1,W,{trip},{accessible}\n"
        calls += f"{trip},{out},{out},STATION,1\n{trip},{in_},{in_},PLANT,2\n"
    for table, text in {**TABLES, "trips": trips, "stop_times": calls}.items():
        (feed / f"{table}.txt").write_text(text)
    with contextlib.redirect_stdout(io.StringIO()):
        return nxtransit.feed_to_graph(
            name,
            "04:00:00",
            "friday",
            2 * 3600,
            multiprocessing=False,
            load_graphml=True,
            input_graph_path="streets.graphml",
        )


def arrival(graph, hour, minute, wheelchair):
    """Return when one gets to the plant, and the travel time in minutes."""
    _, at, travel, _ = nxtransit.time_dependent_dijkstra(
        graph, "STATION", "PLANT", hour * 3600 + minute * 60, wheelchair=wheelchair
    )
    return "never" if at == float("inf") else f"{at // 3600:02}:{at // 60 % 60:02}", travel / 60


logging.disable(logging.INFO)
streets()
both = rides("both", [(4, 30, STEPS), (5, 0, LOW_STEP)])
second = rides("second", [(5, 0, LOW_STEP)])
seen = {
    "on foot at 04:00": arrival(both, 4, 0, False),
    "by wheelchair at 04:00": arrival(both, 4, 0, True),
    "by wheelchair at 04:31": arrival(both, 4, 31, True),
    "by wheelchair at 04:00, no bus at 04:30": arrival(second, 4, 0, True),
}
for who, (at, travel) in seen.items():
    print(f"{who}: {at}, {travel:g} minutes")
if list(seen.values()) != [("04:50", 50), ("never", -float("inf")), ("05:20", 49), ("05:20", 80)]:
    sys.exit("Changed: a wheelchair user waits for the second bus, or otherwise.")
PY
