"""The territory with a plan running: the engine reads the plan's GTFS like any other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.machine import spread, thread_count
from mobility.commute.access import Access
from mobility.commute.door_to_door import ever_held
from mobility.commute.side_by_side import alone
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import with_timetables
from mobility.shuttles.gtfs_out import Table, write_gtfs
from mobility.shuttles.model import Bools
from mobility.sources.days import ChosenDay
from mobility.sources.gtfs.feed import Services
from mobility.sources.gtfs.read import Feed, read_feed

Int64 = NDArray[np.int64]


def read_tables(tables: Mapping[str, Table]) -> Feed:
    """Return GTFS tables as the engine's reader sees them, through a zip."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_gtfs(tables, Path(folder) / "navettes.zip")
        return read_feed(path, cache=False)


def feed_parts(feed: Feed) -> list[object]:
    """Return what follows from a feed is known by, see `base.cache.content_hash`."""
    told = {f.name: getattr(feed, f.name) for f in fields(feed)}
    told |= {f.name: getattr(feed.services, f.name) for f in fields(feed.services)}
    return [told[name] for name in sorted(told.keys() - {"services", "findings", "rows"})]


def each_of(feed: Feed, set_of: Int64, count: int) -> list[Feed]:
    """Return the feed of each of some sets of trips, with the stops and services they use.

    Parameters
    ----------
    feed
        Of `read_tables`: without stations, transfers or frequencies.
    set_of
        int64[trips] the set of each trip.
    count
        Of the sets.
    """
    found, of_call = [], set_of[feed.stop_times["trip"].to_numpy()]
    for k in range(count):
        trips, calls = feed.trips[set_of == k], feed.stop_times[of_call == k]
        numbers = {"trip": trips.index.to_numpy()}
        numbers |= {name: np.unique(trips[name]) for name in ("route", "service")}
        numbers["stop"] = np.unique(calls["stop"])
        trips, calls = (_numbered(table, numbers) for table in (trips, calls))
        found.append(
            replace(
                feed,
                trips=trips,
                stop_times=calls,
                stops=_rows(feed.stops, numbers["stop"]),
                routes=_rows(feed.routes, numbers["route"]),
                services=_services(feed.services, numbers["service"]),
            )
        )
    return found


def _rows(table: pd.DataFrame, rows: Int64) -> pd.DataFrame:
    return table.iloc[rows].reset_index(drop=True)


def _numbered(table: pd.DataFrame, numbers: Mapping[str, Int64]) -> pd.DataFrame:
    """Return a table whose links are places among some numbers, ascending."""
    links = {
        name: np.searchsorted(kept, table[name]).astype(np.int32)
        for name, kept in numbers.items()
        if name in table
    }
    return table.assign(**links).reset_index(drop=True)


def _services(services: Services, kept: Int64) -> Services:
    """Return some services alone, in their order."""
    changes: dict[str, Any] = {"ids": tuple(services.ids[s] for s in kept)}
    for what in ("row", "exception"):
        of = getattr(services, f"{what}_service")
        mine = np.isin(of, kept)
        names = (f.name for f in fields(services) if f.name.startswith(f"{what}_"))
        changes |= {name: getattr(services, name)[mine] for name in names}
        changes[f"{what}_service"] = np.searchsorted(kept, of[mine]).astype(np.int32)
    return replace(services, **changes)


def running(after: Study, kind: str, kept: np.ndarray) -> Study:
    """Return a study on one kind of day, with some trips alone, bool[trips of the feed]."""
    return with_timetables(after, {kind: alone(after.timetables[kind], kept)})


@dataclass(frozen=True)
class Proof:
    """What the engine says of a plan.

    Attributes
    ----------
    gained
        bool[shifts of the study, H]: white on some kind of day before, and held by public
        transport or on foot on every kind of day it works after.
    held
        bool[shifts, H]: held by them on every kind of day it works after; true for the
        shifts not evaluated, which nobody lacks.
    lost
        bool[shifts, H]: held on some kind of day before, by them, and not after. Always
        empty, since a plan only adds runs; checked, not assumed.
    alone
        bool[shifts, H]: as ``held``, on the territory as it is.
    """

    gained: Bools
    held: Bools
    lost: Bools
    alone: Bools


