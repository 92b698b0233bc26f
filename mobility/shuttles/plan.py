"""A plan: lines, runs, vehicles, drivers, cost and effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import Costs, Operations
from mobility.shuttles.model import Bools, Day, Floats, Line, Run
from mobility.shuttles.scene import RosterGain, Scene, edges_of, whole_rosters
from mobility.shuttles.schedule import build_runs
from mobility.shuttles.service import Service, equip, serve

if TYPE_CHECKING:
    from mobility.shuttles.booked import Booked


@dataclass(frozen=True)
class Plan:
    """A set of lines that can be put out to tender.

    Attributes
    ----------
    name
        Short name, e.g. ``"P03"``.
    lines, runs
        What runs; `Run.line` indexes ``lines``.
    operations, costs, service
        Vehicles and drivers, EUR a year, who is served.
    capture_rate
        Share of the workers reached who ride.
    places_reached
        Shift-places: workers present on the shifts whose commute holds thanks to the plan,
        by its own model. A place of a 3x8 gives its worker no job while another shift fails.
    rosters
        Who gains a whole roster, roster by roster.
    places_proven
        As ``places_reached``, by the engine on the plan's GTFS; None before the
        re-evaluation.
    lost_proven
        Homes and shifts that held before and no longer do, by the engine; always 0.
    over_seats
        Captured workers without a seat, left out of every count: only where no larger
        vehicle can be had, or the planner chose the size.
    bound
        No set of the generated lines at this estimated cost or with these vehicles gives
        more workers their whole roster.
    eur_estimate
        EUR a year as the choice of runs saw them, before the plan was chained and staffed.
    inhabitants
        Inhabitants who could hold no roster and now hold one, each once, by the engine.
    jobs, roster_places
        Jobs and inhabitants who gain each roster, in the order of `access.roster_shifts`, with the
        plan alone on the territory as it is, by the engine; None before.
    booked
        Its riders served by booking instead, the best way first; empty where not simulated.
    """

    name: str
    lines: tuple[Line, ...]
    runs: tuple[Run, ...]
    operations: Operations
    costs: Costs
    service: Service
    capture_rate: float
    places_reached: float
    rosters: tuple[RosterGain, ...]
    bound: float = float("nan")
    eur_estimate: float = float("nan")
    places_proven: float | None = None
    lost_proven: float | None = None
    over_seats: float = 0.0
    inhabitants: float | None = None
    jobs: tuple[float, ...] | None = None
    roster_places: tuple[float, ...] | None = None
    booked: tuple[Booked, ...] = ()

    @property
    def rosters_estimate(self) -> float:
        """Workers of the headcounts whose whole roster holds, by the plan's own model."""
        return sum(r.estimate for r in self.rosters)

    @property
    def rosters_gained(self) -> float:
        """Jobs gained of those that it was designed for, proven when known."""
        return sum(r.gained for r in self.rosters)

    @property
    def jobs_gained(self) -> float:
        """Jobs gained: holders whose whole roster holds, on the territory as it is when known."""
        return self.rosters_gained if self.jobs is None else sum(self.jobs)

    @property
    def employees_gained(self) -> float:
        """Users: those of `rosters_gained` who would ride and find a seat on every shift."""
        return sum(r.riding for r in self.rosters) * self.capture_rate

    @property
    def pool_places(self) -> float | None:
        """Roster-places of inhabitants newly able to hold a roster; None before proof."""
        if self.roster_places is not None:
            return sum(self.roster_places)
        known = [r.pool for r in self.rosters if r.pool is not None]
        return sum(known) if len(known) == len(self.rosters) else None

    @property
    def places(self) -> float:
        """Shift-places: proven by the engine when known, else the plan's own estimate."""
        return self.places_reached if self.places_proven is None else self.places_proven

    @property
    def places_gained(self) -> float:
        """Shift-places whose workers would ride, those beyond the seats left out."""
        return max(self.places * self.capture_rate - self.over_seats, 0.0)

    @property
    def boardings(self) -> float:
        """Boardings a year."""
        return float(self.service.boardings_edge.sum())

    @property
    def gap(self) -> float:
        """Relative distance of `rosters_estimate` to ``bound``; NaN without bound."""
        return 1 - self.rosters_estimate / self.bound if self.bound > 0 else float("nan")

    @property
    def eur_per_boarding(self) -> float:
        """EUR per boarding."""
        return self.costs.total / self.boardings if self.boardings else float("nan")

    @property
    def eur_per_job(self) -> float:
        """EUR a year per job gained."""
        gained = self.jobs_gained
        return self.costs.total / gained if gained else float("nan")

    @property
    def eur_per_user(self) -> float:
        """EUR a year per user: a rider whose whole roster holds."""
        gained = self.employees_gained
        return self.costs.total / gained if gained else float("nan")

    @property
    def eur_per_place(self) -> float:
        """EUR a year per shift-place gained: what lighter remedies are compared with."""
        return self.costs.total / self.places_gained if self.places_gained else float("nan")

    @property
    def refused(self) -> str:
        """Why it is not advised, an English text; empty where nothing speaks against it.

        A plan is beaten where its riders, served by booking, cost less a boarding; one that gains
        no job serves nobody.
        """
        if not self.jobs_gained > 0:
            return "no whole roster is gained"
        if any(b.serves_all and b.eur_per_boarding <= self.eur_per_boarding for b in self.booked):
            return "on-demand trips for the same riders cost less"
        return ""

    @property
    def slack_s(self) -> int:
        """The most by which a run leaves sooner to be in time at the p95 of its driving time."""
        return max((run.slack_s for run in self.runs), default=0)

    def slack_eur(self, factors: Factors) -> float:
        """Return the EUR a year of the drivers' hours that this slack takes, part of the cost."""
        hours = sum(
            run.slack_s / 3600 * day.count
            for run in self.runs
            for day in self.operations.days
            if day.has(run)
        )
        return hours * factors["driver_hour"] * (1 + factors["overhead"])

    def co2_saved_kg(self, factors: Factors) -> float:
        """Return the kilograms of CO2e a year: solo cars avoided less the shuttles' own."""
        car = self.service.car_km * factors["car_co2"] / factors["car_occupancy"] / 1000
        return car - self.costs.co2_kg


