"""What an earlier page of the same inputs tells, read back and put into a new one.

One page shows the present, the levers and the shuttles, though two commands compute them: each
draws the present with what it found, and carries over what the other had put on the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobility.outputs.map.pack import Store

_MANIFEST = re.compile(r'id="mb-manifest">(.*?)</script>', re.DOTALL)
_BLOBS = re.compile(r'id="mb-blobs">(.*?)</script>', re.DOTALL)
#: What must be alike for a scenario of one page to be one of another.
_ALIKE = ("inputs", "version", "territory", "keys", "zones", "rosters", "shifts", "modes")

Manifest = dict[str, Any]


@dataclass(frozen=True)
class EarlierPage:
    """The manifest of a page and its blobs."""

    manifest: Manifest
    blobs: list[str]

    @property
    def inputs(self) -> str:
        """Hash of what its figures follow from; empty in a page that tells none."""
        return str(self.manifest.get("inputs", ""))

    @property
    def levers(self) -> list[Manifest]:
        """The levers that it tells, the cheapest per job first."""
        return list(self.manifest.get("levers", ()))


def read_page(path: Path) -> EarlierPage | None:
    """Return what a map page holds, None where it is no page of this software."""
    try:
        text = path.read_text(encoding="utf-8")
        found, blobs = _MANIFEST.search(text), _BLOBS.search(text)
        manifest = json.loads(found[1]) if found else None
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or blobs is None:
        return None
    return EarlierPage(manifest, blobs[1].split("\n"))


def carry(manifest: Manifest, store: Store, page: EarlierPage | None) -> None:
    """Put what an earlier page alone tells, levers or plans, into a manifest and its store."""
    if page is None or not page.inputs:
        return
    known = page.manifest
    alike = all(known.get(name) == manifest[name] for name in _ALIKE)
    if not alike or known["homes"]["n"] != manifest["homes"]["n"]:
        return
    if known["scenarios"][0]["name"] != manifest["scenarios"][0]["name"]:
        return
    moved: dict[int, int] = {}
    keep: Callable[[int], int] = lambda blob: store.keep_text(page.blobs[blob].strip())  # noqa: E731
    for part in ("levers", "plans"):
        if manifest[part] or not known.get(part):
            continue
        for row in known[part]:
            row = dict(row)  # noqa: PLW2901
            if row["scenario"] is not None:
                row["scenario"] = _scenario(manifest, known, row["scenario"], moved, keep)
            if part == "plans":
                row |= {name: keep(row[name]) for name in ("lines", "runs")}
            manifest[part].append(row)
        if part == "levers" and manifest["scenarios"][0]["fix"] is None:
            fix = known["scenarios"][0]["fix"]
            manifest["scenarios"][0]["fix"] = fix and [keep(blob) for blob in fix]


def _scenario(
    manifest: Manifest,
    known: Manifest,
    index: int,
    moved: dict[int, int],
    keep: Callable[[int], int],
) -> int:
    """Append a scenario of an earlier page unless it was; return its place."""
    if index not in moved:
        moved[index] = len(manifest["scenarios"])
        manifest["scenarios"].append(_with_blobs(known["scenarios"][index], keep))
    return moved[index]


def _with_blobs(scenario: Manifest, keep: Callable[[int], int]) -> Manifest:
    out = dict(scenario)
    for name in ("out", "back", "over", "zone", "fix", "share"):
        rows = scenario[name]
        out[name] = rows and [None if blob is None else keep(blob) for blob in rows]
    out["figures"] = {name: keep(blob) for name, blob in scenario["figures"].items()}
    return out
