"""Commands that answer single needs of a basin: each one question, a table and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.base.i18n import translate
from mobility.command import (
    NEEDS,
    SHARE,
    Day,
    File,
    Lang,
    Modes,
    Out,
    argument,
    option,
    read_territory,
    read_with_folder,
)
from mobility.terminal import (
    LEVER_STEPS,
    STEPS,
    Language,
    out,
    print_findings,
    print_table,
    progress_bar,
)

if TYPE_CHECKING:
    from mobility.base.errors import Finding
    from mobility.commute.access import Access
    from mobility.commute.study import Progress, Study
    from mobility.outputs.needs import Answer
    from mobility.remedies.remedy import Remedy

needs = typer.Typer()
_HOUSING_STEPS = (*STEPS[:6], "places", "commutes", "map")
Feeds = Annotated[
    list[Path] | None, option("GTFS to add; each one is a situation of its own.", "--with")
]
Levers = Annotated[bool, option("Also after each recommended lever.", "--levers")]
Group = Annotated[str, option("Group of the homes that is counted.")]


@needs.command(rich_help_panel=SHARE)
def matrix(
    file: File,
    out_file: Annotated[Path | None, option("Parquet or CSV file to write.", "--out", "-o")] = None,
    mode: Modes = None,
    other: Annotated[
        Path | None, option("Another engine's times, or observed ones (CSV).", "--against")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Write the door-to-door matrix: home × site × shift edge × mode, for R, Python or QGIS."""
    from mobility.base.files import refuse_inputs
    from mobility.commute.loading import load
    from mobility.commute.matrix import matrix as matrix_of
    from mobility.commute.matrix import write_matrix
    from mobility.commute.matrix_against import against
    from mobility.territory.project import source_files

    territory = read_territory(file, out_file, lang=lang)
    path = out_file or territory.resolve(territory.output.dir) / "matrix.parquet"
    reads = [*source_files(territory), *([other] if other else [])]
    if other is not None:
        refuse_inputs(
            (path.parent / name for name in ("matrix_agreement.csv", "matrix_worst.csv")), reads
        )
    with progress_bar(lang, STEPS[:7]) as step:
        study = load(territory, progress=step)
        step("commutes")
        frame = matrix_of(study, modes=mode)
    found = None if other is None else against(study, frame, other, language=lang)
    write_matrix(frame, path, reads=reads)
    out.print(translate("{count} rows: {path}", lang, count=len(frame), path=path))
    if found is not None:
        from mobility.outputs.tables import write_csv

        print_table(found.agreement, "matrix_agreement", lang)
        for key in ("agreement", "worst"):
            table = getattr(found, key)
            written = write_csv(path.parent, f"matrix_{key}", table)
            out.print(str(written), soft_wrap=True)


@needs.command(rich_help_panel=NEEDS)
def housing(
    file: File,
    out_dir: Out = None,
    job: Annotated[
        list[str] | None, option('Job to hold, "Site" or "Site/roster"; several: all of them.')
    ] = None,
    at: Annotated[
        list[str] | None, option("Candidate residence: name=longitude,latitude; may be repeated.")
    ] = None,
    cell: Annotated[float, option("Side of a square, in metres.", min=25, max=2000)] = 200.0,
    ground: Annotated[str | None, option("Land: residential, buildings or streets.")] = None,
    lang: Lang = "fr",
) -> None:
    """Show from where a job, or two, can be held without a car: the inverse map."""
    from mobility.needs.housing import housing as housing_of
    from mobility.needs.housing import jobs_of
    from mobility.needs.places import read_point
    from mobility.outputs.needs import housing_answer

    points = [read_point(text) for text in at or ()]

    def ask(study: Study, step: Progress) -> Answer:
        jobs = jobs_of(study, job or ())
        found = housing_of(study, jobs, cell_m=cell, ground=ground, points=points, progress=step)
        step("map")
        return housing_answer(found, lang)

    _answered(file, out_dir, lang, ask, steps=_HOUSING_STEPS)


