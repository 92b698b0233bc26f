"""Studies with stops or lines put beside those there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float
from mobility.base.cache import content_hash
from mobility.base.errors import Finding
from mobility.commute.modes import riding
from mobility.commute.on_demand_rides import on_demand_services
from mobility.commute.study import Study, Timetables
from mobility.commute.variants import on_ways, stops_served, variant
from mobility.commute.walks import (
    feeders_of,
    footpaths_of,
    mode_times,
    walks_between_stops,
    walks_to_places,
)
from mobility.engine.journeys import TwoWay
from mobility.sources.gtfs.read import Feed, merge_each, merge_feeds
from mobility.streets.arcs import times_key
from mobility.territory.project import StreetMode
from mobility.timetable.arrays import FootArrays, RunArrays, index_timetable, join_runs
from mobility.timetable.change import DayNetwork, more_stops
from mobility.timetable.footpaths import WalkTable, joined_walks
from mobility.timetable.runs import feed_runs

Points = Float
Tables = tuple[WalkTable, ...]
#: Sets of places the walks around which are kept with a study.
_MOST_SETS = 2


class NewStops:
    """Some sets of stops, each put beside those of a study by itself.

    Parameters
    ----------
    study
        The study; its views are asked for later.
    sets
        Degrees, float64 (stops, 2) each.
    """

    def __init__(self, study: Study, sets: Sequence[Points]) -> None:
        self._territory, self._feed = study.territory, study.feed
        # Sets share places, each of which is asked once.
        self._lonlat, place = np.unique(np.concatenate(sets), axis=0, return_inverse=True)
        self._every = place.ravel()
        self._own = np.split(self._every, np.cumsum([*map(len, sets)])[:-1])
        self._known = _measured(study, self._lonlat)
        self._joined: dict[tuple[object, ...], tuple[Tables, Tables]] = {}

    def walks_to(self, view: Study, k: int | None) -> tuple[WalkTable, WalkTable]:
        """Return the walks of homes and of gates in a view, to a set too; to all if None."""

        def measure() -> Tables:
            homes, gates = view.homes.lonlat, view.gates_lonlat
            both = self._walks(view, np.concatenate([homes, gates]), self._lonlat)
            return both.parted_rows(len(homes))

        old, own = len(self._feed.stops), self._stops_of(k)
        tables = view.home_walks, view.gate_walks
        # Views with the same tables take the same seconds.
        key = (k, *map(id, tables))
        if key not in self._joined:
            pairs = zip(tables, self._once(view, "to", measure), strict=True)
            self._joined[key] = (
                tables,
                tuple(
                    joined_walks([(table, 0, 0), (more.taken(stops=own), 0, old)], table.n_rows)
                    for table, more in pairs
                ),
            )
        home, gate = self._joined[key][1]
        return home, gate

    def walks_between(self, view: Study, k: int | None, feed: Feed) -> WalkTable:
        """Return the walks between stops in a view.

        Parameters
        ----------
        feed
            The study's with one more, whose stops are a set and come last.
        """
        territory, streets, safe = self._territory, view.streets, view.kept_safe
        if not feed.pathways.empty:  # ways lead through entrances of stations
            return walks_between_stops(territory, streets, feed, safe=safe)
        limit_s = territory.limits.max_transfer_walk_min * 60

        def measure() -> Tables:
            old, new = self._feed.lonlat(), self._lonlat
            among = walks_between_stops(territory, streets, self._feed, safe=safe)
            off = self._walks(view, new, np.concatenate([old, new]), limit_s)
            return among, self._walks(view, old, new, limit_s), *off.parted_stops(len(old))

        among, onto, off, new = self._once(view, "between", measure)
        n, own = among.n_rows, self._stops_of(k)
        parts = [
            (among, 0, 0),
            (onto.taken(stops=own), 0, n),
            (off.taken(rows=own), n, 0),
            (new.taken(rows=own, stops=own).to_itself(), n, n),
        ]
        return joined_walks(parts, feed.n_stops)

    def _stops_of(self, k: int | None) -> NDArray[np.intp]:
        """Return the places of the stops of a set, of all if None."""
        return self._every if k is None else self._own[k]

    def _walks(
        self, view: Study, points: Points, places: Points, limit_s: float | None = None
    ) -> WalkTable:
        return walks_to_places(
            self._territory, view.streets, points, places, safe=view.kept_safe, limit_s=limit_s
        )

    def _once(self, view: Study, what: str, measure: Callable[[], Tables]) -> Tables:
        """Return what is measured, shared by views in which walking takes the same seconds."""
        lights = (False, True) if view.kept_safe else (False,)
        times = [mode_times(self._territory, view.streets, "walk", safe=s) for s in lights]
        key = (what, *times_key(*times))
        if key not in self._known:
            self._known[key] = measure()
        return self._known[key]


def _measured(study: Study, lonlat: Points) -> dict[tuple[object, ...], Tables]:
    """Return what was measured around some places before, to be completed."""
    beside, key = study.views.beside, content_hash([lonlat])
    if key not in beside:
        while len(beside) >= _MOST_SETS:
            beside.pop(next(iter(beside)))
        beside[key] = {}
    return beside[key]


def with_stops(
    study: Study, ids: Sequence[str], names: Sequence[str], lonlat: Float, *, walked: bool = True
) -> Study:
    """Return the study with stops put after its own, served by nothing yet.

    Parameters
    ----------
    walked
        Whether homes and gates have walks to them.
    """
    feed = replace(study.feed, stops=_more_rows(study.feed.stops, ids, names, lonlat))
    stops, need_s = NewStops(study, [lonlat]), study.territory.limits.min_change_s

    @cache
    def more(two_way: TwoWay) -> TwoWay:
        return TwoWay(more_stops(two_way.timetable, len(ids), need_s))

    def change(one: Study) -> Study:
        home_walks, gate_walks = (one.home_walks, one.gate_walks)
        if walked:
            home_walks, gate_walks = stops.walks_to(one, 0)
        timetables = {kind: more(two_way) for kind, two_way in one.timetables.items()}
        return replace(
            one, feed=feed, timetables=timetables, home_walks=home_walks, gate_walks=gate_walks
        )

    return variant(study, change)


def _more_rows(
    stops: pd.DataFrame, ids: Sequence[str], names: Sequence[str], lonlat: Float
) -> pd.DataFrame:
    """Return a feed's stops with some without particulars put after them."""
    rows = pd.DataFrame(
        {"stop_id": ids, "stop_name": names, "lon": lonlat[:, 0], "lat": lonlat[:, 1]}
    ).reindex(columns=stops.columns)
    for column in stops.columns:
        if rows[column].isna().all():
            is_text = not pd.api.types.is_numeric_dtype(stops[column])
            rows[column] = "" if is_text else 0
    rows["location_type"] = 0
    for link in {"parent", "copy_of"} & set(rows):
        rows[link] = -1
    rows = rows.astype(stops.dtypes.to_dict())
    return pd.concat([stops, rows], ignore_index=True)


