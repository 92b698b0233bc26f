"""What moving a site's shift hours by a quarter or half an hour would save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import Day
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import UNREACHED, Anchor, Line
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.scene import Scene

MINUTE = 60


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
    scene: Scene,
    plan: Plan,
    config: ShuttleConfig,
    factors: Factors,
    days: Sequence[Day],
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
