"""Booked rides: which vehicle takes whom, and when, within seats, windows and ride limits.

The dial-a-ride problem of Cordeau and Laporte (2003): each request gets on at one place and off
at another, one of its ends has a window (at the gate), its ride is at most so long, vehicles
leave the depot and come back to it. Up to `EXACT` requests the answer is exact; above, it is
the best of a search by ruin and recreate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from mobility.shuttles.model import ALWAYS_S, Drive, Floats, Ints
from mobility.shuttles.ride_kernels import FAR, fitted, put_all_back, put_together, try_all

EXACT = 4
ITERATIONS = 150
BLINK = 0.02  # how often a route is not looked at
_MOST_OUT = 8  # requests taken out at once
_HEAT = 0.1  # of a vehicle's price: what a plan may lose at first


@dataclass(frozen=True)
class RidePrice:
    """What is minimised: EUR for each vehicle out, metre and second, empty ones included."""

    vehicle: float
    metre: float
    second: float


@dataclass(frozen=True)
class Rides:
    """Requests that may share vehicles.

    Nodes are where the requests get on, ``0..n-1``, then where they get off, ``n..2n-1``.

    Attributes
    ----------
    drive
        Between places.
    depot
        Where vehicles come from and go back to; -1: nothing is paid for that.
    place
        int32[2n] place of each node.
    early_s, late_s
        int32[2n] window of each node; `ALWAYS_S` and its negative where it has none.
    load
        int32[n] riders.
    limit_s
        int32[n] longest ride, the halt where it gets on included.
    dwell_s
        Halt at each place.
    seats
        Riders that fit into a vehicle.
    price
        What is minimised.
    """

    drive: Drive
    depot: int
    place: Ints
    early_s: Ints
    late_s: Ints
    load: Ints
    limit_s: Ints
    dwell_s: int
    seats: int
    price: RidePrice

    @property
    def n(self) -> int:
        """Number of requests."""
        return len(self.load)


@dataclass(frozen=True)
class Tour:
    """What one vehicle does without going back to the depot.

    Attributes
    ----------
    nodes
        In order.
    times_s
        When it calls at each: riders get on and off then, and it leaves after the halt.
    """

    nodes: tuple[int, ...]
    times_s: tuple[int, ...]


def plan_rides(rides: Rides, *, iterations: int = ITERATIONS, seed: int = 0) -> list[Tour]:
    """Return the tours that serve every request for the fewest EUR, the earliest first.

    Parameters
    ----------
    iterations
        Of the search; with ``seed`` they fix the answer.

    Raises
    ------
    ValueError
        No vehicle can serve a request, even alone.
    """
    if not rides.n:
        return []
    routes = Routes(rides)
    found = routes.exact() if rides.n <= EXACT else []
    if not found:
        never = [i for i, eur in enumerate(routes.single) if eur >= FAR]
        if never:
            raise ValueError(f"requests no vehicle can serve, even alone: {never}")
        found = routes.search(iterations, seed)
    return sorted((routes.timed(r) for r in found), key=lambda t: (t.times_s, t.nodes))


class Routes:
    """Prices and searches the routes of one set of requests; a route is its nodes in order."""

    def __init__(self, rides: Rides) -> None:
        self.rides = rides
        n, price = rides.n, rides.price
        self.nodes = np.empty((2 * n, 5), np.int32)
        for k, column in enumerate((rides.place, rides.early_s, rides.late_s)):
            self.nodes[:, k] = column
        self.nodes[:n, 3], self.nodes[n:, 3] = rides.load, -rides.load
        self.nodes[:n, 4] = self.nodes[n:, 4] = rides.limit_s
        # Row and column 2n are the depot, -1: nothing there. The halt at the first node counts, but
        # not at the depot; metres are none where nothing drives.
        self.legs = np.zeros((2 * n + 1, 2 * n + 1), np.int32)
        self.metres = np.zeros((2 * n + 1, 2 * n + 1))
        place, depot = self.nodes[:, 0], rides.depot
        seconds, metres = rides.drive.seconds, rides.drive.metres
        between, apart = np.ix_(place, place), place[:, None] != place
        halted = np.minimum(seconds[between], 2 * ALWAYS_S) + rides.dwell_s
        np.copyto(self.legs[:-1, :-1], halted, where=apart, casting="unsafe")
        np.copyto(self.metres[:-1, :-1], metres[between], where=apart)
        if depot >= 0:
            self.legs[-1, :-1], self.legs[:-1, -1] = seconds[depot, place], seconds[place, depot]
            self.metres[-1, :-1], self.metres[:-1, -1] = metres[depot, place], metres[place, depot]
        self.metres[~np.isfinite(self.metres)] = 0
        self._load: list[int] = self.nodes[:, 3].tolist()
        self._paid = (rides.seats, float(price.metre), float(price.second))
        self._scratch = np.zeros((2, 2 * n), np.int32)
        self._trial = np.zeros((2, 2 * n), np.int32)

    def _duration(self, route: Sequence[int]) -> int:
        row = np.array(route, np.int32)
        return int(fitted(row, len(row), self.nodes, self.legs, self._scratch))

    def eur(self, route: Sequence[int]) -> float:
        """Return the EUR of a route, its vehicle included; `FAR` where it breaks a limit."""
        duration = self._duration(route)
        if duration < 0 or max(accumulate(self._load[x] for x in route)) > self.rides.seats:
            return FAR
        price, stops = self.rides.price, [2 * self.rides.n, *route, 2 * self.rides.n]
        metres = float(self.metres[stops[:-1], stops[1:]].sum())
        duration += int(self.legs[stops[0], stops[1]] + self.legs[stops[-2], stops[-1]])
        return price.vehicle + price.metre * metres + price.second * duration

    @property
    def single(self) -> list[float]:
        """The EUR of each request alone; `FAR` where no vehicle can serve it."""
        return [float(eur) for eur in self._alone]

    @cached_property
    def _alone(self) -> Floats:
        """As `eur` of each request, all at once."""
        n, price = self.rides.n, self.rides.price
        on, off = np.arange(n), np.arange(n, 2 * n)
        (_, early, late, load, limit), (_, off_early, off_late, _, _) = (
            part.T for part in np.split(self.nodes.astype(np.int64), 2)
        )
        ride = self.legs[on, off].astype(np.int64)
        arrive = np.maximum(off_early, early + ride)
        leave = np.minimum(late, arrive - ride)
        held = (early <= late) & (arrive <= off_late) & (arrive - limit <= late) & (ride <= limit)
        seconds = arrive - leave + self.legs[-1, on] + self.legs[off, -1]
        metres = self.metres[-1, on] + self.metres[on, off] + self.metres[off, -1]
        eur = price.vehicle + price.metre * metres + price.second * seconds
        return np.where(held & (load <= self.rides.seats), eur, FAR)

    def timed(self, route: tuple[int, ...]) -> Tour:
        """Return a route with its times: the least duration, then the least waiting at gates."""
        self._duration(route)
        times_s, ends_s = self._scratch[1, : len(route)], self.nodes[list(route), 2]
        later_s = ALWAYS_S
        for node, at_s, end_s in zip(route, times_s.tolist(), ends_s.tolist(), strict=True):
            if end_s < ALWAYS_S:
                if node < self.rides.n:
                    later_s = 0
                    break
                later_s = min(later_s, end_s - at_s)
        return Tour(route, tuple((times_s + later_s).tolist()))

    def search(self, iterations: int, seed: int) -> list[tuple[int, ...]]:
        """Return the best routes found by ruin and recreate.

        Requests near one another are taken out, now and then whole routes, and put back where
        they cost least; a worse plan is kept ever more rarely.
        """
        rng, n = np.random.default_rng(seed), self.rides.n
        near, vehicle = self._near(), self.rides.price.vehicle
        plan = self._recreated([], list(range(n)), rng)
        now = best = sum(eur for _, eur in plan)
        kept = plan
        for it in range(1, iterations):
            centre = int(rng.integers(n))
            gone = set(near[centre][: 1 + int(rng.integers(min(_MOST_OUT, n)))])
            if rng.random() < 0.3:
                gone |= next({i for i in r if i < n} for r, _ in plan if centre in r)
            left, out = self._ruined(plan, gone)
            trial = self._recreated(left, sorted(out), rng)
            after = sum(eur for _, eur in trial)
            heat = _HEAT * vehicle * (1 - it / iterations)
            if after < now - heat * math.log(1 - rng.random()):
                plan, now = trial, after
                if after < best - 1e-9:
                    kept, best = trial, after
        return [route for route, _ in kept]

    def _ruined(
        self, plan: list[tuple[tuple[int, ...], float]], gone: set[int]
    ) -> tuple[list[tuple[tuple[int, ...], float]], set[int]]:
        """Return a plan without some requests, and these with those that then no longer fit."""
        n, left, out = self.rides.n, [], set(gone)
        for route, eur in plan:
            fewer = tuple(x for x in route if x % n not in gone)
            if fewer == route:
                left.append((route, eur))
            elif fewer:
                less = self.eur(fewer)
                if less < FAR:
                    left.append((fewer, less))
                else:
                    out |= {x % n for x in fewer}
        return left, out

    def _recreated(
        self, plan: list[tuple[tuple[int, ...], float]], out: list[int], rng: np.random.Generator
    ) -> list[tuple[tuple[int, ...], float]]:
        """Return a plan with some requests put back, in random order."""
        vehicle, count = float(self.rides.price.vehicle), len(plan)
        rows = np.zeros((count + len(out), 2 * self.rides.n), np.int32)
        sizes = np.array([*(len(route) for route, _ in plan), *(0 for _ in out)], np.int32)
        costs = np.array([*(eur - vehicle for _, eur in plan), *(0.0 for _ in out)])
        rows[np.arange(rows.shape[1]) < sizes[:, None]] = [x for route, _ in plan for x in route]
        overlooked, changed = np.empty(len(sizes), bool), np.zeros(len(sizes), bool)
        count = put_all_back(
            rng.permutation(out), rows, sizes, costs, count, rng, BLINK, self._alone, vehicle,
            self.nodes, self.legs, self.metres, *self._paid, self._trial, self._scratch,
            overlooked, changed,
        )  # fmt: skip
        return [
            (tuple(rows[k, : sizes[k]].tolist()), float(costs[k]) + vehicle) if new else plan[k]
            for k, new in enumerate(changed[:count].tolist())
        ]

    def _near(self) -> list[list[int]]:
        """Return for each request all of them, the nearest in place and time first."""
        n = self.rides.n
        late = np.where(self.nodes[:, 2] < ALWAYS_S, self.nodes[:, 2], 0).astype(np.int64)
        at, legs = late[:n] + late[n:], self.legs[:-1, :-1].astype(np.int64)
        apart = np.abs(at[:, None] - at)
        for ends in (legs[:n, :n], legs[n:, n:]):
            apart += np.minimum(ends, ends.T)
        np.fill_diagonal(apart, -1)
        return [row.tolist() for row in np.argsort(apart, axis=1, kind="stable")]

    def exact(self) -> list[tuple[int, ...]]:
        """Return the cheapest routes: the best of each set of requests, put together.

        None where a request cannot be served.
        """
        n, sets = self.rides.n, 1 << self.rides.n
        best, value = np.full(sets, FAR), np.empty(sets)
        routes, sizes = np.empty((sets, 2 * n), np.int32), np.empty(sets, np.int32)
        chosen = np.empty(sets, np.int32)
        steps, aboard = np.zeros((2 * n + 1, 4), np.int32), np.empty((2 * n + 1, n), np.int32)
        try_all(
            self.nodes, self.legs, self.metres, self._paid[0], float(self.rides.price.vehicle),
            *self._paid[1:], self._scratch, self._trial[0], steps, aboard, best, routes, sizes,
        )  # fmt: skip
        put_together(best, value, chosen)
        found, rest = [], sets - 1
        while rest and chosen[-1] >= 0:
            part = int(chosen[rest])
            found.append(tuple(routes[part, : sizes[part]].tolist()))
            rest ^= part
        return found
