"""Door-to-door times of many questions: those of one edge are asked together.

Sites whose shifts begin, or end, at the same time ask the same timetable at the same hours; what
`mobility.engine.journeys.travel` answers one by one is then answered sixteen at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from mobility.timetable.footpaths import WalkTable

Int32 = NDArray[np.int32]
#: Walks from each stop to the gates of a site, int32[S], and the edge of a shift there.
Question = tuple[Int32, Edge]

#: As many questions at most are asked together, and as many at least.
MOST, FEWEST = 16, 8
#: Beyond these limits, rides and walking are not one number (`mobility.engine.scan_together.RIDE`).
MOST_WALK_S, MOST_TRANSFERS = 1 << 22, 30
#: Rows that kernels write to, free to be used again, and the most bytes of each that are kept.
_free: list[Int32] = []
MOST_KEPT_BYTES = 1 << 26


@dataclass(frozen=True)
class Ahead:
    """What is known of the rides of some edges, by site, kind of day, edge and limits.

    Attributes
    ----------
    ridden_s
        Seconds of every home, int32[H].
    held
        Whether every home rides within the limits, bool[H].
    """

    ridden_s: dict[tuple[int, str, Edge, EngineLimits], Int32]
    held: dict[tuple[int, str, Edge, EngineLimits], NDArray[np.bool_]]


def batches(edges: Sequence[Edge]) -> list[list[int]]:
    """Return the places of the questions that are asked together: those of one edge."""
    found: dict[Edge, list[int]] = {}
    for place, edge in enumerate(edges):
        found.setdefault(edge, []).append(place)
    return [part for places in found.values() for part in even_parts(places)]


def even_parts(places: list[int]) -> list[list[int]]:
    """Return them in as few parts as may be, `MOST` at most in each and none much smaller."""
    count = -(-len(places) // MOST)
    return [places[k::count] for k in range(count)]


def travel_all(
    two_way: TwoWay,
    questions: Sequence[Question],
    limits: EngineLimits,
    access: WalkTable,
    each: Callable[..., Iterable[Any]] = map,
) -> list[HomeTimes]:
    """Return what `travel` answers to each question.

    Parameters
    ----------
    two_way, limits, access
        As there.
    questions
        In any order.
    each
        What asks the batches, as ``map`` does: that of a pool of threads, say.
    """
    parts = batches([edge for _, edge in questions])

    def answer(places: list[int]) -> list[HomeTimes]:
        egress_s, edge = [questions[k][0] for k in places], questions[places[0]][1]
        return travel_together(two_way, egress_s, edge, limits, access)

    found: dict[int, HomeTimes] = {}
    for places, answers in zip(parts, each(answer, parts), strict=True):
        found.update(zip(places, answers, strict=True))
    return [found[k] for k in range(len(questions))]


def travel_together(
    two_way: TwoWay, egress_s: Sequence[Int32], edge: Edge, limits: EngineLimits, access: WalkTable
) -> list[HomeTimes]:
    """Return what `travel` answers for the gates of each of some sites, `MOST` at most."""
    far = limits.max_walk_s > MOST_WALK_S or limits.max_transfers > MOST_TRANSFERS
    if len(egress_s) < FEWEST or far:
        return [travel(two_way, row, edge, limits, access) for row in egress_s]
    from mobility.engine.reach_together import reach_together
    from mobility.engine.scan_together import scan_together

    one_way = two_way.mirror if edge.returning else two_way.onward
    earliest_s = np.full(len(egress_s), earliest_of(edge, limits), np.int32)
    deadline_s = np.full(len(egress_s), deadline_of(edge), np.int32)
    window = one_way.runs_between(int(earliest_s[0]), int(deadline_s[0]))
    rows = _rows(one_way, *window)
    scanned = scan_together(
        *one_way.arrays,  # type: ignore[call-arg]
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
        *scanned,  # type: ignore[call-arg]
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
    at_s = np.int32(-edge.at_s if edge.returning else edge.at_s)
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
