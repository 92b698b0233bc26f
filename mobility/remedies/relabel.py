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
    near_walk_s: Int32
    leave_s: Int32
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


class Calm(NamedTuple):
    """Labels to come back to, see `Changing`."""

    reach: Int32
    floor: Int32
    hope: Int32


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


@njit(inline="always")
def _alighting(  # type: ignore[no-untyped-def]  # noqa: PLR0913
    foot_ptr, foot_stop, foot_walk_s, foot_need_s, dep_ptr, dep_time, dep_call, egress_s,
    deadline_s, max_wait_s, egress_counts,
    reach, floor, hope, head, after, call_dep, n_calls,
    ride, stop, arrival, aboard,
):  # fmt: skip
    """Return the least walking if one may also alight: at the gate (no ride left), or to change."""
    if ride == 0:
        walk = egress_s[stop]
        spare = deadline_s - walk - arrival
        if 0 <= spare <= max_wait_s:
            aboard = min(aboard, walk if egress_counts else 0)
    elif hope[ride - 1, stop] < aboard:
        for foot in range(foot_ptr[stop], foot_ptr[stop + 1]):
            walk = foot_walk_s[foot]
            if walk >= aboard:
                break
            there = foot_stop[foot]
            if walk + floor[ride - 1, there] >= aboard:
                continue
            soonest, latest = arrival + foot_need_s[foot], arrival + walk + max_wait_s
            high = dep_ptr[there + 1]
            place = lower_bound(dep_time, dep_ptr[there], high, soonest)
            while place < high and dep_time[place] <= latest:
                aboard = min(aboard, walk + reach[ride - 1, dep_call[place]])
                place += 1
            other = head[there]
            while other >= 0:
                if soonest <= call_dep[other] <= latest:
                    aboard = min(aboard, walk + reach[ride - 1, other])
                other = after[other - n_calls]
    return aboard


@njit(cache=True, nogil=True)
def _ride(window, limits, now, ride):  # type: ignore[no-untyped-def]
    """Lower the labels of the queued runs with one number of rides."""
    # Fields are taken out first: in a loop each taking out would be counted.
    foot_ptr, foot_stop = window.foot_ptr, window.foot_stop
    foot_walk_s, foot_need_s = window.foot_walk_s, window.foot_need_s
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    egress_s, head, after, n_calls = window.egress_s, now.head, now.after, now.n_calls
    run_ptr, call_stop, call_arr, call_dep = now.run_ptr, now.call_stop, now.call_arr, now.call_dep
    call_board, call_alight = now.call_board, now.call_alight
    reach, floor, hope, log = now.reach, now.floor, now.hope, now.log
    queue, waits = now.queue, now.waits
    deadline_s, max_wait_s = limits.deadline_s, limits.max_wait_s
    egress_counts, earliest_s = limits.egress_counts, limits.earliest_s
    ceiling = min(limits.max_walk_s + 1, INF)
    rides, logged = reach.shape[0], now.logged[0]
    for k in range(now.queued[ride]):
        run = queue[ride, k]
        waits[ride, run] = False
        begin, aboard = run_ptr[run], ceiling
        for call in range(run_ptr[run + 1] - 1, begin - 1, -1):
            if call_dep[call] < earliest_s:
                break
            stop = call_stop[call]
            if call_board[call]:
                if aboard < min(ceiling, reach[ride, call]):
                    if call >= n_calls and reach[rides - 1, call] == INF:
                        after[call - n_calls] = head[stop]
                        head[stop] = call
                    for later in range(ride, rides):
                        reach[later, call] = min(reach[later, call], aboard)
                        floor[later, stop] = min(floor[later, stop], aboard)
                    log[logged] = call
                    logged += 1
                aboard = min(aboard, reach[ride, call])
            if call_alight[call] and call > begin and call_arr[call] <= deadline_s:
                # Who boards at the call before may do as well already.
                bound = min(aboard, reach[ride, call - 1])
                found = _alighting(
                    foot_ptr, foot_stop, foot_walk_s, foot_need_s, dep_ptr, dep_time, dep_call,
                    egress_s, deadline_s, max_wait_s, egress_counts,
                    reach, floor, hope, head, after, call_dep, n_calls,
                    ride, stop, call_arr[call], bound,
                )  # fmt: skip
                if found < bound:
                    aboard = found
    now.queued[ride] = 0
    now.logged[0] = logged


