"""What the command line shows: findings, tables, the named steps of commands, progress bars."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from mobility.base.errors import Finding
from mobility.base.i18n import translate
from mobility.base.literal import one_line, read_csv_text

if TYPE_CHECKING:
    import pandas as pd
    from rich.text import Text

    from mobility.commute.study import Progress
    from mobility.outputs.advice import Advice
    from mobility.prepare.init import Gathered
    from mobility.sources.download import OnBytes

Language = Literal["fr", "en"]
_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}
#: Columns of the tables that end a run, where the room is short.
SUMMARY = ("site", "roster", "pool", "reachable", "share", "white", "one_way_only", "main_reason")
_COMPARISON = ("site", "roster", "pool", "before", "after", "gained", "lost")
REMEDIES = ("rank", "kind", "line", "site", "jobs", "eur_year", "eur_per_job", "advised")
PLANS = (
    "plan", "lines", "vehicles", "eur_year", "jobs_gained", "employees_gained",
    "eur_per_job", "eur_per_user", "knee",
)  # fmt: skip
#: Named steps of a run, in order; the keys of the progress bar.
STEPS = (
    "streets", "timetables", "homes and sites", "walks", "days", "streets to work", "commutes",
    "white zones", "tables", "map",
)  # fmt: skip
SHUTTLE_STEPS = (
    *STEPS[:8], "shuttle demand", "shuttle stops", "shuttle lines", "shuttle plans",
    "shuttle proof", "lighter answers", *STEPS[8:],
)  # fmt: skip
INIT_STEPS = ("commune", "communes", "streets", "clipping", "timetables", "industrial land")
REPORT_STEPS = (*STEPS, "report")
LEVER_STEPS = (*STEPS[:7], "white zones", "on-demand trips", "levers", "frontier", "maps")
LEVER_SHUTTLE_STEPS = (*LEVER_STEPS[:-2], *SHUTTLE_STEPS[8:13], *LEVER_STEPS[-2:])


class _Plain(Console):
    """A console that shows a text as it is: no markup, no emoji codes, no control sequences."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text on one line, without control characters."""
        return super().render_str(one_line(text), **options)


out = _Plain()
err = _Plain(stderr=True)


def print_findings(findings: Iterable[Finding], language: Language, *, infos: bool = False) -> None:
    """Print errors and warnings, and information when asked."""
    for finding in findings:
        if infos or finding.severity != "info":
            print_said(finding.severity, finding.source, finding.render(language), language)


def print_said(severity: str, source: str, text: str, language: Language) -> None:
    """Print a finding that is in words already."""
    err.print(translate(severity, language), style=_STYLES[severity], end=" ")
    told = f"{source}{translate(': ', language)}{text}" if source else text
    err.print(told, soft_wrap=True)


def print_table(
    frame: pd.DataFrame,
    key: str,
    language: Language,
    *,
    title: str = "",
    only: Sequence[str] = (),
    most: int | None = None,
) -> None:
    """Print a table as the registry words it; what is missing is a dash.

    Parameters
    ----------
    key
        Of the table in `mobility.outputs.tables.registry`.
    title
        The table's own name when empty.
    only
        Keys of the columns wanted; those that are briefly shown when empty.
    most
        Rows shown, all when None; a line tells how many are left to the table's file.
    """
    from mobility.outputs.tables import sheet_of, table_block
    from mobility.outputs.words import Words

    words, sheet = Words(language), sheet_of(key, frame.head(most or len(frame)))
    sheet = sheet.only(*only) if only else sheet.brief()
    shown = table_block(sheet, words)
    heads = [column.measure(language) for column in sheet.columns]
    rows = [list(row) for row in shown.rows]
    labels = [column.label(language) for column in sheet.columns]
    _draw(title or sheet.spec.name[language], heads, rows, shown.numeric, language, labels)
    left = len(frame) - len(rows)
    if left:
        text = "Rows left out here: {number}; all are in {file}."
        out.print(words.t(text, number=words.number(left), file=sheet.spec.file), soft_wrap=True)


def print_words(title: str, heads: list[str], rows: list[list[str]], language: Language) -> None:
    """Print a table of words."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    _draw(title, heads, cells, [False] * len(heads), language, heads)


def _draw(
    title: str,
    heads: list[str],
    rows: list[list[str]],
    numeric: Sequence[bool],
    language: Language,
    labels: list[str],
) -> None:
    """Print rows as a table where they fit, else one by one, where units have room."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    widths = _widths([heads, *rows], out.width - 3 * len(heads) - 1)
    wide = sum(widths) + 3 * len(heads) + 1
    table = Table(title=Text(title), title_justify="left")
    if wide > out.width:
        table.box, table.padding = box.SIMPLE_HEAD, 0
        widths = _widths([heads, *rows], out.width - len(heads) - 1)
        wide = sum(widths) + len(heads) + 1
    if wide > out.width:
        _print_records(str(table.title), labels, rows, language)
        return
    table.width = wide
    for name, right, width in zip(heads, numeric, widths, strict=True):
        justify: Literal["left", "right"] = "right" if right else "left"
        table.add_column(_folded(name, width), justify=justify, width=width)
    for row in rows:
        table.add_row(*map(_folded, row, widths))
    out.print(table)


def _print_records(title: str, heads: list[str], rows: list[list[str]], language: Language) -> None:
    """Print a table too wide for the terminal as one paragraph a row, a line a value it has."""
    out.print(title)
    colon = translate(": ", language)
    for row in rows:
        out.print()
        for head, cell in zip(heads, row, strict=True):
            if cell:
                out.print(f"  {head}{colon}{cell}", soft_wrap=True)


