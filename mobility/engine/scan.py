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

from typing import Any

import numpy as np

from mobility.base.kernels import entry, entry_maker
from mobility.timetable.arrays import INF

Array = Any
# Of the type of what it is compared with: each pair of types has its own `max`, compiled.
_NEVER = np.int32(-INF)


@entry_maker
def lower_bound(times, low, high, value):  # type: ignore[no-untyped-def]
    """Return the first index in ``low:high`` of the sorted ``times`` not below ``value``."""
    while low < high:
        middle = (low + high) // 2
        if times[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@entry
def _scan(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0913, PLR0915
    run_ptr, call_stop, call_arr, call_dep, call_alight, call_pos,
    foot_ptr, foot_stop, foot_walk_s, foot_need_s, into_ptr, into_stop, into_walk_s, into_need_s,
    dep_time, run_lo, run_hi, egress_s, egress_counts, earliest_s, deadline_s, max_walk_s,
    max_wait_s, max_rides, ceiling, by_call, by_stop, log, log_ptr, first, shift,
):  # fmt: skip
    """Write ``first`` and ``shift`` of `scan_rides`, and what each ride lowered in ``log``.

    Parameters
    ----------
    ceiling
        More walking than any limit, or ``INF``.
    by_call, by_stop
        Scratch: int32[7, C+R], of the C calls of the R runs, and int32[11, S+2].
    log, log_ptr
        int32[3, C * max_rides] stops, positions and walking; int64[max_rides+1], 0 on entry:
        where each ride begins.
    """
    n_stops, one = foot_ptr.size - 1, np.uint32(1)
    base = run_ptr[run_lo]
    # Least walking from each call of these runs with the rides so far, and what was lowered,
    # ride by ride (``log_ptr``).
    current = by_call[0]
    for k in range(current.size):
        current[k] = INF
    log_stop, log_pos, log_walk = log[0], log[1], log[2]
    # The calls inside the window, run by run and each run from its last call on: the call,
    # its arrival, and the stop if one may alight there. ``closed`` ends each run, and takes the
    # place of the stop where one more ride serves nobody, there or further back.
    ahead_call, ahead_arr, ahead_stop, chosen = by_call[3], by_call[4], by_call[5], by_call[6]
    aboard_only, closed = n_stops, n_stops + 1
    # What the last ride lowered, by stop: departures at positions ``low:high`` of the stop-major
    # order, their labels from ``place`` on in ``fresh``, and in ``least`` the least from each
    # on; ``floor`` is the least of all of a stop, ``later`` its last time.
    stops, low, high, place = by_stop[0], by_stop[1], by_stop[2], by_stop[3]
    floor, later = by_stop[4], by_stop[5]
    fresh, least = by_call[1], by_call[2]
    # All positions that any ride lowered, by stop.
    first_pos, end_pos = by_stop[6], by_stop[7]
    # The least that alighting at a stop can bring, and between which times.
    hope, since, until = by_stop[8], by_stop[9], by_stop[10]
    hope[aboard_only], hope[closed] = INF, INF
    until[aboard_only], until[closed] = -INF, -INF
    for stop in range(n_stops):
        walk = egress_s[stop]
        first_pos[stop], end_pos[stop] = INF, 0
        since[stop] = max(_NEVER, deadline_s - walk - max_wait_s)
        until[stop] = max(_NEVER, deadline_s - walk)
        if walk < INF and not egress_counts:
            walk = 0
        hope[stop] = walk if walk <= max_walk_s else INF

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
            here, pos = np.uint32(log_stop[i]), np.int64(log_pos[i])
            if high[here] == 0:
                stops[count] = here
                count += np.uint64(1)
            low[here] = min(low[here], pos)
            high[here] = max(high[here], pos + 1)
            floor[here] = min(floor[here], np.int64(log_walk[i]))
        filled = 0
        for j in range(count):
            here = np.uint32(stops[j])
            place[here] = filled
            filled += high[here] - low[here]
            first_pos[here] = min(first_pos[here], np.int64(low[here]))
            end_pos[here] = max(end_pos[here], np.int64(high[here]))
        for k in range(filled):
            fresh[k] = INF
        for i in range(begun, logged):
            here = np.uint32(log_stop[i])
            fresh[np.uint64(place[here] + log_pos[i] - low[here])] = log_walk[i]
        for j in range(count):
            here = np.uint32(stops[j])
            after = np.int64(INF)
            for k in range(place[here] + high[here] - low[here] - 1, place[here] - 1, -1):
                after = min(fresh[k], after)
                least[k] = after
            last = dep_time[np.uint64(high[here] - 1)]
            later[here] = last
            for foot in range(np.uint64(into_ptr[here]), np.uint64(into_ptr[here + one])):
                walk = into_walk_s[foot] + after
                if walk > max_walk_s:
                    break
                other = np.uint32(into_stop[foot])
                hope[other] = min(hope[other], walk)
                until[other] = max(until[other], np.int64(last - into_need_s[foot]))

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
                    bound = min(current[slot - np.uint64(1)], aboard)
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
        here, pos = np.uint32(log_stop[i]), np.int64(log_pos[i])
        first_pos[here] = min(first_pos[here], pos)
        end_pos[here] = max(end_pos[here], pos + 1)
    shift[0] = 0
    for stop in range(n_stops):
        labelled = end_pos[stop] > 0
        first[stop] = first_pos[stop] if labelled else 0
        shift[stop + 1] = shift[stop] + (end_pos[stop] - first_pos[stop] if labelled else 0)


@entry
def _labels(log, log_ptr, first, shift, label):  # type: ignore[no-untyped-def]
    """Write ``label`` of `scan_rides` from what each ride lowered."""
    for ride in range(label.shape[0]):
        for k in range(label.shape[1]):
            label[ride, k] = label[ride - 1, k] if ride > 0 else INF
        for i in range(np.uint64(log_ptr[ride]), np.uint64(log_ptr[ride + 1])):
            here = np.uint32(log[0, i])
            label[ride, np.uint64(shift[here] + log[1, i] - first[here])] = log[2, i]


def scan_rides(
    arrays: tuple[Array, ...], run_lo: int, run_hi: int, egress_s: Array, egress_counts: bool,
    earliest_s: int, deadline_s: int, max_walk_s: int, max_wait_s: int, max_rides: int,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Label the departures of one time window.

    The arrays that kernels write are made here: numba takes as long again to compile what makes
    them.

    Parameters
    ----------
    arrays
        ``run_ptr``, ``call_stop``, ``call_arr``, ``call_dep``, ``call_alight``, ``call_pos``,
        ``feet``, ``foot_into`` and ``dep_time`` of `mobility.timetable.arrays.Timetable`; more
        footpaths in ``foot_into`` do no harm.
    run_lo, run_hi
        Range of runs that may have a call inside the window.
    egress_s : int32[S]
        Walk from each stop to the nearest gate, seconds; ``INF`` where there is none.
    egress_counts
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
    run_ptr, foot_ptr = arrays[0], arrays[6]
    n_stops, size = foot_ptr.size - 1, int(run_ptr[run_hi] - run_ptr[run_lo])
    by_call = np.empty((7, size + run_hi - run_lo), np.int32)
    by_stop = np.empty((11, n_stops + 2), np.int32)
    log, log_ptr = np.empty((3, size * max_rides), np.int32), np.zeros(max_rides + 1, np.int64)
    first, shift = np.empty(n_stops, np.int64), np.empty(n_stops + 1, np.int64)
    _scan(
        *arrays, run_lo, run_hi, egress_s, egress_counts, earliest_s, deadline_s, max_walk_s,
        max_wait_s, max_rides, min(max_walk_s + 1, INF), by_call, by_stop, log, log_ptr,
        first, shift,
    )  # type: ignore[no-untyped-call,call-arg]  # fmt: skip
    label = np.empty((max_rides, int(shift[n_stops])), np.int32)
    _labels(log, log_ptr, first, shift, label)  # type: ignore[no-untyped-call]
    return first, shift, label


@entry
def _reach(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0913
    first, shift, label, dep_time, access_ptr, access_stop, access_s, access_counts, earliest_s,
    max_walk_s, newest, tied, leave_s, rides, walk_s, board,
):  # fmt: skip
    """Write what `reach_homes` returns; ``newest``, int32[S], ``tied``, int64[2, A]: scratch."""
    n_stops, one = shift.size - 1, np.uint32(1)
    max_rides = label.shape[0]
    last = label[max_rides - 1]
    # No departure of a stop that leads to the gate leaves after ``newest``.
    latest = np.int64(-INF)
    for stop in range(n_stops):
        newest[stop] = -INF
        if shift[stop + 1] > shift[stop]:
            newest[stop] = dep_time[first[stop] + shift[stop + 1] - shift[stop] - 1]
            latest = max(newest[stop], latest)
    # Of the journeys of a home that leave latest: the walk to the stop and the departure.
    tie_access, tie_label = tied[0], tied[1]
    for home in range(access_ptr.size - 1):
        leave_s[home], rides[home], walk_s[home], board[home] = INF, 0, INF, -1
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


def reach_homes(
    first: Array, shift: Array, label: Array, dep_time: Array, access_ptr: Array,
    access_stop: Array, access_s: Array, access_counts: bool, earliest_s: int, max_walk_s: int,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """Look up, for every home, the latest time of leaving it.

    Parameters
    ----------
    first, shift, label
        Result of `scan_rides`.
    dep_time
        Departures in the timetable's stop-major order, axis seconds.
    access_ptr, access_stop, access_s
        Walks from homes to stops (CSR by home, rows sorted by seconds).
    access_counts
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
    n_homes = access_ptr.size - 1
    leave_s, walk_s = np.empty(n_homes, np.int32), np.empty(n_homes, np.int32)
    rides, board = np.empty(n_homes, np.int8), np.empty(n_homes, np.int32)
    # No memory is taken of what is not written to: a home has few ties.
    newest, tied = np.empty(shift.size - 1, np.int32), np.empty((2, access_stop.size), np.int64)
    _reach(
        first, shift, label, dep_time, access_ptr, access_stop, access_s, access_counts,
        earliest_s, min(max_walk_s, INF - 1), newest, tied, leave_s, rides, walk_s, board,
    )  # type: ignore[no-untyped-call]  # fmt: skip
    return leave_s, rides, walk_s, board
