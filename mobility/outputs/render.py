"""A document as a page, as a PDF, as a Word file and as Markdown.

The page comes of a Jinja template that escapes every text, the PDF of a Typst template that
reads them as data: neither takes a text for its own. Typst was kept because one wheel brings it
to any computer with Python; WeasyPrint needs libraries that pip cannot bring, and a browser
is not at hand everywhere and writes the time into its files. ``index.html`` is a page of its own:
every file of a folder of results, each with a line on what it is.
"""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from mobility.base.cache import Bundle, cached, code_hash
from mobility.base.files import write_bytes, write_text
from mobility.base.i18n import translate
from mobility.base.literal import markdown, one_line
from mobility.outputs import tables as parts
from mobility.outputs.pictures import STYLES
from mobility.outputs.tables import Document, registry
from mobility.outputs.words import CONTENTS, Words
from mobility.outputs.workbook import NO_TIME, timeless

if TYPE_CHECKING:
    from jinja2 import Template

_TABLE_STYLE = "Light List"
_TEMPLATES = files("mobility.outputs") / "templates"
#: Width of a picture in a Word file: 150 mm.
_FIGURE_EMU = 150 * 36_000
#: Rows of tables in print, fewer at each try to keep to the pages a document may have.
_PRINTED_ROWS = (12, 8, 5, 3)
#: Angles of the hatches of `STYLES`, degrees.
_ANGLES = {"": (), "/": (-45,), "\\": (45,), "x": (45, -45)}


def html_page(document: Document) -> str:
    """Return a document as a self-contained page."""
    line = "repeating-linear-gradient({}deg, transparent 0 3px, {} 3px 4px)"
    fills = [
        {
            "colour": colour,
            "image": ", ".join(line.format(a, ink) for a in _ANGLES[hatch[:1]]) or "none",
        }
        for colour, hatch, ink in STYLES
    ]
    return _page_template("document.html").render(document=document, fills=fills)


@cache
def _page_template(name: str) -> Template:
    """Return a template that escapes every text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mobility.outputs"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    # A word too long for any column, such as a hash, may break anywhere.
    environment.filters["longest_word"] = lambda text: max(map(len, text.split()), default=0)
    return environment.get_template(name)


def pdf_bytes(document: Document) -> bytes:
    """Return a document as an A4 PDF: the same document gives the same bytes.

    Where it has more pages than it may, its tables keep fewer of their rows.
    """
    found, pages = _pdf(document)
    for rows in _PRINTED_ROWS:
        if document.most_pages and pages > document.most_pages:
            found, pages = _pdf(_shortened(document, rows))
    return found


def _shortened(document: Document, rows: int) -> Document:
    """Return a document whose tables have so many rows at most, and say so.

    Those that are to be whole are so but where pages are still too many at the fewest rows.
    """
    last = rows == _PRINTED_ROWS[-1]
    told = translate("Printed here: the first {count} rows.", document.language, count=rows)
    blocks = tuple(
        replace(b, rows=b.rows[:rows], caption=f"{b.caption} {told}".strip())
        if isinstance(b, parts.Table) and len(b.rows) > rows and (last or not b.whole)
        else b
        for b in document.blocks
    )
    return replace(document, blocks=blocks)


def _pdf(document: Document) -> tuple[bytes, int]:
    """Return a PDF and its number of pages."""
    import matplotlib as mpl
    import typst

    held: dict[str, bytes] = {}
    data = {
        "styles": [(colour, hatch[:1], ink) for colour, hatch, ink in STYLES],
        **_plain(document, held),
    }
    held["document.json"] = json.dumps(data).encode()
    source = _TEMPLATES / "document.typ"
    held["main.typ"] = source.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in held.items():
            (Path(folder) / name).write_bytes(content)
        compiler = typst.Compiler(  # type: ignore[misc]  # its stubs bind one variable twice
            str(Path(folder) / "main.typ"),
            # DejaVu comes along with Matplotlib; no font of this machine changes the file.
            font_paths=[Path(mpl.get_data_path()) / "fonts" / "ttf"],
            ignore_system_fonts=True,
        )
        pages = json.loads(compiler.query("<pages>", field="value", one=True))
        return bytes(compiler.compile()), int(pages)  # type: ignore[arg-type]  # one PDF


def _plain(value: Any, pictures: dict[str, bytes]) -> Any:
    """Return a document, or a part of it, as JSON knows it, its pictures as names of files."""
    if isinstance(value, bytes):
        name = f"{len(pictures)}.png"
        pictures[name] = value
        return name
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return [_plain(one, pictures) for one in value]
    if is_dataclass(value):
        held = {f.name: _plain(getattr(value, f.name), pictures) for f in fields(value)}
        if isinstance(value, parts.Text):
            held["lines"] = [one_line(line) for line in value.text.split("\n")]
        return held | {"kind": type(value).__name__}
    return value


def docx_bytes(document: Document) -> bytes:
    """Return a document as an A4 Word file in Word's own styles, which its readers restyle."""
    import docx
    from docx.shared import Mm, Pt

    word = docx.Document()
    page = word.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(18)
    styles: Any = word.styles
    styles[_TABLE_STYLE].font.size = Pt(8)
    word.core_properties.title = one_line(document.title)
    word.core_properties.author = "mobility"
    word.core_properties.language = document.language
    word.core_properties.created = word.core_properties.modified = NO_TIME
    word.add_heading(one_line(document.title), 0)
    if document.subtitle:
        word.add_paragraph(one_line(document.subtitle), "Subtitle")
    for block in document.blocks:
        _add_block(word, block)
    word.sections[0].footer.paragraphs[0].text = one_line(document.footer)
    out = io.BytesIO()
    word.save(out)
    return timeless(out.getvalue())


