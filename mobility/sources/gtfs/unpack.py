"""Open a GTFS zip or folder safely: names and sizes that no feed has are refused."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mobility.base.errors import MobilityError, SourceError, SourceNotFoundError
from mobility.base.files import STORAGE

BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError)
"""What a damaged zip gives rise to: an offset below zero is an OSError of seeking."""
_MAX_BYTES = 8 * 2**30
_MAX_RATIO = 150
_RATIO_FREE_BYTES = 50 * 2**20
"""A table under this size may be packed as tightly as it likes."""
ZONES = "locations.geojson"


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
    with tempfile.TemporaryDirectory(prefix="mobility-gtfs-") as work:
        _unpack(path, Path(work), names)
        yield Path(work)


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
        if "__MACOSX" in name.parts:
            continue
        if own in members:
            raise two_feeds(path, str(name))
        members[own] = member
        total += member.file_size
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


__all__ = ["BROKEN", "ZONES", "allowed_bytes", "feed_folder", "inner_folder", "two_feeds"]
