"""Kernels of ruin and recreate over whole vehicles: slack induction by string removals.

After Christiaens and Vanden Berghe (2020): strings of calls near one another are taken out
of their trips and put back greedily with blinks; a vehicle is given up, and its calls wait
until all are placed, those that are often left over weighing more. A call may also open a
trip of its own between two trips of a vehicle. Trips are kept as calls towards the gate, the
outbound ones seen backwards in time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mobility.base.kernels import entry, entry_maker, inner
from mobility.shuttles.model import Bools, Floats, Longs
from mobility.shuttles.trip_state import (
    EPS,
    FAR,
    FREE,
    State,
    Undo,
    Ways,
    can_follow,
    change,
    commit,
    cut_string,
    empty_drive,
    insert,
    keep,
    link,
    open_trip,
    restore,
    store,
    whole_cost,
)

BLINK = 0.02
_MEAN, _LONGEST = 8.0, 10  # calls taken out on average, and in one string
_HOT, _COLD = 100.0, 1.0


@inner
def _string_of(s: State, t: int, call: int, longest: int) -> tuple[int, int]:
    """Return a random string of trip ``t`` that holds ``call``: first position and length."""
    at = 0
    while s.seq[t, at] != call:
        at += 1
    count = 1 + int(np.random.random() * min(longest, s.trips[t].size))
    low = max(0, at - count + 1)
    high = min(at, s.trips[t].size - count)
    return low + int(np.random.random() * (high - low + 1)), count


@inner
def _ruin(w: Ways, s: State, u: Undo, seed: int, bank: Longs, n_bank: int) -> int:
    """Take strings of calls near ``seed`` out of their trips; return the length of the bank."""
    cards = len(w.calls) / max(s.sums[0].trips, 1)
    longest = max(1, int(min(_LONGEST, cards + 1)))
    most = max(1.0, 4.0 * _MEAN / (1 + longest) - 1)
    strings = 1 + int(np.random.random() * most)
    around = w.near if np.random.random() < 0.5 else w.kin
    for i in range(around.shape[1]):
        if strings == 0:
            break
        call = around[seed, i]
        if call < 0:
            break
        t = s.trip_of[call]
        if t < 0 or u.trips[t].marked:
            continue
        first, count = _string_of(s, t, call, longest)
        n_bank = cut_string(w, s, u, t, first, count, bank, n_bank)
        strings -= 1
    return n_bank


@inner
def _fits_chain(w: Ways, s: State, t: int, first: int, span: float) -> Any:
    """Whether trip ``t`` keeps to its vehicle's chain with another far end and span."""
    e = s.trips[t].end
    if w.ends[e].inbound:
        a = s.trips[t].pred
        if a < 0:
            return True
        return s.trips[a].free + w.back[first, s.trips[a].goal] <= w.ends[e].at - span + EPS
    b = s.trips[t].succ
    if b < 0:
        return True
    return w.ends[e].at + span + w.there[first, s.trips[b].origin] <= s.trips[b].start + EPS


@inner
def _chain_drive(w: Ways, s: State, t: int, first: int) -> float:
    """Return the empty seconds between trip ``t`` and the one its far end meets."""
    if w.ends[s.trips[t].end].inbound:
        a = s.trips[t].pred
        return 0.0 if a < 0 else w.back[first, s.trips[a].goal]
    b = s.trips[t].succ
    return 0.0 if b < 0 else w.there[first, s.trips[b].origin]


