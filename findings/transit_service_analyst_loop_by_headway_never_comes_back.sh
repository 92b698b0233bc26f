#!/bin/sh
# The bus of a loop described by headways never gets back to where it started in
# transit-service-analyst.
#
# Library:   transit-service-analyst 0.1.5, pandas 2.2.3, geopandas 1.0.1, pandera 0.22.1 (PyPI)
# Expected:  A loop from the station by the plant and back, 20 minutes, every 30 minutes from 05:00
#            to 08:00 in frequencies.txt: six runs of three calls, the last back at 07:50. So it
#            is where the place to alight at the station has a stop_id of its own.
# Observed:  With one stop_id for both ends there are six runs of two calls that end at the plant.
#            The six returns follow as runs of one call, from 08:20 to 10:50, under trip_ids that
#            trips.txt of the same object does not hold.
# Matters:   A loop is what a shuttle between a station and a plant mostly is. Everybody gets to
#            work and nobody gets home, and a count of calls by hour still finds two buses an hour
#            at the station.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "transit-service-analyst==0.1.5" "pandas==2.2.3" "geopandas==1.0.1" "pandera==0.22.1" \
    "numpy==2.2.6"

venv/bin/python -W ignore - <<'PY'
import contextlib
import io
import pathlib
import sys

import transit_service_analyst

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "STATION,Station,46.67,-1.43\nPLANT,Plant,46.70,-1.40\nARRIVALS,Station,46.67,-1.43\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\n"
    "R1,A,1,Loop,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id,direction_id,shape_id,block_id\nR1,W,LOOP,0,,\n",
    "frequencies": "trip_id,start_time,end_time,headway_secs\nLOOP,05:00:00,08:00:00,1800\n",
}


def runs(last_stop):
    """Return the calls of each run of a Friday, by trip_id, and the trips of trips.txt."""
    feed = pathlib.Path(last_stop)
    feed.mkdir()
    calls = (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "LOOP,05:00:00,05:00:00,STATION,1\nLOOP,05:10:00,05:10:00,PLANT,2\n"
        f"LOOP,05:20:00,05:20:00,{last_stop},3\n"
    )
    for table, text in {**TABLES, "stop_times": calls}.items():
        (feed / f"{table}.txt").write_text(text)
    with contextlib.redirect_stdout(io.StringIO()):
        service = transit_service_analyst.load_gtfs(str(feed), "20261106")
    calls = service.stop_times.sort_values(["departure_time", "stop_sequence"])
    by_trip = {
        trip: list(zip(of_trip["stop_id"], of_trip["departure_time"].str[:5]))
        for trip, of_trip in calls.groupby("trip_id", sort=False)
    }
    return by_trip, set(service.trips["trip_id"])


apart, _ = runs("ARRIVALS")
loop, known = runs("STATION")
for ends, by_trip in (("a stop of its own", apart), ("the stop it began at", loop)):
    print("the loop ends at", ends)
    for trip, calls in by_trip.items():
        print("  ", trip, *(f"{stop} {at}" for stop, at in calls))
home = [at for calls in apart.values() for stop, at in calls if stop == "ARRIVALS"]
outward = [calls for trip, calls in loop.items() if trip in known]
unknown = [calls for trip, calls in loop.items() if trip not in known]
if (
    home != ["05:20", "05:50", "06:20", "06:50", "07:20", "07:50"]
    or [[stop for stop, _ in calls] for calls in outward] != [["STATION", "PLANT"]] * 6
    or [at for calls in unknown for _, at in calls]
    != ["08:20", "08:50", "09:20", "09:50", "10:20", "10:50"]
):
    sys.exit("Changed: a loop by headways comes back, or otherwise.")
PY
