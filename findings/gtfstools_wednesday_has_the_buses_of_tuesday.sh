#!/bin/sh
# A feed that gtfstools reads and writes has the service of Tuesday on Wednesdays, and a bus that
# leaves at 00:00 has no hour any more.
#
# Library:   gtfstools 0.1.1 (PyPI)
# Expected:  A feed read and written again has the same service days and hours: a bus on Wednesdays
#            alone, one on the other four working days, and the latter leaves at 00:00.
# Observed:  The bus of Wednesdays runs on no day, the other one on Wednesdays too. Its departure at
#            00:00:00 is blank, while 24:00:00 of the former stays. No warning.
# Matters:   In France schools close on Wednesday afternoons, and many lines have a timetable for
#            Wednesdays alone: it goes, and buses of other days take its place. Midnight is when the
#            afternoon shift goes home; a trip without its first hour is refused by most readers.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "gtfstools==0.1.1"

venv/bin/python - <<'PY'
import csv
import io
import sys
import zipfile

from gtfstools import gtfs

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon,parent_station\n"
    "S1,Plant,46.70,-1.40,\nS2,Town,46.67,-1.43,\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,,3\n",
    "calendar": f"service_id,{','.join(DAYS)},start_date,end_date\n"
    "WEDNESDAY,0,0,1,0,0,0,0,20261102,20261127\nOTHERS,1,1,0,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id\nR1,WEDNESDAY,T1\nR1,OTHERS,T2\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,23:50:00,23:50:00,S1,1\nT1,24:00:00,24:00:00,S2,2\n"
    "T2,00:00:00,00:00:00,S1,1\nT2,00:10:00,00:10:00,S2,2\n",
}


def told(path):
    """Return the days of each service and the departures of each trip of a feed."""
    with zipfile.ZipFile(path) as archive:
        rows = {
            table: list(csv.DictReader(io.StringIO(archive.read(f"{table}.txt").decode())))
            for table in ("calendar", "stop_times")
        }
    days = [" ".join(day[:2] for day in DAYS if row[day] == "1") for row in rows["calendar"]]
    return days, [row["departure_time"] for row in rows["stop_times"]]


with zipfile.ZipFile("feed.zip", "w") as archive:
    for table, text in TABLES.items():
        archive.writestr(f"{table}.txt", text)
gtfs.write("again.zip", gtfs.read("feed.zip"))

before, after = told("feed.zip"), told("again.zip")
print("before:", *before)
print("after:", *after)
if before != (["we", "mo tu th fr"], ["23:50:00", "24:00:00", "00:00:00", "00:10:00"]):
    sys.exit("Changed: the feed itself reads otherwise.")
if after[0] != ["", "mo tu we th fr"]:
    sys.exit("Changed: Wednesdays keep their own service.")
if after[1] != ["23:50:00", "24:00:00", "", "00:10:00"]:
    sys.exit("Changed: a departure at midnight keeps its hour.")
PY
