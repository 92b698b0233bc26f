"""French and English texts.

The English template is the key; each ``fr_*.toml`` beside this module holds a
``[texts]`` table of French translations. English needs no catalogue.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("fr", "en")


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
