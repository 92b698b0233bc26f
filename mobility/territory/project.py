"""The territory file: one study, its sources, dates, limits and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, PrivateAttr, ValidationError, model_validator

from mobility.base.clock import DAY_S
from mobility.base.errors import TerritoryError
from mobility.territory.changes import Changes, on_base
from mobility.territory.fields import (
    WEEKDAYS,
    ClockS,
    Days,
    DaysConfig,
    Lat,
    Lon,
    Model,
    RefusedError,
    Share,
    Sources,
    StreetMode,
)
from mobility.territory.rosters import Site
from mobility.territory.validation import explain_validation, read_territory_toml

TransitMode = Literal["transit", "bike_transit", "park_and_ride", "on_demand"]
Mode = Literal[TransitMode, StreetMode]
Language = Literal["fr", "en"]


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise RefusedError(
            "There is no such time zone.", 'Write a name such as "Europe/Paris".'
        ) from None
    return name


class Limits(Model):
    """What a worker accepts; a direction holds within all of them.

    Attributes
    ----------
    max_total_min
        Door to shift start (outbound) or shift end to door (return).
    max_walk_min
        Walking in all, in one direction.
    max_transfers
        Changes of vehicle.
    max_wait_min
        Any single wait, at a stop or at the gate (the margins are not a wait).
    margin_in_min, margin_out_min
        Gate to work station; a site may have its own.
    max_transfer_walk_min
        One walk between two vehicles.
    min_change_s
        Time kept between leaving a vehicle and boarding the next, on top of the walk.
    max_bike_min
        Cycling in one direction, all the way to work.
    max_bike_to_stop_min, max_drive_to_stop_min
        Cycling to a stop, driving to a park-and-ride, in one direction.
    min_workers_shown
        Fewest employees of a file that are counted in one area (privacy).
    safe_at_night
        Legs on foot or by bicycle that fall in the dark keep to safe streets.
    """

    max_total_min: Annotated[float, Field(gt=0, le=360)] = 60
    max_walk_min: Annotated[float, Field(ge=0, le=180)] = 20
    max_transfers: Annotated[int, Field(ge=0, le=5)] = 2
    max_wait_min: Annotated[float, Field(ge=0, le=360)] = 30
    margin_in_min: Annotated[float, Field(ge=0, le=180)] = 10
    margin_out_min: Annotated[float, Field(ge=0, le=180)] = 10
    max_transfer_walk_min: Annotated[float, Field(ge=0, le=60)] = 10
    min_change_s: Annotated[int, Field(ge=0, le=1800)] = 60
    max_bike_min: Annotated[float, Field(ge=0, le=180)] = 30
    max_bike_to_stop_min: Annotated[float, Field(ge=0, le=60)] = 10
    max_drive_to_stop_min: Annotated[float, Field(ge=0, le=60)] = 20
    white_site_share: Share = 0.10
    min_workers_shown: Annotated[int, Field(ge=1)] = 5
    safe_at_night: bool = False

    def margins_min(self, site: Site) -> tuple[float, float]:
        """Return the minutes from gate to work station and back, a site's own before the usual."""
        own = site.margin_in_min, site.margin_out_min
        into, out = self.margin_in_min, self.margin_out_min
        return into if own[0] is None else own[0], out if own[1] is None else own[1]


class Night(Model):
    """What is assumed of streets in the dark.

    Attributes
    ----------
    assume_lit
        Streets without a ``lit`` tag are taken to be lit in built-up areas only, always, or
        never.
    """

    assume_lit: Literal["built_up", "always", "never"] = "built_up"


class Feeders(Model):
    """Reaching stops by bicycle or by car; every value is an assumption to be set locally.

    Attributes
    ----------
    bike
        The bicycle is ``parked`` at the stop, or ``carried`` aboard to ride at both ends.
    locking_s, parking_s
        Seconds to lock a bicycle, and from driving into a car park to walking away.
    bike_walk_min, park_walk_min
        Longest walk between where the bicycle or the car stands and the stop.
    """

    bike: Literal["parked", "carried"] = "parked"
    locking_s: Annotated[int, Field(ge=0, le=1800)] = 60
    parking_s: Annotated[int, Field(ge=0, le=1800)] = 120
    bike_walk_min: Annotated[float, Field(ge=0, le=15)] = 2
    park_walk_min: Annotated[float, Field(ge=0, le=30)] = 6


