#!/bin/sh
# One bus whose day holds trips of two services is two blocks for gtfsblocks.
#
# Library:   gtfsblocks 0.1.5, pandas 2.3.3 (PyPI)
# Expected:  Block B1: out to the plant and back from Monday to Friday, and on Fridays once more,
#            after the shift that ends early. block_id joins trips of different services that run on
#            the same day, so every day has one block; get_daily_summary and
#            get_service_pattern_summary count the blocks of a day.
# Observed:  Two blocks on Fridays, one on the other days. The trips of the Friday, asked for with
#            get_trips_from_date, all carry B1: the count adds up the blocks of each service_id.
# Matters:   Trips that run on some days only (Fridays, school days) have a service_id of their own:
#            the more a timetable follows the shifts, the more buses it seems to need, and peak
#            fleet, depot and cost of a tender grow with the number of calendars.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfsblocks==0.1.5" "pandas==2.3.3" "numpy==2.2.6"

venv/bin/python -W ignore - <<'PY'
import pathlib
import sys

import gtfsblocks

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Station,46.67,-1.43\nS2,Plant,46.70,-1.40\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\n"
    "WEEK,1,1,1,1,1,0,0,20261102,20261106\nFRIDAY,0,0,0,0,1,0,0,20261102,20261106\n",
    "calendar_dates": "service_id,date,exception_type\nWEEK,20261111,2\n",
    "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
    "OUT,46.67,-1.43,1\nOUT,46.70,-1.40,2\nBACK,46.70,-1.40,1\nBACK,46.67,-1.43,2\n",
    "trips": "route_id,service_id,trip_id,block_id,shape_id\n"
    "R1,WEEK,T1,B1,OUT\nR1,WEEK,T2,B1,BACK\nR1,FRIDAY,T3,B1,OUT\nR1,FRIDAY,T4,B1,BACK\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,04:30:00,04:30:00,S1,1\nT1,04:50:00,04:50:00,S2,2\n"
    "T2,05:10:00,05:10:00,S2,1\nT2,05:30:00,05:30:00,S1,2\n"
    "T3,11:30:00,11:30:00,S1,1\nT3,11:50:00,11:50:00,S2,2\n"
    "T4,12:10:00,12:10:00,S2,1\nT4,12:30:00,12:30:00,S1,2\n",
}

feed = pathlib.Path("feed")
feed.mkdir()
for table, text in TABLES.items():
    (feed / f"{table}.txt").write_text(text)

gtfs = gtfsblocks.Feed.from_dir("feed")
by_day = gtfs.get_daily_summary()["n_blocks"]
blocks = {f"{day:%A}": int(n) for day, n in by_day.items()}
by_pattern = gtfs.get_service_pattern_summary()["n_blocks"]
patterns = {"+".join(sorted(services)): int(n) for services, n in by_pattern.items()}
friday = gtfs.get_trips_from_date("2026-11-06")
print("blocks by day:", blocks)
print("blocks by pattern:", patterns)
print("the trips of Friday:", dict(zip(friday["trip_id"], friday["block_id"])))
week = ["Monday", "Tuesday", "Wednesday", "Thursday"]
if (
    blocks != {**dict.fromkeys(week, 1), "Friday": 2}
    or patterns != {"WEEK": 1, "FRIDAY+WEEK": 2}
    or sorted(friday["trip_id"]) != ["T1", "T2", "T3", "T4"]
    or set(friday["block_id"]) != {"B1"}
):
    sys.exit("Changed: the bus of Friday is one block, or otherwise.")
PY
