"""Which runs operate: the choice among candidate lines, by branch and bound (HiGHS).

A worker is gained when every shift end of the roster that their home lacks is served, so
the gain of a run depends on the others: a group of homes (one roster, the same missing ends,
the same runs covering each) is one variable, bounded by the coverage of each missing end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mobility.shuttles.blocks import DAY_CUT_S, DAY_S
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Rates
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Bools, Floats, Line, Run
from mobility.shuttles.rosters import edges_of
from mobility.shuttles.scene import Scene

WORKER_EUR = 1e7  # far above any plan's cost: euros only decide between equals
PLACE_EUR = 100.0  # what a shift-place decides between equals: far below what a run costs
LIGHT_SHARE = 0.005  # of the workers: the lightest groups are left out of the choice


@dataclass(frozen=True)
class Candidate:
    """A line and its runs, with who each covers (``cover[k]`` of ``runs[k]``, by edge)."""

    line: Line
    runs: tuple[Run, ...]
    cover: tuple[dict[int, Bools], ...]
    eur: tuple[float, ...]


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


@dataclass(frozen=True)
class Choice:
    """Runs chosen: (candidate, run) pairs, workers gained and EUR estimated, and a bound.

    No other choice within the same limit gains more workers than ``bound``; at a price of a
    worker, none that costs as much.
    """

    runs: tuple[tuple[int, int], ...]
    workers: float
    eur: float
    bound: float


Row = tuple[list[int], list[float], float]


class Master:
    """The choice of runs among candidate lines, for one limit at a time.

    Columns are: runs (0/1), lines (0/1), groups of workers (0..1), shift ends that several
    runs can serve (0..1), vehicles of each size.
    """

    def __init__(
        self,
        scene: Scene,
        candidates: Sequence[Candidate],
        config: ShuttleConfig,
        factors: Factors,
    ) -> None:
        self._index = [(c, r) for c, cand in enumerate(candidates) for r in range(len(cand.runs))]
        self._groups = find_groups(scene, candidates)
        chosen, self._light = _heavy(self._groups)
        several = {way: k for k, way in enumerate(_several(chosen))}
        sizes = (
            len(self._index), len(candidates), len(chosen), len(several), len(config.vehicles)
        )  # fmt: skip
        self._first = np.r_[0, np.cumsum(sizes)]
        self._rows: list[Row] = []
        self._strict: list[Row] = []
        self._lines(candidates, config)
        for way, k in several.items():
            self._at_most([self._column(3, k), *way], [1, *[-1.0] * len(way)], 0)
        for g, group in enumerate(chosen):
            for way in sorted(set(group.ways)):
                by = self._column(3, several[way]) if len(way) > 1 else way[0]
                self._at_most([self._column(2, g), by], [1, -1], 0)
        n = int(self._first[-1])
        self._weight = np.zeros(n)
        self._weight[self._first[2] : self._first[3]] = [g.weight for g in chosen]
        self._eur = np.zeros(n)
        self._eur[: sizes[0]] = [candidates[c].eur[r] for c, r in self._index]
        self._places = np.zeros(n)
        self._places[: sizes[0]] = [_places(scene, candidates[c], r) for c, r in self._index]
        self._most = np.ones(n)
        self._gap, self._nodes = config.mip_gap, config.mip_nodes
        self._fleet(scene, candidates, config, factors)

    def _column(self, kind: int, k: int) -> int:
        return int(self._first[kind]) + k

    def _at_most(self, columns: list[int], values: list[float], ceiling: float) -> None:
        self._rows.append((columns, values, ceiling))

    def _lines(self, candidates: Sequence[Candidate], config: ShuttleConfig) -> None:
        """Count the lines that have a run."""
        for k, (c, _) in enumerate(self._index):
            self._at_most([k, self._column(1, c)], [1, -1], 0)
        lines = [self._column(1, c) for c in range(len(candidates))]
        self._at_most(lines, [1.0] * len(lines), config.max_lines)

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
            column = self._column(4, size)
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
        worker_eur: float = WORKER_EUR,
    ) -> Choice | None:
        """Return the runs that give the most workers their whole roster, then cost least.

        Parameters
        ----------
        max_vehicles, max_eur
            The limit; none when None.
        worker_eur
            EUR a year at which a worker is no longer worth gaining.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp

        rows = list(self._rows)
        if max_vehicles is not None:
            rows += self._strict
            fleet = list(range(int(self._first[4]), int(self._first[5])))
            rows.append((fleet, [1.0] * len(fleet), float(max_vehicles)))
        if max_eur is not None:
            rows.append((list(range(len(self._eur))), list(self._eur), max_eur))
        whole = np.ones(len(self._eur), np.int64)
        whole[self._first[2] : self._first[4]] = 0
        result = milp(
            self._eur / worker_eur - self._weight - self._places * (PLACE_EUR / WORKER_EUR),
            constraints=LinearConstraint(
                _matrix(rows, len(self._eur)), -np.inf, np.array([r[2] for r in rows])
            ),
            bounds=Bounds(0, self._most),
            integrality=whole,
            options={"node_limit": self._nodes, "mip_rel_gap": self._gap},
        )
        if result.x is None:
            return None
        on = self._lean(set(np.flatnonzero(result.x[: len(self._index)] > 0.5).tolist()))
        vehicles = slice(int(self._first[4]), int(self._first[5]))
        eur = float(self._eur[sorted(on)].sum() + self._eur[vehicles] @ result.x[vehicles])
        workers = sum(g.weight for g in self._groups if _served(g, on))
        # Workers - EUR / worker_eur is bounded: of the best by what all would cost, of a
        # choice that costs as much by its own EUR.
        spent = eur if worker_eur < WORKER_EUR else max_eur or float(self._eur @ self._most)
        bound = -float(result.mip_dual_bound) + spent / worker_eur
        bound = min(bound, float(self._weight.sum())) + self._light
        return Choice(tuple(self._index[v] for v in sorted(on)), workers, eur, bound)

    def _lean(self, on: set[int]) -> set[int]:
        """Drop, the costliest first, the runs without which nobody loses their roster."""
        held = [g for g in self._groups if _served(g, on)]
        for run in sorted(on, key=lambda v: (-self._eur[v], v)):
            rest = on - {run}
            if all(rest.intersection(way) for g in held for way in g.ways if run in way):
                on = rest
        return on


