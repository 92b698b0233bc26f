"""Public and school holidays, of maintained libraries or the territory's own list.

They tell the kind of a date, one that the territory fixes included. `localised` takes the clock
and the public holidays from where the sites are, unless the territory file states them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version

import numpy as np

from mobility.base.cache import Bundle, cached
from mobility.base.errors import Finding, TerritoryError
from mobility.base.i18n import WEEKDAY_NAMES, Word, Words
from mobility.territory.fields import DAY_KIND_WEEKDAYS, WEEKDAYS, DayKind, DaysConfig
from mobility.territory.overseas import clock_of, part_at
from mobility.territory.project import Territory
from mobility.territory.rosters import Site

# Raised when what is kept of it changes: entries of before are then not found.
_FORMAT = 1
SATURDAY, _SUNDAY, _SEPTEMBER = 5, 6, 9

#: First day of ``vacances-scolaires-france``, and of the school zones of ``holidays``.
FIRST_KNOWN, _FIRST_OF_HOLIDAYS = dt.date(1990, 10, 27), dt.date(2017, 9, 4)
#: Last day decreed so far (arrêté du 21 juillet 2026); ``holidays`` goes on by rule of thumb.
LAST_DECREED = dt.date(2028, 8, 31)
#: Parts of France under names the library lacks or lists without their own days.
_OTHER_NAMES = {
    **dict.fromkeys(("57", "67", "68", "GES", "ALSACE-MOSELLE", "MOSELLE"), "6AE"),
    "ALSACE MOSELLE": "6AE", "975": "PM", "977": "BL", "978": "MF", "986": "WF", "987": "PF",
    "988": "NC",
}  # fmt: skip
_CORSICA = frozenset({"2A", "2B", "COR", "20R", "20"})
#: Mainland parts that keep the national public holidays (ISO 3166-2).
_REGIONS = frozenset([
    "ARA", "BFC", "BRE", "CVL", "COR", "20R", "HDF", "IDF", "NOR", "NAQ", "OCC", "PDL", "PAC",
    "75C", "69M",
])  # fmt: skip
_DEPARTMENT = re.compile(r"0[1-9]|[1-8]\d|9[0-5]|2[AB]|")
#: Departments with two more public holidays (Good Friday, 26 December).
_ALSACE_MOSELLE = ("57", "67", "68")
_NAMES = dict(zip(WEEKDAYS, WEEKDAY_NAMES, strict=True))
#: What a date is, by its standard kind; of one whose school calendar differs by zone, "".
_WHAT_IT_IS = {
    "school_weekday": "a school-term weekday",
    "holiday_weekday": "a school-holiday weekday",
    "saturday": "a Saturday",
    "sunday": "a Sunday",
    "": "a weekday on holiday in some school zones only",
}


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
        if date in self.public or date.weekday() == _SUNDAY:
            return "sunday"
        if date.weekday() == SATURDAY:
            return "saturday"
        if date in self.school:
            return "holiday_weekday"
        return "" if date in self.uncertain else "school_weekday"


def read_holidays(
    config: DaysConfig, first: dt.date, last: dt.date, *, findings: list[Finding] | None = None
) -> Holidays:
    """Return the holidays of the territory's country between two dates.

    French school holidays come from two libraries, by zone; without a zone, a day on which
    only some zones are on holiday counts as neither, and so does a day of a school year that
    is not known. Overseas, in Corsica and abroad school holidays are those the territory lists,
    which come on top on the mainland too.

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
    public = _public_holidays(config.country, first.year, last.year)
    name, _, part = config.country.upper().partition("-")
    if name != "FR":
        return Holidays(public, frozenset(listed))
    if not _follows_zones(part):
        if not listed:
            told.append(_own_calendar(config.country))
        return Holidays(public, frozenset(listed))
    unknown = _unknown_days(first, last, listed)
    if unknown:
        told.append(_not_known(unknown))
    if len(unknown) > (last - first).days:
        # Nothing is known: weekdays are all alike, as abroad.
        unknown = frozenset()
    by_zone = {zone: _zone_holidays(zone, first, last) for zone in ("A", "B", "C")}
    if config.school_zone is not None:
        return Holidays(public, frozenset(by_zone[config.school_zone] | listed), unknown)
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
    return Holidays(public, frozenset(everywhere | listed), frozenset(somewhere) | unknown)


def _knows_schools(config: DaysConfig, date: dt.date) -> bool:
    """Whether it is known if the schools of the territory are open on a date."""
    name, _, part = config.country.upper().partition("-")
    decreed = name == "FR" and _follows_zones(part) and FIRST_KNOWN <= date <= LAST_DECREED
    return decreed or bool(config.school_holidays)


def _french_part(part: str) -> str | None:
    """Return what the library calls a part of France; None where the national calendar holds."""
    if part not in _OTHER_NAMES and (part in _REGIONS or _DEPARTMENT.fullmatch(part)):
        return None
    from holidays.countries.france import France

    known = {alias.upper(): code for alias, code in France.subdivisions_aliases.items()}
    part = _OTHER_NAMES.get(part, known.get(part, part))
    return None if part in _REGIONS or _DEPARTMENT.fullmatch(part) else part


def _follows_zones(part: str) -> bool:
    """Whether the schools of a part of France follow zone A, B or C, as on the mainland."""
    return part not in _CORSICA and _french_part(part) in (None, "6AE")


@cache
def _public_holidays(country: str, first: int, last: int) -> frozenset[dt.date]:
    """Return the public holidays of some years."""
    return _kept(("public", country, first, last), lambda: _found_public(country, first, last))


