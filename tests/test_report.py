"""The report: its figures are the tables', in every format, and nothing else leaks."""

import io
import json
import re
import sqlite3
import xml.etree.ElementTree as ET
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser

import docx
import numpy as np
import pandas as pd
import pytest
from docx.oxml.ns import qn
from openpyxl import load_workbook
from pdf_pages import report_of
from PIL import Image
from privacy_trace import assert_no_trace
from pypdf import PdfReader
from small import LOCAL, lonlat, write_territory
from test_employee_privacy import MARKED, employees_csv
from typer.testing import CliRunner

from mobility.cli import app
from mobility.commute.access import STATUSES, assess, rosters
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs import tables as blocks
from mobility.outputs.advice import has_advice, modes_that_count, present_sentences
from mobility.outputs.map.export import find_browser
from mobility.outputs.pictures import STYLES, Painter, scale_length, view_of
from mobility.outputs.render import docx_bytes, html_page, markdown_text, pdf_bytes, write_index
from mobility.outputs.report import NAMES, Writer, write_report
from mobility.outputs.table_files import status_qml, write_tables
from mobility.outputs.tables import sheet_of, table_block
from mobility.outputs.words import Words
from mobility.outputs.workbook import all_sheets

HOSTILE = "<script>alert(\"é\")</script> & 'Cie' {x}"


def homes(h1, h2):
    rows = ["id,name,commune,lon,lat,workers,without_car"]
    for name, east, workers in (("H1", 700.5, h1), ("H2", 0.5, h2)):
        lon, lat = lonlat(east)
        rows.append(f"{name},{name},Droiteville,{lon:.9f},{lat:.9f},{workers},{workers}")
    return "\n".join(rows) + "\n"


def study_of(folder, *, h1=10, h2=10, site="Usine", employer="Boulonnerie"):
    path = write_territory(folder, homes=homes(h1, h2))
    text = path.read_text(encoding="utf-8")
    text = text.replace('commune = "commune"', 'commune = "commune"\ngroups = ["without_car"]')
    for old, new in (("Usine", site), ("Boulonnerie", employer)):
        quoted = '"' + new.replace('"', '\\"') + '"'
        text = text.replace(f'"{old}"', quoted)
    path.write_text(text, encoding="utf-8")
    return load(path)


def results(study):
    access = assess(study)
    return access, white_zones(access)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return results(study_of(tmp_path_factory.mktemp("small"), h1=1234, h2=2500))


