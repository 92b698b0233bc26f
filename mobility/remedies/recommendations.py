"""Recommendations: what to do, for whom, at what cost, in plain sentences with figures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mobility.base.i18n import translate
from mobility.commute.indicators import round_persons, whole_persons
from mobility.commute.ledger import (
    CAPTURE_HIGH,
    CAPTURE_LOW,
    CAPTURE_RATE,
    capture_rate,
    roster_jobs,
)
from mobility.remedies.bill import Bill, BillLine, total
from mobility.remedies.candidates import lines_of
from mobility.remedies.factors import LeverFactors, load_factors
from mobility.remedies.model import Lever, days_of, departures
from mobility.remedies.remedy import Effect, Remedy, alternatives
from mobility.remedies.score import days_a_year
from mobility.remedies.search import Outcome, Retiming, Workbench
from mobility.remedies.shift_hours import ShiftHours
from mobility.remedies.street_remedies import street_remedies
from mobility.remedies.vehicles import Extra
from mobility.remedies.words import clock, lever_names


def effects_by_shift(bench: Workbench, outcome: Outcome) -> tuple[Effect, ...]:
    """Return who gains and loses each shift: the kind of day on which most do."""
    scores = bench.scores
    found: dict[int, tuple[float, float]] = {}
    for change in scores.changes(outcome.effects):
        shift_id = scores.shift_of(change.key)
        pool = scores.pools[change.key]
        gained, lost = float(pool[change.gained].sum()), float(pool[change.lost].sum())
        before = found.get(shift_id, (0.0, 0.0))
        found[shift_id] = (max(before[0], gained), max(before[1], lost))
    rows = bench.study.shift_rows
    return tuple(
        Effect(rows[s].site_name, rows[s].roster, rows[s].shift, gained, lost)
        for s, (gained, lost) in sorted(found.items())
        if gained or lost
    )


def retiming_bill(bench: Workbench, outcome: Outcome) -> Bill:
    """Return what a lever costs a year: driving, waiting, night, drivers, vehicles, planning."""
    lever, vehicles = outcome.lever, bench.vehicles
    days = {kind: days_a_year(bench.study, kind) for kind in set(days_of(bench.nets, lever))}
    extra = {kind: vehicles.added(kind, lever) for kind in days}

    def yearly(what: Callable[[Extra], float]) -> float:
        return sum(count * what(extra[kind]) for kind, count in sorted(days.items()))

    changed = max((len(departures(bench.nets[kind], lever)) for kind in days), default=1)
    lines = [
        BillLine("driving added", yearly(lambda e: e.driving_h), "vehicle-hours", ("bus_hour",)),
        BillLine("longer working day", yearly(lambda e: e.waiting_h), "hours", ("bus_wait_hour",)),
        BillLine(
            "driving by night", yearly(lambda e: e.night_h), "hours",
            ("bus_wait_hour", "night_premium"),
        ),
        BillLine(
            "another driver", yearly(lambda e: e.drivers), "turns", ("bus_wait_hour", "driver_turn")
        ),
        BillLine(
            "another vehicle", max((e.vehicles for e in extra.values()), default=0), "vehicles",
            ("bus_vehicle_year",),
        ),
        BillLine("departures planned anew", changed, "departures", ("retiming_year",)),
    ]  # fmt: skip
    if lever.kind in ("add_run", "lift_school"):
        empty = replace(lines[0], item="empty driving", price=("bus_hour", "empty_run_share"))
        lines.insert(1, empty)
    if lever.kind == "stop":
        lines[-1] = BillLine("new stop", 1, "stops", ("new_stop",), ("new_stop_years",))
    return tuple(line for line in lines if line.quantity > 0)


def which_departure(bench: Workbench, lever: Lever) -> str:
    """Return ``first departure``, ``last departure`` or ``departure`` of its line that day."""
    study = bench.study
    for kind in days_of(bench.nets, lever):
        network = bench.nets[kind]
        mine = departures(network, lever)
        own = network.timetable.run_day[network.pieces.run] == 0
        line = lines_of(study, network.pieces.trip[own])
        same = line == lines_of(study, np.array(lever.trips[:1]))[0]
        times = network.pieces.start_s[own][same]
        if not mine or not times.size:
            continue
        if mine[0] == times.min():
            return "the first departure"
        return "the last departure" if mine[-1] == times.max() else "the departure"
    return "the departure"


#: Levers of a kind listed though others do better, and those whose recruitment is told.
OF_EACH_KIND, FOR_ROSTERS = 2, 3

ACTIONS = {
    ("move_trip", -1): "Move {which} of line {line} {minutes} min earlier ({present} → {proposed})",
    ("move_trip", 1): "Move {which} of line {line} {minutes} min later ({present} → {proposed})",
    ("move_line", -1): "Move the {count} departures of line {line} between {present} and {last} "
    "{minutes} min earlier",
    ("move_line", 1): "Move the {count} departures of line {line} between {present} and {last} "
    "{minutes} min later",
    ("extend", 0): "Carry the {present} trip of line {line} on to the gate of {stop}",
    ("extend", 1): "Start the {present} trip of line {line} at the gate of {stop}",
    ("add_run", -1): "Add a departure of line {line} at {proposed}, before the first at {present}",
    ("add_run", 1): "Add a departure of line {line} at {proposed}, after the last at {present}",
    ("hold", 1): "Hold the {present} departure of line {line} at {stop} for {minutes} min, "
    "for connecting riders",
    ("add_run", 0): "Add a departure of line {line} at {proposed}, timed on the hours of {site}",
    ("lift_school", 0): "Run the {present} trip of line {line} in the school holidays too",
    ("stop", 0): "Let line {line} call at a new stop between {one} and {two}",
}


def retiming_remedy(bench: Workbench, outcome: Outcome, factors: LeverFactors) -> Remedy:
    """Return a lever of the timetable as a remedy."""
    lever = outcome.lever
    names = lever_names(bench, lever)
    effects = effects_by_shift(bench, outcome)
    kind = next(iter(days_of(bench.nets, lever)), "")
    times = departures(bench.nets[kind], lever) if kind else []
    params: dict[str, object] = {
        "line": names["line"],
        "present": names["present"],
        "proposed": names["proposed"],
        "minutes": abs(lever.shift_s) // 60,
        "stop": names["stop"],
        "which": which_departure(bench, lever),
        "count": len(times),
        "last": clock(bench.study, kind, times[-1]) if times else "",
        "site": ", ".join(sorted({e.site for e in effects if e.gained > 0})),
    }
    if lever.legs:
        ends = bench.study.feed.stops["stop_name"].iloc[list(lever.legs[0][:2])].astype(str)
        params["one"], params["two"] = ends.tolist()
    alone = lever.kind == "move_line" and len(times) == 1
    bill, score = retiming_bill(bench, outcome), outcome.score
    return Remedy(
        lever.kind,
        ACTIONS["move_trip" if alone else lever.kind, _side(bench, lever)],
        params,
        score.workers_gained,
        score.workers_lost,
        total(bill, factors),
        effects,
        outcome.feasible,
        outcome.conflict_min,
        ("which",),
        lever,
        jobs=score.jobs_gained,
        jobs_lost=score.jobs_lost,
        users=score.jobs_gained * capture_rate(bench.study),
        inhabitants=score.inhabitants,
        bill=bill,
    )


def _side(bench: Workbench, lever: Lever) -> int:
    """Return which wording of a kind of lever tells it: before (-1), after (1) or neither."""
    if lever.kind == "stop":
        return 0
    if lever.kind == "extend":
        return int(lever.at_start)
    sign = int(np.sign(lever.shift_s))
    if lever.kind == "add_run":
        ends = {-1: "the first departure", 1: "the last departure"}
        return sign if which_departure(bench, lever) == ends[sign] else 0
    return sign


def distinct(
    outcomes: Iterable[Outcome], limit: int, already: Sequence[Outcome] = ()
) -> list[Outcome]:
    """Return the best levers that share no trip, each for people the better ones leave out.

    A new stop is for a whole line: it stands beside changes of single departures.

    Parameters
    ----------
    already
        Levers chosen before, whose trips are taken.
    """
    taken = {one for outcome in already for one in _departures(outcome.lever)}
    covered: dict[int, set[int]] = {}
    found: list[Outcome] = []
    for outcome in outcomes:
        if len(found) == limit:
            break
        people = {w: set(e.gained.tolist()) for w, e in outcome.effects.items() if e.gained.size}
        if taken & _departures(outcome.lever) or all(
            homes <= covered.get(window, set()) for window, homes in people.items()
        ):
            continue
        taken |= _departures(outcome.lever)
        for window, homes in people.items():
            covered.setdefault(window, set()).update(homes)
        found.append(outcome)
    return found


def _departures(lever: Lever) -> set[tuple[bool, int]]:
    return {(lever.kind == "stop", trip) for trip in lever.trips}


def listed(outcomes: Sequence[Outcome], limit: int) -> list[Outcome]:
    """Return the best distinct levers, and the best of each kind that is not among them.

    No departure stands in two of them.
    """
    found = distinct(outcomes, limit)
    for kind in dict.fromkeys(o.lever.kind for o in outcomes):
        if limit and all(o.lever.kind != kind for o in found):
            found += distinct((o for o in outcomes if o.lever.kind == kind), OF_EACH_KIND, found)
    return found


def best_for_rosters(found: Retiming, count: int = FOR_ROSTERS) -> list[Outcome]:
    """Return the distinct levers within the present vehicles that gain most jobs."""
    offered = [o for o in found.outcomes if o.feasible and o.score.jobs > 0]
    return distinct(sorted(offered, key=lambda o: -o.score.jobs), count)


def hours_remedies(hours: ShiftHours, factors: LeverFactors) -> list[Remedy]:
    """Return the change of hours of each roster that reaches most workers, where one does."""
    found = []
    for curve in (*hours.rosters, *hours.neighbours):
        offset, best = curve.best
        gain = best - curve.now
        if offset == 0 or gain <= 0:
            continue
        staff = sum(float(roster_jobs(hours.study, *name).sum()) for name in curve.rosters)
        sites = list(dict.fromkeys(hours.study.sites[s].name for s, _ in curve.rosters))
        first, last = curve.plateau
        params: dict[str, object] = {
            "minutes": abs(offset),
            "roster": " + ".join(dict.fromkeys(name for _, name in curve.rosters)),
            "site": " + ".join(sites),
            "first": f"{first:+d}",
            "last": f"{last:+d}",
        }
        way = "earlier" if offset < 0 else "later"
        action = f"Begin and end the roster {{roster}} of {{site}} {{minutes}} min {way}"
        if first < last:
            action += " (as good from {first} to {last} min)"
        bill = (BillLine("agreement on hours", staff, "workers", ("shift_change_worker",)),)
        jobs, jobs_lost = curve.jobs_moved(offset)
        moved = (curve.rosters, offset)
        found.append(
            Remedy(
                "shift_hours",
                action,
                params,
                gain,
                0.0,
                total(bill, factors),
                words=("roster",),
                hours=moved,
                sites=tuple(sites),
                jobs=jobs,
                jobs_lost=jobs_lost,
                users=jobs * capture_rate(hours.study),
                bill=bill,
            )
        )
    return found


def recommend(
    found: Retiming,
    hours: ShiftHours | None = None,
    *,
    others: Sequence[Remedy] = (),
    limit: int = 20,
    factors: LeverFactors | None = None,
) -> list[Remedy]:
    """Return remedies of every kind, the cheapest per job gained first.

    Parameters
    ----------
    found
        Search of the timetable.
    hours
        Curves of shift hours.
    others
        Remedies of other rooms: shuttles, feeders, stops.
    limit
        Levers of the timetable listed at most.
    factors
        Costs; by default the built-in ones with the territory's own over them.
    """
    bench = found.bench
    if factors is None:
        factors = load_factors(bench.study.territory.factors, file=bench.study.territory.path)
    remedies = [retiming_remedy(bench, o, factors) for o in listed(found.useful, limit)]
    if hours is not None:
        remedies += hours_remedies(hours, factors)
    remedies += street_remedies(bench.access, factors)
    remedies += others
    remedies = [r for r in remedies if round_persons(max(r.net, r.net_jobs)) > 0]
    return sorted(remedies, key=lambda r: (r.eur_per_job, -r.net, r.eur_year, r.action))


def advised(remedies: Sequence[Remedy], on_frontier: Collection[int] | None = None) -> list[bool]:
    """Return which of the ranked remedies are advised: one rule, see ``docs/money.md``.

    A remedy is advised where it gains whole rosters (one job at least, net of those lost),
    nothing speaks against it (`Remedy.refused`), no cheaper remedy of the list changes the same
    departures or hours, and no cheaper point dominates it: some set of the frontier holds it, or,
    where no frontier was drawn, no remedy for the same sites gains as many jobs for less.

    Parameters
    ----------
    on_frontier
        Places in the list of the remedies of the frontier's sets.
    """
    either = {later for _, later in alternatives(remedies)}
    told = []
    for k, one in enumerate(remedies):
        if on_frontier is None:
            beaten = any(_beats(other, one) for other in remedies)
        else:
            beaten = k not in on_frontier
        gains = bool(round_persons(one.net_jobs) > 0)
        told.append(gains and not one.refused and k not in either and not beaten)
    return told


def _beats(other: Remedy, one: Remedy) -> bool:
    return bool(
        other.eur_year <= one.eur_year
        and other.net_jobs >= one.net_jobs
        and (other.eur_year, -other.net_jobs) != (one.eur_year, -one.net_jobs)
        and set(one.site_names) <= set(other.site_names)
        and not other.refused
    )


def remedies_frame(
    remedies: Sequence[Remedy],
    language: str,
    factors: LeverFactors | None = None,
    *,
    on_frontier: Collection[int] | None = None,
    capture_band: tuple[float, float] = (CAPTURE_LOW / CAPTURE_RATE, CAPTURE_HIGH / CAPTURE_RATE),
) -> pd.DataFrame:
    """Return one row per remedy; what is not computed is empty.

    Columns: those of `REMEDY_COLUMNS`, each told in ``docs/outputs.md``.

    Parameters
    ----------
    on_frontier
        As in `advised`.
    capture_band
        Low and high end of the capture rate over its value.
    """
    factors = load_factors() if factors is None else factors
    ends = [_cost_band(r, factors) for r in remedies]
    uptake = [_uptake_band(r, factors, capture_band) for r in remedies]
    rows = [
        {
            "rank": k + 1,
            "kind": r.kind,
            "line": str(r.params.get("line", "")),
            "site": " + ".join(r.site_names),
            "sentence": r.sentence(language),
            "jobs": r.jobs,
            "jobs_lost": r.jobs_lost,
            "users": r.users,
            "users_low": uptake[k][0],
            "users_high": uptake[k][1],
            "inhabitants": np.nan if r.inhabitants is None else r.inhabitants,
            "workers": r.workers,
            "lost": r.lost,
            "eur_year": round(r.eur_year, 2),
            "eur_low": round(ends[k][0], 2),
            "eur_high": round(ends[k][1], 2),
            "eur_per_job": _each(r.eur_per_job),
            "eur_per_user": _each(r.eur_per_user),
            "rank_firm": _is_firm(remedies, ends, k),
            "feasible": r.feasible,
            "advised": told,
            "refused": translate(r.refused, language) if r.refused else "",
        }
        for k, (r, told) in enumerate(zip(remedies, advised(remedies, on_frontier), strict=True))
    ]
    return whole_persons(
        pd.DataFrame(rows, columns=list(REMEDY_COLUMNS)), ["inhabitants", "workers", "lost"]
    )


REMEDY_COLUMNS = (
    "rank", "kind", "line", "site", "sentence", "jobs", "jobs_lost", "users", "users_low",
    "users_high", "inhabitants", "workers", "lost", "eur_year", "eur_low", "eur_high",
    "eur_per_job", "eur_per_user", "rank_firm", "feasible", "advised", "refused",
)  # fmt: skip


def _cost_band(remedy: Remedy, factors: LeverFactors) -> tuple[float, float]:
    """Return the low and high cost of a remedy: a plan's by its own bands."""
    if remedy.eur_band is not None:
        return remedy.eur_band
    return total(remedy.bill, factors, "low"), total(remedy.bill, factors, "high")


def _uptake_band(
    remedy: Remedy, factors: LeverFactors, capture_band: tuple[float, float]
) -> tuple[float, float]:
    """Return the low and high users of a remedy, never more than the jobs of its sites."""
    name = {"carpool": "carpool_adoption"}.get(remedy.kind, "bike_adoption")
    if remedy.kind in ("carpool", "cycling", "cycle_track"):
        row = factors.rows[name]
        capture_band = (row.low / row.value, row.high / row.value) if row.value else (1.0, 1.0)
    return remedy.users * capture_band[0], remedy.users * capture_band[1]


def _is_firm(remedies: Sequence[Remedy], ends: Sequence[tuple[float, float]], k: int) -> bool:
    """Whether the next remedy costs more a job at its best than this one at its worst."""
    if k + 1 == len(remedies) or remedies[k + 1].net_jobs <= 0:
        return True
    here, there = remedies[k], remedies[k + 1]
    return bool(here.net_jobs > 0 and ends[k][1] / here.net_jobs < ends[k + 1][0] / there.net_jobs)


def _each(eur: float) -> float:
    return round(eur, 2) if np.isfinite(eur) else np.nan
