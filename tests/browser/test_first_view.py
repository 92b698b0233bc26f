"""What a reader meets first: the whole roster, one counted legend, what would help."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from golden import assert_alike
from maps_model import make_model
from pdf_pages import assert_printed_whole, report_of

from mobility.commute.loading import load
from mobility.outputs.map.from_results import map_model
from mobility.outputs.map.model import NONE, ExistingLine, MapLever
from mobility.outputs.map.pack import read_page
from mobility.outputs.map.page import write_map
from mobility.outputs.tables import Text
from mobility.pipeline import demo_territory, evaluate
from mobility.settings import read_territory

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    access, zones = evaluate(load(read_territory(demo_territory())))
    path = tmp_path_factory.mktemp("demo") / "map.html"
    return access, zones, write_map(map_model(access, zones), path)


def test_the_demo_opens_on_its_roster(open_page, demo, tmp_path) -> None:
    access, zones, path = demo
    opened = open_page(path, folded=True, viewport={"width": 1400, "height": 900})
    page = opened.page
    # As the report's first page: who holds each of the three shifts, whatever the day.
    rows = zones.keys["shift_id"].isin([0, 1, 2]).to_numpy()
    held = access.study.workers[(zones.status[rows] == 0).all(axis=0)].sum()
    assert re.sub(r"\D", "", opened.figure("both")) == f"{held:.0f}" == "799"
    assert re.sub(r"[^\d,]", "", opened.figure("share")) == "5,5"
    assert "actifs du bassin" in page.inner_text(".mb-key")
    # The territory fills the frame, in one direction at least.
    filled = page.evaluate(
        """() => { const { map } = window.mobilityMap, size = map.getSize(), points = [];
        for (let x = 0; x < size.x; x += 4) for (let y = 0; y < size.y; y += 4)
          if (window.mobilityMap.homeAt(map.containerPointToLatLng([x, y])) >= 0)
            points.push([x, y]);
        const span = (k, all) => (Math.max(...points.map((p) => p[k]))
          - Math.min(...points.map((p) => p[k]))) / all;
        return Math.max(span(0, size.x), span(1, size.y)); }"""
    )
    assert filled > 0.88
    page.screenshot(path=tmp_path / "seen.png")
    assert_alike(tmp_path / "seen.png", "demo")


def test_the_report_of_the_demo_prints_whole(demo) -> None:
    """Twelve pages at most; page 1 tells the figure of the map's first view."""
    access, zones, _ = demo
    found = report_of(access, zones)
    assert_printed_whole(found)
    lead = next(b.text for b in found.blocks if isinstance(b, Text) and b.look == "lead")
    assert lead.startswith("799 des 14\u202f542 actifs du bassin (5,5\u202f%)")


HEADLINES = {
    "holds": r"peuvent aller et revenir en transport collectif",
    "time": r"la moitié des .* mettent moins",
    "white": r"peuvent aller et revenir sans voiture",
    "reason": r"sont en zone blanche, d’abord pour",
    "late": r"rentrent encore en transport collectif après 30 min",
    "gain": r"gagnent l’aller et retour",
    "fix": r"si une course ou une ligne bougeait de 15 min",
}


@pytest.mark.parametrize("measure", list(HEADLINES))
def test_headline_title_and_counts_follow_the_measure(open_page, basin, measure) -> None:
    model, path = basin
    opened = open_page(path, f"site=0&pick=s1&day=0&measure={measure}")
    page = opened.page
    assert re.search(HEADLINES[measure], page.inner_text(".mb-key").replace("\u00a0", " "))
    said = page.inner_text("#mb-question")
    opened.choose(measure="share" if measure == "holds" else "holds")
    assert measure == "holds" or page.inner_text("#mb-question") != said
    opened.choose(measure=measure)
    counts = page.locator("#mb-legend dd").evaluate_all("rows => rows.map(r => r.firstChild.data)")
    total = sum(int(re.sub(r"\D", "", text)) for text in counts)
    assert total == pytest.approx(model.homes.workers.sum(), abs=len(counts))


