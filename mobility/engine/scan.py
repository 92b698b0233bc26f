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
    # Least walking from each call of these runs with the rides so far, and the calls it was
    # lowered for, ride by ride (``log_ptr``).
    current = np.full(size, INF, np.int32)
    log_ptr = np.zeros(max_rides + 1, np.int64)
    log_call = np.empty(size * max_rides, np.int32)
    log_walk = np.empty(size * max_rides, np.int32)
    # Departures that the last ride lowered, by stop: positions ``low:high`` of the stop-major
    # order, their labels from ``place`` on in ``fresh``, and in ``least`` the least from each
    # on; ``floor`` is the least of all of a stop.
    stops = np.empty(n_stops, np.int32)
    low = np.empty(n_stops, np.int32)
    high = np.empty(n_stops, np.int32)
    place = np.empty(n_stops, np.int64)
    floor = np.empty(n_stops, np.int32)
    fresh = np.empty(size, np.int32)
    least = np.empty(size, np.int32)
    # The least that alighting at a stop can bring, and between which times; ``since`` is told
    # for the gate alone, where it is exact.
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

    logged = 0
    for ride in range(max_rides):
        for run in range(run_lo, run_hi):
            call = run_ptr[run + 1] - 1
            begin = run_ptr[run]
            if call_dep[begin] > deadline_s:
                continue
            aboard = ceiling  # least walking of a passenger aboard after this call
            while call >= begin and call_dep[np.uint64(call)] >= earliest_s:
                at = np.uint64(call)
                slot = np.uint64(call - base)
                # Whoever boards here with fewer rides stays within the limit however far they
                # walked since ``earliest_s``; nobody needs one ride more, here or further back.
                if current[slot] + call_dep[at] - earliest_s <= max_walk_s:
                    break
                if aboard < current[slot] and aboard < ceiling and call_pos[at] >= 0:
                    current[slot] = aboard
                    log_call[logged] = call
                    log_walk[logged] = aboard
                    logged += 1
                here = np.uint32(call_stop[at])
                arrival = call_arr[at]
                if (
                    hope[here] < aboard
                    and since[here] <= arrival <= until[here]
                    and call_alight[at]
                ):
                    bound = aboard
                    if ride == 0:
                        aboard = hope[here]
                    elif call > begin:
                        # An earlier boarding of this run may do as well with fewer rides.
                        bound = min(bound, current[slot - np.uint64(1)])
                    if ride > 0 and hope[here] < bound:
                        feet = np.uint64(foot_ptr[here]), np.uint64(foot_ptr[here + one])
                        for foot in range(*feet):
                            walk = foot_walk_s[foot]
                            if walk >= bound:
                                break
                            there = np.uint32(foot_stop[foot])
                            if walk + floor[there] >= bound:
                                continue
                            soonest = arrival + foot_need_s[foot]
                            if dep_time[high[there] - 1] < soonest:
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
        log_ptr[ride + 1] = logged
        if log_ptr[ride] == logged or ride + 1 == max_rides:
            for later in range(ride + 1, max_rides):
                log_ptr[later + 1] = logged
            break
        for stop in range(n_stops):
            low[stop] = INF
            high[stop] = 0
            floor[stop] = INF
            hope[stop] = INF
            since[stop] = -INF
            until[stop] = -INF
        count = 0
        for i in range(log_ptr[ride], logged):
            call = log_call[i]
            stop = call_stop[call]
            if high[stop] == 0:
                stops[count] = stop
                count += 1
            low[stop] = min(low[stop], call_pos[call])
            high[stop] = max(high[stop], call_pos[call] + 1)
            floor[stop] = min(floor[stop], log_walk[i])
        filled = 0
        for j in range(count):
            stop = stops[j]
            place[stop] = filled
            filled += high[stop] - low[stop]
        for k in range(filled):
            fresh[k] = INF
        for i in range(log_ptr[ride], logged):
            call = log_call[i]
            stop = call_stop[call]
            fresh[place[stop] + call_pos[call] - low[stop]] = log_walk[i]
        for j in range(count):
            stop = stops[j]
            after = INF
            for k in range(place[stop] + high[stop] - low[stop] - 1, place[stop] - 1, -1):
                after = min(after, fresh[k])
                least[k] = after
            later = dep_time[high[stop] - 1]
            for foot in range(into_ptr[stop], into_ptr[stop + 1]):
                walk = into_walk_s[foot]
                if walk + after > max_walk_s:
                    break
                other = into_stop[foot]
                hope[other] = min(hope[other], walk + after)
                until[other] = max(until[other], later - into_need_s[foot])

    # All labels by stop, from the first to the last departure that has one.
    for stop in range(n_stops):
        low[stop] = INF
        high[stop] = 0
    for i in range(logged):
        call = log_call[i]
        stop = call_stop[call]
        low[stop] = min(low[stop], call_pos[call])
        high[stop] = max(high[stop], call_pos[call] + 1)
    first = np.zeros(n_stops, np.int64)
    shift = np.zeros(n_stops + 1, np.int64)
    for stop in range(n_stops):
        width = 0
        if high[stop] > 0:
            first[stop] = low[stop]
            width = high[stop] - low[stop]
        shift[stop + 1] = shift[stop] + width
    label = np.full((max_rides, shift[n_stops]), INF, np.int32)
    for ride in range(max_rides):
        for i in range(log_ptr[ride], log_ptr[ride + 1]):
            call = log_call[i]
            stop = call_stop[call]
            k = shift[stop] + call_pos[call] - first[stop]
            for later in range(ride, max_rides):
                label[later, k] = log_walk[i]
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
    newest = np.full(n_stops, -INF, np.int32)
    size, latest = 0, -INF
    for stop in range(n_stops):
        stair_ptr[stop] = size
        base = first[stop] - shift[stop]
        best = max_walk_s + 1
        for k in range(shift[stop + 1] - 1, shift[stop] - 1, -1):
            if last[k] < best:
                best = last[k]
                stair_dep[size] = dep_time[base + k]
                stair_walk[size] = best
                size += 1
        if size > stair_ptr[stop]:
            newest[stop] = stair_dep[stair_ptr[stop]]
            latest = max(latest, newest[stop])
    stair_ptr[n_stops] = size

    n_homes = access_ptr.size - 1
    leave_s = np.full(n_homes, INF, np.int32)
    rides = np.zeros(n_homes, np.int8)
    walk_s = np.full(n_homes, INF, np.int32)
    board = np.full(n_homes, -1, np.int32)
    for home in range(n_homes):
        best = earliest_s - 1
        for a in range(access_ptr[home], access_ptr[home + 1]):
            walk = access_s[a]
            if latest - walk <= best or (access_counts and walk > max_walk_s):
                break
            stop = access_stop[a]
            if newest[stop] - walk <= best:
                continue
            budget = max_walk_s - walk if access_counts else max_walk_s
            for i in range(stair_ptr[stop], stair_ptr[stop + 1]):
                if stair_dep[i] - walk <= best:
                    break
                if stair_walk[i] <= budget:
                    best = stair_dep[i] - walk
                    break
        if best < earliest_s:
            continue
        leave_s[home] = best
        # Among the journeys that leave then: fewest rides, then least walking.
        rides[home] = max_rides + 1
        for a in range(access_ptr[home], access_ptr[home + 1]):
            walk = access_s[a]
            if latest - walk < best or (access_counts and walk > max_walk_s):
                break
            stop = access_stop[a]
            if newest[stop] - walk < best:
                continue
            base = first[stop] - shift[stop]
            k = lower_bound(dep_time, first[stop], base + shift[stop + 1], best + walk) - base
            while k < shift[stop + 1] and dep_time[base + k] == best + walk:
                for ride in range(max_rides):
                    after = label[ride, k]
                    whole = walk + after
                    if after < INF and (whole if access_counts else after) <= max_walk_s:
                        if ride + 1 < rides[home] or (
                            ride + 1 == rides[home] and whole < walk_s[home]
                        ):
                            rides[home] = ride + 1
                            walk_s[home] = whole
                            board[home] = stop
                        break
                k += 1
    return leave_s, rides, walk_s, board
