"""Trips of a timetable: the runs that make them, taken out, changed and put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mobility.timetable.arrays import Int32, Int64, RunArrays, Timetable, pick_calls


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
    def is_single(self) -> NDArray[np.bool_]:
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
    kept: NDArray[np.bool_] = ~np.isin(run.call_trip, trips)
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
