#!/bin/sh
# pynigiri counts the walk from home to the first stop, but not the one from the last stop to the
# plant.
#
# Library:   pynigiri 0.1.5, tzdata 2026.2 (PyPI)
# Expected:  A stop 10 minutes from home, and two near the plant: PARK 45 minutes away, reached at
#            05:10, and GATE 2 minutes away, reached at 05:20. With these offsets in query.start
#            and query.destination, and EQUIVALENT, which the documentation recommends for most
#            routing: off at GATE, at the plant at 05:22.
# Observed:  Off at PARK, "arrival" at 05:10. The offset at home counts: 31 minutes of it miss the
#            bus of 05:00. Those at the plant do not, with EQUIVALENT or EXACT; with INTERMODAL,
#            which the documentation does not name, it is GATE and 05:22.
# Matters:   Workers are sent to the wrong stop and told 05:10 where they are in at 05:55: every
#            limit on the whole time passes, and so does a plant that no stop is near to.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pynigiri==0.1.5" "tzdata==2026.2"

cat >search.py <<'PY'
import datetime
import pathlib
import sys
import zoneinfo

import pynigiri

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "HOME,Home,46.60,-1.60\nPARK,Park,46.67,-1.43\nGATE,Gate,46.80,-1.20\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,One,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id\nR1,W,T1\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,05:00:00,05:00:00,HOME,1\nT1,05:10:00,05:10:00,PARK,2\nT1,05:20:00,05:20:00,GATE,3\n",
}


def ride(timetable, mode, home_min):
    """Return the stop where one gets off, and the arrival, on a Friday from 04:30 on."""
    start = datetime.datetime(2026, 11, 6, 4, 30, tzinfo=PARIS)
    query = pynigiri.Query()
    query.start_time = int(start.timestamp()) // 60
    query.max_travel_time = 600
    query.start = [pynigiri.Offset(timetable.find_location("HOME"), home_min, 0)]
    query.destination = [
        pynigiri.Offset(timetable.find_location(stop), walk, 0)
        for stop, walk in (("PARK", 45), ("GATE", 2))
    ]
    query.start_match_mode = query.dest_match_mode = mode
    journeys = pynigiri.route(timetable, query)
    if not journeys:
        return "no way"
    buses = [leg for leg in journeys[0].legs if timetable.get_location_name(leg.to) != "END"]
    arrival = datetime.datetime.fromtimestamp(journeys[0].dest_time * 60, PARIS)
    return f"{timetable.get_location_name(buses[-1].to)} {arrival:%H:%M}"


feed = pathlib.Path("feed")
feed.mkdir()
for table, text in TABLES.items():
    (feed / f"{table}.txt").write_text(text)
timetable = pynigiri.load_timetable(
    [pynigiri.TimetableSource("gtfs", "feed")], "2026-11-01", "2026-11-30"
)
modes = pynigiri.LocationMatchMode
seen = {
    "EQUIVALENT": ride(timetable, modes.EQUIVALENT, 10),
    "EXACT": ride(timetable, modes.EXACT, 10),
    "INTERMODAL": ride(timetable, modes.INTERMODAL, 10),
    "EQUIVALENT, 31 minutes from home": ride(timetable, modes.EQUIVALENT, 31),
}
for mode, told in seen.items():
    print(f"{mode}: {told}")
if list(seen.values()) != ["Park 05:10", "Park 05:10", "Gate 05:22", "no way"]:
    sys.exit("Changed: the walk to the plant counts, or the one from home does not.")
PY
venv/bin/python search.py 2>log || { cat log >&2; exit 1; }
