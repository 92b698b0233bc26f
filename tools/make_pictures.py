"""Draw the pictures of the demo's map that the README, ``maps/`` and the docs show.

Run ``python tools/make_pictures.py`` from the repository: it computes the demo territory and
writes ``maps/demo-*.png`` with a headless Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.outputs.levers import find_levers, write_levers
from mobility.outputs.map.export import export_png
from mobility.pipeline import run

ROOT = Path(__file__).parents[1]
#: Picture → what it shows, as in the page's address, and whether with the controls.
PICTURES: dict[str, tuple[dict[str, object], bool]] = {
    "demo-page": ({}, True),
    "demo-lever": (
        {"scenario": 1, "compare": 1, "measure": "gain", "pick": "s2", "swipe": 0.3},
        True,
    ),
    "demo-night": ({"site": 0, "pick": "s2", "day": 0, "measure": "holds"}, False),
    "demo-white": ({"site": 0, "pick": "r0", "measure": "white"}, False),
    "demo-reason": ({"site": 0, "pick": "r0", "measure": "reason"}, False),
    "demo-time": ({"site": 2, "pick": "s5", "day": 0, "measure": "time"}, False),
    "demo-english": ({"site": 0, "pick": "s0", "measure": "late", "lang": "en"}, False),
}


def main(folder: Path = ROOT / "maps") -> None:
    with tempfile.TemporaryDirectory() as out:
        demo = ROOT / "data" / "demo.toml"
        page = run(demo, out, shuttles=True, lighter=True).map_path
        write_levers(find_levers(assess(load(demo)), folder=Path(out)), Path(out), "fr")
        for name, (select, controls) in PICTURES.items():
            # From 900 pixels on, every heading of the controls is in sight.
            size = (1400, 900 if controls else 875)
            export_png(page, folder / f"{name}.png", size=size, select=select, controls=controls)
            print(folder / f"{name}.png")


if __name__ == "__main__":
    main(*(Path(a) for a in sys.argv[1:2]))
