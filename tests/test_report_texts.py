"""Every text of the report has its French, with the same named fields."""

import ast
from pathlib import Path

import pytest

from mobility.base.i18n import MONTHS, french
from mobility.outputs import (
    content,
    parameters,
    prose,
    sheets,
    shuttle_part,
    shuttle_sheets,
    styles,
    words,
)
from mobility.shuttles.factors import Factors

ROOM = Path(content.__file__).parent
MODULES = (
    "words", "sheets", "content", "workbook", "page", "styles", "shuttle_sheets", "shuttle_part",
    "frontier_chart",
)  # fmt: skip
#: Which arguments of a call are texts.
TEXTS = {"t": (0, 1), "translate": (0, 1), "Column": (1, 2), "Sheet": (0, 2), "_sheet": (0, 2)}


def texts():
    for name in MODULES:
        tree = ast.parse((ROOM / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                for value in node.args[slice(*TEXTS.get(called, (0, 0)))]:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value
    yield prose.WORST_OF
    yield from prose.METHODS
    yield from parameters.ASSUMED.values()
    yield from (text for row in parameters.MEANINGS.values() for text in row if text)
    for table in (prose.DEFINITIONS, prose.REMEDIES):
        yield from table.values()
    yield from prose.DEFINITIONS
    for names in (shuttle_sheets.FACTORS, shuttle_sheets.PLACES, shuttle_sheets.UNITS):
        yield from names.values()
    yield from (row.unit for row in Factors.load().rows.values())
    yield from (heading for heading, _ in (*shuttle_part.TABLES, *shuttle_part.LAST))
    yield from (shuttle_part.PROVEN, shuttle_part.MEANT, shuttle_part.ADVISED, shuttle_part.STUDIED)
    yield from (*words.WEEKDAYS, *MONTHS, *words.SHORT_DAYS.values())
    yield from (*content.LEGEND, *styles.STATUS_LABELS)
    yield from (c.heading for c in (*sheets.SHIFT, sheets.POOL, *sheets.REASON_COLUMNS))


ALL = sorted(set(texts()))


def test_texts_are_found():
    assert len(ALL) > 130


@pytest.mark.parametrize("text", ALL, ids=[t[:40] for t in ALL])
def test_has_a_french_text(text):
    assert text in french()
