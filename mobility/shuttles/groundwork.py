"""Places, streets, pools and candidate lines of one design."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.commute.study import Study, engine_limits
from mobility.shuttles.anchors import choose_hubs, hub_anchor, hub_times, make_pools
from mobility.shuttles.columns import generate_lines
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import Day
from mobility.shuttles.demand import Demand
from mobility.shuttles.drive import DriveGraph, drive_graph, drive_matrix, drive_seconds
from mobility.shuttles.frontier import distinct, make_candidate, most_useful
from mobility.shuttles.groups import Candidate
from mobility.shuttles.model import UNREACHED, Drive, Floats, Ints, Line, Place
from mobility.shuttles.places import (
    PREFERENCE,
    candidate_places,
    check_depot,
    depot_place,
    gate_places,
    gate_walks,
    lonlat_of,
    walk_matrix,
)
from mobility.shuttles.scene import Pool, RideLimits, Scene, missing_only, missing_sets
from mobility.shuttles.stops import Selection, select_stops

Progress = Callable[[str], None]
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


def longest_walk_s(study: Study, config: ShuttleConfig) -> float:
    """Return the longest walk to a stop that counts, in seconds."""
    return max(config.max_walk_min, study.territory.limits.max_walk_min) * 60


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


def site_weight(demand: Demand, site: int) -> Floats:
    """Return float64[H]: workers who lack some of their roster at a site, over its rosters."""
    edges = np.array([e.site == site for e in demand.edges])
    of = demand.roster[demand.edge_shift]
    out = np.zeros(len(demand.homes))
    for roster in np.unique(of[edges]):
        need = demand.needs[edges & (of == roster)].any(axis=0)
        out += np.where(need, demand.staff[roster], 0.0)
    return out


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


def busiest_gate(demand: Demand, gates: dict[int, int]) -> int:
    """Return the gate of the site with the most white workers: the depot by default."""
    if not gates:
        return 0
    return gates[max(gates, key=lambda s: (float(site_weight(demand, s).sum()), -s))]


def hourly_p95(factors: Factors) -> tuple[float, ...]:
    """Return for each hour of the day the 95th percentile of a driving time over its mean."""
    peak, night = {7, 8, 16, 17, 18}, {*range(6), *range(20, 24)}
    return tuple(
        factors[
            "drive_p95.peak" if h in peak else "drive_p95.night" if h in night else "drive_p95.day"
        ]
        for h in range(24)
    )


def make_scene(
    study: Study,
    demand: Demand,
    config: ShuttleConfig,
    places: Sequence[Place],
    drive: Drive,
    depot: int,
    walk: Ints,
) -> Scene:
    """Put demand, places and the territory's limits together."""
    limits = engine_limits(study.territory.limits)
    return Scene(
        places=tuple(places),
        xy=study.streets.project(*lonlat_of(places).T),
        drive=drive,
        depot=depot,
        walk_s=walk,
        edges=demand.edges,
        edge_shift=demand.edge_shift,
        shift_ids=demand.shift_ids,
        roster=demand.roster,
        workers=demand.workers,
        staff=demand.staff,
        needs=demand.needs,
        days=demand.days,
        limits=RideLimits(
            max_total_s=limits.max_total_s,
            max_walk_s=limits.max_walk_s,
            max_stop_walk_s=round(config.max_walk_min * 60),
            max_wait_s=limits.max_wait_s,
            max_ride_s=round(config.max_ride_min * 60),
            detour_ratio=config.detour_ratio,
            detour_s=round(config.detour_min * 60),
        ),
        dwell_s=config.dwell_s,
        turnaround_s=round(config.turnaround_min * 60),
        pool_tolerance_s=round(config.pool_tolerance_min * 60),
        p95_drive=hourly_p95(Factors.load(study.territory.factors, file=study.territory.path)),
        gate_buffer_s=round(config.gate_buffer_min * 60),
    )
