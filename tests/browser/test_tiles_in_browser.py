"""Tiles from a server of this machine: drawn, credited, and done without where they fail."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from maps_model import make_model
from PIL import Image

from mobility.base.errors import SourceNotFoundError
from mobility.outputs.map.page import render, write_map

pytestmark = pytest.mark.browser
MAGENTA = (255, 0, 255)
TEMPLATE = re.compile(r"(?<=L\.tileLayer\(\n)(\s*)\"[^\"]*\"")


@contextmanager
def tiles(*, come: bool) -> Iterator[tuple[str, list[str]]]:
    """Serve one-coloured tiles, or none; yield the template and the paths asked for."""
    asked: list[str] = []
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), MAGENTA).save(picture, "PNG")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if come else 503)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            if come:
                self.wfile.write(picture.getvalue())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}.png", asked
    finally:
        server.shutdown()


@pytest.fixture
def tiled(tmp_path):
    """Return a function that writes a page whose tiles come from an address."""
    text = render(make_model(), tiles="GeoportailFrance.plan")
    assert len(TEMPLATE.findall(text)) == 1

    def write(template: str):
        path = tmp_path / "tiled.html"
        path.write_text(TEMPLATE.sub(lambda m: f'{m[1]}"{template}"', text), encoding="utf-8")
        return path

    return write


def magenta(page) -> float:
    """Return the share of the map that shows tiles, homes and roads being see-through."""
    shot = Image.open(io.BytesIO(page.locator(".folium-map").screenshot())).convert("RGB")
    found = sum(n for n, c in shot.getcolors(1 << 24) if c == MAGENTA)
    return found / (shot.width * shot.height)


def test_tiles_are_drawn_and_credited(open_page, tiled) -> None:
    with tiles(come=True) as (template, asked):
        opened = open_page(tiled(template), "site=0&pick=s1", allow=template[:22])
        page = opened.page
        page.wait_for_function("document.querySelectorAll('.leaflet-tile-loaded').length > 3")
        page.wait_for_timeout(500)
        assert magenta(page) > 0.1
        assert "Geoportail" in page.inner_text(".leaflet-control-attribution")
        assert page.evaluate("document.querySelector('.leaflet-tile').alt") == ""
        assert all(re.fullmatch(r"/\d+/\d+/\d+\.png", path) for path in asked)
        page.uncheck("#mb-layer-background")
        page.wait_for_timeout(200)
        assert magenta(page) == 0


def test_without_its_tiles_a_page_shows_its_own_ground(open_page, tiled, tmp_path) -> None:
    own = write_map(make_model(), tmp_path / "own.html")
    with tiles(come=False) as (template, asked):
        opened = open_page(tiled(template), "site=0&pick=s1", allow=template[:22])
        plain = open_page(own, "site=0&pick=s1")
        ground = """() => [...document.querySelectorAll('.mb-canvas')].map((box) => {
            const data = box.getContext('2d').getImageData(0, 0, box.width, box.height).data;
            let h = 0; for (let i = 0; i < data.length; i += 5) h = (h * 31 + data[i]) | 0;
            return h; })"""
        assert opened.page.evaluate(ground) == plain.page.evaluate(ground)
        assert asked


def test_unknown_tiles_are_refused() -> None:
    with pytest.raises(SourceNotFoundError, match="No tiles of that name are known"):
        render(make_model(), tiles="Nowhere.map")
