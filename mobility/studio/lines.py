"""Lines in the browser: those of the timetables, a stop on their way, and those that are drawn.

A drawn line or plan of shuttles is a feed, kept beside the scenarios under its content's name, so
that a scenario keeps what it was tried with, whatever is designed later, and the command line runs
it. On-demand zones are drawn likewise.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from mobility.base.arrays import Float
from mobility.base.cache import file_hash
from mobility.base.clock import axis_to_local
from mobility.base.errors import MobilityError, SourceNotFoundError
from mobility.base.files import write_bytes
from mobility.base.literal import one_line
from mobility.commute.line_changes import ways_of_line
from mobility.commute.study import Study
from mobility.outputs.words import natural
from mobility.remedies.bill import total
from mobility.remedies.stops import is_bus
from mobility.shuttles.written import read_plan_table
from mobility.studio.drafts import Draft, Step, stepped
from mobility.territory import changes
from mobility.territory.changes import NewCall
from mobility.territory.project import OnDemand
from mobility.territory.validation import explain_validation
from mobility.timetable.change import DayNetwork

if TYPE_CHECKING:
    from mobility.shuttles.edit import DrawnLine
    from mobility.studio.live import Live

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


def _with_stop(live: Live, draft: Draft, step: Step) -> Step:
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
                _trip_told(study, int(tt.call_trip[call]), int(tt.call_stop[call]))
                | {"time": f"{at:%H:%M}", "returning": edge.returning}
            )
    return found[:_MOST]


def _trip_told(study: Study, trip: int, stop: int) -> dict[str, Any]:
    feed = study.feed
    row = feed.trips.iloc[trip]
    route = feed.routes.iloc[int(row["route"])]
    return {
        "trip": str(row["trip_id"]),
        "line": str(route["short_name"] or route["long_name"] or ""),
        "headsign": str(row["headsign"] or ""),
        "stop": str(feed.stops["stop_name"].iloc[stop] or ""),
    }


_FEEDS = "scenarios/feeds"
#: The name under which a scenario holds all lines drawn.
_DRAWN = "D01"
_MOST_LINES = 20
_COSTS = ("eur_year", "eur_low", "eur_high")
_MOST_ZONES, _MOST_CORNERS = 10, 100
#: What a browser may say of a zone; the rest is as a territory file has it by default.
_FIELDS = ("name", "polygon", "start", "end", "wait_min", "max_ride_min", "detour")


class UnfinishedError(MobilityError):
    """What is being drawn is nothing yet, which is no fault."""


def plans_of(results: Path) -> list[dict[str, Any]]:
    """Return the plans that a design of shuttles left: name, costs, jobs gained, vehicles, told."""
    path = results / "shuttles" / "plans.csv"
    if not path.is_file():
        return []
    table = read_plan_table(path, (*_COSTS, "jobs_gained", "vehicles", "lines", "knee"))
    return [
        {
            "name": str(row["plan"]),
            **{key: round(float(row[key]), 2) for key in _COSTS},
            "jobs": float(row["jobs_gained"]),
            "vehicles": int(row["vehicles"]),
            "lines": int(row["lines"]),
            "told": str(row["knee"]) == "True",
        }
        for row in table.to_dict("records")
    ]


def with_feeds(
    live: Live, folder: Path, results: Callable[[], Path], draft: Draft, step: Step
) -> Step:
    """Return a step as one that a draft knows: of a plan, or a line drawn, the feed it stands for.

    Of a zone, or of a stop on a line's way, every zone, or every changed line.

    Raises `MobilityError`: there is no such plan, or no run of the lines has enough riders.

    Parameters
    ----------
    folder, results
        Of the study, and what tells that of what was designed for it.
    step
        ``{"do": "plan", "name", "on"}``, or ``{"do": "line", "name", "site", "shifts",
        "vehicle", "stops"}`` with longitude and latitude of each stop, none to take it out; or of
        a zone, see `_with_zones`; or of a stop, see `lines._with_stop`.
    """
    if step.get("do") in (
        "feed",
        "lines",
        "zones",
    ):  # what steps of a browser become, never one of them
        raise MobilityError("There is no such step.", value=step["do"], mend="Load the page again.")
    if step.get("do") == "zone":
        return _with_zones(live, draft, step)
    if step.get("do") == "stop":
        return _with_stop(live, draft, step)
    if step.get("do") == "plan":
        return _plan(folder, results(), step)
    if step.get("do") == "line":
        return _drawn(live, folder, draft, step)
    return step


def _plan(folder: Path, results: Path, step: Step) -> Step:
    name = str(step.get("name"))
    if not step.get("on"):
        return {"do": "feed", "name": name}
    found = next((one for one in plans_of(results) if one["name"] == name), None)
    if found is None:
        raise SourceNotFoundError("There is no such plan.", value=name, mend="Load the page again.")
    file = _kept(folder, (results / "shuttles" / f"{name}.zip"))
    return {"do": "feed", "name": name, "file": file, **{key: found[key] for key in _COSTS}}


def _drawn(live: Live, folder: Path, draft: Draft, step: Step) -> Step:
    """Return the feed of all lines drawn, one of them as a step has it."""
    from mobility.shuttles.gtfs_out import write_gtfs

    feeds = draft.get("changes", {}).get("feeds", [])
    rows = next((list(feed.get("lines", [])) for feed in feeds if feed["name"] == _DRAWN), [])
    fields = {k: v for k, v in step.items() if k != "do" and v}
    place = next((k for k, row in enumerate(rows) if row["name"] == fields.get("name")), len(rows))
    rows[place : place + 1] = [fields] if fields.get("stops") else []
    if not rows:
        return {"do": "feed", "name": _DRAWN}
    try:
        lines = [changes.DrawnLine.model_validate(row) for row in rows]
    except ValidationError:
        raise MobilityError("There is no such step.", value="line") from None
    if len(lines) > _MOST_LINES or any(len(line.stops) > _MOST_STOPS for line in lines):
        raise MobilityError("These are too many lines or stops.", mend="Draw fewer.")
    others = live.territory(stepped(draft, {"do": "feed", "name": _DRAWN}))
    found = live.drawing(others).plan([_line_asked(line) for line in lines])
    if not found.plans:
        raise UnfinishedError(
            "As it is drawn, the line has too few riders to run; the map is as before.",
            mend="Draw its next stop, or move one to where more workers live in a white zone.",
        )
    (plan,) = found.plans
    with tempfile.TemporaryDirectory() as part:
        file = _kept(folder, write_gtfs(found.gtfs(plan), Path(part) / "lines.zip"))
    bill = found.bill(plan)
    costs = {key: round(total(bill, key.removeprefix("eur_")), 2) for key in _COSTS}
    return {"do": "feed", "name": _DRAWN, "file": file, **costs, "lines": rows}


def _line_asked(line: changes.DrawnLine) -> DrawnLine:
    from mobility.shuttles.edit import DrawnLine
    from mobility.shuttles.model import Place

    name = one_line(line.name)
    stops = tuple(
        Place(one_line(stop.name) or f"{name}-{k}", stop.lon, stop.lat, "node")
        for k, stop in enumerate(line.stops, 1)
    )
    return DrawnLine(name, stops, line.site, tuple(line.shifts), line.vehicle)


def _kept(folder: Path, feed: Path) -> str:
    """Copy a feed beside the scenarios, under the name of its content; return its path."""
    name = f"{_FEEDS}/{file_hash(feed)[:16]}.zip"
    if not (folder / name).is_file():
        write_bytes(folder / name, feed.read_bytes())
    return name


def _with_zones(live: Live, draft: Draft, step: Step) -> Step:
    """Return a step of a zone drawn as one that a draft knows: every zone, every mode.

    Raises `MobilityError`: the zone cannot be, or is one of the study's own.

    Parameters
    ----------
    step
        ``{"do": "zone", "name", "polygon", ...}``, see `_FIELDS`: corners as longitude and
        latitude, none to take it out; hours as ``"05:00"``.
    """
    own = live.data.get("on_demand", [])
    drawn = draft.get("on_demand", [])[len(own) :]
    row = {name: step[name] for name in _FIELDS if step.get(name) is not None}
    if row.get("name") in [zone.get("name") for zone in own]:
        raise MobilityError(
            "A zone of the study has this name.", value=row["name"], mend="Choose another name."
        )
    place = next((k for k, z in enumerate(drawn) if z["name"] == row.get("name")), len(drawn))
    zones: list[dict[str, Any]] = list(drawn)
    zones[place : place + 1] = [row] if row.get("polygon") else []
    if not zones:
        return {"do": "zones", "on_demand": [], "evaluated": None}
    try:
        for zone in zones:
            OnDemand.model_validate(zone)
    except ValidationError as error:
        raise explain_validation(error, None, OnDemand) from None
    if len(zones) > _MOST_ZONES or any(len(zone["polygon"]) > _MOST_CORNERS for zone in zones):
        raise MobilityError("These are too many zones or corners.", mend="Draw fewer.")
    modes = live.study.territory.modes.evaluated
    evaluated = None if "on_demand" in modes else [*modes, "on_demand"]
    return {"do": "zones", "on_demand": [*own, *zones], "evaluated": evaluated}
