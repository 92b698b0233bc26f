"""What trips that are moved leave as it was: questions whose time window no changed run meets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from mobility.commute.study import Study
from mobility.commute.white_zones import (
    BEST_HOURS_S,
    Bool,
    Hours,
    Moved,
    at_hour,
    held_some_hour,
)  # fmt: skip
from mobility.engine.journeys import Edge, EngineLimits
from mobility.sources.days import ChosenDay
from mobility.territory.changes import TripChange

#: A trip is taken to run anywhere within so many seconds of its times, more if it moves further:
#: so all positions of a slider leave the same hours untouched.
AROUND_S = 3600


class Spans:
    """When the runs of changed trips are on the way, before the change or after it.

    Parameters
    ----------
    study
        The study without the changes.
    changes
        Its trips moved, added or taken out.
    """

    def __init__(self, study: Study, changes: Sequence[TripChange]) -> None:
        names = study.feed.trips["trip_id"].astype(str)
        self._study = study
        self._trips = [
            (np.flatnonzero(names.isin(c.trips)), max(AROUND_S, 60 * abs(c.minutes)))
            for c in changes
        ]
        self._known: dict[str, list[tuple[int, int]]] = {}
        self._met: dict[tuple[str, Edge, int], bool] = {}

    @staticmethod
    def key(changes: Sequence[TripChange]) -> Hashable:
        """Return what tells changes whose runs are on the way at other times."""
        return tuple((tuple(c.trips), max(AROUND_S, 60 * abs(c.minutes))) for c in changes)

    def of(self, kind: str) -> list[tuple[int, int]]:
        """Return start and end of each run on a kind of day, axis seconds."""
        if kind not in self._known:
            tt, found = self._study.timetables[kind].timetable, []
            for trips, around in self._trips:
                calls = np.flatnonzero(np.isin(tt.call_trip, trips))
                runs = np.unique(np.searchsorted(tt.run_ptr, calls, side="right") - 1)
                for first, last in zip(tt.run_ptr[runs], tt.run_ptr[runs + 1] - 1, strict=True):
                    # Arrivals may come late in these arrays, departures early.
                    times = [int(tt.call_arr[first]), int(tt.call_dep[first])]
                    ends = [int(tt.call_arr[last]), int(tt.call_dep[last])]
                    found.append((min(times) - around, max(ends) + around))
            self._known[kind] = found
        return self._known[kind]

    def meets(self, kind: str, edge: Edge, limits: EngineLimits) -> bool:
        """Whether a run is on the way in the time that an edge of a shift leaves for a commute."""
        asked = kind, edge, limits.max_total_s
        if asked not in self._met:
            low, high = edge.at_s, edge.at_s + limits.max_total_s
            if not edge.returning:
                low, high = edge.at_s - limits.max_total_s, edge.at_s
            self._met[asked] = any(start <= high and end >= low for start, end in self.of(kind))
        return self._met[asked]


class HoursBeside(Hours):
    """Best hours of a study whose trips are moved: hours that no changed run meets stand.

    Parameters
    ----------
    base, spans
        The study without the changes, and when they are on the way.
    rest
        What was found of the hours that stand, completed here.
    """

    def __init__(self, base: Study, spans: Spans, rest: dict[object, Bool]) -> None:
        super().__init__()
        self._base, self._spans, self._rest = base, spans, rest

    def ask(
        self, study: Study, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> Bool:
        """Return who can go, or return, at some hour."""
        met = [
            second
            for second in BEST_HOURS_S
            if self._spans.meets(day.kind, at_hour(study, day, edge, second), limits)
        ]
        rest = tuple(second for second in BEST_HOURS_S if second not in met)
        if (moved, rest) not in self._rest:
            self._rest[moved, rest] = held_some_hour(self._base, moved, day, edge, limits, rest)
        return self._rest[moved, rest] | held_some_hour(study, moved, day, edge, limits, met)


__all__ = ["HoursBeside", "Spans"]
