"""Shifts, rosters and sites: when work starts and ends, and where; what looks wrong in them."""

from __future__ import annotations

import datetime as dt
from calendar import isleap
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from mobility.base.clock import DAY_S, format_clock
from mobility.base.errors import Finding
from mobility.base.i18n import translate, typeset
from mobility.territory.fields import WEEKDAYS, ClockS, Days, Lat, Lon, Model, RefusedError

DAYS_A_YEAR = 365
#: More than any plant has: a number that is no headcount.
MOST_WORKERS = 1_000_000
#: Season of a roster that works all year round: see `season_of`.
ALL_YEAR = (1 << DAYS_A_YEAR) - 1
#: Shifts of the templates, by their French name.
ENGLISH_SHIFTS = {
    "matin": "morning",
    "après-midi": "afternoon",
    "nuit": "night",
    "journée": "day",
    "bureau": "office",
}
#: Shifts of the templates, in either language, as English texts.
SHIFT_LABELS = ENGLISH_SHIFTS | {name: name for name in ENGLISH_SHIFTS.values()}
#: Names of the templates that are words, as English texts; the others are figures, such as 3x8.
ROSTER_LABELS = {
    "day": "day",
    "office": "office",
    "night": "night",
    "weekend": "weekend",
    "vsd": "week-end (VSD)",
}
#: No shift is longer (Code du travail L3121-18 and -19: ten hours, twelve by agreement).
_LONG_S = 12 * 3600
#: Those who leave tell those who come how things stand: shifts that follow each other may overlap.
_HANDOVER_S = 30 * 60
_WEEK_S = 7 * DAY_S


@cache
def season_of(period: tuple[dt.date, dt.date] | None) -> int:
    """Return the days of the year within a period, a bit each from 1 January on.

    A season comes back every year on the same days; 29 February goes with the 28th.
    """
    if period is None or (period[1] - period[0]).days + 1 >= DAYS_A_YEAR:
        return ALL_YEAR
    dates = (period[0] + dt.timedelta(days=k) for k in range((period[1] - period[0]).days + 1))
    season = 0
    for date in dates:
        season |= 1 << day_of_year(date)
    return season


def day_of_year(date: dt.date) -> int:
    """Return the place of a date in a year without 29 February, 0 on 1 January."""
    late = isleap(date.year) and (date.month, date.day) >= (2, 29)
    return date.timetuple().tm_yday - 1 - int(late)


def season_label(season: int) -> str:
    """Return the first and last days of a season, e.g. ``01/06–31/08``; "" all year round."""
    if season == ALL_YEAR:
        return ""
    inside = [bool(season >> k & 1) for k in range(DAYS_A_YEAR)]
    first = [k for k in range(DAYS_A_YEAR) if inside[k] and not inside[k - 1]]
    last = [k for k in range(DAYS_A_YEAR) if inside[k] and not inside[(k + 1) % DAYS_A_YEAR]]
    if last and last[0] < first[0]:  # through the turn of the year
        last = [*last[1:], last[0]]
    new_year = dt.date(2001, 1, 1)
    return ", ".join(
        "–".join(f"{new_year + dt.timedelta(days=k):%d/%m}" for k in ends)
        for ends in zip(first, last, strict=True)
    )


def share_of_year(season: int) -> float:
    """Return the part of the year a season takes."""
    return season.bit_count() / DAYS_A_YEAR


class Shift(Model):
    """A daily work period.

    Attributes
    ----------
    name
        Name within its roster, e.g. ``"matin"``.
    start, end
        Local wall-clock seconds since midnight; ``end <= start`` ends the next day.
    days
        Weekdays on which the shift *starts*.
    headcount
        Workers present on this shift.
    """

    name: str = Field(min_length=1)
    start: ClockS
    end: ClockS
    days: Days = list(WEEKDAYS[:5])
    headcount: Annotated[int, Field(ge=0, le=MOST_WORKERS)] = 0

    @property
    def duration_s(self) -> int:
        """Return the seconds from start to end."""
        return self.end - self.start + self.crosses_midnight * DAY_S

    @property
    def crosses_midnight(self) -> bool:
        """Whether the shift ends on the next day."""
        return self.end <= self.start

    @model_validator(mode="after")
    def _under_a_day(self) -> Shift:
        if self.duration_s >= DAY_S:
            raise RefusedError(
                "The shift would last {hours} h: it ends when it starts.",
                "Correct its start or its end; a shift is shorter than a day.",
                value=f"{format_clock(self.start)}–{format_clock(self.end)}",
                field=("end",),
                hours=self.duration_s / 3600,
            )
        return self

    def label(self) -> str:
        """Return e.g. ``matin 05:00–13:00``."""
        return f"{self.name} {format_clock(self.start)}–{format_clock(self.end)}"


