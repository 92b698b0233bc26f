"""A remedy: something that can be done, its figures, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mobility.base.i18n import number, signed, translate
from mobility.commute.access import Access
from mobility.commute.indicators import round_persons
from mobility.commute.study import Study
from mobility.remedies.bill import Bill, total
from mobility.remedies.model import Lever
from mobility.territory.rosters import roster_label, shift_label

#: Shifts named in one sentence; the others are counted.
_NAMED_SHIFTS = 2
#: Kinds that live on people taking them up: they gain no more jobs than they have users.
TAKEN_UP = ("carpool", "cycling", "cycle_track")
#: Fewest users for whom something that people take up, or book, is built or organised.
LEAST_WORKERS = 5


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
    """Homes that a remedy takes to every shift of a site.

    Attributes
    ----------
    share
        Of their jobs, those that it gains: whoever takes it up, or all where it serves anyone.
    uptake
        Users for each job gained.
    """

    site: int
    homes: NDArray[np.bool_]
    share: float = 1.0
    uptake: float = 1.0


@dataclass(frozen=True)
class Remedy:
    """Something that can be done, with its figures.

    Attributes
    ----------
    kind
        Kind of lever: those of `remedies.model`, ``pair``, ``shift_hours``, ``carpool``,
        ``cycling``, ``cycle_track``, ``on_demand``, ``feeder``, ``shuttle``.
    action
        English template of what to do, key of the French catalogue.
    params
        Its fields; texts among ``words`` are translated too.
    workers, lost
        Inhabitants who gain, and lose, the commute of some shift.
    eur_year
        Cost a year, what ``bill`` is the sum of.
    jobs, jobs_lost
        Jobs whose holder's home begins, and ceases, to hold the whole roster.
    rosters
        Site and roster of those that some job gains.
    users
        Of the jobs gained, those whose holders are expected to use it.
    uptake
        Low and high end of ``users``, over themselves.
    inhabitants
        Inhabitants who could hold no roster and now hold one; None where not computed.
    co2_saved_kg
        Kilograms of CO2e a year that it saves, negative where it emits more; None where not
        computed.
    refused
        Why it is not advised whatever its rank, an English text; empty where nothing speaks
        against it.
    feasible
        Whether the present vehicles can do it.
    also
        A second change of the timetable without which the first gains nobody.
    lever, rescued, hours, scenario
        What it changes: a lever of the timetable; homes that it takes to a site; the
        rosters, by site and name, whose hours slide by so many minutes; or what assesses the
        territory with it, such as one with shuttles.
    feed
        What adds its lines to a study.
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
    sites: tuple[str, ...] = ()
    jobs: float = 0.0
    jobs_lost: float = 0.0
    rosters: tuple[tuple[str, str], ...] = ()
    users: float = 0.0
    uptake: tuple[float, float] = (1.0, 1.0)
    inhabitants: float | None = None
    bill: Bill = ()
    co2_saved_kg: float | None = None
    refused: str = ""
    also: tuple[Remedy, ...] = ()
    lever: Lever | None = field(default=None, compare=False)
    rescued: tuple[Rescued, ...] = field(default=(), compare=False)
    hours: tuple[tuple[tuple[int, str], ...], int] | None = field(default=None, compare=False)
    scenario: Callable[[], Access] | None = field(default=None, compare=False)
    feed: Callable[[Study], Study] | None = field(default=None, compare=False)
    lines: tuple[BaseGeometry, ...] = field(default=(), compare=False)

    @property
    def levers(self) -> tuple[Lever, ...]:
        """Its changes of the timetable."""
        mine = () if self.lever is None else (self.lever,)
        return mine + tuple(lever for one in self.also for lever in one.levers)

    @property
    def net(self) -> float:
        """Workers gained less workers lost."""
        return self.workers - self.lost

    @property
    def net_jobs(self) -> float:
        """Jobs gained less jobs lost."""
        return self.jobs - self.jobs_lost

    @property
    def eur_per_job(self) -> float:
        """Cost a year per job gained, net of those lost; infinite where none is."""
        return self.eur_year / self.net_jobs if self.net_jobs > 0 else float("inf")

    def eur_at(self, end: str = "year", uptake: float = 1.0) -> float:
        """Return the cost at one end of the prices, and of what people take up."""
        lines = [line.times(uptake) if line.by_user else line for line in self.bill]
        return total(lines, end) if self.bill else self.eur_year

    @property
    def per_job(self) -> tuple[float, float]:
        """EUR a year per job, with prices and uptake at their best and at their worst."""
        if not self.net_jobs > 0:
            return float("inf"), float("inf")
        found = [
            self.eur_at(end, part) / (self.net_jobs * (part if self.kind in TAKEN_UP else 1.0))
            for end in ("low", "high")
            for part in self.uptake
            if part > 0
        ]
        return min(found), max(found)

    @property
    def eur_per_user(self) -> float:
        """Cost a year per user expected; infinite where none is."""
        return self.eur_year / self.users if self.users > 0 else float("inf")

    @property
    def site_names(self) -> tuple[str, ...]:
        """The sites that it serves."""
        served = {e.site for e in self.effects if round_persons(e.gained) > 0}
        return self.sites or tuple(sorted(served))

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
        own = translate(self.action, language, **known)
        others = [one.head(language) for one in self.also]
        return translate("; ", language).join([own, *(t[:1].lower() + t[1:] for t in others)])

    def sentence(self, language: str) -> str:
        """Return what to do and what comes of it, in ``language`` (``fr`` or ``en``)."""
        parts = list(self._gains(language))
        if round_persons(self.lost) > 0:
            # Inhabitants, beside the jobs of the gains: 72 of 96,000 are a tenth of a job.
            lost, text = int(round_persons(self.lost)), count_text(self.lost, language)
            template = "{workers} workers of the labour pool lose a commute they had"
            parts.append(translate(template, language, count=lost, workers=text))
        if not self.feasible:
            parts.append(
                translate(
                    "the vehicle lacks {minutes} min", language, minutes=f"{self.conflict_min:.0f}"
                )
            )
        if self.co2_saved_kg is not None and self.co2_saved_kg < 0:
            tonnes = number(-self.co2_saved_kg / 1000, language, 1)
            parts.append(
                translate("it emits {tonnes} t of CO2e more than it saves", language, tonnes=tonnes)
            )
        parts.append(self._price(language))
        effects = translate("; ", language).join(parts)
        return f"{self.head(language)}{translate(': ', language)}{effects}."

    def _gains(self, language: str) -> Iterable[str]:
        """Yield who gains: whole rosters, else the shifts without one."""
        if round_persons(self.jobs) > 0:
            yield _jobs_text("gain", self.jobs, language)
        else:
            yield translate("no whole roster is gained", language)
            yield from _effect_texts(self.effects, self.workers, language)
        if round_persons(self.jobs_lost) > 0:
            yield _jobs_text("lose", self.jobs_lost, language)
        if self.rosters:
            named = [f"{roster_label(roster, language)} ({site})" for site, roster in self.rosters]
            yield translate("rosters: {rosters}", language, rosters=", ".join(named))

    def _price(self, language: str) -> str:
        """Return the cost, and what it comes to for each job gained."""
        eur = number(self.eur_year, language)
        if round_persons(self.net_jobs) < 1:
            return translate("about {eur} EUR a year", language, eur=eur)
        each = number(self.eur_per_job, language)
        return translate("about {eur} EUR a year, {each} EUR a job", language, eur=eur, each=each)


