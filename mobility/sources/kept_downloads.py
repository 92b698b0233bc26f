"""What the cache keeps of downloads: each content once, what each address last gave, its kind."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mobility.base.cache import file_hash
from mobility.base.files import write_text

Kind = Literal["any", "zip", "osm.pbf", "osm", "json", "csv"]
_EDGE = 4096
_REMARK = re.compile(rb"<remark>(.*?)</remark>", re.DOTALL)


def place(blob: Path, part: Path, *, shared: bool) -> None:
    """Put a content at its place: a second name of it in the cache, a copy elsewhere."""
    if shared:
        try:
            part.hardlink_to(blob)
        except OSError:  # a file system without links
            shared = False
    if not shared:
        shutil.copyfile(blob, part)


def _is_plain(value: object) -> bool:
    """Whether a value of a note may stand in a header of a request."""
    return isinstance(value, str) and value.isascii() and (value.isprintable() or not value)


class Shelf:
    """What the cache holds about one address."""

    def __init__(self, folder: Path, url: str, data: Mapping[str, str] | None) -> None:
        asked = url if data is None else url + "\n" + json.dumps(dict(data), sort_keys=True)
        key = hashlib.sha256(asked.encode()).hexdigest()
        self.folder = folder
        self.url = url
        self.note = folder / f"{key}.json"
        self.part = folder / f"{key}.part"
        self.part_note = folder / f"{key}.part.json"

    def read(self, note: Path) -> dict[str, str]:
        """Return what a note says, empty when it is absent or harmed."""
        try:
            known = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(known, dict) or not all(map(_is_plain, known.values())):
            return {}
        return known

    def blob(self) -> Path:
        """Return where the content last given stands."""
        return self.folder / "content" / self.read(self.note).get("sha256", "none")

    def has_copy(self) -> bool:
        """Whether an earlier content is there, unharmed."""
        blob = self.blob()
        return blob.is_file() and file_hash(blob) == blob.name

    def resume_from(self) -> tuple[int, str]:
        """Return how many bytes of a cut download are there, and the validator to send."""
        known = self.read(self.part_note)
        validator = known.get("validator", "")
        if not validator or not self.part.is_file() or file_hash(self.part) != known.get("sha256"):
            return 0, ""
        return self.part.stat().st_size, validator

    @contextmanager
    def resumable(self, validator: str) -> Iterator[None]:
        """Note, where the block is cut short, what has come and for which version of the content.

        After a kill there is no note: what is there cannot be vouched for.
        """
        self.part_note.unlink(missing_ok=True)
        try:
            yield
        except BaseException:
            if self.part.is_file():
                note = {"url": self.url, "validator": validator, "sha256": file_hash(self.part)}
                write_text(self.part_note, json.dumps(note) + "\n")
            raise

    def drop_part(self) -> None:
        """Forget what a cut download left."""
        self.part.unlink(missing_ok=True)
        self.part_note.unlink(missing_ok=True)

    def keep(self, headers: Mapping[str, str]) -> None:
        """Move the complete part to its place and note what the address gave."""
        sha256 = file_hash(self.part)
        place = self.folder / "content" / sha256
        place.parent.mkdir(parents=True, exist_ok=True)
        self.part.replace(place)
        self.part_note.unlink(missing_ok=True)
        note = {
            "url": self.url,
            "sha256": sha256,
            "etag": headers.get("ETag", ""),
            "last_modified": headers.get("Last-Modified", ""),
        }
        write_text(self.note, json.dumps(note, indent=1, sort_keys=True) + "\n")


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
    # A network one has to log in to answers any question with a page.
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
        head = file.read(_EDGE)
        file.seek(max(0, path.stat().st_size - _EDGE))
        return head, file.read(_EDGE)
