"""What a map page shows: plain arrays and names, independent of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.base.arrays import Float, Int64
from mobility.outputs.map.kept_parts import MapGround, MapJourneys

UInt8 = NDArray[np.uint8]

#: No usable journey, in every array of minutes.
NONE = 255
#: Least whole minutes that no longer fit; longer times read as this one.
_LONGEST_MIN = 254


def minutes(seconds: NDArray[np.signedinteger], *, unreached: int = 2**30) -> UInt8:
    """Return seconds as whole minutes, rounded up, `NONE` where unreached or negative.

    Parameters
    ----------
    seconds
        Any shape.
    unreached
        Values from this one on are no journey.
    """
    if seconds.ndim > 1:
        # Row by row: what is in between fits into the processor's own memory.
        rows = [minutes(row, unreached=unreached) for row in seconds]
        return np.array(rows, np.uint8).reshape(seconds.shape)
    whole = np.minimum(-(-seconds.astype(np.int64) // 60), _LONGEST_MIN)
    return np.where((seconds >= unreached) | (seconds < 0), NONE, whole).astype(np.uint8)


@dataclass(frozen=True)
class MapHomes:
    """Where workers live.

    Attributes
    ----------
    lon, lat : float64[H]
        Degrees, WGS 84.
    name, commune
        Shown in pop-ups and searched for; one per home.
    workers : float64[H]
        Workers living there.
    cells
        Polygons in EPSG:4326, one per home, or None: homes are then drawn as circles.
    pools
        Workers of each home in the labour pool of a roster (by roster index), where it is
        not the whole of ``workers``.
    groups
        Workers of each home who belong to a named group.
    home_id
        What `mobility itinerary` calls each home; empty where it knows none of them.
    """

    lon: Float
    lat: Float
    name: tuple[str, ...]
    commune: tuple[str, ...]
    workers: Float
    cells: tuple[shapely.Polygon | shapely.MultiPolygon, ...] | None = None
    pools: Mapping[int, Float] = field(default_factory=dict)
    groups: Mapping[str, Float] = field(default_factory=dict)
    home_id: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = {
            len(self.lon), len(self.lat), len(self.name), len(self.commune), len(self.workers),
            *(len(p) for p in self.pools.values()), *(len(g) for g in self.groups.values()),
        }  # fmt: skip
        if self.home_id:
            sizes.add(len(self.home_id))
        if self.cells is not None:
            sizes.add(len(self.cells))
        if len(sizes) != 1:
            raise ValueError(f"columns of homes differ in length: {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.lon)

    def pool(self, roster: int) -> Float:
        """Return the labour pool of a roster, workers per home, float64[H]."""
        return self.pools.get(roster, self.workers)


@dataclass(frozen=True)
class MapSite:
    """An employer or an industrial zone; ``gates`` are (lon, lat) pairs.

    ``margins`` are the minutes from the gate to the work station, and back.
    """

    name: str
    employer: str
    gates: tuple[tuple[float, float], ...]
    margins: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class MapRoster:
    """The shifts one worker rotates through; ``site`` is an index into the sites."""

    site: int
    name: str
    headcount: int = 0


@dataclass(frozen=True)
class MapShift:
    """A daily work period of a roster; clock times are seconds since local midnight."""

    roster: int
    name: str
    start_s: int
    end_s: int
    headcount: int = 0


@dataclass(frozen=True)
class MapDay:
    """A kind of day, the date standing for it (ISO) and a label of the user's own."""

    kind: str
    date: str
    label: str = ""


@dataclass(frozen=True)
class Scenario:
    """Results of one variant of the territory.

    Attributes
    ----------
    name
        Shown to readers; the first scenario is the present where it has none.
    outbound_min, return_min : uint8[K, H]
        Whole minutes, `NONE` where the direction does not hold.
    status, reason : uint8[Z, H]
        Indices into `STATUSES` and `REASONS`.
    overtime_min : uint8[K, H], optional
        Overtime after which there is still a way home, `NONE` where there is no way at all.
    share : uint8[R, M, H], optional
        Per roster and mode, share of the cycle's working days that hold, per cent.
    fix_min : uint8[Z, H], optional
        Minutes of the smallest move of one trip or line that makes the commute hold, 0 where
        it does, `NONE` where no single move does it.
    dates
        Its own dates of the kinds of day, where they are not those of the model.
    """

    name: str
    outbound_min: UInt8
    return_min: UInt8
    status: UInt8
    reason: UInt8
    overtime_min: UInt8 | None = None
    share: UInt8 | None = None
    fix_min: UInt8 | None = None
    dates: tuple[str, ...] = ()


@dataclass(frozen=True)
class LineStop:
    """A stop of a shuttle line.

    ``riders`` board or alight there on the busiest kind of day; None at a gate or hub.
    """

    name: str
    lon: float
    lat: float
    riders: float | None = None


@dataclass(frozen=True)
class MapLine:
    """A shuttle line: its path on the streets, float64[n, 2] (lon, lat), and its stops."""

    name: str
    path: Float
    stops: tuple[LineStop, ...]


@dataclass(frozen=True)
class MapRun:
    """One vehicle journey.

    Attributes
    ----------
    line
        Index into the plan's lines.
    vehicle
        Number of the vehicle (block) in the plan.
    direction
        ``in`` brings a shift, ``out`` takes it home, ``empty`` carries nobody.
    stops
        Indices into the line's stops, in the order called at; none for an empty run, which
        has two times and its own path.
    times_s
        Clock seconds at each of them; 86 400 and more after midnight.
    riders
        On board after each call.
    days
        Kinds of day it runs on; empty means all.
    path : float64[n, 2], optional
        Its own way (lon, lat); otherwise the line's path.
    """

    line: int
    vehicle: int
    direction: str
    stops: tuple[int, ...]
    times_s: tuple[int, ...]
    riders: tuple[float, ...] = ()
    days: tuple[str, ...] = ()
    path: Float | None = None


