"""Writes the tables of a run, and its report beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mobility.base.errors import Finding
from mobility.base.files import staging, write_gpkg, writing
from mobility.commute.access import Access
from mobility.commute.comparison import comparison
from mobility.commute.indicators import by_group, by_shift, summary
from mobility.commute.study import Progress, quiet
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.advice import read_advice
from mobility.outputs.layers import add_styles, gates_layer, stops_layer
from mobility.outputs.record import NO_PDF, RECORD, is_of, read_record, write_record
from mobility.outputs.render import docx_bytes, html_page, pdf_bytes
from mobility.outputs.report import Writer
from mobility.outputs.report_tables import all_sheets, mode_tables
from mobility.outputs.shuttle_tables import read_shuttles, shuttle_sheets
from mobility.outputs.tables import write_csv
from mobility.outputs.words import Words
from mobility.outputs.workbook import workbook_bytes
from mobility.territory.source_files import source_files

NAMES = ("report.html", "report.pdf", "report.docx", "report.xlsx")
#: Rows of a Parquet file that are held at a time.
ROW_GROUP = 1 << 20


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
    access: Access,
    zones: WhiteZones,
    part: Path,
    *,
    before: Access | None,
    language: str,
    plans_in: Sequence[Path],
    progress: Progress = quiet,
) -> tuple[Finding, ...]:
    """Add the files of a report to a set of outputs that is being written; see above.

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
    if shuttles is not None:
        sheets |= shuttle_sheets(shuttles, study, words)
    # What is advised is for the territory as it is.
    advice = None if study.scenario else read_advice(plans_in, study)
    if advice is not None:
        sheets |= advice.sheets(study, language)
    document = Writer(access, zones, words, sheets, shuttles, advice).document()
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


def write_tables(access: Access, zones: WhiteZones, folder: Path) -> list[Path]:
    """Write every table of a run.

    Returns
    -------
    list of Path
        ``summary.csv``, ``shifts.csv``, ``groups.csv`` (with groups only), ``modal.csv`` and
        its ``factors.csv``, ``carpool.csv`` and ``carpool_points.csv`` (when asked for),
        ``commutes.parquet`` (a row per home, shift, kind of day and mode),
        ``homes.parquet`` (GeoParquet) and, unless it is switched off, ``results.gpkg`` (homes,
        sites, stops, with the styles that QGIS opens them with).
    """
    tables = {"summary": summary(access, zones), "shifts": by_shift(access, zones)}
    groups = by_group(access)
    if len(groups):
        tables["groups"] = groups
    tables |= mode_tables(access)
    written = [write_csv(folder, key, frame) for key, frame in tables.items()]
    with writing(folder / "commutes.parquet") as part:
        _write_commutes(access, part)
    return [*written, folder / "commutes.parquet", *_write_layers(access, zones, folder)]


def _write_layers(access: Access, zones: WhiteZones, folder: Path) -> list[Path]:
    """Write the homes, and with sites and stops as a GeoPackage where it is wanted."""
    homes = zones.to_gdf()
    with writing(folder / "homes.parquet") as part:
        homes.to_parquet(part, index=False, compression="zstd")
    if not access.study.territory.output.geopackage:
        return [folder / "homes.parquet"]
    layers = {"homes": homes, "sites": gates_layer(access), "stops": stops_layer(access)}
    with writing(folder / "results.gpkg") as part:
        write_gpkg(part, layers.items())
        add_styles(part, access.study.territory.output.language)
    return [folder / "homes.parquet", folder / "results.gpkg"]


def _write_commutes(access: Access, path: Path) -> None:
    """Write the long table, a group of rows at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = access.outbound_s.size
    writer: parquet.ParquetWriter | None = None
    try:
        for low in range(0, max(rows, 1), ROW_GROUP):
            frame = access.to_frame(slice(low, low + ROW_GROUP))
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                # Every group has nearly every home: the first and the last of them tell nothing.
                told = [name for name in table.column_names if name != "home_id"]
                writer = parquet.ParquetWriter(
                    path, table.schema, compression="zstd", write_statistics=told
                )
            writer.write_table(table, row_group_size=ROW_GROUP)
    finally:
        if writer is not None:
            writer.close()


def write_comparison(before: Access, after: Access, folder: Path) -> Path:
    """Write the comparison of two situations as CSV."""
    return write_csv(folder, "comparison", comparison(before, after))
