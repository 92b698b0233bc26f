"""From white zones to a frontier of shuttle plans, proven by the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from mobility.analysis.commutes import Access
from mobility.analysis.study import Study
from mobility.analysis.white_zones import WhiteZones
from mobility.errors import Finding
from mobility.inputs.calendars import read_holidays
from mobility.network.footpaths import WalkTable, home_walks
from mobility.shuttles.after import Proof, homes_lonlat, prove, read_tables, with_feed
from mobility.shuttles.anchors import (
    choose_hubs,
    gate_anchor,
    hub_anchor,
    hub_times,
    make_pools,
)
from mobility.shuttles.candidates import PREFERENCE, candidate_places
from mobility.shuttles.columns import generate_lines
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Day, calendar_days
from mobility.shuttles.demand import Demand, find_demand, kind_weekdays
from mobility.shuttles.drive import DriveGraph, Ways, drive_graph, drive_matrix
from mobility.shuttles.factors import Factors
from mobility.shuttles.frontier import Candidate, build_frontier, knee, make_candidate, pareto
from mobility.shuttles.gtfs_out import Period, Table, gtfs_tables, trip_id
from mobility.shuttles.harmonise import Move, harmonise
from mobility.shuttles.model import UNREACHED, Bools, Drive, Floats, Ints, Line, Place, Run
from mobility.shuttles.plan import Plan, plan_table
from mobility.shuttles.scene import Pool, RideLimits, Scene
from mobility.shuttles.sensitivity import Sensitivity, cell_sides, sensitivity
from mobility.shuttles.stops import Selection, select_stops

Progress = Callable[[str], None]
MOST_CANDIDATES = 140


def quiet(_step: str) -> None:
    """Report no progress."""


@dataclass(frozen=True, eq=False)
class Plans:
    """The frontier of a territory, with what is needed to draw, cost and export it.

    Attributes
    ----------
    study, access
        The territory as it is.
    scene
        Arrays of the design; its homes are rows ``homes`` of the study's.
    plans
        None beaten by another, cheapest first.
    knee_index
        The plan advised, -1 when there is none.
    selections
        Stop selection of each pool, with its gap.
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

    @property
    def knee(self) -> Plan | None:
        """The plan advised: the farthest above the chord of the frontier."""
        return self.plans[self.knee_index] if self.plans else None

    @property
    def white_workers(self) -> float:
        """White workers of the territory, over all shifts."""
        white = np.zeros(self.scene.workers.shape, bool)
        for e, row in enumerate(self.scene.edge_shift):
            white[row] |= self.scene.needs[e]
        return float(self.scene.workers[white].sum())

    @cached_property
    def ways(self) -> Ways:
        """The streets the lines take."""
        return Ways(self.graph)

    @cached_property
    def moves(self) -> list[Move]:
        """What moving each site's hours would save on the advised plan."""
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
        return [
            sensitivity(
                self.scene, plan, self.config, self.factors, self.homes_xy, sides, speed_ms=speed
            )
            for plan in self.plans
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per plan."""
        frame = plan_table(self.plans, self.factors)
        frame["knee"] = np.arange(len(frame)) == self.knee_index
        return frame

    def gtfs(self, plan: Plan) -> dict[str, Table]:
        """Return the tables of a plan's feed."""
        return publish(self.study, self.scene, self.ways, [plan])[0]


def design_shuttles(
    study: Study,
    access: Access,
    zones: WhiteZones,
    *,
    config: ShuttleConfig | None = None,
    seed: int = 0,
    progress: Progress = quiet,
    should_stop: Callable[[], bool] | None = None,
) -> Plans:
    """Design shuttle lines for the white zones of a territory.

    Parameters
    ----------
    config
        Settings; the territory's ``[shuttles]`` table when None.
    seed
        Of every search; same seed, same plans.
    should_stop
        Asked between and within searches; true keeps the best found so far.

    Raises
    ------
    TerritoryError
        The ``[shuttles]`` or ``[factors]`` table is wrong.
    """
    config = config or ShuttleConfig.from_territory(study.territory)
    factors = Factors.load(study.territory.factors, file=study.territory.path)
    days = calendar_days(factors, kind_weekdays(study))
    progress("shuttle demand")
    demand = find_demand(study, zones, config, days)
    site = Groundwork.build(study, demand, config, progress=progress)
    progress("shuttle lines")
    candidates = site.candidates(factors, days, seed=seed, should_stop=should_stop)
    progress("shuttle plans")
    plans = build_frontier(
        site.scene, candidates, config, factors, days, seed=seed, should_stop=should_stop
    )
    found = Plans(
        study, access, config, factors, site.scene, demand.homes, tuple(days), site.graph,
        tuple(plans), knee(plans), tuple(site.selections), (), site.homes_xy,
    )  # fmt: skip
    if not plans:
        return replace(found, findings=(_nothing(demand),))
    progress("shuttle proof")
    return proven(found)


def _nothing(demand: Demand) -> Finding:
    return Finding(
        "info",
        "no_shuttle",
        "No shuttle line can be justified: {workers:.0f} white workers, none of them served by "
        "a run with enough riders.",
        params={"workers": demand.total},
    )


@dataclass(eq=False)
class Groundwork:
    """Places, streets and pools of one design."""

    study: Study
    demand: Demand
    config: ShuttleConfig
    scene: Scene
    graph: DriveGraph
    pools: list[Pool]
    stops: list[Ints]
    hubs: list[tuple[Pool, int, Ints, Ints]]
    selections: list[Selection]
    homes_xy: Floats

    @classmethod
    def build(
        cls, study: Study, demand: Demand, config: ShuttleConfig, *, progress: Progress
    ) -> Groundwork:
        """Find candidate places, their walks and drives, choose stops, gates and hubs."""
        lonlat = homes_lonlat(study)[demand.homes]
        homes_xy = study.streets.project(lonlat[:, 0], lonlat[:, 1]) if len(lonlat) else lonlat
        walk_limit = config.max_walk_min * 60
        speed = study.territory.speeds.walk_kmh / 3.6
        progress("shuttle stops")
        places = candidate_places(study, homes_xy, reach_m=walk_limit * speed)
        walk = _walk_matrix(study, lonlat, places, walk_limit)
        gate_places, gate_site = _gate_places(study, demand)
        near = np.flatnonzero((walk < UNREACHED).any(axis=0))
        places, walk = [places[k] for k in near], walk[:, near]
        everything = [*places, *gate_places]
        graph = drive_graph(
            study.streets, study.territory.speeds, _lonlat(everything), factor=config.drive_factor
        )
        xy = study.streets.project(*_lonlat(everything).T)
        gates = np.arange(len(places), len(everything), dtype=np.int32)
        reach = _gate_reach(graph, gates, len(places))
        chosen_gate = _choose_gates(demand, gates, gate_site, reach, walk, len(places))
        selections, kept = _select(demand, config, places, xy, walk, chosen_gate, reach)
        return cls._finish(
            study,
            demand,
            config,
            everything,
            graph,
            homes_xy,
            lonlat,
            chosen_gate,
            selections,
            kept,
        )

    @classmethod
    def _finish(
        cls,
        study: Study,
        demand: Demand,
        config: ShuttleConfig,
        everything: list[Place],
        graph: DriveGraph,
        homes_xy: Floats,
        lonlat: Floats,
        chosen_gate: dict[int, int],
        selections: dict[int, Selection],
        kept: Ints,
    ) -> Groundwork:
        """Reduce to the chosen places, add hubs and the depot, and measure all drives."""
        hubs = _hub_places(study, demand, config, homes_xy) if config.max_hubs else {}
        hub_list = [h for site in sorted(hubs) for h in hubs[site]]
        gates = sorted(set(chosen_gate.values()))
        places = [everything[k] for k in [*kept, *gates]] + [h[0] for h in hub_list]
        index = {int(k): n for n, k in enumerate([*kept, *gates])}
        if config.depot is not None:
            places.append(Place("Dépôt", config.depot[0], config.depot[1], "depot"))
        graph = drive_graph(
            study.streets, study.territory.speeds, _lonlat(places), factor=config.drive_factor
        )
        drive = drive_matrix(graph, np.arange(len(places)))
        walk = _walk_matrix(study, lonlat, places, config.max_walk_min * 60)
        site_gate = {s: index[g] for s, g in chosen_gate.items()}
        depot = len(places) - 1 if config.depot is not None else _busiest(demand, site_gate)
        scene = _scene(study, demand, config, places, drive, depot, walk)
        gate_walk = _gate_walks(study, places, site_gate)
        pools = make_pools(
            study, demand.edges, site_gate, gate_walk, drive.seconds, scene.xy, config
        )
        stops = [
            np.unique([index[int(k)] for s in pool.sites for k in selections[s].chosen]).astype(
                np.int32
            )
            for pool in pools
        ]
        owner = [site for site in sorted(hubs) for _ in hubs[site]]
        alone = {pool.sites[0]: pool for pool in pools if len(pool.sites) == 1}
        first_hub = len(kept) + len(gates)
        hub_rows = [
            (alone[site], first_hub + n, elapsed, walked)
            for n, (site, (_, elapsed, walked)) in enumerate(zip(owner, hub_list, strict=True))
        ]
        return cls(
            study, demand, config, scene, graph, pools, stops, hub_rows,
            [selections[s] for s in sorted(selections)], homes_xy,
        )  # fmt: skip

    def candidates(
        self,
        factors: Factors,
        days: Sequence[Day],
        *,
        seed: int,
        should_stop: Callable[[], bool] | None,
    ) -> list[Candidate]:
        """Return the candidate lines of every pool and hub, the most useful per euro first."""
        lines: list[Line] = []
        for k, (pool, stops) in enumerate(zip(self.pools, self.stops, strict=True)):
            lines += generate_lines(
                self.scene, pool.anchor, stops, pool.edges, self.config, factors, days,
                seed=seed + k, should_stop=should_stop,
            )  # fmt: skip
        transfer_s = round(self.config.transfer_min * 60)
        for k, (pool, place, elapsed, walk) in enumerate(self.hubs):
            name = f"{self.scene.places[place].name} > {pool.anchor.name}"
            anchor = hub_anchor(
                self.scene.edges, pool.edges, place, elapsed, walk, transfer_s, name
            )
            stops = next(s for p, s in zip(self.pools, self.stops, strict=True) if p is pool)
            lines += generate_lines(
                self.scene, anchor, stops[stops != place], pool.edges, self.config, factors, days,
                seed=seed + 1000 + k, should_stop=should_stop,
            )  # fmt: skip
        found = [
            c
            for line in lines
            if (c := make_candidate(self.scene, line, self.config, factors, days)) is not None
        ]
        best = sorted(range(len(found)), key=lambda k: (-_worth(self.scene, found[k]), k))
        return [found[k] for k in sorted(best[:MOST_CANDIDATES])]


def _worth(scene: Scene, candidate: Candidate) -> float:
    people = sum(
        float(scene.workers[scene.edge_shift[e]][c].sum())
        for cover in candidate.cover
        for e, c in cover.items()
    )
    return people / max(sum(candidate.eur), 1.0)


def _lonlat(places: Sequence[Place]) -> Floats:
    return np.array([(p.lon, p.lat) for p in places], np.float64).reshape(-1, 2)


def _walk_matrix(study: Study, lonlat: Floats, places: Sequence[Place], limit_s: float) -> Ints:
    """Return int32[H,P] walks between homes and places, `UNREACHED` beyond the limit."""
    out = np.full((len(lonlat), len(places)), UNREACHED, np.int32)
    if not out.size:
        return out
    table = home_walks(
        study.streets, lonlat, _lonlat(places), limit_s, study.territory.speeds, cache=False
    )
    rows = np.repeat(np.arange(table.n_rows), np.diff(table.ptr))
    out[rows, table.stop] = table.walk_s
    return out


def _gate_places(study: Study, demand: Demand) -> tuple[list[Place], list[int]]:
    """Return a place at every gate of the sites with demand, and the site of each."""
    sites = sorted({e.site for e in demand.edges})
    places, owner = [], []
    for s in sites:
        several = len(study.sites[s].gates) > 1
        for k, (lon, lat) in enumerate(study.sites[s].gates):
            suffix = f" – entrée {k + 1}" if several else " – entrée"
            places.append(Place(study.sites[s].name + suffix, lon, lat, "gate"))
            owner.append(s)
    return places, owner


def _gate_reach(graph: DriveGraph, gates: Ints, n_places: int) -> Ints:
    """Return int32[G,P]: the longer of the drives to and from each gate."""
    from mobility.shuttles.drive import drive_seconds

    rows = [
        np.maximum(
            drive_seconds(graph, int(g), to_place=True),
            drive_seconds(graph, int(g), to_place=False),
        )[:n_places]
        for g in gates
    ]
    return np.array(rows, np.int32).reshape(len(gates), n_places)


def _site_weight(demand: Demand, site: int) -> Floats:
    """Return float64[H]: white workers of a site over its shifts."""
    rows = {int(r) for e, r in zip(demand.edges, demand.edge_shift, strict=True) if e.site == site}
    out = np.zeros(len(demand.homes))
    for row in rows:
        need = np.any(demand.needs[demand.edge_shift == row], axis=0)
        out += np.where(need, demand.workers[row], 0.0)
    return out


def _choose_gates(
    demand: Demand, gates: Ints, owner: list[int], reach: Ints, walk: Ints, n_places: int
) -> dict[int, int]:
    """Return the gate of each site that is the least drive away for its white workers."""
    chosen: dict[int, int] = {}
    nearest = np.argmin(walk, axis=1) if n_places else np.zeros(len(walk), np.intp)
    for site in sorted(set(owner)):
        mine = [g for g, s in enumerate(owner) if s == site]
        weight = _site_weight(demand, site)
        cost = [
            float(weight @ np.minimum(reach[g][nearest], 7200)) if n_places else 0.0 for g in mine
        ]
        chosen[site] = int(gates[mine[int(np.argmin(cost))]])
    return chosen


def _select(
    demand: Demand,
    config: ShuttleConfig,
    places: Sequence[Place],
    xy: Floats,
    walk: Ints,
    chosen_gate: dict[int, int],
    reach: Ints,
) -> tuple[dict[int, Selection], Ints]:
    """Choose the stops of each site among the places it can be driven from."""
    preference = np.array([PREFERENCE.get(p.kind, 1.0) for p in places])
    limit_s = config.max_walk_min * 60
    selections: dict[int, Selection] = {}
    n = len(places)
    for site, gate in chosen_gate.items():
        row = reach[gate - n]
        usable = np.flatnonzero(row <= config.max_ride_min * 60)
        weight = _site_weight(demand, site)
        found = select_stops(
            (walk[:, usable] <= limit_s).T, weight, xy[usable],
            spacing_m=config.min_spacing_m, max_stops=config.max_stops,
            preference=preference[usable], effort=1.0,
        )  # fmt: skip
        selections[site] = replace(found, chosen=usable[found.chosen].astype(np.int32))
    kept = np.unique(
        np.concatenate([s.chosen for s in selections.values()] or [np.empty(0, np.int32)])
    )
    return selections, kept.astype(np.int32)


def _hub_places(
    study: Study, demand: Demand, config: ShuttleConfig, homes_xy: Floats
) -> dict[int, list[tuple[Place, Ints, Ints]]]:
    """Return, for each site, the stops whose trunk lines are worth feeding, with their times."""
    stops = study.feed.stops
    rows = np.flatnonzero(
        (stops["location_type"] == 0).to_numpy() & stops["lon"].notna().to_numpy()
    )
    if not len(rows):
        return {}
    stops_xy = study.streets.project(
        stops["lon"].to_numpy(np.float64)[rows], stops["lat"].to_numpy(np.float64)[rows]
    )
    elapsed, walk = hub_times(study, demand.edges, rows)
    out: dict[int, list[tuple[Place, Ints, Ints]]] = {}
    max_total_s = round(study.territory.limits.max_total_min * 60)
    for site in sorted({e.site for e in demand.edges}):
        mine = [k for k, e in enumerate(demand.edges) if e.site == site]
        people = np.where(demand.needs[mine], demand.workers[demand.edge_shift[mine]], 0.0)
        chosen = choose_hubs(
            elapsed[mine],
            people,
            homes_xy,
            stops_xy,
            max_total_s=max_total_s,
            count=config.max_hubs,
        )
        out[site] = [
            (
                Place(
                    str(stops["stop_name"].iloc[rows[k]]),
                    float(stops["lon"].iloc[rows[k]]),
                    float(stops["lat"].iloc[rows[k]]),
                    "hub",
                    str(stops["stop_id"].iloc[rows[k]]),
                ),
                elapsed[:, k],
                walk[:, k],
            )
            for k in chosen
        ]
    return out


def _busiest(demand: Demand, gates: dict[int, int]) -> int:
    """Return the gate of the site with the most white workers: the depot by default."""
    if not gates:
        return 0
    return gates[max(gates, key=lambda s: (float(_site_weight(demand, s).sum()), -s))]


def _gate_walks(study: Study, places: Sequence[Place], gates: dict[int, int]) -> dict[int, int]:
    """Return the walk between each site's gate and the stop put there."""
    out = {}
    for site, place in gates.items():
        points = np.array(study.sites[site].gates, np.float64)
        table: WalkTable = home_walks(
            study.streets, points, _lonlat([places[place]]), 600.0, study.territory.speeds,
            cache=False,
        )  # fmt: skip
        out[site] = int(table.walk_s.min(initial=600)) if len(table.walk_s) else 0
    return out


def _scene(
    study: Study,
    demand: Demand,
    config: ShuttleConfig,
    places: Sequence[Place],
    drive: Drive,
    depot: int,
    walk: Ints,
) -> Scene:
    limits = study.territory.limits
    return Scene(
        places=tuple(places),
        xy=study.streets.project(*_lonlat(places).T),
        drive=drive,
        depot=depot,
        walk_s=walk,
        edges=demand.edges,
        edge_shift=demand.edge_shift,
        shift_ids=demand.shift_ids,
        roster=demand.roster,
        workers=demand.workers,
        needs=demand.needs,
        days=demand.days,
        limits=RideLimits(
            max_total_s=round(limits.max_total_min * 60),
            max_walk_s=round(limits.max_walk_min * 60),
            max_stop_walk_s=round(config.max_walk_min * 60),
            max_wait_s=round(limits.max_wait_min * 60),
            max_ride_s=round(config.max_ride_min * 60),
            detour_ratio=config.detour_ratio,
            detour_s=round(config.detour_min * 60),
        ),
        dwell_s=config.dwell_s,
        turnaround_s=round(config.turnaround_min * 60),
        pool_tolerance_s=round(config.pool_tolerance_min * 60),
    )


def study_period(study: Study, *, stand_ins: bool) -> Period:
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


def publish(
    study: Study, scene: Scene, ways: Ways, plans: Sequence[Plan], *, together: bool = False
) -> list[dict[str, Table]]:
    """Return the GTFS tables of each plan, or one feed of all of them to evaluate together."""
    options = {
        "agency": f"Navettes – {study.territory.name}",
        "timezone": study.territory.timezone,
        "version": "1",
    }
    if not together:
        period = study_period(study, stand_ins=False)
        return [gtfs_tables(p.lines, p.runs, scene.places, ways, period, **options) for p in plans]
    lines: list[Line] = []
    runs: list[Run] = []
    for k, plan in enumerate(plans):
        lines += [replace(x, name=f"{k}/{x.name}") for x in plan.lines]
        first = len(lines) - len(plan.lines)
        runs += [replace(r, line=r.line + first) for r in plan.runs]
    period = study_period(study, stand_ins=True)
    return [gtfs_tables(lines, runs, scene.places, ways, period, **options)]


def proven(found: Plans) -> Plans:
    """Return the plans with the workers the engine finds, those still unbeaten kept."""
    plans = [_named(p) for p in found.plans]
    asked = [plans[found.knee_index]] if found.config.knee_only else plans
    tables = publish(found.study, found.scene, found.ways, asked, together=True)[0]
    after = with_feed(found.study, read_tables(tables), scenario="shuttles")
    masks = _masks(after, asked, len(found.study.feed.trips))
    proofs = prove(found.access, after, masks, [int(s) for s in found.scene.shift_ids])
    told = {p.name: proof for p, proof in zip(asked, proofs, strict=True)}
    plans = [_with_proof(found, p, told[p.name]) if p.name in told else p for p in plans]
    kept = pareto(plans)
    return replace(found, plans=tuple(kept), knee_index=knee(kept))


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


def _masks(after: Study, plans: Sequence[Plan], n_before: int) -> list[Bools]:
    """Return for each plan which trips of the common feed run."""
    ids = after.feed.trips["trip_id"].astype(str).to_numpy()
    own = np.array([i.split(":")[-1].split("/")[0] for i in ids])
    new = np.arange(len(ids)) >= n_before
    return [~new | (own == str(k)) for k in range(len(plans))]


def _with_proof(found: Plans, plan: Plan, proof: Proof) -> Plan:
    scene = found.scene
    gained = proof.gained[scene.shift_ids][:, found.homes]
    lost = proof.lost[scene.shift_ids][:, found.homes]
    return replace(
        plan,
        workers_proven=float(scene.workers[gained].sum()),
        lost_proven=float(lost.sum()),
    )


__all__ = ["Groundwork", "Plans", "design_shuttles", "gate_anchor", "proven", "publish", "trip_id"]
