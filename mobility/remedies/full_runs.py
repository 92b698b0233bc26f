"""Full runs of levers and moved hours, in which what they leave as it was is asked once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from mobility.base.arrays import Bool, Int64
from mobility.base.cache import content_hash
from mobility.commute.access import Access, assess
from mobility.commute.any_hour import Hours
from mobility.commute.study import Study, Timetables
from mobility.commute.untouched import HoursBeside, Spans, ask_beside, run_spans
from mobility.commute.variants import with_timetables
from mobility.engine.journeys import TwoWay
from mobility.remedies.family import Patch, patch
from mobility.remedies.model import DayNetwork, Lever, networks
from mobility.timetable.change import with_runs


def _patches(nets: dict[str, DayNetwork], levers: Sequence[Lever]) -> dict[str, Patch]:
    """Return what levers change, all together, on each kind of day."""
    return {kind: patch(nets, kind, levers) for kind in nets}


def _patched(study: Study, changes: Mapping[str, Patch], *, name: str = "") -> Study:
    """Return the study with patches applied, see `what_if`."""

    def make(kind: str) -> TwoWay:
        two_way, change = study.timetables[kind], changes[kind]
        if not change.removed.size and not change.added.run_day.size:
            return two_way
        gone = change.removed.tolist()
        return TwoWay(with_runs(two_way.timetable, added=change.added, removed=gone))

    timetables = Timetables({kind: partial(make, kind) for kind in changes})
    return with_timetables(study, timetables, scenario=name)


def what_if(study: Study, levers: Sequence[Lever], *, name: str = "") -> Study:
    """Return the study with levers pulled, to be assessed like any other.

    Parameters
    ----------
    study
        From `with_gate_stops` when a lever is an extension.
    levers
        Levers on different trips.
    name
        Name of the scenario.
    """
    return _patched(study, _patches(networks(study), levers), name=name)


class FullRuns:
    """Assessments of a study with its timetable, or its hours, changed.

    Parameters
    ----------
    study
        As it is, with the stops that levers need.
    nets
        Its timetables.
    content
        Hash of all that its results follow from but its sites, empty where nobody knows: what is
        found is kept by it, as that of other studies is (`Study.content`).
    """

    def __init__(self, study: Study, nets: dict[str, DayNetwork], content: str = "") -> None:
        self._study, self._nets, self._content = study, nets, content
        self._rest: dict[object, Bool] = {}

    def access(self, levers: Sequence[Lever], hours: Study | None = None) -> tuple[Access, Hours]:
        """Return the assessment with levers pulled, and its best hours to be asked.

        Parameters
        ----------
        hours
            The study with hours of shifts moved, see `shift_hours.with_hours`.
        """
        changes = _patches(self._nets, levers)
        spans = Spans(lambda kind: _spans_of(self._nets, changes, kind))
        after = _patched(self._study if hours is None else hours, changes)
        if self._content:
            parts = [(kind, one.removed, tuple(one.added)) for kind, one in changes.items()]
            object.__setattr__(after, "content", content_hash([self._content, *parts]))
        ask_beside(after, self._study, spans)
        return assess(after), HoursBeside(self._study, spans, self._rest)


def _spans_of(nets: Mapping[str, DayNetwork], changes: Mapping[str, Patch], kind: str) -> Int64:
    """Return when runs taken out, or put in, are on the way on a kind of day, int64[runs, 2]."""
    one = changes[kind]
    count = one.added.run_ptr.size - 1
    return np.concatenate(
        [run_spans(nets[kind].timetable, one.removed), run_spans(one.added, np.arange(count))]
    )
