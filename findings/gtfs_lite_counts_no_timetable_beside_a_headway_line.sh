#!/bin/sh
# One line described by headways anywhere in a feed, and gtfs-lite counts no bus of a timetable any
# more.
#
# Library:   gtfs-lite 0.2.1, pandas 2.2.3 (PyPI)
# Expected:  unique_trip_count_at_stops counts the trips that call at the stops asked for, be they
#            written in stop_times.txt alone or repeated by frequencies.txt.
# Observed:  Two timetabled buses reach the plant at 04:50 and 20:50. Once the shuttle between
#            two other stops is described in frequencies.txt, the count at the plant falls from 2
#            to 0: with that table present only the trips named in it are counted.
# Matters:   A network adds a headway shuttle in town and every stop of its other lines looks
#            unserved: the whole district of the plant is drawn as a white zone.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-lite==0.2.1" "pandas==2.2.3"

venv/bin/python -W ignore - <<'PY'
import datetime
import sys
import zipfile

from gtfslite import GTFS

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Town,46.67,-1.43\nS2,Plant,46.70,-1.40\nS3,Market,46.66,-1.44\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\nR2,A,2,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id\nR1,W,EARLY\nR1,W,LATE\nR2,W,SHUTTLE\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "EARLY,04:30:00,04:30:00,S1,1\nEARLY,04:50:00,04:50:00,S2,2\n"
    "LATE,20:30:00,20:30:00,S1,1\nLATE,20:50:00,20:50:00,S2,2\n"
    "SHUTTLE,09:00:00,09:00:00,S1,1\nSHUTTLE,09:10:00,09:10:00,S3,2\n",
}


def buses_at_the_plant(path, **more):
    """Return the trips gtfs-lite counts at the plant on a Friday."""
    with zipfile.ZipFile(path, "w") as archive:
        for table, text in {**TABLES, **more}.items():
            archive.writestr(f"{table}.txt", text)
    return GTFS.load_zip(path).unique_trip_count_at_stops(["S2"], datetime.date(2026, 11, 6))


alone = buses_at_the_plant("alone.zip")
beside = buses_at_the_plant(
    "beside.zip",
    frequencies="trip_id,start_time,end_time,headway_secs\nSHUTTLE,09:00:00,16:00:00,1200\n",
)
print("buses at the plant:", alone, "once the shuttle in town runs by headway:", beside)
if (alone, beside) != (2, 0):
    sys.exit("Changed: timetabled buses count beside a headway line.")
PY
