"""Factors as rows: value, unit, year and source, overridable by a territory."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar, Self

from mobility.base.errors import TerritoryError
from mobility.base.i18n import Word, translate

if TYPE_CHECKING:
    import pandas as pd

_FIELDS = ("value", "unit", "year", "source", "low", "high")
#: Half-width of the band of a factor that gives none, as a share of its value (assumptions).
_BAND, _CHECK_BAND = 0.10, 0.30
#: One figure that two rooms call by two names: what a territory says of one holds for the other,
#: unless it says that too.
ONE_FIGURE = (
    ("co2.car", "car_co2"),
    ("carpool.crew", "light.carpool_crew"),
    ("carpool_worker_year", "light.carpool_worker_year"),
    ("carpool_adoption", "light.carpool_adoption"),
    ("driver_hour", "light.extension_driver_hour"),
)
#: Units of factors that are parts of something, never more than all of it.
_PART = re.compile(r"share of (the )?(workers|payroll|pass|vehicle-km)\b")
#: Words of units → what they measure; a factor's unit begins with one and divides by others.
_MEASURES = {
    "EUR": "EUR", "€": "EUR", "kEUR": "kEUR", "k€": "kEUR", "%": "%", "percent": "%",
    "share": "share", "g": "g", "gCO2e": "g", "kg": "kg", "kgCO2e": "kg", "t": "t", "tCO2e": "t",
    "h": "hour", "hour": "hour", "hours": "hour", "min": "minute", "minute": "minute",
    "km": "km", "m": "metre", "metre": "metre", "trip": "trip", "day": "day", "days": "day",
}  # fmt: skip


@dataclass(frozen=True)
class Factor:
    """One number that comes from outside the model.

    Attributes
    ----------
    name
        Dotted name, e.g. ``"vehicle_km.minibus"``.
    value, unit, year, source
        What it is worth and who says so.
    check
        It is an order of magnitude that a local figure should replace.
    low, high
        Ends of its band: given, else a tenth of the value either way, three tenths where it is
        to be checked; shares of people or payroll stay within 0 and 1.
    """

    name: str
    value: float
    unit: str
    year: int
    source: str
    check: bool = False
    low: float = math.nan
    high: float = math.nan

    def __post_init__(self) -> None:
        """Fill a band that is not given."""
        half = _CHECK_BAND if self.check else _BAND
        most = 1.0 if self.unit.startswith("share") and self.value <= 1 else math.inf
        for end, value in (("low", (1 - half) * self.value), ("high", (1 + half) * self.value)):
            if math.isnan(getattr(self, end)):
                object.__setattr__(self, end, min(value, most))


def _rows(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, entry in table.items():
        if isinstance(entry, Mapping) and "value" in entry and "unit" in entry:
            yield prefix + key, entry
        elif isinstance(entry, Mapping):
            yield from _rows(entry, f"{prefix}{key}.")


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, entry in table.items():
        if isinstance(entry, Mapping) and "value" not in entry:
            yield from _flat(entry, f"{prefix}{key}.")
        else:
            yield prefix + key, entry


def _told_alike(given: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return the overrides of a territory, also under the other name of one figure.

    Each with the name that the territory file has.
    """
    names = [*ONE_FIGURE, *((other, one) for one, other in ONE_FIGURE)]
    alike = {other: (one, given[one]) for one, other in names if one in given}
    return alike | {name: (name, entry) for name, entry in given.items()}


def factor_names(overrides: Mapping[str, Any]) -> list[str]:
    """Return the dotted names of a ``[factors]`` table."""
    return [name for name, _ in _flat(overrides)]


