"""The texts of the package, found by Babel's extraction, and their French."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).parents[1] / "mobility"
I18N = PACKAGE / "base" / "i18n"

#: Which arguments of a call are texts; those of an error are its problem and, if refused, mend.
ARGUMENTS = {
    "translate": (0,), "t": (0, 1), "say": (0,), "said": (0,), "Word": (0,), "_tell": (0,),
    "Finding": (2,), "_finding": (2,), "tell": (2,), "priced": (1, 3), "CostLine": (0, 2),
    "RefusedError": (0, 1), "option": (0,), "argument": (0,),
}  # fmt: skip
NAMED = ("message", "mend", "problem", "help")
NO_TEXTS = ("ValueError", "TypeError", "KeyError", "AssertionError", "RuntimeError", "OSError")
Found = Iterator[tuple[int, str | None, str, list[str]]]


@cache
def french() -> dict[str, str]:
    """Every template with its French; of a text with a singular, the plural."""
    return {key: forms[-1] for key, forms in forms("fr").items()}


@cache
def forms(language: str) -> dict[str, tuple[str, ...]]:
    """Every template of a catalogue with its text, or its singular and plural."""
    with (I18N / f"{language}.po").open("rb") as stream:
        messages = [message for message in read_po(stream) if message.id]
    return {
        m.id[0] if m.pluralizable else m.id: m.string if m.pluralizable else (m.string,)
        for m in messages
    }


def python_texts(stream: Any, *_: object, **_options: object) -> Found:
    """Babel's extraction of what a module says: arguments that are texts, and sentences."""
    tree = ast.parse(stream.read())
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            default = (0,) if name.endswith("Error") and name not in NO_TEXTS else ()
            given = [node.args[k] for k in ARGUMENTS.get(name, default) if k < len(node.args)]
            given += [word.value for word in node.keywords if word.arg in NAMED]
            for text in (text for value in given for text in _constants(value)):
                yield node.lineno, None, text, []
        elif isinstance(node, ast.Constant) and id(node) not in prose and _is_sentence(node.value):
            yield node.lineno, None, node.value, []


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip():
        yield node.value
    elif isinstance(node, ast.IfExp | ast.Tuple):
        parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.elts
        yield from (text for part in parts for text in _constants(part))


def _is_sentence(value: object) -> bool:
    if not isinstance(value, str) or "(?P<" in value:  # a pattern
        return False
    return re.fullmatch(r"[A-Z{].* .*[.?]", value, re.DOTALL) is not None


def page_texts(stream: Any, *_: object, **_options: object) -> Found:
    """Babel's extraction of the map page's markup."""
    for text in re.findall(rb'data-t(?:-label|-placeholder)?="([^"]+)"', stream.read()):
        yield 1, None, text.decode(), []


@cache
def extracted() -> dict[str, str]:
    """Every text that must have a translation, with a file that says it."""
    methods = [
        ("**.py", python_texts),
        ("outputs/map/**.js", "javascript"),
        ("studio/**.js", "javascript"),
        ("**.html", page_texts),
    ]
    rows = [
        *extract_from_dir(PACKAGE, methods, keywords={"t": None}, strip_comment_tags=True),
        *extract_from_dir(
            PACKAGE, [("**.jinja", "jinja2.ext:babel_extract")], keywords={"say": None}
        ),
    ]
    return {text: file for file, _, text, *_ in rows if isinstance(text, str)}


@cache
def quoted() -> set[str]:
    """Every text that stands in the package between quotes, whatever is done with it."""
    texts: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        values = [node.value for node in nodes if isinstance(node, ast.Constant)]
        texts |= {" ".join(v.split()) if "\n" in v else v for v in values if isinstance(v, str)}
    # The registry of tables holds its own words, in both languages.
    for path in (p for p in PACKAGE.rglob("*.toml") if p.name != "tables.toml"):
        texts |= set(leaves(tomllib.loads(path.read_text(encoding="utf-8"))))
    return texts


def leaves(table: object) -> Iterator[str]:
    """Yield every text of a TOML file."""
    if isinstance(table, str):
        yield table
    elif isinstance(table, dict | list):
        for part in table.values() if isinstance(table, dict) else table:
            yield from leaves(part)
