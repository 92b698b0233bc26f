"""Recruitment: how many people of each group can hold each roster, now and after remedies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mobility.commute.access import Access
from mobility.commute.indicators import by_group
from mobility.remedies.search import Outcome, Workbench, access_after


def recruitment(now: Access, after: Mapping[str, Access]) -> pd.DataFrame:
    """Return, per site, roster and group, who can hold the roster now and after each remedy.

    Parameters
    ----------
    now
        The present.
    after
        Name of a remedy → the assessment with it.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``group``, ``total``, ``now``, then one column per remedy:
        persons who can hold the roster on every shift. Empty without groups.
    """
    frame = by_group(now)[["site", "roster", "group", "total", "reachable"]]
    frame = frame.rename(columns={"reachable": "now"})
    for name, access in after.items():
        frame[name] = by_group(access)["reachable"].to_numpy()
    return frame


def accesses_after(bench: Workbench, outcomes: Sequence[Outcome]) -> list[Access]:
    """Return the assessment with each lever pulled, one at a time."""
    return [access_after(bench, bench.try_unit((o.lever,), keep_times=True)[0]) for o in outcomes]
