"""Fetch a source over HTTP: resumed when cut, checked, cached by content, written whole.

The cache keeps each content once under its SHA-256 and, for each address, which content it
last gave. A later fetch asks the server whether it changed; without a connection the copy is
used. A cut download stays in the cache as a part and is resumed, never in the target's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from mobility.base.cache import cache_dir, mark_used, open_cache, trim_cache
from mobility.base.errors import DownloadError, system_reason
from mobility.base.files import writing
from mobility.sources.kept_downloads import Kind, Shelf, looks_like, place, remark

if TYPE_CHECKING:
    import requests

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
        shelf = Shelf(open_cache("downloads", base), url, data)
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
        place(blob, part, shared=base in target.parents)
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

    def run(self, shelf: Shelf) -> Literal["new", "same"]:
        """Try until the content is on the shelf."""
        import requests

        pause = self.patience.pause_s
        with requests.Session() as session:
            for attempt in range(self.patience.tries):
                try:
                    return self._try(session, shelf)
                except _Cut as cut:
                    last = attempt + 1 >= min(self.patience.tries, cut.tries)
                    if last:
                        raise cut.error from None
                    time.sleep(max(pause, cut.wait_s))
                    pause *= 2
        raise self.error("The server answered nothing.")

    def _try(self, session: requests.Session, shelf: Shelf) -> Literal["new", "same"]:
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
            problem = "{host} stopped answering."
            raise _Cut(self.error(problem)) from None
        except requests.RequestException:
            # Without a network, more tries only make one wait.
            raise _Cut(self.error("No connection to {host}."), tries=2) from None
        except DownloadError:
            raise
        except OSError as error:
            raise self.unwritable(shelf.folder, error) from None

    def _cut_error(self, shelf: Shelf) -> DownloadError:
        done = shelf.part.stat().st_size if shelf.part.is_file() else 0
        return self.error(
            "The download was cut after {done} bytes.",
            "Run the same command again, it resumes where it can; or download it elsewhere and "
            "save it as {target}.",
            done=done,
        )

    def _receive(
        self, answer: requests.Response, shelf: Shelf, start: int
    ) -> Literal["new", "same"]:
        status = answer.status_code
        if status == 304:
            return "same"
        # The part is as long as the file, or longer: there is nothing to go on with.
        if status == 416:
            shelf.drop_part()
            raise _Cut(self._status_error(status))
        if status in _RETRY_STATUS:
            raise _Cut(self._status_error(status), _retry_after(answer))
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
        self, answer: requests.Response, shelf: Shelf, start: int, total: int | None
    ) -> None:
        """Append the body to the part, which stays resumable if the line drops."""
        too_large = self.error(
            "The answer is larger than {limit} bytes.", limit=self.patience.max_bytes
        )
        if total is not None and total > self.patience.max_bytes:
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
                if done > self.patience.max_bytes:
                    shelf.drop_part()
                    raise too_large
                if self.on_bytes is not None:
                    self.on_bytes(done, total)
                if time.monotonic() > end:
                    raise _Cut(self.error("{host} is too slow."))
            if total is not None and done != total:
                raise _Cut(self._cut_error(shelf))

    def _blocks(self, answer: requests.Response, shelf: Shelf) -> Iterator[bytes]:
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

    def _check_content(self, shelf: Shelf) -> None:
        reason = remark(shelf.part) if self.kind == "osm" else ""
        if not reason and looks_like(shelf.part, self.kind):
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


def _retry_after(answer: requests.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _MAX_RETRY_AFTER_S) if text.isdigit() else 0.0
