"""Writes the report of a run beside its map and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobility.base.files import staging
from mobility.commute.access import Access
from mobility.commute.sources import source_files
from mobility.commute.study import Progress, Study, quiet
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.content import Writer
from mobility.outputs.earlier import RECORD, is_of, read_record
from mobility.outputs.page import html_page
from mobility.outputs.pdf import pdf_bytes
from mobility.outputs.record import write_record
from mobility.outputs.sheets import all_sheets
from mobility.outputs.shuttle_sheets import shuttle_sheets
from mobility.outputs.shuttle_tables import read_shuttles
from mobility.outputs.words import Words
from mobility.outputs.workbook import workbook_bytes

NAMES = ("report.html", "report.pdf", "report.xlsx")


def write_report(
    access: Access,
    zones: WhiteZones,
    folder: str | Path,
    *,
    before: Access | None = None,
    language: str = "fr",
    files: Sequence[str] = (),
    plans_in: Sequence[Path] = (),
    progress: Progress = quiet,
) -> tuple[Path, ...]:
    """Write ``report.html``, ``report.pdf`` and ``report.xlsx``, and list them in ``run.json``.

    Parameters
    ----------
    access, zones
        The results.
    folder
        Where the other files of the run are.
    before
        The present, where the results are those of a variant.
    language
        ``fr`` or ``en``.
    files
        Names of the run's other files, for its record.
    plans_in
        Other folders of results whose shuttle plans are told if ``folder`` has none; plans
        designed on other inputs are left out.
    progress
        Called with the name of each step.

    Returns
    -------
    tuple of Path
        The three files.
    """
    with staging(folder, reads=source_files(access.study.territory)) as part:
        add_report(
            access,
            zones,
            part,
            before=before,
            language=language,
            plans_in=(Path(folder), *plans_in),
            progress=progress,
        )
        names = sorted({*files, *NAMES, RECORD})
        write_record(access.study, names, part / RECORD, earlier=_record(folder, access.study))
    return tuple(Path(folder) / name for name in NAMES)


def add_report(
    access: Access,
    zones: WhiteZones,
    part: Path,
    *,
    before: Access | None,
    language: str,
    plans_in: Sequence[Path],
    progress: Progress = quiet,
) -> None:
    """Add the three files of a report to a set of outputs that is being written; see above."""
    study = access.study
    words = Words(language)
    progress("report")
    sheets = all_sheets(access, zones, before, words)
    shuttles = read_shuttles(plans_in, study)
    if shuttles is not None:
        sheets |= shuttle_sheets(shuttles, study, words)
    document = Writer(access, zones, words, sheets, shuttles).document()
    (part / "report.html").write_bytes(html_page(document).encode("utf-8"))
    (part / "report.pdf").write_bytes(pdf_bytes(document))
    (part / "report.xlsx").write_bytes(workbook_bytes(sheets, study, words))


def _record(folder: str | Path, study: Study) -> dict[str, Any] | None:
    """Return the record of the run that the report is of, if it is in the folder."""
    record = read_record(Path(folder))
    return record if record is not None and is_of(record, study) else None
