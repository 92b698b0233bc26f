"""Writes the report of a run beside its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mobility.base.errors import Finding
from mobility.base.files import staging
from mobility.commute.access import Access
from mobility.commute.study import Progress, quiet
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.advice import has_advice, read_advice
from mobility.outputs.record import NO_PDF, RECORD, is_of, read_record, write_record
from mobility.outputs.render import docx_bytes, html_page, pdf_bytes
from mobility.outputs.report import Writer
from mobility.outputs.report_tables import all_sheets
from mobility.outputs.shuttle_tables import read_shuttles, shuttle_sheets
from mobility.outputs.tables import sheet_of
from mobility.outputs.words import Words
from mobility.outputs.workbook import workbook_bytes
from mobility.territory.project import source_files

NAMES = ("report.html", "report.pdf", "report.docx", "report.xlsx")


def write_report(
    access: Access, zones: WhiteZones, folder: str | Path, *, before: Access | None = None,
    language: str = "fr", files: Sequence[str] = (), plans_in: Sequence[Path] = (),
    progress: Progress = quiet,
) -> tuple[Path, ...]:  # fmt: skip
    """Write ``report.html``, ``.pdf``, ``.docx`` and ``.xlsx``, and list them in ``run.json``.

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
        The files; without the PDF where its library fails.
    """
    study = access.study
    record = read_record(Path(folder))
    own = record if record is not None and is_of(record, study) else None
    gone: list[str] = []
    with staging(folder, reads=source_files(study.territory), gone=gone) as part:
        failed = add_report(
            access,
            zones,
            part,
            before=before,
            language=language,
            plans_in=(Path(folder), *plans_in),
            progress=progress,
        )
        gone += [finding.source for finding in failed]
        names = [name for name in NAMES if name not in gone]
        outputs = sorted({*files, *names, RECORD})
        findings = (*study.findings, *failed)
        write_record(study, outputs, part / RECORD, findings=findings, earlier=own)
    return tuple(Path(folder) / name for name in names)


def add_report(
    access: Access, zones: WhiteZones, part: Path, *, before: Access | None, language: str,
    plans_in: Sequence[Path], costs: pd.DataFrame | None = None, progress: Progress = quiet,
) -> tuple[Finding, ...]:  # fmt: skip
    """Add the files of a report to a set of outputs that is being written; see above.

    Parameters
    ----------
    costs
        What the changes of a scenario cost, for the spreadsheet.

    Returns
    -------
    tuple of Finding
        That there is no PDF, where the library that makes it fails.
    """
    study = access.study
    words = Words(language, study.days)
    progress("report")
    sheets = all_sheets(access, zones, before, words)
    shuttles = read_shuttles(plans_in, study)
    if costs is not None:
        sheets["scenario_costs"] = sheet_of("scenario_costs", costs)
    if shuttles is not None:
        sheets |= shuttle_sheets(shuttles, study, words)
    # What is advised is for the territory as it is.
    advice = None if study.scenario else read_advice(plans_in, study)
    if advice is not None:
        sheets |= advice.sheets(study, language)
    outdated = advice is None and has_advice(plans_in)
    document = Writer(access, zones, words, sheets, shuttles, advice, outdated).document()
    (part / "report.html").write_bytes(html_page(document).encode("utf-8"))
    (part / "report.docx").write_bytes(docx_bytes(document))
    (part / "report.xlsx").write_bytes(workbook_bytes(sheets, study, words))
    try:
        (part / "report.pdf").write_bytes(pdf_bytes(document))
    except (ImportError, RuntimeError) as error:
        # A library that is there but does not run takes no other file with it.
        message = "The PDF could not be made: {reason}. Page, text and spreadsheet are whole"
        params = {"reason": str(error) or type(error).__name__}
        return (Finding("warning", NO_PDF, message, source="report.pdf", params=params),)
    return ()
