"""The page as a file: self-contained, the same bytes, safe, private, bilingual."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from maps_model import HOSTILE, SHOWN, make_model
from texts import french
from typer.testing import CliRunner

from mobility.base.errors import MobilityError, SourceError, SourceNotFoundError
from mobility.cli import app
from mobility.outputs.map import assets
from mobility.outputs.map.assets import ENGLISH, page_french
from mobility.outputs.map.export import COUNTED, LAYERS, SELECTED, WORDS, export_png
from mobility.outputs.map.page import render, write_map

STATIC = Path(assets.__file__).parent / "static"


@pytest.fixture(scope="module")
def page() -> str:
    return render(make_model(step_km=1.0, hostile=True))


def manifest_of(page: str) -> dict:
    found = re.search(r'id="mb-manifest">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def test_the_same_model_gives_the_same_bytes(page: str) -> None:
    assert render(make_model(step_km=1.0, hostile=True)) == page


def test_nothing_is_fetched(page: str) -> None:
    """Outside Leaflet's own comments, the only address is the name of the SVG language."""
    assert not re.findall(r"<(?:link|img|iframe|script)[^>]+(?:src|href)=", page)
    styles = "".join(re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL))
    assert "data:image/png" in styles
    assert not re.findall(r"url\((?!data:|#)", styles)
    assert "@import" not in styles
    own = page.replace(assets.leaflet()[0], "").replace(assets.leaflet()[1], "")
    assert set(re.findall(r"https?://([\w.-]+)", own)) == {"www.w3.org"}


def test_leaflet_comes_from_its_installed_distribution(page: str) -> None:
    assert "Leaflet 1.9.4" in page
    assert not list(STATIC.glob("*leaflet*"))


def test_a_missing_distribution_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(SourceNotFoundError) as caught:
        assets.leaflet()
    assert "pip install no-such-distribution" in str(caught.value)
    assert "Installez-le" in caught.value.render("fr")


def test_hostile_names_stay_inside_their_script(page: str) -> None:
    assert HOSTILE not in page
    assert "<script>window.hacked" not in page
    assert manifest_of(page)["sites"][1]["name"] == SHOWN
    opened, closed = len(re.findall(r"<script\b", page)), len(re.findall(r"</script>", page))
    # Leaflet builds elements from strings; only real elements end.
    assert closed <= opened


def test_a_plan_of_three_workers_tells_three() -> None:
    model = make_model(step_km=1.0)
    model = replace(model, plans=(replace(model.plans[0], workers=3),))
    assert manifest_of(render(model))["plans"][0]["workers"] == 3


def test_the_page_carries_the_french_of_its_texts() -> None:
    code = "".join(f.read_text(encoding="utf-8") for f in sorted(STATIC.glob("*.js")))
    used = {*re.findall(r'\bt\(\s*"((?:[^"\\]|\\.)*)"', code), *ENGLISH.values()}
    known = page_french()
    assert {t for t in used if french().get(t, t) != t} <= known.keys()
    assert known["Outbound only"] == "Aller seulement"


def test_symbols_used_by_the_script_have_a_text() -> None:
    code = (STATIC / "figures.js").read_text(encoding="utf-8")
    reasons = re.search(r"const REASONS = \[(.*?)\]", code, re.DOTALL)[1]
    for name in re.findall(r'"(\w+)"', reasons):
        assert f"reason {name}" in ENGLISH
    from mobility.commute.white_zones import REASONS

    assert tuple(re.findall(r'"(\w*)"', reasons)) == REASONS


def test_french_follows_its_typography() -> None:
    for english, text in page_french().items():
        assert not re.search(r"[^\u00a0\u202f\d][:;?!»](?:\s|$)", text), english
        assert not re.search(r"«[^\u00a0]", text), english
        assert "'" not in text, english


def test_labels_of_plan_figures_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(step_km=1.0)
    label = "EUR per boarding"
    plan = replace(model.plans[0], facts=((label, "1"),))
    assert manifest_of(render(replace(model, plans=(plan,))))["fr"][label] == french()[label]


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "map.html"
    assert write_map(make_model(step_km=2.0), path) == path
    assert path.read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="fr">')
    assert [p.name for p in path.parent.iterdir()] == ["map.html"]


