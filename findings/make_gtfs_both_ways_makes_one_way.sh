#!/bin/sh
# A line told to run both ways runs one way in the feed of make-gtfs, if it also makes the stops.
#
# Library:   make-gtfs 5.0.0, gtfs-kit 13.0.1 (PyPI)
# Expected:  direction 2 means both ways, at the frequency given each way. Without stops.csv the
#            stops are made along the line: one vehicle an hour from 05:00 to 08:00 makes three
#            buses out and three back.
# Observed:  Three buses out and none back: stops are made on one side of the street alone, and the
#            buses back, which look for theirs on the other side, are taken out of the feed
#            without a word. With stop_offset=0 all six are there.
# Matters:   A sketched shuttle brings the shift to the plant and never home; the feed is valid, and
#            only a test of the way home shows it.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "make-gtfs==5.0.0" "gtfs-kit==13.0.1" "pandas==3.1.1" "geopandas==1.2.0" "pandera==0.35.0"

venv/bin/python -W ignore - <<'PY'
import json
import sys
from pathlib import Path

import make_gtfs

LINE = {
    "type": "Feature", "properties": {"shape_id": "L"},
    "geometry": {"type": "LineString", "coordinates": [[-1.43, 46.67], [-1.41, 46.69]]},
}
FILES = {
    "meta.csv": "agency_id,agency_name,agency_url,agency_timezone,start_date,end_date\n"
    "A,A,http://example.org,Europe/Paris,20261102,20261127\n",
    "frequencies.csv": "route_short_name,route_long_name,route_type,service_window_id,"
    "shape_id,direction,frequency,speed\nN,Shuttle,3,early,L,2,1,30.0\n",
    "service_windows.csv": "service_window_id,start_time,end_time,monday,tuesday,wednesday,"
    "thursday,friday,saturday,sunday\nearly,05:00:00,08:00:00,1,1,1,1,1,0,0\n",
    "shapes.geojson": json.dumps({"type": "FeatureCollection", "features": [LINE]}),
}
for name, text in FILES.items():
    Path(name).write_text(text)


def buses(**options):
    """Return {direction: departures from the first stop} of the feed made."""
    feed = make_gtfs.build_feed(make_gtfs.read_protofeed("."), **options)
    calls = feed.stop_times.merge(feed.trips, on="trip_id")
    first = calls[calls.stop_sequence == 0]
    return {way: sorted(of.departure_time) for way, of in first.groupby("direction_id")}


usual, amid = buses(), buses(stop_offset=0)
print("as it comes:", usual)
print("stops in the middle of the street:", amid)
hours = ["05:00:00", "06:00:00", "07:00:00"]
if amid != {0: hours, 1: hours}:
    sys.exit("Changed: stops in the middle of the street no longer serve both ways.")
if usual != {0: hours}:
    sys.exit("Changed: a line that runs both ways has its buses back.")
PY
