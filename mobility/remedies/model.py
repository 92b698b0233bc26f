"""Levers: small changes of an existing timetable, as data.

A lever names trips of the feed and what is done to them. It holds on every service day on
which those trips run, so that a trip moved for a morning shift is moved for whoever else
rides it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.timetable.arrays import RunArrays, Timetable

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

LeverKind = Literal["move_trip", "move_line", "extend", "add_run", "hold", "lift_school", "stop"]


@dataclass(frozen=True)
class Lever:
    """One change of the timetable.

    Attributes
    ----------
    kind
        ``move_trip`` and ``move_line`` move whole trips; ``extend`` carries a trip on to a
        gate; ``add_run`` adds a copy of a trip; ``hold`` makes a trip wait for riders at one
        stop; ``lift_school`` runs a school-days trip on other days too; ``stop`` makes the
        trips of a line call at a new stop on their way.
    trips
        Trips concerned (indices into the feed's trips).
    shift_s
        Seconds by which the trips, or the copy, are later (negative: earlier), by which
        the trip is held, or that calling at a new stop takes.
    stop
        The gate's stop of an extension, the stop where a trip is held, the new stop; else -1.
    drive_s
        Of an extension: driving time between the end of the trip and the gate.
    at_start
        Of an extension: the trip starts at the gate instead of ending there.
    source_day, day_kinds
        Of ``lift_school``: the kind of day whose trips are taken, and those that get them.
    legs
        Of ``stop``: from stop, to stop and the share of the way between them, for each leg
        that passes the new stop.
    """

    kind: LeverKind
    trips: tuple[int, ...]
    shift_s: int = 0
    stop: int = -1
    drive_s: int = 0
    at_start: bool = False
    source_day: str = ""
    day_kinds: tuple[str, ...] = ()
    legs: tuple[tuple[int, int, float], ...] = ()

    @property
    def is_move(self) -> bool:
        """Whether it moves existing trips, adding no driving."""
        return self.kind in ("move_trip", "move_line")


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
        tt = self.timetable
        return RunArrays(
            tt.run_ptr, tt.call_stop, tt.call_arr, tt.call_dep,
            tt.call_board, tt.call_alight, tt.call_trip, tt.run_day,
        )  # fmt: skip

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
    def is_single(self) -> NDArray[np.bool_]:
        """Whether a run is one trip from end to end, bool (R,)."""
        tt = self.timetable
        return np.equal(tt.call_trip[tt.run_ptr[:-1]], tt.call_trip[tt.run_ptr[1:] - 1])

    def places(self, trips: tuple[int, ...]) -> Int64:
        """Return the places, among the pieces, of some trips."""
        low = self.pieces.trip.searchsorted(trips, side="left")
        high = self.pieces.trip.searchsorted(trips, side="right")
        found = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def own_places(self, trips: tuple[int, ...]) -> Int64:
        """Return those places that are of the service day itself."""
        found = self.places(trips)
        return np.asarray(found[self.timetable.run_day[self.pieces.run[found]] == 0])

    def runs_of(self, trips: tuple[int, ...]) -> Int64:
        """Return the runs that hold some of the trips, ascending."""
        return np.unique(self.pieces.run[self.places(trips)])

    def span(self, run: int) -> slice:
        """Return the calls of a run."""
        ptr = self.timetable.run_ptr
        return slice(int(ptr[run]), int(ptr[run + 1]))


def networks(study: Study) -> dict[str, DayNetwork]:
    """Return the timetable of each studied kind of day."""
    return {kind: DayNetwork(kind, two_way.timetable) for kind, two_way in study.timetables.items()}


def days_of(nets: dict[str, DayNetwork], lever: Lever) -> Iterator[str]:
    """Yield the kinds of day on which a lever changes the service of the day itself."""
    for kind, network in nets.items():
        if lever.kind == "lift_school":
            if kind in lever.day_kinds:
                yield kind
        elif network.own_places(lever.trips).size:
            yield kind


def departures(network: DayNetwork, lever: Lever) -> list[int]:
    """Return the departures of a lever's trips on the service day itself, axis seconds."""
    return sorted(network.pieces.start_s[network.own_places(lever.trips)].tolist())
