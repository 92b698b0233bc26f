"""A scenario: a territory file that starts from another, and what it changes.

``base`` names that other file. Tables and values the scenario gives stand in place of the
base's; ``[[changes.shifts]]``, ``[[changes.trips]]``, ``[[changes.lines]]`` and
``[[changes.feeds]]`` change what stands in lists and in other sources. A scenario is run as any
territory is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mobility.territory.fields import ClockS, Lat, Lon, Model, RefusedError

_LineHow = Literal["remove", "speed", "headway", "reroute", "calendar", "on_demand"]
#: Fields that a change needs, and those that it may have; others do not go with it.
_NEEDS: dict[str, tuple[str, ...]] = {
    "speed": ("percent",),
    "headway": ("every_min", "start", "end"),
    "reroute": ("stops",),
    "calendar": ("as_on", "days"),
}
_MAY: dict[str, tuple[str, ...]] = dict.fromkeys(("speed", "reroute"), ("from_stop", "to_stop"))
_OWN = ("percent", "from_stop", "to_stop", "every_min", "stops", "as_on")


class ShiftChange(Model):
    """Other hours of one shift.

    Attributes
    ----------
    site, roster, shift
        The shift, by its names.
    start, end
        Its hours; one that is not given stays.
    """

    site: str
    roster: str
    shift: str
    start: ClockS | None = None
    end: ClockS | None = None

    @model_validator(mode="after")
    def _some_hour(self) -> ShiftChange:
        if self.start is None and self.end is None:
            raise RefusedError("Nothing changes here.", "Give start, end, or both.")
        return self


class TripChange(Model):
    """Trips of the timetables moved, run once more, or taken out, on every day they run.

    Attributes
    ----------
    trips
        Their ``trip_id``; with several timetables, after the number of theirs (``"0:4711"``).
    how
        ``move`` them; ``add`` a copy of each; ``remove`` them.
    minutes
        Later when positive: of the trips moved, or of the copies.
    """

    trips: Annotated[list[str], Field(min_length=1)]
    how: Literal["move", "add", "remove"] = "move"
    minutes: Annotated[int, Field(ge=-720, le=720)] = 0


class DrawnStop(Model):
    """A stop of a line drawn by hand."""

    lon: Lon
    lat: Lat
    name: str = ""


class DrawnLine(Model):
    """A line drawn by hand, as its timetable was made from it.

    Attributes
    ----------
    name, site
        Of the line, and of the site it serves.
    stops
        In the order of the way to work, the gate apart.
    shifts, vehicle
        As in the file of drawn lines; all shifts of the site, and the first size, when empty.
    """

    name: str
    site: str
    stops: Annotated[list[DrawnStop], Field(min_length=1)]
    shifts: list[str] = []
    vehicle: str = ""


class FeedChange(Model):
    """A timetable (GTFS) that runs beside those of the territory, such as a plan of shuttles.

    Attributes
    ----------
    file
        The feed; a relative path is seen from the territory file's folder.
    name
        What it is called; the file's name when empty.
    eur_year, eur_low, eur_high
        What it costs, EUR a year and the ends of its band, where known.
    lines
        The lines it was made from, where they were drawn.
    """

    file: Path
    name: str = ""
    eur_year: Annotated[float, Field(ge=0)] | None = None
    eur_low: Annotated[float, Field(ge=0)] | None = None
    eur_high: Annotated[float, Field(ge=0)] | None = None
    lines: list[DrawnLine] = []


class NewCall(Model):
    """A stop that is not in the timetables yet."""

    name: Annotated[str, Field(min_length=1)]
    lon: Lon
    lat: Lat


class LineChange(Model):
    """An existing line changed.

    Attributes
    ----------
    line
        Its public name, or its ``route_id`` (after the number of its timetable, where there are
        several); every line of that name is changed.
    how
        ``remove``; ``speed``: drive a section at ``percent`` of the present speed; ``headway``:
        leave every so many minutes from ``start`` to ``end``; ``reroute`` over other ``stops``,
        or, from one stop straight to the next, let it call at ``stops`` on the way;
        ``calendar``: run on ``days`` as it does on another kind of day; ``on_demand``: a
        vehicle that is booked, around its stops, in its place.
    direction
        ``direction_id`` of the trips changed; both where not given.
    start, end
        Hours in which the trips changed leave their first stop; all day where not given.
    days
        Kinds of day; all where none is given.
    percent
        Of the present speed, 100 being as now.
    from_stop, to_stop
        ``stop_id`` of the ends of the section, of a new way stops that follow each other; the
        whole way where not given.
    every_min
        Minutes from one departure to the next.
    stops
        In order: ``stop_id``, or new ones with name and coordinates.
    as_on
        The kind of day whose trips it runs.
    """

    line: Annotated[str, Field(min_length=1)]
    how: _LineHow
    direction: Literal[0, 1] | None = None
    start: ClockS | None = None
    end: ClockS | None = None
    days: list[str] = []
    percent: Annotated[float, Field(ge=20, le=300)] | None = None
    from_stop: str | None = None
    to_stop: str | None = None
    every_min: Annotated[int, Field(ge=1, le=720)] | None = None
    stops: Annotated[list[str | NewCall], Field(max_length=200)] = []
    as_on: str | None = None

    @model_validator(mode="after")
    def _what_it_needs(self) -> LineChange:
        needs = _NEEDS.get(self.how, ())
        for name in needs:
            if getattr(self, name) in (None, []):
                raise RefusedError(
                    "A change of this kind needs more.",
                    "Give: {needs}.",
                    value=self.how,
                    needs=", ".join(needs),
                )
        known = (*needs, *_MAY.get(self.how, ()))
        for name in _OWN:
            if name not in known and getattr(self, name) not in (None, []):
                raise RefusedError(
                    "This does not go with a change of this kind.",
                    "Take out {name}.",
                    value=self.how,
                    name=name,
                )
        whole = self.from_stop is None
        if (whole and len(self.stops) == 1) or whole != (self.to_stop is None):
            raise RefusedError("A way has two ends.", "Give both.")
        if (self.start is None) != (self.end is None):
            raise RefusedError("Hours have two ends.", "Give start and end, or neither.")
        return self


class Changes(Model):
    """What a scenario changes beyond the settings it gives itself."""

    shifts: list[ShiftChange] = []
    trips: list[TripChange] = []
    lines: list[LineChange] = []
    feeds: list[FeedChange] = []


def on_base(data: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Return what a scenario says, completed by its base: table by table, else value by value."""
    merged = dict(base)
    for key, value in data.items():
        below = merged.get(key)
        nested = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = on_base(value, below) if nested else value  # type: ignore[arg-type]
    return merged
