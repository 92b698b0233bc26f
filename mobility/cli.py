"""The `mobility` command: parses, calls the public functions, prints."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated

import typer

from mobility import cli_atlas, cli_needs, cli_share, cli_studio
from mobility.base.i18n import number, translate
from mobility.base.version import __version__
from mobility.command import (
    COMPUTE,
    IMPROVE,
    PREPARE,
    SHARE,
    Command,
    File,
    Lang,
    Out,
    app,
    friendly,
    read_territory,
    said,
)
from mobility.progress import (
    LEVER_SHUTTLE_STEPS,
    REPORT_STEPS,
    SHUTTLE_STEPS,
    STEPS,
    download_bar,
    progress_bar,
)
from mobility.terminal import (
    REMEDIES,
    out,
    print_advice,
    print_findings,
    print_gathered,
    print_outputs,
    print_said,
    print_table,
    print_words,
)

__all__ = ["app"]


def _version(value: bool) -> None:
    if value:
        out.print(f"mobility {__version__}")
        raise typer.Exit


@app.callback(help=said("Who can get to work, on time and back home, on every shift?"))
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=said("Version."))
    ] = False,
) -> None:
    """Hold the options of the command as a whole."""


@app.command(rich_help_panel=PREPARE)
def check(
    file: File,
    rules: Annotated[
        bool, typer.Option("--rules", help=said("Apply the canonical GTFS rules as well."))
    ] = False,
    page: Annotated[
        Path | None, typer.Option("--html", help=said("Also write a page with a map."))
    ] = None,
    _out_dir: Annotated[
        Path | None,
        typer.Option("--out", "-o", help=said("As of the other commands; nothing is written.")),
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Check a territory file and its sources; compute nothing, write nothing but the page."""
    with friendly(lang):
        from mobility.commute import check_answer as answers
        from mobility.territory.project import Territory

        place = answers.place_of_answer(Territory.from_toml(file), lang)
        answer = None if page or rules else answers.kept_answer(place)
        study = None
        if answer is None:
            from mobility.commute.loading import load

            with progress_bar(lang, STEPS[:6]) as step:
                territory = read_territory(file, *([page] if page else []), lang=lang)
                study = load(territory, progress=step)
            answer = answers.check_answer(study, lang)
            answers.keep_answer(place, study, answer)
        for table in answer.tables:
            print_words(table.title, table.heads, table.rows, lang)
        for severity, source, text in answer.findings:
            print_said(severity, source, text, lang)
        if study is not None and page is not None and study.sheet is not None:
            from mobility.outputs.map.check_page import write_check_page

            found = answers.findings_in_order(study)
            write_check_page(study, study.sheet, found, page, language=lang)
            out.print(f"{translate('Map:', lang)} {page}", soft_wrap=True)
        if study is not None and rules:
            from mobility.commute.inventory import canonical_rules

            print_findings(canonical_rules(study), lang, infos=True)
        if any(severity == "error" for severity, _, _ in answer.findings):
            raise typer.Exit(2)


