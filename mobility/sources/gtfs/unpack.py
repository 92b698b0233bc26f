"""A GTFS zip or folder opened safely, and its files as tables of text.

Names and sizes that no feed has are refused. Well-formed files are parsed by arrow, what arrow
refuses by pandas. Of the largest table only the columns used are read, and its values are not
stripped: they are few different ones, each looked at once. Headings are read in small letters.
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from csv import Error as CsvError
from csv import reader
from functools import partial
from pathlib import Path, PurePosixPath

import pandas as pd
from partridge.utilities import detect_encoding

from mobility.base.errors import STORAGE, MobilityError, SourceError, SourceNotFoundError

#: What a damaged zip gives rise to: an offset below zero is an OSError of seeking.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError)
# No feed unpacks to so much, nor is one packed so tightly: an archive made to fill the disk is.
_MAX_BYTES = 8 * 2**30
_MAX_RATIO = 150
#: A table under this size may be packed as tightly as it likes.
_RATIO_FREE_BYTES = 50 * 2**20
ZONES = "locations.geojson"
FLEX_COLUMNS = (
    "location_id",
    "location_group_id",
    "start_pickup_drop_off_window",
    "end_pickup_drop_off_window",
    "pickup_booking_rule_id",
    "drop_off_booking_rule_id",
)
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


@contextmanager
def feed_folder(path: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield a folder with the feed's tables of these names, and its zones, out of a zip."""
    if path.is_dir():
        yield inner_folder(path)
        return
    if not path.is_file():
        raise SourceNotFoundError(
            "The timetable does not exist.",
            file=path,
            mend="Check the path; one of the territory file starts at its folder.",
        )
    if path.suffix.lower() == ".xml":
        raise netex(path)
    with tempfile.TemporaryDirectory(prefix="mobility-gtfs-") as work:
        _unpack(path, Path(work), names)
        yield Path(work)


def netex(path: Path) -> SourceError:
    """Return the error about timetables in the European XML, which are not read."""
    return SourceError(
        "It holds XML alone, as NeTEx does; timetables are read from GTFS.",
        file=path,
        mend="Take the GTFS of the same network, which transport.data.gouv.fr lists beside it, or "
        "convert the file.",
    )


def inner_folder(path: Path) -> Path:
    """Return the one folder under ``path`` that holds ``stop_times.txt``."""
    calls = "stop_times.txt"
    if any(p.name.lower() == calls for p in path.iterdir()):
        inner = [
            p for p in path.glob("*/*") if p.suffix.lower() == ".txt" and (path / p.name).exists()
        ]
        if inner:
            raise two_feeds(path, str(inner[0].relative_to(path)))
        return path
    # Feeds are often packed with the folder they lay in.
    found = sorted(p.parent for p in path.glob("*/*") if p.name.lower() == calls)
    if len(found) > 1:
        raise two_feeds(path, str(found[1].relative_to(path)))
    return found[0] if found else path


def two_feeds(path: Path, other: str) -> SourceError:
    """Return the error of a file that holds a second feed, beside or below the first."""
    return SourceError(
        "It holds more than one feed: {other} stands beside another one.",
        file=path,
        mend="Name each feed's own folder or zip under gtfs.",
        other=other,
    )


def _unpack(path: Path, work: Path, names: Sequence[str]) -> None:
    """Unpack the feed's tables, refusing names and sizes that no feed has."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive, names)
            for name, member in members.items():
                with archive.open(member) as source, (work / name).open("wb") as target:
                    _copy(path, source, target, member)
    except BROKEN as error:
        if isinstance(error, MobilityError) or getattr(error, "errno", None) in STORAGE:
            raise
        raise SourceError(
            "It is no readable zip.",
            file=path,
            mend="Download it again; a timetable is a GTFS zip or a folder of its text files.",
        ) from None


def _members(
    path: Path, archive: zipfile.ZipFile, names: Sequence[str]
) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a zip that hold the tables ``names`` or zones, by base name."""
    members: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for member in archive.infolist():
        name = PurePosixPath(member.filename.replace("\\", "/"))
        # A colon is a drive of Windows.
        if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
            raise SourceError(
                "The zip holds a file that would be written outside its folder.",
                file=path,
                value=member.filename,
                mend="Do not use this file; ask its publisher for a clean one.",
            )
        own = name.name.lower()
        if not (own.endswith(".txt") and own.removesuffix(".txt") in names) and own != ZONES:
            continue
        # macOS packs a shadow of every file beside it.
        if "__MACOSX" in name.parts:
            continue
        if own in members:
            raise two_feeds(path, str(name))
        members[own] = member
        total += member.file_size
    # Some portals pack the zip they were given once more.
    inner = next((m.filename for m in archive.infolist() if m.filename.endswith(".zip")), None)
    if inner is not None and "stop_times" in names and "stop_times.txt" not in members:
        raise SourceError(
            "It is a zip that holds another zip, {inner}.",
            file=path,
            mend="Take {inner} out of it and name that file under gtfs.",
            inner=inner,
        )
    if total > _MAX_BYTES:
        raise _too_large(path, total)
    return members


def allowed_bytes(member: zipfile.ZipInfo) -> int:
    """Return the most bytes that may come out of a member of a zip."""
    return max(_RATIO_FREE_BYTES, _MAX_RATIO * max(member.compress_size, 1))


def _copy(path: Path, source: object, target: object, member: zipfile.ZipInfo) -> None:
    """Copy one member, counting what really comes out of it."""
    allowed = allowed_bytes(member)
    written = 0
    while block := source.read(1 << 20):  # type: ignore[attr-defined]
        written += len(block)
        if written > allowed:
            raise _too_large(path, written)
        target.write(block)  # type: ignore[attr-defined]


def _too_large(path: Path, size: int) -> SourceError:
    return SourceError(
        "The zip unpacks to more than {size} MB, which no timetable of its kind needs.",
        file=path,
        mend="Do not use this file; if it is sound, unpack it and name the folder instead.",
        size=size // 10**6,
    )


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
