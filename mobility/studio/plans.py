"""What is drawn in the browser: lines and plans of shuttles as feeds, and on-demand zones.

A feed is kept beside the scenarios under its content's name, so that a scenario keeps what it
was tried with, whatever is designed later, and the command line runs it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mobility.base.cache import file_hash
from mobility.base.errors import MobilityError, SourceNotFoundError
from mobility.base.files import write_bytes
from mobility.base.literal import one_line
from mobility.remedies.bill import total
from mobility.shuttles.written import read_plan_table
from mobility.studio.drafts import Draft, Step, stepped
from mobility.studio.lines import with_stop
from mobility.territory import changes
from mobility.territory.project import OnDemand
from mobility.territory.validation import explain_validation

if TYPE_CHECKING:
    from mobility.shuttles.edit import DrawnLine
    from mobility.studio.live import Live

_FEEDS = "scenarios/feeds"
#: The name under which a scenario holds all lines drawn.
_DRAWN = "D01"
_MOST_LINES, _MOST_STOPS = 20, 40
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
        a zone, see `_with_zones`; or of a stop, see `lines.with_stop`.
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
        return with_stop(live, draft, step)
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
    found = live.drawing(others).plan([_asked(line) for line in lines])
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


def _asked(line: changes.DrawnLine) -> DrawnLine:
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
