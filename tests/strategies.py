"""Hypothesis strategies: small timetables, walks, shifts and limits, full of coincidences.

Times are multiples of a step on a short axis near midnight, so that connections of the same
second, zero-duration hops, overtaking runs, loops and limits met exactly are common.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from oracle import Call, Case, Rules
from timetables import as_run, flatten_runs

from mobility.engine.journeys import Edge, EngineLimits, HomeTimes, TwoWay, travel
from mobility.timetable.arrays import INF, Timetable, footpath_rows, index_timetable
from mobility.timetable.footpaths import WalkTable

MIDNIGHT = 86_400
# Before, on and after the midnights of the axis.
EDGES = (0, MIDNIGHT, MIDNIGHT - 7, 5 * 3600, 28 * 3600 + 2400, -3600)


class Question(NamedTuple):
    """A case as the engine takes it."""

    timetable: Timetable
    egress_s: np.ndarray
    access: WalkTable
    limits: EngineLimits
    edge_s: int
    margin_s: int

    def ask(self, *, returning: bool) -> HomeTimes:
        """Return the engine's answer in one direction."""
        edge = Edge(returning, self.edge_s, self.margin_s)
        return travel(TwoWay(self.timetable), self.egress_s, edge, self.limits, self.access)


def as_question(case: Case) -> Question:
    """Turn plain data into the engine's arrays."""
    late = [headway_s(run) for run in case.runs]
    plain = flatten_runs(
        [
            as_run([(c.stop, c.arr - s, c.dep, c.board, c.alight) for c in run])
            for run, s in zip(case.runs, late, strict=True)
        ]
    )
    late_s = np.repeat(np.array(late, np.int32), np.diff(plain.run_ptr))
    feet = np.array(case.footpaths, np.int32).reshape(-1, 4)
    tt = index_timetable(
        case.n_stops,
        plain._replace(call_arr=plain.call_arr + late_s),
        footpath_rows(case.n_stops, *(np.ascontiguousarray(feet[:, k]) for k in range(4))),
    )
    egress = np.full(case.n_stops, INF, np.int32)
    for stop, walk in case.gate.items():
        egress[stop] = walk
    rules = case.rules
    limits = EngineLimits(
        max_total_s=rules.max_total,
        max_walk_s=rules.max_walk,
        max_transfers=rules.max_transfers,
        max_wait_s=rules.max_wait,
        home_walk_counts=rules.home_walk_counts,
        gate_walk_counts=rules.gate_walk_counts,
    )
    return Question(tt, egress, walk_table(case.homes), limits, case.edge, case.margin)


def headway_s(run: tuple[Call, ...]) -> int:
    """Return how much later than it leaves a run arrives at its calls: 0 but at a headway."""
    return max(0, min(c.arr - c.dep for c in run))


def walk_table(rows: tuple[dict[int, int], ...]) -> WalkTable:
    """Turn the walks of each row into a table."""
    sorted_rows = [sorted((walk, stop) for stop, walk in row.items()) for row in rows]
    flat = [pair for row in sorted_rows for pair in row]
    ptr = np.cumsum([0, *map(len, sorted_rows)])
    table = np.array(flat, np.int32).reshape(-1, 2)
    stop, walk = (np.ascontiguousarray(table[:, k]) for k in (1, 0))
    return WalkTable(ptr.astype(np.int64), stop, walk)


