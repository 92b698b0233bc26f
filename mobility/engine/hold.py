"""Whether a direction holds, times apart: how far from each stop a home may lie.

What a home asks of the labels of an edge is whether some departure of a stop near it leaves
neither too early nor needs too much walking after its own walk there. Both are limits on that
walk, so a stop's departures come down to one number, the longest walk that will do; deadlines
asked together come down to the longest of theirs.
"""

from __future__ import annotations

from typing import Any

from mobility.base.kernels import entry

Array = Any


@entry
def farthest_walks(
    first: Array, shift: Array, label: Array, dep_time: Array, access_counts: bool,
    earliest_s: int, max_walk_s: int, farthest: Array,
) -> None:  # fmt: skip
    """Raise ``farthest``, int32[S], to the longest walk from a home with which each stop does.

    Parameters are those of `mobility.engine.scan.reach_homes`; a stop that does for nobody
    leaves what it finds.
    """
    last = label[label.shape[0] - 1]
    for stop in range(shift.size - 1):
        base = first[stop] - shift[stop]
        best = farthest[stop]
        for k in range(shift[stop], shift[stop + 1]):
            if last[k] > max_walk_s:
                continue
            walk = dep_time[base + k] - earliest_s
            if access_counts:
                walk = min(walk, max_walk_s - last[k])
            best = max(best, walk)
        farthest[stop] = best


@entry
def homes_within(
    stop_ptr: Array, stop_home: Array, stop_walk_s: Array, farthest: Array, found: Array
) -> None:
    """Tell, in ``found``, bool[H], which homes have a stop no farther than ``farthest``.

    Walks are given by stop, sorted by seconds; a stop that does for nobody has a negative limit.
    """
    for stop in range(stop_ptr.size - 1):
        if stop >= farthest.size:
            break
        for a in range(stop_ptr[stop], stop_ptr[stop + 1]):
            if stop_walk_s[a] > farthest[stop]:
                break
            found[stop_home[a]] = True
