#!/bin/sh
# A bus that is told as ten minutes late at each stop is late at none for gtfsr-kit, unless each
# stop is named twice.
#
# Library:   gtfsr-kit 8.0.1, gtfs-kit 13.0.1, gtfs-realtime-bindings 3.0.0, pandas 3.1.1 (PyPI)
# Expected:  In GTFS-realtime a stop time update names its stop by stop_sequence or by stop_id; one
#            is enough. build_augmented_stop_times sets the delays told for the three stops beside
#            the times of the timetable.
# Observed:  With both: 600, 660, 720 seconds. With stop_sequence alone: no delay at any stop,
#            though extract_delays and combine_delays return all three. With stop_id alone: none
#            either, and combine_delays has thrown two of the three away and kept the last. Nothing
#            warns.
# Matters:   A missing delay is a bus on time. Whether the bus of the early shift keeps its
#            connection is measured over months of such feeds; the networks that name stops once, as
#            the format allows, come out as perfectly on time.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfsr-kit==8.0.1" "gtfs-kit==13.0.1" "gtfs-realtime-bindings==3.0.0" "pandas==3.1.1" \
    "geopandas==1.2.0"

venv/bin/python -W ignore - <<'PY'
import datetime
import sys
import zipfile

import gtfs_kit
import gtfsr_kit
from google.transit.gtfs_realtime_pb2 import FeedMessage

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Town,46.67,-1.43\nS2,Bridge,46.68,-1.42\nS3,Plant,46.70,-1.40\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id\nR1,W,T1\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,04:30:00,04:30:00,S1,1\nT1,04:40:00,04:40:00,S2,2\nT1,04:50:00,04:50:00,S3,3\n",
}
with zipfile.ZipFile("feed.zip", "w") as archive:
    for table, text in TABLES.items():
        archive.writestr(f"{table}.txt", text)
timetable = gtfs_kit.read_feed("feed.zip", dist_units="km")
TOLD_AT = datetime.datetime(2026, 11, 6, 3, 35, tzinfo=datetime.timezone.utc)


def late_bus(*, by_sequence, by_id):
    """Return a GTFS-realtime message: 600, 660 and 720 seconds late at the three stops."""
    message = FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int(TOLD_AT.timestamp())
    entity = message.entity.add(id="1")
    trip = entity.trip_update.trip
    trip.trip_id, trip.route_id, trip.start_date = "T1", "R1", "20261106"
    for number in (1, 2, 3):
        update = entity.trip_update.stop_time_update.add()
        if by_sequence:
            update.stop_sequence = number
        if by_id:
            update.stop_id = f"S{number}"
        update.arrival.delay = update.departure.delay = 540 + 60 * number
    return message


def delays(**named):
    """Return the delay at each stop, and how many the two steps before hold."""
    message = late_bus(**named)
    extracted = gtfsr_kit.extract_delays(message)
    combined = gtfsr_kit.combine_delays([extracted])
    times = gtfsr_kit.build_augmented_stop_times([message], timetable, "20261106")
    at_stops = [None if d != d else d for d in times.arrival_delay.astype(float)]
    return at_stops, len(extracted), len(combined)


both = delays(by_sequence=True, by_id=True)
sequence, stop = delays(by_sequence=True, by_id=False), delays(by_sequence=False, by_id=True)
print("delays, extracted, combined")
print("stop_sequence and stop_id:", *both)
print("stop_sequence alone:", *sequence)
print("stop_id alone:", *stop)
if both != ([600.0, 660.0, 720.0], 3, 3):
    sys.exit("Changed: a stop named twice has another delay.")
if (sequence, stop) != (([None] * 3, 3, 3), ([None] * 3, 3, 1)):
    sys.exit("Changed: a stop named once has its delay.")
PY
