"""The commands that write what is handed on: a picture, the mobility plan, the letter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.command import SHARE, File, Lang, Out, friendly, read_territory, said
from mobility.progress import LEVER_SHUTTLE_STEPS, LEVER_STEPS, progress_bar
from mobility.terminal import out

shared = typer.Typer()


@shared.command(rich_help_panel=SHARE)
def png(
    page: Annotated[Path, typer.Argument(help=said("The map (map.html)."))],
    picture: Annotated[Path, typer.Argument(help=said("The picture to write (PNG)."))],
    width: Annotated[int, typer.Option(min=200, max=10_000, help=said("Width, in pixels."))] = 1600,
    height: Annotated[
        int, typer.Option(min=200, max=10_000, help=said("Height, in pixels."))
    ] = 1000,
    select: Annotated[
        list[str] | None,
        typer.Option(help=said("What is shown, as in the page's address: measure=white.")),
    ] = None,
    browser: Annotated[
        Path | None,
        typer.Option(help=said("Path of Chromium, Chrome or Edge; one that is found by default.")),
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Write a picture of a map (needs a Chromium browser)."""
    with friendly(lang):
        from mobility.outputs.map.export import export_png

        chosen: dict[str, object] = {"lang": lang}
        chosen |= dict(pair.partition("=")[::2] for pair in select or ())
        path = None if browser is None else str(browser)
        found = export_png(page, picture, size=(width, height), select=chosen, browser=path)
        out.print(str(found), soft_wrap=True)


@shared.command(rich_help_panel=SHARE)
def plan(
    file: File,
    out_dir: Out = None,
    shuttles: Annotated[
        bool, typer.Option(help=said("Also design shuttles and rank them among the levers."))
    ] = False,
    lang: Lang = "fr",
) -> None:
    """Write the employer mobility plan: supply, potential, actions, financing, follow-up."""
    with friendly(lang):
        from mobility.outputs.plan import plan_of
        from mobility.territory.project import source_files

        territory = read_territory(file, out_dir, lang=lang)
        folder = out_dir or territory.resolve(territory.output.dir)
        with progress_bar(lang, LEVER_SHUTTLE_STEPS) as step:
            document = plan_of(
                territory, language=lang, folder=folder, shuttles=shuttles, progress=step
            )
        for path in document.write(folder, reads=source_files(territory)):
            out.print(str(path), soft_wrap=True)


@shared.command(rich_help_panel=SHARE)
def letter(file: File, out_dir: Out = None, lang: Lang = "fr") -> None:
    """Write the request to the mobility authority: trips, days, times, beneficiaries."""
    with friendly(lang):
        from mobility.outputs.letter import letter_of, write_letter
        from mobility.territory.project import source_files

        territory = read_territory(file, out_dir, lang=lang)
        folder = out_dir or territory.resolve(territory.output.dir)
        with progress_bar(lang, LEVER_STEPS) as step:
            document = letter_of(territory, language=lang, folder=folder, progress=step)
        for path in write_letter(document, folder, reads=source_files(territory)):
            out.print(str(path), soft_wrap=True)
