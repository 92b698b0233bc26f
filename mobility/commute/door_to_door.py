"""Door-to-door times of every home for one site, shift edge and mode, in the light or the dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from typing import cast

import numpy as np

from mobility.base.arrays import Bool, Int32
from mobility.commute.drives import car_park_s, road_seconds
from mobility.commute.feeder_modes import Carried, Feeder, carried_times, fed_commute, mixed
from mobility.commute.modes import MODES
from mobility.commute.night import daylight_of, in_the_dark
from mobility.commute.on_demand import booked_times
from mobility.commute.study import Study
from mobility.commute.variants import after_dark, gate_s, open_at
from mobility.engine.journeys import (
    Edge,
    EngineLimits,
    HomeTimes,
    Scan,
    holding,
    reach,
    scan,
    walk_directly,
)
from mobility.sources.days import ChosenDay
from mobility.territory.project import Mode
from mobility.timetable.arrays import INF

#: Overtime is tried by this step, up to this much.
OVERTIME_STEP_S, OVERTIME_MAX_S = 900, 10_800
#: Bytes of what is kept of edges that are asked for again.
MOST_HELD_BYTES = 64_000_000


def both_ways(
    study: Study, shift_id: int, day: ChosenDay, mode: str, limits: EngineLimits
) -> tuple[HomeTimes, HomeTimes]:
    """Return outbound and return of every home by one mode, for a shift on a kind of day."""
    row, edges = study.shift_rows[shift_id], study.edges(shift_id, day)
    kind = MODES[cast("Mode", mode)].kind
    if kind == "feeder":
        return _fed_times(study, row.site, day, mode, edges, limits)
    if kind == "transit":
        times = partial(transit_times, study, row.site, day, limits=limits)
    elif kind == "booked":
        worked = [weekday for weekday in row.days if weekday in day.weekdays]
        times = partial(_on_demand_times, study, row.site, day, worked, limits=limits)
    else:
        times = partial(street_times, study, row.site, day, mode, limits=limits)
    return times(edge=edges[0]), times(edge=edges[1])


def transit_times(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> HomeTimes:
    """Return the best of riding and walking all the way, for every home.

    Where the territory asks for it, legs in the dark keep to streets that are safe at night:
    the one at the gate's end by the gate's deadline, the one at the home's end by the time of
    leaving or reaching each home.
    """
    study = open_at(study, day, edge)
    _, ridden, _ = ride(study, site, day, edge, limits)
    walked = street_times(study, site, day, "walk", edge, limits)
    return _either(walked.elapsed_s <= ridden.elapsed_s, walked, ridden)


def transit_seconds(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> Int32:
    """Return ``elapsed_s`` of `transit_times`, from whoever knows it, int32[H]."""
    if study.views.stand_in is not None:
        study = study.views.stand_in(site, day, edge, limits, None)
    known, key = study.views.elapsed_s, (site, day.kind, edge, limits)
    if known is None:
        return _elapsed(study, site, day, edge, limits)
    found = known.get(key)
    if found is None:
        found = _elapsed(study, site, day, edge, limits)
        if (len(known) + 1) * found.nbytes > MOST_HELD_BYTES:
            known.clear()
        known[key] = found
    return found


def _elapsed(study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits) -> Int32:
    """Return ``elapsed_s`` of `transit_times`, of rides that are known where they are."""
    ahead = study.views.ahead
    ridden_s = None if ahead is None else ahead.get((site, day.kind, edge, limits))
    if ridden_s is None:
        return transit_times(study, site, day, edge, limits).elapsed_s
    return np.minimum(street_times(study, site, day, "walk", edge, limits).elapsed_s, ridden_s)


def ever_held(
    study: Study,
    site: int,
    day: ChosenDay,
    edges: Sequence[Edge],
    limits: EngineLimits,
    *,
    among: Bool | None = None,
) -> Bool:
    """Return which homes `transit_times` of one or the other of some edges holds for, bool[H].

    Parameters
    ----------
    among
        Of which homes it is asked, bool[H]; what is told of others may be wrong. All by default.
    """
    stand_in = study.views.stand_in
    if stand_in is None:
        return _kept_held(study, site, day, edges, limits)
    every = np.zeros(study.n_homes, bool)
    among = ~every if among is None else among
    for edge in edges:
        other = stand_in(site, day, edge, limits, among)
        ask = _kept_held if other is study else ever_held
        every |= ask(other, site, day, [edge], limits)
    return every


def _kept_held(
    study: Study, site: int, day: ChosenDay, edges: Sequence[Edge], limits: EngineLimits
) -> Bool:
    known = study.views.held
    if known is None:
        return _ever_held(study, site, day, edges, limits)
    key = site, day.kind, tuple(edges), limits
    found = known.get(key)
    if found is None:
        found = _ever_held(study, site, day, edges, limits)
        if (len(known) + 1) * study.n_homes > MOST_HELD_BYTES:
            known.clear()
        known[key] = found
    return found


def _ever_held(
    study: Study, site: int, day: ChosenDay, edges: Sequence[Edge], limits: EngineLimits
) -> Bool:
    found = np.zeros(study.n_homes, bool)
    if study.territory.limits.safe_at_night:
        for edge in edges:
            found |= transit_times(study, site, day, edge, limits).elapsed_s < INF
        return found
    opened = [open_at(study, day, edge) for edge in edges]
    for here in {id(one): one for one in opened}.values():
        asked = [edge for edge, one in zip(edges, opened, strict=True) if one is here]
        egress_s = here.egress_s[site]
        found |= holding(here.timetables[day.kind], egress_s, asked, limits, here.home_walks)
        # Walking all the way takes the same at any hour.
        for edge in {(e.returning, e.margin_s): e for e in asked}.values():
            walk_s = here.street_times["walk"][int(edge.returning)][site]
            found |= walk_directly(walk_s, edge, limits) < INF
    return found


def ride(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> tuple[Scan, HomeTimes, Bool]:
    """Return the scan of an edge, the rides of every home, and which homes it finds in the dark."""
    study = open_at(study, day, edge)
    gate = at_gate(study, day, edge)
    scanned = scan(gate.timetables[day.kind], gate.egress_s[site], edge, limits)
    ridden = reach(scanned, study.home_walks)
    if not study.territory.limits.safe_at_night:
        return scanned, ridden, np.zeros(study.n_homes, bool)
    dark = home_in_dark(study, day, edge, ridden)
    return scanned, _either(dark, reach(scanned, after_dark(study).home_walks), ridden), dark


def at_gate(study: Study, day: ChosenDay, edge: Edge) -> Study:
    """Return the study whose tables hold at the gate's end: at its hour, and in its light."""
    study = open_at(study, day, edge)
    return after_dark(study) if dark_at_gate(study, day, edge) else study


