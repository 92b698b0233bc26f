"""Every text about timetables and calendars has its French translation."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from mobility.base.i18n import french
from mobility.sources.days import KIND_LABELS

ROOM = Path(__file__).parents[1] / "mobility"
MODULES = [
    *sorted((ROOM / "sources" / "gtfs").glob("*.py")),
    ROOM / "sources" / "days.py",
    ROOM / "sources" / "feed_dates.py",
    ROOM / "sources" / "holidays.py",
    *(ROOM / "timetable" / f"{n}.py" for n in ("runs", "transfers", "station", "build")),
]

NAMES = ("message", "mend", "rules")


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))
    elif isinstance(node, ast.Tuple):
        for part in node.elts:
            yield from texts(part)


def templates(path: Path) -> set[str]:
    """Texts given to errors and findings, directly or through a variable of that name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("SourceError", "SourceNotFoundError", "TerritoryError"):
                found.update(t for a in node.args[:1] for t in texts(a))
            if name in ("Finding", "_finding", "tell"):
                found.update(t for a in node.args[2:3] for t in texts(a))
            found.update(t for k in node.keywords if k.arg == "mend" for t in texts(k.value))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in NAMES:
            parts = [p for p in ast.walk(node.value) if isinstance(p, ast.expr)]
            found.update(t for part in parts for t in texts(part))
    return found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_each_text_is_in_the_french_catalogue_with_the_same_fields(path: Path) -> None:
    catalogue = french()
    for text in templates(path):
        assert text in catalogue, text
        assert fields(catalogue[text]) == fields(text), text


def test_kinds_of_day_have_french_names() -> None:
    assert set(KIND_LABELS.values()) <= set(french())
