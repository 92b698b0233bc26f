"""What a plan costs a year and what it saves, from sourced factors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.base.clock import DAY_S
from mobility.base.errors import Finding
from mobility.remedies.bill import STRUCTURE, Bill, CostLine, priced, total
from mobility.shuttles.blocks import Block, Trip, chain_trips, day_trips, fleet_size
from mobility.shuttles.config import Factors, ShuttleConfig, VehicleType
from mobility.shuttles.duties import Duty, DutyRules, build_duties, pieces_of
from mobility.shuttles.model import Day, Drive, Run
from mobility.territory.factors import Factors as Rows


@dataclass(frozen=True)
class Rates:
    """Yearly rates of one size of vehicle."""

    fixed: float
    km: float
    co2_g_km: float

    @classmethod
    def of(cls, vehicle: VehicleType, factors: Factors) -> Rates:
        """Return a vehicle's own rates, else those of the factor rows of its name."""

        def pick(own: float | None, name: str) -> float:
            return own if own is not None else factors.get(f"{name}.{vehicle.name}", math.nan)

        rates = cls(
            pick(vehicle.fixed_eur_year, "vehicle_fixed"),
            pick(vehicle.eur_km, "vehicle_km"),
            pick(vehicle.co2_g_km, "vehicle_co2"),
        )
        return (
            rates
            if not math.isnan(rates.fixed + rates.km + rates.co2_g_km)
            else rates._filled(vehicle, factors)
        )

    def _filled(self, vehicle: VehicleType, factors: Factors) -> Rates:
        """Fill missing rates from the built-in size nearest in seats."""
        near = _nearest_size(vehicle)

        def or_near(value: float, name: str) -> float:
            return factors[f"{name}.{near}"] if math.isnan(value) else value

        return Rates(
            or_near(self.fixed, "vehicle_fixed"),
            or_near(self.km, "vehicle_km"),
            or_near(self.co2_g_km, "vehicle_co2"),
        )

    @staticmethod
    def factor(what: str, vehicle: VehicleType, factors: Rows) -> str:
        """Return the name of the factor that prices a size of vehicle."""
        name = f"{what}.{vehicle.name}"
        return name if name in factors.rows else f"{what}.{_nearest_size(vehicle)}"


def _nearest_size(vehicle: VehicleType) -> str:
    sizes = {"minibus": 9, "midibus": 22, "autocar": 55}
    return min(sizes, key=lambda s: (abs(sizes[s] - vehicle.seats), s))


@dataclass(frozen=True)
class Operations:
    """Vehicles and drivers of a plan.

    Attributes
    ----------
    days
        Days of the year with service, each with its blocks and duties (same order).
    blocks, duties
        Per day.
    fleet
        Vehicles by size.
    """

    days: tuple[Day, ...]
    blocks: tuple[tuple[Block, ...], ...]
    duties: tuple[tuple[Duty, ...], ...]
    fleet: tuple[int, ...]

    @property
    def vehicles(self) -> int:
        """Vehicles in all."""
        return sum(self.fleet)

    def within(self, config: ShuttleConfig) -> bool:
        """Whether no size has more vehicles than can be had."""
        return _had(self.fleet, config)


def operate(
    runs: Sequence[Run],
    drive: Drive,
    depot: int,
    days: Sequence[Day],
    config: ShuttleConfig,
    factors: Factors,
) -> Operations:
    """Build the vehicle blocks and the duties of every day, with the cheapest mix of sizes.

    A larger vehicle may take the runs of a smaller one: every way of merging neighbouring
    sizes is tried and the cheapest kept.
    """
    sizes = sorted(range(len(config.vehicles)), key=lambda v: config.vehicles[v].passengers)
    rates = [Rates.of(v, factors) for v in config.vehicles]
    used = [v for v in sizes if any(r.vehicle == v for r in runs)]
    best: tuple[tuple[bool, float], list[list[Block]]] | None = None
    trips = [day_trips(runs, d.weekday, d.kinds, d.season) for d in days]
    memo: dict[tuple[object, ...], list[Block]] = {}
    for merged in _merges(used):
        blocks = [_chain_day(t, merged, drive, depot, config, memo) for t in trips]
        fleet = fleet_of(blocks, days, len(config.vehicles))
        cost = sum(n * r.fixed for n, r in zip(fleet, rates, strict=True)) + sum(
            d.count * b.metres(kind) / 1000 * rates[b.vehicle].km
            for d, day in zip(days, blocks, strict=True)
            for b in day
            for kind in ("run", "empty")
        )
        # The cheapest of those that can be had, before all others.
        rank = (not _had(fleet, config), cost)
        if best is None or rank < best[0]:
            best = (rank, blocks)
    chosen = best[1] if best else [[] for _ in days]
    rules = DutyRules.from_factors(factors)
    return Operations(
        tuple(days),
        tuple(tuple(b) for b in chosen),
        duties_of(chosen, rules),
        fleet_of(chosen, days, len(config.vehicles)),
    )


