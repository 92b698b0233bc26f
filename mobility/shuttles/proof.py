"""What the engine says of a plan: who gains what, and the vehicles their number asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Day
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Bools, Floats
from mobility.shuttles.plan import Plan
from mobility.shuttles.rosters import edges_of
from mobility.shuttles.scene import Scene
from mobility.shuttles.service import serve
from mobility.shuttles.sizing import equip


def proven_plan(
    scene: Scene,
    plan: Plan,
    gained: Bools,
    held: Bools,
    lost: float,
    pools: Floats,
    config: ShuttleConfig,
    factors: Factors,
    days: Sequence[Day],
) -> Plan:
    """Return a plan with what the engine says of it, its vehicles those the riders need.

    The riders of each run are those the engine finds; vehicles grow or shrink to them and
    the plan is chained, staffed and costed again. No time changes, so the proof stands.

    Parameters
    ----------
    gained, held
        bool[S,H] white shifts that hold after; shifts that hold after.
    lost
        Homes and shifts that no longer hold.
    pools
        float64[R,H] inhabitants who could work on each roster.
    """
    service = serve(scene, plan.lines, plan.runs, config, gained=gained)
    outfit = equip(
        scene, plan.lines, plan.runs, service, config, factors, days,
        known=(plan.runs, plan.operations, plan.costs),
    )  # fmt: skip
    rosters = []
    for known in plan.rosters:
        r = known.roster
        rows = np.flatnonzero(scene.roster == r)
        white = scene.needs[edges_of(scene, r)].any(axis=0)
        whole = white & held[rows].all(axis=0)
        rosters.append(
            replace(
                known,
                seated=float(outfit.seated[rows].min()),
                proven=float(scene.staff[r, whole].sum()),
                pool=float(pools[r, whole].sum()),
            )
        )
    return replace(
        plan,
        lines=outfit.lines,
        runs=outfit.runs,
        operations=outfit.operations,
        costs=outfit.costs,
        service=outfit.service,
        places_proven=float(scene.workers[gained].sum()),
        rosters=tuple(rosters),
        lost_proven=lost,
        over_seats=float(outfit.over.sum()),
    )
