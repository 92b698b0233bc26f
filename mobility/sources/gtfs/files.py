"""The tables of a GTFS zip or folder, read as text through partridge, and what is told of them."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import partridge as ptg
from numpy.typing import NDArray

from mobility.base.errors import Finding, Severity, SourceError, library_words
from mobility.base.ledger import SourceLedger
from mobility.sources.gtfs.feed import network_name
from mobility.sources.gtfs.unpack import (
    BROKEN,
    CLEAN,
    FLEX_COLUMNS,
    REPEATED,
    ZONES,
    allowed_bytes,
    feed_folder,
    inner_folder,
    netex,
    table_of,
    two_feeds,
)

if TYPE_CHECKING:
    import networkx as nx

_LONGEST_LINE = 1 << 20
_OTHER_SIGNS = {
    ";": "Its columns are parted by semicolons.",
    "\t": "Its columns are parted by tabs.",
    "|": "Its columns are parted by vertical bars.",
}

# Tables and the columns a feed cannot do without; an empty tuple is an optional table
# with no column that every row must have.
REQUIRED_COLUMNS: dict[str, tuple[str, ...]] = {
    "agency": ("agency_timezone",),
    "stops": ("stop_id",),
    "routes": ("route_id", "route_type"),
    "trips": ("route_id", "service_id", "trip_id"),
    "stop_times": ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"),
    "calendar": (
        "service_id", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
        "sunday", "start_date", "end_date",
    ),
    "calendar_dates": ("service_id", "date", "exception_type"),
    "frequencies": ("trip_id", "start_time", "end_time", "headway_secs"),
    "transfers": (),
    "pathways": ("from_stop_id", "to_stop_id"),
    "feed_info": (),
    "attributions": (),
}  # fmt: skip
# Tables read only where they are needed, see `read_extra`.
EXTRA_COLUMNS: dict[str, tuple[str, ...]] = {
    "shapes": ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"),
    "booking_rules": ("booking_rule_id",),
    "location_groups": ("location_group_id",),
    "location_group_stops": ("location_group_id", "stop_id"),
    "stop_areas": ("area_id", "stop_id"),
}
_REQUIRED_TABLES = ("agency", "stops", "routes", "trips", "stop_times")


@dataclass(frozen=True)
class RawTables:
    """The tables of one feed as text: values stripped, missing ones NaN, never "".

    Attributes
    ----------
    path
        The zip or folder, as the user named it.
    tables
        Data frames by table name; empty when the feed has no such file. Values of
        ``stop_times`` are not stripped.
    present
        Names of the tables that exist in the feed.
    others
        Names of its further files, each with its number of rows, -1 where that is not told.
    repeated
        Headings that stand twice, by table name; the first of each is read.
    findings, accounts
        What is told of the rows while they are checked, and what became of them.
    """

    path: Path
    tables: dict[str, pd.DataFrame]
    present: frozenset[str]
    others: Mapping[str, int] = field(default_factory=dict)
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    accounts: list[SourceLedger] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the feed: its file's, or its folder's where the file is just "gtfs"."""
        return network_name(self.path)

    def file(self, table: str) -> str:
        """Return how errors call the file of ``table``."""
        return f"{self.path}/{table}.txt"

    def column(self, table: str, name: str) -> pd.Series:
        """Return a column of text, or of NaN when the table has none of that name."""
        frame = self.tables[table]
        if name in frame:
            return frame[name]
        return pd.Series(np.nan, index=frame.index, dtype="float64", name=name)

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
            texts = () if names is None else names[mask].fillna("").iloc[:200]
            shown = tuple(dict.fromkeys(str(text)[:60] for text in texts))[:5]
            file = self.file(table)
            self.findings.append(Finding(severity, code, message, file, count, shown, params))

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
        kept = np.ones(len(self.tables[table]), np.bool_)
        left: dict[str, int] = {}
        for reason, mask in reasons.items():
            taken = int((mask & kept).sum())
            if taken:
                left[reason] = taken
            kept &= ~mask
        self.accounts.append(SourceLedger(self.file(table), kept.size, int(kept.sum()), left))
        return kept


