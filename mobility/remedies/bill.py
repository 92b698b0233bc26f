"""Bills: every euro as a quantity times factors, so that a reader can compute it again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mobility.base.i18n import translate
from mobility.territory.factors import Factors

BILL_COLUMNS = (
    "item", "quantity", "unit", "price", "eur_year", "eur_low", "eur_high", "factors", "year",
    "source", "check",
)  # fmt: skip


@dataclass(frozen=True)
class BillLine:
    """One thing paid for.

    Attributes
    ----------
    item, unit
        What it is and what its quantity counts a year, English texts of the catalogue.
    quantity
        How many a year.
    price
        Names of the factors whose product is the price of one.
    over
        Names of the factors that divide it, such as years of writing off.
    """

    item: str
    quantity: float
    unit: str
    price: tuple[str, ...]
    over: tuple[str, ...] = ()

    @property
    def by_user(self) -> bool:
        """Whether it is paid for each user, not once."""
        return self.unit in ("users", "trips")

    def eur(self, factors: Factors, end: str = "value") -> float:
        """Return the EUR a year; ``low`` and ``high`` are the ends of the factors' bands."""
        against = {"value": "value", "low": "high", "high": "low"}[end]
        up: float = math.prod(getattr(factors.rows[name], end) for name in self.price)
        down: float = math.prod(getattr(factors.rows[name], against) for name in self.over)
        return self.quantity * up / down


Bill = tuple[BillLine, ...]


def total(bill: Bill, factors: Factors, end: str = "value") -> float:
    """Return the EUR a year of a bill."""
    return sum(line.eur(factors, end) for line in bill)


def bill_frame(
    bills: Iterable[tuple[object, Bill]], factors: Factors, language: str, *, of: str
) -> pd.DataFrame:
    """Return one row per line of some bills.

    Columns: ``of`` (what each bill is for), then ``BILL_COLUMNS``: ``quantity`` times ``price``
    is ``eur_year``; ``factors`` names what the price is the product of, and year and source are
    those of the first.
    """
    rows = [{of: key} | _row(line, factors, language) for key, bill in bills for line in bill]
    return pd.DataFrame(rows, columns=[of, *BILL_COLUMNS])


def _row(line: BillLine, factors: Factors, language: str) -> dict[str, object]:
    first = factors.rows[line.price[0]]
    used = [factors.rows[name] for name in (*line.price, *line.over)]
    return {
        "item": translate(line.item, language),
        "quantity": line.quantity,
        "unit": translate(line.unit, language),
        "price": line.eur(factors) / line.quantity if line.quantity else first.value,
        "eur_year": line.eur(factors),
        "eur_low": line.eur(factors, "low"),
        "eur_high": line.eur(factors, "high"),
        "factors": " ".join([*line.price, *(f"/{name}" for name in line.over)]),
        "year": str(first.year),
        "source": translate(first.source, language),
        "check": any(f.check for f in used),
    }


def spread(bills: Sequence[Bill], factors: Factors) -> pd.DataFrame:
    """Return what each factor to check would move: EUR a year of all the bills, low to high.

    Columns: ``name``, ``value``, ``low``, ``high``, ``eur_low``, ``eur_high``; the widest first.
    """
    rows = []
    lines = [line for bill in bills for line in bill]
    for name, row in factors.rows.items():
        mine = [line for line in lines if name in (*line.price, *line.over)]
        if not row.check or not mine:
            continue
        ends = [sum(line.eur(factors.with_value(name, v)) for line in mine)
                for v in (row.low, row.high)]  # fmt: skip
        rows.append((name, row.value, row.low, row.high, min(ends), max(ends)))
    frame = pd.DataFrame(rows, columns=["name", "value", "low", "high", "eur_low", "eur_high"])
    order = (frame["eur_low"] - frame["eur_high"]).argsort(kind="stable")
    return frame.iloc[order].reset_index(drop=True)
