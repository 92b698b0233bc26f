"""Variants of a study: other timetables, shifts or homes; another light or hour.

A variant remembers of which study it is one, and what changes. Its views (the study after dark,
or as streets and gates are open at an hour) are those of that study, changed alike: they can
neither be left as they were nor have to be measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import RLock
from typing import Any, cast

import numpy as np

from mobility.base.arrays import Bool, Int32
from mobility.base.clock import axis_to_local
from mobility.commute.modes import EXPOSED, MODES
from mobility.commute.on_demand_rides import on_demand_services
from mobility.commute.study import Change, Study, Timetables
from mobility.commute.walks import (
    BothWays,
    feeders_of,
    mode_times,
    street_commutes,
    walked_before,
    walks_between_stops,
    walks_to_stops,
)
from mobility.engine.journeys import Edge, TwoWay
from mobility.sources.days import ChosenDay
from mobility.sources.homes.model import Homes
from mobility.streets.arcs import Times, times_key
from mobility.streets.graph import State
from mobility.streets.hours import forget_tables, place_of, state_at, staying, streets_in
from mobility.territory.project import Site, StreetMode
from mobility.timetable.footpaths import WalksBefore, WalkTable, safe_footpaths

#: States of the streets kept at once.
MOST_KEPT = 32
_LOCK = RLock()


def variant(study: Study, change: Change) -> Study:
    """Return a study changed, whose views are those of the study changed alike.

    Parameters
    ----------
    change
        Makes the variant of the study, and of each of its views.
    """
    changed = change(study)
    if changed is not study:
        changed.views.made_from = (study, change)
    return changed


def after_dark(study: Study) -> Study:
    """Return the study with every walk and every ride by bicycle kept to safe streets."""
    if study.kept_safe:
        return study
    with _LOCK:
        views = study.views
        if views.dark is None:
            if views.made_from is None:
                dark = _measured(study, replace(study, kept_safe=True), EXPOSED.__contains__)
            else:
                parent, change = views.made_from
                dark = change(after_dark(parent))
            dark.views.made_from = (study, after_dark)
            views.dark = dark
        return views.dark


def by_day(study: Study) -> Study:
    """Return the study as if every way were safe at any hour."""
    limits = study.territory.limits.model_copy(update={"safe_at_night": False})
    territory = study.territory.model_copy(update={"limits": limits})
    return variant(study, lambda one: replace(one, territory=territory))


def gate_s(edge: Edge) -> int:
    """Return when the gate is to be reached, or may be left, axis seconds."""
    return edge.at_s + edge.margin_s if edge.returning else edge.at_s - edge.margin_s


def open_at(study: Study, day: ChosenDay, edge: Edge) -> Study:
    """Return the study with streets, gates and turns as they are at the hour of an edge.

    A path open by day, a gate shut at night or a turn barred at peak hours is taken as it is
    when the gate is reached (start less margin) or left (end plus margin), for the whole way.
    Hours at which the same things are open share what is computed.
    """
    if _always_open(study):
        return study
    moment, opened = (day.date, gate_s(edge)), study.views.opened
    if moment not in opened:
        opened[moment] = _opened(study, day, edge)
    return opened[moment]


def _opened(study: Study, day: ChosenDay, edge: Edge) -> Study:
    if study.views.made_from is not None:
        parent, change = study.views.made_from
        opened = open_at(parent, day, edge)
        if opened is parent:
            return study
        return _kept(study, opened.hours, lambda: variant(opened, change))
    base = study.any_hour or study
    zone = base.territory.zone
    moment = axis_to_local(day.date, gate_s(edge), zone).replace(tzinfo=None)
    state = state_at(base.streets, moment, place_of(base.streets, zone))
    if state == study.hours:
        return study
    if not any(value is not None for value in state):
        return base
    return _kept(base, state, lambda: _in_state(base, state))


def open_hours(study: Study, day: ChosenDay, edge: Edge) -> State:
    """Return ``hours`` of `open_at`: those of the study of which it is a variant, not made."""
    while study.views.made_from is not None and not _always_open(study):
        study = study.views.made_from[0]
    return open_at(study, day, edge).hours


def _always_open(study: Study) -> bool:
    """Whether the same things are open at any hour."""
    return study.streets.conditions.empty and study.any_hour is None


def staying_open(study: Study, day: ChosenDay, edge: Edge) -> Study:
    """Return the study as open as it is at the hour of an edge, whatever hour is asked of it."""
    opened = open_at(study, day, edge)
    if opened.streets.conditions.empty:
        return opened

    def change(one: Study) -> Study:
        return replace(one, streets=staying(one.streets), any_hour=None)

    return variant(opened, change)


def _kept(study: Study, state: State, make: Callable[[], Study]) -> Study:
    """Return the study at hours of some state, made once."""
    with _LOCK:
        kept = study.views.at_hours
        if state not in kept:
            if len(kept) >= MOST_KEPT:
                kept.pop(next(iter(kept)))
                study.views.opened.clear()
            kept[state] = make()
        return kept[state]


def _in_state(base: Study, state: State) -> Study:
    """Return a study whose streets are in a state; what that does not change is shared."""
    streets = streets_in(base.streets, state)

    def differs(mode: StreetMode) -> bool:
        usual, here = (mode_times(base.territory, s, mode) for s in (base.streets, streets))
        # The tables of some hours take as much room as the streets.
        forget_tables(base.streets)
        return times_key(usual) != times_key(here)

    return _measured(base, replace(base, streets=streets, any_hour=base, hours=state), differs)


def _ridden(study: Study) -> list[StreetMode]:
    """Return the modes on streets, walking among them, that a study rests on."""
    used: set[str] = {"walk", *study.street_times}
    for mode in study.feeders:
        used |= set(MODES[mode].rides)  # type: ignore[index]
    return [mode for mode in (*EXPOSED, "car") if mode in used]


def _measured(before: Study, after: Study, differs: Callable[[StreetMode], bool]) -> Study:
    """Return ``after``, whose streets or light are not those of ``before``, with ways measured.

    Parameters
    ----------
    differs
        Returns whether a mode on streets has other seconds than before.
    """
    territory, streets, feed, safe = after.territory, after.streets, after.feed, after.kept_safe
    homes, gates = after.homes.lonlat, after.gates_lonlat

    def seconds(*asked: StreetMode) -> tuple[Times, ...]:
        lights = (False, True) if safe else (False,)
        return tuple(mode_times(territory, streets, m, safe=s) for m in asked for s in lights)

    if differs("walk"):
        home_walks, gate_walks, timetables = _once(
            after,
            "walk",
            (mode_times(territory, before.streets, "walk"), *seconds("walk")),
            lambda: _walked(before, after),
        )
        after = replace(after, home_walks=home_walks, gate_walks=gate_walks, timetables=timetables)
    if before.feeders and any(map(differs, _ridden(before))):
        feeders = _once(
            after,
            "feeders",
            seconds("walk", "bike", "car"),
            lambda: feeders_of(territory, streets, feed, after.sites, homes, safe=safe),
        )
        after = replace(after, feeders=feeders)

    def commute(mode: StreetMode, returning: bool) -> Int32:
        with _LOCK:
            as_before = not differs(mode)
        if as_before:
            return before.street_times[mode][int(returning)]

        def measure() -> Int32:
            times, usual = seconds(mode), mode_times(territory, streets.any_hour, mode, safe=safe)
            both = street_commutes(
                territory, streets, mode, after.sites, gates, homes, times=times[-1], any_hour=usual
            )
            return both[int(returning)]

        return cast("Int32", _once(after, f"{mode} {returning}", seconds(mode), measure))

    # At many hours nobody asks but for walks.
    ways = {
        mode: BothWays(partial(commute, cast("StreetMode", mode))) for mode in before.street_times
    }
    return replace(after, street_times=ways)


def _once(after: Study, what: str, times: tuple[Times, ...], make: Callable[[], Any]) -> Any:
    """Return what rests on some seconds per street piece, shared by the hours that have them."""
    if after.any_hour is None:
        return make()
    measured, key = after.any_hour.views.measured, (what, after.kept_safe, *times_key(*times))
    with _LOCK:
        if key not in measured:
            measured[key] = make()
            while len(measured) > MOST_KEPT * 2 * (1 + len(after.street_times)):
                measured.pop(next(iter(measured)))
        return measured[key]


def _walked(before: Study, after: Study) -> tuple[WalkTable, WalkTable, Mapping[str, TwoWay]]:
    """Return the walks of homes and of gates to stops, and the timetables with walks between."""
    territory, streets, feed, safe = after.territory, after.streets, after.feed, after.kept_safe

    def known(table: WalkTable) -> WalksBefore:
        return walked_before(territory, before.streets, table, safe=before.kept_safe)

    home_walks, gate_walks = (
        walks_to_stops(territory, streets, feed, points, safe=safe, before=known(table))
        for points, table in (
            (after.homes.lonlat, before.home_walks),
            (after.gates_lonlat, before.gate_walks),
        )
    )
    plain = walks_between_stops(territory, before.streets, feed, safe=before.kept_safe)
    other = walks_between_stops(territory, streets, feed, safe=safe, before=known(plain))
    return home_walks, gate_walks, on_ways(before.timetables, plain, other)


def on_ways(
    timetables: Mapping[str, TwoWay], plain: WalkTable, other: WalkTable
) -> Mapping[str, TwoWay]:
    """Return timetables whose footpaths along streets, as ``plain`` has them, are ``other``'s."""
    pairs = zip(vars(plain).values(), vars(other).values(), strict=True)
    if all(np.array_equal(*pair) for pair in pairs):
        return timetables
    return {
        kind: two_way.on_feet(safe_footpaths(two_way.timetable, plain, other).feet)
        for kind, two_way in timetables.items()
    }


