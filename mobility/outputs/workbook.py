"""The report's tables as a spreadsheet: one sheet each, typed cells, the same bytes each time."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.base import __version__
from mobility.base.literal import one_line
from mobility.commute.access import Access
from mobility.commute.carpool import SIZES, carpool_table, chances, measure, meeting_points
from mobility.commute.comparison import comparison
from mobility.commute.indicators import by_group, by_overtime, by_shift, summary, whole_persons
from mobility.commute.modal import WITHIN_MIN, modal_table
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.parameters import parameter_rows
from mobility.outputs.pictures import STYLES
from mobility.outputs.tables import Column, Kind, Sheet, cell_text, sheet_of
from mobility.outputs.words import DEFINITIONS, ROLES, WORST_OF, Words
from mobility.territory.factors import Factors

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_FORMATS: dict[Kind, str] = {
    "count": "#,##0",
    "value": "#,##0.##",
    "exact": "General",
    "expected": "#,##0.##",
    "money": "#,##0.00",
    "share": "0.0%",
    "clock": "hh:mm",
    "date": "yyyy-mm-dd",
}
_WIDTHS: dict[Kind, int] = {
    "count": 12, "value": 12, "exact": 12, "expected": 12, "money": 14, "share": 10, "clock": 9,
    "date": 12, "flag": 10,
}  # fmt: skip
#: Classes of the labour pool in the chart, as on the map.
_SPLIT = ("reachable", "one_way_only", "neither")
#: A workbook and its archive hold times; a fixed one keeps the bytes the same.
NO_TIME = dt.datetime(2000, 1, 1)  # noqa: DTZ001 (spreadsheets know no time zone)
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


def workbook_bytes(sheets: dict[str, Sheet], study: Study, words: Words) -> bytes:
    """Return the workbook of a report.

    Counts, shares, clock times and dates are numbers with a format; what is not computed is an
    empty cell. A text that looks like a formula stays a text.
    """

    def told(first: Worksheet) -> None:
        _read_me(first, sheets, study, words)

    return book_bytes(sheets.values(), words, title=study.territory.name, told=told)


def book_bytes(
    sheets: Iterable[Sheet],
    words: Words,
    *,
    title: str,
    told: Callable[[Worksheet], None] | None = None,
) -> bytes:
    """Return tables as a workbook, after a first sheet that ``told`` fills, if it is given."""
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator = f"mobility {__version__}"
    book.properties.title = one_line(title)
    book.properties.created = book.properties.modified = NO_TIME
    first: Any = book.active
    if told is None:
        book.remove(first)
    else:
        told(first)
    # A sheet whose name is longer than 31 letters keeps the file from opening.
    for sheet in sheets:
        _fill(book.create_sheet(sheet.spec.name[words.language][:31]), sheet, words)
    out = io.BytesIO()
    book.save(out)
    return timeless(out.getvalue())


def _fill(target: Worksheet, sheet: Sheet, words: Words) -> None:
    from openpyxl.utils import get_column_letter

    for j, column in enumerate(sheet.columns, 1):
        head = _write_text(target, 1, j, words.set_spaces(column.label(words.language)))
        _head(head)
        values = [_value(v, column, words) for v in sheet.frame[column.key]]
        if any(value is None for value in values):
            _note(head, words.t("Empty: the figure is not computed or does not apply."))
        longest = max((len(v) for v in values if isinstance(v, str)), default=0)
        width = _WIDTHS.get(column.kind, min(max(longest, 8), 60) + 2)
        target.column_dimensions[get_column_letter(j)].width = width
        for i, value in enumerate(values, 2):
            if isinstance(value, str):
                _write_text(target, i, j, value)
            elif value is not None:
                cell = target.cell(i, j, value)
                cell.number_format = _FORMATS.get(column.kind, "General")
    target.freeze_panes = "A2"
    target.auto_filter.ref = target.dimensions
    target.row_dimensions[1].height = 45
    target.sheet_view.zoomScale = 110
    _set_print(target)
    target.print_title_rows = "1:1"
    if sheet.spec.key == "summary":
        _chart(target, sheet, words)


def _note(cell: Cell, text: str) -> None:
    from openpyxl.comments import Comment

    cell.comment = Comment(text, "mobility", height=60, width=260)


def _chart(target: Worksheet, sheet: Sheet, words: Words) -> None:
    """Put a chart under the summary: for each roster, its pool by what holds."""
    from openpyxl.chart import BarChart, Reference

    place = {column.key: j for j, column in enumerate(sheet.columns, 1)}
    last = len(sheet.frame) + 1
    chart = BarChart(barDir="bar", grouping="percentStacked", overlap=100, gapWidth=60)
    chart.title = words.t("Who can hold each roster, as shares of the labour pool")
    chart.width, chart.height = 26, 4 + 1.2 * len(sheet.frame)
    for key, (colour, *_) in zip(_SPLIT, (STYLES[0], STYLES[1], STYLES[3]), strict=True):
        chart.add_data(Reference(target, min_col=place[key], min_row=1, max_row=last), None, True)
        chart.series[-1].graphicalProperties.solidFill = colour.removeprefix("#")
    names = Reference(
        target, min_col=place["site"], max_col=place["roster"], min_row=2, max_row=last
    )
    chart.set_categories(names)
    chart.y_axis.number_format, chart.y_axis.delete, chart.x_axis.delete = "0%", False, False
    chart.x_axis.scaling.orientation = "maxMin"
    target.add_chart(chart, f"A{last + 3}")


def _set_print(target: Worksheet) -> None:
    """Print a sheet across A4 landscape, as many pages long as it takes."""
    target.page_setup.orientation = "landscape"
    target.page_setup.paperSize = 9  # A4
    target.page_setup.fitToHeight = 0
    target.sheet_properties.pageSetUpPr.fitToPage = True


def _value(value: Any, column: Column, words: Words) -> object:
    """Return what a cell holds: a number, a date, a text, or None."""
    if pd.isna(value):
        return None
    match column.kind:
        case "count":
            return round(value)
        case "share" | "value" | "exact" | "money" | "expected":
            return float(value)
        case "clock":
            # Spreadsheets count time in days.
            return int(value) / 86_400
        case "date":
            return value
        case "factor":  # as the columns of factors beside the prices name it
            return str(value)
        case "reason" if not value:
            return ""
    return cell_text(words, column.kind, value)


def _write_text(target: Worksheet, row: int, column: int, text: str) -> Cell:
    """Write a text as a text, whatever it begins with."""
    cell: Any = target.cell(row, column)
    # A cell holds 32,767 letters at most.
    cell.value = one_line(text)[:32_000]
    cell.data_type = "s"
    return cell


def _head(cell: Cell) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    cell.font = Font(bold=True, color="FFFFFF")
    cell.fill = PatternFill("solid", fgColor="17212A")
    cell.alignment = Alignment(wrap_text=True, vertical="center")


def _read_me(target: Worksheet, sheets: dict[str, Sheet], study: Study, words: Words) -> None:
    """Fill the first sheet: what the file is, its sheets, parameters, sources, definitions."""
    from openpyxl.styles import Alignment, Font

    t = words.t
    target.title = t("Read me")
    rows: list[tuple[str, ...]] = [(study.territory.name,)]
    rows += [
        (t("Who can get to work and back home, on every shift"),),
        (f"mobility {__version__}",),
    ]
    if study.scenario:
        rows.append((t("The figures include the plan: {plan}.", plan=study.scenario),))
    rows += [(), (t("Sheets"),)]
    language = words.language
    rows += [(s.spec.name[language], s.spec.note[language]) for s in sheets.values()]
    rows += [(), (t("Definitions"),), (t("Worst-of rule"), t(WORST_OF))]
    rows += [(t(name), t(text)) for name, text in DEFINITIONS.items()]
    empty = t("The figure is not computed or does not apply.")
    rows.append((t("Empty cells"), empty))
    for key, title in (("parameters", "Parameters"), ("sources", "Sources and licences")):
        if key in sheets:
            rows += [(), (t(title),)]
            frame = sheets[key].frame
            rows += [tuple(str(v) for v in row) for row in frame.itertuples(index=False)]
    rows += [(), (t("Columns"),)]
    labels: dict[str, str] = {}
    for sheet in sheets.values():
        for column in sheet.columns:
            labels.setdefault(column.label(language), column.texts[language][2])
    rows += [(label, meaning) for label, meaning in labels.items() if meaning]
    for i, row in enumerate(rows, 1):
        for j, text in enumerate(row, 1):
            cell = _write_text(target, i, j, text)
            cell.alignment = Alignment(wrap_text=j <= 2 < i and len(row) > 1, vertical="top")
            if len(row) == 1:
                cell.font = Font(bold=i != 2, size=16 if i == 1 else 11)
    _set_print(target)
    for letter, width in zip("ABCDE", (34, 90, 26, 26, 68), strict=True):
        target.column_dimensions[letter].width = width


def timeless(data: bytes) -> bytes:
    """Return an archive without the times at which it was written."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                stamp = NO_TIME.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = _MODIFIED.sub(rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return out.getvalue()


