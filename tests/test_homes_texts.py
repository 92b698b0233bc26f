"""Every text of the input rooms that a user can meet has its French translation."""

import ast
import string
from pathlib import Path

import pytest

from mobility.base.i18n import french

ROOM = Path(__file__).parents[1] / "mobility"
MODULES = sorted(
    [
        *ROOM.glob("sources/homes/*.py"),
        *(
            ROOM / f"{name}.py"
            for name in (
                "sources/sites",
                "sources/tables",
                "sources/columns",
                "sources/layers",
                "sources/download",
                "prepare/communes",
                "prepare/service",
                "prepare/extracts",
                "prepare/offers",
                "sources/osm/clip",
                "sources/osm/industrial",
            )
        ),
        ROOM / "base" / "files.py",
        ROOM / "prepare" / "init.py",
    ]
)


def templates(path):
    """Return the sentences of a module: strings that are no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    expressions = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    texts = {
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in expressions
    }
    return sorted(
        t for t in texts if " " in t and t[-1] in ".?" and (t[0].isupper() or t[0] == "{")
    )


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_each_sentence_has_a_french_text_with_the_same_fields(path):
    known = french()
    for text in templates(path):
        assert text in known, text
        assert fields(known[text]) == fields(text), text