@pytest.fixture(scope="module")
def written(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_report(*small, folder, language="fr")
    return folder


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Three workers can come, 97 cannot."""
    return results(study_of(tmp_path_factory.mktemp("few"), h1=3, h2=97))


def test_remedies_of_other_inputs_are_told_to_be_outdated(small, tmp_path):
    def told(outdated):
        words = Words("fr", small[0].study.days)
        sheets = all_sheets(*small, None, words)
        found = Writer(*small, words, sheets, outdated=outdated).document()
        return " ".join(Page(html_page(found)).words)

    assert "l’ont été pour d’autres données" in told(outdated=True)
    assert "n’a pas été cherché" in told(outdated=False)
    assert not has_advice([tmp_path])
    (tmp_path / "levers.json").write_text("{}")
    assert has_advice([tmp_path])


class Page(HTMLParser):
    """Tables (heads and rows), visible text and addresses of a page."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.words, self.links, self.tags = [], [], [], []
        self._cell, self._style = None, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._style = tag == "style"
        self.links += [v for k, v in attrs if k in ("src", "href") and v]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._cell = self.tables[-1][-1]

    def handle_endtag(self, tag):
        self._style = False
        if tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        if not self._style:
            self.words.append(data)
        if self._cell is not None:
            self._cell[-1] += data


def page(folder, name="report.html"):
    return Page((folder / name).read_text(encoding="utf-8"))


def pdf_text(folder):
    return "\n".join(p.extract_text() for p in PdfReader(folder / "report.pdf").pages)


def digits(text):
    return int("".join(c for c in text if c.isdigit()))


def test_page_shows_the_figures_of_the_tables(small, written):
    # H1 reaches the morning shift and comes back (see test_small_case), H2 walks too far.
    table = next(t for t in page(written).tables if t[0][0] == "Poste")
    head, *rows = table
    morning = dict(zip(head, rows[0], strict=True))
    assert morning["Poste"] == "matin"
    assert digits(morning["Aller et retour (actifs)"]) == 1234
    assert digits(morning["Ni aller ni retour (actifs)"]) == 2500
    assert morning["Part du bassin"] == "33\u202f%"
    assert "possibles pour 1\u202f234 des 3\u202f734 actifs" in " ".join(page(written).words)


def test_last_return_by_hand(written):
    # 13:20 is the only bus within half an hour of 13:00: fifteen minutes late miss it.
    table = next(t for t in page(written).tables if "Jusqu’à 14 min de retard (actifs)" in t[0])
    row = dict(zip(table[0], table[1], strict=True))
    assert digits(row["Jusqu’à 14 min de retard (actifs)"]) == 1234
    assert digits(row["Aucun retour, même à l’heure (actifs)"]) == 2500
    assert row["15 à 29 min de retard (actifs)"] == "0"


def test_shifts_of_the_same_name_are_told_apart_by_their_roster(written):
    tables = [t for t in page(written).tables if "Poste" in t[0][1:3]]
    assert len(tables) == 2
    assert [t[0][:4] for t in tables] == [["Site", "Roulement", "Poste", "Jour type"]] * 2
    assert all(row[1] == "3×8" for t in tables for row in t[1:])


def test_dates_are_in_words_in_both_languages(small, written):
    why = next(t for t in page(written).tables if t[0][-1] == "Pourquoi cette date")[1][-1]
    assert why.startswith("17\u00a0novembre 2026, fixé par")
    days = all_sheets(*small, None, Words("en"))["days"].frame
    assert days["why"].iloc[0].startswith("17\u00a0November 2026, fixed by")


def test_only_a_word_too_long_for_a_column_may_break():
    row = ("après-midi", "a" * 64, "1\u202f234")
    table = blocks.Table(("a", "b", "c"), (row,), (False, False, True))
    html = html_page(blocks.Document("fr", "T", (table,)))
    assert '<td>après-midi</td><td class="long">aaa' in html
    assert '<td class="n">1\u202f234</td>' in html


def test_page_asks_nothing_of_the_network(written):
    found = page(written)
    assert found.links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in found.links)
    assert not {"script", "link", "iframe"} & set(found.tags)


