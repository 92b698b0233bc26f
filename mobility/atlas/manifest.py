"""The manifest of a unit, written last: by it a later command knows that nothing is left to do.

It holds the digests of the files a unit reads, of its parameters, of the software and of what it
wrote. A file is taken as it was when the system has not touched it since the manifest was
written; else its bytes are compared. So a resume opens no source.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mobility.atlas.folder import MANIFEST, Atlas, read_json
from mobility.base.cache import code_hash, content_hash, file_hash
from mobility.base.version import __version__
from mobility.sources.homes.model import Homes
from mobility.territory.project import Territory
from mobility.territory.source_files import source_files

#: Path below the atlas → SHA-256; None for what has no digest, as the secret of a protection.
Digests = dict[str, str | None]
Stamps = dict[Path, list[tuple[int, int, int]]]


def is_done(atlas: Atlas, unit: str) -> bool:
    """Whether a unit's results are those of its files and of this software."""
    path = atlas.run(unit) / MANIFEST
    found = read_json(path)
    if found is None or found.get("software") != software() or not is_whole(atlas, unit):
        return False
    written_ns, inputs = path.stat().st_mtime_ns, found.get("inputs", {})
    unsure = [name for name in inputs if not _is_untouched(atlas.folder / name, written_ns)]
    same = all(inputs[name] and _hash(atlas.folder / name) == inputs[name] for name in unsure)
    if same and unsure:
        with suppress(OSError):  # their bytes are compared once
            path.touch()
    return same


def is_whole(atlas: Atlas, unit: str, names: Iterable[str] = ()) -> bool:
    """Whether files that a unit wrote, all by default, are still there and of the same size."""
    found = read_json(atlas.run(unit) / MANIFEST) or {}
    try:
        return all(
            (atlas.run(unit) / name).stat().st_size == found["outputs"][name]["bytes"]
            for name in names or found["outputs"]
        )
    except (OSError, KeyError, TypeError, AttributeError):
        return False


def software() -> dict[str, str]:
    """Return what tells one version of the software from another."""
    return {"mobility": __version__, "code": code_hash()}


def inputs_of(atlas: Atlas, unit: str, territory: Territory) -> list[Path]:
    """Return the files and folders a unit reads."""
    out = territory.resolve(territory.output.dir).resolve()
    named = {path.resolve() for path in (atlas.file(unit), *source_files(territory))}
    named |= {territory.base.resolve()} if territory.base else set()
    return sorted(path for path in named if path != out and path.exists())


def stamps(paths: Iterable[Path]) -> Stamps:
    """Return size and times of files, so that one changed while it was read is noticed."""
    return {path: [_stamp(file) for file in _files(path)] for path in paths}


def manifest(
    atlas: Atlas, unit: str, territory: Territory, homes: Homes, outputs: Iterable[str]
) -> dict[str, Any]:
    """Return the manifest of a unit that has just been computed."""
    folder = atlas.run(unit)
    secret = territory.sources.homes.secret
    inputs: Digests = {}
    for path in inputs_of(atlas, unit, territory):
        name = Path(os.path.relpath(path, atlas.folder)).as_posix()
        if secret is not None and path == territory.resolve(secret).resolve():
            inputs[name] = None
        elif homes.personal and path == territory.resolve(territory.sources.homes.file).resolve():
            # A digest of the file itself would tell whether a guess of its rows is right.
            inputs[name] = homes.hash()
        else:
            inputs[name] = file_hash(path)
    return {
        "unit": unit,
        "software": software(),
        "parameters": content_hash([territory.model_dump_json()]),
        "inputs": inputs,
        "outputs": {
            name: {"bytes": (folder / name).stat().st_size, "sha256": file_hash(folder / name)}
            for name in sorted(outputs)
        },
    }


def _files(path: Path) -> Iterator[Path]:
    return iter(sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path])


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_untouched(path: Path, written_ns: int) -> bool:
    if not path.exists():
        return False
    folders = [path, *(p for p in path.rglob("*") if p.is_dir())] if path.is_dir() else []
    # A copy that keeps the time of its original has a new time of change all the same.
    return max(max(_stamp(file)[1:]) for file in (*_files(path), *folders)) < written_ns


def _hash(path: Path) -> str:
    return file_hash(path) if path.exists() else ""
