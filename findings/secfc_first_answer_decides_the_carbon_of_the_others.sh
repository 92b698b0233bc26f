#!/bin/sh
# In SECFC the carbon of a commuter by bus is nothing or not, by who answered the survey first.
#
# Library:   SECFC 0.1.1, pandas 3.1.1, numpy 2.4.6 (PyPI)
# Expected:  "Calculate the carbon footprint of individuals based on their survey responses": each
#            row from its own answers, in any order of the rows.
# Observed:  Behind somebody who takes the bus every day, one who takes it weekly emits 0 kg a year;
#            the same person, answering alone or first, 2.8 kg. 152.5 km a week by car are 152
#            behind a short way. The type of the first row's figure holds for the whole column
#            (numpy.vectorize without otypes), and where it is whole, fractions are cut.
# Matters:   A survey of commuting is a file in any order. Sorted by how often people take the bus,
#            daily first, the carbon of all others is gone; exported again, it is back, and nobody
#            changed his ways.
# Instead:   Call it a row at a time.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "SECFC==0.1.1" "pandas==3.1.1" "numpy==2.4.6"

venv/bin/python -W ignore - <<'PY'
import sys

import pandas as pd
import SECFC

# Days by car, its type, and the class of distance; how often by bus (1 daily, 2 weekly, 5 never),
# and the class of distance (1 to 4: 5, 10, 30.5 and 51 km); flights, and trains (5 never).
NAMES = ["C1_Car_Usage", "C2_Car_type", "C3_Travel_Distance", "C4_Public_Transport",
         "C5_Public_Transport_distance", "C5_Air_Travel", "C4_Public_Transport2"]  # fmt: skip
DAILY, WEEKLY = [0, 1, 1, 1, 2, 0, 5], [0, 1, 1, 2, 2, 0, 5]
NEAR, FAR = [5, 3, 1, 5, 1, 0, 5], [5, 3, 3, 5, 1, 0, 5]


def carbon(*answers):
    """Return the kilograms a year of each who answered, in their order."""
    found = SECFC.trans_calc(pd.DataFrame(list(answers), columns=NAMES))
    return [round(float(kg), 1) for kg in found["total_transport_emissions"]]


alone = carbon(WEEKLY)[0]
first, behind = carbon(WEEKLY, DAILY)[0], carbon(DAILY, WEEKLY)[1]
far_first, far_behind = carbon(FAR, NEAR)[0], carbon(NEAR, FAR)[1]
print(f"weekly by bus: alone {alone}, first {first}, behind a daily one {behind}")
print(f"152.5 km by car: first {far_first}, behind a near one {far_behind}")
if alone != 2.8 or first != alone or far_first != 1169.5:
    sys.exit("Changed: who answers alone has another footprint.")
if behind != 0 or far_behind != 1165.7:
    sys.exit("Changed: each row counts by itself.")
PY
