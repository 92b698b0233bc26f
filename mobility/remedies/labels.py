"""Labels of one shift edge by call, as they are and while they change; and who may gain it.

``reach[r, c]`` is the least walking with at most ``r + 1`` rides of a passenger who boards at
call ``c`` and is at a gate in time.

Whoever gains the edge rides what there is already to the first run put in, and from the last one
on. So the least walking with which a home that does not hold the edge comes to a run, with so
many rides, and the labels together rule most runs out, for less than trying costs: `may_gain`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from mobility.base.arrays import Bool, Int32, Int64
from mobility.base.kernels import entry, inner, maker
from mobility.engine.scan import lower_bound
from mobility.remedies.relabel import alighting
from mobility.timetable.arrays import INF, FootArrays, RunArrays


class Limits(NamedTuple):
    """Limits of an edge, axis seconds and seconds, see `mobility.engine.scan.scan_rides`."""

    egress_counts: bool
    access_counts: bool
    earliest_s: int
    deadline_s: int
    max_walk_s: int
    max_wait_s: int
    at_s: int


class Newcomers(NamedTuple):
    """How homes that do not hold an edge come to its runs, whatever follows.

    ``walk_s`` is the least walk from one of them to each stop, ``come[r, c]`` the least walking
    that counts of one who alights at call ``c`` after at most ``r + 1`` rides, ``floor[r, s]`` the
    least of a stop; ``lead[r, s]`` the least, at any time, of who may board there after at most
    ``r`` rides.
    """

    walk_s: Int32
    come: Int32
    floor: Int32
    lead: Int32


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


@njit(inline="always")
def _boarding(  # noqa: PLR0913
    into_ptr, into_stop, into_walk_s, into_need_s, arr_ptr, arr_time, arr_call, max_wait_s,
    access_counts, earliest_s, walk_s, come, floor, lead,
    ride, stop, leaves_s, least,
):  # fmt: skip
    """Return the least walking of who may board after at most so many rides, if below ``least``."""
    walk = walk_s[stop]
    if walk < INF and leaves_s - walk >= earliest_s:
        least = min(least, walk if access_counts else 0)
    if ride > 0 and lead[ride, stop] < least:
        for foot in range(into_ptr[stop], into_ptr[stop + 1]):
            walk, other = into_walk_s[foot], into_stop[foot]
            if walk >= least:
                break
            bound = walk + floor[ride - 1, other]
            if bound >= least:
                continue
            high, latest = arr_ptr[other + 1], leaves_s - into_need_s[foot]
            place = lower_bound(arr_time, arr_ptr[other], high, leaves_s - walk - max_wait_s)
            while least > bound and place < high and arr_time[place] <= latest:
                least = min(least, walk + come[ride - 1, arr_call[place]])
                place += 1
    return least


@inner
def _near(window, walk_s):
    """Fill in the least walk to each stop from a home that does not hold an edge."""
    walk_s[:] = INF
    for home in range(window.base_s.size):
        if window.base_s[home] == INF:
            for row in range(window.walk_ptr[home], window.walk_ptr[home + 1]):
                stop = window.walk_stop[row]
                walk_s[stop] = min(walk_s[stop], window.walk_s[row])


@entry
def fill_newcomers(window: Labelled, limits: Limits, people: Newcomers) -> None:
    """Fill in how the homes that do not hold an edge come to its runs, see `Newcomers`."""
    walk_s, come, floor, lead = people.walk_s, people.come, people.floor, people.lead
    into_ptr, into_stop = window.into.ptr, window.into.stop
    into_walk_s, into_need_s = window.into.walk_s, window.into.need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    call_stop, call_dep = window.runs.call_stop, window.runs.call_dep
    call_board, call_alight = window.runs.call_board, window.runs.call_alight
    run_ptr = window.runs.run_ptr
    max_wait_s, earliest_s = limits.max_wait_s, limits.earliest_s
    access_counts = limits.access_counts
    ceiling = min(limits.max_walk_s + 1, INF)
    _near(window, walk_s)
    come[:] = INF
    floor[:] = INF
    lead[:] = INF
    for ride in range(lead.shape[0]):
        for stop in range(walk_s.size):
            if walk_s[stop] < INF:
                lead[ride, stop] = walk_s[stop] if access_counts else 0
            if ride > 0:
                for foot in range(into_ptr[stop], into_ptr[stop + 1]):
                    needed = into_walk_s[foot] + floor[ride - 1, into_stop[foot]]
                    lead[ride, stop] = min(lead[ride, stop], needed)
        if ride == come.shape[0]:
            break
        for run in range(run_ptr.size - 1):
            aboard = ceiling
            for call in range(run_ptr[run], run_ptr[run + 1]):
                stop = call_stop[call]
                if call_alight[call] and aboard < ceiling:
                    come[ride, call] = aboard
                    floor[ride, stop] = min(floor[ride, stop], aboard)
                if call_board[call] and lead[ride, stop] < aboard:
                    aboard = _boarding(
                        into_ptr, into_stop, into_walk_s, into_need_s, arr_ptr, arr_time, arr_call,
                        max_wait_s, access_counts, earliest_s, walk_s, come, floor, lead,
                        ride, stop, call_dep[call], aboard,
                    )  # fmt: skip


@maker
def may_gain(window, limits, now, put, owner, kept, members):  # noqa: C901
    """Tell by which members someone who does not hold the edge may, bool[members].

    ``kept`` are their runs that matter. Runs that are taken out are still ridden here, so that
    the answer is yes for all who gain, and for few others.
    """
    people = window.newcomers
    walk_s, come, floor_in, lead = people.walk_s, people.come, people.floor, people.lead
    into_ptr, into_stop = window.into.ptr, window.into.stop
    into_walk_s, into_need_s = window.into.walk_s, window.into.need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    foot_ptr, foot_stop = window.feet.ptr, window.feet.stop
    foot_walk_s, foot_need_s = window.feet.walk_s, window.feet.need_s
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    egress_s, reach, floor, hope = window.egress_s, window.reach, window.floor, window.hope
    since_s, until_s = window.since_s, window.until_s
    deadline_s, earliest_s = limits.deadline_s, limits.earliest_s
    max_walk_s, max_wait_s = limits.max_walk_s, limits.max_wait_s
    egress_counts, access_counts = limits.egress_counts, limits.access_counts
    ceiling, rides = min(max_walk_s + 1, INF), reach.shape[0]
    n_members = members[1] - members[0]
    found, n_runs = np.zeros(n_members, np.bool_), np.zeros(n_members, np.int64)
    # Least walking to some run of a member, and from some run of it, by rides before and after.
    before = np.full((n_members, rides), ceiling, np.int32)
    after = np.full((n_members, rides), ceiling, np.int32)
    aboard = np.empty(rides, np.int32)
    for k in range(kept.size):
        run, member = kept[k], owner[kept[k]] - members[0]
        n_runs[member] += 1
        if found[member]:
            continue
        aboard[:] = ceiling
        begin, last = put.run_ptr[run], put.run_ptr[run + 1] - 1
        for call in range(last, begin - 1, -1):
            stop, leaves_s = put.call_stop[call], put.call_dep[call]
            if leaves_s < earliest_s:
                break
            if put.call_board[call] and call < last:
                for ride in range(rides):
                    before[member, ride] = min(before[member, ride], lead[ride, stop])
                    left = ceiling - aboard[rides - 1 - ride]
                    if lead[ride, stop] < left and not found[member]:
                        needed = _boarding(
                            into_ptr, into_stop, into_walk_s, into_need_s,
                            arr_ptr, arr_time, arr_call, max_wait_s, access_counts, earliest_s,
                            walk_s, come, floor_in, lead, ride, stop, leaves_s, left,
                        )  # fmt: skip
                        found[member] = needed < left
                if found[member]:
                    break
            arrival = put.call_arr[call]
            if put.call_alight[call] and since_s[stop] <= arrival <= until_s[stop]:
                for ride in range(rides):
                    aboard[ride] = alighting(
                        foot_ptr, foot_stop, foot_walk_s, foot_need_s, dep_ptr, dep_time, dep_call,
                        egress_s, deadline_s, max_wait_s, egress_counts,
                        reach, floor, hope, now.head, now.after, put.call_dep, 0,
                        ride, stop, arrival, aboard[ride],
                    )  # fmt: skip
        for ride in range(rides):
            after[member, ride] = min(after[member, ride], aboard[ride])
    for member in range(n_members):
        if n_runs[member] > 1 and not found[member]:
            # From one run of it to another: two rides at least.
            for ride in range(rides - 1):
                needed = before[member, ride] + after[member, rides - 2 - ride]
                found[member] |= needed <= max_walk_s
    return found


def newcomers_of(rides: int, n_calls: int, n_stops: int) -> Newcomers:
    """Return room for what `fill_newcomers` fills in."""
    shapes = (n_stops,), (rides - 1, n_calls), (rides - 1, n_stops), (rides, n_stops)
    return Newcomers(*(np.empty(shape, np.int32) for shape in shapes))
