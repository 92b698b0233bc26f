"""Vehicles that seat everybody: each line's size, two vehicles where none is large enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Costs, Day, Operations, operate, yearly_costs
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Floats, Line, Run
from mobility.shuttles.scene import Scene
from mobility.shuttles.service import Service

EPS = 1e-6


@dataclass(frozen=True)
class Outfit:
    """Lines and runs with the vehicles their riders need, and what they cost.

    Attributes
    ----------
    lines, runs, operations, costs
        As in `plan.Plan`; every run carries its riders, no more than its seats.
    service
        Of those who find a seat.
    over
        float64[S] captured riders of each shift without a seat, on the fuller direction:
        only where a size cannot be had, or is the planner's own choice.
    seated
        float64[S] share of the riders of each shift who find one.
    """

    lines: tuple[Line, ...]
    runs: tuple[Run, ...]
    operations: Operations
    costs: Costs
    service: Service
    over: Floats
    seated: Floats


def equip(
    scene: Scene,
    lines: Sequence[Line],
    runs: Sequence[Run],
    service: Service,
    config: ShuttleConfig,
    factors: Factors,
    days: Sequence[Day],
    *,
    known: tuple[Sequence[Run], Operations, Costs] | None = None,
) -> Outfit:
    """Give each line the smallest size that seats its fullest run; chain, staff and cost it.

    A run too full for any size is driven by several vehicles, alike in all their times.
    Where that needs more vehicles than can be had, the lines keep their sizes and the riders
    beyond the seats are left out of the count.

    Parameters
    ----------
    service
        Of ``runs``, its riders not yet held to the seats.
    known
        Runs already chained and costed: kept when the vehicles are the same.
    """
    runs, riders = _distinct(runs, service)
    sized = tuple(
        line
        if line.own_vehicle
        else replace(line, vehicle=smallest(_most(k, runs, riders), config))
        for k, line in enumerate(lines)
    )
    for trial, split in ((sized, True), (tuple(lines), False)):
        driven, loads = _driven(trial, runs, riders, config, split=split)
        same = known is not None and _vehicles(driven) == _vehicles(known[0])
        operations = (
            known[1]
            if known is not None and same
            else operate(driven, scene.drive, scene.depot, days, config, factors)
        )
        if not split or operations.within(config):
            break
    opened = {p for run in driven for p in run.calls if not scene.places[p].stop_id}
    costs = (
        known[2]
        if known is not None and same
        else yearly_costs(operations, config, factors, new_stops=len(opened))
    )
    over, seated = _short(scene, driven, loads, config)
    held = _held(driven, loads, service, config)
    driven = tuple(
        replace(run, riders=tuple(float(x) for x in n))
        for run, n in zip(driven, held.riders, strict=True)
    )
    return Outfit(trial, driven, operations, costs, held, over, seated)


def _vehicles(runs: Sequence[Run]) -> list[tuple[int, tuple[int, ...], tuple[int, ...], int]]:
    return [(run.line, run.calls, run.arrive_s, run.vehicle) for run in runs]


def _distinct(runs: Sequence[Run], service: Service) -> tuple[tuple[Run, ...], list[Floats]]:
    """Return the runs with those alike in all their times put together again."""
    kept: dict[object, tuple[Run, Floats]] = {}
    for run, n in zip(runs, service.riders, strict=True):
        key = (run.line, run.edges, run.calls, run.arrive_s)
        kept[key] = (run, kept[key][1] + n if key in kept else n)
    return tuple(run for run, _ in kept.values()), [n for _, n in kept.values()]


def _most(line: int, runs: Sequence[Run], riders: Sequence[Floats]) -> float:
    return max(
        (float(n.sum()) for r, n in zip(runs, riders, strict=True) if r.line == line), default=0.0
    )


def smallest(people: float, config: ShuttleConfig) -> int:
    """Return the smallest size that seats ``people``, the largest where none does."""
    had = [k for k, v in enumerate(config.vehicles) if v.available != 0]
    sizes = sorted(had or range(len(config.vehicles)), key=lambda k: config.vehicles[k].passengers)
    return next((k for k in sizes if config.vehicles[k].passengers >= people - EPS), sizes[-1])


def _driven(
    lines: Sequence[Line],
    runs: Sequence[Run],
    riders: Sequence[Floats],
    config: ShuttleConfig,
    *,
    split: bool,
) -> tuple[tuple[Run, ...], list[Floats]]:
    """Return the runs with their line's size, several times where one vehicle is too small."""
    driven: list[Run] = []
    loads: list[Floats] = []
    for run, n in zip(runs, riders, strict=True):
        line = lines[run.line]
        seats = config.vehicles[line.vehicle].passengers
        many = 1
        if split and not line.own_vehicle:
            many = max(1, int(np.ceil((float(n.sum()) - EPS) / seats)))
        driven += [replace(run, vehicle=line.vehicle)] * many
        loads += [n / many] * many
    return tuple(driven), loads


def _short(
    scene: Scene, runs: Sequence[Run], loads: Sequence[Floats], config: ShuttleConfig
) -> tuple[Floats, Floats]:
    """Return the riders of each shift without a seat, and the share of those with one."""
    missing = np.zeros(len(scene.edges))
    seated = np.ones(len(scene.shift_ids))
    for run, n in zip(runs, loads, strict=True):
        people, seats = float(n.sum()), config.vehicles[run.vehicle].passengers
        if people <= seats + EPS:
            continue
        rows = [int(scene.edge_shift[e]) for e in run.edges]
        missing[list(run.edges)] += (people - seats) / len(run.edges)
        seated[rows] = np.minimum(seated[rows], seats / people)
    over = np.zeros(len(scene.shift_ids))
    np.maximum.at(over, scene.edge_shift, missing)
    return over, seated


def _held(
    runs: Sequence[Run], loads: Sequence[Floats], service: Service, config: ShuttleConfig
) -> Service:
    """Return the service of those who find a seat."""
    held = []
    full = np.zeros_like(service.rider_edge)
    kept = np.zeros_like(full)
    for run, n in zip(runs, loads, strict=True):
        people, seats = float(n.sum()), config.vehicles[run.vehicle].passengers
        share = min(1.0, seats / people) if people > 0 else 1.0
        held.append(n * share)
        full[list(run.edges)] += people
        kept[list(run.edges)] += people * share
    share_edge = np.divide(kept, full, out=np.ones_like(full), where=full > 0)
    boardings = service.boardings_edge * share_edge
    before = float(service.boardings_edge.sum())
    return replace(
        service,
        riders=tuple(held),
        rider_edge=service.rider_edge * share_edge,
        boardings_edge=boardings,
        car_km=service.car_km * (float(boardings.sum()) / before if before > 0 else 1.0),
    )
