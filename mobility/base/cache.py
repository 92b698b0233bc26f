"""A cache of prepared tables, keyed by content: same bytes and parameters, same entry.

An entry is a folder of plain arrays (``.npz``) and tables (Feather), written whole beside
its place and then renamed, so that a reader never sees half of one. Downloads are kept
beside them (`mobility.sources.download`). Past a limit, what was used longest ago goes.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

FORMAT = 1
LIMIT_MB = 10_000
"""Most megabytes kept, unless ``MOBILITY_CACHE_MB`` says otherwise."""
Item = np.ndarray | pd.DataFrame
Bundle = Mapping[str, Item]


def cache_dir() -> Path:
    """Return the user's cache folder: ``MOBILITY_CACHE_DIR``, else the platform's own."""
    own = os.environ.get("MOBILITY_CACHE_DIR")
    if own:
        return Path(own)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "mobility-shift"


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, or of all files of a folder with their names."""
    path = Path(path)
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def content_hash(parts: Iterable[object]) -> str:
    """Return the SHA-256 of paths' contents, arrays and plain parameters, in order.

    Raises
    ------
    TypeError
        A part is neither a path, an array, bytes, a plain value nor a tuple of these.
    """
    digest = hashlib.sha256()
    for part in parts:
        kind, data = type(part).__name__, _part_bytes(part)
        digest.update(f"{kind}:{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def _part_bytes(part: object) -> bytes:
    if isinstance(part, Path):
        return file_hash(part).encode()
    if isinstance(part, np.ndarray):
        head = f"{part.dtype.str}{part.shape}".encode()
        return head + hashlib.sha256(np.ascontiguousarray(part).tobytes()).digest()
    if isinstance(part, bytes):
        return part
    if isinstance(part, tuple | list):
        return content_hash(part).encode()
    if part is None or isinstance(part, str | bool | int | float):
        return repr(part).encode()
    raise TypeError(f"no stable hash for {type(part).__name__}")


def cached(kind: str, key: Iterable[object], compute: Callable[[], Bundle]) -> Bundle:
    """Return the entry of ``key``, computing and storing it the first time.

    Parameters
    ----------
    kind
        Short name of what is stored; a sub-folder of the cache.
    key
        Everything the result depends on, see `content_hash`: sources as `Path` (hashed by
        content), arrays, parameters, and the version of the code's own format.
    compute
        Makes the entry: arrays without objects, DataFrames, GeoDataFrames.

    Returns
    -------
    dict
        The arrays and tables, equal to what ``compute`` returned. A cache that cannot be
        written is passed over; an entry that cannot be read is made again.
    """
    place = cache_dir() / kind / content_hash([FORMAT, kind, *key])
    found = _load(place)
    if found is not None:
        mark_used(place)
        return found
    bundle = dict(compute())
    _store(place, bundle)
    trim_cache(keep=place)
    return bundle


def _load(place: Path) -> Bundle | None:
    if not (place / "complete").is_file():
        return None
    try:
        bundle: dict[str, Item] = {}
        with np.load(place / "arrays.npz", allow_pickle=False) as arrays:
            bundle |= {name: arrays[name] for name in arrays.files}
        for file in sorted(place.glob("*.feather")):
            name, _, geo = file.name.removesuffix(".feather").partition("@")
            bundle[name] = _read_table(file, geo=bool(geo))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        shutil.rmtree(place, ignore_errors=True)
        return None
    return bundle


def _read_table(file: Path, *, geo: bool) -> pd.DataFrame:
    if not geo:
        return pd.read_feather(file)
    import geopandas as gpd

    table: pd.DataFrame = gpd.read_feather(file)
    return table


def _store(place: Path, bundle: Bundle) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    except OSError:
        return
    try:
        arrays = {k: v for k, v in bundle.items() if isinstance(v, np.ndarray)}
        np.savez(work / "arrays.npz", allow_pickle=False, **arrays)
        for name, table in bundle.items():
            if isinstance(table, pd.DataFrame):
                geo = "@geo" if hasattr(table, "geometry") else ""
                table.to_feather(work / f"{name}{geo}.feather", compression="lz4")
        (work / "complete").touch()
        work.rename(place)
    except OSError:
        shutil.rmtree(work, ignore_errors=True)


@dataclass(frozen=True)
class Entry:
    """One thing the cache holds: a folder or a file, its kind, its bytes, its last use."""

    path: Path
    kind: str
    size: int
    used: float


def mark_used(path: Path) -> None:
    """Note that an entry has just been of use."""
    with suppress(OSError):
        os.utime(path)


def cache_entries() -> list[Entry]:
    """Return what the cache holds, what was used longest ago first."""
    base = cache_dir()
    if not base.is_dir():
        return []
    found = []
    for kind in sorted(p for p in base.iterdir() if p.is_dir()):
        # Downloads are single files, prepared tables a folder each.
        content = kind / "content"
        folders = [kind, content] if content.is_dir() else [kind]
        for path in (p for folder in folders for p in folder.iterdir() if p != content):
            with suppress(OSError):
                files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
                # A content with two names takes its room once.
                size = sum(f.stat().st_size // f.stat().st_nlink for f in files)
                found.append(Entry(path, kind.name, size, path.stat().st_mtime))
    return sorted(found, key=lambda e: (e.used, str(e.path)))


def cache_limit() -> int:
    """Return the most bytes the cache may hold; ``MOBILITY_CACHE_MB`` in megabytes, else 10 GB."""
    text = os.environ.get("MOBILITY_CACHE_MB", "")
    return (int(text) if text.isdigit() else LIMIT_MB) * 1_000_000


def trim_cache(*, keep: Path | None = None) -> int:
    """Delete what was used longest ago until the cache is within its limit.

    Parameters
    ----------
    keep
        An entry just written or used: it stays, with all that was used since.

    Returns
    -------
    int
        Bytes freed.
    """
    entries = cache_entries()
    over = sum(entry.size for entry in entries) - cache_limit()
    recent = math.inf
    with suppress(OSError):
        recent = keep.stat().st_mtime if keep is not None else math.inf
    freed = 0
    for entry in entries:
        if freed >= over or entry.used >= recent:
            break
        _delete(entry.path)
        freed += entry.size
    return freed


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def clear_cache() -> int:
    """Delete every entry; return how many bytes were freed."""
    freed = sum(entry.size for entry in cache_entries())
    shutil.rmtree(cache_dir(), ignore_errors=True)
    return freed
