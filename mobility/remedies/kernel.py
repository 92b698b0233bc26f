"""Kernels of the search: which runs could matter to one shift edge at all, and which walks.

A run that no labelled departure can be reached from, and that stops at no gate in time,
gets no label itself; put into the timetable it changes no answer. Most runs near a shift
edge drive away from the gate, so this test saves most of the scans of a search, and it is
exact: what it lets through is scanned in full.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from mobility.engine.scan import lower_bound
from mobility.timetable.arrays import RunArrays


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def shifted_runs(runs, picks, pick_ptr, shifts_s, shift_ptr):  # type: ignore[no-untyped-def]
    """Return some runs of each unit moved by each of its seconds, and the number of each move.

    Parameters
    ----------
    runs
        The runs of a timetable, see `RunArrays`.
    picks, pick_ptr : int64[], int64[U + 1]
        Runs of each unit.
    shifts_s, shift_ptr : int32[], int64[U + 1]
        Seconds by which all of them move, a move after the other.
    """
    n_runs = n_calls = 0
    for unit in range(pick_ptr.size - 1):
        moves = shift_ptr[unit + 1] - shift_ptr[unit]
        for k in range(pick_ptr[unit], pick_ptr[unit + 1]):
            n_runs += moves
            n_calls += moves * (runs.run_ptr[picks[k] + 1] - runs.run_ptr[picks[k]])
    ptr, day = np.zeros(n_runs + 1, np.int64), np.empty(n_runs, runs.run_day.dtype)
    stop, arr = np.empty(n_calls, np.int32), np.empty(n_calls, np.int32)
    dep, trip = np.empty(n_calls, np.int32), np.empty(n_calls, np.int32)
    board, alight = np.empty(n_calls, np.bool_), np.empty(n_calls, np.bool_)
    member = np.empty(n_runs, np.int32)
    run = place = 0
    for unit in range(pick_ptr.size - 1):
        for move in range(shift_ptr[unit], shift_ptr[unit + 1]):
            for k in range(pick_ptr[unit], pick_ptr[unit + 1]):
                for call in range(runs.run_ptr[picks[k]], runs.run_ptr[picks[k] + 1]):
                    stop[place], trip[place] = runs.call_stop[call], runs.call_trip[call]
                    arr[place] = runs.call_arr[call] + shifts_s[move]
                    dep[place] = runs.call_dep[call] + shifts_s[move]
                    board[place], alight[place] = runs.call_board[call], runs.call_alight[call]
                    place += 1
                day[run], member[run] = runs.run_day[picks[k]], move
                run += 1
                ptr[run] = place
    return RunArrays(ptr, stop, arr, dep, board, alight, trip, day), member
