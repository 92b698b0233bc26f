#!/bin/sh
# HiGHS, where a callback of the user fails, stops with "Solve error" and says nothing of it.
#
# Library:   highspy 1.16.0, numpy 2.3.5 (PyPI)
# Expected:  A branch and bound is to end after so much work, the same on every machine. A callback
#            that reads a count of the solver's and fails raises its error where run() was called.
# Observed:  The counts a callback may read have no "mip_total_lp_iterations", which HiGHS keeps in
#            C++, and simplex_iteration_count is -1 throughout. The AttributeError is raised nowhere
#            and printed nowhere: run() returns "error" without a reason, the model status is "Solve
#            error", and the bound is that of no work at all. With a callback that works: optimal.
# Matters:   A limit of work written so looks as if every problem were too large: plans come back
#            unproven, bounds as if nothing had been searched. Count the calls of the callback
#            itself, and look at the model status, not at what run() raises.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "highspy==1.16.0" "numpy==2.3.5"

venv/bin/python - <<'PY'
import sys

import highspy
import numpy as np

TRIPS, DUTIES = 30, 400


def solved(look):
    """Return what run() says, model status and bound of choosing duties that cover all trips, asked by `look`."""
    random = np.random.default_rng(5)
    covers = [np.sort(random.choice(TRIPS, 4, replace=False)) for _ in range(DUTIES)]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = DUTIES, TRIPS
    lp.col_cost_ = random.integers(5, 20, DUTIES).astype(float)
    lp.col_lower_, lp.col_upper_ = np.zeros(DUTIES), np.ones(DUTIES)
    lp.row_lower_, lp.row_upper_ = np.ones(TRIPS), np.full(TRIPS, highspy.kHighsInf)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * DUTIES
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = 4 * np.arange(DUTIES + 1)
    lp.a_matrix_.index_ = np.concatenate(covers)
    lp.a_matrix_.value_ = np.ones(4 * DUTIES)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.passModel(lp)
    solver.cbMipInterrupt += look
    said = str(solver.run()).rpartition(".")[2]
    status = solver.modelStatusToString(solver.getModelStatus())
    return said, status, solver.getInfo().mip_dual_bound


asked = []


def counting(event):
    """Note what a callback can read."""
    counts = event.data_out
    asked.append((hasattr(counts, "mip_total_lp_iterations"), counts.simplex_iteration_count))


def failing(event):
    """Read a count that is not there."""
    if event.data_out.mip_total_lp_iterations > 1_000:
        event.interrupt()


try:
    whole = solved(counting)
    broken = solved(failing)
except AttributeError as error:
    sys.exit(f"the error is heard: {error}")
print("asked", len(asked), "times; counts:", sorted(set(asked)))
print("callback that works:", whole)
print("callback that fails:", broken)
if set(asked) != {(False, -1)}:
    sys.exit("a callback can read how much work was done")
if whole[1] != "Optimal" or broken[1:] != ("Solve error", 0.0):
    sys.exit("another status")
PY
echo "as observed"
