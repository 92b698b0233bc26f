"""One frontier over all remedies: for each budget, the set of them that gains most jobs.

Remedies are never summed: a set is evaluated together, the timetable's changes by the engine, the
shuttles as one more feed, moved hours as other shift edges, and what people take up (car-pooling,
cycling, on-demand) by those whom the rest leaves white. Up to `EXACT` remedies every set is tried;
above, sets grow by jobs per euro under many budgets, and each point bears a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.commute.access import Access, assess
from mobility.commute.ledger import Ledger, capture_rate
from mobility.commute.study import Study
from mobility.remedies.edges import windows
from mobility.remedies.model import networks
from mobility.remedies.patch import what_if
from mobility.remedies.remedy import Remedy, alternatives
from mobility.remedies.score import Scores
from mobility.remedies.search import Workbench
from mobility.remedies.shift_hours import with_hours
from mobility.territory.factors import Factors

Bool = NDArray[np.bool_]
Chosen = frozenset[int]

#: Remedies up to which every set is tried, and budgets for which sets are grown above.
EXACT, BUDGETS = 8, 12
#: Remedies combined at most, of them with moved hours, and kinds that are always among them.
OFFERED, MOVED = 12, 2
LAST = ("on_demand", "shuttle", "feeder")
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
    eur_year
        Cost of the set: what is paid by user follows the users that it leaves.
    by_site
        Jobs of each site whose holder can hold the roster.
    bound
        No set of the list that costs no more gains more jobs, where gains do not grow together;
        equal to ``jobs`` where every set was tried.
    proven
        ``jobs`` found anew by a full run of the territory; None before.
    """

    chosen: Chosen
    jobs: float
    users: float
    eur_year: float
    by_site: tuple[float, ...]
    bound: float = float("nan")
    proven: float | None = None

    @property
    def eur_per_job(self) -> float:
        """EUR a year per job gained."""
        return self.eur_year / self.jobs if self.jobs > 0 else float("inf")


class Portfolio:
    """Sets of some remedies, evaluated together on a territory."""

    def __init__(self, bench: Workbench, remedies: Sequence[Remedy], factors: Factors) -> None:
        self.remedies, self._factors = tuple(remedies), factors
        self.ledger = Ledger.of(bench.study)
        self._base = bench
        self._now = self.ledger.held(bench.access)
        self._benches: dict[Chosen, Workbench] = {NOTHING: bench}
        self._points: dict[Chosen, Point] = {}
        self._runs: dict[Chosen, Bool] = {NOTHING: self._now}
        pairs = alternatives(self.remedies)
        feeds = [k for k, r in enumerate(self.remedies) if r.feed is not None]
        self._clashes = {frozenset(p) for p in (*pairs, *combinations(feeds, 2))}
        self._clashes |= {frozenset(p) for p in combinations(range(len(self.remedies)), 2)
                          if _same_departures(*(self.remedies[k] for k in p))}  # fmt: skip

    def fits(self, chosen: Chosen) -> bool:
        """Whether no two remedies of a set change the same departures or hours."""
        return not any(clash <= chosen for clash in self._clashes)

    def point(self, chosen: Chosen) -> Point:
        """Return what a set comes to."""
        if chosen not in self._points:
            levers = [r.lever for r in self._of(chosen) if r.lever is not None]
            bench = self._bench(frozenset(k for k in chosen if _reshapes(self.remedies[k])))
            held = bench.scores.rosters_held
            if levers:
                held = bench.scores.rosters_after(bench.try_together(levers))
            self._points[chosen] = self._told(chosen, held)
        return self._points[chosen]

    def prove(self, point: Point) -> Point:
        """Return a point with its jobs found by a full run."""
        # What people take up changes nobody's timetable: one run proves all such sets.
        timed = frozenset(k for k in point.chosen if not self.remedies[k].rescued)
        if timed not in self._runs:
            self._runs[timed] = self.ledger.held(self.access(timed))
        return replace(point, proven=self._told(point.chosen, self._runs[timed]).jobs)

    def access(self, chosen: Chosen) -> Access:
        """Return the assessment of the territory with the timetable and hours of a set."""
        levers = [r.lever for r in self._of(chosen) if r.lever is not None]
        study = self._reshaped(chosen)
        return assess(what_if(study, levers) if levers else study)

    def _of(self, chosen: Chosen) -> list[Remedy]:
        return [self.remedies[k] for k in sorted(chosen)]

    def _reshaped(self, chosen: Chosen) -> Study:
        study = self._base.study
        for remedy in self._of(chosen):
            if remedy.hours is not None:
                study = with_hours(study, *remedy.hours)
        for remedy in self._of(chosen):
            if remedy.feed is not None:
                study = remedy.feed(study)
        return study

    def _bench(self, shaping: Chosen) -> Workbench:
        """Return what levers are tried on where some remedies change hours or add a feed."""
        if shaping not in self._benches:
            study = self._reshaped(shaping)
            access, nets = assess(study), networks(study)
            tried = windows(study, nets)
            self._benches[shaping] = Workbench(study, access, nets, tried, Scores(access, tried))
        return self._benches[shaping]

    def _told(self, chosen: Chosen, held: Bool) -> Point:
        """Return the figures of a set from who holds each roster by its timetable."""
        jobs, before = self.ledger.jobs, self._now
        users = capture_rate(self._base.study) * float(jobs[held & ~before].sum())
        white = (~held).astype(np.float64)
        eur = 0.0
        for remedy in self._of(chosen):
            taken = 0.0
            for one in remedy.rescued:
                rows = [k for k, (site, _) in enumerate(self.ledger.rosters) if site == one.site]
                helped = white[rows] * one.homes
                taken += one.share * one.uptake * float((jobs[rows] * helped).sum())
                white[rows] -= one.share * helped
            part = taken / remedy.users if remedy.rescued and remedy.users > 0 else 1.0
            users += taken
            eur += (
                remedy.eur_year
                if not remedy.rescued
                else sum(
                    line.eur(self._factors) * (part if line.by_user else 1.0)
                    for line in remedy.bill
                )
            )
        by_roster = (jobs * (1 - white)).sum(axis=1)
        sites = np.array([site for site, _ in self.ledger.rosters], np.intp)
        reached = np.bincount(sites, weights=by_roster, minlength=len(self._base.study.sites))
        gained = float(by_roster.sum() - jobs[before].sum())
        return Point(chosen, gained, users, eur, tuple(reached.tolist()))


