#!/bin/sh
# A village that is made a zone cuts those behind it off from the plant, in the matrices of travel
# times of AequilibraE.
#
# Library:   aequilibrae 1.7.2, numpy 2.4.6, pandas 3.1.1 (PyPI)
# Expected:  A road from the valley's end over a village to the plant, 10 and 16 minutes, and on to
#            the town. From the end to the plant it takes 26 minutes, whether or not the village is
#            among the zones asked for.
# Observed:  26 minutes with the end and the plant as zones. With the village and the town as zones
#            too the end reaches the village alone: the plant and the town are infinite, since no
#            way leads through a zone unless set_blocked_centroid_flows(False) is called. The town
#            reaches neither village nor end: the plant, a zone too, is in the way.
# Matters:   Zones at real crossroads, as communes' centres are in a network without connectors,
#            cut the valley into neighbours. Each zone added makes more of the others unreachable.
# Instead:   set_blocked_centroid_flows(False), or connectors from each zone to the road.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "aequilibrae==1.7.2" "numpy==2.4.6" "pandas==3.1.1"

cat >times.py <<'PY'
import sys

import numpy as np
import pandas as pd
from aequilibrae.paths import Graph, NetworkSkimming

END, VILLAGE, PLANT, TOWN = 1, 2, 3, 4
ROADS = ((END, VILLAGE, 10.0), (VILLAGE, PLANT, 16.0), (PLANT, TOWN, 8.0))


def times(zones, blocked=None):
    """Return the minutes between zones, as they come or with flows through zones set."""
    starts, ends, minutes = zip(*ROADS, strict=True)
    graph = Graph()
    graph.network = pd.DataFrame(
        {
            "link_id": range(1, len(ROADS) + 1),
            "a_node": starts,
            "b_node": ends,
            "direction": 0,
            "time_ab": minutes,
            "time_ba": minutes,
        }
    )
    graph.prepare_graph(np.array(zones))
    graph.set_graph("time")
    graph.set_skimming(["time"])
    if blocked is not None:
        graph.set_blocked_centroid_flows(blocked)
    skims = NetworkSkimming(graph)
    skims.execute()
    return skims.results.skims.get_matrix("time").tolist()


two, four = times((END, PLANT)), times((END, VILLAGE, PLANT, TOWN))
free = times((END, VILLAGE, PLANT, TOWN), blocked=False)
print("two zones:", two)
print("four zones:", four)
print("four zones, not blocked:", free)
inf = np.inf
if two != [[0, 26], [26, 0]]:
    sys.exit("Changed: without the village the plant is at another time.")
if four != [[0, 10, inf, inf], [10, 0, 16, inf], [inf, 16, 0, 8], [inf, inf, 8, 0]]:
    sys.exit("Changed: ways lead through a zone, or through others.")
if free != [[0, 10, 26, 34], [10, 0, 16, 24], [26, 16, 0, 8], [34, 24, 8, 0]]:
    sys.exit("Changed: with flows through zones the times are others.")
PY
venv/bin/python -W ignore times.py >told 2>log || { cat told log >&2; exit 1; }
tr '\r' '\n' <told | grep zones