@inner
def _best_insertion(
    w: Ways, s: State, call: int, seats: int, best: float
) -> tuple[float, int, int]:
    """Return the cheapest place for ``call`` in a trip of its end: cost, trip, position."""
    e = w.calls[call].end
    there = w.there if w.ends[e].inbound else w.back
    back = w.back if w.ends[e].inbound else w.there
    gate = len(w.calls) + e
    found, where = FREE, 0
    for i in range(s.count[e]):
        t = s.slots[e, i]
        if s.trips[t].seats + w.calls[call].load > seats:
            continue
        if np.random.random() < BLINK:
            continue
        head = s.seq[t, 0]
        for k in range(s.trips[t].size + 1):
            node = s.seq[t, k] if k < s.trips[t].size else gate
            ride = there[call, node]
            if k < s.trips[t].size:
                ride += s.ride[t, k] + w.calls[node].halt
            if ride > w.calls[call].limit + EPS:
                continue
            if k == 0:
                more = there[call, node] + w.calls[call].halt
                cost = more + _chain_drive(w, s, t, call) - _chain_drive(w, s, t, head)
                if cost < best and _fits_chain(w, s, t, call, s.trips[t].span + more):
                    best, found, where = cost, t, k
                continue
            before = s.seq[t, k - 1]
            leg = s.ride[t, k - 1]
            if k < s.trips[t].size:
                leg -= s.ride[t, k] + w.calls[node].halt
            more = back[call, before] + w.calls[call].halt + there[call, node] - leg
            if more < best and more <= s.room[t, k] + EPS:
                if _fits_chain(w, s, t, head, s.trips[t].span + more):
                    best, found, where = more, t, k
    return best, found, where


@inner
def _best_opening(w: Ways, s: State, call: int, most: int, best: float) -> tuple[float, int, int]:  # noqa: C901, PLR0912
    """Return the cheapest way to open a trip for ``call``: cost, trip before, trip after."""
    e = w.calls[call].end
    n = len(w.calls)
    legs = w.there if w.ends[e].inbound else w.back
    direct = legs[call, n + e]
    none = -2
    if direct > w.calls[call].limit + EPS:
        return best, none, none
    span = direct + w.calls[call].halt
    if span >= best:
        return best, none, none
    if w.ends[e].inbound:
        start, stop, first, last = w.ends[e].at - span, w.ends[e].at + w.ends[e].busy, call, n + e
    else:
        start, stop, first, last = w.ends[e].at - w.ends[e].busy, w.ends[e].at + span, n + e, call
    a_best, b_best = none, none
    if s.sums[0].vehicles < most and span < best:
        best, a_best, b_best = span, FREE, FREE
    for other in range(len(w.ends)):
        # A trip of the end is over before this one starts, or starts after it is over.
        if w.ends[other].soon > start and w.ends[other].late < stop:
            continue
        for i in range(s.count[other]):
            t = s.slots[other, i]
            drive = w.back[first, s.trips[t].goal]
            if s.trips[t].free + drive <= start + EPS:
                b = s.trips[t].succ
                cost = span + drive
                if b >= 0:
                    cost += w.there[last, s.trips[b].origin] - empty_drive(w, s, t, b)
                if cost < best and np.random.random() >= BLINK:
                    if b < 0 or stop + w.there[last, s.trips[b].origin] <= (s.trips[b].start + EPS):
                        best, a_best, b_best = cost, t, b
            elif s.trips[t].pred < 0:
                drive = w.there[last, s.trips[t].origin]
                if span + drive < best and stop + drive <= s.trips[t].start + EPS:
                    if np.random.random() >= BLINK:
                        best, a_best, b_best = span + drive, FREE, t
    return best, a_best, b_best


@inner
def _recreate(w: Ways, s: State, u: Undo, bank: Longs, n_bank: int, seats: int, most: int) -> int:
    """Put the calls of the bank back, each where it costs least; return those left over."""
    left = 0
    for i in range(n_bank):
        call = bank[i]
        cost, t, where = _best_insertion(w, s, call, seats, FAR)
        cost, a, b = _best_opening(w, s, call, most, cost)
        if a > -2:
            open_trip(w, s, u, call, a, b)
        elif t >= 0:
            insert(w, s, u, call, t, where)
        else:
            bank[left] = call
            left += 1
    return left


