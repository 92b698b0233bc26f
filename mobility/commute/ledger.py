"""The ledger: who is counted, in three quantities that are never mixed.

*Inhabitants* of the labour pool who can hold a roster, each person once; *roster-places* count
someone once for each roster. *Jobs* of the sites whose holder's home can hold the roster: the
headcount spread over the labour pool, or the known employees. *Users* expected on a remedy: the
jobs it gains times the share of their holders who would take it up, no more than its seats.
Euros are divided by jobs gained and by users (see ``docs/money.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobility.base.arrays import Bool, Float, Int32
from mobility.commute.access import Access, counted_rows, roster_shifts
from mobility.commute.study import Study

#: Share of those within reach who would take a service up, where ``[shuttles]`` gives none.
CAPTURE_LOW, CAPTURE_RATE, CAPTURE_HIGH = 0.15, 0.30, 0.50
#: Jobs from which a roster is said to gain some.
LEAST_JOBS = 0.5


def capture_rate(study: Study) -> float:
    """Return the share of the holders of jobs gained who would use a line or a shuttle."""
    return float(study.territory.shuttles.get("capture_rate", CAPTURE_RATE))


def capture_band(study: Study) -> tuple[float, float]:
    """Return the low and the high end of the capture rate, over the rate itself."""
    given, rate = study.territory.shuttles, capture_rate(study)
    low, high = given.get("capture_low", CAPTURE_LOW), given.get("capture_high", CAPTURE_HIGH)
    return (float(low) / rate, float(high) / rate) if rate else (1.0, 1.0)


def roster_jobs(study: Study, site: int, roster: str) -> Float:
    """Return the jobs of a roster by the home of who holds them, float64 (H,).

    Known employees are the jobs, those of no named roster shared among the rosters of their
    site by headcount. Without them the headcount is spread over the labour pool in proportion
    to the workers of each home. A shift without headcount counts
    ``shuttles.default_headcount`` jobs where the territory gives that, else none.
    """
    heads = _headcounts(study, site)
    known = study.homes.pool
    if known is None:
        total = float(study.workers.sum())
        return study.workers * (heads[roster] / total if total > 0 else 0.0)
    everyone = sum(heads.values())
    share = heads[roster] / everyone if everyone else 1 / len(heads)
    mine = known[known["site"] == study.sites[site].name]
    weight = np.where(mine["roster"] == roster, 1.0, np.where(mine["roster"] == "", share, 0.0))
    return np.bincount(
        mine["home"].to_numpy(np.intp),
        weights=mine["workers"].to_numpy(np.float64) * weight,
        minlength=study.n_homes,
    ).astype(np.float64)


def shift_jobs(study: Study, shift_id: int) -> Float:
    """Return the jobs of one shift by home: those of its roster, by headcount, float64 (H,)."""
    rows = study.shift_rows
    mine = rows[shift_id]
    heads = [
        shift_headcount(study, row.headcount)
        for row in rows
        if (row.site, row.roster) == (mine.site, mine.roster)
    ]
    staff = sum(heads)
    share = shift_headcount(study, mine.headcount) / staff if staff else 1 / len(heads)
    return share * roster_jobs(study, mine.site, mine.roster)


def _headcounts(study: Study, site: int) -> dict[str, float]:
    """Return the headcount of each roster of a site."""
    heads: dict[str, float] = {}
    for row in study.shift_rows:
        if row.site == site:
            heads[row.roster] = heads.get(row.roster, 0.0) + shift_headcount(study, row.headcount)
    return heads


def shift_headcount(study: Study, headcount: int) -> float:
    """Return the jobs of a shift: its headcount, else what the territory says to take."""
    return float(headcount or study.territory.shuttles.get("default_headcount") or 0)


def days_manned(study: Study, site: int, roster: str) -> float:
    """Return the days a year on which the shifts of a roster are manned, their mean by headcount.

    Who rotates through them on so many days, holidays not taken out, see
    `Study.days_per_year`.
    """
    rows = [row for row in study.shift_rows if (row.site, row.roster) == (site, roster)]
    heads = np.array([shift_headcount(study, row.headcount) for row in rows], np.float64)
    days = []
    for row in rows:
        worked = [day for day in study.days if study.works_on(row.shift_id, day)]
        days.append(sum(study.days_per_year(row.shift_id, day) for day in worked))
    return float(np.average(days, weights=heads if heads.sum() else None))


def worked_share(study: Study, site: int, roster: str, most_days: float) -> float:
    """Return on what share of the days manned one worker of a roster comes to work.

    Parameters
    ----------
    most_days
        Days that a worker comes to work in a year at most, the factor ``worked_days_year``.
    """
    manned = days_manned(study, site, roster)
    return min(1.0, most_days / manned) if manned else 1.0


@dataclass(frozen=True)
class Counts:
    """The three quantities gained, or lost, between two states of a territory.

    Attributes
    ----------
    jobs
        Jobs whose holder's home begins (ceases) to hold the roster.
    inhabitants
        Those who could hold no roster and now hold one (the reverse), each once, or once per
        site where each site's employees are known.
    places
        Roster-places: the same, once for each roster.
    """

    jobs: float
    inhabitants: float
    places: float


@dataclass(frozen=True, eq=False)
class Ledger:
    """Jobs and inhabitants of every roster, by home.

    Attributes
    ----------
    rosters
        Site index and name of each roster, in the order of `access.roster_shifts`.
    jobs, people
        float64 (R, H) jobs by home of their holders; inhabitants of the labour pool.
    """

    study: Study
    rosters: tuple[tuple[int, str], ...]
    jobs: Float
    people: Float

    @classmethod
    def of(cls, study: Study) -> Ledger:
        """Open the ledger of a study."""
        names = tuple(roster_shifts(study))
        shape = (len(names), study.n_homes)
        jobs = np.array([roster_jobs(study, *name) for name in names], np.float64)
        people = np.array([study.pool(*name) for name in names], np.float64)
        return cls(study, names, jobs.reshape(shape), people.reshape(shape))

    def held(self, access: Access) -> Bool:
        """Return from which homes each roster holds by the counting modes, bool (R, H)."""
        found = access.rosters
        return np.asarray(found.holds[counted_rows(found)])

    @cached_property
    def worked(self) -> Bool:
        """Whether each roster works on some of the days studied, bool (R, 1); else none is known.

        Nothing holds a roster of other days, and nothing is gained of it.
        """
        shifts = roster_shifts(self.study)
        on = [
            any(self.study.works_on(s, day) for s in shifts[name] for day in self.study.days)
            for name in self.rosters
        ]
        return np.array(on, bool).reshape(-1, 1)

    @cached_property
    def counted(self) -> Bool:
        """Whether the jobs of each roster are known, bool (R,): by a headcount or the employees.

        Those of another are no nought: what follows from them is not known either.
        """
        if self.study.homes.pool is not None:
            return np.ones(len(self.rosters), bool)
        return np.array([_headcounts(self.study, s)[name] > 0 for s, name in self.rosters], bool)

    def lacking(self, access: Access) -> Bool:
        """Return from which homes each roster is lacked on the days studied, bool (R, H)."""
        return np.asarray(self.worked & ~self.held(access))

    def site_jobs(self, site: int) -> float:
        """Return the jobs of a site."""
        return float(self.jobs[[s == site for s, _ in self.rosters]].sum())

    def gained(self, before: Bool, after: Bool, homes: Int32 | None = None) -> Counts:
        """Return what is gained from one state to another; the reverse is what is lost.

        Parameters
        ----------
        before, after : bool (R, H)
            Who holds each roster.
        homes
            The homes of the columns, where they are not all.
        """
        here = slice(None) if homes is None else homes
        new = after & ~before
        jobs, people = self.jobs[:, here], self.people[:, here]
        return Counts(
            float(jobs[new].sum()), self._once(people, before, after), float(people[new].sum())
        )

    def gaining(
        self, before: Bool, after: Bool, homes: Int32 | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Return site and name of the rosters of which at least half a job is gained."""
        here = slice(None) if homes is None else homes
        more = np.where(after & ~before, self.jobs[:, here], 0.0).sum(axis=1)
        sites = self.study.sites
        return tuple(
            (sites[self.rosters[r][0]].name, self.rosters[r][1])
            for r in np.flatnonzero(more >= LEAST_JOBS)
        )

    def _once(self, people: Float, before: Bool, after: Bool) -> float:
        """Return the workers who hold some roster after and none before, each once."""
        # One pool for all sites is one group of people; known employees are one a site.
        shared = self.study.homes.pool is None
        groups: dict[int, list[int]] = {}
        for k, (site, _) in enumerate(self.rosters):
            groups.setdefault(0 if shared else site, []).append(k)
        return sum(
            float(people[mine].max(axis=0) @ (after[mine].any(axis=0) & ~before[mine].any(axis=0)))
            for mine in groups.values()
        )
