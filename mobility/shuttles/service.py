"""Who a set of runs serves, and the vehicles that seat them.

Each line has its own size; two vehicles drive where none is large enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import Costs, Operations, operate, yearly_costs
from mobility.shuttles.model import UNREACHED, Bools, Day, Floats, Ints, Line, Run, by_shift
from mobility.shuttles.scene import Scene
from mobility.shuttles.schedule import nobody, ride_on


@dataclass(frozen=True)
class Service:
    """Who a set of runs serves.

    Attributes
    ----------
    reached
        bool[S,H]: white homes whose commute holds on that shift thanks to the runs.
    riders
        One array per run: float64 captured riders getting on (inbound) or off (outbound)
        at each call of the home's side.
    rider_edge
        float64[E] captured riders of each shift end.
    boardings_edge
        float64[E] boardings a year.
    car_km
        Kilometres a year the riders would have driven from their stop to the gate.
    ride_s
        Mean and longest ride, seconds, weighted by riders.
    detour
        Mean ratio of the ride to the direct drive, weighted by riders.
    """

    reached: Bools
    riders: tuple[Floats, ...]
    rider_edge: Floats
    boardings_edge: Floats
    car_km: float
    ride_s: tuple[float, float]
    detour: float

    def left_behind(self, runs: Sequence[Run], config: ShuttleConfig) -> float:
        """Return the captured riders a day beyond the seats, over all runs."""
        return sum(
            max(0.0, float(n.sum()) - config.vehicles[run.vehicle].passengers)
            for n, run in zip(self.riders, runs, strict=True)
        )


def serve(
    scene: Scene,
    lines: Sequence[Line],
    runs: Sequence[Run],
    config: ShuttleConfig,
    *,
    gained: Bools | None = None,
) -> Service:
    """Find who the runs serve: each worker takes the run with the shortest whole time.

    A shift is held when every direction the home lacks is served; only then do its workers
    ride. Runs alike in all their times share their riders.

    Parameters
    ----------
    gained
        bool[S,H] homes that another judge, the engine, finds served. Those it lets change
        from other lines are put on the fullest run of the shift end.
    """
    n_edges, n_homes = len(scene.edges), scene.n_homes
    best, run_of, call_of = nobody(n_edges, n_homes)
    for r, run in enumerate(runs):
        for e in run.edges:
            ride_on(scene, lines[run.line], run, e, r, (best[e], run_of[e], call_of[e]))
    if gained is None:
        reached = reached_shifts(scene, best < UNREACHED)
    else:
        reached = gained
        _put_on_fullest(scene, runs, gained, run_of, call_of)
    return _ride(scene, lines, runs, config, reached, run_of, call_of)


def reached_shifts(scene: Scene, served: Bools) -> Bools:
    """Return bool[S,H]: white homes all of whose missing directions are served.

    Parameters
    ----------
    served
        bool[E,H].
    """
    missing = by_shift(scene.needs & ~served, scene.edge_shift, len(scene.shift_ids))
    return scene.white & ~missing


def _put_on_fullest(
    scene: Scene, runs: Sequence[Run], gained: Bools, run_of: Ints, call_of: Ints
) -> None:
    """Put the homes served by way of another line on the fullest run and call of their end."""
    for e, row in enumerate(scene.edge_shift):
        on = scene.needs[e] & gained[row]
        known = np.flatnonzero(on & (run_of[e] >= 0))
        lost = on & (run_of[e] < 0)
        if not lost.any():
            continue
        people = scene.workers[row, known]
        serving = [r for r, run in enumerate(runs) if e in run.edges]
        if len(known):
            key = run_of[e, known].astype(np.int64) * 1000 + call_of[e, known]
            found, inverse = np.unique(key, return_inverse=True)
            fullest = int(found[np.argmax(np.bincount(inverse.ravel(), weights=people))])
            run_of[e, lost], call_of[e, lost] = fullest // 1000, fullest % 1000
        elif serving:
            run_of[e, lost] = serving[0]
            call_of[e, lost] = 0 if runs[serving[0]].direction == "in" else -1


def _ride(
    scene: Scene,
    lines: Sequence[Line],
    runs: Sequence[Run],
    config: ShuttleConfig,
    reached: Bools,
    run_of: Ints,
    call_of: Ints,
) -> Service:
    riders = [np.zeros(len(run.calls)) for run in runs]
    rider_edge = np.zeros(len(scene.edges))
    boardings = np.zeros(len(scene.edges))
    car_m = ride_sum = ride_max = detour_sum = 0.0
    for e, shift in enumerate(scene.edge_shift):
        on = np.flatnonzero(
            scene.needs[e] & reached[shift] & (scene.workers[shift] > 0) & (run_of[e] >= 0)
        )
        people = scene.workers[shift, on] * config.capture_rate
        rider_edge[e] = people.sum()
        boardings[e] = float(people @ scene.days[e, on])
        for r in np.unique(run_of[e, on]):
            run, line = runs[r], lines[runs[r].line]
            mine = run_of[e, on] == r
            calls = call_of[e, on[mine]] % len(run.calls)
            count = np.bincount(calls, weights=people[mine], minlength=len(run.calls))
            riders[r] += count
            gate = line.anchor.places[line.anchor.call_of(e)]
            at = run.calls.index(gate, 0 if run.direction == "out" else len(line.stops_in))
            arrive, depart = np.array(run.arrive_s), np.array(run.depart_s)
            inbound = run.direction == "in"
            ride = arrive[at] - depart[calls] if inbound else arrive[calls] - depart[at]
            stop = np.array(run.calls)[calls]
            ways = (stop, gate) if run.direction == "in" else (gate, stop)
            car_m += float((people[mine] * scene.days[e, on[mine]]) @ scene.drive.metres[ways])
            ride_sum += float(people[mine] @ ride)
            ride_max = max(ride_max, float(ride.max(initial=0)))
            detour_sum += float(people[mine] @ (ride / np.maximum(scene.drive.seconds[ways], 60)))
    total = rider_edge.sum()
    return Service(
        reached,
        _shared(runs, riders),
        rider_edge,
        boardings,
        car_m / 1000,
        (ride_sum / total if total else 0.0, ride_max),
        detour_sum / total if total else 0.0,
    )


def _shared(runs: Sequence[Run], riders: Sequence[Floats]) -> tuple[Floats, ...]:
    """Return the riders of each run, those alike in all their times having equal parts."""
    keys = [(run.line, run.edges, run.calls, run.arrive_s) for run in runs]
    many = Counter(keys)
    sums: dict[object, Floats] = {}
    for key, n in zip(keys, riders, strict=True):
        sums[key] = sums[key] + n if key in sums else n
    return tuple(sums[key] / many[key] for key in keys)


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
    opened = opened_stops(driven, scene)
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


def opened_stops(runs: Sequence[Run], scene: Scene) -> set[int]:
    """Return the places at which runs call and no stop stands yet: new stops to pay for."""
    return {p for run in runs for p in run.calls if not scene.places[p].stop_id}
