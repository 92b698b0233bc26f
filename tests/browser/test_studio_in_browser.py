"""The studio in headless Chromium, every other address cut off."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from feeds import trip, write_gtfs
from small import PLACES_M, SERVICES, lonlat, write_territory
from studio_server import Served, served

from mobility.commute.loading import load
from mobility.studio.studies import Studies

pytestmark = pytest.mark.browser
HOSTILE = '<img src=x onerror="window.bad=1">Usine'


#: How often the homes were drawn, and pixels of another colour once they are drawn as a whole.
REDRAWN = """() => {
  const all = [...document.querySelectorAll("canvas")];
  const homes = all.find((c) => c.parentNode.className.includes("mb-homes"));
  const copy = new OffscreenCanvas(homes.width, homes.height);
  const ctx = copy.getContext("2d", { willReadFrequently: true });
  const read = () => {
    ctx.clearRect(0, 0, copy.width, copy.height);
    ctx.drawImage(homes, 0, 0);
    return ctx.getImageData(0, 0, copy.width, copy.height).data;
  };
  const kind = CanvasRenderingContext2D.prototype, clear = kind.clearRect, was = read();
  let drawn = 0;
  kind.clearRect = function (...box) {
    drawn += this.canvas === homes;
    return clear.apply(this, box);
  };
  mobilityMap.map.fire("moveend");
  kind.clearRect = clear;
  const now = read(), lit = (data, i, k) => data[i - k] * data[i] / 255;
  let other = 0;
  for (let i = 3; i < now.length; i += 4) {
    const far = [1, 2, 3].some((k) => Math.abs(lit(was, i, k) - lit(now, i, k)) > 60);
    other += far || Math.abs(was[i] - now[i]) > 60;
  }
  return [drawn, other];
}"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    root = tmp_path_factory.mktemp("studies")
    path = write_territory(root / "usine")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "Usine"', f"name = '{HOSTILE}'"), encoding="utf-8")
    with served(Studies(root)) as found:
        found.ready("usine")
        yield found


