"""Shuttles among the levers, and what a recommendation changes, shown.

Of shuttles the plan told, and its feeders and direct lines apart; of a recommendation the territory
with it, and the journey of one home.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobility.base.i18n import LANGUAGES, translate
from mobility.base.machine import trim_memory
from mobility.commute.access import SERVED, Access, assess
from mobility.commute.additions import with_feed
from mobility.commute.any_hour import Hours
from mobility.commute.examples import LegText, answers
from mobility.commute.ledger import capture_band
from mobility.commute.study import Progress, Study, quiet
from mobility.commute.white_zones import WhiteZones, white_zones
from mobility.outputs.record import earlier_plans
from mobility.outputs.tables import Block, Heading, Text
from mobility.outputs.words import Words
from mobility.remedies.bill import Bill, CostLine, total
from mobility.remedies.gains import gains_between
from mobility.remedies.remedy import TAKEN_UP, Remedy
from mobility.remedies.search import Workbench
from mobility.remedies.shift_hours import with_hours
from mobility.shuttles.after import read_tables
from mobility.shuttles.config import Factors
from mobility.shuttles.model import Line
from mobility.shuttles.places import areas_of
from mobility.shuttles.plan import Plan, evaluate_plan
from mobility.shuttles.plans import Plans
from mobility.shuttles.written import read_plan_table
from mobility.sources.gtfs.read import Feed, read_feed
from mobility.timetable.arrays import INF

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


Journeys = tuple[tuple[LegText, ...], tuple[LegText, ...]]


@dataclass(frozen=True)
class _Example:
    """The journeys of one home that gains a shift, before and after.

    Attributes
    ----------
    home
        Its place, and its identifier.
    before, after
        Outbound and return; empty where there is none.
    street_s
        Seconds there and back by a mode on streets, where that is what serves the home.
    """

    home: str
    shift_id: int
    day_kind: str
    before: Journeys
    after: Journeys
    street_s: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Illustration:
    """A recommendation, the territory with it, and an example where one may be shown.

    Attributes
    ----------
    access, zones
        Of a study without its timetables, see `WhiteZones.told`.
    """

    remedy: Remedy
    access: Access
    zones: WhiteZones
    example: _Example | None


def illustrate(
    bench: Workbench, zones: WhiteZones, remedies: Sequence[Remedy], *, progress: Progress = quiet
) -> list[Illustration]:
    """Return the territory with each remedy, by a full run, and an example of who gains.

    Parameters
    ----------
    zones
        White zones of the present.
    """
    progress("maps")
    found = []
    for remedy in remedies:
        if remedy.rescued:
            after = _rescued(zones, remedy)
            found.append(Illustration(remedy, zones.access, after, _cycled(zones, remedy)))
            continue
        run = _run_with(bench, remedy)
        if run is not None:
            access, hours = run
            example = _example_between(zones.access, access)
            after = white_zones(access, known=hours).told()
            found.append(Illustration(remedy, after.access, after, example))
            # The territory with one remedy is large; only what is told of it is kept.
            del run, access, hours
            trim_memory()
    return found


def _run_with(bench: Workbench, remedy: Remedy) -> tuple[Access, Hours] | None:
    """Return the assessment with a remedy and its best hours, none where no run shows it."""
    if remedy.levers:
        return bench.full_runs.access(remedy.levers)
    if remedy.hours is not None:
        return bench.full_runs.access((), with_hours(bench.study, *remedy.hours))
    return None if remedy.scenario is None else (remedy.scenario(), Hours())


def _rescued(zones: WhiteZones, remedy: Remedy) -> WhiteZones:
    """Return the white zones without the homes that a remedy on streets takes to a site."""
    status, reason = zones.status.copy(), zones.reason.copy()
    rows = zones.access.study.shift_rows
    for one in remedy.rescued:
        for z, shift_id in enumerate(zones.keys["shift_id"]):
            if rows[int(shift_id)].site == one.site:
                status[z, one.homes] = SERVED
                reason[z, one.homes] = 0
    return replace(zones, status=status, reason=reason)


def _example_between(before: Access, after: Access) -> _Example | None:
    """Return the journeys of the home of most workers that gains a shift by public transport."""
    study = before.study
    best: tuple[float, int, str, int] | None = None
    for (shift_id, kind), gained in gains_between(before, after).keys.items():
        row = after.row(shift_id, kind, "transit")
        if row is None:
            continue
        homes = np.flatnonzero(gained & after.holds[row])
        if homes.size:
            shift = study.shift_rows[shift_id]
            pool = study.pool(shift.site, shift.roster)[homes]
            most = int(pool.argmax())
            if best is None or pool[most] > best[0]:
                best = (float(pool[most]), shift_id, kind, int(homes[most]))
    if best is None:
        return None
    _, shift_id, kind, home = best
    return _Example(
        _told(study, home),
        shift_id,
        kind,
        _texts(study, shift_id, kind, home),
        _texts(after.study, shift_id, kind, home),
    )


def _told(study: Study, home: int) -> str:
    """Return where a home is, in words, and its identifier; a number is no name of a place."""
    row = study.homes.frame.iloc[home]
    own = "" if pd.isna(row["name"]) else str(row["name"])
    if not own or any(map(str.isdigit, own)):
        own = areas_of(study, np.array([home]), np.zeros((1, 2)))[0]
    return f"{own} ({row['home_id']})"


def _texts(study: Study, shift_id: int, kind: str, home: int) -> Journeys:
    out, back = answers(study, shift_id, kind)
    return out.texts(home), back.texts(home)


def _cycled(zones: WhiteZones, remedy: Remedy) -> _Example | None:
    """Return the ride, by bicycle or car, of the home of most workers that a remedy serves.

    A booked ride has no hour before it is booked, and is neither.
    """
    if remedy.kind not in TAKEN_UP:
        return None
    study = zones.access.study
    mode = "car" if remedy.kind == "carpool" else "bike"
    mode = "e_bike" if mode == "bike" and "e_bike" in study.street_times else mode
    if mode not in study.street_times:
        return None
    one = remedy.rescued[0]
    pool = np.where(one.homes, study.pool(one.site), 0.0)
    best: tuple[float, int, str, int] | None = None
    for z, (shift_id, kind) in enumerate(zones.keys.itertuples(index=False)):
        if study.shift_rows[int(shift_id)].site == one.site:
            people = np.where(zones.status[z] != SERVED, pool, 0.0)
            home = int(people.argmax())
            if people[home] > 0 and (best is None or people[home] > best[0]):
                best = (float(people[home]), int(shift_id), str(kind), home)
    if best is None:
        return None
    _, shift_id, kind, home = best
    there, back = (int(way[one.site, home]) for way in study.street_times[mode])
    if INF in (there, back):
        return None
    return _Example(
        _told(study, home),
        shift_id,
        kind,
        _texts(study, shift_id, kind, home),
        ((), ()),
        (there, back),
    )


def example_blocks(study: Study, found: Illustration, words: Words) -> tuple[Block, ...]:
    """Return the example of a recommendation in words, nothing where it has none."""
    example, language = found.example, words.language
    if example is None:
        return ()
    shift = study.shift_rows[example.shift_id]
    lines = [
        translate(
            "From {home} to {site}, shift {shift}, {day}:",
            language,
            home=example.home,
            site=shift.site_name,
            shift=words.shift(shift.shift),
            day=words.day(example.day_kind),
        )
    ]
    moments = [("before", example.before)]
    if example.street_s is None:
        moments.append(("after", example.after))
    for moment, (out, back) in moments:
        for way, legs in (("Outbound", out), ("Return", back)):
            head = f"{translate(way, language)}, {translate(moment, language)}"
            lines.append(head + translate(": ", language) + _journey(legs, language))
    if example.street_s is not None:
        there, back_s = (round(s / 60) for s in example.street_s)
        text = (
            "After: {there} min there and {back} min back by car, shared."
            if found.remedy.kind == "carpool"
            else "After: {there} min there and {back} min back by bicycle."
        )
        lines.append(translate(text, language, there=there, back=back_s))
    return (Heading(found.remedy.head(language), 2), *map(Text, lines))


def _journey(legs: Sequence[LegText], language: str) -> str:
    if not legs:
        return translate("no journey within the limits", language)
    parts = []
    for leg in legs:
        if leg.kind == "wait" and leg.depart == leg.arrive:
            continue
        riding = leg.kind == "ride" and leg.line
        what = f"{translate('line', language)} {leg.line}" if riding else leg.kind
        what = what if riding else translate(what, language)
        parts.append(f"{leg.clocks(language)} {what}")
    return ", ".join(parts)
