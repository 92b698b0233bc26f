"""What more runs, or others, leave as it was: questions whose time window none of them meets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mobility.base.arrays import Bool, Int64
from mobility.commute.any_hour import BEST_HOURS_S, Hours, Moved, as_open, at_hour, held_some_hour
from mobility.commute.door_to_door import ever_held
from mobility.commute.study import Study
from mobility.engine.journeys import Edge, EngineLimits
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import RunArrays, Timetable


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


def run_spans(tt: Timetable | RunArrays, runs: Int64) -> Int64:
    """Return start and end of some runs, axis seconds, int64[runs, 2]."""
    first, last = tt.run_ptr[runs], tt.run_ptr[runs + 1] - 1
    # Arrivals may come late in these arrays, departures early.
    starts = np.minimum(tt.call_arr[first], tt.call_dep[first])
    ends = np.maximum(tt.call_arr[last], tt.call_dep[last])
    return np.stack([starts, ends], axis=1).astype(np.int64)


class HoursBeside(Hours):
    """Best hours of a study whose runs are changed: hours that no changed run meets stand.

    Parameters
    ----------
    base, spans
        The study without the changes, and when they are on the way.
    rest
        What was found of the hours that stand, one by one, completed here.
    """

    def __init__(self, base: Study, spans: Spans, rest: dict[object, Bool]) -> None:
        super().__init__()
        self._base, self._spans, self._rest = base, spans, rest

    def ask(
        self, study: Study, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> Bool:
        """Return who can go, or return, at some hour."""
        met = self._spans.hours(study, day, edge, limits)
        found, here = held_some_hour(study, moved, day, edge, limits, met), None
        for second in BEST_HOURS_S:
            if second in met:
                continue
            if (moved, second) not in self._rest:
                here = here or as_open(self._base, moved, day, edge)
                asked = [at_hour(self._base, day, edge, second)]
                self._rest[moved, second] = ever_held(here, moved.site, day, asked, limits)
            found |= self._rest[moved, second]
        return found


def ask_beside(changed: Study, base: Study, spans: Spans) -> None:
    """Have a study with other runs ask another for what they leave as it was.

    Parameters
    ----------
    changed
        A variant of ``base`` with the same stops, streets and homes.
    base
        The study without the changes; what is found of it is kept there.
    spans
        When the runs that differ are on the way.
    """
    for views in (base.views, changed.views):
        views.held = {} if views.held is None else views.held
        views.elapsed_s = {} if views.elapsed_s is None else views.elapsed_s

    def answering(
        site: int, day: ChosenDay, edge: Edge, limits: EngineLimits, among: Bool | None
    ) -> Study:
        del site, among
        return changed if spans.meets(day.kind, edge, limits) else base

    changed.views.stand_in, changed.views.on_streets = answering, base
