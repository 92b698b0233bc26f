"""A cache of prepared tables, keyed by content: same bytes and parameters, same entry.

An entry is a folder of plain arrays (``.npz``) and tables (Feather), written whole beside
its place and then renamed, so that a reader never sees half of one, and sealed: a damaged one is
noticed and made again. Downloads are kept beside them (`mobility.sources.download`). Past a limit,
what was used longest ago goes; what the cache did not write stays.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import platformdirs

if TYPE_CHECKING:
    import pandas as pd

# Raised when entries are written another way: those of before are then not found.
FORMAT = 1
#: Most megabytes kept, unless ``MOBILITY_CACHE_MB`` says otherwise.
LIMIT_MB = 10_000
#: Sub-folders of the cache.
_KINDS = (
    "answers", "checks", "demo", "downloads", "drives", "failures", "gtfs", "holidays", "lines",
    "pages", "results", "streets", "walks",
)  # fmt: skip
_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder is a cache of mobility-shift, see https://bford.info/cachedir/\n"
)
_MARK, SEAL = "CACHEDIR.TAG", "complete"
_ANSWER = re.compile(r"\w[\w.%+,@~-]*\.(json|geojson|csv|osm|pbf)|\.part-.+")
#: Endings of the files that are the software's own code.
_CODE = ("po", "py", "toml")
#: Libraries another version of which may give another result.
_LIBRARIES = {
    "astral", "babel", "geopandas", "holidays", "jinja2", "networkx", "numba", "numpy",
    "opening_hours_py", "osmium", "osmnx", "pandas", "partridge", "pyarrow", "pyogrio", "pyproj",
    "pyvrp", "scipy", "shapely", "vacances_scolaires_france",
}  # fmt: skip
_NAME = re.compile(
    r"[0-9a-f]{64}(\.json|\.part|\.part\.json)?|\.new-\w+|\.part-.+|failure-[\d-]+\.txt"
)
#: Bytes written since the cache was trimmed; at the start nobody knows.
_grown = math.inf
if TYPE_CHECKING:
    _Item = np.ndarray | pd.DataFrame
    Bundle = Mapping[str, _Item]
else:
    # Tables load their library when there are some.
    Bundle = Mapping


def cache_dir() -> Path:
    """Return the software's own cache folder, below ``MOBILITY_CACHE_DIR`` where that is set."""
    own = os.environ.get("MOBILITY_CACHE_DIR")
    if own:
        return Path(own) / "mobility-shift"
    return platformdirs.user_cache_path("mobility-shift", appauthor=False)


def open_cache(kind: str, base: Path | None = None) -> Path:
    """Return the folder of one of `_KINDS` of entries, made and marked as a cache's."""
    if kind not in _KINDS:
        raise ValueError(f"{kind}: the cache would never delete it")
    base = cache_dir() if base is None else base
    folder = base / kind
    folder.mkdir(parents=True, exist_ok=True)
    if not (base / _MARK).is_file():
        (base / _MARK).write_text(_TAG, encoding="utf-8")
    return folder


@cache
def code_hash() -> str:
    """Return a hash of the software's own code: what another version found holds no longer.

    Its factors and its texts count as code: answers are kept as they are printed.
    """
    package = Path(__file__).parents[1]
    return content_hash(sorted(f for kind in _CODE for f in package.rglob(f"*.{kind}")))