@njit(inline="always")
def _next_s(  # type: ignore[no-untyped-def]  # noqa: PLR0913
    dep_ptr, dep_time, dep_call, reach, head, after, call_dep, n_calls,
    max_wait_s, ride, stop, leaves_s, label,
):  # fmt: skip
    """Return when the next departure leaves a stop that needs no more walking than one.

    Whoever has not to wait too long for that one need not be told of this one.
    """
    found = INF
    high = dep_ptr[stop + 1]
    place = lower_bound(dep_time, dep_ptr[stop], high, leaves_s + 1)
    while place < high and dep_time[place] <= leaves_s + max_wait_s:
        if reach[ride, dep_call[place]] <= label:
            found = dep_time[place]
            break
        place += 1
    other = head[stop]
    while other >= 0:
        if leaves_s < call_dep[other] < found and reach[ride, other] <= label:
            found = call_dep[other]
        other = after[other - n_calls]
    return found


@njit(cache=True, nogil=True)
def _spread(window, limits, now, ride, begin):  # type: ignore[no-untyped-def]
    """Queue the runs from which one can change to the departures lowered since ``begin``."""
    into_ptr, into_stop = window.into_ptr, window.into_stop
    into_walk_s, into_need_s = window.into_walk_s, window.into_need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    run_of, run_ptr = window.run_of, window.run_ptr
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    call_stop, call_dep, log, off = now.call_stop, now.call_dep, now.log, now.off
    reach, hope, head, after, n_calls = now.reach, now.hope, now.head, now.after, now.n_calls
    queue, queued, waits = now.queue, now.queued, now.waits
    max_walk_s, max_wait_s, rides = limits.max_walk_s, limits.max_wait_s, reach.shape[0]
    for k in range(begin, now.logged[0]):
        call = log[k]
        stop, leaves_s, label = call_stop[call], call_dep[call], reach[ride, call]
        next_s = _next_s(
            dep_ptr, dep_time, dep_call, reach, head, after, call_dep, n_calls,
            max_wait_s, ride, stop, leaves_s, label,
        )  # fmt: skip
        for foot in range(into_ptr[stop], into_ptr[stop + 1]):
            walk, other = into_walk_s[foot], into_stop[foot]
            if walk + label > max_walk_s:
                break
            for later in range(ride, rides):
                hope[later, other] = min(hope[later, other], walk + label)
            soonest = leaves_s - walk - max_wait_s
            latest = min(leaves_s - into_need_s[foot], next_s - walk - max_wait_s - 1)
            high = arr_ptr[other + 1]
            place = lower_bound(arr_time, arr_ptr[other], high, soonest)
            while place < high and arr_time[place] <= latest:
                at = arr_call[place]
                run = run_of[at]
                # Who boards at the call before, or sooner, may do as well already.
                sooner = at > run_ptr[run] and reach[ride + 1, at - 1] <= walk + label
                if not sooner and not off[run] and not waits[ride + 1, run]:
                    waits[ride + 1, run] = True
                    queue[ride + 1, queued[ride + 1]] = run
                    queued[ride + 1] += 1
                place += 1


@njit(cache=True, nogil=True)
def _settle(window, limits, now):  # type: ignore[no-untyped-def]
    """Ride the queued runs, and all that this makes better."""
    rides = now.reach.shape[0]
    for ride in range(rides):
        begin = now.logged[0]
        _ride(window, limits, now, ride)
        if ride + 1 < rides:
            _spread(window, limits, now, ride, begin)


