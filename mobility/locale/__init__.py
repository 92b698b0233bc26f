"""French and English texts.

The English template is the key; each ``fr_*.toml`` beside this module holds a
``[texts]`` table of French translations. English needs no catalogue.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("fr", "en")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
HARD_SPACE = "\u00a0"


@cache
def french() -> dict[str, str]:
    """Return every English template with its French text."""
    texts: dict[str, str] = {}
    for entry in sorted(files(__name__).iterdir(), key=lambda e: e.name):
        if entry.name.startswith("fr_") and entry.name.endswith(".toml"):
            texts |= tomllib.loads(entry.read_text(encoding="utf-8"))["texts"]
    return texts


def translate(template: str, language: str, **params: object) -> str:
    """Return ``template`` in ``language``, with its named fields filled in."""
    text = french().get(template, template) if language == "fr" else template
    return text.format(**params) if params else text


def long_date(date: dt.date, language: str) -> str:
    """Return e.g. ``17 novembre 2026``."""
    day = "1er" if date.day == 1 and language == "fr" else str(date.day)
    return f"{day}{HARD_SPACE}{translate(MONTHS[date.month - 1], language)} {date.year}"