@pytest.fixture
def open_studio(browser, studio: Served):
    """Return a function that opens the studio in a browser of its own; problems fail the test."""
    contexts, problems = [], []

    def opened(address: str = "", **options: object):
        context = browser.new_context(
            viewport=options.pop("viewport", {"width": 1280, "height": 800}), **options
        )
        contexts.append(context)
        page = context.new_page()

        def route(handler, request) -> None:
            if request.url.startswith((studio.url, "data:", "blob:")):
                handler.continue_()
            else:
                problems.append(f"asked for {request.url}")
                handler.abort()

        context.route("**/*", route)
        # What the studio refuses is told on the page; the browser notes it too.
        page.on("console", lambda m: "422" in m.text or problems.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: problems.append(f"error: {e}"))
        page.goto(studio.url + address)
        page.wait_for_selector("body[data-shown]", timeout=20_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def until(page, test: str, argument: object = None, *, within_s: float = 15.0) -> None:
    """Wait for a test of the page; its policy forbids Playwright's own way, by ``eval``."""
    end = time.monotonic() + within_s
    while not page.evaluate(test, argument):
        assert time.monotonic() < end, test
        page.wait_for_timeout(30)


def explored(page):
    page.wait_for_selector("body[data-live]", timeout=30_000)
    page.wait_for_selector("#now")
    return page


def drag(page, name: str, value: int, *, release: bool = True) -> None:
    """Move a slider as a hand does."""
    before = page.evaluate("document.body.dataset.step")
    page.evaluate(
        """([name, value, release]) => {
          const node = document.getElementById(name);
          node.value = value;
          node.dispatchEvent(new Event("input"));
          if (release) node.dispatchEvent(new Event("change"));
        }""",
        [name, value, release],
    )
    until(page, "b => document.body.dataset.step !== b", before)


def test_the_map_and_its_figures_follow_the_hand(open_studio, studio) -> None:
    page = explored(open_studio("#usine/explore"))
    frame = page.frame_locator("iframe")
    assert page.inner_text("#now") == "10"
    drag(page, "shift-0-start", 20, release=False)
    until(page, "() => document.getElementById('now').textContent === '0'")
    assert frame.locator("[data-figure=both]").inner_text().startswith("0")
    assert "05:20" in frame.locator("#mb-subtitle").inner_text()
    assert studio.get("studies/usine")["draft"] == {}
    # Figures that come late are read by the row of whatever is chosen by then.
    late = """async (kind) => {
      const { figures } = mobilityMap.manifest.scenarios.at(-1);
      return (await figures[kind]()).every(Boolean);
    }"""
    assert all(page.frames[1].evaluate(late, kind) for kind in ("modes", "zones"))
    # What was drawn anew where homes changed colour is what all drawn anew shows.
    assert page.frames[1].evaluate(REDRAWN) == [1, 0]
    drag(page, "shift-0-start", 10)
    page.wait_for_selector("#changes")
    assert "05:10" in page.inner_text("#changes")
    assert page.inner_text("#now") == "10"
    page.click("#undo")
    page.wait_for_selector("#redo:not([disabled])")
    assert studio.get("studies/usine")["draft"] == {}
    assert page.evaluate("window.bad") is None
    assert HOSTILE in page.inner_text("fieldset legend")


def test_a_bus_at_the_gate_is_moved(open_studio, studio) -> None:
    page = explored(open_studio("#usine/explore"))
    page.click("#trips summary")
    page.wait_for_selector("#trip")
    page.select_option("#trip", "early")
    drag(page, "trip-move", 10)
    page.wait_for_selector("#changes")
    assert "early" in page.inner_text("#changes")
    # 04:50 and 240 s of walking: ten minutes and a bit before 05:00 is too late.
    assert page.inner_text("#now") == "0"
    page.click("#undo")
    until(page, "() => document.getElementById('now').textContent === '10'")


def test_a_gate_is_dragged_on_the_map(open_studio, studio) -> None:
    source = studio.studio.studies.path("usine").parent
    shutil.copytree(source, source.parent / "entree")
    studio.ready("entree")
    [before] = load(source.parent / "entree" / "territory.toml").sites[0].gates
    page = explored(open_studio("#entree/explore"))
    page.click("#gates")
    marker = page.frame_locator("iframe").locator(".studio-gate")
    box = marker.bounding_box()
    page.mouse.move(box["x"] + 13, box["y"] + 13)
    page.mouse.down()
    page.mouse.move(box["x"] + 33, box["y"] + 13, steps=5)
    page.mouse.up()
    shown = page.evaluate("document.body.dataset.shown")
    assert shown
    page.click("#gates")
    page.wait_for_selector("body:not([data-live])", state="attached")
    explored(page)
    [after] = load(source.parent / "entree" / "territory.toml").sites[0].gates
    assert after[0] > before[0]
    assert abs(after[1] - before[1]) < 1e-3


def _copied(studio, name: str, **changes: str) -> Path:
    """Return the folder of a copy of the study, texts of its file replaced."""
    source = studio.studio.studies.path("usine").parent
    folder = source.parent / name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("scenarios", "out"))
    file = folder / "territory.toml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes.items():
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    studio.ready(name)
    return folder


def test_a_line_is_drawn_on_the_map(open_studio, studio) -> None:
    """A stop at H2, which walks too far; it is dragged, and the line is taken out again."""
    _copied(studio, "ligne", **{'["3x8"]': '[{ template = "3x8", headcount = 40 }]'})
    page = explored(open_studio("#ligne/explore"))
    assert page.inner_text("#now") == "10"
    page.click("#drawing summary")
    page.click("#line-new")
    lon, lat = lonlat(PLACES_M["H2"])
    frame = page.frames[1]
    spot = frame.evaluate(
        "([lat, lon]) => { const p = mobilityMap.map.latLngToContainerPoint([lat, lon]);"
        " const box = mobilityMap.map.getContainer().getBoundingClientRect();"
        " return [p.x + box.x, p.y + box.y]; }",
        [lat, lon],
    )
    box = page.locator("iframe").bounding_box()
    page.mouse.click(box["x"] + spot[0], box["y"] + spot[1])
    until(page, "() => document.body.dataset.step === '1'")
    assert page.inner_text("#now") == "20"
    assert "€" in page.inner_text("#euros")
    assert "lignes" in page.inner_text("#changes")
    marker = page.frame_locator("iframe").locator(".studio-stop")
    place = marker.bounding_box()
    page.mouse.move(place["x"] + 11, place["y"] + 11)
    page.mouse.down()
    page.mouse.move(place["x"] + 15, place["y"] + 11, steps=4)
    page.mouse.up()
    until(page, "() => document.body.dataset.step === '2'")
    [feed] = studio.get("studies/ligne")["draft"]["changes"]["feeds"]
    assert feed["lines"][0]["stops"][0]["lon"] > lon + 1e-4
    assert page.inner_text("#now") == "20"
    page.click("#line-done")
    marker.wait_for(state="detached")
    page.click("#drawing .list button:last-child")
    until(page, "() => document.getElementById('now').textContent === '10'")
    assert studio.get("studies/ligne")["draft"] == {}
    _draw_a_zone_and_share_cars(page, studio, box)


