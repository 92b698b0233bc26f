"""Labels of one shift edge, repaired where runs are taken out of it or put into it.

A scan labels every departure of a window (`mobility.engine.scan`); a lever touches few of
them. So the labels that need a run taken out are forgotten and found again, and those that a
run put in can lower are lowered, number of rides by number of rides; everything else stays.
The answers are those of a scan of the whole changed window.

Labels are kept by call here: ``reach[r, c]`` is the least walking with at most ``r + 1``
rides of a passenger who boards at call ``c``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from mobility.engine.scan import lower_bound
from mobility.timetable.arrays import INF, Bool, Int32, Int64


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
    stop and time; ``foot_*`` and ``into_*`` the footpaths from and to each stop, ``walk_*`` the
    walks of each home and ``near_*`` the homes that walk to each stop. ``floor[r, s]`` is the
    least label of a stop, ``hope[r, s]`` the least that alighting there can bring with one
    ride more than ``r``.
    """

    run_ptr: Int64
    call_stop: Int32
    call_arr: Int32
    call_dep: Int32
    call_board: Bool
    call_alight: Bool
    run_of: Int32
    dep_ptr: Int64
    dep_time: Int32
    dep_call: Int32
    arr_ptr: Int64
    arr_time: Int32
    arr_call: Int32
    foot_ptr: Int64
    foot_stop: Int32
    foot_walk_s: Int32
    foot_need_s: Int32
    into_ptr: Int64
    into_stop: Int32
    into_walk_s: Int32
    into_need_s: Int32
    egress_s: Int32
    walk_ptr: Int64
    walk_stop: Int32
    walk_s: Int32
    near_ptr: Int64
    near_home: Int32
    base_s: Int32
    walked_s: Int32
    reach: Int32
    floor: Int32
    hope: Int32


class PutIn(NamedTuple):
    """Runs of the members of a family, on the axis of the window, and whose they are."""

    run_ptr: Int64
    call_stop: Int32
    call_arr: Int32
    call_dep: Int32
    call_board: Bool
    call_alight: Bool
    member: Int32


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


@njit(cache=True, nogil=True)
def floors(window, reach, floor, hope):  # type: ignore[no-untyped-def]
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
        for foot in range(window.foot_ptr[stop], window.foot_ptr[stop + 1]):
            there, walk = window.foot_stop[foot], window.foot_walk_s[foot]
            for ride in range(rides):
                hope[ride, stop] = min(hope[ride, stop], walk + floor[ride, there])


@njit(cache=True, nogil=True)
def _enqueue(now, ride, run):  # type: ignore[no-untyped-def]
    if not now.waits[ride, run]:
        now.waits[ride, run] = True
        now.queue[ride, now.queued[ride]] = run
        now.queued[ride] += 1


@njit(cache=True, nogil=True)
def _lower(now, ride, call, label):  # type: ignore[no-untyped-def]
    rides, stop = now.reach.shape[0], now.call_stop[call]
    if call >= now.n_calls and now.reach[rides - 1, call] == INF:
        now.after[call - now.n_calls] = now.head[stop]
        now.head[stop] = call
    for later in range(ride, rides):
        now.reach[later, call] = min(now.reach[later, call], label)
        now.floor[later, stop] = min(now.floor[later, stop], label)
    now.log[now.logged[0]] = call
    now.logged[0] += 1


@njit(cache=True, nogil=True)
def _changes(window, limits, now, ride, call, aboard):  # type: ignore[no-untyped-def]
    """Return the least walking of who alights at a call and rides on ``ride`` times at most."""
    stop, arrival = now.call_stop[call], now.call_arr[call]
    for foot in range(window.foot_ptr[stop], window.foot_ptr[stop + 1]):
        walk = window.foot_walk_s[foot]
        if walk >= aboard:
            break
        there = window.foot_stop[foot]
        if walk + now.floor[ride - 1, there] >= aboard:
            continue
        soonest = arrival + window.foot_need_s[foot]
        latest = arrival + walk + limits.max_wait_s
        high = window.dep_ptr[there + 1]
        place = lower_bound(window.dep_time, window.dep_ptr[there], high, soonest)
        while place < high and window.dep_time[place] <= latest:
            aboard = min(aboard, walk + now.reach[ride - 1, window.dep_call[place]])
            place += 1
        other = now.head[there]
        while other >= 0:
            if soonest <= now.call_dep[other] <= latest:
                aboard = min(aboard, walk + now.reach[ride - 1, other])
            other = now.after[other - now.n_calls]
    return aboard


