"""Sites whose rides are asked together are told what each is told alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from light_plans import write_cut

from mobility.commute import asked_together, door_to_door
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.engine import batches


def test_sites_asked_together_are_told_what_each_is_alone(monkeypatch, tmp_path) -> None:
    study = replace(load(write_cut(tmp_path, "school_weekday", "sunday")))
    assert not study.content  # nothing is read from, or kept in, the cache
    sizes, alone = [], []
    together, one_by_one = asked_together.travel_together, door_to_door.ride

    def counted(two_way, questions, *rest):
        sizes.append(len(questions))
        return together(two_way, questions, *rest)

    def held(*asked):
        alone.append(asked)
        return one_by_one(*asked)

    monkeypatch.setattr(asked_together, "travel_together", counted)
    monkeypatch.setattr(door_to_door, "ride", held)
    expected, usual = assess(study), len(alone)
    assert not sizes
    for module in (asked_together, batches):
        monkeypatch.setattr(module, "FEWEST", 1)
    found = assess(study)
    assert max(sizes) > 1
    assert usual > 0
    assert len(alone) == usual  # all of them were known
    assert study.views.ahead is None
    for name in ("outbound_s", "return_s", "overtime_s"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
        assert getattr(found, name).dtype == getattr(expected, name).dtype
