"""Everything the design needs of a territory, as arrays; whole rosters counted on them.

A worker gains a job only when every shift end they lack is served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.shuttles.model import Anchor, Bools, Drive, Edge, Floats, Ints, Place, by_shift


@dataclass(frozen=True)
class RideLimits:
    """What a rider accepts; seconds."""

    max_total_s: int
    max_walk_s: int
    max_stop_walk_s: int
    max_wait_s: int
    max_ride_s: int
    detour_ratio: float
    detour_s: int

    def longest_ride(self, direct_s: Ints) -> Ints:
        """Return the longest ride allowed where the direct drive takes ``direct_s``."""
        detour = np.minimum(direct_s, 10**7) * self.detour_ratio + self.detour_s
        return np.minimum(detour, self.max_ride_s).astype(np.int32)


@dataclass(frozen=True)
class Scene:
    """Demand, places and times of one design.

    Attributes
    ----------
    places
        P places: candidate stops, gates, hubs, depot.
    xy
        float64[P,2] metres.
    drive
        Driving of the shuttle between places.
    depot
        Index of the depot among the places.
    walk_s
        int32[H,P] walk from home to place (the same back), `UNREACHED` when too far.
    edges
        E shift ends.
    edge_shift
        int32[E] row of ``workers`` of each edge.
    shift_ids
        int32[S] the study's shift of each row of ``workers``.
    roster
        int32[S] roster each shift belongs to.
    workers
        float64[S,H] workers of each shift who live at each home and are white.
    staff
        float64[R,H] headcount of each roster, over all its shifts, who live at each home.
    needs
        bool[E,H] the home lacks this direction.
    days
        float64[E,H] days a year on which it lacks it.
    limits
        What riders accept.
    dwell_s, turnaround_s
        Halt at a stop, and between two runs.
    pool_tolerance_s
        Shift ends this close share a run.
    p95_drive
        For each hour of the day, the 95th percentile of a driving time over its mean.
    gate_buffer_s
        Kept at the gate already: what a late run uses up first.
    """

    places: tuple[Place, ...]
    xy: Floats
    drive: Drive
    depot: int
    walk_s: Ints
    edges: tuple[Edge, ...]
    edge_shift: Ints
    shift_ids: Ints
    roster: Ints
    workers: Floats
    staff: Floats
    needs: Bools
    days: Floats
    limits: RideLimits
    dwell_s: int = 30
    turnaround_s: int = 180
    pool_tolerance_s: int = 1200
    p95_drive: tuple[float, ...] = (1.0,) * 24
    gate_buffer_s: int = 120

    @property
    def n_homes(self) -> int:
        """Number of homes."""
        return len(self.walk_s)

    @property
    def white(self) -> Bools:
        """Whether each home lacks some end of each shift, bool[S,H]."""
        return by_shift(self.needs, self.edge_shift, len(self.workers))

    def counted(self) -> Scene:
        """Return the scene that counts riders: any walk the territory allows, as the engine's.

        Stops are placed for the shorter walk of ``max_stop_walk_s``.
        """
        longest = max(self.limits.max_stop_walk_s, self.limits.max_walk_s)
        return replace(self, limits=replace(self.limits, max_stop_walk_s=longest))

    def demand(self, edge: int) -> Floats:
        """Return float64[H]: workers who lack ``edge``."""
        return np.where(self.needs[edge], self.workers[self.edge_shift[edge]], 0.0)


@dataclass(frozen=True)
class Pool:
    """Sites designed together.

    Attributes
    ----------
    sites
        Indices of the sites.
    anchor
        Their gates in inbound order.
    edges
        Edges of these sites.
    """

    sites: tuple[int, ...]
    anchor: Anchor
    edges: tuple[int, ...]


@dataclass(frozen=True)
class RosterGain:
    """What a plan does for one roster of one site.

    Attributes
    ----------
    roster
        Row of `Scene.staff`.
    estimate
        Of the roster's jobs, those whose whole roster holds thanks to the plan, by its own model.
    seated
        Share of the riders of its fullest shift who find a seat.
    proven
        As ``estimate``, by the engine on the plan's GTFS; None before the re-evaluation.
    pool
        Inhabitants of the labour pool newly able to hold the roster, by the engine.
    alone
        As ``proven``, on the territory as it is; None before.
    """

    roster: int
    estimate: float
    seated: float = 1.0
    proven: float | None = None
    pool: float | None = None
    alone: float | None = None

    @property
    def riding(self) -> float:
        """Of those it was designed for, no more than it gains alone: who finds a seat."""
        seated = self.gained * self.seated
        return seated if self.alone is None else min(seated, self.alone)

    @property
    def gained(self) -> float:
        """Staff whose whole roster holds: proven when known, else the estimate."""
        return self.estimate if self.proven is None else self.proven


def edges_of(scene: Scene, roster: int) -> list[int]:
    """Return the shift ends of a roster."""
    return [int(e) for e in np.flatnonzero(scene.roster[scene.edge_shift] == roster)]


def gained_rosters(scene: Scene, served: Bools) -> Bools:
    """Return bool[R,H]: homes that lack some end of a roster, and all those they lack are served.

    Parameters
    ----------
    served
        bool[E,H].
    """
    out = np.zeros(scene.staff.shape, bool)
    for roster in range(len(out)):
        edges = edges_of(scene, roster)
        needs = scene.needs[edges]
        out[roster] = needs.any(axis=0) & ~(needs & ~served[edges]).any(axis=0)
    return out


def whole_rosters(scene: Scene, reached: Bools) -> Bools:
    """Return bool[R,H]: homes that lack some shift of a roster, and all those are reached.

    Parameters
    ----------
    reached
        bool[S,H] white shifts that hold thanks to a plan.
    """
    return gained_rosters(scene, reached[scene.edge_shift])


def edge_worth(scene: Scene) -> Floats:
    """Return float64[E,H]: the roster's staff at a home, shared among the ends it lacks."""
    out = np.zeros(scene.needs.shape)
    for roster in range(len(scene.staff)):
        edges = edges_of(scene, roster)
        needs = scene.needs[edges]
        out[edges] = np.where(needs, scene.staff[roster] / np.maximum(needs.sum(axis=0), 1), 0.0)
    return out