def with_feed(
    study: Study,
    extra: Feed,
    *,
    scenario: str,
    feeders: bool = True,
    findings: tuple[Finding, ...] = (),
) -> Study:
    """Return the study with one more feed: same dates, ways completed for the new stops.

    Parameters
    ----------
    extra
        Feed to add; the ids of both get their feed's number before them.
    scenario
        Name of the variant.
    feeders
        Whether cycling, park-and-ride and on-demand transport reach the new stops too; False
        where only public transport from the door is asked for.
    findings
        What is told of the feed besides its own.
    """
    return next(with_feeds(study, {scenario: extra}, feeders=feeders, findings=findings))


def with_feeds(
    study: Study,
    extras: Mapping[str, Feed],
    *,
    feeders: bool = True,
    findings: tuple[Finding, ...] = (),
) -> Iterator[Study]:
    """Yield the study with each of some feeds, by the name of the variant; see `with_feed`."""
    stops = NewStops(study, [extra.lonlat() for extra in extras.values()])
    merge = merge_each(study.feed)
    for k, (scenario, extra) in enumerate(extras.items()):
        yield _with_feed(study, extra, merge(extra), (stops, k), scenario, feeders, findings)


def with_feeds_together(study: Study, extras: Mapping[str, Feed]) -> tuple[Study, Iterator[Study]]:
    """Return the study with all of some feeds at once, and what `with_feeds` yields.

    Walks around their stops are measured once. With all of them, nobody cycles or drives to
    their stops.
    """
    stops = NewStops(study, [extra.lonlat() for extra in extras.values()])
    merge, every = merge_each(study.feed), merge_feeds(list(extras.values()))
    union = _with_feed(study, every, merge(every), (stops, None), "all", False)
    each = (
        _with_feed(study, extra, merge(extra), (stops, k), name, True)
        for k, (name, extra) in enumerate(extras.items())
    )
    return union, each


