"""Labels of one shift edge by call, as they are and while they change.

``reach[r, c]`` is the least walking with at most ``r + 1`` rides of a passenger who boards at
call ``c`` and is at a gate in time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mobility.base.kernels import entry, inner, maker
from mobility.timetable.arrays import INF, Bool, FootArrays, Int32, Int64, RunArrays


class Limits(NamedTuple):
    """Limits of an edge, axis seconds and seconds, see `mobility.engine.scan.scan_rides`."""

    egress_counts: bool
    access_counts: bool
    earliest_s: int
    deadline_s: int
    max_walk_s: int
    max_wait_s: int
    at_s: int


class Labelled(NamedTuple):
    """A window with its labels.

    ``dep_*`` are its departures by stop and time, ``arr_*`` its calls where one may alight by
    stop and time; ``feet`` and ``into`` the footpaths from and to each stop, ``walk_*`` the
    walks of each home and ``near_*`` the homes that walk to each stop. ``floor[r, s]`` is the
    least label of a stop, ``hope[r, s]`` the least that alighting there can bring with one
    ride more than ``r``.
    """

    runs: RunArrays
    run_of: Int32
    dep_ptr: Int64
    dep_time: Int32
    dep_call: Int32
    arr_ptr: Int64
    arr_time: Int32
    arr_call: Int32
    feet: FootArrays
    into: FootArrays
    egress_s: Int32
    walk_ptr: Int64
    walk_stop: Int32
    walk_s: Int32
    near_ptr: Int64
    near_home: Int32
    near_walk_s: Int32
    leave_s: Int32
    base_s: Int32
    walked_s: Int32
    reach: Int32
    floor: Int32
    hope: Int32


class Changing(NamedTuple):
    """Labels while they change, and what is left to do.

    ``head`` and ``after`` chain the labelled departures put in, stop by stop; ``queue`` holds
    the runs to ride again with each number of rides, ``log`` the calls lowered.
    """

    run_ptr: Int64
    call_stop: Int32
    call_arr: Int32
    call_dep: Int32
    call_board: Bool
    call_alight: Bool
    reach: Int32
    floor: Int32
    hope: Int32
    off: Bool
    head: Int32
    after: Int32
    queue: Int32
    queued: Int64
    waits: Bool
    log: Int32
    logged: Int64
    n_calls: int


class Calm(NamedTuple):
    """Labels to come back to, see `Changing`."""

    reach: Int32
    floor: Int32
    hope: Int32


@entry
def floors(window: Labelled, reach: Int32, floor: Int32, hope: Int32) -> None:
    """Fill in the least label of each stop, and the least that alighting there can bring."""
    rides = reach.shape[0]
    floor[:] = INF
    hope[:] = INF
    for stop in range(floor.shape[1]):
        for place in range(window.dep_ptr[stop], window.dep_ptr[stop + 1]):
            for ride in range(rides):
                label = reach[ride, window.dep_call[place]]
                floor[ride, stop] = min(floor[ride, stop], label)
    for stop in range(floor.shape[1]):
        for foot in range(window.feet.ptr[stop], window.feet.ptr[stop + 1]):
            there, walk = window.feet.stop[foot], window.feet.walk_s[foot]
            for ride in range(rides):
                hope[ride, stop] = min(hope[ride, stop], walk + floor[ride, there])


@maker
def changing(window, put, kept, gone):
    """Return the labels of a window to be changed, its runs followed by those put in."""
    rides, n_calls = window.reach.shape[0], window.runs.call_stop.size
    n_runs, n_stops = window.runs.run_ptr.size - 1, window.floor.shape[1]
    size = n_calls
    for run in kept:
        size += put.run_ptr[run + 1] - put.run_ptr[run]
    run_ptr = np.empty(n_runs + kept.size + 1, np.int64)
    stop, arr, dep = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    board, alight = np.empty(size, np.bool_), np.empty(size, np.bool_)
    reach, off = np.full((rides, size), INF, np.int32), np.zeros(n_runs + kept.size, np.bool_)
    for run in range(n_runs + 1):
        run_ptr[run] = window.runs.run_ptr[run]
    for call in range(n_calls):
        stop[call] = window.runs.call_stop[call]
        arr[call], dep[call] = window.runs.call_arr[call], window.runs.call_dep[call]
        board[call], alight[call] = window.runs.call_board[call], window.runs.call_alight[call]
    for ride in range(rides):
        for call in range(n_calls):
            reach[ride, call] = window.reach[ride, call]
    place = n_calls
    for k in range(kept.size):
        for call in range(put.run_ptr[kept[k]], put.run_ptr[kept[k] + 1]):
            stop[place] = put.call_stop[call]
            arr[place], dep[place] = put.call_arr[call], put.call_dep[call]
            board[place], alight[place] = put.call_board[call], put.call_alight[call]
            place += 1
        board[place - 1] = False
        run_ptr[n_runs + k + 1] = place
    for run in gone:
        off[run] = True
    return Changing(
        run_ptr, stop, arr, dep, board, alight, reach, window.floor.copy(), window.hope.copy(),
        off, np.full(n_stops, -1, np.int32), np.full(size - n_calls, -1, np.int32),
        np.empty((rides, off.size), np.int32), np.zeros(rides, np.int64),
        np.zeros((rides, off.size), np.bool_), np.empty(rides * size, np.int32),
        np.zeros(1, np.int64), n_calls,
    )  # fmt: skip


@inner
def take_back(now, calm):
    """Undo all that has been lowered since the labels were calm."""
    for k in range(now.logged[0]):
        call = now.log[k]
        for ride in range(calm.reach.shape[0]):
            now.reach[ride, call] = calm.reach[ride, call]
        now.head[now.call_stop[call]] = -1
    if now.logged[0]:
        for ride in range(calm.floor.shape[0]):
            for stop in range(calm.floor.shape[1]):
                now.floor[ride, stop] = calm.floor[ride, stop]
                now.hope[ride, stop] = calm.hope[ride, stop]
    now.logged[0] = 0
