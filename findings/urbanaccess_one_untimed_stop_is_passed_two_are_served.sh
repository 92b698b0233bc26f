#!/bin/sh
# UrbanAccess lets a bus run past a stop without a time of its own, unless the bus has two of them.
#
# Library:   urbanaccess 0.2.2, pandas 1.5.3, numpy 1.26.4 (PyPI)
# Expected:  A bus TOWN 04:30, HALT 04:40, PLANT (no time given, as GTFS allows between timepoints),
#            VILLAGE 05:00 stops at the plant at about 04:50, as it does when HALT has no time
#            either.
# Observed:  With HALT and PLANT untimed: TOWN-HALT, HALT-PLANT and PLANT-VILLAGE, 10 minutes each.
#            With PLANT alone untimed: TOWN-HALT 10 minutes and HALT-VILLAGE 20 minutes, and nothing
#            leads to the plant. Only trips that lack more than one time are interpolated; the lone
#            record is told as one that could not be and was removed.
# Matters:   A timetable that gives one more time takes the plant off the line: the better timed of
#            two feeds has the less accessible jobs.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "urbanaccess==0.2.2" "pandas==1.5.3" "numpy==1.26.4" "setuptools==75.8.0"

cat >links.py <<'PY'
import pathlib
import sys

import urbanaccess

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nTOWN,Town,46.67,-1.43\n"
    "HALT,Halt,46.68,-1.42\nPLANT,Plant,46.69,-1.41\nVILLAGE,Village,46.70,-1.40\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,One,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id,direction_id\nR1,W,T1,0\n",
}


def links(name, halt, plant):
    """Return the minutes between stops on a Friday morning, by the hours given at two stops."""
    calls = (("TOWN", "04:30:00"), ("HALT", halt), ("PLANT", plant), ("VILLAGE", "05:00:00"))
    rows = "".join(f"T1,{at},{at},{stop},{row}\n" for row, (stop, at) in enumerate(calls, 1))
    tables = TABLES | {
        "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n" + rows
    }
    folder = pathlib.Path(name, "feed")
    folder.mkdir(parents=True)
    for table, text in tables.items():
        (folder / f"{table}.txt").write_text(text)
    feed = urbanaccess.gtfs.load.gtfsfeed_to_df(gtfsfeed_path=name, verbose=False)
    urbanaccess.gtfs.network.create_transit_net(
        gtfsfeeds_dfs=feed, day="friday", timerange=["04:00:00", "07:00:00"]
    )
    edges = urbanaccess.network.ua_network.transit_edges
    return {
        f"{start.split('_')[0]}-{end.split('_')[0]}": minutes
        for start, end, minutes in edges[["node_id_from", "node_id_to", "weight"]].values.tolist()
    }


seen = {
    "all timed": links("all", "04:40:00", "04:50:00"),
    "one untimed": links("one", "04:40:00", ""),
    "two untimed": links("two", "", ""),
}
for what, found in seen.items():
    print(f"{what}: {found}")
served = {"TOWN-HALT": 10.0, "HALT-PLANT": 10.0, "PLANT-VILLAGE": 10.0}
if seen["all timed"] != served or seen["two untimed"] != served:
    sys.exit("Changed: the stops of a bus that gives all times, or two fewer, are otherwise.")
if seen["one untimed"] != {"TOWN-HALT": 10.0, "HALT-VILLAGE": 20.0}:
    sys.exit("Changed: a lone stop without a time is served too.")
PY
venv/bin/python -W ignore links.py >log 2>&1 || { cat log >&2; exit 1; }
grep "timed: " log
