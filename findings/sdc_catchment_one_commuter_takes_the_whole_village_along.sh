#!/bin/sh
# In sdc-catchment one commuter of a village counts as all of its people.
#
# Library:   sdc-catchment 0.1.1 (PyPI)
# Expected:  With commuting flows given, people who work where they live (the diagonal of the
#            origin-destination matrix) keep the access of their village, commuters get that of
#            their workplace: 1 commuter of 100 moves the village a hundredth of the way.
# Observed:  A village without a plant within 30 minutes and a town with one: 0 with no commuter,
#            0.045 with 1 of 100, 0.045 with 99 of 100. The diagonal is left out before the shares
#            are taken, so a row is one of stayers or one of commuters, whichever it is by its
#            first commuter.
# Matters:   Nearly every commune has one commuter to the centre. Each white zone then has the
#            centre's access to jobs, and the town, whose plant they all share, has less of it.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "sdc-catchment==0.1.1" "numpy==2.3.5" "pandas==2.3.3" "scipy==1.16.3"

venv/bin/python - <<'PY'
import sys

import numpy as np
import pandas as pd
from sdc_catchment import catchment_ratio

people = pd.DataFrame({"geoid": ["village", "town"], "value": [100.0, 1000.0]})
plants = pd.DataFrame({"geoid": ["plant"], "value": [50.0]})
minutes = np.array([[60.0], [10.0]])


def access(commuters):
    """Return the access of the village and of the town, for so many commuters of 100."""
    flows = np.array([[100.0 - commuters, commuters], [0.0, 1000.0]])
    found = catchment_ratio(people, plants, minutes, weight=30.0, consumers_commutes=flows)
    return [round(float(value), 4) for value in found]


told = {commuters: access(commuters) for commuters in (0, 1, 50, 99)}
for commuters, (village, town) in told.items():
    print(f"{commuters:>2} commuters of 100: village {village}, town {town}")
if told[0] != [0.0, 0.05]:
    sys.exit("Changed: without a commuter the access is otherwise.")
if any(told[commuters] != [0.0455, 0.0455] for commuters in (1, 50, 99)):
    sys.exit("Changed: those who stay count.")
PY
