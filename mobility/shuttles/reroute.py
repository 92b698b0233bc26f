"""A plan's stops shared out anew among runs that know their vehicle: fewer vehicles or euros.

The frontier chooses lines that serve several shift ends alike. Here the riders of each stop
and shift end are calls of one `ChainProblem`, over all sites and shifts at once; the new runs
are kept where the plan then gains no fewer rosters with no more vehicles and fewer euros.
Runs of pooled gates and feeders stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.blocks import DAY_CUT_S, DAY_S
from mobility.shuttles.chain_problem import Chain, ChainProblem, Trip
from mobility.shuttles.chained import search_chains
from mobility.shuttles.columns import ride_limits
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Day
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Anchor, Line, Run
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.scene import Scene

ROUNDS = 60
LOAD_SCALE = 100
WHOLE_MINUTE_S = 60  # lost where times are published in whole minutes
EPS = 1e-6
Orders = dict[tuple[int, ...], list[int]]


@dataclass(frozen=True)
class Call:
    """Riders of one stop of one run, and the ride they have."""

    end: int
    run: int
    place: int
    people: float
    ride_s: int


@dataclass(frozen=True, eq=False)
class End:
    """A gate at one time: what runs of the same shift ends have in common."""

    anchor: Anchor
    edges: tuple[int, ...]
    inbound: bool
    at_s: int
    when: tuple[tuple[int, ...], tuple[str, ...], int]

    @property
    def place(self) -> int:
        """The gate."""
        return self.anchor.places[0]


def rerouted(
    scene: Scene, plan: Plan, config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> Plan:
    """Return the plan with its stops shared out anew where that saves, else the plan itself."""
    mine = [r for r in plan.runs if _free(plan.lines[r.line], r)]
    stays = [x for k, x in enumerate(plan.lines) if not any(r.line == k for r in mine)]
    if len(mine) < 2:
        return plan
    ends, calls = _calls(plan, mine)
    seats = max(config.vehicles[r.vehicle].passengers for r in mine)
    lines = list(stays)
    for when in dict.fromkeys(end.when for end in ends):
        part = [c for c in calls if ends[c.end].when == when]
        problem = _problem(scene, ends, part, seats)
        if int(problem.load.max()) > problem.seats:
            return plan
        trips = _trips(part)
        chains = search_chains(problem, trips, ROUNDS * len(part), seed=0)
        lines += _lines(ends, chains, part, mine[0].vehicle)
    longest = max(max(len(x.stops_in), len(x.stops_out)) for x in lines)
    if len(lines) > config.max_lines or longest > config.max_calls:
        return plan
    told = evaluate_plan(
        scene, lines, config, factors, days, name=plan.name, bound=plan.bound,
        eur_estimate=plan.eur_estimate,
    )  # fmt: skip
    return told if _saves(told, plan) else plan


def _free(line: Line, run: Run) -> bool:
    return (
        not line.own_vehicle
        and not line.anchor.is_hub
        and len(line.anchor.places) == 1
        and (sum(run.riders) > 0)
    )


def _saves(new: Plan, old: Plan) -> bool:
    """Whether nobody loses, no vehicle is added and euros are saved."""
    return (
        new.rosters_estimate >= old.rosters_estimate - EPS
        and new.places_reached >= old.places_reached - EPS
        and new.over_seats <= old.over_seats + EPS
        and new.operations.vehicles <= old.operations.vehicles
        and new.operations.unlawful <= old.operations.unlawful
        and new.costs.total < old.costs.total - EPS
    )


def _calls(plan: Plan, runs: Sequence[Run]) -> tuple[list[End], list[Call]]:
    """Return the ends of the runs, and their calls by end, then run, in order towards the gate."""
    ends: dict[object, int] = {}
    found: list[End] = []
    calls: list[Call] = []
    for k, run in enumerate(runs):
        anchor, inbound = plan.lines[run.line].anchor, run.direction == "in"
        at = run.arrive_s[-1] if inbound else run.depart_s[0]
        day = (run.start_s - DAY_CUT_S) // DAY_S * DAY_S
        when = (run.weekdays, run.day_kinds, run.season)
        key = (anchor.places[0], run.edges, inbound, at - day, when)
        e = ends.setdefault(key, len(ends))
        if e == len(found):
            found.append(End(anchor, run.edges, inbound, at - day, when))
        own = [
            Call(e, k, place, people, at - run.depart_s[i] if inbound else run.arrive_s[i] - at)
            for i, (place, people) in enumerate(zip(run.calls, run.riders, strict=True))
            if people > 0
        ]
        calls += own if inbound else own[::-1]
    return found, sorted(calls, key=lambda c: (c.end, c.run))


def _trips(calls: Sequence[Call]) -> list[Trip]:
    """Return the runs as they are, as trips of calls."""
    trips: dict[int, list[int]] = {}
    for k, call in enumerate(calls):
        trips.setdefault(call.run, []).append(k)
    return [tuple(t) for t in trips.values()]


def _problem(scene: Scene, ends: Sequence[End], calls: Sequence[Call], seats: int) -> ChainProblem:
    """Return the calls as a problem; rides may be as long as they are, or as lines allow."""
    used = sorted({call.end for call in calls})
    nodes = [*(call.place for call in calls), *(ends[e].place for e in used)]
    limit = []
    for call in calls:
        end = ends[call.end]
        allowed = ride_limits(scene, end.anchor, np.array([call.place], np.int32), end.edges)
        limit.append(max(call.ride_s, int(allowed[0]) - WHOLE_MINUTE_S) - scene.dwell_s)
    return ChainProblem(
        drive_s=scene.drive.seconds[np.ix_(nodes, nodes)].astype(np.float64),
        end_of=np.array([used.index(call.end) for call in calls], np.int32),
        load=np.ceil([c.people * LOAD_SCALE - EPS for c in calls]).astype(np.int32),
        halt_s=np.full(len(calls), float(scene.dwell_s)),
        limit_s=np.array(limit, np.float64),
        inbound=np.array([ends[e].inbound for e in used], bool),
        at_s=np.array([ends[e].at_s for e in used], np.float64),
        busy_s=np.full(len(used), float(scene.turnaround_s)),
        seats=seats * LOAD_SCALE,
    )


def _lines(
    ends: Sequence[End], chains: Sequence[Chain], calls: Sequence[Call], vehicle: int
) -> list[Line]:
    """Return lines of the trips: those over the same stops to the same gate are one line."""
    ways: dict[tuple[int, frozenset[int]], tuple[Orders, Orders]] = {}
    anchors: dict[int, Anchor] = {}
    for trip in sorted(trip for chain in chains for trip in chain):
        end = ends[calls[trip[0]].end]
        stops = tuple(dict.fromkeys(calls[k].place for k in trip))
        anchors.setdefault(end.place, end.anchor)
        pair = ways.setdefault((end.place, frozenset(stops)), ({}, {}))
        order = stops if end.inbound else stops[::-1]
        pair[not end.inbound].setdefault(order, []).extend(end.edges)
    lines = []
    for (gate, _), pair in sorted(ways.items(), key=lambda w: (w[0][0], sorted(w[0][1]))):
        there, back = (sorted(orders.items()) for orders in pair)
        for k in range(max(len(there), len(back))):
            into, in_edges = there[k] if k < len(there) else ((), [])
            out, out_edges = back[k] if k < len(back) else ((), [])
            edges = tuple(sorted({*in_edges, *out_edges}))
            lines.append(Line(anchors[gate].name, into, out, anchors[gate], vehicle, edges))
    return lines
