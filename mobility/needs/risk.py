"""Road risk of shifts: kilometres driven to work by road and light, and accidents expected.

A rate is published per vehicle-km; that of an hour is the rate of its road times the ratio of its
light. Both rest on `factors.toml` beside this module, each with its source and its band. Rates are
those of all drivers: nothing is told of a person, and fatigue only as the small hours hold it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float, Int8
from mobility.base.clock import local_to_axis
from mobility.commute.access import Access
from mobility.commute.carpool import chances
from mobility.commute.drives import car_park_s, drives_between, road_seconds
from mobility.commute.ledger import Ledger, capture_rate, shift_headcount, worked_share
from mobility.commute.modal import DAY_OF_MONTH, YEAR
from mobility.commute.night import dark_share, daylight, place_of_sites
from mobility.commute.study import ShiftRow, Study
from mobility.engine.journeys import Edge
from mobility.needs import RiskFactors
from mobility.needs.driven import ROADS, Way, road_class, ways_driven
from mobility.remedies.factors import factors_of
from mobility.remedies.remedy import Remedy
from mobility.territory.project import Carpool

Spans = tuple[tuple[int, int], ...]

#: When a kilometre is driven: the small hours whatever their light.
_STATES = ("day", "twilight", "night", "small_hours")
#: Clock times of the small hours, of whose risk `risk.small_hours` tells.
_SMALL_HOURS_S = (3 * 3600, 5 * 3600)
ENDS = ("value", "low", "high")
_ENDS = ("accidents", "accidents_low", "accidents_high")


@dataclass(frozen=True)
class Risk:
    """What the jobs of a territory make drive, and the accidents that published rates expect.

    Attributes
    ----------
    ledger
        Jobs of each roster by home of their holders.
    held : bool[R, H]
        From which homes a roster holds without a car.
    trips : float64[R, 2, H, 4]
        Drives a year of one job of a roster, there and back, in parts by `_STATES`.
    km : float64[S, 2, H, 3]
        Of a drive to a site and of one back, by `ROADS`; 0 where it is out of reach.
    ways
        The same drives, piece by piece.
    rates : float64[3, 3, 4]
        Injury accidents per vehicle-km by `ENDS`, `ROADS` and `_STATES`.
    """

    study: Study
    ledger: Ledger
    held: Bool
    trips: Float
    km: Float
    ways: Sequence[tuple[Way, Way]]
    factors: RiskFactors
    rates: Float

    def driven(self, persons: Float) -> Float:
        """Return vehicle-km a year by roster, road and light, float64[R, 3, 4].

        Parameters
        ----------
        persons
            float64[R, H] who drive, with others in their car as usual.
        """
        found = [
            np.einsum("h,khc,khs->cs", persons[r], self.km[site], self.trips[r])
            for r, (site, _) in enumerate(self.ledger.rosters)
        ]
        driven = np.array(found, np.float64).reshape(-1, len(ROADS), len(_STATES))
        return np.asarray(driven / self._occupancy, np.float64)

    @property
    def _occupancy(self) -> float:
        return factors_of(self.study)["car_occupancy"]

    def accidents(self, vehicle_km: Float) -> Float:
        """Return the accidents expected of kilometres [..., 3, 4], by `ENDS` [..., 3]."""
        return np.asarray(np.einsum("...cs,ecs->...e", vehicle_km, self.rates), np.float64)

    def table(self) -> pd.DataFrame:
        """Return kilometres and accidents a year of each roster if everybody drove.

        ``bound_km`` and ``bound_accidents`` are those of the jobs whose holder has no other way.
        Nothing is told of a roster whose jobs are not known, nor what is driven to one that works
        on none of the days studied.
        """
        jobs = self.ledger.jobs
        driven, bound = self.driven(jobs), self.driven(np.where(self.held, 0.0, jobs))
        expected, least = self.accidents(driven), self.accidents(bound)
        rows = []
        for r, (site, roster) in enumerate(self.ledger.rosters):
            near = np.isfinite(self.ways[site][0].seconds) & np.isfinite(self.ways[site][1].seconds)
            rows.append(
                {
                    "site": self.study.sites[site].name,
                    "roster": roster,
                    "headcount": jobs[r].sum(),
                    "far_jobs": float(jobs[r] @ ~near),
                    "vehicle_km": driven[r].sum(),
                    **{f"{s}_km": driven[r, :, k].sum() for k, s in enumerate(_STATES)},
                    **{f"{c}_km": driven[r, k].sum() for k, c in enumerate(ROADS)},
                    **dict(zip(_ENDS, expected[r], strict=True)),
                    "bound_km": bound[r].sum(),
                    "bound_accidents": least[r, 0],
                }
            )
        frame = _whole(pd.DataFrame(rows))
        told = frame.columns.drop(["site", "roster"])
        frame.loc[~self.ledger.counted, told] = pd.NA
        frame.loc[~self.ledger.worked[:, 0], told.drop(["headcount", "far_jobs"])] = pd.NA
        return frame

    def uncounted(self) -> list[tuple[int, str]]:
        """Return site and name of the rosters whose jobs are not known: no total holds them."""
        known = zip(self.ledger.rosters, self.ledger.counted, strict=True)
        return [(site, roster) for (site, roster), counted in known if not counted]

    def removed(self, remedies: Sequence[Spared]) -> pd.DataFrame:
        """Return what remedies take off the roads, those that avoid most accidents first.

        The kilometres of vehicles that a feed adds are taken off, at the mean rate of those
        avoided. Nothing is known of it where the jobs of no roster are.
        """
        rows = []
        for one in remedies:
            driven = self.driven(one.persons).sum(axis=0)
            total = driven.sum()
            net = 1 - one.own_km / total if total > 0 else 0.0
            rows.append(
                {
                    "remedy": one.name,
                    "users": one.users,
                    "vehicle_km": total,
                    "dark_km": driven[:, 1:].sum(),
                    "own_km": one.own_km,
                    **dict(zip(_ENDS, self.accidents(driven) * net, strict=True)),
                }
            )
        columns = ["remedy", "users", "vehicle_km", "dark_km", "own_km", *_ENDS]
        frame = _whole(pd.DataFrame(rows, columns=columns))
        if not self.ledger.counted.any():
            frame[columns[1:]] = pd.NA
        order = ["accidents", "remedy"]
        return frame.sort_values(order, ascending=[False, True]).reset_index(drop=True)

    def on_roads(self) -> tuple[Float, Float]:
        """Return cars a year on each street piece if everybody drove, and those not by day."""
        every, dark = (np.zeros(self.study.streets.n_edges) for _ in range(2))
        for r, (site, _) in enumerate(self.ledger.rosters):
            for side, way in enumerate(self.ways[site]):
                cars = self.ledger.jobs[r][:, None] * self.trips[r, side] / self._occupancy
                for total, part in ((every, cars), (dark, cars[:, 1:])):
                    weights = part.sum(axis=1)[way.home]
                    np.add.at(total, way.edge, weights)
        return every, dark


@dataclass(frozen=True)
class Spared:
    """Who drives no more with a remedy.

    Attributes
    ----------
    persons
        float64[R, H] drivers spared: of a shared car, the part of each that stays at home.
    users
        Persons who change their ways.
    own_km
        Kilometres a year of the vehicles that it adds.
    """

    name: str
    persons: Float
    users: float
    own_km: float = 0.0


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with whole kilometres and jobs; accidents to a ten-thousandth."""
    names = [str(c) for c in frame]
    for name in names:
        if name.endswith("_km") or name in ("headcount", "far_jobs"):
            frame[name] = frame[name].astype(float).round().astype("Int64")
    told = [name for name in names if "accidents" in name]
    return frame.astype(dict.fromkeys(told, float)).round(dict.fromkeys(told, 4) | {"users": 1})


