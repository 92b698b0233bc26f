"""Commute accessibility: outbound and return, for every site, shift, kind of day and mode."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.analysis.study import Progress, Study, engine_limits, quiet
from mobility.engine.journeys import (
    Edge,
    EngineLimits,
    HomeTimes,
    TwoWay,
    relaxed,
    travel,
    walk_directly,
)
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
        keys = self.keys
        found = np.flatnonzero(
            (keys["shift_id"] == shift_id) & (keys["day_kind"] == day_kind) & (keys["mode"] == mode)
        )
        return int(found[0]) if found.size else None

    def counted(self, shift_id: int, day_kind: str) -> tuple[Bool, Bool, Bool]:
        """Return (outbound, return, commute) held by a mode that rescues from a white zone.

        The commute holds when one mode holds both ways.
        """
        rows = np.flatnonzero(
            (self.keys["shift_id"] == shift_id)
            & (self.keys["day_kind"] == day_kind)
            & self.keys["mode"].isin(counting_modes(self.study))
        )
        return tuple(  # type: ignore[return-value]
            np.asarray(held[rows].any(axis=0))
            for held in (self.holds_out, self.holds_back, self.holds)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the long table: a row per combination and home, minutes, <NA> where none."""
        shifts = self.study.shifts
        homes = self.study.homes.frame["home_id"].to_numpy()
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
    progress("commutes")
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
    site = study.shift_rows[shift_id].site
    out, back = study.edges(shift_id, day)
    if mode == "transit":
        onward = transit_times(study, site, day, out, limits)
        homeward = transit_times(study, site, day, back, limits)
        return onward, homeward, overtime(study, site, day, back, limits, homeward)
    if mode in study.feeder_access:
        onward = fed_times(study, site, day, mode, out, limits)
        homeward = fed_times(study, site, day, mode, back, limits)
    else:
        onward = street_times(study, site, mode, out, limits)
        homeward = street_times(study, site, mode, back, limits)
    return onward, homeward, np.where(homeward.elapsed_s < INF, OVERTIME_MAX_S, -1)


def transit_times(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> HomeTimes:
    """Return the best of riding and walking all the way, for every home."""
    two_way: TwoWay = study.timetables[day.kind]
    ridden = travel(two_way, study.egress_s[site], edge, limits, study.home_walks)
    walk_s = study.street_times["walk"][int(edge.returning)][site]
    walked = walk_directly(walk_s, edge, limits)
    on_foot = walked <= ridden.elapsed_s
    return HomeTimes(
        np.where(on_foot, walked, ridden.elapsed_s).astype(np.int32),
        np.where(on_foot, 0, ridden.rides).astype(np.int8),
        np.where(on_foot & (walked < INF), walk_s, ridden.walk_s).astype(np.int32),
        np.where(on_foot, -1, ridden.stop).astype(np.int32),
    )


def fed_times(
    study: Study, site: int, day: ChosenDay, mode: str, edge: Edge, limits: EngineLimits
) -> HomeTimes:
    """Return the times of riding after cycling, or driving, to a stop, for every home.

    The bicycle or car stays at the stop; only walking beyond it counts as walking.
    """
    access = study.feeder_access[mode][int(edge.returning)]
    fed = relaxed(limits, home_walk_counts=False)
    return travel(study.timetables[day.kind], study.egress_s[site], edge, fed, access)


def street_times(study: Study, site: int, mode: str, edge: Edge, limits: EngineLimits) -> HomeTimes:
    """Return the times of a mode that uses streets alone, for every home."""
    moving_s = study.street_times[mode][int(edge.returning)][site]
    if mode == "walk":
        elapsed_s = walk_directly(moving_s, edge, limits)
    else:
        cap_s = limits.max_total_s
        if mode != "car":
            cap_s = min(cap_s, round(study.territory.limits.max_bike_min * 60) + edge.margin_s)
        elapsed_s = moving_s + np.int32(edge.margin_s)
        elapsed_s = np.where(elapsed_s <= cap_s, elapsed_s, INF).astype(np.int32)
    holds = elapsed_s < INF
    n_homes = elapsed_s.size
    walk_s = np.where(holds & (mode == "walk"), moving_s, 0).astype(np.int32)
    return HomeTimes(elapsed_s, np.zeros(n_homes, np.int8), walk_s, np.full(n_homes, -1, np.int32))


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
        if not worked:
            continue
        weight = np.array([study.days_per_year(s, days[k]) for s, k in worked])
        for mode in modes:
            found = [_held(access, s, k, mode) for s, k in worked]
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
