#!/bin/sh
# Asked for a window of hours, gtfs-parser lets buses run past the stops that have no time of their
# own.
#
# Library:   gtfs-parser 0.3.0, pandas 3.1.1 (PyPI)
# Expected:  A bus from the town at 04:30 to the village at 04:50, with the plant between them
#            (no time given, as GTFS allows between timepoints), serves the plant between 04:00 and
#            06:00.
# Observed:  Without a window the plant has one bus, and the links are Town-Plant and
#            Plant-Village. With begin_time 040000 and end_time 060000 the plant has none, and a
#            link Town-Village appears that no bus runs without a stop.
# Matters:   Regional networks time only the main stops, and a stop at a plant's gate is seldom
#            one. It looks served over the day and unserved in each single window, so at the hours
#            of every shift.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-parser==0.3.0" "pandas==3.1.1"

venv/bin/python -W ignore - <<'PY'
import sys
import zipfile

from gtfs_parser import GTFSFactory
from gtfs_parser.aggregate import Aggregator

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Town,46.67,-1.43\nS2,Plant,46.68,-1.42\nS3,Village,46.69,-1.41\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id\nR1,W,T1\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,04:30:00,04:30:00,S1,1\nT1,,,S2,2\nT1,04:50:00,04:50:00,S3,3\n",
}
with zipfile.ZipFile("feed.zip", "w") as archive:
    for table, text in TABLES.items():
        archive.writestr(f"{table}.txt", text)


def aggregated(**window):
    """Return the buses at each stop and the links between stops, on a Friday."""
    found = Aggregator(
        GTFSFactory("feed.zip"), no_unify_stops=True, yyyymmdd="20261106", **window
    )
    stops = [row["properties"] for row in found.read_interpolated_stops()]
    links = [row["properties"] for row in found.read_route_frequency()]
    return (
        {stop["similar_stop_name"]: int(stop["count"]) for stop in stops},
        sorted(f"{link['prev_stop_name']}-{link['next_stop_name']}" for link in links),
    )


day, early = aggregated(), aggregated(begin_time="040000", end_time="060000")
print("over the day:", *day)
print("from 04:00 to 06:00:", *early)
if day != ({"Town": 1, "Plant": 1, "Village": 1}, ["Plant-Village", "Town-Plant"]):
    sys.exit("Changed: the day is counted otherwise.")
if early != ({"Town": 1, "Plant": 0, "Village": 1}, ["Town-Village"]):
    sys.exit("Changed: untimed stops are served within a window too.")
PY
