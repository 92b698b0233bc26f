"""Planned rides on vehicles that run late: many days at once.

A rider keeps the departure from home and the stops of the planned journey. At each stop he boards
the first vehicle that really leaves once he is there, among the planned one and those that the
timetable lets leave no earlier and that go to the stop where he means to alight. A vehicle that the
timetable shows overtaken on the way there is let go, unless it is the planned one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mobility.base.arrays import Bool, Int32, Int64
from mobility.timetable.arrays import INF, Timetable

#: Real arrivals and departures of the calls of a run, int32 (calls, draws), axis seconds.
RealTimes = Callable[[int], tuple[Int32, Int32]]


@dataclass(frozen=True)
class PlannedRide:
    """One ride of a journey.

    Attributes
    ----------
    board, alight
        Calls of the timetable.
    need_s
        Least seconds from alighting before to boarding here; 0 for the first ride.
    """

    board: int
    alight: int
    need_s: int


class RealRuns:
    """The runs of a timetable as they really came, on each of some days.

    Parameters
    ----------
    timetable
        As planned, time running onwards.
    real
        Real times of a run.
    place : int64[S]
        What a stop stands for: stops of one value are one place to wait.
    horizon_s
        A rider counts on no vehicle planned later than this after the planned one.
    """

    def __init__(self, timetable: Timetable, real: RealTimes, place: Int64, horizon_s: int) -> None:
        self.timetable, self._real, self._horizon_s = timetable, real, horizon_s
        self._place = place
        self._order = np.argsort(place, kind="stable")
        self._known: dict[int, tuple[Int32, Int32]] = {}
        self._choices: dict[tuple[int, int], list[tuple[int, int, int]]] = {}

    def times(self, run: int) -> tuple[Int32, Int32]:
        """Return the real arrivals and departures of a run, int32 (calls, draws)."""
        if run not in self._known:
            self._known[run] = self._real(run)
        return self._known[run]

    def choices(self, board: int, alight: int) -> list[tuple[int, int, int]]:
        """Return (run, boarding call, alighting call) of what may be boarded, the planned first."""
        key = board, alight
        if key not in self._choices:
            self._choices[key] = self._found(board, alight)
        return self._choices[key]

    def _found(self, board: int, alight: int) -> list[tuple[int, int, int]]:
        tt, place = self.timetable, self._place
        here, there = place[tt.call_stop[board]], place[tt.call_stop[alight]]
        planned_s = int(tt.call_dep[board])
        low, high = np.searchsorted(place[self._order], [here, here + 1])
        later: list[tuple[int, int, int, int, int]] = []
        for stop in self._order[low:high]:
            row = tt.dep_time[tt.dep_ptr[stop] : tt.dep_ptr[stop + 1]]
            span = np.searchsorted(row, [planned_s, planned_s + self._horizon_s + 1])
            for position in range(*(int(tt.dep_ptr[stop]) + span)):
                call = int(tt.dep_call[position])
                run = tt.run_of_call(call)
                calls = np.arange(call + 1, tt.run_ptr[run + 1])
                goes = calls[(place[tt.call_stop[calls]] == there) & tt.call_alight[calls]]
                if goes.size and call != board:
                    to = int(goes[0])
                    later.append((int(tt.call_dep[call]), int(tt.call_arr[to]), run, call, to))
        kept, soonest_s = [], INF
        for _, arrival_s, *choice in sorted(later, key=lambda row: (-row[0], row[1], row[3])):
            if arrival_s < soonest_s:
                kept.append((choice[0], choice[1], choice[2]))
                soonest_s = arrival_s
        return [(tt.run_of_call(board), board, alight), *reversed(kept)]


def ride_late(runs: RealRuns, rides: Sequence[PlannedRide], ready_s: int) -> tuple[Int32, Bool]:
    """Return when a rider really alights for good, and which planned vehicles had gone.

    Parameters
    ----------
    runs
        How the vehicles really ran.
    rides
        The journey as planned, at least one ride.
    ready_s
        When the rider is at the first stop, axis seconds.

    Returns
    -------
    int32[N]
        Axis second of the last alighting in each draw; ``INF`` where nothing came any more.
    bool[len(rides), N]
        Whether the planned vehicle of each ride was missed.
    """
    arrival_s: Int32 | None = None
    missed = []
    tt = runs.timetable
    for ride in rides:
        choices = runs.choices(ride.board, ride.alight)
        leaves, arrives = [], []
        for run, call, to in choices:
            real_arrival, real_departure = runs.times(run)
            first = tt.run_ptr[run]
            leaves.append(real_departure[call - first])
            arrives.append(real_arrival[to - first])
        leave_s, there_s = np.array(leaves), np.array(arrives)
        at_s = np.full(leave_s.shape[1], ready_s, np.int32)
        if arrival_s is not None:
            at_s = np.minimum(arrival_s + np.int32(ride.need_s), INF).astype(np.int32)
        leave_s = np.where(leave_s >= at_s, leave_s, INF)
        # The planned vehicle stands first, so that it is taken at a tie.
        taken = leave_s.argmin(axis=0)
        draws = np.arange(taken.size)
        missed.append(leave_s[0] == INF)
        arrival_s = np.where(leave_s[taken, draws] < INF, there_s[taken, draws], INF).astype(
            np.int32
        )
    assert arrival_s is not None
    return arrival_s, np.array(missed)


def ride_of_mirror(tt: Timetable, mirror: Timetable, board: int, alight: int) -> tuple[int, int]:
    """Return the calls of the timetable that are two calls of its mirror, in the way travelled."""
    stop, there = int(mirror.call_stop[board]), int(mirror.call_stop[alight])
    departure_s, arrival_s = -int(mirror.call_arr[board]), -int(mirror.call_dep[alight])
    row = tt.dep_time[tt.dep_ptr[stop] : tt.dep_ptr[stop + 1]]
    span = np.searchsorted(row, [departure_s, departure_s + 1])
    for position in range(*(int(tt.dep_ptr[stop]) + span)):
        call = int(tt.dep_call[position])
        if tt.call_trip[call] != mirror.call_trip[board]:
            continue
        rest = np.arange(call + 1, tt.run_ptr[tt.run_of_call(call) + 1])
        found = rest[
            (tt.call_stop[rest] == there) & (tt.call_arr[rest] == arrival_s) & tt.call_alight[rest]
        ]
        if found.size:
            return call, int(found[0])
    raise AssertionError("a ride of a journey is in no run of its timetable")
