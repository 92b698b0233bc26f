#!/bin/sh
# The range of an electric minibus (max_distance) does not bind in VROOM when only travel times are
# given, and is not refused either.
#
# Library:   pyvroom 1.15.2, numpy 2.3.5, pandas 2.3.3 (PyPI)
# Expected:  A round of two villages, 65 minutes and 85 km. With max_distance=60_000 the far one is
#            left out; without a matrix of distances the plan is refused, as it is for a price per
#            kilometre, or VROOM says that it cannot know.
# Observed:  With distances the far village is left out. With the matrix of durations alone both are
#            served, the distance of the plan is 0 and nothing is said, whatever the range.
# Matters:   Fleets are sized on matrices of times, which is what routers give. The plan says that
#            minibuses with a range of 60 km, or of one metre, hold every line, and those bought on
#            it stop on the way home.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pyvroom==1.15.2" "numpy==2.3.5" "pandas==2.3.3"

venv/bin/python - <<'PY'
import sys

import vroom

# From and to the plant, the near and the far village.
DURATIONS_S = [[0, 600, 1800], [600, 0, 1500], [1800, 1500, 0]]
DISTANCES_M = [[0, 10_000, 40_000], [10_000, 0, 35_000], [40_000, 35_000, 0]]


def plan(distances, **vehicle):
    """Return the villages left out and the metres of a plan with one minibus, or a refusal."""
    problem = vroom.Input()
    problem.set_durations_matrix(profile="car", matrix_input=DURATIONS_S)
    if distances:
        problem.set_distances_matrix(profile="car", matrix_input=DISTANCES_M)
    problem.add_vehicle(vroom.Vehicle(1, start=0, end=0, **vehicle))
    problem.add_job([vroom.Job(1, location=1), vroom.Job(2, location=2)])
    try:
        solution = problem.solve(exploration_level=5, nb_threads=1)
    except Exception as error:
        return f"refused ({error})"
    return len(solution.unassigned), solution.summary.distance


by_km = vroom.VehicleCosts(per_km=2)
seen = {
    "range 60 km, distances": plan(True, max_distance=60_000),
    "range 60 km, no distances": plan(False, max_distance=60_000),
    "range 1 m, no distances": plan(False, max_distance=1),
    "price per km, no distances": plan(False, costs=by_km),
}
for what, found in seen.items():
    told = found if isinstance(found, str) else f"{found[0]} left out, {found[1]} m"
    print(f"{what}: {told}")
*plans, priced = seen.values()
if plans != [(1, 20_000), (0, 0), (0, 0)] or not isinstance(priced, str):
    sys.exit("Changed: a range binds, or is refused, without distances.")
PY
