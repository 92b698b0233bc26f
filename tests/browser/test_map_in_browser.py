"""The page in headless Chromium, the network cut: each control, the figures, the keyboard."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from maps_model import HOSTILE, SHOWN, make_model
from PIL import Image

from mobility.commute.white_zones import REASONS
from mobility.outputs.map.assets import ENGLISH, page_french
from mobility.outputs.map.export import export_png, find_browser
from mobility.outputs.map.figures import Rows, directions
from mobility.outputs.map.model import NONE, MapModel
from mobility.outputs.map.page import write_map

pytestmark = pytest.mark.browser
SPACES = re.compile(r"[\s\u00a0\u202f,]")


def whole(text: str) -> int:
    """Read a number as the page writes it."""
    return int(SPACES.sub("", text))


def row_of(model: MapModel, shift: int, day: int, mode: int) -> int:
    keys = zip(model.key_shift, model.key_day, model.key_mode, strict=True)
    return [tuple(map(int, k)) for k in keys].index((shift, day, mode))


def zone_of(model: MapModel, shift: int, day: int) -> int:
    zones = zip(model.zone_shift, model.zone_day, strict=True)
    return [tuple(map(int, z)) for z in zones].index((shift, day))


def expected(model: MapModel, scenario: int, row: int, roster: int) -> list[int]:
    """Count workers both ways, out only, back only, neither, straight from the arrays."""
    now, workers = model.scenarios[scenario], model.homes.pool(roster)
    out, back = now.outbound_min[row] < NONE, now.return_min[row] < NONE
    sets = (out & back, out & ~back, ~out & back, ~out & ~back)
    return [round(float(workers[s].sum())) for s in sets]


def shown_counts(opened) -> list[int]:
    return [whole(opened.figure(n)) for n in ("reachable", "out", "back", "neither")]


@pytest.mark.parametrize(
    ("shift", "day", "mode", "scenario"),
    [(0, 0, 0, 0), (1, 0, 0, 0), (2, 3, 0, 0), (5, 1, 2, 0), (3, 0, 3, 0), (0, 0, 0, 1)],
)
def test_figures_equal_the_model(open_page, basin, shift, day, mode, scenario) -> None:
    model, path = basin
    roster = model.shifts[shift].roster
    site = model.rosters[roster].site
    opened = open_page(path, f"site={site}&pick=s{shift}&day={day}&mode={mode}&scenario={scenario}")
    counts = expected(model, scenario, row_of(model, shift, day, mode), roster)
    assert shown_counts(opened) == counts
    assert whole(opened.figure("pool")) == round(model.homes.workers.sum())
    assert whole(opened.figure("both")) == counts[0]
    zone = zone_of(model, shift, day)
    status = model.scenarios[scenario].status[zone]
    assert whole(opened.figure("white")) == round(model.homes.workers[status > 0].sum())
    reasons = np.bincount(
        model.scenarios[scenario].reason[zone], weights=model.homes.workers, minlength=10
    )
    main = int(reasons[1:].argmax()) + 1
    told = page_french()[ENGLISH[f"reason {REASONS[main]}"]]
    assert opened.figure("reason") == f"Motif principal\N{NO-BREAK SPACE}: {told}"
    assert whole(opened.figure("kept")) == round(reasons[main])


def test_roster_figures_follow_the_worst_of_rule(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=2&pick=r2&mode=0")
    rows = Rows(model, model.scenarios[0])
    row = len(model.key_shift) + 2 * len(model.modes)
    mine = [
        k for k in range(len(model.key_shift)) if model.key_shift[k] == 5 and not model.key_mode[k]
    ]
    out = (model.scenarios[0].outbound_min[mine] < NONE).all(axis=0)
    back = (model.scenarios[0].return_min[mine] < NONE).all(axis=0)
    classes = directions(rows.minutes(row, "outbound_min"), rows.minutes(row, "return_min"))
    assert np.array_equal(classes == 0, out & back)
    assert whole(opened.figure("reachable")) == round(model.homes.workers[out & back].sum())


def test_gained_and_lost_equal_the_model(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s0&day=0&mode=0&measure=gain&scenario=1")
    row = row_of(model, 0, 0, 0)
    was, now = ((s.outbound_min[row] < NONE) & (s.return_min[row] < NONE) for s in model.scenarios)
    workers = model.homes.workers
    assert whole(opened.figure("gained")) == round(workers[now & ~was].sum()) > 0
    assert opened.figure("gain") == "+" + opened.figure("gained")
    assert whole(opened.figure("lost")) == round(workers[was & ~now].sum())


def test_figures_of_a_commune_and_of_a_group(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s1&day=0&mode=0")
    row, communes = row_of(model, 1, 0, 0), sorted(set(model.homes.commune))
    now = model.scenarios[0]
    held = (now.outbound_min[row] < NONE) & (now.return_min[row] < NONE)
    here = np.array(model.homes.commune) == "La Ferté"
    opened.page.select_option("#mb-area", str(communes.index("La Ferté")))
    opened.until("state.area >= 0")
    assert whole(opened.figure("pool")) == round(model.homes.workers[here].sum())
    opened.choose(area=-1, group=1)
    without = next(iter(model.homes.groups.values()))
    assert whole(opened.figure("pool")) == round(without.sum())
    assert whole(opened.figure("reachable")) == round(without[held].sum())


def test_title_and_figures_say_whom_they_count(open_page, basin) -> None:
    model, path = basin
    communes = sorted(set(model.homes.commune))
    opened = open_page(path, f"site=0&pick=s1&area={communes.index('Brézolles')}")
    assert "Chiffres pour\u00a0: Brézolles" in opened.page.inner_text("#mb-figures > h2")
    assert "Chiffres pour\u00a0: Brézolles" in opened.page.inner_text("#mb-subtitle")
    opened.choose(area=-1, group=1)
    for part in ("#mb-figures > h2", "#mb-subtitle"):
        assert "Parmi les actifs\u00a0: Sans voiture" in opened.page.inner_text(part)
    opened.choose(group=0)
    assert opened.page.locator("#mb-figures > h2").count() == 0


ADDRESS = (
    "site=0&pick=s1&day=1&direction=out&mode=0&measure=time&scenario=1&plan=1&area=2&compare=1"
    "&swipe=0.3&clock=46800&background=0&stops=1&shuttles=0&labels=0&view=12.5/46.71/-1.32&lang=en"
)


def read_state(opened) -> dict:
    return opened.page.evaluate("JSON.parse(JSON.stringify(window.mobilityMap.state))")


def test_the_address_holds_selection_and_view(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, ADDRESS)
    page = opened.page
    state, view = read_state(opened), page.evaluate(VIEW)
    assert [state[k] for k in ("area", "swipe", "clock", "compare")] == [2, 0.3, 46800, True]
    assert state["layers"] == {
        "background": False, "stops": True, "shuttles": False, "labels": False,
        "lines": False, "isochrones": False,
    }  # fmt: skip
    assert view[:3] == pytest.approx([12.5, 46.71, -1.32], abs=1e-4)
    opened.choose(area=-1, group=1, clock=3600)
    page.uncheck("#mb-layer-stops")
    page.wait_for_function("location.hash.includes('group=1') && location.hash.includes('stops=0')")
    state = read_state(opened)
    again = open_page(path, page.evaluate("location.hash.slice(1)"))
    assert read_state(again) == state
    assert again.page.evaluate(VIEW) == pytest.approx(view, abs=1e-4)
    # Another address in the open page; the link to the controls is none.
    page.evaluate("location.hash = '#site=2&pick=s5&view=11/46.7/-1.3'")
    opened.until("state.pick === 's5'")
    assert (read_state(opened)["group"], read_state(opened)["compare"]) == (0, False)
    opened.until("map.getZoom() === 11")
    page.evaluate("location.hash = '#mb-controls'")
    page.wait_for_timeout(100)
    assert read_state(opened)["pick"] == "s5"


def test_values_that_cannot_be_are_ignored(open_page, basin) -> None:
    _, path = basin
    usual = read_state(open_page(path))
    bad = {
        "site": "0.5", "pick": "s99", "day": "9", "direction": "up", "mode": "-1", "measure": "no",
        "scenario": "1e9", "plan": "x", "area": "99", "group": "7", "compare": "2", "swipe": "NaN",
        "clock": "90000", "background": "yes", "stops": "", "shuttles": "-", "labels": "2",
        "view": "99/500/1", "lang": "de", "layout": "A0", "__proto__": "1", "constructor": "1",
    }  # fmt: skip
    opened = open_page(path, "&".join(f"{k}={v}" for k, v in bad.items()))
    assert read_state(opened) == usual
    assert opened.page.get_attribute("body", "data-layout") is None
    assert opened.page.evaluate(VIEW) == open_page(path).page.evaluate(VIEW)


def test_the_present_can_be_chosen_while_gains_show(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1&measure=white")
    page = opened.page
    for control, value in (("measure-kind", "gain"), ("scenario", "0")):
        page.select_option(f"#mb-{control}", value)
        opened.until()
    assert (read_state(opened)["scenario"], read_state(opened)["measure"]) == (0, "white")


def test_two_scenarios_keep_their_names_and_dates(open_page, tmp_path) -> None:
    model = make_model(step_km=2.0)
    dates = tuple(day.date for day in model.days)
    named = (
        replace(model.scenarios[0], name="Hiver", dates=dates),
        replace(model.scenarios[1], name="Été", dates=("2026-06-16", *dates[1:])),
    )
    path = write_map(replace(model, scenarios=named, plans=()), tmp_path / "map.html")
    opened = open_page(path, "site=0&pick=s1&day=0")
    told = opened.page.inner_text("#mb-subtitle")
    assert "mardi 17 mars 2026" in told
    assert "Hiver" in told
    opened.choose(scenario=1)
    told = opened.page.inner_text("#mb-subtitle")
    assert "mardi 16 juin 2026" in told
    assert "mars" not in told
    opened.choose(compare=True)
    told = opened.page.inner_text("#mb-subtitle")
    assert "Hiver (mardi 17 mars 2026) → Été (mardi 16 juin 2026)" in told
    assert "Comparer à\u00a0: Hiver" in opened.page.inner_text("#mb-scenario-row")


def test_what_gains_elsewhere_leads_there(open_page, tmp_path) -> None:
    """The plan of the basin serves the first site alone."""
    opened = open_page(write_map(make_model(), tmp_path / "map.html"), "site=2&measure=gain")
    page = opened.page
    assert opened.figure("gain") == "0"
    assert "sert ailleurs" in page.inner_text(".mb-elsewhere")
    page.click(".mb-elsewhere button >> nth=0")
    opened.until("state.site === 0")
    page.wait_for_function("!document.querySelector('.mb-elsewhere')")
    assert whole(opened.figure("gained")) > 0


def test_each_control_changes_drawing_or_figures(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1")
    page = opened.page
    steps = [
        ("#mb-picks", "s0"), ("#mb-picks", "r0"), ("#mb-picks", "s1"), ("#mb-days", "1"),
        ("#mb-measure-kind", "time"), ("#mb-direction", "out"), ("#mb-direction", "back"),
        ("#mb-mode", "2"), ("#mb-measure-kind", "white"), ("#mb-measure-kind", "reason"),
        ("#mb-measure-kind", "late"), ("#mb-mode", "0"), ("#mb-scenario", "1"),
        ("#mb-measure-kind", "gain"), ("#mb-site", "1"),
    ]  # fmt: skip
    seen = "#mb-question", "#mb-figures"
    before = (opened.picture(), *map(page.inner_text, seen))
    for control, value in steps:
        if control in ("#mb-picks", "#mb-days"):
            page.click(f"{control} [data-value='{value}']")
        else:
            page.select_option(control, value)
        opened.until()
        after = (opened.picture(), *map(page.inner_text, seen))
        assert after != before, (control, value)
        before = after


@pytest.mark.parametrize("layer", ["background", "labels", "stops", "shuttles"])
def test_each_layer_can_be_switched(open_page, basin, layer) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1")
    before = opened.page.screenshot()
    box = opened.page.locator(f"#mb-layer-{layer}")
    box.set_checked(not box.is_checked())
    assert opened.page.screenshot() != before


def test_the_title_asks_the_question_in_words(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s2")
    question = (
        "Fonderie de l’Orle\u00a0: qui peut prendre le poste de nuit en transport collectif, "
        "et en revenir\u202f?"
    )
    assert opened.page.text_content("#mb-question") == question
    opened.page.click("#mb-en")
    opened.page.wait_for_function("document.documentElement.lang === 'en'")
    opened.until()
    assert opened.page.text_content("#mb-question") == (
        "Who can take the night shift at Fonderie de l’Orle by public transport, and get back?"
    )
    assert "White zone: here, no usable journey" in opened.page.text_content("#mb-figures")
    assert "Search" in opened.page.inner_text(".mb-find")


def test_the_map_is_told_when_the_title_takes_another_line(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1", viewport={"width": 800, "height": 700})
    for measure in ("holds", "late", "fix", "holds"):
        opened.choose(measure=measure)
        told, high = opened.page.evaluate(
            """[window.mobilityMap.map.getSize().y,
            document.querySelector('.folium-map').clientHeight]"""
        )
        assert told == high, measure


def test_the_sense_of_white_zone_stands_on_every_map(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1")
    for measure in ("holds", "time", "white", "reason", "late", "gain"):
        opened.choose(measure=measure)
        text = opened.page.text_content("#mb-figures")
        assert re.search(r"sens «\sservice\s»", text), measure
        assert "60\u00a0min de porte à porte" in text, measure


def test_nothing_but_tools_and_scale_lies_on_the_map(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1")
    opened.page.evaluate("window.mobilityMap.openHome(300)")
    opened.page.wait_for_selector(".mb-pop")
    over = opened.page.evaluate(
        """() => { const map = document.querySelector('.folium-map').getBoundingClientRect();
        return ['#mb-legend', '#mb-card', '#mb-answers'].filter((name) => {
          const box = document.querySelector(name).getBoundingClientRect();
          return box.right > map.left && box.left < map.right && box.bottom > map.top
            && box.top < map.bottom; }); }"""
    )
    assert over == []


def test_a_click_opens_both_directions_reason_and_example(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s1&day=0&mode=0")
    row = row_of(model, 1, 0, 0)
    home = next(j.homes[0] for j in model.itineraries if j.key == row)
    lat, lon = model.homes.lat[home], model.homes.lon[home]
    page = opened.page
    page.evaluate(f"window.mobilityMap.map.setView([{lat}, {lon}], 14, {{animate: false}})")
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".mb-pop")
    text = page.inner_text(".mb-pop")
    assert model.homes.name[home] in text
    assert f"{model.scenarios[0].outbound_min[row, home]}\u00a0min" in text
    assert f"{model.scenarios[0].return_min[row, home]}\u00a0min" in text
    assert "04:15–04:41" in text
    assert "ligne 12" in text
    assert "Roulement 3×8" in text


def test_a_home_tells_its_own_journey_or_what_is_missing(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s1&day=0&mode=0")
    row, now = row_of(model, 1, 0, 0), model.scenarios[0]
    out, back = now.outbound_min[row] < NONE, now.return_min[row] < NONE
    known = np.isin(np.arange(len(out)), [j.homes for j in model.itineraries if j.key == row])

    def told(homes: np.ndarray) -> str:
        home = int(np.flatnonzero(homes)[0])
        return opened.page.evaluate(
            f"""async () => {{ const here = window.mobilityMap;
            const at = L.latLng({model.homes.lat[home]}, {model.homes.lon[home]});
            here.map.setView(at, 14, {{animate: false}});
            await here.openHome(here.homeAt(at));
            return document.getElementById('mb-card').innerText; }}"""
        )

    assert "04:15–04:41" in told(known)
    other = told(out & back & ~known)
    assert "n’est pas gardé" in other
    assert "04:15–04:41" not in other
    assert "Aucun trajet utilisable dans les limites" in told(~out & ~back)
    assert "mobility itinerary" not in other


def test_pop_ups_take_no_cap_for_a_time_and_no_gap_for_a_commune(open_page, tmp_path) -> None:
    """Overtime is searched up to three hours; homes without a commune share none."""
    model = make_model(step_km=1.0)
    row, now = row_of(model, 1, 0, 0), model.scenarios[0]
    over = np.where(now.overtime_min == NONE, NONE, 180).astype(np.uint8)
    held = np.flatnonzero((now.outbound_min[row] < NONE) & (now.return_min[row] < NONE))
    lat, lon = model.homes.lat[held], model.homes.lon[held]
    far = np.hypot((lat - lat[0]) * 111, (lon - lon[0]) * 76).argmax()
    assert far > 0
    trip = next(j for j in model.itineraries if j.key == row)
    model = replace(
        model,
        homes=replace(model.homes, commune=("",) * len(model.homes)),
        scenarios=(replace(now, overtime_min=over), *model.scenarios[1:]),
        itineraries=(replace(trip, homes=held[:1], ways=lambda: [*trip.ways()][:1]),),
    )
    opened = open_page(write_map(model, tmp_path / "map.html"), "site=0&pick=s1&day=0&mode=0")
    said = opened.page.evaluate(
        f"""async () => {{ const here = window.mobilityMap, at = L.latLng({lat[far]}, {lon[far]});
        here.map.setView(at, 14, {{ animate: false }});
        await here.openHome(here.homeAt(at));
        return [...document.querySelectorAll('.mb-pop')].at(-1).textContent; }}"""
    )
    assert "au moins 3\u00a0h de plus" in said
    assert "Exemple de trajet" not in said


def test_minutes_to_fix_show_on_the_map_and_in_pop_ups(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s1&day=0&mode=0")
    status = model.scenarios[0].status[zone_of(model, 1, 0)]
    said = []
    for wanted in (0, 1, 3):
        home = int(np.flatnonzero(status == wanted)[0])
        opened.page.evaluate(
            f"""() => {{ const here = window.mobilityMap;
            const at = L.latLng({model.homes.lat[home]}, {model.homes.lon[home]});
            here.map.setView(at, 14, {{animate: false}});
            return here.openHome(here.homeAt(at)); }}"""
        )
        # The pop-up before it may still fade away.
        text = opened.page.evaluate(
            """[...document.querySelectorAll('.mb-pop')].at(-1)
            .querySelector('.mb-fix')?.textContent || ''"""
        )
        said.append(text.partition("\u00a0: ")[2])
    assert said == [
        "",
        "décaler une course ou une ligne de 5\u00a0min rend ce trajet possible.",
        "aucun décalage d’une seule course ou ligne ne suffit.",
    ]
    before = opened.picture()
    opened.choose(measure="fix")
    assert opened.picture() != before
    assert "1 à 5\u00a0min" in opened.page.inner_text("#mb-legend")
    opened.choose(pick="r0")
    assert opened.page.evaluate("window.mobilityMap.state.measure") == "holds"


def test_a_home_says_its_workers_to_the_tenth(open_page, tmp_path: Path) -> None:
    model = make_model(step_km=1.0)
    home = int(np.flatnonzero(model.homes.workers < 5)[0])
    workers = np.where(np.arange(len(model.homes)) == home, 0.4, model.homes.workers)
    model = replace(model, homes=replace(model.homes, workers=workers))
    opened = open_page(write_map(model, tmp_path / "map.html"))
    lat, lon = model.homes.lat[home], model.homes.lon[home]
    opened.page.evaluate(
        f"""() => {{ const here = window.mobilityMap;
        here.map.setView([{lat}, {lon}], 13, {{animate: false}});
        return here.openHome(here.homeAt(L.latLng({lat}, {lon}))); }}"""
    )
    assert "0,4 actifs du bassin" in opened.page.inner_text(".mb-pop").replace("\u00a0", " ")


def test_names_are_shown_as_text(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=1&pick=s3")
    page = opened.page
    assert page.evaluate("window.hacked") is None
    assert SHOWN in page.text_content("#mb-question")
    page.evaluate("window.mobilityMap.openHome(0)")
    page.wait_for_selector(".mb-pop")
    page.fill("#mb-search", HOSTILE)
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.mb-pop h3').textContent.includes('Acié')")
    assert page.text_content(".mb-pop h3") == SHOWN
    assert page.locator(".mb-pop script").count() == 0
    assert page.evaluate("window.hacked") is None


def test_search_by_commune_moves_the_map_and_the_figures(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s1")
    page = opened.page
    centre = page.evaluate("window.mobilityMap.map.getCenter().lat")
    page.fill("#mb-search", "oeuilly")
    page.fill("#mb-search", "brezolles")
    page.press("#mb-search", "Enter")
    page.wait_for_function(f"window.mobilityMap.map.getCenter().lat !== {centre}")
    opened.until("state.area >= 0")
    here = np.array(model.homes.commune) == "Brézolles"
    assert whole(opened.figure("pool")) == round(model.homes.workers[here].sum())
    page.fill("#mb-search", "Nulle part")
    page.press("#mb-search", "Enter")
    page.wait_for_function("document.getElementById('mb-search-said').textContent.includes('Rien')")
    box = page.locator("#mb-search-said").bounding_box()
    assert box["width"] > 100
    assert page.get_attribute("#mb-search", "placeholder") == "Commune, arrêt, site"


def test_the_curtain_compares_before_and_after(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s0&scenario=1&compare=1")
    page = opened.page
    assert "Situation actuelle" in page.inner_text("#mb-sides")
    before = opened.picture()
    page.focus("#mb-swipe")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert page.get_attribute("#mb-swipe", "aria-valuenow") == "70"
    assert opened.picture() != before
    page.click("#mb-compare")
    opened.until("state.compare === false")
    assert page.is_hidden("#mb-swipe")


def test_the_frontier_switches_the_plan(open_page, basin) -> None:
    model, path = basin
    opened = open_page(path, "site=0&pick=s0")
    page = opened.page
    for index, plan in enumerate(model.plans):
        page.evaluate(f"""() => {{ const s = document.getElementById('mb-plan');
            s.value = {index}; s.dispatchEvent(new Event('input')); }}""")
        page.wait_for_function(
            f"document.querySelector('#mb-plan-facts h3').textContent === '{plan.name}'"
        )
        facts = SPACES.sub("", page.inner_text("#mb-plan-facts"))
        assert f"{plan.cost_eur:.0f}€" in facts
        assert str(round(plan.workers)) in facts
        assert page.locator(".mb-lines li").count() == len(plan.lines)


@pytest.fixture(scope="module")
def many_lines(tmp_path_factory):
    """Return a page whose told plan is the last, of fourteen lines that share stops."""
    model = make_model(step_km=2.0)
    last = model.plans[2]
    lines = tuple(replace(last.lines[i % 3], name=f"N{i + 1}") for i in range(14))
    runs = (*last.runs, *(replace(run, line=run.line + 3) for run in last.runs))
    plan = replace(last, lines=lines, runs=runs, told=True, scenario=1)
    plans = (*(replace(p, scenario=None) for p in model.plans[:2]), plan)
    model = replace(model, plans=plans)
    return model, write_map(model, tmp_path_factory.mktemp("lines") / "map.html")


def test_the_plan_told_opens_and_says_so(open_page, many_lines) -> None:
    _, path = many_lines
    opened = open_page(path, "site=0&pick=s0")
    page = opened.page
    assert page.inner_text("#mb-plan-facts h3") == "Plan 3 (présenté)"
    assert page.get_attribute("#mb-plan", "aria-valuetext") == "Plan 3 (présenté)"
    assert "présenté" in page.text_content("#mb-frontier")
    # Avec le plan 2 is the name of the scenario in the basin; its plan is told in the list.
    assert "Plan 3 (présenté)" in page.inner_text("#mb-scenario")
    opened.choose(plan=0)
    assert "n’est pas évalué" in page.inner_text("#mb-plan-facts")
    page.check("#mb-layer-shuttles")
    assert "est dessiné" in page.inner_text("#mb-plan-facts")


def test_lines_look_apart_and_a_shared_stop_tells_them_all(open_page, many_lines) -> None:
    model, path = many_lines
    opened = open_page(path, "site=0&pick=s0&scenario=1&plan=2&shuttles=1")
    page = opened.page
    drawn = page.evaluate(
        "[...document.querySelectorAll('.mb-lines canvas')].map((box) => box.toDataURL())"
    )
    assert len(set(drawn)) == 14
    stop = model.plans[2].lines[0].stops[1]
    page.evaluate(
        f"window.mobilityMap.map.setView([{stop.lat}, {stop.lon}], 14, {{animate: false}})"
    )
    page.focus(".folium-map")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mb-pop")
    calls = page.locator(".mb-pop tr").all_inner_texts()
    assert sum("N1" in call for call in calls) == sum("N4" in call for call in calls) == 6


def test_hand_overs_are_those_of_the_kind_of_day(open_page, basin) -> None:
    """Two sites stand still on Sundays; a whole roster plays one kind of day, which it says."""
    _, path = basin
    at_six = "&clock=21600&shuttles=1"
    said = open_page(path, "site=0&pick=s0&day=0" + at_six).page.inner_text("#mb-clock-status")
    assert "relève de 06:00" in said
    said = open_page(path, "site=0&pick=s0&day=3" + at_six).page.inner_text("#mb-clock-status")
    assert "relève" not in said
    said = open_page(path, "site=0&pick=r0" + at_six).page.inner_text("#mb-clock-status")
    assert said.startswith("jour de semaine, école")


def test_a_phone_shows_legend_pop_up_and_curtain_whole(open_page, basin) -> None:
    _, path = basin
    opened = open_page(
        path, "site=0&pick=s1&scenario=1&compare=1", viewport={"width": 390, "height": 844}
    )
    page = opened.page

    def box(name: str) -> dict[str, float]:
        return page.locator(name).bounding_box()

    def apart(one: dict[str, float], other: dict[str, float]) -> bool:
        return (
            one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
            or one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        )  # fmt: skip

    assert apart(box("#mb-sides"), box("#mb-whole"))
    assert apart(box("#mb-sides"), box(".leaflet-control-zoom"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # The legend comes right under the map; a card comes between them and covers neither.
    assert apart(box("#mb-legend"), box(".mb-main"))
    page.evaluate("window.mobilityMap.openHome(300)")
    page.wait_for_selector(".mb-pop")
    here = box("#mb-card")
    assert here["x"] >= 0
    assert here["x"] + here["width"] <= 390
    assert apart(here, box("#mb-legend"))
    assert apart(here, box(".leaflet-control-scale"))


def test_the_day_of_vehicles_shows_the_hand_over(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s0&scenario=1&plan=1")
    page = opened.page

    def at(clock_min: int) -> str:
        page.evaluate(f"""() => {{ const c = document.getElementById('mb-clock');
            c.value = {clock_min}; c.dispatchEvent(new Event('input')); }}""")
        return page.inner_text("#mb-clock-status")

    assert "véhicules en route : 0" in at(10 * 60).replace("\u00a0", " ")
    said = at(12 * 60 + 50)
    assert "véhicules en route : 2" in said.replace("\u00a0", " ")
    assert "relève de 13:00" in said
    page.click("#mb-play")
    page.wait_for_function("document.getElementById('mb-clock-value').textContent > '12:52'")
    page.click("#mb-play")
    assert page.text_content("#mb-play") == "▶"


def test_vehicles_drive_on_across_midnight(open_page, tmp_path: Path) -> None:
    model = make_model(step_km=1.0)
    plan = model.plans[0]
    run = replace(plan.runs[0], days=())
    n = len(run.times_s)
    # From ten minutes before midnight to ten after.
    times = tuple(int(t) for t in np.linspace(86_400 - 600, 86_400 + 600, n))
    model = replace(model, plans=(replace(plan, runs=(replace(run, times_s=times),)),))
    opened = open_page(write_map(model, tmp_path / "map.html"), "site=0&pick=s0&plan=0&shuttles=1")
    said, drawn = [], []
    for clock in (86_400 - 660, 86_400 - 300, 300, 660):
        opened.page.evaluate(
            f"""() => {{ const c = document.getElementById('mb-clock');
            c.value = {clock / 60}; c.dispatchEvent(new Event('input')); }}"""
        )
        said.append(re.search(r"route\s:\s(\d+)", opened.page.inner_text("#mb-clock-status"))[1])
        drawn.append(opened.page.locator(".folium-map").screenshot())
    assert said == ["0", "1", "1", "0"]
    assert drawn[1] != drawn[2] != drawn[3]


def test_measuring_a_distance(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path)
    page = opened.page
    page.click("#mb-measure")
    box = page.locator(".folium-map").bounding_box()
    for x in (0.5, 0.7):
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * 0.3)
    page.wait_for_function("document.getElementById('mb-said').textContent.includes('km')")
    assert page.is_hidden("#mb-card")
    page.keyboard.press("Escape")
    assert page.get_attribute("#mb-measure", "aria-pressed") == "false"


def test_the_keyboard_is_enough(open_page, basin) -> None:
    _, path = basin
    opened = open_page(path, "site=0&pick=s1")
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "mb-skip"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    controls = ["search", "fr", "site", "measure-kind", "direction", "mode"]
    for name in [*controls, "plan", "clock", "measure"]:
        assert f"mb-{name}" in reached, name
    page.focus("#mb-picks [data-value=s0]")
    page.keyboard.press("Enter")
    opened.until("state.pick === 's0'")
    page.focus(".folium-map")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mb-pop")
    page.keyboard.press("Escape")
    page.wait_for_selector(".mb-pop", state="hidden")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mb-pop")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#mb-card') !== null")
    page.keyboard.press("Escape")
    page.wait_for_selector(".mb-pop", state="hidden")
    # A sight in the middle; with no home under it, the nearest one; with none near, a word.
    assert page.evaluate("getComputedStyle(document.activeElement, '::after').content") == '""'
    page.evaluate(
        """() => { const { map, homeAt } = window.mobilityMap, size = map.getSize();
        for (let x = 0; x < size.x; x++) {
          const at = map.containerPointToLatLng([x, size.y / 2]);
          if (homeAt(at) >= 0) { map.setView(map.containerPointToLatLng([x - 20, size.y / 2]),
            map.getZoom(), { animate: false }); return; } } }"""
    )
    assert page.evaluate("window.mobilityMap.homeAt(window.mobilityMap.map.getCenter())") == -1
    page.keyboard.press("Enter")
    page.wait_for_selector(".mb-pop")
    page.keyboard.press("Escape")
    page.evaluate("window.mobilityMap.map.setView([0, 0], 10, { animate: false })")
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('mb-said').textContent.includes('Aucun')")


@pytest.mark.parametrize("view", ["holds", "white", "popup", "english", "narrow"])
def test_axe_finds_nothing_serious(open_page, basin, view) -> None:
    axe_sync = pytest.importorskip("axe_playwright_python.sync_playwright")
    _, path = basin
    address = "site=0&pick=s1" + ("&measure=white" if view == "white" else "")
    size = {"width": 420, "height": 800} if view == "narrow" else {"width": 1280, "height": 800}
    opened = open_page(path, address + ("&lang=en" if view == "english" else ""), viewport=size)
    if view == "popup":
        opened.page.evaluate("window.mobilityMap.openHome(300)")
        opened.page.wait_for_selector(".mb-pop")
        opened.page.wait_for_timeout(400)
    found = axe_sync.Axe().run(opened.page).response["violations"]
    serious = [
        (v["id"], [n["html"][:120] for n in v["nodes"][:3]])
        for v in found
        if v["impact"] in {"serious", "critical"}
    ]
    assert serious == []


@pytest.mark.parametrize("sheet", ["A4", pytest.param("A3", marks=pytest.mark.slow)])
def test_a_sheet_holds_the_whole_page(open_page, basin, sheet) -> None:
    _, path = basin
    opened = open_page(path, f"site=0&pick=s1&layout={sheet}")
    page = opened.page
    wide, high = {"A4": (281, 193), "A3": (404, 280)}[sheet]
    box = page.evaluate(
        "(({width, height}) => [width, height])(document.body.getBoundingClientRect())"
    )
    assert box == pytest.approx([wide * 96 / 25.4, high * 96 / 25.4], abs=1)
    assert page.is_hidden(".mb-controls")
    assert page.is_visible("#mb-legend")
    data = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1


VIEW = """(({ map }) => [map.getZoom(), map.getCenter().lat, map.getCenter().lng,
    map.getSize().x, map.getSize().y])(window.mobilityMap)"""


@pytest.mark.parametrize("asked", ["A3", "dialog", "phone"])
def test_printing_draws_the_map_in_view_and_restores_it(open_page, basin, tmp_path, asked) -> None:
    """Whatever asks for it: a button, or the browser on a wide or a narrow window."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("no pdftoppm on this machine: apt-get install poppler-utils")
    _, path = basin
    size = {"width": 390, "height": 844} if asked == "phone" else {"width": 1366, "height": 768}
    opened = open_page(path, "site=0&pick=s1&scenario=1&plan=1", viewport=size)
    page = opened.page
    page.evaluate(
        """() => { window.print = () => {};
        window.mobilityMap.map.setView([46.71, -1.32], 11.75, { animate: false }); }"""
    )
    before = page.evaluate(VIEW)
    if asked == "A3":
        page.click("#mb-print-a3")
    margin = dict.fromkeys(("top", "bottom", "left", "right"), "1cm")
    page.pdf(
        path=tmp_path / "x.pdf", format="A4", prefer_css_page_size=True, print_background=True,
        margin=margin,
    )  # fmt: skip
    assert page.evaluate(VIEW) == before
    assert page.is_visible(".mb-controls")
    subprocess.run(["pdftoppm", "-r", "36", "-png", "x.pdf", "x"], cwd=tmp_path, check=True)
    (picture,) = tmp_path.glob("x*.png")
    sheet = Image.open(picture).convert("RGB")
    wide, high = sheet.size
    assert sheet.size == pytest.approx((595, 421) if asked == "A3" else (421, 297), abs=2)
    # The middle of the map holds more than the ground's few colours, and so do its corners.
    for part in ((0.5, 0.4, 0.75, 0.65), (0.75, 0.15, 0.95, 0.4)):
        box = [round(v * n) for v, n in zip(part, (wide, high, wide, high), strict=True)]
        assert len(sheet.crop(box).getcolors(1 << 20)) > 60


