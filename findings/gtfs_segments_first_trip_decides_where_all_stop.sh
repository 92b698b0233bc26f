#!/bin/sh
# Whether six buses or none stop at the plant depends, for gtfs-segments, on which trip comes first
# in trips.txt: the stops of the first one of each shape count for all.
#
# Library:   gtfs-segments 2.1.7, pandas 2.2.3, geopandas 0.14.4, numpy 1.26.4 (PyPI)
# Expected:  Six buses drive the same street, with one shape, from the town to the village. One of
#            them stops at the plant on the way, at the begin of the shift. Traversals are one of
#            town to plant, one of plant to village and five of town to village, in any order.
# Observed:  With the bus that stops first in trips.txt six drive from the town to the plant and six
#            from there to the village, none past it. With that bus last all six drive from the town
#            to the village, and the plant has no segment at all. Nothing warns.
# Matters:   A stop for a plant in a few trips of a line is the rule for shifts, and the street is
#            often the same. The plant has a bus an hour, or none, by an order of rows that means
#            nothing.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-segments==2.1.7" "pandas==2.2.3" "geopandas==0.14.4" "numpy==1.26.4"

venv/bin/python -W ignore - <<'PY'
import contextlib
import io
import sys
import zipfile

from gtfs_segments import get_gtfs_segments

# The second line has two ways from town to plant: without such a one somewhere the library fails.
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "Town,Town,46.67,-1.43\nPlant,Plant,46.68,-1.42\nVillage,Village,46.69,-1.41\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\nR2,A,2,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
    "STREET,46.67,-1.43,1\nSTREET,46.68,-1.42,2\nSTREET,46.69,-1.41,3\n"
    "SHORT,46.67,-1.43,1\nSHORT,46.68,-1.42,2\n"
    "LONG,46.67,-1.43,1\nLONG,46.67,-1.41,2\nLONG,46.68,-1.42,3\n",
}


def traversals(buses):
    """Return how often the first line drives each segment, for buses in this order of rows."""
    trips = "route_id,service_id,trip_id,direction_id,shape_id\n"
    calls = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    runs = [("R1", "STREET", stops) for stops in buses]
    runs += [("R2", shape, ("Town", "Plant")) for shape in ("SHORT", "LONG")]
    for number, (route, shape, stops) in enumerate(runs):
        trips += f"{route},W,T{number},0,{shape}\n"
        for order, stop in enumerate(stops):
            time = f"{5 + number:02}:{10 * order:02}:00"
            calls += f"T{number},{time},{time},{stop},{order + 1}\n"
    with zipfile.ZipFile("feed.zip", "w") as archive:
        for table, text in {**TABLES, "trips": trips, "stop_times": calls}.items():
            archive.writestr(f"{table}.txt", text)
    with contextlib.redirect_stdout(io.StringIO()):
        found = get_gtfs_segments("feed.zip")
    line = found[found["route_id"] == "R1"]
    return {
        f"{start}-{end}": int(count)
        for start, end, count in zip(line["stop_id1"], line["stop_id2"], line["traversals"])
    }


SLOW, FAST = ("Town", "Plant", "Village"), ("Town", "Village")
first, last = traversals([SLOW, *[FAST] * 5]), traversals([*[FAST] * 5, SLOW])
print("the bus that stops at the plant comes first:", first)
print("it comes last:", last)
if first != {"Town-Plant": 6, "Plant-Village": 6}:
    sys.exit("Changed: the first trip no longer stops for all.")
if last != {"Town-Village": 6}:
    sys.exit("Changed: a trip after the first counts.")
PY
