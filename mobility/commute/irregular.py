"""Work at hours of its own every day: tides, orders of the day, harvests.

A list gives the dates and hours that were, or will be, worked. What is asked is the share of those
days on which a home gets there and back, each on its own date's timetable.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float
from mobility.base.clock import axis_origin_utc, local_to_axis
from mobility.base.errors import Finding, TerritoryError
from mobility.commute.access import counting_modes
from mobility.commute.door_to_door import both_ways
from mobility.commute.indicators import whole_persons, whole_statuses
from mobility.commute.study import Study, Timetables, engine_limits
from mobility.commute.variants import variant
from mobility.commute.walks import footpaths_of, walks_between_stops
from mobility.engine.journeys import TwoWay
from mobility.sources.columns import Table
from mobility.sources.days import ChosenDay
from mobility.sources.sites_rows import Worked, read_worked, rosters_worked
from mobility.territory.fields import WEEKDAYS
from mobility.territory.rosters import Roster, Shift
from mobility.timetable.arrays import INF, FootArrays, index_timetable, take_runs
from mobility.timetable.footpaths import WalkTable, safe_footpaths
from mobility.timetable.runs import feed_runs

#: First and last axis second between which something is asked.
_Span = tuple[int, int]


def dates_as_days(dates: Sequence[dt.date]) -> tuple[ChosenDay, ...]:
    """Return each date as a kind of day of its own, named as ISO writes it."""
    told = Finding("info", "date_listed", "{date}, from the list of dates")
    return tuple(
        ChosenDay(
            kind=date.isoformat(),
            date=date,
            weekdays=(WEEKDAYS[date.weekday()],),
            reason=replace(told, params={"date": date}),
            trips=0,
            label=date.isoformat(),
        )
        for date in dates
    )


def on_dates(study: Study, asked: Mapping[dt.date, Sequence[_Span]]) -> Study:
    """Return the study of other dates, each timetable built when it is first asked for.

    Dates whose three service days run the same trips, with the clock unchanged alike, share one.

    Parameters
    ----------
    asked
        By date, the spans of its axis that matter: runs outside all of them are left out.
    """
    days = dates_as_days(list(asked))
    feed, territory = study.feed, study.territory
    plain = walks_between_stops(territory, study.streets, feed, safe=study.kept_safe)
    feet = footpaths_of(territory, feed, plain)
    first: dict[tuple[object, ...], ChosenDay] = {}
    twin = {day.kind: first.setdefault(_signature(study, day.date), day).kind for day in days}
    spans: dict[str, set[_Span]] = {}
    for day in days:
        spans.setdefault(twin[day.kind], set()).update(asked[day.date])
    built = Timetables(
        {
            day.kind: partial(_built, study, day.date, feet, sorted(spans[day.kind]))
            for day in first.values()
        }
    )
    shared = Timetables({kind: partial(built.__getitem__, twin[kind]) for kind in twin})

    def change(one: Study) -> Study:
        other = walks_between_stops(territory, one.streets, feed, safe=one.kept_safe)
        if all(np.array_equal(*pair) for pair in zip(_arrays(plain), _arrays(other), strict=True)):
            return replace(one, days=days, timetables=shared)
        walked = Timetables({kind: partial(_walked, built, kind, plain, other) for kind in built})
        mine = {kind: partial(walked.__getitem__, twin[kind]) for kind in twin}
        return replace(one, days=days, timetables=Timetables(mine))

    return variant(study, change)


def _arrays(walks: WalkTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return walks.ptr, walks.stop, walks.walk_s


def _signature(study: Study, date: dt.date) -> tuple[object, ...]:
    """Return what a date's timetable depends on: trips of three service days, and the clock."""
    zone, day = study.territory.zone, dt.timedelta(days=1)
    dates = (date - day, date, date + day)
    trips = tuple(study.feed.trips_on(d).tobytes() for d in dates)
    origin_s = axis_origin_utc(date, zone)
    return (*trips, *(axis_origin_utc(d, zone) - origin_s for d in dates))


