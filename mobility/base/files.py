"""Files are written whole, then renamed: no reader ever meets a half-written one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mobility.base.errors import SourceError

_MARK = ".part-"


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block ends without an error.

    The temporary path lies in a hidden sibling folder, on the same file system, and bears
    the final file name, so that a driver choosing its format by suffix, and the companions
    it writes beside (``.gpkg-wal``), both work. After an error the folder is removed and an
    earlier ``path`` is untouched.

    Parameters
    ----------
    path
        The file, or the folder, to write. Missing parent folders are made.

    Raises
    ------
    SourceError
        The folder cannot be written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=f"{_MARK}{path.name[:40]}-", dir=path.parent))
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        part = room / path.name
        yield part
        _replace(part, path)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _replace(part: Path, path: Path) -> None:
    """Rename ``part`` to ``path``; a folder takes the place of an earlier folder."""
    if part.is_file():
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
    try:
        if part.is_dir() and path.is_dir():
            old = part.parent / "old"
            path.replace(old)
        part.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> SourceError:
    return SourceError(
        "It cannot be written: {reason}.",
        file=path,
        mend="Choose a folder you may write to, close the file elsewhere, or free some space.",
        reason=error.strerror or type(error).__name__,
    )


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write ``data`` to ``path``, all of it or nothing."""
    with writing(path) as part:
        part.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8, line ends as given, all of it or nothing."""
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def staging(folder: str | Path) -> Iterator[Path]:
    """Yield a temporary folder whose files move into ``folder`` when the block ends well.

    Files of ``folder`` that the block did not write stay as they are. After an error
    ``folder`` is untouched.

    Raises
    ------
    SourceError
        The folder cannot be written to.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise SourceError(
            "It is a file, not a folder.", file=folder, mend="Name a folder for the outputs."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=_MARK, dir=folder))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield room
        for part in sorted(p for p in room.rglob("*") if p.is_file()):
            path = folder / part.relative_to(room)
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(part, path)
    finally:
        shutil.rmtree(room, ignore_errors=True)
