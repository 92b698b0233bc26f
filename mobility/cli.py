"""The `mobility` command: parses, calls the public functions, prints."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility import cli_atlas, cli_needs, cli_studio, terminal
from mobility.base import __version__
from mobility.base.i18n import number, translate
from mobility.command import (
    COMPUTE,
    IMPROVE,
    OUT,
    PREPARE,
    SHARE,
    Command,
    Day,
    File,
    Lang,
    Modes,
    Out,
    app,
    argument,
    option,
    read_territory,
    read_with_folder,
    said,
)

if TYPE_CHECKING:
    from mobility.commute.study import Study

__all__ = ["app"]

Designed = Annotated[bool, option("Also design shuttles and rank them among the levers.")]


def _version(value: bool) -> None:
    if value:
        terminal.out.print(f"mobility {__version__}")
        raise typer.Exit


@app.callback(help=said("Who can get to work, on time and back home, on every shift?"))
def main(
    version: Annotated[
        bool, option("Version.", "--version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options of the command as a whole."""


@app.command(rich_help_panel=PREPARE)
def check(
    file: File,
    rules: Annotated[bool, option("Apply the canonical GTFS rules as well.", "--rules")] = False,
    page: Annotated[Path | None, option("Also write a page with a map.", "--html")] = None,
    _out_dir: Annotated[
        Path | None, option("As of the other commands; nothing is written.", "--out", "-o")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Check a territory file and its sources; compute nothing, write nothing but the page."""
    from mobility.commute import said_before as answers
    from mobility.territory.project import Territory

    place = answers.place_of_answer(Territory.from_toml(file), lang)
    answer = None if page or rules else answers.kept_answer(place)
    study = None
    if answer is None:
        from mobility.commute.loading import load

        with terminal.progress_bar(lang, terminal.STEPS[:6]) as step:
            territory = read_territory(file, *([page] if page else []), lang=lang)
            study = load(territory, progress=step)
        answer = answers.check_answer(study, lang)
        answers.keep_answer(place, study, answer)
    for table in answer.tables:
        terminal.print_words(table.title, table.heads, table.rows, lang)
    for severity, source, text in answer.findings:
        terminal.print_said(severity, source, text, lang)
    if study is not None and page is not None and study.sheet is not None:
        from mobility.base.files import write_text
        from mobility.outputs.map.side_pages import check_page

        found = answers.findings_in_order(study)
        write_text(page, check_page(study, study.sheet, found, lang))
        terminal.out.print(f"{translate('Map:', lang)} {page}", soft_wrap=True)
    if study is not None and rules:
        from mobility.commute.inventory import canonical_rules

        terminal.print_findings(canonical_rules(study), lang, infos=True)
    if any(severity == "error" for severity, _, _ in answer.findings):
        raise typer.Exit(2)


@app.command(rich_help_panel=COMPUTE)
def run(
    file: File,
    out_dir: Out = None,
    plan: Annotated[
        list[Path] | None, option("GTFS to add: the map compares before and after.", "--with")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Compute a territory's accessibility, its white zones and its map."""
    from mobility.pipeline import run as run_territory

    with terminal.progress_bar(lang) as step:
        results = run_territory(
            read_territory(file, out_dir, lang=lang), out_dir, plans=plan or [], progress=step
        )
    terminal.print_outputs(results.folder, lang)


@app.command(rich_help_panel=IMPROVE)
def shuttles(
    file: File,
    out_dir: Out = None,
    every_plan: Annotated[
        bool,
        option(
            "Evaluate the territory with each plan, or with the one told only.",
            "--every-plan/--advised-plan",
        ),
    ] = True,
    seed: Annotated[int, option("Seed of the search.")] = 0,
    lang: Lang = "fr",
) -> None:
    """Design shuttle lines for the white zones: timetables, vehicles and costs."""
    from mobility.pipeline import run as run_territory

    territory = read_territory(file, out_dir, lang=lang)
    with terminal.progress_bar(lang, terminal.SHUTTLE_STEPS) as step:
        results = run_territory(
            territory,
            out_dir,
            shuttles=True,
            lighter=True,
            every_plan=every_plan,
            seed=seed,
            progress=step,
        )
    terminal.print_outputs(results.folder, lang)


@app.command(rich_help_panel=SHARE)
def report(
    file: File,
    out_dir: Out = None,
    plan: Annotated[
        list[Path] | None, option("GTFS to add: the report compares before and after.", "--with")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Write a territory's report (HTML, PDF, Word, spreadsheet) with its map and tables."""
    from mobility.outputs.report import NAMES
    from mobility.pipeline import run as run_territory

    with terminal.progress_bar(lang, terminal.REPORT_STEPS) as step:
        territory = read_territory(file, out_dir, lang=lang)
        results = run_territory(territory, out_dir, plans=plan or [], report=lang, progress=step)
    terminal.print_outputs(results.folder, lang)
    for path in (results.folder / name for name in NAMES if name in results.files):
        terminal.out.print(
            f"{translate('Report', lang)}{translate(': ', lang)}{path}", soft_wrap=True
        )


@app.command(rich_help_panel=COMPUTE)
def compare(
    before: File,
    after: Annotated[Path, argument("The changed territory (TOML).")],
    out_dir: Annotated[Path, OUT],
    lang: Lang = "fr",
) -> None:
    """Compare two scenarios of one territory: who gains, who loses."""
    from mobility.pipeline import compare as compare_territories

    with terminal.progress_bar(lang) as step:
        first, second = (read_territory(file, lang=lang) for file in (before, after))
        results = compare_territories(first, second, out_dir, progress=step)
    terminal.print_outputs(results.folder, lang)


@app.command(rich_help_panel=PREPARE)
def demo(out_dir: Annotated[Path, OUT] = Path("mobility-demo"), lang: Lang = "fr") -> None:
    """Run on the fictional basin that comes with the software."""
    from mobility.pipeline import demo as run_demo
    from mobility.pipeline import demo_territory

    with terminal.progress_bar(lang, terminal.SHUTTLE_STEPS) as step:
        folder = run_demo(demo_territory(), out_dir, language=lang, progress=step)
    terminal.print_outputs(folder, lang)


@app.command(rich_help_panel=PREPARE)
def init(
    place: Annotated[str, argument('Commune: name, "Name (85)" or INSEE code.')],
    folder: Annotated[Path | None, option("Folder of the study.", "--out", "-o")] = None,
    radius_km: Annotated[float, option("Half side of the area, in km.", min=0.5, max=200)] = 12.0,
    osm: Annotated[str | None, option("OpenStreetMap extract: address or file.")] = None,
    gtfs: Annotated[
        list[str] | None, option("GTFS timetables: address or file; may be repeated.")
    ] = None,
    centre: Annotated[
        str | None, option("Centre, instead of a search: longitude,latitude.")
    ] = None,
    overwrite: Annotated[
        bool, option("Replace an earlier study's TOML and sites.", "--overwrite")
    ] = False,
    lang: Lang = "fr",
) -> None:
    """Prepare a study around a commune: fetch the sources, write the TOML."""
    from mobility.prepare.init import init_territory, parse_centre
    from mobility.prepare.service import Desk

    with terminal.download_bar(lang) as (step, on_bytes):
        gathered = init_territory(
            place, folder or Path(place.split(" (")[0].lower().replace(" ", "-")),
            radius_km=radius_km, centre=parse_centre(centre) if centre else None, language=lang,
            osm=osm, gtfs=gtfs or (), desk=Desk(on_bytes=on_bytes), progress=step,
            overwrite=overwrite,
        )  # fmt: skip
    terminal.print_gathered(gathered, lang)


@app.command(name="cache", rich_help_panel=PREPARE)
def cache_command(
    clear: Annotated[bool, option("Delete all of it.", "--clear")] = False, lang: Lang = "fr"
) -> None:
    """Show what is kept between runs, where and how large; or delete it."""
    from mobility.base.cache import cache_dir, cache_entries, cache_limit, clear_cache

    def megabytes(size: int, decimals: int = 0) -> str:
        return translate("{size} MB", lang, size=number(size / 1e6, lang, decimals))

    entries = cache_entries()
    rows = [
        (kind, megabytes(sum(e.size for e in entries if e.kind == kind), 1))
        for kind in sorted({e.kind for e in entries})
    ]
    rows += [(translate("limit (MOBILITY_CACHE_MB)", lang), megabytes(cache_limit()))]
    terminal.out.print(str(cache_dir()), soft_wrap=True)
    # Kinds are the folders' own names, as the path above is.
    for what, size in rows:
        terminal.out.print(f"  {what}{translate(': ', lang)}{size}", soft_wrap=True)
    if clear:
        freed = number(clear_cache() / 1e6, lang, 1)
        terminal.out.print(translate("{size} MB freed", lang, size=freed))


@app.command(rich_help_panel=COMPUTE)
def itinerary(
    file: File,
    home: Annotated[str, option("Identifier of the home (home_id).")],
    site: Annotated[str, option("Name of the site.")],
    shift: Annotated[str, option("Name of the shift.")],
    day: Day = "school_weekday",
    roster: Annotated[str | None, option("Name of the roster.")] = None,
    lang: Lang = "fr",
) -> None:
    """Show the way out and back of a home for a shift, by the clock."""
    from mobility.commute.said_before import keep_words, kept_words, place_of_answer
    from mobility.territory.project import Territory

    asked = "itinerary", home, site, shift, day, roster or ""
    place = place_of_answer(Territory.from_toml(file), lang, *asked)
    words = kept_words(place)
    if words is None:
        from mobility.commute.examples import answers
        from mobility.commute.inventory import find_day, find_home, find_shift
        from mobility.commute.loading import load

        with terminal.progress_bar(lang, terminal.STEPS[:6]) as step:
            study = load(read_territory(file, lang=lang), progress=step)
        home_index = find_home(study, home)
        shift_id = find_shift(study, site, shift, roster, day)
        kind = find_day(study, day).kind
        ways = [way.lines(home_index, lang) for way in answers(study, shift_id, kind)]
        reason = "" if all(ways) else _otherwise(study, shift_id, kind, home_index, ways, lang)
        words = {"ways": ways, "reason": reason}
        keep_words(place, study, words)
    for title, lines in zip(("Outbound", "Return"), words["ways"], strict=True):
        terminal.out.print(translate(title, lang), style="bold")
        for line in lines or [translate("no journey within the limits", lang)]:
            terminal.out.print(f"  {line}")
    if words["reason"]:
        terminal.out.print(translate("Main reason: {reason}", lang, reason=words["reason"]))


def _otherwise(
    study: Study, shift_id: int, kind: str, home: int, ways: list[list[str]], lang: Lang
) -> str:
    """Add other modes that count to the ways that lack a journey; return why a home is white.

    What takes one out must be at hand for the way back: but for a booked ride, a mode is told of
    both ways or of none.
    """
    from mobility.commute.access import assess
    from mobility.commute.inventory import find_day
    from mobility.commute.modes import MODES, counting
    from mobility.commute.white_zones import REASONS, white_zones
    from mobility.outputs.words import Words
    from mobility.timetable.arrays import INF

    access, lacking = assess(study), [not way for way in ways]
    margins_s = [edge.margin_s for edge in study.edges(shift_id, find_day(study, kind))]
    for mode in counting(study.territory):
        row = access.row(shift_id, kind, mode)
        both_s = [int(found[row, home]) for found in (access.outbound_s, access.return_s)]
        is_booked = MODES[mode].kind == "booked"
        if max(both_s) == INF and not is_booked:
            continue
        for way, lacks, took_s, margin_s in zip(ways, lacking, both_s, margins_s, strict=True):
            if took_s < INF and (lacks or not is_booked):
                minutes = number(-(-(took_s - margin_s) // 60), lang)
                told = f"{minutes} min {translate(MODES[mode].by, lang)}"
                way.append(f"{translate('or', lang)} {told}" if way else told)
    zones = white_zones(access)
    reason = REASONS[zones.reason[zones.row(shift_id, kind), home]]
    return Words(lang).reason(reason) if reason else ""


@app.command(rich_help_panel=IMPROVE)
def levers(
    file: File,
    out_dir: Out = None,
    maps: Annotated[bool, option("Also write the before/after map.")] = True,
    shuttles: Designed = False,
    illustrated: Annotated[int, option("Recommendations shown on the map, at most.", min=0)] = 20,
    lang: Lang = "fr",
) -> None:
    """Search for levers cheaper than a shuttle: timetables, extensions, shift hours."""
    from mobility.commute.access import assess
    from mobility.commute.loading import load
    from mobility.outputs.levers import find_levers, write_levers

    territory, folder = read_with_folder(file, out_dir, lang)
    with terminal.progress_bar(lang, terminal.LEVER_SHUTTLE_STEPS) as step:
        access = assess(load(territory, progress=step), progress=step)
        results = find_levers(
            access, folder=folder, shuttles=shuttles, illustrated=illustrated, progress=step
        )
        files = write_levers(results, folder, lang, maps=maps)
    terminal.print_table(
        results.table(lang), "remedies", lang, title=territory.name, only=terminal.REMEDIES
    )
    terminal.print_advice(results.advice, lang)
    terminal.out.print(f"{folder}: {', '.join(files)}", soft_wrap=True)


@app.command(name="isochrones", rich_help_panel=COMPUTE)
def isochrones_command(
    file: File,
    out_file: Annotated[Path | None, option("GeoPackage to write.", "--out", "-o")] = None,
    minutes: Annotated[str, option("Minutes, separated by commas.")] = "30,45,60",
    mode: Modes = None,
    day: Day = "school_weekday",
    lang: Lang = "fr",
) -> None:
    """Write the isochrones of each site, shift edge, direction and mode (GeoPackage)."""
    from mobility.commute.isochrone_layers import isochrone_layers, parse_minutes, write_isochrones
    from mobility.commute.loading import load
    from mobility.territory.project import source_files

    limits = parse_minutes(minutes)
    territory = read_territory(file, out_file, lang=lang)
    with terminal.progress_bar(lang, terminal.STEPS[:6]) as step:
        study = load(territory, progress=step)
        path = out_file or territory.resolve(territory.output.dir) / "isochrones.gpkg"
        layers = isochrone_layers(study, day, limits, mode)
        names = write_isochrones(layers, path, reads=source_files(territory))
    terminal.out.print(
        translate("{count} layers: {path}", lang, count=len(names), path=path), soft_wrap=True
    )


@app.command(rich_help_panel=SHARE)
def png(
    page: Annotated[Path, argument("The map (map.html).")],
    picture: Annotated[Path, argument("The picture to write (PNG).")],
    width: Annotated[int, option("Width, in pixels.", min=200, max=10000)] = 1600,
    height: Annotated[int, option("Height, in pixels.", min=200, max=10000)] = 1000,
    select: Annotated[
        list[str] | None, option("What is shown, as in the page's address: measure=white.")
    ] = None,
    browser: Annotated[
        Path | None, option("Path of Chromium, Chrome or Edge; one that is found by default.")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Write a picture of a map (needs a Chromium browser)."""
    from mobility.outputs.map.export import export_png

    chosen: dict[str, object] = {"lang": lang}
    chosen |= dict(pair.partition("=")[::2] for pair in select or ())
    path = None if browser is None else str(browser)
    found = export_png(page, picture, size=(width, height), select=chosen, browser=path)
    terminal.out.print(str(found), soft_wrap=True)


@app.command(rich_help_panel=SHARE)
def plan(file: File, out_dir: Out = None, shuttles: Designed = False, lang: Lang = "fr") -> None:
    """Write the employer mobility plan: supply, potential, actions, financing, follow-up."""
    from mobility.outputs.plan import plan_of
    from mobility.territory.project import source_files

    territory, folder = read_with_folder(file, out_dir, lang)
    with terminal.progress_bar(lang, terminal.LEVER_SHUTTLE_STEPS) as step:
        document = plan_of(
            territory, language=lang, folder=folder, shuttles=shuttles, progress=step
        )
    for path in document.write(folder, reads=source_files(territory)):
        terminal.out.print(str(path), soft_wrap=True)


@app.command(rich_help_panel=SHARE)
def letter(file: File, out_dir: Out = None, lang: Lang = "fr") -> None:
    """Write the request to the mobility authority: trips, days, times, beneficiaries."""
    from mobility.outputs.letter import letter_of, write_letter
    from mobility.territory.project import source_files

    territory, folder = read_with_folder(file, out_dir, lang)
    with terminal.progress_bar(lang, terminal.LEVER_STEPS) as step:
        document = letter_of(territory, language=lang, folder=folder, progress=step)
    for path in write_letter(document, folder, reads=source_files(territory)):
        terminal.out.print(str(path), soft_wrap=True)


for more in (cli_needs.needs, cli_studio.studios):
    app.registered_commands += more.registered_commands
app.add_typer(cli_atlas.atlas, rich_help_panel=COMPUTE)
for command in (*app.registered_commands, *cli_atlas.atlas.registered_commands):
    command.cls = Command
    command.help = said(inspect.getdoc(command.callback) or "")
