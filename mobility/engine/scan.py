"""The scan kernel: what walking a departure still needs to reach the gate in time.

Everything is anchored at the workplace. For one deadline at the gates of one site, the
kernel gives every departure of every stop the least walking (transfers and the walk to
the gate) with which its passenger is at a gate in time, for one, two, ... rides at most.
A departure fixes the clock, so waiting limits are local to each change of vehicle, and
keeping the least walking for each number of rides answers the limits on walking,
transfers, single waits and total time exactly, not by filtering the fastest journey.

The rounds over numbers of rides are those of RAPTOR (Delling, Pajor and Werneck, 2012,
*Round-based public transit routing*); labelling departures rather than stops follows the
connection-based view of Dibbelt et al. (2018, *Connection Scan Algorithm*).

The return direction is the same kernel on the mirrored timetable.

Indices of the innermost loops are unsigned: numba then need not look for negative ones.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from mobility.timetable.arrays import INF


@njit(cache=True, nogil=True)
def lower_bound(times, low, high, value):  # type: ignore[no-untyped-def]
    """Return the first index in ``low:high`` of the sorted ``times`` not below ``value``."""
    while low < high:
        middle = (low + high) // 2
        if times[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def scan_rides(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0913, PLR0915
    run_ptr,
    call_stop,
    call_arr,
    call_dep,
    call_alight,
    call_pos,
    foot_ptr,
    foot_stop,
    foot_walk_s,
    foot_need_s,
    into_ptr,
    into_stop,
    into_walk_s,
    into_need_s,
    dep_time,
    run_lo,
    run_hi,
    egress_s,
    egress_counts,
    earliest_s,
    deadline_s,
    max_walk_s,
    max_wait_s,
    max_rides,
):
    """Label the departures of one time window.

    Parameters
    ----------
    run_ptr, call_*, foot_*, dep_time
        Arrays of `mobility.timetable.arrays.Timetable`.
    into_*
        Its footpaths by the stop they lead to (``foot_into``); more of them do no harm.
    run_lo, run_hi
        Range of runs that may have a call inside the window.
    egress_s : int32[S]
        Walk from each stop to the nearest gate, seconds; ``INF`` where there is none.
    egress_counts : bool
        Whether that walk counts in ``max_walk_s``.
    earliest_s, deadline_s
        Window of departures, and the latest arrival at a gate; axis seconds.
    max_walk_s, max_wait_s, max_rides
        Limits: all walking after the first boarding, any single wait, rides.

    Returns
    -------
    first : int64[S]
        Position, in the timetable's stop-major order, of each stop's first departure
        inside the window.
    shift : int64[S + 1]
        Offset of each stop's departures in ``label``; ``shift[S]`` is their number.
    label : int32[max_rides, D]
        Least walking seconds with at most 1, 2, ... rides; ``INF`` where there is no way.
    """
    n_stops, one = foot_ptr.size - 1, np.uint32(1)
    base = run_ptr[run_lo]
    size = run_ptr[run_hi] - base
    # Least walking from each call of these runs with the rides so far, and what was lowered,
    # ride by ride (``log_ptr``).
    current = np.full(size, INF, np.int32)
    log_ptr = np.zeros(max_rides + 1, np.int64)
    log_stop = np.empty(size * max_rides, np.int32)
    log_pos = np.empty(size * max_rides, np.int32)
    log_walk = np.empty(size * max_rides, np.int32)
    # Calls of each run, ``begin:end``, that one more ride may lower or be left for.
    open_begin = np.empty(run_hi - run_lo, np.int64)
    open_end = np.empty(run_hi - run_lo, np.int64)
    # Departures that the last ride lowered, by stop: positions ``low:high`` of the stop-major
    # order, their labels from ``place`` on in ``fresh``, and in ``least`` the least from each
    # on; ``floor`` is the least of all of a stop, ``later`` its last time.
    stops = np.empty(n_stops, np.int32)
    low = np.empty(n_stops, np.int32)
    high = np.empty(n_stops, np.int32)
    place = np.empty(n_stops, np.int32)
    floor = np.full(n_stops, INF, np.int32)
    later = np.empty(n_stops, np.int32)
    fresh = np.empty(size, np.int32)
    least = np.empty(size, np.int32)
    # All positions that any ride lowered, by stop.
    first_pos = np.full(n_stops, INF, np.int32)
    end_pos = np.zeros(n_stops, np.int32)
    # The least that alighting at a stop can bring, and between which times.
    hope = np.empty(n_stops, np.int32)
    since = np.empty(n_stops, np.int32)
    until = np.empty(n_stops, np.int32)
    for stop in range(n_stops):
        walk = egress_s[stop]
        since[stop] = max(deadline_s - walk - max_wait_s, -INF)
        until[stop] = max(deadline_s - walk, -INF)
        if walk < INF and not egress_counts:
            walk = 0
        hope[stop] = walk if walk <= max_walk_s else INF
    ceiling = min(max_walk_s + 1, INF)

    # The last ride goes to the gate, where both times are exact.
    logged, n_open = np.uint64(0), np.uint64(0)
    for run in range(run_lo, run_hi):
        call, begin = np.int64(run_ptr[run + 1] - 1), np.int64(run_ptr[run])
        if call_dep[begin] > deadline_s:
            continue
        end, closed = call + 1, begin
        aboard = np.int64(ceiling)  # least walking of a passenger aboard after this call
        while call >= begin and call_dep[np.uint64(call)] >= earliest_s:
            at = np.uint64(call)
            if aboard < ceiling:
                pos = call_pos[at]
                if pos >= 0:
                    current[np.uint64(call - base)] = aboard
                    log_stop[logged], log_pos[logged] = call_stop[at], pos
                    log_walk[logged] = aboard
                    logged += np.uint64(1)
                    if closed == begin and aboard + call_dep[at] - earliest_s <= max_walk_s:
                        closed = call + 1
            here = np.uint32(call_stop[at])
            if hope[here] < aboard:
                if since[here] <= call_arr[at] <= until[here] and call_alight[at]:
                    aboard = np.int64(hope[here])
            call -= 1
        closed = max(closed, call + 1)
        if closed < end:
            open_begin[n_open], open_end[n_open] = closed, end
            n_open += np.uint64(1)
    log_ptr[1] = logged

    for ride in range(1, max_rides):
        begun = np.uint64(log_ptr[ride - 1])
        if begun == logged:
            log_ptr[ride + 1] = logged
            continue
        # What the last ride lowered, by stop, and where one may alight for it.
        for stop in range(n_stops):
            low[stop] = INF
            high[stop] = 0
            floor[stop] = INF
            hope[stop] = INF
            until[stop] = -INF
        count = np.uint64(0)
        for i in range(begun, logged):
            stop, pos = np.uint32(log_stop[i]), log_pos[i]
            if high[stop] == 0:
                stops[count] = stop
                count += np.uint64(1)
            low[stop] = min(low[stop], pos)
            high[stop] = max(high[stop], pos + 1)
            floor[stop] = min(floor[stop], log_walk[i])
        filled = 0
        for j in range(count):
            stop = np.uint32(stops[j])
            place[stop] = filled
            filled += high[stop] - low[stop]
            first_pos[stop] = min(first_pos[stop], low[stop])
            end_pos[stop] = max(end_pos[stop], high[stop])
        fresh[:filled] = INF
        for i in range(begun, logged):
            stop = np.uint32(log_stop[i])
            fresh[np.uint64(place[stop] + log_pos[i] - low[stop])] = log_walk[i]
        for j in range(count):
            stop = np.uint32(stops[j])
            after = np.int64(INF)
            k = np.uint64(place[stop] + high[stop] - low[stop])
            while k > np.uint64(place[stop]):
                k -= np.uint64(1)
                after = min(after, fresh[k])
                least[k] = after
            last = dep_time[np.uint64(high[stop] - 1)]
            later[stop] = last
            for foot in range(np.uint64(into_ptr[stop]), np.uint64(into_ptr[stop + one])):
                walk = into_walk_s[foot] + after
                if walk > max_walk_s:
                    break
                other = np.uint32(into_stop[foot])
                hope[other] = min(hope[other], walk)
                until[other] = max(until[other], last - into_need_s[foot])

        still = np.uint64(0)
        for j in range(n_open):
            begin, call = open_begin[j], open_end[j] - 1
            end = call + 1
            closed = begin
            aboard = np.int64(ceiling)
            while call >= begin:
                at = np.uint64(call)
                slot = np.uint64(call - base)
                if aboard < current[slot] and aboard < ceiling:
                    pos = call_pos[at]
                    if pos >= 0:
                        current[slot] = aboard
                        log_stop[logged], log_pos[logged] = call_stop[at], pos
                        log_walk[logged] = aboard
                        logged += np.uint64(1)
                        # Whoever boards here stays within the limit however far they walked
                        # since ``earliest_s``; nobody needs one ride more, here or further back.
                        if closed == begin and aboard + call_dep[at] - earliest_s <= max_walk_s:
                            closed = call + 1
                here = np.uint32(call_stop[at])
                if hope[here] < aboard:
                    arrival = call_arr[at]
                    if arrival <= until[here] and call_alight[at]:
                        # An earlier boarding of this run may do as well with fewer rides.
                        bound = min(aboard, np.int64(current[slot - np.uint64(1)]))
                        if hope[here] < bound:
                            feet = np.uint64(foot_ptr[here]), np.uint64(foot_ptr[here + one])
                            for foot in range(*feet):
                                walk = foot_walk_s[foot]
                                if walk >= bound:
                                    break
                                there = np.uint32(foot_stop[foot])
                                if walk + floor[there] >= bound:
                                    continue
                                soonest = arrival + foot_need_s[foot]
                                if later[there] < soonest:
                                    continue
                                latest = arrival + walk + max_wait_s
                                left = lower_bound(dep_time, low[there], high[there], soonest)
                                i = place[there] + left - low[there]
                                while (
                                    left < high[there]
                                    and walk + least[i] < bound
                                    and dep_time[left] <= latest
                                ):
                                    if walk + fresh[i] < bound:
                                        bound = walk + fresh[i]
                                        aboard = bound
                                    left += 1
                                    i += 1
                call -= 1
            if closed < end:
                open_begin[still], open_end[still] = closed, end
                still += np.uint64(1)
        n_open = still
        log_ptr[ride + 1] = logged

    # All labels by stop, from the first to the last departure that has one.
    for i in range(np.uint64(log_ptr[max_rides - 1]), logged):
        stop, pos = np.uint32(log_stop[i]), log_pos[i]
        first_pos[stop] = min(first_pos[stop], pos)
        end_pos[stop] = max(end_pos[stop], pos + 1)
    first = np.zeros(n_stops, np.int64)
    shift = np.zeros(n_stops + 1, np.int64)
    for stop in range(n_stops):
        width = 0
        if end_pos[stop] > 0:
            first[stop] = first_pos[stop]
            width = end_pos[stop] - first_pos[stop]
        shift[stop + 1] = shift[stop] + width
    label = np.full((max_rides, shift[n_stops]), INF, np.int32)
    for ride in range(max_rides):
        if ride > 0:
            label[ride] = label[ride - 1]
        for i in range(np.uint64(log_ptr[ride]), np.uint64(log_ptr[ride + 1])):
            stop = np.uint32(log_stop[i])
            label[ride, np.uint64(shift[stop] + log_pos[i] - first[stop])] = log_walk[i]
    return first, shift, label


@njit(cache=True, nogil=True)
def reach_homes(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0915
    first,
    shift,
    label,
    dep_time,
    access_ptr,
    access_stop,
    access_s,
    access_counts,
    earliest_s,
    max_walk_s,
):
    """Look up, for every home, the latest time of leaving it.

    Parameters
    ----------
    first, shift, label
        Result of `scan_rides`.
    dep_time
        Departures in the timetable's stop-major order, axis seconds.
    access_ptr, access_stop, access_s
        Walks from homes to stops (CSR by home, rows sorted by seconds).
    access_counts : bool
        Whether the walk from home counts in ``max_walk_s``.
    earliest_s
        No one leaves home before it.
    max_walk_s
        All walking of one direction.

    Returns
    -------
    leave_s : int32[H]
        Latest axis second of leaving home; ``INF`` where there is none.
    rides : int8[H]
        Fewest rides among the journeys that leave then; 0 where there is none.
    walk_s : int32[H]
        Least walking among those, the walk from home included; ``INF`` where there is none.
    stop : int32[H]
        First boarding stop of that journey, -1 where there is none.
    """
    n_stops = shift.size - 1
    max_rides, total = label.shape
    last = label[max_rides - 1]
    # Per stop, departures from late to early, kept only where they need less walking.
    stair_ptr = np.empty(n_stops + 1, np.int64)
    stair_dep = np.empty(total, np.int32)
    stair_walk = np.empty(total, np.int32)
    stair_label = np.empty(total, np.int32)
    newest = np.full(n_stops, -INF, np.int32)
    size, latest = np.uint64(0), np.int64(-INF)
    for stop in range(n_stops):
        stair_ptr[stop] = size
        begin, k = shift[stop], shift[stop + 1]
        if k == begin:
            continue
        base = first[stop] - begin
        newest[stop] = dep_time[base + k - 1]
        latest = max(latest, newest[stop])
        best = max_walk_s + 1
        while k > begin:
            k -= 1
            walk = last[np.uint64(k)]
            if walk < best:
                best = walk
                stair_dep[size] = dep_time[np.uint64(base + k)]
                stair_walk[size] = walk
                stair_label[size] = k
                size += np.uint64(1)
    stair_ptr[n_stops] = size

    n_homes = access_ptr.size - 1
    leave_s = np.full(n_homes, INF, np.int32)
    rides = np.zeros(n_homes, np.int8)
    walk_s = np.full(n_homes, INF, np.int32)
    board = np.full(n_homes, -1, np.int32)
    # Of the journeys of a home that leave latest: the walk to the stop and the step boarded.
    tie_access = np.empty(n_stops, np.int64)
    tie_stair = np.empty(n_stops, np.int64)
    for home in range(n_homes):
        best, ties = np.int64(earliest_s), np.uint64(0)
        for a in range(np.uint64(access_ptr[home]), np.uint64(access_ptr[home + 1])):
            walk = access_s[a]
            if latest - walk < best:
                break
            stop = np.uint32(access_stop[a])
            if newest[stop] - walk < best:
                continue
            budget = max_walk_s - walk if access_counts else max_walk_s
            for i in range(np.uint64(stair_ptr[stop]), np.uint64(stair_ptr[stop + 1])):
                leave = stair_dep[i] - walk
                if leave < best:
                    break
                if stair_walk[i] <= budget:
                    if leave > best:
                        best, ties = leave, np.uint64(0)
                    tie_access[ties], tie_stair[ties] = a, i
                    ties += np.uint64(1)
                    break
        if ties == 0:
            continue
        leave_s[home] = best
        # Among the journeys that leave then: fewest rides, then least walking.
        fewest, least, where = max_rides + 1, np.int64(INF), -1
        for tie in range(ties):
            a = tie_access[tie]
            stop, walk = access_stop[a], access_s[a]
            budget = max_walk_s - walk if access_counts else max_walk_s
            base, k = first[stop] - shift[stop], stair_label[tie_stair[tie]]
            while k > shift[stop] and dep_time[base + k - 1] == best + walk:
                k -= 1
            while k < shift[stop + 1] and dep_time[base + k] == best + walk:
                for ride in range(max_rides):
                    after = label[ride, k]
                    if after <= budget:
                        if ride + 1 < fewest or (ride + 1 == fewest and walk + after < least):
                            fewest, least, where = ride + 1, walk + after, stop
                        break
                k += 1
        rides[home], walk_s[home], board[home] = fewest, least, where
    return leave_s, rides, walk_s, board
