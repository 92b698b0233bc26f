"""The study as its streets are at the hour of a way to work.

A path open by day, a gate shut at night or a turn barred at peak hours is taken as it is when
the gate is reached (start less margin) or left (end plus margin), for the whole way. Hours at
which the same things are open share what is computed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from threading import RLock

import numpy as np

from mobility.base.clock import axis_to_local
from mobility.commute.night import after_dark, other_changes
from mobility.commute.study import Int32, Study
from mobility.commute.walks import RELAXED_WALK, feeders_of, street_commutes, walks_to_stops
from mobility.commute.ways import mode_times
from mobility.engine.journeys import Edge
from mobility.sources.days import ChosenDay
from mobility.streets.arcs import Times, barred_of, local_of, sequences_of
from mobility.streets.hours import State, place_of, state_at, streets_in
from mobility.territory.project import StreetMode

#: States of the streets kept at once.
MOST_KEPT = 12
_LOCK = RLock()


def gate_s(edge: Edge) -> int:
    """Return when the gate is to be reached, or may be left, axis seconds."""
    return edge.at_s + edge.margin_s if edge.returning else edge.at_s - edge.margin_s


def open_at(study: Study, day: ChosenDay, edge: Edge) -> Study:
    """Return the study with streets, gates and turns as they are at the hour of an edge."""
    base = study.any_hour or study
    if base.streets.conditions.empty:
        return study
    zone = base.territory.zone
    moment = axis_to_local(day.date, gate_s(edge), zone).replace(tzinfo=None)
    states: dict[dt.datetime, State] = base.__dict__.setdefault("_states", {})
    if moment not in states:
        states[moment] = state_at(base.streets, moment, place_of(base.streets, zone))
    state = states[moment]
    if state == study.hours:
        return study
    if not any(value is not None for value in state):
        return base
    with _LOCK:
        kept: dict[State, Study] = base.__dict__.setdefault("_at_hours", {})
        if state not in kept:
            if len(kept) >= MOST_KEPT:
                kept.pop(next(iter(kept)))
            kept[state] = _in_state(base, state)
        return kept[state]


def _in_state(base: Study, state: State) -> Study:
    """Return a study whose streets are in a state; what that does not change is shared."""
    streets = streets_in(base.streets, state)
    modes: list[StreetMode] = [m for m in ("walk", "bike", "e_bike", "car") if m in _used(base)]
    usual = {mode: mode_times(base.territory, base.streets, mode) for mode in modes}
    times = {mode: mode_times(base.territory, streets, mode) for mode in modes}
    changed = [mode for mode in modes if not _same(usual[mode], times[mode])]
    found = replace(base, streets=streets, any_hour=base, hours=state)
    homes = base.homes.lonlat
    gates = np.array([gate for site in base.sites for gate in site.gates], np.float64)
    if "walk" in changed:
        reach_s = RELAXED_WALK * base.territory.limits.max_walk_min * 60
        home_walks, gate_walks = (
            walks_to_stops(
                streets, base.feed, points, reach_s, base.territory.speeds, times["walk"]
            )
            for points in (homes, gates)
        )
        timetables = other_changes(base, streets, times["walk"])
        found = replace(found, home_walks=home_walks, gate_walks=gate_walks, timetables=timetables)
    if changed and base.feeders:
        feeders = feeders_of(base.territory, streets, base.feed, base.sites, homes)
        found = replace(found, feeders=feeders)
    seconds: dict[str, tuple[Int32, Int32]] = {
        mode: street_commutes(base.territory, streets, mode, base.sites, gates, homes)
        for mode in changed
        if mode in base.street_times
    }
    found = replace(found, street_times={**base.street_times, **seconds})
    return after_dark(found) if base.kept_safe else found


def _used(study: Study) -> set[str]:
    fed = {"bike_transit": ("bike",), "park_and_ride": ("car",)}
    return {"walk", *study.street_times, *(m for mode in study.feeders for m in fed[mode])}


def _same(one: Times, other: Times) -> bool:
    """Whether two times are alike, barred turns and streets without through traffic too."""
    parts = [(one[0], other[0]), (one[1], other[1]), (barred_of(one), barred_of(other))]
    local = [local_of(times) for times in (one, other)]
    if any(mask is not None for mask in local):
        a, b = (np.zeros(len(one[0]), bool) if mask is None else mask for mask in local)
        parts.append((a, b))
    return sequences_of(one) == sequences_of(other) and all(np.array_equal(a, b) for a, b in parts)
