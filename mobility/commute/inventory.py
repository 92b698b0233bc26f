"""What a study holds: the table of `mobility check`, and look-ups by name."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np
import pandas as pd

from mobility.base.arrays import Float
from mobility.base.errors import Finding, SourceError, TerritoryError
from mobility.base.i18n import LANGUAGES, Word, number, translate
from mobility.commute.study import Study
from mobility.sources.columns import fold
from mobility.sources.days import ChosenDay
from mobility.sources.gtfs.quality import canonical_findings
from mobility.territory.rosters import ENGLISH_SHIFTS


def inventory(study: Study, language: str = "en") -> pd.DataFrame:
    """Return what was found: one row per thing, ``what`` and ``found`` (text)."""

    def shown(value: float) -> str:
        return number(value, language)

    feed, homes, streets = study.feed, study.homes.frame, study.streets
    rows = [
        ("streets (km)", shown(streets.length_m.sum() / 1000)),
        ("bounding box of the streets", _box(*streets.bounds_lonlat)),
    ]
    if not feed.stops.empty:
        own = (feed.stops["location_type"] == 0) & (feed.stops["copy_of"] < 0)
        rows += [
            ("stops", shown(int(own.sum()))),
            ("bounding box of the stops", _bounds(feed.stops["lon"], feed.stops["lat"])),
            ("lines", shown(len(feed.routes))),
        ]
    for day in study.days if not feed.stops.empty else ():
        what = translate("trips, {kind}", language, kind=Word(day.label))
        rows.append((what, f"{shown(day.trips)} ({day.date})"))
    points = homes.geometry
    rows += [
        ("homes", shown(len(homes))),
        ("workers", shown(homes["workers"].sum())),
        ("bounding box of the homes", _bounds(points.x, points.y)),
        ("sites", shown(len(study.sites))),
        ("shifts", shown(len(study.shifts))),
        ("headcount", shown(study.shifts["headcount"].sum())),
    ]
    return pd.DataFrame(rows, columns=["what", "found"])


def _bounds(lon: pd.Series, lat: pd.Series) -> str:
    return _box(lon.min(), lat.min(), lon.max(), lat.max())


def _box(west: float, south: float, east: float, north: float) -> str:
    return f"{west:.3f} {south:.3f} {east:.3f} {north:.3f}"


def canonical_rules(study: Study) -> list[Finding]:
    """Return what the canonical GTFS rules say of each timetable, on the first day studied.

    Raises
    ------
    SourceError
        The validator is not installed.
    """
    territory = study.territory
    country = territory.days.country[:2].upper()
    return [
        finding
        for path in territory.sources.gtfs
        for finding in canonical_findings(
            territory.resolve(path), date=study.days[0].date, country=country
        )
    ]


def find_home(study: Study, home_id: str) -> int:
    """Return the row of a home.

    Raises
    ------
    TerritoryError
        No home has that identifier.
    """
    found = np.flatnonzero(study.homes.frame["home_id"].astype(str) == home_id)
    if not found.size:
        raise _unknown("home", home_id, study.homes.frame["home_id"].astype(str).tolist())
    return int(found[0])


def find_shift(study: Study, site: str, shift: str, roster: str | None, day_kind: str) -> int:
    """Return the row of a shift, by the names of its site, roster and shift.

    Raises
    ------
    TerritoryError
        A name is unknown, several rosters have a shift of that name, or the shift does not
        work on that kind of day.
    """
    shifts = study.shifts
    other_name = ENGLISH_SHIFTS | {english: french for french, english in ENGLISH_SHIFTS.items()}
    for what, column, name in (
        ("site", "site_name", site),
        ("roster", "roster", roster),
        ("shift", "shift", shift),
    ):
        if name is None:
            continue
        known = shifts[column].unique().tolist()
        # The name a template's shift bears in the other language is understood too.
        wanted = name if name in known else other_name.get(name.casefold(), name)
        shifts = shifts[shifts[column] == wanted]
        if shifts.empty:
            raise _unknown(what, name, known)
    rosters = shifts["roster"].unique().tolist()
    if len(rosters) > 1:
        raise TerritoryError(
            "Several rosters of this site have a shift of this name.",
            column="--shift",
            value=shift,
            mend="Choose one with --roster: {known}.",
            known=", ".join(rosters),
        )
    kind = find_day(study, day_kind).kind
    shift_id = int(shifts["shift_id"].iloc[0])
    worked = [day.kind for day in study.days if study.works_on(shift_id, day)]
    if kind not in worked:
        raise _idle(shift, kind, worked)
    return shift_id


def find_day(study: Study, kind: str) -> ChosenDay:
    """Return a kind of day that is studied, by its name or its label in either language.

    Raises
    ------
    TerritoryError
        There is none of that name.
    """
    for day in study.days:
        labels = (translate(day.label, language) for language in LANGUAGES)
        if fold(kind) in map(fold, (day.kind, *labels)):
            return day
    raise _unknown("day", kind, [day.kind for day in study.days])


def _idle(shift: str, day_kind: str, worked: list[str]) -> TerritoryError:
    return TerritoryError(
        "The shift {shift} does not work on this kind of day.",
        column="--day",
        value=day_kind,
        mend="Choose one with --day: {known}."
        if worked
        else "Add kinds of day, or a date within the rosters' period to days.extra.",
        shift=shift,
        known=", ".join(worked),
    )


def _unknown(what: str, value: str, known: list[str]) -> TerritoryError:
    near = get_close_matches(value, known, n=5, cutoff=0.4) or known[:5]
    return TerritoryError(
        "There is no such name.",
        column=f"--{what}",
        value=value,
        mend="Choose one of: {known}.",
        known=", ".join(near),
    )


def persons_of(study: Study, group: str = "") -> Float:
    """Return the persons of a group at each home, all workers where it has no name, float64[H].

    Raises
    ------
    TerritoryError
        There is no such group.
    SourceError
        It counts more persons than workers live somewhere; names the home and both counts.
    """
    if not group:
        return study.workers
    if group not in study.homes.groups:
        raise TerritoryError(
            "There is no such group.",
            file=study.territory.path,
            column="sources.homes.groups",
            value=group,
            mend="Write one of: {known}."
            if study.homes.groups
            else "Name the column that counts it under groups in [sources.homes].",
            known=", ".join(study.homes.groups),
        )
    persons = study.homes.frame[group].to_numpy(np.float64)
    over = np.flatnonzero(persons > study.workers * (1 + 1e-6) + 1e-6)
    if over.size and not study.homes.personal:  # protected counts have noise
        k = int(over[0])
        raise SourceError(
            "At the home {home} the group counts more persons than the {workers} workers "
            "who live there (homes of which this is true: {count}).",
            file=study.territory.resolve(study.territory.sources.homes.file),
            column=group,
            value=f"{persons[k]:g}",
            mend="Give the group in workers, part of those who live there.",
            home=str(study.homes.ids[k]),
            workers=float(study.workers[k]),
            count=int(over.size),
        )
    return np.asarray(persons)


def some_of(study: Study, group: str) -> Float:
    """Return `persons_of` a group that counts somebody.

    Raises
    ------
    TerritoryError
        There is no such group, or nobody of it.
    SourceError
        See `persons_of`.
    """
    persons = persons_of(study, group)
    if persons.sum() <= 0:
        raise TerritoryError(
            "The group counts nobody.",
            file=study.territory.path,
            column="sources.homes.groups",
            value=group,
            mend="Choose a group that counts some.",
        )
    return persons
