"""Texts of the data stand literally in every output, whatever they hold; see `hostile`."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import typing
import xml.etree.ElementTree as ET
import zipfile
import zlib
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import hostile
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from openpyxl import load_workbook
from pydantic import BaseModel
from pypdf import PdfReader
from small import lonlat
from typer.testing import CliRunner

from mobility.base.literal import csv_cell, csv_text, markdown, one_line, read_csv_text, unmarked
from mobility.cli import app
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.prepare.first_files import CandidateSite, sites_csv
from mobility.settings import read_territory
from mobility.shuttles.config import ShuttleConfig
from mobility.sources.gtfs.read import read_feed
from mobility.sources.osm.background import COLUMNS
from mobility.sources.sites import read_sites_file
from mobility.sources.sites_rows import ALIASES
from mobility.territory.project import Territory

#: Read, and shown by no output today: ids, colours, addresses, names drawn nowhere.
UNSEEN = {
    "stops.platform_code", "routes.route_id", "routes.long_name", "routes.color",
    "routes.text_color", "trips.block_id", "trips.service_id", "trips.shape_id",
    "agencies.agency_id", "agencies.url", "feed_info.url", "feed_info.version",
    "osm.industrial", "osm.residential", "osm.built", "osm.forest", "osm.water", "osm.railway",
    "osm.bus_stops", "staff.name", "car_parks.capacity", "street_changes.name",
}  # fmt: skip
COMMANDS = ("check", "shuttles", "report", "levers", "plan", "letter", "isochrones", "matrix",
            "housing", "fairness", "delays", "jobbus", "zone", "lines", "apprentices",
            "irregular", "risk", "itinerary")  # fmt: skip
#: Of these the outputs are those of others, or none of a study's.
NOT_TRIED = {"run", "compare", "demo", "studio", "init", "cache", "png"}
FORMULA = re.compile(r"\s*[=+\-@\t\r]")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")


@pytest.fixture(scope="module")
def territory(tmp_path_factory):
    return hostile.write_hostile(tmp_path_factory.mktemp("hostile") / "study")


@pytest.fixture(scope="module")
def study(territory):
    return load(read_territory(territory))


@pytest.fixture(scope="module")
def outputs(territory):
    """Run every command; return the folder of their files, what each said among them."""
    out = territory.parent / "out"
    runner = CliRunner(env={"COLUMNS": "6000"})
    centres, hours = hostile.write_lists(territory.parent)
    options = {name: ["--out", str(out)] for name in COMMANDS[1:-1]} | {
        "apprentices": [str(centres), "--out", str(out)],
        "irregular": [str(hours), "--out", str(out)],
        "check": ["--html", str(out / "check.html")],
        "matrix": ["--out", str(out / "matrix.parquet")],
        "isochrones": ["--out", str(out / "isochrones.gpkg"), "--minutes", "45"],
        "itinerary": [
            "--home", hostile.text("homes.home_id").strip(),
            "--site", one_line(hostile.text("Site.name")).strip(),
            "--shift", one_line(hostile.text("Shift.name")).strip(),
        ],
    }  # fmt: skip
    for name in COMMANDS:
        done = runner.invoke(app, [name, str(territory), *options[name]])
        assert done.exit_code == 0, (name, done.output, done.exception)
        (out / f"{name}.txt").parent.mkdir(exist_ok=True)
        if name != "jobbus":  # several long texts a row: the terminal folds them into one another
            (out / f"{name}.txt").write_text(done.output, encoding="utf-8")
    access = assess(load(read_territory(territory)))
    access.to_gdf().to_file(out / "access.geojson")
    staff = hostile.staff_territory(territory)
    done = runner.invoke(app, ["report", str(staff), "--out", str(out / "staff")])
    assert done.exit_code == 0, (done.output, done.exception)
    (out / "staff" / "report.txt").write_text(done.output, encoding="utf-8")
    return out


class Page(HTMLParser):
    """Texts, tags and attributes of a page; the content of its own scripts is none."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words, self.tags, self.attributes, self.scripts = [""], [], [], {}
        self._script: str | None = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        known = dict(attrs)
        self._script = known.get("id", "own") if tag in ("script", "style") else None
        self.words += [value for _, value in attrs if value] + [""]

    def handle_data(self, data):
        if self._script is None:
            self.words[-1] += data
        else:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data

    def handle_endtag(self, tag):
        self._script = None


def json_texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, held in value.items():
            yield key
            yield from json_texts(held)
    elif isinstance(value, list):
        for held in value:
            yield from json_texts(held)


