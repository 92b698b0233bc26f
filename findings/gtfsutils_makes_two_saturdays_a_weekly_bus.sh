#!/bin/sh
# Clipping a feed with gtfsutils turns a service of two dates into one of every week, or writes
# the dates under the wrong headings.
#
# Library:   gtfsutils 0.2.5, gtfs-kit 13.0.1, pandas 3.1.1 (PyPI)
# Expected:  Filtering by a bounding box that holds every stop changes no day of service.
# Observed:  A service listed only in calendar_dates.txt (7 and 28 November) gets a row in
#            calendar.txt from the first to the last date with its weekdays set: the bus now runs
#            on 14 and 21 November too. The row is written by position, so this happens where
#            calendar.txt ends with service_id; in the usual order the id X lands under end_date
#            and 20261107 under sunday.
# Matters:   Feeds may list a special service by its dates alone. After clipping, a shift looks
#            served on every Saturday of the month.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfsutils==0.2.5" "gtfs-kit==13.0.1" "pandas==3.1.1" "geopandas==1.2.0"

venv/bin/python -W ignore - <<'PY'
import sys
import zipfile


def feed(path, **tables):
    """Write a GTFS zip: the tables given, over one agency, three stops and one route."""
    base = {
        "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
        "A,A,http://example.org,Europe/Paris\n",
        "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
        "S1,Town,46.67,-1.43\nS2,Bridge,46.68,-1.42\nS3,Plant,46.70,-1.40\n",
        "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
        "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
        "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**base, **tables}.items():
            archive.writestr(name if "." in name else name + ".txt", text)


import pathlib

import gtfs_kit
from gtfs_utils.filter import BoundsFilter, filter_gtfs
from gtfs_utils.utils import load_gtfs

days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date"
orders = {
    "id last": f"{days},service_id\n1,1,1,1,1,0,0,20261102,20261127,W\n",
    "id first": f"service_id,{days}\nW,1,1,1,1,1,0,0,20261102,20261127\n",
}
asked = ("20261107", "20261114", "20261121", "20261128")
seen = {}
for order, calendar in orders.items():
    feed(
        "whole.zip", calendar=calendar,
        calendar_dates="service_id,date,exception_type\nX,20261107,1\nX,20261128,1\n",
        trips="route_id,service_id,trip_id\nR1,W,T1\nR1,X,T2\n",
        stop_times="trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "T1,07:00:00,07:00:00,S1,1\nT1,07:20:00,07:20:00,S3,2\n"
        "T2,04:20:00,04:20:00,S1,1\nT2,04:40:00,04:40:00,S3,2\n",
    )
    tables = load_gtfs(pathlib.Path("whole.zip"))
    filter_gtfs(tables, [BoundsFilter([-2, 46, -1, 47], True)])
    part_path = pathlib.Path(f"part, {order}.zip")
    tables.save(part_path)
    last = zipfile.ZipFile(part_path).read("calendar.txt").decode().split()[-1]
    part = gtfs_kit.read_feed(part_path, dist_units="km")
    runs = [day for day in asked if len(part.get_trips(day))]
    seen[order] = (len(runs), last.split(",")[-1])
    print(order, "- added row:", last, "- Saturdays with a bus:", *runs)
if seen != {"id last": (4, "X"), "id first": (2, "X")}:
    sys.exit("Changed: clipping no longer adds days (or misplaced values) to the calendar.")
PY
