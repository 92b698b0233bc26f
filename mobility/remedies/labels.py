"""Labels of one shift edge by call, as they are and while they change.

``reach[r, c]`` is the least walking with at most ``r + 1`` rides of a passenger who boards at
call ``c`` and is at a gate in time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mobility.base.kernels import entry, inner, maker
from mobility.remedies.newcomers import Newcomers
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
    ride more than ``r``. Whoever alights at a stop before ``since_s`` or after ``until_s`` is at no
    gate in time. ``newcomers`` tells how those come who do not hold the edge.
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
    since_s: Int32
    until_s: Int32
    newcomers: Newcomers


class Changing(NamedTuple):
    """Labels while they change, and what is left to do.

    ``head`` and ``after`` chain the labelled departures put in, stop by stop; ``queue`` holds
    the runs to ride again with each number of rides, ``log`` the calls lowered, by rides; each
    call that ``is_logged`` with so many.
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
    is_logged: Bool
    n_calls: int


class Room(NamedTuple):
    """What trials of a window write on: all of it stands as in the window between two families.

    ``calm`` are the labels without the runs taken out, ``calm_s`` the times of leaving home then;
    ``leave_s`` those with the runs of a member, ``found_s`` and ``never_s`` are far in the past.
    """

    calm: Int32
    calm_s: Int32
    leave_s: Int32
    found_s: Int32
    never_s: Int32
    sooner: Int32
    later: Int32
    seen: Bool


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


@entry
def useful_times(window: Labelled, limits: Limits) -> None:
    """Fill in from when, and until when, whoever alights at each stop can still be at a gate."""
    feet, before = window.feet, window.reach.shape[0] - 2
    for stop in range(window.since_s.size):
        walk = window.egress_s[stop]
        since_s, until_s = INF, -INF
        if walk < INF:
            until_s = limits.deadline_s - walk
            since_s = until_s - limits.max_wait_s
        for foot in range(feet.ptr[stop], feet.ptr[stop + 1] if before >= 0 else feet.ptr[stop]):
            walk, there = feet.walk_s[foot], feet.stop[foot]
            for place in range(window.dep_ptr[there], window.dep_ptr[there + 1]):
                if walk + window.reach[before, window.dep_call[place]] <= limits.max_walk_s:
                    leaves_s = window.dep_time[place]
                    until_s = max(until_s, leaves_s - feet.need_s[foot])
                    since_s = min(since_s, leaves_s - walk - limits.max_wait_s)
        window.since_s[stop], window.until_s[stop] = since_s, until_s


@maker
def changing(window, n_runs, n_calls):
    """Return the labels of a window to be changed, with room after its own for runs put in."""
    rides, own_calls = window.reach.shape[0], window.runs.call_stop.size
    own_runs, n_stops = window.runs.run_ptr.size - 1, window.floor.shape[1]
    runs, size = own_runs + n_runs, own_calls + n_calls
    run_ptr = np.empty(runs + 1, np.int64)
    stop, arr, dep = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    board, alight = np.empty(size, np.bool_), np.empty(size, np.bool_)
    run_ptr[: own_runs + 1] = window.runs.run_ptr
    stop[:own_calls] = window.runs.call_stop
    arr[:own_calls], dep[:own_calls] = window.runs.call_arr, window.runs.call_dep
    board[:own_calls], alight[:own_calls] = window.runs.call_board, window.runs.call_alight
    reach = np.full((rides, size), INF, np.int32)
    reach[:, :own_calls] = window.reach
    return Changing(
        run_ptr, stop, arr, dep, board, alight, reach, window.floor.copy(), window.hope.copy(),
        np.zeros(runs, np.bool_), np.full(n_stops, -1, np.int32), np.full(n_calls, -1, np.int32),
        np.empty((rides, runs), np.int32), np.zeros(rides, np.int64),
        np.zeros((rides, runs), np.bool_), np.empty(rides * size, np.int32),
        np.zeros(1, np.int64), np.zeros((rides, size), np.bool_), own_calls,
    )  # fmt: skip


@maker
def room_for(window, n_calls):
    """Return what trials of a window write on, see `Room`."""
    n_homes, own_calls = window.leave_s.size, window.reach.shape[1]
    calm = np.full((window.reach.shape[0], own_calls + n_calls), INF, np.int32)
    calm[:, :own_calls] = window.reach
    never_s = np.full(n_homes, -INF, np.int32)
    return Room(
        calm,
        window.leave_s.copy(),
        window.leave_s.copy(),
        never_s.copy(),
        never_s,
        np.empty(n_homes, np.int32),
        np.empty(n_homes, np.int32),
        np.zeros(window.floor.shape[1], np.bool_),
    )


@inner
def begin(window, now, put, kept, gone):
    """Put some runs after those of the window, and switch others off."""
    own_runs, place = window.runs.run_ptr.size - 1, now.n_calls
    for k in range(kept.size):
        for call in range(put.run_ptr[kept[k]], put.run_ptr[kept[k] + 1]):
            now.call_stop[place] = put.call_stop[call]
            now.call_arr[place], now.call_dep[place] = put.call_arr[call], put.call_dep[call]
            now.call_board[place], now.call_alight[place] = (
                put.call_board[call],
                put.call_alight[call],
            )
            place += 1
        now.call_board[place - 1] = False
        now.run_ptr[own_runs + k + 1] = place
    for run in gone:
        now.off[run] = True


@inner
def end(window, now, room, gone, forgotten, fewer):
    """Let all stand again as in the window, once nothing is lowered any more."""
    for run in gone:
        now.off[run] = False
    for call in forgotten:
        for ride in range(window.reach.shape[0]):
            now.reach[ride, call] = room.calm[ride, call] = window.reach[ride, call]
    for k in range(fewer):
        home = room.sooner[k]
        room.calm_s[home] = room.leave_s[home] = window.leave_s[home]


@inner
def take_back(window, now, calm):
    """Undo all that has been lowered since the labels were calm.

    Alighting brings more than before near stops alone whose least label is lower.
    """
    for k in range(now.logged[0]):
        call = now.log[k]
        stop = now.call_stop[call]
        now.head[stop] = -1
        for ride in range(calm.shape[0]):
            now.is_logged[ride, call] = False
            now.reach[ride, call] = calm[ride, call]
            if now.floor[ride, stop] == window.floor[ride, stop]:
                continue
            now.floor[ride, stop] = window.floor[ride, stop]
            for foot in range(window.into.ptr[stop], window.into.ptr[stop + 1]):
                other = window.into.stop[foot]
                now.hope[ride, other] = window.hope[ride, other]
    now.logged[0] = 0
