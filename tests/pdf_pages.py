"""What a PDF of a document prints: its pages, and what it parts over two lines."""

from __future__ import annotations

import io

from pypdf import PdfReader

from mobility.commute.access import Access
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.render import pdf_bytes
from mobility.outputs.report import Writer
from mobility.outputs.tables import Document, Table
from mobility.outputs.words import Words
from mobility.outputs.workbook import all_sheets

#: Pages of a report, whatever the territory.
MOST_PAGES = 12


def assert_printed_whole(document: Document) -> None:
    """Check the number of pages, and that each number of a table stands on one line."""
    pages = PdfReader(io.BytesIO(pdf_bytes(document))).pages
    assert len(pages) <= MOST_PAGES
    lines = {line.strip() for page in pages for line in page.extract_text().split("\n")}
    printed = "\n".join(lines)
    numbers = {
        row[j]
        for block in document.blocks
        if isinstance(block, Table)
        for row in block.rows
        for j in range(len(row))
        if block.numeric[j]
    }
    assert [number for number in sorted(numbers) if number not in printed] == []


def report_of(access: Access, zones: WhiteZones, language: str = "fr") -> Document:
    """Return the report of a run, as `mobility report` lays it out."""
    words = Words(language, access.study.days)
    return Writer(access, zones, words, all_sheets(access, zones, None, words)).document()
