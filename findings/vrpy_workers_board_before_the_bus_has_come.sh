#!/bin/sh
# In a plan of VRPy with a limit of ride time and no time windows, a bus is at its first stop at
# once, and home before its own duration is over.
#
# Library:   vrpy 0.5.1, networkx 3.4.2 (PyPI)
# Expected:  Two villages, 10 minutes from the depot, 4 from each other and 10 from the plant, with
#            5 minutes to board. Under a limit of 30 minutes each has a bus of its own: there at
#            minute 10, away at 15, at the plant at 25. Under 40 one bus serves both: 10, 19 and 34.
# Observed:  best_routes_duration is right, 25 and 34. arrival_time and departure_time are not: the
#            village is reached and left at minute 0, the plant at 15 of 25; with one bus both
#            villages are reached at 0, and the plant at 15 of 34. With time windows of 0 to 100 at
#            each node, which forbid nothing, all hours are right.
# Matters:   The hours at the stops are what is printed on a shuttle's timetable: workers would come
#            19 minutes too early, or the shuttle be told to arrive 19 minutes before it can.
# Instead:   Set "upper" at every node, and time_windows=True.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "vrpy==0.5.1" "networkx==3.4.2"

venv/bin/python -W ignore - <<'PY'
import logging
import sys

from networkx import DiGraph
from vrpy import VehicleRoutingProblem

logging.disable(logging.CRITICAL)
MINUTES = {("Source", "A"): 10, ("Source", "B"): 10, ("A", "B"): 4, ("B", "A"): 4}
MINUTES |= {("A", "Sink"): 10, ("B", "Sink"): 10}


def plan(limit, **more):
    """Return, for each bus, its duration and the minutes it arrives and leaves along its way."""
    graph = DiGraph()
    for (tail, head), minutes in MINUTES.items():
        graph.add_edge(tail, head, cost=minutes, time=minutes)
    for village in "AB":
        graph.nodes[village]["service_time"] = 5
    if more:
        for node in graph.nodes:
            graph.nodes[node].update(lower=0, upper=100)
    problem = VehicleRoutingProblem(graph, duration=limit, **more)
    problem.solve(cspy=False)
    return sorted(
        (
            problem.best_routes_duration[bus],
            [problem.arrival_time[bus][node] for node in way[1:]],
            [problem.departure_time[bus][node] for node in way[1:-1]],
        )
        for bus, way in problem.best_routes.items()
    )


short, long = plan(30), plan(40)
windows = plan(30, time_windows=True), plan(40, time_windows=True)
print("duration, arrivals, departures")
print("30 minutes:", *short)
print("40 minutes:", *long)
print("with time windows:", *windows[0], *windows[1])
right = [(25, [10, 25], [15])] * 2, [(34, [10, 19, 34], [15, 24])]
if windows != right:
    sys.exit("Changed: with time windows the hours are others.")
if (short, long) != ([(25, [0, 15], [0])] * 2, [(34, [0, 0, 15], [0, 0])]):
    sys.exit("Changed: the hours without time windows are others.")
PY
