"""What a territory file is made of: kinds of values, and the sources and kinds of day it names."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

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


_SchoolZone = Literal["A", "B", "C"]
DAY_KIND_WEEKDAYS: dict[str, str] = {
    "school_weekday": "mon-fri",
    "holiday_weekday": "mon-fri",
    "saturday": "sat",
    "sunday": "sun",
}


class HomesSource(Model):
    """Where workers live: a layer or a CSV file, and its columns.

    ``personal`` says whether rows stand for persons, who are then protected while they are
    read; by default an employee file does, and points or cells of mostly one or two workers.
    ``secret`` is a file whose bytes seed the protection besides those of the homes.
    """

    file: Path
    kind: Literal[
        "auto", "points", "cells", "communes", "insee_grid", "flows", "employees", "protected"
    ] = "auto"
    layer: str | None = None
    id: str | None = None
    name: str | None = None
    workers: str = "workers"
    lon: str = "lon"
    lat: str = "lat"
    crs: str | None = None
    groups: list[str] = []
    commune: str | None = None
    zones: Path | None = None
    zones_id: str | None = None
    zones_layer: str | None = None
    changes: Path | None = None
    work_commune: list[str] = []
    cell_m: Annotated[float, Field(gt=0)] = 200.0
    workers_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    personal: bool | None = None
    secret: Path | None = None

    @model_validator(mode="after")
    def _employees_are_persons(self) -> HomesSource:
        if self.kind == "employees" and self.personal is False:
            raise RefusedError(
                "A file of employees is personal data.",
                "Remove personal = false; or name another kind, where rows are published counts.",
                value=False,
                field=("personal",),
            )
        return self


class Credit(Model):
    """Under which licence a source may be used, and who must be named with it."""

    licence: str = ""
    attribution: str = ""


class Sources(Model):
    """The files a study reads; relative paths resolve from the territory file.

    ``credits`` holds, by the path as written here, what is shown with a source; ``duplicates``
    says whether a network that two feeds hold is told only, or left out once.
    """

    osm: Path | None = None
    lines: Path | None = None
    lines_layer: str | None = None
    streets_attribution: str | None = None
    streets_licence: str | None = None
    gtfs: list[Path] = []
    duplicates: Literal["tell", "drop"] = "tell"
    homes: HomesSource
    sites: Path | None = None
    sites_crs: str | None = None
    sites_layer: str | None = None
    background: Path | None = None
    street_changes: Path | None = None
    elevation: Path | None = None
    car_parks: Path | None = None
    versement_mobilite: Path | None = None
    credits: dict[str, Credit] = {}

    @model_validator(mode="after")
    def _one_network(self) -> Sources:
        if self.osm is not None and self.lines is not None:
            raise RefusedError(
                "The streets are given twice, and only one network is read.",
                "Keep osm, or lines, and remove the other.",
                value=self.lines.as_posix(),
                field=("lines",),
            )
        return self

    @model_validator(mode="after")
    def _credits_of_sources(self) -> Sources:
        known = {path.as_posix() for _, path in self.named()}
        for path in self.credits:
            if Path(path).as_posix() not in known:
                raise RefusedError(
                    "There is no source of this path.",
                    "Write the path as it stands in [sources]; it has: {known}.",
                    value=path,
                    field=("credits",),
                    known=", ".join(sorted(known)),
                )
        return self

    def named(self) -> list[tuple[str, Path]]:
        """Return the role and the path of every source a study may show."""
        homes = self.homes
        by_role: dict[str, list[Path | None]] = {
            "streets": [self.osm, self.lines],
            "timetable": [*self.gtfs],
            "homes": [homes.file, homes.zones, homes.changes],
        }
        one = ("sites", "car_parks", "street_changes", "elevation", "background")
        by_role |= {role: [getattr(self, role)] for role in (*one, "versement_mobilite")}
        return [(role, path) for role, paths in by_role.items() for path in paths if path]

    def credit(self, path: Path) -> Credit:
        """Return what is shown with a source."""
        given = {Path(key).as_posix(): credit for key, credit in self.credits.items()}
        return given.get(path.as_posix(), Credit())


class DayKind(Model):
    """A date standing for a kind of day, for shifts starting on ``weekdays``."""

    name: str
    date: dt.date | None = None
    weekdays: Days = list(WEEKDAYS)
    label: str = ""


class DaysConfig(Model):
    """Which kinds of day are studied and the date standing for each.

    ``kinds`` lists names of the four standard kinds; ``dates`` fixes the date of some of
    them; the others are chosen from the feeds' calendars.
    """

    kinds: list[Literal["school_weekday", "holiday_weekday", "saturday", "sunday"]] = [
        "school_weekday",
        "holiday_weekday",
        "saturday",
        "sunday",
    ]
    dates: dict[str, dt.date] = {}
    extra: list[DayKind] = []
    country: str = "FR"
    school_zone: _SchoolZone | None = None
    school_holidays: list[tuple[dt.date, dt.date]] = []

    @field_validator("school_holidays")
    @classmethod
    def _first_before_last(
        cls, spans: list[tuple[dt.date, dt.date]]
    ) -> list[tuple[dt.date, dt.date]]:
        for first, last in spans:
            if first > last:
                raise RefusedError(
                    "These holidays end before they begin.",
                    "Write the first day, then the last.",
                    value=f"{first} – {last}",
                )
        return spans
