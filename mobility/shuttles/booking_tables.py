"""Tables of booked rides: what each way to serve a plan's riders costs, and every ride of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mobility.base.clock import service_clock
from mobility.base.errors import Finding
from mobility.base.i18n import translate
from mobility.commute.study import Study
from mobility.remedies.bill import bill_frame, total
from mobility.shuttles.booked import TAXI, Booked, SimulatedDay
from mobility.shuttles.booking import Request
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.duties import DutyRules
from mobility.shuttles.model import Edge, Floats
from mobility.shuttles.plan import Plan
from mobility.shuttles.written import DIRECTIONS
from mobility.territory.rosters import season_label

SERVICES = [
    "plan", "by", "cheapest", "vehicles", "served", "proven", "boardings_year", "eur_year",
    "eur_per_boarding", "shuttle_eur_per_boarding", "driven_km", "driver_hours", "co2_kg",
    "shuttle_co2_kg", "mean_ride_min", "longest_ride_min", "mean_direct_min", "mean_wait_min",
    "refused",
]  # fmt: skip
DAYS = [
    "plan", "by", "day", "days_year", "draws", "riders_mean", "riders_most", "boardings_year",
    "left_year", "tours_mean", "blocks_most", "driven_km", "driver_hours",
]  # fmt: skip
RIDES = [
    "plan", "by", "weekday", "day", "season", "days_year", "block", "tour", "site", "shift",
    "direction", "stop", "booked_riders", "on", "off", "ride_min", "direct_min", "most_min",
    "wait_min", "refused",
]  # fmt: skip


@dataclass(frozen=True)
class Ride:
    """What one request is given; a large group may be shared out among several.

    Attributes
    ----------
    tour
        Index of the tour of its day.
    on_s, off_s
        When the riders get on and off.
    wait_s
        Waited at the gate: before the shift end is due there, or after it.
    """

    request: Request
    riders: int
    tour: int
    on_s: int
    off_s: int

    @property
    def ride_s(self) -> int:
        """Seconds aboard."""
        return self.off_s - self.on_s

    @property
    def wait_s(self) -> int:
        """Seconds waited at the gate."""
        r = self.request
        return r.late_s - self.off_s if r.inbound else self.on_s - r.early_s


def rides_of(day: SimulatedDay) -> list[Ride]:
    """Return every ride of a simulated day, in the order of its tours."""
    found = []
    for number, tour in enumerate(day.tours):
        on: dict[tuple[int, int], int] = {}
        for call in tour.calls:
            key = (call.request, call.riders)
            if call.on:
                on[key] = call.time_s
            else:
                found.append(
                    Ride(day.requests[call.request], call.riders, number, on.pop(key), call.time_s)
                )
    return found


def services_table(plans: Sequence[Plan], language: str) -> pd.DataFrame:
    """Return one row per plan that is compared and way to serve its riders by booking."""
    rows = [
        {"plan": plan.name}
        | service_row(b, cheapest=k == 0, language=language)
        | {"shuttle_eur_per_boarding": plan.eur_per_boarding, "shuttle_co2_kg": plan.costs.co2_kg}
        for plan in plans
        for k, b in enumerate(plan.booked)
    ]
    return pd.DataFrame(rows, columns=SERVICES)


def service_row(booked: Booked, *, cheapest: bool, language: str) -> dict[str, object]:
    """Return what a service takes a year, by column."""
    rides = [(r, d.day.count) for d in booked.days for r in rides_of(d)]
    weight = np.array([r.riders * count for r, count in rides])
    times = [(r.ride_s, r.request.direct_s, r.wait_s) for r, _ in rides]
    minutes = np.array(times, np.float64).reshape(len(rides), 3) / 60
    ride, direct, wait = weight @ minutes / weight.sum() if rides else (np.nan,) * 3
    return {
        "by": _by(booked, language),
        "cheapest": cheapest and not booked.why,
        "vehicles": booked.vehicles,
        "served": booked.served,
        "proven": booked.proven,
        "boardings_year": booked.boardings,
        "eur_year": total(booked.bill),
        "eur_per_boarding": booked.eur_per_boarding,
        "driven_km": booked.km,
        "driver_hours": booked.driver_hours,
        "co2_kg": booked.co2_kg,
        "mean_ride_min": ride,
        "longest_ride_min": float(minutes[:, 0].max(initial=0.0)),
        "mean_direct_min": direct,
        "mean_wait_min": wait,
        "refused": translate(booked.why, language) if booked.why else "",
    }


def days_table(plans: Sequence[Plan], factors: Factors, language: str) -> pd.DataFrame:
    """Return one row per plan that is compared, way to serve its riders and kind of day.

    Over the kinds of day, kilometres, hours and boardings add up to those of the service.
    """
    rules = DutyRules.from_factors(factors)
    rows: list[dict[str, object]] = []
    for plan in plans:
        for b in plan.booked:
            by_kind: dict[str, list[int]] = {}
            for k, one in enumerate(b.days):
                by_kind.setdefault(one.day.kinds[one.day.weekday], []).append(k)
            for kind, mine in by_kind.items():
                days = [b.days[k] for k in mine]
                count = np.array([d.day.count for d in days])
                riders = np.array([d.riders for d in days])
                tours = np.array([len(d.tours) for d in days])
                metres, paid, blocks = _driven(b, mine, rules)
                rows.append(
                    {
                        "plan": plan.name,
                        "by": _by(b, language),
                        "day": kind,
                        "days_year": count.sum(),
                        "draws": len(days),
                        "riders_mean": float(riders @ count / count.sum()),
                        "riders_most": int(riders.max()),
                        "boardings_year": float(riders @ count),
                        "left_year": sum(d.day.count * r.riders for d in days for r in d.left),
                        "tours_mean": float(tours @ count / count.sum()),
                        "blocks_most": max(blocks),
                        "driven_km": float(metres @ count / 1000),
                        "driver_hours": float(paid @ count / 3600),
                    }
                )
    return pd.DataFrame(rows, columns=DAYS)


def _driven(
    booked: Booked, days: Sequence[int], rules: DutyRules
) -> tuple[Floats, Floats, list[int]]:
    """Return the metres, the seconds paid and the vehicles of some days of a service."""
    if booked.operations is None:
        metres = [2 * sum(t.metres for t in booked.days[k].tours) for k in days]
        return np.array(metres), np.zeros(len(days)), [0] * len(days)
    blocks = [booked.operations.blocks[k] for k in days]
    duties = [booked.operations.duties[k] for k in days]
    return (
        np.array([sum(b.metres("run") + b.metres("empty") for b in one) for one in blocks]),
        np.array([sum(d.paid_s(rules) for d in one) for one in duties], np.float64),
        [len(one) for one in blocks],
    )


def bills_table(plans: Sequence[Plan], language: str) -> pd.DataFrame:
    """Return every line of what each of these services costs."""
    bills = [
        bill_frame([(plan.name, b.bill)], language, of="plan").assign(by=_by(b, language))
        for plan in plans
        for b in plan.booked
    ]
    columns = bill_frame([], language, of="plan").columns.tolist()
    columns.insert(1, "by")
    return pd.concat(bills, ignore_index=True)[columns] if bills else pd.DataFrame(columns=columns)


def rides_table(
    plan: Plan | None, study: Study, edges: Sequence[Edge], language: str
) -> pd.DataFrame:
    """Return every ride of the simulated days of the cheapest service of a plan's riders.

    Days alike stand once: riders times ``days_year`` add up to its boardings. Those who cannot
    be served follow, with why.
    """
    if plan is None or not plan.booked:
        return pd.DataFrame(columns=RIDES)
    booked = plan.booked[0]
    rows = []
    for day, blocks in _distinct(booked):
        told = {
            "plan": plan.name,
            "by": _by(booked, language),
            "weekday": day.day.weekday + 1,
            "day": day.day.kinds[day.day.weekday],
            "season": season_label(day.day.season),
            "days_year": day.day.count,
        }
        rows += [
            told
            | _asked(ride.request, ride.riders, booked, study, edges, language)
            | {
                "block": blocks.get(ride.tour, ride.tour) + 1,
                "tour": ride.tour + 1,
                "on": service_clock(ride.on_s, seconds=True),
                "off": service_clock(ride.off_s, seconds=True),
                "ride_min": ride.ride_s / 60,
                "wait_min": ride.wait_s / 60,
            }
            for ride in rides_of(day)
        ]
        rows += [told | _asked(r, r.riders, booked, study, edges, language) for r in day.left]
    return pd.DataFrame(rows, columns=RIDES)


def _by(booked: Booked, language: str) -> str:
    return translate(TAXI, language) if booked.by == TAXI else booked.by


def _asked(
    request: Request,
    riders: int,
    booked: Booked,
    study: Study,
    edges: Sequence[Edge],
    language: str,
) -> dict[str, object]:
    edge = edges[request.edge]
    return {
        "site": study.sites[edge.site].name,
        "shift": study.shift_rows[edge.shift_id].shift,
        "direction": translate(DIRECTIONS[edge.direction], language),
        "stop": booked.places[request.place].name if request.place >= 0 else "",
        "booked_riders": riders,
        "direct_min": request.direct_s / 60 if not request.why else np.nan,
        "most_min": request.limit_s / 60,
        "refused": translate(request.why, language) if request.why else "",
    }


def _distinct(booked: Booked) -> Iterator[tuple[SimulatedDay, dict[int, int]]]:
    """Yield the days of a service, those alike once, with the block of each tour."""
    found: dict[object, tuple[SimulatedDay, dict[int, int]]] = {}
    counts: dict[object, float] = {}
    for k, day in enumerate(booked.days):
        kind = day.day.kinds[day.day.weekday]
        key = (day.day.weekday, kind, day.day.season, day.requests, day.left)
        blocks = () if booked.operations is None else booked.operations.blocks[k]
        found.setdefault(key, (day, {t: b for b, one in enumerate(blocks) for t in one.trips}))
        counts[key] = counts.get(key, 0.0) + day.day.count
    for alike, (day, of) in found.items():
        yield day.counted(counts[alike]), of


def booking_findings(plan: Plan, config: ShuttleConfig) -> list[Finding]:
    """Return what is to be said where a plan's riders cannot all be served by booking."""
    found = []
    own = [b for b in plan.booked if b.operations is not None]
    if own and all(b.why for b in own):
        least = min(own, key=lambda b: b.vehicles)
        size = next(v for v in config.vehicles if v.name == least.by)
        found.append(
            Finding(
                "warning",
                "on_demand_fleet",
                "Booked rides for the riders of {plan} need {needed} vehicles of the size {size}, "
                "and {available} can be had: raise available under [[shuttles.vehicles]], or taxis "
                "drive them.",
                params={
                    "plan": plan.name,
                    "needed": least.vehicles,
                    "size": size.name,
                    "available": size.available or 0,
                },
            )
        )
    days = plan.booked[0].days if plan.booked else ()
    left = sum(day.day.count * r.riders for day in days for r in day.left)
    if left > 0:
        found.append(
            Finding(
                "info",
                "on_demand_left",
                "{boardings} boardings a year of the riders of {plan} cannot be booked: "
                "on_demand_rides.csv tells which, and why.",
                params={"boardings": round(left), "plan": plan.name},
            )
        )
    return found
