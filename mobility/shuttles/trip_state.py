"""Trips in flat arrays: how a kernel reads, changes and takes back a plan of vehicles.

Trips are kept as calls towards the gate, so that rides add up from the end; the outbound
ones are seen backwards in time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from numba import njit

from mobility.shuttles.model import Ints

FREE = -1
EPS = 1e-6
FAR = 1e18

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def bare(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that makes no array.

    By default numba counts the references of each of some forty arrays at each call, which took
    nine tenths of a search.
    """
    compiled: _Kernel = njit(cache=True, nogil=True, _nrt=False)(kernel)  # type: ignore[call-overload]
    return compiled


class Ways(NamedTuple):
    """The problem as flat arrays; ``there`` is the drive matrix, ``back`` its transpose."""

    there: Any
    back: Any
    end_of: Any
    load: Any
    halt: Any
    limit: Any
    inbound: Any
    at: Any
    busy: Any
    near: Any
    kin: Any
    soon: Any  # float64[E] when a vehicle of the end may drive on, at the soonest
    late: Any  # float64[E] when a trip of the end starts, at the latest


class State(NamedTuple):
    """Trips by slot: calls, their rides, the chain, and the slots of each end."""

    seq: Any  # int32[T, L]
    ride: Any  # float64[T, L]
    room: Any  # float64[T, L+1] least slack of the rides of the calls before
    size: Any  # int32[T]; 0: free slot
    end: Any
    seats: Any
    span: Any  # float64[T] seconds between the far end and the gate
    origin: Any  # int32[T] node where the vehicle starts
    goal: Any  # int32[T] node where it ends
    start: Any  # float64[T] when it starts
    free: Any  # float64[T] when it may drive on
    pred: Any
    succ: Any
    trip_of: Any  # int32[n]
    slots: Any  # int32[E, T]
    count: Any  # int32[E]
    place: Any  # int32[T] position in slots
    total: Any  # int64[2]: vehicles, trips


class Undo(NamedTuple):
    """Copies of the trips an iteration has touched."""

    seq: Any
    size: Any
    end: Any
    pred: Any
    succ: Any
    mark: Any
    touched: Any
    cost: Any  # float64[1] seconds of the touched trips before
    n: Any  # int64[4]: touched trips, vehicles before, absent before


@bare
def can_follow(w: Ways, s: State, a: int, b: int) -> Any:
    """Whether trip ``b`` can come after trip ``a``."""
    return s.free[a] + w.there[s.goal[a], s.origin[b]] <= s.start[b] + EPS


@bare
def _refresh(w: Ways, s: State, t: int) -> None:
    """Compute the rides, room, load and span of trip ``t`` anew."""
    e = s.end[t]
    legs = w.there if w.inbound[e] else w.back
    after, node, seats = 0.0, len(w.end_of) + e, 0
    for k in range(s.size[t] - 1, -1, -1):
        call = s.seq[t, k]
        after += legs[call, node]
        s.ride[t, k] = after
        after += w.halt[call]
        seats += w.load[call]
        node = call
    s.span[t] = after
    s.seats[t] = seats
    if w.inbound[e]:
        s.origin[t], s.goal[t] = node, len(w.end_of) + e
        s.start[t], s.free[t] = w.at[e] - after, w.at[e] + w.busy[e]
    else:
        s.origin[t], s.goal[t] = len(w.end_of) + e, node
        s.start[t], s.free[t] = w.at[e] - w.busy[e], w.at[e] + after
    least = FAR
    for k in range(s.size[t]):
        s.room[t, k] = least
        least = min(least, w.limit[s.seq[t, k]] - s.ride[t, k])
    s.room[t, s.size[t]] = least


@bare
def link(s: State, a: int, b: int) -> None:
    """Let trip ``b`` follow trip ``a``; either may be none."""
    if a >= 0:
        s.succ[a] = b
    if b >= 0:
        s.pred[b] = a


@bare
def _enlist(s: State, t: int) -> None:
    """Put trip ``t`` into the list of its end."""
    e = s.end[t]
    s.slots[e, s.count[e]] = t
    s.place[t] = s.count[e]
    s.count[e] += 1
    s.total[1] += 1


@bare
def _delist(s: State, t: int) -> None:
    """Take trip ``t`` out of the list of its end."""
    e = s.end[t]
    s.count[e] -= 1
    other = s.slots[e, s.count[e]]
    s.slots[e, s.place[t]] = other
    s.place[other] = s.place[t]
    s.total[1] -= 1


@bare
def empty_drive(w: Ways, s: State, a: int, b: int) -> Any:
    """Return the seconds between two trips of a vehicle, none with the depot."""
    if a < 0 or b < 0:
        return 0.0
    return w.there[s.goal[a], s.origin[b]]


