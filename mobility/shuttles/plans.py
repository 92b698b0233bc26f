"""The shuttle plans of a territory: the frontier, its figures, its feeds and their proof.

And what a site's shifts moved by some minutes would save (`harmonise`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.cache import Bundle
from mobility.base.errors import Finding
from mobility.base.i18n import translate
from mobility.base.machine import trim_memory
from mobility.commute.access import Access, roster_shifts, site_key
from mobility.commute.additions import with_feed
from mobility.commute.ledger import Ledger
from mobility.commute.side_by_side import SideBySide
from mobility.commute.study import Study
from mobility.remedies.bill import Bill, total
from mobility.shuttles.after import Proof, each_of, feed_parts, prove, read_tables
from mobility.shuttles.booked_remedy import proven_share
from mobility.shuttles.booking import who_books
from mobility.shuttles.booking_tables import booking_findings
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import plan_bill
from mobility.shuttles.dial_a_ride import ITERATIONS
from mobility.shuttles.drive import DriveGraph, Ways
from mobility.shuttles.frontier import knee, pareto
from mobility.shuttles.gtfs_out import Period, Table, gtfs_tables, trip_blocks
from mobility.shuttles.model import UNREACHED, Anchor, Bools, Day, Floats, Ints, Line, Run
from mobility.shuttles.on_demand import Simulation
from mobility.shuttles.plan import Plan, evaluate_plan, plan_table, proven_plan
from mobility.shuttles.scene import Scene
from mobility.shuttles.sensitivity import Sensitivity, cell_sides, sensitivities
from mobility.shuttles.service import opened_stops
from mobility.shuttles.stops import Selection
from mobility.sources.gtfs.read import Feed
from mobility.sources.holidays import read_holidays

MINUTE = 60
_MOST_COMPARED = 3  # plans set against booked rides before one is told, refused or not


@dataclass(frozen=True)
class Move:
    """A site's shifts all moved by some minutes, and what the plan becomes.

    Attributes
    ----------
    site
        Index of the site.
    minutes
        Later when positive.
    eur_saved
        A year; negative when it costs more.
    vehicles_saved
        Vehicles.
    workers_change
        Workers reached more, by the plan's model; existing public transport not counted.
    """

    site: int
    minutes: int
    eur_saved: float
    vehicles_saved: int
    workers_change: float


def _moved_anchor(anchor: Anchor, edges: Sequence[int], seconds: int) -> Anchor:
    """Return an anchor whose times for ``edges`` are ``seconds`` later."""
    at = anchor.at_s.copy()
    rows = np.array(edges, np.intp)
    at[rows] = np.where(at[rows] < UNREACHED, at[rows] + seconds, UNREACHED)
    return replace(anchor, at_s=at)


def _moved_lines(lines: Sequence[Line], edges: Sequence[int], seconds: int) -> list[Line]:
    """Return lines for hours moved at some shift ends; a feeder keeps its trunk's hours."""
    return [
        line
        if line.anchor.is_hub
        else replace(line, anchor=_moved_anchor(line.anchor, edges, seconds))
        for line in lines
    ]


def harmonise(
    scene: Scene, plan: Plan, config: ShuttleConfig, factors: Factors, days: Sequence[Day]
) -> list[Move]:
    """Try every offset of ``config.harmonise_min`` at every site of a plan, best first.

    A moved site may share runs with its neighbours (hours close enough) or free a vehicle
    for them (hours far enough): both come out of timing and chaining the plan again.
    """
    moves = []
    sites = sorted({scene.edges[e].site for line in plan.lines for e in line.edges})
    for site in sites:
        rows = [k for k, e in enumerate(scene.edges) if e.site == site]
        for minutes in config.harmonise_min:
            lines = _moved_lines(plan.lines, rows, minutes * MINUTE)
            trial = evaluate_plan(scene, lines, config, factors, days)
            moves.append(
                Move(
                    site,
                    minutes,
                    plan.costs.total - trial.costs.total,
                    plan.operations.vehicles - trial.operations.vehicles,
                    trial.rosters_estimate - plan.rosters_estimate,
                )
            )
    return sorted(moves, key=lambda m: (-m.eur_saved, m.site, abs(m.minutes), m.minutes))


