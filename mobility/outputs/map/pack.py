"""Arrays to text: filtered, deflated and base64-coded blobs that the page decodes when asked."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Coordinates are whole hundred-thousandths of a degree, about a metre.
DEGREE = 100_000
_LEVEL = 6
_RAW, _DELTA = 0, 1


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
            folded = ((steps << 1) ^ (steps >> 63)).astype("<u4")
            planes = folded.view(np.uint8).reshape(-1, 4).T
            data = bytes([int(delta)]) + planes.tobytes()
            self._keep(key, zlib.compress(data, _LEVEL))
        return self._known[key]

    def add_text(self, text: str) -> int:
        """Keep a text."""
        data = text.encode("utf-8")
        key = hashlib.sha256(b"t" + data).digest()
        if key not in self._known:
            self._keep(key, zlib.compress(data, _LEVEL))
        return self._known[key]

    def keep_text(self, text: str) -> int:
        """Keep the base64 text of a blob of another store."""
        key = hashlib.sha256(b"k" + text.encode("ascii")).digest()
        if key not in self._known:
            self._known[key] = len(self.texts)
            self.texts.append(text)
        return self._known[key]

    def add_json(self, value: object) -> int:
        """Keep a JSON value."""
        return self.add_text(compact_json(value))

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


def quantised(degrees: ArrayLike) -> NDArray[np.int64]:
    """Return degrees as whole hundred-thousandths."""
    return np.rint(np.asarray(degrees, np.float64) * DEGREE).astype(np.int64)


def add_paths(store: Store, paths: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """Keep polylines or rings (lon, lat): number of points of each, and all coordinates."""
    points = np.concatenate([np.asarray(p, np.float64) for p in paths]) if paths else _no_points()
    return {
        "n": store.add_ints([len(p) for p in paths]),
        "x": store.add_ints(quantised(points[:, 0]), delta=True),
        "y": store.add_ints(quantised(points[:, 1]), delta=True),
    }


def _no_points() -> NDArray[np.float64]:
    return np.zeros((0, 2))


def along_curve(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return an order of the points in which neighbours in space stand close (Morton curve)."""
    x = _spread(_ranked(lon))
    y = _spread(_ranked(lat))
    return np.argsort(x | (y << np.uint64(1)), kind="stable")


def _ranked(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    low, high = float(values.min()), float(values.max())
    return ((values - low) / ((high - low) or 1.0) * 65_535).astype(np.uint64)


def _spread(v: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero between any two bits of 16-bit numbers."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        v = (v | (v << np.uint64(shift))) & np.uint64(mask)
    return v