def _jobs_text(what: str, jobs: float, language: str) -> str:
    one = float(round_persons(jobs)) == 1
    template = {
        ("gain", True): "1 job gains its whole roster",
        ("gain", False): "{jobs} jobs gain their whole roster",
        ("lose", True): "1 job loses its own",
        ("lose", False): "{jobs} jobs lose theirs",
    }[what, one]
    return translate(template, language, jobs=count_text(jobs, language))


def alternatives(remedies: Sequence[Remedy]) -> list[tuple[int, int]]:
    """Return pairs (earlier, later) of remedies that change the same departures or hours."""
    first: dict[object, int] = {}
    found = []
    for k, remedy in enumerate(remedies):
        changed: tuple[object, ...] = tuple(t for lever in remedy.levers for t in lever.trips)
        changed += remedy.hours[0] if remedy.hours else ()
        taken = {first[one] for one in changed if one in first}
        if taken:
            found.append((min(taken), k))
        for one in changed:
            first.setdefault(one, k)
    return found


def whole_plans(remedies: Sequence[Remedy]) -> dict[str, int]:
    """Return the place of the remedy that runs each shuttle plan whole, by the plan's name.

    The feeders, or the direct lines, of a plan alone are remedies too, of fewer lines.
    """
    found: dict[str, int] = {}
    for k, remedy in enumerate(remedies):
        name = str(remedy.params.get("plan", ""))
        best = found.get(name)
        if name and (best is None or _lines(remedies[best]) < _lines(remedy)):
            found[name] = k
    return found


def _lines(remedy: Remedy) -> int:
    return int(str(remedy.params["lines"]))


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
            "{workers} workers gain a commute", language, workers=count_text(workers, language)
        )
        return
    for effect in gains[:_NAMED_SHIFTS]:
        yield translate(
            "{workers} more workers can hold the shift {shift} of {site}",
            language,
            workers=signed(float(round_persons(effect.gained)), language),
            shift=shift_label(effect.shift, language),
            site=effect.site,
        )
    if len(gains) > _NAMED_SHIFTS:
        more = len(gains) - _NAMED_SHIFTS
        text = "1 other shift gains too" if more == 1 else "{count} other shifts gain too"
        yield translate(text, language, count=more)
