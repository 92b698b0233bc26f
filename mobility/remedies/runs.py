"""Runs inside a window of time, and which of them a scan labels."""

from __future__ import annotations

import numpy as np

from mobility.timetable.arrays import INF, Bool, Int32, Int64, RunArrays
from mobility.timetable.footpaths import WalkTable
from mobility.timetable.trips import pick_calls


def used_runs(
    runs: RunArrays,
    index: tuple[Int64, Int32, Int32, Int32],
    scanned: tuple[Int64, Int64, Int32],
) -> Int64:
    """Return the runs with a label, ascending."""
    first, shift, label = scanned
    stops = np.repeat(np.arange(shift.size - 1), np.diff(shift))
    position = np.arange(shift[-1]) + (first - shift[:-1])[stops]
    calls = index[2][position[label[-1] < INF]]
    used = np.zeros(runs.run_ptr.size - 1, bool)
    used[runs.run_ptr.searchsorted(calls, side="right") - 1] = True
    return np.flatnonzero(used)


def labelled_stops(scanned: tuple[Int64, Int64, Int32]) -> Bool:
    """Return whether each stop has a departure with a label."""
    _, shift, label = scanned
    labelled = np.zeros(shift.size - 1, bool)
    stops = np.repeat(np.arange(shift.size - 1), np.diff(shift))
    labelled[stops[label[-1] < INF]] = True
    return labelled


def only_walks(walks: WalkTable, kept: Bool) -> WalkTable:
    """Return some walks of a table."""
    # Loading the compiler takes half a second, which nobody waits for who asks nothing.
    from mobility.remedies.kernel import kept_rows

    ptr, places = kept_rows(walks.ptr, kept)
    return WalkTable(ptr, walks.stop[places], walks.walk_s[places])


def departure_keys(stop: Int32, dep_s: Int32) -> Int64:
    """Return one sortable number per departure: by stop, then by time."""
    return (stop.astype(np.int64) << 32) + dep_s.astype(np.int64) + 2**31


def clip_runs(runs: RunArrays, low_s: int, high_s: int) -> RunArrays:
    """Return the runs with the calls that leave from ``low_s`` on and arrive by ``high_s``."""
    kept = (runs.call_dep >= low_s) & (runs.call_arr <= high_s)
    ptr = np.concatenate([[0], np.cumsum(kept)])[runs.run_ptr].astype(np.int64)
    return pick_calls(runs, np.flatnonzero(kept), ptr, runs.run_day)
