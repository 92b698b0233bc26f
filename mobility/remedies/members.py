"""Members of a family of levers tried on one shift edge, home by home."""

from __future__ import annotations

import numpy as np
from numba import njit

from mobility.base.kernels import inner, maker
from mobility.engine.scan import lower_bound
from mobility.remedies.labels import Calm, changing, take_back
from mobility.remedies.relabel import forget, kept_runs, put_in, settle
from mobility.timetable.arrays import INF

IDLE, UNTRIED, TRIED = range(3)


@inner
def _leaves(window, limits, now, home):
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


@maker
def _raise(window, limits, now, calls, leave_s, before_s, homes):
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


@maker
def _without(window, limits, now, runs, leave_s, homes):
    """Take the runs switched off out; return whether a label went, and the homes that leave sooner.

    ``leave_s`` becomes the time of leaving without those runs.
    """
    forgotten = forget(window, limits, now, runs)
    settle(window, limits, now)
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


@inner
def _elapsed(window, limits, home, leave_s):
    """Return the elapsed seconds of who leaves then to ride, walking all the way included."""
    ridden = limits.at_s - leave_s if leave_s >= limits.earliest_s else INF
    return min(ridden, window.walked_s[home])


@inner
def _loses(window, gone):
    """Tell whether some departure of some runs is labelled."""
    for run in gone:
        for call in range(window.runs.run_ptr[run], window.runs.run_ptr[run + 1]):
            if window.reach[window.reach.shape[0] - 1, call] < INF:
                return True
    return False


@maker
def _gone(run_ids, removed):
    """Return the places in a window of the runs taken out."""
    gone, count = np.empty(removed.size, np.int64), 0
    for run in removed:
        place = lower_bound(run_ids, 0, run_ids.size, run)
        if place < run_ids.size and run_ids[place] == run:
            gone[count] = place
            count += 1
    return gone[:count]


@maker
def _grown(values, size):
    """Return an array of at least some size that begins with some values."""
    if values.size >= size:
        return values
    longer = np.empty(2 * size, np.int32)
    for k in range(values.size):
        longer[k] = values[k]
    return longer


@maker
def _wanted(kept, owner, asked, members, losing):
    """Tell the members to try; the last is for all those that put in nothing that matters."""
    n_members = members[1] - members[0]
    puts_in, wanted = np.zeros(n_members, np.bool_), np.zeros(n_members + 1, np.bool_)
    for k in range(kept.size):
        puts_in[owner[kept[k]] - members[0]] = True
    for member in range(n_members):
        if asked.size == 0 or asked[members[0] + member]:
            wanted[member] = puts_in[member]
            wanted[n_members] |= losing and not puts_in[member]
    return wanted


@maker
def _try(  # noqa: PLR0913
    window, limits, put, owner, kept, gone, losing, number, members, asked, rows
):
    """Try the members of one family; return its state and the rows, see `try_families`."""
    member_of, ptr, turned, homes, elapsed_s, count = rows
    now = changing(window, put, kept, gone)
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
        put_in(window, limits, now, -1, owner, kept)
        more = _raise(window, limits, now, now.log[: now.logged[0]], leave_s, calm_s, later)
        for k in range(more):
            turns = turns or window.base_s[later[k]] == INF
            leave_s[later[k]] = calm_s[later[k]]
        take_back(now, calm)
    if not turns:
        return UNTRIED, rows
    wanted, n_members = _wanted(kept, owner, asked, members, losing), members[1] - members[0]
    at = ptr[count]
    for one in range(-1, n_members):
        if not wanted[one]:
            continue
        more = 0
        if one >= 0:
            put_in(window, limits, now, members[0] + one, owner, kept)
            more = _raise(window, limits, now, now.log[: now.logged[0]], leave_s, calm_s, later)
        homes, elapsed_s = _grown(homes, at + fewer + more), _grown(elapsed_s, at + fewer + more)
        turned[count] = False
        for k in range(fewer + more):
            home = sooner[k] if k < fewer else later[k - fewer]
            after = _elapsed(window, limits, home, leave_s[home])
            told = k >= fewer and calm_s[home] != window.leave_s[home]
            if after != window.base_s[home] and not told:
                homes[at], elapsed_s[at] = home, after
                turned[count] |= (after < INF) != (window.base_s[home] < INF)
                at += 1
        for k in range(more):
            leave_s[later[k]] = calm_s[later[k]]
        member_of[count] = members[0] + one if one >= 0 else -1 - number
        count += 1
        ptr[count] = at
        take_back(now, calm)
    return TRIED, (member_of, ptr, turned, homes, elapsed_s, count)


@njit(cache=True, nogil=True)
def try_families(window, limits, tried, put, run_ids, numbers, asked):
    """Return the homes whose time changes by each member of some families, and their new times.

    Parameters
    ----------
    window, limits
        The shift edge.
    tried
        Runs that families take out, and whose they put in, see `mobility.remedies.repair.Tried`.
    put
        Runs that they put in, on the axis of the window.
    run_ids : int64[]
        Runs of the window, ascending.
    numbers : int64[N]
        Families to try.
    asked : bool[members] or bool[0]
        Members to try. None given: all of a family, if anyone may begin, or cease, to hold the
        edge by some of them; else none of it.

    Returns
    -------
    state : int8[N]
        Of each family: `IDLE`, no member can change anything; `UNTRIED`; `TRIED`.
    member_of : int32[M]
        Members tried that may change something, by family and ascending; ``-1 - number`` of a
        family first, for all those of it that put in nothing that matters.
    ptr : int64[M + 1]
        Rows of each.
    turned : bool[M]
        Whether someone begins, or ceases, to hold the edge.
    homes, elapsed_s : int32[rows]
        Homes whose elapsed seconds change, and what they change to.
    """
    most = 0
    for number in numbers:
        most += tried.first[number + 1] - tried.first[number] + 1
    state, ptr = np.full(numbers.size, IDLE, np.int8), np.zeros(most + 1, np.int64)
    rows = (
        np.empty(most, np.int32), ptr, np.empty(most, np.bool_),
        np.empty(256, np.int32), np.empty(256, np.int32), 0,
    )  # fmt: skip
    for k in range(numbers.size):
        number = numbers[k]
        members = tried.first[number], tried.first[number + 1]
        part = tried.added_ptr[number], tried.added_ptr[number + 1]
        removed = tried.removed[tried.removed_ptr[number] : tried.removed_ptr[number + 1]]
        gone = _gone(run_ids, removed)
        kept = kept_runs(window, limits, put, tried.member, part, members)
        losing = _loses(window, gone)
        if kept.size or losing:
            state[k], rows = _try(
                window, limits, put, tried.member, kept, gone, losing, number, members, asked, rows
            )
    member_of, ptr, turned, homes, elapsed_s, count = rows
    at = ptr[count]
    return (
        state, member_of[:count], ptr[: count + 1], turned[:count], homes[:at], elapsed_s[:at]
    )  # fmt: skip
