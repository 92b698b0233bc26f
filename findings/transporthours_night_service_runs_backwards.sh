#!/bin/sh
# A night line's hours in OpenStreetMap become a GTFS period that ends before it starts, and the
# next tool makes no bus of it.
#
# Library:   transporthours 0.0.4, gtfs-kit 13.0.1, pandas 3.1.1 (PyPI)
# Expected:  tagsToGtfs({"opening_hours": "Mo-Fr 21:00-05:00", "interval": "00:30"}) gives a
#            frequencies row from 21:00:00 to 29:00:00, as GTFS writes times after midnight of the
#            service day.
# Observed:  It gives start_time 21:00:00 and end_time 05:00:00. gtfs-kit expands that row into no
#            trip at all and drops no hint; with 29:00:00 it makes the sixteen departures.
# Matters:   The tags of night lines are the ones that cross midnight: going from OpenStreetMap to
#            GTFS, day lines survive and the line of the night shift is emptied.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "transporthours==0.0.4" "gtfs-kit==13.0.1" "pandas==3.1.1" "geopandas==1.2.0"

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


import gtfs_kit
from transporthours import Main

[row] = Main().tagsToGtfs({"opening_hours": "Mo-Fr 21:00-05:00", "interval": "00:30"})
print("from the tags:", row["start_time"], row["end_time"], row["headway"])
made = {}
for end in (row["end_time"], "29:00:00"):
    feed(
        "night.zip",
        trips="route_id,service_id,trip_id\nR1,W,T1\n",
        stop_times="trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "T1,21:00:00,21:00:00,S1,1\nT1,21:20:00,21:20:00,S3,2\n",
        frequencies="trip_id,start_time,end_time,headway_secs\n"
        f"T1,{row['start_time']},{end},{row['headway']}\n",
    )
    trips = gtfs_kit.read_feed("night.zip", dist_units="km").expand_frequencies().trips.trip_id
    made[end] = sum("freq" in trip for trip in trips)
print("departures made per end of the period:", made)
if made != {"05:00:00": 0, "29:00:00": 16}:
    sys.exit("Changed: a period past midnight now survives from the tags to the trips.")
PY