@bare
def keep(w: Ways, s: State, u: Undo, t: int) -> None:
    """Remember trip ``t`` before its first change."""
    if t < 0 or u.mark[t]:
        return
    u.mark[t] = True
    u.touched[u.n[0]] = t
    u.n[0] += 1
    if s.size[t] > 0:
        u.cost[0] += s.span[t] + empty_drive(w, s, s.pred[t], t)
    u.size[t], u.end[t], u.pred[t], u.succ[t] = s.size[t], s.end[t], s.pred[t], s.succ[t]
    for k in range(s.size[t]):
        u.seq[t, k] = s.seq[t, k]


@bare
def restore(w: Ways, s: State, u: Undo) -> None:
    """Take the iteration back."""
    for i in range(u.n[0]):
        t = u.touched[i]
        if s.size[t] > 0:
            for k in range(s.size[t]):
                s.trip_of[s.seq[t, k]] = FREE
            _delist(s, t)
    for i in range(u.n[0]):
        t = u.touched[i]
        u.mark[t] = False
        s.size[t], s.end[t], s.pred[t], s.succ[t] = u.size[t], u.end[t], u.pred[t], u.succ[t]
        for k in range(s.size[t]):
            s.seq[t, k] = u.seq[t, k]
            s.trip_of[s.seq[t, k]] = t
        if s.size[t] > 0:
            _enlist(s, t)
            _refresh(w, s, t)
    u.n[0], u.cost[0] = 0, 0.0
    s.total[0] = u.n[1]


@bare
def commit(s: State, u: Undo) -> None:
    """Forget the copies."""
    for i in range(u.n[0]):
        u.mark[u.touched[i]] = False
    u.n[0], u.cost[0] = 0, 0.0
    u.n[1] = s.total[0]


@bare
def _drop_trip(w: Ways, s: State, u: Undo, t: int) -> None:
    """Close an emptied trip; the vehicle goes straight on."""
    a, b = s.pred[t], s.succ[t]
    keep(w, s, u, a)
    keep(w, s, u, b)
    link(s, a, b)
    if a < 0 and b < 0:
        s.total[0] -= 1
    s.pred[t] = s.succ[t] = FREE
    _delist(s, t)


@bare
def cut_string(
    w: Ways, s: State, u: Undo, t: int, first: int, count: int, bank: Ints, n_bank: int
) -> int:
    """Take ``count`` calls out of trip ``t`` from position ``first`` on."""
    keep(w, s, u, t)
    keep(w, s, u, s.succ[t])
    for k in range(first, first + count):
        call = s.seq[t, k]
        s.trip_of[call] = FREE
        bank[n_bank] = call
        n_bank += 1
    for k in range(first, s.size[t] - count):
        s.seq[t, k] = s.seq[t, k + count]
    s.size[t] -= count
    if s.size[t] == 0:
        _drop_trip(w, s, u, t)
    else:
        _refresh(w, s, t)
    return n_bank


@bare
def insert(w: Ways, s: State, u: Undo, call: int, t: int, where: int) -> None:
    """Put ``call`` into trip ``t``."""
    keep(w, s, u, t)
    keep(w, s, u, s.succ[t])
    for k in range(s.size[t], where, -1):
        s.seq[t, k] = s.seq[t, k - 1]
    s.seq[t, where] = call
    s.size[t] += 1
    s.trip_of[call] = t
    _refresh(w, s, t)


@bare
def open_trip(w: Ways, s: State, u: Undo, call: int, a: int, b: int) -> None:
    """Open a trip of ``call`` alone between two trips."""
    t = 0
    while s.size[t] > 0:
        t += 1
    keep(w, s, u, t)
    keep(w, s, u, a)
    keep(w, s, u, b)
    s.end[t], s.size[t], s.seq[t, 0], s.trip_of[call] = w.end_of[call], 1, call, t
    link(s, a, t)
    link(s, t, b)
    if a < 0:
        s.pred[t] = FREE
    if b < 0:
        s.succ[t] = FREE
    if a < 0 and b < 0:
        s.total[0] += 1
    _enlist(s, t)
    _refresh(w, s, t)


@bare
def change(w: Ways, s: State, u: Undo) -> Any:
    """Return by how many seconds the touched trips have grown since the last commit."""
    total = -u.cost[0]
    for i in range(u.n[0]):
        t = u.touched[i]
        if s.size[t] > 0:
            total += s.span[t] + empty_drive(w, s, s.pred[t], t)
    return total


@bare
def whole_cost(w: Ways, s: State) -> Any:
    """Return the seconds of all trips with their empty driving."""
    total = 0.0
    for t in range(len(s.size)):
        if s.size[t] > 0:
            total += s.span[t] + empty_drive(w, s, s.pred[t], t)
    return total


@njit(cache=True, nogil=True)
def store(s: State, best: State) -> None:
    """Copy the plan."""
    best.seq[:] = s.seq
    best.size[:] = s.size
    best.pred[:] = s.pred
    best.succ[:] = s.succ
    best.end[:] = s.end
