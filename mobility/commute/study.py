"""A study: everything read and built for one territory, before any question is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float, Int32
from mobility.base.cache import Bundle, cached, place_of
from mobility.base.clock import local_to_axis
from mobility.base.errors import Finding
from mobility.base.ledger import SourceLedger
from mobility.commute.walks import BothWays, nearest_gate
from mobility.engine.journeys import Edge, EngineLimits, TwoWay
from mobility.sources.days import ChosenDay
from mobility.streets.graph import State, Streets
from mobility.territory.project import Limits, Site, Territory
from mobility.territory.rosters import day_of_year, season_of, share_of_year
from mobility.timetable.footpaths import WalkTable

if TYPE_CHECKING:
    from mobility.commute.data_sheet import DataSheet
    from mobility.commute.feeder_modes import Carried, Feeder
    from mobility.commute.on_demand import OnDemandService
    from mobility.sources.gtfs.read import Feed
    from mobility.sources.homes.model import Homes

Progress = Callable[[str], None]
#: What makes a variant of a study, in any light and at any hour.
Change = Callable[["Study"], "Study"]

#: French school weeks a year (Code de l'éducation, L521-1); the other weeks are holidays.
SCHOOL_WEEKS, WEEKS = 36, 52
#: At which homes edges hold, bool[H]: by site, kind of day, edges (one or the other) and limits.
Held = dict[tuple[int, str, tuple[Edge, ...], EngineLimits], Bool]
#: Which study answers for another how an edge of a site holds, on a kind of day, under limits, or,
#: given some homes, bool[H], for which of them it holds at all: of others it may say anything.
StandIn = Callable[[int, ChosenDay, Edge, EngineLimits, Bool | None], "Study"]


def quiet(_step: str) -> None:
    """Report no progress."""


class Timetables(Mapping[str, TwoWay]):
    """Timetable and mirror of each kind of day, made when first asked for, by any thread.

    ``served`` returns `variants.stops_served` of them where it is known without making them.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], TwoWay]],
        *,
        served: Callable[[], Bool] | None = None,
    ) -> None:
        self._kinds, self._makers, self.served = tuple(makers), dict(makers), served
        self._made: dict[str, TwoWay] = {}
        self._lock = Lock()

    def __getitem__(self, kind: str) -> TwoWay:
        """Return those of a kind of day."""
        with self._lock:
            if kind not in self._made:
                self._made[kind] = self._makers[kind]()
                del self._makers[kind]  # it holds the runs that it is made of
            return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        """Yield the kinds of day."""
        return iter(self._kinds)

    def __len__(self) -> int:
        """Return how many kinds of day there are."""
        return len(self._kinds)


@dataclass(frozen=True)
class SourceRecord:
    """Where a figure comes from.

    Attributes
    ----------
    role
        ``streets``, ``timetable``, ``homes``, ``sites`` or ``territory``.
    name
        File name.
    sha256
        Hash of its bytes.
    licence, attribution
        As its publisher asks; empty where unknown.
    """

    role: str
    name: str
    sha256: str
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class ShiftRow:
    """One shift of one roster of one site.

    Attributes
    ----------
    shift_id
        Its place in `Study.shift_rows`.
    site
        Index into `Study.sites`.
    start_s, end_s
        Wall-clock seconds since local midnight; the end is on the next day when
        ``crosses_midnight``.
    days
        Weekdays on which it starts.
    period
        First and last date of a seasonal roster, None all year round.
    """

    shift_id: int
    site: int
    site_name: str
    employer: str
    roster: str
    shift: str
    start_s: int
    end_s: int
    crosses_midnight: bool
    headcount: int
    days: tuple[str, ...]
    period: tuple[dt.date, dt.date] | None = None

    @property
    def season(self) -> int:
        """Days of the year on which its roster works, see `rosters.season_of`."""
        return season_of(self.period)


