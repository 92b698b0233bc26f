"""The peer on the night suite: the arrive-by cases of tests/test_night.py, one by one."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from mobility.base.clock import axis_to_local

TESTS = Path(__file__).parents[1] / "tests"
NONE = 2**32 - 1
MARGIN_S, TOTAL_S = 600, 5400


def run() -> dict[str, Any]:
    """Ask every arrive-by case; return how many the peer answers as computed by hand."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    import test_night as suite

    asked = [row for row in suite.CASES if not row.ask.startswith("end")]
    wrong = [row.name for row in asked if expected(row) not in answers(suite, row)]
    return {"asked": len(asked), "right": len(asked) - len(wrong), "wrong": wrong}


def expected(row: Any) -> str | None:
    """Return weekday and time of the answer by hand."""
    return None if row.answer is None else " ".join(row.answer.split()[:2])


def answers(suite: Any, row: Any) -> set[str | None]:
    """Return the peer's answer, read as wall clock and as seconds of the service day."""
    clock, _, day = row.ask.split()
    date = dt.date.fromisoformat(day)
    midnight = dt.datetime.combine(date, dt.time())
    gate = midnight + dt.timedelta(seconds=suite.parse_clock(clock) - MARGIN_S)
    left = departure(suite, row, gate)
    if left is None:
        return {None}
    naive = dt.datetime.combine(gate.date(), dt.time()) + dt.timedelta(seconds=left)
    if (gate - naive).total_seconds() > TOTAL_S - MARGIN_S:
        return {None}
    counted = axis_to_local(gate.date(), left, ZoneInfo(row.zone))
    return {when.strftime("%a %H:%M") for when in (naive, counted)}


def departure(suite: Any, row: Any, gate: dt.datetime) -> int | None:
    """Return the peer's latest departure, seconds of the date's service day."""
    from cafein import TransportNetwork

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = []
        for number, (zone, trips) in enumerate(suite.read_trips(row).items()):
            used = {t["trip"]["service_id"] for t in trips}
            path = suite.write_gtfs(
                Path(folder) / f"{number}.zip",
                stops=suite.PLACES,
                trips=trips,
                services={name: suite.SERVICES[name] for name in used},
                timezone=zone,
                **row.tables,
            )
            paths.append(str(path))
        network = TransportNetwork.from_gtfs(paths, trip_distances=False)
    stops = [stop[0] for stop in network.stops]
    place = {stop: stop.rpartition(":")[2] for stop in stops}
    pairs = [(a, b, 0, 0.0) for a in stops for b in stops if a != b and place[a] == place[b]]
    network.set_transfers(pairs)
    found = network._core._arrive_by_time_matrix_with_access(
        [[(s, 120) for s in stops if place[s] == "A"]],
        [[(s, 60) for s in stops if place[s] == "B"]],
        str(gate.date()),
        gate.strftime("%H:%M:%S"),
        1,
    )
    left = int(np.array(found["departure"]).ravel()[0])
    return None if left == NONE else left
