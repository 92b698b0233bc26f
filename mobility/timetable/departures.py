"""The departures of each stop in the order of time, compiled."""

from __future__ import annotations

from typing import Any

from mobility.base.kernels import entry

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
