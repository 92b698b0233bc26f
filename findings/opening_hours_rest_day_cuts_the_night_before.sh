#!/bin/sh
# A rest day in an OpenStreetMap opening_hours value ends the night shift that began the day
# before.
#
# Library:   opening-hours-py 2.1.4 (PyPI)
# Expected:  "Mo-Fr 21:00-05:00; Sa off": the night belongs to the day it starts on, so Friday's
#            night is open until Saturday 05:00 and the rest day concerns what would start on
#            Saturday. "Mo-Su 21:00-05:00; PH off" likewise keeps the night of 30 April.
# Observed:  Adding "; Sa off" closes Saturday from 00:00: at 03:00 the gate is shut, though
#            without the (seemingly idle) addition it is open. On 1 May at 03:00 the night begun
#            on 30 April is cut at midnight, while the night that starts on the holiday itself is
#            closed at 22:00 but the hours after midnight of 2 May are open again, from a night
#            that never began.
# Matters:   Night workers leave at 05:00 through gates, car parks and bicycle stores tagged so.
#            Read literally, five hours of every last night of the week vanish; a service day must
#            be asked for, not a calendar date.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "opening-hours-py==2.1.4"

venv/bin/python -W ignore - <<'PY'
import sys
from datetime import datetime

from opening_hours import OpeningHours

def is_open(value, *when, **where):
    return OpeningHours(value, **where).is_open(datetime(*when))

plain = is_open("Mo-Fr 21:00-05:00", 2026, 11, 28, 3)
rest = is_open("Mo-Fr 21:00-05:00; Sa off", 2026, 11, 28, 3)
holiday = [
    is_open("Mo-Su 21:00-05:00; PH off", 2026, *when, country="FR")
    for when in ((5, 1, 3), (5, 1, 22), (5, 2, 3))
]
print("Saturday 03:00, after Friday's night:", plain, "- with '; Sa off':", rest)
print("1 May 03:00, 1 May 22:00, 2 May 03:00 with '; PH off':", holiday)
if (plain, rest, holiday) != (True, False, [False, False, True]):
    sys.exit("Changed: a rest day no longer ends at midnight the night begun the day before.")
PY
