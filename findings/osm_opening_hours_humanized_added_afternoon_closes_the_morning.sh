#!/bin/sh
# A Wednesday afternoon added with a comma closes the morning in osm-opening-hours-humanized.
#
# Library:   osm-opening-hours-humanized 1.0.0b7, opening-hours-py 2.1.4 (PyPI)
# Expected:  "Mo-Fr 04:30-08:00, We 13:00-16:00": rules are parted by ";" (the later one replaces)
#            or by "," (an additional rule, whose hours come on top): OpenStreetMap's specification
#            of opening_hours, rule separators.
# Observed:  Open from 13:00 to 16:00 alone on Wednesdays, as if ";" stood there. opening-hours-py
#            has both periods. The days without an added rule are equal in both.
# Matters:   Gates, car parks, bicycle stores and agencies write their second opening that way. The
#            morning shift of one weekday finds the door shut, and only on that day.
# Instead:   Read with opening-hours-py, or write "We 04:30-08:00,13:00-16:00".
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "osm-opening-hours-humanized==1.0.0b7" "lark-parser==0.12.0" "opening-hours-py==2.1.4"

venv/bin/python -W ignore - <<'PY'
import datetime as dt
import sys

from opening_hours import OpeningHours
from osm_opening_hours_humanized import OHParser

DAYS = {"Tuesday": dt.date(2026, 11, 3), "Wednesday": dt.date(2026, 11, 4)}


def humanized(text, day):
    """Return the hours of a day from osm-opening-hours-humanized."""
    periods = OHParser(text).opening_periods_between(day, day)
    return [f"{start:%H:%M}-{end:%H:%M}" for start, end in periods]


def other(text, day):
    """Return the hours of a day from opening-hours-py."""
    start = dt.datetime.combine(day, dt.time())
    spans = OpeningHours(text).intervals(start, start + dt.timedelta(days=1))
    return [f"{a:%H:%M}-{b:%H:%M}" for a, b, state, *_ in spans if str(state) == "open"]


seen = {}
for text in ("Mo-Fr 04:30-08:00, We 13:00-16:00", "Mo-Fr 04:30-08:00; We 13:00-16:00"):
    for day, date in DAYS.items():
        seen[text[17], day] = humanized(text, date), other(text, date)
        print(f"{text}, {day}:", *seen[text[17], day])
morning, both, afternoon = ["04:30-08:00"], ["04:30-08:00", "13:00-16:00"], ["13:00-16:00"]
if seen[",", "Tuesday"] != (morning, morning) or seen[";", "Wednesday"] != (afternoon, afternoon):
    sys.exit("Changed: days without an added rule differ.")
if seen[",", "Wednesday"] != (afternoon, both):
    sys.exit("Changed: an additional rule adds its hours, or otherwise.")
PY