def _add_block(word: Any, block: parts.Block) -> None:
    """Add a block to a Word file; bars and legends are left to pages, their figures are not."""
    match block:
        case parts.Heading():
            word.add_heading(one_line(block.text), block.level)
        case parts.Text():
            _add_text(word, block)
        case parts.Bullets():
            _add_list(word, block)
        case parts.Table():
            _add_table(word, block)
        case parts.Figure():
            word.add_picture(io.BytesIO(block.png), width=_FIGURE_EMU)
            word.add_paragraph(one_line(f"{block.title} {block.caption}"), "Caption")
        case parts.Cards():
            for card in block.cards:
                _add_card(word, card)
        case parts.Panel():
            _add_block(word, block.figure)
            _add_card(word, block.card)
            for name, text in block.notes:
                word.add_paragraph(one_line(f"{name} {text}"), "List Bullet")
        case parts.Strip():
            for figure in block.figures:
                _add_block(word, figure)


def _add_list(word: Any, block: parts.Bullets) -> None:
    number = _new_list(word) if block.numbered else None
    for bold, text in block.items:
        line = word.add_paragraph("", "List Number" if block.numbered else "List Bullet")
        if number is not None:
            line._p.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val = number
        line.add_run(one_line(f"{bold} ") if bold else "").bold = True
        line.add_run(one_line(text))


def _new_list(word: Any) -> int:
    """Return the number of a list that begins at 1: Word goes on counting within a style."""
    known = word.part.numbering_part.element
    style = word.styles["List Number"].element.pPr.numPr.numId.val
    found = known.add_num(known.num_having_numId(style).abstractNumId.val)
    found.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(found.numId)


def _add_text(word: Any, block: parts.Text) -> None:
    """Add a paragraph; the lines of an address begin on the right half of the page."""
    from docx.shared import Mm

    style = {"lead": "Intense Quote", "callout": "Quote"}.get(block.look, "Normal")
    paragraph = word.add_paragraph("", style)
    lines = block.text.split("\n") if block.look == "right" else [block.text]
    if block.look == "right":
        paragraph.paragraph_format.left_indent = Mm(85)
    for k, line in enumerate(lines):
        if k:
            paragraph.runs[-1].add_break()
        paragraph.add_run(one_line(line))


