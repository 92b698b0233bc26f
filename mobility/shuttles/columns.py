"""Candidate lines of one anchor: routes at several prices of a worker, stops kept or left.

The way home has an order of its own, as streets are not the same both ways (`outbound_order`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np

from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import Rates
from mobility.shuttles.model import UNREACHED, Anchor, Bools, Day, Floats, Ints, Line
from mobility.shuttles.routes import Fleet, RouteProblem, solve_routes
from mobility.shuttles.scene import Scene, edge_worth
from mobility.shuttles.stops import nearest_stop

_EXACT_ORDER = 7
#: EUR a year that one captured worker's whole roster is worth, from thrift to "at any price".
_PRICES = (1_500.0, 3_500.0, 8_000.0, 100_000.0)
_HUB_PRICES = (3_500.0, 100_000.0)
_PART_PRICES = (1_500.0, 100_000.0)
_SLACK_S = 120  # published whole minutes and walking to the gate, kept out of the ride


def outbound_order(
    drive_s: Ints, from_anchor_s: Ints, order_in: tuple[int, ...], riders: Floats
) -> tuple[int, ...]:
    """Return the outbound order of a line's stops.

    The order minimises the run's duration, then the riders' seconds: over every order up to
    seven stops, by moving and reversing pieces of the mirrored inbound order above.

    Parameters
    ----------
    drive_s, from_anchor_s
        [P,P] and [P] seconds.
    order_in
        Stops in inbound order.
    riders
        float64[P] riders at each stop.
    """

    def cost(order: tuple[int, ...]) -> tuple[int, float]:
        clock, rider_s, before = 0, 0.0, -1
        for stop in order:
            clock += int(from_anchor_s[stop] if before < 0 else drive_s[before, stop])
            rider_s += float(riders[stop]) * clock
            before = stop
        return min(clock, UNREACHED), rider_s

    best = tuple(reversed(order_in))
    if len(best) <= _EXACT_ORDER:
        return min(permutations(sorted(best)), key=cost) if best else best
    value, better = cost(best), True
    while better:
        better = False
        for candidate in _neighbours(best):
            trial = cost(candidate)
            if trial < value:
                best, value, better = candidate, trial, True
    return best


def _neighbours(order: tuple[int, ...]) -> list[tuple[int, ...]]:
    n = len(order)
    out = [
        order[:i] + order[i : j + 1][::-1] + order[j + 1 :]
        for i in range(n)
        for j in range(i + 1, n)
    ]
    for i in range(n):
        rest = order[:i] + order[i + 1 :]
        out += [(*rest[:j], order[i], *rest[j:]) for j in range(n) if j != i]
    return out


def generate_lines(
    scene: Scene,
    anchor: Anchor,
    stops: Ints,
    edges: Sequence[int],
    config: ShuttleConfig,
    factors: Factors,
    days: Sequence[Day],
    *,
    homes: Bools | None = None,
    seed: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> list[Line]:
    """Return distinct lines from ``stops`` to ``anchor``.

    Each price of `_PRICES` gives a set of routes: a low one keeps the thick stops only, a
    high one goes for everybody within the limits. Lines for outbound ends alone are routed
    from the anchor.

    Parameters
    ----------
    stops
        Places that may be served.
    edges
        Shift ends the lines serve.
    homes
        bool[H] homes the lines are for; all when None.
    """
    served = [e for e in edges if anchor.call_of(e) >= 0]
    if not len(stops) or not served:
        return []
    load = _stop_loads(scene, stops, served, config.capture_rate, homes)
    worth = _stop_worth(scene, stops, served, config.capture_rate, homes)
    keep = load.max(axis=1, initial=0.0) > 0
    stops, load, worth = stops[keep], load[keep], worth[keep]
    if not len(stops):
        return []
    first = anchor.places[0]
    limit = _ride_limits(scene, anchor, stops, served)
    fleet = _fleets(scene, served, config, factors, days)
    lines: dict[tuple[tuple[int, ...], int], Line] = {}
    binding = _undominated(load)
    home = all(scene.edges[e].direction == "out" for e in served)
    seconds, metres = scene.drive.seconds, scene.drive.metres
    if home:
        # An outbound run is an inbound one with every way reversed.
        seconds, metres = seconds.T, metres.T
    prices = _HUB_PRICES if anchor.is_hub else _PRICES
    for k, price in enumerate(prices if homes is None else _PART_PRICES):
        if should_stop is not None and should_stop():
            break
        problem = RouteProblem(
            drive_s=seconds[np.ix_(stops, stops)],
            drive_m=metres[np.ix_(stops, stops)],
            to_anchor_s=seconds[stops, first],
            to_anchor_m=metres[stops, first],
            from_depot_m=np.minimum(metres[scene.depot, stops], 1e6),
            load=load[:, binding],
            prize=worth * price,
            limit_s=limit,
            dwell_s=scene.dwell_s,
            fleet=fleet,
            max_calls=config.max_calls,
        )
        found = solve_routes(
            problem, iterations=config.iterations, seed=seed * 101 + k, should_stop=should_stop
        )
        for route in found.routes:
            order = tuple(int(stops[s]) for s in route.order)
            riders = np.zeros(len(scene.places))
            riders[list(order)] = load[list(route.order)].sum(axis=1)
            back = outbound_order(scene.drive.seconds, scene.drive.seconds[first], order, riders)
            line = Line(anchor.name, order, back, anchor, route.vehicle, tuple(served))
            lines.setdefault((order, route.vehicle), line)
    return [lines[k] for k in sorted(lines)]


def _undominated(load: Floats) -> Ints:
    """Return the columns of ``load`` that no other column equals or exceeds at every stop.

    A vehicle large enough for these runs is large enough for all.
    """
    kept: list[int] = []
    for k in np.argsort(-load.sum(axis=0), kind="stable"):
        if not any((load[:, j] >= load[:, k]).all() for j in kept):
            kept.append(int(k))
    return np.array(sorted(kept), np.int32)


def _stop_loads(
    scene: Scene, stops: Ints, edges: Sequence[int], capture: float, homes: Bools | None = None
) -> Floats:
    """Return float64[stops, edges]: captured riders of each stop, homes going to the nearest."""
    nearest = nearest_stop(scene.walk_s, stops, scene.limits.max_stop_walk_s)
    row = np.searchsorted(np.sort(stops), nearest)
    order = np.argsort(stops, kind="stable")
    near = (nearest >= 0) if homes is None else (nearest >= 0) & homes
    loads = np.zeros((len(stops), len(edges)))
    for k, e in enumerate(edges):
        people = np.bincount(
            row[near], weights=scene.demand(e)[near] * capture, minlength=len(stops)
        )
        loads[order, k] = people
    return loads


def _stop_worth(
    scene: Scene, stops: Ints, edges: Sequence[int], capture: float, homes: Bools | None = None
) -> Floats:
    """Return float64[stops]: captured staff whose roster the ends could complete at each stop.

    A home that lacks other ends too counts for the share of them that is served.
    """
    worth = edge_worth(scene)[list(edges)].sum(axis=0) * capture
    nearest = nearest_stop(scene.walk_s, stops, scene.limits.max_stop_walk_s)
    if homes is not None:
        nearest = np.where(homes, nearest, -1)
    return np.array([worth[nearest == stop].sum() for stop in stops], np.float64)


def _ride_limits(scene: Scene, anchor: Anchor, stops: Ints, edges: Sequence[int]) -> Ints:
    """Return the longest ride from each stop: comfort, detour, and what the total leaves.

    The total is taken for a worker with the median walk of the stop's homes and the edge
    that leaves least; who lives farther is not counted as served.
    """
    first = anchor.places[0]
    direct = np.maximum(scene.drive.seconds[stops, first], scene.drive.seconds[first, stops])
    comfort = scene.limits.longest_ride(direct)
    nearest = nearest_stop(scene.walk_s, stops, scene.limits.max_stop_walk_s)
    used = min(int(anchor.used_s[e, anchor.call_of(e)]) for e in edges)
    out = np.empty(len(stops), np.int32)
    for k, stop in enumerate(stops):
        walks = scene.walk_s[nearest == stop, stop]
        walk = int(np.median(walks)) if len(walks) else 0
        left = scene.limits.max_total_s - used - walk - _SLACK_S
        out[k] = min(int(comfort[k]), left)
    return np.where(direct >= UNREACHED, -1, out).astype(np.int32)


def _fleets(
    scene: Scene, edges: Sequence[int], config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> tuple[Fleet, ...]:
    """Yearly costs of a metre and a second of line, over every run of its shift ends."""
    runs = sum(d.count for e in edges for d in days if d.has(scene.edges[e]))
    more = 1 + factors["overhead"]
    hour = factors["driver_hour"] * more * runs / 3600
    fleets = []
    for vehicle in config.vehicles:
        rates = Rates.of(vehicle, factors)
        many = 99 if vehicle.available is None else vehicle.available
        fleets.append(
            Fleet(vehicle.passengers, rates.fixed * more, rates.km * more * runs / 1000, hour, many)
        )
    return tuple(fleets)
