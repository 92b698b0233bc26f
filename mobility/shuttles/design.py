"""From white zones to a frontier of shuttle plans, proven by the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mobility.base.errors import Finding
from mobility.commute.access import Access
from mobility.commute.modes import check_riding
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.shuttles.anchors import choose_hubs, hub_anchor, hub_times, make_pools
from mobility.shuttles.columns import generate_lines
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import fleet_findings
from mobility.shuttles.demand import Demand, find_demand, year_of
from mobility.shuttles.drive import DriveGraph, drive_graph, drive_matrix, drive_seconds
from mobility.shuttles.edit import cost_lines, read_lines
from mobility.shuttles.frontier import build_frontier, distinct, knee, make_candidate, most_useful
from mobility.shuttles.groups import Candidate
from mobility.shuttles.model import UNREACHED, Day, Floats, Ints, Line, Place
from mobility.shuttles.places import (
    PREFERENCE,
    busiest_gate,
    candidate_places,
    check_depot,
    depot_place,
    gate_places,
    gate_walks,
    longest_walk_s,
    lonlat_of,
    make_scene,
    site_weight,
    walk_matrix,
)
from mobility.shuttles.plans import Plans, proven
from mobility.shuttles.scene import Pool, Scene, missing_only, missing_sets
from mobility.shuttles.stops import Selection, select_stops

_MOST_PARTS = 3  # lines for what homes lack of one roster


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
        lonlat = study.homes.lonlat[demand.homes]
        homes_xy = study.streets.project(lonlat[:, 0], lonlat[:, 1]) if len(lonlat) else lonlat
        walk_limit = config.max_walk_min * 60
        speed = study.territory.speeds.walk_kmh / 3.6
        progress("shuttle stops")
        places = candidate_places(study, homes_xy, reach_m=walk_limit * speed)
        walk = walk_matrix(study, lonlat, places, walk_limit)
        entrances, gate_site = gate_places(study, demand)
        near = np.flatnonzero((walk < UNREACHED).any(axis=0))
        places, walk = [places[k] for k in near], walk[:, near]
        everything = [*places, *entrances]
        graph = drive_graph(
            study.streets, study.territory.speeds, lonlat_of(everything), factor=config.drive_factor
        )
        xy = study.streets.project(*lonlat_of(everything).T)
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
            places.append(depot_place(study, config.depot))
        graph = drive_graph(
            study.streets,
            study.territory.speeds,
            lonlat_of(places),
            factor=config.drive_factor,
            times=graph.times,
        )
        drive = drive_matrix(graph, np.arange(len(places)))
        walk = walk_matrix(study, lonlat, places, longest_walk_s(study, config))
        site_gate = {s: index[g] for s, g in chosen_gate.items()}
        depot = len(places) - 1 if config.depot is not None else busiest_gate(demand, site_gate)
        check_depot(study, drive, depot, sorted(site_gate.values()))
        scene = make_scene(study, demand, config, places, drive, depot, walk)
        gate_walk = gate_walks(study, places, site_gate)
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
            for j, part in enumerate(self._parts(pool)):
                lines += generate_lines(
                    self.scene, pool.anchor, stops, part, self.config, factors, days,
                    homes=missing_only(self.scene, part), seed=seed + 100 * (j + 1) + k,
                    should_stop=should_stop,
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
        counted = self.scene.counted()
        found = [
            c
            for line in lines
            if (c := make_candidate(counted, line, self.config, factors, days)) is not None
        ]
        return most_useful(counted, distinct(found))

    def _parts(self, pool: Pool) -> list[tuple[int, ...]]:
        """Return what many homes lack of a roster and no more: a line may run for that alone."""
        if len(pool.sites) > 1:
            return []
        return missing_sets(self.scene, pool.edges, most=_MOST_PARTS)


def _gate_reach(graph: DriveGraph, gates: Ints, n_places: int) -> Ints:
    """Return int32[G,P]: the longer of the drives to and from each gate."""
    rows = [
        np.maximum(
            drive_seconds(graph, int(g), to_place=True),
            drive_seconds(graph, int(g), to_place=False),
        )[:n_places]
        for g in gates
    ]
    return np.array(rows, np.int32).reshape(len(gates), n_places)


def _choose_gates(
    demand: Demand, gates: Ints, owner: list[int], reach: Ints, walk: Ints, n_places: int
) -> dict[int, int]:
    """Return the gate of each site that is the least drive away for its white workers."""
    chosen: dict[int, int] = {}
    nearest = np.argmin(walk, axis=1) if n_places else np.zeros(len(walk), np.intp)
    for site in sorted(set(owner)):
        mine = [g for g, s in enumerate(owner) if s == site]
        weight = site_weight(demand, site)
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
        weight = site_weight(demand, site)
        found = select_stops(
            (walk[:, usable] <= limit_s).T,
            weight,
            xy[usable],
            spacing_m=config.min_spacing_m,
            max_stops=config.max_stops,
            preference=preference[usable],
        )
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
        ((stops["location_type"] == 0) & stops["lon"].notna() & (stops["copy_of"] < 0)).to_numpy()
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


Progress = Callable[[str], None]


def _quiet(_step: str) -> None:
    """Report no progress."""


def design_shuttles(
    study: Study,
    access: Access,
    zones: WhiteZones,
    *,
    present: Access | None = None,
    config: ShuttleConfig | None = None,
    seed: int = 0,
    progress: Progress = _quiet,
    should_stop: Callable[[], bool] | None = None,
) -> Plans:
    """Design shuttle lines for the white zones of a territory.

    Parameters
    ----------
    access, zones
        What the lines are for: the territory as it is, or with what costs less.
    present
        The territory as it is, where ``access`` is another: jobs gained are counted against it.
    config
        Settings; the territory's ``[shuttles]`` table when None.
    seed
        Of every search; same seed, same plans.
    should_stop
        Asked between and within searches; true keeps the best found so far.

    Raises
    ------
    TerritoryError
        The ``[shuttles]`` or ``[factors]`` table is wrong, or public transport runs and is not
        among the modes.
    """
    check_riding(study.territory, has_timetable=study.has_timetable)
    config = config or ShuttleConfig.from_territory(study.territory)
    factors = Factors.load(study.territory.factors, file=study.territory.path)
    days = year_of(study, factors)
    progress("shuttle demand")
    demand = find_demand(study, zones, days)
    site = Groundwork.build(study, demand, config, progress=progress)
    progress("shuttle lines")
    candidates = site.candidates(factors, days, seed=seed, should_stop=should_stop)
    progress("shuttle plans")
    scene = site.scene.counted()
    plans = build_frontier(scene, candidates, config, factors, days, should_stop=should_stop)
    found = Plans(
        study, access, config, factors, scene, demand.homes, tuple(days), site.graph,
        tuple(plans), knee(plans), tuple(site.selections), (), site.homes_xy,
        lacking=demand.lacking, present=present,
    )  # fmt: skip
    if plans:
        progress("shuttle proof")
        found = proven(found)
    told = [f for p in found.plans for f in fleet_findings(p.name, p.operations, config)]
    if not found.plans:
        told = [_nothing(demand)]
    found = replace(found, findings=(*found.findings, *told))
    return found if config.lines is None else _with_drawn(found, config.lines)


def _with_drawn(found: Plans, path: Path) -> Plans:
    """Return the plans with the planner's own lines beside them."""
    path = found.study.territory.resolve(path)
    stops = found.study.feed.stops
    stops = stops[stops["lon"].notna() & (stops["location_type"] == 0)]
    columns = (stops[c] for c in ("stop_name", "lon", "lat"))
    known = {str(n): (float(x), float(y)) for n, x, y in zip(*columns, strict=True)}
    lines = read_lines(path, known)
    drawn = cost_lines(found, lines, file=str(path))
    if not drawn.plans:
        finding = Finding(
            "warning",
            "drawn_lines_unused",
            "No run of the drawn lines has enough riders.",
            source=path.name,
        )
        return replace(found, findings=(*found.findings, finding))
    told = _without_riders([line.name for line in lines], drawn, path.name)
    findings = (*found.findings, *told, *drawn.findings)
    return replace(found, drawn=drawn, findings=findings)


def _without_riders(names: Sequence[str], drawn: Plans, source: str) -> list[Finding]:
    """Name the drawn lines of which no run has enough riders, where others have."""
    plan = drawn.plans[0]
    used = {plan.lines[run.line].name for run in plan.runs}
    idle = [name for name in names if name not in used]
    if not idle:
        return []
    message = "{count} drawn lines have no run with enough riders: the plan is without them."
    return [
        Finding(
            "warning", "drawn_line_unused", message, source, len(idle), examples=tuple(idle[:5])
        )
    ]


def _nothing(demand: Demand) -> Finding:
    return Finding(
        "info",
        "no_shuttle",
        "No shuttle line can be justified: {workers} white workers, none of them served by "
        "a run with enough riders.",
        params={"workers": round(demand.total)},
    )
