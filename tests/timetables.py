"""Timetables written by hand, and compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

import numpy as np

from mobility.timetable.arrays import (
    RunLike,
    Timetable,
    as_run,
    flatten_runs,
    footpath_rows,
    index_timetable,
)


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
