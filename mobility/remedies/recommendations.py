"""Recommendations: what to do, for whom, at what cost, in plain sentences with figures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mobility.base.i18n import signed, translate
from mobility.commute.indicators import round_persons, whole_persons
from mobility.commute.ledger import capture_band, capture_rate
from mobility.remedies.bill import total
from mobility.remedies.candidates import lines_of
from mobility.remedies.factors import LeverFactors, factors_of
from mobility.remedies.model import DayNetwork, Lever, days_of, departures
from mobility.remedies.remedy import Effect, Remedy, alternatives
from mobility.remedies.scenario import hours_bill, timetable_bill
from mobility.remedies.search import Outcome, Retiming, Workbench, rank_of
from mobility.remedies.shift_hours import ShiftHours
from mobility.remedies.street_remedies import street_remedies
from mobility.remedies.words import Names, clock

#: Levers of a kind listed though others do better.
_OF_EACH_KIND = 2
#: A departure added so far from the one it is timed on is no earlier first, or later last, one.
_NEXT_S = 2 * 3600
#: What a request to an operator names, kept among the words of a remedy.
ASKED = ("kind", "line", "headsign", "trips", "day_kinds", "present", "proposed")
ACTIONS = {
    ("move_trip", -1): "Move {which} of line {way} {minutes} min earlier ({present} → {proposed})",
    ("move_trip", 1): "Move {which} of line {way} {minutes} min later ({present} → {proposed})",
    ("move_line", -1): "Move the {count} departures of line {way} between {present} and {last} "
    "{minutes} min earlier",
    ("move_line", 1): "Move the {count} departures of line {way} between {present} and {last} "
    "{minutes} min later",
    ("extend", 0): "Carry the {present} trip of line {line} on to the gate of {stop}",
    ("extend", 1): "Start the {present} trip of line {line} at the gate of {stop}",
    ("add_run", -1): "Add a departure of line {way} at {proposed}, before the first at {present}",
    ("add_run", 1): "Add a departure of line {way} at {proposed}, after the last at {present}",
    ("hold", 1): "Hold the {present} departure of line {way} at {stop} for {minutes} min, "
    "for connecting riders",
    ("add_run", 0): "Add a departure of line {way} at {proposed}, timed on the hours of {site}",
    ("lift_school", 0): "Run the {present} trip of line {line} in the school holidays too",
    ("stop", 0): "Let line {line} call at a new stop between {one} and {two}",
}
#: Why a remedy is not advised, beside what speaks against it alone (`Remedy.refused`).
NO_ROSTER = "no whole roster is gained"
TOO_FEW = "less than one job gains its whole roster, net of those lost"
CLASHES = "a cheaper one changes the same departures or hours"
BEATEN = "cheaper sets of remedies gain as many jobs"
DEARER = "only a larger budget pays for it"
REPLACED = "a cheaper set has it; the set advised gains more jobs without it"
_REMEDY_COLUMNS = (
    "rank", "rank_best", "rank_worst", "kind", "line", "site", "sentence", "jobs", "jobs_lost",
    "users", "users_low", "users_high", "inhabitants", "workers", "lost", "eur_year", "eur_low",
    "eur_high", "eur_per_job", "eur_per_job_low", "eur_per_job_high", "eur_per_user", "feasible",
    "advised", "refused",
)  # fmt: skip


def _effects_by_shift(bench: Workbench, outcome: Outcome) -> tuple[Effect, ...]:
    """Return who gains and loses each shift: the kind of day on which most do."""
    now = bench.present
    found: dict[int, tuple[float, float]] = {}
    for change in bench.scores.changes(outcome.effects):
        shift_id = now.shift_of(change.key)
        pool = now.pools[change.key]
        gained, lost = float(pool[change.gained].sum()), float(pool[change.lost].sum())
        before = found.get(shift_id, (0.0, 0.0))
        found[shift_id] = (max(before[0], gained), max(before[1], lost))
    rows = bench.study.shift_rows
    return tuple(
        Effect(rows[s].site_name, rows[s].roster, rows[s].shift, gained, lost)
        for s, (gained, lost) in sorted(found.items())
        if gained or lost
    )


def _which_departure(bench: Workbench, lever: Lever) -> str:
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


def retiming_remedy(bench: Workbench, outcome: Outcome, factors: LeverFactors) -> Remedy:
    """Return a lever of the timetable, or a pair, as a remedy."""
    lever, score = outcome.lever, outcome.score
    names = Names(bench).of(lever)
    effects = _effects_by_shift(bench, outcome)
    kind = next(iter(days_of(bench.nets, lever)), "")
    times = departures(bench.nets[kind], lever) if kind else []
    params: dict[str, object] = {
        **{name: names[name] for name in ASKED},
        "way": f"{names['line']} (→ {names['headsign']})" if names["headsign"] else names["line"],
        "minutes": abs(lever.shift_s) // 60,
        "stop": names["stop"],
        "which": _which_departure(bench, lever),
        "count": len(times),
        "last": clock(bench.study, kind, times[-1]) if times else "",
        "site": ", ".join(sorted({e.site for e in effects if e.gained > 0})),
    }
    if lever.kind == "extend":
        at_s = _at_gate(bench.nets[kind], lever)
        params["leaves_gate" if lever.at_start else "at_gate"] = clock(bench.study, kind, at_s)
    if lever.legs:
        ends = bench.study.feed.stops["stop_name"].iloc[list(lever.legs[0][:2])].astype(str)
        params["one"], params["two"] = ends.tolist()
    alone = lever.kind == "move_line" and len(times) == 1
    also = tuple(
        retiming_remedy(bench, replace(outcome, lever=one, also=()), factors)
        for one in outcome.also
    )
    bill = timetable_bill(bench.vehicles, lever, factors) + tuple(
        x for one in also for x in one.bill
    )
    return Remedy(
        "pair" if also else lever.kind,
        ACTIONS["move_trip" if alone else lever.kind, _side(bench, lever)],
        params, score.workers_gained, score.workers_lost, total(bill), effects,
        outcome.feasible, outcome.conflict_min, ("which",), lever=lever, also=also,
        jobs=score.jobs_gained, jobs_lost=score.jobs_lost,
        rosters=bench.scores.rosters_gaining(outcome.effects),
        users=score.jobs_gained * capture_rate(bench.study),
        uptake=capture_band(bench.study), inhabitants=score.inhabitants, bill=bill,
    )  # fmt: skip


def _at_gate(network: DayNetwork, lever: Lever) -> int:
    """Return when the first of an extension's trips leaves the gate, or is there, axis seconds."""
    pieces, own = network.pieces, network.own_places(lever.trips)
    first = own[pieces.start_s[own].argmin()]
    if lever.at_start:
        return int(pieces.start_s[first]) - lever.drive_s
    return int(pieces.end_s[first]) + lever.drive_s


