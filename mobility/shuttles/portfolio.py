"""One frontier over all remedies: for each budget, the set of them that gains most jobs.

Remedies are never summed: a set is evaluated together, the timetable's changes by the engine, the
shuttles as one more feed, moved hours as other shift edges, and what people take up (car-pooling,
cycling, on-demand) by those whom the rest leaves white. Up to `EXACT` remedies every set is tried;
above, sets grow by jobs per euro under many budgets, and each point bears a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mobility.base.machine import trim_memory
from mobility.commute.access import Access, assess
from mobility.commute.ledger import Ledger, capture_band, capture_rate
from mobility.commute.study import Study
from mobility.remedies.bill import CostLine, total
from mobility.remedies.full_runs import what_if
from mobility.remedies.model import Lever, networks
from mobility.remedies.remedy import TAKEN_UP, Remedy, alternatives
from mobility.remedies.search import Workbench
from mobility.remedies.shift_hours import with_hours
from mobility.remedies.window import windows

Bool = NDArray[np.bool_]
Chosen = frozenset[int]

#: Remedies up to which every set is tried, and budgets for which sets are grown above.
EXACT, _BUDGETS = 8, 12
NOTHING: Chosen = frozenset()


@dataclass(frozen=True)
class Point:
    """A set of remedies and what it comes to.

    Attributes
    ----------
    chosen
        Places of its remedies in the list.
    jobs, users
        Jobs gained, net of those lost; users expected.
    bill
        What the set pays for, with the place of the remedy that asks for it: what is paid by user
        follows the users that the set leaves.
    by_roster
        Jobs of each roster whose holder can hold it.
    bound
        No set of the list that costs no more gains more jobs, where gains do not grow together;
        equal to ``jobs`` where every set was tried.
    proven
        ``jobs`` found anew by a full run of the territory; None before.
    ends
        The set with little, and with much, taken up; empty before the full run.
    """

    chosen: Chosen
    jobs: float
    users: float
    bill: tuple[tuple[int, CostLine], ...]
    by_roster: tuple[float, ...]
    bound: float = float("nan")
    proven: float | None = None
    ends: tuple[Point, ...] = ()

    @cached_property
    def eur_year(self) -> float:
        """Cost a year."""
        return self.eur_at("year")

    def eur_at(self, end: str) -> float:
        """Return the cost with prices at their ``low`` or ``high`` end."""
        return total((line for _, line in self.bill), end)


class Portfolio:
    """Sets of some remedies, evaluated together on a territory."""

    def __init__(self, bench: Workbench, remedies: Sequence[Remedy]) -> None:
        self.remedies = tuple(remedies)
        self.ledger = Ledger.of(bench.study)
        self._base = bench
        self._now = self.ledger.held(bench.access)
        self._benches: dict[Chosen, Workbench] = {NOTHING: bench}
        self._fed: dict[tuple[int, ...], Study] = {}
        self._points: dict[Chosen, Point] = {}
        self._runs: dict[Chosen, Bool] = {NOTHING: self._now}
        self._tried: dict[Chosen, Bool] = {}
        pairs = alternatives(self.remedies)
        feeds = [k for k, r in enumerate(self.remedies) if r.feed is not None]
        self._clashes = {frozenset(p) for p in (*pairs, *combinations(feeds, 2))}
        self._clashes |= {
            frozenset(p)
            for p in combinations(range(len(self.remedies)), 2)
            if _same_departures(*(self.remedies[k] for k in p))
        }

    def fits(self, chosen: Chosen) -> bool:
        """Whether no two remedies of a set change the same departures or hours."""
        return not any(clash <= chosen for clash in self._clashes)

    def point(self, chosen: Chosen) -> Point:
        """Return what a set comes to."""
        if chosen not in self._points:
            self._points[chosen] = self._told(chosen, self._holding(chosen))
        return self._points[chosen]

    def _timed(self, chosen: Chosen) -> Chosen:
        """Return those of a set that change timetables or hours."""
        return frozenset(k for k in chosen if not self.remedies[k].rescued)

    def _holding(self, chosen: Chosen) -> Bool:
        """Return from which homes each roster holds with a set, by its levers' windows alone."""
        timed = self._timed(chosen)
        if timed not in self._tried:
            levers = self._levers(timed)
            bench = self._bench(frozenset(k for k in timed if _reshapes(self.remedies[k])))
            held = bench.scores.rosters_held
            if levers:
                held = bench.scores.rosters_after(bench.try_together(levers))
            self._tried[timed] = held
        return self._tried[timed]

    def _users(self, chosen: Chosen, held: Bool, end: int | None) -> float:
        """Return the users of a set's timetable: of the jobs that a plan adds, those it seats."""
        capture = 1.0 if end is None else capture_band(self._base.study)[end]
        rate = capture * capture_rate(self._base.study)
        jobs, new = self.ledger.jobs, held & ~self._now
        feeds = [k for k in chosen if self.remedies[k].feed is not None]
        if not feeds:
            return rate * float(jobs[new].sum())
        others = self._holding(chosen.difference(feeds))
        seated = sum(self.remedies[k].users for k in feeds) * capture
        added = rate * float(jobs[new & ~others].sum())
        return rate * float(jobs[new & others].sum()) + min(added, seated)

    def prove(self, point: Point) -> Point:
        """Return a point with its jobs found by a full run, and its ends."""
        held = self.held(point.chosen)
        ends = tuple(self._told(point.chosen, held, end) for end in (0, 1))
        return replace(point, proven=self._told(point.chosen, held).jobs, ends=ends)

    def held(self, chosen: Chosen) -> Bool:
        """Return from which homes each roster holds with a set, by a full run, bool (R, H)."""
        # What people take up changes nobody's timetable: one run tells all such sets.
        timed = self._timed(chosen)
        if timed not in self._runs:
            after = self.access(timed)
            self._runs[timed] = self.ledger.held(after)
            # Else a study and what answers for it hold each other, and stay for long.
            after.study.views.forget()
            del after
            trim_memory()
        return self._runs[timed]

    def access(self, chosen: Chosen) -> Access:
        """Return the assessment of the territory with the timetable and hours of a set."""
        levers, study = self._levers(chosen), self._reshaped(chosen)
        if any(self.remedies[k].feed is not None for k in chosen):
            return assess(what_if(study, levers) if levers else study)
        return self._base.full_runs.access(levers, study)[0]

    def _levers(self, chosen: Chosen) -> list[Lever]:
        return [lever for remedy in self._of(chosen) for lever in remedy.levers]

    def _of(self, chosen: Chosen) -> list[Remedy]:
        return [self.remedies[k] for k in sorted(chosen)]

    def _reshaped(self, chosen: Chosen) -> Study:
        study = self._base.study
        # Timetables are built once for all sets with the same feeds.
        fed: tuple[int, ...] = ()
        for k in sorted(chosen):
            feed = self.remedies[k].feed
            if feed is not None:
                fed += (k,)
                if fed not in self._fed:
                    self._fed[fed] = feed(study)
                study = self._fed[fed]
        for remedy in self._of(chosen):
            if remedy.hours is not None:
                study = with_hours(study, *remedy.hours)
        return study

    def lighten(self, *, proven: bool = False) -> None:
        """Free what sets are tried with, or proven too; it is made again when next asked for."""
        for shaping, bench in self._benches.items():
            if shaping:
                bench.study.views.forget()
        self._benches = {NOTHING: self._base}
        if proven:
            self._fed.clear()
        self._base.lighten()
        trim_memory()

    def _bench(self, shaping: Chosen) -> Workbench:
        """Return what levers are tried on where some remedies change hours or add a feed."""
        if shaping not in self._benches:
            study = self._reshaped(shaping)
            access, nets = assess(study), networks(study)
            tried = windows(study, nets)
            self._benches[shaping] = Workbench(study, access, nets, tried)
        return self._benches[shaping]

    def _told(self, chosen: Chosen, held: Bool, end: int | None = None) -> Point:
        """Return the figures of a set from who holds each roster by its timetable.

        Parameters
        ----------
        end
            0 where little is taken up, 1 where much is; None between.
        """
        jobs, before = self.ledger.jobs, self._now
        users = self._users(chosen, held, end)
        white = (self.ledger.worked & ~held).astype(np.float64)
        bill: list[tuple[int, CostLine]] = []
        for k in sorted(chosen):
            remedy, taken = self.remedies[k], 0.0
            more = 1.0 if end is None else remedy.uptake[end]
            for one in remedy.rescued:
                # What some take up gains their jobs alone; what serves anyone gains all.
                grows = remedy.kind in TAKEN_UP
                share = min(one.share * (more if grows else 1.0), 1.0)
                rows = [r for r, (site, _) in enumerate(self.ledger.rosters) if site == one.site]
                helped = white[rows] * one.homes
                own = one.uptake * (1.0 if grows else more)
                taken += share * own * float((jobs[rows] * helped).sum())
                white[rows] -= share * helped
            part = taken / remedy.users if remedy.rescued and remedy.users > 0 else 1.0
            users += taken
            bill += [(k, line.times(part) if line.by_user else line) for line in remedy.bill]
        by_roster = (jobs * (self.ledger.worked - white)).sum(axis=1)
        gained = float(by_roster.sum() - jobs[before].sum())
        return Point(chosen, gained, users, tuple(bill), tuple(by_roster.tolist()))


