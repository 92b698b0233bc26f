#!/bin/sh
# A bus of a headway line that is on time is an hour and a half late for gtfs-rt-kit, and a night
# bus without a start date a whole day early.
#
# Library:   gtfs-rt-kit 0.1.0, gtfs-realtime-bindings 3.0.0 (PyPI)
# Expected:  A line leaves every half hour from 04:00 on (frequencies.txt, exact_times 1): its trip
#            in stop_times is a template, and a trip update names the run by start_time. The run of
#            05:30 that arrives at 05:50 is on time, as is the one of 04:00 at 04:20. A night bus of
#            Thursday's service, at 24:30 and 24:50, that arrives on Friday at 00:50 is on time.
# Observed:  trip_delays gives 5,400 seconds for the run of 05:30: start_time is not read. Without
#            start_date, which GTFS-realtime demands of buses late by a day alone, the night bus is
#            told -86,400 seconds by a message of 00:40, and 0 by one of 23:50 the evening before.
# Matters:   Delays over months say which connections a shift can count on. The lines at even
#            headways and the last bus home come out as the worst, or as hours ahead, and means over
#            all lines with them.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-rt-kit==0.1.0" "gtfs-realtime-bindings==3.0.0"

venv/bin/python - <<'PY'
import sys
import zipfile
from datetime import datetime
from zoneinfo import ZoneInfo

import gtfs_rt_kit
from google.transit.gtfs_realtime_pb2 import FeedMessage

PARIS = ZoneInfo("Europe/Paris")
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nS1,Town,46.67,-1.43\nS2,Plant,46.70,-1.40\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id\nR1,W,HEADWAY\nR1,W,NIGHT\n",
    "frequencies": "trip_id,start_time,end_time,headway_secs,exact_times\n"
    "HEADWAY,04:00:00,07:00:00,1800,1\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "HEADWAY,04:00:00,04:00:00,S1,1\nHEADWAY,04:20:00,04:20:00,S2,2\n"
    "NIGHT,24:30:00,24:30:00,S1,1\nNIGHT,24:50:00,24:50:00,S2,2\n",
}
with zipfile.ZipFile("feed.zip", "w") as archive:
    for table, text in TABLES.items():
        archive.writestr(f"{table}.txt", text)
timetable = gtfs_rt_kit.StaticGtfs("feed.zip")


def delay(trip_id, arrival, told_at, **run):
    """Return the seconds late at the plant of a bus that arrives then (Paris time)."""
    message = FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int(datetime(*told_at, tzinfo=PARIS).timestamp())
    update = message.entity.add(id="1").trip_update
    update.timestamp = message.header.timestamp
    update.trip.trip_id = trip_id
    for name, value in run.items():
        setattr(update.trip, name, value)
    stop = update.stop_time_update.add(stop_sequence=2, stop_id="S2")
    stop.arrival.time = int(datetime(*arrival, tzinfo=PARIS).timestamp())
    (read,) = gtfs_rt_kit.parse_feed(message.SerializeToString()).trip_updates
    (found,) = gtfs_rt_kit.trip_delays(read, timetable)
    return found.delay


friday = {"start_date": "20261106"}
runs = [
    delay("HEADWAY", (2026, 11, 6, 4, 20), (2026, 11, 6, 4, 10), start_time="04:00:00", **friday),
    delay("HEADWAY", (2026, 11, 6, 5, 50), (2026, 11, 6, 5, 40), start_time="05:30:00", **friday),
]
home = (2026, 11, 6, 0, 50)
nights = [
    delay("NIGHT", home, (2026, 11, 6, 0, 40), start_date="20261105"),
    delay("NIGHT", home, (2026, 11, 5, 23, 50)),
    delay("NIGHT", home, (2026, 11, 6, 0, 40)),
]
print("runs of 04:00 and 05:30, both on time:", *runs)
print("night bus on time, with its date, told at 23:50, told at 00:40:", *nights)
if runs != [0, 5400]:
    sys.exit("Changed: a run of a headway line is compared with its own hours.")
if nights != [0, 0, -86400]:
    sys.exit("Changed: a night bus without a date is compared with another day.")
PY
