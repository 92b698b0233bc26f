"""Door-to-door times of many questions: those of one edge are asked together.

Sites whose shifts begin, or end, at the same time ask the same timetable at the same hours; what
`mobility.engine.journeys.travel` answers one by one is then answered sixteen at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mobility.base.arrays import Int32
from mobility.engine.journeys import (
    Edge,
    EngineLimits,
    HomeTimes,
    OneWay,
    TwoWay,
    deadline_of,
    earliest_of,
    travel,
)
from mobility.timetable.arrays import INF

if TYPE_CHECKING:
    from mobility.timetable.footpaths import WalkTable

#: Walks from each stop to the gates of a site, int32[S], and the edge of a shift there.
Question = tuple[Int32, Edge]

#: As many questions at most are asked together, and as many at least.
MOST, FEWEST = 16, 8
#: Beyond these limits, rides and walking are not one number (`mobility.engine.scan_together.RIDE`).
MOST_WALK_S, MOST_TRANSFERS = 1 << 22, 30
#: Rows that kernels write to, free to be used again, and the most bytes of each that are kept.
_free: list[Int32] = []
MOST_KEPT_BYTES = 1 << 26


def even_parts(places: list[int]) -> list[list[int]]:
    """Return them in as few parts as may be, `MOST` at most in each and none much smaller."""
    count = -(-len(places) // MOST)
    return [places[k::count] for k in range(count)]


def travel_together(
    two_way: TwoWay, questions: Sequence[Question], limits: EngineLimits, access: WalkTable
) -> list[HomeTimes]:
    """Return what `travel` answers to some questions of one direction, `MOST` at most.

    Their edges may differ: the closer they are, the more of the scan is shared.
    """
    far = limits.max_walk_s > MOST_WALK_S or limits.max_transfers > MOST_TRANSFERS
    if len(questions) < FEWEST or far:
        return [travel(two_way, row, edge, limits, access) for row, edge in questions]
    from mobility.engine.reach_together import reach_together
    from mobility.engine.scan_together import scan_together

    egress_s, edges = [row for row, _ in questions], [edge for _, edge in questions]
    one_way = two_way.mirror if edges[0].returning else two_way.onward
    earliest_s = np.array([earliest_of(edge, limits) for edge in edges], np.int32)
    deadline_s = np.array([deadline_of(edge) for edge in edges], np.int32)
    window = one_way.runs_between(int(earliest_s.min()), int(deadline_s.max()))
    rows = _rows(one_way, *window)
    scanned = scan_together(
        *one_way.arrays,
        *window,
        np.array(egress_s),
        limits.gate_walk_counts,
        earliest_s,
        deadline_s,
        limits.max_walk_s,
        limits.max_wait_s,
        limits.max_transfers + 1,
        rows,
    )
    leave_s, rides, walk_s, stop = reach_together(
        *scanned,
        one_way.timetable.dep_time,
        access.ptr,
        access.stop,
        access.walk_s,
        limits.home_walk_counts,
        earliest_s,
        limits.max_walk_s,
    )
    if rows.nbytes <= MOST_KEPT_BYTES:
        _free.append(rows)
    at_s = np.array([-e.at_s if e.returning else e.at_s for e in edges], np.int32)[:, None]
    elapsed_s = np.where(leave_s == INF, np.int32(INF), at_s - leave_s)
    return [HomeTimes(*row) for row in zip(elapsed_s, rides, walk_s, stop, strict=True)]


def _rows(one_way: OneWay, low: int, high: int) -> Int32:
    """Return rows for the kernel to write to: memory new at each question would take as long."""
    from mobility.base.lanes import LANES
    from mobility.engine.scan_together import rows_needed

    tt = one_way.timetable
    needed = rows_needed(tt.n_stops, int(tt.run_ptr[high] - tt.run_ptr[low]), high - low)
    try:
        rows = _free.pop()
    except IndexError:
        rows = np.empty((0, LANES), np.int32)
    return rows if len(rows) >= needed else np.empty((needed + needed // 4, LANES), np.int32)
