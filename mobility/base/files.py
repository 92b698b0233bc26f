"""Files and sets of files appear whole or not at all, whenever the process is killed.

What is written lies in a *room* first: a hidden folder on the same file system that a lock
marks as in use. A file becomes visible by one rename. So does a set of files where the system
can exchange two folders in one step: the room then holds the whole new folder, what others keep
in it included. Elsewhere a journal lets the next writer finish what a kill cut short.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobility.base.errors import STORAGE, MobilityError, SourceError, system_reason

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

if sys.platform != "win32":
    import fcntl

_MARK, _JOURNAL, _SET = ".part-mobility-", "journal.json", "set"
#: Beside a new database, SQLite would take an earlier one's for its own.
_COMPANIONS = ("-wal", "-shm", "-journal")
#: Where no lock can be asked (Windows), a room so old was left by a killed writer.
_AGE_S = 86_400.0
#: With fewer bytes left a disk counts as full: not every driver says why it failed.
_FULL = 1 << 20


@contextmanager
def writing(path: str | Path, *, reads: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block ends without an error.

    The temporary path bears the final file name, so that a driver choosing its format by
    suffix, and the companions it writes beside (``.gpkg-wal``), both work. After an error the
    room is removed and an earlier ``path`` is untouched.

    Parameters
    ----------
    path
        The file, or the folder, to write. Missing parent folders are made.
    reads
        Files that ``path`` may not be: those the same command reads.

    Raises
    ------
    SourceError
        The folder cannot be written to, or the file is one of ``reads``.
    """
    path = Path(path)
    refuse_inputs([path], reads)
    with _room(path.parent, path) as room:
        part = room / path.name
        with _naming(path):
            yield part
        try:
            _sync(part)
            if part.is_dir() and path.is_dir():
                path.replace(room / "old")
            part.replace(path)
        except OSError as error:
            raise unwritable(error, path) from None


def check_suffix(path: Path, *known: str) -> str:
    """Return how the name of a file to be written ends, in small letters.

    Raises
    ------
    SourceError
        In none of ``known``.
    """
    suffix = path.suffix.lower()
    if suffix not in known:
        raise SourceError(
            "No file of this kind is written here.",
            file=path,
            mend="End its name in one of: {known}.",
            known=", ".join(known),
        )
    return suffix


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing.

    Raises
    ------
    SourceError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error, folder) from None


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write ``data`` to ``path``, all of it or nothing."""
    with writing(path) as part:
        part.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8, line ends as given, all of it or nothing."""
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def staging(
    folder: str | Path, *, reads: Iterable[Path] = (), gone: Collection[str] = ()
) -> Iterator[Path]:
    """Yield a temporary folder whose files become those of ``folder`` when the block ends well.

    They appear together: killed at any moment, ``folder`` holds all of the earlier files or all
    of the new ones. Files of ``folder`` that the block did not write stay as they are. After an
    error ``folder`` is untouched.

    Parameters
    ----------
    folder
        Made where it is missing.
    reads
        Files that the set may not overwrite: those the same command reads.
    gone
        Names below ``folder`` that leave it with the earlier set; the block may still add some.

    Raises
    ------
    SourceError
        The folder cannot be written to, or a file of the set is one of ``reads``.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not folder.is_dir():
        raise SourceError(
            "It is a file, not a folder.", file=folder, mend="Name a folder for the outputs."
        )
    if folder.is_dir() and not os.access(folder, os.W_OK):
        raise unwritable(_error(errno.EACCES), folder)
    reads = list(reads)
    inside = folder.is_dir() and (folder.is_mount() or not os.access(folder.parent, os.W_OK))
    if folder.is_dir():
        _clear(folder)
    with _room(folder if inside else folder.parent, folder) as room:
        new = room / _SET
        with _naming(folder):
            new.mkdir()
            if folder.is_dir() and sys.platform != "win32":
                # Files of a shared folder take its group.
                with suppress(OSError):
                    _dress(folder, new)
            yield new
        names = sorted(p.relative_to(new).as_posix() for p in new.rglob("*") if p.is_file())
        refuse_inputs((folder / name for name in names), reads)
        try:
            _commit(room, folder, names, set(gone), inside=inside)
        except OSError as error:
            raise unwritable(error, folder) from None


def refuse_inputs(outputs: Iterable[Path], reads: Iterable[Path]) -> None:
    """Raise when an output would overwrite a file that is read.

    Raises
    ------
    SourceError
        Names the output.
    """
    reads = [path for path in reads if path.is_file()]
    for path in outputs:
        if path.is_file() and any(path.samefile(read) for read in reads):
            raise SourceError(
                "It is read by the same command, which would overwrite it.",
                file=path,
                mend="Choose another folder or file for the outputs.",
            )


def unwritable(error: OSError, place: str | Path) -> SourceError:
    """Return what is told of an error of the system about a file or a folder."""
    return SourceError(
        "It cannot be written: {reason}.",
        file=without_room(Path(place)),
        mend="Choose a folder you may write to, close the file elsewhere, or free some space.",
        reason=system_reason(error),
    )


def without_room(path: Path) -> Path:
    """Return a path as a user knows it: of one in a room, what follows the room."""
    rooms = [k for k, part in enumerate(path.parts) if part.startswith(_MARK)]
    return Path(*path.parts[rooms[0] + 2 :]) if rooms else path


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """Turn what stops the writing of ``place`` into an error that names it.

    Drivers have errors of their own for a full disk; that it is full, the disk tells.
    """
    try:
        yield
    except MobilityError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in STORAGE:
            raise unwritable(error, error.filename or place) from None
        with suppress(OSError):
            if shutil.disk_usage(_existing(place)).free < _FULL:
                raise unwritable(_error(errno.ENOSPC), place) from None
        raise


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _existing(place: Path) -> Path:
    return next(p for p in (place, *place.absolute().parents) if p.exists())


@contextmanager
def _room(parent: Path, target: Path) -> Iterator[Path]:
    """Yield a locked room in ``parent``; what killed writers left there is cleared first."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _clear(parent)
        room, lock = _taken(parent, f"{_MARK}{target.name[:40]}-")
    except OSError as error:
        raise unwritable(error, target) from None
    try:
        yield room
    finally:
        # What was interrupted after its decision is brought to its end, here or by the next writer.
        with suppress(OSError):
            _finish(room)
        if lock is not None:
            os.close(lock)