@dataclass(frozen=True, eq=False)
class Plans:
    """The frontier of a territory, with what is needed to draw, cost and export it.

    Attributes
    ----------
    study
        The territory as it is.
    access
        What the lines are designed for: the territory as it is, or with what costs less.
    scene
        Arrays of the design; its homes are rows ``homes`` of the study's.
    plans
        None beaten by another, cheapest first.
    knee_index
        The plan told, -1 when there is none.
    selections
        Stop selection of each pool, with its gap.
    lacking
        For each kind of day, bool[E,H]: the homes that lack each shift end on it.
    drawn
        The lines of ``[shuttles] lines`` as one more plan, costed and proven alike.
    beaten
        What beats the plan told beyond its own figures, such as lighter answers everywhere.
    present
        The territory as it is, where ``access`` is another.
    """

    study: Study
    access: Access
    config: ShuttleConfig
    factors: Factors
    scene: Scene
    homes: Ints
    days: tuple[Day, ...]
    graph: DriveGraph
    plans: tuple[Plan, ...]
    knee_index: int
    selections: tuple[Selection, ...] = ()
    findings: tuple[Finding, ...] = ()
    homes_xy: Floats | None = None
    lacking: Mapping[str, Bools] = field(default_factory=dict)
    drawn: Plans | None = None
    beaten: str = ""
    present: Access | None = None

    @property
    def knee(self) -> Plan | None:
        """The plan told: the farthest above the frontier's chord."""
        return self.plans[self.knee_index] if self.plans else None

    @property
    def refused(self) -> str:
        """Why the plan told cannot be advised, an English text; empty where it may."""
        return self.beaten or ("" if self.knee is None else self.knee.refused)

    @property
    def white_workers(self) -> float:
        """White workers of the territory, over all shifts."""
        return float(self.scene.workers[self.scene.white].sum())

    @property
    def roster_names(self) -> list[tuple[int, str]]:
        """Site and name of each roster of the scene."""
        rows = [self.study.shift_rows[s] for s in self.scene.shift_ids]
        named = {int(r): (x.site, x.roster) for r, x in zip(self.scene.roster, rows, strict=True)}
        return [named[r] for r in range(len(self.scene.staff))]

    @cached_property
    def pools(self) -> Floats:
        """Inhabitants who could work on each roster, float64[R,H]."""
        pools = [self.study.pool(*name)[self.homes] for name in self.roster_names]
        return np.array(pools, np.float64).reshape(self.scene.staff.shape)

    @property
    def ways(self) -> Ways:
        """The streets the lines take."""
        return self.graph.ways

    @cached_property
    def moves(self) -> list[Move]:
        """What moving each site's hours would save on the plan told."""
        if self.knee is None:
            return []
        return harmonise(self.scene, self.knee, self.config, self.factors, self.days)

    @cached_property
    def intervals(self) -> list[Sensitivity]:
        """Intervals of every plan, by capture rate and by where workers live in their cell."""
        homes = self.study.homes
        cells = None if homes.cells is None else homes.cells.to_crs(self.study.streets.crs)
        sides = cell_sides(
            None if cells is None else list(cells.iloc[self.homes]), 200.0, len(self.homes)
        )
        speed = self.study.territory.speeds.walk_kmh / 3.6
        assert self.homes_xy is not None
        return sensitivities(
            self.scene, self.plans, self.config, self.factors, self.homes_xy, sides, speed_ms=speed
        )

    def simulation(self, served: Bools, *, iterations: int = ITERATIONS) -> Simulation:
        """Return booked rides in place of shuttles, from the same stops.

        Parameters
        ----------
        served
            bool[S,H] shifts and homes that may book: where no stop is near, a place is found.
        iterations
            Of each search for who rides together.
        """
        wanted = np.asarray(served.any(axis=0))
        bookings = who_books(
            self.study, self.scene, self.homes, wanted, self.lacking, self.config, self.graph.times
        )
        return Simulation(bookings, self.config, self.factors, self.days, iterations=iterations)

    def compared(self, plan: Plan) -> Plan:
        """Return a plan with what its riders cost when they book, the cheapest way run."""
        riders = plan.service.reached
        simulation = self.simulation(riders)
        booked = simulation.services(riders)
        if booked:
            share = proven_share(self.study, simulation.bookings, self.homes, booked[0])
            booked[0] = replace(booked[0], proven=share)
        return replace(plan, booked=tuple(booked))

    def bill(self, plan: Plan) -> Bill:
        """Return what a plan pays for, line by line."""
        stops = len(opened_stops(plan.runs, self.scene))
        return plan_bill(plan.operations, self.config, self.factors, new_stops=stops)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per plan, the drawn lines last."""
        frame = plan_table([plan for _, plan in self.every], self.factors)
        bills = [own.bill(plan) for own, plan in self.every]
        frame["eur_low"], frame["eur_high"] = (
            [total(bill, end) for bill in bills] for end in ("low", "high")
        )
        frame["knee"] = (np.arange(len(frame)) == self.knee_index) & (self.knee_index >= 0)
        frame["refused"] = [
            self.refused if told else plan.refused
            for told, (_, plan) in zip(frame["knee"], self.every, strict=True)
        ]
        return frame

    @property
    def every(self) -> list[tuple[Plans, Plan]]:
        """Every plan, the drawn one last, with the plans it belongs to."""
        drawn = [] if self.drawn is None else self.drawn.every
        return [*((self, plan) for plan in self.plans), *drawn]

    def gtfs(self, plan: Plan) -> dict[str, Table]:
        """Return the tables of a plan's feed."""
        study, language = self.study, self.study.territory.language
        return gtfs_tables(
            plan.lines,
            plan.runs,
            self.scene.places,
            self.ways,
            _study_period(study, stand_ins=False),
            agency=_agency(study),
            timezone=study.territory.timezone,
            language=language,
            blocks=trip_blocks(plan.runs, plan.operations),
        )

    def feeds(self, plans: Sequence[Plan]) -> list[Feed]:
        """Return what the engine reads of the feed of each of some plans, read together."""
        feed = _together(self.study, self.scene, plans, stand_ins=False)
        return each_of(feed, _sets(feed.trips), len(plans))


