"""Write the pictures of the studio in ``maps/``: the demo, one step of its use after the other.

``python tools/studio_pictures.py`` moves the morning shift, sees who gains, keeps the scenario and
computes its report, in headless Chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from mobility.outputs.map.export import find_browser

MAPS = Path(__file__).parents[1] / "maps"


def slide(page: Page, name: str, value: int, *, release: bool) -> None:
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
    while page.evaluate("document.body.dataset.step") == before:
        page.wait_for_timeout(20)
    page.wait_for_timeout(400)


def main() -> None:
    with tempfile.TemporaryDirectory() as root, sync_playwright() as play:
        command = [sys.executable, "-m", "mobility", "studio", root, "--demo", "--no-browser"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            browser = play.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 860})
            page.goto(address)
            page.wait_for_selector("body[data-live]", timeout=180_000)
            page.wait_for_selector("#shift-0-end")
            frame = page.frames[1]
            page.wait_for_timeout(800)
            start = time.monotonic()
            number = 0

            def shot() -> None:
                nonlocal number
                number += 1
                page.screenshot(path=MAPS / f"studio-{number}.png")

            shot()
            frame.evaluate("mobilityMap.choose({ measure: 'gain' })")
            for minutes in (5, 10):
                slide(page, "shift-0-end", minutes, release=False)
            slide(page, "shift-0-end", 15, release=True)
            shot()
            page.fill("#scenario-name", "Sortie du matin à 13 h 15")
            page.click("#keep")
            page.wait_for_selector("#scenarios li")
            shot()
            page.click("nav a:last-child")
            page.wait_for_selector("#target")
            page.select_option("#kind", "report")
            page.select_option("#target", index=1)
            page.click("#compute")
            page.wait_for_selector("#job-state[data-state=done]", timeout=180_000)
            page.wait_for_timeout(500)
            shot()
            print(f"{time.monotonic() - start:.0f} s")
            browser.close()
            process.terminate()


if __name__ == "__main__":
    main()
