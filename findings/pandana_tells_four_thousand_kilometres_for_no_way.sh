#!/bin/sh
# Between two places without a way, pandana's shortest path is 4,294,967.295 long.
#
# Library:   pandana 0.8, pandas 2.3.3, geopandas 0.13.2, numpy 1.26.4 (PyPI)
# Expected:  No path: infinity, NaN or an error.
# Observed:  shortest_path_length() gives 4294967.295, the largest unsigned integer over a
#            thousand, in the unit of the weights; shortest_path() gives an empty list. A warning
#            speaks of an unsigned integer.
# Matters:   With metres it is a finite 4,295 km, with minutes eight years: means, sums and
#            quantiles of a commute matrix are computed without complaint, and a plant behind a
#            gate is far away instead of out of reach.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pandana==0.8" "pandas==2.3.3" "numpy==1.26.4" "geopandas==0.13.2" "setuptools==75.8.0"

venv/bin/python -W ignore - <<'PY'
import sys

import pandana
import pandas as pd

x, y = pd.Series([0.0, 100.0, 5000.0]), pd.Series([0.0, 0.0, 0.0])
streets = pandana.Network(
    x, y, pd.Series([0]), pd.Series([1]), pd.DataFrame({"walk_m": [100.0]}), twoway=True
)
there, nowhere = streets.shortest_path_lengths([0, 0], [1, 2])
print("along the street:", there, "to the plant without a street:", nowhere)
print("path:", list(streets.shortest_path(0, 2)), "mean:", (there + nowhere) / 2)
if there != 100.0 or nowhere != 4294967.295:
    sys.exit("Changed: a place out of reach has another distance now.")
PY