def _taken(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """Return a new room and its lock, which the system opens even after a SIGKILL."""
    while True:
        room = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        if sys.platform == "win32":
            return room, None
        lock = os.open(room, os.O_RDONLY)
        with suppress(OSError):  # a network drive without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if room.is_dir():
            return room, lock
        # Another writer took it for a remain before it was locked.
        os.close(lock)


def _clear(parent: Path) -> None:
    """Finish or remove what killed writers left in a folder."""
    for room in parent.glob(f"{_MARK}*"):
        with suppress(OSError, ValueError, TypeError, KeyError):
            state = room.lstat()
            if sys.platform == "win32":
                if time.time() - state.st_mtime > _AGE_S:
                    _finish(room)
            elif stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid():
                lock = os.open(room, os.O_RDONLY)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _finish(room)
                finally:
                    os.close(lock)


def _commit(room: Path, folder: Path, names: list[str], gone: set[str], *, inside: bool) -> None:
    """Let the new set take its place: the decision is the journal's, or the exchange itself."""
    new = room / _SET
    for name in names:
        _sync(new / name)
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    gone |= {f"{name}{end}" for name in names if name.endswith(".gpkg") for end in _COMPANIONS}
    plan: dict[str, Any] = {
        "folder": "" if inside else folder.name,
        "inode": new.stat().st_ino,
        "names": names,
        "gone": sorted(gone - set(names)),
    }
    if not folder.exists():
        new.rename(folder)
    elif inside or not _exchanged(room, folder, plan):
        _note(room, plan | {"exchange": False})
    _finish(room)


def _exchanged(room: Path, folder: Path, plan: dict[str, Any]) -> bool:
    """Whether the folder could be replaced at once, by a new one with all that others keep in it.

    Not where someone works in it: a shell would find itself in a folder that is no more.
    """
    if sys.platform != "linux" or _is_stood_in(folder):
        return False
    new = room / _SET
    try:
        _adopt(folder, new, skip={*plan["names"], *plan["gone"]})
        _note(room, plan | {"exchange": True})
        call = ctypes.CDLL(None, use_errno=True).renameat2
        at_cwd, exchange = -100, 2
        if call(at_cwd, os.fsencode(new), at_cwd, os.fsencode(folder), exchange):
            return False
    except (OSError, AttributeError):
        return False
    return True


def _adopt(source: Path, target: Path, *, skip: Collection[str], base: str = "") -> None:
    """Give ``target`` the files, the rights and the owner of ``source``, as links: no copy."""
    for entry in os.scandir(source):
        name, place = f"{base}{entry.name}", target / entry.name
        if entry.is_dir(follow_symlinks=False):
            place.mkdir(exist_ok=True)
            _adopt(Path(entry.path), place, skip=skip, base=f"{name}/")
        elif name not in skip:
            os.link(entry.path, place, follow_symlinks=False)
    _dress(source, target)


def _dress(source: Path, target: Path) -> None:
    """Give a folder the owner and the rights of another."""
    owner, own = source.stat(), target.stat()
    if (owner.st_uid, owner.st_gid) != (own.st_uid, own.st_gid):
        os.chown(target, owner.st_uid, owner.st_gid)
    shutil.copystat(source, target)


def _is_stood_in(folder: Path) -> bool:
    """Whether the working folder of any process that can be seen is this one, or one below."""
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink().is_relative_to(folder):
                return True
    return False


def _note(room: Path, plan: dict[str, Any]) -> None:
    (room / "journal.new").write_text(json.dumps(plan), encoding="utf-8")
    _sync(room / "journal.new")
    (room / "journal.new").replace(room / _JOURNAL)


def _finish(room: Path) -> None:
    """Bring a room to its end: nothing decided, all goes; decided, the set is completed."""
    new, plan = room / _SET, read_json(room / _JOURNAL)
    if plan is not None and new.is_dir():
        folder = room.parent / Path(plan["folder"]).name
        if not plan["exchange"]:
            _move(new, folder, plan["names"])
            for name in plan["gone"]:
                _inside(folder, name).unlink(missing_ok=True)
        elif new.stat().st_ino != plan["inode"]:
            # What is here now is the earlier set; what others did in it meanwhile stays.
            found = [p.relative_to(new).as_posix() for p in new.rglob("*") if not p.is_dir()]
            own = {*plan["names"], *plan["gone"]}
            _move(
                new, folder, [n for n in found if n not in own and _is_newer(new / n, folder / n)]
            )
    shutil.rmtree(room, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object that a file holds, None where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def json_text(value: object) -> str:
    """Return a value as JSON, the same bytes each time."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _is_newer(one: Path, other: Path) -> bool:
    if not os.path.lexists(other):
        return True
    return one.lstat().st_mtime_ns > other.lstat().st_mtime_ns


def _move(source: Path, folder: Path, names: Iterable[str]) -> None:
    for name in names:
        if os.path.lexists(source / name):
            place = _inside(folder, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            (source / name).replace(place)


def _inside(folder: Path, name: str) -> Path:
    """Return a path that a journal, which someone may have made up, names below a folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(name)
    return path


def _sync(path: Path) -> None:
    if path.is_file():
        with path.open("rb+") as handle:
            os.fsync(handle.fileno())


def write_gpkg(path: str | Path, layers: Iterable[tuple[str, GeoDataFrame]]) -> None:
    """Write layers, by name, as a GeoPackage; the same layers give the same bytes."""
    import pyogrio

    # A GeoPackage holds the time of its last change.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00Z"})
    for name, frame in layers:
        try:
            # Version 1.2 is read without a warning by the QGIS of older distributions too.
            frame.to_file(
                path,
                layer=name,
                driver="GPKG",
                engine="pyogrio",
                use_arrow=True,
                dataset_options={"VERSION": "1.2"},
            )
        except pyogrio.errors.FieldError:
            raise SourceError(
                "The layer {layer} has {count} columns, more than a GeoPackage can hold.",
                file=path,
                mend="Study fewer sites at a time; of a run, Parquet holds the same: set "
                "geopackage = false under [output].",
                layer=name,
                count=len(frame.columns),
            ) from None
        except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError):
            # The driver does not say what stopped it: a limit of the disk, of files, of a quota.
            raise unwritable(OSError(errno.EIO, os.strerror(errno.EIO)), path) from None