@dataclass
class Views:
    """A study after dark and at hours of the day, each made when it is first asked for.

    Attributes
    ----------
    made_from
        The study of which it is a variant, and what changes: its views are those of that
        study, changed alike.
    opened
        The study as open at a second of the axis of a date, one of those of `at_hours`.
    measured
        What was measured at some hour: by what it is, whether it is after dark and the hash of
        the seconds per street piece on which it rests. Hours at which they are alike share it.
    held
        What was found of edges, kept where somebody who asks again puts a table here.
    elapsed_s
        The same of the seconds of edges, int32[H].
    ahead
        Rides that were asked together, see `asked_together`.
    stand_in
        Whom to ask for it about riding and walking, where others know as much.
    on_streets
        Whom to ask about ways on streets alone, where another has the same.
    beside
        Walks around some sets of places beside its stops, see `additions.NewStops`.
    """

    made_from: tuple[Study, Change] | None = None
    dark: Study | None = None
    at_hours: dict[State, Study] = field(default_factory=dict)
    opened: dict[tuple[dt.date, int], Study] = field(default_factory=dict)
    measured: dict[tuple[object, ...], Any] = field(default_factory=dict)
    held: Held | None = None
    elapsed_s: dict[tuple[int, str, Edge, EngineLimits], Int32] | None = None
    ahead: dict[tuple[int, str, Edge, EngineLimits], Int32] | None = None
    stand_in: StandIn | None = None
    on_streets: Study | None = None
    beside: dict[str, dict[tuple[object, ...], Any]] = field(default_factory=dict)

    def forget(self) -> None:
        """Free the views: they and their study hold each other, and would stay for long."""
        self.lighten()
        self.held, self.elapsed_s, self.stand_in, self.on_streets = None, None, None, None

    def lighten(self) -> None:
        """Free the streets of each hour, which are found in the cache when next asked for."""
        views = [*self.at_hours.values(), *([self.dark] if self.dark is not None else [])]
        self.dark = None
        for made in (self.at_hours, self.opened, self.measured, self.beside):
            made.clear()
        for view in views:
            view.views.forget()