def _shift(name: str, start: int, end: int, days: str) -> dict[str, Any]:
    return {"name": name, "start": f"{start:02d}:00", "end": f"{end:02d}:00", "days": days}


# Ten hours is the cap of a week-end shift lasting three days (Code du travail R3132-11).
ROSTER_TEMPLATES: dict[str, list[dict[str, Any]]] = {
    "3x8": [
        _shift("matin", 5, 13, "mon-fri"),
        _shift("après-midi", 13, 21, "mon-fri"),
        _shift("nuit", 21, 5, "mon-fri"),
    ],
    "2x8": [_shift("matin", 5, 13, "mon-fri"), _shift("après-midi", 13, 21, "mon-fri")],
    "5x8": [
        _shift("matin", 5, 13, "all"),
        _shift("après-midi", 13, 21, "all"),
        _shift("nuit", 21, 5, "all"),
    ],
    "night": [_shift("nuit", 21, 5, "mon-fri")],
    "vsd": [_shift("vsd", 5, 15, "fri,sat,sun")],
    "day": [_shift("journée", 8, 16, "mon-fri")],
    "office": [_shift("bureau", 9, 17, "mon-fri")],
}


def roster_label(name: str, language: str) -> str:
    """Return a roster's name as people write it: ``3×8``, ``journée``."""
    known = ROSTER_LABELS.get(name)
    return translate(known, language) if known else typeset(name, language)


def shift_label(name: str, language: str) -> str:
    """Return a shift's name as people write it: ``matin`` is ``morning`` in English."""
    known = SHIFT_LABELS.get(name)
    return translate(known, language) if known else typeset(name, language)


def in_english(site: Site) -> Site:
    """Return a site whose shifts, where they are a template's, bear English names."""

    def told(shift: Shift) -> Shift:
        return shift.model_copy(update={"name": ENGLISH_SHIFTS.get(shift.name, shift.name)})

    rosters = [
        roster.model_copy(update={"shifts": [told(shift) for shift in roster.shifts]})
        if roster.template is not None
        else roster
        for roster in site.rosters
    ]
    return site.model_copy(update={"rosters": rosters})


class Roster(Model):
    """The set of shifts one worker rotates through.

    Either ``template`` names a known roster, whose headcount is spread evenly over its
    shifts, or ``shifts`` lists them. ``dates`` is a list of the dates and hours that are really
    worked, where they follow the tide or the day's orders; the shifts are then the usual ones.
    """

    name: str = ""
    template: str | None = None
    headcount: Annotated[int, Field(ge=0, le=MOST_WORKERS)] | None = None
    shifts: list[Shift] = []
    period: tuple[dt.date, dt.date] | None = None
    dates: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _expand_template(cls, data: object) -> object:
        if isinstance(data, str):
            data = {"template": data}
        if not isinstance(data, dict):
            return data
        data = dict(data)
        template = data.get("template")
        if template is None:
            if not data.get("shifts"):
                raise RefusedError(
                    "The roster has no shifts.",
                    "Give its usual hours as shifts too: all commands but `irregular` take those."
                    if data.get("dates")
                    else 'Give template = "3x8", or a list of shifts.',
                )
            listed = data["shifts"] if isinstance(data["shifts"], list) else []
            names = [str(s.get("name", "")) for s in listed if isinstance(s, dict)]
            data.setdefault("name", "+".join(names))
            return _spread(data)
        if not isinstance(template, str) or template not in ROSTER_TEMPLATES:
            raise RefusedError(
                "There is no roster template of this name.",
                "Choose one of: {known}; or list the shifts under a name of their own.",
                value=template,
                field=("template",),
                known=", ".join(ROSTER_TEMPLATES),
            )
        if not data.get("shifts"):
            data["shifts"] = [dict(s) for s in ROSTER_TEMPLATES[template]]
        data = _spread(data)
        if not data.get("name"):
            data["name"] = template
        return data

    @field_validator("shifts")
    @classmethod
    def _unique_shifts(cls, shifts: list[Shift]) -> list[Shift]:
        names = [s.name for s in shifts]
        if len(set(names)) != len(names):
            raise RefusedError(
                "Two shifts of one roster have the same name.",
                "Name them differently.",
                value=next(n for n in names if names.count(n) > 1),
            )
        return shifts


def _whole(value: object) -> int | None:
    """Return a headcount not checked yet, as it will be read: 120, 120.0, "120"; else None."""
    try:
        return 0 if value is None else TypeAdapter(int).validate_python(value)
    except ValidationError:
        return None


