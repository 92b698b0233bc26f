"""Which stops make a line, in which order, with which vehicle.

An inbound run drops everyone at the anchor (the gate or a hub), so the ride of a worker
who boards at stop *i* is the rest of the run. A longest ride ``limit_s[i]`` for each stop
is then a time window: fix the arrival at the anchor at *T*, and visit *i* no earlier than
``T - limit_s[i]``. With free starts this is an open vehicle-routing problem with optional
clients and time windows, which PyVRP (Wouda, Lan and Kool, 2024) searches; each shift end
is one dimension of the load, so that no run of the line is overfull.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mobility.shuttles.model import Floats, Ints

_LOAD_SCALE = 100
_COST_SCALE = 100
_MAX_PENALTY = 1e8  # prizes are far above PyVRP's usual costs
_NONE_HAD = 10**12  # cost of a vehicle that cannot be had
FAR_M = 10**8
_FAR_S = 10**6
_EXACT_STOPS = 8
_STARTS = 2


@dataclass(frozen=True)
class Fleet:
    """One size of vehicle as the route search sees it.

    Attributes
    ----------
    capacity
        Riders.
    fixed
        EUR per vehicle and year.
    eur_m, eur_s
        EUR per year for each metre and second of the line.
    available
        How many there are.
    """

    capacity: float
    fixed: float
    eur_m: float
    eur_s: float
    available: int


@dataclass(frozen=True)
class RouteProblem:
    """Stops, prizes and limits of one anchor.

    Attributes
    ----------
    drive_s, drive_m
        [S,S] seconds and metres from stop to stop.
    to_anchor_s, to_anchor_m
        [S] from each stop to the anchor.
    from_depot_m
        [S] empty metres from the depot to each stop.
    load
        float64[S,E] riders boarding at each stop for each shift end.
    prize
        float64[S] EUR per year that serving the stop is worth.
    limit_s
        [S] longest ride.
    dwell_s
        Halt at each stop; it counts in the ride of those on board and who board there.
    fleet
        Sizes of vehicle.
    max_calls
        Stops of one line.
    """

    drive_s: Ints
    drive_m: Floats
    to_anchor_s: Ints
    to_anchor_m: Floats
    from_depot_m: Floats
    load: Floats
    prize: Floats
    limit_s: Ints
    dwell_s: int
    fleet: tuple[Fleet, ...]
    max_calls: int = 30


@dataclass(frozen=True)
class Route:
    """Stops in inbound order and the index of the vehicle size."""

    order: tuple[int, ...]
    vehicle: int


@dataclass(frozen=True)
class RouteSet:
    """A solution: its routes and its cost in EUR per year, that of the stops left out in it."""

    routes: tuple[Route, ...]
    cost: float


def ride_seconds(problem: RouteProblem, order: tuple[int, ...]) -> list[int]:
    """Return the ride from reaching each stop of ``order`` to the anchor, halts included."""
    rides = [0] * len(order)
    after = 0
    for k in range(len(order) - 1, -1, -1):
        stop = order[k]
        leg = (
            int(problem.to_anchor_s[stop])
            if k == len(order) - 1
            else int(problem.drive_s[stop, order[k + 1]])
        )
        after += leg + problem.dwell_s
        rides[k] = after
    return rides


def route_cost(problem: RouteProblem, route: Route) -> float:
    """Return the EUR per year of one route, or infinity when it breaks a limit."""
    order, fleet = route.order, problem.fleet[route.vehicle]
    rides = ride_seconds(problem, order)
    metres = float(problem.from_depot_m[order[0]] + problem.to_anchor_m[order[-1]])
    metres += sum(float(problem.drive_m[a, b]) for a, b in pairwise(order))
    full = np.ceil(problem.load[list(order)] * _LOAD_SCALE).sum(axis=0) / _LOAD_SCALE
    broken = (
        len(order) > problem.max_calls
        or fleet.available < 1
        or any(r > problem.limit_s[s] for r, s in zip(rides, order, strict=True))
        or bool((full > fleet.capacity).any())
    )
    return float("inf") if broken else fleet.fixed + fleet.eur_m * metres + fleet.eur_s * rides[0]


def set_cost(problem: RouteProblem, routes: tuple[Route, ...]) -> float:
    """Return the cost of a whole solution: its routes and the prizes it forgoes."""
    served = {s for r in routes for s in r.order}
    lost = sum(float(p) for s, p in enumerate(problem.prize) if s not in served)
    return lost + sum(route_cost(problem, r) for r in routes)


def solve_routes(
    problem: RouteProblem,
    *,
    iterations: int,
    seed: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> RouteSet:
    """Find the cheapest set of routes, stops being optional at the loss of their prize.

    Up to `_EXACT_STOPS` stops the answer is exact; above, it is the best of `_STARTS` searches.

    Parameters
    ----------
    problem
        What to serve.
    iterations
        Of the searches together; with ``seed`` they fix the answer.
    seed
        Of the search.
    should_stop
        Asked at each iteration; true keeps the best found so far.
    """
    n = len(problem.prize)
    if n == 0:
        return RouteSet((), 0.0)
    if n <= _EXACT_STOPS:
        return exact_routes(problem)
    tries = [
        search_routes(
            problem, iterations=-(-iterations // _STARTS), seed=seed + k, should_stop=should_stop
        )
        for k in range(_STARTS)
    ]
    return min(tries, key=lambda t: t.cost)


def search_routes(
    problem: RouteProblem,
    *,
    iterations: int,
    seed: int,
    should_stop: Callable[[], bool] | None = None,
) -> RouteSet:
    """Run one search of PyVRP; parameters as in `solve_routes`."""
    result = search(_pyvrp_data(problem), iterations=iterations, seed=seed, should_stop=should_stop)
    routes: list[Route] = []
    if result.best.is_feasible():
        routes = [Route(_clients(r), r.vehicle_type()) for r in result.best.routes()]
    return _route_set(problem, routes)


def search(
    data: Any, *, iterations: int, seed: int, should_stop: Callable[[], bool] | None = None
) -> Any:
    """Return PyVRP's result on an instance of `solver_data`."""
    from pyvrp import PenaltyParams, SolveParams, solve

    count = 0

    def stop(best_cost: int) -> bool:  # noqa: ARG001 - the solver's signature
        nonlocal count
        count += 1
        return count > iterations or (should_stop is not None and should_stop())

    penalty = PenaltyParams(
        solutions_between_updates=20, penalty_increase=2.0, max_penalty=_MAX_PENALTY
    )
    return solve(data, stop, seed, collect_stats=False, params=SolveParams(penalty=penalty))


