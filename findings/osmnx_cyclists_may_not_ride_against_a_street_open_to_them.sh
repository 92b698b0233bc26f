#!/bin/sh
# A street that is one-way for all but cyclists is one-way for cyclists too on osmnx's cycling
# network.
#
# Library:   osmnx 2.1.1, networkx 3.6.1, geopandas 1.2.0, pandas 3.1.1 (PyPI)
# Expected:  From home down a street of 111 m to the plant, one-way with oneway:bicycle=no: on the
#            network of type "bike" 111 m there and 111 m back, as the signs say.
# Observed:  111 m there, 889 m back around the block, as by car. A second street, with the older
#            cycleway=opposite beside its oneway=yes, is one-way as well. Only "walk" goes both
#            ways. The tag is not even kept on the edge, so it cannot be mended afterwards unless
#            it is added to useful_tags_way first.
# Matters:   In France a one-way street limited to 30 km/h is open to cyclists both ways unless an
#            order says otherwise, and is tagged so. Old towns lose such ways home by bicycle, and
#            a commute that holds in the morning does not hold after the shift.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "osmnx==2.1.1" "networkx==3.6.1" "geopandas==1.2.0" "pandas==3.1.1"

venv/bin/python -W ignore - <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import networkx as nx
import osmnx as ox

HOME, PLANT, CORNER, SQUARE = 1, 2, 3, 4
PLACES = {
    HOME: (46.670, -1.4300),
    PLANT: (46.671, -1.4300),
    CORNER: (46.671, -1.4249),
    SQUARE: (46.670, -1.4249),
}
STREETS = [
    (HOME, PLANT, {"oneway": "yes", "oneway:bicycle": "no"}),
    (PLANT, CORNER, {}),
    (CORNER, SQUARE, {"oneway": "yes", "cycleway": "opposite"}),
    (SQUARE, HOME, {}),
]
ELEMENTS = [
    {"type": "node", "id": place, "lat": lat, "lon": lon} for place, (lat, lon) in PLACES.items()
] + [
    {"type": "way", "id": k, "nodes": [u, v], "tags": {"highway": "residential", **tags}}
    for k, (u, v, tags) in enumerate(STREETS, 1)
]


class Overpass(BaseHTTPRequestHandler):
    """Answer each query with the block above, so that nothing is downloaded."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"version": 0.6, "elements": ELEMENTS}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Overpass)
threading.Thread(target=server.serve_forever, daemon=True).start()
ox.settings.overpass_url = f"http://127.0.0.1:{server.server_port}/api"
ox.settings.overpass_rate_limit = False
ox.settings.doh_url_template = None
ox.settings.use_cache = False


def block(kind):
    """Return metres there, metres back, and the directions of the second street."""
    streets = ox.graph_from_point((46.6705, -1.4275), 600, network_type=kind, simplify=False)
    there, back = (
        round(nx.shortest_path_length(streets, *ends, weight="length"))
        for ends in ((HOME, PLANT), (PLANT, HOME))
    )
    kept = streets.edges[HOME, PLANT, 0].get("oneway:bicycle")
    second = streets.has_edge(CORNER, SQUARE) + streets.has_edge(SQUARE, CORNER)
    return there, back, second, kept


found = {kind: block(kind) for kind in ("walk", "bike", "drive")}
server.shutdown()
for kind, (there, back, second, kept) in found.items():
    print(f"{kind}: {there} m there, {back} m back, second street {second} way(s), kept: {kept}")
if (found["walk"][:3], found["drive"][:3]) != ((111, 111, 2), (111, 889, 1)):
    sys.exit("Changed: walkers or drivers find other ways.")
if found["bike"] != (111, 889, 1, None):
    sys.exit("Changed: cyclists may ride against a street that is open to them.")
PY
