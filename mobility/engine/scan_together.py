"""The scan kernel for sixteen questions at once: other gates, other deadlines, the same limits.

What `mobility.engine.scan` finds, question by question, in as many lanes: where a call, a footpath
or a walk from home matters to one question, it often does to its neighbours, and what they share is
read once. Lanes that are not asked have a deadline before all time.

Labels are kept as a log of what each ride lowered, by departure; nothing else of a question is
written down, so that itineraries, which need the labels, ask `mobility.engine.scan`.
"""

from __future__ import annotations

import numpy as np

from mobility.base.kernels import entry_maker
from mobility.base.lanes import LANES, any_of, highest, least_of, load, lowest, spread, store, where
from mobility.timetable.arrays import INF

#: Rides and walking in one number that sorts by both: walking in its lower bits.
RIDE, WALKING = 1 << 24, (1 << 24) - 1


def rows_needed(n_stops: int, n_calls: int, n_runs: int) -> int:
    """Return the rows that `scan_together` takes with so many stops, calls and runs."""
    return 5 * n_stops + 5 * n_calls + n_runs


@entry_maker
def scan_together(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0913, PLR0915
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
    rows,
):
    """Label the departures of sixteen questions.

    Parameters
    ----------
    egress_s : int32[Q, S]
        Walk from each stop to the nearest gate of each question; ``INF`` where there is none.
    earliest_s, deadline_s : int32[Q]
        Window of departures, and latest arrival at the gate, of each question.
    rows : int32[N, 16]
        Room for what the kernel keeps, and returns: see `rows_needed`.
    others
        As in `mobility.engine.scan.scan_rides`; runs that may have a call in some window.

    Returns
    -------
    first : int64[S]
    shift : int64[S + 1]
        As there; of the departures that any question labels.
    least : int32[D, 16]
        Least walking with any number of rides.
    soonest : int32[D, 16]
        Fewest rides of all, and the least walking with these (`RIDE`).
    latest_log : int32[D]
        Last entry of the log of each departure.
    log_walk : int32[N, 16]
        The log: walking that a number of rides brings; ``INF`` where no less than before.
    log_before, log_ride : int32[N]
        The entry before of the same departure, -1 where none, and its number of rides.
    """
    n_stops, one = foot_ptr.size - 1, np.uint32(1)
    base = run_ptr[run_lo]
    size = run_ptr[run_hi] - base
    room = size + run_hi - run_lo
    # Rows of what is kept by stop, by departure, by call and by entry of the log.
    gates, floor, later = rows[:n_stops], rows[n_stops:], rows[2 * n_stops :]
    until_each, hope = rows[3 * n_stops :], rows[4 * n_stops :]
    fresh = rows[5 * n_stops :]
    falling = fresh[size:]
    current = falling[size:]
    log_walk = current[room : room + 2 * size]
    log_ptr = np.zeros(max_rides + 1, np.int64)
    log_stop = np.empty(2 * size, np.int32)
    log_pos = np.empty(2 * size, np.int32)
    # The calls inside a window, as in `scan_rides`. ``current`` is the least walking from each with
    # the rides so far; -1 where a question has no use for less.
    ahead_call = np.empty(room, np.int32)
    ahead_arr = np.empty(room, np.int32)
    ahead_stop = np.empty(room, np.int32)
    chosen = np.empty(room, np.int32)
    aboard_only, closed = n_stops, n_stops + 1
    stops = np.empty(n_stops, np.int32)
    low = np.empty(n_stops, np.int32)
    high = np.empty(n_stops, np.int32)
    place = np.empty(n_stops, np.int32)
    first_pos = np.full(n_stops, INF, np.int32)
    end_pos = np.zeros(n_stops, np.int32)
    until = np.full(n_stops + 2, -INF, np.int32)
    # Lanes without a question have a window that begins after all time, and ends before it.
    early_each, due_each = np.full((1, LANES), INF, np.int32), np.full((1, LANES), -INF, np.int32)
    ceiling = np.int64(min(max_walk_s + 1, INF))
    none, useless = spread(ceiling), spread(-1)
    for stop in range(n_stops):
        store(gates, stop, spread(INF))
    for q in range(earliest_s.size):
        early_each[0, q], due_each[0, q] = earliest_s[q], deadline_s[q]
        for stop in range(n_stops):
            if egress_s[q, stop] < INF:
                gates[stop, q] = egress_s[q, stop]
    early, due = load(early_each, 0), load(due_each, 0)
    since = due - min(max_wait_s, INF)
    # When the first window begins, and the last one ends.
    begins, ends = np.int64(least_of(early)), -np.int64(least_of(spread(0) - due))
    for stop in range(n_stops):
        walk = load(gates, stop)
        if any_of(walk < INF):
            until[stop] = ends - np.int64(least_of(walk))
        counted = walk if egress_counts else where(walk < INF, spread(0), walk)
        store(hope, stop, where(counted < ceiling, counted, spread(INF)))

    # The last ride goes to the gate, where both times are exact.
    logged, n_ahead = np.uint64(0), np.uint64(0)
    for run in range(run_lo, run_hi):
        call, begin = np.int64(run_ptr[run + 1] - 1), np.int64(run_ptr[run])
        if call_dep[begin] > ends:
            continue
        aboard, riding, sought = none, False, True
        while call >= begin and call_dep[np.uint64(call)] >= begins:
            at = np.uint64(call)
            here, pos, dep = np.uint32(call_stop[at]), call_pos[at], call_dep[at]
            kept = where(early <= dep, none, useless)
            if riding and pos >= 0:
                lowered = aboard < kept
                if any_of(lowered):
                    log_stop[logged], log_pos[logged] = here, pos
                    store(log_walk, logged, where(lowered, aboard, spread(INF)))
                    logged += np.uint64(1)
                    enough = aboard + dep - early <= max_walk_s
                    kept = where(lowered, where(enough, useless, aboard), kept)
                sought = sought and any_of(useless < kept)
            if sought:
                ahead_call[n_ahead], ahead_arr[n_ahead] = call, call_arr[at]
                ahead_stop[n_ahead] = here if call_alight[at] and call > begin else aboard_only
                store(current, n_ahead, kept)
                n_ahead += np.uint64(1)
            if call_arr[at] <= until[here] and call_alight[at]:
                gate = load(gates, here) + call_arr[at]
                in_time = (gate <= due) & (since <= gate)
                aboard = where(in_time, lowest(aboard, load(hope, here)), aboard)
                riding = any_of(aboard < ceiling)
            call -= 1
        ahead_stop[n_ahead], ahead_arr[n_ahead] = closed, 0
        store(current, n_ahead, none if sought else useless)
        n_ahead += np.uint64(1)
    log_ptr[1] = logged

    for ride in range(1, max_rides):
        begun = np.uint64(log_ptr[ride - 1])
        if begun == logged:
            log_ptr[ride + 1] = logged
            continue
        if logged + n_ahead > np.uint64(log_stop.size):
            more = np.int64(n_ahead)
            log_stop = np.concatenate((log_stop[:logged], np.empty(more, np.int32)))
            log_pos = np.concatenate((log_pos[:logged], np.empty(more, np.int32)))
            log_walk = np.concatenate((log_walk[:logged], np.empty((more, LANES), np.int32)))
        for stop in range(n_stops):
            low[stop] = INF
            high[stop] = 0
            until[stop] = -INF
            store(floor, stop, spread(INF))
            store(hope, stop, spread(INF))
            store(until_each, stop, spread(-INF))
        count = np.uint64(0)
        for i in range(begun, logged):
            here, pos = np.uint32(log_stop[i]), log_pos[i]
            if high[here] == 0:
                stops[count] = here
                count += np.uint64(1)
            low[here] = min(low[here], pos)
            high[here] = max(high[here], pos + 1)
        filled = 0
        for j in range(count):
            here = np.uint32(stops[j])
            place[here] = filled
            filled += high[here] - low[here]
            first_pos[here] = min(first_pos[here], low[here])
            end_pos[here] = max(end_pos[here], high[here])
        for k in range(filled):
            store(fresh, k, spread(INF))
        for i in range(begun, logged):
            here = np.uint32(log_stop[i])
            store(fresh, place[here] + log_pos[i] - low[here], load(log_walk, i))
        for j in range(count):
            here = np.uint32(stops[j])
            after, last = spread(INF), spread(-INF)
            for k in range(high[here] - low[here] - 1, -1, -1):
                here_s = load(fresh, place[here] + k)
                first_seen = (last < 1 - INF) & (here_s < INF)
                last = where(first_seen, spread(dep_time[np.uint64(low[here] + k)]), last)
                after = lowest(after, here_s)
                store(falling, place[here] + k, after)
            store(floor, here, after)
            store(later, here, last)
            ground = np.int64(least_of(after))
            end = dep_time[np.uint64(high[here] - 1)]
            for foot in range(np.uint64(into_ptr[here]), np.uint64(into_ptr[here + one])):
                walk = into_walk_s[foot]
                if walk + ground > max_walk_s:
                    break
                other = np.uint32(into_stop[foot])
                store(hope, other, lowest(load(hope, other), after + walk))
                need = into_need_s[foot]
                store(until_each, other, highest(load(until_each, other), last - need))
                until[other] = max(until[other], end - need)

        n_chosen = np.uint64(0)
        for i in range(n_ahead):
            chosen[n_chosen] = i
            n_chosen += np.uint64(ahead_arr[i] <= until[np.uint32(ahead_stop[i])])
        done = np.uint64(0)
        for j in range(n_chosen):
            p = np.uint64(chosen[j])
            if p < done:
                continue
            aboard, riding = none, False
            spot = np.uint32(ahead_stop[p])
            while spot != closed:
                if riding:
                    kept = load(current, p)
                    lowered = aboard < kept
                    if any_of(lowered):
                        at = np.uint64(ahead_call[p])
                        pos = call_pos[at]
                        if pos >= 0:
                            log_stop[logged], log_pos[logged] = call_stop[at], pos
                            store(log_walk, logged, where(lowered, aboard, spread(INF)))
                            logged += np.uint64(1)
                            enough = aboard + call_dep[at] - early <= max_walk_s
                            kept = where(lowered, where(enough, useless, aboard), kept)
                            store(current, p, kept)
                            if not any_of(useless < kept):
                                ahead_stop[p] = closed
                arrival = ahead_arr[p]
                if arrival <= until[spot]:
                    wished = load(hope, spot)
                    bound = lowest(aboard, load(current, p + np.uint64(1)))
                    useful = (wished < bound) & (spread(arrival) <= load(until_each, spot))
                    if any_of(useful):
                        # Only questions that may gain are looked at.
                        bound = where(useful, bound, useless)
                        most = -least_of(spread(0) - bound)
                        feet = np.uint64(foot_ptr[spot]), np.uint64(foot_ptr[spot + one])
                        for foot in range(*feet):
                            walk = foot_walk_s[foot]
                            if walk >= most:
                                break
                            there = np.uint32(foot_stop[foot])
                            soonest = arrival + foot_need_s[foot]
                            caught = load(floor, there) + walk < bound
                            if not any_of(caught & (spread(soonest) <= load(later, there))):
                                continue
                            latest = arrival + walk + max_wait_s
                            left, right = np.uint64(low[there]), np.uint64(high[there])
                            n = right - left
                            while n > np.uint64(1):
                                half = n >> np.uint64(1)
                                before = dep_time[left + half - np.uint64(1)] < soonest
                                left += half if before else np.uint64(0)
                                n -= half
                            left += np.uint64(dep_time[left] < soonest)
                            entry = np.uint64(place[there]) + left - np.uint64(low[there])
                            # No wait too long for the last departure: the least from here on.
                            whole = dep_time[right - np.uint64(1)] <= latest
                            while (
                                left < right
                                and dep_time[left] <= latest
                                and any_of(load(falling, entry) + walk < bound)
                            ):
                                found = load(falling if whole else fresh, entry) + walk
                                if any_of(found < bound):
                                    aboard = lowest(aboard, found)
                                    bound = lowest(bound, found)
                                    bound = where(wished < bound, bound, useless)
                                    most = -least_of(spread(0) - bound)
                                left += np.uint64(1)
                                entry += np.uint64(1)
                        riding = any_of(aboard < ceiling)
                p += np.uint64(1)
                if not riding:
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
    least, soonest_way = fresh, falling
    latest_log = np.full(total, -1, np.int32)
    log_before = np.empty(logged, np.int32)
    log_ride = np.empty(logged, np.int32)
    for k in range(total):
        store(least, k, spread(INF))
        store(soonest_way, k, spread(INF))
    for ride in range(max_rides):
        for i in range(np.uint64(log_ptr[ride]), np.uint64(log_ptr[ride + 1])):
            here = np.uint32(log_stop[i])
            at = np.uint64(shift[here] + log_pos[i] - first[here])
            walked = load(log_walk, i)
            store(least, at, lowest(load(least, at), walked))
            store(soonest_way, at, lowest(load(soonest_way, at), walked + (ride + 1) * RIDE))
            log_before[i], log_ride[i] = latest_log[at], ride + 1
            latest_log[at] = i
    return first, shift, least, soonest_way, latest_log, log_walk, log_before, log_ride
