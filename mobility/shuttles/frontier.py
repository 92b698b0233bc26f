"""The frontier: plans from one vehicle up, whole rosters gained against EUR a year.

Runs of candidate lines are chosen for at most so many vehicles, so many euros, or so many
euros a worker (`choose`). Costs are additive there, vehicles the most runs of one size under
way at once; each choice is then timed, chained and costed exactly, and plans another one
beats are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from mobility.shuttles.choose import Choice, Master
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.groups import Candidate, run_cost
from mobility.shuttles.model import Day, Line
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.reroute import rerouted
from mobility.shuttles.scene import Scene, edge_worth
from mobility.shuttles.schedule import build_runs, covered_homes
from mobility.shuttles.service import serve, smallest

_SMALL_SHARES = (0.2, 0.4, 0.7)  # of what one vehicle can be given to do
_MOST_CANDIDATES = 50
_MOST_VEHICLES = 6  # plans are searched for each number up to it, then by budget
_MOST_CUTS = 5  # rounds of one choice that leave thin runs out

Runs = tuple[tuple[int, int], ...]


def make_candidate(
    scene: Scene, line: Line, config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> Candidate | None:
    """Time a line's runs and find whom each covers; None when it covers nobody.

    Its vehicle is the smallest that seats those who ride when it runs alone.
    """
    runs = build_runs(scene, line, 0)
    riders = serve(scene, [line], runs, config).riders
    size = smallest(max((float(n.sum()) for n in riders), default=0.0), config)
    line, runs = replace(line, vehicle=size), [replace(r, vehicle=size) for r in runs]
    kept, covers, costs = [], [], []
    for run in runs:
        cover = {e: covered_homes(scene, line, run, e) & scene.needs[e] for e in run.edges}
        people = sum(float(scene.workers[scene.edge_shift[e]][c].sum()) for e, c in cover.items())
        if people * config.capture_rate < max(config.min_workers, 1e-9):
            continue
        kept.append(run)
        covers.append(cover)
        costs.append(run_cost(scene, run, config, factors, days))
    return Candidate(line, tuple(kept), tuple(covers), tuple(costs)) if kept else None


def distinct(found: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates without those all of whose runs another one has."""
    marks = [frozenset((r.edges, r.calls, r.vehicle) for r in c.runs) for c in found]
    return [
        c
        for k, c in enumerate(found)
        if not any(marks[k] < m or (marks[k] == m and j < k) for j, m in enumerate(marks))
    ]


