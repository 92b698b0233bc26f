"""Lines of the timetables in the browser: their first and last departures, a stop on their way.

And the trips that call near a gate about the hours of a shift.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mobility.base.clock import axis_to_local
from mobility.base.errors import MobilityError
from mobility.commute.line_changes import ways_of_line
from mobility.commute.study import Study
from mobility.outputs.words import natural
from mobility.remedies.stops import is_bus
from mobility.studio.drafts import Draft, Step
from mobility.territory.changes import NewCall
from mobility.timetable.trips import DayNetwork

if TYPE_CHECKING:
    from mobility.studio.live import Live

Float = NDArray[np.float64]
Leg = tuple[int, int]

#: A stop lies on a line's way where calling there is no longer detour, as the crow flies; on other
#: legs than the nearest where it is about as short.
_DETOUR_M, _ALIKE_M = 2_000.0, 300.0
_MOST_STOPS = 40
#: Seconds before a shift's start, and after its end, in which a trip at the gate is listed.
_WINDOW_S = 90 * 60
_MOST = 120


def lines_on(study: Study, day_index: int) -> list[dict[str, Any]]:
    """Return the lines that run on a kind of day, in the order of their names.

    Returns
    -------
    list of dict
        ``line`` (its ``route_id``), ``name``, ``stops`` (whether it can call at one more) and
        ``ways``: ``to``, and of the ``first`` and the ``last`` departure ``trip`` and ``time``.
    """
    if not 0 <= day_index < len(study.days):
        raise MobilityError("There is no such kind of day.", value=day_index)
    day, feed = study.days[day_index], study.feed
    network = DayNetwork(day.kind, study.timetables[day.kind].timetable)
    tt, pieces = network.timetable, network.pieces
    loose = feed.frequencies["trip"].to_numpy()
    own = np.flatnonzero((tt.run_day[pieces.run] == 0) & ~np.isin(pieces.trip, loose))
    route = feed.trips["route"].to_numpy()
    direction = feed.trips["direction_id"].to_numpy()
    headsigns = feed.trips["headsign"].fillna("").astype(str).to_numpy()
    ids = feed.trips["trip_id"].astype(str).to_numpy()

    def ends(k: int) -> tuple[str, str]:
        stop = str(feed.stop_names[tt.call_stop[pieces.last_call[k]]])
        return headsigns[pieces.trip[k]] or stop, stop

    # Without directions, trips that tell the same end, and come to it, go the same way.
    ways: dict[int, dict[tuple[int, str, str], list[int]]] = {}
    for k in own[np.argsort(pieces.start_s[own], kind="stable")].tolist():
        trip = int(pieces.trip[k])
        way = (int(direction[trip]), *(("", "") if direction[trip] >= 0 else ends(k)))
        ways.setdefault(int(route[trip]), {}).setdefault(way, []).append(k)

    def departure(k: int) -> dict[str, str]:
        at = axis_to_local(day.date, int(pieces.start_s[k]), study.territory.zone)
        return {"trip": ids[pieces.trip[k]], "time": f"{at:%H:%M}"}

    def told(there: list[list[int]]) -> list[dict[str, Any]]:
        to = [Counter(map(ends, mine)).most_common(1)[0][0] for mine in there]
        alike = Counter(sign for sign, _ in to)
        return [
            {
                "to": f"{sign} ({stop})" if alike[sign] > 1 and sign != stop else sign,
                "first": departure(mine[0]),
                "last": departure(mine[-1]),
            }
            for (sign, stop), mine in zip(to, there, strict=True)
        ]

    held = set(route[loose].tolist())
    types = feed.routes["route_type"].to_numpy().astype(np.int64)
    found = [
        {
            "line": str(feed.routes["route_id"].iloc[line]),
            "name": str(
                feed.routes["short_name"].iloc[line] or feed.routes["long_name"].iloc[line] or ""
            ),
            "stops": bool(is_bus(types[[line]])[0]) and line not in held,
            "ways": told([mine for _, mine in sorted(there.items())]),
        }
        for line, there in ways.items()
    ]
    return sorted(found, key=lambda one: (natural(str(one["name"])), str(one["line"])))


def with_stop(live: Live, draft: Draft, step: Step) -> Step:
    """Return a step of a stop put on a line's way as one that a draft knows: every changed line.

    Raises `MobilityError`: the line does not pass there.

    Parameters
    ----------
    step
        ``{"do": "stop", "line", "name", "lon", "lat"}``: the line by its ``route_id``, no place
        to take the stop out.
    """
    line, name = str(step.get("line")), str(step.get("name"))
    rows = [_without(row, line, name) for row in draft.get("changes", {}).get("lines", [])]
    rows = [row for row in rows if row.get("stops") != []]
    if step.get("lon") is None:
        return {"do": "lines", "lines": rows}
    try:
        NewCall.model_validate({key: step.get(key) for key in ("name", "lon", "lat")})
    except ValidationError:
        raise MobilityError("There is no such step.", value="stop") from None
    new = {key: step[key] for key in ("name", "lon", "lat")}
    if len({str(stop) for row in rows for stop in row.get("stops", [])}) >= _MOST_STOPS:
        raise MobilityError("These are too many lines or stops.", mend="Draw fewer.")
    xy, place = _on_plane(live.study, float(step["lon"]), float(step["lat"]))
    legs = _legs_past(live.study, line, xy, place)
    if not legs:
        raise MobilityError(
            "The line does not pass near this place.",
            value=name,
            mend="Place the stop nearer to its way.",
        )
    ids = live.study.feed.stops["stop_id"].astype(str)
    for leg in legs:
        ends = {"from_stop": ids.iloc[leg[0]], "to_stop": ids.iloc[leg[1]]}
        key = {"line": line, "how": "reroute", **ends}
        row = next((r for r in rows if all(r.get(k) == v for k, v in key.items())), None)
        if row is None:
            rows.append(key | {"stops": [new]})
        else:
            rows[rows.index(row)] = row | {
                "stops": _in_order(live.study, leg, [*row["stops"], new])
            }
    return {"do": "lines", "lines": rows}


def _without(row: dict[str, Any], line: str, name: str) -> dict[str, Any]:
    """Return a change of a line without a stop put on the way of one."""
    if row.get("line") != line or row.get("how") != "reroute" or "from_stop" not in row:
        return row
    kept = [s for s in row["stops"] if not (isinstance(s, dict) and s.get("name") == name)]
    return row | {"stops": kept}


def _on_plane(study: Study, lon: float, lat: float) -> tuple[Float, Float]:
    """Return the stops of a study and a place, projected."""
    stops = study.feed.stops[["lon", "lat"]].fillna(0).to_numpy(np.float64)
    x, y = study.streets.project(np.array([lon]), np.array([lat]))[0]
    return study.streets.project(stops[:, 0], stops[:, 1]), np.array([x, y])


def _legs_past(study: Study, line: str, xy: Float, place: Float) -> list[Leg]:
    """Return the legs of a line that pass a place, one for each of its ways that does."""
    ways = [way for way, _ in ways_of_line(study, line).most_common()]
    away = np.hypot(*(xy - place).T)

    def detour(leg: Leg) -> float:
        return float(away[leg[0]] + away[leg[1]] - np.hypot(*(xy[leg[0]] - xy[leg[1]])))

    best = {way: min(pairwise(way), key=detour) for way in ways if len(way) > 1}
    nearest = min((detour(leg) for leg in best.values()), default=np.inf)
    found: list[Leg] = []
    served: list[set[Leg]] = []
    for way, leg in best.items():
        legs = set(pairwise(way))
        # A way has the stop once, also where the legs of two ways pass the place.
        if any(leg in others for others in served) or legs & set(found):
            continue
        if detour(leg) <= min(_DETOUR_M, nearest + _ALIKE_M):
            found.append(leg)
            served.append(legs)
    return found


def _in_order(study: Study, leg: Leg, stops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return stops between two others in the order of the way."""
    ends = study.feed.stops[["lon", "lat"]].to_numpy(np.float64)[list(leg)]
    places = np.array([(s["lon"], s["lat"]) for s in stops])
    xy = study.streets.project(*np.concatenate([ends, places]).T)
    along = (xy[2:] - xy[0]) @ (xy[1] - xy[0])
    return [stops[k] for k in np.argsort(along, kind="stable")]


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
            window = (times >= edge.at_s) & (times <= edge.at_s + _WINDOW_S)
        else:
            times, may = tt.call_arr, tt.call_alight
            window = (times <= edge.at_s) & (times >= edge.at_s - _WINDOW_S)
        calls = np.flatnonzero(known & may & window)
        # Of each trip, the call nearest to the gate.
        calls = calls[np.argsort(walk_s[tt.call_stop[calls]], kind="stable")]
        _, first = np.unique(tt.call_trip[calls], return_index=True)
        for call in sorted(calls[first].tolist(), key=lambda c: int(times[c])):
            at = axis_to_local(day.date, int(times[call]), study.territory.zone)
            found.append(
                _told(study, int(tt.call_trip[call]), int(tt.call_stop[call]))
                | {"time": f"{at:%H:%M}", "returning": edge.returning}
            )
    return found[:_MOST]


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
