"""The frontier of a list of remedies as it is told: points proven, the set advised among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mobility.commute.access import Access
from mobility.remedies.bill import CostLine
from mobility.remedies.remedy import Remedy
from mobility.remedies.search import Workbench
from mobility.shuttles.portfolio import Chosen, Point, Portfolio, frontier

#: Remedies combined at most, of them with moved hours, and kinds that are always among them.
_OFFERED, MOVED = 12, 2
LAST = ("on_demand", "shuttle", "feeder")


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
    def sets(self) -> list[set[int]]:
        """Places in the list of the remedies of each set, cheapest first."""
        return [{self.places[k] for k in point.chosen} for point in self.points]

    @property
    def steps(self) -> list[Chosen]:
        """The set advised, grown in the order of the list from nothing."""
        order = [] if self.advised < 0 else sorted(self.points[self.advised].chosen)
        return [frozenset(order[:k]) for k in range(len(order) + 1)]

    def name(self, chosen: Chosen) -> str:
        """Return the ranks of a set, as the tables name it."""
        return " ".join(str(self.places[k] + 1) for k in sorted(chosen))

    def bills(self) -> list[tuple[str, int, CostLine]]:
        """Return what every set of the frontier, and every step, pays for: set, rank, line."""
        told = {p.chosen: p for p in (*self.points, *map(self.portfolio.point, self.steps))}
        return [
            (self.name(point.chosen), self.places[k] + 1, line)
            for point in told.values()
            for k, line in point.bill
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point: what it holds, costs and gains, with low and high ends."""
        cheap = _knee(
            [p.ends[1].eur_at("low") for p in self.points], [p.ends[1].jobs for p in self.points]
        )
        dear = _knee(
            [p.ends[0].eur_at("high") for p in self.points], [p.ends[0].jobs for p in self.points]
        )
        rows = []
        for k, point in enumerate(self.points):
            little, much = point.ends
            rows.append(
                {
                    "point": k,
                    "set": self.name(point.chosen),
                    "eur_year": round(point.eur_year, 2),
                    "eur_low": round(point.eur_at("low"), 2),
                    "eur_high": round(point.eur_at("high"), 2),
                    "jobs": point.jobs,
                    "jobs_low": little.jobs,
                    "jobs_high": much.jobs,
                    "users": point.users,
                    "users_low": little.users,
                    "users_high": much.users,
                    "eur_per_job": point.eur_year / point.jobs if point.jobs > 0 else np.nan,
                    "eur_per_user": point.eur_year / point.users if point.users > 0 else np.nan,
                    "jobs_bound": point.bound,
                    "jobs_proven": np.nan if point.proven is None else point.proven,
                    "advised": k == self.advised,
                    "advised_cheap": k == cheap,
                    "advised_dear": k == dear,
                }
            )
        return pd.DataFrame(rows)


def combined_frontier(
    bench: Workbench, remedies: Sequence[Remedy], *, offered: int = _OFFERED
) -> Combined:
    """Return the frontier over the first remedies that gain jobs, each point proven."""
    useful = [k for k, r in enumerate(remedies) if r.net_jobs >= 1 and not r.refused]
    hours = [k for k in useful if remedies[k].hours is not None][:MOVED]
    places = [k for k in useful if remedies[k].hours is None or k in hours][:offered]
    # What serves anyone, whatever it costs, closes the frontier.
    places += [k for k in useful if remedies[k].kind in LAST and k not in places]
    portfolio = Portfolio(bench, [remedies[k] for k in places])
    found = _apart(frontier(portfolio))
    portfolio.lighten()
    points = [portfolio.prove(point) for point in found]
    portfolio.lighten(proven=True)
    return Combined(portfolio, tuple(places), tuple(points), advised_point(points))


def _apart(points: Sequence[Point]) -> list[Point]:
    """Return the points that gain a whole job more than the one before, and the last."""
    kept = list(points[:1])
    for point in points[1:]:
        if point.jobs >= kept[-1].jobs + 1 or point is points[-1]:
            kept.append(point)
    return kept


def access_left(bench: Workbench, remedies: Sequence[Remedy]) -> Access:
    """Return the territory with the changes of timetable that are advised among some remedies."""
    found = combined_frontier(bench, [r for r in remedies if r.lever is not None])
    return found.portfolio.access(found.steps[-1]) if found.steps[-1] else bench.access


def advised_point(points: Sequence[Point]) -> int:
    """Return the place of the point advised: the farthest above the chord of the frontier.

    -1 where nothing gains a job.
    """
    return _knee([p.eur_year for p in points], [p.jobs for p in points])


def _knee(eur: Sequence[float], jobs: Sequence[float]) -> int:
    """Return the place of the point farthest above the chord from nothing to the last."""
    cost, gain = np.array(eur), np.array(jobs)
    if len(gain) < 2 or gain[-1] <= 0:
        return -1
    above = gain / gain[-1] - (cost / cost[-1] if cost[-1] > 0 else 0.0)
    return int(np.argmax(np.where(gain > 0, above, -np.inf)))
