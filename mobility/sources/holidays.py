"""Public and school holidays, of maintained libraries or the territory's own list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mobility.base.errors import Finding, TerritoryError
from mobility.territory.project import DaysConfig

SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True)
class Holidays:
    """Public and school holidays of a country and school zone.

    Attributes
    ----------
    public
        Public holidays.
    school
        School holidays.
    uncertain
        Days that are school holidays in some zones only, the zone being unknown.
    """

    public: frozenset[dt.date]
    school: frozenset[dt.date]
    uncertain: frozenset[dt.date] = field(default_factory=frozenset)

    def kind(self, date: dt.date) -> str:
        """Return the standard kind of ``date``; ``""`` where the school calendar is uncertain."""
        if date in self.public or date.weekday() == SUNDAY:
            return "sunday"
        if date.weekday() == SATURDAY:
            return "saturday"
        if date in self.school:
            return "holiday_weekday"
        return "" if date in self.uncertain else "school_weekday"


def read_holidays(
    config: DaysConfig,
    first: dt.date,
    last: dt.date,
    *,
    findings: list[Finding] | None = None,
) -> Holidays:
    """Return the holidays of the territory's country between two dates.

    French school holidays come from a library, by zone; without a zone, a day on which
    only some zones are on holiday counts as neither. Elsewhere school holidays are those
    the territory lists, which come on top in France too.

    Raises
    ------
    TerritoryError
        The country is unknown.
    """
    told = [] if findings is None else findings
    listed = {
        start + dt.timedelta(days=k)
        for start, end in config.school_holidays
        for k in range((end - start).days + 1)
    }
    public = _public_holidays(config.country, first, last)
    if not config.country.upper().startswith("FR"):
        return Holidays(public, frozenset(listed))
    by_zone = _french_school_holidays(first, last, told)
    if config.school_zone is not None:
        return Holidays(public, frozenset(by_zone[config.school_zone] | listed))
    everywhere = by_zone["A"] & by_zone["B"] & by_zone["C"]
    somewhere = (by_zone["A"] | by_zone["B"] | by_zone["C"]) - everywhere - listed
    if somewhere:
        told.append(
            Finding(
                "info",
                "school_zone_unknown",
                "No school zone is set: {count} days on which only some zones are on holiday "
                "are not used; set days.school_zone to A, B or C",
                count=len(somewhere),
            )
        )
    return Holidays(public, frozenset(everywhere | listed), frozenset(somewhere))


def _public_holidays(country: str, first: dt.date, last: dt.date) -> frozenset[dt.date]:
    import holidays

    name, _, part = country.upper().partition("-")
    years = range(first.year, last.year + 1)
    try:
        found = holidays.country_holidays(name, subdiv=part or None, years=years)
    except (NotImplementedError, KeyError, AttributeError):
        raise TerritoryError(
            "There is no calendar of public holidays for this country.",
            column="days.country",
            value=country,
            mend='Write its two-letter code, e.g. "FR", or "FR-57" for a part of it.',
        ) from None
    return frozenset(found)


@cache
def _school_calendar() -> Any:
    from vacances_scolaires_france import SchoolHolidayDates

    return SchoolHolidayDates()


@cache
def _school_year(year: int) -> dict[str, frozenset[dt.date]] | None:
    """Return the school holidays of a calendar year by zone, None where not known."""
    calendar = _school_calendar()
    if not calendar.min_year <= year <= calendar.max_year:
        return None
    return {
        zone: frozenset(calendar.holidays_for_year_and_zone(year, zone)) for zone in ("A", "B", "C")
    }


def _french_school_holidays(
    first: dt.date, last: dt.date, findings: list[Finding]
) -> dict[str, set[dt.date]]:
    by_zone: dict[str, set[dt.date]] = {"A": set(), "B": set(), "C": set()}
    unknown = []
    for year in range(first.year, last.year + 1):
        known = _school_year(year)
        if known is None:
            unknown.append(str(year))
            continue
        for zone, days in by_zone.items():
            days.update(d for d in known[zone] if first <= d <= last)
    if unknown:
        findings.append(
            Finding(
                "warning",
                "school_calendar_unknown",
                "The school calendar of {years} is not known; list days.school_holidays",
                count=len(unknown),
                params={"years": ", ".join(unknown)},
            )
        )
    return by_zone


__all__ = ["Holidays", "read_holidays"]
