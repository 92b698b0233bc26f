#!/bin/sh
# A bus that is cancelled leaves on time on the departure board that python-openpublictransport
# makes of FPTF, the format of the public HAFAS interfaces.
#
# Library:   python-openpublictransport 0.3.3, tzdata 2026.2 (PyPI)
# Expected:  In FPTF a departure with "cancelled": true has no "when", its "plannedWhen" says when
#            it would have left. It is left out or told as cancelled, as the same library tells a
#            cancelled departure of Entur, with the notice "Cancelled".
# Observed:  For Entur the notice is there. For BVG, read as FPTF, the cancelled bus equals one that
#            runs on time, field by field: planned and told at 04:45, 15 minutes from now, delay 0,
#            no notice. A missing "when" is replaced by the planned hour, "cancelled" is never read.
# Matters:   Reliability counted from such boards rises with every bus that does not run, and the
#            workers of the morning shift are told to wait for it.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "python-openpublictransport==0.3.3" "tzdata==2026.2"

venv/bin/python - <<'PY'
import datetime
import sys
import zoneinfo

import openpublictransport

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NOW = datetime.datetime(2026, 11, 6, 4, 30, tzinfo=BERLIN)
AT = "2026-11-06T04:45:00+01:00"
FPTF = {
    "tripId": "T1",
    "plannedWhen": AT,
    "delay": None,
    "prognosisType": None,
    "direction": "Plant",
    "line": {"type": "line", "name": "1", "product": "bus"},
    "remarks": [],
}
ENTUR = {
    "aimedDepartureTime": AT,
    "expectedDepartureTime": AT,
    "destinationDisplay": {"frontText": "Plant"},
    "serviceJourney": {"line": {"publicCode": "1", "transportMode": "bus"}},
}


def board(provider, departure):
    """Return what the departure board tells of a departure."""
    reader = openpublictransport.get_provider(provider, None)
    found = reader.parse_departure(departure, BERLIN, NOW)
    return found and found.to_dict()


seen = {
    "FPTF, runs": board("bvg", FPTF | {"when": AT}),
    "FPTF, cancelled": board("bvg", FPTF | {"when": None, "cancelled": True}),
    "Entur, runs": board("entur_no", ENTUR | {"cancellation": False}),
    "Entur, cancelled": board("entur_no", ENTUR | {"cancellation": True}),
}
for what, told in seen.items():
    print(f"{what}: {told}")
runs, cancelled, _, entur = seen.values()
if not entur or entur.get("notices") != ["Cancelled"]:
    sys.exit("Changed: a cancelled departure of Entur is told otherwise.")
if not runs or (runs["departure_time"], runs["minutes_until_departure"]) != ("04:45", 15):
    sys.exit("Changed: a departure of FPTF is read otherwise.")
if cancelled != runs:
    sys.exit("Changed: a cancelled departure of FPTF is told apart from one that runs.")
PY
