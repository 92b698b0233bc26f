"""Whole rosters: a worker gains a job only when every shift end they lack is served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.model import Bools, Floats
from mobility.shuttles.scene import Scene


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
