"""The index names every page, and links between pages lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest
import typer

from mobility.cli import app

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def links(page):
    text = page.read_text(encoding="utf-8")
    return [u.partition("#")[0] for u in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in u]


def test_the_settings_of_shuttles_are_those_of_the_code():
    path = DOCS.parent / "tools" / "make_shuttles_doc.py"
    spec = importlib.util.spec_from_file_location("settings_doc", path)
    doc = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(doc)
    written = (DOCS / "shuttles.md").read_text(encoding="utf-8")
    assert written == doc.page(), "run: python tools/make_shuttles_doc.py"


def test_index_names_every_page():
    named = {link for link in links(DOCS / "index.md") if link.endswith(".md")}
    assert {page.name for page in PAGES} - {"index.md"} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    lost = [link for link in links(page) if link and not (page.parent / link).exists()]
    assert not lost


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", *PAGES], ids=lambda p: p.name)
def test_commands_and_options_are_those_of_the_program(page):
    text = page.read_text(encoding="utf-8")
    asked = re.findall(r"(?:`|^)mobility ([a-z][^`#\n]*)", text, re.MULTILINE)
    for line in asked:
        words, command = line.split(), typer.main.get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not words or not hasattr(command, "commands"), line
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        given = [re.sub(r"[^\w-].*", "", word) for word in words if word.startswith("--")]
        assert set(given) <= {*known, "--help"}, line
