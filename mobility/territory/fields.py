"""Kinds of values in a territory file: clock times, days of the week, coordinates, shares."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from mobility.base.clock import DAY_S, parse_clock
from mobility.base.i18n import WEEKDAY_NAMES
from mobility.base.literal import one_line

#: Ways of travelling on streets alone.
StreetMode = Literal["walk", "bike", "e_bike", "car"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FRENCH = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_ENGLISH = tuple(map(str.lower, WEEKDAY_NAMES))
#: Words for several days; ouvrable is any day but the weekly rest (Code du travail L3133-3).
_SETS = {
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
    plain = _SETS.get(plain, plain)
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
    for names in (_FRENCH, _ENGLISH):
        for k, name in enumerate(names):
            if plain in (name, f"{name}s", name[:3]):
                return k
    return None


class RefusedError(ValueError):
    """What a check of our own refuses, as an error for the user takes it.

    Parameters
    ----------
    problem, mend
        English templates, formatted with ``params``.
    value
        The offending value, where it is only a part of what was checked.
    field
        Path to it from what was checked.
    """

    def __init__(
        self,
        problem: str,
        mend: str,
        *,
        value: object = None,
        field: tuple[str | int, ...] = (),
        **params: object,
    ) -> None:
        self.problem = problem
        self.mend = mend
        self.value = value
        self.field = field
        self.params = params
        super().__init__(problem)


def _check_clock(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= DAY_S:
        return value
    if isinstance(value, dt.time):
        return value.hour * 3600 + value.minute * 60 + value.second
    try:
        return parse_clock(str(value))
    except ValueError:
        raise RefusedError(
            "It is no time of day.", 'Write it as "05:00", from 00:00 to 24:00.', value=value
        ) from None


def _expand_days(value: object) -> object:
    """Read ``"mon-fri"``, ``"sam, dim"``, ``"all"`` or a list of days."""
    if not isinstance(value, str):
        return value
    days = days_of(value)
    if days is None:
        raise RefusedError("These are no days of the week.", 'Write "mon-fri", "sat,sun" or "all".')
    return days


ClockS = Annotated[int, BeforeValidator(_check_clock)]
Days = Annotated[
    list[Weekday],
    BeforeValidator(_expand_days),
    AfterValidator(lambda days: sorted(set(days), key=WEEKDAYS.index)),
    Field(min_length=1),
]
Lon = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]
Share = Annotated[float, Field(ge=0, le=1)]


class Model(BaseModel):
    """A table of the territory file: unknown keys are errors, texts stand on one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: object) -> object:
        return one_line(value) if isinstance(value, str) else value