def _reshapes(remedy: Remedy) -> bool:
    return remedy.hours is not None or remedy.feed is not None


def _same_departures(one: Remedy, two: Remedy) -> bool:
    if one.lever is not None and two.lever is not None:
        return bool(set(one.lever.trips) & set(two.lever.trips))
    return bool(one.hours and two.hours and set(one.hours[0]) & set(two.hours[0]))


def frontier(portfolio: Portfolio, *, exact: int = EXACT, budgets: int = BUDGETS) -> list[Point]:
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
        points = pareto([portfolio.point(s) for s in sets if portfolio.fits(s)])
        return [replace(p, bound=p.jobs) for p in points]
    seen: dict[Chosen, Point] = {NOTHING: portfolio.point(NOTHING)}

    def look(chosen: Chosen) -> Point:
        seen[chosen] = portfolio.point(chosen)
        return seen[chosen]

    whole = _grown(portfolio, look, float("inf"))
    for budget in np.geomspace(max(whole.eur_year / 200, 1.0), max(whole.eur_year, 1.0), budgets):
        _grown(portfolio, look, float(budget))
    points = pareto(list(seen.values()))
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


def pareto(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats on cost and jobs, cheapest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.eur_year, -p.jobs, sorted(p.chosen))):
        if not kept or point.jobs > kept[-1].jobs + 1e-9:
            kept.append(point)
    return kept


def advised_point(points: Sequence[Point]) -> int:
    """Return the place of the point advised: the farthest above the chord of the frontier.

    -1 where nothing gains a job.
    """
    if len(points) < 2 or points[-1].jobs <= 0:
        return -1
    eur = np.array([p.eur_year for p in points])
    jobs = np.array([p.jobs for p in points])
    above = jobs / jobs[-1] - (eur / eur[-1] if eur[-1] > 0 else 0.0)
    return int(np.argmax(np.where(jobs > 0, above, -np.inf)))


@dataclass(frozen=True, eq=False)
class Combined:
    """The frontier over a list of remedies.

    Attributes
    ----------
    portfolio
        The remedies of the list that are combined.
    places
        Place in the list of each of them.
    points
        Sets that no other beats, cheapest first, from doing nothing.
    advised
        Place among them of the one advised, -1 where nothing gains a job.
    """

    portfolio: Portfolio
    places: tuple[int, ...]
    points: tuple[Point, ...]
    advised: int

    @property
    def members(self) -> set[int]:
        """Places in the list of every remedy of some set."""
        return {self.places[k] for point in self.points for k in point.chosen}

    @property
    def steps(self) -> list[int]:
        """The remedies of the set advised, in the order of the list."""
        return [] if self.advised < 0 else sorted(self.points[self.advised].chosen)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point: what it holds, costs and gains."""
        rows = [
            {
                "point": k,
                "set": " ".join(str(self.places[one] + 1) for one in sorted(point.chosen)),
                "eur_year": round(point.eur_year, 2),
                "jobs": point.jobs,
                "users": point.users,
                "eur_per_job": point.eur_year / point.jobs if point.jobs > 0 else np.nan,
                "eur_per_user": point.eur_year / point.users if point.users > 0 else np.nan,
                "jobs_bound": point.bound,
                "jobs_proven": np.nan if point.proven is None else point.proven,
                "advised": k == self.advised,
            }
            for k, point in enumerate(self.points)
        ]
        return pd.DataFrame(rows)


def combined_frontier(
    bench: Workbench, remedies: Sequence[Remedy], factors: Factors, *, offered: int = OFFERED
) -> Combined:
    """Return the frontier over the first remedies that gain jobs, each point proven."""
    useful = [k for k, r in enumerate(remedies) if r.net_jobs >= 1 and not r.refused]
    hours = [k for k in useful if remedies[k].hours is not None][:MOVED]
    places = [k for k in useful if remedies[k].hours is None or k in hours][:offered]
    # What serves anyone, whatever it costs, closes the frontier.
    places += [k for k in useful if remedies[k].kind in LAST and k not in places]
    portfolio = Portfolio(bench, [remedies[k] for k in places], factors)
    points = [portfolio.prove(point) for point in _apart(frontier(portfolio))]
    return Combined(portfolio, tuple(places), tuple(points), advised_point(points))


def _apart(points: Sequence[Point]) -> list[Point]:
    """Return the points that gain a whole job more than the one before, and the last."""
    kept = list(points[:1])
    for point in points[1:]:
        if point.jobs >= kept[-1].jobs + 1 or point is points[-1]:
            kept.append(point)
    return kept


def access_left(bench: Workbench, remedies: Sequence[Remedy], factors: Factors) -> Access:
    """Return the territory with the changes of timetable that are advised among some remedies."""
    found = combined_frontier(bench, [r for r in remedies if r.lever is not None], factors)
    return found.portfolio.access(frozenset(found.steps)) if found.steps else bench.access