@inner
def _in_order(w: Ways, bank: Longs, n_bank: int, keys: Floats) -> None:
    """Sort the bank at random, by load, or by the drive to the gate."""
    n = len(w.calls)
    how = np.random.random()
    for i in range(n_bank):
        call = bank[i]
        if how < 0.4:
            keys[i] = np.random.random()
        elif how < 0.7:
            keys[i] = -w.calls[call].load + 0.1 * np.random.random()
        elif how < 0.9:
            keys[i] = -w.there[call, n + w.calls[call].end]
        else:
            keys[i] = w.there[call, n + w.calls[call].end]
    for i in range(1, n_bank):
        key, call, k = keys[i], bank[i], i
        while k > 0 and keys[k - 1] > key:
            keys[k], bank[k] = keys[k - 1], bank[k - 1]
            k -= 1
        keys[k], bank[k] = key, call


@inner
def _swap_tails(w: Ways, s: State, u: Undo, tries: int) -> None:
    """Let random vehicles exchange what they drive after some trip."""
    n = len(w.calls)
    for _ in range(tries):
        a = s.trip_of[int(np.random.random() * n)]
        c = s.trip_of[int(np.random.random() * n)]
        if a < 0 or c < 0 or a == c:
            continue
        b, d = s.trips[a].succ, s.trips[c].succ
        if b == c or d == a or (b < 0 and d < 0):
            continue
        if (d >= 0 and not can_follow(w, s, a, d)) or (b >= 0 and not can_follow(w, s, c, b)):
            continue
        for t in (a, b, c, d):
            keep(w, s, u, t)
        link(s, a, d)
        link(s, c, b)
        if d < 0:
            s.trips[a].succ = FREE
        if b < 0:
            s.trips[c].succ = FREE


@entry_maker
def _fewer_heads(w: Ways, s: State, u: Undo, seen: Bools, came: Longs) -> bool:
    """Chain the trips anew where that saves a vehicle: one augmenting path; True when found.

    Breadth first from the first trips of vehicles: a trip may take any trip before it whose
    follower then looks for another.
    """
    slots = np.empty(s.sums[0].trips, np.int64)
    n = 0
    for e in range(len(w.ends)):
        for i in range(s.count[e]):
            slots[n] = s.slots[e, i]
            n += 1
    queue = np.empty(n, np.int64)
    head = tail = 0
    for i in range(n):
        seen[slots[i]] = False
        if s.trips[slots[i]].pred < 0:
            queue[tail] = slots[i]
            tail += 1
    while head < tail:
        b = queue[head]
        head += 1
        for i in range(n):
            a = slots[i]
            if seen[a] or a == b or not can_follow(w, s, a, b):
                continue
            seen[a] = True
            came[a] = b
            if s.trips[a].succ >= 0:
                queue[tail] = s.trips[a].succ
                tail += 1
                continue
            while True:
                b = came[a]
                before = s.trips[b].pred
                keep(w, s, u, a)
                keep(w, s, u, b)
                link(s, a, b)
                if before < 0:
                    s.sums[0].vehicles -= 1
                    return True
                keep(w, s, u, before)
                a = before
    return False


@inner
def _give_up(w: Ways, s: State, u: Undo, weight: Floats, bank: Longs, n_bank: int) -> int:
    """Give up the vehicle whose calls are the easiest to place; its calls join the bank."""
    least, chosen = FAR, int(FREE)
    for t in range(len(s.trips)):
        if s.trips[t].size == 0 or s.trips[t].pred >= 0:
            continue
        total, a = 0.0, t
        while a >= 0:
            for k in range(s.trips[a].size):
                total += weight[s.seq[a, k]]
            a = s.trips[a].succ
        total *= 0.5 + np.random.random()
        if total < least:
            least, chosen = total, t
    while chosen >= 0:
        after = s.trips[chosen].succ
        n_bank = cut_string(w, s, u, chosen, 0, s.trips[chosen].size, bank, n_bank)
        chosen = after
    return n_bank