@njit(cache=True, nogil=True)
def _ride(window, limits, now, ride, run):  # type: ignore[no-untyped-def]
    """Lower the labels of one run with one number of rides."""
    ceiling = min(limits.max_walk_s + 1, INF)
    begin, aboard = now.run_ptr[run], ceiling
    call = now.run_ptr[run + 1] - 1
    while call >= begin and now.call_dep[call] >= limits.earliest_s:
        if aboard < ceiling and aboard < now.reach[ride, call] and now.call_board[call]:
            _lower(now, ride, call, aboard)
        if now.call_alight[call] and now.call_arr[call] <= limits.deadline_s:
            stop = now.call_stop[call]
            if ride == 0:
                walk = window.egress_s[stop]
                spare = limits.deadline_s - walk - now.call_arr[call]
                if 0 <= spare <= limits.max_wait_s:
                    aboard = min(aboard, walk if limits.egress_counts else 0)
            elif now.hope[ride - 1, stop] < aboard:
                aboard = _changes(window, limits, now, ride, call, aboard)
        call -= 1


@njit(cache=True, nogil=True)
def _spread(window, limits, now, ride, begin):  # type: ignore[no-untyped-def]
    """Queue the runs from which one can change to the departures lowered since ``begin``."""
    rides = now.reach.shape[0]
    for k in range(begin, now.logged[0]):
        call = now.log[k]
        stop, leaves_s = now.call_stop[call], now.call_dep[call]
        label = now.reach[ride, call]
        for foot in range(window.into_ptr[stop], window.into_ptr[stop + 1]):
            walk = window.into_walk_s[foot]
            if walk + label > limits.max_walk_s:
                break
            other = window.into_stop[foot]
            for later in range(ride, rides):
                now.hope[later, other] = min(now.hope[later, other], walk + label)
            high = window.arr_ptr[other + 1]
            soonest = leaves_s - walk - limits.max_wait_s
            latest = leaves_s - window.into_need_s[foot]
            place = lower_bound(window.arr_time, window.arr_ptr[other], high, soonest)
            while place < high and window.arr_time[place] <= latest:
                at = window.arr_call[place]
                run = window.run_of[at]
                # Who boards at the call before, or sooner, may do as well already.
                sooner = at > window.run_ptr[run] and now.reach[ride + 1, at - 1] <= walk + label
                if not now.off[run] and not sooner:
                    _enqueue(now, ride + 1, run)
                place += 1


@njit(cache=True, nogil=True)
def _settle(window, limits, now):  # type: ignore[no-untyped-def]
    """Ride the queued runs, and all that this makes better."""
    rides = now.reach.shape[0]
    for ride in range(rides):
        begin = now.logged[0]
        for k in range(now.queued[ride]):
            run = now.queue[ride, k]
            now.waits[ride, run] = False
            _ride(window, limits, now, ride, run)
        now.queued[ride] = 0
        if ride + 1 < rides:
            _spread(window, limits, now, ride, begin)


@njit(cache=True, nogil=True)
def _forget(window, limits, now):  # type: ignore[no-untyped-def]
    """Forget the labels that may need a run taken out and queue their runs; return the calls.

    A label is forgotten if some way to it, as short as the label, leads over a forgotten one.
    """
    reach, rides = window.reach, window.reach.shape[0]
    gone = np.zeros(reach.shape, np.bool_)
    calls = np.empty(reach.size, np.int32)
    part = np.zeros(rides + 1, np.int64)
    count = 0
    for ride in range(rides):
        for run in range(window.run_ptr.size - 1):
            if now.off[run]:
                for call in range(window.run_ptr[run], window.run_ptr[run + 1]):
                    if reach[ride, call] < (reach[ride - 1, call] if ride else INF):
                        calls[count] = call
                        count += 1
        part[ride + 1] = count
        if ride + 1 == rides:
            break
        for k in range(part[ride], part[ride + 1]):
            call = calls[k]
            stop, leaves_s, label = window.call_stop[call], window.call_dep[call], reach[ride, call]
            for foot in range(window.into_ptr[stop], window.into_ptr[stop + 1]):
                needed = window.into_walk_s[foot] + label
                if needed > limits.max_walk_s:
                    break
                other = window.into_stop[foot]
                high = window.arr_ptr[other + 1]
                soonest = leaves_s - window.into_walk_s[foot] - limits.max_wait_s
                latest = leaves_s - window.into_need_s[foot]
                place = lower_bound(window.arr_time, window.arr_ptr[other], high, soonest)
                while place < high and window.arr_time[place] <= latest:
                    at = window.arr_call[place]
                    run = window.run_of[at]
                    at -= 1
                    while not now.off[run] and at >= window.run_ptr[run]:
                        found = reach[ride + 1, at]
                        if found < needed:
                            break
                        if found == needed < reach[ride, at] and not gone[ride + 1, at]:
                            gone[ride + 1, at] = True
                            calls[count] = at
                            count += 1
                        at -= 1
                    place += 1
    for ride in range(rides):
        for k in range(part[ride], part[ride + 1]):
            call = calls[k]
            less = now.reach[ride - 1, call] if ride else INF
            for later in range(ride, rides):
                if reach[later, call] == reach[ride, call]:
                    now.reach[later, call] = less
            run = window.run_of[call]
            if not now.off[run]:
                # What is lost with few rides may come back with more.
                for later in range(ride, rides):
                    _enqueue(now, later, run)
    return calls[:count]


