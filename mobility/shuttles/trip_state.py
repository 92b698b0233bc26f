"""Trips in flat arrays: how a kernel reads, changes and takes back a plan of vehicles.

Trips are kept as calls towards the gate, so that rides add up from the end; the outbound
ones are seen backwards in time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mobility.base.kernels import inner
from mobility.shuttles.model import Longs

FREE = -1
EPS = 1e-6
FAR = 1e18

# Records rather than an array for each field, whole numbers all int64 and none a constant of the
# compiler: a kernel takes each array as seven arguments and is compiled once for each mix of types,
# which took a minute.
CALL = np.dtype([("end", "i8"), ("load", "i8"), ("halt", "f8"), ("limit", "f8")], align=True)
END = np.dtype(
    [
        ("at", "f8"),
        ("busy", "f8"),
        ("soon", "f8"),  # when a vehicle of the end may drive on, at the soonest
        ("late", "f8"),  # when a trip of the end starts, at the latest
        ("inbound", "?"),
    ],
    align=True,
)
TRIP = np.dtype(
    [
        ("span", "f8"),  # seconds between the far end and the gate
        ("start", "f8"),  # when it starts
        ("free", "f8"),  # when its vehicle may drive on
        ("size", "i8"),  # calls; 0: free slot
        ("end", "i8"),
        ("seats", "i8"),
        ("origin", "i8"),  # node where the vehicle starts
        ("goal", "i8"),  # node where it ends
        ("pred", "i8"),
        ("succ", "i8"),
        ("place", "i8"),  # position in the slots of its end
    ],
    align=True,
)
SUMS = np.dtype([("vehicles", "i8"), ("trips", "i8")])
KEPT = np.dtype(
    [("size", "i8"), ("end", "i8"), ("pred", "i8"), ("succ", "i8"), ("marked", "?")], align=True
)
CHANGES = np.dtype(
    [
        ("seconds", "f8"),  # of the touched trips before
        ("touched", "i8"),  # trips
        ("vehicles", "i8"),  # before
    ]
)


class Ways(NamedTuple):
    """The problem as flat arrays; ``there`` is the drive matrix, ``back`` its transpose."""

    there: Any
    back: Any
    calls: Any  # CALL[n]
    ends: Any  # END[E]
    near: Any
    kin: Any


class State(NamedTuple):
    """Trips by slot: calls, their rides, the chain, and the slots of each end."""

    trips: Any  # TRIP[T]
    seq: Any  # int64[T, L]
    ride: Any  # float64[T, L]
    room: Any  # float64[T, L+1] least slack of the rides of the calls before
    trip_of: Any  # int64[n]
    slots: Any  # int64[E, T]
    count: Any  # int64[E]
    sums: Any  # SUMS[1]


class Undo(NamedTuple):
    """Copies of the trips an iteration has touched."""

    trips: Any  # KEPT[T]
    seq: Any  # int64[T, L]
    touched: Any  # int64[T]
    sums: Any  # CHANGES[1]


@inner
def can_follow(w: Ways, s: State, a: int, b: int) -> Any:
    """Whether trip ``b`` can come after trip ``a``."""
    return s.trips[a].free + w.there[s.trips[a].goal, s.trips[b].origin] <= s.trips[b].start + EPS


@inner
def _refresh(w: Ways, s: State, t: int) -> None:
    """Compute the rides, room, load and span of trip ``t`` anew."""
    e = s.trips[t].end
    legs = w.there if w.ends[e].inbound else w.back
    after, node, seats = 0.0, len(w.calls) + e, 0
    for k in range(s.trips[t].size - 1, -1, -1):
        call = s.seq[t, k]
        after += legs[call, node]
        s.ride[t, k] = after
        after += w.calls[call].halt
        seats += w.calls[call].load
        node = call
    s.trips[t].span = after
    s.trips[t].seats = seats
    if w.ends[e].inbound:
        s.trips[t].origin, s.trips[t].goal = node, len(w.calls) + e
        s.trips[t].start, s.trips[t].free = w.ends[e].at - after, w.ends[e].at + w.ends[e].busy
    else:
        s.trips[t].origin, s.trips[t].goal = len(w.calls) + e, node
        s.trips[t].start, s.trips[t].free = w.ends[e].at - w.ends[e].busy, w.ends[e].at + after
    least = FAR
    for k in range(s.trips[t].size):
        s.room[t, k] = least
        least = min(least, w.calls[s.seq[t, k]].limit - s.ride[t, k])
    s.room[t, s.trips[t].size] = least


@inner
def link(s: State, a: int, b: int) -> None:
    """Let trip ``b`` follow trip ``a``; either may be none."""
    if a >= 0:
        s.trips[a].succ = b
    if b >= 0:
        s.trips[b].pred = a


@inner
def _enlist(s: State, t: int) -> None:
    """Put trip ``t`` into the list of its end."""
    e = s.trips[t].end
    s.slots[e, s.count[e]] = t
    s.trips[t].place = s.count[e]
    s.count[e] += 1
    s.sums[0].trips += 1


@inner
def _delist(s: State, t: int) -> None:
    """Take trip ``t`` out of the list of its end."""
    e = s.trips[t].end
    s.count[e] -= 1
    other = s.slots[e, s.count[e]]
    s.slots[e, s.trips[t].place] = other
    s.trips[other].place = s.trips[t].place
    s.sums[0].trips -= 1


@inner
def empty_drive(w: Ways, s: State, a: int, b: int) -> Any:
    """Return the seconds between two trips of a vehicle, none with the depot."""
    if a < 0 or b < 0:
        return 0.0
    return w.there[s.trips[a].goal, s.trips[b].origin]


@inner
def keep(w: Ways, s: State, u: Undo, t: int) -> None:
    """Remember trip ``t`` before its first change."""
    if t < 0 or u.trips[t].marked:
        return
    u.trips[t].marked = True
    u.touched[u.sums[0].touched] = t
    u.sums[0].touched += 1
    if s.trips[t].size > 0:
        u.sums[0].seconds += s.trips[t].span + empty_drive(w, s, s.trips[t].pred, t)
    u.trips[t].size, u.trips[t].end, u.trips[t].pred, u.trips[t].succ = (
        s.trips[t].size,
        s.trips[t].end,
        s.trips[t].pred,
        s.trips[t].succ,
    )
    for k in range(s.trips[t].size):
        u.seq[t, k] = s.seq[t, k]


@inner
def restore(w: Ways, s: State, u: Undo) -> None:
    """Take the iteration back."""
    for i in range(u.sums[0].touched):
        t = u.touched[i]
        if s.trips[t].size > 0:
            for k in range(s.trips[t].size):
                s.trip_of[s.seq[t, k]] = FREE
            _delist(s, t)
    for i in range(u.sums[0].touched):
        t = u.touched[i]
        u.trips[t].marked = False
        s.trips[t].size, s.trips[t].end, s.trips[t].pred, s.trips[t].succ = (
            u.trips[t].size,
            u.trips[t].end,
            u.trips[t].pred,
            u.trips[t].succ,
        )
        for k in range(s.trips[t].size):
            s.seq[t, k] = u.seq[t, k]
            s.trip_of[s.seq[t, k]] = t
        if s.trips[t].size > 0:
            _enlist(s, t)
            _refresh(w, s, t)
    u.sums[0].touched, u.sums[0].seconds = 0, 0.0
    s.sums[0].vehicles = u.sums[0].vehicles


@inner
def commit(s: State, u: Undo) -> None:
    """Forget the copies."""
    for i in range(u.sums[0].touched):
        u.trips[u.touched[i]].marked = False
    u.sums[0].touched, u.sums[0].seconds = 0, 0.0
    u.sums[0].vehicles = s.sums[0].vehicles


@inner
def _drop_trip(w: Ways, s: State, u: Undo, t: int) -> None:
    """Close an emptied trip; the vehicle goes straight on."""
    a, b = s.trips[t].pred, s.trips[t].succ
    keep(w, s, u, a)
    keep(w, s, u, b)
    link(s, a, b)
    if a < 0 and b < 0:
        s.sums[0].vehicles -= 1
    s.trips[t].pred = s.trips[t].succ = FREE
    _delist(s, t)


@inner
def cut_string(
    w: Ways, s: State, u: Undo, t: int, first: int, count: int, bank: Longs, n_bank: int
) -> int:
    """Take ``count`` calls out of trip ``t`` from position ``first`` on."""
    keep(w, s, u, t)
    keep(w, s, u, s.trips[t].succ)
    for k in range(first, first + count):
        call = s.seq[t, k]
        s.trip_of[call] = FREE
        bank[n_bank] = call
        n_bank += 1
    for k in range(first, s.trips[t].size - count):
        s.seq[t, k] = s.seq[t, k + count]
    s.trips[t].size -= count
    if s.trips[t].size == 0:
        _drop_trip(w, s, u, t)
    else:
        _refresh(w, s, t)
    return n_bank


@inner
def insert(w: Ways, s: State, u: Undo, call: int, t: int, where: int) -> None:
    """Put ``call`` into trip ``t``."""
    keep(w, s, u, t)
    keep(w, s, u, s.trips[t].succ)
    for k in range(s.trips[t].size, where, -1):
        s.seq[t, k] = s.seq[t, k - 1]
    s.seq[t, where] = call
    s.trips[t].size += 1
    s.trip_of[call] = t
    _refresh(w, s, t)


@inner
def open_trip(w: Ways, s: State, u: Undo, call: int, a: int, b: int) -> None:
    """Open a trip of ``call`` alone between two trips."""
    t = 0
    while s.trips[t].size > 0:
        t += 1
    keep(w, s, u, t)
    keep(w, s, u, a)
    keep(w, s, u, b)
    s.trips[t].end, s.trips[t].size, s.seq[t, 0], s.trip_of[call] = w.calls[call].end, 1, call, t
    link(s, a, t)
    link(s, t, b)
    if a < 0:
        s.trips[t].pred = FREE
    if b < 0:
        s.trips[t].succ = FREE
    if a < 0 and b < 0:
        s.sums[0].vehicles += 1
    _enlist(s, t)
    _refresh(w, s, t)


@inner
def change(w: Ways, s: State, u: Undo) -> Any:
    """Return by how many seconds the touched trips have grown since the last commit."""
    total = -u.sums[0].seconds
    for i in range(u.sums[0].touched):
        t = u.touched[i]
        if s.trips[t].size > 0:
            total += s.trips[t].span + empty_drive(w, s, s.trips[t].pred, t)
    return total


@inner
def whole_cost(w: Ways, s: State) -> Any:
    """Return the seconds of all trips with their empty driving."""
    total = 0.0
    for t in range(len(s.trips)):
        if s.trips[t].size > 0:
            total += s.trips[t].span + empty_drive(w, s, s.trips[t].pred, t)
    return total


@inner
def store(s: State, best: State) -> None:
    """Copy the plan."""
    for t in range(len(s.trips)):
        best.trips[t] = s.trips[t]
        for k in range(s.trips[t].size):
            best.seq[t, k] = s.seq[t, k]