def _add_card(word: Any, card: parts.Card) -> None:
    line = word.add_paragraph()
    line.add_run(one_line(card.title)).bold = True
    split = " · ".join(f"{p.label} {p.value} ({p.percent})" for p in card.parts)
    told = (card.flag, card.subtitle, f"{card.headline} {card.sentence}", split)
    line.add_run("".join(f"\n{one_line(text)}" for text in told if text))


def _add_table(word: Any, block: parts.Table) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    if block.caption:
        word.add_paragraph(one_line(block.caption), "Caption")
    table = word.add_table(rows=0, cols=len(block.heads), style=_TABLE_STYLE)
    # A row is made once and copied: python-docx measures each cell that it is asked for.
    blank = table.add_row()
    for cell, numeric in zip(blank.cells, block.numeric, strict=True):
        if numeric:
            cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    blank._tr.getparent().remove(blank._tr)
    for texts in (block.heads, *block.rows):
        row = deepcopy(blank._tr)
        table._tbl.append(row)
        for cell, text in zip(row.tc_lst, texts, strict=True):
            cell.p_lst[0].add_r().text = one_line(text)


def markdown_text(document: Document) -> str:
    """Return a document without pictures as Markdown."""
    lines = [f"# {markdown(document.title)}", ""]
    for block in document.blocks:
        match block:
            case parts.Heading():
                lines += [f"{'#' * (block.level + 1)} {markdown(block.text)}", ""]
            case parts.Text():
                lines += ["  \n".join(map(markdown, block.text.split("\n"))), ""]
            case parts.Bullets():
                for k, (bold, text) in enumerate(block.items, 1):
                    mark = f"{k}." if block.numbered else "-"
                    told = f"**{markdown(bold)}** " if bold else ""
                    lines.append(f"{mark} {told}{markdown(text)}")
                lines.append("")
            case parts.Table():
                marks = tuple("---:" if numeric else "---" for numeric in block.numeric)
                heads, *rows = (" | ".join(map(markdown, r)) for r in (block.heads, *block.rows))
                lines += [f"**{markdown(block.caption)}**", ""] if block.caption else []
                lines += [f"| {row} |" for row in (heads, " | ".join(marks), *rows)]
                lines.append("")
            case _:
                raise TypeError(block)
    return "\n".join(lines).rstrip() + "\n"


def write_document(document: Document, folder: Path, name: str) -> list[Path]:
    """Write ``<name>.html``, ``.md`` and ``.docx`` into a folder."""
    written = [folder / f"{name}.{kind}" for kind in ("html", "md", "docx")]
    write_text(written[0], html_page(document))
    write_text(written[1], markdown_text(document))
    write_bytes(written[2], docx_bytes(document))
    return written


INDEX = "index.html"
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
    parts = [(words.t(name), _lines(name, there, old, words)) for name in CONTENTS]
    told: dict[str, Any] = {
        "language": words.language,
        "title": title,
        "subtitle": words.t("Who can get to work and back home, on every shift"),
        "parts": [(name, lines) for name, lines in parts if lines],
    }

    def compute() -> Bundle:
        page = _page_template("index.html").render(told)
        return {"page": np.frombuffer(page.encode(), np.uint8)}

    # Loading what renders it takes longer than all the rest.
    key = [code_hash(), Path(str(_TEMPLATES)), *told.values()]
    write_bytes(part / INDEX, np.asarray(cached("pages", key, compute)["page"]).tobytes())


def _files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder of results, by name below it."""
    found = (*folder.glob("*.*"), *(folder / "shuttles").glob("*.*"))
    return {path.relative_to(folder).as_posix(): path for path in found}


def _lines(
    part: str, there: Collection[str], old: Collection[str], words: Words
) -> list[tuple[str, str, str]]:
    """Return address, name and sentence of each file of a part that is there."""
    told = {name: words.t(text) for name, text in CONTENTS[part].items()}
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
