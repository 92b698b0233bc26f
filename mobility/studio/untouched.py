"""What trips that are moved leave as it was: questions whose time window no changed run meets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.commute.untouched import Spans, run_spans
from mobility.territory.changes import TripChange

#: A trip is taken to run anywhere within so many seconds of its times, more if it moves further:
#: so all positions of a slider leave the same hours untouched.
_AROUND_S = 3600


class TripSpans(Spans):
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
        trips = [(np.flatnonzero(names.isin(c.trips)), _around_s(c)) for c in changes]

        def find(kind: str) -> NDArray[np.int64]:
            tt, found = study.timetables[kind].timetable, [np.zeros((0, 2), np.int64)]
            for mine, around in trips:
                calls = np.flatnonzero(np.isin(tt.call_trip, mine))
                runs = np.unique(np.searchsorted(tt.run_ptr, calls, side="right") - 1)
                found.append(run_spans(tt, runs) + np.array([-around, around], np.int64))
            return np.concatenate(found)

        super().__init__(find)

    @staticmethod
    def key(changes: Sequence[TripChange]) -> Hashable:
        """Return what tells changes whose runs are on the way at other times."""
        return tuple((tuple(c.trips), _around_s(c)) for c in changes)


def _around_s(change: TripChange) -> int:
    return max(_AROUND_S, 60 * abs(change.minutes))


__all__ = ["TripSpans"]
