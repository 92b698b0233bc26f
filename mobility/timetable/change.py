"""What-ifs: a timetable with runs added, removed or moved, without reading anything again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mobility.base.arrays import Bool, Int32, Int64
from mobility.timetable.arrays import (
    NO_RUNS,
    RunArrays,
    Timetable,
    join_runs,
    pick_calls,
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


class Pieces(NamedTuple):
    """Trips of a timetable: ``trip``, ``run``, first departure, last arrival, end calls."""

    trip: Int64
    run: Int64
    start_s: Int32
    end_s: Int32
    first_call: Int64
    last_call: Int64


@dataclass(frozen=True, eq=False)
class DayNetwork:
    """The timetable of one kind of day, with what finds the runs of a trip."""

    kind: str
    timetable: Timetable

    @cached_property
    def runs(self) -> RunArrays:
        """The runs as plain arrays."""
        return self.timetable.runs

    @cached_property
    def pieces(self) -> Pieces:
        """The part of each run that is one trip, sorted by trip then run."""
        tt = self.timetable
        first = np.zeros(tt.n_calls, np.bool_)
        first[tt.run_ptr[:-1]] = True
        first[1:] |= tt.call_trip[1:] != tt.call_trip[:-1]
        begin = np.flatnonzero(first)
        end = np.append(begin[1:], tt.n_calls) - 1
        run = tt.run_ptr.searchsorted(begin, side="right") - 1
        trip = tt.call_trip[begin]
        order = np.lexsort((run, trip))
        # Trips that keep a headway only have no times to move.
        loose = tt.call_arr[tt.run_ptr[:-1]] > tt.call_dep[tt.run_ptr[:-1]]
        order = order[(trip[order] >= 0) & ~loose[run[order]]]
        return Pieces(
            trip[order].astype(np.int64),
            run[order].astype(np.int64),
            tt.call_dep[begin[order]],
            tt.call_arr[end[order]],
            begin[order],
            end[order],
        )

    @cached_property
    def start_s(self) -> Int32:
        """First departure of each run, axis seconds, int32 (R,)."""
        return self.timetable.call_dep[self.timetable.run_ptr[:-1]]

    @cached_property
    def end_s(self) -> Int32:
        """Last arrival of each run, axis seconds, int32 (R,)."""
        return self.timetable.call_arr[self.timetable.run_ptr[1:] - 1]

    @cached_property
    def own_trips(self) -> Int64:
        """Trips that run on the service day itself, ascending."""
        own = self.timetable.run_day[self.pieces.run] == 0
        return np.unique(self.pieces.trip[own])

    @cached_property
    def is_single(self) -> Bool:
        """Whether a run is one trip from end to end, bool (R,)."""
        tt = self.timetable
        return np.equal(tt.call_trip[tt.run_ptr[:-1]], tt.call_trip[tt.run_ptr[1:] - 1])

    @cached_property
    def _first_piece(self) -> list[int]:
        """Place of the first piece of each trip, and their number."""
        trip = self.pieces.trip
        count = int(trip[-1]) + 2 if trip.size else 1
        return [int(place) for place in trip.searchsorted(np.arange(count))]

    @cached_property
    def _piece_run(self) -> list[int]:
        return [int(run) for run in self.pieces.run]

    def places(self, trips: tuple[int, ...]) -> Int64:
        """Return the places, among the pieces, of some trips."""
        first = self._first_piece
        found = [range(first[t], first[t + 1]) for t in trips if t + 1 < len(first)]
        return np.array([place for places in found for place in places], np.int64)

    def own_places(self, trips: tuple[int, ...]) -> Int64:
        """Return those places that are of the service day itself."""
        found = self.places(trips)
        return np.asarray(found[self.timetable.run_day[self.pieces.run[found]] == 0])

    def runs_of(self, trips: tuple[int, ...]) -> Int64:
        """Return the runs that hold some of the trips, ascending."""
        first, run = self._first_piece, self._piece_run
        found = [run[first[t] : first[t + 1]] for t in trips if t + 1 < len(first)]
        return np.array(sorted({one for runs in found for one in runs}), np.int64)

    def span(self, run: int) -> slice:
        """Return the calls of a run."""
        ptr = self.timetable.run_ptr
        return slice(int(ptr[run]), int(ptr[run + 1]))


def one_run(network: DayNetwork, run: int) -> RunArrays:
    """Return one run of a timetable."""
    runs, span = network.runs, network.span(run)
    ptr = np.array([0, span.stop - span.start], np.int64)
    return pick_calls(runs, span, ptr, runs.run_day[run : run + 1])


def only_trips(run: RunArrays, trips: Sequence[int]) -> RunArrays:
    """Keep the calls of some trips: a copy of a trip is not its vehicle's whole day."""
    kept = np.isin(run.call_trip, trips)
    if kept.all():
        return run
    ptr = np.array([0, int(kept.sum())], np.int64)
    return pick_calls(run, np.flatnonzero(kept), ptr, run.run_day)


def without_trips(run: RunArrays, trips: Sequence[int]) -> RunArrays:
    """Take the calls of some trips out of a run; what is before and after are two runs then."""
    kept: Bool = ~np.isin(run.call_trip, trips)
    parted = ~kept
    parted[run.run_ptr[:-1]] = True  # in parts already where another trip was taken out before
    part = np.cumsum(parted)[kept]
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    ptr = np.append(starts, part.size).astype(np.int64)
    return pick_calls(run, np.flatnonzero(kept), ptr, np.repeat(run.run_day[:1], starts.size))


def moved(run: RunArrays, trips: Sequence[int], by_s: int) -> RunArrays:
    """Move the calls of some trips, later when positive."""
    by = np.where(np.isin(run.call_trip, trips), by_s, 0).astype(np.int32)
    return run._replace(call_arr=run.call_arr + by, call_dep=run.call_dep + by)


def mended(run: RunArrays) -> RunArrays:
    """Part a run where one trip now ends after the next begins: two vehicles then.

    Riders who stay aboard from one trip to the next do so only while the vehicle can.
    """
    joint = np.flatnonzero(run.call_trip[1:] != run.call_trip[:-1]) + 1
    if not joint.size:
        return run
    arr = run.call_arr.copy()
    # Nobody alights at the first call of a joined trip: its arrival only has to be in order.
    arr[joint] = np.minimum(run.call_dep[joint], np.maximum(arr[joint], arr[joint - 1]))
    cuts = joint[run.call_dep[joint] < arr[joint - 1]]
    # Where a trip between has been taken out, the run is in parts already.
    ptr = np.union1d(run.run_ptr, cuts).astype(np.int64)
    return run._replace(run_ptr=ptr, call_arr=arr, run_day=np.repeat(run.run_day[:1], ptr.size - 1))
