#!/bin/sh
# One stop without a time sends the bus of midnight to 06:15 and the night a day back, in
# combine-gtfs-feeds.
#
# Library:   combine-gtfs-feeds 0.1.9, pandas 2.2.3, numpy 1.26.4 (PyPI)
# Expected:  GTFS lets the stops between timepoints go without times. They are filled in, trip by
#            trip, and no other time of the feed changes.
# Observed:  As soon as one stop of any trip has no time, every 00:00:00 counts as missing too and
#            is filled from the trips before and after it in the table: a bus from 00:00 to 00:20
#            leaves at 06:15, after it has arrived. Hours past 24:00:00 lose a day: 25:00:00
#            becomes 01:00:00 of the same service day. With all times given the feed comes out
#            unchanged.
# Matters:   The combined feed offers a bus to the morning shift that runs at midnight, and takes
#            Friday's late shift home in Friday's first hours. An untimed stop of a daytime line,
#            in any of the feeds, is enough.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "combine-gtfs-feeds==0.1.9" "pandas==2.2.3" "numpy==1.26.4"

venv/bin/python -W ignore - <<'PY'
import logging
import sys
from pathlib import Path

from combine_gtfs_feeds.cli.run import combine

logging.disable(logging.CRITICAL)
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "S1,Town,46.67,-1.43\nS2,Bridge,46.68,-1.42\nS3,Plant,46.69,-1.41\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "trips": "route_id,service_id,trip_id,shape_id\n"
    "R1,W,DAY,L\nR1,W,MIDNIGHT,L\nR1,W,NIGHT,L\n",
    "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
    "L,46.67,-1.43,1\nL,46.69,-1.41,2\n",
}


def combined(name, between):
    """Return the departures of each trip once combined; DAY passes its second stop at `between`."""
    folder, out = Path(name, "feed"), Path(name + "_out")
    folder.mkdir(parents=True)
    out.mkdir()
    rows = ["trip_id,arrival_time,departure_time,stop_id,stop_sequence"]
    for trip, times in {
        "DAY": ("12:00:00", between, "12:20:00"),
        "MIDNIGHT": ("00:00:00", "00:10:00", "00:20:00"),
        "NIGHT": ("25:00:00", "25:10:00", "25:20:00"),
    }.items():
        rows += [f"{trip},{time},{time},S{i},{i}" for i, time in enumerate(times, 1)]
    for table, text in {**TABLES, "stop_times": "\n".join(rows) + "\n"}.items():
        (folder / f"{table}.txt").write_text(text)
    calls = combine(name, 20261106, str(out)).stop_times_df
    return {
        trip.removeprefix("feed_"): list(of.departure_time)
        for trip, of in calls.sort_values("stop_sequence").groupby("trip_id")
    }


timed, untimed = combined("timed", "12:10:00"), combined("untimed", "")
print("all times given:", timed)
print("one stop without:", untimed)
if timed["MIDNIGHT"][0] != "00:00:00" or timed["NIGHT"][0] != "25:00:00":
    sys.exit("Changed: a feed with all its times is rewritten as well.")
if untimed["MIDNIGHT"][0] != "06:15:00" or untimed["NIGHT"][0] != "01:00:00":
    sys.exit("Changed: filling one time leaves the other trips alone.")
PY
