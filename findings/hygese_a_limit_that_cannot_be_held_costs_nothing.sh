#!/bin/sh
# A limit of ride time that cannot be held makes the cheapest plan of all in hygese: cost 0, without
# a route.
#
# Library:   hygese 0.1.0, numpy 2.3.5 (PyPI)
# Expected:  A depot, two villages at 50 minutes from it and 20 from each other, two minibuses. With
#            a limit of 120 minutes one round of 120; with 110 two rounds, 200 minutes in all; with
#            90, where no round to a village fits, or with 110 and a single minibus, an error or
#            a plan marked as none. A fleet with too few seats is refused, after all.
# Observed:  120 and 200, then a result like the others with cost 0.0, n_routes 0 and no routes, for
#            90 and for the single minibus. Nothing is raised, and no attribute tells.
# Matters:   Who tries ride times or fleets and keeps the plan of the lowest cost keeps the one that
#            carries nobody.
# Instead:   Count the places in routes.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "hygese==0.1.0" "numpy==2.3.5"

venv/bin/python - <<'PY'
import sys

import hygese
import numpy as np

MINUTES = np.array([[0, 50, 50], [50, 0, 20], [50, 20, 0]], float)
solver = hygese.Solver(parameters=hygese.AlgorithmParameters(timeLimit=1.0), verbose=False)


def plan(limit_min, minibuses=2):
    """Return the cost and the villages of each route, under a limit of a round's minutes."""
    found = solver.solve_cvrp(
        {
            "distance_matrix": MINUTES,
            "demands": [0, 1, 1],
            "vehicle_capacity": 8,
            "num_vehicles": minibuses,
            "duration_limit": limit_min,
        }
    )
    told = {name: value for name, value in vars(found).items() if name not in ("time", "routes")}
    return told, sorted(sorted(route) for route in found.routes)


seen = {
    "120 minutes": plan(120),
    "110 minutes": plan(110),
    "110 minutes, one minibus": plan(110, minibuses=1),
    "90 minutes": plan(90),
}
for limit, (told, routes) in seen.items():
    print(f"{limit}: {told}, {routes}")
held = [({"cost": 120.0, "n_routes": 1}, [[1, 2]]), ({"cost": 200.0, "n_routes": 2}, [[1], [2]])]
none = ({"cost": 0.0, "n_routes": 0}, [])
if list(seen.values())[:2] != held:
    sys.exit("Changed: limits that can be held give other plans.")
if list(seen.values())[2:] != [none, none]:
    sys.exit("Changed: a limit that cannot be held no longer costs nothing.")
PY
