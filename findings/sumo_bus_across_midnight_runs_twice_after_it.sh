#!/bin/sh
# A bus that crosses midnight runs twice after it in SUMO's import of GTFS, and the last hour before
# midnight has no bus at all when it is asked for.
#
# Library:   eclipse-sumo 1.28.0 (tools/import/gtfs/gtfs2fcd.py), sumo-data 1.28.0, pandas 2.3.3,
#            pyproj 3.7.2 (PyPI)
# Expected:  Of one service day three buses: DAY at 05:00, LATE at 23:50, 24:00, 24:10 and 24:20,
#            NIGHT at 24:30. Three vehicles, and LATE alone between 23:00 and 24:00.
# Observed:  Four vehicles: beside LATE, which leaves at 23:50 and drives to its end at 24:20, there
#            is "LATE.trimmed", which leaves the third stop at 24:10, as LATE does, and drives there
#            too. With --begin 23:00:00 --end 24:00:00 no file is written; an end of 23:59:59 gives
#            LATE.
# Matters:   Lines for shifts that end at night are those that cross midnight: the way home has
#            twice its buses, seats and vehicle-kilometres from midnight on, or, looked at by the
#            hour, none before it.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "eclipse-sumo==1.28.0" "sumo-data==1.28.0" "pandas==2.3.3" "pyproj==3.7.2"

venv/bin/python -W ignore - <<'PY'
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import sumo

TRIPS = {
    "DAY": ("05:00", "05:10", "05:20", "05:30"),
    "LATE": ("23:50", "24:00", "24:10", "24:20"),
    "NIGHT": ("24:30", "24:40", "24:50", "25:00"),
}
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nS1,Plant,46.67,-1.43\nS2,Bridge,46.68,-1.42\n"
    "S3,Halt,46.69,-1.41\nS4,Town,46.70,-1.40\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,Line,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "calendar_dates": "service_id,date,exception_type\nW,20261111,2\n",
    "trips": "route_id,service_id,trip_id,trip_headsign,direction_id\n"
    + "".join(f"R1,W,{trip},Town,0\n" for trip in TRIPS),
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    + "".join(
        f"{trip},{hour}:00,{hour}:00,S{order},{order}\n"
        for trip, hours in TRIPS.items()
        for order, hour in enumerate(hours, 1)
    ),
}
with zipfile.ZipFile("feed.zip", "w") as archive:
    for table, text in TABLES.items():
        archive.writestr(f"{table}.txt", text)


def vehicles(name, *window):
    """Return the departures of the buses of Friday, as hour:minute of the service day."""
    tool = pathlib.Path(sumo.SUMO_HOME, "tools/import/gtfs/gtfs2fcd.py")
    command = [sys.executable, "-W", "ignore", tool, "--gtfs", "feed.zip", "--date", "20261106"]
    subprocess.run(
        [*command, "--modes", "bus", "--fcd", name, "--gpsdat", f"{name}-gps", *window],
        check=True,
        capture_output=True,
        env={**os.environ, "SUMO_HOME": sumo.SUMO_HOME},
    )
    routes = pathlib.Path(name, "bus.rou.xml")
    text = routes.read_text() if routes.exists() else ""
    found = re.findall(r'<vehicle id="([^"]+)".* depart="(\d+)"', text)
    return {trip: f"{int(s) // 3600:02}:{int(s) % 3600 // 60:02}" for trip, s in found}


day = vehicles("day")
full = vehicles("full", "--begin", "23:00:00", "--end", "24:00:00")
short = vehicles("short", "--begin", "23:00:00", "--end", "23:59:59")
print("Friday:", day)
print("23:00 to 24:00:", full)
print("23:00 to 23:59:59:", short)
real = {trip: hours[0] for trip, hours in TRIPS.items()}
if day != {**real, "LATE.trimmed": "24:10"}:
    sys.exit("Changed: a bus across midnight is one vehicle, or leaves at other hours.")
if (full, short) != ({}, {"LATE": "23:50"}):
    sys.exit("Changed: the hour before midnight has other buses.")
PY
