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
    # The calls inside the window, run by run and each run from its last call on: the call,
    # its arrival, and the stop if one may alight there. ``closed`` ends each run, and takes the
    # place of the stop where one more ride serves nobody, there or further back.
    ahead_call = np.empty(size + run_hi - run_lo, np.int32)
    ahead_arr = np.empty(size + run_hi - run_lo, np.int32)
    ahead_stop = np.empty(size + run_hi - run_lo, np.int32)
    chosen = np.empty(size + run_hi - run_lo, np.int32)
    aboard_only, closed = n_stops, n_stops + 1
    # What the last ride lowered, by stop: departures at positions ``low:high`` of the stop-major
    # order, their labels from ``place`` on in ``fresh``, and in ``least`` the least from each
    # on; ``floor`` is the least of all of a stop, ``later`` its last time.
    stops = np.empty(n_stops, np.int32)
    low = np.empty(n_stops, np.int32)
    high = np.empty(n_stops, np.int32)
    place = np.empty(n_stops, np.int32)
    floor = np.empty(n_stops, np.int32)
    later = np.empty(n_stops, np.int32)
    fresh = np.empty(size, np.int32)
    least = np.empty(size, np.int32)
    # All positions that any ride lowered, by stop.
    first_pos = np.full(n_stops, INF, np.int32)
    end_pos = np.zeros(n_stops, np.int32)
    # The least that alighting at a stop can bring, and between which times.
    hope = np.full(n_stops + 2, INF, np.int32)
    since = np.empty(n_stops, np.int32)
    until = np.full(n_stops + 2, -INF, np.int32)
    for stop in range(n_stops):
        walk = egress_s[stop]
        since[stop] = max(deadline_s - walk - max_wait_s, -INF)
        until[stop] = max(deadline_s - walk, -INF)
        if walk < INF and not egress_counts:
            walk = 0
        hope[stop] = walk if walk <= max_walk_s else INF
    ceiling = min(max_walk_s + 1, INF)

    # The last ride goes to the gate, where both times are exact.
    logged, n_ahead = np.uint64(0), np.uint64(0)
    for run in range(run_lo, run_hi):
        call, begin = np.int64(run_ptr[run + 1] - 1), np.int64(run_ptr[run])
        if call_dep[begin] > deadline_s:
            continue
        aboard, served = np.int64(ceiling), False  # least walking of a passenger aboard
        while call >= begin and call_dep[np.uint64(call)] >= earliest_s:
            at = np.uint64(call)
            here = np.uint32(call_stop[at])
            if aboard < ceiling:
                pos = call_pos[at]
                if pos >= 0:
                    current[np.uint64(call - base)] = aboard
                    log_stop[logged], log_pos[logged] = here, pos
                    log_walk[logged] = aboard
                    logged += np.uint64(1)
                    # Whoever boards here stays within the limit however far they walked since
                    # ``earliest_s``; nobody needs one ride more, here or further back.
                    served |= aboard + call_dep[at] - earliest_s <= max_walk_s
            if not served:
                ahead_call[n_ahead], ahead_arr[n_ahead] = call, call_arr[at]
                ahead_stop[n_ahead] = here if call_alight[at] and call > begin else aboard_only
                n_ahead += np.uint64(1)
            if (
                hope[here] < aboard
                and since[here] <= call_arr[at] <= until[here]
                and call_alight[at]
            ):
                aboard = np.int64(hope[here])
            call -= 1
        ahead_stop[n_ahead], ahead_arr[n_ahead] = closed, 0
        n_ahead += np.uint64(1)
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
            here, pos = np.uint32(log_stop[i]), log_pos[i]
            if high[here] == 0:
                stops[count] = here
                count += np.uint64(1)
            low[here] = min(low[here], pos)
            high[here] = max(high[here], pos + 1)
            floor[here] = min(floor[here], log_walk[i])
        filled = 0
        for j in range(count):
            here = np.uint32(stops[j])
            place[here] = filled
            filled += high[here] - low[here]
            first_pos[here] = min(first_pos[here], low[here])
            end_pos[here] = max(end_pos[here], high[here])
        for k in range(filled):
            fresh[k] = INF
        for i in range(begun, logged):
            here = np.uint32(log_stop[i])
            fresh[np.uint64(place[here] + log_pos[i] - low[here])] = log_walk[i]
        for j in range(count):
            here = np.uint32(stops[j])
            after = np.int64(INF)
            for k in range(place[here] + high[here] - low[here] - 1, place[here] - 1, -1):
                after = min(after, fresh[k])
                least[k] = after
            last = dep_time[np.uint64(high[here] - 1)]
            later[here] = last
            for foot in range(np.uint64(into_ptr[here]), np.uint64(into_ptr[here + one])):
                walk = into_walk_s[foot] + after
                if walk > max_walk_s:
                    break
                other = np.uint32(into_stop[foot])
                hope[other] = min(hope[other], walk)
                until[other] = max(until[other], last - into_need_s[foot])

        n_chosen = np.uint64(0)
        for i in range(n_ahead):
            chosen[n_chosen] = i
            n_chosen += np.uint64(ahead_arr[i] <= until[np.uint32(ahead_stop[i])])
        done = np.uint64(0)
        for j in range(n_chosen):
            p = np.uint64(chosen[j])
            if p < done:
                continue
            aboard, served = np.int64(ceiling), False
            spot = np.uint32(ahead_stop[p])
            while spot != closed:
                at = np.uint64(ahead_call[p])
                slot = at - np.uint64(base)
                if aboard < ceiling and aboard < current[slot]:
                    pos = call_pos[at]
                    if pos >= 0:
                        current[slot] = aboard
                        log_stop[logged], log_pos[logged] = call_stop[at], pos
                        log_walk[logged] = aboard
                        logged += np.uint64(1)
                        served |= aboard + call_dep[at] - earliest_s <= max_walk_s
                if served:
                    ahead_stop[p] = closed
                arrival = ahead_arr[p]
                if hope[spot] < aboard and arrival <= until[spot]:
                    # An earlier boarding of this run may do as well with fewer rides.
                    bound = min(aboard, np.int64(current[slot - np.uint64(1)]))
                    if hope[spot] < bound:
                        feet = np.uint64(foot_ptr[spot]), np.uint64(foot_ptr[spot + one])
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
                            left, right = np.uint64(low[there]), np.uint64(high[there])
                            n = right - left
                            while n > np.uint64(1):
                                half = n >> np.uint64(1)
                                early = dep_time[left + half - np.uint64(1)] < soonest
                                left += half if early else np.uint64(0)
                                n -= half
                            left += np.uint64(dep_time[left] < soonest)
                            entry = np.uint64(place[there]) + left - np.uint64(low[there])
                            while (
                                left < right
                                and walk + least[entry] < bound
                                and dep_time[left] <= latest
                            ):
                                if walk + fresh[entry] < bound:
                                    bound = walk + fresh[entry]
                                    aboard = bound
                                left += np.uint64(1)
                                entry += np.uint64(1)
                p += np.uint64(1)
                if aboard == ceiling:
                    break
                spot = np.uint32(ahead_stop[p])
            done = p
        log_ptr[ride + 1] = logged

    # All labels by stop, from the first to the last departure that has one.
    for i in range(np.uint64(log_ptr[max_rides - 1]), logged):
        here, pos = np.uint32(log_stop[i]), log_pos[i]
        first_pos[here] = min(first_pos[here], pos)
        end_pos[here] = max(end_pos[here], pos + 1)
    first = np.zeros(n_stops, np.int64)
    shift = np.zeros(n_stops + 1, np.int64)
    for stop in range(n_stops):
        width = max(end_pos[stop] - first_pos[stop], 0)
        first[stop] = first_pos[stop] if width > 0 else 0
        shift[stop + 1] = shift[stop] + width
    total = shift[n_stops]
    label = np.empty((max_rides, total), np.int32)
    for ride in range(max_rides):
        for k in range(total):
            label[ride, k] = label[ride - 1, k] if ride > 0 else INF
        for i in range(np.uint64(log_ptr[ride]), np.uint64(log_ptr[ride + 1])):
            here = np.uint32(log_stop[i])
            label[ride, np.uint64(shift[here] + log_pos[i] - first[here])] = log_walk[i]
    return first, shift, label


