"""A real browser with the network cut, and a page opened in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from maps_model import make_model

from mobility.outputs.map.export import find_browser
from mobility.outputs.map.page import write_map

UNFOLD = "document.querySelectorAll('.mb-fold details').forEach((fold) => { fold.open = true; })"
OWN = ("file:", "data:", "blob:")


@dataclass
class Opened:
    """A page in the browser and everything it complained about or asked the network for."""

    page: object
    problems: list[str] = field(default_factory=list)

    def choose(self, **part: object) -> None:
        """Change the selection as a script would, and wait for the drawing."""
        self.page.evaluate("part => window.mobilityMap.choose(part)", part)

    def until(self, held: str = "state") -> None:
        """Wait until this holds of ``mobilityMap`` and the whole page is drawn after it."""
        self.page.wait_for_function(f"window.mobilityMap.{held} && document.body.dataset.ready")

    def figure(self, name: str) -> str:
        """Return a headline figure as shown, its share left out."""
        return self.page.evaluate(
            """name => { const node = document.querySelector(`[data-figure="${name}"]`);
               return node ? node.firstChild.textContent : null; }""",
            name,
        )

    def picture(self) -> str:
        """Return a fingerprint of the homes as drawn."""
        return self.page.evaluate(
            """() => { const box = document.querySelector('.leaflet-mb-homes-pane canvas');
               const copy = document.createElement('canvas');
               copy.width = box.width; copy.height = box.height;
               const ctx = copy.getContext('2d', { willReadFrequently: true });
               ctx.drawImage(box, 0, 0);
               const data = ctx.getImageData(0, 0, box.width, box.height).data;
               let h = 0; for (let i = 0; i < data.length; i += 5) h = (h * 31 + data[i]) | 0;
               return String(h); }"""
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Start Chromium once."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def basin(tmp_path_factory: pytest.TempPathFactory):
    """Return the model with hostile names and the file written from it."""
    model = make_model(hostile=True)
    return model, write_map(model, tmp_path_factory.mktemp("map") / "map.html")


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., Opened]]:
    """Return a function that opens a file at an address; problems fail the test.

    ``allow`` begins the addresses that the page may ask for, ``wait`` is what a page holds once
    it is drawn. What is folded is unfolded unless ``folded``; a selection is shown by what holds
    unless the address says otherwise.
    """
    contexts, opened_pages = [], []

    def open_file(path: Path, address: str = "", **options: object) -> Opened:
        wait = options.pop("wait", "body[data-loaded]")
        folded = options.pop("folded", False)
        if "pick=" in address and "measure=" not in address:
            address += "&measure=holds"
        allowed = (*OWN, options.pop("allow")) if "allow" in options else OWN
        context = browser.new_context(
            viewport=options.pop("viewport", {"width": 1280, "height": 800}), **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        opened = Opened(page)
        opened_pages.append(opened)

        def route(request_route, request) -> None:
            if request.url.startswith(allowed):
                request_route.continue_()
            else:
                opened.problems.append(f"asked for {request.url}")
                request_route.abort()

        context.route("**/*", route)

        # A tile that does not come is the network's matter, and the browser's to say.
        def note(address: str, problem: str) -> None:
            if not address.startswith(allowed[len(OWN) :] or "\0"):
                opened.problems.append(problem)

        page.on("console", lambda m: note(m.location["url"], f"{m.type}: {m.text}"))

        def close(dialog) -> None:
            opened.problems.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("dialog", close)
        page.on("pageerror", lambda e: opened.problems.append(f"error: {e}"))
        page.on("requestfailed", lambda r: note(r.url, f"failed: {r.url}"))
        page.goto(path.as_uri() + (f"#{address}" if address else ""))
        page.wait_for_selector(wait, timeout=20_000)
        if not folded:
            page.evaluate(
                "document.querySelectorAll('.mb-fold details').forEach(d => d.open = true)"
            )
        return opened

    yield open_file
    problems = [p for opened in opened_pages for p in opened.problems]
    for context in contexts:
        context.close()
    assert problems == []
