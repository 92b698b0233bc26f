"""The named steps of the long commands, and the progress bars that show them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mobility.base.i18n import translate
from mobility.terminal import Language, err

if TYPE_CHECKING:
    from mobility.commute.study import Progress
    from mobility.sources.download import OnBytes

#: Named steps of a run, in order; the keys of the progress bar.
STEPS = (
    "streets",
    "timetables",
    "homes and sites",
    "walks",
    "days",
    "streets to work",
    "commutes",
    "white zones",
    "tables",
    "map",
)

SHUTTLE_STEPS = (
    *STEPS[:8],
    "shuttle demand",
    "shuttle stops",
    "shuttle lines",
    "shuttle plans",
    "shuttle proof",
    "lighter answers",
    *STEPS[8:],
)
INIT_STEPS = ("commune", "communes", "streets", "clipping", "timetables", "industrial land")
REPORT_STEPS = (*STEPS, "report")
LEVER_STEPS = (*STEPS[:7], "levers", "white zones", "on-demand trips", "frontier", "maps")
LEVER_SHUTTLE_STEPS = (*LEVER_STEPS[:-2], *SHUTTLE_STEPS[8:13], *LEVER_STEPS[-2:])


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
