#!/bin/sh
# A minibus of 8 seats picks up 18 workers, and arrives late, for PyRouteForge, which tells the plan
# as the cheapest of all.
#
# Library:   pyrouteforge 1.4.0, matplotlib 3.11.2, numpy 1.26.4, pandas 2.3.3 (PyPI)
# Expected:  Three villages of 6 workers each, 10 minutes from the plant and 4 from each other, and
#            minibuses of 8 seats: three of them, 60 minutes of driving. With one or two there is no
#            plan, or a cost or word that says so. So with time windows that end at 12 minutes.
# Observed:  With three: 60. With fleet_size 2 the second route carries 12 of 8, for 44 in all; with
#            1 a single route carries 18, for 28. total_cost holds nothing of penalty_value, and
#            but for the load nothing tells it. With time windows, and seats enough, one minibus
#            stops at minutes 10, 14 and 18, for 28 too.
# Matters:   Who asks how many minibuses a plant needs tries 3, 2, 1 and looks at the costs: the
#            fewer, the better, down to one. Nobody sees that ten workers stay behind.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pyrouteforge==1.4.0" "matplotlib==3.11.2" "numpy==1.26.4" "pandas==2.3.3"

venv/bin/python -W ignore - <<'PY'
import sys

import numpy as np
import pandas as pd
import pyrouteforge

SEATS, WORKERS = 8, [0, 6, 6, 6]
MINUTES = np.array([[0, 10, 10, 10], [10, 0, 4, 4], [10, 4, 0, 4], [10, 4, 4, 0]], float)
WINDOWS = pd.DataFrame(
    {
        "tw_early": [0.0] * 4,
        "tw_late": [1000.0, 12.0, 12.0, 12.0],
        "tw_service_time": [0.0] * 4,
        "tw_wait_cost": [0.0] * 4,
    }
)


def plan(fleet, **limits):
    """Return the loads of the routes of such a fleet and what the plan is told to cost."""
    found = pyrouteforge.solve(
        distance_matrix=MINUTES, fleet_size=fleet, generations=100, seed=1, **limits
    )
    told = " ".join(name for name in vars(found) if "feasib" in name or "penalt" in name)
    arrivals = pd.to_numeric(found.report["Arrive_Time"], errors="coerce")
    latest = float(arrivals[found.report["Activity"] == "service"].max())
    return [int(route["load"]) for route in found.routes], found.total_cost, latest, told


seats = {fleet: plan(fleet, demand=WORKERS, capacity=SEATS) for fleet in (3, 2, 1)}
windows = {f: plan(f, demand=WORKERS, capacity=99, time_windows=WINDOWS) for f in (3, 1)}
print(f"minibuses of {SEATS} seats: loads, cost, last stop at minute, what tells of it")
for fleet, found in seats.items():
    print(fleet, *found)
print("stops before minute 12")
for fleet, found in windows.items():
    print(fleet, *found)
if seats[3] != ([6, 6, 6], 60.0, 10.0, "") or windows[3][1:] != (60.0, 10.0, ""):
    sys.exit("Changed: the plan with enough minibuses is another one.")
if [seats[2][:2], seats[1][:2]] != [([6, 12], 44.0), ([18], 28.0)] or seats[1][3]:
    sys.exit("Changed: a minibus no longer carries more than its seats, or it is told.")
if windows[1][1:] != (28.0, 18.0, ""):
    sys.exit("Changed: a late stop is told.")
PY