def test_a_first_stop_without_riders_is_no_error(open_studio, studio) -> None:
    """Stop A, from where everybody who can walk there goes by bus already."""
    _copied(studio, "premier", **{'["3x8"]': '[{ template = "3x8", headcount = 40 }]'})
    page = explored(open_studio("#premier/explore"))
    page.click("#drawing summary")
    page.click("#line-new")
    lon, lat = lonlat(PLACES_M["G"])
    page.frames[1].evaluate("([lat, lon]) => mobilityMap.map.setView([lat, lon], 15)", [lat, lon])
    page.click("#line-middle")
    until(page, "() => document.body.dataset.step === '1'")
    assert "trop peu d’usagers" in page.inner_text("#banner")
    assert "bad" not in (page.get_attribute("#banner", "class") or "").split()
    assert studio.get("studies/premier")["draft"] == {}


def test_the_data_page_tells_of_homes_off_the_streets(open_studio, studio) -> None:
    folder = _copied(studio, "ailleurs", **{'name = "Droiteville"': 'name = "Ailleurs"'})
    with (folder / "homes.csv").open("a", encoding="utf-8") as file:
        file.write("H9,H9,Ailleurs,2.5,49.5,30\n")
    os.utime(folder / "territory.toml")
    page = open_studio("#ailleurs/data")
    page.wait_for_selector("#off-streets")
    assert "1 domicile sur 3" in page.inner_text("#off-streets")
    assert page.query_selector("#whole") is None
    # Drawn again with the same files, it asks nothing again.
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(3):
        page.click("#add-row")
    page.wait_for_selector("#off-streets")
    assert not [url for url in asked if url.endswith("/places")]


