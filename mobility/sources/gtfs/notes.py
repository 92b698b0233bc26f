"""What reading a feed leaves behind beside its tables: findings, and what became of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.errors import Finding, Severity
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.files import RawTables


@dataclass
class Notes:
    """Findings and row counts, collected while a feed is read."""

    raw: RawTables
    findings: list[Finding] = field(default_factory=list)
    rows: list[SourceLedger] = field(default_factory=list)

    def tell(
        self,
        severity: Severity,
        code: str,
        message: str,
        table: str,
        mask: NDArray[np.bool_],
        names: pd.Series | None = None,
        **params: object,
    ) -> None:
        """Add a finding about the rows of a mask, with examples of ``names``, if there are any."""
        count = int(mask.sum())
        if count:
            shown = () if names is None else _examples(names[mask].fillna(""))
            self.findings.append(
                Finding(severity, code, message, self.raw.file(table), count, shown, params)
            )

    def unknown(
        self,
        places: NDArray[Any],
        table: str,
        column: str,
        values: pd.Series,
        *,
        required: bool = False,
    ) -> None:
        """Add a finding for values that name no row of the table they refer to (place -2).

        Where a value is required, one that is missing (place -1) is told too.
        """
        lost = places < 0 if required else places == -2
        message = "{count} rows of {file} name an unknown {column}"
        self.tell(
            "warning", "broken_reference", message, table, lost, values,
            file=f"{table}.txt", column=column,
        )  # fmt: skip

    def count(self, table: str, reasons: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Note what became of a table's rows; the first reason that fits a row takes it.

        Returns
        -------
        bool[rows]
            The rows used.
        """
        kept = np.ones(len(self.raw.tables[table]), np.bool_)
        left: dict[str, int] = {}
        for reason, mask in reasons.items():
            taken = int((mask & kept).sum())
            if taken:
                left[reason] = taken
            kept &= ~mask
        self.rows.append(SourceLedger(self.raw.file(table), kept.size, int(kept.sum()), left))
        return kept


def _examples(values: Any) -> tuple[str, ...]:
    """Return at most five distinct values as text, in order of appearance."""
    return tuple(dict.fromkeys(str(v)[:60] for v in list(values)[:200]))[:5]
