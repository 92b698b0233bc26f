"""The timetable of one study date as flat, sorted arrays.

Service days d-1, d and d+1 share one axis: int32 seconds since noon minus 12 h of *d* in
the territory's time zone (`mobility.base.clock`). A *run* is one vehicle journey on one service
day; its *calls* are consecutive in the arrays. Stop indices are those of the feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mobility.base.arrays import Bool, Int8, Int32, Int64

#: Unreached, int32 seconds; two of them add without overflow. Never leaves the engine.
INF = 2**30


@dataclass(frozen=True, eq=False)
class Timetable:
    """All vehicle journeys and footpaths around one study date.

    Attributes
    ----------
    n_stops
        Number of stops; every stop index lies in ``0:n_stops``.
    run_ptr
        int64[R+1]; the calls of run r are ``run_ptr[r]:run_ptr[r+1]``. Runs are sorted by
        (first departure, last arrival, trip, service day).
    call_stop, call_arr, call_dep
        int32[C]; stop index, arrival and departure (axis seconds) of each call. Arrivals of a
        run without exact times come a headway late, so that every ride holds a full wait.
    call_board, call_alight
        bool[C]; whether one may board or alight. Never board at a run's last call, never
        alight at its first.
    call_trip
        int32[C]; index into the feed's trips, -1 for a run that belongs to no trip.
    run_day
        int8[R]; -1, 0 or +1, the service day of its first trip relative to the study date.
    foot_ptr
        int64[S+1]; the footpaths from stop s are ``foot_ptr[s]:foot_ptr[s+1]``, sorted by
        (walk, stop).
    foot_stop, foot_walk_s, foot_need_s
        int32; stop reached, seconds that count as walking, and least seconds from arriving
        at the row's stop to departing from ``foot_stop`` (not below ``foot_walk_s``, but where
        the departing vehicle waits). Changing at the stop itself is a footpath of walk 0.
    dep_ptr
        int64[S+1]; the boardable calls at stop s are ``dep_ptr[s]:dep_ptr[s+1]`` of the
        stop-major index.
    dep_time, dep_call
        int32; departure time and call of each boardable call, sorted by
        (stop, departure, call).
    call_pos
        int32[C]; place of a call in the stop-major index, -1 if one may not board.
    known_into
        ``foot_into`` where it is known beforehand.
    """

    n_stops: int
    run_ptr: Int64
    call_stop: Int32
    call_arr: Int32
    call_dep: Int32
    call_board: Bool
    call_alight: Bool
    call_trip: Int32
    run_day: Int8
    foot_ptr: Int64
    foot_stop: Int32
    foot_walk_s: Int32
    foot_need_s: Int32
    dep_ptr: Int64
    dep_time: Int32
    dep_call: Int32
    call_pos: Int32
    known_into: FootArrays | None = None

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return self.run_ptr.size - 1

    @property
    def n_calls(self) -> int:
        """Number of calls of all runs."""
        return self.call_stop.size

    @property
    def runs(self) -> RunArrays:
        """Its runs."""
        return RunArrays(*(getattr(self, name) for name in RunArrays._fields))

    @property
    def feet(self) -> FootArrays:
        """Its footpaths, by the stop they leave."""
        return FootArrays(self.foot_ptr, self.foot_stop, self.foot_walk_s, self.foot_need_s)

    @cached_property
    def served(self) -> Bool:
        """Stops at which a run calls, bool[S]."""
        served = np.zeros(self.n_stops, bool)
        served[self.call_stop] = True
        return served

    @cached_property
    def foot_into(self) -> FootArrays:
        """The footpaths by the stop they lead to, which rows then name the stop they leave."""
        if self.known_into is not None:
            return self.known_into
        source = np.repeat(np.arange(self.n_stops, dtype=np.int32), np.diff(self.foot_ptr))
        return footpath_rows(
            self.n_stops, self.foot_stop, source, self.foot_walk_s, self.foot_need_s
        )

    def with_feet_of(self, other: Timetable) -> Timetable:
        """Return itself, told that its footpaths are those of ``other``: turned round once."""
        return replace(self, known_into=other.foot_into)

    def on_feet(self, feet: FootArrays) -> Timetable:
        """Return its runs with other footpaths."""
        return replace(
            self,
            foot_ptr=feet.ptr,
            foot_stop=feet.stop,
            foot_walk_s=feet.walk_s,
            foot_need_s=feet.need_s,
            known_into=None,
        )

    def run_of_call(self, call: int) -> int:
        """Return the run to which ``call`` belongs."""
        return int(np.searchsorted(self.run_ptr, call, side="right")) - 1


class RunArrays(NamedTuple):
    """The ``run_*`` and ``call_*`` arrays of `Timetable`, the runs in any order."""

    run_ptr: Int64
    call_stop: Int32
    call_arr: Int32
    call_dep: Int32
    call_board: Bool
    call_alight: Bool
    call_trip: Int32
    run_day: Int8


_KINDS = (np.int32, np.int32, np.int32, np.bool_, np.bool_, np.int32, np.int8)
NO_RUNS = RunArrays._make([np.zeros(1, np.int64), *(np.zeros(0, kind) for kind in _KINDS)])


class FootArrays(NamedTuple):
    """The ``foot_*`` arrays of `Timetable`, rows sorted (see `footpath_rows`)."""

    ptr: Int64
    stop: Int32
    walk_s: Int32
    need_s: Int32


def index_timetable(n_stops: int, runs: RunArrays, feet: FootArrays) -> Timetable:
    """Sort the runs, forbid boarding at last calls and alighting at first ones, and index stops.

    Parameters
    ----------
    n_stops
        Number of stops.
    runs
        The runs in any order, each of at least one call.
    feet
        The footpaths.
    """
    order = _run_order(runs)
    if not np.array_equal(order, np.arange(order.size)):
        runs = take_runs(runs, order)
    board, alight = runs.call_board.copy(), runs.call_alight.copy()
    board[runs.run_ptr[1:] - 1] = False
    alight[runs.run_ptr[:-1]] = False
    dep_ptr, dep_time, dep_call, call_pos = stop_index(
        n_stops, runs.call_stop, runs.call_dep, board
    )
    return Timetable(
        n_stops=n_stops,
        run_ptr=np.ascontiguousarray(runs.run_ptr, np.int64),
        call_stop=np.ascontiguousarray(runs.call_stop, np.int32),
        call_arr=np.ascontiguousarray(runs.call_arr, np.int32),
        call_dep=np.ascontiguousarray(runs.call_dep, np.int32),
        call_board=board,
        call_alight=alight,
        call_trip=np.ascontiguousarray(runs.call_trip, np.int32),
        run_day=np.ascontiguousarray(runs.run_day, np.int8),
        foot_ptr=feet.ptr,
        foot_stop=feet.stop,
        foot_walk_s=feet.walk_s,
        foot_need_s=feet.need_s,
        dep_ptr=dep_ptr,
        dep_time=dep_time,
        dep_call=dep_call,
        call_pos=call_pos,
    )


def run_keys(runs: RunArrays) -> tuple[Int32, Int32, Int32, Int32, Int8]:
    """Return the sort keys of runs: first departure, last arrival, trips at both ends, day."""
    first, last = runs.run_ptr[:-1], runs.run_ptr[1:] - 1
    ends = runs.call_trip[first], runs.call_trip[last]
    low, high = np.minimum(*ends), np.maximum(*ends)
    return runs.call_dep[first], runs.call_arr[last], low, high, runs.run_day


def _run_order(runs: RunArrays) -> Int64:
    return np.lexsort(run_keys(runs)[::-1]).astype(np.int64)


def take_runs(runs: RunArrays, order: Int64) -> RunArrays:
    """Return the runs whose indices ``order`` lists, in that order."""
    sizes = np.diff(runs.run_ptr)[order]
    ptr = np.zeros(order.size + 1, np.int64)
    np.cumsum(sizes, out=ptr[1:])
    take = np.arange(ptr[-1], dtype=np.int64) + np.repeat(runs.run_ptr[order] - ptr[:-1], sizes)
    return pick_calls(runs, take, ptr, runs.run_day[order])


def pick_calls(runs: RunArrays, calls: Int64 | slice, run_ptr: Int64, run_day: Int8) -> RunArrays:
    """Return runs made of some calls of others, in the order given."""
    return RunArrays._make([run_ptr, *(column[calls] for column in runs[1:-1]), run_day])


def join_runs(parts: Sequence[RunArrays]) -> RunArrays:
    """Return the runs of all parts, in their order."""
    if not parts:
        return NO_RUNS
    sizes = [int(p.run_ptr[-1]) for p in parts]
    starts = np.cumsum([0, *sizes[:-1]])
    ptr = [p.run_ptr[1:] + s for p, s in zip(parts, starts, strict=True)]
    flat = [np.concatenate(arrays) for arrays in zip(*(p[1:] for p in parts), strict=True)]
    return RunArrays(np.concatenate([np.zeros(1, np.int64), *ptr]), *flat)


def stop_index(
    n_stops: int, call_stop: Int32, call_dep: Int32, call_board: Bool
) -> tuple[Int64, Int32, Int32, Int32]:
    """Return ``dep_ptr, dep_time, dep_call, call_pos`` of `Timetable`."""
    # Loading the compiler takes half a second: where nobody asks for a timetable, it is not.
    from mobility.timetable.kernels import order_departures

    count = np.count_nonzero(call_board)
    dep_ptr, after = np.zeros(n_stops + 1, np.int64), np.empty(n_stops, np.int64)
    dep_time, dep_call = np.empty(count, np.int32), np.empty(count, np.int32)
    call_pos = np.full(call_stop.size, -1, np.int32)
    stop, dep = (np.ascontiguousarray(a, np.int32) for a in (call_stop, call_dep))
    board = np.ascontiguousarray(call_board, np.bool_)
    order_departures(stop, dep, board, dep_ptr, after, dep_time, dep_call, call_pos)
    return dep_ptr, dep_time, dep_call, call_pos


def footpath_rows(
    n_stops: int, source: Int32, target: Int32, walk_s: Int32, need_s: Int32
) -> FootArrays:
    """Return the sorted rows of footpaths given one by one."""
    order = np.lexsort((target, walk_s, source))
    ptr = np.zeros(n_stops + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=n_stops), out=ptr[1:])
    rows = (target[order], walk_s[order], need_s[order])
    return FootArrays(ptr, *(np.ascontiguousarray(a, np.int32) for a in rows))


def mirrored(tt: Timetable) -> Timetable:
    """Return the timetable with time running backwards.

    Times change sign, runs are reversed, boarding and alighting swap and footpaths are
    transposed; stop indices stay. Mirroring twice gives the timetable again.
    """
    mirror = index_timetable(tt.n_stops, mirror_runs(tt.runs), tt.foot_into)
    return replace(mirror, known_into=tt.feet)


def mirror_runs(runs: RunArrays) -> RunArrays:
    """Return runs with time running backwards, as `mirrored` does."""
    ptr = runs.run_ptr
    # Call k of a run of n becomes call n - 1 - k of the same run.
    back = np.repeat(ptr[:-1] + ptr[1:] - 1, np.diff(ptr)) - np.arange(int(ptr[-1]))
    return RunArrays(
        ptr,
        runs.call_stop[back],
        -runs.call_dep[back],
        -runs.call_arr[back],
        runs.call_alight[back],
        runs.call_board[back],
        runs.call_trip[back],
        runs.run_day,
    )
