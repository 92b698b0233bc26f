"""How far a plan's figures depend on what is not known: intervals, not points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.model import UNREACHED, Floats, Ints, Line, Run
from mobility.shuttles.plan import Plan
from mobility.shuttles.scene import Scene, whole_rosters
from mobility.shuttles.schedule import covered_homes
from mobility.shuttles.service import reached_shifts, serve

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


def _rosters_intervals(
    scene: Scene,
    plans: Sequence[Plan],
    config: ShuttleConfig,
    homes_xy: Floats,
    side_m: Floats,
    *,
    speed_ms: float,
) -> list[tuple[float, float]]:
    """Return the 95 % interval of whole rosters each plan gains, see `sensitivities`.

    Each point of a grid over the cell stands for as many workers; the share of points
    within reach is a worker's chance, and workers are independent.
    """
    chances = np.zeros((len(plans), *scene.staff.shape))
    offsets = _cell_offsets(1.0, config.cell_grid)
    used = sorted({p for plan in plans for run in plan.runs for p in run.calls})
    # Plans share lines, and runs alike have the same riders.
    rides: dict[tuple[object, ...], tuple[Line, Run, int]] = {}
    each = [
        [(_ride(rides, plan.lines[r.line], r, e), e) for r in plan.runs for e in r.edges]
        for plan in plans
    ]
    for unit in offsets:
        walk = np.full_like(scene.walk_s, UNREACHED)
        for p in used:
            walk[:, p] = _moved_walks(
                scene.walk_s[:, [p]],
                homes_xy,
                scene.xy[[p]],
                (unit * side_m[:, None])[:, None, :],
                speed_ms=speed_ms,
            )[:, 0]
        moved = replace(scene, walk_s=walk)
        covered = {key: covered_homes(moved, *ride) for key, ride in rides.items()}
        for k, mine in enumerate(each):
            served = np.zeros(scene.needs.shape, bool)
            for key, e in mine:
                served[e] |= covered[key]
            chances[k] += whole_rosters(moved, reached_shifts(moved, served))
    return [_interval(scene, chance / len(offsets)) for chance in chances]


def _ride(
    rides: dict[tuple[object, ...], tuple[Line, Run, int]], line: Line, run: Run, edge: int
) -> tuple[object, ...]:
    """Note a run for a shift end among those asked; return what whom it covers follows from."""
    stops = line.stops_in, line.stops_out, run.calls
    key = (id(line.anchor), *stops, run.arrive_s, run.depart_s, run.direction, edge)
    rides.setdefault(key, (line, run, edge))
    return key


def _interval(scene: Scene, chance: Floats) -> tuple[float, float]:
    """Return the 95 % interval of the staff who gain, by their chance of it, float64[R,H]."""
    mean = float((scene.staff * chance).sum())
    # Workers are whole people: a cell of w workers has variance w p (1 - p).
    spread = _NORMAL_95 * float(np.sqrt((scene.staff * chance * (1 - chance)).sum()))
    return max(0.0, mean - spread), mean + spread


def sensitivities(
    scene: Scene,
    plans: Sequence[Plan],
    config: ShuttleConfig,
    factors: Factors,
    homes_xy: Floats,
    side_m: Floats,
    *,
    speed_ms: float,
) -> list[Sensitivity]:
    """Return the intervals of some plans, workers living anywhere in their cell.

    Parameters
    ----------
    homes_xy
        float64[H,2] metres.
    side_m
        float64[H] side of each home's cell, 0 where the home is a point.
    """
    rosters = _rosters_intervals(scene, plans, config, homes_xy, side_m, speed_ms=speed_ms)
    return [
        _sensitivity(scene, plan, config, factors, interval)
        for plan, interval in zip(plans, rosters, strict=True)
    ]


def _sensitivity(
    scene: Scene, plan: Plan, config: ShuttleConfig, factors: Factors, rosters: tuple[float, float]
) -> Sensitivity:
    """Return the intervals of one plan.

    Parameters
    ----------
    rosters
        See `Sensitivity.rosters`.
    """
    low, high = rosters
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