@cache
def libraries() -> tuple[str, ...]:
    """Return the installed versions of the libraries that results follow from, as ``numpy-2.4.6``.

    Read off the folders that pip leaves, in a millisecond: to read what they hold takes forty.
    """
    found = set()
    for place in filter(os.path.isdir, sys.path):
        for entry in os.scandir(place):
            name, _, version = entry.name.removesuffix(".dist-info").partition("-")
            if entry.name.endswith(".dist-info") and name.lower().replace(".", "_") in _LIBRARIES:
                found.add(f"{name}-{version}")
    return tuple(sorted(found))


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
    """Return the SHA-256 of paths' contents, arrays, tables and plain parameters, in order.

    Raises
    ------
    TypeError
        A part is neither a path, an array, a table, bytes, a plain value nor a tuple of these.
    """
    digest = hashlib.sha256()
    for part in parts:
        kind, data = type(part).__name__, _part_bytes(part)
        # Kind and length come first, so that no two lists of parts run together to the same bytes.
        digest.update(f"{kind}:{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def _part_bytes(part: object) -> bytes:
    if isinstance(part, Path):
        return file_hash(part).encode()
    if isinstance(part, np.ndarray):
        head = f"{part.dtype.str}{part.shape}".encode()
        return head + hashlib.sha256(np.ascontiguousarray(part).tobytes()).digest()
    if _is_table(part):
        return _table_hash(part)
    if isinstance(part, bytes):
        return part
    if isinstance(part, tuple | list):
        return content_hash(part).encode()
    if part is None or isinstance(part, str | bool | int | float):
        return repr(part).encode()
    raise TypeError(f"no stable hash for {type(part).__name__}")


def _is_table(item: object) -> TypeGuard[pd.DataFrame]:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(item, pandas.DataFrame)


def _table_hash(table: pd.DataFrame) -> bytes:
    """Return a hash of a table; the same content in other memory may have another one."""
    import pyarrow as pa

    columns = pa.Table.from_pandas(table, preserve_index=False).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, columns.schema) as stream:
        stream.write_table(columns)
    return hashlib.sha256(sink.getvalue()).digest()


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
    place = place_of(kind, key)
    found = kept(place)
    return keep(place, dict(compute())) if found is None else found


def place_of(kind: str, key: Iterable[object]) -> Path:
    """Return where the entry of ``key`` is kept, see `cached`.

    What another version of a library made of it is not found.
    """
    return cache_dir() / kind / content_hash([FORMAT, *libraries(), kind, *key])


def kept(place: Path) -> Bundle | None:
    """Return the entry at `place_of` a key, None where there is none that can be read."""
    found = _load(place)
    if found is not None:
        mark_used(place)
    return found


def keep(place: Path, bundle: Bundle) -> Bundle:
    """Store an entry at `place_of` its key, and return it."""
    _store(place, bundle)
    _trim_sometimes(place)
    return bundle


def _load(place: Path) -> Bundle | None:
    if not is_sound(place):
        return None
    try:
        bundle: dict[str, _Item] = {}
        with np.load(place / "arrays.npz", allow_pickle=False) as arrays:
            bundle |= {name: arrays[name] for name in arrays.files}
        for file in sorted(place.glob("*.feather")):
            name, _, geo = file.name.removesuffix(".feather").partition("@")
            bundle[name] = _read_table(file, geo=bool(geo))
    except (OSError, ValueError):  # written by another version of a library
        return None
    return bundle


def seal(folder: Path, name: str = "") -> None:
    """Note the content of a folder that is an entry, or will be by a name, to notice damage."""
    (folder / SEAL).write_text(_digest(folder, name), encoding="ascii")


def is_sound(folder: Path) -> bool:
    """Whether an entry is all there, and unharmed."""
    try:
        return (folder / SEAL).read_bytes() == _digest(folder).encode()
    except OSError:
        return False


def _digest(folder: Path, name: str = "") -> str:
    """Return a hash of an entry's place, names and bytes; BLAKE2 is the fastest at hand."""
    whole = hashlib.blake2b((name or folder.name).encode(), digest_size=32)
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / SEAL):
        with file.open("rb") as stream:
            part = hashlib.file_digest(stream, "blake2b").digest()
        whole.update(file.relative_to(folder).as_posix().encode() + b"\0" + part)
    return whole.hexdigest()