def _had(fleet: Sequence[int], config: ShuttleConfig) -> bool:
    return all(
        v.available is None or n <= v.available for n, v in zip(fleet, config.vehicles, strict=True)
    )


def fleet_findings(name: str, operations: Operations, config: ShuttleConfig) -> list[Finding]:
    """Tell of which sizes a plan needs more vehicles than can be had."""
    return [
        Finding(
            "warning",
            "shuttle_fleet",
            "Plan {plan} is short of vehicles of the size {size}: {needed} needed, {available} to "
            "be had. Raise available under [[shuttles.vehicles]], or leave lines out.",
            params={
                "plan": name, "needed": needed, "size": size.name, "available": size.available
            },
        )
        for size, needed in zip(config.vehicles, operations.fleet, strict=True)
        if size.available is not None and needed > size.available
    ]  # fmt: skip


def duties_of(blocks: Sequence[Sequence[Block]], rules: DutyRules) -> tuple[tuple[Duty, ...], ...]:
    """Return the duties of each day's blocks."""
    memo: dict[tuple[object, ...], tuple[Duty, ...]] = {}
    # Many days have the very blocks of another.
    known: dict[tuple[int, ...], tuple[Duty, ...]] = {}
    for day in blocks:
        same = tuple(map(id, day))
        if same not in known:
            pieces = pieces_of(day)
            key = tuple(pieces)
            if key not in memo:
                memo[key] = tuple(build_duties(pieces, rules))
            known[same] = memo[key]
    return tuple(known[tuple(map(id, day))] for day in blocks)


def _merges(used: Sequence[int]) -> list[dict[int, int]]:
    """Return every way to let a larger size take over neighbouring smaller ones."""
    if not used:
        return [{}]
    ways: list[dict[int, int]] = []
    for cut in range(2 ** (len(used) - 1)):
        mapping: dict[int, int] = {}
        group: list[int] = []
        for k, size in enumerate(used):
            group.append(size)
            if k == len(used) - 1 or cut >> k & 1:
                mapping |= dict.fromkeys(group, size)
                group = []
        ways.append(mapping)
    return ways


def _chain_day(
    trips: Sequence[Trip],
    merged: Mapping[int, int],
    drive: Drive,
    depot: int,
    config: ShuttleConfig,
    memo: dict[tuple[object, ...], list[Block]],
) -> list[Block]:
    blocks: list[Block] = []
    for size in sorted(set(merged.values())):
        part = tuple(t for t in trips if merged[t.vehicle] == size)
        key = (size, part)
        if key not in memo:
            memo[key] = chain_trips(
                part, drive, depot, turnaround_s=round(config.turnaround_min * 60), vehicle=size
            )
        blocks += memo[key]
    return blocks


def fleet_of(
    blocks: Sequence[Sequence[Block]],
    days: Sequence[Day],
    n_sizes: int,
    ready_s: Callable[[Block], int] = lambda block: block.end_s,
) -> tuple[int, ...]:
    """Return the vehicles of each size: blocks out at once over the week, in the worst week.

    Parameters
    ----------
    ready_s
        When a vehicle may be out again after a block.
    """
    fleet = [0] * n_sizes
    for week in {(d.kinds, d.season) for d in days}:
        for size in range(n_sizes):
            spans = [
                (b.start_s + d.weekday * DAY_S, ready_s(b) + d.weekday * DAY_S)
                for d, day in zip(days, blocks, strict=True)
                if (d.kinds, d.season) == week
                for b in day
                if b.vehicle == size
            ]
            fleet[size] = max(fleet[size], fleet_size(spans))
    return tuple(fleet)