def _study_period(study: Study, *, stand_ins: bool) -> Period:
    """Return a year around the studied dates, with the kind of each day that is special."""
    dates = {d.date: d.kind for d in study.days}
    first = min(dates) - dt.timedelta(days=min(dates).weekday())
    last = max(first + dt.timedelta(days=363), *dates)
    if stand_ins:
        return Period(first, last, {}, dates)
    holidays = read_holidays(study.territory.days, first, last)
    known = {d.kind for d in study.days}
    kinds = {}
    for k in range((last - first).days + 1):
        date = first + dt.timedelta(days=k)
        kind = holidays.kind(date)
        if kind == "holiday_weekday" and kind not in known:
            kind = "school_weekday"
        if kind in known or kind == "sunday":
            kinds[date] = kind
    return Period(first, last, kinds, {})


def _agency(study: Study) -> str:
    territory = study.territory
    return translate("Shuttles – {name}", territory.language, name=territory.name)


def _together(study: Study, scene: Scene, plans: Sequence[Plan], *, stand_ins: bool) -> Feed:
    """Return one feed of some plans as the engine reads it, which tells what decides times alone.

    Vehicles are left out: nobody stays seated from one run to the next.
    """
    lines: list[Line] = []
    runs: list[Run] = []
    for k, plan in enumerate(plans):
        lines += [replace(x, name=f"{k}/{x.name}") for x in plan.lines]
        first = len(lines) - len(plan.lines)
        runs += [replace(r, line=r.line + first) for r in plan.runs]
    tables = gtfs_tables(
        lines,
        runs,
        scene.places,
        None,
        _study_period(study, stand_ins=stand_ins),
        agency=_agency(study),
        timezone=study.territory.timezone,
        language=study.territory.language,
    )
    return read_tables(tables)


def proven(found: Plans, *, drawn: bool = False) -> Plans:
    """Return the plans with the workers the engine finds, those still unbeaten kept.

    Parameters
    ----------
    drawn
        The lines are the planner's own: they keep their names, and are kept whatever they
        gain.
    """
    plans = list(found.plans) if drawn else [_named(p) for p in found.plans]
    asked = [plans[found.knee_index]] if found.config.knee_only else plans
    told = {p.name: proof for p, proof in zip(asked, _proofs(found, asked), strict=True)}
    plans = [_with_proof(found, p, told[p.name]) if p.name in told else p for p in plans]
    if drawn:
        return replace(found, plans=tuple(found.compared(plan) for plan in plans))
    kept = pareto(plans)
    if not kept:  # what the design expected holds nowhere on the engine
        return replace(found, plans=(), knee_index=-1)
    for _ in range(_MOST_COMPARED):
        index = knee(kept)
        kept[index] = found.compared(kept[index])
        trim_memory()
        if not kept[index].refused:
            break
    findings = (*found.findings, *booking_findings(kept[index], found.config))
    return replace(found, plans=tuple(kept), knee_index=index, findings=findings)


