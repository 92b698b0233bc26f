"""The trips that serve a gate around the edges of a shift: those whose move can matter."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobility.base.clock import axis_to_local
from mobility.base.errors import MobilityError
from mobility.commute.study import Study

#: Seconds before a shift's start, and after its end, in which a trip at the gate is listed.
WINDOW_S = 90 * 60
MOST = 120


def trips_at_gate(study: Study, shift_id: int, day_index: int) -> list[dict[str, Any]]:
    """Return the trips that call within walking reach of the gate, before work and after it.

    Returns
    -------
    list of dict
        ``trip`` (its ``trip_id``), ``line``, ``headsign``, ``stop`` (the one nearest to the
        gate), ``time`` there, and ``returning``; in the order of time.
    """
    if not (0 <= shift_id < len(study.shift_rows) and 0 <= day_index < len(study.days)):
        raise MobilityError("There is no such shift.", value=shift_id)
    day = study.days[day_index]
    row = study.shift_rows[shift_id]
    tt = study.timetables[day.kind].timetable
    walk_s = study.egress_s[row.site]
    near = walk_s[tt.call_stop] <= round(study.territory.limits.max_walk_min * 60)
    loose = study.feed.frequencies["trip"].to_numpy()
    known = near & (tt.call_trip >= 0) & ~np.isin(tt.call_trip, loose)
    found = []
    for edge in study.edges(shift_id, day):
        if edge.returning:
            times, may = tt.call_dep, tt.call_board
            window = (times >= edge.at_s) & (times <= edge.at_s + WINDOW_S)
        else:
            times, may = tt.call_arr, tt.call_alight
            window = (times <= edge.at_s) & (times >= edge.at_s - WINDOW_S)
        calls = np.flatnonzero(known & may & window)
        # Of each trip, the call nearest to the gate.
        calls = calls[np.argsort(walk_s[tt.call_stop[calls]], kind="stable")]
        _, first = np.unique(tt.call_trip[calls], return_index=True)
        for call in sorted(calls[first].tolist(), key=lambda c: int(times[c])):
            at = axis_to_local(day.date, int(times[call]), study.territory.zone)
            found.append(_told(study, int(tt.call_trip[call]), int(tt.call_stop[call]))
                         | {"time": f"{at:%H:%M}", "returning": edge.returning})  # fmt: skip
    return found[:MOST]


def _told(study: Study, trip: int, stop: int) -> dict[str, Any]:
    feed = study.feed
    row = feed.trips.iloc[trip]
    route = feed.routes.iloc[int(row["route"])]
    return {
        "trip": str(row["trip_id"]),
        "line": str(route["short_name"] or route["long_name"] or ""),
        "headsign": str(row["headsign"] or ""),
        "stop": str(feed.stops["stop_name"].iloc[stop] or ""),
    }


__all__ = ["trips_at_gate"]
