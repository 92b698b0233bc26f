"""What a shuttle is made of: places, anchors, lines and runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from mobility.base.clock import DAY_S
from mobility.territory.rosters import ALL_YEAR

Direction = Literal["in", "out"]
PlaceKind = Literal["stop", "village", "carpool", "park_ride", "node", "gate", "hub", "depot"]
PLACE_KINDS: tuple[PlaceKind, ...] = (
    "stop", "village", "carpool", "park_ride", "node", "gate", "hub", "depot",
)  # fmt: skip
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
UNREACHED = 2**30
DAY_CUT_S = 3 * 3600  # when a day that operates begins
ALWAYS_S = 10**8  # latest time of what has no window


@dataclass(frozen=True)
class Place:
    """A point a shuttle may call at, or its depot.

    Attributes
    ----------
    name
        As shown to riders.
    lon, lat
        Degrees, WGS 84.
    kind
        Existing stop, village centre, car-pool area, park-and-ride, roadside node, gate,
        hub of a feeder, or depot.
    stop_id
        The existing stop it stands at, in the territory's feeds; empty when new.
    """

    name: str
    lon: float
    lat: float
    kind: PlaceKind
    stop_id: str = ""


@dataclass(frozen=True)
class Drive:
    """Driving between places: ``seconds`` int32[P,P] and ``metres`` float64[P,P], row to column.

    ``seconds`` of ``UNREACHED`` means no way.
    """

    seconds: Ints
    metres: Floats


@dataclass(frozen=True)
class Edge:
    """One end of one shift: what a run is timed on.

    Attributes
    ----------
    shift_id
        Row of the study's shifts.
    site
        Index of the site.
    direction
        ``"in"`` before the shift starts, ``"out"`` after it ends.
    clock_s
        Shift start or end, in seconds on the axis of the date the shift starts on
        (86 400 and more after midnight).
    weekdays
        Days the shift starts on, 0 Monday to 6 Sunday.
    day_kinds
        Kinds of day on which white workers ask for it.
    season
        Days of the year on which its roster works, see `rosters.season_of`.
    """

    shift_id: int
    site: int
    direction: Direction
    clock_s: int
    weekdays: tuple[int, ...]
    day_kinds: tuple[str, ...]
    season: int = ALL_YEAR


@dataclass(frozen=True)
class Anchor:
    """Where a line ends inbound and starts outbound: gates, or a hub with its trunk line.

    Attributes
    ----------
    places
        Places called at in inbound order, one for a gate or hub, several for a pool.
    at_s
        Latest arrival (inbound) or earliest departure (outbound) at ``places[i]`` for
        edge *e*: int32[E, len(places)]; `UNREACHED` where the anchor does not serve it.
    used_s
        Part of the worker's total time spent beyond that call: int32[E, len(places)].
    walk_s
        Walking beyond that call: int32[E, len(places)].
    is_hub
        It meets a trunk line.
    name
        Shown to people.
    """

    places: tuple[int, ...]
    at_s: Ints
    used_s: Ints
    walk_s: Ints
    name: str
    is_hub: bool = False

    def call_of(self, edge: int) -> int:
        """Return the position in ``places`` where the workers of ``edge`` get on or off, or -1."""
        served = np.flatnonzero(self.at_s[edge] < UNREACHED)
        return int(served[0]) if len(served) else -1


@dataclass(frozen=True)
class Line:
    """A shuttle line: stops in order, a vehicle, the shifts it serves.

    Attributes
    ----------
    name
        As shown to riders.
    stops_in
        Places called at inbound, in order, without the anchor's.
    stops_out
        Places called at outbound, in order, without the anchor's.
    anchor
        Where it ends and starts.
    vehicle
        Index into the configuration's vehicles.
    edges
        Edges it runs for, ascending.
    own_vehicle
        The planner chose the vehicle: it is kept, whatever the load.
    """

    name: str
    stops_in: tuple[int, ...]
    stops_out: tuple[int, ...]
    anchor: Anchor
    vehicle: int
    edges: tuple[int, ...] = ()
    own_vehicle: bool = False


@dataclass(frozen=True)
class Run:
    """One vehicle journey with riders, on the axis of the date its shift starts on.

    Attributes
    ----------
    line
        Index into the plan's lines.
    edges
        Shift ends it serves (several when sites are pooled).
    direction
        Inbound or outbound.
    calls
        Places in order.
    arrive_s, depart_s
        Seconds, whole minutes, one per call.
    metres
        Driven with riders.
    weekdays, day_kinds, season
        When it runs, by the date the shift starts on.
    vehicle
        Index into the configuration's vehicles.
    slack_s
        How much sooner it leaves, so that it is in time at the p95 of its driving time.
    """

    line: int
    edges: tuple[int, ...]
    direction: Direction
    calls: tuple[int, ...]
    arrive_s: tuple[int, ...]
    depart_s: tuple[int, ...]
    metres: float
    weekdays: tuple[int, ...]
    day_kinds: tuple[str, ...]
    vehicle: int
    riders: tuple[float, ...] = field(default=())
    season: int = ALL_YEAR
    slack_s: int = 0

    @property
    def start_s(self) -> int:
        """Departure from the first call."""
        return self.depart_s[0]

    @property
    def end_s(self) -> int:
        """Arrival at the last call."""
        return self.arrive_s[-1]

    @property
    def days_before(self) -> int:
        """Days by which it leaves before the date its shift starts on: 1 for a start at 00:10."""
        return max(0, -(self.start_s // DAY_S))

    def service_s(self, second: int) -> int:
        """Return a time of it on the axis of the day it leaves on, which GTFS asks for."""
        return second + self.days_before * DAY_S

    @property
    def service_weekdays(self) -> tuple[int, ...]:
        """Weekdays on which it leaves; a return after midnight counts from the day before."""
        return tuple(sorted((day - self.days_before) % 7 for day in self.weekdays))


def by_shift(ends: Bools, edge_shift: Ints, shifts: int) -> Bools:
    """Return of which shifts each home is marked at some end, bool[S,H].

    Parameters
    ----------
    ends
        bool[E,H].
    edge_shift
        int32[E] shift of each end.
    """
    found = np.zeros((shifts, ends.shape[1]), bool)
    for shift, marked in zip(edge_shift, ends, strict=True):
        found[shift] |= marked
    return found


@dataclass(frozen=True)
class Day:
    """One day of the week in one kind of week.

    Attributes
    ----------
    weekday
        0 Monday to 6 Sunday.
    kinds
        Kind of day of each weekday of that week.
    count
        Such days a year.
    season
        Part of the year it stands for, see `rosters.season_of`: seasonal runs either run
        in all of it or not at all.
    """

    weekday: int
    kinds: tuple[str, ...]
    count: float
    season: int = ALL_YEAR

    def has(self, when: Edge | Run) -> bool:
        """Whether what starts on some weekdays, kinds of day and season does so on this day."""
        return (
            self.weekday in when.weekdays
            and self.kinds[self.weekday] in when.day_kinds
            and bool(self.season & when.season)
        )
