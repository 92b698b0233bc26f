"""Runs of several sites routed with their vehicles in view: fewest vehicles, then least driving.

A *call* is a stop with the riders of one end (a gate with its fixed time). A *trip* serves
calls of one end; a vehicle drives a chain of trips. Trips take calls whole, within seats
and ride limits; the fewest vehicles come first, then the least driving. School buses with
fixed bells are the same problem (Park and Kim, 2010): `benchmarks.sbrp` feeds it theirs.

Ruin and recreate over whole vehicles (`ruin`) searches; `benchmarks.chains` bounds what it finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.model import Bools, Floats, Ints
from mobility.shuttles.ruin import chain_anew, search, start_trip
from mobility.shuttles.trip_state import (
    CALL,
    CHANGES,
    END,
    FREE,
    KEPT,
    SUMS,
    TRIP,
    State,
    Undo,
    Ways,
)

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


_NEAR, _KIN = 200, 100  # neighbours of a call: of all ends, of its own


def search_chains(
    problem: ChainProblem,
    trips: Sequence[Trip],
    iterations: int,
    *,
    seed: int,
    target: int = 0,
    drive_only: bool = False,
) -> tuple[Chain, ...]:
    """Chain trips, then search by ruin and recreate; the vehicles never become more.

    Parameters
    ----------
    trips
        A first plan: every call once.
    iterations
        At most; ``target`` vehicles end the search.
    drive_only
        Whether less driving is sought with the vehicles of the first plan, and no fewer of these.
    """
    ways, state = _ways_of(problem), _new_state(problem)
    best, undo = _new_state(problem), _new_undo(problem)
    for trip in trips:
        start_trip(ways, state, undo, np.array(trip, np.int64))
    chain_anew(ways, state, undo)
    most = max(iterations, 1)
    search(ways, state, undo, best, problem.seats, most, target, seed, drive_only)
    return _chains_of(best)


def _ways_of(problem: ChainProblem) -> Ways:
    """Return the problem as the kernels read it."""
    n, ends = problem.n_calls, len(problem.at_s)
    there = np.ascontiguousarray(problem.drive_s, np.float64)
    close = np.minimum(there[:n, :n], there[:n, :n].T)
    near = np.ascontiguousarray(np.argsort(close, axis=1, kind="stable")[:, :_NEAR])
    kin = np.full((n, _KIN), FREE, np.int64)
    for end in range(ends):
        own = np.flatnonzero(problem.end_of == end)
        order = own[np.argsort(close[np.ix_(own, own)], axis=1, kind="stable")][:, :_KIN]
        kin[own, : order.shape[1]] = order
    calls, gates = np.zeros(n, CALL), np.zeros(ends, END)
    calls["end"], calls["load"] = problem.end_of, problem.load
    calls["halt"], calls["limit"] = problem.halt_s, problem.limit_s
    gates["at"], gates["busy"], gates["inbound"] = problem.at_s, problem.busy_s, problem.inbound
    gates["soon"] = problem.at_s + np.where(problem.inbound, problem.busy_s, 0.0)
    gates["late"] = problem.at_s - np.where(problem.inbound, 0.0, problem.busy_s)
    return Ways(there, np.ascontiguousarray(there.T), calls, gates, near, kin)


def _longest(problem: ChainProblem) -> int:
    """Return the most calls that a trip can have by its seats."""
    return int(min(problem.n_calls, problem.seats // max(int(problem.load.min()), 1))) + 1


def _new_state(problem: ChainProblem) -> State:
    """Return a plan without trips."""
    calls, ends, most = problem.n_calls, len(problem.at_s), _longest(problem)
    slots = calls + 5
    trips = np.zeros(slots, TRIP)
    trips["pred"] = trips["succ"] = FREE
    return State(
        trips, _ints(slots, most), np.zeros((slots, most)), np.zeros((slots, most + 1)),
        _ints(calls) + FREE, _ints(ends, slots), _ints(ends), np.zeros(1, SUMS),
    )  # fmt: skip


def _new_undo(problem: ChainProblem) -> Undo:
    """Return an empty memory of changes."""
    slots = problem.n_calls + 5
    return Undo(
        np.zeros(slots, KEPT), _ints(slots, _longest(problem)), _ints(slots), np.zeros(1, CHANGES)
    )


def _ints(*shape: int) -> Ints:
    return np.zeros(shape, np.int64)


def _chains_of(state: State) -> tuple[Chain, ...]:
    """Return what each vehicle drives, in the order of its slots."""
    chains = []
    kept = state.trips
    for slot in np.flatnonzero((kept["size"] > 0) & (kept["pred"] < 0)):
        trips, at = [], int(slot)
        while at >= 0:
            trips.append(tuple(int(c) for c in state.seq[at, : kept["size"][at]]))
            at = int(kept["succ"][at])
        chains.append(tuple(trips))
    return tuple(chains)
