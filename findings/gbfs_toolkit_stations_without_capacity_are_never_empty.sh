#!/bin/sh
# Without capacities, which GBFS leaves optional, no station is ever empty or full in gbfs-toolkit,
# and none serves anybody.
#
# Library:   gbfs-toolkit 2.0.0, pandas 2.3.3 (PyPI)
# Expected:  A station at the plant with 0 bikes and 10 free docks is empty, one at the railway with
#            10 bikes and 0 free docks full, whether or not the feed tells the capacity, which the
#            two numbers add up to. 100 workers beside it have 10 places.
# Observed:  With capacity "empty" and "full", half the stations each, and 0.1 places for a worker.
#            Without it both are "virtual", like a painted box without docks, the shares of empty
#            and full stations are 0 and workers beside the station have none.
#            With it, a station with 8 bikes that rents none (is_renting false) is "normal".
# Matters:   The bike from the station to the plant is always there in a feed without capacities, in
#            no station's reach in another figure of the same feed, and there where none is rented.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gbfs-toolkit==2.0.0" "pandas==2.3.3"

venv/bin/python -W ignore - <<'PY'
import sys

import gbfs_toolkit
import pandas as pd

PLACES = (("PLANT", 46.70, -1.40), ("RAILWAY", 46.67, -1.43))
WORKERS = pd.DataFrame({"lat": [46.70], "lon": [-1.40], "population": [100]})


def told(bikes, capacity=None, **status):
    """Return the states of the stations, the shares empty and full, and places per worker."""
    information = [
        {"station_id": name, "name": name, "lat": lat, "lon": lon}
        | ({} if capacity is None else {"capacity": capacity})
        for name, lat, lon in PLACES
    ]
    now = [
        {
            "station_id": name,
            "num_bikes_available": count,
            "num_docks_available": 10 - count,
            "is_installed": True,
            "is_renting": True,
            "is_returning": True,
            "last_reported": 1793000000,
        }
        | status
        for (name, *_), count in zip(PLACES, bikes, strict=True)
    ]
    stations = gbfs_toolkit.to_canonical_station_info(
        {"data": {"stations": information}}, system_id="S"
    )
    state = gbfs_toolkit.to_canonical_station_status({"data": {"stations": now}}, system_id="S")
    both = gbfs_toolkit.join_availability(stations, state)
    profile = gbfs_toolkit.system_profile(both)
    return (
        list(gbfs_toolkit.station_state(both)),
        (float(profile["pct_empty"]), float(profile["pct_full"])),
        gbfs_toolkit.two_step_fca(stations, WORKERS).round(3).tolist(),
    )


seen = {
    "with capacity": told((0, 10), capacity=10),
    "without": told((0, 10)),
    "none rented": told((8, 8), capacity=10, is_renting=False),
}
for what, found in seen.items():
    print(f"{what}: {found}")
if seen["with capacity"] != (["empty", "full"], (0.5, 0.5), [0.1]):
    sys.exit("Changed: stations with a capacity are in other states.")
if seen["without"] != (["virtual", "virtual"], (0.0, 0.0), [0.0]):
    sys.exit("Changed: stations without a capacity can be empty, or serve.")
if seen["none rented"][0] != ["normal", "normal"]:
    sys.exit("Changed: a station that rents nothing is no longer normal.")
PY