def test_the_data_page_tells_that_places_are_not_known(open_studio, studio) -> None:
    """Unknown until the study is read, and an answer that fails is the error that it is."""
    folder = _copied(studio, "inconnu", **{'name = "Droiteville"': 'name = "Inconnu"'})
    (folder / "homes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    os.utime(folder / "territory.toml")
    page = open_studio("#inconnu/data")
    page.wait_for_selector("#unread.bad")
    assert "homes.csv" in page.inner_text("#unread")
    assert page.query_selector("#whole") is None
    page.route("**/studies/usine/places", lambda route: route.fulfill(json={"reading": True}))
    page.goto(page.url.replace("#inconnu", "#usine"))
    page.wait_for_selector("#placing")
    assert page.query_selector("#whole") is None
    page.unroute("**/studies/usine/places")
    words = {"fr": "Rien à dire", "en": "Nothing to tell"}
    page.route("**/studies/usine/places", lambda route: route.fulfill(json=words, status=422))
    page.wait_for_selector("#unread.bad")
    assert page.inner_text("#unread") == "Rien à dire"


def test_a_line_calls_at_a_new_stop_and_a_depot_is_placed(open_studio, studio) -> None:
    """With the keyboard: a run more at night, a stop in the middle of the map, moved by arrows."""
    folder = _copied(studio, "arret", **{'["3x8"]': '[{ template = "3x8", headcount = 40 }]'})
    page = explored(open_studio("#arret/explore"))
    page.focus("#services summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#line-last")
    page.check("#line-more")
    drag(page, "line-last", 30)
    page.wait_for_selector("#changes")
    [change] = studio.get("studies/arret")["draft"]["changes"]["trips"]
    assert change == {"trips": ["home21"], "how": "add", "minutes": 30}
    page.uncheck("#line-more")
    until(page, "() => document.getElementById('changes').textContent.includes('décal')")
    drag(page, "line-last", 0)
    page.wait_for_selector("#changes", state="detached")
    page.focus("#stop-new")
    page.keyboard.press("Enter")
    page.focus("#stop-middle")
    page.keyboard.press("Enter")
    marker = page.frame_locator("iframe").locator(".studio-stop")
    page.wait_for_selector("#changes")

    def stop() -> dict[str, object]:
        return studio.get("studies/arret")["draft"]["changes"]["lines"][0]["stops"][0]

    first, step = stop(), page.evaluate("document.body.dataset.step")
    marker.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    until(page, "b => document.body.dataset.step !== b", step)
    assert stop()["lon"] > first["lon"]
    assert "Nouvel arrêt 1" in page.inner_text("#changes")
    assert "€" in page.inner_text("#euros")
    page.wait_for_timeout(100)
    assert page.frames[1].evaluate("document.activeElement.className").startswith("leaflet-marker")
    page.click("#depot")
    page.frame_locator("iframe").locator(".studio-depot").wait_for()
    page.click("#depot")
    page.wait_for_selector("body:not([data-live])", state="attached")
    text = (folder / "territory.toml").read_text(encoding="utf-8")
    assert "[shuttles]\ndepot = [" in text


def _draw_a_zone_and_share_cars(page, studio, box) -> None:
    page.click("#zones summary")
    page.click("#zone-new")
    step = page.evaluate("document.body.dataset.step")
    middle = page.frames[1].evaluate(
        "() => { const box = mobilityMap.map.getContainer().getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; }"
    )
    for x, y in [(-60, -60), (60, -60), (0, 60)]:
        page.mouse.click(box["x"] + middle[0] + x, box["y"] + middle[1] + y)
    until(page, "b => document.body.dataset.step !== b", step)
    assert "€" in page.inner_text("#booked")
    page.click("#zone-done")
    [zone] = studio.get("studies/ligne")["draft"]["on_demand"]
    assert len(zone["polygon"]) == 3
    assert "Z1" in page.inner_text("#changes")
    page.click("details:has(#set-carpool) summary")
    page.check("#set-carpool")
    until(page, "() => / sur 1/.test(document.getElementById('carpool-said')?.textContent)")
    page.click("#clear")
    page.wait_for_selector("#changes", state="detached")
    page.click("#steps a[href$='/check']")
    mends = page.frame_locator("iframe").locator("button.mend")
    mends.first.wait_for()
    assert [mends.nth(k).inner_text() for k in range(3)] == [f"Zone scolaire {z}" for z in "ABC"]


def test_plans_of_shuttles_are_cards(open_studio, studio) -> None:
    """A plan that was designed is tried on the map, on the roster it gains, and left out again."""
    folder = _copied(studio, "navettes")
    shuttles = folder / "out" / "shuttles"
    shuttles.mkdir(parents=True)
    write_gtfs(
        shuttles / "P01.zip",
        stops={stop: lonlat(PLACES_M[stop]) for stop in ("H2", "B")},
        trips=[
            trip(f"{way}{hour}", [(a, f"{hour}:20"), (b, f"{hour}:40")], service="week")
            for way, a, b, hours in [
                ("in", "H2", "B", (4, 12, 20)),
                ("out", "B", "H2", (5, 13, 21)),
            ]
            for hour in hours
        ],
        services=SERVICES,
    )
    (shuttles / "plans.csv").write_text(
        "plan,lines,vehicles,eur_year,eur_low,eur_high,jobs_gained,knee\n"
        "P01,1,1,90000,80000,100000,7,True\n"
    )
    page = explored(open_studio("#navettes/explore"))
    page.click("#plans summary")
    page.wait_for_selector("#plan-cards svg, #plans svg[role=img]")
    assert page.frames[1].evaluate("mobilityMap.state.pick") == "s0"
    page.click("#plan-P01")
    until(page, "() => document.getElementById('now').textContent === '20'")
    assert page.frames[1].evaluate("mobilityMap.state.pick") == "r0"
    assert page.get_attribute("#plan-P01", "aria-pressed") == "true"
    assert "90" in page.inner_text("#euros")
    page.click("#plan-P01")
    until(page, "() => document.getElementById('now').textContent === '10'")
    assert studio.get("studies/navettes")["draft"] == {}


def test_two_browsers_see_each_others_steps(open_studio, studio) -> None:
    one = explored(open_studio("#usine/explore"))
    two = explored(open_studio("#usine/explore"))
    drag(one, "shift-0-start", 5)
    two.wait_for_selector("#changes", timeout=10_000)
    drag(two, "shift-0-end", 10)
    until(one, "() => document.querySelector('#changes').textContent.includes('13:10')")
    [row] = studio.get("studies/usine")["draft"]["changes"]["shifts"]
    assert (row["start"], row["end"]) == ("05:05", "13:10")
    one.click("#clear")
    one.wait_for_selector("#changes", state="detached")


def test_from_an_empty_folder_to_a_downloaded_report(open_studio, studio, tmp_path) -> None:
    """The main job: a new study, four files dropped, a shift moved, a scenario, its report."""
    source = write_territory(tmp_path / "source").parent
    lon, lat = lonlat(PLACES_M["G"])
    sites = tmp_path / "sites.csv"
    sites.write_text(f"nom,lon,lat,équipe,effectif\nUsine,{lon},{lat},3x8,30\n", encoding="utf-8")
    page = open_studio()
    page.fill("#new-name", "Bassin d'essai")
    page.click("form button")
    page.wait_for_selector("#missing")
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    page.set_input_files("#file-sites", tmp_path / "wrong.csv")
    page.wait_for_selector("#said-sites.bad")
    assert "wrong.csv" in page.inner_text("#said-sites")
    for role, file in [
        ("streets", source / "streets.osm"),
        ("timetable", source / "gtfs.zip"),
        ("sites", sites),
        ("homes", source / "homes.csv"),
    ]:
        page.set_input_files(f"#file-{role}", file)
        page.wait_for_selector(f".drop:has(#file-{role}) li")
    page.wait_for_selector("#whole")
    assert page.locator("#rosters tbody tr").count() == 3
    page.fill("#rosters tbody tr:first-child td:nth-child(6) input", "05:10")
    page.click("#save-sites")
    until(page, "() => !document.getElementById('banner').hidden")
    page.goto(page.url.replace("/data", "/explore"))
    explored(page)
    drag(page, "shift-0-start", -5)
    page.fill("#scenario-name", "Cinq minutes")
    page.click("#keep")
    page.wait_for_selector("#scenarios li")
    page.click("nav a:last-child")
    page.wait_for_selector("#target")
    page.select_option("#kind", "report")
    page.select_option("#target", "cinq-minutes")
    page.click("#compute")
    page.wait_for_selector("#job-state[data-state=done]", timeout=120_000)
    with page.expect_download() as found:
        page.locator("#results a[href$='/cinq-minutes/report.pdf']").click()
    found.value.save_as(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    folder = studio.studio.studies.path("bassin-d-essai").parent
    study = load(folder / "scenarios" / "cinq-minutes.toml")
    assert study.shift_rows[0].start_s == 5 * 3600 + 300


def test_the_table_of_rosters_keeps_what_is_written_in_any_row(open_studio, studio) -> None:
    folder = _copied(studio, "tableau")
    page = open_studio("#tableau/data")
    page.wait_for_selector("#rosters tbody tr")

    def cell(row: int, key: str):
        return page.locator(f"#rosters tbody tr:nth-child({row}) [data-key={key}]")

    def saved() -> str:
        page.evaluate("document.getElementById('banner').textContent = ''")
        page.click("#save-sites")
        until(page, "() => document.getElementById('banner').textContent")
        return page.inner_text("#banner")

    def site():
        return load(folder / "territory.toml").sites[0]

    assert cell(1, "days").input_value() == "lun-ven"
    before = (folder / "territory.toml").read_bytes()
    cell(3, "gates").fill("-0,561 47,346")
    assert cell(1, "gates").input_value() == "-0,561 47,346"
    cell(2, "days").fill("lundi au samedi")
    assert "territory.toml" in saved()
    assert site().gates == [(-0.561, 47.346)]
    assert [len(shift.days) for shift in site().rosters[0].shifts] == [5, 6, 5]
    assert cell(2, "days").input_value() == "lun-sam"
    after = (folder / "territory.toml").read_bytes()
    assert after != before
    for row, key, text, told in [
        (2, "gates", "ici", "Ligne 1 : « ici »"),
        (3, "name", "", "Site, ligne 3"),
        (3, "headcount", "-2", "Effectif, ligne 3"),
    ]:
        was = cell(row, key).input_value()
        cell(row, key).fill(text)
        assert " ".join(saved().split()).startswith(told)
        cell(row, key).fill(was)
    focused = "document.activeElement.id || document.activeElement.dataset.key"
    page.focus("#add-row")
    page.keyboard.press("Enter")
    assert (page.evaluate(focused), page.locator("#rosters tbody tr").count()) == ("roster", 4)
    page.focus("#rosters tbody tr:last-child button")
    page.keyboard.press("Enter")
    assert (page.evaluate(focused), page.locator("#rosters tbody tr").count()) == ("add-row", 3)
    cell(3, "name").fill("Autre")
    cell(3, "gates").fill("-0.562 47.346")
    cell(3, "name").fill(cell(1, "name").input_value())
    assert "Les lignes 1 et 3" in saved()
    assert (folder / "territory.toml").read_bytes() == after


def test_a_draft_that_fits_no_more_is_taken_back(open_studio, studio) -> None:
    """A site was renamed in the table of rosters after the hours of its shift were moved."""
    folder = _copied(studio, "renomme")
    (folder / "scenarios").mkdir()
    draft = folder / "scenarios" / "draft.toml"
    change = 'site = "Ailleurs"\nroster = "3x8"\nshift = "soir"\nstart = "05:05"\n'
    draft.write_text(f'base = "../territory.toml"\n[[changes.shifts]]\n{change}')
    studio.studio.studies._histories.pop("renomme")
    studio.studio.studies._opened.pop("renomme")
    page = open_studio("#renomme/explore")
    page.wait_for_selector("body[data-live]", timeout=30_000)
    page.wait_for_selector("#changes")
    assert "ne va plus avec l’étude" in page.inner_text("#banner")
    for told in (page.inner_text("#banner"), page.inner_text("#headline")):
        assert "valeur 'Ailleurs'" in told
        assert "territory.toml" not in told
    page.click("#changes button")
    until(page, "() => document.getElementById('now')?.textContent === '10'")
    assert not page.inner_text("#banner")
    page.click("#undo")
    until(page, "() => document.getElementById('banner').textContent.includes('Ailleurs')")
    page.click("#redo")
    until(page, "() => !document.getElementById('banner').textContent")
    assert studio.get("studies/renomme")["draft"] == {}


def test_what_failed_is_asked_again_as_it_was(open_studio, studio) -> None:
    """Around the same place, within the same radius."""
    page = open_studio()
    studio.post("studies", {"name": "Loin"})
    told = {"kind": "init", "target": "Loin", "other": "31.0", "state": "failed", "words": "x"}
    asked = []

    def job(route) -> None:
        if route.request.method == "POST":
            asked.append(route.request.post_data_json)
        route.fulfill(json={"job": told})

    page.route("**/studies/loin/job", job)
    page.goto(page.url.partition("#")[0] + "#loin/data")
    page.click("#fetch-again")
    page.wait_for_timeout(200)
    assert [(one["target"], one["radius_km"]) for one in asked] == [("Loin", 31)]


def test_french_first_english_by_a_switch_and_without_barriers(open_studio) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = explored(open_studio("#usine/explore"))
    assert page.inner_text(".panel h1") == "Et si…"
    for address in ("", "#usine/data", "#usine/check", "#usine/explore", "#usine/run"):
        page.goto(page.url.partition("#")[0] + address)
        page.wait_for_timeout(300)
        found = axe.run(page, options={"iframes": False})
        serious = [
            (v["id"], [n["html"] for n in v["nodes"]][:3])
            for v in found.response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], address
    page.click("#en")
    until(page, "() => document.documentElement.lang === 'en'")
    until(page, "() => document.querySelector('#steps a').textContent === 'Studies'")


def test_what_rounds_to_nothing_has_no_sign(open_studio) -> None:
    page = open_studio()
    told = page.evaluate(
        """async () => {
          const { euros, number } = await import(new URL("static/words.js", document.baseURI));
          return [-0.3, -0, 0, -12.6].map(euros).concat([-0.0001, -2].map(number));
        }"""
    )
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in told] == [
        "0 €", "0 €", "0 €", "−13 €", "0", "−2"
    ]  # fmt: skip


def test_a_telephone_sees_it_whole(open_studio) -> None:
    page = explored(open_studio("#usine/explore", viewport={"width": 390, "height": 800}))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("iframe").bounding_box()["width"] <= 390


def test_the_keyboard_moves_a_shift(open_studio, studio) -> None:
    page = explored(open_studio("#usine/explore"))
    page.focus("#shift-0-end")
    page.keyboard.press("ArrowRight")
    until(page, "() => document.querySelector('#changes')?.textContent.includes('13:05')")
    assert page.evaluate("document.activeElement.id") == "shift-0-end"
    page.click("#clear")
    page.wait_for_selector("#changes", state="detached")