def _reshapes(remedy: Remedy) -> bool:
    return remedy.hours is not None or remedy.feed is not None


def _same_departures(one: Remedy, two: Remedy) -> bool:
    trips = [{trip for lever in r.levers for trip in lever.trips} for r in (one, two)]
    if trips[0] & trips[1]:
        return True
    return bool(one.hours and two.hours and set(one.hours[0]) & set(two.hours[0]))


def frontier(portfolio: Portfolio, *, exact: int = EXACT, budgets: int = _BUDGETS) -> list[Point]:
    """Return the sets that no other beats, cheapest first, from doing nothing.

    Parameters
    ----------
    exact
        Remedies up to which every set is tried.
    budgets
        Budgets for which a set is grown where they are more.
    """
    count = len(portfolio.remedies)
    if count <= exact:
        sets = (frozenset(c) for k in range(count + 1) for c in combinations(range(count), k))
        points = _pareto([portfolio.point(s) for s in sets if portfolio.fits(s)])
        return [replace(p, bound=p.jobs) for p in points]
    seen: dict[Chosen, Point] = {NOTHING: portfolio.point(NOTHING)}

    def look(chosen: Chosen) -> Point:
        seen[chosen] = portfolio.point(chosen)
        return seen[chosen]

    whole = _grown(portfolio, look, float("inf"))
    for budget in np.geomspace(max(whole.eur_year / 200, 1.0), max(whole.eur_year, 1.0), budgets):
        _grown(portfolio, look, float(budget))
    points = _pareto(list(seen.values()))
    return [replace(p, bound=_bound(portfolio, look, p)) for p in points]


