"""Arrays to text, filtered, deflated and base64-coded blobs that the page decodes; and back.

One page shows the present, the levers and the shuttles, though two commands compute them: each
draws the present with what it found, and carries over what the other had put on the page.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mobility.base.arrays import Float, Int64
from mobility.base.i18n import typeset

#: Coordinates are whole hundred-thousandths of a degree, about a metre.
_DEGREE = 100_000
_LEVEL = 6
#: First byte of a blob of bytes: whether the page has to add up what follows.
_RAW, _DELTA = 0, 1
_MANIFEST = re.compile(r'id="mb-manifest">(.*?)</script>', re.DOTALL)
_BLOBS = re.compile(r'id="mb-blobs">(.*?)</script>', re.DOTALL)
#: What must be alike for a scenario of one page to be one of another.
_ALIKE = ("inputs", "version", "territory", "keys", "zones", "rosters", "shifts", "modes")
Manifest = dict[str, Any]


@dataclass
class Store:
    """Blobs in order of first use; the same content is kept once.

    A blob is named by its index. ``texts`` holds its base64 text; what it decodes to is
    known to the caller: bytes, whole numbers or UTF-8.
    """

    texts: list[str] = field(default_factory=list)
    _known: dict[bytes, int] = field(default_factory=dict)

    def add_bytes(self, array: ArrayLike) -> int:
        """Keep uint8 values, as they are or as differences, whichever deflates better."""
        values = np.ascontiguousarray(array, np.uint8)
        key = hashlib.sha256(b"b" + values.tobytes()).digest()
        if key not in self._known:
            # Differences wrap around in a byte, as do the sums of the page.
            steps = np.diff(values, prepend=np.uint8(0))
            tried = [
                zlib.compress(bytes([code]) + data.tobytes(), _LEVEL)
                for code, data in ((_RAW, values), (_DELTA, steps))
            ]
            self._keep(key, min(tried, key=len))
        return self._known[key]

    def add_ints(self, array: ArrayLike, *, delta: bool = False) -> int:
        """Keep int32 values, or their successive differences, as four planes of bytes."""
        values = np.asarray(array, np.int64).ravel()
        key = hashlib.sha256(b"i" + bytes([delta]) + values.tobytes()).digest()
        if key not in self._known:
            steps = np.diff(values, prepend=0) if delta else values
            # Small numbers of either sign get empty high bytes: planes that deflate to nothing.
            folded = ((steps << 1) ^ (steps >> 63)).astype("<u4")
            planes = folded.view(np.uint8).reshape(-1, 4).T
            data = bytes([int(delta)]) + planes.tobytes()
            self._keep(key, zlib.compress(data, _LEVEL))
        return self._known[key]

    def add_json(self, value: object) -> int:
        """Keep a JSON value."""
        data = compact_json(value).encode("utf-8")
        key = hashlib.sha256(b"t" + data).digest()
        if key not in self._known:
            self._keep(key, zlib.compress(data, _LEVEL))
        return self._known[key]

    def keep_text(self, text: str) -> int:
        """Keep the base64 text of a blob of another store."""
        return self.take([(hashlib.sha256(b"k" + text.encode("ascii")).hexdigest(), text)])[0]

    def blobs(self) -> list[tuple[str, str]]:
        """Return all blobs, with what each is known by."""
        return [(key.hex(), text) for key, text in zip(self._known, self.texts, strict=True)]

    def take(self, blobs: Sequence[tuple[str, str]]) -> list[int]:
        """Keep the `blobs` of another store; return the index of each here."""
        for known, text in blobs:
            key = bytes.fromhex(known)
            if key not in self._known:
                self._known[key] = len(self.texts)
                self.texts.append(text)
        return [self._known[bytes.fromhex(known)] for known, _ in blobs]

    def _keep(self, key: bytes, data: bytes) -> None:
        self._known[key] = len(self.texts)
        self.texts.append(base64.b64encode(data).decode("ascii"))


def compact_json(value: object) -> str:
    """Return JSON that is safe inside a script element: no ``<``, ``>``, ``&``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"),
                       ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):  # fmt: skip
        text = text.replace(sign, code)
    return text


@cache
def printed(name: str) -> str:
    """Return a name of the user's or of a source as it is printed, in either language."""
    return typeset(name, "en")


def quantised(degrees: ArrayLike) -> Int64:
    """Return degrees as whole hundred-thousandths."""
    return np.rint(np.asarray(degrees, np.float64) * _DEGREE).astype(np.int64)


def add_paths(store: Store, paths: Sequence[Float]) -> dict[str, Any]:
    """Keep polylines or rings (lon, lat): number of points of each, and all coordinates."""
    points = np.concatenate([np.zeros((0, 2)), *paths])
    return {
        "n": store.add_ints([len(p) for p in paths]),
        "x": store.add_ints(quantised(points[:, 0]), delta=True),
        "y": store.add_ints(quantised(points[:, 1]), delta=True),
    }


def along_curve(lon: Float, lat: Float) -> NDArray[np.intp]:
    """Return an order of the points in which neighbours in space stand close (Morton curve)."""
    from mobility.streets.graph import curve_order

    return curve_order(np.column_stack([_ranked(lon), _ranked(lat)]))


def _ranked(values: Float) -> NDArray[np.uint64]:
    low, high = float(values.min()), float(values.max())
    return ((values - low) / ((high - low) or 1.0) * 65_535).astype(np.uint64)


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
