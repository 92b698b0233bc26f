"""Bills: every euro as a quantity times factors, so that a reader can compute it again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from mobility.base.i18n import translate
from mobility.territory.factors import Factors

_BILL_COLUMNS = (
    "item", "quantity", "unit", "price", "eur_year", "eur_low", "eur_high", "factors", "year",
    "source", "check",
)  # fmt: skip
#: Factor of the line of a bill that is a share of all its others.
STRUCTURE = "overhead"


@dataclass(frozen=True)
class CostLine:
    """One thing paid for: ``quantity`` times ``price`` is ``eur_year``.

    Attributes
    ----------
    item, unit
        What it is and what its quantity counts a year, English texts of the catalogue.
    price, price_low, price_high
        EUR for one, and with every factor at one end of its band.
    factors
        Names of the factors whose product is the price; those after ``/`` divide it. Empty where
        the territory gives the price itself.
    year, source
        Of the first of them.
    check
        Whether some of them is to be checked.
    """

    item: str
    quantity: float
    unit: str
    price: float
    price_low: float
    price_high: float
    factors: str = ""
    year: str = ""
    source: str = "Territory file"
    check: bool = False

    @property
    def by_user(self) -> bool:
        """Whether it is paid for each user, not once."""
        return self.unit in ("users", "trips")

    @property
    def eur_year(self) -> float:
        """EUR a year."""
        return self.quantity * self.price

    @property
    def eur_low(self) -> float:
        """EUR a year where everything is cheap."""
        return self.quantity * self.price_low

    @property
    def eur_high(self) -> float:
        """EUR a year where everything is dear."""
        return self.quantity * self.price_high

    def times(self, part: float) -> CostLine:
        """Return the line for a part of its quantity."""
        return replace(self, quantity=self.quantity * part)


Bill = tuple[CostLine, ...]


def priced(
    factors: Factors, item: str, quantity: float, unit: str, *names: str, over: Sequence[str] = ()
) -> CostLine:
    """Return a line whose price is the product of some factors, divided by others."""
    rows, under = [factors.rows[n] for n in names], [factors.rows[n] for n in over]

    def price(end: str, against: str) -> float:
        up: float = math.prod(getattr(row, end) for row in rows)
        down: float = math.prod(getattr(row, against) for row in under)
        return up / down

    return CostLine(
        item, quantity, unit, price("value", "value"), price("low", "high"), price("high", "low"),
        " ".join([*names, *(f"/{name}" for name in over)]), str(rows[0].year), rows[0].source,
        any(row.check for row in (*rows, *under)),
    )  # fmt: skip


def total(bill: Iterable[CostLine], end: str = "year") -> float:
    """Return the EUR a year of a bill, or its ``low`` or ``high`` end."""
    return float(sum(getattr(line, f"eur_{end}") for line in bill))


def bill_frame(bills: Iterable[tuple[object, Bill]], language: str, *, of: str) -> pd.DataFrame:
    """Return one row per line of some bills: ``of`` (whose it is), then `_BILL_COLUMNS`."""
    rows = [
        {of: key}
        | {name: getattr(line, name) for name in _BILL_COLUMNS}
        | {name: _said(getattr(line, name), language) for name in ("item", "unit", "source")}
        for key, bill in bills
        for line in bill
    ]
    return pd.DataFrame(rows, columns=[of, *_BILL_COLUMNS])


def _said(text: str, language: str) -> str:
    """Return a text in a language; what follows a colon, such as a size of vehicle, as it is."""
    known = translate(text, language)
    head, colon, tail = text.partition(": ")
    if known != text or not colon:
        return known
    return translate(head, language) + translate(colon, language) + tail


def spread(bills: Sequence[Bill], factors: Factors) -> pd.DataFrame:
    """Return what each factor to check would move: EUR a year of all the bills, low to high.

    Columns: ``name``, ``value``, ``low``, ``high``, ``eur_low``, ``eur_high``; the widest first.
    """
    rows = []
    for name, row in factors.rows.items():
        eur, divided = 0.0, 0.0
        for bill in bills:
            # Structure costs follow what they are a share of.
            more = 1 + sum(line.price for line in bill if line.factors == STRUCTURE)
            for line in bill:
                used = line.factors.split()
                whole = line.eur_year * (1.0 if line.factors == STRUCTURE else more)
                eur += whole if name in used else 0.0
                divided += whole if f"/{name}" in used else 0.0
        if row.check and row.value and (eur or divided):
            ends = [eur * v / row.value + divided * row.value / v for v in (row.low, row.high)]
            rows.append((name, row.value, row.low, row.high, min(ends), max(ends)))
    frame = pd.DataFrame(rows, columns=["name", "value", "low", "high", "eur_low", "eur_high"])
    order = (frame["eur_low"] - frame["eur_high"]).argsort(kind="stable")
    return frame.iloc[order].reset_index(drop=True)
