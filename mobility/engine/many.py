"""Many gates and deadlines at once, where only total time and the number of rides bind.

Where a journey cannot walk or wait longer than it may take in all, the latest departure from
a stop says everything: later is never worse. One pass then serves all gates of a deadline
side by side, and one look-up of the homes serves all deadlines. It gives the times of
`mobility.engine.journeys.travel`, to the second, without rides and walks.

Rounds over rides as in `mobility.engine.scan`; only what the last round improved is followed.
Gates are taken a block at a time, all of a block by a few instructions. For that, inner loops
choose by ``if`` (``max`` of int32 widens in numba), touch few arrays, and learn the width of a
block only when they run: a short loop of known length is unrolled before it is vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mobility.engine.journeys import Edge, EngineLimits, TwoWay, deadline_of, earliest_of
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable

Int32 = NDArray[np.int32]
LANES = 16
"""Gates in a block of the scan, and columns in a block of the look-up; at most 32."""


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
    n_gates, n_stops = egress_s.shape
    blocks = [_block(egress_s[k : k + LANES]) for k in range(0, n_gates, LANES)]

    def latest(edge: Edge) -> list[Int32]:
        one_way = two_way.mirror if edge.returning else two_way.onward
        tt, into = one_way.timetable, one_way.timetable.foot_into
        first_s, deadline_s = earliest_of(edge, limits), deadline_of(edge)
        runs = one_way.runs_between(first_s, deadline_s)
        found = [
            scan_gates(
                tt.run_ptr, tt.call_stop, tt.call_arr, tt.call_dep, tt.call_board, tt.call_alight,
                into.ptr, into.stop, into.need_s, *runs, block, first_s, deadline_s,
                limits.max_transfers + 1,
            )
            for block in blocks
        ]  # fmt: skip
        found[-1] = found[-1][:, : n_gates - LANES * (len(blocks) - 1)]
        return found

    n_homes, width = access.n_rows, len(edges) * n_gates
    columns = -(-width // LANES) * LANES
    out = np.empty((n_homes, columns), np.int32)
    earliest_s, at_s = np.zeros(columns, np.int32), np.zeros(columns, np.int32)
    earliest_s[:width] = np.repeat([earliest_of(e, limits) for e in edges], n_gates)
    at_s[:width] = np.repeat([-e.at_s if e.returning else e.at_s for e in edges], n_gates)

    def look_up(part: tuple[int, int]) -> None:
        low, high = part
        look_up_homes(
            leave, access.ptr[low : high + 1], access.stop, access.walk_s, earliest_s, at_s,
            out[low:high],
        )  # fmt: skip

    cuts = np.linspace(0, n_homes, threads + 1).astype(int).tolist()
    parts = list(pairwise(cuts))
    spare = np.full((n_stops, columns - width), -INF, np.int32)
    with ThreadPoolExecutor(threads) as pool:
        each = map if threads == 1 else pool.map
        leave = np.concatenate([*chain.from_iterable(each(latest, edges)), spare], axis=1)
        list(each(look_up, parts))
    return out[:, :width].reshape(n_homes, len(edges), n_gates)


def _block(egress_s: Int32) -> Int32:
    """Return the walks of up to ``LANES`` gates, int32[S, LANES], the rest out of reach."""
    found = np.full((egress_s.shape[1], LANES), INF, np.int32)
    found[:, : len(egress_s)] = egress_s.T
    return found


@njit(cache=True, nogil=True)
def scan_gates(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0913
    run_ptr, call_stop, call_arr, call_dep, call_board, call_alight,
    into_ptr, into_stop, into_need_s, run_lo, run_hi, egress_s, earliest_s, deadline_s, max_rides,
):  # fmt: skip
    """Return the latest departure from every stop towards every gate.

    Parameters
    ----------
    run_ptr, call_*, into_*
        Arrays of `mobility.timetable.arrays.Timetable`; ``into_*`` is its ``foot_into``.
    run_lo, run_hi
        Range of runs that may have a call inside the window.
    egress_s : int32[S, LANES]
        Walk from each stop to each gate; ``INF`` where there is none.
    earliest_s, deadline_s, max_rides
        As in `mobility.engine.scan.scan_rides`.

    Returns
    -------
    int32[S, LANES]
        Axis seconds; ``-INF`` where there is none.
    """
    n_stops, lanes = egress_s.shape
    never, bit = np.int32(-INF), np.uint32(1)
    leave = np.full((n_stops, lanes), never)
    # Latest arrivals at a stop from which a gate is reached, with any rides so far and as the
    # last ride brought them; the latest of these of any gate.
    onward = np.empty((n_stops, lanes), np.int32)
    newly = np.empty((n_stops, lanes), np.int32)
    top = np.empty(n_stops, np.int32)
    # What ``onward`` was one ride before, and ``leave`` when it was last followed on foot.
    before = np.full((n_stops, lanes), never)
    known = np.full((n_stops, lanes), never)
    touched = np.zeros(n_stops, np.bool_)
    for stop in range(n_stops):
        for lane in range(lanes):
            onward[stop, lane] = np.int32(deadline_s - egress_s[stop, lane])
    for ride in range(max_rides):
        for stop in range(n_stops):
            latest = never
            for lane in range(lanes):
                value = onward[stop, lane]
                value = value if value > before[stop, lane] else never
                newly[stop, lane] = value
                latest = value if value > latest else latest  # noqa: FURB136
            top[stop] = latest
        for run in range(run_lo, run_hi):
            begin, call = run_ptr[run], run_ptr[run + 1] - 1
            if call_dep[begin] > deadline_s:
                continue
            aboard = np.uint32(0)  # a bit for each gate that is reached from here on
            while call >= begin and call_dep[call] >= earliest_s:
                at = np.uint32(call_stop[call])
                if aboard and call_board[call]:
                    touched[at] = True
                    departure = np.int32(call_dep[call])
                    for lane in range(lanes):
                        value = departure if (aboard >> np.uint32(lane)) & bit else never
                        old = leave[at, lane]
                        leave[at, lane] = value if value > old else old  # noqa: FURB136
                if call_arr[call] <= top[at] and call_alight[call]:
                    arrival = np.int32(call_arr[call])
                    for lane in range(lanes):
                        aboard |= np.uint32(arrival <= newly[at, lane]) << np.uint32(lane)
                call -= 1
        if ride + 1 == max_rides:
            break
        before[:] = onward
        moved = False
        for stop in range(n_stops):
            if not touched[stop]:
                continue
            touched[stop] = False
            gain = False
            for lane in range(lanes):
                gain |= known[stop, lane] != leave[stop, lane]
                known[stop, lane] = leave[stop, lane]
            if not gain:
                continue
            moved = True
            for foot in range(into_ptr[stop], into_ptr[stop + 1]):
                other, need = np.uint32(into_stop[foot]), np.int32(into_need_s[foot])
                for lane in range(lanes):
                    value = np.int32(leave[stop, lane] - need)
                    old = onward[other, lane]
                    onward[other, lane] = value if value > old else old  # noqa: FURB136
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