def _with_feed(
    study: Study,
    extra: Feed,
    feed: Feed,
    own: tuple[NewStops, int | None],
    scenario: str,
    feeders: bool,
    findings: tuple[Finding, ...] = (),
) -> Study:
    """Return the study with one more feed, ``feed`` being both."""
    territory = riding(study.territory, has_timetable=study.has_timetable)
    (stops, k), old = own, len(study.feed.stops)
    between = stops.walks_between(study, k, feed)
    timetables = _day_timetables(study, extra, feed, between)
    on_demand = study.on_demand
    if feeders and on_demand:
        # The territory file names its hubs as in its own feeds.
        ids = [*study.feed.stops["stop_id"], *feed.stops["stop_id"][old:]]
        named = replace(feed, stops=feed.stops.assign(stop_id=ids))
        on_demand = on_demand_services(
            territory, study.streets, named, study.sites, study.homes, [], []
        )
    made: dict[tuple[object, ...], Any] = {}

    def once(one: Study, what: str, modes: Sequence[StreetMode], make: Callable[[], Any]) -> Any:
        """Return what is made, shared by views in which some modes take the same seconds."""
        safe = (False, True) if one.kept_safe else (False,)
        times = [mode_times(territory, one.streets, m, safe=s) for m in modes for s in safe]
        key = (what, *times_key(*times))
        if key not in made:
            made[key] = make()
        return made[key]

    def on_ways_of(one: Study) -> Mapping[str, TwoWay]:
        return on_ways(timetables, between, stops.walks_between(one, k, feed))

    def change(one: Study) -> Study:
        tables = once(one, "walks", ["walk"], lambda: stops.walks_to(one, k))
        runs = timetables
        if one is not study:
            runs = once(one, "feet", ["walk"], lambda: on_ways_of(one))
        after = replace(
            one,
            territory=riding(one.territory, has_timetable=study.has_timetable),
            feed=feed,
            timetables=runs,
            home_walks=tables[0],
            gate_walks=tables[1],
            on_demand=on_demand,
            scenario=scenario,
            findings=(*one.findings, *extra.findings, *findings),
            ledger=(*one.ledger, *extra.rows),
        )
        if not (feeders and one.feeders):
            return after
        found = once(
            one,
            "feeders",
            ["walk", "bike", "car"],
            lambda: feeders_of(
                territory, one.streets, feed, one.sites, one.homes.lonlat, safe=one.kept_safe
            ),
        )
        return replace(after, feeders=found)

    return variant(study, change)


def _day_timetables(study: Study, extra: Feed, feed: Feed, between: WalkTable) -> Timetables:
    """Return timetable and mirror of each kind of day, with walks between stops.

    The runs are those of the study, its scenario's changes in them, and those of the feed added.
    """
    n_stops, n_trips, zone = len(study.feed.stops), len(study.feed.trips), study.territory.zone
    dates = {day.kind: day.date for day in study.days}

    @cache
    def feet() -> FootArrays:
        return footpaths_of(study.territory, feed, between)

    @cache
    def added(kind: str) -> RunArrays:
        runs = feed_runs(extra, dates[kind], zone, findings=[])
        return runs._replace(
            call_stop=runs.call_stop + np.int32(n_stops),
            call_trip=runs.call_trip + np.int32(n_trips),
        )

    def made(kind: str) -> TwoWay:
        own = DayNetwork(kind, study.timetables[kind].timetable).runs
        return TwoWay(index_timetable(feed.n_stops, join_runs([own, added(kind)]), feet()))

    @cache
    def served() -> Bool:
        found = np.zeros(feed.n_stops, bool)
        found[:n_stops] = stops_served(study.timetables)
        for kind in dates:
            found[added(kind).call_stop] = True
        return found

    return Timetables({kind: partial(made, kind) for kind in dates}, served=served)
