"""Everything the design needs of a territory, as arrays."""

from __future__ import annotations

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
