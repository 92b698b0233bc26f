"""Apprentices' triangles: one home, school weeks at a centre, company weeks at a site.

A person holds the *pair* of a centre and a company only when both hold. Young workers do no night
work (Code du travail, L3163-1 and L3163-2: none between 22:00 and 6:00 before 18 years, between
20:00 and 6:00 before 16; sectors with a derogation, R3163-1, are left to the user).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float, Int64
from mobility.base.cache import content_hash
from mobility.base.clock import DAY_S
from mobility.base.errors import Finding, TerritoryError
from mobility.commute.access import Access, assess, counted_rows, counting_modes, roster_shifts
from mobility.commute.door_to_door import both_ways
from mobility.commute.indicators import whole_persons
from mobility.commute.inventory import some_of
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import with_homes
from mobility.commute.walks import RELAXED_WALK
from mobility.needs.housing import without_car
from mobility.needs.places import check_on_streets
from mobility.remedies.full_runs import what_if
from mobility.remedies.recommendations import recommend
from mobility.remedies.search import access_after, search
from mobility.sources.sites import read_sites_file
from mobility.territory.project import Site
from mobility.territory.rosters import Roster, Shift
from mobility.timetable.arrays import INF

#: Night of young workers by age: from this clock time to `_MORNING_S` (Code du travail L3163-1).
_NIGHT_16_S, _NIGHT_UNDER_16_S, _MORNING_S = 22 * 3600, 20 * 3600, 6 * 3600
#: Minors may not work at night (L3163-2); from sixteen on, their night begins later.
_ADULT, _SIXTEEN = 18, 16
_APART_KM = 15.0
#: What a remedy opens and closes, persons × pairs, and in how many pairs.
_OPENED = ["remedy", "opened", "closed", "pairs"]


@dataclass(frozen=True)
class Rules:
    """Who the apprentices are, and how they go to school.

    Attributes
    ----------
    age
        Years; decides which shifts are night work.
    boarding_min
        They sleep at the centre on school nights: one way there before the first day and one
        back after the last, of so many minutes at most. None: they come home every day.
    apart_km
        Farthest company from a centre that is paired with it, as the crow flies.
    group
        Group of the homes' layer that is counted; all workers where empty.
    """

    age: int = 16
    boarding_min: float | None = None
    apart_km: float = _APART_KM
    group: str = ""


@dataclass(frozen=True)
class Triangles:
    """Which pairs of centre and company can be held from where.

    Attributes
    ----------
    study
        The companies, then the centres, are its sites.
    pairs
        One row a pair: centre, company, kilometres apart, the rosters allowed and barred there,
        and how many reach the centre, the company and both.
    holds : bool[N, H]
        Whether both ends of each pair hold.
    """

    study: Study
    pairs: pd.DataFrame
    holds: Bool

    def pairs_held(self) -> Int64:
        """Return how many pairs can be held from each home, int64[H]."""
        return np.asarray(self.holds.sum(axis=0), np.int64)


def is_night_work(shift: Shift, age: int) -> bool:
    """Whether a shift falls into the night of workers of an age, be it in part."""
    if age >= _ADULT:
        return False
    night_s = _NIGHT_16_S if age >= _SIXTEEN else _NIGHT_UNDER_16_S
    start, end = shift.start, shift.start + shift.duration_s
    return any(
        start < _MORNING_S + day and end > night_s + day - DAY_S for day in (0, DAY_S, 2 * DAY_S)
    )


def with_centres(study: Study, path: Path, findings: list[Finding] | None = None) -> Study:
    """Return the study whose sites are its companies, then the training centres of a table.

    Parameters
    ----------
    findings
        Gets a warning about columns of the table that are not read.

    Raises
    ------
    SourceError, TerritoryError
        The table is wrong: a centre has no hours, no place, one off the streets, or the name of a
        company.
    """
    centres = read_sites_file(path, findings=findings)
    names = {site.name for site in study.sites}
    for centre in centres:
        if centre.name in names:
            raise TerritoryError(
                "A training centre has the name of a site.",
                file=path,
                column="name",
                value=centre.name,
                mend="Give each site a name of its own.",
            )
    gates = [(centre.name, gate) for centre in centres for gate in centre.gates]
    lonlat = np.array([gate for _, gate in gates], np.float64)
    check_on_streets(study, [name for name, _ in gates], lonlat, column="lon, lat", file=path)
    found = _with_sites(without_car(study), (*study.sites, *centres))
    # Results are kept by content: those of the same sites as companies and centres are others.
    if study.content:
        object.__setattr__(found, "content", content_hash([study.content, "apprentices"]))
    return found


def _with_sites(study: Study, sites: tuple[Site, ...]) -> Study:
    """Return the study of other sites, whose results are kept as its own are."""
    found = with_homes(study, study.homes, sites=sites, relaxed=RELAXED_WALK)
    object.__setattr__(found, "content", study.content)
    return found


def triangles(access: Access, companies: int, rules: Rules) -> Triangles:
    """Return the pairs of centre and company that can be held, of an assessed study.

    Parameters
    ----------
    access
        Of `with_centres`.
    companies
        Number of sites that are companies; the others are centres.

    Raises
    ------
    TerritoryError
        There is no such group, or no pair within reach of each other.
    SourceError
        The group counts more persons than workers live at a home.
    """
    study = access.study
    people = some_of(study, rules.group)
    school = {c: _at_school(access, c, rules) for c in range(companies, len(study.sites))}
    work = {f: _at_work(access, f, rules) for f in range(companies)}
    rows, holds = [], []
    for (c, there), (f, (allowed, barred, here)) in product(school.items(), work.items()):
        apart_km = _apart_km(study, c, f)
        if apart_km > rules.apart_km:
            continue
        pair = there & here
        holds.append(pair)
        total = people.sum()
        rows.append(
            {
                "centre": study.sites[c].name,
                "company": study.sites[f].name,
                "apart_km": round(apart_km, 1),
                "allowed": ", ".join(allowed),
                "barred": ", ".join(barred),
                "total": total,
                "centre_reach": people @ there,
                "company_reach": people @ here,
                "pair_reach": people @ pair,
                "share": round(float(people @ pair / total), 4) if total else np.nan,
            }
        )
    if not rows:
        raise TerritoryError(
            "No company is within {apart} km of a training centre.",
            column="--apart-km",
            value=f"{rules.apart_km:g}",
            mend="Allow them to be farther apart.",
            apart=rules.apart_km,
        )
    counts = ["total", "centre_reach", "company_reach", "pair_reach"]
    return Triangles(study, whole_persons(pd.DataFrame(rows), counts), np.array(holds))


def _apart_km(study: Study, one: int, other: int) -> float:
    """Return the kilometres between the nearest gates of two sites, as the crow flies."""
    here, there = (
        study.streets.project(*np.array(study.sites[k].gates, float).T) for k in (one, other)
    )
    return float(np.linalg.norm(here[:, None] - there[None], axis=2).min() / 1000)


def _at_work(access: Access, site: int, rules: Rules) -> tuple[list[str], list[str], Bool]:
    """Return the rosters allowed, those barred, and where some allowed one holds."""
    study, found = access.study, access.rosters
    held = np.zeros(study.n_homes, bool)
    allowed, barred = [], []
    for r, (index, name) in zip(counted_rows(found), roster_shifts(study), strict=True):
        if index != site:
            continue
        roster = next(one for one in study.sites[site].rosters if one.name == name)
        if _is_barred(roster, rules):
            barred.append(name)
            continue
        allowed.append(name)
        held |= found.holds[r]
    return allowed, barred, held


def _is_barred(roster: Roster, rules: Rules) -> bool:
    return any(is_night_work(shift, rules.age) for shift in roster.shifts)


def _at_school(access: Access, site: int, rules: Rules) -> Bool:
    """Return where the hours of a centre hold, on school days where these are studied."""
    study = access.study
    kinds = {day.kind for day in study.days}
    days = [d for d in study.days if d.kind == "school_weekday" or "school_weekday" not in kinds]
    shifts = [row.shift_id for row in study.shift_rows if row.site == site]
    asked = [(s, d) for s in shifts for d in days if study.works_on(s, d)]
    if not asked:
        raise TerritoryError(
            "The training centre {name} has hours on none of the school days studied.",
            column="days",
            mend="Correct the days of its hours, or add such a day to days.kinds.",
            name=study.sites[site].name,
        )
    if rules.boarding_min is None:
        return np.asarray(np.all([access.counted(s, d.kind)[2] for s, d in asked], axis=0))
    limits = replace(
        engine_limits(study.territory.limits), max_total_s=round(rules.boarding_min * 60)
    )
    there = home = np.ones(study.n_homes, bool)
    for shift, day in asked:
        ways = [both_ways(study, shift, day, mode, limits) for mode in counting_modes(study)]
        there = there & np.any([onward.elapsed_s < INF for onward, _ in ways], axis=0)
        home = home & np.any([homeward.elapsed_s < INF for _, homeward in ways], axis=0)
    return np.asarray(there & home)


def after_remedies(
    access: Access,
    companies: int,
    rules: Rules,
    *,
    variants: Sequence[tuple[str, Callable[[], Access]]] = (),
    retimings: int = 0,
    language: str = "en",
) -> pd.DataFrame:
    """Return what remedies open, the most pairs first.

    Parameters
    ----------
    variants
        Names, and what assesses the study with them: shuttle plans, say.
    retimings
        Levers of the timetable tried, those first that are best for the centres' hours and for
        the rosters that are no night work. What they open is kept by content.

    Returns
    -------
    DataFrame
        ``rank``, ``remedy``, ``opened`` and ``closed`` (persons × pairs), ``pairs`` opened for
        anybody.
    """
    study = access.study
    people = some_of(study, rules.group)
    before = triangles(access, companies, rules)
    frames = [
        _opened(name, people, before.holds, triangles(make(), companies, rules).holds)
        for name, make in variants
    ]
    if retimings:
        key = [
            "retimed", companies, tuple(site.model_dump_json() for site in study.sites),
            study.workers, study.homes.pool, people, tuple(vars(rules).values()), retimings,
            language,
        ]  # fmt: skip

        def compute() -> dict[str, pd.DataFrame]:
            return {"table": _retimed(before, companies, rules, people, retimings, language)}

        frames.append(pd.DataFrame(study.kept(key, compute)["table"]))
    frame = pd.concat([pd.DataFrame(columns=_OPENED), *frames], ignore_index=True)
    frame = whole_persons(frame, ["opened", "closed"])
    frame = frame.sort_values(["opened", "closed"], ascending=[False, True], kind="stable")
    frame = frame.reset_index(drop=True)
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    return frame


def _opened(name: str, people: Float, before: Bool, after: Bool) -> pd.DataFrame:
    """Return the row of one remedy, persons unrounded."""
    opened, closed = (after & ~before) @ people, (before & ~after) @ people
    return pd.DataFrame(
        [(name, float(opened.sum()), float(closed.sum()), int((opened > 0).sum()))], columns=_OPENED
    )


def _retimed(
    found: Triangles, companies: int, rules: Rules, people: Float, most: int, language: str
) -> pd.DataFrame:
    """Return what the best levers of the timetable open, a row each.

    They are sought for the sites of some pair, of a company the rosters that are allowed: one
    that helps nobody but night shifts opens no pair.
    """
    held = found.pairs[found.pairs["allowed"] != ""]
    paired = {*held["centre"], *held["company"]}
    sites = []
    for k, site in enumerate(found.study.sites):
        rosters = site.rosters
        if k < companies:
            rosters = [one for one in rosters if not _is_barred(one, rules)]
        if site.name in paired:
            sites.append(site.model_copy(update={"rosters": rosters}))
    if not sites:
        return pd.DataFrame(columns=_OPENED)
    companies = sum(site.name in paired for site in found.study.sites[:companies])
    access = assess(_with_sites(found.study, tuple(sites)))
    before = triangles(access, companies, rules).holds
    tried = search(access)
    remedies = [one for one in recommend(tried, limit=most) if one.levers]
    rows = []
    for one in remedies:
        after = access_after(tried.bench, tried.bench.try_together(one.levers, keep_times=True))
        if rules.boarding_min is not None:  # whose longer way is asked of the timetable itself
            after = replace(after, study=what_if(tried.bench.study, one.levers))
        holds = triangles(after, companies, rules).holds
        rows.append(_opened(one.head(language), people, before, holds))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=_OPENED)
