"""Which runs operate: the choice among candidate lines, by branch and bound (HiGHS).

A worker is gained when every shift end of the roster that their home lacks is served, so
the gain of a run depends on the others: a group of homes (one roster, the same missing ends,
the same runs covering each) is one variable, bounded by the coverage of each missing end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mobility.base.clock import DAY_S
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import Costs, Rates
from mobility.shuttles.groups import (
    Candidate,
    Parts,
    RunCost,
    Turn,
    Weights,
    beside,
    find_groups,
    fitted,
    heavy,
    riders_by_way,
    served,
    several,
    turn_of,
)
from mobility.shuttles.model import DAY_CUT_S, Floats, Run
from mobility.shuttles.scene import Scene

_WORKER_EUR = 1e7  # far above any plan's cost: euros only decide between equals
_PLACE_EUR = 100.0  # what a shift-place decides between equals: far below what a run costs
Row = tuple[list[int], list[float], float]


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


class Master:
    """The choice of runs among candidate lines, for one limit at a time.

    Columns are: runs (0/1), lines (0/1), groups of workers (0..1), shift ends that several
    runs can serve (0..1), vehicles of each size, drivers of each turn, their EUR, and the
    parts of thin runs' riders (0..1) that `require_riders` adds.
    """

    def __init__(
        self, scene: Scene, candidates: Sequence[Candidate], config: ShuttleConfig, factors: Factors
    ) -> None:
        self._scene, self._candidates = scene, candidates
        self._covers = [cover for cand in candidates for cover in cand.cover]
        self._factors = factors
        self._index = [(c, r) for c, cand in enumerate(candidates) for r in range(len(cand.runs))]
        self._groups = find_groups(scene, candidates)
        chosen, self._light = heavy(self._groups)
        ways = {way: k for k, way in enumerate(several(chosen))}
        turns = sorted({turn_of(run) for _, run in self._runs()})
        sizes = (
            len(self._index), len(candidates), len(chosen), len(ways), len(config.vehicles),
            len(turns), len(turns),
        )  # fmt: skip
        self._first = np.r_[0, np.cumsum(sizes)]
        self._rows: list[Row] = []
        self._strict: list[Row] = []
        self._overlap: list[tuple[list[int], int]] = []
        self._lines(config)
        for way, k in ways.items():
            self._rows.append(([self._column(3, k), *way], [1, *[-1.0] * len(way)], 0))
        for g, group in enumerate(chosen):
            for way in sorted(set(group.ways)):
                by = self._column(3, ways[way]) if len(way) > 1 else way[0]
                self._rows.append(([self._column(2, g), by], [1, -1], 0))
        n = int(self._first[-1])
        self._weight, self._places, self._unit = np.zeros(n), np.zeros(n), np.zeros(n)
        self._weight[self._first[2] : self._first[3]] = [g.weight for g in chosen]
        self._places[: sizes[0]] = [_places(scene, candidates[c], r) for c, r in self._index]
        self._most = np.ones(n)
        self._gap, self._nodes = config.mip_gap, config.mip_nodes
        self._required: set[int] = set()
        self._fleet(config)
        self._turns: list[tuple[list[int], float]] = []
        self._add_turns(turns)
        self._set_weights(Weights(factors["driver_min_hours"]))

    def _runs(self) -> list[tuple[int, Run]]:
        return [(v, self._candidates[c].runs[r]) for v, (c, r) in enumerate(self._index)]

    def _column(self, kind: int, k: int) -> int:
        return int(self._first[kind]) + k

    def _lines(self, config: ShuttleConfig) -> None:
        """Count the lines that have a run."""
        for k, (c, _) in enumerate(self._index):
            self._rows.append(([k, self._column(1, c)], [1, -1], 0))
        lines = [self._column(1, c) for c in range(len(self._candidates))]
        self._rows.append((lines, [1.0] * len(lines), config.max_lines))

    def _fleet(self, config: ShuttleConfig) -> None:
        """Count the vehicles: as many of a size as its runs under way at any departure.

        Strict rows have every run start and end at the depot: what they count is enough.
        """
        for size, vehicle in enumerate(config.vehicles):
            mine = [(v, run) for v, run in self._runs() if run.vehicle == size]
            column = self._column(4, size)
            most = len(mine) if vehicle.available is None else min(len(mine), vehicle.available)
            self._most[column] = most
            self._unit[column] = Rates.of(vehicle, self._factors).fixed * (
                1 + self._factors["overhead"]
            )
            self._overlaps([(v, *_busy(self._scene, run)) for v, run in mine], column)
            home = [(v, *_busy_from_depot(self._scene, run)) for v, run in mine]
            self._strict += [_row(runs, column) for runs in _together(home)]

    def _add_turns(self, turns: Sequence[tuple[int, tuple[int, ...]]]) -> None:
        """Count the drivers of each change of shifts: the runs under way at once."""
        hour = self._factors["driver_hour"] * (1 + self._factors["overhead"])
        for k, turn in enumerate(turns):
            mine = [(v, run) for v, run in self._runs() if turn_of(run) == turn]
            self._turns.append(
                ([v for v, _ in mine], hour * max(self._cost(v).days for v, _ in mine))
            )
            self._most[self._column(5, k)] = len(mine)
            self._overlaps([(v, *_busy(self._scene, run)) for v, run in mine], self._column(5, k))

    def _overlaps(self, spans: Sequence[tuple[int, int, int]], column: int) -> None:
        found = _together(spans)
        self._overlap += [(runs, column) for runs in found]
        self._rows += [_row(runs, column) for runs in found]

    def _set_weights(self, weights: Weights) -> None:
        self._weights = weights
        more = 1 + weights.stops
        self._eur = self._unit * weights.vehicles * more
        self._eur[slice(*self._first[6:8])] = weights.drivers * more
        self._eur[: len(self._index)] = [
            weights.km * self._cost(v).km * more for v in range(len(self._index))
        ]
        self._pay: list[Row] = []
        for k, (runs, hour) in enumerate(self._turns):
            drivers, eur = self._column(5, k), self._column(6, k)
            hours = [self._cost(v).hours for v in runs]
            self._pay.append(([*runs, drivers, eur], [*hours, weights.wait_h * hour, -1.0], 0.0))
            self._pay.append(([drivers, eur], [weights.least_h * hour, -1.0], 0.0))
            each = (weights.wait_h + weights.least_h) * hour
            self._most[eur] = sum(hours) + each * self._most[drivers]

    def _cost(self, v: int) -> RunCost:
        c, r = self._index[v]
        return self._candidates[c].costs[r]

    def parts(self, runs: Iterable[tuple[int, int]]) -> Parts:
        """Return the estimate of a set of runs (candidate, run) by part, before its weights."""
        on = {self._index.index(key) for key in runs}
        counts = np.zeros(len(self._unit), np.int64)
        for together, column in self._overlap:
            counts[column] = max(counts[column], len(on.intersection(together)))
        turns = []
        for k, (mine, hour) in enumerate(self._turns):
            hours = sum(self._cost(v).hours for v in mine if v in on)
            turns.append(Turn(hours, int(counts[self._column(5, k)]), hour))
        fleet = slice(*self._first[4:6])
        vehicles = float(counts[fleet] @ self._unit[fleet])
        km = sum(self._cost(v).km for v in sorted(on))
        return Parts(km, vehicles, tuple(t for t in turns if t.drivers))

    def price(self, runs: Iterable[tuple[int, int]]) -> float:
        """Return the EUR a year estimated for a set of runs (candidate, run)."""
        return self._weights.total(self.parts(runs))

    def calibrate(self, seen: Sequence[tuple[Iterable[tuple[int, int]], Costs]]) -> None:
        """Learn from choices that have been chained, staffed and costed."""
        told = [(self.parts(runs), costs) for runs, costs in seen]
        factors = self._factors
        self._set_weights(fitted(told, factors["overhead"], factors["driver_min_hours"]))

    def require_riders(self, run: tuple[int, int], capture: float, least: float) -> None:
        """Have a run operate only with ``least`` captured riders.

        They are at most those who lack that direction alone, and those whose other direction
        some chosen run serves.
        """
        v = self._index.index(run)
        if v in self._required:
            return
        self._required.add(v)
        sure, parts = riders_by_way(self._scene, self._covers, v)
        first = len(self._unit)
        for k, (_, way) in enumerate(parts):
            self._rows.append(([first + k, *way], [1, *[-1.0] * len(way)], 0))
        columns = [v, *range(first, first + len(parts))]
        self._rows.append((columns, [least, *(-capture * w for w, _ in parts)], capture * sure))
        more = np.zeros(len(parts))
        self._weight, self._places, self._unit, self._eur = (
            np.r_[x, more] for x in (self._weight, self._places, self._unit, self._eur)
        )
        self._most = np.r_[self._most, more + 1]

    def forbid_beside(self, on: Iterable[tuple[int, int]], run: tuple[int, int]) -> None:
        """Forbid a run beside the others of a set in which it has too few riders.

        It may operate again without one of those that share its riders, or with one more that
        takes some of them the other way.
        """
        v = self._index.index(run)
        chosen = [self._index.index(key) for key in on]
        rivals, helpers = beside(self._scene, self._covers, v, chosen)
        columns, values = [v, *rivals, *helpers], [1.0] * (1 + len(rivals)) + [-1.0] * len(helpers)
        self._rows.append((columns, values, float(len(rivals))))

    def choose(
        self,
        *,
        max_vehicles: int | None = None,
        max_eur: float | None = None,
        worker_eur: float = _WORKER_EUR,
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

        rows = [*self._rows, *self._pay]
        if max_vehicles is not None:
            rows += self._strict
            fleet = list(range(int(self._first[4]), int(self._first[5])))
            rows.append((fleet, [1.0] * len(fleet), float(max_vehicles)))
        if max_eur is not None:
            rows.append((list(range(len(self._eur))), list(self._eur), max_eur))
        whole = np.ones(len(self._eur), np.int64)
        whole[self._first[2] : self._first[4]] = 0
        whole[self._first[6] :] = 0  # what drivers are paid, parts of riders
        result = milp(
            self._eur / worker_eur - self._weight - self._places * (_PLACE_EUR / _WORKER_EUR),
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
        runs = tuple(self._index[v] for v in sorted(on))
        eur = self.price(runs)
        workers = sum(g.weight for g in self._groups if served(g, on))
        # Workers - EUR / worker_eur is bounded: of the best by what all would cost, of a
        # choice that costs as much by its own EUR.
        spent = eur if worker_eur < _WORKER_EUR else max_eur or self.price(self._index)
        bound = -float(result.mip_dual_bound) + spent / worker_eur
        bound = min(bound, float(self._weight.sum())) + self._light
        return Choice(runs, workers, eur, bound)

    def _lean(self, on: set[int]) -> set[int]:
        """Drop, the costliest first, the runs without which nobody loses their roster."""
        held = [g for g in self._groups if served(g, on)]
        for run in sorted(on, key=lambda v: (-self._eur[v], v)):
            rest = on - {run}
            if all(rest.intersection(way) for g in held for way in g.ways if run in way):
                on = rest
        return on


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


def _row(runs: list[int], column: int) -> Row:
    return ([*runs, column], [*[1.0] * len(runs), -1.0], 0.0)


def _together(spans: Sequence[tuple[int, int, int]]) -> list[list[int]]:
    """Return the runs under way at each departure, from (run, start, end)."""
    found: set[frozenset[int]] = set()
    for moment in sorted({start for _, start, _ in spans}):
        found.add(frozenset(v for v, start, end in spans if start <= moment < end))
    # Runs all under way at another moment too say nothing more.
    return sorted(sorted(s) for s in found if not any(s < other for other in found))


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