@njit(cache=True, nogil=True)
def _elapsed(window, limits, now, home):  # type: ignore[no-untyped-def]
    """Return the elapsed seconds of a home, walking all the way included."""
    last, best = now.reach.shape[0] - 1, limits.earliest_s - 1
    for row in range(window.walk_ptr[home], window.walk_ptr[home + 1]):
        walk, stop = window.walk_s[row], window.walk_stop[row]
        if limits.access_counts and walk > limits.max_walk_s:
            break
        budget = limits.max_walk_s - walk if limits.access_counts else limits.max_walk_s
        if now.floor[last, stop] > budget:
            continue
        for place in range(window.dep_ptr[stop + 1] - 1, window.dep_ptr[stop] - 1, -1):
            if window.dep_time[place] - walk <= best:
                break
            if now.reach[last, window.dep_call[place]] <= budget:
                best = window.dep_time[place] - walk
                break
        other = now.head[stop]
        while other >= 0:
            if now.call_dep[other] - walk > best and now.reach[last, other] <= budget:
                best = now.call_dep[other] - walk
            other = now.after[other - now.n_calls]
    ridden = limits.at_s - best if best >= limits.earliest_s else INF
    return min(ridden, window.walked_s[home])


@njit(cache=True, nogil=True)
def _near(window, now, calls, homes, stops_seen, homes_seen):  # type: ignore[no-untyped-def]
    """Add to a list the homes that walk to the stops of some calls; ``homes[0]`` counts them."""
    count = homes[0]
    for call in calls:
        stop = now.call_stop[call]
        if stops_seen[stop]:
            continue
        stops_seen[stop] = True
        for row in range(window.near_ptr[stop], window.near_ptr[stop + 1]):
            home = window.near_home[row]
            if not homes_seen[home]:
                homes_seen[home] = True
                count += 1
                homes[count] = home
    homes[0] = count


@njit(cache=True, nogil=True)
def _changing(window, limits, put, gone):  # type: ignore[no-untyped-def]
    """Return the labels of a window to be changed, its runs followed by those put in in time."""
    rides, n_calls = window.reach.shape[0], window.call_stop.size
    n_runs = window.run_ptr.size - 1
    kept = np.empty(put.member.size, np.int64)
    count, size = 0, n_calls
    for run in range(put.member.size):
        begin, end = put.run_ptr[run], put.run_ptr[run + 1]
        if put.call_dep[begin] <= limits.deadline_s and put.call_arr[end - 1] >= limits.earliest_s:
            kept[count] = run
            count += 1
            size += end - begin
    run_ptr = np.empty(n_runs + count + 1, np.int64)
    run_ptr[: n_runs + 1] = window.run_ptr
    stop, arr, dep = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    board, alight = np.empty(size, np.bool_), np.empty(size, np.bool_)
    stop[:n_calls], arr[:n_calls], dep[:n_calls] = window.call_stop, window.call_arr, window.call_dep
    board[:n_calls], alight[:n_calls] = window.call_board, window.call_alight
    place = n_calls
    for k in range(count):
        begin, end = put.run_ptr[kept[k]], put.run_ptr[kept[k] + 1]
        upto = place + end - begin
        stop[place:upto] = put.call_stop[begin:end]
        arr[place:upto] = put.call_arr[begin:end]
        dep[place:upto] = put.call_dep[begin:end]
        board[place:upto] = put.call_board[begin:end]
        alight[place:upto] = put.call_alight[begin:end]
        board[upto - 1] = False
        run_ptr[n_runs + k + 1] = upto
        place = upto
    reach = np.full((rides, size), INF, np.int32)
    reach[:, :n_calls] = window.reach
    off = np.zeros(n_runs + count, np.bool_)
    for run in gone:
        off[run] = True
    now = Changing(
        run_ptr, stop, arr, dep, board, alight, reach, window.floor.copy(), window.hope.copy(),
        off, np.full(window.floor.shape[1], -1, np.int32), np.full(size - n_calls, -1, np.int32),
        np.empty((rides, off.size), np.int32), np.zeros(rides, np.int64),
        np.zeros((rides, off.size), np.bool_), np.empty(reach.size, np.int32),
        np.zeros(1, np.int64), n_calls,
    )  # fmt: skip
    return now, kept[:count]


