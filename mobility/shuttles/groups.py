"""Candidate lines: what their runs cost at first sight, the homes they give a whole roster.

What a choice of runs will cost, before it is chained and staffed, is additive and calibrated.
Vehicles are the most runs of one size under way at once. Drivers are paid by *turn*: the
runs around one change of shifts, on each of its days. A turn takes as many drivers as it has
runs under way at once; they are paid for the runs' hours and some waiting, and each a least
time. How long they wait, and what all that really comes to, is learnt from plans that have
been chained and staffed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mobility.base.clock import DAY_S
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import Costs, Rates
from mobility.shuttles.model import DAY_CUT_S, Bools, Day, Line, Run
from mobility.shuttles.scene import Scene, edges_of

LIGHT_SHARE = 0.002  # of the workers: the lightest groups are left out of the choice,
_LIGHT_WORKERS = 1.0  # one worker in all at most


@dataclass(frozen=True)
class Candidate:
    """A line and its runs, with who each covers (``cover[k]`` of ``runs[k]``, by edge)."""

    line: Line
    runs: tuple[Run, ...]
    cover: tuple[dict[int, Bools], ...]
    costs: tuple[RunCost, ...]

    @property
    def eur(self) -> float:
        """EUR a year of its runs, vehicles apart, before calibration."""
        return sum(x.km + x.hours for x in self.costs)


@dataclass(frozen=True)
class Group:
    """Homes that one set of runs gives a whole roster: staff, runs for each missing end."""

    weight: float
    ways: tuple[tuple[int, ...], ...]


def find_groups(scene: Scene, candidates: Sequence[Candidate]) -> list[Group]:
    """Return the groups that the candidates' runs, numbered in order, can give a roster."""
    covers = [cover for cand in candidates for cover in cand.cover]
    found: list[Group] = []
    for roster, staff in enumerate(scene.staff):
        edges = edges_of(scene, roster)
        need = scene.needs[edges]
        people = np.flatnonzero(need.any(axis=0) & (staff > 0))
        runs = [[v for v, cover in enumerate(covers) if e in cover] for e in edges]
        layers = [need[:, people]]
        for k, e in enumerate(edges):
            layers += [(covers[v][e] & need[k])[people][None] for v in runs[k]]
        table = np.concatenate(layers)
        first, inverse = _alike(table)
        weight = np.bincount(inverse, weights=staff[people], minlength=len(first))
        ends = np.cumsum([len(edges), *(len(r) for r in runs)])
        for g, at in enumerate(first):
            column = table[:, at]
            ways = tuple(
                tuple(v for v, on in zip(runs[k], column[ends[k] : ends[k + 1]], strict=True) if on)
                for k in range(len(edges))
                if column[k]
            )
            if all(ways):
                found.append(Group(float(weight[g]), ways))
    return found


def _alike(table: Bools) -> tuple[np.ndarray, np.ndarray]:
    """Return the first column of each kind, and the kind of every column."""
    packed = np.ascontiguousarray(np.packbits(table, axis=0).T)
    whole = packed.view([("", packed.dtype, packed.shape[1])]).ravel()
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return first, inverse.ravel()


def served(group: Group, on: set[int]) -> bool:
    """Whether every missing end of a group has a run among ``on``."""
    return all(on.intersection(way) for way in group.ways)


def heavy(groups: Sequence[Group]) -> tuple[list[Group], float]:
    """Return the groups without the lightest, and what these weigh in all."""
    order = sorted(range(len(groups)), key=lambda g: (groups[g].weight, g))
    most = min(LIGHT_SHARE * sum(g.weight for g in groups), _LIGHT_WORKERS)
    left = 0.0
    dropped: set[int] = set()
    for g in order:
        if left + groups[g].weight > most:
            break
        left += groups[g].weight
        dropped.add(g)
    return [g for k, g in enumerate(groups) if k not in dropped], left


def several(groups: Sequence[Group]) -> list[tuple[int, ...]]:
    """Return the sets of runs, of two and more, that serve an end of some group."""
    return sorted({way for g in groups for way in g.ways if len(way) > 1})


def riders_by_way(
    scene: Scene, covers: Sequence[Mapping[int, Bools]], run: int
) -> tuple[float, list[tuple[float, tuple[int, ...]]]]:
    """Return the workers a run can carry: those for sure, and those by who serves their way back.

    Parameters
    ----------
    covers
        Homes each run serves, by shift end.

    Returns
    -------
    sure, parts
        Workers of the homes that lack no other direction of the shift; and, for each set of
        runs that serve the other direction, those of the homes that lack it too.
    """
    sure = 0.0
    parts: dict[tuple[int, ...], float] = {}
    for e, mine in covers[run].items():
        row = scene.edge_shift[e]
        people = np.where(mine, scene.workers[row], 0.0)
        back = [int(k) for k in np.flatnonzero(scene.edge_shift == row) if k != e]
        both = scene.needs[back[0]] if back else np.zeros_like(mine)
        sure += float(people[~both].sum())
        homes = np.flatnonzero(both & (people > 0))
        runs = [v for v, cover in enumerate(covers) if back and back[0] in cover]
        if not len(homes) or not runs:
            continue
        table = np.array([covers[v][back[0]][homes] for v in runs])
        first, inverse = _alike(table)
        weight = np.bincount(inverse, weights=people[homes], minlength=len(first))
        for k, at in enumerate(first):
            way = tuple(v for v, on in zip(runs, table[:, at], strict=True) if on)
            if way:
                parts[way] = parts.get(way, 0.0) + float(weight[k])
    return sure, [(parts[way], way) for way in sorted(parts)]


def beside(
    scene: Scene, covers: Sequence[Mapping[int, Bools]], run: int, on: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the chosen runs that share a run's riders, and those not chosen that add to them.

    Parameters
    ----------
    covers
        Homes each run serves, by shift end.
    on
        Runs chosen.
    """
    rivals: set[int] = set()
    helpers: set[int] = set()
    for e, mine in covers[run].items():
        rivals |= {v for v in on if v != run and e in covers[v] and (covers[v][e] & mine).any()}
        for back in np.flatnonzero(scene.edge_shift == scene.edge_shift[e]).tolist():
            if back == e:
                continue
            missing = mine & scene.needs[back]
            for v in on:
                if back in covers[v]:
                    missing = missing & ~covers[v][back]
            helpers |= {
                v
                for v, cover in enumerate(covers)
                if v not in on and back in cover and (cover[back] & missing).any()
            }
    return sorted(rivals), sorted(helpers)


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
