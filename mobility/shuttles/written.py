"""What stands in the files of a design and is read again, without designing anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mobility.base.errors import SourceError
from mobility.base.literal import read_csv_text

DIRECTIONS = {"in": "to work", "out": "back home"}
#: Colours of the lines, in their order.
COLOURS = (
    "1B6CA8", "C8553D", "2E7D32", "7B1FA2", "B8860B", "00838F", "AD1457", "4E5D6C",
    "5D4037", "3949AB", "558B2F", "D84315",
)  # fmt: skip


def read_plan_table(path: Path, wanted: Sequence[str] = ()) -> pd.DataFrame:
    """Return ``plans.csv`` of an earlier design; without a row where that found no plan.

    Raises
    ------
    SourceError
        It cannot be read, or lacks a column of ``wanted``.
    """
    empty = pd.DataFrame(columns=["plan", *wanted], dtype="str")
    try:
        table = read_csv_text(path)
    except pd.errors.EmptyDataError:
        return empty
    except (OSError, ValueError):
        raise _spoilt("A table of shuttle plans cannot be read.", path, None) from None
    if table.empty:
        return empty
    missing = [name for name in ("plan", *wanted) if name not in table]
    if missing:
        raise _spoilt("A table of shuttle plans lacks a column.", path, missing[0])
    return table


def _spoilt(problem: str, path: Path, column: str | None) -> SourceError:
    return SourceError(problem, file=path, column=column, mend="Run `mobility shuttles` again.")
