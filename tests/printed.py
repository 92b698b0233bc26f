"""What the printed documents of a folder say: the tables of a Word file, the words of a PDF."""

from __future__ import annotations

import re
from pathlib import Path

import docx
from pypdf import PdfReader

#: Spaces of every kind, and marks that part no word.
_SPACES = re.compile(r"[\s\u200b\u2060]+")


def plain(text: str) -> str:
    """Return a text with one space where it has some."""
    return _SPACES.sub(" ", text.replace("\xad", "")).strip()


def figure(text: str) -> float:
    """Return the number that a cell prints, in French or English; NaN for none."""
    packed = _SPACES.sub("", text).removesuffix("%").replace("−", "-")
    if not re.fullmatch(r"-?[\d.,]+", packed):
        return float("nan")
    comma = "," in packed and not re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", packed)
    return float(packed.replace(",", ".") if comma else packed.replace(",", ""))


def word_tables(path: Path) -> list[list[list[str]]]:
    """Return the tables of a Word file, cell by cell, heads first."""
    return [
        [[plain(cell.text) for cell in row.cells] for row in table.rows]
        for table in docx.Document(str(path)).tables
    ]


def pdf_words(path: Path) -> str:
    """Return what a PDF prints, without spaces: lines break where they may."""
    return _SPACES.sub("", "".join(page.extract_text() for page in PdfReader(path).pages))


def not_printed(tables: list[list[list[str]]], path: Path, most: int) -> list[str]:
    """Return the figures of the first ``most`` rows of tables that a PDF does not print."""
    words = pdf_words(path)
    cells = (cell for table in tables for row in table[1 : most + 1] for cell in row)
    return [c for c in cells if re.search(r"\d", c) and _SPACES.sub("", c) not in words]
