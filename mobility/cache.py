"""A cache of prepared tables, keyed by content: same bytes and parameters, same entry.

An entry is a folder of plain arrays (``.npz``) and tables (Feather), written whole beside
its place and then renamed, so that a reader never sees half of one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

FORMAT = 1
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
        return found
    bundle = dict(compute())
    _store(place, bundle)
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


def clear_cache() -> int:
    """Delete every entry; return how many bytes were freed."""
    base = cache_dir()
    freed = sum(p.stat().st_size for p in base.rglob("*") if p.is_file()) if base.is_dir() else 0
    shutil.rmtree(base, ignore_errors=True)
    return freed