@njit(cache=True, nogil=True)
def _put_in(window, limits, now, runs):  # type: ignore[no-untyped-def]
    """Lower the labels by some of the runs put in."""
    for ride in range(now.reach.shape[0]):
        for run in runs:
            _enqueue(now, ride, window.run_ptr.size - 1 + run)
    _settle(window, limits, now)


@njit(cache=True, nogil=True)
def _take_back(now, reach, floor, hope):  # type: ignore[no-untyped-def]
    """Undo all that has been lowered since the labels were ``reach``."""
    for k in range(now.logged[0]):
        call = now.log[k]
        for ride in range(reach.shape[0]):
            now.reach[ride, call] = reach[ride, call]
        now.head[now.call_stop[call]] = -1
    if now.logged[0]:
        now.floor[:] = floor
        now.hope[:] = hope
    now.logged[0] = 0


@njit(cache=True, nogil=True)
def try_members(window, limits, put, gone, n_members, asked):  # type: ignore[no-untyped-def]
    """Return the homes whose time changes by each member of a family, and their new times.

    Parameters
    ----------
    window, limits
        The shift edge.
    put, gone
        Runs that the members put in, and runs of the window that each takes out.
    n_members
        Number of members.
    asked : bool[n_members] or bool[0]
        Members to try. None given: all, if anyone may begin, or cease, to hold the edge by
        some of them; else no one is tried.

    Returns
    -------
    members : int32[M]
        Members tried that may change something, ascending; -1 first for all that put in
        nothing that matters.
    ptr : int64[M + 1]
        Rows of each.
    homes, elapsed_s : int32[rows]
        Homes whose elapsed seconds change, and what they change to.
    """
    now, kept = _changing(window, limits, put, gone)
    n_homes, last = window.base_s.size, window.reach.shape[0] - 1
    stops_seen = np.zeros(window.floor.shape[1], np.bool_)
    homes_seen = np.zeros(n_homes, np.bool_)
    touched = np.zeros(n_homes + 1, np.int32)
    members, ptr = np.empty(n_members + 1, np.int32), np.zeros(n_members + 2, np.int64)
    homes, elapsed_s = np.empty(256, np.int32), np.empty(256, np.int32)
    forgotten = np.empty(0, np.int32)
    turns = asked.size > 0
    if gone.size:
        forgotten = _forget(window, limits, now)
        _settle(window, limits, now)
        now.logged[0] = 0
        _near(window, now, forgotten, touched, stops_seen, homes_seen)
        for k in range(1, touched[0] + 1):
            home = touched[k]
            held = window.base_s[home] < INF
            if not turns and held and _elapsed(window, limits, now, home) == INF:
                turns = True
    else:
        forgotten = forgotten[:0]
    reach, floor, hope = now.reach.copy(), now.floor.copy(), now.hope.copy()
    matters = np.zeros(n_members, np.bool_)
    _put_in(window, limits, now, np.arange(kept.size))
    also = touched.copy()
    also_stops, also_homes = stops_seen.copy(), homes_seen.copy()
    _near(window, now, now.log[: now.logged[0]], also, also_stops, also_homes)
    for k in range(1, also[0] + 1):
        if turns:
            break
        home = also[k]
        if window.base_s[home] == INF and _elapsed(window, limits, now, home) < INF:
            turns = True
    for k in range(kept.size):
        for call in range(now.run_ptr[window.run_ptr.size - 1 + k], now.run_ptr[window.run_ptr.size + k]):
            if now.reach[last, call] < INF:
                matters[put.member[kept[k]]] = True
    _take_back(now, reach, floor, hope)
    count = rows = 0
    for member in range(-1, n_members):
        if not turns:
            break
        if member < 0:
            # All that put in nothing that matters change what is forgotten, and no more.
            wanted = False
            for other in range(n_members):
                wanted |= not matters[other] and (asked.size == 0 or asked[other])
            if not wanted or not forgotten.size:
                continue
        elif not matters[member] or (asked.size and not asked[member]):
            continue
        mine = np.flatnonzero(put.member[kept] == member)
        _put_in(window, limits, now, mine)
        also[0] = touched[0]
        also_stops[:] = stops_seen
        also_homes[:] = homes_seen
        _near(window, now, now.log[: now.logged[0]], also, also_stops, also_homes)
        while homes.size < rows + also[0]:
            homes, elapsed_s = np.append(homes, homes), np.append(elapsed_s, elapsed_s)
        for k in range(1, also[0] + 1):
            after = _elapsed(window, limits, now, also[k])
            if after != window.base_s[also[k]]:
                homes[rows], elapsed_s[rows] = also[k], after
                rows += 1
        members[count] = member
        count += 1
        ptr[count] = rows
        _take_back(now, reach, floor, hope)
    return members[:count], ptr[: count + 1], homes[:rows], elapsed_s[:rows]