def _side(bench: Workbench, lever: Lever) -> int:
    """Return which wording of a kind of lever tells it: before (-1), after (1) or neither."""
    if lever.kind == "stop":
        return 0
    if lever.kind == "extend":
        return int(lever.at_start)
    sign = int(np.sign(lever.shift_s))
    if lever.kind == "add_run":
        if abs(lever.shift_s) > _NEXT_S:
            return 0
        ends = {-1: "the first departure", 1: "the last departure"}
        return sign if _which_departure(bench, lever) == ends[sign] else 0
    return sign


def distinct(
    outcomes: Iterable[Outcome], limit: int, already: Sequence[Outcome] = ()
) -> list[Outcome]:
    """Return the best levers that share no departure, each for people the better ones leave out.

    A new stop is for a whole line: it stands beside changes of single departures.

    Parameters
    ----------
    already
        Levers chosen before, whose departures are taken.
    """
    taken = {one for outcome in already for one in _departures(outcome)}
    covered: dict[int, set[int]] = {}
    found: list[Outcome] = []
    for outcome in outcomes:
        if len(found) == limit:
            break
        mine = _departures(outcome)
        people = {w: set(e.gained.tolist()) for w, e in outcome.effects.items() if e.gained.size}
        if taken & mine or all(
            homes <= covered.get(window, set()) for window, homes in people.items()
        ):
            continue
        taken |= mine
        for window, homes in people.items():
            covered.setdefault(window, set()).update(homes)
        found.append(outcome)
    return found


def _departures(outcome: Outcome) -> set[tuple[object, ...]]:
    """Return what a lever changes: its trips, and the departure that it adds."""
    found: set[tuple[object, ...]] = set()
    for lever in outcome.levers:
        found |= {(lever.kind == "stop", trip) for trip in lever.trips}
        # Copies of two trips of a line that leave at one time are one departure.
        if lever.kind == "add_run" and outcome.departs is not None:
            found.add((lever.kind, *outcome.departs))
    return found


def _listed(outcomes: Sequence[Outcome], limit: int) -> list[Outcome]:
    """Return the best distinct levers, and the best of each kind that is not among them.

    No departure stands in two of them.
    """
    found = distinct(outcomes, limit)
    for kind in dict.fromkeys(o.kind for o in outcomes):
        if limit and all(o.kind != kind for o in found):
            found += distinct((o for o in outcomes if o.kind == kind), _OF_EACH_KIND, found)
    return found


