"""Calls put into existing runs: a new stop on the way, a terminus taken on to a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mobility.shuttles.model import UNREACHED, Floats, Ints
from mobility.timetable.arrays import FootArrays, RunArrays, Timetable, index_timetable

_NEAR_LINE_M = 250.0
SHORTEST_LEG_M = 400.0
WINDOW_S = 3_600


@dataclass(frozen=True)
class Insert:
    """A call put into a run, after call ``after`` of it (-1: before the first)."""

    run: int
    after: int
    stop: int
    time_s: int


def insert_calls(timetable: Timetable, inserts: Sequence[Insert], n_stops: int) -> Timetable:
    """Return a timetable with more calls and more stops; other calls keep their times.

    Parameters
    ----------
    n_stops
        Stops in all; new ones can be changed at, but have no footpath to others.
    """
    ptr = timetable.run_ptr
    asked = np.array([(i.run, i.after, i.stop, i.time_s) for i in inserts], np.int64)
    run, after, stop, time = asked.reshape(-1, 4).T
    order = np.lexsort((time, after, run))
    run, after, stop, time = (column[order] for column in (run, after, stop, time))
    at, trip = ptr[run] + after + 1, timetable.call_trip[ptr[run]]
    # The engine forbids the ends of a run; inside, both are allowed.
    board, alight = timetable.call_board.copy(), timetable.call_alight.copy()
    board[ptr[run + 1][at >= ptr[run + 1]] - 1] = True
    alight[ptr[run][after < 0]] = True
    yes = np.ones(len(run), bool)
    added = np.bincount(run, minlength=timetable.n_runs)
    runs = RunArrays(
        np.r_[0, np.cumsum(np.diff(ptr) + added)].astype(np.int64),
        np.insert(timetable.call_stop, at, stop.astype(np.int32)),
        np.insert(timetable.call_arr, at, time.astype(np.int32)),
        np.insert(timetable.call_dep, at, time.astype(np.int32)),
        np.insert(board, at, yes),
        np.insert(alight, at, yes),
        np.insert(timetable.call_trip, at, trip),
        timetable.run_day,
    )
    more = n_stops - timetable.n_stops
    last = int(timetable.foot_ptr[-1])
    feet = FootArrays(
        np.r_[timetable.foot_ptr, last + 1 + np.arange(more)].astype(np.int64),
        np.r_[timetable.foot_stop, timetable.n_stops + np.arange(more)].astype(np.int32),
        np.r_[timetable.foot_walk_s, np.zeros(more)].astype(np.int32),
        np.r_[timetable.foot_need_s, np.full(more, 60)].astype(np.int32),
    )
    return index_timetable(n_stops, runs, feet)


def stops_on_the_way(
    timetable: Timetable, stops_xy: Floats, points_xy: Floats, *, near_m: float = _NEAR_LINE_M
) -> list[Insert]:
    """Return calls at new points for the runs that pass by, at the time they pass.

    A leg between two calls passes a point when the straight line between its stops does,
    inside the leg, within ``near_m``; legs shorter than `SHORTEST_LEG_M` are left alone.
    New stops are numbered after the existing ones.
    """
    last = timetable.run_ptr[1:] - 1
    first = np.ones(timetable.n_calls, bool)
    first[last] = False
    call = np.flatnonzero(first)
    one, two = timetable.call_stop[call], timetable.call_stop[call + 1]
    # Both ends as one number: numbers are told apart many times quicker than pairs.
    leg_of, legs = pd.factorize(one.astype(np.int64) * timetable.n_stops + two)
    a, b = (stops_xy[ends] for ends in np.divmod(legs, timetable.n_stops))
    way = b - a
    length2 = np.maximum((way**2).sum(axis=1), 1.0)
    inserts = []
    for k, point in enumerate(points_xy):
        share = ((point - a) * way).sum(axis=1) / length2
        off = np.hypot(*(a + share[:, None] * way - point).T)
        passing = (share > 0.1) & (share < 0.9) & (off <= near_m)
        passing &= length2 >= SHORTEST_LEG_M**2
        if not passing.any():
            continue
        rows = np.flatnonzero(passing[leg_of])
        here = call[rows]
        runs = np.searchsorted(timetable.run_ptr, here, side="right") - 1
        start = timetable.call_dep[here].astype(np.int64)
        time_s = start + np.rint(share[leg_of[rows]] * (timetable.call_arr[here + 1] - start))
        asked = zip(runs, here - timetable.run_ptr[runs], time_s.astype(np.int64), strict=True)
        stop = timetable.n_stops + k
        inserts += [Insert(int(run), int(after), stop, int(at)) for run, after, at in asked]
    return inserts


def extended_runs(
    timetable: Timetable, drive_s: Ints, stop: int, *, inbound_s: Ints, outbound_s: Ints
) -> list[Insert]:
    """Return calls at a gate for runs that end or start near it around shift hours.

    Parameters
    ----------
    drive_s
        int32[S] seconds from each stop to the gate, `UNREACHED` where too far.
    stop
        Index of the new stop at the gate.
    inbound_s, outbound_s
        Latest arrivals wanted at the gate, and earliest departures from it.
    """
    start, end = timetable.run_ptr[:-1], timetable.run_ptr[1:] - 1
    there, back = (drive_s[timetable.call_stop[at]].astype(np.int64) for at in (end, start))
    arrive = timetable.call_arr[end] + there + 60
    leave = timetable.call_dep[start] - back - 60
    wait = inbound_s[None] - arrive[:, None], leave[:, None] - outbound_s[None]
    into, out = (((late >= 0) & (late <= WINDOW_S)).any(axis=1) for late in wait)
    into, out = into & (there < UNREACHED), out & (back < UNREACHED)
    inserts = []
    for run in np.flatnonzero(into | out).tolist():
        if into[run]:
            inserts.append(Insert(run, int(end[run] - start[run]), stop, int(arrive[run])))
        if out[run]:
            inserts.append(Insert(run, -1, stop, int(leave[run])))
    return inserts
