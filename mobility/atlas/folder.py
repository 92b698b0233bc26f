"""The folder of an atlas: where each territory's inputs, runs and tables lie, and what is done.

The manifest of a unit is written last: by it a later command knows that nothing is left to do. It
holds the digests of the files a unit reads, of its parameters, of the software and of what it
wrote. A file is taken as it was when the system has not touched it since the manifest was
written; else its bytes are compared. So a resume opens no source.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobility.base import __version__
from mobility.base.cache import code_hash, content_hash, file_hash
from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.base.files import read_json
from mobility.territory.project import Territory, source_files

if TYPE_CHECKING:
    import shapely

    from mobility.sources.homes.model import Homes

PREFIX = "ti="
#: An identifier is a name of a folder, on any system.
_ID = re.compile(r"\w[\w.+-]{0,80}")
MANIFEST, FAILURE, FIGURES, SHIFTS = (
    "manifest.json",
    "failure.json",
    "territory.json",
    "shifts.parquet",
)
#: In the inputs of a unit: the territory's outline, where there is one.
OUTLINE = "territory.geojson"
#: Kinds of roster by which a territory is told, whatever its plants call theirs.
KINDS = ("3x8", "night", "weekend", "2x8", "day")
#: Employer of a site that is assumed, so that each page says it.
ASSUMED = "assumed: industrial land, rosters 3x8, 2x8 and day"
#: Of the whole atlas: territories asked for that could not be prepared, and why.
MISSING = "missing.json"
#: Path below the atlas → SHA-256; None for what has no digest, as the secret of a protection.
_Digests = dict[str, str | None]
_Stamps = dict[Path, list[tuple[int, int, int]]]


def is_id(text: str) -> bool:
    """Whether a text may be the identifier of a territory."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Atlas:
    """An atlas, by its folder.

    ``inputs/ti=ID`` holds a territory file and its sources, ``runs/ti=ID`` what was found,
    ``national`` the tables of them all.
    """

    folder: Path

    @classmethod
    def at(cls, folder: str | Path) -> Atlas:
        """Return the atlas in a folder.

        Raises
        ------
        SourceNotFoundError
            No territory is prepared there.
        """
        atlas = cls(Path(folder).resolve())
        if not atlas.units:
            raise SourceNotFoundError(
                "No territory is prepared in this folder.",
                file=folder,
                mend="Prepare it with: mobility atlas prepare; or put each territory's file at "
                "inputs/ti=ID/territory.toml.",
            )
        return atlas

    @property
    def units(self) -> list[str]:
        """The identifiers of the territories, sorted."""
        found = (self.folder / "inputs").glob(f"{PREFIX}*/territory.toml")
        return sorted(
            name for name in (p.parent.name.removeprefix(PREFIX) for p in found) if is_id(name)
        )

    @property
    def national(self) -> Path:
        """The folder of the national tables."""
        return self.folder / "national"

    def file(self, unit: str) -> Path:
        """Return the territory file of a unit."""
        return self.folder / "inputs" / f"{PREFIX}{unit}" / "territory.toml"

    def run(self, unit: str) -> Path:
        """Return the folder of a unit's results."""
        return self.folder / "runs" / f"{PREFIX}{unit}"

    def chosen(self, only: Collection[str] = ()) -> list[str]:
        """Return some units, all when none is named.

        Raises
        ------
        SourceError
            There is no such unit.
        """
        units = self.units
        for unit in only:
            if unit not in units:
                near = get_close_matches(unit, units, n=5, cutoff=0.4) or units[:5]
                raise SourceError(
                    "There is no such territory in the atlas.",
                    file=self.folder,
                    value=unit,
                    mend="Choose one of: {known}.",
                    known=", ".join(near),
                )
        return [unit for unit in units if not only or unit in only]


def is_done(atlas: Atlas, unit: str) -> bool:
    """Whether a unit's results are those of its files and of this software."""
    kept = atlas.run(unit) / MANIFEST
    found = read_json(kept)
    if found is None or found.get("software") != software() or not is_whole(atlas, unit):
        return False
    written_ns, inputs = kept.stat().st_mtime_ns, found.get("inputs", {})
    unsure = [name for name in inputs if not _is_untouched(atlas.folder / name, written_ns)]
    same = all(
        inputs[name] and path.exists() and file_hash(path) == inputs[name]
        for name, path in ((name, atlas.folder / name) for name in unsure)
    )
    if same and unsure:
        with suppress(OSError):  # their bytes are compared once
            kept.touch()
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
    return sorted(path for path in named if path != out and path.exists())


def stamps(paths: Iterable[Path]) -> _Stamps:
    """Return size and times of files, so that one changed while it was read is noticed."""
    return {path: [_stamp(file) for file in _files(path)] for path in paths}


def manifest(
    atlas: Atlas, unit: str, territory: Territory, homes: Homes, outputs: Iterable[str]
) -> dict[str, Any]:
    """Return the manifest of a unit that has just been computed."""
    folder = atlas.run(unit)
    secret = territory.sources.homes.secret
    inputs: _Digests = {}
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


def drawn_outline(file: Path) -> shapely.Geometry | None:
    """Return the outline that a file draws, EPSG:4326; None where there is no such file.

    Raises
    ------
    SourceError
        It draws none.
    """
    import shapely

    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return shapely.geometry.shape(found["features"][0]["geometry"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError,
            shapely.errors.GEOSException):  # fmt: skip
        raise SourceError(
            "It is no outline of a territory.",
            file=file,
            mend="Prepare the territory again, or remove the file.",
        ) from None