def _answered(
    file: Path,
    out_dir: Path | None,
    lang: Language,
    ask: Callable[[Study, Progress], Answer],
    *,
    steps: tuple[str, ...] = STEPS[:7],
    reads: Sequence[Path] = (),
) -> None:
    """Ask a need of a territory, write the answer and print its tables, briefly, and its files."""
    from mobility.commute.loading import load
    from mobility.outputs.needs import MOST_ROWS, write_answer

    territory, folder = read_with_folder(file, out_dir, lang)
    with progress_bar(lang, steps) as step:
        study = load(territory, progress=step)
        answer = ask(study, step)
    files = write_answer(answer, folder, lang, reads=reads)
    for key, frame in answer.tables.items():
        if len(frame) and not key.endswith("_factors"):  # sources are long: on the page
            print_table(frame, key, lang, most=MOST_ROWS)
    for text in (*answer.said, *map(str, files)):
        out.print(text, soft_wrap=True)
    print_findings(answer.findings, lang)


def _with_plans(study: Study, plan: Sequence[Path] | None) -> Iterator[Study]:
    """Yield the study with each of some feeds, and print what is told of them."""
    from mobility.commute.changes import with_timetable

    for path in plan or ():
        found = with_timetable(study, path, scenario=path.stem)
        print_findings(found.findings[len(study.findings) :], study.territory.language)
        yield found


def _situations(
    access: Access,
    plan: Sequence[Path] | None,
    levers: bool,
    folder: Path | None,
    step: Progress,
    lang: Language,
) -> Iterator[tuple[str, Access, Remedy | None]]:
    """Yield what is set beside the present: the feeds, then the recommended levers."""
    from mobility.commute.access import assess

    for feed in _with_plans(access.study, plan):
        yield feed.scenario, assess(feed), None
    if levers:
        from mobility.outputs.levers import find_levers

        found = find_levers(access, folder=folder, progress=step).illustrations
        for k, one in enumerate(found, start=1):
            yield f"{k}. {one.remedy.head(lang)}", one.access, one.remedy


def _nothing_added(in_vain: bool, lang: Language) -> list[str]:
    """Return what is said where levers were asked for and none is recommended."""
    text = "No lever was found to recommend: nothing is set beside the present for it."
    return [translate(text, lang)] if in_vain else []


