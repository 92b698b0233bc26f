"""Members of a family of levers tried on one shift edge, home by home."""

from __future__ import annotations

import numpy as np

from mobility.base.kernels import entry_maker, inner, maker
from mobility.engine.scan import lower_bound
from mobility.remedies.labels import begin, changing, end, may_gain, room_for, take_back
from mobility.remedies.relabel import forget, kept_runs, put_in, settle
from mobility.timetable.arrays import INF

IDLE, PARTLY, TRIED = range(3)


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
def _raise(window, limits, now, seen, calls, leave_s, before_s, homes):
    """Raise the times of leaving to what the stops of some calls offer to the homes near.

    Returns how many are later than ``before_s``; ``homes`` lists those.
    """
    last, count = now.reach.shape[0] - 1, 0
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
            if best > leave_s[home] == before_s[home]:
                homes[count] = home
                count += 1
            leave_s[home] = best
    for call in calls:
        seen[now.call_stop[call]] = False
    return count


@maker
def _without(window, limits, now, room, runs):
    """Take the runs switched off out; return the calls whose labels went, and how many are sooner.

    ``room.calm`` and ``room.calm_s`` become the labels and the times of leaving without those
    runs, ``room.sooner`` lists the homes that leave sooner.
    """
    forgotten = forget(window, limits, now, runs)
    settle(window, limits, now)
    for k in range(now.logged[0]):
        now.is_logged[:, now.log[k]] = False
    now.logged[0] = 0
    for call in forgotten:
        for ride in range(now.reach.shape[0]):
            room.calm[ride, call] = now.reach[ride, call]
    count, found_s, homes = 0, room.found_s, room.sooner
    looked = _raise(window, limits, now, room.seen, forgotten, found_s, room.never_s, homes)
    for k in range(looked):
        home = homes[k]
        latest_s, found_s[home] = found_s[home], room.never_s[home]
        if latest_s < room.calm_s[home]:
            latest_s = _leaves(window, limits, now, home)
            if latest_s < room.calm_s[home]:
                room.calm_s[home] = room.leave_s[home] = latest_s
                homes[count] = home
                count += 1
    return forgotten, count


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
    """Tell the members to try; the last is for all those that put in nothing that matters.

    ``asked`` are those asked for, all where it is empty.
    """
    n_members = members[1] - members[0]
    puts_in, wanted = np.zeros(n_members, np.bool_), np.zeros(n_members + 1, np.bool_)
    for k in range(kept.size):
        puts_in[owner[kept[k]] - members[0]] = True
    for member in range(n_members):
        if asked.size == 0 or asked[members[0] + member]:
            wanted[member] = puts_in[member]
            wanted[n_members] |= losing and not puts_in[member]
    return wanted


@inner
def _put_in(window, limits, now, room, member, owner, kept):
    """Put the runs of a member in; return how many homes leave later for it, in ``room.later``.

    Times of leaving count all departures as they were: those lowered alone are looked at.
    """
    put_in(window, limits, now, member, owner, kept)
    near_ptr, near_home, near_walk_s = window.near_ptr, window.near_home, window.near_walk_s
    reach, log, call_stop, call_dep = now.reach, now.log, now.call_stop, now.call_dep
    calm, calm_s, leave_s, later = room.calm, room.calm_s, room.leave_s, room.later
    max_walk_s, access_counts = limits.max_walk_s, limits.access_counts
    last, count = reach.shape[0] - 1, 0
    for k in range(now.logged[0]):
        call = log[k]
        label = reach[last, call]
        if label == calm[last, call]:
            continue
        stop, leaves_s = call_stop[call], call_dep[call]
        for row in range(near_ptr[stop], near_ptr[stop + 1]):
            home, walk = near_home[row], near_walk_s[row]
            if access_counts and walk + label > max_walk_s:
                break
            best = leave_s[home]
            if leaves_s - walk > best and leaves_s - walk >= limits.earliest_s:
                if best == calm_s[home]:
                    later[count] = home
                    count += 1
                leave_s[home] = leaves_s - walk
    return count


@inner
def _ceases(window, limits, room, fewer):
    """Tell whether someone ceases to hold the edge without the runs that are taken out."""
    for k in range(fewer):
        home = room.sooner[k]
        if window.base_s[home] < INF and _elapsed(window, limits, home, room.calm_s[home]) == INF:
            return True
    return False


