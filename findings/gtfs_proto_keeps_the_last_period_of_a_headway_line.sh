#!/bin/sh
# Of a line by headways gtfs-proto keeps the last period alone, and of where one may get on or off
# nothing.
#
# Library:   gtfs-proto 0.1.0, protobuf 7.36.2, zstandard 0.25.0 (PyPI)
# Expected:  A trip with two rows in frequencies.txt, 04:00 to 07:00 every 10 minutes and 19:00 to
#            23:00 every 30, has both periods in the package, and the pickup_type 1 of a bus that
#            lets nobody on at the plant. The documentation lists what is skipped, neither is there.
# Observed:  The trip has one period, 19:00 to 23:00; with the rows the other way round, that of the
#            morning. No stop has a pickup or drop-off type: they are read from
#            continuous_pickup and continuous_drop_off, which are about the road between stops, and
#            are there when those columns are.
# Matters:   Each period of a day is a row, so of most lines at even headways one shift remains, the
#            one whose row stands last. Buses that only let workers off take them home.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-proto==0.1.0" "protobuf==7.36.2" "zstandard==0.25.0"

venv/bin/python - <<'PY'
import subprocess
import sys
import zipfile

import gtfs_proto

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "TOWN,Town,46.67,-1.43\nPLANT,Plant,46.70,-1.40\nVILLAGE,Village,46.73,-1.37\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,One,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id,shape_id\nR1,W,T1,L1\n",
    "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
    "L1,46.67,-1.43,1\nL1,46.73,-1.37,2\n",
}
MORNING, EVENING = "T1,04:00:00,07:00:00,600\n", "T1,19:00:00,23:00:00,1800\n"


def packed(periods, types, column="pickup_type"):
    """Return the period of the only trip, its headway and the pickup types of its stops."""
    calls = (("TOWN", "04:00:00"), ("PLANT", "04:10:00"), ("VILLAGE", "04:20:00"))
    rows = "".join(
        f"T1,{at},{at},{stop},{row},{type_}\n"
        for row, ((stop, at), type_) in enumerate(zip(calls, types, strict=True), 1)
    )
    tables = TABLES | {
        "stop_times": f"trip_id,arrival_time,departure_time,stop_id,stop_sequence,{column}\n{rows}",
        "frequencies": "trip_id,start_time,end_time,headway_secs\n" + "".join(periods),
    }
    with zipfile.ZipFile("feed.zip", "w") as archive:
        for table, text in tables.items():
            archive.writestr(f"{table}.txt", text)
    subprocess.run(
        [sys.executable, "-m", "gtfs_proto", "pack", "feed.zip", "-o", "feed.gtp"], check=True
    )
    with open("feed.gtp", "rb") as file:
        (trip,) = gtfs_proto.GtfsProto(file, read_now=True).trips
    hours = tuple(f"{at // 60:02}:{at % 60:02}" for at in (trip.start_time, trip.end_time))
    return hours, trip.interval, list(trip.pickup_types)


seen = {
    "morning, evening": packed((MORNING, EVENING), (0, 1, 1)),
    "evening, morning": packed((EVENING, MORNING), (0, 1, 1)),
    "continuous_pickup": packed((MORNING,), (0, 1, 1), "continuous_pickup"),
}
for what, found in seen.items():
    print(f"{what}: {found}")
if seen["morning, evening"][:2] != (("19:00", "23:00"), 1800):
    sys.exit("Changed: the evening is no longer all that is kept.")
if seen["evening, morning"][:2] != (("04:00", "07:00"), 600):
    sys.exit("Changed: the morning is no longer all that is kept.")
if seen["morning, evening"][2] or not seen["continuous_pickup"][2]:
    sys.exit("Changed: where one may get on is read from other columns.")
PY
