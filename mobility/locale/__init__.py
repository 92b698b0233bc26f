"""French and English texts.

The English template is the key; each ``fr_*.toml`` beside this module holds a
``[texts]`` table of French translations. English needs no catalogue.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("fr", "en")


class Word(str):
    """A parameter that is itself an English template, hence translated."""

    __slots__ = ()


class Words(tuple[str, ...]):
    """Words one after the other, commas between them."""

    __slots__ = ()


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
    return text.format(**{k: _said(v, language) for k, v in params.items()}) if params else text


def _said(value: object, language: str) -> object:
    if isinstance(value, Words):
        return ", ".join(translate(word, language) for word in value)
    return translate(value, language) if isinstance(value, Word) else value
