"""Words of the report: numbers, dates, names of days, rosters and reasons, in one language."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass

import pandas as pd

from mobility.base.clock import format_clock
from mobility.base.i18n import long_date, number, translate
from mobility.outputs.map.texts import ENGLISH
from mobility.sources.days import ChosenDay

NARROW, HARD = "\u202f", "\u00a0"
#: Shown where nothing is computed, or where there is nothing to show.
NOTHING = "–"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT_DAYS = {
    "mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat",
    "sun": "Sun",
}  # fmt: skip


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


@dataclass(frozen=True)
class Words:
    """Texts in one language.

    Attributes
    ----------
    language
        ``fr`` or ``en``.
    """

    language: str

    def t(self, template: str, **params: object) -> str:
        """Return an English template in the language, its fields filled in."""
        return self.set_spaces(translate(template, self.language, **params))

    def set_spaces(self, text: str) -> str:
        """Return a text whose French punctuation does not part from its word."""
        if self.language != "fr":
            return text
        text = re.sub(r" (?=:)", HARD, text)
        return re.sub(r" (?=[;!?»])|(?<=«) ", NARROW, text)

    def known(self, kind: str, symbol: str) -> str:
        """Return the words of a symbol of `mobility.outputs.map.texts`, else the symbol."""
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
        return f"{text.replace('.', ',')}{NARROW}%" if self.language == "fr" else f"{text}%"

    def date(self, date: dt.date) -> str:
        """Return e.g. ``mardi 17 novembre 2026``."""
        return f"{self.t(WEEKDAYS[date.weekday()])} {long_date(date, self.language)}"

    def hours(self, start_s: int, end_s: int) -> str:
        """Return e.g. ``05:00–13:00``."""
        return f"{format_clock(start_s)}–{format_clock(end_s)}"

    def day(self, day: ChosenDay) -> str:
        """Return the name of a kind of day."""
        return self.t(day.label)

    def weekdays(self, days: tuple[str, ...]) -> str:
        """Return the short names of weekdays."""
        return ", ".join(self.t(SHORT_DAYS[day]) for day in days)

    def roster(self, name: str) -> str:
        """Return a roster's name as people write it."""
        return re.sub(r"(\d)x(\d)", r"\1×\2", self.known("roster", name))

    def reason(self, symbol: str) -> str:
        """Return the words of a reason, empty for none."""
        return self.known("reason", symbol) if symbol else NOTHING