def risk(access: Access) -> Risk:
    """Return what the jobs of a territory make drive, and the accidents expected."""
    study, ledger = access.study, Ledger.of(access.study)
    ways, kind = ways_driven(study), road_class(study.streets)
    shape = (study.n_homes, len(ROADS))
    km = np.array([[_km(way, kind, shape) for way in both] for both in ways])
    factors = RiskFactors.load(study.territory.factors, file=study.territory.path)
    light = _Light(study, ways)
    trips = np.array([_trips(study, light, *name) for name in ledger.rosters])
    return Risk(study, ledger, ledger.held(access), trips, km, ways, factors, rates(factors))


def _km(way: Way, kind: Int8, shape: tuple[int, int]) -> Float:
    cell = way.home * shape[1] + kind[way.edge]
    metres = np.bincount(cell, weights=way.metres, minlength=shape[0] * shape[1])
    return np.asarray(metres.reshape(shape) / 1000, np.float64)


def _trips(study: Study, light: _Light, site: int, roster: str) -> Float:
    """Return the drives a year of one job of a roster by direction, home and light.

    Its holder drives on the days that a worker works, as in `mobility plan`.
    """
    worked_part = worked_share(study, site, roster, factors_of(study)["worked_days_year"])
    rows = [r for r in study.shift_rows if (r.site, r.roster) == (site, roster)]
    heads = np.array([shift_headcount(study, row.headcount) for row in rows], np.float64)
    share = heads / heads.sum() if heads.sum() else np.full(len(rows), 1 / len(rows))
    found = np.zeros((2, study.n_homes, len(_STATES)))
    for row, part in zip(rows, share, strict=True):
        worked = [day for day in study.days if study.works_on(row.shift_id, day)]
        if not worked:
            continue
        days = sum(study.days_per_year(row.shift_id, day) for day in worked)
        for edge in study.edges(row.shift_id, worked[0]):
            found[int(edge.returning)] += part * worked_part * days * light.of(row, edge)
    return found