def stops_served(timetables: Mapping[str, TwoWay]) -> Bool:
    """Return the stops at which a run of some timetable calls, bool[S]."""
    if isinstance(timetables, Timetables) and timetables.served is not None:
        return timetables.served()
    each = [two_way.timetable.served for two_way in timetables.values()]
    return np.asarray(np.logical_or.reduce(each))


def with_timetables(
    study: Study, timetables: Mapping[str, TwoWay], *, scenario: str | None = None
) -> Study:
    """Return the study with other runs, in any light on the footpaths of that light.

    Parameters
    ----------
    timetables
        By kind of day, in the light of the study, with its stops.
    """
    name = study.scenario if scenario is None else scenario

    def change(one: Study) -> Study:
        if one is study:
            return replace(one, timetables=timetables, scenario=name)
        makers = {kind: partial(_on_feet, study, one, kind, timetables) for kind in timetables}
        mine = Timetables(makers)
        return replace(one, timetables=mine, scenario=name)

    return variant(study, change)


def _on_feet(study: Study, one: Study, kind: str, timetables: Mapping[str, TwoWay]) -> TwoWay:
    """Return other runs of a kind of day on the footpaths of one view of the study."""
    if one.timetables[kind] is study.timetables[kind]:
        return timetables[kind]
    return timetables[kind].on_feet(one.timetables[kind].timetable.feet)


