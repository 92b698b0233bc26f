#!/bin/sh
# Two networks that gtfsmerger joins run on no day, share one vehicle, and lose the ride through
# from one trip to the next.
#
# Library:   gtfsmerger 0.1.6, pandas 2.2.3, numpy 1.26.4, gtfs-kit 13.0.1 to read (PyPI)
# Expected:  Two feeds with two trips each on working days, driven by one vehicle (block 1 of
#            either), in which passengers stay on board (a transfer of type 4). Joined: four trips
#            on a Friday, two vehicles, and two transfers between trips that exist.
# Observed:  The dates of calendar.txt and calendar_dates.txt are written as 2026-11-02 instead of
#            20261102. gtfs-kit finds no trip on any date of the period. Identifiers carry a prefix
#            for their feed, but block_id, from_trip_id and to_trip_id do not: the four trips are of
#            one block, and the transfers name trips that do not exist.
# Matters:   A basin has several networks, and plants lie where they meet. Once joined every commune
#            is a white zone; who mends the dates counts half the vehicles, and has everyone change
#            who could stay in the bus.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

for env in old new; do python3 -m venv $env; done
old/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfsmerger==0.1.6" "pandas==2.2.3" "numpy==1.26.4"
new/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-kit==13.0.1" "pandas==3.1.1" "geopandas==1.2.0"

old/bin/python -W ignore - <<'PY'
import zipfile

from gtfsmerger import GTFSMerger

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nS1,Town,46.67,-1.43\nS2,Plant,46.70,-1.40\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "calendar_dates": "service_id,date,exception_type\nW,20261111,2\n",
    "trips": "route_id,service_id,trip_id,block_id\nR1,W,T1,1\nR1,W,T2,1\n",
    "transfers": "from_stop_id,to_stop_id,from_trip_id,to_trip_id,transfer_type\nS2,S2,T1,T2,4\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,05:00:00,05:00:00,S1,1\nT1,05:10:00,05:10:00,S2,2\n"
    "T2,05:20:00,05:20:00,S2,1\nT2,05:30:00,05:30:00,S1,2\n",
}
for path in ("one.zip", "two.zip"):
    with zipfile.ZipFile(path, "w") as archive:
        for table, text in TABLES.items():
            archive.writestr(f"{table}.txt", text)
merger = GTFSMerger()
merger.merge_from_fpaths(["one.zip", "two.zip"])
merger.get_zipfile("both.zip")
PY

new/bin/python -W ignore - <<'PY'
import sys

import gtfs_kit

DAYS = [f"202611{day:02}" for day in range(2, 28)]


def told(path):
    """Return trips on Friday, days with trips, vehicles and transfers between known trips."""
    feed = gtfs_kit.read_feed(path, dist_units="km")
    trips = {day: len(feed.get_trips(day)) for day in DAYS}
    known = feed.transfers[["from_trip_id", "to_trip_id"]].isin(set(feed.trips["trip_id"]))
    days = sum(count > 0 for count in trips.values())
    vehicles = feed.trips["block_id"].nunique()
    return trips["20261106"], days, vehicles, int(known.all(axis=1).sum())


one, both = told("one.zip"), told("both.zip")
written = gtfs_kit.read_feed("both.zip", dist_units="km").calendar["start_date"].tolist()
print("trips on Friday, days with trips, vehicles, transfers between trips")
print("one network:", *one)
print("two joined:", *both, "from", *written)
if one != (2, 19, 1, 1):
    sys.exit("Changed: a feed by itself reads otherwise.")
if both != (0, 0, 1, 0) or written != ["2026-11-02"] * 2:
    sys.exit("Changed: the joined networks run, or keep their vehicles and transfers.")
PY
