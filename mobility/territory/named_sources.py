"""What a territory file names: sources, and the kinds of day studied."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from mobility.territory.fields import WEEKDAYS, Days, Model, RefusedError, Share

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
    workers_share: Share = 1.0
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
