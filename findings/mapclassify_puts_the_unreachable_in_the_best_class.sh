#!/bin/sh
# A home that cannot be reached (NaN minutes) is counted by mapclassify in the quickest class.
#
# Library:   mapclassify 2.10.0, numpy 2.4.6 (PyPI)
# Expected:  UserDefined(minutes, bins=[15, 30, 45, 60]) leaves a missing value without a class,
#            or refuses it.
# Observed:  [5, 15, NaN, 30] gives classes [0, 0, 0, 1] and counts [3, 1, 0, 0]: the missing time
#            is told as "15 minutes or less". Nothing warns.
# Matters:   Every accessibility table has missing times: they are the white zones. A choropleth
#            or a legend made with the class numbers shows the worst homes in the best colour and
#            counts them as served.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "mapclassify==2.10.0" "numpy==2.4.6"

venv/bin/python -W ignore - <<'PY'
import sys

import mapclassify
import numpy as np

minutes = np.array([5.0, 15.0, np.nan, 30.0])
classes = mapclassify.UserDefined(minutes, bins=[15, 30, 45, 60])
print("minutes:", minutes, "class of each:", classes.yb, "counts:", classes.counts)
if classes.yb[2] != 0 or classes.counts[0] != 3:
    sys.exit("Changed: a missing time is no longer counted in the first class.")
PY
