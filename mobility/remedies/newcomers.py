"""Who holds a shift edge not, and could by runs put in: a bound that costs less than trying.

Whoever gains the edge rides what there is already to the first run put in, and from the last one
on. So the least walking with which a home that does not hold the edge comes to a run, with so
many rides, and the labels of the edge together rule most runs out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from mobility.base.kernels import entry, inner, maker
from mobility.engine.scan import lower_bound
from mobility.remedies.relabel import alighting
from mobility.timetable.arrays import INF, Int32

if TYPE_CHECKING:
    from mobility.remedies.labels import Labelled, Limits


class Newcomers(NamedTuple):
    """How homes that do not hold an edge come to its runs, whatever follows.

    ``walk_s`` is the least walk from one of them to each stop, ``come[r, c]`` the least walking
    that counts of one who alights at call ``c`` after at most ``r + 1`` rides, ``floor[r, s]`` the
    least of a stop; ``lead[r, s]`` the least, at any time, of who may board there after at most
    ``r`` rides.
    """

    walk_s: Int32
    come: Int32
    floor: Int32
    lead: Int32


@njit(inline="always")
def _boarding(  # noqa: PLR0913
    into_ptr, into_stop, into_walk_s, into_need_s, arr_ptr, arr_time, arr_call, max_wait_s,
    access_counts, earliest_s, walk_s, come, floor, lead,
    ride, stop, leaves_s, least,
):  # fmt: skip
    """Return the least walking of who may board after at most so many rides, if below ``least``."""
    walk = walk_s[stop]
    if walk < INF and leaves_s - walk >= earliest_s:
        least = min(least, walk if access_counts else 0)
    if ride > 0 and lead[ride, stop] < least:
        for foot in range(into_ptr[stop], into_ptr[stop + 1]):
            walk, other = into_walk_s[foot], into_stop[foot]
            if walk >= least:
                break
            bound = walk + floor[ride - 1, other]
            if bound >= least:
                continue
            high, latest = arr_ptr[other + 1], leaves_s - into_need_s[foot]
            place = lower_bound(arr_time, arr_ptr[other], high, leaves_s - walk - max_wait_s)
            while least > bound and place < high and arr_time[place] <= latest:
                least = min(least, walk + come[ride - 1, arr_call[place]])
                place += 1
    return least


@inner
def _near(window, walk_s):
    """Fill in the least walk to each stop from a home that does not hold an edge."""
    walk_s[:] = INF
    for home in range(window.base_s.size):
        if window.base_s[home] == INF:
            for row in range(window.walk_ptr[home], window.walk_ptr[home + 1]):
                stop = window.walk_stop[row]
                walk_s[stop] = min(walk_s[stop], window.walk_s[row])


@entry
def fill_newcomers(window: Labelled, limits: Limits, people: Newcomers) -> None:
    """Fill in how the homes that do not hold an edge come to its runs, see `Newcomers`."""
    walk_s, come, floor, lead = people.walk_s, people.come, people.floor, people.lead
    into_ptr, into_stop = window.into.ptr, window.into.stop
    into_walk_s, into_need_s = window.into.walk_s, window.into.need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    call_stop, call_dep = window.runs.call_stop, window.runs.call_dep
    call_board, call_alight = window.runs.call_board, window.runs.call_alight
    run_ptr = window.runs.run_ptr
    max_wait_s, earliest_s = limits.max_wait_s, limits.earliest_s
    access_counts = limits.access_counts
    ceiling = min(limits.max_walk_s + 1, INF)
    _near(window, walk_s)
    come[:] = INF
    floor[:] = INF
    lead[:] = INF
    for ride in range(lead.shape[0]):
        for stop in range(walk_s.size):
            if walk_s[stop] < INF:
                lead[ride, stop] = walk_s[stop] if access_counts else 0
            if ride > 0:
                for foot in range(into_ptr[stop], into_ptr[stop + 1]):
                    needed = into_walk_s[foot] + floor[ride - 1, into_stop[foot]]
                    lead[ride, stop] = min(lead[ride, stop], needed)
        if ride == come.shape[0]:
            break
        for run in range(run_ptr.size - 1):
            aboard = ceiling
            for call in range(run_ptr[run], run_ptr[run + 1]):
                stop = call_stop[call]
                if call_alight[call] and aboard < ceiling:
                    come[ride, call] = aboard
                    floor[ride, stop] = min(floor[ride, stop], aboard)
                if call_board[call] and lead[ride, stop] < aboard:
                    aboard = _boarding(
                        into_ptr, into_stop, into_walk_s, into_need_s, arr_ptr, arr_time, arr_call,
                        max_wait_s, access_counts, earliest_s, walk_s, come, floor, lead,
                        ride, stop, call_dep[call], aboard,
                    )  # fmt: skip


@maker
def may_gain(window, limits, now, put, owner, kept, members):  # noqa: C901
    """Tell by which members someone who does not hold the edge may, bool[members].

    ``kept`` are their runs that matter. Runs that are taken out are still ridden here, so that
    the answer is yes for all who gain, and for few others.
    """
    people = window.newcomers
    walk_s, come, floor_in, lead = people.walk_s, people.come, people.floor, people.lead
    into_ptr, into_stop = window.into.ptr, window.into.stop
    into_walk_s, into_need_s = window.into.walk_s, window.into.need_s
    arr_ptr, arr_time, arr_call = window.arr_ptr, window.arr_time, window.arr_call
    foot_ptr, foot_stop = window.feet.ptr, window.feet.stop
    foot_walk_s, foot_need_s = window.feet.walk_s, window.feet.need_s
    dep_ptr, dep_time, dep_call = window.dep_ptr, window.dep_time, window.dep_call
    egress_s, reach, floor, hope = window.egress_s, window.reach, window.floor, window.hope
    since_s, until_s = window.since_s, window.until_s
    deadline_s, earliest_s = limits.deadline_s, limits.earliest_s
    max_walk_s, max_wait_s = limits.max_walk_s, limits.max_wait_s
    egress_counts, access_counts = limits.egress_counts, limits.access_counts
    ceiling, rides = min(max_walk_s + 1, INF), reach.shape[0]
    n_members = members[1] - members[0]
    found, n_runs = np.zeros(n_members, np.bool_), np.zeros(n_members, np.int64)
    # Least walking to some run of a member, and from some run of it, by rides before and after.
    before = np.full((n_members, rides), ceiling, np.int32)
    after = np.full((n_members, rides), ceiling, np.int32)
    aboard = np.empty(rides, np.int32)
    for k in range(kept.size):
        run, member = kept[k], owner[kept[k]] - members[0]
        n_runs[member] += 1
        if found[member]:
            continue
        aboard[:] = ceiling
        begin, last = put.run_ptr[run], put.run_ptr[run + 1] - 1
        for call in range(last, begin - 1, -1):
            stop, leaves_s = put.call_stop[call], put.call_dep[call]
            if leaves_s < earliest_s:
                break
            if put.call_board[call] and call < last:
                for ride in range(rides):
                    before[member, ride] = min(before[member, ride], lead[ride, stop])
                    left = ceiling - aboard[rides - 1 - ride]
                    if lead[ride, stop] < left and not found[member]:
                        needed = _boarding(
                            into_ptr, into_stop, into_walk_s, into_need_s,
                            arr_ptr, arr_time, arr_call, max_wait_s, access_counts, earliest_s,
                            walk_s, come, floor_in, lead, ride, stop, leaves_s, left,
                        )  # fmt: skip
                        found[member] = needed < left
                if found[member]:
                    break
            arrival = put.call_arr[call]
            if put.call_alight[call] and since_s[stop] <= arrival <= until_s[stop]:
                for ride in range(rides):
                    aboard[ride] = alighting(
                        foot_ptr, foot_stop, foot_walk_s, foot_need_s, dep_ptr, dep_time, dep_call,
                        egress_s, deadline_s, max_wait_s, egress_counts,
                        reach, floor, hope, now.head, now.after, put.call_dep, 0,
                        ride, stop, arrival, aboard[ride],
                    )  # fmt: skip
        for ride in range(rides):
            after[member, ride] = min(after[member, ride], aboard[ride])
    for member in range(n_members):
        if n_runs[member] > 1 and not found[member]:
            # From one run of it to another: two rides at least.
            for ride in range(rides - 1):
                needed = before[member, ride] + after[member, rides - 2 - ride]
                found[member] |= needed <= max_walk_s
    return found


def newcomers_of(rides: int, n_calls: int, n_stops: int) -> Newcomers:
    """Return room for what `fill_newcomers` fills in."""
    shapes = (n_stops,), (rides - 1, n_calls), (rides - 1, n_stops), (rides, n_stops)
    return Newcomers(*(np.empty(shape, np.int32) for shape in shapes))
