"""What orders, moves and merges in the flat arrays of a timetable, compiled.

Loading the compiler takes half a second: `arrays` and `change` ask for this module when they need
it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mobility.base.kernels import entry, entry_maker, inner

Array = Any


@entry
def order_departures(
    call_stop: Array, call_dep: Array, call_board: Array, ptr: Array, after: Array, time: Array,
    call: Array, pos: Array,
) -> None:  # fmt: skip
    """Write ``dep_ptr, dep_time, dep_call, call_pos`` of `mobility.timetable.arrays.Timetable`.

    Runs come in the order of time, and calls in theirs: few departures of a stop come before one
    that is there already, and those go back by few places.

    Parameters
    ----------
    call_stop, call_dep, call_board
        Stop, departure and whether one may board, of each call.
    ptr
        int64[S+1], 0 on entry; ``pos``, int32[C], is -1.
    after
        int64[S], scratch: after the last departure of each stop there already.
    time, call
        int32, as long as there are departures.
    """
    for c in range(call_stop.size):
        if call_board[c]:
            ptr[call_stop[c] + 1] += 1
    for s in range(after.size):
        after[s] = ptr[s]
        ptr[s + 1] += ptr[s]
    for c in range(call_stop.size):
        if not call_board[c]:
            continue
        stop, dep = call_stop[c], call_dep[c]
        k = after[stop]
        after[stop] = k + 1
        while k > ptr[stop] and time[k - 1] > dep:
            time[k], call[k] = time[k - 1], call[k - 1]
            k -= 1
        time[k], call[k] = dep, c
    for k in range(call.size):
        pos[call[k]] = k


@entry_maker
def move_run(  # type: ignore[no-untyped-def]  # noqa: PLR0913
    run_ptr, call_stop, call_arr, call_dep, call_board, call_alight, call_trip, run_day,
    dep_ptr, dep_time, dep_call, call_pos, run, place, by,
):  # fmt: skip
    """Move one run by some seconds, and to its new place among the runs, in place."""
    a, b = run_ptr[run], run_ptr[run + 1]
    n = b - a
    stop, board, alight = call_stop[a:b].copy(), call_board[a:b].copy(), call_alight[a:b].copy()
    arr, dep = call_arr[a:b] + by, call_dep[a:b] + by
    trip, pos, day = call_trip[a:b].copy(), call_pos[a:b].copy(), run_day[run]
    # The runs between both places make room.
    step = 1 if place >= run else -1
    first, last = (b, run_ptr[place + 1]) if step > 0 else (run_ptr[place], a)
    for i in range(last - first):
        c = first + i if step > 0 else last - 1 - i
        to = c - step * n
        call_stop[to] = call_stop[c]
        call_arr[to] = call_arr[c]
        call_dep[to] = call_dep[c]
        call_board[to] = call_board[c]
        call_alight[to] = call_alight[c]
        call_trip[to] = call_trip[c]
        call_pos[to] = call_pos[c]
        if call_pos[c] >= 0:
            dep_call[call_pos[c]] = to
    k = run
    while k != place:
        run_day[k] = run_day[k + step]
        if step > 0:
            run_ptr[k + 1] = run_ptr[k + 2] - n
        else:
            run_ptr[k] = run_ptr[k - 1] + n
        k += step
    run_day[place] = day
    at = last - n if step > 0 else first
    for i in range(n):
        call_stop[at + i] = stop[i]
        call_arr[at + i] = arr[i]
        call_dep[at + i] = dep[i]
        call_board[at + i] = board[i]
        call_alight[at + i] = alight[i]
        call_trip[at + i] = trip[i]
        call_pos[at + i] = pos[i]
    # Each departure passes those it has overtaken; the foremost of the run goes first.
    for i in range(n):
        j = n - 1 - i if by > 0 else i
        p, mine = pos[j], at + j
        if p < 0:
            continue
        low, high = dep_ptr[stop[j]], dep_ptr[stop[j] + 1]
        side = 1 if by > 0 else -1
        while low <= p + side < high:
            other, time = dep_call[p + side], dep_time[p + side]
            if side > 0 and not (time < dep[j] or (time == dep[j] and other < mine)):
                break
            if side < 0 and not (time > dep[j] or (time == dep[j] and other > mine)):
                break
            dep_time[p] = time
            dep_call[p] = other
            call_pos[other] = p
            p += side
        dep_time[p] = dep[j]
        dep_call[p] = mine
        call_pos[mine] = p


@inner
def _copy(to: np.ndarray, at: int, values: np.ndarray, a: int, b: int) -> None:
    """Copy some values to a place; assigning slices takes numba two seconds to compile."""
    place, copied = to[at : at + b - a], values[a:b]
    for k in range(copied.size):
        place[k] = copied[k]


@entry_maker
def merge_runs(  # type: ignore[no-untyped-def]  # noqa: PLR0913
    run_ptr, call_stop, call_arr, call_dep, call_board, call_alight, call_trip, run_day,
    removed, slot,
    x_ptr, x_stop, x_arr, x_dep, x_board, x_alight, x_trip, x_day,
):  # fmt: skip
    """Copy the runs that stay and the new ones, in order; number old and new calls anew."""
    n_runs, n_extra = run_day.size, x_day.size
    out_runs, out_calls = n_runs + n_extra, call_stop.size + x_stop.size
    for run in range(n_runs):
        if removed[run]:
            out_runs -= 1
            out_calls -= run_ptr[run + 1] - run_ptr[run]
    ptr = np.empty(out_runs + 1, np.int64)
    day = np.empty(out_runs, np.int8)
    stop = np.empty(out_calls, np.int32)
    arr = np.empty(out_calls, np.int32)
    dep = np.empty(out_calls, np.int32)
    board = np.empty(out_calls, np.bool_)
    alight = np.empty(out_calls, np.bool_)
    trip = np.empty(out_calls, np.int32)
    number = np.empty(call_stop.size, np.int32)
    x_number = np.empty(x_stop.size, np.int32)
    ptr[0] = 0
    at_run, at = 0, 0
    extra, run = 0, 0
    while run < n_runs or extra < n_extra:
        if extra < n_extra and slot[extra] <= run:
            a, b = x_ptr[extra], x_ptr[extra + 1]
            _copy(stop, at, x_stop, a, b)
            _copy(arr, at, x_arr, a, b)
            _copy(dep, at, x_dep, a, b)
            _copy(board, at, x_board, a, b)
            _copy(alight, at, x_alight, a, b)
            _copy(trip, at, x_trip, a, b)
            for c in range(a, b):
                x_number[c] = at + c - a
            at += b - a
            day[at_run] = x_day[extra]
            at_run += 1
            ptr[at_run] = at
            extra += 1
            continue
        if removed[run]:
            number[run_ptr[run] : run_ptr[run + 1]] = -1
            run += 1
            continue
        # A block of runs that stay, up to the next new or removed one.
        until = slot[extra] if extra < n_extra else n_runs
        end = run
        while end < until and not removed[end]:
            at_run += 1
            ptr[at_run] = at + run_ptr[end + 1] - run_ptr[run]
            day[at_run - 1] = run_day[end]
            end += 1
        a, b = run_ptr[run], run_ptr[end]
        _copy(stop, at, call_stop, a, b)
        _copy(arr, at, call_arr, a, b)
        _copy(dep, at, call_dep, a, b)
        _copy(board, at, call_board, a, b)
        _copy(alight, at, call_alight, a, b)
        _copy(trip, at, call_trip, a, b)
        for c in range(a, b):
            number[c] = at + c - a
        at += b - a
        run = end
    return (ptr, stop, arr, dep, board, alight, trip, day), number, x_number


@entry_maker
def merge_departures(  # type: ignore[no-untyped-def]
    dep_ptr, dep_time, dep_call, number, n_calls, x_stop, x_time, x_call
):
    """Copy the stop-major index, leave out removed calls and put the new ones in."""
    n_stops = dep_ptr.size - 1
    n_extra = x_stop.size
    size = n_extra
    for k in range(dep_call.size):
        size += number[dep_call[k]] >= 0
    out_ptr = np.empty(n_stops + 1, np.int64)
    out_time = np.empty(size, np.int32)
    out_call = np.empty(size, np.int32)
    position = np.full(n_calls, -1, np.int32)
    at, extra = 0, 0
    out_ptr[0] = 0
    for stop in range(n_stops):
        for k in range(dep_ptr[stop], dep_ptr[stop + 1]):
            call = number[dep_call[k]]
            if call < 0:
                continue
            time = dep_time[k]
            while (
                extra < n_extra
                and x_stop[extra] == stop
                and (x_time[extra] < time or (x_time[extra] == time and x_call[extra] < call))
            ):
                out_time[at] = x_time[extra]
                out_call[at] = x_call[extra]
                position[x_call[extra]] = at
                at += 1
                extra += 1
            out_time[at] = time
            out_call[at] = call
            position[call] = at
            at += 1
        while extra < n_extra and x_stop[extra] == stop:
            out_time[at] = x_time[extra]
            out_call[at] = x_call[extra]
            position[x_call[extra]] = at
            at += 1
            extra += 1
        out_ptr[stop + 1] = at
    return out_ptr, out_time, out_call, position
