#!/bin/sh
# A place from which nothing can be reached has no accessibility in PySAL's access: missing, not
# zero.
#
# Library:   access 1.1.10.post3, pandas 2.3.3 (PyPI)
# Expected:  Two-stage floating catchment: a commune with no row in the cost table reaches
#            nothing, so its score is 0.
# Observed:  The score is NaN. Cutting off the third commune raises the mean over communes from
#            0.35 to 0.55 jobs per worker (to 0.37 with a zero).
# Matters:   A study that compares before and after by the mean finds progress when a line is
#            withdrawn: white zones leave the count instead of weighing in it.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "access==1.1.10.post3" "pandas==2.3.3"

venv/bin/python -W ignore - <<'PY'
import logging
import sys

import pandas as pd
from access import Access

logging.disable(logging.CRITICAL)


def score(costs):
    """Return jobs per worker of three communes, by two-stage floating catchment of 40 minutes."""
    table = Access(
        demand_df=pd.DataFrame({"commune": [1, 2, 3], "workers": [100, 200, 300]}),
        demand_index="commune", demand_value="workers",
        supply_df=pd.DataFrame({"plant": [10, 11], "jobs": [30, 90]}),
        supply_index="plant", supply_value=["jobs"],
        cost_df=pd.DataFrame(costs, columns=["home", "work", "minutes"]),
        cost_origin="home", cost_dest="work", cost_name="minutes",
    )
    return table.two_stage_fca(name="reach", max_cost=40)["reach_jobs"]


near = [(1, 10, 10), (2, 10, 20), (1, 11, 30)]
served, cut_off = score([*near, (3, 10, 35)]), score(near)
print("all served:", served.round(3).to_dict(), "mean", round(served.mean(), 3))
print("commune 3 cut off:", cut_off.round(3).to_dict(), "mean", round(cut_off.mean(), 3))
if not cut_off.isna()[3] or cut_off.mean() <= served.mean():
    sys.exit("Changed: a place that reaches nothing now counts in the mean.")
PY
