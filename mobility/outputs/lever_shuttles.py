"""Shuttles among the levers: the advised plan, and its feeders and direct lines apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from mobility.commute.access import Access, assess
from mobility.commute.study import Study
from mobility.commute.variants import with_feed
from mobility.outputs.record import earlier_plans
from mobility.remedies.gains import gains_between
from mobility.remedies.remedy import Remedy
from mobility.shuttles.after import read_tables
from mobility.shuttles.design import Plans
from mobility.shuttles.model import Line
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.written import read_plan_table
from mobility.sources.gtfs.read import Feed, read_feed

ACTIONS = {
    "shuttle": "Run the shuttle plan {plan}: {lines} lines, {vehicles} vehicles",
    "earlier": "Run the shuttle plan {plan}: {lines} lines, {vehicles} vehicles (designed and "
    "costed with other inputs: run `mobility shuttles` again)",
    "feeder": "Run the feeders of the shuttle plan {plan} alone: {lines} lines, "
    "{vehicles} vehicles",
    "direct": "Run the direct lines of the shuttle plan {plan} alone: {lines} lines, "
    "{vehicles} vehicles",
}


def shuttle_remedies(found: Plans, present: Access | None = None) -> list[Remedy]:
    """Return the plan told as a remedy, and each of its two kinds of lines alone.

    Who gains is what the engine finds on the territory with the lines running.

    Parameters
    ----------
    present
        The territory as it is, where the plans were designed on another.
    """
    if found.knee is None:
        return []
    access = found.access if present is None else present
    return [
        _remedy(access, found, kind, action, plan)
        for kind, action, plan in _parts(found, found.knee)
    ]


def _parts(found: Plans, plan: Plan) -> Iterator[tuple[str, str, Plan]]:
    """Yield kind, wording and lines: the whole plan, then its feeders and its direct lines."""
    hubs = [line for line in plan.lines if line.anchor.is_hub]
    direct = [line for line in plan.lines if not line.anchor.is_hub]
    if not direct:
        yield "feeder", "shuttle", plan
        return
    yield "shuttle", "shuttle", plan
    if hubs:
        yield "feeder", "feeder", _alone(found, plan, hubs)
        yield "shuttle", "direct", _alone(found, plan, direct)


def _alone(found: Plans, plan: Plan, lines: Sequence[Line]) -> Plan:
    part = evaluate_plan(found.scene, lines, found.config, found.factors, found.days)
    return replace(part, name=plan.name)


def _remedy(access: Access, found: Plans, kind: str, action: str, plan: Plan) -> Remedy:
    low, high = found.cost_band(plan)
    figures = {
        "plan": plan.name,
        "lines": len(plan.lines),
        "vehicles": plan.operations.vehicles,
        "eur_year": plan.costs.total,
        "employees_gained": plan.employees_gained,
        "co2_saved_kg": plan.co2_saved_kg(found.factors),
        "refused": found.refused if plan is found.knee else plan.refused(found.factors),
        "eur_low": low,
        "eur_high": high,
    }
    return _measured(access, kind, ACTIONS[action], figures, read_tables(found.gtfs(plan)))


def _measured(
    access: Access, kind: str, action: str, figures: Mapping[Any, Any], feed: Feed
) -> Remedy:
    """Return a plan as a remedy, who gains found by the engine with its feed running."""
    name = str(figures["plan"])

    def with_lines(study: Study) -> Study:
        return with_feed(study, feed, scenario=name)

    @cache
    def after() -> Access:
        return assess(with_lines(access.study))

    gains = gains_between(access, after())
    params: dict[str, object] = {"plan": name}
    params |= {key: int(figures[key]) for key in ("lines", "vehicles")}
    return Remedy(
        kind, action, params, gains.workers, gains.lost, float(figures["eur_year"]), gains.effects,
        scenario=after, feed=with_lines, jobs=gains.rosters.jobs,
        jobs_lost=gains.rosters_lost.jobs, users=float(figures["employees_gained"]),
        inhabitants=gains.rosters.inhabitants - gains.rosters_lost.inhabitants,
        eur_band=(float(figures["eur_low"]), float(figures["eur_high"])),
        co2_saved_kg=float(figures["co2_saved_kg"]), refused=_text(figures["refused"]),
    )  # fmt: skip


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def written_remedies(access: Access, folder: Path) -> list[Remedy]:
    """Return the shuttle plan told by an earlier run, from its files, if there are any.

    Who gains is found anew; where that run had other inputs, its euros are not ranked: the
    remedy says so and is refused.

    Parameters
    ----------
    folder
        ``shuttles/`` of the outputs: ``plans.csv`` and the feed of each plan.

    Raises
    ------
    SourceError
        ``plans.csv`` lacks a column.
    """
    path = folder / "plans.csv"
    if not path.is_file():
        return []
    wanted = [
        "lines", "vehicles", "eur_year", "eur_low", "eur_high",
        "employees_gained", "co2_saved_kg", "refused", "knee",
    ]  # fmt: skip
    table = read_plan_table(path, wanted)
    earlier = earlier_plans(folder.parent, access.study)
    same = earlier is None or earlier.same
    found = []
    for row in table[table["knee"].astype(bool)].to_dict("records"):
        feed = folder / f"{row['plan']}.zip"
        if not feed.is_file():
            continue
        figures = row if same else row | {"refused": "designed and costed with other inputs"}
        action = ACTIONS["shuttle" if same else "earlier"]
        found.append(_measured(access, "shuttle", action, figures, read_feed(feed)))
    return found
