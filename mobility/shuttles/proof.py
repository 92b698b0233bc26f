"""What the engine says of a plan, in staff, inhabitants and shift-places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.model import Bools, Floats
from mobility.shuttles.plan import Plan
from mobility.shuttles.rosters import edges_of
from mobility.shuttles.scene import Scene


def beyond_seats(
    scene: Scene, plan: Plan, gained: Bools, config: ShuttleConfig
) -> tuple[Floats, Floats]:
    """Return for each shift the captured workers without a seat, and the share of riders seated.

    Parameters
    ----------
    gained
        bool[S,H] homes the engine finds served, shift by shift.

    Returns
    -------
    over, seated
        float64[S], on the fuller direction.
    """
    seats = np.zeros(len(scene.edges))
    for run in plan.runs:
        asked = np.array([plan.service.rider_edge[e] for e in run.edges])
        share = asked / asked.sum() if asked.sum() > 0 else np.full(len(asked), 1 / len(asked))
        seats[list(run.edges)] += share * config.vehicles[run.vehicle].passengers
    over, seated = np.zeros(len(scene.shift_ids)), np.ones(len(scene.shift_ids))
    for e, row in enumerate(scene.edge_shift):
        people = scene.workers[row, gained[row] & scene.needs[e]].sum() * config.capture_rate
        if seats[e] > 0:
            over[row] = max(over[row], people - seats[e])
            seated[row] = min(seated[row], seats[e] / max(people, seats[e]))
    return over, seated


def proven_plan(
    scene: Scene,
    plan: Plan,
    gained: Bools,
    held: Bools,
    lost: float,
    pools: Floats,
    config: ShuttleConfig,
) -> Plan:
    """Return a plan with what the engine says of it.

    Parameters
    ----------
    gained, held
        bool[S,H] white shifts that hold after; shifts that hold after.
    lost
        Homes and shifts that no longer hold.
    pools
        float64[R,H] inhabitants who could work on each roster.
    """
    over, seated = beyond_seats(scene, plan, gained, config)
    rosters = []
    for known in plan.rosters:
        r = known.roster
        rows = np.flatnonzero(scene.roster == r)
        white = scene.needs[edges_of(scene, r)].any(axis=0)
        whole = white & held[rows].all(axis=0)
        rosters.append(
            replace(
                known,
                seated=float(seated[rows].min()),
                proven=float(scene.staff[r, whole].sum()),
                pool=float(pools[r, whole].sum()),
            )
        )
    return replace(
        plan,
        places_proven=float(scene.workers[gained].sum()),
        rosters=tuple(rosters),
        lost_proven=lost,
        over_seats=float(over.sum()),
    )
