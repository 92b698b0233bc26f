"""Commute accessibility: outbound and return, for every site, shift, kind of day and mode."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.analysis.feeder_modes import Carried, Feeder, carried_times, fed_commute, mixed
from mobility.analysis.night import daylight_of, in_the_dark
from mobility.analysis.on_demand import booked_times
from mobility.analysis.shapes import home_labels
from mobility.analysis.study import Progress, Study, engine_limits, quiet
from mobility.analysis.traffic import car_park_s, road_seconds
from mobility.engine.journeys import (
    Edge,
    EngineLimits,
    HomeTimes,
    Scan,
    reach,
    scan,
    walk_directly,
)
from mobility.errors import TerritoryError
from mobility.inputs.calendars import ChosenDay
from mobility.network.timetable import INF

Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]

#: Overtime is tried by this step, up to this much.
OVERTIME_STEP_S, OVERTIME_MAX_S = 900, 10_800


@dataclass(frozen=True)
class Access:
    """Times of every home for every combination.

    Attributes
    ----------
    keys
        One row per combination: ``shift_id``, ``day_kind``, ``mode``.
    outbound_s, return_s : int32[K, H]
        Seconds; ``INF`` where the direction does not hold within the limits.
    rides, walk_s : int8[K, 2, H], int32[K, 2, H]
        Vehicles and walking seconds of the outbound and the return journey (transit only).
    overtime_s : int32[K, H]
        Transit only: overtime after which the return still holds, by steps of 15 min up to
        3 h; -1 where the return does not hold at all.
    """

    study: Study
    keys: pd.DataFrame
    outbound_s: Int32
    return_s: Int32
    rides: NDArray[np.int8]
    walk_s: Int32
    overtime_s: Int32

    @cached_property
    def holds_out(self) -> Bool:
        """Whether the outbound direction holds, bool (K, H)."""
        return self.outbound_s < INF

    @cached_property
    def holds_back(self) -> Bool:
        """Whether the return direction holds, bool (K, H)."""
        return self.return_s < INF

    @cached_property
    def holds(self) -> Bool:
        """Whether the commute holds, bool (K, H)."""
        return self.holds_out & self.holds_back

    def row(self, shift_id: int, day_kind: str, mode: str) -> int | None:
        """Return the row of a combination, or None when it was not computed."""
        return self._rows.get((shift_id, day_kind, mode))

    @cached_property
    def _rows(self) -> dict[tuple[int, str, str], int]:
        return {key: k for k, key in enumerate(self.keys.itertuples(index=False, name=None))}

    def counted(self, shift_id: int, day_kind: str) -> tuple[Bool, Bool, Bool]:
        """Return (outbound, return, commute) held by a mode that rescues from a white zone.

        The commute holds when one mode holds both ways.
        """
        asked = [(shift_id, day_kind, mode) for mode in counting_modes(self.study)]
        rows = [self._rows[key] for key in asked if key in self._rows]
        return tuple(  # type: ignore[return-value]
            np.asarray(held[rows].any(axis=0))
            for held in (self.holds_out, self.holds_back, self.holds)
        )

    @cached_property
    def rosters(self) -> RosterAccess:
        """The worst-of rule over the shifts of each roster."""
        return rosters(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the long table: a row per combination and home, minutes, <NA> where none."""
        shifts = self.study.shifts
        homes = home_labels(self.study)
        n_keys, n_homes = self.outbound_s.shape
        key = np.repeat(np.arange(n_keys), n_homes)
        shift = shifts.loc[self.keys["shift_id"]].reset_index(drop=True)
        columns: dict[str, object] = {
            name: pd.Categorical(shift[name].to_numpy()[key])
            for name in ("site_name", "roster", "shift")
        }
        for name in ("day_kind", "mode"):
            columns[name] = pd.Categorical(self.keys[name].to_numpy()[key])
        columns["home_id"] = np.tile(homes, n_keys)
        columns["outbound_min"] = _minutes(self.outbound_s)
        columns["return_min"] = _minutes(self.return_s)
        columns["holds"] = self.holds.ravel()
        return pd.DataFrame(columns)


def _minutes(seconds: Int32) -> pd.Series:
    flat = seconds.ravel()
    return pd.Series(np.where(flat < INF, flat / 60, np.nan)).round(1).astype("Float32")


def counting_modes(study: Study) -> list[str]:
    """Return the modes that rescue a home from being white.

    Public transport and walking always do, cycling by the territory's switch; driving is
    what those without a car lack, and car-pooling is a remedy shown apart.
    """
    modes = study.territory.modes
    counted = {"transit", "walk", "on_demand"}
    if modes.cycling_counts:
        counted |= {"bike", "e_bike", "bike_transit"}
    return [m for m in modes.evaluated if m in counted]