@maker
def _told(  # noqa: PLR0913
    window, limits, now, room, owner, kept, number, members, wanted, fewer, rows
):
    """Try the members wanted of a family; return the rows with theirs, see `try_families`."""
    member_of, ptr, turned, homes, elapsed_s, count = rows
    calm_s, leave_s, at = room.calm_s, room.leave_s, ptr[count]
    for one in range(-1, members[1] - members[0]):
        if not wanted[one]:
            continue
        more = 0
        if one >= 0:
            more = _put_in(window, limits, now, room, members[0] + one, owner, kept)
        homes, elapsed_s = _grown(homes, at + fewer + more), _grown(elapsed_s, at + fewer + more)
        turned[count] = False
        for k in range(fewer + more):
            home = room.sooner[k] if k < fewer else room.later[k - fewer]
            after = _elapsed(window, limits, home, leave_s[home])
            told = k >= fewer and calm_s[home] != window.leave_s[home]
            if after != window.base_s[home] and not told:
                homes[at], elapsed_s[at] = home, after
                turned[count] |= (after < INF) != (window.base_s[home] < INF)
                at += 1
        for k in range(more):
            leave_s[room.later[k]] = calm_s[room.later[k]]
        member_of[count] = members[0] + one if one >= 0 else -1 - number
        count += 1
        ptr[count] = at
        take_back(window, now, room.calm)
    return member_of, ptr, turned, homes, elapsed_s, count


@entry_maker
def try_families(window, limits, tried, put, run_ids, numbers, asked):
    """Return the homes whose time changes by each member of some families, and their new times.

    Parameters
    ----------
    window, limits
        The shift edge.
    tried
        Runs that families take out, and whose they put in, see `mobility.remedies.trial`.
    put
        Runs that they put in, on the axis of the window.
    run_ids : int64[]
        Runs of the window, ascending.
    numbers : int64[N]
        Families to try.
    asked : bool[members] or bool[0]
        Members to try. None given: all of a family, if anyone ceases to hold the edge without
        the runs it takes out; else those by which someone may begin to.

    Returns
    -------
    state : int8[N]
        Of each family: `IDLE`, no member can change anything; `TRIED`, all those asked for are;
        `PARTLY`, those alone by which someone may begin to hold the edge.
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
    most = most_runs = most_calls = 0
    for number in numbers:
        low, high = tried.added_ptr[number], tried.added_ptr[number + 1]
        most += tried.first[number + 1] - tried.first[number] + 1
        most_runs = max(most_runs, high - low)
        most_calls = max(most_calls, put.run_ptr[high] - put.run_ptr[low])
    now, room = changing(window, most_runs, most_calls), room_for(window, most_calls)
    state, ptr = np.full(numbers.size, IDLE, np.int8), np.zeros(most + 1, np.int64)
    rows = (
        np.empty(most, np.int32),
        ptr,
        np.empty(most, np.bool_),
        np.empty(256, np.int32),
        np.empty(256, np.int32),
        0,
    )
    nothing, owner = np.zeros(0, np.int32), tried.member
    for k in range(numbers.size):
        number = numbers[k]
        members = tried.first[number], tried.first[number + 1]
        part = tried.added_ptr[number], tried.added_ptr[number + 1]
        removed = tried.removed[tried.removed_ptr[number] : tried.removed_ptr[number + 1]]
        gone = _gone(run_ids, removed)
        kept = kept_runs(window, limits, now, put, owner, part, members)
        losing = _loses(window, gone)
        if not kept.size and not losing:
            continue
        wanted = np.zeros(members[1] - members[0] + 1, np.bool_)
        if not asked.size:
            wanted[:-1] = may_gain(window, limits, now, put, owner, kept, members)
        begin(window, now, put, kept, gone)
        forgotten, fewer = nothing, 0
        if losing:
            forgotten, fewer = _without(window, limits, now, room, gone)
        state[k] = PARTLY
        if asked.size or _ceases(window, limits, room, fewer):
            state[k] = TRIED
            wanted = _wanted(kept, owner, asked, members, forgotten.size > 0)
        rows = _told(window, limits, now, room, owner, kept, number, members, wanted, fewer, rows)
        end(window, now, room, gone, forgotten, fewer)
    member_of, ptr, turned, homes, elapsed_s, count = rows
    at = ptr[count]
    return (state, member_of[:count], ptr[: count + 1], turned[:count], homes[:at], elapsed_s[:at])