@pytest.mark.parametrize("sheet", ["A4", pytest.param("A3", marks=pytest.mark.slow)])
def test_a_sheet_cuts_neither_figures_nor_sources(open_page, tmp_path, sheet) -> None:
    model = make_model(step_km=1.0)
    lines = tuple(
        replace(line, name=f"{line.name} {i}") for i in range(6) for line in model.plans[2].lines
    )
    sources = tuple(replace(s, name=f"{i}-{s.name}") for i in range(8) for s in model.sources)
    plans = (*model.plans[:2], replace(model.plans[2], lines=lines))
    path = write_map(replace(model, plans=plans, sources=sources), tmp_path / "map.html")
    opened = open_page(path, f"site=0&pick=s1&plan=2&shuttles=1&measure=reason&layout={sheet}")
    cut = opened.page.evaluate(
        """() => ['.mb-panel', '.mb-about', '.mb-legend', '.mb-head'].filter((name) => {
            const node = document.querySelector(name), box = node.getBoundingClientRect();
            const page = document.body.getBoundingClientRect();
            return node.scrollHeight > node.clientHeight + 1 || box.bottom > page.bottom + 1; })"""
    )
    assert cut == []
    assert "7-orle.zip" in opened.page.inner_text(".mb-about")
    assert "Navette Sud 5" in opened.page.inner_text(".mb-panel")