@njit(cache=True, nogil=True)
def _forget(window, limits, now, runs):  # type: ignore[no-untyped-def]
    """Forget the labels that may need some runs and queue those that may do; return the calls.

    A label is forgotten if some way to it, as short as the label, leads over a forgotten one.
    """
    into_ptr, into_stop = window.into_ptr, window.into_stop
    into_walk_s, into_need_s = window.into_walk_s, window.into_need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    run_of, run_ptr, off, labels = window.run_of, window.run_ptr, now.off, now.reach
    call_stop, call_dep, head, after = window.call_stop, window.call_dep, now.head, now.after
    max_walk_s, max_wait_s = limits.max_walk_s, limits.max_wait_s
    reach, rides = window.reach, window.reach.shape[0]
    gone = np.zeros(reach.shape, np.bool_)
    calls = np.empty(reach.size, np.int32)
    part = np.zeros(rides + 1, np.int64)
    count = 0
    for ride in range(rides):
        for run in runs:
            for call in range(run_ptr[run], run_ptr[run + 1]):
                if reach[ride, call] < (reach[ride - 1, call] if ride else INF):
                    calls[count] = call
                    count += 1
        part[ride + 1] = count
        if ride + 1 == rides:
            break
        for k in range(part[ride], part[ride + 1]):
            call = calls[k]
            stop, leaves_s, label = call_stop[call], call_dep[call], reach[ride, call]
            next_s = _next_s(
                dep_ptr, dep_time, dep_call, reach, head, after, call_dep, 0,
                max_wait_s, ride, stop, leaves_s, label,
            )  # fmt: skip
            for foot in range(into_ptr[stop], into_ptr[stop + 1]):
                walk, other = into_walk_s[foot], into_stop[foot]
                needed = walk + label
                if needed > max_walk_s:
                    break
                high = arr_ptr[other + 1]
                latest = min(leaves_s - into_need_s[foot], next_s - walk - max_wait_s - 1)
                place = lower_bound(arr_time, arr_ptr[other], high, leaves_s - walk - max_wait_s)
                while place < high and arr_time[place] <= latest:
                    at = arr_call[place]
                    run = run_of[at]
                    at -= 1
                    while not off[run] and at >= run_ptr[run]:
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
            less = labels[ride - 1, call] if ride else INF
            for later in range(ride, rides):
                if reach[later, call] == reach[ride, call]:
                    labels[later, call] = less
            run = run_of[call]
            if not off[run]:
                # What is lost with few rides may come back with more.
                for later in range(ride, rides):
                    _enqueue(now, later, run)
    return calls[:count]


@njit(cache=True, nogil=True)
def _leaves(window, limits, now, home):  # type: ignore[no-untyped-def]
    """Return the latest time of leaving a home to ride, ``earliest_s - 1`` if there is none."""
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
    return best


@njit(cache=True, nogil=True)
def _raise(window, limits, now, calls, leave_s, before_s, homes):  # type: ignore[no-untyped-def]
    """Raise the times of leaving to what the stops of some calls offer to the homes near.

    Returns how many are later than ``before_s``; ``homes`` lists those.
    """
    last, count = now.reach.shape[0] - 1, 0
    seen = np.zeros(now.head.size, np.bool_)
    for call in calls:
        stop = now.call_stop[call]
        if seen[stop]:
            continue
        seen[stop] = True
        # From late to early, departures kept only where they need less walking.
        begin, end = window.dep_ptr[stop], window.dep_ptr[stop + 1]
        times, needs = np.empty(end - begin, np.int32), np.empty(end - begin, np.int32)
        steps, least = 0, limits.max_walk_s + 1
        for place in range(end - 1, begin - 1, -1):
            label = now.reach[last, window.dep_call[place]]
            if label < least:
                times[steps], needs[steps], least = window.dep_time[place], label, label
                steps += 1
        for row in range(window.near_ptr[stop], window.near_ptr[stop + 1]):
            home, walk = window.near_home[row], window.near_walk_s[row]
            budget = limits.max_walk_s - walk if limits.access_counts else limits.max_walk_s
            best = max(leave_s[home], limits.earliest_s - 1)
            for k in range(steps):
                if needs[k] <= budget:
                    best = max(best, times[k] - walk)
                    break
            other = now.head[stop]
            while other >= 0:
                if now.reach[last, other] <= budget:
                    best = max(best, now.call_dep[other] - walk)
                other = now.after[other - now.n_calls]
            if best > leave_s[home] == before_s[home]:
                homes[count] = home
                count += 1
            leave_s[home] = best
    return count


@njit(cache=True, nogil=True)
def _without(window, limits, now, runs, leave_s, homes):  # type: ignore[no-untyped-def]
    """Take the runs switched off out; return whether a label went, and the homes that leave sooner.

    ``leave_s`` becomes the time of leaving without those runs.
    """
    forgotten = _forget(window, limits, now, runs)
    _settle(window, limits, now)
    now.logged[0] = 0
    never = np.full(leave_s.size, -INF, np.int32)
    found = never.copy()
    count = 0
    for k in range(_raise(window, limits, now, forgotten, found, never, homes)):
        home = homes[k]
        if found[home] < leave_s[home]:
            found[home] = _leaves(window, limits, now, home)
            if found[home] < leave_s[home]:
                leave_s[home] = found[home]
                homes[count] = home
                count += 1
    return forgotten.size > 0, count


@njit(cache=True, nogil=True)
def _elapsed(window, limits, home, leave_s):  # type: ignore[no-untyped-def]
    """Return the elapsed seconds of who leaves then to ride, walking all the way included."""
    ridden = limits.at_s - leave_s if leave_s >= limits.earliest_s else INF
    return min(ridden, window.walked_s[home])


