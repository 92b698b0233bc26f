#!/bin/sh
# spopt serves 100 of 102 workers and tells 33 % covered, and 67 % of the plan that serves two.
#
# Library:   spopt 0.7.0, PuLP 3.3.2, numpy 2.4.6 (PyPI)
# Expected:  MCLP: "Maximize the amount of demand covered within a maximal service distance or time
#            standard". A stop within 10 minutes of 100 workers is taken, and perc_cov, the
#            percentage covered, is 98 %, as the mean of PMedian (mean_dist) is one of workers.
# Observed:  The stop taken is right and the objective 100, but perc_cov is 33.3: places count, not
#            their weights. With the stop fixed at two hamlets of a worker each, perc_cov is 66.7
#            and the objective 2.
# Matters:   The figure is what reports quote and what numbers of stops are compared by: the plan
#            for the plant's town looks half as good as the one for two farms.
# Instead:   Divide problem.objective.value() by the sum of the weights.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "spopt==0.7.0" "PuLP==3.3.2" "numpy==2.4.6"

venv/bin/python -W ignore - <<'PY'
import sys

import numpy as np
import pulp
from spopt.locate import MCLP, PMedian

WORKERS = np.array([100, 1, 1])  # the town, two hamlets
MINUTES = np.array([[5.0, 40.0], [40.0, 5.0], [40.0, 5.0]])  # to a stop in town, to one outside


def solver():
    """Return the solver that comes with PuLP."""
    return pulp.PULP_CBC_CMD(msg=False)


def coverage(fixed=None):
    """Return the workers within 10 minutes of one stop, and the percentage told."""
    stops = None if fixed is None else np.array(fixed)
    plan = MCLP.from_cost_matrix(MINUTES, WORKERS, 10, 1, predefined_facilities_arr=stops)
    plan = plan.solve(solver())
    return int(plan.problem.objective.value()), round(float(plan.perc_cov), 1)


best, outside = coverage(), coverage([0, 1])
median = PMedian.from_cost_matrix(MINUTES, WORKERS, 1).solve(solver())
mean = float((MINUTES[:, 0] * WORKERS).sum() / WORKERS.sum())
print(f"the stop taken: {best[0]} of 102 workers, {best[1]} % told")
print(f"the other stop: {outside[0]} of 102 workers, {outside[1]} % told")
print(f"mean time told by PMedian: {median.mean_dist:.4f}, of workers {mean:.4f}")
if best[0] != 100 or outside[0] != 2 or abs(median.mean_dist - mean) > 1e-9:
    sys.exit("Changed: another stop is taken, or the mean is not of workers.")
if best[1] != 33.3 or outside[1] != 66.7:
    sys.exit("Changed: the percentage is one of workers.")
PY
