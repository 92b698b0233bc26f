#!/bin/sh
# Of an on-demand trip that fetches workers in two villages, GTFS-flex-to-GOFS keeps the last one.
#
# Library:   GTFS-flex-to-GOFS 0.6.1, py-gtfs-loader 0.4.0, shapely 2.2.0 (PyPI)
# Expected:  North (boarding on call), South (boarding on call), Plant (alighting on call), within
#            windows from 04:00 to 06:30. GTFS, stop_id of stop_times.txt: "travel is possible from
#            one stop or location to any stop or location later in the trip". GOFS: operating rules
#            from North and from South to the plant. (Zones stand in stop_id, as in the draft of
#            GTFS-Flex that the converter names and reads.)
# Observed:  A rule from South alone, and no booking rule for North: only rows next to each other
#            make a rule. As two trips of two rows each, both villages have theirs.
# Matters:   On-demand lines are written village after village with the plant at the end. In the
#            apps that read GOFS all villages but the last have no ride at 04:00, and the order of
#            rows decides which.
# Instead:   Split on-demand trips into one of two rows for each pair before the conversion.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "GTFS-flex-to-GOFS==0.6.1" "py-gtfs-loader==0.4.0" "shapely==2.2.0"

venv/bin/python - <<'PY'
import json
import subprocess
import sys
from pathlib import Path

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,A,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nS1,Town,46.67,-1.43\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,TAD,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    "booking_rules": "booking_rule_id,booking_type,prior_notice_last_day,prior_notice_last_time\n"
    "B1,2,1,17:00:00\n",
}


def zone(name, lon, lat):
    """Return a zone of a kilometre or so."""
    corners = ((0, 0), (0.01, 0), (0.01, 0.01), (0, 0))
    ring = [[lon + x, lat + y] for x, y in corners]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"id": name, "type": "Feature", "properties": {"stop_name": name}, "geometry": geometry}


ZONES = [zone("NORTH", -1.43, 46.72), zone("SOUTH", -1.43, 46.62), zone("PLANT", -1.38, 46.67)]
HEAD = (
    "trip_id,stop_id,stop_sequence,start_pickup_drop_off_window,end_pickup_drop_off_window,"
    "pickup_type,drop_off_type,pickup_booking_rule_id,drop_off_booking_rule_id"
)


def rules(name, *trips):
    """Return the pairs of the operating rules, and where a booking rule is given from."""
    rows = [HEAD]
    for trip, villages in enumerate(trips, 1):
        for k, village in enumerate(villages, 1):
            rows.append(f"T{trip},{village},{k},04:00:00,06:00:00,2,1,B1,")
        rows.append(f"T{trip},PLANT,{len(villages) + 1},04:00:00,06:30:00,1,2,,B1")
    of_trips = "route_id,service_id,trip_id\n" + "".join(
        f"R1,W,T{trip}\n" for trip in range(1, len(trips) + 1)
    )
    feed, out = Path(name, "feed"), Path(name, "gofs")
    feed.mkdir(parents=True)
    tables = {**TABLES, "trips": of_trips, "stop_times": "\n".join(rows) + "\n"}
    for table, text in tables.items():
        (feed / f"{table}.txt").write_text(text)
    zones = {"type": "FeatureCollection", "features": ZONES}
    (feed / "locations.geojson").write_text(json.dumps(zones))
    command = [sys.executable, "-m", "gtfs_flex_to_gofs", "--gtfs-dir", feed, "--gofs-dir", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    of = {file.stem: json.loads(file.read_text())["data"] for file in out.glob("*_rules.json")}
    pairs = [
        f"{r['from_zone_id']}-{r['to_zone_id']}"
        for r in of["operating_rules"]["operating_rules"]
    ]
    booked = {zone for r in of["booking_rules"]["booking_rules"] for zone in r["from_zone_ids"]}
    return sorted(pairs), sorted(booked)


one = rules("one", ["NORTH", "SOUTH"])
two = rules("two", ["NORTH"], ["SOUTH"])
turned = rules("turned", ["SOUTH", "NORTH"])
print("one trip, North before South:", *one)
print("one trip, South before North:", *turned)
print("a trip for each village:", *two)
if two != (["NORTH-PLANT", "SOUTH-PLANT"], ["NORTH", "SOUTH"]):
    sys.exit("Changed: a trip of one village has no rule.")
if one != (["SOUTH-PLANT"], ["SOUTH"]) or turned != (["NORTH-PLANT"], ["NORTH"]):
    sys.exit("Changed: every village of a trip has its rule.")
PY
