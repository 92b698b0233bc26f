#!/bin/sh
# A carpool that waits at a car park leaves it before it comes, in the GTFS feed that Amarillo
# makes of it: arrival and departure change places.
#
# Library:   amarillo-gtfs-generator 2.0.1, amarillo 0.0.16a1, amarillo-stops 2.0.0 (PyPI)
# Expected:  A carpool from the village at 04:30, at the car park from 04:45 to 04:55, at the plant
#            at 05:05, becomes a trip with the same hours.
# Observed:  The car park has departure 04:45 and arrival 04:55: arrivalTime and departureTime
#            of the offer are written under each other's name. Only stops without a wait are right.
# Matters:   A wait is where somebody gets in. By the feed, who comes to the car park at 04:50 has
#            missed the carpool that stands there until 04:55, and strict readers refuse the trip.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "amarillo-gtfs-generator==2.0.1" "amarillo==0.0.16a1" "amarillo-stops==2.0.0"

cat >stops.csv <<'CSV'
stop_id;stop_lat;stop_lon;stop_name
fr:85191:1;46.60;-1.60;Village
fr:85191:2;46.65;-1.50;Car park
fr:85191:3;46.70;-1.40;Plant
CSV
cat >carpool.py <<'PY'
import csv
import sys

from amarillo.models.Carpool import Carpool
from amarillo_gtfs_generator.gtfs_export import GtfsExport
from amarillo_gtfs_generator.services.trips import TripStore
from amarillo_stops.stops import StopsStore

CALLS = (
    ("fr:85191:1", "Village", 46.60, -1.60, "04:30:00", "04:30:00"),
    ("fr:85191:2", "Car park", 46.65, -1.50, "04:45:00", "04:55:00"),
    ("fr:85191:3", "Plant", 46.70, -1.40, "05:05:00", "05:05:00"),
)
stops = StopsStore([{"url": "stops.csv", "vicinity": 50}])
stops.load_stop_sources()
trips = TripStore(stops)
trips.put_carpool(
    Carpool(
        id="C1",
        agency="a",
        deeplink="https://example.org/c1",
        departureTime="04:30",
        departureDate=["monday"],
        lastUpdated="2026-11-01T00:00:00+00:00",
        path={"type": "LineString", "coordinates": [(lon, lat) for _, _, lat, lon, *_ in CALLS]},
        stops=[
            dict(id=id_, name=name, lat=lat, lon=lon, arrivalTime=arrival, departureTime=departure)
            for id_, name, lat, lon, arrival, departure in CALLS
        ],
    )
)
GtfsExport({}, [], trips, stops).export("feed.zip", "feed")
with open("feed/stop_times.txt", encoding="utf-8") as table:
    rows = list(csv.DictReader(table))
seen = [(row["arrival_time"], row["departure_time"]) for row in rows]
for (_, name, *_), (arrival, departure) in zip(CALLS, seen, strict=True):
    print(f"{name}: arrival {arrival}, departure {departure}")
if [times for times in seen if times[0] == times[1]] != [CALLS[0][4:], CALLS[2][4:]]:
    sys.exit("Changed: stops without a wait have other hours.")
if seen[1] != ("04:55:00", "04:45:00"):
    sys.exit("Changed: the carpool no longer leaves before it comes.")
PY
venv/bin/python -W ignore carpool.py 2>log || { cat log >&2; exit 1; }
