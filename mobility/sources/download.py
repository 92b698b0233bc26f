"""Fetch a source over HTTP: resumed when cut, checked, cached by content, written whole.

The cache keeps each content once under its SHA-256 and, for each address, which content it
last gave. A later fetch asks the server whether it changed; without a connection the copy is
used. A cut download stays in the cache as a part and is resumed, never in the target's place.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from mobility.base.cache import cache_dir, file_hash, mark_used, open_cache, trim_cache
from mobility.base.errors import DownloadError, system_reason
from mobility.base.files import read_json, write_text, writing

if TYPE_CHECKING:
    import requests

Kind = Literal["any", "zip", "osm.pbf", "osm", "json", "csv"]
_EDGE = 4096
_REMARK = re.compile(rb"<remark>(.*?)</remark>", re.DOTALL)


class _Shelf:
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
        known = read_json(note) or {}
        # Each value may stand in a header of a request.
        plain = (isinstance(v, str) and v.isascii() and v.isprintable() for v in known.values())
        return known if all(plain) else {}

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


def _looks_like(head: bytes, tail: bytes, kind: Kind) -> bool:
    """Whether a file begins as its kind does, and an OpenStreetMap one in XML ends as it should."""
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


State = Literal["new", "same", "offline"]
OnBytes = Callable[[int, int | None], None]
_USER_AGENT = "mobility-shift (commute accessibility of industrial sites)"
_BLOCK = 1 << 16
# What a server may get over: too slow, too early, too much asked, out of order for a moment.
_RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_RETRY_AFTER_S = 60.0
_MAX_TRIES = 100


@dataclass(frozen=True)
class Patience:
    """How long and how often to try.

    Attributes
    ----------
    connect_s, read_s
        Longest silence while connecting and between two blocks, seconds.
    total_s
        Longest time one try may take, seconds.
    tries
        How many tries in all.
    pause_s
        Pause before the second try, doubled before each further one, seconds.
    max_bytes
        Largest answer accepted.
    """

    connect_s: float = 15.0
    read_s: float = 60.0
    total_s: float = 7200.0
    tries: int = 4
    pause_s: float = 2.0
    max_bytes: int = 16 << 30


def fetch(
    url: str,
    target: str | Path,
    *,
    kind: Kind = "any",
    data: Mapping[str, str] | None = None,
    patience: Patience = Patience(),
    cache: Path | None = None,
    on_bytes: OnBytes | None = None,
) -> State:
    """Fetch ``url`` into ``target``.

    Parameters
    ----------
    url
        ``http`` or ``https``; redirects are followed.
    target
        File to write, whole or not at all.
    kind
        What the content must be; an error page in its place is refused.
    data
        Form fields to POST (a query) instead of a plain GET.
    patience
        Time limits and tries.
    cache
        Cache folder; the user's by default.
    on_bytes
        Called with bytes so far and in all (None when unknown).

    Returns
    -------
    str
        ``new``, ``same`` (the server says it has not changed) or ``offline`` (an earlier
        copy, for the server could not be reached).

    Raises
    ------
    DownloadError
        Nothing usable could be fetched and no earlier copy is cached; says what to save
        where by hand.
    """
    target = Path(target)
    request = _Request(url, target, kind, data, patience, on_bytes)
    request.check_url()
    base = cache or cache_dir()
    try:
        shelf = _Shelf(open_cache("downloads", base), url, data)
    except OSError as error:
        raise request.unwritable(base, error) from None
    state: State
    try:
        state = request.run(shelf)
    except DownloadError:
        if not shelf.has_copy():
            raise
        state = "offline"
    blob = shelf.blob()
    with writing(target) as part:
        # In the cache a second name of the content, a copy elsewhere.
        if base in target.parents:
            with suppress(OSError):  # a file system without links
                part.hardlink_to(blob)
        if not part.exists():
            shutil.copyfile(blob, part)
    mark_used(blob)
    if cache is None:
        trim_cache(keep=blob)
    return state


class _Cut(Exception):  # noqa: N818
    """One try failed in a way that another may mend."""

    def __init__(
        self, error: DownloadError, wait_s: float = 0.0, *, tries: int = _MAX_TRIES
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s
        self.tries = tries


@dataclass(frozen=True)
class _Request:
    """One thing to fetch."""

    url: str
    target: Path
    kind: Kind
    data: Mapping[str, str] | None
    patience: Patience
    on_bytes: OnBytes | None

    def error(self, problem: str, mend: str | None = None, **params: str | int) -> DownloadError:
        by_hand = "Download it elsewhere and save it as {target}; then run the same command."
        error = DownloadError(problem, file=self.url, mend=mend or by_hand)
        error.params = {"target": self.target, "host": urlsplit(self.url).netloc, **params}
        error.args = (error.render("en"),)
        return error

    def unwritable(self, folder: Path, error: OSError) -> DownloadError:
        """Return the error about a cache that cannot be written to."""
        return DownloadError(
            "It cannot be written: {reason}.",
            file=folder,
            mend="Choose a folder you may write to, close the file elsewhere, or free some space.",
            reason=system_reason(error),
        )

    def check_url(self) -> None:
        """Raise when the address is none that is fetched."""
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            good = False
        if not good:
            raise DownloadError(
                "It is no web address.",
                file=self.url,
                mend="Write an address that begins with https://, or the path of a local file.",
            )

    def run(self, shelf: _Shelf) -> Literal["new", "same"]:
        """Try until the content is on the shelf."""
        import requests

        pause = self.patience.pause_s
        with requests.Session() as session:
            for attempt in range(self.patience.tries):
                try:
                    return self._try(session, shelf)
                except _Cut as cut:
                    if attempt + 1 >= min(self.patience.tries, cut.tries):
                        raise cut.error from None
                    time.sleep(max(pause, cut.wait_s))
                    pause *= 2
        raise self.error("The server answered nothing.")

    def _try(self, session: requests.Session, shelf: _Shelf) -> Literal["new", "same"]:
        import requests

        start, validator = shelf.resume_from()
        # Of a packed body the bytes that came do not tell where to go on.
        headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        elif self.data is None and shelf.has_copy():
            known = shelf.read(shelf.note)
            if known.get("etag"):
                headers["If-None-Match"] = known["etag"]
            elif known.get("last_modified"):
                headers["If-Modified-Since"] = known["last_modified"]
        try:
            with session.request(
                "GET" if self.data is None else "POST",
                self.url,
                data=None if self.data is None else dict(self.data),
                headers=headers,
                stream=True,
                timeout=(self.patience.connect_s, self.patience.read_s),
            ) as answer:
                return self._receive(answer, shelf, start)
        except requests.TooManyRedirects:
            raise self.error("The address redirects without end.") from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            raise self.error("The address redirects to no web address.") from None
        except requests.exceptions.ReadTimeout:
            raise _Cut(self.error("{host} stopped answering.")) from None
        except requests.RequestException:
            # Without a network, more tries only make one wait.
            raise _Cut(self.error("No connection to {host}."), tries=2) from None
        except DownloadError:
            raise
        except OSError as error:
            raise self.unwritable(shelf.folder, error) from None

    def _cut_error(self, shelf: _Shelf) -> DownloadError:
        done = shelf.part.stat().st_size if shelf.part.is_file() else 0
        return self.error(
            "The download was cut after {done} bytes.",
            "Run the same command again, it resumes where it can; or download it elsewhere and "
            "save it as {target}.",
            done=done,
        )

    def _receive(
        self, answer: requests.Response, shelf: _Shelf, start: int
    ) -> Literal["new", "same"]:
        status = answer.status_code
        if status == 304:
            return "same"
        # The part is as long as the file, or longer: there is nothing to go on with.
        if status == 416:
            shelf.drop_part()
            raise _Cut(self._status_error(status))
        if status in _RETRY_STATUS:
            text = answer.headers.get("Retry-After", "")
            wait_s = min(float(text), _MAX_RETRY_AFTER_S) if text.isdigit() else 0.0
            raise _Cut(self._status_error(status), wait_s)
        if status not in {200, 206}:
            raise self._status_error(status)
        # A server may answer with another range than the one it was asked for.
        begins = f"bytes {start}-"
        if status == 206 and not answer.headers.get("Content-Range", "").startswith(begins):
            shelf.drop_part()
            raise _Cut(self._status_error(status))
        start = start if status == 206 else 0
        length = answer.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        self._store(answer, shelf, start, total)
        self._check_content(shelf)
        shelf.keep(answer.headers)
        return "new"

    def _store(
        self, answer: requests.Response, shelf: _Shelf, start: int, total: int | None
    ) -> None:
        """Append the body to the part, which stays resumable if the line drops."""
        most = self.patience.max_bytes
        too_large = self.error("The answer is larger than {limit} bytes.", limit=most)
        if total is not None and total > most:
            raise too_large
        etag = answer.headers.get("ETag", "")
        # A weak tag cannot vouch for a range of bytes.
        strong = etag if etag and not etag.startswith("W/") else ""
        validator = strong or answer.headers.get("Last-Modified", "")
        if self.data is not None:
            validator = ""
        end = time.monotonic() + self.patience.total_s
        done = start
        with shelf.resumable(validator), shelf.part.open("ab" if start else "wb") as part:
            for block in self._blocks(answer, shelf):
                part.write(block)
                done += len(block)
                if done > most:
                    shelf.drop_part()
                    raise too_large
                if self.on_bytes is not None:
                    self.on_bytes(done, total)
                if time.monotonic() > end:
                    raise _Cut(self.error("{host} is too slow."))
            if total is not None and done != total:
                raise _Cut(self._cut_error(shelf))

    def _blocks(self, answer: requests.Response, shelf: _Shelf) -> Iterator[bytes]:
        """Yield what arrives as it arrives, so that a dripping link meets the time limit."""
        import urllib3

        read = getattr(answer.raw, "read1", answer.raw.read)
        try:
            while block := read(_BLOCK):
                yield block
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise _Cut(self.error("{host} stopped answering.")) from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise _Cut(self._cut_error(shelf)) from None

    def _check_content(self, shelf: _Shelf) -> None:
        with shelf.part.open("rb") as file:
            head = file.read(_EDGE)
            file.seek(max(0, shelf.part.stat().st_size - _EDGE))
            tail = file.read(_EDGE)
        # Why a query service left its answer incomplete.
        remark = _REMARK.search(tail) if self.kind == "osm" else None
        reason = "" if remark is None else " ".join(remark[1].decode("utf-8", "replace").split())
        if not reason and _looks_like(head, tail, self.kind):
            return
        shelf.drop_part()
        if reason:
            raise self.error(
                "The service did not finish its answer: {reason}.",
                "Ask for a smaller area, or later; or download an OpenStreetMap extract "
                "elsewhere and save it as {target}.",
                reason=reason.rstrip("."),
            )
        raise self.error("The answer is no {kind} file.", kind=self.kind)

    def _status_error(self, status: int) -> DownloadError:
        if status in {404, 410}:
            problem = "The server says there is no such file ({status})."
        elif status in {401, 403}:
            problem = "The server asks for a key or a login ({status})."
        else:
            problem = "The server answered with error {status}."
        return self.error(problem, status=status)