def test_tiles_are_asked_for_only_when_wanted(page: str) -> None:
    assert "tileLayer(" not in page.split('id="mb-manifest"')[1]
    tiled = render(make_model(step_km=2.0), tiles="OpenStreetMap.Mapnik")
    assert "tile.openstreetmap.org" in tiled
    assert manifest_of(tiled)["tiles"] is True


def test_a_picture_of_no_page(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="Write the map first"):
        export_png(tmp_path / "none.html", tmp_path / "x.png")


def test_a_picture_of_a_file_that_is_no_map(tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    page.write_text("<p>hello</p>")
    with pytest.raises(SourceError, match="no map page"):
        export_png(page, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_picture_of_what_the_page_does_not_tell(tmp_path: Path) -> None:
    page = write_map(make_model(step_km=2.0), tmp_path / "map.html")
    with pytest.raises(MobilityError, match=r"mesure.*measure"):
        export_png(page, tmp_path / "x.png", select={"mesure": "white"})


def test_a_browser_that_is_none(tmp_path: Path) -> None:
    """A file that draws nothing is run; a folder, or no file, is refused with the option's name."""
    page = write_map(make_model(step_km=2.0), tmp_path / "map.html")
    words = ["png", str(page), str(tmp_path / "x.png"), "--lang", "en", "--browser"]
    refused = CliRunner().invoke(app, [*words, str(tmp_path)])
    assert (refused.exit_code, "--browser." in refused.output) == (2, True)
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\n")
    silent.chmod(0o755)
    drawn = CliRunner().invoke(app, [*words, str(silent)])
    assert (drawn.exit_code, "drew no picture: it says nothing" in drawn.output) == (2, True)
    assert not (tmp_path / "x.png").exists()


def test_what_is_selected_is_what_the_page_reads() -> None:
    script = (STATIC / "state.js").read_text(encoding="utf-8")
    readers = script[script.index("const readers") : script.index("// Zoom, latitude")]
    names = set(re.findall(r"[{,]\s*(\w+): ", readers))
    layers = re.findall(r'"(\w+)"', re.search(r"const LAYERS = (.*)", script)[1])
    assert (names, tuple(layers)) == (set(SELECTED), LAYERS)


@pytest.mark.parametrize("asked", [{"site": "9"}, {"day": "Samedi"}, {"measure": "witte"}])
def test_a_picture_of_what_the_page_has_not(tmp_path: Path, asked: dict[str, str]) -> None:
    page = write_map(make_model(step_km=2.0), tmp_path / "map.html")
    ((name, value),) = asked.items()
    with pytest.raises(MobilityError, match=f"field --select, value '{name}={value}'"):
        export_png(page, tmp_path / "x.png", select=asked)


def test_the_words_of_an_address_are_those_the_page_reads() -> None:
    script = (STATIC / "state.js").read_text(encoding="utf-8")
    for name, words in WORDS.items():
        read = re.search(rf"\b{name}: word\((.*?)\)", script)
        assert tuple(re.findall(r'"(\w+)"', read[1])) == words
    assert set(re.findall(r"(\w+): indexOf", script)) == set(COUNTED)


def test_a_picture_without_a_browser(tmp_path: Path) -> None:
    page = write_map(make_model(step_km=2.0), tmp_path / "map.html")
    with pytest.raises(SourceNotFoundError, match="Install Chromium"):
        export_png(page, tmp_path / "x.png", browser="/no/such/browser")
    assert not (tmp_path / "x.png").exists()


def test_a_browser_that_fails_says_why(tmp_path: Path) -> None:
    page = write_map(make_model(step_km=2.0), tmp_path / "map.html")
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\necho it broke >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(Exception, match="it broke"):
        export_png(page, tmp_path / "x.png", browser=str(broken))
    broken.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SourceError) as caught:
        export_png(page, tmp_path / "x.png", browser=str(broken))
    assert "« il ne dit rien »" in caught.value.render("fr").replace("\u202f", " ")


def test_a_picture_is_a_png(tmp_path: Path) -> None:
    page = write_map(make_model(step_km=2.0), tmp_path / "map.html")
    with pytest.raises(SourceError, match=r"x.jpg: No file of this kind.*: .png"):
        export_png(page, tmp_path / "x.jpg")
