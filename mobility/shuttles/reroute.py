"""Runs of a plan routed anew with their vehicles in view: the same riders, fewer euros.

The stops that riders use at each shift end are the calls of a `chained.ChainProblem`: trips
know which vehicle brings them, fewest vehicles come first, then the least driving. What comes out
is timed, chained, staffed and costed like any plan; it counts only where every rider is kept and it
is cheaper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.shuttles.blocks import Trip, day_trips
from mobility.shuttles.chained import ChainProblem, out_of_reach, search_chains
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.model import UNREACHED, Anchor, Day, Line
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.scene import Scene
from mobility.shuttles.schedule import run_cover

#: Rounds of the search for each call; fewer calls than these leave nothing to choose.
ROUNDS, LEAST_CALLS = 200, 3
#: Kept between two runs beside the turnaround: slack grows with a run, sizes are apart.
SPARE_S = (0, 180)
#: Most of its time that rounding to whole minutes takes from a ride.
_ROUNDED_S = 60


@dataclass(frozen=True)
class _Call:
    end: int
    place: int
    riders: float
    limit_s: float


@dataclass(frozen=True)
class _End:
    """Runs of one shift end and gate, alike in their times at the gate."""

    edges: tuple[int, ...]
    anchor: Anchor
    gate: int
    inbound: bool
    at_s: int
    runs: tuple[int, ...]


def rerouted(
    scene: Scene, plan: Plan, config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> Plan:
    """Return a plan with its runs routed anew, or as it was where no riders can be had for less.

    Runs are searched for the seats of each size that holds the fullest stop, with and without some
    minutes to spare between two runs; the cheapest answer that keeps every rider counts, else what
    of it makes the plan cheaper, one shift end after another.
    """
    day = max(days, key=lambda d: sum(d.has(r) for r in plan.runs), default=None)
    if day is None or not plan.runs:
        return plan
    trips = {t.run: t for t in day_trips(plan.runs, day.weekday, day.kinds, day.season)}
    ends = _ends(plan, trips)
    calls = [call for k, end in enumerate(ends) for call in _calls(scene, plan, end, k)]
    if len(calls) < LEAST_CALLS:
        return plan
    fullest = max(c.riders for c in calls)
    sizes = sorted({v.passengers for v in config.vehicles if v.passengers >= fullest})
    args = config, factors, days

    def with_trips(trips: Sequence[tuple[int, ...]], chosen: Sequence[int]) -> Plan | None:
        """Return the plan with trips of some ends for its own; None where a rider is lost."""
        mine = [trip for trip in trips if calls[trip[0]].end in chosen]
        lines = _lines(plan, [ends[k] for k in chosen], ends, calls, mine)
        new = evaluate_plan(scene, lines, *args, bound=plan.bound)
        kept = (new.service.reached >= plan.service.reached).all()
        return new if kept and new.over_seats <= plan.over_seats else None

    tried: dict[bool, list[tuple[float, Plan, list[tuple[int, ...]]]]] = {False: [], True: []}
    for seats in sizes:
        for spare_s in SPARE_S:
            problem = _problem(scene, ends, calls, seats, spare_s)
            if out_of_reach(problem):
                continue
            found = _trips_now(plan, ends, calls, seats)
            for drive_only, answers in tried.items():
                chains = search_chains(
                    problem, found, ROUNDS * len(calls), seed=0, drive_only=drive_only
                )
                found = [trip for chain in chains for trip in chain]
                new = with_trips(found, range(len(ends)))
                if new is not None:
                    answers.append((new.costs.total, new, found))
    best = plan
    for answers in filter(None, tried.values()):
        eur, whole, found = min(answers, key=lambda x: x[0])
        mine, chosen = (whole, list(range(len(ends)))) if eur < plan.costs.total else (plan, [])
        for k in () if chosen else range(len(ends)):
            new = with_trips(found, [*chosen, k])
            if new is not None and new.costs.total < mine.costs.total:
                mine, chosen = new, [*chosen, k]
        if mine.costs.total < best.costs.total:
            best = mine
    return replace(best, name=plan.name, eur_estimate=plan.eur_estimate)


def _ends(plan: Plan, trips: dict[int, Trip]) -> list[_End]:
    """Return the shift ends of a day that runs with one gate serve, earliest first."""
    groups: dict[tuple[tuple[int, ...], int, int], list[int]] = {}
    for k, trip in sorted(trips.items()):
        run = plan.runs[k]
        line = plan.lines[run.line]
        side = line.stops_in if run.direction == "in" else line.stops_out
        if line.own_vehicle or line.anchor.is_hub or len(run.calls) != len(side) + 1:
            continue
        inbound = run.direction == "in"
        at = trip.end_s if inbound else trip.start_s
        gate = trip.destination if inbound else trip.origin
        groups.setdefault((run.edges, gate, at), []).append(k)
    ends = []
    for (edges, gate, at), runs in groups.items():
        run = plan.runs[runs[0]]
        anchor = plan.lines[run.line].anchor
        ends.append(_End(edges, anchor, gate, run.direction == "in", at, tuple(runs)))
    return sorted(ends, key=lambda e: (e.at_s, e.edges))


def _calls(scene: Scene, plan: Plan, end: _End, number: int) -> list[_Call]:
    """Return the stops that riders of a shift end use, with the longest ride they accept."""
    riders: dict[int, float] = {}
    limit: dict[int, float] = {}
    walks: dict[int, float] = {}
    for k in end.runs:
        run = plan.runs[k]
        for place, count in zip(run.calls, run.riders, strict=True):
            if count > 1e-9 and place != end.gate:
                riders[place] = riders.get(place, 0.0) + float(count)
        for e in end.edges:
            total, call = run_cover(scene, plan.lines[run.line], run, e)
            row = scene.edge_shift[e]
            on = (total < UNREACHED) & scene.needs[e] & plan.service.reached[row]
            for c in np.unique(call[on & (call >= 0)]):
                place = run.calls[c]
                mine = on & (call == c)
                ride = (
                    run.arrive_s[-1] - run.depart_s[c]
                    if end.inbound
                    else run.arrive_s[c] - run.depart_s[0]
                )
                spare = scene.limits.max_total_s - float(total[mine].max())
                walks[place] = min(walks.get(place, np.inf), ride + spare)
    for place in riders:
        a, b = (place, end.gate) if end.inbound else (end.gate, place)
        longest = float(scene.limits.longest_ride(scene.drive.seconds[[a], [b]])[0])
        limit[place] = min(longest, walks.get(place, longest)) - _ROUNDED_S
    return [_Call(number, p, n, limit[p]) for p, n in sorted(riders.items())]


def _problem(
    scene: Scene, ends: Sequence[_End], calls: Sequence[_Call], seats: int, spare_s: int
) -> ChainProblem:
    nodes = np.array([c.place for c in calls] + [e.gate for e in ends])
    drive = scene.drive.seconds[np.ix_(nodes, nodes)].astype(np.float64)
    drive[nodes[:, None] == nodes] = 0.0
    n = len(calls)
    direct = [
        drive[k, n + c.end] if ends[c.end].inbound else drive[n + c.end, k]
        for k, c in enumerate(calls)
    ]
    return ChainProblem(
        drive_s=drive,
        end_of=np.array([c.end for c in calls], np.int32),
        # Riders are shares of persons: a seat is a thousandth here.
        load=np.array([int(np.ceil(c.riders * 1000)) for c in calls], np.int32),
        halt_s=np.full(n, float(scene.dwell_s)),
        limit_s=np.maximum([c.limit_s for c in calls], direct),
        inbound=np.array([e.inbound for e in ends], bool),
        at_s=np.array([float(e.at_s) for e in ends]),
        busy_s=np.full(len(ends), float(scene.turnaround_s + spare_s)),
        seats=seats * 1000,
    )


def _trips_now(
    plan: Plan, ends: Sequence[_End], calls: Sequence[_Call], seats: int
) -> list[tuple[int, ...]]:
    """Return the trips of the plan, farthest call first, cut where seats are fewer than riders.

    A call of several runs is in the first.
    """
    at = {(c.end, c.place): k for k, c in enumerate(calls)}
    taken: set[int] = set()
    trips = []
    for number, end in enumerate(ends):
        for k in end.runs:
            places = plan.runs[k].calls if end.inbound else plan.runs[k].calls[::-1]
            mine = [at[number, p] for p in places if (number, p) in at]
            mine = [c for c in dict.fromkeys(mine) if c not in taken]
            taken |= set(mine)
            trip: list[int] = []
            for c in mine:
                if trip and sum(calls[x].riders for x in [*trip, c]) > seats - len(mine) / 1000:
                    trips.append(tuple(trip))
                    trip = []
                trip.append(c)
            if trip:
                trips.append(tuple(trip))
    return trips


def _lines(
    plan: Plan,
    anew: Sequence[_End],
    ends: Sequence[_End],
    calls: Sequence[_Call],
    trips: Sequence[tuple[int, ...]],
) -> list[Line]:
    """Return the lines of trips, those alike as one, beside the runs that are kept as they are."""
    gone: dict[int, set[int]] = {}
    for end in anew:
        for k in end.runs:
            gone.setdefault(plan.runs[k].line, set()).update(end.edges)
    kept = [
        replace(line, edges=tuple(e for e in line.edges if e not in gone.get(k, set())))
        for k, line in enumerate(plan.lines)
    ]
    made: dict[tuple[int, tuple[int, ...]], Line] = {}
    for trip in trips:
        end = ends[calls[trip[0]].end]
        way = tuple(calls[c].place for c in trip)
        key = (id(end.anchor), way)
        line = made.get(key) or Line("", way, way[::-1], end.anchor, 0)
        made[key] = replace(line, edges=tuple(sorted({*line.edges, *end.edges})))
    new = sorted(made.values(), key=lambda x: (x.edges, x.stops_in))
    named = [replace(x, name=_name(plan, x, k)) for k, x in enumerate(new)]
    return [line for line in kept if line.edges] + named


def _name(plan: Plan, line: Line, number: int) -> str:
    """Return the name of the old line that shares most stops, numbered."""
    near = max(plan.lines, key=lambda x: len({*x.stops_in, *x.stops_out} & set(line.stops_in)))
    return f"{near.name}/{number + 1}"