def _kept(key: Sequence[object], find: Callable[[], Iterable[dt.date]]) -> frozenset[dt.date]:
    """Return days found once for each version of the libraries, which are slow to load."""
    versions = [version(name) for name in ("holidays", "vacances-scolaires-france")]

    def compute() -> Bundle:
        return {"days": np.array(sorted(day.toordinal() for day in find()), np.int64)}

    days = np.asarray(cached("holidays", (_FORMAT, *versions, *key), compute)["days"])
    return frozenset(dt.date.fromordinal(day) for day in days.tolist())


def _found_public(country: str, first: int, last: int) -> Iterable[dt.date]:
    import holidays

    name, _, part = country.upper().partition("-")
    years = range(first, last + 1)
    subdivision = _french_part(part) if name == "FR" and part else part or None
    try:
        found = holidays.country_holidays(name, subdiv=subdivision, years=years)
    except (NotImplementedError, KeyError, AttributeError):
        raise TerritoryError(
            "There is no calendar of public holidays for this country.",
            column="days.country",
            value=country,
            mend='Write its two-letter code, e.g. "FR", or "FR-57" for a part of it.',
        ) from None
    return list(found)


def _zone_holidays(zone: str, first: dt.date, last: dt.date) -> set[dt.date]:
    """Return the school holidays of a French zone, each library over the years it is right for.

    ``vacances-scolaires-france`` alone has the years before 2017, but lacks the bridge of
    Ascension of 2023 to 2026 and has the spring of 2021 as it was before it was moved;
    ``holidays`` has both, from the school year 2017-2018 on.
    """
    days = {d for year in range(first.year, last.year + 1) for d in _zone_year(zone, year)}
    return {d for d in days if first <= d <= min(last, LAST_DECREED)}


@cache
def _zone_year(zone: str, year: int) -> frozenset[dt.date]:
    return _kept(("school", zone, year), lambda: _found_school(zone, year))


def _found_school(zone: str, year: int) -> Iterable[dt.date]:
    from holidays import country_holidays
    from vacances_scolaires_france import SchoolHolidayDates

    found = set()
    if year >= _FIRST_OF_HOLIDAYS.year:
        school = country_holidays("FR", subdiv=f"Zone {zone}", categories=("school",), years=year)
        found |= {day for day in school if day.year == year and day >= _FIRST_OF_HOLIDAYS}
    if FIRST_KNOWN.year <= year <= _FIRST_OF_HOLIDAYS.year:
        older = SchoolHolidayDates().holidays_for_year_and_zone(year, zone)
        found |= {day for day in older if day < _FIRST_OF_HOLIDAYS}
    return found


def _unknown_days(first: dt.date, last: dt.date, listed: set[dt.date]) -> frozenset[dt.date]:
    """Return the days of school years neither library knows and the territory lists nothing of."""
    own = {_school_year(day) for day in listed}
    days = (first + dt.timedelta(days=k) for k in range((last - first).days + 1))
    return frozenset(
        d for d in days if not FIRST_KNOWN <= d <= LAST_DECREED and _school_year(d) not in own
    )


def _school_year(day: dt.date) -> int:
    """Return the calendar year in which the school year of a day begins, in September."""
    return day.year - (day.month < _SEPTEMBER)


def _not_known(unknown: frozenset[dt.date]) -> Finding:
    return Finding(
        "warning",
        "school_calendar_unknown",
        "The school calendar from {first} to {last} is not known; list days.school_holidays",
        count=len(unknown),
        params={"first": min(unknown), "last": max(unknown)},
    )


def _own_calendar(country: str) -> Finding:
    return Finding(
        "warning",
        "school_calendar_unknown",
        "The schools of {country} have a calendar of their own, which is not known here: all "
        "weekdays count as school days; list days.school_holidays",
        params={"country": country},
    )


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
            weekday=Word(_NAMES[weekday]),
            weekdays=Words(_NAMES[day] for day in kind.weekdays),
        )
    if kind.name == "sunday":
        return None
    if public:
        return _warning("{field} = {date} is a public holiday", field, date)
    if not standard or not _knows_schools(config, date) or holidays.kind(date) == kind.name:
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


def localised(territory: Territory, sites: tuple[Site, ...]) -> tuple[Territory, list[Finding]]:
    """Return the territory with the clock and the public holidays of where its sites are.

    What the territory file states stays as it is.
    """
    named = territory.days.country.upper()
    stated = "country" in territory.days.model_fields_set
    part = named.partition("-")[2] if stated else _part_of(sites)
    if part is None or not named.startswith("FR"):
        return territory, []
    changed: dict[str, object] = {}
    if not stated:
        changed["days"] = territory.days.model_copy(update={"country": f"FR-{part}"})
    clock = clock_of(part)
    if clock != territory.timezone and "timezone" not in territory.model_fields_set:
        changed["timezone"] = clock
    if not changed:
        return territory, []
    territory = territory.model_copy(update=changed)
    return territory, [
        Finding(
            "info",
            "local_calendar",
            "The sites are in department {part}: the time zone {timezone} and the public holidays "
            "of {country} are used; timezone and days.country say otherwise where needed.",
            params={
                "part": part,
                "timezone": territory.timezone,
                "country": territory.days.country,
            },
        )
    ]


def _part_of(sites: tuple[Site, ...]) -> str | None:
    """Return the department all sites are in, where it has days or a clock of its own."""
    found = {part_at(*gate) for site in sites for gate in site.gates}
    if len(found) == 1 and found != {None}:
        return found.pop()
    departments = {site.commune[:2] for site in sites}
    return (
        departments.pop() if len(departments) == 1 and departments <= {*_ALSACE_MOSELLE} else None
    )
