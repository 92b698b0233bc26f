#!/bin/sh
# The earlier a minibus is ready, the fewer it carries in Nextroute: it leaves at the start of its
# hours and waits at the first stop, and the wait counts as ride.
#
# Library:   nextroute 1.13.0 (PyPI)
# Expected:  Three villages 10 minutes from each other and from both ends, where workers wait from
#            05:00 to 05:30, and a limit of an hour for a round (max_duration). A minibus ready from
#            04:50 makes the round in 40 minutes. One ready from 04:00 can leave at 04:50 as well,
#            as it does with PyVRP, OR-Tools and VROOM, whose vehicles' hours say when they may
#            leave at the earliest.
# Observed:  Ready from 04:30 or later all three villages are served, from 04:20 two, from 04:10 one
#            and from 04:00 none: start_time is when the minibus leaves, whatever waits for it. A
#            limit of a minute's wait (max_wait) empties it too. Without limits the three are
#            served, with a wait of 50 minutes at the first.
# Matters:   Drivers' hours are given as they are, from 03:00 or the day before, and the round that
#            takes 40 minutes is told to be impossible, or its driver is paid for waiting.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "nextroute==1.13.0"

venv/bin/python - <<'PY'
import sys

import nextroute

PLACES = 5  # Three villages, the start and the end.
SECONDS = [[0 if a == b else 600 for b in range(PLACES)] for a in range(PLACES)]


def at(hour):
    return f"2026-11-06T{hour}:00+01:00"


def place(number):
    return {"lon": -1.4 + number / 100, "lat": 46.6}


def served(ready, limits, **stop):
    """Return the villages served by a minibus that is ready from an hour on, and its wait."""
    minibus = {
        "id": "minibus",
        "start_time": at(ready),
        "end_time": at("08:00"),
        "start_location": place(0),
        "end_location": place(4),
    }
    villages = [
        {
            "id": f"village {number}",
            "location": place(number),
            "start_time_window": [at("05:00"), at("05:30")],
        }
        for number in (1, 2, 3)
    ]
    problem = {
        "stops": [village | stop for village in villages],
        "vehicles": [minibus | limits],
        "duration_matrix": SECONDS,
    }
    found = nextroute.solve(
        nextroute.schema.Input.from_dict(problem), nextroute.Options(SOLVE_DURATION=1.0)
    ).solutions[0]
    calls = found.vehicles[0].route
    wait_min = sum((call.waiting_duration or 0) / 60 for call in calls)
    return len(villages) - len(found.unplanned or []), wait_min


hour = {"max_duration": 3600}
seen = {ready: served(ready, hour) for ready in ("04:50", "04:30", "04:20", "04:10", "04:00")}
free, waits = served("04:00", {}), served("04:00", {}, max_wait=60)
for ready, (villages, wait_min) in seen.items():
    print(f"ready from {ready}: {villages} villages, {wait_min:.0f} minutes of wait")
print(f"from 04:00 without limits: {free}, with max_wait alone: {waits}")
if seen["04:50"] != (3, 0):
    sys.exit("Changed: the round is not found by a minibus ready just in time.")
if [villages for villages, _ in seen.values()] != [3, 3, 2, 1, 0]:
    sys.exit("Changed: a minibus ready earlier carries others.")
if free != (3, 50) or waits[0] != 0:
    sys.exit("Changed: without a limit of the round the wait is another one.")
PY
