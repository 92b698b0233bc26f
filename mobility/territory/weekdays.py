"""Days of the week as people write them, French or English."""

from __future__ import annotations

import re
from typing import Literal

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FRENCH = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
ENGLISH = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Words for several days; ouvrable is any day but the weekly rest (Code du travail L3133-3).
SETS = {
    "all": "mon-sun", "tous": "mon-sun", "tous les jours": "mon-sun", "7j/7": "mon-sun",
    "7/7": "mon-sun", "every day": "mon-sun", "semaine": "mon-fri", "en semaine": "mon-fri",
    "jours ouvrés": "mon-fri", "weekdays": "mon-fri", "5j/7": "mon-fri", "l-v": "mon-fri",
    "jours ouvrables": "mon-sat", "week-end": "sat-sun", "weekend": "sat-sun",
}  # fmt: skip


def days_of(text: str) -> list[Weekday] | None:
    """Return the days a text tells, e.g. ``lundi à vendredi`` or ``sat,sun``; None: no days.

    ``fri-mon`` goes on into the next week.
    """
    plain = " ".join(text.casefold().split())
    plain = SETS.get(plain, plain)
    plain = re.sub(r"\b(?:du|le|les|et le) ", "", plain)
    plain = re.sub(r" (?:à|au|to) |–", "-", plain)
    found: list[Weekday] = []
    for part in re.split(r"[,;/]| et | and ", plain):
        ends = [_weekday(word) for word in part.split("-")]
        if len(ends) > 2 or None in ends:
            return None
        i, j = ends[0] or 0, ends[-1] or 0
        found += [WEEKDAYS[k % 7] for k in range(i, j + 1 if j >= i else j + 8)]
    return found


def _weekday(word: str) -> int | None:
    """Return the place in the week of a day, whole or cut to three letters."""
    plain = word.strip().rstrip(".")
    for names in (_FRENCH, ENGLISH):
        for k, name in enumerate(names):
            if plain in (name, f"{name}s", name[:3]):
                return k
    return None