def _spread(roster: dict[str, Any]) -> dict[str, Any]:
    """Return a roster whose headcount is spread evenly over shifts that give none of their own."""
    total, shifts = _whole(roster.get("headcount")), roster["shifts"]
    plain = isinstance(shifts, list) and all(isinstance(s, dict) for s in shifts)
    if not plain or not total:
        return roster
    own = [count for s in shifts if (count := _whole(s.get("headcount"))) is not None]
    if len(own) < len(shifts):
        return roster
    blank = [k for k, shift in enumerate(shifts) if shift.get("headcount") is None]
    left = total - sum(own)
    if left < 0 or (left > 0 and not blank):
        raise RefusedError(
            "The roster counts {total} workers, its shifts {sum}.",
            "Give the headcount of the roster or those of its shifts, not both.",
            field=("headcount",),
            total=total,
            sum=sum(own),
        )
    parts = {k: left // len(blank) + (j < left % len(blank)) for j, k in enumerate(blank)}
    spread = [s | {"headcount": parts[k]} if parts.get(k) else s for k, s in enumerate(shifts)]
    return roster | {"shifts": spread}


class Site(Model):
    """An employer or an industrial zone.

    ``commune`` is its INSEE code, by which the rate of the versement mobilité is looked up.
    """

    name: str = Field(min_length=1)
    employer: str = ""
    commune: str = ""
    gates: Annotated[list[tuple[Lon, Lat]], Field(min_length=1)]
    rosters: Annotated[list[Roster], Field(min_length=1)]
    margin_in_min: Annotated[float, Field(ge=0, le=180)] | None = None
    margin_out_min: Annotated[float, Field(ge=0, le=180)] | None = None

    @field_validator("gates", mode="before")
    @classmethod
    def _list_of_places(cls, gates: object) -> object:
        if isinstance(gates, list) and len(gates) == 2:
            lon, lat = gates
            if isinstance(lon, int | float) and isinstance(lat, int | float):
                raise RefusedError(
                    "This is one place, not a list of places.",
                    "Write gates = [[{lon}, {lat}]], a pair of brackets for each gate.",
                    lon=lon,
                    lat=lat,
                )
        return gates

    @field_validator("rosters")
    @classmethod
    def _unique_rosters(cls, rosters: list[Roster]) -> list[Roster]:
        names = [r.name.casefold() for r in rosters]
        for k, roster in enumerate(rosters):
            if names[k] in names[:k]:
                raise RefusedError(
                    "Two rosters of one site have the same name.",
                    'Merge them, or give one a name = "…" of its own.',
                    value=roster.name,
                    field=(k, "name"),
                )
        return rosters


def roster_findings(
    sites: Iterable[Site], *, default_headcount: int | None = None
) -> list[Finding]:
    """Return warnings about shifts over 12 h, shifts that overlap, and missing headcounts.

    Parameters
    ----------
    default_headcount
        Jobs of a shift that has no headcount of its own.
    """
    found: list[Finding] = []
    idle = []
    for site in sites:
        for roster in site.rosters:
            name = f"{site.name}, {roster.name}"
            found += _long(name, roster)
            found += _overlaps(name, roster)
            if not default_headcount and not any(s.headcount for s in roster.shifts):
                idle.append(name)
    if idle:
        found.append(
            Finding(
                "warning",
                "no_headcount",
                "{count} rosters have no headcount: no job is counted there and nothing is ranked "
                "on them, unless shuttles.default_headcount is given",
                source="rosters",
                count=len(idle),
                examples=tuple(idle[:5]),
            )
        )
    return found


def _long(name: str, roster: Roster) -> Iterator[Finding]:
    for shift in roster.shifts:
        if shift.duration_s > _LONG_S:
            yield Finding(
                "warning",
                "long_shift",
                "{name}: the shift {shift} lasts {hours} h; check its start and end",
                source="rosters",
                params={"name": name, "shift": shift.label(), "hours": shift.duration_s / 3600},
            )


def _overlaps(name: str, roster: Roster) -> Iterator[Finding]:
    for one, two in combinations(roster.shifts, 2):
        overlap_s = max(_overlap_s(a, b) for a in _spans(one) for b in _spans(two))
        if overlap_s > _HANDOVER_S:
            yield Finding(
                "warning",
                "overlapping_shifts",
                "{name}: the shifts {one} and {two} overlap by {minutes} min, yet one worker "
                "rotates through both; put them in two rosters, or correct their hours",
                source="rosters",
                params={
                    "name": name,
                    "one": one.label(),
                    "two": two.label(),
                    "minutes": overlap_s // 60,
                },
            )


def _spans(shift: Shift) -> list[tuple[int, int]]:
    """Return the second of the week at which a shift starts, and its duration, day by day."""
    return [(WEEKDAYS.index(day) * DAY_S + shift.start, shift.duration_s) for day in shift.days]


def _overlap_s(one: tuple[int, int], two: tuple[int, int]) -> int:
    """Return the seconds that two spans of a week share, below zero when none."""
    (start, duration), (other, length) = one, two
    return max(
        min(start + duration, other + turn + length) - max(start, other + turn)
        for turn in (-_WEEK_S, 0, _WEEK_S)
    )
