"""What a study and its scenarios gave: the files, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mobility.base.errors import MobilityError
from mobility.settings import read_territory
from mobility.studio.studies import Opened
from mobility.territory.project import source_files

#: Folder of comparisons, beside the scenarios of a study.
COMPARED = "compared"
#: Kinds of files worth taking away.
_TAKEN = {
    ".html", ".pdf", ".docx", ".xlsx", ".csv", ".gpkg", ".geojson", ".zip", ".md", ".json",
    ".parquet", ".toml",
}  # fmt: skip


def results_folder(opened: Opened, target: str) -> Path:
    """Return where the results of a study, or of a scenario, lie: always within its folder."""
    if target:
        return opened.history.path(target).with_suffix("")
    folder = opened.file.parent.resolve()
    if opened.live is not None:
        territory = opened.live.sources.territory
        named = territory.resolve(territory.output.dir).resolve()
        if named.is_relative_to(folder) and named != folder:
            return named
    return folder / "out"


def is_outdated(opened: Opened, path: Path, *own: Path) -> bool:
    """Return whether a file is of before the last change of a study's data, or of its ``own``."""
    try:
        inputs = source_files(read_territory(opened.file))
    except MobilityError:  # it cannot be read: what it gave is of before
        inputs = [opened.file]
    times = [file.stat().st_mtime_ns for file in (*inputs, *own) if file.is_file()]
    return path.is_file() and path.stat().st_mtime_ns < max(times, default=0)


def results_of(opened: Opened) -> list[dict[str, Any]]:
    """Return what there is to take away, by the study and then its scenarios.

    Returns
    -------
    list of dict
        ``id``, ``name``, ``files`` (``path`` and ``bytes``) and ``outdated``, see `is_outdated`.
    """
    folder = opened.file.parent.resolve()
    found = []
    places = [("", "", results_folder(opened, ""), opened.file)]
    for one in opened.history.scenarios():
        path = opened.history.path(one["id"])
        places.append((one["id"], one["name"], path.with_suffix(""), path))
    places += [
        (f"{COMPARED}/{p.name}", p.name, p, p) for p in sorted((folder / COMPARED).glob("*"))
    ]
    for target, name, place, own in places:
        files = sorted(p for p in place.rglob("*") if p.is_file() and p.suffix in _TAKEN)
        inside = [p.resolve() for p in [*files, own] if p.is_file()]
        told = [
            {"path": p.relative_to(folder).as_posix(), "bytes": p.stat().st_size}
            for p in inside
            if p.is_relative_to(folder)
        ]
        outdated = is_outdated(opened, place / "run.json", own)
        found.append({"id": target, "name": name, "files": told, "outdated": outdated})
    return found


__all__ = ["COMPARED", "is_outdated", "results_folder", "results_of"]
