"""The frontier: plans from one vehicle up, workers reached against EUR a year.

Candidate lines are chosen by branch and bound (HiGHS): which runs of which lines operate,
for at most so many vehicles or so many euros, so that the most workers have every
direction they lack. Costs are additive there, vehicles the most runs of one size under way
at once; each choice is then timed, chained and costed exactly, and plans another one beats
are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mobility.shuttles.blocks import DAY_CUT_S, DAY_S
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Day, Rates
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Bools, Line, Run
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.scene import Scene
from mobility.shuttles.schedule import build_runs, covered_homes

SMALL_SHARES = (0.2, 0.4, 0.7)  # of what one vehicle can be given to do
MOST_VEHICLES = 6  # plans are searched for each number up to it, then by budget
WORKER_EUR = 1e7  # far above any plan's cost: euros only decide between equals


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
    """The choice of runs among candidate lines, for one limit at a time.

    Columns are: runs (0/1), lines (0/1), groups of workers (0..1), vehicles of each size.
    """

    def __init__(
        self,
        scene: Scene,
        candidates: Sequence[Candidate],
        config: ShuttleConfig,
        factors: Factors,
    ) -> None:
        self._index = [(c, r) for c, cand in enumerate(candidates) for r in range(len(cand.runs))]
        groups = _groups(scene, candidates)
        sizes = (len(self._index), len(candidates), len(groups.weight), len(config.vehicles))
        self._first = np.r_[0, np.cumsum(sizes)]
        self._rows: list[Row] = []
        self._strict: list[Row] = []
        for k, (c, _) in enumerate(self._index):
            self._at_most([k, self._column(1, c)], [1, -1], 0)
        lines = [self._column(1, c) for c in range(len(candidates))]
        self._at_most(lines, [1.0] * len(lines), config.max_lines)
        for g, ways in enumerate(groups.ways):
            for way in ways:
                self._at_most([self._column(2, g), *way], [1, *[-1.0] * len(way)], 0)
        self._weight = np.zeros(self._first[-1])
        self._weight[self._first[2] : self._first[3]] = groups.weight
        self._eur = np.zeros(self._first[-1])
        self._eur[: sizes[0]] = [candidates[c].eur[r] for c, r in self._index]
        self._most = np.ones(self._first[-1])
        self._fleet(scene, candidates, config, factors)

    def _column(self, kind: int, k: int) -> int:
        return int(self._first[kind]) + k

    def _at_most(self, columns: list[int], values: list[float], ceiling: float) -> None:
        self._rows.append((columns, values, ceiling))

    def _fleet(
        self,
        scene: Scene,
        candidates: Sequence[Candidate],
        config: ShuttleConfig,
        factors: Factors,
    ) -> None:
        """Count the vehicles: as many of a size as its runs under way at any departure.

        Strict rows have every run start and end at the depot: what they count is enough.
        """
        for size, vehicle in enumerate(config.vehicles):
            mine = [
                (v, *_busy(scene, candidates[c].runs[r]))
                for v, (c, r) in enumerate(self._index)
                if candidates[c].runs[r].vehicle == size
            ]
            column = self._column(3, size)
            most = len(mine) if vehicle.available is None else min(len(mine), vehicle.available)
            self._most[column] = most
            self._eur[column] = Rates.of(vehicle, factors).fixed * (1 + factors["overhead"])
            self._rows += _overlaps(mine, column)
            home = [
                (v, *_busy_from_depot(scene, candidates[self._index[v][0]].runs[self._index[v][1]]))
                for v, _, _ in mine
            ]
            self._strict += _overlaps(home, column)

    def choose(
        self,
        *,
        max_vehicles: int | None = None,
        max_eur: float | None = None,
        nodes: int = 6,
    ) -> Choice | None:
        """Return the runs that reach the most workers within a limit, then cost least.

        Parameters
        ----------
        max_vehicles, max_eur
            The limit; none when None.
        nodes
            Most nodes of the branch and bound.
        """
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint, milp

        rows = list(self._rows)
        if max_vehicles is not None:
            rows += self._strict
            fleet = list(range(int(self._first[3]), int(self._first[4])))
            rows.append((fleet, [1.0] * len(fleet), float(max_vehicles)))
        if max_eur is not None:
            rows.append((list(range(len(self._eur))), list(self._eur), max_eur))
        at = np.repeat(np.arange(len(rows)), [len(r[0]) for r in rows])
        matrix = sparse.csr_matrix(
            (
                np.concatenate([np.asarray(r[1], float) for r in rows]),
                (at, np.concatenate([np.asarray(r[0], np.int64) for r in rows])),
            ),
            shape=(len(rows), len(self._eur)),
        )
        whole = np.ones(len(self._eur), np.int64)
        whole[self._first[2] : self._first[3]] = 0
        result = milp(
            self._eur / WORKER_EUR - self._weight,
            constraints=LinearConstraint(matrix, -np.inf, np.array([r[2] for r in rows])),
            bounds=Bounds(0, self._most),
            integrality=whole,
            options={"node_limit": nodes, "mip_rel_gap": 0.015},
        )
        if result.x is None:
            return None
        runs = tuple(p for p, y in zip(self._index, result.x, strict=False) if y > 0.5)
        eur = float(self._eur @ result.x)
        # Workers - EUR / WORKER_EUR is bounded; the EUR of the best by what all would cost.
        spent = max_eur if max_eur is not None else float(self._eur @ self._most)
        bound = min(-float(result.mip_dual_bound) + spent / WORKER_EUR, float(self._weight.sum()))
        return Choice(runs, bound, eur)


Row = tuple[list[int], list[float], float]


def _overlaps(spans: Sequence[tuple[int, int, int]], column: int) -> list[Row]:
    """Return a row per departure: the runs under way then are at most the vehicles."""
    rows: dict[tuple[int, ...], Row] = {}
    for moment in sorted({start for _, start, _ in spans}):
        at_once = [v for v, start, end in spans if start <= moment < end]
        rows[tuple(at_once)] = ([*at_once, column], [*[1.0] * len(at_once), -1.0], 0.0)
    return list(rows.values())


def _busy_from_depot(scene: Scene, run: Run) -> tuple[int, int]:
    """When a run keeps a vehicle that comes from the depot and goes back to it."""
    out, back = (
        0 if a == b else min(int(scene.drive.seconds[a, b]), 7200)
        for a, b in ((scene.depot, run.calls[0]), (run.calls[-1], scene.depot))
    )
    return _folded(run.start_s - out - scene.turnaround_s, run.end_s + back)


def _busy(scene: Scene, run: Run) -> tuple[int, int]:
    """When a run keeps its vehicle, driving to its first stop included."""
    lead = 0
    if run.direction == "in":
        lead = min(int(scene.drive.seconds[run.calls[-1], run.calls[0]]), 3600)
    return _folded(run.start_s - lead, run.end_s + scene.turnaround_s)


def _folded(start_s: int, end_s: int) -> tuple[int, int]:
    """Bring a run of the small hours back to the operating day it meets the others on."""
    back = (start_s - DAY_CUT_S) // DAY_S * DAY_S
    return start_s - back, end_s - back


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