@app.command(rich_help_panel=COMPUTE)
def run(
    file: File,
    out_dir: Out = None,
    plan: Annotated[
        list[Path] | None,
        typer.Option("--with", help=said("GTFS to add: the map compares before and after.")),
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Compute a territory's accessibility, its white zones and its map."""
    with friendly(lang):
        from mobility.pipeline import run as run_territory

        with progress_bar(lang) as step:
            results = run_territory(
                read_territory(file, out_dir, lang=lang), out_dir, plans=plan or [], progress=step
            )
        print_outputs(results.folder, lang)


@app.command(rich_help_panel=IMPROVE)
def shuttles(
    file: File,
    out_dir: Out = None,
    every_plan: Annotated[
        bool,
        typer.Option(
            "--every-plan/--advised-plan",
            help=said("Evaluate the territory with each plan, or with the one told only."),
        ),
    ] = True,
    seed: Annotated[int, typer.Option(help=said("Seed of the search."))] = 0,
    lang: Lang = "fr",
) -> None:
    """Design shuttle lines for the white zones: timetables, vehicles and costs."""
    with friendly(lang):
        from mobility.pipeline import run as run_territory

        territory = read_territory(file, out_dir, lang=lang)
        with progress_bar(lang, SHUTTLE_STEPS) as step:
            results = run_territory(
                territory,
                out_dir,
                shuttles=True,
                lighter=True,
                every_plan=every_plan,
                seed=seed,
                progress=step,
            )
        print_outputs(results.folder, lang)


@app.command(rich_help_panel=SHARE)
def report(
    file: File,
    out_dir: Out = None,
    plan: Annotated[
        list[Path] | None,
        typer.Option("--with", help=said("GTFS to add: the report compares before and after.")),
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Write a territory's report (HTML, PDF, Word, spreadsheet) with its map and tables."""
    with friendly(lang):
        from mobility.outputs.write import NAMES
        from mobility.pipeline import run as run_territory

        with progress_bar(lang, REPORT_STEPS) as step:
            territory = read_territory(file, out_dir, lang=lang)
            results = run_territory(
                territory, out_dir, plans=plan or [], report=lang, progress=step
            )
        print_outputs(results.folder, lang)
        for path in (results.folder / name for name in NAMES if name in results.files):
            out.print(f"{translate('Report', lang)}{translate(': ', lang)}{path}", soft_wrap=True)


@app.command(rich_help_panel=COMPUTE)
def compare(
    before: File,
    after: Annotated[Path, typer.Argument(help=said("The changed territory (TOML)."))],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help=said("Folder of the results."))],
    lang: Lang = "fr",
) -> None:
    """Compare two scenarios of one territory: who gains, who loses."""
    with friendly(lang):
        from mobility.pipeline import compare as compare_territories

        with progress_bar(lang) as step:
            first, second = (read_territory(file, lang=lang) for file in (before, after))
            results = compare_territories(first, second, out_dir, progress=step)
        print_outputs(results.folder, lang)


@app.command(rich_help_panel=PREPARE)
def demo(
    out_dir: Annotated[
        Path, typer.Option("--out", "-o", help=said("Folder of the results."))
    ] = Path("mobility-demo"),
    lang: Lang = "fr",
) -> None:
    """Run on the fictional basin that comes with the software."""
    with friendly(lang):
        from mobility.pipeline import demo as run_demo
        from mobility.pipeline import demo_territory

        with progress_bar(lang, SHUTTLE_STEPS) as step:
            folder = run_demo(demo_territory(), out_dir, language=lang, progress=step)
        print_outputs(folder, lang)


@app.command(rich_help_panel=PREPARE)
def init(
    place: Annotated[str, typer.Argument(help=said('Commune: name, "Name (85)" or INSEE code.'))],
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help=said("Folder of the study."))
    ] = None,
    radius_km: Annotated[
        float, typer.Option(min=0.5, max=200, help=said("Half side of the area, in km."))
    ] = 12.0,
    osm: Annotated[
        str | None, typer.Option(help=said("OpenStreetMap extract: address or file."))
    ] = None,
    gtfs: Annotated[
        list[str] | None,
        typer.Option(help=said("GTFS timetables: address or file; may be repeated.")),
    ] = None,
    centre: Annotated[
        str | None, typer.Option(help=said("Centre, instead of a search: longitude,latitude."))
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help=said("Replace an earlier study's TOML and sites."))
    ] = False,
    lang: Lang = "fr",
) -> None:
    """Prepare a study around a commune: fetch the sources, write the TOML."""
    with friendly(lang):
        from mobility.prepare.init import init_territory, parse_centre
        from mobility.prepare.service import Desk

        with download_bar(lang) as (step, on_bytes):
            gathered = init_territory(
                place,
                folder or Path(place.split(" (")[0].lower().replace(" ", "-")),
                radius_km=radius_km,
                centre=parse_centre(centre) if centre else None,
                language=lang,
                osm=osm,
                gtfs=gtfs or (),
                desk=Desk(on_bytes=on_bytes),
                progress=step,
                overwrite=overwrite,
            )
        print_gathered(gathered, lang)


