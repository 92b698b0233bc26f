"""Factors as rows: value, unit, year and source, overridable by a territory."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, ClassVar, Self

import pandas as pd

from mobility.base.errors import TerritoryError
from mobility.base.i18n import translate

FIELDS = ("value", "unit", "year", "source")


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
    """

    name: str
    value: float
    unit: str
    year: int
    source: str
    check: bool = False


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


def factor_names(overrides: Mapping[str, Any]) -> list[str]:
    """Return the dotted names of a ``[factors]`` table."""
    return [name for name, _ in _flat(overrides)]


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
        text = files(cls.PACKAGE).joinpath(cls.FILE).read_text(encoding="utf-8")
        rows = {
            name: Factor(name, float(r["value"]), r["unit"], int(r["year"]), r["source"],
                         bool(r.get("check", False)))
            for name, r in _rows(tomllib.loads(text))
        }  # fmt: skip
        for name, entry in _flat(overrides or {}):
            if name in rows:
                rows[name] = _overridden(rows[name], entry, file)
        return cls(rows)

    def __getitem__(self, name: str) -> float:
        """Return the value of a factor."""
        return self.rows[name].value

    def get(self, name: str, default: float) -> float:
        """Return the value of a factor, or ``default`` when there is none of that name."""
        return self.rows[name].value if name in self.rows else default

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """Return one row per factor: name, value, unit, year, source, check."""
        frame = pd.DataFrame(
            [vars(f) for f in self.rows.values()],
            columns=["name", "value", "unit", "year", "source", "check"],
        )
        for column in ("unit", "source"):
            frame[column] = [translate(text, language) for text in frame[column]]
        return frame


def _overridden(row: Factor, entry: object, file: object) -> Factor:
    given: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"value": entry}
    value = given.get("value")
    number = None if isinstance(value, bool) or not isinstance(value, int | float) else value
    if number is None or not 0 <= number < math.inf:
        raise TerritoryError(
            "A factor must be a number of at least zero.",
            file=None if file is None else str(file),
            column=f"factors.{row.name}",
            value=value,
            mend="Write a number, or a row with value, unit, year and source.",
        )
    year = given.get("year", row.year)
    wrong = next((key for key in given if key not in FIELDS), None)
    if wrong is not None or isinstance(year, bool) or not isinstance(year, int):
        raise TerritoryError(
            "A row of a factor holds value, unit, year (a whole number) and source.",
            file=None if file is None else str(file),
            column=f"factors.{row.name}.{wrong or 'year'}",
            value=given[wrong or "year"],
            mend="Write a number, or a row with value, unit, year and source.",
        )
    return replace(
        row,
        value=float(number),
        unit=str(given.get("unit", row.unit)),
        year=year,
        source=str(given.get("source", "Territory file")),
        check=False,
    )