def run_loads(run: Run) -> Floats:
    """Return the riders on board after each call of a run; inbound, the last is what arrives."""
    riders = np.array(run.riders, np.float64)
    if run.direction == "in":
        return np.cumsum(riders)
    # Seen from the last stop, riders add up as they do inbound.
    return np.append(np.cumsum(riders[::-1])[::-1][1:], 0.0)


def stop_riders(plan: Plan) -> dict[tuple[int, int], float]:
    """Return the riders of each stop (line, place): on and off on the busiest kind of day.

    Gates and hubs are left out: all riders of a run get off or on there.
    """
    days: dict[str, dict[tuple[int, int], float]] = {}
    for run in plan.runs:
        ends = plan.lines[run.line].anchor.places
        stops = [(p, n) for p, n in zip(run.calls, run.riders, strict=True) if p not in ends]
        for kind in run.day_kinds:
            told = days.setdefault(kind, {})
            for place, n in stops:
                told[run.line, place] = told.get((run.line, place), 0.0) + n
    return {
        key: max(told.get(key, 0.0) for told in days.values())
        for key in sorted({key for told in days.values() for key in told})
    }


def evaluate_plan(
    scene: Scene,
    lines: Sequence[Line],
    config: ShuttleConfig,
    factors: Factors,
    days: Sequence[Day],
    *,
    name: str = "",
    bound: float = float("nan"),
    eur_estimate: float = float("nan"),
) -> Plan:
    """Time, chain, staff and cost a set of lines, and find who they serve.

    Each line gets the smallest vehicle that seats its fullest run.

    Runs with fewer captured riders than ``config.min_workers`` are dropped, with the stops
    nobody uses on any run of their line.
    """
    lines, runs, service = _trimmed(scene, tuple(lines), config)
    outfit = equip(scene, lines, runs, service, config, factors, days)
    rosters = tuple(
        replace(r, seated=float(outfit.seated[scene.roster == r.roster].min()))
        for r in roster_gains(scene, service.reached)
    )
    return Plan(
        name, outfit.lines, outfit.runs, outfit.operations, outfit.costs, outfit.service,
        config.capture_rate, float(scene.workers[service.reached].sum()), rosters,
        bound if math.isnan(bound) else max(bound, sum(r.estimate for r in rosters)),
        eur_estimate, over_seats=float(outfit.over.sum()),
    )  # fmt: skip


