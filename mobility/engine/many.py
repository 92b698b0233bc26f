"""Many gates and deadlines at once, where only total time and the number of rides bind.

Where a journey cannot walk or wait longer than it may take in all, the latest departure from
a stop says everything: later is never worse. One pass then serves all gates of a deadline
side by side, and one look-up of the homes serves all deadlines. It gives the times of
`mobility.engine.journeys.travel`, to the second, without rides and walks.

Rounds over rides as in `mobility.engine.scan`; only what the last round improved is followed.
Inner loops choose by ``if``: ``max`` of int32 widens in numba, and is then not vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mobility.engine.journeys import Edge, EngineLimits, TwoWay, deadline_of, earliest_of
from mobility.network.footpaths import WalkTable
from mobility.network.timetable import INF

Int32 = NDArray[np.int32]
AWAY = INF + 2**20
"""Taken from any departure it leaves less than ``-INF``."""
LANES = 32
"""Columns of the look-up are a multiple of it, which lets processors take several at once."""


def travel_many(
    two_way: TwoWay,
    egress_s: Int32,
    edges: Sequence[Edge],
    limits: EngineLimits,
    access: WalkTable,
    *,
    threads: int = 1,
) -> Int32:
    """Return the elapsed seconds of every home, edge and gate.

    Parameters
    ----------
    two_way
        Timetable of the study date.
    egress_s : int32[K, S]
        Walk between each gate and every stop, seconds; ``INF`` where out of reach.
    edges
        Starts or ends of shifts, asked of every gate.
    limits
        ``max_walk_s`` and ``max_wait_s`` must be no less than ``max_total_s``.
    access
        Walks between homes and stops.
    threads
        Threads that share the work; the answers do not depend on them.

    Returns
    -------
    int32[H, E, K]
        ``INF`` where the direction does not hold.

    Raises
    ------
    ValueError
        A limit on walks or waits could bind.
    """
    if min(limits.max_walk_s, limits.max_wait_s) < limits.max_total_s:
        raise ValueError("limits on walks or waits bind: ask journeys.travel")
    gates = np.ascontiguousarray(egress_s.T)

    def latest(edge: Edge) -> Int32:
        one_way = two_way.mirror if edge.returning else two_way.onward
        tt, into = one_way.timetable, one_way.timetable.foot_into
        first_s, deadline_s = earliest_of(edge, limits), deadline_of(edge)
        runs = one_way.runs_between(first_s, deadline_s)
        found: Int32 = scan_gates(
            tt.run_ptr, tt.call_stop, tt.call_arr, tt.call_dep, tt.call_board, tt.call_alight,
            into.ptr, into.stop, into.need_s, *runs, gates, first_s, deadline_s,
            limits.max_transfers + 1,
        )  # fmt: skip
        return found

    n_homes, width = access.n_rows, len(edges) * len(egress_s)
    columns = -(-width // LANES) * LANES
    out = np.empty((n_homes, columns), np.int32)
    earliest_s, at_s = np.zeros(columns, np.int32), np.zeros(columns, np.int32)
    earliest_s[:width] = np.repeat([earliest_of(e, limits) for e in edges], len(egress_s))
    at_s[:width] = np.repeat([-e.at_s if e.returning else e.at_s for e in edges], len(egress_s))

    def look_up(part: tuple[int, int]) -> None:
        low, high = part
        look_up_homes(
            leave, access.ptr[low : high + 1], access.stop, access.walk_s, earliest_s, at_s,
            out[low:high],
        )  # fmt: skip

    cuts = np.linspace(0, n_homes, threads + 1).astype(int).tolist()
    parts = list(pairwise(cuts))
    spare = np.full((gates.shape[0], columns - width), -INF, np.int32)
    if threads == 1:
        leave = np.concatenate([*map(latest, edges), spare], axis=1)
        look_up(parts[0])
    else:
        with ThreadPoolExecutor(threads) as pool:
            leave = np.concatenate([*pool.map(latest, edges), spare], axis=1)
            list(pool.map(look_up, parts))
    return out[:, :width].reshape(n_homes, len(edges), len(egress_s))


@njit(cache=True, nogil=True)
def scan_gates(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0913
    run_ptr, call_stop, call_arr, call_dep, call_board, call_alight,
    into_ptr, into_stop, into_need_s, run_lo, run_hi, egress_s, earliest_s, deadline_s, max_rides,
):  # fmt: skip
    """Return the latest departure from every stop towards every gate.

    Parameters
    ----------
    run_ptr, call_*, into_*
        Arrays of `mobility.network.timetable.Timetable`; ``into_*`` is its ``foot_into``.
    run_lo, run_hi
        Range of runs that may have a call inside the window.
    egress_s : int32[S, K]
        Walk from each stop to each gate; ``INF`` where there is none.
    earliest_s, deadline_s, max_rides
        As in `mobility.engine.scan.scan_rides`.

    Returns
    -------
    int32[S, K]
        Axis seconds; ``-INF`` where there is none.
    """
    n_stops, lanes = egress_s.shape
    never = np.int32(-INF)
    leave = np.full((n_stops, lanes), never)
    # What ``leave`` was when it was last followed over footpaths; latest arrivals at a stop
    # from which a gate is reached, with any rides so far and as the last ride brought them.
    known = np.full((n_stops, lanes), never)
    onward = np.empty((n_stops, lanes), np.int32)
    newly = np.empty((n_stops, lanes), np.int32)
    top = np.full(n_stops, never)
    touched = np.zeros(n_stops, np.bool_)
    absent = np.empty(lanes, np.int32)
    for stop in range(n_stops):
        for lane in range(lanes):
            value = np.int32(deadline_s - egress_s[stop, lane])
            onward[stop, lane] = value
            newly[stop, lane] = value
            top[stop] = max(top[stop], value)
    for _ in range(max_rides):
        for run in range(run_lo, run_hi):
            begin, call = run_ptr[run], run_ptr[run + 1] - 1
            if call_dep[begin] > deadline_s:
                continue
            aboard = False
            while call >= begin and call_dep[call] >= earliest_s:
                stop = call_stop[call]
                if aboard and call_board[call]:
                    touched[stop] = True
                    row = leave[stop]
                    departure = np.int32(call_dep[call])
                    for lane in range(lanes):
                        value = np.int32(departure - absent[lane])
                        row[lane] = value if value > row[lane] else row[lane]  # noqa: FURB136
                if call_arr[call] <= top[stop] and call_alight[call]:
                    if not aboard:
                        aboard = True
                        absent[:] = AWAY
                    row = newly[stop]
                    arrival = np.int32(call_arr[call])
                    for lane in range(lanes):
                        absent[lane] = np.int32(0) if arrival <= row[lane] else absent[lane]
                call -= 1
        newly[:] = never
        top[:] = never
        moved = False
        for stop in range(n_stops):
            if not touched[stop]:
                continue
            touched[stop] = False
            row, past = leave[stop], known[stop]
            gain = False
            for lane in range(lanes):
                gain |= past[lane] != row[lane]
                past[lane] = row[lane]
            if not gain:
                continue
            moved = True
            for foot in range(into_ptr[stop], into_ptr[stop + 1]):
                other, need = into_stop[foot], np.int32(into_need_s[foot])
                old, new = onward[other], newly[other]
                latest = never
                for lane in range(lanes):
                    value = np.int32(row[lane] - need)
                    better = value > old[lane]
                    new[lane] = value if better else new[lane]
                    old[lane] = value if better else old[lane]
                    gained = value if better else never
                    latest = gained if gained > latest else latest  # noqa: FURB136
                top[other] = max(top[other], latest)
        if not moved:
            break
    return leave


@njit(cache=True, nogil=True)
def look_up_homes(  # type: ignore[no-untyped-def]
    leave, access_ptr, access_stop, access_s, earliest_s, at_s, out
):
    """Fill the elapsed seconds of some homes, int32[H, C], ``INF`` where too early.

    ``leave`` int32[S, C] are latest departures, ``earliest_s`` and ``at_s`` int32[C] the
    first moment of leaving home and the edge of each column.
    """
    lanes = leave.shape[1]
    for home in range(access_ptr.size - 1):
        best = out[home]
        best[:] = -INF
        for a in range(access_ptr[home], access_ptr[home + 1]):
            row = leave[access_stop[a]]
            walk = np.int32(access_s[a])
            for lane in range(lanes):
                value = np.int32(row[lane] - walk)
                best[lane] = value if value > best[lane] else best[lane]  # noqa: FURB136
        for lane in range(lanes):
            taken = np.int32(at_s[lane] - best[lane])
            best[lane] = taken if best[lane] >= earliest_s[lane] else np.int32(INF)


__all__ = ["travel_many"]
