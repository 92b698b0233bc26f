#!/bin/sh
# An interval tagged for school holidays only is given to every weekday of the year.
#
# Library:   transporthours 0.0.4 (PyPI)
# Expected:  "interval:conditional=60 @ (SH Mo-Fr 06:00-20:00)" over "interval=10": every ten
#            minutes, hourly in school holidays; GTFS has no word for SH, so the row is left out
#            or refused.
# Observed:  All weekdays run hourly all year: the prefix SH is dropped and the rule applied. The
#            everyday interval of ten minutes is gone.
# Matters:   Read so, the service of the holidays stands for the whole year: six times too thin in
#            this example.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "transporthours==0.0.4"

venv/bin/python -W ignore - <<'PY'
import sys

from transporthours import Main

tags = {
    "opening_hours": "Mo-Fr 06:00-20:00",
    "interval": "10",
    "interval:conditional": "60 @ (SH Mo-Fr 06:00-20:00)",
}
rows = Main().tagsToGtfs(tags)
for row in rows:
    print(row["start_time"], row["end_time"], "every", row["headway"], "s; Monday:", row["monday"])
if [row["headway"] for row in rows] != [3600]:
    sys.exit("Changed: a school-holiday interval no longer replaces that of every weekday.")
PY
