#!/bin/sh
# A bus with forty workers emits less than a small diesel car with its driver for carbonize: a
# figure for one passenger is taken for the whole bus, and shared among them again.
#
# Library:   carbonize 0.1.0 (PyPI)
# Expected:  Of forty workers over 20 km each has the share of one passenger, as in its class for
#            trains: forty in a train emit forty times what one does, and each as much as alone. A
#            factor of the vehicle would be that of a car or more.
# Observed:  Ride takes 89 grams for a bus-kilometre, below the 142 of a small diesel car, and
#            divides by the passengers: 1.78 kg for the bus with one worker or with forty, 44.5 g
#            for each of the forty. Train gives 29.52 kg for forty and 738 g each. Nothing in the
#            result says for whom the factor is.
# Matters:   The fuller the shuttle, the further from the truth: forty times at forty workers, and
#            seventeen times better than the train on the same way. A mobility plan that reports it
#            has saved almost all the carbon of its workers.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "carbonize==0.1.0"

venv/bin/python - <<'PY'
import sys

from carbonize.calculators.cars import Ride
from carbonize.calculators.trains import Train

KM = 20


def grams(trip):
    """Return what the whole trip emits, and each passenger (g CO2e)."""
    return round(1000 * float(trip.co2e), 1), round(1000 * float(trip.co2e_pax), 1)


car = grams(Ride(distance=KM, vehicle_type="small-diesel-car"))
buses = [grams(Ride(distance=KM, vehicle_type="bus", passengers=n)) for n in (1, 40)]
trains = [grams(Train(distance=KM, train_type="local", passengers=n)) for n in (1, 40)]
print(f"{KM} km: grams in all, for each passenger")
print("small diesel car, the driver alone:", *car)
print("bus, 1 and 40 workers:", *buses[0], *buses[1])
print("train, 1 and 40 workers:", *trains[0], *trains[1])
if car != (2840.0, 2840.0) or trains != [(738.0, 738.0), (29520.0, 738.0)]:
    sys.exit("Changed: cars or trains are counted otherwise.")
if buses != [(1780.0, 1780.0), (1780.0, 44.5)]:
    sys.exit("Changed: a bus is counted otherwise.")
PY