def page_texts(path: Path) -> list[str]:
    page = Page(path.read_text(encoding="utf-8"))
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name in ("href", "src")]
    if path.name == "index.html":  # it leads to the files beside it, and nowhere else
        assert all((path.parent / unquote(link)).is_file() for link in links)
    else:
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    words = page.words
    if "mb-manifest" in page.scripts:
        words += json_texts(json.loads(page.scripts["mb-manifest"]))
        for blob in page.scripts["mb-blobs"].split():
            try:
                words += json_texts(json.loads(zlib.decompress(b64decode(blob))))
            except ValueError:
                continue  # numbers
    elif "data" in page.scripts:
        words += json_texts(json.loads(page.scripts["data"]))
        assert page.tags.count("script") == 4  # the data, and what comes with the page
    else:
        assert not {"script", "iframe", "object", "form"} & set(page.tags)
    return words


def csv_texts(path: Path) -> list[str]:
    raw = path.read_bytes().decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", raw)
    for sign in (",", ";"):  # a French spreadsheet parts cells at semicolons
        for row in csv.reader(io.StringIO(raw), delimiter=sign):
            bad = [c for c in row if FORMULA.match(c) and not NUMBER.fullmatch(c.split(",")[0])]
            assert bad == []
    return [unmarked(c) for row in csv.reader(io.StringIO(raw)) for c in row]


