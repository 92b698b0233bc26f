import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "mobility"
MODULES = [
    "sources/osm/reader.py", "sources/osm/lines.py", "sources/osm/graphml.py", "streets/graph.py",
    "streets/snap.py", "streets/modes.py", "streets/changes.py", "streets/slopes.py",
]  # fmt: skip


def texts(module):
    """Every sentence of the module's errors and findings: text with a blank, ending in '.'."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    calls = [
        n for n in ast.walk(tree)
        if isinstance(n, ast.Call) and getattr(n.func, "id", "").endswith(("Error", "Finding"))
    ]  # fmt: skip
    tables = [n for n in ast.walk(tree) if isinstance(n, ast.Dict)]
    found = set()
    for node in calls + tables:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                value = part.value
                if " " in value and value.endswith((".", ").")):
                    found.add(value)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_sentence_has_its_french(module):
    catalogue = ROOT / "base" / "i18n" / "fr_inputs_osm.toml"
    french = tomllib.loads(catalogue.read_text(encoding="utf-8"))
    sentences = texts(module)
    assert sentences
    assert sentences <= french["texts"].keys()