def test_homes_without_cells_are_circles(open_page, tmp_path: Path) -> None:
    model = make_model(step_km=1.0)
    model = replace(model, homes=replace(model.homes, cells=None))
    opened = open_page(write_map(model, tmp_path / "map.html"), "site=0&pick=s1")
    assert "surface du cercle" in opened.page.inner_text("#mb-legend")
    lat, lon = float(model.homes.lat[100]), float(model.homes.lon[100])
    assert opened.page.evaluate(f"window.mobilityMap.homeAt(L.latLng({lat}, {lon}))") >= 0


@pytest.mark.parametrize("kind", ["cells", "points"])
def test_many_homes_are_painted_by_pixels(open_page, tmp_path: Path, kind: str) -> None:
    model = make_model(step_km=0.15)
    assert len(model.homes) * 4 > 30_000
    if kind == "points":
        model = replace(model, homes=replace(model.homes, cells=None))
    opened = open_page(write_map(model, tmp_path / "map.html"), "site=0&pick=s1")
    before = opened.picture()
    opened.choose(measure="white")
    assert opened.picture() != before
    counts = expected(model, 0, row_of(model, 1, 0, 0), 0)
    opened.choose(measure="holds")
    assert shown_counts(opened) == counts
    assert opened.picture() == before


def test_a_picture_is_exported(browser, basin, tmp_path: Path) -> None:
    _, path = basin
    png = export_png(
        path, tmp_path / "map.png", size=(900, 600), select={"site": 0, "pick": "s1"},
        browser=find_browser(),
    )  # fmt: skip
    data = png.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20]) == 900
    assert int.from_bytes(data[20:24]) == 600
    assert len(data) > 40_000


def test_small_figures_are_told(open_page, tmp_path: Path) -> None:
    """Three workers one way only, 97 there and back."""
    model = make_model(step_km=1.0)
    row = row_of(model, 1, 0, 0)
    now = model.scenarios[0]
    held = (now.outbound_min[row] < NONE) & (now.return_min[row] < NONE)
    one_way = (now.outbound_min[row] < NONE) & (now.return_min[row] == NONE)
    workers = np.zeros(len(model.homes))
    workers[np.flatnonzero(held)[0]], workers[np.flatnonzero(one_way)[0]] = 97, 3
    model = replace(model, homes=replace(model.homes, workers=workers, groups={}))
    opened = open_page(write_map(model, tmp_path / "map.html"), "site=0&pick=s1&day=0&mode=0")
    assert whole(opened.figure("pool")) == 100
    told = [whole(opened.figure(name)) for name in ("reachable", "out", "back", "neither")]
    assert sorted(told) == [0, 0, 3, 97]