class _Light:
    """The light in which the drives of a shift's edge fall over a year, once each."""

    def __init__(self, study: Study, ways: Sequence[tuple[Way, Way]]) -> None:
        self.study, self.ways = study, ways
        self._known: dict[tuple[int, int, int, bool], Float] = {}

    def of(self, row: ShiftRow, edge: Edge) -> Float:
        """Return the parts of a drive in each of `_STATES`, float64[H, 4]."""
        clock_s = row.end_s if edge.returning else row.start_s
        key = (row.site, clock_s, edge.margin_s, edge.returning)
        if key not in self._known:
            dates = [dt.date(YEAR, month, DAY_OF_MONTH) for month in range(1, 13)]
            found = [self._on(date, clock_s, row.site, edge) for date in dates]
            self._known[key] = np.mean(found, axis=0)
        return self._known[key]

    def _on(self, date: dt.date, clock_s: int, site: int, edge: Edge) -> Float:
        territory, seconds = self.study.territory, self.ways[site][int(edge.returning)].seconds
        zone, (lon, lat) = territory.zone, place_of_sites(self.study)
        here = Edge(edge.returning, local_to_axis(date, clock_s, zone), edge.margin_s)
        parked_s = car_park_s(territory.driving, here)
        free_s = np.where(np.isfinite(seconds), seconds, 0.0)
        whole_s = np.rint(free_s).astype(np.int64)
        on_road_s = road_seconds(territory.driving, whole_s, parked_s, returning=edge.returning)
        road_s = np.rint(on_road_s).astype(np.int64)
        start_s = np.full(len(road_s), parked_s) if edge.returning else parked_s - road_s
        span = (start_s, start_s + road_s)
        small = tuple(
            (
                local_to_axis(date, _SMALL_HOURS_S[0], zone, day_offset=k),
                local_to_axis(date, _SMALL_HOURS_S[1], zone, day_offset=k),
            )
            for k in (-1, 0, 1)
        )
        sun = daylight(date, zone, lon, lat)
        dawn = daylight(date, zone, lon, lat, twilight=True)
        lit, civil = (1 - dark_share(_without(s, small), *span) for s in (sun, dawn))
        early = 1 - dark_share(small, *span)
        # A home at the gate itself drives nothing: its share in the dark reads as none.
        early = np.where(road_s > 0, early, 0.0)
        return np.column_stack([lit, civil - lit, 1 - civil - early, early])


def _without(spans: Spans, gaps: Spans) -> Spans:
    """Return spans of seconds with others cut out of them."""
    for first, last in gaps:
        parts = [((a, min(b, first)), (max(a, last), b)) for a, b in spans]
        spans = tuple((a, b) for both in parts for a, b in both if a < b)
    return spans