def _route_set(problem: RouteProblem, routes: list[Route]) -> RouteSet:
    kept = sorted(
        (r for r in routes if r.order and np.isfinite(route_cost(problem, r))),
        key=lambda r: r.order,
    )
    return RouteSet(tuple(kept), set_cost(problem, tuple(kept)))


def exact_routes(problem: RouteProblem) -> RouteSet:
    """Return the cheapest set of routes over few stops, by dynamic programming.

    Labels (seconds, metres, order) of each set of stops and first stop are built back from
    the anchor, dominated ones dropped; sets are then put together as a partition.
    """
    n = len(problem.prize)
    route = _best_routes(problem)
    best: list[tuple[float, tuple[tuple[int, ...], ...]]] = [(0.0, ())]
    for mask in range(1, 1 << n):
        low = (mask & -mask).bit_length() - 1
        rest = mask ^ (1 << low)
        value, parts = best[rest][0] + float(problem.prize[low]), best[rest][1]
        sub = mask
        while sub:
            if sub >> low & 1 and sub in route:
                cost, order, vehicle = route[sub]
                total = cost + best[mask ^ sub][0]
                if total < value - 1e-9:
                    value, parts = total, ((vehicle, *order), *best[mask ^ sub][1])
            sub = (sub - 1) & mask
        best.append((value, parts))
    return _route_set(problem, [Route(p[1:], p[0]) for p in best[-1][1]])


def _best_routes(problem: RouteProblem) -> dict[int, tuple[float, tuple[int, ...], int]]:
    """Return the cheapest feasible route of every set of stops: cost, order, vehicle."""
    n = len(problem.prize)
    labels: dict[tuple[int, int], list[tuple[int, float, tuple[int, ...]]]] = {}
    for s in range(n):
        ride = int(problem.to_anchor_s[s]) + problem.dwell_s
        if ride <= problem.limit_s[s]:
            labels[1 << s, s] = [(ride, float(problem.to_anchor_m[s]), (s,))]
    for mask in range(1, 1 << n):
        for first in range(n):
            for ride, metres, order in labels.get((mask, first), ()):
                for s in range(n):
                    longer = ride + int(problem.drive_s[s, first]) + problem.dwell_s
                    if mask >> s & 1 or longer > problem.limit_s[s]:
                        continue
                    label = (longer, metres + float(problem.drive_m[s, first]), (s, *order))
                    _keep(labels.setdefault((mask | 1 << s, s), []), label)
    best: dict[int, tuple[float, tuple[int, ...], int]] = {}
    for (mask, _), found in sorted(labels.items()):
        for _, _, order in found:
            for v in range(len(problem.fleet)):
                cost = route_cost(problem, Route(order, v))
                if np.isfinite(cost) and (mask not in best or cost < best[mask][0] - 1e-9):
                    best[mask] = (cost, order, v)
    return best


