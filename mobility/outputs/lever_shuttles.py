"""Shuttles among the levers: the advised plan, and its feeders and direct lines apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from mobility.commute.access import Access, assess
from mobility.commute.study import Study
from mobility.commute.variants import with_feed
from mobility.outputs.record import earlier_plans
from mobility.remedies.gains import gains_between
from mobility.remedies.remedy import Remedy
from mobility.shuttles.after import read_tables
from mobility.shuttles.design import Plans
from mobility.shuttles.model import Line
from mobility.shuttles.outputs import read_plan_table
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.sources.gtfs.read import read_feed

ACTIONS = {
    "shuttle": "Run the shuttle plan {plan}: {lines} lines, {vehicles} vehicles",
    "earlier": "Run the shuttle plan {plan}: {lines} lines, {vehicles} vehicles (designed and "
    "costed with other inputs: run `mobility shuttles` again)",
    "feeder": "Run the feeders of the shuttle plan {plan} alone: {lines} lines, "
    "{vehicles} vehicles",
    "direct": "Run the direct lines of the shuttle plan {plan} alone: {lines} lines, "
    "{vehicles} vehicles",
}


def shuttle_remedies(found: Plans) -> list[Remedy]:
    """Return the advised plan as a remedy, and each of its two kinds of lines alone.

    Who gains is what the engine finds on the territory with the lines running.
    """
    if found.knee is None:
        return []
    access = found.access
    return [
        _remedy(access, kind, action, plan, _feed_study(access.study, found, plan))
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


def _feed_study(study: Study, found: Plans, plan: Plan) -> Study:
    return with_feed(study, read_tables(found.gtfs(plan)), scenario=plan.name)


def _remedy(access: Access, kind: str, action: str, plan: Plan, study: Study) -> Remedy:
    params = {
        "plan": plan.name,
        "lines": len(plan.lines),
        "vehicles": plan.operations.vehicles,
    }
    return _measured(access, kind, ACTIONS[action], params, plan.costs.total, study)


def _measured(
    access: Access,
    kind: str,
    action: str,
    params: dict[str, object],
    eur_year: float,
    study: Study,
) -> Remedy:
    @cache
    def after() -> Access:
        return assess(study)

    gains = gains_between(access, after())
    return Remedy(
        kind, action, params, gains.workers, gains.lost, eur_year, gains.effects, scenario=after
    )


def written_remedies(access: Access, folder: Path) -> list[Remedy]:
    """Return the advised shuttle plan of an earlier run, from its files, if there are any.

    Who gains is found anew; where that run had other inputs, the remedy says so.

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
    wanted = ["plan", "lines", "vehicles", "eur_year", "knee"]
    table = read_plan_table(path, wanted)
    earlier = earlier_plans(folder.parent, access.study)
    action = ACTIONS["shuttle" if earlier is None or earlier.same else "earlier"]
    found = []
    advised = table[table["knee"].astype(bool)]
    for name, lines, vehicles, eur_year in advised[wanted[:4]].to_numpy(object):
        feed = folder / f"{name}.zip"
        if feed.is_file():
            study = with_feed(access.study, read_feed(feed), scenario=str(name))
            params = {"plan": name, "lines": int(lines), "vehicles": int(vehicles)}
            found.append(_measured(access, "shuttle", action, params, float(eur_year), study))
    return found
