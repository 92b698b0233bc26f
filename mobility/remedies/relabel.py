"""Labels of one shift edge, repaired where runs are taken out of it or put into it.

A scan labels every departure of a window (`mobility.engine.scan`); a lever touches few of them.
Labels that need a run taken out are forgotten and found again, those a run put in can lower are
lowered, number of rides by number of rides; all are those of a scan of the whole changed window.

Kernels take fields out of their records first: in a loop each taking out would be counted.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from mobility.base.kernels import inner, maker
from mobility.engine.scan import lower_bound
from mobility.timetable.arrays import INF


@inner
def _enqueue(now, ride, run):
    if not now.waits[ride, run]:
        now.waits[ride, run] = True
        now.queue[ride, now.queued[ride]] = run
        now.queued[ride] += 1


@njit(inline="always")
def alighting(  # noqa: PLR0913
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
            least = walk + floor[ride - 1, there]
            if least >= aboard:
                continue
            soonest, latest = arrival + foot_need_s[foot], arrival + walk + max_wait_s
            high = dep_ptr[there + 1]
            place = lower_bound(dep_time, dep_ptr[there], high, soonest)
            while aboard > least and place < high and dep_time[place] <= latest:
                aboard = min(aboard, walk + reach[ride - 1, dep_call[place]])
                place += 1
            other = head[there]
            while aboard > least and other >= 0:
                if soonest <= call_dep[other] <= latest:
                    aboard = min(aboard, walk + reach[ride - 1, other])
                other = after[other - n_calls]
    return aboard


@inner
def _ride(window, limits, now, ride):
    """Lower the labels of the queued runs with one number of rides."""
    foot_ptr, foot_stop = window.feet.ptr, window.feet.stop
    foot_walk_s, foot_need_s = window.feet.walk_s, window.feet.need_s
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    egress_s, head, after, n_calls = window.egress_s, now.head, now.after, now.n_calls
    run_ptr, call_stop, call_arr, call_dep = now.run_ptr, now.call_stop, now.call_arr, now.call_dep
    call_board, call_alight = now.call_board, now.call_alight
    reach, floor, hope, log = now.reach, now.floor, now.hope, now.log
    queue, waits, is_logged = now.queue, now.waits, now.is_logged
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
                    if not is_logged[ride, call]:
                        is_logged[ride, call] = True
                        log[logged] = call
                        logged += 1
                aboard = min(aboard, reach[ride, call])
            if call_alight[call] and call > begin and call_arr[call] <= deadline_s:
                # Who boards at the call before may do as well already.
                bound = min(aboard, reach[ride, call - 1])
                found = alighting(
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
def _next_s(  # noqa: PLR0913
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


@inner
def _spread(window, limits, now, ride, begin):
    """Lower, with one ride more, the labels of who can change to the departures logged since.

    Runs that are queued to be ridden again with that many rides are left to that.
    """
    into_ptr, into_stop = window.into.ptr, window.into.stop
    into_walk_s, into_need_s = window.into.walk_s, window.into.need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    run_of, run_ptr = window.run_of, window.runs.run_ptr
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    call_stop, call_dep, call_board = now.call_stop, now.call_dep, now.call_board
    log, is_logged, off, waits = now.log, now.is_logged, now.off, now.waits
    reach, floor, hope, head, after = now.reach, now.floor, now.hope, now.head, now.after
    max_walk_s, max_wait_s, rides = limits.max_walk_s, limits.max_wait_s, reach.shape[0]
    earliest_s, n_calls, last = limits.earliest_s, now.n_calls, now.logged[0]
    logged = last
    for k in range(begin, last):
        call = log[k]
        stop, leaves_s, label = call_stop[call], call_dep[call], reach[ride, call]
        next_s = _next_s(
            dep_ptr, dep_time, dep_call, reach, head, after, call_dep, n_calls,
            max_wait_s, ride, stop, leaves_s, label,
        )  # fmt: skip
        for foot in range(into_ptr[stop], into_ptr[stop + 1]):
            walk, other = into_walk_s[foot], into_stop[foot]
            needed = walk + label
            if needed > max_walk_s:
                break
            for later in range(ride, rides):
                hope[later, other] = min(hope[later, other], needed)
            soonest = leaves_s - walk - max_wait_s
            latest = min(leaves_s - into_need_s[foot], next_s - walk - max_wait_s - 1)
            high = arr_ptr[other + 1]
            place = lower_bound(arr_time, arr_ptr[other], high, soonest)
            while place < high and arr_time[place] <= latest:
                at = arr_call[place] - 1
                place += 1
                run = run_of[at + 1]
                if off[run] or waits[ride + 1, run]:
                    continue
                # Who boards sooner may do as well already.
                while at >= run_ptr[run] and needed < reach[ride + 1, at]:
                    if call_dep[at] < earliest_s:
                        break
                    if call_board[at]:
                        there = call_stop[at]
                        for later in range(ride + 1, rides):
                            reach[later, at] = min(reach[later, at], needed)
                            floor[later, there] = min(floor[later, there], needed)
                        if not is_logged[ride + 1, at]:
                            is_logged[ride + 1, at] = True
                            log[logged] = at
                            logged += 1
                    at -= 1
    now.logged[0] = logged
    return last


@inner
def settle(window, limits, now):
    """Ride the queued runs, and all that this makes better."""
    rides, begin = now.reach.shape[0], now.logged[0]
    for ride in range(rides):
        _ride(window, limits, now, ride)
        if ride + 1 < rides:
            begin = _spread(window, limits, now, ride, begin)


@maker
def forget(window, limits, now, runs):  # noqa: C901, PLR0912
    """Forget the labels that may need some runs and queue those that may do; return the calls.

    A label is forgotten if some way to it, as short as the label, leads over a forgotten one.
    """
    into_ptr, into_stop = window.into.ptr, window.into.stop
    into_walk_s, into_need_s = window.into.walk_s, window.into.need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    run_of, run_ptr, off, labels = window.run_of, window.runs.run_ptr, now.off, now.reach
    call_stop, call_dep, head, after = (
        window.runs.call_stop,
        window.runs.call_dep,
        now.head,
        now.after,
    )
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


@inner
def put_in(window, limits, now, member, owner, kept):
    """Lower the labels by the runs that a member puts in; by all of them with -1."""
    for k in range(kept.size):
        if member < 0 or owner[kept[k]] == member:
            for ride in range(now.reach.shape[0]):
                _enqueue(now, ride, window.runs.run_ptr.size - 1 + k)
    settle(window, limits, now)


@maker
def kept_runs(window, limits, now, put, owner, part, members):
    """Return the runs put in inside the window, of members of which some run is labelled.

    ``part`` is the range of the runs, ``members`` that of the members. The labels are those that
    a run has if nothing else changes.
    """
    foot_ptr, foot_stop = window.feet.ptr, window.feet.stop
    foot_walk_s, foot_need_s = window.feet.walk_s, window.feet.need_s
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    egress_s, reach, floor, hope = window.egress_s, window.reach, window.floor, window.hope
    since_s, until_s = window.since_s, window.until_s
    call_stop, call_arr, call_dep = put.call_stop, put.call_arr, put.call_dep
    call_board, call_alight, run_ptr = put.call_board, put.call_alight, put.run_ptr
    deadline_s, max_wait_s = limits.deadline_s, limits.max_wait_s
    egress_counts, earliest_s = limits.egress_counts, limits.earliest_s
    ceiling, most = min(limits.max_walk_s + 1, INF), reach.shape[0] - 1
    inside = np.empty(part[1] - part[0], np.int64)
    matters = np.zeros(members[1] - members[0], np.bool_)
    count = 0
    for run in range(part[0], part[1]):
        begin, last = run_ptr[run], run_ptr[run + 1] - 1
        if call_dep[begin] > deadline_s or call_arr[last] < earliest_s:
            continue
        inside[count] = run
        count += 1
        member = owner[run] - members[0]
        if matters[member]:
            continue
        aboard = ceiling
        for call in range(last, begin - 1, -1):
            if call_dep[call] < earliest_s:
                break
            if aboard < ceiling and call_board[call]:
                matters[member] = True
                break
            stop = call_stop[call]
            if call_alight[call] and since_s[stop] <= call_arr[call] <= until_s[stop]:
                for ride in (0, most):
                    aboard = alighting(
                        foot_ptr, foot_stop, foot_walk_s, foot_need_s, dep_ptr, dep_time, dep_call,
                        egress_s, deadline_s, max_wait_s, egress_counts,
                        reach, floor, hope, now.head, now.after, call_dep, 0,
                        ride, stop, call_arr[call], aboard,
                    )  # fmt: skip
    kept = 0
    for k in range(count):
        if matters[owner[inside[k]] - members[0]]:
            inside[kept] = inside[k]
            kept += 1
    return inside[:kept]
