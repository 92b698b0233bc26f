"""Kinds of values in a territory file: clock times, days, coordinates, shares."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from mobility.base.clock import DAY_S, parse_clock
from mobility.base.literal import one_line
from mobility.territory.weekdays import WEEKDAYS, Weekday, days_of


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


def _sort_days(days: list[Weekday]) -> list[Weekday]:
    return sorted(set(days), key=WEEKDAYS.index)


ClockS = Annotated[int, BeforeValidator(_check_clock)]
Days = Annotated[
    list[Weekday], BeforeValidator(_expand_days), AfterValidator(_sort_days), Field(min_length=1)
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
