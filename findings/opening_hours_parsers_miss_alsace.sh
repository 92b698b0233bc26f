#!/bin/sh
# Coordinates in Strasbourg do not bring the two holidays of Alsace-Moselle to an opening_hours
# parser.
#
# Library:   opening-hours-py 2.1.4 (PyPI), holidays 0.109 (PyPI)
# Expected:  Given coordinates, the parser finds country and time zone and applies the holidays of
#            the place: "PH off" closes Strasbourg on Good Friday and on 26 December, as local law
#            does.
# Observed:  The coordinates do find France (1 May is closed) and Europe/Paris, but Good Friday
#            and 26 December 2026 are open in Strasbourg, and a holiday calendar for the Moselle
#            (code 57) lists both days.
# Matters:   On two days a year a gate, a car park or a bicycle store tagged "PH off" is thought
#            open where it is shut.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "opening-hours-py==2.1.4" "holidays==0.109"

venv/bin/python -W ignore - <<'PY'
import sys
from datetime import date, datetime

import holidays
from opening_hours import OpeningHours

gate = OpeningHours("Mo-Su 05:00-21:00; PH off", coords=(48.58, 7.75))
days = (date(2026, 4, 3), date(2026, 12, 26))
calendar = holidays.France(years=2026, subdiv="57")
labour = gate.is_open(datetime(2026, 5, 1, 10))
local = [gate.is_open(datetime(day.year, day.month, day.day, 10)) for day in days]
print("open on 1 May:", labour, "- on Good Friday and 26 December:", local)
print("holidays of the Moselle:", [day in calendar for day in days])
if labour or local != [True, True] or not all(day in calendar for day in days):
    sys.exit("Changed: the place in Alsace now brings its own holidays (or the calendar lost them).")
PY
