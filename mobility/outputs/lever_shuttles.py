"""Shuttles among the levers: the plan told, and its feeders and direct lines apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mobility.base.i18n import LANGUAGES, translate
from mobility.base.machine import trim_memory
from mobility.commute.access import Access, assess
from mobility.commute.additions import with_feed
from mobility.commute.ledger import capture_band
from mobility.commute.study import Study
from mobility.outputs.record import earlier_plans
from mobility.remedies.bill import Bill, CostLine, total
from mobility.remedies.gains import gains_between
from mobility.remedies.remedy import Remedy
from mobility.shuttles.after import read_tables
from mobility.shuttles.config import Factors
from mobility.shuttles.model import Line
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.plans import Plans
from mobility.shuttles.written import read_plan_table
from mobility.sources.gtfs.read import Feed, read_feed

_ACTIONS = {
    "shuttle": "Run the shuttle plan {plan} (lines: {lines}, vehicles: {vehicles})",
    "earlier": "Run the shuttle plan {plan} (lines: {lines}, vehicles: {vehicles}; designed and "
    "costed with other inputs: run `mobility shuttles` again)",
    "feeder": "Run the feeders of the shuttle plan {plan} alone (lines: {lines}, vehicles: "
    "{vehicles})",
    "direct": "Run the direct lines of the shuttle plan {plan} alone (lines: {lines}, vehicles: "
    "{vehicles})",
}


#: What a plan pays for and counts it in, and the columns that tell it.
_PLAN_TEXTS = (
    "vehicles", "kilometres", "drivers", "new stops", "structure costs", "km", "hours paid",
    "stops", "EUR",
)  # fmt: skip
_COSTS = ("item", "quantity", "unit", "price", "eur_low", "eur_high", "factors")


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
        for kind, action, lines in (("feeder", "feeder", hubs), ("shuttle", "direct", direct)):
            part = _alone(found, plan, lines)
            if part.lines:  # without the others nobody may ride them
                yield kind, action, part


def _alone(found: Plans, plan: Plan, lines: Sequence[Line]) -> Plan:
    part = evaluate_plan(found.scene, lines, found.config, found.factors, found.days)
    return found.compared(replace(part, name=plan.name))


def _remedy(access: Access, found: Plans, kind: str, action: str, plan: Plan) -> Remedy:
    figures = {
        "plan": plan.name,
        "lines": len(plan.lines),
        "vehicles": plan.operations.vehicles,
        "employees_gained": plan.employees_gained,
        "co2_saved_kg": plan.co2_saved_kg(found.factors),
        "refused": found.refused if plan is found.knee else plan.refused,
    }
    feed = read_tables(found.gtfs(plan))
    return _measured(access, kind, _ACTIONS[action], figures, found.bill(plan), feed)


def _measured(
    access: Access, kind: str, action: str, figures: Mapping[Any, Any], bill: Bill, feed: Feed
) -> Remedy:
    """Return a plan as a remedy, who gains found by the engine with its feed running."""
    name = str(figures["plan"])

    def with_lines(study: Study) -> Study:
        return with_feed(study, feed, scenario=name)

    running = assess(with_lines(access.study))
    gains = gains_between(access, running)
    # The answers are little, the timetable with the lines is much, and built again when needed.
    running.study.views.forget()
    answers = replace(running, study=access.study)
    del running
    trim_memory()

    def after() -> Access:
        return replace(answers, study=with_lines(access.study))

    params: dict[str, object] = {"plan": name}
    params |= {key: int(figures[key]) for key in ("lines", "vehicles")}
    return Remedy(
        kind, action, params, gains.workers, gains.lost, total(bill), gains.effects,
        scenario=after, feed=with_lines, jobs=gains.rosters.jobs, rosters=gains.gaining,
        jobs_lost=gains.rosters_lost.jobs, users=float(figures["employees_gained"]),
        uptake=capture_band(access.study), bill=bill,
        inhabitants=gains.rosters.inhabitants - gains.rosters_lost.inhabitants,
        co2_saved_kg=float(figures["co2_saved_kg"]), refused=_text(figures["refused"]),
    )  # fmt: skip


def _written_bill(study: Study, costs: pd.DataFrame) -> Bill:
    """Return the lines of a written table of costs; what a text says is told by its factor."""
    rows = Factors.load(study.territory.factors, file=study.territory.path).rows
    known = {translate(text, lang): text for text in _PLAN_TEXTS for lang in LANGUAGES}

    def said(text: str) -> str:
        head, colon, tail = text.partition(": ")
        return known.get(head, head) + colon + tail

    found = []
    for row in costs.to_dict("records"):
        name = _text(row["factors"])
        low, high = (row[f"eur_{end}"] / row["quantity"] for end in ("low", "high"))
        line = CostLine(
            said(row["item"]), row["quantity"], said(row["unit"]), row["price"], low, high, name
        )
        own = rows.get(name)
        if own is not None:
            line = replace(line, year=str(own.year), source=own.source, check=own.check)
        found.append(line)
    return tuple(found)


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
        ``plans.csv`` or ``costs.csv`` lacks a column.
    """
    path = folder / "plans.csv"
    if not path.is_file():
        return []
    wanted = [
        "lines", "vehicles", "eur_year", "employees_gained", "co2_saved_kg", "refused", "knee",
    ]  # fmt: skip
    table = read_plan_table(path, wanted)
    costs = read_plan_table(folder / "costs.csv", _COSTS)
    earlier = earlier_plans(folder.parent, access.study)
    same = earlier is None or earlier.same
    found = []
    for row in table[table["knee"].astype(bool)].to_dict("records"):
        feed = folder / f"{row['plan']}.zip"
        if not feed.is_file():
            continue
        figures = row if same else row | {"refused": "designed and costed with other inputs"}
        action = _ACTIONS["shuttle" if same else "earlier"]
        bill = _written_bill(access.study, costs[costs["plan"] == row["plan"]])
        found.append(_measured(access, "shuttle", action, figures, bill, read_feed(feed)))
    return found