def read_tables(path: Path) -> RawTables:
    """Read every table of `REQUIRED_COLUMNS` as text.

    Parameters
    ----------
    path
        A ``.zip`` (its files may lie in one inner folder) or a folder.

    Raises
    ------
    SourceNotFoundError
        There is nothing at ``path``.
    SourceError
        It is no zip, it is dangerous or damaged, or it lacks a table or a column.
    """
    with feed_folder(path, tuple(REQUIRED_COLUMNS)) as folder:
        files = [p for p in folder.rglob("*") if p.suffix.lower() == ".txt"]
        present = frozenset(p.stem.lower() for p in files)
        missing = [t for t in _REQUIRED_TABLES if t not in present]
        # A feed of zones alone need not have stops.
        if missing == ["stops"] and (folder / ZONES).is_file():
            missing = []
        names = sorted(_names(path)) if missing else []
        if names and all(name.lower().endswith(".xml") for name in names):
            raise netex(path)
        if missing:
            raise SourceError(
                "It is no GTFS feed: {table}.txt is missing.",
                file=path,
                mend="Ask its publisher for a complete feed, or name another file under gtfs; the "
                "files found here are: {found}.",
                table="stop_times" if "stop_times" in missing else missing[0],
                found=", ".join(names)[:200] or "–",
            )
        if not present & {"calendar", "calendar_dates"}:
            raise SourceError(
                "It is no GTFS feed: it holds neither calendar.txt nor calendar_dates.txt, so no "
                "trip has a date.",
                file=path,
                mend="Ask its publisher for a complete feed, or name another file under gtfs.",
            )
        source = _open(path, folder)
        tables = {name: _read_table(path, source, name) for name in REQUIRED_COLUMNS}
    repeated = {
        name: found for name, frame in tables.items() if (found := frame.attrs.pop(REPEATED, ()))
    }
    return RawTables(path, tables, present, _others(path), repeated)


def _names(path: Path) -> set[str]:
    """Return the names of the files of a zip, or of a folder and those in it."""
    if path.is_dir():
        return {p.name for p in path.glob("**/*") if p.is_file()}
    with zipfile.ZipFile(path) as archive:
        return {name.rpartition("/")[2] for name in archive.namelist()} - {""}


def _others(path: Path) -> dict[str, int]:
    """Return the files of a feed beside the tables that are always read, with their rows."""
    known = {f"{table}.txt" for table in REQUIRED_COLUMNS}
    found: dict[str, int] = {}

    def kept(name: str) -> bool:
        return name.endswith((".txt", ".geojson")) and name[0] != "." and name not in known

    def lower(file: Path | PurePosixPath) -> str:
        return file.name.lower()

    if path.is_dir():
        for file in sorted(p for p in inner_folder(path).iterdir() if kept(lower(p))):
            with file.open("rb") as text:
                found[lower(file)] = _count_rows(lower(file), text)
        return found
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = lower(PurePosixPath(member.filename.replace("\\", "/")))
            if not kept(name):
                continue
            found[name] = -1
            if member.file_size <= allowed_bytes(member):
                with suppress(*BROKEN), archive.open(member) as stream:
                    found[name] = _count_rows(name, stream)
    return dict(sorted(found.items()))


def _count_rows(name: str, stream: IO[bytes]) -> int:
    """Return the rows of a table below its headings; text in quotes may go over several lines."""
    if not name.endswith(".txt"):
        return -1
    rows, quoted = -1, False
    while line := stream.readline(_LONGEST_LINE):
        rows += not quoted and not line.isspace()
        quoted ^= bool(line.count(b'"') % 2)
    return max(rows, 0)


def read_extra(path: Path, names: Iterable[str]) -> tuple[dict[str, pd.DataFrame], str | None]:
    """Read some more tables as text, empty where the feed has none, and its zones' GeoJSON.

    Parameters
    ----------
    path
        As in `read_tables`.
    names
        Of `REQUIRED_COLUMNS` or `EXTRA_COLUMNS`.

    Raises
    ------
    SourceError
        A table cannot be read, or the zones are no text in UTF-8.
    """
    names = tuple(names)
    with feed_folder(path, names) as folder:
        source = _open(path, folder)
        tables = {name: _read_table(path, source, name) for name in names}
        zones = folder / ZONES
        try:
            text = zones.read_text(encoding="utf-8-sig") if zones.is_file() else None
        except UnicodeDecodeError:
            raise SourceError(
                "Its text is not encoded in UTF-8.",
                file=f"{path}/{ZONES}",
                mend="Save it again as UTF-8.",
            ) from None
    return tables, text


