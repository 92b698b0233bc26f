"""Words of the outputs: numbers, dates and names in one language, and sentences that stay."""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

import pandas as pd

from mobility.base.clock import format_clock
from mobility.base.i18n import (
    HARD_SPACE,
    NARROW_SPACE,
    WEEKDAY_NAMES,
    long_date,
    number,
    translate,
    typeset,
)
from mobility.outputs.map.assets import ENGLISH
from mobility.sources.days import ChosenDay
from mobility.territory.rosters import roster_label, shift_label

_NARROW, HARD = NARROW_SPACE, HARD_SPACE
#: Shown where nothing is computed, or where there is nothing to show.
NOTHING = "–"
MARKS = (
    "“{mark}” stands where a figure is not computed or does not apply. Figures are rounded to be "
    "read: totals, shares and prices follow from the whole values, which the CSV files keep."
)
SHORT_DAYS = {
    "mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat",
    "sun": "Sun",
}  # fmt: skip
#: A name that stands for something in the program; one without a hyphen may be a word.
_SYMBOL = re.compile(r"[a-z]+(?:_[a-z]+)*")

_SAID = tomllib.loads((files(__package__) / "words.toml").read_text(encoding="utf-8"))
#: English of kinds of remedies whose name says too little; names of factors up to their size or
#: kind of day; terms, methods, and the remedy to examine first of each binding reason. All but the
#: first are templates, of which the catalogue has the French.
LEVERS: dict[str, str] = _SAID["levers"]
FACTORS: dict[str, str] = _SAID["factors"]
DEFINITIONS: dict[str, str] = _SAID["definitions"]
METHODS: list[str] = _SAID["methods"]
REMEDIES: dict[str, str] = _SAID["remedies"]
#: What each kind of remedy asks for, and the months it takes: an order of magnitude.
STEPS: dict[str, tuple[str, int]] = _SAID["steps"]
#: Dotted name in the territory file → meaning and unit; values that are symbols, in words.
PARAMETERS: dict[str, tuple[str, str]] = _SAID["parameters"]
ASSUMED: dict[str, str] = _SAID["assumed"]
#: What a source is used for, and where a shuttle stops.
ROLES: dict[str, str] = _SAID["roles"]
PLACES: dict[str, str] = _SAID["places"]
#: Files of a folder of results → what each is, by part, in the order of its index.
CONTENTS: dict[str, dict[str, str]] = _SAID["index"]

WORST_OF = (
    "Worst-of rule: a roster holds for a worker only when every one of its shifts can be reached "
    "on time and left again, on every kind of day on which it works; one shift without a bus "
    "makes the whole job unreachable."
)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def natural(name: str) -> list[str | int]:
    """Return what sorts a name as people do: N2 before N10, figures before words."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


@dataclass(frozen=True)
class Words:
    """Texts in one language.

    Attributes
    ----------
    language
        ``fr`` or ``en``.
    days
        Kinds of day of the study, which bring their names.
    """

    language: str
    days: tuple[ChosenDay, ...] = ()

    def t(self, template: str, **params: object) -> str:
        """Return an English template in the language, its fields filled in."""
        return self.set_spaces(translate(template, self.language, **params))

    def set_spaces(self, text: str) -> str:
        """Return a text as it is printed in the language."""
        return typeset(text, self.language)

    def known(self, kind: str, symbol: str) -> str:
        """Return the words of a symbol of `mobility.outputs.map.assets`, else the symbol."""
        return self.t(ENGLISH.get(f"{kind} {symbol}", symbol))

    def number(self, value: object, decimals: int = 0) -> str:
        """Return a number with its thousands apart, or `NOTHING` where it is not computed."""
        if _missing(value):
            return NOTHING
        return number(float(str(value)), self.language, decimals)

    def value(self, value: object) -> str:
        """Return a number with the two decimals, at most, that it has."""
        if _missing(value):
            return self.number(value)
        text = f"{float(str(value)):.2f}".rstrip("0").rstrip(".")
        return self.number(value, len(text.partition(".")[2]))

    def exact(self, value: object) -> str:
        """Return a number with all its decimals, to six digits."""
        if _missing(value):
            return self.number(value)
        text = format(Decimal(f"{float(str(value)):.6g}"), "f")
        return self.number(value, len(text.partition(".")[2]))

    def percent(self, share: object) -> str:
        """Return a share between 0 and 1 in per cent; near both ends with a decimal."""
        if _missing(share):
            return NOTHING
        per_cent = 100 * float(str(share))
        decimals = int(0 < per_cent < 10 or 99 < per_cent < 100)
        text = f"{per_cent:.{decimals}f}"
        if per_cent and float(text) == 0:
            text = f"<{HARD}0.1"
        elif per_cent < 100 and float(text) == 100:
            text = f">{HARD}99.9"
        return f"{text.replace('.', ',')}{_NARROW}%" if self.language == "fr" else f"{text}%"

    def date(self, date: dt.date) -> str:
        """Return e.g. ``mardi 17 novembre 2026``."""
        return f"{self.t(WEEKDAY_NAMES[date.weekday()])} {long_date(date, self.language)}"

    def hours(self, start_s: int, end_s: int) -> str:
        """Return e.g. ``05:00–13:00``."""
        return f"{format_clock(start_s)}–{format_clock(end_s)}"

    def clock(self, time_s: object) -> str:
        """Return e.g. ``05:00``."""
        return format_clock(int(str(time_s)))

    def day(self, kind: str) -> str:
        """Return the name of a kind of day; none of them stands for all."""
        if not kind:
            return self.t("all working days")
        label = next((day.label for day in self.days if day.kind == kind), None)
        return self.t(label) if label else self.known("day", kind)

    def symbol(self, name: str) -> str:
        """Return the words of a name known to the program alone, or of several of them."""
        text = self.t(name)
        parts = name.split()
        # Several words of the catalogue, such as "to work", are one phrase.
        phrase = len(parts) > 1 and translate(name, "fr") != name
        if text == name and parts and not phrase and all(map(_SYMBOL.fullmatch, parts)):
            text = self.t("; ").join(map(self._one_symbol, parts))
        return text

    def _one_symbol(self, name: str) -> str:
        known = [ENGLISH[key] for kind in ("mode", "day") if (key := f"{kind} {name}") in ENGLISH]
        text = self.t(known[0] if known else name)
        return (LEVERS.get(name, name) if text == name else text).replace("_", " ")

    def weekdays(self, days: tuple[str, ...]) -> str:
        """Return the short names of weekdays."""
        return ", ".join(self.t(SHORT_DAYS[day]) for day in days)

    def roster(self, name: str) -> str:
        """Return a roster's name as people write it."""
        return roster_label(name, self.language)

    def shift(self, names: str) -> str:
        """Return a shift's name as people write it, or several parted by commas."""
        return ", ".join(shift_label(name, self.language) for name in names.split(", "))

    def reason(self, symbol: str) -> str:
        """Return the words of a reason, empty for none."""
        return self.known("reason", symbol) if symbol else NOTHING


_BY_DAY = "days_per_year"


def factor_label(name: str, words: Words) -> str:
    """Return what a factor is, with its size of vehicle or its kind of day."""
    if name in FACTORS:
        return words.t(FACTORS[name])
    head, _, tail = name.rpartition(".")
    if head not in FACTORS:
        return name
    return f"{words.t(FACTORS[head])} ({words.day(tail) if head == _BY_DAY else tail})"


def factor_text(name: str, words: Words) -> str:
    """Return what a factor is, and its name in the territory file, where it is changed."""
    label = factor_label(name, words)
    return name if label == name else f"{label} ({name})"
