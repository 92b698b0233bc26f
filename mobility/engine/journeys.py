"""Door-to-door times between homes and the gates of one site.

Outbound asks for the latest time of leaving home, return for the earliest time of
reaching it. Return is outbound on the mirrored timetable: one kernel, two directions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Int32
from mobility.timetable.arrays import INF, FootArrays, Timetable, mirrored
from mobility.timetable.change import mirror_index

if TYPE_CHECKING:
    from mobility.timetable.footpaths import WalkTable


@dataclass(frozen=True)
class EngineLimits:
    """What one direction of a commute may take.

    Attributes
    ----------
    max_total_s
        From leaving home to the shift's start, or from its end to reaching home.
    max_walk_s
        All walking of the direction.
    max_transfers
        Changes of vehicle.
    max_wait_s
        Any single wait, at a stop or at the gate.
    home_walk_counts, gate_walk_counts
        Whether the walk at that end counts in ``max_walk_s``; switched off one at a time
        to find what binds.
    """

    max_total_s: int = 3600
    max_walk_s: int = 1200
    max_transfers: int = 2
    max_wait_s: int = 1800
    home_walk_counts: bool = True
    gate_walk_counts: bool = True


@dataclass(frozen=True, eq=False)
class OneWay:
    """A timetable as the kernel scans it, with what finds the runs of a time window."""

    timetable: Timetable

    @cached_property
    def arrays(self) -> tuple[Any, ...]:
        """What the kernel reads of it, in its order."""
        tt = self.timetable
        calls = tt.call_stop, tt.call_arr, tt.call_dep, tt.call_alight, tt.call_pos
        return tt.run_ptr, *calls, *tt.feet, *tt.foot_into, tt.dep_time

    @cached_property
    def start_s(self) -> Int32:
        """First departure of each run, ascending, int32 (R,)."""
        return self.timetable.call_dep[self.timetable.run_ptr[:-1]]

    @cached_property
    def longest_s(self) -> int:
        """Longest duration of a run, seconds."""
        last_s = self.timetable.call_dep[self.timetable.run_ptr[1:] - 1]
        return int((last_s - self.start_s).max(initial=0))

    def runs_between(self, earliest_s: int, deadline_s: int) -> tuple[int, int]:
        """Return a range of runs holding all that have a call in a time window."""
        low = self.start_s.searchsorted(np.int32(earliest_s - self.longest_s), side="left")
        high = self.start_s.searchsorted(np.int32(deadline_s), side="right")
        return int(low), max(int(low), int(high))


@dataclass(frozen=True, eq=False)
class TwoWay:
    """A timetable and its mirror: what both directions of a commute need.

    ``runs_of`` is another one of the same runs, whose mirror then serves; ``known_mirror`` is the
    mirrored timetable where it is known beforehand.
    """

    timetable: Timetable
    runs_of: TwoWay | None = None
    known_mirror: Timetable | None = None

    @cached_property
    def onward(self) -> OneWay:
        """The timetable as it is."""
        return OneWay(self.timetable)

    @cached_property
    def mirror(self) -> OneWay:
        """The timetable with time and rides reversed."""
        if self.known_mirror is not None:
            return OneWay(self.known_mirror)
        if self.runs_of is None:
            return OneWay(mirrored(self.timetable))
        other, tt = self.runs_of.mirror.timetable, self.timetable
        return OneWay(replace(other.on_feet(tt.foot_into), known_into=tt.feet))

    @cached_property
    def mirror_run(self) -> NDArray[np.int64]:
        """Place of each run in the mirrored timetable, int64 (R,)."""
        return mirror_index(self.timetable)

    def forget_mirror(self) -> None:
        """Free the mirrored timetable, made again when it is next asked for."""
        for name in ("mirror", "mirror_run"):
            vars(self).pop(name, None)

    def on_feet(self, feet: FootArrays) -> TwoWay:
        """Return the same runs with other footpaths."""
        return TwoWay(self.timetable.on_feet(feet), self)


@dataclass(frozen=True)
class Edge:
    """One edge of a shift as the engine sees it.

    Attributes
    ----------
    returning
        False: be at work by ``at_s``. True: go home after ``at_s``.
    at_s
        Shift start or end, axis seconds.
    margin_s
        Time between the gate and the work station.
    """

    returning: bool
    at_s: int
    margin_s: int


@dataclass(frozen=True)
class Scan:
    """The labels of one edge, kept to look up homes and to print itineraries.

    ``timetable`` is the mirrored one when ``edge.returning``, and then every second in
    this object is negated. ``shared`` keeps the rides that homes share, and ``onward`` where rides
    on a run alight, see `mobility.engine.itineraries`.
    """

    timetable: Timetable
    edge: Edge
    limits: EngineLimits
    egress_s: Int32
    first: NDArray[np.int64]
    shift: NDArray[np.int64]
    label: Int32
    shared: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    onward: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def earliest_s(self) -> int:
        """No one leaves home before it."""
        return earliest_of(self.edge, self.limits)

    @property
    def deadline_s(self) -> int:
        """Latest time at the gate."""
        return deadline_of(self.edge)


@dataclass(frozen=True)
class HomeTimes:
    """Answer of one edge for every home.

    Attributes
    ----------
    elapsed_s : int32[H]
        ``outbound_s`` or ``return_s``; ``INF`` where the direction does not hold.
    rides : int8[H]
        Vehicles boarded; 0 where the direction does not hold.
    walk_s : int32[H]
        Walking of that journey, seconds.
    stop : int32[H]
        Stop at the home's end of that journey, -1 where there is none.
    """

    elapsed_s: Int32
    rides: NDArray[np.int8]
    walk_s: Int32
    stop: Int32


def deadline_of(edge: Edge) -> int:
    """Return the gate's deadline on the axis that the kernel sees (mirrored for a return)."""
    return -(edge.at_s + edge.margin_s) if edge.returning else edge.at_s - edge.margin_s


