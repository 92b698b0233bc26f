"""The look-up of homes for sixteen questions at once, in what `scan_together` found.

The last departure of a stop with a label answers most homes in all lanes. Where its walking is too
much for a home with the fewest rides, that home and question are looked up as
`mobility.engine.scan.reach_homes` does.
"""

from __future__ import annotations

import numpy as np

from mobility.base.kernels import entry_maker
from mobility.base.lanes import LANES, any_of, highest, least_of, load, lowest, spread, store, where
from mobility.engine.scan_together import RIDE, WALKING
from mobility.timetable.arrays import INF


@entry_maker
def reach_together(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0913, PLR0915
    first,
    shift,
    least,
    soonest_way,
    latest_log,
    log_walk,
    log_before,
    log_ride,
    dep_time,
    access_ptr,
    access_stop,
    access_s,
    access_counts,
    earliest_s,
    max_walk_s,
):
    """Look up, for every home, the latest time of leaving it for each question.

    Parameters
    ----------
    first, shift, least, soonest_way, latest_log, log_walk, log_before, log_ride
        Result of `scan_together`.
    earliest_s : int32[Q]
        No one leaves home before it, of each question.
    others
        As in `mobility.engine.scan.reach_homes`.

    Returns
    -------
    leave_s, rides, walk_s, stop
        As there, (Q, H).
    """
    n_stops, n_homes, one = shift.size - 1, access_ptr.size - 1, np.uint32(1)
    limit = np.int64(max_walk_s) if access_counts else np.int64(WALKING)
    early_each, asked = np.full((1, LANES), INF, np.int32), earliest_s.size
    for q in range(asked):
        early_each[0, q] = earliest_s[q]
    early = load(early_each, 0)
    begins = np.int64(least_of(early))
    # Of the last departure of a stop that each question labels: its time, and fewest rides.
    newest = np.empty((n_stops, LANES), np.int32)
    way = np.empty((n_stops, LANES), np.int32)
    last = np.full(n_stops, -INF, np.int32)
    for stop in range(n_stops):
        time, best = spread(-INF), spread(INF)
        for k in range(shift[stop], shift[stop + 1]):
            leave = dep_time[np.uint64(first[stop] + k - shift[stop])]
            here = load(soonest_way, k)
            labelled = here < INF
            newer, same = labelled & (time < leave), labelled & (time == leave)
            best = where(newer, here, where(same, lowest(here, best), best))
            time = where(newer, spread(leave), time)
            last[stop] = leave
        store(newest, stop, time)
        store(way, stop, best)

    longest = 0
    for home in range(n_homes):
        longest = max(longest, access_ptr[home + 1] - access_ptr[home])
    near = np.empty(longest + 1, np.int64)
    tie_access = np.empty(longest, np.int64)
    tie_label = np.empty(longest, np.int64)
    leave_s = np.full((asked, n_homes), INF, np.int32)
    rides = np.zeros((asked, n_homes), np.int8)
    walk_s = np.full((asked, n_homes), INF, np.int32)
    board = np.full((asked, n_homes), -1, np.int32)
    # One home's answers: time of leaving, rides and walking, stop, and the latest time at which
    # another would leave who walks too far with the fewest rides.
    answer = np.empty((4, LANES), np.int32)
    for home in range(n_homes):
        time, best, stop_of, beyond = early, spread(INF), spread(-1), spread(-INF)
        n_near = np.uint64(0)
        for a in range(np.uint64(access_ptr[home]), np.uint64(access_ptr[home + 1])):
            near[n_near] = a
            n_near += np.uint64(last[np.uint32(access_stop[a])] - access_s[a] >= begins)
        for i in range(n_near):
            foot = np.uint64(near[i])
            here, walk = np.uint32(access_stop[foot]), access_s[foot]
            leave = load(newest, here) - walk
            good = time <= leave
            if any_of(good):
                whole = load(way, here) + walk
                afar = good & ((whole & WALKING) > limit)
                beyond = where(afar, highest(beyond, leave), beyond)
                better = good & ((whole & WALKING) <= limit) & ((time < leave) | (whole < best))
                time = where(better, leave, time)
                best = where(better, whole, best)
                stop_of = where(better, spread(np.int32(here)), stop_of)
        store(answer, 0, time)
        store(answer, 1, best)
        store(answer, 2, stop_of)
        store(answer, 3, beyond)
        for q in range(asked):
            if answer[3, q] < answer[0, q]:
                if answer[2, q] >= 0:
                    leave_s[q, home] = answer[0, q]
                    rides[q, home] = answer[1, q] // RIDE
                    walk_s[q, home] = answer[1, q] & WALKING
                    board[q, home] = answer[2, q]
                continue
            # Less walking takes more rides, or an earlier departure: as `reach_homes` looks.
            latest, ties = np.int64(answer[0, q]), np.uint64(0)
            for i in range(n_near):
                foot = np.uint64(near[i])
                here, walk = np.uint32(access_stop[foot]), access_s[foot]
                if newest[here, q] - walk < latest:
                    continue
                budget = max_walk_s - walk if access_counts else max_walk_s
                base, k = first[here] - shift[here], shift[here + one]
                while k > shift[here]:
                    k -= 1
                    at = dep_time[np.uint64(base + k)] - walk
                    if at < latest:
                        break
                    if least[np.uint64(k), q] <= budget:
                        if at > latest:
                            latest, ties = np.int64(at), np.uint64(0)
                        tie_access[ties], tie_label[ties] = foot, k
                        ties += np.uint64(1)
                        break
            if ties == 0:
                continue
            leave_s[q, home] = latest
            fewest = np.int64(INF)
            for tie in range(ties):
                foot = np.uint64(tie_access[tie])
                here, walk = np.uint32(access_stop[foot]), access_s[foot]
                budget = max_walk_s - walk if access_counts else max_walk_s
                base, k = first[here] - shift[here], tie_label[tie]
                while k > shift[here] and dep_time[np.uint64(base + k - 1)] == latest + walk:
                    k -= 1
                while k < shift[here + one] and dep_time[np.uint64(base + k)] == latest + walk:
                    # From the most rides down: the fewest whose walking is within the limit.
                    entry, found = np.int64(latest_log[np.uint64(k)]), np.int64(INF)
                    while entry >= 0:
                        if log_walk[np.uint64(entry), q] <= budget:
                            found = log_ride[entry] * RIDE + log_walk[np.uint64(entry), q] + walk
                        entry = np.int64(log_before[np.uint64(entry)])
                    if found < fewest:
                        fewest = found
                        rides[q, home], walk_s[q, home] = found // RIDE, found & WALKING
                        board[q, home] = here
                    k += 1
    return leave_s, rides, walk_s, board
