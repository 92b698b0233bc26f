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
from numba import njit

from mobility.shuttles.model import Bools, Floats, Ints
from mobility.shuttles.trip_state import (
    EPS,
    FAR,
    FREE,
    State,
    Undo,
    Ways,
    bare,
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
MEAN, LONGEST = 8.0, 10  # calls taken out on average, and in one string
HOT, COLD = 100.0, 1.0


@bare
def _string_of(s: State, t: int, call: int, longest: int) -> tuple[int, int]:
    """Return a random string of trip ``t`` that holds ``call``: first position and length."""
    at = 0
    while s.seq[t, at] != call:
        at += 1
    count = 1 + int(np.random.random() * min(longest, s.size[t]))
    low = max(0, at - count + 1)
    high = min(at, s.size[t] - count)
    return low + int(np.random.random() * (high - low + 1)), count


@bare
def _ruin(w: Ways, s: State, u: Undo, seed: int, bank: Ints, n_bank: int) -> int:
    """Take strings of calls near ``seed`` out of their trips; return the length of the bank."""
    cards = len(w.end_of) / max(s.total[1], 1)
    longest = max(1, int(min(LONGEST, cards + 1)))
    most = max(1.0, 4.0 * MEAN / (1 + longest) - 1)
    strings = 1 + int(np.random.random() * most)
    around = w.near if np.random.random() < 0.5 else w.kin
    for i in range(around.shape[1]):
        if strings == 0:
            break
        call = around[seed, i]
        if call < 0:
            break
        t = s.trip_of[call]
        if t < 0 or u.mark[t]:
            continue
        first, count = _string_of(s, t, call, longest)
        n_bank = cut_string(w, s, u, t, first, count, bank, n_bank)
        strings -= 1
    return n_bank


@bare
def _fits_chain(w: Ways, s: State, t: int, first: int, span: float) -> Any:
    """Whether trip ``t`` keeps to its vehicle's chain with another far end and span."""
    e = s.end[t]
    if w.inbound[e]:
        a = s.pred[t]
        if a < 0:
            return True
        return s.free[a] + w.back[first, s.goal[a]] <= w.at[e] - span + EPS
    b = s.succ[t]
    if b < 0:
        return True
    return w.at[e] + span + w.there[first, s.origin[b]] <= s.start[b] + EPS


@bare
def _chain_drive(w: Ways, s: State, t: int, first: int) -> float:
    """Return the empty seconds between trip ``t`` and the one its far end meets."""
    if w.inbound[s.end[t]]:
        a = s.pred[t]
        return 0.0 if a < 0 else w.back[first, s.goal[a]]
    b = s.succ[t]
    return 0.0 if b < 0 else w.there[first, s.origin[b]]


@bare
def _best_insertion(
    w: Ways, s: State, call: int, seats: int, best: float
) -> tuple[float, int, int]:
    """Return the cheapest place for ``call`` in a trip of its end: cost, trip, position."""
    e = w.end_of[call]
    there = w.there if w.inbound[e] else w.back
    back = w.back if w.inbound[e] else w.there
    gate = len(w.end_of) + e
    found, where = FREE, 0
    for i in range(s.count[e]):
        t = s.slots[e, i]
        if s.seats[t] + w.load[call] > seats:
            continue
        if np.random.random() < BLINK:
            continue
        head = s.seq[t, 0]
        for k in range(s.size[t] + 1):
            node = s.seq[t, k] if k < s.size[t] else gate
            ride = there[call, node]
            if k < s.size[t]:
                ride += s.ride[t, k] + w.halt[node]
            if ride > w.limit[call] + EPS:
                continue
            if k == 0:
                more = there[call, node] + w.halt[call]
                cost = more + _chain_drive(w, s, t, call) - _chain_drive(w, s, t, head)
                if cost < best and _fits_chain(w, s, t, call, s.span[t] + more):
                    best, found, where = cost, t, k
                continue
            before = s.seq[t, k - 1]
            leg = s.ride[t, k - 1]
            if k < s.size[t]:
                leg -= s.ride[t, k] + w.halt[node]
            more = back[call, before] + w.halt[call] + there[call, node] - leg
            if more < best and more <= s.room[t, k] + EPS:
                if _fits_chain(w, s, t, head, s.span[t] + more):
                    best, found, where = more, t, k
    return best, found, where


@bare
def _best_opening(w: Ways, s: State, call: int, most: int, best: float) -> tuple[float, int, int]:  # noqa: C901, PLR0912
    """Return the cheapest way to open a trip for ``call``: cost, trip before, trip after."""
    e = w.end_of[call]
    n = len(w.end_of)
    legs = w.there if w.inbound[e] else w.back
    direct = legs[call, n + e]
    none = -2
    if direct > w.limit[call] + EPS:
        return best, none, none
    span = direct + w.halt[call]
    if span >= best:
        return best, none, none
    if w.inbound[e]:
        start, stop, first, last = w.at[e] - span, w.at[e] + w.busy[e], call, n + e
    else:
        start, stop, first, last = w.at[e] - w.busy[e], w.at[e] + span, n + e, call
    a_best, b_best = none, none
    if s.total[0] < most and span < best:
        best, a_best, b_best = span, FREE, FREE
    for other in range(len(w.at)):
        # A trip of the end is over before this one starts, or starts after it is over.
        if w.soon[other] > start and w.late[other] < stop:
            continue
        for i in range(s.count[other]):
            t = s.slots[other, i]
            drive = w.back[first, s.goal[t]]
            if s.free[t] + drive <= start + EPS:
                b = s.succ[t]
                cost = span + drive
                if b >= 0:
                    cost += w.there[last, s.origin[b]] - empty_drive(w, s, t, b)
                if cost < best and np.random.random() >= BLINK:
                    if b < 0 or stop + w.there[last, s.origin[b]] <= (s.start[b] + EPS):
                        best, a_best, b_best = cost, t, b
            elif s.pred[t] < 0:
                drive = w.there[last, s.origin[t]]
                if span + drive < best and stop + drive <= s.start[t] + EPS:
                    if np.random.random() >= BLINK:
                        best, a_best, b_best = span + drive, FREE, t
    return best, a_best, b_best


@bare
def _recreate(w: Ways, s: State, u: Undo, bank: Ints, n_bank: int, seats: int, most: int) -> int:
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


@njit(cache=True, nogil=True)
def _in_order(w: Ways, bank: Ints, n_bank: int, keys: Floats) -> None:
    """Sort the bank at random, by load, or by the drive to the gate."""
    n = len(w.end_of)
    how = np.random.random()
    for i in range(n_bank):
        call = bank[i]
        if how < 0.4:
            keys[i] = np.random.random()
        elif how < 0.7:
            keys[i] = -w.load[call] + 0.1 * np.random.random()
        elif how < 0.9:
            keys[i] = -w.there[call, n + w.end_of[call]]
        else:
            keys[i] = w.there[call, n + w.end_of[call]]
    order = np.argsort(keys[:n_bank])
    bank[:n_bank] = bank[:n_bank][order]


@bare
def _swap_tails(w: Ways, s: State, u: Undo, tries: int) -> None:
    """Let random vehicles exchange what they drive after some trip."""
    n = len(w.end_of)
    for _ in range(tries):
        a = s.trip_of[int(np.random.random() * n)]
        c = s.trip_of[int(np.random.random() * n)]
        if a < 0 or c < 0 or a == c:
            continue
        b, d = s.succ[a], s.succ[c]
        if b == c or d == a or (b < 0 and d < 0):
            continue
        if (d >= 0 and not can_follow(w, s, a, d)) or (b >= 0 and not can_follow(w, s, c, b)):
            continue
        for t in (a, b, c, d):
            keep(w, s, u, t)
        link(s, a, d)
        link(s, c, b)
        if d < 0:
            s.succ[a] = FREE
        if b < 0:
            s.succ[c] = FREE


@njit(cache=True, nogil=True)
def _fewer_heads(w: Ways, s: State, u: Undo, seen: Bools, came: Ints) -> bool:
    """Chain the trips anew where that saves a vehicle: one augmenting path; True when found.

    Breadth first from the first trips of vehicles: a trip may take any trip before it whose
    follower then looks for another.
    """
    slots = np.empty(s.total[1], np.int32)
    n = 0
    for e in range(len(w.at)):
        for i in range(s.count[e]):
            slots[n] = s.slots[e, i]
            n += 1
    queue = np.empty(n, np.int32)
    head = tail = 0
    for i in range(n):
        seen[slots[i]] = False
        if s.pred[slots[i]] < 0:
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
            if s.succ[a] >= 0:
                queue[tail] = s.succ[a]
                tail += 1
                continue
            while True:
                b = came[a]
                before = s.pred[b]
                keep(w, s, u, a)
                keep(w, s, u, b)
                link(s, a, b)
                if before < 0:
                    s.total[0] -= 1
                    return True
                keep(w, s, u, before)
                a = before
    return False


@bare
def _give_up(w: Ways, s: State, u: Undo, weight: Floats, bank: Ints, n_bank: int) -> int:
    """Give up the vehicle whose calls are the easiest to place; its calls join the bank."""
    least, chosen = FAR, FREE
    for t in range(len(s.size)):
        if s.size[t] == 0 or s.pred[t] >= 0:
            continue
        total, a = 0.0, t
        while a >= 0:
            for k in range(s.size[a]):
                total += weight[s.seq[a, k]]
            a = s.succ[a]
        total *= 0.5 + np.random.random()
        if total < least:
            least, chosen = total, t
    while chosen >= 0:
        after = s.succ[chosen]
        n_bank = cut_string(w, s, u, chosen, 0, s.size[chosen], bank, n_bank)
        chosen = after
    return n_bank


@bare
def _sum_weight(weight: Floats, bank: Ints, n_bank: int) -> float:
    """Return how hard the calls of the bank are to place."""
    total = 0.0
    for i in range(n_bank):
        total += weight[bank[i]]
    return total


@bare
def start_trip(w: Ways, s: State, u: Undo, calls: Ints) -> None:
    """Give a vehicle of its own to a trip."""
    open_trip(w, s, u, calls[0], FREE, FREE)
    t = s.trip_of[calls[0]]
    for k in range(1, len(calls)):
        insert(w, s, u, calls[k], t, k)
    commit(s, u)


@njit(cache=True, nogil=True)
def chain_anew(w: Ways, s: State, u: Undo) -> None:
    """Chain the trips into the fewest vehicles."""
    seen = np.zeros(len(s.size), np.bool_)
    came = np.empty(len(s.size), np.int32)
    while _fewer_heads(w, s, u, seen, came):
        commit(s, u)


@njit(cache=True, nogil=True)
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
    falls from `HOT` to `COLD`; ``target`` vehicles end the search. With
    ``drive_only`` no vehicle is given up: driving alone is sought.
    """
    np.random.seed(seed)
    n = len(w.end_of)
    weight = np.ones(n)
    bank = np.empty(n, np.int32)
    trial = np.empty(n, np.int32)
    keys = np.empty(n)
    seen = np.zeros(len(s.size), np.bool_)
    came = np.empty(len(s.size), np.int32)
    n_bank = 0
    most = s.total[0]
    fewest, least = most, whole_cost(w, s)
    cost = least
    store(s, best)
    cooling = (COLD / HOT) ** (1.0 / iterations)
    heat = HOT
    for it in range(iterations):
        if fewest <= target and not drive_only:
            break
        heat *= cooling
        if n_bank == 0 and s.total[0] > target and s.total[0] <= fewest and not drive_only:
            n_bank = _give_up(w, s, u, weight, bank, 0)
            commit(s, u)
            most = s.total[0]
            cost = whole_cost(w, s)
        trial[:n_bank] = bank[:n_bank]
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
            bank[:n_trial] = trial[:n_trial]
            n_bank = n_trial
            cost = after
        else:
            restore(w, s, u)
        if it % 100 == 0 and _fewer_heads(w, s, u, seen, came):
            commit(s, u)
            cost = whole_cost(w, s)
        if n_bank == 0 and (s.total[0] < fewest or (s.total[0] == fewest and cost < least)):
            fewest, least = s.total[0], cost
            most = min(most, fewest)
            store(s, best)
    return int(fewest)
