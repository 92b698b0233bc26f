#!/bin/sh
# cityseer reads a timetable as a way without a wait, in both directions: one bus in the morning is
# as good as a bus every five minutes, and brings everybody home.
#
# Library:   cityseer 5.8.0, geopandas 1.1.4, pandas 2.3.3 (PyPI)
# Expected:  A line from the village to the plant, 20 minutes. With one bus at 05:00 and none back,
#            add_gtfs gives the plant no way to the village, and the village a worse way to the
#            plant than a bus every five minutes.
# Observed:  The same count of jobs within 30 minutes of the village with 1 bus as with 216, and
#            as many homes within 30 minutes of the plant, though no bus leaves it. add_gtfs does
#            compute a mean wait for each stop, which no path then takes.
# Matters:   Accessibility "with public transport" is that of the map of lines: a plant with one bus
#            a day, a school line or a works line of one direction looks served at every shift,
#            there and back, and no white zone has a stop.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "cityseer==5.8.0" "geopandas==1.1.4" "pandas==2.3.3"

cat >reach.py <<'PY'
import pathlib
import sys

import geopandas
import pyproj
import shapely
from cityseer.network import CityNetwork

LAMBERT_93 = 2154
VILLAGE, PLANT = (365_000, 6_630_000), (380_000, 6_630_000)
TO_DEGREES = pyproj.Transformer.from_crs(LAMBERT_93, 4326, always_xy=True)


def streets():
    """Return four streets around each end of the line, 15 km apart."""
    found = {}
    for place, (x, y) in (("village", VILLAGE), ("plant", PLANT)):
        corners = [(x, y), (x + 200, y), (x + 200, y + 200), (x, y + 200), (x, y)]
        for side in range(4):
            found[f"{place} {side}"] = shapely.LineString(corners[side : side + 2])
    return found


def feed(name, departures_s):
    """Write a feed of buses from the village to the plant alone, which take 20 minutes."""
    folder = pathlib.Path(name)
    folder.mkdir()
    stops = "stop_id,stop_name,stop_lat,stop_lon\n"
    for stop, (x, y) in (("A", VILLAGE), ("B", PLANT)):
        lon, lat = TO_DEGREES.transform(x + 100, y + 10)
        stops += f"{stop},{stop},{lat:.6f},{lon:.6f}\n"
    calls = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    for trip, leaves_s in enumerate(departures_s):
        for order, (stop, at_s) in enumerate((("A", leaves_s), ("B", leaves_s + 1200)), start=1):
            clock = f"{at_s // 3600:02}:{at_s // 60 % 60:02}:00"
            calls += f"{trip},{clock},{clock},{stop},{order}\n"
    (folder / "stops.txt").write_text(stops)
    (folder / "stop_times.txt").write_text(calls)
    return name


def reach(buses):
    """Return the most jobs within 30 minutes of a village street, and homes of a plant's."""
    network = CityNetwork.from_wkts(
        streets(), crs=LAMBERT_93, remove_fillers=False, remove_danglers=0
    )
    if buses:
        network = network.add_gtfs(buses)
    places = geopandas.GeoDataFrame(
        {"kind": ["home", "job"]},
        geometry=[shapely.Point(x + 100, y + 195) for x, y in (VILLAGE, PLANT)],
        crs=LAMBERT_93,
    )
    table = network.compute_accessibilities(
        places, landuse_column_label="kind", accessibility_keys=["home", "job"], minutes=[30]
    ).nodes_gdf
    jobs, homes = (
        table.loc[table.index.str.startswith(place), column].max()
        for place, column in (("village", "cc_job_2400"), ("plant", "cc_home_2400"))
    )
    return int(jobs), int(homes)


seen = {
    "no bus": reach(None),
    "one bus, at 05:00": reach(feed("one", [5 * 3600])),
    "a bus every five minutes": reach(feed("many", range(5 * 3600, 23 * 3600, 300))),
}
for what, (jobs, homes) in seen.items():
    print(f"{what}: {jobs} plant from the village, {homes} village from the plant")
if list(seen.values()) != [(0, 0), (1, 1), (1, 1)]:
    sys.exit("Changed: the wait or the direction of a line counts.")
PY
venv/bin/python -W ignore reach.py 2>log || { cat log >&2; exit 1; }
