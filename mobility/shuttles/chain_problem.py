"""Runs of several sites that know which vehicle brings them: the problem.

A *call* is a stop with the riders of one end (a gate with its fixed time). A *trip* serves
calls of one end; a vehicle drives a chain of trips. Trips take calls whole, within seats
and ride limits; the fewest vehicles come first, then the least driving. School buses with
fixed bells are the same problem (Park and Kim, 2010): `benchmarks.sbrp` feeds it theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mobility.shuttles.model import Bools, Floats, Ints

EPS = 1e-6
Trip = tuple[int, ...]
Chain = tuple[Trip, ...]  # what one vehicle drives, in order


@dataclass(frozen=True)
class ChainProblem:
    """Calls, ends and the ways between them.

    Nodes are the calls ``0..n-1``, then the gates ``n..n+E-1`` of the ends.

    Attributes
    ----------
    drive_s
        float64[N,N] seconds from node to node.
    end_of
        int32[n] end of each call, ascending.
    load
        int32[n] seats each call takes.
    halt_s
        float64[n] halt at each call; its own halt is no part of a call's ride.
    limit_s
        float64[n] longest ride of each call.
    inbound
        bool[E] the trips of an end arrive at its gate; else they leave from it.
    at_s
        float64[E] when trips reach the gate, or leave it.
    busy_s
        float64[E] how long the vehicle is kept after reaching the gate (or, outbound, is
        there before it leaves) before it may drive on.
    seats
        Of a vehicle.
    """

    drive_s: Floats
    end_of: Ints
    load: Ints
    halt_s: Floats
    limit_s: Floats
    inbound: Bools
    at_s: Floats
    busy_s: Floats
    seats: int

    @property
    def n_calls(self) -> int:
        """Number of calls."""
        return len(self.end_of)

    def legs(self, end: int) -> Floats:
        """Return the ways in the order towards the gate: turned round for an outbound end."""
        return self.drive_s if self.inbound[end] else self.drive_s.T

    def gate(self, end: int) -> int:
        """Return the node of an end's gate."""
        return self.n_calls + end


def trip_seconds(problem: ChainProblem, trip: Trip) -> tuple[float, list[float]]:
    """Return the seconds of a trip between its far end and the gate, and the ride of each call.

    Parameters
    ----------
    trip
        Calls of one end, the farthest from the gate first.
    """
    end = int(problem.end_of[trip[0]])
    legs, after, rides, node = problem.legs(end), 0.0, [], problem.gate(end)
    for call in reversed(trip):
        after += float(legs[call, node])
        rides.append(after)
        after += float(problem.halt_s[call])
        node = call
    return after, rides[::-1]


def out_of_reach(problem: ChainProblem) -> list[int]:
    """Return the calls that no vehicle can serve: too many riders, or too long a direct ride."""
    return [
        call
        for call in range(problem.n_calls)
        if problem.load[call] > problem.seats
        or trip_seconds(problem, (call,))[1][0] > problem.limit_s[call] + EPS
    ]


def served_once(problem: ChainProblem, trips: Iterable[Trip]) -> list[Trip]:
    """Serve every call by the first trip that has it, alone where none does."""
    served: set[int] = set()
    kept = []
    for trip in trips:
        new = tuple(c for c in trip if c not in served)
        served.update(new)
        if new:
            kept.append(new)
    return kept + [(c,) for c in range(problem.n_calls) if c not in served]


def broken(problem: ChainProblem, chains: Sequence[Chain]) -> list[str]:
    """Return what is wrong with a plan, nothing where it holds."""
    wrong = []
    served = sorted(call for chain in chains for trip in chain for call in trip)
    if served != list(range(problem.n_calls)):
        wrong.append("not every call is served once")
    for chain in chains:
        before: tuple[int, float] | None = None
        for trip in chain:
            span, rides = trip_seconds(problem, trip)
            end = int(problem.end_of[trip[0]])
            if len({int(problem.end_of[call]) for call in trip}) > 1:
                wrong.append(f"trip {trip} serves two ends")
            if problem.load[list(trip)].sum() > problem.seats:
                wrong.append(f"trip {trip} is overfull")
            if any(r > problem.limit_s[c] + EPS for r, c in zip(rides, trip, strict=True)):
                wrong.append(f"trip {trip} rides too long")
            gate, at, busy = problem.gate(end), problem.at_s[end], problem.busy_s[end]
            inbound = bool(problem.inbound[end])
            origin, start = (trip[0], at - span) if inbound else (gate, at - busy)
            if before and before[1] + problem.drive_s[before[0], origin] > start + EPS:
                wrong.append(f"trip {trip} starts before its vehicle is there")
            before = (gate, at + busy) if inbound else (trip[0], at + span)
    return wrong