def most_useful(scene: Scene, found: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates with the most workers per euro, those alike counting less and less.

    A direction is worth the roster it completes, shared among the directions lacked. Each
    time a worker's direction is covered by a line already kept, a further line covering it
    scores half.
    """
    if len(found) <= _MOST_CANDIDATES:
        return list(found)
    value = edge_worth(scene)
    left = list(range(len(found)))
    kept: list[int] = []
    while left and len(kept) < _MOST_CANDIDATES:
        scores = [
            sum(float(value[e][c].sum()) for cover in found[k].cover for e, c in cover.items())
            / max(found[k].eur, 1.0)
            for k in left
        ]
        best = left.pop(int(np.argmax(scores)))
        kept.append(best)
        for cover in found[best].cover:
            for e, c in cover.items():
                value[e] = np.where(c, value[e] / 2, value[e])
    return [found[k] for k in sorted(kept)]


def _plan_lines(candidates: Sequence[Candidate], runs: Runs) -> list[Line]:
    """Return the lines of a choice, each with the shift ends of its chosen runs."""
    lines = []
    for c, candidate in enumerate(candidates):
        edges = sorted(e for cc, r in runs if cc == c for e in candidate.runs[r].edges)
        if edges:
            lines.append(replace(candidate.line, edges=tuple(edges)))
    return lines


def build_frontier(
    scene: Scene,
    candidates: Sequence[Candidate],
    config: ShuttleConfig,
    factors: Factors,
    days: Sequence[Day],
    *,
    should_stop: Callable[[], bool] | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Plan]:
    """Return the plans none of which is beaten, cheapest first.

    Parameters
    ----------
    should_stop
        Asked before each plan; true keeps those found so far.
    """
    if not candidates:
        return []
    search = Search(scene, candidates, config, factors, days, should_stop, progress)
    full = search.add()
    if full is None or not full.runs:
        return search.named()
    search.add(max_vehicles=1)
    search.add(worker_eur=full.eur / full.workers)
    full = search.recalibrated(full)
    vehicles = 1
    while vehicles <= _MOST_VEHICLES:
        choice = search.add(max_vehicles=vehicles)
        if vehicles == 1 and choice is not None:
            for share in _SMALL_SHARES:
                search.add(max_vehicles=1, max_eur=choice.eur * share)
        if choice is not None and choice.eur >= full.eur:
            break
        vehicles += 1
    full = search.recalibrated(full)
    _along(full, config.plans, search.add)
    return search.named()


class Search:
    """Choices of runs made, timed, chained, staffed and costed one after another."""

    def __init__(
        self,
        scene: Scene,
        candidates: Sequence[Candidate],
        config: ShuttleConfig,
        factors: Factors,
        days: Sequence[Day],
        should_stop: Callable[[], bool] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._scene, self._candidates, self._config = scene, candidates, config
        self._factors, self._days = factors, days
        self._should_stop, self._progress = should_stop, progress
        self._master = Master(scene, candidates, config, factors)
        self._found: dict[Runs, Plan] = {}

    def add(self, **limit: Any) -> Choice | None:
        """Choose runs within a limit of `Master.choose` and cost them; None when told to stop."""
        if self._should_stop is not None and self._should_stop():
            return None
        choice = self._chosen(**limit)
        if choice is None or not choice.runs:
            return choice
        plan = self._found.get(choice.runs)
        if plan is None:
            lines = _plan_lines(self._candidates, choice.runs)
            plan = evaluate_plan(
                self._scene, lines, self._config, self._factors, self._days, bound=choice.bound
            )
            if self._progress is not None:
                self._progress(f"{len(self._found) + 1}")
        bound = max(min(plan.bound, choice.bound), plan.rosters_estimate)
        self._found[choice.runs] = replace(plan, bound=bound, eur_estimate=choice.eur)
        return choice

    def _chosen(self, **limit: Any) -> Choice | None:
        """Choose until no run is thinner than what is worth running."""
        choice = self._master.choose(**limit)
        for _ in range(_MOST_CUTS):
            thin = [] if choice is None else self._thin(choice.runs)
            if choice is None or not thin:
                break
            least = max(self._config.min_workers, 1e-9)
            for on, run in thin:
                self._master.require_riders(run, self._config.capture_rate, least)
                self._master.forbid_beside(on, run)
            choice = self._master.choose(**limit)
        return choice

    def _thin(self, runs: Runs) -> list[tuple[Runs, tuple[int, int]]]:
        """Return the runs with too few riders, each with the runs beside which it has so few.

        A run may be too thin only once another has been left out.
        """
        least = max(self._config.min_workers, 1e-9)
        found: list[tuple[Runs, tuple[int, int]]] = []
        while runs:
            lines = [self._candidates[c].line for c, _ in runs]
            driven = [replace(self._candidates[c].runs[r], line=k) for k, (c, r) in enumerate(runs)]
            riders = serve(self._scene, lines, driven, self._config).riders
            thin = [x for x, n in zip(runs, riders, strict=True) if n.sum() < least]
            found += [(runs, x) for x in thin]
            runs = tuple(x for x in runs if x not in thin)
            if not thin:
                break
        return found

    def recalibrated(self, full: Choice) -> Choice:
        """Learn from the plans costed so far what runs cost; return ``full`` at that price."""
        self._master.calibrate([(runs, plan.costs) for runs, plan in self._found.items()])
        return replace(full, eur=self._master.price(full.runs))

    def named(self) -> list[Plan]:
        """Return the plans that no other beats, named by rising cost."""
        plans = [
            replace(plan, eur_estimate=self._master.price(runs))
            for runs, plan in self._found.items()
        ]
        if self._config.reroute:
            args = self._config, self._factors, self._days
            plans = [rerouted(self._scene, plan, *args) for plan in pareto(plans)]
        return [replace(p, name=f"P{k + 1:02d}") for k, p in enumerate(pareto(plans))]


def _along(full: Choice, count: int, add: Callable[..., Choice | None]) -> None:
    """Search the frontier from nothing to ``full`` by prices of a worker, ``count`` at most.

    The price is the slope between two neighbours of the frontier: the best choice at it lies
    above their chord, or there is none. The interval with the most room is cut first.
    """
    points = [(0.0, 0.0), (full.eur, full.workers)]
    closed: set[tuple[float, float]] = set()
    for _ in range(count):
        open_ = [
            ((b[0] - a[0]) * (b[1] - a[1]), a, b)
            for a, b in pairwise(points)
            if a not in closed and b[1] > a[1] and b[0] > a[0]
        ]
        if not open_:
            return
        _, a, b = max(open_)
        slope = (b[0] - a[0]) / (b[1] - a[1])
        choice = add(worker_eur=slope)
        if choice is None:
            return
        above = choice.workers - a[1] - (choice.eur - a[0]) / slope
        if a[0] < choice.eur < b[0] and above > 1e-6:
            points = sorted([*points, (choice.eur, choice.workers)])
        else:
            closed.add(a)


def pareto(plans: Sequence[Plan]) -> list[Plan]:
    """Return the plans that no other beats on cost and whole rosters gained, cheapest first."""
    kept: list[Plan] = []
    for plan in sorted(plans, key=lambda p: (p.costs.total, -p.jobs_gained, len(p.lines))):
        most = kept[-1].jobs_gained if kept else 0.0
        if plan.jobs_gained > most + 1e-9:
            kept.append(plan)
    return kept


def knee(plans: Sequence[Plan]) -> int:
    """Return the index of the plan farthest above the chord of the frontier.

    Axes are scaled to 0..1, the origin (no shuttle) being the first point; with one or two
    plans it is the one with the fewest EUR per job gained. Plans that `Plan.refused` speaks
    against stand back behind those it does not.
    """
    if not plans:
        return -1
    free = np.array([not p.refused for p in plans])
    back = np.where(free | ~free.any(), 0.0, np.inf)
    eur = np.array([0.0, *(p.costs.total for p in plans)])
    gained = np.array([0.0, *(p.jobs_gained for p in plans)])
    if len(plans) <= 2 or gained[-1] <= 0:
        per_worker = eur[1:] / np.maximum(gained[1:], 1e-9)
        return int(np.argmin(per_worker + back))
    above = gained / gained.max() - eur / eur.max()
    return int(np.argmax(above[1:] - back))
