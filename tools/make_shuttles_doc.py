"""Write the settings of docs/shuttles.md from the code: ``python tools/make_shuttles_doc.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mobility.shuttles.config import ShuttleConfig, VehicleType
from mobility.territory.fields import Model

PAGE = Path(__file__).parents[1] / "docs" / "shuttles.md"
#: What is written stands below this heading, up to the next one.
HEADING = "## Settings"
BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "below",
}


def page() -> str:
    """Return the text of docs/shuttles.md with the settings as the code has them."""
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(f"{HEADING}\n")
    if not found:
        raise SystemExit(f"{PAGE} has no heading {HEADING}")
    after = rest[rest.index("\n## ") + 1 :]
    text = [
        "",
        "The keys of the `[shuttles]` table, all optional (this list is written from the code):",
        "",
        *_table(ShuttleConfig),
        "",
        "The keys of each `[[shuttles.vehicles]]`:",
        "",
        *_table(VehicleType),
        "",
        "",
    ]
    return before + found + "\n".join(text) + after


def _table(model: type[Model]) -> Iterator[str]:
    told = _meanings(model)
    yield from ("| key | default | range | |", "|---|---|---|---|")
    for name, field in model.model_json_schema()["properties"].items():
        yield f"| `{name}` | {_default(field)} | {_range(field)} | {told[name]} |"


def _meanings(model: type[Model]) -> dict[str, str]:
    """Return what the docstring says of each field; names that share a text share it here."""
    text = (model.__doc__ or "").partition("----------\n")[2]
    found: dict[str, str] = {}
    entry = re.compile(r"^    (\w[\w, ]*)\n((?:        .*\n)+)", re.MULTILINE)
    for names, lines in entry.findall(text + "\n"):
        meaning = " ".join(lines.split()).replace("``", "`")
        found |= dict.fromkeys(names.split(", "), meaning)
    return found


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "required"
    value = field["default"]
    if value is None:
        return "none"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(f"{one['name']} ({one['passengers']})" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _range(field: dict[str, Any]) -> str:
    kinds = field.get("anyOf", [field])
    bounds = [f"{w} {kind[key]:g}" for kind in kinds for key, w in BOUNDS.items() if key in kind]
    choices = [str(choice) for kind in kinds for choice in kind.get("enum", [])]
    return " ".join(bounds) or ", ".join(choices)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
