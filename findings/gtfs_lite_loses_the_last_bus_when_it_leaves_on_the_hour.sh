#!/bin/sh
# The last bus of the day is missing from gtfs-lite's table of frequencies if it leaves on the
# hour.
#
# Library:   gtfs-lite 0.2.1, pandas 2.2.3 (PyPI)
# Expected:  route_frequency_matrix divides the service day into hours, one of which holds each
#            trip: three buses make three.
# Observed:  With buses at 05:05, 13:05 and 21:05 it shows three. With 05:00, 13:00 and 21:00 it
#            ends at 21:00, and shows two: the hour that begins with the last bus is left out,
#            an end_time of 24:00:00 or not.
# Matters:   A bus timed on the end of a shift often leaves on the hour, and the last one of the day
#            is what takes the afternoon shift home. It is missing just where nothing follows it.
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
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nS1,Plant,46.70,-1.40\nS2,Town,46.67,-1.43\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id\nR1,W,T05\nR1,W,T13\nR1,W,T21\n",
}


def buses_by_hour(minute, **window):
    """Return {hour: trips} of a line that leaves at 5, 13 and 21 h and this minute."""
    path = f"{minute}.zip"
    rows = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    for hour in ("05", "13", "21"):
        for order, past in ((1, 0), (2, 20)):
            time = f"{hour}:{minute + past:02}:00"
            rows += f"T{hour},{time},{time},S{order},{order}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for table, text in {**TABLES, "stop_times": rows}.items():
            archive.writestr(f"{table}.txt", text)
    table = GTFS.load_zip(path).route_frequency_matrix(datetime.date(2026, 11, 6), **window)
    return table[table.trips > 0].set_index("bin_start").trips.to_dict()


past, on, asked = buses_by_hour(5), buses_by_hour(0), buses_by_hour(0, end_time="24:00:00")
print("leaving at five past:", past)
print("leaving on the hour:", on, "until 24:00 asked:", asked)
if past != {"05:00": 1, "13:00": 1, "21:00": 1}:
    sys.exit("Changed: the buses past the hour are counted otherwise.")
if not on == asked == {"05:00": 1, "13:00": 1}:
    sys.exit("Changed: the last bus is counted when it leaves on the hour.")
PY
