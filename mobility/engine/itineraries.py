"""Itineraries: the legs behind a time, found again in the labels of the scan.

Numbers are read one at a time, by ``item``, which is half the time of an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from mobility.engine.journeys import HomeTimes, Scan
from mobility.timetable.arrays import INF, Timetable

if TYPE_CHECKING:
    from mobility.timetable.footpaths import WalkTable

HOME, GATE = -1, -2


class Leg(NamedTuple):
    """One part of a journey; consecutive legs share place and time.

    Attributes
    ----------
    kind
        ``walk``, ``ride`` or ``wait``.
    from_stop, to_stop
        Stop indices; `HOME` and `GATE` stand for the two ends.
    depart_s, arrive_s
        Axis seconds of the study date.
    run, from_call, to_call
        For a ride: run and calls of the timetable it was scanned on, else -1.
    trip
        For a ride: index of the trip boarded, else -1.
    """

    kind: Literal["walk", "ride", "wait"]
    from_stop: int
    to_stop: int
    depart_s: int
    arrive_s: int
    trip: int = -1
    from_call: int = -1
    to_call: int = -1


@dataclass(frozen=True)
class Itinerary:
    """A whole direction of one commute, in the order it is travelled."""

    legs: tuple[Leg, ...]

    @property
    def depart_s(self) -> int:
        """Axis second of its start."""
        return self.legs[0].depart_s

    @property
    def arrive_s(self) -> int:
        """Axis second of its end."""
        return self.legs[-1].arrive_s

    @property
    def walk_s(self) -> int:
        """All walking, seconds."""
        return sum(leg.arrive_s - leg.depart_s for leg in self.legs if leg.kind == "walk")

    @property
    def rides(self) -> int:
        """Vehicles boarded."""
        return sum(leg.kind == "ride" for leg in self.legs)


def itinerary(scanned: Scan, times: HomeTimes, access: WalkTable, home: int) -> Itinerary | None:
    """Return the journey behind ``times.elapsed_s[home]``, or None where there is none.

    Parameters
    ----------
    scanned, times, access
        The scan, its look-up and the walks it used.
    home
        Row of ``access``.
    """
    if times.elapsed_s[home] == INF:
        return None
    at_s = -scanned.edge.at_s if scanned.edge.returning else scanned.edge.at_s
    leave_s = int(at_s - times.elapsed_s[home])
    stop = times.stop.item(home)
    row = slice(access.ptr[home], access.ptr[home + 1])
    # A home's walks are in the order of their seconds.
    walk_s = int(access.walk_s[row][np.argmax(access.stop[row] == stop)])
    rides = times.rides.item(home)
    after_s = times.walk_s.item(home) - walk_s
    walk = Leg("walk", HOME, stop, leave_s, leave_s + walk_s)
    boarding = stop, leave_s + walk_s, rides, after_s
    if boarding not in scanned.shared:
        scanned.shared[boarding] = _rides(scanned, *boarding)
    shared: tuple[Leg, ...] = scanned.shared[boarding]
    if scanned.edge.returning:
        return Itinerary((*shared, _reversed(walk, scanned.timetable)))
    return Itinerary((walk, *shared))


def _rides(scanned: Scan, stop: int, at_s: int, rides: int, after_s: int) -> tuple[Leg, ...]:
    """Return all legs but the walk between home and the stop where it begins, or ends."""
    position = next(
        p
        for p in _departures(scanned, stop, at_s, at_s)
        if _label(scanned, rides, stop, p) == after_s
    )
    legs: list[Leg] = []
    while True:
        ride, onward = _alight(scanned, position, rides, after_s)
        legs += [ride, *onward[0]]
        if onward[1] is None:
            break
        position, rides, after_s = onward[1]
    if scanned.edge.returning:
        legs = [_reversed(leg, scanned.timetable) for leg in reversed(legs)]
    return tuple(_headways_told(legs, scanned))


def _headways_told(legs: list[Leg], scanned: Scan) -> Iterator[Leg]:
    """Yield the legs, a ride at a headway being a wait of the headway and the ride.

    Such a run arrives at its calls a headway later than it leaves them, see
    `mobility.timetable.runs`; both directions of the timetable say the same of it.
    """
    tt = scanned.timetable
    waited: Leg | None = None
    for leg in legs:
        headway_s = 0
        if leg.kind == "ride":
            run = int(tt.run_ptr.searchsorted(leg.from_call, side="right")) - 1
            calls = slice(tt.run_ptr[run], tt.run_ptr[run + 1])
            headway_s = max(0, int((tt.call_arr[calls] - tt.call_dep[calls]).max()))
        if headway_s:
            start_s = leg.depart_s if waited is None else waited.depart_s
            leave_s = leg.depart_s + headway_s
            waited = Leg("wait", leg.from_stop, leg.from_stop, start_s, leave_s)
            leg = leg._replace(depart_s=leave_s)  # noqa: PLW2901
        if waited is not None:
            yield waited
        waited = leg if leg.kind == "wait" else None
        if waited is None:
            yield leg
    if waited is not None:
        yield waited


def _departures(scanned: Scan, stop: int, soonest_s: int, latest_s: int) -> Iterator[int]:
    """Yield positions of the stop's departures inside the scan's window and the two times."""
    tt = scanned.timetable
    low = scanned.first.item(stop)
    high = low + scanned.shift.item(stop + 1) - scanned.shift.item(stop)
    # A stop's departures are in the order of time.
    low += int(tt.dep_time[low:high].searchsorted(np.int32(soonest_s)))
    for position in range(low, high):
        if tt.dep_time.item(position) > latest_s:
            return
        yield position


def _label(scanned: Scan, rides: int, stop: int, position: int) -> int:
    k = scanned.shift.item(stop) + position - scanned.first.item(stop)
    return scanned.label.item(rides - 1, k)


_Onward = tuple[list[Leg], tuple[int, int, int] | None]
# A call at which a run was boarded, the one where it is left, and what follows.
_Alighting = tuple[int, int, _Onward]


def _alight(scanned: Scan, position: int, rides: int, after_s: int) -> tuple[Leg, _Onward]:
    """Return the ride from a departure and what follows it, needing ``after_s`` of walking."""
    tt = scanned.timetable
    board = tt.dep_call.item(position)
    run = int(tt.run_ptr.searchsorted(board, side="right")) - 1
    # Rides that board a run anywhere between a call from which it was asked and the call where
    # that one alights alight there too.
    known = scanned.onward.setdefault((run, rides, after_s), [])
    found = _known(known, board)
    if found is None:
        found = board, *_alighted(scanned, board, tt.run_ptr.item(run + 1), rides, after_s, known)
        known.append(found)
    _, call, onward = found
    ride = Leg(
        "ride",
        tt.call_stop.item(board),
        tt.call_stop.item(call),
        tt.call_dep.item(board),
        tt.call_arr.item(call),
        tt.call_trip.item(board),
        board,
        call,
    )
    return ride, onward


def _known(known: list[_Alighting], board: int) -> _Alighting | None:
    return next((one for one in known if one[0] <= board < one[1]), None)


def _alighted(
    scanned: Scan, board: int, end: int, rides: int, after_s: int, known: list[_Alighting]
) -> tuple[int, _Onward]:
    """Return the first call after one, before ``end``, from which the journey goes on, and how."""
    for call in range(board + 1, end):
        if scanned.timetable.call_alight.item(call):
            onward = _to_gate(scanned, call, after_s) or _to_transfer(scanned, call, rides, after_s)
            if onward is not None:
                return call, onward
        further = _known(known, call)
        if further is not None:
            return further[1:]
    raise AssertionError("a finite label has no journey behind it")


def _to_gate(scanned: Scan, call: int, after_s: int) -> _Onward | None:
    tt, limits, deadline_s = scanned.timetable, scanned.limits, scanned.deadline_s
    stop, arrival = tt.call_stop.item(call), tt.call_arr.item(call)
    walk_s = scanned.egress_s.item(stop)
    wait_s = deadline_s - arrival - walk_s
    charged_s = walk_s if limits.gate_walk_counts else 0
    if charged_s != after_s or not 0 <= wait_s <= limits.max_wait_s:
        return None
    legs = [Leg("walk", stop, GATE, arrival, arrival + walk_s)]
    if wait_s:
        legs.append(Leg("wait", GATE, GATE, arrival + walk_s, deadline_s))
    return legs, None


def _to_transfer(scanned: Scan, call: int, rides: int, after_s: int) -> _Onward | None:
    if rides == 1:
        return None
    tt, limits = scanned.timetable, scanned.limits
    stop, arrival = tt.call_stop.item(call), tt.call_arr.item(call)
    for foot in range(tt.foot_ptr.item(stop), tt.foot_ptr.item(stop + 1)):
        walk_s, other = tt.foot_walk_s.item(foot), tt.foot_stop.item(foot)
        if walk_s > after_s:
            return None
        soonest_s = arrival + tt.foot_need_s.item(foot)
        latest_s = arrival + walk_s + limits.max_wait_s
        for position in _departures(scanned, other, soonest_s, latest_s):
            if walk_s + _label(scanned, rides - 1, other, position) != after_s:
                continue
            depart_s = tt.dep_time.item(position)
            # At a guaranteed connection the vehicle waits until the walk is done.
            there_s = min(arrival + walk_s, depart_s)
            legs = [Leg("walk", stop, other, arrival, there_s)] if walk_s or other != stop else []
            if depart_s > there_s:
                legs.append(Leg("wait", other, other, there_s, depart_s))
            return legs, (position, rides - 1, after_s - walk_s)
    return None


def _reversed(leg: Leg, mirror: Timetable) -> Leg:
    """Turn a leg of the mirrored timetable round."""
    trip = leg.trip
    if leg.kind == "ride":
        trip = mirror.call_trip.item(leg.to_call)
    there_s, then_s = -leg.arrive_s, -leg.depart_s
    return Leg(
        leg.kind, leg.to_stop, leg.from_stop, there_s, then_s, trip, leg.to_call, leg.from_call
    )
