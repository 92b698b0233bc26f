"""Settings of the shuttle design, the ``[shuttles]`` table of a territory file, and its factors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator

from mobility.commute.ledger import CAPTURE_HIGH, CAPTURE_LOW, CAPTURE_RATE
from mobility.territory.factors import Factors as Rows
from mobility.territory.fields import Lat, Lon, Model, RefusedError, Share
from mobility.territory.project import Territory
from mobility.territory.validation import explain_validation


class VehicleType(Model):
    """A size of vehicle that may be hired.

    Attributes
    ----------
    name
        Short name, e.g. ``"minibus"``; the factor rows ``vehicle_fixed.<name>``,
        ``vehicle_km.<name>`` and ``vehicle_co2.<name>`` give its costs unless the fields
        below do.
    seats
        Seats of the vehicle, the driver's included for a vehicle of nine or fewer.
    passengers
        Workers it may carry.
    available
        Vehicles of this size that can be had; None is no limit.
    fixed_eur_year, eur_km, co2_g_km
        Own values, instead of the factor rows.
    """

    name: str = Field(min_length=1)
    seats: Annotated[int, Field(ge=1)]
    passengers: Annotated[int, Field(ge=1)]
    available: Annotated[int, Field(ge=0)] | None = None
    fixed_eur_year: Annotated[float, Field(ge=0)] | None = None
    eur_km: Annotated[float, Field(ge=0)] | None = None
    co2_g_km: Annotated[float, Field(ge=0)] | None = None


_DEFAULT_VEHICLES = (
    VehicleType(name="minibus", seats=9, passengers=8),
    VehicleType(name="midibus", seats=22, passengers=22),
    VehicleType(name="autocar", seats=55, passengers=55),
)


class ShuttleConfig(Model):
    """How shuttle lines are designed.

    Attributes
    ----------
    enabled
        Whether shuttles are designed at all.
    capture_rate, capture_low, capture_high
        Share of the white workers within reach who would ride; the two others bound the
        sensitivity interval.
    default_headcount
        Workers present on a shift whose headcount the territory does not give; None counts
        nobody there.
    min_workers
        Fewer captured workers than this on a run are not worth the run.
    max_walk_min
        Walk to a shuttle stop, on the street network.
    min_spacing_m
        Between two shuttle stops, in a straight line.
    max_stops
        Shuttle stops considered for one site or pool of sites.
    max_calls
        Stops on one line, the gate apart.
    max_ride_min
        From boarding to the gate.
    detour_ratio, detour_min
        A ride lasts at most ``detour_ratio`` times the direct drive plus ``detour_min``.
    gate_buffer_min
        Kept between the bus at the gate and the time the worker must be there.
    dwell_s
        Halt at each stop.
    turnaround_min
        Between the end of a run and the start of the vehicle's next one.
    drive_factor
        Vehicle driving time over the car's on the same streets.
    depot
        Longitude and latitude where vehicles start and end; None is each line's own gate.
    vehicles
        Sizes that may be hired.
    pool_km, pool_tolerance_min
        Sites at most this far apart share lines when their shift hours differ by no more.
    harmonise_min
        Changes of a site's hours that are tried.
    transfer_min, max_hubs
        Feeders: time to change at a hub and number of hubs examined for each pool.
    max_lines
        Lines of one plan.
    plans
        Budgets examined along the frontier.
    iterations
        Iterations of one route search.
    mip_gap, mip_nodes
        The choice of runs stops at this relative distance to its bound, or after so many
        nodes of the branch and bound; each plan's ``gap`` tells what is left.
    knee_only
        Re-evaluate only the knee by the engine, not every plan of the frontier.
    cell_grid
        Points tried along each side of a cell, for where workers live inside it.
    lines
        Drawn lines to cost beside the designed ones: a TOML or GeoJSON file.
    share_by
        How employers share the cost of a line: by boardings, headcount or kilometres.
    reroute
        Runs of each plan are routed anew with their vehicles in view, and kept where every rider
        is for fewer euros.
    on_demand_wait_min
        Longest wait at the gate of riders who book, see `mobility.shuttles.on_demand`.
    taxi_below
        With fewer booked riders on the busiest day, taxis drive them, no vehicle of one's own.
    energies
        Energies with which every plan is driven beside diesel.
    """

    enabled: bool = True
    capture_rate: Share = CAPTURE_RATE
    capture_low: Share = CAPTURE_LOW
    capture_high: Share = CAPTURE_HIGH
    default_headcount: Annotated[int, Field(ge=1)] | None = None
    min_workers: Annotated[float, Field(ge=0)] = 2.0
    max_walk_min: Annotated[float, Field(gt=0, le=60)] = 15
    min_spacing_m: Annotated[float, Field(ge=0)] = 400
    max_stops: Annotated[int, Field(ge=1, le=150)] = 30
    max_calls: Annotated[int, Field(ge=1, le=30)] = 12
    max_ride_min: Annotated[float, Field(gt=0, le=180)] = 45
    detour_ratio: Annotated[float, Field(ge=1)] = 2.0
    detour_min: Annotated[float, Field(ge=0)] = 10
    gate_buffer_min: Annotated[float, Field(ge=0, le=60)] = 2
    dwell_s: Annotated[int, Field(ge=0, le=600)] = 30
    turnaround_min: Annotated[float, Field(ge=0, le=60)] = 3
    drive_factor: Annotated[float, Field(gt=0, le=3)] = 1.15
    depot: tuple[Lon, Lat] | None = None
    vehicles: Annotated[tuple[VehicleType, ...], Field(min_length=1)] = _DEFAULT_VEHICLES
    pool_km: Annotated[float, Field(ge=0)] = 2.5
    pool_tolerance_min: Annotated[float, Field(ge=0)] = 20
    harmonise_min: tuple[int, ...] = (-30, -15, 15, 30)
    transfer_min: Annotated[float, Field(ge=0, le=30)] = 4
    max_hubs: Annotated[int, Field(ge=0, le=10)] = 2
    max_lines: Annotated[int, Field(ge=1, le=100)] = 12
    plans: Annotated[int, Field(ge=1, le=60)] = 10
    iterations: Annotated[int, Field(ge=1)] = 100
    mip_gap: Annotated[float, Field(ge=0, lt=1)] = 0.015
    mip_nodes: Annotated[int, Field(ge=0)] = 15
    knee_only: bool = False
    cell_grid: Annotated[int, Field(ge=1, le=9)] = 3
    lines: Path | None = None
    share_by: Literal["boardings", "headcount", "km"] = "boardings"
    reroute: bool = False
    on_demand_wait_min: Annotated[float, Field(ge=0, le=60)] = 15
    taxi_below: Annotated[float, Field(ge=0)] = 4
    energies: tuple[Literal["hvo", "biogas", "electric", "hydrogen"], ...] = ()

    @model_validator(mode="after")
    def _check(self) -> ShuttleConfig:
        if not self.capture_low <= self.capture_rate <= self.capture_high:
            raise RefusedError(
                "capture_low, capture_rate and capture_high do not rise in that order.",
                "Give shares with capture_low ≤ capture_rate ≤ capture_high.",
                value=f"{self.capture_low:g}, {self.capture_rate:g}, {self.capture_high:g}",
                field=("capture_rate",),
            )
        names = [v.name for v in self.vehicles]
        if len(set(names)) != len(names):
            raise RefusedError(
                "Two vehicles have the same name.",
                "Name them differently.",
                value=next(n for n in names if names.count(n) > 1),
                field=("vehicles",),
            )
        return self

    @classmethod
    def from_territory(cls, territory: Territory) -> ShuttleConfig:
        """Read the ``[shuttles]`` table of ``territory``.

        Raises
        ------
        TerritoryError
            A field is unknown or wrong; the error names it.
        """
        return cls.from_dict(territory.shuttles, territory.path)

    @classmethod
    def from_dict(cls, data: dict[str, Any], path: Path | None = None) -> ShuttleConfig:
        """Check settings given as a dictionary; see `from_territory`."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            wrong = explain_validation(error, path, cls)
            wrong.column = f"shuttles.{wrong.column}"
            raise wrong from None


class Factors(Rows):
    """Every factor of a plan, by name."""

    PACKAGE: ClassVar[str] = "mobility.shuttles"


class EnergyFactors(Rows):
    """Prices, uses, ranges and emissions of energies, see `mobility.shuttles.energies`."""

    PACKAGE: ClassVar[str] = "mobility.shuttles"
    FILE: ClassVar[str] = "energies.toml"
