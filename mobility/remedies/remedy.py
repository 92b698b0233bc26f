"""A remedy: something that can be done, its figures, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mobility.base.i18n import number, translate
from mobility.commute.access import Access
from mobility.commute.indicators import round_persons
from mobility.remedies.model import Lever

#: Shifts named in one sentence; the others are counted.
NAMED_SHIFTS = 2


@dataclass(frozen=True)
class Effect:
    """Workers who gain, or lose, the commute of one shift."""

    site: str
    roster: str
    shift: str
    gained: float
    lost: float


@dataclass(frozen=True, eq=False)
class Rescued:
    """Homes that a remedy takes to every shift of a site, without a change of timetable."""

    site: int
    homes: NDArray[np.bool_]


@dataclass(frozen=True)
class Remedy:
    """Something that can be done, with its figures.

    Attributes
    ----------
    kind
        Kind of lever: those of `levers_model`, ``shift_hours``, ``carpool``, ``cycling``,
        ``cycle_track``, ``feeder``, ``shuttle``.
    action
        English template of what to do, key of the French catalogue.
    params
        Its fields; texts among ``words`` are translated too.
    workers, lost
        Workers who gain, and lose, a commute.
    rosters
        Workers for whom a whole roster begins to hold; None where that is not known.
    eur_year
        Cost a year.
    feasible
        Whether the present vehicles can do it.
    lever, rescued, hours, scenario
        What it changes: a lever of the timetable; homes that it takes to a site; the
        rosters, by site and name, whose hours slide by so many minutes; or what assesses the
        territory with it, such as one with shuttles.
    sites
        Names of the sites that it serves, where ``effects`` do not tell them.
    lines
        What is built, in the streets' coordinates.
    """

    kind: str
    action: str
    params: dict[str, object]
    workers: float
    lost: float
    eur_year: float
    effects: tuple[Effect, ...] = ()
    feasible: bool = True
    conflict_min: float = 0.0
    words: tuple[str, ...] = ()
    lever: Lever | None = field(default=None, compare=False)
    rescued: tuple[Rescued, ...] = field(default=(), compare=False)
    hours: tuple[tuple[tuple[int, str], ...], int] | None = field(default=None, compare=False)
    scenario: Callable[[], Access] | None = field(default=None, compare=False)
    sites: tuple[str, ...] = ()
    lines: tuple[BaseGeometry, ...] = field(default=(), compare=False)
    rosters: float | None = None

    @property
    def net(self) -> float:
        """Workers gained less workers lost."""
        return self.workers - self.lost

    @property
    def eur_per_worker(self) -> float:
        """Cost a year per worker gained, net of those lost; infinite where none is."""
        return self.eur_year / self.net if self.net > 0 else float("inf")

    def head(self, language: str) -> str:
        """Return what to do, in ``language``, without its effects."""
        known = {
            name: translate(str(value), language)
            if name in self.words
            else number(value, language)
            if isinstance(value, int)
            else value
            for name, value in self.params.items()
        }
        return translate(self.action, language, **known)

    def sentence(self, language: str) -> str:
        """Return what to do and what comes of it, in ``language`` (``fr`` or ``en``)."""
        parts = list(_effect_texts(self.effects, self.workers, language))
        if self.rosters and round_persons(self.rosters) > 0:
            parts.append(
                translate(
                    "{workers} can then hold a whole roster",
                    language,
                    workers=count_text(self.rosters, language),
                )
            )
        if round_persons(self.lost) > 0:
            parts.append(
                translate(
                    "{workers} lose a commute they had",
                    language,
                    workers=count_text(self.lost, language),
                )
            )
        if not self.feasible:
            parts.append(
                translate(
                    "the vehicle lacks {minutes} min",
                    language,
                    minutes=f"{self.conflict_min:.0f}",
                )
            )
        parts.append(
            translate(
                "about {eur} EUR a year", language, eur=number(round(self.eur_year, -2), language)
            )
        )
        effects = translate("; ", language).join(parts)
        return f"{self.head(language)}{translate(': ', language)}{effects}."


def alternatives(remedies: Sequence[Remedy]) -> list[tuple[int, int]]:
    """Return pairs (earlier, later) of remedies that change the same departures."""
    first: dict[int, int] = {}
    found = []
    for k, remedy in enumerate(remedies):
        trips = remedy.lever.trips if remedy.lever else ()
        taken = {first[trip] for trip in trips if trip in first}
        if taken:
            found.append((min(taken), k))
        for trip in trips:
            first.setdefault(trip, k)
    return found


def count_text(value: float, language: str) -> str:
    """Return a number of persons."""
    return number(float(round_persons(value)), language)


def _effect_texts(effects: Sequence[Effect], workers: float, language: str) -> Iterable[str]:
    # Rosters of one site may share a shift: it is named once.
    best: dict[tuple[str, str], Effect] = {}
    for effect in effects:
        known = best.setdefault((effect.site, effect.shift), effect)
        if effect.gained > known.gained:
            best[effect.site, effect.shift] = effect
    gains = [e for e in best.values() if round_persons(e.gained) > 0]
    gains.sort(key=lambda e: (-e.gained, e.site, e.shift))
    if not gains:
        yield translate(
            "{workers} workers gain a commute",
            language,
            workers=count_text(workers, language),
        )
        return
    for effect in gains[:NAMED_SHIFTS]:
        yield translate(
            "{workers} more workers can hold the shift {shift} of {site}",
            language,
            workers="+" + count_text(effect.gained, language),
            shift=effect.shift,
            site=effect.site,
        )
    if len(gains) > NAMED_SHIFTS:
        more = len(gains) - NAMED_SHIFTS
        text = "1 other shift gains too" if more == 1 else "{count} other shifts gain too"
        yield translate(text, language, count=more)
