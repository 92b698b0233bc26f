#!/bin/sh
# Who cannot reach a job at all has a travel time of zero in traccess's mean, and is not counted
# among those who travel too long.
#
# Library:   traccess 0.0.4, pandas 3.1.1, numpy 2.3.5 (PyPI)
# Expected:  Three communes of 100 workers: 20 and 40 minutes from the plant, and one that no bus
#            serves, which routers such as R5 write as a missing time. The mean is 30 over those who
#            arrive, or missing; of those beyond 60 minutes there are 100, a third.
# Observed:  weighted_average gives 20 minutes, (20 + 40 + 0) / 3: less than without the third
#            commune (30), and as little as the nearest needs. in_poverty and fgt_poverty with a
#            line of 60 minutes (is_dual) count nobody. A time of 999 gives 353 minutes and 100
#            workers.
# Matters:   Take away a village's only bus and the mean travel time falls while nobody is left out:
#            a plan for shifts at night, where most times are missing, comes out as the best one.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "traccess==0.0.4" "pandas==3.1.1" "numpy==2.3.5"

venv/bin/python -W ignore - <<'PY'
import sys

import pandas as pd
from traccess import AccessComputer, Cost, Demographic, EquityComputer, Supply


def told(minutes):
    """Return the mean minutes to a job, the workers beyond an hour and their share."""
    homes = ["near", "far", "cut off"][: len(minutes)]
    cost = Cost(pd.DataFrame({"from_id": homes, "to_id": "plant", "minutes": minutes}))
    supply = Supply(pd.DataFrame({"id": ["plant"], "jobs": [500]}))
    workers = Demographic(pd.DataFrame({"id": homes, "workers": [100] * len(homes)}))
    access = AccessComputer(supply, cost).cost_to_closest("minutes", ["jobs"])
    equity = EquityComputer(access, workers)
    return (
        round(float(equity.weighted_average("jobs")["workers"]), 3),
        int(equity.in_poverty("jobs", 60, is_dual=True)["workers"]),
        round(float(equity.fgt_poverty("jobs", 60, 0, is_dual=True)["workers"]), 3),
    )


served, missing, far = told([20.0, 40.0]), told([20.0, 40.0, None]), told([20.0, 40.0, 999.0])
print("mean minutes, workers beyond 60, their share")
print("two communes:", *served)
print("a third without a bus:", *missing)
print("a third at 999 minutes:", *far)
if (served, far) != ((30.0, 0, 0.0), (353.0, 100, 0.333)):
    sys.exit("Changed: communes with a time are counted otherwise.")
if missing != (20.0, 0, 0.0):
    sys.exit("Changed: a commune without a time no longer counts as zero minutes.")
PY
