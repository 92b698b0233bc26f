"""Who may ask: a token in the address, the right host, and no more bytes than allowed.

And what the door and the workshop know of each other: the order, the headers, the sockets.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Bytes of a request: of an upload, and of any other.
_MOST_UPLOADED, _MOST_ASKED = 600_000_000, 2_000_000
SHELL = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: "
    "blob:; connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
#: A page of results holds its own script and style, and asks for nothing.
PAGE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "content-security-policy": SHELL,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Lets through what comes with the token, to the right host, from the studio's own pages.

    The token is the first part of every path, ``/t/<token>/``: pages name everything relative
    to themselves, so each of their requests carries it.

    Parameters
    ----------
    app
        What answers those let through.
    token
        The token.
    hosts
        Values of ``Host`` that are the studio's own.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Collection[str]) -> None:
        self.app, self.token, self.hosts = app, token, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        inner = self._inner(scope)
        if inner is None:
            if scope["type"] == "http":
                await PlainTextResponse("403", 403)(scope, receive, within(send))
            return
        counted = too_large(inner, receive)
        if counted is None:
            await PlainTextResponse("413", 413)(scope, receive, within(send))
            return
        await self.app(inner, counted, within(send))

    def _inner(self, scope: Scope) -> Scope | None:
        """Return the request as its answerer sees it, None where it may not be answered."""
        if scope["type"] != "http":
            return None
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin")
        if host not in self.hosts or origin not in (None, f"http://{host}"):
            return None
        # "none" is an address that was typed, or a bookmark.
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return None
        parts = scope["path"].split("/", 3)
        if len(parts) < 4 or parts[1] != "t":
            return None
        # Compared in the same time however many letters are right.
        if not secrets.compare_digest(parts[2].encode(), self.token.encode()):
            return None
        return {**scope, "path": f"/{parts[3]}", "raw_path": b""}


def within(send: Send) -> Send:
    """Return what sends an answer with the headers that keep other sites out."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def too_large(scope: Scope, receive: Receive) -> Receive | None:
    """Return what hands on the bytes of a request, None where it announces too many."""
    most = _MOST_UPLOADED if "/files/" in scope["path"] else _MOST_ASKED
    length = Headers(scope=scope).get("content-length", "0")
    if not length.isdigit() or int(length) > most:
        return None
    return _counted(receive, most)


def _counted(receive: Receive, most: int) -> Receive:
    """Hand on a request's bytes, and end it where there are too many."""
    got = 0

    async def receiving() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        return {"type": "http.disconnect"} if got > most else message

    return receiving


#: Headers that name the user and prove that the door asks; the address that tells whether something
#: is computed.
USER, SECRET, BUSY = "x-studio-user", "x-studio-secret", "/workshop/busy"


@dataclass(frozen=True)
class Order:
    """What a workshop is to serve.

    Attributes
    ----------
    place
        Folder of the studies, or one territory file; of several users, the folder of all.
    many
        Whether each user has studies of their own, in a folder of their name.
    demo
        Whether the demo is copied into the folder.
    boot
        Tells pages left open whether the studio was started again.
    language
        Of what goes wrong at the start, which the terminal is told.
    secret
        What every request must carry.
    kept
        The file of the steps made.
    """

    place: str
    many: bool
    demo: bool
    boot: str
    language: str
    secret: str
    kept: str


#: The port tried first, so that a page left open finds the studio again; then as many after it.
PORT, _TRIED = 8766, 20


def free_socket(port: int | None) -> socket.socket:
    """Return a socket bound to loopback: the port asked for, else the first free one."""
    for tried in [port] if port is not None else [*range(PORT, PORT + _TRIED), 0]:
        # asyncio sends at once on sockets that say they are TCP's; on others an answer's body waits
        # some 40 ms until the browser has acknowledged its head.
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", tried))
            found.listen(128)
        except OSError:
            found.close()
            if port is not None:
                raise
            continue
        return found
    raise OSError
