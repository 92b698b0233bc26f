"""What looks wrong in the rosters of the sites: long or overlapping shifts, no headcount."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from mobility.base.clock import DAY_S
from mobility.base.errors import Finding
from mobility.territory.project import WEEKDAYS, Roster, Shift, Site

_LONG_S = 12 * 3600
"""No shift is longer (Code du travail L3121-18 and -19: ten hours, twelve by agreement)."""
_HANDOVER_S = 30 * 60
_WEEK_S = 7 * DAY_S


def roster_findings(sites: Iterable[Site]) -> list[Finding]:
    """Return warnings about shifts over 12 h, shifts that overlap, and missing headcounts."""
    found: list[Finding] = []
    idle = []
    for site in sites:
        for roster in site.rosters:
            name = f"{site.name}, {roster.name}"
            found += _long(name, roster)
            found += _overlaps(name, roster)
            if not any(shift.headcount for shift in roster.shifts):
                idle.append(name)
    if idle:
        found.append(
            Finding(
                "warning",
                "no_headcount",
                "{count} rosters have no headcount: no job is counted there and nothing is ranked "
                "on them, unless shuttles.default_headcount is given",
                source="rosters",
                count=len(idle),
                examples=tuple(idle[:5]),
            )
        )
    return found


def _long(name: str, roster: Roster) -> Iterator[Finding]:
    for shift in roster.shifts:
        if shift.duration_s > _LONG_S:
            yield Finding(
                "warning",
                "long_shift",
                "{name}: the shift {shift} lasts {hours:g} h; check its start and end",
                source="rosters",
                params={
                    "name": name,
                    "shift": shift.label(),
                    "hours": round(shift.duration_s / 3600, 2),
                },
            )


def _overlaps(name: str, roster: Roster) -> Iterator[Finding]:
    for one, two in combinations(roster.shifts, 2):
        overlap_s = max(_overlap_s(a, b) for a in _spans(one) for b in _spans(two))
        if overlap_s > _HANDOVER_S:
            yield Finding(
                "warning",
                "overlapping_shifts",
                "{name}: the shifts {one} and {two} overlap by {minutes} min, yet one worker "
                "rotates through both; put them in two rosters, or correct their hours",
                source="rosters",
                params={
                    "name": name,
                    "one": one.label(),
                    "two": two.label(),
                    "minutes": overlap_s // 60,
                },
            )


def _spans(shift: Shift) -> list[tuple[int, int]]:
    """Return the second of the week at which a shift starts, and its duration, day by day."""
    return [(WEEKDAYS.index(day) * DAY_S + shift.start, shift.duration_s) for day in shift.days]


def _overlap_s(one: tuple[int, int], two: tuple[int, int]) -> int:
    """Return the seconds that two spans of a week share, below zero when none."""
    (start, duration), (other, length) = one, two
    return max(
        min(start + duration, other + turn + length) - max(start, other + turn)
        for turn in (-_WEEK_S, 0, _WEEK_S)
    )


__all__ = ["roster_findings"]
