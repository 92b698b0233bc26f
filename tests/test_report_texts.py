"""Every text of the report has its French, with the same named fields."""

import ast
from pathlib import Path

import pytest

from mobility.base.i18n import MONTHS, french
from mobility.outputs import layers, report, report_tables, shuttle_part, shuttle_tables, words
from mobility.shuttles.factors import Factors

ROOM = Path(report.__file__).parent
MODULES = (
    "words", "report", "workbook", "layers", "shuttle_tables", "shuttle_part", "pictures",
    "report_tables", "plan", "letter", "levers", "illustrations",
)  # fmt: skip


def texts():
    for name in MODULES:
        tree = ast.parse((ROOM / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                for value in node.args[: called in ("t", "translate")]:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value
    yield words.WORST_OF
    yield from words.METHODS
    yield from (*report_tables.ASSUMED.values(), *report_tables.ROLES.values())
    yield from (text for row in report_tables.MEANINGS.values() for text in row if text)
    for table in (words.DEFINITIONS, words.REMEDIES):
        yield from table.values()
    yield from words.DEFINITIONS
    for names in (shuttle_tables.FACTORS, shuttle_tables.PLACES, shuttle_tables.UNITS):
        yield from names.values()
    yield from (row.unit for row in Factors.load().rows.values())
    yield from (heading for heading, _ in (*shuttle_part.TABLES, *shuttle_part.LAST))
    yield from (shuttle_part.PROVEN, shuttle_part.MEANT, shuttle_part.ADVISED, shuttle_part.STUDIED)
    yield from (*words.WEEKDAYS, *MONTHS, *words.SHORT_DAYS.values())
    yield from (*report.LEGEND, *layers.STATUS_LABELS)


ALL = sorted(set(texts()))


def test_texts_are_found():
    assert len(ALL) > 130


@pytest.mark.parametrize("text", ALL, ids=[t[:40] for t in ALL])
def test_has_a_french_text(text):
    assert text in french()