def missing_sets(scene: Scene, edges: Sequence[int], *, most: int) -> list[tuple[int, ...]]:
    """Return the sets of ends that many homes lack of one roster, the worthiest first.

    Only sets smaller than what the roster lacks in all are returned: a line for all of them
    serves the others.

    Parameters
    ----------
    edges
        Shift ends that can be served.
    most
        Sets of one roster.
    """
    found: list[tuple[int, ...]] = []
    for roster in range(len(scene.staff)):
        mine = [e for e in edges_of(scene, roster) if e in set(edges)]
        every = edges_of(scene, roster)
        if len(mine) < len(every) or len(mine) < 2:
            continue
        patterns, inverse = np.unique(scene.needs[mine], axis=1, return_inverse=True)
        weight = np.bincount(inverse.ravel(), weights=scene.staff[roster])
        partial: Bools = np.asarray(patterns.any(axis=0) & ~patterns.all(axis=0))
        order = [int(k) for k in np.argsort(-weight, kind="stable") if partial[k]]
        found += [
            tuple(e for e, n in zip(mine, patterns[:, k], strict=True) if n)
            for k in order[:most]
            if weight[k] > 0
        ]
    return found


def missing_only(scene: Scene, edges: Sequence[int]) -> Bools:
    """Return bool[H]: homes that lack some of ``edges`` and nothing else of those rosters."""
    inside = np.zeros(len(scene.edges), bool)
    inside[list(edges)] = True
    served = np.repeat(inside[:, None], scene.n_homes, axis=1)
    return np.asarray(gained_rosters(scene, served).any(axis=0))