def dark_at_gate(study: Study, day: ChosenDay, edge: Edge) -> bool:
    """Return whether the gate is reached or left in the dark, and the territory minds."""
    if not study.territory.limits.safe_at_night:
        return False
    return bool(in_the_dark(daylight_of(study, day), np.array([gate_s(study.light_of or edge)]))[0])


def home_in_dark(study: Study, day: ChosenDay, edge: Edge, times: HomeTimes) -> Bool:
    """Return whether each home is left, or reached, in the dark."""
    elapsed_s = times.elapsed_s.astype(np.int64)
    at_s = (study.light_of or edge).at_s
    moment_s = at_s + elapsed_s if edge.returning else at_s - elapsed_s
    return in_the_dark(daylight_of(study, day), moment_s)


def _either(first: Bool, one: HomeTimes, other: HomeTimes) -> HomeTimes:
    """Return ``one`` where ``first``, else ``other``."""
    return HomeTimes(
        *(np.where(first, getattr(one, f.name), getattr(other, f.name)) for f in fields(HomeTimes))
    )


def _fed_times(
    study: Study,
    site: int,
    day: ChosenDay,
    mode: str,
    edges: tuple[Edge, Edge],
    limits: EngineLimits,
) -> tuple[HomeTimes, HomeTimes]:
    """Return outbound and return by cycling, or driving, to a stop, for every home.

    A bicycle or car left at a place is fetched there. In the dark, by the gate's deadline of
    each direction, walks and rides by bicycle keep to safe streets.
    """
    gates = [at_gate(study, day, edge) for edge in edges]
    ways = [gate.feeders[mode] for gate in gates]
    two_ways = [gate.timetables[day.kind] for gate in gates]
    if isinstance(ways[0], Feeder) and isinstance(ways[1], Feeder):
        feeder = mixed(ways[0], ways[1])
        egress_s = (gates[0].egress_s[site], gates[1].egress_s[site])
        return fed_commute(feeder, (two_ways[0], two_ways[1]), egress_s, edges, limits)
    onward, homeward = (
        carried_times(way, two_way, site, edge, limits)
        for way, two_way, edge in zip(ways, two_ways, edges, strict=True)
        if isinstance(way, Carried)
    )
    return onward, homeward


