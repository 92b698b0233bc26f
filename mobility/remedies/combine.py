"""Several levers at once: greedy with lazy evaluation, and an exact search on small cases.

A lever is worth what it adds to those already chosen. Gains mostly shrink as the plan
grows, so a lever whose last known gain is below the best re-evaluated one is left alone
(Minoux, 1978, *Accelerated greedy algorithms*). Where gains grow instead, because one lever
repairs the way to work and another the way home, the two are offered as a pair.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from mobility.remedies.model import Lever
from mobility.remedies.score import NOTHING, Score
from mobility.remedies.search import LEAST_MINUTES, Outcome, Retiming, Workbench
from mobility.remedies.window import EdgeEffect

#: Levers offered to the greedy search, and halves of pairs per shift edge.
OFFERED, HALVES = 200, 3


@dataclass(frozen=True)
class Step:
    """Levers added together, and the figures of the plan once they are."""

    levers: tuple[Lever, ...]
    gain: float
    score: Score


@dataclass(frozen=True)
class Combination:
    """Levers chosen one after the other.

    Attributes
    ----------
    effects
        What all of them change together, by window.
    evaluations
        Evaluations of the engine that the choice took.
    """

    steps: tuple[Step, ...]
    effects: dict[int, EdgeEffect]
    evaluations: int

    @property
    def levers(self) -> tuple[Lever, ...]:
        """All levers, in the order of choice."""
        return tuple(lever for step in self.steps for lever in step.levers)

    @property
    def score(self) -> Score:
        """Figures of the whole."""
        return self.steps[-1].score if self.steps else NOTHING


def combine(found: Retiming, *, size: int = 5, only_feasible: bool = True) -> Combination:
    """Choose levers greedily, each for what it adds per vehicle-minute.

    Parameters
    ----------
    found
        A search.
    size
        Levers, or pairs of them, to choose at most.
    only_feasible
        Leave out levers that lack a vehicle.
    """
    offers = _offers(found, only_feasible=only_feasible)
    minutes = {o.lever: o.vehicle_min for o in found.outcomes}
    bench = found.bench
    chosen: tuple[Lever, ...] = ()
    effects: dict[int, EdgeEffect] = {}
    net, evaluations = 0.0, 0
    steps: list[Step] = []
    queue = [(-worth, k, -1) for k, (_, worth) in enumerate(offers)]
    heapq.heapify(queue)
    while queue and len(steps) < size:
        worth, k, known_at = heapq.heappop(queue)
        if worth >= 0:
            break
        levers = offers[k][0]
        if _clash(chosen, levers):
            continue
        if known_at == len(steps):
            effects = bench.try_together([*chosen, *levers])
            score = bench.scores.score(effects)
            steps.append(Step(levers, score.value - net, score))
            chosen, net = (*chosen, *levers), score.value
            continue
        evaluations += 1
        score = bench.scores.score(bench.try_together([*chosen, *levers]))
        cost = max(sum(minutes.get(lever, 0.0) for lever in levers), LEAST_MINUTES)
        heapq.heappush(queue, (-(score.value - net) / cost, k, len(steps)))
    return Combination(tuple(steps), effects, evaluations)


def _clash(chosen: Sequence[Lever], levers: Sequence[Lever]) -> bool:
    taken = {trip for lever in chosen for trip in lever.trips}
    return any(taken & set(lever.trips) for lever in levers)


Offer = tuple[tuple[Lever, ...], float]


def _offers(found: Retiming, *, only_feasible: bool) -> list[Offer]:
    """Return single levers and pairs with a first idea of their worth, best first."""
    outcomes = [o for o in found.outcomes if o.feasible or not only_feasible]
    offers: list[Offer] = [((o.lever,), o.value) for o in outcomes if o.score.value > 0]
    offers = offers[:OFFERED]
    for one, two in _pairs(found.bench, outcomes):
        # One vehicle's window does not know the other's: joined effects are a first idea.
        joined = {**one.effects, **two.effects}
        net = found.bench.scores.score(joined).value
        cost = max(one.vehicle_min + two.vehicle_min, LEAST_MINUTES)
        if net > max(one.score.value, 0.0) + max(two.score.value, 0.0):
            offers.append(((one.lever, two.lever), net / cost))
    return offers


def _pairs(bench: Workbench, outcomes: Sequence[Outcome]) -> Iterable[tuple[Outcome, Outcome]]:
    """Yield levers that repair the two edges of one shift."""
    scores = bench.scores
    halves: dict[int, list[tuple[float, int]]] = {}
    for k, outcome in enumerate(outcomes):
        for window, effect in outcome.effects.items():
            key = scores.keys_of[window][0]
            gain = float(
                scores.pools[key, effect.gained].sum() - scores.pools[key, effect.lost].sum()
            )
            if gain > 0:
                halves.setdefault(window, []).append((-gain, k))
    best = {w: [k for _, k in sorted(mine)[:HALVES]] for w, mine in halves.items()}
    seen: set[tuple[int, int]] = set()
    for out, back in scores.keys[["out", "back"]].itertuples(index=False, name=None):
        for i in best.get(out, []):
            for j in best.get(back, []):
                pair = (min(i, j), max(i, j))
                if i != j and pair not in seen:
                    seen.add(pair)
                    if not _clash([outcomes[i].lever], [outcomes[j].lever]):
                        yield outcomes[i], outcomes[j]


def best_subset(
    bench: Workbench, levers: Sequence[Lever], *, size: int
) -> tuple[tuple[Lever, ...], Score]:
    """Return the best set of at most ``size`` levers, by trying every one.

    Best is most whole rosters, then commutes, gained less those lost per vehicle-minute
    added, then the smaller set. The work doubles with each lever: a dozen is the most that is
    reasonable.
    """
    best: tuple[tuple[Lever, ...], Score] = ((), NOTHING)
    worth = 0.0
    for count in range(1, size + 1):
        for subset in combinations(levers, count):
            trips = [trip for lever in subset for trip in lever.trips]
            if len(set(trips)) < len(trips):
                continue
            score = bench.scores.score(bench.try_together(subset))
            minutes = sum(bench.vehicles.added_minutes(lever) for lever in subset)
            mine = score.value / max(minutes, LEAST_MINUTES)
            if mine > worth + 1e-12:
                best, worth = (subset, score), mine
    return best
