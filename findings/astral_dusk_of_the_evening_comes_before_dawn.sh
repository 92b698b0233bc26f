#!/bin/sh
# Asked for the nautical dusk of a June day near the Channel, astral answers with 00:07 of that
# day: the end of the evening before.
#
# Library:   astral 3.2 (PyPI)
# Expected:  dusk(date=d) is the end of that day's evening, so that dawn(d) < sunset(d) < dusk(d);
#            when twilight lasts past midnight, dusk falls on d + 1.
# Observed:  In Dunkerque on 21 June 2026 (depression 12) dusk is 2026-06-21 00:07, 22 hours
#            before the sunset of the same call. In Lille, half a degree south, it is 23:58 of the
#            same evening: crossing midnight moves the answer a whole day.
# Matters:   Light at the end of a 13:00-21:00 or 21:00-05:00 shift decides who may walk or cycle.
#            dusk minus dawn turns negative, so a whole evening is lit or dark by mistake on the
#            weeks around midsummer.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "astral==3.2"

venv/bin/python -W ignore - <<'PY'
import datetime as dt
import sys
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import dusk, sunset

day, zone = dt.date(2026, 6, 21), ZoneInfo("Europe/Paris")
places = {"Dunkerque": Observer(51.03, 2.37), "Lille": Observer(50.6, 3.06)}
seen = {}
for name, place in places.items():
    down = sunset(place, day, tzinfo=zone)
    end = dusk(place, day, depression=12, tzinfo=zone)
    seen[name] = end < down
    print(f"{name}: sunset {down:%d %B %H:%M}, nautical dusk {end:%d %B %H:%M}")
if seen != {"Dunkerque": True, "Lille": False}:
    sys.exit("Changed: the dusk of a day past midnight is no longer given as the evening before.")
PY
