"""What a study and its scenarios gave: the files, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mobility.studio.studies import Opened

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


def results_of(opened: Opened) -> list[dict[str, Any]]:
    """Return what there is to take away, by the study and then its scenarios."""
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
        found.append({"id": target, "name": name, "files": told})
    return found


__all__ = ["COMPARED", "results_folder", "results_of"]
