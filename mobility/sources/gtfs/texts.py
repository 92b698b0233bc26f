"""One file of a GTFS feed as a table of text.

Well-formed files are parsed by arrow, what arrow refuses by pandas. Of the largest table only the
columns used are read, and its values are not stripped: they are few different ones, each looked
at once. Headings are read in small letters.
"""

from __future__ import annotations

from contextlib import suppress
from csv import Error as CsvError
from csv import reader
from functools import partial
from pathlib import Path

import pandas as pd
from partridge.utilities import detect_encoding

FLEX_COLUMNS = (
    "location_id", "location_group_id", "start_pickup_drop_off_window",
    "end_pickup_drop_off_window", "pickup_booking_rule_id", "drop_off_booking_rule_id",
)  # fmt: skip
_STOP_TIMES_COLUMNS = (
    "trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time", "pickup_type",
    "drop_off_type", "shape_dist_traveled", "timepoint", "continuous_pickup",
    "continuous_drop_off", *FLEX_COLUMNS,
)  # fmt: skip
# How GTFS-Flex wrote some headings before it was adopted in 2024.
_FORMER = {
    f"{side}_pickup_dropoff_window": f"{side}_pickup_drop_off_window" for side in ("start", "end")
}
CLEAN, REPEATED = "clean", "repeated"


def table_of(path: Path, *, largest: bool) -> pd.DataFrame:
    """Return a file as text; only what is empty is missing."""
    frame = _parsed_by_arrow(path, largest=largest)
    if frame is not None:
        return frame
    frame = _parsed_by_pandas(path, largest=largest).rename(columns=_heading)
    if largest:
        return frame
    texts: pd.DataFrame = frame.apply(lambda c: c.astype("str").str.strip())
    texts.attrs = frame.attrs
    return texts


def _heading(name: str) -> str:
    name = name.strip().lower()
    return _FORMER.get(name, name)


def _parsed_by_pandas(path: Path, *, largest: bool) -> pd.DataFrame:
    with path.open("rb") as stream:
        encoding = detect_encoding(stream)
    _refuse_longer_rows(path, encoding)
    frame = pd.read_csv(
        path,
        dtype="str",
        encoding=encoding,
        index_col=False,
        keep_default_na=False,
        na_values=[""],
        usecols=(lambda c: _heading(c) in _STOP_TIMES_COLUMNS) if largest else None,
    )
    # pandas numbers headings that stand twice.
    numbered = [str(name).rpartition(".") for name in frame.columns]
    frame.attrs[REPEATED] = tuple(
        name for name, _, k in numbered if k.isdigit() and name in frame.columns
    )
    return frame


def _refuse_longer_rows(path: Path, encoding: str) -> None:
    """Raise where a row holds more than its headings tell of: pandas would drop it untold."""
    with path.open(encoding=encoding, newline="") as stream, suppress(CsvError):
        rows = reader(stream)
        width = len(next(rows, []))
        for row in rows:
            if any(map(str.strip, row[width:])):
                raise pd.errors.ParserError(
                    f"line {rows.line_num}: {len(row)} values, {width} headings"
                )


def _parsed_by_arrow(path: Path, *, largest: bool) -> pd.DataFrame | None:
    """Return a table as text; None when it is not plain CSV in UTF-8 with as many values a row."""
    from pyarrow import ArrowInvalid, compute, csv, string

    with path.open("rb") as stream:
        header = stream.readline()
    try:
        names = next(reader([header.decode("utf-8-sig")]), [])
        if len(set(names)) < len(names) or not all(n.strip() for n in names):
            return None
        table = csv.read_csv(
            path,
            # Without a quote no value holds a line break, and lines can be told apart sooner.
            parse_options=csv.ParseOptions(newlines_in_values=_has_quotes(path)),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, string()),
                include_columns=[n for n in names if _heading(n) in _STOP_TIMES_COLUMNS]
                if largest
                else [],
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except (ArrowInvalid, KeyError, UnicodeDecodeError, CsvError):
        return None
    if not set(table.column_names) <= set(names):  # it ends lines otherwise, and types are guessed
        return None
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        text = column
        if not largest:
            text = compute.utf8_trim_whitespace(column)
            text = compute.if_else(compute.equal(text, ""), None, text)
        columns[_heading(name)] = text.to_pandas()
    frame = pd.DataFrame(columns, dtype="str")
    # Nothing is left for `_without_blanks` to do unless a line may hold nothing.
    frame.attrs[CLEAN] = len(frame) > 0 and not frame.iloc[:, 0].isna().any()
    return frame


def _has_quotes(path: Path) -> bool:
    with path.open("rb") as stream:
        return any(b'"' in block for block in iter(partial(stream.read, 1 << 20), b""))


__all__ = ["CLEAN", "FLEX_COLUMNS", "REPEATED", "table_of"]
