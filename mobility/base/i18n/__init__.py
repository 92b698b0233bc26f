"""French and English texts.

The English template is the key of every text. A language is a catalogue beside this module, such
as ``fr.po``; that of English holds its singulars only. Numbers are written by Babel.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from gettext import GNUTranslations
from importlib.util import cache_from_source
from math import isfinite
from numbers import Integral
from pathlib import Path
from typing import Any, Self, SupportsIndex

LANGUAGES = ("fr", "en")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HARD_SPACE, NARROW_SPACE = "\u00a0", "\u202f"


class Word(str):
    """A parameter that is itself an English template, hence translated."""

    __slots__ = ()


class Words(tuple[str, ...]):
    """Words one after the other, commas between them."""

    __slots__ = ()


class Period(tuple[dt.date, dt.date]):
    """The first and the last day of something, as a parameter."""

    __slots__ = ()


class _Measured(float):
    """A measured parameter, written as a language writes numbers where no format is asked for.

    It shows the decimals it has, up to two; one that has more is rounded to the first.
    """

    def __new__(cls, value: float, language: str) -> Self:
        one = super().__new__(cls, value)
        one.language = language
        return one

    language: str

    def __format__(self, asked: str) -> str:
        if asked:
            return super().__format__(asked)
        digits = next((d for d in (0, 1, 2) if abs(round(self, d) - self) < 1e-9), 1)
        return number(float(self), self.language, digits)


class _Count(int):
    """A whole number of a sentence, its thousands apart where no format is asked for."""

    def __new__(cls, value: SupportsIndex, language: str) -> Self:
        one = super().__new__(cls, value)
        one.language = language
        return one

    language: str

    def __format__(self, asked: str) -> str:
        return super().__format__(asked) if asked else number(int(self), self.language)


@cache
def _catalogue(language: str) -> GNUTranslations:
    """Return the texts of a language.

    Parsing a catalogue takes as long as the rest of a start, so it is compiled at first use and
    kept where Python keeps its own bytecode; as there, the source's time tells what is outdated.
    """
    source = Path(__file__).with_name(f"{language}.po")
    written_ns = source.stat().st_mtime_ns
    kept = Path(cache_from_source(str(source))).with_suffix(".mo")
    with suppress(OSError):
        if kept.stat().st_mtime_ns == written_ns:
            return GNUTranslations(io.BytesIO(kept.read_bytes()))
    compiled = _compiled(source)
    with suppress(OSError):  # an installation that is read-only costs time at each start
        kept.parent.mkdir(exist_ok=True)
        handle, part = tempfile.mkstemp(dir=kept.parent, prefix=".part-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(compiled)
        os.utime(part, ns=(written_ns, written_ns))
        Path(part).replace(kept)
    return GNUTranslations(io.BytesIO(compiled))


def _compiled(source: Path) -> bytes:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    stream = io.BytesIO()
    with source.open("rb") as texts:
        write_mo(stream, read_po(texts))
    return stream.getvalue()


def chosen_language(argv: Sequence[str]) -> str:
    """Return the language a command line asks for: ``--lang``, else ``MOBILITY_LANG``, else fr."""
    words = " ".join(argv).replace("--lang=", "--lang ").partition("--lang ")[2].split()
    asked = words[0] if words else os.environ.get("MOBILITY_LANG", "")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def number(value: float, language: str, decimals: int = 0) -> str:
    """Return a number as a language writes it: ``−12,345.6``, or ``−12 345,6`` in French."""
    from babel.numbers import format_decimal

    pattern = "#,##0" + "." * bool(decimals) + "0" * decimals
    # What rounds to nothing is no negative number.
    text = f"{round(value, decimals) + 0.0:.{decimals}f}"
    return format_decimal(text, pattern, locale=language).replace("-", "−")


def signed(value: float, language: str) -> str:
    """Return a change as a language writes it: ``+1,200``, ``−3``."""
    text = number(value, language)
    return text if text.startswith("−") else f"+{text}"


def translate(template: str, language: str, **params: object) -> str:
    """Return ``template`` in ``language``, typeset, with its named fields filled in.

    A ``count`` chooses between singular and plural, where there are both. Whole numbers are
    written as the language does; one that names something, such as a row, comes as a text.
    """
    text = typeset(_translated(template, language, params.get("count")), language)
    return text.format(**{k: _worded(v, language) for k, v in params.items()}) if params else text


@lru_cache(maxsize=4096)
def typeset(text: str, language: str) -> str:
    """Return a text as it is printed: 3×8, CO₂e, l’usine, and no French mark parted from its word.

    Only what is read is set so, never a value that is copied, such as the name of a file or,
    between straight quotes, what is to be written.
    """
    text = re.sub(r'(?<!")\b(\d)x(\d)\b(?!")', r"\1×\2", re.sub(r"CO2(?=e?\b)", "CO₂", text))
    text = re.sub(r"(?<=[\w}])'(?=[\w{])", "’", text)
    if language != "fr":
        return text
    text = re.sub(r" (?=:)", HARD_SPACE, text)
    return re.sub(r" (?=[;!?»])|(?<=«) ", NARROW_SPACE, text)


def _translated(template: str, language: str, count: Any) -> str:
    if language not in LANGUAGES or not template:
        return template
    texts = _catalogue(language)
    many = 2 if count is None or isinstance(count, str) else int(count)
    text = texts.ngettext(template, template, many)
    # Where there is one text only, it is found without a number; English needs none.
    return texts.gettext(template) if text == template and language != "en" else text


def measured(params: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return parameters of a sentence, its decimals and dates as a language writes them."""
    return {name: _measured(value, language) for name, value in params.items()}


def copied(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of a mend, whose numbers are copied into a file."""
    return {n: str(v) if isinstance(v, Integral) else v for n, v in params.items()}


def _measured(value: object, language: str) -> object:
    if isinstance(value, dt.date):
        return long_date(value, language)
    if isinstance(value, Period):
        return " – ".join(long_date(date, language) for date in value)
    return _Measured(value, language) if isinstance(value, float) and isfinite(value) else value


def _worded(value: object, language: str) -> object:
    if isinstance(value, Words):
        return ", ".join(translate(word, language) for word in value)
    if isinstance(value, Word):
        return translate(value, language)
    # True is a number to Python, and none to a reader.
    if isinstance(value, bool):
        return value
    return _Count(value, language) if isinstance(value, Integral) else value


def long_date(date: dt.date, language: str) -> str:
    """Return e.g. ``17 novembre 2026``."""
    day = "1er" if date.day == 1 and language == "fr" else str(date.day)
    return f"{day}{HARD_SPACE}{translate(MONTHS[date.month - 1], language)} {date.year}"