@dataclass(frozen=True)
class Costs:
    """EUR and kilometres a year.

    Attributes
    ----------
    vehicles, kilometres, drivers, stops, overhead
        EUR a year.
    run_km, empty_km
        Vehicle-kilometres with and without riders.
    driver_hours
        Paid.
    drivers_fte
        Full-time drivers.
    co2_kg
        Of the vehicles.
    """

    vehicles: float
    kilometres: float
    drivers: float
    stops: float
    overhead: float
    run_km: float
    empty_km: float
    driver_hours: float
    drivers_fte: float
    co2_kg: float

    @property
    def total(self) -> float:
        """EUR a year."""
        return self.vehicles + self.kilometres + self.drivers + self.stops + self.overhead


def plan_bill(
    operations: Operations,
    config: ShuttleConfig,
    factors: Factors,
    *,
    new_stops: int,
    costs: Costs | None = None,
) -> Bill:
    """Return what `yearly_costs` adds up, line by line; a vehicle's own rate has no band.

    Parameters
    ----------
    costs
        The sums, where they are known already.
    """
    costs = costs or yearly_costs(operations, config, factors, new_stops=new_stops)
    kilometres = [0.0] * len(config.vehicles)
    for day, blocks in zip(operations.days, operations.blocks, strict=True):
        for b in blocks:
            metres = b.metres("run") + b.metres("empty")
            kilometres[b.vehicle] += day.count * metres / 1000
    lines = []
    for k, vehicle in enumerate(config.vehicles):
        for item, quantity, unit, own, name in (
            ("vehicles", operations.fleet[k], "vehicles", vehicle.fixed_eur_year, "vehicle_fixed"),
            ("kilometres", kilometres[k], "km", vehicle.eur_km, "vehicle_km"),
        ):
            told = f"{item}: {vehicle.name}"
            lines.append(
                priced(factors, told, quantity, unit, Rates.factor(name, vehicle, factors))
                if own is None
                else CostLine(told, quantity, unit, own, own, own)
            )
    lines += [
        priced(factors, "drivers", costs.driver_hours, "hours paid", "driver_hour"),
        priced(factors, "new stops", new_stops, "stops", "stop_eur_year"),
    ]
    lines = [line for line in lines if line.quantity > 0]
    direct = total(lines)
    over = priced(factors, "structure costs", direct, "EUR", STRUCTURE)
    if direct > 0:
        low, high = total(lines, "low") / direct, total(lines, "high") / direct
        over = replace(over, price_low=over.price_low * low, price_high=over.price_high * high)
    return (*lines, over)


def yearly_costs(
    operations: Operations, config: ShuttleConfig, factors: Factors, *, new_stops: int
) -> Costs:
    """Return what a plan costs a year."""
    rates = [Rates.of(v, factors) for v in config.vehicles]
    rules = DutyRules.from_factors(factors)
    run_km = empty_km = km_eur = co2 = paid = 0.0
    for day, blocks, duties in zip(
        operations.days, operations.blocks, operations.duties, strict=True
    ):
        for b in blocks:
            run, empty = b.metres("run") / 1000, b.metres("empty") / 1000
            run_km += day.count * run
            empty_km += day.count * empty
            km_eur += day.count * (run + empty) * rates[b.vehicle].km
            co2 += day.count * (run + empty) * rates[b.vehicle].co2_g_km / 1000
        paid += day.count * sum(d.paid_s(rules) for d in duties) / 3600
    vehicles = float(np.dot(operations.fleet, [r.fixed for r in rates]))
    drivers = paid * factors["driver_hour"]
    stops = new_stops * factors["stop_eur_year"]
    overhead = factors["overhead"] * (vehicles + km_eur + drivers + stops)
    return Costs(
        vehicles, km_eur, drivers, stops, overhead, run_km, empty_km, paid,
        paid / factors["driver_year_hours"], co2,
    )  # fmt: skip
