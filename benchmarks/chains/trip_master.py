"""Trips that know the end their vehicle comes from: linear relaxation, bound and rounding.

A column is a trip with the end served before it, or none. Every call is covered; no more
trips follow an end than trips end there; an end has as many trips as its riders fill; trips
without a predecessor, the vehicles, are minimised. Rows may tell what the trips of an end cost at
least (`every_trip.WholeEnds`). Columns are priced exactly (`pricing`), so the relaxation rounded
up is a bound. Plans are rounded from it by fixing the trips with the largest values, a few at a
time, and pricing again; the last ones are chosen by HiGHS.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import highspy
import numpy as np
from scipy import sparse

from benchmarks.chains.pricing import RATE, price_end
from mobility.shuttles.chained import Chain, ChainProblem, Trip
from mobility.shuttles.model import Floats, Ints

WHOLE = 1e-6
_DIGITS = 9  # of prices
SURE = 0.75  # fixed at once from this value on
_TAIL = 200  # fractional trips left to the branch and bound
NODES = 300
_PART = 1e-3  # of a trip: less is whole
FEW_LABELS, MOST_LABELS = 50_000, 300_000  # of one end alone, and beside the others


def quiet_solver(**options: object) -> Any:
    """Return a solver with some options of HiGHS."""
    found: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in ({"output_flag": False, "threads": 1} | options).items():
        found.setOptionValue(option, value)
    return found


class Prices(NamedTuple):
    """What the relaxation pays.

    Attributes
    ----------
    dues
        float64[E+1] for following each end, the last one for a new vehicle.
    costs
        float64[E] what the trips of each end cost at least at these dues: the cheapest
        predecessors of its trips, less what the trips are worth to followers.
    """

    dues: Floats
    costs: Floats


class Floor(NamedTuple):
    """What the trips of an end cost at least, by the end before each (the last: none)."""

    end: int
    weight: Floats
    least: float


class Column(NamedTuple):
    """A trip of an end and the end before it, the number of ends meaning none."""

    end: int
    calls: Trip
    before: int


def _rate(value: float, trips: int) -> float:
    """Return the reduced cost, without its sign, that ``trips`` trips cannot round down with."""
    return max(RATE, 0.9 * (value - math.ceil(value - WHOLE) + 1) / trips)


class TripMaster:
    """The relaxation over the columns found so far; all ends are inbound.

    Attributes
    ----------
    fewest
        Trips each end needs at least.
    floors
        What ends cost at least, beyond what the columns tell.
    """

    def __init__(self, problem: ChainProblem) -> None:
        self._problem = problem
        self._n, self._ends = problem.n_calls, len(problem.at_s)
        self._calls = [np.flatnonzero(problem.end_of == e) for e in range(self._ends)]
        self._columns: list[Column] = []
        self._known: set[Column] = set()
        self.floors: list[Floor] = []
        self._duals = np.zeros(self._n + 2 * self._ends)
        self._ends_data = [self._end_data(e) for e in range(self._ends)]
        self._lp = quiet_solver()
        none, empty, inf = np.array([], np.int32), np.array([]), highspy.kHighsInf
        for _ in range(self._n):
            self._lp.addRow(1.0, inf, 0, none, empty)
        for _ in range(self._ends):
            self._lp.addRow(-inf, 0.0, 0, none, empty)
        self.fewest = [self._fewest(end) for end in range(self._ends)]
        for least in self.fewest:
            self._lp.addRow(float(least), inf, 0, none, empty)

    def _end_data(self, end: int) -> tuple[Floats, Floats, Ints, Floats, Floats, Floats]:
        """Return the arrays of one end that `price_end` reads."""
        p, own = self._problem, self._calls[end]
        free = p.at_s + p.busy_s
        latest = p.at_s[end] - free[:, None] - p.drive_s[self._n :][:, own]
        alone = np.full((1, len(own)), 1e18)
        return (
            np.ascontiguousarray(p.drive_s[np.ix_(own, own)]),
            p.drive_s[own, p.gate(end)],
            p.load[own].astype(np.int32),
            p.halt_s[own],
            p.limit_s[own],
            np.ascontiguousarray(np.vstack([latest, alone])),
        )

    def _fewest(self, end: int) -> int:
        """Return how many trips an end needs at least: by riders, by its own relaxation."""
        p, own = self._problem, self._calls[end]
        by_riders = math.ceil(int(p.load[own].sum()) / p.seats)
        legs, gate, load, halt, limit, latest = self._ends_data[end]
        none, empty, inf = np.array([], np.int32), np.array([]), highspy.kHighsInf
        lp = quiet_solver()
        for call in range(len(own)):
            lp.addRow(1.0, inf, 0, none, empty)
            lp.addCol(1.0, 0.0, inf, 1, np.array([call], np.int32), np.ones(1))
        exact = False
        while len(own):
            lp.run()
            value = float(lp.getInfo().objective_function_value)
            if value <= by_riders + WHOLE:
                break
            calls, sizes, _, whole = price_end(
                legs, gate, load, halt, limit, np.array(lp.getSolution().row_dual), 0.0,
                np.ones(1), latest[-1:], p.seats, exact, FEW_LABELS, _rate(value, len(own)),
            )  # fmt: skip
            if exact and not whole:
                break
            if exact and not len(sizes):
                return max(by_riders, math.ceil(value - WHOLE))
            exact = exact or not len(sizes)
            for row, size in zip(calls, sizes, strict=True):
                lp.addCol(1.0, 0.0, inf, size, row[:size], np.ones(size))
        return by_riders

    def add_chains(self, chains: Iterable[Chain]) -> None:
        """Add the trips of a plan."""
        end_of = self._problem.end_of
        found = []
        for chain in chains:
            before = self._ends
            for trip in chain:
                found.append(Column(int(end_of[trip[0]]), trip, before))
                before = int(end_of[trip[0]])
        self.add(found)

    def add(self, columns: Iterable[Column]) -> int:
        """Add columns; return how many are new."""
        new = [c for c in dict.fromkeys(columns) if c not in self._known]
        if not new:
            return 0
        self._known.update(new)
        self._columns += new
        cost = np.array([float(c.before == self._ends) for c in new])
        rows = [self._rows(c) for c in new]
        index = np.array([r for row in rows for r, _ in row], np.int32)
        value = np.array([v for row in rows for _, v in row])
        starts = np.cumsum([0, *(len(row) for row in rows)])[:-1].astype(np.int32)
        most = np.full(len(new), highspy.kHighsInf)
        self._lp.addCols(len(new), cost, np.zeros(len(new)), most, len(index), starts, index, value)
        return len(new)

    def _rows(self, c: Column) -> list[tuple[int, float]]:
        row = [*((call, 1.0) for call in c.calls), (self._n + c.end, -1.0)]
        row.append((self._n + self._ends + c.end, 1.0))
        row += [(r, float(f.weight[c.before])) for r, f in self._floors_of(c.end)]
        return row if c.before == self._ends else [*row, (self._n + c.before, 1.0)]

    def _floors_of(self, end: int) -> list[tuple[int, Floor]]:
        """Return the rows that tell what an end costs at least."""
        first = self._n + 2 * self._ends
        return [(first + k, f) for k, f in enumerate(self.floors) if f.end == end]

    def add_floor(self, floor: Floor) -> None:
        """Ask that the trips of an end cost so much at least."""
        own = [j for j, c in enumerate(self._columns) if c.end == floor.end]
        weight = np.array([floor.weight[self._columns[j].before] for j in own])
        self.floors.append(floor)
        inf = highspy.kHighsInf
        self._lp.addRow(floor.least, inf, len(own), np.array(own, np.int32), weight)

    def priced(self) -> list[Trip]:
        """Return the trips of all columns."""
        return list(dict.fromkeys(column.calls for column in self._columns))

    def trips(self) -> Floats:
        """Return how many trips of each end the relaxation takes."""
        _, _, value = self._solve()
        found: Floats = np.zeros(self._ends)
        np.add.at(found, [column.end for column in self._columns], value)
        return found

    def limit_trips(self, end: int, least: float, most: float) -> None:
        """Ask for so many trips of an end."""
        self._lp.changeRowBounds(self._n + self._ends + end, float(least), float(most))

    def prices(self) -> Prices:
        """Return what the relaxation paid when it was last priced out (`relax`)."""
        duals = self._duals
        follow = np.clip(np.round(-duals[self._n : self._n + self._ends], _DIGITS), 0.0, 1.0)
        costs: Floats = np.zeros(self._ends)
        np.add.at(costs, self._problem.end_of, duals[: self._n])
        costs += duals[self._n + self._ends : self._n + 2 * self._ends] * self.fewest
        for end in range(self._ends):
            costs[end] += sum(duals[r] * f.least for r, f in self._floors_of(end))
        return Prices(np.append(follow, 1.0), costs)

    def _solve(self) -> tuple[float, Floats, Floats]:
        """Return the value, the duals of the rows and the columns' values."""
        self._lp.run()
        found = self._lp.getSolution()
        value = self._lp.getInfo().objective_function_value
        return value, np.array(found.row_dual), np.array(found.col_value)

    def _priced(self, duals: Floats, *, exact: bool) -> tuple[list[Column], list[int]]:
        """Return trips with negative reduced cost, and the ends that lack some for want of room."""
        follow = -duals[self._n : self._n + self._ends]
        worth = follow + duals[self._n + self._ends : self._n + 2 * self._ends]
        dues, out, cut = np.append(follow, 1.0), [], []
        for end, own in enumerate(self._calls):
            if not len(own):
                continue
            legs, gate, load, halt, limit, latest = self._ends_data[end]
            due = dues - sum(duals[r] * f.weight for r, f in self._floors_of(end))
            calls, sizes, before, whole = price_end(
                legs, gate, load, halt, limit, duals[own], worth[end], due, latest,
                self._problem.seats, exact, MOST_LABELS,
            )  # fmt: skip
            cut += [] if whole else [end]
            for row, size, p in zip(calls, sizes, before, strict=True):
                out.append(Column(end, tuple(int(own[k]) for k in row[:size]), int(p)))
        return out, cut

    def relax(self) -> int:
        """Price until no trip is missing that would matter; return the bound on the vehicles.

        An end with too many trips to price keeps its number of trips in the bound; its calls
        then go without: a trip of one call is ready for the same vehicles, no way being shorter
        through another place. Where no plan of the trips found so far has few enough trips of an
        end (`limit_trips`), nothing is bound: 0.
        """
        exact, without = False, set[int]()
        while True:
            value, duals, _ = self._solve()
            if self._lp.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
                value = 0.0
                break
            found, cut = self._priced(duals, exact=exact)
            more = self.add(found) > 0
            if exact and not without.issuperset(cut):
                without.update(cut)
                self._cover(cut, -highspy.kHighsInf)
            elif not more and exact:
                break
            elif not more:
                exact = True
        self._duals = duals
        self._cover(without, 1.0)
        return math.ceil(value - self._n * RATE - WHOLE)

    def _cover(self, ends: Iterable[int], least: float) -> None:
        """Ask for so many trips at each call of some ends."""
        for end in ends:
            for call in self._calls[end]:
                self._lp.changeRowBounds(int(call), least, highspy.kHighsInf)

    def dive(self, step: float, rounds: int = 2) -> list[Trip]:
        """Return the trips of a plan rounded from the relaxation, every call served once.

        Parameters
        ----------
        step
            Share of the trips with a value that is fixed at a time.
        rounds
            Times that trips are priced again after each.
        """
        fixed: set[int] = set()
        while True:
            for _ in range(rounds):
                _, duals, _ = self._solve()
                if not self.add(self._priced(duals, exact=False)[0]):
                    break
            _, _, value = self._solve()
            used = np.flatnonzero(value > WHOLE)
            if int((np.abs(value[used] - np.rint(value[used])) > WHOLE).sum()) <= _TAIL:
                break
            left = sorted((j for j in used if j not in fixed), key=lambda j: (-value[j], j))
            least = left[: max(1, round(step * len(left)))]
            for j in [j for j in left if value[j] >= SURE] or least:
                fixed.add(int(j))
                self._lp.changeColBounds(int(j), 1.0, highspy.kHighsInf)
        for column in fixed:
            self._lp.changeColBounds(column, 0.0, highspy.kHighsInf)
        return served_once(self._problem, self._chosen(fixed, value))

    def _chosen(self, fixed: set[int], value: Floats) -> list[Trip]:
        """Choose trips for what the fixed ones leave, by branch and bound."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        free = np.arange(len(self._columns))
        rows, columns, data = [], [], []
        for j, column in enumerate(self._columns):
            for r, v in self._rows(column):
                rows.append(r)
                columns.append(j)
                data.append(v)
        shape = (self._n + 2 * self._ends + len(self.floors), len(free))
        matrix = sparse.csr_array((data, (rows, columns)), shape=shape)[: self._n + self._ends]
        low = np.r_[np.ones(self._n), np.full(self._ends, -np.inf)]
        high = np.r_[np.full(self._n, np.inf), np.zeros(self._ends)]
        least = np.zeros(len(free))
        least[list(fixed)] = 1.0
        cost = np.array([float(c.before == self._ends) for c in self._columns])
        found = milp(
            cost,
            integrality=np.ones(len(free), np.int8),
            bounds=Bounds(least, 1.0),
            constraints=LinearConstraint(matrix, low, high),
            options={"node_limit": NODES, "mip_rel_gap": 0.0},
        )
        x = value if found.x is None else found.x
        return [self._columns[j].calls for j in np.argsort(-x, kind="stable") if x[j] > WHOLE]


def needs_more(master: TripMaster, vehicles: int) -> bool:
    """Return whether every plan needs more vehicles; no end's trips stay limited.

    An end has k trips at most, or k + 1 at least. Where the relaxation of one side needs more
    vehicles, the other holds for every plan that has no more. Ends of which the relaxation takes a
    fraction of a trip are looked at one after another, and what holds is kept.

    Parameters
    ----------
    vehicles
        Where the answer is no, a plan may still need more.
    """
    holds = [(float(least), math.inf) for least in master.fewest]
    done: set[int] = set()
    found = master.relax() > vehicles
    while not found:
        trips = master.trips()
        part = np.abs(trips - np.rint(trips))
        part[list(done)] = 0.0
        end = int(part.argmax())
        if part[end] < _PART:
            break
        done.add(end)
        least, most = holds[end]
        k = math.floor(trips[end])
        for side, other in (((least, k), (k + 1, most)), ((k + 1, most), (least, k))):
            master.limit_trips(end, *side)
            if master.relax() > vehicles:
                holds[end] = other
                break
        master.limit_trips(end, *holds[end])
        found = master.relax() > vehicles
    for end, least in enumerate(master.fewest):
        master.limit_trips(end, least, math.inf)
    return found


def served_once(problem: ChainProblem, trips: Iterable[Trip]) -> list[Trip]:
    """Serve every call by the first trip that has it, alone where none does."""
    served: set[int] = set()
    kept = []
    for trip in trips:
        new = tuple(c for c in trip if c not in served)
        served.update(new)
        if new:
            kept.append(new)
    return kept + [(c,) for c in range(problem.n_calls) if c not in served]
