"""Whether a date that the territory fixes is one of its kind of day."""

from __future__ import annotations

import datetime as dt

from mobility.base.errors import Finding, TerritoryError
from mobility.base.i18n import Word, Words
from mobility.sources.holidays import Holidays, knows_schools
from mobility.territory.project import DAY_KIND_WEEKDAYS, WEEKDAYS, DayKind, DaysConfig

_WEEKDAY_NAMES = dict(
    zip(
        WEEKDAYS,
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        strict=True,
    )
)

#: What a date is, by its standard kind; of one whose school calendar differs by zone, "".
_WHAT_IT_IS = {
    "school_weekday": "a school-term weekday",
    "holiday_weekday": "a school-holiday weekday",
    "saturday": "a Saturday",
    "sunday": "a Sunday",
    "": "a weekday on holiday in some school zones only",
}


def check_fixed_date(
    kind: DayKind, date: dt.date, holidays: Holidays, config: DaysConfig
) -> Finding | None:
    """Return a warning about a date that is no ordinary day of its kind.

    Raises
    ------
    TerritoryError
        Its weekday is none of the kind's.
    """
    standard = kind.name in DAY_KIND_WEEKDAYS
    field = f"days.dates.{kind.name}" if standard else f"days.extra.{kind.name}.date"
    public = date in holidays.public
    weekday = WEEKDAYS[date.weekday()]
    if weekday not in kind.weekdays and not (public and kind.name == "sunday"):
        raise TerritoryError(
            "This date is a {weekday}; the kind of day wants: {weekdays}.",
            column=field,
            value=date,
            mend="Choose another date, or remove the line to let one be chosen.",
            weekday=Word(_WEEKDAY_NAMES[weekday]),
            weekdays=Words(_WEEKDAY_NAMES[day] for day in kind.weekdays),
        )
    if kind.name == "sunday":
        return None
    if public:
        return _warning("{field} = {date} is a public holiday", field, date)
    if not standard or not knows_schools(config, date) or holidays.kind(date) == kind.name:
        return None
    return _warning(
        "{field} = {date} is {what}", field, date, what=Word(_WHAT_IT_IS[holidays.kind(date)])
    )


def _warning(message: str, field: str, date: dt.date, **params: object) -> Finding:
    return Finding(
        "warning",
        "date_of_another_kind",
        message,
        source="days",
        # As it is written in the file.
        params={"field": field, "date": date.isoformat(), **params},
    )


__all__ = ["check_fixed_date"]