@dataclass(frozen=True)
class MapPlan:
    """One point of the frontier: lines, vehicles, what it costs and whom it covers.

    ``scenario`` is the index of the scenario evaluated with it, or None. ``facts`` are
    further rows of its table: (English label, value as shown). The ``told`` one opens.
    """

    name: str
    cost_eur: float
    workers: float
    vehicles: int
    km_per_year: float
    lines: tuple[MapLine, ...] = ()
    runs: tuple[MapRun, ...] = ()
    scenario: int | None = None
    facts: tuple[tuple[str, str], ...] = ()
    told: bool = False


@dataclass(frozen=True)
class MapLever:
    """A change that costs less than a shuttle, evaluated as a scenario.

    Attributes
    ----------
    scenario
        Index of the scenario with it.
    head, told
        What to do, and a sentence with its effects, each as (French, English).
    jobs, users, eur_year
        Jobs that gain their whole roster, those expected to use it, and cost a year.
    kind
        As in `mobility.remedies.remedy.Remedy`.
    advised
        By the rule of `mobility.remedies.recommendations.objections`.
    sites
        Names of those it serves.
    measure
        What the map shows of it: ``gain``, or ``white`` where white zones alone know of it.
    pick
        For whom it gains most, as in the page's address (``"s2"`` or ``"r0"``), if told.
    plan
        Name of the shuttle plan that it runs whole, if it is one.
    """

    scenario: int
    head: tuple[str, str]
    told: tuple[str, str]
    jobs: float
    users: float
    eur_year: float
    kind: str
    advised: bool = False
    sites: tuple[str, ...] = ()
    measure: str = "gain"
    pick: str = ""
    plan: str = ""


@dataclass(frozen=True)
class ExistingLine:
    """A line of the timetable: its path, and its trips of each kind of day, both ways together.

    ``trips`` holds for each kind of day the minutes of the day at which a trip starts, and those
    it lasts, int[n, 2].
    """

    name: str
    path: Float
    trips: tuple[Int64, ...]


@dataclass(frozen=True)
class Stops:
    """Public transport stops: ``trips`` is the number of departures per day, int[N, days]."""

    name: tuple[str, ...] = ()
    lon: Float = field(default_factory=lambda: np.zeros(0))
    lat: Float = field(default_factory=lambda: np.zeros(0))
    trips: Int64 = field(default_factory=lambda: np.zeros((0, 0), np.int64))


@dataclass(frozen=True)
class MapSource:
    """A source of the page: what it is, its attribution and its licence."""

    role: str
    name: str
    attribution: str = ""
    licence: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class MapModel:
    """Everything one page shows.

    Attributes
    ----------
    territory
        Name of the territory.
    key_shift, key_day, key_mode : int[K]
        Shift, day and mode (indices) of each row of the scenarios' minutes.
    zone_shift, zone_day : int[Z]
        Shift and day of each row of the scenarios' statuses.
    modes
        Names of the modes, e.g. ``transit``, ``walk``, ``bike``.
    scenarios
        The present first; further ones are compared with it.
    limits
        Limits a direction holds within, by field name of `mobility.territory.project.Limits`.
    levers
        The cheapest per job first; each names its scenario.
    lines
        What runs today.
    employees
        The homes are those of an employer's file, not of the labour pool.
    inputs
        Hash of what the figures follow from.
    findings
        Sentences the reader should know, as (French, English).
    version
        Version of the software that computed the results.
    """

    territory: str
    homes: MapHomes
    sites: tuple[MapSite, ...]
    rosters: tuple[MapRoster, ...]
    shifts: tuple[MapShift, ...]
    days: tuple[MapDay, ...]
    modes: tuple[str, ...]
    key_shift: Int64
    key_day: Int64
    key_mode: Int64
    zone_shift: Int64
    zone_day: Int64
    scenarios: tuple[Scenario, ...]
    plans: tuple[MapPlan, ...] = ()
    levers: tuple[MapLever, ...] = ()
    lines: tuple[ExistingLine, ...] = ()
    employees: bool = False
    inputs: str = ""
    itineraries: tuple[MapJourneys, ...] = ()
    stops: Stops = field(default_factory=Stops)
    background: MapGround = field(default_factory=MapGround)
    limits: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[MapSource, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    version: str = ""

    def __post_init__(self) -> None:
        if not (self.sites and self.shifts and self.scenarios and len(self.homes)):
            raise ValueError("a map needs homes, a site, a shift and a scenario")
        keys, zones, homes = len(self.key_shift), len(self.zone_shift), len(self.homes)
        for scenario in self.scenarios:
            shapes = {
                "outbound_min": (scenario.outbound_min, (keys, homes)),
                "return_min": (scenario.return_min, (keys, homes)),
                "overtime_min": (scenario.overtime_min, (keys, homes)),
                "status": (scenario.status, (zones, homes)),
                "reason": (scenario.reason, (zones, homes)),
                "share": (scenario.share, (len(self.rosters), len(self.modes), homes)),
                "fix_min": (scenario.fix_min, (zones, homes)),
            }
            for name, (array, shape) in shapes.items():
                if array is not None and (array.shape != shape or array.dtype != np.uint8):
                    raise ValueError(
                        f"{scenario.name}: {name} is {array.dtype}{array.shape}, not uint8{shape}"
                    )