@needs.command(rich_help_panel=NEEDS)
def fairness(
    file: File,
    out_dir: Out = None,
    plan: Feeds = None,
    levers: Levers = False,
    line: Annotated[
        float | None, option("Rosters that are enough; half of them.", min=0.01)
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Tell how fairly jobs can be held: groups, Gini, Palma, poverty of access, after remedies."""
    from mobility.commute.access import assess
    from mobility.outputs.needs import fairness_answer

    def ask(study: Study, step: Progress) -> Answer:
        access = assess(study, progress=step)
        found, aside, added = [(translate("present", lang), access)], list[str](), False
        for name, after, remedy in _situations(access, plan, levers, out_dir, step, lang):
            added |= remedy is not None
            if remedy is None or not remedy.rescued:
                found.append((name, after))
            else:  # cycling, a colleague's car, a booked ride: nobody's timetable changes
                aside.append(name)
        said = [] if added else _nothing_added(levers, lang)
        if aside:
            text = "{count} recommended levers do without the timetable and are left out: {levers}."
            names = translate("; ", lang).join(aside)
            said.append(translate(text, lang, count=len(aside), levers=names))
        return fairness_answer(found, line, lang, told=said)

    steps = LEVER_STEPS if levers else STEPS[:7]
    _answered(file, out_dir, lang, ask, steps=steps, reads=plan or ())


@needs.command(rich_help_panel=NEEDS)
def irregular(
    file: File,
    hours: Annotated[
        Path | None, argument("Dates and hours worked (CSV); else those that rosters give.")
    ] = None,
    out_dir: Out = None,
    lang: Lang = "fr",
) -> None:
    """Tell on which share of listed days a job can be held: tides, harvests, orders of the day."""
    from mobility.commute.irregular import irregular as irregular_of
    from mobility.outputs.needs import irregular_answer

    def ask(study: Study, step: Progress) -> Answer:
        step("commutes")
        return irregular_answer(irregular_of(study, hours), lang)

    _answered(file, out_dir, lang, ask, reads=[hours] if hours else [])


@needs.command(rich_help_panel=NEEDS)
def apprentices(
    file: File,
    centres: Annotated[Path, argument("Training centres: a table of sites.")],
    out_dir: Out = None,
    age: Annotated[int, option("Age: night work is barred.", min=14, max=30)] = 16,
    boarding: Annotated[
        float | None,
        option("Minutes to a centre where they sleep on school nights.", min=1, max=360),
    ] = None,
    apart: Annotated[
        float, option("Farthest company from a centre, km.", "--apart-km", min=0, max=500)
    ] = 15.0,
    group: Group = "",
    plan: Feeds = None,
    retimings: Annotated[int, option("Levers of the timetable tried, at most.", min=0)] = 0,
    lang: Lang = "fr",
) -> None:
    """Tell which pairs of training centre and company hold from where, and what opens more."""
    from dataclasses import replace
    from functools import partial

    from mobility.commute.access import assess
    from mobility.needs.apprentices import Rules, after_remedies, triangles, with_centres
    from mobility.outputs.needs import apprentices_answer

    rules = Rules(age, boarding, apart, group)

    def ask(base: Study, step: Progress) -> Answer:
        unread: list[Finding] = []
        study, companies = with_centres(base, centres, unread), len(base.sites)
        access = assess(study, progress=step)
        found = triangles(access, companies, rules)
        variants = [(feed.scenario, partial(assess, feed)) for feed in _with_plans(study, plan)]
        if retimings:
            step("levers")
        remedies = after_remedies(
            access, companies, rules, variants=variants, retimings=retimings, language=lang
        )
        answer = apprentices_answer(found, remedies, lang)
        said = _nothing_added(retimings > 0 and len(remedies) == len(variants), lang)
        note = " ".join([answer.note, *said])
        return replace(answer, note=note, said=said, findings=(*unread, *answer.findings))

    _answered(file, out_dir, lang, ask, steps=LEVER_STEPS, reads=[centres, *(plan or ())])


@needs.command(rich_help_panel=NEEDS)
def jobbus(
    file: File,
    out_dir: Out = None,
    halts: Annotated[int, option("Halts, at most.", min=1, max=7)] = 5,
    start: Annotated[str, option("Time of the first halt.", "--from")] = "08:30",
    visit: Annotated[float, option("Minutes at each site.", min=0, max=480)] = 60.0,
    site: Annotated[list[str] | None, option("Site to visit; may be repeated; all.")] = None,
    group: Group = "",
    day: Day = "school_weekday",
    lang: Lang = "fr",
) -> None:
    """Choose the halts and the tour of a bus that takes job seekers to the sites."""
    from mobility.commute.inventory import find_day
    from mobility.needs.job_bus import Wishes, job_bus, read_clock, sites_named
    from mobility.outputs.needs import job_bus_answer

    start_s = read_clock(start)

    def ask(study: Study, step: Progress) -> Answer:
        step("commutes")
        wishes = Wishes(halts, start_s, visit, sites_named(study, site or ()), group)
        return job_bus_answer(job_bus(study, wishes, find_day(study, day)), lang)

    _answered(file, out_dir, lang, ask)


@needs.command(rich_help_panel=NEEDS)
def zone(
    file: File,
    out_dir: Out = None,
    within: Annotated[
        float, option("Minutes from a gate to a stop.", "--within-min", min=1, max=60)
    ] = 10.0,
    mode: Annotated[str, option("walk or bike.")] = "walk",
    lang: Lang = "fr",
) -> None:
    """Find the ways missing between gates and stops, dangers on them, the shortest new links."""
    from mobility.needs.zone import Wants, zone_of
    from mobility.outputs.needs_ways import zone_answer

    def ask(study: Study, _: Progress) -> Answer:
        return zone_answer(zone_of(study, Wants(mode, within)), lang)  # type: ignore[arg-type]

    _answered(file, out_dir, lang, ask, steps=STEPS[:6])


@needs.command(rich_help_panel=NEEDS)
def delays(
    file: File,
    out_dir: Out = None,
    observed: Annotated[
        Path | None, option("Observed delays: a table, or GTFS-Realtime (.pb, a folder).")
    ] = None,
    draws: Annotated[int, option("Days rehearsed.", min=1, max=2000)] = 200,
    seed: Annotated[int, option("Makes the days the same again.", min=0)] = 1,
    lang: Lang = "fr",
) -> None:
    """Tell what rosters are worth when buses are late: days of 20, connections, last return."""
    from mobility.commute.access import assess
    from mobility.commute.delays import delays as delays_of
    from mobility.outputs.needs import delays_answer
    from mobility.sources.delays import read_delays

    def ask(study: Study, step: Progress) -> Answer:
        known = None
        if observed is not None:
            known = read_delays(observed, study.feed)
        found = delays_of(assess(study, progress=step), observed=known, draws=draws, seed=seed)
        return delays_answer(found, lang)

    _answered(file, out_dir, lang, ask, reads=[observed] if observed else [])


@needs.command(rich_help_panel=NEEDS)
def lines(
    file: File,
    out_dir: Out = None,
    most: Annotated[
        int, option("Runs put in at the same cost, at most.", "--swaps", min=0, max=20)
    ] = 0,
    keep: Annotated[
        float, option("Minutes to the nearest trip that stays.", "--keep-min", min=1, max=240)
    ] = 60.0,
    lang: Lang = "fr",
) -> None:
    """Tell what the lines cost and who depends on each; of a scenario, what it changes."""
    from mobility.commute.access import assess
    from mobility.commute.loading import load
    from mobility.needs.lines import changed, lines_of
    from mobility.needs.swaps import swaps
    from mobility.outputs.needs_ways import lines_answer

    def ask(study: Study, step: Progress) -> Answer:
        access, difference = assess(study, progress=step), None
        if study.territory.base is not None:
            base = load(read_territory(study.territory.base, lang=lang))
            difference = changed(assess(base), access)
        step("levers")
        swapped = swaps(access, most=most, keep_min=keep) if most else ()
        return lines_answer(lines_of(access), difference, swapped, lang)

    _answered(file, out_dir, lang, ask, steps=LEVER_STEPS)


@needs.command(rich_help_panel=NEEDS)
def risk(
    file: File,
    out_dir: Out = None,
    plan: Feeds = None,
    levers: Levers = False,
    carpool: Annotated[
        bool, option("Also with car-pooling, as with [carpool].", "--carpool")
    ] = False,
    lang: Lang = "fr",
) -> None:
    """Tell kilometres driven to work by light and road, accidents expected, what avoids them."""
    from mobility.commute.access import assess
    from mobility.needs.risk import by_carpool, by_feed, by_lever
    from mobility.needs.risk import risk as risk_of
    from mobility.outputs.needs_ways import risk_answer

    def ask(study: Study, step: Progress) -> Answer:
        access = assess(study, progress=step)
        found, spared = risk_of(access), []
        if carpool or study.territory.carpool is not None:
            spared.append(by_carpool(found, translate("Car-pooling", lang)))
        added = False
        for name, after, remedy in _situations(access, plan, levers, out_dir, step, lang):
            added |= remedy is not None
            spared.append(
                by_feed(found, name, after)
                if remedy is None
                else by_lever(found, name, remedy, after)
            )
        return risk_answer(found, spared, lang, told=[] if added else _nothing_added(levers, lang))

    steps = LEVER_STEPS if levers else STEPS[:7]
    _answered(file, out_dir, lang, ask, steps=steps, reads=plan or ())