@st.composite
def runs(draw: st.DrawFn, n_stops: int, first: int, span: int) -> tuple[tuple[Call, ...], ...]:
    """Some runs; a few repeat the stops of an earlier one, and may overtake it."""
    made: list[tuple[Call, ...]] = []
    stop = st.integers(0, n_stops - 1)
    patterns = draw(st.lists(st.lists(stop, min_size=2, max_size=5), min_size=1, max_size=5))
    patterns.append([draw(stop)])  # a run of one call serves nobody
    hop = st.integers(0, max(2, span // 6))
    for which in draw(st.lists(st.integers(0, len(patterns) - 1), min_size=1, max_size=14)):
        stops = patterns[which]
        time = first + draw(st.integers(0, span))
        hops = draw(st.lists(hop, min_size=len(stops), max_size=len(stops)))
        # Most vehicles stop for no time and take everyone; the rest is drawn call by call.
        special = draw(st.integers(0, 3)) == 0
        loose = not special and draw(st.integers(0, 3)) == 0
        headway = draw(st.integers(1, max(2, span // 6))) if loose else 0
        calls = []
        for k, s in enumerate(stops):
            arr = time + (hops[k] if k else 0)
            time = arr + (draw(st.integers(0, 3)) if special else 0)
            board, alight = (draw(st.booleans()), draw(st.booleans())) if special else (True, True)
            calls.append(Call(s, arr + headway, time, board, alight))
        made.append(tuple(calls))
    return tuple(made)


@st.composite
def footpaths(draw: st.DrawFn, n_stops: int, span: int) -> tuple[tuple[int, int, int, int], ...]:
    """Footpaths between stops; changing at a stop is usual but may be forbidden."""
    change = draw(st.integers(0, 2))
    closed = draw(st.sets(st.integers(0, n_stops - 1), max_size=1))
    found = {(s, s): (0, change) for s in range(n_stops) if s not in closed}
    stop = st.integers(0, n_stops - 1)
    walk_s, extra_s = st.integers(0, max(1, span // 8)), st.integers(0, 3)
    for x, y, walk, extra in draw(
        st.lists(st.tuples(stop, stop, walk_s, extra_s), max_size=n_stops)
    ):
        if x != y:
            guaranteed = draw(st.integers(0, 3)) == 0
            found[x, y] = (walk, 0 if guaranteed else walk + extra)
    return tuple((x, y, *times) for (x, y), times in found.items())


@st.composite
def rules(draw: st.DrawFn, span: int, *, switches: bool = False) -> Rules:
    """Limits, wide more often than narrow."""
    wide = st.just(5 * span)
    on = st.booleans() if switches else st.just(True)
    return Rules(
        max_total=draw(st.one_of(wide, st.integers(0, 2 * span))),
        max_walk=draw(st.one_of(wide, st.integers(0, span // 3))),
        max_transfers=draw(st.integers(0, 3)),
        max_wait=draw(st.one_of(wide, st.integers(0, span // 3))),
        home_walk_counts=draw(on),
        gate_walk_counts=draw(on),
    )


@st.composite
def cases(draw: st.DrawFn, *, returning: bool = False, switches: bool = False) -> Case:
    """A whole question.

    Parameters
    ----------
    returning
        Most runs stand after the edge instead of before it.
    switches
        Also draw whether the walks at both ends count.
    """
    n_stops = draw(st.integers(2, 6))
    span = draw(st.sampled_from((12, 30, 90)))
    edge = draw(st.sampled_from(EDGES))
    walk_s = st.integers(0, max(2, span // 8))
    walks = st.dictionaries(st.integers(0, n_stops - 1), walk_s, min_size=1, max_size=2)
    first = edge - span // 6 if returning else edge - span
    return Case(
        n_stops=n_stops,
        runs=draw(runs(n_stops, first, span)),
        footpaths=draw(footpaths(n_stops, span)),
        homes=(*draw(st.lists(walks, min_size=1, max_size=4)), {}),
        gate=draw(walks),
        edge=edge,
        margin=draw(st.integers(0, 4)),
        rules=draw(rules(span, switches=switches)),
    )


def corridor(random: Random, *, returning: bool = False) -> Case:
    """A busy corridor that takes two rides or more: short runs along a row of stops.

    All follows from a seed: dozens of runs are too much to draw one number at a time.
    """
    n_stops = random.randint(4, 8)
    span = random.choice((40, 90, 200))
    edge = random.choice(EDGES)
    first = edge if returning else edge - span
    made = []
    for _ in range(random.randint(10, 40)):
        # Two or three neighbours, towards the gate on most runs; sometimes a loop.
        at = random.randrange(n_stops)
        step = random.choice((1, 1, 1, -1)) * (-1 if returning else 1)
        stops = [at + step * k for k in range(random.randint(2, 3))]
        stops = [s for s in stops if 0 <= s < n_stops]
        if random.random() < 0.2:
            stops.append(at)
        time, calls = first + random.randint(-3, span), []
        headway = random.randint(1, span // 10) if random.random() < 0.2 else 0
        for k, s in enumerate(stops):
            arr = time + (random.randint(0, span // 10) if k else 0)
            time = arr + (0 if headway else random.choice((0, 0, 0, 2)))
            calls.append(
                Call(s, arr + headway, time, random.random() < 0.95, random.random() < 0.95)
            )
        made.append(tuple(calls))
    change = random.randint(0, 2)
    feet = {(s, s): (0, change) for s in range(n_stops) if random.random() < 0.9}
    for _ in range(n_stops):
        x, walk = random.randrange(n_stops), random.randint(0, span // 12)
        y = min(n_stops - 1, max(0, x + random.choice((-1, 1))))
        if x != y:
            feet[x, y] = (walk, 0 if random.random() < 0.2 else walk + random.randint(0, 2))
    homes = [
        {random.randrange(3): random.randint(0, span // 10) for _ in range(2)} for _ in range(3)
    ]
    gate = {n_stops - 1 - random.randrange(2): random.randint(0, span // 10) for _ in range(2)}
    wide = 5 * span
    return Case(
        n_stops=n_stops,
        runs=tuple(made),
        footpaths=tuple((x, y, *times) for (x, y), times in feet.items()),
        homes=tuple(homes),
        gate=gate,
        edge=edge,
        margin=random.randint(0, 4),
        rules=Rules(
            max_total=random.choice((wide, wide, span)),
            max_walk=random.choice((wide, wide, span // 3, span // 6)),
            max_transfers=random.randint(0, 4),
            max_wait=random.choice((wide, wide, span // 3, span // 6)),
        ),
    )


def seeded(make: Callable[..., Case], **options: bool) -> st.SearchStrategy[Case]:
    """Cases made from a drawn seed."""
    return st.integers(0, 2**32 - 1).map(lambda seed: make(Random(seed), **options))