@dataclass(frozen=True)
class Study:
    """One territory, read and built.

    Attributes
    ----------
    days
        Studied day kinds, each with its date.
    timetables
        Timetable and mirror per day kind.
    home_walks, gate_walks
        Walks to stops; rows are homes, and gates in the order of sites. They reach further
        than ``max_walk_min`` so that the limit can be relaxed.
    feeders
        How stops are reached otherwise than on foot, per mode (``bike_transit``,
        ``park_and_ride``).
    on_demand
        Zones in which a vehicle comes when booked.
    street_times
        Per street mode, seconds to work and back home between homes and the nearest gate of
        each site, ``INF`` where out of reach.
    ledger
        What became of what each source holds.
    sheet_of
        Gives what decides it before anything is computed; of the territory as it was read.
    scenario
        Name of the variant, empty for the territory as it is.
    kept_safe
        Whether ways keep to streets that are safe at night, see `variants.after_dark`.
    any_hour, hours
        In a study as its streets are at some hour, see `variants.open_at`: the study of any
        hour, and what holds at that one.
    light_of
        The edge of a shift in whose light all is walked, whatever hour is asked; None for that
        of each hour.
    content
        Hash of all that its results follow from but its sites, by which they are kept; empty
        where nobody knows, as of a variant. Never handed on: ``replace`` starts anew.
    views
        The same study in other lights and hours. Never handed on either.
    """

    territory: Territory
    homes: Homes
    sites: tuple[Site, ...]
    streets: Streets
    feed: Feed
    days: tuple[ChosenDay, ...]
    timetables: Mapping[str, TwoWay]
    home_walks: WalkTable
    gate_walks: WalkTable
    street_times: Mapping[str, BothWays]
    feeders: Mapping[str, Feeder | Carried] = field(default_factory=dict)
    on_demand: tuple[OnDemandService, ...] = ()
    findings: tuple[Finding, ...] = ()
    sources: tuple[SourceRecord, ...] = ()
    ledger: tuple[SourceLedger, ...] = ()
    sheet_of: Callable[[], DataSheet] | None = None
    scenario: str = ""
    kept_safe: bool = False
    any_hour: Study | None = None
    hours: State = ()
    light_of: Edge | None = None
    content: str = field(default="", init=False, repr=False, compare=False)
    views: Views = field(default_factory=Views, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return "\n".join(
            [
                f"Study of {self.territory.name}" + f", {self.scenario}" * bool(self.scenario),
                f"  homes: {self.n_homes:,}, {self.workers.sum():,.0f} workers",
                f"  sites: {len(self.sites):,}, {len(self.shift_rows):,} shifts",
                f"  streets: {self.streets.n_edges:,} pieces",
                f"  timetables: {len(self.feed.stops):,} stops, {len(self.feed.trips):,} trips",
                f"  days: {', '.join(f'{day.kind} {day.date}' for day in self.days)}",
                f"  modes: {', '.join(self.territory.modes.evaluated)}",
                f"  findings: {len(self.findings)}",
            ]
        )

    @property
    def has_timetable(self) -> bool:
        """Whether some trip is known, whatever days it runs on."""
        return not self.feed.trips.empty

    @property
    def sheet(self) -> DataSheet | None:
        """What decides it, see `sheet_of`."""
        return None if self.sheet_of is None else self.sheet_of()

    @cached_property
    def shift_rows(self) -> tuple[ShiftRow, ...]:
        """One per site, roster and shift, in that order."""
        # Known employees are the jobs; no headcount is to be supposed beside them.
        told = self.territory.shuttles.get("default_headcount")
        return tuple(shift_rows(self.sites, int(told or 0) if self.homes.pool is None else 0))

    @cached_property
    def shifts(self) -> pd.DataFrame:
        """The shifts as a table, one column per field of `ShiftRow`."""
        return pd.DataFrame([vars(row) for row in self.shift_rows])

    @cached_property
    def egress_s(self) -> Int32:
        """Walk between each stop and the nearest gate, int32 (sites, stops)."""
        walks = self.gate_walks
        return nearest_gate(walks.ptr, walks.stop, walks.walk_s, self.sites, len(self.feed.stops))

    @property
    def gates_lonlat(self) -> Float:
        """Longitude and latitude of the gates of all sites, in their order, float64 (gates, 2)."""
        return np.array([gate for site in self.sites for gate in site.gates], np.float64)

    @property
    def n_homes(self) -> int:
        """Number of homes."""
        return len(self.homes.frame)

    @cached_property
    def workers(self) -> Float:
        """Workers per home, float64 (homes,)."""
        return np.asarray(self.homes.frame["workers"], np.float64)

    def kept(self, key: Sequence[object], compute: Callable[[], Bundle]) -> Bundle:
        """Return what ``compute`` finds of a study, kept in the cache where its content is known.

        Parameters
        ----------
        key
            What it follows from besides `content`.
        """
        return cached("results", [self.content, *key], compute) if self.content else compute()

    def is_kept(self, key: Sequence[object]) -> bool:
        """Return whether `kept` is likely to find what follows from ``key``."""
        return bool(self.content) and place_of("results", [self.content, *key]).exists()

    def pool(self, site: int, roster: str | None = None) -> Float:
        """Return the workers of each home who belong to a site's labour pool.

        Without known employees, every worker of the territory does.
        """
        return self.workers if self.homes.pool is None else self._known("workers", site, roster)

    def members(self, group: str, site: int, roster: str) -> Float:
        """Return the workers of each home who are of a group and of a roster's labour pool.

        A group that is a place, as a priority district is, counts for the same share of every
        labour pool of a home.
        """
        people = np.asarray(self.homes.frame[group], np.float64)
        known = self.homes.pool
        if known is None:
            return people
        if group not in known:
            pool, everybody = self.pool(site, roster), self.workers
            return people * np.divide(pool, everybody, out=np.zeros_like(pool), where=everybody > 0)
        return self._known(group, site, roster)

    def _known(self, column: str, site: int, roster: str | None) -> Float:
        """Return what a column of the known employees counts at each home."""
        known = self.homes.pool
        assert known is not None
        rows = known[known["site"] == self.sites[site].name]
        if roster is not None:
            rows = rows[rows["roster"].isin(["", roster])]
        weights = rows[column].to_numpy(np.float64)
        found = np.bincount(rows["home"].to_numpy(np.intp), weights=weights, minlength=self.n_homes)
        return np.asarray(found, np.float64)

    def works_on(self, shift_id: int, day: ChosenDay) -> bool:
        """Whether a shift starts on a kind of day."""
        row = self.shift_rows[shift_id]
        in_season = bool(row.season >> day_of_year(day.date) & 1)
        return in_season and bool(set(row.days) & set(day.weekdays))

    def days_per_year(self, shift_id: int, day: ChosenDay) -> float:
        """Return how many days a year a shift works on a kind of day.

        Weekdays are split between school weeks and holiday weeks when both kinds are
        studied (36 school weeks of 52; public holidays are not taken out). A seasonal roster
        works its part of the year on each of them.
        """
        row = self.shift_rows[shift_id]
        worked = len(set(row.days) & set(day.weekdays)) * share_of_year(row.season)
        return float(worked * self.weeks(day))

    def days_of_kind(self, kind: str) -> float:
        """Return how many days a year a kind of day stands for, see `weeks`."""
        day = next(d for d in self.days if d.kind == kind)
        return float(len(day.weekdays) * self.weeks(day))

    def weeks(self, day: ChosenDay) -> int:
        """Return in how many weeks of a year there are days of a kind, public holidays or not."""
        if {"school_weekday", "holiday_weekday"} <= {d.kind for d in self.days}:
            if day.kind == "school_weekday":
                return SCHOOL_WEEKS
            if day.kind == "holiday_weekday":
                return WEEKS - SCHOOL_WEEKS
        return WEEKS

    def edges(self, shift_id: int, day: ChosenDay) -> tuple[Edge, Edge]:
        """Return both edges of a shift starting on the date of ``day``, on its axis."""
        row = self.shift_rows[shift_id]
        margin_in, margin_out = self.territory.limits.margins_min(self.sites[row.site])
        zone = self.territory.zone
        start_s = local_to_axis(day.date, row.start_s, zone)
        end_s = local_to_axis(day.date, row.end_s, zone, day_offset=int(row.crosses_midnight))
        return (
            Edge(returning=False, at_s=start_s, margin_s=round(margin_in * 60)),
            Edge(returning=True, at_s=end_s, margin_s=round(margin_out * 60)),
        )


def engine_limits(limits: Limits) -> EngineLimits:
    """Return the territory's limits in the engine's seconds."""
    return EngineLimits(
        max_total_s=round(limits.max_total_min * 60),
        max_walk_s=round(limits.max_walk_min * 60),
        max_transfers=limits.max_transfers,
        max_wait_s=round(limits.max_wait_min * 60),
    )


def shift_rows(sites: tuple[Site, ...], headcount: int = 0) -> Iterator[ShiftRow]:
    """Yield one row per site, roster and shift, with a headcount where none is given."""
    shift_id = 0
    for index, site in enumerate(sites):
        for roster in site.rosters:
            for shift in roster.shifts:
                yield ShiftRow(
                    shift_id=shift_id,
                    site=index,
                    site_name=site.name,
                    employer=site.employer,
                    roster=roster.name,
                    shift=shift.name,
                    start_s=shift.start,
                    end_s=shift.end,
                    crosses_midnight=shift.crosses_midnight,
                    headcount=shift.headcount or headcount,
                    days=tuple(shift.days),
                    period=roster.period,
                )
                shift_id += 1