def with_homes(
    study: Study, homes: Homes, *, sites: tuple[Site, ...] | None = None, relaxed: float = 1.0
) -> Study:
    """Return the study of other homes, e.g. of places where nobody lives yet, or of other sites.

    Parameters
    ----------
    sites
        In place of those of the study.
    relaxed
        How many times further than the limit walks to stops reach.
    """

    def change(one: Study) -> Study:
        territory, streets, feed, safe = one.territory, one.streets, one.feed, one.kept_safe
        after = replace(one, homes=homes, sites=one.sites if sites is None else sites)
        home_walks, gate_walks = (
            walks_to_stops(territory, streets, feed, points, safe=safe, relaxed=relaxed)
            for points in (homes.lonlat, after.gates_lonlat)
        )
        modes = cast("list[StreetMode]", list(one.street_times))
        commutes: dict[str, BothWays] = {
            mode: street_commutes(
                territory,
                streets,
                mode,
                after.sites,
                after.gates_lonlat,
                homes.lonlat,
                times=mode_times(territory, streets, mode, safe=safe and mode in EXPOSED),
            )
            for mode in modes
        }
        feeders = feeders_of(territory, streets, feed, after.sites, homes.lonlat, safe=safe)
        on_demand = on_demand_services(territory, streets, feed, after.sites, homes, [], [])
        return replace(
            after,
            home_walks=home_walks,
            gate_walks=gate_walks,
            street_times=commutes,
            feeders=feeders,
            on_demand=on_demand,
        )

    return variant(study, change)