def assess(study: Study, *, progress: Progress = quiet) -> Access:
    """Compute the commute accessibility of every site, shift, kind of day and mode.

    Returns
    -------
    Access
        Rows sorted by shift, day kind and mode, whatever the number of threads.
    """
    keys = [
        (shift_id, day, mode)
        for shift_id in range(len(study.shift_rows))
        for day in study.days
        if study.works_on(shift_id, day)
        for mode in study.territory.modes.evaluated
    ]
    if not keys:
        raise TerritoryError(
            "No shift works on any of the dates studied.",
            file=study.territory.path,
            column="days",
            mend="Add kinds of day, or a date within the rosters' period to days.extra.",
        )
    progress("commutes")
    if study.territory.limits.safe_at_night:
        # Computed once, before threads ask for it.
        study.after_dark.egress_s  # noqa: B018
    questions = {_question(study, *key): key for key in keys}
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        answers = dict(
            zip(
                questions,
                pool.map(lambda key: _answer(study, *key), questions.values()),
                strict=True,
            )
        )
    found = [answers[_question(study, *key)] for key in keys]
    return Access(
        study=study,
        keys=pd.DataFrame(
            [(s, d.kind, m) for s, d, m in keys], columns=["shift_id", "day_kind", "mode"]
        ),
        outbound_s=np.array([a[0].elapsed_s for a in found], np.int32),
        return_s=np.array([a[1].elapsed_s for a in found], np.int32),
        rides=np.array([[a[0].rides, a[1].rides] for a in found], np.int8),
        walk_s=np.array([[a[0].walk_s, a[1].walk_s] for a in found], np.int32),
        overtime_s=np.array([a[2] for a in found], np.int32),
    )


def _question(study: Study, shift_id: int, day: ChosenDay, mode: str) -> tuple[object, ...]:
    """Two shifts of one site with the same hours ask the same question."""
    row = study.shift_rows[shift_id]
    return row.site, row.start_s, row.end_s, day.kind, mode


def _answer(
    study: Study, shift_id: int, day: ChosenDay, mode: str
) -> tuple[HomeTimes, HomeTimes, Int32]:
    limits = engine_limits(study.territory.limits)
    onward, homeward = both_ways(study, shift_id, day, mode, limits)
    if mode == "transit":
        site, (_, back) = study.shift_rows[shift_id].site, study.edges(shift_id, day)
        return onward, homeward, overtime(study, site, day, back, limits, homeward)
    return onward, homeward, np.where(homeward.elapsed_s < INF, OVERTIME_MAX_S, -1)


def both_ways(
    study: Study, shift_id: int, day: ChosenDay, mode: str, limits: EngineLimits
) -> tuple[HomeTimes, HomeTimes]:
    """Return outbound and return of every home by one mode, for a shift on a kind of day."""
    row, edges = study.shift_rows[shift_id], study.edges(shift_id, day)
    if mode in study.feeders:
        return fed_times(study, row.site, day, mode, edges, limits)
    if mode == "transit":
        times = partial(transit_times, study, row.site, day, limits=limits)
    elif mode == "on_demand":
        worked = [weekday for weekday in row.days if weekday in day.weekdays]
        times = partial(on_demand_times, study, row.site, day, worked, limits=limits)
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
    _, ridden, _ = ride(study, site, day, edge, limits)
    walked = street_times(study, site, day, "walk", edge, limits)
    return _either(walked.elapsed_s <= ridden.elapsed_s, walked, ridden)


