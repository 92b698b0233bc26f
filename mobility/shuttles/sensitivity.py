"""How far a plan's figures depend on what is not known: intervals, not points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import UNREACHED, Floats, Ints
from mobility.shuttles.plan import Plan
from mobility.shuttles.rosters import whole_rosters
from mobility.shuttles.scene import Scene
from mobility.shuttles.service import serve

_CIRCUITY = 1.3
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class Sensitivity:
    """Intervals of a plan.

    Attributes
    ----------
    rosters
        Workers whose whole roster holds: 95 % interval, each worker living anywhere in
        their cell.
    gained
        Employees gained, from the low capture rate on the low end of ``rosters`` to the
        high one on the high end.
    eur_per_user
        From the best to the worst of ``gained``.
    co2_saved_kg
        At the low and the high capture rate.
    left_behind
        Riders beyond the seats at the high capture rate.
    """

    plan: str
    rosters: tuple[float, float]
    gained: tuple[float, float]
    eur_per_user: tuple[float, float]
    co2_saved_kg: tuple[float, float]
    left_behind: float


def _cell_offsets(side_m: float, points: int) -> Floats:
    """Return float64[points², 2]: centres of the squares a cell is cut into, from its centre."""
    steps = (np.arange(points) + 0.5) / points - 0.5
    x, y = np.meshgrid(steps * side_m, steps * side_m)
    return np.column_stack([x.ravel(), y.ravel()])


def _moved_walks(
    walk_s: Ints, homes_xy: Floats, places_xy: Floats, offset: Floats, *, speed_ms: float
) -> Ints:
    """Return the walks of someone living ``offset`` metres from the home's point.

    The walk changes as the straight line does, times the ratio of the walk to it.
    """
    before = np.hypot(*(homes_xy[:, None] - places_xy[None]).transpose(2, 0, 1))
    after = np.hypot(*(homes_xy[:, None] + offset - places_xy[None]).transpose(2, 0, 1))
    slowness = np.where(before > 100, walk_s / np.maximum(before, 1.0), _CIRCUITY / speed_ms)
    slowness = np.clip(slowness, 1 / speed_ms, 3 / speed_ms)
    moved = np.maximum(walk_s + (after - before) * slowness, 0)
    return np.where(walk_s >= UNREACHED, UNREACHED, np.rint(moved)).astype(np.int32)


def _rosters_interval(
    scene: Scene,
    plan: Plan,
    config: ShuttleConfig,
    homes_xy: Floats,
    side_m: Floats,
    *,
    speed_ms: float,
) -> tuple[float, float]:
    """Return the 95 % interval of whole rosters gained, workers living anywhere in their cell.

    Each point of a grid over the cell stands for as many workers; the share of points
    within reach is a worker's chance, and workers are independent.

    Parameters
    ----------
    homes_xy
        float64[H,2] metres.
    side_m
        float64[H] side of each home's cell, 0 where the home is a point.
    """
    chance = np.zeros(scene.staff.shape)
    offsets = _cell_offsets(1.0, config.cell_grid)
    used = sorted({p for run in plan.runs for p in run.calls})
    for unit in offsets:
        walk = np.full_like(scene.walk_s, UNREACHED)
        for p in used:
            walk[:, p] = _moved_walks(
                scene.walk_s[:, [p]], homes_xy, scene.xy[[p]],
                (unit * side_m[:, None])[:, None, :], speed_ms=speed_ms,
            )[:, 0]  # fmt: skip
        moved = replace(scene, walk_s=walk)
        chance += whole_rosters(moved, serve(moved, plan.lines, plan.runs, config).reached)
    chance /= len(offsets)
    mean = float((scene.staff * chance).sum())
    # Workers are whole people: a cell of w workers has variance w p (1 - p).
    spread = _NORMAL_95 * float(np.sqrt((scene.staff * chance * (1 - chance)).sum()))
    return max(0.0, mean - spread), mean + spread


def sensitivity(
    scene: Scene,
    plan: Plan,
    config: ShuttleConfig,
    factors: Factors,
    homes_xy: Floats,
    side_m: Floats,
    *,
    speed_ms: float,
) -> Sensitivity:
    """Return the intervals of one plan."""
    low, high = _rosters_interval(scene, plan, config, homes_xy, side_m, speed_ms=speed_ms)
    low, high = min(low, plan.rosters_gained), max(high, plan.rosters_gained)
    seated = min((r.seated for r in plan.rosters), default=1.0)
    # A plan designed after levers may seat, alone, fewer than it was designed for.
    gained = (
        min(low * config.capture_low * seated, plan.employees_gained),
        max(high * config.capture_high, plan.employees_gained),
    )
    cost = plan.costs.total
    car = plan.service.car_km * factors["car_co2"] / factors["car_occupancy"] / 1000
    co2 = tuple(
        car * rate / config.capture_rate - plan.costs.co2_kg if config.capture_rate else 0.0
        for rate in (config.capture_low, config.capture_high)
    )
    crowd = config.model_copy(update={"capture_rate": config.capture_high})
    many = serve(scene, plan.lines, plan.runs, crowd)
    return Sensitivity(
        plan.name,
        (low, high),
        gained,
        (
            cost / gained[1] if gained[1] else float("nan"),
            cost / gained[0] if gained[0] else float("nan"),
        ),
        (co2[0], co2[1]),
        many.left_behind(plan.runs, config),
    )


def cell_sides(cells: Sequence[object] | None, default_m: float, count: int) -> Floats:
    """Return the side of the square of each home's cell, from its area; 0 for points."""
    if cells is None:
        return np.full(count, 0.0)
    areas = np.array([getattr(c, "area", 0.0) or default_m**2 for c in cells], np.float64)
    return np.sqrt(areas)
