"""Text of the data made literal, for outputs that would take some of it for a command.

Pages, spreadsheets and layers escape text themselves; what is here serves what cannot:
CSV, which spreadsheets search for formulas, Markdown, the terminal and one-line messages.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

#: Control characters, line ends of any alphabet, and the two codes that XML forbids.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
#: Where a spreadsheet would begin a formula: at the start of a cell, or after a semicolon,
#: which parts cells in French spreadsheets. Their apostrophe marks a text, hence is marked too.
_FORMULA = re.compile(r"(^|;)(?=\s*['=+\-@＝＋－＠])")
#: Columns of our own tables that hold texts, even where these look like numbers.
_TEXTS = (
    "site", "employer", "roster", "shift", "plan", "line", "stop", "area", "vehicle", "name",
    "weekdays", "season", "days",
)  # fmt: skip
_MARKED = re.compile(r"(^|;)'(?=\s*['=+\-@＝＋－＠])")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
#: Rows from which a table is written column by column.
LONG = 5000
#: Rows of such a table that are put together at once.
BLOCK = 50_000
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~$&]|^\s*(?:[-+=]|\d{1,9}[.)])")


def one_line(text: str) -> str:
    """Return a text whose line ends and control characters are spaces."""
    return _CONTROL.sub(" ", text)


@lru_cache(maxsize=1 << 16)  # names stand in many cells
def csv_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; one that is a number stays."""
    text = one_line(text)
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1'", text)


def unmarked(text: str) -> str:
    """Return the text that `csv_cell` wrote."""
    return _MARKED.sub(r"\1", text)


def _cell(value: object) -> object:
    return csv_cell(value) if isinstance(value, str) else value


def csv_text(frame: pd.DataFrame, **options: Any) -> str:
    """Return a table as CSV, its texts and headings protected by `csv_cell`.

    Parameters
    ----------
    options
        Of `pandas.DataFrame.to_csv`.
    """
    import pandas as pd

    shown = frame.rename(columns=lambda name: csv_cell(str(name)))
    for name, column in shown.items():
        if column.dtype.name == "category":  # a text that stands on many rows is looked at once
            shown[name] = column.map(_cell)
        elif column.dtype.kind not in "biufM":
            cells = [_cell(v) for v in column.to_numpy(object)]
            shown[name] = pd.Series(cells, column.index, object)
    options |= {"index": False, "lineterminator": "\n"}
    if len(shown) < LONG or shown.shape[1] < 2:
        return str(shown.to_csv(**options))
    return str(shown.head(0).to_csv(**options)) + _csv_rows(shown, options)


def _csv_rows(frame: pd.DataFrame, options: dict[str, Any]) -> str:
    """Return the rows of a long table as CSV: what stands in many cells is put into text once."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for k, (_, column) in enumerate(frame.items(), start=1):
        keys: Any = column
        if pd.api.types.is_float_dtype(column.dtype):  # of which 0 and -0 are not the same text
            keys = column.to_numpy(np.float64, na_value=np.nan).view(np.int64)
        place, distinct = pd.factorize(keys, use_na_sentinel=False)
        first = np.zeros(len(distinct), np.intp)
        first[place[::-1]] = np.arange(place.size)[::-1]
        # Beside another cell, an empty one is written as in a row of many.
        beside = column.iloc[first].to_frame().assign(**{"": 0})
        lines = beside.to_csv(header=False, **options).split("\n")[:-1]
        end = "\n" if k == frame.shape[1] else ""
        cells = pa.array([line.removesuffix(",0") + end for line in lines], pa.large_string())
        columns.append((cells, place.astype(np.int32)))
    comma, text = pa.scalar(",", pa.large_string()), []
    for low in range(0, len(frame), BLOCK):
        block = [cells.take(pa.array(place[low : low + BLOCK])) for cells, place in columns]
        rows = pc.binary_join_element_wise(*block, comma)
        size = pc.sum(pc.binary_length(rows)).as_py()
        text.append(str(memoryview(rows.buffers()[2])[:size], "utf-8"))
    return "".join(text)


def read_csv_text(path: Path) -> pd.DataFrame:
    """Return a table that `csv_text` wrote; only an empty cell is a missing one."""
    import pandas as pd

    texts = dict.fromkeys(_TEXTS, str)
    frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    for name, column in frame.items():
        if column.dtype.kind not in "biuf":
            frame[name] = [unmarked(v) if isinstance(v, str) else v for v in column]
    return frame


def markdown(text: str) -> str:
    """Return a text as Markdown that shows it."""
    return _MARKDOWN.sub(lambda m: f"{m[0][:-1]}\\{m[0][-1]}", one_line(text))


def slug(name: str) -> str:
    """Return a name as a file can be called: plain letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]
