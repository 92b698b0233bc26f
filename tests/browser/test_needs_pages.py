"""Pages of single needs: read in both languages, without a network, nothing beyond the column."""

from __future__ import annotations

import re

import pytest
from light_plans import write_cut

from mobility.commute.access import assess
from mobility.commute.delays import delays
from mobility.commute.loading import load
from mobility.needs.lines import lines_of
from mobility.needs.risk import risk
from mobility.outputs.needs import delays_answer, write_answer
from mobility.outputs.needs_ways import lines_answer, risk_answer

pytestmark = pytest.mark.browser

#: What a page says that the other language does not: its title, a legend, a cell of a table.
SAID = {
    ("delays", "fr"): ("en retard", "Atelier des Quatre-Vents, journée : ", "jour de semaine"),
    ("delays", "en"): ("are late", "Fonderie des Quatre-Vents, 3×8: ", "school-term weekday"),
    ("lines", "fr"): ("Que coûtent", "plus large, plus d’emplois", "tout le réseau"),
    ("lines", "en"): ("What do the lines", "the wider, the more", "whole network"),
    ("risk", "fr"): ("à quel risque", "hors du jour : 1 ou plus", "journée"),
    ("risk", "en"): ("at what risk", "not by daylight: 1 or more", "office"),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("needs")
    access = assess(load(write_cut(folder, "school_weekday")))
    found = delays(access, draws=10), lines_of(access), risk(access)
    for lang in ("fr", "en"):
        late, lines, driven = found
        write_answer(delays_answer(late, lang), folder / lang, lang)
        write_answer(lines_answer(lines, None, (), lang), folder / lang, lang)
        write_answer(risk_answer(driven, [], lang), folder / lang, lang)
    return folder


@pytest.mark.parametrize(("name", "lang"), SAID)
def test_a_page_is_read_without_a_network(open_page, pages, name, lang) -> None:
    page = open_page(pages / lang / f"{name}.html", wait="table").page
    title, legend, cell = SAID[name, lang]
    assert page.get_attribute("html", "lang") == lang
    assert title in page.inner_text("h1")
    assert legend in re.sub(r"\s", " ", page.inner_text("aside"))
    assert cell in " ".join(page.locator("td").all_inner_texts())
    # What a table tells is read whole; the table itself moves in a box of its own.
    assert page.evaluate(
        """() => { const side = document.querySelector('aside');
        return [...document.querySelectorAll('.caption')].every((told) =>
          told.getBoundingClientRect().right <= side.getBoundingClientRect().right)
          && side.scrollWidth <= side.clientWidth; }"""
    )
    # Numbers are those of the language: 13,957 or, with a narrow space, 13 957.
    told = " ".join([*page.locator("td.number").all_inner_texts(), page.inner_text("aside p")])
    assert re.search(r"\d,\d{3}\b" if lang == "en" else "\\d\u202f\\d{3}\\b", told)
    assert lang == "fr" or "\u202f" not in told
    # A box of the legend switches its layer.
    drawn = "document.querySelector('.leaflet-overlay-pane canvas').toDataURL()"
    before = page.evaluate(drawn)
    page.uncheck("aside label:nth-of-type(1) input")
    page.wait_for_function(f"before => {drawn} !== before", arg=before)