def earliest_of(edge: Edge, limits: EngineLimits) -> int:
    """Return the earliest time of leaving home on the axis that the kernel sees."""
    return (-edge.at_s if edge.returning else edge.at_s) - limits.max_total_s


def scan(two_way: TwoWay, egress_s: Int32, edge: Edge, limits: EngineLimits) -> Scan:
    """Label the departures from which the gates of a site are reached in time.

    Parameters
    ----------
    two_way
        Timetable of the study date.
    egress_s : int32[S]
        Walk between each stop and the nearest gate, seconds; ``INF`` where out of reach.
    edge
        Start or end of a shift.
    limits
        What the direction may take.
    """
    one_way = two_way.mirror if edge.returning else two_way.onward
    return Scan(
        one_way.timetable, edge, limits, egress_s, *_labels(one_way, egress_s, edge, limits)
    )


def _labels(
    one_way: OneWay, egress_s: Int32, edge: Edge, limits: EngineLimits
) -> tuple[NDArray[np.int64], NDArray[np.int64], Int32]:
    # Loading the compiler takes half a second, which nobody waits for who asks nothing.
    from mobility.engine.scan import scan_rides

    earliest_s, deadline_s = earliest_of(edge, limits), deadline_of(edge)
    window = one_way.runs_between(earliest_s, deadline_s)
    found: tuple[NDArray[np.int64], NDArray[np.int64], Int32] = scan_rides(
        one_way.arrays,
        *window,
        egress_s,
        limits.gate_walk_counts,
        earliest_s,
        deadline_s,
        limits.max_walk_s,
        limits.max_wait_s,
        limits.max_transfers + 1,
    )
    return found


def reach(scanned: Scan, access: WalkTable) -> HomeTimes:
    """Look up every home in the labels of one edge.

    Parameters
    ----------
    scanned
        Result of `scan`.
    access
        Walks between homes and stops, rows sorted by seconds.
    """
    from mobility.engine.scan import reach_homes

    leave_s, rides, walk_s, stop = reach_homes(
        scanned.first,
        scanned.shift,
        scanned.label,
        scanned.timetable.dep_time,
        access.ptr,
        access.stop,
        access.walk_s,
        scanned.limits.home_walk_counts,
        scanned.earliest_s,
        scanned.limits.max_walk_s,
    )
    at_s = -scanned.edge.at_s if scanned.edge.returning else scanned.edge.at_s
    elapsed_s = np.where(leave_s == INF, INF, at_s - leave_s).astype(np.int32)
    return HomeTimes(elapsed_s, rides, walk_s, stop)


def travel(
    two_way: TwoWay, egress_s: Int32, edge: Edge, limits: EngineLimits, access: WalkTable
) -> HomeTimes:
    """Return the times of one edge for every home: `scan`, then `reach`."""
    return reach(scan(two_way, egress_s, edge, limits), access)


def holding(
    two_way: TwoWay, egress_s: Int32, edges: Sequence[Edge], limits: EngineLimits, access: WalkTable
) -> NDArray[np.bool_]:
    """Return which homes `travel` of one or the other of some edges reaches, bool[H]."""
    return held_by((scan(two_way, egress_s, edge, limits) for edge in edges), access)


def held_by(scans: Iterable[Scan], access: WalkTable) -> NDArray[np.bool_]:
    """Return which homes `reach` of one or the other of some scans reaches, bool[H]."""
    from mobility.engine.hold import farthest_walks, homes_within

    farthest = np.zeros(0, np.int32)
    for one in scans:
        if not farthest.size:
            farthest = np.full(one.timetable.n_stops, -1, np.int32)
        farthest_walks(
            one.first,
            one.shift,
            one.label,
            one.timetable.dep_time,
            one.limits.home_walk_counts,
            one.earliest_s,
            one.limits.max_walk_s,
            farthest,
        )
    near = access.by_stop
    found = np.zeros(access.n_rows, np.bool_)
    homes_within(near.ptr, near.stop, near.walk_s, farthest, found)
    return found


def walk_directly(walk_s: Int32, edge: Edge, limits: EngineLimits) -> Int32:
    """Return the elapsed seconds of going all the way without a vehicle.

    Parameters
    ----------
    walk_s : int32[H]
        Seconds on the streets between each home and the nearest gate; ``INF`` where none.
    edge, limits
        As in `scan`; only walking and total time bind.
    """
    elapsed_s = walk_s + np.int32(edge.margin_s)
    holds = (walk_s <= limits.max_walk_s) & (elapsed_s <= limits.max_total_s)
    return np.where(holds, elapsed_s, INF).astype(np.int32)


def relaxed(limits: EngineLimits, **changes: int | bool) -> EngineLimits:
    """Return ``limits`` with some of them changed."""
    return replace(limits, **changes)  # type: ignore[arg-type]