def _read_table(file: Path, *, geo: bool) -> pd.DataFrame:
    import pandas as pd

    if not geo:
        return pd.read_feather(file)
    import geopandas as gpd
    from pyarrow import feather

    table = feather.read_table(file)
    about = json.loads(table.schema.metadata[b"geo"])
    frame = gpd.GeoDataFrame(table.to_pandas())
    for name, column in about["columns"].items():
        frame[name] = gpd.GeoSeries.from_wkb(frame[name], crs=_crs(json.dumps(column["crs"])))
    layer: pd.DataFrame = frame.set_geometry(about["primary_column"])
    return layer


@cache
def _crs(text: str) -> Any:
    """Return a coordinate system as a layer notes it; building one takes its time."""
    import pyproj

    noted = json.loads(text)
    return None if noted is None else pyproj.CRS.from_json_dict(noted)


def _store(place: Path, bundle: Bundle) -> None:
    try:
        work = open_cache(place.parent.name) / f".new-{os.urandom(8).hex()}"
        work.mkdir()
    except OSError:
        return
    try:
        arrays = {k: v for k, v in bundle.items() if isinstance(v, np.ndarray)}
        np.savez(work / "arrays.npz", **arrays)  # type: ignore[arg-type]
        for name, table in bundle.items():
            if _is_table(table):
                geo = "@geo" if hasattr(table, "geometry") else ""
                table.to_feather(work / f"{name}{geo}.feather", compression="lz4")
        # Last of all: what has no seal is never read.
        seal(work, place.name)
        if place.exists():
            shutil.rmtree(place, ignore_errors=True)
        work.rename(place)
    except OSError:
        pass  # a cache that is full or barred costs time, no result
    finally:
        if work.exists():
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
    """Return what the cache wrote and still holds, what was used longest ago first.

    Anything else in its folder is somebody's own: it is neither counted nor deleted.
    """
    found = []
    for kind in _KINDS if (cache_dir() / _MARK).is_file() else ():
        # Downloads are single files, prepared tables a folder each.
        for folder in (cache_dir() / kind, cache_dir() / kind / "content"):
            for path in folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ():
                if path.is_symlink() or not _is_own(kind, path.name):
                    continue
                with suppress(OSError):
                    files = (
                        [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
                    )
                    # A content with two names takes its room once.
                    size = sum(f.stat().st_size // f.stat().st_nlink for f in files)
                    found.append(Entry(path, kind, size, path.stat().st_mtime))
    return sorted(found, key=lambda e: (e.used, str(e.path)))


def _is_own(kind: str, name: str) -> bool:
    """Whether the cache gives such names: hashes, and for a service's answers plain words."""
    own = _ANSWER if kind == "answers" else _NAME
    return own.fullmatch(name) is not None


def cache_limit() -> int:
    """Return the most bytes the cache may hold; ``MOBILITY_CACHE_MB`` in megabytes, else 10 GB."""
    text = os.environ.get("MOBILITY_CACHE_MB", "")
    return (int(text) if text.isdigit() else LIMIT_MB) * 1_000_000


def _trim_sometimes(place: Path) -> None:
    """Trim the cache at a process's first entry, and after each hundredth part of its limit.

    Looking at all entries at each new one takes longer than most of them do.
    """
    global _grown  # noqa: PLW0603
    with suppress(OSError):
        _grown += sum(file.stat().st_size for file in place.iterdir())
    if _grown > cache_limit() / 100:
        _grown = 0.0
        trim_cache(keep=place)


def trim_cache(*, keep: Path | None = None) -> int:
    """Delete what was used longest ago until the cache is within its limit; return the bytes freed.

    An entry just written or used, ``keep``, stays, with all that was used since.
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
    """Delete every entry; return how many bytes were freed, by what is gone."""
    entries = cache_entries()
    for entry in entries:
        _delete(entry.path)
    left = sum(entry.size for entry in cache_entries())
    for folder in [cache_dir() / p for kind in _KINDS for p in (f"{kind}/content", kind)]:
        with suppress(OSError):  # something of somebody else's is there, or nothing
            folder.rmdir()
    return sum(entry.size for entry in entries) - left