def _hours_remedies(hours: ShiftHours, factors: LeverFactors) -> list[Remedy]:
    """Return the change of hours of each roster that reaches most workers, where one does."""
    found = []
    for curve in (*hours.rosters, *hours.neighbours):
        offset, best = curve.best
        gain = best - curve.now
        paid = hours_bill(hours.study, curve.rosters, factors)
        # Without headcount the price of an agreement is not known: it is not nothing.
        if offset == 0 or gain <= 0 or paid.quantity <= 0:
            continue
        sites = list(dict.fromkeys(hours.study.sites[s].name for s, _ in curve.rosters))
        first, last = curve.plateau
        params: dict[str, object] = {
            "minutes": abs(offset),
            "roster": " + ".join(dict.fromkeys(name for _, name in curve.rosters)),
            "site": " + ".join(sites),
            "first": signed(first, "en"),
            "last": signed(last, "en"),
        }
        way = "earlier" if offset < 0 else "later"
        action = f"Begin and end the roster {{roster}} of {{site}} {{minutes}} min {way}"
        if first < last:
            action += " (as good from {first} to {last} min)"
        jobs, jobs_lost = curve.jobs_moved(offset)
        gaining = [
            key
            for key, more in zip(curve.rosters, curve.gaining(offset), strict=True)
            if round_persons(more) > 0
        ]
        found.append(
            Remedy(
                "shift_hours", action, params, gain, 0.0, paid.eur_year, words=("roster",),
                hours=(curve.rosters, offset), sites=tuple(sites), jobs=jobs, jobs_lost=jobs_lost,
                rosters=tuple((hours.study.sites[s].name, name) for s, name in gaining),
                users=jobs * capture_rate(hours.study), uptake=capture_band(hours.study),
                bill=(paid,),
            )
        )  # fmt: skip
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
        factors = factors_of(bench.study)
    outcomes = sorted([*found.useful, *found.pairs], key=rank_of)
    remedies = [retiming_remedy(bench, o, factors) for o in _listed(outcomes, limit)]
    if hours is not None:
        remedies += _hours_remedies(hours, factors)
    remedies += street_remedies(bench.access, factors)
    remedies += others
    remedies = [r for r in remedies if round_persons(max(r.net, r.net_jobs)) > 0]
    return sorted(remedies, key=lambda r: (r.eur_per_job, -r.net, r.eur_year, r.action))


def objections(
    remedies: Sequence[Remedy], sets: Sequence[Collection[int]], advised: int
) -> list[str]:
    """Return why each of the ranked remedies is not advised, empty texts for those that are.

    The one rule of ``docs/money.md``: a remedy is advised where it gains a whole roster (one job
    at least, net of those lost), nothing speaks against it (`Remedy.refused`), no cheaper one of
    the set changes the same departures or hours, and the set advised of the frontier holds it.

    Parameters
    ----------
    sets
        Places in the list of the remedies of each set of the frontier, cheapest first.
    advised
        Place among them of the set advised, -1 for none.
    """
    either: dict[int, list[int]] = {}
    for first, later in alternatives(remedies):
        either.setdefault(later, []).append(first)
    chosen = set(sets[advised]) if advised >= 0 else set()
    cheaper = {k for one in sets[: max(advised, 0)] for k in one}
    dearer = {k for one in sets[advised + 1 :] for k in one}
    told = []
    for k, one in enumerate(remedies):
        if one.net_jobs < 1:
            told.append(NO_ROSTER if one.net_jobs <= 0 else TOO_FEW)
        elif one.refused or k in chosen:
            told.append(one.refused)
        elif set(either.get(k, ())) & chosen:
            told.append(CLASHES)
        else:
            told.append(REPLACED if k in cheaper else DEARER if k in dearer else BEATEN)
    return told


def remedies_frame(
    remedies: Sequence[Remedy], against: Sequence[str], language: str
) -> pd.DataFrame:
    """Return one row per remedy; what is not computed is empty.

    Columns: those of `_REMEDY_COLUMNS`, each told in ``docs/outputs.md``.

    Parameters
    ----------
    against
        `objections` to each.
    """
    best = [r.per_job[0] for r in remedies]
    worst = [r.per_job[1] for r in remedies]
    rows = [
        {
            "rank": k + 1,
            # Behind those that cost less at their worst, before those that cost more at best.
            "rank_best": 1 + sum(w < best[k] for w in worst),
            "rank_worst": sum(b <= worst[k] for b in best),
            "kind": r.kind,
            "line": " + ".join(dict.fromkeys(str(x.params.get("line", "")) for x in (r, *r.also))),
            "site": " + ".join(r.site_names),
            "sentence": r.sentence(language),
            "jobs": r.jobs,
            "jobs_lost": r.jobs_lost,
            "users": r.users,
            "users_low": r.users * r.uptake[0],
            "users_high": r.users * r.uptake[1],
            "inhabitants": np.nan if r.inhabitants is None else r.inhabitants,
            "workers": r.workers,
            "lost": r.lost,
            "eur_year": round(r.eur_year, 2),
            "eur_low": round(r.eur_at("low"), 2),
            "eur_high": round(r.eur_at("high"), 2),
            "eur_per_job": _each(r.eur_per_job),
            "eur_per_job_low": _each(best[k]),
            "eur_per_job_high": _each(worst[k]),
            "eur_per_user": _each(r.eur_per_user),
            "feasible": r.feasible,
            "advised": not against[k],
            "refused": translate(against[k], language) if against[k] else "",
        }
        for k, r in enumerate(remedies)
    ]
    return whole_persons(
        pd.DataFrame(rows, columns=list(_REMEDY_COLUMNS)), ["inhabitants", "workers", "lost"]
    )


def _each(eur: float) -> float:
    return round(eur, 2) if np.isfinite(eur) else np.nan
