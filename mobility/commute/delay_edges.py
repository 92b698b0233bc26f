"""The journeys of every edge of a shift on days with delays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mobility.commute.access import Access
from mobility.commute.door_to_door import at_gate
from mobility.commute.examples import EdgeAnswers, answer
from mobility.commute.matrix import EdgeRows, edge_rows, home_ends
from mobility.commute.study import Study, engine_limits
from mobility.engine.delays import PlannedRide, RealRuns, ride_late, ride_of_mirror
from mobility.engine.itineraries import GATE, Itinerary
from mobility.timetable.arrays import INF, Timetable
from mobility.timetable.late import DelayDraws

Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EdgeDraws:
    """One edge of a shift on all days drawn.

    Attributes
    ----------
    edge
        Site, day, direction and time.
    journey : int32[H]
        Row of ``late_s`` and of ``journeys`` that a home rides, -1 where it rides none.
    late_s : int32[J, N]
        Seconds by which each journey is later than planned; far above a day where nothing came.
    spare_s : int32[H]
        Lateness that still is in time, or within the limits.
    on_foot : bool[H]
        Homes that walk all the way.
    missed : list of bool[rides, N]
        Whether the planned vehicle of each ride was missed.
    """

    edge: EdgeRows
    journey: Int32
    late_s: Int32
    spare_s: Int32
    on_foot: Bool
    journeys: list[Itinerary]
    missed: list[Bool]

    @cached_property
    def on_time(self) -> Bool:
        """Whether each home is in time, bool (H, N)."""
        late_s = np.vstack([self.late_s, np.full((1, self.late_s.shape[1]), INF, np.int32)])
        on_time: Bool = late_s[self.journey] <= self.spare_s[:, None]
        on_time[self.on_foot] = True
        return on_time

    @cached_property
    def misses(self) -> Bool:
        """Whether each home misses a planned connection, bool (H, N)."""
        none = np.zeros((1, self.late_s.shape[1]), bool)
        rows = [one[1:].any(axis=0, keepdims=True) for one in self.missed]
        return np.vstack([*rows, none])[self.journey]


def edge_draws(access: Access, drawn: DelayDraws) -> Iterator[EdgeDraws]:
    """Yield every edge that is ridden to, of one kind of day after the other."""
    study = access.study
    asked = [rows for rows in edge_rows(access) if rows.mode == "transit"]
    for day in study.days:
        known: dict[int, RealRuns] = {}
        for rows in asked:
            if rows.day.kind == day.kind:
                yield _edge(study, rows, drawn, known)


def _edge(study: Study, rows: EdgeRows, drawn: DelayDraws, known: dict[int, RealRuns]) -> EdgeDraws:
    found = answer(study, rows.shift_id, rows.day, rows.edge)
    two_way = at_gate(found.study, rows.day, rows.edge).timetables[rows.day.kind]
    tt = two_way.onward.timetable
    limits = engine_limits(study.territory.limits)
    runs = known.get(id(tt))
    if runs is None:
        place = study.feed.own_stop
        runs = known[id(tt)] = RealRuns(
            tt, lambda run: drawn.real_times(tt, run), place, limits.max_total_s
        )
    ridden, walked = found.times.elapsed_s, found.walked.elapsed_s
    on_foot = (walked < INF) & (walked <= ridden)
    at = np.flatnonzero((ridden < INF) & ~on_foot)
    home_s = home_ends(found)
    keys = np.stack([
        found.times.stop, ridden - home_s, found.times.rides, found.times.walk_s - home_s,
        found.dark,
    ], axis=1)  # fmt: skip
    _, first, group = np.unique(keys[at], axis=0, return_index=True, return_inverse=True)
    journeys = [found.itinerary(int(at[k])) for k in first]
    told = [one for one in journeys if one is not None]
    late = [_late(runs, found, one) for one in told]
    journey = np.full(study.n_homes, -1, np.int32)
    journey[at] = group.reshape(-1)
    spare_s = np.zeros(study.n_homes, np.int32)
    if rows.edge.returning:
        spare_s[at] = limits.max_total_s - ridden[at]
    else:
        early_s = np.array([_early_s(one) for one in told], np.int32)
        spare_s[at] = early_s[journey[at]] if told else 0
    late_s = np.array([row for row, _ in late], np.int32).reshape(-1, drawn.draws)
    return EdgeDraws(rows, journey, late_s, spare_s, on_foot, told, [m for _, m in late])


def _early_s(journey: Itinerary) -> int:
    last = journey.legs[-1]
    waits = last.kind == "wait" and last.from_stop == GATE
    return last.arrive_s - last.depart_s if waits else 0


def _late(runs: RealRuns, found: EdgeAnswers, journey: Itinerary) -> tuple[Int32, Bool]:
    """Return how much later than planned a journey ends, and which vehicles were missed."""
    tt, rides = runs.timetable, list[PlannedRide]()
    for leg in journey.legs:
        if leg.kind != "ride":
            continue
        board, alight = leg.from_call, leg.to_call
        if found.edge.returning:
            board, alight = ride_of_mirror(tt, found.scanned.timetable, board, alight)
        need_s = _need_s(tt, rides[-1].alight, board) if rides else 0
        rides.append(PlannedRide(board, alight, need_s))
    ready_s = int(tt.call_dep[rides[0].board])
    arrival_s, missed = ride_late(runs, rides, ready_s)
    return arrival_s - tt.call_arr[rides[-1].alight], missed


def _need_s(tt: Timetable, alight: int, board: int) -> int:
    stop = tt.call_stop[alight]
    feet = slice(tt.foot_ptr[stop], tt.foot_ptr[stop + 1])
    return int(tt.foot_need_s[feet][tt.foot_stop[feet] == tt.call_stop[board]].min())
