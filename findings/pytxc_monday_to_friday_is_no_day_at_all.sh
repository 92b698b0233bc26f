#!/bin/sh
# pytxc reads the days of a TransXChange journey when they are spelt one by one, and reads no day
# where the file says MondayToFriday.
#
# Library:   pytxc 0.1.6, lxml 4.9.4 (PyPI)
# Expected:  The TransXChange schema names groups of days beside the seven days, such as
#            MondayToFriday, MondayToSaturday, Weekend and NotSaturday. days_of_week lists five,
#            six, two and six days.
# Observed:  It lists the days of the seven names alone. A group gives an empty list, printed as
#            OperatingProfile(none), exactly as a journey without a regular day. A group beside a
#            day, MondayToFriday and Sunday, gives Sunday alone.
# Matters:   Most journeys of a working week are written as MondayToFriday. They run on no day, and
#            a line that also serves Sundays looks like one of Sundays alone.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pytxc==0.1.6" "lxml==4.9.4"

venv/bin/python - <<'PY'
import sys

from pytxc import Timetable

PROFILES = {
    "one by one": "<Monday/><Tuesday/><Wednesday/><Thursday/><Friday/>",
    "MondayToFriday": "<MondayToFriday/>",
    "MondayToSaturday": "<MondayToSaturday/>",
    "Weekend": "<Weekend/>",
    "NotSaturday": "<NotSaturday/>",
    "MondayToFriday and Sunday": "<MondayToFriday/><Sunday/>",
}
JOURNEY = (
    "<VehicleJourney><OperatingProfile><RegularDayType><DaysOfWeek>{days}</DaysOfWeek>"
    "</RegularDayType></OperatingProfile><VehicleJourneyCode>{code}</VehicleJourneyCode>"
    "<ServiceRef>S</ServiceRef><LineRef>L</LineRef>"
    "<JourneyPatternRef>P</JourneyPatternRef><DepartureTime>04:30:00</DepartureTime>"
    "</VehicleJourney>"
)
journeys = "".join(JOURNEY.format(days=days, code=code) for code, days in PROFILES.items())
found = Timetable.from_string(
    '<TransXChange xmlns="http://www.transxchange.org.uk/" SchemaVersion="2.4">'
    f"<VehicleJourneys>{journeys}</VehicleJourneys></TransXChange>"
)

days = {}
for journey in found.vehicle_journeys:
    profile = journey.operating_profile
    days[journey.vehicle_journey_code] = [day.value for day in profile.days_of_week]
    print(f"{journey.vehicle_journey_code}: {profile!r}")
if days.pop("one by one") != ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]:
    sys.exit("Changed: five days by name are read otherwise.")
if days.pop("MondayToFriday and Sunday") != ["Sunday"]:
    sys.exit("Changed: the group beside a day is read.")
if any(days.values()):
    sys.exit("Changed: groups of days are read.")
PY