def xlsx_texts(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as parts:
        sheets = [n for n in parts.namelist() if n.startswith("xl/worksheets/")]
        assert not [n for n in sheets if re.search(rb"<f[ >]", parts.read(n))]
    cells = [c for sheet in load_workbook(path) for row in sheet.iter_rows() for c in row]
    assert {c.data_type for c in cells} <= {"n", "s", "inlineStr", "d", "b"}
    return [c.value for c in cells if isinstance(c.value, str)]


def gpkg_texts(path: Path) -> list[str]:
    words: list[str] = []
    with closing(sqlite3.connect(path)) as file:
        tables = [n for (n,) in file.execute("SELECT table_name FROM gpkg_contents")]
        for table in tables:
            found = file.execute(f"SELECT * FROM {quoted(table)}")
            words += [table, *(c[0] for c in found.description)]
            words += [v for row in found for v in row if isinstance(v, str)]
    styles = [w for w in words if w.startswith("<!DOCTYPE qgis")]
    words = [w for w in words if w not in styles]
    for style in styles:
        for node in ET.fromstring(style).iter():
            words += node.attrib.values()
    return [w[1:-1].replace('""', '"') if w[:1] == w[-1:] == '"' else w for w in words]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def gtfs_texts(path: Path) -> list[str]:
    words = []
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            for row in csv.reader(io.StringIO(parts.read(name).decode())):
                assert not [cell for cell in row if re.search(r"[\x00-\x1f\x7f]", cell)]
                words += row
    return words


def markdown_texts(path: Path) -> list[str]:
    page = Page(MarkdownIt("commonmark").enable("table").render(path.read_text(encoding="utf-8")))
    assert set(page.tags) <= {"h1", "h2", "h3", "p", "br", "strong", "ul", "ol", "li", "table",
                              "thead", "tbody", "tr", "th", "td"}  # fmt: skip
    return page.words


def pdf_texts(path: Path) -> list[str]:
    reader = PdfReader(path)
    assert "/JavaScript" not in str(reader.trailer["/Root"])
    return [reader.metadata.title, *(page.extract_text() for page in reader.pages)]


def docx_texts(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as parts:
        assert not [n for n in parts.namelist() if re.search("vba|embeddings|activeX", n)]
        roots = [ET.fromstring(parts.read(n)) for n in parts.namelist()
                 if n.startswith(("word/document", "word/footer", "docProps/core"))]  # fmt: skip
    assert not [node for root in roots for node in root.iter() if "instrText" in node.tag]
    return ["\n".join(root.itertext()) for root in roots]


def frame_texts(path: Path) -> list[str]:
    frame = pd.read_parquet(path)
    return [*map(str, frame.columns), *(v for c in frame for v in frame[c] if isinstance(v, str))]


READERS = {
    ".html": page_texts, ".csv": csv_texts, ".xlsx": xlsx_texts, ".gpkg": gpkg_texts,
    ".zip": gtfs_texts, ".md": markdown_texts, ".pdf": pdf_texts, ".parquet": frame_texts,
    ".docx": docx_texts,
    ".json": lambda path: list(json_texts(json.loads(path.read_text(encoding="utf-8")))),
    ".geojson": lambda path: list(json_texts(json.loads(path.read_text(encoding="utf-8")))),
    ".txt": lambda path: [path.read_text(encoding="utf-8")],
}  # fmt: skip


def literal(words: str, name: str) -> set[str]:
    """Return the fields that a text names; each must stand there whole."""
    words = hostile.settled(words)
    seen = {field for field, mark in hostile.MARK.items() if mark in words}
    for field in seen:
        mark, whole = hostile.MARK[field], hostile.settled(hostile.text(field))
        rest = words.replace(whole, "").partition(mark)
        assert not rest[1], (name, field, rest[0][-40:], rest[2][: len(whole)])
    return seen


def test_every_file_holds_the_texts_literally(outputs):
    seen: set[str] = set()
    for path in sorted(p for p in outputs.rglob("*") if p.is_file()):
        found = READERS[path.suffix](path)
        seen |= literal("\n".join(found), path.name)
    assert set(hostile.FIELDS) - seen == UNSEEN


def test_every_command_is_tried():
    named = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert named == {*COMMANDS, *NOT_TRIED}


def test_what_is_looked_for_was_written(outputs):
    names = {p.relative_to(outputs).as_posix() for p in outputs.rglob("*")}
    assert names >= {
        "map.html", "check.html", "report.docx", "plan.docx", "letter.docx", "report.xlsx",
        "remedy_costs.csv", "shuttles/costs.csv", "to_check.csv", "access.geojson",
        "staff/map.html", "staff/report.xlsx",
    }  # fmt: skip


def test_the_feeds_written_are_read_again(outputs):
    feed = read_feed(outputs / "shuttles" / "D01.zip")
    assert one_line(hostile.text("drawn.name")).strip() in set(feed.routes["short_name"])


# --- the list of texts is whole ---


def texts_of(
    model: type[BaseModel], known: set[type] | None = None, kind: type = str
) -> set[tuple[str, str]]:
    """Return every field of a model, and of those within it, that may hold a text, or a path."""
    known = set() if known is None else known
    if model in known:
        return set()
    known.add(model)
    found = set()
    for name, field in model.model_fields.items():
        kinds = set(leaves(field.annotation))
        if kind in kinds:
            found.add((model.__name__, name))
        for inner in kinds:
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found |= texts_of(inner, known, kind)
    return found


def leaves(annotation: object) -> Iterator[object]:
    if typing.get_origin(annotation) is typing.Literal:
        return
    parts = typing.get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from leaves(part)


def test_every_text_of_the_territory_file_is_hostile():
    found = texts_of(Territory) | texts_of(ShuttleConfig)
    assert found == {*hostile.MODEL_TEXTS, *hostile.LOOKED_UP}


#: Files with texts that are in the scene, and those of which no text is kept.
FILES = {("Sources", name) for name in
         ("osm", "gtfs", "sites", "car_parks", "street_changes")}  # fmt: skip
FILES |= {("HomesSource", "file"), ("HomesSource", "zones"), ("ShuttleConfig", "lines")}
NO_TEXTS = {
    ("Sources", "elevation"), ("Sources", "versement_mobilite"), ("HomesSource", "secret"),
    ("HomesSource", "changes"), ("Output", "dir"), ("OnDemand", "file"), ("Sources", "lines"),
    ("Sources", "background"),  # an extract as that of the streets
    ("FeedChange", "file"), ("Roster", "dates"),  # a feed as those of the sources; dates and hours
}  # fmt: skip


def test_every_file_that_may_hold_a_text_is_hostile():
    found = texts_of(Territory, kind=Path) | texts_of(ShuttleConfig, kind=Path)
    assert found == FILES | NO_TEXTS


def text_columns(frame: pd.DataFrame) -> set[str]:
    return {c for c in frame if c != "geometry" and frame[c].dtype.kind not in "biufM"}


def test_every_text_of_the_tables_is_hostile(study):
    tables = {"homes": study.homes.frame} | {
        name: getattr(study.feed, name)
        for name in ("stops", "routes", "trips", "agencies", "feed_info")
    }
    # Ids that point at another table, and what the reader adds.
    links = {"parent_station", "timezone"}
    for name, frame in tables.items():
        known = {*hostile.TABLE_TEXTS[name], *links, "agency_id", "route_id", "service_id"}
        assert set(hostile.TABLE_TEXTS[name]) <= text_columns(pd.DataFrame(frame)) <= known
    others = set(study.feed.__dataclass_fields__) - {*tables, "services", "findings", "networks"}
    for name in others:
        held = getattr(study.feed, name)
        assert not isinstance(held, pd.DataFrame) or text_columns(held) == set(), name
    assert {*COLUMNS, "street"} - {"buildings"} == set(hostile.OSM_TEXTS)
    assert set(ALIASES) == {
        "name", "employer", "roster", "shift", "commune", "gate",  # texts; two are looked up
        "lon", "lat", "start", "end", "hours", "days", "headcount",
        "margin_in_min", "margin_out_min",
    }  # fmt: skip


# --- one text at a time ---

CASES = {
    "=1+1": "'=1+1", "+1": "+1", "-12,5": "-12,5", "-5 min": "'-5 min", "@SUM(1)": "'@SUM(1)",
    "\t=1": "' =1", "\r=1": "' =1", " =1": "' =1", "'s Gravenhage": "''s Gravenhage",
    "＝1+1": "'＝1+1", "a;=1+1;b": "a;'=1+1;b", "a, -b": "a, -b", "Nantes": "Nantes", "": "",
}  # fmt: skip


def test_csv_cells_are_no_formula_and_come_back(tmp_path):
    assert {text: csv_cell(text) for text in CASES} == CASES
    assert [unmarked(csv_cell(text)) for text in CASES] == [one_line(text) for text in CASES]
    frame = pd.DataFrame(
        {"site": ["=a", "NA", "007"], "=n": [-1.5, None, 3], "line": ["", "-", "x"]}
    )
    (tmp_path / "t.csv").write_text(csv_text(frame), encoding="utf-8")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == (
        "site,'=n,line\n'=a,-1.5,\nNA,,'-\n007,3.0,x\n"
    )
    again = read_csv_text(tmp_path / "t.csv")
    assert again["site"].tolist() == ["=a", "NA", "007"]
    assert again["'=n"].fillna(0).tolist() == [-1.5, 0, 3]


SIGNS = ("1. a", "12) b", "- c", "+ d", "= e", "# f", "[a](javascript:b)", "![a](b)", "&lt;",
         "a\\", "~~~", "---")  # fmt: skip


@pytest.mark.parametrize("text", [hostile.PAYLOAD, *SIGNS])
def test_markdown_shows_what_was_written(text):
    page = Page(MarkdownIt("commonmark").render(markdown(text)))
    assert page.tags == ["p"]
    assert hostile.settled("".join(page.words)) == hostile.settled(text)


def test_a_first_table_of_sites_holds_no_formula_and_is_read_again(tmp_path):
    """The names of estates come from OpenStreetMap, and planners open the table."""
    found = CandidateSite("=1+1;+2", 1.0, (4.0, 45.0), ((4.0, 45.0),))
    (tmp_path / "sites.csv").write_text(sites_csv([found]), encoding="utf-8")
    assert csv_texts(tmp_path / "sites.csv")
    (site,) = read_sites_file(tmp_path / "sites.csv")
    assert site.name == "=1+1;+2"


# --- in a browser ---

#: What a page shows, says to a screen reader or offers in a list.
SHOWN = """() => { const page = document.body.cloneNode(true);
    for (const own of page.querySelectorAll('script, style')) own.remove();
    return [page.textContent, ...[...page.querySelectorAll('*')].flatMap(
        node => [...node.attributes].map(a => a.value))].join('\\n'); }"""
#: The pop-ups of every home, stop and gate.
POPUPS = """async () => { const { map, state, openHome } = window.mobilityMap, said = [];
    const pause = () => new Promise(done => setTimeout(done, 100));
    const add = () => said.push(...[...document.querySelectorAll('#mb-card')]
        .map(box => box.textContent));
    state.layers.stops = true;
    for (let h = 0; h < 5; h++) { await openHome(h); add(); }
    for (const [east, lat] of %s) {
        map.setView([lat, east], 15, { animate: false });
        map.fire('click', { latlng: L.latLng(lat, east) });
        await pause(); add();
    }
    return said.join('\\n'); }""" % [list(lonlat(east)) for east in (1_000, 11_239.5)]


@pytest.mark.browser
@pytest.mark.parametrize("name", ["report", "plan", "letter", "recommendations"])
def test_documents_run_nothing(open_page, outputs, name):
    page = open_page(outputs / f"{name}.html", wait="h1").page
    assert literal(page.evaluate("document.body.innerText"), name)
    assert page.evaluate("document.scripts.length") == 0


@pytest.mark.browser
def test_maps_run_nothing(open_page, outputs):
    name = "map"
    opened = open_page(outputs / f"{name}.html")
    seen: set[str] = set()
    for language in ("fr", "en"):
        opened.page.click(f"#mb-{language}")
        for n in range(opened.page.evaluate("document.getElementById('mb-scenario').length")):
            opened.choose(scenario=n)
            seen |= literal(opened.page.evaluate(SHOWN), name)
        seen |= literal(opened.page.evaluate(POPUPS), name)
    scripts = opened.page.evaluate("[...document.scripts].map(s => s.src + s.id)")
    assert scripts == ["", "", "mb-manifest", "mb-blobs", ""]
    assert {"Site.name", "Shift.name", "Roster.name", "stops.stop_name", "homes.name"} <= seen
