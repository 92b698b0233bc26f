"""What a choice of runs will cost, before it is chained and staffed: additive, calibrated.

Vehicles are the most runs of one size under way at once. Drivers are paid by *turn*: the
runs around one change of shifts, on each of its days. A turn takes as many drivers as it has
runs under way at once; they are paid for the runs' hours and some waiting, and each a least
time. How long they wait, and what all that really comes to, is learnt from plans that have
been chained and staffed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.blocks import DAY_CUT_S, DAY_S
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Costs, Day, Rates
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Run
from mobility.shuttles.scene import Scene

_TURN_S = 3600  # runs within an hour of each other at the gate are one change of shifts
_WAITS_H = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)  # of a driver on each turn, signing on included


@dataclass(frozen=True)
class RunCost:
    """One run's yearly part of an estimate: EUR of kilometres and of driving, days."""

    km: float
    hours: float
    days: float


@dataclass(frozen=True)
class Turn:
    """What a choice asks of drivers around one change of shifts.

    Attributes
    ----------
    hours
        EUR a year of its runs' hours, overhead included.
    drivers
        Runs under way at once.
    hour
        EUR a year of one hour of one driver on its days.
    """

    hours: float
    drivers: int
    hour: float

    def pay(self, wait_h: float, least_h: float) -> float:
        """Return the EUR a year of its drivers."""
        return max(
            self.hours + self.drivers * wait_h * self.hour, least_h * self.drivers * self.hour
        )


@dataclass(frozen=True)
class Parts:
    """EUR a year of a choice by part, overhead included, before weights."""

    km: float
    vehicles: float
    turns: tuple[Turn, ...]

    def drivers(self, wait_h: float, least_h: float) -> float:
        """Return the EUR a year of all turns."""
        return sum(t.pay(wait_h, least_h) for t in self.turns)


@dataclass(frozen=True)
class Weights:
    """What each part of an estimate counts for.

    Attributes
    ----------
    km, vehicles, drivers
        Factors of the parts.
    wait_h, least_h
        Hours a driver waits on each turn, and is paid at least.
    stops
        Share added for new stops.
    """

    least_h: float
    km: float = 1.0
    vehicles: float = 1.0
    drivers: float = 1.0
    wait_h: float = 0.5
    stops: float = 0.0

    def total(self, parts: Parts) -> float:
        """Return the EUR a year of a choice."""
        drivers = self.drivers * parts.drivers(self.wait_h, self.least_h)
        return (1 + self.stops) * (self.km * parts.km + self.vehicles * parts.vehicles + drivers)


def run_cost(
    scene: Scene, run: Run, config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> RunCost:
    """Return what one run costs a year, empty driving to or from the depot included."""
    count = sum(d.count for d in days if d.has(run))
    far = run.calls[0] if run.direction == "in" else run.calls[-1]
    ways = (scene.depot, far) if run.direction == "in" else (far, scene.depot)
    empty_m, empty_s = float(scene.drive.metres[ways]), int(scene.drive.seconds[ways])
    hours = (run.end_s - run.start_s + min(empty_s, 7200) + 2 * scene.turnaround_s) / 3600
    rates = Rates.of(config.vehicles[run.vehicle], factors)
    km = (run.metres + min(empty_m, 200_000.0)) / 1000
    each = count * (1 + factors["overhead"])
    return RunCost(each * km * rates.km, each * hours * factors["driver_hour"], count)


def turn_of(run: Run) -> tuple[int, tuple[int, ...]]:
    """Return the change of shifts a run belongs to: hour at the gate, weekdays."""
    at_gate = run.end_s if run.direction == "in" else run.start_s
    folded = at_gate - (at_gate - DAY_CUT_S) // DAY_S * DAY_S
    return (folded + _TURN_S // 2) // _TURN_S, run.weekdays


def fitted(seen: Sequence[tuple[Parts, Costs]], overhead: float, least_h: float) -> Weights:
    """Return the weights that bring the estimates nearest to plans chained and staffed.

    Each part is set right on average, in relative terms; the waiting is the one that leaves
    the drivers' pay the least spread.
    """
    more = 1 + overhead
    told = [(p, c) for p, c in seen if c.total > 0 and p.turns]
    if not told:
        return Weights(least_h)
    spreads = []
    for wait in _WAITS_H:
        real = np.array([c.drivers * more / p.drivers(wait, least_h) for p, c in told])
        spreads.append((float(real.std() / real.mean()), wait, float(real.mean())))
    _, wait, drivers = min(spreads)
    stops = sum(c.stops for _, c in told) * more
    return Weights(
        least_h,
        _ratio([c.kilometres * more for _, c in told], [p.km for p, _ in told]),
        _ratio([c.vehicles * more for _, c in told], [p.vehicles for p, _ in told]),
        drivers,
        wait,
        stops / (sum(c.total for _, c in told) - stops),
    )


def _ratio(real: Sequence[float], estimates: Sequence[float]) -> float:
    both = [(r, e) for r, e in zip(real, estimates, strict=True) if e > 0]
    return float(np.mean([r / e for r, e in both])) if both else 1.0
