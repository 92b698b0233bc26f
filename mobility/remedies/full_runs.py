"""Full runs of levers and moved hours, in which what they leave as it was is asked once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mobility.commute.access import Access, assess
from mobility.commute.study import Study
from mobility.commute.untouched import HoursBeside, Spans, ask_beside, run_spans
from mobility.commute.white_zones import Bool, Hours
from mobility.remedies.model import DayNetwork, Lever
from mobility.remedies.patch import Patch, patched, patches
from mobility.timetable.arrays import Int64


class FullRuns:
    """Assessments of a study with its timetable, or its hours, changed.

    Parameters
    ----------
    study
        As it is, with the stops that levers need.
    nets
        Its timetables.
    """

    def __init__(self, study: Study, nets: dict[str, DayNetwork]) -> None:
        self._study, self._nets = study, nets
        self._rest: dict[object, Bool] = {}

    def access(self, levers: Sequence[Lever], hours: Study | None = None) -> tuple[Access, Hours]:
        """Return the assessment with levers pulled, and its best hours to be asked.

        Parameters
        ----------
        hours
            The study with hours of shifts moved, see `shift_hours.with_hours`.
        """
        changes = patches(self._nets, levers)
        spans = Spans(lambda kind: _spans_of(self._nets, changes, kind))
        after = patched(self._study if hours is None else hours, changes)
        ask_beside(after, self._study, spans)
        return assess(after), HoursBeside(self._study, spans, self._rest)


def _spans_of(nets: Mapping[str, DayNetwork], changes: Mapping[str, Patch], kind: str) -> Int64:
    """Return when runs taken out, or put in, are on the way on a kind of day, int64[runs, 2]."""
    one = changes[kind]
    count = one.added.run_ptr.size - 1
    return np.concatenate([
        run_spans(nets[kind].timetable, one.removed), run_spans(one.added, np.arange(count)),
    ])  # fmt: skip


__all__ = ["FullRuns"]