def roster_gains(scene: Scene, reached: Bools) -> tuple[RosterGain, ...]:
    """Return who gains each roster: the worst-of rule over its shifts.

    Parameters
    ----------
    reached
        bool[S,H] white shifts that hold thanks to a plan.
    """
    whole = whole_rosters(scene, reached)
    return tuple(RosterGain(r, float(staff[whole[r]].sum())) for r, staff in enumerate(scene.staff))


def _trimmed(
    scene: Scene, lines: tuple[Line, ...], config: ShuttleConfig
) -> tuple[tuple[Line, ...], tuple[Run, ...], Service]:
    """Drop runs with too few riders and stops nobody uses until nothing changes."""
    while True:
        runs = tuple(r for k, line in enumerate(lines) for r in build_runs(scene, line, k))
        service = serve(scene, lines, runs, config)
        thin = {
            (run.line, e)
            for run, n in zip(runs, service.riders, strict=True)
            if n.sum() < max(config.min_workers, 1e-9)
            for e in run.edges
        }
        kept = []
        for k, line in enumerate(lines):
            used = _used_calls(k, runs, service)
            left = replace(
                line,
                edges=tuple(e for e in line.edges if (k, e) not in thin),
                stops_in=tuple(s for s in line.stops_in if s in used),
                stops_out=tuple(s for s in line.stops_out if s in used),
            )
            if left.edges and (left.stops_in or left.stops_out):
                kept.append(left)
        if tuple(kept) == lines:
            return lines, runs, service
        lines = tuple(kept)


def _used_calls(line: int, runs: Sequence[Run], service: Service) -> set[int]:
    return {
        place
        for run, n in zip(runs, service.riders, strict=True)
        if run.line == line
        for place, people in zip(run.calls, n, strict=True)
        if people > 0
    }


def plan_table(plans: Sequence[Plan], factors: Factors) -> pd.DataFrame:
    """Return one row per plan with its figures."""
    return pd.DataFrame(
        [
            {
                "plan": p.name,
                "lines": len(p.lines),
                "vehicles": p.operations.vehicles,
                "drivers_fte": p.costs.drivers_fte,
                "eur_year": p.costs.total,
                "eur_estimate": p.eur_estimate,
                "jobs_gained": p.jobs_gained,
                "jobs_estimate": p.rosters_estimate,
                "employees_gained": p.employees_gained,
                "inhabitants_gained": p.inhabitants,
                "roster_places_gained": p.pool_places,
                "shift_places_proven": p.places_proven,
                "shift_places_estimate": p.places_reached,
                "shift_places_gained": p.places_gained,
                "over_seats": p.over_seats,
                "boardings_year": p.boardings,
                "eur_per_boarding": p.eur_per_boarding,
                "eur_per_job": p.eur_per_job,
                "eur_per_user": p.eur_per_user,
                "run_km": p.costs.run_km,
                "empty_km": p.costs.empty_km,
                "car_km": p.service.car_km,
                "shuttle_co2_kg": p.costs.co2_kg,
                "co2_saved_kg": p.co2_saved_kg(factors),
                "mean_ride_min": p.service.ride_s[0] / 60,
                "longest_ride_min": p.service.ride_s[1] / 60,
                "slack_min": p.slack_s / 60,
                "slack_eur_year": p.slack_eur(factors),
                "gap": p.gap,
            }
            for p in plans
        ]
    )


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