@njit(cache=True, nogil=True)
def reach_homes(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912
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
    n_stops, one = shift.size - 1, np.uint32(1)
    max_rides = label.shape[0]
    last = label[max_rides - 1]
    max_walk_s = min(max_walk_s, INF - 1)
    # No departure of a stop that leads to the gate leaves after ``newest``.
    newest = np.full(n_stops, -INF, np.int32)
    latest = np.int64(-INF)
    for stop in range(n_stops):
        if shift[stop + 1] > shift[stop]:
            newest[stop] = dep_time[first[stop] + shift[stop + 1] - shift[stop] - 1]
            latest = max(latest, newest[stop])

    n_homes, longest = access_ptr.size - 1, 0
    for home in range(n_homes):
        longest = max(longest, access_ptr[home + 1] - access_ptr[home])
    leave_s = np.full(n_homes, INF, np.int32)
    rides = np.zeros(n_homes, np.int8)
    walk_s = np.full(n_homes, INF, np.int32)
    board = np.full(n_homes, -1, np.int32)
    # Of the journeys of a home that leave latest: the walk to the stop and the departure.
    tie_access = np.empty(longest, np.int64)
    tie_label = np.empty(longest, np.int64)
    for home in range(n_homes):
        best, ties = np.int64(earliest_s), np.uint64(0)
        for a in range(np.uint64(access_ptr[home]), np.uint64(access_ptr[home + 1])):
            walk = access_s[a]
            if latest - walk < best:
                break
            here = np.uint32(access_stop[a])
            if newest[here] - walk < best:
                continue
            budget = max_walk_s - walk if access_counts else max_walk_s
            base, k = first[here] - shift[here], shift[here + one]
            while k > shift[here]:
                k -= 1
                leave = dep_time[np.uint64(base + k)] - walk
                if leave < best:
                    break
                if last[np.uint64(k)] <= budget:
                    if leave > best:
                        best, ties = np.int64(leave), np.uint64(0)
                    tie_access[ties], tie_label[ties] = a, k
                    ties += np.uint64(1)
                    break
        if ties == 0:
            continue
        leave_s[home] = best
        # Among the journeys that leave then: fewest rides, then least walking.
        fewest, least = max_rides + 1, np.int64(INF)
        for tie in range(ties):
            way = np.uint64(tie_access[tie])
            here, walk = np.uint32(access_stop[way]), access_s[way]
            budget = max_walk_s - walk if access_counts else max_walk_s
            base, k = first[here] - shift[here], tie_label[tie]
            while k > shift[here] and dep_time[np.uint64(base + k - 1)] == best + walk:
                k -= 1
            while k < shift[here + one] and dep_time[np.uint64(base + k)] == best + walk:
                ride = np.int64(1)
                for fewer in range(max_rides):
                    ride += label[fewer, np.uint64(k)] > budget
                if ride <= max_rides:
                    whole = walk + label[ride - 1, np.uint64(k)]
                    if ride < fewest or (ride == fewest and whole < least):
                        fewest, least = ride, whole
                        rides[home], walk_s[home], board[home] = ride, whole, here
                k += 1
    return leave_s, rides, walk_s, board
