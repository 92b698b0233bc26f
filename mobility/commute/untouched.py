"""What more runs, or others, leave as it was: questions whose time window none of them meets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Beside, Study
from mobility.commute.white_zones import BEST_HOURS_S, Bool, Hours, Moved, at_hour, held_some_hour
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


class HoursWithMore(Hours):
    """Best hours of a study with more runs: who could go can still, others by hours they meet.

    Parameters
    ----------
    base, known
        The study without them, and its best hours, completed here.
    spans
        When they are on the way.
    """

    def __init__(self, base: Study, known: Hours, spans: Spans) -> None:
        super().__init__()
        self._base, self._before, self._spans = base, known, spans

    def ask(
        self, study: Study, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> Bool:
        """Return who can go, or return, at some hour."""
        if moved not in self._before:
            self._before[moved] = self._before.ask(self._base, moved, day, edge, limits)
        met = self._spans.hours(study, day, edge, limits)
        return self._before[moved] | held_some_hour(study, moved, day, edge, limits, met)


def beside(base: Study, more: Study, known: Hours) -> HoursWithMore:
    """Tell a study what it shares with the one of which it is a variant with a feed more.

    Parameters
    ----------
    known
        Best hours of ``base``, completed when those of ``more`` are asked for.

    Returns
    -------
    HoursWithMore
        Best hours of ``more``.
    """
    n_trips, timetables = len(base.feed.trips), more.timetables

    def added(kind: str) -> Int64:
        tt = timetables[kind].timetable
        return run_spans(tt, np.flatnonzero(tt.call_trip[tt.run_ptr[:-1]] >= n_trips))

    spans = Spans(added)
    if base.views.held is None:
        base.views.held = {}
    more.views.beside = Beside(base, spans.meets)
    return HoursWithMore(base, known, spans)


__all__ = ["HoursWithMore", "Spans", "beside", "run_spans"]
