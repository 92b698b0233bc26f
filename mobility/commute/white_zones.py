"""White zones: who cannot make the commute, and the limit that binds.

The reason is found by relaxing one limit at a time and asking the engine again; the first
relaxation that makes the commute hold names the remedy to examine first.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Int8
from mobility.base.cache import Bundle
from mobility.base.literal import one_line
from mobility.base.machine import spread, thread_count
from mobility.commute.access import (
    NEITHER,
    OUTBOUND_ONLY,
    RETURN_ONLY,
    SERVED,
    STATUSES,
    Access,
    counting_modes,
    minutes,
    site_key,
)
from mobility.commute.any_hour import Hours, held_at_some_hour, moved_edges
from mobility.commute.door_to_door import both_ways, ever_held
from mobility.commute.study import Progress, Study, engine_limits, quiet
from mobility.commute.variants import by_day, stops_served
from mobility.engine.journeys import EngineLimits, relaxed
from mobility.sources.days import ChosenDay, at_weekend, ordinary_day
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable

if TYPE_CHECKING:
    import geopandas as gpd

#: Reasons as they are told; 0 stands for a served home. `_reasons` has the order of the trials.
REASONS = (
    "",
    "no_stop_home",
    "no_stop_gate",
    "no_service_hour",
    "no_service_day",
    "no_return",
    "too_long",
    "too_many_transfers",
    "only_school_days",
    "unsafe_night",
    "several",
)
_SEVERAL = REASONS.index("several")

#: Relaxed values: a direction of three hours and five changes is no offer for a commute.
RELAXED_TOTAL_S, RELAXED_TRANSFERS = 10_800, 5


@dataclass(frozen=True)
class WhiteZones:
    """Status and reason of every home for every shift and kind of day.

    Attributes
    ----------
    keys
        One row per shift and kind of day: ``shift_id``, ``day_kind``.
    status : int8[Z, H]
        Index into `STATUSES`: served, outbound only, return only, neither.
    reason : int8[Z, H]
        Index into `REASONS`; 0 where served.
    """

    access: Access
    keys: pd.DataFrame
    status: Int8
    reason: Int8

    def told(self) -> WhiteZones:
        """Return them of a study of which nothing more is computed.

        It is without its timetables, calls and walks: those of twenty variants would fill the
        memory.
        """
        study = self.access.study
        study.views.forget()
        # A copy: a slice would keep the whole table.
        feed = replace(study.feed, stop_times=study.feed.stop_times[:0].copy())
        none = WalkTable(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
        study = replace(study, timetables={}, feed=feed, home_walks=none, gate_walks=none)
        return replace(self, access=replace(self.access, study=study))

    def row(self, shift_id: int, day_kind: str) -> int:
        """Return the row of a shift and kind of day."""
        return self._rows[shift_id, day_kind]

    @cached_property
    def _rows(self) -> dict[tuple[int, str], int]:
        return {key: z for z, key in enumerate(self.keys.itertuples(index=False, name=None))}

    def __repr__(self) -> str:
        white = (self.status > SERVED).mean(axis=0) if len(self.status) else np.zeros(0)
        return (
            f"WhiteZones of {self.access.study.territory.name}: {len(self.keys):,} shifts and "
            f"days; {int((white == 1).sum()):,} of {len(white):,} homes are white in all of them"
        )

    def to_gdf(self, rows: slice = slice(None)) -> gpd.GeoDataFrame:
        """Return the place of each home, EPSG:4326, with all that was found there.

        Parameters
        ----------
        rows
            Which of the homes, in their order; all by default, which take gigabytes where
            homes and shifts are many.

        Returns
        -------
        GeoDataFrame
            The columns of `Access.to_gdf`, and per shift and kind of day, named by site, roster,
            shift and kind of day, ``<name> | out_min`` and ``<name> | back_min`` (by public
            transport, <NA> where none), ``<name> | status`` and ``<name> | reason``.
        """
        access, study = self.access, self.access.study
        columns: dict[str, object] = {}
        statuses, reasons = (pd.array(words, dtype="str") for words in (STATUSES, REASONS))
        for z, (shift_id, day_kind) in enumerate(self.keys.itertuples(index=False)):
            shift = study.shift_rows[shift_id]
            name = one_line(" | ".join([shift.site_name, shift.roster, shift.shift, day_kind]))
            row = access.row(shift_id, day_kind, "transit")
            if row is not None:
                columns[f"{name} | out_min"] = minutes(access.outbound_s[row, rows])
                columns[f"{name} | back_min"] = minutes(access.return_s[row, rows])
            columns[f"{name} | status"] = statuses.take(self.status[z, rows])
            columns[f"{name} | reason"] = reasons.take(self.reason[z, rows])
        homes = access.to_gdf(rows)
        found = pd.DataFrame(columns, homes.index)
        order = [*homes.columns.drop("geometry"), *columns, "geometry"]
        return pd.concat([homes, found], axis=1)[order]


def white_zones(
    access: Access, *, known: Hours | None = None, progress: Progress = quiet
) -> WhiteZones:
    """Return the white zones of every shift and kind of day, with the binding reasons.

    Parameters
    ----------
    access
        What holds where, see `mobility.assess`.
    known
        What was found of the best hours of the day, completed here; of a study that differs
        in the hours of its shifts at most.
    progress
        Called with the name of each step.

    Returns
    -------
    WhiteZones
        Status and reason of every home, for each shift on each kind of day it works on.
    """
    progress("white zones")
    study = access.study
    each = dict.fromkeys(zip(access.keys["shift_id"], access.keys["day_kind"], strict=True))
    keys = pd.DataFrame(each.keys(), columns=["shift_id", "day_kind"])
    days = {day.kind: day for day in study.days}
    pairs = [(int(s), days[k]) for s, k in each]
    status = np.array([status_of(access, s, d.kind) for s, d in pairs], np.int8)
    hours = Hours() if known is None else known
    reason = np.zeros(status.shape, np.int8)
    places = [(study.shift_rows[shift_id].site, day.kind) for shift_id, day in pairs]
    with ThreadPoolExecutor(max_workers=thread_count()) as pool:
        for place in dict.fromkeys(places):
            rows = np.flatnonzero([one == place for one in places])
            asked = [pairs[row] for row in rows]
            reason[rows] = _reasons_of(access, place[0], asked, status[rows], pool, hours)
    return WhiteZones(access, keys, status, reason)


def status_of(access: Access, shift_id: int, day_kind: str) -> Int8:
    """Return the status of every home for a shift on a kind of day, an index into `STATUSES`."""
    out, back, both = access.counted(shift_id, day_kind)
    status = np.where(out, OUTBOUND_ONLY, np.where(back, RETURN_ONLY, NEITHER))
    # Out by one mode and back by another only is no commute; it reads as the outbound alone.
    return np.where(both, SERVED, status).astype(np.int8)


def _reasons_of(
    access: Access,
    site: int,
    pairs: list[tuple[int, ChosenDay]],
    status: Int8,
    pool: ThreadPoolExecutor,
    known: Hours,
) -> Int8:
    """Return the reason of every home for the shifts and kinds of day of one site."""
    study = access.study

    def compute() -> Bundle:
        hours = held_at_some_hour(study, pairs, pool, known)
        rows = range(len(pairs))
        found = spread(pool, lambda z: _reasons(access, *pairs[z], status[z], hours), rows)
        reason = np.array(found, np.int8)
        # Last, and of what is left: no other reason changes.
        _name_the_day(study, pairs, status, reason, pool, known)
        return {"reason": reason}

    key = site_key(study, site, [(shift_id, day, "") for shift_id, day in pairs])
    return np.asarray(study.kept(["zones", *key, status], compute)["reason"])


def _name_the_day(
    study: Study,
    pairs: list[tuple[int, ChosenDay]],
    status: Int8,
    reason: Int8,
    pool: ThreadPoolExecutor,
    known: Hours,
) -> None:
    """Name the day, at weekends, for homes that a weekday alone cures, at any hour."""
    day = ordinary_day(study.days)
    limits = engine_limits(study.territory.limits)
    rows = [z for z, (_, on) in enumerate(pairs) if at_weekend(on) and _SEVERAL in reason[z]]
    if day is None or not rows:
        return
    shifts = [pairs[z][0] for z in rows]
    hours = held_at_some_hour(study, [(shift_id, day) for shift_id in shifts], pool, known)
    held = spread(pool, lambda shift_id: _held(study, shift_id, day, limits), shifts)
    for z, shift_id, (out, back) in zip(rows, shifts, held, strict=True):
        best_out, best_back = (hours[moved] for moved in moved_edges(study, shift_id, day))
        cured = (reason[z] == _SEVERAL) & _cured(status[z], out | best_out, back | best_back)
        reason[z, cured] = REASONS.index("no_service_day")


def _held(study: Study, shift_id: int, day: ChosenDay, limits: EngineLimits) -> tuple[Bool, Bool]:
    """Return who can go, and return, at the hours of a shift on a kind of day."""
    site, (out, back) = study.shift_rows[shift_id].site, study.edges(shift_id, day)
    return ever_held(study, site, day, [out], limits), ever_held(study, site, day, [back], limits)


def _held_among(
    study: Study, shift_id: int, status: Int8, open_: Bool, day: ChosenDay, limits: EngineLimits
) -> tuple[Bool, Bool]:
    """Return `_held` as far as it tells which of some white homes are cured.

    Who goes already is not asked whether they can go, nor, whether they can return, who does or
    still cannot go.
    """
    site, edges = study.shift_rows[shift_id].site, study.edges(shift_id, day)
    held = np.zeros((2, study.n_homes), bool)
    asked = open_
    for one, edge, has in zip(held, edges, (OUTBOUND_ONLY, RETURN_ONLY), strict=True):
        among = asked & (status != has)
        if among.any():
            one[:] = ever_held(study, site, day, [edge], limits, among=among)
        asked = asked & (one | (status == has))
    return held[0], held[1]


def _cured(status: Int8, out: Bool, back: Bool) -> Bool:
    """Return the white homes whose missing directions are among those that hold."""
    cured: Bool = (out | (status == OUTBOUND_ONLY)) & (back | (status == RETURN_ONLY))
    return cured


def _reasons(access: Access, shift_id: int, day: ChosenDay, status: Int8, hours: Hours) -> Int8:
    """Return the reason of each white home for one shift on one kind of day."""
    study = access.study
    site = study.shift_rows[shift_id].site
    limits = engine_limits(study.territory.limits)
    reason = np.where(status == SERVED, 0, _SEVERAL).astype(np.int8)
    open_ = status != SERVED

    def settle(name: str, out: Bool, back: Bool) -> None:
        """Give the reason to open homes whose missing directions now hold."""
        cured = open_ & _cured(status, out, back)
        reason[cured] = REASONS.index(name)
        open_[cured] = False

    best_out, best_back = (hours[moved] for moved in moved_edges(study, shift_id, day))
    school = next((d for d in study.days if d.kind == "school_weekday"), None)
    ask = partial(_held_among, study, shift_id, status, open_)
    trials: list[tuple[str, Callable[[], tuple[Bool, Bool]]]] = [
        ("no_stop_home", lambda: ask(day, relaxed(limits, home_walk_counts=False))),
        ("no_stop_gate", lambda: ask(day, relaxed(limits, gate_walk_counts=False))),
        ("no_service_hour", lambda: (best_out, best_back)),
        ("no_return", lambda: (status == OUTBOUND_ONLY, status == OUTBOUND_ONLY)),
        ("too_long", lambda: ask(day, relaxed(limits, max_total_s=RELAXED_TOTAL_S))),
        ("too_many_transfers", lambda: ask(day, relaxed(limits, max_transfers=RELAXED_TRANSFERS))),
    ]
    if school is not None and _school_could_run(day, school) and study.works_on(shift_id, school):
        trials.append(("only_school_days", lambda: ask(school, limits)))
    if study.feed.stops.empty:
        # Nothing is known of public transport: what fails is the way on the streets.
        trials = []
    if study.territory.limits.safe_at_night:
        # Before "no return", which any home that can only go would meet.
        place = next((k for k, (n, _) in enumerate(trials) if n == "no_return"), 0)
        trials.insert(place, ("unsafe_night", lambda: _by_day(study, shift_id, day, limits)))
    for name, trial in trials:
        if open_.any():
            settle(name, *trial())
    if study.feed.stops.empty:
        reason[open_] = REASONS.index("too_long")
    else:
        _structural(study, site, open_, reason)
    return reason


def _school_could_run(day: ChosenDay, school: ChosenDay) -> bool:
    """Whether another kind of day is one of the weekdays of school term, as holidays are."""
    return day.kind != school.kind and set(day.weekdays) <= set(school.weekdays)


def _by_day(study: Study, shift_id: int, day: ChosenDay, limits: EngineLimits) -> tuple[Bool, Bool]:
    """Return who could go and return, by one mode, if every way were safe in the dark."""
    daring = by_day(study)
    held = np.zeros(study.n_homes, bool)
    for mode in counting_modes(study):
        out, back = both_ways(daring, shift_id, day, mode, limits)
        held |= (out.elapsed_s < INF) & (back.elapsed_s < INF)
    return held, held


def _structural(study: Study, site: int, open_: Bool, reason: Int8) -> None:
    """Name what no single relaxation cures, when a stop is out of walking reach anyway."""
    cap_s = round(study.territory.limits.max_walk_min * 60)
    # Where a line could call one day, as the places that levers try, there is no stop yet.
    walks, served = study.home_walks, stops_served(study.timetables)
    near = served[walks.stop] & (walks.walk_s <= cap_s)
    has_stop = np.bincount(walks.rows[near], minlength=study.n_homes) > 0
    reason[open_ & ~has_stop] = REASONS.index("no_stop_home")
    # Where nobody can walk from a stop to the gate, a stop near the home is of no use.
    if study.egress_s[site][served].min(initial=INF) > cap_s:
        reason[open_] = REASONS.index("no_stop_gate")
