#!/bin/sh
# jours-feries-france has zones for New Caledonia, French Polynesia and Wallis and Futuna, and
# gives them the mainland's days alone.
#
# Library:   jours-feries-france 0.7.0 (PyPI), holidays 0.109 (PyPI)
# Expected:  A zone offered beside Guadeloupe, Martinique and Reunion (which get their own day)
#            adds the local public holidays, or is refused.
# Observed:  For 2026 the three Pacific zones return exactly the eleven days of the mainland;
#            holidays 0.109 adds 24 September in New Caledonia, 5 March, Good Friday and 20
#            November in French Polynesia and 28 April, 29 June and 29 July in Wallis and Futuna.
#            Neither raises nor warns.
# Matters:   Which timetable runs, and whether the plant works, hangs on the calendar: a silent
#            mainland answer plans shifts and shuttles on days off.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "jours-feries-france==0.7.0" "holidays==0.109"

venv/bin/python -W ignore - <<'PY'
import sys

import holidays
from jours_feries_france import JoursFeries

mainland = set(JoursFeries.for_year(2026).values())
zones = {"Nouvelle-Calédonie": "NC", "Polynésie Française": "PF", "Wallis-et-Futuna": "WF"}
held = bool(set(JoursFeries.for_year(2026, zone="Guadeloupe").values()) - mainland)
for zone, code in zones.items():
    own = set(JoursFeries.for_year(2026, zone=zone).values()) - mainland
    other = sorted(set(holidays.France(years=2026, subdiv=code)) - mainland)
    print(f"{zone}: jours-feries-france adds {len(own)}; holidays adds", *other)
    held = held and not own and len(other) > 0
if not held:
    sys.exit("Changed: an overseas zone now has its own days, or the other calendar lost them.")
PY