def rates(factors: RiskFactors) -> Float:
    """Return injury accidents per vehicle-km by end of the band, road and light, [3, 3, 4].

    The mean over all hours m of a road is that by day d, weighted with the share s driven without
    daylight and the ratio k there: m = d (1 - s + s k).
    """
    found = []
    for end in ENDS:
        f = {name.removeprefix("risk."): getattr(row, end) for name, row in factors.rows.items()}
        # More traffic in the dark makes the rate by day lower.
        other = {"value": "value", "low": "high", "high": "low"}[end]
        share = getattr(factors.rows["risk.dark_traffic"], other)
        for road in ROADS:
            dark = f["dark_inside"] if road == "inside" else f["dark_outside"]
            mean = f["accidents"] * f[road] / 1e9
            by_day = mean / (1 - share + share * dark)
            found.append(by_day * np.array([1.0, f["twilight"], dark, f["small_hours"]]))
    return np.array(found).reshape(len(ENDS), len(ROADS), len(_STATES))


def by_feed(found: Risk, name: str, after: Access) -> Spared:
    """Return who drives no more once a feed is added: of the jobs gained, those who take it."""
    persons = _gained(found, after) * capture_rate(found.study)
    return Spared(name, persons, float(persons.sum()), added_km(found.study, after.study))


def by_lever(found: Risk, name: str, remedy: Remedy, after: Access) -> Spared:
    """Return who drives no more with a recommended remedy."""
    if not remedy.rescued:
        taken = remedy.users / remedy.jobs if remedy.jobs > 0 else 0.0
        persons = _gained(found, after) * taken
        return Spared(name, persons, float(persons.sum()), added_km(found.study, after.study))
    persons = np.zeros_like(found.ledger.jobs)
    for r, (site, _) in enumerate(found.ledger.rosters):
        for one in remedy.rescued:
            if one.site == site:
                lacks = one.homes & ~found.held[r]
                persons[r] += found.ledger.jobs[r] * lacks * one.share * one.uptake
    shared = _stay_home(found.study) if remedy.kind == "carpool" else 1.0
    return Spared(name, persons * shared, float(persons.sum()))


def by_carpool(found: Risk, name: str) -> Spared:
    """Return what car-pooling takes off the roads: who has a colleague on the way and takes it up.

    Detours to fetch one another are not counted.
    """
    study, factors = found.study, factors_of(found.study)
    matched = chances(study, drives_between(study), study.territory.carpool or Carpool())
    persons = np.zeros_like(found.ledger.jobs)
    for r, name_r in enumerate(found.ledger.rosters):
        rows = [row for row in study.shift_rows if (row.site, row.roster) == name_r]
        shared = [matched[row.shift_id][1][0] for row in rows if row.shift_id in matched]
        if shared:
            persons[r] = found.ledger.jobs[r] * np.mean(shared, axis=0)
    persons *= factors["carpool_adoption"]
    return Spared(name, persons * _stay_home(study), float(persons.sum()))


def _stay_home(study: Study) -> float:
    """Return the part of a car that stays at home for each person who shares one."""
    factors = factors_of(study)
    return max(0.0, 1 - factors["car_occupancy"] / factors["carpool.crew"])


def _gained(found: Risk, after: Access) -> Float:
    return np.where(found.ledger.held(after) & ~found.held, found.ledger.jobs, 0.0)


def added_km(study: Study, after: Study) -> float:
    """Return kilometres a year of the trips that a study has more than another, stop to stop.

    Straight lines: the road is longer, and so is the way from and to the depot.
    """
    feed, first = after.feed, len(study.feed.trips)
    ptr, stop = feed.trip_ptr, feed.stop_times["stop"].to_numpy()
    xy = after.streets.project(*feed.lonlat().T)
    total_m = 0.0
    for day in study.days:
        trips = feed.trips_on(day.date)
        for trip in trips[trips >= first].tolist():
            line = xy[stop[ptr[trip] : ptr[trip + 1]]]
            line = line[np.isfinite(line).all(axis=1)]
            run_m = float(np.hypot(*np.diff(line, axis=0).T).sum())
            total_m += run_m * len(day.weekdays) * study.weeks(day)
    return total_m / 1000
