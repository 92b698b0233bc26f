#!/bin/sh
# HiGHS, given a plan to start from, returns that plan as optimal, with the cost of another.
#
# Library:   highspy 1.16.0, numpy 2.3.5 (PyPI)
# Expected:  Three trips, six duties that cover one or two of them: the cheapest two cost 0.50. A
#            start, one duty a trip, costs 1.75; it can only spare work.
# Observed:  Without a start: optimal, 0.50. With it: optimal, 0.25, no gap, and the values of the
#            start, which cost 1.75. Presolve had taken some of its duties out for cheaper ones.
#            With presolve off both are right.
# Matters:   Crew and vehicle plans are found by starting from what a heuristic gives. The heuristic's
#            plan then comes back as proven best, and a bound that nothing reaches beside it. Cost
#            the values oneself, and solve again without a start where the two differ.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "highspy==1.16.0" "numpy==2.3.5"

venv/bin/python - <<'PY'
import itertools
import sys

import highspy
import numpy as np

COST = np.array([0.25, 1.0, 0.5, 0.5, 0.25, 1.0])
COVERS = [{0, 2}, {0, 1}, {1, 2}, {0}, {1}, {2}]
START = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def solved(start, presolve):
    """Return status, reported cost and what the returned duties cost."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("presolve", presolve)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(COST), 3
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = COST, np.zeros(6), np.ones(6)
    lp.row_lower_, lp.row_upper_ = np.ones(3), np.full(3, highspy.kHighsInf)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(COST)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.cumsum([0] + [len(trips) for trips in COVERS])
    lp.a_matrix_.index_ = np.array([trip for trips in COVERS for trip in sorted(trips)])
    lp.a_matrix_.value_ = np.ones(len(lp.a_matrix_.index_))
    solver.passModel(lp)
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start
        solver.setSolution(known)
    solver.run()
    taken = np.round(solver.getSolution().col_value)
    status = solver.modelStatusToString(solver.getModelStatus())
    return status, round(solver.getInfo().objective_function_value, 6), float(COST @ taken)


best = min(
    sum(COST[list(duties)])
    for n in range(1, 7)
    for duties in itertools.combinations(range(6), n)
    if set().union(*(COVERS[d] for d in duties)) == {0, 1, 2}
)
print("by trying all:", best)
for start, presolve, seen in (
    (None, "choose", ("Optimal", 0.5, 0.5)),
    (START, "choose", ("Optimal", 0.25, 1.75)),
    (START, "off", ("Optimal", 0.5, 0.5)),
):
    found = solved(start, presolve)
    print("with a start" if start else "no start", "presolve", presolve, *found)
    if found != seen:
        sys.exit("Changed: a start is kept as optimal no more, or otherwise.")
PY