def _proofs(found: Plans, asked: Sequence[Plan]) -> list[Proof]:
    """Return what the engine says of some plans, as found before where nothing has changed."""
    study, shift_ids = found.study, [int(s) for s in found.scene.shift_ids]
    feed = _together(study, found.scene, asked, stand_ins=True)

    def compute() -> list[Proof]:
        after = with_feed(study, feed, scenario="shuttles", feeders=False)
        set_of = np.r_[np.full(len(study.feed.trips), -1), _sets(feed.trips)]
        every = SideBySide(study, after, set_of, len(asked))
        afters = [partial(_on, every.study(k)) for k in range(len(asked))]
        proofs = prove(found.access, afters, shift_ids, found.present)
        del after, afters
        every.forget()
        return proofs

    def packed() -> Bundle:
        # In bits: of many homes and plans, a byte each would be hundreds of megabytes.
        told = [[np.packbits(one, axis=-1) for one in vars(p).values()] for p in compute()]
        return {"proofs": np.array(told)}

    if found.present is not None:  # levers change what is here before the plans
        return compute()
    key: list[object] = ["proofs", len(asked), shift_ids, *feed_parts(feed)]
    for k in range(len(study.sites)):
        mine = [row.shift_id for row in study.shift_rows if row.site == k]
        key += site_key(study, k, [(s, day, "transit") for s in mine for day in study.days])
    bits = np.asarray(study.kept(key, packed)["proofs"])
    return [Proof(*np.unpackbits(p, axis=-1, count=study.n_homes).view(bool)) for p in bits]


def _named(plan: Plan) -> Plan:
    """Name the lines N1, N2… (R1… for feeders) in the order of their riders."""
    riders = [0.0] * len(plan.lines)
    for run in plan.runs:
        riders[run.line] += sum(run.riders)
    names = [""] * len(plan.lines)
    counts = {"N": 0, "R": 0}
    for k in sorted(range(len(names)), key=lambda k: (-riders[k], k)):
        letter = "R" if plan.lines[k].anchor.is_hub else "N"
        counts[letter] += 1
        names[k] = f"{letter}{counts[letter]}"
    lines = tuple(replace(x, name=n) for x, n in zip(plan.lines, names, strict=True))
    return replace(plan, lines=lines)


def _on(after: Study, _kind: str) -> Study:
    """Return a study that is the same on every kind of day."""
    return after


def _sets(trips: pd.DataFrame) -> NDArray[np.int64]:
    """Return the plan of each trip of a feed of `_together`: its number, a slash, its name."""
    return np.array([int(i.partition("/")[0]) for i in trips["trip_id"]], np.int64)


def _with_proof(found: Plans, plan: Plan, proof: Proof) -> Plan:
    scene = found.scene
    gained = proof.gained[scene.shift_ids][:, found.homes]
    lost = proof.lost[scene.shift_ids][:, found.homes]
    held = proof.held[scene.shift_ids][:, found.homes]
    ledger = Ledger.of(found.study)
    before = ledger.held(found.present or found.access)
    shifts = roster_shifts(found.study)
    alone = np.array([proof.alone[shifts[name]].all(axis=0) for name in ledger.rosters])
    after = before | (ledger.worked & alone)
    new = after & ~before
    told = proven_plan(
        scene, plan, gained, held, float(lost.sum()), found.pools, found.config, found.factors,
        found.days,
    )  # fmt: skip
    jobs = (ledger.jobs * new).sum(axis=1)
    place = {name: k for k, name in enumerate(ledger.rosters)}
    return replace(
        told,
        rosters=tuple(
            replace(r, alone=float(jobs[place[found.roster_names[r.roster]]])) for r in told.rosters
        ),
        inhabitants=ledger.gained(before, after).inhabitants,
        jobs=tuple(jobs.tolist()),
        roster_places=tuple((ledger.people * new).sum(axis=1).tolist()),
    )