def prove(
    before: Access,
    afters: Sequence[Callable[[str], Study]],
    shift_ids: Sequence[int],
    present: Access | None = None,
) -> list[Proof]:
    """Evaluate several plans.

    Parameters
    ----------
    before
        The territory as it is.
    afters
        For each plan, the territory with it on a kind of day.
    shift_ids
        Shifts to evaluate: those with white workers.
    present
        The territory as it is, where ``before`` is another.
    """
    study = before.study
    evaluated = [int(s) for s in shift_ids] if present is None else range(len(study.shift_rows))
    keys = [(s, day) for s in evaluated for day in study.days if study.works_on(s, day)]
    was = {(s, d.kind): _transit_before(before, s, d.kind) for s, d in keys}
    rescued, known = (
        {(s, d.kind): one.counted(s, d.kind)[2] for s, d in keys}
        for one in (before, present or before)
    )
    # Who does not hold a shift, now or with what costs less, or holds it by public transport.
    open_ = {k: ~(rescued[k] & known[k]) | held for k, held in was.items()}
    proofs = []
    for after in afters:
        now: dict[tuple[int, str], Bools] = {}
        # One kind of day at a time: timetables of all of them would fill the memory.
        for day in study.days:
            asking = [(s, open_[s, day.kind]) for s, on in keys if on == day]
            held = _held_by(after(day.kind), day, asking)
            now |= {(s, day.kind): one for (s, _), one in zip(asking, held, strict=True)}
        gained = np.zeros((len(study.shift_rows), study.n_homes), bool)
        holding, alone = np.ones_like(gained), np.ones_like(gained)
        lost = np.zeros_like(gained)
        for s in evaluated:
            alone[s] = np.all(
                [known[s, d.kind] | now[s, d.kind] for x, d in keys if x == s], axis=0
            )
        for s in shift_ids:
            mine = [(s, d.kind) for x, d in keys if x == s]
            white = ~np.all([rescued[k] for k in mine], axis=0)
            held = np.all([rescued[k] | now[k] for k in mine], axis=0)
            gained[s], holding[s] = white & held, held
            lost[s] = np.any([was[k] & ~now[k] for k in mine], axis=0)
        proofs.append(Proof(gained, holding, lost, alone))
    return proofs


def gains(before: Access, after: Callable[[str], Study], shift_ids: Sequence[int]) -> Bools:
    """Return `Proof.gained` of one plan, asking for nothing but what may still tell.

    Whoever does not hold a shift on one kind of day does not gain it: others are asked for those
    who do, and the way home for those who get there.

    Parameters
    ----------
    before, shift_ids
        See `prove`.
    after
        The territory with the plan on a kind of day.
    """
    study = before.study
    gained = np.zeros((len(study.shift_rows), study.n_homes), bool)
    worked = {s: [day for day in study.days if study.works_on(s, day)] for s in shift_ids}
    rescued = {
        (s, d.kind): before.counted(s, d.kind)[2] for s, days in worked.items() for d in days
    }
    for s, days in worked.items():
        gained[s] = ~np.all([rescued[s, day.kind] for day in days], axis=0)
    for day in study.days:
        asked = [s for s, days in worked.items() if day in days and gained[s].any()]
        if not asked:
            continue
        asking = [(s, gained[s] & ~rescued[s, day.kind]) for s in asked]
        for s, held in zip(asked, _held_by(after(day.kind), day, asking), strict=True):
            gained[s] &= rescued[s, day.kind] | held
    return gained


def _held_by(after: Study, day: ChosenDay, asking: Sequence[tuple[int, Bools]]) -> list[Bools]:
    """Return who of some homes holds each shift by public transport on a kind of day."""
    limits = engine_limits(after.territory.limits)

    def holds(asked: tuple[int, Bools]) -> Bools:
        shift, held = asked
        site = after.shift_rows[shift].site
        for edge in after.edges(shift, day):
            if held.any():
                held = held & ever_held(after, site, day, [edge], limits, among=held)
        return held

    with ThreadPoolExecutor(max_workers=thread_count()) as pool:
        return spread(pool, holds, asking)


def _transit_before(access: Access, shift: int, kind: str) -> Bools:
    row = access.row(shift, kind, "transit")
    if row is None:
        return np.zeros(access.study.n_homes, bool)
    return np.asarray(access.holds[row])
