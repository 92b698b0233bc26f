"""Where lines end: the gates of a site or of a pool of sites, and hubs of trunk lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, permutations

import numpy as np

from mobility.commute.study import Study, engine_limits
from mobility.engine.journeys import Edge as EngineEdge
from mobility.engine.journeys import reach, relaxed, scan
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.model import UNREACHED, Anchor, Edge, Floats, Ints
from mobility.shuttles.scene import Pool
from mobility.streets.arcs import joined
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable

_MOST_POOLED = 4
#: Between hubs; as the crow flies, to a hub; and left for walking and changing there.
_HUBS_APART_M, _TO_HUB_MS, _SLACK_S = 800.0, 9.0, 600


def _margins_s(study: Study, site: int) -> tuple[int, int]:
    """Return the seconds between gate and work station, in and out."""
    into_min, out_min = study.territory.limits.margins_min(study.sites[site])
    return round(into_min * 60), round(out_min * 60)


def gate_anchor(
    study: Study,
    edges: Sequence[Edge],
    gates: dict[int, int],
    gate_walk_s: dict[int, int],
    order: Sequence[int],
    config: ShuttleConfig,
) -> Anchor:
    """Return the anchor of some sites, their gates called at in ``order`` inbound.

    Parameters
    ----------
    gates
        Place of each site's gate.
    gate_walk_s
        Walk between that place and the gate.
    order
        Sites.
    """
    shape = (len(edges), len(order))
    at = np.full(shape, UNREACHED, np.int32)
    used, walk = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    buffer_s = round(config.gate_buffer_min * 60)
    for e, edge in enumerate(edges):
        if edge.site not in order:
            continue
        i = list(order).index(edge.site)
        inbound = edge.direction == "in"
        margin = _margins_s(study, edge.site)[0 if inbound else 1]
        walk[e, i] = gate_walk_s[edge.site]
        used[e, i] = margin + walk[e, i] + buffer_s
        at[e, i] = edge.clock_s + (-used[e, i] if inbound else used[e, i])
    name = " + ".join(study.sites[s].name for s in order)
    return Anchor(tuple(gates[s] for s in order), at, used, walk, name)


def make_pools(
    study: Study,
    edges: Sequence[Edge],
    gates: dict[int, int],
    gate_walk_s: dict[int, int],
    drive_s: Ints,
    xy: Floats,
    config: ShuttleConfig,
) -> list[Pool]:
    """Return each site by itself and the groups of neighbouring sites with close hours.

    A group holds at most `_MOST_POOLED` sites; its gates are called at in the quickest order.
    """
    sites = sorted({e.site for e in edges})
    groups: list[tuple[int, ...]] = [(s,) for s in sites]
    left = set(sites)
    for site in sites:
        if site not in left:
            continue
        near = [
            s
            for s in sorted(left, key=lambda s: (_apart(xy, gates, site, s), s))
            if s != site
            and _apart(xy, gates, site, s) <= config.pool_km * 1000
            and _share_hours(edges, site, s, config.pool_tolerance_min * 60)
        ]
        group = tuple(sorted([site, *near[: _MOST_POOLED - 1]]))
        if len(group) > 1:
            groups.append(group)
            left -= set(group)
    pools = []
    for group in groups:
        order = _gate_order(group, gates, drive_s)
        anchor = gate_anchor(study, edges, gates, gate_walk_s, order, config)
        pools.append(Pool(group, anchor, tuple(k for k, e in enumerate(edges) if e.site in group)))
    return pools


def _apart(xy: Floats, gates: dict[int, int], one: int, two: int) -> float:
    return float(np.hypot(*(xy[gates[one]] - xy[gates[two]])))


def _share_hours(edges: Sequence[Edge], one: int, two: int, tolerance_s: float) -> bool:
    return any(
        a.direction == b.direction and abs(a.clock_s - b.clock_s) <= tolerance_s
        for a in edges
        if a.site == one
        for b in edges
        if b.site == two
    )


def _gate_order(group: tuple[int, ...], gates: dict[int, int], drive_s: Ints) -> tuple[int, ...]:
    def length(order: tuple[int, ...]) -> int:
        places = [gates[s] for s in order]
        return sum(int(drive_s[a, b]) for a, b in pairwise(places))

    return min(permutations(group), key=lambda o: (length(o), o))


def hub_times(study: Study, edges: Sequence[Edge], stops: np.ndarray) -> tuple[Ints, Ints]:
    """Return how each stop reaches work by existing lines, for each shift end.

    Parameters
    ----------
    stops
        Stop indices: possible hubs.

    Returns
    -------
    elapsed_s, walk_s
        int32[E,N]: from leaving the stop to the shift's start, or from its end to being
        there, on the worst of its kinds of day, and the walking of it; `UNREACHED` where it
        does not hold.
    """
    days = {d.kind: d for d in study.days}
    limits = engine_limits(study.territory.limits)
    # One is kept for changing from the shuttle.
    limits = relaxed(limits, max_transfers=max(limits.max_transfers - 1, 0))
    n = len(stops)
    own_stop = study.feed.own_stop
    row, at = joined(own_stop, np.arange(len(own_stop)), stops)
    ptr = np.append(0, np.cumsum(np.bincount(row, minlength=n))).astype(np.int64)
    here = WalkTable(ptr, at.astype(np.int32), np.zeros(len(at), np.int32))
    elapsed = np.zeros((len(edges), n), np.int32)
    walked = np.zeros((len(edges), n), np.int32)
    for e, edge in enumerate(edges):
        for kind in edge.day_kinds:
            into, out = study.edges(edge.shift_id, days[kind])
            asked: EngineEdge = into if edge.direction == "in" else out
            times = reach(
                scan(study.timetables[kind], study.egress_s[edge.site], asked, limits), here
            )
            elapsed[e] = np.maximum(
                elapsed[e], np.where(times.elapsed_s < INF, times.elapsed_s, UNREACHED)
            )
            walked[e] = np.maximum(walked[e], times.walk_s)
    return elapsed, walked


def hub_anchor(
    edges: Sequence[Edge],
    served: Sequence[int],
    place: int,
    elapsed_s: Ints,
    walk_s: Ints,
    transfer_s: int,
    name: str,
) -> Anchor:
    """Return the anchor of a feeder: be at the hub ``transfer_s`` before its trunk line leaves.

    Parameters
    ----------
    served
        Edges the feeder may serve.
    elapsed_s, walk_s
        int32[E] of this hub, see `hub_times`.
    """
    at = np.full((len(edges), 1), UNREACHED, np.int32)
    used, walk = np.zeros((len(edges), 1), np.int32), np.zeros((len(edges), 1), np.int32)
    for e in served:
        if elapsed_s[e] >= UNREACHED:
            continue
        used[e, 0] = elapsed_s[e] + transfer_s
        walk[e, 0] = walk_s[e]
        sign = -1 if edges[e].direction == "in" else 1
        at[e, 0] = edges[e].clock_s + sign * used[e, 0]
    return Anchor((place,), at, used, walk, name, is_hub=True)


def choose_hubs(
    elapsed_s: Ints,
    workers: Floats,
    homes_xy: Floats,
    stops_xy: Floats,
    *,
    max_total_s: int,
    count: int,
) -> list[int]:
    """Return the stops from which trunk lines are worth feeding, best first.

    A stop scores the workers of the edges it serves who live close enough, as the crow
    flies, to leave `_SLACK_S` for walking and changing.

    Parameters
    ----------
    elapsed_s
        int32[E,N], see `hub_times`.
    workers
        float64[E,H] workers lacking each edge.
    """
    left_s = max_total_s - elapsed_s.astype(np.int64) - _SLACK_S
    rows = np.flatnonzero((left_s >= 0).any(axis=0))
    away_s = np.hypot(*(stops_xy[rows, None] - homes_xy[None]).transpose(2, 0, 1)) / _TO_HUB_MS
    score = np.zeros(len(stops_xy))
    for left, people in zip(left_s[:, rows], workers, strict=True):
        some = left >= 0
        near = away_s[some] <= left[some, None]
        score[rows[some]] += (near * people).sum(axis=1)
    chosen: list[int] = []
    for k in np.argsort(-score, kind="stable"):
        if len(chosen) == count or score[k] <= 0:
            break
        apart = [np.hypot(*(stops_xy[k] - stops_xy[c])) for c in chosen]
        if all(d >= _HUBS_APART_M for d in apart):
            chosen.append(int(k))
    return chosen
