#!/bin/sh
# Without direction_id, which GTFS does not ask for, gtfs2gmns keeps one way of a line, and one of
# its branches.
#
# Library:   gtfs2gmns 0.8.0, pandas 3.1.1, numpy 2.4.6 (PyPI)
# Expected:  A bus from the town by a village to the plant at 04:00 and one back at 05:00 give
#            service links there and back. The README promises links "between each route stop pair
#            of each trip".
# Observed:  Links there, none back, and two trips counted on the way there ("lanes"). Trips of a
#            line and direction are taken for the same when their stop_sequence numbers are (1;2;3),
#            whatever their stops, and only the first is drawn. With direction_id all four links
#            are there; with stops numbered otherwise on the way back (11, 12, 13) too.
# Matters:   direction_id is optional, and most feeds number stops from 1. On the network everybody
#            gets to the plant, at twice the frequency, and nobody home; a line with two branches
#            serves one.
# Instead:   Give each sequence of stops of a line a route_id of its own first.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs2gmns==0.8.0" "pandas==3.1.1" "numpy==2.4.6"

venv/bin/python -W ignore - <<'PY'
import contextlib
import io
import sys
from pathlib import Path

import gtfs2gmns
import pandas as pd

TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,Agency,http://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
    "Town,Town,46.67,-1.43\nVillage,Village,46.69,-1.43\nPlant,Plant,46.70,-1.38\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,One,3\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
    "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
}
THERE, BACK = ("Town", "Village", "Plant"), ("Plant", "Village", "Town")


def links(name, trips, first_number_back=1):
    """Return the service links of the network made of the bus there and the one back."""
    rows = ["trip_id,arrival_time,departure_time,stop_id,stop_sequence"]
    for trip, hour, stops, first in (("T1", 4, THERE, 1), ("T2", 5, BACK, first_number_back)):
        for k, stop in enumerate(stops):
            time = f"{hour:02d}:{10 * k:02d}:00"
            rows.append(f"{trip},{time},{time},{stop},{first + k}")
    feed, out = Path(name, "in", "feed"), Path(name, "out")
    feed.mkdir(parents=True)
    out.mkdir()
    for table, text in {**TABLES, "trips": trips, "stop_times": "\n".join(rows) + "\n"}.items():
        (feed / f"{table}.txt").write_text(text)
    with contextlib.redirect_stdout(io.StringIO()):
        gtfs2gmns.gtfs2gmns(str(feed.parent), str(out), time_period="0400_0600")
    nodes, links = pd.read_csv(out / "node.csv"), pd.read_csv(out / "link.csv")
    stop = {
        node: name.split(":")[0].split(".")[-1]
        for node, name in zip(nodes["node_id"], nodes["name"])
    }
    service = links[links["link_type_name"] == "service_links"]
    return {
        f"{stop[a]} to {stop[b]}": int(trips)
        for a, b, trips in zip(service["from_node_id"], service["to_node_id"], service["lanes"])
    }


PLAIN = "route_id,service_id,trip_id\nR1,W,T1\nR1,W,T2\n"
WITH_IDS = "route_id,service_id,trip_id,direction_id\nR1,W,T1,0\nR1,W,T2,1\n"
plain = links("plain", PLAIN)
numbered = links("numbered", PLAIN, first_number_back=11)
with_ids = links("with_ids", WITH_IDS)
print("without direction_id:", plain)
print("without, stops back numbered from 11:", numbered)
print("with direction_id:", with_ids)
both_ways = {"Town to Village", "Village to Plant", "Plant to Village", "Village to Town"}
if set(with_ids) != both_ways or set(numbered) != both_ways or {*with_ids.values()} != {1}:
    sys.exit("Changed: the line does not run both ways with direction_id either.")
if plain != {"Town to Village": 2, "Village to Plant": 2}:
    sys.exit("Changed: the way back is drawn without direction_id.")
PY
