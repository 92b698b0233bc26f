"""Calls put into existing runs: a new stop on the way, a terminus taken on to a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.model import UNREACHED, Floats, Ints
from mobility.timetable.arrays import FootArrays, RunArrays, Timetable, index_timetable

NEAR_LINE_M = 250.0
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
    order = sorted(
        range(len(inserts)), key=lambda k: (inserts[k].run, inserts[k].after, inserts[k].time_s)
    )
    rows = [inserts[k] for k in order]
    at = np.array([int(ptr[r.run]) + r.after + 1 for r in rows], np.int64)
    time = np.array([r.time_s for r in rows], np.int32)
    trip = np.array([int(timetable.call_trip[ptr[r.run]]) for r in rows], np.int32)
    # The engine forbids the ends of a run; inside, both are allowed.
    board, alight = timetable.call_board.copy(), timetable.call_alight.copy()
    lengthened = {r.run for r in rows if r.after + 1 >= int(ptr[r.run + 1] - ptr[r.run])}
    started = {r.run for r in rows if r.after < 0}
    board[[int(ptr[r + 1]) - 1 for r in sorted(lengthened)]] = True
    alight[[int(ptr[r]) for r in sorted(started)]] = True
    yes = np.ones(len(rows), bool)
    added = np.bincount([r.run for r in rows], minlength=timetable.n_runs)
    runs = RunArrays(
        np.r_[0, np.cumsum(np.diff(ptr) + added)].astype(np.int64),
        np.insert(timetable.call_stop, at, np.array([r.stop for r in rows], np.int32)),
        np.insert(timetable.call_arr, at, time),
        np.insert(timetable.call_dep, at, time),
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
    timetable: Timetable, stops_xy: Floats, points_xy: Floats, *, near_m: float = NEAR_LINE_M
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
    # Both ends as one number: numbers are sorted many times quicker than pairs.
    pair = one.astype(np.int64) * timetable.n_stops + two
    legs, leg_of = np.unique(pair, return_inverse=True)
    a, b = (stops_xy[ends] for ends in np.divmod(legs, timetable.n_stops))
    way = b - a
    length2 = np.maximum((way**2).sum(axis=1), 1.0)
    inserts = []
    for k, point in enumerate(points_xy):
        share = ((point - a) * way).sum(axis=1) / length2
        off = np.hypot(*(a + share[:, None] * way - point).T)
        passing = (share > 0.1) & (share < 0.9) & (off <= near_m)
        passing &= length2 >= SHORTEST_LEG_M**2
        for c in call[passing[leg_of]]:
            run = timetable.run_of_call(int(c))
            start, end = int(timetable.call_dep[c]), int(timetable.call_arr[c + 1])
            leg = leg_of[np.searchsorted(call, c)]
            inserts.append(
                Insert(run, int(c - timetable.run_ptr[run]), timetable.n_stops + k,
                       start + round(float(share[leg]) * (end - start)))
            )  # fmt: skip
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
    inserts = []
    ptr = timetable.run_ptr
    for run in range(timetable.n_runs):
        end, start = int(ptr[run + 1]) - 1, int(ptr[run])
        there = int(drive_s[timetable.call_stop[end]])
        if there < UNREACHED:
            time = int(timetable.call_arr[end]) + there + 60
            if ((inbound_s - WINDOW_S <= time) & (time <= inbound_s)).any():
                inserts.append(Insert(run, end - start, stop, time))
        back = int(drive_s[timetable.call_stop[start]])
        if back < UNREACHED:
            time = int(timetable.call_dep[start]) - back - 60
            if ((outbound_s <= time) & (time <= outbound_s + WINDOW_S)).any():
                inserts.append(Insert(run, -1, stop, time))
    return inserts