def _grown(portfolio: Portfolio, look: Callable[[Chosen], Point], budget: float) -> Point:
    """Return a set grown by jobs per euro within a budget, then changed by one for one."""
    here = look(NOTHING)
    everyone = range(len(portfolio.remedies))
    while True:
        steps = []
        for k in everyone:
            wider = here.chosen | {k}
            if k in here.chosen or not portfolio.fits(wider):
                continue
            there = look(wider)
            if there.eur_year <= budget and there.jobs > here.jobs + 1e-9:
                dear = max(there.eur_year - here.eur_year, 1.0)
                steps.append(((there.jobs - here.jobs) / dear, -k, there))
        if not steps:
            return here
        here = max(steps)[2]


def _bound(portfolio: Portfolio, look: Callable[[Chosen], Point], point: Point) -> float:
    """Return what a set may gain at most for the same money where gains do not grow together.

    Any better set adds to the point's what its remedies add one by one, at most, and their
    prices fill the budget (Leskovec et al., 2007, *Cost-effective outbreak detection*).
    """
    more = []
    for k in range(len(portfolio.remedies)):
        if k not in point.chosen and portfolio.fits(point.chosen | {k}):
            there = look(point.chosen | {k})
            gain, eur = there.jobs - point.jobs, max(there.eur_year - point.eur_year, 1.0)
            if gain > 0:
                more.append((gain / eur, gain, eur))
    left, bound = point.eur_year, point.jobs
    for _, gain, eur in sorted(more, reverse=True):
        part = min(1.0, left / eur)
        bound += part * gain
        left -= part * eur
        if left <= 0:
            break
    return bound


def _pareto(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats on cost and jobs, cheapest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.eur_year, -p.jobs, sorted(p.chosen))):
        if not kept or point.jobs > kept[-1].jobs + 1e-9:
            kept.append(point)
    return kept
