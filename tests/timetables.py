"""Timetables written by hand, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from mobility.timetable.arrays import RunArrays, Timetable, footpath_rows, index_timetable


@dataclass(frozen=True)
class Call:
    """One call of a run written by hand.

    Attributes
    ----------
    stop
        Stop index.
    arr, dep
        Axis seconds; ``dep`` defaults to ``arr``.
    board, alight
        Whether one may board or alight here.
    """

    stop: int
    arr: int
    dep: int | None = None
    board: bool = True
    alight: bool = True


@dataclass(frozen=True)
class Run:
    """One vehicle journey written by hand: its calls in order, trip index and service day."""

    calls: tuple[Call, ...]
    trip: int = -1
    day: int = 0


CallLike = Call | tuple[int, int] | tuple[int, int, int] | tuple[int, int, int, bool, bool]
RunLike = Run | Sequence[CallLike]


def as_run(run: RunLike) -> Run:
    """Return a `Run` from one, or from a sequence of ``(stop, arr[, dep[, board, alight]])``."""
    if isinstance(run, Run):
        return run
    return Run(tuple(c if isinstance(c, Call) else Call(*c) for c in run))


def timetable_from_runs(
    n_stops: int,
    runs: Iterable[RunLike],
    footpaths: Iterable[tuple[int, ...]] = (),
    *,
    min_change_s: int = 0,
) -> Timetable:
    """Build a timetable from plain Python lists.

    Parameters
    ----------
    n_stops
        Number of stops.
    runs
        Each a `Run`, or a sequence of calls ``(stop, arr[, dep[, board, alight]])``.
    footpaths
        ``(from_stop, to_stop, walk_s)``, needing ``walk_s + min_change_s``, or
        ``(from_stop, to_stop, walk_s, need_s)``.
    min_change_s
        Seconds kept at each change on top of the walk.
    """
    # A change at the stop itself is a footpath of no walk.
    pairs = {(s, s): (0, min_change_s) for s in range(n_stops)}
    for source, target, walk, *need in footpaths:
        pairs[source, target] = (walk, need[0] if need else walk + min_change_s)
    foot = np.array([(*st, *wn) for st, wn in pairs.items()], np.int32).reshape(-1, 4)
    feet = footpath_rows(n_stops, foot[:, 0], foot[:, 1], foot[:, 2], foot[:, 3])
    return index_timetable(n_stops, flatten_runs([as_run(r) for r in runs]), feet)


def same(one: Timetable, other: Timetable) -> bool:
    """Whether every array of two timetables is equal."""
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name))
        for f in fields(one)
        if f.name != "known_into"
    )


def flatten_runs(runs: Sequence[Run]) -> RunArrays:
    """Return the arrays of runs, in the order given.

    Raises
    ------
    ValueError
        A run has no call, or goes back in time.
    """
    rows: list[tuple[int, int, int, bool, bool, int]] = []
    ptr = [0]
    for run in runs:
        times = [t for c in run.calls for t in (c.arr, c.arr if c.dep is None else c.dep)]
        if not times or times != sorted(times):
            raise ValueError(f"a run needs calls in the order of time, not {run.calls!r}")
        rows += [
            (c.stop, c.arr, c.arr if c.dep is None else c.dep, c.board, c.alight, run.trip)
            for c in run.calls
        ]
        ptr.append(len(rows))
    table = np.array(rows, np.int32).reshape(-1, 6)
    return RunArrays(
        run_ptr=np.array(ptr, np.int64),
        call_stop=table[:, 0],
        call_arr=table[:, 1],
        call_dep=table[:, 2],
        call_board=table[:, 3].astype(np.bool_),
        call_alight=table[:, 4].astype(np.bool_),
        call_trip=table[:, 5],
        run_day=np.array([r.day for r in runs], np.int8),
    )
