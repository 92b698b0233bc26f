"""Who could go, or return, at some other hour of the day, all else being as at the shift's own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from mobility.base.arrays import Bool
from mobility.base.cache import content_hash
from mobility.base.clock import local_to_axis
from mobility.base.machine import spread
from mobility.commute.door_to_door import dark_at_gate, ever_held
from mobility.commute.night import dark_share, daylight_of
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import after_dark, by_day, open_at, open_hours, staying_open, variant
from mobility.engine.journeys import Edge, EngineLimits
from mobility.sources.days import ChosenDay
from mobility.streets.graph import State

#: "The best hour of the same day" is looked for at each of these clock times.
BEST_HOURS_S = tuple(range(4 * 3600, 24 * 3600, 1800))


@dataclass(frozen=True)
class Moved:
    """One direction of a site's commutes asked at every hour, in some light and open streets.

    Attributes
    ----------
    dark
        Whether it is dark at the gate, and the territory minds.
    light_of
        The edge of the shift in whose light the homes are, where the sun rises or sets on the
        way; None where it is as at the gate.
    """

    site: int
    day_kind: str
    returning: bool
    dark: bool
    light_of: Edge | None
    hours: State


class Hours(dict[Moved, Bool]):
    """Who can go, or return, at some hour of the day."""

    def ask(
        self, study: Study, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> Bool:
        """Return it of one direction that is not known yet."""
        return held_some_hour(study, moved, day, edge, limits, BEST_HOURS_S)

    def walked(self, study: Study) -> Study | None:
        """Return the study whose walks tell which directions are alike, if it is made anyway."""
        return None if study.views.made_from else study


def at_hour(study: Study, day: ChosenDay, edge: Edge, second: int) -> Edge:
    """Return an edge of a shift at another second since local midnight."""
    return replace(edge, at_s=local_to_axis(day.date, second, study.territory.zone))


def held_some_hour(
    study: Study,
    moved: Moved,
    day: ChosenDay,
    edge: Edge,
    limits: EngineLimits,
    seconds: Sequence[int],
) -> Bool:
    """Return which homes hold an edge at one or the other of some seconds of the day, bool[H].

    Only the hour of the ride is relaxed: light, and streets and gates that open at some hours
    only, stay as they are at the shift's own.
    """
    others = [at_hour(study, day, edge, second) for second in seconds]
    return ever_held(as_open(study, moved, day, edge), moved.site, day, others, limits)


def as_open(study: Study, moved: Moved, day: ChosenDay, edge: Edge) -> Study:
    """Return the study in the light, and as open as it is, at an edge, at whatever hour."""
    here = staying_open(study, day, edge)
    if moved.light_of is not None:
        return variant(here, lambda one: replace(one, light_of=moved.light_of))
    return by_day(after_dark(here) if moved.dark else here)


def moved_edges(study: Study, shift_id: int, day: ChosenDay) -> tuple[Moved, Moved]:
    """Return what is asked at every hour for the two edges of a shift."""
    site = study.shift_rows[shift_id].site
    out, back = (
        Moved(
            site,
            day.kind,
            edge.returning,
            dark_at_gate(study, day, edge),
            edge if _light_changes(study, day, edge) else None,
            open_hours(study, day, edge),
        )
        for edge in study.edges(shift_id, day)
    )
    return out, back


def _light_changes(study: Study, day: ChosenDay, edge: Edge) -> bool:
    """Whether the sun rises or sets within the longest commute to, or from, an edge."""
    limits = study.territory.limits
    if not limits.safe_at_night:
        return False
    longest_s = max(engine_limits(limits).max_total_s, edge.margin_s)
    first_s = edge.at_s if edge.returning else edge.at_s - longest_s
    span = np.array([first_s]), np.array([first_s + longest_s + 1])
    return bool(0 < dark_share(daylight_of(study, day), *span)[0] < 1)


def held_at_some_hour(
    study: Study, pairs: list[tuple[int, ChosenDay]], pool: ThreadPoolExecutor, known: Hours
) -> Hours:
    """Return who can go, and return, at some hour of the day; what is known stands."""
    asked: dict[Moved, tuple[ChosenDay, Edge]] = {}
    for shift_id, day in pairs:
        edges = study.edges(shift_id, day)
        asked |= {
            m: (day, e) for m, e in zip(moved_edges(study, shift_id, day), edges, strict=True)
        }
    asked = {moved: at for moved, at in asked.items() if moved not in known}
    if study.feed.stops.empty:
        known.update(dict.fromkeys(asked, np.zeros(study.n_homes, bool)))
        return known
    limits = engine_limits(study.territory.limits)
    alike = _alike(known.walked(study), asked)
    first = [*dict.fromkeys(alike.values())]
    found = spread(pool, lambda moved: known.ask(study, moved, *asked[moved], limits), first)
    known.update(zip(first, found, strict=True))
    known.update({moved: known[one] for moved, one in alike.items()})
    return known


def _alike(study: Study | None, asked: dict[Moved, tuple[ChosenDay, Edge]]) -> dict[Moved, Moved]:
    """Return for each of some directions the first at whose hour all is walked as at its own."""
    if study is None or study.territory.limits.safe_at_night:
        return {moved: moved for moved in asked}
    known: dict[tuple[object, ...], tuple[Moved, Study]] = {}
    found = {}
    for moved, (day, edge) in asked.items():
        here = open_at(study, day, edge)
        direct = here.street_times["walk"][int(moved.returning)]
        tables = (
            here.home_walks.content,
            content_hash((here.egress_s[moved.site], direct[moved.site])),
        )
        rides = here.timetables[moved.day_kind]
        key = moved.site, moved.day_kind, moved.returning, id(rides), tables
        # The study, which holds the timetable, keeps its number from being another's.
        found[moved] = known.setdefault(key, (moved, here))[0]
    return found
