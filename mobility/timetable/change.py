"""What-ifs: a timetable with runs added, removed or moved, without reading anything again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from mobility.timetable.arrays import (
    NO_RUNS,
    Bool,
    Int64,
    RunArrays,
    Timetable,
    join_runs,
    run_keys,
    take_runs,
)

#: Up to this many runs are moved one by one, which shifts what lies between in place; more are
#: merged anew, in two passes over all calls.
FEW = 20


def with_runs(
    tt: Timetable,
    *,
    added: RunArrays = NO_RUNS,
    removed: Collection[int] = (),
    shifted: Mapping[int, int] | None = None,
) -> Timetable:
    """Return the timetable with some runs added, removed or moved in time.

    The result is the one `index_timetable` would build; ``tt`` stays as it is. Moving a
    few runs copies the arrays and mends them in place; adding and removing takes two passes
    over the calls.

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
    _check(tt, gone, set(removed) & set(moves), added)
    if 0 < len(moves) <= FEW and gone.size == len(moves) and added.run_day.size == 0:
        return _shifted(tt, moves)
    if moves:
        added = join_runs([_moved(tt, moves), added])
    if not gone.size and added.run_day.size == 0:
        return tt
    return _edited(tt, gone, added)


def muted(tt: Timetable, kept: Bool) -> Timetable:
    """Return the timetable in which nobody alights from some runs: who boards is nowhere.

    For a scan, which begins where riders alight, they are gone; places of runs, calls and
    departures stay as they are, so that nothing is merged.

    Parameters
    ----------
    kept
        bool[trips of the feed]: from which trips one alights; a run without a trip stays.
    """
    # Mostly the last trips of many: the others' calls need no look-up.
    first = np.argmin(kept) if not kept.all() else kept.size
    calls = np.flatnonzero(tt.call_trip >= first)
    alight = tt.call_alight.copy()
    alight[calls] &= kept[tt.call_trip[calls]]
    return replace(tt, call_alight=alight).with_feet_of(tt)


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


def _shifted(tt: Timetable, moves: Mapping[int, int]) -> Timetable:
    """Move runs one by one on a copy of the arrays."""
    from mobility.timetable.kernels import move_run

    names = (*RunArrays._fields, "dep_time", "dep_call", "call_pos")
    new = replace(tt, **{name: getattr(tt, name).copy() for name in names}).with_feet_of(tt)
    pending = list(moves.items())
    while pending:
        run, by = pending.pop()
        slot = int(_slots(new, _moved(new, {run: by}))[0])
        place = slot - 1 if slot > run else slot
        move_run(*new.runs, new.dep_ptr, new.dep_time, new.dep_call, new.call_pos, run, place, by)
        # The runs between both places have moved up or down by one.
        pending = [
            (k - 1 if run < k <= place else k + 1 if place <= k < run else k, s) for k, s in pending
        ]
    return new


def _edited(tt: Timetable, gone: Int64, extra: RunArrays) -> Timetable:
    """Merge the sorted runs ``extra`` into ``tt`` without its runs ``gone``."""
    from mobility.timetable.kernels import merge_departures, merge_runs

    extra = take_runs(extra, np.lexsort(run_keys(extra)[::-1]).astype(np.int64))
    extra.call_board[extra.run_ptr[1:] - 1] = False
    extra.call_alight[extra.run_ptr[:-1]] = False
    removed = np.zeros(tt.n_runs, np.bool_)
    removed[gone] = True
    slot = _slots(tt, extra)
    merged, number, extra_number = merge_runs(*tt.runs, removed, slot, *extra)
    board = np.flatnonzero(extra.call_board)
    stop, time = extra.call_stop[board], extra.call_dep[board]
    order = np.lexsort((extra_number[board], time, stop))
    dep_ptr, dep_time, dep_call, call_pos = merge_departures(
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
