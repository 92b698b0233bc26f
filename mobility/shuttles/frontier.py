"""The frontier: plans from one vehicle up, whole rosters gained against EUR a year.

Runs of candidate lines are chosen for at most so many vehicles, so many euros, or so many
euros a worker (`master`). Costs are additive there, vehicles the most runs of one size under
way at once; each choice is then timed, chained and costed exactly, and plans another one
beats are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Day, Rates
from mobility.shuttles.factors import Factors
from mobility.shuttles.master import Candidate, Choice, Master
from mobility.shuttles.model import Line, Run
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.rosters import edge_worth
from mobility.shuttles.scene import Scene
from mobility.shuttles.schedule import build_runs, covered_homes

SMALL_SHARES = (0.2, 0.4, 0.7)  # of what one vehicle can be given to do
MOST_CANDIDATES = 50
MOST_VEHICLES = 6  # plans are searched for each number up to it, then by budget


def make_candidate(
    scene: Scene, line: Line, config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> Candidate | None:
    """Time a line's runs and find whom each covers; None when it covers nobody."""
    runs = build_runs(scene, line, 0)
    kept, covers, costs = [], [], []
    for run in runs:
        cover = {e: covered_homes(scene, line, run, e) & scene.needs[e] for e in run.edges}
        people = sum(float(scene.workers[scene.edge_shift[e]][c].sum()) for e, c in cover.items())
        if people * config.capture_rate < max(config.min_workers, 1e-9):
            continue
        kept.append(run)
        covers.append(cover)
        costs.append(_run_eur(scene, run, config, factors, days))
    return Candidate(line, tuple(kept), tuple(covers), tuple(costs)) if kept else None


def _run_eur(
    scene: Scene, run: Run, config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> float:
    """Additive estimate of a run's yearly cost, empty driving to or from the depot included."""
    count = sum(
        d.count for d in days if d.weekday in run.weekdays and d.kinds[d.weekday] in run.day_kinds
    )
    far = run.calls[0] if run.direction == "in" else run.calls[-1]
    ways = (scene.depot, far) if run.direction == "in" else (far, scene.depot)
    empty_m, empty_s = float(scene.drive.metres[ways]), int(scene.drive.seconds[ways])
    hours = (run.end_s - run.start_s + min(empty_s, 7200) + 2 * scene.turnaround_s) / 3600
    rates = Rates.of(config.vehicles[run.vehicle], factors)
    km = (run.metres + min(empty_m, 200_000.0)) / 1000
    return count * (km * rates.km + hours * factors["driver_hour"]) * (1 + factors["overhead"])


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
    if len(found) <= MOST_CANDIDATES:
        return list(found)
    value = edge_worth(scene)
    left = list(range(len(found)))
    kept: list[int] = []
    while left and len(kept) < MOST_CANDIDATES:
        scores = [
            sum(float(value[e][c].sum()) for cover in found[k].cover for e, c in cover.items())
            / max(sum(found[k].eur), 1.0)
            for k in left
        ]
        best = left.pop(int(np.argmax(scores)))
        kept.append(best)
        for cover in found[best].cover:
            for e, c in cover.items():
                value[e] = np.where(c, value[e] / 2, value[e])
    return [found[k] for k in sorted(kept)]


def plan_lines(candidates: Sequence[Candidate], choice: Choice) -> list[Line]:
    """Return the lines of a choice, each with the shift ends of its chosen runs."""
    lines = []
    for c, candidate in enumerate(candidates):
        edges = sorted(e for cc, r in choice.runs if cc == c for e in candidate.runs[r].edges)
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
    master = Master(scene, candidates, config, factors)
    plans: list[Plan] = []
    seen: set[tuple[tuple[int, int], ...]] = set()

    def add(**limit: Any) -> Choice | None:
        if should_stop is not None and should_stop():
            return None
        choice = master.choose(**limit)
        if choice is None or not choice.runs:
            return choice
        if choice.runs not in seen:
            seen.add(choice.runs)
            plans.append(
                evaluate_plan(
                    scene, plan_lines(candidates, choice), config, factors, days,
                    bound=choice.bound,
                )
            )  # fmt: skip
            if progress is not None:
                progress(f"{len(plans)}")
        return choice

    full = add()
    if full is None or not full.runs:
        return plans
    vehicles = 1
    while vehicles <= MOST_VEHICLES:
        choice = add(max_vehicles=vehicles)
        if vehicles == 1 and choice is not None:
            for share in SMALL_SHARES:
                add(max_vehicles=1, max_eur=choice.eur * share)
        if choice is not None and choice.eur >= full.eur:
            break
        vehicles += 1
    _along(full, config.plans, add)
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
    for plan in sorted(plans, key=lambda p: (p.costs.total, -p.rosters_gained, len(p.lines))):
        most = kept[-1].rosters_gained if kept else 0.0
        if plan.rosters_gained > most + 1e-9:
            kept.append(plan)
    return kept


def knee(plans: Sequence[Plan]) -> int:
    """Return the index of the plan farthest above the chord of the frontier.

    Axes are scaled to 0..1, the origin (no shuttle) being the first point; with one or two
    plans it is the one with the fewest EUR per worker whose whole roster holds.
    """
    if not plans:
        return -1
    eur = np.array([0.0, *(p.costs.total for p in plans)])
    gained = np.array([0.0, *(p.rosters_gained for p in plans)])
    if len(plans) <= 2 or gained[-1] <= 0:
        per_worker = eur[1:] / np.maximum(gained[1:], 1e-9)
        return int(np.argmin(per_worker))
    above = gained / gained.max() - eur / eur.max()
    return int(np.argmax(above[1:]))
