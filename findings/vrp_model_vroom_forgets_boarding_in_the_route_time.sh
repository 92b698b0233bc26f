#!/bin/sh
# Of the four solvers that vrp-model declares able to hold a maximum route time, VROOM gets it as a
# limit of driving alone: boarding costs no time, and the plan it returns is called infeasible.
#
# Library:   vrp-model 0.3.2, pyvrp 0.14.1, ortools 9.15.6755, nextroute 1.13.0, pyvroom 1.15.2,
#            numpy 2.3.5, pandas 2.3.3 (PyPI)
# Expected:  A plant, two villages at 20 minutes from it and 10 from each other, two minibuses, a
#            maximum route time of 60 minutes. Without boarding one round of 50 minutes. With 10
#            minutes of boarding at each village a round of both takes 70, so two rounds of 50. The
#            documentation ticks "maximum route duration / shift length" for all four solvers.
# Observed:  PyVRP, OR-Tools and Nextroute find the two rounds. With VROOM it is one round of both
#            villages and the status INFEASIBLE: the limit goes to its max_travel_time, which leaves
#            out boarding and waiting.
#            With hours at the villages, and none for the vehicles, Nextroute has no plan and the
#            status UNKNOWN; the others plan.
# Matters:   One model is tried with the solver at hand, and one is told that the shuttle cannot be
#            run within the hour that others run it in.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "vrp-model==0.3.2" "pyvrp==0.14.1" "ortools==9.15.6755" "nextroute==1.13.0" \
    "pyvroom==1.15.2" "numpy==2.3.5" "pandas==2.3.3"

cat >plans.py <<'PY'
import sys

import vrp_model.solvers.nextroute
import vrp_model.solvers.ortools
import vrp_model.solvers.pyvrp
import vrp_model.solvers.vroom
from vrp_model import Model
from vrp_model.core.travel_edges import TravelEdgeAttrs
from vrp_model.solvers import get

SOLVERS = ("pyvrp", "ortools", "nextroute", "vroom")
SECONDS = [[0, 1200, 1200], [1200, 0, 600], [1200, 600, 0]]


def plans(boarding_s=0, hours=None):
    """Return each solver's status and the villages of its routes."""
    found = {}
    for solver in SOLVERS:
        model = Model()
        plant = model.add_depot(location=(0, 0))
        for x in (1, 2):
            model.add_job(
                location=(x, 0), demand=[1], service_time=boarding_s, time_window=hours
            )
        for _ in range(2):
            model.add_vehicle(
                capacity=[8],
                start_depot=plant,
                end_depot=plant,
                max_route_time=3600,
                fixed_use_cost=1000,
            )
        model.set_travel_edges(
            {
                (a, b): TravelEdgeAttrs(distance=SECONDS[a][b], duration=SECONDS[a][b])
                for a in range(3)
                for b in range(3)
                if a != b
            }
        )
        status = get(solver)({"time_limit": 1.0}).solve(model).mapped_status.name
        solution = model._solution
        routes = [] if solution is None else solution.routes
        served = sorted(sorted(job.node_id for job in route.jobs) for route in routes if route.jobs)
        found[solver] = ("plan" if status in ("FEASIBLE", "OPTIMAL") else status, served)
    return found


seen = {
    "no boarding": plans(),
    "boarding": plans(boarding_s=600),
    "hours": plans(hours=(1200, 5400)),
}
for what, found in seen.items():
    print(f"{what}: {found}")
one, two = ("plan", [[1, 2]]), ("plan", [[1], [2]])
others = ("pyvrp", "ortools", "nextroute")
if seen["no boarding"] != dict.fromkeys(SOLVERS, one):
    sys.exit("Changed: without boarding the plans are others.")
if seen["boarding"] != dict.fromkeys(others, two) | {"vroom": ("INFEASIBLE", [[1, 2]])}:
    sys.exit("Changed: boarding takes time with VROOM too, or no longer with the others.")
if seen["hours"] != dict.fromkeys(SOLVERS, one) | {"nextroute": ("UNKNOWN", [])}:
    sys.exit("Changed: hours at the villages are held by all, or by others.")
PY
venv/bin/python -W ignore plans.py >log 2>&1 || { cat log >&2; exit 1; }
cat log
