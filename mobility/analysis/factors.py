"""Factors of the levers and of the mobility plan: value, unit, year and source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import pandas as pd

from mobility.errors import TerritoryError

#: Given by a territory only: rate of the versement mobilité (e.g. 0.02) on the payroll.
VM_RATE = "versement_mobilite_rate"


@dataclass(frozen=True)
class Factor:
    """One number that comes from outside the model.

    Attributes
    ----------
    check
        It is an order of magnitude that a local figure should replace.
    """

    name: str
    value: float
    unit: str
    year: int
    source: str
    check: bool = False


@dataclass(frozen=True)
class Factors:
    """Every factor of the levers and the plan, by name."""

    rows: dict[str, Factor]

    def __getitem__(self, name: str) -> float:
        """Return the value of a factor."""
        return self.rows[name].value

    def get(self, name: str) -> float | None:
        """Return the value of a factor, None where there is none of that name."""
        return self.rows[name].value if name in self.rows else None

    def to_frame(self) -> pd.DataFrame:
        """Return one row per factor: name, value, unit, year, source, check."""
        return pd.DataFrame([vars(row) for row in self.rows.values()])


def load_factors(overrides: Mapping[str, Any] | None = None, *, file: object = None) -> Factors:
    """Return the built-in factors with a territory's own values put over them.

    Parameters
    ----------
    overrides
        The ``[factors]`` table of a territory: names to a number, or to a row with value,
        unit, year and source. Names of other rooms are left alone.
    file
        The territory file, for the error.

    Raises
    ------
    TerritoryError
        An override is no number of at least zero.
    """
    text = files("mobility.analysis").joinpath("factors.toml").read_text(encoding="utf-8")
    rows = {
        name: Factor(name, float(r["value"]), r["unit"], int(r["year"]), r["source"],
                     bool(r.get("check", False)))
        for name, r in tomllib.loads(text).items()
    }  # fmt: skip
    rate = Factor(VM_RATE, 0.0, "share of the payroll", 0, "Territory file")
    for name, entry in (overrides or {}).items():
        if name in rows or name == VM_RATE:
            rows[name] = _overridden(rows.get(name, rate), entry, file)
    return Factors(rows)


def _overridden(row: Factor, entry: object, file: object) -> Factor:
    given: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"value": entry}
    value = given.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise TerritoryError(
            "A factor must be a number of at least zero.",
            file=None if file is None else str(file),
            column=f"factors.{row.name}",
            value=value,
            mend="Write a number, or a row with value, unit, year and source.",
        )
    return replace(
        row,
        value=float(value),
        unit=str(given.get("unit", row.unit)),
        year=int(given.get("year", row.year)),
        source=str(given.get("source", "Territory file")),
        check=False,
    )
