#!/bin/sh
# A travel time with decimals makes every road free in OR-tools, and the plan optimal.
#
# Library:   ortools 9.15.6755 (PyPI)
# Expected:  A round of two villages takes 70.5 minutes and may take 60: there is no plan. Times
#            are to be whole numbers; one with decimals is refused, as RegisterTransitMatrix does,
#            or cut, as in PyVRP.
# Observed:  With the same matrix in tenths of minutes: no plan. With minutes from a callback
#            (RegisterTransitCallback): a plan of length 0, with the status of an optimal one, and
#            nothing is said. A callback that returns nothing has the same end. (Releases of 2021
#            ended in a SystemError: google/or-tools, issue 2539.)
# Matters:   Routers give minutes and kilometres with decimals, and a callback is how every example
#            of OR-tools passes them. A shuttle then holds any limit of ride time, and one bus
#            serves the whole basin at no cost.
# Instead:   Round in the callback (tenths of minutes, metres), or register a matrix.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "ortools==9.15.6755" "numpy==2.3.5" "pandas==2.3.3"

venv/bin/python - <<'PY'
import sys

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

# From and to the plant, the near and the far village.
MINUTES = [[0.0, 12.5, 30.5], [12.5, 0.0, 27.5], [30.5, 27.5, 0.0]]
TENTHS = [[round(10 * minutes) for minutes in row] for row in MINUTES]
OPTIMAL = routing_enums_pb2.RoutingSearchStatus.ROUTING_OPTIMAL


def plan(register, limit):
    """Return the length of one bus's round, and whether it is told as optimal."""
    manager = pywrapcp.RoutingIndexManager(3, 1, 0)
    model = pywrapcp.RoutingModel(manager)
    try:
        transit = register(model, manager)
    except TypeError:
        return "refused"
    model.SetArcCostEvaluatorOfAllVehicles(transit)
    model.AddDimension(transit, 0, limit, True, "ride")
    found = model.Solve()
    if found is None:
        return "no plan"
    return found.ObjectiveValue(), model.status() == OPTIMAL


def callback(of):
    """Return what registers the times `of(from, to)` as a callback."""
    return lambda model, manager: model.RegisterTransitCallback(
        lambda a, b: of(manager.IndexToNode(a), manager.IndexToNode(b))
    )


seen = {
    "tenths, limit 600": plan(callback(lambda a, b: TENTHS[a][b]), 600),
    "tenths, limit 705": plan(callback(lambda a, b: TENTHS[a][b]), 705),
    "minutes, limit 60": plan(callback(lambda a, b: MINUTES[a][b]), 60),
    "minutes, limit 1": plan(callback(lambda a, b: MINUTES[a][b]), 1),
    "a callback that returns nothing": plan(callback(lambda a, b: None), 1),
    "minutes as a matrix": plan(lambda model, _: model.RegisterTransitMatrix(MINUTES), 60),
}
for what, found in seen.items():
    print(f"{what}: {found}")
whole, fitting, *free, matrix = seen.values()
if whole != "no plan" or not fitting[0] == 705:
    sys.exit("Changed: whole times do not give the round's length.")
if free != [(0, True)] * 3 or matrix != "refused":
    sys.exit("Changed: times with decimals are counted or refused, or otherwise.")
PY