def _served(group: Group, on: set[int]) -> bool:
    return all(on.intersection(way) for way in group.ways)


def _heavy(groups: Sequence[Group]) -> tuple[list[Group], float]:
    """Return the groups without the lightest, and what these weigh in all."""
    order = sorted(range(len(groups)), key=lambda g: (groups[g].weight, g))
    total = sum(g.weight for g in groups)
    left = 0.0
    dropped: set[int] = set()
    for g in order:
        if left + groups[g].weight > LIGHT_SHARE * total:
            break
        left += groups[g].weight
        dropped.add(g)
    return [g for k, g in enumerate(groups) if k not in dropped], left


def _several(groups: Sequence[Group]) -> list[tuple[int, ...]]:
    return sorted({way for g in groups for way in g.ways if len(way) > 1})


def _places(scene: Scene, candidate: Candidate, run: int) -> float:
    """Half the shift-places of a run: the other direction makes the other half."""
    return 0.5 * sum(
        float(scene.workers[scene.edge_shift[e]][c].sum()) for e, c in candidate.cover[run].items()
    )


def _matrix(rows: Sequence[Row], n: int) -> sparse.csr_matrix:

    at = np.repeat(np.arange(len(rows)), [len(r[0]) for r in rows])
    values: Floats = np.concatenate([np.asarray(r[1], np.float64) for r in rows])
    columns = np.concatenate([np.asarray(r[0], np.int64) for r in rows])
    return sparse.csr_matrix((values, (at, columns)), shape=(len(rows), n))


def _overlaps(spans: Sequence[tuple[int, int, int]], column: int) -> list[Row]:
    """Return a row per departure: the runs under way then are at most the vehicles."""
    found: set[frozenset[int]] = set()
    for moment in sorted({start for _, start, _ in spans}):
        found.add(frozenset(v for v, start, end in spans if start <= moment < end))
    # Runs all under way at another moment too say nothing more.
    kept = sorted(sorted(s) for s in found if not any(s < other for other in found))
    return [([*runs, column], [*[1.0] * len(runs), -1.0], 0.0) for runs in kept]


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
