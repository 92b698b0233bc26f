#!/bin/sh
# Places a kilometre apart are 400 km apart in allocator when the meridian of Greenwich, or the one
# at 6 degrees, runs between them.
#
# Library:   allocator 1.2.0, utm 0.9.0, numpy 2.4.6, pandas 3.1.1 (PyPI)
# Expected:  Near Tarbes, at 43.2 degrees north, a worker lives at 0.01 degrees west and a plant
#            stands at 0.02 east, 2.4 km away; another plant is 96 km to the west. With the default
#            distance, "euclidean", the worker is assigned to the near one, as with "haversine", and
#            a round by six stops within 5 km takes about 10 km.
# Observed:  The near plant is told at 485 km, the worker assigned to the one 96 km away, and the
#            round takes 972 km. Each place is projected to the UTM zone it lies in, and metres of
#            two zones are subtracted. A degree further east nothing of it is seen, at 6 degrees,
#            the next border of zones, the same again.
# Matters:   Between Lourdes and Tarbes, Rumilly and Annecy, or Toul and Nancy, workers are sent to
#            plants on their own side only, and shuttles that cross look a hundred times too dear.
# Instead:   distance="haversine".
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "allocator==1.2.0" "utm==0.9.0" "numpy==2.4.6" "pandas==3.1.1"

venv/bin/python -W ignore - <<'PY'
import sys

import allocator
import pandas as pd

LATITUDE = 43.2


def places(*longitudes):
    return pd.DataFrame({"longitude": longitudes, "latitude": LATITUDE})


def told(meridian, **distance):
    """Return the plant of a worker just west of a meridian, the km to it, and those of a round."""
    workers = places(meridian - 0.01)
    plants = places(meridian + 0.02, meridian - 1.2)
    stops = places(*(meridian + step for step in (-0.03, 0.03, -0.02, 0.02, -0.01, 0.01)))
    plant = allocator.assign_to_closest(workers, plants, **distance).data.assigned_worker[0]
    metres = allocator.shortest_path(stops, method="ortools", **distance).total_distance
    return ("near", "far")[plant], round(float(metres) / 1000)


seen = {
    "meridian of Greenwich": told(0.0),
    "a degree further east": told(1.0),
    "6 degrees east": told(6.0),
    "Greenwich, haversine": told(0.0, distance="haversine"),
}
for where, (plant, km) in seen.items():
    print(f"{where}: the {plant} plant, a round of {km} km")
cut, whole = ("far", 972), ("near", 10)
if seen["a degree further east"] != whole or seen["Greenwich, haversine"] != whole:
    sys.exit("Changed: distances away from the meridian, or by haversine, are others.")
if seen["meridian of Greenwich"] != cut or seen["6 degrees east"] != cut:
    sys.exit("Changed: places on both sides of a meridian are near each other.")
PY
