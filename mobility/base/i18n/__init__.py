"""French and English texts.

The English template is the key; each ``fr_*.toml`` beside this module holds a
``[texts]`` table of French translations. English needs no catalogue.
"""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

LANGUAGES = ("fr", "en")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
HARD_SPACE, NARROW_SPACE = "\u00a0", "\u202f"


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


def chosen_language(argv: Sequence[str]) -> str:
    """Return the language a command line asks for: ``--lang``, else ``MOBILITY_LANG``, else fr."""
    words = " ".join(argv).replace("--lang=", "--lang ").partition("--lang ")[2].split()
    return words[0] if words else os.environ.get("MOBILITY_LANG", "fr")


@cache
def singular() -> dict[str, dict[str, str]]:
    """Return, by language, the texts of English templates for a ``count`` of one."""
    return tomllib.loads(files(__name__).joinpath("one.toml").read_text(encoding="utf-8"))


def number(value: float, language: str, decimals: int = 0) -> str:
    """Return a number with its thousands apart: ``12,345.6``, or ``12 345,6`` in French."""
    text = f"{value:,.{decimals}f}"
    return text.translate({44: NARROW_SPACE, 46: ","}) if language == "fr" else text


def translate(template: str, language: str, **params: object) -> str:
    """Return ``template`` in ``language``, with its named fields filled in.

    A ``count`` of one takes the singular where there is one.
    """
    text = french().get(template, template) if language == "fr" else template
    if params.get("count") == 1:
        text = singular().get(language, {}).get(template, text)
    return text.format(**{k: _said(v, language) for k, v in params.items()}) if params else text


def _said(value: object, language: str) -> object:
    if isinstance(value, Words):
        return ", ".join(translate(word, language) for word in value)
    return translate(value, language) if isinstance(value, Word) else value


def long_date(date: dt.date, language: str) -> str:
    """Return e.g. ``17 novembre 2026``."""
    day = "1er" if date.day == 1 and language == "fr" else str(date.day)
    return f"{day}{HARD_SPACE}{translate(MONTHS[date.month - 1], language)} {date.year}"