class _Tables(ptg.gtfs.Feed):  # type: ignore[misc]
    """A partridge feed whose tables are read by `table_of`, whatever the case of their names."""

    _pathmap: dict[str, str]

    def _bootstrap(self, path: str) -> None:
        super()._bootstrap(path)
        self._pathmap = {name.lower(): file for name, file in self._pathmap.items()}

    def _read_csv(self, filename: str) -> pd.DataFrame:
        """Return a table as text; only what is empty is missing, never an id called NA."""
        path = self._pathmap.get(filename)
        if path is None or Path(path).stat().st_size == 0:
            empty: pd.DataFrame = super()._read_csv(filename)
            return empty
        return table_of(Path(path), largest=filename == "stop_times.txt")


def _open(path: Path, folder: Path) -> _Tables:
    try:
        return _Tables(str(folder), config=_config())
    except ValueError as error:
        raise two_feeds(path, str(error)) from None


def _config() -> nx.DiGraph[str]:
    """Return partridge's graph of tables, without edges: rows are checked, never pruned."""
    import networkx as nx

    config: nx.DiGraph[str] = nx.DiGraph()
    for name, columns in (REQUIRED_COLUMNS | EXTRA_COLUMNS).items():
        config.add_node(f"{name}.txt", required_columns=columns)
    return config


def _read_table(path: Path, source: _Tables, name: str) -> pd.DataFrame:
    file = f"{path}/{name}.txt"
    required = (REQUIRED_COLUMNS | EXTRA_COLUMNS)[name]
    try:
        with warnings.catch_warnings():
            # A trailing comma on every line is harmless.
            warnings.simplefilter("ignore", pd.errors.ParserWarning)
            # Partridge renames in place, which pandas will drop.
            warnings.simplefilter("ignore", DeprecationWarning)
            frame: pd.DataFrame = source.get(f"{name}.txt")
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame(columns=list(required), dtype="str")
    except (UnicodeDecodeError, LookupError):
        raise SourceError(
            "Its text is not encoded in UTF-8.", file=file, mend="Save it again as UTF-8."
        ) from None
    except (pd.errors.ParserError, ValueError, OSError, AttributeError) as error:
        raise SourceError(
            "It cannot be read as a table: {reason}.",
            file=file,
            mend="Save it as CSV: commas between values, quotes around text with commas.",
            reason=library_words(error),
        ) from None
    twice = frame.columns.duplicated()
    frame.attrs[REPEATED] = (*frame.attrs.get(REPEATED, ()), *frame.columns[twice].unique())
    frame = frame.loc[:, ~twice]
    # Calls in zones have neither a stop nor times.
    zones = name == "stop_times" and not frame.columns.isin(FLEX_COLUMNS[:2]).any()
    for column in required if zones or name != "stop_times" else ("trip_id", "stop_sequence"):
        if column not in frame.columns:
            signs = [s for s in _OTHER_SIGNS if s in str(next(iter(frame.columns), ""))]
            if len(frame.columns) == 1 and signs:
                raise SourceError(
                    _OTHER_SIGNS[signs[0]],
                    file=file,
                    mend="Save it as CSV: commas between values, quotes around text with commas.",
                )
            raise SourceError(
                "The column {name} is missing.",
                file=file,
                column=column,
                mend="Add it: GTFS requires it. The columns found are: {found}.",
                name=column,
                found=", ".join(map(str, frame.columns))[:200],
            )
    clean = frame.attrs.pop(CLEAN, False)
    return frame if clean or name == "stop_times" else _without_blanks(frame)


def _without_blanks(frame: pd.DataFrame) -> pd.DataFrame:
    """Make every value text or NaN, and drop the lines that hold nothing."""
    if frame.empty:
        return frame.astype("str")
    columns, attrs = {}, frame.attrs
    for name in frame.columns:
        values = frame[name].astype("str")
        blank = values == ""
        columns[name] = values.mask(blank) if blank.any() else values
    frame = pd.DataFrame(columns, index=frame.index)
    frame.attrs = attrs
    if len(frame.columns) and frame.iloc[:, 0].isna().any():
        frame = frame[~frame.isna().all(axis=1)]
    return frame
