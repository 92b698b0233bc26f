#!/bin/sh
# Read and written again by gtfs-kit, an on-demand feed keeps its ids and loses what they mean.
#
# Library:   gtfs-kit 13.0.1, pandas 3.1.1 (PyPI)
# Expected:  A copy of a feed holds what the feed holds; or tables that are not known are told as
#            left out.
# Observed:  read_feed() then to_file(): stop_times.txt keeps location_id Z1 and
#            pickup_booking_rule_id B1, while locations.geojson and booking_rules.txt are gone,
#            without a word. pathways.txt goes the same way.
# Matters:   On-demand transport may be the only service at 04:00. A feed that was merely clipped
#            or cleaned with the library offers rides in a zone that exists no more.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-kit==13.0.1" "pandas==3.1.1" "geopandas==1.2.0"

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

feed(
    "flex.zip",
    trips="route_id,service_id,trip_id\nR1,W,F1\n",
    stop_times="trip_id,stop_sequence,location_id,start_pickup_drop_off_window,"
    "end_pickup_drop_off_window,pickup_type,drop_off_type,pickup_booking_rule_id,stop_id,"
    "arrival_time,departure_time\n"
    "F1,1,Z1,04:00:00,06:00:00,2,1,B1,,,\nF1,2,Z1,04:00:00,06:00:00,1,2,B1,,,\n",
    booking_rules="booking_rule_id,booking_type,prior_notice_duration_min\nB1,1,60\n",
    **{
        "locations.geojson": '{"type":"FeatureCollection","features":[{"type":"Feature",'
        '"id":"Z1","properties":{},"geometry":{"type":"Polygon","coordinates":'
        "[[[-1.5,46.6],[-1.3,46.6],[-1.3,46.7],[-1.5,46.6]]]}}]}"
    },
)
gtfs_kit.read_feed("flex.zip", dist_units="km").to_file(pathlib.Path("copy.zip"))
copy = zipfile.ZipFile("copy.zip")
names, rows = sorted(copy.namelist()), copy.read("stop_times.txt").decode()
print("tables of the copy:", *names)
print(rows)
lost = "booking_rules.txt" not in names and "locations.geojson" not in names
if not (lost and ",Z1," in rows and ",B1," in rows):
    sys.exit("Changed: the copy of an on-demand feed no longer points at tables it left out.")
PY
