"""Names that docstrings put between single backticks are names of the package, or of a library."""

import ast
import re
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import pytest

import mobility

PACKAGE = Path(__file__).parents[1] / "mobility"
ALIASES = {"np", "pd"}
NAME = re.compile(r"(?<!`)`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)`(?!`)")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef


class Names:
    """What can be named: words of the code, and what each module, folder and class holds."""

    def __init__(self, trees):
        self.words, self.holds = set(), defaultdict(set)
        for path, tree in trees.items():
            module = path.parent if path.stem == "__init__" else path
            self.holds[module.stem] |= self.told(tree.body)
            self.holds[module.parent.name].add(module.stem)
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.holds[node.name] |= self.told(node.body)
        self.holds["mobility"] |= set(mobility.__all__)
        self.words |= {p.name for p in PACKAGE.rglob("*.*")}
        self.words |= {name for names in self.holds.values() for name in names}

    def told(self, body):
        """Return the names that statements define, and note every word below them."""
        found = set()
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name):
                    self.words.add(node.id)
                elif isinstance(node, ast.arg | ast.keyword):
                    self.words.add(node.arg)
                elif isinstance(node, ast.Attribute):
                    self.words.add(node.attr)
            if isinstance(statement, ast.ClassDef | ast.FunctionDef):
                found.add(statement.name)
            else:
                found |= {
                    node.id
                    for node in ast.walk(statement)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                }
        return found

    def knows(self, name):
        first, *rest = name.split(".")
        if not rest:
            return first in self.words or first in self.holds or find_spec(first) is not None
        owner, last = name.split(".")[-2:]
        if f"{owner}.{last}" in self.words:
            return True  # a file
        if owner in self.holds:
            return last in self.holds[owner]
        return first in ALIASES or find_spec(first) is not None


def lost(trees, known):
    for path, tree in trees.items():
        for node in ast.walk(tree):
            text = isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False)
            for found in NAME.finditer(text or ""):
                if not known.knows(found[1]):
                    line = node.body[0].lineno + text.count("\n", 0, found.start())
                    yield f"{path.name}:{line}: {found[1]}"


@pytest.fixture(scope="module")
def trees():
    return {p: ast.parse(p.read_text(encoding="utf-8")) for p in PACKAGE.rglob("*.py")}


def test_every_name_is_there(trees):
    assert not list(lost(trees, Names(trees)))


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("window", True),
        ("levers_window", False),
        ("model.LeverKind", True),
        ("levers_model.LeverKind", False),
        ("model.NoSuchKind", False),
        ("Study.days_per_year", True),
        ("Study.no_such_field", False),
        ("mobility.sources.gtfs.read", True),
        ("mobility.sources.gtfs.gone", False),
        ("mobility.shuttles", True),
        ("factors.toml", True),
        ("numpy.insert", True),
    ],
)
def test_a_name_is_known_where_the_package_has_it(trees, name, is_known):
    assert Names(trees).knows(name) == is_known
