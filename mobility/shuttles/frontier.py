"""The frontier: plans from one vehicle up, workers reached against EUR a year.

Candidate lines are chosen by CP-SAT: which runs of which lines operate, at most so many
vehicles or so many euros, so that the most workers have every direction they lack. Costs
are additive there, vehicles the most runs of one size under way at once; each choice is
then timed, chained and costed exactly, and plans another one beats are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Day, Rates
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Bools, Line, Run
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.scene import Scene
from mobility.shuttles.schedule import build_runs, covered_homes

EUR_PER_UNIT = 10**6
SCALE = 100  # workers and euros are counted to the hundredth in the model


@dataclass(frozen=True)
class Candidate:
    """A line and its runs, with who each covers (``cover[k]`` of ``runs[k]``, by edge)."""

    line: Line
    runs: tuple[Run, ...]
    cover: tuple[dict[int, Bools], ...]
    eur: tuple[float, ...]


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


@dataclass(frozen=True)
class _Groups:
    """Workers with the same covering runs: weight, runs for each way (None: not needed)."""

    weight: list[float]
    ways: list[tuple[list[int], ...]]


def _groups(scene: Scene, candidates: Sequence[Candidate]) -> _Groups:
    index: list[tuple[int, int]] = [
        (c, r) for c, cand in enumerate(candidates) for r in range(len(cand.runs))
    ]
    weights: list[float] = []
    ways: list[tuple[list[int], ...]] = []
    for row in range(len(scene.shift_ids)):
        edges = [e for e in range(len(scene.edges)) if scene.edge_shift[e] == row]
        need = scene.needs[edges]
        people = np.flatnonzero(need.any(axis=0) & (scene.workers[row] > 0))
        if not len(people):
            continue
        layers, owners = [], []
        for k, e in enumerate(edges):
            layers.append(need[k, people][None])
            owners.append((k, -1))
            for v, (c, r) in enumerate(index):
                if e in candidates[c].cover[r]:
                    layers.append(candidates[c].cover[r][e][people][None])
                    owners.append((k, v))
        table = np.concatenate(layers)
        unique, inverse = np.unique(table, axis=1, return_inverse=True)
        weight = np.bincount(inverse.ravel(), weights=scene.workers[row, people])
        for g in range(unique.shape[1]):
            wanted = [k for k in range(len(edges)) if unique[owners.index((k, -1)), g]]
            way = tuple(
                [v for i, (j, v) in enumerate(owners) if j == k and v >= 0 and unique[i, g]]
                for k in wanted
            )
            if all(way):
                weights.append(float(weight[g]))
                ways.append(way)
    return _Groups(weights, ways)


@dataclass(frozen=True)
class Choice:
    """Runs chosen by the master model: (candidate, run) pairs, and a bound on the workers."""

    runs: tuple[tuple[int, int], ...]
    bound: float
    eur: float


class Master:
    """The choice of runs among candidate lines, for one limit at a time."""

    def __init__(
        self,
        scene: Scene,
        candidates: Sequence[Candidate],
        config: ShuttleConfig,
        factors: Factors,
        *,
        seed: int,
    ) -> None:
        from ortools.sat.python import cp_model

        self._cp: Any = cp_model
        self._seed = seed
        self._index = [(c, r) for c, cand in enumerate(candidates) for r in range(len(cand.runs))]
        self._model = model = cp_model.CpModel()
        self._y = [model.new_bool_var(f"y{c}_{r}") for c, r in self._index]
        self._lines(candidates, config)
        groups = _groups(scene, candidates)
        self._workers = self._reach(groups)
        self._max_workers = sum(groups.weight)
        self._vehicles, self._eur = self._fleet(scene, candidates, config, factors)
        self.max_vehicles = sum(self._fleet_bounds)

    def _lines(self, candidates: Sequence[Candidate], config: ShuttleConfig) -> None:
        model = self._model
        opened = [model.new_bool_var(f"x{c}") for c in range(len(candidates))]
        for (c, _), y in zip(self._index, self._y, strict=True):
            model.add_implication(y, opened[c])
        model.add(sum(opened) <= config.max_lines)

    def _reach(self, groups: _Groups) -> Any:
        terms = []
        for g, (weight, ways) in enumerate(zip(groups.weight, groups.ways, strict=True)):
            z = self._model.new_bool_var(f"z{g}")
            for way in ways:
                self._model.add_bool_or([self._y[v] for v in way]).only_enforce_if(z)
            terms.append(round(weight * SCALE) * z)
        return sum(terms)

    def _fleet(
        self,
        scene: Scene,
        candidates: Sequence[Candidate],
        config: ShuttleConfig,
        factors: Factors,
    ) -> tuple[list[Any], Any]:
        model = self._model
        vehicles, eur = [], []
        self._fleet_bounds: list[int] = []
        for size, vehicle in enumerate(config.vehicles):
            mine = [
                (v, *_busy(scene, candidates[c].runs[r]))
                for v, (c, r) in enumerate(self._index)
                if candidates[c].runs[r].vehicle == size
            ]
            most = len(mine) if vehicle.available is None else min(len(mine), vehicle.available)
            n = model.new_int_var(0, most, f"n{size}")
            for moment in sorted({start for _, start, _ in mine}):
                at_once = [self._y[v] for v, start, end in mine if start <= moment < end]
                model.add(sum(at_once) <= n)
            vehicles.append(n)
            self._fleet_bounds.append(most)
            fixed = Rates.of(vehicle, factors).fixed * (1 + factors["overhead"])
            eur.append(round(fixed) * n)
        run_eur = [round(candidates[c].eur[r]) for c, r in self._index]
        return vehicles, sum(eur) + sum(k * y for k, y in zip(run_eur, self._y, strict=True))

    def choose(
        self,
        *,
        max_vehicles: int | None = None,
        max_eur: float | None = None,
        effort: float,
        hint: Choice | None = None,
    ) -> Choice | None:
        """Return the runs that reach the most workers within a limit, then cost least."""
        model = self._model.clone()
        eur = model.new_int_var(0, 10**9, "eur")
        model.add(eur == self._eur)
        if max_vehicles is not None:
            model.add(sum(self._vehicles) <= max_vehicles)
        if max_eur is not None:
            model.add(eur <= int(max_eur))
        # A hundredth of a worker outweighs a million EUR; ties go to the cheaper.
        model.maximize(self._workers * EUR_PER_UNIT - eur)
        if hint is not None:
            chosen = set(hint.runs)
            for pair, y in zip(self._index, self._y, strict=True):
                model.add_hint(y, pair in chosen)
        solver = self._cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self._seed
        solver.parameters.max_deterministic_time = effort
        status = solver.solve(model)
        if status not in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            return None
        runs = tuple(
            p for p, y in zip(self._index, self._y, strict=True) if solver.boolean_value(y)
        )
        value = float(solver.value(eur))
        # Workers x EUR_PER_UNIT - EUR is bounded, and the EUR by the budget.
        most_eur = 10**7 if max_eur is None else float(max_eur)
        ceiling = (solver.best_objective_bound + most_eur) / EUR_PER_UNIT / SCALE
        return Choice(runs, min(ceiling, self._max_workers), value)


def _busy(scene: Scene, run: Run) -> tuple[int, int]:
    """When a run keeps its vehicle, driving to its first stop included."""
    lead = 0
    if run.direction == "in":
        lead = min(int(scene.drive.seconds[run.calls[-1], run.calls[0]]), 3600)
    return run.start_s - lead, run.end_s + scene.turnaround_s


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
    seed: int = 0,
    effort: float = 0.5,
    should_stop: Callable[[], bool] | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Plan]:
    """Return the plans none of which is beaten, cheapest first.

    Parameters
    ----------
    effort
        Deterministic time of CP-SAT for each plan.
    should_stop
        Asked before each plan; true keeps those found so far.
    """
    if not candidates:
        return []
    master = Master(scene, candidates, config, factors, seed=seed)
    plans: list[Plan] = []
    seen: set[tuple[tuple[int, int], ...]] = set()
    hint: Choice | None = None

    def add(**limit: Any) -> Choice | None:
        nonlocal hint
        if should_stop is not None and should_stop():
            return None
        choice = master.choose(effort=effort, hint=hint, **limit)
        if choice is None or not choice.runs:
            return choice
        hint = choice
        if choice.runs not in seen:
            seen.add(choice.runs)
            plans.append(
                evaluate_plan(
                    scene, plan_lines(candidates, choice), config, factors, days,
                    bound=choice.bound, exact_duties=False,
                )
            )  # fmt: skip
            if progress is not None:
                progress(f"{len(plans)}")
        return choice

    full = add()
    if full is None or not full.runs:
        return plans
    vehicles = 1
    while vehicles < min(master.max_vehicles, config.plans):
        choice = add(max_vehicles=vehicles)
        if choice is not None and choice.eur >= full.eur:
            break
        vehicles += 1
    least = min((p.costs.total for p in plans), default=full.eur)
    for share in np.linspace(0, 1, config.plans + 2)[1:-1]:
        add(max_eur=least * (full.eur / least) ** share if least else full.eur * share)
    return [replace(p, name=f"P{k + 1:02d}") for k, p in enumerate(pareto(plans))]


def pareto(plans: Sequence[Plan]) -> list[Plan]:
    """Return the plans that no other beats on both cost and workers reached, cheapest first."""
    kept: list[Plan] = []
    order = sorted(plans, key=lambda p: (p.costs.total, -p.reached, len(p.lines)))
    for plan in order:
        if plan.reached > 0 and (not kept or plan.reached > kept[-1].reached + 1e-9):
            kept.append(plan)
    return kept


def knee(plans: Sequence[Plan]) -> int:
    """Return the index of the plan farthest above the chord of the frontier.

    Axes are scaled to 0..1, the origin (no shuttle) being the first point; with one or two
    plans it is the one with the fewest EUR per worker.
    """
    if not plans:
        return -1
    eur = np.array([0.0, *(p.costs.total for p in plans)])
    reached = np.array([0.0, *(p.reached for p in plans)])
    if len(plans) <= 2 or reached[-1] <= 0:
        per_worker = eur[1:] / np.maximum(reached[1:], 1e-9)
        return int(np.argmin(per_worker))
    above = reached / reached.max() - eur / eur.max()
    return int(np.argmax(above[1:]))
