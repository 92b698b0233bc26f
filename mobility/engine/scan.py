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
"""

from __future__ import annotations

import numpy as np
from numba import njit

from mobility.network.timetable import INF


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
    dep_ptr,
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
    run_ptr, call_*, foot_*, dep_*
        Arrays of `mobility.network.timetable.Timetable`.
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
    n_stops = dep_ptr.size - 1
    first = np.empty(n_stops, np.int64)
    shift = np.empty(n_stops + 1, np.int64)
    total = 0
    for stop in range(n_stops):
        low = lower_bound(dep_time, dep_ptr[stop], dep_ptr[stop + 1], earliest_s)
        first[stop] = low
        shift[stop] = total
        total += lower_bound(dep_time, low, dep_ptr[stop + 1], deadline_s + 1) - low
    shift[n_stops] = total
    label = np.full((max_rides, total), INF, np.int32)
    # Departures whose label the last ride lowered, by stop: changes into others were tried.
    # ``floor`` is the least of them at a stop, ``hope`` the least that a change from it brings.
    floor = np.full(n_stops, INF, np.int32)
    hope = np.full(n_stops, INF, np.int32)
    fresh_ptr = np.zeros(n_stops + 1, np.int64)
    fresh_time = np.empty(total, np.int32)
    fresh_walk = np.empty(total, np.int32)

    for ride in range(max_rides):
        # Copied one by one: an assignment of rows takes numba two seconds more to compile.
        for k in range(total if ride > 0 else 0):
            label[ride, k] = label[ride - 1, k]
        previous = label[ride - 1] if ride > 0 else label[0]
        current = label[ride]
        improved = False
        for run in range(run_lo, run_hi):
            call = run_ptr[run + 1] - 1
            begin = run_ptr[run]
            if call_dep[begin] > deadline_s:
                continue
            aboard = INF  # least walking of a passenger aboard after this call
            while call >= begin and call_dep[call] >= earliest_s:
                stop = call_stop[call]
                position = call_pos[call]
                if aboard < INF and position >= 0:
                    k = position - first[stop]
                    if 0 <= k < shift[stop + 1] - shift[stop] and aboard < current[shift[stop] + k]:
                        current[shift[stop] + k] = aboard
                        improved = True
                arrival = call_arr[call]
                if call_alight[call] and arrival <= deadline_s:
                    if ride == 0:
                        walk = egress_s[stop]
                        gate = arrival + walk
                        if gate <= deadline_s and deadline_s - gate <= max_wait_s:
                            if not egress_counts:
                                walk = 0
                            if walk <= max_walk_s and walk < aboard:
                                aboard = walk
                    else:
                        bound = min(aboard, max_walk_s + 1)
                        if hope[stop] >= bound:
                            call -= 1
                            continue
                        if call > begin:
                            # An earlier boarding of this run already does as well with fewer rides.
                            position = call_pos[call - 1]
                            if position >= 0:
                                before = call_stop[call - 1]
                                k = position - first[before]
                                if 0 <= k < shift[before + 1] - shift[before]:
                                    bound = min(bound, previous[shift[before] + k])
                        for foot in range(foot_ptr[stop], foot_ptr[stop + 1]):
                            walk = foot_walk_s[foot]
                            if walk >= bound:
                                break
                            other = foot_stop[foot]
                            if walk + floor[other] >= bound:
                                continue
                            low, high = fresh_ptr[other], fresh_ptr[other + 1]
                            soonest = arrival + foot_need_s[foot]
                            latest = arrival + walk + max_wait_s
                            if fresh_time[high - 1] < soonest or fresh_time[low] > latest:
                                continue
                            left = lower_bound(fresh_time, low, high, soonest)
                            least = walk + floor[other]
                            while left < high and fresh_time[left] <= latest:
                                value = walk + fresh_walk[left]
                                if value < bound:
                                    bound = value
                                    aboard = value
                                    if value == least:
                                        break
                                left += 1
                call -= 1
        if not improved:
            for later in range(ride + 1, max_rides):
                for k in range(total):
                    label[later, k] = label[ride, k]
            break
        size = 0
        for stop in range(n_stops):
            fresh_ptr[stop] = size
            low_label = INF
            base = first[stop] - shift[stop]
            for k in range(shift[stop], shift[stop + 1]):
                if current[k] < INF and (ride == 0 or current[k] < previous[k]):
                    low_label = min(low_label, current[k])
                    fresh_time[size] = dep_time[base + k]
                    fresh_walk[size] = current[k]
                    size += 1
            floor[stop] = low_label
        fresh_ptr[n_stops] = size
        for stop in range(n_stops):
            least = INF
            for foot in range(foot_ptr[stop], foot_ptr[stop + 1]):
                if foot_walk_s[foot] >= least:
                    break
                least = min(least, foot_walk_s[foot] + floor[foot_stop[foot]])
            hope[stop] = least
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
    n_stops = shift.size - 1
    max_rides, total = label.shape
    last = label[max_rides - 1]
    # Per stop, departures from late to early, kept only where they need less walking.
    stair_ptr = np.empty(n_stops + 1, np.int64)
    stair_dep = np.empty(total, np.int32)
    stair_walk = np.empty(total, np.int32)
    size = 0
    newest = -INF
    for stop in range(n_stops):
        stair_ptr[stop] = size
        base = first[stop] - shift[stop]
        best = max_walk_s + 1
        for k in range(shift[stop + 1] - 1, shift[stop] - 1, -1):
            if last[k] < best:
                best = last[k]
                stair_dep[size] = dep_time[base + k]
                stair_walk[size] = best
                newest = max(newest, stair_dep[size])
                size += 1
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
            if newest - walk <= best or (access_counts and walk > max_walk_s):
                break
            budget = max_walk_s - walk if access_counts else max_walk_s
            stop = access_stop[a]
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
            if newest - walk < best or (access_counts and walk > max_walk_s):
                break
            stop = access_stop[a]
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