def test_pdf_shows_the_same_figures_with_its_own_fonts(written):
    text = pdf_text(written)
    assert "possibles pour 1\u202f234 des 3\u202f734 actifs" in text.replace("\n", " ")
    assert "après-midi" in text
    assert "sens «\u202fservice\u202f»" in text.replace("\n", " ")
    reader = PdfReader(written / "report.pdf")
    fonts = [f.get_object() for f in reader.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    assert all("DejaVu" in font["/BaseFont"] for font in fonts)
    assert reader.outline[0]["/Title"] == "L’essentiel"


def test_workbook_has_a_typed_sheet_per_table(small, written):
    book = load_workbook(written / "report.xlsx")
    sheets = all_sheets(*small, None, Words("fr"))
    assert book.sheetnames == ["Lisez-moi", *(s.spec.name["fr"] for s in sheets.values())]
    assert {s.page_setup.orientation for s in book} == {"landscape"}
    assert book["Synthèse"].print_title_rows == "$1:$1"
    summary = book["Synthèse"]
    assert summary.freeze_panes == "A2"
    assert summary.auto_filter.ref == summary.dimensions
    head = [cell.value for cell in summary[1]]
    row = dict(zip(head, summary[2], strict=True))
    assert row["Bassin (actifs)"].value == 3734
    assert row["Bassin (actifs)"].number_format == "#,##0"
    assert row["Part du bassin"].number_format == "0.0%"
    shifts = book["Postes"]
    start = shifts.cell(2, [c.value for c in shifts[1]].index("Début") + 1)
    assert (start.value.hour, start.number_format) == (5, "hh:mm")
    frame = sheets["shifts"].frame
    column = [c.value for c in shifts[1]].index("Aller et retour (actifs)") + 1
    found = [shifts.cell(i, column).value for i in range(2, 2 + len(frame))]
    assert found == frame["reachable"].astype(int).tolist()


def test_command_writes_map_tables_and_report(tmp_path):
    path = write_territory(tmp_path, homes=homes(40, 60))
    done = CliRunner().invoke(app, ["report", str(path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert {*NAMES, "map.html", "summary.csv"} <= {p.name for p in (tmp_path / "out").iterdir()}
    assert "report.pdf" in (tmp_path / "out" / "run.json").read_text(encoding="utf-8")


def test_the_index_links_every_file_with_a_line(tmp_path):
    (tmp_path / "shuttles").mkdir()
    for name in ("map.html", "report.pdf", "summary.csv", "shuttles/P01.zip", "notes.txt"):
        (tmp_path / name).write_text("x")
    write_index(tmp_path, tmp_path, "fr", "Bassin <b>")
    found = page(tmp_path, "index.html")
    assert found.links == ["report.pdf", "map.html", "summary.csv", "shuttles/P01.zip"]
    assert "Bassin <b>" in found.words
    assert "La carte\u00a0: l’existant, ce qui aiderait, l’avant et l’après" in found.words


def test_the_workbook_has_its_chart(written):
    with zipfile.ZipFile(written / "report.xlsx") as parts:
        assert "xl/charts/chart1.xml" in parts.namelist()


def test_record_lists_every_file(written):
    text = (written / "run.json").read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_same_results_same_bytes(small, written, tmp_path, name):
    write_report(*small, tmp_path, language="fr")
    assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_page_workbook_and_tables_tell_the_same_counts(few, tmp_path):
    write_report(*few, tmp_path)
    write_tables(*few, tmp_path)
    table = pd.read_csv(tmp_path / "summary.csv").iloc[0]
    assert table[["pool", "reachable", "white", "share"]].tolist() == [100, 3, 97, 0.03]
    words = " ".join(page(tmp_path).words)
    assert "possibles pour 3 des 100 actifs" in words
    assert {"3", "97", "3,0\u202f%", "97\u202f%"} <= set(page(tmp_path).words)
    assert "masqué" not in words + pdf_text(tmp_path)
    sheet = load_workbook(tmp_path / "report.xlsx")["Synthèse"]
    told = dict(zip(*([c.value for c in row] for row in sheet.iter_rows(max_row=2)), strict=True))
    names = ("Bassin (actifs)", "Aller et retour (actifs)")
    assert [told[name] for name in names] == [100, 3]


def test_no_trace_of_a_marked_employee(tmp_path):
    path = write_territory(tmp_path / "in", homes=employees_csv())
    text = path.read_text(encoding="utf-8")
    old = 'id = "id"\nname = "name"\ncommune = "commune"\npersonal = false\n'
    path.write_text(text.replace(old, 'kind = "employees"\n'), encoding="utf-8")
    write_report(*results(load(path)), tmp_path / "out")
    assert_no_trace(tmp_path / "out", [MARKED], crs=[LOCAL])
    assert "Salarié" not in pdf_text(tmp_path / "out") + " ".join(page(tmp_path / "out").words)


def test_hostile_names_are_text(tmp_path):
    access, zones = results(study_of(tmp_path, site=HOSTILE, employer="=1+1"))
    write_report(access, zones, tmp_path / "out")
    write_tables(access, zones, tmp_path / "out")
    found = page(tmp_path / "out")
    assert "script" not in found.tags
    assert any(HOSTILE in text for text in found.words)
    assert '<script>alert("é")' in pdf_text(tmp_path / "out").replace("\n", " ")
    book = load_workbook(tmp_path / "out" / "report.xlsx")
    cell = next(c for c in book["Synthèse"][2] if c.value == "=1+1")
    assert cell.data_type == "s" or cell.quotePrefix
    check_styles(tmp_path / "out" / "results.gpkg")


def test_geopackage_brings_its_styles(small, tmp_path):
    write_tables(*small, tmp_path)
    check_styles(tmp_path / "results.gpkg")
    first = (tmp_path / "results.gpkg").read_bytes()
    write_tables(*small, tmp_path)
    assert (tmp_path / "results.gpkg").read_bytes() == first


def check_styles(path):
    with sqlite3.connect(path) as file:
        rows = file.execute(
            "SELECT f_table_name, f_geometry_column, styleName, styleQML, useAsDefault "
            "FROM layer_styles"
        ).fetchall()
        columns = {row[1] for row in file.execute('PRAGMA table_info("homes")')}
        tables = file.execute(
            "SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'"
        ).fetchall()
    assert tables == [("attributes",)]
    defaults = [row[0] for row in rows if row[4]]
    assert sorted(defaults) == ["homes", "sites", "stops"]
    for layer, geometry, _name, qml, _default in rows:
        root = ET.fromstring(qml.partition(">")[2])
        assert (root.tag, geometry) == ("qgis", "geom")
        if layer == "homes":
            renderer = root.find("renderer-v2")
            assert renderer.get("attr").strip('"').replace('""', '"') in columns
            values = [c.get("value") for c in renderer.iter("category")]
            assert values == list(STATUSES)
            symbols = renderer.findall("symbols/symbol")
            drawn = [s.find("layer/Option/Option[@name='name']").get("value") for s in symbols]
            assert drawn == ["circle", "triangle", "square", "cross_fill"]


def test_cells_are_hatched_and_points_have_marks_of_their_own():
    root = ET.fromstring(status_qml("A | status", "fr").partition(">")[2])
    symbols = root.findall("renderer-v2/symbols/symbol")
    assert {s.get("type") for s in symbols} == {"fill"}
    hatches = [len(s.findall("layer[@class='LinePatternFill']")) for s in symbols]
    assert hatches == [0, 1, 1, 2]
    root = ET.fromstring(status_qml("A | status", "fr", points=True).partition(">")[2])
    assert {s.get("type") for s in root.findall("renderer-v2/symbols/symbol")} == {"marker"}


def test_both_languages_are_complete(small, tmp_path):
    write_report(*small, tmp_path, language="en")
    english = " ".join(page(tmp_path).words)
    assert "1,234 of 3,734 workers can go and come back" in english
    assert not set("éèêàç") & set(english.replace("après-midi", ""))
    french = Page(html_page(report_of(*small)))
    alike = {w.strip() for w in french.words} & {w.strip() for w in page(tmp_path).words}
    prose = {w for w in alike if len(w.split()) > 3}
    assert all(w.startswith("Droiteville") for w in prose), prose


def test_roster_status_is_the_worst_of_its_shifts(small):
    found = rosters(small[0])
    row = int(np.flatnonzero(found.keys["mode"] == "counted")[0])
    assert [STATUSES[s] for s in found.status(row)] == ["served", "neither"]


def test_pictures_show_the_status_of_homes(small):
    access, _ = small
    painter = Painter(access.study, "© rues")
    served = painter.png(np.zeros(2, np.int8), 0)
    white = painter.png(np.full(2, 3, np.int8), 0)
    blue = tuple(int(STYLES[0][0][i : i + 2], 16) for i in (1, 3, 5))
    assert near(served, blue) > 20 > near(white, blue)
    assert served == painter.png(np.zeros(2, np.int8), 0)


def near(png, colour):
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int64)
    return int((np.abs(pixels - colour).sum(axis=2) < 40).sum())


def test_scale_bar_is_a_round_length():
    assert [scale_length(m) for m in (999, 1000, 4999, 5001)] == [500, 1000, 2000, 5000]


def test_view_keeps_its_shape_and_holds_the_box():
    view = view_of(np.array([2.0, 48.0, 2.1, 48.3]))
    corners = view.plane(np.array([[2.0, 48.0], [2.1, 48.3]]))
    assert view.width / view.height == pytest.approx(4 / 3)
    assert corners[0, 1] > view.south
    assert corners[1, 1] < view.south + view.height


def test_workbook_archive_holds_no_clock(written):
    with zipfile.ZipFile(written / "report.xlsx") as archive:
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = archive.read("docProps/core.xml").decode()
    assert core.count("2000-01-01T00:00:00Z") == 2


def test_numbers_and_shares_in_words():
    french, english = Words("fr"), Words("en")
    assert french.number(12345.6, 1) == "12\u202f345,6"
    assert english.number(12345) == "12,345"
    assert (french.number(pd.NA), english.number(float("nan"))) == ("–", "–")
    assert french.percent(0.0549) == "5,5\u202f%"
    assert french.percent(0.33) == "33\u202f%"
    assert french.percent(0.9999) == ">\u00a099,9\u202f%"
    assert french.percent(1.0) == "100\u202f%"
    assert french.percent(0.0049) == "0,5\u202f%"
    assert french.percent(0.00001) == "<\u00a00,1\u202f%"
    assert english.percent(0.0) == "0%"
    assert french.set_spaces("motif : « ici » ; là") == "motif\u00a0: «\u202fici\u202f»\u202f; là"
    assert french.roster("3x8") == "3×8"


def test_a_phrase_is_no_list_of_names():
    french, english = Words("fr"), Words("en")
    assert (french.symbol("to work"), english.symbol("to work")) == ("aller", "to work")
    assert english.symbol("back home") == "back home"
    told = english.symbol("school_weekday saturday")
    assert told == "school-term weekday; Saturday"
    assert english.symbol("transit").casefold() == "public transport"


def overlaps(tab):
    """Return the sizes of window in which a card's figure lies over its text, or the page
    is wider than the window."""
    found = []
    for width in (390, 1366):
        tab.set_viewport_size({"width": width, "height": 800})
        over = tab.evaluate(
            "[...document.querySelectorAll('.key')].some(k => k.children[0].scrollWidth"
            " > k.children[0].clientWidth || k.children[0].getBoundingClientRect().right"
            " > k.children[1].getBoundingClientRect().left)"
        )
        wide = tab.evaluate("document.documentElement.scrollWidth") > width
        found += [
            f"{width} px: {what}" for what, is_so in (("over", over), ("wide", wide)) if is_so
        ]
    return found


@pytest.mark.browser
def test_page_in_a_real_browser(written):
    """No error, no failed request, no accessibility problem that axe-core finds."""
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium on this machine")
    said = []

    def visit():
        with playwright.sync_playwright() as driver:
            window = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            tab = window.new_page()
            tab.on("console", lambda message: said.append(message.text))
            tab.on("requestfailed", lambda request: said.append(request.url))
            tab.goto((written / "report.html").as_uri())
            width = tab.locator("img").first.evaluate("i => i.naturalWidth")
            said.extend(overlaps(tab))
            found = axe.Axe().run(tab).response["violations"]
            window.close()
            return width, found

    # A thread of its own: the map's tests may keep a driver open in this one.
    with ThreadPoolExecutor(max_workers=1) as pool:
        width, found = pool.submit(visit).result()
    assert width > 500
    assert not said
    assert not [v["id"] for v in found]


def one_of_each():
    out = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(out, "PNG")
    figure = blocks.Figure(out.getvalue(), "alt", "Figure", "caption")
    part = blocks.Part(1, "Part", "7", "70\u202f%", 0.7)
    card = blocks.Card("Card", "sub", "Headline", "Sentence", (part,), "Flag")
    return (
        blocks.Heading("Heading"), blocks.Text("Text"), blocks.Bullets((("", "Bullets"),)),
        blocks.Table(("Table",), (("a",),), (False,)), figure, blocks.Cards((card,)),
        blocks.Panel(figure, card, (("Panel", "note"),)), blocks.Strip((figure,)),
        blocks.Legend(((2, "Legend"),)),
    )  # fmt: skip


def test_each_kind_of_block_is_written_in_every_format():
    made = one_of_each()
    parts = {blocks.Part, blocks.Card}  # they stand in others only
    assert {type(block) for block in made} == {*blocks.Block.__subclasses__()} - parts
    whole = blocks.Document("fr", "Title", made, "Subtitle", "Footer")
    seen = " ".join(Page(html_page(whole)).words)
    drawn = "".join(p.extract_text() for p in PdfReader(io.BytesIO(pdf_bytes(whole))).pages)
    with zipfile.ZipFile(io.BytesIO(docx_bytes(whole))) as word:
        typed = "".join(word.read(n).decode() for n in word.namelist() if n.endswith(".xml"))
        assert {i.date_time for i in word.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    names = ["Title", "Subtitle", "Footer", "Heading", "Text", "Bullets", "Table", "Figure",
             "Headline", "Sentence", "Flag", "Panel", "70\u202f%"]  # fmt: skip
    assert 'w:w="11906" w:h="16838"' in typed  # A4
    assert "Legend" in seen
    assert "Legend" in drawn
    for text in (seen, drawn, typed):
        assert [name for name in names if name not in text] == []
    assert "<nav" not in html_page(whole)


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [("fr", "Sur 2 roulements, 1 reste hors", "Sur 2 roulements, 2 restent hors"),
     ("en", "Of 2 rosters, 1 is out", "Of 2 rosters, 2 are out")],
)  # fmt: skip
def test_rosters_out_of_reach_are_counted_in_the_singular_too(language, one, two):
    row = {"site": "A", "roster": "day", "pool": 9, "reachable": 1, "share": 0.1, "main_reason": ""}
    rows = [row | {"headcount": 5, "is_white": True}, row | {"headcount": 4, "is_white": False}]
    shifts = pd.DataFrame({"site": [], "roster": []})
    for count, told in ((1, one), (2, two)):
        rows[1]["is_white"] = count == 2
        *_, last = present_sentences(rows[0], pd.DataFrame(rows), shifts, Words(language), 0.1)
        assert last.startswith(told)


@pytest.mark.parametrize("cycling", [False, True])
def test_the_first_page_says_which_modes_count(small, cycling):
    territory = small[0].study.territory
    modes = territory.modes.model_copy(
        update={"cycling_counts": cycling, "evaluated": ["transit", "bike", "walk", "car"]}
    )
    told = modes_that_count(territory.model_copy(update={"modes": modes}), Words("en"))
    bicycle = "bicycle, " if cycling else ""
    assert told.casefold() == f"modes that count: public transport, {bicycle}walking."
    words = Words("fr", small[0].study.days)
    page = Writer(*small, words, all_sheets(*small, None, words)).essentials()
    assert any("Modes qui comptent" in getattr(block, "text", "") for block in page)


def test_each_numbered_list_begins_at_one():
    listed = (blocks.Bullets((("", "A"), ("", "B")), numbered=True), blocks.Heading("H"),
              blocks.Bullets((("", "C"),), numbered=True))  # fmt: skip
    document = blocks.Document("fr", "Title", listed)
    assert [line for line in markdown_text(document).splitlines() if line[:1].isdigit()] == [
        "1. A", "2. B", "1. C",
    ]  # fmt: skip
    word = docx.Document(io.BytesIO(docx_bytes(document)))
    items = [p for p in word.paragraphs if p.style.name == "List Number"]
    lists = [p._p.pPr.numPr.numId.val for p in items]
    assert lists[0] == lists[1] != lists[2]
    known = word.part.numbering_part.element
    starts = [known.num_having_numId(n).find(".//" + qn("w:startOverride")) for n in set(lists)]
    assert [start.get(qn("w:val")) for start in starts] == ["1", "1"]


def test_a_library_that_fails_takes_no_other_file_with_it(small, tmp_path, monkeypatch):
    write_report(*small, tmp_path)

    def fail(*_, **__):
        raise ImportError("no such library")

    monkeypatch.setattr("typst.Compiler", fail)
    assert {p.name for p in write_report(*small, tmp_path)} == {*NAMES} - {"report.pdf"}
    assert not (tmp_path / "report.pdf").exists()
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    (told,) = [f["en"] for f in record["findings"] if f["code"] == "no_pdf"]
    assert told.startswith("The PDF could not be made: no such library.")
    assert "report.pdf" not in record["outputs"]
    monkeypatch.undo()
    write_report(*small, tmp_path)
    assert "no_pdf" not in (tmp_path / "run.json").read_text(encoding="utf-8")


def test_a_short_table_tells_where_its_other_rows_are():
    frame = pd.DataFrame({"site": [f"S{k}" for k in range(30)], "pool": range(30)})
    table = table_block(sheet_of("summary", frame), Words("fr"), most=12)
    assert len(table.rows) == 12
    assert "omises ici\u00a0: 18" in table.caption
    assert "Synthèse" in table.caption


@pytest.mark.parametrize("columns", [3, 9, 13])
def test_no_number_and_no_word_parts_in_a_pdf(columns):
    """However many columns, and however long what they hold."""
    words = ("Correspondances", "jour scolaire", "1\u202f113\u202f188")
    heads = tuple(f"Roulement tenable, bibliothèque {k}" for k in range(columns))
    row = tuple(words[min(k, 2)] for k in range(columns))
    table = blocks.Table(heads, (row,) * 3, tuple(k > 1 for k in range(columns)))
    pdf = pdf_bytes(blocks.Document("fr", "T", (table,)))
    lines = PdfReader(io.BytesIO(pdf)).pages[0].extract_text().splitlines()
    held = [word for line in lines for word in line.replace("\u202f", "").split()]
    assert held.count("1113188") == 3 * (columns - 2)
    assert held.count("Correspondances") == 3
    assert held.count("bibliothèque") == columns


def test_a_comma_of_a_heading_keeps_its_place_and_its_space():
    def apart(numeric):
        """How far the second word stands from the first."""
        table = blocks.Table(("mmmm, nnnn", "x"), (("1" * 18, "y"),), (numeric, False))
        at = {}
        whole = pdf_bytes(blocks.Document("en", "T", (table,)))
        PdfReader(io.BytesIO(whole)).pages[0].extract_text(
            visitor_text=lambda text, _cm, tm, *_: at.update({text.strip(): tm[4]})
        )
        return at["nnnn"] - at["mmmm,"]

    assert apart(numeric=True) == pytest.approx(apart(numeric=False), abs=0.01)


def test_a_hash_stays_in_its_column_and_a_hyphen_parts_no_name():
    row = ("Fonderie des Quatre-Vents", "0" * 200, "1")
    table = blocks.Table(("Site", "SHA-256", "Z"), (row,) * 2, (False, False, True))
    made = blocks.Document("fr", "T", (table,) * 2 + (blocks.Text("a " * 9),))
    said = PdfReader(io.BytesIO(pdf_bytes(made))).pages[0].extract_text()
    assert "Quatre-Vents" in said
    assert "0" * 200 not in said
    assert re.sub(r"[\n\u200b]", "", said).count("0" * 200) == 4


def test_a_document_keeps_to_its_pages_by_showing_fewer_rows():
    heads, rows = ("A", "B"), tuple((f"ligne {k}", str(k)) for k in range(40))
    table = blocks.Table(heads, rows, (False, True), "Légende")
    made = blocks.Document("fr", "T", (table,) * 4, most_pages=1)
    pages = PdfReader(io.BytesIO(pdf_bytes(made))).pages
    assert len(pages) == 1
    told = pages[0].extract_text()
    assert told.count("ligne 7") == 4
    assert "ligne 12" not in told
    assert "les 12 premières lignes" in told
    assert len(PdfReader(io.BytesIO(pdf_bytes(replace(made, most_pages=0)))).pages) > 1


def test_a_table_that_is_whole_keeps_its_rows_as_long_as_pages_allow():
    heads, rows = ("A", "B"), tuple((f"ligne {k}", str(k)) for k in range(30))
    table = blocks.Table(heads, rows, (False, True))
    whole = replace(table, whole=True)
    for tables, kept in (((whole, table), True), ((whole,) * 4, False)):
        made = blocks.Document("fr", "T", tables, most_pages=1)
        pages = PdfReader(io.BytesIO(pdf_bytes(made))).pages
        assert len(pages) == 1
        assert ("ligne 29" in pages[0].extract_text()) is kept


def test_names_of_the_user_are_set_as_in_print_and_what_is_copied_is_not():
    frame = pd.DataFrame({"role": ["L'été"], "file": ["l'été 3x8.csv"]})
    table = table_block(sheet_of("sources", frame), Words("fr"))
    assert table.rows == (("L’été", "l'été 3x8.csv"),)
    made = blocks.Document("fr", "Val d'Orle", (blocks.Heading("3x8 : l'usine"), table))
    assert (made.title, made.blocks[0].text) == ("Val d’Orle", "3×8\u00a0: l’usine")
    assert made.blocks[1].rows == table.rows


@pytest.mark.parametrize("lines", range(38, 48))
def test_a_heading_stays_with_the_head_and_first_row_of_its_table(lines):
    text = blocks.Text(" ".join(["mot"] * 8 * lines))
    heads = ("Un titre qui va sur bien des lignes " * 3, "B")
    table = blocks.Table(heads, (("première", "1"), ("seconde", "2")), (False, True), "Légende")
    made = blocks.Document("fr", "T", ((text,) * 2 + (blocks.Heading("Partie", 2), table)))
    pages = [p.extract_text() for p in PdfReader(io.BytesIO(pdf_bytes(made))).pages]
    parts = [next(k for k, p in enumerate(pages) if word in p) for word in ("Partie", "première")]
    assert parts[0] == parts[1]
    assert sum("Légende" in p for p in pages) == 1