def _built(study: Study, date: dt.date, feet: FootArrays, spans: Sequence[_Span]) -> TwoWay:
    runs = feed_runs(study.feed, date, study.territory.zone, findings=[])
    start_s, end_s = runs.call_dep[runs.run_ptr[:-1]], runs.call_arr[runs.run_ptr[1:] - 1]
    kept = np.zeros(start_s.size, bool)
    for first_s, last_s in spans:
        kept |= (start_s <= last_s) & (end_s >= first_s)
    runs = take_runs(runs, np.flatnonzero(kept))
    return TwoWay(index_timetable(study.feed.n_stops, runs, feet))


def _walked(built: Timetables, kind: str, plain: WalkTable, other: WalkTable) -> TwoWay:
    return TwoWay(safe_footpaths(built[kind].timetable, plain, other))


@dataclass(frozen=True)
class Irregular:
    """What holds of each day of the list.

    Attributes
    ----------
    worked
        The days within the timetables' calendar, by site, roster, date and hour.
    out, back, holds : bool[W, H]
        Whether the way there, back, and both by one counting mode hold.
    findings
        What of the list was left out.
    """

    study: Study
    worked: tuple[Worked, ...]
    out: Bool
    back: Bool
    holds: Bool
    findings: tuple[Finding, ...] = ()

    def rosters(self) -> list[tuple[int, str]]:
        """Return the rosters of the list, by site and name."""
        return list(dict.fromkeys((w.site, w.roster) for w in self.worked))

    def share(self, site: int, roster: str) -> Float:
        """Return the share of a roster's days that hold at each home, float64[H]."""
        mine = [k for k, w in enumerate(self.worked) if (w.site, w.roster) == (site, roster)]
        return np.asarray(self.holds[mine].mean(axis=0))

    def summary(self) -> pd.DataFrame:
        """Return, per roster, its days and who can take how many of them."""
        rows = []
        for site, roster in self.rosters():
            share = self.share(site, roster)
            pool = self.study.pool(site)
            rows.append(
                {
                    "site": self.study.sites[site].name,
                    "roster": roster,
                    "dates": sum((w.site, w.roster) == (site, roster) for w in self.worked),
                    "pool": pool.sum(),
                    "always": pool @ (share == 1),
                    "half": pool @ (share >= 0.5),
                    "some": pool @ (share > 0),
                    "share_days": pool @ share / pool.sum() if pool.sum() else np.nan,
                }
            )
        frame = whole_persons(pd.DataFrame(rows), ["pool", "always", "half", "some"])
        return frame.round({"share_days": 4})

    def by_date(self) -> pd.DataFrame:
        """Return, per day of the list, who gets there and back, and who one way only."""
        rows = []
        for k, w in enumerate(self.worked):
            pool, holds, out = self.study.pool(w.site), self.holds[k], self.out[k] & ~self.holds[k]
            back = self.back[k] & ~holds & ~out
            kinds = (holds, out, back, ~(holds | out | back))
            _, *told, _ = whole_statuses(np.array([pool @ one for one in kinds]))
            rows.append((
                self.study.sites[w.site].name, w.roster, w.date.isoformat(), w.start_s, w.end_s,
                *told,
            ))  # fmt: skip
        names = ["site", "roster", "date", "start_s", "end_s", "reachable", "outbound_only",
                 "return_only"]  # fmt: skip
        return whole_persons(pd.DataFrame(rows, columns=names), names[5:])


def irregular(study: Study, path: Path | None = None) -> Irregular:
    """Return what holds on each day of a list.

    Parameters
    ----------
    path
        The list; without it, those that rosters of the territory give as ``dates``.

    Raises
    ------
    SourceError
        A list is wrong, or none of its dates is within the timetables' calendar.
    TerritoryError
        No list is given.
    """
    told: list[Finding] = []
    if path is not None:
        lists = {path: read_worked(path, [site.name for site in study.sites], findings=told)}
    else:
        lists = rosters_worked(study.territory, study.sites)
    if not lists:
        raise TerritoryError(
            "No list of dates and hours is given.",
            file=study.territory.path,
            column="sites.rosters.dates",
            mend='Give a roster dates = "hours.csv", or name the list after the territory file.',
        )
    inside = {w for file, listed in lists.items() for w in _within(study, file, listed, told)}
    return _answered(study, tuple(sorted(inside)), tuple(told))