@app.command(name="cache", rich_help_panel=PREPARE)
def cache_command(
    clear: Annotated[bool, typer.Option("--clear", help=said("Delete all of it."))] = False,
    lang: Lang = "fr",
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
    rows += [("limit (MOBILITY_CACHE_MB)", megabytes(cache_limit()))]
    out.print(str(cache_dir()), soft_wrap=True)
    for what, size in rows:
        out.print(f"  {translate(what, lang)}{translate(': ', lang)}{size}", soft_wrap=True)
    if clear:
        freed = number(clear_cache() / 1e6, lang, 1)
        out.print(translate("{size} MB freed", lang, size=freed))


@app.command(rich_help_panel=COMPUTE)
def itinerary(
    file: File,
    home: Annotated[str, typer.Option(help=said("Identifier of the home (home_id)."))],
    site: Annotated[str, typer.Option(help=said("Name of the site."))],
    shift: Annotated[str, typer.Option(help=said("Name of the shift."))],
    day: Annotated[str, typer.Option(help=said("Kind of day."))] = "school_weekday",
    roster: Annotated[str | None, typer.Option(help=said("Name of the roster."))] = None,
    lang: Lang = "fr",
) -> None:
    """Show the way out and back of a home for a shift, by the clock."""
    with friendly(lang):
        from mobility.commute.said_before import keep_words, kept_words, place_of_answer
        from mobility.territory.project import Territory

        asked = "itinerary", home, site, shift, day, roster or ""
        place = place_of_answer(Territory.from_toml(file), lang, *asked)
        words = kept_words(place)
        if words is None:
            from mobility.commute.examples import answers
            from mobility.commute.inventory import find_day, find_home, find_shift
            from mobility.commute.loading import load

            with progress_bar(lang, STEPS[:6]) as step:
                study = load(read_territory(file, lang=lang), progress=step)
            home_index = find_home(study, home)
            shift_id = find_shift(study, site, shift, roster, day)
            ways = answers(study, shift_id, find_day(study, day).kind)
            words = [way.lines(home_index, lang) for way in ways]
            keep_words(place, study, words)
        for title, lines in zip(("Outbound", "Return"), words, strict=True):
            out.print(translate(title, lang), style="bold")
            for line in lines or [translate("no journey within the limits", lang)]:
                out.print(f"  {line}")


@app.command(rich_help_panel=IMPROVE)
def levers(
    file: File,
    out_dir: Out = None,
    maps: Annotated[bool, typer.Option(help=said("Also write the before/after map."))] = True,
    shuttles: Annotated[
        bool, typer.Option(help=said("Also design shuttles and rank them among the levers."))
    ] = False,
    illustrated: Annotated[
        int, typer.Option(min=0, help=said("Recommendations shown on the map, at most."))
    ] = 20,
    lang: Lang = "fr",
) -> None:
    """Search for levers cheaper than a shuttle: timetables, extensions, shift hours."""
    with friendly(lang):
        from mobility.commute.access import assess
        from mobility.commute.loading import load
        from mobility.outputs.levers import find_levers, write_levers

        territory = read_territory(file, out_dir, lang=lang)
        folder = out_dir or territory.resolve(territory.output.dir)
        with progress_bar(lang, LEVER_SHUTTLE_STEPS) as step:
            access = assess(load(territory, progress=step), progress=step)
            results = find_levers(
                access, folder=folder, shuttles=shuttles, illustrated=illustrated, progress=step
            )
            files = write_levers(results, folder, lang, maps=maps)
        print_table(results.table(lang), "remedies", lang, title=territory.name, only=REMEDIES)
        print_advice(results.search.advice, lang)
        out.print(f"{folder}: {', '.join(files)}", soft_wrap=True)


@app.command(name="isochrones", rich_help_panel=COMPUTE)
def isochrones_command(
    file: File,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", help=said("GeoPackage to write."))
    ] = None,
    minutes: Annotated[str, typer.Option(help=said("Minutes, separated by commas."))] = "30,45,60",
    mode: Annotated[
        list[str] | None, typer.Option(help=said("Mode, may be repeated; all by default."))
    ] = None,
    day: Annotated[str, typer.Option(help=said("Kind of day."))] = "school_weekday",
    lang: Lang = "fr",
) -> None:
    """Write the isochrones of each site, shift edge, direction and mode (GeoPackage)."""
    with friendly(lang):
        from mobility.commute.isochrone_layers import (
            isochrone_layers,
            parse_minutes,
            write_isochrones,
        )
        from mobility.commute.loading import load
        from mobility.territory.project import source_files

        limits = parse_minutes(minutes)
        territory = read_territory(file, out_file, lang=lang)
        with progress_bar(lang, STEPS[:6]) as step:
            study = load(territory, progress=step)
            path = out_file or territory.resolve(territory.output.dir) / "isochrones.gpkg"
            layers = isochrone_layers(study, day, limits, mode)
            names = write_isochrones(layers, path, reads=source_files(territory))
        out.print(
            translate("{count} layers: {path}", lang, count=len(names), path=path),
            soft_wrap=True,
        )


for more in (cli_share.shared, cli_needs.needs, cli_studio.studios):
    app.registered_commands += more.registered_commands
app.add_typer(cli_atlas.atlas, rich_help_panel=COMPUTE)
for command in (*app.registered_commands, *cli_atlas.atlas.registered_commands):
    command.cls = Command
    command.help = said(inspect.getdoc(command.callback) or "")