@cache
def _built_in(package: str, file: str) -> dict[str, Factor]:
    """Return the factors of a room as its file has them."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    return {
        name: Factor(name, float(r["value"]), r["unit"], int(r["year"]), r["source"],
                     bool(r.get("check", False)), float(r.get("low", math.nan)),
                     float(r.get("high", math.nan)))
        for name, r in _rows(tomllib.loads(text))
    }  # fmt: skip


@dataclass(frozen=True)
class Factors:
    """Every factor of a room, by name; its values stand in ``FILE`` of ``PACKAGE``."""

    PACKAGE: ClassVar[str] = "mobility.territory"
    FILE: ClassVar[str] = "factors.toml"
    rows: dict[str, Factor]

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None, *, file: object = None) -> Self:
        """Return the built-in factors with a territory's own values put over them.

        Parameters
        ----------
        overrides
            The ``[factors]`` table: names, dotted or nested, to a number or to a row.
            Names this room does not know are left to the others; `mobility.settings` checks
            that one of them knows each.
        file
            The territory file, for the error.

        Raises
        ------
        TerritoryError
            An override is neither a number nor a row with a value.
        """
        rows = dict(_built_in(cls.PACKAGE, cls.FILE))
        for name, (said, entry) in _told_alike(dict(_flat(overrides or {}))).items():
            if name in rows:
                rows[name] = _overridden(rows[name], entry, file, said)
        return cls(rows)

    def __getitem__(self, name: str) -> float:
        """Return the value of a factor."""
        return self.rows[name].value

    def get(self, name: str, default: float) -> float:
        """Return the value of a factor, or ``default`` when there is none of that name."""
        return self.rows[name].value if name in self.rows else default

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """Return one row per factor: name, value, unit, year, source, check, low, high."""
        import pandas as pd  # what factors say is read long before it is shown

        frame = pd.DataFrame(
            [vars(f) for f in self.rows.values()],
            columns=["name", "value", "unit", "year", "source", "check", "low", "high"],
        )
        for column in ("unit", "source"):
            frame[column] = [translate(text, language) for text in frame[column]]
        return frame


def _overridden(row: Factor, entry: object, file: object, said: str) -> Factor:
    """Return a factor with what a territory says of it under some name."""
    given: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"value": entry}

    def refuse(problem: str, key: str, mend: str) -> TerritoryError:
        return TerritoryError(
            problem,
            file=None if file is None else str(file),
            column=f"factors.{said}{key}",
            value=given.get(key.lstrip(".") or "value"),
            mend=mend,
            unit=Word(row.unit),
        )

    value = _number(given.get("value"))
    if value is None:
        raise refuse(
            "A factor must be a number of at least zero.",
            "",
            "Write a number, or a row with value, unit, year and source.",
        )
    year = given.get("year", row.year)
    wrong = next((key for key in given if key not in _FIELDS), None)
    if wrong is not None or isinstance(year, bool) or not isinstance(year, int):
        raise refuse(
            "A row of a factor holds value, unit, year (a whole number) and source.",
            f".{wrong or 'year'}",
            "Write a number, or a row with value, unit, year and source.",
        )
    unit = str(given.get("unit", row.unit))
    if not _same_unit(unit, row.unit):
        raise refuse(
            "A factor is given in another unit than it is used in.",
            ".unit",
            "Give its value in: {unit}.",
        )
    low, high = (_number(given.get(end, value)) for end in ("low", "high"))
    if low is None or high is None or not low <= value <= high:
        raise refuse(
            "The band of a factor does not hold its value.",
            ".low",
            "Give low ≤ value ≤ high, in the unit of the factor.",
        )
    if high > 1 and _PART.match(row.unit):
        raise refuse(
            "A share of a whole is more than 1.",
            "" if value > 1 else ".high",
            "Write a number from 0 to 1: {unit}.",
        )
    source = str(given.get("source", "Territory file"))
    band = (low if "low" in given else math.nan, high if "high" in given else math.nan)
    return Factor(row.name, value, unit, year, source, False, *band)


def _number(value: object) -> float | None:
    """Return a finite number of at least zero, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < math.inf else None


def _same_unit(given: str, used: str) -> bool:
    """Whether a unit, as far as it is understood, begins and divides as the factor's does."""
    mine, own = (
        [_MEASURES.get(word) for word in re.findall(r"[%\w€]+", unit)] for unit in (given, used)
    )
    if not mine or not own or mine[0] is None or own[0] is None:
        return True
    return mine[0] == own[0] and set(mine[1:]) - {None} <= set(own[1:])
