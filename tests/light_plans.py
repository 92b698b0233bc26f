"""The embedded demo, cut to some kinds of day, its search of shuttles light enough for a test."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
LIGHT = {"iterations": 10, "plans": 2, "max_stops": 10, "max_lines": 3, "max_hubs": 0}


def write_light(folder: Path) -> Path:
    """Copy the demo into a folder, for few plans of one kind of day; return its territory file."""
    path = write_cut(folder, "school_weekday")
    text = path.read_text(encoding="utf-8")
    for name, value in LIGHT.items():
        text = re.sub(rf"(?m)^{name} = \d+$", f"{name} = {value}", text)
    path.write_text(text, encoding="utf-8")
    return path


def write_cut(folder: Path, *kinds: str) -> Path:
    """Copy the demo into a folder, with some kinds of day alone; return its territory file."""
    path = shutil.copytree(DATA, folder / "data") / "demo.toml"
    text, n = re.subn(r"(?m)^kinds = .*$", f"kinds = {list(kinds)}", path.read_text("utf-8"))
    assert n == 1
    path.write_text(text, encoding="utf-8")
    return path
