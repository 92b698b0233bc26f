"""Recommendations as steps that the studio tries, where a scenario can hold them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mobility.base.clock import DAY_S, format_clock
from mobility.base.i18n import LANGUAGES
from mobility.commute.study import Study
from mobility.remedies.remedy import Remedy

#: Levers of the timetable that a scenario knows, and how it calls them.
_HOW = {"move_trip": "move", "move_line": "move", "add_run": "add"}


def lever_changes(study: Study, remedies: Sequence[Remedy]) -> str:
    """Return the recommendations as JSON, in their order.

    Each holds ``head`` and ``told`` in both languages, ``jobs`` (gained, net), ``eur_year`` and
    ``steps``: moved hours and trips, or none where a scenario cannot hold what is advised.
    """
    rows = [
        {
            "kind": remedy.kind,
            "head": {code: remedy.head(code) for code in LANGUAGES},
            "told": {code: remedy.sentence(code) for code in LANGUAGES},
            "jobs": round(remedy.net_jobs, 3),
            "eur_year": round(remedy.eur_year, 2),
            "steps": list(_steps(study, remedy)) if _is_held(remedy) else [],
        }
        for remedy in remedies
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def _is_held(remedy: Remedy) -> bool:
    """Whether a scenario can hold all that a recommendation changes."""
    parts = (remedy, *remedy.also)
    if any(part.rescued or part.feed is not None for part in parts):
        return False
    return all(lever.kind in _HOW and lever.shift_s % 60 == 0 for lever in remedy.levers)


def _steps(study: Study, remedy: Remedy) -> Iterator[dict[str, Any]]:
    ids = study.feed.trips["trip_id"]
    for lever in remedy.levers:
        yield {
            "do": "trips",
            "trips": [str(ids.iloc[trip]) for trip in lever.trips],
            "how": _HOW[lever.kind],
            "minutes": lever.shift_s // 60,
        }
    for part in (remedy, *remedy.also):
        rosters, minutes = part.hours or ((), 0)
        for row in study.shift_rows:
            if (row.site, row.roster) in rosters:
                start, end = ((s + 60 * minutes) % DAY_S for s in (row.start_s, row.end_s))
                yield {
                    "do": "shift",
                    "site": row.site_name,
                    "roster": row.roster,
                    "shift": row.shift,
                    "start": format_clock(start),
                    "end": format_clock(end),
                }


__all__ = ["lever_changes"]
