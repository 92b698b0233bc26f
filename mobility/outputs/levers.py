"""The outputs of a search of levers: tables, recommendations, examples, before/after map."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mobility.base.clock import DAY_S, format_clock
from mobility.base.files import staging, write_gpkg, write_text
from mobility.base.i18n import LANGUAGES, translate
from mobility.base.machine import give_back_memory, trim_memory
from mobility.commute.access import Access, assess
from mobility.commute.indicators import by_group, whole_persons
from mobility.commute.modes import riding
from mobility.commute.study import Progress, Study, quiet
from mobility.commute.white_zones import WhiteZones, white_zones
from mobility.outputs.advice import Advice, advice_blocks, write_advice
from mobility.outputs.lever_shuttles import (
    Illustration,
    example_blocks,
    illustrate,
    shuttle_remedies,
    written_remedies,
)
from mobility.outputs.map.model import MapLever
from mobility.outputs.plan_tables import employer_steps
from mobility.outputs.record import MAP, OWN_PLANS
from mobility.outputs.render import write_document, write_index
from mobility.outputs.tables import Bullets, Document, Heading, write_csv
from mobility.outputs.words import Words
from mobility.remedies.candidates import SearchOptions
from mobility.remedies.factors import factors_of
from mobility.remedies.fixes import Fixes, fixes_of
from mobility.remedies.recommendations import objections, recommend
from mobility.remedies.remedy import Remedy, whole_plans
from mobility.remedies.search import Retiming, search
from mobility.remedies.shift_hours import ShiftHours, shift_hours
from mobility.remedies.street_remedies import tracks_layer
from mobility.remedies.words import levers_frame
from mobility.shuttles.booked_remedy import BookedSite, booked_remedies, booked_sites, sites_table
from mobility.shuttles.combined import Combined, access_left, combined_frontier
from mobility.shuttles.lighter import with_lighter
from mobility.shuttles.plans import Plans
from mobility.streets.hour_times import forget_hours
from mobility.territory.project import source_files

#: Recommendations shown with their journeys and put on the map, at most.
_ILLUSTRATED = 20
_COUNTS = [
    "workers_gained", "workers_lost", "commutes_gained", "commutes_lost", "rosters_gained",
    "rosters_lost", "directions_lost",
]  # fmt: skip
#: End of the names of the shuttles designed for what the levers leave white.
_OWN = "L"
#: Levers of the timetable that a scenario knows, and how it calls them.
_HOW = {"move_trip": "move", "move_line": "move", "add_run": "add"}


@dataclass(frozen=True, eq=False)
class LeverResults:
    """What `mobility levers` finds, what is advised of it, and what it shows.

    Attributes
    ----------
    present
        The territory as it is, without the stops that levers need: what an earlier command kept
        of it is found again.
    remedies
        Every recommendation, the cheapest per job gained first.
    zones
        White zones at present.
    booked
        What booked rides to each site take.
    plans, answers
        The shuttles designed with it, and what lighter answers they were set against, if any.
    illustrations
        Recommendations with their territory and the journey of one home.
    """

    present: Access
    found: Retiming
    hours: ShiftHours
    remedies: tuple[Remedy, ...]
    advice: Advice
    zones: WhiteZones
    booked: tuple[BookedSite, ...]
    plans: Plans | None = None
    answers: pd.DataFrame | None = None
    illustrations: tuple[Illustration, ...] = ()

    @property
    def study(self) -> Study:
        """The study, with the stops that levers need."""
        return self.found.bench.study

    def table(self, language: str) -> pd.DataFrame:
        """Return the ranked remedies."""
        return self.advice.frames(factors_of(self.study), language)["remedies"]


def find_levers(
    access: Access, *, folder: Path | None = None, limit: int = 20, shuttles: bool = False,
    illustrated: int = _ILLUSTRATED, progress: Progress = quiet,
) -> LeverResults:  # fmt: skip
    """Search the levers of an assessed territory.

    Parameters
    ----------
    folder
        The outputs, where shuttles of an earlier run may stand; the territory's by default.
    limit
        Levers of the timetable listed at most.
    shuttles
        Design shuttles too, and rank them among the levers; without it, the plan that an
        earlier `mobility shuttles` wrote into the outputs is ranked, if any.
    illustrated
        Recommendations whose territory and journeys are computed, at most.

    Raises
    ------
    MobilityError
        A source or the territory is wrong.
    """
    territory = access.study.territory
    folder = territory.resolve(territory.output.dir) if folder is None else folder
    made = searched(access, folder, design=shuttles, limit=limit, progress=progress)
    _lighten(made)  # nothing more is tried
    # Those advised, whatever their rank, before the others.
    first = sorted(range(len(made.remedies)), key=lambda k: bool(made.advice.against[k]))
    wanted = [made.remedies[k] for k in sorted(first[:illustrated])]
    shown = illustrate(made.found.bench, made.zones, wanted, progress=progress)
    _lighten(made)
    return replace(made, illustrations=tuple(shown))


def _lighten(made: LeverResults) -> None:
    """Free what is made again when next asked for."""
    made.found.bench.lighten()
    for study in (made.study, made.present.study):
        study.views.lighten()
        forget_hours(study.streets)
    give_back_memory()


def searched(
    access: Access, folder: Path, *, design: bool = False, limit: int = 20,
    options: SearchOptions | None = None, progress: Progress = quiet,
) -> LeverResults:  # fmt: skip
    """Search every remedy, rank them, and return what is advised, nothing shown yet.

    Shuttles are designed for what the timetable's cheaper changes leave white, or are those that
    stand in the outputs.
    """
    asked = riding(access.study.territory, has_timetable=access.study.has_timetable)
    if asked is not access.study.territory:  # a line may be the first one
        access = assess(replace(access.study, territory=asked), on_streets=access)
    factors, plans, answers = factors_of(access.study), None, None
    zones = white_zones(access, progress=progress)
    progress("on-demand trips")
    # Before the search, whose labels are large.
    booked = tuple(booked_sites(zones))
    give_back_memory()
    found, hours = search(access, options=options, progress=progress), shift_hours(access)
    if design:
        from mobility.shuttles.design import design_shuttles  # its solvers take memory

        left = access_left(found.bench, recommend(found, hours, limit=limit, factors=factors))
        progress("shuttle demand")
        still = white_zones(left)
        plans = design_shuttles(access.study, left, still, present=access, progress=progress)
        named = tuple(replace(plan, name=plan.name + _OWN) for plan in plans.plans)
        plans, answers = with_lighter(replace(plans, plans=named), still)
        others = shuttle_remedies(plans, access)
    else:
        others = written_remedies(access, folder / "shuttles")
    others += booked_remedies(found.bench.study, booked)
    remedies = tuple(recommend(found, hours, others=others, limit=limit, factors=factors))
    progress("frontier")
    advice = _advice_from(access, remedies, combined_frontier(found.bench, remedies))
    return LeverResults(access, found, hours, remedies, advice, zones, booked, plans, answers)


def _advice_from(access: Access, remedies: tuple[Remedy, ...], combined: Combined) -> Advice:
    """Return what is advised among ranked remedies, from the frontier of their sets."""
    against = objections(remedies, combined.sets, combined.advised)
    tables = {
        "frontier": combined.to_frame(),
        "employers": employer_steps(access.study, combined),
        "followup": _followup(combined),
    }
    if access.study.homes.groups:
        after = combined.portfolio.access(combined.steps[-1])
        frame = by_group(access)[["site", "roster", "group", "total", "reachable"]]
        tables["recruitment"] = frame.rename(columns={"reachable": "now"}).assign(
            target=by_group(after)["reachable"].to_numpy()
        )
    return Advice(remedies, tuple(against), tuple(combined.bills()), tables)


def _followup(combined: Combined) -> pd.DataFrame:
    """Return, per roster, inhabitants and jobs that can hold it now and with the set advised."""
    portfolio, last = combined.portfolio, combined.steps[-1]
    ledger, now = portfolio.ledger, portfolio.point(combined.steps[0])
    before, after = portfolio.held(combined.steps[0]), portfolio.held(last)
    sites, names = zip(*ledger.rosters, strict=True)
    return pd.DataFrame(
        {
            "site": [ledger.study.sites[site].name for site in sites],
            "roster": names,
            "pool": ledger.people.sum(axis=1),
            "now": (ledger.people * before).sum(axis=1),
            "target": (ledger.people * after).sum(axis=1),
            "jobs": ledger.jobs.sum(axis=1),
            "jobs_now": now.by_roster,
            "jobs_target": portfolio.point(last).by_roster,
        }
    )


def levers_table(found: Retiming) -> pd.DataFrame:
    """Return every lever that changes something, ranked."""
    return whole_persons(levers_frame(found), _COUNTS)


def recommendations_report(results: LeverResults, language: str) -> Document:
    """Return the recommendations as a document, with the journeys of those illustrated."""
    study, words = results.study, Words(language, results.study.days)
    blocks = [
        Heading(words.t("In one page")),
        *advice_blocks(results.advice, words),
        Heading(translate("Recommendations, cheapest per job gained first", language)),
        Bullets(tuple(("", r.sentence(language)) for r in results.remedies), numbered=True),
    ]
    shown = [block for one in results.illustrations for block in example_blocks(study, one, words)]
    if shown:
        blocks += [Heading(words.t("The journey of one home, before and after")), *shown]
    title = translate("Levers of the timetable: {name}", language, name=study.territory.name)
    return Document(language, title, tuple(blocks))


def write_levers(
    results: LeverResults, folder: Path, language: str, *, maps: bool = True
) -> list[str]:
    """Write every table, the recommendations, and the map with each of them.

    ``levers.csv``, ``minutes_to_fix.csv`` and ``.gpkg``, ``shift_hours.csv``, the tables of
    `Advice.frames`, ``levers.json``, ``recommendations.*`` and, where some are recommended,
    ``cycle_tracks.geojson``; the shuttles designed with them into ``levers_shuttles/``.

    Parameters
    ----------
    maps
        Also put each recommendation on ``map.html``, beside the present and the shuttle plans.
    """
    study = results.study
    own = folder / OWN_PLANS
    # A page of their own, as earlier versions wrote it, would tell older levers.
    gone = ["levers.html", "cycle_tracks.geojson"]
    if results.plans is not None:
        from mobility.shuttles.outputs import outdated, write_plans

        gone += [f"{OWN_PLANS}/{name}" for name in outdated(own, results.plans)]
    with staging(folder, reads=source_files(study.territory), gone=gone) as part:
        write_csv(part, "levers", levers_table(results.found))
        fixes = fixes_of(results.found)
        write_csv(part, "minutes_to_fix", fixes.to_frame(language))
        write_gpkg(part / "minutes_to_fix.gpkg", [("minutes_to_fix", fixes.to_layer())])
        write_csv(part, "shift_hours", whole_persons(results.hours.to_frame(), ["workers"]))
        for key, frame in results.advice.frames(factors_of(study), language).items():
            write_csv(part, key, frame)
        write_advice(results.advice, study, part, folder=folder, designed=results.plans is not None)
        if results.plans is not None:
            write_plans(results.plans, part / OWN_PLANS, lighter=results.answers, language=language)
        write_csv(part, "levers_on_demand", sites_table(study, results.booked, language))
        write_text(part / "levers_changes.json", _lever_changes(study, results.remedies))
        write_document(recommendations_report(results, language), part, "recommendations")
        tracks = tracks_layer(study, results.remedies, language)
        if len(tracks):
            write_text(part / "cycle_tracks.geojson", tracks.to_json() + "\n")
        if maps and results.illustrations:
            trim_memory()
            _write_levers_map(results, fixes, part / MAP, language, folder / MAP)
        reads = source_files(study.territory)
        write_index(part, folder, language, study.territory.name, reads=reads)
        return sorted(p.relative_to(part).as_posix() for p in part.rglob("*") if p.is_file())


def _write_levers_map(
    results: LeverResults, fixes: Fixes, path: Path, language: str, earlier: Path
) -> None:
    """Write the map of the present and of the recommendations, one scenario each.

    Shuttle plans on an ``earlier`` page of the same inputs stay on it.
    """
    from mobility.outputs.map.from_results import map_model
    from mobility.outputs.map.page import write_map

    zones = results.zones
    shown = results.illustrations
    after = tuple((one.remedy.head("en"), one.access, one.zones) for one in shown)
    present = results.present
    model = map_model(present, zones, after=after, fix=fixes.aligned(zones.keys))
    against = dict(zip(map(id, results.remedies), results.advice.against, strict=True))
    study = zones.access.study
    remedies = results.remedies
    plans = {id(remedies[k]): name for name, k in whole_plans(remedies).items()}
    levers = tuple(
        replace(
            _map_lever(study, k, one),
            advised=not against[id(one.remedy)],
            plan=plans.get(id(one.remedy), ""),
        )
        for k, one in enumerate(shown, 1)
    )
    output = study.territory.output
    model = replace(model, levers=levers)
    write_map(model, path, language=language, tiles=output.tiles, earlier=earlier)


def _map_lever(study: Study, scenario: int, one: Illustration) -> MapLever:
    """Return a recommendation as the map lists it, opened where it gains most."""
    remedy = one.remedy
    shifts = {(s.site_name, s.roster, s.shift): s.shift_id for s in study.shift_rows}
    best = max(remedy.effects, key=lambda e: e.gained, default=None)
    shift = None if best is None else shifts.get((best.site, best.roster, best.shift))
    return MapLever(
        scenario=scenario,
        head=(remedy.head("fr"), remedy.head("en")),
        told=(remedy.sentence("fr"), remedy.sentence("en")),
        jobs=remedy.net_jobs,
        users=remedy.users,
        eur_year=remedy.eur_year,
        kind=remedy.kind,
        sites=remedy.site_names,
        # A remedy on streets moves no vehicle: white zones alone know of it.
        measure="white" if remedy.rescued else "gain",
        pick="" if shift is None else f"s{shift}",
    )


def _lever_changes(study: Study, remedies: Sequence[Remedy]) -> str:
    """Return the recommendations as JSON, in their order.

    Each holds ``head`` and ``told`` in both languages, ``jobs`` (gained, net), ``eur_year`` and
    ``steps``: moved hours and trips, or none where a scenario cannot hold what is advised.
    """
    rows = [
        {
            "kind": remedy.kind,
            "head": {code: remedy.head(code) for code in LANGUAGES},
            "told": {code: remedy.sentence(code) for code in LANGUAGES},
            "jobs": round(remedy.net_jobs, 3),
            "eur_year": round(remedy.eur_year, 2),
            "steps": list(_steps(study, remedy)) if _is_held(remedy) else [],
        }
        for remedy in remedies
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def _is_held(remedy: Remedy) -> bool:
    """Whether a scenario can hold all that a recommendation changes."""
    parts = (remedy, *remedy.also)
    if any(part.rescued or part.feed is not None for part in parts):
        return False
    return all(lever.kind in _HOW and lever.shift_s % 60 == 0 for lever in remedy.levers)


def _steps(study: Study, remedy: Remedy) -> Iterator[dict[str, Any]]:
    ids = study.feed.trips["trip_id"]
    for lever in remedy.levers:
        yield {
            "do": "trips",
            "trips": [str(ids.iloc[trip]) for trip in lever.trips],
            "how": _HOW[lever.kind],
            "minutes": lever.shift_s // 60,
        }
    for part in (remedy, *remedy.also):
        rosters, minutes = part.hours or ((), 0)
        for row in study.shift_rows:
            if (row.site, row.roster) in rosters:
                start, end = ((s + 60 * minutes) % DAY_S for s in (row.start_s, row.end_s))
                yield {
                    "do": "shift",
                    "site": row.site_name,
                    "roster": row.roster,
                    "shift": row.shift,
                    "start": format_clock(start),
                    "end": format_clock(end),
                }