def ride(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> tuple[Scan, HomeTimes, Bool]:
    """Return the scan of an edge, the rides of every home, and which homes it finds in the dark."""
    gate = at_gate(study, day, edge)
    scanned = scan(gate.timetables[day.kind], gate.egress_s[site], edge, limits)
    ridden = reach(scanned, study.home_walks)
    if not study.territory.limits.safe_at_night:
        return scanned, ridden, np.zeros(study.n_homes, bool)
    dark = home_in_dark(study, day, edge, ridden)
    return scanned, _either(dark, reach(scanned, study.after_dark.home_walks), ridden), dark


def at_gate(study: Study, day: ChosenDay, edge: Edge) -> Study:
    """Return the study whose tables hold at the gate's end: after dark when it is dark."""
    if not study.territory.limits.safe_at_night:
        return study
    gate_s = edge.at_s + edge.margin_s if edge.returning else edge.at_s - edge.margin_s
    dark = in_the_dark(daylight_of(study, day), np.array([gate_s]))
    return study.after_dark if dark[0] else study


def home_in_dark(study: Study, day: ChosenDay, edge: Edge, times: HomeTimes) -> Bool:
    """Return whether each home is left, or reached, in the dark."""
    elapsed_s = times.elapsed_s.astype(np.int64)
    moment_s = edge.at_s + elapsed_s if edge.returning else edge.at_s - elapsed_s
    return in_the_dark(daylight_of(study, day), moment_s)


def _either(first: Bool, one: HomeTimes, other: HomeTimes) -> HomeTimes:
    """Return ``one`` where ``first``, else ``other``."""
    return HomeTimes(
        *(np.where(first, getattr(one, f.name), getattr(other, f.name)) for f in fields(HomeTimes))
    )


def fed_times(
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


def on_demand_times(
    study: Study,
    site: int,
    day: ChosenDay,
    worked: Sequence[str],
    edge: Edge,
    limits: EngineLimits,
) -> HomeTimes:
    """Return the best on-demand service of each home: to the gate, or to a stop."""
    best_s = np.full(study.n_homes, INF, np.int32)
    gate = at_gate(study, day, edge)
    for service in study.on_demand:
        windows = service.windows(day, worked, study.territory.zone)
        found = booked_times(
            service,
            windows,
            site,
            edge,
            limits,
            gate.timetables[day.kind],
            gate.egress_s[site],
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
    found = _moved(study, site, mode, edge, limits)
    if mode == "car" or not study.territory.limits.safe_at_night:
        return found
    careful = _moved(study.after_dark, site, mode, edge, limits)
    dark = home_in_dark(study, day, edge, found)
    if at_gate(study, day, edge) is not study:
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
    study: Study,
    site: int,
    day: ChosenDay,
    edge: Edge,
    limits: EngineLimits,
    on_time: HomeTimes,
) -> Int32:
    """Return the overtime after which each home's return still holds, without a gap.

    Steps of 15 minutes after the shift's end are tried until the return fails; the answer
    is the last that held, -1 where the return fails even on time.
    """
    held = np.where(on_time.elapsed_s < INF, 0, -1).astype(np.int32)
    alive = held >= 0
    for late_s in range(OVERTIME_STEP_S, OVERTIME_MAX_S + 1, OVERTIME_STEP_S):
        if not alive.any():
            break
        later = Edge(returning=True, at_s=edge.at_s + late_s, margin_s=edge.margin_s)
        alive &= transit_times(study, site, day, later, limits).elapsed_s < INF
        held[alive] = late_s
    return held


@dataclass(frozen=True)
class RosterAccess:
    """The worst-of rule over the shifts of each roster.

    Attributes
    ----------
    keys
        One row per roster: ``site``, ``site_name``, ``roster``, ``mode`` (``counted`` is the
        best counting mode of each shift).
    holds, out_always, back_always : bool[R, H]
        Whether the commute, its outbound and its return hold on every shift and kind of day.
    share : float64[R, H]
        Share of the cycle's working days on which the commute holds.
    """

    keys: pd.DataFrame
    holds: Bool
    out_always: Bool
    back_always: Bool
    share: NDArray[np.float64]


def roster_shifts(study: Study) -> dict[tuple[int, str], list[int]]:
    """Return the shifts of each roster, by (site, roster name)."""
    found: dict[tuple[int, str], list[int]] = {}
    for row in study.shift_rows:
        found.setdefault((row.site, row.roster), []).append(row.shift_id)
    return found


def rosters(access: Access) -> RosterAccess:
    """Apply the worst-of rule: one shift that fails makes the roster fail."""
    study = access.study
    days = {day.kind: day for day in study.days}
    rows, holds, outs, backs, shares = [], [], [], [], []
    modes: list[str] = ["counted", *study.territory.modes.evaluated]
    for (site, roster), shift_ids in roster_shifts(study).items():
        worked = [
            (shift_id, day.kind)
            for shift_id in shift_ids
            for day in study.days
            if study.works_on(shift_id, day)
        ]
        weight = np.array([study.days_per_year(s, days[k]) for s, k in worked])
        for mode in modes:
            found = [_held(access, s, k, mode) for s, k in worked]
            if not worked:  # on none of the days studied: nothing is known to hold
                found, weight = [(np.zeros(study.n_homes, bool),) * 3], np.ones(1)
            held = np.array([f[2] for f in found])
            rows.append((site, study.sites[site].name, roster, mode))
            holds.append(held.all(axis=0))
            outs.append(np.all([f[0] for f in found], axis=0))
            backs.append(np.all([f[1] for f in found], axis=0))
            shares.append(weight @ held / weight.sum())
    return RosterAccess(
        pd.DataFrame(rows, columns=["site", "site_name", "roster", "mode"]),
        np.array(holds, bool),
        np.array(outs, bool),
        np.array(backs, bool),
        np.array(shares),
    )


def counted_rows(found: RosterAccess) -> list[int]:
    """Return the rows of the best counting mode, one per roster, in the order of rosters."""
    return [int(r) for r in np.flatnonzero(found.keys["mode"] == "counted")]


def _held(access: Access, shift_id: int, day_kind: str, mode: str) -> tuple[Bool, Bool, Bool]:
    if mode == "counted":
        return access.counted(shift_id, day_kind)
    row = access.row(shift_id, day_kind, mode)
    if row is None:
        none = np.zeros(access.study.n_homes, bool)
        return none, none, none
    return access.holds_out[row], access.holds_back[row], access.holds[row]