def _within(study: Study, path: Path, listed: list[Worked], told: list[Finding]) -> list[Worked]:
    """Return the days of a list, once each, within the calendar; what is left out is told."""
    days = sorted(set(listed))
    if len(days) < len(listed):
        message = (
            "{count} rows of the list repeat another (same site, roster, date and hours) and are "
            "not counted again."
        )
        again = sorted({w.date.isoformat() for w, rows in Counter(listed).items() if rows > 1})
        told.append(Finding("warning", "dates_repeated", message, str(path),
                            len(listed) - len(days), tuple(again[:5])))  # fmt: skip
    period = study.feed.period
    inside = [w for w in days if period is None or period[0] <= w.date <= period[1]]
    if not inside:
        assert period is not None
        raise Table(path, pd.DataFrame()).error(
            "None of its dates is within the timetables' calendar, {first} to {last}.",
            column="date",
            value=days[0].date,
            mend="Give timetables that are valid then, or dates within them.",
            first=period[0],
            last=period[1],
        )
    if len(inside) < len(days):
        message = "{count} days of the list lie outside the timetables' calendar and are left out."
        gone = sorted({w.date.isoformat() for w in days} - {w.date.isoformat() for w in inside})
        told.append(Finding("warning", "dates_outside", message, str(path),
                            len(days) - len(inside), tuple(gone[:5])))  # fmt: skip
    return inside


def _answered(study: Study, worked: tuple[Worked, ...], findings: tuple[Finding, ...]) -> Irregular:
    asked, rows = _study_of_dates(study, worked)
    limits, modes = engine_limits(study.territory.limits), counting_modes(study)
    days = {day.date: day for day in asked.days}
    known: dict[tuple[int, dt.date], tuple[Bool, Bool, Bool]] = {}
    for w in worked:
        key = (rows[w.site, w.start_s, w.end_s], w.date)
        if key in known:
            continue
        out = back = holds = np.zeros(study.n_homes, bool)
        for mode in modes:
            onward, homeward = both_ways(asked, key[0], days[w.date], mode, limits)
            there, home = onward.elapsed_s < INF, homeward.elapsed_s < INF
            out, back, holds = out | there, back | home, holds | (there & home)
        known[key] = out, back, holds
    found = [known[rows[w.site, w.start_s, w.end_s], w.date] for w in worked]
    out, back, holds = (np.array([f[k] for f in found]) for k in range(3))
    return Irregular(study, worked, out, back, holds, findings)


def _study_of_dates(
    study: Study, worked: tuple[Worked, ...]
) -> tuple[Study, dict[tuple[int, int, int], int]]:
    """Return the study of the dates, with one shift for each hours of a site, and their rows."""
    zone, most_s = study.territory.zone, engine_limits(study.territory.limits).max_total_s
    spans: dict[dt.date, list[_Span]] = {date: [] for date in sorted({w.date for w in worked})}
    for w in worked:
        start_s = local_to_axis(w.date, w.start_s, zone)
        end_s = local_to_axis(w.date, w.end_s, zone, day_offset=int(w.end_s <= w.start_s))
        spans[w.date] += [(start_s - most_s, start_s), (end_s, end_s + most_s)]
    dated = on_dates(study, spans)
    sites = []
    for index, site in enumerate(study.sites):
        hours = sorted({(w.start_s, w.end_s) for w in worked if w.site == index})
        shifts = [
            Shift(name=f"{start}-{end}", start=start, end=end, days=list(WEEKDAYS))
            for start, end in hours
        ]
        rosters = [Roster(name="listed", shifts=shifts)] if shifts else site.rosters
        sites.append(site.model_copy(update={"rosters": rosters}))
    asked = variant(dated, lambda one: replace(one, sites=tuple(sites)))
    rows = {(r.site, r.start_s, r.end_s): r.shift_id for r in asked.shift_rows}
    return asked, rows
