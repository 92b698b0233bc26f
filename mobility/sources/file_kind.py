"""What a file is, by its first and last bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

Kind = Literal["any", "zip", "osm.pbf", "osm", "json", "csv"]
EDGE = 4096
_REMARK = re.compile(rb"<remark>(.*?)</remark>", re.DOTALL)


def looks_like(path: Path, kind: Kind) -> bool:
    """Whether a file begins as its kind does, and an OpenStreetMap one in XML ends as it should."""
    head, tail = _edges(path)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if kind == "zip":
        return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))
    if kind == "osm.pbf":
        return b"OSMHeader" in head[:64]
    if kind == "osm":
        return text.startswith(b"<") and b"<osm" in head and tail.rstrip().endswith(b"</osm>")
    if kind == "json":
        return text.startswith((b"{", b"["))
    if kind == "csv":
        return bool(text) and not text.startswith((b"<", b"{", b"PK\x03\x04"))
    return True


def remark(path: Path) -> str:
    """Return why a query service left its answer incomplete, empty when it did not."""
    found = _REMARK.search(_edges(path)[1])
    return "" if found is None else " ".join(found[1].decode("utf-8", "replace").split())


def _edges(path: Path) -> tuple[bytes, bytes]:
    """Return the first and the last bytes of a file."""
    with path.open("rb") as file:
        head = file.read(EDGE)
        file.seek(max(0, path.stat().st_size - EDGE))
        return head, file.read(EDGE)
