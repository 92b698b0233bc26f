"""Plans driven by other energies: euros, tonnes, and the blocks that a vehicle cannot drive.

A plan keeps its runs, times and riders. Each block is driven on what the vehicle holds, in the cold
months, and on what it takes in between: at the depot, and at a gate where it waits. A block that is
too long is cut, its next run being taken over by a vehicle that has left the depot full; a run that
is too long for a full vehicle stays with diesel. A vehicle that charges is not out again before it
is full.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import pandas as pd

from mobility.base.clock import DAY_S, service_clock
from mobility.base.i18n import translate
from mobility.shuttles.blocks import Block, Trip, block_of, chain_trips, day_trips
from mobility.shuttles.config import EnergyFactors, Factors, ShuttleConfig, VehicleType
from mobility.shuttles.costs import Costs, Operations, Rates, duties_of, fleet_of, yearly_costs
from mobility.shuttles.duties import DutyRules
from mobility.shuttles.model import Day
from mobility.shuttles.plan import Plan
from mobility.shuttles.plans import Plans
from mobility.shuttles.scene import Scene
from mobility.shuttles.service import opened_stops
from mobility.territory.rosters import season_label

#: English texts.
NAMES = {
    "diesel": "diesel",
    "hvo": "HVO (hydrotreated oil)",
    "biogas": "biogas",
    "electric": "battery-electric",
    "hydrogen": "hydrogen",
}
_QUIET = ("electric", "hydrogen")
ENERGY_TABLES = ("energies", "energy_blocks", "energy_factors")
NIGHT_S = (6 * 3600, 22 * 3600)
CUT = "longer than what the vehicle holds and takes in on its way: another one takes over"
KEPT = "a run of it, with its way from and to the depot, is beyond the range: it stays with diesel"
End = Literal["value", "low", "high"]


class Tank(NamedTuple):
    """What a vehicle holds, in kWh or km; what it uses per km, and takes in per hour of rest."""

    held: float
    per_km: float = 1.0
    depot_h: float = 0.0
    gate_h: float = 0.0


class Refused(NamedTuple):
    """A block that one vehicle cannot drive."""

    day: Day
    number: int
    block: Block
    tank: Tank
    reason: str


@dataclass(frozen=True)
class Driven:
    """A plan with one energy.

    Attributes
    ----------
    operations, costs
        Vehicles of this energy are numbered after those of the settings.
    eur_year, co2_kg
        A year; then with every factor of the energy at the low, and at the high end of its band.
    chargers
        One for each vehicle, one more at each gate where one charges.
    refused
        Blocks that are cut, or stay with diesel in part.
    """

    energy: str
    operations: Operations
    costs: Costs
    eur_year: tuple[float, float, float]
    co2_kg: tuple[float, float, float]
    chargers: int
    refused: tuple[Refused, ...]


def levels(block: Block, tank: Tank, gates: frozenset[int]) -> tuple[float, float]:
    """Return the least that a vehicle holds over its block, and what it holds at the end."""
    level = least = tank.held
    home_s = block.start_s
    for piece in block.pieces:
        level = min(tank.held, level + tank.depot_h * (piece[0].start_s - home_s) / 3600)
        for move in piece:
            level -= move.metres / 1000 * tank.per_km
            least = min(least, level)
            if move.kind == "wait" and move.origin in gates:
                level = min(tank.held, level + tank.gate_h * (move.end_s - move.start_s) / 3600)
        home_s = piece[-1].end_s
    return least, level


def cut_chain(
    trips: Sequence[Trip], scene: Scene, tank: Tank, gates: frozenset[int], vehicle: int
) -> tuple[list[Block], list[Trip]]:
    """Return the blocks that drive a chain of trips, each as long as can be, and the trips left."""
    blocks: list[Block] = []
    left: list[Trip] = []
    first = 0
    while first < len(trips):
        for last in range(len(trips), first, -1):
            block = block_of(
                list(trips[first:last]), scene.drive, scene.depot, scene.turnaround_s, vehicle
            )
            if levels(block, tank, gates)[0] >= 0:
                blocks.append(block)
                break
        else:
            left.append(trips[first])
            last = first + 1
        first = last
    return blocks, left


class Energies:
    """The energies of a design: what each needs of its factors.

    Parameters
    ----------
    rows
        Of `EnergyFactors`.
    """

    def __init__(
        self, scene: Scene, config: ShuttleConfig, factors: Factors, rows: EnergyFactors
    ) -> None:
        self._scene, self._config, self._factors, self._rows = scene, config, factors, rows
        self._own = [Rates.of(v, factors) for v in config.vehicles]
        self._gates = frozenset(k for k, p in enumerate(scene.places) if p.kind == "gate")

    def drive(self, plan: Plan, energy: str) -> Driven:
        """Return a plan driven by an energy; the cheaper way, with or without charging at gates.

        Without where as few runs stay with diesel.
        """
        ways = [self._driven(plan, energy, at_gates=False)]
        if energy == "electric" and self._rows["energy_charge.gate_kw"] > 0 and ways[0].refused:
            ways.append(self._driven(plan, energy, at_gates=True))
        size = len(self._config.vehicles)
        return min(ways, key=lambda d: (sum(d.operations.fleet[:size]), d.eur_year[0]))

    def _driven(self, plan: Plan, energy: str, *, at_gates: bool) -> Driven:
        tanks = [self.tank(k, energy, at_gates=at_gates) for k in range(len(self._own))]
        days, refused = [], []
        for day, blocks in zip(plan.operations.days, plan.operations.blocks, strict=True):
            found, no = self._day(plan, day, blocks, tanks)
            days.append(found)
            refused += no
        operations = self._operations(plan, days, tanks, same=not refused)
        gates = {
            move.origin
            for blocks in days
            for b in blocks
            if b.vehicle >= len(tanks)
            for piece in b.pieces
            for move in piece
            if at_gates and move.kind == "wait" and move.origin in self._gates
        } - {self._scene.depot}
        chargers = sum(operations.fleet[len(tanks) :]) + len(gates) if energy == "electric" else 0
        told: list[tuple[Costs, float]] = []
        ends: tuple[End, ...] = ("value", "low", "high")
        stops = len(opened_stops(plan.runs, self._scene))
        for end in ends:
            vehicles = tuple(self._vehicle(k, energy, end) for k in range(len(tanks)))
            config = self._config.model_copy(
                update={"vehicles": (*self._config.vehicles, *vehicles)}
            )
            costs = yearly_costs(operations, config, self._factors, new_stops=stops)
            charging = chargers * getattr(self._rows.rows["energy_charge.charger"], end)
            told.append((costs, costs.total + charging * (1 + self._factors["overhead"])))
        eur, co2 = [e for _, e in told], [c.co2_kg for c, _ in told]
        return Driven(
            energy,
            operations,
            told[0][0],
            (eur[0], eur[1], eur[2]),
            (co2[0], co2[1], co2[2]),
            chargers,
            tuple(refused),
        )

    def _day(
        self, plan: Plan, day: Day, blocks: Sequence[Block], tanks: Sequence[Tank]
    ) -> tuple[list[Block], list[Refused]]:
        """Return the blocks of a day with another energy, and those that cannot be as they were."""
        scene, new = self._scene, len(tanks)
        trips = {t.run: t for t in day_trips(plan.runs, day.weekday, day.kinds, day.season)}
        found: list[Block] = []
        refused: list[Refused] = []
        left: dict[int, list[Trip]] = {}
        for number, block in enumerate(blocks):
            tank, size = tanks[block.vehicle], block.vehicle
            if levels(block, tank, self._gates)[0] >= 0:
                found.append(replace(block, vehicle=size + new))
                continue
            chain = [trips[k] for k in block.trips]
            driven, kept = cut_chain(chain, scene, tank, self._gates, size + new)
            found += driven
            left.setdefault(size, []).extend(kept)
            refused.append(Refused(day, number, block, tank, KEPT if kept else CUT))
        for size, kept in left.items():
            kept.sort(key=lambda t: (t.start_s, t.end_s, t.run))
            found += chain_trips(
                kept, scene.drive, scene.depot, turnaround_s=scene.turnaround_s, vehicle=size
            )
        return found, refused

    def _operations(
        self, plan: Plan, days: Sequence[Sequence[Block]], tanks: Sequence[Tank], *, same: bool
    ) -> Operations:
        """Return vehicles and drivers; a vehicle that charges is out until it is full."""
        was, rules = plan.operations, DutyRules.from_factors(self._factors)
        fleet = fleet_of(days, was.days, 2 * len(tanks), lambda b: self._ready_s(b, tanks))
        duties = was.duties if same else duties_of(days, rules)
        return Operations(was.days, tuple(tuple(b) for b in days), duties, fleet)

    def _ready_s(self, block: Block, tanks: Sequence[Tank]) -> int:
        tank = tanks[block.vehicle % len(tanks)]
        if block.vehicle < len(tanks) or not tank.depot_h:
            return block.end_s
        missing = tank.held - levels(block, tank, self._gates)[1]
        return block.end_s + math.ceil(missing / tank.depot_h * 3600)

    def tank(self, size: int, energy: str, *, at_gates: bool) -> Tank:
        """Return what a vehicle of a size holds and uses in the cold months."""
        rows, cold = self._rows, self._rows.get(f"energy_winter.{energy}", 1.0)
        if energy == "electric":
            battery = Rates.factor("energy_battery", self._config.vehicles[size], rows)
            return Tank(
                rows[battery] * rows["energy_battery.usable"],
                self._litres(size) * rows["energy_use.electric"] * cold,
                rows["energy_charge.depot_kw"],
                rows["energy_charge.gate_kw"] if at_gates else 0.0,
            )
        return Tank(rows.get(f"energy_range.{energy}", math.inf), cold)

    def _litres(self, size: int) -> float:
        return self._own[size].co2_g_km / 1000 / self._rows["energy_co2.diesel"]

    def _vehicle(self, size: int, energy: str, end: End) -> VehicleType:
        """Return a size of vehicle with an energy, at one end of the bands."""

        def row(name: str) -> float:
            found = self._rows.rows.get(f"energy_{name}.{energy}")
            return 1.0 if found is None else float(getattr(found, end))

        own, litres, vehicle = self._own[size], self._litres(size), self._config.vehicles[size]
        fuel = litres * self._rows["energy_price.diesel"]
        cold = 1 + self._rows["energy_winter.share"] * (row("winter") - 1)
        used = litres * row("use") * cold
        upkeep = max(own.km - fuel, 0.0) * (row("upkeep") - 1)
        return vehicle.model_copy(
            update={
                "name": f"{vehicle.name} {energy}",
                "fixed_eur_year": own.fixed * row("vehicle"),
                "eur_km": max(own.km + upkeep + used * row("price") - fuel, 0.0),
                "co2_g_km": used * row("co2") * 1000,
            }
        )


def energy_tables(plans: Plans, language: str) -> dict[str, pd.DataFrame]:
    """Return what each plan costs and emits with each energy, the blocks refused, the factors."""
    territory = plans.study.territory
    rows = EnergyFactors.load(territory.factors, file=territory.path)
    told: list[dict[str, object]] = []
    refused: list[dict[str, object]] = []
    for own, plan in plans.every:
        energies = Energies(own.scene, own.config, own.factors, rows)
        diesel = energies.drive(plan, "diesel")
        for energy in dict.fromkeys(("diesel", *own.config.energies)):
            driven = diesel if energy == "diesel" else energies.drive(plan, energy)
            told.append(_told(plan, driven, diesel, language))
            refused += _refused(own, plan, driven, language)
    columns = [
        "plan", "energy", "weekday", "day", "season", "block", "vehicle", "start", "end", "km",
        "needs", "reserve", "reason",
    ]  # fmt: skip
    frames = pd.DataFrame(told), pd.DataFrame(refused, columns=columns), rows.to_frame(language)
    return dict(zip(ENERGY_TABLES, frames, strict=True))


def _told(plan: Plan, driven: Driven, diesel: Driven, language: str) -> dict[str, object]:
    size = len(driven.operations.fleet) // 2
    saved_t = (diesel.co2_kg[0] - driven.co2_kg[0]) / 1000
    more = driven.eur_year[0] - diesel.eur_year[0]
    return {
        "plan": plan.name,
        "energy": translate(NAMES[driven.energy], language),
        "vehicles": sum(driven.operations.fleet[size:]),
        "diesel_vehicles": sum(driven.operations.fleet[:size]),
        "chargers": driven.chargers,
        "blocks_cut": sum(r.day.count for r in driven.refused),
        "eur_year": driven.eur_year[0],
        "eur_low": driven.eur_year[1],
        "eur_high": driven.eur_year[2],
        "co2_kg": driven.co2_kg[0],
        "co2_low": driven.co2_kg[1],
        "co2_high": driven.co2_kg[2],
        "eur_per_tonne": more / saved_t if saved_t > 0 else math.nan,
        "quiet_night_km": sum(_quiet_km(driven, size)) if driven.energy in _QUIET else 0.0,
    }


def _quiet_km(driven: Driven, size: int) -> Iterator[float]:
    """Yield the kilometres a year from 22:00 to 06:00 of vehicles without a combustion engine."""
    for day, blocks in zip(driven.operations.days, driven.operations.blocks, strict=True):
        for block in blocks:
            for move in (m for piece in block.pieces for m in piece if block.vehicle >= size):
                if not NIGHT_S[0] <= move.start_s % DAY_S < NIGHT_S[1]:
                    yield day.count * move.metres / 1000


def _refused(
    plans: Plans, plan: Plan, driven: Driven, language: str
) -> Iterator[dict[str, object]]:
    seen = set()
    for day, number, block, tank, reason in driven.refused:
        key = (day.weekday, day.kinds[day.weekday], day.season, number)
        if key in seen:
            continue
        seen.add(key)
        km = (block.metres("run") + block.metres("empty")) / 1000
        yield {
            "plan": plan.name, "energy": translate(NAMES[driven.energy], language),
            "weekday": day.weekday + 1, "day": day.kinds[day.weekday],
            "season": season_label(day.season), "block": number + 1,
            "vehicle": plans.config.vehicles[block.vehicle].name,
            "start": service_clock(block.start_s), "end": service_clock(block.end_s), "km": km,
            "needs": km * tank.per_km, "reserve": tank.held, "reason": translate(reason, language),
        }  # fmt: skip
