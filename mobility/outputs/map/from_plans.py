"""From a frontier of shuttle plans to what a page draws: lines, stops, vehicles, costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mobility.outputs.map.model import LineStop, MapLine, MapPlan, MapRun
from mobility.shuttles.blocks import Block, Move
from mobility.shuttles.model import Day, Line
from mobility.shuttles.plan import Plan, run_loads, stop_riders
from mobility.shuttles.plans import Plans


def map_plans(plans: Plans, *, scenarios: Mapping[str, int] | None = None) -> tuple[MapPlan, ...]:
    """Return the plans of a frontier as a page draws them, cheapest first, then the drawn one.

    Parameters
    ----------
    scenarios
        Index of the page's scenario evaluated with a plan, by the plan's name.
    """
    known = scenarios or {}
    designed = [_plan(plans, plan, known.get(plan.name)) for plan in plans.plans]
    drawn = () if plans.drawn is None else map_plans(plans.drawn, scenarios=scenarios)
    return (*designed, *(replace(plan, told=False) for plan in drawn))


def _plan(plans: Plans, plan: Plan, scenario: int | None) -> MapPlan:
    costs = plan.costs
    facts = (
        ("Of them, expected riders", _count(plan.employees_gained)),
        ("EUR a year per job gained", f"{plan.eur_per_job:.0f}"),
        ("EUR a year per user", f"{plan.eur_per_user:.0f}"),
        ("Inhabitants who gain their first roster", _count(plan.inhabitants)),
        ("EUR per boarding", f"{plan.eur_per_boarding:.2f}"),
        ("Boardings a year", f"{plan.boardings:.0f}"),
        ("Empty vehicle-km a year", f"{costs.empty_km:.0f}"),
        ("Drivers, full time", f"{costs.drivers_fte:.1f}"),
        ("Tonnes of CO2e avoided a year", f"{plan.co2_saved_kg(plans.factors) / 1000:.0f}"),
    )
    return MapPlan(
        name=plan.name,
        cost_eur=costs.total,
        workers=plan.jobs_gained,
        vehicles=plan.operations.vehicles,
        km_per_year=costs.run_km + costs.empty_km,
        lines=tuple(_line(plans, plan, i) for i in range(len(plan.lines))),
        runs=tuple(_runs(plans, plan)),
        scenario=scenario,
        facts=tuple(f for f in facts if "nan" not in f[1]),
        told=plan is plans.knee,
    )


def _count(people: float | None) -> str:
    """Return a whole count; "nan" where it is not computed."""
    return "nan" if people is None else f"{people:.0f}"


def _inbound(line: Line) -> tuple[int, ...]:
    return (*line.stops_in, *line.anchor.places)


def _places(line: Line) -> tuple[int, ...]:
    """Return the places of a line: in inbound order, then those served outbound only."""
    inbound = _inbound(line)
    return (*inbound, *(p for p in line.stops_out if p not in inbound))


def _line(plans: Plans, plan: Plan, index: int) -> MapLine:
    line = plan.lines[index]
    riders = stop_riders(plan)
    places = plans.scene.places
    stops = tuple(
        LineStop(places[p].name, places[p].lon, places[p].lat, riders.get((index, p)))
        for p in _places(line)
    )
    return MapLine(line.name, plans.ways.lonlat(_inbound(line)), stops)


def _runs(plans: Plans, plan: Plan) -> Iterator[MapRun]:
    """Yield what the vehicles do on one day of each kind."""
    operations = plan.operations
    chosen: dict[str, tuple[Day, tuple[Block, ...]]] = {}
    for day, blocks in zip(operations.days, operations.blocks, strict=True):
        kind = day.kinds[day.weekday]
        known = chosen.get(kind)
        if known is None or _n_trips(blocks) > _n_trips(known[1]):
            chosen[kind] = (day, blocks)
    for kind, (_, blocks) in chosen.items():
        for vehicle, block in enumerate(blocks):
            line = plan.runs[block.trips[0]].line if block.trips else 0
            for piece in block.pieces:
                for move in piece:
                    if move.run >= 0:
                        line = plan.runs[move.run].line
                        yield _ridden(plans, plan, move, vehicle, kind)
                    elif move.kind == "empty":
                        yield _empty(plans, move, line, vehicle, kind)


def _n_trips(blocks: tuple[Block, ...]) -> int:
    return sum(len(block.trips) for block in blocks)


def _ridden(plans: Plans, plan: Plan, move: Move, vehicle: int, kind: str) -> MapRun:
    run = plan.runs[move.run]
    line = plan.lines[run.line]
    places, calls = _places(line), tuple(run.calls)
    shift_s = move.start_s - run.start_s
    drawn = calls in {_inbound(line), _inbound(line)[::-1]}
    return MapRun(
        line=run.line,
        vehicle=vehicle,
        direction=run.direction,
        stops=tuple(places.index(p) for p in calls),
        times_s=tuple(int(t) + shift_s for t in run.arrive_s),
        riders=tuple(float(n) for n in run_loads(run)),
        days=(kind,),
        path=None if drawn else plans.ways.lonlat(calls),
    )


def _empty(plans: Plans, move: Move, line: int, vehicle: int, kind: str) -> MapRun:
    return MapRun(
        line=line,
        vehicle=vehicle,
        direction="empty",
        stops=(),
        times_s=(move.start_s, move.end_s),
        days=(kind,),
        path=plans.ways.lonlat((move.origin, move.destination)),
    )
