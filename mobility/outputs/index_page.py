"""``index.html``: every file of a folder of results, each with a line on what it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from urllib.parse import quote

from mobility.base.files import write_text
from mobility.outputs.render import page_template
from mobility.outputs.tables import registry
from mobility.outputs.words import Words

NAME = "index.html"
#: File → what it is, by part, in the order of the page.
_PARTS: dict[str, dict[str, str]] = {
    "To read": {
        "report.pdf": "The report, to print: the first page says what is wrong and what is advised",
        "map.html": "The map: the present, what would help, before and after",
        "report.html": "The report, to read on a screen",
        "report.docx": "The report, to rework in a word processor",
        "recommendations.html": "Levers in words, each with the journey of one home",
        "plan.html": "The employer mobility plan",
        "plan.docx": "The employer mobility plan, to rework in a word processor",
        "letter.pdf": "The request to the mobility authority, on one page",
        "letter.docx": "The request to the mobility authority, to sign and send",
        "letter.html": "The same request, to read on a screen",
        "housing.html": "The inverse map: from where the sites can be reached",
        "fairness.html": "Fair access: how many rosters can be held, and from where",
        "delays.html": "What delays of the timetables change",
    },
    "Spreadsheets and tables": {"report.xlsx": "Every table of the report, with its units"},
    "For a geographic information system": {
        "results.gpkg": "Homes, sites and stops, with styles for QGIS",
        "minutes_to_fix.gpkg": "Minutes to fix, per home",
        "isochrones.gpkg": "Isochrones, a layer per site, hour and mode",
        "housing.gpkg": "Places to live, and what holds from each",
        "delays.gpkg": "What delays change, per home",
        "cycle_tracks.geojson": "Cycle tracks advised",
        "homes.parquet": "Homes and what holds from each, as GeoParquet",
    },
    "To check and to run again": {
        "run.json": "Versions, parameters, hashes, licences and findings of the run",
        "levers.json": "What the search of levers found, for the other commands",
    },
}
_TABLES = "Spreadsheets and tables"
#: Files of `mobility levers`, which tell alike whether they are of what stands beside them.
OF_LEVERS = (
    "recommendations.html", "minutes_to_fix.gpkg", "cycle_tracks.geojson", "levers.json",
    *(f"{name}.csv" for name in ("levers", "remedies", "remedy_costs", "to_check", "frontier",
      "set_costs", "lever_factors", "shift_hours", "minutes_to_fix", "levers_on_demand")),
)  # fmt: skip


def write_index(
    part: Path, folder: Path, language: str, title: str, *, reads: Iterable[Path] = (),
    gone: Collection[str] = (), current: Collection[str] = (), outdated: Collection[str] = (),
) -> None:  # fmt: skip
    """Write the index of what a set of outputs makes of a folder.

    Parameters
    ----------
    part
        The files about to be put into ``folder``; the index goes among them.
    folder
        Where other files of earlier commands may stand.
    reads
        Files of the territory: what is older than one of them is said to be, as far as nothing
        better is known of it.
    gone
        Names in ``folder`` that are about to leave it.
    current, outdated
        Names of files there that follow from what stands beside them, and of those that do not.
    """
    words = Words(language)
    kept, new = _files(folder), _files(part)
    since_ns = max((path.stat().st_mtime_ns for path in reads if path.exists()), default=0)
    old = {name for name, path in kept.items() if path.stat().st_mtime_ns < since_ns}
    old = (old - set(current) | set(outdated)) - set(new)
    there = (set(kept) - set(gone)) | set(new)
    parts = [(words.t(name), _lines(name, there, old, words)) for name in _PARTS]
    page = page_template("index.html").render(
        language=words.language,
        title=title,
        subtitle=words.t("Who can get to work and back home, on every shift"),
        parts=[(name, lines) for name, lines in parts if lines],
    )
    write_text(part / NAME, page)


def _files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder of results, by name below it."""
    found = (*folder.glob("*.*"), *(folder / "shuttles").glob("*.*"))
    return {path.relative_to(folder).as_posix(): path for path in found}


def _lines(
    part: str, there: Collection[str], old: Collection[str], words: Words
) -> list[tuple[str, str, str]]:
    """Return address, name and sentence of each file of a part that is there."""
    told = {name: words.t(text) for name, text in _PARTS[part].items()}
    if part == _TABLES:
        for spec in registry().values():
            note = words.set_spaces(spec.note[words.language])
            told.setdefault(spec.file, f"{spec.name[words.language]} – {note}")
        plans = sorted(n for n in there if n.startswith("shuttles/") and n.endswith(".zip"))
        told |= {name: words.t("Timetable of a shuttle plan (GTFS)") for name in plans}
    note = f" – {words.t('of before the last change: run its command again')}"
    return [
        (quote(name), name, text + note * (name in old))
        for name, text in told.items()
        if name in there
    ]