#: Means over the workers who hold, and their decimals.
MEANS = {
    "ratio_to_car": 2,
    "km": 1,
    "eur_year": 0,
    "kgco2e_year": 0,
    "night_km_year": 0,
    "night_vkm_year": 0,
}


def all_sheets(
    access: Access,
    zones: WhiteZones,
    before: Access | None,
    words: Words,
    *,
    designed: bool = False,
) -> dict[str, Sheet]:
    """Return every table of a report, by key; empty ones are left out.

    Parameters
    ----------
    designed
        Whether shuttles or other remedies are told.
    """
    study = access.study
    frames = {
        "summary": summary(access, zones),
        "shifts": _with_hours(by_shift(access, zones), study),
        "late": by_overtime(access),
        "groups": by_group(access),
        "days": _days(study, words),
        "findings": _findings(study, words),
        "parameters": pd.DataFrame(
            parameter_rows(study, words, designed=designed),
            columns=["meaning", "value", "unit", "name"],
        ),
        "sources": _sources(study, words),
    }
    if before is not None:
        frames["comparison"] = comparison(before, access)
    return {key: sheet_of(key, frame) for key, frame in frames.items() if len(frame)}


def _with_hours(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    hours = {(s.site_name, s.roster, s.shift): (s.start_s, s.end_s) for s in study.shift_rows}
    names = zip(frame["site"], frame["roster"], frame["shift"], strict=True)
    starts, ends = zip(*(hours[name] for name in names), strict=True)
    return frame.assign(start_s=starts, end_s=ends)


def _days(study: Study, words: Words) -> pd.DataFrame:
    rows = [
        (
            d.kind,
            d.date,
            words.weekdays(d.weekdays),
            d.trips,
            words.set_spaces(d.reason.render(words.language)),
        )
        for d in study.days
    ]
    return pd.DataFrame(rows, columns=["day_kind", "date", "weekdays", "trips", "why"])


def _findings(study: Study, words: Words) -> pd.DataFrame:
    rows = [
        (words.t(f.severity), f.source, words.set_spaces(f.render(words.language)))
        for f in study.findings
        if f.severity != "info"
    ]
    return pd.DataFrame(rows, columns=["severity", "source", "text"])


def _sources(study: Study, words: Words) -> pd.DataFrame:
    rows = [
        (words.t(ROLES.get(s.role, s.role)), s.name, s.attribution, s.licence, s.sha256)
        for s in study.sources
    ]
    return pd.DataFrame(rows, columns=["role", "file", "attribution", "licence", "sha256"])


def mode_tables(access: Access) -> dict[str, pd.DataFrame]:
    """Return ``modal`` and ``factors``; with a table [carpool] also ``carpool`` and its points."""
    study = access.study
    settings = study.territory.carpool
    if settings is None:
        tables = {"modal": rounded_modal(modal_table(access))}
    else:
        drives, places, there = measure(study)
        found = chances(study, drives, settings)
        shared = {k: v[1][0] for k, v in found.items()}
        points = meeting_points(study, drives, places, there, settings)
        counts = ["headcount", "own_site_2", *(f"with_{k}" for k in SIZES)]
        table = whole_persons(carpool_table(study, found), counts)
        table = table.round({f"share_{k}": 3 for k in SIZES})
        tables = {
            "modal": rounded_modal(modal_table(access, shared)),
            "carpool": table,
            "carpool_points": whole_persons(points, ["near", *(f"in_{k}" for k in SIZES)]),
        }
    territory = study.territory
    rows = Factors.load(territory.factors, file=territory.path).to_frame(territory.language)
    return tables | {"factors": rows}


def rounded_modal(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison in whole persons, its means rounded."""
    out = whole_persons(frame, ["pool", "holds", *(f"within_{m}" for m in WITHIN_MIN)])
    for name, decimals in MEANS.items():
        out[name] = frame[name].astype("Float64").round(decimals)
    return out
