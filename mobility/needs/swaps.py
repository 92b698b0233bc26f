"""Swaps that cost no vehicle-hour: little-used round trips taken out, runs for shifts put in.

A round trip, there and back within an hour of layover, is what can be taken out: a single trip
would leave its vehicle at the wrong end. It may go where the line still leaves within some minutes
before or after.
Runs are put in where most jobs are gained for an hour driven, and the round trips whose loss is
least pay for their hours, empty ones included. Every step is assessed again by the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mobility.base.clock import format_clock
from mobility.commute.access import Access, assess
from mobility.remedies.candidates import SearchOptions, lines_of, same_departures
from mobility.remedies.factors import factors_of
from mobility.remedies.full_runs import what_if
from mobility.remedies.gains import Gains, gains_between
from mobility.remedies.model import Lever, days_of
from mobility.remedies.score import Score
from mobility.remedies.search import Outcome, Workbench, search, workbench
from mobility.remedies.vehicles import MAX_LAYOVER_S
from mobility.timetable.change import DayNetwork

#: Round trips whose loss is computed: those after which one waits least.
_MOST_TRIED = 400
#: Another round trip of the line is not taken out within so many of its gaps.
_APART = 2
#: Stops so near one another are one terminus.
_TERMINUS_M = 300.0


@dataclass(frozen=True)
class _RoundTrip:
    """A trip and the next one of its vehicle, back to where it started, on its days.

    Attributes
    ----------
    hours
        Driven a year.
    gap_min
        From its departure, or its return's, to the nearest one of its line that stays.
    """

    trips: tuple[int, ...]
    line: int
    start_s: int
    hours: float
    gap_min: float


@dataclass(frozen=True)
class Swap:
    """Round trips taken out, and runs put in, with what the engine finds of all of them."""

    removed: tuple[_RoundTrip, ...]
    added: tuple[Outcome, ...]
    hours_removed: float
    hours_added: float
    gains: Gains

    @property
    def levers(self) -> tuple[Lever, ...]:
        """All that is changed."""
        gone = tuple(Lever("remove", one.trips) for one in self.removed)
        return (*gone, *(outcome.lever for outcome in self.added))

    @property
    def jobs(self) -> float:
        """Jobs whose holder gains the whole roster, less those lost."""
        return self.gains.rosters.jobs - self.gains.rosters_lost.jobs


def swaps(access: Access, *, most: int = 3, keep_min: float = 60) -> tuple[Swap, ...]:
    """Return cost-neutral swaps of one run put in, two, up to ``most``: each on top of the last.

    Parameters
    ----------
    keep_min
        A round trip is taken out only where another leaves within so many minutes of it.

    Returns
    -------
    tuple of Swap
        Those that gain more jobs than they lose, and more than the swap before; whoever rides
        and is no worker of the sites is not counted.
    """
    bench = workbench(access, stops=False)
    found = search(bench.access, options=SearchOptions(kinds=("add_run",)), bench=bench)
    wanted = [o for o in found.outcomes if o.score.jobs > 0 and not _vehicles(bench, o.lever)]
    wanted.sort(key=lambda o: (-o.score.jobs / _hours_added(bench, o.lever), o.lever.trips))
    pool = _least_lost(bench, list(_round_trips(bench, keep_min)))
    kept: list[Swap] = []
    added: list[Outcome] = []
    for outcome in wanted:
        if len(added) == most:
            break
        swap = _proven(bench, pool, [*added, outcome])
        if swap is not None and swap.jobs > (kept[-1].jobs if kept else 0.0) + 1e-9:
            added.append(outcome)
            kept.append(swap)
        elif not added and swap is None:
            break
    return tuple(kept)


def _vehicles(bench: Workbench, lever: Lever) -> int:
    return sum(bench.vehicles.added(kind, lever).vehicles for kind in days_of(bench.nets, lever))


def _hours_added(bench: Workbench, lever: Lever) -> float:
    """Return the hours a year that a run put in drives, the empty ones included."""
    rows = factors_of(bench.study).rows
    driven = sum(
        bench.vehicles.added(kind, lever).driving_h * bench.study.days_of_kind(kind)
        for kind in days_of(bench.nets, lever)
    )
    return driven * (1 + rows["empty_run_share"].value)


def _round_trips(bench: Workbench, keep_min: float) -> Iterator[_RoundTrip]:
    """Yield what can be taken out: there and back, while the line stays within some minutes."""
    study, nets = bench.study, bench.nets
    trips = np.unique(np.concatenate([n.pieces.trip for n in nets.values()]))
    back_of: dict[int, set[int]] = {}
    for network in nets.values():
        for there, back in _turns(bench, network):
            back_of.setdefault(there, set()).add(back)
    gaps = _gaps(bench)
    for twins in same_departures(study, nets, trips):
        backs = {b for t in twins for b in back_of.get(t, ())}
        if not backs or any(t not in back_of for t in twins):
            continue
        mine = tuple(sorted({*twins, *backs}))
        gap = max(gaps.get(t, np.inf) for t in mine)
        if gap > keep_min:
            continue
        hours = 0.0
        for kind, network in nets.items():
            places = network.own_places(mine)
            spans = network.pieces.end_s[places] - network.pieces.start_s[places]
            hours += float(spans.sum()) / 3600 * study.days_of_kind(kind)
        line = int(lines_of(study, np.array(twins[:1]))[0])
        yield _RoundTrip(mine, line, _leaves_s(bench, twins), hours, gap)


def _turns(bench: Workbench, network: DayNetwork) -> Iterator[tuple[int, int]]:
    """Yield trips with the trip back: of the same line, the first to leave once they are there."""
    study, tt, pieces = bench.study, network.timetable, network.pieces
    stops = study.feed.stops
    xy = study.streets.project(stops["lon"].to_numpy(), stops["lat"].to_numpy())
    own = np.flatnonzero(tt.run_day[pieces.run] == 0)
    own = own[np.argsort(pieces.start_s[own], kind="stable")]
    route = study.feed.trips["route"].to_numpy()[pieces.trip]
    one, two = xy[tt.call_stop[pieces.first_call]], xy[tt.call_stop[pieces.last_call]]
    for line in np.unique(route[own]):
        mine = own[route[own] == line]
        taken = np.zeros(mine.size, bool)
        for k in mine:
            wait_s = pieces.start_s[mine] - pieces.end_s[k]
            near = (np.hypot(*(one[mine] - two[k]).T) < _TERMINUS_M) & (
                np.hypot(*(two[mine] - one[k]).T) < _TERMINUS_M
            )
            back = np.flatnonzero(near & (wait_s >= 0) & (wait_s <= MAX_LAYOVER_S) & ~taken)
            if back.size:
                taken[back[0]] = True
                yield int(pieces.trip[k]), int(pieces.trip[mine[back[0]]])


def _leaves_s(bench: Workbench, trips: Sequence[int]) -> int:
    for network in bench.nets.values():
        places = network.own_places(tuple(trips))
        if places.size:
            return int(network.pieces.start_s[places].min())
    return 0


def _gaps(bench: Workbench) -> dict[int, float]:
    """Return the minutes from each trip to the nearest other of its line, way and first stop.

    The worst of the kinds of day on which it runs.
    """
    found: dict[int, float] = {}
    for network in bench.nets.values():
        pieces, tt = network.pieces, network.timetable
        own = np.flatnonzero(tt.run_day[pieces.run] == 0)
        frame = pd.DataFrame(
            {
                "line": lines_of(bench.study, pieces.trip[own]),
                "stop": tt.call_stop[pieces.first_call[own]],
                "start": pieces.start_s[own].astype(np.float64),
                "trip": pieces.trip[own],
            }
        ).sort_values("start", kind="stable")
        by_way = frame.groupby(["line", "stop"])["start"]
        before, after = by_way.diff(), -by_way.diff(-1)
        gap = before.combine(after, np.fmin).fillna(np.inf) / 60
        for trip, minutes in zip(frame["trip"].tolist(), gap.tolist(), strict=True):
            found[trip] = max(found.get(trip, 0.0), minutes)
    return found


def _least_lost(bench: Workbench, trips: list[_RoundTrip]) -> list[tuple[_RoundTrip, Score]]:
    """Return round trips, those first whose loss is least: jobs, then commutes, then hours."""
    trips.sort(key=lambda one: (one.gap_min, one.trips))
    scored = [
        (one, bench.scores.score(bench.try_together([Lever("remove", one.trips)])))
        for one in trips[:_MOST_TRIED]
    ]
    return sorted(
        scored,
        key=lambda pair: (
            round(-pair[1].jobs, 6),
            round(-pair[1].net, 6),
            pair[1].directions_lost,
            round(-pair[1].saved_h, 6),
            pair[0].gap_min,
            pair[0].trips,
        ),
    )


def _proven(
    bench: Workbench, pool: Sequence[tuple[_RoundTrip, Score]], added: Sequence[Outcome]
) -> Swap | None:
    """Return the swap that pays for some runs, assessed by the engine; None where none does."""
    needed = sum(_hours_added(bench, outcome.lever) for outcome in added)
    # A run is put in as the copy of a trip, which has to stay.
    copied = {trip for outcome in added for trip in outcome.lever.trips}
    removed: list[_RoundTrip] = []
    saved = 0.0
    for one, _ in pool:
        if saved >= needed:
            break
        near = any(
            two.line == one.line and abs(two.start_s - one.start_s) < _APART * 60 * one.gap_min
            for two in removed
        )
        shared = any(set(two.trips) & set(one.trips) for two in removed)
        if not near and not shared and not copied & set(one.trips):
            removed.append(one)
            saved += one.hours
    if saved < needed:
        return None
    levers = [Lever("remove", one.trips) for one in removed] + [o.lever for o in added]
    after = assess(what_if(bench.study, levers, name="swap"))
    return Swap(tuple(removed), tuple(added), saved, needed, gains_between(bench.access, after))


def swap_table(access: Access, found: Sequence[Swap]) -> pd.DataFrame:
    """Return a row per change of each swap: what is taken out, what is put in."""
    feed = access.study.feed
    ids = feed.trips["trip_id"].astype(str).to_numpy()
    rows = []
    for number, swap in enumerate(found, 1):
        told = (
            number,
            swap.gains.rosters.jobs,
            swap.gains.rosters_lost.jobs,
            swap.gains.lost,
            swap.hours_added - swap.hours_removed,
        )
        changes = [("remove", one.trips, one.start_s, -one.hours) for one in swap.removed]
        share = sum(o.vehicle_min for o in swap.added) or 1.0
        changes += [
            (
                "add_run",
                o.lever.trips,
                (o.departs or (0, 0))[1],
                swap.hours_added * o.vehicle_min / share,
            )
            for o in swap.added
        ]
        for kind, trips, start_s, hours in changes:
            names = " ".join(ids[list(trips)])
            line = feed.line_names[trips[0]]
            rows.append((*told[:1], kind, line, format_clock(start_s), names, hours, *told[1:]))
    columns = [
        "swap", "kind", "line", "departure", "trips", "hours_year", "jobs_gained", "jobs_lost",
        "workers_lost", "hours_balance",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