class OnDemand(Model):
    """A zone in which a vehicle comes when booked.

    Attributes
    ----------
    name
        Shown in reports.
    file, layer
        Polygons of the zone; or ``polygon``, its ring as longitude and latitude; or
        ``communes``, names as the homes carry them (a gate is in the commune of the home
        nearest to it).
    days, start, end
        When it runs; an end at or before the start is on the next day.
    hubs
        Stops (``stop_id`` or name) where it meets public transport, besides gates in the zone.
    detour
        Ride against the direct drive, for other passengers on the way.
    wait_min
        Kept for the time slot of the vehicle.
    max_ride_min
        Longest ride.
    booking_min
        Least notice for a booking; told, not computed with.
    """

    name: str = Field(min_length=1)
    file: Path | None = None
    layer: str | None = None
    polygon: list[tuple[Lon, Lat]] = []
    communes: list[str] = []
    days: Days = list(WEEKDAYS)
    start: ClockS = 0
    end: ClockS = DAY_S
    hubs: list[str] = []
    detour: Annotated[float, Field(ge=1, le=3)] = 1.3
    wait_min: Annotated[float, Field(ge=0, le=60)] = 10
    max_ride_min: Annotated[float, Field(gt=0, le=180)] = 40
    booking_min: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _one_area(self) -> OnDemand:
        given = [self.file is not None, bool(self.polygon), bool(self.communes)]
        if sum(given) != 1:
            raise RefusedError(
                "The zone needs its area once.", "Give one of: file, polygon, communes."
            )
        if self.polygon and len(self.polygon) < 3:
            raise RefusedError(
                "The polygon has fewer than three points.",
                "Give at least three pairs of longitude and latitude.",
                field=("polygon",),
            )
        return self


class Carpool(Model):
    """Who could share a car.

    Attributes
    ----------
    detour_min
        Minutes a driver accepts more than alone, each way.
    hours_min
        Shifts of other sites whose edges differ by no more can share a car.
    points
        Meeting points listed per shift.
    """

    detour_min: Annotated[float, Field(ge=0, le=60)] = 10
    hours_min: Annotated[float, Field(ge=0, le=120)] = 15
    points: Annotated[int, Field(ge=0, le=50)] = 5


class Speeds(Model):
    """Door-to-door speeds.

    Walking: 4.5 km/h, i.e. 1.25 m/s, between the 1.2 m/s of pedestrian-crossing practice
    and the 1.34 m/s mean of Bohannon (1997). Cycling: 15 km/h and e-bike 19 km/h
    (ADEME/6t, Usages et usagers du vélo électrique).
    """

    walk_kmh: Annotated[float, Field(gt=0, le=10)] = 4.5
    bike_kmh: Annotated[float, Field(gt=0, le=40)] = 15.0
    e_bike_kmh: Annotated[float, Field(gt=0, le=45)] = 19.0


class Driving(Model):
    """Solo driving, besides the streets' own speeds.

    Attributes
    ----------
    peak_factor, peak_hours
        Driving takes ``peak_factor`` times as long within the clock intervals, the hours on the
        road being gone through one after the other; by night and off-peak it stays.
    hourly
        A factor for each hour of the day, 24 in all, instead of peak hours.
    parking_min
        From parking to the gate; the margins already cover the way inside the plant.
    """

    peak_factor: Annotated[float, Field(ge=1, le=4)] = 1.0
    peak_hours: list[tuple[ClockS, ClockS]] = [(7 * 3600, 9 * 3600), (16 * 3600, 19 * 3600)]
    hourly: list[Annotated[float, Field(ge=0.5, le=4)]] = []
    parking_min: Annotated[float, Field(ge=0, le=60)] = 0

    @model_validator(mode="after")
    def _whole_day(self) -> Driving:
        if len(self.hourly) not in (0, 24):
            raise RefusedError(
                "These are {count} factors instead of 24.",
                "Give one factor for each hour, from 00:00 on.",
                field=("hourly",),
                count=len(self.hourly),
            )
        return self


class Modes(Model):
    """Which modes are computed, and whether cycling rescues a white zone.

    ``school_services`` tells whether workers may ride lines that only serve schools.
    """

    evaluated: list[Mode] = ["transit", "walk", "bike", "car"]
    cycling_counts: bool = False
    school_services: bool = True


class Output(Model):
    """Where results go and in which language.

    ``geopackage`` tells whether ``results.gpkg`` is written; Parquet holds the same.
    """

    dir: Path = Path("out")
    language: Language = "fr"
    tiles: str | None = None
    geopackage: bool = True


