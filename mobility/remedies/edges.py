"""The windows of a study: one per site, kind of day and distinct shift edge."""

from __future__ import annotations

import numpy as np

from mobility.commute.door_to_door import at_gate
from mobility.commute.feeder_modes import Carried
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import open_at
from mobility.engine.journeys import Edge, EngineLimits, deadline_of, earliest_of, relaxed
from mobility.remedies.model import DayNetwork
from mobility.remedies.modes import carried_modes
from mobility.remedies.window import Window, clip_runs, only_walks
from mobility.sources.days import ChosenDay
from mobility.streets.graph import State
from mobility.timetable.arrays import mirror_runs, take_runs
from mobility.timetable.footpaths import WalkTable


def windows(study: Study, nets: dict[str, DayNetwork]) -> tuple[Window, ...]:
    """Return one window per site, kind of day and distinct shift edge.

    Modes by which a bicycle is taken along have windows of their own.
    """
    found: dict[tuple[int, str, Edge, str], Window] = {}
    limits = engine_limits(study.territory.limits)
    walks: dict[State, WalkTable] = {}
    for mode in ("transit", *carried_modes(study)):
        for day in study.days:
            for row in study.shift_rows:
                if not study.works_on(row.shift_id, day):
                    continue
                for edge in study.edges(row.shift_id, day):
                    key = (row.site, day.kind, edge, mode)
                    if key not in found:
                        place = (len(found), row.site, mode)
                        here = open_at(study, day, edge)
                        if here.hours not in walks:
                            near = here.home_walks.walk_s <= limits.max_walk_s
                            walks[here.hours] = only_walks(here.home_walks, near)
                        known = walks[here.hours]
                        found[key] = _window(here, nets[day.kind], place, day, edge, limits, known)
    return tuple(found.values())


def _window(
    study: Study,
    network: DayNetwork,
    place: tuple[int, int, str],
    day: ChosenDay,
    edge: Edge,
    limits: EngineLimits,
    walks: WalkTable,
) -> Window:
    low, high = earliest_of(edge, limits), deadline_of(edge)
    if edge.returning:
        low, high = -high, -low
    ids = np.flatnonzero((network.start_s <= high) & (network.end_s >= low)).astype(np.int64)
    runs = clip_runs(take_runs(network.runs, ids), low, high)
    filled = np.flatnonzero(np.diff(runs.run_ptr) > 0)
    ids, runs = ids[filled], take_runs(runs, filled)
    if edge.returning:
        runs = mirror_runs(runs)
    # First calls let nobody off and last ones nobody on, as in a whole timetable.
    board, alight = runs.call_board.copy(), runs.call_alight.copy()
    board[runs.run_ptr[1:] - 1] = False
    alight[runs.run_ptr[:-1]] = False
    runs = runs._replace(call_board=board, call_alight=alight)
    gate, mode = at_gate(study, day, edge), place[2]
    way = gate.feeders.get(mode)
    if isinstance(way, Carried):
        walks = way.access[int(edge.returning)]
        limits = relaxed(limits, home_walk_counts=False, gate_walk_counts=False)
    return Window(place[0], study, place[1], day, edge, limits, ids, runs, walks, gate, mode)
