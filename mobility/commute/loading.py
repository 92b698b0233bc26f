"""From a territory file to a study: read every source, then build what the engine needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.base.cache import code_hash, content_hash
from mobility.base.errors import Finding, TerritoryError
from mobility.base.ledger import SourceLedger
from mobility.base.machine import trim_memory
from mobility.commute.access import assess, counted_rows
from mobility.commute.changes import with_timetable_changes
from mobility.commute.data_sheet import DataSheet, data_sheet, sheet_findings
from mobility.commute.findings import (
    drives_any_hour,
    gates_apart,
    idle_rosters,
    margins_too_long,
    safety_untold,
    wide_layer,
)
from mobility.commute.line_changes import booked_instead
from mobility.commute.modes import evaluated
from mobility.commute.on_demand_rides import on_demand_services
from mobility.commute.placing import (
    check_gates,
    homes_on_streets,
    misplaced_sites,
    one_way_platforms,
    place_findings,
    rates_missing,
    unreachable_stops,
)
from mobility.commute.said_before import kept_findings
from mobility.commute.sources import (
    read_buildings,
    read_streets,
    read_timetables,
    source_records,
    street_points,
    with_changes,
    without_timetables,
)
from mobility.commute.study import Progress, Study, Timetables, quiet
from mobility.commute.walks import (
    feeders_of,
    footpaths_of,
    heights_findings,
    mode_times,
    street_commutes,
    walks_between_stops,
    walks_to_stops,
)
from mobility.engine.journeys import TwoWay
from mobility.sources.days import ChosenDay, choose_days, plain_days
from mobility.sources.feed_dates import term_day_at_rest
from mobility.sources.gtfs.quality import check_feed, school_routes, zone_findings
from mobility.sources.gtfs.read import Feed, merge_feeds, read_feed
from mobility.sources.holidays import Holidays, localised, read_holidays
from mobility.sources.homes.model import Homes
from mobility.sources.homes.read import read_homes
from mobility.sources.sites import changed_sites, read_sites
from mobility.streets.graph import Streets, streets_from_graph
from mobility.territory.project import Site, StreetMode, Territory
from mobility.territory.rosters import roster_findings
from mobility.timetable.arrays import FootArrays, RunArrays, index_timetable
from mobility.timetable.runs import feed_runs

if TYPE_CHECKING:
    import networkx as nx


def load(
    territory: Territory | str | Path,
    *,
    streets: Streets | nx.MultiDiGraph[Any] | None = None,
    progress: Progress = quiet,
) -> Study:
    """Read and build everything a territory file names.

    Parameters
    ----------
    territory
        The territory, or its file.
    streets
        Streets in place of those the territory names: a graph as OSMnx makes them, or those
        of another study. Buildings and background are then theirs alone.
    progress
        Called with the name of each step.

    Returns
    -------
    Study
        Homes, sites, streets and timetables, ready for `mobility.assess`.

    Raises
    ------
    MobilityError
        A source is missing or wrong; the error names file, row, field, value and mend.
    """
    found = read_sources(territory, streets=streets, progress=progress)
    study = found.study(found.territory, progress=progress, keep=streets is None)
    if streets is None:
        object.__setattr__(study, "content", _content(study))
    return study


def _content(study: Study) -> str:
    """Return a hash of all that the results of a study follow from but its sites."""
    settings = study.territory.model_dump_json(exclude={"sites", "name", "output"})
    known = [s.sha256 for s in study.sources if s.role not in ("territory", "sites", "homes")]
    days = [day.date.isoformat() for day in study.days]
    # On-demand vehicles may come for the homes of some communes alone.
    zoned = any(zone.communes for zone in study.territory.on_demand)
    communes = tuple(study.homes.frame["commune"].fillna("").astype(str)) if zoned else ()
    streets = study.streets.digest  # of a layer in several files, too
    return content_hash(
        [code_hash(), settings, streets, study.homes.lonlat, communes, *known, *days]
    )


@dataclass(frozen=True)
class ReadSources:
    """What the sources of a territory hold, read; studies that differ in settings share it."""

    territory: Territory
    streets: Streets
    feed: Feed
    sites: tuple[Site, ...]
    homes: Homes
    findings: tuple[Finding, ...]
    ledger: tuple[SourceLedger, ...]

    def study(
        self, territory: Territory, *, progress: Progress = quiet, keep: bool = False
    ) -> Study:
        """Return the study of a territory with these sources, its own scenario's changes made.

        Parameters
        ----------
        keep
            Whether the territory's own files are all that it is made of: what is found of them is
            then kept.

        Raises
        ------
        MobilityError
            A change of the scenario cannot be, or the sources do not go together.
        """
        sites = changed_sites(self.sites, territory.changes.shifts, territory.path)
        territory, _ = localised(without_timetables(territory)[0], sites)
        territory = booked_instead(territory, self.streets, self.feed)
        study = build_study(
            territory,
            self.streets,
            self.feed,
            sites,
            self.homes,
            progress=progress,
            findings=self.findings,
            ledger=self.ledger,
            keep=keep,
        )
        return with_timetable_changes(study)


def read_sources(
    territory: Territory | str | Path,
    *,
    streets: Streets | nx.MultiDiGraph[Any] | None = None,
    progress: Progress = quiet,
) -> ReadSources:
    """Read what a territory file names; see `load`."""
    if not isinstance(territory, Territory):
        territory = Territory.from_toml(territory)
    territory, told = without_timetables(territory)
    progress("streets")
    ledger: list[SourceLedger] = []
    if streets is None:
        streets = read_streets(territory, ledger)
    else:
        none = {"osm": None, "lines": None}
        sources = territory.sources.model_copy(update=none)
        territory = territory.model_copy(update={"sources": sources})
        if not isinstance(streets, Streets):
            streets = streets_from_graph(streets, territory.crs)
        streets = with_changes(territory, streets, ledger)
    progress("timetables")
    feed = read_timetables(territory)
    progress("homes and sites")
    ledger += feed.rows
    unread: list[Finding] = []
    sites = read_sites(territory, ledger=ledger, findings=unread)
    territory, local = localised(territory, sites)
    homes = read_homes(
        territory.sources.homes,
        territory,
        land=streets.background.get("residential"),
        buildings=lambda: read_buildings(territory),
        crs=streets.crs,
        bbox=streets.bounds_lonlat,
        sites=sites,
        streets=lambda: street_points(streets),
        sides=lambda homes: _sides(build_study(territory, streets, feed, sites, homes), homes),
    )
    # What files are read into is larger than what is kept of them.
    trim_memory()
    return ReadSources(
        territory, streets, feed, sites, homes, (*told, *unread, *local), tuple(ledger)
    )


def _sides(study: Study, homes: Homes) -> dict[tuple[str, str], np.ndarray]:
    """Return at which homes the commute of each site and roster holds; some are in no study."""
    found = assess(study).rosters
    known = pd.Index(study.homes.ids).get_indexer(pd.Index(homes.ids))
    return {
        (str(found.keys.loc[r, "site_name"]), str(found.keys.loc[r, "roster"])): (known >= 0)
        & found.holds[r][known]
        for r in counted_rows(found)
    }


def build_study(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    sites: tuple[Site, ...],
    homes: Homes,
    *,
    progress: Progress = quiet,
    findings: Sequence[Finding] = (),
    ledger: Sequence[SourceLedger] = (),
    keep: bool = False,
) -> Study:
    """Build walks, timetables and street times from sources already read.

    Parameters
    ----------
    keep
        Whether these are the territory's own: what checking them finds is then kept.

    Raises
    ------
    SourceError
        A gate, or every home, lies outside the streets.
    """
    jobs = territory.shuttles.get("default_headcount")
    findings = [*findings, *homes.findings, *roster_findings(sites, default_headcount=jobs)]
    days = tuple(_days(territory, feed, findings))
    findings += zone_findings(feed, [day.date for day in days], territory.zone)
    whole, feed = feed, _ridden(territory, feed)
    progress("walks")
    walking = mode_times(territory, streets, "walk")
    homes, away = homes_on_streets(territory, streets, walking, homes)
    gates = np.array([gate for site in sites for gate in site.gates], np.float64)
    findings += misplaced_sites(sites, homes)
    accounts = list(ledger)
    findings += heights_findings(territory, streets, accounts)
    findings += rates_missing(territory, sites, homes, min(day.date for day in days))
    findings += away
    check_gates(streets, walking, sites, territory)
    home_walks, gate_walks = (
        walks_to_stops(territory, streets, feed, points) for points in (homes.lonlat, gates)
    )
    progress("days")
    runs = _Runs(territory, streets, feed)
    later: list[Finding] = []
    on_demand = on_demand_services(territory, streets, feed, sites, homes, later, accounts)
    progress("streets to work")
    modes: dict[StreetMode, None] = dict.fromkeys(["walk", *evaluated(territory, "street")])  # type: ignore[list-item]
    study = Study(
        territory=territory,
        homes=homes,
        sites=sites,
        streets=streets,
        feed=feed,
        days=days,
        timetables=Timetables({day.kind: partial(runs.timetable, day) for day in days}),
        home_walks=home_walks,
        gate_walks=gate_walks,
        feeders=feeders_of(territory, streets, feed, sites, homes.lonlat),
        on_demand=on_demand,
        street_times={
            mode: street_commutes(territory, streets, mode, sites, gates, homes.lonlat)
            for mode in modes
        },
        sources=tuple(source_records(territory, feed, homes)),
        ledger=(*accounts, *homes.ledger, *_calendar_ledger(territory, feed)),
    )
    made: list[DataSheet] = []

    def sheet() -> DataSheet:
        if not made:
            made.append(data_sheet(study, {day.kind: runs.of(day) for day in days}))
        return made[0]

    def check() -> tuple[list[Finding], ...]:
        places = [*place_findings(streets, walking, feed), *one_way_platforms(feed)]
        places += unreachable_stops(feed, home_walks, gate_walks)
        # What is worth saying of the runs is said once, for the first day.
        ridden: list[Finding] = []
        runs.make(days, ridden)
        found = _of_timetables(territory, whole, days)
        return [*sheet_findings(sheet(), study)], places, ridden, found

    known = kept_findings(study, _holidays(territory, whole), check) if keep else check()
    first, places, ridden, found = known
    findings += [*places, *ridden, *feed.findings, *found, *later]
    said = [margins_too_long, gates_apart, drives_any_hour, idle_rosters, wide_layer]
    if territory.limits.safe_at_night:
        said.append(safety_untold)
    told = [finding for say in said for finding in say(study)]
    return replace(study, sheet_of=sheet, findings=(*first, *findings, *told))


class _Runs:
    """The runs around each kind of day, made when first asked for, and timetables of them."""

    def __init__(self, territory: Territory, streets: Streets, feed: Feed) -> None:
        self._territory, self._streets, self._feed = territory, streets, feed
        self._made: dict[str, RunArrays] = {}

    def make(self, days: Sequence[ChosenDay], findings: list[Finding]) -> None:
        """Make those of all days for what asks soon; ``findings`` gets what those of one say."""
        for day in days:
            self._made[day.kind] = self._runs_on(day, findings if day is days[0] else [])

    def of(self, day: ChosenDay) -> RunArrays:
        """Return the runs around a kind of day."""
        made = self._made.get(day.kind)
        return self._runs_on(day, []) if made is None else made

    def timetable(self, day: ChosenDay) -> TwoWay:
        """Return the timetable of a kind of day and its mirror; the runs are not needed then."""
        runs = self.of(day)
        self._made.pop(day.kind, None)
        return TwoWay(index_timetable(self._feed.n_stops, runs, self._feet))

    @cached_property
    def _feet(self) -> FootArrays:
        between = walks_between_stops(self._territory, self._streets, self._feed)
        return footpaths_of(self._territory, self._feed, between)

    def _runs_on(self, day: ChosenDay, findings: list[Finding]) -> RunArrays:
        return feed_runs(self._feed, day.date, self._territory.zone, findings=findings)


def _days(territory: Territory, feed: Feed, findings: list[Finding]) -> list[ChosenDay]:
    """Return the dates studied; what is wrong with them names the territory file.

    Where a scenario adds the first timetables, they are chosen in these.
    """
    if feed.trips.empty and territory.changes.feeds:
        feed = merge_feeds([read_feed(territory.resolve(f.file)) for f in territory.changes.feeds])
    try:
        if feed.trips.empty and not territory.sources.gtfs:
            return plain_days(territory.days, findings=findings)
        return choose_days(feed, territory.days, territory.zone, findings=findings)
    except TerritoryError as error:
        error.file = error.file or (None if territory.path is None else str(territory.path))
        raise


def _calendar_ledger(territory: Territory, feed: Feed) -> list[SourceLedger]:
    """Return on how many days of the timetables the kind of day is known."""
    holidays = _holidays(territory, feed)
    if feed.period is None or holidays is None:
        return []
    first, last = feed.period
    dates = [first + dt.timedelta(days=k) for k in range((last - first).days + 1)]
    known = sum(bool(holidays.kind(date)) for date in dates)
    left = {"of no certain kind of day": len(dates) - known}
    return [SourceLedger.balanced(f"days.country {territory.days.country}", known, left, "dates")]


def _ridden(territory: Territory, feed: Feed) -> Feed:
    """Return the timetables as they are ridden: without school services where workers may not."""
    if territory.modes.school_services or feed.trips.empty:
        return feed
    of_trip = school_routes(feed, _holidays(territory, feed))[feed.trips["route"].to_numpy()]
    service = feed.trips["service"].where(~of_trip, -1).astype(feed.trips["service"].dtype)
    return replace(feed, trips=feed.trips.assign(service=service))


def _of_timetables(territory: Territory, feed: Feed, days: Sequence[ChosenDay]) -> list[Finding]:
    """Return what the quality gate says of the timetables, school services with them."""
    if feed.trips.empty:
        return []
    holidays = _holidays(territory, feed)
    found = check_feed(feed, dates=[day.date for day in days], holidays=holidays)
    term = [day.date for day in days if day.kind == "school_weekday"]
    return found + term_day_at_rest(feed, term, school_routes(feed, holidays))


def _holidays(territory: Territory, feed: Feed) -> Holidays | None:
    return None if feed.period is None else read_holidays(territory.days, *feed.period)
