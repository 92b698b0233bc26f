"""What more runs, or others, leave as it was: questions whose time window none of them meets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.commute.white_zones import BEST_HOURS_S, at_hour
from mobility.engine.journeys import Edge, EngineLimits
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import Timetable

Int64 = NDArray[np.int64]


class Spans:
    """When some runs are on the way.

    Parameters
    ----------
    find
        Return start and end of each on a kind of day, axis seconds, int64[runs, 2].
    """

    def __init__(self, find: Callable[[str], Int64]) -> None:
        self._find = find
        self._known: dict[str, Int64] = {}
        self._met: dict[tuple[str, Edge, int], bool] = {}

    def meets(self, kind: str, edge: Edge, limits: EngineLimits) -> bool:
        """Whether a run is on the way in the time that an edge of a shift leaves for a commute."""
        asked = kind, edge, limits.max_total_s
        if asked not in self._met:
            if kind not in self._known:
                self._known[kind] = self._find(kind)
            start, end = self._known[kind].T
            low, high = edge.at_s, edge.at_s + limits.max_total_s
            if not edge.returning:
                low, high = edge.at_s - limits.max_total_s, edge.at_s
            self._met[asked] = bool(((start <= high) & (end >= low)).any())
        return self._met[asked]

    def hours(
        self, study: Study, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> tuple[int, ...]:
        """Return those of the hours tried of a day, for an edge, that some run meets."""
        return tuple(
            second
            for second in BEST_HOURS_S
            if self.meets(day.kind, at_hour(study, day, edge, second), limits)
        )


def run_spans(tt: Timetable, runs: Int64) -> Int64:
    """Return start and end of some runs, axis seconds, int64[runs, 2]."""
    first, last = tt.run_ptr[runs], tt.run_ptr[runs + 1] - 1
    # Arrivals may come late in these arrays, departures early.
    starts = np.minimum(tt.call_arr[first], tt.call_dep[first])
    ends = np.maximum(tt.call_arr[last], tt.call_dep[last])
    return np.stack([starts, ends], axis=1).astype(np.int64)


__all__ = ["Spans", "run_spans"]
