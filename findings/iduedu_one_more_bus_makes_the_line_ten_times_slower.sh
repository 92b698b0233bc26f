#!/bin/sh
# One more bus in the evening makes a line ten times slower in the graph of iduedu.
#
# Library:   iduedu 2.3.0, geopandas 1.2.0, pandas 3.1.1, numpy 2.4.6 (PyPI)
# Expected:  From the village to the plant, 20 minutes, there are buses at 05:00 and 05:10. One at
#            21:00 takes nothing from anybody: the way gets no longer.
# Observed:  25 minutes with the two, 260 with the third: the wait is half the mean gap between the
#            departures of the day, and the evening bus brings a gap of 16 hours. A bus at 05:00
#            alone makes no way (a warning says so). Between 04:00 and 06:00 the three are 25 again,
#            and between 20:00 and 22:00, where the bus of 21:00 is, there is no way.
# Matters:   Accessibility falls where a bus for the late shift is added and rises where it is taken
#            away: a comparison of before and after has the wrong sign. Bounds on the hours do not
#            mend it, since one bus within the hour is what a shift has.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "iduedu==2.3.0" "geopandas==1.2.0" "pandas==3.1.1" "numpy==2.4.6"

venv/bin/python -W ignore - <<'PY'
import sys
import zipfile

import iduedu

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Village,46.67,-1.43\nS2,Plant,46.70,-1.40\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
}


def minutes(*departures, **hours):
    """Return the minutes from the village to the plant, infinite without a way."""
    trips = ["route_id,service_id,trip_id"]
    calls = ["trip_id,arrival_time,departure_time,stop_id,stop_sequence"]
    for number, (hour, minute) in enumerate(departures):
        trips.append(f"R1,W,T{number}")
        for sequence, stop, run in ((1, "S1", 0), (2, "S2", 20)):
            time = f"{hour:02d}:{minute + run:02d}:00"
            calls.append(f"T{number},{time},{time},{stop},{sequence}")
    with zipfile.ZipFile("feed.zip", "w") as archive:
        for table, text in TABLES.items():
            archive.writestr(f"{table}.txt", text)
        archive.writestr("trips.txt", "\n".join(trips))
        archive.writestr("stop_times.txt", "\n".join(calls))
    graph = iduedu.get_gtfs_public_transport_graph("feed.zip", service_date="2026-11-06", **hours)
    stops = graph.nodes_gdf[graph.nodes_gdf["type"] == "platform"]["gtfs_stop_id"]
    village, plant = (stops.index[stops == stop][0] for stop in ("S1", "S2"))
    times = iduedu.single_source_dijkstra_path_length(graph, village, weight="time_min")
    return float(times.get(plant, float("inf")))


DAWN, EVENING = [(5, 0), (5, 10)], [(21, 0)]
day = {
    "05:00 and 05:10": minutes(*DAWN),
    "05:00, 05:10 and 21:00": minutes(*DAWN, *EVENING),
    "05:00 alone": minutes(DAWN[0]),
}
dawn = minutes(*DAWN, *EVENING, start_time="04:00", end_time="06:00")
evening = minutes(*DAWN, *EVENING, start_time="20:00", end_time="22:00")
for buses, time in day.items():
    print(f"{buses}: {time} minutes")
print("the three, from 04:00 to 06:00 and from 20:00 to 22:00:", dawn, evening)
if list(day.values()) != [25.0, 260.0, float("inf")]:
    sys.exit("Changed: the wait is no longer half the mean gap of the day.")
if (dawn, evening) != (25.0, float("inf")):
    sys.exit("Changed: within bounds the wait is another.")
PY