def _folded(text: str, width: int) -> Text:
    """Return a text on lines of a width, parted at plain spaces: Rich parts at narrow ones too."""
    from rich.text import Text

    return Text(textwrap.fill(text, max(width, 1), break_on_hyphens=False), no_wrap=True)


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return the letters of each column: whole numbers and words, then a share of the room."""
    needs, wants = [], []
    for texts in zip(*rows, strict=True):
        needs.append(max(len(word) for text in texts for word in text.split(" ")))
        wants.append(max(map(len, texts)))
    spare = room - sum(needs)
    for k in sorted(range(len(needs)), key=lambda k: wants[k] - needs[k]):
        left = sum(w > n for n, w in zip(needs, wants, strict=True))
        more = max(min(wants[k] - needs[k], spare // max(left, 1)), 0)
        needs[k] += more
        wants[k] = needs[k]
        spare -= more
    return needs


def print_advice(advice: Advice, language: Language) -> None:
    """Print what is advised, in the words of the report."""
    from mobility.outputs.advice import advice_blocks
    from mobility.outputs.tables import Bullets, Text
    from mobility.outputs.words import Words

    for block in advice_blocks(advice, Words(language)):
        if isinstance(block, Text):
            out.print(block.text, soft_wrap=True)
        elif isinstance(block, Bullets):
            for rank, text in block.items:
                out.print(f"{rank} {text}", soft_wrap=True)


def print_outputs(folder: Path, language: Language) -> None:
    """Print the summary of a run from the files it wrote, and where its map is."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    title = record["territory"]["name"]
    summary = read_csv_text(folder / "summary.csv")
    print_table(summary, "summary", language, title=title, only=SUMMARY)
    if (folder / "comparison.csv").is_file() and "comparison.csv" in record["outputs"]:
        changed = read_csv_text(folder / "comparison.csv")
        print_table(changed[changed["shift"].isna()], "comparison", language, only=_COMPARISON)
    if "shuttles/plans.csv" in record["outputs"]:
        plans = read_csv_text(folder / "shuttles" / "plans.csv")
        from mobility.outputs.shuttle_tables import told_plans

        print_table(told_plans(plans, language), "plans", language, only=PLANS)
    if "shuttles/energies.csv" in record["outputs"]:
        energies = read_csv_text(folder / "shuttles" / "energies.csv")
        print_table(energies, "energies", language)
    for found in record["findings"]:
        if found["severity"] != "info":
            print_said(found["severity"], found["source"], found[language], language)
    out.print(f"{translate('Map:', language)} {folder / 'map.html'}", soft_wrap=True)


def print_gathered(gathered: Gathered, language: Language) -> None:
    """Print what `mobility init` found, what is lacking, and the next two commands."""
    folder = gathered.territory.parent
    for lacking in gathered.missing:
        err.print(translate("warning", language), style=_STYLES["warning"], end=" ")
        err.print(lacking.render(language), soft_wrap=True)
    lines = [translate("Territory file: {path}", language, path=gathered.territory)]
    streets = [path for path in gathered.files if path.parent.name == "osm"]
    lines += [translate("Streets: {path}", language, path=folder / path) for path in streets]
    for feed in gathered.feeds:
        lines.append(translate("Timetable: {title}", language, title=feed.title))
        if feed.valid_to:
            until = translate("valid until {date}", language, date=feed.valid_to)
            lines[-1] += f" ({until})"
    if gathered.communes:
        lines.append(translate("Homes: {count} communes", language, count=gathered.communes))
    if gathered.sites:
        lines.append(
            translate(
                "Sites: {count} industrial areas; correct their names, rosters and headcounts in "
                "{path}",
                language,
                count=len(gathered.sites),
                path=folder / "sites.csv",
            )
        )
    lines.append(translate("Then: mobility check {path}", language, path=gathered.territory))
    for line in lines:
        out.print(line, soft_wrap=True)


@contextmanager
def progress_bar(language: Language, steps: tuple[str, ...] = STEPS) -> Iterator[Progress]:
    """Show a bar of named steps, the share done and the time left, on a terminal.

    Where the messages go to a file, each step is a line with the time since the start.
    """
    if not err.is_terminal:
        yield _logged(language)
        return
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn(translate("left:", language), markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=len(steps))

        def step(name: str) -> None:
            # Steps come again, such as the commutes with each plan: the bar never goes back.
            done = max(bar.tasks[task].completed, steps.index(name) if name in steps else 0)
            bar.update(task, completed=done, description=translate(name, language))

        yield step


def _logged(language: Language) -> Progress:
    """Return a progress that writes a line a step: minutes and seconds since now, and its name."""
    start = time.monotonic()

    def step(name: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - start), 60)
        err.print(f"{minutes:02d}:{seconds:02d} {translate(name, language)}", soft_wrap=True)

    return step


@contextmanager
def download_bar(language: Language) -> Iterator[tuple[Progress, OnBytes]]:
    """Show the step of a preparation and the bytes of its downloads."""
    if not err.is_terminal:
        yield _logged(language), lambda _done, _total: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(translate("Downloading", language), total=None)

        def step(name: str) -> None:
            bar.reset(task, total=None, description=translate(name, language))

        yield step, lambda done, total: bar.update(task, completed=done, total=total)
