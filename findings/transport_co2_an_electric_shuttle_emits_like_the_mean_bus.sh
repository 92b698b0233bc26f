#!/bin/sh
# A vehicle that emits nothing is taken for the average one by transport-co2, and an empty run for
# one with the average load.
#
# Library:   transport-co2 0.3.0 (PyPI)
# Expected:  Grams for each passenger: those of the vehicle, for the kilometres, over its
#            occupancy. For 10 km of an electric bus with co2_per_vehicle_km=0 and 20 passengers
#            none. For the way back to the depot with occupancy=0 an error, or no number.
# Observed:  250 g at 500 g a kilometre, 0.5 g at 1 g a kilometre, and 431.5 g at 0 g a kilometre:
#            what the average bus is told to emit with 20 passengers. The empty way back tells
#            679.5 g, as for the average load of 12.7 that holds where none is given, though one
#            passenger alone tells 8,630 g. The docstring says that falsy values mean the average.
# Matters:   Of a Diesel and an electric shuttle the electric one is told as no better than any bus,
#            and a shuttle's empty kilometres, half of them where it carries one way, as shared by a
#            full load.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "transport-co2==0.3.0"

venv/bin/python - <<'PY'
import sys

from transport_co2 import estimate_co2

told = {
    "500 g a km, 20 passengers": estimate_co2("bus", 10, co2_per_vehicle_km=500, occupancy=20),
    "1 g a km, 20 passengers": estimate_co2("bus", 10, co2_per_vehicle_km=1, occupancy=20),
    "0 g a km, 20 passengers": estimate_co2("bus", 10, co2_per_vehicle_km=0, occupancy=20),
    "average bus, 20 passengers": estimate_co2("bus", 10, occupancy=20),
    "average bus, 1 passenger": estimate_co2("bus", 10, occupancy=1),
    "average bus, no passenger": estimate_co2("bus", 10, occupancy=0),
    "average bus, load not given": estimate_co2("bus", 10),
}
grams = [round(value, 1) for value in told.values()]
for what, value in zip(told, grams, strict=True):
    print(f"{what}: {value} g each")
if grams[:2] != [250.0, 0.5] or grams[3:5] != [431.5, 8630.0] or grams[6] != 679.5:
    sys.exit("Changed: other grams are told of vehicles that emit and carry.")
if grams[2] != grams[3] or grams[5] != grams[6]:
    sys.exit("Changed: no emission, or no passenger, is no longer the average.")
PY