def _keep(
    labels: list[tuple[int, float, tuple[int, ...]]], new: tuple[int, float, tuple[int, ...]]
) -> None:
    if any(a <= new[0] and b <= new[1] for a, b, _ in labels):
        return
    labels[:] = [x for x in labels if x[0] < new[0] or x[1] < new[1]]
    labels.append(new)


def _clients(route: Any) -> tuple[int, ...]:
    return tuple(a.idx for a in route if a.is_client())


def _pyvrp_data(problem: RouteProblem) -> Any:
    """Build PyVRP's instance: location 0 is the free start, 1 the anchor, then the stops."""
    n = len(problem.prize)
    metres: Any = np.zeros((n + 2, n + 2), np.int64)
    seconds: Any = np.zeros((n + 2, n + 2), np.int64)
    metres[2:, 2:] = _bounded(problem.drive_m, FAR_M)
    seconds[2:, 2:] = _bounded(problem.drive_s, _FAR_S)
    metres[2:, 1] = _bounded(problem.to_anchor_m, FAR_M)
    seconds[2:, 1] = _bounded(problem.to_anchor_s, _FAR_S)
    metres[0, 2:] = _bounded(problem.from_depot_m, FAR_M)
    np.fill_diagonal(metres, 0)
    np.fill_diagonal(seconds, 0)
    horizon = int(max(problem.limit_s.max(initial=0), 1))
    loads = np.ceil(problem.load * _LOAD_SCALE).astype(np.int64)
    early = horizon - np.maximum(problem.limit_s.astype(np.int64), 0)
    fleet = [
        Fleet(
            f.capacity * _LOAD_SCALE,
            round(f.fixed * _COST_SCALE) + _NONE_HAD * (f.available == 0),
            round(f.eur_m * _COST_SCALE),
            round(f.eur_s * _COST_SCALE),
            f.available,
        )
        for f in problem.fleet
    ]
    return solver_data(
        metres, seconds, np.column_stack([early, np.full(n, horizon)]),
        np.full(n, problem.dwell_s), np.column_stack([loads, np.ones(n, np.int64)]),
        np.rint(problem.prize * _COST_SCALE), fleet, horizon, most_calls=problem.max_calls,
    )  # fmt: skip


def solver_data(
    metres: Any,
    seconds: Any,
    windows: Any,
    service_s: Any,
    loads: Any,
    prizes: Any,
    fleet: Sequence[Fleet],
    horizon: int,
    *,
    most_calls: int,
) -> Any:
    """Return PyVRP's instance of routes from location 0 to location 1 by way of stops.

    Parameters
    ----------
    metres, seconds
        int64[n+2, n+2]: the start, the end, then the stops.
    windows
        int64[n, 2] earliest and latest start of the halt at each stop.
    service_s
        int64[n] halts.
    loads
        int64[n, D+1] loads of each stop, the last one being 1: a call.
    prizes
        float64[n] what leaving a stop out costs.
    fleet
        Sizes, in whole units of cost and load.
    horizon
        Latest end of a route.
    """
    from pyvrp import Client, Depot, Location, ProblemData, VehicleType

    n = len(loads)
    clients = [
        Client(
            location=i + 2,
            delivery=[int(x) for x in loads[i]],
            service_duration=int(service_s[i]),
            tw_early=int(windows[i][0]),
            tw_late=int(windows[i][1]),
            prize=int(prizes[i]),
            required=False,
        )
        for i in range(n)
    ]
    vehicles = [
        VehicleType(
            num_available=max(min(f.available, n), 1),
            capacity=[int(f.capacity)] * (len(loads[0]) - 1) + [most_calls],
            start_depot=0,
            end_depot=1,
            fixed_cost=int(f.fixed),
            tw_late=horizon,
            unit_distance_cost=int(f.eur_m),
            unit_duration_cost=int(f.eur_s),
        )
        for f in fleet
    ]
    return ProblemData(
        locations=[Location(0, 0) for _ in range(n + 2)],
        clients=clients,
        depots=[Depot(0), Depot(1)],
        vehicle_types=vehicles,
        distance_matrices=[metres],
        duration_matrices=[seconds],
    )


def _bounded(values: Any, far: int) -> np.ndarray:
    return np.minimum(np.rint(np.asarray(values, np.float64)), far).astype(np.int64)
