#!/bin/sh
# Of two buses of one route ferrobus takes the one that leaves first, though the other overtakes it:
# its route arrives half an hour after its own search over a range of departures.
#
# Library:   ferrobus 0.2.1, osmium 4.3.2 (PyPI)
# Expected:  A bus by the villages leaves at 04:30 and arrives at 05:30, the one by the main road
#            leaves at 04:40 and arrives at 05:00. From 04:00 on the earliest arrival is 05:00.
# Observed:  find_route and travel_time_matrix arrive at 05:30. range_multimodal_routing from 04:00
#            to 04:40 says that who leaves at 04:30 is there at 05:00. With the two buses on two
#            route_ids, all of them say 05:00.
# Matters:   A line whose buses go with or without a detour between the same stops bears one
#            route_id. Asked from 04:00 on, there is no ride to the shift of 05:15 until the line is
#            split in two, and two searches in one model contradict each other.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "ferrobus==0.2.1" "osmium==4.3.2"

venv/bin/python - <<'PY'
import datetime
import pathlib
import sys

import ferrobus
import osmium
from osmium.osm import mutable

STATION, PLANT = (46.67, -1.43), (46.73, -1.37)
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Station,46.67,-1.43\nS2,Plant,46.73,-1.37\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\n"
    "R1,A,1,One,3\nR2,A,2,Two,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "calendar_dates": "service_id,date,exception_type\nW,20261111,2\n",
    "transfers": "from_stop_id,to_stop_id,transfer_type,min_transfer_time\n",
    "feed_info": "feed_publisher_name,feed_publisher_url,feed_lang\n"
    "A,http://example.org,fr\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "VILLAGES,04:30:00,04:30:00,S1,1\nVILLAGES,05:30:00,05:30:00,S2,2\n"
    "MAIN_ROAD,04:40:00,04:40:00,S1,1\nMAIN_ROAD,05:00:00,05:00:00,S2,2\n",
}
EARLY = 4 * 3600


def streets():
    """Write a crossroads at the station and one at the plant, and the street between."""
    arms = ((0.0, 0.0), (0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01))
    nodes = [(lat + dy, lon + dx) for lat, lon in (STATION, PLANT) for dy, dx in arms]
    ends = [(1, n) for n in range(2, 7)] + [(6, n) for n in range(7, 11)]
    with osmium.SimpleWriter("streets.osm.pbf") as out:
        for node, (lat, lon) in enumerate(nodes, 1):
            out.add_node(mutable.Node(id=node, location=(lon, lat), tags={}))
        for way, of_way in enumerate(ends, 11):
            out.add_way(mutable.Way(id=way, nodes=of_way, tags={"highway": "tertiary"}))


def clock(seconds):
    """Return the hour and minute of seconds since midnight."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}"


def arrivals(name, route_of_main_road):
    """Return the arrivals by route, by matrix and by range, for departures from 04:00 on."""
    feed = pathlib.Path(name)
    feed.mkdir()
    trips = f"route_id,service_id,trip_id\nR1,W,VILLAGES\n{route_of_main_road},W,MAIN_ROAD\n"
    for table, text in {**TABLES, "trips": trips}.items():
        (feed / f"{table}.txt").write_text(text)
    model = ferrobus.create_transit_model(
        "streets.osm.pbf", [name], datetime.date(2026, 11, 6), 600
    )
    here, there = (ferrobus.create_transit_point(*at, model, 600, 5) for at in (STATION, PLANT))
    route = ferrobus.find_route(model, here, there, EARLY, 3)
    matrix = ferrobus.travel_time_matrix(model, [here, there], EARLY, 3)
    over = ferrobus.range_multimodal_routing(model, here, there, (EARLY, EARLY + 2400), 3)
    ends = [at + takes for at, takes in zip(over.departure_times(), over.travel_times())]
    return (
        clock(EARLY + route["travel_time_seconds"]),
        clock(EARLY + matrix[0][1]),
        clock(min(ends)),
    )


streets()
one, two = arrivals("one", "R1"), arrivals("two", "R2")
print("one route_id: by route %s, by matrix %s, by range %s" % one)
print("two route_ids: by route %s, by matrix %s, by range %s" % two)
if one != ("05:30", "05:30", "05:00") or two != ("05:00", "05:00", "05:00"):
    sys.exit("Changed: the bus that overtakes is taken, or otherwise.")
PY
