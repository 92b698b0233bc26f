"""The index names every page, and links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def links(page):
    text = page.read_text(encoding="utf-8")
    return [u.partition("#")[0] for u in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in u]


def test_index_names_every_page():
    named = {link for link in links(DOCS / "index.md") if link.endswith(".md")}
    assert {page.name for page in PAGES} - {"index.md"} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    lost = [link for link in links(page) if link and not (page.parent / link).exists()]
    assert not lost
