"""A bus for those who look for work: some halts, a tour of one day, and the sites at its end.

Halts are chosen among the places where a shuttle may stop, so that most seekers reach one of them
on foot or by public transport in time and get home from it in the evening: the maximal covering
location problem of `mobility.shuttles.stops`. The tour is the shortest through them, to the sites
and back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float, Int32
from mobility.base.clock import local_to_axis, parse_clock
from mobility.base.errors import TerritoryError
from mobility.commute.door_to_door import transit_times
from mobility.commute.indicators import whole_persons
from mobility.commute.inventory import some_of
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import with_homes
from mobility.engine.journeys import Edge
from mobility.needs.housing import without_car
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.drive import DriveGraph, Ways, drive_graph, drive_matrix
from mobility.shuttles.model import UNREACHED, Place
from mobility.shuttles.places import candidate_places, lonlat_of, walk_matrix
from mobility.shuttles.stops import Selection, select_stops
from mobility.sources.days import ChosenDay
from mobility.sources.holidays import read_holidays
from mobility.territory.rosters import Roster, Site
from mobility.timetable.arrays import INF

#: Places whose surroundings are asked by the timetable: those with most seekers on foot.
_CANDIDATES = 60
_SPACING_M = 400.0
_DWELL_S = 120
#: The tour is exact over the orders of so many halts, or of so many sites.
_MOST_CALLS = 7
#: Of the hours of return, which depend on the halts: choices made one after the other.
_ROUNDS = 2
Order = tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class Wishes:
    """What is asked of the bus.

    Attributes
    ----------
    halts
        At most.
    start_s
        Clock time of the first halt.
    visit_min
        Stay at each site.
    sites
        Rows of `Study.sites` that it ends at.
    group
        Group of the homes' layer that looks for work; all workers where empty.
    """

    halts: int
    start_s: int
    visit_min: float
    sites: tuple[int, ...]
    group: str = ""


@dataclass(frozen=True)
class Tour:
    """The bus of a day.

    Attributes
    ----------
    calls
        A row per call, in order: ``direction``, ``stop``, ``kind``, ``clock_s``, ``within``
        (seekers who reach the halt and get home from it), ``lon``, ``lat``.
    seekers
        Persons of each home, float64[H].
    reached
        Homes that reach some halt in time, and get home, at the tour's own hours.
    bound
        No set of so many halts among the candidates is reached by more, each there and back at
        the hours of some halt of this tour.
    dates
        One of that kind a month, within the timetables' calendar.
    path
        Of the bus there, longitude and latitude.
    """

    study: Study
    day: ChosenDay
    calls: pd.DataFrame
    seekers: Float
    reached: Bool
    bound: float
    km: float
    dates: tuple[dt.date, ...]
    path: Float

    def summary(self) -> pd.DataFrame:
        """Return the figures of the tour, one row."""
        there = self.calls[self.calls["direction"] == "outbound"]
        total, reached = self.seekers.sum(), float(self.seekers @ self.reached)
        row = {
            "halts": int((there["kind"] != "gate").sum()),
            "seekers": total,
            "reachable": reached,
            "share": reached / total if total else np.nan,
            "bound": self.bound,
            "km": round(self.km, 1),
            "start_s": int(self.calls["clock_s"].iloc[0]),
            "end_s": int(self.calls["clock_s"].iloc[-1]),
            "dates": ", ".join(date.isoformat() for date in self.dates),
        }
        return whole_persons(pd.DataFrame([row]), ["seekers", "reachable", "bound"])

    def told_calls(self) -> pd.DataFrame:
        """Return the calls as a table: seekers in whole persons, none at a gate."""
        within = [
            np.nan if held is None else float(self.seekers @ held) for held in self.calls["within"]
        ]
        frame = self.calls.assign(seekers=within)
        columns = ["direction", "stop", "kind", "clock_s", "seekers", "lon", "lat"]
        return whole_persons(frame[columns], ["seekers"]).round({"lon": 5, "lat": 5})


def job_bus(study: Study, wishes: Wishes, day: ChosenDay) -> Tour:
    """Return the halts that most seekers reach, and the tour that calls at them.

    Raises
    ------
    SourceError, TerritoryError
        There is no such group, more of it than workers at a home, nobody of it, no place to
        halt, or no road between them.
    """
    seekers = some_of(study, wishes.group)
    config = ShuttleConfig.from_territory(study.territory)
    places = _candidates(study, seekers)
    gates = [Place(study.sites[k].name, *study.sites[k].gates[0], "gate") for k in wishes.sites]
    everything = [*places, *gates]
    graph = drive_graph(
        study.streets, study.territory.speeds, lonlat_of(everything), factor=config.drive_factor
    )
    drive = drive_matrix(graph, np.arange(len(everything)))
    n = len(places)
    joined, most = _joined(drive.seconds, n), min(wishes.halts, _MOST_CALLS)
    asked = _asked(study, places)
    xy = study.streets.project(*lonlat_of(places).T)
    end_s = wishes.start_s + len(gates) * round(wishes.visit_min * 60) + 2 * 3600

    def best_halts(hours: Sequence[tuple[int, int]]) -> Selection:
        """Return the halts that most reach, each at any of these hours there and back."""
        asks = [_reach(asked, day, [(k, *at) for k in range(n)]) for at in hours]
        within = np.any(asks, axis=0) & joined[:, None]
        return select_stops(within, seekers, xy, spacing_m=_SPACING_M, max_stops=most)

    best: tuple[Tour, list[tuple[int, int]]] | None = None
    for _ in range(_ROUNDS):
        found = best_halts([(wishes.start_s, end_s)])
        if not found.chosen.size:
            raise TerritoryError(
                "Nobody reaches any place in time and gets home from it.",
                column="--from",
                mend="Start later, give fewer sites or shorter visits, or raise the limits.",
            )
        clocks, calls, metres = _timed(
            wishes, drive.seconds, drive.metres, found.chosen, range(n, len(everything))
        )
        tour = _toured(study, asked, day, everything, clocks, calls, graph)
        tour = replace(tour, seekers=seekers, km=metres / 1000, dates=_dates(study, day))
        back = dict(clocks[len(calls) :])
        hours = [(clock_s, back[k]) for k, clock_s in clocks[: len(calls)] if k in back]
        if best is None or seekers @ tour.reached > seekers @ best[0].reached:
            best = tour, hours
        # The halts chosen next are asked at the hours of this tour.
        end_s = int(np.mean(list(back.values())))
    assert best is not None
    return replace(best[0], bound=best_halts(best[1]).bound)


def _joined(seconds: Int32, n: int) -> Bool:
    """Return which of the first ``n`` places roads join to every site, both ways.

    Raises `TerritoryError`: none is.
    """
    way = seconds < UNREACHED
    joined = np.asarray(way[:n, n:].all(axis=1) & way[n:, :n].all(axis=0))
    if not joined.any():
        raise TerritoryError(
            "No road joins the halts and the sites.",
            column="--site",
            mend="Check that the sites' first gates are on public roads of the extract.",
        )
    return joined


def read_clock(text: str) -> int:
    """Return the seconds of a clock time of the command line.

    Raises
    ------
    TerritoryError
        It is none.
    """
    try:
        return parse_clock(text)
    except ValueError:
        raise TerritoryError(
            "It is no time of day.",
            column="--from",
            value=text,
            mend='Write a time of day, e.g. "05:00".',
        ) from None


def sites_named(study: Study, names: Sequence[str]) -> tuple[int, ...]:
    """Return the rows of sites by their names, all of them where none is named.

    Raises
    ------
    TerritoryError
        There is no such site, or they are too many for one day.
    """
    known = [site.name for site in study.sites]
    for name in names:
        if name not in known:
            raise TerritoryError(
                "There is no such name.",
                column="--site",
                value=name,
                mend="Choose one of: {known}.",
                known=", ".join(known),
            )
    found = tuple(k for k, name in enumerate(known) if not names or name in names)
    if len(found) > _MOST_CALLS:
        raise TerritoryError(
            "These are {count} sites; a tour visits {most} at most.",
            column="--site",
            mend="Name those to visit with --site.",
            count=len(found),
            most=_MOST_CALLS,
        )
    return found


def _candidates(study: Study, seekers: Float) -> list[Place]:
    """Return the places with most seekers within a walk, spaced apart."""
    homes = np.flatnonzero(seekers > 0)
    lonlat = study.homes.lonlat[homes]
    limit_s = study.territory.limits.max_walk_min * 60
    reach_m = limit_s * study.territory.speeds.walk_kmh / 3.6
    places = candidate_places(study, study.streets.project(*lonlat.T), reach_m=reach_m)
    if not places:
        raise TerritoryError(
            "There is no place to halt near them.",
            column="--group",
            mend="Check where they live, or take a larger extract of the streets.",
        )
    near = walk_matrix(study, lonlat, places, limit_s) < UNREACHED
    order = np.argsort(-(seekers[homes] @ near), kind="stable")
    xy = study.streets.project(*lonlat_of(places).T)
    kept: list[int] = []
    for k in order.tolist():
        if all(np.hypot(*(xy[k] - xy[j])) >= _SPACING_M for j in kept):
            kept.append(k)
        if len(kept) == _CANDIDATES:
            break
    return [places[k] for k in kept]


def _asked(study: Study, places: Sequence[Place]) -> Study:
    """Return the study whose sites are the places, asked like gates."""
    roster = Roster.model_validate("day")
    sites = tuple(
        Site(name=f"{k}", gates=[(place.lon, place.lat)], rosters=[roster])
        for k, place in enumerate(places)
    )
    return with_homes(without_car(study), study.homes, sites=sites)


def _reach(asked: Study, day: ChosenDay, calls: Sequence[tuple[int, int, int]]) -> Bool:
    """Return who reaches each place by a clock time and gets home after another, bool[C, H]."""
    limits, zone = engine_limits(asked.territory.limits), asked.territory.zone
    found = []
    for place, there_s, back_s in calls:
        held = np.ones(asked.n_homes, bool)
        for returning, clock_s in ((False, there_s), (True, back_s)):
            at_s = local_to_axis(day.date, clock_s, zone)
            edge = Edge(returning=returning, at_s=at_s, margin_s=0)
            held &= transit_times(asked, place, day, edge, limits).elapsed_s < INF
        found.append(held)
    return np.array(found)


def _shortest(seconds: Int32, calls: Sequence[int]) -> dict[tuple[int, int], Order]:
    """Return the shortest order of all calls by its first and last."""
    best: dict[tuple[int, int], Order] = {}
    for order in permutations(calls):
        cost = sum(int(seconds[a, b]) for a, b in pairwise(order))
        key = (order[0], order[-1])
        if key not in best or cost < best[key][0]:
            best[key] = (cost, order)
    return best


def _timed(
    wishes: Wishes, seconds: Int32, metres: Float, halts: Int32, gates: Sequence[int]
) -> tuple[list[tuple[int, int]], tuple[int, ...], float]:
    """Return each call with its clock, those of the way there, and the metres driven."""
    chosen = [int(k) for k in halts]
    pick, visit = _shortest(seconds, chosen), _shortest(seconds, list(gates))
    _, there = min(
        (a + int(seconds[p[-1], v[0]]) + b, (*p, *v))
        for (a, p) in pick.values()
        for (b, v) in visit.values()
    )
    _, home = min((int(seconds[there[-1], p[0]]) + a, p) for (a, p) in pick.values())
    clock_s, calls = wishes.start_s, []
    for k, call in enumerate((*there, *home)):
        if k:
            before = (*there, *home)[k - 1]
            stay_s = round(wishes.visit_min * 60) if before in gates else _DWELL_S
            clock_s += stay_s + int(seconds[before, call])
        # Whole minutes are published: rounded up, none is before the bus can be there.
        clock_s = -(-clock_s // 60) * 60
        calls.append((call, clock_s))
    length = sum(float(metres[a, b]) for a, b in pairwise((*there, *home)))
    return calls, there, length


def _toured(
    study: Study, asked: Study, day: ChosenDay, places: Sequence[Place],
    clocks: Sequence[tuple[int, int]], there: tuple[int, ...], graph: DriveGraph,
) -> Tour:  # fmt: skip
    """Return the tour, asked again at its own hours."""
    n = len(there)
    back = dict(clocks[n:])
    halts = [(k, clock_s, back[k]) for k, clock_s in clocks[:n] if k in back]
    within = dict(zip((k for k, *_ in halts), _reach(asked, day, halts), strict=True))
    rows = [
        (
            "outbound" if k < n else "return",
            places[call].name,
            places[call].kind,
            clock_s,
            within.get(call),
            places[call].lon,
            places[call].lat,
        )
        for k, (call, clock_s) in enumerate(clocks)
    ]
    names = ["direction", "stop", "kind", "clock_s", "within", "lon", "lat"]
    reached = np.any(list(within.values()), axis=0)
    path = Ways(graph).lonlat(there)
    nobody = np.zeros(study.n_homes)
    calls = pd.DataFrame(rows, columns=names)
    return Tour(study, day, calls, nobody, reached, 0.0, 0.0, (), path)


def _dates(study: Study, day: ChosenDay) -> tuple[dt.date, ...]:
    """Return the first date of each month that is of the kind, on the same weekday."""
    period = study.feed.period or (day.date, day.date)
    holidays = read_holidays(study.territory.days, *period)
    found: dict[tuple[int, int], dt.date] = {}
    for k in range((period[1] - period[0]).days + 1):
        date = period[0] + dt.timedelta(days=k)
        alike = date.weekday() == day.date.weekday() and holidays.kind(date) == day.kind
        if alike and study.feed.trips_on(date).size:
            found.setdefault((date.year, date.month), date)
    return tuple(found.values())