@njit(cache=True, nogil=True)
def _changing(window, put, kept, gone):  # type: ignore[no-untyped-def]
    """Return the labels of a window to be changed, its runs followed by those put in."""
    rides, n_calls = window.reach.shape[0], window.call_stop.size
    n_runs, n_stops = window.run_ptr.size - 1, window.floor.shape[1]
    size = n_calls
    for run in kept:
        size += put.run_ptr[run + 1] - put.run_ptr[run]
    run_ptr = np.empty(n_runs + kept.size + 1, np.int64)
    stop, arr, dep = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    board, alight = np.empty(size, np.bool_), np.empty(size, np.bool_)
    reach, off = np.full((rides, size), INF, np.int32), np.zeros(n_runs + kept.size, np.bool_)
    for run in range(n_runs + 1):
        run_ptr[run] = window.run_ptr[run]
    for call in range(n_calls):
        stop[call] = window.call_stop[call]
        arr[call], dep[call] = window.call_arr[call], window.call_dep[call]
        board[call], alight[call] = window.call_board[call], window.call_alight[call]
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


@njit(cache=True, nogil=True)
def _kept(window, limits, put, n_members):  # type: ignore[no-untyped-def]
    """Return the runs put in inside the window, of members of which some run is labelled.

    The labels are those that the run has if nothing else changes.
    """
    foot_ptr, foot_stop = window.foot_ptr, window.foot_stop
    foot_walk_s, foot_need_s = window.foot_walk_s, window.foot_need_s
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    egress_s, reach, floor, hope = window.egress_s, window.reach, window.floor, window.hope
    call_stop, call_arr, call_dep = put.call_stop, put.call_arr, put.call_dep
    call_board, call_alight, run_ptr = put.call_board, put.call_alight, put.run_ptr
    deadline_s, max_wait_s = limits.deadline_s, limits.max_wait_s
    egress_counts, earliest_s = limits.egress_counts, limits.earliest_s
    ceiling, most = min(limits.max_walk_s + 1, INF), reach.shape[0] - 1
    head, after = np.full(floor.shape[1], -1, np.int32), np.zeros(0, np.int32)
    inside, matters = np.empty(put.member.size, np.int64), np.zeros(n_members, np.bool_)
    count = 0
    for run in range(put.member.size):
        begin, last = run_ptr[run], run_ptr[run + 1] - 1
        if call_dep[begin] > deadline_s or call_arr[last] < earliest_s:
            continue
        inside[count] = run
        count += 1
        if matters[put.member[run]]:
            continue
        aboard = ceiling
        for call in range(last, begin - 1, -1):
            if call_dep[call] < earliest_s:
                break
            if aboard < ceiling and call_board[call]:
                matters[put.member[run]] = True
                break
            if call_alight[call] and call_arr[call] <= deadline_s:
                for ride in (0, most):
                    aboard = _alighting(
                        foot_ptr, foot_stop, foot_walk_s, foot_need_s, dep_ptr, dep_time, dep_call,
                        egress_s, deadline_s, max_wait_s, egress_counts,
                        reach, floor, hope, head, after, call_dep, 0,
                        ride, call_stop[call], call_arr[call], aboard,
                    )  # fmt: skip
    kept = 0
    for k in range(count):
        if matters[put.member[inside[k]]]:
            inside[kept] = inside[k]
            kept += 1
    return inside[:kept]


@njit(cache=True, nogil=True)
def _loses(window, gone):  # type: ignore[no-untyped-def]
    """Tell whether some departure of some runs is labelled."""
    for run in gone:
        for call in range(window.run_ptr[run], window.run_ptr[run + 1]):
            if window.reach[window.reach.shape[0] - 1, call] < INF:
                return True
    return False


@njit(cache=True, nogil=True)
def _gone(run_ids, removed):  # type: ignore[no-untyped-def]
    """Return the places in a window of the runs taken out."""
    gone, count = np.empty(removed.size, np.int64), 0
    for run in removed:
        place = lower_bound(run_ids, 0, run_ids.size, run)
        if place < run_ids.size and run_ids[place] == run:
            gone[count] = place
            count += 1
    return gone[:count]


