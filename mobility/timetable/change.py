"""What-ifs: a timetable with runs added, removed or moved, without reading anything again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np
from numba import njit

from mobility.timetable.arrays import (
    Int64,
    RunArrays,
    RunLike,
    Timetable,
    as_run,
    flatten_runs,
    index_timetable,
    run_keys,
    take_runs,
)

FEW = 20
"""Up to this many runs are moved one by one, more are merged anew."""


def with_runs(
    tt: Timetable,
    *,
    added: Iterable[RunLike] | RunArrays = (),
    removed: Collection[int] = (),
    shifted: Mapping[int, int] | None = None,
) -> Timetable:
    """Return the timetable with some runs added, removed or moved in time.

    The result is the one `index_timetable` would build; ``tt`` stays as it is. Moving a
    few runs copies the arrays and mends them in place; adding and removing takes two passes
    over the calls. Ask many what-ifs of one shift on a `clipped` timetable.

    Parameters
    ----------
    tt
        The timetable; runs are named by their index in it.
    added
        New runs between existing stops.
    removed
        Runs to take out.
    shifted
        Seconds by which runs move, later when positive.

    Raises
    ------
    ValueError
        A run or stop does not exist, or a run is both removed and shifted.
    """
    moves = {run: by for run, by in (shifted or {}).items() if by}
    gone = np.unique(np.array([*removed, *moves], np.int64))
    extra = added if isinstance(added, RunArrays) else flatten_runs([as_run(r) for r in added])
    _check(tt, gone, set(removed) & set(moves), extra)
    if 0 < len(moves) <= FEW and gone.size == len(moves) and extra.run_day.size == 0:
        return _shifted(tt, moves)
    if moves:
        extra = _joined(_moved(tt, moves), extra)
    if not gone.size and extra.run_day.size == 0:
        return tt
    return _edited(tt, gone, extra)


def clipped(tt: Timetable, first_s: int, last_s: int) -> tuple[Timetable, Int64]:
    """Return the timetable of the runs on the way at some moment of a time window.

    Parameters
    ----------
    tt
        The timetable.
    first_s, last_s
        Axis seconds; a run is kept whole when it ends no earlier and starts no later.

    Returns
    -------
    Timetable
        Same stops and footpaths.
    int64
        Index in ``tt`` of each of its runs.
    """
    starts, ends = tt.call_dep[tt.run_ptr[:-1]], tt.call_arr[tt.run_ptr[1:] - 1]
    kept = np.flatnonzero((starts <= last_s) & (ends >= first_s)).astype(np.int64)
    small = index_timetable(tt.n_stops, take_runs(tt.runs, kept), tt.feet)
    return small.with_feet_of(tt), kept


def mirror_index(tt: Timetable) -> Int64:
    """Return int64[R]: index in ``mirrored(tt)`` of each run of ``tt``.

    A run that moves by s seconds in ``tt`` moves by -s in the mirrored timetable.
    """
    departure, arrival, low, high, day = run_keys(tt.runs)
    order = np.lexsort((day, high, low, -departure, -arrival))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    return place


def more_stops(tt: Timetable, count: int, need_s: int) -> Timetable:
    """Return a timetable with stops put after its own, served by nothing, to be changed at alone.

    Parameters
    ----------
    need_s
        Least seconds of a change at one of them.
    """
    stops = np.arange(tt.n_stops, tt.n_stops + count, dtype=np.int32)
    ahead = np.arange(1, count + 1, dtype=np.int64)
    return replace(
        tt,
        n_stops=tt.n_stops + count,
        foot_ptr=np.concatenate([tt.foot_ptr, tt.foot_ptr[-1] + ahead]),
        foot_stop=np.concatenate([tt.foot_stop, stops]),
        foot_walk_s=np.concatenate([tt.foot_walk_s, np.zeros(count, np.int32)]),
        foot_need_s=np.concatenate([tt.foot_need_s, np.full(count, need_s, np.int32)]),
        dep_ptr=np.concatenate([tt.dep_ptr, np.full(count, tt.dep_ptr[-1], np.int64)]),
        known_into=None,
    )


def _check(tt: Timetable, gone: Int64, both: set[int], extra: RunArrays) -> None:
    if gone.size and not (gone[0] >= 0 and gone[-1] < tt.n_runs):
        raise ValueError(f"runs are 0 to {tt.n_runs - 1}, not {gone[0]} to {gone[-1]}")
    if both:
        raise ValueError(f"run {min(both)} is both removed and shifted")
    stops = extra.call_stop
    if stops.size and not (stops.min() >= 0 and stops.max() < tt.n_stops):
        raise ValueError(f"stops are 0 to {tt.n_stops - 1}")


def _moved(tt: Timetable, moves: Mapping[int, int]) -> RunArrays:
    runs = take_runs(tt.runs, np.array(list(moves), np.int64))
    by = np.repeat(np.array(list(moves.values()), np.int32), np.diff(runs.run_ptr))
    return runs._replace(call_arr=runs.call_arr + by, call_dep=runs.call_dep + by)


def _joined(one: RunArrays, two: RunArrays) -> RunArrays:
    ptr = np.concatenate([one.run_ptr, two.run_ptr[1:] + one.run_ptr[-1]])
    return RunArrays(
        ptr,
        np.concatenate([one.call_stop, two.call_stop]),
        np.concatenate([one.call_arr, two.call_arr]),
        np.concatenate([one.call_dep, two.call_dep]),
        np.concatenate([one.call_board, two.call_board]),
        np.concatenate([one.call_alight, two.call_alight]),
        np.concatenate([one.call_trip, two.call_trip]),
        np.concatenate([one.run_day, two.run_day]),
    )


def _shifted(tt: Timetable, moves: Mapping[int, int]) -> Timetable:
    """Move runs one by one on a copy of the arrays."""
    names = (*RunArrays._fields, "dep_time", "dep_call", "call_pos")
    new = replace(tt, **{name: getattr(tt, name).copy() for name in names}).with_feet_of(tt)
    pending = list(moves.items())
    while pending:
        run, by = pending.pop()
        slot = int(_slots(new, _moved(new, {run: by}))[0])
        place = slot - 1 if slot > run else slot
        _move_run(*new.runs, new.dep_ptr, new.dep_time, new.dep_call, new.call_pos,
                  run, place, by)  # fmt: skip
        # The runs between both places have moved up or down by one.
        pending = [
            (k - 1 if run < k <= place else k + 1 if place <= k < run else k, s) for k, s in pending
        ]
    return new


def _edited(tt: Timetable, gone: Int64, extra: RunArrays) -> Timetable:
    """Merge the sorted runs ``extra`` into ``tt`` without its runs ``gone``."""
    extra = take_runs(extra, np.lexsort(run_keys(extra)[::-1]).astype(np.int64))
    extra.call_board[extra.run_ptr[1:] - 1] = False
    extra.call_alight[extra.run_ptr[:-1]] = False
    removed = np.zeros(tt.n_runs, np.bool_)
    removed[gone] = True
    slot = _slots(tt, extra)
    merged, number, extra_number = _merge_runs(*tt.runs, removed, slot, *extra)
    board = np.flatnonzero(extra.call_board)
    stop, time = extra.call_stop[board], extra.call_dep[board]
    order = np.lexsort((extra_number[board], time, stop))
    dep_ptr, dep_time, dep_call, call_pos = _merge_departures(
        tt.dep_ptr, tt.dep_time, tt.dep_call, number, merged[1].size,
        stop[order], time[order], extra_number[board][order],
    )  # fmt: skip
    arrays = dict(zip(RunArrays._fields, merged, strict=True))
    return replace(
        tt, **arrays, dep_ptr=dep_ptr, dep_time=dep_time, dep_call=dep_call, call_pos=call_pos
    ).with_feet_of(tt)


def _slots(tt: Timetable, extra: RunArrays) -> Int64:
    """Return, for each new run, the run before which it stands."""
    first = tt.call_dep[tt.run_ptr[:-1]]
    keys = run_keys(extra)
    slots = np.empty(extra.run_day.size, np.int64)
    for k, mine in enumerate(zip(*(key.tolist() for key in keys), strict=True)):
        low, high = np.searchsorted(first, [mine[0], mine[0] + 1])
        while low < high and _key(tt, int(low)) <= mine:
            low += 1
        slots[k] = low
    return slots


def _key(tt: Timetable, run: int) -> tuple[int, ...]:
    """Return the sort key of one run, see `run_keys`."""
    first, last = tt.run_ptr[run], tt.run_ptr[run + 1] - 1
    trips = int(tt.call_trip[first]), int(tt.call_trip[last])
    ends = int(tt.call_dep[first]), int(tt.call_arr[last])
    return (*ends, min(trips), max(trips), int(tt.run_day[run]))


@njit(cache=True, nogil=True)
def _move_run(  # type: ignore[no-untyped-def]  # noqa: PLR0913
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


@njit(cache=True, nogil=True)
def _merge_runs(  # type: ignore[no-untyped-def]  # noqa: PLR0913
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
            stop[at : at + b - a] = x_stop[a:b]
            arr[at : at + b - a] = x_arr[a:b]
            dep[at : at + b - a] = x_dep[a:b]
            board[at : at + b - a] = x_board[a:b]
            alight[at : at + b - a] = x_alight[a:b]
            trip[at : at + b - a] = x_trip[a:b]
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
        stop[at : at + b - a] = call_stop[a:b]
        arr[at : at + b - a] = call_arr[a:b]
        dep[at : at + b - a] = call_dep[a:b]
        board[at : at + b - a] = call_board[a:b]
        alight[at : at + b - a] = call_alight[a:b]
        trip[at : at + b - a] = call_trip[a:b]
        for c in range(a, b):
            number[c] = at + c - a
        at += b - a
        run = end
    return (ptr, stop, arr, dep, board, alight, trip, day), number, x_number


@njit(cache=True, nogil=True)
def _merge_departures(  # type: ignore[no-untyped-def]
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


__all__ = ["clipped", "mirror_index", "more_stops", "with_runs"]
