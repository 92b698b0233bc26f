"""Who a set of runs serves, and how full it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.model import UNREACHED, Bools, Floats, Ints, Line, Run, by_shift
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
