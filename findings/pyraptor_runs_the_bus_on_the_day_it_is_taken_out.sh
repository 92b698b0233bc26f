#!/bin/sh
# pyraptor's bus runs on the public holiday it is taken out of, and on no other day.
#
# Library:   pyraptor 1.3.10, pandas 1.5.3, numpy 1.26.4 (PyPI)
# Expected:  A bus from Monday to Friday in calendar.txt, taken out on 11 November by a line of
#            calendar_dates.txt (exception_type 2): it is there on 10 November, not on the 11th.
# Observed:  On 10 November the timetable is empty. On 11 November the bus leaves at 04:30 and is
#            at the plant at 04:50. calendar.txt is not read, and the dates are without a look at
#            exception_type. Where each day is listed as added, as in the Dutch feed of the
#            documentation, all is well.
# Matters:   A weekly calendar with exceptions is how most feeds are written. Asked for a public
#            holiday, every line that rests on it runs; asked for a working day, nothing does, and
#            each home is a white zone.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pyraptor==1.3.10" "pandas==1.5.3" "numpy==1.26.4" "attrs==25.3.0" "joblib==1.6.0"

venv/bin/python -W ignore - <<'PY'
import sys
from pathlib import Path

from loguru import logger
from pyraptor.gtfs.timetable import gtfs_to_pyraptor_timetable, read_gtfs_timetable
from pyraptor.query_raptor import run_raptor

logger.remove()
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,Bus,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station,"
    "platform_code\n"
    "S1,T,Town,46.67,-1.43,1,,\nQ1,T,Town,46.67,-1.43,0,S1,1\n"
    "S2,P,Plant,46.70,-1.40,1,,\nQ2,P,Plant,46.70,-1.40,0,S2,1\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\n"
    "R1,A,1,Town - Plant,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    # pyraptor asks for a column trip_long_name, which GTFS lets a producer add.
    "trips": "route_id,service_id,trip_id,trip_short_name,trip_long_name\nR1,W,T1,101,Bus\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,04:30:00,04:30:00,Q1,1\nT1,04:50:00,04:50:00,Q2,2\n",
}
TAKEN_OUT = "W,20261111,2\n"
LISTED = "W,20261110,1\n"


def arrivals(exceptions):
    """Return the arrival at the plant on 10 and 11 November, None without a bus."""
    for table, text in TABLES.items():
        Path(f"{table}.txt").write_text(text)
    Path("calendar_dates.txt").write_text(f"service_id,date,exception_type\n{exceptions}")
    found = []
    for day in ("20261110", "20261111"):
        timetable = gtfs_to_pyraptor_timetable(read_gtfs_timetable(".", day, ["Bus"]))
        if len(timetable.trips) == 0:
            found.append(None)
            continue
        minutes = run_raptor(timetable, "Town", 4 * 3600, 2)["Plant"].arr() // 60
        found.append(f"{minutes // 60:02d}:{minutes % 60:02d}")
    return found


weekly, listed = arrivals(TAKEN_OUT), arrivals(LISTED)
print("weekly, taken out on the 11th: 10 November", weekly[0], "- 11 November", weekly[1])
print("the 10th listed alone: 10 November", listed[0], "- 11 November", listed[1])
if listed != ["04:50", None]:
    sys.exit("Changed: a day that is listed as added is read otherwise.")
if weekly != [None, "04:50"]:
    sys.exit("Changed: the weekly calendar or the kind of exception is read.")
PY