@njit(cache=True, nogil=True)
def _put_in(window, limits, now, member, owner, kept):  # type: ignore[no-untyped-def]
    """Lower the labels by the runs that a member puts in; by all of them with -1."""
    for k in range(kept.size):
        if member < 0 or owner[kept[k]] == member:
            for ride in range(now.reach.shape[0]):
                _enqueue(now, ride, window.run_ptr.size - 1 + k)
    _settle(window, limits, now)


@njit(cache=True, nogil=True)
def _take_back(now, calm):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True)
def _grown(values, size):  # type: ignore[no-untyped-def]
    """Return an array of at least some size that begins with some values."""
    if values.size >= size:
        return values
    longer = np.empty(2 * size, np.int32)
    for k in range(values.size):
        longer[k] = values[k]
    return longer


@njit(cache=True, nogil=True)
def try_members(window, limits, put, run_ids, removed, n_members, asked):  # type: ignore[no-untyped-def]
    """Return the homes whose time changes by each member of a family, and their new times.

    Parameters
    ----------
    window, limits
        The shift edge.
    put
        Runs that the members put in.
    run_ids, removed : int64[]
        Runs of the window, and runs that every member takes out, ascending.
    n_members
        Number of members.
    asked : bool[n_members] or bool[0]
        Members to try. None given: all, if anyone may begin, or cease, to hold the edge by
        some of them; else no one is tried.

    Returns
    -------
    idle : bool
        No member can change anything.
    members : int32[M]
        Members tried that may change something, ascending; -1 first for all that put in
        nothing that matters.
    ptr : int64[M + 1]
        Rows of each.
    homes, elapsed_s : int32[rows]
        Homes whose elapsed seconds change, and what they change to.
    """
    gone = _gone(run_ids, removed)
    kept = _kept(window, limits, put, n_members)
    losing = _loses(window, gone)
    members, ptr = np.empty(n_members + 1, np.int32), np.zeros(n_members + 2, np.int64)
    homes, elapsed_s = np.empty(256, np.int32), np.empty(256, np.int32)
    if not kept.size and not losing:
        return True, members[:0], ptr[:1], homes[:0], elapsed_s[:0]
    now = _changing(window, put, kept, gone)
    calm_s, n_homes, fewer = window.leave_s.copy(), window.base_s.size, 0
    sooner, later = np.empty(n_homes, np.int32), np.empty(n_homes, np.int32)
    turns = asked.size > 0
    if losing:
        losing, fewer = _without(window, limits, now, gone, calm_s, sooner)
        for k in range(fewer):
            home = sooner[k]
            if window.base_s[home] < INF and _elapsed(window, limits, home, calm_s[home]) == INF:
                turns = True
    calm = Calm(now.reach.copy(), now.floor.copy(), now.hope.copy())
    leave_s = calm_s.copy()
    if not turns:
        _put_in(window, limits, now, -1, put.member, kept)
        more = _raise(window, limits, now, now.log[: now.logged[0]], leave_s, calm_s, later)
        for k in range(more):
            turns = turns or window.base_s[later[k]] == INF
            leave_s[later[k]] = calm_s[later[k]]
        _take_back(now, calm)
    if not turns:
        return False, members[:0], ptr[:1], homes[:0], elapsed_s[:0]
    puts_in = np.zeros(n_members, np.bool_)
    for k in range(kept.size):
        puts_in[put.member[kept[k]]] = True
    count = rows = 0
    for member in range(-1, n_members):
        wanted = member >= 0 and puts_in[member] and (asked.size == 0 or asked[member])
        if member < 0 and losing:
            # All that put in nothing that matters change what is forgotten, and no more.
            for other in range(n_members):
                wanted = wanted or not puts_in[other] and (asked.size == 0 or asked[other])
        if not wanted:
            continue
        more = 0
        if member >= 0:
            _put_in(window, limits, now, member, put.member, kept)
            more = _raise(window, limits, now, now.log[: now.logged[0]], leave_s, calm_s, later)
        homes, elapsed_s = _grown(homes, rows + fewer + more), _grown(elapsed_s, rows + fewer + more)
        for k in range(fewer + more):
            home = sooner[k] if k < fewer else later[k - fewer]
            after = _elapsed(window, limits, home, leave_s[home])
            told = k >= fewer and calm_s[home] != window.leave_s[home]
            if after != window.base_s[home] and not told:
                homes[rows], elapsed_s[rows] = home, after
                rows += 1
        for k in range(more):
            leave_s[later[k]] = calm_s[later[k]]
        members[count] = member
        count += 1
        ptr[count] = rows
        _take_back(now, calm)
    return False, members[:count], ptr[: count + 1], homes[:rows], elapsed_s[:rows]