@inner
def _sum_weight(weight: Floats, bank: Longs, n_bank: int) -> float:
    """Return how hard the calls of the bank are to place."""
    total = 0.0
    for i in range(n_bank):
        total += weight[bank[i]]
    return total


@entry
def start_trip(w: Ways, s: State, u: Undo, calls: Longs) -> None:
    """Give a vehicle of its own to a trip."""
    none = int(FREE)
    open_trip(w, s, u, calls[0], none, none)
    t = s.trip_of[calls[0]]
    for k in range(1, len(calls)):
        insert(w, s, u, calls[k], t, k)
    commit(s, u)


@entry_maker
def chain_anew(w: Ways, s: State, u: Undo) -> None:
    """Chain the trips into the fewest vehicles."""
    seen = np.zeros(len(s.trips), np.bool_)
    came = np.empty(len(s.trips), np.int64)
    while _fewer_heads(w, s, u, seen, came):
        commit(s, u)


@entry_maker
def search(
    w: Ways,
    s: State,
    u: Undo,
    best: State,
    seats: int,
    iterations: int,
    target: int,
    seed: int,
    drive_only: bool,
) -> int:
    """Search from a complete plan; ``best`` receives the best one.

    Fewer vehicles come first, then less driving. The temperature, in seconds of driving,
    falls from `_HOT` to `_COLD`; ``target`` vehicles end the search. With
    ``drive_only`` no vehicle is given up: driving alone is sought.
    """
    np.random.seed(seed)
    n = len(w.calls)
    weight = np.ones(n)
    bank = np.empty(n, np.int64)
    trial = np.empty(n, np.int64)
    keys = np.empty(n)
    seen = np.zeros(len(s.trips), np.bool_)
    came = np.empty(len(s.trips), np.int64)
    n_bank = 0
    most = s.sums[0].vehicles
    fewest, least = most, whole_cost(w, s)
    cost = least
    store(s, best)
    cooling = (_COLD / _HOT) ** (1.0 / iterations)
    heat = _HOT
    for it in range(iterations):
        if fewest <= target and not drive_only:
            break
        heat *= cooling
        if (
            n_bank == 0
            and s.sums[0].vehicles > target
            and s.sums[0].vehicles <= fewest
            and not drive_only
        ):
            n_bank = _give_up(w, s, u, weight, bank, n_bank)
            commit(s, u)
            most = s.sums[0].vehicles
            cost = whole_cost(w, s)
        for i in range(n_bank):
            trial[i] = bank[i]
        if n_bank > 0 and np.random.random() < 0.5:
            centre = bank[int(np.random.random() * n_bank)]
        else:
            centre = int(np.random.random() * n)
        _swap_tails(w, s, u, 2)
        n_trial = _ruin(w, s, u, centre, trial, n_bank)
        _in_order(w, trial, n_trial, keys)
        n_trial = _recreate(w, s, u, trial, n_trial, seats, most)
        after = cost + change(w, s, u)
        old, new = _sum_weight(weight, bank, n_bank), _sum_weight(weight, trial, n_trial)
        for i in range(n_trial):
            weight[trial[i]] += 1.0
        if new < old or (new == old and after < cost - heat * np.log(np.random.random())):
            commit(s, u)
            for i in range(n_trial):
                bank[i] = trial[i]
            n_bank = n_trial
            cost = after
        else:
            restore(w, s, u)
        if it % 100 == 0 and _fewer_heads(w, s, u, seen, came):
            commit(s, u)
            cost = whole_cost(w, s)
        if n_bank == 0 and (
            s.sums[0].vehicles < fewest or (s.sums[0].vehicles == fewest and cost < least)
        ):
            fewest, least = s.sums[0].vehicles, cost
            most = min(most, fewest)
            store(s, best)
    return int(fewest)