class Territory(Model):
    """One study, as written in its TOML file."""

    name: str = Field(min_length=1)
    timezone: Annotated[str, AfterValidator(_check_zone)] = "Europe/Paris"
    crs: str = "auto"
    sources: Sources
    sites: list[Site] = []
    days: DaysConfig = DaysConfig()
    limits: Limits = Limits()
    driving: Driving = Driving()
    speeds: Speeds = Speeds()
    modes: Modes = Modes()
    night: Night = Night()
    feeders: Feeders = Feeders()
    on_demand: list[OnDemand] = []
    carpool: Carpool | None = None
    output: Output = Output()
    shuttles: dict[str, Any] = {}
    factors: dict[str, Any] = {}
    changes: Changes = Changes()
    _path: Path | None = PrivateAttr(default=None)
    _base: Path | None = PrivateAttr(default=None)
    _language: Language | None = PrivateAttr(default=None)

    @property
    def language(self) -> Language:
        """Language of what is written: the one asked for, else the file's own."""
        return self._language or self.output.language

    def told_in(self, language: Language) -> Self:
        """Return the territory with its outputs in a language; its figures and names are as ever.

        What is asked for is no part of the file: shifts keep their names, and what an earlier
        command found of the same inputs holds.
        """
        told = self.model_copy()
        told._language = language
        return told

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of every clock time of the file."""
        return ZoneInfo(self.timezone)

    @property
    def path(self) -> Path | None:
        """The file it was read from."""
        return self._path

    @property
    def base(self) -> Path | None:
        """The territory file that this one, a scenario, starts from."""
        return self._base

    def resolve(self, path: Path) -> Path:
        """Return ``path`` as seen from the territory file's folder; of a scenario, its base's."""
        # A scenario lies in a folder of its own, the sources with its base.
        file = self._base or self._path
        base = file.parent if file else Path()
        return path if path.is_absolute() else base / path

    @classmethod
    def from_toml(cls, path: str | Path) -> Territory:
        """Read and check a territory file.

        Raises
        ------
        SourceNotFoundError
            The file does not exist.
        TerritoryError
            It is no TOML, or a field is wrong; the error names field and value.
        """
        path = Path(path)
        return cls.from_dict(read_territory_toml(path), path)

    @classmethod
    def from_dict(cls, data: dict[str, Any], path: Path | None = None) -> Territory:
        """Check a territory given as nested dictionaries.

        A ``base``, a path seen from the folder of ``path``, makes it a scenario: what is not
        given is as there, and its results go to a folder of its name beside it.

        Raises
        ------
        TerritoryError
            A field is wrong; the error names the first one.
        """
        base = data.get("base")
        started = None if base is None else _base_of(base, path)
        if started is not None:
            first = read_territory_toml(started)
            if "base" in first:
                raise TerritoryError(
                    "The base of a scenario is itself a scenario.",
                    file=path,
                    column="base",
                    value=base,
                    mend="Name the territory file that it starts from.",
                )
            data = _scenario(data, first, path)
        try:
            territory = cls.model_validate(data)
        except ValidationError as error:
            raise explain_validation(error, path, cls) from None
        territory._path = None if path is None else path.resolve()
        territory._base = started
        return territory


def _base_of(base: object, path: Path | None) -> Path:
    """Return the file that a scenario starts from."""
    if not isinstance(base, str):
        raise TerritoryError(
            "It is no path of a file.",
            file=path,
            column="base",
            mend="Write the path between quotes.",
        )
    folder = Path() if path is None else path.resolve().parent
    return (folder / base).resolve()


def _scenario(data: dict[str, Any], first: dict[str, Any], path: Path | None) -> dict[str, Any]:
    """Return a scenario on its base, under a name and with a folder of results of its own."""
    own = {key: value for key, value in data.items() if key != "base"}
    merged = on_base(own, first)
    if path is not None:
        if "name" not in own:
            merged["name"] = f"{first.get('name', '')} ({path.stem})"
        if "dir" not in (own.get("output") or {}):
            folder = str(path.resolve().with_suffix(""))
            merged["output"] = {**(merged.get("output") or {}), "dir": folder}
    return merged


def source_files(territory: Territory) -> list[Path]:
    """Return the files a territory names, wherever it does, its own and that of its base."""
    overlays = [Path(g.partition("=")[2]) for g in territory.sources.homes.groups if "=" in g]
    lines = territory.shuttles.get("lines")
    named = [*_paths(territory), *overlays, *([Path(lines)] if isinstance(lines, str) else [])]
    own = [path for path in (territory.base, territory.path) if path is not None]
    return [*(territory.resolve(path) for path in named), *own]


def _paths(value: object) -> Iterator[Path]:
    """Yield every path that a model holds."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel | dict):
        for held in vars(value).values() if isinstance(value, BaseModel) else value.values():
            yield from _paths(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _paths(held)


__all__ = [
    "Carpool", "Feeders", "Limits", "Mode", "Modes", "Night", "OnDemand", "Output", "Site",
    "Speeds", "StreetMode", "Territory", "TransitMode", "source_files",
]  # fmt: skip
