"""Kernels of the search: which runs could matter to one shift edge at all, and which walks.

A run that no labelled departure can be reached from, and that stops at no gate in time,
gets no label itself; put into the timetable it changes no answer. Most runs near a shift
edge drive away from the gate, so this test saves most of the scans of a search, and it is
exact: what it lets through is scanned in full.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mobility.base.arrays import Int8, Int32, Int64
from mobility.base.kernels import entry_maker
from mobility.engine.scan import lower_bound
from mobility.timetable.arrays import RunArrays

#: What is done to whole runs: moved, held at a stop, carried on to one, begun at one.
MOVED, HELD, CARRIED_ON, BEGUN = range(4)


@entry_maker
def useful_runs(  # type: ignore[no-untyped-def]  # noqa: PLR0913
    run_ptr,
    call_stop,
    call_arr,
    call_dep,
    call_board,
    call_alight,
    foot_ptr,
    foot_stop,
    foot_walk_s,
    foot_need_s,
    dep_time,
    first,
    shift,
    label,
    floor,
    egress_s,
    egress_counts,
    earliest_s,
    deadline_s,
    max_walk_s,
    max_wait_s,
):
    """Tell which runs would be labelled if they were added to a scanned window.

    Parameters
    ----------
    run_ptr, call_*
        The runs to test, as in `mobility.timetable.arrays.Timetable`.
    foot_*, dep_time, first, shift
        The scanned window.
    label : int32[D]
        Its labels with one ride less than the limit; all ``INF`` where no change is allowed.
    floor : int32[S]
        Least of them at each stop.
    egress_s, egress_counts, earliest_s, deadline_s, max_walk_s, max_wait_s
        As in `mobility.engine.scan.scan_rides`.

    Returns
    -------
    bool[R]
        Whether some boarding of the run reaches a gate within the limits.
    """
    n_runs = run_ptr.size - 1
    useful = np.zeros(n_runs, np.bool_)
    for run in range(n_runs):
        call = run_ptr[run + 1] - 1
        found = False
        while call >= run_ptr[run] and call_dep[call] >= earliest_s:
            if found and call_board[call]:
                useful[run] = True
                break
            arrival = call_arr[call]
            if not found and call_alight[call] and arrival <= deadline_s:
                stop = call_stop[call]
                walk = egress_s[stop]
                gate = arrival + walk
                if egress_counts and walk > max_walk_s:
                    gate = deadline_s + 1
                if gate <= deadline_s and deadline_s - gate <= max_wait_s:
                    found = True
                else:
                    for foot in range(foot_ptr[stop], foot_ptr[stop + 1]):
                        walk = foot_walk_s[foot]
                        if walk > max_walk_s:
                            break
                        other = foot_stop[foot]
                        if walk + floor[other] > max_walk_s:
                            continue
                        high = shift[other + 1]
                        base = first[other] - shift[other]
                        soonest = arrival + foot_need_s[foot]
                        latest = arrival + walk + max_wait_s
                        left = lower_bound(dep_time, first[other], base + high, soonest) - base
                        while left < high and dep_time[base + left] <= latest:
                            if walk + label[left] <= max_walk_s:
                                found = True
                                break
                            left += 1
                        if found:
                            break
            call -= 1
    return useful


@entry_maker
def kept_rows(ptr, kept):  # type: ignore[no-untyped-def]
    """Return the pointers of a table of rows, and the places of its entries that are kept.

    Parameters
    ----------
    ptr : int64[n + 1]
        Entries of each row.
    kept : bool[]
        Per entry.
    """
    new_ptr = np.zeros(ptr.size, np.int64)
    places = np.empty(kept.size, np.int64)
    count = 0
    for row in range(ptr.size - 1):
        for place in range(ptr[row], ptr[row + 1]):
            if kept[place]:
                places[count] = place
                count += 1
        new_ptr[row + 1] = count
    return new_ptr, places[:count]


@entry_maker
def just_left(  # type: ignore[no-untyped-def]
    stop, ready_s, own, line, dep_ptr, dep_time, dep_call, late_s, next_s
):
    """Return the departures that left just before someone was at a stop.

    Left out are those of the line one comes with, and of lines that leave again soon.

    Parameters
    ----------
    stop, ready_s, own : int32[N], int32[N], int64[N]
        Where and when someone is, and the line he comes with.
    line : int64[C]
        Line of each call, -1 where it has none.
    dep_ptr, dep_time, dep_call
        Departures by stop and time, see `Timetable`.
    late_s, next_s : int
        How long ago they left at most, and how soon the next one of the line leaves.

    Returns
    -------
    row, left : int64[M], int64[M]
        Who is too late, ascending, and for which call, in the order of departure.
    """
    rows, calls = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for k in range(stop.size):
        low, high = dep_ptr[stop[k]], dep_ptr[stop[k] + 1]
        last = lower_bound(dep_time, low, high, ready_s[k])
        for place in range(lower_bound(dep_time, low, high, ready_s[k] - late_s), last):
            mine = line[dep_call[place]]
            if mine < 0 or mine == own[k]:
                continue
            following, soon = False, last
            while soon < high and dep_time[soon] <= ready_s[k] + next_s and not following:
                following = line[dep_call[soon]] == mine
                soon += 1
            if not following:
                rows.append(np.int64(k))
                calls.append(np.int64(dep_call[place]))
    return np.array(rows), np.array(calls)


class Edits(NamedTuple):
    """What is done to the runs of each unit, an edit after the other.

    ``way`` is one of `MOVED`, `HELD`, `CARRIED_ON`, `BEGUN`, ``by_s`` the seconds by which runs
    are moved or held, or drive between their end and ``stop``; ``ptr`` are the edits of each
    unit.
    """

    way: Int8
    by_s: Int32
    stop: Int32
    ptr: Int64


@entry_maker
def edited_runs(runs, picks, pick_ptr, edits):  # type: ignore[no-untyped-def]
    """Return some runs of each unit once for each of its edits, and the edit of each of them.

    Parameters
    ----------
    runs
        The runs of a timetable, see `RunArrays`.
    picks, pick_ptr : int64[], int64[U + 1]
        Runs of each unit, each one trip from end to end.
    edits
        See `Edits`.
    """
    n_runs = n_calls = 0
    for unit in range(pick_ptr.size - 1):
        for edit in range(edits.ptr[unit], edits.ptr[unit + 1]):
            for k in range(pick_ptr[unit], pick_ptr[unit + 1]):
                n_runs += 1
                n_calls += runs.run_ptr[picks[k] + 1] - runs.run_ptr[picks[k]]
                n_calls += edits.way[edit] >= CARRIED_ON
    ptr, day = np.zeros(n_runs + 1, np.int64), np.empty(n_runs, runs.run_day.dtype)
    stop, arr = np.empty(n_calls, np.int32), np.empty(n_calls, np.int32)
    dep, trip = np.empty(n_calls, np.int32), np.empty(n_calls, np.int32)
    board, alight = np.empty(n_calls, np.bool_), np.empty(n_calls, np.bool_)
    member = np.empty(n_runs, np.int32)
    run = place = 0
    for unit in range(pick_ptr.size - 1):
        for edit in range(edits.ptr[unit], edits.ptr[unit + 1]):
            way, by_s, there = edits.way[edit], edits.by_s[edit], edits.stop[edit]
            for k in range(pick_ptr[unit], pick_ptr[unit + 1]):
                begin, end = runs.run_ptr[picks[k]], runs.run_ptr[picks[k] + 1]
                late_s = by_s if way == MOVED else 0
                # The call at the stop where a run is begun, or to which it is carried on.
                extra = place if way == BEGUN else place + end - begin
                place += way == BEGUN
                for call in range(begin, end):
                    stop[place], trip[place] = runs.call_stop[call], runs.call_trip[call]
                    arr[place] = runs.call_arr[call] + late_s
                    if way == HELD and runs.call_stop[call] == there:
                        late_s = by_s
                    dep[place] = runs.call_dep[call] + late_s
                    board[place], alight[place] = runs.call_board[call], runs.call_alight[call]
                    place += 1
                if way >= CARRIED_ON:
                    if way == BEGUN:
                        time_s = runs.call_dep[begin] - by_s
                        alight[extra + 1] = True
                    else:
                        time_s = runs.call_arr[end - 1] + by_s
                        board[extra - 1] = True
                        place += 1
                    stop[extra], trip[extra] = there, runs.call_trip[begin]
                    arr[extra], dep[extra] = time_s, time_s
                    board[extra], alight[extra] = True, True
                day[run], member[run] = runs.run_day[picks[k]], edit
                run += 1
                ptr[run] = place
    return RunArrays(ptr, stop, arr, dep, board, alight, trip, day), member