def test_median_and_shares_of_times_by_hand(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s1&day=0&mode=0&measure=time&direction=out")
    keys = zip(model.key_shift, model.key_day, model.key_mode, strict=True)
    row = [tuple(map(int, k)) for k in keys].index((1, 0, 0))
    minutes = model.scenarios[0].outbound_min[row]
    people = np.repeat(minutes, model.homes.workers.astype(int))
    held = np.sort(people[people < NONE])
    assert opened.figure("median") == f"{held[(len(held) - 1) // 2]}\u00a0min"
    for most in (30, 45, 60):
        shown = re.sub(r"\D", "", opened.figure(f"within{most}"))
        assert int(shown) == int((held <= most).sum())


@pytest.fixture(scope="module")
def helped(tmp_path_factory):
    """Return a page with two levers, a plan and two existing lines."""
    model = make_model(step_km=1.0)
    told = ("Avancer la ligne 2 de 5 min", "Move line 2 by 5 min")
    levers = (
        MapLever(1, told, told, 12, 4, 1200, "move_trip", advised=True, pick="s1"),
        MapLever(1, ("Dévier", "Divert"), ("Dévier", "Divert"), 3, 1, 9000, "extend"),
    )
    days = tuple(np.array([[270, 30], [600, 30], [660, 30]]) for _ in model.days)
    lines = (
        ExistingLine("N10", model.plans[0].lines[0].path, days),
        ExistingLine("N2", model.plans[1].lines[1].path, tuple(d[:0] for d in days)),
    )
    model = replace(model, levers=levers, lines=lines, inputs="abc")
    return model, write_map(model, tmp_path_factory.mktemp("helped") / "map.html")


def test_levers_are_announced_listed_and_compared(open_page, helped) -> None:
    _, path = helped
    opened = open_page(path, "site=0&pick=r0")
    page = opened.page
    first = page.inner_text("#mb-answers .mb-answer >> nth=0").replace("\u202f", " ")
    assert "Avancer la ligne 2 de 5 min" in first
    assert "12 emplois" in first
    assert "100" in first  # 1,200 EUR for 12 jobs
    assert page.locator("#mb-levers li").count() == 2
    page.click("#mb-answers .mb-answer >> nth=0")
    opened.until("state.compare")
    assert "Avancer la ligne 2 de 5 min" in page.inner_text("#mb-question")
    assert page.is_visible("#mb-swipe")
    assert page.evaluate("window.mobilityMap.state.pick") == "s1"


_BELOW = """() => [...document.querySelectorAll('.mb-panel section :is(h2, summary)')]
  .filter((n) => n.getClientRects().length && n.getBoundingClientRect().bottom > innerHeight)
  .map((n) => n.textContent)"""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_heading_stands_whole_on_a_screen_of_900_pixels(open_page, helped, language) -> None:
    opened = open_page(
        helped[1],
        f"lang={language}&scenario=0&pick=r0",
        folded=True,
        viewport={"width": 1400, "height": 900},
    )
    page = opened.page
    assert page.is_visible("#mb-answers .mb-answer")
    assert page.evaluate(_BELOW) == []
    assert page.evaluate("document.querySelector('.mb-panel').scrollTop") == 0
    # What is opened has the whole width again.
    page.click(".mb-layers summary")
    width = "document.querySelector('{}').clientWidth"
    assert page.evaluate(width.format(".mb-layers")) == page.evaluate(width.format(".mb-panel"))


def test_existing_lines_tell_first_last_and_trips_at_the_edge(open_page, helped) -> None:
    """Shift 0 is 05:00 to 13:00: the trip of 04:30 is before it, none runs after 13:00."""
    model, path = helped
    opened = open_page(path, "site=0&pick=s0&lines=1&shuttles=0&day=0")
    page = opened.page
    middle = model.lines[0].path[2]
    page.evaluate(
        f"""() => {{ const {{ map }} = window.mobilityMap;
        map.setView([{middle[1]}, {middle[0]}], 15, {{ animate: false }});
        map.fire('click', {{ latlng: L.latLng({middle[1]}, {middle[0]}) }}); }}"""
    )
    page.wait_for_selector("#mb-card:not([hidden])")
    told = page.inner_text("#mb-card")
    assert "Ligne N10" in told
    assert "04:30" in told
    assert "11:00" in told
    assert re.search(r"avant 05:00\s+1", told)
    assert re.search(r"après 13:00\s+aucune", told)


def test_whole_territory_takes_back_the_commune(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1&area=2")
    opened.page.click("#mb-whole")
    opened.until("state.area === -1")


def test_a_search_message_goes_and_what_is_greyed_says_why(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1&measure=white")
    page = opened.page
    assert "admis par le territoire" in page.inner_text("#mb-greyed")
    assert page.is_disabled("#mb-mode")
    page.fill("#mb-search", "Nulle part")
    page.press("#mb-search", "Enter")
    page.wait_for_function("document.getElementById('mb-search-said').textContent !== ''")
    page.click("#mb-picks [data-value=r0]")
    page.wait_for_function("document.getElementById('mb-search-said').textContent === ''")


def test_isochrones_outline_the_cells_within_their_minutes(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1&mode=3")
    before = opened.page.locator(".folium-map").screenshot()
    opened.page.check("#mb-layer-isochrones")
    opened.page.wait_for_timeout(300)
    assert opened.page.locator(".folium-map").screenshot() != before


def test_other_data_take_the_place_of_the_page_s(open_page, basin, helped) -> None:
    """The same page, given the manifest and the blobs of another, tells the other's figures."""
    _, path = basin
    other, other_path = helped
    opened = open_page(path, "site=0&pick=s1&day=0")
    found = read_page(other_path)
    opened.page.evaluate(
        "([manifest, blobs]) => window.mobilityMap.replace(manifest, blobs)",
        [found.manifest, found.blobs],
    )
    shown = re.sub(r"\D", "", opened.figure("pool"))
    assert int(shown) == round(other.homes.workers.sum())
    assert opened.page.evaluate("window.mobilityMap.state.pick") == "s1"


def test_an_earlier_page_hands_on_levers_and_plans(helped, tmp_path) -> None:
    model, path = helped
    bare = replace(model, levers=(), plans=(), scenarios=model.scenarios[:1])
    again = read_page(write_map(bare, tmp_path / "map.html", earlier=path))
    assert [lever["scenario"] for lever in again.levers] == [1, 1]
    assert len(again.manifest["scenarios"]) == 2
    assert len(again.manifest["plans"]) == len(model.plans)
    other = replace(bare, inputs="def")
    assert read_page(write_map(other, tmp_path / "b.html", earlier=path)).levers == []


def test_a_phone_of_390_pixels_shows_map_figure_and_legend_first(open_page, demo) -> None:
    _, _, path = demo
    opened = open_page(path, folded=True, viewport={"width": 390, "height": 800})
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in (".folium-map", ".mb-key", "#mb-legend dd >> nth=0"):
        box = page.locator(name).bounding_box()
        assert box["y"] + min(box["height"], 30) <= 800, name