def _on_demand_times(
    study: Study, site: int, day: ChosenDay, worked: Sequence[str], edge: Edge, limits: EngineLimits
) -> HomeTimes:
    """Return the best on-demand service of each home: to the gate, or to a stop."""
    best_s = np.full(study.n_homes, INF, np.int32)
    gate = at_gate(study, day, edge)
    for service in study.on_demand:
        windows = service.windows(day, worked, study.territory.zone)
        found = booked_times(
            service, windows, site, edge, limits, gate.timetables[day.kind], gate.egress_s[site]
        )
        best_s = np.minimum(best_s, found)
    return _on_streets(best_s)


def _on_streets(elapsed_s: Int32, walk_s: Int32 | None = None) -> HomeTimes:
    n_homes = elapsed_s.size
    none = np.zeros(n_homes, np.int32)
    return HomeTimes(
        elapsed_s,
        np.zeros(n_homes, np.int8),
        none if walk_s is None else walk_s,
        np.full(n_homes, -1, np.int32),
    )


def street_times(
    study: Study, site: int, day: ChosenDay, mode: str, edge: Edge, limits: EngineLimits
) -> HomeTimes:
    """Return the times of a mode that uses streets alone, for every home.

    On foot or by bicycle, a way that is in the dark at either end keeps to safe streets where
    the territory asks for it.
    """
    study = open_at(study.views.on_streets or study, day, edge)
    found = _moved(study, site, mode, edge, limits)
    if mode == "car" or not study.territory.limits.safe_at_night:
        return found
    careful = _moved(after_dark(study), site, mode, edge, limits)
    dark = home_in_dark(study, day, edge, found)
    if dark_at_gate(study, day, edge):
        dark[:] = True
    return _either(dark, careful, found)


def _moved(study: Study, site: int, mode: str, edge: Edge, limits: EngineLimits) -> HomeTimes:
    moving_s = study.street_times[mode][int(edge.returning)][site]
    if mode == "car":
        moving_s = _driven(study, edge, moving_s)
    if mode == "walk":
        elapsed_s = walk_directly(moving_s, edge, limits)
    else:
        cap_s = limits.max_total_s
        if mode != "car":
            cap_s = min(cap_s, round(study.territory.limits.max_bike_min * 60) + edge.margin_s)
        elapsed_s = moving_s + np.int32(edge.margin_s)
        elapsed_s = np.where(elapsed_s <= cap_s, elapsed_s, INF).astype(np.int32)
    walked = (elapsed_s < INF) & (mode == "walk")
    return _on_streets(elapsed_s, np.where(walked, moving_s, 0).astype(np.int32))


def _driven(study: Study, edge: Edge, moving_s: Int32) -> Int32:
    """Return driving seconds in the traffic of the hours on the road, parking included."""
    driving = study.territory.driving
    parked_s = car_park_s(driving, edge)
    free_s = np.where(moving_s < INF, moving_s, 0)
    road_s = road_seconds(driving, free_s, parked_s, returning=edge.returning)
    whole = np.ceil(road_s - 1e-6) + driving.parking_min * 60
    return np.where(moving_s < INF, whole, INF).astype(np.int32)


def overtime(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits, on_time_s: Int32
) -> Int32:
    """Return the overtime after which each home's return still holds, without a gap.

    Steps of 15 minutes after the shift's end are tried until the return fails; the answer
    is the last that held, -1 where the return fails even on time.
    """
    latest = np.where(on_time_s < INF, 0, -1).astype(np.int32)
    alive = latest >= 0
    for late_s in range(OVERTIME_STEP_S, OVERTIME_MAX_S + 1, OVERTIME_STEP_S):
        if not alive.any():
            break
        later = replace(edge, at_s=edge.at_s + late_s)
        alive &= ever_held(study, site, day, [later], limits, among=alive)
        latest[alive] = late_s
    return latest
